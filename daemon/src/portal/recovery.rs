//! Recovery codes: made, hashed, shown once.

use std::sync::Arc;

use otpost_core::ids::{Reference, ResourceId, UserId};
use otpost_core::mail::Notice;
use otpost_core::portal::enrolment::Enrolment;
use otpost_core::portal::factors::RecoverySet;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::settings::Kind;
use otpost_core::portal::verification::{Act, Owner};
use otpost_core::recovery::{Set, Stored, generate};
use otpost_core::{Rng, Timestamp};
use otpost_ipc::Secret;
use otpost_ipc::portal::PortalReply;
use otpost_store::{Read, StoreError, Tx, document};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::error::PortalError;
use super::factors;
use super::request::{Out, read};
use super::session::{Holder, holder};
use super::user::{Who, act};
use super::{mails, step_up};
use crate::passwords::PasswordError;
use crate::state::Daemon;

/// One set is made at a time: whoever asks many times at once keeps no more than one thread from logins.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

/// Ten codes, hashed and in plain text.
#[derive(Clone)]
pub(crate) struct Fresh {
    /// What is kept.
    pub(crate) set: Set,
    plain: Vec<Zeroizing<String>>,
}

impl Fresh {
    /// The codes, to be shown once.
    pub(crate) fn shown(&self) -> Vec<Secret> {
        let plain = self.plain.iter();
        plain.map(|code| Secret::from(code.as_str())).collect()
    }
}

/// Makes ten codes. Hashing them is slow on purpose: not within a transaction.
///
/// # Errors
/// The password pool's.
pub(crate) async fn make(daemon: &Daemon) -> Result<Fresh, PasswordError> {
    let codes = generate(&mut daemon.rng());
    let mut stored = Vec::with_capacity(codes.len());
    let mut plain = Vec::with_capacity(codes.len());
    for code in codes {
        let secret = Zeroizing::new(code.secret().to_owned());
        let hash = daemon.passwords.hash(secret, daemon.rng()).await?;
        stored.push(Stored {
            index: code.index(),
            hash: hash.to_string(),
            used: None,
        });
        plain.push(code.expose());
    }
    let created = daemon.now();
    let set = Set {
        codes: stored,
        created,
    };
    Ok(Fresh { set, plain })
}

/// Whether codes may be made in place of those before: they are offered here, and a token is there. They take its place, so that they
/// come after it and not before.
pub(crate) fn renewable(read: &mut dyn Read, holder: &Holder) -> Result<(), PortalError> {
    if !holder.resource.self_service.offers(Kind::Recovery) {
        return Err(PortalError::Forbidden);
    }
    if !factors::load(read, holder.user.id)?.guard(holder.resource.id) {
        return Err(PortalError::conflict("recovery", "set up a token first"));
    }
    Ok(())
}

/// Whether the session has passed the second factor here: a token guarded the resource when it began, or it set one up itself. One
/// of the password alone, which was there before an administrator assigned a token, has not.
fn proven(read: &mut dyn Read, holder: &Holder) -> Result<bool, StoreError> {
    let (user, resource, own) = (holder.user.id, holder.resource.id, &holder.session);
    let factors = factors::load(read, user)?;
    let before =
        |resources: &[ResourceId], created: Timestamp| resources.contains(&resource) && created < own.created;
    if factors.sms.iter().any(|t| before(&t.resources, t.created))
        || factors.totp.iter().any(|t| before(&t.resources, t.created))
    {
        return Ok(true);
    }
    let begun = document::of::<Enrolment>(read, &user.0)?;
    Ok(begun
        .iter()
        .any(|e| e.session == Some(own.id) && e.resource == resource && e.confirmed.is_some() && !e.taken))
}

/// Whether the person may make first codes: they are offered here, a token is there, and no code for here was ever made.
fn due(read: &mut dyn Read, holder: &Holder) -> Result<(), PortalError> {
    if !holder.resource.self_service.offers(Kind::Recovery) {
        return Err(PortalError::Forbidden);
    }
    let factors = factors::at(read, holder.user.id, holder.resource.id)?;
    if factors.recovery.is_some() {
        return Err(PortalError::conflict(
            "recovery",
            "there are recovery codes; make new ones in their place",
        ));
    }
    if !factors.guard(holder.resource.id) {
        return Err(PortalError::conflict("recovery", "set up a token first"));
    }
    Ok(())
}

/// First codes, for a person who has a token and no codes. They are beside the factor that signed in, so no further one is asked for.
pub(crate) async fn first(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
) -> Result<PortalReply, PortalError> {
    let (address, cookie) = who.clone();
    let now = daemon.now();
    let look = || {
        let (address, cookie) = (address.clone(), cookie.clone());
        read(daemon, move |read| {
            let holder = holder(read, &address, &cookie, now)?;
            due(read, &holder)?;
            Ok(proven(read, &holder)?)
        })
    };
    if !look().await? {
        return act(daemon, reference, who, |tx, ctx, holder| {
            step_up::begin(tx, ctx, holder, Act::RenewRecovery)
        })
        .await;
    }
    let _turn = TURN.lock().await;
    look().await?;
    let fresh = make(daemon).await?;
    act(daemon, reference, who, move |tx, ctx, holder| {
        due(tx, holder)?;
        let whose = (holder.user.id, vec![holder.resource.id]);
        keep(tx, whose, &fresh.set, &mut ctx.rng)?;
        let notice = (Notice::RecoveryRenewed, holder.lang());
        let whose = (&holder.user, &holder.resource);
        mails::queue_notice(tx, whose, notice, &holder.session.source, ctx)?;
        Ok(Out {
            reply: PortalReply::Codes { codes: fresh.shown() },
            job: None,
            events: vec![holder.about().event(ctx, "act", Reason::Done, "recovery-first")],
        })
    })
    .await
}

/// Keeps the hashes of codes for these portals, in place of those before. Codes for other portals stay.
pub(crate) fn keep(
    tx: &mut dyn Tx,
    (user, resources): (UserId, Vec<ResourceId>),
    set: &Set,
    rng: &mut dyn Rng,
) -> Result<(), StoreError> {
    for old in document::of::<RecoverySet>(tx, &user.0)? {
        match old.without(&resources) {
            None => document::delete::<RecoverySet>(tx, &old.id.0)?,
            Some(left) if left != old => document::put(tx, &left)?,
            Some(_) => {}
        }
    }
    let fresh = RecoverySet::new(Owner::User(user), resources, set.clone(), rng);
    document::put(tx, &fresh)
}
