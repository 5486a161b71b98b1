//! The one thread that writes: what waits goes into one transaction, one commit, then all the answers.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use otpost_core::Rng;
use otpost_core::keys::Keyring;
use rusqlite::Connection;

use super::file::BUSY;
use super::memo::Memo;
use super::queue::Queue;
use super::read::ReadTx;
use super::rows::{Rows, blob, io};
use super::tx::{Head, WriteTx, flush};
use crate::{Done, ReadJob, StoreError, WriteJob};

/// Jobs of one commit at most.
const BATCH: usize = 512;
/// Pages in the log after which it is copied into the database when nothing waits,
const QUIET: i64 = 4_000;
/// even though something waits,
const FULL: i64 = 8_000;
/// (looked at after this many jobs, as looking takes locks)
const LOOK: usize = 128;
/// and after which the log begins anew, even though readers have to be waited for,
const RESTART: i64 = 32_000;
/// though not longer than this.
const PATIENCE: Duration = Duration::from_millis(250);

/// What the thread is asked to do. A store in memory reads on it too: there is only one connection.
pub(super) enum Job {
    Write(WriteJob, Done),
    Read(ReadJob, Done),
}

/// What came of a job.
type Outcome = Result<(), StoreError>;

/// Owner of the connection that writes.
pub(super) struct Writer {
    conn: Connection,
    keys: Arc<Keyring>,
    rng: Box<dyn Rng + Send>,
    head: Head,
    memo: Memo,
    /// Keeps other writers out; `None` in memory.
    lock: Option<File>,
}

/// Calls `done`; what it panics about is its own affair.
pub(super) fn answer(done: Done, outcome: Result<(), StoreError>) {
    if catch_unwind(AssertUnwindSafe(|| done(outcome))).is_err() {
        tracing::error!("the receiver of a store job's outcome panicked");
    }
}

/// Runs a closure; a panic is an error.
fn contained(job: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| {
        tracing::error!("a store job panicked");
        Err(StoreError::Io("a job panicked; the log has more".to_owned()))
    })
}

fn exec(conn: &Connection, sql: &str) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(io)?;
    statement.execute(()).map(|_| ()).map_err(io)
}

/// Runs reads on one snapshot, which begins after all of them were handed in.
pub(super) fn read_batch(
    conn: &Connection,
    keys: &Keyring,
    memo: Option<&Memo>,
    jobs: impl Iterator<Item = (ReadJob, Done)>,
) {
    let begun = exec(conn, "BEGIN");
    for (mut job, done) in jobs {
        let outcome = match &begun {
            Ok(()) => contained(|| job(&mut ReadTx { conn, keys, memo })),
            Err(e) => Err(e.clone()),
        };
        drop(job);
        answer(done, outcome);
    }
    if !conn.is_autocommit()
        && let Err(e) = exec(conn, "ROLLBACK")
    {
        tracing::error!(error = %e, "a read transaction does not end");
    }
}

impl Writer {
    pub(super) fn new(
        conn: Connection,
        keys: Arc<Keyring>,
        rng: Box<dyn Rng + Send>,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        let rows = Rows {
            conn: &conn,
            keys: &keys,
        };
        let head = rows.one(
            "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
            (),
            |row| {
                let seq: i64 = row.get(0).map_err(io)?;
                let bad = || StoreError::Damaged(format!("audit {seq}"));
                Ok(Head {
                    seq: u64::try_from(seq).map_err(|_| bad())?,
                    hash: blob(row, 1)?.try_into().map_err(|_| bad())?,
                })
            },
        )?;
        Ok(Self {
            head: head.unwrap_or_default(),
            memo: Memo::default(),
            conn,
            keys,
            rng,
            lock,
        })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue<Job>) {
        let (mut jobs, mut writes, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        let mut unseen = 0_usize;
        while queue.drain(BATCH, &mut jobs) {
            unseen = unseen.saturating_add(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    Job::Write(job, done) => writes.push((job, done)),
                    Job::Read(job, done) => reads.push((job, done)),
                }
            }
            if !writes.is_empty() {
                self.write_batch(&mut writes);
            }
            if !reads.is_empty() {
                read_batch(&self.conn, &self.keys, Some(&self.memo), reads.drain(..));
            }
            if unseen < LOOK {
                continue;
            }
            unseen = 0;
            if let Err(e) = self.checkpoint(queue) {
                tracing::warn!(error = %e, "the database's log cannot be copied into it");
            }
        }
        if self.lock.is_some()
            && let Err(e) = self.wal("PRAGMA wal_checkpoint(TRUNCATE)")
        {
            tracing::warn!(error = %e, "the database's log stays; it is read at the next start");
        }
        // The lock goes last.
        drop(self.conn);
        drop(self.lock);
    }

