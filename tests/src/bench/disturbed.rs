//! Logins beside an SMS gateway that is slow for others, and beside a directory that hangs for others.
//!
//! The measured logins are those of the logins part, but their texts leave through an HTTP gateway: the same that takes ten
//! seconds for the texts of the people who disturb. Rounds without and with disturbance take turns.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, ClientSet};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_radius_wire::{Code, SharedSecret};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::load::{self, Factor, Figures, Plan};
use super::otpost::Otpost;
use super::process::{Cpus, processors};
use super::texts::Inbox;
use super::{Bench, Outcome, SECRET, Scratch, median, names, say, sys, wait_for};
use crate::dice::Dice;
use crate::peers::hung::{Silent, SlowGateway};
use crate::stack::Texted;
use crate::vpn::{Answered, Vpn};

/// How long the gateway takes for the texts of people who disturb.
const SLOW: Duration = Duration::from_secs(10);
/// People who disturb, of each kind: half the texts that leave at once by default, all questions that a directory gets at once.
const PEOPLE: usize = 32;
/// Measured logins under way at once.
const WINDOW: usize = 16;
/// The VPN whose passwords the directory checks.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// What goes on beside the measured logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Beside {
    /// Nothing.
    Nothing,
    /// Logins whose texts take the gateway ten seconds.
    SlowTexts,
    /// Logins whose passwords a directory does not check.
    HungDirectory,
}

const ALL: [Beside; 3] = [Beside::Nothing, Beside::SlowTexts, Beside::HungDirectory];

/// Rounds with the same disturbance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) beside: Beside,
    pub(super) rounds: Vec<Round>,
}

/// A round: what the generator saw, and how many hung before and after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Round {
    pub(super) figures: Figures,
    pub(super) hung: [usize; 2],
}

/// All rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Disturbed {
    pub(super) date: u64,
    pub(super) users: usize,
    pub(super) people: usize,
    pub(super) window: usize,
    pub(super) seconds: f64,
    pub(super) rows: Vec<Row>,
}

impl Row {
    /// Median over the rounds.
    pub(super) fn median(&self, value: impl Fn(&Figures) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| value(&round.figures)))
    }
}

pub(super) fn measure(bench: &Bench) -> Outcome<Disturbed> {
    let all = processors()?;
    let scratch = Scratch::new();
    let mut otpost = Otpost::install(&scratch.path().join("otpost"), &bench.programs, &all)?;
    otpost.import(bench.users + 2 * PEOPLE)?;
    let phones = Phones::default();
    let gateway = gateway(bench.users, &otpost.inbox(), &phones)?;
    let directory = Silent::start();
    configure(&otpost, &gateway, &directory)?;
    let server = otpost.start(Cpus::All, &all)?;
    let place = Place {
        users: bench.users,
        server,
        phones,
        gateway,
        directory,
    };
    let secret = SharedSecret::new(SECRET.as_bytes())?;
    let mut rows = ALL.map(|beside| Row {
        beside,
        rounds: Vec::new(),
    });
    for number in 0..bench.rounds {
        for row in &mut rows {
            let disturbance = place.disturb(row.beside)?;
            let usual = Duration::from_secs(if number == 0 { 3 } else { 1 });
            let plan = Plan {
                server,
                from: IpAddr::V4(Ipv4Addr::LOCALHOST),
                secret: &secret,
                users: bench.users,
                window: WINDOW.min(bench.users),
                spin: false,
                warm_up: bench.warm_up.unwrap_or(usual),
                time: Duration::from_secs_f64(bench.seconds),
            };
            let mut inbox = Inbox::open(&otpost.inbox())?;
            let mut hung = Vec::new();
            let figures = load::run(&plan, Factor::Text(&mut inbox), || {
                hung.push(place.hung(row.beside));
            })?;
            disturbance.end(&place)?;
            say(&format!(
                "{:<14} {:>7.0}/s  p50 {:>7.0}  p99 {:>7.0}  longest {:>7.0} us  lost {} refused {}  hung {hung:?}",
                format!("{:?}", row.beside),
                figures.per_second,
                figures.p50,
                figures.p99,
                figures.max,
                figures.lost,
                figures.refused
            ));
            let hung = hung
                .try_into()
                .map_err(|_| "the measured time has a beginning and an end")?;
            row.rounds.push(Round { figures, hung });
        }
    }
    otpost.stop()?;
    Ok(Disturbed {
        date: sys::date().as_secs(),
        users: bench.users,
        people: PEOPLE,
        window: WINDOW.min(bench.users),
        seconds: bench.seconds,
        rows: rows.into(),
    })
}

/// The gateway alone, and a client whose passwords are checked by the directory alone.
fn configure(otpost: &Otpost, gateway: &SlowGateway, directory: &Silent) -> Outcome<()> {
    otpost.admin(AdminOp::SmsProviderAdd {
        name: "gateway".to_owned(),
        kind: "http".to_owned(),
        priority: None,
        sender: String::new(),
        config: Secret::new(gateway.settings().to_string()),
    })?;
    otpost.admin(AdminOp::SmsProviderRemove {
        name: "inbox".to_owned(),
    })?;
    let config = json!({
        "urls": [format!("ldap://{}", directory.address())], "start-tls": false, "insecure": true, "timeout-ms": 10_000,
        "bind": { "dn": "uid={user},ou=people,dc=corp,dc=example" },
    });
    otpost.admin(AdminOp::SourceAdd {
        name: "corp".to_owned(),
        kind: "ldap".to_owned(),
        config: Secret::new(config.to_string()),
    })?;
    otpost.admin(AdminOp::RadiusClientAdd {
        name: "elsewhere".to_owned(),
        networks: vec![format!("{ELSEWHERE}/32")],
        resource: "vpn".to_owned(),
        secret: Some(SECRET.into()),
        weak_secret: false,
        message_authenticator: MessageAuthenticator::Require,
        first_factor: Some("ldap:corp".to_owned()),
        set: ClientSet::default(),
    })?;
    Ok(())
}

