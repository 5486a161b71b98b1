//! Settings of otpost itself: what may be sent, how mail leaves, where portal and console are reached.

use otpost_ipc::admin::{AdminOp, AdminReply, MailSet, MailView, PortalSet, PortalView, SmsPolicySet};

use super::{
    ask::{Ask, Field, Form, Kind},
    desk::{Desk, Halt, Page, Sent, show},
    resources::whole,
    users::names,
    words::tab,
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors},
};

/// What the pages of the settings are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Sms,
    Portal,
    Mail,
    Administrators,
    Keys,
}

/// The frame of a page of the settings.
pub(super) fn frame(desk: &Desk, current: Tab) -> ConsoleFrame {
    let mut f = desk.frame("/settings", desk.t("nav-settings"));
    f.tabs = [
        (Tab::Sms, "c-sms-policy", "/settings/sms"),
        (Tab::Portal, "c-portal-settings", "/settings/portal"),
        (Tab::Mail, "c-mail", "/settings/mail"),
        (
            Tab::Administrators,
            "c-administrators",
            "/settings/administrators",
        ),
        (Tab::Keys, "c-keys", "/settings/keys"),
    ]
    .into_iter()
    .filter(|(which, ..)| *which == Tab::Sms || desk.owns())
    .map(|(which, label, href)| tab(&desk.t(label), href.to_owned(), which == current))
    .collect();
    f
}

/// Counts of the policy: name, label, and what is set.
type Count = (&'static str, &'static str, fn(&SmsPolicySet) -> Option<u32>);

const COUNTS: [Count; 9] = [
    ("number-hour", "c-limit-number-hour", |p| p.number_hour),
    ("number-day", "c-limit-number-day", |p| p.number_day),
    ("user-hour", "c-limit-user-hour", |p| p.user_hour),
    ("user-day", "c-limit-user-day", |p| p.user_day),
    ("user-reserve", "c-limit-user-reserve", |p| p.user_reserve),
    ("source-hour", "c-limit-source-hour", |p| p.source_hour),
    ("source-day", "c-limit-source-day", |p| p.source_day),
    ("all-minute", "c-limit-all-minute", |p| p.all_minute),
    ("all-day", "c-limit-all-day", |p| p.all_day),
];

async fn policy(desk: &Desk) -> Result<SmsPolicySet, Halt> {
    match desk.admin(AdminOp::SmsPolicyShow).await? {
        AdminReply::SmsPolicy(policy) => Ok(policy),
        _ => Err(PageError::Internal.into()),
    }
}

fn sms_form(desk: &Desk, policy: &SmsPolicySet, errors: Errors) -> Page {
    let countries = policy.countries.clone().unwrap_or_default().join(" ");
    let mut fields: Vec<Field> = vec![
        desk.line("countries", &desk.t("c-countries"), &countries)
            .hint(&desk.t("c-countries-hint"))
            .more("autocapitalize=characters spellcheck=false"),
        desk.switch("paused", &desk.t("c-paused"), policy.paused.unwrap_or(false))
            .hint(&desk.t("c-paused-hint")),
        desk.switch("voip", &desk.t("c-voip"), policy.voip.unwrap_or(false))
            .hint(&desk.t("c-voip-hint")),
    ];
    fields.extend(COUNTS.iter().map(|(id, label, of)| {
        desk.number(id, &desk.t(label), of(policy).unwrap_or_default())
            .more("min=0")
    }));
    let page = Form {
        f: frame(desk, Tab::Sms).with_errors(errors),
        may: true,
        pill: None,
        lead: desk.t("c-sms-policy-lead"),
        fields,
        links: Vec::new(),
    };
    show(&page.f, &desk.typed, &page)
}

/// What may be sent.
pub(super) async fn sms(desk: Desk) -> Page {
    let policy = policy(&desk).await?;
    sms_form(&desk, &policy, Errors::default())
}

