//! What a write closure gets, and how its statements run.

use std::cell::Cell;

use otpost_core::Rng;
use otpost_core::keys::Keyring;
use rusqlite::{Connection, Params, params};

use super::memo::Memo;
use super::read::HasRows;
use super::rows::{Rows, aad, io, millis};
use crate::StoreError;

/// The last row of the audit chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
}

/// What a write closure gets.
pub(super) struct WriteTx<'c> {
    pub(super) conn: &'c Connection,
    pub(super) keys: &'c Keyring,
    pub(super) rng: &'c mut (dyn Rng + Send),
    pub(super) head: &'c mut Head,
    pub(super) memo: &'c Memo,
    /// Set before the first statement that may change something.
    pub(super) wrote: &'c Cell<bool>,
}

impl HasRows for WriteTx<'_> {
    fn rows(&self) -> Rows<'_> {
        Rows {
            conn: self.conn,
            keys: self.keys,
        }
    }

    fn memo(&self) -> Option<&Memo> {
        Some(self.memo)
    }
}

fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(io)?;
    statement.execute(params).map_err(io)
}

/// Stores the counters that are pending: to be called before a transaction ends and before a savepoint begins or ends.
pub(super) fn flush(conn: &Connection, memo: &Memo) -> Result<(), StoreError> {
    for (subject, counter) in memo.take_pending() {
        let row = params![
            subject,
            millis(counter.short.start),
            counter.short.count,
            millis(counter.day.start),
            counter.day.count,
        ];
        // An UPDATE that names an indexed column rewrites that index. The day's start changes once a day.
        let changed = run(
            conn,
            "INSERT INTO counters (subject, short_start, short_count, day_start, day_count) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (subject) DO UPDATE SET short_start = excluded.short_start,
                 short_count = excluded.short_count, day_count = excluded.day_count
                 WHERE day_start = excluded.day_start",
            row,
        )?;
        if changed == 0 {
            run(
                conn,
                "UPDATE counters SET short_start = ?2, short_count = ?3, day_start = ?4, day_count = ?5
                 WHERE subject = ?1",
                row,
            )?;
        }
    }
    Ok(())
}

impl WriteTx<'_> {
    /// Runs one statement; gives how many rows it changed.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        // After some failures (disk full) SQLite rolls the transaction back by itself: what came then would commit alone.
        if self.conn.is_autocommit() {
            return Err(StoreError::Io("the transaction was rolled back".to_owned()));
        }
        self.wrote.set(true);
        run(self.conn, sql, params)
    }

    /// Stores the counters that are pending.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        flush(self.conn, self.memo)
    }

    /// Fails where `sql` finds a row.
    pub(super) fn free(&self, field: &'static str, sql: &str, params: impl Params) -> Result<(), StoreError> {
        match self.rows().one(sql, params, |_| Ok(()))? {
            Some(()) => Err(StoreError::Taken { field }),
            None => Ok(()),
        }
    }

    pub(super) fn seal(&mut self, plain: &str, table: &str, id: &[u8], owner: &[u8]) -> Vec<u8> {
        self.keys.seal(plain.as_bytes(), &aad(table, id, owner), self.rng)
    }
}
