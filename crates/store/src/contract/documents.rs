//! Documents: found by id, key, owner and time, each kind for itself.

use otpost_core::Timestamp;
use otpost_core::ids::UserId;
use serde::{Deserialize, Serialize};

use super::Case;
use super::samples::{NOW, document, id, key, user};
use crate::document::{self as typed, Document};
use crate::{Row, Store, StoreError, Tx, read, write};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a document comes back as it was put", round_trip),
    ("a second put replaces all of a document", replaced),
    ("a key is unique within its kind, not beyond it", unique_keys),
    ("a closure may go on after a taken key", going_on),
    ("documents come in order of id, in pages", pages),
    (
        "due documents come earliest first, at most as many as asked for",
        due,
    ),
    ("documents are found by their owner", owners),
    ("a deleted document leaves nothing behind", deleted),
    ("a deleted user's documents go, of every kind", deleted_owner),
    ("a closure that fails leaves documents as they were", failing),
    ("a type is stored and found as a document", of_a_type),
    ("a body of another form is damage", other_form),
    (
        "the last success of a user is the latest of all sources",
        last_success,
    ),
];

fn put_all(store: &dyn Store, rows: &[Row]) -> Result<(), StoreError> {
    let rows = rows.to_vec();
    write(store, move |tx| {
        rows.iter().try_for_each(|row| tx.put_document(row))
    })
}

fn later(millis: u64) -> Option<Timestamp> {
    Some(Timestamp(NOW.0.saturating_add(millis)))
}

/// Numbers at the ends of the ids, in order.
fn numbers(rows: &[Row]) -> Vec<u8> {
    rows.iter().filter_map(|row| row.id.last().copied()).collect()
}

fn round_trip(store: &dyn Store) -> Result<(), StoreError> {
    let mut full = document("a", 1);
    full.owner = Some(id(7));
    full.key = Some(key(1));
    full.due = later(5);
    // Any octets, and none; the same id in another kind.
    let mut octets = document("a", 2);
    octets.body = zeroize::Zeroizing::new(vec![0xff, 0x00, 0xfe]);
    let mut empty = document("b", 1);
    empty.body = zeroize::Zeroizing::new(Vec::new());
    put_all(store, &[full.clone(), octets.clone(), empty.clone()])?;
    let found = read(store, |tx| {
        Ok([
            tx.document("a", &id(1))?,
            tx.document("a", &id(2))?,
            tx.document("b", &id(1))?,
            tx.document("b", &id(2))?,
            tx.document("A", &id(1))?,
            tx.document("", &id(1))?,
        ])
    })?;
    let expected = [Some(full.clone()), Some(octets), Some(empty), None, None, None];
    assert_eq!(found, expected);
    let by_key = read(store, |tx| {
        Ok([
            tx.document_by_key("a", &key(1))?,
            tx.document_by_key("a", &key(2))?,
            tx.document_by_key("b", &key(1))?,
        ])
    })?;
    assert_eq!(by_key, [Some(full), None, None]);
    Ok(())
}

fn replaced(store: &dyn Store) -> Result<(), StoreError> {
    let mut first = document("a", 1);
    (first.owner, first.key, first.due) = (Some(id(7)), Some(key(1)), later(5));
    let mut second = document("a", 1);
    second.body = zeroize::Zeroizing::new(b"{\"new\":true}".to_vec());
    (second.owner, second.key, second.due) = (Some(id(8)), Some(key(2)), later(6));
    let mut bare = second.clone();
    (bare.owner, bare.key, bare.due) = (None, None, None);
    // The one put again unchanged keeps its own key.
    for now in [&first, &first, &second, &bare, &second] {
        put_all(store, std::slice::from_ref(now))?;
        assert_eq!(
            read(store, |tx| tx.documents("a", None, 9))?,
            std::slice::from_ref(now)
        );
        let by_key = |number| read(store, move |tx| tx.document_by_key("a", &key(number)));
        for number in [1, 2] {
            let there = now.key == Some(key(number));
            assert_eq!(by_key(number)?, there.then(|| now.clone()));
        }
        for owner in [7, 8] {
            let own = read(store, move |tx| tx.documents_of("a", &id(owner)))?;
            assert_eq!(own.len(), usize::from(now.owner == Some(id(owner))));
        }
        assert_eq!(read(store, |tx| tx.next_document_due("a"))?, now.due);
    }
    Ok(())
}

