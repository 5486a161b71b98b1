//! Logins through VPNs that cannot show a challenge, decoys, and the rules of a resource.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

mod common;

use common::{Door, How, Knock, START, Shell, Typed, secs};
use otpost_core::access::{Access, Local};
use otpost_core::challenge::{Notice, Origin, State};
use otpost_core::client::Flow;
use otpost_core::ids::{AttemptId, SessionId};
use otpost_core::login::{First, Reason, Reply, Step};
use otpost_core::net::Source;

const PASSWORD: &str = "hunter2";

fn knock(shell: &mut Shell, name: &str) -> Knock {
    Knock {
        door: Door::VpnA,
        name: name.to_owned(),
        first: First::Passed,
        password: Some(PASSWORD.to_owned()),
        origin: Origin::default(),
        source: Source::new("198.51.100.7", "vpn-a"),
        attempt: shell.attempt(),
    }
}

fn shell(flow: Flow) -> Shell {
    let mut shell = Shell::new(&["alice", "bob"]);
    shell.how = How {
        flow,
        ..How::default()
    };
    shell
}

/// A first request without a code.
fn ask(shell: &mut Shell, name: &str) -> Step {
    shell.how.code = None;
    let knock = knock(shell, name);
    shell.begin(&knock)
}

/// A first request with password and code.
fn give(shell: &mut Shell, name: &str, code: &str) -> (Step, Knock) {
    shell.how.code = Some(code.to_owned());
    let knock = knock(shell, name);
    (shell.begin(&knock), knock)
}

fn session(step: &Step) -> SessionId {
    match &step.reply {
        Reply::Prompt { session, .. } => session.id,
        other => panic!("{other:?} ({:?})", step.reason),
    }
}

#[test]
fn password_and_code_in_one_field_let_in_once() {
    for flow in [Flow::Append, Flow::TwoPass] {
        let mut shell = shell(flow);
        let first = ask(&mut shell, "alice");
        assert_eq!(first.reason, Reason::Challenge);
        let code = shell.right(session(&first));
        let (step, knock) = give(&mut shell, "alice", &code);
        assert_eq!((step.reply, step.reason), (Reply::Allow, Reason::Code));
        // The same packet again gets the same answer; another packet with the same code gets none.
        let again = shell.begin(&knock);
        assert_eq!((again.reply, again.reason), (Reply::Allow, Reason::Retransmit));
        let (late, _) = give(&mut shell, "alice", &code);
        assert_eq!(late.reason, Reason::NoneOpen);
        assert_eq!(shell.outbox.len(), 1);
    }
}

#[test]
fn one_request_is_one_failure_of_the_user_and_one_try_of_each_code() {
    let mut shell = shell(Flow::Append);
    let first = ask(&mut shell, "alice");
    shell.advance(secs(31));
    let second = ask(&mut shell, "alice");
    assert_eq!(
        second.reason,
        Reason::Challenge,
        "after the cool-down another text leaves"
    );
    let codes = [shell.right(session(&first)), shell.right(session(&second))];
    let wrong = (0..)
        .map(|n| format!("{n:06}"))
        .find(|code| !codes.contains(code))
        .unwrap_or_default();
    let (step, knock) = give(&mut shell, "alice", &wrong);
    assert_eq!(
        (step.reply, step.reason),
        (Reply::Deny { exhausted: false }, Reason::WrongCode)
    );
    let alice = shell.find("alice").unwrap();
    assert_eq!(shell.guard(alice).consecutive, 1);
    assert!(shell.challenges.values().all(|c| c.tries == 1));
    // A retransmit costs nothing.
    assert_eq!(shell.begin(&knock).reason, Reason::Retransmit);
    assert_eq!(shell.guard(alice).consecutive, 1);
    // Either code opens.
    let (step, _) = give(&mut shell, "alice", &codes[0]);
    assert_eq!(step.reply, Reply::Allow);
}

