//! Health and totals.

use std::io::{self, Write};

use otpost_ipc::admin::Status;

use super::fields;
use crate::text::{clean, span};

pub(super) fn status(out: &mut dyn Write, view: &Status) -> io::Result<()> {
    fields(
        out,
        &[
            ("Version", view.version.clone()),
            ("Up for", span(view.uptime)),
            ("Environment", view.environment.clone()),
            ("Users", view.users.to_string()),
            ("Tokens", view.tokens.to_string()),
            ("Resources", view.resources.to_string()),
            ("RADIUS clients", view.radius_clients.to_string()),
            ("RADIUS servers", view.radius_servers.to_string()),
            ("SMS providers", view.providers.to_string()),
            ("Open logins", view.open_challenges.to_string()),
            ("Waiting texts", view.waiting_texts.to_string()),
            ("Audit rows", view.audit_rows.to_string()),
        ],
    )?;
    for warning in &view.warnings {
        writeln!(out, "\nwarning: {}", clean(warning))?;
    }
    Ok(())
}
