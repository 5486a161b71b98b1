//! portal.toml: the configuration of otpost-portal.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de};

use crate::{Duration, LogConfig, bounds, diagnostic::HELP};

/// What otpost-portal needs to know before it can ask the daemon for the rest: resources, people and sessions come
/// over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PortalConfig {
    /// The daemon's socket for this process.
    pub socket: PathBuf,
    /// Addresses of reverse proxies: only they may name a client's address and scheme (`X-Forwarded-For`,
    /// `X-Forwarded-Proto`), and only they may speak plain HTTP to an address that is not loopback.
    #[serde(deserialize_with = "proxies")]
    pub behind_proxy: Vec<IpAddr>,
    /// How long requests in flight may take once the process was told to stop.
    pub shutdown_grace: Duration,
    /// Offers the made-up language `qps`, which shows texts that are cut off or were never translated.
    pub test_locale: bool,
    /// Where people enrol their phones.
    pub self_service: SelfServiceConfig,
    /// Where administrators work.
    pub console: ConsoleConfig,
    /// The certificate of both.
    pub tls: TlsConfig,
    /// What one client may ask for before it is told to slow down.
    pub limits: PortalLimits,
    /// What is logged.
    pub log: LogConfig,
}

impl Default for PortalConfig {
    fn default() -> Self {
        Self {
            socket: PathBuf::from("/run/otpost/portal.sock"),
            behind_proxy: Vec::new(),
            shutdown_grace: Duration::from_secs(5),
            test_locale: false,
            self_service: SelfServiceConfig::default(),
            console: ConsoleConfig::default(),
            tls: TlsConfig::default(),
            limits: PortalLimits::default(),
            log: LogConfig::default(),
        }
    }
}

impl PortalConfig {
    /// The first address on which passwords and codes would cross a network in plain text, if there is one: TLS is
    /// off, the address is not loopback, and no proxy is named.
    #[must_use]
    pub fn plain_http_address(&self) -> Option<SocketAddr> {
        if self.tls.mode != TlsMode::Off || !self.behind_proxy.is_empty() {
            return None;
        }
        let all = self.self_service.listen.iter().chain(&self.console.listen);
        all.copied()
            .find(|address| !address.ip().to_canonical().is_loopback())
    }
}

/// `[self-service]`: the pages for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SelfServiceConfig {
    /// TCP addresses to listen on.
    #[serde(deserialize_with = "bounds::addresses")]
    pub listen: Vec<SocketAddr>,
    /// What people type, without a path and without a slash at the end.
    #[serde(deserialize_with = "base_url")]
    pub url: Option<String>,
}

impl Default for SelfServiceConfig {
    fn default() -> Self {
        const PORT: u16 = 8443;
        Self {
            listen: vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)),
            ],
            url: None,
        }
    }
}

/// `[console]`: the pages for administrators, on addresses of their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConsoleConfig {
    /// TCP addresses to listen on.
    #[serde(deserialize_with = "bounds::addresses")]
    pub listen: Vec<SocketAddr>,
    /// What administrators type, without a path and without a slash at the end.
    #[serde(deserialize_with = "base_url")]
    pub url: Option<String>,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8444))],
            url: None,
        }
    }
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Made on the first start and kept. Browsers warn; the log shows the fingerprint to compare.
    #[default]
    SelfSigned,
    /// Read from files, again on each SIGHUP.
    Files,
    /// Plain HTTP: on loopback, or for the proxies of `behind-proxy`.
    Off,
}

/// `[tls]`: the certificate of both listeners.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TlsSection")]
pub struct TlsConfig {
    /// Where the certificate comes from.
    pub mode: TlsMode,
    /// Where a self-signed certificate and its key are kept.
    pub state_directory: PathBuf,
    /// The certificate and its chain, PEM; set in mode `files`.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM; set in mode `files`.
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    /// The files of mode `files`: certificate and key.
    #[must_use]
    pub fn files(&self) -> Option<(&Path, &Path)> {
        let set = (self.certificate.as_deref(), self.key.as_deref());
        match (self.mode, set) {
            (TlsMode::Files, (Some(certificate), Some(key))) => Some((certificate, key)),
            _ => None,
        }
    }
}

impl Default for TlsConfig {
    fn default() -> Self {
        let TlsSection {
            mode,
            state_directory,
            certificate,
            key,
        } = TlsSection::default();
        Self {
            mode,
            state_directory,
            certificate,
            key,
        }
    }
}

/// `[tls]` as it is written, before its keys are checked against each other.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct TlsSection {
    mode: TlsMode,
    state_directory: PathBuf,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Default for TlsSection {
    fn default() -> Self {
        Self {
            mode: TlsMode::default(),
            state_directory: PathBuf::from("/var/lib/otpost-portal"),
            certificate: None,
            key: None,
        }
    }
}

impl TryFrom<TlsSection> for TlsConfig {
    type Error = String;

    fn try_from(section: TlsSection) -> Result<Self, String> {
        let files = section.certificate.is_some() && section.key.is_some();
        if section.mode == TlsMode::Files && !files {
            return Err(format!(
                "mode \"files\" needs a certificate and its key{HELP}add certificate = \"...\" and key = \"...\""
            ));
        }
        Ok(Self {
            mode: section.mode,
            state_directory: section.state_directory,
            certificate: section.certificate,
            key: section.key,
        })
    }
}

/// `[limits]`: what one client may ask for. Cheap and in memory, against floods; what guards logins is counted by the
/// daemon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PortalLimits {
    /// Pages a second for one address (IPv6: one /64), in the long run. A network (IPv4 /24, IPv6 /48) gets four
    /// times as many.
    #[serde(deserialize_with = "bounds::within::<_, _, 1, 100_000>")]
    pub requests_per_second: u32,
    /// Pages at once, after a while without any.
    #[serde(deserialize_with = "bounds::within::<_, _, 1, 100_000>")]
    pub burst: u32,
}

impl Default for PortalLimits {
    fn default() -> Self {
        Self {
            requests_per_second: 20,
            burst: 100,
        }
    }
}

/// Addresses as they compare: `::ffff:192.0.2.1` is 192.0.2.1.
fn proxies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    (texts.iter())
        .map(|text| {
            text.parse::<IpAddr>()
                .map(|address| address.to_canonical())
                .map_err(|_| {
                    de::Error::custom(format_args!(
                        "{text:?} is not an IP address{HELP}write each proxy's own address, without a port: [\"127.0.0.1\"]"
                    ))
                })
        })
        .collect()
}

/// `https://host[:port]`: links are made by putting a path behind it.
fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let url = String::deserialize(deserializer)?;
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let plain = |host: &str| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    };
    if host.is_some_and(plain) {
        return Ok(Some(url));
    }
    Err(de::Error::custom(format_args!(
        "{url:?} is not the address of a site{HELP}write scheme, host and perhaps port, nothing behind: \"https://login.example.com\""
    )))
}

#[cfg(test)]
mod tests;
