//! The Self-Service tab of a resource: General, Allowed Actions, Token Enrollment.

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

/// Actions on tokens: word, name, and a line below it.
const TOKEN: [(&str, &str, &str); 6] = [
    ("enroll", "c-act-enroll", "c-act-enroll-text"),
    ("reissue", "c-act-reissue", "c-act-reissue-text"),
    ("assign-existing", "c-act-assign", "c-act-assign-text"),
    ("unassign", "c-act-unassign", "c-act-unassign-text"),
    ("rename", "c-act-rename", ""),
    ("synchronise", "c-act-synchronise", "c-act-synchronise-text"),
];

/// Actions on one's own profile.
const USER: [(&str, &str, &str); 7] = [
    (
        "create-password",
        "c-act-create-password",
        "c-act-create-password-text",
    ),
    ("change-password", "c-act-change-password", ""),
    ("change-email", "c-act-change-email", "c-act-change-email-text"),
    ("change-phone", "c-act-change-phone", "c-act-change-phone-text"),
    ("change-login", "c-act-change-login", ""),
    ("change-names", "c-act-change-names", ""),
    ("manage-sessions", "c-act-manage-sessions", ""),
];

fn frame(desk: &Desk, name: &str, current: usize) -> ConsoleFrame {
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

fn own(resource: &ResourceView) -> SelfServiceSettings {
    resource.settings.self_service.clone().unwrap_or_default()
}

/// Changes of self-service alone.
fn only(set: SelfServiceSettings) -> ResourceSettings {
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

/// A switch of an action.
struct Act {
    word: &'static str,
    name: Text,
    text: Option<Text>,
    on: bool,
}

struct Group {
    id: &'static str,
    name: Text,
    all_name: Text,
    acts: Vec<Act>,
}

impl Group {
    fn count(&self) -> usize {
        self.acts.iter().filter(|act| act.on).count()
    }

    fn all(&self) -> bool {
        self.acts.iter().all(|act| act.on)
    }
}

#[derive(Template)]
#[template(path = "console/self_actions.html")]
struct ActionsPage {
    f: ConsoleFrame,
    may: bool,
    groups: Vec<Group>,
}

fn group(
    desk: &Desk,
    (id, name, all_name): (&'static str, &str, &str),
    acts: &'static [(&'static str, &'static str, &'static str)],
    on: &[String],
) -> Group {
    let every = on.iter().any(|word| word == "all");
    Group {
        id,
        name: desk.t(name),
        all_name: desk.t(all_name),
        acts: acts
            .iter()
            .map(|(word, name, text)| Act {
                word,
                name: desk.t(name),
                text: (!text.is_empty()).then(|| desk.t(text)),
                on: desk.typed.on(word, every || on.iter().any(|one| one == word)),
            })
            .collect(),
    }
}

fn actions_page(desk: &Desk, resource: &ResourceView, errors: Errors) -> Page {
    let on = own(resource).actions.unwrap_or_default();
    let page = ActionsPage {
        may: desk.changes(),
        groups: vec![
            group(desk, ("token", "c-group-token", "c-group-token-all"), &TOKEN, &on),
            group(desk, ("user", "c-user", "c-group-user-all"), &USER, &on),
        ],
        f: frame(desk, &resource.name, 1).with_errors(errors),
    };
    show(&page.f, &desk.typed, &page)
}

/// Self-Service, Allowed Actions.
pub(super) async fn actions(Path(name): Path<String>, desk: Desk) -> Page {
    let resource = desk.resource(&name).await?;
    actions_page(&desk, &resource, Errors::default())
}

/// What a group's switches say. With script the switch "All" moves the others; without, it decides where it was moved itself.
fn chosen<'a>(words: &[&'a str], on: impl Fn(&str) -> bool, (all, was): (bool, bool)) -> Vec<&'a str> {
    let each: Vec<&str> = words.iter().copied().filter(|word| on(word)).collect();
    match (all, was) {
        (true, false) => words.to_vec(),
        (false, true) if each.len() == words.len() => Vec::new(),
        _ => each,
    }
}

/// Changes of it.
pub(super) async fn set_actions(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut actions: Vec<String> = Vec::new();
    for (id, was, acts) in [
        ("all-token", "was-all-token", TOKEN.as_slice()),
        ("all-user", "was-all-user", USER.as_slice()),
    ] {
        let words: Vec<&str> = acts.iter().map(|(word, ..)| *word).collect();
        let moved = (form.has(id), form.has(was));
        let on = chosen(&words, |word| form.has(word), moved);
        actions.extend(on.into_iter().map(str::to_owned));
    }
    let set = SelfServiceSettings {
        actions: Some(actions),
        ..SelfServiceSettings::default()
    };
    let op = AdminOp::ResourceSet {
        name: name.clone(),
        set: only(set),
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done(&format!("{}/self-service/actions", resource_path(&name)), "saved"),
        Err(fault) => {
            let resource = desk.resource(&name).await?;
            actions_page(desk, &resource, desk.refusal(&fault, &[], "enroll"))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn the_switch_all_works_with_and_without_script() {
        let words = ["a", "b", "c"];
        let on = |ticked: &'static str, moved| chosen(&words, |word| ticked.contains(word), moved);
        assert_eq!(on("", (true, false)), words, "without script: all on");
        assert_eq!(
            on("abc", (true, false)),
            words,
            "with script: the others moved with it"
        );
        assert_eq!(on("abc", (false, true)), [""; 0], "without script: all off");
        assert_eq!(on("", (false, true)), [""; 0], "with script: all off");
        assert_eq!(
            on("ab", (true, true)),
            ["a", "b"],
            "without script: one off, the switch left alone"
        );
        assert_eq!(
            on("ab", (false, true)),
            ["a", "b"],
            "with script: one off moves the switch"
        );
        assert_eq!(on("a", (false, false)), ["a"]);
    }
}
