//! Resources.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use otpost_core::code::Digits;
use otpost_core::ids::ResourceId;
use otpost_core::portal::settings::{Action, Address, BadWord, FirstEnrolment, Kind, OtpLength, SelfService};
use otpost_core::resource::{self, Resource, WithoutToken};
use otpost_ipc::admin::{AdminReply, ResourceSettings, SelfServiceSettings};
use otpost_radius_wire::dictionary::Dictionary;
use otpost_store::Read;

use super::access;
use super::page::Page;
use super::{Act, AdminError, done, find_resource, read, view, write};
use crate::console::setup::site;
use crate::portal::session;
use crate::state::Daemon;

/// The word for all actions or kinds.
const ALL: &str = "all";

fn policy(text: &str, field: &str) -> Result<WithoutToken, AdminError> {
    match text {
        "deny" => Ok(WithoutToken::Deny),
        "allow" => Ok(WithoutToken::Allow),
        _ => Err(AdminError::Invalid(format!(
            "{field} is deny or allow, not `{text}`"
        ))),
    }
}

/// `resource` with the settings that are there, checked.
fn changed(
    mut resource: Resource,
    set: &ResourceSettings,
    dictionary: &Dictionary,
) -> Result<Resource, AdminError> {
    if let Some(name) = &set.name {
        name.trim().clone_into(&mut resource.name);
    }
    if let Some(enabled) = set.enabled {
        resource.enabled = enabled;
    }
    if let Some(attempts) = set.failed_attempts {
        resource.failed_attempts = attempts;
    }
    if let Some(tries) = set.tries {
        resource.tries = tries;
    }
    if let Some(digits) = set.digits {
        resource.digits = Digits::try_from(digits).map_err(AdminError::invalid)?;
    }
    if let Some(validity) = set.validity {
        resource.validity = validity;
    }
    if let Some(text) = &set.unenrolled {
        resource.unenrolled = policy(text, "unenrolled")?;
    }
    if let Some(text) = &set.disabled {
        resource.disabled = policy(text, "disabled")?;
    }
    if let Some(services) = &set.pam_services {
        resource.pam_services.clone_from(services);
        resource.pam_services.sort();
        resource.pam_services.dedup();
    }
    if let Some(shared) = set.shared_phones {
        resource.shared_phones = shared;
    }
    if let Some(region) = &set.region {
        resource.region = if region.is_empty() {
            None
        } else {
            Some(region.parse().map_err(AdminError::invalid)?)
        };
    }
    if let Some(set) = &set.self_service {
        resource.self_service = self_service(resource.self_service, set)?;
    }
    if let Some(set) = &set.access {
        resource.access = access::changed(resource.access, set, dictionary)?;
    }
    resource.check().map_err(AdminError::invalid)?;
    Ok(resource)
}

/// What these words name; `all` is all of it.
fn words<T: Ord + FromStr<Err = BadWord>>(
    raw: &[String],
    all: impl Iterator<Item = T>,
    field: &str,
    examples: &str,
) -> Result<BTreeSet<T>, AdminError> {
    if raw.iter().any(|word| word == ALL) {
        return Ok(all.collect());
    }
    let parsed = raw.iter().map(|word| word.parse());
    parsed
        .collect::<Result<_, BadWord>>()
        .map_err(|bad| AdminError::Invalid(format!("{field}: {bad}; write {examples}, or all")))
}

/// `own` with the settings that are there.
fn self_service(mut own: SelfService, set: &SelfServiceSettings) -> Result<SelfService, AdminError> {
    if let Some(address) = &set.address {
        let address = address.trim();
        own.address = if address.is_empty() {
            None
        } else {
            Some(address.parse().map_err(AdminError::invalid)?)
        };
    }
    if let Some(actions) = &set.actions {
        let all = Action::TOKEN.into_iter().chain(Action::USER);
        own.actions = words(
            actions,
            all,
            "actions",
            "enroll, reissue, change-password and so on",
        )?;
    }
    if let Some(kinds) = &set.kinds {
        own.kinds = words(kinds, Kind::ALL.into_iter(), "kinds", "sms, totp, recovery")?;
    }
    if let Some(length) = &set.otp_length {
        own.otp_length = match length.as_str() {
            "choice" => OtpLength::Choice,
            "6" => OtpLength::Fixed(Digits::SIX),
            "8" => OtpLength::Fixed(Digits::try_from(8).map_err(AdminError::invalid)?),
            _ => {
                return Err(AdminError::Invalid("otp-length is choice, 6 or 8".to_owned()));
            }
        };
    }
    own.two_steps = set.two_steps.unwrap_or(own.two_steps);
    if let Some(first) = &set.first_enrolment {
        own.first_enrolment = match first.as_str() {
            "password" => FirstEnrolment::Password,
            "invite" => FirstEnrolment::Invite,
            _ => {
                return Err(AdminError::Invalid(
                    "first-enrolment is password or invite".to_owned(),
                ));
            }
        };
    }
    if let Some(days) = set.enrol_days {
        own.enrol_days = (days > 0).then_some(days);
    }
    for (field, text) in [
        (&mut own.title, &set.title),
        (&mut own.accent, &set.accent),
        (&mut own.hint, &set.hint),
    ] {
        if let Some(text) = text {
            text.trim().clone_into(field);
        }
    }
    Ok(own)
}

