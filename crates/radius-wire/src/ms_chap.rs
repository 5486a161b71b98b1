use std::fmt;

use des::{
    Des,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use md4::{Digest, Md4};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::{Attribute, MICROSOFT, MppeKeys, Packet, WireError, digest::Computed};

/// MS-CHAP-Response (RFC 2548 section 2.1.3).
const RESPONSE_V1: u8 = 1;
/// MS-CHAP-Challenge (RFC 2548 section 2.1.2).
pub(crate) const CHALLENGE: u8 = 11;
/// MS-CHAP2-Response (RFC 2548 section 2.3.2).
pub(crate) const RESPONSE_V2: u8 = 25;
/// MS-CHAP2-Success (RFC 2548 section 2.3.3).
pub(crate) const SUCCESS: u8 = 26;

/// Octets of either response: identifier, flags, 24 + 24.
const RESPONSE: usize = 50;

/// Octets of MS-CHAP2-Success: identifier, `S=`, 40 hex digits.
const SUCCESS_LENGTH: usize = 43;

/// What RFC 2759 section 8.7 mixes into the authenticator response.
const MAGIC_1: &[u8] = b"Magic server to client signing constant";
const MAGIC_2: &[u8] = b"Pad to make it do more than one iteration";

/// A login by MS-CHAP, of either version.
#[derive(Debug, Clone, Copy)]
pub enum MsChap<'a> {
    /// RFC 2433. Weak: refuse it unless an administrator asks for it.
    V1(MsChapV1<'a>),
    /// RFC 2759.
    V2(MsChapV2<'a>),
}

/// An MS-CHAP-Response and its challenge (RFC 2433). The LAN Manager half is never looked at.
#[derive(Clone, Copy)]
pub struct MsChapV1<'a> {
    identifier: u8,
    challenge: &'a [u8; 8],
    response: &'a [u8; 24],
}

/// An MS-CHAP2-Response and its challenge (RFC 2759).
#[derive(Clone, Copy)]
pub struct MsChapV2<'a> {
    identifier: u8,
    challenge: &'a [u8; 16],
    peer_challenge: &'a [u8; 16],
    response: &'a [u8; 24],
}

impl<'a> MsChap<'a> {
    /// Finds MS-CHAP-Challenge with MS-CHAP-Response or MS-CHAP2-Response among Microsoft's attributes. `None`
    /// without a response.
    ///
    /// # Errors
    /// [`WireError::VendorAttribute`], [`WireError::MsChapDoubled`], [`WireError::MsChapLength`],
    /// [`WireError::MsChapChallengeMissing`] or [`WireError::MsChapLanManager`].
    pub fn read(packet: &Packet<'a>) -> Result<Option<Self>, WireError> {
        let (mut challenge, mut response) = (None, None);
        for attribute in packet.vendor(MICROSOFT) {
            let attribute = attribute?;
            let slot = match attribute.kind {
                CHALLENGE => &mut challenge,
                RESPONSE_V1 | RESPONSE_V2 => &mut response,
                _ => continue,
            };
            if slot.replace(attribute).is_some() {
                return Err(WireError::MsChapDoubled);
            }
        }
        let Some(response) = response else {
            return Ok(None);
        };
        let length = |of: Attribute<'_>| WireError::MsChapLength {
            kind: of.kind,
            length: of.value.len(),
        };
        let value = response
            .value
            .as_array::<RESPONSE>()
            .ok_or_else(|| length(response))?;
        let challenge = challenge.ok_or(WireError::MsChapChallengeMissing)?;
        let [identifier, flags, middle @ ..] = value;
        // Version 1: LAN Manager and NT response. Version 2: peer's challenge, eight zeros, response.
        let (Some(peer_challenge), Some(last)) = (middle.first_chunk::<16>(), middle.last_chunk::<24>())
        else {
            return Err(length(response));
        };
        let identifier = *identifier;
        if response.kind == RESPONSE_V2 {
            return Ok(Some(Self::V2(MsChapV2 {
                identifier,
                challenge: challenge.value.as_array().ok_or_else(|| length(challenge))?,
                peer_challenge,
                response: last,
            })));
        }
        // The lowest flag: the NT response is there and meant.
        if flags & 1 == 0 {
            return Err(WireError::MsChapLanManager);
        }
        Ok(Some(Self::V1(MsChapV1 {
            identifier,
            challenge: challenge.value.as_array().ok_or_else(|| length(challenge))?,
            response: last,
        })))
    }

    /// The response's identifier: what MS-CHAP-Error and MS-CHAP2-Success repeat.
    #[must_use]
    pub fn identifier(&self) -> u8 {
        match self {
            Self::V1(response) => response.identifier,
            Self::V2(response) => response.identifier,
        }
    }
}

