//! Locks after wrong codes, closed sources after wrong passwords, and the sending gate (domain decisions 4, 5, 13).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Door, START, Shell, denied, region, secs, session, texts};
use otpost_core::Timestamp;
use otpost_core::gate::{Counts, MINUTE, Policy, Refusal, check, reachable};
use otpost_core::ids::{SessionId, UserId};
use otpost_core::limits::Guard;
use otpost_core::limits::{
    Counter, DAY, HOUR, LOCK, LOGIN_WINDOW, Lock, MONTH, NETWORK_FAILURES, NETWORK_FAILURES_KNOWN, Window,
    network_closed,
};
use otpost_core::login::{Change, First, Reason, Reply, Step};
use otpost_core::net::Source;
use otpost_core::phone::Phone;
use otpost_core::text::refusal;
use otpost_core::user::PasswordHash;

const FIVE: u32 = 5;

fn at(seconds: u64) -> Timestamp {
    START.plus(secs(seconds))
}

fn shell() -> Shell {
    let mut shell = Shell::new(&["alice", "bob"]);
    shell.policy.user_hour = 1000;
    shell.policy.user_day = 1000;
    shell.policy.number_hour = 1000;
    shell.policy.number_day = 1000;
    shell
}

fn alice(shell: &Shell) -> UserId {
    shell.find("alice").unwrap()
}

fn login(shell: &mut Shell, door: Door, name: &str) -> Step {
    let pid = i32::try_from(shell.challenges.len()).unwrap() * 2 + 100;
    let mut knock = match door {
        Door::VpnA | Door::VpnB => shell.vpn(name, &pid.to_string(), ""),
        Door::Sshd | Door::Sudo => shell.sudo(name, pid, pid + 1, "pts/1"),
    };
    knock.door = door;
    shell.begin(&knock)
}

fn fail(shell: &mut Shell, door: Door, at: SessionId) -> Step {
    let wrong = shell.wrong(at);
    let typed = shell.typed(door, at, &wrong);
    shell.answer(&typed)
}

fn succeed(shell: &mut Shell, door: Door, at: SessionId) -> Step {
    let right = shell.right(at);
    let typed = shell.typed(door, at, &right);
    shell.answer(&typed)
}

// Guard

fn locked_for(guard: &Guard, now: Timestamp) -> Option<Duration> {
    guard.locked_until.map(|until| until.since(now))
}

#[test]
fn the_fifth_wrong_code_locks_for_fifteen_minutes() {
    let mut guard = Guard::default();
    for n in 1..FIVE {
        guard = guard.failed(at(u64::from(n)), FIVE);
        assert_eq!((guard.consecutive, guard.lock_at(at(u64::from(n)))), (n, None));
    }
    guard = guard.failed(at(5), FIVE);
    assert_eq!(guard.lock_at(at(5)), Some(Lock::Until(at(5 + 900))));
    assert_eq!(guard.lock_at(at(904)), Some(Lock::Until(at(905))));
    assert_eq!(guard.lock_at(at(905)), None);
    assert_eq!(guard.month.count, 5);
}

#[test]
fn the_threshold_is_the_resources() {
    for limit in 3..=10 {
        let mut guard = Guard::default();
        for n in 1..limit {
            guard = guard.failed(at(u64::from(n)), limit);
            assert_eq!(guard.lock_at(at(u64::from(n))), None, "{n} of {limit}");
        }
        guard = guard.failed(at(20), limit);
        assert!(guard.lock_at(at(20)).is_some(), "{limit}");
    }
}

