//! From the daemon's decision to the octets of a reply. Pure.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use otpost_ipc::radius::{HiddenAttribute, MsChap2Success};
use otpost_ipc::{Attribute, LoginReply};
use otpost_radius_wire::value::{Encoded, Salts};
use otpost_radius_wire::{
    Code, EapPacket, MAX_PACKET, MICROSOFT, MsChap, MsChapError, Packet, ReplyBuilder, SharedSecret,
    WireError, next_identifier,
};
use radius::core::{
    rfc2865::{PROXY_STATE_TYPE, REPLY_MESSAGE_TYPE, SESSION_TIMEOUT_TYPE, STATE_TYPE},
    rfc2869::{MESSAGE_AUTHENTICATOR_TYPE, PROMPT_TYPE},
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{eap, request::STATE};

/// Prompt (RFC 2869 section 5.10).
const NO_ECHO: u32 = 0;
const ECHO: u32 = 1;

/// A challenge must show something.
const BARE_PROMPT: &str = "Code:";

/// A decision that RADIUS cannot carry. Nobody is let in or rejected by half of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Unsayable {
    /// The daemon's session is not 32 hex digits.
    #[error("otpostd's session is not 32 hex digits")]
    Session,
    /// The daemon's "no say", which RADIUS has not.
    #[error("otpostd has no say, which RADIUS cannot express")]
    Ignore,
    /// A reply attribute that is not hex, too long, or ours to set.
    #[error(
        "reply attribute {0} of the resource is not hex, longer than 253 octets, or not to be set by hand"
    )]
    Attribute(u8),
    /// A hidden attribute or a key that is no hex, or MS-CHAPv2 keys for a request without it.
    #[error("otpostd's hidden attributes cannot be read")]
    Hidden,
    /// An answer to another question.
    #[error("otpostd answered with something that was not asked for")]
    Answer,
    /// The reply is larger than a packet.
    #[error("the reply does not fit a packet: {0}")]
    Wire(#[from] WireError),
}

/// What an Access-Accept carries besides its attributes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Further<'a> {
    pub(crate) ms_chap2: Option<&'a MsChap2Success>,
    pub(crate) hidden: &'a [HiddenAttribute],
}

/// MS-MPPE-Encryption-Policy and -Types (RFC 2548 sections 2.4.4 and 2.4.5): allowed, 40 or 128 bits.
const MPPE_POLICY: (u8, [u8; 4]) = (7, 1_u32.to_be_bytes());
const MPPE_TYPES: (u8, [u8; 4]) = (8, 6_u32.to_be_bytes());
/// MS-MPPE-Send-Key and -Recv-Key.
const MPPE_SEND: u8 = 16;
const MPPE_RECV: u8 = 17;
/// MS-CHAP2-Success.
const MS_CHAP2_SUCCESS: u8 = 26;

impl Further<'_> {
    fn add(
        self,
        reply: &mut ReplyBuilder<'_>,
        request: &Packet<'_>,
        secret: &SharedSecret,
    ) -> Result<(), Unsayable> {
        // A request has its authenticator from a good generator, or its password would not be hidden: so are salts of its digest.
        let digest: [u8; 32] = Sha256::digest(request.octets()).into();
        let mut salts = Salts::new([digest[0], digest[1]]);
        let octets = |hex: &str| {
            HEXLOWER_PERMISSIVE
                .decode(hex.as_bytes())
                .map(Zeroizing::new)
                .map_err(|_| Unsayable::Hidden)
        };
        for attribute in self.hidden {
            let encoded = Encoded::Salted {
                kind: attribute.code,
                head: octets(&attribute.head)?.to_vec(),
                value: octets(attribute.value.expose())?,
            };
            let value = encoded.octets(secret, &request.authenticator(), salts.draw())?;
            reply.attribute(attribute.code, &value)?;
        }
        let Some(success) = self.ms_chap2 else {
            return Ok(());
        };
        let Ok(Some(response)) = MsChap::read(request) else {
            return Err(Unsayable::Hidden);
        };
        let mut said = vec![response.identifier()];
        said.extend_from_slice(success.success.as_bytes());
        reply.vendor(MICROSOFT, MS_CHAP2_SUCCESS, &said)?;
        for (kind, value) in [MPPE_POLICY, MPPE_TYPES] {
            reply.vendor(MICROSOFT, kind, &value)?;
        }
        for (kind, key) in [(MPPE_SEND, &success.send_key), (MPPE_RECV, &success.receive_key)] {
            reply.salted(kind, &octets(key.expose())?, salts.draw(), secret)?;
        }
        Ok(())
    }
}

