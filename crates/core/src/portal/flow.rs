//! A code asked for on a page: tries, resends, expiry. The same for enrolment, sign-in, step-up and e-mail.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::challenge::LOGIN_LIMIT;

/// Remaining life above which a resend keeps the digits (domain decision 6).
pub const KEEP_DIGITS: Duration = Duration::from_secs(120);

/// Where a flow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowState {
    /// Waits for its code.
    Open,
    /// The right code came.
    Done,
    /// Too many wrong codes.
    TriesUsed,
    /// The user took it back.
    Cancelled,
}

/// Counters of a code that is asked for on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CodeFlow {
    /// Where it stands.
    pub state: FlowState,
    /// Grows when a resend needs other digits.
    pub generation: u32,
    /// Start.
    pub created: Timestamp,
    /// End of the present code.
    pub expires: Timestamp,
    /// End of the whole flow, resends included.
    pub deadline: Timestamp,
    /// Wrong codes so far.
    pub tries: u32,
    /// Wrong codes that end it.
    pub max_tries: u32,
    /// Messages asked for.
    pub sends: u32,
    /// Earliest next message.
    pub next_send: Timestamp,
    /// Life of a code.
    pub lifetime: Duration,
}

/// Why a flow takes no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The right code came before.
    Done,
    /// Too many wrong codes.
    TriesUsed,
    /// The user took it back.
    Cancelled,
    /// The present code's time is over; a resend may bring another while the flow lives.
    Expired,
    /// The whole flow's time is over.
    Over,
}

/// Whether a message may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resend {
    /// Yes; the flow to store. The digits stay where [`CodeFlow::generation`] does.
    Send(CodeFlow),
    /// Not yet.
    Wait {
        /// Seconds until one may be asked for.
        seconds: u32,
    },
    /// Not in this flow.
    Over,
}

impl CodeFlow {
    /// A flow whose first message leaves now.
    #[must_use]
    pub fn start(lifetime: Duration, max_tries: u32, now: Timestamp) -> Self {
        Self {
            state: FlowState::Open,
            generation: 0,
            created: now,
            expires: now.plus(lifetime),
            deadline: now.plus(LOGIN_LIMIT),
            tries: 0,
            max_tries,
            sends: 1,
            next_send: now.plus(Duration::from_secs(30)),
            lifetime,
        }
    }

    /// Why no code is taken at `now`; `None` while it waits for one.
    #[must_use]
    pub fn closed(&self, now: Timestamp) -> Option<Closed> {
        match self.state {
            FlowState::Done => Some(Closed::Done),
            FlowState::TriesUsed => Some(Closed::TriesUsed),
            FlowState::Cancelled => Some(Closed::Cancelled),
            FlowState::Open if now >= self.deadline => Some(Closed::Over),
            FlowState::Open if now >= self.expires => Some(Closed::Expired),
            FlowState::Open => None,
        }
    }

    /// Wrong codes that are left.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.max_tries.saturating_sub(self.tries)
    }

    /// The flow after a wrong code.
    #[must_use]
    pub fn wrong(&self) -> Self {
        let tries = self.tries.saturating_add(1);
        Self {
            state: if tries >= self.max_tries {
                FlowState::TriesUsed
            } else {
                self.state
            },
            tries,
            ..self.clone()
        }
    }

    /// The flow after the right code.
    #[must_use]
    pub fn done(&self) -> Self {
        Self {
            state: FlowState::Done,
            ..self.clone()
        }
    }

    /// The flow as taken back.
    #[must_use]
    pub fn cancelled(&self) -> Self {
        Self {
            state: FlowState::Cancelled,
            ..self.clone()
        }
    }

    /// A further message: 30, 60, 120, 240 s apart; the same digits while they live long enough, otherwise the next generation.
    #[must_use]
    pub fn resend(&self, now: Timestamp) -> Resend {
        if self.state != FlowState::Open || now >= self.deadline {
            return Resend::Over;
        }
        if now < self.next_send {
            return Resend::Wait {
                seconds: now.seconds_until(self.next_send),
            };
        }
        let mut next = self.clone();
        if self.expires.since(now) < KEEP_DIGITS.min(self.lifetime / 2) {
            let expires = now.plus(self.lifetime).min(self.deadline);
            if expires.since(now) < KEEP_DIGITS.min(self.lifetime) {
                return Resend::Over;
            }
            next.generation = next.generation.saturating_add(1);
            next.expires = expires;
        }
        next.sends = next.sends.saturating_add(1);
        let cool_down = 30u64
            .checked_shl(next.sends.saturating_sub(1).min(3))
            .unwrap_or(240);
        next.next_send = now.plus(Duration::from_secs(cool_down));
        Resend::Send(next)
    }
}

/// What a typed code looks like, before anybody compares it: one that cannot be right costs no try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// As many digits as the code has.
    Whole,
    /// Fewer, or none.
    TooFew,
    /// More.
    TooMany,
    /// Something else than digits, blanks and dashes.
    NotDigits,
}

impl Typed {
    /// Looks at what was typed for a code of `digits`.
    #[must_use]
    pub fn of(typed: &str, digits: u8) -> Self {
        let separator =
            |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        let mut count = 0_usize;
        for c in typed.chars().filter(|c| !separator(c)) {
            if !c.is_ascii_digit() {
                return Self::NotDigits;
            }
            count = count.saturating_add(1);
        }
        match count.cmp(&usize::from(digits)) {
            std::cmp::Ordering::Less => Self::TooFew,
            std::cmp::Ordering::Equal => Self::Whole,
            std::cmp::Ordering::Greater => Self::TooMany,
        }
    }

    /// The page's word for what is wrong with it.
    #[must_use]
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::TooFew => Some("too-few"),
            Self::TooMany => Some("too-many-digits"),
            Self::NotDigits => Some("not-digits"),
        }
    }

    /// The digits alone.
    #[must_use]
    pub fn digits(typed: &str) -> Zeroizing<String> {
        // Enough for all of it, so that the text does not move and leave a copy behind.
        let mut digits = Zeroizing::new(String::with_capacity(typed.len()));
        digits.extend(typed.chars().filter(char::is_ascii_digit));
        digits
    }
}
