//! Codes of authenticator apps: TOTP (RFC 6238) over HOTP (RFC 4226).
//!
//! Nothing is kept here: the caller stores the secret sealed, and the step that [`verify`] returns durably before it lets anybody
//! in, so that a code is good once.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{Rng, Timestamp};

/// Seconds a code is shown (RFC 6238 section 5.2).
pub const STEP_SECONDS: u64 = 30;
/// Octets of a fresh secret: the length of SHA-1's output (RFC 4226 section 4, R6).
pub const SECRET_LEN: usize = 20;
/// Shortest and longest secret that is taken in, in octets: R6 asks for 128 bits at least.
const SECRET_RANGE: std::ops::RangeInclusive<usize> = 16..=64;
/// Longest text that may hold a secret; longer ones are refused unread.
const TEXT_LIMIT: usize = 256;

/// What app and server share. Does not print, is wiped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is 26 to 103 letters A to Z and digits 2 to 7 (16 to 64 octets in base 32)")]
pub struct BadSecret;

impl Secret {
    /// A fresh secret of [`SECRET_LEN`] octets.
    pub fn random(rng: &mut dyn Rng) -> Self {
        let mut octets = Zeroizing::new(vec![0; SECRET_LEN]);
        rng.fill(&mut octets);
        Self(octets)
    }

    /// The secret of `octets`, as they were stored.
    ///
    /// # Errors
    /// [`BadSecret`] for fewer than 16 or more than 64 octets.
    pub fn from_octets(octets: &[u8]) -> Result<Self, BadSecret> {
        if SECRET_RANGE.contains(&octets.len()) {
            Ok(Self(Zeroizing::new(octets.to_vec())))
        } else {
            Err(BadSecret)
        }
    }

    /// The octets, for sealing.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Reads base 32 (RFC 4648 section 6): blanks, hyphens, padding and case do not count.
    ///
    /// # Errors
    /// [`BadSecret`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        if text.len() > TEXT_LIMIT {
            return Err(BadSecret);
        }
        let mut clean = Zeroizing::new(String::with_capacity(text.len()));
        clean.extend(
            text.trim()
                .trim_end_matches('=')
                .chars()
                .filter(|c| !c.is_whitespace() && *c != '-')
                .map(|c| c.to_ascii_uppercase()),
        );
        let length = BASE32_NOPAD.decode_len(clean.len()).map_err(|_| BadSecret)?;
        let mut octets = Zeroizing::new(vec![0; length]);
        let length = BASE32_NOPAD
            .decode_mut(clean.as_bytes(), &mut octets)
            .map_err(|_| BadSecret)?;
        Self::from_octets(octets.get(..length).unwrap_or_default())
    }

    /// Base 32 without padding, for the URI.
    #[must_use]
    pub fn base32(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(BASE32_NOPAD.encode_len(self.0.len())));
        BASE32_NOPAD.encode_append(&self.0, &mut text);
        text
    }

    /// Base 32 in groups of four, for people who type it.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let plain = self.base32();
        let mut text = Zeroizing::new(String::with_capacity(plain.len().saturating_mul(2)));
        for (at, letter) in plain.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(letter);
        }
        text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The hash under the HMAC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// What every app supports; HMAC does not need a hash without collisions.
    #[default]
    Sha1,
    /// Some apps ignore it and show wrong codes.
    Sha256,
}

/// How many digits a code has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Digits {
    /// What every app supports.
    #[default]
    Six,
    /// Some apps ignore it and show wrong codes.
    Eight,
}

/// A number of digits other than 6 and 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code of an app has 6 or 8 digits")]
pub struct BadDigits;

impl Digits {
    /// The number itself.
    #[must_use]
    pub fn get(self) -> u8 {
        match self {
            Self::Six => 6,
            Self::Eight => 8,
        }
    }

    fn modulus(self) -> u32 {
        match self {
            Self::Six => 1_000_000,
            Self::Eight => 100_000_000,
        }
    }
}

impl TryFrom<u8> for Digits {
    type Error = BadDigits;

    fn try_from(digits: u8) -> Result<Self, BadDigits> {
        match digits {
            6 => Ok(Self::Six),
            8 => Ok(Self::Eight),
            _ => Err(BadDigits),
        }
    }
}

impl From<Digits> for u8 {
    fn from(digits: Digits) -> Self {
        digits.get()
    }
}

/// How many steps a phone's clock may be wrong, either way: 0, 1 or 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Drift(u8);

/// A drift over two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a clock may be wrong by 0, 1 or 2 steps of 30 seconds")]
pub struct BadDrift;

impl Default for Drift {
    /// One step, as RFC 6238 section 5.2 recommends.
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for Drift {
    type Error = BadDrift;

    fn try_from(steps: u8) -> Result<Self, BadDrift> {
        if steps <= 2 {
            Ok(Self(steps))
        } else {
            Err(BadDrift)
        }
    }
}

impl From<Drift> for u8 {
    fn from(drift: Drift) -> Self {
        drift.0
    }
}

/// How codes are made of a secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Params {
    /// Hash.
    pub algorithm: Algorithm,
    /// Length.
    pub digits: Digits,
    /// How wrong a phone's clock may be.
    pub drift: Drift,
}

