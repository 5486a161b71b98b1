//! What people do to their tokens, profile and sessions. The administrator must have allowed it; what matters needs a fresh code first
//! ([`super::step_up`]) and is carried out in the transaction that takes it.

mod carry;
mod own;
mod password;
mod user_name;

use std::sync::Arc;

use otpost_core::ids::{PortalSessionId, Reference};
use otpost_core::mail::Address;
use otpost_core::name::LoginName;
use otpost_core::outbox::Kind as TextKind;
use otpost_core::portal::answer::misshapen;
use otpost_core::portal::factors::Method;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::session::PortalSession;
use otpost_core::portal::settings::Action;
use otpost_core::portal::verification::Act;
use otpost_core::token::{self, Status};
use otpost_core::user::User;
use otpost_ipc::Secret;
use otpost_ipc::portal::{CodeAsk, PortalReply, UserAct};
use otpost_store::kinds::{MailSetup, ONLY};
use otpost_store::{Read, Tx, document};

use super::enrol::{self, Asker};
use super::error::PortalError;
use super::request::{Ctx, Out, run};
use super::session::{Holder, end_of, holder};
use super::user::Who;
use super::{recovery, step_up, texts};
use crate::admin::remembered;
use crate::state::Daemon;

pub(crate) use carry::{carry_out, take_email};
use own::{Own, assignable, here};
use password::password;

/// Longest first or last name.
const NAME: usize = 100;

fn done(what: &str) -> PortalReply {
    PortalReply::Done {
        what: what.to_owned(),
    }
}

/// It was carried out, and is recorded.
fn carried(ctx: &Ctx, holder: &Holder, what: &str) -> Out {
    Out {
        reply: done(what),
        job: None,
        events: vec![holder.about().event(ctx, "act", Reason::Done, what)],
    }
}

fn allowed(holder: &Holder, action: Action) -> Result<(), PortalError> {
    if holder.resource.self_service.allows(action) {
        Ok(())
    } else {
        Err(PortalError::Forbidden)
    }
}

/// Does what is asked, or asks for a fresh code.
pub(crate) async fn act(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
    act: UserAct,
) -> Result<PortalReply, PortalError> {
    if let UserAct::Password { current, new } = act {
        return password(daemon, reference, who, (current, new)).await;
    }
    if let UserAct::Login { new } = &act {
        user_name::may_take(daemon, &who, new).await?;
    }
    let (address, cookie) = who;
    run(daemon, reference, move |tx, ctx| {
        let holder = holder(tx, &address, &cookie, ctx.now)?;
        dispatch(tx, ctx, &holder, &act)
    })
    .await
}

fn dispatch(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, act: &UserAct) -> Result<Out, PortalError> {
    match act {
        UserAct::Rename { token, name } => rename(tx, ctx, holder, (token, name)),
        UserAct::Unassign { token } => {
            allowed(holder, Action::Unassign)?;
            let id = here(tx, holder, token)?.id();
            step_up::begin(tx, ctx, holder, Act::Unassign(id))
        }
        UserAct::ChangePhone { token, phone } => {
            allowed(holder, Action::ChangePhone)?;
            let asker = Asker::of(holder);
            let act = enrol::may_change_phone(tx, ctx, &asker, (token, phone.expose()))?;
            step_up::begin(tx, ctx, holder, act)
        }
        UserAct::Reissue { token } => {
            allowed(holder, Action::Reissue)?;
            let act = enrol::may_reissue(tx, &Asker::of(holder), token)?;
            step_up::begin(tx, ctx, holder, act)
        }
        UserAct::AssignExisting { token } => {
            allowed(holder, Action::AssignExisting)?;
            let id = token.parse().map_err(|_| PortalError::NotFound)?;
            assignable(tx, holder, id)?;
            step_up::begin(tx, ctx, holder, Act::AssignExisting(id))
        }
        UserAct::Prefer { token } => prefer(tx, ctx, holder, token),
        UserAct::TestText { token } => test_text(tx, ctx, holder, token),
        UserAct::Synchronise { token, first, second } => {
            allowed(holder, Action::Synchronise)?;
            synchronise(tx, ctx, holder, (token, first, second))
        }
        UserAct::Email { new } => {
            allowed(holder, Action::ChangeEmail)?;
            let new = Address::parse(new).map_err(|e| PortalError::invalid("email", e))?;
            if document::get::<MailSetup>(tx, &ONLY)?.is_none() {
                let rule = "no mail can be sent just now, so a new address cannot be confirmed";
                return Err(PortalError::conflict("email", rule));
            }
            step_up::begin(tx, ctx, holder, Act::Email(new.to_string()))
        }
        UserAct::Login { new } => {
            allowed(holder, Action::ChangeLogin)?;
            let name = user_name::parse(new)?;
            free(tx, holder, &name)?;
            step_up::begin(tx, ctx, holder, Act::Login(name.to_string()))
        }
        UserAct::Names { first, last } => {
            allowed(holder, Action::ChangeNames)?;
            let (first_name, last_name) = (person_name("first", first)?, person_name("last", last)?);
            change(tx, holder, |user| {
                user.profile.first_name.clone_from(&first_name);
                user.profile.last_name.clone_from(&last_name);
            })?;
            Ok(carried(ctx, holder, "names"))
        }
        UserAct::Language { lang } => {
            if !matches!(lang.as_str(), "en" | "de") {
                return Err(PortalError::invalid("lang", "a language is `en` or `de`"));
            }
            change(tx, holder, |user| user.profile.lang.clone_from(lang))?;
            Ok(carried(ctx, holder, "language"))
        }
        UserAct::RenewRecovery => {
            recovery::renewable(tx, holder)?;
            step_up::begin(tx, ctx, holder, Act::RenewRecovery)
        }
        UserAct::EndSession { id } => {
            allowed(holder, Action::ManageSessions)?;
            let id: PortalSessionId = id.parse().map_err(|_| PortalError::NotFound)?;
            let theirs = document::of::<PortalSession>(tx, &holder.user.id.0)?;
            if !theirs.iter().any(|session| session.id == id) {
                return Err(PortalError::NotFound);
            }
            document::delete::<PortalSession>(tx, &id.0)?;
            Ok(carried(ctx, holder, "end-session"))
        }
        UserAct::EndOtherSessions => {
            allowed(holder, Action::ManageSessions)?;
            end_of(tx, holder.user.id, None, Some(holder.session.id))?;
            Ok(carried(ctx, holder, "end-other-sessions"))
        }
        // Hashed before the transaction.
        UserAct::Password { .. } => Err(PortalError::NotFound),
    }
}

