//! Which request needs which permission: one exhaustive match, so that no request is without one. The decision is the core's.

use otpost_core::ids::{EnrolmentId, ResourceId, TokenId};
use otpost_core::name::LoginName;
use otpost_core::portal::administrator::{Role, Scope};
use otpost_core::portal::enrolment::Enrolment;
use otpost_core::portal::permission::{Denied, Permission, Right, Target, may};
use otpost_core::resource;
use otpost_ipc::admin::AdminOp;
use otpost_store::{Read, StoreError, document};

/// Whom a request names, by the names in it.
#[derive(Debug)]
enum On<'a> {
    /// What lies in the scope.
    InScope,
    /// Everything.
    System,
    /// These resources.
    Resources(Vec<&'a str>),
    /// A person, and resources for whom the act is.
    User {
        login: &'a str,
        /// Whether the act holds wherever the person is bound.
        all: bool,
        named: Vec<&'a str>,
    },
    /// A token: all resources that it guards.
    Token(&'a str),
    /// A RADIUS client's resource, and another it is to protect.
    Client(&'a str, Option<&'a str>),
    /// An enrolment: its person and resource.
    Enrolment(&'a str),
    /// A login: its person, and the resource of its service.
    Login {
        login: &'a str,
        service: &'a str,
        channel: Option<&'a str>,
    },
}

/// What a request needs.
fn needs(op: &AdminOp) -> (Right, On<'_>) {
    use AdminOp as Op;
    let user = |login| On::User {
        login,
        all: false,
        named: Vec::new(),
    };
    let whole = |login| On::User {
        login,
        all: true,
        named: Vec::new(),
    };
    let within = |login, resource| On::User {
        login,
        all: false,
        named: vec![resource],
    };
    let one = |name| On::Resources(vec![name]);
    match op {
        Op::Status => (Right::SeeStatus, On::InScope),
        Op::UserAdd(add) => (
            Right::ManageUsers,
            On::Resources(add.resources.iter().map(String::as_str).collect()),
        ),
        Op::UserSet(set) => (Right::ManageUsers, whole(&set.user)),
        Op::UserShow { user: login } | Op::UserSessions { user: login } => (Right::SeeUsers, user(login)),
        Op::UserList { .. } | Op::UserFind { resource: None, .. } => (Right::SeeUsers, On::InScope),
        Op::UserFind {
            resource: Some(resource),
            ..
        } => (Right::SeeUsers, one(resource)),
        Op::UserRemove { user: login } | Op::UserRecovery { user: login } => {
            (Right::ManageUsers, whole(login))
        }
        Op::UserLock { user: login, .. } => (Right::LockUsers, user(login)),
        // Lifts locks and counts of every resource the person has.
        Op::UserUnlock { user: login } => (Right::LockUsers, whole(login)),
        // To end one lets nobody in.
        Op::UserBypass {
            user: login,
            seconds: 0,
        } => (Right::BypassUsers, user(login)),
        Op::UserBypass { user: login, .. } => (Right::BypassUsers, whole(login)),
        Op::UserBind { user, resource } | Op::UserUnbind { user, resource } => {
            (Right::ManageUsers, within(user, resource))
        }
        Op::UserSignOut { user: login } => (Right::SignOutUsers, user(login)),
        Op::UserOneDayCode { user: login } => (Right::OneDayCodes, whole(login)),
        Op::UserInvite { user, resource } | Op::EnrolStart { user, resource, .. } => {
            (Right::EnrolUsers, within(user, resource))
        }
        Op::EnrolFinish { enrolment, .. } | Op::EnrolStatus { enrolment } | Op::EnrolCancel { enrolment } => {
            (Right::EnrolUsers, On::Enrolment(enrolment))
        }
        // A file names whom it likes.
        Op::ImportPut { .. } | Op::ImportPlan { .. } | Op::ImportApply { .. } | Op::ImportShow { .. } => {
            (Right::ImportUsers, On::System)
        }
        Op::TokenAdd { user, resources, .. } => (
            Right::ManageTokens,
            On::User {
                login: user,
                // Without resources, it guards all that the person is bound to.
                all: resources.is_empty(),
                named: resources.iter().map(String::as_str).collect(),
            },
        ),
        Op::TokenList { user: login } => (Right::SeeTokens, user(login)),
        Op::TokenFind { resource: None, .. } => (Right::SeeTokens, On::InScope),
        Op::TokenFind {
            resource: Some(resource),
            ..
        } => (Right::SeeTokens, one(resource)),
        Op::TokenSet { token, .. } | Op::TokenRemove { token } => (Right::ManageTokens, On::Token(token)),
        Op::ResourceAdd { .. } => (Right::ManageResources, On::System),
        // Services of hosts are everybody's: a resource could take those that another guards.
        Op::ResourceSet { set, .. } if set.pam_services.is_some() => (Right::ManageResources, On::System),
        Op::ResourceSet { name, .. } | Op::ResourceRemove { name } => (Right::ManageResources, one(name)),
        Op::ResourceShow { name } => (Right::SeeResources, one(name)),
        Op::ResourceList { .. } => (Right::SeeResources, On::InScope),
        Op::RadiusClientAdd { resource, .. } => (Right::ManageClients, one(resource)),
        Op::RadiusClientSet { name, resource, .. } => {
            (Right::ManageClients, On::Client(name, resource.as_deref()))
        }
        Op::RadiusClientList { .. } => (Right::ManageClients, On::InScope),
        Op::RadiusClientRemove { name } => (Right::ManageClients, On::Client(name, None)),
        Op::RememberedList { user: login } => (Right::SeeUsers, user(login)),
        Op::RememberedRevoke { user: login, .. } => (Right::SignOutUsers, user(login)),
        Op::AccountingList { .. } => (Right::SeeUsers, On::InScope),
        // Whoever names the servers sees the passwords of all who are asked there.
        Op::SourceAdd { .. }
        | Op::SourceSet { .. }
        | Op::SourceList { .. }
        | Op::SourceRemove { .. }
        | Op::SourceTest { .. } => (Right::ManageSources, On::System),
        Op::SmsProviderAdd { .. }
        | Op::SmsProviderList
        | Op::SmsProviderSet { .. }
        | Op::SmsProviderRemove { .. }
        | Op::SmsSendTest { .. } => (Right::ManageProviders, On::System),
        Op::SmsPolicyShow | Op::SmsPolicySet(_) => (Right::ManagePolicy, On::System),
        Op::SmsMessages { .. } => (Right::SeeTexts, On::InScope),
        Op::LoginExplain {
            user,
            service,
            channel,
            ..
        } => (
            Right::Explain,
            On::Login {
                login: user,
                service,
                channel: channel.as_deref(),
            },
        ),
        Op::AuditTail { .. } | Op::AuditFind { .. } => (Right::SeeAudit, On::InScope),
        Op::AuditVerify => (Right::VerifyAudit, On::System),
        Op::AdminAdd { .. }
        | Op::AdminSet(_)
        | Op::AdminReset { .. }
        | Op::AdminList
        | Op::AdminRemove { .. }
        | Op::SetupLink => (Right::ManageAdministrators, On::System),
        Op::ApiKeyAdd { .. } | Op::ApiKeyList | Op::ApiKeyRemove { .. } => (Right::ManageKeys, On::System),
        Op::MailShow | Op::MailSet(_) | Op::MailTest { .. } | Op::PortalShow | Op::PortalSet(_) => {
            (Right::ManageSettings, On::System)
        }
        Op::Overview { resource: None, .. } => (Right::SeeFigures, On::System),
        Op::Overview {
            resource: Some(resource),
            ..
        } => (Right::SeeFigures, one(resource)),
    }
}

/// Decides whether who has `role` and `scope` may ask for `op`.
///
/// # Errors
/// The outer one is the store's; the inner one says why not.
pub(crate) fn authorise(
    read: &mut dyn Read,
    (role, scope): (Role, &Scope),
    op: &AdminOp,
) -> Result<Result<(), Denied>, StoreError> {
    let (right, on) = needs(op);
    // Nothing is looked up for who may not ask anyway, or may ask for everything.
    let target = if role < right.least() || *scope == Scope::All {
        Target::System
    } else {
        target(read, on)?
    };
    Ok(may(role, scope, &Permission { right, target }))
}

fn target(read: &mut dyn Read, on: On<'_>) -> Result<Target, StoreError> {
    Ok(match on {
        On::InScope => Target::InScope,
        On::System => Target::System,
        On::Resources(names) => resources(read, &names)?.map_or(Target::Missing, Target::Resources),
        On::User { login, all, named } => match resources(read, &named)? {
            Some(named) => user(read, login, (all, named))?,
            None => Target::Missing,
        },
        On::Token(id) => token(read, id)?,
        On::Client(name, other) => {
            let other: Vec<&str> = other.into_iter().collect();
            match (read.client(name)?, resources(read, &other)?) {
                (Some(client), Some(mut all)) => {
                    all.push(client.resource);
                    Target::Resources(all)
                }
                _ => Target::Missing,
            }
        }
        On::Enrolment(id) => {
            let Ok(EnrolmentId(id)) = id.parse() else {
                return Ok(Target::Missing);
            };
            match document::get::<Enrolment>(read, &id)? {
                Some(enrolment) => match read.user(enrolment.user)? {
                    Some(user) => Target::User {
                        bound: user.resources,
                        all: false,
                        named: vec![enrolment.resource],
                    },
                    None => Target::Missing,
                },
                None => Target::Missing,
            }
        }
        On::Login {
            login,
            service,
            channel,
        } => match guarding(read, service, channel)? {
            Some(resource) => user(read, login, (false, vec![resource]))?,
            None => Target::Missing,
        },
    })
}

/// The resources of these names; `None` where one does not exist.
fn resources(read: &mut dyn Read, names: &[&str]) -> Result<Option<Vec<ResourceId>>, StoreError> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match read.resource_by_key(&resource::key(name))? {
            Some(resource) => ids.push(resource.id),
            None => return Ok(None),
        }
    }
    Ok(Some(ids))
}

