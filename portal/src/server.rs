use std::{
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use otpost_conf::PortalConfig;
use otpost_ipc::Role;
use sd_notify::NotifyState;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    App, Backend, ServeError, Site, Surface, api, console,
    error::errno,
    listen, selfservice, sys,
    tls::{self, Loaded},
    web::{self, Shed},
};

/// Longest wait for the head of a request, and for a TLS handshake: nobody may hold a connection for nothing.
const HEAD: Duration = Duration::from_secs(10);
/// Octets of a request's head.
const HEAD_OCTETS: usize = 16 * 1024;

/// What the world does to a running server.
pub struct Deps {
    /// Completes when the server shall stop.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Each message makes the server read its certificate files again, SIGHUP's. It holds the configuration as it is now.
    pub reload: mpsc::Receiver<PortalConfig>,
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
pub async fn serve(config: PortalConfig, deps: Deps) -> Result<(), ServeError> {
    let server = Server::bind(config)?;
    // Without a service manager there is nobody to tell, which is no failure.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    server.run(deps).await
}

/// One bound socket.
#[derive(Debug)]
struct Listener {
    surface: Surface,
    configured: SocketAddr,
    socket: TcpListener,
    address: SocketAddr,
}

/// A server whose sockets are bound and whose certificate is loaded.
pub struct Server {
    config: PortalConfig,
    listeners: Vec<Listener>,
    loaded: Option<Loaded>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Loads the certificate and binds all addresses. Connections wait in the kernel until [`Self::run`].
    ///
    /// # Errors
    /// [`ServeError::PlainHttp`], [`ServeError::Tls`], [`ServeError::Listen`].
    pub fn bind(config: PortalConfig) -> Result<Self, ServeError> {
        if let Some(address) = config.plain_http_address() {
            return Err(ServeError::PlainHttp { address });
        }
        let loaded = tls::load(&config.tls, &names(&config))?;
        let mut listeners = Vec::new();
        for (surface, all) in [
            (Surface::SelfService, &config.self_service.listen),
            (Surface::Console, &config.console.listen),
        ] {
            for configured in all {
                let (socket, address) = listen::open(*configured, all)?;
                listeners.push(Listener {
                    surface,
                    configured: *configured,
                    socket,
                    address,
                });
            }
        }
        Ok(Self {
            config,
            listeners,
            loaded,
        })
    }

    /// The addresses really bound of a site, in the configuration's order: port 0 has become a port.
    #[must_use]
    pub fn addresses(&self, surface: Surface) -> Vec<SocketAddr> {
        (self.listeners.iter())
            .filter(|listener| listener.surface == surface)
            .map(|listener| listener.address)
            .collect()
    }

    /// SHA-256 of the certificate, for people to compare; `None` where TLS is off.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        self.loaded.as_ref().map(|loaded| loaded.fingerprint.as_str())
    }

    /// Serves until `deps.stop`, then finishes what is in work, for `shutdown-grace` at most. The daemon's socket may
    /// come and go meanwhile.
    ///
    /// # Errors
    /// [`ServeError::Listen`], [`ServeError::Task`].
    pub async fn run(self, deps: Deps) -> Result<(), ServeError> {
        let Self {
            config,
            listeners,
            loaded,
        } = self;
        let Deps { mut stop, mut reload } = deps;
        let tls = loaded.as_ref().map(|loaded| {
            tracing::info!(sha256 = loaded.fingerprint, "certificate");
            RustlsConfig::from_config(Arc::clone(&loaded.config))
        });
        let app = Arc::new(App {
            backend: Backend::new(&config.socket, Role::Portal),
            self_service_url: config.self_service.url.clone(),
            console_url: config.console.url.clone(),
            fingerprint: loaded.map(|loaded| loaded.fingerprint),
        });
        let shed = Arc::new(Shed::new(&config.limits));
        let handle = Handle::new();
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let address = listener.address;
            tracing::info!(site = listener.surface.name(), tls = tls.is_some(), %address, "listening");
            let site = Site::new(&config, listener.surface, address.ip(), Arc::clone(&shed));
            let router = router(&app, site);
            tasks.spawn(accept(listener, router, tls.clone(), handle.clone()));
        }
        let tidy = tokio::spawn(async move {
            loop {
                sys::sleep(web::TIDY).await;
                shed.tidy();
            }
        });

        let mut reloads = true;
        let ended = loop {
            tokio::select! {
                () = &mut stop => break Ok(()),
                Some(ended) = tasks.join_next() => break Err(match ended {
                    Ok(Err(error)) => error,
                    Ok(Ok(())) | Err(_) => ServeError::Task { task: "accepting" },
                }),
                new = reload.recv(), if reloads => match new {
                    Some(new) => renew(&new, tls.as_ref()),
                    None => reloads = false,
                },
            }
        };
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        tidy.abort();
        handle.graceful_shutdown(Some(config.shutdown_grace.get()));
        while tasks.join_next().await.is_some() {}
        tracing::info!("stopped");
        ended
    }
}

/// The whole site of a listener.
fn router(app: &Arc<App>, site: Site) -> Router {
    let pages = match site.surface {
        Surface::SelfService => selfservice::routes(),
        Surface::Console => console::routes().merge(api::routes()),
    };
    web::wrap(pages.merge(web::common()), Arc::clone(app), Arc::new(site))
}

async fn accept(
    listener: Listener,
    router: Router,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
) -> Result<(), ServeError> {
    let failed = |error: std::io::Error| ServeError::Listen {
        address: listener.configured,
        errno: errno(&error),
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Some(tls) = tls {
        let mut server = axum_server::from_tcp_rustls(listener.socket, tls).map_err(failed)?;
        limit(server.http_builder());
        let server = server.map(|acceptor| acceptor.handshake_timeout(HEAD));
        let server = server.http1_only().first_request_timeout(HEAD).handle(handle);
        server.serve(service).await.map_err(failed)
    } else {
        let mut server = axum_server::from_tcp(listener.socket).map_err(failed)?;
        limit(server.http_builder());
        let server = server.http1_only().first_request_timeout(HEAD).handle(handle);
        server.serve(service).await.map_err(failed)
    }
}

/// HTTP/1.1 only: with pages this small a second version would be attack surface and nothing else.
fn limit(builder: &mut hyper_util::server::conn::auto::Builder<TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_OCTETS);
}

/// Takes over the certificate as it is now; keeps the old one where the new one cannot be used.
fn renew(config: &PortalConfig, tls: Option<&RustlsConfig>) {
    let Some(tls) = tls else {
        return;
    };
    match tls::load(&config.tls, &names(config)) {
        Ok(Some(loaded)) => {
            tls.reload_from_config(loaded.config);
            tracing::info!(sha256 = loaded.fingerprint, "certificate reloaded");
        }
        Ok(None) => tracing::warn!("`mode` of [tls] has changed; restart otpost-portal to serve plain HTTP"),
        Err(error) => tracing::error!("{error}; the certificate in force stays"),
    }
}

/// What a self-signed certificate is for: the hosts of both addresses as people type them, and this machine.
fn names(config: &PortalConfig) -> Vec<String> {
    let host = |url: &Option<String>| -> Option<String> {
        let authority = url.as_deref()?.split_once("://")?.1;
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next()?,
            None => authority.split(':').next()?,
        };
        Some(host.to_owned())
    };
    let mut names: Vec<String> = [&config.self_service.url, &config.console.url]
        .into_iter()
        .filter_map(host)
        .collect();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}
