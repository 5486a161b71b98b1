//! What can go wrong with a mail, in words that name the fix.

use std::error::Error as _;
use std::{fmt, io};

use lettre::transport::smtp::Error as SmtpError;
use otpost_core::mail::BadSettings;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

/// Longest quotation of a server, in characters.
const QUOTE_LIMIT: usize = 200;

/// Who mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Perhaps it mends itself: try again.
    Temporary,
    /// Nobody, for this mail: it never arrives.
    Permanent,
    /// An administrator, here or at the server; the mail is none the worse.
    Misconfigured,
}

/// Where in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The server speaks first.
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// The TLS handshake.
    Tls,
    /// AUTH.
    SignIn,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Data,
    /// The mail itself.
    Message,
}

impl Stage {
    /// Servers may quote there what they were sent: the password, or a code. So they are not quoted.
    fn is_delicate(self) -> bool {
        matches!(self, Self::SignIn | Self::Message)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "at the beginning",
            Self::Hello => "after EHLO",
            Self::StartTls => "after STARTTLS",
            Self::Tls => "in the TLS handshake",
            Self::SignIn => "when signing in",
            Self::Sender => "when told the sender",
            Self::Recipient => "when told the recipient",
            Self::Data => "after DATA",
            Self::Message => "after the mail",
        })
    }
}

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The settings contradict themselves.
    #[error("{0}")]
    Settings(#[from] BadSettings),
    /// No certificate can be read from the settings' authority.
    #[error("the certificate authority of the mail settings cannot be read; give it again, as PEM")]
    Ca,
    /// Nothing to check certificates with.
    #[error("this system has no certificate authorities; install ca-certificates, or give the mail server's")]
    NoRoots,
    /// A user without a password.
    #[error("a user is set for the mail server, but no password; set both or neither")]
    NoPassword,
    /// The sender cannot be written in a mail.
    #[error("mail cannot be sent from this address; set another sender")]
    BadSender,
    /// The recipient cannot be written in a mail.
    #[error("mail cannot be sent to this address; correct it")]
    BadRecipient,
    /// The name is not found.
    #[error("the name {host} is not found ({why}); check the mail server's name, and this machine's DNS")]
    Unresolved {
        /// Name as it is set.
        host: String,
        /// What the system said.
        why: String,
    },
    /// `localhost` is another machine, and there is no TLS.
    #[error(
        "{host} is not this machine, and mail without TLS goes no further; set security to starttls or tls"
    )]
    NotLoopback {
        /// Name as it is set.
        host: String,
    },
    /// No connection.
    #[error("no connection to {host} port {port} ({why}); check name and port, the server, and firewalls")]
    Unreachable {
        /// Name as it is set.
        host: String,
        /// Port.
        port: u16,
        /// What the system said.
        why: String,
    },
    /// One answer did not come.
    #[error(
        "the mail server did not answer in time ({0}); if it happens again, check port, security and the server"
    )]
    Deadline(Stage),
    /// All answers came slowly.
    #[error("the mail server took too long; if it happens again, check the server")]
    TooSlow,
    /// The connection ended.
    #[error("the mail server hung up ({0}); if it happens again, see its log")]
    HungUp(Stage),
    /// What came is not SMTP.
    #[error(
        "the mail server's answer is not SMTP ({0}); check the port, and whether security is starttls or tls"
    )]
    Garbage(Stage),
    /// The certificate, or TLS itself.
    #[error("TLS with the mail server failed: {0}")]
    Tls(String),
    /// STARTTLS is not offered; nothing was sent.
    #[error("the mail server offers no STARTTLS, so nothing was sent; try security tls, or another port")]
    NoStartTls,
    /// AUTH is not offered with a mechanism that we have.
    #[error(
        "the mail server takes no sign-in by PLAIN or LOGIN here; try another port or security, or set no user"
    )]
    NoSignIn,
    /// The recipient has letters that the server does not take.
    #[error("the mail server takes no addresses with letters outside ASCII (SMTPUTF8); use another address")]
    NoUtf8,
    /// The server said no.
    #[error("the mail server refused {stage}: {code}{text}{}", hint(*stage, *code))]
    Answer {
        /// Where.
        stage: Stage,
        /// Reply code, 4xx or 5xx.
        code: u16,
        /// What it said, with a blank in front; of delicate stages the enhanced status code alone.
        text: String,
    },
}

