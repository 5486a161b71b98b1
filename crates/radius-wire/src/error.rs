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
    /// The sender's fault: an attribute that may be there once is there again.
    #[error("attribute {kind} is there more than once")]
    Doubled {
        /// Attribute type.
        kind: u8,
    },
    /// An Accounting-Request's authenticator is wrong (RFC 2866 section 3).
    #[error("the Accounting-Request's authenticator is wrong: another shared secret, or a forged packet")]
    RequestAuthenticatorWrong,
    /// The sender's fault: a CHAP-Password that has not 17 octets (RFC 2865 section 5.3).
    #[error("a CHAP-Password has 17 octets, not {0}")]
    ChapPasswordLength(usize),
    /// The sender's fault: a CHAP-Challenge of less than 5 octets (RFC 2865 section 5.40).
    #[error("a CHAP-Challenge has at least 5 octets, not {0}")]
    ChapChallengeLength(usize),
    /// The sender's fault: the attributes inside a Vendor-Specific have no valid lengths.
    #[error("a Vendor-Specific attribute of vendor {vendor} has no valid length inside")]
    VendorAttribute {
        /// The vendor's number.
        vendor: u32,
    },
    /// The sender's fault: an MS-CHAP attribute has a length that RFC 2548 does not allow.
    #[error("Microsoft's attribute {kind} cannot have {length} octets")]
    MsChapLength {
        /// Microsoft's attribute type.
        kind: u8,
        /// Octets of the value.
        length: usize,
    },
    /// The sender's fault: two MS-CHAP responses, or two challenges.
    #[error("more than one MS-CHAP response or challenge")]
    MsChapDoubled,
    /// The sender's fault: MS-CHAP-Response or MS-CHAP2-Response without its MS-CHAP-Challenge.
    #[error("an MS-CHAP response without MS-CHAP-Challenge")]
    MsChapChallengeMissing,
    /// An MS-CHAP response that only has the LAN Manager half, which is too weak to be accepted.
    #[error("MS-CHAP with a LAN Manager response only; use MS-CHAPv2")]
    MsChapLanManager,
    /// The other side's fault, or another secret: octets hidden with a salt have no valid length.
    #[error("a value hidden with a salt cannot have {0} octets, or the shared secret is another")]
    SaltedLength(usize),
    /// A value too long to be hidden with a salt (RFC 2548 section 2.4.2).
    #[error("a value of {0} octets is too long to be hidden with a salt, which takes at most 239")]
    SaltedTooLong(usize),
    /// The sender's fault: EAP-Message attributes with something else between them (RFC 3579 section 3.1).
    #[error("the EAP-Message attributes do not follow each other")]
    EapScattered,
    /// The sender's fault: an EAP packet's Length contradicts what arrived (RFC 3748 section 4).
    #[error("an EAP packet of {octets} octets has no valid length")]
    EapLength {
        /// What arrived.
        octets: usize,
    },
    /// The sender's fault: an EAP code that RFC 3748 does not know.
    #[error("EAP code {0} is none of Request, Response, Success and Failure")]
    EapCode(u8),
    /// An EAP packet that does not fit one RADIUS packet.
    #[error("an EAP packet of {0} octets does not fit a RADIUS packet")]
    EapTooLong(usize),
    /// A State that is none of this service's sealed ones.
    #[error("State is none of this service's")]
    StateUnknown,
    /// A State that was made for another user or client, or that nobody here made.
    #[error("State was made for another user or client, or is forged")]
    StateForged,
    /// A State that was right once.
    #[error("State has expired")]
    StateExpired,
}
