//! EAP for IKEv2 and 802.1X: Identity, then GTC for the password and for the code (RFC 3748 sections 5.1 and 5.6, RFC 3579). Pure.
//!
//! Before the daemon knows of a login, the State is sealed: any process of the client can check it, and none has to remember it. Such a
//! State may come back more than once; that begins the same login at most, as the daemon goes by the packet's name.

use otpost_ipc::Secret;
use otpost_radius_wire::{
    Code, EapPacket, EapPhase, EapStep, MAX_PACKET, Packet, ReplyBuilder, SealedState, StateSealer, join_eap,
    next_identifier,
};
use radius::core::{
    rfc2865::{SESSION_TIMEOUT_TYPE, STATE_TYPE, USER_NAME_TYPE},
    rfc2869::EAP_MESSAGE_TYPE,
};
use zeroize::Zeroizing;

use crate::{clients::Client, reply::Unsayable, request::Refusal};

/// Seconds for which the password may be typed.
const LIFE: u32 = 60;
const PASSWORD: &str = "Password: ";

/// What is sent at once, without asking the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Who it is.
    Identity,
    /// The password; the identifier is the Response's.
    Password(u8),
}

/// What an EAP request comes to.
pub(crate) enum Told {
    /// Something is asked for first.
    Ask(Ask),
    /// A password, or with a State of the daemon's a code.
    Answer(Secret),
}

/// Reads the EAP packet of a request whose Message-Authenticator was checked. `state` is the request's.
pub(crate) fn read(
    packet: &Packet<'_>,
    client: &Client,
    (state, of_daemon): (Option<&[u8]>, bool),
    now: u64,
) -> Result<Told, Refusal> {
    let mut buffer = Zeroizing::new([0; MAX_PACKET]);
    let octets = join_eap(packet, &mut buffer)
        .map_err(|_| Refusal::Malformed)?
        .ok_or(Refusal::NoCredentials)?;
    let user = packet.first(USER_NAME_TYPE).unwrap_or_default();
    let (phase, asked) = match state {
        None => (EapPhase::Identity, None),
        Some(_) if of_daemon => (EapPhase::Code, None),
        Some(state) => {
            let sealer = StateSealer::new(&client.secret, &client.name).map_err(|_| Refusal::State)?;
            let sealed = sealer.open(state, user, now).map_err(|_| Refusal::State)?;
            (EapPhase::Password, Some(sealed.eap_identifier))
        }
    };
    match EapStep::after(phase, asked, octets).map_err(|_| Refusal::Malformed)? {
        EapStep::AskIdentity => Ok(Told::Ask(Ask::Identity)),
        // Whom the VPN names and who the device says it is must be one (RFC 3579 section 2.1).
        EapStep::Identity { name, .. } if name.as_bytes() != user => Err(Refusal::UserName),
        EapStep::Identity { identifier, .. } => Ok(Told::Ask(Ask::Password(identifier))),
        EapStep::Answer { text, .. } => Ok(Told::Answer(Secret::from(text))),
        EapStep::Fail { why, .. } => {
            tracing::info!(client = ?client.name, "{}", why.cause());
            Err(Refusal::Eap)
        }
    }
}

/// The identifier of the request's EAP packet; `None` where it has none.
pub(crate) fn identifier(packet: &Packet<'_>) -> Option<u8> {
    let mut buffer = Zeroizing::new([0; MAX_PACKET]);
    let octets = join_eap(packet, &mut buffer).ok().flatten()?;
    EapPacket::parse(octets).ok().map(|eap| eap.identifier)
}

/// Whether the request is one of EAP.
pub(crate) fn is(packet: &Packet<'_>) -> bool {
    packet.has(EAP_MESSAGE_TYPE)
}

/// Writes the Access-Challenge that asks.
pub(crate) fn ask<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    request: &Packet<'_>,
    client: &Client,
    (ask, now): (Ask, u64),
) -> Result<&'b [u8], Unsayable> {
    let mut reply = ReplyBuilder::new(buffer, Code::AccessChallenge, request)?;
    match ask {
        Ask::Identity => reply.eap(&EapPacket::identity_request(request.identifier()))?,
        Ask::Password(identifier) => {
            let next = next_identifier(identifier);
            let sealer = StateSealer::new(&client.secret, &client.name)?;
            let state = SealedState {
                expires: now.saturating_add(u64::from(LIFE)),
                eap_identifier: next,
            };
            let user = request.first(USER_NAME_TYPE).unwrap_or_default();
            reply.attribute(STATE_TYPE, &sealer.seal(state, user))?;
            reply.number(SESSION_TIMEOUT_TYPE, LIFE)?;
            reply.eap(&EapPacket::gtc_request(next, PASSWORD))?;
        }
    }
    Ok(reply.finish(&client.secret))
}
