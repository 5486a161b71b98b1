//! RADIUS clients' connections, and sources where a code holds.

use std::io::{self, Write};

use otpost_ipc::admin::{AccountingView, RememberedView};

use super::{dash, table};
use crate::text::time;

pub(super) fn remembered(out: &mut dyn Write, entries: &[RememberedView]) -> io::Result<()> {
    let rows = entries.iter().map(|entry| {
        [
            entry.id.clone(),
            entry.resource.clone(),
            entry.service.clone(),
            entry.source.clone(),
            time(entry.since),
            time(entry.until),
        ]
    });
    let heads = ["ID", "RESOURCE", "SERVICE", "SOURCE", "SINCE", "UNTIL"];
    table(out, heads, rows, "A code is asked for everywhere.")
}

pub(super) fn connections(out: &mut dyn Write, sessions: &[AccountingView]) -> io::Result<()> {
    let rows = sessions.iter().map(|session| {
        [
            session.client.clone(),
            dash(&session.user),
            dash(&session.station),
            dash(&session.framed),
            time(session.started),
            session.ended.map_or_else(|| "-".to_owned(), time),
            session.octets_in.to_string(),
            session.octets_out.to_string(),
        ]
    });
    let heads = ["CLIENT", "USER", "FROM", "ADDRESS", "SINCE", "ENDED", "IN", "OUT"];
    table(out, heads, rows, "No connections.")
}