/// Changes the user as stored now.
fn change(tx: &mut dyn Tx, holder: &Holder, edit: impl Fn(&mut User)) -> Result<(), PortalError> {
    let mut user = tx.user(holder.user.id)?.ok_or(PortalError::SignedOut)?;
    edit(&mut user);
    Ok(tx.put_user(&user)?)
}

fn person_name(word: &'static str, raw: &str) -> Result<String, PortalError> {
    let name = raw.trim();
    if name.chars().count() > NAME || name.chars().any(char::is_control) {
        let rule = format!("a name has at most {NAME} characters");
        return Err(PortalError::invalid(word, rule));
    }
    Ok(name.to_owned())
}

/// Whether nobody else has the name.
fn free(read: &mut dyn Read, holder: &Holder, name: &LoginName) -> Result<(), PortalError> {
    match read.user_by_name(name)? {
        Some(user) if user.id != holder.user.id => Err(user_name::taken()),
        _ => Ok(()),
    }
}

fn rename(tx: &mut dyn Tx, ctx: &Ctx, holder: &Holder, (id, name): (&str, &str)) -> Result<Out, PortalError> {
    allowed(holder, Action::Rename)?;
    let mut found = here(tx, holder, id)?;
    match &mut found {
        Own::Sms(own) => {
            own.name = token::name(name, &own.phone).map_err(|e| PortalError::invalid("name", e))?;
        }
        Own::Totp(own) => {
            let name = token::tidy(name).map_err(|e| PortalError::invalid("name", e))?;
            if !name.is_empty() {
                own.name = name;
            }
        }
    }
    found.put(tx)?;
    Ok(carried(ctx, holder, "rename"))
}

fn prefer(tx: &mut dyn Tx, ctx: &Ctx, holder: &Holder, id: &str) -> Result<Out, PortalError> {
    let token = here(tx, holder, id)?;
    if token.status() != Status::Active {
        return Err(PortalError::NotFound);
    }
    let (resource, id) = (holder.resource.id, token.id());
    change(tx, holder, |user| {
        user.profile.preferred.retain(|(of, _)| *of != resource);
        user.profile.preferred.push((resource, id));
    })?;
    Ok(carried(ctx, holder, "prefer"))
}

fn test_text(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, id: &str) -> Result<Out, PortalError> {
    let Own::Sms(token) = here(tx, holder, id)? else {
        return Err(PortalError::NotFound);
    };
    if token.status != Status::Active {
        return Err(PortalError::NotFound);
    }
    let ask = texts::Ask {
        kind: TextKind::Test,
        phone: &token.phone,
        user: holder.user.id,
        source: &holder.session.source,
        ends: ctx.now.plus(holder.resource.lifetime()),
        reference: &ctx.reference,
    };
    match texts::queue_text(tx, &ask, ctx.direct.as_ref(), &mut ctx.rng, ctx.now)? {
        Ok(queued) => Ok(Out {
            job: queued.job,
            ..carried(ctx, holder, "test-text")
        }),
        Err(refusal) => Err(PortalError::Busy {
            word: "test-text",
            retry_after: refusal.wait(),
        }),
    }
}

fn synchronise(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    holder: &Holder,
    (id, first, second): (&str, &Secret, &Secret),
) -> Result<Out, PortalError> {
    let Own::Totp(app) = here(tx, holder, id)? else {
        return Err(PortalError::NotFound);
    };
    let guard = tx.guard(holder.user.id)?;
    let wrong = |why: &str, reason| Out {
        reply: PortalReply::Wrong {
            ask: CodeAsk::default(),
            why: why.to_owned(),
        },
        job: None,
        events: vec![holder.about().event(ctx, "wrong-code", reason, "synchronise")],
    };
    if guard.lock_at(ctx.now).is_some() {
        return Ok(wrong("locked", Reason::OtpLocked));
    }
    // What cannot be a code costs no try.
    let digits = app.digits();
    if let Some(why) = misshapen(first.expose(), digits).or_else(|| misshapen(second.expose(), digits)) {
        return Ok(wrong(why.as_str(), Reason::Malformed));
    }
    match app.synchronised(first.expose(), second.expose(), ctx.now) {
        Some(app) => {
            document::put(tx, &app)?;
            Ok(carried(ctx, holder, "synchronise"))
        }
        None => {
            // Guessing here is guessing a code.
            let after = guard.failed(ctx.now, holder.resource.failed_attempts);
            remembered::guard(tx, holder.user.id, &after, ctx.now)?;
            Ok(wrong("wrong", Reason::Wrong(Method::Totp)))
        }
    }
}
