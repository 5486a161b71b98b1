//! Words for people: prompts, refusals, text messages. Every default fits one GSM-7 part of 160 septets.

use crate::challenge::{Challenge, Notice};
use crate::code::Code;
use crate::login::Reason;
use crate::time::Timestamp;
use zeroize::Zeroizing;

/// Longest resource name and longest source in a text.
const NAME_LIMIT: usize = 20;

/// The text that carries a code. It names service and source, so that a login that is not one's own shows.
#[must_use]
pub fn message(challenge: &Challenge, resource: &str, code: &Code, now: Timestamp) -> Zeroizing<String> {
    let minutes = now.seconds_until(challenge.expires).div_ceil(60).max(1);
    let resource = plain(resource, NAME_LIMIT);
    let group = plain(&challenge.group, NAME_LIMIT);
    let from = challenge.source.address.map_or_else(String::new, |address| {
        format!(" from {}", plain(&address.to_string(), 39))
    });
    // Length: 20 + 8 + 2 + 20 + 45 + the words stays below 160.
    Zeroizing::new(format!(
        "{resource}: {code} is your login code {label} for {group}{from}. Valid {minutes} min. Never share it.",
        code = code.expose(),
        label = challenge.label,
    ))
}

/// The text of a test message.
#[must_use]
pub fn test_message(reference: &str) -> String {
    format!("otpost: this is a test message (ref {reference}). If you did not ask for it, ignore it.")
}

/// The prompt of a session: one line, everything in it, because many clients show nothing else.
#[must_use]
pub fn prompt(challenge: &Challenge, masked: &str, notice: Notice) -> String {
    let label = challenge.label;
    let digits = challenge.digits.get();
    match notice {
        Notice::Sent => format!("Code from text {label} to {masked} ({digits} digits, empty to resend): "),
        Notice::SentAgain => format!("Text {label} sent again to {masked}. Code ({digits} digits): "),
        Notice::Wrong { left: 1 } => {
            format!("Wrong code, last try. Code from text {label} to {masked} ({digits} digits): ")
        }
        Notice::Wrong { left } => {
            format!("Wrong code, {left} tries left. Code from text {label} to {masked} ({digits} digits): ")
        }
        Notice::Wait { seconds } => {
            format!("No new text for {seconds} s. Code from text {label} to {masked} ({digits} digits): ")
        }
        Notice::NoMore => {
            format!("No further text now. Code from text {label} to {masked} ({digits} digits): ")
        }
        Notice::NotPassword => {
            format!("That was the password. Code from text {label} to {masked} ({digits} digits): ")
        }
    }
}

/// What a refused user is told. All refusals that depend on who the user is say the same.
#[must_use]
pub fn refusal(reason: Reason, reference: &str) -> String {
    match reason {
        Reason::Sms(refusal) => match refusal.wait() {
            Some(wait) => format!(
                "No text can be sent for the next {} min (ref {reference}).",
                wait.div_ceil(60).max(1)
            ),
            None => format!("No text can be sent to your phone; ask your administrator (ref {reference})."),
        },
        Reason::TooManyOpen => {
            format!("Too many logins are waiting for a code; use one of them or wait (ref {reference}).")
        }
        _ => format!("Login refused (ref {reference})."),
    }
}

/// `text` without control characters and quotes that would leave GSM-7, cut to `limit` characters.
fn plain(text: &str, limit: usize) -> String {
    text.chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .filter(|c| !matches!(c, '^' | '{' | '}' | '\\' | '[' | ']' | '~' | '|' | '`'))
        .take(limit)
        .collect()
}
