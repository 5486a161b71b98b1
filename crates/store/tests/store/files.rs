//! The database as a file: who opens it, with which key, of which version, and what can be read in it.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use otpost_core::ids::{ChallengeId, MessageId, ProviderId, ResourceId, TokenId, UserId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::limits::{Counter, HOUR};
use otpost_store::contract::samples::{
    NOW, client, document, event, id, name, phone, provider, resource, session, token, user,
};
use otpost_store::contract::verify;
use otpost_store::sqlite::SqliteStore;
use otpost_store::{CounterKey, Row, Store, StoreError, Tx, read, write};
use rusqlite::Connection;

use crate::common::{Dir, in_memory, open, options};

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A document with everything a row can have.
fn paper() -> Row {
    let mut paper = document("paper", 1);
    paper.owner = Some(id(1));
    paper.key = Some(otpost_store::contract::samples::key(1));
    paper.due = Some(NOW);
    paper
}

fn fill(tx: &mut dyn Tx) -> Result<(), StoreError> {
    let mut alice = user(1, "alice")?;
    alice.aliases = vec![name("al")?];
    alice.email = Some("alice@example.org".to_owned());
    alice.resources = vec![ResourceId(id(1))];
    tx.put_user(&alice)?;
    tx.put_token(&token(1, alice.id)?)?;
    let mut vpn = resource(1, "Office VPN");
    vpn.pam_services = vec!["sshd".to_owned()];
    tx.put_resource(&vpn)?;
    tx.put_client(&client(1, "gate", vpn.id))?;
    tx.put_provider(&provider(1, "first"))?;
    tx.put_test_number(MessageId(id(1)), &phone(2)?)?;
    let counter = Counter::default().hit(NOW, HOUR);
    tx.put_counter(CounterKey::TextsToNumber(&phone(1)?), &counter)?;
    tx.put_document(&paper())?;
    tx.append_audit(&event(1))?;
    tx.append_audit(&event(2))
}

/// What [`fill`] put is there.
fn filled(store: &dyn Store) {
    let found = read(store, |tx| {
        Ok((
            tx.user_by_name(&name("al")?)?,
            tx.token(TokenId(id(1)))?,
            tx.client("gate")?,
            tx.providers()?,
            tx.resource_of_service("sshd")?,
        ))
    })
    .unwrap();
    assert_eq!(found.0.map(|u| u.id), Some(UserId(id(1))));
    assert_eq!(found.1, Some(token(1, UserId(id(1))).unwrap()));
    assert_eq!(found.2, Some(client(1, "gate", ResourceId(id(1)))));
    assert_eq!(found.3, [provider(1, "first")]);
    assert_eq!(found.4.map(|r| r.name).as_deref(), Some("Office VPN"));
    let rest = read(store, |tx| {
        Ok((
            tx.test_number(MessageId(id(1)))?,
            tx.counter(CounterKey::TextsToNumber(&phone(1)?))?.day.count,
            tx.tokens_with_phone(&phone(1)?)?.len(),
        ))
    })
    .unwrap();
    assert_eq!(rest, (Some(phone(2).unwrap()), 1, 1));
    let found = read(store, |tx| tx.documents("paper", None, 9)).unwrap();
    assert_eq!(found, [paper()]);
    assert!(verify(store).unwrap().len() >= 2);
}

fn key(octet: u8) -> Keyring {
    Keyring::derive(&MasterKey::new([octet; 32]))
}

fn open_with(path: &Path, keys: Keyring) -> Result<SqliteStore, StoreError> {
    let mut options = options(Some(path));
    options.keys = keys;
    SqliteStore::open(options)
}

#[test]
fn a_closed_store_opens_again_with_everything_in_it() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, fill).unwrap();
    drop(store);
    assert!(!beside(&dir.db(), "-wal").exists(), "the log is in the database");
    filled(&open(&dir.db()).unwrap());
}

#[test]
fn another_master_key_is_refused_and_changes_nothing() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, fill).unwrap();
    drop(store);
    let before = fs::read(dir.db()).unwrap();
    // A lost key file that was made anew looks the same: another key.
    let outcome = open_with(&dir.db(), key(8)).map(|_| ());
    let wrong = StoreError::WrongKey {
        database: key(7).id(),
        given: key(8).id(),
    };
    assert_eq!(outcome, Err(wrong));
    assert_eq!(fs::read(dir.db()).unwrap(), before);
    filled(&open(&dir.db()).unwrap());
}

#[test]
fn an_empty_database_is_bound_to_its_first_key_at_once() {
    let dir = Dir::new();
    drop(open(&dir.db()).unwrap());
    let outcome = open_with(&dir.db(), key(9)).map(|_| ());
    assert!(matches!(outcome, Err(StoreError::WrongKey { .. })), "{outcome:?}");
}

