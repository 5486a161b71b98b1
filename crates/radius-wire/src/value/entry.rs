//! One line of an administrator's.

use std::{borrow::Cow, fmt};

use zeroize::Zeroizing;

use crate::dictionary::{AttributeId, DataType, Definition, Dictionary, Encryption, LookupError, numbered};

use super::{Encoded, EntryError, Problem, Refusal, encoded::Body, error::TagProblem, octets, refused, show};

/// Characters of the longest entry: every octet of the longest attribute as an escape, and its name.
pub const MAX_ENTRY: usize = 2_048;

/// The highest tag (RFC 2868 section 3).
const HIGHEST_TAG: u8 = 0x1f;

/// A reply attribute as it was entered, checked and encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    name: String,
    id: AttributeId,
    tag: Option<u8>,
    text: Zeroizing<String>,
    encoded: Encoded,
}

impl Entry {
    /// Reads `Name = value`. The name may be `Vendor.Name`, `Vendor-Name` or, without a dictionary,
    /// `Attr-26.VENDOR.NUMBER`; a tag (RFC 2868) follows it as `Name:1`.
    ///
    /// # Errors
    /// [`EntryError`]; its text says what to write instead, and never repeats the value.
    pub fn parse(dictionary: &Dictionary, text: &str) -> Result<Self, EntryError> {
        let text = text.trim();
        if text.chars().count() > MAX_ENTRY {
            return Err(EntryError::Long(MAX_ENTRY));
        }
        let (name, value) = text.split_once('=').ok_or(EntryError::Form)?;
        if name.ends_with([':', '+', '-', '!', '<', '>']) || value.starts_with(['=', '~', '*']) {
            return Err(EntryError::Operator);
        }
        let (name, tag) = match name.trim().rsplit_once(':') {
            Some((name, tag)) => (name.trim_end(), Some(tag.trim())),
            None => (name.trim(), None),
        };
        if name.is_empty()
            || name.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'".contains(c))
        {
            return Err(EntryError::Form);
        }
        let definition = definition(dictionary, name)?;
        Self::of(dictionary, &definition, tag, value.trim())
    }

    fn of(
        dictionary: &Dictionary,
        definition: &Definition,
        tag: Option<&str>,
        value: &str,
    ) -> Result<Self, EntryError> {
        let refusal = match definition.encryption {
            Encryption::None | Encryption::TunnelPassword => refused(definition.id),
            Encryption::UserPassword | Encryption::Ascend => {
                Some(refused(definition.id).unwrap_or(Refusal::Encryption))
            }
        };
        if let Some(refusal) = refusal {
            return Err(EntryError::Refused {
                name: definition.name.clone(),
                refusal,
            });
        }
        let tag = read_tag(definition, tag)?;
        let wrong = |problem: Problem| EntryError::Value {
            name: definition.name.clone(),
            data: type_of(definition),
            problem,
            example: example(definition),
        };
        let octets = octets::read(definition, value).map_err(wrong)?;
        let text = Zeroizing::new(canonical(definition, tag, &octets));
        let encoded = body(definition, tag, octets)
            .frame(dictionary, definition.id)
            .map_err(wrong)?;
        Ok(Self {
            name: definition.name.clone(),
            id: definition.id,
            tag,
            text,
            encoded,
        })
    }

    /// The attribute's name as the dictionary has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> AttributeId {
        self.id
    }

    /// Its tag, if one was given.
    #[must_use]
    pub fn tag(&self) -> Option<u8> {
        self.tag
    }

    /// The entry in the form to keep: it reads back as the same attribute. May hold a password, see
    /// [`Entry::is_secret`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The entry for people to look at: a password is left out.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.is_secret() {
            format!("{} = {}", tagged(&self.name, self.tag), show::HIDDEN)
        } else {
            self.text.to_string()
        }
    }

    /// Whether the value is hidden on its way, and so must not be shown or logged either.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.encoded, Encoded::Salted { .. })
    }

    /// For the packet.
    #[must_use]
    pub fn encoded(&self) -> &Encoded {
        &self.encoded
    }
}

/// Without the value: it may be a password.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Entry"))
            .field("name", &self.name)
            .field("id", &self.id)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

