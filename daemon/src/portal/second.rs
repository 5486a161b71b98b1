//! The steps of a sign-in after its first page: the mailed code, the second factor, messages again.

use std::sync::Arc;

use otpost_core::ids::Reference;
use otpost_core::limits::Guard;
use otpost_core::portal::answer::{self, Proof, Step, Typed, View};
use otpost_core::portal::factors::{Factors, Method, Way};
use otpost_core::portal::reason::Reason;
use otpost_core::portal::session::Stage;
use otpost_core::portal::sign_in;
use otpost_core::portal::verification::Verification;
use otpost_ipc::Secret;
use otpost_ipc::portal::{Next, PortalReply};
use otpost_store::{CounterKey, Read, StoreError, document};

use super::error::PortalError;
use super::factors::{self, Whose, apply, spare_key};
use super::request::{Ctx, Out, read, run};
use super::session::{self, Visitor, rotate, visitor};
use super::sign_in::Further;
use super::{asks, by_mail, mails, proof};
use crate::state::Daemon;

/// A verification with everything an answer looks at.
pub(crate) struct Rows {
    pub(crate) factors: Factors,
    pub(crate) guard: Guard,
    pub(crate) spare: otpost_core::limits::Counter,
    pub(crate) closed: bool,
    /// Codes from e-mails are wrong, whatever they are.
    pub(crate) shut: bool,
}

impl Rows {
    /// `mail`: the way is a code from an e-mail, which has limits of its own; else a password's are looked at.
    pub(crate) fn load(
        read: &mut dyn Read,
        visitor: &Visitor,
        (name, mail): (&str, bool),
        ctx_now: otpost_core::Timestamp,
    ) -> Result<Self, StoreError> {
        let source = &visitor.session.source;
        let shut = match &visitor.user {
            Some(user) if mail => factors::mail_shut(read, user.id, source, ctx_now)?,
            _ => false,
        };
        // Whoever is signed in may know that their own names are one.
        let told = shut && visitor.session.stage == Stage::Full;
        let closed = if mail {
            let counters = by_mail::MailKeys::new(name, source).load(read)?;
            told || sign_in::mail_closed(&counters, source, ctx_now).is_some()
        } else {
            match &visitor.user {
                Some(user) => factors::password_closed(read, user.id, source, ctx_now)?.is_some(),
                None => false,
            }
        };
        Ok(match &visitor.user {
            Some(user) => Self {
                factors: factors::at(read, user.id, visitor.resource.id)?,
                guard: read.guard(user.id)?,
                spare: read.counter(CounterKey::Portal(&spare_key(user.id)))?,
                closed,
                shut,
            },
            None => Self {
                factors: Factors::default(),
                guard: Guard::default(),
                spare: otpost_core::limits::Counter::default(),
                closed,
                shut,
            },
        })
    }

    /// Decides about what was typed.
    pub(crate) fn answer(
        &self,
        visitor: &Visitor,
        (verification, ways): (&Verification, &[Way]),
        (method, typed, proof): (Method, &Secret, Option<&Proof>),
        ctx: &Ctx,
    ) -> Step {
        let password = visitor.user.as_ref().and_then(|u| u.password.as_ref());
        let view = View {
            verification,
            ways,
            factors: &self.factors,
            guard: &self.guard,
            failed_attempts: visitor.resource.failed_attempts,
            resource: visitor.resource.id,
            spare: &self.spare,
            closed: self.closed,
            shut: self.shut,
            password: password.map(|hash| hash.0.as_str()),
            keys: &ctx.keys,
        };
        let typed = Typed {
            method,
            text: typed.expose(),
            proof,
        };
        answer::answer(&typed, &view, ctx.now)
    }
}

/// Ways of a sign-in that waits.
fn ways(visitor: &Visitor, rows: &Rows, now: otpost_core::Timestamp) -> Vec<Way> {
    match (&visitor.user, visitor.session.stage) {
        (_, Stage::Mail) => by_mail::ways().to_vec(),
        (Some(user), Stage::Factor) => {
            let locked = factors::locked(&rows.guard, now);
            let wanted = sign_in::wanted(&visitor.resource, user, locked);
            rows.factors.ways(wanted, now)
        }
        _ => Vec::new(),
    }
}