impl MsChapV1<'_> {
    /// Whether the response was made with this password, in constant time.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        challenge_response(*self.challenge, &nt_hash(password)).matches(self.response)
    }
}

impl<'a> MsChapV2<'a> {
    /// A login whose parts are known already.
    #[must_use]
    pub fn new(
        identifier: u8,
        challenge: &'a [u8; 16],
        peer_challenge: &'a [u8; 16],
        response: &'a [u8; 24],
    ) -> Self {
        Self {
            identifier,
            challenge,
            peer_challenge,
            response,
        }
    }
}

impl<'a> MsChapV2<'a> {
    /// Ident.
    #[must_use]
    pub fn identifier(&self) -> u8 {
        self.identifier
    }

    /// MS-CHAP-Challenge.
    #[must_use]
    pub fn challenge(&self) -> &'a [u8; 16] {
        self.challenge
    }

    /// Peer-Challenge.
    #[must_use]
    pub fn peer_challenge(&self) -> &'a [u8; 16] {
        self.peer_challenge
    }

    /// NT-Response: for whoever knows the password, to be kept like one.
    #[must_use]
    pub fn response(&self) -> &'a [u8; 24] {
        self.response
    }
}

impl MsChapV2<'_> {
    /// Checks the response against a password, in constant time, and says what to tell the peer and which keys
    /// come of it. `user` is User-Name as it came; a domain before it, `DOMAIN\user`, is part of the response
    /// with some peers and not with others (RFC 2759 section 4 says it is not), so both are tried.
    #[must_use]
    pub fn verify(&self, user: &[u8], password: &str) -> Option<MsChapV2Accepted> {
        let hash = nt_hash(password);
        [Some(user), without_domain(user)]
            .into_iter()
            .flatten()
            .map(|user| challenge_hash(self.peer_challenge, self.challenge, user))
            .find(|challenge| challenge_response(*challenge, &hash).matches(self.response))
            .map(|challenge| MsChapV2Accepted::new(self.identifier, challenge, &hash, self.response))
    }
}

/// What follows from a right MS-CHAPv2 response.
pub struct MsChapV2Accepted {
    success: [u8; SUCCESS_LENGTH],
    keys: MppeKeys,
}

impl MsChapV2Accepted {
    fn new(identifier: u8, challenge: [u8; 8], hash: &[u8; 16], response: &[u8; 24]) -> Self {
        let hash_hash = md4(hash);
        let digest = Sha1::new()
            .chain_update(*hash_hash)
            .chain_update(response)
            .chain_update(MAGIC_1)
            .finalize();
        let digest: [u8; 20] = Sha1::new()
            .chain_update(digest)
            .chain_update(challenge)
            .chain_update(MAGIC_2)
            .finalize()
            .into();
        let mut success = [identifier; SUCCESS_LENGTH];
        let text = [b'S', b'='].into_iter().chain(
            digest
                .into_iter()
                .flat_map(|octet| [octet >> 4, octet & 15].map(hex)),
        );
        for (slot, octet) in success.iter_mut().skip(1).zip(text) {
            *slot = octet;
        }
        Self {
            success,
            keys: MppeKeys::of_ms_chap(&hash_hash, response),
        }
    }

    /// The value of MS-CHAP2-Success: the response's identifier and `S=` with 40 hex digits (RFC 2759 section 5).
    #[must_use]
    pub fn success(&self) -> &[u8; SUCCESS_LENGTH] {
        &self.success
    }

    /// Keys for the tunnel's encryption.
    #[must_use]
    pub fn keys(&self) -> &MppeKeys {
        &self.keys
    }

    /// For a client: whether the server's reply has this MS-CHAP2-Success, which proves that the server knows
    /// the password too. In constant time; a text may follow (`M=...`).
    #[must_use]
    pub fn is_proven_by(&self, reply: &Packet<'_>) -> bool {
        let expected = Computed::new(self.success);
        reply
            .vendor(MICROSOFT)
            .flatten()
            .filter(|attribute| attribute.kind == SUCCESS)
            .any(|attribute| expected.matches(attribute.value.get(..SUCCESS_LENGTH).unwrap_or_default()))
    }
}

