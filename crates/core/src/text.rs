//! Words for people: prompts, refusals, text messages. Every default fits one GSM-7 part of 160 septets.

use zeroize::Zeroizing;

use crate::challenge::{Challenge, Label, Notice};
use crate::code::Code;
use crate::login::Reason;
pub use crate::mail::Lang;
use crate::outbox::SecurityEvent;
use crate::portal::verification::Act;
use crate::time::Timestamp;

/// Septets of a text that is one message (3GPP TS 23.040).
const ONE_PART: usize = 160;
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

/// What the code of a portal page is for, as its text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageCode<'a> {
    /// To confirm the number of a new token.
    Enrol,
    /// To sign in.
    SignIn,
    /// To do this act.
    Act(&'a Act),
}

impl PageCode<'_> {
    pub(crate) fn words(self, lang: Lang) -> &'static str {
        let act = match self {
            Self::Enrol => return pick(lang, "set up this phone", "dieses Telefon einzurichten"),
            Self::SignIn => return pick(lang, "sign in", "sich anzumelden"),
            Self::Act(act) => act,
        };
        match act {
            Act::Unassign(_) => pick(lang, "remove a token", "ein Token zu entfernen"),
            Act::Reissue(_) => pick(lang, "replace a token", "ein Token zu ersetzen"),
            Act::ChangePhone(..) => pick(lang, "change your phone number", "Ihre Telefonnummer zu ändern"),
            Act::AssignExisting(_) => pick(
                lang,
                "use another token here",
                "ein weiteres Token hier zu nutzen",
            ),
            Act::Enroll => pick(lang, "add a token", "ein Token hinzuzufügen"),
            Act::Password(_) => pick(lang, "set a new password", "ein neues Passwort zu setzen"),
            Act::Email(_) => pick(
                lang,
                "change your e-mail address",
                "Ihre E-Mail-Adresse zu ändern",
            ),
            Act::Login(_) => pick(lang, "change your user name", "Ihren Benutzernamen zu ändern"),
            Act::RenewRecovery => pick(
                lang,
                "make new recovery codes",
                "neue Wiederherstellungscodes zu machen",
            ),
        }
    }
}

fn pick(lang: Lang, en: &'static str, de: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::De => de,
    }
}

/// What surrounds the code of a portal page.
#[derive(Debug, Clone, Copy)]
pub struct PageText<'a> {
    /// What it is for.
    pub what: PageCode<'a>,
    /// Name of the resource.
    pub resource: &'a str,
    /// Label that the page shows too.
    pub label: Label,
    /// End of the code.
    pub expires: Timestamp,
    /// Language.
    pub lang: Lang,
    /// URL of the portal, where it is known: browsers then fill the code in on that site and no other.
    pub portal: Option<&'a str>,
}

/// The text that carries the code of a portal page; its words name the act. Where the portal has an `https` URL with a host
/// name, a last line binds the code to it (WICG "origin-bound one-time codes"), as far as 160 septets go.
#[must_use]
pub fn page_message(of: &PageText<'_>, code: &Code, now: Timestamp) -> Zeroizing<String> {
    let minutes = now.seconds_until(of.expires).div_ceil(60).max(1);
    let resource = name(of.resource);
    let (code, label, what) = (code.expose(), of.label, of.what.words(of.lang));
    // Length: 20 + 8 + 2 + 37 + the words stays below 160.
    let mut words = Zeroizing::new(match of.lang {
        Lang::En => {
            format!("{resource}: {code} is your code {label} to {what}. Valid {minutes} min. Never share it.")
        }
        Lang::De => format!(
            "{resource}: {code} ist Ihr Code {label}, um {what}. Gültig {minutes} Min. Nie weitergeben."
        ),
    });
    if let Some(host) = of.portal.and_then(bound_host) {
        // All of it is in the basic alphabet: a septet a character.
        let line = Zeroizing::new(format!("\n@{host} #{code}"));
        if words.chars().count() + line.chars().count() <= ONE_PART {
            words.push_str(&line);
        }
    }
    words
}

