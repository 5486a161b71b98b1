//! Sources of the first factor: directories (LDAP, Active Directory) and RADIUS servers that check passwords, and the order in which
//! they are asked. Settings are checked here; who asks them is the shell.

mod chain;
mod checked;
mod error;
pub mod filter;
mod ldap;
mod name;
mod upstream;

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::ids::SourceId;

pub use chain::{Chain, Link, SourceKind};
pub use checked::{Attribute, Checked, MsChap2Keys, Outage};
pub use error::BadSource;
pub use ldap::{Bind, Group, Groups, Ldap, Scheme, Search, Server, Upn};
pub use name::{common_name, escape_dn, fill_dn, fill_upn};
pub use upstream::{Endpoint, Upstream};

/// A secret of a source. It is stored as it is, because the whole source is sealed; it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// Keeps `secret`.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// Who checks passwords for us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Source {
    /// Stable id.
    pub id: SourceId,
    /// Unique name.
    pub name: String,
    /// What it is, and how it is asked.
    pub kind: Kind,
    /// When it was made.
    pub created: Timestamp,
}

/// What a source is, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A directory.
    Ldap(Ldap),
    /// A RADIUS server.
    Radius(Upstream),
}

impl Kind {
    /// Its word.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Ldap(_) => SourceKind::Ldap,
            Self::Radius(_) => SourceKind::Radius,
        }
    }
}

impl Source {
    /// As chains, audit rows and logs name it: `ldap:corp`.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}:{}", self.kind.kind().as_str(), self.name)
    }

    /// Checks every limit that can be checked without asking anybody.
    ///
    /// # Errors
    /// [`BadSource`] names the setting and the fix.
    pub fn check(&self) -> Result<(), BadSource> {
        if !is_name(&self.name) {
            return Err(BadSource::Name);
        }
        match &self.kind {
            Kind::Ldap(ldap) => ldap.check(),
            Kind::Radius(upstream) => upstream.check(),
        }
    }
}

/// Whether `name` may be that of a source: it stands in chains, logs and audit rows.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

/// Splits `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`; `None` where it is none of these.
fn host_port(text: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match rest {
                "" => (host, None),
                rest => (host, Some(rest.strip_prefix(':')?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None => usual,
        Some(port) if port.bytes().all(|o| o.is_ascii_digit()) => port.parse().ok().filter(|&p| p != 0)?,
        Some(_) => return None,
    };
    crate::mail::settings::is_host(host).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests;
