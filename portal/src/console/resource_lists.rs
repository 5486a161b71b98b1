//! What belongs to a resource: its users, tokens, RADIUS clients and activity; and invitations.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, AuditFilter, UserView},
};

use super::{
    desk::{Desk, Halt, Page, Sent, show},
    radius, records,
    resources::{self, Tab},
    tables::{AuditTable, ClientsTable, ROWS, TokensTable, UsersTable, full_name},
    tokens, users,
    users::next_of,
    words::{path, resource_path},
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors},
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
    first: String,
    next: String,
    invite: String,
}

async fn users_page(desk: &Desk, name: &str, errors: Errors) -> Page {
    let base = format!("{}/users", resource_path(name));
    let (users, last) = users::found(desk, Some(name.to_owned()), (desk.given("after"), ROWS)).await?;
    let parameters = [("search", desk.query("search"))];
    let f = resources::frame(desk, name, Tab::Users).with_errors(errors);
    let page = UsersPage {
        may: desk.changes(),
        login: desk.typed.or("login", ""),
        search: desk.query("search").to_owned(),
        table: UsersTable::new(&f, users),
        next: next_of(&base, &parameters, last.as_deref()),
        first: desk
            .given("after")
            .map_or_else(String::new, |_| path(&base, &parameters)),
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
    match desk.attempt(op).await? {
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
    text: String,
    first: String,
    next: String,
}

fn list_page(desk: &Desk, f: ConsoleFrame, table: &impl Template) -> Result<ListPage, Halt> {
    let base = desk.ctx.here().split('?').next().unwrap_or_default().to_owned();
    let paged = desk.given("after").is_some() || desk.given("before").is_some();
    Ok(ListPage {
        f,
        table: table.render().map_err(|_| PageError::Internal)?,
        add: None,
        text: String::new(),
        first: if paged { base } else { String::new() },
        next: String::new(),
    })
}

/// Tokens that guard a resource.
pub(super) async fn tokens(Path(name): Path<String>, desk: Desk) -> Page {
    let (found, last) = tokens::found(&desk, Some(name.clone())).await?;
    let f = resources::frame(&desk, &name, Tab::Tokens);
    let table = TokensTable::new(&f, found);
    let mut page = list_page(&desk, f, &table)?;
    page.next = next_of(&format!("{}/tokens", resource_path(&name)), &[], last.as_deref());
    show(&page.f, &desk.typed, &page)
}

/// RADIUS clients that protect it.
pub(super) async fn clients(Path(name): Path<String>, desk: Desk) -> Page {
    let mut clients = radius::clients(&desk).await?;
    clients.retain(|client| client.resource == name);
    let f = resources::frame(&desk, &name, Tab::Clients);
    let table = ClientsTable::new(&f, clients);
    let mut page = list_page(&desk, f, &table)?;
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
    let (rows, before) = records::found(&desk, filter).await?;
    let f = resources::frame(&desk, &name, Tab::Activity);
    let table = AuditTable::new(&f, rows);
    let mut page = list_page(&desk, f, &table)?;
    page.text = desk.t("c-newest-first").to_string();
    page.next = before.map_or_else(String::new, |before| {
        path(
            &format!("{}/activity", resource_path(&name)),
            &[("before", &before.to_string())],
        )
    });
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
            Err(fault) => one.failure = fault.message,
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
