//! Sources from which a code holds for a while, and connections that RADIUS clients account for.

use std::collections::HashMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use otpost_core::access::Remembered;
use otpost_core::accounting::Connection;
use otpost_core::ids::UserId;
use otpost_core::limits::Guard;
use otpost_ipc::admin::{AccountingView, AdminReply, RememberedView};
use otpost_store::{StoreError, Tx, document, kinds};

use super::page::Page;
use super::{Act, AdminError, done, find_user, read, view, write};
use crate::state::Daemon;

/// Most connections of one answer.
const LIMIT: u32 = 200;

pub(super) async fn list(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    let now = daemon.now();
    read(daemon, move |read| {
        let user = find_user(read, &user)?;
        let names = view::Names::load(read, &act.scope)?;
        let mut entries: Vec<Remembered> = document::of(read, &user.id.0)?;
        entries.retain(|entry| now < entry.until && act.scope.covers(entry.resource));
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.since));
        let (entries, _) = Page::of(entries.into_iter().map(|entry| RememberedView {
            id: HEXLOWER.encode(&entry.id),
            user: user.login.clone(),
            resource: names.of(&[entry.resource]).into_iter().next().unwrap_or_default(),
            service: entry.group,
            source: entry.address.to_string(),
            since: entry.since.0,
            until: entry.until.0,
        }));
        Ok(AdminReply::Remembered { entries })
    })
    .await
}

pub(super) async fn revoke(
    daemon: &Arc<Daemon>,
    act: Act,
    user: String,
    id: Option<String>,
) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let user = find_user(tx, &user)?;
        let entries: Vec<Remembered> = document::of(tx, &user.id.0)?;
        let meant = |entry: &&Remembered| {
            act.scope.covers(entry.resource) && id.as_ref().is_none_or(|id| *id == HEXLOWER.encode(&entry.id))
        };
        let meant: Vec<&Remembered> = entries.iter().filter(meant).collect();
        if meant.is_empty() && id.is_some() {
            return Err(AdminError::NotFound(format!(
                "no code of {} is remembered there any more",
                user.login
            )));
        }
        for entry in &meant {
            document::delete::<Remembered>(tx, &entry.id)?;
        }
        act.record_detail(
            tx,
            "remembered-revoke",
            (&user.login, ""),
            format!("{} sources", meant.len()),
        )?;
        Ok(done(format!(
            "{} sources of {} ask for a code again",
            meant.len(),
            user.login
        )))
    })
    .await
}

/// Keeps the user's failures, and forgets every source where they lock.
pub(crate) fn guard(
    tx: &mut dyn Tx,
    user: UserId,
    guard: &Guard,
    now: otpost_core::Timestamp,
) -> Result<(), StoreError> {
    tx.put_guard(user, guard)?;
    if guard.lock_at(now).is_some() {
        forget(tx, user)?;
    }
    Ok(())
}

/// Forgets every source from which a code of the user holds: after a lock, a changed password or token (domain decision 9).
pub(crate) fn forget(tx: &mut dyn Tx, user: UserId) -> Result<(), StoreError> {
    let entries: Vec<Remembered> = document::of(tx, &user.0)?;
    for entry in entries {
        document::delete::<Remembered>(tx, &entry.id)?;
    }
    Ok(())
}

pub(super) async fn accounting(
    daemon: &Arc<Daemon>,
    act: Act,
    user: Option<String>,
    ended: bool,
    limit: u32,
) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let clients: HashMap<String, bool> = read
            .clients()?
            .into_iter()
            .map(|client| (client.name, act.scope.covers(client.resource)))
            .collect();
        let mut all: Vec<Connection> = Vec::new();
        for (client, covered) in &clients {
            if *covered {
                all.extend(document::of::<Connection>(read, &kinds::client_owner(client))?);
            }
        }
        all.retain(|connection| {
            (ended || connection.ended.is_none()) && user.as_ref().is_none_or(|user| connection.user == *user)
        });
        all.sort_unstable_by_key(|connection| std::cmp::Reverse(connection.started));
        let limit = usize::try_from(limit.clamp(1, LIMIT)).unwrap_or(usize::MAX);
        let (sessions, _) = Page::of(all.into_iter().take(limit).map(|connection| AccountingView {
            client: connection.client,
            user: connection.user,
            session: connection.session,
            station: connection.station,
            framed: connection.framed,
            started: connection.started.0,
            seen: connection.seen.0,
            ended: connection.ended.map(|at| at.0),
            octets_in: connection.octets_in,
            octets_out: connection.octets_out,
        }));
        Ok(AdminReply::Accounting { sessions })
    })
    .await
}