fn unique_keys(store: &dyn Store) -> Result<(), StoreError> {
    let put = |kind: &'static str, number: u8, with: Option<u8>| {
        let mut row = document(kind, number);
        row.key = with.map(key);
        put_all(store, &[row])
    };
    put("a", 1, Some(1))?;
    assert_eq!(put("a", 2, Some(1)), Err(StoreError::Taken { field: "key" }));
    assert_eq!(read(store, |tx| tx.document("a", &id(2)))?, None);
    put("b", 2, Some(1))?;
    // Without a key nothing clashes.
    put("a", 3, None)?;
    put("a", 4, None)?;
    // A put that is refused replaces nothing.
    put("a", 2, Some(2))?;
    assert_eq!(put("a", 2, Some(1)), Err(StoreError::Taken { field: "key" }));
    let kept = read(store, |tx| tx.document("a", &id(2)))?;
    assert_eq!(kept.and_then(|row| row.key), Some(key(2)));
    // Given up, it is free.
    put("a", 1, None)?;
    put("a", 2, Some(1))
}

fn going_on(store: &dyn Store) -> Result<(), StoreError> {
    let refused = write(store, |tx| {
        for number in [1, 2] {
            let mut row = document("a", number);
            row.key = Some(key(number));
            tx.put_document(&row)?;
        }
        let mut clash = document("a", 2);
        clash.key = Some(key(1));
        let refused = tx.put_document(&clash);
        tx.put_document(&document("a", 3))?;
        Ok(refused)
    })?;
    assert_eq!(refused, Err(StoreError::Taken { field: "key" }));
    let all = read(store, |tx| tx.documents("a", None, 9))?;
    assert_eq!(numbers(&all), [1, 2, 3]);
    let second = read(store, |tx| tx.document_by_key("a", &key(2)))?;
    assert_eq!(second.map(|row| row.id), Some(id(2)));
    Ok(())
}

fn pages(store: &dyn Store) -> Result<(), StoreError> {
    let mut rows: Vec<Row> = (0..25).rev().map(|number| document("a", number)).collect();
    // The lowest and the highest id there can be.
    let mut ends = [document("a", 0), document("a", 0)];
    for (row, octet) in ends.iter_mut().zip([0, 0xff]) {
        row.id = [octet; 16];
    }
    rows.extend(ends);
    rows.push(document("aa", 3));
    rows.push(document("", 3));
    put_all(store, &rows)?;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = read(store, move |tx| tx.documents("a", after.as_ref(), 10))?;
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page);
    }
    let mut expected: Vec<Row> = rows.into_iter().filter(|row| row.kind == "a").collect();
    expected.sort_by_key(|row| row.id);
    assert_eq!(seen.len(), 27);
    assert_eq!(seen, expected);
    assert_eq!(read(store, |tx| tx.documents("a", None, 0))?, []);
    assert_eq!(read(store, |tx| tx.documents("c", None, 9))?, []);
    // An id that is not there is a place in the order all the same.
    let mut between = id(5);
    between[0] = 0xa4;
    let page = read(store, move |tx| tx.documents("a", Some(&between), 2))?;
    assert_eq!(numbers(&page), [0, 1]);
    Ok(())
}

fn due(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(read(store, |tx| tx.next_document_due("a"))?, None);
    let rows: Vec<Row> = [(1, 30), (2, 10), (3, 20), (5, 20), (4, 20), (6, 40)]
        .into_iter()
        .map(|(number, at)| {
            let mut row = document("a", number);
            row.due = later(at);
            row
        })
        .collect();
    put_all(store, &rows)?;
    let mut other = document("b", 9);
    other.due = later(1);
    // Without a time it is never due.
    put_all(store, &[document("a", 7), other])?;
    let due = |at: u64, limit: u32| {
        let now = Timestamp(NOW.0.saturating_add(at));
        read(store, move |tx| tx.documents_due("a", now, limit)).map(|rows| numbers(&rows))
    };
    assert_eq!(due(9, 9)?, [0; 0]);
    assert_eq!(due(10, 9)?, [2]);
    assert_eq!(due(30, 9)?, [2, 3, 4, 5, 1]);
    assert_eq!(due(30, 2)?, [2, 3]);
    assert_eq!(due(30, 0)?, [0; 0]);
    assert_eq!(due(u64::MAX, 9)?, [2, 3, 4, 5, 1, 6]);
    assert_eq!(read(store, |tx| tx.next_document_due("a"))?, later(10));
    assert_eq!(read(store, |tx| tx.next_document_due("b"))?, later(1));
    write(store, |tx| tx.delete_document("a", &id(2)))?;
    assert_eq!(read(store, |tx| tx.next_document_due("a"))?, later(20));
    Ok(())
}

