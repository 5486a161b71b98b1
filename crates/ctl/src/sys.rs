//! The clock and the random numbers of this program; nothing else reads them.

use std::time::{Duration, Instant};

use crate::CtlError;

/// Measures how long something takes, for people to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "timings are shown, no decision depends on them"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "timings are shown, no decision depends on them"
    )]
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "bounds of a search that a person gave as so long ago"
)]
pub(crate) fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// Fresh random octets from the operating system.
///
/// # Errors
/// [`CtlError::Random`].
#[expect(
    clippy::disallowed_methods,
    reason = "request authenticators and names of temporary things"
)]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], CtlError> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|_| CtlError::Random)?;
    Ok(octets)
}
