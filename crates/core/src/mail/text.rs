//! What mail says, in English and German: service, act, time and source, so that an act that is not one's own shows.
//!
//! Subjects carry no code: phones show them on their lock screen. Every name put into a text is stripped of line breaks and cut, so
//! that nobody writes mail of their own by choosing a name.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::challenge::Label;
use crate::code::Code;
use crate::portal::verification::Act;

mod de;
mod en;

/// Longest name in a text, in characters.
const NAME_LIMIT: usize = 64;
/// Longest link.
const LINK_LIMIT: usize = 1024;

/// A language of mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Lang {
    /// The language of a tag such as `de-AT`; English where there is no other.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("de") {
            Self::De
        } else {
            Self::En
        }
    }

    /// Its tag (RFC 5646).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }
}

/// Who did what a mail is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Somebody at this literal address.
    Address(String),
    /// An administrator.
    Administrator,
    /// Not known.
    Unknown,
}

/// What every mail names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Context {
    /// Service in words: the resource's title or name.
    pub service: String,
    /// Login name of the person.
    pub login: String,
    /// When it was asked for or done.
    pub at: Timestamp,
    /// Who asked or did it.
    pub by: By,
}

/// An act that a person is told of after it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// A second factor is new.
    TokenAdded {
        /// Its name.
        name: String,
    },
    /// A second factor is gone.
    TokenRemoved {
        /// Its name.
        name: String,
    },
    /// Codes go to another number.
    NumberChanged {
        /// The new number, masked.
        masked: String,
    },
    /// There is a new password.
    PasswordChanged,
    /// Mail goes to another address. This one goes to the old.
    EmailChanged {
        /// The new address, masked.
        masked: String,
    },
    /// There is no address any more. This one goes to the old.
    EmailRemoved,
    /// There is another user name.
    LoginChanged {
        /// The new one.
        login: String,
    },
    /// There are new recovery codes; the old ones ended.
    RecoveryRenewed,
    /// Somebody signed in from a browser not seen before.
    NewDevice {
        /// Browser and system in words.
        agent: String,
    },
}

/// A mail.
#[derive(Debug, Clone, Copy)]
pub enum Letter<'a> {
    /// A code to sign in with.
    SignInCode {
        /// The code.
        code: &'a Code,
        /// What the page shows too.
        label: Label,
        /// How long it is good.
        minutes: u32,
    },
    /// A fresh code for one act, which it names.
    ActCode {
        /// The code.
        code: &'a Code,
        /// What the page shows too.
        label: Label,
        /// How long it is good.
        minutes: u32,
        /// The act.
        act: &'a Act,
    },
    /// A code that proves that a new address is the person's; goes to the new address.
    NewAddressCode {
        /// The code.
        code: &'a Code,
        /// What the page shows too.
        label: Label,
        /// How long it is good.
        minutes: u32,
    },
    /// Tells of an act.
    Notice(&'a Notice),
    /// A link to set up a second factor with.
    Invitation {
        /// The link.
        link: &'a str,
        /// Until when it works.
        until: Timestamp,
    },
    /// Whether mail arrives.
    Test {
        /// Reference in the audit log.
        reference: &'a str,
    },
}

/// A mail in words. `Debug` shows the subject alone; the body is wiped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rendered {
    /// Subject, one line.
    pub subject: String,
    /// Body, lines ended by `\n`.
    pub body: Zeroizing<String>,
    /// Language of both.
    pub lang: Lang,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Puts a mail into words.
#[must_use]
pub fn render(letter: &Letter<'_>, lang: Lang, context: &Context) -> Rendered {
    let context = Clean {
        service: plain(&context.service, NAME_LIMIT),
        login: plain(&context.login, NAME_LIMIT),
        at: context.at,
        by: match &context.by {
            By::Address(address) => By::Address(plain(address, NAME_LIMIT)),
            other => other.clone(),
        },
    };
    let (subject, body) = match lang {
        Lang::En => en::words(letter, &context),
        Lang::De => de::words(letter, &context),
    };
    Rendered { subject, body, lang }
}

/// A [`Context`] whose names are plain.
struct Clean {
    service: String,
    login: String,
    at: Timestamp,
    by: By,
}

/// `name` on one line: control characters and those that turn the writing direction go, blanks become one, the rest is cut.
fn plain(name: &str, limit: usize) -> String {
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let mut out = String::new();
    let mut length = 0;
    for c in name.trim().chars() {
        let blank = c.is_whitespace() || c.is_control();
        if hidden(c) || (blank && out.ends_with(' ')) {
            continue;
        }
        if length == limit {
            out.push('…');
            break;
        }
        out.push(if blank { ' ' } else { c });
        length += 1;
    }
    out
}

/// A link stays whole or is left out: half a link leads elsewhere.
fn link(text: &str) -> &str {
    if text.len() <= LINK_LIMIT && text.chars().all(|c| c.is_ascii_graphic()) {
        text
    } else {
        ""
    }
}

/// A time in UTC.
struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
}

impl Utc {
    /// Howard Hinnant's civil_from_days, for times since 1970.
    fn of(at: Timestamp) -> Self {
        let minutes = at.0 / 60_000;
        // Days since 1 March of the year 0.
        let days = minutes / 1440 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            hour: minutes / 60 % 24,
            minute: minutes % 60,
        }
    }
}
