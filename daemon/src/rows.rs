//! What a decision looks at, loaded from the store, and what it changes, written back.

use std::net::IpAddr;
use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::access::{self, Remembered};
use otpost_core::challenge::{Challenge, Session};
use otpost_core::gate::{Counts, Policy};
use otpost_core::ids::{SessionId, UserId};
use otpost_core::keys::Keyring;
use otpost_core::limits::Guard;
use otpost_core::limits::{Counter, HOUR, MONTH};
use otpost_core::login::decoy::Decoy;
use otpost_core::login::{AnswerView, BeginView, Change, Found, Sending, Step, token_of};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::phone::Phone;
use otpost_core::resource::Resource;
use otpost_core::token::Token;
use otpost_core::user::User;
use otpost_store::{CounterKey, Read, StoreError, Tx, document};

use crate::admin::remembered;
use crate::outbox::{Asks, Job, lease_now};
use crate::providers::Usable;

/// Counters and policy of sending.
#[derive(Debug, Default)]
pub(crate) struct SendingRows {
    policy: Policy,
    counts: Counts,
    known_source: bool,
}

impl SendingRows {
    fn load(
        read: &mut dyn Read,
        user: UserId,
        phone: Option<&Phone>,
        source: &Source,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let known = read.source_success(user, &source.key())?;
        Ok(Self {
            policy: read.send_policy()?,
            counts: match phone {
                Some(phone) => counts(read, phone, Some(user), source.network().as_deref())?,
                None => Counts::default(),
            },
            known_source: known.is_some_and(|at| now < at.plus(MONTH)),
        })
    }

    pub(crate) fn view<'a>(&'a self, keys: &'a Keyring) -> Sending<'a> {
        Sending {
            policy: &self.policy,
            counts: &self.counts,
            known_source: self.known_source,
            keys,
        }
    }
}

/// Counters of texts for a number, a user, a source and in all. Without a network there is no source to count for: a VPN that
/// names no addresses would be one source for everybody.
pub(crate) fn counts(
    read: &mut dyn Read,
    phone: &Phone,
    user: Option<UserId>,
    network: Option<&str>,
) -> Result<Counts, StoreError> {
    Ok(Counts {
        number: read.counter(CounterKey::TextsToNumber(phone))?,
        user: match user {
            Some(user) => read.counter(CounterKey::TextsForUser(user))?,
            None => Counter::default(),
        },
        source: match network {
            Some(network) => read.counter(CounterKey::TextsForSource(network))?,
            None => Counter::default(),
        },
        all: read.counter(CounterKey::TextsInAll)?,
    })
}

/// Stores counters of texts.
pub(crate) fn put_counts(
    tx: &mut dyn Tx,
    counts: &Counts,
    phone: &Phone,
    user: Option<UserId>,
    network: Option<&str>,
) -> Result<(), StoreError> {
    tx.put_counter(CounterKey::TextsToNumber(phone), &counts.number)?;
    if let Some(user) = user {
        tx.put_counter(CounterKey::TextsForUser(user), &counts.user)?;
    }
    if let Some(network) = network {
        tx.put_counter(CounterKey::TextsForSource(network), &counts.source)?;
    }
    tx.put_counter(CounterKey::TextsInAll, &counts.all)
}

/// Rows for the first request of a login.
#[derive(Debug, Default)]
pub(crate) struct BeginRows {
    pub(crate) resource: Option<Resource>,
    pub(crate) user: Option<User>,
    guard: Guard,
    tokens: Vec<Token>,
    open: Vec<Challenge>,
    same_attempt: Option<(Challenge, Session)>,
    source_failures: Counter,
    user_failures: Counter,
    remembered: Option<Remembered>,
    decoy: Option<Decoy>,
    sending: SendingRows,
}

/// What [`BeginRows::load`] goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BeginKey<'a> {
    pub(crate) name: Option<&'a LoginName>,
    pub(crate) source: &'a Source,
    pub(crate) session: SessionId,
    /// Whether a password is checked here: only then wrong ones are looked at.
    pub(crate) password: bool,
    /// Whether refusals are told as challenges.
    pub(crate) hidden: bool,
    /// Client and trusted address under which a code may be remembered.
    pub(crate) remembered: Option<(&'a str, IpAddr)>,
    pub(crate) now: Timestamp,
}

