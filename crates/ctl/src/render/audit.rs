//! The audit log.

use std::io::{self, Write};

use otpost_ipc::admin::AuditView;

use crate::text::{clean, time};

/// One line a row: rows arrive one by one with `--follow`, so columns could not align.
pub(super) fn audit(out: &mut dyn Write, rows: &[AuditView]) -> io::Result<()> {
    for row in rows {
        let head = format!(
            "{} {} {} {}",
            row.seq,
            time(row.at),
            word(&row.kind),
            word(&row.reason)
        );
        write!(out, "{head}")?;
        for (name, value) in [
            ("user", &row.user),
            ("resource", &row.resource),
            ("via", &row.via),
            ("source", &row.source),
            ("ref", &row.reference),
            ("detail", &row.detail),
        ] {
            if !value.is_empty() {
                write!(out, " {name}={}", word(value))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

pub(super) fn found(out: &mut dyn Write, rows: &[AuditView], before: Option<u64>) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "No rows match.");
    }
    audit(out, rows)?;
    match before {
        Some(_) => writeln!(out, "\nThere may be older ones; show more with -n."),
        None => Ok(()),
    }
}

pub(super) fn verified(out: &mut dyn Write, rows: u64, head: &str, broken_at: Option<u64>) -> io::Result<()> {
    match broken_at {
        None => writeln!(
            out,
            "The audit chain holds: {rows} rows, last hash {}",
            clean(head)
        ),
        Some(row) => writeln!(
            out,
            "The audit chain is BROKEN at row {row} of {rows}: that row, or one before it, was changed or removed. \
             Keep the database file, compare it with a backup, and treat the machine as broken into."
        ),
    }
}

/// A value that can be told from its neighbours: quoted where it has blanks or quotes.
fn word(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() || text.contains([' ', '"', '=']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}
