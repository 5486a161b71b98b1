//! Which second request belongs to a login that waits, and which is a login of its own (domain decision 6).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Door, Knock, Shell, challenge, denied, process, secs, session, texts};
use otpost_core::challenge::{MAX_OPEN, State};
use otpost_core::login::{First, Reason, Reply, Step};
use otpost_core::net::Source;

fn shell() -> Shell {
    Shell::new(&["alice", "bob"])
}

/// The request once more, as another packet of the same login.
fn other_packet(shell: &mut Shell, knock: &Knock) -> Knock {
    Knock {
        attempt: shell.attempt(),
        ..knock.clone()
    }
}

fn joined(first: &Step, second: &Step) -> bool {
    second.reason == Reason::Joined
        && challenge(first) == challenge(second)
        && session(first) != session(second)
        && texts(second) == 0
}

fn separate(first: &Step, second: &Step) -> bool {
    second.reason == Reason::Challenge && challenge(first) != challenge(second) && texts(second) == 1
}

#[test]
fn a_retransmit_gets_the_same_session_and_no_text() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let first = shell.begin(&knock);
    assert_eq!((first.reason, texts(&first)), (Reason::Challenge, 1));
    for _ in 0..10 {
        shell.advance(secs(5));
        let again = shell.begin(&knock);
        assert_eq!(again.reason, Reason::Retransmit);
        assert_eq!(again.reply, first.reply);
        assert_eq!(again.changes, []);
    }
    assert_eq!(shell.outbox.len(), 1);
}

#[test]
fn a_retransmit_after_the_end_is_refused_and_sends_nothing() {
    for end in ["code", "expiry", "tries"] {
        let mut shell = shell();
        let knock = shell.vpn("alice", "7", "acct-1");
        let first = shell.begin(&knock);
        match end {
            "code" => {
                let code = shell.right(session(&first));
                assert_eq!(shell.say(session(&first), &code).reply, Reply::Allow);
            }
            "expiry" => shell.advance(secs(300)),
            _ => {
                let mut at = session(&first);
                for _ in 0..4 {
                    let wrong = shell.wrong(at);
                    at = session(&shell.say(at, &wrong));
                }
                let wrong = shell.wrong(at);
                assert!(denied(&shell.say(at, &wrong)));
            }
        }
        let again = shell.begin(&knock);
        assert!(denied(&again), "{end}: {again:?}");
        assert_eq!(again.changes, [], "{end}");
        assert_eq!(shell.outbox.len(), 1, "{end}");
    }
}

#[test]
fn a_second_server_of_the_vpn_joins() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let first = shell.begin(&knock);
    shell.advance(secs(19));
    let second = other_packet(&mut shell, &knock);
    let second = shell.begin(&second);
    assert!(joined(&first, &second), "{second:?}");
    let (
        Reply::Prompt {
            challenge: a,
            masked: m,
            ..
        },
        Reply::Prompt {
            challenge: b,
            masked: n,
            ..
        },
    ) = (&first.reply, &second.reply)
    else {
        panic!("two prompts");
    };
    assert_eq!((a.label, m), (b.label, n));
    assert_eq!(shell.outbox.len(), 1);
}

/// Each part of the rule alone, everything else equal.
#[test]
fn anything_else_at_a_vpn_is_a_login_of_its_own() {
    type Change = fn(&mut Knock);
    let cases: [(&str, Change); 10] = [
        ("another user", |k| k.name = "bob".to_owned()),
        ("another client", |k| k.door = Door::VpnB),
        ("another password", |k| k.password = Some("other".to_owned())),
        ("no password", |k| k.password = None),
        ("another calling station", |k| {
            k.origin.calling_station = "203.0.113.10".to_owned();
        }),
        ("no calling station", |k| k.origin.calling_station.clear()),
        ("another port", |k| k.origin.nas_port = "8".to_owned()),
        ("no port", |k| k.origin.nas_port.clear()),
        ("another accounting session", |k| {
            k.origin.acct_session = "acct-2".to_owned();
        }),
        ("no accounting session", |k| k.origin.acct_session.clear()),
    ];
    for (what, change) in cases {
        let mut shell = shell();
        let knock = shell.vpn("alice", "7", "acct-1");
        let first = shell.begin(&knock);
        let mut second = other_packet(&mut shell, &knock);
        change(&mut second);
        let second = shell.begin(&second);
        assert!(separate(&first, &second), "{what}: {second:?}");
    }
}

