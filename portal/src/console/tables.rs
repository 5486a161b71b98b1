//! Lists that several pages show, as pieces for their templates: `{{ table }}`.

use askama::{Template, filters::HtmlSafe};
use otpost_ipc::admin::{AuditView, ClientView, MessageView, TokenView, UserView};

use super::{
    client_form::{self, FLOWS, Sends},
    sentences::remark,
    words::{exactly, path, reason, resource_path, user_path, when},
};
use crate::{
    i18n::Text,
    ui::{ConsoleFrame, Frame},
};

/// The words of `keys`.
fn heads(f: &Frame, keys: &[&str]) -> Vec<Text> {
    keys.iter().map(|key| f.t(key)).collect()
}

/// Users.
#[derive(Template)]
#[template(path = "console/table_users.html")]
pub(super) struct UsersTable {
    f: ConsoleFrame,
    users: Vec<UserView>,
}

impl HtmlSafe for UsersTable {}

impl UsersTable {
    pub(super) fn new(f: &ConsoleFrame, mut users: Vec<UserView>) -> Self {
        for user in &mut users {
            user.locked = (user.locked.take()).map(|why| remark(f.texts(), &why));
        }
        Self { f: f.clone(), users }
    }

    fn heads(&self) -> Vec<Text> {
        let keys = ["c-user", "c-state", "c-email", "c-last-login", "nav-resources"];
        heads(&self.f, &keys)
    }

    fn path(&self, user: &UserView) -> String {
        user_path(&user.login)
    }

    fn name(&self, user: &UserView) -> String {
        full_name(user)
    }

    fn when(&self, at: &u64) -> String {
        when(*at)
    }
}

/// First and last name; the login where there are none.
pub(super) fn full_name(user: &UserView) -> String {
    let name = format!("{} {}", user.first_name, user.last_name);
    match name.trim() {
        "" => user.login.clone(),
        name => name.to_owned(),
    }
}

/// Tokens with their owners.
#[derive(Template)]
#[template(path = "console/table_tokens.html")]
pub(super) struct TokensTable {
    f: ConsoleFrame,
    tokens: Vec<TokenView>,
}

impl HtmlSafe for TokensTable {}

impl TokensTable {
    pub(super) fn new(f: &ConsoleFrame, tokens: Vec<TokenView>) -> Self {
        Self { f: f.clone(), tokens }
    }

    fn heads(&self) -> Vec<Text> {
        let keys = ["c-token", "c-user", "c-kind", "c-state", "c-guards"];
        heads(&self.f, &keys)
    }

    fn path(&self, token: &TokenView) -> String {
        format!(
            "{}/tokens/{}",
            user_path(&token.user),
            super::words::segment(&token.id)
        )
    }

    fn owner(&self, token: &TokenView) -> String {
        user_path(&token.user)
    }
}

/// RADIUS clients.
#[derive(Template)]
#[template(path = "console/table_clients.html")]
pub(super) struct ClientsTable {
    f: ConsoleFrame,
    clients: Vec<ClientView>,
}

impl HtmlSafe for ClientsTable {}

impl ClientsTable {
    pub(super) fn new(f: &ConsoleFrame, clients: Vec<ClientView>) -> Self {
        Self {
            f: f.clone(),
            clients,
        }
    }

    fn heads(&self) -> Vec<Text> {
        let keys = [
            "c-client",
            "c-resource",
            "c-flow",
            "c-first-factor",
            "c-authenticator",
        ];
        heads(&self.f, &keys)
    }

    fn flow(&self, client: &ClientView) -> String {
        let word = client.set.flow.as_deref().unwrap_or_default();
        let found = FLOWS.iter().find(|(own, _)| *own == word);
        found.map_or_else(|| word.to_owned(), |(_, key)| self.f.t(key).to_string())
    }