#[test]
fn a_success_resets_the_row_but_neither_back_off_nor_month() {
    let mut guard = Guard::default();
    for n in 0..4 {
        guard = guard.failed(at(n), FIVE);
    }
    let after = guard.succeeded().unwrap();
    assert_eq!((after.consecutive, after.month.count), (0, 4));
    assert_eq!(after.succeeded(), None);
    guard = after;
    for n in 10..14 {
        guard = guard.failed(at(n), FIVE);
        assert_eq!(guard.lock_at(at(n)), None);
    }
    guard = guard.failed(at(14), FIVE);
    assert_eq!(locked_for(&guard, at(14)), Some(LOCK));
    assert_eq!(guard.locks, 1);
    // A success after the lock keeps the doubling.
    let ended = at(14 + 900);
    guard = guard.failed(ended, FIVE);
    guard = guard.succeeded().unwrap();
    assert_eq!(guard.locks, 1);
    for _ in 0..5 {
        guard = guard.failed(ended, FIVE);
    }
    assert_eq!(locked_for(&guard, ended), Some(2 * LOCK));
}

/// Five wrong codes at `now`.
fn lock(guard: &Guard, now: Timestamp) -> Guard {
    let mut guard = guard.clone();
    for _ in 0..FIVE {
        guard = guard.failed(now, FIVE);
    }
    guard
}

#[test]
fn the_lock_doubles_to_a_day() {
    let mut guard = Guard::default();
    let mut now = START;
    for minutes in [15, 30, 60, 120, 240, 480, 960, 1440] {
        guard = lock(&guard, now);
        assert_eq!(locked_for(&guard, now), Some(secs(minutes * 60)));
        assert_eq!(
            guard.lock_at(now),
            Some(Lock::Until(now.plus(secs(minutes * 60))))
        );
        now = guard.locked_until.unwrap();
        assert_eq!(guard.lock_at(now), None);
    }
}

/// A lock of a day is no quiet day: nobody could try. Otherwise the longest lock is followed by the shortest.
#[test]
fn the_lock_stays_at_a_day_for_who_goes_on() {
    let mut guard = Guard::default();
    let mut now = START;
    for _ in 0..8 {
        guard = lock(&guard, now);
        now = guard.locked_until.unwrap();
    }
    guard = lock(&guard, now);
    assert_eq!(locked_for(&guard, now), Some(DAY));
}

#[test]
fn the_back_off_decays_after_a_quiet_day() {
    let guard = lock(&lock(&Guard::default(), START), at(900));
    assert_eq!(locked_for(&guard, at(900)), Some(2 * LOCK));
    let soon = lock(&guard, at(900).plus(DAY).minus(secs(1)));
    assert_eq!(soon.locks, 3);
    let quiet = guard.locked_until.unwrap().plus(DAY);
    let later = lock(&guard, quiet);
    assert_eq!(locked_for(&later, quiet), Some(LOCK));
    assert_eq!(later.month.count, 15, "the month does not decay with it");
}

#[test]
fn fifty_in_thirty_days_lock_until_an_administrator_unlocks() {
    let mut guard = Guard::default();
    // Never two in a row, so that no timed lock is in the way.
    for n in 0..49u64 {
        guard = guard.failed(at(n * 3600), FIVE);
        assert_eq!(guard.lock_at(at(n * 3600)), None, "{n}");
        guard = guard.succeeded().unwrap();
    }
    let now = at(49 * 3600);
    guard = guard.failed(now, FIVE);
    assert_eq!(guard.lock_at(now), Some(Lock::Month));
    let after = guard.succeeded().unwrap();
    assert_eq!(after.lock_at(now), Some(Lock::Month));
    assert_eq!(guard.lock_at(now.plus(secs(20 * 86_400))), Some(Lock::Month));
}

/// The lock of fifty does not end by itself, least of all hours after it began.
#[test]
fn time_does_not_end_the_lock_of_fifty() {
    let mut guard = Guard::default();
    for n in 0..49u64 {
        guard = guard.failed(START.plus(secs(n * 86_400 / 2)), FIVE);
        guard = guard.succeeded().unwrap();
    }
    let now = START.plus(MONTH).minus(secs(3600));
    guard = guard.failed(now, FIVE);
    assert_eq!(guard.lock_at(now), Some(Lock::Month));
    assert_eq!(
        guard.lock_at(now.plus(secs(7200))),
        Some(Lock::Month),
        "two hours later"
    );
    assert_eq!(
        guard.lock_at(now.plus(MONTH).plus(MONTH)),
        Some(Lock::Month),
        "two months later"
    );
}

