//! `otpostctl radius test` against a scripted RADIUS server on a loopback socket.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

mod common;

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

use otpost_radius_wire::{
    Chap, Code, EapCode, EapMethod, EapPacket, MAX_PACKET, MessageAuthenticator, MsChap, MsChapV2Accepted,
    Packet, ReplyBuilder, SharedSecret, attribute, join_eap, next_identifier, reveal_password,
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
        "State = 0x",
        "Prompt = ",
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
    let mut value: Value = serde_json::from_str(&ran.out).unwrap();
    let steps = value["steps"].take();
    assert_eq!(
        value,
        json!({ "re": "radius-test", "outcome": "accept", "message": "", "challenges": 2, "steps": null })
    );
    assert_eq!(steps.as_array().map(Vec::len), Some(3), "{steps}");
    assert_eq!(steps[0]["reply"], "Access-Challenge");
    let said = json!({ "name": "Reply-Message", "tag": null, "value": "\"Code, please\"" });
    assert_eq!(steps[0]["attributes"][0], said, "{steps}");
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

/// What a server of any method does: the password leads to a challenge, the code in. `honest`: it proves itself.
fn any_method(honest: bool) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let secret = SharedSecret::new(SECRET.as_bytes()).unwrap();
        loop {
            let mut buffer = [0; MAX_PACKET];
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            let request = Packet::parse(&buffer[..length]).unwrap();
            assert_eq!(
                request.check_message_authenticator(&secret),
                Ok(MessageAuthenticator::Valid)
            );
            let mut out = [0; MAX_PACKET];
            let reply = if request.has(attribute::EAP_MESSAGE) {
                eap_reply(&mut out, &request)
            } else {
                proof_reply(&mut out, &request, &secret, honest)
            };
            socket.send_to(reply.finish(&secret), from).unwrap();
        }
    });
    address
}

/// Whether the request proves `word`; and how the server proves itself in turn.
fn proves(request: &Packet<'_>, secret: &SharedSecret, word: &str) -> (bool, Option<MsChapV2Accepted>) {
    if let Some(hidden) = request.first(attribute::USER_PASSWORD) {
        let password = reveal_password(hidden, secret, &request.authenticator()).unwrap();
        return (*password == *word.as_bytes(), None);
    }
    if let Some(chap) = Chap::read(request).unwrap() {
        return (chap.verify(word.as_bytes()), None);
    }
    match MsChap::read(request).unwrap() {
        Some(MsChap::V2(response)) => {
            let accepted = response.verify(b"alice", word);
            (accepted.is_some(), accepted)
        }
        _ => (false, None),
    }
}

fn proof_reply<'b>(
    out: &'b mut [u8],
    request: &Packet<'_>,
    secret: &SharedSecret,
    honest: bool,
) -> ReplyBuilder<'b> {
    if request.code() == Code::StatusServer {
        return ReplyBuilder::new(out, Code::AccessAccept, request).unwrap();
    }
    let state = request.first(attribute::STATE);
    let (password, _) = proves(request, secret, "correct horse");
    let (code, accepted) = proves(request, secret, "123456");
    if password && state.is_none() {
        let mut reply = ReplyBuilder::new(out, Code::AccessChallenge, request).unwrap();
        reply.text(attribute::REPLY_MESSAGE, "Code, please").unwrap();
        reply.attribute(attribute::STATE, b"state-1").unwrap();
        return reply;
    }
    if !code || state != Some(b"state-1") {
        return ReplyBuilder::new(out, Code::AccessReject, request).unwrap();
    }
    let mut reply = ReplyBuilder::new(out, Code::AccessAccept, request).unwrap();
    reply.number(attribute::SESSION_TIMEOUT, 3600).unwrap();
    // Fortinet-Group-Name.
    reply.vendor(12356, 1, b"staff").unwrap();
    if let Some(accepted) = accepted.filter(|_| honest) {
        reply.ms_chap2_success(&accepted).unwrap();
    }
    reply
}

