//! The reference: the same traits over plain maps, written to be obviously right.

use std::collections::BTreeMap;

use otpost_core::Timestamp;
use otpost_core::audit::{Event, link};
use otpost_core::challenge::{Challenge, Session, State};
use otpost_core::client::RadiusClient;
use otpost_core::gate::Policy;
use otpost_core::ids::{
    ChallengeId, ClientId, MessageId, ProviderId, ResourceId, SessionId, TokenId, UserId,
};
use otpost_core::limits::Guard;
use otpost_core::limits::{Counter, DAY, MONTH};
use otpost_core::name::LoginName;
use otpost_core::outbox::{self, Message};
use otpost_core::phone::Phone;
use otpost_core::provider::Provider;
use otpost_core::resource::{Resource, key};
use otpost_core::token::Token;
use otpost_core::user::User;

use crate::{AuditRow, CounterKey, Read, Row, StoreError, Totals, Tx};

/// What a [`CounterKey`] says, owned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Number(String),
    User(UserId),
    Source(String),
    All,
    From(UserId, String),
    Of(UserId),
    Portal(String),
}

impl From<CounterKey<'_>> for Subject {
    fn from(key: CounterKey<'_>) -> Self {
        match key {
            CounterKey::TextsToNumber(phone) => Self::Number(phone.expose().to_owned()),
            CounterKey::TextsForUser(user) => Self::User(user),
            CounterKey::TextsForSource(source) => Self::Source(source.to_owned()),
            CounterKey::TextsInAll => Self::All,
            CounterKey::PasswordsFromSource(user, source) => Self::From(user, source.to_owned()),
            CounterKey::PasswordsOfUser(user) => Self::Of(user),
            CounterKey::Portal(what) => Self::Portal(what.to_owned()),
        }
    }
}

/// A store without an engine. A transaction is a clone that replaces the original.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    users: BTreeMap<UserId, User>,
    guards: BTreeMap<UserId, Guard>,
    tokens: BTreeMap<TokenId, Token>,
    resources: BTreeMap<ResourceId, Resource>,
    challenges: BTreeMap<ChallengeId, Challenge>,
    sessions: BTreeMap<SessionId, Session>,
    counters: BTreeMap<Subject, Counter>,
    sources: BTreeMap<(UserId, String), Timestamp>,
    messages: BTreeMap<MessageId, Message>,
    test_numbers: BTreeMap<MessageId, Phone>,
    clients: BTreeMap<ClientId, RadiusClient>,
    providers: BTreeMap<ProviderId, Provider>,
    policy: Policy,
    audit: Vec<AuditRow>,
    documents: BTreeMap<(String, [u8; 16]), Row>,
}

impl Model {
    fn documents_of_kind(&self, kind: &str) -> impl Iterator<Item = &Row> {
        self.documents.values().filter(move |d| d.kind == kind)
    }
}

fn at_most<T>(all: impl Iterator<Item = T>, limit: u32) -> Vec<T> {
    all.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
}