/// Changes of it.
pub(super) async fn set_sms(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    let mut count = |id: &str| whole(desk, form, id, &mut errors);
    let set = SmsPolicySet {
        countries: Some(names(&form.get("countries").to_uppercase())),
        voip: Some(form.has("voip")),
        paused: Some(form.has("paused")),
        number_hour: count("number-hour"),
        number_day: count("number-day"),
        user_hour: count("user-hour"),
        user_day: count("user-day"),
        user_reserve: count("user-reserve"),
        source_hour: count("source-hour"),
        source_day: count("source-day"),
        all_minute: count("all-minute"),
        all_day: count("all-day"),
    };
    if errors.is_empty() {
        match desk.attempt(AdminOp::SmsPolicySet(set)).await? {
            Ok(_) => return desk.done("/settings/sms", "saved"),
            Err(fault) => {
                let fields = [
                    ("number-hour", "number-hour"),
                    ("number-day", "number-day"),
                    ("user-hour", "user-hour"),
                    ("user-day", "user-day"),
                    ("user-reserve", "user-reserve"),
                    ("reserve", "user-reserve"),
                    ("source", "source-hour"),
                    ("minute", "all-minute"),
                ];
                errors = desk.refusal(&fault, &fields, "countries");
            }
        }
    }
    let policy = policy(desk).await?;
    sms_form(desk, &policy, errors)
}

async fn portal_settings(desk: &Desk) -> Result<PortalView, Halt> {
    match desk.admin(AdminOp::PortalShow).await? {
        AdminReply::Portal(portal) => Ok(portal),
        _ => Err(PageError::Internal.into()),
    }
}

fn portal_form(desk: &Desk, portal: &PortalView, errors: Errors) -> Page {
    let page = Form {
        f: frame(desk, Tab::Portal).with_errors(errors),
        may: true,
        pill: None,
        lead: desk.t("c-portal-lead"),
        fields: vec![
            desk.line("url", &desk.t("c-portal-url"), &portal.url)
                .hint(&desk.t("c-portal-url-hint"))
                .more("inputmode=url spellcheck=false"),
            desk.line("console-url", &desk.t("c-console-url"), &portal.console_url)
                .hint(&desk.t("c-console-url-hint"))
                .more("inputmode=url spellcheck=false"),
            desk.switch("email-codes", &desk.t("c-mail-codes"), portal.email_codes)
                .hint(&desk.t("c-mail-codes-hint")),
        ],
        links: Vec::new(),
    };
    show(&page.f, &desk.typed, &page)
}

/// Where portal and console are reached.
pub(super) async fn portal(desk: Desk) -> Page {
    let portal = portal_settings(&desk).await?;
    portal_form(&desk, &portal, Errors::default())
}

/// Changes of it.
pub(super) async fn set_portal(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let address = |name: &str| Some(form.trimmed(name).trim_end_matches('/').to_owned());
    let op = AdminOp::PortalSet(PortalSet {
        url: address("url"),
        console_url: address("console-url"),
        email_codes: Some(form.has("email-codes")),
    });
    match desk.attempt(op).await? {
        Ok(_) => desk.done("/settings/portal", "saved"),
        Err(fault) => {
            let portal = portal_settings(desk).await?;
            let errors = desk.refusal(&fault, &[("console", "console-url")], "url");
            portal_form(desk, &portal, errors)
        }
    }
}

async fn mail_settings(desk: &Desk) -> Result<MailView, Halt> {
    match desk.admin(AdminOp::MailShow).await? {
        AdminReply::Mail(mail) => Ok(mail),
        _ => Err(PageError::Internal.into()),
    }
}