#[test]
fn a_database_whose_key_check_is_gone_is_not_bound_to_another_key() {
    let dir = Dir::new();
    drop(open(&dir.db()).unwrap());
    let conn = Connection::open(dir.db()).unwrap();
    assert_eq!(conn.execute("DELETE FROM meta", ()).unwrap(), 1);
    drop(conn);
    let outcome = open_with(&dir.db(), key(9)).map(|_| ());
    assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{outcome:?}");
}

#[test]
fn a_newer_schema_is_refused_whatever_the_key() {
    let dir = Dir::new();
    drop(open(&dir.db()).unwrap());
    let conn = Connection::open(dir.db()).unwrap();
    conn.pragma_update(None, "user_version", 999).unwrap();
    drop(conn);
    for keys in [key(7), key(9)] {
        let outcome = open_with(&dir.db(), keys).map(|_| ());
        assert_eq!(outcome, Err(StoreError::NewerSchema { found: 999, known: 2 }));
    }
}

#[test]
fn a_second_opener_is_refused_while_the_first_lives() {
    let dir = Dir::new();
    let first = open(&dir.db()).unwrap();
    let outcome = open(&dir.db()).map(|_| ());
    assert!(
        matches!(&outcome, Err(StoreError::Busy(path)) if path.contains("otpost.db")),
        "{outcome:?}"
    );
    write(&first, fill).unwrap();
    drop(first);
    filled(&open(&dir.db()).unwrap());
}

#[test]
fn files_are_for_their_owner_alone() {
    let dir = Dir::new();
    let path = dir.db();
    let modes = || {
        ["", "-wal", "-shm", ".lock"]
            .map(|suffix| fs::metadata(beside(&path, suffix)).map(|m| m.permissions().mode() & 0o7777))
            .map(Result::unwrap)
    };
    let store = open(&path).unwrap();
    write(&store, fill).unwrap();
    assert_eq!(modes(), [0o600; 4]);
    drop(store);
    // Whatever they were made with.
    for (file, mode) in [(path.clone(), 0o666), (beside(&path, ".lock"), 0o644)] {
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    }
    let store = open(&path).unwrap();
    write(&store, |tx| tx.append_audit(&event(3))).unwrap();
    assert_eq!(modes(), [0o600; 4]);
}

#[test]
fn what_is_no_database_is_refused_with_its_name() {
    let dir = Dir::new();
    let missing = dir.db().join("deeper").join("otpost.db");
    let outcome = open(&missing).map(|_| ());
    assert!(
        matches!(&outcome, Err(StoreError::Io(e)) if e.contains("deeper")),
        "{outcome:?}"
    );
    let mut file = OpenOptions::new();
    file.write(true).create(true).mode(0o600);
    std::io::Write::write_all(&mut file.open(dir.db()).unwrap(), &[b'x'; 8192]).unwrap();
    let outcome = open(&dir.db()).map(|_| ());
    assert!(matches!(outcome, Err(StoreError::Io(_))), "{outcome:?}");
}

#[test]
fn numbers_and_secrets_are_not_in_the_files() {
    let dir = Dir::new();
    let path = dir.db();
    let store = open(&path).unwrap();
    write(&store, fill).unwrap();
    // Replaced and deleted values must not have been there either.
    write(&store, |tx| {
        let mut other = token(1, UserId(id(1)))?;
        other.phone = phone(3)?;
        tx.put_token(&other)?;
        tx.put_token(&token(2, UserId(id(1)))?)?;
        tx.delete_token(TokenId(id(2)))?;
        tx.delete_provider(ProviderId(id(1)))
    })
    .unwrap();
    let needles = [
        "+4917123456",
        "4917123456",
        "017123456",
        "17123456",
        "correct-horse-battery",
        "tr0ub4dor",
        "sms.example",
        "velvet-canary",
    ];
    let scan = |suffixes: &[&str]| {
        let mut read = 0;
        for suffix in suffixes {
            let content = fs::read(beside(&path, suffix)).unwrap();
            read += content.len();
            for needle in needles {
                let found = content.windows(needle.len()).any(|w| w == needle.as_bytes());
                assert!(!found, "{needle} in the file {suffix:?}");
            }
        }
        let control = |suffix: &&&str| {
            let content = fs::read(beside(&path, suffix)).unwrap();
            content.windows(9).any(|w| w == b"Work phon")
        };
        assert!(suffixes.iter().any(|s| control(&s)), "what is in clear is found");
        read
    };
    assert!(scan(&["", "-wal", "-shm"]) > 40_000);
    drop(store);
    assert!(scan(&[""]) > 40_000);
}

