//! Second factors of a person: loaded, offered, and what typing one changes.

use crate::admin::remembered;
use otpost_core::Timestamp;
use otpost_core::ids::{ResourceId, UserId};
use otpost_core::limits::{Guard, HOUR, LOGIN_FAILURES, LOGIN_WINDOW};
use otpost_core::net::Source;
use otpost_core::portal::answer::Change;
use otpost_core::portal::factors::{Factors, HelpdeskCode, Method, RecoverySet, TotpToken, Way};
use otpost_core::portal::sign_in;
use otpost_core::token::Token;
use otpost_ipc::portal::{self, MethodView};
use otpost_store::{CounterKey, Read, StoreError, Tx, document};

/// The second factors of `user` but for recovery codes, which are for one portal: see [`at`].
pub(crate) fn load(read: &mut dyn Read, user: UserId) -> Result<Factors, StoreError> {
    Ok(Factors {
        sms: read.tokens_of(user)?,
        totp: document::of::<TotpToken>(read, &user.0)?,
        recovery: None,
        helpdesk: document::get::<HelpdeskCode>(read, &user.0)?,
    })
}

/// The second factors of `user` on the portal of `resource`.
pub(crate) fn at(read: &mut dyn Read, user: UserId, resource: ResourceId) -> Result<Factors, StoreError> {
    Ok(Factors {
        recovery: codes(read, user, resource)?,
        ..load(read, user)?
    })
}

/// The recovery codes of `user` that open the portal of `resource`.
pub(crate) fn codes(
    read: &mut dyn Read,
    user: UserId,
    resource: ResourceId,
) -> Result<Option<RecoverySet>, StoreError> {
    let mut all = document::of::<RecoverySet>(read, &user.0)?.into_iter();
    Ok(all.find(|codes| codes.opens(resource)))
}

/// A method in the words of the wire.
pub(crate) fn on_wire(method: Method) -> portal::Method {
    match method {
        Method::Sms => portal::Method::Sms,
        Method::Totp => portal::Method::Totp,
        Method::Recovery => portal::Method::Recovery,
        Method::Helpdesk => portal::Method::Helpdesk,
        Method::Mail => portal::Method::Mail,
        Method::Password => portal::Method::Password,
    }
}

/// A method as the core knows it.
pub(crate) fn from_wire(method: portal::Method) -> Method {
    match method {
        portal::Method::Sms => Method::Sms,
        portal::Method::Totp => Method::Totp,
        portal::Method::Recovery => Method::Recovery,
        portal::Method::Helpdesk => Method::Helpdesk,
        portal::Method::Mail => Method::Mail,
        portal::Method::Password => Method::Password,
    }
}

/// Ways as pages show them.
pub(crate) fn views(ways: &[Way]) -> Vec<MethodView> {
    ways.iter()
        .map(|way| MethodView {
            method: on_wire(way.method),
            name: way.name.clone(),
        })
        .collect()
}

/// Names the counters of wrong passwords and codes that are not the user's own: names of nobody have them too.
pub(crate) fn counted(what: &str, name: &str, source: Option<&Source>) -> String {
    let name: String = name.chars().take(64).collect();
    match source {
        Some(source) => format!("{what} {name} {}", source.key()),
        None => format!("{what} {name}"),
    }
}

/// Wrong recovery and helpdesk codes of a user.
pub(crate) fn spare_key(user: UserId) -> String {
    format!("spare {user}")
}

/// Wrong codes from e-mails of a user, under all their names.
fn mail_key(user: UserId, source: &Source) -> String {
    counted("mail-wrong-of", &user.to_string(), Some(source))
}

/// Whether codes from e-mails of a user are not looked at in this network, whatever name was typed.
pub(crate) fn mail_shut(
    read: &mut dyn Read,
    user: UserId,
    source: &Source,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let failures = read.counter(CounterKey::Portal(&mail_key(user, source)))?;
    Ok(sign_in::mail_shut(&failures, source, now).is_some())
}

