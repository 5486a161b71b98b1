//! Search filters (RFC 4515) with places for a user's name.
//!
//! A filter is taken apart before a name is put in, and the name becomes a value as it is: there is no text left in which it could have
//! a meaning.

use super::name::is_attribute;

/// Longest filter in octets.
const LENGTH: usize = 2048;
/// Most brackets within brackets.
const DEPTH: usize = 16;

/// Why a filter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// More than 2048 octets, or too deep.
    #[error("it is too long, or has too many brackets within brackets")]
    TooLarge,
    /// Not the grammar of RFC 4515.
    #[error("it cannot be read at character {0}; write such as (&(objectClass=person)(uid={{user}}))")]
    Syntax(usize),
    /// A backslash without two hexadecimal digits.
    #[error("at character {0} is a \\ without two hexadecimal digits behind it; write \\5c for itself")]
    Escape(usize),
    /// The same as anybody.
    #[error("it has no {{user}}, so it would find anybody")]
    NoUser,
    /// `{dn}` where no entry is known.
    #[error("{{dn}} is known only once the user is found; write {{user}}")]
    Dn,
    /// A part of a name would do.
    #[error("a * beside {{user}} or {{dn}} would take a part of a name for the whole; leave it out")]
    Wildcard,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of these.
    And(Vec<Self>),
    /// One of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// `attribute=value`
    Equal(String, Value),
    /// `attribute>=value`
    Greater(String, Value),
    /// `attribute<=value`
    Less(String, Value),
    /// `attribute~=value`
    Approx(String, Value),
    /// `attribute=*`
    Present(String),
    /// `attribute=initial*any*last`
    Substring {
        /// Attribute.
        attribute: String,
        /// Before the first `*`; empty for none.
        initial: Vec<u8>,
        /// Between them, none empty.
        any: Vec<Vec<u8>>,
        /// Behind the last; empty for none.
        last: Vec<u8>,
    },
    /// `attribute:dn:rule:=value`
    Extensible {
        /// Attribute; empty for none.
        attribute: String,
        /// Whether parts of the entry's name count.
        dn: bool,
        /// Matching rule; empty for none.
        rule: String,
        /// Value.
        value: Value,
    },
}

/// A value, with places for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Octets(Vec<u8>),
    User,
    Dn,
}

impl Value {
    /// The value of this text and nothing else.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Octets(text.as_bytes().to_vec())])
    }

    /// The value with `user` and `dn` in their places.
    #[must_use]
    pub fn fill(&self, user: &str, dn: &str) -> Vec<u8> {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Octets(octets) => octets.as_slice(),
            Piece::User => user.as_bytes(),
            Piece::Dn => dn.as_bytes(),
        });
        pieces.collect::<Vec<_>>().concat()
    }

    fn has(&self, piece: &Piece) -> bool {
        self.0.contains(piece)
    }
}

impl Filter {
    /// Reads a filter. The outermost brackets may be missing, as they often are.
    ///
    /// # Errors
    /// [`BadFilter`] says where it cannot be read.
    pub fn parse(text: &str) -> Result<Self, BadFilter> {
        let text = text.trim();
        if text.len() > LENGTH {
            return Err(BadFilter::TooLarge);
        }
        if !text.starts_with('(') {
            return item(text, 0);
        }
        let mut rest = Rest { text, at: 0 };
        let filter = rest.filter(0)?;
        match rest.at == text.len() {
            true => Ok(filter),
            false => Err(BadFilter::Syntax(rest.at)),
        }
    }

    /// Checks that it depends on whom it is to find; `{dn}` counts where `dn` says so.
    ///
    /// # Errors
    /// [`BadFilter::NoUser`] or [`BadFilter::Dn`].
    pub fn needs(&self, dn: bool) -> Result<(), BadFilter> {
        let has = |piece: &Piece| self.values().iter().any(|value| value.has(piece));
        match (has(&Piece::User), has(&Piece::Dn), dn) {
            (_, true, false) => Err(BadFilter::Dn),
            (false, false, _) => Err(BadFilter::NoUser),
            _ => Ok(()),
        }
    }

    fn values(&self) -> Vec<&Value> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::values).collect(),
            // What somebody is not does not find anybody.
            Self::Not(_) | Self::Present(_) | Self::Substring { .. } => Vec::new(),
            Self::Equal(_, value)
            | Self::Greater(_, value)
            | Self::Less(_, value)
            | Self::Approx(_, value)
            | Self::Extensible { value, .. } => vec![value],
        }
    }
}