#[test]
fn a_row_moved_to_another_owner_does_not_open() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, fill).unwrap();
    drop(store);
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute("UPDATE tokens SET user_id = ?1", (id(9),)).unwrap();
    conn.execute("UPDATE clients SET id = ?1", (id(9),)).unwrap();
    conn.execute("UPDATE providers SET body = 'nonsense'", ())
        .unwrap();
    drop(conn);
    let store = open(&dir.db()).unwrap();
    let moved = read(&store, |tx| tx.token(TokenId(id(1))));
    assert_eq!(
        moved,
        Err(StoreError::Damaged(format!("tokens {}", TokenId(id(1)))))
    );
    let renamed = read(&store, |tx| tx.clients());
    assert_eq!(
        renamed,
        Err(StoreError::Damaged(format!("clients {}", TokenId(id(9)))))
    );
    let spoiled = read(&store, |tx| tx.providers());
    assert_eq!(
        spoiled,
        Err(StoreError::Damaged(format!("providers {}", TokenId(id(1)))))
    );
}

#[test]
fn a_database_of_the_first_schema_opens_with_everything_in_it() {
    let dir = Dir::new();
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute_batch(include_str!("../fixtures/schema-1.sql"))
        .unwrap();
    drop(conn);
    let store = open(&dir.db()).unwrap();
    let totals = read(&store, |tx| tx.totals(NOW)).unwrap();
    assert_eq!((totals.users, totals.tokens), (1, 1));
    let bound = read(&store, |tx| {
        let resources = tx.resources()?;
        resources
            .iter()
            .map(|resource| tx.users_of(resource.id))
            .sum::<Result<u64, _>>()
    });
    assert_eq!(bound, Ok(1));
    filled(&store);
    write(&store, |tx| tx.append_audit(&event(9))).unwrap();
    assert_eq!(verify(&store).unwrap().len(), 3);
}

/// A released step is never edited: databases out there were made by it as it was.
#[test]
fn the_first_schema_is_as_it_was_released() {
    let dump = |conn: &Connection| {
        let mut statement = conn
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement.query_map((), |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| {
            let sql = sql.unwrap();
            sql.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect::<Vec<_>>()
    };
    let fixture = Connection::open_in_memory().unwrap();
    fixture
        .execute_batch(include_str!("../fixtures/schema-1.sql"))
        .unwrap();
    let built = Connection::open_in_memory().unwrap();
    built
        .execute_batch(include_str!("../../src/sqlite/schema/0001.sql"))
        .unwrap();
    assert_eq!(dump(&built), dump(&fixture));
    assert!(dump(&built).len() > 20);
}

#[test]
fn dropping_the_store_finishes_what_waits() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    let (done_tx, done_rx) = sync_channel(200);
    for number in 0..100u8 {
        let done = done_tx.clone();
        store.submit_write(
            Box::new(move |tx| tx.put_source_success(UserId(id(number)), "net", NOW)),
            Box::new(move |outcome| done.try_send(outcome).unwrap()),
        );
    }
    drop(store);
    drop(done_tx);
    assert_eq!(done_rx.iter().collect::<Vec<_>>(), vec![Ok(()); 100]);
    let store = open(&dir.db()).unwrap();
    let found = read(&store, |tx| {
        (0..100)
            .map(|number| tx.source_success(UserId(id(number)), "net"))
            .collect::<Result<Vec<_>, _>>()
    })
    .unwrap();
    assert_eq!(found, vec![Some(NOW); 100]);
}

#[test]
fn the_last_owner_may_be_an_answer() {
    let store = std::sync::Arc::new(in_memory());
    let (done_tx, done_rx) = sync_channel(1);
    let own = store.clone();
    store.submit_write(
        Box::new(|tx| tx.append_audit(&event(1))),
        Box::new(move |outcome| {
            drop(own);
            done_tx.try_send(outcome).unwrap();
        }),
    );
    drop(store);
    assert_eq!(done_rx.recv(), Ok(Ok(())));
}

#[test]
fn a_transaction_that_cannot_begin_fails_its_jobs_and_no_later_ones() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    // Another program ignores the lock file and writes to the database itself.
    let other = Connection::open(dir.db()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = write(&store, |tx| tx.append_audit(&event(1)));
    assert!(matches!(outcome, Err(StoreError::Io(_))), "{outcome:?}");
    assert_eq!(read(&store, |tx| tx.audit(0, 10)).unwrap(), []);
    other.execute_batch("ROLLBACK").unwrap();
    write(&store, |tx| tx.append_audit(&event(2))).unwrap();
    assert_eq!(verify(&store).unwrap().len(), 1);
}

#[test]
fn a_rollback_by_the_engine_itself_stores_no_half() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, fill).unwrap();
    drop(store);
    // A full disk makes SQLite roll the whole transaction back in the middle of a job; so does this trigger.
    let conn = Connection::open(dir.db()).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER trap BEFORE INSERT ON sessions BEGIN SELECT RAISE(ROLLBACK, 'no room'); END;",
    )
    .unwrap();
    drop(conn);
    let store = open(&dir.db()).unwrap();
    let swallowed = write(&store, |tx| {
        tx.put_source_success(UserId(id(1)), "before", NOW)?;
        // The engine rolls everything back; a closure that goes on all the same must not write outside the transaction.
        let _ = tx.put_session(&session(1, ChallengeId(id(1))));
        let _ = tx.put_source_success(UserId(id(1)), "after", NOW);
        let _ = tx.append_audit(&event(7));
        Ok(())
    });
    assert!(matches!(swallowed, Err(StoreError::Io(_))), "{swallowed:?}");
    for source in ["before", "after"] {
        let found = read(&store, move |tx| tx.source_success(UserId(id(1)), source));
        assert_eq!(found, Ok(None), "{source}");
    }
    write(&store, |tx| tx.append_audit(&event(8))).unwrap();
    assert_eq!(verify(&store).unwrap().len(), 3);
}

