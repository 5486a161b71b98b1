//! Challenges, sessions, counters, known sources.

use otpost_core::Timestamp;
use otpost_core::challenge::{Answered, Challenge, Notice, State};
use otpost_core::ids::{AttemptId, ChallengeId, SessionId, UserId};
use otpost_core::limits::{Counter, Window};

use super::Case;
use super::samples::{NOW, challenge, id, phone, session};
use crate::{CounterKey, Store, StoreError, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a challenge comes back as it was put", challenge_round_trip),
    ("open challenges are those that wait for a code", open),
    ("a session comes back as it was put", session_round_trip),
    ("counters do not mix", counters),
    ("a known source comes back", sources),
    ("a sweep takes what is old, and only that", sweep),
    ("a sweep takes so many of each", sweep_limit),
];

const ALICE: UserId = UserId([0xaa; 16]);
const BOB: UserId = UserId([0xbb; 16]);
const DAY: u64 = 24 * 3600 * 1000;

fn challenge_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut one = challenge(1, ALICE);
    let by = AttemptId(id(77));
    for state in [State::Open, State::Consumed { by }, State::Dead, State::Open] {
        one.state = state;
        one.tries += 1;
        let put = one.clone();
        write(store, move |tx| tx.put_challenge(&put))?;
        let found = read(store, |tx| tx.challenge(ChallengeId(id(1))))?;
        assert_eq!(found.as_ref(), Some(&one));
    }
    // What is looked for changes with the rest, each by itself.
    let put = |one: &Challenge| {
        let put = one.clone();
        write(store, move |tx| tx.put_challenge(&put))
    };
    let later = one.deadline;
    let open = |user: UserId, now: Timestamp| read(store, move |tx| tx.open_challenges(user, now));
    one.expires = Timestamp(later.0 + 100);
    one.deadline = Timestamp(later.0 + 10);
    put(&one)?;
    assert_eq!(open(ALICE, later)?, std::slice::from_ref(&one));
    one.user = BOB;
    put(&one)?;
    assert_eq!(open(ALICE, later)?, []);
    assert_eq!(open(BOB, later)?, std::slice::from_ref(&one));
    one.attempt = AttemptId(id(9));
    put(&one)?;
    assert_eq!(read(store, |tx| tx.challenge(ChallengeId(id(1))))?, Some(one));
    assert_eq!(read(store, |tx| tx.challenge(ChallengeId(id(2))))?, None);
    Ok(())
}

fn open(store: &dyn Store) -> Result<(), StoreError> {
    let at = |number: u8, created: u64, expires: u64, deadline: u64| {
        let mut one = challenge(number, ALICE);
        one.created = Timestamp(created);
        one.expires = Timestamp(expires);
        one.deadline = Timestamp(deadline);
        one
    };
    let (young, old) = (at(1, 20, 100, 200), at(2, 10, 150, 200));
    let expired = at(3, 5, 50, 200);
    let ended = at(4, 5, 100, 50);
    let mut dead = at(5, 5, 100, 200);
    dead.state = State::Dead;
    let mut used = at(6, 5, 100, 200);
    used.state = State::Consumed { by: used.attempt };
    let put = [young.clone(), old.clone(), expired, ended, dead, used];
    write(store, move |tx| {
        put.iter().try_for_each(|c| tx.put_challenge(c))?;
        tx.put_challenge(&challenge(7, BOB))
    })?;
    let open = |now: u64| read(store, move |tx| tx.open_challenges(ALICE, Timestamp(now)));
    assert_eq!(open(60)?, [old.clone(), young]);
    assert_eq!(open(100)?, [old]);
    assert_eq!(open(150)?, []);
    assert_eq!(open(200)?, []);
    let totals = |now: u64| read(store, move |tx| tx.totals(Timestamp(now)));
    assert_eq!(totals(60)?.open_challenges, 4);
    assert_eq!(totals(49)?.open_challenges, 5);
    assert_eq!(totals(200)?.open_challenges, 1);
    Ok(())
}

