//! RADIUS clients.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::{
    admin::{AdminOp, AdminReply, ClientView, SourceView},
    radius::MessageAuthenticator,
};

use super::{
    ask::{Ask, Field, Form, Once},
    desk::{Desk, Halt, Page, Sent, show},
    paging::Paging,
    tables::ClientsTable,
    users::names,
    words::{path, segment},
};
use crate::{
    PageError,
    ui::{ConsoleFrame, Errors, Pager},
    web::Posted,
};

/// Which field a sentence of the daemon is about.
const FIELDS: [(&str, &str); 6] = [
    ("secret", "secret"),
    ("network", "networks"),
    ("address", "networks"),
    ("resource", "resource"),
    ("first", "first-factor"),
    ("name", "name"),
];

/// What a client must do about Message-Authenticator: word, and what it says.
const AUTHENTICATOR: [(&str, &str, MessageAuthenticator); 3] = [
    (
        "require",
        "c-authenticator-require",
        MessageAuthenticator::Require,
    ),
    ("auto", "c-authenticator-auto", MessageAuthenticator::Auto),
    ("off", "c-authenticator-off", MessageAuthenticator::Off),
];

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

/// What may stand for the password's check beside the usual: sources, where who is signed in may see them.
async fn sources(desk: &Desk) -> Result<Vec<String>, Halt> {
    if !desk.changes_all() {
        return Ok(Vec::new());
    }
    let all = super::sources::sources(desk).await?;
    let word = |source: SourceView| format!("{}:{}", source.kind, source.name);
    Ok(all.into_iter().map(word).collect())
}

fn fields(
    desk: &Desk,
    (resources, sources): (&[String], &[String]),
    client: Option<&ClientView>,
) -> Vec<Field> {
    let networks = client.map_or_else(String::new, |client| client.networks.join("\n"));
    let resource = client.map_or(desk.query("resource"), |client| &client.resource);
    let first = client.map_or("local", |client| &client.first_factor);
    let signed = client.map_or(MessageAuthenticator::default(), |client| {
        client.message_authenticator
    });
    let mut firsts = [("local", "c-first-local"), ("stack", "c-first-stack")]
        .map(|(word, key)| (word.to_owned(), desk.t(key).to_string()))
        .to_vec();
    let chain = |chain: &str| (chain.to_owned(), chain.to_owned());
    firsts.extend(sources.iter().map(|source| chain(source)));
    // A longer chain is set by otpostctl, and stays.
    if !firsts.iter().any(|(word, _)| word == first) {
        firsts.push(chain(first));
    }
    let secret = if client.is_some() {
        "c-secret-new-hint"
    } else {
        "c-secret-hint"
    };
    vec![
        desk.area("networks", &desk.t("c-networks"), &networks)
            .hint(&desk.t("c-networks-hint"))
            .more("spellcheck=false"),
        desk.select(
            "resource",
            &desk.t("c-resource"),
            Desk::choices(resources),
            resource,
        ),
        desk.select("first-factor", &desk.t("c-first-factor"), firsts, first)
            .hint(&desk.t("c-first-factor-hint")),
        desk.secret("secret", &desk.t("c-shared-secret"))
            .hint(&desk.t(secret)),
        desk.switch("weak", &desk.t("c-weak-secret"), false)
            .hint(&desk.t("c-weak-secret-hint")),
        desk.select(
            "authenticator",
            &desk.t("c-authenticator"),
            AUTHENTICATOR
                .map(|(word, key, _)| (word.to_owned(), desk.t(key).to_string()))
                .to_vec(),
            AUTHENTICATOR
                .iter()
                .find(|(.., own)| *own == signed)
                .map_or("require", |(word, ..)| *word),
        )
        .hint(&desk.t("c-authenticator-hint")),
    ]
}

async fn add_form(desk: &Desk, errors: Errors) -> Page {
    let (resources, sources) = (desk.resource_names().await?, sources(desk).await?);
    let f = desk
        .frame("/radius", desk.t("c-add-client"))
        .below(desk.t("nav-radius"), "/radius");
    Ask::new(f, desk.t("c-create"), "/radius")
        .lead(desk.t("c-add-client-lead"))
        .field(
            desk.line("name", &desk.t("c-name"), "")
                .hint(&desk.t("c-client-name-hint"))
                .more("maxlength=64 spellcheck=false"),
        )
        .fields(fields(desk, (&resources, &sources), None))
        .show(desk, errors)
}

/// Form: a new client.
pub(super) async fn new(desk: Desk) -> Page {
    desk.only(desk.changes())?;
    add_form(&desk, Errors::default()).await
}

/// What the form says about Message-Authenticator; what is not offered is the safe choice.
fn authenticator(form: &Posted) -> MessageAuthenticator {
    let word = form.get("authenticator");
    (AUTHENTICATOR.iter())
        .find(|(own, ..)| *own == word)
        .map_or(MessageAuthenticator::Require, |(.., mode)| *mode)
}

fn given(form: &Posted) -> Option<otpost_ipc::Secret> {
    (!form.get("secret").is_empty()).then(|| form.secret("secret"))
}

/// The new client; its secret is shown once.
pub(super) async fn add(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let op = AdminOp::RadiusClientAdd {
        name: form.trimmed("name").to_owned(),
        networks: names(form.get("networks")),
        resource: form.get("resource").to_owned(),
        secret: given(form),
        weak_secret: form.has("weak"),
        message_authenticator: authenticator(form),
        first_factor: Some(form.get("first-factor").to_owned()).filter(|word| !word.is_empty()),
        set: otpost_ipc::admin::ClientSet::default(),
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
        Err(fault) => add_form(desk, desk.refusal(&fault, &FIELDS, "name")).await,
    }
}

async fn form(desk: &Desk, client: &ClientView, errors: Errors) -> Page {
    let (resources, sources) = (desk.resource_names().await?, sources(desk).await?);
    let f = desk
        .frame("/radius", &client.name)
        .below(desk.t("nav-radius"), "/radius");
    let page = Form {
        f: f.with_errors(errors),
        may: desk.changes(),
        pill: None,
        lead: desk.t("c-client-lead"),
        fields: fields(desk, (&resources, &sources), Some(client)),
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
    let op = AdminOp::RadiusClientSet {
        name: name.clone(),
        networks: Some(names(typed.get("networks"))),
        resource: Some(typed.get("resource").to_owned()),
        secret: given(typed),
        weak_secret: typed.has("weak"),
        message_authenticator: Some(authenticator(typed)),
        first_factor: Some(typed.get("first-factor").to_owned()),
        set: otpost_ipc::admin::ClientSet::default(),
    };
    match desk.attempt(op).await? {
        Ok(_) => desk.done("/radius", "saved"),
        Err(fault) => {
            let client = one(desk, &name).await?;
            form(desk, &client, desk.refusal(&fault, &FIELDS, "networks")).await
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
