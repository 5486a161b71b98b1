//! Users, their tokens and their sessions.

use std::io::{self, Write};

use otpost_ipc::{
    admin::{TokenView, UserView},
    portal::SessionView,
};

use super::{dash, fields, list, or_dash, table, yes};
use crate::text::time;

pub(super) fn user(out: &mut dyn Write, view: &UserView) -> io::Result<()> {
    fields(
        out,
        &[
            ("Login", view.login.clone()),
            ("Aliases", list(&view.aliases)),
            ("E-mail", view.email.clone().unwrap_or_else(|| "-".to_owned())),
            (
                "Password",
                if view.password {
                    "registered"
                } else {
                    "none; set one with: otpostctl user password"
                }
                .to_owned(),
            ),
            ("Resources", list(&view.resources)),
            ("Locked", view.locked.clone().unwrap_or_else(|| "no".to_owned())),
            (
                "Bypass",
                view.bypass_until
                    .map_or_else(|| "no".to_owned(), |until| format!("until {}", time(until))),
            ),
            ("Wrong codes", view.failures.to_string()),
        ],
    )?;
    if view.tokens.is_empty() {
        return writeln!(out, "\nNo token; assign a phone with: otpostctl token add");
    }
    writeln!(out)?;
    tokens(out, &view.tokens)
}

pub(super) fn users(out: &mut dyn Write, views: &[UserView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.login.clone(),
            list(&view.aliases),
            view.email.clone().unwrap_or_else(|| "-".to_owned()),
            yes(view.password),
            list(&view.resources),
            state_of(view),
        ]
    });
    table(
        out,
        ["LOGIN", "ALIASES", "E-MAIL", "PASSWORD", "RESOURCES", "STATE"],
        rows,
        "No users.",
    )
}

fn state_of(view: &UserView) -> String {
    match (&view.locked, view.bypass_until) {
        (Some(why), _) => format!("locked: {why}"),
        (None, Some(until)) => format!("bypass until {}", time(until)),
        (None, None) => "-".to_owned(),
    }
}

pub(super) fn tokens(out: &mut dyn Write, views: &[TokenView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.id.clone(),
            view.user.clone(),
            view.name.clone(),
            view.phone.clone(),
            view.digits.to_string(),
            view.status.clone(),
            yes(view.verified),
            list(&view.resources),
        ]
    });
    let heads = [
        "TOKEN", "USER", "NAME", "PHONE", "DIGITS", "STATUS", "VERIFIED", "GUARDS",
    ];
    table(out, heads, rows, "No tokens.")
}
