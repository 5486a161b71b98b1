//! Stock OpenVPN from Debian against otpost: with the helper otpost-openvpn, and with openvpn-auth-radius.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod place;

use std::process::Command;

use data_encoding::BASE64;
use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::PASSWORD;
use otpost_tests::terminal::{CTRL_C, Terminal};
use place::{Check, Outcome, Place, alone};

/// Six digits that are not `code`.
fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

/// What a client with a static challenge sends.
fn packed(code: &str) -> String {
    format!(
        "SCRV1:{}:{}",
        BASE64.encode(PASSWORD.as_bytes()),
        BASE64.encode(code.as_bytes())
    )
}

fn no_secret_in(log: &str, code: &str) {
    for secret in [PASSWORD, code, otpost_tests::stack::SECRET] {
        assert!(!log.contains(secret), "a secret is in a log");
    }
}

#[test]
fn a_dynamic_challenge_asks_for_the_code_and_a_wrong_one_is_asked_for_again() {
    let Some(()) = alone() else { return };
    let place = Place::new(Check::Helper, None);
    let mut client = place.client("client", "reneg-sec 5\n");
    let asked = client.tries("alice", PASSWORD);
    let [flags, _, user, prompt] = asked.challenge();
    assert_eq!((flags.as_str(), user.as_str()), ("R,E", "YWxpY2U="));
    let text = place.stack.text_after(0);
    assert!(
        prompt.contains(&text.label()) && prompt.contains("+49 *** *** 78"),
        "{prompt}"
    );
    let again = client.tries("alice", &asked.answered(&wrong(&text.code())));
    let [_, _, _, prompt] = again.challenge();
    assert!(prompt.starts_with("Wrong code, 4 tries left."), "{prompt}");
    assert_eq!(client.tries("alice", &again.answered(&text.code())), Outcome::In);
    // Renegotiation goes by OpenVPN's own token: nobody is asked, and no second text leaves.
    wait_for("a renegotiation", || {
        let log = place.server.log();
        log.contains("Username/auth-token authentication succeeded")
            .then_some(())
    });
    assert_eq!(place.stack.settled(), 1);
    let helped = place.server.log();
    assert_eq!(
        helped.matches("otpost-openvpn: alice from 127.0.0.1: ").count(),
        3,
        "{helped}"
    );
    no_secret_in(&helped, &text.code());
    no_secret_in(&place.stack.radius.as_ref().unwrap().log(), &text.code());
}

#[test]
fn a_wrong_password_is_refused_in_words_and_sends_no_text() {
    let Some(()) = alone() else { return };
    let place = Place::new(Check::Helper, None);
    let mut client = place.client("client", "");
    let refused = client.tries("alice", "not the password");
    let Outcome::Out(reason) = &refused else {
        panic!("{refused:?}");
    };
    assert!(!reason.is_empty() && !reason.starts_with("CRV1"), "{reason}");
    assert_eq!(place.stack.settled(), 0);
    // A code without its password, or made up, is none either.
    let forged = format!("CRV1::{}::123456", BASE64.encode(&[0; 17]));
    assert!(matches!(client.tries("alice", &forged), Outcome::Out(_)));
    assert!(client.tries("alice", PASSWORD).challenge()[3].contains("Code from text"));
}

#[test]
fn a_static_challenge_left_empty_sends_the_text_and_filled_in_lets_in() {
    let Some(()) = alone() else { return };
    let place = Place::new(Check::Helper, None);
    let mut client = place.client("client", "static-challenge \"Code (empty: send one)\" 1\n");
    assert_eq!(client.asked(), "SC:1,Code (empty: send one)");
    client.types("alice", &packed(""));
    let asked = client.outcome();
    let code = place.stack.text_after(0).code();
    // The same client may answer the dynamic challenge that came back...
    let again = client.tries("alice", &asked.answered(&wrong(&code)));
    assert!(again.challenge()[3].starts_with("Wrong code"), "{again:?}");
    // ... or a new one sends both in one field.
    drop(client);
    let mut client = place.client("other", "static-challenge \"Code\" 0\n");
    assert_eq!(client.tries("alice", &packed(&code)), Outcome::In);
    assert_eq!(place.stack.settled(), 1);
}

