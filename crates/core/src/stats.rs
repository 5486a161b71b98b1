//! Figures of logins and texts, by hour: counted in memory, added to what is stored, summed up for the overview.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::ResourceId;
use crate::login::{Reason, Reply, Step};
use crate::outbox::State;

/// How long figures are kept.
pub const KEEP: Duration = Duration::from_secs(31 * 24 * 3600);
/// Milliseconds of an hour.
pub const HOUR_MILLIS: u64 = 3_600_000;
/// Where figures of no resource are kept.
pub const NOWHERE: ResourceId = ResourceId([0; 16]);

/// Upper ends of the classes of [`Latency`], in milliseconds; above the last there is one more class.
const CLASSES: [u32; 31] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000,
    4000, 5000, 7000, 10_000, 15_000, 20_000, 30_000, 60_000,
];

/// How long things took, as counts by class: sums of them stay exact, percentiles are so within their class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latency(BTreeMap<u8, u64>);

impl Latency {
    /// Counts one.
    pub fn add(&mut self, millis: u64) {
        let class = CLASSES.partition_point(|end| u64::from(*end) < millis);
        let count = self.0.entry(u8::try_from(class).unwrap_or(u8::MAX)).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (class, count) in &other.0 {
            let own = self.0.entry(*class).or_default();
            *own = own.saturating_add(*count);
        }
    }

    /// Milliseconds within which `percent` of 100 were done; 0 where nothing was counted. What took longer than the last class ends
    /// counts as its end.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> u32 {
        let all = self
            .0
            .values()
            .fold(0u64, |sum, count| sum.saturating_add(*count));
        // The rank of the one that is asked for, from 1.
        let rank = all
            .saturating_mul(u64::from(percent.min(100)))
            .div_ceil(100)
            .max(1);
        let mut seen = 0u64;
        for (class, count) in &self.0 {
            let before = seen;
            seen = seen.saturating_add(*count);
            if seen >= rank {
                let class = usize::from(*class);
                let last = CLASSES.last().copied().unwrap_or_default();
                let end = CLASSES.get(class).copied().unwrap_or(last);
                let start = class
                    .checked_sub(1)
                    .and_then(|below| CLASSES.get(below).copied())
                    .unwrap_or_default();
                // Evenly spread within the class.
                let span = u64::from(end.saturating_sub(start));
                let part = span
                    .saturating_mul(rank.saturating_sub(before))
                    .div_ceil((*count).max(1));
                return start
                    .saturating_add(u32::try_from(part).unwrap_or(u32::MAX))
                    .min(end);
            }
        }
        0
    }
}

/// What became of a login, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Let in.
    Allowed,
    /// Kept out after a wrong code.
    WrongCode(Reason),
    /// Kept out for another reason.
    Denied(Reason),
}

impl Outcome {
    /// Of a decision; `None` where the login goes on, or was counted before.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        match (&step.reply, step.reason) {
            (Reply::Prompt { .. } | Reply::Ask { .. }, _) | (_, Reason::Retransmit) => None,
            (Reply::Allow, _) => Some(Self::Allowed),
            (Reply::Deny { .. }, reason @ (Reason::OtpLockedNow | Reason::TriesUsed)) => {
                Some(Self::WrongCode(reason))
            }
            (Reply::Deny { .. }, reason) => Some(Self::Denied(reason)),
        }
    }
}

/// Figures of a resource in an hour, or of more of either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Figures {
    /// Logins allowed.
    pub allowed: u64,
    /// Logins denied after a wrong code.
    pub wrong_code: u64,
    /// Logins denied for another reason.
    pub denied: u64,
    /// Denials by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Texts that ended, by state.
    pub texts: BTreeMap<String, u64>,
    /// From queue to the provider's answer, of texts a provider took.
    pub latency: Latency,
}

impl Figures {
    fn login(&mut self, outcome: Outcome) {
        let (count, reason) = match outcome {
            Outcome::Allowed => (&mut self.allowed, None),
            Outcome::WrongCode(reason) => (&mut self.wrong_code, Some(reason)),
            Outcome::Denied(reason) => (&mut self.denied, Some(reason)),
        };
        *count = count.saturating_add(1);
        if let Some(reason) = reason {
            bump(&mut self.reasons, reason.code(), 1);
        }
    }

    /// Texts that a provider took.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.texts.get("accepted").copied().unwrap_or_default()
    }

    /// Texts that failed, ended unknown or expired.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let all = self.texts.values().fold(0u64, |sum, n| sum.saturating_add(*n));
        all.saturating_sub(self.accepted())
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.allowed = self.allowed.saturating_add(other.allowed);
        self.wrong_code = self.wrong_code.saturating_add(other.wrong_code);
        self.denied = self.denied.saturating_add(other.denied);
        for (reason, count) in &other.reasons {
            bump(&mut self.reasons, reason, *count);
        }
        for (state, count) in &other.texts {
            bump(&mut self.texts, state, *count);
        }
        self.latency.merge(&other.latency);
    }
}

/// Figures of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProviderFigures {
    /// Texts it took.
    pub accepted: u64,
    /// Texts it did not take.
    pub failed: u64,
    /// How long it took to answer.
    pub latency: Latency,
}

