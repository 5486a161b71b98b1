use crate::{
    Authenticator, Code, EapPacket, MICROSOFT, MsChapV2Credentials, SharedSecret, WireError, attribute, chap,
    hide_password, ms_chap, split_text, writer::Writer,
};

/// Whether a request carries a Message-Authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// As first attribute. What every client should send.
    MessageAuthenticator,
    /// None, as old clients do; the server drops it by default.
    None,
}

/// Writes an Access-Request, Accounting-Request or Status-Server: for the client of an upstream server,
/// `otpostctl radius test`, the demo and tests.
#[derive(Debug)]
pub struct RequestBuilder<'b> {
    writer: Writer<'b>,
    authenticator: Authenticator,
    accounting: bool,
}

impl<'b> RequestBuilder<'b> {
    /// Starts a request. `authenticator` must be fresh random octets: it keys the password's hiding
    /// (RFC 2865 section 3). For an Accounting-Request it is not used: there it is a signature, made by
    /// [`Self::finish`] and found in the packet.
    ///
    /// # Errors
    /// [`WireError::Buffer`] or [`WireError::Full`].
    pub fn new(
        buffer: &'b mut [u8],
        code: Code,
        identifier: u8,
        authenticator: Authenticator,
        signing: Signing,
    ) -> Result<Self, WireError> {
        let accounting = code == Code::AccountingRequest;
        let authenticator = if accounting {
            Authenticator([0; 16])
        } else {
            authenticator
        };
        let signed = signing == Signing::MessageAuthenticator;
        let writer = Writer::new(buffer, code, identifier, authenticator, signed)?;
        Ok(Self {
            writer,
            authenticator,
            accounting,
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

    /// Adds User-Password, hidden.
    ///
    /// # Errors
    /// [`WireError::PasswordTooLong`] or [`WireError::Full`].
    pub fn password(&mut self, password: &[u8], secret: &SharedSecret) -> Result<(), WireError> {
        let (hidden, length) = hide_password(password, secret, &self.authenticator)?;
        self.writer
            .attribute(attribute::USER_PASSWORD, hidden.get(..length).unwrap_or_default())
    }

    /// Adds CHAP-Password, and CHAP-Challenge if one is given; without, the Request Authenticator is the
    /// challenge (RFC 2865 section 2.2).
    ///
    /// # Errors
    /// [`WireError::ChapChallengeLength`] under 5 octets, [`WireError::ValueTooLong`] or [`WireError::Full`].
    pub fn chap(
        &mut self,
        identifier: u8,
        password: &[u8],
        challenge: Option<&[u8]>,
    ) -> Result<(), WireError> {
        if let Some(challenge) = challenge {
            chap::check_challenge(challenge)?;
            self.attribute(attribute::CHAP_CHALLENGE, challenge)?;
        }
        let challenge = challenge.unwrap_or(&self.authenticator.0);
        let value = chap::password_value(identifier, password, challenge);
        self.writer.attribute(attribute::CHAP_PASSWORD, &value)
    }

    /// Adds MS-CHAP-Challenge and MS-CHAP2-Response (RFC 2548 sections 2.1.2 and 2.3.2). User-Name is the
    /// caller's to add.
    ///
    /// # Errors
    /// [`WireError::Full`].
    pub fn ms_chap_v2(&mut self, credentials: &MsChapV2Credentials<'_>) -> Result<(), WireError> {
        self.vendor(
            MICROSOFT,
            ms_chap::CHALLENGE,
            &credentials.authenticator_challenge,
        )?;
        self.vendor(MICROSOFT, ms_chap::RESPONSE_V2, &credentials.response())
    }

    /// Adds an EAP packet as EAP-Message attributes (RFC 3579 section 3.1): all of it or nothing.
    ///
    /// # Errors
    /// [`WireError::EapTooLong`] or [`WireError::Full`].
    pub fn eap(&mut self, packet: &EapPacket<'_>) -> Result<(), WireError> {
        self.writer.eap(packet)
    }

    /// Computes Message-Authenticator, where one was asked for, and an Accounting-Request's authenticator, and
    /// returns the packet.
    #[must_use]
    pub fn finish(self, secret: &SharedSecret) -> &'b [u8] {
        if self.accounting {
            self.writer.finish_signed(secret)
        } else {
            self.writer.finish(secret)
        }
    }
}
