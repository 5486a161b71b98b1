//! Octets of a reply attribute, finished for a packet.

use std::{borrow::Cow, fmt};

use zeroize::Zeroizing;

use crate::{
    Authenticator, MAX_VALUE, Salt, SharedSecret, WireError, attribute,
    dictionary::{AttributeId, Dictionary, VendorFormat},
    hide_salted,
};

use super::{Entry, EntryError, Problem, once};

/// Octets that all entries of a reply may have together. A packet has 4,096; the rest is for the header, the
/// Message-Authenticator, the request's Proxy-State, messages, EAP and MPPE keys.
pub const BUDGET: usize = 3_000;

/// A reply attribute, ready to be sent, or nearly.
#[derive(Clone, PartialEq, Eq)]
pub enum Encoded {
    /// Sent as it is.
    Plain {
        /// Attribute type; 26 for a vendor's.
        kind: u8,
        /// Its whole value, with vendor, number and tag where it has those.
        value: Vec<u8>,
    },
    /// Hidden with a salt for each packet (RFC 2868 section 3.5).
    Salted {
        /// Attribute type; 26 for a vendor's.
        kind: u8,
        /// What goes before the salt in the clear: vendor, number and length of a vendor's, and the tag.
        head: Vec<u8>,
        /// What is to be hidden.
        value: Zeroizing<Vec<u8>>,
    },
}

impl Encoded {
    /// Attribute type.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Plain { kind, .. } | Self::Salted { kind, .. } => *kind,
        }
    }

    /// Octets in the packet, type and length included.
    #[must_use]
    pub fn size(&self) -> usize {
        2 + match self {
            Self::Plain { value, .. } => value.len(),
            Self::Salted { head, value, .. } => head.len() + hidden_length(value.len()),
        }
    }

    /// The attribute's value in the reply to the request with this authenticator. Each attribute of a packet needs a
    /// salt of its own: see [`super::Salts`].
    ///
    /// # Errors
    /// [`WireError::SaltedTooLong`] or [`WireError::ValueTooLong`]; not for what [`Entry::parse`] made.
    pub fn octets(
        &self,
        secret: &SharedSecret,
        request: &Authenticator,
        salt: Salt,
    ) -> Result<Cow<'_, [u8]>, WireError> {
        let (kind, octets) = match self {
            Self::Plain { kind, value } => (*kind, Cow::Borrowed(value.as_slice())),
            Self::Salted { kind, head, value } => {
                let mut octets = head.clone();
                let (hidden, length) = hide_salted(value, salt, secret, request)?;
                octets.extend(hidden.iter().take(length));
                (*kind, Cow::Owned(octets))
            }
        };
        if octets.len() > MAX_VALUE {
            return Err(WireError::ValueTooLong {
                kind,
                length: octets.len(),
            });
        }
        Ok(octets)
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { kind, value } => (f.debug_struct("Plain"))
                .field("kind", kind)
                .field("value", value)
                .finish(),
            Self::Salted { kind, .. } => f
                .debug_struct("Salted")
                .field("kind", kind)
                .finish_non_exhaustive(),
        }
    }
}

/// Octets that hiding makes of so many: a salt, then the length octet and the value in blocks of 16.
fn hidden_length(value: usize) -> usize {
    2 + (1 + value).next_multiple_of(16)
}

/// Checks all entries of one reply together: their size, and that nothing is there twice that must not be. Returns
/// their size in octets.
///
/// # Errors
/// [`EntryError::Full`] or [`EntryError::Twice`].
pub fn check<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<usize, EntryError> {
    let mut octets = 0_usize;
    let mut seen: Vec<AttributeId> = Vec::new();
    for entry in entries {
        octets = octets.saturating_add(entry.encoded().size());
        if once(entry.id()) && seen.contains(&entry.id()) {
            return Err(EntryError::Twice(entry.name().to_owned()));
        }
        seen.push(entry.id());
    }
    if octets > BUDGET {
        return Err(EntryError::Full {
            octets,
            budget: BUDGET,
        });
    }
    Ok(octets)
}

/// A value and what goes with it.
pub(super) struct Body {
    /// The tag octet, where one is sent.
    pub(super) tag: Option<u8>,
    pub(super) value: Zeroizing<Vec<u8>>,
    pub(super) salted: bool,
}

impl Body {
    /// Octets between the vendor's header, if any, and the end.
    fn size(&self, value: usize) -> usize {
        let value = if self.salted { hidden_length(value) } else { value };
        usize::from(self.tag.is_some()) + value
    }

    /// Puts type, vendor, number, length and tag before the value.
    pub(super) fn frame(self, dictionary: &Dictionary, id: AttributeId) -> Result<Encoded, Problem> {
        let mut head = Vec::new();
        let kind = match id.vendor {
            None => {
                self.fits(0)?;
                u8::try_from(id.number).map_err(|_| Problem::Kind(0xff))?
            }
            Some(vendor) => {
                let format = dictionary
                    .vendor(vendor)
                    .map_or(VendorFormat::USUAL, |vendor| vendor.format);
                if id.number > format.largest() {
                    return Err(Problem::Kind(format.largest()));
                }
                self.fits(4 + format.header())?;
                let length = format.header() + self.size(self.value.len());
                head.extend_from_slice(&vendor.0.to_be_bytes());
                last(&mut head, &id.number.to_be_bytes(), format.number);
                last(
                    &mut head,
                    &u32::try_from(length).unwrap_or_default().to_be_bytes(),
                    format.length,
                );
                if format.continuation {
                    head.push(0);
                }
                attribute::VENDOR_SPECIFIC
            }
        };
        head.extend(self.tag);
        if self.salted {
            return Ok(Encoded::Salted {
                kind,
                head,
                value: self.value,
            });
        }
        head.extend_from_slice(&self.value);
        Ok(Encoded::Plain { kind, value: head })
    }

    /// Whether the value fits behind so many octets.
    fn fits(&self, before: usize) -> Result<(), Problem> {
        let got = self.value.len();
        if before + self.size(got) <= MAX_VALUE {
            return Ok(());
        }
        let most = (0..got)
            .rev()
            .find(|length| before + self.size(*length) <= MAX_VALUE);
        Err(Problem::Long {
            got,
            most: most.unwrap_or_default(),
        })
    }
}

/// Appends the last `count` of some octets.
fn last(to: &mut Vec<u8>, octets: &[u8; 4], count: u8) {
    to.extend(octets.iter().skip(4_usize.saturating_sub(usize::from(count))));
}
