//! User names within distinguished names and user principal names.

use std::fmt::Write as _;

/// Where a user's name goes.
pub(super) const USER: &str = "{user}";

/// Most octets of a name that is filled in.
const LIMIT: usize = 256;

/// A value as it may stand in a distinguished name (RFC 4514 section 2.4): everything but plain letters, digits and a few marks as the
/// hexadecimal pairs of its octets, which is always allowed.
#[must_use]
pub fn escape_dn(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'@') {
            escaped.push(char::from(octet));
        } else {
            // Writing to a String does not fail.
            let _ = write!(escaped, "\\{octet:02X}");
        }
    }
    escaped
}

/// The distinguished name of `user`; `None` for a name that can be nobody's.
#[must_use]
pub fn fill_dn(template: &str, user: &str) -> Option<String> {
    fits(user).then(|| template.replace(USER, &escape_dn(user)))
}

/// The user principal name of `user`, or a name of that kind; `None` for a name that can be nobody's. There is no escape in such names,
/// so what would have a meaning is refused: Active Directory has no such characters in account names either.
#[must_use]
pub fn fill_upn(template: &str, user: &str) -> Option<String> {
    let odd = |c: char| {
        matches!(
            c,
            '@' | '\\' | '/' | '"' | '[' | ']' | ':' | ';' | '|' | '=' | ',' | '+' | '*' | '?' | '<' | '>'
        )
    };
    (fits(user) && !user.contains(odd)).then(|| template.replace(USER, user))
}

fn fits(user: &str) -> bool {
    !user.is_empty() && user.len() <= LIMIT && !user.chars().any(char::is_control)
}

/// Whether `template` has the placeholder once.
pub(super) fn has_user(template: &str) -> bool {
    template.matches(USER).count() == 1
}

/// Whether `text` looks like a distinguished name (RFC 4514): relative names with a type and a value each. An empty one is none.
pub(super) fn is_dn(text: &str) -> bool {
    let relative = |rdn: &str| {
        rdn.split_once('=')
            .is_some_and(|(kind, value)| is_attribute(kind.trim()) && !value.trim().is_empty())
    };
    text.len() <= 1024 && !text.chars().any(char::is_control) && split(text).iter().all(|rdn| relative(rdn))
}

/// Whether `text` is the name of an attribute, or its number (RFC 4512 section 2.5).
pub(super) fn is_attribute(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';');
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(fits)
}

/// The parts between commas that are not escaped.
fn split(dn: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut escaped = false;
    for (at, c) in dn.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(dn.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(dn.get(from..).unwrap_or_default());
    parts
}

/// What a group is called: the value of the first part of its distinguished name, which directories make its CN.
#[must_use]
pub fn common_name(dn: &str) -> Option<String> {
    let (_, value) = split(dn).first()?.split_once('=')?;
    let value = unescape(value.trim_start())?;
    (!value.is_empty() && !value.chars().any(char::is_control)).then_some(value)
}

/// The value that `text` stands for (RFC 4514 section 3).
fn unescape(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    let nibble = |octet: u8| char::from(octet).to_digit(16).and_then(|n| u8::try_from(n).ok());
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let next = rest.next()?;
        match nibble(next) {
            Some(high) => octets.push(high << 4 | nibble(rest.next()?)?),
            None => octets.push(next),
        }
    }
    String::from_utf8(octets).ok()
}
