//! What an administrator's entry must not be.

use thiserror::Error;

use crate::dictionary::AttributeId;

/// Why an attribute cannot be given for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// User-Password and its like.
    #[error("it holds a password, which only a request carries")]
    Password,
    /// CHAP, MS-CHAP, ARAP.
    #[error("it belongs to a way of checking passwords, and the server makes it where it is needed")]
    Method,
    /// The session keys of MS-CHAPv2 and EAP (RFC 2548 section 2.4).
    #[error("it is a session key, which is new for each login; the server makes it")]
    Key,
    /// State (RFC 2865 section 5.24).
    #[error("the server uses it to recognise the answer to its question")]
    State,
    /// Proxy-State (RFC 2865 section 5.33).
    #[error("the server returns the request's, unchanged")]
    ProxyState,
    /// Message-Authenticator (RFC 3579 section 3.2).
    #[error("the server computes it for each packet")]
    Signature,
    /// EAP-Message, EAP-Key-Name.
    #[error("it belongs to EAP, and the server makes it")]
    Eap,
    /// Prompt: in an Access-Challenge only (RFC 2869 section 5.19).
    #[error("it goes with a question; the setting of the client decides it")]
    Prompt,
    /// What describes the request (RFC 2865 section 5.44).
    #[error("it says where a request comes from, and no reply carries it")]
    Request,
    /// Accounting (RFC 2866 section 5.13).
    #[error("it belongs to accounting, and no reply carries it")]
    Accounting,
    /// Only in an Access-Reject or an answer to a disconnect.
    #[error("it goes with a refusal, and these attributes are for logins that succeed")]
    Reject,
    /// Vendor-Specific as a whole.
    #[error(
        "name the vendor's attribute itself, such as Cisco-AVPair, or write Attr-26.VENDOR.NUMBER = 0x..."
    )]
    Vendor,
    /// RFC 6929.
    #[error("extended attributes (RFC 6929) are not supported")]
    Extended,
    /// Hidden in a way that this server does not write.
    #[error("it is encrypted in a way that replies do not use (only that of Tunnel-Password is)")]
    Encryption,
}

/// Microsoft (RFC 2548).
const MICROSOFT: u32 = 311;

/// Why an attribute may not be given for an Access-Accept, if so. Decided by number: another name does not help.
#[must_use]
pub fn refused(id: AttributeId) -> Option<Refusal> {
    match (id.vendor.map(|vendor| vendor.0), id.number) {
        (None, number) => rfc(number),
        (Some(MICROSOFT), number) => microsoft(number),
        (Some(_), _) => None,
    }
}

fn rfc(number: u32) -> Option<Refusal> {
    Some(match number {
        2 => Refusal::Password,
        3 | 60 | 70 | 71 | 73 | 74 | 84 => Refusal::Method,
        // Digest authentication (RFC 5090).
        103..=122 => Refusal::Method,
        4 | 5 | 30..=32 | 61 | 77 | 87 | 94 | 95 => Refusal::Request,
        24 => Refusal::State,
        26 => Refusal::Vendor,
        33 => Refusal::ProxyState,
        40..=53 | 55 | 68 | 86 => Refusal::Accounting,
        75 | 101 => Refusal::Reject,
        76 => Refusal::Prompt,
        79 | 102 => Refusal::Eap,
        80 => Refusal::Signature,
        241..=246 => Refusal::Extended,
        _ => return None,
    })
}

fn microsoft(number: u32) -> Option<Refusal> {
    Some(match number {
        // Challenges, responses, errors, password changes (RFC 2548 sections 2.1 to 2.3, 2.5).
        1..=6 | 11 | 19..=21 | 25..=27 => Refusal::Method,
        12 | 16 | 17 => Refusal::Key,
        _ => return None,
    })
}

/// Whether a reply holds this attribute at most once (the tables of RFC 2865 section 5.44, RFC 2869 section 5.19, RFC
/// 3162 section 3, RFC 4372, RFC 5607 section 7): so whatever is more specific replaces it instead of adding to it.
#[must_use]
pub fn once(id: AttributeId) -> bool {
    id.vendor.is_none()
        && matches!(
            id.number,
            1 | 6..=10 | 12 | 15 | 16 | 19 | 20 | 23 | 27..=29 | 34..=37 | 39 | 62 | 63 | 72 | 85 | 88 | 89
                | 96 | 100 | 133..=136
        )
}
