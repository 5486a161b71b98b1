//! What a source says of a password.

use std::fmt;

use zeroize::Zeroizing;

use super::chain::Link;

/// A source that could not be asked, or whose answer cannot be used. Whoever waits for it is denied, and no wrong password is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// As chains name it.
    pub source: String,
    /// What went wrong, in words that name the fix; holds no secret.
    pub why: String,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

/// An attribute of an upstream server's Access-Accept: type and value, Vendor-Specific as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Attribute type.
    pub kind: u8,
    /// 1 to 253 octets.
    pub value: Vec<u8>,
}

/// What an upstream server says after MS-CHAPv2, for the VPN (RFC 2548).
#[derive(Clone, PartialEq, Eq)]
pub struct MsChap2Keys {
    /// MS-CHAP2-Success without Ident: `S=` and 40 hex digits.
    pub success: String,
    /// MS-MPPE-Send-Key, revealed.
    pub send: Zeroizing<Vec<u8>>,
    /// MS-MPPE-Recv-Key, revealed.
    pub receive: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for MsChap2Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MsChap2Keys(..)")
    }
}

/// What became of a first factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// It is right.
    Passed {
        /// Who said so.
        by: Link,
        /// Names of the user's groups there.
        groups: Vec<String>,
        /// Attributes of the user that were asked for, each with its values.
        attributes: Vec<(String, Vec<String>)>,
        /// Attributes for the VPN.
        reply: Vec<Attribute>,
        /// Keys for the VPN after MS-CHAPv2.
        ms_chap2: Option<MsChap2Keys>,
    },
    /// It is wrong.
    Failed,
    /// Nobody of that name is known there.
    UnknownUser,
    /// The password has to be changed first.
    Expired,
    /// The account may not be used: locked, disabled, ended, or not at this time.
    Locked,
    /// Nobody could say.
    Unavailable(Outage),
    /// An upstream server asks for more.
    Challenge {
        /// Its source, as chains name it.
        source: String,
        /// The very server: it alone knows the State.
        server: String,
        /// Its State.
        state: Vec<u8>,
        /// What to show.
        message: String,
    },
}

impl Checked {
    /// Right, with nothing else to say.
    #[must_use]
    pub fn passed(by: Link) -> Self {
        Self::Passed {
            by,
            groups: Vec::new(),
            attributes: Vec::new(),
            reply: Vec::new(),
            ms_chap2: None,
        }
    }

    /// Its word, for logs, tests and views.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed { .. } => "passed",
            Self::Failed => "failed",
            Self::UnknownUser => "unknown-user",
            Self::Expired => "expired",
            Self::Locked => "locked",
            Self::Unavailable(_) => "unavailable",
            Self::Challenge { .. } => "challenge",
        }
    }
}
