//! `[outbox]`: how texts are sent.

use serde::Deserialize;

use crate::{Duration, bounds};

/// The durable queue of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OutboxConfig {
    /// Texts handed to providers at the same time.
    #[serde(deserialize_with = "bounds::within::<_, _, 1, 1_024>")]
    pub workers: usize,
    /// How often the queue is looked at when nothing wakes it: for retries that have become due.
    #[serde(deserialize_with = "bounds::period")]
    pub poll: Duration,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            workers: 64,
            poll: Duration::from_secs(1),
        }
    }
}