/// Writes the reply that carries `login`.
pub(crate) fn login<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    request: &Packet<'_>,
    secret: &SharedSecret,
    (login, further): (&LoginReply, Further<'_>),
) -> Result<&'b [u8], Unsayable> {
    match login {
        LoginReply::Prompt {
            session,
            text,
            echo,
            expires_in,
        } => {
            let state = HEXLOWER
                .decode(session.as_bytes())
                .map_err(|_| Unsayable::Session)?;
            if state.len() != STATE {
                return Err(Unsayable::Session);
            }
            let mut reply = ReplyBuilder::new(buffer, Code::AccessChallenge, request)?;
            reply.attribute(STATE_TYPE, &state)?;
            let text = if text.is_empty() { BARE_PROMPT } else { text };
            match eap::identifier(request) {
                // No Reply-Message beside it (RFC 3579 section 2.6.5): the prompt is in the EAP packet.
                Some(identifier) => {
                    reply.number(SESSION_TIMEOUT_TYPE, *expires_in)?;
                    reply.eap(&EapPacket::gtc_request(next_identifier(identifier), text))?;
                }
                None => {
                    reply.text(REPLY_MESSAGE_TYPE, text)?;
                    reply.number(SESSION_TIMEOUT_TYPE, *expires_in)?;
                    reply.number(PROMPT_TYPE, if *echo { ECHO } else { NO_ECHO })?;
                }
            }
            Ok(reply.finish(secret))
        }
        LoginReply::Allow { attributes, .. } => {
            let mut reply = ReplyBuilder::new(buffer, Code::AccessAccept, request)?;
            for Attribute { code, value } in attributes {
                let bad = Unsayable::Attribute(*code);
                let value = HEXLOWER_PERMISSIVE
                    .decode(value.as_bytes())
                    .map_err(|_| bad.clone())?;
                if [PROXY_STATE_TYPE, MESSAGE_AUTHENTICATOR_TYPE].contains(code) {
                    return Err(bad);
                }
                // All or nothing: an attribute left out may be the one that narrows what the user may do.
                reply.attribute(*code, &value).map_err(|error| match error {
                    WireError::ValueTooLong { .. } => bad,
                    other => Unsayable::Wire(other),
                })?;
            }
            further.add(&mut reply, request, secret)?;
            if let Some(identifier) = eap::identifier(request) {
                reply.eap(&EapPacket::success(identifier))?;
            }
            Ok(reply.finish(secret))
        }
        LoginReply::Deny { text, .. } => reject(buffer, request, secret, text),
        LoginReply::Ignore => Err(Unsayable::Ignore),
    }
}

/// Writes an Access-Reject with this text and nothing else.
pub(crate) fn reject<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    request: &Packet<'_>,
    secret: &SharedSecret,
    text: &str,
) -> Result<&'b [u8], Unsayable> {
    let mut reply = ReplyBuilder::new(buffer, Code::AccessReject, request)?;
    if let Some(identifier) = eap::identifier(request) {
        return match reply.eap(&EapPacket::failure(identifier)) {
            Ok(()) | Err(WireError::Full { .. }) => Ok(reply.finish(secret)),
            Err(error) => Err(error.into()),
        };
    }
    if let Ok(Some(MsChap::V2(response))) = MsChap::read(request) {
        // RFC 2548 section 2.1.5: without it the peer does not know that it was refused. No retry, so the challenge serves nothing.
        let error = MsChapError {
            code: MsChapError::AUTHENTICATION_FAILURE,
            retry: false,
            challenge: *response.peer_challenge(),
            message: text,
        };
        let _ = reply.ms_chap_error(response.identifier(), &error);
    }
    // A request stuffed with Proxy-State leaves no room for words; "no" can be said without them.
    match reply.text(REPLY_MESSAGE_TYPE, text) {
        Ok(()) | Err(WireError::Full { .. }) => Ok(reply.finish(secret)),
        Err(error) => Err(error.into()),
    }
}

/// Writes the answer to Status-Server (RFC 5997 section 3).
pub(crate) fn alive<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    request: &Packet<'_>,
    secret: &SharedSecret,
) -> Result<&'b [u8], Unsayable> {
    Ok(ReplyBuilder::new(buffer, Code::AccessAccept, request)?.finish(secret))
}
