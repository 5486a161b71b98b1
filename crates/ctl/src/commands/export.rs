//! Users as CSV (RFC 4180, but with plain line ends), with the columns that an import knows.

use std::io::{self, Write};

use otpost_ipc::admin::UserView;

const HEADER: [&str; 5] = ["login", "email", "first-name", "last-name", "resource"];

pub(super) fn header(out: &mut dyn Write) -> io::Result<()> {
    row(out, HEADER)
}

/// A line for each resource, so that an import of it binds to all of them.
pub(super) fn user(out: &mut dyn Write, user: &UserView) -> io::Result<()> {
    let line = |out: &mut dyn Write, resource: &str| {
        let email = user.email.as_deref().unwrap_or_default();
        row(
            out,
            [&user.login, email, &user.first_name, &user.last_name, resource],
        )
    };
    if user.resources.is_empty() {
        return line(out, "");
    }
    user.resources.iter().try_for_each(|resource| line(out, resource))
}

fn row(out: &mut dyn Write, cells: [&str; 5]) -> io::Result<()> {
    writeln!(out, "{}", cells.map(cell).join(","))
}

/// A cell that no spreadsheet takes for a formula and no terminal obeys.
fn cell(text: &str) -> String {
    let mut cell: String = text
        .chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => c,
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        cell.insert(0, '\'');
    }
    if cell.contains([',', '"', ';', '\t', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
        cell = format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        for (text, written) in [
            ("alice", "alice"),
            ("", ""),
            ("Zoë 中", "Zoë 中"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd()|' /C calc'!A0", "'=cmd()|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=1,2", "\"'=1,2\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("a\nb", "\"a\nb\""),
            ("a=b", "a=b"),
            ("a\u{1b}[2J", "a\u{fffd}[2J"),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }
}
