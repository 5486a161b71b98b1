//! Administrators, and keys of the REST API.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, AdminSet, AdminView, ApiKeyView};

use super::{
    ask::{Ask, Field, Form, Kind, Once},
    desk::{Desk, Halt, Page, Sent, show},
    settings::{self, Tab},
    words::{path, segment, when},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{ConsoleFrame, Errors},
};

/// Which field a sentence of the daemon is about.
const FIELDS: [(&str, &str); 6] = [
    ("e-mail", "email"),
    ("email", "email"),
    ("role", "role"),
    ("owner", "role"),
    ("resource", "resources"),
    ("days", "days"),
];

fn role_words(desk: &Desk) -> Vec<(String, String)> {
    [
        ("helpdesk", "c-role-helpdesk-text"),
        ("admin", "c-role-admin-text"),
        ("owner", "c-role-owner-text"),
    ]
    .map(|(word, key)| (word.to_owned(), desk.t(key).to_string()))
    .to_vec()
}

/// Role and scope.
fn rights(desk: &Desk, resources: &[String], role: &str, scope: &[String]) -> Vec<Field> {
    vec![
        desk.select("role", &desk.t("c-role"), role_words(desk), role),
        desk.checks("resources", &desk.t("c-scope"), resources, scope)
            .hint(&desk.t("c-scope-hint")),
    ]
}

#[derive(Template)]
#[template(path = "console/administrators.html")]
struct ListPage {
    f: ConsoleFrame,
    admins: Vec<AdminView>,
}

impl ListPage {
    fn heads(&self) -> Vec<Text> {
        ["c-name", "c-role", "c-scope", "c-state", "c-last-use"]
            .map(|key| self.f.t(key))
            .to_vec()
    }

    fn path(&self, admin: &AdminView) -> String {
        format!("/settings/administrators/{}", segment(&admin.login))
    }

    fn role(&self, admin: &AdminView) -> Text {
        self.f.t(role_key(&admin.role))
    }

    fn when(&self, at: &u64) -> String {
        when(*at)
    }
}

fn role_key(role: &str) -> &'static str {
    match role {
        "owner" => "c-role-owner",
        "admin" => "c-role-admin",
        _ => "c-role-helpdesk",
    }
}

async fn admins(desk: &Desk) -> Result<Vec<AdminView>, Halt> {
    match desk.admin(AdminOp::AdminList).await? {
        AdminReply::Admins { admins } => Ok(admins),
        _ => Err(PageError::Internal.into()),
    }
}

async fn one(desk: &Desk, login: &str) -> Result<AdminView, Halt> {
    let found = admins(desk).await?.into_iter().find(|admin| admin.login == login);
    found.ok_or_else(|| PageError::NotFound.into())
}

/// The list of administrators.
pub(super) async fn list(desk: Desk) -> Page {
    let page = ListPage {
        admins: admins(&desk).await?,
        f: settings::frame(&desk, Tab::Administrators),
    };
    show(&page.f, &desk.typed, &page)
}

fn below(desk: &Desk, title: impl Into<String>) -> ConsoleFrame {
    desk.frame("/settings", title)
        .below(desk.t("nav-settings"), "/settings")
        .below(desk.t("c-administrators"), "/settings/administrators")
}

async fn add_form(desk: &Desk, errors: Errors) -> Page {
    let resources = desk.resource_names().await?;
    let f = below(desk, desk.t("c-add-administrator"));
    Ask::new(f, desk.t("c-invite"), "/settings/administrators")
        .lead(desk.t("c-add-administrator-lead"))
        .field(
            desk.line("login", &desk.t("c-login"), "")
                .more("maxlength=64 autocapitalize=none spellcheck=false"),
        )
        .field(desk.line("shown", &desk.t("c-shown-name"), ""))
        .field(
            desk.line("email", &desk.t("c-email"), "")
                .kind(Kind::Mail)
                .hint(&desk.t("c-administrator-mail-hint")),
        )
        .fields(rights(desk, &resources, "helpdesk", &[]))
        .show(desk, errors)
}

/// Form: a new administrator.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.owns())?;
    add_form(&desk, Errors::default()).await
}

/// The page of a set-up link.
fn link_page(desk: &Desk, login: &str, reply: AdminReply) -> Page {
    let AdminReply::AdminLink { link, until, mailed } = reply else {
        return Err(PageError::Internal.into());
    };
    let key = if mailed {
        "c-admin-link-mailed"
    } else {
        "c-admin-link-give"
    };
    let words = (desk.t(key), desk.t("c-link"));
    Once::secret(
        below(desk, login),
        words,
        link,
        "/settings/administrators".to_owned(),
    )
    .until(desk.t("c-good-until").arg("when", when(until)))
    .show()
}

