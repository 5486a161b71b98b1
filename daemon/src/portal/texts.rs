//! Texts of portal pages: through the one gate, into the outbox, in the caller's transaction.
//!
//! A caller stores its enrolment or verification first, then asks for the text: its words are built from what is stored, here and
//! in the outbox worker alike, so that no code is ever in a row.

use otpost_core::gate::{self, Refusal};
use otpost_core::ids::{MessageId, Reference, ResourceId, UserId};
use otpost_core::keys::Keyring;
use otpost_core::limits::MONTH;
use otpost_core::net::Source;
use otpost_core::outbox::{Kind, Message, SecurityEvent, State};
use otpost_core::phone::Phone;
use otpost_core::portal::enrolment::Enrolment;
use otpost_core::portal::session::PortalSession;
use otpost_core::portal::site::Site;
use otpost_core::portal::verification::{For, Verification};
use otpost_core::text::{self, Lang, PageCode, PageText};
use otpost_core::{Rng, Timestamp, code};
use otpost_store::kinds::ONLY;
use otpost_store::{Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use crate::outbox::{Job, Outbox, Slot, Words, build, lease_words};
use crate::rows::{Direct, counts, put_counts};
use crate::state::Daemon;

/// How long word of a change waits for a provider.
const NOTICE_LIFE: std::time::Duration = std::time::Duration::from_secs(3600);

/// A text that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// What it is. The number of a test or notice is sealed in its row.
    pub(crate) kind: Kind,
    /// Where it goes.
    pub(crate) phone: &'a Phone,
    /// Whose budget it draws on.
    pub(crate) user: UserId,
    /// Whose budget it draws on besides.
    pub(crate) source: &'a Source,
    /// When what it tells ends.
    pub(crate) ends: Timestamp,
    /// For user, log and audit.
    pub(crate) reference: &'a Reference,
}

/// A text in the outbox.
pub(crate) struct Queued {
    /// Its row, for [`trouble`].
    pub(crate) id: MessageId,
    /// To be launched after the commit, where it was leased.
    pub(crate) job: Option<Job>,
}

/// The right of one request to have its text leave right after the commit. Taken before the transaction.
pub(crate) struct Leave(Option<Slot>);

/// Takes a slot, and what a transaction needs to lease a text for it.
pub(crate) fn reserve(daemon: &Daemon) -> (Leave, Option<Direct>) {
    let slot = daemon.outbox.reserve();
    let direct = slot.is_some().then(|| Direct {
        usable: daemon.providers.usable(),
        keys: daemon.keys.clone(),
    });
    (Leave(slot), direct)
}

impl Leave {
    /// Sends the leased text; wakes the worker for texts that were queued. Call after the commit.
    pub(crate) fn launch(self, daemon: &Daemon, job: Option<Job>) {
        match (job, self.0) {
            (Some(job), Some(slot)) => Outbox::launch(job, slot),
            _ => daemon.outbox.wake(),
        }
    }
}

/// Asks the gate and stores text and counters. The inner error is the gate's: nothing was stored then.
///
/// # Errors
/// The store's.
pub(crate) fn queue_text(
    tx: &mut dyn Tx,
    ask: &Ask<'_>,
    direct: Option<&Direct>,
    rng: &mut dyn Rng,
    now: Timestamp,
) -> Result<Result<Queued, Refusal>, StoreError> {
    let network = ask.source.network();
    let sent = counts(tx, ask.phone, Some(ask.user), network.as_deref())?;
    let known = tx.source_success(ask.user, &ask.source.key())?;
    let known = known.is_some_and(|at| now < at.plus(MONTH));
    if let Err(refusal) = gate::check(&tx.send_policy()?, ask.phone, &sent, known, now) {
        return Ok(Err(refusal));
    }
    put_counts(tx, &sent.hit(now), ask.phone, Some(ask.user), network.as_deref())?;
    let message = Message::queued(
        MessageId::ordered(now, rng),
        ask.kind,
        ask.reference.clone(),
        (now, ask.ends),
    );
    if matches!(ask.kind, Kind::Test | Kind::Notice { .. }) {
        tx.put_test_number(message.id, ask.phone)?;
    }
    let id = message.id;
    let words = match direct {
        Some(direct) => build(tx, &message, &direct.keys, now)?.map(|words| (words, direct)),
        None => None,
    };
    let (message, job) = match words {
        Some((words, direct)) => lease_words(&message, &words, &direct.usable, now),
        None => (message, None),
    };
    tx.put_message(&message)?;
    Ok(Ok(Queued { id, job }))
}

/// Tells the owner of `phone`, perhaps a number that is theirs no more, of a change. Tells whether the gate let it pass. The
/// caller wakes the outbox after its commit ([`Leave::launch`] does).
///
/// # Errors
/// The store's.
pub(crate) fn queue_notice(
    tx: &mut dyn Tx,
    (what, resource): (SecurityEvent, ResourceId),
    ask: (&Phone, UserId, &Source, &Reference),
    rng: &mut dyn Rng,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (phone, user, source, reference) = ask;
    let ask = Ask {
        kind: Kind::Notice { what, user, resource },
        phone,
        user,
        source,
        ends: now.plus(NOTICE_LIFE),
        reference,
    };
    Ok(queue_text(tx, &ask, None, rng, now)?.is_ok())
}

