//! SMS providers: order, switch, and a test text with the gateway's answer.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, ProviderLatency, ProviderView};

use super::{
    ask::{Answer, Ask, Form, Kind},
    desk::{Desk, Halt, Page, Sent, show},
    resources::whole,
    words::segment,
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors},
};

/// Settings of a gateway to begin with.
const SAMPLE: &str = r#"{
  "method": "POST",
  "url": "https://gateway.example/v1/messages",
  "auth": { "kind": "bearer", "token": "{secret.token}" },
  "body": { "kind": "json", "template": "{\"to\": \"{to}\", \"text\": \"{text}\"}" },
  "success": { "status": [200, 201], "json-pointer": "/status", "any-of": ["queued", "sent"] },
  "id": { "json-pointer": "/id" },
  "secrets": { "token": "..." }
}"#;

/// A provider, with what it did in the last day.
struct Row {
    view: ProviderView,
    speed: Option<ProviderLatency>,
}

#[derive(Template)]
#[template(path = "console/providers.html")]
struct ListPage {
    f: ConsoleFrame,
    rows: Vec<Row>,
}

impl ListPage {
    fn path(&self, row: &Row) -> String {
        format!("/providers/{}", segment(&row.view.name))
    }

    fn seconds(&self, milliseconds: &u32) -> String {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }
}

async fn providers(desk: &Desk) -> Result<Vec<ProviderView>, Halt> {
    match desk.admin(AdminOp::SmsProviderList).await? {
        AdminReply::Providers { providers } => Ok(providers),
        _ => Err(PageError::Internal.into()),
    }
}

async fn one(desk: &Desk, name: &str) -> Result<ProviderView, Halt> {
    let found = providers(desk)
        .await?
        .into_iter()
        .find(|provider| provider.name == name);
    found.ok_or_else(|| PageError::NotFound.into())
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let op = AdminOp::Overview {
        hours: 24,
        resource: None,
    };
    let views = providers(&desk).await?;
    let speeds = match desk.admin(op).await? {
        AdminReply::Overview(view) => view.providers,
        _ => return Err(PageError::Internal.into()),
    };
    let rows = views
        .into_iter()
        .map(|view| Row {
            speed: speeds.iter().find(|speed| speed.provider == view.name).cloned(),
            view,
        })
        .collect();
    let page = ListPage {
        f: desk.frame("/providers", desk.t("nav-providers")),
        rows,
    };
    show(&page.f, &desk.typed, &page)
}

fn add_form(desk: &Desk, errors: Errors) -> Page {
    let f = desk
        .frame("/providers", desk.t("c-add-provider"))
        .below(desk.t("nav-providers"), "/providers");
    let kinds = [("http", "c-provider-http"), ("file", "c-provider-file")]
        .map(|(word, key)| (word.to_owned(), desk.t(key).to_string()))
        .to_vec();
    Ask::new(f, desk.t("c-create"), "/providers")
        .lead(desk.t("c-add-provider-lead"))
        .field(
            desk.line("name", &desk.t("c-name"), "")
                .hint(&desk.t("c-provider-name-hint"))
                .more("maxlength=64 spellcheck=false"),
        )
        .field(desk.select("kind", &desk.t("c-kind"), kinds, "http"))
        .field(
            desk.line("sender", &desk.t("c-sender"), "")
                .hint(&desk.t("c-sender-hint")),
        )
        .field(
            desk.number("priority", &desk.t("c-priority"), 10)
                .hint(&desk.t("c-priority-hint"))
                .more("min=0 max=1000"),
        )
        .field(
            desk.area("config", &desk.t("c-provider-config"), SAMPLE)
                .hint(&desk.t("c-provider-config-hint"))
                .more("spellcheck=false"),
        )
        .show(desk, errors)
}

/// Form: a new provider.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes_all())?;
    add_form(&desk, Errors::default())
}

/// The new provider.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    if form.trimmed("name").is_empty() {
        errors.add("name", desk.t("c-name-missing"));
    }
    let priority = whole(desk, form, "priority", &mut errors);
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(form.get("config")) {
        let text = desk
            .t("c-json-wrong")
            .arg("line", error.line())
            .arg("column", error.column());
        errors.add("config", text);
    }
    if !errors.is_empty() {
        return add_form(desk, errors);
    }
    let op = AdminOp::SmsProviderAdd {
        name: form.trimmed("name").to_owned(),
        kind: form.get("kind").to_owned(),
        priority,
        sender: form.trimmed("sender").to_owned(),
        config: form.secret("config"),
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done("/providers", "added"),
        Err(fault) => {
            let fields = [
                ("provider name", "name"),
                ("sender", "sender"),
                ("priority", "priority"),
                ("named", "name"),
                ("taken", "name"),
            ];
            add_form(desk, desk.refusal(&fault, &fields, "config"))
        }
    }
}

