//! From a trusted Access-Request to what is asked of the daemon, or to a refusal. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use data_encoding::HEXLOWER;
use otpost_ipc::{
    Secret,
    radius::{Credentials, Nas, RadiusAnswer, RadiusBegin, RadiusOp, RadiusRefusal, RadiusReport},
};
use otpost_radius_wire::{
    Authenticator, Chap, MAX_VALUE, MICROSOFT, MsChap, Packet, SharedSecret, reveal_password,
};
use radius::core::{
    rfc2865::{
        CALLING_STATION_ID_TYPE, CHAP_PASSWORD_TYPE, NAS_IDENTIFIER_TYPE, NAS_IP_ADDRESS_TYPE, NAS_PORT_TYPE,
        STATE_TYPE, USER_NAME_TYPE, USER_PASSWORD_TYPE, VENDOR_SPECIFIC_TYPE,
    },
    rfc2866::ACCT_SESSION_ID_TYPE,
    rfc2869::{ARAP_PASSWORD_TYPE, EAP_MESSAGE_TYPE},
    rfc3162::NAS_IPV6_ADDRESS_TYPE,
};
use sha2::{Digest, Sha256};

use crate::{
    clients::Client,
    eap::{self, Told},
};

/// Octets of a State of ours: a session of 128 bits.
pub(crate) const STATE: usize = 16;

/// Microsoft's vendor number (RFC 2548).
const MICROSOFT_OCTETS: [u8; 4] = MICROSOFT.to_be_bytes();
/// MS-CHAP-Response and MS-CHAP2-Response among its attributes.
const MS_CHAP: [u8; 2] = [1, MS_CHAP2_RESPONSE];
const MS_CHAP2_RESPONSE: u8 = 25;

/// Why a request is refused without asking the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No credentials of any kind (RFC 5080 section 2.1).
    NoCredentials,
    /// MS-CHAP (version 1), EAP or ARAP, which nobody here can check.
    Method,
    /// CHAP, MS-CHAPv2 or EAP that cannot be read.
    Malformed,
    /// An EAP peer that does not take GTC, or answers out of turn.
    Eap,
    /// User-Password beside another method, or twice (RFC 2865 section 4.1).
    Ambiguous,
    /// User-Password of a wrong length (RFC 2865 section 5.2).
    PasswordLength,
    /// User-Password that is not UTF-8 text.
    PasswordText,
    /// No User-Name, two, or one that is empty, not UTF-8 or holds control characters.
    UserName,
    /// A State that is not one of ours.
    State,
}

impl Refusal {
    /// What the user may read. Nothing here depends on whether the user exists.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoCredentials | Self::Method => {
                "This service needs PAP: the VPN must send the password as User-Password."
            }
            _ => "Access denied.",
        }
    }

    /// The same for the daemon's audit log.
    fn reason(self) -> RadiusRefusal {
        match self {
            Self::NoCredentials => RadiusRefusal::NoCredentials,
            Self::Method => RadiusRefusal::MethodUnsupported,
            Self::Malformed => RadiusRefusal::CredentialsMalformed,
            Self::Eap => RadiusRefusal::EapRefused,
            Self::Ambiguous => RadiusRefusal::CredentialsAmbiguous,
            Self::PasswordLength => RadiusRefusal::PasswordLength,
            Self::PasswordText => RadiusRefusal::PasswordNotText,
            Self::UserName => RadiusRefusal::UserNameUnusable,
            Self::State => RadiusRefusal::StateUnknown,
        }
    }

    /// What the administrator should know.
    pub(crate) fn cause(self) -> &'static str {
        match self {
            Self::NoCredentials => "no credentials in the request: set the VPN to PAP",
            Self::Method => {
                "MS-CHAP (version 1) and ARAP cannot be checked here, EAP only where the client entry has it on: set the VPN to PAP"
            }
            Self::Malformed => "CHAP, MS-CHAPv2 or EAP that cannot be read",
            Self::Eap => "the device does not speak EAP-GTC as it was asked to",
            Self::Ambiguous => "more than one kind of credentials in the request",
            Self::PasswordLength => "User-Password is not 16 to 128 octets in steps of 16",
            Self::PasswordText => "User-Password is not UTF-8: the shared secret may differ",
            Self::UserName => "User-Name is missing, doubled, empty, not UTF-8 or holds control characters",
            Self::State => "State is not one of this service's",
        }
    }
}

