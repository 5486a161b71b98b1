//! Administrators and the keys of programs.

use std::io::{self, Write};

use otpost_ipc::admin::{AdminView, ApiKeyView};

use super::{dash, or_dash, table};
use crate::text::time;

pub(super) fn admins(out: &mut dyn Write, views: &[AdminView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.login.clone(),
            dash(&view.shown),
            or_dash(view.email.clone()),
            view.role.clone(),
            scope(&view.resources),
            match (view.locked, view.pending) {
                (true, _) => "locked",
                (false, true) => "link not used yet",
                (false, false) => "-",
            }
            .to_owned(),
            or_dash(view.seen.map(time)),
        ]
    });
    let heads = [
        "LOGIN",
        "NAME",
        "E-MAIL",
        "ROLE",
        "RESOURCES",
        "STATE",
        "LAST SEEN",
    ];
    let none = "No administrators; make the first one with: otpostctl setup-link";
    table(out, heads, rows, none)
}

pub(super) fn keys(out: &mut dyn Write, views: &[ApiKeyView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.name.clone(),
            view.role.clone(),
            scope(&view.resources),
            dash(&view.by),
            time(view.created),
            view.ends.map_or_else(|| "never".to_owned(), time),
            view.used.map_or_else(|| "never".to_owned(), time),
        ]
    });
    let heads = ["KEY", "ROLE", "RESOURCES", "MADE BY", "MADE", "ENDS", "LAST USE"];
    table(out, heads, rows, "No API keys.")
}

fn scope(resources: &[String]) -> String {
    if resources.is_empty() {
        "all".to_owned()
    } else {
        resources.join(", ")
    }
}
