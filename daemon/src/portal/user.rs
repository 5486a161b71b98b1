//! What the holder of a session asks.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::Reference;
use otpost_core::portal::factors::Method;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::session::Stage;
use otpost_ipc::Secret;
use otpost_ipc::portal::{PortalReply, UserOp};
use otpost_store::{Read, Tx};
use zeroize::Zeroizing;

use super::enrol::{self, Asker, Beginning, Form};
use super::error::PortalError;
use super::factors::from_wire;
use super::request::{Ctx, Out, read, report, run, write};
use super::session::{Holder, holder, stale, touch, visitor};
use super::{acts, home, recovery, second, step_up};
use crate::state::Daemon;

/// Portal and cookie.
pub(crate) type Who = (String, Secret);

/// The request's name without what it holds.
pub(crate) fn name(op: &UserOp) -> &'static str {
    match op {
        UserOp::Where => "where",
        UserOp::MailCode { .. } => "mail-code",
        UserOp::Factor { .. } => "factor",
        UserOp::Resend => "resend",
        UserOp::Home => "home",
        UserOp::EnrolBegin { .. } => "enrol-begin",
        UserOp::Enrolment { .. } => "enrolment",
        UserOp::EnrolResend { .. } => "enrol-resend",
        UserOp::EnrolNumber { .. } => "enrol-number",
        UserOp::EnrolConfirm { .. } => "enrol-confirm",
        UserOp::EnrolCancel { .. } => "enrol-cancel",
        UserOp::Act { .. } => "act",
        UserOp::StepUp { .. } => "step-up",
        UserOp::StepUpResend { .. } => "step-up-resend",
        UserOp::StepUpAnswer { .. } => "step-up-answer",
        UserOp::RecoveryFirst => "recovery-first",
        UserOp::SignOut => "sign-out",
    }
}

/// Answers one request.
pub(crate) async fn handle(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
    op: UserOp,
) -> Result<PortalReply, PortalError> {
    seen(daemon, &who).await?;
    let what = name(&op);
    let kept = who.clone();
    let done = dispatch(daemon, reference, who, op).await;
    match &done {
        // The sign-in comes first.
        Err(PortalError::Unfinished) => whereabouts(daemon, kept).await,
        Err(PortalError::Forbidden) => {
            refused(daemon, reference, kept, (what, Reason::NotAllowed)).await?;
            done
        }
        Err(PortalError::NotFound) => {
            refused(daemon, reference, kept, (what, Reason::NotTheirs)).await?;
            done
        }
        _ => done,
    }
}

async fn dispatch(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
    op: UserOp,
) -> Result<PortalReply, PortalError> {
    match op {
        UserOp::Where => whereabouts(daemon, who).await,
        UserOp::MailCode { code } => {
            second::typed(daemon, reference, who, (Stage::Mail, Method::Mail, code)).await
        }
        UserOp::Factor { method, code } => {
            let typed = (Stage::Factor, from_wire(method), code);
            second::typed(daemon, reference, who, typed).await
        }
        UserOp::Resend => second::resend(daemon, reference, who).await,
        UserOp::Home => {
            look(daemon, who, |read, holder, now| {
                Ok(PortalReply::Home(Box::new(home::view(read, holder, now)?)))
            })
            .await
        }
        UserOp::EnrolBegin {
            kind,
            name,
            phone,
            digits,
            form,
            replaces,
        } => {
            let form = Form {
                kind,
                name,
                phone: phone.map(|phone| plain(&phone)),
                digits,
                form,
                replaces,
            };
            enrolment(daemon, reference, who, move |tx, ctx, asker| {
                enrol::begin(tx, ctx, asker, &form)
            })
            .await
        }
        UserOp::Enrolment { id } => {
            look(daemon, who, move |read, holder, now| {
                let view = enrol::show(read, &Asker::of(holder), &id, now)?;
                Ok(PortalReply::Enrolment(Box::new(view)))
            })
            .await
        }
        UserOp::EnrolResend { id } => {
            act(daemon, reference, who, move |tx, ctx, holder| {
                Ok(enrol::resend(tx, ctx, &Asker::of(holder), &id)?.into())
            })
            .await
        }
        UserOp::EnrolNumber { id, phone } => {
            enrolment(daemon, reference, who, move |tx, ctx, asker| {
                enrol::number(tx, ctx, asker, (&id, phone.expose()))
            })
            .await
        }
        UserOp::EnrolConfirm { id, code } => confirm(daemon, reference, who, (id, code)).await,
        UserOp::EnrolCancel { id } => {
            act(daemon, reference, who, move |tx, ctx, holder| {
                let enrolled = enrol::cancel(tx, ctx, &Asker::of(holder), &id)?;
                Ok(Out {
                    reply: PortalReply::Done {
                        what: "enrolment-cancelled".to_owned(),
                    },
                    job: None,
                    events: enrolled.events,
                })
            })
            .await
        }
        UserOp::Act { act } => acts::act(daemon, reference, who, act).await,
        UserOp::StepUp { id } => {
            look(daemon, who, move |read, holder, now| {
                step_up::show(read, holder, &id, now)
            })
            .await
        }
        UserOp::StepUpResend { id } => {
            act(daemon, reference, who, move |tx, ctx, holder| {
                step_up::resend(tx, ctx, holder, &id)
            })
            .await
        }
        UserOp::StepUpAnswer { id, method, code } => {
            step_up::answer(daemon, reference, who, (id, from_wire(method), code)).await
        }
        UserOp::RecoveryFirst => recovery::first(daemon, reference, who).await,
        UserOp::SignOut => second::sign_out(daemon, reference, who).await,
    }
}

