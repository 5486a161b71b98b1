//! What a dictionary says of one attribute or vendor.

use std::{fmt, sync::Arc};

/// A vendor's number: its private enterprise number, below 2^24 (RFC 2865 section 5.26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VendorId(pub u32);

/// An attribute's number, alone or within a vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId {
    /// `None` for the attributes of the RFCs.
    pub vendor: Option<VendorId>,
    /// 1..=255 without vendor; with one, what fits its [`VendorFormat`].
    pub number: u32,
}

impl AttributeId {
    /// An attribute of the RFCs.
    #[must_use]
    pub const fn rfc(kind: u8) -> Self {
        Self {
            vendor: None,
            // `u32::from` is not const.
            number: kind as u32,
        }
    }

    /// An attribute of a vendor's.
    #[must_use]
    pub const fn vendor(vendor: u32, number: u32) -> Self {
        Self {
            vendor: Some(VendorId(vendor)),
            number,
        }
    }
}

/// As it can be written without a dictionary: `Attr-25`, `Attr-26.9.1`.
impl fmt::Display for AttributeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vendor {
            None => write!(f, "Attr-{}", self.number),
            Some(VendorId(vendor)) => write!(f, "Attr-26.{vendor}.{}", self.number),
        }
    }
}

/// How a vendor lays out its attributes inside Vendor-Specific.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VendorFormat {
    /// Octets of the number: 1, 2 or 4.
    pub number: u8,
    /// Octets of the length: 0, 1 or 2.
    pub length: u8,
    /// One octet more, whose high bit says that the value goes on in the next attribute.
    pub continuation: bool,
}

impl VendorFormat {
    /// What RFC 2865 section 5.26 recommends and nearly everybody does.
    pub const USUAL: Self = Self {
        number: 1,
        length: 1,
        continuation: false,
    };

    /// Octets before a value.
    #[must_use]
    pub fn header(self) -> usize {
        usize::from(self.number) + usize::from(self.length) + usize::from(self.continuation)
    }

    /// The highest number that fits.
    #[must_use]
    pub fn largest(self) -> u32 {
        match self.number {
            1 => 0xff,
            2 => 0xffff,
            _ => u32::MAX,
        }
    }
}

/// A vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// Its number.
    pub id: VendorId,
    /// The name it was defined with first.
    pub name: String,
    /// How its attributes look.
    pub format: VendorFormat,
}

/// What an attribute's octets mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Text.
    String,
    /// Octets without a meaning here.
    Octets,
    /// An IPv4 address.
    IpAddr,
    /// An IPv6 address.
    Ipv6Addr,
    /// An IPv4 or IPv6 address; the length tells.
    ComboIp,
    /// An IPv4 network (RFC 8044 section 3.11).
    Ipv4Prefix,
    /// An IPv6 network (RFC 3162 section 2.3, RFC 8044 section 3.10).
    Ipv6Prefix,
    /// 32 bits.
    Integer,
    /// 8 bits.
    Byte,
    /// 16 bits.
    Short,
    /// 32 bits, below zero too.
    Signed,
    /// 64 bits.
    Integer64,
    /// Seconds since 1970, 32 bits.
    Date,
    /// Half an IPv6 address (RFC 3162 section 2.2).
    IfId,
    /// A MAC address.
    Ether,
    /// Attributes inside: only as octets here.
    Tlv,
    /// Ascend's packet filters: only as octets here.
    Abinary,
}

