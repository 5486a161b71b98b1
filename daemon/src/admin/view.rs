//! Domain rows as administrators see them. Never a secret, a hash or a full number.

use std::collections::HashMap;

use otpost_core::Timestamp;
use otpost_core::client::RadiusClient;
use otpost_core::ids::ResourceId;
use otpost_core::limits::Guard;
use otpost_core::limits::Lock;
use otpost_core::name::LoginName;
use otpost_core::portal::administrator::Scope;
use otpost_core::portal::factors::{Factors, RecoverySet, TotpToken};
use otpost_core::portal::settings::{Action, FirstEnrolment, Kind, OtpLength, SelfService};
use otpost_core::portal::site::Site;
use otpost_core::provider::{Provider, ProviderKind};
use otpost_core::resource::{Resource, WithoutToken};
use otpost_core::token::{Status, Token};
use otpost_core::user::User;
use otpost_ipc::admin::{
    ClientView, ProviderView, ResourceSettings, ResourceView, SelfServiceSettings, TokenView, UserView,
};
use otpost_store::{Read, StoreError, document};

use super::{access, client_settings};
use crate::ipc::authenticator;
use crate::portal::factors;

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

    /// Whether some of these resources are not.
    fn beyond(&self, ids: &[ResourceId]) -> bool {
        !self.all && ids.iter().any(|id| !self.names.contains_key(id))
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

/// What a user's view is made of besides the user.
pub(super) struct Beside {
    guard: Guard,
    factors: Factors,
    /// Recovery codes for all portals.
    recovery: Vec<RecoverySet>,
    last: Option<Timestamp>,
    /// Whether codes by e-mail let people sign in.
    by_mail: bool,
}

impl Beside {
    pub(super) fn load(read: &mut dyn Read, user: &User, by_mail: bool) -> Result<Self, StoreError> {
        Ok(Self {
            guard: read.guard(user.id)?,
            factors: factors::load(read, user.id)?,
            recovery: document::of(read, &user.id.0)?,
            last: read.last_success(user.id)?,
            by_mail,
        })
    }

    /// As [`Beside::load`], without tokens.
    pub(super) fn brief(read: &mut dyn Read, user: &User, by_mail: bool) -> Result<Self, StoreError> {
        Ok(Self {
            guard: read.guard(user.id)?,
            factors: Factors::default(),
            recovery: document::of(read, &user.id.0)?,
            last: read.last_success(user.id)?,
            by_mail,
        })
    }
}

/// Whether the user can sign in to a portal.
pub(super) fn way_in(user: &User, by_mail: bool) -> bool {
    user.password.is_some() || (by_mail && user.email.is_some())
}

pub(super) fn user(user: &User, beside: &Beside, names: &Names, now: Timestamp) -> UserView {
    let guard = &beside.guard;
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
        groups: user.profile.groups.clone(),
        email: user.email.clone(),
        first_name: user.profile.first_name.clone(),
        last_name: user.profile.last_name.clone(),
        password: user.password.is_some(),
        way_in: way_in(user, beside.by_mail),
        recovery_left: recovery_left(&beside.recovery, names),
        last_login: beside.last.map(|at| at.0),
        resources: names.of(&user.resources),
        beyond: names.beyond(&user.resources),
        locked,
        bypass_until: user.bypass_until.filter(|until| now < *until).map(|t| t.0),
        failures: guard.consecutive,
        tokens: tokens(&beside.factors, &user.login, names),
    }
}

/// Recovery codes that are left for the portals that are seen; `None` where none were made for them.
fn recovery_left(all: &[RecoverySet], names: &Names) -> Option<u32> {
    let mut seen = all.iter().filter(|own| names.sees(&own.resources)).peekable();
    seen.peek()?;
    let left: usize = seen.map(|own| own.set.left()).sum();
    Some(u32::try_from(left).unwrap_or(u32::MAX))
}

