//! Where portal and console are, and what holds for all portals.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Where the console is while no address is set: the default of otpost-portal.
pub const CONSOLE: &str = "https://127.0.0.1:8444";
/// Longest address, in octets.
const LIMIT: usize = 255;

/// Where pages are, such as `https://login.example.com`: scheme, host and port, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base(String);

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    /// No `https://`, or `http://` to another machine.
    #[error(
        "the address begins with https://; http:// is for this machine alone, such as http://localhost:8443"
    )]
    Scheme,
    /// No host name, or a bad one.
    #[error("the address has a host name, such as https://login.example.com")]
    Host,
    /// A port that is none.
    #[error("the port of the address is a number from 1 to 65535")]
    Port,
    /// More than scheme, host and port.
    #[error("the address ends with the host name or port: no path, user or question mark behind it")]
    Rest,
}

impl Base {
    /// Reads an address; a slash at the end does not count, and letters become small ones.
    ///
    /// # Errors
    /// [`BadBase`] says which rule is broken.
    pub fn parse(raw: &str) -> Result<Self, BadBase> {
        let text = raw.trim().to_ascii_lowercase();
        if text.len() > LIMIT {
            return Err(BadBase::Host);
        }
        let (scheme, rest) = text.split_once("://").ok_or(BadBase::Scheme)?;
        if scheme != "https" && scheme != "http" {
            return Err(BadBase::Scheme);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@', '\\']) {
            return Err(BadBase::Rest);
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6.split_once(']').ok_or(BadBase::Host)?;
                (host, port)
            }
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        match port.strip_prefix(':') {
            Some(port) => {
                let well = !port.starts_with('0') && port.bytes().all(|o| o.is_ascii_digit());
                if !well || port.parse::<u16>().is_err() {
                    return Err(BadBase::Port);
                }
            }
            None if port.is_empty() => {}
            None => return Err(BadBase::Rest),
        }
        let address = host.parse::<IpAddr>().ok();
        let bracketed = rest.starts_with('[');
        let well = match address {
            Some(address) => address.is_ipv6() == bracketed,
            None => !bracketed && is_name(host),
        };
        if !well {
            return Err(BadBase::Host);
        }
        let here = host == "localhost" || address.is_some_and(|a| a.to_canonical().is_loopback());
        if scheme == "http" && !here {
            return Err(BadBase::Scheme);
        }
        Ok(Self(format!("{scheme}://{rest}")))
    }

    /// The address, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as DNS has them (RFC 1123 section 2.1), and no number.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|o| o.is_ascii_alphanumeric() || o == b'-')
    };
    let last_is_number = host
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|o| o.is_ascii_digit()));
    host.split('.').all(label) && !last_is_number
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Base {
    type Error = BadBase;

    fn try_from(text: String) -> Result<Self, BadBase> {
        Self::parse(&text)
    }
}

impl From<Base> for String {
    fn from(base: Base) -> Self {
        base.0
    }
}

/// Settings of portal and console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Site {
    /// Where people reach the portal.
    pub portal: Option<Base>,
    /// Where administrators reach the console.
    pub console: Option<Base>,
    /// Whether people without password may sign in by a code from an e-mail.
    pub email_codes: bool,
}

impl Default for Site {
    /// No addresses; codes by e-mail, as they are the only way in of people without password.
    fn default() -> Self {
        Self {
            portal: None,
            console: None,
            email_codes: true,
        }
    }
}

impl Site {
    /// A page of the console.
    #[must_use]
    pub fn console_page(&self, path: &str) -> String {
        let base = self.console.as_ref().map_or(CONSOLE, Base::as_str);
        format!("{base}{path}")
    }

    /// A page of the portal, where its address is set.
    #[must_use]
    pub fn portal_page(&self, path: &str) -> Option<String> {
        self.portal.as_ref().map(|base| format!("{base}{path}"))
    }
}
