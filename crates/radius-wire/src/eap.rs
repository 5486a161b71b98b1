use std::fmt;

use crate::{Attribute, MAX_PACKET, Packet, WireError, attribute};

/// The longest head of an EAP packet: header, 254, vendor and vendor's type (RFC 3748 section 5.7).
pub(crate) const EAP_HEAD: usize = 12;

/// Octets of an EAP header: code, identifier, length (RFC 3748 section 4).
const HEADER: usize = 4;

/// An expanded type begins with this one.
const EXPANDED: u8 = 254;

/// The kind of an EAP packet (RFC 3748 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EapCode {
    /// 1: from the server.
    Request,
    /// 2: from the peer.
    Response,
    /// 3: the peer is who it says.
    Success,
    /// 4: it is not.
    Failure,
}

/// What a Request or Response is about (RFC 3748 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EapMethod {
    /// 1: who is there.
    Identity,
    /// 2: a text to show.
    Notification,
    /// 3: the peer does not want the method it was asked for; its wishes are one octet each.
    Nak,
    /// The same with expanded types of eight octets each (RFC 3748 section 5.3.2).
    ExpandedNak,
    /// 4: a CHAP response. Not offered here.
    Md5Challenge,
    /// 6: Generic Token Card, text both ways.
    Gtc,
    /// Any other of the IETF's.
    Other(u32),
    /// A vendor's own.
    Vendor {
        /// The vendor's number, of 24 bits.
        vendor: u32,
        /// Its type.
        kind: u32,
    },
}

/// One EAP packet. [`fmt::Debug`] leaves its data out: it may be a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EapPacket<'a> {
    /// The packet's kind.
    pub code: EapCode,
    /// Matches a Response with its Request.
    pub identifier: u8,
    /// Only a Request or Response has one.
    pub method: Option<EapMethod>,
    /// What follows the type: a name, a prompt, a password.
    pub data: &'a [u8],
}

/// The EAP packet in a packet's EAP-Message attributes, joined if there are several (RFC 3579 section 3.1). `None`
/// without the attribute; no octets for EAP-Start, an empty attribute (section 2.1). One attribute is borrowed
/// from the packet, several are joined in `buffer`, which then holds a password: wipe it.
///
/// # Errors
/// [`WireError::EapScattered`].
pub fn join_eap<'a>(
    packet: &Packet<'a>,
    buffer: &'a mut [u8; MAX_PACKET],
) -> Result<Option<&'a [u8]>, WireError> {
    let is_eap = |attribute: &Attribute<'_>| attribute.kind == attribute::EAP_MESSAGE;
    let mut run = packet.attributes().skip_while(|attribute| !is_eap(attribute));
    let Some(first) = run.next() else {
        return Ok(None);
    };
    let mut after = run.skip_while(is_eap);
    if after.any(|attribute| is_eap(&attribute)) {
        return Err(WireError::EapScattered);
    }
    if packet.all(attribute::EAP_MESSAGE).nth(1).is_none() {
        return Ok(Some(first.value));
    }
    let mut length = 0;
    for value in packet.all(attribute::EAP_MESSAGE) {
        // All attributes lie in one packet, so they fit.
        if let Some(slot) = buffer.get_mut(length..length + value.len()) {
            slot.copy_from_slice(value);
            length += value.len();
        }
    }
    Ok(Some(buffer.get(..length).unwrap_or_default()))
}

