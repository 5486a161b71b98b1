use thiserror::Error;

/// Why a packet cannot be read, trusted or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// The administrator's fault: with an empty secret anybody can forge packets (RFC 2865 section 3).
    #[error("the shared secret is empty; set one of at least 16 octets on both sides")]
    EmptySecret,
    /// The sender's fault: not even a header.
    #[error("the datagram has {0} octets, a RADIUS header alone has 20")]
    Datagram(usize),
    /// The sender's fault: the Length field is outside 20..=4096.
    #[error("the Length field says {0}, allowed are 20 to 4096")]
    Length(usize),
    /// The sender's fault, or the packet was cut on its way: Length exceeds the datagram.
    #[error("the Length field says {length}, the datagram has {datagram} octets")]
    Truncated {
        /// What the header says.
        length: usize,
        /// What arrived.
        datagram: usize,
    },
    /// The sender's fault: an attribute's length is 0 or 1, or only its type octet is there.
    #[error("the attribute at octet {at} has no valid length")]
    AttributeLength {
        /// Offset of the attribute in the packet.
        at: usize,
    },
    /// The sender's fault: an attribute runs over the end of the packet.
    #[error("the attribute at octet {at} runs over the end of the packet")]
    AttributeOverrun {
        /// Offset of the attribute in the packet.
        at: usize,
    },
    /// A Message-Authenticator is needed and not there.
    #[error("no Message-Authenticator")]
    MessageAuthenticatorMissing,
    /// More than one Message-Authenticator.
    #[error("more than one Message-Authenticator")]
    MessageAuthenticatorDoubled,
    /// A Message-Authenticator that has not 16 octets.
    #[error("a Message-Authenticator has 16 octets, not {0}")]
    MessageAuthenticatorLength(usize),
    /// The Message-Authenticator was made with another secret, or the packet was changed on its way.
    #[error("Message-Authenticator is wrong: another shared secret, or a forged packet")]
    MessageAuthenticatorWrong,
    /// A reply's Response Authenticator is wrong (RFC 2865 section 3).
    #[error("Response Authenticator is wrong: another shared secret, or a forged packet")]
    ResponseAuthenticatorWrong,
    /// A reply that answers another request.
    #[error("the reply has Identifier {got}, the request has {expected}")]
    IdentifierMismatch {
        /// The reply's.
        got: u8,
        /// The request's.
        expected: u8,
    },
    /// A hidden password is not 16..=128 octets in steps of 16 (RFC 2865 section 5.2).
    #[error("User-Password has {0} octets, allowed are 16 to 128 in steps of 16")]
    PasswordLength(usize),
    /// A password too long to hide (RFC 2865 section 5.2).
    #[error("a password of {0} octets does not fit RADIUS, which carries at most 128")]
    PasswordTooLong(usize),
    /// A value does not fit one attribute.
    #[error("a value of {length} octets does not fit attribute {kind}, which takes at most 253")]
    ValueTooLong {
        /// Attribute type.
        kind: u8,
        /// Octets of the value.
        length: usize,
    },
    /// The packet, or the caller's buffer, is full.
    #[error("attribute {kind} does not fit the packet any more")]
    Full {
        /// Attribute type.
        kind: u8,
    },
    /// The buffer cannot even hold a header.
    #[error("the buffer has {0} octets, a RADIUS header alone has 20")]
    Buffer(usize),
}
