//! Users: the list, a new one, and the list as a file.

use askama::Template;
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use otpost_ipc::admin::{AdminOp, AdminReply, UserAdd, UserView};

use super::{
    ask::Ask,
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    tables::UsersTable,
    words::{path, user_path},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{ConsoleFrame, Errors, Pager},
};

/// Users of one answer of the export.
const EXPORT: u32 = 200;

#[derive(Template)]
#[template(path = "console/users.html")]
struct ListPage {
    f: ConsoleFrame,
    may_add: bool,
    may_import: bool,
    search: String,
    state: String,
    resource: String,
    resources: Vec<String>,
    table: UsersTable,
    pager: Pager,
    export: String,
}

impl ListPage {
    fn states(&self) -> Vec<(&'static str, Text)> {
        [
            ("", "c-all-states"),
            ("locked", "c-locked"),
            ("bypassed", "c-bypassed"),
            ("no-token", "c-not-enrolled"),
            ("no-way-in", "c-no-way-in"),
        ]
        .map(|(word, key)| (word, self.f.t(key)))
        .to_vec()
    }
}

/// A page of users as the address asks for them, and where the next one begins.
pub(super) async fn found(
    desk: &Desk,
    resource: Option<String>,
    (after, limit): (Option<String>, u32),
) -> Result<(Vec<UserView>, Option<String>), Halt> {
    let op = AdminOp::UserFind {
        search: desk.query("search").to_owned(),
        resource,
        state: desk.given("state"),
        after,
        limit,
    };
    match desk.admin(op).await? {
        AdminReply::Users { users, more, after } => {
            let last = after.or_else(|| users.last().map(|user| user.login.clone()));
            Ok((users, last.filter(|_| more)))
        }
        _ => Err(PageError::Internal.into()),
    }
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let paging = Paging::new(&desk, "/users", &["search", "state", "resource"], "after");
    let (users, last) = found(&desk, desk.given("resource"), (paging.begin(), paging.size())).await?;
    let parameters = [
        ("search", desk.query("search")),
        ("state", desk.query("state")),
        ("resource", desk.query("resource")),
    ];
    let f = desk.frame("/users", desk.t("nav-users"));
    let page = ListPage {
        may_add: desk.changes(),
        may_import: desk.changes_all(),
        search: desk.query("search").to_owned(),
        state: desk.query("state").to_owned(),
        resource: desk.query("resource").to_owned(),
        resources: desk.resource_names().await?,
        pager: paging.pager(last.as_deref(), users.len(), ""),
        export: path("/export/users.csv", &parameters),
        table: UsersTable::new(&f, users),
        f,
    };
    show(&page.f, &desk.typed, &page)
}

/// A cell of a CSV file (RFC 4180). What a spreadsheet would take for a formula begins with an apostrophe.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r', '\'']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// Lines of a user: one for each resource, as the import reads them. Numbers are not given out.
fn lines(user: &UserView, out: &mut String) {
    let own = [String::new()];
    let resources = if user.resources.is_empty() {
        own.as_slice()
    } else {
        &user.resources
    };
    for resource in resources {
        let cells = [
            user.login.as_str(),
            user.email.as_deref().unwrap_or_default(),
            "",
            &user.first_name,
            &user.last_name,
            resource,
            "",
        ]
        .map(cell);
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
}

/// All users that the list shows, as a CSV file.
pub(super) async fn export(desk: Desk) -> Page {
    let mut text = "login,email,phone,first-name,last-name,resource,token\r\n".to_owned();
    let mut after = None;
    loop {
        let (users, last) = found(&desk, desk.given("resource"), (after, EXPORT)).await?;
        for user in &users {
            lines(user, &mut text);
        }
        if last.is_none() {
            break;
        }
        after = last;
    }
    let mut response: Response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"users.csv\""),
    );
    Ok(response)
}

