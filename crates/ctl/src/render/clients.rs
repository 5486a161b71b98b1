//! RADIUS clients.

use std::io::{self, Write};

use otpost_ipc::{
    admin::{ClientSet, ClientView},
    radius::MessageAuthenticator,
};

use super::{dash, fields, list, table, yes};
use crate::text::time;

pub(super) fn clients(out: &mut dyn Write, views: &[ClientView]) -> io::Result<()> {
    let rows = views.iter().map(|view| {
        [
            view.name.clone(),
            list(&view.networks),
            view.resource.clone(),
            word(&view.set.flow),
            view.first_factor.clone(),
            rule(view.message_authenticator).to_owned(),
            sends(view),
        ]
    });
    let heads = [
        "CLIENT",
        "NETWORKS",
        "RESOURCE",
        "FLOW",
        "FIRST FACTOR",
        "MESSAGE-AUTHENTICATOR",
        "SENDS IT",
    ];
    table(out, heads, rows, "No RADIUS clients.")
}

/// One client with all its settings.
pub(super) fn client(out: &mut dyn Write, view: &ClientView) -> io::Result<()> {
    let set = &view.set;
    fields(
        out,
        &[
            ("Name", view.name.clone()),
            ("Networks", list(&view.networks)),
            ("Resource", view.resource.clone()),
            ("Product", or(&set.nas, "none named")),
            ("Flow", flow(set)),
            ("Separator", separator(set)),
            (
                "First factor",
                match view.first_factor.as_str() {
                    "local" => "local: otpost checks the password",
                    "stack" => "stack: the VPN has checked the password",
                    chain => chain,
                }
                .to_owned(),
            ),
            (
                "Wrong password",
                match set.hide_first_factor {
                    Some(true) => "hidden: a code is asked for all the same",
                    Some(false) => "rejected at once",
                    None => "-",
                }
                .to_owned(),
            ),
            ("Message-Authenticator", authenticator(view)),
            ("Sends it", sends(view)),
            ("First sent", view.signed.map_or_else(|| "never".to_owned(), time)),
            (
                "Last left out",
                view.unsigned.map_or_else(|| "never".to_owned(), time),
            ),
            ("Proxied without it", dropped(set.limit_proxy_state)),
            ("Code shown while typed", flag(set.echo)),
            (
                "Longest prompt",
                set.prompt_length
                    .map_or_else(|| "-".to_owned(), |octets| format!("{octets} octets")),
            ),
            ("Device's address in", or(&set.source, "-")),
            ("EAP-GTC", flag(set.eap)),
            ("Accounting", flag(set.accounting)),
            ("Reply attributes", attributes(set.reply.as_deref())),
        ],
    )
}

/// Reply attributes, which may have commas in them.
pub(super) fn attributes(all: Option<&[String]>) -> String {
    match all {
        None => "-".to_owned(),
        Some([]) => "none".to_owned(),
        Some(all) => all.join("; "),
    }
}

const fn rule(rule: MessageAuthenticator) -> &'static str {
    match rule {
        MessageAuthenticator::Require => "require",
        MessageAuthenticator::Auto => "auto",
        MessageAuthenticator::Off => "off",
    }
}

fn authenticator(view: &ClientView) -> String {
    let meaning = match (view.message_authenticator, view.signed) {
        (MessageAuthenticator::Require, _) => "a request without gets no answer",
        (MessageAuthenticator::Auto, Some(_)) => "it was sent once, so a request without gets no answer",
        (MessageAuthenticator::Auto, None) => "it may be absent until the first that has one",
        (MessageAuthenticator::Off, _) => {
            "it may be absent; anybody in between can forge answers (CVE-2024-3596)"
        }
    };
    format!("{}: {meaning}", rule(view.message_authenticator))
}

/// Whether the client sends Message-Authenticator, as far as was seen.
fn sends(view: &ClientView) -> String {
    match (view.signed, view.unsigned) {
        (_, Some(last)) => format!("not on {}", time(last)),
        (Some(_), None) => "yes".to_owned(),
        (None, None) => "-".to_owned(),
    }
}

fn flow(set: &ClientSet) -> String {
    match set.flow.as_deref() {
        Some("challenge") => "challenge: the password, then the code is asked for",
        Some("append") => "append: password and code in one field",
        Some("two-pass") => "two-pass: the password is rejected and the code sent; then both in one field",
        Some("code-only") => "code-only: the password field holds the code",
        other => other.unwrap_or("-"),
    }
    .to_owned()
}

fn separator(set: &ClientSet) -> String {
    match set.separator.as_deref() {
        None => "-".to_owned(),
        Some("") => "none".to_owned(),
        Some(separator) => format!("`{separator}`"),
    }
}

fn dropped(limit: Option<bool>) -> String {
    match limit {
        Some(true) => "no answer",
        Some(false) => "answered",
        None => "-",
    }
    .to_owned()
}

fn flag(flag: Option<bool>) -> String {
    flag.map_or_else(|| "-".to_owned(), yes)
}

fn word(word: &Option<String>) -> String {
    dash(word.as_deref().unwrap_or_default())
}

/// The word, or what an empty one means.
fn or(word: &Option<String>, empty: &str) -> String {
    match word.as_deref() {
        Some("") => empty.to_owned(),
        Some(word) => word.to_owned(),
        None => "-".to_owned(),
    }
}
