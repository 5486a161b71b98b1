//! Texts on their way: who may try next, when, and when to stop.
//!
//! A row names its challenge, never the code; the text is built when it is sent. At most [`MAX_SUBMISSIONS`] per code
//! over all providers. An outcome that is not known is tried once more, through another provider, after
//! [`UNKNOWN_WAIT`], and never without a second provider.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{
    ChallengeId, EnrolmentId, MessageId, Reference, ResourceId, TokenId, UserId, VerificationId,
};

/// Submissions of one code over all providers.
pub const MAX_SUBMISSIONS: u32 = 3;
/// How long to wait for a receipt before an unknown outcome is tried elsewhere.
pub const UNKNOWN_WAIT: Duration = Duration::from_secs(8);
/// No text leaves later than this before its code ends.
pub const DEADLINE_MARGIN: Duration = Duration::from_secs(30);
/// How long a worker holds a row; longer than any transport's total timeout.
pub const LEASE: Duration = Duration::from_secs(20);

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits until it is due.
    Queued,
    /// A worker hands it to `provider`.
    Leased {
        /// Name of the provider.
        provider: String,
        /// When the lease ends; the outcome is unknown then.
        until: Timestamp,
    },
    /// A provider took it.
    Accepted {
        /// Name of the provider.
        provider: String,
        /// The provider's id of the message, where it gave one.
        provider_id: Option<String>,
    },
    /// No provider took it.
    Failed,
    /// It may or may not have left, and there is nobody else to ask.
    Unknown,
    /// Its code ended first.
    Expired,
}

impl State {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn ended(&self) -> bool {
        !matches!(self, Self::Queued | Self::Leased { .. })
    }

    /// Its word in lists and logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased { .. } => "leased",
            Self::Accepted { .. } => "accepted",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
        }
    }
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The code of a challenge, in a generation.
    Code {
        /// The challenge.
        challenge: ChallengeId,
        /// Generation whose digits are sent.
        generation: u32,
        /// Where it goes.
        token: TokenId,
    },
    /// A test that somebody asked for; the number is sealed in the row.
    Test,
    /// The code of an enrolment, in a generation; the number is the enrolment's.
    Enrol {
        /// The enrolment.
        enrolment: EnrolmentId,
        /// Generation whose digits are sent.
        generation: u32,
    },
    /// The code of a sign-in or step-up on the portal, in a generation.
    Portal {
        /// The sign-in or step-up.
        verification: VerificationId,
        /// Generation whose digits are sent.
        generation: u32,
        /// Where it goes.
        token: TokenId,
    },
    /// Word of a change that its owner should know of; the number is sealed in the row, because it may be nobody's any more.
    Notice {
        /// What happened.
        what: SecurityEvent,
        /// To whom.
        user: UserId,
        /// On which portal.
        resource: ResourceId,
    },
}

impl Kind {
    /// Its word in lists and audit rows.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Code { .. } => "code",
            Self::Test => "test",
            Self::Enrol { .. } => "enrol",
            Self::Portal { .. } => "portal",
            Self::Notice { .. } => "notice",
        }
    }
}

/// What a person is told of besides the page: it may not have been them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityEvent {
    /// A token was set up.
    TokenAdded,
    /// A token was replaced by another.
    TokenReplaced,
    /// A token was taken away.
    TokenRemoved,
    /// Codes go to another number.
    PhoneChanged,
    /// The password was set or changed.
    PasswordChanged,
    /// Another e-mail address is registered.
    EmailChanged,
    /// The user name was changed.
    LoginChanged,
    /// The recovery codes were made anew.
    RecoveryRenewed,
}

impl SecurityEvent {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::TokenAdded,
        Self::TokenReplaced,
        Self::TokenRemoved,
        Self::PhoneChanged,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::LoginChanged,
        Self::RecoveryRenewed,
    ];
}

impl Message {
    /// A text that may leave at `now`, and must have left [`DEADLINE_MARGIN`] before `ends`, the end of what it tells.
    #[must_use]
    pub fn queued(
        id: MessageId,
        kind: Kind,
        reference: Reference,
        (now, ends): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            id,
            kind,
            state: State::Queued,
            due: now,
            deadline: ends.minus(DEADLINE_MARGIN),
            submissions: 0,
            tried: Vec::new(),
            barred: Vec::new(),
            uncertain: false,
            epoch: 0,
            reference,
            only: None,
            detail: String::new(),
            created: now,
        }
    }
}

/// A text in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Message {
    /// Stable id.
    pub id: MessageId,
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// When it may be tried next.
    pub due: Timestamp,
    /// When it must have left.
    pub deadline: Timestamp,
    /// Submissions so far.
    pub submissions: u32,
    /// Providers tried so far, in order.
    pub tried: Vec<String>,
    /// Providers that will not take it whenever they are asked: credentials, credit, content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<String>,
    /// Whether some submission may have left without our knowing.
    pub uncertain: bool,
    /// Grows with each lease: an outcome of an older lease is void.
    pub epoch: u32,
    /// Reference of the login, for the audit log.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// A provider the message is bound to, for tests of one provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// What the last submission said, without number, text or secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// When it was queued.
    pub created: Timestamp,
}