async fn add_form(desk: &Desk, errors: Errors) -> Page {
    let f = desk
        .frame("/users", desk.t("c-add-user"))
        .below(desk.t("nav-users"), "/users");
    let resources = desk.resource_names().await?;
    Ask::new(f, desk.t("c-create"), "/users")
        .lead(desk.t("c-add-user-lead"))
        .field(
            desk.line("login", &desk.t("c-login"), "")
                .hint(&desk.t("c-login-rule"))
                .more("maxlength=64 autocapitalize=none spellcheck=false"),
        )
        .fields(profile(desk, ("", "", "")))
        .field(
            desk.secret("password", &desk.t("password"))
                .hint(&desk.t("c-user-password-hint")),
        )
        .field(aliases(desk, ""))
        .field(groups(desk, ""))
        .field(desk.checks("resources", &desk.t("nav-resources"), &resources, &[]))
        .show(desk, errors)
}

/// Names and e-mail address.
pub(super) fn profile(desk: &Desk, (first, last, email): (&str, &str, &str)) -> Vec<super::ask::Field> {
    vec![
        desk.line("first-name", &desk.t("c-first-name"), first),
        desk.line("last-name", &desk.t("c-last-name"), last),
        desk.line("email", &desk.t("c-email"), email)
            .kind(super::ask::Kind::Mail)
            .hint(&desk.t("c-email-hint")),
    ]
}

/// Further names.
pub(super) fn aliases(desk: &Desk, now: &str) -> super::ask::Field {
    desk.line("aliases", &desk.t("c-aliases"), now)
        .hint(&desk.t("c-aliases-hint"))
        .more("autocapitalize=none spellcheck=false")
}

/// Groups. Their names may have blanks.
pub(super) fn groups(desk: &Desk, now: &str) -> super::ask::Field {
    desk.line("groups", &desk.t("c-groups"), now)
        .hint(&desk.t("c-groups-hint"))
        .more("autocapitalize=none spellcheck=false")
}

/// The names of a field that holds several, with commas between.
pub(super) fn listed(text: &str) -> Vec<String> {
    let words = text.split([',', '\n', '\r']).map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The names of a field that holds several.
pub(super) fn names(text: &str) -> Vec<String> {
    let words = text.split([',', ' ', '\n', '\r']);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Which field a sentence of the daemon is about.
pub(super) const FIELDS: [(&str, &str); 6] = [
    ("password", "password"),
    ("e-mail", "email"),
    ("email", "email"),
    ("alias", "aliases"),
    ("group", "groups"),
    ("resource", "resources"),
];

/// Form: a new user.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes())?;
    add_form(&desk, Errors::default()).await
}

/// The new user.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let login = form.trimmed("login").to_owned();
    let mut errors = Errors::default();
    if login.is_empty() {
        errors.add("login", desk.t("user-missing"));
    }
    // Whom nothing ties to a resource in scope is nobody that a limited administrator could see again.
    if !desk.account.all && form.all("resources").next().is_none() {
        errors.add("resources", desk.t("c-resource-missing"));
    }
    if !errors.is_empty() {
        return add_form(desk, errors).await;
    }
    let text = |name: &str| form.trimmed(name).to_owned();
    let op = AdminOp::UserAdd(UserAdd {
        login: login.clone(),
        aliases: names(form.get("aliases")),
        password: (!form.get("password").is_empty()).then(|| form.secret("password")),
        email: Some(text("email")).filter(|email| !email.is_empty()),
        first_name: text("first-name"),
        last_name: text("last-name"),
        resources: form.all("resources").map(str::to_owned).collect(),
        groups: listed(form.get("groups")),
    });
    match desk.attempt(op).await? {
        Ok(AdminReply::User(user)) => desk.done(&user_path(&user.login), "added"),
        Ok(_) => Err(PageError::Internal.into()),
        Err(fault) => add_form(desk, desk.refusal(&fault, &FIELDS, "login")).await,
    }
}

#[cfg(test)]
mod tests {
    use super::{cell, listed, names};

    #[test]
    fn cells_are_quoted_and_no_formulas() {
        for (text, written) in [
            ("alice", "alice"),
            ("Weber, Alice", "\"Weber, Alice\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd()", "\"'=cmd()\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@a", "\"'@a\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    #[test]
    fn names_are_separated_by_anything_usual() {
        assert_eq!(names("a, b\nc  d,"), ["a", "b", "c", "d"]);
        assert_eq!(
            listed("Domain Admins, staff\nb,,"),
            ["Domain Admins", "staff", "b"]
        );
    }
}
