//! The one place that translates between wire types and domain types.

use otpost_core::client::{self, Flow, RadiusClient, Settings};
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
        Reply::Ask { session, text, until } => LoginReply::Prompt {
            session: session.to_string(),
            text: text.clone(),
            // Whatever it is, nobody else need see it.
            echo: false,
            expires_in: now.seconds_until(*until).max(1),
        },
        Reply::Allow => LoginReply::Allow {
            attributes: Vec::new(),
            reason: match verdict.reason {
                Reason::Bypass => AllowReason::Bypass,
                Reason::UnenrolledAllowed => AllowReason::Unenrolled,
                Reason::DisabledAllowed => AllowReason::TokenDisabled,
                Reason::ExemptNetwork | Reason::ExemptUser | Reason::ExemptGroup => AllowReason::Exempt,
                Reason::Remembered => AllowReason::Remembered,
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

/// A verdict as a VPN shows it.
pub(crate) fn radius_reply(verdict: &Verdict, settings: &Settings, now: Timestamp) -> LoginReply {
    let Reply::Prompt {
        session,
        challenge,
        masked,
    } = &verdict.reply
    else {
        return reply(verdict, now);
    };
    // Who does not know the password must not learn of the number, so nobody is shown it.
    let masked = if settings.hide_first_factor {
        "your phone"
    } else {
        masked.as_str()
    };
    let limit = usize::from(settings.prompt_length);
    if settings.flow == Flow::TwoPass {
        return LoginReply::Deny {
            text: text::fit(
                text::sent(challenge, masked),
                text::sent_briefly(challenge),
                limit,
            ),
            kind: DenyKind::Denied,
            reference: verdict.reference.as_str().to_owned(),
        };
    }
    LoginReply::Prompt {
        session: session.id.to_string(),
        text: text::fit(
            text::prompt(challenge, masked, session.notice),
            text::prompt_briefly(challenge, session.notice),
            limit,
        ),
        echo: settings.echo,
        expires_in: now
            .seconds_until(challenge.expires.min(challenge.deadline))
            .max(1),
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
        message_authenticator: authenticator(client.message_authenticator),
        signed: client.signed.is_some(),
        limit_proxy_state: client.settings.limit_proxy_state,
        eap: client.settings.eap,
        accounting: client.settings.accounting,
    }
}

/// The mode of Message-Authenticator.
pub(crate) fn authenticator(mode: client::MessageAuthenticator) -> MessageAuthenticator {
    match mode {
        client::MessageAuthenticator::Require => MessageAuthenticator::Require,
        client::MessageAuthenticator::Auto => MessageAuthenticator::Auto,
        client::MessageAuthenticator::Off => MessageAuthenticator::Off,
    }
}

/// The same, as an administrator chose it.
pub(crate) fn authenticator_of(mode: MessageAuthenticator) -> client::MessageAuthenticator {
    match mode {
        MessageAuthenticator::Require => client::MessageAuthenticator::Require,
        MessageAuthenticator::Auto => client::MessageAuthenticator::Auto,
        MessageAuthenticator::Off => client::MessageAuthenticator::Off,
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
