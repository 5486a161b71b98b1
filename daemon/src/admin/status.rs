//! Health and totals.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use otpost_conf::daemon::Environment;
use otpost_ipc::admin::{AdminReply, Status};

use super::{Act, AdminError, read};
use crate::state::Daemon;

pub(super) async fn status(daemon: &Arc<Daemon>, act: &Act) -> Result<AdminReply, AdminError> {
    Ok(AdminReply::Status(of(daemon, act).await?))
}

pub(super) async fn of(daemon: &Arc<Daemon>, act: &Act) -> Result<Status, AdminError> {
    let now = act.now;
    let usable = daemon.providers.usable().names.len();
    let mut status = Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: now.since(daemon.started).as_secs(),
        environment: match daemon.environment {
            Environment::Production => "production".to_owned(),
            Environment::Development => "development".to_owned(),
        },
        radius_servers: daemon.radius_servers.load(Ordering::Relaxed),
        ..Status::default()
    };
    if daemon.environment == Environment::Development {
        status
            .warnings
            .push("this is a development set-up: texts may be kept readable in a file".to_owned());
    }
    let scope = act.scope.clone();
    read(daemon, move |read| {
        let mut status = status.clone();
        let totals = read.totals(now)?;
        let policy = read.send_policy()?;
        let clients = read.clients()?;
        let providers = read.providers()?.iter().filter(|p| p.enabled).count();
        status.users = totals.users;
        status.tokens = totals.tokens;
        status.resources = totals.resources;
        status.radius_clients = clients.len() as u64;
        status.providers = providers as u64;
        status.open_challenges = totals.open_challenges;
        status.waiting_texts = totals.waiting_texts;
        status.audit_rows = totals.audit_rows;
        let warn = &mut status.warnings;
        if providers == 0 {
            warn.push("no SMS provider is set up: otpostctl sms provider add".to_owned());
        }
        if usable < providers {
            warn.push("an SMS provider cannot be used; see otpostd's log".to_owned());
        }
        if policy.countries.is_empty() {
            warn.push("no country may be texted, so no code leaves: otpostctl sms countries --add DE".to_owned());
        }
        if policy.paused {
            warn.push("sending is paused: otpostctl sms resume".to_owned());
        }
        for client in clients.into_iter().filter(|c| scope.covers(c.resource)) {
            if !client.requires_message_authenticator() {
                warn.push(format!(
                    "RADIUS client {} may leave out Message-Authenticator (CVE-2024-3596): make the VPN send it, then \
                     otpostctl radius client set {} --message-authenticator require",
                    client.name, client.name
                ));
            }
            if client.first_factor.is_stack() {
                warn.push(format!("RADIUS client {} checks no password here: the VPN must", client.name));
            }
        }
        Ok(status)
    })
    .await
}
