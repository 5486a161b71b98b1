//! Counters in windows, and locks after wrong codes and passwords (domain decision 4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// One day.
pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// Thirty days.
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
/// Wrong codes within 30 days after which only an administrator unlocks.
pub const MONTH_FAILURES: u32 = 50;
/// First lock.
pub const LOCK: Duration = Duration::from_secs(15 * 60);
/// A lock that would end later than this comes from a clock that was wrong: no lock is longer than a day.
const LONGEST: Duration = Duration::from_secs(2 * 24 * 3600);
/// Wrong passwords from one source network until it is closed for the user.
pub const LOGIN_FAILURES: u32 = 10;
/// How long a closed source network stays closed, and the window of its failures.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(15 * 60);
/// Wrong passwords on the portal from one source network under all names together, within [`LOGIN_WINDOW`], until it is closed.
pub const NETWORK_FAILURES: u32 = 50;
/// As [`NETWORK_FAILURES`], for a network from which somebody signed in within 30 days: a whole company may be behind it.
pub const NETWORK_FAILURES_KNOWN: u32 = 300;
/// Wrong passwords an hour for one user after which unknown networks are not evaluated.
pub const LOGIN_STORM: u32 = 100;

/// Events in a fixed window that starts with its first event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First event.
    pub start: Timestamp,
    /// Events since.
    pub count: u32,
}

impl Window {
    /// Events that count at `now` for a window of `length`. A clock that goes back a little frees nothing; a window further in
    /// the future than its length comes from a clock that was wrong, and is void.
    #[must_use]
    pub fn count_at(&self, now: Timestamp, length: Duration) -> u32 {
        let void = self.start > now.plus(length);
        if void || now >= self.start.plus(length) {
            0
        } else {
            self.count
        }
    }

    /// The window after one more event at `now`.
    #[must_use]
    pub fn hit(&self, now: Timestamp, length: Duration) -> Self {
        match self.count_at(now, length) {
            0 => Self { start: now, count: 1 },
            count => Self {
                start: self.start,
                count: count.saturating_add(1),
            },
        }
    }

    /// Seconds until the window ends.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp, length: Duration) -> u32 {
        now.seconds_until(self.start.plus(length))
    }
}

/// The two windows every counted subject has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Per hour (or the subject's short window).
    pub short: Window,
    /// Per day.
    pub day: Window,
}

impl Counter {
    /// The counter after one more event at `now`; `short` is the length of the short window.
    #[must_use]
    pub fn hit(&self, now: Timestamp, short: Duration) -> Self {
        Self {
            short: self.short.hit(now, short),
            day: self.day.hit(now, DAY),
        }
    }
}

impl Counter {
    /// The counter of wrong passwords from one source after one more: the failure that closes the source starts its time.
    #[must_use]
    pub fn failed_password(&self, now: Timestamp) -> Self {
        let mut next = self.hit(now, LOGIN_WINDOW);
        if next.short.count == LOGIN_FAILURES {
            next.short.start = now;
        }
        next
    }
}

/// Whether passwords from a source network are looked at no more, whatever the name: `failures` counts those of all names (short
/// window: [`LOGIN_WINDOW`]). `known`: somebody signed in from there within 30 days.
#[must_use]
pub fn network_closed(failures: &Counter, known: bool, now: Timestamp) -> bool {
    let limit = if known {
        NETWORK_FAILURES_KNOWN
    } else {
        NETWORK_FAILURES
    };
    failures.short.count_at(now, LOGIN_WINDOW) >= limit
}

/// Failures of the second factor of one user on all channels (domain decision 4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Wrong codes since the last right one.
    pub consecutive: u32,
    /// End of the present lock.
    pub locked_until: Option<Timestamp>,
    /// How many locks in a row; each doubles the next.
    pub locks: u32,
    /// Last wrong code; the back-off decays after 24 quiet hours.
    pub last_failure: Timestamp,
    /// Wrong codes within 30 days.
    pub month: Window,
    /// Fifty of them came together: locked until an administrator unlocks.
    #[serde(default)]
    pub barred: bool,
}

/// Why the second factor of a user is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Until this time.
    Until(Timestamp),
    /// Fifty failures in 30 days: until an administrator unlocks.
    Month,
}

impl Guard {
    /// The lock that holds at `now`.
    #[must_use]
    pub fn lock_at(&self, now: Timestamp) -> Option<Lock> {
        if self.barred {
            return Some(Lock::Month);
        }
        self.locked_until
            .filter(|until| now < *until && *until <= now.plus(LONGEST))
            .map(Lock::Until)
    }

    /// The guard after a wrong code; `limit` failures in a row lock (15 min, doubling to 24 h).
    #[must_use]
    pub fn failed(&self, now: Timestamp, limit: u32) -> Self {
        // Time spent locked is no quiet time: nobody could try.
        let quiet_from = self
            .locked_until
            .map_or(self.last_failure, |until| until.max(self.last_failure));
        let locks = if now >= quiet_from.plus(DAY) {
            0
        } else {
            self.locks
        };
        let month = self.month.hit(now, MONTH);
        let mut next = Self {
            consecutive: self.consecutive.saturating_add(1),
            locked_until: self.locked_until,
            locks,
            last_failure: now,
            month,
            barred: self.barred || month.count >= MONTH_FAILURES,
        };
        if next.consecutive >= limit {
            let span = LOCK
                .saturating_mul(1u32.checked_shl(locks.min(20)).unwrap_or(u32::MAX))
                .min(DAY);
            next.locked_until = Some(now.plus(span));
            next.locks = locks.saturating_add(1);
            next.consecutive = 0;
        }
        next
    }

    /// The guard after a recovery code, or the helpdesk's, where that changes it: no lock, whatever its cause. The back-off of the
    /// next lock stays; the count of the month begins anew where it had barred the user, or the next wrong code would do so again.
    #[must_use]
    pub fn recovered(&self) -> Option<Self> {
        let clean = Self {
            consecutive: 0,
            locked_until: None,
            month: if self.barred {
                Window::default()
            } else {
                self.month
            },
            barred: false,
            ..self.clone()
        };
        (clean != *self).then_some(clean)
    }

    /// The guard after a right code, where that changes it.
    #[must_use]
    pub fn succeeded(&self) -> Option<Self> {
        (self.consecutive != 0).then(|| Self {
            consecutive: 0,
            ..self.clone()
        })
    }
}
