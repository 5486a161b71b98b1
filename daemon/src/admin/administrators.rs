//! Administrators. The last owner stays; whoever is locked, reset or removed has no session from that moment on.

use std::collections::BTreeSet;
use std::sync::Arc;

use otpost_core::ids::{AdminId, MailId, UserId};
use otpost_core::limits::Guard;
use otpost_core::mail::queue::{MailState, Matter, QueuedMail};
use otpost_core::mail::{Address, By, Context, Lang};
use otpost_core::name::LoginName;
use otpost_core::portal::administrator::{Administrator, Role, Scope, SetupLink};
use otpost_core::portal::permission::may_give;
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminReply, AdminSet, AdminView};
use otpost_store::{Read, StoreError, Tx, document};

use super::page::Page;
use super::view::Names;
use super::{Act, AdminError, done, find_resource, read, write};
use crate::console::setup::{self, NewLink};
use crate::console::{administrators, by_login, end_sessions};
use crate::postman;
use crate::state::Daemon;
use crate::sys::Draw;

/// Most administrators, so that a list fits an answer.
const MOST: usize = 200;
/// Most resources that a scope names, for the same reason.
const SCOPE: usize = 100;
/// Longest name in words, in characters.
const SHOWN: usize = 64;

/// An administrator to invite.
pub(super) struct Wanted {
    pub(super) login: String,
    pub(super) shown: String,
    pub(super) email: Option<String>,
    pub(super) role: String,
    pub(super) resources: Vec<String>,
}

/// The scope of these resources; all where none is named. An owner has no limits.
pub(super) fn scope(read: &mut dyn Read, role: Role, names: &[String]) -> Result<Scope, AdminError> {
    if names.is_empty() {
        return Ok(Scope::All);
    }
    if role == Role::Owner {
        return Err(AdminError::Invalid(
            "an owner is not limited to resources; name none, or choose the role admin".to_owned(),
        ));
    }
    if names.len() > SCOPE {
        return Err(AdminError::Invalid(format!(
            "at most {SCOPE} resources can be named; name none for all of them"
        )));
    }
    let mut resources = BTreeSet::new();
    for name in names {
        resources.insert(find_resource(read, name)?.id);
    }
    Ok(Scope::Resources(resources))
}

/// Names of the resources of a scope.
pub(super) fn scope_names(scope: &Scope, names: &Names) -> Vec<String> {
    match scope {
        Scope::All => Vec::new(),
        Scope::Resources(ids) => names.of(&ids.iter().copied().collect::<Vec<_>>()),
    }
}

/// Nobody gives more than they have.
pub(super) fn given(act: &Act, role: Role, scope: &Scope) -> Result<(), AdminError> {
    if may_give((act.role, &act.scope), (role, scope)) {
        Ok(())
    } else {
        Err(AdminError::Forbidden(
            "this is more than you may do yourself; ask an owner".to_owned(),
        ))
    }
}

fn shown(raw: &str) -> Result<String, AdminError> {
    let shown = raw.trim();
    if shown.chars().count() > SHOWN || shown.chars().any(char::is_control) {
        return Err(AdminError::Invalid(format!(
            "a name has at most {SHOWN} characters and no control characters"
        )));
    }
    Ok(shown.to_owned())
}

fn email(raw: &str) -> Result<Option<String>, AdminError> {
    if raw.trim().is_empty() {
        return Ok(None);
    }
    let address = Address::parse(raw).map_err(AdminError::invalid)?;
    Ok(Some(address.to_string()))
}

fn find(read: &mut dyn Read, login: &str) -> Result<Administrator, AdminError> {
    by_login(read, login)?.ok_or_else(|| AdminError::NotFound(format!("there is no administrator `{login}`")))
}

/// Refuses a change that would leave nobody who can administer administrators.
fn keeps_an_owner(read: &mut dyn Read, without: AdminId) -> Result<(), AdminError> {
    if administrators(read)?.iter().any(|a| a.id != without && a.rules()) {
        return Ok(());
    }
    Err(AdminError::Conflict(
        "this is the last owner; make another administrator an owner first".to_owned(),
    ))
}

