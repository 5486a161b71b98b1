use std::fmt;

use crate::MAX_VENDOR_VALUE;

/// MS-CHAP-Error (RFC 2548 section 2.1.5).
pub(crate) const ERROR: u8 = 2;

/// Why a login by MS-CHAP is refused, as the peer's system shows it (RFC 2759 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MsChapError<'a> {
    /// [`Self::AUTHENTICATION_FAILURE`] or another of RFC 2759 section 6.
    pub code: u16,
    /// Whether the peer may try again with `challenge` in the same conversation.
    pub retry: bool,
    /// Fresh random octets.
    pub challenge: [u8; 16],
    /// Text for the user; may be empty.
    pub message: &'a str,
}

impl MsChapError<'_> {
    /// 646: not at this hour.
    pub const RESTRICTED_LOGON_HOURS: u16 = 646;
    /// 647: the account is disabled.
    pub const ACCOUNT_DISABLED: u16 = 647;
    /// 648: the password has expired.
    pub const PASSWORD_EXPIRED: u16 = 648;
    /// 649: the user may not use this way in.
    pub const NO_DIALIN_PERMISSION: u16 = 649;
    /// 691: name or password is wrong.
    pub const AUTHENTICATION_FAILURE: u16 = 691;

    /// The value of MS-CHAP-Error: the response's identifier and the text, cut to fit.
    pub(crate) fn value(&self, identifier: u8) -> Vec<u8> {
        /// One attribute inside a Vendor-Specific, without the identifier.
        const ROOM: usize = MAX_VENDOR_VALUE - 1;
        let text = self.to_string();
        let (text, _) = text.split_at(text.floor_char_boundary(ROOM));
        [&[identifier], text.as_bytes()].concat()
    }
}

impl fmt::Display for MsChapError<'_> {
    /// `E=eee R=r C=challenge V=3 M=text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E={} R={} C=", self.code, u8::from(self.retry))?;
        for octet in self.challenge {
            write!(f, "{octet:02X}")?;
        }
        write!(f, " V=3 M={}", self.message)
    }
}
