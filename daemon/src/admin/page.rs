//! Answers that may grow are cut so that they fit a frame.

use std::io;

use serde::Serialize;

/// Octets of JSON in a page. Well below [`otpost_ipc::frame::MAX_FRAME`]: what surrounds the rows needs room, and
/// the first row is taken whatever its size.
const BUDGET: usize = 48 * 1024;

/// Rows for one answer.
#[derive(Debug)]
pub(crate) struct Page<T> {
    rows: Vec<T>,
    used: usize,
}

impl<T: Serialize> Page<T> {
    /// Takes the rows that fit, in their order; the second value tells whether some did not.
    pub(crate) fn of(rows: impl IntoIterator<Item = T>) -> (Vec<T>, bool) {
        let mut page = Self::default();
        let more = !rows.into_iter().all(|row| page.push(row));
        (page.rows, more)
    }

    /// Takes the row unless it does not fit any more. The first one is always taken, or the asker would ask for
    /// ever.
    pub(crate) fn push(&mut self, row: T) -> bool {
        // One for the comma.
        let used = self.used.saturating_add(octets(&row)).saturating_add(1);
        let fits = used <= BUDGET || self.rows.is_empty();
        if fits {
            self.used = used;
            self.rows.push(row);
        }
        fits
    }

    /// What was taken.
    pub(crate) fn rows(self) -> Vec<T> {
        self.rows
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            used: 0,
        }
    }
}

/// Counts what is written and keeps none of it: rows may hold secrets.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(octets.len());
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn octets(row: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, row) {
        Ok(()) => counter.0,
        // The frame cannot be written either, and says so.
        Err(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_fits_in_order() {
        let rows: Vec<String> = (0..10).map(|n| n.to_string().repeat(10_000)).collect();
        let (page, more) = Page::of(rows.clone());
        assert_eq!((page.as_slice(), more), (&rows[..4], true));
        let (page, more) = Page::of(rows[..4].to_vec());
        assert_eq!((page.len(), more), (4, false));
        assert_eq!(Page::<String>::of([]), (Vec::new(), false));
    }

    #[test]
    fn what_is_escaped_counts_as_it_is_written() {
        let rows = vec!["\u{1}".repeat(1000); 10];
        let (page, more) = Page::of(rows);
        assert_eq!((page.len(), more), (8, true));
        assert!(serde_json::to_string(&page).unwrap().len() <= BUDGET);
    }

    #[test]
    fn the_first_row_is_taken_whatever_its_size() {
        let huge = "x".repeat(BUDGET * 2);
        let (page, more) = Page::of([huge.clone(), "y".to_owned()]);
        assert_eq!((page, more), (vec![huge], true));
    }
}