fn mail_form(desk: &Desk, mail: &MailView, errors: Errors) -> Page {
    let securities = [
        ("starttls", "c-mail-starttls"),
        ("tls", "c-mail-tls"),
        ("none", "c-mail-none"),
    ]
    .map(|(word, key)| (word.to_owned(), desk.t(key).to_string()))
    .to_vec();
    let security = if mail.security.is_empty() {
        "starttls"
    } else {
        &mail.security
    };
    let kept = if mail.password {
        "c-mail-password-kept"
    } else {
        "c-mail-password-hint"
    };
    let mut fields = vec![
        desk.line("host", &desk.t("c-mail-host"), &mail.host)
            .hint(&desk.t("c-mail-host-hint"))
            .more("spellcheck=false autocapitalize=none"),
        desk.number("port", &desk.t("c-mail-port"), mail.port.into())
            .hint(&desk.t("c-mail-port-hint"))
            .more("min=0 max=65535"),
        desk.select("security", &desk.t("c-mail-security"), securities, security),
        desk.line("user", &desk.t("c-mail-user"), &mail.user)
            .more("spellcheck=false autocapitalize=none"),
        desk.secret("password", &desk.t("password")).hint(&desk.t(kept)),
    ];
    if mail.password {
        fields.push(desk.switch("no-password", &desk.t("c-mail-no-password"), false));
    }
    fields.push(
        desk.line("from", &desk.t("c-mail-from"), &mail.from)
            .hint(&desk.t("c-mail-from-hint")),
    );
    let ca = if mail.ca {
        "c-mail-ca-kept"
    } else {
        "c-mail-ca-hint"
    };
    fields.push(
        desk.area("ca", &desk.t("c-mail-ca"), "")
            .hint(&desk.t(ca))
            .more("spellcheck=false"),
    );
    if mail.ca {
        fields.push(desk.switch("no-ca", &desk.t("c-mail-no-ca"), false));
    }
    let lead = if mail.trouble.is_empty() {
        desk.t("c-mail-lead").arg("waiting", mail.waiting)
    } else {
        (desk.t("c-mail-trouble"))
            .arg("waiting", mail.waiting)
            .arg("why", mail.trouble.as_str())
    };
    let mut links = Vec::new();
    if !mail.host.is_empty() {
        links.push(("/settings/mail/test".to_owned(), desk.t("c-mail-test"), false));
    }
    let page = Form {
        f: frame(desk, Tab::Mail).with_errors(errors),
        may: true,
        pill: Some(!mail.host.is_empty()),
        lead,
        fields,
        links,
    };
    show(&page.f, &desk.typed, &page)
}

/// How mail leaves.
pub(super) async fn mail(desk: Desk) -> Page {
    let mail = mail_settings(&desk).await?;
    mail_form(&desk, &mail, Errors::default())
}

/// Changes of it. A password or certificate that is not typed stays.
pub(super) async fn set_mail(sent: Sent) -> Page {
    const FIELDS: [(&str, &str); 6] = [
        ("certificate", "ca"),
        ("port", "port"),
        ("sender", "from"),
        ("from", "from"),
        ("password", "password"),
        ("tls", "security"),
    ];
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    let port: Option<u16> = form.trimmed("port").parse().ok();
    if port.is_none() {
        errors.add("port", desk.t("c-number-wrong"));
    }
    if errors.is_empty() {
        let text = |name: &str| Some(form.trimmed(name).to_owned());
        let set = MailSet {
            host: text("host"),
            port,
            security: text("security"),
            user: text("user"),
            password: match (form.get("password").is_empty(), form.has("no-password")) {
                (false, _) => Some(form.secret("password")),
                (true, true) => Some("".into()),
                (true, false) => None,
            },
            // Without a server there is no sender to check.
            from: text("from").filter(|from| !from.is_empty()),
            ca: match (form.trimmed("ca").is_empty(), form.has("no-ca")) {
                (false, _) => text("ca"),
                (true, true) => Some(String::new()),
                (true, false) => None,
            },
        };
        match desk.attempt(AdminOp::MailSet(set)).await? {
            Ok(_) => return desk.done("/settings/mail", "saved"),
            Err(fault) => errors = desk.refusal(&fault, &FIELDS, "host"),
        }
    }
    let mail = mail_settings(desk).await?;
    mail_form(desk, &mail, errors)
}

fn mail_test_form(desk: &Desk, errors: Errors) -> Page {
    let f = desk
        .frame("/settings", desk.t("c-mail-test"))
        .below(desk.t("nav-settings"), "/settings")
        .below(desk.t("c-mail"), "/settings/mail");
    Ask::new(f, desk.t("c-mail-test"), "/settings/mail")
        .lead(desk.t("c-mail-test-text"))
        .field(desk.line("to", &desk.t("c-email"), "").kind(Kind::Mail))
        .show(desk, errors)
}

/// Form: a test mail.
pub(super) async fn mail_test(desk: Desk) -> Page {
    desk.only(desk.owns())?;
    mail_test_form(&desk, Errors::default())
}

/// The test mail; the server's answer where it refused.
pub(super) async fn send_mail_test(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let to = form.trimmed("to").to_owned();
    match desk.attempt(AdminOp::MailTest { to }).await? {
        Ok(_) => desk.done("/settings/mail", "mail-sent"),
        Err(fault) => mail_test_form(desk, desk.refusal(&fault, &[], "to")),
    }
}
