//! A RADIUS server that checks passwords.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::{USER, has_user};
use super::{BadSource, Hidden, host_port};

const SERVERS: usize = 8;

/// Where a RADIUS server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let (host, port) = host_port(text.trim(), 1812).ok_or(BadSource::Servers)?;
        Ok(Self { host, port })
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a RADIUS server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Upstream {
    /// In the order in which they are asked.
    pub servers: Vec<Endpoint>,
    /// Shared with all of them.
    pub secret: Hidden,
    /// How long one try waits for an answer.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
    /// How often one server is asked before the next is.
    #[serde(default = "tries")]
    pub tries: u32,
    /// Whether replies without Message-Authenticator are taken for forged (CVE-2024-3596).
    #[serde(default = "yes")]
    pub require_message_authenticator: bool,
    /// How long a server that did not answer is asked last.
    #[serde(default = "dead_seconds")]
    pub dead_seconds: u32,
    /// What we call ourselves.
    #[serde(default = "nas_identifier")]
    pub nas_identifier: String,
    /// User-Name, with `{user}` for the login.
    #[serde(default = "user_name")]
    pub user_name: String,
}

fn timeout_ms() -> u32 {
    2000
}

fn tries() -> u32 {
    2
}

fn yes() -> bool {
    true
}

fn dead_seconds() -> u32 {
    60
}

fn nas_identifier() -> String {
    "otpost".to_owned()
}

fn user_name() -> String {
    USER.to_owned()
}

impl Upstream {
    /// How long one try waits for an answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.timeout_ms))
    }

    /// How long a server that did not answer is asked last.
    #[must_use]
    pub fn dead(&self) -> Duration {
        Duration::from_secs(u64::from(self.dead_seconds))
    }

    /// User-Name of `user`.
    #[must_use]
    pub fn user_name(&self, user: &str) -> String {
        self.user_name.replace(USER, user)
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// [`BadSource`] names the setting and the fix.
    pub fn check(&self) -> Result<(), BadSource> {
        if !(1..=SERVERS).contains(&self.servers.len()) {
            return Err(BadSource::Servers);
        }
        if !(16..=256).contains(&self.secret.expose().len()) {
            return Err(BadSource::Secret);
        }
        if !(100..=10_000).contains(&self.timeout_ms) {
            return Err(BadSource::Timeout);
        }
        if !(1..=10).contains(&self.tries) {
            return Err(BadSource::Tries);
        }
        if !(1..=3600).contains(&self.dead_seconds) {
            return Err(BadSource::Dead);
        }
        let plain = |text: &str| !text.chars().any(char::is_control);
        if !(1..=64).contains(&self.nas_identifier.len()) || !plain(&self.nas_identifier) {
            return Err(BadSource::NasIdentifier);
        }
        if !has_user(&self.user_name) || self.user_name.len() > 128 || !plain(&self.user_name) {
            return Err(BadSource::UserName);
        }
        Ok(())
    }
}
