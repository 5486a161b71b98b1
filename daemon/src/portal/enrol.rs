//! Enrolments: begun, sent again, confirmed, taken back, by people on the portal and by administrators.
//!
//! Everything here runs in the caller's transaction. The token, what it replaces, recovery codes and audit row come in the one that
//! takes the code: after a crash there is either all of it or the open enrolment.

mod finish;
mod recovery;
mod rows;
#[cfg(test)]
mod tests;
mod view;

use std::time::Duration;

use otpost_core::audit::Event;
use otpost_core::ids::{EnrolmentId, TokenId, UserId};
use otpost_core::net::Source;
use otpost_core::outbox::Kind as TextKind;
use otpost_core::portal::enrolment::{
    self, Begun, By, Enrolment, Field, Offer, PERMIT_LIFE, Permit, Refused, Replacing, Stand, Wanted,
};
use otpost_core::portal::flow::{FlowState, Resend};
use otpost_core::portal::verification::Act;
use otpost_core::resource::Resource;
use otpost_core::text::Lang;
use otpost_core::user::User;
use otpost_core::{Timestamp, portal::settings::Kind};
use otpost_ipc::portal::{EnrolmentView, PortalReply};
use otpost_store::{Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use super::error::PortalError;
use super::request::{About, Ctx, Out};
use super::session::Holder;
use super::texts::{self, Ask};
use crate::outbox::Job;

pub(crate) use finish::confirm;
pub(crate) use recovery::{Prepared, prepare};
use rows::Rows;

/// Enrolments of a person that have ended and stay, however often is begun.
const ENDED: usize = 16;
/// How long an enrolment stays after its end: its page may be loaded again.
const KEEP: Duration = Duration::from_secs(3600);

/// Who asks, for whom and for what.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) by: By,
    pub(crate) user: User,
    pub(crate) resource: Resource,
    pub(crate) about: About,
    /// Draws on its budget of texts.
    pub(crate) source: Source,
    /// Language of the pages, for people who chose none.
    pub(crate) pages: String,
}

impl Asker {
    /// The holder of a session.
    pub(crate) fn of(holder: &Holder) -> Self {
        Self {
            by: By::Session {
                id: holder.session.id,
                invited: holder.session.invited,
            },
            user: holder.user.clone(),
            resource: holder.resource.clone(),
            about: holder.about(),
            source: holder.session.source.clone(),
            pages: holder.session.lang.clone(),
        }
    }

    fn lang(&self) -> Lang {
        let chosen = &self.user.profile.lang;
        Lang::of(if chosen.is_empty() { &self.pages } else { chosen })
    }

    /// Whether this enrolment was begun by whoever asks; all others are not there for them.
    fn began(&self, enrolment: &Enrolment) -> bool {
        let session = match self.by {
            By::Session { id, .. } => Some(id),
            By::Administrator => None,
        };
        enrolment.session == session
            && enrolment.user == self.user.id
            && enrolment.resource == self.resource.id
    }

    /// A row of the audit log.
    fn event(&self, ctx: &Ctx, kind: &str, reason: &str, detail: &str) -> Event {
        Event {
            at: ctx.now,
            kind: format!("enrol.{kind}"),
            reason: reason.to_owned(),
            reference: ctx.reference.clone(),
            user: self.about.user.clone(),
            resource: self.about.resource.clone(),
            via: self.about.via.clone(),
            source: self.about.source.clone(),
            detail: detail.to_owned(),
        }
    }
}

/// What the form says. Does not print.
#[derive(Clone, Default)]
pub(crate) struct Form {
    /// `sms` or `totp`.
    pub(crate) kind: String,
    /// Token name as typed.
    pub(crate) name: String,
    /// Phone number as typed.
    pub(crate) phone: Option<Zeroizing<String>>,
    /// Length of codes.
    pub(crate) digits: Option<u8>,
    /// Name of the form: the same one twice is one enrolment.
    pub(crate) form: String,
    /// Token that it replaces, by id.
    pub(crate) replaces: Option<String>,
}

/// An enrolment after a request.
pub(crate) struct Enrolled {
    pub(crate) view: EnrolmentView,
    /// A text that was leased.
    pub(crate) job: Option<Job>,
    /// To be recorded by the caller, in the same transaction.
    pub(crate) events: Vec<Event>,
}

impl From<Enrolled> for Out {
    fn from(enrolled: Enrolled) -> Self {
        Self {
            reply: PortalReply::Enrolment(Box::new(enrolled.view)),
            job: enrolled.job,
            events: enrolled.events,
        }
    }
}

