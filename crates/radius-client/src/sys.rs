//! The clock and the random numbers of this crate; nothing else reads them.

use std::time::{Duration, Instant};

use crate::ClientError;

/// A point in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(Instant);

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "waits for datagrams end, and are shown")]
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// How long ago that was.
    pub(crate) fn elapsed(self) -> Duration {
        Self::now().0.saturating_duration_since(self.0)
    }
}

/// Fresh random octets from the operating system.
///
/// # Errors
/// [`ClientError::Random`].
#[expect(
    clippy::disallowed_methods,
    reason = "authenticators and challenges of requests, which nobody may foresee"
)]
pub fn random<const N: usize>() -> Result<[u8; N], ClientError> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|_| ClientError::Random)?;
    Ok(octets)
}