/// Texts of measured users go on to `inbox`, others to `phones`.
fn gateway(users: usize, inbox: &Path, phones: &Phones) -> Outcome<SlowGateway> {
    let file = OpenOptions::new().create(true).append(true).open(inbox)?;
    let phones = phones.clone();
    let measured = move |to: &str| names::user_of(to).is_some_and(|user| user < users);
    Ok(SlowGateway::start(
        SLOW,
        move |to| !measured(to),
        move |text| {
            if measured(&text.to) {
                let line = json!({ "to": text.to, "text": text.text });
                // One write for each line, as the inbox itself does it; what is lost shows as a login without an end.
                let _ = (&file).write_all(format!("{line}\n").as_bytes());
            } else {
                phones.arrived(text);
            }
        },
    ))
}

/// Texts of people who disturb, by number.
#[derive(Debug, Clone, Default)]
struct Phones(Arc<(Mutex<HashMap<String, String>>, Condvar)>);

impl Phones {
    fn arrived(&self, text: &Texted) {
        let (codes, news) = &*self.0;
        let mut codes = codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.insert(text.to.clone(), text.code());
        news.notify_all();
    }

    /// The code that comes to this number.
    fn wait(&self, number: &str) -> Option<String> {
        let (codes, news) = &*self.0;
        let codes = codes.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut codes, _) = news
            .wait_timeout_while(codes, super::PATIENCE, |codes| !codes.contains_key(number))
            .unwrap_or_else(PoisonError::into_inner);
        codes.remove(number)
    }
}

struct Place {
    users: usize,
    server: SocketAddr,
    phones: Phones,
    gateway: SlowGateway,
    directory: Silent,
}

/// People who log in again and again, each by a thread.
struct Disturbance {
    stop: Arc<AtomicBool>,
    people: Vec<JoinHandle<Result<(), String>>>,
}

impl Place {
    /// Logins that hang at present.
    fn hung(&self, beside: Beside) -> usize {
        match beside {
            Beside::Nothing => 0,
            Beside::SlowTexts => self.gateway.holding(),
            Beside::HungDirectory => self.directory.waiting(),
        }
    }

    /// Begins, and returns when all who are to hang do.
    fn disturb(&self, beside: Beside) -> Outcome<Disturbance> {
        let stop = Arc::new(AtomicBool::new(false));
        self.gateway.slow_down();
        self.directory.hang();
        let first = match beside {
            Beside::Nothing => {
                return Ok(Disturbance {
                    stop,
                    people: Vec::new(),
                });
            }
            Beside::SlowTexts => self.users,
            Beside::HungDirectory => self.users + PEOPLE,
        };
        let people = (first..first + PEOPLE)
            .map(|user| {
                let person = Person {
                    user,
                    server: self.server,
                    phones: self.phones.clone(),
                    stop: Arc::clone(&stop),
                };
                thread::spawn(move || match beside {
                    Beside::HungDirectory => person.refused(),
                    Beside::Nothing | Beside::SlowTexts => person.texted(),
                })
            })
            .collect();
        let disturbance = Disturbance { stop, people };
        wait_for("all who disturb to hang", || {
            if disturbance.people.iter().any(JoinHandle::is_finished) {
                return Err("somebody who should disturb has ended".into());
            }
            Ok((self.hung(beside) >= PEOPLE).then_some(()))
        })?;
        Ok(disturbance)
    }
}

impl Disturbance {
    /// Lets everybody finish.
    fn end(self, place: &Place) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        place.gateway.release();
        place.directory.hang_up();
        for person in self.people {
            person.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    }
}

/// Somebody who disturbs.
struct Person {
    user: usize,
    server: SocketAddr,
    phones: Phones,
    stop: Arc<AtomicBool>,
}

impl Person {
    fn vpn(&self, own: Ipv4Addr) -> Vpn {
        // No two draw the same authenticators.
        let seed = sys::date().as_nanos() ^ (self.user as u128) << 64;
        let [low @ .., _, _, _, _, _, _, _, _] = seed.to_le_bytes();
        let [_, _, _, _, _, _, _, _, high @ ..] = seed.to_le_bytes();
        let dice = Dice::new(u64::from_le_bytes(low) ^ u64::from_le_bytes(high).rotate_left(32));
        Vpn::at(own, self.server, SECRET, dice)
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn expect(&self, answered: &Answered, code: Code) -> Result<(), String> {
        if answered.code == code {
            return Ok(());
        }
        let user = names::user(self.user);
        Err(format!(
            "{} instead of {code} for {user}: {}",
            answered.code, answered.message
        ))
    }

    /// Logs in; every text takes its time.
    fn texted(&self) -> Result<(), String> {
        let mut vpn = self.vpn(Ipv4Addr::LOCALHOST);
        let (user, number) = (names::user(self.user), names::phone(self.user));
        while self.goes_on() {
            let challenge = vpn.ask(&user, &names::password(self.user), None);
            self.expect(&challenge, Code::AccessChallenge)?;
            let code = self.phones.wait(&number).ok_or("a text that never came")?;
            let end = vpn.ask(&user, &code, Some(&challenge.state));
            self.expect(&end, Code::AccessAccept)?;
        }
        Ok(())
    }

    /// Tries to; the directory never says anything.
    fn refused(&self) -> Result<(), String> {
        let mut vpn = self.vpn(ELSEWHERE);
        while self.goes_on() {
            let end = vpn.ask(&names::user(self.user), "a password", None);
            self.expect(&end, Code::AccessReject)?;
        }
        Ok(())
    }
}
