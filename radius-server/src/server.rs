use std::{
    collections::HashSet,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use otpost_conf::RadiusConfig;
use sd_notify::NotifyState;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinError, JoinSet},
};

use crate::{
    desk::Service,
    drops,
    engine::{Engine, lock},
    error::ServeError,
    link,
    mailbox::Order,
    port::Port,
    silence::Counters,
    socket::Socket,
    sys,
};

/// Longest wait for the last replies, and the last news for the daemon, when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Pause before accounting's addresses are tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// How often the service manager is told what the counters say.
const STATUS: Duration = Duration::from_secs(10);

/// What the world does to a running server.
pub struct Deps {
    /// Completes when the server shall stop.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// New configurations to take over, SIGHUP's.
    pub reload: mpsc::Receiver<RadiusConfig>,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").finish_non_exhaustive()
    }
}

/// Binds, tells the service manager, and serves until `deps.stop`.
///
/// # Errors
/// Any [`ServeError`] but [`ServeError::Conf`].
pub async fn serve(config: RadiusConfig, deps: Deps) -> Result<(), ServeError> {
    let server = Server::bind(config)?;
    // Without a service manager there is nobody to tell, which is no failure.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    server.run(deps).await
}

/// A server whose sockets are bound.
#[derive(Debug)]
pub struct Server {
    config: RadiusConfig,
    sockets: Vec<Socket>,
    engine: Arc<Engine>,
    accounting: watch::Sender<Vec<SocketAddr>>,
}

impl Server {
    /// Binds the addresses of `listen`. Requests wait in the kernel until [`Self::run`].
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub fn bind(config: RadiusConfig) -> Result<Self, ServeError> {
        let sockets = open(&config.listen, config.receive_buffer)?;
        Ok(Self {
            config,
            sockets,
            engine: Arc::new(Engine::new()),
            accounting: watch::Sender::default(),
        })
    }

    /// The addresses really bound, in the configuration's order: port 0 has become a port.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|socket| socket.address).collect()
    }

    /// The same for accounting, once a client's accounting is on.
    #[must_use]
    pub fn accounting(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.accounting.subscribe()
    }

    /// Counts what is answered and what is not.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.engine.counters)
    }

    /// Serves until `deps.stop`, then finishes what is in work, for `shutdown-grace` at most. The daemon's
    /// socket may come and go meanwhile; without it nothing is answered.
    ///
    /// # Errors
    /// [`ServeError::Task`] and [`ServeError::Runtime`].
    pub async fn run(self, deps: Deps) -> Result<(), ServeError> {
        let Self {
            mut config,
            sockets,
            engine,
            accounting: bound,
        } = self;
        let Deps { mut stop, mut reload } = deps;
        let (move_link, link_socket) = watch::channel(config.socket.clone());
        let mut accounting = engine.link.accounting();
        let mut ports = Ports::new(Arc::clone(&engine));
        ports.start(sockets, Service::Access, &config)?;
        let mut others = JoinSet::new();
        let shared = Arc::clone(&engine);
        others.spawn(async move { link::keep(&shared.link, link_socket).await });
        let shared = Arc::clone(&engine);
        others.spawn(async move { shared.report().await });
        others.spawn(tell_status(
            Arc::clone(&engine.counters),
            Arc::clone(&ports.inodes),
        ));

        let (mut reloads, mut missing) = (true, false);
        let ended = loop {
            tokio::select! {
                () = &mut stop => break Ok(()),
                Some(ended) = ports.ended.join_next() => break Err(failed("receiving", &ended)),
                Some(ended) = others.join_next() => break Err(failed("connecting", &ended)),
                Ok(()) = accounting.changed(), if bound.borrow().is_empty() => {
                    missing = *accounting.borrow_and_update() && !ports.open_accounting(&config, &bound)?;
                }
                () = sys::sleep(AGAIN), if missing => missing = !ports.open_accounting(&config, &bound)?,
                new = reload.recv(), if reloads => match new {
                    Some(new) => config = reconfigure(&ports, &move_link, &config, new),
                    None => reloads = false,
                },
            }
        };
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        let grace: Duration = config.shutdown_grace.get();
        if !ports.finish(grace).await {
            tracing::warn!(
                "stopped before every request was answered; raise shutdown-grace if this is common"
            );
        }
        // Before the link goes: the daemon's audit log has what was rejected here.
        if sys::limited(LAST_WORDS, engine.tell()).await.is_none() {
            tracing::warn!("stopped before otpostd knew of every reject");
        }
        others.shutdown().await;
        tracing::info!("stopped; {}", engine.counters.summary());
        ended
    }
}

/// The sockets' threads.
struct Ports {
    engine: Arc<Engine>,
    threads: Vec<Port>,
    ended: JoinSet<Result<(), oneshot::error::RecvError>>,
    /// Of the sockets.
    inodes: Arc<Mutex<HashSet<u64>>>,
}