/// The attribute of this name, or octets without a meaning for a number that no dictionary knows.
fn definition<'d>(dictionary: &'d Dictionary, name: &str) -> Result<Cow<'d, Definition>, LookupError> {
    match (dictionary.find(name), numbered(name)) {
        (Ok(definition), _) => Ok(Cow::Borrowed(definition)),
        (Err(_), Some(id)) => Ok(Cow::Owned(Definition::unknown(id))),
        (Err(error), None) => Err(error),
    }
}

fn read_tag(definition: &Definition, tag: Option<&str>) -> Result<Option<u8>, EntryError> {
    let Some(tag) = tag else {
        return Ok(None);
    };
    let wrong = |problem| EntryError::Tag {
        name: definition.name.clone(),
        problem,
        example: example(definition),
    };
    if !definition.tagged {
        return Err(wrong(TagProblem::None));
    }
    let digits = !tag.is_empty() && tag.bytes().all(|octet| octet.is_ascii_digit());
    let number = digits.then(|| tag.parse::<u8>().ok()).flatten();
    match number.filter(|number| *number <= HIGHEST_TAG) {
        Some(0) => Ok(None),
        Some(number) => Ok(Some(number)),
        None => Err(wrong(TagProblem::Range)),
    }
}

/// Puts the tag where RFC 2868 has it: a number's is always there, in the first of its four octets (section 3.1), a
/// hidden one's too (3.5), and text's only if there is one, or if the text would be taken for one (3.3).
fn body(definition: &Definition, tag: Option<u8>, mut value: Zeroizing<Vec<u8>>) -> Body {
    let salted = definition.encryption == Encryption::TunnelPassword;
    let like_tag = value.first().is_some_and(|first| *first <= HIGHEST_TAG);
    let tag = match (definition.tagged, definition.data) {
        (false, _) => None,
        (true, DataType::Integer) => {
            if let Some(first) = value.first_mut() {
                *first = tag.unwrap_or_default();
            }
            None
        }
        (true, _) if salted || like_tag => Some(tag.unwrap_or_default()),
        (true, _) => tag,
    };
    Body { tag, value, salted }
}

fn canonical(definition: &Definition, tag: Option<u8>, octets: &[u8]) -> String {
    let value = show::value(definition, octets).unwrap_or_else(|| super::text::to_hex(octets));
    format!("{} = {value}", tagged(&definition.name, tag))
}

fn tagged(name: &str, tag: Option<u8>) -> String {
    match tag {
        Some(tag) => format!("{name}:{tag}"),
        None => name.to_owned(),
    }
}

fn type_of(definition: &Definition) -> String {
    match definition.length {
        Some(length) => format!("{}[{length}]", definition.data.name()),
        None => definition.data.name().to_owned(),
    }
}

/// A right entry for this attribute.
fn example(definition: &Definition) -> String {
    let value = match definition.data {
        DataType::String => "\"some text\"".to_owned(),
        DataType::Octets => match definition.length {
            Some(length) => format!("0x{}", "0a".repeat(usize::from(length))),
            None => "0x0a0b0c, or \"some text\"".to_owned(),
        },
        DataType::IpAddr | DataType::ComboIp => "192.0.2.1".to_owned(),
        DataType::Ipv6Addr => "2001:db8::1".to_owned(),
        DataType::Ipv4Prefix => "192.0.2.0/24".to_owned(),
        DataType::Ipv6Prefix => "2001:db8:0:100::/56".to_owned(),
        DataType::Integer | DataType::Byte | DataType::Short | DataType::Integer64 => {
            let name = definition.values().first().map(|value| value.name.clone());
            name.unwrap_or_else(|| "60".to_owned())
        }
        DataType::Signed => "-60".to_owned(),
        DataType::Date => "2030-01-31T12:00:00Z".to_owned(),
        DataType::IfId => "0:0:0:1".to_owned(),
        DataType::Ether => "02:00:5e:10:00:01".to_owned(),
        DataType::Tlv | DataType::Abinary => "0x0a0b0c".to_owned(),
    };
    let tag = definition.tagged.then_some(1);
    format!("{} = {value}", tagged(&definition.name, tag))
}