#[test]
fn nothing_to_compare_never_joins() {
    // No password and no calling station on both sides: equal, but empty.
    type Change = fn(&mut Knock);
    let cases: [(&str, Change); 2] = [
        ("no password twice", |k| k.password = None),
        ("no calling station twice", |k| k.origin.calling_station.clear()),
    ];
    for (what, change) in cases {
        let mut shell = shell();
        let mut knock = shell.vpn("alice", "7", "acct-1");
        change(&mut knock);
        let first = shell.begin(&knock);
        let second = other_packet(&mut shell, &knock);
        let second = shell.begin(&second);
        assert!(separate(&first, &second), "{what}: {second:?}");
    }
}

#[test]
fn the_window_is_twenty_seconds() {
    for (after, joins) in [(0, true), (19_999, true), (20_000, false), (60_000, false)] {
        let mut shell = shell();
        let knock = shell.vpn("alice", "7", "acct-1");
        let first = shell.begin(&knock);
        shell.advance(std::time::Duration::from_millis(after));
        let second = other_packet(&mut shell, &knock);
        let second = shell.begin(&second);
        assert_eq!(joined(&first, &second), joins, "{after} ms");
        assert_eq!(separate(&first, &second), !joins, "{after} ms");
    }
}

#[test]
fn after_any_answer_nothing_joins() {
    for typed in ["wrong", "", "resend", "hunter2"] {
        let mut shell = shell();
        let knock = shell.vpn("alice", "7", "acct-1");
        let first = shell.begin(&knock);
        let wrong = shell.wrong(session(&first));
        let _ = shell.say(session(&first), if typed == "wrong" { &wrong } else { typed });
        shell.advance(secs(1));
        let second = other_packet(&mut shell, &knock);
        let second = shell.begin(&second);
        assert!(separate(&first, &second), "{typed:?}: {second:?}");
    }
}

#[test]
fn a_joiner_shares_tries_and_code_and_the_first_right_code_ends_the_others() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let first = shell.begin(&knock);
    let second = other_packet(&mut shell, &knock);
    let second = shell.begin(&second);
    assert!(joined(&first, &second));
    let id = challenge(&first);

    let wrong = shell.wrong(session(&first));
    let again = shell.say(session(&first), &wrong);
    assert_eq!(again.reason, Reason::WrongCode);
    let other = shell.say(session(&second), &wrong);
    assert_eq!(other.reason, Reason::WrongCode);
    assert_eq!(shell.challenges[&id].tries, 2);

    let code = shell.right(session(&again));
    let allowed = shell.typed(Door::VpnA, session(&other), &code);
    let step = shell.answer(&allowed);
    assert_eq!((&step.reply, step.reason), (&Reply::Allow, Reason::Code));
    assert!(matches!(shell.challenges[&id].state, State::Consumed { by } if by == allowed.attempt));
    let late = shell.say(session(&again), &code);
    assert_eq!((denied(&late), late.reason), (true, Reason::Consumed));
    assert_eq!(late.changes, []);
    // The State that carried it is used as well, for every packet but the one that carried it.
    let reused = shell.say(session(&other), &code);
    assert_eq!((denied(&reused), reused.reason), (true, Reason::SessionUsed));
    let repeated = shell.answer(&allowed);
    assert_eq!(
        (&repeated.reply, repeated.reason),
        (&Reply::Allow, Reason::Retransmit)
    );
}

#[test]
fn used_tries_end_every_session_of_the_challenge() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let first = shell.begin(&knock);
    let second = other_packet(&mut shell, &knock);
    let second = shell.begin(&second);
    for resource in shell.resources.values_mut() {
        resource.failed_attempts = 10;
    }
    let mut at = session(&first);
    for _ in 0..4 {
        let wrong = shell.wrong(at);
        at = session(&shell.say(at, &wrong));
    }
    let wrong = shell.wrong(at);
    let last = shell.say(at, &wrong);
    assert_eq!(last.reason, Reason::TriesUsed);
    assert_eq!(last.reply, Reply::Deny { exhausted: true });
    let code = shell.right(session(&second));
    let dead = shell.say(session(&second), &code);
    assert_eq!((denied(&dead), dead.reason), (true, Reason::ChallengeDead));
}

