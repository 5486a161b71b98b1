use std::fmt;

use data_encoding::BASE64;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::http::escape;

/// Text that never prints: `Debug` shows a placeholder, the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Longest [`Detail`] in characters.
const DETAIL_MAX: usize = 200;
/// Longest code or id of a provider that is kept.
const TOKEN_MAX: usize = 128;
/// A run of so many digits in a text may be the code.
const CODE_DIGITS: usize = 6;
/// So many last digits of a number identify it, however the rest is written.
const NUMBER_TAIL: usize = 7;
const HIDDEN: &str = "[hidden]";

/// Cause of a failed submission in at most 200 printable characters, for the operator. It never holds the text, the
/// number, a credential or a run of four and more digits that somebody else wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Detail(String);

impl Detail {
    /// Our own words. `text` holds nothing that came from outside.
    pub(crate) fn own(text: impl Into<String>) -> Self {
        Self(printable(&text.into()))
    }

    /// The detail as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Knows what must not come out again, in every spelling an answer may echo it.
#[derive(Default, Clone)]
pub(crate) struct Scrubber {
    /// Longest first, so that a part of a longer one does not break it up.
    needles: Vec<Zeroizing<String>>,
}

impl Scrubber {
    /// Adds `secret` and its escaped spellings.
    pub(crate) fn hide(&mut self, secret: &str) {
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_matches('"');
        let spellings = [
            secret.to_owned(),
            json.to_owned(),
            json.replace('/', "\\/"),
            escape::percent(secret),
            escape::form(secret),
            escape::xml(secret),
            BASE64.encode(secret.as_bytes()),
        ];
        for spelling in spellings {
            if !spelling.is_empty() && self.needles.iter().all(|known| **known != spelling) {
                self.needles.push(Zeroizing::new(spelling));
            }
        }
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// Adds the text, everything in it that may be the code, and the number.
    pub(crate) fn with_message(&self, text: &crate::message::Text) -> Self {
        let mut all = self.clone();
        all.hide(text.body.expose());
        for run in text.body.expose().split(|c: char| !c.is_ascii_digit()) {
            if run.len() >= CODE_DIGITS {
                all.hide(run);
            }
        }
        let digits = text.to.expose_digits();
        all.hide(digits);
        if let Some(tail) = digits
            .len()
            .checked_sub(NUMBER_TAIL)
            .and_then(|start| digits.get(start..))
        {
            all.hide(tail);
        }
        all
    }

    fn taints(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| text.contains(needle.as_str()))
    }

    /// `ours`, then what the other side said: without secrets, without long digit runs, without control characters.
    pub(crate) fn detail(&self, ours: &str, theirs: &str) -> Detail {
        let mut clean = theirs.to_owned();
        for needle in &self.needles {
            if clean.contains(needle.as_str()) {
                clean = clean.replace(needle.as_str(), HIDDEN);
            }
        }
        let clean = mask_digits(&clean);
        let clean = clean.trim();
        if clean.is_empty() {
            Detail::own(ours)
        } else {
            Detail::own(format!("{ours}: {clean}"))
        }
    }

    /// A code or id of the provider if it may be kept: short, printable ASCII without spaces, nothing hidden in it.
    pub(crate) fn token(&self, theirs: &str) -> Option<String> {
        let theirs = theirs.trim();
        let fits = (1..=TOKEN_MAX).contains(&theirs.len()) && theirs.bytes().all(|b| b.is_ascii_graphic());
        (fits && !self.taints(theirs)).then(|| theirs.to_owned())
    }
}

/// White space and control characters become one space each run, then the text is cut.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_whitespace() || c.is_control() || is_format(c) {
            ' '
        } else {
            c
        };
        if c == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        out.push(c);
    }
    if out.chars().count() > DETAIL_MAX {
        out = out.chars().take(DETAIL_MAX - 1).collect();
        out.push('…');
    }
    out.truncate(out.trim_end().len());
    out
}

