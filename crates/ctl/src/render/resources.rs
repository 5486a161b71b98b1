//! Resources, and the RADIUS clients in front of them.

use std::io::{self, Write};

use otpost_ipc::{
    admin::{ClientView, ResourceView, SelfServiceSettings},
    radius::MessageAuthenticator,
};

use super::{dash, fields, list, table, yes};
use crate::text::span;

pub(super) fn resource(out: &mut dyn Write, view: &ResourceView) -> io::Result<()> {
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

pub(super) fn resources(out: &mut dyn Write, views: &[ResourceView]) -> io::Result<()> {
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

pub(super) fn clients(out: &mut dyn Write, views: &[ClientView]) -> io::Result<()> {
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
