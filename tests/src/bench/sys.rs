//! The clock: a benchmark is about nothing else.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, for differences.
#[expect(clippy::disallowed_methods, reason = "the benchmark measures time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Now, as a date for the report and the random numbers' seed.
#[expect(clippy::disallowed_methods, reason = "the benchmark is dated")]
pub(super) fn date() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Waits; nothing is measured meanwhile.
#[expect(
    clippy::disallowed_methods,
    reason = "memory is looked at after a minute of rest"
)]
pub(super) fn rest(time: Duration) {
    std::thread::sleep(time);
}
