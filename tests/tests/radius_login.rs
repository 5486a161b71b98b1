//! VPN logins through otpost-radius and otpostd, asked for by FreeRADIUS' radclient.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::UdpSocket;
use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings};
use otpost_radius_wire::{Authenticator, Code, Packet, RequestBuilder, SharedSecret, Signing, attribute};
use otpost_tests::radclient::{self, Received};
use otpost_tests::stack::{PASSWORD, SECRET, Stack};

fn first(stack: &Stack, user: &str, password: &str) -> Received {
    radclient::ask(stack.address(), SECRET, &radclient::password(user, password), 5)
}

fn then(stack: &Stack, user: &str, state: &str, code: &str) -> Received {
    radclient::ask(stack.address(), SECRET, &radclient::code(user, state, code), 5)
}

/// A first request that must be challenged; gives State and code.
fn challenged(stack: &Stack, user: &str) -> (String, String) {
    let before = stack.texts().len();
    let reply = first(stack, user, PASSWORD);
    assert!(reply.is("Access-Challenge"), "{reply:?}");
    (reply.state(), stack.text_after(before).code())
}

/// Six digits that are not `code`.
fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

#[test]
fn the_right_password_and_the_code_of_one_text_let_in() {
    let stack = Stack::vpn();
    let reply = first(&stack, "alice", PASSWORD);
    assert!(reply.is("Access-Challenge"), "{reply:?}");
    assert_eq!(
        reply.attributes.first().map(|(n, _)| n.as_str()),
        Some("Message-Authenticator")
    );
    assert!(
        reply.get("Reply-Message").unwrap().contains("+49 *** *** 78"),
        "{reply:?}"
    );
    assert_eq!(reply.get("Session-Timeout"), Some("300"));
    let text = stack.text_after(0);
    assert_eq!(text.to, "+491712345678");
    assert!(text.text.starts_with("vpn: "), "{}", text.text);
    assert!(reply.get("Reply-Message").unwrap().contains(&text.label()));
    let reply = then(&stack, "alice", &reply.state(), &text.code());
    assert!(reply.is("Access-Accept") && reply.success, "{reply:?}");
    assert_eq!(stack.settled(), 1);
}

#[test]
fn two_wrong_codes_then_the_right_one_let_in_with_one_text_and_no_second_password() {
    let stack = Stack::vpn();
    let (state, code) = challenged(&stack, "alice");
    let again = then(&stack, "alice", &state, &wrong(&code));
    assert!(again.is("Access-Challenge"), "{again:?}");
    assert!(
        again
            .get("Reply-Message")
            .unwrap()
            .starts_with("Wrong code, 4 tries left."),
        "{again:?}"
    );
    assert_ne!(again.state(), state);
    let again = then(&stack, "alice", &again.state(), "no digits at all");
    assert!(again.is("Access-Challenge"), "{again:?}");
    let reply = then(&stack, "alice", &again.state(), &code);
    assert!(reply.is("Access-Accept"), "{reply:?}");
    assert_eq!(stack.settled(), 1);
}

#[test]
fn five_wrong_codes_lock_the_user_and_then_even_the_password_gets_no_text() {
    let stack = Stack::vpn();
    let (mut state, code) = challenged(&stack, "alice");
    for _ in 0..4 {
        let again = then(&stack, "alice", &state, &wrong(&code));
        assert!(again.is("Access-Challenge"), "{again:?}");
        state = again.state();
    }
    assert!(then(&stack, "alice", &state, &wrong(&code)).is("Access-Reject"));
    assert!(then(&stack, "alice", &state, &code).is("Access-Reject"));
    assert!(first(&stack, "alice", PASSWORD).is("Access-Reject"));
    assert_eq!(stack.settled(), 1);
    let reasons = stack.reasons();
    assert!(reasons.contains(&"otp-locked-now".to_owned()) && reasons.contains(&"otp-locked".to_owned()));
    stack.admin(AdminOp::UserUnlock {
        user: "alice".to_owned(),
    });
    let (state, code) = challenged(&stack, "alice");
    assert!(then(&stack, "alice", &state, &code).is("Access-Accept"));
}

