//! Working keys, all from one master key by HKDF-SHA-256 (RFC 5869), and sealing of single values.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Rng;
use crate::ids::{AttemptId, SessionId};

/// Length of the master key and of every working key, in octets.
pub const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;

/// The one secret everything else is derived from. Never in the database, never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; KEY_LEN]);

impl MasterKey {
    /// Takes the key's octets.
    #[must_use]
    pub fn new(octets: [u8; KEY_LEN]) -> Self {
        Self(octets)
    }

    /// A fresh key.
    pub fn random(rng: &mut dyn Rng) -> Self {
        let mut octets = [0; KEY_LEN];
        rng.fill(&mut octets);
        Self(octets)
    }

    /// The octets, for writing the key file.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// A sealed value cannot be opened: another key, another row, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened with the present master key")]
pub struct Unsealable;

/// The working keys.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Keyring {
    #[zeroize(skip)]
    id: u32,
    code: [u8; KEY_LEN],
    seal: [u8; KEY_LEN],
    index: [u8; KEY_LEN],
    attempt: [u8; KEY_LEN],
    password: [u8; KEY_LEN],
    session: [u8; KEY_LEN],
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({:08x})", self.id)
    }
}

impl Keyring {
    /// Derives the working keys of `master`.
    #[must_use]
    pub fn derive(master: &MasterKey) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, master.expose());
        let key = |info: &str| {
            let mut out = [0; KEY_LEN];
            // Expansion fails only above 255 * 32 octets.
            let _ = hkdf.expand(info.as_bytes(), &mut out);
            out
        };
        let name = key("otpost/key-id/1");
        let id = name
            .iter()
            .take(4)
            .fold(0, |id, octet| (id << 8) | u32::from(*octet));
        Self {
            id,
            code: key("otpost/code-key/1"),
            seal: key("otpost/seal-key/1"),
            index: key("otpost/index-key/1"),
            attempt: key("otpost/attempt-key/1"),
            password: key("otpost/password-tag-key/1"),
            session: key("otpost/session-key/1"),
        }
    }

    /// Names this keyring in sealed rows; says nothing about the key.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The key codes are derived with.
    pub(crate) fn code_key(&self) -> &[u8; KEY_LEN] {
        &self.code
    }

    /// Seals `plain` for the row that `aad` names (AES-256-GCM, random nonce in front).
    pub fn seal(&self, plain: &[u8], aad: &[u8], rng: &mut dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let cipher = Aes256Gcm::new(&self.seal.into());
        // Encryption fails only above 64 GiB; an empty box cannot be opened, so nothing is lost silently.
        let boxed = cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
            .unwrap_or_default();
        let mut out = Vec::with_capacity(NONCE_LEN + boxed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&boxed);
        out
    }

    /// Opens what [`Self::seal`] made for the same `aad`.
    ///
    /// # Errors
    /// [`Unsealable`] for another key, another row, or damage.
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, boxed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unsealable)?;
        let cipher = Aes256Gcm::new(&self.seal.into());
        cipher
            .decrypt(&Nonce::from(*nonce), Payload { msg: boxed, aad })
            .map(Zeroizing::new)
            .map_err(|_| Unsealable)
    }

    /// Keyed blind index of `value` within `kind`: equal values are found, none is read back.
    #[must_use]
    pub fn index(&self, kind: &str, value: &[u8]) -> [u8; 32] {
        mac(&self.index, &[kind.as_bytes(), value])
    }

    /// Names a request packet by what the caller says of it.
    #[must_use]
    pub fn attempt(&self, channel: &str, packet: &[u8]) -> AttemptId {
        let full = mac(&self.attempt, &[channel.as_bytes(), packet]);
        AttemptId::from_slice(full.get(..16).unwrap_or(&[])).unwrap_or(AttemptId([0; 16]))
    }

    /// The session that the request `attempt` is given. To anybody without the key it is random; the same packet finds its
    /// session again, on this node or another.
    #[must_use]
    pub fn session(&self, attempt: AttemptId) -> SessionId {
        let full = mac(&self.session, &[&attempt.0]);
        SessionId::from_slice(full.get(..16).unwrap_or(&[])).unwrap_or(SessionId([0; 16]))
    }

    /// Keyed tag of a typed password, for "the same password within 20 seconds". Salted with the user.
    #[must_use]
    pub fn password_tag(&self, user: &[u8], password: &str) -> [u8; 32] {
        mac(&self.password, &[user, password.as_bytes()])
    }
}

/// HMAC-SHA-256 over length-prefixed parts.
pub(crate) fn mac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
