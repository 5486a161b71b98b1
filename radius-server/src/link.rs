//! The connection to otpostd: made again whenever it breaks, and the client table that comes over it.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use otpost_ipc::{
    Role,
    aio::AsyncClient,
    client::CallError,
    radius::{ClientTable, RadiusOp, RadiusReply},
};
use tokio::sync::watch;

use crate::{clients::Table, sys};

/// Longest wait for a connection, its Hello and the first client table.
const CONNECT: Duration = Duration::from_secs(5);
/// First pause before another try; doubles up to [`SLOWEST`]. Short: VPNs give up after a few seconds.
const FIRST: Duration = Duration::from_millis(50);
const SLOWEST: Duration = Duration::from_secs(2);
/// Longest wait for the answer to a long poll, which the daemon gives within 30 s.
const POLL: Duration = Duration::from_secs(60);
/// Pause where the daemon answers a poll with nothing new sooner than it should, or with a fault.
const PAUSE: Duration = Duration::from_secs(1);
/// The same complaint is repeated this often.
const REMIND: Duration = Duration::from_secs(60);

/// A connection that is up, with the table it gave.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) calls: AsyncClient<RadiusOp, RadiusReply>,
    pub(crate) table: Table,
}

/// The daemon, while there is one. Without, there is no table either: nothing can be answered.
#[derive(Debug, Default)]
pub(crate) struct Link(RwLock<Option<Arc<Daemon>>>);

impl Link {
    /// The daemon as it is now.
    pub(crate) fn get(&self) -> Option<Arc<Daemon>> {
        let daemon = self.0.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        // The connection's end is known to it a little before it is known to `keep`.
        (!daemon.calls.is_closed()).then_some(daemon)
    }

    fn set(&self, daemon: Option<Arc<Daemon>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = daemon;
    }

    fn install(&self, calls: &AsyncClient<RadiusOp, RadiusReply>, table: ClientTable) -> u64 {
        let (table, complaints) = Table::new(table);
        for complaint in complaints {
            tracing::error!(client = ?complaint.client, "client entry cannot be used: {}", complaint.what);
        }
        let version = table.version;
        self.set(Some(Arc::new(Daemon {
            calls: calls.clone(),
            table,
        })));
        version
    }
}

/// Why a connection is given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("otpostd answers no question within {} s", POLL.as_secs())]
    Hung,
    #[error("otpostd answered with something that was not asked for")]
    Answer,
    #[error("the configuration names another socket")]
    Moved,
}

/// Keeps the link up. Never returns; drop it to stop.
pub(crate) async fn keep(link: &Link, mut socket: watch::Receiver<PathBuf>) {
    let mut pause = FIRST;
    let mut said: Option<(Lost, std::time::Instant)> = None;
    loop {
        let path = socket.borrow_and_update().clone();
        let (lost, was_up) = match connect(&path).await {
            Ok((calls, table)) => {
                let clients = table.clients.len();
                let version = link.install(&calls, table);
                tracing::info!(socket = ?path, clients, version, "connected to otpostd");
                let lost = tokio::select! {
                    lost = follow(link, &calls, version) => lost,
                    Ok(()) = socket.changed() => Lost::Moved,
                };
                link.set(None);
                (lost, true)
            }
            Err(lost) => (lost, false),
        };
        let now = sys::now();
        let known = said
            .as_ref()
            .is_some_and(|(other, when)| *other == lost && now.saturating_duration_since(*when) < REMIND);
        if was_up || !known {
            tracing::warn!(socket = ?path, "not connected, no request is answered: {lost}; trying again");
            said = Some((lost, now));
        }
        pause = if was_up { FIRST } else { (pause * 2).min(SLOWEST) };
        tokio::select! {
            () = sys::sleep(pause) => {}
            _ = socket.changed() => {}
        }
    }
}

async fn connect(path: &std::path::Path) -> Result<(AsyncClient<RadiusOp, RadiusReply>, ClientTable), Lost> {
    let calls = AsyncClient::connect(path, Role::Radius, sys::sleep(CONNECT)).await?;
    let table = ask(&calls, None, CONNECT).await?;
    Ok((calls, table))
}

/// Installs every new table until the connection breaks.
async fn follow(link: &Link, calls: &AsyncClient<RadiusOp, RadiusReply>, mut version: u64) -> Lost {
    loop {
        let asked = sys::now();
        match ask(calls, Some(version), POLL).await {
            Ok(table) if table.version == version => {
                if sys::now().saturating_duration_since(asked) < PAUSE {
                    sys::sleep(PAUSE).await;
                }
            }
            Ok(table) => {
                let clients = table.clients.len();
                version = link.install(calls, table);
                tracing::info!(clients, version, "client table replaced");
            }
            // The connection is sound and the table in force stays so.
            Err(Lost::Call(CallError::Fault(fault))) if !calls.is_closed() => {
                tracing::warn!(%fault, "otpostd cannot give the client table just now; the old one stays");
                sys::sleep(PAUSE).await;
            }
            Err(lost) => return lost,
        }
    }
}

async fn ask(
    calls: &AsyncClient<RadiusOp, RadiusReply>,
    after: Option<u64>,
    limit: Duration,
) -> Result<ClientTable, Lost> {
    match sys::limited(limit, calls.call(RadiusOp::Clients { after })).await {
        Some(Ok(RadiusReply::Clients(table))) => Ok(table),
        Some(Ok(RadiusReply::Login { .. })) => Err(Lost::Answer),
        Some(Err(error)) => Err(error.into()),
        None => Err(Lost::Hung),
    }
}