    fn write_batch(&mut self, jobs: &mut Vec<(WriteJob, Done)>) {
        let head = self.head;
        match self.transaction(jobs) {
            Ok(outcomes) => {
                for ((_, done), outcome) in jobs.drain(..).zip(outcomes) {
                    answer(done, outcome);
                }
            }
            // Refusals too: they may rest on changes of the same batch that are gone.
            Err(error) => {
                tracing::error!(error = %error, jobs = jobs.len(), "a transaction failed");
                let ended = if self.conn.is_autocommit() {
                    self.restore(head);
                    Ok(())
                } else {
                    self.undo("ROLLBACK", head)
                };
                if let Err(e) = ended {
                    tracing::error!(error = %e, "a transaction does not end");
                }
                for (_, done) in jobs.drain(..) {
                    answer(done, Err(error.clone()));
                }
            }
        }
    }

    /// Forgets what is known of changes that are gone.
    fn restore(&mut self, head: Head) {
        self.head = head;
        self.memo.forget();
    }

    fn undo(&mut self, rollback: &str, head: Head) -> Result<(), StoreError> {
        self.restore(head);
        exec(&self.conn, rollback)
    }

    /// Runs all jobs and commits; each job's outcome holds then. An error means that nothing was stored.
    fn transaction(&mut self, jobs: &mut [(WriteJob, Done)]) -> Result<Vec<Outcome>, StoreError> {
        let head = self.head;
        exec(&self.conn, "BEGIN IMMEDIATE")?;
        let outcomes = match self.plainly(jobs)? {
            Some(outcomes) => outcomes,
            None => {
                self.undo("ROLLBACK", head)?;
                exec(&self.conn, "BEGIN IMMEDIATE")?;
                jobs.iter_mut()
                    .map(|(job, _)| self.guarded(job))
                    .collect::<Result<_, _>>()?
            }
        };
        flush(&self.conn, &self.memo)?;
        exec(&self.conn, "COMMIT")?;
        Ok(outcomes)
    }

    /// Runs the jobs without a savepoint for each, which would copy pages. A job that fails hardly ever wrote before: `None`
    /// where one did, and the others cannot be told from it.
    fn plainly(&mut self, jobs: &mut [(WriteJob, Done)]) -> Result<Option<Vec<Outcome>>, StoreError> {
        let mut outcomes = Vec::with_capacity(jobs.len());
        for (job, _) in jobs {
            let (outcome, wrote) = self.step(job)?;
            if wrote && outcome.is_err() {
                return Ok(None);
            }
            outcomes.push(outcome);
        }
        Ok(Some(outcomes))
    }

    /// Runs one job so that it leaves nothing where it fails.
    fn guarded(&mut self, job: &mut WriteJob) -> Result<Outcome, StoreError> {
        exec(&self.conn, "SAVEPOINT job")?;
        let head = self.head;
        let (outcome, _) = self.step(job)?;
        if outcome.is_err() {
            self.undo("ROLLBACK TO job", head)?;
        }
        flush(&self.conn, &self.memo)?;
        exec(&self.conn, "RELEASE job")?;
        Ok(outcome)
    }

