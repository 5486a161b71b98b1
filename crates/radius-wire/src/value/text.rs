//! Text as it is written: quotes, escapes, octets in hexadecimal.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::Problem;

/// A value before its type is looked at.
pub(super) enum Written<'t> {
    /// Was in quotes: text, whatever it looks like.
    Quoted(Zeroizing<Vec<u8>>),
    /// Was not.
    Bare(&'t str),
}

impl<'t> Written<'t> {
    /// Reads what stands behind the equals sign.
    pub(super) fn read(text: &'t str) -> Result<Self, Problem> {
        if text.chars().any(char::is_control) {
            return Err(Problem::Control);
        }
        match text.chars().next() {
            None => Err(Problem::Empty),
            Some('"') => quoted(text, escaped).map(Self::Quoted),
            Some('\'') => quoted(text, literal).map(Self::Quoted),
            Some(_) => Ok(Self::Bare(text)),
        }
    }

    /// As text, for types that are no text themselves.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Quoted(octets) => std::str::from_utf8(octets).ok(),
            Self::Bare(text) => Some(text),
        }
    }

    /// The digits behind 0x, if it is not in quotes.
    pub(super) fn hex(&self) -> Option<&'t str> {
        match self {
            Self::Bare(text) => text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")),
            Self::Quoted(_) => None,
        }
    }
}

/// Takes off one escape behind its backslash: the octet, and what is left.
type Escape = fn(&str) -> Option<(u8, &str)>;

fn quoted(text: &str, escape: Escape) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut chars = text.chars();
    let quote = chars.next();
    let mut rest = chars.as_str();
    // Full capacity at once: growing would leave copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len()));
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            None => return Err(Problem::Quotes),
            next if next == quote => {
                return if chars.as_str().is_empty() {
                    Ok(octets)
                } else {
                    Err(Problem::Quotes)
                };
            }
            Some('\\') => {
                let (octet, after) = escape(chars.as_str()).ok_or(Problem::Escape)?;
                octets.push(octet);
                rest = after;
            }
            Some(other) => {
                let mut buffer = [0; 4];
                octets.extend_from_slice(other.encode_utf8(&mut buffer).as_bytes());
                rest = chars.as_str();
            }
        }
    }
}

/// In double quotes.
fn escaped(text: &str) -> Option<(u8, &str)> {
    let first = text.chars().next()?;
    let simple = match first {
        '"' => b'"',
        '\\' => b'\\',
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'x' => {
            let (digits, rest) = text.get(1..)?.split_at_checked(2)?;
            return Some((pair(digits)?, rest));
        }
        '0'..='3' => {
            let (digits, rest) = text.split_at_checked(3)?;
            return Some((u8::from_str_radix(digits, 8).ok()?, rest));
        }
        _ => return None,
    };
    Some((simple, text.get(1..)?))
}

/// In single quotes.
fn literal(text: &str) -> Option<(u8, &str)> {
    let octet = match text.chars().next()? {
        '\'' => b'\'',
        '\\' => b'\\',
        _ => return None,
    };
    Some((octet, text.get(1..)?))
}

/// Two hexadecimal digits.
fn pair(digits: &str) -> Option<u8> {
    let good = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    good.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Pairs of hexadecimal digits.
pub(super) fn hex(digits: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut octets = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    let mut rest = digits;
    while !rest.is_empty() {
        let (first, after) = rest.split_at_checked(2).ok_or(Problem::Hex)?;
        octets.push(pair(first).ok_or(Problem::Hex)?);
        rest = after;
    }
    if octets.is_empty() {
        return Err(Problem::Empty);
    }
    Ok(octets)
}

/// Octets as 0x and digits.
pub(super) fn to_hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * octets.len());
    text.push_str("0x");
    for octet in octets {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// Text in double quotes, that reads back as the same octets and holds no control character.
pub(super) fn quote(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() + 2);
    text.push('"');
    for chunk in octets.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                c if hostile(c) => {
                    let mut buffer = [0; 4];
                    escape(&mut text, c.encode_utf8(&mut buffer).as_bytes());
                }
                c => text.push(c),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text.push('"');
    text
}

fn escape(text: &mut String, octets: &[u8]) {
    for octet in octets {
        let _ = write!(text, "\\x{octet:02x}");
    }
}

/// What a terminal would act upon, or what makes text read in another order than it is in.
fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether octets are best shown as text.
pub(super) fn looks_like_text(octets: &[u8]) -> bool {
    std::str::from_utf8(octets).is_ok_and(|text| !text.is_empty() && !text.chars().any(hostile))
}
