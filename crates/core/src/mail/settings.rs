//! How mail leaves. The password is not here: it is kept sealed beside these.

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address::Sender;

const USER_LIMIT: usize = 256;
/// Room for a chain of a few certificates.
const CA_LIMIT: usize = 64 * 1024;

/// How the connection to the server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS after STARTTLS (RFC 3207), never without.
    #[default]
    StartTls,
    /// TLS from the first octet (RFC 8314).
    Tls,
    /// None: only to a server on this machine.
    None,
}

/// A word other than `starttls`, `tls` and `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("security is starttls, tls or none")]
pub struct BadSecurity;

impl Security {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// The port that goes with it: submission, submissions, smtp.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl FromStr for Security {
    type Err = BadSecurity;

    fn from_str(word: &str) -> Result<Self, BadSecurity> {
        [Self::StartTls, Self::Tls, Self::None]
            .into_iter()
            .find(|security| security.as_str() == word)
            .ok_or(BadSecurity)
    }
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Name or address of the SMTP server.
    pub host: String,
    /// Port; 0 for the usual one.
    #[serde(default)]
    pub port: u16,
    /// Protection of the connection.
    #[serde(default)]
    pub security: Security,
    /// User at the server; none: mail is handed over without signing in.
    #[serde(default)]
    pub user: Option<String>,
    /// Sender of all mail.
    pub from: Sender,
    /// Certificates to trust besides the system's, PEM.
    #[serde(default)]
    pub ca: Option<String>,
}

/// Why settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// No name of a host.
    #[error("the mail server is a host name or an address, such as mail.example.com, without a port")]
    Host,
    /// Without TLS to another machine.
    #[error("mail without TLS goes to localhost only; set security to starttls or tls for another server")]
    Plain,
    /// An empty or overlong user, or one with control characters.
    #[error("the user at the mail server has 1 to 256 characters and no control characters")]
    User,
    /// No PEM certificate.
    #[error("the certificate authority is text that has -----BEGIN CERTIFICATE----- in it, at most 64 kB")]
    Ca,
}

impl Settings {
    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        if self.port == 0 {
            self.security.port()
        } else {
            self.port
        }
    }

    /// Whether the host is named as this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// Checks what can be checked without asking anybody.
    ///
    /// # Errors
    /// [`BadSettings`] names the fix.
    pub fn check(&self) -> Result<(), BadSettings> {
        if !is_host(&self.host) {
            return Err(BadSettings::Host);
        }
        if self.security == Security::None && !self.is_loopback() {
            return Err(BadSettings::Plain);
        }
        if let Some(user) = &self.user
            && (user.is_empty() || user.chars().count() > USER_LIMIT || user.chars().any(char::is_control))
        {
            return Err(BadSettings::User);
        }
        if let Some(ca) = &self.ca
            && (ca.len() > CA_LIMIT || !ca.contains("-----BEGIN CERTIFICATE-----"))
        {
            return Err(BadSettings::Ca);
        }
        Ok(())
    }
}

/// An address, or a name as DNS has them (RFC 1123 section 2.1).
pub(crate) fn is_host(host: &str) -> bool {
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    (1..=253).contains(&host.len()) && host.split('.').all(label)
}
