use std::fmt;

use sha1::{Digest, Sha1};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// MS-MPPE-Encryption-Policy (RFC 2548 section 2.4.4).
pub(crate) const POLICY: u8 = 7;
/// MS-MPPE-Encryption-Types (RFC 2548 section 2.4.5).
pub(crate) const TYPES: u8 = 8;
/// MS-MPPE-Send-Key (RFC 2548 section 2.4.2).
pub(crate) const SEND_KEY: u8 = 16;
/// MS-MPPE-Recv-Key (RFC 2548 section 2.4.3).
pub(crate) const RECV_KEY: u8 = 17;

/// What RFC 3079 section 3.3 mixes into the master key.
const MAGIC_1: &[u8] = b"This is the MPPE Master Key";
/// The server's receive key.
const MAGIC_2: &[u8] =
    b"On the client side, this is the send key; on the server side, it is the receive key.";
/// The server's send key.
const MAGIC_3: &[u8] =
    b"On the client side, this is the receive key; on the server side, it is the send key.";

/// The start keys of a tunnel with MPPE, from the VPN's side. Never printed, wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MppeKeys {
    send: [u8; 16],
    recv: [u8; 16],
}

impl MppeKeys {
    /// Derives the 128 bit start keys of an MS-CHAPv2 login (RFC 3079 section 3.3), from which the VPN derives
    /// shorter ones itself. `hash_hash` is MD4 of the password's NT hash.
    pub(crate) fn of_ms_chap(hash_hash: &[u8; 16], response: &[u8; 24]) -> Self {
        let master = first_16(
            Sha1::new()
                .chain_update(hash_hash)
                .chain_update(response)
                .chain_update(MAGIC_1),
        );
        let start = |magic: &[u8]| {
            first_16(
                Sha1::new()
                    .chain_update(*master)
                    .chain_update([0; 40])
                    .chain_update(magic)
                    .chain_update([0xf2; 40]),
            )
        };
        Self {
            send: *start(MAGIC_3),
            recv: *start(MAGIC_2),
        }
    }

    /// For what the VPN sends: MS-MPPE-Send-Key.
    #[must_use]
    pub fn send(&self) -> &[u8; 16] {
        &self.send
    }

    /// For what the VPN receives: MS-MPPE-Recv-Key.
    #[must_use]
    pub fn recv(&self) -> &[u8; 16] {
        &self.recv
    }
}

impl fmt::Debug for MppeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MppeKeys(..)")
    }
}

/// Whether the VPN must encrypt the tunnel with MPPE, and how strongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MppeEncryption {
    /// It may, with 40 or 128 bits.
    Allowed,
    /// It must, with 128 bits.
    Required,
}

impl MppeEncryption {
    /// 1 = allowed, 2 = required (RFC 2548 section 2.4.4).
    pub(crate) fn policy(self) -> [u8; 4] {
        [0, 0, 0, if self == Self::Required { 2 } else { 1 }]
    }

    /// 2 = 40 bits, 4 = 128 bits, 6 = either (RFC 2548 section 2.4.5).
    pub(crate) fn types(self) -> [u8; 4] {
        [0, 0, 0, if self == Self::Required { 4 } else { 6 }]
    }
}

fn first_16(sha1: Sha1) -> Zeroizing<[u8; 16]> {
    let digest: Zeroizing<[u8; 20]> = Zeroizing::new(sha1.finalize().into());
    let mut first = Zeroizing::new([0; 16]);
    for (slot, octet) in first.iter_mut().zip(digest.iter()) {
        *slot = *octet;
    }
    first
}