fn form(desk: &Desk, provider: &ProviderView, errors: Errors) -> Page {
    let base = format!("/providers/{}", segment(&provider.name));
    let f = desk
        .frame("/providers", &provider.name)
        .below(desk.t("nav-providers"), "/providers");
    let page = Form {
        f: f.with_errors(errors),
        may: true,
        pill: Some(provider.enabled),
        lead: desk.t("c-provider-lead"),
        fields: vec![
            desk.switch("enabled", &desk.t("c-provider-on"), provider.enabled)
                .hint(&desk.t("c-provider-on-hint")),
            desk.number("priority", &desk.t("c-priority"), provider.priority)
                .hint(&desk.t("c-priority-hint"))
                .more("min=0 max=1000"),
        ],
        links: vec![
            (format!("{base}/test"), desk.t("c-send-test"), false),
            (format!("{base}/remove"), desk.t("c-remove-provider"), true),
        ],
    };
    show(&page.f, &desk.typed, &page)
}

/// One provider.
pub(super) async fn provider(Path(name): Path<String>, desk: Desk) -> Page {
    let provider = one(&desk, &name).await?;
    form(&desk, &provider, Errors::default())
}

/// Its switch and place.
pub(super) async fn set(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    let provider = one(desk, &name).await?;
    let mut errors = Errors::default();
    let priority = whole(desk, typed, "priority", &mut errors);
    if errors.is_empty() {
        let op = AdminOp::SmsProviderSet {
            name,
            enabled: Some(typed.has("enabled")),
            priority,
        };
        match desk.attempt(op).await? {
            Ok(_) => return desk.done("/providers", "saved"),
            Err(fault) => errors = desk.refusal(&fault, &[], "priority"),
        }
    }
    form(desk, &provider, errors)
}

fn remove_form(desk: &Desk, name: &str, errors: Errors) -> Page {
    let f = desk
        .frame("/providers", desk.t("c-remove-provider"))
        .below(desk.t("nav-providers"), "/providers");
    Ask::new(f, desk.t("c-remove-provider"), "/providers")
        .danger(desk.t("c-remove-provider-text").arg("name", name))
        .show(desk, errors)
}

/// Form: its end.
pub(super) async fn removal(Path(name): Path<String>, desk: Desk) -> Page {
    let provider = one(&desk, &name).await?;
    remove_form(&desk, &provider.name, Errors::default())
}

/// Its end.
pub(super) async fn remove(Path(name): Path<String>, sent: Sent) -> Page {
    let desk = &sent.desk;
    match desk
        .attempt(AdminOp::SmsProviderRemove { name: name.clone() })
        .await?
    {
        Ok(_) => desk.done("/providers", "removed"),
        Err(fault) => remove_form(desk, &name, desk.refusal(&fault, &[], "main")),
    }
}

fn test_form(desk: &Desk, name: &str, errors: Errors) -> Page {
    let f = desk
        .frame("/providers", desk.t("c-send-test"))
        .below(desk.t("nav-providers"), "/providers")
        .below(name, &format!("/providers/{}", segment(name)));
    Ask::new(f, desk.t("c-send-test"), "/providers")
        .lead(desk.t("c-test-text").arg("provider", name))
        .field(
            desk.line("phone", &desk.t("phone-number"), "")
                .kind(Kind::Phone)
                .hint(&desk.t("phone-hint")),
        )
        .show(desk, errors)
}

/// Form: a test text.
pub(super) async fn test(Path(name): Path<String>, desk: Desk) -> Page {
    let provider = one(&desk, &name).await?;
    test_form(&desk, &provider.name, Errors::default())
}

/// The test text, and what the gateway said.
pub(super) async fn send_test(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    let phone = typed.secret("phone");
    if typed.trimmed("phone").is_empty() {
        let mut errors = Errors::default();
        errors.add("phone", desk.t("phone-missing"));
        return test_form(desk, &name, errors);
    }
    let op = AdminOp::SmsSendTest {
        phone,
        provider: Some(name.clone()),
    };
    let (state, provider, id, detail) = match desk.attempt(op).await? {
        Ok(AdminReply::SendTest {
            state,
            provider,
            provider_id,
            detail,
        }) => (state, provider, provider_id, detail),
        Ok(_) => return Err(PageError::Internal.into()),
        Err(fault) => return test_form(desk, &name, desk.refusal(&fault, &[], "phone")),
    };
    let (mark, key) = match state.as_str() {
        "accepted" => (("ok", "check"), "c-test-accepted"),
        "queued" => (("warn", "clock"), "c-test-queued"),
        "unknown" => (("warn", "warning"), "c-test-unknown"),
        _ => (("bad", "cross"), "c-test-failed"),
    };
    let mut facts = vec![(desk.t("c-provider"), provider)];
    facts.extend(id.map(|id| (desk.t("c-message-id"), id)));
    facts.push((desk.t("c-gateway-said"), detail));
    facts.retain(|(_, fact)| !fact.is_empty());
    let base = format!("/providers/{}", segment(&name));
    let answer = Answer {
        f: desk
            .frame("/providers", desk.t("c-send-test"))
            .below(desk.t("nav-providers"), "/providers")
            .below(&name, &base),
        mark,
        text: desk.t(key),
        facts,
        again: Some((format!("{base}/test"), desk.t("c-test-again"))),
        back: "/providers".to_owned(),
    };
    show(&answer.f, &desk.typed, &answer)
}