    /// Runs one job; tells whether it may have changed something. The outer error means that the whole transaction is gone.
    fn step(&mut self, job: &mut WriteJob) -> Result<(Outcome, bool), StoreError> {
        let wrote = Cell::new(false);
        let outcome = contained(|| {
            job(&mut WriteTx {
                conn: &self.conn,
                keys: &self.keys,
                rng: self.rng.as_mut(),
                head: &mut self.head,
                memo: &self.memo,
                wrote: &wrote,
            })
        });
        if self.conn.is_autocommit() {
            let gone = || StoreError::Io("the transaction was rolled back".to_owned());
            return Err(outcome.err().unwrap_or_else(gone));
        }
        Ok((outcome, wrote.get()))
    }

    fn wal(&self, pragma: &str) -> Result<i64, StoreError> {
        let rows = Rows {
            conn: &self.conn,
            keys: &self.keys,
        };
        let frames = rows.one(pragma, (), |row| row.get::<_, i64>(1).map_err(io))?;
        Ok(frames.unwrap_or(0))
    }

    /// Copies all of the log into the database and begins it anew, where the readers let go of it soon.
    fn restart(&self) -> Result<(), StoreError> {
        self.conn.busy_timeout(PATIENCE).map_err(io)?;
        let outcome = self.wal("PRAGMA wal_checkpoint(RESTART)");
        self.conn.busy_timeout(BUSY).map_err(io)?;
        outcome.map(|_| ())
    }

    /// Copies the log into the database where it has grown. The log's pages are used again, so that its size and with it the
    /// file's metadata need no further syncs.
    fn checkpoint(&self, queue: &Queue<Job>) -> Result<(), StoreError> {
        if self.lock.is_none() {
            return Ok(());
        }
        let frames = self.wal("PRAGMA wal_checkpoint(NOOP)")?;
        if frames >= RESTART {
            self.restart()?;
        } else if frames >= FULL || (frames >= QUIET && queue.is_empty()) {
            self.wal("PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::sync_channel;
    use std::sync::{Arc, mpsc};

    use otpost_core::ids::UserId;
    use otpost_core::keys::{Keyring, MasterKey};
    use rusqlite::Connection;

    use super::super::{file, migrate};
    use super::Writer;
    use crate::contract::samples::{NOW, Seeded, event};
    use crate::{Done, StoreError, Tx, WriteJob};

    fn temporary(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("otpost-store-{name}-{}.db", std::process::id()))
    }

    fn remove(path: &Path) {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(PathBuf::from(format!("{}{suffix}", path.display())));
        }
    }

    fn frames(writer: &Writer) -> i64 {
        writer.wal("PRAGMA wal_checkpoint(NOOP)").unwrap()
    }

    fn write(writer: &Writer) {
        let sql = "INSERT INTO settings (name, body) VALUES (hex(randomblob(8)), 'x')";
        assert_eq!(writer.conn.execute(sql, ()).unwrap(), 1);
    }

    fn in_memory() -> Writer {
        let mut conn = file::memory().unwrap();
        migrate::migrate(&mut conn, migrate::STEPS, |_| Ok(())).unwrap();
        let keys = Arc::new(Keyring::derive(&MasterKey::new([1; 32])));
        Writer::new(conn, keys, Box::new(Seeded(1)), None).unwrap()
    }

    type Closure = fn(&mut dyn Tx) -> Result<(), StoreError>;

    /// Runs closures in one transaction; gives what came of each and how often it ran.
    fn together(writer: &mut Writer, jobs: Vec<Closure>) -> Vec<(Result<(), StoreError>, u32)> {
        let (done, outcomes): (mpsc::SyncSender<_>, _) = sync_channel(jobs.len());
        let runs: Vec<_> = jobs.iter().map(|_| Arc::new(AtomicU32::new(0))).collect();
        let mut batch: Vec<(WriteJob, Done)> = Vec::new();
        for (job, runs) in jobs.into_iter().zip(&runs) {
            let (runs, done) = (Arc::clone(runs), done.clone());
            batch.push((
                Box::new(move |tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    job(tx)
                }),
                Box::new(move |outcome| done.try_send(outcome).unwrap()),
            ));
        }
        drop(done);
        writer.write_batch(&mut batch);
        let runs = runs.iter().map(|runs| runs.load(Ordering::Relaxed));
        outcomes.iter().zip(runs).collect()
    }