/// What the daemon records of a request that is refused here.
pub(crate) fn report(packet: &Packet<'_>, client: &Client, source: IpAddr, refusal: Refusal) -> RadiusReport {
    RadiusReport {
        client: client.name.to_string(),
        user: shown_user(packet),
        reason: refusal.reason(),
        more: 0,
        nas: nas(packet, source),
    }
}

/// Names a packet: hex SHA-256 over the client's address (16 octets, IPv4 mapped), port, Identifier and Request
/// Authenticator. A retransmission has the same name, on whichever node it arrives.
pub(crate) fn attempt_id(source: SocketAddr, identifier: u8, authenticator: &Authenticator) -> String {
    let address = match source.ip() {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let digest = Sha256::new()
        .chain_update(address.octets())
        .chain_update(source.port().to_be_bytes())
        .chain_update([identifier])
        .chain_update(authenticator.0)
        .finalize();
    HEXLOWER.encode(&digest)
}

/// What an Access-Request comes to.
#[expect(
    clippy::large_enum_variant,
    reason = "made once for each request and taken apart at once"
)]
pub(crate) enum Examined {
    /// A question for the daemon.
    Daemon(RadiusOp),
    /// A question back, without the daemon.
    Eap(eap::Ask),
}

/// Decides what an Access-Request asks of the daemon, or why it is refused at once. `now` is in Unix seconds.
pub(crate) fn examine(
    packet: &Packet<'_>,
    client: &Client,
    source: IpAddr,
    (attempt, now): (String, u64),
) -> Result<Examined, Refusal> {
    let eap = eap::is(packet) && client.eap && packet.all(USER_PASSWORD_TYPE).next().is_none();
    let (credentials, session) = if eap {
        let state = only(packet, STATE_TYPE).map_err(|_| Refusal::State)?;
        let session = state.filter(|state| state.len() == STATE);
        user_name(packet)?;
        match eap::read(packet, client, (state, session.is_some()), now)? {
            Told::Ask(ask) => return Ok(Examined::Eap(ask)),
            Told::Answer(password) => (Credentials::Pap { password }, session),
        }
    } else {
        (credentials(packet, &client.secret)?, state(packet)?)
    };
    let user = user_name(packet)?;
    let client = client.name.to_string();
    Ok(Examined::Daemon(match session {
        None => RadiusOp::Begin(RadiusBegin {
            client,
            user,
            credentials,
            attempt,
            nas: nas(packet, source),
        }),
        Some(session) => {
            let session = HEXLOWER.encode(session);
            RadiusOp::Answer(RadiusAnswer {
                client,
                user,
                session,
                credentials,
                attempt,
                nas: nas(packet, source),
            })
        }
    }))
}

/// User-Name as far as it can be shown in a log.
pub(crate) fn shown_user(packet: &Packet<'_>) -> String {
    text(packet, USER_NAME_TYPE)
}

fn user_name(packet: &Packet<'_>) -> Result<String, Refusal> {
    let name = only(packet, USER_NAME_TYPE)
        .map_err(|_| Refusal::UserName)?
        .ok_or(Refusal::UserName)?;
    let name = str::from_utf8(name).map_err(|_| Refusal::UserName)?;
    if name.is_empty() || name.len() > MAX_VALUE || name.chars().any(char::is_control) {
        return Err(Refusal::UserName);
    }
    Ok(name.to_owned())
}

/// What the request proves the person with: one method, never two (RFC 2865 section 4.1).
fn credentials(packet: &Packet<'_>, secret: &SharedSecret) -> Result<Credentials, Refusal> {
    let password = only(packet, USER_PASSWORD_TYPE).map_err(|_| Refusal::Ambiguous)?;
    let chap = packet.has(CHAP_PASSWORD_TYPE);
    let ms_chap = packet.all(VENDOR_SPECIFIC_TYPE).any(is_ms_chap);
    let unreadable = packet.has(EAP_MESSAGE_TYPE) || packet.has(ARAP_PASSWORD_TYPE);
    match (password, chap, ms_chap, unreadable) {
        (Some(hidden), false, false, false) => Ok(Credentials::Pap {
            password: reveal(hidden, packet, secret)?,
        }),
        (None, true, false, false) => chap_proof(packet),
        (None, false, true, false) => ms_chap_proof(packet),
        (None, false, false, true) => Err(Refusal::Method),
        (None, false, false, false) => Err(Refusal::NoCredentials),
        _ => Err(Refusal::Ambiguous),
    }
}