/// What is typed in full, for those who keep it sealed.
fn plain(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(secret.expose().to_owned())
}

/// Something that is only shown, on a snapshot.
async fn look(
    daemon: &Arc<Daemon>,
    (address, cookie): Who,
    mut show: impl FnMut(&mut dyn Read, &Holder, Timestamp) -> Result<PortalReply, PortalError> + Send + 'static,
) -> Result<PortalReply, PortalError> {
    let now = daemon.now();
    read(daemon, move |read| {
        let holder = holder(read, &address, &cookie, now)?;
        show(read, &holder, now)
    })
    .await
}

/// Something that changes, in one transaction with the look at who asks.
pub(crate) async fn act(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): Who,
    mut job: impl FnMut(&mut dyn Tx, &mut Ctx, &Holder) -> Result<Out, PortalError> + Send + 'static,
) -> Result<PortalReply, PortalError> {
    run(daemon, reference, move |tx, ctx| {
        let holder = holder(tx, &address, &cookie, ctx.now)?;
        job(tx, ctx, &holder)
    })
    .await
}

/// An enrolment that begins, perhaps after a fresh code.
async fn enrolment(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
    mut begin: impl FnMut(&mut dyn Tx, &mut Ctx, &Asker) -> Result<Beginning, PortalError> + Send + 'static,
) -> Result<PortalReply, PortalError> {
    act(daemon, reference, who, move |tx, ctx, holder| {
        match begin(tx, ctx, &Asker::of(holder))? {
            Beginning::Enrolled(enrolled) => Ok((*enrolled).into()),
            Beginning::StepUp(act) => step_up::begin(tx, ctx, holder, act),
        }
    })
    .await
}

async fn confirm(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    who: Who,
    (id, code): (String, Secret),
) -> Result<PortalReply, PortalError> {
    let (address, cookie) = who.clone();
    let now = daemon.now();
    let asker = move |read: &mut dyn Read| Ok(Asker::of(&holder(read, &address, &cookie, now)?));
    let prepared = enrol::prepare(daemon, asker, (&id, &plain(&code))).await?;
    act(daemon, reference, who, move |tx, ctx, holder| {
        let asker = Asker::of(holder);
        let confirmed = enrol::confirm(tx, ctx, &asker, (&id, code.expose()), prepared.as_ref())?;
        Ok(confirmed.into())
    })
    .await
}

/// Where a sign-in stands.
async fn whereabouts(daemon: &Arc<Daemon>, (address, cookie): Who) -> Result<PortalReply, PortalError> {
    let now = daemon.now();
    read(daemon, move |read| {
        let visitor = visitor(read, &address, &cookie, now)?;
        Ok(PortalReply::At(second::next(read, &visitor, now)?))
    })
    .await
}

/// Keeps the last use of the session, exact to a minute.
async fn seen(daemon: &Arc<Daemon>, (address, cookie): &Who) -> Result<(), PortalError> {
    let now = daemon.now();
    let (address, cookie) = (address.clone(), cookie.clone());
    let old = read(daemon, move |read| {
        let visitor = visitor(read, &address, &cookie, now)?;
        Ok(stale(&visitor.session, now).then_some(visitor.session.id))
    })
    .await;
    match old {
        Ok(Some(id)) => Ok(daemon.write(move |tx| touch(tx, id, now)).await?),
        Ok(None) => Ok(()),
        // Whoever signs out of a session that has ended is signed out: that is for the request itself to say.
        Err(PortalError::SignedOut) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Records what was refused to somebody who is known.
async fn refused(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): Who,
    (what, reason): (&'static str, Reason),
) -> Result<(), PortalError> {
    let ctx = Ctx {
        reference: reference.clone(),
        now: daemon.now(),
        keys: daemon.keys.clone(),
        rng: daemon.rng(),
        direct: None,
    };
    let event = write(daemon, move |tx| {
        let visitor = visitor(tx, &address, &cookie, ctx.now)?;
        let event = visitor.about().event(&ctx, "deny", reason, what);
        tx.append_audit(&event)?;
        Ok(event)
    })
    .await;
    match event {
        Ok(event) => report(&[event]),
        Err(PortalError::SignedOut) => {}
        Err(other) => return Err(other),
    }
    Ok(())
}
