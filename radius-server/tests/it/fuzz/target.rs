//! The program under fuzz, the daemon that keeps the record, and what every reply must agree with.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use data_encoding::HEXLOWER;
use otpost_ipc::{Attribute, LoginReply, radius::RadiusOp};
use otpost_radius_wire::{Code, MAX_PACKET, MessageAuthenticator, Packet, SharedSecret, Signing, attribute};
use sha2::{Digest, Sha256};

use super::{dice::Dice, packets::Challenge};
use crate::common::{Act, Daemon, Folder, OLD_SECRET, SECRET, Vpn, clients, deny, typed, until};

/// Sessions and requests remembered: what is older has no answer any more.
const SESSIONS: usize = 4096;
const REQUESTS: usize = 12;
const CHALLENGES: usize = 64;

/// What the daemon has decided.
#[derive(Default)]
pub(super) struct Record {
    /// Sessions by name, and the attempt that has used its code.
    sessions: HashMap<String, Option<String>>,
    order: VecDeque<String>,
    /// Attempts that were let in.
    allowed: HashSet<String>,
}

impl Record {
    /// A daemon that lets in whoever types the code of a session, once.
    fn decide(&mut self, op: &RadiusOp) -> Act {
        let attempt = match op {
            RadiusOp::Begin(begin) => &begin.attempt,
            RadiusOp::Answer(answer) => &answer.attempt,
            other => panic!("{other:?}"),
        };
        let mut dice = Dice::new(u64::from_str_radix(&attempt[..16], 16).unwrap());
        let waits_for = matches!(op, RadiusOp::Begin(begin) if begin.user == "nobody");
        if dice.one_in(50) && !waits_for {
            return Act::Fail;
        }
        match op {
            RadiusOp::Begin(begin) if begin.user == "alice" && typed(op) == "right" => {
                let session = attempt[..32].to_owned();
                if !self.sessions.contains_key(&session) {
                    self.sessions.insert(session.clone(), None);
                    self.order.push_back(session.clone());
                    if self.order.len() > SESSIONS {
                        self.sessions.remove(&self.order.pop_front().unwrap());
                    }
                }
                Act::Say(prompt(&mut dice, session))
            }
            RadiusOp::Answer(answer) if answer.user == "alice" && typed(op) == "123456" => {
                let Some(used) = self.sessions.get_mut(&answer.session) else {
                    return Act::Say(deny());
                };
                if used.get_or_insert_with(|| attempt.clone()) != attempt {
                    return Act::Say(deny());
                }
                self.allowed.insert(attempt.clone());
                Act::Say(allow(&mut dice))
            }
            RadiusOp::Answer(answer) if self.sessions.contains_key(&answer.session) && dice.one_in(2) => {
                Act::Say(prompt(&mut dice, answer.session.clone()))
            }
            _ => Act::Say(deny()),
        }
    }
}

fn prompt(dice: &mut Dice, session: String) -> LoginReply {
    let text = match dice.below(4) {
        0 => String::new(),
        1 => "Ä🔒 ".repeat(dice.below(200)),
        _ => "Code sent to +49******678:".to_owned(),
    };
    LoginReply::Prompt {
        session,
        text,
        echo: dice.one_in(2),
        expires_in: 300,
    }
}

fn allow(dice: &mut Dice) -> LoginReply {
    let attributes = (0..dice.below(4))
        .map(|_| {
            let length = dice.below(40);
            Attribute {
                code: *dice.pick(&[11, 18, 25, 27]).unwrap(),
                value: HEXLOWER.encode(&dice.octets(length)),
            }
        })
        .collect();
    LoginReply::Allow {
        attributes,
        reason: otpost_ipc::AllowReason::Code,
    }
}

/// How many replies of each kind came.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replies {
    pub(super) accepts: u64,
    pub(super) rejects: u64,
    pub(super) challenges: u64,
    pub(super) accounting: u64,
    pub(super) status: u64,
}

/// A client's socket and what it has asked.
pub(super) struct Line {
    socket: UdpSocket,
    pub(super) secret: SharedSecret,
    pub(super) accounting: bool,
    /// Its Message-Authenticators are optional.
    pub(super) sloppy: bool,
    asked: HashMap<u8, VecDeque<Vec<u8>>>,
}

