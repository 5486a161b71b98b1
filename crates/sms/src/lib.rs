//! Hands a text message to something that sends it, and says in fixed words what came of it.
//!
//! Two transports implement [`Transport`]: [`HttpTransport`] talks to any provider whose HTTP interface can be
//! described by data ([`HttpConfig`]), [`FileInbox`] appends to a local file for development and demonstrations.
//!
//! The crate deliberately does not decide whether a text may be sent, which provider comes first, whether a failed
//! submission is repeated or when a code has expired: it answers one [`Submission`] for one [`Text`], and the caller
//! decides. It reads no clock and draws no random number; the only wait, a bound on network time, is in `sys.rs`. It
//! writes no log line, and nothing it returns holds the text, the number or a credential.
//!
//! [`segments`] and [`lint`] measure and check a text before it is configured.
//!
//! Start reading at [`Transport`], [`Submission`] and [`Class`], then [`HttpConfig`].

#![forbid(unsafe_code)]

mod error;
mod file;
mod http;
mod message;
mod redact;
mod segment;
mod sys;
mod transport;

pub use error::{ConfigError, TextError};
pub use file::{Clock, Environment, FileInbox};
pub use http::{
    AuthConfig, BodyConfig, ErrorConfig, HttpConfig, HttpTransport, IdConfig, MethodConfig, NamedValue,
    PLACEHOLDERS, RawEscape, Scalar, SuccessConfig, TemplateText,
};
pub use message::{MessageRef, Recipient, Sender, Text};
pub use redact::{Detail, SecretText};
pub use segment::{Encoding, Lint, Offender, Segments, lint, segments};
pub use transport::{Class, Submission, SubmitFuture, Transport};
