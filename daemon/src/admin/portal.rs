//! Settings of portal and console.

use std::sync::Arc;

use otpost_core::portal::site::{Base, Site};
use otpost_ipc::admin::{AdminReply, PortalSet, PortalView};
use otpost_store::document;

use super::{Act, AdminError, read, write};
use crate::console::setup::site;
use crate::state::Daemon;

fn view(site: &Site) -> AdminReply {
    let text = |base: &Option<Base>| base.as_ref().map_or_else(String::new, ToString::to_string);
    AdminReply::Portal(PortalView {
        url: text(&site.portal),
        console_url: text(&site.console),
        email_codes: site.email_codes,
    })
}

/// An address as typed; empty takes it away.
fn base(raw: &str) -> Result<Option<Base>, AdminError> {
    if raw.trim().is_empty() {
        return Ok(None);
    }
    Base::parse(raw).map(Some).map_err(AdminError::invalid)
}

pub(super) async fn show(daemon: &Arc<Daemon>) -> Result<AdminReply, AdminError> {
    read(daemon, |read| Ok(view(&site(read)?))).await
}

pub(super) async fn set(daemon: &Arc<Daemon>, act: Act, set: PortalSet) -> Result<AdminReply, AdminError> {
    let portal = set.url.as_deref().map(base).transpose()?;
    let console = set.console_url.as_deref().map(base).transpose()?;
    write(daemon, move |tx| {
        let mut site = site(tx)?;
        if let Some(portal) = &portal {
            site.portal.clone_from(portal);
        }
        if let Some(console) = &console {
            site.console.clone_from(console);
        }
        site.email_codes = set.email_codes.unwrap_or(site.email_codes);
        document::put(tx, &site)?;
        let shown = |base: &Option<Base>| base.as_ref().map_or("-", Base::as_str).to_owned();
        let detail = format!(
            "portal {}; console {}; e-mail codes {}",
            shown(&site.portal),
            shown(&site.console),
            site.email_codes
        );
        act.record_detail(tx, "portal-set", ("", ""), detail)?;
        Ok(view(&site))
    })
    .await
}
