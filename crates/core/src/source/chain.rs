//! In which order sources are asked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{BadSource, is_name};

/// Most links of a chain.
const LINKS: usize = 8;

/// Kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A directory.
    Ldap,
    /// A RADIUS server.
    Radius,
}

impl SourceKind {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ldap => "ldap",
            Self::Radius => "radius",
        }
    }
}

impl FromStr for SourceKind {
    type Err = BadSource;

    fn from_str(word: &str) -> Result<Self, BadSource> {
        match word {
            "ldap" => Ok(Self::Ldap),
            "radius" => Ok(Self::Radius),
            _ => Err(BadSource::Kind),
        }
    }
}

/// Who is asked at one place of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Link {
    /// otpost, against its own store.
    Local,
    /// The VPN, before it asks: any password passes.
    Stack,
    /// A source.
    Source {
        /// What it is.
        kind: SourceKind,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Stack => f.write_str("stack"),
            Self::Source { kind, name } => write!(f, "{}:{name}", kind.as_str()),
        }
    }
}

impl FromStr for Link {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let bad = || BadSource::Link(super::error::quote(text));
        match (text, text.split_once(':')) {
            ("local", _) => Ok(Self::Local),
            ("stack", _) => Ok(Self::Stack),
            (_, Some((kind, name))) if is_name(name) => Ok(Self::Source {
                kind: kind.parse().map_err(|_| bad())?,
                name: name.to_owned(),
            }),
            _ => Err(bad()),
        }
    }
}

/// Who checks the password, in order; written `local,ldap:corp,radius:nps`. The first who knows the user decides; one who cannot be
/// asked denies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chain(Vec<Link>);

impl Chain {
    /// otpost alone.
    #[must_use]
    pub fn local() -> Self {
        Self(vec![Link::Local])
    }

    /// The VPN alone.
    #[must_use]
    pub fn stack() -> Self {
        Self(vec![Link::Stack])
    }

    /// A chain of these links.
    ///
    /// # Errors
    /// [`BadSource`]: none or too many, one twice, or `stack` beside others.
    pub fn new(links: Vec<Link>) -> Result<Self, BadSource> {
        if links.is_empty() || links.len() > LINKS {
            return Err(BadSource::ChainLength);
        }
        if links.len() > 1 && links.contains(&Link::Stack) {
            return Err(BadSource::StackAlone);
        }
        let twice = links.iter().enumerate().find(|(at, link)| {
            let before = links.iter().take(*at);
            let same = |other: &Link| other.to_string().eq_ignore_ascii_case(&link.to_string());
            before.into_iter().any(same)
        });
        match twice {
            Some((_, link)) => Err(BadSource::Twice(link.to_string())),
            None => Ok(Self(links)),
        }
    }

    /// The links in order; never none.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.0
    }

    /// Whether the VPN checks the password.
    #[must_use]
    pub fn is_stack(&self) -> bool {
        self.0 == [Link::Stack]
    }

    /// Whether it asks a RADIUS server, which may ask back.
    #[must_use]
    pub fn relays(&self) -> bool {
        let radius = |link: &Link| {
            matches!(
                link,
                Link::Source {
                    kind: SourceKind::Radius,
                    ..
                }
            )
        };
        self.0.iter().any(radius)
    }

    /// Whether it asks the source of this name.
    #[must_use]
    pub fn asks(&self, source: &str) -> bool {
        let named =
            |link: &Link| matches!(link, Link::Source { name, .. } if name.eq_ignore_ascii_case(source));
        self.0.iter().any(named)
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::local()
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, link) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            link.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Chain {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        if text.trim().is_empty() {
            return Err(BadSource::ChainLength);
        }
        let links = text.split(',').map(|link| link.trim().parse());
        Self::new(links.collect::<Result<_, _>>()?)
    }
}

impl Serialize for Chain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Chain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
