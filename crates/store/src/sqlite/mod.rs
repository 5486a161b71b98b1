//! The embedded engine: SQLite with a write-ahead log, one thread that writes and some that read.
//!
//! A commit is answered once it is on disk (`synchronous=FULL`); what waits meanwhile shares the next commit. Numbers, client
//! secrets, provider settings and documents are sealed with the master key, to which a database is bound when it is made.

mod documents;
mod file;
mod keycheck;
mod login_rows;
mod memo;
mod migrate;
mod queue;
mod read;
mod rows;
mod sweep;
mod tx;
mod write;
mod writer;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use otpost_core::Rng;
use otpost_core::keys::Keyring;
use rusqlite::Connection;

use self::queue::Queue;
use self::writer::{Job, Writer, answer, read_batch};
use crate::{Done, ReadJob, Store, StoreError, WriteJob};

/// Reads that share a snapshot at most; the other readers get their part.
const READ_BATCH: usize = 32;

/// How to open a store.
pub struct OpenOptions {
    /// The database file, made where it is missing; `None` keeps everything in memory.
    pub path: Option<PathBuf>,
    /// Seals and opens the columns that must not be readable in the file.
    pub keys: Keyring,
    /// Nonces of sealed columns; nothing else is drawn from it.
    pub rng: Box<dyn Rng + Send>,
    /// Threads that read, at least one. In memory there are none: reads take turns with writes.
    pub readers: usize,
    /// Jobs that may wait for the writer, and as many for the readers.
    pub queue: usize,
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("path", &self.path)
            .field("keys", &self.keys)
            .field("readers", &self.readers)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

type Reads = Arc<Queue<(ReadJob, Done)>>;

/// A store in SQLite. Dropping it finishes what waits, copies the log into the database and closes both.
pub struct SqliteStore {
    writes: Arc<Queue<Job>>,
    reads: Option<Reads>,
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| StoreError::Io(format!("cannot start a thread of the store: {e}")))
}

/// The connection that writes, on the present schema and with the right key.
fn connect(options: &mut OpenOptions) -> Result<(Connection, Option<File>), StoreError> {
    let (mut conn, lock) = match &options.path {
        Some(path) => {
            let lock = file::lock(path)?;
            file::prepare(path)?;
            (file::writer(path)?, Some(lock))
        }
        None => (file::memory()?, None),
    };
    let found = migrate::check(&conn, migrate::STEPS)?;
    if found > 0 {
        keycheck::check(&conn, &options.keys)?;
    }
    if let Some(path) = &options.path {
        file::log(&conn, path)?;
    }
    migrate::migrate(&mut conn, migrate::STEPS, |tx| {
        keycheck::install(tx, &options.keys, options.rng.as_mut())
    })?;
    Ok((conn, lock))
}

impl SqliteStore {
    /// Opens the database, brings its schema up to date and starts the threads.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where another process has it open, [`StoreError::NewerSchema`] where a newer otpost wrote it,
    /// [`StoreError::WrongKey`] where it was made with another master key, [`StoreError::Io`] and [`StoreError::Damaged`]
    /// where it cannot be used.
    pub fn open(mut options: OpenOptions) -> Result<Self, StoreError> {
        let (conn, lock) = connect(&mut options)?;
        let keys = Arc::new(options.keys);
        let mut connections = Vec::new();
        if let Some(path) = &options.path {
            for _ in 0..options.readers.max(1) {
                connections.push(file::reader(path)?);
            }
        }
        let writer = Writer::new(conn, Arc::clone(&keys), options.rng, lock)?;
        let mut store = Self {
            writes: Arc::new(Queue::new(options.queue)),
            reads: (!connections.is_empty()).then(|| Arc::new(Queue::new(options.queue))),
            readers: Vec::new(),
            writer: None,
        };
        let writes = Arc::clone(&store.writes);
        store.writer = Some(spawn("store-write", move || writer.run(&writes))?);
        if let Some(reads) = &store.reads {
            for conn in connections {
                let (reads, keys) = (Arc::clone(reads), Arc::clone(&keys));
                store.readers.push(spawn("store-read", move || {
                    let mut jobs = Vec::new();
                    while reads.drain(READ_BATCH, &mut jobs) {
                        read_batch(&conn, &keys, None, jobs.drain(..));
                    }
                })?);
            }
        }
        Ok(store)
    }
}

impl Store for SqliteStore {
    fn submit_write(&self, job: WriteJob, done: Done) {
        if let Err(Job::Write(_, done) | Job::Read(_, done)) = self.writes.push(Job::Write(job, done)) {
            answer(done, Err(StoreError::Closed));
        }
    }

    fn submit_late(&self, job: WriteJob, done: Done) {
        if let Err(Job::Write(_, done) | Job::Read(_, done)) = self.writes.push_late(Job::Write(job, done)) {
            answer(done, Err(StoreError::Closed));
        }
    }

    fn submit_read(&self, job: ReadJob, done: Done) {
        let refused = match &self.reads {
            Some(reads) => reads.push((job, done)).err().map(|(_, done)| done),
            None => match self.writes.push(Job::Read(job, done)) {
                Err(Job::Write(_, done) | Job::Read(_, done)) => Some(done),
                Ok(()) => None,
            },
        };
        if let Some(done) = refused {
            answer(done, Err(StoreError::Closed));
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Readers first: the writer is the last to close the file, and so the one to remove its log.
        if let Some(reads) = &self.reads {
            reads.close();
        }
        let own = thread::current().id();
        let join = |thread: JoinHandle<()>| {
            // The last owner may be an answer, on a thread of the store's own: that one cannot wait for itself.
            if thread.thread().id() != own && thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        };
        self.readers.drain(..).for_each(join);
        self.writes.close();
        self.writer.take().into_iter().for_each(join);
    }
}