/// Two logins of one name with one password from one address in one second; `attacker` has no phone.
fn attacker_and_victim(shell: &mut Shell, victim: &Knock, attacker: &Knock) {
    for attacker_first in [false, true] {
        let (a, b) = if attacker_first {
            (attacker, victim)
        } else {
            (victim, attacker)
        };
        let (a, b) = (other_packet(shell, a), other_packet(shell, b));
        let (a, b) = (shell.begin(&a), shell.begin(&b));
        assert!(separate(&a, &b), "{b:?}");
        let (victims, attackers) = if attacker_first { (&b, &a) } else { (&a, &b) };
        let code = shell.right(session(victims));

        // Not advanced: the victim's code opens nothing for the attacker.
        let stolen = shell.say(session(attackers), &code);
        assert_eq!(stolen.reason, Reason::WrongCode);
        // Not spoilt: the attacker's noise costs the victim's challenge nothing.
        let before = shell.challenges[&challenge(victims)].clone();
        let mut at = session(&stolen);
        for typed in ["", "r", "hunter2"] {
            at = session(&shell.say(at, typed));
        }
        assert_eq!(shell.challenges[&challenge(victims)], before);
        let step = shell.say(session(victims), &code);
        assert_eq!((&step.reply, step.reason), (&Reply::Allow, Reason::Code));
        // The victim's success does not end or help the attacker's login.
        let after = shell.say(at, &code);
        assert_eq!(after.reason, Reason::WrongCode);
        assert!(matches!(
            shell.challenges[&challenge(attackers)].state,
            State::Open
        ));
    }
}

#[test]
fn attacker_and_victim_in_the_same_second_with_other_ports() {
    let mut shell = shell();
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    let victim = shell.vpn("alice", "7", "");
    let attacker = shell.vpn("alice", "8", "");
    attacker_and_victim(&mut shell, &victim, &attacker);
}

#[test]
fn attacker_and_victim_in_the_same_second_with_other_accounting_sessions() {
    let mut shell = shell();
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    let victim = shell.vpn("alice", "", "acct-1");
    let attacker = shell.vpn("alice", "", "acct-2");
    attacker_and_victim(&mut shell, &victim, &attacker);
}

/// A VPN that sends neither NAS-Port nor Acct-Session-Id gives nothing that tells the two apart, so they must stay apart.
#[test]
fn attacker_and_victim_in_the_same_second_at_a_vpn_that_sends_neither() {
    let mut shell = shell();
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    let knock = shell.vpn("alice", "", "");
    attacker_and_victim(&mut shell, &knock.clone(), &knock);
}

/// Whatever the rule for such VPNs is: who has no phone is not let in.
#[test]
fn a_joiner_without_the_code_is_never_let_in() {
    let mut shell = shell();
    let victim = shell.vpn("alice", "", "");
    let attacker = other_packet(&mut shell, &victim);
    let (victims, attackers) = (shell.begin(&victim), shell.begin(&attacker));
    let code = shell.right(session(&victims));
    assert_eq!(shell.say(session(&victims), &code).reply, Reply::Allow);
    let late = shell.say(session(&attackers), "");
    assert_ne!(late.reply, Reply::Allow);
    let step = shell.begin(&attacker);
    assert_ne!(step.reply, Reply::Allow);
}

#[test]
fn at_most_three_open_and_the_old_ones_stay() {
    let mut shell = shell();
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    let mut steps = Vec::new();
    for port in ["1", "2", "3"] {
        let knock = shell.vpn("alice", port, "");
        steps.push(shell.begin(&knock));
    }
    assert_eq!(steps.len(), MAX_OPEN);
    let fourth = shell.vpn("alice", "4", "");
    let refused = shell.begin(&fourth);
    assert_eq!((denied(&refused), refused.reason), (true, Reason::TooManyOpen));
    assert_eq!(refused.changes, []);
    // The count is the user's, not the channel's, and not another user's.
    let sudo = shell.sudo("alice", 10, 9, "pts/1");
    assert_eq!(shell.begin(&sudo).reason, Reason::TooManyOpen);
    let bob = shell.vpn("bob", "4", "");
    assert_eq!(shell.begin(&bob).reason, Reason::Challenge);
    // A retransmit and a joiner need no room.
    let mut first = shell.vpn("alice", "1", "");
    assert_eq!(shell.begin(&first).reason, Reason::Joined);
    first = other_packet(&mut shell, &first);
    first.origin.nas_port = "5".to_owned();
    assert_eq!(shell.begin(&first).reason, Reason::TooManyOpen);
    for step in &steps {
        let code = shell.right(session(step));
        assert_eq!(shell.say(session(step), &code).reply, Reply::Allow);
    }
    let now = shell.begin(&fourth);
    assert_eq!(now.reason, Reason::Challenge);
}