    const USER: UserId = UserId([1; 16]);

    fn refusal() -> StoreError {
        StoreError::Refused("no".to_owned())
    }

    #[test]
    fn closures_run_once_where_none_fails_after_a_change() {
        let mut writer = in_memory();
        let outcomes = together(
            &mut writer,
            vec![
                |tx| tx.put_source_success(USER, "a", NOW),
                |tx| {
                    tx.send_policy()?;
                    Err(refusal())
                },
                |tx| tx.append_audit(&event(1)),
            ],
        );
        assert_eq!(outcomes, [(Ok(()), 1), (Err(refusal()), 1), (Ok(()), 1)]);
        assert_eq!(writer.head.seq, 1);
    }

    #[test]
    fn closures_run_again_where_one_fails_after_a_change_and_only_its_change_is_gone() {
        let mut writer = in_memory();
        let outcomes = together(
            &mut writer,
            vec![
                |tx| {
                    tx.append_audit(&event(1))?;
                    tx.put_source_success(USER, "a", NOW)
                },
                |tx| {
                    tx.append_audit(&event(2))?;
                    tx.put_source_success(USER, "b", NOW)?;
                    Err(refusal())
                },
                |tx| match tx.source_success(USER, "b")? {
                    Some(_) => Err(StoreError::Closed),
                    None => tx.append_audit(&event(3)),
                },
            ],
        );
        assert_eq!(outcomes, [(Ok(()), 2), (Err(refusal()), 2), (Ok(()), 1)]);
        assert_eq!(writer.head.seq, 2);
        let outcomes = together(
            &mut writer,
            vec![|tx| {
                assert_eq!(tx.source_success(USER, "a")?, Some(NOW));
                assert_eq!(tx.source_success(USER, "b")?, None);
                let events = tx.audit(0, 9)?.into_iter().map(|row| row.text);
                let expected = [1, 3].map(|n| super::super::rows::json(&event(n)).unwrap());
                assert_eq!(events.collect::<Vec<_>>(), expected);
                Ok(())
            }],
        );
        assert_eq!(outcomes, [(Ok(()), 1)]);
    }

    #[test]
    fn a_commit_waits_for_the_disk() {
        let path = temporary("sync");
        let lock = file::lock(&path).unwrap();
        file::prepare(&path).unwrap();
        let conn = file::writer(&path).unwrap();
        file::log(&conn, &path).unwrap();
        let full: i64 = conn
            .query_row("PRAGMA synchronous", (), |row| row.get(0))
            .unwrap();
        let mode: String = conn
            .query_row("PRAGMA journal_mode", (), |row| row.get(0))
            .unwrap();
        assert_eq!((full, mode.as_str()), (2, "wal"));
        drop((conn, lock));
        remove(&path);
    }

    #[test]
    fn the_log_begins_anew_once_readers_let_go_of_it() {
        let path = temporary("log");
        let lock = file::lock(&path).unwrap();
        file::prepare(&path).unwrap();
        let mut conn = file::writer(&path).unwrap();
        file::log(&conn, &path).unwrap();
        migrate::migrate(&mut conn, migrate::STEPS, |_| Ok(())).unwrap();
        let keys = Arc::new(Keyring::derive(&MasterKey::new([1; 32])));
        let writer = Writer::new(conn, keys, Box::new(Seeded(1)), Some(lock)).unwrap();
        let reader: Connection = file::reader(&path).unwrap();

        write(&writer);
        reader.execute_batch("BEGIN; SELECT * FROM settings;").unwrap();
        let full = frames(&writer);
        assert!(full > 10);
        // A reader that stays is given up on, without an error; writes go on.
        writer.restart().unwrap();
        write(&writer);
        assert!(frames(&writer) > full);
        reader.execute_batch("ROLLBACK").unwrap();
        writer.restart().unwrap();
        write(&writer);
        assert!(frames(&writer) < full);

        drop((writer, reader));
        remove(&path);
    }
}
