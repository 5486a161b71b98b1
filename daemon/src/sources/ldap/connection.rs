//! One connection to a directory: one request at a time, each answer read to its last octet and none further.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use otpost_core::source::{Ldap, Scheme, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::ber::{self, SEQUENCE};
use super::message::{self, Answer, Entry, Outcome, Query};
use super::trouble::Trouble;

/// Largest answer, and most octets of all answers to one search: people with thousands of groups fit.
const MESSAGE: usize = 1024 * 1024;
const SEARCH: usize = 4 * MESSAGE;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    id: u32,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection(..)")
    }
}

impl Connection {
    /// Connects. Where TLS is due, nothing but its request leaves before it is there.
    pub(super) async fn open(
        server: &Server,
        ldap: &Ldap,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Trouble> {
        let stream = reach(server).await?;
        let mut plain = Self {
            stream: Box::new(stream),
            id: 0,
        };
        let wanted = server.scheme == Scheme::Ldaps || ldap.start_tls;
        let Some(tls) = tls.filter(|_| wanted) else {
            return if wanted { Err(Trouble::NoRoots) } else { Ok(plain) };
        };
        if server.scheme == Scheme::Ldap {
            plain.start_tls().await?;
        }
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| Trouble::Tls("the URL has no name that a certificate could have".to_owned()))?;
        let stream = TlsConnector::from(Arc::clone(tls))
            .connect(name, plain.stream)
            .await
            .map_err(|error| Trouble::lost(&error))?;
        Ok(Self {
            stream: Box::new(stream),
            id: plain.id,
        })
    }

    async fn start_tls(&mut self) -> Result<(), Trouble> {
        let id = self.next();
        self.send(&message::start_tls(id)).await?;
        match self.receive(id, &mut MESSAGE.clone()).await? {
            Answer::Extended(Outcome { code: 0, .. }) => Ok(()),
            Answer::Extended(outcome) => Err(Trouble::NoStartTls(outcome.code)),
            _ => Err(Trouble::Garbage),
        }
    }

    /// Signs in under `dn`. Whoever was signed in before no longer is, whatever comes of it (RFC 4513 section 4). Empty passwords are
    /// refused here once more: a server takes them for nobody, and says yes (RFC 4513 section 5.1.2).
    pub(super) async fn bind(&mut self, dn: &str, password: &str) -> Result<Outcome, Trouble> {
        if dn.is_empty() || password.is_empty() {
            return Ok(Outcome {
                code: super::INVALID_CREDENTIALS,
                text: String::new(),
                policy: None,
            });
        }
        let id = self.next();
        self.send(&message::bind(id, dn, password)).await?;
        match self.receive(id, &mut MESSAGE.clone()).await? {
            Answer::Bound(outcome) => Ok(outcome),
            _ => Err(Trouble::Garbage),
        }
    }

    /// What a search finds, and how it ended.
    pub(super) async fn search(&mut self, query: &Query<'_>) -> Result<(Vec<Entry>, Outcome), Trouble> {
        let id = self.next();
        self.send(&message::search(id, query)).await?;
        let mut entries = Vec::new();
        let mut left = SEARCH;
        loop {
            match self.receive(id, &mut left).await? {
                // The server was told the limit, and may be wrong.
                Answer::Found(_) if entries.len() >= usize::try_from(query.limit).unwrap_or(usize::MAX) => {
                    return Err(Trouble::TooMuch);
                }
                Answer::Found(entry) => entries.push(entry),
                Answer::Elsewhere => {}
                Answer::Searched(outcome) => return Ok((entries, outcome)),
                _ => return Err(Trouble::Garbage),
            }
        }
    }

    fn next(&mut self) -> u32 {
        // 0 is the server's own.
        self.id = self.id % 0x7fff_ffff + 1;
        self.id
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Trouble> {
        let sent = async {
            self.stream.write_all(message).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| Trouble::lost(&error))
    }

    /// The next answer to request `id`, out of `left` octets.
    async fn receive(&mut self, id: u32, left: &mut usize) -> Result<Answer, Trouble> {
        let content = self.message(left).await?;
        match message::read(&content).map_err(|ber::Malformed| Trouble::Garbage)? {
            (found, Some(answer)) if found == id => Ok(answer),
            // Notice of Disconnection (RFC 4511 section 4.4.1).
            (0, _) => Err(Trouble::HungUp),
            _ => Err(Trouble::Garbage),
        }
    }

    /// The content of the next message.
    async fn message(&mut self, left: &mut usize) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let lost = |error| Trouble::lost(&error);
        if self.stream.read_u8().await.map_err(lost)? != SEQUENCE {
            return Err(Trouble::Garbage);
        }
        let mut header = Vec::with_capacity(5);
        let length = loop {
            header.push(self.stream.read_u8().await.map_err(lost)?);
            if let Some((length, _)) = ber::length(&header).map_err(|ber::Malformed| Trouble::Garbage)? {
                break length;
            }
        };
        if length > MESSAGE {
            return Err(Trouble::TooMuch);
        }
        *left = left.checked_sub(length).ok_or(Trouble::TooMuch)?;
        let mut content = Zeroizing::new(vec![0; length]);
        self.stream.read_exact(&mut content).await.map_err(lost)?;
        Ok(content)
    }
}

/// A connection to the first address that answers.
async fn reach(server: &Server) -> Result<TcpStream, Trouble> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((server.host.as_str(), server.port))
        .await
        .map_err(|error| Trouble::Unresolved(error.to_string()))?
        .collect();
    let mut why = "no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Requests are small and wait for each other.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => why = error.to_string(),
        }
    }
    Err(Trouble::Unreachable(why))
}

/// Trusts the given authority, or the system's where none is given.
pub(super) async fn trusting(ca: Option<&str>) -> Result<Arc<ClientConfig>, Trouble> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for authority in authorities(pem)? {
                roots.add(authority).map_err(|_| Trouble::Ca)?;
            }
        }
        None => {
            let system = tokio::task::spawn_blocking(|| rustls_native_certs::load_native_certs().certs).await;
            roots.add_parsable_certificates(system.unwrap_or_default());
        }
    }
    if roots.is_empty() {
        return Err(Trouble::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The certificates in `pem`.
pub(super) fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(Trouble::Ca),
    }
}
