//! The code of an enrolment: wrong, right, or right for a number that is taken.

use otpost_core::Timestamp;
use otpost_core::challenge::State;
use otpost_core::ids::TokenId;
use otpost_core::mail::Notice;
use otpost_core::outbox::SecurityEvent;
use otpost_core::portal::enrolment::{self, By, Confirm, Confirmed, Enrolment, Held, New};
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::flow::{Closed, FlowState};
use otpost_core::portal::invite::Invite;
use otpost_core::portal::settings::Kind;
use otpost_core::portal::verification::Verification;
use otpost_core::totp::Step;
use otpost_core::user::User;
use otpost_store::{StoreError, Tx, document};

use super::recovery::{offered, taken};
use super::rows::Rows;
use super::{Asker, Enrolled, Prepared, detail, find, shown, view};
use crate::portal::error::PortalError;
use crate::portal::recovery::keep;
use crate::portal::request::Ctx;
use crate::portal::session::end_of;
use crate::portal::{mails, texts};

/// Decides about a code and stores what it came to: with the right one the token, and what goes with it.
pub(crate) fn confirm(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    (id, typed): (&str, &str),
    prepared: Option<&Prepared>,
) -> Result<Enrolled, PortalError> {
    let before = find(tx, asker, id)?;
    let rows = Rows::load(tx, &asker.user)?;
    let code = Confirm {
        typed,
        by: asker.by,
        taken: taken(tx, asker, &before)?,
        keys: &ctx.keys,
    };
    let confirmed = enrolment::confirm(&before, &code, &rows.view(asker), ctx.now)?;
    match confirmed {
        Confirmed::Closed => {
            let why = match before.flow.closed(ctx.now) {
                Some(Closed::Expired | Closed::Over) => "expired",
                Some(Closed::TriesUsed) => "tries-used",
                _ => "",
            };
            shown(tx, &before, asker, (why, ctx.now))
        }
        // The page says why nothing has left, and when it may be asked for again.
        Confirmed::NotSent => shown(tx, &before, asker, ("", ctx.now)),
        Confirmed::Malformed(why) => shown(tx, &before, asker, (why, ctx.now)),
        Confirmed::Repeated { .. } => {
            let mut after = before;
            let codes = give(tx, ctx, asker, &mut after, prepared)?;
            let mut enrolled = shown(tx, &after, asker, ("", ctx.now))?;
            enrolled.view.codes = codes;
            Ok(enrolled)
        }
        Confirmed::Wrong(after) => {
            document::put(tx, &*after)?;
            let ended = after.flow.state == FlowState::TriesUsed;
            let why = if ended { "tries-used" } else { "wrong" };
            let reason = if ended { "tries-used" } else { "wrong-code" };
            let mut enrolled = shown(tx, &after, asker, (why, ctx.now))?;
            enrolled.events = vec![asker.event(ctx, "wrong-code", reason, "")];
            Ok(enrolled)
        }
        Confirmed::Taken(after) => {
            document::put(tx, &*after)?;
            let mut enrolled = shown(tx, &after, asker, ("", ctx.now))?;
            enrolled.events = vec![asker.event(ctx, "deny", "number-taken", &detail(&after))];
            Ok(enrolled)
        }
        Confirmed::Done { enrolment, step } => done(tx, ctx, asker, (*enrolment, step, &rows), prepared),
    }
}

fn done(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    (mut enrolment, step, rows): (Enrolment, Option<Step>, &Rows),
    prepared: Option<&Prepared>,
) -> Result<Enrolled, PortalError> {
    let old = rows.held.iter().find(|held| Some(held.id) == enrolment.replaces);
    if let Some(old) = old {
        retire(tx, old, &enrolment, asker, ctx.now)?;
    }
    let name = match &enrolment.new {
        New::Sms(_) => {
            let phone = enrolment.phone().ok().flatten();
            let phone = phone.ok_or_else(|| damaged("an enrolment has a damaged number"))?;
            let token = enrolment::sms_token(&enrolment, phone, old, ctx.now);
            tx.put_token(&token)?;
            token.name
        }
        New::Totp(_) => {
            let token = enrolment::totp_token(&enrolment, step, old, ctx.now);
            let token: TotpToken = token.ok_or_else(|| damaged("an enrolment has a damaged secret"))?;
            document::put(tx, &token)?;
            token.name
        }
    };
    let codes = give(tx, ctx, asker, &mut enrolment, prepared)?;
    document::put(tx, &enrolment)?;
    for invite in document::of::<Invite>(tx, &asker.user.id.0)? {
        if invite.resource == asker.resource.id && invite.used.is_none() {
            document::put(
                tx,
                &Invite {
                    used: Some(ctx.now),
                    ..invite
                },
            )?;
        }
    }
    let first = !rows
        .held
        .iter()
        .any(|held| held.resources.contains(&asker.resource.id));
    if first {
        // Whoever came in by the password alone does not stay beside the first token.
        let own = match asker.by {
            By::Session { id, .. } => Some(id),
            By::Administrator => None,
        };
        end_of(tx, asker.user.id, Some(asker.resource.id), own)?;
    }
    tell(tx, ctx, asker, (&enrolment, &name, old))?;
    let reason = match (old, enrolment.number_only) {
        (None, _) => "enrolled",
        (Some(_), false) => "replaced",
        (Some(_), true) => "phone-changed",
    };
    let event = asker.event(ctx, "done", reason, &detail(&enrolment));
    // The user may prefer the new token now.
    let mut asker = asker.clone();
    asker.user = tx.user(asker.user.id)?.unwrap_or(asker.user);
    let mut view = view::view(tx, &enrolment, &asker, "", ctx.now)?;
    view.codes = codes;
    Ok(Enrolled {
        view,
        job: None,
        events: vec![event],
    })
}

