//! Requests of administrators by console and REST API: who asks, whether they may, and then the code that serves otpostctl.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::Reference;
use otpost_core::net::Source;
use otpost_core::portal::administrator::{Administrator, ApiKey, Maker, Role, Scope};
use otpost_core::portal::permission::both;
use otpost_core::portal::session::fingerprint;
use otpost_ipc::admin::AdminOp;
use otpost_ipc::portal::{Browser, PortalReply};
use otpost_ipc::{Outcome, Secret};
use otpost_store::{Read, StoreError, Tx, document};
use tracing::warn;

use super::session::holder;
use super::{Said, authorise, fault};
use crate::admin::{self, AdminError, Caller};
use crate::refused;
use crate::state::Daemon;

/// How exact the time of a key's last use is.
const USED_EVERY: Duration = Duration::from_secs(60);

/// A request of the console.
pub(super) async fn console(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    op: AdminOp,
    reference: Reference,
) -> Outcome<PortalReply> {
    let held = match holder(daemon, cookie).await {
        Ok(Some(held)) => held,
        Ok(None) => return Outcome::Ok(PortalReply::SignedOut),
        Err(error) => return Outcome::Err(fault(&error.into(), &reference)),
    };
    let caller = Caller {
        actor: format!("console {}", held.admin.name),
        role: held.admin.role,
        scope: held.admin.scope,
        source: held.session.source.shown(),
        maker: Maker::Administrator(held.admin.id),
    };
    carry_out(
        daemon,
        caller,
        (held.admin.name.as_str(), &held.session.source),
        op,
        reference,
    )
    .await
}

/// A request of the REST API.
pub(super) async fn api(
    daemon: &Arc<Daemon>,
    key: &Secret,
    op: AdminOp,
    browser: &Browser,
    reference: Reference,
) -> Outcome<PortalReply> {
    let source = Source::new(&browser.source, "api");
    let now = daemon.now();
    let refusal = match known(daemon, key, now).await {
        Ok(Ok(Found { key, role, scope })) => {
            let login = format!("api {}", key.name);
            let caller = Caller {
                actor: login.clone(),
                role,
                scope,
                source: source.shown(),
                maker: Maker::Key(key.id),
            };
            return carry_out(daemon, caller, (&login, &source), op, reference).await;
        }
        Ok(Err(refusal)) => refusal,
        Err(error) => return Outcome::Err(fault(&error.into(), &reference)),
    };
    let said = Said {
        kind: "denied",
        reason: refusal.reason,
        login: &refusal.login,
        source: &source,
        detail: refusal.detail,
    };
    refused::console(daemon, source.key(), said.event(&reference, now)).await;
    Outcome::Ok(PortalReply::Refused {
        retry_after: None,
        reference: reference.to_string(),
    })
}

/// A key with what it may do now.
struct Found {
    key: ApiKey,
    role: Role,
    scope: Scope,
}

/// Why a key opens nothing, for the audit log. Who sends it is told no more than of a key that is unknown.
struct Refusal {
    reason: &'static str,
    /// The key, where it is one.
    login: String,
    detail: String,
}

/// Keys that were made by keys, one after the other: more than these are taken for a mistake.
const MAKERS: usize = 16;

/// The key with what it may do at `now`: never more than its maker may now, whatever it was made with.
fn find(
    read: &mut dyn Read,
    secret: &[u8; 32],
    now: Timestamp,
) -> Result<Result<Found, Refusal>, StoreError> {
    let lives = |key: &ApiKey| key.ends.is_none_or(|ends| now < ends);
    let Some(key) = document::by_key::<ApiKey>(read, secret)?.filter(lives) else {
        return Ok(Err(Refusal {
            reason: "key",
            login: String::new(),
            detail: "an API key that is unknown or has ended".to_owned(),
        }));
    };
    let refused = |reason, why: &str| {
        Ok(Err(Refusal {
            reason,
            login: format!("api {}", key.name),
            detail: format!("the API key {} was made by {}, {why}", key.name, key.by),
        }))
    };
    let (mut role, mut scope, mut maker) = (key.role, key.scope.clone(), key.maker);
    for _ in 0..MAKERS {
        let own = match maker {
            Maker::Local => return Ok(Ok(Found { key, role, scope })),
            Maker::Unknown => {
                let why = "who cannot be told any more; make another key in its place";
                return refused("key-maker-unknown", why);
            }
            Maker::Administrator(id) => {
                let Some(admin) = document::get::<Administrator>(read, &id.0)? else {
                    return refused(
                        "key-maker-removed",
                        "who is removed; make another key in its place",
                    );
                };
                if admin.locked {
                    return refused("key-maker-locked", "who is locked");
                }
                if !admin.active() {
                    return refused("key-maker-not-set-up", "who has not used their set-up link yet");
                }
                maker = Maker::Local;
                (admin.role, admin.scope)
            }
            Maker::Key(id) => {
                let Some(above) = document::get::<ApiKey>(read, &id.0)?.filter(lives) else {
                    let why = "a key that is deleted or has ended; make another key in its place";
                    return refused("key-maker-removed", why);
                };
                maker = above.maker;
                (above.role, above.scope)
            }
        };
        (role, scope) = both((role, &scope), (own.0, &own.1));
    }
    refused(
        "key-maker-unknown",
        "through too many keys; make another key in its place",
    )
}

/// The key, marked as used.
async fn known(daemon: &Daemon, key: &Secret, now: Timestamp) -> Result<Result<Found, Refusal>, StoreError> {
    let secret = fingerprint(key.expose());
    let found = daemon.read(move |read| find(read, &secret, now)).await?;
    if let Ok(Found { key, .. }) = &found
        && key.used.is_none_or(|used| now.since(used) >= USED_EVERY)
    {
        daemon.write(move |tx| used(tx, &secret, now)).await?;
    }
    Ok(found)
}

fn used(tx: &mut dyn Tx, secret: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
    // It may have been deleted since.
    match document::by_key::<ApiKey>(tx, secret)? {
        Some(key) => document::put(
            tx,
            &ApiKey {
                used: Some(now),
                ..key
            },
        ),
        None => Ok(()),
    }
}

async fn carry_out(
    daemon: &Arc<Daemon>,
    caller: Caller,
    (login, source): (&str, &Source),
    op: AdminOp,
    reference: Reference,
) -> Outcome<PortalReply> {
    let (role, scope) = (caller.role, caller.scope.clone());
    let asked = op.clone();
    let allowed = daemon
        .read(move |read| authorise::authorise(read, (role, &scope), &asked))
        .await;
    let denied = match allowed {
        Ok(Ok(())) => {
            return match admin::handle(Arc::clone(daemon), caller, op).await {
                Outcome::Ok(reply) => Outcome::Ok(PortalReply::Admin {
                    reply: Box::new(reply),
                }),
                Outcome::Err(fault) => Outcome::Err(fault),
            };
        }
        Ok(Err(denied)) => denied,
        Err(error) => return Outcome::Err(fault(&error.into(), &reference)),
    };
    let now = daemon.now();
    let name = admin::name(&op);
    warn!(%reference, actor = caller.actor, act = name, reason = denied.code(), "refused");
    let event = Said {
        kind: "denied",
        reason: denied.code(),
        login,
        source,
        detail: name,
    }
    .event(&reference, now);
    if let Err(error) = daemon.write(move |tx| tx.append_audit(&event)).await {
        return Outcome::Err(fault(&error.into(), &reference));
    }
    Outcome::Err(fault(&AdminError::Forbidden(denied.to_string()), &reference))
}
