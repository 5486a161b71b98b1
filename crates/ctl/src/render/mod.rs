//! The daemon's answers as text for people, or as JSON.

mod administrators;
mod audit;
mod clients;
mod enrolment;
mod import;
mod once;
mod overview;
mod people;
mod radius;
mod resources;
mod settings;
mod sms;
mod sources;
mod status;
mod table;

use std::io::{self, Write};

use otpost_ipc::admin::AdminReply;
use serde::Serialize;

use crate::text::clean;

pub(crate) use import::plan as import_plan;
pub(crate) use sms::countries;
pub(crate) use table::{fields, table};

/// Writes `value` as one line of JSON. Characters that a terminal obeys are escaped; JSON lets them stand only inside
/// strings.
pub(crate) fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if clean(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            line.push(c);
        } else {
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// Writes an answer for people.
pub(crate) fn reply(out: &mut dyn Write, reply: &AdminReply) -> io::Result<()> {
    match reply {
        AdminReply::Done { message } => writeln!(out, "{}", clean(message)),
        AdminReply::Status(view) => status::status(out, view),
        AdminReply::User(view) => people::user(out, view),
        AdminReply::Users { users, .. } => people::users(out, users),
        AdminReply::Sessions { sessions } => people::sessions(out, sessions),
        AdminReply::Token(view) => people::tokens(out, std::slice::from_ref(view)),
        AdminReply::Tokens { tokens } | AdminReply::TokensFound { tokens, .. } => people::tokens(out, tokens),
        AdminReply::Enrolment(view) => enrolment::enrolment(out, view),
        AdminReply::Resource(view) => resources::resource(out, view),
        AdminReply::Resources { resources, .. } => resources::resources(out, resources),
        AdminReply::Client(view) => clients::client(out, view),
        AdminReply::ClientSecret { client, secret } => {
            clients::client(out, client)?;
            writeln!(out)?;
            once::shared_secret(out, secret)
        }
        AdminReply::Remembered { entries } => radius::remembered(out, entries),
        AdminReply::Accounting { sessions } => radius::connections(out, sessions),
        AdminReply::Clients { clients, .. } => clients::clients(out, clients),
        AdminReply::Sources { sources, .. } => sources::sources(out, sources),
        AdminReply::SourceTested { .. } => sources::tested(out, reply),
        AdminReply::Providers { providers } => sms::providers(out, providers),
        AdminReply::SendTest {
            state,
            provider,
            provider_id,
            detail,
        } => sms::send_test(out, state, provider, provider_id.as_deref(), detail),
        AdminReply::SmsPolicy(policy) => sms::sms_policy(out, policy),
        AdminReply::Messages { messages, .. } => sms::messages(out, messages),
        AdminReply::Explained {
            outcome,
            reason,
            text,
        } => explained(out, outcome, reason, text),
        AdminReply::Audit { rows } => audit::audit(out, rows),
        AdminReply::AuditFound { rows, before } => audit::found(out, rows, *before),
        AdminReply::AuditVerified {
            rows,
            head,
            broken_at,
        } => audit::verified(out, *rows, head, *broken_at),
        AdminReply::OneDayCode { code, until } => once::one_day_code(out, code, *until),
        AdminReply::RecoveryCodes { codes } => once::recovery_codes(out, codes),
        AdminReply::Invited { link, until, mailed } => once::invited(out, link, *until, *mailed),
        AdminReply::AdminLink { link, until, mailed } => once::admin_link(out, link, *until, *mailed),
        AdminReply::ApiKeySecret { key, secret } => {
            administrators::keys(out, std::slice::from_ref(key))?;
            once::api_key(out, secret)
        }
        AdminReply::ApiKeys { keys } => administrators::keys(out, keys),
        AdminReply::Admin(view) => administrators::admins(out, std::slice::from_ref(view)),
        AdminReply::Admins { admins } => administrators::admins(out, admins),
        AdminReply::Import(state) => import::state(out, state),
        AdminReply::ImportPlan { lines, import, .. } => import::plan(out, lines, import),
        AdminReply::Mail(view) => settings::mail(out, view),
        AdminReply::Portal(view) => settings::portal(out, view),
        AdminReply::Overview(view) => overview::overview(out, view),
    }
}

fn explained(out: &mut dyn Write, outcome: &str, reason: &str, text: &str) -> io::Result<()> {
    let outcome = match outcome {
        "ask" => "ask (a code would be sent)",
        other => other,
    };
    fields(
        out,
        &[
            ("Outcome", outcome.to_owned()),
            ("Reason", reason.to_owned()),
            ("Meaning", text.to_owned()),
        ],
    )
}

fn or_dash(text: Option<String>) -> String {
    dash(&text.unwrap_or_default())
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

fn list(items: &[String]) -> String {
    dash(&items.join(", "))
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests;
