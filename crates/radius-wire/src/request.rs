use crate::{
    Authenticator, Code, SharedSecret, WireError, attribute, hide_password, split_text, writer::Writer,
};

/// Whether a request carries a Message-Authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// As first attribute. What every client should send.
    MessageAuthenticator,
    /// None, as old clients do; the server drops it by default.
    None,
}

/// Writes an Access-Request or Status-Server: for `otpostctl radius test`, the demo and tests.
#[derive(Debug)]
pub struct RequestBuilder<'b> {
    writer: Writer<'b>,
    authenticator: Authenticator,
}

impl<'b> RequestBuilder<'b> {
    /// Starts a request. `authenticator` must be fresh random octets: it keys the password's hiding
    /// (RFC 2865 section 3).
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
        let signed = signing == Signing::MessageAuthenticator;
        let writer = Writer::new(buffer, code, identifier, authenticator, signed)?;
        Ok(Self {
            writer,
            authenticator,
        })
    }

    /// Adds one attribute.
    ///
    /// # Errors
    /// [`WireError::ValueTooLong`] or [`WireError::Full`].
    pub fn attribute(&mut self, kind: u8, value: &[u8]) -> Result<(), WireError> {
        self.writer.attribute(kind, value)
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

    /// Adds User-Password, hidden.
    ///
    /// # Errors
    /// [`WireError::PasswordTooLong`] or [`WireError::Full`].
    pub fn password(&mut self, password: &[u8], secret: &SharedSecret) -> Result<(), WireError> {
        let (hidden, length) = hide_password(password, secret, &self.authenticator)?;
        self.writer
            .attribute(attribute::USER_PASSWORD, hidden.get(..length).unwrap_or_default())
    }

    /// Computes Message-Authenticator, where one was asked for, and returns the packet.
    #[must_use]
    pub fn finish(self, secret: &SharedSecret) -> &'b [u8] {
        self.writer.finish(secret)
    }
}