fn session_round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut one = session(1, ChallengeId(id(1)));
    for (answered, notice) in [
        (None, Notice::Sent),
        (Some((AttemptId(id(1)), Answered::Allowed)), Notice::SentAgain),
        (
            Some((AttemptId(id(2)), Answered::Again(SessionId(id(9))))),
            Notice::NoMore,
        ),
        (
            Some((AttemptId(id(3)), Answered::Denied)),
            Notice::Wait { seconds: 30 },
        ),
    ] {
        one.answered = answered;
        one.notice = notice;
        one.round += 1;
        let put = one.clone();
        write(store, move |tx| tx.put_session(&put))?;
        assert_eq!(read(store, |tx| tx.session(SessionId(id(1))))?, Some(one.clone()));
    }
    one.challenge = ChallengeId(id(2));
    let put = one.clone();
    let get = || read(store, |tx| tx.session(SessionId(id(1))));
    write(store, move |tx| {
        tx.put_session(&put)?;
        tx.put_challenge(&challenge(1, ALICE))?;
        tx.put_challenge(&challenge(2, BOB))
    })?;
    assert_eq!(get()?.as_ref(), Some(&one));
    assert_eq!(read(store, |tx| tx.session(SessionId(id(2))))?, None);
    // It goes with its new challenge, not with the old one.
    write(store, |tx| tx.delete_user(ALICE))?;
    assert_eq!(get()?, Some(one));
    write(store, |tx| tx.delete_user(BOB))?;
    assert_eq!(get()?, None);
    Ok(())
}

fn counters(store: &dyn Store) -> Result<(), StoreError> {
    const NET: &str = "192.0.2.0/24";
    let phones = [phone(1)?, phone(2)?];
    let keys = |phones: &[otpost_core::phone::Phone; 2], run: &mut dyn FnMut(CounterKey<'_>, u32)| {
        let [one, two] = phones;
        for (key, count) in [
            CounterKey::TextsToNumber(one),
            CounterKey::TextsToNumber(two),
            CounterKey::TextsForUser(ALICE),
            CounterKey::TextsForUser(BOB),
            CounterKey::TextsForSource(NET),
            CounterKey::TextsForSource("all"),
            CounterKey::TextsForSource(""),
            CounterKey::TextsInAll,
            CounterKey::PasswordsFromSource(ALICE, NET),
            CounterKey::PasswordsFromSource(ALICE, "via sshd"),
            CounterKey::PasswordsFromSource(BOB, NET),
            CounterKey::PasswordsOfUser(ALICE),
            CounterKey::PasswordsOfUser(BOB),
            CounterKey::Portal(NET),
            CounterKey::Portal("all"),
        ]
        .into_iter()
        .zip(1..)
        {
            run(key, count);
        }
    };
    let counter = |count: u32| Counter {
        short: Window {
            start: Timestamp(NOW.0 + u64::from(count)),
            count,
        },
        day: Window {
            start: NOW,
            count: count * 2,
        },
    };
    let put = phones.clone();
    let fresh = write(store, move |tx| {
        let mut outcome = Ok(());
        let mut fresh = Vec::new();
        keys(&put, &mut |key, count| {
            fresh.push(tx.counter(key));
            let put = tx
                .put_counter(key, &counter(99))
                .and_then(|()| tx.put_counter(key, &counter(count)));
            outcome = outcome.clone().and(put);
        });
        outcome.map(|()| fresh)
    })?;
    assert!(fresh.iter().all(|c| *c == Ok(Counter::default())));
    let get = phones;
    let found = read(store, move |tx| {
        let mut found = Vec::new();
        keys(&get, &mut |key, count| found.push((count, tx.counter(key))));
        Ok(found)
    })?;
    assert_eq!(found.len(), 15);
    for (count, found) in found {
        assert_eq!(found, Ok(counter(count)));
    }
    // A new day changes all of it.
    let later = Counter::default().hit(Timestamp(NOW.0 + 5 * DAY), otpost_core::limits::HOUR);
    write(store, move |tx| {
        tx.put_counter(CounterKey::TextsInAll, &later)?;
        tx.delete_counter(CounterKey::TextsForUser(ALICE))?;
        tx.delete_counter(CounterKey::TextsForUser(ALICE))
    })?;
    let found = read(store, |tx| {
        Ok([
            tx.counter(CounterKey::TextsInAll)?,
            tx.counter(CounterKey::TextsForUser(ALICE))?,
            tx.counter(CounterKey::TextsForUser(BOB))?,
        ])
    })?;
    assert_eq!(found, [later, Counter::default(), counter(4)]);
    Ok(())
}

