//! Tokens: the list of all, and one.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, TokenView, UserView};

use super::{
    ask::{Ask, Form},
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    tables::TokensTable,
    user::frame,
    words::{segment, user_path},
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors, Pager},
};

#[derive(Template)]
#[template(path = "console/tokens.html")]
struct ListPage {
    f: ConsoleFrame,
    search: String,
    resource: String,
    resources: Vec<String>,
    table: TokensTable,
    pager: Pager,
}

/// Tokens as the address asks for them, and the owner after whom the next page begins.
pub(super) async fn found(
    desk: &Desk,
    resource: Option<String>,
    paging: &Paging,
) -> Result<(Vec<TokenView>, Option<String>), Halt> {
    let op = AdminOp::TokenFind {
        search: desk.query("search").to_owned(),
        resource,
        after: paging.begin(),
        limit: paging.size(),
    };
    match desk.admin(op).await? {
        AdminReply::TokensFound { tokens, after } => Ok((tokens, after)),
        _ => Err(PageError::Internal.into()),
    }
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let paging = Paging::new(&desk, "/tokens", &["search", "resource"], "after");
    let (tokens, last) = found(&desk, desk.given("resource"), &paging).await?;
    let f = desk.frame("/tokens", desk.t("nav-tokens"));
    let page = ListPage {
        search: desk.query("search").to_owned(),
        resource: desk.query("resource").to_owned(),
        resources: desk.resource_names().await?,
        pager: paging.pager(last.as_deref(), tokens.len(), ""),
        table: TokensTable::new(&f, tokens),
        f,
    };
    show(&page.f, &desk.typed, &page)
}

/// A user's token; nothing where it is somebody else's.
async fn owned(desk: &Desk, login: &str, id: &str) -> Result<(UserView, TokenView), Halt> {
    let user = desk.user(login).await?;
    let token = user.tokens.iter().find(|token| token.id == id).cloned();
    token
        .map(|token| (user, token))
        .ok_or_else(|| PageError::NotFound.into())
}

fn form(desk: &Desk, user: &UserView, token: &TokenView, errors: Errors) -> Page {
    let states = [
        ("active", "c-active"),
        ("disabled", "c-disabled"),
        ("blocked", "c-blocked"),
    ]
    .map(|(word, key)| (word.to_owned(), desk.t(key).to_string()))
    .to_vec();
    let mut f = frame(desk, user, desk.t("c-token"));
    f.title.clone_from(&token.name);
    let page = Form {
        f: f.with_errors(errors),
        may: desk.changes() && !token.beyond,
        pill: None,
        lead: desk.t(if token.beyond {
            "c-token-beyond"
        } else if token.verified {
            "c-token-lead"
        } else {
            "c-token-lead-new"
        }),
        fields: vec![
            desk.line("name", &desk.t("c-token-name"), &token.name)
                .more("maxlength=50"),
            desk.select("status", &desk.t("c-state"), states, &token.status)
                .hint(&desk.t("c-token-state-hint")),
        ],
        links: vec![(
            format!("{}/tokens/{}/remove", user_path(&user.login), segment(&token.id)),
            desk.t("c-remove-token"),
            true,
        )],
    };
    show(&page.f, &desk.typed, &page)
}

/// One token.
pub(super) async fn token(Path((login, id)): Path<(String, String)>, desk: Desk) -> Page {
    let (user, token) = owned(&desk, &login, &id).await?;
    form(&desk, &user, &token, Errors::default())
}

/// Its name and state.
pub(super) async fn set(Path((login, id)): Path<(String, String)>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    let (user, token) = owned(desk, &login, &id).await?;
    let name = typed.trimmed("name").to_owned();
    let status = typed.get("status").to_owned();
    let op = AdminOp::TokenSet {
        token: id,
        status: (status != token.status).then_some(status),
        name: (name != token.name).then_some(name),
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done(&user_path(&user.login), "saved"),
        Err(fault) => form(
            desk,
            &user,
            &token,
            desk.refusal(&fault, &[("status", "status")], "name"),
        ),
    }
}

fn remove_form(desk: &Desk, user: &UserView, token: &TokenView, errors: Errors) -> Page {
    let text = desk
        .t("c-remove-token-text")
        .arg("token", token.name.as_str())
        .arg("user", user.login.as_str());
    let f = frame(desk, user, desk.t("c-remove-token"));
    Ask::new(f, desk.t("c-remove-token"), user_path(&user.login))
        .danger(text)
        .show(desk, errors)
}

/// Form: its end.
pub(super) async fn removal(Path((login, id)): Path<(String, String)>, desk: Desk) -> Page {
    let (user, token) = owned(&desk, &login, &id).await?;
    desk.only(desk.changes() && !token.beyond)?;
    remove_form(&desk, &user, &token, Errors::default())
}

/// Its end.
pub(super) async fn remove(Path((login, id)): Path<(String, String)>, sent: Sent) -> Page {
    let desk = &sent.desk;
    let (user, token) = owned(desk, &login, &id).await?;
    match desk.attempt(AdminOp::TokenRemove { token: id }).await? {
        Ok(_) => desk.done(&user_path(&user.login), "removed"),
        Err(fault) => remove_form(desk, &user, &token, desk.refusal(&fault, &[], "main")),
    }
}
