//! What the daemon's services share.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use otpost_conf::daemon::Environment;
use otpost_core::Timestamp;
use otpost_core::client::RadiusClient;
use otpost_core::ids::Reference;
use otpost_core::keys::Keyring;
use otpost_store::{Read, Store, StoreError, Tx};
use tokio::sync::watch;

use crate::db;
use crate::dictionaries::Dictionaries;
use crate::imports::Imports;
use crate::outbox::Outbox;
use crate::passwords::Passwords;
use crate::postman::Postman;
use crate::providers::Providers;
use crate::refused::Refusals;
use crate::sources::Sources;
use crate::stats::Stats;
use crate::sys::{Clock, Draw, Entropy};

/// The RADIUS client table as of a version.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Grows with each change, also over restarts.
    pub version: u64,
    /// The entries.
    pub entries: Arc<Vec<RadiusClient>>,
}

/// Keeps a log line that strangers can cause to a few a second.
#[derive(Debug, Default)]
pub struct LogLimit {
    second: AtomicU64,
    lines: AtomicU32,
}

impl LogLimit {
    /// Lines of one second.
    const LINES: u32 = 5;

    /// Whether one more line may be written.
    pub fn allow(&self, now: Timestamp) -> bool {
        let second = now.0 / 1000;
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.lines.store(0, Ordering::Relaxed);
        }
        self.lines.fetch_add(1, Ordering::Relaxed) < Self::LINES
    }
}

/// Everything a service needs; shared by reference count.
pub struct Daemon {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Working keys.
    pub keys: Keyring,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The rng.
    pub entropy: Arc<dyn Entropy>,
    /// The password pool.
    pub passwords: Passwords,
    /// Transports.
    pub providers: Providers,
    /// Directories and RADIUS servers that check passwords.
    pub sources: Sources,
    /// Names of RADIUS attributes.
    pub dictionaries: Dictionaries,
    /// Trials or real logins.
    pub environment: Environment,
    /// PAM services in which users may ask about themselves.
    pub lockers: RwLock<Vec<String>>,
    /// Where texts leave.
    pub outbox: Outbox,
    /// Where mails leave.
    pub postman: Postman,
    /// Figures for the overview.
    pub stats: Stats,
    /// Files that are being imported.
    pub imports: Imports,
    /// Grows with each ended text, for those who wait for one.
    pub text_ended: watch::Sender<u64>,
    /// The RADIUS client table; every request looks at it.
    pub clients: watch::Sender<Clients>,
    /// Connected otpost-radius processes.
    pub radius_servers: AtomicU64,
    /// Bounds the log lines about refused callers.
    pub refusal_lines: LogLimit,
    /// Bounds the audit rows about refused callers and RADIUS requests.
    pub refusals: Refusals,
    /// When the daemon started.
    pub started: Timestamp,
    /// Turns true when the daemon is to stop.
    pub stopping: watch::Sender<bool>,
    /// How long a stop may take.
    pub grace: Duration,
}

impl Daemon {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The rng as the core's parameter.
    #[must_use]
    pub fn rng(&self) -> Draw {
        Draw(Arc::clone(&self.entropy))
    }

    /// A fresh reference for user, log and audit.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference::random(&mut self.rng())
    }

    /// Reads the RADIUS client table anew and tells those who watch it.
    ///
    /// # Errors
    /// The store's; the old table stays then.
    pub async fn reload_clients(&self) -> Result<(), StoreError> {
        let entries = Arc::new(self.read(|read| read.clients()).await?);
        let now = self.now().0;
        self.clients.send_modify(|clients| {
            *clients = Clients {
                version: clients.version.saturating_add(1).max(now),
                entries,
            };
        });
        Ok(())
    }

    /// Runs `job` in a durable transaction.
    ///
    /// # Errors
    /// What `job` or the engine returned.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        db::write(self.store.as_ref(), job).await
    }

    /// As [`Self::write`], where nobody waits for it: the job may wait a little for another whose commit it shares.
    ///
    /// # Errors
    /// What `job` or the engine returned.
    pub async fn write_late<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        db::write_late(self.store.as_ref(), job).await
    }

    /// Runs `job` on a snapshot.
    ///
    /// # Errors
    /// What `job` or the engine returned.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut dyn Read) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        db::read(self.store.as_ref(), job).await
    }
}
