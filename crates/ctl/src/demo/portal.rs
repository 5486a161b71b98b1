//! otpost-portal of the demonstration: self-service and console on ports of their own.

use std::{net::SocketAddr, time::Duration};

use otpost_ipc::{
    Secret,
    admin::{AdminOp, AdminReply, PortalSet},
    client::Deadline,
};

use super::{
    READY, Sandbox, ask,
    children::{Child, Programs},
    setup,
    signals::Signals,
};
use crate::CtlError;

/// Where the sites are, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sites {
    base: String,
    console: String,
}

impl Sites {
    /// What otpost-portal has logged about its addresses; `None` until it has logged both.
    fn logged(log: &str) -> Option<Self> {
        Some(Self {
            base: listening(log, "self-service")?,
            console: listening(log, "console")?,
        })
    }

    /// The self-service page of the resource.
    pub(super) fn portal(&self) -> String {
        format!("{}/s/{}", self.base, setup::ADDRESS)
    }
}

fn listening(log: &str, site: &str) -> Option<String> {
    let site = format!("site=\"{site}\"");
    // A line without its end is still being written.
    let mut lines = log
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'));
    let line = lines.find(|line| line.contains("listening") && line.contains(&site))?;
    let (_, address) = line.rsplit_once("address=")?;
    let address: SocketAddr = address.trim().parse().ok()?;
    Some(format!("http://{address}"))
}

/// Starts it, and tells the daemon where it is.
pub(super) fn start(
    programs: &Programs,
    sandbox: &Sandbox,
    signals: &Signals,
    daemon: &mut Child,
) -> Result<(Child, Sites), CtlError> {
    let config = sandbox.write("portal.toml", &setup::portal_toml(sandbox))?;
    let mut portal = programs.portal(&config, sandbox)?;
    let deadline = Deadline::after(READY);
    let sites = loop {
        if let Some(sites) = Sites::logged(&portal.log()) {
            break sites;
        }
        daemon.check()?;
        portal.check()?;
        if deadline.remaining().is_none() {
            return Err(portal.not_ready(READY).into());
        }
        signals.pause(Duration::from_millis(20))?;
    };
    ask(
        sandbox,
        AdminOp::PortalSet(PortalSet {
            url: Some(sites.base.clone()),
            console_url: Some(sites.console.clone()),
            email_codes: None,
        }),
    )?;
    Ok((portal, sites))
}

/// The link that makes the first administrator.
pub(super) fn setup_link(sandbox: &Sandbox) -> Result<Secret, CtlError> {
    match ask(sandbox, AdminOp::SetupLink)? {
        AdminReply::AdminLink { link, .. } => Ok(link),
        _ => Err(CtlError::Unexpected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELF_SERVICE: &str =
        "2026-09-21T14:13:20Z  INFO listening site=\"self-service\" tls=false address=127.0.0.1:40001\n";
    const CONSOLE: &str =
        "2026-09-21T14:13:20Z  INFO listening site=\"console\" tls=false address=127.0.0.1:40002";

    #[test]
    fn the_addresses_are_known_once_both_lines_are_complete() {
        let log = format!("a word before\n{SELF_SERVICE}{CONSOLE}");
        for early in ["", SELF_SERVICE, &log] {
            assert_eq!(Sites::logged(early), None, "{early}");
        }
        let sites = Sites::logged(&format!("{log}\n")).unwrap();
        assert_eq!(sites.portal(), "http://127.0.0.1:40001/s/demo");
        assert_eq!(sites.console, "http://127.0.0.1:40002");
    }
}