#[test]
fn wrong_codes_lock_the_user_and_end_what_is_open() {
    let mut shell = shell(Flow::Append);
    let first = ask(&mut shell, "alice");
    let right = shell.right(session(&first));
    let wrong = shell.wrong(session(&first));
    for n in 1..=5 {
        let (step, _) = give(&mut shell, "alice", &wrong);
        let reason = if n < 5 {
            Reason::WrongCode
        } else {
            Reason::OtpLockedNow
        };
        assert_eq!(step.reason, reason);
    }
    assert!(shell.challenges.values().all(|c| c.state == State::Dead));
    let (step, _) = give(&mut shell, "alice", &right);
    assert_eq!(step.reason, Reason::OtpLocked);
}

#[test]
fn a_code_is_looked_at_only_after_the_password_passed() {
    let mut shell = shell(Flow::Append);
    let first = ask(&mut shell, "alice");
    let code = shell.right(session(&first));
    shell.how.code = Some(code.clone());
    let wrong = Knock {
        first: First::Failed,
        ..knock(&mut shell, "alice")
    };
    assert_eq!(shell.begin(&wrong).reason, Reason::WrongPassword);
    let alice = shell.find("alice").unwrap();
    assert_eq!(shell.guard(alice).consecutive, 0);
    assert!(shell.challenges.values().all(|c| c.tries == 0));
    assert_eq!(give(&mut shell, "alice", &code).0.reply, Reply::Allow);
}

#[test]
fn a_code_is_good_at_its_own_client_alone() {
    let mut shell = shell(Flow::Append);
    let first = ask(&mut shell, "alice");
    let code = shell.right(session(&first));
    shell.how.code = Some(code.clone());
    let other = Knock {
        door: Door::VpnB,
        ..knock(&mut shell, "alice")
    };
    assert_eq!(shell.begin(&other).reason, Reason::NoneOpen);
    assert_eq!(give(&mut shell, "bob", &code).0.reason, Reason::NoneOpen);
    assert_eq!(give(&mut shell, "alice", &code).0.reply, Reply::Allow);
}

#[test]
fn asking_again_within_the_cool_down_sends_no_second_text() {
    for flow in [Flow::Append, Flow::TwoPass, Flow::CodeOnly] {
        let mut shell = shell(flow);
        let first = ask(&mut shell, "alice");
        let again = ask(&mut shell, "alice");
        assert_eq!(again.reason, Reason::Joined);
        assert_ne!(
            session(&first),
            session(&again),
            "each request has its own session"
        );
        assert_eq!(shell.outbox.len(), 1);
        // The State of either carries the code.
        let typed = Typed {
            door: Door::VpnA,
            session: session(&again),
            user: shell.find("alice"),
            typed: Some(shell.right(session(&first))),
            attempt: shell.attempt(),
            source: Source::new("198.51.100.7", "vpn-a"),
        };
        assert_eq!(shell.answer(&typed).reply, Reply::Allow);
    }
}

#[test]
fn an_expired_code_is_told_apart_and_counts_nothing() {
    let mut shell = shell(Flow::TwoPass);
    let first = ask(&mut shell, "alice");
    let code = shell.right(session(&first));
    shell.advance(secs(301));
    let (step, _) = give(&mut shell, "alice", &code);
    assert_eq!(step.reason, Reason::NoneOpen);
    let alice = shell.find("alice").unwrap();
    assert_eq!(shell.guard(alice).consecutive, 0);
}

#[test]
fn whatever_is_refused_looks_like_a_challenge_where_the_first_factor_is_hidden() {
    let mut shell = shell(Flow::Challenge);
    shell.how.hide = true;
    let right = ask(&mut shell, "alice");
    let shape = |step: &Step| match &step.reply {
        Reply::Prompt {
            session, challenge, ..
        } => (
            session.notice,
            challenge.digits,
            challenge.expires,
            challenge.deadline,
        ),
        other => panic!("{other:?}"),
    };
    for (name, first) in [
        ("alice", First::Failed),
        ("nobody", First::Failed),
        ("bob", First::NoPassword),
        ("no body \u{7f}", First::Failed),
    ] {
        let request = Knock {
            first,
            ..knock(&mut shell, name)
        };
        let step = shell.begin(&request);
        assert_eq!(shape(&step), shape(&right), "{name}");
        let again = shell.begin(&request);
        assert_eq!(again.reply, step.reply, "{name}: a retransmit");
    }
    assert_eq!(shell.outbox.len(), 1, "one text, for the one who gets one");
    // The number that is shown does not tell a wrong password from a right one.
    let masked = |step: &Step| match &step.reply {
        Reply::Prompt { masked, .. } => masked.clone(),
        other => panic!("{other:?}"),
    };
    let wrong = Knock {
        first: First::Failed,
        ..knock(&mut shell, "ALICE")
    };
    assert_eq!(masked(&shell.begin(&wrong)), masked(&right));
}

