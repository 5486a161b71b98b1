//! The Self-Service tab of a resource: General and Token Enrollment.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings, ResourceView, SelfServiceSettings};

use super::{
    desk::{Desk, Halt, Page, Sent, show},
    resources::{self, Tab, whole},
    words::{resource_path, tab},
};
use crate::{
    i18n::Text,
    ui::{self, ConsoleFrame, Errors, Qr},
};

pub(super) fn frame(desk: &Desk, name: &str, current: usize) -> ConsoleFrame {
    let mut f = resources::frame(desk, name, Tab::SelfService);
    let base = format!("{}/self-service", resource_path(name));
    f.inner_tabs = [
        ("c-tab-general", ""),
        ("c-tab-actions", "/actions"),
        ("c-tab-enrollment", "/enrollment"),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (label, rest))| tab(&desk.t(label), format!("{base}{rest}"), at == current))
    .collect();
    f
}

pub(super) fn own(resource: &ResourceView) -> SelfServiceSettings {
    resource.settings.self_service.clone().unwrap_or_default()
}

/// Changes of self-service alone.
pub(super) fn only(set: SelfServiceSettings) -> ResourceSettings {
    ResourceSettings {
        self_service: Some(set),
        ..ResourceSettings::default()
    }
}

#[derive(Template)]
#[template(path = "console/self_general.html")]
struct GeneralPage {
    f: ConsoleFrame,
    may: bool,
    owner: bool,
    on: bool,
    address: String,
    portal: String,
    one_step: bool,
    first: String,
    days: String,
    title: String,
    accent: String,
    login_hint: String,
    qr: Option<Qr>,
    invite: String,
}

impl GeneralPage {
    fn first_options(&self) -> Vec<(&'static str, Text)> {
        vec![
            ("password", self.f.t("c-first-password")),
            ("invite", self.f.t("c-first-invite")),
        ]
    }
}

/// Full address of the portal. The daemon's, else what this program was told it is reached by.
fn portal(desk: &Desk, resource: &ResourceView) -> String {
    let address = own(resource).address.unwrap_or_default();
    if !resource.portal.is_empty() || address.is_empty() {
        return resource.portal.clone();
    }
    let base = desk.app.self_service_url.as_deref();
    base.map_or_else(String::new, |base| {
        format!("{}/s/{address}", base.trim_end_matches('/'))
    })
}

fn general_page(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let own = own(resource);
    let typed = &desk.typed;
    let text = |of: &Option<String>| of.clone().unwrap_or_default();
    let portal = portal(desk, resource);
    let label = desk.t("c-portal-qr").to_string();
    let page = GeneralPage {
        may: desk.changes(),
        owner: desk.owns(),
        on: own.address.as_deref().is_some_and(|address| !address.is_empty()),
        address: typed.or("address", &text(&own.address)),
        one_step: typed.on("one-step", !own.two_steps.unwrap_or(true)),
        first: typed.or("first", own.first_enrolment.as_deref().unwrap_or("password")),
        days: typed.or("days", &own.enrol_days.unwrap_or(0).to_string()),
        title: typed.or("title", &text(&own.title)),
        accent: typed.or("accent", &text(&own.accent)),
        login_hint: typed.or("hint", &text(&own.hint)),
        qr: Some(&portal)
            .filter(|portal| !portal.is_empty())
            .and_then(|portal| ui::qr(portal, &label)),
        portal,
        invite: format!("{}/invite", resource_path(&resource.name)),
        f: frame(desk, &resource.name, 0).with_errors(errors),
    };
    show(&page.f, &desk.typed, &page)
}

/// Self-Service, General.
pub(super) async fn general(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    general_page(&desk, &resource, Errors::default())
}

