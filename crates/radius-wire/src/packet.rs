use crate::{Authenticator, Code, HEADER, MAX_PACKET, SharedSecret, WireError, attribute};

/// A datagram that keeps the length rules of RFC 2865 section 3; nothing in it is trusted yet.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    octets: &'a [u8],
    code: u8,
    identifier: u8,
    authenticator: Authenticator,
    attributes: &'a [u8],
}

/// One attribute: type and value octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Attribute type; unknown ones are passed on as they are.
    pub kind: u8,
    /// 0..=253 octets.
    pub value: &'a [u8],
}

/// What a packet says about its own Message-Authenticator (RFC 3579 section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageAuthenticator {
    /// There is none.
    Absent,
    /// There is exactly one, and it was made with our secret.
    Valid,
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Octets after Length are padding and ignored; every attribute is checked to lie
    /// inside the packet, so that the iterators cannot fail later.
    ///
    /// # Errors
    /// The first length rule that is broken.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, WireError> {
        let (header, _) = datagram
            .split_first_chunk::<HEADER>()
            .ok_or(WireError::Datagram(datagram.len()))?;
        let [code, identifier, high, low, authenticator @ ..] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(HEADER..=MAX_PACKET).contains(&length) {
            return Err(WireError::Length(length));
        }
        let octets = datagram.get(..length).ok_or(WireError::Truncated {
            length,
            datagram: datagram.len(),
        })?;
        let attributes = octets.get(HEADER..).unwrap_or_default();
        let mut rest = attributes;
        while !rest.is_empty() {
            let at = length - rest.len();
            (_, rest) = split_attribute(rest, at)?;
        }
        Ok(Self {
            octets,
            code,
            identifier,
            authenticator: Authenticator(authenticator),
            attributes,
        })
    }

    /// The packet's kind.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code.into()
    }

    /// Matches a reply with its request.
    #[must_use]
    pub fn identifier(&self) -> u8 {
        self.identifier
    }

    /// The authenticator as it stands in the header.
    #[must_use]
    pub fn authenticator(&self) -> Authenticator {
        self.authenticator
    }

    /// The packet without padding behind it.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// All attributes in the packet's order.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes {
            rest: self.attributes,
        }
    }

    /// Values of all attributes of one type, in order.
    pub fn all(&self, kind: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.attributes()
            .filter(move |attribute| attribute.kind == kind)
            .map(|attribute| attribute.value)
    }

    /// Value of the first attribute of one type.
    #[must_use]
    pub fn first(&self, kind: u8) -> Option<&'a [u8]> {
        self.all(kind).next()
    }

    /// Value of an attribute that may be there once.
    ///
    /// # Errors
    /// [`WireError::Doubled`].
    pub fn only(&self, kind: u8) -> Result<Option<&'a [u8]>, WireError> {
        let mut all = self.all(kind);
        let first = all.next();
        if all.next().is_some() {
            return Err(WireError::Doubled { kind });
        }
        Ok(first)
    }

    /// Whether an attribute of the type is there.
    #[must_use]
    pub fn has(&self, kind: u8) -> bool {
        self.first(kind).is_some()
    }

    /// Checks the Message-Authenticator of a request, in constant time. In an Accounting-Request it was computed
    /// with zeros in the authenticator's place, which then signs it in turn.
    ///
    /// # Errors
    /// Doubled, not of 16 octets, or wrong. All three deserve silence (RFC 3579 section 3.2).
    pub fn check_message_authenticator(
        &self,
        secret: &SharedSecret,
    ) -> Result<MessageAuthenticator, WireError> {
        let authenticator = match self.code() {
            Code::AccountingRequest => Authenticator([0; 16]),
            _ => self.authenticator,
        };
        self.check_message_authenticator_with(secret, &authenticator)
    }

    /// Checks that this packet is the answer to the request with this Identifier and authenticator:
    /// Identifier, Response Authenticator and, where there is one, Message-Authenticator.
    ///
    /// # Errors
    /// What does not fit. The caller decides whether [`MessageAuthenticator::Absent`] is good enough; against
    /// CVE-2024-3596 it is not.
    pub fn check_reply(
        &self,
        secret: &SharedSecret,
        identifier: u8,
        request: &Authenticator,
    ) -> Result<MessageAuthenticator, WireError> {
        if self.identifier != identifier {
            return Err(WireError::IdentifierMismatch {
                got: self.identifier,
                expected: identifier,
            });
        }
        if !self.is_signed_over(secret, request) {
            return Err(WireError::ResponseAuthenticatorWrong);
        }
        self.check_message_authenticator_with(secret, request)
    }

    /// Whether the authenticator in the header is MD5 over the packet, with `in_its_place`, and the secret.
    pub(crate) fn is_signed_over(&self, secret: &SharedSecret, in_its_place: &Authenticator) -> bool {
        let (head, _) = self.octets.split_at_checked(4).unwrap_or_default();
        secret
            .sign(&[head, &in_its_place.0, self.attributes])
            .matches(&self.authenticator.0)
    }

    fn check_message_authenticator_with(
        &self,
        secret: &SharedSecret,
        authenticator: &Authenticator,
    ) -> Result<MessageAuthenticator, WireError> {
        let mut found: Option<(&[u8], &[u8], &[u8])> = None;
        let mut rest = self.attributes;
        while let Ok((attribute, after)) = split_attribute(rest, 0) {
            if attribute.kind == attribute::MESSAGE_AUTHENTICATOR {
                if found.is_some() {
                    return Err(WireError::MessageAuthenticatorDoubled);
                }
                let end = self.attributes.len() - after.len();
                let start = end - attribute.value.len();
                let before = self.attributes.get(..start).unwrap_or_default();
                found = Some((before, attribute.value, after));
            }
            rest = after;
        }
        let Some((before, value, after)) = found else {
            return Ok(MessageAuthenticator::Absent);
        };
        if value.len() != 16 {
            return Err(WireError::MessageAuthenticatorLength(value.len()));
        }
        let (head, _) = self.octets.split_at_checked(4).unwrap_or_default();
        let expected = secret.mac(&[head, &authenticator.0, before, &[0; 16], after]);
        if expected.matches(value) {
            Ok(MessageAuthenticator::Valid)
        } else {
            Err(WireError::MessageAuthenticatorWrong)
        }
    }
}

/// Iterator over the attributes of a [`Packet`].
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (attribute, rest) = split_attribute(self.rest, 0).ok()?;
        self.rest = rest;
        Some(attribute)
    }
}

/// Takes the first attribute off `octets`, which lie at offset `at` of their packet.
pub(crate) fn split_attribute(octets: &[u8], at: usize) -> Result<(Attribute<'_>, &[u8]), WireError> {
    let &[kind, length, ..] = octets else {
        return Err(WireError::AttributeLength { at });
    };
    let length = usize::from(length);
    if length < 2 {
        return Err(WireError::AttributeLength { at });
    }
    let (whole, rest) = octets
        .split_at_checked(length)
        .ok_or(WireError::AttributeOverrun { at })?;
    Ok((
        Attribute {
            kind,
            value: whole.get(2..).unwrap_or_default(),
        },
        rest,
    ))
}
