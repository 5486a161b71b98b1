//! E-mail addresses.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest address (RFC 5321 section 4.5.3.1.3, less the angle brackets) and local part, in octets.
const LIMIT: usize = 254;
const LOCAL_LIMIT: usize = 64;
const LABEL_LIMIT: usize = 63;
const SENDER_NAME_LIMIT: usize = 64;

/// One mailbox: `name@example.com`. UTF-8 is fine (RFC 6531); quoted names, comments, address literals, lists, blanks and control
/// characters are not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    text: String,
    at: usize,
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Nothing there.
    #[error("an e-mail address is missing; write one like name@example.com")]
    Empty,
    /// Over 254 octets, over 64 before the `@`, or over 63 between two dots of the domain.
    #[error("an e-mail address has at most 254 characters, 64 of them before the @")]
    TooLong,
    /// No `@`, or more than one.
    #[error("an e-mail address has one @; write one like name@example.com")]
    At,
    /// A character that has no place before the `@`, or a dot at an end or beside another.
    #[error("what is before the @ is no mailbox name; write an address like name@example.com")]
    Local,
    /// No name of a domain behind the `@`.
    #[error("what is behind the @ is no domain; write an address like name@example.com")]
    Domain,
}

impl Address {
    /// Reads one address; blanks around it do not count.
    ///
    /// # Errors
    /// [`BadAddress`] says which rule is broken.
    pub fn parse(raw: &str) -> Result<Self, BadAddress> {
        // Only blanks: a line break at an end is as suspect as one inside.
        let text = raw.trim_matches(' ');
        if text.is_empty() {
            return Err(BadAddress::Empty);
        }
        if text.len() > LIMIT {
            return Err(BadAddress::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(BadAddress::At)?;
        if domain.contains('@') {
            return Err(BadAddress::At);
        }
        if local.len() > LOCAL_LIMIT {
            return Err(BadAddress::TooLong);
        }
        if local.split('.').any(str::is_empty) || !local.chars().all(|c| c == '.' || in_atom(c)) {
            return Err(BadAddress::Local);
        }
        for label in domain.split('.') {
            if label.len() > LABEL_LIMIT {
                return Err(BadAddress::TooLong);
            }
            let well = !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && c.is_alphanumeric()));
            if !well {
                return Err(BadAddress::Domain);
            }
        }
        // An address of all digits and dots is a host's number, not its name.
        if domain.chars().all(|c| c == '.' || c.is_ascii_digit()) {
            return Err(BadAddress::Domain);
        }
        Ok(Self {
            text: text.to_owned(),
            at: local.len(),
        })
    }

    /// The whole address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// What is behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at.saturating_add(1)..).unwrap_or_default()
    }

    /// For people other than its owner: `a***@example.com`.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = self.local().chars().next().map(String::from).unwrap_or_default();
        format!("{first}***@{}", self.domain())
    }
}

/// A character of an atom (RFC 5322 section 3.2.3, RFC 6531 section 3.3).
fn in_atom(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Who a mail is from: `otpost <otpost@example.com>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Name in words; empty: none.
    pub name: String,
    /// Address.
    pub address: Address,
}

impl Sender {
    /// Reads a sender.
    ///
    /// # Errors
    /// [`BadAddress`] says what is wrong with the address; [`BadAddress::Local`] also stands for a name with control characters,
    /// angle brackets, quotes or more than 64 characters.
    pub fn parse(raw: &str) -> Result<Self, BadAddress> {
        let raw = raw.trim_matches(' ');
        let (name, address) = match raw.strip_suffix('>').and_then(|raw| raw.rsplit_once('<')) {
            Some((name, address)) => (name.trim_matches(' '), address),
            None => ("", raw),
        };
        let name = name
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'))
            .unwrap_or(name);
        let bad = |c: char| c.is_control() || matches!(c, '<' | '>' | '"' | '\\');
        if name.chars().count() > SENDER_NAME_LIMIT || name.chars().any(bad) {
            return Err(BadAddress::Local);
        }
        Ok(Self {
            name: name.to_owned(),
            address: Address::parse(address)?,
        })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{} <{}>", self.name, self.address)
        }
    }
}

impl Serialize for Sender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sender {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
