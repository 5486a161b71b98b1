use std::{fmt, time::Duration};

use zeroize::Zeroizing;

use crate::{error::TextError, redact::SecretText};

/// One text for one phone.
#[derive(Debug, Clone)]
pub struct Text {
    /// Our own name of the message.
    pub reference: MessageRef,
    /// Where it goes.
    pub to: Recipient,
    /// What it says; holds the code.
    pub body: SecretText,
    /// Who it comes from, where the provider lets the caller choose.
    pub sender: Option<Sender>,
    /// How long the code in it is still good. Sent to the provider, where it has a field for it, so that a phone that
    /// is switched on later does not get a dead code. A caller that submits with nothing left wastes a text: check it
    /// before.
    pub ttl: Duration,
    /// Whether a delivery receipt is wanted from a transport that must ask for each one. HTTP providers are asked by
    /// a fixed field of the configuration instead.
    pub want_receipt: bool,
}

impl Text {
    /// A text to nobody, to try a request at load.
    pub(crate) fn sample() -> Self {
        Self {
            reference: MessageRef("sample".to_owned()),
            to: Recipient(Zeroizing::new("+15005550006".to_owned())),
            body: SecretText::new("sample"),
            sender: Some(Sender("sample".to_owned())),
            ttl: Duration::from_secs(300),
            want_receipt: false,
        }
    }
}

/// Our own name of a message: 1 to 64 letters, digits, `-` and `_`. Never secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageRef(String);

impl MessageRef {
    /// Takes `text` as a reference.
    ///
    /// # Errors
    /// [`TextError::Reference`] when it is empty, too long or has another character.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits {
            Ok(Self(text))
        } else {
            Err(TextError::Reference)
        }
    }

    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A phone number in E.164 form. It does not print; the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(Zeroizing<String>);

impl Recipient {
    /// Takes `text` in the form `+491701234567`: a plus, then 7 to 15 digits, the first not zero.
    ///
    /// Only the form is checked. Whether such a number exists and may be written to is decided before a text is made.
    ///
    /// # Errors
    /// [`TextError::Recipient`] when the form is another; the error does not repeat the number.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = Zeroizing::new(text.into());
        let digits = text.strip_prefix('+').ok_or(TextError::Recipient)?;
        let fits = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if fits {
            Ok(Self(text))
        } else {
            Err(TextError::Recipient)
        }
    }

    /// The number with its plus sign, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The number without its plus sign.
    #[must_use]
    pub fn expose_digits(&self) -> &str {
        self.0.strip_prefix('+').unwrap_or(&self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(..)")
    }
}

/// What the phone shows as the sender: up to 11 printable ASCII characters, or 3 to 15 digits with an optional plus.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sender(String);

impl Sender {
    /// Takes `text` as a sender.
    ///
    /// # Errors
    /// [`TextError::Sender`] when no phone network could show it.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        let digits = text.strip_prefix('+').unwrap_or(&text);
        let number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let name = (1..=11).contains(&text.len())
            && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
            && text.trim() == text
            && text.bytes().any(|b| b.is_ascii_alphabetic());
        if number || name {
            Ok(Self(text))
        } else {
            Err(TextError::Sender)
        }
    }

    /// The sender as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_plus_and_7_to_15_digits() {
        assert_eq!(
            Recipient::new("+491701234567").unwrap().expose_digits(),
            "491701234567"
        );
        for bad in [
            "491701234567",
            "+0491701234567",
            "+49 170 1234567",
            "+123456",
            "+1234567890123456",
            "",
            "+",
            "+49a701234567",
        ] {
            assert_eq!(Recipient::new(bad), Err(TextError::Recipient), "{bad}");
        }
    }

    #[test]
    fn a_sender_is_a_short_name_or_a_number() {
        for good in ["Otpost", "ACME VPN", "+491701234567", "12345", "A"] {
            assert_eq!(Sender::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "TwelveLetter",
            "12",
            " Otpost",
            "Ötpost",
            "+12x45\n",
            "1234567890123456",
        ] {
            assert_eq!(Sender::new(bad), Err(TextError::Sender), "{bad}");
        }
    }

    #[test]
    fn a_reference_has_no_character_that_needs_escaping() {
        assert!(MessageRef::new("8a6e-01_Z").is_ok());
        for bad in ["", "a/b", "..", "a b", &"x".repeat(65)] {
            assert_eq!(MessageRef::new(bad), Err(TextError::Reference), "{bad}");
        }
    }

    #[test]
    fn a_text_prints_neither_number_nor_body() {
        let text = Text {
            reference: MessageRef::new("r-1").unwrap(),
            to: Recipient::new("+491701234567").unwrap(),
            body: SecretText::from("Otpost: 493817 is your login code"),
            sender: None,
            ttl: Duration::from_secs(300),
            want_receipt: false,
        };
        let shown = format!("{text:?}");
        assert!(
            shown.contains("r-1") && !shown.contains("493817") && !shown.contains("4567"),
            "{shown}"
        );
    }
}
