//! Domain rows as administrators see them. Never a secret, a hash or a full number.

use std::collections::HashMap;

use otpost_core::Timestamp;
use otpost_core::client::{FirstFactor, RadiusClient};
use otpost_core::ids::ResourceId;
use otpost_core::limits::Guard;
use otpost_core::limits::Lock;
use otpost_core::name::LoginName;
use otpost_core::portal::administrator::Scope;
use otpost_core::provider::{Provider, ProviderKind};
use otpost_core::resource::{Resource, WithoutToken};
use otpost_core::token::{Status, Token};
use otpost_core::user::User;
use otpost_ipc::admin::{ClientView, ProviderView, ResourceSettings, ResourceView, TokenView, UserView};
use otpost_store::{Read, StoreError};

use crate::ipc::authenticator;

/// Names of the resources in a scope, for showing ids; what lies outside is not shown.
pub(super) struct Names {
    names: HashMap<ResourceId, String>,
    all: bool,
}

impl Names {
    pub(super) fn load(read: &mut dyn Read, scope: &Scope) -> Result<Self, StoreError> {
        let resources = read.resources()?.into_iter();
        Ok(Self {
            names: resources
                .filter(|r| scope.covers(r.id))
                .map(|r| (r.id, r.name))
                .collect(),
            all: *scope == Scope::All,
        })
    }

    /// Whether what is bound to these resources is seen.
    pub(super) fn sees(&self, ids: &[ResourceId]) -> bool {
        self.all || ids.iter().any(|id| self.names.contains_key(id))
    }

    /// Whether a row that names this resource and user, by their names, is seen.
    pub(super) fn sees_row(
        &self,
        read: &mut dyn Read,
        (resource, user): (&str, &str),
    ) -> Result<bool, StoreError> {
        if self.all {
            return Ok(true);
        }
        if !resource.is_empty() {
            return Ok(self.names.values().any(|name| name == resource));
        }
        let Ok(name) = LoginName::parse(user) else {
            return Ok(false);
        };
        let user = read.user_by_name(&name)?;
        Ok(user.is_some_and(|user| self.sees(&user.resources)))
    }

    pub(super) fn of(&self, ids: &[ResourceId]) -> Vec<String> {
        let mut names: Vec<String> = ids.iter().filter_map(|id| self.names.get(id).cloned()).collect();
        names.sort();
        names
    }
}

pub(super) fn user(user: &User, guard: &Guard, tokens: &[Token], names: &Names, now: Timestamp) -> UserView {
    let locked = match (&user.locked, guard.lock_at(now)) {
        (Some(why), _) => Some(format!("by an administrator: {why}")),
        (None, Some(Lock::Until(until))) => Some(format!(
            "after wrong codes, for {} more seconds",
            now.seconds_until(until)
        )),
        (None, Some(Lock::Month)) => Some("after 50 wrong codes in 30 days, until unlocked".to_owned()),
        (None, None) => None,
    };
    UserView {
        login: user.login.clone(),
        aliases: user.aliases.iter().map(ToString::to_string).collect(),
        email: user.email.clone(),
        first_name: user.profile.first_name.clone(),
        last_name: user.profile.last_name.clone(),
        password: user.password.is_some(),
        way_in: user.password.is_some() || user.email.is_some(),
        recovery_left: None,
        last_login: None,
        resources: names.of(&user.resources),
        locked,
        bypass_until: user.bypass_until.filter(|until| now < *until).map(|t| t.0),
        failures: guard.consecutive,
        tokens: tokens
            .iter()
            .filter(|t| names.sees(&t.resources))
            .map(|t| token(t, &user.login, names))
            .collect(),
    }
}

pub(super) fn token(token: &Token, login: &str, names: &Names) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        user: login.to_owned(),
        name: token.name.clone(),
        kind: "sms".to_owned(),
        phone: token.phone.masked(),
        digits: token.digits.get(),
        status: match token.status {
            Status::Active => "active",
            Status::Disabled => "disabled",
            Status::Blocked => "blocked",
        }
        .to_owned(),
        verified: token.verified,
        resources: names.of(&token.resources),
    }
}

fn without(policy: WithoutToken) -> Option<String> {
    Some(match policy {
        WithoutToken::Deny => "deny".to_owned(),
        WithoutToken::Allow => "allow".to_owned(),
    })
}

pub(super) fn resource(resource: &Resource, users: u64) -> ResourceView {
    ResourceView {
        name: resource.name.clone(),
        settings: ResourceSettings {
            name: None,
            enabled: Some(resource.enabled),
            failed_attempts: Some(resource.failed_attempts),
            tries: Some(resource.tries),
            digits: Some(resource.digits.get()),
            validity: Some(resource.validity),
            unenrolled: without(resource.unenrolled),
            disabled: without(resource.disabled),
            pam_services: Some(resource.pam_services.clone()),
            shared_phones: Some(resource.shared_phones),
            region: Some(resource.region.map_or_else(String::new, String::from)),
            self_service: None,
        },
        portal: String::new(),
        users,
    }
}

pub(super) fn client(client: &RadiusClient, resource: &str) -> ClientView {
    ClientView {
        name: client.name.clone(),
        networks: client.networks.iter().map(ToString::to_string).collect(),
        resource: resource.to_owned(),
        message_authenticator: authenticator(client.require_message_authenticator),
        first_factor: match client.first_factor {
            FirstFactor::Local => "local".to_owned(),
            FirstFactor::Stack => "stack".to_owned(),
        },
    }
}

pub(super) fn provider(provider: &Provider) -> ProviderView {
    ProviderView {
        name: provider.name.clone(),
        kind: match provider.kind {
            ProviderKind::File => "file".to_owned(),
            ProviderKind::Http => "http".to_owned(),
        },
        priority: provider.priority,
        enabled: provider.enabled,
        sender: provider.sender.clone(),
    }
}
