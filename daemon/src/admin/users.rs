//! Users.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::access;
use otpost_core::ids::{MailId, UserId};
use otpost_core::limits::Guard;
use otpost_core::name::LoginName;
use otpost_core::user::{PasswordHash, Profile, User};
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminReply, UserAdd, UserSet};
use otpost_store::{Read, StoreError};
use zeroize::Zeroizing;

use super::page::Page;
use super::view::{self, Beside, Names};
use super::{Act, AdminError, done, find_resource, find_user, people, read, remembered, write};
use crate::login;
use crate::portal::session;
use crate::portal::site::by_mail;
use crate::state::Daemon;

/// Longest bypass (domain decision 3).
const LONGEST_BYPASS: u32 = 72 * 3600;

/// Most aliases of a user: a user must fit an answer.
const ALIASES: usize = 100;

/// A hash of `password`, after checking its length.
async fn hashed(daemon: &Daemon, password: Option<Secret>) -> Result<Option<PasswordHash>, AdminError> {
    let Some(password) = password else { return Ok(None) };
    let length = password.expose().chars().count();
    if !(6..=128).contains(&length) {
        return Err(AdminError::Invalid(format!(
            "a password has 6 to 128 characters, not {length}"
        )));
    }
    let password = Zeroizing::new(password.expose().to_owned());
    let hash = daemon
        .passwords
        .hash(password, daemon.rng())
        .await
        .map_err(|e| AdminError::Refused(e.to_string()))?;
    Ok(Some(PasswordHash(hash)))
}

fn email(text: &str) -> Result<Option<String>, AdminError> {
    otpost_core::user::email(text).map_err(AdminError::invalid)
}

fn person_name(raw: &str) -> Result<String, AdminError> {
    otpost_core::user::person_name(raw).map_err(AdminError::invalid)
}

fn aliases(raw: &[String], name: &LoginName) -> Result<Vec<LoginName>, AdminError> {
    if raw.len() > ALIASES {
        return Err(AdminError::Invalid(format!(
            "a user has at most {ALIASES} aliases, not {}",
            raw.len()
        )));
    }
    let mut aliases: Vec<LoginName> = Vec::new();
    for raw in raw {
        let alias = LoginName::parse(raw).map_err(AdminError::invalid)?;
        if alias == *name {
            return Err(AdminError::Invalid(format!(
                "the alias `{raw}` is the login itself"
            )));
        }
        if !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    Ok(aliases)
}

/// Most groups of a user.
const GROUPS: usize = 64;

fn groups(raw: &[String]) -> Result<Vec<String>, AdminError> {
    if raw.len() > GROUPS {
        return Err(AdminError::Invalid(format!(
            "a user is in at most {GROUPS} groups, not {}",
            raw.len()
        )));
    }
    let mut groups: Vec<String> = Vec::new();
    for group in raw.iter().map(|group| group.trim()) {
        access::check_group(group).map_err(AdminError::invalid)?;
        if !groups.iter().any(|known| access::same_group(known, group)) {
            groups.push(group.to_owned());
        }
    }
    Ok(groups)
}

fn shown(read: &mut dyn Read, user: &User, act: &Act) -> Result<AdminReply, AdminError> {
    let names = Names::load(read, &act.scope)?;
    let by_mail = by_mail(read)?;
    let beside = Beside::load(read, user, by_mail)?;
    Ok(AdminReply::User(view::user(user, &beside, &names, act.now)))
}

pub(super) async fn add(daemon: &Arc<Daemon>, act: Act, add: UserAdd) -> Result<AdminReply, AdminError> {
    let name = LoginName::parse(&add.login).map_err(AdminError::invalid)?;
    let (first_name, last_name) = (person_name(&add.first_name)?, person_name(&add.last_name)?);
    let password = hashed(daemon, add.password).await?;
    let user = User {
        id: UserId::random(&mut daemon.rng()),
        login: name.to_string(),
        aliases: aliases(&add.aliases, &name)?,
        name,
        email: email(add.email.as_deref().unwrap_or_default())?,
        profile: Profile {
            first_name,
            last_name,
            password_set: password.is_some().then_some(act.now),
            groups: groups(&add.groups)?,
            ..Profile::default()
        },
        password,
        locked: None,
        bypass_until: None,
        resources: Vec::new(),
        created: act.now,
    };
    let wanted = add.resources;
    write(daemon, move |tx| {
        let mut user = user.clone();
        for name in &wanted {
            user.bind(find_resource(tx, name)?.id, act.now);
        }
        tx.put_user(&user)?;
        act.record(tx, "user-add", &user.login, "")?;
        shown(tx, &user, &act)
    })
    .await
}

pub(super) async fn set(daemon: &Arc<Daemon>, act: Act, set: UserSet) -> Result<AdminReply, AdminError> {
    let password = hashed(daemon, set.password).await?;
    let new_email = set.email.as_deref().map(email).transpose()?;
    let first_name = set.first_name.as_deref().map(person_name).transpose()?;
    let last_name = set.last_name.as_deref().map(person_name).transpose()?;
    let mail = MailId::random(&mut daemon.rng());
    let reply = write(daemon, move |tx| {
        let mut user = find_user(tx, &set.user)?;
        let before = user.clone();
        if let Some(password) = &password {
            user.password = Some(password.clone());
            user.profile.password_set = Some(act.now);
            // Whoever signed in with the old one does not stay, nor comes in by a login that it began.
            session::end_of(tx, user.id, None, None)?;
            login::end_waiting(tx, user.id, act.now)?;
        }
        if let Some(name) = &first_name {
            user.profile.first_name.clone_from(name);
        }
        if let Some(name) = &last_name {
            user.profile.last_name.clone_from(name);
        }
        if let Some(raw) = &set.groups {
            user.profile.groups = groups(raw)?;
        }
        if let Some(email) = &new_email {
            user.email.clone_from(email);
        }
        if let Some(raw) = &set.aliases {
            user.aliases = aliases(raw, &user.name)?;
        }
        tx.put_user(&user)?;
        people::moved(tx, &before, user.email.as_deref(), (mail, &act))?;
        act.record(tx, "user-set", &user.login, "")?;
        shown(tx, &user, &act)
    })
    .await?;
    daemon.postman.wake();
    Ok(reply)
}

pub(super) async fn show(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let user = find_user(read, &user)?;
        shown(read, &user, &act)
    })
    .await
}