/// What is left to read.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn left(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, mark: char) -> Result<(), BadFilter> {
        if !self.left().starts_with(mark) {
            return Err(BadFilter::Syntax(self.at));
        }
        self.at += mark.len_utf8();
        Ok(())
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, BadFilter> {
        if depth >= DEPTH {
            return Err(BadFilter::TooLarge);
        }
        self.take('(')?;
        let filter = match self.left().chars().next() {
            Some('&') => Filter::And(self.list(depth)?),
            Some('|') => Filter::Or(self.list(depth)?),
            Some('!') => {
                self.at += 1;
                Filter::Not(Box::new(self.filter(depth + 1)?))
            }
            _ => {
                let left = self.left();
                let end = left.find([')', '(']).unwrap_or(left.len());
                let filter = item(left.get(..end).unwrap_or_default(), self.at)?;
                self.at += end;
                filter
            }
        };
        self.take(')')?;
        Ok(filter)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, BadFilter> {
        self.at += 1;
        let mut parts = Vec::new();
        while self.left().starts_with('(') {
            parts.push(self.filter(depth + 1)?);
        }
        // Some servers take "all of none" for true (RFC 4526): nobody means that.
        if parts.is_empty() {
            return Err(BadFilter::Syntax(self.at));
        }
        Ok(parts)
    }
}

/// `attribute=value` and its kin; `at` is where it stands.
fn item(text: &str, at: usize) -> Result<Filter, BadFilter> {
    let bad = BadFilter::Syntax(at);
    if text.contains(['(', ')', '\0']) {
        return Err(bad);
    }
    let (left, raw) = text.split_once('=').ok_or(bad)?;
    let behind = at + left.len() + 1;
    let (left, kind) = match left.char_indices().last() {
        Some((end, mark @ ('>' | '<' | '~' | ':'))) => (left.get(..end).unwrap_or_default(), Some(mark)),
        _ => (left, None),
    };
    let left = left.trim();
    if kind == Some(':') {
        let mut parts = left.split(':');
        let attribute = parts.next().unwrap_or_default().to_owned();
        let mut more: Vec<&str> = parts.collect();
        let dn = more.first().is_some_and(|part| part.eq_ignore_ascii_case("dn"));
        if dn {
            more.remove(0);
        }
        let rule = match more.as_slice() {
            [] => String::new(),
            [rule] if is_attribute(rule) => (*rule).to_owned(),
            _ => return Err(bad),
        };
        if !(attribute.is_empty() || is_attribute(&attribute)) || (attribute.is_empty() && rule.is_empty()) {
            return Err(bad);
        }
        let value = value(raw, behind)?;
        return Ok(Filter::Extensible {
            attribute,
            dn,
            rule,
            value,
        });
    }
    if !is_attribute(left) {
        return Err(bad);
    }
    let attribute = left.to_owned();
    match kind {
        Some('>') => Ok(Filter::Greater(attribute, value(raw, behind)?)),
        Some('<') => Ok(Filter::Less(attribute, value(raw, behind)?)),
        Some(_) => Ok(Filter::Approx(attribute, value(raw, behind)?)),
        None if raw == "*" => Ok(Filter::Present(attribute)),
        None if raw.contains('*') => substring(attribute, raw, behind),
        None => Ok(Filter::Equal(attribute, value(raw, behind)?)),
    }
}

fn substring(attribute: String, raw: &str, at: usize) -> Result<Filter, BadFilter> {
    let mut parts = Vec::new();
    for part in raw.split('*') {
        match value(part, at)?.0.as_slice() {
            [] => parts.push(Vec::new()),
            [Piece::Octets(octets)] => parts.push(octets.clone()),
            _ => return Err(BadFilter::Wildcard),
        }
    }
    let last = parts.pop().unwrap_or_default();
    let mut parts = parts.into_iter();
    let initial = parts.next().unwrap_or_default();
    let any: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if initial.is_empty() && any.is_empty() && last.is_empty() {
        return Err(BadFilter::Syntax(at));
    }
    Ok(Filter::Substring {
        attribute,
        initial,
        any,
        last,
    })
}

/// A value: `\XX` is an octet, `{user}` and `{dn}` are places.
fn value(raw: &str, at: usize) -> Result<Value, BadFilter> {
    if raw.contains('*') {
        return Err(BadFilter::Syntax(at));
    }
    let mut pieces = Vec::new();
    let mut octets = Vec::new();
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let here = at + raw.len() - rest.len();
        let place = [("{user}", Piece::User), ("{dn}", Piece::Dn)]
            .into_iter()
            .find_map(|(mark, piece)| Some((rest.strip_prefix(mark)?, piece)));
        if let Some((behind, piece)) = place {
            if !octets.is_empty() {
                pieces.push(Piece::Octets(std::mem::take(&mut octets)));
            }
            pieces.push(piece);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('\\') {
            let (pair, behind) = behind.split_at_checked(2).ok_or(BadFilter::Escape(here))?;
            let octet = data_encoding::HEXLOWER_PERMISSIVE.decode(pair.as_bytes());
            octets.extend(octet.map_err(|_| BadFilter::Escape(here))?);
            rest = behind;
        } else {
            let (now, behind) = rest.split_at_checked(c.len_utf8()).unwrap_or((rest, ""));
            octets.extend_from_slice(now.as_bytes());
            rest = behind;
        }
    }
    if !octets.is_empty() {
        pieces.push(Piece::Octets(octets));
    }
    Ok(Value(pieces))
}
