//! What the portal and the console may ask. The portal process only renders: the daemon mints sessions and authorises each request.
//!
//! The message of a fault of code `invalid`, `conflict` or `busy` to a [`UserOp`] begins with a stable word and a colon (`name: ...`,
//! `current: ...`, `email: ...`, `has-token: ...`), by which pages choose field and words.

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::admin::{AdminOp, AdminReply};

mod views;

pub use views::{
    ActionView, CodeAsk, EnrolState, EnrolmentView, HomeView, MethodView, ProfileView, SessionView,
    SetupView, SiteView, TokenCard,
};

/// Requests of `portal.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum PortalOp {
    /// What the portal of an address shows before anybody signs in. Answer: [`PortalReply::Site`], or `not-found` for an address
    /// that is unknown, off, or of a resource that is switched off.
    Site {
        /// Self-service address.
        address: String,
    },
    /// Sign in with a password. Answer: [`PortalReply::Signed`], or [`PortalReply::Refused`] alike for unknown, wrong, unbound,
    /// locked.
    SignIn {
        /// Self-service address.
        address: String,
        /// User as typed.
        user: String,
        /// Password as typed.
        password: Secret,
        /// Secret of an invitation, where the link had one.
        #[serde(default)]
        invite: Option<Secret>,
        /// Who asks.
        browser: Browser,
    },
    /// Ask for a code by e-mail; mailed only where the user has an address and no password. Answer: [`PortalReply::Signed`] alike for
    /// all names.
    SignInByMail {
        /// Self-service address.
        address: String,
        /// User as typed.
        user: String,
        /// Secret of an invitation, where the link had one.
        #[serde(default)]
        invite: Option<Secret>,
        /// Who asks.
        browser: Browser,
    },
    /// What the holder of a session asks on the portal of `address`.
    User {
        /// Self-service address; a session of another portal does not hold here.
        address: String,
        /// The cookie's value.
        session: Secret,
        /// What is asked.
        ask: UserOp,
    },
    /// The console's first page and the set-up links of administrators. Answer: [`PortalReply::Setup`].
    SetupShow {
        /// Secret of the link.
        link: Secret,
    },
    /// Set password and authenticator app. Answer: [`PortalReply::Signed`] with recovery codes.
    SetupFinish {
        /// Secret of the link.
        link: Secret,
        /// Login; only where the link made none (the first administrator).
        #[serde(default)]
        login: Option<String>,
        /// Password as typed.
        password: Secret,
        /// Secret of the app as shown by `SetupShow` (base32).
        totp: Secret,
        /// Code of the app.
        code: Secret,
        /// Who asks.
        browser: Browser,
    },
    /// An administrator's password. Answer: [`PortalReply::Signed`] (next: factor), or [`PortalReply::Refused`].
    ConsoleSignIn {
        /// Login as typed.
        user: String,
        /// Password as typed.
        password: Secret,
        /// Who asks.
        browser: Browser,
    },
    /// What the holder of a console session asks.
    Console {
        /// The cookie's value.
        session: Secret,
        /// What is asked.
        ask: ConsoleOp,
    },
    /// A request of the REST API. Answer: [`PortalReply::Admin`].
    Api {
        /// The key.
        key: Secret,
        /// What is asked.
        admin: Box<AdminOp>,
        /// Who asks.
        browser: Browser,
    },
}

/// Who asks, as the portal process sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Browser {
    /// Literal address, from the connection or a trusted proxy.
    pub source: String,
    /// Browser and system in words, such as `Firefox on Android`.
    pub agent: String,
    /// Language tag of its pages.
    pub lang: String,
}

