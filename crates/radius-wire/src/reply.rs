use crate::{
    Authenticator, Code, EapPacket, MICROSOFT, MppeEncryption, MppeKeys, MsChapError, MsChapV2Accepted,
    Packet, Salt, SharedSecret, WireError, attribute, hide_salted, mppe, ms_chap, ms_chap_error, split_text,
    writer::Writer,
};

/// Writes the reply to a request: Message-Authenticator first, then every Proxy-State of the request in its
/// order, then what the caller adds.
#[derive(Debug)]
pub struct ReplyBuilder<'b> {
    writer: Writer<'b>,
    request: Authenticator,
}

impl<'b> ReplyBuilder<'b> {
    /// Starts a reply. Proxy-State is copied here already, so that later attributes cannot crowd it out
    /// (RFC 2865 section 5.33). Message-Authenticator is in every reply but one: an Accounting-Response has it
    /// when its request has it (as Status-Server on the accounting port does), because old accounting clients
    /// know none.
    ///
    /// # Errors
    /// [`WireError::Buffer`] or [`WireError::Full`]: the buffer is smaller than [`crate::MAX_PACKET`] or the
    /// request was stuffed with Proxy-State.
    pub fn new(buffer: &'b mut [u8], code: Code, request: &Packet<'_>) -> Result<Self, WireError> {
        let signed = code != Code::AccountingResponse || request.has(attribute::MESSAGE_AUTHENTICATOR);
        let mut writer = Writer::new(
            buffer,
            code,
            request.identifier(),
            request.authenticator(),
            signed,
        )?;
        for value in request.all(attribute::PROXY_STATE) {
            writer.attribute(attribute::PROXY_STATE, value)?;
        }
        Ok(Self {
            writer,
            request: request.authenticator(),
        })
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

    /// Adds an attribute of a vendor, alone in its Vendor-Specific (RFC 2865 section 5.26).
    ///
    /// # Errors
    /// [`WireError::ValueTooLong`] over 247 octets, or [`WireError::Full`].
    pub fn vendor(&mut self, vendor: u32, kind: u8, value: &[u8]) -> Result<(), WireError> {
        self.writer.vendor(vendor, kind, value)
    }

    /// Adds an EAP packet as EAP-Message attributes of up to 253 octets that follow each other (RFC 3579
    /// section 3.1): all of it or nothing. Reply-Message must not stand beside it (section 2.6.5); the prompt is
    /// in the EAP packet.
    ///
    /// # Errors
    /// [`WireError::EapTooLong`] or [`WireError::Full`].
    pub fn eap(&mut self, packet: &EapPacket<'_>) -> Result<(), WireError> {
        self.writer.eap(packet)
    }

    /// Adds MS-CHAP2-Success (RFC 2548 section 2.3.3) to an Access-Accept: without it the peer hangs up.
    ///
    /// # Errors
    /// [`WireError::Full`].
    pub fn ms_chap2_success(&mut self, accepted: &MsChapV2Accepted) -> Result<(), WireError> {
        self.vendor(MICROSOFT, ms_chap::SUCCESS, accepted.success())
    }

    /// Adds MS-CHAP-Error (RFC 2548 section 2.1.5) to an Access-Reject. `identifier` is the refused response's;
    /// a text too long for one attribute is cut.
    ///
    /// # Errors
    /// [`WireError::Full`].
    pub fn ms_chap_error(&mut self, identifier: u8, error: &MsChapError<'_>) -> Result<(), WireError> {
        self.vendor(MICROSOFT, ms_chap_error::ERROR, &error.value(identifier))
    }

    /// Adds MS-MPPE-Encryption-Policy, MS-MPPE-Encryption-Types, MS-MPPE-Send-Key and MS-MPPE-Recv-Key
    /// (RFC 2548 section 2.4) to an Access-Accept. `salt` must be fresh random for every reply.
    ///
    /// # Errors
    /// [`WireError::Full`].
    pub fn mppe(
        &mut self,
        keys: &MppeKeys,
        encryption: MppeEncryption,
        salt: Salt,
        secret: &SharedSecret,
    ) -> Result<(), WireError> {
        self.vendor(MICROSOFT, mppe::POLICY, &encryption.policy())?;
        self.vendor(MICROSOFT, mppe::TYPES, &encryption.types())?;
        self.salted(mppe::SEND_KEY, keys.send(), salt, secret)?;
        self.salted(mppe::RECV_KEY, keys.recv(), salt.other(), secret)
    }

    /// Adds one of Microsoft's attributes, hidden with a salt: keys that an upstream server made.
    ///
    /// # Errors
    /// [`WireError::SaltedTooLong`] or [`WireError::Full`].
    pub fn salted(
        &mut self,
        kind: u8,
        value: &[u8],
        salt: Salt,
        secret: &SharedSecret,
    ) -> Result<(), WireError> {
        let (hidden, length) = hide_salted(value, salt, secret, &self.request)?;
        self.vendor(MICROSOFT, kind, hidden.get(..length).unwrap_or_default())
    }

    /// Computes Message-Authenticator with the request's authenticator in place, then the Response
    /// Authenticator over all (RFC 3579 section 3.2, RFC 2865 section 3), and returns the packet.
    #[must_use]
    pub fn finish(self, secret: &SharedSecret) -> &'b [u8] {
        // The header still holds the request's authenticator, as both computations want it.
        self.writer.finish_signed(secret)
    }
}
