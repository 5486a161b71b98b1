//! Puts attributes into a dictionary.

use super::{Definition, Dictionary, Fault, VendorId};

/// FreeRADIUS' own tree has 8,600.
const MOST_ATTRIBUTES: usize = 65_536;

impl Dictionary {
    /// The attribute of exactly this vendor, or of none.
    pub(super) fn index_in(&self, vendor: Option<VendorId>, folded: &str) -> Option<usize> {
        let indices = self.by_name.get(folded)?;
        (indices.iter().copied())
            .find(|index| (self.attributes.get(*index)).is_some_and(|known| known.id.vendor == vendor))
    }

    /// Adds an attribute or replaces the one of its name. Says whether another one was replaced.
    pub(super) fn define(&mut self, definition: Definition) -> Result<bool, Fault> {
        let folded = definition.name.to_ascii_lowercase();
        let id = definition.id;
        let Some(index) = self.index_in(id.vendor, &folded) else {
            if self.attributes.len() >= MOST_ATTRIBUTES {
                return Err(Fault::TooMany {
                    most: MOST_ATTRIBUTES,
                    what: "attributes",
                });
            }
            let index = self.attributes.len();
            self.attributes.push(definition);
            self.by_name.entry(folded).or_default().push(index);
            self.by_id.insert(id, index);
            return Ok(false);
        };
        let Some(known) = self.attributes.get_mut(index) else {
            return Ok(false);
        };
        if known.alike(&definition) {
            self.by_id.insert(id, index);
            return Ok(false);
        }
        if known.id != id && known.run == definition.run {
            return Err(Fault::Again {
                name: definition.name,
                first: known.place.to_string(),
            });
        }
        let before = known.id;
        *known = definition;
        if before != id && self.by_id.get(&before) == Some(&index) {
            // Another name of the old number may be left.
            match self.attributes.iter().rposition(|other| other.id == before) {
                Some(other) => self.by_id.insert(before, other),
                None => self.by_id.remove(&before),
            };
        }
        self.by_id.insert(id, index);
        Ok(true)
    }
}