impl Line {
    fn new(server: SocketAddr, source: &str, secret: &str, accounting: bool) -> Self {
        let socket = UdpSocket::bind((source, 0)).unwrap();
        socket.connect(server).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            secret: SharedSecret::new(secret.as_bytes()).unwrap(),
            accounting,
            sloppy: secret == OLD_SECRET,
            asked: HashMap::new(),
        }
    }

    pub(super) fn send(&mut self, datagram: &[u8]) {
        // What is no request at all cannot be answered either.
        if let Some(identifier) = datagram.get(1) {
            let asked = self.asked.entry(*identifier).or_default();
            asked.push_back(datagram.to_vec());
            if asked.len() > REQUESTS {
                asked.pop_front();
            }
        }
        let _ = self.socket.send(datagram);
    }

    /// A request that was sent before, to be sent again.
    pub(super) fn again(&self, dice: &mut Dice) -> Option<Vec<u8>> {
        let identifier = dice.octet();
        self.asked.get(&identifier)?.back().cloned()
    }

    /// Looks at all replies that have come.
    pub(super) fn read(
        &mut self,
        record: &Mutex<Record>,
        replies: &mut Replies,
        challenges: &mut Vec<Challenge>,
    ) {
        let mut buffer = [0; MAX_PACKET];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let reply = Packet::parse(&buffer[..length]).expect("a reply is a packet");
            let asked = self.asked.get(&reply.identifier()).into_iter().flatten();
            let request = asked
                .filter_map(|octets| Packet::parse(octets).ok())
                .find(|request| {
                    let checked =
                        reply.check_reply(&self.secret, request.identifier(), &request.authenticator());
                    let bare = reply.code() == Code::AccountingResponse
                        && !request.has(attribute::MESSAGE_AUTHENTICATOR);
                    checked == Ok(MessageAuthenticator::Valid)
                        || (bare && checked == Ok(MessageAuthenticator::Absent))
                })
                .unwrap_or_else(|| {
                    let asked = self.asked.get(&reply.identifier());
                    panic!(
                        "a reply to nothing that was asked: {:?} to one of {asked:?}",
                        &buffer[..length]
                    )
                });
            let proxied: Vec<_> = request.all(attribute::PROXY_STATE).collect();
            assert_eq!(reply.all(attribute::PROXY_STATE).collect::<Vec<_>>(), proxied);
            match (request.code(), reply.code()) {
                (Code::AccessRequest, Code::AccessAccept) => {
                    let attempt = attempt(self.socket.local_addr().unwrap(), &request);
                    assert!(
                        record.lock().unwrap().allowed.contains(&attempt),
                        "an Accept without a code that was used: {:?}",
                        request.octets()
                    );
                    replies.accepts += 1;
                }
                (Code::AccessRequest, Code::AccessReject) => replies.rejects += 1,
                (Code::AccessRequest, Code::AccessChallenge) => {
                    replies.challenges += 1;
                    if challenges.len() >= CHALLENGES {
                        challenges.swap_remove(length % CHALLENGES);
                    }
                    let eap = reply.first(attribute::EAP_MESSAGE);
                    challenges.push(Challenge {
                        state: reply.first(attribute::STATE).unwrap_or_default().to_vec(),
                        eap: eap.and_then(|eap| eap.get(1).copied()),
                    });
                }
                (Code::AccountingRequest, Code::AccountingResponse) => replies.accounting += 1,
                (Code::StatusServer, Code::AccessAccept | Code::AccountingResponse) => replies.status += 1,
                (asked, said) => panic!("{said} to {asked}"),
            }
        }
    }
}

/// As the server names a request.
fn attempt(source: SocketAddr, request: &Packet<'_>) -> String {
    let IpAddr::V4(address) = source.ip() else {
        panic!("{source}")
    };
    let digest = Sha256::new()
        .chain_update(address.to_ipv6_mapped().octets())
        .chain_update(source.port().to_be_bytes())
        .chain_update([request.identifier()])
        .chain_update(request.authenticator().0)
        .finalize();
    HEXLOWER.encode(&digest)
}

