//! Requests of administrators by console and REST API: who asks, whether they may, and then the code that serves otpostctl.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::Reference;
use otpost_core::net::Source;
use otpost_core::portal::administrator::ApiKey;
use otpost_core::portal::session::fingerprint;
use otpost_ipc::admin::AdminOp;
use otpost_ipc::portal::{Browser, PortalReply};
use otpost_ipc::{Outcome, Secret};
use otpost_store::{StoreError, Tx, document};
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
    let key = match known(daemon, key, now).await {
        Ok(Some(key)) => key,
        Ok(None) => {
            let said = Said {
                kind: "denied",
                reason: "key",
                login: "",
                source: &source,
                detail: "an API key that is unknown or has ended".to_owned(),
            };
            refused::console(daemon, source.key(), said.event(&reference, now)).await;
            return Outcome::Ok(PortalReply::Refused {
                retry_after: None,
                reference: reference.to_string(),
            });
        }
        Err(error) => return Outcome::Err(fault(&error.into(), &reference)),
    };
    let caller = Caller {
        actor: format!("api {}", key.name),
        role: key.role,
        scope: key.scope,
        source: source.shown(),
    };
    let login = format!("api {}", key.name);
    carry_out(daemon, caller, (&login, &source), op, reference).await
}

/// The key, marked as used.
async fn known(daemon: &Daemon, key: &Secret, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
    let secret = fingerprint(key.expose());
    let find = move |found: Option<ApiKey>| found.filter(|key| key.ends.is_none_or(|ends| now < ends));
    let Some(key) = daemon
        .read(move |read| Ok(find(document::by_key(read, &secret)?)))
        .await?
    else {
        return Ok(None);
    };
    if key.used.is_none_or(|used| now.since(used) >= USED_EVERY) {
        daemon.write(move |tx| used(tx, &secret, now)).await?;
    }
    Ok(Some(key))
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
