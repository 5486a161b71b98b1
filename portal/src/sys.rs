//! The only file that reads the clock, waits, or asks for randomness.

use std::{future::Future, time::Duration};

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

/// Random octets from the operating system; `None` where it has none, which on Linux means that it is broken.
#[expect(clippy::disallowed_methods, reason = "this is where randomness comes from")]
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).ok()?;
    Some(octets)
}

/// Civil time.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub(crate) fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