impl DataType {
    /// By the name in a dictionary.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "string" | "text" => Self::String,
            "octets" => Self::Octets,
            "ipaddr" | "ipv4addr" => Self::IpAddr,
            "ipv6addr" => Self::Ipv6Addr,
            "combo-ip" => Self::ComboIp,
            "ipv4prefix" => Self::Ipv4Prefix,
            "ipv6prefix" => Self::Ipv6Prefix,
            "integer" | "uint32" => Self::Integer,
            "byte" | "uint8" => Self::Byte,
            "short" | "uint16" => Self::Short,
            "signed" | "int32" => Self::Signed,
            "integer64" | "uint64" => Self::Integer64,
            "date" => Self::Date,
            "ifid" => Self::IfId,
            "ether" => Self::Ether,
            "tlv" => Self::Tlv,
            "abinary" => Self::Abinary,
            _ => return None,
        })
    }

    /// As dictionaries write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Octets => "octets",
            Self::IpAddr => "ipaddr",
            Self::Ipv6Addr => "ipv6addr",
            Self::ComboIp => "combo-ip",
            Self::Ipv4Prefix => "ipv4prefix",
            Self::Ipv6Prefix => "ipv6prefix",
            Self::Integer => "integer",
            Self::Byte => "byte",
            Self::Short => "short",
            Self::Signed => "signed",
            Self::Integer64 => "integer64",
            Self::Date => "date",
            Self::IfId => "ifid",
            Self::Ether => "ether",
            Self::Tlv => "tlv",
            Self::Abinary => "abinary",
        }
    }

    /// The highest number, of those types whose values can have names.
    #[must_use]
    pub fn largest(self) -> Option<u64> {
        Some(match self {
            Self::Byte => 0xff,
            Self::Short => 0xffff,
            Self::Integer => 0xffff_ffff,
            Self::Integer64 => u64::MAX,
            _ => return None,
        })
    }
}

/// How a value is hidden from readers of the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// As User-Password (RFC 2865 section 5.2).
    UserPassword,
    /// As Tunnel-Password (RFC 2868 section 3.5): salted, for replies.
    TunnelPassword,
    /// In Ascend's own way.
    Ascend,
}

/// A name for one value of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// As the dictionary writes it.
    pub name: String,
    /// What is sent.
    pub number: u64,
    pub(super) run: u32,
}

/// Where a definition stands, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// As the dictionary writes it.
    pub name: String,
    /// Its number.
    pub id: AttributeId,
    /// What its octets mean.
    pub data: DataType,
    /// How many octets it has, of type octets where the dictionary says so.
    pub length: Option<u8>,
    /// Whether a tag groups it with others (RFC 2868 section 3).
    pub tagged: bool,
    /// Whether and how it is hidden.
    pub encryption: Encryption,
    /// Whether one attribute may hold several values in a row.
    pub array: bool,
    /// Whether a long value goes on in the next attribute of the same number.
    pub concat: bool,
    pub(super) values: Vec<NamedValue>,
    pub(super) place: Place,
    pub(super) run: u32,
}

impl Definition {
    /// What stands in for an attribute that no dictionary knows: octets.
    #[must_use]
    pub fn unknown(id: AttributeId) -> Self {
        Self {
            name: id.to_string(),
            id,
            data: DataType::Octets,
            length: None,
            tagged: false,
            encryption: Encryption::None,
            array: false,
            concat: false,
            values: Vec::new(),
            place: Place {
                file: Arc::from(""),
                line: 0,
            },
            run: 0,
        }
    }

    /// Its named values, in the dictionary's order.
    #[must_use]
    pub fn values(&self) -> &[NamedValue] {
        &self.values
    }

    /// The number behind a name, in any case.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<u64> {
        (self.values.iter())
            .find(|value| value.name.eq_ignore_ascii_case(name))
            .map(|value| value.number)
    }

    /// The first name of a number.
    #[must_use]
    pub fn name_of(&self, number: u64) -> Option<&str> {
        (self.values.iter())
            .find(|value| value.number == number)
            .map(|value| value.name.as_str())
    }

    /// Whether two definitions put the same octets on the wire.
    pub(super) fn alike(&self, other: &Self) -> bool {
        self.id == other.id
            && self.data == other.data
            && self.length == other.length
            && self.tagged == other.tagged
            && self.encryption == other.encryption
            && self.array == other.array
            && self.concat == other.concat
    }
}