fn sources(store: &dyn Store) -> Result<(), StoreError> {
    let get = |user: UserId, source: &'static str| read(store, move |tx| tx.source_success(user, source));
    assert_eq!(get(ALICE, "192.0.2.0/24")?, None);
    for now in [NOW, Timestamp(NOW.0 + 5)] {
        write(store, move |tx| tx.put_source_success(ALICE, "192.0.2.0/24", now))?;
        assert_eq!(get(ALICE, "192.0.2.0/24")?, Some(now));
    }
    assert_eq!(get(ALICE, "192.0.2.0/25")?, None);
    assert_eq!(get(BOB, "192.0.2.0/24")?, None);
    Ok(())
}

fn sweep(store: &dyn Store) -> Result<(), StoreError> {
    let counter = |short: u64, day: u64| Counter {
        short: Window {
            start: Timestamp(short),
            count: 1,
        },
        day: Window {
            start: Timestamp(day),
            count: 1,
        },
    };
    let now = NOW.0;
    write(store, move |tx| {
        for (number, deadline) in [(1, now - DAY - 1), (2, now - DAY), (3, now + DAY)] {
            let mut one = challenge(number, ALICE);
            one.deadline = Timestamp(deadline);
            tx.put_challenge(&one)?;
            tx.put_session(&session(number, one.id))?;
            tx.put_session(&session(number + 10, one.id))?;
        }
        tx.put_counter(
            CounterKey::TextsForSource("old"),
            &counter(now - 2 * DAY - 1, now - 3 * DAY),
        )?;
        tx.put_counter(
            CounterKey::TextsForSource("young day"),
            &counter(0, now - 2 * DAY),
        )?;
        tx.put_counter(CounterKey::TextsForSource("young hour"), &counter(now, 0))?;
        tx.put_source_success(ALICE, "old", Timestamp(now - 30 * DAY - 1))?;
        tx.put_source_success(ALICE, "young", Timestamp(now - 30 * DAY))?;
        for (number, created) in [(1, now - 30 * DAY - 1), (2, now - 30 * DAY)] {
            let mut text = super::samples::message(number);
            text.created = Timestamp(created);
            tx.put_message(&text)?;
            tx.put_test_number(text.id, &phone(number)?)?;
        }
        Ok(())
    })?;
    let gone = write(store, |tx| tx.sweep(NOW, 1000))?;
    assert_eq!(gone, 4, "a challenge, a counter, a source, a text");
    let left = read(store, |tx| {
        let mut left = Vec::new();
        for number in [1, 2, 3] {
            left.push(tx.challenge(ChallengeId(id(number)))?.is_some());
            left.push(tx.session(SessionId(id(number)))?.is_some());
            left.push(tx.session(SessionId(id(number + 10)))?.is_some());
        }
        for source in ["old", "young day", "young hour"] {
            left.push(tx.counter(CounterKey::TextsForSource(source))? != Counter::default());
        }
        for source in ["old", "young"] {
            left.push(tx.source_success(ALICE, source)?.is_some());
        }
        for number in [1, 2] {
            let text = otpost_core::ids::MessageId(id(number));
            left.push(tx.message(text)?.is_some());
            left.push(tx.test_number(text)?.is_some());
        }
        Ok(left)
    })?;
    let (no, yes) = (false, true);
    #[rustfmt::skip]
    assert_eq!(left, [
        no, no, no, yes, yes, yes, yes, yes, yes,
        no, yes, yes,
        no, yes,
        no, no, yes, yes,
    ]);
    assert_eq!(write(store, |tx| tx.sweep(NOW, 1000))?, 0);
    assert_eq!(write(store, |tx| tx.sweep(Timestamp(0), 1000))?, 0);
    Ok(())
}

fn sweep_limit(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        for number in 0..10 {
            tx.put_challenge(&challenge(number, ALICE))?;
            tx.put_session(&session(number, ChallengeId(id(number))))?;
        }
        Ok(())
    })?;
    let later = Timestamp(NOW.0 + 3 * DAY);
    for gone in [4, 4, 2, 0] {
        assert_eq!(write(store, move |tx| tx.sweep(later, 4))?, gone);
    }
    let left = read(store, |tx| {
        (0..10)
            .map(|number| tx.session(SessionId(id(number))))
            .collect::<Result<Vec<_>, _>>()
    })?;
    assert!(left.iter().all(Option::is_none));
    Ok(())
}
