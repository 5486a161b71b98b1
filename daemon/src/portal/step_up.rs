//! The fresh code that an act needs (domain decision 10): bound to one session, one act and its new value, and good for it once.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::{Reference, VerificationId};
use otpost_core::limits::Guard;
use otpost_core::phone::Phone;
use otpost_core::portal::factors::{Factors, Method, Way};
use otpost_core::portal::flow::FlowState;
use otpost_core::portal::reason::Reason;
use otpost_core::portal::sign_in;
use otpost_core::portal::verification::{Act, For, Owner, Verification};
use otpost_ipc::Secret;
use otpost_ipc::portal::PortalReply;
use otpost_store::{Read, StoreError, Tx, document};

use super::error::PortalError;
use super::factors::{Whose, apply, locked};
use super::recovery;
use super::request::{Ctx, Out, read, run};
use super::second::Rows;
use super::session::{Holder, Visitor, holder};
use super::user::Who;
use super::{acts, asks, by_mail, factors, mails, proof, site};
use crate::state::Daemon;

/// Step-ups of a person that have ended and stay, so that their pages can be loaded again.
const ENDED: usize = 8;

/// Ways to prove oneself for `purpose`, preferred first. Without a second factor anywhere, the first one once more.
fn ways(
    read: &mut dyn Read,
    holder: &Holder,
    (factors, guard): (&Factors, &Guard),
    purpose: &For,
    now: Timestamp,
) -> Result<Vec<Way>, StoreError> {
    if matches!(purpose, For::NewEmail(_)) {
        return Ok(by_mail::ways().to_vec());
    }
    let shut = locked(guard, now);
    let mut ways = factors.ways(sign_in::wanted(&holder.resource, &holder.user, shut), now);
    if factors.guard(holder.resource.id) {
        return Ok(ways);
    }
    // A token that is to guard this resource proves itself.
    if let For::Act(Act::AssignExisting(token)) = purpose
        && !shut
        && let Some(way) = factors.way_of(*token)
    {
        ways.insert(0, way);
        return Ok(ways);
    }
    if factors.any() {
        // What an act changes, such as password or address, holds where those tokens guard: the first factor alone is not enough.
        let mut own = if shut {
            Vec::new()
        } else {
            factors.ways_elsewhere()
        };
        own.append(&mut ways);
        return Ok(own);
    }
    if holder.user.password.is_some() {
        ways.push(Way::plain(Method::Password));
    } else if holder.user.email.is_some() && site::by_mail(read)? {
        ways.push(Way::plain(Method::Mail));
    }
    Ok(ways)
}

/// Where a code for `purpose` is mailed.
fn to<'a>(holder: &'a Holder, purpose: &For) -> Option<mails::To<'a>> {
    let address = match purpose {
        For::NewEmail(new) => Some(new.clone()),
        _ => holder.user.email.clone(),
    };
    address.map(|address| mails::To {
        address,
        user: &holder.user,
        resource: &holder.resource,
        lang: holder.lang(),
    })
}

/// The mail of `purpose`, where the first way is one and the address has not had too many.
fn mail<'a>(
    read: &mut dyn Read,
    holder: &'a Holder,
    (purpose, ways): (&For, &[Way]),
    ctx: &Ctx,
) -> Result<Option<mails::To<'a>>, StoreError> {
    let wanted = asks::sending(ways).is_some_and(|way| way.method == Method::Mail);
    match to(holder, purpose).filter(|_| wanted) {
        Some(to) => {
            let whose = (holder.user.id, to.address.as_str());
            let may = by_mail::may_send(read, whose, &holder.session.source, ctx.now)?;
            Ok(Some(to).filter(|_| may))
        }
        None => Ok(None),
    }
}

/// Asks for a fresh code for `act`.
pub(crate) fn begin(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, act: Act) -> Result<Out, PortalError> {
    ask(tx, ctx, holder, For::Act(act))
}

/// Asks for the code that is mailed to a new address.
pub(crate) fn new_email(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    holder: &Holder,
    new: &str,
) -> Result<Out, PortalError> {
    ask(tx, ctx, holder, For::NewEmail(new.to_owned()))
}

fn ask(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, purpose: For) -> Result<Out, PortalError> {
    end_others(tx, holder, ctx.now)?;
    let loaded = factors::at(tx, holder.user.id, holder.resource.id)?;
    let guard = tx.guard(holder.user.id)?;
    let ways = ways(tx, holder, (&loaded, &guard), &purpose, ctx.now)?;
    if ways.is_empty() {
        return Err(PortalError::conflict(
            "locked",
            "there is no way to prove that it is you just now; ask your helpdesk",
        ));
    }
    let word = word(&purpose);
    let beginning = asks::Beginning {
        session: holder.session.id,
        owner: Some(Owner::User(holder.user.id)),
        resource: &holder.resource,
        purpose,
        source: &holder.session.source,
        name: "",
    };
    let verification = asks::begin(beginning, ctx);
    let first_by_mail = ways.first().is_some_and(|way| way.method == Method::Mail);
    let to = if first_by_mail {
        mail(tx, holder, (&verification.purpose, &ways), ctx)?
    } else {
        None
    };
    let (verification, job) = if first_by_mail && to.is_none() {
        (asks::over_budget(tx, verification, ctx.now)?, None)
    } else {
        asks::first(tx, verification, (&ways, &loaded), to.as_ref(), ctx)?
    };
    if let Some(to) = &to {
        by_mail::sent(tx, &to.address, &holder.session.source, ctx.now)?;
    }
    Ok(Out {
        reply: reply(tx, &verification, &ways, ctx.now)?,
        job,
        events: vec![holder.about().event(ctx, "challenge", Reason::StepUp, word)],
    })
}