#[test]
fn expired_logins_give_their_room_back() {
    let mut shell = shell();
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    for port in ["1", "2", "3"] {
        let knock = shell.vpn("alice", port, "");
        assert_eq!(shell.begin(&knock).reason, Reason::Challenge);
    }
    shell.advance(secs(300));
    let knock = shell.vpn("alice", "4", "");
    assert_eq!(shell.begin(&knock).reason, Reason::Challenge);
}

#[test]
fn the_next_try_of_sudo_joins_by_process() {
    let mut shell = shell();
    let first = shell.sudo("alice", 100, 90, "pts/1");
    let one = shell.begin(&first);
    let wrong = shell.wrong(session(&one));
    let typed = shell.typed(Door::Sudo, session(&one), &wrong);
    assert_eq!(shell.answer(&typed).reason, Reason::WrongCode);
    let next = other_packet(&mut shell, &first);
    let two = shell.begin(&next);
    assert!(joined(&one, &two), "{two:?}");
    assert_eq!(shell.challenges[&challenge(&two)].tries, 1);
}

#[test]
fn sudo_started_again_from_the_same_shell_joins_by_parent() {
    let mut shell = shell();
    let first = shell.sudo("alice", 100, 90, "pts/1");
    let one = shell.begin(&first);
    let again = shell.sudo("alice", 101, 90, "pts/1");
    let two = shell.begin(&again);
    assert!(joined(&one, &two), "{two:?}");
}

#[test]
fn anything_else_at_pam_is_a_login_of_its_own() {
    type Change = fn(&mut Knock);
    let cases: [(&str, Change); 8] = [
        ("another user", |k| k.name = "bob".to_owned()),
        ("another service", |k| k.door = Door::Sshd),
        ("another terminal", |k| k.origin.tty = "pts/2".to_owned()),
        ("no terminal", |k| k.origin.tty.clear()),
        ("another process and parent", |k| {
            k.origin.process = Some(process(300));
            k.origin.parent = Some(process(301));
        }),
        ("unknown process and parent", |k| {
            k.origin.process = None;
            k.origin.parent = None;
        }),
        ("the pids used again by other processes", |k| {
            for p in [&mut k.origin.process, &mut k.origin.parent]
                .into_iter()
                .flatten()
            {
                p.start += 1;
            }
        }),
        ("remote, other process", |k| {
            k.origin.remote = true;
            k.origin.process = Some(process(300));
        }),
    ];
    for (what, change) in cases {
        let mut shell = shell();
        let knock = shell.sudo("alice", 100, 90, "pts/1");
        let first = shell.begin(&knock);
        let mut second = other_packet(&mut shell, &knock);
        change(&mut second);
        let second = shell.begin(&second);
        assert!(separate(&first, &second), "{what}: {second:?}");
    }
}

/// A login at sshd: children of one listener, every one with the terminal `ssh`.
fn ssh(shell: &mut Shell, pid: i32, from: &str) -> Knock {
    let mut knock = shell.sudo("alice", pid, 1, "ssh");
    knock.door = Door::Sshd;
    knock.origin.remote = true;
    knock.source = Source::new(from, "sshd");
    knock
}

#[test]
fn remote_logins_never_join_by_parent() {
    let mut shell = shell();
    let first = ssh(&mut shell, 200, "203.0.113.9");
    let one = shell.begin(&first);
    let stranger = ssh(&mut shell, 201, "203.0.113.9");
    let two = shell.begin(&stranger);
    assert!(separate(&one, &two), "{two:?}");
    // One side remote is enough.
    let mut local = ssh(&mut shell, 202, "");
    local.origin.remote = false;
    let three = shell.begin(&local);
    assert!(separate(&one, &three), "{three:?}");
    assert_ne!(challenge(&two), challenge(&three));
}