impl<'a> EapPacket<'a> {
    /// Reads an EAP packet. Octets after its Length are padding and ignored (RFC 3748 section 4). A type of the
    /// IETF's is the same whether it is written in one octet or expanded (section 5.7).
    ///
    /// # Errors
    /// [`WireError::EapLength`] or [`WireError::EapCode`].
    pub fn parse(octets: &'a [u8]) -> Result<Self, WireError> {
        let wrong = WireError::EapLength { octets: octets.len() };
        let &[code, identifier, high, low, ..] = octets else {
            return Err(wrong);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = octets.get(HEADER..length).ok_or(wrong)?;
        let code = match code {
            1 => EapCode::Request,
            2 => EapCode::Response,
            3 => EapCode::Success,
            4 => EapCode::Failure,
            other => return Err(WireError::EapCode(other)),
        };
        let (method, data) = match (code, body) {
            (EapCode::Success | EapCode::Failure, []) => (None, body),
            (EapCode::Success | EapCode::Failure, _) => return Err(wrong),
            (_, [EXPANDED, a, b, c, d, e, f, g, data @ ..]) => {
                let vendor = u32::from_be_bytes([0, *a, *b, *c]);
                let kind = u32::from_be_bytes([*d, *e, *f, *g]);
                (Some(EapMethod::expanded(vendor, kind)), data)
            }
            (_, [EXPANDED, ..] | []) => return Err(wrong),
            (_, [kind, data @ ..]) => (Some(EapMethod::from(*kind)), data),
        };
        Ok(Self {
            code,
            identifier,
            method,
            data,
        })
    }

    /// Asks the peer who it is.
    #[must_use]
    pub fn identity_request(identifier: u8) -> Self {
        Self::of(EapCode::Request, identifier, EapMethod::Identity, &[])
    }

    /// Says who is there.
    #[must_use]
    pub fn identity_response(identifier: u8, name: &'a [u8]) -> Self {
        Self::of(EapCode::Response, identifier, EapMethod::Identity, name)
    }

    /// Asks for text, with a prompt to show (RFC 3748 section 5.6). The identifier must not be the one before:
    /// [`next_identifier`].
    #[must_use]
    pub fn gtc_request(identifier: u8, prompt: &'a str) -> Self {
        Self::of(EapCode::Request, identifier, EapMethod::Gtc, prompt.as_bytes())
    }

    /// Answers [`Self::gtc_request`].
    #[must_use]
    pub fn gtc_response(identifier: u8, answer: &'a [u8]) -> Self {
        Self::of(EapCode::Response, identifier, EapMethod::Gtc, answer)
    }

    /// Refuses a method; `wanted` are the types the peer would take, or a single 0.
    #[must_use]
    pub fn nak(identifier: u8, wanted: &'a [u8]) -> Self {
        Self::of(EapCode::Response, identifier, EapMethod::Nak, wanted)
    }

    /// Ends a login well. The identifier is that of the Response before (RFC 3748 section 4.2).
    #[must_use]
    pub fn success(identifier: u8) -> Self {
        Self::end(EapCode::Success, identifier)
    }

    /// Ends a login badly. The identifier is that of the Response before (RFC 3748 section 4.2).
    #[must_use]
    pub fn failure(identifier: u8) -> Self {
        Self::end(EapCode::Failure, identifier)
    }

    fn of(code: EapCode, identifier: u8, method: EapMethod, data: &'a [u8]) -> Self {
        Self {
            code,
            identifier,
            method: Some(method),
            data,
        }
    }

    fn end(code: EapCode, identifier: u8) -> Self {
        Self {
            code,
            identifier,
            method: None,
            data: &[],
        }
    }

    /// The methods a Nak wishes for, in its order; nothing for another packet. Half an expanded type at the end is
    /// left out.
    pub fn wanted(&self) -> impl Iterator<Item = EapMethod> + use<'a> {
        let (short, long) = match self.method {
            Some(EapMethod::Nak) => (self.data, [].as_slice()),
            Some(EapMethod::ExpandedNak) => ([].as_slice(), self.data),
            _ => ([].as_slice(), [].as_slice()),
        };
        let long = long.as_chunks::<8>().0.iter().map(|[_, a, b, c, d, e, f, g]| {
            let vendor = u32::from_be_bytes([0, *a, *b, *c]);
            EapMethod::expanded(vendor, u32::from_be_bytes([*d, *e, *f, *g]))
        });
        short.iter().map(|kind| EapMethod::from(*kind)).chain(long)
    }

    /// Everything before the data, written into `room`.
    pub(crate) fn head<'r>(&self, room: &'r mut [u8; EAP_HEAD]) -> Result<&'r [u8], WireError> {
        let kind = self.method.map(EapMethod::number);
        let head = match kind {
            None => HEADER,
            Some(Kind::Short(_)) => HEADER + 1,
            Some(Kind::Long { .. }) => EAP_HEAD,
        };
        let length = head + self.data.len();
        let field = u16::try_from(length).map_err(|_| WireError::EapTooLong(length))?;
        let [high, low] = field.to_be_bytes();
        let code = match self.code {
            EapCode::Request => 1,
            EapCode::Response => 2,
            EapCode::Success => 3,
            EapCode::Failure => 4,
        };
        let (first, [a, b, c], [d, e, f, g]) = match kind {
            None => (0, [0; 3], [0; 4]),
            Some(Kind::Short(kind)) => (kind, [0; 3], [0; 4]),
            Some(Kind::Long { vendor, kind }) => {
                let [_, a, b, c] = vendor.to_be_bytes();
                (EXPANDED, [a, b, c], kind.to_be_bytes())
            }
        };
        *room = [code, self.identifier, high, low, first, a, b, c, d, e, f, g];
        Ok(room.get(..head).unwrap_or_default())
    }
}

impl fmt::Debug for EapPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EapPacket")
            .field("code", &self.code)
            .field("identifier", &self.identifier)
            .field("method", &self.method)
            .field("octets", &self.data.len())
            .finish()
    }
}

/// How a type is written.
enum Kind {
    Short(u8),
    Long { vendor: u32, kind: u32 },
}

impl EapMethod {
    /// From an expanded type.
    fn expanded(vendor: u32, kind: u32) -> Self {
        match (vendor, kind) {
            (0, 3) => Self::ExpandedNak,
            (0, kind) => u8::try_from(kind).map_or(Self::Other(kind), Self::from),
            (vendor, kind) => Self::Vendor { vendor, kind },
        }
    }

    fn number(self) -> Kind {
        match self {
            Self::Identity => Kind::Short(1),
            Self::Notification => Kind::Short(2),
            Self::Nak => Kind::Short(3),
            Self::Md5Challenge => Kind::Short(4),
            Self::Gtc => Kind::Short(6),
            Self::ExpandedNak => Kind::Long { vendor: 0, kind: 3 },
            Self::Other(kind) => match u8::try_from(kind) {
                Ok(kind) if kind != EXPANDED => Kind::Short(kind),
                _ => Kind::Long { vendor: 0, kind },
            },
            Self::Vendor { vendor, kind } => Kind::Long { vendor, kind },
        }
    }
}

impl From<u8> for EapMethod {
    fn from(kind: u8) -> Self {
        match kind {
            1 => Self::Identity,
            2 => Self::Notification,
            3 => Self::Nak,
            4 => Self::Md5Challenge,
            6 => Self::Gtc,
            other => Self::Other(u32::from(other)),
        }
    }
}

/// The identifier of the Request after a Response with this one (RFC 3748 section 4.1: it must change).
#[must_use]
pub fn next_identifier(identifier: u8) -> u8 {
    identifier.wrapping_add(1)
}
