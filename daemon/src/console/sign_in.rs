//! The first factor of an administrator. Unknown, wrong, locked and not set up look and last alike.
//!
//! Wrong passwords close the way in under the typed name for the network they come from, and then the network for all names; they
//! never lock the administrator. They count for names of nobody too.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::challenge::Label;
use otpost_core::code::Digits;
use otpost_core::ids::{PortalSessionId, Reference, UserId, VerificationId};
use otpost_core::limits::{Counter, HOUR, LOGIN_FAILURES, LOGIN_STORM, LOGIN_WINDOW, MONTH};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::portal::administrator::{Administrator, SIGN_IN, TRIES};
use otpost_core::portal::flow::CodeFlow;
use otpost_core::portal::verification::{For, Owner, Verification};
use otpost_ipc::Secret;
use otpost_ipc::portal::{Browser, Next, PortalReply};
use otpost_store::{CounterKey, Read, StoreError, Tx};
use tracing::warn;
use zeroize::Zeroizing;

use super::{Said, by_login, factor, session};
use crate::admin::AdminError;
use crate::login::shown;
use crate::refused;
use crate::state::Daemon;

/// Wrong passwords from one network under all names together until it is closed.
const NETWORK_FAILURES: u32 = 30;

/// Who knocks.
#[derive(Clone)]
struct Knock {
    /// As it is compared; a name that nobody can have stands for itself.
    name: String,
    source: Source,
}

impl Knock {
    fn keys(&self) -> [String; 3] {
        let (name, network) = (&self.name, self.source.key());
        [
            format!("console password {name} from {network}"),
            format!("console password from {network}"),
            format!("console password {name}"),
        ]
    }

    /// Seconds for which passwords are not looked at; `None` while they are.
    fn closed(&self, read: &mut dyn Read, known: bool, now: Timestamp) -> Result<Option<u32>, StoreError> {
        let [pair, network, name] = self.keys();
        let mut shut = |key: &str, length, limit| -> Result<Option<u32>, StoreError> {
            let short = read.counter(CounterKey::Portal(key))?.short;
            let over = short.count_at(now, length) >= limit;
            Ok(over.then(|| short.seconds_left(now, length).max(1)))
        };
        if let Some(wait) = shut(&pair, LOGIN_WINDOW, LOGIN_FAILURES)? {
            return Ok(Some(wait));
        }
        if let Some(wait) = shut(&network, LOGIN_WINDOW, NETWORK_FAILURES)? {
            return Ok(Some(wait));
        }
        let storm = shut(&name, HOUR, LOGIN_STORM)?;
        Ok(storm.filter(|_| !known))
    }

    fn failed(&self, tx: &mut dyn Tx, now: Timestamp) -> Result<(), StoreError> {
        let [pair, network, name] = self.keys();
        let mut count = |key: &str, next: &dyn Fn(Counter) -> Counter| {
            let counter = next(tx.counter(CounterKey::Portal(key))?);
            tx.put_counter(CounterKey::Portal(key), &counter)
        };
        count(&pair, &|counter| counter.failed_password(now))?;
        count(&network, &|counter| counter.hit(now, LOGIN_WINDOW))?;
        count(&name, &|counter| counter.hit(now, HOUR))
    }

    fn succeeded(&self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        let [pair, ..] = self.keys();
        tx.delete_counter(CounterKey::Portal(&pair))
    }
}

/// Under which id networks from which an administrator signed in are kept.
pub(super) fn source_owner(admin: &Administrator) -> UserId {
    UserId(admin.id.0)
}

/// Decides an administrator's password.
pub(super) async fn sign_in(
    daemon: &Arc<Daemon>,
    user: &str,
    password: &Secret,
    browser: Browser,
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    let now = daemon.now();
    let login = LoginName::parse(user.trim()).map_or_else(|_| shown(user), |name| name.to_string());
    let knock = Knock {
        name: login.clone(),
        source: Source::new(&browser.source, "console"),
    };
    let asked = knock.clone();
    let (admin, closed) = daemon
        .read(move |read| {
            let admin = by_login(read, &asked.name)?;
            let known = match &admin {
                Some(admin) => {
                    let last = read.source_success(source_owner(admin), &asked.source.key())?;
                    last.is_some_and(|at| now < at.plus(MONTH))
                }
                None => false,
            };
            let closed = asked.closed(read, known, now)?;
            Ok((admin, closed))
        })
        .await?;
    if let Some(seconds) = closed {
        let said = Said {
            kind: "denied",
            reason: "closed",
            login: &login,
            source: &knock.source,
            detail: String::new(),
        };
        refused::console(daemon, knock.source.key(), said.event(reference, now)).await;
        return Ok(refuse(reference, Some(seconds)));
    }
    let reason = match &admin {
        None => "unknown",
        Some(admin) if admin.locked => "locked",
        Some(admin) if admin.password.is_none() => "not-set-up",
        Some(_) => "password",
    };
    let stored = admin
        .filter(Administrator::active)
        .and_then(|admin| admin.password);
    let typed = Zeroizing::new(password.expose().to_owned());
    let right = super::right(daemon, typed, stored.clone()).await?;
    let mut rng = daemon.rng();
    let known = reference.clone();
    let lang = browser.lang.clone();
    let passed = daemon
        .write(move |tx| {
            // The password that was checked must still be the administrator's.
            let admin = by_login(tx, &login)?
                .filter(Administrator::active)
                .filter(|admin| right && admin.password == stored);
            let Some(admin) = admin else {
                knock.failed(tx, now)?;
                let said = Said {
                    kind: "denied",
                    reason,
                    login: &login,
                    source: &knock.source,
                    detail: String::new(),
                };
                said.record(tx, &known, now)?;
                return Ok(None);
            };
            knock.succeeded(tx)?;
            let verification = Verification {
                id: VerificationId::random(&mut rng),
                session: PortalSessionId::random(&mut rng),
                owner: Some(Owner::Admin(admin.id)),
                resource: None,
                purpose: For::SignIn,
                token: None,
                name: String::new(),
                email: None,
                digits: Digits::SIX,
                label: Label::random(&mut rng),
                flow: CodeFlow {
                    sends: 0,
                    ..CodeFlow::start(SIGN_IN, TRIES, now)
                },
                text: None,
                refused: String::new(),
                source: knock.source.clone(),
            };
            let start = session::Start {
                admin: admin.id,
                source: &knock.source,
                agent: &browser.agent,
                lang: &browser.lang,
            };
            let value = session::half(tx, &mut rng, &start, &verification, now)?;
            let ask = factor::ask(tx, &admin, &verification, now)?;
            Ok(Some((value, ask)))
        })
        .await?;
    let Some((value, ask)) = passed else {
        warn!(%reference, reason, "a sign-in to the console was refused");
        return Ok(refuse(reference, None));
    };
    Ok(PortalReply::Signed {
        session: Secret::from(value.as_str()),
        max_age: u32::try_from(SIGN_IN.as_secs()).unwrap_or(u32::MAX),
        next: Next::Factor(ask),
        lang,
        codes: Vec::new(),
    })
}

fn refuse(reference: &Reference, retry_after: Option<u32>) -> PortalReply {
    PortalReply::Refused {
        retry_after,
        reference: reference.to_string(),
    }
}
