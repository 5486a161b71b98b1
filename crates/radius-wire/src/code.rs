use std::fmt;

/// The kind of a packet (RFC 2865 section 3 and its successors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// 1: a login, or the next step of one.
    AccessRequest,
    /// 2: let the user in.
    AccessAccept,
    /// 3: keep the user out.
    AccessReject,
    /// 4 (RFC 2866).
    AccountingRequest,
    /// 5 (RFC 2866).
    AccountingResponse,
    /// 11: ask the user for more.
    AccessChallenge,
    /// 12: a client asks whether the server lives (RFC 5997).
    StatusServer,
    /// Any other number.
    Other(u8),
}

impl From<u8> for Code {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::AccessRequest,
            2 => Self::AccessAccept,
            3 => Self::AccessReject,
            4 => Self::AccountingRequest,
            5 => Self::AccountingResponse,
            11 => Self::AccessChallenge,
            12 => Self::StatusServer,
            other => Self::Other(other),
        }
    }
}

impl From<Code> for u8 {
    fn from(code: Code) -> Self {
        match code {
            Code::AccessRequest => 1,
            Code::AccessAccept => 2,
            Code::AccessReject => 3,
            Code::AccountingRequest => 4,
            Code::AccountingResponse => 5,
            Code::AccessChallenge => 11,
            Code::StatusServer => 12,
            Code::Other(other) => other,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessRequest => "Access-Request",
            Self::AccessAccept => "Access-Accept",
            Self::AccessReject => "Access-Reject",
            Self::AccountingRequest => "Accounting-Request",
            Self::AccountingResponse => "Accounting-Response",
            Self::AccessChallenge => "Access-Challenge",
            Self::StatusServer => "Status-Server",
            Self::Other(other) => return write!(f, "Code {other}"),
        })
    }
}