/// Where the portal is, while it is on.
fn self_service_page(resource: &Resource) -> Option<&Address> {
    let address = resource.self_service.address.as_ref();
    address.filter(|_| resource.enabled)
}

/// Refuses an address that another resource has.
fn own_address(read: &mut dyn Read, resource: &Resource) -> Result<(), AdminError> {
    let Some(address) = &resource.self_service.address else {
        return Ok(());
    };
    let mut others = read.resources()?.into_iter().filter(|r| r.id != resource.id);
    match others.find(|r| r.self_service.address.as_ref() == Some(address)) {
        None => Ok(()),
        Some(other) => Err(AdminError::Conflict(format!(
            "the self-service address `{address}` belongs to {} already; choose another",
            other.name
        ))),
    }
}

/// What of self-service an audit row tells.
fn told(set: &ResourceSettings, resource: &Resource) -> String {
    if set.self_service.is_none() {
        return String::new();
    }
    let own = &resource.self_service;
    let actions: Vec<&str> = own.actions.iter().map(|action| action.as_str()).collect();
    let kinds: Vec<&str> = own.kinds.iter().map(|kind| kind.as_str()).collect();
    let address = own.address.as_ref().map_or("off", |address| address.as_str());
    format!(
        "self-service {address}; actions {}; kinds {}",
        actions.join(" "),
        kinds.join(" ")
    )
}

pub(super) async fn add(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    set: ResourceSettings,
) -> Result<AdminReply, AdminError> {
    let id = ResourceId::random(&mut daemon.rng());
    let settings = ResourceSettings { name: None, ..set };
    let resource = changed(
        Resource::new(id, &name, act.now),
        &settings,
        &daemon.dictionaries.current(),
    )?;
    write(daemon, move |tx| {
        own_address(tx, &resource)?;
        tx.put_resource(&resource)?;
        act.record_detail(
            tx,
            "resource-add",
            ("", &resource.name),
            told(&settings, &resource),
        )?;
        Ok(AdminReply::Resource(view::resource(&resource, 0, &site(tx)?)))
    })
    .await
}

pub(super) async fn set(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    set: ResourceSettings,
) -> Result<AdminReply, AdminError> {
    let dictionary = daemon.dictionaries.current();
    write(daemon, move |tx| {
        let before = find_resource(tx, &name)?;
        let resource = changed(before.clone(), &set, &dictionary)?;
        own_address(tx, &resource)?;
        tx.put_resource(&resource)?;
        // Sessions of a portal that goes do not hold again once it comes back.
        let gone = |page: &Address| self_service_page(&resource) != Some(page);
        if self_service_page(&before).is_some_and(gone) {
            session::end_on(tx, resource.id)?;
        }
        act.record_detail(tx, "resource-set", ("", &resource.name), told(&set, &resource))?;
        let users = tx.users_of(resource.id)?;
        Ok(AdminReply::Resource(view::resource(&resource, users, &site(tx)?)))
    })
    .await
}

pub(super) async fn show(daemon: &Arc<Daemon>, name: String) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let resource = find_resource(read, &name)?;
        let users = read.users_of(resource.id)?;
        Ok(AdminReply::Resource(view::resource(
            &resource,
            users,
            &site(read)?,
        )))
    })
    .await
}

pub(super) async fn list(
    daemon: &Arc<Daemon>,
    act: Act,
    after: Option<String>,
) -> Result<AdminReply, AdminError> {
    let after = after.map(|name| resource::key(&name));
    read(daemon, move |read| {
        let mut page = Page::default();
        let mut more = false;
        let site = site(read)?;
        for resource in read.resources()? {
            let before = after.as_ref().is_some_and(|after| resource.key() <= *after);
            if before || !act.scope.covers(resource.id) {
                continue;
            }
            if !page.push(view::resource(&resource, read.users_of(resource.id)?, &site)) {
                more = true;
                break;
            }
        }
        let resources = page.rows();
        Ok(AdminReply::Resources { resources, more })
    })
    .await
}

pub(super) async fn remove(daemon: &Arc<Daemon>, act: Act, name: String) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let resource = find_resource(tx, &name)?;
        tx.delete_resource(resource.id)?;
        act.record(tx, "resource-remove", "", &resource.name)?;
        Ok(done(format!("resource {} is removed", resource.name)))
    })
    .await
}
