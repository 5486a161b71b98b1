//! What the pages show. Never a full number but to the person who just typed it, never a secret that is not shown on purpose.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::Secret;

/// A portal before sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SiteView {
    /// Title of the pages.
    pub title: String,
    /// Accent colour, `#rrggbb`; empty: the default.
    pub accent: String,
    /// One line under the user name; empty: none.
    pub hint: String,
    /// Whether codes by e-mail can be asked for (mail is set up and not switched off).
    pub by_mail: bool,
}

/// A code that a page asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct CodeAsk {
    /// Ways that are open, preferred first.
    pub methods: Vec<MethodView>,
    /// Whether a message was sent.
    pub sent: bool,
    /// Two-character label that the text carries too; empty: none was sent.
    pub label: String,
    /// Digits of a code that was sent.
    pub digits: u8,
    /// Last two digits of the number, or masked e-mail address, that it was sent to.
    pub to: String,
    /// Seconds until the present code ends.
    pub expires_in: u32,
    /// Seconds until a message may be asked for again; absent: not again.
    pub resend_in: Option<u32>,
    /// Wrong codes that are left.
    pub left: u32,
    /// What became of the last message: empty while it is on its way or has left, else `failed`, `unknown`, `budget`, `country`,
    /// `paused`.
    pub trouble: String,
}

/// A way to prove oneself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MethodView {
    /// Which.
    pub method: Method,
    /// Name of the token, where it has one.
    pub name: String,
}

/// The page after sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct HomeView {
    /// The portal.
    pub site: SiteView,
    /// The person.
    pub profile: ProfileView,
    /// Tokens that guard this resource.
    pub tokens: Vec<TokenCard>,
    /// Tokens of theirs that do not guard it yet.
    pub elsewhere: Vec<TokenCard>,
    /// What may be done.
    pub actions: ActionView,
    /// Recovery codes that are left; absent where there never were any.
    pub recovery_left: Option<u32>,
    /// Own sessions, this one first.
    pub sessions: Vec<SessionView>,
    /// The language that was chosen; empty: none.
    pub lang: String,
}

/// What the portal lets this person do just now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ActionView {
    /// Allowed actions, by their words (`enroll`, `rename`, ...).
    pub allowed: Vec<String>,
    /// Kinds that may be set up now: `sms`, `totp`.
    pub kinds: Vec<String>,
    /// Why nothing can be set up now: empty, `off`, `deadline`, `invite`, `has-token`.
    pub why_not: String,
    /// Whether the length of codes may be chosen.
    pub choose_digits: bool,
    /// Length where it may not.
    pub digits: u8,
    /// Whether number and code come on two pages (`Next`).
    pub two_steps: bool,
    /// Whether recovery codes are offered.
    pub recovery: bool,
}

/// The person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProfileView {
    /// Login.
    pub login: String,
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
    /// E-mail address.
    pub email: String,
    /// Whether there is a password.
    pub password: bool,
    /// When it was set.
    pub password_set: Option<u64>,
}

/// A token on the home page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TokenCard {
    /// Id.
    pub id: String,
    /// `sms` or `totp`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Masked number; empty for an app.
    pub phone: String,
    /// Length of its codes.
    pub digits: u8,
    /// `active`, `disabled` or `blocked`.
    pub status: String,
    /// Whether it is asked first.
    pub preferred: bool,
    /// When it was made.
    pub created: u64,
    /// When it was last used.
    pub used: Option<u64>,
}

/// A session of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SessionView {
    /// Id; not what its cookie holds.
    pub id: String,
    /// Whether it is the one that asks.
    pub own: bool,
    /// Browser and system in words.
    pub agent: String,
    /// Where from.
    pub source: String,
    /// Last use.
    pub seen: u64,
    /// Portal it is on, by resource name.
    pub portal: String,
}

/// An enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EnrolmentView {
    /// Id.
    pub id: String,
    /// `sms` or `totp`.
    pub kind: String,
    /// Name that the token will have; empty for an automatic one.
    pub name: String,
    /// The whole number in international form, for the session that typed it; empty for an app.
    pub phone: String,
    /// Secret of an app (base32), while it waits for its code.
    pub totp: Option<Secret>,
    /// `otpauth://` URI of an app, while it waits for its code.
    pub uri: Option<Secret>,
    /// Where it stands.
    pub state: EnrolState,
    /// What is asked for.
    pub ask: CodeAsk,
    /// Why the last code was not taken; empty: none was typed, or as in [`super::PortalReply::Wrong`].
    pub why: String,
    /// Whether it replaces a token or its number.
    pub replaces: bool,
    /// The token, once confirmed.
    pub token: Option<TokenCard>,
    /// Recovery codes that came with the first token, shown now and never again.
    #[serde(default)]
    pub codes: Vec<Secret>,
}

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnrolState {
    /// Waits for its code.
    Open,
    /// The token is there.
    Done,
    /// Too many wrong codes.
    TriesUsed,
    /// The time is over.
    Expired,
    /// Taken back.
    Cancelled,
    /// The number is on another token, which the right code discloses (domain decision 7).
    NumberTaken,
}

/// An administrator's set-up page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SetupView {
    /// Login; absent for the first administrator, who chooses one.
    pub login: Option<String>,
    /// A fresh secret for the authenticator app (base32).
    pub totp: Secret,
    /// Its `otpauth://` URI.
    pub uri: Secret,
    /// Seconds until the link ends.
    pub expires_in: u32,
}
