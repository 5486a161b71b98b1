//! The daemon's answers as text for people, or as JSON.

mod table;

use std::io::{self, Write};

use otpost_ipc::{
    admin::{
        AdminReply, AuditView, ClientView, MessageView, ProviderView, ResourceView, SmsPolicySet, Status,
        TokenView, UserView,
    },
    radius::MessageAuthenticator,
};
use serde::Serialize;

use crate::text::{clean, span, time};

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
        AdminReply::Status(view) => status(out, view),
        AdminReply::User(view) => user(out, view),
        AdminReply::Users { users: views, .. } => users(out, views),
        AdminReply::Token(view) => tokens(out, std::slice::from_ref(view)),
        AdminReply::Tokens { tokens: views } => tokens(out, views),
        AdminReply::Resource(view) => resource(out, view),
        AdminReply::Resources { resources: views, .. } => resources(out, views),
        AdminReply::Client(view) => clients(out, std::slice::from_ref(view)),
        AdminReply::ClientSecret { client, secret } => {
            clients(out, std::slice::from_ref(client))?;
            writeln!(
                out,
                "\nShared secret, shown this once; enter it on the VPN:\n{}",
                clean(secret.expose())
            )
        }
        AdminReply::Clients { clients: views, .. } => clients(out, views),
        AdminReply::Providers { providers: views } => providers(out, views),
        AdminReply::SendTest {
            state,
            provider,
            provider_id,
            detail,
        } => fields(
            out,
            &[
                ("State", state.clone()),
                ("Provider", dash(provider)),
                (
                    "Message id",
                    provider_id.clone().unwrap_or_else(|| "-".to_owned()),
                ),
                ("Detail", dash(detail)),
            ],
        ),
        AdminReply::SmsPolicy(policy) => sms_policy(out, policy),
        AdminReply::Messages { messages: views, .. } => messages(out, views),
        AdminReply::Explained {
            outcome,
            reason,
            text,
        } => fields(
            out,
            &[
                (
                    "Outcome",
                    match outcome.as_str() {
                        "ask" => "ask (a code would be sent)".to_owned(),
                        other => other.to_owned(),
                    },
                ),
                ("Reason", reason.clone()),
                ("Meaning", text.clone()),
            ],
        ),
        AdminReply::Audit { rows } => audit(out, rows),
        AdminReply::TokensFound { tokens: views, .. } => tokens(out, views),
        AdminReply::AuditVerified {
            rows,
            head,
            broken_at,
        } => match broken_at {
            None => writeln!(
                out,
                "The audit chain holds: {rows} rows, last hash {}",
                clean(head)
            ),
            Some(row) => writeln!(
                out,
                "The audit chain is BROKEN at row {row} of {rows}: that row, or one before it, was changed or removed. \
                 Keep the database file, compare it with a backup, and treat the machine as broken into."
            ),
        },
        // TEMPORARY: until the rest is there.
        _ => Ok(()),
    }
}

