//! Clock and waiting of the blocking client: a bounded wait has to read the clock, and no decision depends on it.

use std::time::{Duration, Instant};

use nix::poll::{PollTimeout, poll};

#[expect(
    clippy::disallowed_methods,
    reason = "deadlines of waits; the only clock of this crate"
)]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// Rounds up, so that a wait of less than a millisecond does not spin.
pub(crate) fn poll_timeout(wait: Duration) -> PollTimeout {
    let millis = wait.as_micros().div_ceil(1000);
    PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}

/// Waits for `wait`, or until a signal of the host program.
pub(crate) fn pause(wait: Duration) {
    let _ = poll(&mut [], poll_timeout(wait));
}