/// The new administrator; the set-up link is shown once.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let login = form.trimmed("login").to_owned();
    let op = AdminOp::AdminAdd {
        login: login.clone(),
        shown: form.trimmed("shown").to_owned(),
        email: Some(form.trimmed("email").to_owned()).filter(|email| !email.is_empty()),
        role: form.get("role").to_owned(),
        resources: form.all("resources").map(str::to_owned).collect(),
    };
    match desk.attempt(op).await? {
        Ok(reply) => link_page(desk, &login, reply),
        Err(fault) => add_form(desk, desk.refusal(&fault, &FIELDS, "login")).await,
    }
}

async fn form(desk: &Desk, admin: &AdminView, errors: Errors) -> Page {
    let resources = desk.resource_names().await?;
    let base = format!("/settings/administrators/{}", segment(&admin.login));
    let email = admin.email.as_deref().unwrap_or_default();
    let mut fields = vec![
        desk.line("shown", &desk.t("c-shown-name"), &admin.shown),
        desk.line("email", &desk.t("c-email"), email).kind(Kind::Mail),
    ];
    fields.extend(rights(desk, &resources, &admin.role, &admin.resources));
    fields.push(
        desk.switch("locked", &desk.t("c-locked-out"), admin.locked)
            .hint(&desk.t("c-locked-out-hint")),
    );
    let page = Form {
        f: below(desk, &admin.login).with_errors(errors),
        may: true,
        pill: None,
        lead: desk.t("c-administrator-lead"),
        fields,
        links: vec![
            (format!("{base}/reset"), desk.t("c-reset-administrator"), false),
            (format!("{base}/remove"), desk.t("c-remove-administrator"), true),
        ],
    };
    show(&page.f, &desk.typed, &page)
}

/// One administrator.
pub(super) async fn administrator(Path(login): Path<String>, desk: Desk) -> Page {
    let admin = one(&desk, &login).await?;
    form(&desk, &admin, Errors::default()).await
}

/// Changes of one.
pub(super) async fn set(Path(login): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    let op = AdminOp::AdminSet(AdminSet {
        login: login.clone(),
        shown: Some(typed.trimmed("shown").to_owned()),
        email: Some(typed.trimmed("email").to_owned()),
        role: Some(typed.get("role").to_owned()),
        resources: Some(typed.all("resources").map(str::to_owned).collect()),
        locked: Some(typed.has("locked")),
    });
    match desk.attempt(op).await? {
        Ok(_) => desk.done("/settings/administrators", "saved"),
        Err(fault) => {
            let admin = one(desk, &login).await?;
            form(desk, &admin, desk.refusal(&fault, &FIELDS, "shown")).await
        }
    }
}

/// What is asked before something that cannot be taken back.
fn confirm(desk: &Desk, login: &str, (title, text): (&str, &str), errors: Errors) -> Page {
    let back = format!("/settings/administrators/{}", segment(login));
    Ask::new(below(desk, desk.t(title)), desk.t(title), back)
        .danger(desk.t(text).arg("login", login))
        .show(desk, errors)
}

const RESET: (&str, &str) = ("c-reset-administrator", "c-reset-administrator-text");
const REMOVE: (&str, &str) = ("c-remove-administrator", "c-remove-administrator-text");

/// Form: a new set-up link.
pub(super) async fn resetting(Path(login): Path<String>, desk: Desk) -> Page {
    let admin = one(&desk, &login).await?;
    confirm(&desk, &admin.login, RESET, Errors::default())
}

/// The new set-up link.
pub(super) async fn reset(Path(login): Path<String>, sent: Sent) -> Page {
    let desk = &sent.desk;
    match desk.attempt(AdminOp::AdminReset { login: login.clone() }).await? {
        Ok(reply) => link_page(desk, &login, reply),
        Err(fault) => confirm(desk, &login, RESET, desk.refusal(&fault, &[], "main")),
    }
}

/// Form: the end of an administrator.
pub(super) async fn removal(Path(login): Path<String>, desk: Desk) -> Page {
    let admin = one(&desk, &login).await?;
    confirm(&desk, &admin.login, REMOVE, Errors::default())
}

/// The end.
pub(super) async fn remove(Path(login): Path<String>, sent: Sent) -> Page {
    let desk = &sent.desk;
    match desk
        .attempt(AdminOp::AdminRemove { login: login.clone() })
        .await?
    {
        Ok(_) => desk.done("/settings/administrators", "removed"),
        Err(fault) => confirm(desk, &login, REMOVE, desk.refusal(&fault, &[], "main")),
    }
}

