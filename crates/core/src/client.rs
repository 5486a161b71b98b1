//! Entries in the table of RADIUS clients.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::ids::{ClientId, ResourceId};
use crate::net::Network;

/// A secret that the store seals. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Zeroizing<String>);

impl Sealed {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// Who checks the password of logins through a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstFactor {
    /// otpost, against its own store.
    Local,
    /// The VPN, before it asks: any password passes here.
    Stack,
}

/// A VPN, or a group of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadiusClient {
    /// Stable id.
    pub id: ClientId,
    /// Unique name; logins through the same entry are of one group.
    pub name: String,
    /// Source networks of its packets.
    pub networks: Vec<Network>,
    /// Shared secret, never empty.
    pub secret: Sealed,
    /// What it protects.
    pub resource: ResourceId,
    /// Whether packets without Message-Authenticator are dropped.
    pub require_message_authenticator: bool,
    /// Who checks the password.
    pub first_factor: FirstFactor,
    /// When the row was made.
    pub created: Timestamp,
}

/// Why a client entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadClient {
    /// Empty, too long or with characters that break logs.
    #[error("a client name has 1 to 64 letters, digits, - _ . and no blanks")]
    Name,
    /// No network.
    #[error("a client needs at least one address or network its packets come from")]
    NoNetwork,
    /// The whole internet.
    #[error("the network {0} is everybody; name the VPN's own addresses")]
    Everybody(Network),
    /// Anybody who forges the address could begin logins, with any password and without the secret.
    #[error(
        "a client whose passwords are checked elsewhere must send Message-Authenticator; leave that required"
    )]
    Open,
    /// Too short to resist guessing off line (RFC 2865 section 3 asks for 16 octets).
    #[error("the shared secret has {0} characters; use at least 16, or leave it out to have one made")]
    Secret(usize),
}

impl RadiusClient {
    /// Checks every limit. `weak` allows a short (never an empty) secret.
    ///
    /// # Errors
    /// [`BadClient`] names the field and its limits.
    pub fn check(&self, weak: bool) -> Result<(), BadClient> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !(1..=64).contains(&self.name.len()) || !self.name.chars().all(fits) {
            return Err(BadClient::Name);
        }
        if self.networks.is_empty() {
            return Err(BadClient::NoNetwork);
        }
        if let Some(all) = self.networks.iter().find(|n| n.prefix() == 0) {
            return Err(BadClient::Everybody(*all));
        }
        if self.first_factor == FirstFactor::Stack && !self.require_message_authenticator {
            return Err(BadClient::Open);
        }
        let least = if weak { 1 } else { 16 };
        if self.secret.expose().len() < least {
            return Err(BadClient::Secret(self.secret.expose().len()));
        }
        Ok(())
    }
}
