//! Mails of portal pages, into the queue in the caller's transaction.

use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::MailId;
use otpost_core::mail::queue::{MailState, Matter, NOTICE_LIFE, QueuedMail};
use otpost_core::mail::{Address, By, Context, Lang, Notice};
use otpost_core::net::Source;
use otpost_core::portal::verification::Verification;
use otpost_core::resource::Resource;
use otpost_core::user::User;
use otpost_store::kinds::{MailSetup, ONLY};
use otpost_store::{Read, StoreError, Tx, document};

use super::request::Ctx;
use super::site;

/// Mails that are looked at to tell whether any leave.
const LOOK_AT: u32 = 8;

/// Stores a mail; the queue's worker sends it after the commit. Without a mail server nothing is queued.
pub(crate) fn queue_mail(tx: &mut dyn Tx, mail: &QueuedMail) -> Result<bool, StoreError> {
    if document::get::<MailSetup>(tx, &ONLY)?.is_none() {
        return Ok(false);
    }
    document::put(tx, mail)?;
    Ok(true)
}

/// To whom a code goes.
pub(crate) struct To<'a> {
    pub(crate) address: String,
    pub(crate) user: &'a User,
    pub(crate) resource: &'a Resource,
    pub(crate) lang: &'a str,
}

/// Mails the present code of a verification.
pub(crate) fn queue_code(
    tx: &mut dyn Tx,
    verification: &Verification,
    to: &To<'_>,
    ctx: &mut Ctx,
) -> Result<bool, StoreError> {
    let matter = Matter::Code {
        verification: verification.id,
        generation: verification.flow.generation,
    };
    let deadline = verification.flow.expires;
    queue(tx, to, (matter, deadline), &verification.source, ctx)
}

/// Tells a person of an act, at the address that is registered: `user` is as before the act.
pub(crate) fn queue_notice(
    tx: &mut dyn Tx,
    (user, resource): (&User, &Resource),
    (notice, lang): (Notice, &str),
    source: &Source,
    ctx: &mut Ctx,
) -> Result<bool, StoreError> {
    let Some(address) = user.email.clone() else {
        return Ok(false);
    };
    let to = To {
        address,
        user,
        resource,
        lang,
    };
    let deadline = ctx.now.plus(NOTICE_LIFE);
    queue(tx, &to, (Matter::Notice(notice), deadline), source, ctx)
}

fn queue(
    tx: &mut dyn Tx,
    to: &To<'_>,
    (matter, deadline): (Matter, Timestamp),
    source: &Source,
    ctx: &mut Ctx,
) -> Result<bool, StoreError> {
    // An address that was entered before the rules were made is not written to.
    let Ok(address) = Address::parse(&to.address) else {
        return Ok(false);
    };
    let by = source.address.map_or(By::Unknown, |a| By::Address(a.to_string()));
    let mail = QueuedMail {
        id: MailId::random(&mut ctx.rng),
        owner: to.user.id.0,
        to: address,
        lang: Lang::of(to.lang),
        context: Context {
            service: site::title(to.resource).to_owned(),
            login: to.user.login.clone(),
            at: ctx.now,
            by,
        },
        matter,
        state: MailState::Waiting,
        next: ctx.now,
        deadline,
        tries: 0,
        trouble: String::new(),
        reference: ctx.reference.clone(),
        created: ctx.now,
    };
    queue_mail(tx, &mail)
}

/// Whether mail leaves at all, for the page. It says so of all mail or none: what became of one mail would tell whether the typed
/// name has an address.
pub(crate) fn trouble(read: &mut dyn Read, now: Timestamp) -> Result<String, StoreError> {
    let soon = now.plus(Duration::from_secs(15 * 60));
    let waiting: Vec<QueuedMail> = document::due(read, soon, LOOK_AT)?;
    let failing = waiting
        .iter()
        .any(|mail| mail.state == MailState::Waiting && !mail.trouble.is_empty());
    Ok(if failing { "failed" } else { "" }.to_owned())
}

/// An address for people who may know it already: `a***@example.com`.
pub(crate) fn masked(address: &str) -> String {
    Address::parse(address).map_or_else(|_| String::new(), |address| address.masked())
}