impl ProviderFigures {
    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.failed = self.failed.saturating_add(other.failed);
        self.latency.merge(&other.latency);
    }
}

fn bump(counts: &mut BTreeMap<String, u64>, key: &str, by: u64) {
    match counts.get_mut(key) {
        Some(count) => *count = count.saturating_add(by),
        None => {
            counts.insert(key.to_owned(), by);
        }
    }
}

/// Something to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A login was decided.
    Login {
        /// The resource, where there is one.
        resource: Option<ResourceId>,
        /// How it went.
        outcome: Outcome,
    },
    /// A text ended.
    Text {
        /// The resource it was for, where there is one.
        resource: Option<ResourceId>,
        /// How it ended.
        state: &'static str,
        /// Milliseconds since it was queued.
        took: u64,
    },
    /// A provider answered.
    Answer {
        /// Its name.
        provider: String,
        /// Whether it took the text.
        accepted: bool,
        /// Milliseconds until it answered.
        took: u64,
    },
}

/// Everything that was counted in an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct HourStats {
    /// Hours since 1970 (UTC).
    pub hour: u64,
    /// By resource; [`NOWHERE`] has what belongs to none.
    pub resources: BTreeMap<ResourceId, Figures>,
    /// By provider.
    pub providers: BTreeMap<String, ProviderFigures>,
}

impl HourStats {
    /// Nothing counted yet in the hour of `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self {
            hour: hour_of(at),
            ..Self::default()
        }
    }

    /// Counts one.
    pub fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::Login { resource, outcome } => {
                self.resources
                    .entry(resource.unwrap_or(NOWHERE))
                    .or_default()
                    .login(*outcome);
            }
            Fact::Text {
                resource,
                state,
                took,
            } => {
                let figures = self.resources.entry(resource.unwrap_or(NOWHERE)).or_default();
                bump(&mut figures.texts, state, 1);
                if *state == ACCEPTED {
                    figures.latency.add(*took);
                }
            }
            Fact::Answer {
                provider,
                accepted,
                took,
            } => {
                let figures = self.providers.entry(provider.clone()).or_default();
                let count = if *accepted {
                    &mut figures.accepted
                } else {
                    &mut figures.failed
                };
                *count = count.saturating_add(1);
                figures.latency.add(*took);
            }
        }
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (resource, figures) in &other.resources {
            self.resources.entry(*resource).or_default().merge(figures);
        }
        for (provider, figures) in &other.providers {
            self.providers.entry(provider.clone()).or_default().merge(figures);
        }
    }

    /// Of one resource, or of all.
    #[must_use]
    pub fn of(&self, resource: Option<ResourceId>) -> Figures {
        match resource {
            Some(id) => self.resources.get(&id).cloned().unwrap_or_default(),
            None => self
                .resources
                .values()
                .fold(Figures::default(), |mut sum, figures| {
                    sum.merge(figures);
                    sum
                }),
        }
    }

    /// When it began.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        Timestamp(self.hour.saturating_mul(HOUR_MILLIS))
    }
}

const ACCEPTED: &str = "accepted";

/// The hour of a time, in hours since 1970 (UTC).
#[must_use]
pub fn hour_of(at: Timestamp) -> u64 {
    at.0 / HOUR_MILLIS
}

/// The word of a state that ended.
#[must_use]
pub fn ended(state: &State) -> Option<&'static str> {
    state.ended().then(|| state.as_str())
}

/// One entry of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Start.
    pub start: Timestamp,
    /// What was counted in it.
    pub figures: Figures,
}

/// Up to so many hours a series goes by hour, beyond by day.
pub const BY_HOUR: u32 = 48;

/// How a series up to `now` is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Hours of an entry: 1, or 24 for days of UTC.
    pub step: u64,
    /// First hour.
    pub first: u64,
    /// Entries.
    pub entries: u64,
}

impl Cut {
    /// `hours` back from `now`, which is in the last entry; at least 1, at most 720.
    #[must_use]
    pub fn of(hours: u32, now: Timestamp) -> Self {
        let hours = hours.clamp(1, 720);
        let step = if hours <= BY_HOUR { 1 } else { 24 };
        let entries = u64::from(hours).div_ceil(step);
        let last = hour_of(now) / step;
        let first = last
            .saturating_add(1)
            .saturating_sub(entries)
            .saturating_mul(step);
        Self { step, first, entries }
    }

    /// The series, oldest first, none left out; and all of it in one.
    #[must_use]
    pub fn series(&self, hours: &[HourStats], resource: Option<ResourceId>) -> (Vec<Entry>, Figures) {
        let mut entries: Vec<Entry> = (0..self.entries)
            .map(|n| Entry {
                start: Timestamp(
                    self.first
                        .saturating_add(n.saturating_mul(self.step))
                        .saturating_mul(HOUR_MILLIS),
                ),
                figures: Figures::default(),
            })
            .collect();
        let mut all = Figures::default();
        for stats in hours {
            let Some(since) = stats.hour.checked_sub(self.first) else {
                continue;
            };
            let at = usize::try_from(since / self.step.max(1)).unwrap_or(usize::MAX);
            if let Some(entry) = entries.get_mut(at) {
                let figures = stats.of(resource);
                entry.figures.merge(&figures);
                all.merge(&figures);
            }
        }
        (entries, all)
    }
}