    fn first_factor(&self, client: &ClientView) -> String {
        match client.first_factor.as_str() {
            "local" => self.f.t("c-first-local").to_string(),
            "stack" => self.f.t("c-first-stack").to_string(),
            chain => chain.to_owned(),
        }
    }

    /// Whether it sends Message-Authenticator: kind, icon and word of a pill, and when that was seen.
    fn sends(&self, client: &ClientView) -> (&'static str, &'static str, Text, String) {
        let (kind, icon, key, at) = match client_form::sends(client) {
            Sends::Unknown => ("", "clock", "c-sends-unknown", None),
            Sends::Since(at) => ("ok", "check", "c-sends", Some(at)),
            Sends::Not(at) => ("warn", "warning", "c-sends-none", Some(at)),
        };
        (kind, icon, self.f.t(key), at.map_or_else(String::new, when))
    }

    fn mode(&self, client: &ClientView) -> Text {
        self.f.t(client_form::mode_key(client.message_authenticator))
    }

    fn path(&self, client: &ClientView) -> String {
        format!("/radius/{}", super::words::segment(&client.name))
    }

    fn resource(&self, client: &ClientView) -> String {
        resource_path(&client.resource)
    }
}

/// Texts.
#[derive(Template)]
#[template(path = "console/table_messages.html")]
pub(super) struct MessagesTable {
    f: ConsoleFrame,
    messages: Vec<MessageView>,
}

impl HtmlSafe for MessagesTable {}

impl MessagesTable {
    pub(super) fn new(f: &ConsoleFrame, messages: Vec<MessageView>) -> Self {
        Self {
            f: f.clone(),
            messages,
        }
    }

    fn heads(&self) -> Vec<Text> {
        let keys = ["c-to", "c-state", "c-provider", "c-queued", "reference"];
        heads(&self.f, &keys)
    }

    fn when(&self, at: &u64) -> String {
        exactly(*at)
    }

    fn audit(&self, reference: &str) -> String {
        path("/audit", &[("ref", reference)])
    }
}

/// Audit rows, newest first.
#[derive(Template)]
#[template(path = "console/table_audit.html")]
pub(super) struct AuditTable {
    f: ConsoleFrame,
    rows: Vec<AuditView>,
}

impl HtmlSafe for AuditTable {}

impl AuditTable {
    pub(super) fn new(f: &ConsoleFrame, rows: Vec<AuditView>) -> Self {
        Self { f: f.clone(), rows }
    }

    fn heads(&self) -> Vec<Text> {
        let keys = ["c-time", "c-event", "c-who", "c-where", "reference"];
        heads(&self.f, &keys)
    }

    fn when(&self, at: &u64) -> String {
        exactly(*at)
    }

    /// Why, and what else is known.
    fn more(&self, row: &AuditView) -> String {
        // That administrators did it is said beside it.
        let why = if row.reason == "admin" {
            String::new()
        } else {
            reason(&self.f, &row.reason)
        };
        let parts = [why, row.detail.clone()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    }

    /// Colour and icon of an event, by its name.
    fn mark(&self, row: &AuditView) -> (&'static str, &'static str) {
        mark(&row.kind)
    }

    fn by_reference(&self, row: &AuditView) -> String {
        path("/audit", &[("ref", &row.reference)])
    }

    fn by_user(&self, row: &AuditView) -> String {
        path("/audit", &[("user", &row.user)])
    }
}

/// Colour and icon of an event, by its name.
pub(super) fn mark(kind: &str) -> (&'static str, &'static str) {
    if kind.contains("deny") || kind.contains("denied") || kind.ends_with("failed") {
        ("bad", "cross")
    } else if kind.ends_with("allow") || kind.ends_with("accepted") || kind.ends_with("sign-in") {
        ("ok", "check")
    } else if kind.contains("lock") || kind.contains("bypass") || kind.contains("remove") {
        ("warn", "warning")
    } else if kind.starts_with("admin.") {
        ("acc", "edit")
    } else {
        ("", "dot")
    }
}
