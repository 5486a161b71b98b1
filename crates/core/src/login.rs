//! The login conversation. [`begin`] and [`answer`] decide; the shell loads what they look at and stores what they change,
//! in one transaction.

mod answer;
mod begin;
pub mod decoy;
mod single;

use crate::access::Remembered;
use crate::audit::Event;
use crate::challenge::{Challenge, Channel, Notice, Session};
use crate::gate::{Counts, Policy, Refusal};
use crate::ids::{AttemptId, Reference, SessionId};
use crate::keys::Keyring;
use crate::limits::Guard;
use crate::net::Source;
use crate::outbox::Message;
use crate::resource::Resource;
use crate::token::Token;
use crate::user::User;
use crate::{Rng, Timestamp};

pub use answer::{Answer, AnswerView, Found, answer, asks_for_text, cancel};
pub use begin::{Begin, BeginView, First, Rules, begin, token_of};
pub use single::{Proof, Typed, split, static_challenge};

/// Why a login went as it did. Operators see it; users do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A text with a code was asked for.
    Challenge,
    /// The request was a retransmit of one answered before.
    Retransmit,
    /// The request joined a login that waits for its code.
    Joined,
    /// The right code.
    Code,
    /// Another prompt after a wrong code.
    WrongCode,
    /// The text is sent again.
    Resent,
    /// A resend came too early or over budget; the prompt says so.
    ResendRefused,
    /// The password was typed as the code; costs no try.
    PasswordAsCode,
    /// A timed bypass.
    Bypass,
    /// No token, and the resource lets such users in.
    UnenrolledAllowed,
    /// Token disabled, and the resource lets such users in.
    DisabledAllowed,
    /// No resource guards this service, or the client names none.
    NoResource,
    /// The resource is switched off.
    ResourceDisabled,
    /// No such user.
    UnknownUser,
    /// The user is not bound to the resource.
    NotInResource,
    /// Wrong password.
    WrongPassword,
    /// No password is registered.
    NoPassword,
    /// Too many wrong passwords from this source network.
    SourceClosed,
    /// Locked by an administrator.
    AdminLocked,
    /// Locked after wrong codes.
    OtpLocked,
    /// This wrong code locked the user.
    OtpLockedNow,
    /// No token guards this resource for the user.
    Unenrolled,
    /// The token is disabled.
    TokenDisabled,
    /// The token is blocked.
    TokenBlocked,
    /// The sending gate refused.
    Sms(Refusal),
    /// Three logins wait for codes already.
    TooManyOpen,
    /// The session is not known.
    UnknownSession,
    /// The session belongs to another user, client or service.
    ForeignSession,
    /// The session was answered before.
    SessionUsed,
    /// The challenge's code was used.
    Consumed,
    /// The challenge ended after too many wrong codes or was cancelled.
    ChallengeDead,
    /// The code's time is over.
    Expired,
    /// The challenge's tries are used with this one.
    TriesUsed,
    /// Too many prompts in one login.
    TooManyRounds,
    /// The user went away.
    Cancelled,
    /// The first factor failed before us; nothing was looked at.
    Decoy,
    /// A code came, but no text of this user waits for one.
    NoneOpen,
    /// A rule exempts the network.
    ExemptNetwork,
    /// A rule exempts the user.
    ExemptUser,
    /// A rule exempts a group of the user.
    ExemptGroup,
    /// A code was given from there within the remembered window.
    Remembered,
    /// A rule lets nobody in from there.
    NetworkRefused,
    /// A rule lets nobody in at this time.
    HourRefused,
    /// A rule could not be evaluated.
    RuleInDoubt,
    /// A source of the first factor could not be asked.
    SourceUnavailable,
    /// A source says that the password has to be changed first.
    PasswordExpired,
    /// A source says that the account may not be used.
    AccountLocked,
    /// An upstream server's challenge was passed on.
    Relayed,
    /// CHAP or MS-CHAPv2 where a password has to be checked here.
    NeedsPap,
}

impl Reason {
    /// Stable code for audit rows, metrics and `login explain`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Retransmit => "retransmit",
            Self::Joined => "joined",
            Self::Code => "code",
            Self::WrongCode => "wrong-code",
            Self::Resent => "resent",
            Self::ResendRefused => "resend-refused",
            Self::PasswordAsCode => "password-as-code",
            Self::Bypass => "bypass",
            Self::UnenrolledAllowed => "unenrolled-allowed",
            Self::DisabledAllowed => "token-disabled-allowed",
            Self::NoResource => "no-resource",
            Self::ResourceDisabled => "resource-disabled",
            Self::UnknownUser => "unknown-user",
            Self::NotInResource => "not-in-resource",
            Self::WrongPassword => "wrong-password",
            Self::NoPassword => "no-password",
            Self::SourceClosed => "source-closed",
            Self::AdminLocked => "admin-locked",
            Self::OtpLocked => "otp-locked",
            Self::OtpLockedNow => "otp-locked-now",
            Self::Unenrolled => "unenrolled",
            Self::TokenDisabled => "token-disabled",
            Self::TokenBlocked => "token-blocked",
            Self::Sms(refusal) => refusal.code(),
            Self::TooManyOpen => "too-many-open",
            Self::UnknownSession => "unknown-session",
            Self::ForeignSession => "foreign-session",
            Self::SessionUsed => "session-used",
            Self::Consumed => "consumed",
            Self::ChallengeDead => "challenge-dead",
            Self::Expired => "expired",
            Self::TriesUsed => "tries-used",
            Self::TooManyRounds => "too-many-rounds",
            Self::Cancelled => "cancelled",
            Self::Decoy => "decoy",
            Self::NoneOpen => "none-open",
            Self::ExemptNetwork => "exempt-network",
            Self::ExemptUser => "exempt-user",
            Self::ExemptGroup => "exempt-group",
            Self::Remembered => "remembered",
            Self::NetworkRefused => "network-refused",
            Self::HourRefused => "hour-refused",
            Self::RuleInDoubt => "rule-in-doubt",
            Self::SourceUnavailable => "source-unavailable",
            Self::PasswordExpired => "password-expired",
            Self::AccountLocked => "account-locked",
            Self::Relayed => "relayed",
            Self::NeedsPap => "needs-pap",
        }
    }
}

