//! Hands one mail to the server that is set up, over SMTP. TLS is rustls; the server's certificate is always checked.

use std::time::{Duration, SystemTime};

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use otpost_core::Timestamp;
use otpost_core::mail::queue::{LEASE, Outcome};
use otpost_core::mail::{Address, Rendered, Security, Settings};
use otpost_store::kinds::MailSetup;

use crate::sys;

/// Longest wait for one answer of the server.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest wait for all of it: well within a claim.
const ALL: Duration = LEASE.saturating_sub(Duration::from_secs(30));

/// A mail as it is handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posted<'a> {
    /// Unguessed part of its Message-ID: a mail that is sent again keeps it, so that mailboxes see one.
    pub(crate) name: &'a str,
    /// Where it goes.
    pub(crate) to: &'a Address,
    /// What it says.
    pub(crate) words: &'a Rendered,
    /// When it was written.
    pub(crate) at: Timestamp,
}

/// RFC 3834: no holiday notes in answer to codes.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Why a mail cannot be made or handed over, apart from what the server says.
fn refused(what: &str, why: impl std::fmt::Display) -> Outcome {
    Outcome::Refused(format!("{what}: {why}"))
}

/// Hands the mail over and waits for the server's answer.
pub(crate) async fn hand_over(setup: &MailSetup, mail: &Posted<'_>) -> Outcome {
    let message = match message(&setup.settings, mail) {
        Ok(message) => message,
        Err(outcome) => return outcome,
    };
    let setup = setup.clone();
    // The system's certificates are read from files.
    let transport = match tokio::task::spawn_blocking(move || transport(&setup)).await {
        Ok(Ok(transport)) => transport,
        Ok(Err(error)) => return Outcome::Later(format!("the mail settings cannot be used: {error}")),
        Err(_) => return Outcome::Later("otpostd is stopping".to_owned()),
    };
    match sys::timeout(ALL, transport.send(message)).await {
        None => Outcome::Later("the mail server did not answer in time".to_owned()),
        Some(Ok(_)) => Outcome::Sent,
        Some(Err(error)) => judged(&error),
    }
}

/// What an answer of the server means for the mail.
fn judged(error: &smtp::Error) -> Outcome {
    let code = error.status().map(u16::from);
    let said = spelled(error);
    match code {
        // About our account or our TLS: an administrator mends it, and the mail is none the worse.
        Some(530 | 534 | 535 | 538) => Outcome::Later(said),
        Some(500..=599) => Outcome::Refused(said),
        _ => Outcome::Later(said),
    }
}

/// The error with its causes: the first says that it failed, the last why.
fn spelled(error: &smtp::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let next_said = next.to_string();
        if !said.contains(&next_said) {
            said.push_str(": ");
            said.push_str(&next_said);
        }
        cause = next.source();
    }
    said
}

fn message(settings: &Settings, mail: &Posted<'_>) -> Result<Message, Outcome> {
    let from = &settings.from;
    let sender = from
        .address
        .as_str()
        .parse()
        .map_err(|e| refused("the sender", e))?;
    let name = Some(from.name.clone()).filter(|name| !name.is_empty());
    let to = mail
        .to
        .as_str()
        .parse()
        .map_err(|e| refused("the recipient", e))?;
    let domain = from.address.domain();
    Message::builder()
        .from(Mailbox::new(name, sender))
        .to(Mailbox::new(None, to))
        .subject(mail.words.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(mail.at.0))
        .message_id(Some(format!("<{}@{domain}>", mail.name)))
        .header(AutoSubmitted)
        .singlepart(SinglePart::plain(mail.words.body.to_string()))
        .map_err(|e| refused("the mail cannot be written", e))
}

fn transport(setup: &MailSetup) -> Result<AsyncSmtpTransport<Tokio1Executor>, smtp::Error> {
    let settings = &setup.settings;
    let tls = match settings.security {
        Security::None => Tls::None,
        Security::StartTls => Tls::Required(parameters(settings)?),
        Security::Tls => Tls::Wrapper(parameters(settings)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
        .port(settings.port())
        .tls(tls)
        .timeout(Some(ANSWER));
    if let Some(user) = &settings.user {
        let password = setup.password.as_ref().map_or("", |password| password.as_str());
        builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

fn parameters(settings: &Settings) -> Result<TlsParameters, smtp::Error> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(ca) = &settings.ca {
        builder = builder.add_root_certificate(Certificate::from_pem(ca.as_bytes())?);
    }
    builder.build_rustls()
}
