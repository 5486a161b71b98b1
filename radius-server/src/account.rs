//! From a trusted Accounting-Request to what the daemon stores, and the reply once it has. Pure.

use std::net::{IpAddr, Ipv4Addr};

use otpost_ipc::radius::RadiusAccount;
use otpost_radius_wire::{Accounting, Code, MAX_PACKET, Packet, ReplyBuilder, SharedSecret};
use radius::core::rfc2866::ACCT_SESSION_ID_TYPE;

use crate::{clients::Client, reply::Unsayable, request};

/// What is to be stored. `None` without Acct-Status-Type, which every request must have (RFC 2866 section 5.1).
pub(crate) fn examine(
    packet: &Packet<'_>,
    client: &Client,
    source: IpAddr,
    attempt: String,
) -> Option<RadiusAccount> {
    let told = Accounting::read(packet);
    let octets = match (told.input_octets, told.output_octets) {
        (None, None) => None,
        (input, output) => Some((input.unwrap_or_default(), output.unwrap_or_default())),
    };
    Some(RadiusAccount {
        client: client.name.to_string(),
        user: request::shown_user(packet),
        status: told.status?.into(),
        session: request::text(packet, ACCT_SESSION_ID_TYPE),
        framed: told
            .framed_ip
            .map_or_else(String::new, |ip| Ipv4Addr::from(ip).to_string()),
        seconds: told.seconds,
        octets,
        cause: told.terminate_cause,
        delay: told.delay.unwrap_or_default(),
        attempt,
        nas: request::nas(packet, source),
    })
}

/// Writes an Accounting-Response (RFC 2866 section 4.2); also the answer to Status-Server on that port (RFC 5997
/// section 3).
pub(crate) fn stored<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    request: &Packet<'_>,
    secret: &SharedSecret,
) -> Result<&'b [u8], Unsayable> {
    Ok(ReplyBuilder::new(buffer, Code::AccountingResponse, request)?.finish(secret))
}
