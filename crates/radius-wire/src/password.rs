use zeroize::Zeroizing;

use crate::{Authenticator, SharedSecret, WireError};

/// The longest password User-Password carries (RFC 2865 section 5.2).
pub const MAX_PASSWORD: usize = 128;

/// Reveals a User-Password (RFC 2865 section 5.2). Only the padding, NULs at the end, is taken off: a NUL
/// inside belongs to the password.
///
/// # Errors
/// [`WireError::PasswordLength`] unless 16..=128 octets in steps of 16.
pub fn reveal_password(
    hidden: &[u8],
    secret: &SharedSecret,
    authenticator: &Authenticator,
) -> Result<Zeroizing<Vec<u8>>, WireError> {
    if hidden.is_empty() || hidden.len() > MAX_PASSWORD || !hidden.len().is_multiple_of(16) {
        return Err(WireError::PasswordLength(hidden.len()));
    }
    // Full capacity at once: growing would leave copies behind.
    let mut password = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD));
    let mut previous: &[u8] = &authenticator.0;
    for block in hidden.chunks_exact(16) {
        let key = Zeroizing::new(secret.keystream(&[previous]));
        password.extend(block.iter().zip(key.iter()).map(|(octet, key)| octet ^ key));
        previous = block;
    }
    let length = password
        .iter()
        .rposition(|&octet| octet != 0)
        .map_or(0, |last| last + 1);
    password.truncate(length);
    Ok(password)
}

/// Hides a password for a request with this authenticator (RFC 2865 section 5.2). Returns the value of
/// User-Password and how many of its octets count.
///
/// # Errors
/// [`WireError::PasswordTooLong`].
pub fn hide_password(
    password: &[u8],
    secret: &SharedSecret,
    authenticator: &Authenticator,
) -> Result<([u8; MAX_PASSWORD], usize), WireError> {
    if password.len() > MAX_PASSWORD {
        return Err(WireError::PasswordTooLong(password.len()));
    }
    let mut hidden = [0_u8; MAX_PASSWORD];
    for (slot, octet) in hidden.iter_mut().zip(password) {
        *slot = *octet;
    }
    let length = password.len().max(1).next_multiple_of(16);
    let mut previous = authenticator.0;
    for block in hidden.as_chunks_mut::<16>().0.iter_mut().take(length / 16) {
        let key = Zeroizing::new(secret.keystream(&[&previous]));
        for (slot, key) in block.iter_mut().zip(key.iter()) {
            *slot ^= key;
        }
        previous = *block;
    }
    Ok((hidden, length))
}
