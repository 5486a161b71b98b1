//! radius.toml: the configuration of otpost-radius.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

use crate::{Duration, LogConfig, bounds};

/// What otpost-radius needs to know before it can ask the daemon for the rest: RADIUS clients, their secrets and
/// their policies come over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RadiusConfig {
    /// UDP addresses to listen on.
    #[serde(deserialize_with = "bounds::addresses")]
    pub listen: Vec<SocketAddr>,
    /// UDP addresses for Accounting-Requests, bound once a client's accounting is on. Empty: never.
    pub accounting: Vec<SocketAddr>,
    /// Octets that the kernel keeps for each socket while the process is busy. It may give less.
    #[serde(deserialize_with = "bounds::within::<_, _, 65_536, 1_073_741_824>")]
    pub receive_buffer: usize,
    /// The daemon's socket for this process.
    pub socket: PathBuf,
    /// How many replies each socket keeps for retransmitted requests (RFC 5080 section 2.2.2).
    #[serde(deserialize_with = "bounds::within::<_, _, 16, 16_777_216>")]
    pub cache_entries: usize,
    /// How long logins in flight may take once the process was told to stop.
    pub shutdown_grace: Duration,
    /// What is logged.
    pub log: LogConfig,
}

/// RFC 2865 section 3.
const PORT: u16 = 1812;
/// RFC 2866 section 3.
const ACCOUNTING_PORT: u16 = 1813;

impl Default for RadiusConfig {
    fn default() -> Self {
        Self {
            listen: vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)),
            ],
            accounting: vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, ACCOUNTING_PORT)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, ACCOUNTING_PORT)),
            ],
            receive_buffer: 4 * 1024 * 1024,
            socket: PathBuf::from("/run/otpost/radius.sock"),
            cache_entries: 65_536,
            shutdown_grace: Duration::from_secs(5),
            log: LogConfig::default(),
        }
    }
}
