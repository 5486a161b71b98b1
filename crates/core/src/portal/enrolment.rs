//! Enrolments: a transaction with tries, a deadline and a status. No token exists before its code is confirmed.
//!
//! Where number and code are asked on one page (`two_steps` off) the rules are the same: the text leaves once the number is
//! submitted, and the page then shows both fields. A number is never taken without its code.

mod begin;
mod confirm;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::factors::TotpToken;
use super::flow::{Closed, CodeFlow, FlowState, Resend};
use super::settings::Kind;
use super::verification::Act;
use crate::challenge::Label;
use crate::code::{CodeOf, Digits, Purpose};
use crate::ids::{ChallengeId, EnrolmentId, MessageId, PortalSessionId, ResourceId, TokenId, UserId};
use crate::keys::Keyring;
use crate::net::Source;
use crate::phone::{BadPhone, Phone};
use crate::text::Lang;
use crate::token::{Status, Token};
use crate::{Timestamp, code, totp};

pub use begin::{Begun, By, Offer, Replacing, View, Wanted, begin, change_number, may_replace, offer};
pub use confirm::{Confirm, Confirmed, confirm, sms_token, standing, totp_token};

/// How long a fresh code permits one enrolment.
pub const PERMIT_LIFE: Duration = Duration::from_secs(600);
/// How long the right code, sent once more, shows recovery codes again (other ones): a page that is sent twice shows its second
/// answer only.
pub const REPEAT: Duration = Duration::from_secs(60);
/// How often one enrolment gives out recovery codes.
pub const REPEATS: u8 = 3;
/// Name of an app's token where none was given.
pub const APP_NAME: &str = "Authenticator app";

/// What is set up. The values are secret or personal: an enrolment is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum New {
    /// An SMS token for this number (E.164).
    Sms(Zeroizing<String>),
    /// An authenticator app with this secret (base32).
    Totp(Zeroizing<String>),
}

impl fmt::Debug for New {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sms(_) => "Sms(..)",
            Self::Totp(_) => "Totp(..)",
        })
    }
}

/// An enrolment. Bound to one user, resource, and the session (or administrator) that began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Enrolment {
    /// Stable id.
    pub id: EnrolmentId,
    /// Session that began it; absent where an administrator did.
    pub session: Option<PortalSessionId>,
    /// Name of the form that began it: the same form sent twice is one enrolment.
    pub form: String,
    /// For whom.
    pub user: UserId,
    /// For what.
    pub resource: ResourceId,
    /// What is set up.
    pub new: New,
    /// Id that the token will have.
    pub token: TokenId,
    /// Name that it will have; empty for an automatic one.
    pub name: String,
    /// Length of its codes.
    pub digits: Digits,
    /// Token that it replaces once confirmed.
    pub replaces: Option<TokenId>,
    /// Only the number changes: the replaced token keeps its id, name and resources.
    pub number_only: bool,
    /// Its code.
    pub flow: CodeFlow,
    /// Shown on the page and in the text.
    pub label: Label,
    /// Language of its texts.
    pub lang: Lang,
    /// The last text, where one was asked for and the sending gate let it pass.
    pub text: Option<MessageId>,
    /// Why the sending gate refused the last text: `budget`, `country`, `paused`; empty: it did not.
    pub refused: String,
    /// When the right code came.
    pub confirmed: Option<Timestamp>,
    /// The code was right, but the number is on another token: there is no new one.
    pub taken: bool,
    /// How often recovery codes were given out with it.
    pub offered: u8,
    /// Where from; draws on the source's budget of texts.
    pub source: Source,
}

/// Where an enrolment stands, as its page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Waits for its code.
    Open,
    /// The token is there.
    Done,
    /// Too many wrong codes.
    TriesUsed,
    /// The code's time is over; a resend may bring another while the whole time lasts.
    Expired,
    /// Taken back, or another took its place.
    Cancelled,
    /// The number is on another token.
    NumberTaken,
}

/// One enrolment that a fresh code of the old factor allows (domain decision 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Permit {
    /// The session that gave the code.
    pub session: PortalSessionId,
    /// Whose.
    pub user: UserId,
    /// For what.
    pub resource: ResourceId,
    /// Token that may be replaced; absent: one may be added.
    pub replaces: Option<TokenId>,
    /// End.
    pub until: Timestamp,
}

impl Permit {
    /// Whether it allows an enrolment that replaces `replaces`.
    #[must_use]
    pub fn allows(
        &self,
        user: UserId,
        resource: ResourceId,
        replaces: Option<TokenId>,
        now: Timestamp,
    ) -> bool {
        self.user == user && self.resource == resource && self.replaces == replaces && now < self.until
    }
}