/// Keys of the REST API.
pub(super) mod keys {
    use super::*;

    #[derive(Template)]
    #[template(path = "console/keys.html")]
    struct KeysPage {
        f: ConsoleFrame,
        keys: Vec<ApiKeyView>,
    }

    impl KeysPage {
        fn heads(&self) -> Vec<Text> {
            ["c-name", "c-role", "c-scope", "c-made", "c-last-use", "c-ends"]
                .map(|key| self.f.t(key))
                .to_vec()
        }

        fn role(&self, key: &ApiKeyView) -> Text {
            self.f.t(role_key(&key.role))
        }

        fn when(&self, at: &u64) -> String {
            when(*at)
        }

        fn remove(&self, key: &ApiKeyView) -> String {
            format!("/settings/keys/{}/remove", segment(&key.name))
        }
    }

    /// The list of keys.
    pub(in super::super) async fn list(desk: Desk) -> Page {
        let AdminReply::ApiKeys { keys } = desk.admin(AdminOp::ApiKeyList).await? else {
            return Err(PageError::Internal.into());
        };
        let page = KeysPage {
            f: settings::frame(&desk, Tab::Keys),
            keys,
        };
        show(&page.f, &desk.typed, &page)
    }

    fn below(desk: &Desk, title: Text) -> ConsoleFrame {
        desk.frame("/settings", title)
            .below(desk.t("nav-settings"), "/settings")
            .below(desk.t("c-keys"), "/settings/keys")
    }

    async fn add_form(desk: &Desk, errors: Errors) -> Page {
        let resources = desk.resource_names().await?;
        Ask::new(
            below(desk, desk.t("c-add-key")),
            desk.t("c-create"),
            "/settings/keys",
        )
        .lead(desk.t("c-add-key-lead"))
        .field(desk.line("name", &desk.t("c-name"), "").more("maxlength=64"))
        .fields(rights(desk, &resources, "admin", &[]))
        .field(
            desk.line("days", &desk.t("c-key-days"), "90")
                .kind(Kind::Number)
                .hint(&desk.t("c-key-days-hint"))
                .more("min=1 max=3650"),
        )
        .show(desk, errors)
    }

    /// Form: a new key.
    pub(in super::super) async fn new(desk: Desk) -> Page {
        desk.only(desk.owns())?;
        add_form(&desk, Errors::default()).await
    }

    /// The new key; its secret is shown once.
    pub(in super::super) async fn add(sent: Sent) -> Page {
        let Sent { desk, form } = &sent;
        let days = form.trimmed("days");
        let number = days.parse().ok();
        if !days.is_empty() && number.is_none() {
            let mut errors = Errors::default();
            errors.add("days", desk.t("c-number-wrong"));
            return add_form(desk, errors).await;
        }
        let op = AdminOp::ApiKeyAdd {
            name: form.trimmed("name").to_owned(),
            role: form.get("role").to_owned(),
            resources: form.all("resources").map(str::to_owned).collect(),
            days: number,
        };
        match desk.attempt(op).await? {
            Ok(AdminReply::ApiKeySecret { key, secret }) => {
                let words = (
                    desk.t("c-key-secret-text").arg("name", key.name.as_str()),
                    desk.t("c-key"),
                );
                let next = path("/settings/keys", &[("done", "added")]);
                Once::secret(below(desk, desk.t("c-add-key")), words, secret, next).show()
            }
            Ok(_) => Err(PageError::Internal.into()),
            Err(fault) => add_form(desk, desk.refusal(&fault, &FIELDS, "name")).await,
        }
    }

    fn confirm(desk: &Desk, name: &str, errors: Errors) -> Page {
        let f = below(desk, desk.t("c-remove-key"));
        Ask::new(f, desk.t("c-remove-key"), "/settings/keys")
            .danger(desk.t("c-remove-key-text").arg("name", name))
            .show(desk, errors)
    }

    /// Form: the end of a key.
    pub(in super::super) async fn removal(Path(name): Path<String>, desk: Desk) -> Page {
        desk.only(desk.owns())?;
        confirm(&desk, &name, Errors::default())
    }

    /// The end of a key.
    pub(in super::super) async fn remove(Path(name): Path<String>, sent: Sent) -> Page {
        let desk = &sent.desk;
        match desk.attempt(AdminOp::ApiKeyRemove { name: name.clone() }).await? {
            Ok(_) => desk.done("/settings/keys", "removed"),
            Err(fault) => confirm(desk, &name, desk.refusal(&fault, &[], "main")),
        }
    }
}