fn damaged(what: &str) -> PortalError {
    PortalError::Store(StoreError::Damaged(what.to_owned()))
}

/// Stores the recovery codes that come with it and gives them out.
fn give(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    enrolment: &mut Enrolment,
    prepared: Option<&Prepared>,
) -> Result<Vec<otpost_ipc::Secret>, PortalError> {
    let Some(prepared) = prepared else {
        return Ok(Vec::new());
    };
    // Somebody may have made other ones since.
    if !offered(tx, asker, enrolment)? {
        return Ok(Vec::new());
    }
    let whose = (asker.user.id, vec![asker.resource.id]);
    keep(tx, whose, &prepared.fresh.set, &mut ctx.rng)?;
    enrolment.offered = enrolment.offered.saturating_add(1);
    document::put(tx, enrolment)?;
    Ok(prepared.fresh.shown())
}

/// The old token goes, or gives up its number; no code that was sent to it opens anything any more.
fn retire(
    tx: &mut dyn Tx,
    old: &Held,
    enrolment: &Enrolment,
    asker: &Asker,
    now: Timestamp,
) -> Result<(), StoreError> {
    let user = asker.user.id;
    for challenge in tx.open_challenges(user, now)? {
        if challenge.token == old.id {
            tx.put_challenge(&otpost_core::challenge::Challenge {
                state: State::Dead,
                ..challenge
            })?;
        }
    }
    for waiting in document::of::<Verification>(tx, &user.0)? {
        if waiting.token == Some(old.id) && waiting.flow.state == FlowState::Open {
            let flow = waiting.flow.cancelled();
            document::put(tx, &Verification { flow, ..waiting })?;
        }
    }
    if enrolment.token == old.id {
        return Ok(());
    }
    match old.kind {
        Kind::Sms => tx.delete_token(old.id)?,
        _ => document::delete::<TotpToken>(tx, &old.id.0)?,
    }
    prefer(tx, &asker.user, old.id, enrolment.token)
}

/// The new token is asked first where the old one was.
fn prefer(tx: &mut dyn Tx, user: &User, old: TokenId, new: TokenId) -> Result<(), StoreError> {
    // As stored, which may be newer than what the request began with.
    let Some(mut user) = tx.user(user.id)? else {
        return Ok(());
    };
    let mut changed = false;
    for (_, token) in &mut user.profile.preferred {
        if *token == old {
            *token = new;
            changed = true;
        }
    }
    if changed { tx.put_user(&user) } else { Ok(()) }
}

/// Word of it to the old number and the registered address.
fn tell(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    (enrolment, name, old): (&Enrolment, &str, Option<&Held>),
) -> Result<(), StoreError> {
    let what = if enrolment.number_only {
        SecurityEvent::PhoneChanged
    } else {
        SecurityEvent::TokenReplaced
    };
    let new = enrolment.phone().ok().flatten();
    if let Some(phone) = old.and_then(|old| old.phone.as_ref())
        && Some(phone) != new.as_ref()
    {
        // Where the gate refuses it, the mail is what tells.
        let _ = texts::queue_notice(
            tx,
            (what, asker.resource.id),
            (phone, asker.user.id, &asker.source, &ctx.reference),
            &mut ctx.rng,
            ctx.now,
        )?;
    }
    let mut notices = Vec::new();
    match (enrolment.number_only, new) {
        (true, Some(phone)) => notices.push(Notice::NumberChanged {
            masked: phone.masked(),
        }),
        _ => {
            notices.extend(old.map(|old| Notice::TokenRemoved {
                name: old.name.clone(),
            }));
            notices.push(Notice::TokenAdded {
                name: name.to_owned(),
            });
        }
    }
    let chosen = &asker.user.profile.lang;
    let lang = if chosen.is_empty() { &asker.pages } else { chosen };
    for notice in notices {
        mails::queue_notice(
            tx,
            (&asker.user, &asker.resource),
            (notice, lang),
            &asker.source,
            ctx,
        )?;
    }
    Ok(())
}