/// Everything that can be typed at a prompt gets the same answer at a decoy as at a challenge, but for the right code.
#[test]
fn a_decoy_answers_like_a_challenge_and_lets_nobody_in() {
    let answers: [&[Option<&str>]; 4] = [
        &[
            Some("000000"),
            Some("000001"),
            Some("000002"),
            Some("000003"),
            Some("000004"),
        ],
        &[None, Some("r"), Some("000000"), Some(PASSWORD), None],
        &[Some(PASSWORD), Some(PASSWORD), Some("000000"), Some("sms")],
        &[Some("12"), Some("not a code"), Some(""), Some("000000")],
    ];
    for typed in answers {
        let mut real = shell(Flow::Challenge);
        let mut fake = shell(Flow::Challenge);
        fake.how.hide = true;
        real.how.hide = true;
        let mut at = session(&ask(&mut real, "alice"));
        let wrong = Knock {
            first: First::Failed,
            ..knock(&mut fake, "alice")
        };
        let mut decoy = session(&fake.begin(&wrong));
        for (round, typed) in typed.iter().enumerate() {
            real.advance(secs(7));
            fake.advance(secs(7));
            if let Some(typed) = typed
                && *typed == real.right(at)
            {
                continue;
            }
            let request = Typed {
                door: Door::VpnA,
                session: at,
                user: real.find("alice"),
                typed: typed.map(str::to_owned),
                attempt: real.attempt(),
                source: Source::new("198.51.100.7", "vpn-a"),
            };
            let one = real.answer(&request).reply;
            let attempt = fake.attempt();
            let other = fake.answer_decoy(decoy, "ALICE", *typed, attempt).reply;
            match (one, other) {
                (
                    Reply::Prompt {
                        session: a,
                        masked: m,
                        challenge: c,
                    },
                    Reply::Prompt {
                        session: b,
                        masked: n,
                        challenge: d,
                    },
                ) => {
                    assert_eq!((a.notice, a.round, m), (b.notice, b.round, n), "round {round}");
                    assert_eq!(
                        (c.expires, c.next_send),
                        (d.expires, d.next_send),
                        "round {round}"
                    );
                    (at, decoy) = (a.id, b.id);
                }
                (one, other) => {
                    assert_eq!(one, other, "round {round}");
                    break;
                }
            }
        }
        assert!(fake.outbox.is_empty());
    }
}

#[test]
fn no_code_at_all_opens_a_decoy() {
    let mut shell = shell(Flow::Challenge);
    shell.how.hide = true;
    let wrong = Knock {
        first: First::Failed,
        ..knock(&mut shell, "alice")
    };
    let decoy = session(&shell.begin(&wrong));
    // Even the code that its challenge would have.
    let challenge = shell.decoys[&decoy].challenge.clone();
    let code = otpost_core::code::derive(&shell.keys, &challenge.code());
    let attempt = shell.attempt();
    let step = shell.answer_decoy(decoy, "alice", Some(code.expose()), attempt);
    assert!(matches!(
        &step.reply,
        Reply::Prompt { session, .. } if session.notice == Notice::Wrong { left: 4 }
    ));
    let foreign = shell.answer_decoy(session(&step), "bob", Some("000000"), AttemptId([9; 16]));
    assert_eq!(foreign.reason, Reason::ForeignSession);
}

