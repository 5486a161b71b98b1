//! Self-service settings of a resource: its address, what people may do, and how they enrol.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::code::Digits;

/// What people may do on the portal by themselves. All off by default; the daemon refuses what is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Set up a token.
    Enroll,
    /// Replace a token; the old one works until the new one is confirmed.
    Reissue,
    /// Let a token of theirs guard this resource too.
    AssignExisting,
    /// Take a token away.
    Unassign,
    /// Rename a token.
    Rename,
    /// Find the clock of an authenticator app again.
    Synchronise,
    /// Set a first password.
    CreatePassword,
    /// Change the password.
    ChangePassword,
    /// Change the e-mail address.
    ChangeEmail,
    /// Change the number of an SMS token.
    ChangePhone,
    /// Change the user name.
    ChangeLogin,
    /// Change first and last name.
    ChangeNames,
    /// See and end own sessions.
    ManageSessions,
}

impl Action {
    /// The actions on tokens, in the order in which they are shown.
    pub const TOKEN: [Self; 6] = [
        Self::Enroll,
        Self::Reissue,
        Self::AssignExisting,
        Self::Unassign,
        Self::Rename,
        Self::Synchronise,
    ];
    /// The actions on the person, in the order in which they are shown.
    pub const USER: [Self; 7] = [
        Self::CreatePassword,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::ChangePhone,
        Self::ChangeLogin,
        Self::ChangeNames,
        Self::ManageSessions,
    ];

    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Reissue => "reissue",
            Self::AssignExisting => "assign-existing",
            Self::Unassign => "unassign",
            Self::Rename => "rename",
            Self::Synchronise => "synchronise",
            Self::CreatePassword => "create-password",
            Self::ChangePassword => "change-password",
            Self::ChangeEmail => "change-email",
            Self::ChangePhone => "change-phone",
            Self::ChangeLogin => "change-login",
            Self::ChangeNames => "change-names",
            Self::ManageSessions => "manage-sessions",
        }
    }
}

/// A word that names no action or kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not known here")]
pub struct BadWord(pub String);

impl FromStr for Action {
    type Err = BadWord;

    fn from_str(word: &str) -> Result<Self, BadWord> {
        Self::TOKEN
            .into_iter()
            .chain(Self::USER)
            .find(|a| a.as_str() == word)
            .ok_or_else(|| BadWord(word.to_owned()))
    }
}

/// Kinds of second factor that people may set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A code by text message.
    Sms,
    /// An authenticator app (RFC 6238).
    Totp,
    /// Ten codes on paper, offered with the first token.
    Recovery,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sms, Self::Totp, Self::Recovery];

    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Totp => "totp",
            Self::Recovery => "recovery",
        }
    }
}

impl FromStr for Kind {
    type Err = BadWord;

    fn from_str(word: &str) -> Result<Self, BadWord> {
        Self::ALL
            .into_iter()
            .find(|k| k.as_str() == word)
            .ok_or_else(|| BadWord(word.to_owned()))
    }
}

/// Who says how long a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtpLength {
    /// The user: 6 or 8.
    Choice,
    /// The administrator; the field is hidden.
    Fixed(Digits),
}

/// What a first enrolment needs (domain decision 10).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstEnrolment {
    /// The password, or the code by e-mail: the guide's way.
    #[default]
    Password,
    /// A single-use link besides.
    Invite,
}

/// The part of the portal's URL that names a resource: `[a-z0-9-]{1,64}`, unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// An address that breaks the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a self-service address has 1 to 64 small letters, digits and hyphens, like `office-vpn`")]
pub struct BadAddress;

impl Address {
    /// The address itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|o| o.is_ascii_lowercase() || o.is_ascii_digit() || o == b'-');
        if fits { Ok(Self(text)) } else { Err(BadAddress) }
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::try_from(text.to_owned())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

/// Self-service of a resource. Without an address the portal is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SelfService {
    /// Where it is; absent: off.
    pub address: Option<Address>,
    /// What people may do.
    pub actions: BTreeSet<Action>,
    /// What they may set up.
    pub kinds: BTreeSet<Kind>,
    /// Length of new codes.
    pub otp_length: OtpLength,
    /// Whether number and code are asked on two pages (`Next`) or the number is taken with one (`Save`).
    pub two_steps: bool,
    /// What a first enrolment needs.
    pub first_enrolment: FirstEnrolment,
    /// Days after being bound to the resource within which a first enrolment is possible; absent: no end.
    pub enrol_days: Option<u32>,
    /// Title instead of the resource's name; empty: the name.
    pub title: String,
    /// Accent colour, `#rrggbb`; empty: the default.
    pub accent: String,
    /// One line under the user name, such as "The one you use for the VPN".
    pub hint: String,
}

impl Default for SelfService {
    fn default() -> Self {
        Self {
            address: None,
            actions: BTreeSet::new(),
            kinds: BTreeSet::new(),
            otp_length: OtpLength::Choice,
            two_steps: true,
            first_enrolment: FirstEnrolment::Password,
            enrol_days: None,
            title: String::new(),
            accent: String::new(),
            hint: String::new(),
        }
    }
}

impl SelfService {
    /// Whether people may do `action`.
    #[must_use]
    pub fn allows(&self, action: Action) -> bool {
        self.address.is_some() && self.actions.contains(&action)
    }

    /// Whether people may set up a token of `kind`.
    #[must_use]
    pub fn offers(&self, kind: Kind) -> bool {
        self.address.is_some() && self.kinds.contains(&kind)
    }
}

/// Longest title, in characters.
pub const TITLE_LIMIT: usize = 64;
/// Longest hint, in characters.
pub const HINT_LIMIT: usize = 200;
/// Most days of an enrolment deadline.
pub const DAYS_LIMIT: u32 = 3650;

/// Why self-service settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSelfService {
    /// Over 64 characters, or with control characters.
    #[error("the title of a portal has at most 64 characters and no control characters")]
    Title,
    /// Over 200 characters, or with control characters.
    #[error("the hint of a portal has at most 200 characters and no control characters")]
    Hint,
    /// Not `#rrggbb`.
    #[error(
        "an accent colour is # and six hexadecimal digits, such as #1f6feb; leave it empty for the default"
    )]
    Accent,
    /// Outside 1..=3650.
    #[error("enrol-days is 0 (no end) to 3650, not {0}")]
    Days(u32),
}

impl SelfService {
    /// Checks every limit.
    ///
    /// # Errors
    /// [`BadSelfService`] names the field and its limits.
    pub fn check(&self) -> Result<(), BadSelfService> {
        let fits = |text: &str, limit| text.chars().count() <= limit && !text.chars().any(char::is_control);
        if !fits(&self.title, TITLE_LIMIT) {
            return Err(BadSelfService::Title);
        }
        if !fits(&self.hint, HINT_LIMIT) {
            return Err(BadSelfService::Hint);
        }
        let colour = self
            .accent
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|o| o.is_ascii_hexdigit()));
        if !self.accent.is_empty() && !colour {
            return Err(BadSelfService::Accent);
        }
        match self.enrol_days {
            Some(days) if !(1..=DAYS_LIMIT).contains(&days) => Err(BadSelfService::Days(days)),
            _ => Ok(()),
        }
    }
}
