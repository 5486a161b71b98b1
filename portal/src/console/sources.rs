//! Sources of passwords: directories and RADIUS servers; their settings, and a password to try.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, SourceView};

use super::{
    ask::{Answer, Ask, Form},
    desk::{Desk, Halt, Page, Sent, show},
    words::segment,
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors},
    web::Posted,
};

/// Settings of a directory to begin with.
const SAMPLE: &str = r#"{
  "urls": ["ldaps://dc1.corp.example", "ldaps://dc2.corp.example"],
  "bind": { "search": {
    "bind-dn": "cn=otpost,ou=services,dc=corp,dc=example",
    "password": "...",
    "base": "ou=people,dc=corp,dc=example",
    "filter": "(sAMAccountName={user})"
  } },
  "groups": { "attribute": "memberOf" }
}"#;

/// Under which entry of the side bar these pages are.
const SECTION: &str = "/radius";

#[derive(Template)]
#[template(path = "console/sources.html")]
struct ListPage {
    f: ConsoleFrame,
    rows: Vec<SourceView>,
}

impl ListPage {
    fn path(&self, row: &SourceView) -> String {
        format!("/sources/{}", segment(&row.name))
    }
}

pub(super) async fn sources(desk: &Desk) -> Result<Vec<SourceView>, Halt> {
    let mut all: Vec<SourceView> = Vec::new();
    loop {
        let after = all.last().map(|source| source.name.clone());
        match desk.admin(AdminOp::SourceList { after }).await? {
            AdminReply::Sources { sources, more } => {
                let last = !more || sources.is_empty();
                all.extend(sources);
                if last {
                    return Ok(all);
                }
            }
            _ => return Err(PageError::Internal.into()),
        }
    }
}

async fn one(desk: &Desk, name: &str) -> Result<SourceView, Halt> {
    let found = sources(desk)
        .await?
        .into_iter()
        .find(|source| source.name == name);
    found.ok_or_else(|| PageError::NotFound.into())
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let page = ListPage {
        rows: sources(&desk).await?,
        f: desk
            .frame(SECTION, desk.t("c-sources"))
            .below(desk.t("nav-radius"), SECTION),
    };
    show(&page.f, &desk.typed, &page)
}

fn below(desk: &Desk, title: impl Into<String>) -> ConsoleFrame {
    desk.frame(SECTION, title)
        .below(desk.t("nav-radius"), SECTION)
        .below(desk.t("c-sources"), "/sources")
}

/// Says where the settings are no JSON.
fn check_json(desk: &Desk, form: &Posted, errors: &mut Errors) {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(form.get("config")) {
        let text = desk
            .t("c-json-wrong")
            .arg("line", error.line())
            .arg("column", error.column());
        errors.add("config", text);
    }
}

fn add_form(desk: &Desk, errors: Errors) -> Page {
    let kinds = [("ldap", "c-source-ldap"), ("radius", "c-source-radius")]
        .map(|(word, key)| (word.to_owned(), desk.t(key).to_string()))
        .to_vec();
    Ask::new(
        below(desk, desk.t("c-add-source")),
        desk.t("c-create"),
        "/sources",
    )
    .lead(desk.t("c-add-source-lead"))
    .field(
        desk.line("name", &desk.t("c-name"), "")
            .hint(&desk.t("c-provider-name-hint"))
            .more("maxlength=64 spellcheck=false"),
    )
    .field(desk.select("kind", &desk.t("c-kind"), kinds, "ldap"))
    .field(
        desk.area("config", &desk.t("c-provider-config"), SAMPLE)
            .hint(&desk.t("c-source-config-hint"))
            .more("spellcheck=false"),
    )
    .show(desk, errors)
}

/// Form: a new source.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes_all())?;
    add_form(&desk, Errors::default())
}

/// The new source.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    if form.trimmed("name").is_empty() {
        errors.add("name", desk.t("c-name-missing"));
    }
    check_json(desk, form, &mut errors);
    if !errors.is_empty() {
        return add_form(desk, errors);
    }
    let op = AdminOp::SourceAdd {
        name: form.trimmed("name").to_owned(),
        kind: form.get("kind").to_owned(),
        config: form.secret("config"),
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done("/sources", "added"),
        Err(fault) => {
            let fields = [("source name", "name"), ("taken", "name"), ("of kind", "kind")];
            add_form(desk, desk.refusal(&fault, &fields, "config"))
        }
    }
}

fn form(desk: &Desk, source: &SourceView, errors: Errors) -> Page {
    let base = format!("/sources/{}", segment(&source.name));
    let page = Form {
        f: below(desk, &source.name).with_errors(errors),
        may: true,
        pill: None,
        lead: desk.t("c-source-lead"),
        fields: vec![
            desk.area("config", &desk.t("c-provider-config"), &spread(&source.settings))
                .hint(&desk.t("c-source-config-hint"))
                .more("spellcheck=false"),
        ],
        links: vec![
            (format!("{base}/test"), desk.t("c-try-password"), false),
            (format!("{base}/remove"), desk.t("c-remove-source"), true),
        ],
    };
    show(&page.f, &desk.typed, &page)
}

