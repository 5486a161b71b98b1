//! The helper as OpenVPN starts it, against a scripted RADIUS server on a loopback socket.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use data_encoding::BASE64;
use md5::{Digest, Md5};
use otpost_radius_wire::{
    Code, MAX_PACKET, MessageAuthenticator, Packet, ReplyBuilder, SharedSecret, attribute, reveal_password,
};

const SECRET: &str = "a shared secret of ours";
const PASSWORD: &str = "correct horse";
const CODE: &str = "493817";
const STATE: &[u8] = b"\0:state";

/// A directory that goes away with its value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otpost-openvpn-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        let mut file = fs::OpenOptions::new();
        let mut file = file
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Configuration and secret for these servers.
    fn config(&self, servers: &[SocketAddr]) -> PathBuf {
        let secret = self.write("secret", &format!("{SECRET}\n"));
        let servers: Vec<String> = servers
            .iter()
            .map(|server| format!("{:?}", server.to_string()))
            .collect();
        self.write(
            "openvpn.toml",
            &format!(
                "servers = [{}]\nsecret-file = {secret:?}\ntimeout = \"500ms\"\ntries = 2\n",
                servers.join(", ")
            ),
        )
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the server saw of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    user: String,
    password: String,
    state: Option<Vec<u8>>,
    station: Option<String>,
    session: Option<String>,
    nas: Option<String>,
}

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Fair,
    /// With a challenge that has no State.
    Stateless,
    /// With another secret.
    Forged,
    /// Without Message-Authenticator.
    Unsigned,
}

/// Right password: challenge. Right code with State, or behind the password: accepted. Else: rejected.
fn server(manner: Manner) -> (SocketAddr, Arc<Mutex<Vec<Seen>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    thread::spawn(move || {
        let ours = SharedSecret::new(SECRET.as_bytes()).unwrap();
        let signer = match manner {
            Manner::Forged => SharedSecret::new(b"somebody else's secret").unwrap(),
            _ => ours.clone(),
        };
        loop {
            let mut buffer = [0; MAX_PACKET];
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            let request = Packet::parse(&buffer[..length]).unwrap();
            assert_eq!(
                request.check_message_authenticator(&ours),
                Ok(MessageAuthenticator::Valid)
            );
            let text = |kind| {
                request
                    .first(kind)
                    .map(|v| String::from_utf8(v.to_vec()).unwrap())
            };
            let mut code = Code::AccessAccept;
            let mut message = "";
            if request.code() == Code::AccessRequest {
                let hidden = request.first(attribute::USER_PASSWORD).unwrap();
                let password = reveal_password(hidden, &ours, &request.authenticator()).unwrap();
                let one = Seen {
                    user: text(attribute::USER_NAME).unwrap(),
                    password: String::from_utf8(password.to_vec()).unwrap(),
                    state: request.first(attribute::STATE).map(<[u8]>::to_vec),
                    station: text(attribute::CALLING_STATION_ID),
                    session: text(attribute::ACCT_SESSION_ID),
                    nas: text(attribute::NAS_IDENTIFIER),
                };
                let both = format!("{PASSWORD}{CODE}");
                (code, message) = match (one.password.as_str(), one.state.as_deref()) {
                    (PASSWORD, None) => (Code::AccessChallenge, "Text K7: code?"),
                    (CODE, Some(STATE)) => (Code::AccessAccept, "Welcome"),
                    (given, None) if given == both => (Code::AccessAccept, ""),
                    (_, Some(STATE)) => (Code::AccessChallenge, "Wrong code, 4 tries left."),
                    _ => (Code::AccessReject, "Wrong name or password."),
                };
                log.lock().unwrap().push(one);
            }
            let mut out = [0; MAX_PACKET];
            let mut reply = ReplyBuilder::new(&mut out, code, &request).unwrap();
            reply.text(attribute::REPLY_MESSAGE, message).unwrap();
            if code == Code::AccessChallenge && manner != Manner::Stateless {
                reply.attribute(attribute::STATE, STATE).unwrap();
            }
            let mut octets = reply.finish(&signer).to_vec();
            if manner == Manner::Unsigned {
                // Message-Authenticator stands first: 18 octets behind the header.
                octets.drain(20..38);
                let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
                octets[2..4].copy_from_slice(&length);
                octets[4..20].copy_from_slice(&request.authenticator().0);
                let signed = Md5::new().chain_update(&octets).chain_update(SECRET).finalize();
                octets[4..20].copy_from_slice(&signed);
            }
            socket.send_to(&octets, from).unwrap();
        }
    });
    (address, seen)
}