fn view(admin: &Administrator, names: &Names) -> AdminView {
    AdminView {
        login: admin.name.to_string(),
        shown: admin.shown.clone(),
        email: admin.email.clone(),
        role: admin.role.as_str().to_owned(),
        resources: scope_names(&admin.scope, names),
        locked: admin.locked,
        pending: admin.password.is_none(),
        seen: admin.seen.map(|seen| seen.0),
    }
}

pub(super) async fn add(daemon: &Arc<Daemon>, act: Act, wanted: Wanted) -> Result<AdminReply, AdminError> {
    let name = LoginName::parse(wanted.login.trim()).map_err(AdminError::invalid)?;
    let role: Role = wanted.role.parse().map_err(AdminError::invalid)?;
    let shown = shown(&wanted.shown)?;
    let email = email(wanted.email.as_deref().unwrap_or_default())?;
    let mut rng = daemon.rng();
    let id = AdminId::random(&mut rng);
    let (link, mailed) = write(daemon, move |tx| {
        let all = administrators(tx)?;
        if all.len() >= MOST {
            return Err(AdminError::Conflict(format!(
                "there are {MOST} administrators already"
            )));
        }
        if all.iter().any(|other| other.name == name) {
            return Err(AdminError::Conflict(format!(
                "there is an administrator `{name}` already"
            )));
        }
        if all.is_empty() && role != Role::Owner {
            return Err(AdminError::Conflict(
                "the first administrator is an owner".to_owned(),
            ));
        }
        let scope = scope(tx, role, &wanted.resources)?;
        given(&act, role, &scope)?;
        let admin = Administrator {
            id,
            name: name.clone(),
            shown: shown.clone(),
            email: email.clone(),
            password: None,
            role,
            scope,
            locked: false,
            guard: Guard::default(),
            seen: None,
            created: act.now,
        };
        document::put(tx, &admin)?;
        // The link of the first run has nobody left to make.
        document::delete::<SetupLink>(tx, &[0; 16])?;
        record(tx, &act, "administrator-add", &admin)?;
        invite(tx, &mut rng, &act, &admin)
    })
    .await?;
    daemon.postman.wake();
    Ok(reply(&link, mailed))
}

/// A fresh link, mailed where there is an address and mail is on.
fn invite(
    tx: &mut dyn Tx,
    rng: &mut Draw,
    act: &Act,
    admin: &Administrator,
) -> Result<(NewLink, bool), AdminError> {
    let link = setup::make(tx, rng, Some(admin.id), act.now)?;
    let Some(to) = admin.email.as_deref().and_then(|raw| Address::parse(raw).ok()) else {
        return Ok((link, false));
    };
    let mail = QueuedMail {
        id: MailId::random(rng),
        owner: admin.id.0,
        to,
        lang: Lang::default(),
        context: Context {
            service: "otpost".to_owned(),
            login: admin.name.to_string(),
            at: act.now,
            by: By::Administrator,
        },
        matter: Matter::Invitation {
            link: link.address.clone(),
            until: link.until,
        },
        state: MailState::Waiting,
        next: act.now,
        deadline: link.until,
        tries: 0,
        trouble: String::new(),
        reference: act.reference.clone(),
        created: act.now,
    };
    let mailed = postman::queue(tx, &mail)?;
    Ok((link, mailed))
}

fn reply(link: &NewLink, mailed: bool) -> AdminReply {
    AdminReply::AdminLink {
        link: Secret::from(link.address.as_str()),
        until: link.until.0,
        mailed,
    }
}

fn record(tx: &mut dyn Tx, act: &Act, kind: &str, admin: &Administrator) -> Result<(), StoreError> {
    let detail = format!("{} ({})", admin.name, admin.role.as_str());
    act.record_detail(tx, kind, ("", ""), detail)
}

