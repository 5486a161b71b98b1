//! Who asks the daemon next when there is more to ask than it answers in time. Pure: time is a parameter.
//!
//! Three classes. An answer with a State of ours ends a login that has cost somebody a text already: it goes first and has a
//! share of its own. First requests take turns by client, so that one VPN's flood is that VPN's alone, and only so many
//! are under way that an answer behind them is still in time; how many that is follows from how long the daemon takes.
//! Accounting has a small share that neither touches. What finds no room, or has waited too long, gets silence, never a
//! Reject: the client sends it again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// What a request is to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// In the middle of a login: it has a State of ours.
    Known,
    /// A login that begins, or that nobody here knows.
    First,
    /// An Accounting-Request.
    Account,
}

/// Answers under way, and waiting.
const KNOWN_WORKING: usize = 1024;
const KNOWN_WAITING: usize = 2048;
/// Accounting-Requests under way.
const ACCOUNT_WORKING: usize = 64;
/// First requests under way at least, at the start, and at most. With the others less than otpostd takes from one
/// connection at once (4096).
const FIRST_LEAST: usize = 16;
const FIRST_START: usize = 128;
const FIRST_MOST: usize = 2048;
/// Requests of one client that wait, and of all clients together.
const LANE_WAITING: usize = 512;
const LANES_WAITING: usize = 4096;

/// Waiting longer makes no sense: no VPN waits much longer for its answer, and what comes late is a duplicate.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same for answers, which matter more.
const KNOWN_PATIENCE: Duration = Duration::from_secs(3);

/// The daemon is quick if it takes no longer than this.
const QUICK: Duration = Duration::from_millis(300);
/// How often the window is looked at.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Waiting<T> {
    since: Instant,
    item: T,
}

/// What [`Queue::next`] gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// Ask, and tell [`Queue::finish`] when it is done.
    Ask(T, Place),
    /// It has waited too long.
    Late(T),
}

/// A request under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    class: Class,
    client: Arc<str>,
    since: Instant,
}

/// All that waits and is under way.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    known: VecDeque<Waiting<T>>,
    known_working: usize,
    first: Lanes<T>,
    account: Lanes<T>,
    window: Window,
    /// Answers need not name their client.
    nobody: Arc<str>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            known: VecDeque::new(),
            known_working: 0,
            first: Lanes::default(),
            account: Lanes::default(),
            window: Window::default(),
            nobody: Arc::from(""),
        }
    }
}

impl<T> Queue<T> {
    /// Whether [`Self::push`] would take a request of this client.
    pub(crate) fn has_room(&self, now: Instant, class: Class, client: &str) -> bool {
        match class {
            Class::Known => self.known.len() < KNOWN_WAITING,
            Class::First => self.first.has_room(now, client),
            Class::Account => self.account.has_room(now, client),
        }
    }

    /// Takes a request.
    ///
    /// # Errors
    /// The request itself, where there is no room.
    pub(crate) fn push(&mut self, now: Instant, class: Class, client: &Arc<str>, item: T) -> Result<(), T> {
        if !self.has_room(now, class, client) {
            return Err(item);
        }
        let waiting = Waiting { since: now, item };
        match class {
            Class::Known => self.known.push_back(waiting),
            Class::First => self.first.push(client, waiting),
            Class::Account => self.account.push(client, waiting),
        }
        Ok(())
    }

    /// The next request for the daemon, where one may go.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Next<T>> {
        if self.known_working < KNOWN_WORKING {
            if let Some(Waiting { since, item }) = self.known.pop_front() {
                if now.saturating_duration_since(since) > KNOWN_PATIENCE {
                    return Some(Next::Late(item));
                }
                self.known_working += 1;
                // The time it has waited here counts: the first requests that are under way are why.
                let (class, client) = (Class::Known, Arc::clone(&self.nobody));
                return Some(Next::Ask(item, Place { class, client, since }));
            }
        } else if !self.known.is_empty() {
            return None;
        }
        if self.first.working < self.window.size {
            let most = share(self.window.size);
            if let Some(next) = self.first.next(now, most, Class::First) {
                return Some(next);
            }
        }
        self.window.full |= self.first.waiting > 0;
        if self.account.working < ACCOUNT_WORKING {
            return self.account.next(now, share(ACCOUNT_WORKING), Class::Account);
        }
        None
    }

    /// Takes note that a request is done. Whether another may go now.
    pub(crate) fn finish(&mut self, now: Instant, place: &Place) -> bool {
        let took = now.saturating_duration_since(place.since);
        match place.class {
            Class::Known => self.known_working = self.known_working.saturating_sub(1),
            Class::First => self.first.finish(&place.client),
            Class::Account => self.account.finish(&place.client),
        }
        self.window.note(now, place.class, took);
        self.waiting() > 0
    }

    /// Requests that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.known.len() + self.first.waiting + self.account.waiting
    }
}