#[test]
fn fewer_than_fifty_are_forgotten_after_thirty_days() {
    let mut guard = Guard::default();
    for n in 0..49 {
        guard = guard.failed(at(n), FIVE);
        guard = guard.succeeded().unwrap();
    }
    let later = START.plus(MONTH).plus(secs(60));
    guard = guard.failed(later, FIVE);
    assert_eq!(guard.month.count, 1);
    assert_eq!(guard.lock_at(later), None);
}

#[test]
fn enormous_counts_do_not_overflow() {
    let guard = Guard {
        consecutive: u32::MAX,
        locks: u32::MAX,
        last_failure: START,
        month: Window {
            start: START,
            count: u32::MAX,
        },
        ..Guard::default()
    };
    let next = guard.failed(at(1), FIVE);
    assert_eq!(locked_for(&next, at(1)), Some(DAY));
    assert_eq!(next.lock_at(at(1)), Some(Lock::Month));
    let end = Guard::default().failed(Timestamp(u64::MAX), 1);
    assert_eq!(end.locked_until, Some(Timestamp(u64::MAX)));
}

// Locks across channels

#[test]
fn wrong_codes_add_up_over_channels_and_lock_them_all() {
    let mut shell = shell();
    let spread = [Door::VpnA, Door::VpnB, Door::Sshd, Door::Sudo];
    let names = ["alice", "CORP\\alice", "ALICE@corp.example", "Alice"];
    for (door, name) in spread.into_iter().zip(names) {
        let step = login(&mut shell, door, name);
        let step = fail(&mut shell, door, session(&step));
        assert_eq!(step.reason, Reason::WrongCode, "{door:?}");
        shell.advance(secs(301));
    }
    let waiting = login(&mut shell, Door::Sudo, "alice");
    let last = login(&mut shell, Door::VpnA, "alice");
    let step = fail(&mut shell, Door::VpnA, session(&last));
    assert_eq!(
        (&step.reply, step.reason),
        (&Reply::Deny { exhausted: true }, Reason::OtpLockedNow)
    );
    // The right code of another login that waits does not help.
    let step = succeed(&mut shell, Door::Sudo, session(&waiting));
    assert_eq!((denied(&step), step.reason), (true, Reason::OtpLocked));
    for (door, name) in spread.into_iter().zip(names) {
        let step = login(&mut shell, door, name);
        assert_eq!(
            (denied(&step), step.reason, texts(&step)),
            (true, Reason::OtpLocked, 0)
        );
    }
    assert_eq!(login(&mut shell, Door::VpnA, "bob").reason, Reason::Challenge);
    shell.advance(LOCK);
    let step = login(&mut shell, Door::VpnA, "alice");
    assert_eq!(step.reason, Reason::Challenge);
    assert_eq!(
        succeed(&mut shell, Door::VpnA, session(&step)).reply,
        Reply::Allow
    );
}

#[test]
fn a_success_at_four_resets() {
    let mut shell = shell();
    for _ in 0..3 {
        let mut step = login(&mut shell, Door::VpnA, "alice");
        for _ in 0..4 {
            step = fail(&mut shell, Door::VpnA, session(&step));
            assert_eq!(step.reason, Reason::WrongCode);
        }
        let step = succeed(&mut shell, Door::VpnA, session(&step));
        assert_eq!((&step.reply, step.reason), (&Reply::Allow, Reason::Code));
        let user = alice(&shell);
        assert_eq!(shell.guard(user).consecutive, 0);
    }
}

