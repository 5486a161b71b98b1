//! The words of one line.

use super::{DataType, Encryption, Fault, VendorFormat};

/// Types that other readers know and this one cannot write.
const FOREIGN: &[&str] = &[
    "attribute",
    "bool",
    "evs",
    "extended",
    "float32",
    "float64",
    "group",
    "int16",
    "int64",
    "int8",
    "long-extended",
    "size",
    "struct",
    "time_delta",
    "union",
    "vendor",
    "vsa",
];

/// Longest name (as FreeRADIUS has it).
const LONGEST_NAME: usize = 128;

/// Checks that an entry could write this name.
pub(super) fn name(text: &str) -> Result<(), Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+');
    if text.len() <= LONGEST_NAME && text.chars().all(good) {
        Ok(())
    } else {
        Err(Fault::Name(text.chars().take(LONGEST_NAME).collect()))
    }
}

/// A number in digits, or as 0x and hexadecimal digits.
pub(super) fn number(text: &str, least: u64, largest: u64) -> Result<u64, Fault> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => u64::from_str_radix(hex, 16).ok(),
        None if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    };
    parsed
        .filter(|number| (least..=largest).contains(number))
        .ok_or_else(|| Fault::Number {
            text: text.to_owned(),
            least,
            largest,
        })
}

/// [`number`] where 32 bits suffice.
pub(super) fn number32(text: &str, least: u32, largest: u32) -> Result<u32, Fault> {
    let number = number(text, u64::from(least), u64::from(largest))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// What stands where a type should.
pub(super) enum TypeWord {
    /// A type, and the number of octets where one is given.
    Known(DataType, Option<u8>),
    /// A type that only other readers know.
    Foreign,
}

/// Reads a type: `string`, `octets[16]`.
pub(super) fn data_type(text: &str) -> Result<TypeWord, Fault> {
    let wrong = || Fault::DataType(text.to_owned());
    let (word, length) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((word, length)) => (word, Some(number32(length, 1, 253)?)),
        None => (text, None),
    };
    if FOREIGN.iter().any(|foreign| foreign.eq_ignore_ascii_case(word)) {
        return Ok(TypeWord::Foreign);
    }
    let data = DataType::named(word).ok_or_else(wrong)?;
    if length.is_some() && data != DataType::Octets {
        return Err(wrong());
    }
    Ok(TypeWord::Known(
        data,
        length.and_then(|length| u8::try_from(length).ok()),
    ))
}

/// The flags behind an attribute's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) tagged: bool,
    pub(super) encryption: Encryption,
    pub(super) array: bool,
    pub(super) concat: bool,
    /// Used inside FreeRADIUS only.
    pub(super) inside: bool,
}

impl Flags {
    pub(super) const NONE: Self = Self {
        tagged: false,
        encryption: Encryption::None,
        array: false,
        concat: false,
        inside: false,
    };

    /// Takes one flag; whether it is known.
    pub(super) fn take(&mut self, flag: &str) -> bool {
        match flag.to_ascii_lowercase().as_str() {
            "has_tag" => self.tagged = true,
            "array" => self.array = true,
            "concat" => self.concat = true,
            "virtual" | "internal" => self.inside = true,
            "encrypt=1" | "encrypt=user-password" => self.encryption = Encryption::UserPassword,
            "encrypt=2" | "encrypt=tunnel-password" => self.encryption = Encryption::TunnelPassword,
            "encrypt=3" | "encrypt=ascend-secret" => self.encryption = Encryption::Ascend,
            // Says that FreeRADIUS must not log the value.
            "secret" => {}
            _ => return false,
        }
        true
    }

    /// Checks that the flags go with the type.
    pub(super) fn check(&self, data: DataType) -> Result<(), Fault> {
        use DataType::{Integer, Octets, String};
        let wrong = |flag: &str| Fault::Flag {
            flag: flag.to_owned(),
            data: data.name(),
        };
        let encrypted = self.encryption != Encryption::None;
        if self.tagged && !matches!(data, String | Octets | Integer) {
            return Err(wrong("has_tag"));
        }
        if encrypted && self.tagged && data == Integer {
            return Err(wrong("has_tag with encrypt"));
        }
        if encrypted && matches!(data, DataType::Tlv | DataType::Abinary) {
            return Err(wrong("encrypt"));
        }
        Ok(())
    }
}

/// Reads `format=1,1` or `format=1,1,c`.
pub(super) fn vendor_format(text: &str) -> Result<VendorFormat, Fault> {
    let wrong = || Fault::Format(text.to_owned());
    let (_, layout) = text.split_once('=').ok_or_else(wrong)?;
    let mut parts = layout.split(',');
    let number = match parts.next() {
        Some("1") => 1,
        Some("2") => 2,
        Some("4") => 4,
        _ => return Err(wrong()),
    };
    let length = match parts.next() {
        Some("0") => 0,
        Some("1") => 1,
        Some("2") => 2,
        _ => return Err(wrong()),
    };
    let continuation = match parts.next() {
        None => false,
        Some("c") => true,
        Some(_) => return Err(wrong()),
    };
    if parts.next().is_some() {
        return Err(wrong());
    }
    Ok(VendorFormat {
        number,
        length,
        continuation,
    })
}

/// The path of an included file: `name` beside `includer`, never above the folder where reading began.
pub(super) fn include_path(includer: &str, name: &str) -> Result<String, Fault> {
    let bad = |part: &str| part.is_empty() || part == "." || part == "..";
    if name.contains(['\\', '\0']) || name.split('/').any(bad) {
        return Err(Fault::Outside(name.to_owned()));
    }
    Ok(match includer.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    })
}
