use std::{collections::HashSet, net::SocketAddr, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use otpost_conf::RadiusConfig;
use sd_notify::NotifyState;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinSet},
};

use crate::{engine::Engine, error::ServeError, link, silence::Counters, socket::Socket, sys};

/// Longest wait for the network to take the replies that are written when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
/// Any [`ServeError`] but [`ServeError::Conf`] and [`ServeError::Runtime`].
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
    sockets: Vec<Arc<Socket>>,
    engine: Arc<Engine>,
}

impl Server {
    /// Binds all addresses of the configuration. Needs a runtime. Requests wait in the kernel until
    /// [`Self::run`].
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub fn bind(config: RadiusConfig) -> Result<Self, ServeError> {
        let sockets = config
            .listen
            .iter()
            .enumerate()
            .map(|(number, address)| Socket::bind(number, *address, &config.listen).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let engine = Arc::new(Engine::new(config.cache_entries));
        Ok(Self {
            config,
            sockets,
            engine,
        })
    }

    /// The addresses really bound, in the configuration's order: port 0 has become a port.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|socket| socket.address).collect()
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
    /// [`ServeError::Task`].
    pub async fn run(self, deps: Deps) -> Result<(), ServeError> {
        let Self {
            mut config,
            sockets,
            engine,
        } = self;
        let Deps { mut stop, mut reload } = deps;
        let (move_link, link_socket) = watch::channel(config.socket.clone());
        let mut intake = JoinSet::new();
        let mut senders = JoinSet::new();
        let mut others = JoinSet::new();
        for socket in &sockets {
            tracing::info!(address = %socket.address, "listening");
            intake.spawn(Arc::clone(&engine).receive(Arc::clone(socket)));
            let socket = Arc::clone(socket);
            senders.spawn(async move { socket.send_until_closed().await });
        }
        let linked = Arc::clone(&engine);
        others.spawn(async move { link::keep(&linked.link, link_socket).await });
        let reporting = Arc::clone(&engine);
        others.spawn(async move { reporting.report_silence().await });
        let reporting = Arc::clone(&engine);
        others.spawn(async move { reporting.report_rejects().await });

        let mut reloads = true;
        let ended = loop {
            tokio::select! {
                () = &mut stop => break Ok(()),
                Some(ended) = intake.join_next() => break Err(failed("receiving", &ended)),
                Some(ended) = senders.join_next() => break Err(failed("sending", &ended)),
                Some(ended) = others.join_next() => break Err(failed("connecting", &ended)),
                new = reload.recv(), if reloads => match new {
                    Some(new) => config = reconfigure(&engine, &move_link, &config, new),
                    None => reloads = false,
                },
            }
        };
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        intake.shutdown().await;
        let grace: Duration = config.shutdown_grace.get();
        if sys::limited(grace, engine.idle()).await.is_none() {
            tracing::warn!(
                "stopped before every request was answered; raise shutdown-grace if this is common"
            );
        }
        // Before the link goes: the daemon's audit log has what was rejected here.
        if sys::limited(LAST_WORDS, engine.tell_rejects()).await.is_none() {
            tracing::warn!("stopped before otpostd knew of every reject");
        }
        others.shutdown().await;
        sockets.iter().for_each(|socket| socket.close());
        if sys::limited(LAST_WORDS, senders.join_all()).await.is_none() {
            tracing::warn!("the network did not take the last replies");
        }
        let (replies, resent) = (engine.counters.replies(), engine.counters.resent());
        tracing::info!(replies, resent, "stopped");
        ended
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
    engine: &Engine,
    move_link: &watch::Sender<PathBuf>,
    old: &RadiusConfig,
    mut new: RadiusConfig,
) -> RadiusConfig {
    let addresses = |config: &RadiusConfig| config.listen.iter().copied().collect::<HashSet<_>>();
    if addresses(old) != addresses(&new) {
        tracing::warn!("`listen` has changed; restart otpost-radius to listen there");
    }
    new.listen.clone_from(&old.listen);
    if old.cache_entries != new.cache_entries {
        engine.set_cache_entries(new.cache_entries);
    }
    move_link.send_if_modified(|socket| {
        let moved = *socket != new.socket;
        socket.clone_from(&new.socket);
        moved
    });
    tracing::info!("configuration reloaded");
    new
}
