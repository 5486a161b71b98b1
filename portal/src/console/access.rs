//! The Access tab of a resource: who gets in without a code, and who not at all.

use axum::extract::Path;
use otpost_ipc::{
    Fault,
    admin::{AccessSet, AdminOp, ResourceSettings, ResourceView},
};

use super::{
    ask::{Group, Groups},
    client_form::lines,
    desk::{Desk, Page, Sent, show},
    resources::{self, Tab, whole},
    users::names,
    words::resource_path,
};
use crate::{ui::Errors, web::Posted};

/// Which field a sentence of the daemon is about; the first that fits counts.
const FIELDS: [(&str, &str); 9] = [
    ("= help", "reply"),
    ("cannot be set here", "reply"),
    ("begins with neither", "reply"),
    ("names no hours", "hours"),
    ("zone", "time-zone"),
    ("exempt network", "exempt-networks"),
    ("login name", "exempt-users"),
    ("a group has", "exempt-groups"),
    ("remember-minutes", "remember-minutes"),
];

fn groups(desk: &Desk, now: &AccessSet) -> Vec<Group> {
    let all = |list: &Option<Vec<String>>| list.clone().unwrap_or_default().join("\n");
    let area = |id, label: &str, hint: &str, list: &Option<Vec<String>>| {
        desk.area(id, &desk.t(label), &all(list))
            .hint(&desk.t(hint))
            .more("spellcheck=false autocapitalize=none")
    };
    vec![
        Group {
            title: desk.t("c-access-who"),
            lead: Some(desk.t("c-access-who-text")),
            fields: vec![
                area(
                    "allowed-networks",
                    "c-allowed-networks",
                    "c-allowed-networks-hint",
                    &now.allowed_networks,
                ),
                area("hours", "c-hours", "c-hours-hint", &now.hours),
                desk.line(
                    "time-zone",
                    &desk.t("c-time-zone"),
                    now.time_zone.as_deref().unwrap_or_default(),
                )
                .hint(&desk.t("c-time-zone-hint"))
                .more("maxlength=64 spellcheck=false autocapitalize=none"),
            ],
        },
        Group {
            title: desk.t("c-access-exempt"),
            lead: Some(desk.t("c-access-exempt-text")),
            fields: vec![
                area(
                    "exempt-networks",
                    "c-exempt-networks",
                    "c-exempt-networks-hint",
                    &now.exempt_networks,
                ),
                area(
                    "exempt-users",
                    "c-exempt-users",
                    "c-one-a-line",
                    &now.exempt_users,
                ),
                area(
                    "exempt-groups",
                    "c-exempt-groups",
                    "c-exempt-groups-hint",
                    &now.exempt_groups,
                ),
                desk.number(
                    "remember-minutes",
                    &desk.t("c-remember"),
                    now.remember_minutes.unwrap_or(0),
                )
                .hint(&desk.t("c-remember-hint"))
                .more("min=0 max=1440"),
            ],
        },
        Group {
            title: desk.t("c-access-reply"),
            lead: Some(desk.t("c-access-reply-text")),
            fields: vec![area("reply", "c-reply", "c-reply-rule-hint", &now.reply)],
        },
    ]
}

fn access_form(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let none = AccessSet::default();
    let now = resource.settings.access.as_ref().unwrap_or(&none);
    let f = resources::frame(desk, &resource.name, Tab::Access);
    let page = Groups {
        may: desk.changes(),
        lead: desk.t("c-access-lead"),
        note: None,
        groups: groups(desk, now),
        go: desk.t("save"),
        back: (f.here().to_owned(), desk.t("c-discard")),
        links: Vec::new(),
        f: f.with_errors(errors),
    };
    show(&page.f, &desk.typed, &page)
}

/// The rules.
pub(super) async fn access(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    access_form(&desk, &resource, Errors::default())
}

/// The network that a sentence quotes stands in one of two fields.
fn first(form: &Posted, fault: &Fault) -> &'static str {
    let quoted = fault.message.split('`').nth(1).unwrap_or_default();
    let exempt = names(form.get("exempt-networks"));
    if exempt.iter().any(|network| network == quoted) {
        "exempt-networks"
    } else {
        "allowed-networks"
    }
}

/// Changes of the rules.
pub(super) async fn set_access(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    let minutes = whole(desk, form, "remember-minutes", &mut errors);
    if errors.is_empty() {
        let access = AccessSet {
            allowed_networks: Some(names(form.get("allowed-networks"))),
            hours: Some(lines(form.get("hours"))),
            time_zone: Some(form.trimmed("time-zone").to_owned()),
            exempt_networks: Some(names(form.get("exempt-networks"))),
            exempt_users: Some(names(form.get("exempt-users"))),
            exempt_groups: Some(lines(form.get("exempt-groups"))),
            remember_minutes: minutes,
            reply: Some(lines(form.get("reply"))),
        };
        let set = ResourceSettings {
            access: Some(access),
            ..ResourceSettings::default()
        };
        let op = AdminOp::ResourceSet {
            name: name.clone(),
            set,
        };
        match desk.attempt(op).await? {
            Ok(_) => return desk.done(&format!("{}/access", resource_path(&name)), "saved"),
            Err(fault) => errors = desk.refusal(&fault, &FIELDS, first(form, &fault)),
        }
    }
    let resource = desk.resource(&name).await?;
    access_form(desk, &resource, errors)
}