#[test]
fn an_administrators_lock_holds_everywhere_and_in_the_middle_of_a_login() {
    let mut shell = shell();
    let step = login(&mut shell, Door::VpnA, "alice");
    let user = alice(&shell);
    shell.users.get_mut(&user).unwrap().locked = Some(String::new());
    let refused = succeed(&mut shell, Door::VpnA, session(&step));
    assert_eq!((denied(&refused), refused.reason), (true, Reason::AdminLocked));
    assert_eq!(refused.changes, []);
    for door in Door::ALL {
        let step = login(&mut shell, door, "alice");
        assert_eq!(
            (denied(&step), step.reason, texts(&step)),
            (true, Reason::AdminLocked, 0)
        );
    }
    shell.users.get_mut(&user).unwrap().bypass_until = Some(at(9_999));
    assert_eq!(login(&mut shell, Door::VpnA, "alice").reason, Reason::AdminLocked);
}

#[test]
fn a_bypass_holds_until_its_time_and_not_for_locked_users() {
    let mut shell = shell();
    let user = alice(&shell);
    shell.users.get_mut(&user).unwrap().bypass_until = Some(at(3600));
    let step = login(&mut shell, Door::VpnA, "alice");
    assert_eq!(
        (&step.reply, step.reason, texts(&step)),
        (&Reply::Allow, Reason::Bypass, 0)
    );
    shell.guards.insert(user, lock(&Guard::default(), START));
    assert_eq!(login(&mut shell, Door::VpnA, "alice").reason, Reason::OtpLocked);
    shell.guards.clear();
    shell.advance(secs(3600));
    assert_eq!(login(&mut shell, Door::VpnA, "alice").reason, Reason::Challenge);
}

// Wrong passwords

fn wrong_password(shell: &mut Shell, from: &str) -> Step {
    let mut knock = shell.vpn("alice", "7", "");
    knock.source = Source::new(from, "vpn-a");
    knock.first = First::Failed;
    knock.password = Some("wrong".to_owned());
    shell.begin(&knock)
}

fn right_password(shell: &mut Shell, name: &str, from: &str) -> Step {
    let port = shell.challenges.len().to_string();
    let mut knock = shell.vpn(name, &port, "");
    knock.source = Source::new(from, "vpn-a");
    shell.begin(&knock)
}

#[test]
fn ten_wrong_passwords_close_that_source_only() {
    let mut shell = shell();
    for n in 0..10 {
        let step = wrong_password(&mut shell, &format!("203.0.113.{n}"));
        assert_eq!(
            (denied(&step), step.reason, texts(&step)),
            (true, Reason::WrongPassword, 0)
        );
        assert_eq!(step.changes, [Change::LoginFailure]);
    }
    let closed = wrong_password(&mut shell, "203.0.113.77");
    assert_eq!((closed.reason, closed.changes), (Reason::SourceClosed, vec![]));
    let step = right_password(&mut shell, "alice", "203.0.113.5");
    assert_eq!(
        (denied(&step), step.reason),
        (true, Reason::SourceClosed),
        "even with the right password"
    );
    // Never the user: other networks and other channels stay open, and so do other users from the same network.
    assert_eq!(
        right_password(&mut shell, "alice", "203.0.114.5").reason,
        Reason::Challenge
    );
    assert_eq!(
        right_password(&mut shell, "bob", "203.0.113.5").reason,
        Reason::Challenge
    );
    assert_eq!(login(&mut shell, Door::Sudo, "alice").reason, Reason::Challenge);
    let user = alice(&shell);
    assert_eq!(shell.guard(user), Guard::default());
    shell.advance(LOGIN_WINDOW);
    assert_eq!(
        right_password(&mut shell, "alice", "203.0.113.5").reason,
        Reason::Challenge
    );
}

#[test]
fn nine_wrong_passwords_close_nothing() {
    let mut shell = shell();
    for _ in 0..9 {
        let _ = wrong_password(&mut shell, "203.0.113.1");
    }
    assert_eq!(
        right_password(&mut shell, "alice", "203.0.113.1").reason,
        Reason::Challenge
    );
}

