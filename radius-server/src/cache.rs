//! The reply cache of RFC 5080 section 2.2.2: a retransmission is recognised while its request is in work and
//! gets the same octets afterwards, so that it never starts a second login.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use otpost_radius_wire::Authenticator;

/// How long a reply is kept, counted from its request. The RFC wants 5 to 30 seconds.
pub(crate) const LIFE: Duration = Duration::from_secs(30);

/// Where a request came from and went to. Together with the Request Authenticator it names the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Address and port of the client.
    pub(crate) source: SocketAddr,
    /// Our socket's number.
    pub(crate) socket: usize,
    /// Our address the packet was sent to, where the socket listens on all.
    pub(crate) local: Option<IpAddr>,
    /// Identifier.
    pub(crate) identifier: u8,
}

/// The right to complete one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    key: Key,
    serial: u64,
}

/// What the cache knows of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Nothing: it is new and now in work.
    New(Ticket),
    /// It is in work.
    Working,
    /// This was the reply.
    Done(Arc<[u8]>),
}

/// Whether a finished reply is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Send it.
    Current,
    /// The client has re-used the key for another request; it would take this reply for a forgery.
    Superseded,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    authenticator: Authenticator,
    reply: Option<Arc<[u8]>>,
}

/// Bounded: the oldest entry makes room for a new one.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: HashMap<Key, Entry>,
    /// Every serial ever inserted and not yet expired, oldest first; entries replaced meanwhile are skipped.
    order: VecDeque<(Instant, Key, u64)>,
    capacity: usize,
    last_serial: u64,
}

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            capacity: capacity.max(1),
            last_serial: 0,
        }
    }

    /// Changes the bound; too many entries go at once, oldest first.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        while self.order.len() > self.capacity {
            self.pop();
        }
    }

    /// Looks a request up and, where it is new, enters it as in work.
    pub(crate) fn admit(&mut self, now: Instant, key: Key, authenticator: Authenticator) -> Admission {
        self.expire(now);
        if let Some(entry) = self.entries.get(&key)
            && entry.authenticator == authenticator
        {
            return entry
                .reply
                .as_ref()
                .map_or(Admission::Working, |reply| Admission::Done(Arc::clone(reply)));
        }
        // The order holds at least one element per entry, so its bound is the bound of both.
        while self.order.len() >= self.capacity {
            self.pop();
        }
        self.last_serial += 1;
        let serial = self.last_serial;
        self.entries.insert(
            key,
            Entry {
                serial,
                authenticator,
                reply: None,
            },
        );
        self.order.push_back((now, key, serial));
        Admission::New(Ticket { key, serial })
    }

    /// Enters the reply of a request in work.
    pub(crate) fn complete(&mut self, ticket: Ticket, reply: Arc<[u8]>) -> Completion {
        match self.entries.get_mut(&ticket.key) {
            Some(entry) if entry.serial == ticket.serial => {
                entry.reply = Some(reply);
                Completion::Current
            }
            Some(_) => Completion::Superseded,
            // Pushed out by newer requests: the client still waits.
            None => Completion::Current,
        }
    }

    /// Takes a request in work out again: its retransmission is to be handled anew.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        if self
            .entries
            .get(&ticket.key)
            .is_some_and(|entry| entry.serial == ticket.serial)
        {
            self.entries.remove(&ticket.key);
        }
    }

    fn expire(&mut self, now: Instant) {
        while self
            .order
            .front()
            .is_some_and(|(born, ..)| now.saturating_duration_since(*born) >= LIFE)
        {
            self.pop();
        }
        // After a flood the memory goes back.
        if self.order.is_empty() && self.order.capacity() > 4096 {
            self.entries.shrink_to(0);
            self.order.shrink_to(0);
        }
    }

    fn pop(&mut self) {
        if let Some((_, key, serial)) = self.order.pop_front() {
            self.forget(Ticket { key, serial });
        }
    }
}

#[cfg(test)]
mod tests;