/// What a transport says of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// The provider took it.
    Accepted {
        /// The provider's id of the message, where it gave one.
        provider_id: Option<String>,
    },
    /// The provider refused it, or was not reached.
    Rejected {
        /// Decides what happens next.
        class: Rejection,
        /// Seconds the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// It may have left.
    Unknown,
}

/// Classes of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The number cannot take texts: no other provider will do.
    Number,
    /// The provider's filter: another provider may.
    Policy,
    /// Too fast: another provider now, this one later.
    Throttle,
    /// Our credentials are refused.
    Auth,
    /// No credit.
    Balance,
    /// May pass when tried again.
    Transient,
    /// The request is wrong for this provider.
    Content,
}

/// What to do with a row that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Hand it to this provider; `message` is the row to store first.
    Submit {
        /// Name of the provider.
        provider: String,
        /// The leased row.
        message: Message,
    },
    /// Nothing is sent; `message` is the row to store.
    Stop {
        /// The ended or postponed row.
        message: Message,
    },
    /// Not due yet, or ended.
    Leave,
}

/// Decides about `message` at `now`. `providers` are the usable ones in order of preference.
#[must_use]
pub fn claim(message: &Message, providers: &[String], now: Timestamp) -> Claim {
    let mut next = message.clone();
    match &message.state {
        State::Queued if now < message.due => return Claim::Leave,
        State::Queued => {}
        State::Leased { until, .. } if now < *until => return Claim::Leave,
        State::Leased { .. } => {
            // The worker died or hung: the text may have left.
            return Claim::Stop {
                message: settle(message, &Submission::Unknown, providers, now),
            };
        }
        _ => return Claim::Leave,
    }
    if now >= message.deadline {
        next.state = if message.uncertain {
            State::Unknown
        } else {
            State::Expired
        };
        return Claim::Stop { message: next };
    }
    let Some(provider) = choice(message, providers).filter(|_| message.submissions < MAX_SUBMISSIONS) else {
        next.state = if message.uncertain {
            State::Unknown
        } else {
            State::Failed
        };
        if providers.is_empty() {
            next.detail = "no SMS provider is set up".to_owned();
        } else if let Some(only) = message.only.as_ref().filter(|only| !providers.contains(only)) {
            next.detail = format!("the SMS provider {only} is off or cannot be used");
        }
        return Claim::Stop { message: next };
    };
    next.submissions = next.submissions.saturating_add(1);
    next.epoch = next.epoch.saturating_add(1);
    next.tried.push(provider.clone());
    next.state = State::Leased {
        provider: provider.clone(),
        until: now.plus(LEASE),
    };
    Claim::Submit {
        provider: provider.clone(),
        message: next,
    }
}

/// Who is asked next: whoever was not asked yet, else who was asked least, in order of preference. After an outcome that is
/// not known only a provider that was not asked yet: the same one could only double the text.
fn choice<'p>(message: &Message, providers: &'p [String]) -> Option<&'p String> {
    let asked = |p: &String| message.tried.iter().filter(|t| *t == p).count();
    providers
        .iter()
        .filter(|p| message.only.as_ref().is_none_or(|only| only == *p) && !message.barred.contains(p))
        .filter(|p| !message.uncertain || asked(p) == 0)
        .min_by_key(|p| asked(p))
}

/// The row after `outcome`; the caller has checked that the epoch is still its own.
#[must_use]
pub fn settle(message: &Message, outcome: &Submission, providers: &[String], now: Timestamp) -> Message {
    let mut next = message.clone();
    let State::Leased { provider, .. } = &message.state else {
        return next;
    };
    let provider = provider.clone();
    let ended = |uncertain| if uncertain { State::Unknown } else { State::Failed };
    let left = message.submissions < MAX_SUBMISSIONS;
    match outcome {
        Submission::Accepted { provider_id } => {
            next.state = State::Accepted {
                provider,
                provider_id: provider_id.clone(),
            };
        }
        Submission::Unknown => {
            // One more try through another provider, and only one.
            next.uncertain = true;
            let again = left && !message.uncertain && choice(&next, providers).is_some();
            next.state = if again { State::Queued } else { State::Unknown };
            next.due = now.plus(UNKNOWN_WAIT);
        }
        Submission::Rejected {
            class: Rejection::Number,
            ..
        } => next.state = ended(message.uncertain),
        Submission::Rejected { class, retry_after } => {
            if !matches!(class, Rejection::Transient | Rejection::Throttle) {
                next.barred.push(provider.clone());
            }
            match choice(&next, providers).filter(|_| left) {
                Some(other) if !message.tried.contains(other) => {
                    next.state = State::Queued;
                    next.due = now;
                }
                Some(again) => {
                    let asked = retry_after.filter(|_| *again == provider).unwrap_or_default();
                    next.state = State::Queued;
                    next.due = now.plus(back_off(message.submissions).max(asked));
                }
                None => next.state = ended(message.uncertain),
            }
        }
    }
    if next.state == State::Queued && next.due >= next.deadline {
        next.state = ended(next.uncertain);
    }
    next
}

/// 1, 3, 7 seconds before a provider is asked again.
fn back_off(submissions: u32) -> Duration {
    Duration::from_secs(match submissions {
        0 | 1 => 1,
        2 => 3,
        _ => 7,
    })
}
