//! Hands one mail to the SMTP server that is set up (RFC 5321, RFC 6409).
//!
//! TLS is rustls and the server's certificate is always checked; without TLS mail goes to this machine only. There is no pool:
//! mails are few, and a connection that is kept is one that may be dead when a code is waited for. No retries either: the queue has
//! those. Entry point: [`Mailer::send`].

mod connect;
mod error;
mod message;
mod starttls;
mod stream;

use std::future::Future;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use otpost_core::Timestamp;
use otpost_core::ids::MailId;
use otpost_core::mail::{Address, Rendered, Settings};

use crate::sys;

pub use error::{Class, MailError, Stage};
use message::Message;

/// PLAIN first: one round trip. LOGIN for servers that have nothing else.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// Longest wait for a farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(2);

/// A mail as it is handed over.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// Makes its Message-ID: a mail that is sent again keeps it, so that mailboxes see one.
    pub id: MailId,
    /// Where it goes.
    pub to: &'a Address,
    /// What it says.
    pub words: &'a Rendered,
    /// When it was written.
    pub at: Timestamp,
}

/// The server took a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it said, on one line: most name the mail in their queue.
    pub detail: String,
}

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailer {
    /// For one answer. Servers that hold back spammers take some seconds.
    pub answer: Duration,
    /// For a mail as a whole.
    pub whole: Duration,
}

impl Default for Mailer {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            whole: Duration::from_secs(90),
        }
    }
}

impl Mailer {
    /// Hands `mail` over and waits for the server's answer. After a deadline the server may have taken the mail all the same.
    ///
    /// # Errors
    /// [`MailError`] tells what to mend, and by its [`Class`] whether to try again. No error holds the password, the body or a code.
    pub async fn send(
        &self,
        settings: &Settings,
        password: Option<&str>,
        mail: &Mail<'_>,
    ) -> Result<Accepted, MailError> {
        settings.check()?;
        let credentials = credentials(settings, password)?;
        let message = Message::new(&settings.from, mail)?;
        let whole = self.hand_over(settings, credentials, &message);
        sys::timeout(self.whole, whole)
            .await
            .unwrap_or(Err(MailError::TooSlow))
    }

    async fn hand_over(
        &self,
        settings: &Settings,
        credentials: Option<Credentials>,
        message: &Message,
    ) -> Result<Accepted, MailError> {
        let mut server = self.connect(settings).await?;
        let outcome = self.talk(&mut server, credentials, message).await;
        if !matches!(outcome, Err(MailError::Deadline(_))) {
            // Whatever comes of it, the mail was taken or not.
            let _ = sys::timeout(FAREWELL, server.abort()).await;
        }
        outcome
    }

    async fn talk(
        &self,
        server: &mut AsyncSmtpConnection,
        credentials: Option<Credentials>,
        message: &Message,
    ) -> Result<Accepted, MailError> {
        if let Some(credentials) = credentials {
            if server.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
                return Err(MailError::NoSignIn);
            }
            self.answered(Stage::SignIn, server.auth(&MECHANISMS, &credentials))
                .await?;
        }
        let mut parameters = Vec::new();
        if message.needs_utf8() {
            if !server.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(MailError::NoUtf8);
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = MailFrom::new(Some(message.from.clone()), parameters);
        self.answered(Stage::Sender, server.command(from)).await?;
        let to = Rcpt::new(message.to.clone(), Vec::new());
        self.answered(Stage::Recipient, server.command(to)).await?;
        self.answered(Stage::Data, server.command(Data)).await?;
        let taken = self
            .answered(Stage::Message, server.message(&message.text))
            .await?;
        Ok(Accepted {
            detail: error::quoted(&format!(
                "{} {}",
                taken.code(),
                taken.message().collect::<Vec<_>>().join(" ")
            )),
        })
    }

    /// One command and its answer, in time.
    async fn answered(
        &self,
        stage: Stage,
        command: impl Future<Output = Result<Response, SmtpError>>,
    ) -> Result<Response, MailError> {
        match sys::timeout(self.answer, command).await {
            None => Err(MailError::Deadline(stage)),
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(MailError::of(stage, &error)),
        }
    }
}

fn credentials(settings: &Settings, password: Option<&str>) -> Result<Option<Credentials>, MailError> {
    match (&settings.user, password) {
        (None, _) => Ok(None),
        // PLAIN parts its fields by NUL (RFC 4616).
        (Some(user), Some(password)) if !password.is_empty() && !password.contains('\0') => {
            Ok(Some(Credentials::new(user.clone(), password.to_owned())))
        }
        (Some(_), _) => Err(MailError::NoPassword),
    }
}