fn owners(store: &dyn Store) -> Result<(), StoreError> {
    let owned = [("a", 3, 7), ("a", 1, 7), ("a", 2, 8), ("b", 4, 7)];
    let rows: Vec<Row> = owned
        .into_iter()
        .map(|(kind, number, owner)| {
            let mut row = document(kind, number);
            row.owner = Some(id(owner));
            row
        })
        .collect();
    put_all(store, &rows)?;
    put_all(store, &[document("a", 5)])?;
    let of = |kind: &'static str, owner: u8| {
        read(store, move |tx| tx.documents_of(kind, &id(owner))).map(|rows| numbers(&rows))
    };
    assert_eq!(of("a", 7)?, [1, 3]);
    assert_eq!(of("a", 8)?, [2]);
    assert_eq!(of("b", 7)?, [4]);
    assert_eq!(of("b", 8)?, [0; 0]);
    Ok(())
}

fn deleted(store: &dyn Store) -> Result<(), StoreError> {
    let rows: Vec<Row> = ["a", "b"]
        .into_iter()
        .map(|kind| {
            let mut row = document(kind, 1);
            (row.owner, row.key, row.due) = (Some(id(7)), Some(key(1)), later(5));
            row
        })
        .collect();
    put_all(store, &rows)?;
    write(store, |tx| {
        tx.delete_document("a", &id(1))?;
        // Not there: nothing happens.
        tx.delete_document("a", &id(1))?;
        tx.delete_document("c", &id(1))
    })?;
    for (kind, there) in [("a", false), ("b", true)] {
        let found = read(store, move |tx| {
            Ok([
                tx.document(kind, &id(1))?.is_some(),
                tx.document_by_key(kind, &key(1))?.is_some(),
                !tx.documents_of(kind, &id(7))?.is_empty(),
                !tx.documents(kind, None, 9)?.is_empty(),
                !tx.documents_due(kind, Timestamp(u64::MAX), 9)?.is_empty(),
                tx.next_document_due(kind)?.is_some(),
            ])
        })?;
        assert_eq!(found, [there; 6], "{kind}");
    }
    // The key is free again.
    let mut again = document("a", 2);
    again.key = Some(key(1));
    put_all(store, &[again])
}

fn deleted_owner(store: &dyn Store) -> Result<(), StoreError> {
    write(store, |tx| {
        tx.put_user(&user(1, "alice")?)?;
        tx.put_user(&user(2, "bob")?)?;
        for (kind, number, owner) in [("a", 1, 1), ("a", 2, 2), ("a", 3, 1), ("b", 1, 1), ("b", 2, 2)] {
            let mut row = document(kind, number);
            row.owner = Some(id(owner));
            tx.put_document(&row)?;
        }
        tx.put_document(&document("a", 4))?;
        tx.delete_user(UserId(id(1)))
    })?;
    assert_eq!(numbers(&read(store, |tx| tx.documents("a", None, 9))?), [2, 4]);
    assert_eq!(numbers(&read(store, |tx| tx.documents("b", None, 9))?), [2]);
    Ok(())
}

fn failing(store: &dyn Store) -> Result<(), StoreError> {
    let mut first = document("a", 1);
    first.key = Some(key(1));
    let before = [first, document("a", 2)];
    put_all(store, &before)?;
    let outcome: Result<(), _> = write(store, |tx| {
        let mut row = document("a", 1);
        row.key = Some(key(9));
        tx.put_document(&row)?;
        tx.delete_document("a", &id(2))?;
        tx.put_document(&document("a", 3))?;
        // Its own changes it sees.
        assert_eq!(numbers(&tx.documents("a", None, 9)?), [1, 3]);
        assert_eq!(tx.document_by_key("a", &key(1))?, None);
        Err(StoreError::Refused("changed my mind".to_owned()))
    });
    assert_eq!(outcome, Err(StoreError::Refused("changed my mind".to_owned())));
    assert_eq!(read(store, |tx| tx.documents("a", None, 9))?, before);
    let by_key = |number| read(store, move |tx| tx.document_by_key("a", &key(number)));
    assert!(by_key(1)?.is_some());
    assert_eq!(by_key(9)?, None);
    Ok(())
}

