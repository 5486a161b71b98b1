//! Keeps the audit rows that strangers can cause to a few a minute: anybody on a host may be refused as often as they like,
//! and no such row may fill the disk or hide the others.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Timestamp;

/// Rows of one stranger in one window.
pub const ROWS: u32 = 5;
/// Length of a window.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Strangers told apart; all others share one quota. So at most `(STRANGERS + 1) * ROWS` rows come in a window.
pub const STRANGERS: usize = 16;

/// A row to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<T> {
    /// What it is about.
    pub item: T,
    /// How many before it got no row.
    pub suppressed: u64,
}

#[derive(Debug, Clone)]
struct Window<T> {
    since: Timestamp,
    rows: u32,
    /// The last one without a row, and how many there are with it.
    held: Option<(T, u64)>,
}

impl<T> Window<T> {
    fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            rows: 0,
            held: None,
        }
    }

    /// A clock that was set back must not close a window for hours.
    fn over(&self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= WINDOW
    }

    /// The last one without a row, which gets one now.
    fn release(&mut self, now: Timestamp) -> Option<Due<T>> {
        let (item, count) = self.held.take()?;
        (self.since, self.rows) = (now, 1);
        Some(Due {
            item,
            suppressed: count.saturating_sub(1),
        })
    }
}

/// What each stranger, named by `K`, has caused lately.
#[derive(Debug, Clone)]
pub struct Quotas<K, T> {
    windows: BTreeMap<Option<K>, Window<T>>,
}

impl<K, T> Default for Quotas<K, T> {
    fn default() -> Self {
        Self {
            windows: BTreeMap::new(),
        }
    }
}

impl<K: Ord, T> Quotas<K, T> {
    /// Counts `item`, and `more` like it before that nobody described. Gives the row to write, or nothing where `key` has had
    /// its rows: then the next row counts it.
    pub fn admit(&mut self, now: Timestamp, key: K, item: T, more: u64) -> Option<Due<T>> {
        let key = self.slot(now, key);
        let window = self.windows.entry(key).or_insert_with(|| Window::new(now));
        if window.over(now) {
            (window.since, window.rows) = (now, 0);
        }
        let held = window.held.take().map_or(0, |(_, count)| count);
        let before = held.saturating_add(more);
        if window.rows >= ROWS {
            window.held = Some((item, before.saturating_add(1)));
            return None;
        }
        window.rows += 1;
        Some(Due {
            item,
            suppressed: before,
        })
    }

    /// Rows for those who have gone quiet: otherwise what was suppressed last would stay untold. To be asked about once in a
    /// [`WINDOW`].
    pub fn quiet(&mut self, now: Timestamp) -> Vec<Due<T>> {
        let mut due = Vec::new();
        self.windows.retain(|_, window| {
            if !window.over(now) {
                return true;
            }
            due.extend(window.release(now));
            // Without a row just written, the window says nothing any more.
            window.since == now
        });
        due
    }

    /// Rows for all that was suppressed, because the process ends.
    pub fn drain(&mut self, now: Timestamp) -> Vec<Due<T>> {
        let windows = std::mem::take(&mut self.windows);
        windows
            .into_values()
            .filter_map(|mut window| window.release(now))
            .collect()
    }