/// The code that a sign-in waits for.
fn waiting(read: &mut dyn Read, visitor: &Visitor) -> Result<Verification, PortalError> {
    let id = visitor.session.verification.ok_or(PortalError::SignedOut)?;
    let found: Option<Verification> = document::get(read, &id.0)?;
    // Bound to the session that asked.
    found
        .filter(|v| v.session == visitor.session.id)
        .ok_or(PortalError::SignedOut)
}

/// Where a sign-in stands.
pub(crate) fn next(
    read: &mut dyn Read,
    visitor: &Visitor,
    now: otpost_core::Timestamp,
) -> Result<Next, PortalError> {
    if visitor.session.stage == Stage::Full {
        return Ok(Next::Home);
    }
    let verification = waiting(read, visitor)?;
    let mail = visitor.session.stage == Stage::Mail;
    let rows = Rows::load(read, visitor, (&verification.name, mail), now)?;
    let ways = ways(visitor, &rows, now);
    let ask = asks::view(read, &verification, &ways, now)?;
    Ok(if mail { Next::Mail(ask) } else { Next::Factor(ask) })
}

/// The message again, or a first one where another way was offered.
pub(crate) async fn resend(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): (String, Secret),
) -> Result<PortalReply, PortalError> {
    run(daemon, reference, move |tx, ctx| {
        let visitor = visitor(tx, &address, &cookie, ctx.now)?;
        if visitor.session.stage == Stage::Full {
            return Ok(PortalReply::At(Next::Home).into());
        }
        let verification = waiting(tx, &visitor)?;
        let mail = visitor.session.stage == Stage::Mail;
        let rows = Rows::load(tx, &visitor, (&verification.name, mail), ctx.now)?;
        let ways = ways(&visitor, &rows, ctx.now);
        let keys = by_mail::MailKeys::new(&verification.name, &visitor.session.source);
        let may = !mail || may_mail(tx, &keys, &visitor, ctx)?;
        let to = match (&visitor.user, mail) {
            (Some(user), true) => {
                let email = user.email.clone().filter(|_| user.password.is_none());
                email.map(|address| mails::To {
                    address,
                    user,
                    resource: &visitor.resource,
                    lang: by_mail::lang(user, &visitor.session.lang),
                })
            }
            _ => None,
        };
        let to = match to {
            Some(to) => {
                let whose = (to.user.id, to.address.as_str());
                let may = by_mail::room(tx, whose, &visitor.session.source, ctx.now)?;
                Some(to).filter(|_| may)
            }
            None => None,
        };
        let (verification, job, reason) = if may {
            asks::again(tx, verification, (&ways, &rows.factors), to.as_ref(), ctx)?
        } else {
            let refused = asks::over_budget(tx, verification, ctx.now)?;
            (refused, None, Reason::EmailBudget)
        };
        if mail && reason == Reason::Resent {
            let counters = keys.load(tx)?;
            keys.hit(tx, &counters, ctx.now)?;
            if let Some(to) = &to {
                by_mail::count_address(tx, &to.address, ctx.now)?;
            }
        }
        let ask = asks::view(tx, &verification, &ways, ctx.now)?;
        let next = if mail { Next::Mail(ask) } else { Next::Factor(ask) };
        Ok(Out {
            reply: PortalReply::At(next),
            job,
            events: vec![visitor.about().event(ctx, "challenge", reason, "")],
        })
    })
    .await
}

/// Whether name and network may ask for one more mail.
fn may_mail(
    read: &mut dyn Read,
    keys: &by_mail::MailKeys,
    visitor: &Visitor,
    ctx: &Ctx,
) -> Result<bool, StoreError> {
    let counters = keys.load(read)?;
    Ok(sign_in::may_mail(&counters, &visitor.session.source, ctx.now).is_ok())
}

