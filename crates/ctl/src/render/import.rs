//! An import: what it would do, and how far it is.

use std::io::{self, Write};

use otpost_ipc::admin::{ImportLine, ImportState};

use super::{dash, table};
use crate::text::clean;

/// Lines, then totals.
pub(crate) fn plan(out: &mut dyn Write, lines: &[ImportLine], import: &ImportState) -> io::Result<()> {
    if !lines.is_empty() {
        let rows = lines.iter().map(|line| {
            [
                line.line.to_string(),
                line.kind.clone(),
                dash(&line.login),
                dash(&line.text),
            ]
        });
        table(out, ["LINE", "WHAT", "LOGIN", "DETAIL"], rows, "")?;
        writeln!(out)?;
    }
    writeln!(
        out,
        "{} lines: {} to add, {} to change, {} as they are, {} bad",
        import.lines, import.add, import.change, import.same, import.bad
    )
}

pub(super) fn state(out: &mut dyn Write, import: &ImportState) -> io::Result<()> {
    let ImportState {
        lines,
        add,
        change,
        same,
        bad,
        done,
        ..
    } = import;
    let why = match import.why.as_str() {
        "" => String::new(),
        why => format!(": {}", clean(why)),
    };
    match import.state.as_str() {
        "done" => writeln!(
            out,
            "Done: {add} added, {change} changed, {same} as they were; bad lines, left out: {bad}"
        ),
        "refused" => writeln!(out, "Refused, and nothing was written{why}"),
        "failed" => writeln!(out, "Failed after {done} of {lines} lines{why}"),
        "running" => writeln!(out, "Running: {done} of {lines} lines"),
        other => writeln!(
            out,
            "{}: {lines} lines, {add} to add, {change} to change, {same} as they are, {bad} bad{why}",
            clean(other)
        ),
    }
}
