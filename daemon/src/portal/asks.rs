//! Codes asked for on a page: begun, sent, sent again, shown.

use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::challenge::Label;
use otpost_core::code::Digits;
use otpost_core::ids::{PortalSessionId, VerificationId};
use otpost_core::net::Source;
use otpost_core::outbox::Kind;
use otpost_core::portal::factors::{Factors, Method, Way};
use otpost_core::portal::flow::{CodeFlow, FlowState, Resend};
use otpost_core::portal::reason::Reason;
use otpost_core::portal::verification::{For, Owner, Verification};
use otpost_core::resource::Resource;
use otpost_core::token::Token;
use otpost_ipc::portal::CodeAsk;
use otpost_store::{Read, StoreError, Tx, document};

use super::factors::views;
use super::request::Ctx;
use super::{mails, texts};
use crate::outbox::Job;

/// How long a page waits before it asks again for what the gate refused.
const PAUSE: Duration = Duration::from_secs(30);

/// A verification that is begun.
pub(crate) struct Beginning<'a> {
    pub(crate) session: PortalSessionId,
    pub(crate) owner: Option<Owner>,
    pub(crate) resource: &'a Resource,
    pub(crate) purpose: For,
    pub(crate) source: &'a Source,
    /// Name that was typed, for sign-ins by e-mail.
    pub(crate) name: &'a str,
}

/// A verification for which nothing was sent yet; not stored.
pub(crate) fn begin(beginning: Beginning<'_>, ctx: &mut Ctx) -> Verification {
    let resource = beginning.resource;
    let flow = CodeFlow::start(resource.lifetime(), resource.tries, ctx.now);
    Verification {
        id: VerificationId::random(&mut ctx.rng),
        session: beginning.session,
        owner: beginning.owner,
        resource: Some(resource.id),
        purpose: beginning.purpose,
        token: None,
        email: None,
        digits: Digits::SIX,
        label: Label::random(&mut ctx.rng),
        flow: CodeFlow {
            sends: 0,
            next_send: ctx.now,
            ..flow
        },
        text: None,
        refused: String::new(),
        source: beginning.source.clone(),
        name: beginning.name.to_owned(),
    }
}

/// The way that a message would go: the first one offered that has messages.
pub(crate) fn sending(ways: &[Way]) -> Option<&Way> {
    ways.iter()
        .find(|way| matches!(way.method, Method::Sms | Method::Mail))
}

/// Sends the first message of a fresh verification, where its first way has one; stores it in any case.
pub(crate) fn first(
    tx: &mut dyn Tx,
    verification: Verification,
    (ways, factors): (&[Way], &Factors),
    mail: Option<&mails::To<'_>>,
    ctx: &mut Ctx,
) -> Result<(Verification, Option<Job>), StoreError> {
    let wanted = ways
        .first()
        .is_some_and(|way| matches!(way.method, Method::Sms | Method::Mail));
    if !wanted {
        document::put(tx, &verification)?;
        return Ok((verification, None));
    }
    let flow = started(&verification.flow, ctx.now);
    let (verification, job, _) = send(tx, (verification, flow), (ways, factors), mail, ctx)?;
    Ok((verification, job))
}

/// The flow with its first message sent.
fn started(flow: &CodeFlow, now: Timestamp) -> CodeFlow {
    CodeFlow {
        sends: 1,
        next_send: now.plus(PAUSE),
        ..flow.clone()
    }
}

/// A further message, or the first where another way was offered first.
pub(crate) fn again(
    tx: &mut dyn Tx,
    verification: Verification,
    (ways, factors): (&[Way], &Factors),
    mail: Option<&mails::To<'_>>,
    ctx: &mut Ctx,
) -> Result<(Verification, Option<Job>, Reason), StoreError> {
    if sending(ways).is_none() && mail.is_none() {
        return Ok((verification, None, Reason::NotOffered));
    }
    match verification.flow.resend(ctx.now) {
        Resend::Send(flow) => send(tx, (verification, flow), (ways, factors), mail, ctx),
        Resend::Wait { .. } | Resend::Over => Ok((verification, None, Reason::ResendRefused)),
    }
}

/// No message for the time being; the page says so.
pub(crate) fn over_budget(
    tx: &mut dyn Tx,
    verification: Verification,
    now: Timestamp,
) -> Result<Verification, StoreError> {
    if verification.flow.state != FlowState::Open {
        return Ok(verification);
    }
    let refused = Verification {
        refused: "budget".to_owned(),
        flow: CodeFlow {
            next_send: verification.flow.next_send.max(now.plus(PAUSE)),
            ..verification.flow.clone()
        },
        ..verification
    };
    document::put(tx, &refused)?;
    Ok(refused)
}

