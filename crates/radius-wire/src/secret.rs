use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

use crate::{WireError, digest::Computed};

/// A Request or Response Authenticator (RFC 2865 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Authenticator(pub [u8; 16]);

/// The secret a RADIUS client shares with the server, as hash states ready for use. Never empty, never
/// printed, wiped on drop.
#[derive(Clone)]
pub struct SharedSecret {
    /// HMAC-MD5 keyed with the secret.
    mac: Hmac<Md5>,
    /// MD5 that has swallowed the secret: where password hiding starts.
    prefix: Md5,
    /// The secret itself: the Response Authenticator has it at the end.
    octets: zeroize::Zeroizing<Box<[u8]>>,
}

impl SharedSecret {
    /// Takes the secret's octets as both sides have them.
    ///
    /// # Errors
    /// [`WireError::EmptySecret`].
    pub fn new(octets: &[u8]) -> Result<Self, WireError> {
        if octets.is_empty() {
            return Err(WireError::EmptySecret);
        }
        // HMAC takes a key of any length (RFC 2104), so this arm is never taken.
        let mac = Hmac::new_from_slice(octets).map_err(|_| WireError::EmptySecret)?;
        let prefix = Md5::new_with_prefix(octets);
        Ok(Self {
            mac,
            prefix,
            octets: zeroize::Zeroizing::new(octets.into()),
        })
    }

    /// HMAC-MD5 over `parts`, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Computed<16> {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part);
        }
        Computed::new(mac.finalize().into_bytes().into())
    }

    /// MD5 over the secret and then `parts` (RFC 2865 section 5.2, RFC 2548 section 2.4.2).
    pub(crate) fn keystream(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut md5 = self.prefix.clone();
        for part in parts {
            md5.update(part);
        }
        md5.finalize().into()
    }

    /// MD5 over `parts` and then the secret (Response Authenticator, and the Request Authenticator of
    /// accounting).
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Computed<16> {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        md5.update(&**self.octets);
        Computed::new(md5.finalize().into())
    }

    /// For keys derived from the secret.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}