/// Sends it until there is an answer.
fn answers(vpn: &Vpn, request: &[u8]) {
    vpn.socket
        .set_read_timeout(Some(Duration::from_millis(250)))
        .unwrap();
    until("the server answers still", || {
        vpn.socket.send(request).unwrap();
        vpn.socket.recv(&mut [0; MAX_PACKET]).is_ok()
    });
}

/// otpost-radius as a process of its own.
pub(super) struct Target {
    child: Child,
    folder: Folder,
    pub(super) access: SocketAddr,
    pub(super) accounting: SocketAddr,
    daemon: Daemon,
    pub(super) record: Arc<Mutex<Record>>,
}

impl Target {
    pub(super) fn start() -> Self {
        let folder = Folder::new();
        let socket = folder.0.join("s");
        let config = folder.0.join("radius.toml");
        let any = "127.0.0.1:0";
        // Little is cached, so that memory which only grows is seen soon.
        let text = format!(
            "listen = [\"{any}\"]\naccounting = [\"{any}\"]\nsocket = {socket:?}\ncache-entries = 1024\n\
             [log]\nlevel = \"off,otpost_radius::server=info\"\n"
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.0.join("log")).unwrap();
        let record: Arc<Mutex<Record>> = Arc::default();
        let decides = Arc::clone(&record);
        let mut table = clients();
        for client in &mut table {
            client.accounting = true;
            client.eap = true;
        }
        let daemon = Daemon::start_with(socket, table, move |op| decides.lock().unwrap().decide(op));
        let child = Command::new(env!("CARGO_BIN_EXE_otpost-radius"))
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(log)
            .env_remove("NOTIFY_SOCKET")
            .spawn()
            .unwrap();
        let (mut access, mut accounting) = (None, None);
        until("the server listens", || {
            let log = fs::read_to_string(folder.0.join("log")).unwrap();
            for line in log
                .lines()
                .filter(|line| line.ends_with(|last: char| last.is_ascii_digit()))
            {
                let address = line
                    .rsplit_once("address=")
                    .map(|(_, address)| address.parse().ok());
                let slot = if line.contains("for accounting") {
                    &mut accounting
                } else {
                    &mut access
                };
                *slot = address.flatten().or(*slot);
            }
            accounting.is_some() && access.is_some()
        });
        let target = Self {
            child,
            folder,
            access: access.unwrap(),
            accounting: accounting.unwrap(),
            daemon,
            record,
        };
        let vpn = Vpn::new(target.access, "127.0.0.1");
        until("the server answers", || vpn.answers_status());
        target
    }

    /// Sockets of all kinds of clients.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (accounting, server) in [
            (false, self.access),
            (false, self.access),
            (true, self.accounting),
        ] {
            lines.push(Line::new(server, "127.0.0.1", SECRET, accounting));
            lines.push(Line::new(server, "127.0.0.3", OLD_SECRET, accounting));
        }
        // One that nobody knows.
        lines.push(Line::new(
            self.access,
            &Ipv4Addr::new(127, 0, 0, 2).to_string(),
            SECRET,
            false,
        ));
        lines
    }

    /// Makes sure that everything sent so far was dealt with, and that the server lives.
    pub(super) fn wait_for(&mut self) {
        for source in ["127.0.0.1", "127.0.0.3"] {
            // Each waits in line behind those of its client.
            let access = Vpn::new(self.access, source);
            answers(&access, &access.begin("nobody", ""));
            let accounting = Vpn::new(self.accounting, source);
            let interim = accounting.account(Signing::None, |request| {
                request.number(attribute::ACCT_STATUS_TYPE, 3).unwrap();
            });
            answers(&accounting, &interim);
        }
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the server has ended: {ended:?}\n{}", self.log());
        // The record is what counts; the rest would only grow.
        self.daemon.asked.lock().unwrap().clear();
        self.daemon.told.accounts.lock().unwrap().clear();
        self.daemon.told.reports.lock().unwrap().clear();
        self.daemon.told.signed.lock().unwrap().clear();
    }

    /// Resident memory in KiB.
    pub(super) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }

    /// Ends the server as a service manager does.
    pub(super) fn stop(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let mut status = None;
        until("the server ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(status.unwrap().success(), "{status:?}\n{}", self.log());
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