/// Users of the scope after a name, one more than `limit` where there are as many.
fn seen(
    read: &mut dyn Read,
    names: &Names,
    (after, search): (Option<&LoginName>, &str),
    limit: u32,
) -> Result<Vec<User>, StoreError> {
    let wanted = limit.saturating_add(1);
    let enough = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut seen = Vec::new();
    let mut after = after.cloned();
    loop {
        let page = read.users(after.as_ref(), search, wanted)?;
        let last = page.len() < enough;
        after = page.last().map(|user| user.name.clone());
        seen.extend(page.into_iter().filter(|user| names.sees(&user.resources)));
        if last || seen.len() >= enough {
            return Ok(seen);
        }
    }
}

pub(super) async fn list(
    daemon: &Arc<Daemon>,
    act: &Act,
    search: String,
    after: Option<String>,
    limit: u32,
) -> Result<AdminReply, AdminError> {
    let limit = limit.clamp(1, 200);
    let now = daemon.now();
    let after = after
        .map(|a| LoginName::parse(&a))
        .transpose()
        .map_err(AdminError::invalid)?;
    let scope = act.scope.clone();
    read(daemon, move |read| {
        let names = Names::load(read, &scope)?;
        let by_mail = by_mail(read)?;
        let mut users = seen(read, &names, (after.as_ref(), &search.to_lowercase()), limit)?;
        let mut more = users.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        users.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let mut page = Page::default();
        for user in &users {
            let beside = Beside::brief(read, user, by_mail)?;
            if !page.push(view::user(user, &beside, &names, now)) {
                more = true;
                break;
            }
        }
        let users = page.rows();
        Ok(AdminReply::Users {
            users,
            more,
            after: None,
        })
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let user = find_user(tx, &user)?;
        tx.delete_user(user.id)?;
        act.record(tx, "user-remove", &user.login, "")?;
        Ok(done(format!(
            "user {} is removed with tokens and logins",
            user.login
        )))
    })
    .await
}

pub(super) async fn lock(
    daemon: &Arc<Daemon>,
    act: Act,
    user: String,
    why: String,
) -> Result<AdminReply, AdminError> {
    let why: String = why.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    let why = if why.is_empty() {
        "no reason given".to_owned()
    } else {
        why
    };
    let (id, reply) = write(daemon, move |tx| {
        let mut user = find_user(tx, &user)?;
        user.locked = Some(why.clone());
        tx.put_user(&user)?;
        // They would hold again once the lock is lifted.
        session::end_of(tx, user.id, None, None)?;
        remembered::forget(tx, user.id)?;
        act.record_detail(tx, "user-lock", (&user.login, ""), why.clone())?;
        let reply = done(format!("user {} is locked on every channel", user.login));
        Ok((user.id, reply))
    })
    .await?;
    daemon.stats.note_locked(id);
    Ok(reply)
}

pub(super) async fn unlock(daemon: &Arc<Daemon>, act: Act, user: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let mut user = find_user(tx, &user)?;
        user.locked = None;
        tx.put_user(&user)?;
        tx.put_guard(user.id, &Guard::default())?;
        act.record(tx, "user-unlock", &user.login, "")?;
        Ok(done(format!("user {} is not locked", user.login)))
    })
    .await
}

pub(super) async fn bypass(
    daemon: &Arc<Daemon>,
    act: Act,
    user: String,
    seconds: u32,
) -> Result<AdminReply, AdminError> {
    if seconds > LONGEST_BYPASS {
        return Err(AdminError::Invalid("a bypass lasts at most 72 hours".to_owned()));
    }
    write(daemon, move |tx| {
        let mut user = find_user(tx, &user)?;
        user.bypass_until = (seconds > 0).then(|| act.now.plus(Duration::from_secs(u64::from(seconds))));
        tx.put_user(&user)?;
        act.record_detail(tx, "user-bypass", (&user.login, ""), format!("{seconds} s"))?;
        Ok(done(if seconds > 0 {
            format!("user {} gets in without a code for {seconds} s", user.login)
        } else {
            format!("user {} needs a code again", user.login)
        }))
    })
    .await
}

pub(super) async fn bind(
    daemon: &Arc<Daemon>,
    act: Act,
    user: String,
    resource: String,
    bound: bool,
) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let mut user = find_user(tx, &user)?;
        let resource = find_resource(tx, &resource)?;
        if bound {
            user.bind(resource.id, act.now);
        } else {
            user.unbind(resource.id);
            session::end_of(tx, user.id, Some(resource.id), None)?;
        }
        tx.put_user(&user)?;
        act.record(
            tx,
            if bound { "user-bind" } else { "user-unbind" },
            &user.login,
            &resource.name,
        )?;
        let verb = if bound {
            "is bound to"
        } else {
            "is no longer bound to"
        };
        Ok(done(format!("user {} {verb} {}", user.login, resource.name)))
    })
    .await
}
