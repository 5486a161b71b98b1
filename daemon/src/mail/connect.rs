//! From a host name to a server that waits for commands.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use otpost_core::mail::{Security, Settings};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::stream::Bounded;
use super::{MailError, Mailer, Stage, starttls};
use crate::sys;

/// Stands for the greeting that came before TLS: the SMTP client waits for one.
const GREETED: &[u8] = b"220 TLS\r\n";

impl Mailer {
    /// A server that said hello, over TLS where that is set.
    pub(super) async fn connect(&self, settings: &Settings) -> Result<AsyncSmtpConnection, MailError> {
        let connector = match settings.security {
            Security::None => None,
            Security::StartTls | Security::Tls => Some(connector(settings).await?),
        };
        let mut stream = self.reach(settings).await?;
        let peer = stream
            .peer_addr()
            .map_err(|e| MailError::lost(Stage::Greeting, &e))?;
        let hello = hello(&stream);
        let stream: Box<dyn AsyncTokioStream> = match (settings.security, connector) {
            (Security::StartTls, Some(tls)) => {
                self.in_time(Stage::Greeting, starttls::ask(&mut stream, &hello))
                    .await?;
                let stream = self
                    .in_time(Stage::Tls, handshake(&tls, settings, stream))
                    .await?;
                Box::new(Bounded::new(stream, peer, GREETED))
            }
            (_, Some(tls)) => {
                let stream = self
                    .in_time(Stage::Tls, handshake(&tls, settings, stream))
                    .await?;
                Box::new(Bounded::new(stream, peer, b""))
            }
            (_, None) => Box::new(Bounded::new(stream, peer, b"")),
        };
        let server = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        match sys::timeout(self.answer, server).await {
            None => Err(MailError::Deadline(Stage::Greeting)),
            Some(server) => server.map_err(|error| MailError::of(Stage::Greeting, &error)),
        }
    }

    /// A connection to the first address that answers.
    async fn reach(&self, settings: &Settings) -> Result<TcpStream, MailError> {
        let (host, port) = (settings.host.as_str(), settings.port());
        let unresolved = |why: String| MailError::Unresolved {
            host: host.to_owned(),
            why,
        };
        let found = sys::timeout(self.answer, tokio::net::lookup_host((host, port))).await;
        let addresses: Vec<SocketAddr> = match found {
            None => return Err(unresolved("no answer in time".to_owned())),
            Some(Err(error)) => return Err(unresolved(error.to_string())),
            Some(Ok(addresses)) => addresses.collect(),
        };
        // The name was checked when it was set; what it means is up to the resolver.
        if settings.security == Security::None && addresses.iter().any(|address| !address.ip().is_loopback())
        {
            return Err(MailError::NotLoopback {
                host: host.to_owned(),
            });
        }
        let mut why = "no address".to_owned();
        for address in addresses {
            match sys::timeout(self.answer, TcpStream::connect(address)).await {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => why = error.to_string(),
                None => why = "no answer in time".to_owned(),
            }
        }
        Err(MailError::Unreachable {
            host: host.to_owned(),
            port,
            why,
        })
    }

    async fn in_time<T>(
        &self,
        stage: Stage,
        act: impl Future<Output = Result<T, MailError>>,
    ) -> Result<T, MailError> {
        sys::timeout(self.answer, act)
            .await
            .unwrap_or(Err(MailError::Deadline(stage)))
    }
}

/// Who we are: the address that the server sees or nearly so (RFC 5321 section 4.1.3). A host name would have to be one that
/// resolves, and tells more than it must.
fn hello(stream: &TcpStream) -> ClientId {
    match stream.local_addr() {
        Ok(SocketAddr::V4(own)) => ClientId::Ipv4(*own.ip()),
        Ok(SocketAddr::V6(own)) => ClientId::Ipv6(*own.ip()),
        Err(_) => ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST),
    }
}

async fn handshake(
    tls: &TlsConnector,
    settings: &Settings,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, MailError> {
    let name = ServerName::try_from(settings.host.clone())
        .map_err(|_| MailError::Settings(otpost_core::mail::BadSettings::Host))?;
    let stream = tls.connect(name, stream).await;
    stream.map_err(|error| MailError::lost(Stage::Tls, &error))
}

/// Trusts the system's authorities and the one that is set. The files are read for each mail, so that a change needs no restart.
async fn connector(settings: &Settings) -> Result<TlsConnector, MailError> {
    let own = match &settings.ca {
        None => Vec::new(),
        Some(pem) => authorities(pem)?,
    };
    let system = tokio::task::spawn_blocking(|| rustls_native_certs::load_native_certs().certs)
        .await
        .unwrap_or_default();
    let mut roots = RootCertStore::empty();
    for authority in own {
        roots.add(authority).map_err(|_| MailError::Ca)?;
    }
    roots.add_parsable_certificates(system);
    if roots.is_empty() {
        return Err(MailError::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| MailError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, MailError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(MailError::Ca),
    }
}
