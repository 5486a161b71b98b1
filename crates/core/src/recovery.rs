//! Recovery codes: ten, each good once, for when no other factor is at hand.
//!
//! A code reads `7f-kx3m-pq9t`: two public characters that name it within its set, and eight secret ones (38 bits). Below 112 bits a
//! code must be kept as a salted password hash (ASVS 5.0, 6.5.2); thanks to the public part one try costs one hash, not ten. The
//! hash is made and checked by the shell.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::{Rng, Timestamp};

/// How many codes a set has.
pub const COUNT: usize = 10;
/// What codes are made of: no vowels, so that no words appear, and none of the look-alikes 0, 1, i, l, o.
const ALPHABET: &[u8; 28] = b"23456789bcdfghjkmnpqrstvwxyz";
/// The largest multiple of the alphabet's length that an octet can hold: what lies above is drawn again.
const FAIR: u8 = 252;
const INDEX_LEN: usize = 2;
const SECRET_LEN: usize = 8;

/// The public part: names a code within its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index([u8; INDEX_LEN]);

/// Text that is no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the first part of a recovery code is two of 23456789bcdfghjkmnpqrstvwxyz")]
pub struct BadIndex;

impl Index {
    fn parse(text: &str) -> Result<Self, BadIndex> {
        let octets: [u8; INDEX_LEN] = text.as_bytes().try_into().map_err(|_| BadIndex)?;
        if octets.iter().all(|octet| ALPHABET.contains(octet)) {
            Ok(Self(octets))
        } else {
            Err(BadIndex)
        }
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.0;
        write!(f, "{}{}", char::from(a), char::from(b))
    }
}

impl Serialize for Index {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A fresh code in plain text, to be shown once. Does not print, is wiped.
pub struct RecoveryCode {
    index: Index,
    secret: Zeroizing<String>,
}

impl RecoveryCode {
    /// The public part.
    #[must_use]
    pub fn index(&self) -> Index {
        self.index
    }

    /// The secret part as [`parse`] returns it: what is hashed.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The whole code as people see it: `7f-kx3m-pq9t`.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let (left, right) = self.secret.split_at_checked(SECRET_LEN / 2).unwrap_or_default();
        Zeroizing::new(format!("{}-{left}-{right}", self.index))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryCode({}-..)", self.index)
    }
}

/// A fresh set of [`COUNT`] codes; no two share their public part.
pub fn generate(rng: &mut dyn Rng) -> Vec<RecoveryCode> {
    let mut codes: Vec<RecoveryCode> = Vec::with_capacity(COUNT);
    while codes.len() < COUNT {
        let mut index = Index([letter(rng), letter(rng)]);
        // The public part need not be random, only unlike the others.
        while codes.iter().any(|code| code.index == index) {
            index = next(index);
        }
        let mut secret = Zeroizing::new(String::with_capacity(SECRET_LEN));
        for _ in 0..SECRET_LEN {
            secret.push(char::from(letter(rng)));
        }
        codes.push(RecoveryCode { index, secret });
    }
    codes
}

/// One letter, each as likely as the others.
fn letter(rng: &mut dyn Rng) -> u8 {
    loop {
        let mut octet = Zeroizing::new([0u8; 1]);
        rng.fill(octet.as_mut_slice());
        let [drawn] = *octet;
        if drawn < FAIR
            && let Some(letter) = ALPHABET.get(usize::from(drawn) % ALPHABET.len())
        {
            return *letter;
        }
    }
}

/// Another index; all 784 come in turn.
fn next(index: Index) -> Index {
    let after = |letter: u8| {
        let mut rest = ALPHABET
            .iter()
            .copied()
            .skip_while(|known| *known != letter)
            .skip(1);
        rest.next()
    };
    let [first, second] = index.0;
    let [start, ..] = *ALPHABET;
    match after(second) {
        Some(second) => Index([first, second]),
        None => Index([after(first).unwrap_or(start), start]),
    }
}

/// Reads a code as people type it: case, blanks, hyphens and dashes do not count.
///
/// `None` for anything that cannot be a code. The look-alikes 0, 1, i, l and o stand for nothing in the alphabet, so a code that
/// has one is misread, and no guess is made.
#[must_use]
pub fn parse(typed: &str) -> Option<(Index, Zeroizing<String>)> {
    let mut clean = Zeroizing::new([0u8; INDEX_LEN + SECRET_LEN]);
    let mut length = 0;
    // Word processors turn hyphens into dashes (U+2010 to U+2015, U+2212).
    let separator = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    for typed in typed.chars().filter(|c| !separator(c)) {
        let letter = u8::try_from(typed).ok()?.to_ascii_lowercase();
        if !ALPHABET.contains(&letter) {
            return None;
        }
        *clean.get_mut(length)? = letter;
        length += 1;
    }
    if length < clean.len() {
        return None;
    }
    let (index, secret) = clean.split_first_chunk::<INDEX_LEN>()?;
    let mut text = Zeroizing::new(String::with_capacity(SECRET_LEN));
    text.extend(secret.iter().copied().map(char::from));
    Some((Index(*index), text))
}

/// A code as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stored {
    /// Public part.
    pub index: Index,
    /// Hash of the secret part, in PHC form.
    pub hash: String,
    /// When it was used up.
    #[serde(default)]
    pub used: Option<Timestamp>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("index", &self.index)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// The codes of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Set {
    /// All of them, used ones too.
    pub codes: Vec<Stored>,
    /// When they were made.
    pub created: Timestamp,
}

impl Set {
    /// The code to compare with, where it is still good; a used one is not found.
    #[must_use]
    pub fn find(&self, index: Index) -> Option<&Stored> {
        self.codes
            .iter()
            .find(|code| code.index == index && code.used.is_none())
    }

    /// How many are still good.
    #[must_use]
    pub fn left(&self) -> usize {
        self.codes.iter().filter(|code| code.used.is_none()).count()
    }

    /// Uses a code up. False where there is none, or it was used before: then nobody may be let in by it.
    #[must_use]
    pub fn use_up(&mut self, index: Index, now: Timestamp) -> bool {
        let code = self
            .codes
            .iter_mut()
            .find(|code| code.index == index && code.used.is_none());
        match code {
            Some(code) => {
                code.used = Some(now);
                true
            }
            None => false,
        }
    }
}