/// OpenVPN's and Dovecot's PAM helpers ask for everybody from one process without a terminal of their own: there the
/// process tells nothing about the person.
#[test]
fn strangers_behind_one_process_stay_apart() {
    for (tty, from) in [("", "198.51.100.7"), ("", ""), ("dovecot", "198.51.100.7")] {
        let mut shell = shell();
        let mut victim = ssh(&mut shell, 200, "203.0.113.9");
        victim.origin.tty = tty.to_owned();
        victim.origin.remote = !from.is_empty();
        if from.is_empty() {
            victim.source = Source::new("", "openvpn");
        }
        let one = shell.begin(&victim);
        let mut attacker = other_packet(&mut shell, &victim);
        attacker.source = Source::new(from, "sshd");
        let two = shell.begin(&attacker);
        assert!(
            separate(&one, &two),
            "terminal {tty:?}, from {from:?}: {:?}",
            two.reason
        );
    }
}

/// A challenge of what the door led to before is no challenge of what it leads to now.
#[test]
fn a_door_moved_to_another_resource_joins_nothing_old() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let one = shell.begin(&knock);
    let other = shell.doors[&Door::Sudo];
    shell.doors.insert(Door::VpnA, other);
    let second = other_packet(&mut shell, &knock);
    let two = shell.begin(&second);
    assert!(separate(&one, &two), "{:?}", two.reason);
    assert_eq!(shell.challenges[&challenge(&two)].resource, other);
}

#[test]
fn who_has_not_passed_the_first_factor_joins_nothing() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let _ = shell.begin(&knock);
    for first in [First::Failed, First::NoPassword] {
        let mut second = other_packet(&mut shell, &knock);
        second.first = first;
        assert!(denied(&shell.begin(&second)), "{first:?}");
    }
    // Not even the same packet.
    let mut same = knock;
    same.first = First::Failed;
    assert!(denied(&shell.begin(&same)));
}

#[test]
fn a_wrong_code_repeated_is_counted_once() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let one = shell.begin(&knock);
    let wrong = shell.wrong(session(&one));
    let typed = shell.typed(Door::VpnA, session(&one), &wrong);
    let first = shell.answer(&typed);
    for _ in 0..10 {
        let again = shell.answer(&typed);
        assert_eq!((&again.reply, again.reason), (&first.reply, Reason::Retransmit));
        assert_eq!(again.changes, []);
    }
    assert_eq!(shell.challenges[&challenge(&one)].tries, 1);
    let user = shell.find("alice").unwrap();
    assert_eq!(shell.guard(user).consecutive, 1);
}

/// The reply to a retransmit is the reply, to the last bit: also where it says that the tries are used.
#[test]
fn the_last_refusal_repeated_is_the_same_refusal() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let mut at = session(&shell.begin(&knock));
    for _ in 0..4 {
        let wrong = shell.wrong(at);
        at = session(&shell.say(at, &wrong));
    }
    let wrong = shell.wrong(at);
    let typed = shell.typed(Door::VpnA, at, &wrong);
    let last = shell.answer(&typed);
    assert_eq!(
        (&last.reply, last.reason),
        (&Reply::Deny { exhausted: true }, Reason::OtpLockedNow)
    );
    let again = shell.answer(&typed);
    assert_eq!(again.reply, last.reply);
    assert_eq!(again.changes, []);
}

/// A code that was refused as expired stays refused, also when the clock goes back.
#[test]
fn what_expired_once_stays_expired() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let at = session(&shell.begin(&knock));
    let code = shell.right(at);
    shell.advance(secs(301));
    assert_eq!(shell.say(at, &code).reason, Reason::Expired);
    shell.now = shell.now.minus(secs(200));
    let late = shell.say(at, &code);
    assert_eq!((denied(&late), late.reason), (true, Reason::ChallengeDead));
}

/// An Accept is repeated for a lost packet, not for whoever kept the request.
#[test]
fn an_accept_is_not_repeated_once_the_login_is_over() {
    for wait in [600, 3_600, 86_400] {
        let mut shell = shell();
        let knock = shell.vpn("alice", "7", "acct-1");
        let at = session(&shell.begin(&knock));
        let code = shell.right(at);
        let typed = shell.typed(Door::VpnA, at, &code);
        assert_eq!(shell.answer(&typed).reply, Reply::Allow);
        shell.advance(secs(5));
        assert_eq!(shell.answer(&typed).reply, Reply::Allow, "a lost reply");
        shell.advance(secs(wait));
        assert!(denied(&shell.answer(&typed)), "after {wait} s");
    }
}