/// What to do about an answer.
fn hint(stage: Stage, code: u16) -> &'static str {
    match (stage, code) {
        (Stage::SignIn, 500..) => "; check user and password of the mail settings",
        (_, 530) => "; set a user and a password for the mail server",
        (Stage::Sender, 500..) => "; check the sender of the mail settings",
        _ => "",
    }
}

impl MailError {
    /// Who mends it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unresolved { .. }
            | Self::Unreachable { .. }
            | Self::Deadline(_)
            | Self::TooSlow
            | Self::HungUp(_) => Class::Temporary,
            Self::BadRecipient | Self::NoUtf8 => Class::Permanent,
            Self::Settings(_)
            | Self::Ca
            | Self::NoRoots
            | Self::NoPassword
            | Self::BadSender
            | Self::NotLoopback { .. }
            | Self::Garbage(_)
            | Self::Tls(_)
            | Self::NoStartTls
            | Self::NoSignIn => Class::Misconfigured,
            Self::Answer { stage, code, .. } => match (stage, code) {
                (_, ..500) => Class::Temporary,
                // About the account, not about the mail (RFC 4954 section 6).
                (_, 530 | 534 | 535 | 538) => Class::Misconfigured,
                (Stage::Recipient | Stage::Data | Stage::Message, _) => Class::Permanent,
                _ => Class::Misconfigured,
            },
        }
    }

    /// What the SMTP client says.
    pub(super) fn of(stage: Stage, error: &SmtpError) -> Self {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        if let Some(code) = error.status() {
            return Self::answer(stage, u16::from(code), &text);
        }
        if let Some(io) = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>())
        {
            return Self::lost(stage, io);
        }
        // The client's only word for an end of the connection.
        if error.is_response() && text == "incomplete response" {
            return Self::HungUp(stage);
        }
        Self::Garbage(stage)
    }

    /// A refusal.
    pub(super) fn answer(stage: Stage, code: u16, text: &str) -> Self {
        let text = if stage.is_delicate() {
            text.split_whitespace()
                .next()
                .filter(|word| is_enhanced(word))
                .map(str::to_owned)
        } else {
            Some(quoted(text)).filter(|text| !text.is_empty())
        };
        Self::Answer {
            stage,
            code,
            text: text.map_or_else(String::new, |text| format!(" {text}")),
        }
    }

    /// A connection that broke.
    pub(super) fn lost(stage: Stage, error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            return Self::Tls(tls_in_words(tls));
        }
        match error.kind() {
            // Ours: more than a server has to say, or no text at all.
            io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData => Self::Garbage(stage),
            io::ErrorKind::TimedOut => Self::Deadline(stage),
            _ => Self::HungUp(stage),
        }
    }
}

fn tls_in_words(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(why) => match why {
            // A bad signature is that of another authority with the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate comes from no authority that is trusted here; give the authority's certificate".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired; renew it, and check this machine's clock".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; check this machine's clock".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name; set the mail server's name as in its certificate".to_owned()
            }
            // What `openssl req -x509` makes unless told otherwise.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                "its certificate is that of an authority; give the server one that an authority issued (CA:FALSE)".to_owned()
            }
            other => format!("its certificate is refused ({other})"),
        },
        TlsError::InvalidMessage(_) => {
            "it does not speak TLS there; check the port, and whether security is starttls or tls".to_owned()
        }
        other => format!("{other}; check the server's TLS settings"),
    }
}

/// Whether `word` is an enhanced status code (RFC 3463), such as `5.7.8`.
fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let number = |part: Option<&str>, limit: usize| {
        part.is_some_and(|part| (1..=limit).contains(&part.len()) && part.bytes().all(|o| o.is_ascii_digit()))
    };
    number(parts.next(), 1) && number(parts.next(), 3) && number(parts.next(), 3) && parts.next().is_none()
}

/// What a server said, on one line and not endless.
pub(super) fn quoted(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTE_LIMIT)
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}
