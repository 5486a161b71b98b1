//! Mails that wait: claimed, sent, tried again until their deadline. Bodies are not here: they are made when a mail leaves, so that
//! no code is ever stored.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::address::Address;
use super::text::{Context, Lang, Notice};
use crate::Timestamp;
use crate::ids::{MailId, Reference, VerificationId};

/// How long a claim holds: a server that takes longer has lost the mail, or the daemon ended.
pub const LEASE: Duration = Duration::from_secs(120);
/// How long word of an act is tried.
pub const NOTICE_LIFE: Duration = Duration::from_secs(24 * 3600);
/// How long a mail that could not be sent is kept to be seen.
pub const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);
/// First wait after a failure; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Longest wait between tries.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Longest answer of a server that is kept, in characters.
const TROUBLE_LIMIT: usize = 300;

/// What a mail is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// The code of a page, in a generation.
    Code {
        /// The sign-in, or the proof of a new address.
        verification: VerificationId,
        /// Generation whose digits are sent.
        generation: u32,
    },
    /// Word of an act.
    Notice(Notice),
    /// A link to set something up with.
    Invitation {
        /// The link; gone once the mail ended.
        link: Zeroizing<String>,
        /// Until when it works.
        until: Timestamp,
    },
}

impl Matter {
    /// Its word in audit rows.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Code { .. } => "code",
            Self::Notice(_) => "notice",
            Self::Invitation { .. } => "invitation",
        }
    }
}

impl fmt::Debug for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a mail stands. One that was sent is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailState {
    /// Waits for its next try.
    Waiting,
    /// On its way to the server, until this time.
    Claimed(Timestamp),
    /// Not sent, and not tried again.
    Failed,
    /// What it tells was over before it could leave.
    Expired,
}

/// A mail that waits, or that could not be sent. Stored sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct QueuedMail {
    /// Stable id.
    pub id: MailId,
    /// What it belongs to and goes with: a verification, a user, an administrator.
    pub owner: [u8; 16],
    /// Where it goes.
    pub to: Address,
    /// Language.
    pub lang: Lang,
    /// What every mail names.
    pub context: Context,
    /// What it is.
    pub matter: Matter,
    /// Where it stands.
    pub state: MailState,
    /// Next try while it waits.
    pub next: Timestamp,
    /// When it must have left.
    pub deadline: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// What the last try said; empty: there was none, or it is under way.
    pub trouble: String,
    /// For user, log and audit.
    pub reference: Reference,
    /// When it was queued.
    pub created: Timestamp,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took the mail.
    Sent,
    /// Not now; why.
    Later(String),
    /// Never; why.
    Refused(String),
}

impl QueuedMail {
    /// When somebody must look at it: its next try, the end of its claim, or the day it is forgotten.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        match self.state {
            MailState::Waiting => self.next,
            MailState::Claimed(until) => until,
            MailState::Failed | MailState::Expired => self.deadline.plus(KEEP),
        }
    }

    /// Whether it is still to be sent.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.state, MailState::Waiting | MailState::Claimed(_))
    }

    /// The mail as claimed at `now`, or as ended where its time is over; `None` where it is not due.
    #[must_use]
    pub fn claim(&self, now: Timestamp) -> Option<Self> {
        if !self.waits() || now < self.due() {
            return None;
        }
        if now >= self.deadline {
            let why = if self.trouble.is_empty() {
                "there was no time to send it"
            } else {
                &self.trouble
            };
            return Some(self.ended(MailState::Expired, why));
        }
        Some(Self {
            state: MailState::Claimed(now.plus(LEASE)),
            tries: self.tries.saturating_add(1),
            ..self.clone()
        })
    }

    /// The mail after a try; `None` where it was sent.
    #[must_use]
    pub fn settle(&self, outcome: &Outcome, now: Timestamp) -> Option<Self> {
        match outcome {
            Outcome::Sent => None,
            Outcome::Refused(why) => Some(self.ended(MailState::Failed, why)),
            Outcome::Later(why) => {
                let doublings = self.tries.saturating_sub(1).min(16);
                let wait = FIRST_WAIT
                    .saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX))
                    .min(LONGEST_WAIT);
                let next = now.plus(wait);
                if next >= self.deadline {
                    return Some(self.ended(MailState::Failed, why));
                }
                Some(Self {
                    state: MailState::Waiting,
                    next,
                    trouble: cut(why),
                    ..self.clone()
                })
            }
        }
    }

    /// The mail as ended; a link in it is forgotten.
    #[must_use]
    pub fn ended(&self, state: MailState, why: &str) -> Self {
        let matter = match &self.matter {
            Matter::Invitation { until, .. } => Matter::Invitation {
                link: Zeroizing::default(),
                until: *until,
            },
            other => other.clone(),
        };
        Self {
            state,
            matter,
            trouble: cut(why),
            ..self.clone()
        }
    }
}

/// What a server said, on one line and not endless.
fn cut(why: &str) -> String {
    why.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TROUBLE_LIMIT)
        .collect()
}