#[test]
fn refusals_look_alike_and_send_nothing() {
    let stack = Stack::vpn();
    stack.user("bob", 2222, &["vpn"]);
    stack.admin(AdminOp::UserLock {
        user: "bob".to_owned(),
        why: "left".to_owned(),
    });
    stack.user("carol", 3333, &["vpn"]);
    stack.admin(AdminOp::UserUnbind {
        user: "carol".to_owned(),
        resource: "vpn".to_owned(),
    });
    let refused = [
        first(&stack, "alice", "wrong password"),
        first(&stack, "nobody", PASSWORD),
        first(&stack, "bob", PASSWORD),
        first(&stack, "bob", "wrong password"),
        first(&stack, "carol", PASSWORD),
    ];
    for reply in &refused {
        assert!(reply.is("Access-Reject") && !reply.success, "{reply:?}");
        assert_eq!(reply.length, refused[0].length, "{reply:?}");
        assert_eq!(reply.attributes.len(), refused[0].attributes.len());
    }
    assert_eq!(stack.settled(), 0);
    let reasons = stack.reasons();
    for reason in [
        "wrong-password",
        "unknown-user",
        "admin-locked",
        "not-in-resource",
    ] {
        assert!(
            reasons.iter().any(|r| r == reason),
            "{reason} is missing in {reasons:?}"
        );
    }
}

#[test]
fn a_state_serves_its_own_user_client_and_login_once() {
    let mut stack = Stack::new();
    stack.inbox();
    stack.resource("vpn", ResourceSettings::default());
    stack.client("gw", "127.0.0.1/32", "vpn", "local");
    stack.client("gw2", "::1/128", "vpn", "local");
    stack.user("alice", 1111, &["vpn"]);
    stack.user("bob", 2222, &["vpn"]);
    stack.start_radius("[::]:0");
    let v4 = (std::net::Ipv4Addr::LOCALHOST, stack.address().port()).into();
    let v6 = (std::net::Ipv6Addr::LOCALHOST, stack.address().port()).into();
    let ask = |server, attributes: &str| radclient::ask(server, SECRET, attributes, 5);
    let reply = ask(v4, &radclient::password("alice", PASSWORD));
    assert!(reply.is("Access-Challenge"), "{reply:?}");
    let (state, code) = (reply.state(), stack.text_after(0).code());
    // Of another user.
    assert!(ask(v4, &radclient::code("bob", &state, &code)).is("Access-Reject"));
    // Through another client.
    assert!(ask(v6, &radclient::code("alice", &state, &code)).is("Access-Reject"));
    // Never issued.
    let unknown = format!("0x{}", "00".repeat(16));
    assert!(ask(v4, &radclient::code("alice", &unknown, &code)).is("Access-Reject"));
    // None of that hurt the login, and another spelling of the name is the same user.
    assert!(ask(v4, &radclient::code("CORP\\\\alice", &state, &code)).is("Access-Accept"));
    // Used.
    assert!(ask(v4, &radclient::code("alice", &state, &code)).is("Access-Reject"));
    assert_eq!(stack.settled(), 1);
}

#[test]
fn a_code_of_one_login_is_none_for_another() {
    let stack = Stack::vpn();
    let (one, code_one) = challenged(&stack, "alice");
    let (two, code_two) = challenged(&stack, "alice");
    assert_ne!(one, two);
    if code_one != code_two {
        let again = then(&stack, "alice", &two, &code_one);
        assert!(again.is("Access-Challenge"), "{again:?}");
        assert!(then(&stack, "alice", &again.state(), &code_two).is("Access-Accept"));
    }
    // The other login is untouched.
    assert!(then(&stack, "alice", &one, &code_one).is("Access-Accept"));
}

fn request(id: u8, authenticator: u8, user: &str, password: &str) -> Vec<u8> {
    let secret = SharedSecret::new(SECRET.as_bytes()).unwrap();
    let mut buffer = [0; 4096];
    let authenticator = Authenticator([authenticator; 16]);
    let mut request = RequestBuilder::new(
        &mut buffer,
        Code::AccessRequest,
        id,
        authenticator,
        Signing::MessageAuthenticator,
    )
    .unwrap();
    request.text(attribute::USER_NAME, user).unwrap();
    request.password(password.as_bytes(), &secret).unwrap();
    request.attribute(attribute::PROXY_STATE, b"first").unwrap();
    request.attribute(attribute::PROXY_STATE, b"second").unwrap();
    request.finish(&secret).to_vec()
}