/// A token that the user has, as far as an enrolment looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: TokenId,
    /// Its kind.
    pub kind: Kind,
    /// Whether it may be used.
    pub status: Status,
    /// Resources it guards.
    pub resources: Vec<ResourceId>,
    /// Its name.
    pub name: String,
    /// Length of its codes.
    pub digits: Digits,
    /// Its number, where it has one.
    pub phone: Option<Phone>,
    /// When it was made.
    pub created: Timestamp,
}

impl From<&Token> for Held {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id,
            kind: Kind::Sms,
            status: token.status,
            resources: token.resources.clone(),
            name: token.name.clone(),
            digits: token.digits,
            phone: Some(token.phone.clone()),
            created: token.created,
        }
    }
}

impl From<&TotpToken> for Held {
    fn from(token: &TotpToken) -> Self {
        Self {
            id: token.id,
            kind: Kind::Totp,
            status: token.status,
            resources: token.resources.clone(),
            name: token.name.clone(),
            digits: Digits::try_from(token.digits()).unwrap_or(Digits::SIX),
            phone: None,
            created: token.created,
        }
    }
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// What is to be set up.
    Kind,
    /// The name.
    Name,
    /// The number.
    Phone,
    /// Length of codes.
    Digits,
}

impl Field {
    /// Its word in front of the message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Digits => "digits",
        }
    }
}

/// Why nothing is set up. Each is a sentence for the page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The action is off for this portal.
    #[error("this is switched off here; ask your administrator")]
    Off,
    /// This kind of token is off for this portal.
    #[error("this kind of token cannot be set up here; ask your administrator")]
    KindOff,
    /// The user is locked, or may not use the resource any more.
    #[error("your account cannot be used here just now; ask your administrator")]
    NotYours,
    /// The days for a first enrolment are over.
    #[error("the time to set up a first token is over; ask your administrator for an invitation")]
    Deadline,
    /// A first enrolment needs an invitation.
    #[error("the first token is set up by the link of an invitation; ask your administrator for one")]
    NoInvitation,
    /// A field breaks a rule.
    #[error("{}: {message}", field.as_str())]
    Field {
        /// Which.
        field: Field,
        /// The rule and what mends it.
        message: String,
    },
    /// There is one of this kind.
    #[error("you have a token of this kind here already; replace it instead")]
    HasToken,
    /// The token that is to be replaced is not there, or not the user's.
    #[error("there is no such token")]
    NoToken,
    /// The token that is to be replaced is blocked.
    #[error("this token is blocked; ask your administrator")]
    Blocked,
    /// A fresh code of the old factor is needed first.
    #[error("a fresh code is needed first")]
    StepUp(Act),
}

impl Refused {
    pub(crate) fn field(field: Field, why: impl fmt::Display) -> Self {
        Self::Field {
            field,
            message: why.to_string(),
        }
    }
}

impl Enrolment {
    /// What its present code by text is derived from.
    #[must_use]
    pub fn code(&self) -> CodeOf {
        CodeOf {
            challenge: ChallengeId(self.id.0),
            token: self.token,
            purpose: Purpose::Enrol,
            generation: self.flow.generation,
            digits: self.digits,
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn stand(&self, now: Timestamp) -> Stand {
        match self.flow.closed(now) {
            None => Stand::Open,
            Some(Closed::Done) if self.taken => Stand::NumberTaken,
            Some(Closed::Done) => Stand::Done,
            Some(Closed::TriesUsed) => Stand::TriesUsed,
            Some(Closed::Cancelled) => Stand::Cancelled,
            Some(Closed::Expired | Closed::Over) => Stand::Expired,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.new {
            New::Sms(_) => Kind::Sms,
            New::Totp(_) => Kind::Totp,
        }
    }

    /// Its text once more; an app has none.
    #[must_use]
    pub fn resend(&self, now: Timestamp) -> Resend {
        match self.new {
            New::Sms(_) => self.flow.resend(now),
            New::Totp(_) => Resend::Over,
        }
    }

    /// Taken back; one that has ended stays as it is.
    #[must_use]
    pub fn cancel(&self) -> Option<Self> {
        (self.flow.state == FlowState::Open).then(|| Self {
            flow: self.flow.cancelled(),
            ..self.clone()
        })
    }

    /// Whether `typed` is the right code; of an app, with the step it is of.
    #[must_use]
    pub fn right(&self, typed: &str, keys: &Keyring, now: Timestamp) -> Option<Option<totp::Step>> {
        match &self.new {
            New::Sms(_) => code::derive(keys, &self.code()).matches(typed).then_some(None),
            New::Totp(secret) => {
                let secret = totp::Secret::parse(secret).ok()?;
                totp::verify(&secret, &totp::Params::default(), typed, now, None).map(Some)
            }
        }
    }

    /// The number of an SMS enrolment.
    ///
    /// # Errors
    /// [`BadPhone`] where it is none any more.
    pub fn phone(&self) -> Result<Option<Phone>, BadPhone> {
        match &self.new {
            New::Sms(number) => Phone::parse(number, None).map(Some),
            New::Totp(_) => Ok(None),
        }
    }
}
