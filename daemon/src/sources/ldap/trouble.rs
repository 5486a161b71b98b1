//! Why a directory could not say, in words that name the fix. None holds a password; what a server says about a sign-in is not quoted.

use std::io;

use tokio_rustls::rustls::{CertificateError, Error as TlsError};

use super::message::Outcome;

/// Why a directory could not say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The name is not found.
    #[error("the name is not found ({0}); check the URL, and this machine's DNS")]
    Unresolved(String),
    /// No connection.
    #[error("no connection ({0}); check the URL, the server, and firewalls")]
    Unreachable(String),
    /// Nothing came in time.
    #[error("no answer in time; check the server, or give it more (timeout-ms)")]
    Deadline,
    /// The connection ended.
    #[error("the server hung up; if it happens again, see its log")]
    HungUp,
    /// What came is not LDAP, or not what was asked for.
    #[error("the answer is not LDAP; check the URL, and whether it is ldap:// or ldaps://")]
    Garbage,
    /// More than a directory has to say about one person.
    #[error("the answer is too large; narrow the filter")]
    TooMuch,
    /// The certificate, or TLS itself.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// StartTLS is refused; nothing was sent.
    #[error(
        "the server refuses StartTLS (result {0}), so nothing was sent; use ldaps://, or give the server a certificate"
    )]
    NoStartTls(u32),
    /// The system has no authorities.
    #[error("this system has no certificate authorities; install ca-certificates, or set ca")]
    NoRoots,
    /// The authority cannot be read.
    #[error("ca: the certificate cannot be read; give it again, as PEM")]
    Ca,
    /// The account that searches.
    #[error("bind-dn is not let in (result {code}{}); check bind-dn and password", .data.as_ref().map(|data| format!(", data {data}")).unwrap_or_default())]
    Account {
        /// Result code.
        code: u32,
        /// Active Directory's own code.
        data: Option<String>,
    },
    /// The server wants protection.
    #[error("the server takes no passwords on this connection (result {0}); use ldaps:// or start-tls")]
    Protection(u32),
    /// A sign-in ended in a way that is neither yes nor no.
    #[error("the server cannot say (result {0}); see its log")]
    Result(u32),
    /// A search failed.
    #[error("the search failed (result {code}{}{text}); check base and filter, and what bind-dn may read", if text.is_empty() { "" } else { ": " })]
    Search {
        /// Result code.
        code: u32,
        /// What the server said.
        text: String,
    },
    /// More than one person.
    #[error("the filter finds more than one entry; narrow it until it finds one person")]
    Ambiguous,
    /// The entry of who has just signed in.
    #[error("the user is let in, but the entry is not found, so groups are not known; check base")]
    NoEntry,
}

impl Trouble {
    /// Whether another server may know better.
    pub(super) fn is_elsewhere(&self) -> bool {
        match self {
            Self::Unresolved(_)
            | Self::Unreachable(_)
            | Self::Deadline
            | Self::HungUp
            | Self::Garbage
            | Self::Tls(_)
            | Self::NoStartTls(_) => true,
            // busy, unavailable, and a server's own trouble
            Self::Result(code) | Self::Search { code, .. } | Self::Account { code, .. } => {
                matches!(code, 1 | 51 | 52 | 80)
            }
            Self::TooMuch
            | Self::NoRoots
            | Self::Ca
            | Self::Protection(_)
            | Self::Ambiguous
            | Self::NoEntry => false,
        }
    }

    /// A connection that broke.
    pub(super) fn lost(error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            return Self::Tls(in_words(tls));
        }
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Garbage,
            io::ErrorKind::FileTooLarge => Self::TooMuch,
            _ => Self::HungUp,
        }
    }

    /// A search that did not end well.
    pub(super) fn search(outcome: Outcome) -> Self {
        Self::Search {
            code: outcome.code,
            text: outcome.text,
        }
    }
}

fn in_words(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(why) => match why {
            // A bad signature is that of another authority with the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "the certificate comes from no authority that is trusted here; set ca to the authority's certificate".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired; renew it, and check this machine's clock".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet; check this machine's clock".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name; write the URL with the name in the certificate".to_owned()
            }
            other => format!("the certificate is refused ({other})"),
        },
        TlsError::InvalidMessage(_) => {
            "the server does not speak TLS there; check the port, and whether it is ldap:// or ldaps://".to_owned()
        }
        other => format!("{other}; check the server's TLS settings"),
    }
}