/// One at a time: what was asked for before and not answered is no more. And no more than a few stay, however often is asked.
fn end_others(tx: &mut dyn Tx, holder: &Holder, now: Timestamp) -> Result<(), StoreError> {
    let mut ended = Vec::new();
    for old in document::of::<Verification>(tx, &holder.user.id.0)? {
        if !matches!(old.purpose, For::Act(_) | For::NewEmail(_)) {
            continue;
        }
        let open = old.flow.state == FlowState::Open;
        if open && old.session == holder.session.id {
            let flow = old.flow.cancelled();
            document::put(
                tx,
                &Verification {
                    flow: flow.clone(),
                    ..old.clone()
                },
            )?;
            ended.push((flow.created, old.id));
        } else if !open || now >= old.flow.deadline {
            ended.push((old.flow.created, old.id));
        }
    }
    ended.sort();
    let many = ended.len().saturating_sub(ENDED);
    for (_, id) in ended.into_iter().take(many) {
        document::delete::<Verification>(tx, &id.0)?;
    }
    Ok(())
}

/// The act's word.
fn word(purpose: &For) -> &'static str {
    match purpose {
        For::Act(act) => act.as_str(),
        For::NewEmail(_) => "new-email",
        For::Mail | For::SignIn => "sign-in",
    }
}

fn reply(
    read: &mut dyn Read,
    verification: &Verification,
    ways: &[Way],
    now: Timestamp,
) -> Result<PortalReply, StoreError> {
    let value = match &verification.purpose {
        For::Act(Act::Email(new) | Act::Login(new)) | For::NewEmail(new) => new.clone(),
        For::Act(Act::ChangePhone(_, number)) => Phone::parse(number, None)
            .map_or_else(|_| String::new(), |phone| phone.international().to_string()),
        _ => String::new(),
    };
    Ok(PortalReply::StepUp {
        id: verification.id.to_string(),
        act: word(&verification.purpose).to_owned(),
        value,
        ask: asks::view(read, verification, ways, now)?,
    })
}

/// A step-up of this session; somebody else's is not there.
fn find(read: &mut dyn Read, holder: &Holder, id: &str) -> Result<Verification, PortalError> {
    let id: VerificationId = id.parse().map_err(|_| PortalError::NotFound)?;
    document::get::<Verification>(read, &id.0)?
        .filter(|v| v.session == holder.session.id && v.owner == Some(Owner::User(holder.user.id)))
        .filter(|v| matches!(v.purpose, For::Act(_) | For::NewEmail(_)))
        .ok_or(PortalError::NotFound)
}

/// Where it stands.
pub(crate) fn show(
    read: &mut dyn Read,
    holder: &Holder,
    id: &str,
    now: Timestamp,
) -> Result<PortalReply, PortalError> {
    let verification = find(read, holder, id)?;
    let loaded = factors::at(read, holder.user.id, holder.resource.id)?;
    let guard = read.guard(holder.user.id)?;
    let ways = ways(read, holder, (&loaded, &guard), &verification.purpose, now)?;
    Ok(reply(read, &verification, &ways, now)?)
}

/// The message again, or a first one where another way was offered.
pub(crate) fn resend(tx: &mut dyn Tx, ctx: &mut Ctx, holder: &Holder, id: &str) -> Result<Out, PortalError> {
    let verification = find(tx, holder, id)?;
    let loaded = factors::at(tx, holder.user.id, holder.resource.id)?;
    let guard = tx.guard(holder.user.id)?;
    let ways = ways(tx, holder, (&loaded, &guard), &verification.purpose, ctx.now)?;
    let to = mail(tx, holder, (&verification.purpose, &ways), ctx)?;
    let by_mail = asks::sending(&ways).is_some_and(|way| way.method == Method::Mail);
    let (verification, job, reason) = if by_mail && to.is_none() {
        let refused = asks::over_budget(tx, verification, ctx.now)?;
        (refused, None, Reason::EmailBudget)
    } else {
        asks::again(tx, verification, (&ways, &loaded), to.as_ref(), ctx)?
    };
    if let (Some(to), Reason::Resent) = (&to, reason) {
        by_mail::sent(tx, &to.address, &holder.session.source, ctx.now)?;
    }
    Ok(Out {
        reply: reply(tx, &verification, &ways, ctx.now)?,
        job,
        events: vec![holder.about().event(ctx, "challenge", reason, "")],
    })
}