#[test]
fn nobody_gets_in_while_the_daemon_or_the_radius_server_is_down() {
    let Some(()) = alone() else { return };
    let mut place = Place::new(Check::Helper, None);
    let mut client = place.client("client", "");
    place.stack.daemon.as_mut().unwrap().stop();
    let told = Outcome::Out("The login server does not answer. Try again in a minute.".to_owned());
    assert_eq!(client.tries("alice", PASSWORD), told);
    place.stack.start_daemon();
    let asked = wait_for("otpost-radius to be connected again", || {
        let outcome = client.tries("alice", PASSWORD);
        (outcome != told).then_some(outcome)
    });
    let code = place.stack.text_after(0).code();
    place.stack.radius.as_mut().unwrap().stop();
    assert_eq!(client.tries("alice", &asked.answered(&code)), told);
    place.stack.start_radius("127.0.0.1:0");
    place.helper(&[place.stack.address()]);
    assert_eq!(client.tries("alice", &asked.answered(&code)), Outcome::In);
    assert_eq!(place.stack.settled(), 1);
}

#[test]
fn a_login_that_waits_holds_up_nobody_else() {
    let Some(()) = alone() else { return };
    let place = Place::new(Check::Helper, None);
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    place.helper(&[silent.local_addr().unwrap()]);
    // Another user: with username-as-common-name the newer connection of the same one ends the older.
    place.stack.user("bob", 2222, &["vpn"]);
    let mut waiting = place.client("waiting", "");
    waiting.asked();
    waiting.types("bob", PASSWORD);
    let mut octets = [0; 4096];
    silent.recv(&mut octets).unwrap();
    // Its packet is out and nobody will answer it.
    place.helper(&[place.stack.address()]);
    let mut client = place.client("client", "");
    let asked = client.tries("alice", PASSWORD);
    let code = place.stack.text_after(0).code();
    assert_eq!(client.tries("alice", &asked.answered(&code)), Outcome::In);
    assert!(matches!(waiting.outcome(), Outcome::Out(reason) if reason.contains("does not answer")));
}

#[test]
fn the_client_on_a_terminal_asks_for_the_code_by_itself() {
    let Some(()) = alone() else { return };
    let place = Place::new(Check::Helper, None);
    let mut terminal = Terminal::with(Command::new("script"), &place.console());
    terminal.shows("Enter Auth Username:");
    terminal.types("alice\n");
    terminal.shows("Enter Auth Password:");
    terminal.types(&format!("{PASSWORD}\n"));
    terminal.shows("\r\nCHALLENGE: ");
    let prompt = terminal.shows("empty to resend):");
    assert!(prompt.contains("+49 *** *** 78"), "{prompt}");
    terminal.types(&format!("{}\n", place.stack.text_after(0).code()));
    terminal.shows("Initialization Sequence Completed");
    terminal.types(CTRL_C);
    assert_eq!(place.stack.settled(), 1);
}

#[test]
fn the_radius_plug_in_takes_the_password_and_then_password_and_code() {
    let Some(()) = alone() else { return };
    for flow in ["append", "two-pass"] {
        let place = Place::new(Check::Plugin, Some(flow));
        let mut client = place.client("client", "");
        assert!(
            matches!(client.tries("alice", PASSWORD), Outcome::Out(_)),
            "{flow}"
        );
        let code = place.stack.text_after(0).code();
        let refused = client.tries("alice", &format!("{PASSWORD}{}", wrong(&code)));
        assert!(matches!(refused, Outcome::Out(_)), "{flow}");
        let outcome = client.tries("alice", &format!("{PASSWORD}{code}"));
        assert_eq!(outcome, Outcome::In, "{flow}: {}", place.server.log());
        assert_eq!(place.stack.settled(), 1);
    }
}

#[test]
fn the_radius_plug_in_hands_a_static_challenge_on() {
    let Some(()) = alone() else { return };
    let place = Place::new(Check::Plugin, None);
    let mut client = place.client("client", "static-challenge \"Code\" 0\n");
    assert!(matches!(client.tries("alice", &packed("")), Outcome::Out(_)));
    let code = place.stack.text_after(0).code();
    assert!(matches!(
        client.tries("alice", &packed(&wrong(&code))),
        Outcome::Out(_)
    ));
    assert_eq!(client.tries("alice", &packed(&code)), Outcome::In);
    assert_eq!(place.stack.settled(), 1);
}
