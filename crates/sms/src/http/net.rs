//! The connection pool: TCP and TLS with a bound on their set-up, no proxy, no redirects.

use std::{
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tower_service::Service;

use super::config::HttpConfig;
use crate::{error::ConfigError, sys};

/// A client with its pool.
pub(super) type HttpClient = Client<Bounded, Full<Bytes>>;

/// A kept connection is dropped sooner than servers and the firewalls between do it (60 s and up): a request written
/// just when the other side closes has an unknown outcome.
const IDLE: Duration = Duration::from_secs(20);
const IDLE_CONNECTIONS: usize = 8;
/// Longest head of an answer.
const HEAD_MAX: usize = 64 * 1024;

pub(super) fn client(config: &HttpConfig, https: bool) -> Result<HttpClient, ConfigError> {
    let roots = match (&config.ca_file, https) {
        (Some(path), true) => from_file(path)?,
        (None, true) => from_system()?,
        (Some(path), false) => {
            return Err(ConfigError::BadCaFile {
                path: path.clone(),
                reason: "has no effect on a http:// url; use https://, or remove it".to_owned(),
            });
        }
        (None, false) => RootCertStore::empty(),
    };
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let schemes = HttpsConnectorBuilder::new().with_tls_config(tls);
    let schemes = if https {
        schemes.https_only()
    } else {
        schemes.https_or_http()
    };
    let connector = Bounded {
        inner: schemes.enable_http1().wrap_connector(tcp),
        limit: config.connect_timeout,
    };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http1_max_buf_size(HEAD_MAX)
        .build(connector))
}

fn from_file(path: &Path) -> Result<RootCertStore, ConfigError> {
    let bad = |reason: String| ConfigError::BadCaFile {
        path: path.to_owned(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| bad(format!("cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| bad(format!("is not PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| bad(format!("has a certificate that is no authority: {error}")))?;
    }
    if roots.is_empty() {
        return Err(bad("has no certificate".to_owned()));
    }
    Ok(roots)
}

fn from_system() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    // Systems carry old certificates that cannot be parsed; the others still count.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        Err(ConfigError::NoRoots)
    } else {
        Ok(roots)
    }
}

/// Bounds name resolution, TCP and TLS set-up together; the connector's own bound ends before TLS.
#[derive(Clone)]
pub(super) struct Bounded {
    inner: HttpsConnector<HttpConnector>,
    limit: Duration,
}

type Stream = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The set-up of a connection took too long.
#[derive(Debug, thiserror::Error)]
#[error("no connection within connect-timeout")]
pub(super) struct TooSlow;

impl Service<Uri> for Bounded {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connect = self.inner.call(uri);
        let limit = self.limit;
        Box::pin(async move {
            sys::within(limit, connect)
                .await
                .unwrap_or_else(|| Err(TooSlow.into()))
        })
    }
}
