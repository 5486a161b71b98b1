use std::fmt;

use md5::{Digest, Md5};

use crate::{HEADER, Packet, WireError, attribute, digest::Computed};

/// Octets of a CHAP-Password: identifier and MD5.
const VALUE: usize = 17;

/// The shortest CHAP-Challenge (RFC 2865 section 5.40: Length >= 7).
const MIN_CHALLENGE: usize = 5;

/// A login by CHAP (RFC 2865 sections 2.2 and 5.3). It can be checked only by who knows the password: here, the
/// code that was sent.
#[derive(Clone, Copy)]
pub struct Chap<'a> {
    identifier: u8,
    response: &'a [u8; 16],
    challenge: &'a [u8],
}

impl<'a> Chap<'a> {
    /// Finds CHAP-Password, and its challenge: CHAP-Challenge, or else the Request Authenticator. `None` without
    /// CHAP-Password.
    ///
    /// # Errors
    /// [`WireError::Doubled`], [`WireError::ChapPasswordLength`] or [`WireError::ChapChallengeLength`].
    pub fn read(packet: &Packet<'a>) -> Result<Option<Self>, WireError> {
        let Some(value) = packet.only(attribute::CHAP_PASSWORD)? else {
            return Ok(None);
        };
        let [identifier, response @ ..] = value
            .as_array::<VALUE>()
            .ok_or(WireError::ChapPasswordLength(value.len()))?;
        let challenge = match packet.only(attribute::CHAP_CHALLENGE)? {
            Some(challenge) => check_challenge(challenge)?,
            None => packet.octets().get(4..HEADER).unwrap_or_default(),
        };
        Ok(Some(Self {
            identifier: *identifier,
            response,
            challenge,
        }))
    }

    /// A login whose parts are known already.
    #[must_use]
    pub fn new(identifier: u8, challenge: &'a [u8], response: &'a [u8; 16]) -> Self {
        Self {
            identifier,
            response,
            challenge,
        }
    }

    /// CHAP Identifier.
    #[must_use]
    pub fn identifier(&self) -> u8 {
        self.identifier
    }

    /// The challenge.
    #[must_use]
    pub fn challenge(&self) -> &'a [u8] {
        self.challenge
    }

    /// The response: for whoever knows the password, to be kept like one.
    #[must_use]
    pub fn response(&self) -> &'a [u8; 16] {
        self.response
    }

    /// Whether the response was made with this password, in constant time.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        respond(self.identifier, password, self.challenge).matches(self.response)
    }
}

impl fmt::Debug for Chap<'_> {
    /// Nothing of the response: a short code can be guessed from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chap(..)")
    }
}

/// Lets a challenge through that is long enough.
pub(crate) fn check_challenge(challenge: &[u8]) -> Result<&[u8], WireError> {
    if challenge.len() < MIN_CHALLENGE {
        return Err(WireError::ChapChallengeLength(challenge.len()));
    }
    Ok(challenge)
}

/// The value of a CHAP-Password (RFC 2865 section 5.3).
pub(crate) fn password_value(identifier: u8, password: &[u8], challenge: &[u8]) -> [u8; VALUE] {
    let mut value = [identifier; VALUE];
    let [_, response @ ..] = &mut value;
    *response = *respond(identifier, password, challenge).octets();
    value
}

/// MD5 over identifier, password and challenge (RFC 1994 section 4.1).
fn respond(identifier: u8, password: &[u8], challenge: &[u8]) -> Computed<16> {
    let md5 = Md5::new()
        .chain_update([identifier])
        .chain_update(password)
        .chain_update(challenge);
    Computed::new(md5.finalize().into())
}
