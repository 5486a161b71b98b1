//! The connection to otpostd: made again whenever it breaks, and the client table that comes over it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use otpost_ipc::{
    Role,
    aio::AsyncClient,
    client::{CallError, Client, Deadline},
    polled::Polled,
    radius::{ClientTable, RadiusOp, RadiusReply},
};
use tokio::sync::{Notify, watch};

use crate::{clients::Table, engine::lock, latch::Latch, mailbox::Mailbox, question::Letter, sys};

/// Longest wait for a connection and its Hello, and for all pages of a client table.
const CONNECT: Duration = Duration::from_secs(5);
/// First pause before another try; doubles up to [`SLOWEST`]. Short: VPNs give up after a few seconds.
const FIRST: Duration = Duration::from_millis(50);
const SLOWEST: Duration = Duration::from_secs(2);
/// Longest wait for the answer to a long poll, which the daemon gives within 30 s.
const POLL: Duration = Duration::from_secs(60);
/// Pause where the daemon answers a poll with nothing new sooner than it should.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the table in force is trusted while the daemon answers that it cannot give its own: long enough for a
/// daemon that is busy, short enough that a client which was removed does not stay trusted.
const TRUST: Duration = Duration::from_secs(5);
/// Pause between two tries meanwhile.
const AGAIN: Duration = Duration::from_millis(250);
/// The same complaint is repeated this often.
const REMIND: Duration = Duration::from_secs(60);

/// A connection that is up, with the table it gave.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) calls: AsyncClient<RadiusOp, RadiusReply>,
    pub(crate) table: Table,
}

/// A thread's own connection.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) calls: Box<Polled<RadiusOp, RadiusReply>>,
    /// Tells it from those of earlier connections.
    pub(crate) epoch: u64,
}

/// A thread that has such a connection while there is a daemon.
#[derive(Debug)]
struct Wired {
    mailbox: Arc<Mailbox<Letter>>,
    is: bool,
}

/// The daemon, while there is one. Without, there is no table either: nothing can be answered.
#[derive(Debug)]
pub(crate) struct Link {
    daemon: RwLock<Option<Arc<Daemon>>>,
    /// Changes with it, so that threads look at it only then.
    generation: AtomicU64,
    latch: Arc<Mutex<Latch>>,
    threads: Mutex<Vec<Wired>>,
    newcomer: Notify,
    /// Epoch of the newest connection that a thread has seen break.
    broken: watch::Sender<u64>,
    /// Whether any client's Accounting-Requests are answered.
    accounting: watch::Sender<bool>,
}

impl Link {
    pub(crate) fn new(latch: Arc<Mutex<Latch>>) -> Self {
        Self {
            daemon: RwLock::default(),
            generation: AtomicU64::new(0),
            latch,
            threads: Mutex::default(),
            newcomer: Notify::new(),
            broken: watch::Sender::new(0),
            accounting: watch::Sender::new(false),
        }
    }

    /// The daemon as it is now.
    pub(crate) fn get(&self) -> Option<Arc<Daemon>> {
        let daemon = self
            .daemon
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        // The connection's end is known to it a little before it is known to `keep`.
        (!daemon.calls.is_closed()).then_some(daemon)
    }

    /// Brings `seen` and its `generation` up to date.
    pub(crate) fn refresh(&self, generation: &mut u64, seen: &mut Option<Arc<Daemon>>) {
        let now = self.generation.load(Ordering::Acquire);
        if *generation != now {
            *generation = now;
            *seen = self.get();
        }
    }

    /// Whether any client's Accounting-Requests are answered, and each change of it.
    pub(crate) fn accounting(&self) -> watch::Receiver<bool> {
        self.accounting.subscribe()
    }

    /// Gives a thread a connection of its own from now on, while there is a daemon.
    pub(crate) fn join(&self, mailbox: Arc<Mailbox<Letter>>) {
        lock(&self.threads).push(Wired { mailbox, is: false });
        self.newcomer.notify_one();
    }

    /// A thread has lost its connection: all of them are made anew.
    pub(crate) fn broke(&self, epoch: u64) {
        self.broken.send_if_modified(|newest| {
            let news = epoch > *newest;
            *newest = epoch.max(*newest);
            news
        });
    }

