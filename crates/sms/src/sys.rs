//! The one place of this crate that waits on a clock.

use std::time::Duration;

/// Runs `work` for at most `limit`; `None` when the time is over, and `work` is dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "network time needs a bound; every other file gets it from here"
)]
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(limit, work).await.ok()
}
