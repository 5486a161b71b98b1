//! The one gate every text passes (domain decision 13): pause, country, number class, budgets.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::limits::{Counter, DAY, HOUR};
use crate::phone::{Class, Phone, Region};

/// A minute: the short window of the overall budget.
pub const MINUTE: Duration = Duration::from_secs(60);

/// What the administrator allows. Counts are texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Countries texts may go to; empty denies all.
    pub countries: BTreeSet<Region>,
    /// Whether Voice-over-IP numbers may be texted.
    pub voip: bool,
    /// Set by an administrator: nothing leaves.
    pub paused: bool,
    /// Per number and hour.
    pub number_hour: u32,
    /// Per number and day.
    pub number_day: u32,
    /// Per user and hour.
    pub user_hour: u32,
    /// Per user and day.
    pub user_day: u32,
    /// Of the user's texts, by hour and by day, and of the number's by day, kept for sources that succeeded in the last 30 days; of
    /// a day's no more than half.
    pub user_reserve: u32,
    /// Per source network and hour.
    pub source_hour: u32,
    /// Per source network and day.
    pub source_day: u32,
    /// In all, per minute.
    pub all_minute: u32,
    /// In all, per day.
    pub all_day: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            countries: BTreeSet::new(),
            voip: false,
            paused: false,
            number_hour: 5,
            number_day: 10,
            user_hour: 5,
            user_day: 15,
            user_reserve: 2,
            source_hour: 120,
            source_day: 600,
            all_minute: 120,
            all_day: 10_000,
        }
    }
}

/// Counters of what was sent, as they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// To the number.
    pub number: Counter,
    /// For the user.
    pub user: Counter,
    /// For the source network.
    pub source: Counter,
    /// In all; the short window is a minute.
    pub all: Counter,
}

impl Counts {
    /// The counters after one more text.
    #[must_use]
    pub fn hit(&self, now: Timestamp) -> Self {
        Self {
            number: self.number.hit(now, HOUR),
            user: self.user.hit(now, HOUR),
            source: self.source.hit(now, HOUR),
            all: self.all.hit(now, MINUTE),
        }
    }
}

/// Why a text does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// An administrator paused sending.
    Paused,
    /// The country is not on the list.
    Country(Region),
    /// Premium, satellite, fixed and the like.
    NumberClass,
    /// The number's budget is used.
    NumberBudget {
        /// Seconds until there is room.
        wait: u32,
    },
    /// The user's budget is used.
    UserBudget {
        /// Seconds until there is room.
        wait: u32,
    },
    /// The source network's budget is used.
    SourceBudget {
        /// Seconds until there is room.
        wait: u32,
    },
    /// The overall budget is used.
    OverallBudget {
        /// Seconds until there is room.
        wait: u32,
    },
}

impl Refusal {
    /// Stable code for audit and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Paused => "sms-paused",
            Self::Country(_) => "sms-country",
            Self::NumberClass => "sms-number-class",
            Self::NumberBudget { .. } => "sms-number-budget",
            Self::UserBudget { .. } => "sms-user-budget",
            Self::SourceBudget { .. } => "sms-source-budget",
            Self::OverallBudget { .. } => "sms-overall-budget",
        }
    }

    /// Seconds after which the same text may pass.
    #[must_use]
    pub fn wait(self) -> Option<u32> {
        match self {
            Self::Paused | Self::Country(_) | Self::NumberClass => None,
            Self::NumberBudget { wait }
            | Self::UserBudget { wait }
            | Self::SourceBudget { wait }
            | Self::OverallBudget { wait } => Some(wait),
        }
    }
}

/// Whether texts may go to `phone` at all, whatever was sent before.
///
/// # Errors
/// [`Refusal`] of country or class.
pub fn reachable(policy: &Policy, phone: &Phone) -> Result<(), Refusal> {
    let class = match phone.class() {
        Class::Mobile => true,
        Class::Voip => policy.voip,
        Class::Fixed | Class::Special => false,
    };
    if !class {
        return Err(Refusal::NumberClass);
    }
    if !policy.countries.contains(&phone.region()) {
        return Err(Refusal::Country(phone.region()));
    }
    Ok(())
}

/// Decides whether one more text may leave. `known_source`: the source succeeded for this user in the last 30 days.
///
/// # Errors
/// [`Refusal`], the first rule that is broken.
pub fn check(
    policy: &Policy,
    phone: &Phone,
    counts: &Counts,
    known_source: bool,
    now: Timestamp,
) -> Result<(), Refusal> {
    if policy.paused {
        return Err(Refusal::Paused);
    }
    reachable(policy, phone)?;
    let user_hour = if known_source {
        policy.user_hour
    } else {
        policy.user_hour.saturating_sub(policy.user_reserve)
    };
    // A day's budget is kept from strangers as an hour's is, and the number's is the smaller one. A budget of one or two would
    // let nobody in who is new.
    let day = |limit: u32| {
        if known_source {
            limit
        } else {
            limit.saturating_sub(policy.user_reserve.min(limit / 2))
        }
    };
    let (number_day, user_day) = (day(policy.number_day), day(policy.user_day));
    if let Some(wait) = over(&counts.number, HOUR, policy.number_hour, number_day, now) {
        return Err(Refusal::NumberBudget { wait });
    }
    if let Some(wait) = over(&counts.user, HOUR, user_hour, user_day, now) {
        return Err(Refusal::UserBudget { wait });
    }
    if let Some(wait) = over(&counts.source, HOUR, policy.source_hour, policy.source_day, now) {
        return Err(Refusal::SourceBudget { wait });
    }
    if let Some(wait) = over(&counts.all, MINUTE, policy.all_minute, policy.all_day, now) {
        return Err(Refusal::OverallBudget { wait });
    }
    Ok(())
}

fn over(counter: &Counter, short: Duration, per_short: u32, per_day: u32, now: Timestamp) -> Option<u32> {
    if counter.day.count_at(now, DAY) >= per_day {
        return Some(counter.day.seconds_left(now, DAY).max(1));
    }
    (counter.short.count_at(now, short) >= per_short).then(|| counter.short.seconds_left(now, short).max(1))
}
