//! Providers of text messages, as the store keeps them.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::client::Sealed;
use crate::ids::ProviderId;

/// What kind of transport a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// Development inbox: JSON lines in a file.
    File,
    /// HTTP gateway.
    Http,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Stable id.
    pub id: ProviderId,
    /// Unique name.
    pub name: String,
    /// Kind of transport.
    pub kind: ProviderKind,
    /// Lower is asked first.
    pub priority: u32,
    /// Off: never asked.
    pub enabled: bool,
    /// Sender the recipient sees, where the transport has one.
    pub sender: String,
    /// The transport's own settings, JSON; may hold credentials, so the store seals it.
    pub config: Sealed,
    /// When the row was made.
    pub created: Timestamp,
}