/// What to tell the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Ask for the code under this session.
    Prompt {
        /// What the client holds.
        session: Session,
        /// Its challenge, for the words of the prompt.
        challenge: Box<Challenge>,
        /// The number, masked.
        masked: String,
    },
    /// Ask what somebody else wants to know.
    Ask {
        /// What the client holds.
        session: SessionId,
        /// What to show.
        text: String,
        /// Until when it may be answered.
        until: Timestamp,
    },
    /// Let in.
    Allow,
    /// Keep out.
    Deny {
        /// Whether tries were used up.
        exhausted: bool,
    },
}

/// One thing to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Insert or replace the challenge.
    Challenge(Box<Challenge>),
    /// Insert or replace the session.
    Session(Session),
    /// Replace the user's guard.
    Guard(Guard),
    /// Insert the text.
    Queue(Box<Message>),
    /// Replace the counters of texts.
    Counts(Counts),
    /// One more wrong password of the user from the source.
    LoginFailure,
    /// The source succeeded for the user now.
    LoginSuccess,
    /// The token gave its first right code.
    TokenVerified,
    /// Insert or replace the source from which this code holds for a while.
    Remember(Box<Remembered>),
    /// Insert or replace a prompt behind which there is no code.
    Decoy(Box<decoy::Decoy>),
}

/// A decision: what to say, why, what to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// For the caller.
    pub reply: Reply,
    /// For operators.
    pub reason: Reason,
    /// For the store, in order.
    pub changes: Vec<Change>,
}

impl Step {
    fn deny(reason: Reason) -> Self {
        Self {
            reply: Reply::Deny { exhausted: false },
            reason,
            changes: Vec::new(),
        }
    }

    fn exhausted(reason: Reason, changes: Vec<Change>) -> Self {
        Self {
            reply: Reply::Deny { exhausted: true },
            reason,
            changes,
        }
    }

    fn allow(reason: Reason, changes: Vec<Change>) -> Self {
        Self {
            reply: Reply::Allow,
            reason,
            changes,
        }
    }

    /// The audit row of this decision.
    #[must_use]
    pub fn event(&self, about: &About<'_>, reference: &Reference, now: Timestamp) -> Event {
        let kind = match (&self.reply, self.reason) {
            (Reply::Allow, _) => "login.allow",
            (Reply::Deny { .. }, _) => "login.deny",
            (Reply::Prompt { .. }, Reason::WrongCode) => "login.wrong-code",
            (Reply::Prompt { .. } | Reply::Ask { .. }, _) => "login.challenge",
        };
        Event {
            at: now,
            kind: kind.to_owned(),
            reason: self.reason.code().to_owned(),
            reference: reference.clone(),
            user: about.user.to_owned(),
            resource: about.resource.to_owned(),
            via: format!("{} {}", about.channel.as_str(), about.group),
            source: about.source.shown(),
            detail: String::new(),
        }
    }
}

/// What an audit row of a login names.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Login name.
    pub user: &'a str,
    /// Resource name.
    pub resource: &'a str,
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client or PAM service.
    pub group: &'a str,
    /// Where from.
    pub source: &'a Source,
}

/// Checks that hold at every step of a login: resource, user, locks.
fn standing(resource: &Resource, user: &User, guard: &Guard, now: Timestamp) -> Result<(), Reason> {
    if !resource.enabled {
        return Err(Reason::ResourceDisabled);
    }
    if !user.resources.contains(&resource.id) {
        return Err(Reason::NotInResource);
    }
    if user.locked.is_some() {
        return Err(Reason::AdminLocked);
    }
    if guard.lock_at(now).is_some() {
        return Err(Reason::OtpLocked);
    }
    Ok(())
}

/// The next session of a challenge.
fn session(challenge: &Challenge, round: u32, notice: Notice, rng: &mut dyn Rng) -> Session {
    Session {
        id: SessionId::random(rng),
        challenge: challenge.id,
        round,
        answered: None,
        notice,
    }
}

fn prompt(challenge: &Challenge, session: Session, token: &Token) -> Reply {
    Reply::Prompt {
        session,
        challenge: Box::new(challenge.clone()),
        masked: token.phone.masked(),
    }
}

/// Everything a decision may need besides the rows: limits of sending, keys, what was sent so far.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// What the administrator allows.
    pub policy: &'a Policy,
    /// What was sent so far to the token's number, for the user, from the source, in all.
    pub counts: &'a Counts,
    /// Whether the source succeeded for this user in the last 30 days.
    pub known_source: bool,
    /// Working keys.
    pub keys: &'a Keyring,
}

/// A request's name and reference.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Names the request packet.
    pub attempt: AttemptId,
    /// Reference for user and audit log.
    pub reference: &'a Reference,
}
