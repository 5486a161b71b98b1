//! Names for attributes, from files in FreeRADIUS' dictionary format.
//!
//! [`Dictionary::shipped`] knows the RFCs' attributes and those of common VPN vendors; [`Dictionary::read`] adds
//! files of the administrator's. Text is handed in and `$INCLUDE` asks the caller, so nothing here touches a disk.
//!
//! Not understood, and left out with a [`Note`]: attributes inside other attributes (TLV, RFC 6929), other
//! protocols than RADIUS, and what is used inside FreeRADIUS only.

mod block;
mod define;
mod definition;
mod error;
mod line;
mod lookup;
mod read;
mod shipped;

use std::collections::BTreeMap;

pub use definition::{
    AttributeId, DataType, Definition, Encryption, NamedValue, Vendor, VendorFormat, VendorId,
};
pub use error::{DictionaryError, Fault, IncludeError, Note, Remark};
pub use lookup::LookupError;
pub(crate) use lookup::numbered;
pub use read::{Include, no_includes};

/// Attributes, vendors and named values, by name and by number.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    attributes: Vec<Definition>,
    /// Lower-case names; a name may stand for attributes of several vendors, but once for each.
    by_name: BTreeMap<String, Vec<usize>>,
    /// The name that was defined last wins.
    by_id: BTreeMap<AttributeId, usize>,
    vendors: BTreeMap<VendorId, Vendor>,
    /// Lower-case names; several may stand for one number.
    vendor_names: BTreeMap<String, VendorId>,
    /// How often something was read: tells a contradiction in one file from a later file that overrides.
    runs: u32,
}

impl Dictionary {
    /// The attributes that come with otpost.
    ///
    /// # Errors
    /// None for the files as they are shipped; a test reads them.
    pub fn shipped() -> Result<Self, DictionaryError> {
        let mut dictionary = Self::default();
        for (file, text) in shipped::FILES {
            dictionary.read(file, text, &mut no_includes)?;
        }
        Ok(dictionary)
    }

    /// The attribute that is printed for this number.
    #[must_use]
    pub fn by_id(&self, id: AttributeId) -> Option<&Definition> {
        self.by_id.get(&id).and_then(|index| self.attributes.get(*index))
    }

    /// A vendor by its number.
    #[must_use]
    pub fn vendor(&self, id: VendorId) -> Option<&Vendor> {
        self.vendors.get(&id)
    }

    /// A vendor's number by its name, in any case.
    #[must_use]
    pub fn vendor_named(&self, name: &str) -> Option<VendorId> {
        self.vendor_names.get(&name.to_ascii_lowercase()).copied()
    }

    /// All attributes, in the order they were first defined in.
    pub fn attributes(&self) -> impl Iterator<Item = &Definition> {
        self.attributes.iter()
    }
}