/// The code that was mailed, or the second factor.
pub(crate) async fn typed(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): (String, Secret),
    (stage, method, typed): (Stage, Method, Secret),
) -> Result<PortalReply, PortalError> {
    let now = daemon.now();
    let (wanted, kept) = (address.clone(), cookie.clone());
    let (user, factors) = read(daemon, move |read| {
        let visitor = visitor(read, &wanted, &kept, now)?;
        if visitor.session.stage != stage {
            return Err(PortalError::Unfinished);
        }
        // Nothing is hashed for a sign-in that takes no code any more.
        let open = waiting(read, &visitor)?.flow.closed(now);
        let hashable = !matches!(
            open,
            Some(otpost_core::portal::flow::Closed::TriesUsed | otpost_core::portal::flow::Closed::Done)
        );
        let factors = match &visitor.user {
            Some(user) if hashable => factors::at(read, user.id, visitor.resource.id)?,
            _ => Factors::default(),
        };
        Ok((visitor.user, factors))
    })
    .await?;
    let proof = proof::of(daemon, (method, &typed), (user.as_ref(), &factors)).await?;
    run(daemon, reference, move |tx, ctx| {
        let visitor = visitor(tx, &address, &cookie, ctx.now)?;
        if visitor.session.stage != stage {
            return Err(PortalError::Unfinished);
        }
        let verification = waiting(tx, &visitor)?;
        let rows = Rows::load(tx, &visitor, (&verification.name, stage == Stage::Mail), ctx.now)?;
        let ways = ways(&visitor, &rows, ctx.now);
        let step = rows.answer(
            &visitor,
            (&verification, &ways),
            (method, &typed, proof.as_ref()),
            ctx,
        );
        let whose = Whose {
            user: visitor.user.as_ref().map(|u| u.id),
            name: &verification.name,
            source: &visitor.session.source,
            now: ctx.now,
        };
        apply(tx, &step.changes, &whose)?;
        let about = visitor.about();
        if let Some(why) = step.wrong {
            // Afterwards other ways may be open: a lock leaves those that clear it.
            let rows = Rows::load(tx, &visitor, (&verification.name, stage == Stage::Mail), ctx.now)?;
            let verification = waiting(tx, &visitor)?;
            let ways = self::ways(&visitor, &rows, ctx.now);
            let ask = asks::view(tx, &verification, &ways, ctx.now)?;
            return Ok(Out {
                reply: PortalReply::Wrong {
                    ask,
                    why: why.as_str().to_owned(),
                },
                job: None,
                events: vec![about.event(ctx, "wrong-code", step.reason, "")],
            });
        }
        let Some(user) = &visitor.user else {
            return Err(PortalError::SignedOut);
        };
        let further = Further {
            resource: &visitor.resource,
            user,
            factors: &rows.factors,
        };
        let entry = match stage {
            Stage::Mail => {
                let after = sign_in::second(&visitor.resource, user, (&rows.factors, &rows.guard), ctx.now);
                let reason = match after.1 {
                    Reason::FirstFactor => step.reason,
                    other => other,
                };
                (after.0, reason)
            }
            _ => (sign_in::Entry::Full, step.reason),
        };
        let fresh = rotate(&visitor.session, Stage::Factor, &mut ctx.rng, ctx.now);
        further.enter(tx, fresh, entry, ctx)
    })
    .await
}

/// Ends the session of this cookie, where there is one.
pub(crate) async fn sign_out(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): (String, Secret),
) -> Result<PortalReply, PortalError> {
    run(daemon, reference, move |tx, ctx| {
        let done = PortalReply::Done {
            what: "signed-out".to_owned(),
        };
        let visitor = match visitor(tx, &address, &cookie, ctx.now) {
            Ok(visitor) => visitor,
            Err(PortalError::SignedOut) => return Ok(done.into()),
            Err(other) => return Err(other),
        };
        session::end(tx, &visitor.session)?;
        Ok(Out {
            reply: done,
            job: None,
            events: vec![visitor.about().event(ctx, "sign-out", Reason::Asked, "")],
        })
    })
    .await
}