fn status(out: &mut dyn Write, view: &Status) -> io::Result<()> {
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

fn user(out: &mut dyn Write, view: &UserView) -> io::Result<()> {
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

fn users(out: &mut dyn Write, views: &[UserView]) -> io::Result<()> {
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

fn tokens(out: &mut dyn Write, views: &[TokenView]) -> io::Result<()> {
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

fn resource(out: &mut dyn Write, view: &ResourceView) -> io::Result<()> {
    let set = &view.settings;
    let count = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let flag = |flag: Option<bool>| flag.map_or_else(|| "-".to_owned(), yes);
    let word = |word: &Option<String>| word.as_deref().map_or_else(|| "-".to_owned(), dash);
    fields(
        out,
        &[
            ("Name", view.name.clone()),
            ("Enabled", flag(set.enabled)),
            ("Users", view.users.to_string()),
            (
                "PAM services",
                set.pam_services.as_deref().map_or_else(|| "-".to_owned(), list),
            ),
            ("Digits of a code", count(set.digits.map(u32::from))),
            (
                "Code valid for",
                set.validity
                    .map_or_else(|| "-".to_owned(), |seconds| span(seconds.into())),
            ),
            ("Tries per login", count(set.tries)),
            ("Wrong codes to lock", count(set.failed_attempts)),
            ("Users without token", word(&set.unenrolled)),
            ("Token disabled", word(&set.disabled)),
            ("Shared phones", flag(set.shared_phones)),
            ("Default country", word(&set.region)),
        ],
    )
}

fn resources(out: &mut dyn Write, views: &[ResourceView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.name.clone(),
            view.settings.enabled.map_or_else(|| "-".to_owned(), yes),
            view.users.to_string(),
            view.settings
                .pam_services
                .as_deref()
                .map_or_else(|| "-".to_owned(), list),
        ]
    });
    table(
        out,
        ["RESOURCE", "ENABLED", "USERS", "PAM SERVICES"],
        rows,
        "No resources.",
    )
}

fn clients(out: &mut dyn Write, views: &[ClientView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.name.clone(),
            list(&view.networks),
            view.resource.clone(),
            match view.message_authenticator {
                MessageAuthenticator::Require => "require",
                MessageAuthenticator::Optional => "optional",
            }
            .to_owned(),
            view.first_factor.clone(),
        ]
    });
    let heads = [
        "CLIENT",
        "NETWORKS",
        "RESOURCE",
        "MESSAGE-AUTHENTICATOR",
        "FIRST FACTOR",
    ];
    table(out, heads, rows, "No RADIUS clients.")
}

fn providers(out: &mut dyn Write, views: &[ProviderView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.priority.to_string(),
            view.name.clone(),
            view.kind.clone(),
            yes(view.enabled),
            dash(&view.sender),
        ]
    });
    let none = "No SMS providers; no code can be sent. Make one with: otpostctl sms provider add";
    table(
        out,
        ["PRIORITY", "PROVIDER", "KIND", "ENABLED", "SENDER"],
        rows,
        none,
    )
}

fn messages(out: &mut dyn Write, views: &[MessageView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            time(view.created),
            view.kind.clone(),
            dash(&view.phone),
            view.state.clone(),
            list(&view.tried),
            dash(&view.reference),
            dash(&view.detail),
        ]
    });
    table(
        out,
        ["QUEUED", "KIND", "PHONE", "STATE", "TRIED", "REF", "DETAIL"],
        rows,
        "No texts.",
    )
}

fn sms_policy(out: &mut dyn Write, policy: &SmsPolicySet) -> io::Result<()> {
    let count = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    fields(
        out,
        &[
            (
                "Sending",
                match policy.paused {
                    Some(true) => "paused; nothing leaves until: otpostctl sms resume",
                    Some(false) => "on",
                    None => "-",
                }
                .to_owned(),
            ),
            ("Countries", countries(policy)),
            (
                "Voice-over-IP numbers",
                policy.voip.map_or_else(|| "-".to_owned(), yes),
            ),
            ("Per number and hour", count(policy.number_hour)),
            ("Per number and day", count(policy.number_day)),
            ("Per user and hour", count(policy.user_hour)),
            ("Per user and day", count(policy.user_day)),
            ("Of these kept for known places", count(policy.user_reserve)),
            ("Per source and hour", count(policy.source_hour)),
            ("Per source and day", count(policy.source_day)),
            ("In all per minute", count(policy.all_minute)),
            ("In all per day", count(policy.all_day)),
        ],
    )
}

/// The country list of a policy, one line.
pub(crate) fn countries(policy: &SmsPolicySet) -> String {
    match policy.countries.as_deref() {
        Some([]) => "none; no text can be sent. Set them with: otpostctl sms countries DE,AT".to_owned(),
        Some(codes) => list(codes),
        None => "-".to_owned(),
    }
}

/// One line a row: rows arrive one by one with `--follow`, so columns could not align.
fn audit(out: &mut dyn Write, rows: &[AuditView]) -> io::Result<()> {
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
