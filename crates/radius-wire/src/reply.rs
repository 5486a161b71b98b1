use crate::{Code, Packet, SharedSecret, WireError, attribute, split_text, writer::Writer};

/// Writes the reply to a request: Message-Authenticator first, then every Proxy-State of the request in its
/// order, then what the caller adds.
#[derive(Debug)]
pub struct ReplyBuilder<'b> {
    writer: Writer<'b>,
}

impl<'b> ReplyBuilder<'b> {
    /// Starts a reply. Proxy-State is copied here already, so that later attributes cannot crowd it out
    /// (RFC 2865 section 5.33).
    ///
    /// # Errors
    /// [`WireError::Buffer`] or [`WireError::Full`]: the buffer is smaller than [`crate::MAX_PACKET`] or the
    /// request was stuffed with Proxy-State.
    pub fn new(buffer: &'b mut [u8], code: Code, request: &Packet<'_>) -> Result<Self, WireError> {
        let mut writer = Writer::new(buffer, code, request.identifier(), request.authenticator(), true)?;
        for value in request.all(attribute::PROXY_STATE) {
            writer.attribute(attribute::PROXY_STATE, value)?;
        }
        Ok(Self { writer })
    }

    /// Adds one attribute.
    ///
    /// # Errors
    /// [`WireError::ValueTooLong`] or [`WireError::Full`].
    pub fn attribute(&mut self, kind: u8, value: &[u8]) -> Result<(), WireError> {
        self.writer.attribute(kind, value)
    }

    /// Adds a number of 32 bits.
    ///
    /// # Errors
    /// [`WireError::Full`].
    pub fn number(&mut self, kind: u8, value: u32) -> Result<(), WireError> {
        self.writer.attribute(kind, &value.to_be_bytes())
    }

    /// Adds text as one or more attributes of the same type; see [`split_text`].
    ///
    /// # Errors
    /// [`WireError::Full`].
    pub fn text(&mut self, kind: u8, text: &str) -> Result<(), WireError> {
        for piece in split_text(text) {
            self.writer.attribute(kind, piece.as_bytes())?;
        }
        Ok(())
    }

    /// Computes Message-Authenticator with the request's authenticator in place, then the Response
    /// Authenticator over all (RFC 3579 section 3.2, RFC 2865 section 3), and returns the packet.
    #[must_use]
    pub fn finish(self, secret: &SharedSecret) -> &'b [u8] {
        let packet = self.writer.finish(secret);
        // The header still holds the request's authenticator, as both computations want it.
        let response = secret.sign(&[packet]);
        if let Some(slot) = packet.get_mut(4..20) {
            slot.copy_from_slice(&response);
        }
        packet
    }
}