/// Whose rows the changes of an answer belong to.
pub(crate) struct Whose<'a> {
    /// The person; absent for a name of nobody.
    pub(crate) user: Option<UserId>,
    /// Name under which wrong codes from e-mails count.
    pub(crate) name: &'a str,
    pub(crate) source: &'a Source,
    pub(crate) now: Timestamp,
}

/// Stores what an answer changes.
pub(crate) fn apply(tx: &mut dyn Tx, changes: &[Change], whose: &Whose<'_>) -> Result<(), StoreError> {
    let lost = || StoreError::Damaged("an answer refers to a missing user or token".to_owned());
    let (source, now) = (whose.source, whose.now);
    for change in changes {
        match (change, whose.user) {
            (Change::Verification(verification), _) => document::put(tx, verification.as_ref())?,
            (Change::MailFailure, user) => {
                let typed = counted("mail-wrong", whose.name, Some(source));
                let own = user.map(|user| mail_key(user, source));
                for key in own.iter().chain([&typed]) {
                    let counter = tx.counter(CounterKey::Portal(key))?.failed_password(now);
                    tx.put_counter(CounterKey::Portal(key), &counter)?;
                }
            }
            (Change::Guard(guard), Some(user)) => remembered::guard(tx, user, guard, now)?,
            (Change::Totp(app), Some(_)) => document::put(tx, app.as_ref())?,
            (Change::Recovery(set), Some(_)) => document::put(tx, set.as_ref())?,
            (Change::HelpdeskUsed, Some(user)) => document::delete::<HelpdeskCode>(tx, &user.0)?,
            (Change::TokenVerified(id), Some(_)) => {
                let token = tx.token(*id)?.ok_or_else(lost)?;
                tx.put_token(&Token {
                    verified: true,
                    ..token
                })?;
            }
            (Change::SourceKnown, Some(user)) => {
                tx.put_source_success(user, &source.key(), now)?;
                tx.delete_counter(CounterKey::PasswordsFromSource(user, &source.key()))?;
            }
            (Change::SpareFailure, Some(user)) => {
                let key = spare_key(user);
                let counter = tx.counter(CounterKey::Portal(&key))?.hit(now, HOUR);
                tx.put_counter(CounterKey::Portal(&key), &counter)?;
            }
            (Change::PasswordFailure, Some(user)) => wrong_password(tx, user, source, now)?,
            // A change without its row would be lost: roll everything back instead.
            (_, None) => return Err(lost()),
        }
    }
    Ok(())
}

/// Seconds for which passwords of a user from a source are not looked at; `None` while they are.
pub(crate) fn password_closed(
    read: &mut dyn Read,
    user: UserId,
    source: &Source,
    now: Timestamp,
) -> Result<Option<u32>, StoreError> {
    if source.address.is_none() {
        return Ok(None);
    }
    let key = source.key();
    let short = read.counter(CounterKey::PasswordsFromSource(user, &key))?.short;
    let shut = short.count_at(now, LOGIN_WINDOW) >= LOGIN_FAILURES;
    Ok(shut.then(|| short.seconds_left(now, LOGIN_WINDOW).max(1)))
}

/// Counts one more wrong password of a user.
pub(crate) fn wrong_password(
    tx: &mut dyn Tx,
    user: UserId,
    source: &Source,
    now: Timestamp,
) -> Result<(), StoreError> {
    let network = source.key();
    let key = CounterKey::PasswordsFromSource(user, &network);
    let counter = tx.counter(key)?.failed_password(now);
    tx.put_counter(key, &counter)?;
    let key = CounterKey::PasswordsOfUser(user);
    let counter = tx.counter(key)?.hit(now, HOUR);
    tx.put_counter(key, &counter)
}

/// Whether the second factor of a person is locked.
pub(crate) fn locked(guard: &Guard, now: Timestamp) -> bool {
    guard.lock_at(now).is_some()
}
