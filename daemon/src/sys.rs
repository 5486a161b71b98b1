//! The only place that reads the clock, draws randomness or waits.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use otpost_core::access::Local;
use otpost_core::{Rng, Timestamp};

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A source of cryptographic randomness that threads share.
pub trait Entropy: Send + Sync {
    /// Fills `out` with random octets.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill(&self, out: &mut [u8]) {
        if getrandom::fill(out).is_err() {
            // A guessable session or nonce is worse than no daemon.
            std::process::abort();
        }
    }
}

/// Entropy as the core's parameter.
#[derive(Clone)]
pub struct Draw(pub Arc<dyn Entropy>);

impl Rng for Draw {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// From now on.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Until now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn sleep(span: Duration) {
    tokio::time::sleep(span).await;
}

/// `future`'s output, or `None` when `span` passes first.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn timeout<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(span, future).await.ok()
}

/// Waits until `stop` turns true, or its sender is gone.
pub async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The time zone of this name; the system's own for none.
///
/// # Errors
/// Says that there is no such zone.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's zone"
)]
pub fn time_zone(name: &str) -> Result<jiff::tz::TimeZone, String> {
    if name.is_empty() {
        return Ok(jiff::tz::TimeZone::system());
    }
    jiff::tz::TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))
}

/// What a clock on the wall shows at `at` in the zone of this name; `None` where there is no such zone.
#[must_use]
pub fn local(zone: &str, at: Timestamp) -> Option<Local> {
    let milliseconds = i64::try_from(at.0).ok()?;
    let moment = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    let zoned = moment.to_zoned_datetime(time_zone(zone).ok()?);
    let weekday = zoned.weekday().to_monday_zero_offset();
    let minute = i16::from(zoned.hour()) * 60 + i16::from(zoned.minute());
    Some(Local {
        weekday: u8::try_from(weekday).ok()?,
        minute: u16::try_from(minute).ok()?,
    })
}
