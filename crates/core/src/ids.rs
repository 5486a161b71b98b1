//! Identifiers: 128 bits each, hexadecimal in text.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// A source of cryptographic randomness, handed in by the shell.
pub trait Rng {
    /// Fills `out` with random octets.
    fn fill(&mut self, out: &mut [u8]);
}

/// Text that is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct BadId;

macro_rules! id {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A fresh id.
            pub fn random(rng: &mut dyn Rng) -> Self {
                let mut octets = [0; 16];
                rng.fill(&mut octets);
                Self(octets)
            }

            /// A fresh id that sorts by `now`: 48 bits of milliseconds, then 80 random ones. Rows that are made together then
            /// lie together, which is half of what storing them costs. Never for what must not be guessed.
            pub fn ordered(now: Timestamp, rng: &mut dyn Rng) -> Self {
                let mut octets = [0; 16];
                rng.fill(&mut octets);
                let [_, _, time @ ..] = now.0.to_be_bytes();
                for (octet, time) in octets.iter_mut().zip(time) {
                    *octet = time;
                }
                Self(octets)
            }

            /// The id of `octets`, where there are 16.
            #[must_use]
            pub fn from_slice(octets: &[u8]) -> Option<Self> {
                octets.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let octets = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| BadId)?;
                Self::from_slice(&octets).ok_or(BadId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

id! {
    /// A person.
    UserId,
    /// A second factor of a person.
    TokenId,
    /// A protected thing.
    ResourceId,
    /// One code's life. Clients see a [`SessionId`] instead.
    ChallengeId,
    /// What a client holds of a challenge; RADIUS State. Unguessable.
    SessionId,
    /// A text in the outbox.
    MessageId,
    /// An entry in the table of RADIUS clients.
    ClientId,
    /// A provider of text messages.
    ProviderId,
    /// A directory or RADIUS server that checks passwords.
    SourceId,
    /// Names one request packet, so that a retransmit is known.
    AttemptId,
    /// A browser's session on the portal or the console; not the secret in its cookie.
    PortalSessionId,
    /// An enrolment of a token.
    EnrolmentId,
    /// A code asked for on the portal: sign-in, step-up, e-mail.
    VerificationId,
    /// An administrator.
    AdminId,
    /// A key of the REST API.
    ApiKeyId,
    /// An invitation to enrol.
    InviteId,
    /// A mail in the queue.
    MailId,
    /// A set of recovery codes.
    RecoveryId,
}

/// Short reference shown to a user and found in the audit log: 8 letters and digits of base 32.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// A fresh reference (40 bits).
    pub fn random(rng: &mut dyn Rng) -> Self {
        let mut octets = [0; 5];
        rng.fill(&mut octets);
        Self(BASE32_NOPAD.encode(&octets))
    }

    /// The eight characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