/// Three quarters: no client holds the whole window, however many of its requests hang.
fn share(window: usize) -> usize {
    window - window / 4
}

/// Requests by client.
#[derive(Debug)]
struct Lanes<T> {
    lanes: HashMap<Arc<str>, Lane<T>>,
    /// Clients with something waiting, the next one first.
    turn: VecDeque<Arc<str>>,
    waiting: usize,
    working: usize,
}

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<Waiting<T>>,
    working: usize,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            lanes: HashMap::new(),
            turn: VecDeque::new(),
            waiting: 0,
            working: 0,
        }
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            working: 0,
        }
    }
}

impl<T> Lanes<T> {
    fn has_room(&self, now: Instant, client: &str) -> bool {
        let Some(lane) = self.lanes.get(client) else {
            // Whoever has nothing waiting gets in beside those who have much.
            return self.waiting < 2 * LANES_WAITING;
        };
        let Some(oldest) = lane.waiting.front() else {
            return self.waiting < 2 * LANES_WAITING;
        };
        let fair = LANES_WAITING / self.turn.len().max(1);
        lane.waiting.len() < LANE_WAITING.min(fair.max(1))
            && now.saturating_duration_since(oldest.since) <= PATIENCE
    }

    fn push(&mut self, client: &Arc<str>, waiting: Waiting<T>) {
        let lane = self.lanes.entry(Arc::clone(client)).or_default();
        if lane.waiting.is_empty() {
            self.turn.push_back(Arc::clone(client));
        }
        lane.waiting.push_back(waiting);
        self.waiting += 1;
    }

    /// The oldest of the next client that has less than `most` under way.
    fn next(&mut self, now: Instant, most: usize, class: Class) -> Option<Next<T>> {
        for _ in 0..self.turn.len() {
            let client = self.turn.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&client) else {
                continue;
            };
            if lane.working >= most {
                self.turn.push_back(client);
                continue;
            }
            let Some(Waiting { since, item }) = lane.waiting.pop_front() else {
                continue;
            };
            self.waiting = self.waiting.saturating_sub(1);
            let late = now.saturating_duration_since(since) > PATIENCE;
            if !late {
                lane.working += 1;
                self.working += 1;
            }
            if !lane.waiting.is_empty() {
                self.turn.push_back(Arc::clone(&client));
            } else if lane.working == 0 {
                self.lanes.remove(&client);
            }
            return Some(if late {
                Next::Late(item)
            } else {
                Next::Ask(
                    item,
                    Place {
                        class,
                        client,
                        since: now,
                    },
                )
            });
        }
        None
    }

    fn finish(&mut self, client: &Arc<str>) {
        self.working = self.working.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(client) {
            lane.working = lane.working.saturating_sub(1);
            if lane.working == 0 && lane.waiting.is_empty() {
                self.lanes.remove(client);
            }
        }
    }
}

/// How many first requests may be under way. It shrinks when answers are slow, for those it is there, and grows when it was
/// full and anything was quick. First requests that are slow prove nothing: a directory that hangs does so for its
/// own users, and a smaller window would make all others wait for them.
#[derive(Debug)]
struct Window {
    size: usize,
    /// Something waited because of it.
    full: bool,
    quick_known: usize,
    slow_known: usize,
    quick: bool,
    since: Option<Instant>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            size: FIRST_START,
            full: false,
            quick_known: 0,
            slow_known: 0,
            quick: false,
            since: None,
        }
    }
}

impl Window {
    fn note(&mut self, now: Instant, class: Class, took: Duration) {
        let quick = took <= QUICK;
        self.quick |= quick && class != Class::Account;
        match (class, quick) {
            (Class::Known, true) => self.quick_known += 1,
            (Class::Known, false) => self.slow_known += 1,
            _ => {}
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < LOOK {
            return;
        }
        if self.slow_known > self.quick_known {
            self.size = share(self.size).max(FIRST_LEAST);
        } else if self.full && self.quick {
            self.size = (self.size + self.size / 8).min(FIRST_MOST);
        }
        *self = Self {
            size: self.size,
            since: Some(now),
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests;
