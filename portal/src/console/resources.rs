//! Resources: the list, a new one, its general settings and policies, and its end.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, ResourceSettings, ResourceView};

use super::{
    ask::{Ask, Field, Form},
    desk::{Desk, Page, Sent, show},
    paging::Paging,
    words::{resource_path, tab},
};
use crate::{
    i18n::Text,
    ui::{ConsoleFrame, Errors, Pager},
    web::Posted,
};

/// Which field a sentence of the daemon is about.
const FIELDS: [(&str, &str); 10] = [
    ("region", "region"),
    ("country", "region"),
    ("attempts", "failed-attempts"),
    ("tries", "tries"),
    ("digits", "digits"),
    ("valid", "validity"),
    ("service", "pam-services"),
    ("unenrolled", "unenrolled"),
    ("disabled", "disabled"),
    ("name", "name"),
];

/// What the pages of a resource are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    General,
    SelfService,
    Users,
    Tokens,
    Clients,
    Policies,
    Access,
    Activity,
}

/// The frame of a page of a resource.
pub(super) fn frame(desk: &Desk, name: &str, current: Tab) -> ConsoleFrame {
    let mut f = desk
        .frame("/resources", name)
        .below(desk.t("nav-resources"), "/resources");
    let base = resource_path(name);
    let all = [
        (Tab::General, "c-tab-general", ""),
        (Tab::SelfService, "c-tab-self-service", "/self-service"),
        (Tab::Users, "nav-users", "/users"),
        (Tab::Tokens, "nav-tokens", "/tokens"),
        (Tab::Clients, "nav-radius", "/radius"),
        (Tab::Policies, "c-tab-policies", "/policies"),
        (Tab::Access, "c-tab-access", "/access"),
        (Tab::Activity, "c-tab-activity", "/activity"),
    ];
    f.tabs = all
        .into_iter()
        .filter(|(which, ..)| *which != Tab::Clients || desk.changes())
        .map(|(which, label, rest)| tab(&desk.t(label), format!("{base}{rest}"), which == current))
        .collect();
    f
}

#[derive(Template)]
#[template(path = "console/resources.html")]
struct ListPage {
    f: ConsoleFrame,
    may_add: bool,
    search: String,
    resources: Vec<ResourceView>,
    any: bool,
    pager: Pager,
}

impl ListPage {
    fn heads(&self) -> Vec<Text> {
        ["c-name", "c-portal", "nav-users", "c-pam-services", "c-state"]
            .map(|key| self.f.t(key))
            .to_vec()
    }

    fn path(&self, resource: &ResourceView) -> String {
        resource_path(&resource.name)
    }

    fn address<'a>(&self, resource: &'a ResourceView) -> &'a str {
        let own = resource.settings.self_service.as_ref();
        own.and_then(|own| own.address.as_deref()).unwrap_or_default()
    }

    fn services(&self, resource: &ResourceView) -> String {
        resource
            .settings
            .pam_services
            .clone()
            .unwrap_or_default()
            .join(", ")
    }

    fn enabled(&self, resource: &ResourceView) -> bool {
        resource.settings.enabled.unwrap_or(true)
    }
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let search = desk.query("search").to_lowercase();
    let mut resources = desk.resources().await?;
    let any = !resources.is_empty();
    resources.retain(|resource| {
        let own = resource.settings.self_service.as_ref();
        let address = own.and_then(|own| own.address.as_deref()).unwrap_or_default();
        resource.name.to_lowercase().contains(&search) || address.contains(&search)
    });
    let paging = Paging::new(&desk, "/resources", &["search"], "after");
    let (resources, pager) = paging.whole(&desk, resources);
    let page = ListPage {
        f: desk.frame("/resources", desk.t("nav-resources")),
        pager,
        may_add: desk.changes_all(),
        search: desk.query("search").to_owned(),
        resources,
        any,
    };
    show(&page.f, &desk.typed, &page)
}

fn add_form(desk: &Desk, errors: Errors) -> Page {
    let f = desk
        .frame("/resources", desk.t("c-add-resource"))
        .below(desk.t("nav-resources"), "/resources");
    Ask::new(f, desk.t("c-create"), "/resources")
        .lead(desk.t("c-step-resource-text"))
        .field(
            desk.line("name", &desk.t("c-resource-name"), "")
                .hint(&desk.t("c-resource-name-hint"))
                .more("maxlength=64"),
        )
        .field(region(desk, ""))
        .show(desk, errors)
}