/// What a client needs for a login by MS-CHAPv2.
#[derive(Clone, Copy)]
pub struct MsChapV2Credentials<'a> {
    /// The response's identifier.
    pub identifier: u8,
    /// The name, without domain.
    pub user: &'a [u8],
    /// The password.
    pub password: &'a str,
    /// Fresh random octets, in the VPN's place.
    pub authenticator_challenge: [u8; 16],
    /// Fresh random octets, in the peer's place.
    pub peer_challenge: [u8; 16],
}

impl MsChapV2Credentials<'_> {
    /// The value of MS-CHAP2-Response.
    #[must_use]
    pub fn response(&self) -> [u8; RESPONSE] {
        let (_, nt_response) = self.compute();
        let head = [self.identifier, 0];
        let parts = head
            .iter()
            .chain(&self.peer_challenge)
            .chain(&[0; 8])
            .chain(nt_response.octets());
        let mut value = [0; RESPONSE];
        for (slot, octet) in value.iter_mut().zip(parts) {
            *slot = *octet;
        }
        value
    }

    /// What a server that knows the password will say, and the keys.
    #[must_use]
    pub fn expected(&self) -> MsChapV2Accepted {
        let (challenge, nt_response) = self.compute();
        let hash = nt_hash(self.password);
        MsChapV2Accepted::new(self.identifier, challenge, &hash, nt_response.octets())
    }

    fn compute(&self) -> ([u8; 8], Computed<24>) {
        let challenge = challenge_hash(&self.peer_challenge, &self.authenticator_challenge, self.user);
        (challenge, challenge_response(challenge, &nt_hash(self.password)))
    }
}

/// Nothing of a response is ever printed: a short code can be guessed from it.
macro_rules! closed {
    ($($name:ident $(<$life:lifetime>)?),*) => {$(
        impl fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

closed!(
    MsChapV1<'_>,
    MsChapV2<'_>,
    MsChapV2Accepted,
    MsChapV2Credentials<'_>
);

/// NtPasswordHash (RFC 2759 section 8.3): MD4 over the password as UTF-16, little endian.
fn nt_hash(password: &str) -> Zeroizing<[u8; 16]> {
    let mut md4 = Md4::new();
    for unit in password.encode_utf16() {
        md4.update(unit.to_le_bytes());
    }
    Zeroizing::new(md4.finalize().into())
}

fn md4(octets: &[u8]) -> Zeroizing<[u8; 16]> {
    Zeroizing::new(Md4::digest(octets).into())
}

/// ChallengeHash (RFC 2759 section 8.2).
fn challenge_hash(peer: &[u8; 16], authenticator: &[u8; 16], user: &[u8]) -> [u8; 8] {
    let digest: [u8; 20] = Sha1::new()
        .chain_update(peer)
        .chain_update(authenticator)
        .chain_update(user)
        .finalize()
        .into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

/// ChallengeResponse (RFC 2759 section 8.5): the challenge under DES with three keys cut from the hash.
fn challenge_response(challenge: [u8; 8], hash: &[u8; 16]) -> Computed<24> {
    let mut padded = Zeroizing::new([0; 21]);
    for (slot, octet) in padded.iter_mut().zip(hash) {
        *slot = *octet;
    }
    let mut response = [0; 24];
    let (keys, _) = padded.as_chunks::<7>();
    let (blocks, _) = response.as_chunks_mut::<8>();
    for (key, slot) in keys.iter().zip(blocks) {
        let key = des_key(*key);
        let mut block = challenge.into();
        Des::new((&*key).into()).encrypt_block(&mut block);
        *slot = block.into();
    }
    Computed::new(response)
}

/// Spreads 56 bits over the upper seven of eight octets; DES ignores the lowest, parity.
fn des_key([a, b, c, d, e, f, g]: [u8; 7]) -> Zeroizing<[u8; 8]> {
    Zeroizing::new([
        a,
        a << 7 | b >> 1,
        b << 6 | c >> 2,
        c << 5 | d >> 3,
        d << 4 | e >> 4,
        e << 3 | f >> 5,
        f << 2 | g >> 6,
        g << 1,
    ])
}

/// What stands behind `DOMAIN\`.
fn without_domain(user: &[u8]) -> Option<&[u8]> {
    let at = user.iter().position(|octet| *octet == b'\\')?;
    user.get(at + 1..)
}

/// The upper-case hex digit of 0..=15.
fn hex(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + nibble - 10,
    }
}
