//! FreeRADIUS: accept, reject, a challenge of its own, replies that cannot be trusted, and a server that is gone.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use otpost_tests::stack::Stack;
use serde_json::json;

use crate::freeradius::{FreeRadius, SECRET};
use crate::{add, free_udp, outcome, test};

#[test]
fn an_upstream_server_accepts_rejects_and_challenges() {
    let stack = Stack::new();
    let server = FreeRadius::start();
    add(&stack, "nps", "radius", &server.config());
    let said = test(&stack, "nps", "alice", "alice's password");
    assert_eq!(said.outcome, "passed", "{said:?}");
    assert_eq!(said.server, server.address());
    assert_eq!(
        outcome(&stack, "nps", "CORP\\Alice", "alice's password"),
        "passed"
    );
    for (user, password) in [
        ("alice", "wrong"),
        ("alice", ""),
        ("nobody", "alice's password"),
        ("bob", "bob's password"),
    ] {
        assert_eq!(outcome(&stack, "nps", user, password), "failed", "{user}");
    }
    // Longer than RADIUS carries.
    assert_eq!(outcome(&stack, "nps", "alice", &"x".repeat(129)), "failed");
    let said = test(&stack, "nps", "carla", "whatever");
    assert_eq!(said.outcome, "challenge", "{said:?}");
    assert_eq!(said.detail, "Which number is on your card?");
    let mut config = server.config();
    config["user-name"] = json!("corp-{user}");
    add(&stack, "domain", "radius", &config);
    assert_eq!(outcome(&stack, "domain", "bob", "bob's password"), "passed");
}

#[test]
fn a_reply_that_may_be_forged_is_none() {
    let stack = Stack::new();
    let server = FreeRadius::start();
    let old = FreeRadius::unsigned();
    let hasty = |server: &FreeRadius| {
        let mut config = server.config();
        config["timeout-ms"] = json!(300);
        config
    };
    let mut config = hasty(&server);
    config["secret"] = json!("another secret of ours");
    add(&stack, "secret", "radius", &config);
    // FreeRADIUS drops what is not signed with its secret.
    let said = test(&stack, "secret", "alice", "alice's password");
    assert_eq!(said.outcome, "unavailable", "{said:?}");
    assert!(said.detail.contains("no answer"), "{said:?}");

    add(&stack, "unsigned", "radius", &hasty(&old));
    let said = test(&stack, "unsigned", "alice", "alice's password");
    assert_eq!(said.outcome, "unavailable", "{said:?}");
    assert!(said.detail.contains("without Message-Authenticator"), "{said:?}");
    let mut config = hasty(&old);
    config["require-message-authenticator"] = json!(false);
    add(&stack, "trusted", "radius", &config);
    assert_eq!(outcome(&stack, "trusted", "alice", "alice's password"), "passed");
    assert_eq!(outcome(&stack, "trusted", "alice", "wrong"), "failed");
}

/// Between otpost and the server somebody answers first: an Access-Accept for every request, with whatever authenticator.
fn forger(server: &FreeRadius, forged: Arc<AtomicU32>) -> String {
    let front = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = front.local_addr().unwrap().to_string();
    let back = UdpSocket::bind("127.0.0.1:0").unwrap();
    back.connect(("127.0.0.1", server.port)).unwrap();
    thread::spawn(move || {
        let mut octets = [0; 4096];
        loop {
            let (length, from) = front.recv_from(&mut octets).unwrap();
            let request = octets[..length].to_vec();
            let mut accept = vec![2, request[1], 0, 20];
            accept.extend([0x5a; 16]);
            front.send_to(&accept, from).unwrap();
            // The answer to another request, with this request's authenticator in place, and what is no packet.
            let mut echo = request.clone();
            echo[0] = 2;
            echo[1] = echo[1].wrapping_add(1);
            front.send_to(&echo, from).unwrap();
            echo[1] = request[1];
            front.send_to(&echo, from).unwrap();
            front.send_to(&[2], from).unwrap();
            forged.fetch_add(1, Ordering::Relaxed);
            back.send(&request).unwrap();
            let length = back.recv(&mut octets).unwrap();
            // The server's own, with one bit changed, and then as it is.
            let mut changed = octets[..length].to_vec();
            changed[0] ^= 1;
            front.send_to(&changed, from).unwrap();
            front.send_to(&octets[..length], from).unwrap();
        }
    });
    address
}

#[test]
fn forged_replies_are_passed_over_and_the_right_one_counts() {
    let stack = Stack::new();
    let server = FreeRadius::start();
    let forged = Arc::new(AtomicU32::new(0));
    let mut config = server.config();
    config["servers"] = json!([forger(&server, Arc::clone(&forged))]);
    add(&stack, "nps", "radius", &config);
    assert_eq!(outcome(&stack, "nps", "alice", "wrong"), "failed");
    assert_eq!(outcome(&stack, "nps", "alice", "alice's password"), "passed");
    assert_eq!(forged.load(Ordering::Relaxed), 2);
}

#[test]
fn a_dead_server_is_followed_by_the_next() {
    let stack = Stack::new();
    let mut first = FreeRadius::start();
    let second = FreeRadius::start();
    let mut config = first.config();
    config["timeout-ms"] = json!(400);
    config["servers"] = json!([first.address(), second.address()]);
    add(&stack, "two", "radius", &config);
    assert_eq!(
        test(&stack, "two", "alice", "alice's password").server,
        first.address()
    );
    first.program.signal(Signal::SIGSTOP);
    let said = test(&stack, "two", "alice", "alice's password");
    assert_eq!(
        (said.outcome.as_str(), said.server),
        ("passed", second.address()),
        "two tries of 400 ms first"
    );
    assert!(said.milliseconds >= 700, "{}", said.milliseconds);
    // It is dead for a while, so nobody waits for it.
    for _ in 0..3 {
        let said = test(&stack, "two", "alice", "wrong");
        assert_eq!((said.outcome.as_str(), said.server), ("failed", second.address()));
        assert!(said.milliseconds < 400, "{}", said.milliseconds);
    }
    first.program.kill();
    drop(second);
    let said = test(&stack, "two", "alice", "alice's password");
    assert_eq!(said.outcome, "unavailable", "{said:?}");

    let gone =
        json!({ "servers": [format!("127.0.0.1:{}", free_udp())], "secret": SECRET, "timeout-ms": 300 });
    add(&stack, "gone", "radius", &gone);
    let said = test(&stack, "gone", "alice", "alice's password");
    assert_eq!(said.outcome, "unavailable", "{said:?}");
}
