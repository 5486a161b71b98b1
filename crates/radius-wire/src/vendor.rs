use crate::{Attribute, Attributes, MAX_VALUE, Packet, WireError, attribute, packet::split_attribute};

/// Microsoft's vendor number (RFC 2548).
pub const MICROSOFT: u32 = 311;

/// The longest value of a vendor's attribute: its vendor's number, type and length are in the same 253 octets.
pub const MAX_VENDOR_VALUE: usize = MAX_VALUE - 6;

impl<'a> Packet<'a> {
    /// The attributes of one vendor, in the packet's order, in the usual format of one octet type and one octet
    /// length (RFC 2865 section 5.26). Several may share a Vendor-Specific. One error for each Vendor-Specific
    /// whose lengths do not fit, after the attributes that could be read.
    #[must_use]
    pub fn vendor(&self, vendor: u32) -> VendorAttributes<'a> {
        VendorAttributes {
            vendor,
            attributes: self.attributes(),
            inside: &[],
        }
    }
}

/// Iterator over the attributes of one vendor; see [`Packet::vendor`].
#[derive(Debug, Clone)]
pub struct VendorAttributes<'a> {
    vendor: u32,
    attributes: Attributes<'a>,
    inside: &'a [u8],
}

impl<'a> Iterator for VendorAttributes<'a> {
    type Item = Result<Attribute<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.inside.is_empty() {
            self.inside = self.attributes.find_map(|outer| inside(outer, self.vendor))?;
        }
        let result = split_attribute(self.inside, 0);
        self.inside = result.map_or(&[], |(_, rest)| rest);
        Some(
            result
                .map(|(inner, _)| inner)
                .map_err(|_| WireError::VendorAttribute { vendor: self.vendor }),
        )
    }
}

/// What a Vendor-Specific of this vendor holds.
fn inside<'a>(outer: Attribute<'a>, vendor: u32) -> Option<&'a [u8]> {
    let (number, rest) = outer.value.split_first_chunk::<4>()?;
    (outer.kind == attribute::VENDOR_SPECIFIC && u32::from_be_bytes(*number) == vendor).then_some(rest)
}
