//! What was acknowledged survives a kill at any point.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use otpost_core::ids::{ChallengeId, SessionId, UserId};
use otpost_store::contract::samples::{Seeded, challenge, event, id, session};
use otpost_store::contract::verify;
use otpost_store::{Store, StoreError, read, write};
use rusqlite::Connection;

use crate::common::{Dir, open};

const CHILD: &str = "OTPOST_STORE_CRASH_CHILD";
const WRITERS: u64 = 4;

fn challenge_of(number: u64) -> ChallengeId {
    ChallengeId::random(&mut Seeded(number << 16))
}

fn put(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    write(store, move |tx| {
        let mut row = challenge(1, UserId(id(1)));
        row.id = challenge_of(number);
        row.attempt.0 = row.id.0;
        tx.put_challenge(&row)?;
        let mut held = session(1, row.id);
        held.id = SessionId(row.id.0);
        tx.put_session(&held)?;
        tx.append_audit(&event(1))
    })
}

/// Writes numbered rows from several threads, and says each number once it is acknowledged, until it is killed.
fn child(path: &Path, first: u64) {
    let store = open(path).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                for number in (first + writer..).step_by(usize::try_from(WRITERS).unwrap()) {
                    put(store, number).unwrap();
                    let line = format!("\nack {number}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Starts a child, kills it after `acks` acknowledgements, and gives all it acknowledged before it was gone.
fn run_and_kill(path: &Path, first: u64, acks: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "crash::acknowledged_writes_survive_a_kill",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, format!("{first} {}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acked = Vec::new();
    let number = |line: &str| line.strip_prefix("ack ").and_then(|n| n.parse().ok());
    while acked.len() < acks {
        acked.extend(number(&lines.next().unwrap().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What was in the pipe was acknowledged too; its last line may be cut off, and then names a smaller number.
    let rest: Vec<u64> = lines
        .map_while(Result::ok)
        .filter_map(|line| number(&line))
        .collect();
    acked.extend(rest);
    acked
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    if let Ok(order) = std::env::var(CHILD) {
        let (first, path) = order.split_once(' ').unwrap();
        return child(&PathBuf::from(path), first.parse().unwrap());
    }
    let dir = Dir::new();
    let path = dir.db();
    let mut all: Vec<u64> = Vec::new();
    // The last run writes more than a checkpoint's worth.
    for (round, acks) in [1, 2, 3, 7, 40, 150, 600, 3000].into_iter().enumerate() {
        let first = u64::try_from(round + 1).unwrap() * 1_000_000;
        all.extend(run_and_kill(&path, first, acks));

        let store = open(&path).unwrap();
        let expected = all.clone();
        let missing = read(&store, move |tx| {
            let mut missing = Vec::new();
            for number in &expected {
                let row = challenge_of(*number);
                let whole = tx.challenge(row)?.is_some() && tx.session(SessionId(row.0))?.is_some();
                if !whole {
                    missing.push(*number);
                }
            }
            Ok(missing)
        })
        .unwrap();
        assert_eq!(
            missing,
            [0; 0],
            "of {} acknowledged after round {round}",
            all.len()
        );
        assert!(verify(&store).unwrap().len() >= all.len());
        // Goes on where it stopped.
        let own = first - 1;
        put(&store, own).unwrap();
        all.push(own);
        drop(store);

        let conn = Connection::open(&path).unwrap();
        let verdict: String = conn
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok");
        let [challenges, sessions, audit] = ["challenges", "sessions", "audit"].map(|table| {
            conn.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
        });
        assert_eq!((challenges, sessions), (audit, audit), "no half transaction");
    }
    assert!(all.len() > 3800);
}
