//! The load generator: complete logins over RADIUS, so many at once, every reply's authenticators checked.
//!
//! One thread. A login is an Access-Request with a password; the Access-Challenge to it; a wait for the code, where that
//! travels in a text; a second Access-Request with it; the Access-Accept. Its time is that of all of it. As one login ends,
//! the next user's begins (closed loop).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MessageAuthenticator, Packet, RequestBuilder, SharedSecret, Signing,
    attribute,
};
use serde::{Deserialize, Serialize};

use super::texts::Inbox;
use super::{Outcome, PATIENCE, names, sys};

/// A request without a reply is sent again after this long,
const AGAIN: Duration = Duration::from_secs(2);
/// so many times.
const TRIES: u32 = 4;
/// Logins of one socket at most: its identifiers.
const IDENTIFIERS: usize = 256;
/// Sockets, each with a source port of its own.
const SOCKETS: usize = 4;

/// Where the second factor comes from.
#[derive(Debug)]
pub(super) enum Factor<'a> {
    /// There is none: the answer to the first request must be an Access-Accept.
    None,
    /// From a text in the development inbox.
    Text(&'a mut Inbox),
    /// From the digits in the challenge's Reply-Message.
    Message,
}

/// What to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) server: SocketAddr,
    pub(super) from: IpAddr,
    pub(super) secret: &'a SharedSecret,
    /// Users `0..users` take turns.
    pub(super) users: usize,
    /// Logins under way at once.
    pub(super) window: usize,
    /// Whether a processor is ours alone: then waiting costs nobody anything.
    pub(super) spin: bool,
    pub(super) warm_up: Duration,
    pub(super) time: Duration,
}

/// What came of it. Times in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) logins: u64,
    pub(super) per_second: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
    /// Median from request to challenge, from challenge to the code at hand, from answer to accept.
    pub(super) legs: [f64; 3],
    pub(super) sent_again: u64,
    pub(super) lost: u64,
    pub(super) forged: u64,
    pub(super) refused: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Free,
    Password,
    Waiting,
    Answered,
}

/// A login under way.
struct Login {
    phase: Phase,
    user: usize,
    begun: Instant,
    step: Instant,
    sent: Instant,
    tries: u32,
    authenticator: Authenticator,
    packet: [u8; 512],
    length: usize,
    state: Vec<u8>,
    label: String,
    legs: [u32; 3],
    /// Of each login its own: two that have it in common may be one login, asked for twice.
    port: [u8; 4],
}

/// SplitMix64: authenticators have to differ, not to be secret.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn authenticator(&mut self) -> Authenticator {
        let mut octets = [0; 16];
        let (left, right) = octets.split_at_mut(8);
        left.copy_from_slice(&self.next().to_ne_bytes());
        right.copy_from_slice(&self.next().to_ne_bytes());
        Authenticator(octets)
    }
}

/// Does what `plan` says. The first request of a user carries the password that [`names::password`] gives. `mark` is called as
/// the measured time begins and as it ends.
pub(super) fn run(plan: &Plan<'_>, factor: Factor<'_>, mark: impl FnMut()) -> Outcome<Figures> {
    let mut generator = Generator::new(plan, factor)?;
    generator.work(mark)
}