/// Counts intervals of [`STEP_SECONDS`] since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Step(pub u64);

impl Step {
    /// The step that `now` lies in.
    #[must_use]
    pub fn of(now: Timestamp) -> Self {
        Self(now.0 / 1000 / STEP_SECONDS)
    }
}

/// The code of one step: HOTP with the step as its counter (RFC 4226 section 5.3).
#[must_use]
pub fn code(secret: &Secret, params: &Params, step: Step) -> Zeroizing<String> {
    let number = truncated(secret, params.algorithm, step) % params.digits.modulus();
    let width = usize::from(params.digits.get());
    Zeroizing::new(format!("{number:0width$}"))
}

/// The step whose code was typed: the nearest to `now` within the drift, and after `last`, the one used before.
///
/// Blanks and hyphens do not count. The caller stores the step durably before it accepts: that makes each code good once and those
/// of earlier steps good no more. The time taken does not depend on what was typed beyond its length.
#[must_use]
pub fn verify(
    secret: &Secret,
    params: &Params,
    typed: &str,
    now: Timestamp,
    last: Option<Step>,
) -> Option<Step> {
    // A fixed buffer, so that no copy of what was typed stays behind.
    let mut buffer = Zeroizing::new([0u8; 8]);
    let mut length = 0;
    for octet in typed.trim().bytes().filter(|o| !matches!(o, b' ' | b'-')) {
        *buffer.get_mut(length)? = octet;
        length += 1;
    }
    let typed = buffer.get(..length)?;
    if length != usize::from(params.digits.get()) {
        return None;
    }
    let Step(here) = Step::of(now);
    let mut found = None;
    for offset in 0..=u64::from(params.drift.0) {
        let before = here.checked_sub(offset);
        let after = here.checked_add(offset).filter(|_| offset > 0);
        for step in [before, after].into_iter().flatten().map(Step) {
            let same = bool::from(code(secret, params, step).as_bytes().ct_eq(typed));
            if same && found.is_none() && last.is_none_or(|last| step > last) {
                found = Some(step);
            }
        }
    }
    found
}

/// Dynamic truncation (RFC 4226 section 5.3).
fn truncated(secret: &Secret, algorithm: Algorithm, step: Step) -> u32 {
    let counter = step.0.to_be_bytes();
    let mut full = Zeroizing::new([0u8; 32]);
    // HMAC takes a key of any length.
    let length = match algorithm {
        Algorithm::Sha1 => {
            Hmac::<Sha1>::new_from_slice(secret.expose()).map(|mac| digest(mac, counter, &mut full))
        }
        Algorithm::Sha256 => {
            Hmac::<Sha256>::new_from_slice(secret.expose()).map(|mac| digest(mac, counter, &mut full))
        }
    }
    .unwrap_or_default();
    let offset = full
        .get(length.saturating_sub(1))
        .map_or(0, |last| usize::from(last & 0x0f));
    full.iter()
        .skip(offset)
        .take(4)
        .fold(0u32, |sum, octet| (sum << 8) | u32::from(*octet))
        & 0x7fff_ffff
}

fn digest<M: Mac>(mut mac: M, counter: [u8; 8], full: &mut [u8; 32]) -> usize {
    mac.update(&counter);
    let mut out = mac.finalize().into_bytes();
    for (to, from) in full.iter_mut().zip(out.iter()) {
        *to = *from;
    }
    let length = out.len();
    out.as_mut_slice().zeroize();
    length
}

/// The URI that apps read from a QR code: `otpauth://totp/ISSUER:ACCOUNT?secret=...` (Key URI Format of Google Authenticator).
///
/// The format forbids a colon in either name, however it is encoded, so that one becomes a hyphen. An empty `issuer` is left out.
#[must_use]
pub fn uri(secret: &Secret, params: &Params, issuer: &str, account: &str) -> Zeroizing<String> {
    let issuer = escaped(issuer);
    let account = escaped(account);
    let base32 = secret.base32();
    // Enough for all of it, so that the text does not move and leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(
        96 + 2 * issuer.len() + account.len() + base32.len(),
    ));
    text.push_str("otpauth://totp/");
    if !issuer.is_empty() {
        text.push_str(&issuer);
        text.push(':');
    }
    text.push_str(&account);
    text.push_str("?secret=");
    text.push_str(&base32);
    if !issuer.is_empty() {
        text.push_str("&issuer=");
        text.push_str(&issuer);
    }
    text.push_str(match params.algorithm {
        Algorithm::Sha1 => "&algorithm=SHA1",
        Algorithm::Sha256 => "&algorithm=SHA256",
    });
    text.push_str(match params.digits {
        Digits::Six => "&digits=6",
        Digits::Eight => "&digits=8",
    });
    text.push_str("&period=30");
    text
}

/// Percent-encoded UTF-8 but for the unreserved characters (RFC 3986 section 2.3); a blank is `%20`, which all apps read.
fn escaped(name: &str) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or('0');
    let mut out = String::with_capacity(name.len());
    for octet in name.trim().bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(octet));
            }
            b':' => out.push('-'),
            _ => {
                out.push('%');
                out.push(hex(octet >> 4));
                out.push(hex(octet & 0x0f));
            }
        }
    }
    out
}