/// Wants MD5 first, then GTC: password, then code.
fn eap_reply<'b>(out: &'b mut [u8], request: &Packet<'_>) -> ReplyBuilder<'b> {
    let mut room = [0; MAX_PACKET];
    let octets = join_eap(request, &mut room).unwrap().unwrap();
    let eap = EapPacket::parse(octets).unwrap();
    let next = next_identifier(eap.identifier);
    let challenge = EapPacket {
        code: EapCode::Request,
        identifier: next,
        method: Some(EapMethod::Md5Challenge),
        data: &[1, 2],
    };
    let state = request.first(attribute::STATE);
    let (code, answer, state): (_, _, &[u8]) = match (eap.method, eap.data, state) {
        (Some(EapMethod::Identity), b"alice", None) => (Code::AccessChallenge, challenge, b"md5"),
        (Some(EapMethod::Nak), [6], Some(b"md5")) => (
            Code::AccessChallenge,
            EapPacket::gtc_request(next, "Password"),
            b"password",
        ),
        (Some(EapMethod::Gtc), b"correct horse", Some(b"password")) => (
            Code::AccessChallenge,
            EapPacket::gtc_request(next, "Code, please"),
            b"code",
        ),
        (Some(EapMethod::Gtc), b"123456", Some(b"code")) => {
            (Code::AccessAccept, EapPacket::success(eap.identifier), b"")
        }
        _ => (Code::AccessReject, EapPacket::failure(eap.identifier), b""),
    };
    let mut reply = ReplyBuilder::new(out, code, request).unwrap();
    reply.eap(&answer).unwrap();
    if !state.is_empty() {
        reply.attribute(attribute::STATE, state).unwrap();
    }
    reply
}

#[test]
fn every_method_takes_password_and_code() {
    let address = any_method(true);
    for method in ["pap", "chap", "mschapv2", "eap-gtc"] {
        let scratch = Scratch::new();
        let typed = runner(&scratch).types(&[SECRET, "correct horse", "123456"]);
        let ran = test(typed, address, &["--method", method]);
        assert_eq!(ran.code, 0, "{method}: {ran:?}");
        assert!(ran.out.contains("Code, please"), "{method}: {}", ran.out);
        assert!(
            !ran.out.contains("correct horse") && !ran.out.contains("123456"),
            "{method}: {}",
            ran.out
        );
        for wrong in [
            [SECRET, "wrong horse", "123456"],
            [SECRET, "correct horse", "654321"],
        ] {
            let ran = test(runner(&scratch).types(&wrong), address, &["--method", method]);
            assert_eq!(ran.code, 1, "{method}: {ran:?}");
        }
    }
}

#[test]
fn what_the_server_hands_on_is_shown_by_name() {
    let scratch = Scratch::new();
    let typed = runner(&scratch).types(&[SECRET, "correct horse", "123456"]);
    let ran = test(typed, any_method(true), &[]);
    for line in ["Session-Timeout = 3600", "Fortinet-Group-Name = \"staff\""] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
}

#[test]
fn a_server_that_does_not_prove_itself_is_not_believed() {
    let scratch = Scratch::new();
    let typed = runner(&scratch).types(&[SECRET, "correct horse", "123456"]);
    let ran = test(typed, any_method(false), &["--method", "mschapv2"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("MS-CHAP2-Success"), "{ran:?}");
}

#[test]
fn status_asks_without_a_user() {
    let scratch = Scratch::new();
    let server = any_method(true).to_string();
    let line = ["radius", "test", "--status", "--server", &server];
    let ran = runner(&scratch).types(&[SECRET]).run(&line);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("Status-Server to") && ran.out.contains("Access-Accept"),
        "{ran:?}"
    );
    let ran = runner(&scratch)
        .types(&[SECRET])
        .run(&[line.as_slice(), &["--json"]].concat());
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&value["outcome"], &value["steps"][0]["reply"]),
        (&json!("alive"), &json!("Access-Accept"))
    );
}