fn user(
    read: &mut dyn Read,
    login: &str,
    (all, named): (bool, Vec<ResourceId>),
) -> Result<Target, StoreError> {
    let Ok(name) = LoginName::parse(login) else {
        return Ok(Target::Missing);
    };
    Ok(match read.user_by_name(&name)? {
        Some(user) => Target::User {
            bound: user.resources,
            all,
            named,
        },
        None => Target::Missing,
    })
}

/// What a token guards, all of which an act on it reaches.
fn token(read: &mut dyn Read, id: &str) -> Result<Target, StoreError> {
    let Ok(id) = id.parse::<TokenId>() else {
        return Ok(Target::Missing);
    };
    let guards = match read.token(id)? {
        Some(token) => Some(token.resources),
        None => document::get::<otpost_core::portal::factors::TotpToken>(read, &id.0)?
            // An administrator's app is no token of a person.
            .filter(|app| matches!(app.owner, otpost_core::portal::verification::Owner::User(_)))
            .map(|app| app.resources),
    };
    Ok(guards.map_or(Target::Missing, |guards| Target::User {
        bound: guards,
        all: true,
        named: Vec::new(),
    }))
}

/// The resource of a RADIUS client or PAM service, as the explanation will choose it.
fn guarding(
    read: &mut dyn Read,
    service: &str,
    channel: Option<&str>,
) -> Result<Option<ResourceId>, StoreError> {
    let client = match channel {
        Some("pam") => None,
        _ => read.client(service)?,
    };
    if let Some(client) = client {
        return Ok(Some(client.resource));
    }
    if channel == Some("radius") {
        return Ok(None);
    }
    Ok(read.resource_of_service(service)?.map(|resource| resource.id))
}

#[cfg(test)]
mod tests;
