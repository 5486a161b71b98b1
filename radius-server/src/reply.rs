//! From the daemon's decision to the octets of a reply. Pure.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use otpost_ipc::{Attribute, LoginReply};
use otpost_radius_wire::{Code, MAX_PACKET, Packet, ReplyBuilder, SharedSecret, WireError};
use radius::core::{
    rfc2865::{PROXY_STATE_TYPE, REPLY_MESSAGE_TYPE, SESSION_TIMEOUT_TYPE, STATE_TYPE},
    rfc2869::{MESSAGE_AUTHENTICATOR_TYPE, PROMPT_TYPE},
};
use thiserror::Error;

use crate::request::STATE;

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
    /// An answer to another question.
    #[error("otpostd answered with something that was not asked for")]
    Answer,
    /// The reply is larger than a packet.
    #[error("the reply does not fit a packet: {0}")]
    Wire(#[from] WireError),
}

/// Writes the reply that carries `login`.
pub(crate) fn login<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    request: &Packet<'_>,
    secret: &SharedSecret,
    login: &LoginReply,
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
            reply.text(
                REPLY_MESSAGE_TYPE,
                if text.is_empty() { BARE_PROMPT } else { text },
            )?;
            reply.number(SESSION_TIMEOUT_TYPE, *expires_in)?;
            reply.number(PROMPT_TYPE, if *echo { ECHO } else { NO_ECHO })?;
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
