//! Connections that wait for the next request. One is taken by one request at a time, and given back only after its last answer.

use std::sync::Mutex;
use std::time::Duration;

use otpost_core::Timestamp;

use super::connection::Connection;

/// Most that wait, for each server.
const MOST: usize = 8;
/// Servers and firewalls forget quiet connections; some without a word.
const QUIET: Duration = Duration::from_secs(45);

/// A connection that was used before: it may have ended since.
pub(super) struct Taken(pub(super) Connection);

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Timestamp,
}

/// The connections to each server.
#[derive(Debug)]
pub(super) struct Pool(Vec<Mutex<Vec<Idle>>>);

impl Pool {
    pub(super) fn new(servers: usize) -> Self {
        Self((0..servers).map(|_| Mutex::default()).collect())
    }

    /// The one that was used last.
    pub(super) fn take(&self, server: usize, now: Timestamp) -> Option<Taken> {
        let mut idle = self.0.get(server)?.lock().ok()?;
        idle.retain(|one| now.since(one.since) < QUIET);
        idle.pop().map(|one| Taken(one.connection))
    }

    /// Keeps `connection` for the next, where there is room.
    pub(super) fn give(&self, server: usize, connection: Connection, now: Timestamp) {
        let Some(Ok(mut idle)) = self.0.get(server).map(Mutex::lock) else {
            return;
        };
        if idle.len() < MOST {
            idle.push(Idle {
                connection,
                since: now,
            });
        }
    }
}
