//! What a fresh code permits, in the transaction that takes it.

use otpost_core::Timestamp;
use otpost_core::challenge::{Challenge, State};
use otpost_core::ids::TokenId;
use otpost_core::mail::Notice;
use otpost_core::outbox::SecurityEvent;
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::flow::FlowState;
use otpost_core::portal::settings::Action;
use otpost_core::portal::verification::{Act, Verification};
use otpost_core::user::PasswordHash;
use otpost_ipc::portal::PortalReply;
use otpost_store::{StoreError, Tx, document};

use super::own::{Own, assignable, own};
use super::password::password_action;
use super::{allowed, carried, change, free, user_name};
use crate::login::end_waiting;
use crate::portal::enrol::{self, Asker};
use crate::portal::error::PortalError;
use crate::portal::recovery::{self, Fresh};
use crate::portal::request::{Ctx, Out};
use crate::portal::session::{Holder, end_of};
use crate::portal::{mails, step_up, texts};

/// Does what a fresh code permits.
pub(crate) fn carry_out(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    holder: &Holder,
    act: &Act,
    fresh: Option<&Fresh>,
) -> Result<Out, PortalError> {
    match act {
        Act::Unassign(id) => {
            // Switched off since.
            allowed(holder, Action::Unassign)?;
            unassign(tx, ctx, holder, *id)
        }
        Act::Reissue(_) | Act::Enroll | Act::ChangePhone(..) => {
            let asker = Asker::of(holder);
            let begun = enrol::permitted(tx, ctx, &asker, act)?;
            Ok(match (begun, act) {
                (Some(enrolled), _) => enrolled.into(),
                (None, Act::Reissue(token)) => carried(ctx, holder, &format!("permit-reissue {token}")),
                (None, _) => carried(ctx, holder, "permit-enroll"),
            })
        }
        Act::AssignExisting(id) => {
            allowed(holder, Action::AssignExisting)?;
            let mut token = assignable(tx, holder, *id)?;
            match &mut token {
                Own::Sms(own) => own.resources.push(holder.resource.id),
                Own::Totp(own) => own.resources.push(holder.resource.id),
            }
            token.put(tx)?;
            // Whoever came in by the password alone does not stay beside the first token.
            end_of(
                tx,
                holder.user.id,
                Some(holder.resource.id),
                Some(holder.session.id),
            )?;
            let name = token.name().to_owned();
            tell(tx, ctx, holder, Notice::TokenAdded { name })?;
            Ok(carried(ctx, holder, "assign-existing"))
        }
        Act::Password(hash) => {
            allowed(holder, password_action(&holder.user))?;
            let now = ctx.now;
            change(tx, holder, |user| {
                user.password = Some(PasswordHash(hash.clone()));
                user.profile.password_set = Some(now);
            })?;
            end_of(tx, holder.user.id, None, Some(holder.session.id))?;
            end_waiting(tx, holder.user.id, now)?;
            tell(tx, ctx, holder, Notice::PasswordChanged)?;
            Ok(carried(ctx, holder, "password"))
        }
        Act::Email(new) => {
            allowed(holder, Action::ChangeEmail)?;
            step_up::new_email(tx, ctx, holder, new)
        }
        Act::Login(new) => {
            allowed(holder, Action::ChangeLogin)?;
            let name = user_name::parse(new)?;
            free(tx, holder, &name)?;
            change(tx, holder, |user| {
                user.login = name.to_string();
                user.name = name.clone();
                user.aliases.retain(|alias| *alias != name);
            })?;
            let login = name.to_string();
            tell(tx, ctx, holder, Notice::LoginChanged { login })?;
            Ok(carried(ctx, holder, "login"))
        }
        Act::RenewRecovery => {
            recovery::renewable(tx, holder)?;
            let fresh = fresh.ok_or_else(|| {
                PortalError::conflict("recovery", "the codes could not be made; type the next code")
            })?;
            let whose = (holder.user.id, vec![holder.resource.id]);
            recovery::keep(tx, whose, &fresh.set, &mut ctx.rng)?;
            tell(tx, ctx, holder, Notice::RecoveryRenewed)?;
            Ok(Out {
                reply: PortalReply::Codes { codes: fresh.shown() },
                ..carried(ctx, holder, "renew-recovery")
            })
        }
    }
}

/// The new address is theirs: it takes the place of the old one, which hears of it.
pub(crate) fn take_email(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    holder: &Holder,
    new: &str,
) -> Result<Out, PortalError> {
    allowed(holder, Action::ChangeEmail)?;
    change(tx, holder, |user| user.email = Some(new.to_owned())).map_err(|failure| match failure {
        PortalError::Conflict { .. } => PortalError::conflict("email", "this address is taken"),
        other => other,
    })?;
    let masked = mails::masked(new);
    tell(tx, ctx, holder, Notice::EmailChanged { masked })?;
    Ok(carried(ctx, holder, "email"))
}

/// Takes a token out of this resource; one that guards nothing any more goes.
fn unassign(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, id: TokenId) -> Result<Out, PortalError> {
    let mut token = own(tx, holder, id)?;
    if !token.here(holder) {
        return Err(PortalError::NotFound);
    }
    let resource = holder.resource.id;
    end_codes(tx, holder, id, ctx.now)?;
    match &mut token {
        Own::Sms(own) => {
            own.resources.retain(|of| *of != resource);
            if own.resources.is_empty() {
                tx.delete_token(own.id)?;
            } else {
                tx.put_token(own)?;
            }
        }
        Own::Totp(own) => {
            own.resources.retain(|of| *of != resource);
            if own.resources.is_empty() {
                document::delete::<TotpToken>(tx, &own.id.0)?;
            } else {
                document::put(tx, own)?;
            }
        }
    }
    change(tx, holder, |user| {
        let preferred = &mut user.profile.preferred;
        preferred.retain(|(of, token)| *of != resource || *token != id);
    })?;
    if let Own::Sms(own) = &token {
        // Where the gate refuses it, the mail is what tells.
        let _ = texts::queue_notice(
            tx,
            (SecurityEvent::TokenRemoved, resource),
            (&own.phone, holder.user.id, &holder.session.source, &ctx.reference),
            &mut ctx.rng,
            ctx.now,
        )?;
    }
    let name = token.name().to_owned();
    tell(tx, ctx, holder, Notice::TokenRemoved { name })?;
    Ok(carried(ctx, holder, "unassign"))
}

/// No code that was sent to the token for this resource opens anything any more.
fn end_codes(tx: &mut dyn Tx, holder: &Holder, token: TokenId, now: Timestamp) -> Result<(), StoreError> {
    let resource = holder.resource.id;
    for challenge in tx.open_challenges(holder.user.id, now)? {
        if challenge.token == token && challenge.resource == resource {
            tx.put_challenge(&Challenge {
                state: State::Dead,
                ..challenge
            })?;
        }
    }
    for waiting in document::of::<Verification>(tx, &holder.user.id.0)? {
        let open = waiting.token == Some(token) && waiting.flow.state == FlowState::Open;
        if open && waiting.resource == Some(resource) {
            let flow = waiting.flow.cancelled();
            document::put(tx, &Verification { flow, ..waiting })?;
        }
    }
    Ok(())
}

/// A notice to the address that was registered before the act.
fn tell(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, notice: Notice) -> Result<(), StoreError> {
    mails::queue_notice(
        tx,
        (&holder.user, &holder.resource),
        (notice, holder.lang()),
        &holder.session.source,
        ctx,
    )?;
    Ok(())
}