pub(super) fn token(token: &Token, login: &str, names: &Names) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        user: login.to_owned(),
        name: token.name.clone(),
        kind: Kind::Sms.as_str().to_owned(),
        phone: token.phone.masked(),
        digits: token.digits.get(),
        status: status(token.status).to_owned(),
        verified: token.verified,
        resources: names.of(&token.resources),
        beyond: names.beyond(&token.resources),
    }
}

/// An authenticator app as a token. It gave a right code before it was kept.
pub(super) fn totp(token: &TotpToken, login: &str, names: &Names) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        user: login.to_owned(),
        name: token.name.clone(),
        kind: Kind::Totp.as_str().to_owned(),
        phone: String::new(),
        digits: token.digits(),
        status: status(token.status).to_owned(),
        verified: true,
        resources: names.of(&token.resources),
        beyond: names.beyond(&token.resources),
    }
}

/// Tokens of all kinds that are seen, oldest first.
pub(super) fn tokens(factors: &Factors, login: &str, names: &Names) -> Vec<TokenView> {
    let sms = factors.sms.iter().filter(|t| names.sees(&t.resources));
    let sms = sms.map(|t| ((t.created, t.id), token(t, login, names)));
    let apps = factors.totp.iter().filter(|t| names.sees(&t.resources));
    let apps = apps.map(|t| ((t.created, t.id), totp(t, login, names)));
    let mut all: Vec<_> = sms.chain(apps).collect();
    all.sort_by_key(|(age, _)| *age);
    all.into_iter().map(|(_, view)| view).collect()
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
        Status::Blocked => "blocked",
    }
}

fn without(policy: WithoutToken) -> Option<String> {
    Some(match policy {
        WithoutToken::Deny => "deny".to_owned(),
        WithoutToken::Allow => "allow".to_owned(),
    })
}

fn self_service(own: &SelfService) -> SelfServiceSettings {
    let actions = Action::TOKEN.into_iter().chain(Action::USER);
    let allowed = actions.filter(|action| own.actions.contains(action));
    let offered = Kind::ALL.into_iter().filter(|kind| own.kinds.contains(kind));
    SelfServiceSettings {
        address: Some(own.address.as_ref().map_or_else(String::new, ToString::to_string)),
        actions: Some(allowed.map(|action| action.as_str().to_owned()).collect()),
        kinds: Some(offered.map(|kind| kind.as_str().to_owned()).collect()),
        otp_length: Some(match own.otp_length {
            OtpLength::Choice => "choice".to_owned(),
            OtpLength::Fixed(digits) => digits.get().to_string(),
        }),
        two_steps: Some(own.two_steps),
        first_enrolment: Some(
            match own.first_enrolment {
                FirstEnrolment::Password => "password",
                FirstEnrolment::Invite => "invite",
            }
            .to_owned(),
        ),
        enrol_days: Some(own.enrol_days.unwrap_or_default()),
        title: Some(own.title.clone()),
        accent: Some(own.accent.clone()),
        hint: Some(own.hint.clone()),
    }
}

/// Full address of a resource's portal; nothing while it is off, or nobody has said where the portal is.
pub(super) fn portal(resource: &Resource, site: &Site) -> Option<String> {
    let address = resource
        .self_service
        .address
        .as_ref()
        .filter(|_| resource.enabled)?;
    site.portal_page(&format!("/s/{address}"))
}

pub(super) fn resource(resource: &Resource, users: u64, site: &Site) -> ResourceView {
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
            self_service: Some(self_service(&resource.self_service)),
            access: Some(access::shown(&resource.access)),
        },
        portal: portal(resource, site).unwrap_or_default(),
        users,
    }
}

pub(super) fn client(client: &RadiusClient, resource: &str) -> ClientView {
    ClientView {
        name: client.name.clone(),
        networks: client.networks.iter().map(ToString::to_string).collect(),
        resource: resource.to_owned(),
        message_authenticator: authenticator(client.message_authenticator),
        first_factor: client.first_factor.to_string(),
        signed: client.signed.map(|at| at.0),
        unsigned: client.unsigned.map(|at| at.0),
        set: client_settings::shown(&client.settings),
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
