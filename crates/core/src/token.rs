//! Second factors.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::code::Digits;
use crate::ids::{ResourceId, TokenId, UserId};
use crate::phone::Phone;

/// Whether a token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// In use.
    Active,
    /// Drops out; the resource's policy decides (default: deny).
    Disabled,
    /// Always denies.
    Blocked,
}

/// An SMS token. The number is its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Stable id.
    pub id: TokenId,
    /// Owner.
    pub user: UserId,
    /// Name shown to its owner.
    pub name: String,
    /// Where the code goes.
    pub phone: Phone,
    /// Length of its codes.
    pub digits: Digits,
    /// Whether it may be used.
    pub status: Status,
    /// False until its first right code; an unverified number counts as such in the sending gate.
    pub verified: bool,
    /// Resources it guards.
    pub resources: Vec<ResourceId>,
    /// When the row was made.
    pub created: Timestamp,
}

/// Why a token's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTokenName {
    /// Over 50 characters.
    #[error("a token name has at most 50 characters")]
    TooLong,
    /// One of `< > ? / %` or a control character.
    #[error("a token name has none of < > ? / % and no control characters")]
    Character,
}

/// Checks a token's name: outer blanks go, an empty one becomes `SMS` and the last digits.
///
/// # Errors
/// [`BadTokenName`] says which rule is broken.
pub fn name(raw: &str, phone: &Phone) -> Result<String, BadTokenName> {
    let name = tidy(raw)?;
    if name.is_empty() {
        return Ok(format!("SMS {}", phone.masked()));
    }
    Ok(name)
}

/// Checks a token's name as [`name`] does; an empty one stays empty.
///
/// # Errors
/// [`BadTokenName`] says which rule is broken.
pub fn tidy(raw: &str) -> Result<String, BadTokenName> {
    let name = raw.trim();
    if name.chars().count() > 50 {
        return Err(BadTokenName::TooLong);
    }
    if name
        .chars()
        .any(|c| c.is_control() || matches!(c, '<' | '>' | '?' | '/' | '%'))
    {
        return Err(BadTokenName::Character);
    }
    Ok(name.to_owned())
}