#[test]
fn a_storm_closes_unknown_networks_only() {
    let mut shell = shell();
    let step = right_password(&mut shell, "alice", "198.51.100.1");
    assert_eq!(
        succeed(&mut shell, Door::VpnA, session(&step)).reply,
        Reply::Allow
    );
    shell.advance(secs(86_400));
    for n in 0..100 {
        let step = wrong_password(&mut shell, &format!("10.0.{n}.1"));
        assert_eq!(step.reason, Reason::WrongPassword, "{n}");
    }
    assert_eq!(
        wrong_password(&mut shell, "10.1.0.1").reason,
        Reason::SourceClosed
    );
    assert_eq!(
        right_password(&mut shell, "alice", "192.0.2.1").reason,
        Reason::SourceClosed
    );
    assert_eq!(
        right_password(&mut shell, "alice", "198.51.100.200").reason,
        Reason::Challenge
    );
    assert_eq!(
        right_password(&mut shell, "bob", "192.0.2.1").reason,
        Reason::Challenge
    );
    shell.advance(HOUR);
    assert_eq!(
        right_password(&mut shell, "alice", "192.0.2.1").reason,
        Reason::Challenge
    );
}

#[test]
fn a_network_is_closed_after_wrong_passwords_of_any_names_and_later_where_people_come_in() {
    let after = |failures| {
        let counter = hits(failures, LOGIN_WINDOW);
        let (stranger, known) = (
            network_closed(&counter, false, START),
            network_closed(&counter, true, START),
        );
        assert!(!network_closed(&counter, false, START.plus(LOGIN_WINDOW)));
        (stranger, known)
    };
    assert_eq!(after(NETWORK_FAILURES - 1), (false, false));
    assert_eq!(after(NETWORK_FAILURES), (true, false));
    assert_eq!(after(NETWORK_FAILURES_KNOWN - 1), (true, false));
    assert_eq!(after(NETWORK_FAILURES_KNOWN), (true, true));
}

#[test]
fn a_password_that_was_changed_meanwhile_is_not_the_one_that_was_compared() {
    let hash = |text: &str| PasswordHash(text.to_owned().into());
    let (old, new) = (hash("$old"), hash("$new"));
    let said = |right, with: Option<&str>, kept: Option<&PasswordHash>| First::confirmed(right, with, kept);
    assert_eq!(said(true, Some("$old"), Some(&old)), First::Passed);
    assert_eq!(said(true, Some("$old"), Some(&new)), First::Failed);
    assert_eq!(said(false, Some("$old"), Some(&old)), First::Failed);
    assert_eq!(said(true, None, Some(&old)), First::Failed);
    assert_eq!(said(true, Some("$old"), None), First::NoPassword);
    assert_eq!(said(false, None, None), First::NoPassword);
}

#[test]
fn a_success_is_known_for_thirty_days() {
    let mut shell = shell();
    let step = right_password(&mut shell, "alice", "198.51.100.1");
    assert_eq!(
        succeed(&mut shell, Door::VpnA, session(&step)).reply,
        Reply::Allow
    );
    shell.advance(MONTH);
    for n in 0..100 {
        let _ = wrong_password(&mut shell, &format!("10.0.{n}.1"));
    }
    assert_eq!(
        right_password(&mut shell, "alice", "198.51.100.1").reason,
        Reason::SourceClosed
    );
}

#[test]
fn wrong_passwords_and_wrong_codes_do_not_mix() {
    let mut shell = shell();
    for n in 0..9 {
        let _ = wrong_password(&mut shell, &format!("10.0.{n}.1"));
    }
    let user = alice(&shell);
    assert_eq!(shell.guard(user), Guard::default());
    let mut step = login(&mut shell, Door::VpnA, "alice");
    for _ in 0..5 {
        step = fail(&mut shell, Door::VpnA, session(&step).to_owned());
        if denied(&step) {
            break;
        }
    }
    assert_eq!(step.reason, Reason::OtpLockedNow);
    assert_eq!(shell.user_failures[&user].short.count, 9);
}

// Gate

