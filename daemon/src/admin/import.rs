//! Import of users, bindings and phones from a CSV file: handed in, planned line by line, carried out in the background.

mod carry;
mod people;
mod plan;
mod read;

use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use otpost_core::Rng;
use otpost_core::import::MAX_OCTETS;
use otpost_ipc::Secret;
use otpost_ipc::admin::AdminReply;

use super::page::Page;
use super::{Act, AdminError};
use crate::imports::{Import, MOST, Stage, append};
use crate::state::Daemon;
use crate::sys;

/// Most octets of a part.
const PART: usize = 32 * 1024;
/// Most lines of a page.
const LINES: usize = 200;
/// A plan that is made in this time is in the answer.
const AT_ONCE: Duration = Duration::from_secs(3);

fn find(daemon: &Daemon, act: &Act, id: &str) -> Result<Arc<Import>, AdminError> {
    daemon.imports.find(id, &act.actor, act.now).ok_or_else(|| {
        AdminError::NotFound(
            "there is no such import of yours; it is kept for 15 minutes: hand the file in again".to_owned(),
        )
    })
}

pub(super) async fn put(
    daemon: &Arc<Daemon>,
    act: Act,
    id: Option<String>,
    part: Secret,
    last: bool,
) -> Result<AdminReply, AdminError> {
    if part.expose().len() > PART {
        return Err(AdminError::Invalid(
            "a part of a file has at most 32 KiB".to_owned(),
        ));
    }
    let import = match id {
        Some(id) => find(daemon, &act, &id)?,
        None => {
            let mut octets = [0; 16];
            daemon.rng().fill(&mut octets);
            let id = HEXLOWER.encode(&octets);
            daemon.imports.begin(id, &act.actor, act.now).ok_or_else(|| {
                AdminError::Refused(format!(
                    "{MOST} files are being imported; wait until one is done, or 15 minutes"
                ))
            })?
        }
    };
    {
        let mut inner = import.lock();
        if inner.stage != Stage::Reading {
            return Err(AdminError::Conflict(
                "the file is complete already; begin another import".to_owned(),
            ));
        }
        if !append(&mut inner.text, part.expose()) {
            drop(inner);
            daemon.imports.forget(&import.id);
            return Err(AdminError::Invalid(format!(
                "a file has at most {} MiB; split it",
                MAX_OCTETS / (1024 * 1024)
            )));
        }
        if !last {
            return Ok(AdminReply::Import(inner.state(&import.id)));
        }
        inner.stage = Stage::Planning;
    }
    let text = std::mem::take(&mut import.lock().text);
    let header = match read::Sheet::open(&text) {
        Ok(sheet) => sheet.check(),
        Err(error) => Err(error),
    };
    if let Err(error) = header {
        daemon.imports.forget(&import.id);
        return Err(error);
    }
    let mut stage = import.stage.subscribe();
    tokio::spawn(plan::plan(Arc::clone(daemon), Arc::clone(&import), text, act.now));
    let planned = stage.wait_for(|stage| !matches!(stage, Stage::Reading | Stage::Planning));
    let _ = sys::timeout(AT_ONCE, planned).await;
    Ok(AdminReply::Import(import.state()))
}

pub(super) fn show(daemon: &Arc<Daemon>, act: &Act, id: &str) -> Result<AdminReply, AdminError> {
    Ok(AdminReply::Import(find(daemon, act, id)?.state()))
}

pub(super) fn plan(
    daemon: &Arc<Daemon>,
    act: &Act,
    id: &str,
    after: u64,
    only: Option<&str>,
) -> Result<AdminReply, AdminError> {
    if let Some(only) = only
        && !["add", "change", "same", "bad"].contains(&only)
    {
        return Err(AdminError::Invalid("only is add, change, same or bad".to_owned()));
    }
    let import = find(daemon, act, id)?;
    let inner = import.lock();
    let first = inner.entries.partition_point(|entry| entry.number <= after);
    let wanted = inner
        .entries
        .iter()
        .skip(first)
        .filter(|entry| only.is_none_or(|only| entry.verdict.as_str() == only));
    let (mut lines, mut more) = Page::of(wanted.map(|entry| entry.view()).take(LINES.saturating_add(1)));
    more |= lines.len() > LINES;
    lines.truncate(LINES);
    Ok(AdminReply::ImportPlan {
        lines,
        more,
        import: inner.state(&import.id),
    })
}

pub(super) fn apply(
    daemon: &Arc<Daemon>,
    act: Act,
    id: &str,
    atomic: bool,
) -> Result<AdminReply, AdminError> {
    let import = find(daemon, &act, id)?;
    {
        let mut inner = import.lock();
        match inner.stage {
            Stage::Planned | Stage::Refused => {}
            Stage::Reading | Stage::Planning => {
                return Err(AdminError::Conflict(
                    "the plan is not there yet; hand in the last part, or wait a little".to_owned(),
                ));
            }
            Stage::Running | Stage::Done | Stage::Failed => {
                return Err(AdminError::Conflict(
                    "this import was begun already; hand the file in again".to_owned(),
                ));
            }
        }
        inner.done = 0;
        inner.why.clear();
        inner.stage = Stage::Running;
    }
    import.stage.send_replace(Stage::Running);
    tokio::spawn(carry::carry_out(
        Arc::clone(daemon),
        Arc::clone(&import),
        act,
        atomic,
    ));
    Ok(AdminReply::Import(import.state()))
}
