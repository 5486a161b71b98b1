use crate::{Authenticator, Code, HEADER, MAX_PACKET, MAX_VALUE, SharedSecret, WireError, attribute};

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
        let too_long = WireError::ValueTooLong {
            kind,
            length: value.len(),
        };
        if value.len() > MAX_VALUE {
            return Err(too_long);
        }
        let length = u8::try_from(value.len() + 2).map_err(|_| too_long)?;
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
            slot_value.copy_from_slice(value);
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
                slot.copy_from_slice(&mac);
            }
        }
        packet
    }
}