fn phone(text: &str) -> Phone {
    Phone::parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn open() -> Policy {
    Policy {
        countries: BTreeSet::from([region("DE"), region("US"), region("GB")]),
        ..Policy::default()
    }
}

fn hits(n: u32, short: Duration) -> Counter {
    (0..n).fold(Counter::default(), |counter, _| counter.hit(START, short))
}

fn days(n: u32) -> Counter {
    Counter {
        short: Window::default(),
        day: Window {
            start: START,
            count: n,
        },
    }
}

#[test]
fn an_empty_country_list_denies() {
    let phone = phone("+491712345678");
    let policy = Policy::default();
    assert!(policy.countries.is_empty());
    let step = check(&policy, &phone, &Counts::default(), true, START);
    assert_eq!(step, Err(Refusal::Country(region("DE"))));
    assert_eq!(reachable(&policy, &phone), Err(Refusal::Country(region("DE"))));
    assert_eq!(check(&open(), &phone, &Counts::default(), false, START), Ok(()));
}

#[test]
fn each_budget_refuses_alone_and_says_how_long() {
    let phone = phone("+491712345678");
    let none = Counts::default;
    let cases = [
        (
            Counts {
                number: hits(5, HOUR),
                ..none()
            },
            Refusal::NumberBudget { wait: 3600 },
        ),
        (
            Counts {
                number: days(10),
                ..none()
            },
            Refusal::NumberBudget { wait: 86_400 },
        ),
        (
            Counts {
                user: hits(5, HOUR),
                ..none()
            },
            Refusal::UserBudget { wait: 3600 },
        ),
        (
            Counts {
                user: days(15),
                ..none()
            },
            Refusal::UserBudget { wait: 86_400 },
        ),
        (
            Counts {
                source: hits(120, HOUR),
                ..none()
            },
            Refusal::SourceBudget { wait: 3600 },
        ),
        (
            Counts {
                source: days(600),
                ..none()
            },
            Refusal::SourceBudget { wait: 86_400 },
        ),
        (
            Counts {
                all: hits(120, MINUTE),
                ..none()
            },
            Refusal::OverallBudget { wait: 60 },
        ),
        (
            Counts {
                all: days(10_000),
                ..none()
            },
            Refusal::OverallBudget { wait: 86_400 },
        ),
    ];
    for (counts, refusal) in cases {
        assert_eq!(check(&open(), &phone, &counts, true, START), Err(refusal));
        let wait = secs(u64::from(refusal.wait().unwrap()));
        let before = START.plus(wait).minus(Duration::from_millis(1));
        assert_eq!(
            check(&open(), &phone, &counts, true, before).map_err(Refusal::code),
            Err(refusal.code())
        );
        assert_eq!(check(&open(), &phone, &counts, true, START.plus(wait)), Ok(()));
    }
}

#[test]
fn one_below_each_budget_passes() {
    let counts = Counts {
        number: hits(4, HOUR),
        user: hits(4, HOUR),
        source: hits(119, HOUR),
        all: hits(119, MINUTE),
    };
    assert_eq!(
        check(&open(), &phone("+491712345678"), &counts, true, START),
        Ok(())
    );
    let full = counts.hit(START);
    assert_eq!(
        check(&open(), &phone("+491712345678"), &full, true, START),
        Err(Refusal::NumberBudget { wait: 3600 })
    );
}

/// Everything is wrong at once; each step mends the rule that was named.
#[test]
fn the_order_of_refusals() {
    let mut policy = Policy {
        paused: true,
        ..Policy::default()
    };
    let fixed = phone("+493012345678");
    let mobile = phone("+491712345678");
    let mut counts = Counts {
        number: hits(9, HOUR),
        user: hits(9, HOUR),
        source: hits(999, HOUR),
        all: hits(999, MINUTE),
    };
    let code = |policy: &Policy, phone: &Phone, counts: &Counts| {
        check(policy, phone, counts, false, START).map_err(Refusal::code)
    };
    assert_eq!(code(&policy, &fixed, &counts), Err("sms-paused"));
    policy.paused = false;
    assert_eq!(code(&policy, &fixed, &counts), Err("sms-number-class"));
    assert_eq!(code(&policy, &mobile, &counts), Err("sms-country"));
    policy.countries.insert(region("DE"));
    assert_eq!(code(&policy, &mobile, &counts), Err("sms-number-budget"));
    counts.number = Counter::default();
    assert_eq!(code(&policy, &mobile, &counts), Err("sms-user-budget"));
    counts.user = Counter::default();
    assert_eq!(code(&policy, &mobile, &counts), Err("sms-source-budget"));
    counts.source = Counter::default();
    assert_eq!(code(&policy, &mobile, &counts), Err("sms-overall-budget"));
    counts.all = Counter::default();
    assert_eq!(code(&policy, &mobile, &counts), Ok(()));
}

#[test]
fn two_texts_an_hour_are_kept_for_known_sources() {
    let phone = phone("+491712345678");
    for (sent, unknown, known) in [
        (2, true, true),
        (3, false, true),
        (4, false, true),
        (5, false, false),
    ] {
        let counts = Counts {
            user: hits(sent, HOUR),
            ..Counts::default()
        };
        assert_eq!(
            check(&open(), &phone, &counts, false, START).is_ok(),
            unknown,
            "{sent}, unknown"
        );
        assert_eq!(
            check(&open(), &phone, &counts, true, START).is_ok(),
            known,
            "{sent}, known"
        );
    }
    let all = Policy {
        user_reserve: 9,
        ..open()
    };
    assert!(check(&all, &phone, &Counts::default(), false, START).is_err());
    assert!(check(&all, &phone, &Counts::default(), true, START).is_ok());
}

#[test]
fn a_reserve_in_a_login() {
    let mut shell = Shell::new(&["alice"]);
    let home = right_password(&mut shell, "alice", "198.51.100.1");
    assert_eq!(
        succeed(&mut shell, Door::VpnA, session(&home)).reply,
        Reply::Allow
    );
    shell.advance(HOUR);
    for n in 0..3 {
        let step = right_password(&mut shell, "alice", &format!("10.0.{n}.1"));
        assert_eq!(step.reason, Reason::Challenge, "{n}");
        assert_eq!(
            succeed(&mut shell, Door::VpnA, session(&step)).reply,
            Reply::Allow
        );
    }
    let step = right_password(&mut shell, "alice", "10.1.0.1");
    assert_eq!(step.reason, Reason::Sms(Refusal::UserBudget { wait: 3600 }));
    assert_eq!((denied(&step), step.changes), (true, vec![]));
    let step = right_password(&mut shell, "alice", "198.51.100.1");
    assert_eq!(step.reason, Reason::Challenge);
}

#[test]
fn what_strangers_use_up_in_a_day_leaves_two_texts_to_known_sources() {
    let phone = phone("+491712345678");
    let passes = |policy: &Policy, counts: &Counts, known| check(policy, &phone, counts, known, START);
    // Of the user's 15 a day, and of the number's 10.
    for (counts, budget) in [
        (
            Counts {
                user: days(13),
                ..Counts::default()
            },
            Refusal::UserBudget { wait: 86_400 },
        ),
        (
            Counts {
                number: days(8),
                ..Counts::default()
            },
            Refusal::NumberBudget { wait: 86_400 },
        ),
    ] {
        assert_eq!(passes(&open(), &counts, false), Err(budget));
        assert_eq!(passes(&open(), &counts, true), Ok(()));
        assert_eq!(passes(&open(), &counts.hit(START), true), Ok(()));
    }
    // Whoever knows the password sends all that they can, from hour to hour and from ever new networks.
    let (mut counts, mut strangers) = (Counts::default(), 0);
    for hour in 0..23 {
        let at = at(hour * 3600);
        while check(&open(), &phone, &counts, false, at).is_ok() {
            counts = counts.hit(at);
            strangers += 1;
        }
    }
    assert_eq!(strangers, 8);
    for _ in 0..2 {
        assert_eq!(check(&open(), &phone, &counts, true, at(23 * 3600)), Ok(()));
        counts = counts.hit(at(23 * 3600));
    }
    // A small budget is not kept from strangers altogether: they are people who are new.
    let small = Policy {
        number_day: 1,
        user_day: 2,
        ..open()
    };
    assert_eq!(passes(&small, &Counts::default(), false), Ok(()));
}

#[test]
fn a_resend_passes_the_gate_as_well() {
    let mut shell = shell();
    let step = login(&mut shell, Door::VpnA, "alice");
    shell.advance(secs(60));
    shell.policy.paused = true;
    let typed = shell.typed(Door::VpnA, session(&step), "");
    let refused = shell.answer(&typed);
    assert_eq!((refused.reason, texts(&refused)), (Reason::ResendRefused, 0));
    // The code that was sent stays good.
    assert_eq!(
        succeed(&mut shell, Door::VpnA, session(&refused)).reply,
        Reply::Allow
    );
}

/// Texts a user never asked for must not follow each other at will: a new login is no way round the cool-down of a number.
#[test]
fn budgets_bound_what_somebody_with_the_password_can_send() {
    let mut shell = Shell::new(&["alice"]);
    let mut sent = 0;
    for n in 0..24 * 60 {
        let step = right_password(&mut shell, "alice", &format!("10.{}.{}.1", n / 200, n % 200));
        sent += texts(&step);
        shell.advance(secs(60));
    }
    assert!(sent <= 10, "{sent} texts a day to one number");
    assert_eq!(shell.outbox.len(), sent);
}

#[test]
fn a_clock_that_goes_back_frees_nothing() {
    let counts = Counts {
        number: hits(5, HOUR),
        ..Counts::default()
    };
    let before = START.minus(secs(1800));
    assert!(check(&open(), &phone("+491712345678"), &counts, true, before).is_err());
    let guard = lock(&Guard::default(), START);
    assert!(guard.lock_at(before).is_some());
}

/// A clock that was a year ahead for a while locks nobody out for a year.
#[test]
fn a_clock_that_was_far_ahead_leaves_nothing_behind() {
    let ahead = START.plus(secs(365 * 86_400));
    let full = (0..20).fold(Counter::default(), |c, _| c.hit(ahead, HOUR));
    let counts = Counts {
        number: full,
        user: full,
        ..Counts::default()
    };
    assert!(check(&open(), &phone("+491712345678"), &counts, true, START).is_ok());
    assert_eq!(full.hit(START, HOUR).short.count, 1);
    assert_eq!(lock(&Guard::default(), ahead).lock_at(START), None);
}

#[test]
fn refusals_that_depend_on_the_user_read_the_same() {
    let reasons = [
        Reason::NoResource,
        Reason::ResourceDisabled,
        Reason::UnknownUser,
        Reason::NotInResource,
        Reason::WrongPassword,
        Reason::NoPassword,
        Reason::SourceClosed,
        Reason::AdminLocked,
        Reason::OtpLocked,
        Reason::Unenrolled,
        Reason::TokenDisabled,
        Reason::TokenBlocked,
        Reason::Decoy,
    ];
    for reason in reasons {
        assert_eq!(
            refusal(reason, "ABCDEFGH"),
            refusal(Reason::WrongPassword, "ABCDEFGH"),
            "{reason:?}"
        );
    }
}

#[test]
fn windows_start_with_their_first_event() {
    let window = Window::default().hit(START, HOUR).hit(at(3599), HOUR);
    assert_eq!(
        window,
        Window {
            start: START,
            count: 2
        }
    );
    assert_eq!(window.count_at(at(3599), HOUR), 2);
    assert_eq!(window.count_at(at(3600), HOUR), 0);
    assert_eq!(
        window.hit(at(3600), HOUR),
        Window {
            start: at(3600),
            count: 1
        }
    );
    assert_eq!(window.seconds_left(at(3599), HOUR), 1);
    assert_eq!(window.seconds_left(at(9999), HOUR), 0);
    // The default window is long over.
    assert_eq!(Window::default().count_at(START, MONTH), 0);
}
