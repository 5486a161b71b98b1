//! daemon.toml: the configuration of otpostd, one file per section.

mod keys;
mod outbox;
mod passwords;
mod radius;
mod sockets;
mod store;

use serde::Deserialize;

pub use keys::KeysConfig;
pub use outbox::OutboxConfig;
pub use passwords::PasswordsConfig;
pub use radius::AttributesConfig;
pub use sockets::SocketsConfig;
pub use store::StoreConfig;

use crate::{Duration, LogConfig};

/// The daemon's configuration. Users, tokens, resources, RADIUS clients and SMS providers live in the store instead.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DaemonConfig {
    /// What may be configured at all.
    pub environment: Environment,
    /// How long work in flight may take once the daemon was told to stop.
    pub shutdown_grace: Duration,
    /// Where the data is.
    pub store: StoreConfig,
    /// Where the master key is.
    pub keys: KeysConfig,
    /// Who may connect.
    pub sockets: SocketsConfig,
    /// What is logged.
    pub log: LogConfig,
    /// What checking a password costs.
    pub passwords: PasswordsConfig,
    /// How texts are sent.
    pub outbox: OutboxConfig,
    /// Names of reply attributes.
    pub radius: AttributesConfig,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            shutdown_grace: Duration::from_secs(10),
            store: StoreConfig::default(),
            keys: KeysConfig::default(),
            sockets: SocketsConfig::default(),
            log: LogConfig::default(),
            passwords: PasswordsConfig::default(),
            outbox: OutboxConfig::default(),
            radius: AttributesConfig::default(),
        }
    }
}

/// Whether people depend on this daemon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// Real logins: transports that write codes to disk are refused.
    #[default]
    Production,
    /// Trials and tests: the `file` transport, which keeps texts readable, is allowed.
    Development,
}
