use zeroize::Zeroizing;

use crate::{
    Authenticator, Code, EapPacket, HEADER, MAX_PACKET, MAX_VALUE, SharedSecret, WireError, attribute,
    eap::EAP_HEAD,
};

/// Offset of a Message-Authenticator's value when the attribute is the first one.
const MAC_AT: usize = HEADER + 2;

/// Appends attributes to a packet in the caller's buffer.
#[derive(Debug)]
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
    signed: bool,
}

impl<'b> Writer<'b> {
    /// Starts a packet with this authenticator in place and, if `signed`, room for the Message-Authenticator
    /// as first attribute: first, because a chosen prefix before it is what CVE-2024-3596 needs.
    pub(crate) fn new(
        buffer: &'b mut [u8],
        code: Code,
        identifier: u8,
        authenticator: Authenticator,
        signed: bool,
    ) -> Result<Self, WireError> {
        let size = buffer.len();
        let header = buffer
            .first_chunk_mut::<HEADER>()
            .ok_or(WireError::Buffer(size))?;
        let [slot_code, slot_identifier, _, _, slot_authenticator @ ..] = header;
        *slot_code = code.into();
        *slot_identifier = identifier;
        *slot_authenticator = authenticator.0;
        let mut writer = Self {
            buffer,
            length: HEADER,
            signed,
        };
        if signed {
            writer.attribute(attribute::MESSAGE_AUTHENTICATOR, &[0; 16])?;
        }
        Ok(writer)
    }

    pub(crate) fn attribute(&mut self, kind: u8, value: &[u8]) -> Result<(), WireError> {
        self.attribute_of(kind, &[value])
    }

    /// Adds one attribute of Microsoft's or another vendor's, alone in its Vendor-Specific.
    pub(crate) fn vendor(&mut self, vendor: u32, kind: u8, value: &[u8]) -> Result<(), WireError> {
        let length = value.len() + 2;
        let inner = u8::try_from(length).map_err(|_| WireError::ValueTooLong {
            kind: attribute::VENDOR_SPECIFIC,
            length: length + 4,
        })?;
        self.attribute_of(
            attribute::VENDOR_SPECIFIC,
            &[&vendor.to_be_bytes(), &[kind, inner], value],
        )
    }

    /// Adds an EAP packet as EAP-Message attributes: all of it or nothing.
    pub(crate) fn eap(&mut self, packet: &EapPacket<'_>) -> Result<(), WireError> {
        let mut head = [0; EAP_HEAD];
        let head = packet.head(&mut head)?;
        let length = head.len() + packet.data.len();
        let pieces = length.div_ceil(MAX_VALUE);
        if self.length + length + 2 * pieces > MAX_PACKET.min(self.buffer.len()) {
            return Err(WireError::Full {
                kind: attribute::EAP_MESSAGE,
            });
        }
        let mut octets = head.iter().chain(packet.data);
        // A peer's packet holds a password.
        let mut value = Zeroizing::new([0; MAX_VALUE]);
        for _ in 0..pieces {
            let mut used = 0;
            for (slot, octet) in value.iter_mut().zip(octets.by_ref().take(MAX_VALUE)) {
                *slot = *octet;
                used += 1;
            }
            self.attribute(attribute::EAP_MESSAGE, value.get(..used).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Adds one attribute whose value is `parts`, one after the other.
    fn attribute_of(&mut self, kind: u8, parts: &[&[u8]]) -> Result<(), WireError> {
        let size = parts.iter().map(|part| part.len()).sum();
        let too_long = WireError::ValueTooLong { kind, length: size };
        if size > MAX_VALUE {
            return Err(too_long);
        }
        let length = u8::try_from(size + 2).map_err(|_| too_long)?;
        let end = self.length + usize::from(length);
        if end > MAX_PACKET {
            return Err(WireError::Full { kind });
        }
        let room = self
            .buffer
            .get_mut(self.length..end)
            .ok_or(WireError::Full { kind })?;
        if let [slot_kind, slot_length, slot_value @ ..] = room {
            *slot_kind = kind;
            *slot_length = length;
            let mut rest = slot_value;
            for part in parts {
                // The room was measured by the parts, so there always is enough.
                let Some((slot, after)) = rest.split_at_mut_checked(part.len()) else {
                    break;
                };
                slot.copy_from_slice(part);
                rest = after;
            }
        }
        self.length = end;
        Ok(())
    }

    /// Writes Length and Message-Authenticator and gives the packet back.
    pub(crate) fn finish(self, secret: &SharedSecret) -> &'b mut [u8] {
        let Self {
            buffer,
            length,
            signed,
        } = self;
        // `attribute` keeps `length` at 4096 or less and inside the buffer.
        let packet = buffer.get_mut(..length).unwrap_or_default();
        let field = u16::try_from(length).unwrap_or_default().to_be_bytes();
        if let Some(slot) = packet.get_mut(2..4) {
            slot.copy_from_slice(&field);
        }
        if signed {
            let mac = secret.mac(&[packet]);
            if let Some(slot) = packet.get_mut(MAC_AT..MAC_AT + 16) {
                slot.copy_from_slice(mac.octets());
            }
        }
        packet
    }

    /// Like [`Self::finish`]; then signs the whole packet, with what stands in the authenticator's place, into
    /// that place: a Response Authenticator (RFC 2865 section 3) or an Accounting-Request's (RFC 2866
    /// section 3).
    pub(crate) fn finish_signed(self, secret: &SharedSecret) -> &'b mut [u8] {
        let packet = self.finish(secret);
        let signature = secret.sign(&[packet]);
        if let Some(slot) = packet.get_mut(4..HEADER) {
            slot.copy_from_slice(signature.octets());
        }
        packet
    }
}
