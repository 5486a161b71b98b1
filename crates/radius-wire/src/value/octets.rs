//! From what is written to the octets of its type.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zeroize::Zeroizing;

use crate::dictionary::{DataType, Definition};

use super::{
    Problem, number,
    text::{Written, hex},
};

/// Reads a value of the attribute's type.
pub(super) fn read(definition: &Definition, text: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let written = Written::read(text)?;
    let data = definition.data;
    if let Some(largest) = number::largest(definition).filter(|_| data.largest().is_some()) {
        let text = written.as_str().ok_or(Problem::Number)?;
        let number = number::parse(definition, text, largest)?;
        return Ok(Zeroizing::new(number::octets(data, number)));
    }
    let octets = match (data, written.hex()) {
        (DataType::Signed, _) => fixed(&written, |text| {
            number::parse_signed(text).map(|number| number.to_be_bytes().to_vec())
        })?,
        (DataType::Date, _) => fixed(&written, |text| {
            number::parse_date(text).map(|seconds| seconds.to_be_bytes().to_vec())
        })?,
        (_, Some(digits)) => hex(digits)?,
        (DataType::String | DataType::Octets, None) => match written {
            Written::Quoted(octets) => octets,
            Written::Bare(text) => Zeroizing::new(text.as_bytes().to_vec()),
        },
        (_, None) => fixed(&written, |text| meaning(data, text))?,
    };
    let got = octets.len();
    if got == 0 {
        return Err(Problem::Empty);
    }
    match width(definition) {
        Some(want) if want != got && !(data == DataType::ComboIp && got == 16) => {
            Err(Problem::Octets { got, want })
        }
        _ => Ok(octets),
    }
}

/// Octets of types that always have the same number of them.
pub(super) fn width(definition: &Definition) -> Option<usize> {
    Some(match definition.data {
        DataType::Byte => 1,
        DataType::Short => 2,
        DataType::Integer | DataType::Signed | DataType::Date | DataType::IpAddr | DataType::ComboIp => 4,
        DataType::Ipv4Prefix | DataType::Ether => 6,
        DataType::Integer64 | DataType::IfId => 8,
        DataType::Ipv6Addr => 16,
        // We send the whole address; the RFC allows to leave out its end.
        DataType::Ipv6Prefix => 18,
        DataType::Octets => usize::from(definition.length?),
        DataType::String | DataType::Tlv | DataType::Abinary => return None,
    })
}

/// Text, in quotes or not, through a function.
fn fixed(
    written: &Written<'_>,
    read: impl Fn(&str) -> Result<Vec<u8>, Problem>,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let text = written.as_str().ok_or(Problem::Quotes)?;
    read(text).map(Zeroizing::new)
}

fn meaning(data: DataType, text: &str) -> Result<Vec<u8>, Problem> {
    let address = |_| Problem::Address;
    match data {
        DataType::IpAddr => Ok(text.parse::<Ipv4Addr>().map_err(address)?.octets().to_vec()),
        DataType::Ipv6Addr => Ok(text.parse::<Ipv6Addr>().map_err(address)?.octets().to_vec()),
        DataType::ComboIp => Ok(match text.parse::<IpAddr>().map_err(address)? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }),
        DataType::Ipv4Prefix => ipv4_prefix(text),
        DataType::Ipv6Prefix => ipv6_prefix(text),
        DataType::IfId => interface(text).ok_or(Problem::Interface),
        DataType::Ether => ether(text).ok_or(Problem::Ether),
        _ => Err(Problem::OctetsOnly),
    }
}

/// An address and the number of its bits that count; all of them if nothing is said.
fn network(text: &str, bits: u8) -> Result<(&str, u8), Problem> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Ok((text, bits));
    };
    let digits = !prefix.is_empty() && prefix.bytes().all(|octet| octet.is_ascii_digit());
    let prefix = digits.then(|| prefix.parse().ok()).flatten();
    match prefix.filter(|prefix| *prefix <= bits) {
        Some(prefix) => Ok((address, prefix)),
        None => Err(Problem::Network),
    }
}

fn ipv4_prefix(text: &str) -> Result<Vec<u8>, Problem> {
    let (address, prefix) = network(text, 32)?;
    let address: Ipv4Addr = address.parse().map_err(|_| Problem::Network)?;
    let host = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    if address.to_bits() & host != 0 {
        return Err(Problem::HostBits);
    }
    let mut octets = vec![0, prefix];
    octets.extend(address.octets());
    Ok(octets)
}

fn ipv6_prefix(text: &str) -> Result<Vec<u8>, Problem> {
    let (address, prefix) = network(text, 128)?;
    let address: Ipv6Addr = address.parse().map_err(|_| Problem::Network)?;
    let host = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    if address.to_bits() & host != 0 {
        return Err(Problem::HostBits);
    }
    let mut octets = vec![0, prefix];
    octets.extend(address.octets());
    Ok(octets)
}

fn interface(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(8);
    for group in text.split(':') {
        if group.is_empty() || group.len() > 4 || !group.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return None;
        }
        octets.extend(u16::from_str_radix(group, 16).ok()?.to_be_bytes());
    }
    (octets.len() == 8).then_some(octets)
}

fn ether(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(6);
    for pair in text.split([':', '-']) {
        if pair.len() != 2 || !pair.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return None;
        }
        octets.push(u8::from_str_radix(pair, 16).ok()?);
    }
    (octets.len() == 6).then_some(octets)
}