impl Ports {
    fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            threads: Vec::new(),
            ended: JoinSet::new(),
            inodes: Arc::default(),
        }
    }

    fn start(
        &mut self,
        sockets: Vec<Socket>,
        service: Service,
        config: &RadiusConfig,
    ) -> Result<(), ServeError> {
        for socket in sockets {
            let (address, octets) = (socket.address, socket.receive_buffer);
            lock(&self.inodes).insert(socket.inode);
            let (port, ended) = Port::start(&self.engine, socket, service, config.cache_entries)
                .map_err(|errno| ServeError::Runtime { errno })?;
            self.threads.push(port);
            self.ended.spawn(ended);
            if octets < config.receive_buffer {
                tracing::info!(
                    %address, octets, wanted = config.receive_buffer,
                    "the kernel keeps less for this socket than receive-buffer says: net.core.rmem_max bounds it"
                );
            }
            match service {
                Service::Access => tracing::info!(%address, "listening"),
                Service::Accounting => tracing::info!(%address, "listening for accounting"),
            }
        }
        Ok(())
    }

    /// Binds the addresses for accounting. What cannot be bound now is no reason to let nobody in: false then.
    fn open_accounting(
        &mut self,
        config: &RadiusConfig,
        bound: &watch::Sender<Vec<SocketAddr>>,
    ) -> Result<bool, ServeError> {
        if config.accounting.is_empty() {
            tracing::warn!(
                "a client's accounting is on, but `accounting` in the configuration names no address"
            );
            return Ok(true);
        }
        let sockets = match open(&config.accounting, config.receive_buffer) {
            Ok(sockets) => sockets,
            Err(error) => {
                tracing::error!("no accounting: {error}");
                return Ok(false);
            }
        };
        let addresses = sockets.iter().map(|socket| socket.address).collect();
        self.start(sockets, Service::Accounting, config)?;
        bound.send_replace(addresses);
        Ok(true)
    }

    /// Lets every thread answer what is in work, and end. Whether they did within `grace`.
    async fn finish(&mut self, grace: Duration) -> bool {
        self.order(Order::Finish);
        let in_time = sys::limited(grace, self.all_ended()).await.is_some();
        if !in_time {
            self.order(Order::Quit);
            if sys::limited(LAST_WORDS, self.all_ended()).await.is_none() {
                tracing::warn!("the network did not take the last replies");
            }
        }
        in_time
    }

    fn order(&self, order: Order) {
        self.threads.iter().for_each(|port| port.order(order));
    }

    async fn all_ended(&mut self) {
        while self.ended.join_next().await.is_some() {}
    }
}

fn open(addresses: &[SocketAddr], receive_buffer: usize) -> Result<Vec<Socket>, ServeError> {
    addresses
        .iter()
        .map(|address| Socket::bind(*address, addresses, receive_buffer))
        .collect()
}

/// Tells the service manager what the counters say, and the log when the kernel loses datagrams. Never returns; drop it to
/// stop.
async fn tell_status(counters: Arc<Counters>, inodes: Arc<Mutex<HashSet<u64>>>) {
    let (mut told, mut lost) = (String::new(), 0);
    loop {
        sys::sleep(STATUS).await;
        counters.set_lost(drops::of(&lock(&inodes)));
        let summary = counters.summary();
        if summary != told {
            let _ = sd_notify::notify(&[NotifyState::Status(&summary)]);
            told = summary;
        }
        let now = counters.lost();
        if now > lost {
            tracing::warn!(
                count = now - lost,
                "the kernel dropped datagrams because they came faster than they were read; raise receive-buffer and net.core.rmem_max"
            );
            lost = now;
        }
    }
}

fn failed<T>(task: &'static str, ended: &Result<T, JoinError>) -> ServeError {
    if let Err(error) = ended {
        tracing::error!(%error, task, "a task failed");
    }
    ServeError::Task { task }
}

/// Takes over what can change while running; returns the configuration now in force.
fn reconfigure(
    ports: &Ports,
    move_link: &watch::Sender<PathBuf>,
    old: &RadiusConfig,
    mut new: RadiusConfig,
) -> RadiusConfig {
    let set = |addresses: &[SocketAddr]| addresses.iter().copied().collect::<HashSet<_>>();
    let restart = |what: &str| tracing::warn!("`{what}` has changed; restart otpost-radius to listen there");
    if set(&old.listen) != set(&new.listen) {
        restart("listen");
    }
    if set(&old.accounting) != set(&new.accounting) {
        restart("accounting");
    }
    if old.receive_buffer != new.receive_buffer {
        tracing::warn!("`receive-buffer` has changed; restart otpost-radius to use it");
    }
    new.listen.clone_from(&old.listen);
    new.accounting.clone_from(&old.accounting);
    new.receive_buffer = old.receive_buffer;
    if old.cache_entries != new.cache_entries {
        ports
            .threads
            .iter()
            .for_each(|port| port.set_cache_entries(new.cache_entries));
    }
    move_link.send_if_modified(|socket| {
        let moved = *socket != new.socket;
        socket.clone_from(&new.socket);
        moved
    });
    tracing::info!("configuration reloaded");
    new
}
