//! Whether a request comes from who it says.

use std::time::Instant;

use otpost_radius_wire::{Code, MessageAuthenticator, Packet};
use radius::core::{rfc2865::PROXY_STATE_TYPE, rfc2869::EAP_MESSAGE_TYPE};

use crate::{clients::Client, engine::Engine, silence::Silence};

/// Checks what the client's entry says that it must prove, and takes note of what it sends.
///
/// # Errors
/// Why it is not trusted. All of it deserves silence.
pub(crate) fn check(
    engine: &Engine,
    now: Instant,
    packet: &Packet<'_>,
    client: &Client,
) -> Result<(), Silence> {
    let code = packet.code();
    if code == Code::AccountingRequest {
        if !client.accounting {
            return Err(Silence::AccountingOff);
        }
        return match packet.check_accounting_request(&client.secret) {
            Ok(_) => Ok(()),
            Err(_) => Err(Silence::AccountingWrong),
        };
    }
    let sent = packet
        .check_message_authenticator(&client.secret)
        .map_err(|_| Silence::MessageAuthenticatorWrong)?;
    let eap = packet.has(EAP_MESSAGE_TYPE);
    match (code, sent) {
        // With EAP and Status-Server it is there in any case, which says nothing of other requests.
        (Code::AccessRequest, MessageAuthenticator::Valid) if !eap => engine.note_signed(client),
        (_, MessageAuthenticator::Valid) => {}
        (Code::AccessRequest, MessageAuthenticator::Absent) => {
            engine.note_unsigned(now, client);
            if client.must_sign() || eap {
                return Err(Silence::MessageAuthenticatorMissing);
            }
            if client.limit_proxy_state && packet.has(PROXY_STATE_TYPE) {
                return Err(Silence::ProxyStateUnsigned);
            }
        }
        (_, MessageAuthenticator::Absent) => return Err(Silence::MessageAuthenticatorMissing),
    }
    Ok(())
}