fn region(desk: &Desk, now: &str) -> Field {
    desk.line("region", &desk.t("c-region"), now)
        .hint(&desk.t("c-region-hint"))
        .more("maxlength=2 autocapitalize=characters spellcheck=false")
}

/// Form: a new resource.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes_all())?;
    add_form(&desk, Errors::default())
}

/// The new resource.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let name = form.trimmed("name").to_owned();
    if name.is_empty() {
        let mut errors = Errors::default();
        errors.add("name", desk.t("c-name-missing"));
        return add_form(desk, errors);
    }
    let set = ResourceSettings {
        region: Some(form.trimmed("region").to_uppercase()),
        ..ResourceSettings::default()
    };
    let op = AdminOp::ResourceAdd {
        name: name.clone(),
        set,
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done(&resource_path(&name), "added"),
        Err(fault) => add_form(desk, desk.refusal(&fault, &FIELDS, "name")),
    }
}

fn general_form(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let settings = &resource.settings;
    let enabled = settings.enabled.unwrap_or(true);
    let base = resource_path(&resource.name);
    let page = Form {
        f: frame(desk, &resource.name, Tab::General).with_errors(errors),
        may: desk.changes(),
        pill: Some(enabled),
        lead: desk.t("c-general-lead").arg("users", resource.users),
        fields: vec![
            desk.line("name", &desk.t("c-resource-name"), &resource.name)
                .hint(&desk.t("c-resource-name-hint"))
                .more("maxlength=64"),
            region(desk, settings.region.as_deref().unwrap_or_default()),
            desk.switch("enabled", &desk.t("c-enabled"), enabled)
                .hint(&desk.t("c-enabled-hint")),
            desk.switch(
                "shared-phones",
                &desk.t("c-shared-phones"),
                settings.shared_phones.unwrap_or(false),
            )
            .hint(&desk.t("c-shared-phones-hint")),
        ],
        links: vec![(format!("{base}/remove"), desk.t("c-remove-resource"), true)],
    };
    show(&page.f, &desk.typed, &page)
}

/// General settings.
pub(super) async fn general(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    general_form(&desk, &resource, Errors::default())
}

/// Changes of general settings.
pub(super) async fn set_general(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let new = form.trimmed("name").to_owned();
    let set = ResourceSettings {
        name: (new != name).then(|| new.clone()),
        region: Some(form.trimmed("region").to_uppercase()),
        enabled: Some(form.has("enabled")),
        shared_phones: Some(form.has("shared-phones")),
        ..ResourceSettings::default()
    };
    let op = AdminOp::ResourceSet {
        name: name.clone(),
        set,
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done(&resource_path(&new), "saved"),
        Err(fault) => {
            let resource = desk.resource(&name).await?;
            general_form(desk, &resource, desk.refusal(&fault, &FIELDS, "name"))
        }
    }
}

