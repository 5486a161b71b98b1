//! The one place that translates between wire types and domain types.

use otpost_core::client::RadiusClient;
use otpost_core::ids::{AttemptId, SessionId};
use otpost_core::keys::Keyring;
use otpost_core::login::{Reason, Reply};
use otpost_core::{Timestamp, text};
use otpost_ipc::radius::{self, MessageAuthenticator};
use otpost_ipc::{AllowReason, DenyKind, Fault, FaultCode, LoginReply, Secret};
use otpost_store::StoreError;

use crate::login::{LoginError, Verdict};
use crate::passwords::PasswordError;

/// A verdict as a terminal sees it.
pub(crate) fn reply(verdict: &Verdict, now: Timestamp) -> LoginReply {
    let reference = verdict.reference.as_str();
    match &verdict.reply {
        Reply::Prompt {
            session,
            challenge,
            masked,
        } => LoginReply::Prompt {
            session: session.id.to_string(),
            text: text::prompt(challenge, masked, session.notice),
            echo: true,
            expires_in: now
                .seconds_until(challenge.expires.min(challenge.deadline))
                .max(1),
        },
        Reply::Allow => LoginReply::Allow {
            attributes: Vec::new(),
            reason: match verdict.reason {
                Reason::Bypass => AllowReason::Bypass,
                Reason::UnenrolledAllowed => AllowReason::Unenrolled,
                Reason::DisabledAllowed => AllowReason::TokenDisabled,
                _ => AllowReason::Code,
            },
        },
        Reply::Deny { exhausted } => LoginReply::Deny {
            text: text::refusal(verdict.reason, reference),
            // Never "unavailable": a module that lets people in while the daemon is away must not do so for a refusal, or
            // whoever uses up a budget would get in without a code.
            kind: if *exhausted {
                DenyKind::MaxTries
            } else {
                DenyKind::Denied
            },
            reference: reference.to_owned(),
        },
    }
}

/// A login that could not be decided.
pub(crate) fn login_fault(error: &LoginError, reference: &str) -> Fault {
    let (code, message) = match error {
        LoginError::Password(PasswordError::Busy) => {
            (FaultCode::Busy, "too many passwords are being checked; try again")
        }
        LoginError::Store(StoreError::Damaged(_)) | LoginError::Password(_) => (
            FaultCode::Internal,
            "the login could not be decided; see otpostd's log",
        ),
        LoginError::Store(_) => (
            FaultCode::Unavailable,
            "the store cannot be used; see otpostd's log",
        ),
    };
    Fault {
        code,
        message: message.to_owned(),
        retry_after: Some(1),
        reference: reference.to_owned(),
    }
}

/// A client entry as otpost-radius needs it.
pub(crate) fn radius_client(client: &RadiusClient) -> radius::RadiusClient {
    radius::RadiusClient {
        name: client.name.clone(),
        networks: client.networks.iter().map(ToString::to_string).collect(),
        secret: Secret::from(client.secret.expose()),
        message_authenticator: authenticator(client.require_message_authenticator),
    }
}

/// The mode of Message-Authenticator.
pub(crate) fn authenticator(required: bool) -> MessageAuthenticator {
    if required {
        MessageAuthenticator::Require
    } else {
        MessageAuthenticator::Optional
    }
}

/// A session as a client wrote it; anything but 32 hexadecimal digits names none.
pub(crate) fn session(text: &str) -> Option<SessionId> {
    text.parse().ok()
}

/// The attempt that a caller names, under our own key.
pub(crate) fn attempt(keys: &Keyring, channel: &str, packet: &str) -> AttemptId {
    keys.attempt(channel, packet.as_bytes())
}
