//! One-time codes: derived from their challenge, never stored.
//!
//! code = first 64 bits of HMAC-SHA-256(k_code, "otpost/code/1", challenge id, token id, purpose, generation)
//! modulo 10^digits, each part prefixed with its length. The bias of the modulus is below 2^-37 for 8 digits.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ids::{ChallengeId, TokenId};
use crate::keys::{Keyring, mac};

/// How many digits a code has: 6, 7 or 8 (NIST SP 800-63B asks for at least 20 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Digits(u8);

/// A number of digits outside 6..=8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has 6, 7 or 8 digits")]
pub struct BadDigits;

impl Digits {
    /// The default.
    pub const SIX: Self = Self(6);

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Digits {
    type Error = BadDigits;

    fn try_from(digits: u8) -> Result<Self, BadDigits> {
        if (6..=8).contains(&digits) {
            Ok(Self(digits))
        } else {
            Err(BadDigits)
        }
    }
}

impl From<Digits> for u8 {
    fn from(digits: Digits) -> Self {
        digits.0
    }
}

/// What a code is for; a code for one purpose is no code for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To log in.
    Login,
    /// To confirm a new token.
    Enrol,
    /// To sign in to the portal.
    PortalSignIn,
    /// To do one act on the portal.
    StepUp,
    /// To sign in by a code from an e-mail.
    EmailSignIn,
    /// To confirm a new e-mail address.
    NewEmail,
}

impl Purpose {
    fn tag(self) -> &'static [u8] {
        match self {
            Self::Login => b"login",
            Self::Enrol => b"enrol",
            Self::PortalSignIn => b"portal-sign-in",
            Self::StepUp => b"step-up",
            Self::EmailSignIn => b"email-sign-in",
            Self::NewEmail => b"new-email",
        }
    }
}

/// A code, leading zeros kept. Does not print.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// The digits, for the text message.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `typed` is this code: surrounding blanks, inner blanks and hyphens do not count, only ASCII digits
    /// do. Time does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, typed: &str) -> bool {
        // A fixed buffer, so that no copy of what was typed stays behind.
        let mut digits = Zeroizing::new([0u8; 8]);
        let mut length = 0;
        for octet in typed.trim().bytes().filter(|o| !matches!(o, b' ' | b'-')) {
            let Some(slot) = digits.get_mut(length) else {
                return false;
            };
            *slot = octet;
            length += 1;
        }
        let typed = digits.get(..length).unwrap_or_default();
        typed.len() == self.0.len() && bool::from(typed.ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// What a code is derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeOf {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The token it was sent to.
    pub token: TokenId,
    /// What it is for.
    pub purpose: Purpose,
    /// Grows when a resend needs other digits.
    pub generation: u32,
    /// Length.
    pub digits: Digits,
}

/// Derives the code.
#[must_use]
pub fn derive(keys: &Keyring, of: &CodeOf) -> Code {
    let full = mac(
        keys.code_key(),
        &[
            b"otpost/code/1",
            &of.challenge.0,
            &of.token.0,
            of.purpose.tag(),
            &of.generation.to_be_bytes(),
        ],
    );
    let first = full
        .iter()
        .take(8)
        .fold(0u64, |sum, octet| (sum << 8) | u64::from(*octet));
    let number = first % 10u64.pow(u32::from(of.digits.get()));
    let width = usize::from(of.digits.get());
    Code(Zeroizing::new(format!("{number:0width$}")))
}