#[test]
fn rules_close_the_door_before_a_bypass_or_a_text() {
    let mut shell = shell(Flow::Challenge);
    shell.how.rules = true;
    shell.how.groups = Some(Vec::new());
    let vpn = shell.doors[&Door::VpnA];
    let access = Access {
        allowed_networks: vec!["192.0.2.0/24".parse().unwrap()],
        ..Access::default()
    };
    shell.resources.get_mut(&vpn).unwrap().access = access;
    let alice = shell.find("alice").unwrap();
    shell.users.get_mut(&alice).unwrap().bypass_until = Some(START.plus(secs(600)));
    assert_eq!(ask(&mut shell, "alice").reason, Reason::NetworkRefused);
    shell.how.address = Some("192.0.2.9".parse().unwrap());
    assert_eq!(ask(&mut shell, "alice").reason, Reason::Bypass);
    assert_eq!(ask(&mut shell, "bob").reason, Reason::Challenge);
    assert_eq!(shell.outbox.len(), 1);
}

#[test]
fn exemptions_need_the_right_password_and_a_good_standing() {
    let mut shell = shell(Flow::Challenge);
    shell.how.rules = true;
    shell.how.groups = Some(vec!["Staff".to_owned()]);
    let vpn = shell.doors[&Door::VpnA];
    shell.resources.get_mut(&vpn).unwrap().access.exempt_groups = vec!["staff".to_owned()];
    assert_eq!(ask(&mut shell, "alice").reason, Reason::ExemptGroup);
    let wrong = Knock {
        first: First::Failed,
        ..knock(&mut shell, "alice")
    };
    assert_eq!(shell.begin(&wrong).reason, Reason::WrongPassword);
    let alice = shell.find("alice").unwrap();
    shell.users.get_mut(&alice).unwrap().locked = Some("gone".to_owned());
    assert_eq!(ask(&mut shell, "alice").reason, Reason::AdminLocked);
    shell.how.groups = None;
    assert_eq!(ask(&mut shell, "bob").reason, Reason::RuleInDoubt);
}

#[test]
fn a_remembered_code_ends_with_its_time_its_source_and_what_stood_behind_it() {
    let ready = || {
        let mut shell = shell(Flow::Challenge);
        shell.how.rules = true;
        shell.how.groups = Some(Vec::new());
        shell.how.address = Some("192.0.2.9".parse().unwrap());
        shell.how.local = Some(Local {
            weekday: 0,
            minute: 0,
        });
        let vpn = shell.doors[&Door::VpnA];
        shell.resources.get_mut(&vpn).unwrap().access.remember_minutes = 60;
        let first = ask(&mut shell, "alice");
        let typed = Typed {
            door: Door::VpnA,
            session: session(&first),
            user: shell.find("alice"),
            typed: Some(shell.right(session(&first))),
            attempt: shell.attempt(),
            source: Source::new("198.51.100.7", "vpn-a"),
        };
        assert_eq!(shell.answer(&typed).reply, Reply::Allow);
        assert_eq!(shell.remembered.len(), 1);
        shell
    };
    let mut shell = ready();
    assert_eq!(ask(&mut shell, "alice").reason, Reason::Remembered);
    assert_eq!(ask(&mut shell, "bob").reason, Reason::Challenge, "another person");
    shell.advance(secs(3600));
    assert_eq!(
        ask(&mut shell, "alice").reason,
        Reason::Challenge,
        "its time is over"
    );

    let mut shell = ready();
    shell.how.address = Some("192.0.2.10".parse().unwrap());
    assert_eq!(
        ask(&mut shell, "alice").reason,
        Reason::Challenge,
        "another source"
    );

    let mut shell = ready();
    let other = Knock {
        door: Door::VpnB,
        ..knock(&mut shell, "alice")
    };
    assert_eq!(shell.begin(&other).reason, Reason::Challenge, "another client");

    let mut shell = ready();
    let alice = shell.find("alice").unwrap();
    shell.users.get_mut(&alice).unwrap().password =
        Some(otpost_core::user::PasswordHash("another".to_owned().into()));
    assert_eq!(
        ask(&mut shell, "alice").reason,
        Reason::Challenge,
        "another password"
    );

    let mut shell = ready();
    let alice = shell.find("alice").unwrap();
    for token in shell.tokens.iter_mut().filter(|t| t.user == alice) {
        token.phone = otpost_core::phone::Phone::parse("+4917199999999", None).unwrap();
    }
    assert_eq!(
        ask(&mut shell, "alice").reason,
        Reason::Challenge,
        "another number"
    );
}
