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

/// A value that can be told from its neighbours: quoted where it has blanks or quotes.
fn word(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() || text.contains([' ', '"', '=']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}
