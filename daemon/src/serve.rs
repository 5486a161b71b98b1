//! The daemon's life: open everything, serve, stop without losing what is in flight.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use otpost_conf::DaemonConfig;
use otpost_core::keys::Keyring;
use otpost_store::sqlite::{OpenOptions, SqliteStore};
use otpost_store::{Store, StoreError};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::dictionaries::{Dictionaries, DictionariesError};
use crate::imports::Imports;
use crate::ipc::{ListenError, Sockets};
use crate::keys::{self, KeyError};
use crate::outbox::Outbox;
use crate::passwords::{PasswordError, Passwords};
use crate::postman::{self, Postman};
use crate::providers::Providers;
use crate::refused::{self, Refusals};
use crate::sources::{self, Sources};
use crate::state::{Clients, Daemon, LogLimit};
use crate::stats::{self, Stats};
use crate::sweep;
use crate::sys::{self, Clock, Draw, Entropy};

/// Jobs that may wait for the store.
const STORE_QUEUE: usize = 16_384;

/// What the daemon does not make itself.
#[derive(Clone)]
pub struct Deps {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The rng.
    pub entropy: Arc<dyn Entropy>,
    /// `$CREDENTIALS_DIRECTORY` of the service manager.
    pub credentials: Option<std::path::PathBuf>,
}

/// Why the daemon does not start. Each says what mends it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database.
    #[error("{}: {error}", path.display())]
    Store {
        /// The database file.
        path: std::path::PathBuf,
        /// Why.
        error: StoreError,
    },
    /// The files of the database.
    #[error("{}: {error}\n  = help: otpostd's user must own the database's files (`ls -l {}*`), and the disk must have room; what is damaged comes from your backup", path.display(), path.display())]
    Files {
        /// The database file.
        path: std::path::PathBuf,
        /// Why.
        error: StoreError,
    },
    /// The directory of the database.
    #[error(transparent)]
    Directory(#[from] otpost_conf::PermissionError),
    /// A socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A dictionary of RADIUS attributes.
    #[error(transparent)]
    Dictionaries(#[from] DictionariesError),
    /// The password pool.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}

/// A daemon that is ready to serve.
pub struct Ready {
    daemon: Arc<Daemon>,
    sockets: Sockets,
    poll: Duration,
}

/// Opens store, keys and sockets. Call inside a runtime.
///
/// # Errors
/// [`StartError`].
pub async fn prepare(config: &DaemonConfig, deps: Deps) -> Result<Ready, StartError> {
    let path = &config.store.path;
    let directory = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    otpost_conf::check_permissions(directory, otpost_conf::Kind::PrivateDirectory)?;
    // Before anything is made: what is wrong here is a typo.
    let dictionaries = Dictionaries::start(&config.radius)?;
    let mut rng = Draw(Arc::clone(&deps.entropy));
    let master = keys::load(&config.keys, deps.credentials.as_deref(), path, &mut rng)?;
    let keyring = Keyring::derive(&master);
    drop(master);
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let failed = |error| {
        let path = path.clone();
        match error {
            StoreError::Io(_) => StartError::Files { path, error },
            error => StartError::Store { path, error },
        }
    };
    let store = SqliteStore::open(OpenOptions {
        path: Some(path.clone()),
        keys: keyring.clone(),
        rng: Box::new(rng.clone()),
        readers: cores.clamp(2, 8),
        queue: STORE_QUEUE,
    })
    .map_err(failed)?;
    let store: Arc<dyn Store> = Arc::new(store);
    let sockets = Sockets::bind(&config.sockets)?;
    let passwords = Passwords::start(
        config.passwords.memory_kib,
        config.passwords.passes,
        config.passwords.threads.unwrap_or(cores),
        &mut rng,
    )?;
    let daemon = Arc::new(Daemon {
        store,
        keys: keyring,
        started: deps.clock.now(),
        clock: deps.clock,
        entropy: deps.entropy,
        passwords,
        providers: Providers::default(),
        sources: Sources::default(),
        dictionaries,
        environment: config.environment,
        lockers: RwLock::new(config.sockets.lockers.clone()),
        outbox: Outbox::new(config.outbox.workers),
        postman: Postman::default(),
        stats: Stats::default(),
        imports: Imports::default(),
        text_ended: watch::Sender::new(0),
        clients: watch::Sender::new(Clients {
            version: 0,
            entries: Arc::default(),
        }),
        radius_servers: AtomicU64::new(0),
        refusal_lines: LogLimit::default(),
        refusals: Refusals::default(),
        stopping: watch::Sender::new(false),
        grace: config.shutdown_grace.get(),
    });
    daemon.reload_clients().await.map_err(failed)?;
    sources::load(&daemon).await.map_err(failed)?;
    let rows = daemon.read(|read| read.providers()).await.map_err(failed)?;
    daemon.providers.load(&rows, daemon.environment, &daemon.clock);
    Ok(Ready {
        daemon,
        sockets,
        poll: config.outbox.poll.get(),
    })
}

impl Ready {
    /// What the services share.
    #[must_use]
    pub fn daemon(&self) -> Arc<Daemon> {
        Arc::clone(&self.daemon)
    }
}

/// Serves until [`Daemon::stopping`] turns true, then finishes requests and submissions in flight, within the configured grace.
pub async fn serve(ready: Ready) {
    let Ready {
        daemon,
        sockets,
        poll,
    } = ready;
    let stop = daemon.stopping.subscribe();
    let outbox = tokio::spawn(crate::outbox::run(Arc::clone(&daemon), poll, stop.clone()));
    let post = tokio::spawn(postman::run(Arc::clone(&daemon), stop.clone()));
    let figures = tokio::spawn(stats::run(Arc::clone(&daemon)));
    let sweeper = tokio::spawn(sweep::run(Arc::clone(&daemon), stop.clone()));
    let requests = tokio::spawn(sockets.serve(Arc::clone(&daemon), stop.clone()));
    let mut stopping = stop;
    sys::stopped(&mut stopping).await;
    info!("stopping: requests and texts in flight are finished");
    let grace = daemon.grace;
    let all = async {
        let _ = requests.await;
        refused::drain(&daemon).await;
        let _ = outbox.await;
        let _ = post.await;
        let _ = sweeper.await;
        // The last to count are gone.
        daemon.stats.store().await;
    };
    if sys::timeout(grace, all).await.is_none() {
        warn!(
            seconds = grace.as_secs(),
            "not everything in flight ended in time; texts go on after the next start"
        );
    }
    figures.abort();
    // It holds the store, which closes its database with the last who does.
    let _ = figures.await;
}
