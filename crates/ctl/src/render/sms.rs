//! Providers, texts, and what may be sent.

use std::io::{self, Write};

use otpost_ipc::admin::{MessageView, ProviderView, SmsPolicySet};

use super::{dash, fields, list, table, yes};
use crate::text::time;

pub(super) fn providers(out: &mut dyn Write, views: &[ProviderView]) -> io::Result<()> {
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

/// What became of a test text: provider, its id of the message, and what it said.
pub(super) fn send_test(
    out: &mut dyn Write,
    state: &str,
    provider: &str,
    id: Option<&str>,
    detail: &str,
) -> io::Result<()> {
    fields(
        out,
        &[
            ("State", state.to_owned()),
            ("Provider", dash(provider)),
            ("Message id", dash(id.unwrap_or_default())),
            ("Detail", dash(detail)),
        ],
    )
}

pub(super) fn messages(out: &mut dyn Write, views: &[MessageView]) -> io::Result<()> {
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

pub(super) fn sms_policy(out: &mut dyn Write, policy: &SmsPolicySet) -> io::Result<()> {
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
