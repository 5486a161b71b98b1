//! Documents in the file: what can be read there, and what a changed file gives.

use std::fs;
use std::path::PathBuf;

use otpost_core::Timestamp;
use otpost_store::contract::samples::{document, id, key};
use otpost_store::{Row, StoreError, read, write};
use rusqlite::Connection;

use crate::common::{Dir, open};

const CANARY: &[u8] = b"velvet-canary";

fn full(kind: &str, number: u8) -> Row {
    let mut row = document(kind, number);
    row.owner = Some(id(7));
    row.key = Some(key(number));
    row.due = Some(Timestamp(5));
    row
}

/// A database with documents 1 and 2 of kind `a`, changed by another program.
fn changed(sql: &str) -> (Dir, otpost_store::sqlite::SqliteStore) {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, |tx| {
        tx.put_document(&full("a", 1))?;
        tx.put_document(&full("a", 2))
    })
    .unwrap();
    drop(store);
    let conn = Connection::open(dir.db()).unwrap();
    assert!(conn.execute(sql, ()).unwrap() > 0, "{sql}");
    drop(conn);
    let store = open(&dir.db()).unwrap();
    (dir, store)
}

fn damaged(kind: &str, number: u8) -> StoreError {
    let id = otpost_core::ids::UserId(id(number));
    StoreError::Damaged(format!("documents {kind} {id}"))
}

#[test]
fn bodies_are_not_in_the_files() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, |tx| {
        (1..100).try_for_each(|number| tx.put_document(&full("control-kind", number)))
    })
    .unwrap();
    // Replaced and deleted bodies must not have been there either.
    write(&store, |tx| {
        let mut row = full("control-kind", 1);
        row.body.extend_from_slice(b" and more");
        tx.put_document(&row)?;
        tx.delete_document("control-kind", &id(2))
    })
    .unwrap();
    let scan = |suffixes: &[&str]| {
        let mut control = false;
        for suffix in suffixes {
            let path = PathBuf::from(format!("{}{suffix}", dir.db().display()));
            let content = fs::read(path).unwrap();
            let has = |needle: &[u8]| content.windows(needle.len()).any(|w| w == needle);
            assert!(!has(CANARY), "a body in the file {suffix:?}");
            control |= has(b"control-kind");
        }
        assert!(control, "what is in clear is found");
    };
    scan(&["", "-wal", "-shm"]);
    let back = read(&store, |tx| tx.document("control-kind", &id(3))).unwrap();
    assert!(back.is_some_and(|row| row.body.windows(CANARY.len()).any(|w| w == CANARY)));
    drop(store);
    scan(&[""]);
}

#[test]
fn a_body_moved_to_another_id_does_not_open() {
    let a5 = "a5".repeat(15);
    let (_dir, store) = changed(&format!(
        "UPDATE documents SET id = x'{a5}09' WHERE id = x'{a5}01'"
    ));
    let moved = read(&store, |tx| tx.document("a", &id(9)));
    assert_eq!(moved, Err(damaged("a", 9)));
    let page = read(&store, |tx| tx.documents("a", None, 9));
    assert_eq!(page, Err(damaged("a", 9)));
    assert_eq!(
        read(&store, |tx| tx.document("a", &id(2))),
        Ok(Some(full("a", 2)))
    );
    let (_dir, store) =
        changed("UPDATE documents SET body = (SELECT body FROM documents ORDER BY id LIMIT 1)");
    let copied = read(&store, |tx| tx.document("a", &id(2)));
    assert_eq!(copied, Err(damaged("a", 2)));
    assert_eq!(
        read(&store, |tx| tx.document("a", &id(1))),
        Ok(Some(full("a", 1)))
    );
}

#[test]
fn a_body_moved_to_another_kind_does_not_open() {
    let (_dir, store) = changed("UPDATE documents SET kind = 'b'");
    for number in [1, 2] {
        let found = read(&store, move |tx| tx.document("b", &id(number)));
        assert_eq!(found, Err(damaged("b", number)));
        let found = read(&store, move |tx| tx.document_by_key("b", &key(number)));
        assert_eq!(found, Err(damaged("b", number)));
        let found = read(&store, move |tx| tx.document("a", &id(number)));
        assert_eq!(found, Ok(None));
    }
    let due = read(&store, |tx| tx.documents_due("b", Timestamp(9), 9));
    assert_eq!(due, Err(damaged("b", 1)));
    let own = read(&store, |tx| tx.documents_of("b", &id(7)));
    assert_eq!(own, Err(damaged("b", 1)));
}

#[test]
fn a_row_of_another_form_is_damage() {
    for sql in [
        "UPDATE documents SET owner = x'00'",
        "UPDATE documents SET doc_key = id",
        "UPDATE documents SET body = x''",
        "UPDATE documents SET body = substr(body, 2)",
    ] {
        let (_dir, store) = changed(sql);
        let found = read(&store, |tx| tx.document("a", &id(1)));
        assert_eq!(found, Err(damaged("a", 1)), "{sql}");
    }
}