impl BeginRows {
    pub(crate) fn load(
        read: &mut dyn Read,
        resource: Option<Resource>,
        key: &BeginKey<'_>,
    ) -> Result<Self, StoreError> {
        let user = match key.name {
            Some(name) => read.user_by_name(name)?,
            None => None,
        };
        let decoy = if key.hidden {
            document::get(read, &key.session.0)?
        } else {
            None
        };
        let Some(user) = user else {
            // A number that is made up is one of a country that may be texted.
            let policy = if key.hidden {
                read.send_policy()?
            } else {
                Policy::default()
            };
            return Ok(Self {
                resource,
                decoy,
                sending: SendingRows {
                    policy,
                    ..SendingRows::default()
                },
                ..Self::default()
            });
        };
        let source = key.source.key();
        let id = user.id;
        let tokens = read.tokens_of(id)?;
        let phone = resource
            .as_ref()
            .and_then(|r| token_of(r, &tokens))
            .map(|t| &t.phone);
        let sending = SendingRows::load(read, id, phone, key.source, key.now)?;
        let same_attempt = match read.session(key.session)? {
            Some(session) => read
                .challenge(session.challenge)?
                .map(|challenge| (challenge, session)),
            None => None,
        };
        let (source_failures, user_failures) = if key.password {
            (
                read.counter(CounterKey::PasswordsFromSource(id, &source))?,
                read.counter(CounterKey::PasswordsOfUser(id))?,
            )
        } else {
            Default::default()
        };
        let remembered = match (&resource, key.remembered) {
            (Some(resource), Some((group, address))) if resource.access.remember_minutes > 0 => {
                document::get(read, &access::remembered_id(id, resource.id, group, address))?
            }
            _ => None,
        };
        Ok(Self {
            resource,
            guard: read.guard(id)?,
            open: read.open_challenges(id, key.now)?,
            same_attempt,
            source_failures,
            user_failures,
            remembered,
            decoy,
            sending,
            tokens,
            user: Some(user),
        })
    }

    pub(crate) fn view<'a>(&'a self, keys: &'a Keyring) -> BeginView<'a> {
        BeginView {
            resource: self.resource.as_ref(),
            user: self.user.as_ref(),
            guard: &self.guard,
            tokens: &self.tokens,
            open: &self.open,
            same_attempt: self.same_attempt.as_ref().map(|(c, s)| (c, s)),
            source_failures: &self.source_failures,
            user_failures: &self.user_failures,
            remembered: self.remembered.as_ref(),
            decoy: self.decoy.as_ref(),
            sending: self.sending.view(keys),
        }
    }

    /// The token a text of this login would go to.
    pub(crate) fn token(&self) -> Option<&Token> {
        token_of(self.resource.as_ref()?, &self.tokens)
    }
}

/// Rows for a further request of a login.
#[derive(Debug)]
pub(crate) struct AnswerRows {
    session: Session,
    next: Option<Session>,
    pub(crate) challenge: Challenge,
    pub(crate) resource: Option<Resource>,
    pub(crate) user: Option<User>,
    pub(crate) token: Option<Token>,
    guard: Guard,
    sending: SendingRows,
}

impl AnswerRows {
    pub(crate) fn load(
        read: &mut dyn Read,
        id: SessionId,
        resends: bool,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let Some(session) = read.session(id)? else {
            return Ok(None);
        };
        let Some(challenge) = read.challenge(session.challenge)? else {
            return Ok(None);
        };
        let next = match session.answered {
            Some((_, otpost_core::challenge::Answered::Again(next))) => read.session(next)?,
            _ => None,
        };
        let token = read.token(challenge.token)?;
        // Only a resend looks at what was sent before.
        let sending = if resends {
            let phone = token.as_ref().map(|t| &t.phone);
            SendingRows::load(read, challenge.user, phone, &challenge.source, now)?
        } else {
            SendingRows::default()
        };
        Ok(Some(Self {
            resource: read.resource(challenge.resource)?,
            user: read.user(challenge.user)?,
            guard: read.guard(challenge.user)?,
            session,
            next,
            challenge,
            token,
            sending,
        }))
    }

