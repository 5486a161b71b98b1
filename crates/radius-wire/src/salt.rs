use zeroize::Zeroizing;

use crate::{Authenticator, SharedSecret, WireError};

/// The longest value that can be hidden: its length octet and 239 octets are 15 blocks.
const MAX_HIDDEN_VALUE: usize = 239;

/// The longest hidden value: salt and 15 blocks.
pub const MAX_SALTED: usize = 2 + MAX_HIDDEN_VALUE + 1;

/// What makes two hidden values of one packet differ (RFC 2548 section 2.4.2, RFC 2868 section 3.5). The highest
/// bit is always set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 2]);

impl Salt {
    /// Takes two random octets.
    #[must_use]
    pub const fn new(random: [u8; 2]) -> Self {
        let [high, low] = random;
        Self([high | 0x80, low])
    }

    /// Another one, for the second value of the same packet.
    #[must_use]
    pub const fn other(self) -> Self {
        let [high, low] = self.0;
        Self([high, low ^ 1])
    }
}

/// Hides a value with a salt (RFC 2548 section 2.4.2): MS-MPPE keys, and Tunnel-Password behind its tag. `request`
/// is the request's authenticator. Returns salt and hidden octets, and how many of them count.
///
/// # Errors
/// [`WireError::SaltedTooLong`] over 239 octets.
pub fn hide_salted(
    value: &[u8],
    salt: Salt,
    secret: &SharedSecret,
    request: &Authenticator,
) -> Result<([u8; MAX_SALTED], usize), WireError> {
    let too_long = WireError::SaltedTooLong(value.len());
    if value.len() > MAX_HIDDEN_VALUE {
        return Err(too_long);
    }
    let length = u8::try_from(value.len()).map_err(|_| too_long)?;
    let blocks = (value.len() + 1).div_ceil(16);
    let mut hidden = [0; MAX_SALTED];
    let plain = salt.0.iter().chain(std::iter::once(&length)).chain(value);
    for (slot, octet) in hidden.iter_mut().zip(plain) {
        *slot = *octet;
    }
    let (_, body) = hidden.split_at_mut_checked(2).unwrap_or_default();
    let mut previous: Option<[u8; 16]> = None;
    for block in body.as_chunks_mut::<16>().0.iter_mut().take(blocks) {
        xor(block, &key(previous.as_ref(), salt.0, secret, request));
        previous = Some(*block);
    }
    Ok((hidden, 2 + 16 * blocks))
}

/// Reveals a value hidden with a salt: keys in an upstream server's reply. `request` is the authenticator of the
/// request that was sent there.
///
/// # Errors
/// [`WireError::SaltedLength`]: not salt and whole blocks, or the length inside is more than there is, which
/// another shared secret does too.
pub fn reveal_salted(
    hidden: &[u8],
    secret: &SharedSecret,
    request: &Authenticator,
) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let wrong = WireError::SaltedLength(hidden.len());
    let (salt, body) = hidden.split_first_chunk::<2>().ok_or(wrong)?;
    let (blocks, rest) = body.as_chunks::<16>();
    if blocks.is_empty() || !rest.is_empty() || hidden.len() > MAX_SALTED {
        return Err(wrong);
    }
    // Full capacity at once: growing would leave copies behind.
    let mut value = Zeroizing::new(Vec::with_capacity(MAX_SALTED));
    let mut previous = None;
    for block in blocks {
        let mut plain = Zeroizing::new(*block);
        xor(&mut plain, &key(previous, *salt, secret, request));
        value.extend_from_slice(plain.as_slice());
        previous = Some(block);
    }
    let length = value.first().copied().map_or(0, usize::from);
    if length >= value.len() {
        return Err(wrong);
    }
    value.copy_within(1..=length, 0);
    value.truncate(length);
    Ok(value)
}

/// MD5 over secret, authenticator and salt for the first block; over secret and the block before for the others.
fn key(
    previous: Option<&[u8; 16]>,
    salt: [u8; 2],
    secret: &SharedSecret,
    request: &Authenticator,
) -> Zeroizing<[u8; 16]> {
    Zeroizing::new(match previous {
        None => secret.keystream(&[&request.0, &salt]),
        Some(previous) => secret.keystream(&[previous]),
    })
}

fn xor(block: &mut [u8; 16], key: &[u8; 16]) {
    for (slot, key) in block.iter_mut().zip(key) {
        *slot ^= key;
    }
}