/// How a begin ended.
pub(crate) enum Beginning {
    /// It began, or had begun before.
    Enrolled(Box<Enrolled>),
    /// A fresh code of the old factor is needed for this act first; nothing was stored.
    StepUp(Act),
}

impl From<Refused> for PortalError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Off
            | Refused::KindOff
            | Refused::NotYours
            | Refused::Deadline
            | Refused::NoInvitation
            | Refused::Blocked
            // Who asks for an act that needs a code gets a step-up instead of this.
            | Refused::StepUp(_) => Self::Forbidden,
            Refused::Field { field, message } => Self::invalid(field.as_str(), message),
            Refused::HasToken => Self::conflict("has-token", refused),
            Refused::NoToken => Self::NotFound,
        }
    }
}

/// Begins an enrolment, or finds the one that this form began.
pub(crate) fn begin(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    form: &Form,
) -> Result<Beginning, PortalError> {
    let replaces = match &form.replaces {
        None => None,
        Some(id) => Some(Replacing {
            token: id.parse().map_err(|_| PortalError::NotFound)?,
            number_only: false,
        }),
    };
    let permit = permit(tx, asker, replaces.map(|r| r.token), ctx.now)?;
    let phone = form.phone.as_deref().map(String::as_str);
    let wanted = Wanted {
        by: asker.by,
        form: &form.form,
        kind: &form.kind,
        name: &form.name,
        phone,
        digits: form.digits,
        replaces,
        permitted: permit.is_some(),
        source: &asker.source,
        lang: asker.lang(),
    };
    let rows = Rows::load(tx, &asker.user)?;
    let begun = enrolment::begin(&wanted, &rows.view(asker), ctx.now, &mut ctx.rng);
    if elsewhere(asker, &rows, &begun) && permit.is_none() {
        return Ok(Beginning::StepUp(Act::Enroll));
    }
    if let (Ok(Begun::New { .. }), Some(permit)) = (&begun, permit) {
        document::delete::<Permit>(tx, &permit.session.0)?;
    }
    store(tx, ctx, asker, begun)
}

/// Whether somebody begins who has tokens, if not here: a token opens more than this resource, such as password, address and recovery
/// codes, so that the first factor alone does not get one.
fn elsewhere(asker: &Asker, rows: &Rows, begun: &Result<Begun, Refused>) -> bool {
    matches!(asker.by, By::Session { .. }) && !rows.held.is_empty() && matches!(begun, Ok(Begun::New { .. }))
}

/// What a fresh code for `act` permits: an enrolment begins (another number), or one may begin (`None`). Called by the step-up, in
/// the transaction that took its code.
pub(crate) fn permitted(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    act: &Act,
) -> Result<Option<Enrolled>, PortalError> {
    let By::Session { id: session, .. } = asker.by else {
        return Err(PortalError::Forbidden);
    };
    let replaces = match act {
        Act::Enroll => None,
        Act::Reissue(token) => Some(*token),
        Act::ChangePhone(token, number) => {
            return match change_phone(tx, ctx, asker, (*token, number, true))? {
                Beginning::Enrolled(enrolled) => Ok(Some(*enrolled)),
                Beginning::StepUp(_) => Err(PortalError::Forbidden),
            };
        }
        _ => return Err(PortalError::Forbidden),
    };
    document::put(
        tx,
        &Permit {
            session,
            user: asker.user.id,
            resource: asker.resource.id,
            replaces,
            until: ctx.now.plus(PERMIT_LIFE),
        },
    )?;
    Ok(None)
}

/// The act that a new number for a token needs a fresh code for; all that can be wrong with number and token is said now.
pub(crate) fn may_change_phone(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    (token, phone): (&str, &str),
) -> Result<Act, PortalError> {
    let token: TokenId = token.parse().map_err(|_| PortalError::NotFound)?;
    match change_phone(tx, ctx, asker, (token, phone, false))? {
        Beginning::StepUp(act) => Ok(act),
        Beginning::Enrolled(_) => Err(PortalError::Forbidden),
    }
}

fn change_phone(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    (token, phone, permitted): (TokenId, &str, bool),
) -> Result<Beginning, PortalError> {
    let wanted = Wanted {
        by: asker.by,
        form: "",
        kind: Kind::Sms.as_str(),
        name: "",
        phone: Some(phone),
        digits: None,
        replaces: Some(Replacing {
            token,
            number_only: true,
        }),
        permitted,
        source: &asker.source,
        lang: asker.lang(),
    };
    let rows = Rows::load(tx, &asker.user)?;
    let begun = enrolment::begin(&wanted, &rows.view(asker), ctx.now, &mut ctx.rng);
    store(tx, ctx, asker, begun)
}