/// A type of this contract's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    number: u8,
    owner: Option<u8>,
    key: Option<u8>,
    due: Option<Timestamp>,
    text: String,
}

impl Document for Note {
    const KIND: &'static str = "note";
    fn id(&self) -> [u8; 16] {
        id(self.number)
    }
    fn owner(&self) -> Option<[u8; 16]> {
        self.owner.map(id)
    }
    fn key(&self) -> Option<[u8; 32]> {
        self.key.map(key)
    }
    fn due(&self) -> Option<Timestamp> {
        self.due
    }
}

fn of_a_type(store: &dyn Store) -> Result<(), StoreError> {
    let first = Note {
        number: 1,
        owner: Some(7),
        key: Some(1),
        due: later(5),
        text: "ä \" \u{0}".to_owned(),
    };
    let bare = Note {
        number: 2,
        owner: None,
        key: None,
        due: None,
        text: String::new(),
    };
    let put = [first.clone(), bare.clone()];
    write(store, move |tx| {
        put.iter().try_for_each(|note| typed::put(tx, note))
    })?;
    let mut clash = bare.clone();
    clash.key = Some(1);
    let refused = write(store, move |tx| typed::put(tx, &clash));
    assert_eq!(refused, Err(StoreError::Taken { field: "key" }));
    let alone = || vec![first.clone()];
    assert_eq!(read(store, |tx| typed::get(tx, &id(1)))?, Some(first.clone()));
    assert_eq!(read(store, |tx| typed::get(tx, &id(2)))?, Some(bare.clone()));
    assert_eq!(read(store, |tx| typed::get::<Note>(tx, &id(3)))?, None);
    assert_eq!(read(store, |tx| typed::by_key(tx, &key(1)))?, Some(first.clone()));
    assert_eq!(read(store, |tx| typed::by_key::<Note>(tx, &key(2)))?, None);
    assert_eq!(read(store, |tx| typed::of::<Note>(tx, &id(7)))?, alone());
    assert_eq!(read(store, |tx| typed::list::<Note>(tx, None, 1))?, alone());
    assert_eq!(
        read(store, |tx| typed::list::<Note>(tx, Some(&id(1)), 9))?,
        std::slice::from_ref(&bare)
    );
    assert_eq!(read(store, |tx| typed::due::<Note>(tx, NOW, 9))?, []);
    let now = Timestamp(NOW.0.saturating_add(5));
    assert_eq!(read(store, move |tx| typed::due::<Note>(tx, now, 9))?, alone());
    write(store, |tx| typed::delete::<Note>(tx, &id(1)))?;
    assert_eq!(read(store, |tx| typed::list::<Note>(tx, None, 9))?, [bare]);
    Ok(())
}

fn other_form(store: &dyn Store) -> Result<(), StoreError> {
    put_all(store, &[document(Note::KIND, 1)])?;
    let found = read(store, |tx| typed::get::<Note>(tx, &id(1)));
    assert!(
        matches!(&found, Err(StoreError::Damaged(e)) if e.contains(Note::KIND)),
        "{found:?}"
    );
    Ok(())
}

fn last_success(store: &dyn Store) -> Result<(), StoreError> {
    let (alice, bob) = (UserId(id(1)), UserId(id(2)));
    let last = |user| read(store, move |tx| tx.last_success(user));
    assert_eq!(last(alice)?, None);
    write(store, move |tx| {
        let mut put = |user, source, at| {
            let tx: &mut dyn Tx = tx;
            tx.put_source_success(user, source, Timestamp(NOW.0.saturating_add(at)))
        };
        put(alice, "a net", 20)?;
        put(alice, "b net", 30)?;
        put(alice, "c net", 10)?;
        put(bob, "a net", 40)
    })?;
    assert_eq!([last(alice)?, last(bob)?], [later(30), later(40)]);
    write(store, move |tx| {
        tx.put_source_success(alice, "c net", Timestamp(NOW.0.saturating_add(50)))?;
        tx.delete_user(bob)
    })?;
    assert_eq!([last(alice)?, last(bob)?], [later(50), None]);
    Ok(())
}
