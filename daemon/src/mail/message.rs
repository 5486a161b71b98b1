//! A mail as the octets that a server takes (RFC 5322, RFC 2045).

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message as Composed};
use otpost_core::mail::{Address, Sender};
use zeroize::Zeroizing;

use super::{Mail, MailError};

/// Envelope and text.
pub(super) struct Message {
    pub(super) from: lettre::Address,
    pub(super) to: lettre::Address,
    pub(super) text: Zeroizing<Vec<u8>>,
}

impl Message {
    pub(super) fn new(sender: &Sender, mail: &Mail<'_>) -> Result<Self, MailError> {
        let from = mailbox(&sender.address).ok_or(MailError::BadSender)?;
        let to = mailbox(mail.to).ok_or(MailError::BadRecipient)?;
        let name = Some(sender.name.clone()).filter(|name| !name.is_empty());
        let header =
            |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let composed = Composed::builder()
            .from(Mailbox::new(name, from.clone()))
            .to(Mailbox::new(None, to.clone()))
            .subject(mail.words.subject.clone())
            .date(UNIX_EPOCH + Duration::from_millis(mail.at.0))
            .message_id(Some(format!("<{}@{}>", mail.id, from.domain())))
            // RFC 3834: no holiday notes in answer to codes.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            // RFC 3282.
            .raw_header(header("Content-Language", mail.words.lang.tag()))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            // The end of the last line is that of the mail.
            .body(mail.words.body.trim_end_matches('\n').to_owned())
            .map_err(|_| MailError::BadRecipient)?;
        Ok(Self {
            from,
            to,
            text: Zeroizing::new(composed.formatted()),
        })
    }

    /// Whether the server must know RFC 6531.
    pub(super) fn needs_utf8(&self) -> bool {
        [&self.from, &self.to]
            .iter()
            .any(|address| !AsRef::<str>::as_ref(*address).is_ascii())
    }
}

/// The address with its domain as DNS has it, so that most servers take `name@müller.example`.
fn mailbox(address: &Address) -> Option<lettre::Address> {
    let domain = idna::domain_to_ascii_strict(address.domain()).ok()?;
    lettre::Address::new(address.local(), domain).ok()
}
