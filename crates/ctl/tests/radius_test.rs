//! `otpostctl radius test` against a scripted RADIUS server on a loopback socket.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

mod common;

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

use otpost_radius_wire::{
    Code, MAX_PACKET, MessageAuthenticator, Packet, ReplyBuilder, SharedSecret, attribute, reveal_password,
};
use serde_json::{Value, json};

use common::{Ran, Runner, Scratch};

const SECRET: &str = "a shared secret of ours";

/// What the server saw: password, State, whether signed.
type Seen = Arc<Mutex<Vec<(String, Option<Vec<u8>>, bool)>>>;

/// Right password -> challenge; right code with its State -> accept; anything else -> reject. It ignores the first
/// `deaf` packets and then signs with `secret`.
fn server(secret: &'static str, deaf: usize) -> (SocketAddr, Seen) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    thread::spawn(move || {
        let ours = SharedSecret::new(SECRET.as_bytes()).unwrap();
        let signer = SharedSecret::new(secret.as_bytes()).unwrap();
        let mut count = 0;
        loop {
            let mut buffer = [0; MAX_PACKET];
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            count += 1;
            if count <= deaf {
                continue;
            }
            let request = Packet::parse(&buffer[..length]).unwrap();
            let signed = request.check_message_authenticator(&ours).unwrap() == MessageAuthenticator::Valid;
            let hidden = request.first(attribute::USER_PASSWORD).unwrap();
            let password = reveal_password(hidden, &ours, &request.authenticator()).unwrap();
            let password = String::from_utf8(password.to_vec()).unwrap();
            let state = request.first(attribute::STATE).map(<[u8]>::to_vec);
            let code = match (password.as_str(), state.as_deref()) {
                ("correct horse", None) => Code::AccessChallenge,
                ("123456", Some(b"state-2")) => Code::AccessAccept,
                (_, Some(b"state-1")) => Code::AccessChallenge,
                _ => Code::AccessReject,
            };
            let mut out = [0; MAX_PACKET];
            let mut reply = ReplyBuilder::new(&mut out, code, &request).unwrap();
            if code == Code::AccessChallenge {
                let (text, next) = if state.is_none() {
                    ("Code, please", b"state-1")
                } else {
                    ("Wrong code", b"state-2")
                };
                reply.text(attribute::REPLY_MESSAGE, text).unwrap();
                reply.attribute(attribute::STATE, next).unwrap();
                reply.number(attribute::PROMPT, 0).unwrap();
            }
            log.lock().unwrap().push((password, state, signed));
            socket.send_to(reply.finish(&signer), from).unwrap();
        }
    });
    (address, seen)
}

fn test(runner: Runner, address: SocketAddr, more: &[&str]) -> Ran {
    let address = address.to_string();
    let line = ["radius", "test", "alice", "--server", &address, "--timeout", "1s"];
    runner.run(&[line.as_slice(), more].concat())
}

fn runner(scratch: &Scratch) -> Runner {
    Runner::new(&scratch.path("none"))
}

#[test]
fn a_login_with_a_wrong_and_a_right_code_is_accepted() {
    let scratch = Scratch::new();
    let (address, seen) = server(SECRET, 0);
    let ran = test(
        runner(&scratch).types(&[SECRET, "correct horse", "000000", "123456"]),
        address,
        &[],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    for word in [
        "Access-Request",
        "Access-Challenge",
        "Code, please",
        "Wrong code",
        "Access-Accept",
        "State=0x",
    ] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
    assert!(
        !ran.out.contains("correct horse") && !ran.out.contains(SECRET),
        "{}",
        ran.out
    );
    assert!(
        ran.prompts.iter().all(|(_, echo)| !echo),
        "Prompt=No-Echo is kept: {:?}",
        ran.prompts
    );
    let seen = seen.lock().unwrap();
    assert_eq!(
        *seen,
        [
            ("correct horse".to_owned(), None, true),
            ("000000".to_owned(), Some(b"state-1".to_vec()), true),
            ("123456".to_owned(), Some(b"state-2".to_vec()), true),
        ]
    );
}

#[test]
fn everything_may_come_from_standard_input() {
    let scratch = Scratch::new();
    let (address, _) = server(SECRET, 0);
    let input = format!("{SECRET}\ncorrect horse\n1\n123456\n");
    let more = ["--secret-file", "-", "--password-file", "-", "--json"];
    let ran = test(runner(&scratch).input(&input), address, &more);
    assert_eq!(ran.code, 0, "{ran:?}");
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        value,
        json!({ "re": "radius-test", "outcome": "accept", "message": "", "challenges": 2 })
    );
    let short = test(
        runner(&scratch).input(&format!("{SECRET}\ncorrect horse\n")),
        address,
        &more,
    );
    assert_eq!(short.code, 2, "{short:?}");
    assert!(short.err.contains("no terminal"), "{short:?}");
}

#[test]
fn a_reject_is_exit_1() {
    let scratch = Scratch::new();
    let (address, _) = server(SECRET, 0);
    let ran = test(runner(&scratch).types(&[SECRET, "wrong horse"]), address, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("Access-Reject"), "{ran:?}");
}

#[test]
fn a_lost_packet_is_sent_again() {
    let scratch = Scratch::new();
    let (address, seen) = server(SECRET, 1);
    let ran = test(runner(&scratch).types(&[SECRET, "wrong horse"]), address, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("answered after 2 packets"), "{ran:?}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn silence_is_exit_3_and_says_what_makes_servers_silent() {
    let scratch = Scratch::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let ran = test(runner(&scratch).types(&[SECRET, "x"]), address, &["--tries", "1"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("no known client"), "{ran:?}");
    drop(socket);
    let ran = test(runner(&scratch).types(&[SECRET, "x"]), address, &["--tries", "1"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("nobody listens"), "{ran:?}");
}

#[test]
fn an_answer_signed_with_another_secret_is_not_believed() {
    let scratch = Scratch::new();
    let (address, _) = server("somebody else's secret", 0);
    let ran = test(
        runner(&scratch).types(&[SECRET, "correct horse"]),
        address,
        &["--tries", "1"],
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("another shared secret"), "{ran:?}");
}

#[test]
fn old_equipment_can_be_imitated() {
    let scratch = Scratch::new();
    let (address, seen) = server(SECRET, 0);
    let more = ["--without-message-authenticator"];
    let ran = test(runner(&scratch).types(&[SECRET, "wrong horse"]), address, &more);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(*seen.lock().unwrap(), [("wrong horse".to_owned(), None, false)]);
}