    /// Connects every thread that is not.
    async fn wire(&self, path: &Path, epoch: u64) -> Result<(), Lost> {
        loop {
            let next = lock(&self.threads)
                .iter_mut()
                .find(|thread| !thread.is)
                .map(|thread| {
                    thread.is = true;
                    Arc::clone(&thread.mailbox)
                });
            let Some(mailbox) = next else { return Ok(()) };
            let path = path.to_owned();
            let made = tokio::task::spawn_blocking(move || {
                let mut calls = Client::connect(&path, Role::Radius, Deadline::after(CONNECT))?;
                // Any question will do: with it the Hellos are exchanged.
                calls.call(RadiusOp::Clients { after: None, from: 0 })?;
                Ok::<_, CallError>(calls.into_polled())
            });
            let calls = Box::new(made.await.map_err(|_| Lost::Answer)??);
            mailbox.post(Letter::Wire(Some(Wire { calls, epoch })));
        }
    }

    /// Connects threads as they join; completes once that fails.
    async fn wire_newcomers(&self, path: &Path, epoch: u64) -> Lost {
        loop {
            self.newcomer.notified().await;
            if let Err(lost) = self.wire(path, epoch).await {
                return lost;
            }
        }
    }

    /// Completes once a thread has seen a connection of this epoch break.
    async fn breaks(&self, epoch: u64) -> Lost {
        let _ = self.broken.subscribe().wait_for(|broken| *broken >= epoch).await;
        Lost::Wire
    }

    /// There is no daemon.
    fn drop_daemon(&self) {
        self.set(None);
        for thread in lock(&self.threads).iter_mut() {
            thread.is = false;
            thread.mailbox.post(Letter::Wire(None));
        }
    }

    fn set(&self, daemon: Option<Arc<Daemon>>) {
        *self.daemon.write().unwrap_or_else(PoisonError::into_inner) = daemon;
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn install(&self, calls: &AsyncClient<RadiusOp, RadiusReply>, table: ClientTable) -> u64 {
        let (table, complaints) = {
            // Held until the table is in force: what is latched meanwhile waits, and finds the new entry.
            let mut latch = lock(&self.latch);
            latch.settle(&table);
            let built = Table::new(table, |client| latch.is_latched(client));
            let daemon = Arc::new(Daemon {
                calls: calls.clone(),
                table: built.0,
            });
            self.set(Some(Arc::clone(&daemon)));
            (daemon, built.1)
        };
        for complaint in complaints {
            tracing::error!(client = ?complaint.client, "client entry cannot be used: {}", complaint.what);
        }
        self.accounting.send_if_modified(|wanted| {
            let news = *wanted != table.table.accounting;
            *wanted = table.table.accounting;
            news
        });
        table.table.version
    }
}

/// Why a connection is given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("otpostd closed a connection")]
    Wire,
    #[error("otpostd answers no question within {} s", POLL.as_secs())]
    Hung,
    #[error("otpostd answered with something that was not asked for")]
    Answer,
    #[error("the client table did not come whole within {} s", CONNECT.as_secs())]
    Torn,
    #[error("the configuration names another socket")]
    Moved,
}

impl Lost {
    /// Whether both say the same. Each fault has a reference of its own, which is no news.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Call(CallError::Fault(one)), Self::Call(CallError::Fault(two))) => {
                (one.code, &one.message) == (two.code, &two.message)
            }
            _ => self == other,
        }
    }
}

