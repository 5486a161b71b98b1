//! From a trusted Access-Request to what is asked of the daemon, or to a refusal. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use data_encoding::HEXLOWER;
use otpost_ipc::{
    Secret,
    radius::{Credentials, Nas, RadiusAnswer, RadiusBegin, RadiusOp, RadiusRefusal, RadiusReport},
};
use otpost_radius_wire::{Authenticator, MAX_VALUE, Packet, SharedSecret, reveal_password};
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

use crate::clients::Client;

/// Octets of a State of ours: a session of 128 bits.
pub(crate) const STATE: usize = 16;

/// Microsoft's vendor number (RFC 2548).
const MICROSOFT: [u8; 4] = 311_u32.to_be_bytes();
/// MS-CHAP-Response and MS-CHAP2-Response among its attributes.
const MS_CHAP: [u8; 2] = [1, 25];

/// Why a request is refused without asking the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No credentials of any kind (RFC 5080 section 2.1).
    NoCredentials,
    /// CHAP, MS-CHAP, EAP or ARAP: the password cannot be revealed from those.
    Method,
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
            Self::Method => "CHAP, MS-CHAP or EAP cannot carry a password to check: set the VPN to PAP",
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

/// Decides what an Access-Request asks of the daemon, or why it is refused at once.
pub(crate) fn examine(
    packet: &Packet<'_>,
    client: &Client,
    source: IpAddr,
    attempt: String,
) -> Result<RadiusOp, Refusal> {
    let password = password(packet, &client.secret)?;
    let user = user_name(packet)?;
    let client = client.name.to_string();
    Ok(match state(packet)? {
        None => RadiusOp::Begin(RadiusBegin {
            client,
            user,
            credentials: Credentials::Pap { password },
            attempt,
            nas: nas(packet, source),
        }),
        Some(session) => {
            let session = HEXLOWER.encode(session);
            RadiusOp::Answer(RadiusAnswer {
                client,
                user,
                session,
                credentials: Credentials::Pap { password },
                attempt,
                nas: nas(packet, source),
            })
        }
    })
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

fn password(packet: &Packet<'_>, secret: &SharedSecret) -> Result<Secret, Refusal> {
    let hidden = only(packet, USER_PASSWORD_TYPE).map_err(|_| Refusal::Ambiguous)?;
    let other = [CHAP_PASSWORD_TYPE, EAP_MESSAGE_TYPE, ARAP_PASSWORD_TYPE]
        .iter()
        .any(|kind| packet.has(*kind))
        || packet.all(VENDOR_SPECIFIC_TYPE).any(is_ms_chap);
    let hidden = match (hidden, other) {
        (Some(hidden), false) => hidden,
        (Some(_), true) => return Err(Refusal::Ambiguous),
        (None, true) => return Err(Refusal::Method),
        (None, false) => return Err(Refusal::NoCredentials),
    };
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
        *vendor == MICROSOFT && rest.first().is_some_and(|kind| MS_CHAP.contains(kind))
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