    /// The user this name is of: the login's own, or somebody whose session this is not.
    pub(crate) fn named(&self, name: Option<&LoginName>) -> UserId {
        let own = |user: &&User| name.is_some_and(|n| user.name == *n || user.aliases.contains(n));
        self.user
            .as_ref()
            .filter(own)
            .map_or(UserId([0; 16]), |user| user.id)
    }

    pub(crate) fn view<'a>(&'a self, keys: &'a Keyring) -> AnswerView<'a> {
        AnswerView {
            found: Some(Found {
                session: &self.session,
                next: self.next.as_ref(),
                challenge: &self.challenge,
                resource: self.resource.as_ref(),
                user: self.user.as_ref(),
                token: self.token.as_ref(),
                guard: &self.guard,
            }),
            sending: self.sending.view(keys),
        }
    }
}

/// Whose rows a step's changes belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) user: Option<UserId>,
    pub(crate) token: Option<&'a Token>,
    pub(crate) source: &'a Source,
    /// Name of the resource, for the text.
    pub(crate) resource: &'a str,
    pub(crate) now: Timestamp,
}

/// How a text may leave right after the commit.
pub(crate) struct Direct {
    pub(crate) usable: Arc<Usable>,
    pub(crate) keys: Keyring,
}

/// Stores what `step` changes. With `direct`, a text is leased at once; the job is to be launched after the commit.
pub(crate) fn apply(
    tx: &mut dyn Tx,
    step: &Step,
    owner: &Owner<'_>,
    direct: Option<&Direct>,
) -> Result<Option<Job>, StoreError> {
    let mut job = None;
    let source = owner.source.key();
    let now = owner.now;
    for change in &step.changes {
        match (change, owner.user, owner.token) {
            (Change::Challenge(challenge), ..) => tx.put_challenge(challenge)?,
            (Change::Session(session), ..) => tx.put_session(session)?,
            (Change::Queue(message), ..) => {
                let challenge = step.changes.iter().find_map(|change| match change {
                    Change::Challenge(challenge) => Some(challenge.as_ref()),
                    _ => None,
                });
                match (direct, challenge, owner.token) {
                    (Some(direct), Some(challenge), Some(token)) => {
                        let asks = Asks {
                            challenge,
                            resource: owner.resource,
                            phone: &token.phone,
                            keys: &direct.keys,
                        };
                        let (message, leased) = lease_now(message, &asks, &direct.usable, now);
                        tx.put_message(&message)?;
                        job = leased;
                    }
                    _ => tx.put_message(message)?,
                }
            }
            (Change::Guard(guard), Some(user), _) => remembered::guard(tx, user, guard, now)?,
            (Change::Counts(counts), Some(user), Some(token)) => {
                put_counts(
                    tx,
                    counts,
                    &token.phone,
                    Some(user),
                    owner.source.network().as_deref(),
                )?;
            }
            (Change::LoginFailure, Some(user), _) => {
                let key = CounterKey::PasswordsFromSource(user, &source);
                let counter = tx.counter(key)?.failed_password(now);
                tx.put_counter(key, &counter)?;
                let key = CounterKey::PasswordsOfUser(user);
                let counter = tx.counter(key)?.hit(now, HOUR);
                tx.put_counter(key, &counter)?;
            }
            (Change::LoginSuccess, Some(user), _) => {
                // A source is known for a month: its last hour is not worth a row changed at every login.
                let known = tx.source_success(user, &source)?;
                if known.is_none_or(|at| now < at || now >= at.plus(HOUR)) {
                    tx.put_source_success(user, &source, now)?;
                }
                tx.delete_counter(CounterKey::PasswordsFromSource(user, &source))?;
            }
            (Change::TokenVerified, _, Some(token)) => {
                tx.put_token(&Token {
                    verified: true,
                    ..token.clone()
                })?;
            }
            (Change::Remember(entry), ..) => document::put(tx, entry.as_ref())?,
            (Change::Decoy(decoy), ..) => document::put(tx, decoy.as_ref())?,
            // A change without its row would be lost: roll everything back instead.
            _ => {
                return Err(StoreError::Damaged(
                    "a login refers to a missing user or token".to_owned(),
                ));
            }
        }
    }
    Ok(job)
}
