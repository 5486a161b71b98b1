//! The reply cache of RFC 5080 section 2.2.2: a retransmission is recognised while its request is in work and
//! gets the same octets afterwards, so that it never starts a second login.
//!
//! Each socket's thread has its own, so nothing is locked. Entries stand in a ring in the order of their birth, and the
//! octets of one that goes are where the next one's are written.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use otpost_radius_wire::Authenticator;

/// How long a reply is kept, counted from its request. The RFC wants 5 to 30 seconds.
pub(crate) const LIFE: Duration = Duration::from_secs(30);

/// Buffers kept for re-use, and the most octets of one: a reply seldom has more.
const SPARE: usize = 64;
const SPARE_OCTETS: usize = 512;

/// Entries whose memory is not worth giving back.
const SMALL: usize = 4096;

/// Where a request came from and went to. Together with the Request Authenticator it names the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Address and port of the client.
    pub(crate) source: SocketAddr,
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
pub(crate) enum Admission<'a> {
    /// Nothing: it is new and now in work.
    New(Ticket),
    /// It is in work.
    Working,
    /// This was the reply.
    Done(&'a [u8]),
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
    born: Instant,
    key: Key,
    authenticator: Authenticator,
    /// Empty while the request is in work: a reply has 20 octets at least.
    reply: Vec<u8>,
}

/// Bounded: the oldest entry makes room for a new one.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Serial of the entry in force for a key.
    serials: HashMap<Key, u64>,
    /// Every entry not yet expired, oldest first, serials without a gap; those that were replaced or forgotten are in no
    /// index.
    ring: VecDeque<Entry>,
    /// Serial of the ring's first entry.
    first: u64,
    spare: Vec<Vec<u8>>,
    capacity: usize,
}

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            serials: HashMap::new(),
            ring: VecDeque::new(),
            first: 1,
            spare: Vec::new(),
            capacity: capacity.max(1),
        }
    }

    /// Changes the bound; too many entries go at once, oldest first.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        while self.ring.len() > self.capacity {
            self.pop();
        }
    }

    /// Whether the request is known. Changes nothing, and says nothing to whoever has not the secret.
    pub(crate) fn knows(&self, key: &Key, authenticator: &Authenticator) -> bool {
        self.entry(key)
            .is_some_and(|entry| entry.authenticator == *authenticator)
    }

    /// Looks a request up and, where it is new, enters it as in work.
    pub(crate) fn admit(&mut self, now: Instant, key: Key, authenticator: Authenticator) -> Admission<'_> {
        self.expire(now);
        if self.knows(&key, &authenticator) {
            let reply = self.entry(&key).map_or(&[][..], |entry| &entry.reply);
            return if reply.is_empty() {
                Admission::Working
            } else {
                Admission::Done(reply)
            };
        }
        while self.ring.len() >= self.capacity {
            self.pop();
        }
        let serial = self
            .first
            .saturating_add(u64::try_from(self.ring.len()).unwrap_or(u64::MAX));
        self.serials.insert(key, serial);
        self.ring.push_back(Entry {
            born: now,
            key,
            authenticator,
            reply: self.spare.pop().unwrap_or_default(),
        });
        Admission::New(Ticket { key, serial })
    }

    /// Enters the reply of a request in work.
    pub(crate) fn complete(&mut self, ticket: Ticket, reply: &[u8]) -> Completion {
        match self.serials.get(&ticket.key) {
            Some(serial) if *serial == ticket.serial => {
                if let Some(entry) = self.at(*serial).and_then(|at| self.ring.get_mut(at)) {
                    entry.reply.clear();
                    entry.reply.reserve_exact(reply.len());
                    entry.reply.extend_from_slice(reply);
                }
                Completion::Current
            }
            Some(_) => Completion::Superseded,
            // Pushed out by newer requests: the client still waits.
            None => Completion::Current,
        }
    }

    /// Takes a request in work out again: its retransmission is to be handled anew.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        if self.serials.get(&ticket.key) == Some(&ticket.serial) {
            self.serials.remove(&ticket.key);
        }
    }

    /// Drops what is too old.
    pub(crate) fn expire(&mut self, now: Instant) {
        while self
            .ring
            .front()
            .is_some_and(|entry| now.saturating_duration_since(entry.born) >= LIFE)
        {
            self.pop();
        }
        // After a flood the memory goes back.
        if self.ring.is_empty() && self.ring.capacity() > SMALL {
            self.serials.shrink_to(0);
            self.ring.shrink_to(0);
        }
    }

    fn at(&self, serial: u64) -> Option<usize> {
        usize::try_from(serial.checked_sub(self.first)?).ok()
    }

    fn entry(&self, key: &Key) -> Option<&Entry> {
        self.ring.get(self.at(*self.serials.get(key)?)?)
    }

    fn pop(&mut self) {
        let Some(mut entry) = self.ring.pop_front() else {
            return;
        };
        let (key, serial) = (entry.key, self.first);
        self.forget(Ticket { key, serial });
        self.first = self.first.saturating_add(1);
        if self.spare.len() < SPARE && entry.reply.capacity() <= SPARE_OCTETS {
            entry.reply.clear();
            self.spare.push(entry.reply);
        }
    }
}

#[cfg(test)]
mod tests;
