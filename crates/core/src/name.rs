//! Login names and how their spellings become one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A login name after normalisation: no domain in front, no realm behind, case folded. All counters and locks hang on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoginName(String);

/// Why a login name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing is left after the domain and realm are taken off.
    #[error("a login name must not be empty")]
    Empty,
    /// More than 64 characters, or more than 255 octets.
    #[error("a login name has at most 64 characters")]
    TooLong,
    /// A blank, a control character, or one of `/ : * ? " < > | & ^` and the back-tick.
    #[error("a login name has no blanks, control characters or any of / : * ? \" < > | & ^ `")]
    Character,
}

impl LoginName {
    /// Normalises `raw`: `CORP\alice`, `alice@corp` and `Alice` are one.
    ///
    /// # Errors
    /// [`BadName`] says which rule is broken.
    pub fn parse(raw: &str) -> Result<Self, BadName> {
        if raw.len() > 255 {
            return Err(BadName::TooLong);
        }
        let name = raw.rsplit_once('\\').map_or(raw, |(_, name)| name);
        let name = match name.split_once('@') {
            Some((name, _)) => name,
            None => name,
        };
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if name.chars().any(refused) || raw.chars().any(char::is_control) {
            return Err(BadName::Character);
        }
        let folded = name.to_lowercase();
        if folded.chars().count() > 64 {
            return Err(BadName::TooLong);
        }
        Ok(Self(folded))
    }

    /// The folded name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refused(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '/' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '&' | '^' | '`')
        // Invisible and direction-changing marks make two names look like one.
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