/// Changes of it. An address turns the portal on, none turns it off.
pub(super) async fn set_general(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let before = desk.resource(&name).await?;
    let was = own(&before).address.unwrap_or_default();
    let address = form.trimmed("address").to_owned();
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let mut errors = Errors::default();
    if address.len() > 64 || !address.bytes().all(fine) {
        errors.add("address", desk.t("c-address-wrong"));
    }
    let days = whole(desk, form, "days", &mut errors);
    if errors.is_empty() {
        let set = SelfServiceSettings {
            address: Some(address.clone()),
            two_steps: Some(!form.has("one-step")),
            first_enrolment: Some(form.get("first").to_owned()),
            enrol_days: days,
            title: Some(form.trimmed("title").to_owned()),
            accent: Some(form.trimmed("accent").to_owned()),
            hint: Some(form.trimmed("hint").to_owned()),
            ..SelfServiceSettings::default()
        };
        let op = AdminOp::ResourceSet {
            name: name.clone(),
            set: only(set),
        };
        match desk.attempt(op).await? {
            Ok(_) => {
                let word = match (was.is_empty(), address.is_empty()) {
                    (true, false) => "portal-on",
                    (false, true) => "portal-off",
                    _ => "saved",
                };
                return desk.done(&format!("{}/self-service", resource_path(&name)), word);
            }
            Err(fault) => {
                let fields = [
                    ("accent", "accent"),
                    ("colour", "accent"),
                    ("title", "title"),
                    ("hint", "hint"),
                    ("day", "days"),
                ];
                errors = desk.refusal(&fault, &fields, "address");
            }
        }
    }
    general_page(desk, &before, errors)
}

#[derive(Template)]
#[template(path = "console/self_enrollment.html")]
struct EnrollmentPage {
    f: ConsoleFrame,
    may: bool,
    policy: bool,
    sms: bool,
    totp: bool,
    recovery: bool,
    length: String,
    validity: String,
    region: String,
    /// Countries that texts may go to; absent where who is signed in may not see them.
    countries: Option<String>,
}

impl EnrollmentPage {
    fn lengths(&self) -> Vec<(&'static str, Text)> {
        vec![
            ("choice", self.f.t("c-length-choice")),
            ("6", self.f.t("c-length-6")),
            ("8", self.f.t("c-length-8")),
        ]
    }
}

async fn enrollment_page(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let own = own(resource);
    let kinds = own.kinds.unwrap_or_default();
    let kind = |word: &str| desk.typed.on(word, kinds.iter().any(|kind| kind == word));
    let countries = if desk.changes_all() {
        match desk.admin(AdminOp::SmsPolicyShow).await? {
            AdminReply::SmsPolicy(policy) => Some(policy.countries.unwrap_or_default().join(", ")),
            _ => return Err(Halt::from(crate::PageError::Internal)),
        }
    } else {
        None
    };
    let settings = &resource.settings;
    let page = EnrollmentPage {
        may: desk.changes(),
        policy: desk.changes_all(),
        sms: kind("sms"),
        totp: kind("totp"),
        recovery: kind("recovery"),
        length: desk
            .typed
            .or("length", own.otp_length.as_deref().unwrap_or("choice")),
        validity: desk
            .typed
            .or("validity", &settings.validity.unwrap_or(300).to_string()),
        region: desk
            .typed
            .or("region", settings.region.as_deref().unwrap_or_default()),
        countries,
        f: frame(desk, &resource.name, 2).with_errors(errors),
    };
    show(&page.f, &desk.typed, &page)
}

/// Self-Service, Token Enrollment.
pub(super) async fn enrollment(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    enrollment_page(&desk, &resource, Errors::default()).await
}

/// Changes of it.
pub(super) async fn set_enrollment(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    let validity = whole(desk, form, "validity", &mut errors);
    if errors.is_empty() {
        let kinds = ["sms", "totp", "recovery"].into_iter();
        let own = SelfServiceSettings {
            kinds: Some(kinds.filter(|word| form.has(word)).map(str::to_owned).collect()),
            otp_length: Some(form.get("length").to_owned()),
            ..SelfServiceSettings::default()
        };
        let set = ResourceSettings {
            validity,
            region: Some(form.trimmed("region").to_uppercase()),
            ..only(own)
        };
        let op = AdminOp::ResourceSet {
            name: name.clone(),
            set,
        };
        match desk.attempt(op).await? {
            Ok(_) => {
                return desk.done(
                    &format!("{}/self-service/enrollment", resource_path(&name)),
                    "saved",
                );
            }
            Err(fault) => {
                let fields = [("country", "region"), ("region", "region"), ("valid", "validity")];
                errors = desk.refusal(&fault, &fields, "length");
            }
        }
    }
    let resource = desk.resource(&name).await?;
    enrollment_page(desk, &resource, errors).await
}
