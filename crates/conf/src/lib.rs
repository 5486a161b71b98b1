//! Configuration files and secrets from files, for every process of otpost.
//!
//! Does: loads one TOML file per process ([`load`]) and answers a mistake with file, line, column, the line itself
//! with a caret and what would mend it; reads durations as text ([`Duration`]); reads secrets only from files or
//! systemd credentials that nobody else can read ([`SecretFile`]); checks permissions ([`check_permissions`]).
//!
//! Does not: read the environment (a parameter carries what systemd passes), hold run-time objects such as users or
//! RADIUS clients (they live in the store), reload by itself, or log.
//!
//! Entry points: [`load`], [`DaemonConfig`], [`RadiusConfig`], [`PortalConfig`], [`OpenvpnConfig`], [`SecretFile`], [`check_permissions`], [`ConfError`].
#![forbid(unsafe_code)]

mod bounds;
pub mod daemon;
mod diagnostic;
mod duration;
mod error;
mod load;
mod log;
mod openvpn;
mod permissions;
mod portal;
mod radius;
mod secret;

pub use daemon::DaemonConfig;
pub use diagnostic::Diagnostic;
pub use duration::Duration;
pub use error::ConfError;
pub use load::{load, parse};
pub use log::LogConfig;
pub use openvpn::OpenvpnConfig;
pub use permissions::{Kind, PermissionError, check_permissions};
pub use portal::{ConsoleConfig, PortalConfig, PortalLimits, SelfServiceConfig, TlsConfig, TlsMode};
pub use radius::RadiusConfig;
pub use secret::SecretFile;