pub(super) async fn set(daemon: &Arc<Daemon>, act: Act, set: AdminSet) -> Result<AdminReply, AdminError> {
    let role = set
        .role
        .as_deref()
        .map(str::parse::<Role>)
        .transpose()
        .map_err(AdminError::invalid)?;
    let shown = set.shown.as_deref().map(shown).transpose()?;
    let email = set.email.as_deref().map(email).transpose()?;
    write(daemon, move |tx| {
        let before = find(tx, &set.login)?;
        let mut admin = before.clone();
        admin.role = role.unwrap_or(admin.role);
        admin.locked = set.locked.unwrap_or(admin.locked);
        if let Some(shown) = &shown {
            admin.shown.clone_from(shown);
        }
        if let Some(email) = &email {
            admin.email.clone_from(email);
        }
        if let Some(resources) = &set.resources {
            admin.scope = scope(tx, admin.role, resources)?;
        } else if admin.role == Role::Owner {
            admin.scope = Scope::All;
        }
        given(&act, admin.role, &admin.scope)?;
        if before.rules() && !admin.rules() {
            keeps_an_owner(tx, admin.id)?;
        }
        if admin.locked {
            end_sessions(tx, admin.id)?;
        } else if before.locked {
            // Who is let in again begins without old failures.
            admin.guard = Guard::default();
        }
        document::put(tx, &admin)?;
        let kind = match (before.locked, admin.locked) {
            (false, true) => "administrator-lock",
            (true, false) => "administrator-unlock",
            _ => "administrator-set",
        };
        record(tx, &act, kind, &admin)?;
        let names = Names::load(tx, &Scope::All)?;
        Ok(AdminReply::Admin(view(&admin, &names)))
    })
    .await
}

pub(super) async fn reset(daemon: &Arc<Daemon>, act: Act, login: String) -> Result<AdminReply, AdminError> {
    let mut rng = daemon.rng();
    let (link, mailed) = write(daemon, move |tx| {
        let before = find(tx, &login)?;
        if before.locked {
            return Err(AdminError::Conflict(format!(
                "the administrator {} is locked; unlock first",
                before.name
            )));
        }
        let admin = Administrator {
            password: None,
            guard: Guard::default(),
            ..before
        };
        end_sessions(tx, admin.id)?;
        setup::clear_factors(tx, admin.id)?;
        document::put(tx, &admin)?;
        record(tx, &act, "administrator-reset", &admin)?;
        invite(tx, &mut rng, &act, &admin)
    })
    .await?;
    daemon.postman.wake();
    Ok(reply(&link, mailed))
}

pub(super) async fn list(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    read(daemon, |read| {
        let names = Names::load(read, &Scope::All)?;
        let all = administrators(read)?;
        let (admins, _) = Page::of(all.iter().map(|admin| view(admin, &names)));
        Ok(AdminReply::Admins { admins })
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, login: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let admin = find(tx, &login)?;
        if admin.rules() {
            keeps_an_owner(tx, admin.id)?;
        }
        // Sessions, factors, links, mails and known networks hang on the id, as a user's do.
        tx.delete_user(UserId(admin.id.0))?;
        document::delete::<Administrator>(tx, &admin.id.0)?;
        record(tx, &act, "administrator-remove", &admin)?;
        Ok(done(format!("administrator {} is removed", admin.name)))
    })
    .await
}

pub(super) async fn setup_link(daemon: &Arc<Daemon>, act: Act) -> Result<AdminReply, AdminError> {
    let mut rng = daemon.rng();
    let link = write(daemon, move |tx| {
        if !administrators(tx)?.is_empty() {
            return Err(AdminError::Conflict(
                "there is an administrator already; for a new link of one: otpostctl admin reset LOGIN"
                    .to_owned(),
            ));
        }
        act.record_detail(tx, "setup-link", ("", ""), String::new())?;
        Ok(setup::make(tx, &mut rng, None, act.now)?)
    })
    .await?;
    Ok(reply(&link, false))
}
