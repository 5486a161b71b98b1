//! Texts on their way, and numbers of test texts.

use otpost_core::Timestamp;
use otpost_core::ids::{EnrolmentId, MessageId, ResourceId, TokenId, UserId, VerificationId};
use otpost_core::outbox::{Kind, SecurityEvent, State};

use super::Case;
use super::samples::{NOW, id, message, phone};
use crate::{Store, StoreError, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a text comes back as it was put", round_trip),
    ("due texts come oldest first", due),
    ("the next due time is known", next),
    ("texts are listed newest first", list),
    ("the number of a test text comes back", test_number),
];

fn leased(until: u64) -> State {
    State::Leased {
        provider: "first".to_owned(),
        until: Timestamp(until),
    }
}

fn round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut text = message(1);
    for state in [
        State::Queued,
        leased(NOW.0 + 20_000),
        State::Accepted {
            provider: "first".to_owned(),
            provider_id: Some("SM1".to_owned()),
        },
        State::Failed,
        State::Unknown,
        State::Expired,
    ] {
        text.state = state;
        text.epoch += 1;
        text.created = Timestamp(text.created.0 + 1);
        let put = text.clone();
        write(store, move |tx| tx.put_message(&put))?;
        assert_eq!(
            read(store, |tx| tx.message(MessageId(id(1))))?,
            Some(text.clone())
        );
    }
    text.only = None;
    text.tried.clear();
    for kind in [
        Kind::Enrol {
            enrolment: EnrolmentId(id(3)),
            generation: 2,
        },
        Kind::Portal {
            verification: VerificationId(id(4)),
            generation: 1,
            token: TokenId(id(5)),
        },
        Kind::Notice {
            what: SecurityEvent::PhoneChanged,
            user: UserId(id(6)),
            resource: ResourceId(id(7)),
        },
        Kind::Test,
    ] {
        text.kind = kind;
        let put = text.clone();
        write(store, move |tx| tx.put_message(&put))?;
        assert_eq!(
            read(store, |tx| tx.message(MessageId(id(1))))?,
            Some(text.clone())
        );
    }
    assert_eq!(read(store, |tx| tx.message(MessageId(id(2))))?, None);
    Ok(())
}

/// A text by number, age, due time and state.
type Text = (u8, u64, u64, fn() -> State);

fn put_all(store: &dyn Store, rows: &'static [Text]) -> Result<(), StoreError> {
    write(store, move |tx| {
        for (number, created, due, state) in rows {
            let mut text = message(*number);
            text.created = Timestamp(*created);
            text.due = Timestamp(*due);
            text.state = state();
            tx.put_message(&text)?;
        }
        Ok(())
    })
}

fn numbers(texts: &[otpost_core::outbox::Message]) -> Vec<u8> {
    texts.iter().map(|m| m.id.0[15]).collect()
}

fn due(store: &dyn Store) -> Result<(), StoreError> {
    put_all(
        store,
        &[
            (1, 50, 50, || State::Queued),
            (2, 20, 100, || State::Queued),
            (3, 10, 10, || leased(100)),
            (4, 5, 5, || State::Failed),
            (5, 30, 101, || State::Queued),
            (6, 40, 40, || leased(101)),
        ],
    )?;
    let due = |now: u64, limit: u32| {
        read(store, move |tx| {
            Ok(numbers(&tx.due_messages(Timestamp(now), limit)?))
        })
    };
    assert!(due(49, 10)?.is_empty());
    assert_eq!(due(99, 10)?, [1]);
    assert_eq!(due(100, 10)?, [3, 2, 1]);
    assert_eq!(due(100, 2)?, [3, 2]);
    assert_eq!(due(101, 10)?, [3, 2, 5, 6, 1]);
    assert_eq!(read(store, |tx| tx.totals(NOW))?.waiting_texts, 5);
    Ok(())
}

fn next(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(read(store, |tx| tx.next_due())?, None);
    put_all(
        store,
        &[
            (1, 1, 1, || State::Expired),
            (2, 2, 70, || State::Queued),
            (3, 3, 3, || leased(60)),
        ],
    )?;
    assert_eq!(read(store, |tx| tx.next_due())?, Some(Timestamp(60)));
    put_all(store, &[(3, 3, 3, || State::Unknown)])?;
    assert_eq!(read(store, |tx| tx.next_due())?, Some(Timestamp(70)));
    put_all(store, &[(2, 2, 70, || State::Failed)])?;
    assert_eq!(read(store, |tx| tx.next_due())?, None);
    Ok(())
}

fn list(store: &dyn Store) -> Result<(), StoreError> {
    put_all(
        store,
        &[
            (1, 10, 0, || State::Failed),
            (2, 30, 0, || State::Queued),
            (3, 20, 0, || State::Expired),
        ],
    )?;
    let list = |limit: u32| read(store, move |tx| Ok(numbers(&tx.messages(limit)?)));
    assert_eq!(list(10)?, [2, 3, 1]);
    assert_eq!(list(2)?, [2, 3]);
    assert!(list(0)?.is_empty());
    Ok(())
}

fn test_number(store: &dyn Store) -> Result<(), StoreError> {
    let get = || read(store, |tx| tx.test_number(MessageId(id(1))));
    assert_eq!(get()?, None);
    for number in [1, 2] {
        write(store, move |tx| {
            tx.put_test_number(MessageId(id(1)), &phone(number)?)
        })?;
        assert_eq!(get()?, Some(phone(number)?));
    }
    Ok(())
}
