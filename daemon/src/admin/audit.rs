//! The audit chain: its last rows, and whether it holds.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use otpost_core::audit::{Event, link};
use otpost_ipc::admin::{AdminReply, AuditView};
use otpost_store::AuditRow;

use super::page::Page;
use super::{AdminError, read};
use crate::state::Daemon;

/// Rows checked in one read.
const PAGE: u32 = 1000;

/// Most characters of a field that are shown; what somebody typed as a login may be long.
const SHOWN: usize = 1000;

pub(super) async fn tail(
    daemon: &Arc<Daemon>,
    after: Option<u64>,
    limit: u32,
) -> Result<AdminReply, AdminError> {
    let limit = limit.clamp(1, 200);
    let now = daemon.now();
    read(daemon, move |read| {
        let rows = match after {
            Some(after) => Page::of(read.audit(after, limit)?.iter().map(view)).0,
            None => {
                let after = read.totals(now)?.audit_rows.saturating_sub(u64::from(limit));
                // Where not all fit, the newest are what was asked for.
                let (mut rows, _) = Page::of(read.audit(after, limit)?.iter().rev().map(view));
                rows.reverse();
                rows
            }
        };
        Ok(AdminReply::Audit { rows })
    })
    .await
}

fn view(row: &AuditRow) -> AuditView {
    // A row that is no event is shown as it stands; `audit verify` says whether it was tampered with.
    match serde_json::from_str::<Event>(&row.text) {
        Ok(event) => AuditView {
            seq: row.seq,
            at: event.at.0,
            kind: event.kind,
            reason: event.reason,
            reference: event.reference.to_string(),
            user: short(event.user),
            resource: event.resource,
            via: short(event.via),
            source: short(event.source),
            detail: short(event.detail),
        },
        Err(_) => AuditView {
            seq: row.seq,
            at: 0,
            kind: "unreadable".to_owned(),
            reason: String::new(),
            reference: String::new(),
            user: String::new(),
            resource: String::new(),
            via: String::new(),
            source: String::new(),
            detail: row.text.chars().filter(|c| !c.is_control()).take(200).collect(),
        },
    }
}

/// A row must fit an answer, or none behind it could be read.
fn short(text: String) -> String {
    if text.len() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(std::iter::once('…')).collect()
}

pub(super) async fn verify(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    let mut head = [0; 32];
    let mut seq = 0;
    loop {
        let after = seq;
        let rows = daemon.read(move |read| read.audit(after, PAGE)).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let expected = link(&head, &row.text);
            if row.seq != seq + 1 || row.hash != expected {
                return Ok(AdminReply::AuditVerified {
                    rows: seq,
                    head: HEXLOWER.encode(&head),
                    broken_at: Some(row.seq),
                });
            }
            head = expected;
            seq = row.seq;
        }
    }
    Ok(AdminReply::AuditVerified {
        rows: seq,
        head: HEXLOWER.encode(&head),
        broken_at: None,
    })
}