fn sorted<T: Clone, K: Ord>(all: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by_key(key);
    all
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn free(taken: bool, field: &'static str) -> Result<(), StoreError> {
    if taken {
        Err(StoreError::Taken { field })
    } else {
        Ok(())
    }
}

fn wake(message: &Message) -> Option<Timestamp> {
    match message.state {
        outbox::State::Queued => Some(message.due),
        outbox::State::Leased { until, .. } => Some(until),
        _ => None,
    }
}

fn answers_to(user: &User, name: &LoginName) -> bool {
    user.name == *name || user.aliases.contains(name)
}

impl Read for Model {
    fn user_by_name(&mut self, name: &LoginName) -> Result<Option<User>, StoreError> {
        Ok(self.users.values().find(|u| answers_to(u, name)).cloned())
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.users.get(&id).cloned())
    }

    fn users(
        &mut self,
        after: Option<&LoginName>,
        search: &str,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let all = sorted(self.users.values().cloned(), |u| u.name.clone());
        let search = search.to_lowercase();
        let fits = |u: &User| after.is_none_or(|a| u.name > *a) && u.name.as_str().contains(&search);
        Ok(at_most(all.into_iter().filter(fits), limit))
    }

    fn users_about(
        &mut self,
        after: Option<&LoginName>,
        part: &str,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let all = self.users(after, "", u32::MAX)?;
        let holds = |user: &User| user.words().contains(part);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(all.into_iter().filter(holds).take(limit).collect())
    }

    fn users_of(&mut self, resource: ResourceId) -> Result<u64, StoreError> {
        Ok(count(
            self.users
                .values()
                .filter(|u| u.resources.contains(&resource))
                .count(),
        ))
    }

    fn guard(&mut self, user: UserId) -> Result<Guard, StoreError> {
        Ok(self.guards.get(&user).cloned().unwrap_or_default())
    }

    fn token(&mut self, id: TokenId) -> Result<Option<Token>, StoreError> {
        Ok(self.tokens.get(&id).cloned())
    }

    fn tokens_of(&mut self, user: UserId) -> Result<Vec<Token>, StoreError> {
        let own = self.tokens.values().filter(|t| t.user == user).cloned();
        Ok(sorted(own, |t| (t.created, t.id)))
    }

    fn tokens_with_phone(&mut self, phone: &Phone) -> Result<Vec<Token>, StoreError> {
        let same = self
            .tokens
            .values()
            .filter(|t| t.phone.expose() == phone.expose());
        Ok(sorted(same.cloned(), |t| (t.created, t.id)))
    }

    fn resource(&mut self, id: ResourceId) -> Result<Option<Resource>, StoreError> {
        Ok(self.resources.get(&id).cloned())
    }

    fn resource_by_key(&mut self, key: &str) -> Result<Option<Resource>, StoreError> {
        Ok(self.resources.values().find(|r| r.key() == key).cloned())
    }

    fn resources(&mut self) -> Result<Vec<Resource>, StoreError> {
        Ok(sorted(self.resources.values().cloned(), Resource::key))
    }

    fn resource_of_service(&mut self, service: &str) -> Result<Option<Resource>, StoreError> {
        let names = |service: &str| {
            self.resources
                .values()
                .find(|r| r.pam_services.iter().any(|s| s == service))
        };
        Ok(names(service).or_else(|| names("*")).cloned())
    }

    fn challenge(&mut self, id: ChallengeId) -> Result<Option<Challenge>, StoreError> {
        Ok(self.challenges.get(&id).cloned())
    }

    fn open_challenges(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Challenge>, StoreError> {
        let open = self
            .challenges
            .values()
            .filter(|c| c.user == user && c.open_at(now));
        Ok(sorted(open.cloned(), |c| (c.created, c.id)))
    }

    fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.sessions.get(&id).cloned())
    }

    fn counter(&mut self, key: CounterKey<'_>) -> Result<Counter, StoreError> {
        Ok(self.counters.get(&key.into()).copied().unwrap_or_default())
    }

    fn source_success(&mut self, user: UserId, source: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.sources.get(&(user, source.to_owned())).copied())
    }

    fn message(&mut self, id: MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.messages.get(&id).cloned())
    }

    fn test_number(&mut self, id: MessageId) -> Result<Option<Phone>, StoreError> {
        Ok(self.test_numbers.get(&id).cloned())
    }

    fn due_messages(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        let due = self
            .messages
            .values()
            .filter(|m| wake(m).is_some_and(|wake| wake <= now));
        let due = sorted(due.cloned(), |m| (m.created, m.id));
        Ok(at_most(due.into_iter(), limit))
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.messages.values().filter_map(wake).min())
    }

    fn messages(&mut self, limit: u32) -> Result<Vec<Message>, StoreError> {
        let all = sorted(self.messages.values().cloned(), |m| (m.created, m.id));
        Ok(at_most(all.into_iter().rev(), limit))
    }

    fn clients(&mut self) -> Result<Vec<RadiusClient>, StoreError> {
        Ok(sorted(self.clients.values().cloned(), |c| key(&c.name)))
    }

    fn client(&mut self, name: &str) -> Result<Option<RadiusClient>, StoreError> {
        Ok(self.clients.values().find(|c| key(&c.name) == key(name)).cloned())
    }

    fn providers(&mut self) -> Result<Vec<Provider>, StoreError> {
        Ok(sorted(self.providers.values().cloned(), |p| {
            (p.priority, key(&p.name))
        }))
    }

    fn send_policy(&mut self) -> Result<Policy, StoreError> {
        Ok(self.policy.clone())
    }

    fn audit(&mut self, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        Ok(at_most(
            self.audit.iter().filter(|row| row.seq > after).cloned(),
            limit,
        ))
    }

    fn audit_with(
        &mut self,
        (after, until): (u64, u64),
        part: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let part = part.to_ascii_lowercase();
        let fits = |row: &&AuditRow| {
            row.seq > after && row.seq <= until && row.text.to_ascii_lowercase().contains(&part)
        };
        Ok(at_most(self.audit.iter().rev().filter(fits).cloned(), limit))
    }

    fn document(&mut self, kind: &str, id: &[u8; 16]) -> Result<Option<Row>, StoreError> {
        Ok(self.documents.get(&(kind.to_owned(), *id)).cloned())
    }

    fn document_by_key(&mut self, kind: &str, key: &[u8; 32]) -> Result<Option<Row>, StoreError> {
        let mut same = self.documents_of_kind(kind).filter(|d| d.key == Some(*key));
        Ok(same.next().cloned())
    }

    fn documents_of(&mut self, kind: &str, owner: &[u8; 16]) -> Result<Vec<Row>, StoreError> {
        let own = self.documents_of_kind(kind).filter(|d| d.owner == Some(*owner));
        Ok(sorted(own.cloned(), |d| d.id))
    }

    fn documents(
        &mut self,
        kind: &str,
        after: Option<&[u8; 16]>,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError> {
        let later = self
            .documents_of_kind(kind)
            .filter(|d| after.is_none_or(|a| d.id > *a));
        Ok(at_most(sorted(later.cloned(), |d| d.id).into_iter(), limit))
    }

    fn documents_due(&mut self, kind: &str, now: Timestamp, limit: u32) -> Result<Vec<Row>, StoreError> {
        let due = self
            .documents_of_kind(kind)
            .filter(|d| d.due.is_some_and(|due| due <= now));
        Ok(at_most(
            sorted(due.cloned(), |d| (d.due, d.id)).into_iter(),
            limit,
        ))
    }

    fn next_document_due(&mut self, kind: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.documents_of_kind(kind).filter_map(|d| d.due).min())
    }

    fn last_success(&mut self, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        let own = self.sources.iter().filter(|((of, _), _)| *of == user);
        Ok(own.map(|(_, at)| *at).max())
    }

    fn totals(&mut self, now: Timestamp) -> Result<Totals, StoreError> {
        let open = |c: &&Challenge| c.state == State::Open && now < c.deadline;
        Ok(Totals {
            users: count(self.users.len()),
            tokens: count(self.tokens.len()),
            resources: count(self.resources.len()),
            open_challenges: count(self.challenges.values().filter(open).count()),
            waiting_texts: count(self.messages.values().filter(|m| wake(m).is_some()).count()),
            audit_rows: count(self.audit.len()),
        })
    }
}

