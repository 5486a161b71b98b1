use crate::{EapCode, EapMethod, EapPacket, WireError};

/// How far a login by EAP has come, as the request's State tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EapPhase {
    /// No State: the conversation begins.
    Identity,
    /// A sealed State ([`crate::StateSealer`]): the password was asked for.
    Password,
    /// A State of a login that waits for its code.
    Code,
}

/// What a server that offers GTC does next. `identifier` is the Response's: an end of the login
/// ([`EapPacket::success`], [`EapPacket::failure`]) repeats it, a further Request takes [`crate::next_identifier`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum EapStep<'a> {
    /// EAP-Start: send [`EapPacket::identity_request`] with any identifier in an Access-Challenge. It needs no
    /// State: the answer begins a conversation as if the VPN had asked.
    AskIdentity,
    /// The peer said who it is: send [`EapPacket::gtc_request`] for the password, or begin the login at once where
    /// only a code is asked for.
    Identity {
        /// Of the Response.
        identifier: u8,
        /// What the peer calls itself; User-Name should be the same (RFC 3579 section 2.1).
        name: &'a str,
    },
    /// The password or the code, by the phase: never print it.
    Answer {
        /// Of the Response.
        identifier: u8,
        /// What was typed; may be empty.
        text: &'a str,
    },
    /// Send [`EapPacket::failure`] in an Access-Reject.
    Fail {
        /// Of the Response.
        identifier: u8,
        /// For the log.
        why: EapRefusal,
    },
}

/// Why a well-formed EAP packet ends the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EapRefusal {
    /// The peer has no GTC, or is not set to use it.
    Nak,
    /// The peer answers with another method, such as MD5, that nobody asked for.
    Method,
    /// An answer out of turn: an Identity where a password or code is due, or the other way round.
    Turn,
    /// The answer to another Request.
    Identifier,
    /// A Request, Success or Failure from the peer's side.
    Role,
    /// A name, password or code that is not UTF-8 (RFC 3748 sections 5.1 and 5.6).
    Text,
}

impl EapRefusal {
    /// What the administrator should know.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Nak => "the device refuses EAP-GTC; set its VPN profile to EAP-GTC",
            Self::Method => {
                "the device answers with an EAP method nobody asked for; set its VPN profile to EAP-GTC"
            }
            Self::Turn => "the EAP answer does not belong to what was asked last",
            Self::Identifier => "the EAP answer has the identifier of another request",
            Self::Role => "the device sends EAP packets that only a server sends",
            Self::Text => "the EAP answer is not UTF-8 text",
        }
    }
}

impl<'a> EapStep<'a> {
    /// Decides what to do with the EAP packet of an Access-Request ([`crate::join_eap`]), whose
    /// Message-Authenticator was checked. `asked` is the identifier of the last Request, if the State tells it.
    ///
    /// # Errors
    /// The packet is malformed: [`WireError::EapLength`] or [`WireError::EapCode`].
    pub fn after(phase: EapPhase, asked: Option<u8>, octets: &'a [u8]) -> Result<Self, WireError> {
        if octets.is_empty() && phase == EapPhase::Identity {
            return Ok(Self::AskIdentity);
        }
        let packet = EapPacket::parse(octets)?;
        let identifier = packet.identifier;
        Ok(match answer(phase, asked, packet) {
            Err(why) => Self::Fail { identifier, why },
            Ok(name) if phase == EapPhase::Identity => Self::Identity { identifier, name },
            Ok(text) => Self::Answer { identifier, text },
        })
    }
}

impl std::fmt::Debug for EapStep<'_> {
    /// Without names and answers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AskIdentity => f.write_str("AskIdentity"),
            Self::Identity { identifier, .. } => write!(f, "Identity({identifier}, ..)"),
            Self::Answer { identifier, .. } => write!(f, "Answer({identifier}, ..)"),
            Self::Fail { identifier, why } => write!(f, "Fail({identifier}, {why:?})"),
        }
    }
}

/// The text of a Response that is what the phase waits for.
fn answer<'a>(phase: EapPhase, asked: Option<u8>, packet: EapPacket<'a>) -> Result<&'a str, EapRefusal> {
    if packet.code != EapCode::Response {
        return Err(EapRefusal::Role);
    }
    if asked.is_some_and(|asked| asked != packet.identifier) {
        return Err(EapRefusal::Identifier);
    }
    let identity = phase == EapPhase::Identity;
    match packet.method {
        Some(EapMethod::Identity) if identity => {}
        Some(EapMethod::Gtc) if !identity => {}
        Some(EapMethod::Nak | EapMethod::ExpandedNak) if !identity => return Err(EapRefusal::Nak),
        Some(EapMethod::Identity | EapMethod::Gtc | EapMethod::Nak | EapMethod::ExpandedNak) => {
            return Err(EapRefusal::Turn);
        }
        _ => return Err(EapRefusal::Method),
    }
    str::from_utf8(packet.data).map_err(|_| EapRefusal::Text)
}