/// Marks that reorder or hide text on a terminal.
pub(crate) fn is_format(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Replaces each run of four and more digits, also when written in groups as phone numbers are, by `#`.
fn mask_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if !first.is_numeric() {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (mut digits, mut end, mut gap) = (0, 0, 0);
        for (at, c) in rest.char_indices() {
            if c.is_numeric() {
                digits += 1;
                gap = 0;
                end = at + c.len_utf8();
            } else if matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{A0}') && gap < 2 {
                gap += 1;
            } else {
                break;
            }
        }
        if digits >= 4 {
            out.push('#');
        } else {
            out.push_str(rest.get(..end).unwrap_or_default());
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::message::{MessageRef, Recipient, Text};

    fn text(body: &str) -> Text {
        Text {
            reference: MessageRef::new("r-1").unwrap(),
            to: Recipient::new("+491701234567").unwrap(),
            body: body.into(),
            sender: None,
            ttl: Duration::from_secs(300),
            want_receipt: false,
        }
    }

    #[test]
    fn every_spelling_of_text_number_and_secret_is_hidden() {
        let mut scrub = Scrubber::default();
        scrub.hide("k/y+\"1\"");
        let scrub = scrub.with_message(&text("Ätsch & 493817"));
        let theirs = "bad k/y+\"1\" k\\/y+\\\"1\\\" k%2Fy%2B%221%22 to 01701234567 (0170) 123-4567 text Ätsch & 493817 \
                      %C3%84tsch+%26+493817 code 493817 end";
        let detail = scrub.detail("HTTP 400", theirs);
        for secret in ["k/y", "y+", "k%2F", "1234567", "123-4567", "493817", "tsch"] {
            assert!(!detail.as_str().contains(secret), "{secret} in {detail}");
        }
        assert!(detail.as_str().starts_with("HTTP 400: bad [hidden]"), "{detail}");
        assert!(detail.as_str().ends_with("end"), "{detail}");
    }

    #[test]
    fn a_token_with_the_code_or_number_in_it_is_dropped() {
        let scrub = Scrubber::default().with_message(&text("Otpost: 493817 is your code for 2026"));
        assert_eq!(scrub.token(" SM-2026-77 ").as_deref(), Some("SM-2026-77"));
        for bad in [
            "id-493817",
            "491701234567",
            "0170-x-1234567",
            "",
            "two words",
            "ctl\u{7}",
            &"x".repeat(129),
        ] {
            assert_eq!(scrub.token(bad), None, "{bad}");
        }
    }

    #[test]
    fn digits_are_masked_in_groups_too() {
        assert_eq!(
            mask_digits("err 211 at 12:30, call (0170) 123-4567."),
            "err 211 at 12:30, call (#."
        );
        assert_eq!(mask_digits("1234"), "#");
        assert_eq!(mask_digits("٤٩٣٨١٧"), "#");
        assert_eq!(mask_digits("12 3x"), "12 3x");
    }

    #[test]
    fn a_detail_is_one_short_printable_line() {
        let detail = Scrubber::default().detail(
            "HTTP 500",
            &format!("a\r\n\u{1b}[31mred\u{202e}\t{}", "y".repeat(400)),
        );
        assert_eq!(detail.as_str().chars().count(), 200);
        assert!(detail.as_str().starts_with("HTTP 500: a [31mred yyy"), "{detail}");
    }

    proptest! {
        #[test]
        fn whatever_the_answer_echoes_the_code_and_number_stay_hidden(
            before in "\\PC{0,60}", between in "\\PC{0,20}", after in "\\PC{0,60}", code in "[0-9]{6,8}"
        ) {
            let msg = text(&format!("Otpost: {code} is your login code"));
            let scrub = Scrubber::default().with_message(&msg);
            let echo = format!("{before}{code}{between}{}{after}{}", msg.body.expose(), msg.to.expose());
            let detail = scrub.detail("HTTP 400", &echo);
            prop_assert!(!detail.as_str().contains(&code));
            prop_assert!(!detail.as_str().contains("1701234567"));
            prop_assert!(detail.as_str().chars().count() <= 200);
            prop_assert!(!detail.as_str().chars().any(char::is_control));
        }
    }
}