fn policies_form(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let settings = &resource.settings;
    let without = || {
        vec![
            ("deny".to_owned(), desk.t("c-deny").to_string()),
            ("allow".to_owned(), desk.t("c-allow").to_string()),
        ]
    };
    let digits = [6, 7, 8]
        .map(|digits: u8| {
            (
                digits.to_string(),
                desk.t("c-digits").arg("digits", digits).to_string(),
            )
        })
        .to_vec();
    let services = settings.pam_services.clone().unwrap_or_default().join("\n");
    let mut fields = vec![
        desk.number(
            "failed-attempts",
            &desk.t("c-failed-attempts"),
            settings.failed_attempts.unwrap_or(5),
        )
        .hint(&desk.t("c-failed-attempts-hint"))
        .more("min=3 max=10"),
        desk.number("tries", &desk.t("c-tries"), settings.tries.unwrap_or(5))
            .hint(&desk.t("c-tries-hint"))
            .more("min=1 max=10"),
        desk.select(
            "digits",
            &desk.t("c-code-digits"),
            digits,
            &settings.digits.unwrap_or(6).to_string(),
        ),
        desk.number(
            "validity",
            &desk.t("c-validity"),
            settings.validity.unwrap_or(300),
        )
        .hint(&desk.t("c-validity-hint"))
        .more("min=60 max=600"),
        desk.select(
            "unenrolled",
            &desk.t("c-unenrolled"),
            without(),
            settings.unenrolled.as_deref().unwrap_or("deny"),
        )
        .hint(&desk.t("c-unenrolled-hint")),
        desk.select(
            "disabled",
            &desk.t("c-token-disabled"),
            without(),
            settings.disabled.as_deref().unwrap_or("deny"),
        )
        .hint(&desk.t("c-token-disabled-hint")),
    ];
    if desk.changes_all() {
        fields.push(
            desk.area("pam-services", &desk.t("c-pam-services"), &services)
                .hint(&desk.t("c-pam-services-hint"))
                .more("spellcheck=false"),
        );
    }
    let mut links = Vec::new();
    if desk.changes_all() {
        links.push(("/settings/sms".to_owned(), desk.t("c-sms-policy"), false));
    }
    let page = Form {
        f: frame(desk, &resource.name, Tab::Policies).with_errors(errors),
        may: desk.changes(),
        pill: None,
        lead: desk.t("c-policies-lead"),
        fields,
        links,
    };
    show(&page.f, &desk.typed, &page)
}

/// Limits and policies.
pub(super) async fn policies(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    policies_form(&desk, &resource, Errors::default())
}

/// A whole number of a form; a mistake where it is none.
pub(super) fn whole(desk: &Desk, form: &Posted, field: &str, errors: &mut Errors) -> Option<u32> {
    let number = form.trimmed(field).parse().ok();
    if number.is_none() {
        errors.add(field, desk.t("c-number-wrong"));
    }
    number
}

/// Changes of limits and policies.
pub(super) async fn set_policies(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    let set = ResourceSettings {
        failed_attempts: whole(desk, form, "failed-attempts", &mut errors),
        tries: whole(desk, form, "tries", &mut errors),
        digits: form.get("digits").parse().ok(),
        validity: whole(desk, form, "validity", &mut errors),
        unenrolled: Some(form.get("unenrolled").to_owned()),
        disabled: Some(form.get("disabled").to_owned()),
        pam_services: form.has("pam-services").then(|| {
            let words = form.get("pam-services").split([',', '\n', '\r', ' ']);
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }),
        ..ResourceSettings::default()
    };
    if errors.is_empty() {
        let op = AdminOp::ResourceSet {
            name: name.clone(),
            set,
        };
        match desk.attempt(op).await? {
            Ok(_) => return desk.done(&format!("{}/policies", resource_path(&name)), "saved"),
            Err(fault) => errors = desk.refusal(&fault, &FIELDS, "failed-attempts"),
        }
    }
    let resource = desk.resource(&name).await?;
    policies_form(desk, &resource, errors)
}

fn remove_form(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let base = resource_path(&resource.name);
    let f = desk
        .frame("/resources", desk.t("c-remove-resource"))
        .below(desk.t("nav-resources"), "/resources")
        .below(&resource.name, &base);
    let text = (desk.t("c-remove-resource-text"))
        .arg("name", resource.name.as_str())
        .arg("users", resource.users);
    Ask::new(f, desk.t("c-remove-resource"), base)
        .danger(text)
        .field(
            desk.line("name", &desk.t("c-type-name"), "")
                .more("spellcheck=false"),
        )
        .show(desk, errors)
}

/// Form: the end of a resource.
pub(super) async fn removal(Path(name): Path<String>, desk: Desk) -> Page {
    desk.only(desk.changes())?;
    let resource = desk.resource(&name).await?;
    remove_form(&desk, &resource, Errors::default())
}

/// Its end.
pub(super) async fn remove(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let resource = desk.resource(&name).await?;
    let mut errors = Errors::default();
    if form.trimmed("name") != resource.name {
        errors.add("name", desk.t("c-type-name-wrong"));
        return remove_form(desk, &resource, errors);
    }
    match desk.attempt(AdminOp::ResourceRemove { name }).await? {
        Ok(_) => desk.done("/resources", "removed"),
        Err(fault) => remove_form(desk, &resource, desk.refusal(&fault, &[], "name")),
    }
}
