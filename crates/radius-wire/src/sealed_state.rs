use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{SharedSecret, WireError, digest::Computed};

/// Octets of a sealed State: version, EAP identifier, expiry, HMAC-SHA-256.
pub const SEALED_STATE: usize = 1 + 1 + 8 + 32;

/// The first octet. Another layout gets another number.
const VERSION: u8 = 1;

/// What the key is for: the same secret keys other things.
const PURPOSE: &[u8] = b"otpost sealed State 1";

/// Makes and checks the State of an EAP login whose first factor is still unknown. Nothing is stored: whoever has
/// the client's secret can check it, so a flood costs no memory and a second process of the same client can
/// answer. It is not single-use: whoever repeats it is only asked for the password again.
///
/// One for each client; it never prints and is wiped on drop.
#[derive(Clone)]
pub struct StateSealer {
    mac: Hmac<Sha256>,
}

/// What a sealed State says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedState {
    /// Seconds since 1970, in UTC, from which on it is no longer taken.
    pub expires: u64,
    /// The identifier of the EAP Request it went out with.
    pub eap_identifier: u8,
}

impl StateSealer {
    /// Derives the key from the client's shared secret and name.
    ///
    /// # Errors
    /// None in practice: HMAC takes a key of any length; [`WireError::EmptySecret`] stands for the impossible.
    pub fn new(secret: &SharedSecret, client: &str) -> Result<Self, WireError> {
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).map_err(|_| WireError::EmptySecret);
        let key: [u8; 32] = keyed(secret.octets())?
            .chain_update(PURPOSE)
            .chain_update(client)
            .finalize()
            .into_bytes()
            .into();
        let key = Zeroizing::new(key);
        Ok(Self {
            mac: keyed(key.as_slice())?,
        })
    }

    /// Makes a State for this User-Name, as the request has it.
    #[must_use]
    pub fn seal(&self, state: SealedState, user: &[u8]) -> [u8; SEALED_STATE] {
        let head = state.head();
        let mac = self.mac(&head, user);
        let mut value = [0; SEALED_STATE];
        for (slot, octet) in value.iter_mut().zip(head.iter().chain(mac.octets())) {
            *slot = *octet;
        }
        value
    }

    /// Checks a State that came back with this User-Name at `now`, seconds since 1970, in UTC.
    ///
    /// # Errors
    /// [`WireError::StateUnknown`] for another length or version, [`WireError::StateForged`] and
    /// [`WireError::StateExpired`].
    pub fn open(&self, value: &[u8], user: &[u8], now: u64) -> Result<SealedState, WireError> {
        let value = value.as_array::<SEALED_STATE>().ok_or(WireError::StateUnknown)?;
        let (head, mac) = value.split_at_checked(10).ok_or(WireError::StateUnknown)?;
        let &[VERSION, eap_identifier, a, b, c, d, e, f, g, h] = head else {
            return Err(WireError::StateUnknown);
        };
        if !self.mac(head, user).matches(mac) {
            return Err(WireError::StateForged);
        }
        let expires = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        if now >= expires {
            return Err(WireError::StateExpired);
        }
        Ok(SealedState {
            expires,
            eap_identifier,
        })
    }

    /// The head has a fixed length, so head and name cannot run into each other.
    fn mac(&self, head: &[u8], user: &[u8]) -> Computed<32> {
        let mac = self.mac.clone().chain_update(head).chain_update(user);
        Computed::new(mac.finalize().into_bytes().into())
    }
}

impl std::fmt::Debug for StateSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateSealer(..)")
    }
}

impl SealedState {
    fn head(self) -> [u8; 10] {
        let [a, b, c, d, e, f, g, h] = self.expires.to_be_bytes();
        [VERSION, self.eap_identifier, a, b, c, d, e, f, g, h]
    }
}
