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
            ("Name", dash(&name_of(view))),
            ("Aliases", list(&view.aliases)),
            ("Groups", list(&view.groups)),
            ("E-mail", or_dash(view.email.clone())),
            (
                "Password",
                if view.password {
                    "registered"
                } else {
                    "none; set one with: otpostctl user password"
                }
                .to_owned(),
            ),
            (
                "Can use portals",
                if view.way_in {
                    "yes"
                } else {
                    "no; give a password or an e-mail address"
                }
                .to_owned(),
            ),
            (
                "Recovery codes",
                view.recovery_left
                    .map_or_else(|| "none".to_owned(), |left| format!("{left} left")),
            ),
            ("Last login", or_dash(view.last_login.map(time))),
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
            dash(&name_of(view)),
            list(&view.aliases),
            or_dash(view.email.clone()),
            yes(view.password),
            list(&view.resources),
            state_of(view),
        ]
    });
    table(
        out,
        [
            "LOGIN",
            "NAME",
            "ALIASES",
            "E-MAIL",
            "PASSWORD",
            "RESOURCES",
            "STATE",
        ],
        rows,
        "No users.",
    )
}

fn name_of(view: &UserView) -> String {
    format!("{} {}", view.first_name, view.last_name)
        .trim()
        .to_owned()
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
            dash(&view.kind),
            dash(&view.phone),
            view.digits.to_string(),
            view.status.clone(),
            yes(view.verified),
            list(&view.resources),
        ]
    });
    let heads = [
        "TOKEN", "USER", "NAME", "KIND", "PHONE", "DIGITS", "STATUS", "VERIFIED", "GUARDS",
    ];
    table(out, heads, rows, "No tokens.")
}

pub(super) fn sessions(out: &mut dyn Write, views: &[SessionView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            time(view.seen),
            dash(&view.portal),
            dash(&view.source),
            dash(&view.agent),
            view.id.clone(),
        ]
    });
    table(
        out,
        ["LAST USE", "PORTAL", "SOURCE", "BROWSER", "SESSION"],
        rows,
        "Signed in nowhere.",
    )
}