/// The act that replacing a token needs a fresh code for.
pub(crate) fn may_reissue(read: &mut dyn Read, asker: &Asker, token: &str) -> Result<Act, PortalError> {
    let token = token.parse().map_err(|_| PortalError::NotFound)?;
    let rows = Rows::load(read, &asker.user)?;
    Ok(enrolment::may_replace(&rows.view(asker), token)?)
}

/// What the page offers to set up: exactly what [`begin`] would not refuse.
pub(crate) fn offer(read: &mut dyn Read, asker: &Asker, now: Timestamp) -> Result<Offer, StoreError> {
    let invited = matches!(asker.by, By::Session { invited: true, .. });
    let rows = Rows::load(read, &asker.user)?;
    Ok(enrolment::offer(&rows.view(asker), invited, now))
}

/// Where it stands.
pub(crate) fn show(
    read: &mut dyn Read,
    asker: &Asker,
    id: &str,
    now: Timestamp,
) -> Result<EnrolmentView, PortalError> {
    let enrolment = find(read, asker, id)?;
    Ok(view::view(read, &enrolment, asker, "", now)?)
}

/// The text again.
pub(crate) fn resend(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    id: &str,
) -> Result<Enrolled, PortalError> {
    let mut enrolment = find(tx, asker, id)?;
    let Resend::Send(flow) = enrolment.resend(ctx.now) else {
        // Too early, or over: the page says how long, or that it begins anew.
        return shown(tx, &enrolment, asker, ("", ctx.now));
    };
    let rows = Rows::load(tx, &asker.user)?;
    enrolment::standing(&enrolment, asker.by, &rows.view(asker))?;
    let before = enrolment.flow.clone();
    enrolment.flow = flow;
    let job = send(tx, ctx, &mut enrolment, asker)?;
    let reason = if enrolment.refused.is_empty() {
        "resent"
    } else {
        // Nothing went: neither digits nor life of the code change, only the next try waits as if it had.
        let next_send = enrolment.flow.next_send;
        enrolment.flow = before;
        enrolment.flow.next_send = next_send;
        document::put(tx, &enrolment)?;
        "resend-refused"
    };
    let after = shown(tx, &enrolment, asker, ("", ctx.now))?;
    Ok(Enrolled {
        job,
        events: vec![asker.event(ctx, "resend", reason, "")],
        ..after
    })
}

/// Another number.
pub(crate) fn number(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    (id, phone): (&str, &str),
) -> Result<Beginning, PortalError> {
    let before = find(tx, asker, id)?;
    let rows = Rows::load(tx, &asker.user)?;
    let change = (phone, asker.by);
    let begun = enrolment::change_number(&before, change, &rows.view(asker), ctx.now, &mut ctx.rng);
    let goes_on = before.flow.state != FlowState::Cancelled && ctx.now < before.flow.deadline;
    if elsewhere(asker, &rows, &begun) && !goes_on {
        return Ok(Beginning::StepUp(Act::Enroll));
    }
    store(tx, ctx, asker, begun)
}

/// Taken back; what has ended stays as it is.
pub(crate) fn cancel(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    id: &str,
) -> Result<Enrolled, PortalError> {
    let enrolment = find(tx, asker, id)?;
    let Some(cancelled) = enrolment.cancel() else {
        return shown(tx, &enrolment, asker, ("", ctx.now));
    };
    document::put(tx, &cancelled)?;
    let after = shown(tx, &cancelled, asker, ("", ctx.now))?;
    Ok(Enrolled {
        events: vec![asker.event(ctx, "cancel", "cancelled", "")],
        ..after
    })
}

/// Enrolments and permits that can matter no more.
pub(crate) fn sweep(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    for old in document::due::<Enrolment>(tx, now.minus(KEEP), limit)? {
        document::delete::<Enrolment>(tx, &old.id.0)?;
    }
    for old in document::due::<Permit>(tx, now, limit)? {
        document::delete::<Permit>(tx, &old.session.0)?;
    }
    Ok(())
}

/// An enrolment of whoever asks; somebody else's is not there.
fn find(read: &mut dyn Read, asker: &Asker, id: &str) -> Result<Enrolment, PortalError> {
    let id: EnrolmentId = id.parse().map_err(|_| PortalError::NotFound)?;
    document::get::<Enrolment>(read, &id.0)?
        .filter(|enrolment| asker.began(enrolment))
        .ok_or(PortalError::NotFound)
}