/// What a person asks on the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum UserOp {
    /// Where the sign-in stands. Answer: [`PortalReply::At`].
    Where,
    /// The code that was mailed. Answer: [`PortalReply::Signed`] (a new session) or [`PortalReply::Wrong`].
    MailCode {
        /// As typed.
        code: Secret,
    },
    /// The second factor. Answer: [`PortalReply::Signed`] (a new session) or [`PortalReply::Wrong`].
    Factor {
        /// How.
        method: Method,
        /// As typed.
        code: Secret,
    },
    /// The message again (mail or text, whichever the sign-in waits for), or a first text where another method was offered.
    /// Answer: [`PortalReply::At`].
    Resend,
    /// The page after sign-in. Answer: [`PortalReply::Home`].
    Home,
    /// Begin an enrolment. Answer: [`PortalReply::Enrolment`], or [`PortalReply::StepUp`] where a code of the old factor is needed.
    EnrolBegin {
        /// `sms` or `totp`.
        kind: String,
        /// Token name; empty for an automatic one.
        name: String,
        /// Phone number as typed (`sms`).
        #[serde(default)]
        phone: Option<Secret>,
        /// 6 or 8; ignored where the administrator fixed it.
        #[serde(default)]
        digits: Option<u8>,
        /// Name of the form: the same form sent twice is one enrolment.
        form: String,
        /// Token that it replaces (`reissue`), by id.
        #[serde(default)]
        replaces: Option<String>,
    },
    /// An enrolment of this session. Answer: [`PortalReply::Enrolment`].
    Enrolment {
        /// Its id.
        id: String,
    },
    /// The text again. Answer: [`PortalReply::Enrolment`].
    EnrolResend {
        /// Its id.
        id: String,
    },
    /// Another number: the enrolment begins anew with the same name. Answer: [`PortalReply::Enrolment`].
    EnrolNumber {
        /// Its id.
        id: String,
        /// Phone number as typed.
        phone: Secret,
    },
    /// The code. Answer: [`PortalReply::Enrolment`].
    EnrolConfirm {
        /// Its id.
        id: String,
        /// As typed.
        code: Secret,
    },
    /// Take it back. Answer: [`PortalReply::Done`].
    EnrolCancel {
        /// Its id.
        id: String,
    },
    /// Do something. Answer: [`PortalReply::Done`], [`PortalReply::StepUp`] where a fresh code is needed first, or what the act gives.
    Act {
        /// What.
        act: UserAct,
    },
    /// An open step-up of this session. Answer: [`PortalReply::StepUp`].
    StepUp {
        /// Its id.
        id: String,
    },
    /// The text again, or a first one where another method was offered. Answer: [`PortalReply::StepUp`].
    StepUpResend {
        /// Its id.
        id: String,
    },
    /// The fresh code. Answer: what the act gives, or [`PortalReply::Wrong`].
    StepUpAnswer {
        /// Its id.
        id: String,
        /// How.
        method: Method,
        /// As typed.
        code: Secret,
    },
    /// Recovery codes for a user who has none, or was offered them. Answer: [`PortalReply::Codes`].
    RecoveryFirst,
    /// End this session. Answer: [`PortalReply::Done`].
    SignOut,
}

/// How a code was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By text message.
    Sms,
    /// From an authenticator app.
    Totp,
    /// A recovery code.
    Recovery,
    /// The one-day code of the helpdesk.
    Helpdesk,
    /// By e-mail; a step-up of a person without another factor and without password.
    Mail,
    /// The password again; a step-up of a person without another factor.
    Password,
}

/// What a person may do on the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum UserAct {
    /// Rename a token.
    Rename {
        /// Token id.
        token: String,
        /// New name.
        name: String,
    },
    /// Take a token away. Needs a fresh code.
    Unassign {
        /// Token id.
        token: String,
    },
    /// Give an SMS token another number: an enrolment of the new one after a fresh code. Answer: [`PortalReply::Enrolment`].
    ChangePhone {
        /// Token id.
        token: String,
        /// Phone number as typed.
        phone: Secret,
    },
    /// Replace a token: permits one enrolment with `replaces`. Needs a fresh code.
    Reissue {
        /// Token id.
        token: String,
    },
    /// Let a token of theirs guard this resource too. Needs a fresh code.
    AssignExisting {
        /// Token id.
        token: String,
    },
    /// Ask for this token first at sign-in.
    Prefer {
        /// Token id.
        token: String,
    },
    /// Send a test text to a token.
    TestText {
        /// Token id.
        token: String,
    },
    /// Find an app's clock again from two codes in a row.
    Synchronise {
        /// Token id.
        token: String,
        /// A code.
        first: Secret,
        /// The next one.
        second: Secret,
    },
    /// Set or change the password. Needs a fresh code; a change needs the old password too.
    Password {
        /// The present one, where there is one.
        #[serde(default)]
        current: Option<Secret>,
        /// The new one.
        new: Secret,
    },
    /// Change the e-mail address: a fresh code, then the code mailed to the new address.
    Email {
        /// The new one.
        new: String,
    },
    /// Change the user name. Needs a fresh code.
    Login {
        /// The new one.
        new: String,
    },
    /// Change first and last name.
    Names {
        /// First name.
        first: String,
        /// Last name.
        last: String,
    },
    /// Choose the language of pages and mails.
    Language {
        /// Language tag.
        lang: String,
    },
    /// Make new recovery codes. Needs a fresh code. Answer: [`PortalReply::Codes`].
    RenewRecovery,
    /// End another session of one's own.
    EndSession {
        /// Its id.
        id: String,
    },
    /// End all other sessions of one's own.
    EndOtherSessions,
}