struct Generator<'p, 'f> {
    plan: &'p Plan<'p>,
    factor: Factor<'f>,
    sockets: Vec<UdpSocket>,
    /// Of socket s: s * 256 to s * 256 + 255.
    logins: Vec<Login>,
    /// Codes that came, by user, with their labels.
    codes: HashMap<usize, (String, String)>,
    /// Logins that wait for a code, by user.
    waiting: HashMap<usize, usize>,
    next_user: usize,
    random: Random,
    measuring: bool,
    /// Nothing new begins: what is under way ends, so that no challenge stays open for the next round.
    draining: bool,
    under_way: usize,
    measured: Duration,
    times: Vec<[u32; 4]>,
    figures: Figures,
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

impl<'p, 'f> Generator<'p, 'f> {
    fn new(plan: &'p Plan<'p>, factor: Factor<'f>) -> Outcome<Self> {
        let count = SOCKETS.min(plan.window);
        if plan.window == 0 || plan.window > count * IDENTIFIERS || plan.window > plan.users {
            return Err("the window must be 1 to 1024, and at most the number of users".into());
        }
        let mut sockets = Vec::new();
        for _ in 0..count {
            let socket = UdpSocket::bind((plan.from, 0))?;
            socket.connect(plan.server)?;
            socket.set_nonblocking(true)?;
            setsockopt(&socket, sockopt::RcvBuf, &(4 * 1024 * 1024))?;
            sockets.push(socket);
        }
        let now = sys::now();
        let free = || Login {
            phase: Phase::Free,
            user: 0,
            begun: now,
            step: now,
            sent: now,
            tries: 0,
            authenticator: Authenticator([0; 16]),
            packet: [0; 512],
            length: 0,
            state: Vec::new(),
            label: String::new(),
            legs: [0; 3],
            port: [0; 4],
        };
        Ok(Self {
            plan,
            factor,
            logins: (0..count * IDENTIFIERS).map(|_| free()).collect(),
            sockets,
            codes: HashMap::new(),
            waiting: HashMap::new(),
            next_user: 0,
            random: Random(u64::try_from(sys::date().as_nanos() & u128::from(u64::MAX))?),
            measuring: false,
            draining: false,
            under_way: 0,
            measured: Duration::ZERO,
            times: Vec::new(),
            figures: Figures::default(),
        })
    }

    fn work(&mut self, mut mark: impl FnMut()) -> Outcome<Figures> {
        let begun = sys::now();
        let from = begun + self.plan.warm_up;
        let until = from + self.plan.time;
        let per_socket = self.plan.window.div_ceil(self.sockets.len());
        let mut started = 0;
        for slot in 0..self.logins.len() {
            if slot % IDENTIFIERS < per_socket && started < self.plan.window {
                started += 1;
                self.begin(slot)?;
            }
        }
        let mut looked = begun;
        let mut buffer = [0; MAX_PACKET];
        loop {
            let mut worked = false;
            for number in 0..self.sockets.len() {
                while let Some(length) = self.receive(number, &mut buffer)? {
                    worked = true;
                    self.reply(number, buffer.get(..length).unwrap_or_default())?;
                }
            }
            worked |= self.texts()?;
            let now = sys::now();
            if !self.measuring && now >= from {
                self.measuring = true;
                mark();
                self.times.clear();
                self.figures = Figures::default();
            }
            // A round without a login would say nothing, however short it was to be.
            let enough = !self.times.is_empty() || now >= until + PATIENCE;
            if now >= until && enough && !self.draining {
                mark();
                self.draining = true;
                self.measured = now - from;
            }
            if self.draining && self.under_way == 0 {
                return Ok(self.finish());
            }
            if now - looked > Duration::from_millis(50) {
                looked = now;
                self.overdue(now)?;
            }
            if !worked {
                self.idle()?;
            }
        }
    }