fn exchange(socket: &UdpSocket, datagram: &[u8]) -> Vec<u8> {
    socket.send(datagram).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

#[test]
fn ten_retransmits_get_identical_octets_and_one_text() {
    let stack = Stack::vpn();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.connect(stack.address()).unwrap();
    let datagram = request(7, 0x5a, "alice", PASSWORD);
    let replies: Vec<Vec<u8>> = (0..10).map(|_| exchange(&socket, &datagram)).collect();
    assert!(replies.iter().all(|r| *r == replies[0]));
    let packet = Packet::parse(&replies[0]).unwrap();
    assert_eq!(packet.code(), Code::AccessChallenge);
    let kinds: Vec<Vec<u8>> = packet.all(attribute::PROXY_STATE).map(<[u8]>::to_vec).collect();
    assert_eq!(kinds, [b"first".to_vec(), b"second".to_vec()]);
    assert_eq!(stack.settled(), 1);
}

#[test]
fn a_retransmit_after_a_restart_of_the_radius_server_is_the_same_login() {
    let mut stack = Stack::vpn();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.connect(stack.address()).unwrap();
    let datagram = request(7, 0x5a, "alice", PASSWORD);
    let before = exchange(&socket, &datagram);
    let address = stack.address().to_string();
    stack.radius.as_mut().unwrap().kill();
    stack.start_radius(&address);
    let after = exchange(&socket, &datagram);
    let state = |octets: &[u8]| {
        Packet::parse(octets)
            .unwrap()
            .first(attribute::STATE)
            .unwrap()
            .to_vec()
    };
    assert_eq!(state(&before), state(&after));
    assert_eq!(stack.settled(), 1);
}

#[test]
fn an_expired_challenge_is_refused() {
    // The shortest code lives a minute; the daemon's own clock cannot be turned from outside, so the database is.
    let mut stack = Stack::vpn();
    let (state, code) = challenged(&stack, "alice");
    assert_eq!(stack.settled(), 1);
    stack.daemon.as_mut().unwrap().stop();
    age_challenges(&stack);
    stack.start_daemon();
    let reply = otpost_tests::pamstack::wait_for("otpost-radius to be connected again", || {
        let reply = radclient::ask(
            stack.address(),
            SECRET,
            &radclient::code("alice", &state, &code),
            1,
        );
        reply.code.is_some().then_some(reply)
    });
    assert!(reply.is("Access-Reject"), "{reply:?}");
    assert!(
        stack.reasons().contains(&"expired".to_owned()),
        "{:?}",
        stack.reasons()
    );
}

/// Moves every challenge ten minutes into the past.
fn age_challenges(stack: &Stack) {
    let script = "import sqlite3,sys,json\n\
        db=sqlite3.connect(sys.argv[1])\n\
        cols=[r[1] for r in db.execute('pragma table_info(challenges)')]\n\
        for c in cols:\n\
        \x20   if c in ('created','expires','deadline'):\n\
        \x20       db.execute(f'update challenges set {c}={c}-600000')\n\
        if 'body' in cols:\n\
        \x20   for i,b in db.execute('select id,body from challenges').fetchall():\n\
        \x20       d=json.loads(b)\n\
        \x20       for k in ('created','expires','deadline'):\n\
        \x20           if k in d: d[k]-=600000\n\
        \x20       db.execute('update challenges set body=? where id=?',(json.dumps(d),i))\n\
        db.commit()\n";
    let status = std::process::Command::new("/usr/bin/python3")
        .args(["-c", script])
        .arg(stack.dir().join("data/otpost.db"))
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn what_is_malformed_unsigned_or_unknown_gets_silence() {
    let mut stack = Stack::vpn();
    // Another source address is no client.
    let strange = UdpSocket::bind("127.0.0.2:0").unwrap();
    let known = UdpSocket::bind("127.0.0.1:0").unwrap();
    for socket in [&strange, &known] {
        socket.connect(stack.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    }
    let good = request(9, 1, "alice", PASSWORD);
    strange.send(&good).unwrap();
    let mut short = good.clone();
    short.truncate(19);
    let mut length = good.clone();
    length[3] = length[3].wrapping_add(1);
    let mut overrun = good.clone();
    overrun[21] = 255;
    let mut zero = good.clone();
    zero[21] = 0;
    let mut forged = good;
    let at = forged.len();
    forged[at - 1] ^= 1;
    let mut unsigned = vec![1, 10, 0, 0];
    unsigned.extend([3; 16]);
    unsigned.extend([1, 7, b'a', b'l', b'i', b'c', b'e']);
    unsigned.extend([2, 18]);
    unsigned.extend([7; 16]);
    let total = u16::try_from(unsigned.len()).unwrap().to_be_bytes();
    unsigned[2..4].copy_from_slice(&total);
    let mut large = vec![0; 4097];
    large[..4].copy_from_slice(&[1, 11, 0x10, 0x01]);
    for bad in [&short, &length, &overrun, &zero, &forged, &unsigned, &large] {
        known.send(bad).unwrap();
    }
    // The next answer on either socket is the one to the good request: nothing was said before it.
    let reply = exchange(&known, &request(99, 2, "alice", PASSWORD));
    assert_eq!((reply[0], reply[1]), (11, 99));
    strange.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    assert!(strange.recv(&mut buffer).is_err());
    assert_eq!(stack.settled(), 1);
    let log = stack.radius.as_ref().unwrap().log();
    assert!(log.contains("127.0.0.2"), "the unknown client is logged: {log}");
    stack.radius.as_mut().unwrap().stop();
}

#[test]
fn clients_come_and_go_without_a_restart() {
    let stack = Stack::vpn();
    stack.admin(AdminOp::RadiusClientRemove {
        name: "gw".to_owned(),
    });
    otpost_tests::pamstack::wait_for("silence for a removed client", || {
        radclient::ask(
            stack.address(),
            SECRET,
            &radclient::password("alice", "wrong password"),
            1,
        )
        .code
        .is_none()
        .then_some(())
    });
    stack.client("gw", "127.0.0.0/8", "vpn", "local");
    otpost_tests::pamstack::wait_for("the new client to be served", || {
        radclient::ask(
            stack.address(),
            SECRET,
            &radclient::password("alice", "wrong password"),
            1,
        )
        .is("Access-Reject")
        .then_some(())
    });
}

#[test]
fn explain_says_what_the_login_does() {
    let stack = Stack::vpn();
    stack.user("bob", 2222, &["vpn"]);
    let explain = |user: &str| match stack.admin(AdminOp::LoginExplain {
        user: user.to_owned(),
        service: "gw".to_owned(),
        channel: None,
        source: String::new(),
    }) {
        AdminReply::Explained { outcome, reason, .. } => (outcome, reason),
        other => panic!("{other:?}"),
    };
    let login = |user: &str| {
        let outcome = match first(&stack, user, PASSWORD).code.unwrap().as_str() {
            "Access-Challenge" => "ask",
            "Access-Accept" => "allow",
            _ => "deny",
        };
        (
            outcome.to_owned(),
            stack.reasons().into_iter().rfind(|r| r != "code").unwrap(),
        )
    };
    let agree = |user: &str, reason: &str| {
        let explained = explain(user);
        assert_eq!(explained.1, reason);
        assert_eq!(login(user), explained);
    };
    agree("alice", "challenge");
    let token = match stack.admin(AdminOp::TokenList {
        user: "bob".to_owned(),
    }) {
        AdminReply::Tokens { tokens } => tokens[0].id.clone(),
        other => panic!("{other:?}"),
    };
    for (status, reason) in [("disabled", "token-disabled"), ("blocked", "token-blocked")] {
        let status = Some(status.to_owned());
        stack.admin(AdminOp::TokenSet {
            token: token.clone(),
            status,
            name: None,
        });
        agree("bob", reason);
    }
    stack.admin(AdminOp::TokenRemove { token });
    agree("bob", "unenrolled");
    stack.admin(AdminOp::UserBypass {
        user: "bob".to_owned(),
        seconds: 60,
    });
    agree("bob", "bypass");
    stack.admin(AdminOp::UserLock {
        user: "bob".to_owned(),
        why: String::new(),
    });
    agree("bob", "admin-locked");
    agree("nobody", "unknown-user");
    stack.admin(AdminOp::UserUnbind {
        user: "bob".to_owned(),
        resource: "vpn".to_owned(),
    });
    agree("bob", "not-in-resource");
    let off = ResourceSettings {
        enabled: Some(false),
        ..ResourceSettings::default()
    };
    stack.admin(AdminOp::ResourceSet {
        name: "vpn".to_owned(),
        set: off,
    });
    agree("alice", "resource-disabled");
}