/// A locked user is not let in on any channel, by a repeated request either.
#[test]
fn an_accept_is_not_repeated_for_a_locked_user() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let at = session(&shell.begin(&knock));
    let code = shell.right(at);
    let typed = shell.typed(Door::VpnA, at, &code);
    assert_eq!(shell.answer(&typed).reply, Reply::Allow);
    let user = shell.find("alice").unwrap();
    shell.users.get_mut(&user).unwrap().locked = Some("left the company".to_owned());
    assert!(denied(&shell.answer(&typed)));
}

#[test]
fn a_session_of_another_user_client_or_service_is_refused_without_a_change() {
    let mut shell = shell();
    let knock = shell.vpn("alice", "7", "acct-1");
    let at = session(&shell.begin(&knock));
    let code = shell.right(at);
    for door in [Door::VpnB, Door::Sshd, Door::Sudo] {
        let typed = shell.typed(door, at, &code);
        let step = shell.answer(&typed);
        assert_eq!(
            (denied(&step), step.reason),
            (true, Reason::ForeignSession),
            "{door:?}"
        );
        assert_eq!(step.changes, []);
    }
    let mut typed = shell.typed(Door::VpnA, at, &code);
    typed.user = shell.find("bob");
    let step = shell.answer(&typed);
    assert_eq!((denied(&step), step.reason), (true, Reason::ForeignSession));
    assert_eq!(step.changes, []);
    assert_eq!(shell.say(at, &code).reply, Reply::Allow);
}

#[test]
fn a_resend_repeats_the_digits_while_two_minutes_are_left() {
    for (at, same) in [(30, true), (180, true), (181, false), (299, false)] {
        let mut shell = shell();
        let knock = shell.vpn("alice", "7", "acct-1");
        let first = shell.begin(&knock);
        let old = shell.right(session(&first));
        shell.advance(secs(at));
        let step = shell.say(session(&first), "");
        assert_eq!((step.reason, texts(&step)), (Reason::Resent, 1), "{at} s");
        let new = shell.right(session(&step));
        assert_eq!(old == new, same, "{at} s");
        assert_eq!(shell.read(shell.outbox.last().unwrap()), new);
        if !same {
            let step = shell.say(session(&step), &old);
            assert_eq!(step.reason, Reason::WrongCode, "the old code is void");
        }
    }
}

#[test]
fn resends_cool_down_thirty_sixty_a_hundred_and_twenty_seconds() {
    let mut shell = shell();
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    let knock = shell.vpn("alice", "7", "acct-1");
    let mut at = session(&shell.begin(&knock));
    for wait in [30, 60, 120, 240] {
        shell.advance(secs(wait - 1));
        let early = shell.say(at, "resend");
        assert_eq!(
            (early.reason, texts(&early)),
            (Reason::ResendRefused, 0),
            "{wait}"
        );
        at = session(&early);
        shell.advance(secs(1));
        let step = shell.say(at, "resend");
        assert_eq!((step.reason, texts(&step)), (Reason::Resent, 1), "{wait}");
        at = session(&step);
    }
    // 450 s have passed: nothing lives longer than 600.
    shell.advance(secs(150));
    let code = shell.right(at);
    assert_eq!(shell.say(at, &code).reason, Reason::Expired);
}

/// A text that got lost must be replaceable at every length of life that a resource may have.
#[test]
fn a_short_life_of_codes_leaves_room_for_a_resend() {
    for validity in [60, 90, 119, 120, 180, 300, 600] {
        let mut shell = shell();
        for resource in shell.resources.values_mut() {
            resource.validity = validity;
            resource.check().unwrap();
        }
        let knock = shell.vpn("alice", "7", "acct-1");
        let first = shell.begin(&knock);
        shell.advance(secs(31));
        let step = shell.say(session(&first), "");
        assert_eq!(
            (step.reason, texts(&step)),
            (Reason::Resent, 1),
            "validity {validity}"
        );
        let text = shell.outbox.last().unwrap();
        assert!(
            text.deadline > shell.now,
            "the text has time to leave, validity {validity}"
        );
    }
}

/// Every login must have time left to type the code in.
#[test]
fn what_is_joined_has_time_left() {
    let mut shell = shell();
    let first = shell.sudo("alice", 100, 90, "pts/1");
    let one = shell.begin(&first);
    shell.advance(std::time::Duration::from_millis(299_999));
    let next = other_packet(&mut shell, &first);
    let two = shell.begin(&next);
    assert!(separate(&one, &two), "{:?} with a millisecond left", two.reason);
}