/// What a fresh code permitted in this session.
fn permit(
    read: &mut dyn Read,
    asker: &Asker,
    replaces: Option<TokenId>,
    now: Timestamp,
) -> Result<Option<Permit>, StoreError> {
    let By::Session { id, .. } = asker.by else {
        return Ok(None);
    };
    let (user, resource) = (asker.user.id, asker.resource.id);
    let permit = document::get::<Permit>(read, &id.0)?;
    Ok(permit.filter(|permit| permit.allows(user, resource, replaces, now)))
}

/// Stores what began, and asks for its text.
fn store(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    asker: &Asker,
    begun: Result<Begun, Refused>,
) -> Result<Beginning, PortalError> {
    let (mut enrolment, cancelled) = match begun {
        Err(Refused::StepUp(act)) => return Ok(Beginning::StepUp(act)),
        Err(refused) => return Err(refused.into()),
        Ok(Begun::Again(enrolment)) => {
            let enrolled = shown(tx, &enrolment, asker, ("", ctx.now))?;
            return Ok(Beginning::Enrolled(Box::new(enrolled)));
        }
        Ok(Begun::New { enrolment, cancelled }) => (*enrolment, cancelled),
    };
    for old in &cancelled {
        document::put(tx, old)?;
    }
    tidy(tx, asker.user.id, ctx.now)?;
    let job = match enrolment.kind() {
        Kind::Sms => send(tx, ctx, &mut enrolment, asker)?,
        _ => {
            document::put(tx, &enrolment)?;
            None
        }
    };
    let reason = match (enrolment.replaces, enrolment.number_only) {
        (None, _) => "enroll",
        (Some(_), false) => "reissue",
        (Some(_), true) => "change-phone",
    };
    let after = shown(tx, &enrolment, asker, ("", ctx.now))?;
    Ok(Beginning::Enrolled(Box::new(Enrolled {
        job,
        events: vec![asker.event(ctx, "begin", reason, &detail(&enrolment))],
        ..after
    })))
}

/// Forgets the oldest that have ended.
fn tidy(tx: &mut dyn Tx, user: UserId, now: Timestamp) -> Result<(), StoreError> {
    let mut ended = document::of::<Enrolment>(tx, &user.0)?;
    ended.retain(|e| e.stand(now) != Stand::Open);
    ended.sort_by_key(|e| e.flow.created);
    let many = ended.len().saturating_sub(ENDED);
    for old in ended.iter().take(many) {
        document::delete::<Enrolment>(tx, &old.id.0)?;
    }
    Ok(())
}

/// What an audit row says of it: kind, and the number masked.
fn detail(enrolment: &Enrolment) -> String {
    let phone = enrolment.phone().ok().flatten();
    let what = phone.map_or_else(String::new, |phone| format!(" {}", phone.masked()));
    format!("{}{what}", enrolment.kind().as_str())
}

/// Stores the enrolment and asks for its text; what the gate refused is kept in it.
fn send(
    tx: &mut dyn Tx,
    ctx: &mut Ctx,
    enrolment: &mut Enrolment,
    asker: &Asker,
) -> Result<Option<Job>, PortalError> {
    let Some(phone) = enrolment
        .phone()
        .map_err(|error| PortalError::invalid(Field::Phone.as_str(), error))?
    else {
        return Ok(None);
    };
    // The text is made from what is stored.
    document::put(tx, enrolment)?;
    let ask = Ask {
        kind: TextKind::Enrol {
            enrolment: enrolment.id,
            generation: enrolment.flow.generation,
        },
        phone: &phone,
        user: enrolment.user,
        source: &asker.source,
        ends: enrolment.flow.expires,
        reference: &ctx.reference,
    };
    let job = match texts::queue_text(tx, &ask, ctx.direct.as_ref(), &mut ctx.rng, ctx.now)? {
        Ok(queued) => {
            enrolment.text = Some(queued.id);
            enrolment.refused = String::new();
            queued.job
        }
        Err(refusal) => {
            texts::refused(refusal).clone_into(&mut enrolment.refused);
            None
        }
    };
    document::put(tx, enrolment)?;
    Ok(job)
}

/// As its page shows it; `why`: why the last code was not taken.
fn shown(
    read: &mut dyn Read,
    enrolment: &Enrolment,
    asker: &Asker,
    (why, now): (&str, Timestamp),
) -> Result<Enrolled, PortalError> {
    Ok(Enrolled {
        view: view::view(read, enrolment, asker, why, now)?,
        job: None,
        events: Vec::new(),
    })
}
