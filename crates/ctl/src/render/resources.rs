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
    )?;
    match &set.self_service {
        Some(own) => {
            writeln!(out)?;
            self_service(out, own, &view.portal)
        }
        None => Ok(()),
    }
}

/// The portal of a resource; `full` is its whole address.
fn self_service(out: &mut dyn Write, set: &SelfServiceSettings, full: &str) -> io::Result<()> {
    let words = |list: &Option<Vec<String>>| match list.as_deref() {
        Some([]) => "none".to_owned(),
        Some(words) => words.join(", "),
        None => "-".to_owned(),
    };
    let or = |word: &Option<String>, empty: &str| match word.as_deref() {
        Some("") => empty.to_owned(),
        Some(word) => word.to_owned(),
        None => "-".to_owned(),
    };
    let on = set.address.as_deref().is_some_and(|address| !address.is_empty());
    fields(
        out,
        &[
            ("Self-service", or(&set.address, "off")),
            (
                "Portal",
                match full {
                    "" if on => "its address is not known; set it with: otpostctl portal set --url",
                    "" => "-",
                    full => full,
                }
                .to_owned(),
            ),
            ("Allowed actions", words(&set.actions)),
            ("Can be set up", words(&set.kinds)),
            (
                "Length of codes",
                match set.otp_length.as_deref() {
                    Some("choice") => "people choose".to_owned(),
                    Some(digits) => format!("{digits} digits"),
                    None => "-".to_owned(),
                },
            ),
            (
                "Number and code",
                match set.two_steps {
                    Some(true) => "on two pages",
                    Some(false) => "on one page",
                    None => "-",
                }
                .to_owned(),
            ),
            (
                "First enrolment",
                match set.first_enrolment.as_deref() {
                    Some("password") => "after the password",
                    Some("invite") => "by invitation; make one with: otpostctl user invite",
                    other => other.unwrap_or("-"),
                }
                .to_owned(),
            ),
            (
                "First enrolment within",
                match set.enrol_days {
                    Some(0) => "no end".to_owned(),
                    Some(days) => format!("{days} days"),
                    None => "-".to_owned(),
                },
            ),
            ("Title", or(&set.title, "the resource's name")),
            ("Colour", or(&set.accent, "the usual one")),
            ("Hint", or(&set.hint, "none")),
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
            match view
                .settings
                .self_service
                .as_ref()
                .map(|own| own.address.as_deref())
            {
                Some(Some("") | None) | None => "-".to_owned(),
                Some(Some(_)) if !view.portal.is_empty() => view.portal.clone(),
                Some(Some(address)) => address.to_owned(),
            },
        ]
    });
    table(
        out,
        ["RESOURCE", "ENABLED", "USERS", "PAM SERVICES", "SELF-SERVICE"],
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
                MessageAuthenticator::Auto => "auto",
                MessageAuthenticator::Off => "off",
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