impl Tx for Model {
    fn put_user(&mut self, user: &User) -> Result<(), StoreError> {
        let others = || self.users.values().filter(|u| u.id != user.id);
        free(others().any(|u| answers_to(u, &user.name)), "login")?;
        for alias in &user.aliases {
            free(others().any(|u| answers_to(u, alias)), "alias")?;
        }
        let email = user.email.as_deref().map(key);
        let same = |u: &User| email.is_some() && u.email.as_deref().map(key) == email;
        free(others().any(same), "email")?;
        self.users.insert(user.id, user.clone());
        Ok(())
    }

    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.users.remove(&id);
        self.guards.remove(&id);
        self.tokens.retain(|_, t| t.user != id);
        let goes = |c: &Challenge| c.user == id && c.state == State::Open;
        let challenges = &self.challenges;
        self.sessions
            .retain(|_, s| !challenges.get(&s.challenge).is_some_and(goes));
        self.challenges.retain(|_, c| !goes(c));
        self.sources.retain(|(user, _), _| *user != id);
        self.documents.retain(|_, d| d.owner != Some(id.0));
        self.counters.retain(|subject, _| match subject {
            Subject::User(user) | Subject::From(user, _) | Subject::Of(user) => *user != id,
            Subject::Number(_) | Subject::Source(_) | Subject::All | Subject::Portal(_) => true,
        });
        Ok(())
    }

    fn put_guard(&mut self, user: UserId, guard: &Guard) -> Result<(), StoreError> {
        self.guards.insert(user, guard.clone());
        Ok(())
    }

    fn put_token(&mut self, token: &Token) -> Result<(), StoreError> {
        self.tokens.insert(token.id, token.clone());
        Ok(())
    }

    fn delete_token(&mut self, id: TokenId) -> Result<(), StoreError> {
        self.tokens.remove(&id);
        Ok(())
    }

    fn put_resource(&mut self, resource: &Resource) -> Result<(), StoreError> {
        let others = || self.resources.values().filter(|r| r.id != resource.id);
        free(others().any(|r| r.key() == resource.key()), "resource name")?;
        let clash = |r: &Resource| r.pam_services.iter().any(|s| resource.pam_services.contains(s));
        free(others().any(clash), "pam service")?;
        self.resources.insert(resource.id, resource.clone());
        Ok(())
    }

    fn delete_resource(&mut self, id: ResourceId) -> Result<(), StoreError> {
        let clients = sorted(self.clients.values().cloned(), |c| key(&c.name));
        if let Some(client) = clients.iter().find(|c| c.resource == id) {
            let by = format!("RADIUS client {}", client.name);
            return Err(StoreError::InUse { by });
        }
        self.resources.remove(&id);
        Ok(())
    }

    fn put_challenge(&mut self, challenge: &Challenge) -> Result<(), StoreError> {
        self.challenges.insert(challenge.id, challenge.clone());
        Ok(())
    }

    fn put_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.sessions.insert(session.id, session.clone());
        Ok(())
    }

    fn put_counter(&mut self, key: CounterKey<'_>, counter: &Counter) -> Result<(), StoreError> {
        self.counters.insert(key.into(), *counter);
        Ok(())
    }

    fn delete_counter(&mut self, key: CounterKey<'_>) -> Result<(), StoreError> {
        self.counters.remove(&key.into());
        Ok(())
    }

    fn put_source_success(&mut self, user: UserId, source: &str, now: Timestamp) -> Result<(), StoreError> {
        self.sources.insert((user, source.to_owned()), now);
        Ok(())
    }

    fn put_message(&mut self, message: &Message) -> Result<(), StoreError> {
        self.messages.insert(message.id, message.clone());
        Ok(())
    }

    fn put_test_number(&mut self, id: MessageId, phone: &Phone) -> Result<(), StoreError> {
        self.test_numbers.insert(id, phone.clone());
        Ok(())
    }

    fn put_client(&mut self, client: &RadiusClient) -> Result<(), StoreError> {
        let clash = |c: &RadiusClient| c.id != client.id && key(&c.name) == key(&client.name);
        free(self.clients.values().any(clash), "client name")?;
        self.clients.insert(client.id, client.clone());
        Ok(())
    }

    fn delete_client(&mut self, id: ClientId) -> Result<(), StoreError> {
        self.clients.remove(&id);
        Ok(())
    }

    fn put_provider(&mut self, provider: &Provider) -> Result<(), StoreError> {
        let clash = |p: &Provider| p.id != provider.id && key(&p.name) == key(&provider.name);
        free(self.providers.values().any(clash), "provider name")?;
        self.providers.insert(provider.id, provider.clone());
        Ok(())
    }

    fn delete_provider(&mut self, id: ProviderId) -> Result<(), StoreError> {
        self.providers.remove(&id);
        Ok(())
    }

    fn put_send_policy(&mut self, policy: &Policy) -> Result<(), StoreError> {
        self.policy = policy.clone();
        Ok(())
    }

    fn put_document(&mut self, row: &Row) -> Result<(), StoreError> {
        let clash = |d: &Row| d.id != row.id && row.key.is_some() && d.key == row.key;
        free(self.documents_of_kind(&row.kind).any(clash), "key")?;
        self.documents.insert((row.kind.clone(), row.id), row.clone());
        Ok(())
    }

    fn delete_document(&mut self, kind: &str, id: &[u8; 16]) -> Result<(), StoreError> {
        self.documents.remove(&(kind.to_owned(), *id));
        Ok(())
    }

    fn append_audit(&mut self, event: &Event) -> Result<(), StoreError> {
        let text = serde_json::to_string(event).map_err(|e| StoreError::Refused(e.to_string()))?;
        let last = self.audit.last().map_or([0; 32], |row| row.hash);
        self.audit.push(AuditRow {
            seq: count(self.audit.len()) + 1,
            hash: link(&last, &text),
            text,
        });
        Ok(())
    }

    fn sweep(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let two_days = DAY.saturating_mul(2);
        let old = self.challenges.values().filter(|c| c.deadline < now.minus(DAY));
        let challenges = at_most(sorted(old.map(|c| (c.deadline, c.id)), |c| *c).into_iter(), limit);
        let old = self.messages.values().filter(|m| m.created < now.minus(MONTH));
        let messages = at_most(sorted(old.map(|m| (m.created, m.id)), |m| *m).into_iter(), limit);
        let stale = |c: &Counter| c.day.start < now.minus(two_days) && c.short.start < now.minus(two_days);
        let old = self.counters.iter().filter(|(_, c)| stale(c));
        let counters = sorted(old.map(|(s, c)| (c.day.start, s.clone())), Clone::clone);
        let counters = at_most(counters.into_iter(), limit);
        let old = self.sources.iter().filter(|(_, at)| **at < now.minus(MONTH));
        let sources = sorted(old.map(|(s, at)| (*at, s.clone())), Clone::clone);
        let sources = at_most(sources.into_iter(), limit);
        for (_, id) in &challenges {
            self.challenges.remove(id);
            self.sessions.retain(|_, s| s.challenge != *id);
        }
        for (_, id) in &messages {
            self.messages.remove(id);
            self.test_numbers.remove(id);
        }
        for (_, subject) in &counters {
            self.counters.remove(subject);
        }
        for (_, source) in &sources {
            self.sources.remove(source);
        }
        Ok(count(
            challenges.len() + messages.len() + counters.len() + sources.len(),
        ))
    }
}
