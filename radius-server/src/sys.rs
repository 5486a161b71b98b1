//! The only file that reads the clock or waits.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Monotonic time.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "this is where waits are made")]
pub(crate) async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// `None` when `work` takes longer than `limit`.
#[expect(clippy::disallowed_methods, reason = "this is where waits are bounded")]
pub(crate) async fn limited<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

/// Seconds since 1970, in UTC: what other processes of the same client can read too.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub(crate) fn unix() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
