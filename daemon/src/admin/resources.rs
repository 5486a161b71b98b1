//! Resources.

use std::sync::Arc;

use otpost_core::code::Digits;
use otpost_core::ids::ResourceId;
use otpost_core::resource::{self, Resource, WithoutToken};
use otpost_ipc::admin::{AdminReply, ResourceSettings};

use super::page::Page;
use super::{Act, AdminError, done, find_resource, read, view, write};
use crate::state::Daemon;

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
fn changed(mut resource: Resource, set: &ResourceSettings) -> Result<Resource, AdminError> {
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
    resource.check().map_err(AdminError::invalid)?;
    Ok(resource)
}

pub(super) async fn add(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    set: ResourceSettings,
) -> Result<AdminReply, AdminError> {
    let id = ResourceId::random(&mut daemon.rng());
    let resource = changed(
        Resource::new(id, &name, act.now),
        &ResourceSettings { name: None, ..set },
    )?;
    write(daemon, move |tx| {
        tx.put_resource(&resource)?;
        act.record(tx, "resource-add", "", &resource.name)?;
        Ok(AdminReply::Resource(view::resource(&resource, 0)))
    })
    .await
}

pub(super) async fn set(
    daemon: &Arc<Daemon>,
    act: Act,
    name: String,
    set: ResourceSettings,
) -> Result<AdminReply, AdminError> {
    write(daemon, move |tx| {
        let resource = changed(find_resource(tx, &name)?, &set)?;
        tx.put_resource(&resource)?;
        act.record(tx, "resource-set", "", &resource.name)?;
        let users = tx.users_of(resource.id)?;
        Ok(AdminReply::Resource(view::resource(&resource, users)))
    })
    .await
}

pub(super) async fn show(daemon: &Arc<Daemon>, name: String) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let resource = find_resource(read, &name)?;
        let users = read.users_of(resource.id)?;
        Ok(AdminReply::Resource(view::resource(&resource, users)))
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
        for resource in read.resources()? {
            let before = after.as_ref().is_some_and(|after| resource.key() <= *after);
            if before || !act.scope.covers(resource.id) {
                continue;
            }
            if !page.push(view::resource(&resource, read.users_of(resource.id)?)) {
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