/// Number and words of an enrolment's, a verification's or a notice's text; `None` where nobody waits for it any more.
///
/// # Errors
/// The store's.
pub(crate) fn words(
    read: &mut dyn Read,
    message: &Message,
    keys: &Keyring,
    now: Timestamp,
) -> Result<Option<Words>, StoreError> {
    match message.kind {
        Kind::Enrol {
            enrolment,
            generation,
        } => {
            let Some(enrolment) = document::get::<Enrolment>(read, &enrolment.0)? else {
                return Ok(None);
            };
            let flow = &enrolment.flow;
            if flow.closed(now).is_some() || flow.generation != generation {
                return Ok(None);
            }
            let Ok(Some(phone)) = enrolment.phone() else {
                return Ok(None);
            };
            let portal = portal_url(read)?;
            let page = PageText {
                what: PageCode::Enrol,
                resource: &resource_name(read, Some(enrolment.resource))?,
                label: enrolment.label,
                expires: flow.expires,
                lang: enrolment.lang,
                portal: portal.as_deref(),
            };
            let code = code::derive(keys, &enrolment.code());
            Ok(Some((number(&phone), text::page_message(&page, &code, now))))
        }
        Kind::Portal {
            verification,
            generation,
            token,
        } => {
            let Some(verification) = document::get::<Verification>(read, &verification.0)? else {
                return Ok(None);
            };
            let flow = &verification.flow;
            let open = flow.closed(now).is_none() && flow.generation == generation;
            if !open || verification.token != Some(token) {
                return Ok(None);
            }
            let what = match &verification.purpose {
                For::SignIn => PageCode::SignIn,
                For::Act(act) => PageCode::Act(act),
                // Codes by e-mail never go by text.
                For::Mail | For::NewEmail(_) => return Ok(None),
            };
            let Some(token) = read.token(token)? else {
                return Ok(None);
            };
            let portal = portal_url(read)?;
            let session = document::get::<PortalSession>(read, &verification.session.0)?;
            let page = PageText {
                what,
                resource: &resource_name(read, verification.resource)?,
                label: verification.label,
                expires: flow.expires,
                lang: lang(read, token.user, session.as_ref().map_or("", |s| &s.lang))?,
                portal: portal.as_deref(),
            };
            let code = code::derive(keys, &verification.code());
            Ok(Some((
                number(&token.phone),
                text::page_message(&page, &code, now),
            )))
        }
        Kind::Notice { what, user, resource } => {
            let Some(phone) = read.test_number(message.id)? else {
                return Ok(None);
            };
            let words = text::notice(what, &resource_name(read, Some(resource))?, lang(read, user, "")?);
            Ok(Some((number(&phone), Zeroizing::new(words))))
        }
        Kind::Code { .. } | Kind::Test => Ok(None),
    }
}

/// What became of a text that a page waits for, as [`otpost_ipc::portal::CodeAsk::trouble`] says it. `refused` is the word of
/// [`refused`], or empty.
///
/// # Errors
/// The store's.
pub(crate) fn trouble(
    read: &mut dyn Read,
    text: Option<MessageId>,
    refused: &str,
) -> Result<String, StoreError> {
    if !refused.is_empty() {
        return Ok(refused.to_owned());
    }
    let message = match text {
        Some(id) => read.message(id)?,
        None => None,
    };
    Ok(match message.map(|m| m.state) {
        Some(State::Failed | State::Expired) => "failed",
        Some(State::Unknown) => "unknown",
        Some(State::Queued | State::Leased { .. } | State::Accepted { .. }) | None => "",
    }
    .to_owned())
}

/// The page's word for what the gate refused.
pub(crate) fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Paused => "paused",
        Refusal::Country(_) | Refusal::NumberClass => "country",
        Refusal::NumberBudget { .. }
        | Refusal::UserBudget { .. }
        | Refusal::SourceBudget { .. }
        | Refusal::OverallBudget { .. } => "budget",
    }
}

/// Language of texts to a user: the chosen one, else that of the pages they see.
///
/// # Errors
/// The store's.
pub(crate) fn lang(read: &mut dyn Read, user: UserId, pages: &str) -> Result<Lang, StoreError> {
    let chosen = read.user(user)?.map_or_else(String::new, |u| u.profile.lang);
    Ok(Lang::of(if chosen.is_empty() { pages } else { &chosen }))
}

fn number(phone: &Phone) -> Zeroizing<String> {
    Zeroizing::new(phone.expose().to_owned())
}

fn resource_name(read: &mut dyn Read, id: Option<ResourceId>) -> Result<String, StoreError> {
    let resource = match id {
        Some(id) => read.resource(id)?,
        None => None,
    };
    Ok(resource.map_or_else(String::new, |r| r.name))
}

/// Where people reach the portal, where that is set.
fn portal_url(read: &mut dyn Read) -> Result<Option<String>, StoreError> {
    let site = document::get::<Site>(read, &ONLY)?;
    Ok(site.and_then(|site| site.portal).map(String::from))
}
