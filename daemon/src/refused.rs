//! Audit rows for refusals that no login's row records: callers without the right to ask, and what otpost-radius rejects by
//! itself. Strangers cause them, so [`Quotas`] bounds them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use otpost_core::audit::Event;
use otpost_core::ids::{Reference, ResourceId};
use otpost_core::net::Source;
use otpost_core::quota::{Due, Quotas};
use otpost_ipc::Role;
use otpost_ipc::peer::{Peer, Refusal};
use otpost_ipc::radius::RadiusReport;
use tracing::{error, warn};

use crate::login::shown;
use crate::state::Daemon;

/// A row that may be written.
#[derive(Debug, Clone)]
struct Refused {
    event: Event,
    /// What guards the RADIUS client; its name is looked up when the row is written.
    resource: Option<ResourceId>,
}

/// What was refused lately.
#[derive(Debug, Default)]
pub struct Refusals {
    callers: Mutex<Quotas<u32, Refused>>,
    // Apart: a user of this host must not take the rows of the VPNs.
    clients: Mutex<Quotas<String, Refused>>,
    // By source network.
    console: Mutex<Quotas<String, Refused>>,
}

/// What a refused caller wanted, as far as it was heard.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// A connection to this role's socket; nothing was read from it.
    Connection(Role),
    /// A login at `pam.sock`.
    Login {
        /// PAM_SERVICE.
        service: &'a str,
        /// PAM_USER.
        user: &'a str,
    },
    /// To go on with a login at `pam.sock`.
    Further,
}

/// Records that `peer` was refused, under the `reference` that it is told.
pub(crate) async fn caller(
    daemon: &Daemon,
    peer: Peer,
    refusal: Refusal,
    wanted: Wanted<'_>,
    reference: &Reference,
) {
    let now = daemon.now();
    let (via, user) = match wanted {
        Wanted::Connection(role) => (socket(role).to_owned(), String::new()),
        Wanted::Login { service, user } => (format!("pam {}", shown(service)), shown(user)),
        Wanted::Further => ("pam".to_owned(), String::new()),
    };
    if daemon.refusal_lines.allow(now) {
        warn!(uid = peer.uid, pid = peer.pid, %refusal, via, user, %reference, "refused a caller");
    }
    let event = Event {
        at: now,
        kind: "caller.deny".to_owned(),
        reason: refusal.code().to_owned(),
        reference: reference.clone(),
        user,
        resource: String::new(),
        via,
        source: format!("uid {}", peer.uid),
        detail: String::new(),
    };
    let refused = Refused {
        event,
        resource: None,
    };
    let due = lock(&daemon.refusals.callers).admit(now, peer.uid, refused, 0);
    write(daemon, due).await;
}

/// Records what otpost-radius rejected by itself at a client of the resource.
pub(crate) async fn radius(daemon: &Daemon, report: RadiusReport, resource: ResourceId) {
    let now = daemon.now();
    let source = Source::new(&report.nas.calling_station, &report.client);
    let refused = Refused {
        event: Event {
            at: now,
            kind: "login.deny".to_owned(),
            reason: report.reason.code().to_owned(),
            reference: daemon.reference(),
            user: shown(&report.user),
            resource: String::new(),
            via: format!("radius {}", report.client),
            source: source.shown(),
            detail: format!(
                "rejected by otpost-radius; the packet came from {}",
                shown(&report.nas.source)
            ),
        },
        resource: Some(resource),
    };
    let due = lock(&daemon.refusals.clients).admit(now, report.client, refused, report.more);
    write(daemon, due).await;
}

/// Records that somebody from a network was refused at the console or the REST API before anything was looked at.
pub(crate) async fn console(daemon: &Daemon, network: String, event: Event) {
    let now = event.at;
    if daemon.refusal_lines.allow(now) {
        warn!(reason = event.reason, source = event.source, reference = %event.reference, "refused at the console");
    }
    let refused = Refused {
        event,
        resource: None,
    };
    let due = lock(&daemon.refusals.console).admit(now, network, refused, 0);
    write(daemon, due).await;
}

/// Writes the rows of those who have gone quiet.
pub(crate) async fn quiet(daemon: &Daemon) {
    let now = daemon.now();
    let mut due = lock(&daemon.refusals.callers).quiet(now);
    due.extend(lock(&daemon.refusals.clients).quiet(now));
    due.extend(lock(&daemon.refusals.console).quiet(now));
    write(daemon, due).await;
}

/// Writes what was not written yet, before the daemon ends.
pub(crate) async fn drain(daemon: &Daemon) {
    let now = daemon.now();
    let mut due = lock(&daemon.refusals.callers).drain(now);
    due.extend(lock(&daemon.refusals.clients).drain(now));
    due.extend(lock(&daemon.refusals.console).drain(now));
    write(daemon, due).await;
}

fn socket(role: Role) -> &'static str {
    match role {
        Role::Pam => "pam.sock",
        Role::Radius => "radius.sock",
        Role::Portal => "portal.sock",
        Role::Admin => "admin.sock",
    }
}

fn lock<T>(quotas: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in them can panic half-way through a change.
    quotas.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A row that cannot be written changes no refusal.
async fn write(daemon: &Daemon, due: impl IntoIterator<Item = Due<Refused>>) {
    let rows: Vec<Refused> = due.into_iter().map(counted).collect();
    if rows.is_empty() {
        return;
    }
    let written = daemon
        .write(move |tx| {
            for Refused { event, resource } in &rows {
                let resource = match resource {
                    Some(id) => tx.resource(*id)?,
                    None => None,
                };
                let mut event = event.clone();
                if let Some(resource) = resource {
                    event.resource = resource.name;
                }
                tx.append_audit(&event)?;
            }
            Ok(())
        })
        .await;
    if let Err(error) = written {
        error!(%error, "a refusal cannot be recorded in the audit log");
    }
}

/// The row with the number of those before it.
fn counted(due: Due<Refused>) -> Refused {
    let Due {
        item: mut refused,
        suppressed,
    } = due;
    if suppressed > 0 {
        let said = std::mem::take(&mut refused.event.detail);
        let more = format!("{suppressed} more before it have no row");
        refused.event.detail = if said.is_empty() {
            more
        } else {
            format!("{said}; {more}")
        };
    }
    refused
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use otpost_core::Timestamp;

    use super::*;
    use crate::sys::{Draw, SystemEntropy};

    fn refused(detail: &str) -> Refused {
        let reference = Reference::random(&mut Draw(Arc::new(SystemEntropy)));
        Refused {
            event: Event {
                at: Timestamp(1),
                kind: "caller.deny".to_owned(),
                reason: "root-only".to_owned(),
                reference,
                user: String::new(),
                resource: String::new(),
                via: String::new(),
                source: String::new(),
                detail: detail.to_owned(),
            },
            resource: None,
        }
    }

    #[test]
    fn a_row_says_how_many_before_it_have_none() {
        for (detail, suppressed, expected) in [
            ("", 0, ""),
            ("a", 0, "a"),
            ("", 3, "3 more before it have no row"),
            ("a", 3, "a; 3 more before it have no row"),
        ] {
            let due = Due {
                item: refused(detail),
                suppressed,
            };
            assert_eq!(counted(due).event.detail, expected);
        }
    }
}
