//! Resources.

use std::io::{self, Write};

use otpost_ipc::admin::{AccessSet, ResourceView, SelfServiceSettings};

use super::{clients::attributes, dash, fields, list, table, yes};
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
    if let Some(rules) = &set.access {
        writeln!(out)?;
        access(out, rules)?;
    }
    if let Some(own) = &set.self_service {
        writeln!(out)?;
        self_service(out, own, &view.portal)?;
    }
    Ok(())
}

/// The rules: who gets in without a code, and who not at all.
fn access(out: &mut dyn Write, set: &AccessSet) -> io::Result<()> {
    let words = |list: &Option<Vec<String>>, empty: &str| match list.as_deref() {
        None => "-".to_owned(),
        Some([]) => empty.to_owned(),
        Some(words) => words.join(", "),
    };
    let hours = match (set.hours.as_deref(), set.time_zone.as_deref()) {
        (Some(hours @ [_, ..]), Some("")) => format!("{} (time of otpostd's host)", hours.join("; ")),
        (Some(hours @ [_, ..]), Some(zone)) => format!("{} ({zone})", hours.join("; ")),
        _ => words(&set.hours, "always"),
    };
    fields(
        out,
        &[
            ("Logins from", words(&set.allowed_networks, "everywhere")),
            ("Logins at", hours),
            ("No code from", words(&set.exempt_networks, "nowhere")),
            ("No code for users", words(&set.exempt_users, "none")),
            ("No code for groups", words(&set.exempt_groups, "none")),
            (
                "A code holds",
                match set.remember_minutes {
                    None => "-".to_owned(),
                    Some(0) => "for one login".to_owned(),
                    Some(minutes) => format!("{} from the same device", span(u64::from(minutes) * 60)),
                },
            ),
            ("Reply attributes", attributes(set.reply.as_deref())),
        ],
    )
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