#[test]
fn a_commit_that_fails_fails_every_job_of_it() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, |tx| tx.append_audit(&event(1))).unwrap();
    // A key that is checked at COMMIT only, broken by each new session.
    let other = Connection::open(dir.db()).unwrap();
    other
        .execute_batch(
            "CREATE TABLE trap (x BLOB REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER trap_of AFTER INSERT ON sessions BEGIN INSERT INTO trap VALUES (NEW.id); END;",
        )
        .unwrap();
    // The first job holds the writer until all others wait, so that they share the next commit.
    let (in_tx, in_rx) = sync_channel(1);
    let (go_tx, go_rx) = sync_channel::<()>(1);
    let (done_tx, done_rx) = sync_channel(20);
    store.submit_write(
        Box::new(move |_| {
            in_tx.try_send(()).map_err(|_| StoreError::Closed)?;
            go_rx.recv().map_err(|_| StoreError::Closed)
        }),
        Box::new(|_| {}),
    );
    in_rx.recv().unwrap();
    for number in 0..10u8 {
        let done = done_tx.clone();
        store.submit_write(
            Box::new(move |tx| {
                tx.append_audit(&event(number))?;
                if number == 5 {
                    let held = session(5, ChallengeId(id(5)));
                    tx.put_session(&held)?;
                }
                if number == 7 {
                    return Err(StoreError::Refused("rests on what came before".to_owned()));
                }
                tx.put_source_success(UserId(id(number)), "net", NOW)
            }),
            Box::new(move |outcome| done.try_send(outcome).unwrap()),
        );
    }
    drop(done_tx);
    go_tx.send(()).unwrap();
    let outcomes: Vec<_> = done_rx.iter().collect();
    assert_eq!(outcomes.len(), 10);
    assert!(
        outcomes.iter().all(|o| matches!(o, Err(StoreError::Io(_)))),
        "{outcomes:?}"
    );
    let found = read(&store, |tx| {
        (0..10)
            .map(|number| tx.source_success(UserId(id(number)), "net"))
            .collect::<Result<Vec<_>, _>>()
    })
    .unwrap();
    assert_eq!(found, vec![None; 10]);
    other.execute_batch("DROP TRIGGER trap_of").unwrap();
    // The chain goes on from the last row that was stored.
    write(&store, |tx| tx.append_audit(&event(2))).unwrap();
    assert_eq!(verify(&store).unwrap().len(), 2);
}

#[test]
fn a_snapshot_that_is_held_hinders_no_write() {
    let dir = Dir::new();
    let store = open(&dir.db()).unwrap();
    write(&store, |tx| tx.append_audit(&event(1))).unwrap();
    let (in_tx, in_rx) = sync_channel(1);
    let (go_tx, go_rx) = sync_channel::<()>(1);
    let (done_tx, done_rx) = sync_channel(1);
    store.submit_read(
        Box::new(move |tx| {
            let before = tx.audit(0, 10)?.len();
            in_tx.try_send(()).map_err(|_| StoreError::Closed)?;
            go_rx.recv().map_err(|_| StoreError::Closed)?;
            let after = tx.audit(0, 10)?.len();
            done_tx.try_send((before, after)).map_err(|_| StoreError::Closed)
        }),
        Box::new(|_| {}),
    );
    in_rx.recv().unwrap();
    write(&store, |tx| (2..9).try_for_each(|n| tx.append_audit(&event(n)))).unwrap();
    let elsewhere = read(&store, |tx| tx.audit(0, 10)).unwrap().len();
    go_tx.send(()).unwrap();
    assert_eq!(done_rx.recv(), Ok((1, 1)), "one snapshot for the whole job");
    assert_eq!(elsewhere, 8);
}
