//! The one thread that writes: what waits goes into one transaction, one commit, then all the answers.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use otpost_core::Rng;
use otpost_core::keys::Keyring;
use rusqlite::Connection;

use super::file::BUSY;
use super::queue::Queue;
use super::read::ReadTx;
use super::rows::{Rows, blob, io};
use super::tx::{Head, WriteTx};
use crate::{Done, ReadJob, StoreError, WriteJob};

/// Jobs of one commit at most.
const BATCH: usize = 512;
/// Pages in the log after which it is copied into the database when nothing waits,
const QUIET: i64 = 1_000;
/// even though something waits,
const FULL: i64 = 4_000;
/// and after which the log begins anew, even though readers have to be waited for,
const RESTART: i64 = 32_000;
/// though not longer than this.
const PATIENCE: Duration = Duration::from_millis(250);

/// What the thread is asked to do. A store in memory reads on it too: there is only one connection.
pub(super) enum Job {
    Write(WriteJob, Done),
    Read(ReadJob, Done),
}

/// Owner of the connection that writes.
pub(super) struct Writer {
    conn: Connection,
    keys: Arc<Keyring>,
    rng: Box<dyn Rng + Send>,
    head: Head,
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
pub(super) fn read_batch(conn: &Connection, keys: &Keyring, jobs: impl Iterator<Item = (ReadJob, Done)>) {
    let begun = exec(conn, "BEGIN");
    for (mut job, done) in jobs {
        let outcome = match &begun {
            Ok(()) => contained(|| job(&mut ReadTx { conn, keys })),
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
            conn,
            keys,
            rng,
            lock,
        })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue<Job>) {
        let (mut jobs, mut writes, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        while queue.drain(BATCH, &mut jobs) {
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
                read_batch(&self.conn, &self.keys, reads.drain(..));
            }
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
                self.head = head;
                if !self.conn.is_autocommit()
                    && let Err(e) = exec(&self.conn, "ROLLBACK")
                {
                    tracing::error!(error = %e, "a transaction does not end");
                }
                for (_, done) in jobs.drain(..) {
                    answer(done, Err(error.clone()));
                }
            }
        }
    }

    /// Runs all jobs and commits; each job's outcome holds then. An error means that nothing was stored.
    fn transaction(
        &mut self,
        jobs: &mut [(WriteJob, Done)],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        exec(&self.conn, "BEGIN IMMEDIATE")?;
        let outcomes = jobs
            .iter_mut()
            .map(|(job, _)| self.step(job))
            .collect::<Result<_, _>>()?;
        exec(&self.conn, "COMMIT")?;
        Ok(outcomes)
    }

    /// Runs one job so that it leaves nothing where it fails. The outer error means that the whole transaction is gone.
    fn step(&mut self, job: &mut WriteJob) -> Result<Result<(), StoreError>, StoreError> {
        exec(&self.conn, "SAVEPOINT job")?;
        let head = self.head;
        let outcome = contained(|| {
            job(&mut WriteTx {
                conn: &self.conn,
                keys: &self.keys,
                rng: self.rng.as_mut(),
                head: &mut self.head,
            })
        });
        if self.conn.is_autocommit() {
            let gone = || StoreError::Io("the transaction was rolled back".to_owned());
            return Err(outcome.err().unwrap_or_else(gone));
        }
        if outcome.is_err() {
            exec(&self.conn, "ROLLBACK TO job")?;
            self.head = head;
        }
        exec(&self.conn, "RELEASE job")?;
        Ok(outcome)
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
    use std::sync::Arc;

    use otpost_core::keys::{Keyring, MasterKey};
    use rusqlite::Connection;

    use super::super::{file, migrate};
    use super::Writer;
    use crate::contract::samples::Seeded;

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
