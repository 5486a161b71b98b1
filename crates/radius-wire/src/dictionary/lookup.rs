//! Finds attributes by the names that people write.

use thiserror::Error;

use super::{AttributeId, Definition, Dictionary, VendorId};

/// How many names are suggested.
const SUGGESTIONS: usize = 3;

/// A name that does not lead to one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookupError {
    /// No attribute has it.
    #[error("the attribute {name} is not known{}", suggest(.like))]
    Unknown {
        /// As written, cut to a sensible length.
        name: String,
        /// Names that look like it.
        like: Vec<String>,
    },
    /// Attributes of several vendors have it.
    #[error("{name} is an attribute of several vendors\n  = help: write one of {}", .candidates.join(", "))]
    Ambiguous {
        /// As written.
        name: String,
        /// With their vendors.
        candidates: Vec<String>,
    },
}

fn suggest(like: &[String]) -> String {
    if like.is_empty() {
        return "\n  = help: see the list of known names; without a dictionary write Attr-26.VENDOR.NUMBER = 0x..., or \
                add a dictionary of its vendor to the folder"
            .to_owned();
    }
    format!("\n  = help: did you mean {}?", like.join(", "))
}

impl Dictionary {
    /// The attribute of this name in any case: `Cisco-AVPair`, `Cisco.AVPair`, or without a dictionary `Attr-25` and
    /// `Attr-26.9.1`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.find(name).ok()
    }

    /// As [`Dictionary::get`], with a reason.
    ///
    /// # Errors
    /// [`LookupError`], with names that look like it.
    pub fn find(&self, name: &str) -> Result<&Definition, LookupError> {
        let folded = name.to_ascii_lowercase();
        if let Some(definition) = numbered(name).and_then(|id| self.by_id(id)) {
            return Ok(definition);
        }
        match self.by_name.get(&folded).map(Vec::as_slice) {
            None | Some([]) => {}
            Some([index]) => {
                if let Some(definition) = self.attributes.get(*index) {
                    return Ok(definition);
                }
            }
            Some(several) => return self.one_of(name, several),
        }
        if let Some(definition) = self.with_vendor(&folded) {
            return Ok(definition);
        }
        Err(LookupError::Unknown {
            name: name.chars().take(64).collect(),
            like: self.like(&folded),
        })
    }

    /// Of several of one name the RFCs' goes first; vendors' have to be told apart.
    fn one_of(&self, name: &str, several: &[usize]) -> Result<&Definition, LookupError> {
        let known = || several.iter().filter_map(|index| self.attributes.get(*index));
        if let Some(definition) = known().find(|definition| definition.id.vendor.is_none()) {
            return Ok(definition);
        }
        let candidates = known().filter_map(|definition| {
            let vendor = self.vendor(definition.id.vendor?)?;
            Some(format!("{}.{}", vendor.name, definition.name))
        });
        Err(LookupError::Ambiguous {
            name: name.to_owned(),
            candidates: candidates.collect(),
        })
    }

    /// `Vendor.Attr` and `Vendor-Attr`, wherever the vendor's name ends.
    fn with_vendor(&self, folded: &str) -> Option<&Definition> {
        for (at, separator) in folded.match_indices(['.', '-']) {
            let (Some(vendor), Some(rest)) = (folded.get(..at), folded.get(at + 1..)) else {
                continue;
            };
            let Some(id) = self.vendor_names.get(vendor) else {
                continue;
            };
            let found = self.index_in(Some(*id), rest).or_else(|| {
                let whole = (separator == ".").then(|| format!("{vendor}-{rest}"))?;
                self.index_in(Some(*id), &whole)
            });
            if let Some(index) = found {
                return self.attributes.get(index);
            }
        }
        None
    }

    /// Names that look like an unknown one.
    fn like(&self, folded: &str) -> Vec<String> {
        if folded.len() > 64 {
            return Vec::new();
        }
        let most = (folded.len() / 4).clamp(1, 3);
        let tail = format!("-{folded}");
        let mut near: Vec<(usize, &Definition)> = (self.attributes.iter())
            .filter_map(|definition| {
                let other = definition.name.to_ascii_lowercase();
                if folded.len() >= 4 && other.ends_with(&tail) {
                    return Some((1, definition));
                }
                let distance = distance(folded, &other, most)?;
                Some((distance, definition))
            })
            .collect();
        near.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.name.cmp(&other.name)));
        (near.into_iter().take(SUGGESTIONS))
            .map(|(_, definition)| definition.name.clone())
            .collect()
    }
}

/// `Attr-25` and `Attr-26.9.1`: an attribute by its number.
#[must_use]
pub(crate) fn numbered(name: &str) -> Option<AttributeId> {
    let (head, numbers) = name.split_at_checked(5)?;
    if !head.eq_ignore_ascii_case("Attr-") {
        return None;
    }
    let digits = |text: &str| -> Option<u32> {
        (!text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let parts: Vec<Option<u32>> = numbers.split('.').map(digits).collect();
    match parts.as_slice() {
        [Some(number @ 1..=0xff)] => Some(AttributeId {
            vendor: None,
            number: *number,
        }),
        [Some(26), Some(vendor @ 1..=0x00ff_ffff), Some(number)] => Some(AttributeId {
            vendor: Some(VendorId(*vendor)),
            number: *number,
        }),
        _ => None,
    }
}

/// How many letters have to be changed, added or taken away (Levenshtein), if no more than `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.bytes().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().filter(|distance| *distance <= most)
}