    /// The quota that counts for `key`.
    fn slot(&mut self, now: Timestamp, key: K) -> Option<K> {
        let key = Some(key);
        if self.windows.contains_key(&key) {
            return key;
        }
        if self.windows.len() >= STRANGERS {
            self.windows
                .retain(|_, window| window.held.is_some() || !window.over(now));
        }
        let named = self.windows.keys().filter(|key| key.is_some()).count();
        if named < STRANGERS { key } else { None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    fn later(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn due(item: &'static str, suppressed: u64) -> Due<&'static str> {
        Due { item, suppressed }
    }

    #[test]
    fn a_few_get_a_row_and_the_next_window_counts_the_others() {
        let mut quotas = Quotas::default();
        for _ in 0..ROWS {
            assert_eq!(quotas.admit(START, 1000, "early", 0), Some(due("early", 0)));
        }
        for _ in 0..7 {
            assert_eq!(quotas.admit(later(59), 1000, "flood", 0), None);
        }
        // Somebody else is not concerned.
        assert_eq!(quotas.admit(later(59), 1001, "other", 0), Some(due("other", 0)));
        assert_eq!(quotas.admit(later(60), 1000, "late", 0), Some(due("late", 7)));
        assert_eq!(quotas.admit(later(60), 1000, "late", 0), Some(due("late", 0)));
    }

    #[test]
    fn who_goes_quiet_still_gets_the_row_that_counts() {
        let mut quotas = Quotas::default();
        for _ in 0..ROWS {
            let _ = quotas.admit(START, 1000, "row", 0);
        }
        for item in ["a", "b", "last"] {
            assert_eq!(quotas.admit(START, 1000, item, 0), None);
        }
        assert_eq!(quotas.quiet(later(59)), []);
        assert_eq!(quotas.quiet(later(60)), [due("last", 2)]);
        assert_eq!(quotas.quiet(later(120)), []);
        assert!(quotas.windows.is_empty(), "nothing is kept for ever");
    }

    #[test]
    fn the_end_tells_what_was_suppressed() {
        let mut quotas = Quotas::default();
        for _ in 0..ROWS + 2 {
            let _ = quotas.admit(START, 1000, "row", 0);
        }
        assert_eq!(quotas.drain(START), [due("row", 1)]);
        assert_eq!(quotas.drain(START), []);
    }

    #[test]
    fn what_a_reporter_did_not_describe_is_counted() {
        let mut quotas = Quotas::default();
        assert_eq!(quotas.admit(START, "gw", "row", 3), Some(due("row", 3)));
        for _ in 1..ROWS {
            let _ = quotas.admit(START, "gw", "row", 0);
        }
        assert_eq!(quotas.admit(START, "gw", "row", 10), None);
        assert_eq!(quotas.admit(later(60), "gw", "row", 1), Some(due("row", 12)));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_close_a_window() {
        let mut quotas = Quotas::default();
        for _ in 0..=ROWS {
            let _ = quotas.admit(later(86_400), 1000, "row", 0);
        }
        assert_eq!(quotas.admit(START, 1000, "row", 0), Some(due("row", 1)));
    }

    proptest! {
        /// Whatever strangers do: a window holds so many rows and no more, little is remembered, nothing goes uncounted.
        #[test]
        fn rows_and_memory_are_bounded_and_every_one_is_counted(
            steps in prop::collection::vec((0_u64..20, 0_u32..40, 0_u64..3, any::<bool>()), 1..400),
        ) {
            let mut quotas = Quotas::default();
            let (mut now, mut asked, mut told) = (START, 0, 0);
            let mut rows: Vec<Timestamp> = Vec::new();
            for (seconds, key, more, sweep) in steps {
                now = now.plus(Duration::from_secs(seconds));
                let mut due: Vec<Due<u32>> = if sweep { quotas.quiet(now) } else { Vec::new() };
                asked += 1 + more;
                due.extend(quotas.admit(now, key, key, more));
                told += due.iter().map(|due| 1 + due.suppressed).sum::<u64>();
                rows.extend(due.iter().map(|_| now));
                prop_assert!(quotas.windows.len() <= STRANGERS + 1);
                let recent = rows.iter().filter(|at| now.since(**at) < WINDOW).count();
                // A window may begin as another ends.
                prop_assert!(recent <= 2 * (STRANGERS + 1) * ROWS as usize);
            }
            told += quotas.drain(now).iter().map(|due| 1 + due.suppressed).sum::<u64>();
            prop_assert_eq!(told, asked);
        }
    }
}