/// The host that a code may be bound to: of an `https` URL without a port, by a name, not by an address.
fn bound_host(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let named = host.split('.').count() >= 2
        && host
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        && host.parse::<std::net::Ipv4Addr>().is_err();
    named.then_some(host)
}

/// The text that tells of a change. It asks for nothing and carries no link.
#[must_use]
pub fn notice(what: SecurityEvent, resource: &str, lang: Lang) -> String {
    let resource = name(resource);
    let happened = match what {
        SecurityEvent::TokenAdded => pick(
            lang,
            "a token was added to your account",
            "Ihrem Konto wurde ein Token hinzugefügt",
        ),
        SecurityEvent::TokenReplaced => pick(lang, "your token was replaced", "Ihr Token wurde ersetzt"),
        SecurityEvent::TokenRemoved => pick(lang, "your token was removed", "Ihr Token wurde entfernt"),
        SecurityEvent::PhoneChanged => pick(
            lang,
            "your codes go to another number now",
            "Ihre Codes gehen jetzt an eine andere Nummer",
        ),
        SecurityEvent::PasswordChanged => {
            pick(lang, "your password was changed", "Ihr Passwort wurde geändert")
        }
        SecurityEvent::EmailChanged => pick(
            lang,
            "your e-mail address was changed",
            "Ihre E-Mail-Adresse wurde geändert",
        ),
        SecurityEvent::LoginChanged => pick(
            lang,
            "your user name was changed",
            "Ihr Benutzername wurde geändert",
        ),
        SecurityEvent::RecoveryRenewed => pick(
            lang,
            "you have new recovery codes; the old ones are void",
            "Sie haben neue Wiederherstellungscodes; die alten gelten nicht mehr",
        ),
    };
    match lang {
        Lang::En => format!("{resource}: {happened}. Not you? Tell your administrator at once."),
        Lang::De => format!("{resource}: {happened}. Nicht von Ihnen? Sofort dem Administrator melden."),
    }
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

/// A prompt of few words, for clients that show little.
#[must_use]
pub fn prompt_briefly(challenge: &Challenge, notice: Notice) -> String {
    let label = challenge.label;
    match notice {
        Notice::Wrong { .. } => format!("Wrong. Code {label}: "),
        Notice::Wait { seconds } => format!("Wait {seconds} s. Code {label}: "),
        _ => format!("Code {label}: "),
    }
}

/// What a rejected request says whose password was right, where the VPN shows no challenge: the next one holds the code too.
#[must_use]
pub fn sent(challenge: &Challenge, masked: &str) -> String {
    let label = challenge.label;
    let digits = challenge.digits.get();
    format!(
        "Text {label} was sent to {masked}. Log in again with your password and the {digits} digits right behind it."
    )
}

/// The same in few words.
#[must_use]
pub fn sent_briefly(challenge: &Challenge) -> String {
    format!("Text {} sent. Use password+code.", challenge.label)
}

/// `long` where it fits into `limit` octets, else `short`, cut where even that does not fit.
#[must_use]
pub fn fit(long: String, mut short: String, limit: usize) -> String {
    if long.len() <= limit {
        return long;
    }
    let end = (0..=limit.min(short.len()))
        .rev()
        .find(|at| short.is_char_boundary(*at));
    short.truncate(end.unwrap_or_default());
    short
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
        // The password was right: only then is a code looked at.
        Reason::NoneOpen => format!(
            "That code is not valid any more. Log in with your password alone to get a new one (ref {reference})."
        ),
        Reason::PasswordExpired => {
            format!("Your password has expired; change it first (ref {reference}).")
        }
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

/// A resource's name as it stands in texts of the portal: as [`plain`], but with the umlauts that GSM-7 has.
fn name(text: &str) -> String {
    let umlaut = |c: char| "ÄÖÜäöüß".contains(c);
    text.chars()
        .take(NAME_LIMIT)
        .map(|c| {
            if umlaut(c) {
                c.to_string()
            } else {
                plain(c.encode_utf8(&mut [0; 4]), 1)
            }
        })
        .collect()
}
