//! Name and password, as two lines.

use std::{
    fmt,
    io::{self, Read, Write},
};

use zeroize::Zeroizing;

use crate::HelperError;

/// OpenVPN's lines have at most 4,096 octets each.
const LIMIT: u64 = 16 * 1024;

/// Who logs in, and what was typed.
pub(crate) struct Credentials {
    /// The name; OpenVPN has replaced what might harm a shell.
    pub(crate) user: String,
    /// The password, or the answer to a challenge.
    pub(crate) password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credentials {
    /// Reads two lines; what follows is for later versions of OpenVPN to say.
    pub(crate) fn read(from: impl Read) -> Result<Self, HelperError> {
        // Room for everything at once: growing would leave copies behind that are not wiped.
        let room = usize::try_from(LIMIT).unwrap_or_default() + 64;
        let mut octets = Zeroizing::new(Vec::with_capacity(room));
        let read = from.take(LIMIT + 1).read_to_end(&mut octets);
        if read.is_err() || u64::try_from(octets.len()).is_ok_and(|length| length > LIMIT) {
            return Err(HelperError::Credentials);
        }
        let text = std::str::from_utf8(&octets).map_err(|_| HelperError::Credentials)?;
        let mut lines = text.split('\n');
        match (lines.next(), lines.next()) {
            (Some(user), Some(password)) if !user.is_empty() => Ok(Self {
                user: user.to_owned(),
                password: Zeroizing::new(password.to_owned()),
            }),
            _ => Err(HelperError::Credentials),
        }
    }

    /// Writes them as [`Self::read`] wants them.
    pub(crate) fn write(&self, mut to: impl Write) -> io::Result<()> {
        for line in [self.user.as_bytes(), b"\n", self.password.as_bytes(), b"\n"] {
            to.write_all(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_are_read_and_written() {
        let credentials = Credentials::read(b"alice\ncorrect horse\nmore".as_slice()).unwrap();
        assert_eq!(credentials.user, "alice");
        assert_eq!(*credentials.password, "correct horse");
        let mut out = Vec::new();
        credentials.write(&mut out).unwrap();
        assert_eq!(out, b"alice\ncorrect horse\n");
        assert_eq!(*Credentials::read(b"alice\n\n".as_slice()).unwrap().password, "");
        assert_eq!(format!("{credentials:?}"), "Credentials(..)");
    }

    #[test]
    fn anything_else_is_refused() {
        let long = vec![b'x'; 20_000];
        for octets in [
            b"".as_slice(),
            b"alice",
            b"\npassword\n",
            b"\xff\npassword\n",
            &long,
        ] {
            assert!(matches!(Credentials::read(octets), Err(HelperError::Credentials)));
        }
    }
}
