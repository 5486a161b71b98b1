//! otpost's durable state behind two traits.
//!
//! A [`Store`] runs closures: [`write`] in one transaction that is durable before the caller hears of it, [`read`] on a
//! snapshot. [`Read`] and [`Tx`] have small typed methods on aggregates; no SQL, handle or engine type leaks, and no engine
//! holds a rule of its own: domain logic runs once, in `otpost-core`, inside the closure. A write closure may run again (after a
//! serialisation failure, or because a closure that shared its commit failed), so it is pure but for its `Tx`.
//!
//! Deliberately absent: async, clocks, decisions. Entry points: [`sqlite::SqliteStore::open`], [`write`], [`read`].
#![forbid(unsafe_code)]

pub mod contract;
pub mod document;
mod error;
pub mod kinds;
pub mod sqlite;

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

use otpost_core::Timestamp;
use otpost_core::audit::Event;
use otpost_core::challenge::{Challenge, Session};
use otpost_core::client::RadiusClient;
use otpost_core::gate::Policy;
use otpost_core::ids::{
    ChallengeId, ClientId, MessageId, ProviderId, ResourceId, SessionId, TokenId, UserId,
};
use otpost_core::limits::Counter;
use otpost_core::limits::Guard;
use otpost_core::name::LoginName;
use otpost_core::outbox::Message;
use otpost_core::phone::Phone;
use otpost_core::provider::Provider;
use otpost_core::resource::Resource;
use otpost_core::token::Token;
use otpost_core::user::User;

pub use document::{Document, Row};
pub use error::StoreError;

/// A write: runs inside one transaction; an error rolls its changes back.
pub type WriteJob = Box<dyn FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send>;
/// A read on one snapshot.
pub type ReadJob = Box<dyn FnMut(&mut dyn Read) -> Result<(), StoreError> + Send>;
/// Called once, on a thread of the store: after the commit is durable, or with why there is none. It must be short and must not
/// wait for the store.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A store. Jobs may be handed in from any thread; neither call waits for the job, both may wait for room in a bounded queue.
pub trait Store: Send + Sync + 'static {
    /// Runs `job` in a transaction and calls `done` after its durable commit.
    fn submit_write(&self, job: WriteJob, done: Done);
    /// The same, where nobody waits for it: `job` may wait some milliseconds for another whose commit it shares.
    fn submit_late(&self, job: WriteJob, done: Done);
    /// Runs `job` on a snapshot and calls `done` after it.
    fn submit_read(&self, job: ReadJob, done: Done);
}

