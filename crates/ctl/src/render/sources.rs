//! Sources of passwords.

use std::io::{self, Write};

use otpost_ipc::admin::{AdminReply, SourceView};

use super::{dash, fields, list, table};

pub(super) fn sources(out: &mut dyn Write, views: &[SourceView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.name.clone(),
            view.kind.clone(),
            list(&view.servers),
            list(&view.used_by),
            view.settings.clone(),
        ]
    });
    let none =
        "No sources; passwords are checked by otpost or by the VPN. Make one with: otpostctl source add";
    table(
        out,
        ["SOURCE", "KIND", "SERVERS", "ASKED BY", "SETTINGS"],
        rows,
        none,
    )
}

pub(super) fn tested(out: &mut dyn Write, reply: &AdminReply) -> io::Result<()> {
    let AdminReply::SourceTested {
        outcome,
        groups,
        server,
        milliseconds,
        detail,
    } = reply
    else {
        return Ok(());
    };
    let meaning = match outcome.as_str() {
        "passed" => "the password is right",
        "failed" => "the password is wrong",
        "unknown-user" => "nobody of that name is known there",
        "expired" => "the password has to be changed first",
        "locked" => "the account may not be used",
        "challenge" => "the server asks for more",
        _ => "the source could not say, so logins are denied",
    };
    fields(
        out,
        &[
            ("Outcome", outcome.clone()),
            ("Meaning", meaning.to_owned()),
            ("Groups", list(groups)),
            ("Server", dash(server)),
            ("Took", format!("{milliseconds} ms")),
            ("Detail", dash(detail)),
        ],
    )
}
