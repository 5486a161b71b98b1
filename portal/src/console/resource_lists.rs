//! What belongs to a resource: its users, tokens, RADIUS clients and activity; and invitations.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, AuditFilter, UserView},
};

use super::{
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    radius, records,
    resources::{self, Tab},
    sentences,
    tables::{AuditTable, ClientsTable, TokensTable, UsersTable, full_name},
    tokens, users,
    words::{path, resource_path},
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors, Pager},
};

/// People who are invited at once.
const INVITED: u32 = 50;

#[derive(Template)]
#[template(path = "console/resource_users.html")]
struct UsersPage {
    f: ConsoleFrame,
    may: bool,
    login: String,
    search: String,
    table: UsersTable,
    pager: Pager,
    invite: String,
}

async fn users_page(desk: &Desk, name: &str, errors: Errors) -> Page {
    let base = format!("{}/users", resource_path(name));
    let paging = Paging::new(desk, &base, &["search"], "after");
    let (users, last) = users::found(desk, Some(name.to_owned()), (paging.begin(), paging.size())).await?;
    let f = resources::frame(desk, name, Tab::Users).with_errors(errors);
    let page = UsersPage {
        may: desk.changes(),
        login: desk.typed.or("login", ""),
        search: desk.query("search").to_owned(),
        pager: paging.pager(last.as_deref(), users.len(), ""),
        table: UsersTable::new(&f, users),
        invite: format!("{}/invite", resource_path(name)),
        f,
    };
    show(&page.f, &desk.typed, &page)
}

/// Users of a resource.
pub(super) async fn users(Path(name): Path<String>, desk: Desk) -> Page {
    users_page(&desk, &name, Errors::default()).await
}

/// Binds one more.
pub(super) async fn bind(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let op = AdminOp::UserBind {
        user: form.trimmed("login").to_owned(),
        resource: name.clone(),
    };
    if form.trimmed("login").is_empty() {
        let mut errors = Errors::default();
        errors.add("login", desk.t("user-missing"));
        return users_page(desk, &name, errors).await;
    }
    match desk.attempt_named(op).await? {
        Ok(_) => desk.done(&format!("{}/users", resource_path(&name)), "bound"),
        Err(fault) => users_page(desk, &name, desk.refusal(&fault, &[], "login")).await,
    }
}

#[derive(Template)]
#[template(path = "console/resource_list.html")]
struct ListPage {
    f: ConsoleFrame,
    table: String,
    add: Option<(String, String)>,
    pager: Pager,
}

fn list_page(f: ConsoleFrame, table: &impl Template, pager: Pager) -> Result<ListPage, Halt> {
    Ok(ListPage {
        f,
        table: table.render().map_err(|_| PageError::Internal)?,
        add: None,
        pager,
    })
}

/// Tokens that guard a resource.
pub(super) async fn tokens(Path(name): Path<String>, desk: Desk) -> Page {
    let base = format!("{}/tokens", resource_path(&name));
    let paging = Paging::new(&desk, &base, &[], "after");
    let (found, last) = tokens::found(&desk, Some(name.clone()), &paging).await?;
    let pager = paging.pager(last.as_deref(), found.len(), "");
    let f = resources::frame(&desk, &name, Tab::Tokens);
    let table = TokensTable::new(&f, found);
    let page = list_page(f, &table, pager)?;
    show(&page.f, &desk.typed, &page)
}

/// RADIUS clients that protect it.
pub(super) async fn clients(Path(name): Path<String>, desk: Desk) -> Page {
    let mut clients = radius::clients(&desk).await?;
    clients.retain(|client| client.resource == name);
    let base = format!("{}/radius", resource_path(&name));
    let (clients, pager) = Paging::new(&desk, &base, &[], "after").whole(&desk, clients);
    let f = resources::frame(&desk, &name, Tab::Clients);
    let table = ClientsTable::new(&f, clients);
    let mut page = list_page(f, &table, pager)?;
    page.add = Some((
        path("/add/radius", &[("resource", &name)]),
        desk.t("c-add-client").to_string(),
    ));
    show(&page.f, &desk.typed, &page)
}

/// What happened in it.
pub(super) async fn activity(Path(name): Path<String>, desk: Desk) -> Page {
    let filter = AuditFilter {
        resource: name.clone(),
        ..AuditFilter::default()
    };
    let base = format!("{}/activity", resource_path(&name));
    let paging = Paging::new(&desk, &base, &[], "before");
    let (rows, before) = records::found(&desk, filter, &paging).await?;
    let newest = desk.t("c-newest-first").to_string();
    let pager = paging.pager(before.as_deref(), rows.len(), &newest);
    let f = resources::frame(&desk, &name, Tab::Activity);
    let table = AuditTable::new(&f, rows);
    let page = list_page(f, &table, pager)?;
    show(&page.f, &desk.typed, &page)
}

/// Somebody who was invited.
struct Invited {
    name: String,
    mailed: bool,
    /// Only where nothing was mailed: it has to be handed over.
    link: Option<Secret>,
    failure: String,
}

#[derive(Template)]
#[template(path = "console/invite.html")]
struct InvitePage {
    f: ConsoleFrame,
    users: Vec<UserView>,
    more: bool,
    invited: Option<Vec<Invited>>,
    back: String,
}

impl InvitePage {
    fn name(&self, user: &UserView) -> String {
        full_name(user)
    }
}

async fn unenrolled(desk: &Desk, name: &str) -> Result<(Vec<UserView>, bool), Halt> {
    let op = AdminOp::UserFind {
        search: String::new(),
        resource: Some(name.to_owned()),
        state: Some("no-token".to_owned()),
        after: None,
        limit: INVITED,
    };
    match desk.admin(op).await? {
        AdminReply::Users { users, more, .. } => Ok((users, more)),
        _ => Err(PageError::Internal.into()),
    }
}

fn invite_frame(desk: &Desk, name: &str) -> ConsoleFrame {
    desk.frame("/resources", desk.t("c-invite-users"))
        .below(desk.t("nav-resources"), "/resources")
        .below(name, &resource_path(name))
}

/// Form: whom to invite.
pub(super) async fn invite(Path(name): Path<String>, desk: Desk) -> Page {
    let (users, more) = unenrolled(&desk, &name).await?;
    let page = InvitePage {
        f: invite_frame(&desk, &name),
        users,
        more,
        invited: None,
        back: format!("{}/self-service", resource_path(&name)),
    };
    show(&page.f, &desk.typed, &page)
}

/// The invitations.
pub(super) async fn send_invitations(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let limit = usize::try_from(INVITED).unwrap_or(usize::MAX);
    let mut invited = Vec::new();
    for login in form.all("user").take(limit) {
        let op = AdminOp::UserInvite {
            user: login.to_owned(),
            resource: name.clone(),
        };
        let mut one = Invited {
            name: login.to_owned(),
            mailed: false,
            link: None,
            failure: String::new(),
        };
        match desk.attempt(op).await? {
            Ok(AdminReply::Invited { link, mailed, .. }) => {
                one.mailed = mailed;
                one.link = (!mailed).then_some(link);
            }
            Ok(_) => return Err(PageError::Internal.into()),
            Err(fault) => one.failure = sentences::refused(desk.ctx.texts(), &fault.message).to_string(),
        }
        invited.push(one);
    }
    let page = InvitePage {
        f: invite_frame(desk, &name),
        users: Vec::new(),
        more: false,
        invited: Some(invited),
        back: format!("{}/self-service", resource_path(&name)),
    };
    show(&page.f, &desk.typed, &page)
}