/// What became of a login.
#[derive(Debug)]
struct Outcome {
    exit: Option<i32>,
    control: String,
    reason: String,
    log: String,
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpost-openvpn"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs the helper as OpenVPN does, and waits for the process that it leaves behind, which keeps standard error open.
fn login(scratch: &Scratch, config: &Path, password: &str) -> Outcome {
    let given = scratch.write("up.tmp", &format!("alice\n{password}\n"));
    let control = scratch.write("acf", "");
    let reason = scratch.write("afr", "");
    let output: Output = command()
        .arg("--config")
        .arg(config)
        .arg(&given)
        .env("script_type", "user-pass-verify")
        .env("auth_control_file", &control)
        .env("auth_failed_reason_file", &reason)
        .env("untrusted_ip", "198.51.100.7")
        .env("username", "alice")
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    Outcome {
        exit: output.status.code(),
        control: scratch.read("acf"),
        reason: scratch.read("afr"),
        log: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The answer of a client to a reason.
fn answer(reason: &str, typed: &str) -> String {
    let parts: Vec<&str> = reason.splitn(5, ':').collect();
    assert_eq!(parts[0], "CRV1", "{reason}");
    format!("CRV1::{}::{typed}", parts[2])
}

#[test]
fn a_dynamic_challenge_leads_from_the_password_to_the_code() {
    let scratch = Scratch::new();
    let (address, seen) = server(Manner::Fair);
    let config = scratch.config(&[address]);
    let asked = login(&scratch, &config, PASSWORD);
    assert_eq!((asked.exit, asked.control.as_str()), (Some(2), "0"), "{asked:?}");
    assert!(asked.reason.starts_with("CRV1:R,E:") && asked.reason.ends_with(":YWxpY2U=:Text K7: code?"));
    let wrong = login(&scratch, &config, &answer(&asked.reason, "000000"));
    assert_eq!(wrong.control, "0", "{wrong:?}");
    assert!(wrong.reason.ends_with(":Wrong code, 4 tries left."), "{wrong:?}");
    let right = login(&scratch, &config, &answer(&wrong.reason, CODE));
    assert_eq!(
        (right.exit, right.control.as_str(), right.reason.as_str()),
        (Some(2), "1", ""),
        "{right:?}"
    );
    assert!(right.log.contains("alice from 198.51.100.7: let in"), "{right:?}");

    let seen = seen.lock().unwrap();
    let passwords: Vec<&str> = seen.iter().map(|one| one.password.as_str()).collect();
    assert_eq!(passwords, [PASSWORD, "000000", CODE]);
    for one in seen.iter() {
        assert_eq!(
            (one.user.as_str(), one.station.as_deref(), one.nas.as_deref()),
            ("alice", Some("198.51.100.7"), Some("openvpn"))
        );
    }
    for outcome in [&asked, &wrong, &right] {
        for secret in [PASSWORD, CODE, SECRET, &BASE64.encode(STATE)] {
            assert!(!outcome.log.contains(secret), "{outcome:?}");
        }
    }
}

#[test]
fn a_static_challenge_is_sent_on_as_one_field_and_an_empty_one_as_the_password() {
    let scratch = Scratch::new();
    let (address, seen) = server(Manner::Fair);
    let config = scratch.config(&[address]);
    let password = BASE64.encode(PASSWORD.as_bytes());
    let both = format!("SCRV1:{password}:{}", BASE64.encode(CODE.as_bytes()));
    assert_eq!(login(&scratch, &config, &both).control, "1");
    let asked = login(&scratch, &config, &format!("SCRV1:{password}:"));
    assert!(asked.reason.starts_with("CRV1:"), "{asked:?}");
    let fields: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|one| one.password.clone())
        .collect();
    assert_eq!(fields, [format!("{PASSWORD}{CODE}"), PASSWORD.to_owned()]);
}

#[test]
fn a_refusal_tells_the_client_what_the_server_said() {
    let scratch = Scratch::new();
    let (address, _) = server(Manner::Fair);
    let config = scratch.config(&[address]);
    let refused = login(&scratch, &config, "wrong horse");
    assert_eq!(
        (refused.exit, refused.control.as_str(), refused.reason.as_str()),
        (Some(2), "0", "Wrong name or password."),
        "{refused:?}"
    );
}

#[test]
fn what_cannot_be_trusted_or_answered_lets_nobody_in() {
    for (manner, told) in [
        (Manner::Stateless, "Logins do not work at the moment."),
        (Manner::Forged, "The login server does not answer."),
        (Manner::Unsigned, "The login server does not answer."),
    ] {
        let scratch = Scratch::new();
        let (address, _) = server(manner);
        let config = scratch.config(&[address]);
        for password in [PASSWORD.to_owned(), format!("{PASSWORD}{CODE}")] {
            if manner == Manner::Stateless && password != PASSWORD {
                continue;
            }
            let outcome = login(&scratch, &config, &password);
            assert_eq!(outcome.control, "0", "{manner:?}: {outcome:?}");
            assert!(outcome.reason.starts_with(told), "{manner:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_server_that_is_silent_or_gone_is_passed_over_and_the_answer_finds_who_asked() {
    let scratch = Scratch::new();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (address, seen) = server(Manner::Fair);
    let config = scratch.config(&[silent.local_addr().unwrap(), gone, address]);
    let asked = login(&scratch, &config, PASSWORD);
    assert!(asked.reason.starts_with("CRV1:"), "{asked:?}");
    let mut buffer = [0; MAX_PACKET];
    let packets = [0, 1].map(|_| {
        let (length, _) = silent.recv_from(&mut buffer).unwrap();
        buffer[..length].to_vec()
    });
    assert_eq!(packets[0], packets[1], "a retransmit is the same packet");
    let session = Packet::parse(&packets[0])
        .unwrap()
        .first(attribute::ACCT_SESSION_ID)
        .map(|id| String::from_utf8(id.to_vec()).unwrap());
    assert_eq!(
        seen.lock().unwrap()[0].session,
        session,
        "the next server can join"
    );

    let right = login(&scratch, &config, &answer(&asked.reason, CODE));
    assert_eq!(right.control, "1", "{right:?}");
    silent.set_nonblocking(true).unwrap();
    assert!(
        silent.recv_from(&mut buffer).is_err(),
        "the third server was asked first"
    );

    let config = scratch.config(&[silent.local_addr().unwrap()]);
    let nobody = login(&scratch, &config, PASSWORD);
    assert_eq!(nobody.control, "0");
    assert_eq!(
        nobody.reason,
        "The login server does not answer. Try again in a minute."
    );
}

#[test]
fn garbage_is_refused_without_a_packet() {
    let scratch = Scratch::new();
    let (address, seen) = server(Manner::Fair);
    let config = scratch.config(&[address]);
    for field in ["CRV1::AA==::1", "CRV1::x", "SCRV1:x", &"x".repeat(20_000)] {
        let outcome = login(&scratch, &config, field);
        assert_eq!(outcome.control, "0", "{outcome:?}");
        assert!(
            outcome.reason.starts_with("The login got mixed up."),
            "{outcome:?}"
        );
    }
    let long = login(&scratch, &config, &"x".repeat(129));
    assert_eq!(long.reason, "This name or password is too long.");
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn an_open_secret_and_a_bad_file_keep_everybody_out() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let (address, seen) = server(Manner::Fair);
    let config = scratch.config(&[address]);
    fs::set_permissions(scratch.0.join("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = login(&scratch, &config, PASSWORD);
    assert_eq!(open.control, "0");
    assert!(open.log.contains("chmod go="), "{open:?}");
    let none = login(&scratch, &scratch.0.join("none.toml"), PASSWORD);
    assert_eq!(none.control, "0");
    assert_eq!(
        none.reason,
        "Logins do not work at the moment. Tell your administrator."
    );
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn started_by_openvpn_it_never_ends_with_0() {
    let scratch = Scratch::new();
    let (address, _) = server(Manner::Fair);
    let config = scratch.config(&[address]);
    let config = config.to_str().unwrap();
    for line in [
        vec!["--help"],
        vec!["--version"],
        vec!["--check", "--config", config],
        vec!["--nonsense"],
        vec![],
        vec!["up.tmp"],
    ] {
        let run = |by_openvpn: bool| {
            let mut command = command();
            command.args(&line);
            if by_openvpn {
                command.env("script_type", "user-pass-verify");
            }
            command.output().unwrap().status.code()
        };
        assert_eq!(run(true), Some(1), "{line:?}");
        assert_ne!(run(false), Some(2), "{line:?}");
    }
    let output = command().args(["--check", "--config", config]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && shown.contains(&format!("{address}: answers")),
        "{shown}"
    );
}

#[test]
fn passwords_in_the_environment_are_refused() {
    let scratch = Scratch::new();
    let output = command()
        .env("auth_control_file", scratch.write("acf", ""))
        .env("auth_failed_reason_file", scratch.write("afr", ""))
        .env("password", PASSWORD)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("via-file") && !log.contains(PASSWORD), "{log}");
}
