//! The audit chain: its last rows, and whether it holds.

use std::collections::VecDeque;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use otpost_core::Timestamp;
use otpost_core::audit::{Event, link};
use otpost_core::name::LoginName;
use otpost_core::portal::administrator::Scope;
use otpost_core::resource;
use otpost_ipc::admin::{AdminReply, AuditFilter, AuditView};
use otpost_store::{AuditRow, Read, StoreError};

use super::page::Page;
use super::view::Names;
use super::{Act, AdminError, read};
use crate::state::Daemon;

/// Rows checked in one read.
const PAGE: u32 = 1000;

/// Most characters of a field that are shown; what somebody typed as a login may be long.
const SHOWN: usize = 1000;

/// Rows looked at for a page of a limited scope.
const LOOKED_AT: u32 = 20_000;

pub(super) async fn tail(
    daemon: &Arc<Daemon>,
    act: &Act,
    after: Option<u64>,
    limit: u32,
) -> Result<AdminReply, AdminError> {
    let limit = limit.clamp(1, 200);
    let now = daemon.now();
    let scope = act.scope.clone();
    read(daemon, move |read| {
        if scope != Scope::All {
            let rows = in_scope(read, &scope, (after, limit), now)?;
            return Ok(AdminReply::Audit { rows });
        }
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

/// As the whole log, but only rows that concern the scope; of so many rows that one request costs no more than others.
fn in_scope(
    read: &mut dyn Read,
    scope: &Scope,
    (after, limit): (Option<u64>, u32),
    now: Timestamp,
) -> Result<Vec<AuditView>, AdminError> {
    let names = Names::load(read, scope)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let last = read.totals(now)?.audit_rows;
    let mut start = after.unwrap_or(0).max(last.saturating_sub(u64::from(LOOKED_AT)));
    let mut rows = VecDeque::new();
    while start < last {
        let page = read.audit(start, PAGE)?;
        let Some(end) = page.last() else { break };
        start = end.seq;
        for row in &page {
            let row = view(row);
            if names.sees_row(read, (&row.resource, &row.user))? {
                rows.push_back(row);
            }
        }
        if after.is_some() && rows.len() >= limit {
            rows.truncate(limit);
            break;
        }
        // Without a start, the newest are what was asked for.
        let surplus = rows.len().saturating_sub(limit);
        rows.drain(..surplus);
    }
    if after.is_some() {
        return Ok(Page::of(rows).0);
    }
    let (mut rows, _) = Page::of(rows.into_iter().rev());
    rows.reverse();
    Ok(rows)
}

/// A clock may have gone back by this much; what is older than a filter's start is still looked at for so long.
const BACK: u64 = 3_600_000;

/// Longest part of a row's text that the store is asked for.
const LONGEST: usize = 100;

/// What is looked for, ready to compare.
struct Sought {
    filter: AuditFilter,
    /// Login as compared, where it is one.
    user: Option<LoginName>,
    resource: String,
    /// What the text of every row that fits has in it; the store then leaves out most others unread.
    part: Option<String>,
}

/// The longest part of `text` that stands in a row whatever its spelling there: JSON writes these signs as they are, and no other letter
/// than these becomes one of them in small letters, as the Kelvin sign becomes a k.
fn part(text: &str) -> Option<String> {
    let other = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\\' | 'k' | 'K');
    let longest = text.split(other).max_by_key(|part| part.len())?;
    let enough = longest.get(..LONGEST).unwrap_or(longest);
    (text.is_ascii() && !enough.is_empty()).then(|| enough.to_owned())
}

/// What every row that fits has in it. Where a time ends the search, all rows have to be looked at to find that end.
fn in_each(filter: &AuditFilter, user: Option<&LoginName>) -> Option<String> {
    let name = user.map_or(filter.user.as_str(), LoginName::as_str);
    let mut wanted = [name, &filter.reference, &filter.source, &filter.reason]
        .into_iter()
        .map(str::trim);
    wanted
        .find(|text| !text.is_empty() && filter.from == 0)
        .and_then(part)
}

impl Sought {
    fn new(filter: AuditFilter) -> Self {
        let user = LoginName::parse(filter.user.trim()).ok();
        let part = in_each(&filter, user.as_ref());
        Self {
            part,
            user,
            resource: resource::key(&filter.resource),
            filter,
        }
    }

    /// Rows after `stop` up to `end`, newest first, and up to where the others are still to be looked at.
    fn newest(
        &self,
        read: &mut dyn Read,
        (stop, end): (u64, u64),
    ) -> Result<(Vec<AuditRow>, u64), StoreError> {
        if let Some(part) = &self.part {
            let rows = read.audit_with((stop, end), part, PAGE)?;
            let full = rows.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            let last = rows.last().filter(|_| full);
            let next = last.map_or(stop, |row| row.seq.saturating_sub(1).max(stop));
            return Ok((rows, next));
        }
        let start = end.saturating_sub(u64::from(PAGE)).max(stop);
        let count = u32::try_from(end.saturating_sub(start)).unwrap_or(PAGE);
        let mut rows = read.audit(start, count)?;
        rows.reverse();
        Ok((rows, start))
    }

    fn fits(&self, row: &AuditView) -> bool {
        let wanted = &self.filter;
        let user = wanted.user.trim();
        let same_user = || {
            let own = LoginName::parse(&row.user).ok();
            row.user == user || (own.is_some() && own == self.user)
        };
        (wanted.from == 0 || row.at >= wanted.from)
            && (wanted.until == 0 || row.at < wanted.until)
            && (user.is_empty() || same_user())
            && (self.resource.is_empty() || resource::key(&row.resource) == self.resource)
            && row.kind.starts_with(wanted.kind.trim())
            && (wanted.reason.is_empty() || row.reason == wanted.reason.trim())
            && (wanted.reference.is_empty() || row.reference.eq_ignore_ascii_case(wanted.reference.trim()))
            && (wanted.source.is_empty() || row.source == wanted.source.trim())
    }
}

/// Position after the last row that may be older than `until`: rows are in order of time, give or take [`BACK`].
fn behind(read: &mut dyn Read, until: u64, last: u64) -> Result<u64, AdminError> {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low.midpoint(high);
        let at = read.audit(middle, 1)?.first().map_or(0, |row| view(row).at);
        if at < until.saturating_add(BACK) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    Ok(low)
}

pub(super) async fn find(
    daemon: &Arc<Daemon>,
    act: Act,
    filter: AuditFilter,
    before: Option<u64>,
    limit: u32,
) -> Result<AdminReply, AdminError> {
    let limit = usize::try_from(limit.clamp(1, 200)).unwrap_or(200);
    let sought = Sought::new(filter);
    read(daemon, move |read| {
        let names = Names::load(read, &act.scope)?;
        let last = read.totals(act.now)?.audit_rows;
        // Rows up to this position are still to be looked at.
        let mut end = before.map_or(last, |before| before.saturating_sub(1)).min(last);
        if sought.filter.until != 0 {
            end = behind(read, sought.filter.until, end)?;
        }
        let stop = end.saturating_sub(u64::from(LOOKED_AT));
        let mut page = Page::default();
        let mut found = 0;
        while end > stop {
            let (rows, next) = sought.newest(read, (stop, end))?;
            for row in &rows {
                let shown = view(row);
                // Nothing that fits is behind it.
                if shown.at > 0 && shown.at.saturating_add(BACK) < sought.filter.from {
                    return Ok(AdminReply::AuditFound {
                        rows: page.rows(),
                        before: None,
                    });
                }
                let seen = sought.fits(&shown) && names.sees_row(read, (&shown.resource, &shown.user))?;
                if seen {
                    if found == limit || !page.push(shown) {
                        return Ok(AdminReply::AuditFound {
                            rows: page.rows(),
                            before: Some(row.seq.saturating_add(1)),
                        });
                    }
                    found += 1;
                }
            }
            end = next;
        }
        Ok(AdminReply::AuditFound {
            rows: page.rows(),
            before: (end > 0).then(|| end.saturating_add(1)),
        })
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

#[cfg(test)]
mod tests {
    use super::{LONGEST, part};

    #[test]
    fn the_store_is_asked_only_for_what_every_spelling_has() {
        assert_eq!(part("alice").as_deref(), Some("alice"));
        // Somebody may have typed a Kelvin sign.
        assert_eq!(part("kirk.keller").as_deref(), Some("eller"));
        assert_eq!(part("a\"bc").as_deref(), Some("bc"));
        for none in ["", "kk", "müller", "i\u{307}lker"] {
            assert_eq!(part(none), None, "{none:?}");
        }
        assert_eq!(part(&"a".repeat(300)).map(|part| part.len()), Some(LONGEST));
    }
}
