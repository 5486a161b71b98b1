//! What every login reads and hardly anybody changes, kept as aggregates beside the connection that writes.
//!
//! Nothing but that connection writes, so it is forgotten where a statement of its own changes such a row, and where changes are
//! rolled back. Readers remember nothing: what they see depends on the moment of their snapshot.

use std::cell::RefCell;
use std::collections::HashMap;

use otpost_core::gate::Policy;
use otpost_core::ids::ResourceId;
use otpost_core::resource::Resource;

use crate::StoreError;

/// Entries of a kind at most; beyond that it begins anew.
const MOST: usize = 1024;

/// Values as the present transaction sees them. What is missing is not remembered.
#[derive(Debug, Default)]
pub(super) struct Memo(RefCell<Kept>);

#[derive(Debug, Default)]
struct Kept {
    resources: HashMap<ResourceId, Resource>,
    services: HashMap<String, Resource>,
    policy: Option<Policy>,
}

impl Memo {
    /// To be called wherever a row behind it changes, or changes back.
    pub(super) fn forget(&self) {
        self.0.replace(Kept::default());
    }
}

/// What a value is remembered by.
pub(super) trait Key {
    type Value: Clone;
    fn get(&self, memo: &Memo) -> Option<Self::Value>;
    fn keep(&self, memo: &Memo, value: Self::Value);
}

fn keep<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= MOST {
        map.clear();
    }
    map.insert(key, value);
}

impl Key for ResourceId {
    type Value = Resource;
    fn get(&self, memo: &Memo) -> Option<Resource> {
        memo.0.borrow().resources.get(self).cloned()
    }
    fn keep(&self, memo: &Memo, value: Resource) {
        keep(&mut memo.0.borrow_mut().resources, *self, value);
    }
}

/// The name of a PAM service.
impl Key for str {
    type Value = Resource;
    fn get(&self, memo: &Memo) -> Option<Resource> {
        memo.0.borrow().services.get(self).cloned()
    }
    fn keep(&self, memo: &Memo, value: Resource) {
        keep(&mut memo.0.borrow_mut().services, self.to_owned(), value);
    }
}

/// There is one.
pub(super) struct SendPolicy;

impl Key for SendPolicy {
    type Value = Policy;
    fn get(&self, memo: &Memo) -> Option<Policy> {
        memo.0.borrow().policy.clone()
    }
    fn keep(&self, memo: &Memo, value: Policy) {
        memo.0.borrow_mut().policy = Some(value);
    }
}

/// The value of `key`, loaded where it is not remembered.
pub(super) fn remembered<K: Key + ?Sized>(
    memo: Option<&Memo>,
    key: &K,
    load: impl FnOnce() -> Result<Option<K::Value>, StoreError>,
) -> Result<Option<K::Value>, StoreError> {
    let Some(memo) = memo else {
        return load();
    };
    if let Some(value) = key.get(memo) {
        return Ok(Some(value));
    }
    let loaded = load()?;
    if let Some(value) = &loaded {
        key.keep(memo, value.clone());
    }
    Ok(loaded)
}
