use std::{fmt, time::Duration};

use otpost_radius_wire::{Code, Packet, WireError, attribute};

/// A reply that was checked.
#[derive(Clone)]
pub struct Reply {
    octets: Vec<u8>,
    /// What it is.
    pub code: Code,
    /// How many times the request was sent.
    pub sent: u32,
    /// From the first sending to the reply.
    pub took: Duration,
}

/// The octets stay out: attributes may hold keys.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("code", &self.code)
            .field("sent", &self.sent)
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

impl Reply {
    pub(crate) fn new(packet: &Packet<'_>, sent: u32, took: Duration) -> Self {
        Self {
            octets: packet.octets().to_vec(),
            code: packet.code(),
            sent,
            took,
        }
    }

    /// The packet, to look at its attributes.
    ///
    /// # Errors
    /// None for what [`crate::Server::ask`] gave: it was read once already.
    pub fn packet(&self) -> Result<Packet<'_>, WireError> {
        Packet::parse(&self.octets)
    }

    /// All Reply-Message attributes, joined; they are one text (RFC 2869 section 5.18 allows several).
    #[must_use]
    pub fn message(&self) -> String {
        let octets: Vec<u8> = self
            .packet()
            .map(|packet| packet.all(attribute::REPLY_MESSAGE).flatten().copied().collect())
            .unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// State, which the answer to a challenge has to bring back.
    #[must_use]
    pub fn state(&self) -> Option<&[u8]> {
        self.packet().ok()?.first(attribute::STATE)
    }

    /// Whether Prompt lets the answer be seen; absent means it is a code, and may (RFC 2869 section 5.10).
    #[must_use]
    pub fn echo(&self) -> bool {
        let prompt = |packet: Packet<'_>| packet.first(attribute::PROMPT) == Some(&[0, 0, 0, 0]);
        !self.packet().is_ok_and(prompt)
    }
}