fn hex(octets: &[u8]) -> Secret {
    Secret::new(HEXLOWER.encode(octets))
}

fn chap_proof(packet: &Packet<'_>) -> Result<Credentials, Refusal> {
    let chap = Chap::read(packet)
        .map_err(|_| Refusal::Malformed)?
        .ok_or(Refusal::NoCredentials)?;
    Ok(Credentials::Chap {
        id: chap.identifier(),
        challenge: hex(chap.challenge()),
        response: hex(chap.response()),
    })
}

fn ms_chap_proof(packet: &Packet<'_>) -> Result<Credentials, Refusal> {
    let response = MsChap::read(packet)
        .map_err(|_| Refusal::Malformed)?
        .ok_or(Refusal::NoCredentials)?;
    match response {
        MsChap::V1(_) => Err(Refusal::Method),
        MsChap::V2(response) => {
            let whole = packet
                .vendor(MICROSOFT)
                .flatten()
                .find(|attribute| attribute.kind == MS_CHAP2_RESPONSE)
                .map(|attribute| attribute.value)
                .ok_or(Refusal::Malformed)?;
            Ok(Credentials::MsChap2 {
                id: response.identifier(),
                challenge: hex(response.challenge()),
                peer_challenge: hex(response.peer_challenge()),
                response: hex(response.response()),
                whole: hex(whole),
            })
        }
    }
}

/// User-Password as text.
fn reveal(hidden: &[u8], packet: &Packet<'_>, secret: &SharedSecret) -> Result<Secret, Refusal> {
    let mut password =
        reveal_password(hidden, secret, &packet.authenticator()).map_err(|_| Refusal::PasswordLength)?;
    // Taken, not copied: the octets stay where they will be wiped.
    match String::from_utf8(std::mem::take(&mut *password)) {
        Ok(password) => Ok(Secret::new(password)),
        Err(error) => {
            drop(zeroize::Zeroizing::new(error.into_bytes()));
            Err(Refusal::PasswordText)
        }
    }
}

fn is_ms_chap(value: &[u8]) -> bool {
    value.split_first_chunk::<4>().is_some_and(|(vendor, rest)| {
        *vendor == MICROSOFT_OCTETS && rest.first().is_some_and(|kind| MS_CHAP.contains(kind))
    })
}

fn state<'a>(packet: &Packet<'a>) -> Result<Option<&'a [u8]>, Refusal> {
    match only(packet, STATE_TYPE) {
        Ok(Some(state)) if state.len() == STATE => Ok(Some(state)),
        Ok(None) => Ok(None),
        Ok(Some(_)) | Err(Twice) => Err(Refusal::State),
    }
}

struct Twice;

/// The value of an attribute that may be there once.
fn only<'a>(packet: &Packet<'a>, kind: u8) -> Result<Option<&'a [u8]>, Twice> {
    let mut all = packet.all(kind);
    let first = all.next();
    if all.next().is_some() {
        Err(Twice)
    } else {
        Ok(first)
    }
}

pub(crate) fn nas(packet: &Packet<'_>, source: IpAddr) -> Nas {
    let v4 = || {
        packet
            .first(NAS_IP_ADDRESS_TYPE)?
            .as_array::<4>()
            .copied()
            .map(Ipv4Addr::from)
    };
    let v6 = || {
        packet
            .first(NAS_IPV6_ADDRESS_TYPE)?
            .as_array::<16>()
            .copied()
            .map(Ipv6Addr::from)
    };
    let port = || {
        packet
            .first(NAS_PORT_TYPE)?
            .as_array::<4>()
            .copied()
            .map(u32::from_be_bytes)
    };
    Nas {
        source: source.to_string(),
        ip: v4()
            .map(IpAddr::from)
            .or_else(|| v6().map(IpAddr::from))
            .map_or_else(String::new, |ip| ip.to_string()),
        identifier: text(packet, NAS_IDENTIFIER_TYPE),
        port: port().map_or_else(String::new, |port| port.to_string()),
        calling_station: text(packet, CALLING_STATION_ID_TYPE),
        acct_session: text(packet, ACCT_SESSION_ID_TYPE),
        ..Nas::default()
    }
}

/// Text that only describes: what is no text in it is replaced rather than refused.
pub(crate) fn text(packet: &Packet<'_>, kind: u8) -> String {
    let value = packet.first(kind).unwrap_or_default();
    String::from_utf8_lossy(value)
        .chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