/// What an answer is decided by.
struct Decided {
    verification: Verification,
    step: otpost_core::portal::answer::Step,
}

fn decide(
    read: &mut dyn Read,
    holder: &Holder,
    (id, method, typed): (&str, Method, &Secret),
    proof: Option<&otpost_core::portal::answer::Proof>,
    ctx: &Ctx,
) -> Result<Decided, PortalError> {
    let verification = find(read, holder, id)?;
    let visitor = Visitor {
        session: holder.session.clone(),
        resource: holder.resource.clone(),
        user: Some(holder.user.clone()),
    };
    let login = holder.user.login.as_str();
    let rows = Rows::load(read, &visitor, (login, method == Method::Mail), ctx.now)?;
    let ways = ways(
        read,
        holder,
        (&rows.factors, &rows.guard),
        &verification.purpose,
        ctx.now,
    )?;
    let step = rows.answer(&visitor, (&verification, &ways), (method, typed, proof), ctx);
    Ok(Decided { verification, step })
}

/// The fresh code. The act is carried out in the transaction that takes it.
pub(crate) async fn answer(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): Who,
    (id, method, typed): (String, Method, Secret),
) -> Result<PortalReply, PortalError> {
    let now = daemon.now();
    let (wanted, kept, named) = (address.clone(), cookie.clone(), id.clone());
    let (user, loaded) = read(daemon, move |read| {
        let holder = holder(read, &wanted, &kept, now)?;
        // Nothing is hashed for a step-up that takes no code any more.
        let open = find(read, &holder, &named)?.flow.state == FlowState::Open;
        let loaded = if open {
            factors::at(read, holder.user.id, holder.resource.id)?
        } else {
            Factors::default()
        };
        Ok((holder.user, loaded))
    })
    .await?;
    let proof = proof::of(daemon, (method, &typed), (Some(&user), &loaded)).await?;
    let asked = (id.as_str(), method, &typed);
    let mut codes = None;
    // Held until the transaction that stores them has ended.
    let _turn;
    if renews(daemon, reference, (&address, &cookie), asked, proof.as_ref()).await? {
        _turn = recovery::TURN.lock().await;
        if renews(daemon, reference, (&address, &cookie), asked, proof.as_ref()).await? {
            codes = Some(recovery::make(daemon).await?);
        }
    }
    run(daemon, reference, move |tx, ctx| {
        let holder = holder(tx, &address, &cookie, ctx.now)?;
        let Decided { verification, step } = decide(tx, &holder, (&id, method, &typed), proof.as_ref(), ctx)?;
        let whose = Whose {
            user: Some(holder.user.id),
            name: &holder.user.login,
            source: &holder.session.source,
            now: ctx.now,
        };
        apply(tx, &step.changes, &whose)?;
        let about = holder.about();
        if let Some(why) = step.wrong {
            let PortalReply::StepUp { ask, .. } = show(tx, &holder, &id, ctx.now)? else {
                return Err(PortalError::NotFound);
            };
            return Ok(Out {
                reply: PortalReply::Wrong {
                    ask,
                    why: why.as_str().to_owned(),
                },
                job: None,
                events: vec![about.event(ctx, "wrong-code", step.reason, word(&verification.purpose))],
            });
        }
        let proven = about.event(ctx, "step-up", step.reason, word(&verification.purpose));
        let mut out = match &verification.purpose {
            For::Act(act) => acts::carry_out(tx, ctx, &holder, act, codes.as_ref())?,
            For::NewEmail(new) => acts::take_email(tx, ctx, &holder, new)?,
            For::Mail | For::SignIn => return Err(PortalError::NotFound),
        };
        out.events.insert(0, proven);
        Ok(out)
    })
    .await
}

/// Whether this very code would be taken, and new recovery codes are what it is for.
async fn renews(
    daemon: &Arc<Daemon>,
    reference: &Reference,
    (address, cookie): (&str, &Secret),
    (id, method, typed): (&str, Method, &Secret),
    proof: Option<&otpost_core::portal::answer::Proof>,
) -> Result<bool, PortalError> {
    let ctx = Ctx {
        reference: reference.clone(),
        now: daemon.now(),
        keys: daemon.keys.clone(),
        rng: daemon.rng(),
        direct: None,
    };
    let (address, cookie, id) = (address.to_owned(), cookie.clone(), id.to_owned());
    let (typed, proof) = (typed.clone(), proof.cloned());
    read(daemon, move |read| {
        let holder = holder(read, &address, &cookie, ctx.now)?;
        let decided = decide(read, &holder, (&id, method, &typed), proof.as_ref(), &ctx)?;
        let renew = matches!(decided.verification.purpose, For::Act(Act::RenewRecovery));
        Ok(renew && decided.step.wrong.is_none())
    })
    .await
}
