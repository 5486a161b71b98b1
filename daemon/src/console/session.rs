//! Sessions of the console. A value that a cookie holds names at most one session; what it may do is decided at each request anew.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::{AdminId, PortalSessionId, Reference, VerificationId};
use otpost_core::net::Source;
use otpost_core::portal::administrator::{Administrator, SIGN_IN};
use otpost_core::portal::session::{CONSOLE_LONGEST, PortalSession, Stage, Who, fingerprint};
use otpost_core::portal::verification::Verification;
use otpost_ipc::Secret;
use otpost_store::{Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use super::Said;
use crate::state::Daemon;
use crate::sys::Draw;

/// How exact the time of the last use is.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// A session that holds, and whose it is.
pub(super) struct Held {
    pub(super) session: PortalSession,
    pub(super) admin: Administrator,
}

/// Who begins a session.
pub(super) struct Start<'a> {
    pub(super) admin: AdminId,
    pub(super) source: &'a Source,
    pub(super) agent: &'a str,
    pub(super) lang: &'a str,
}

/// The session of this cookie at this stage; `None` for any that does not hold.
pub(super) fn held(
    read: &mut dyn Read,
    cookie: &[u8; 32],
    stage: Stage,
    now: Timestamp,
) -> Result<Option<Held>, StoreError> {
    let Some(session) = document::by_key::<PortalSession>(read, cookie)? else {
        return Ok(None);
    };
    let Who::Admin(id) = session.who else {
        return Ok(None);
    };
    if session.stage != stage || session.resource.is_some() || !session.alive(now) {
        return Ok(None);
    }
    let admin = document::get::<Administrator>(read, &id.0)?.filter(Administrator::active);
    Ok(admin.map(|admin| Held { session, admin }))
}

/// The signed-in session of this cookie, marked as used.
pub(super) async fn holder(daemon: &Arc<Daemon>, cookie: &Secret) -> Result<Option<Held>, StoreError> {
    let key = fingerprint(cookie.expose());
    let now = daemon.now();
    let held = daemon
        .read(move |read| held(read, &key, Stage::Full, now))
        .await?;
    let Some(held) = held else { return Ok(None) };
    if now.since(held.session.seen) >= SEEN_EVERY {
        daemon.write(move |tx| touch(tx, &key, now)).await?;
    }
    Ok(Some(held))
}

fn touch(tx: &mut dyn Tx, cookie: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
    // It may have ended since it was looked at, and must not come back.
    let Some(mut held) = held(tx, cookie, Stage::Full, now)? else {
        return Ok(());
    };
    held.session.seen = now;
    held.admin.seen = Some(now);
    document::put(tx, &held.session)?;
    document::put(tx, &held.admin)
}

/// A session that waits for the second factor.
pub(super) fn half(
    tx: &mut dyn Tx,
    rng: &mut Draw,
    start: &Start<'_>,
    verification: &Verification,
    now: Timestamp,
) -> Result<Zeroizing<String>, StoreError> {
    let value = super::secret(rng);
    let session = PortalSession {
        id: verification.session,
        stage: Stage::Factor,
        verification: Some(verification.id),
        ends: now.plus(SIGN_IN),
        ..fresh(&value, start, (rng, now))
    };
    document::put(tx, &session)?;
    document::put(tx, verification)?;
    Ok(value)
}

/// A signed-in session with an id and a cookie of its own.
pub(super) fn full(
    tx: &mut dyn Tx,
    rng: &mut Draw,
    start: &Start<'_>,
    now: Timestamp,
) -> Result<Zeroizing<String>, StoreError> {
    let value = super::secret(rng);
    document::put(tx, &fresh(&value, start, (rng, now)))?;
    Ok(value)
}

fn fresh(value: &str, start: &Start<'_>, (rng, now): (&mut Draw, Timestamp)) -> PortalSession {
    PortalSession {
        id: PortalSessionId::random(rng),
        token: fingerprint(value),
        who: Who::Admin(start.admin),
        resource: None,
        stage: Stage::Full,
        verification: None,
        by_mail: false,
        invited: false,
        created: now,
        seen: now,
        ends: now.plus(CONSOLE_LONGEST),
        agent: shown(start.agent),
        source: start.source.clone(),
        lang: shown(start.lang),
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// Ends a session that waited, with what it waited for.
pub(super) fn end(tx: &mut dyn Tx, session: &PortalSession) -> Result<(), StoreError> {
    if let Some(VerificationId(id)) = session.verification {
        document::delete::<Verification>(tx, &id)?;
    }
    document::delete::<PortalSession>(tx, &session.id.0)
}

/// Ends the administrator's sessions but `keep`; gives how many.
pub(crate) fn end_all(
    tx: &mut dyn Tx,
    admin: AdminId,
    keep: Option<PortalSessionId>,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for session in document::of::<PortalSession>(tx, &admin.0)? {
        if Some(session.id) != keep {
            end(tx, &session)?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Records an act of a session.
pub(super) fn record(
    tx: &mut dyn Tx,
    held: &Held,
    (kind, reason): (&str, &str),
    (reference, now): (&Reference, Timestamp),
) -> Result<(), StoreError> {
    let said = Said {
        kind,
        reason,
        login: held.admin.name.as_str(),
        source: &held.session.source,
        detail: String::new(),
    };
    said.record(tx, reference, now)
}
