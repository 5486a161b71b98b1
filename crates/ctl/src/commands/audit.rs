use std::time::Duration;

use otpost_ipc::{
    admin::{AdminOp, AdminReply, AuditFilter, AuditView},
    client::Deadline,
};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{AuditCommand, AuditQuery, When},
    sys,
};

/// The largest page that the daemon gives.
const PAGE: u32 = 200;

/// How often `--follow` looks for new rows.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn run(command: AuditCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    match command {
        AuditCommand::Verify => session.ask(AdminOp::AuditVerify),
        AuditCommand::Tail { lines, follow } => {
            let rows = newest(lines, session)?;
            let mut last = rows.last().map_or(0, |row| row.seq);
            session.show(&AdminReply::Audit { rows })?;
            if follow {
                keep_showing(&mut last, session)?;
            }
            Ok(Exit::Done)
        }
        AuditCommand::Find(query) => find(*query, session),
    }
}

/// Rows that match, newest first, page by page.
fn find(query: AuditQuery, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    let wanted = usize::try_from(query.lines).unwrap_or(usize::MAX);
    let filter = AuditFilter {
        user: query.user,
        resource: query.resource,
        kind: query.kind,
        reason: query.reason,
        reference: query.reference,
        source: query.source,
        from: query.from.map_or(0, moment),
        until: query.until.map_or(0, moment),
    };
    let mut all: Vec<AuditView> = Vec::new();
    let mut from = None;
    loop {
        let left = wanted.saturating_sub(all.len());
        let op = AdminOp::AuditFind {
            filter: filter.clone(),
            before: from,
            limit: u32::try_from(left).unwrap_or(PAGE).min(PAGE),
        };
        let AdminReply::AuditFound { rows, before } = session.call(op)? else {
            return Err(CtlError::Unexpected);
        };
        all.extend(rows.into_iter().take(left));
        // A page without rows may still lead on; one that does not lead further back would do so for ever.
        let further = before.is_some_and(|before| from.is_none_or(|from| before < from));
        if all.len() >= wanted || !further {
            session.show(&AdminReply::AuditFound { rows: all, before })?;
            return Ok(Exit::Done);
        }
        from = before;
    }
}

/// Milliseconds since 1970; never 0, which stands for no bound.
fn moment(when: When) -> u64 {
    match when {
        When::At(millis) => millis,
        When::Ago(millis) => sys::now().saturating_sub(millis),
    }
    .max(1)
}

/// Shows rows as they are written, until the connection or the output ends.
fn keep_showing(last: &mut u64, session: &mut Session<'_, '_>) -> Result<(), CtlError> {
    loop {
        // The deadline is never reached: it only measures the pause.
        let _ = Deadline::after(LOOK * 2).pause(LOOK);
        let rows = page(*last, session)?;
        if let Some(row) = rows.last() {
            *last = row.seq;
            session.show(&AdminReply::Audit { rows })?;
        }
    }
}

/// The last `lines` rows. What is more than an answer holds is read forwards from where they begin.
fn newest(lines: u32, session: &Session<'_, '_>) -> Result<Vec<AuditView>, CtlError> {
    let mut rows = ask(None, lines.min(PAGE), session)?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(rows);
    };
    let last = last.seq;
    let mut after = last.saturating_sub(lines.into());
    // Long rows: fewer came than a page may have.
    if first.seq <= after.saturating_add(1) {
        return Ok(rows);
    }
    rows.clear();
    while after < last {
        let page = page(after, session)?;
        let Some(row) = page.last() else { break };
        after = row.seq;
        rows.extend(page);
    }
    Ok(rows)
}

/// The rows behind position `after`.
fn page(after: u64, session: &Session<'_, '_>) -> Result<Vec<AuditView>, CtlError> {
    ask(Some(after), PAGE, session)
}

fn ask(after: Option<u64>, limit: u32, session: &Session<'_, '_>) -> Result<Vec<AuditView>, CtlError> {
    match session.call(AdminOp::AuditTail { after, limit })? {
        AdminReply::Audit { rows } => Ok(rows),
        _ => Err(CtlError::Unexpected),
    }
}
