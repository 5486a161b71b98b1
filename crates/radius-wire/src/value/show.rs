//! From octets to text for people.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::{
    attribute,
    dictionary::{AttributeId, DataType, Definition, Dictionary, Encryption, VendorFormat, VendorId},
};

use super::{
    number,
    octets::width,
    text::{looks_like_text, quote, to_hex},
};

/// Stands for what is hidden in the packet, or must be.
pub(super) const HIDDEN: &str = "(hidden)";

/// An attribute for people to read. Displays as `Name:1 = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name, or its number as `Attr-26.9.1`.
    pub name: String,
    /// Its tag, if it has one.
    pub tag: Option<u8>,
    /// Free of control characters.
    pub value: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = self.tag {
            write!(f, ":{tag}")?;
        }
        write!(f, " = {}", self.value)
    }
}

/// Text for one attribute of a packet: one line, or several where several values are packed into it. What no
/// dictionary knows, or what is malformed, is shown as octets; what is encrypted is not shown.
#[must_use]
pub fn show(dictionary: &Dictionary, kind: u8, octets: &[u8]) -> Vec<Shown> {
    if kind == attribute::VENDOR_SPECIFIC {
        let inner = vendor_specific(dictionary, octets);
        return inner.unwrap_or_else(|| vec![raw(AttributeId::rfc(kind), octets)]);
    }
    one(dictionary, AttributeId::rfc(kind), octets)
}

/// Octets behind an attribute's number.
fn raw(id: AttributeId, octets: &[u8]) -> Shown {
    Shown {
        name: id.to_string(),
        tag: None,
        value: to_hex(octets),
    }
}

/// The attributes in a Vendor-Specific; `None` if they do not fill it exactly.
fn vendor_specific(dictionary: &Dictionary, octets: &[u8]) -> Option<Vec<Shown>> {
    let (vendor, mut rest) = octets.split_first_chunk::<4>()?;
    let vendor = VendorId(u32::from_be_bytes(*vendor));
    if vendor.0 > 0x00ff_ffff || rest.is_empty() {
        return None;
    }
    let format = (dictionary.vendor(vendor)).map_or(VendorFormat::USUAL, |vendor| vendor.format);
    let mut shown = Vec::new();
    while !rest.is_empty() {
        let all = rest.len();
        let (number, after) = leading(rest, format.number)?;
        let (length, after) = match format.length {
            0 => (all, after),
            octets => {
                let (length, after) = leading(after, octets)?;
                (usize::try_from(length).ok()?, after)
            }
        };
        let (more, after) = match format.continuation {
            true => leading(after, 1)?,
            false => (0, after),
        };
        let (value, after) = after.split_at_checked(length.checked_sub(format.header())?)?;
        let id = AttributeId {
            vendor: Some(vendor),
            number,
        };
        if more & 0x80 == 0 {
            shown.extend(one(dictionary, id, value));
        } else {
            // The value goes on in the next attribute.
            shown.push(raw(id, value));
        }
        rest = after;
    }
    Some(shown)
}

/// A number in the first octets.
fn leading(octets: &[u8], count: u8) -> Option<(u32, &[u8])> {
    let (head, rest) = octets.split_at_checked(usize::from(count))?;
    let number = (head.iter()).fold(0_u32, |number, octet| (number << 8) | u32::from(*octet));
    Some((number, rest))
}

/// An attribute without its header.
fn one(dictionary: &Dictionary, id: AttributeId, octets: &[u8]) -> Vec<Shown> {
    let Some(definition) = dictionary.by_id(id) else {
        return vec![raw(id, octets)];
    };
    let (tag, octets) = untag(definition, octets);
    let shown = |value| Shown {
        name: definition.name.clone(),
        tag,
        value,
    };
    if definition.encryption != Encryption::None {
        return vec![shown(HIDDEN.to_owned())];
    }
    let pieces: Vec<&[u8]> = match width(definition) {
        Some(width) if definition.array && octets.len() > width => octets.chunks(width).collect(),
        _ => vec![&octets],
    };
    let values: Option<Vec<String>> = pieces.into_iter().map(|piece| value(definition, piece)).collect();
    match values {
        Some(values) => values.into_iter().map(shown).collect(),
        None => vec![Shown {
            tag,
            ..raw(id, &octets)
        }],
    }
}

/// Takes the tag off (RFC 2868 section 3): an octet above 0x1f belongs to the value.
fn untag<'o>(definition: &Definition, octets: &'o [u8]) -> (Option<u8>, std::borrow::Cow<'o, [u8]>) {
    let untagged = (None, octets.into());
    let Some((first, rest)) = octets.split_first().filter(|_| definition.tagged) else {
        return untagged;
    };
    if *first > 0x1f {
        return untagged;
    }
    let tag = (*first != 0).then_some(*first);
    if definition.data == DataType::Integer {
        let mut number = vec![0];
        number.extend_from_slice(rest);
        return (tag, number.into());
    }
    (tag, rest.into())
}

/// A value as an entry would have it; `None` if it is not one of the attribute's type.
pub(super) fn value(definition: &Definition, octets: &[u8]) -> Option<String> {
    let data = definition.data;
    Some(match data {
        DataType::String => quote(octets),
        DataType::Octets if looks_like_text(octets) => quote(octets),
        DataType::Octets | DataType::Tlv | DataType::Abinary => to_hex(octets),
        DataType::Byte | DataType::Short | DataType::Integer | DataType::Integer64 => {
            number::shown(definition, number::from_octets(data, octets)?)
        }
        DataType::Signed => i32::from_be_bytes(octets.try_into().ok()?).to_string(),
        DataType::Date => number::show_date(u32::from_be_bytes(octets.try_into().ok()?)),
        DataType::IpAddr => ipv4(octets)?.to_string(),
        DataType::Ipv6Addr => ipv6(octets)?.to_string(),
        DataType::ComboIp => match ipv4(octets) {
            Some(address) => address.to_string(),
            None => ipv6(octets)?.to_string(),
        },
        DataType::Ipv4Prefix => {
            let ([_, prefix], address) = octets.split_first_chunk::<2>()?;
            let address = ipv4(address)?;
            (*prefix <= 32).then(|| format!("{address}/{prefix}"))?
        }
        DataType::Ipv6Prefix => {
            let ([_, prefix], address) = octets.split_first_chunk::<2>()?;
            let mut whole = [0; 16];
            whole.get_mut(..address.len())?.copy_from_slice(address);
            let enough = usize::from(*prefix).div_ceil(8) <= address.len() && *prefix <= 128;
            enough.then(|| format!("{}/{prefix}", Ipv6Addr::from(whole)))?
        }
        DataType::IfId => {
            let octets: [u8; 8] = octets.try_into().ok()?;
            let groups = octets.as_chunks::<2>().0.iter();
            let groups: Vec<String> = groups
                .map(|group| format!("{:x}", u16::from_be_bytes(*group)))
                .collect();
            groups.join(":")
        }
        DataType::Ether => {
            let octets: [u8; 6] = octets.try_into().ok()?;
            let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            pairs.join(":")
        }
    })
}

fn ipv4(octets: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(octets).ok().map(Ipv4Addr::from)
}

fn ipv6(octets: &[u8]) -> Option<Ipv6Addr> {
    <[u8; 16]>::try_from(octets).ok().map(Ipv6Addr::from)
}
