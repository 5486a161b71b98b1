//! RADIUS clients.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, ClientSet, ClientView, SourceView};

use super::{
    ask::{Ask, Groups, Once},
    client_form,
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    sources,
    tables::ClientsTable,
    words::{path, segment},
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors, Pager},
};

#[derive(Template)]
#[template(path = "console/radius.html")]
struct ListPage {
    f: ConsoleFrame,
    table: ClientsTable,
    pager: Pager,
}

/// All clients in scope.
pub(super) async fn clients(desk: &Desk) -> Result<Vec<ClientView>, Halt> {
    let mut all: Vec<ClientView> = Vec::new();
    loop {
        let after = all.last().map(|client| client.name.clone());
        match desk.admin(AdminOp::RadiusClientList { after }).await? {
            AdminReply::Clients { clients, more } => {
                let last = !more || clients.is_empty();
                all.extend(clients);
                if last {
                    return Ok(all);
                }
            }
            _ => return Err(PageError::Internal.into()),
        }
    }
}

async fn one(desk: &Desk, name: &str) -> Result<ClientView, Halt> {
    let found = clients(desk)
        .await?
        .into_iter()
        .find(|client| client.name == name);
    found.ok_or_else(|| PageError::NotFound.into())
}

/// The list.
pub(super) async fn list(desk: Desk) -> Page {
    let paging = Paging::new(&desk, "/radius", &[], "after");
    let (clients, pager) = paging.whole(&desk, clients(&desk).await?);
    let f = desk.frame("/radius", desk.t("nav-radius"));
    let page = ListPage {
        pager,
        table: ClientsTable::new(&f, clients),
        f,
    };
    show(&page.f, &desk.typed, &page)
}

/// Sources of passwords to choose from, for whoever may see them.
async fn known_sources(desk: &Desk) -> Result<Vec<SourceView>, Halt> {
    if desk.changes_all() {
        sources::sources(desk).await
    } else {
        Ok(Vec::new())
    }
}

async fn add_form(desk: &Desk, errors: Errors) -> Page {
    let resources = desk.resource_names().await?;
    let f = desk
        .frame("/radius", desk.t("c-add-client"))
        .below(desk.t("nav-radius"), "/radius");
    let page = Groups {
        f: f.with_errors(errors),
        may: true,
        lead: desk.t("c-add-client-lead"),
        note: None,
        groups: client_form::groups(desk, &resources, &known_sources(desk).await?, None),
        go: desk.t("c-create"),
        back: ("/radius".to_owned(), desk.t("cancel")),
        links: Vec::new(),
    };
    show(&page.f, &desk.typed, &page)
}

/// Form: a new client.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes())?;
    add_form(&desk, Errors::default()).await
}

/// The new client; its secret is shown once.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let set = match client_form::settings(desk, form, &ClientSet::default()) {
        Ok(set) => set,
        Err(errors) => return add_form(desk, errors).await,
    };
    let op = AdminOp::RadiusClientAdd {
        name: form.trimmed("name").to_owned(),
        networks: client_form::networks(form),
        resource: form.get("resource").to_owned(),
        secret: client_form::secret(form),
        weak_secret: form.has("weak"),
        message_authenticator: client_form::authenticator(form),
        first_factor: client_form::chain(form),
        set,
    };
    match desk.attempt(op).await? {
        Ok(AdminReply::ClientSecret { client, secret }) => {
            let f = desk
                .frame("/radius", &client.name)
                .below(desk.t("nav-radius"), "/radius");
            let words = (
                desk.t("c-client-secret-text").arg("client", client.name.as_str()),
                desk.t("c-shared-secret"),
            );
            Once::secret(f, words, secret, path("/radius", &[("done", "added")])).show()
        }
        Ok(_) => Err(PageError::Internal.into()),
        Err(fault) => add_form(desk, client_form::refusal(desk, form, &fault, "name")).await,
    }
}

async fn form(desk: &Desk, client: &ClientView, errors: Errors) -> Page {
    let resources = desk.resource_names().await?;
    let f = desk
        .frame("/radius", &client.name)
        .below(desk.t("nav-radius"), "/radius");
    let page = Groups {
        may: desk.changes(),
        lead: desk.t("c-client-lead"),
        note: client_form::note(desk, client),
        groups: client_form::groups(desk, &resources, &known_sources(desk).await?, Some(client)),
        go: desk.t("save"),
        back: (f.here().to_owned(), desk.t("c-discard")),
        links: vec![
            (
                path("/explain", &[("service", &client.name), ("channel", "radius")]),
                desk.t("c-explain"),
                false,
            ),
            (
                format!("/radius/{}/remove", segment(&client.name)),
                desk.t("c-remove-client"),
                true,
            ),
        ],
        f: f.with_errors(errors),
    };
    show(&page.f, &desk.typed, &page)
}

/// One client.
pub(super) async fn client(Path(name): Path<String>, desk: Desk) -> Page {
    let client = one(&desk, &name).await?;
    form(&desk, &client, Errors::default()).await
}

/// Changes of it.
pub(super) async fn set(Path(name): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form: typed } = &sent;
    let client = one(desk, &name).await?;
    let set = match client_form::settings(desk, typed, &client.set) {
        Ok(set) => set,
        Err(errors) => return form(desk, &client, errors).await,
    };
    let op = AdminOp::RadiusClientSet {
        name,
        networks: Some(client_form::networks(typed)),
        resource: Some(typed.get("resource").to_owned()),
        secret: client_form::secret(typed),
        weak_secret: typed.has("weak"),
        message_authenticator: Some(client_form::authenticator(typed)),
        first_factor: client_form::chain(typed),
        set,
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done("/radius", "saved"),
        Err(fault) => {
            let errors = client_form::refusal(desk, typed, &fault, "networks");
            form(desk, &client, errors).await
        }
    }
}

fn remove_form(desk: &Desk, name: &str, errors: Errors) -> Page {
    let f = desk
        .frame("/radius", desk.t("c-remove-client"))
        .below(desk.t("nav-radius"), "/radius")
        .below(name, &format!("/radius/{}", segment(name)));
    Ask::new(f, desk.t("c-remove-client"), "/radius")
        .danger(desk.t("c-remove-client-text").arg("name", name))
        .show(desk, errors)
}

/// Form: its end.
pub(super) async fn removal(Path(name): Path<String>, desk: Desk) -> Page {
    let client = one(&desk, &name).await?;
    remove_form(&desk, &client.name, Errors::default())
}

/// Its end.
pub(super) async fn remove(Path(name): Path<String>, sent: Sent) -> Page {
    let desk = &sent.desk;
    match desk
        .attempt(AdminOp::RadiusClientRemove { name: name.clone() })
        .await?
    {
        Ok(_) => desk.done("/radius", "removed"),
        Err(fault) => remove_form(desk, &name, desk.refusal(&fault, &[], "main")),
    }
}