/// Keeps the link up. Never returns; drop it to stop.
pub(crate) async fn keep(link: &Link, mut socket: watch::Receiver<PathBuf>) {
    let mut pause = FIRST;
    let mut said: Option<(Lost, std::time::Instant)> = None;
    let mut epoch = 0;
    loop {
        epoch += 1;
        let path = socket.borrow_and_update().clone();
        let up = async {
            let up = connect(&path).await?;
            link.wire(&path, epoch).await?;
            Ok(up)
        };
        let (lost, was_up) = match up.await {
            Ok((calls, table)) => {
                let clients = table.clients.len();
                let version = link.install(&calls, table);
                tracing::info!(socket = ?path, clients, version, "connected to otpostd");
                let lost = tokio::select! {
                    lost = follow(link, &calls, version) => lost,
                    lost = link.wire_newcomers(&path, epoch) => lost,
                    lost = link.breaks(epoch) => lost,
                    Ok(()) = socket.changed() => Lost::Moved,
                };
                (lost, true)
            }
            Err(lost) => (lost, false),
        };
        link.drop_daemon();
        let now = sys::now();
        let known = said.as_ref().is_some_and(|(other, when)| {
            other.is_like(&lost) && now.saturating_duration_since(*when) < REMIND
        });
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

async fn connect(path: &Path) -> Result<(AsyncClient<RadiusOp, RadiusReply>, ClientTable), Lost> {
    let calls = AsyncClient::connect(path, Role::Radius, sys::sleep(CONNECT)).await?;
    let whole = async { rest(&calls, page(&calls, None, 0).await?).await };
    let table = sys::limited(CONNECT, whole).await.unwrap_or(Err(Lost::Torn))?;
    Ok((calls, table))
}

/// Installs every new table until the connection breaks, or the daemon cannot say what its table is. Then the one in
/// force may name clients that are gone: the caller drops it, and nobody is served until a whole one is here.
async fn follow(link: &Link, calls: &AsyncClient<RadiusOp, RadiusReply>, mut version: u64) -> Lost {
    let mut failing: Option<std::time::Instant> = None;
    loop {
        let asked = sys::now();
        match newer(calls, version).await {
            Ok(None) => {
                failing = None;
                if sys::now().saturating_duration_since(asked) < PAUSE {
                    sys::sleep(PAUSE).await;
                }
            }
            Ok(Some(table)) => {
                failing = None;
                let clients = table.clients.len();
                version = link.install(calls, table);
                tracing::info!(clients, version, "client table replaced");
            }
            Err(Lost::Call(CallError::Fault(fault))) if !calls.is_closed() => {
                let now = sys::now();
                if failing.is_none() {
                    tracing::warn!(%fault, "otpostd cannot give the client table just now; trying again");
                }
                let since = *failing.get_or_insert(now);
                if now.saturating_duration_since(since) >= TRUST {
                    tracing::error!(
                        version, %fault,
                        "the client table cannot be brought up to date and is dropped: it may name clients that were removed; see otpostd's log"
                    );
                    return Lost::Call(CallError::Fault(fault));
                }
                sys::sleep(AGAIN).await;
            }
            Err(lost) => {
                if lost == Lost::Torn {
                    tracing::error!(
                        version,
                        "a newer client table cannot be fetched, so the old one is dropped"
                    );
                }
                return lost;
            }
        }
    }
}

/// The table that comes after `version`, or nothing where that is the daemon's still.
async fn newer(
    calls: &AsyncClient<RadiusOp, RadiusReply>,
    version: u64,
) -> Result<Option<ClientTable>, Lost> {
    let first = sys::limited(POLL, page(calls, Some(version), 0))
        .await
        .unwrap_or(Err(Lost::Hung))?;
    if first.version == version {
        return Ok(None);
    }
    let table = sys::limited(CONNECT, rest(calls, first))
        .await
        .unwrap_or(Err(Lost::Torn))?;
    Ok(Some(table))
}

/// The whole table that begins with `table`. Starts over where the daemon's changes meanwhile: a table put together
/// from two versions is neither.
async fn rest(
    calls: &AsyncClient<RadiusOp, RadiusReply>,
    mut table: ClientTable,
) -> Result<ClientTable, Lost> {
    while table.more {
        let from = u32::try_from(table.clients.len()).map_err(|_| Lost::Answer)?;
        let next = page(calls, None, from).await?;
        if next.version == table.version {
            table.clients.extend(next.clients);
            table.more = next.more;
        } else {
            table = page(calls, None, 0).await?;
        }
    }
    Ok(table)
}

async fn page(
    calls: &AsyncClient<RadiusOp, RadiusReply>,
    after: Option<u64>,
    from: u32,
) -> Result<ClientTable, Lost> {
    match calls.call(RadiusOp::Clients { after, from }).await? {
        // It would be asked for for ever.
        RadiusReply::Clients(page) if page.more && page.clients.is_empty() => Err(Lost::Answer),
        RadiusReply::Clients(page) => Ok(page),
        RadiusReply::Login { .. } | RadiusReply::Reported => Err(Lost::Answer),
    }
}