/// What a counter counts.
#[derive(Debug, Clone, Copy)]
pub enum CounterKey<'a> {
    /// Texts to a number.
    TextsToNumber(&'a Phone),
    /// Texts for a user.
    TextsForUser(UserId),
    /// Texts for logins from a source network.
    TextsForSource(&'a str),
    /// Texts in all.
    TextsInAll,
    /// Wrong passwords of a user from a source network.
    PasswordsFromSource(UserId, &'a str),
    /// Wrong passwords of a user from everywhere.
    PasswordsOfUser(UserId),
    /// Something on the portal, by a text that names it; kept as a keyed index, since it may hold a name or an address.
    Portal(&'a str),
}

/// An audit row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// The event's JSON, exactly as hashed.
    pub text: String,
    /// [`otpost_core::audit::link`] of the row before and `text`.
    pub hash: [u8; 32],
}

/// How much there is, for `status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Users.
    pub users: u64,
    /// Tokens.
    pub tokens: u64,
    /// Resources.
    pub resources: u64,
    /// Challenges that are neither consumed, dead nor past their deadline.
    pub open_challenges: u64,
    /// Texts that are queued or leased.
    pub waiting_texts: u64,
    /// Position of the last audit row.
    pub audit_rows: u64,
}

/// Reading. Every method fails with [`StoreError::Io`] where the engine does, [`StoreError::Damaged`] where a row cannot be read.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Read {
    /// The user whose login or alias is `name`.
    fn user_by_name(&mut self, name: &LoginName) -> Result<Option<User>, StoreError>;
    /// The user.
    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Users in order of name, after `after`, whose name contains `search` (empty: all), at most `limit`.
    fn users(&mut self, after: Option<&LoginName>, search: &str, limit: u32)
    -> Result<Vec<User>, StoreError>;
    /// Users in order of name, after `after`, whose [`User::words`] hold `part` (lower case, no line break) within one line, at most
    /// `limit`.
    fn users_about(
        &mut self,
        after: Option<&LoginName>,
        part: &str,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;
    /// How many users are bound to the resource.
    fn users_of(&mut self, resource: ResourceId) -> Result<u64, StoreError>;
    /// Failures of the user; the default where there are none.
    fn guard(&mut self, user: UserId) -> Result<Guard, StoreError>;
    /// The token.
    fn token(&mut self, id: TokenId) -> Result<Option<Token>, StoreError>;
    /// The user's tokens, oldest first.
    fn tokens_of(&mut self, user: UserId) -> Result<Vec<Token>, StoreError>;
    /// Tokens with this number.
    fn tokens_with_phone(&mut self, phone: &Phone) -> Result<Vec<Token>, StoreError>;
    /// The resource.
    fn resource(&mut self, id: ResourceId) -> Result<Option<Resource>, StoreError>;
    /// The resource whose [`Resource::key`] this is.
    fn resource_by_key(&mut self, key: &str) -> Result<Option<Resource>, StoreError>;
    /// All resources in order of name.
    fn resources(&mut self) -> Result<Vec<Resource>, StoreError>;
    /// The resource that guards a PAM service: the one that names it, else the one that names `*`.
    fn resource_of_service(&mut self, service: &str) -> Result<Option<Resource>, StoreError>;
    /// The challenge.
    fn challenge(&mut self, id: ChallengeId) -> Result<Option<Challenge>, StoreError>;
    /// The user's challenges that are open at `now`, oldest first.
    fn open_challenges(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Challenge>, StoreError>;
    /// The session.
    fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError>;
    /// The counter; the default where there is none.
    fn counter(&mut self, key: CounterKey<'_>) -> Result<Counter, StoreError>;
    /// When the source network last succeeded for the user.
    fn source_success(&mut self, user: UserId, source: &str) -> Result<Option<Timestamp>, StoreError>;
    /// The text.
    fn message(&mut self, id: MessageId) -> Result<Option<Message>, StoreError>;
    /// Number of a test text.
    fn test_number(&mut self, id: MessageId) -> Result<Option<Phone>, StoreError>;
    /// Texts that are queued and due, or leased beyond their lease, oldest first.
    fn due_messages(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError>;
    /// When the next queued text is due or the next lease ends.
    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError>;
    /// Newest texts first.
    fn messages(&mut self, limit: u32) -> Result<Vec<Message>, StoreError>;
    /// All RADIUS clients in order of name.
    fn clients(&mut self) -> Result<Vec<RadiusClient>, StoreError>;
    /// The client of this name (compared by [`otpost_core::resource::key`]).
    fn client(&mut self, name: &str) -> Result<Option<RadiusClient>, StoreError>;
    /// All providers in order of priority, then name.
    fn providers(&mut self) -> Result<Vec<Provider>, StoreError>;
    /// What may be sent; the default where nothing was set.
    fn send_policy(&mut self) -> Result<Policy, StoreError>;
    /// Audit rows after position `after`, in order, at most `limit`.
    fn audit(&mut self, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError>;
    /// Audit rows after position `range.0` up to and with `range.1` whose text contains `part`, letters from a to z in either case;
    /// the newest first, at most `limit`. A `part` of more than 1,024 octets is [`StoreError::Refused`].
    fn audit_with(&mut self, range: (u64, u64), part: &str, limit: u32) -> Result<Vec<AuditRow>, StoreError>;
    /// The document of this kind and id.
    fn document(&mut self, kind: &str, id: &[u8; 16]) -> Result<Option<Row>, StoreError>;
    /// The document of this kind with this key; keys are unique within a kind.
    fn document_by_key(&mut self, kind: &str, key: &[u8; 32]) -> Result<Option<Row>, StoreError>;
    /// The owner's documents of this kind, in order of id.
    fn documents_of(&mut self, kind: &str, owner: &[u8; 16]) -> Result<Vec<Row>, StoreError>;
    /// Documents of this kind in order of id, after `after`, at most `limit`.
    fn documents(&mut self, kind: &str, after: Option<&[u8; 16]>, limit: u32)
    -> Result<Vec<Row>, StoreError>;
    /// Documents of this kind whose time has come at `now`, earliest first, at most `limit`.
    fn documents_due(&mut self, kind: &str, now: Timestamp, limit: u32) -> Result<Vec<Row>, StoreError>;
    /// When the next document of this kind is due.
    fn next_document_due(&mut self, kind: &str) -> Result<Option<Timestamp>, StoreError>;
    /// When any source network last succeeded for the user.
    fn last_success(&mut self, user: UserId) -> Result<Option<Timestamp>, StoreError>;
    /// How much there is at `now`.
    fn totals(&mut self, now: Timestamp) -> Result<Totals, StoreError>;
}

/// Writing. Unique keys that are taken give [`StoreError::Taken`] with the field's name.
#[expect(clippy::missing_errors_doc, reason = "said once, at Read and above")]
pub trait Tx: Read {
    /// Inserts or replaces the user; login and aliases are unique among all names, the e-mail address too.
    fn put_user(&mut self, user: &User) -> Result<(), StoreError>;
    /// Deletes the user with tokens, guard, open challenges, counters and documents; ended challenges are for [`Self::sweep`].
    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError>;
    /// Replaces the user's failures.
    fn put_guard(&mut self, user: UserId, guard: &Guard) -> Result<(), StoreError>;
    /// Inserts or replaces the token; its number is sealed. Whether numbers may repeat is the caller's rule.
    fn put_token(&mut self, token: &Token) -> Result<(), StoreError>;
    /// Deletes the token.
    fn delete_token(&mut self, id: TokenId) -> Result<(), StoreError>;
    /// Inserts or replaces the resource; name and PAM services are unique.
    fn put_resource(&mut self, resource: &Resource) -> Result<(), StoreError>;
    /// Deletes the resource; RADIUS clients of it keep it from going ([`StoreError::InUse`]).
    fn delete_resource(&mut self, id: ResourceId) -> Result<(), StoreError>;
    /// Inserts or replaces the challenge.
    fn put_challenge(&mut self, challenge: &Challenge) -> Result<(), StoreError>;
    /// Inserts or replaces the session.
    fn put_session(&mut self, session: &Session) -> Result<(), StoreError>;
    /// Replaces the counter.
    fn put_counter(&mut self, key: CounterKey<'_>, counter: &Counter) -> Result<(), StoreError>;
    /// Forgets the counter.
    fn delete_counter(&mut self, key: CounterKey<'_>) -> Result<(), StoreError>;
    /// The source network succeeded for the user.
    fn put_source_success(&mut self, user: UserId, source: &str, now: Timestamp) -> Result<(), StoreError>;
    /// Inserts or replaces the text.
    fn put_message(&mut self, message: &Message) -> Result<(), StoreError>;
    /// Keeps the number of a test text, sealed.
    fn put_test_number(&mut self, id: MessageId, phone: &Phone) -> Result<(), StoreError>;
    /// Inserts or replaces the RADIUS client; its secret is sealed. The name is unique.
    fn put_client(&mut self, client: &RadiusClient) -> Result<(), StoreError>;
    /// Deletes the RADIUS client.
    fn delete_client(&mut self, id: ClientId) -> Result<(), StoreError>;
    /// Inserts or replaces the provider; its settings are sealed. The name is unique.
    fn put_provider(&mut self, provider: &Provider) -> Result<(), StoreError>;
    /// Deletes the provider.
    fn delete_provider(&mut self, id: ProviderId) -> Result<(), StoreError>;
    /// Replaces what may be sent.
    fn put_send_policy(&mut self, policy: &Policy) -> Result<(), StoreError>;
    /// Inserts or replaces the document; its body is sealed, bound to kind and id. A key of another document of the kind gives
    /// [`StoreError::Taken`].
    fn put_document(&mut self, row: &Row) -> Result<(), StoreError>;
    /// Deletes the document.
    fn delete_document(&mut self, kind: &str, id: &[u8; 16]) -> Result<(), StoreError>;
    /// Appends to the audit chain.
    fn append_audit(&mut self, event: &Event) -> Result<(), StoreError>;
    /// Deletes what can matter no more at `now` (ended challenges after a day with their sessions, texts after 30 days,
    /// counters after two days, sources after 30 days), at most `limit` rows of each; gives how many went.
    fn sweep(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Runs `job` in a transaction and waits for its durable commit. Not from a job or a [`Done`]: the store would wait for itself.
///
/// # Errors
/// What `job` or the engine returned; nothing was stored then.
pub fn write<T: Send + 'static>(
    store: &dyn Store,
    mut job: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let value = Slot::default();
    let result = value.clone();
    let (done_tx, done_rx) = sync_channel(1);
    store.submit_write(
        Box::new(move |tx| {
            // A closure that runs again replaces the value of the run before.
            value.set(job(tx)?);
            Ok(())
        }),
        Box::new(move |outcome| {
            let _ = done_tx.try_send(outcome);
        }),
    );
    done_rx.recv().map_err(|_| StoreError::Closed)??;
    result.take().ok_or(StoreError::Closed)
}

/// Runs `job` on a snapshot and waits for it. Not from a job or a [`Done`]: the store would wait for itself.
///
/// # Errors
/// What `job` or the engine returned.
pub fn read<T: Send + 'static>(
    store: &dyn Store,
    mut job: impl FnMut(&mut dyn Read) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let value = Slot::default();
    let result = value.clone();
    let (done_tx, done_rx) = sync_channel(1);
    store.submit_read(
        Box::new(move |tx| {
            value.set(job(tx)?);
            Ok(())
        }),
        Box::new(move |outcome| {
            let _ = done_tx.try_send(outcome);
        }),
    );
    done_rx.recv().map_err(|_| StoreError::Closed)??;
    result.take().ok_or(StoreError::Closed)
}

/// Where a job leaves its value.
struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    fn set(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
