//! A directory that checks passwords.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::quote;
use super::filter::Filter;
use super::name::{has_user, is_attribute, is_dn};
use super::{BadSource, Hidden, host_port};

const SERVERS: usize = 8;
const ATTRIBUTES: usize = 16;
/// Room for a chain of a few certificates.
const CA_LIMIT: usize = 64 * 1024;

/// How the connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `ldap`: without TLS, until StartTLS.
    Ldap,
    /// `ldaps`: with TLS from the first octet.
    Ldaps,
}

/// Where a directory listens; written as a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// How the connection begins.
    pub scheme: Scheme,
    /// Name or address, as in the server's certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Scheme {
    fn parts(self) -> (&'static str, u16) {
        match self {
            Self::Ldap => ("ldap", 389),
            Self::Ldaps => ("ldaps", 636),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, usual) = self.scheme.parts();
        if self.host.contains(':') {
            write!(f, "{word}://[{}]", self.host)?;
        } else {
            write!(f, "{word}://{}", self.host)?;
        }
        if self.port == usual {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

impl FromStr for Server {
    type Err = BadSource;

    fn from_str(url: &str) -> Result<Self, BadSource> {
        let url = url.trim();
        [Scheme::Ldap, Scheme::Ldaps]
            .into_iter()
            .find_map(|scheme| {
                let (word, usual) = scheme.parts();
                let rest = url.strip_prefix(word)?.strip_prefix("://")?;
                let (host, port) = host_port(rest.strip_suffix('/').unwrap_or(rest), usual)?;
                Some(Self { scheme, host, port })
            })
            .ok_or(BadSource::Urls)
    }
}

impl Serialize for Server {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// As whom the user is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bind {
    /// Under the name of the entry that a search finds.
    Search(Search),
    /// Under this distinguished name, with `{user}` as a value.
    Dn(String),
    /// Under this user principal name, with `{user}` before the domain (Active Directory).
    Upn(Upn),
}

/// Finds the user's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Search {
    /// Account that searches; absent: anonymous.
    #[serde(default)]
    pub bind_dn: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Hidden>,
    /// Below this entry.
    pub base: String,
    /// With `{user}` as a value, such as `(sAMAccountName={user})`.
    pub filter: String,
}

/// A user principal name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Upn {
    /// Such as `{user}@corp.example`.
    pub name: String,
    /// Below this entry the user's entry is found by its userPrincipalName, for groups and attributes.
    #[serde(default)]
    pub base: Option<String>,
}

/// How groups are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Groups {
    /// This attribute of the user's entry names them, such as `memberOf`.
    Attribute(String),
    /// A search finds them.
    Search(Group),
}

/// Finds groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Group {
    /// Below this entry.
    pub base: String,
    /// With `{dn}` for the user's distinguished name or `{user}` for the login, such as `(member={dn})`.
    pub filter: String,
}

/// How a directory is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ldap {
    /// In the order in which they are asked.
    pub urls: Vec<Server>,
    /// Whether connections by `ldap://` turn to TLS before anything is said.
    #[serde(default = "yes")]
    pub start_tls: bool,
    /// Whether passwords may travel readably. For tests.
    #[serde(default)]
    pub insecure: bool,
    /// Certificates to trust instead of the system's, PEM.
    #[serde(default)]
    pub ca: Option<String>,
    /// As whom the user is signed in.
    pub bind: Bind,
    /// How groups are found; absent: they are not.
    #[serde(default)]
    pub groups: Option<Groups>,
    /// Attributes of the user to bring along, such as `mail`.
    #[serde(default)]
    pub attributes: Vec<String>,
    /// How long one server may take.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
}

fn yes() -> bool {
    true
}

fn timeout_ms() -> u32 {
    5000
}

impl Ldap {
    /// How long one server may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.timeout_ms))
    }

    /// Whether anything but the password is of interest.
    #[must_use]
    pub fn looks_up(&self) -> bool {
        self.groups.is_some() || !self.attributes.is_empty()
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// [`BadSource`] names the setting and the fix.
    pub fn check(&self) -> Result<(), BadSource> {
        if !(1..=SERVERS).contains(&self.urls.len()) {
            return Err(BadSource::Urls);
        }
        let plain = self.urls.iter().any(|server| server.scheme == Scheme::Ldap) && !self.start_tls;
        if plain && !self.insecure {
            return Err(BadSource::Plain);
        }
        if self.insecure && !plain {
            return Err(BadSource::Insecure);
        }
        if let Some(ca) = &self.ca
            && (ca.len() > CA_LIMIT || !ca.contains("-----BEGIN CERTIFICATE-----"))
        {
            return Err(BadSource::Ca);
        }
        if !(100..=10_000).contains(&self.timeout_ms) {
            return Err(BadSource::Timeout);
        }
        self.check_bind()?;
        match &self.groups {
            Some(Groups::Attribute(name)) if !is_attribute(name) => {
                return Err(BadSource::Attribute(quote(name)));
            }
            Some(Groups::Search(group)) => {
                if !is_dn(&group.base) {
                    return Err(BadSource::Base);
                }
                let filter = Filter::parse(&group.filter).map_err(|e| BadSource::Filter("groups", e))?;
                filter.needs(true).map_err(|e| BadSource::Filter("groups", e))?;
            }
            _ => {}
        }
        let bad = self.attributes.iter().find(|name| !is_attribute(name));
        match bad.or_else(|| self.attributes.get(ATTRIBUTES)) {
            Some(name) => Err(BadSource::Attribute(quote(name))),
            None => Ok(()),
        }
    }

    fn check_bind(&self) -> Result<(), BadSource> {
        match &self.bind {
            Bind::Dn(template) => {
                // Brackets are no part of names, so what is filled in cannot be found there by chance.
                let whole = template.replace("={user}", "=user");
                if !has_user(template) || whole.contains(['{', '}']) || !is_dn(&whole) {
                    return Err(BadSource::BindDn);
                }
            }
            Bind::Upn(upn) => {
                let fits = has_user(&upn.name)
                    && (1..=256).contains(&upn.name.len())
                    && !upn.name.chars().any(|c| c.is_control() || c.is_whitespace())
                    && (upn.name.starts_with("{user}@") || upn.name.ends_with("\\{user}"));
                if !fits {
                    return Err(BadSource::Upn);
                }
                match &upn.base {
                    Some(base) if !is_dn(base) => return Err(BadSource::Base),
                    None if self.looks_up() => return Err(BadSource::UpnBase),
                    _ => {}
                }
            }
            Bind::Search(search) => {
                match (&search.bind_dn, &search.password) {
                    (None, None) => {}
                    (Some(name), Some(password))
                        if !name.trim().is_empty()
                            && name.len() <= 1024
                            && !password.expose().is_empty()
                            && !password.expose().contains('\0') => {}
                    _ => return Err(BadSource::Account),
                }
                if !is_dn(&search.base) {
                    return Err(BadSource::Base);
                }
                let filter = Filter::parse(&search.filter).map_err(|e| BadSource::Filter("bind", e))?;
                filter.needs(false).map_err(|e| BadSource::Filter("bind", e))?;
            }
        }
        Ok(())
    }
}