/// JSON with a line for each member.
fn spread(settings: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(settings);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| settings.to_owned())
}

/// One source.
pub(super) async fn source(Path(name): Path<String>, desk: Desk) -> Page {
    let source = one(&desk, &name).await?;
    form(&desk, &source, Errors::default())
}

/// Its settings.
pub(super) async fn set(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    let source = one(desk, &name).await?;
    let mut errors = Errors::default();
    check_json(desk, typed, &mut errors);
    if errors.is_empty() {
        let config = typed.secret("config");
        match desk.attempt(AdminOp::SourceSet { name, config }).await? {
            Ok(_) => return desk.done("/sources", "saved"),
            Err(fault) => errors = desk.refusal(&fault, &[], "config"),
        }
    }
    form(desk, &source, errors)
}

fn remove_form(desk: &Desk, name: &str, errors: Errors) -> Page {
    let f = below(desk, desk.t("c-remove-source"));
    Ask::new(f, desk.t("c-remove-source"), "/sources")
        .danger(desk.t("c-remove-source-text").arg("name", name))
        .show(desk, errors)
}

/// Form: its end.
pub(super) async fn removal(Path(name): Path<String>, desk: Desk) -> Page {
    let source = one(&desk, &name).await?;
    remove_form(&desk, &source.name, Errors::default())
}

/// Its end.
pub(super) async fn remove(Path(name): Path<String>, sent: Sent) -> Page {
    let desk = &sent.desk;
    match desk.attempt(AdminOp::SourceRemove { name: name.clone() }).await? {
        Ok(_) => desk.done("/sources", "removed"),
        Err(fault) => remove_form(desk, &name, desk.refusal(&fault, &[], "main")),
    }
}

fn test_form(desk: &Desk, name: &str, errors: Errors) -> Page {
    let f = below(desk, desk.t("c-try-password")).below(name, &format!("/sources/{}", segment(name)));
    Ask::new(f, desk.t("c-try-password"), "/sources")
        .lead(desk.t("c-try-password-text").arg("name", name))
        .field(
            desk.line("user", &desk.t("c-login"), "")
                .more("maxlength=255 spellcheck=false autocapitalize=none"),
        )
        .field(desk.secret("password", &desk.t("password")))
        .show(desk, errors)
}

/// Form: a password to try.
pub(super) async fn test(Path(name): Path<String>, desk: Desk) -> Page {
    let source = one(&desk, &name).await?;
    test_form(&desk, &source.name, Errors::default())
}

/// What the source says of it.
pub(super) async fn tried(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    if typed.trimmed("user").is_empty() {
        let mut errors = Errors::default();
        errors.add("user", desk.t("c-name-missing"));
        return test_form(desk, &name, errors);
    }
    let op = AdminOp::SourceTest {
        name: name.clone(),
        user: typed.trimmed("user").to_owned(),
        password: typed.secret("password"),
    };
    let (outcome, groups, server, milliseconds, detail) = match desk.attempt(op).await? {
        Ok(AdminReply::SourceTested {
            outcome,
            groups,
            server,
            milliseconds,
            detail,
        }) => (outcome, groups, server, milliseconds, detail),
        Ok(_) => return Err(PageError::Internal.into()),
        Err(fault) => return test_form(desk, &name, desk.refusal(&fault, &[], "user")),
    };
    let (mark, key) = match outcome.as_str() {
        "passed" => (("ok", "check"), "c-tried-passed"),
        "failed" => (("warn", "cross"), "c-tried-failed"),
        "unknown-user" => (("warn", "cross"), "c-tried-unknown"),
        "expired" => (("warn", "warning"), "c-tried-expired"),
        "locked" => (("warn", "lock"), "c-tried-locked"),
        "challenge" => (("warn", "info"), "c-tried-challenge"),
        _ => (("bad", "cross"), "c-tried-unavailable"),
    };
    let mut facts = vec![
        (desk.t("c-source-groups"), groups.join(", ")),
        (desk.t("c-source-server"), server),
        (desk.t("c-source-said"), detail),
        (desk.t("c-source-took"), format!("{milliseconds} ms")),
    ];
    facts.retain(|(_, fact)| !fact.is_empty());
    let base = format!("/sources/{}", segment(&name));
    let answer = Answer {
        f: below(desk, desk.t("c-try-password")).below(&name, &base),
        mark,
        text: desk.t(key),
        facts,
        again: Some((format!("{base}/test"), desk.t("c-try-again"))),
        back: "/sources".to_owned(),
    };
    show(&answer.f, &desk.typed, &answer)
}