/// Sends the code that `flow` has; where the gate refuses, the old flow stays.
fn send(
    tx: &mut dyn Tx,
    (verification, flow): (Verification, CodeFlow),
    (ways, factors): (&[Way], &Factors),
    mail: Option<&mails::To<'_>>,
    ctx: &mut Ctx,
) -> Result<(Verification, Option<Job>, Reason), StoreError> {
    let way = sending(ways).map(|way| (way.method, way.token));
    if let Some((Method::Sms, Some(id))) = way
        && let Some(token) = factors.sms.iter().find(|t| t.id == id)
    {
        return text(tx, verification, flow, token, ctx);
    }
    // Where nobody has the typed name the pages go on as if there were somebody.
    let sent = Verification {
        flow,
        email: mail
            .map(|to| to.address.clone())
            .or_else(|| verification.email.clone()),
        refused: String::new(),
        ..verification
    };
    document::put(tx, &sent)?;
    if let Some(to) = mail {
        mails::queue_code(tx, &sent, to, ctx)?;
    }
    Ok((sent, None, Reason::Resent))
}

fn text(
    tx: &mut dyn Tx,
    before: Verification,
    flow: CodeFlow,
    token: &Token,
    ctx: &mut Ctx,
) -> Result<(Verification, Option<Job>, Reason), StoreError> {
    let mut sent = Verification {
        token: Some(token.id),
        digits: token.digits,
        flow,
        ..before.clone()
    };
    // Its words are built from what is stored.
    document::put(tx, &sent)?;
    let ask = texts::Ask {
        kind: Kind::Portal {
            verification: sent.id,
            generation: sent.flow.generation,
            token: token.id,
        },
        phone: &token.phone,
        user: token.user,
        source: &sent.source,
        ends: sent.flow.expires,
        reference: &ctx.reference,
    };
    match texts::queue_text(tx, &ask, ctx.direct.as_ref(), &mut ctx.rng, ctx.now)? {
        Ok(queued) => {
            sent.text = Some(queued.id);
            sent.refused = String::new();
            document::put(tx, &sent)?;
            Ok((sent, queued.job, Reason::Resent))
        }
        Err(refusal) => {
            let kept = Verification {
                refused: texts::refused(refusal).to_owned(),
                flow: CodeFlow {
                    next_send: ctx.now.plus(PAUSE),
                    ..before.flow.clone()
                },
                ..before
            };
            document::put(tx, &kept)?;
            Ok((kept, None, Reason::Sms(refusal)))
        }
    }
}

/// What the page shows of it.
pub(crate) fn view(
    read: &mut dyn Read,
    verification: &Verification,
    ways: &[Way],
    now: Timestamp,
) -> Result<CodeAsk, StoreError> {
    let flow = &verification.flow;
    let sent = flow.sends > 0;
    let by_text = verification.token.is_some();
    let to = match (&verification.purpose, verification.token, &verification.email) {
        // The same for every name.
        (For::Mail, ..) => String::new(),
        (_, Some(id), _) => read.token(id)?.map_or_else(String::new, |t| {
            let masked = t.phone.masked();
            masked
                .chars()
                .skip(masked.chars().count().saturating_sub(2))
                .collect()
        }),
        (_, None, Some(email)) => mails::masked(email),
        (_, None, None) => String::new(),
    };
    let may_send = sending(ways).is_some() && flow.state == FlowState::Open;
    let resend_in = match flow.resend(now) {
        Resend::Send(_) if may_send => Some(0),
        Resend::Wait { seconds } if may_send => Some(seconds),
        _ => None,
    };
    let trouble = match (by_text || !verification.refused.is_empty(), sent) {
        (true, _) => texts::trouble(read, verification.text, &verification.refused)?,
        (false, true) => mails::trouble(read, now)?,
        (false, false) => String::new(),
    };
    let ends = if sent {
        flow.expires.min(flow.deadline)
    } else {
        flow.deadline
    };
    Ok(CodeAsk {
        methods: views(ways),
        sent,
        label: if sent {
            verification.label.to_string()
        } else {
            String::new()
        },
        digits: verification.digits.get(),
        to,
        expires_in: now.seconds_until(ends),
        resend_in,
        left: flow.left(),
        trouble,
    })
}