    fn idle(&self) -> Outcome<()> {
        if self.plan.spin {
            std::hint::spin_loop();
            return Ok(());
        }
        // A millisecond where a text may come, as no descriptor tells of it.
        let wait = if self.waiting.is_empty() { 20_u16 } else { 1 };
        let mut wanted: Vec<PollFd<'_>> = self
            .sockets
            .iter()
            .map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN))
            .collect();
        poll(&mut wanted, PollTimeout::from(wait))?;
        Ok(())
    }

    fn receive(&self, number: usize, buffer: &mut [u8]) -> Outcome<Option<usize>> {
        let socket = self.sockets.get(number).ok_or("no such socket")?;
        match socket.recv(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(format!("{}: {error}", self.plan.server).into()),
        }
    }

    /// A login has ended; its place goes to the next user.
    fn next(&mut self, slot: usize) -> Outcome<()> {
        self.under_way -= 1;
        self.logins.get_mut(slot).ok_or("no such login")?.phase = Phase::Free;
        if self.draining { Ok(()) } else { self.begin(slot) }
    }

    /// The next user's login begins.
    fn begin(&mut self, slot: usize) -> Outcome<()> {
        self.under_way += 1;
        let user = self.next_user;
        self.next_user = (user + 1) % self.plan.users;
        self.codes.remove(&user);
        let now = sys::now();
        let [port @ .., _, _, _, _] = self.random.next().to_ne_bytes();
        let login = self.logins.get_mut(slot).ok_or("no such login")?;
        login.user = user;
        login.port = port;
        login.begun = now;
        login.legs = [0; 3];
        login.phase = Phase::Password;
        login.state.clear();
        self.request(slot, &names::password(user))
    }

    /// Writes and sends a request with `password`.
    fn request(&mut self, slot: usize, password: &str) -> Outcome<()> {
        let authenticator = self.random.authenticator();
        let login = self.logins.get_mut(slot).ok_or("no such login")?;
        let identifier = u8::try_from(slot % IDENTIFIERS)?;
        let signing = Signing::MessageAuthenticator;
        let secret = self.plan.secret;
        let code = Code::AccessRequest;
        let mut request = RequestBuilder::new(&mut login.packet, code, identifier, authenticator, signing)?;
        request.text(attribute::USER_NAME, &names::user(login.user))?;
        request.password(password.as_bytes(), secret)?;
        request.attribute(attribute::NAS_IP_ADDRESS, &[127, 0, 0, 1])?;
        request.attribute(attribute::NAS_PORT, &login.port)?;
        if !login.state.is_empty() {
            request.attribute(attribute::STATE, &login.state)?;
        }
        login.length = request.finish(secret).len();
        login.authenticator = authenticator;
        login.tries = 0;
        login.step = sys::now();
        self.send(slot)
    }

    fn send(&mut self, slot: usize) -> Outcome<()> {
        let login = self.logins.get_mut(slot).ok_or("no such login")?;
        let socket = self.sockets.get(slot / IDENTIFIERS).ok_or("no such socket")?;
        login.tries += 1;
        login.sent = sys::now();
        socket.send(login.packet.get(..login.length).unwrap_or_default())?;
        Ok(())
    }

    fn reply(&mut self, number: usize, datagram: &[u8]) -> Outcome<()> {
        let Ok(packet) = Packet::parse(datagram) else {
            self.figures.forged += 1;
            return Ok(());
        };
        let slot = number * IDENTIFIERS + usize::from(packet.identifier());
        let login = self.logins.get_mut(slot).ok_or("no such login")?;
        if !matches!(login.phase, Phase::Password | Phase::Answered) {
            // The second answer to a request that was sent again.
            return Ok(());
        }
        let checked = packet.check_reply(self.plan.secret, packet.identifier(), &login.authenticator);
        if checked != Ok(MessageAuthenticator::Valid) {
            self.figures.forged += 1;
            return Ok(());
        }
        let now = sys::now();
        let took = micros(now - login.step);
        match (login.phase, packet.code(), &self.factor) {
            (Phase::Password, Code::AccessAccept, Factor::None) => {
                login.legs = [took, 0, 0];
                self.end(slot, now)
            }
            (Phase::Password, Code::AccessChallenge, Factor::Text(_) | Factor::Message) => {
                login.legs = [took, 0, 0];
                login.step = now;
                login.state.clear();
                login.state.extend_from_slice(
                    packet
                        .first(attribute::STATE)
                        .ok_or("a challenge without State")?,
                );
                let message = packet
                    .first(attribute::REPLY_MESSAGE)
                    .ok_or("a challenge without Reply-Message")?;
                let message = std::str::from_utf8(message)?.to_owned();
                if matches!(self.factor, Factor::Message) {
                    let digits = message
                        .split(|c: char| !c.is_ascii_digit())
                        .find(|word| word.len() == 6);
                    let digits = digits.ok_or("a challenge without digits")?.to_owned();
                    return self.answer(slot, &digits);
                }
                let mut words = message.split(' ').skip_while(|word| *word != "text");
                words
                    .nth(1)
                    .ok_or("a challenge without a label")?
                    .clone_into(&mut login.label);
                login.phase = Phase::Waiting;
                let user = login.user;
                self.waiting.insert(user, slot);
                self.try_answer(user)
            }
            (Phase::Answered, Code::AccessAccept, _) => {
                let [_, _, last] = &mut login.legs;
                *last = took;
                self.end(slot, now)
            }
            (_, code, _) => {
                self.figures.refused += 1;
                if self.figures.refused == 1 {
                    let words = packet.first(attribute::REPLY_MESSAGE).unwrap_or_default();
                    super::say(&format!(
                        "{code} for {} instead of a login: {}",
                        names::user(login.user),
                        String::from_utf8_lossy(words)
                    ));
                }
                self.next(slot)
            }
        }
    }

    fn answer(&mut self, slot: usize, digits: &str) -> Outcome<()> {
        let now = sys::now();
        let login = self.logins.get_mut(slot).ok_or("no such login")?;
        login.phase = Phase::Answered;
        let [_, wait, _] = &mut login.legs;
        *wait = micros(now - login.step);
        self.request(slot, digits)
    }

    /// Takes over the codes that have come.
    fn texts(&mut self) -> Outcome<bool> {
        let Factor::Text(inbox) = &mut self.factor else {
            return Ok(false);
        };
        let mut came = Vec::new();
        inbox.read(|code| came.push(code))?;
        let any = !came.is_empty();
        for code in came {
            let Some(user) = names::user_of(&code.to) else {
                continue;
            };
            self.codes.insert(user, (code.label, code.digits));
            self.try_answer(user)?;
        }
        Ok(any)
    }

    /// Answers where both the challenge and its text have come, in whichever order.
    fn try_answer(&mut self, user: usize) -> Outcome<()> {
        let (Some(slot), Some((label, _))) = (self.waiting.get(&user).copied(), self.codes.get(&user)) else {
            return Ok(());
        };
        if self.logins.get(slot).is_none_or(|login| login.label != *label) {
            return Ok(());
        }
        self.waiting.remove(&user);
        let (_, digits) = self.codes.remove(&user).ok_or("a code that was there")?;
        self.answer(slot, &digits)
    }

    fn end(&mut self, slot: usize, now: Instant) -> Outcome<()> {
        let login = self.logins.get(slot).ok_or("no such login")?;
        if self.measuring && !self.draining {
            let [first, wait, last] = login.legs;
            self.times.push([micros(now - login.begun), first, wait, last]);
        }
        self.next(slot)
    }

    /// Sends again what has no reply, and gives up what has none after all.
    fn overdue(&mut self, now: Instant) -> Outcome<()> {
        for slot in 0..self.logins.len() {
            let Some(login) = self.logins.get(slot) else { break };
            let silent = now.saturating_duration_since(login.sent) > AGAIN;
            match login.phase {
                Phase::Password | Phase::Answered if silent && login.tries < TRIES => {
                    self.figures.sent_again += 1;
                    self.send(slot)?;
                }
                Phase::Password | Phase::Answered if silent => {
                    self.figures.lost += 1;
                    self.next(slot)?;
                }
                Phase::Waiting if now.saturating_duration_since(login.step) > AGAIN * TRIES => {
                    self.figures.lost += 1;
                    let user = login.user;
                    self.waiting.remove(&user);
                    self.next(slot)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Figures {
        let time = self.measured;
        let mut figures = std::mem::take(&mut self.figures);
        let column = |n: usize| {
            let mut all: Vec<u32> = self.times.iter().filter_map(|row| row.get(n).copied()).collect();
            all.sort_unstable();
            all
        };
        let all = column(0);
        figures.logins = u64::try_from(all.len()).unwrap_or(u64::MAX);
        figures.per_second = f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX)) / time.as_secs_f64();
        figures.p50 = quantile(&all, 500);
        figures.p99 = quantile(&all, 990);
        figures.max = quantile(&all, 1000);
        figures.legs = [1, 2, 3].map(|n| quantile(&column(n), 500));
        figures
    }
}

/// The value below which `permille` of the sorted values lie.
fn quantile(sorted: &[u32], permille: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * permille / 1000).copied().map_or(0.0, f64::from)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_of_the_sorted_values() {
        let values: Vec<u32> = (1..=1001).collect();
        assert!((quantile(&values, 500) - 501.0).abs() < 0.1);
        assert!((quantile(&values, 990) - 991.0).abs() < 0.1);
        assert!((quantile(&values, 1000) - 1001.0).abs() < 0.1);
        assert!(quantile(&[], 500).abs() < 0.1);
    }
}
