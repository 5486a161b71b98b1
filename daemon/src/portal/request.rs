//! One request: its name, time and randomness, its transaction, and what is said and sent after the commit.

use std::sync::{Arc, Mutex};

use otpost_core::Timestamp;
use otpost_core::audit::Event;
use otpost_core::ids::Reference;
use otpost_core::keys::Keyring;
use otpost_core::net::Source;
use otpost_core::portal::reason::Reason;
use otpost_core::resource::Resource;
use otpost_ipc::portal::PortalReply;
use otpost_store::{Read, StoreError, Tx};
use tracing::{info, warn};

use super::error::PortalError;
use super::texts;
use crate::outbox::Job;
use crate::rows::Direct;
use crate::state::Daemon;
use crate::sys::Draw;

/// What a decision is made with.
pub(crate) struct Ctx {
    /// For user, log and audit.
    pub(crate) reference: Reference,
    /// When.
    pub(crate) now: Timestamp,
    /// Working keys.
    pub(crate) keys: Keyring,
    /// Randomness.
    pub(crate) rng: Draw,
    /// How a text may leave right after the commit.
    pub(crate) direct: Option<Direct>,
}

/// What a decision gives.
pub(crate) struct Out {
    /// The answer.
    pub(crate) reply: PortalReply,
    /// A text that was leased.
    pub(crate) job: Option<Job>,
    /// What was recorded, for the log.
    pub(crate) events: Vec<Event>,
}

impl From<PortalReply> for Out {
    fn from(reply: PortalReply) -> Self {
        Self {
            reply,
            job: None,
            events: Vec::new(),
        }
    }
}

/// What an audit row names.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) user: String,
    pub(crate) resource: String,
    pub(crate) via: String,
    pub(crate) source: String,
}

impl About {
    pub(crate) fn new(user: &str, resource: &Resource, source: &Source) -> Self {
        let address = resource.self_service.address.as_ref();
        Self {
            user: user.to_owned(),
            resource: resource.name.clone(),
            via: address.map_or_else(|| "portal".to_owned(), |a| format!("portal {a}")),
            source: source.shown(),
        }
    }

    /// A row of the audit log.
    pub(crate) fn event(&self, ctx: &Ctx, kind: &str, reason: Reason, detail: &str) -> Event {
        Event {
            at: ctx.now,
            kind: format!("portal.{kind}"),
            reason: reason.code().to_owned(),
            reference: ctx.reference.clone(),
            user: self.user.clone(),
            resource: self.resource.clone(),
            via: self.via.clone(),
            source: self.source.clone(),
            detail: detail.to_owned(),
        }
    }
}

/// Runs `job` in a transaction; its own refusals come back as they are and nothing is stored.
pub(crate) async fn write<T: Send + 'static>(
    daemon: &Daemon,
    mut job: impl FnMut(&mut dyn Tx) -> Result<T, PortalError> + Send + 'static,
) -> Result<T, PortalError> {
    let refused = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&refused);
    let outcome = daemon
        .write(move |tx| {
            job(tx).map_err(|failure| match failure {
                PortalError::Store(error) => error,
                other => {
                    let message = other.to_string();
                    if let Ok(mut slot) = keep.lock() {
                        *slot = Some(other);
                    }
                    StoreError::Refused(message)
                }
            })
        })
        .await;
    match outcome {
        Err(StoreError::Refused(message)) => {
            let own = refused.lock().ok().and_then(|mut slot| slot.take());
            Err(own.unwrap_or(PortalError::Store(StoreError::Refused(message))))
        }
        other => Ok(other?),
    }
}

/// As [`write`], for reading.
pub(crate) async fn read<T: Send + 'static>(
    daemon: &Daemon,
    mut job: impl FnMut(&mut dyn Read) -> Result<T, PortalError> + Send + 'static,
) -> Result<T, PortalError> {
    daemon
        .read(move |read| match job(read) {
            Ok(value) => Ok(Ok(value)),
            Err(PortalError::Store(error)) => Err(error),
            Err(other) => Ok(Err(other)),
        })
        .await?
}

/// Decides and stores in one transaction; then sends the text that was leased and says what was recorded.
pub(crate) async fn run(
    daemon: &Daemon,
    reference: &Reference,
    mut job: impl FnMut(&mut dyn Tx, &mut Ctx) -> Result<Out, PortalError> + Send + 'static,
) -> Result<PortalReply, PortalError> {
    let (leave, direct) = texts::reserve(daemon);
    let mut ctx = Ctx {
        reference: reference.clone(),
        now: daemon.now(),
        keys: daemon.keys.clone(),
        rng: daemon.rng(),
        direct,
    };
    let out = write(daemon, move |tx| {
        let out = job(tx, &mut ctx)?;
        for event in &out.events {
            tx.append_audit(event)?;
        }
        Ok(out)
    })
    .await?;
    leave.launch(daemon, out.job);
    daemon.postman.wake();
    report(&out.events);
    Ok(out.reply)
}

/// Says what was recorded, after its commit.
pub(crate) fn report(events: &[Event]) {
    for event in events {
        let Event {
            kind,
            reason,
            user,
            resource,
            via,
            source,
            reference,
            ..
        } = event;
        if kind.ends_with(".deny") || kind.ends_with(".wrong-code") {
            warn!(kind, reason, user, resource, via, source, %reference);
        } else {
            info!(kind, reason, user, resource, via, source, %reference);
        }
    }
}
