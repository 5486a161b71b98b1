//! Portals, before anybody signs in.

use otpost_core::portal::settings::Address;
use otpost_core::portal::site::Site;
use otpost_core::resource::Resource;
use otpost_ipc::portal::SiteView;
use otpost_store::kinds::{MailSetup, ONLY};
use otpost_store::{Read, StoreError, document};

use super::error::PortalError;

/// The resource whose portal is at `address`; nothing where there is none, or it is off.
pub(crate) fn find(read: &mut dyn Read, address: &str) -> Result<Resource, PortalError> {
    let address: Address = address.parse().map_err(|_| PortalError::NotFound)?;
    let mut all = read.resources()?.into_iter();
    all.find(|r| r.enabled && r.self_service.address.as_ref() == Some(&address))
        .ok_or(PortalError::NotFound)
}

/// What its pages show.
pub(crate) fn view(read: &mut dyn Read, resource: &Resource) -> Result<SiteView, StoreError> {
    let own = &resource.self_service;
    Ok(SiteView {
        title: title(resource).to_owned(),
        accent: own.accent.clone(),
        hint: own.hint.clone(),
        by_mail: by_mail(read)?,
    })
}

/// What the portal is called.
pub(crate) fn title(resource: &Resource) -> &str {
    let title = resource.self_service.title.trim();
    if title.is_empty() { &resource.name } else { title }
}

/// Whether codes by e-mail can be asked for.
pub(crate) fn by_mail(read: &mut dyn Read) -> Result<bool, StoreError> {
    let site = document::get::<Site>(read, &ONLY)?.unwrap_or_default();
    Ok(site.email_codes && document::get::<MailSetup>(read, &ONLY)?.is_some())
}
