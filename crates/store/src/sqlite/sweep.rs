//! Deleting what can matter no more.

use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::limits::{DAY, MONTH};

use super::rows::millis;
use super::tx::WriteTx;
use crate::StoreError;

/// How long an ended challenge stays.
const KEEP_CHALLENGES: Duration = DAY;
/// How long a text stays.
const KEEP_MESSAGES: Duration = MONTH;
/// How long a counter stays after its windows began.
const KEEP_COUNTERS: Duration = Duration::from_secs(2 * 24 * 3600);
/// How long a source counts as known.
const KEEP_SOURCES: Duration = MONTH;

fn rows(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Deletes what is too old, at most `limit` rows of each kind; gives how many went.
pub(super) fn sweep(tx: &WriteTx<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let cut = |keep| (millis(now.minus(keep)), limit);
    let (challenges, messages) = (cut(KEEP_CHALLENGES), cut(KEEP_MESSAGES));
    // What goes with another row is not counted.
    tx.run(
        "DELETE FROM sessions WHERE challenge_id IN
             (SELECT id FROM challenges WHERE deadline < ?1 ORDER BY deadline, id LIMIT ?2)",
        challenges,
    )?;
    let mut gone = rows(tx.run(
        "DELETE FROM challenges WHERE id IN
             (SELECT id FROM challenges WHERE deadline < ?1 ORDER BY deadline, id LIMIT ?2)",
        challenges,
    )?);
    tx.run(
        "DELETE FROM test_numbers WHERE message_id IN
             (SELECT id FROM messages WHERE created < ?1 ORDER BY created, id LIMIT ?2)",
        messages,
    )?;
    gone = gone.saturating_add(rows(tx.run(
        "DELETE FROM messages WHERE id IN
             (SELECT id FROM messages WHERE created < ?1 ORDER BY created, id LIMIT ?2)",
        messages,
    )?));
    gone = gone.saturating_add(rows(tx.run(
        "DELETE FROM counters WHERE subject IN
             (SELECT subject FROM counters WHERE day_start < ?1 AND short_start < ?1
              ORDER BY day_start, subject LIMIT ?2)",
        cut(KEEP_COUNTERS),
    )?));
    gone = gone.saturating_add(rows(tx.run(
        "DELETE FROM source_success WHERE (user_id, source) IN
             (SELECT user_id, source FROM source_success WHERE at < ?1 ORDER BY at, user_id, source LIMIT ?2)",
        cut(KEEP_SOURCES),
    )?));
    Ok(gone)
}
