//! What logins read, kept as aggregates beside the connection that writes.
//!
//! Nothing but that connection writes, so what it has read or written is what is stored: it is remembered when it is loaded or
//! put, and forgotten where a statement changes rows in some other way, and where changes are rolled back. Readers remember
//! nothing: what they see depends on the moment of their snapshot.
//!
//! Counters that every login hits are written once per commit: until then they are pending here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

use otpost_core::Timestamp;
use otpost_core::challenge::{Challenge, Session};
use otpost_core::gate::Policy;
use otpost_core::ids::{ChallengeId, MessageId, ResourceId, SessionId, TokenId, UserId};
use otpost_core::limits::{Counter, Guard};
use otpost_core::name::LoginName;
use otpost_core::outbox::Message;
use otpost_core::resource::Resource;
use otpost_core::token::Token;
use otpost_core::user::User;

use crate::StoreError;

/// Entries of a kind in a generation; there are two.
const MOST: usize = 1024;

/// The entries used last: when the young generation is full it becomes the old one, whose entries go unless used again.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Recent<K, V> {
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.keep(key.clone(), value.clone());
        Some(value)
    }

    pub(super) fn keep(&mut self, key: K, value: V) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

/// Values as the present transaction sees them. Rows that are missing are remembered as such only where the value says so.
#[derive(Debug, Default)]
pub(super) struct Memo(RefCell<Kept>);

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) resources: Recent<ResourceId, Resource>,
    pub(super) services: Recent<String, Resource>,
    pub(super) policy: Recent<(), Policy>,
    pub(super) names: Recent<LoginName, UserId>,
    pub(super) users: Recent<UserId, User>,
    pub(super) tokens: Recent<TokenId, Token>,
    pub(super) tokens_of: Recent<UserId, Vec<TokenId>>,
    pub(super) guards: Recent<UserId, Guard>,
    pub(super) challenges: Recent<ChallengeId, Challenge>,
    pub(super) sessions: Recent<SessionId, Session>,
    pub(super) messages: Recent<MessageId, Message>,
    pub(super) counters: Recent<Vec<u8>, Option<Counter>>,
    pub(super) sources: Recent<(UserId, String), Option<Timestamp>>,
    /// Counters that are put but not stored.
    pending: HashMap<Vec<u8>, Counter>,
}

impl Memo {
    /// To be called wherever rows behind it change in a way it is not told of, or change back. What is pending goes too: store it
    /// first, unless it is to be undone.
    pub(super) fn forget(&self) {
        self.0.replace(Kept::default());
    }

    /// Resources change, or what names them.
    pub(super) fn forget_resources(&self) {
        self.with(|kept| {
            kept.resources = Recent::default();
            kept.services = Recent::default();
        });
    }

    /// Changes what is remembered.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        change(&mut self.0.borrow_mut())
    }

    /// The counter of `subject` is `counter` from now on; it is stored with the commit.
    pub(super) fn put_counter(&self, subject: Vec<u8>, counter: Counter) {
        self.with(|kept| {
            kept.counters.keep(subject.clone(), Some(counter));
            kept.pending.insert(subject, counter);
        });
    }

    /// A counter that waits to be stored.
    pub(super) fn pending(&self, subject: &Vec<u8>) -> Option<Counter> {
        self.0.borrow().pending.get(subject).copied()
    }

    /// The counter of `subject` is not to be stored any more.
    pub(super) fn drop_counter(&self, subject: &Vec<u8>) {
        self.with(|kept| kept.pending.remove(subject));
    }

    /// The counters to be stored now.
    pub(super) fn take_pending(&self) -> HashMap<Vec<u8>, Counter> {
        self.with(|kept| std::mem::take(&mut kept.pending))
    }
}

/// The value of `key`, loaded where it is not remembered.
pub(super) fn remembered<K: Hash + Eq + Clone, V: Clone>(
    memo: Option<&Memo>,
    of: fn(&mut Kept) -> &mut Recent<K, V>,
    key: &K,
    load: impl FnOnce() -> Result<Option<V>, StoreError>,
) -> Result<Option<V>, StoreError> {
    let Some(memo) = memo else {
        return load();
    };
    if let Some(value) = memo.with(|kept| of(kept).get(key)) {
        return Ok(Some(value));
    }
    let loaded = load()?;
    if let Some(value) = &loaded {
        memo.with(|kept| of(kept).keep(key.clone(), value.clone()));
    }
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::{MOST, Recent};

    #[test]
    fn what_was_used_last_stays_and_the_number_is_bounded() {
        let mut recent = Recent::default();
        for n in 0..MOST * 5 {
            recent.keep(n, n);
            assert_eq!(recent.get(&0), Some(0));
            assert_eq!(recent.get(&n), Some(n));
        }
        assert!(recent.young.len() <= MOST && recent.old.len() <= MOST);
        assert_eq!(recent.get(&1), None);
        recent.keep(0, 7);
        assert_eq!(recent.get(&0), Some(7));
        recent.forget(&0);
        assert_eq!(recent.get(&0), None);
    }
}