/// What an administrator asks on the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum ConsoleOp {
    /// Where the sign-in stands. Answer: [`PortalReply::At`].
    Where,
    /// The second factor. Answer: [`PortalReply::Signed`] (a new session) or [`PortalReply::Wrong`].
    Factor {
        /// `totp` or `recovery`.
        method: Method,
        /// As typed.
        code: Secret,
    },
    /// Who is signed in. Answer: [`PortalReply::Account`], or [`PortalReply::At`] while the code is missing.
    Account,
    /// Change the own password. Answer: [`PortalReply::Done`]; other sessions end.
    Password {
        /// The present one.
        current: Secret,
        /// The new one.
        new: Secret,
        /// Code of the app.
        code: Secret,
    },
    /// New recovery codes. Answer: [`PortalReply::Codes`].
    RenewRecovery {
        /// Code of the app.
        code: Secret,
    },
    /// End one's other sessions. Answer: [`PortalReply::Done`].
    EndOtherSessions,
    /// End this session. Answer: [`PortalReply::Done`].
    SignOut,
    /// Anything that otpostctl can do, as far as the role allows. Answer: [`PortalReply::Admin`].
    Admin {
        /// What.
        admin: Box<AdminOp>,
    },
}

/// What a session waits for next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "kebab-case")]
pub enum Next {
    /// The code that was mailed.
    Mail(CodeAsk),
    /// The second factor.
    Factor(CodeAsk),
    /// Nothing: signed in.
    Home,
}

/// Answers on `portal.sock`. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "kebab-case")]
pub enum PortalReply {
    /// To `Site`.
    Site(SiteView),
    /// A session was made, or replaced by one with more rights. The old cookie's value is void.
    Signed {
        /// The cookie's value.
        session: Secret,
        /// Seconds until it ends whatever is done.
        max_age: u32,
        /// What it waits for.
        next: Next,
        /// Language the user chose; empty: none.
        lang: String,
        /// Recovery codes, shown now and never again.
        #[serde(default)]
        codes: Vec<Secret>,
    },
    /// Nobody is let in. The same for every cause.
    Refused {
        /// Seconds after which it may be tried again, where this network is closed for a while.
        #[serde(default)]
        retry_after: Option<u32>,
        /// For the user to name and the administrator to find.
        #[serde(rename = "ref")]
        reference: String,
    },
    /// Where a sign-in stands.
    At(Next),
    /// The session does not hold: ended, of another portal, or never made.
    SignedOut,
    /// The code was not taken.
    Wrong {
        /// What is asked for still.
        ask: CodeAsk,
        /// `wrong`, `too-few`, `too-many-digits`, `not-digits`, `expired`, `tries-used`, `locked`, `used`, or
        /// `password` where it was the present password that is wrong.
        why: String,
    },
    /// To `Home`.
    Home(Box<HomeView>),
    /// An enrolment.
    Enrolment(Box<EnrolmentView>),
    /// A fresh code is needed.
    StepUp {
        /// Its id.
        id: String,
        /// The act, as in [`UserAct`].
        act: String,
        /// The act's new value as shown, where it has one that may be shown.
        value: String,
        /// What is asked for.
        ask: CodeAsk,
    },
    /// Recovery codes, shown now and never again.
    Codes {
        /// Ten of them.
        codes: Vec<Secret>,
    },
    /// Carried out.
    Done {
        /// Stable word of what was done, for the page's message.
        what: String,
    },
    /// To `SetupShow`.
    Setup(SetupView),
    /// To `Account`.
    Account {
        /// Login.
        login: String,
        /// Name in words.
        shown: String,
        /// `owner`, `admin` or `helpdesk`.
        role: String,
        /// Names of the resources in scope; empty: all.
        resources: Vec<String>,
        /// Whether the scope is everything.
        all: bool,
        /// Recovery codes that are left.
        recovery_left: u32,
        /// Sessions of one's own.
        sessions: Vec<SessionView>,
    },
    /// To `Admin` and `Api`.
    Admin {
        /// As otpostctl would get it. A field of its own: it has a tag like this one's.
        reply: Box<AdminReply>,
    },
}

#[cfg(test)]
mod snapshot;
