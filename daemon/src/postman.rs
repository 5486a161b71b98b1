//! The mail queue: claims mails that are due in one transaction, hands them to the server, stores what came of it in another.
//!
//! Words are made when a mail leaves, from what is stored then; so no code is in a row, and one that is over is not mailed. A crash
//! between claim and answer sends a mail again once its claim ends: twice is better than never.

mod transport;

use std::sync::Arc;
use std::time::Duration;

use otpost_core::audit::Event;
use otpost_core::keys::Keyring;
use otpost_core::mail::queue::{MailState, Matter, Outcome, QueuedMail};
use otpost_core::mail::{Letter, Rendered, render};
use otpost_core::portal::verification::{For, Verification};
use otpost_core::{Timestamp, code};
use otpost_store::kinds::{MailSetup, ONLY};
use otpost_store::{Read, StoreError, Tx, document};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::mail::Mail;
use crate::state::Daemon;
use crate::sys;

pub(crate) use transport::hand_over;

/// Mails on their way at once.
const AT_ONCE: usize = 4;
/// How often the queue is looked at without being told to.
const POLL: Duration = Duration::from_secs(5);

/// What tells the worker that a mail was queued, or may leave now.
#[derive(Debug, Default)]
pub struct Postman {
    wake: Notify,
}

impl Postman {
    /// Says that a mail was queued, or that settings changed. Call after the commit.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Stores a mail; the worker sends it after the commit and [`Postman::wake`]. False: mail is switched off, and nothing is stored.
///
/// # Errors
/// The store's.
pub(crate) fn queue(tx: &mut dyn Tx, mail: &QueuedMail) -> Result<bool, StoreError> {
    if document::get::<MailSetup>(tx, &ONLY)?.is_none() {
        return Ok(false);
    }
    document::put(tx, mail)?;
    Ok(true)
}

/// A mail to hand over.
struct Job {
    mail: QueuedMail,
    words: Rendered,
    setup: Arc<MailSetup>,
}

/// Runs until `stop` turns true; then lets mails on their way end.
pub(crate) async fn run(daemon: Arc<Daemon>, mut stop: watch::Receiver<bool>) {
    let mut under_way = JoinSet::new();
    while !*stop.borrow() {
        let free = AT_ONCE.saturating_sub(under_way.len());
        let claimed = if free == 0 {
            Ok(Vec::new())
        } else {
            claim(&daemon, free).await
        };
        let more = match claimed {
            Ok(jobs) => {
                let more = !jobs.is_empty();
                for job in jobs {
                    under_way.spawn(deliver(Arc::clone(&daemon), job));
                }
                more
            }
            Err(error) => {
                error!(%error, "the mail queue cannot be read; mails wait");
                false
            }
        };
        if more && under_way.len() < AT_ONCE {
            continue;
        }
        tokio::select! {
            () = daemon.postman.wake.notified() => {}
            Some(_) = under_way.join_next() => {}
            () = sys::sleep(POLL) => {}
            () = sys::stopped(&mut stop) => break,
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Claims due mails and makes their words; ends those whose time is over and forgets old ones.
async fn claim(daemon: &Arc<Daemon>, limit: usize) -> Result<Vec<Job>, StoreError> {
    let now = daemon.now();
    let due = daemon
        .read(move |read| read.next_document_due(<QueuedMail as document::Document>::KIND))
        .await?;
    if due.is_none_or(|due| now < due) {
        return Ok(Vec::new());
    }
    let keys = daemon.keys.clone();
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let (jobs, ended) = daemon
        .write(move |tx| {
            let setup = document::get::<MailSetup>(tx, &ONLY)?.map(Arc::new);
            let mut jobs = Vec::new();
            let mut ended = Vec::new();
            for mail in document::due::<QueuedMail>(tx, now, limit)? {
                let Some(claimed) = mail.claim(now) else {
                    // Kept to be seen, and seen for long enough.
                    document::delete::<QueuedMail>(tx, &mail.id.0)?;
                    continue;
                };
                let words = words(tx, &claimed, &keys, now)?;
                match (claimed.waits(), &setup, words) {
                    (true, Some(setup), Some(words)) => {
                        document::put(tx, &claimed)?;
                        jobs.push(Job {
                            mail: claimed,
                            words,
                            setup: Arc::clone(setup),
                        });
                    }
                    (true, None, Some(_)) => {
                        // Switched off meanwhile; perhaps it comes back.
                        let off = Outcome::Later("mail is switched off".to_owned());
                        ended.extend(settle(tx, &claimed, &off, now)?);
                    }
                    (true, _, None) => {
                        let over = claimed.ended(MailState::Expired, "what it tells was over before it left");
                        ended.push(store_end(tx, over, now)?);
                    }
                    (false, ..) => ended.push(store_end(tx, claimed, now)?),
                }
            }
            Ok((jobs, ended))
        })
        .await?;
    report(&ended);
    Ok(jobs)
}

/// What a mail says now; `None` where that is over.
fn words(
    read: &mut dyn Read,
    mail: &QueuedMail,
    keys: &Keyring,
    now: Timestamp,
) -> Result<Option<Rendered>, StoreError> {
    let letter = match &mail.matter {
        Matter::Notice(notice) => Letter::Notice(notice),
        Matter::Invitation { link, until } if !link.is_empty() && now < *until => {
            Letter::Invitation { link, until: *until }
        }
        Matter::Invitation { .. } => return Ok(None),
        Matter::Code {
            verification,
            generation,
        } => {
            let Some(asked) = document::get::<Verification>(read, &verification.0)? else {
                return Ok(None);
            };
            if asked.flow.closed(now).is_some() || asked.flow.generation != *generation {
                return Ok(None);
            }
            let code = code::derive(keys, &asked.code());
            let minutes = now.seconds_until(asked.flow.expires).div_ceil(60).max(1);
            let label = asked.label;
            let letter = match &asked.purpose {
                For::NewEmail(_) => Letter::NewAddressCode {
                    code: &code,
                    label,
                    minutes,
                },
                For::Act(act) => Letter::ActCode {
                    code: &code,
                    label,
                    minutes,
                    act,
                },
                For::Mail | For::SignIn => Letter::SignInCode {
                    code: &code,
                    label,
                    minutes,
                },
            };
            return Ok(Some(render(&letter, mail.lang, &mail.context)));
        }
    };
    Ok(Some(render(&letter, mail.lang, &mail.context)))
}

async fn deliver(daemon: Arc<Daemon>, job: Job) {
    let posted = Mail {
        id: job.mail.id,
        to: &job.mail.to,
        words: &job.words,
        at: daemon.now(),
    };
    let outcome = hand_over(&job.setup, &posted).await;
    let now = daemon.now();
    let Job { mail, .. } = job;
    let id = mail.id;
    let settled = daemon
        .write(move |tx| {
            let Some(stored) = document::get::<QueuedMail>(tx, &mail.id.0)? else {
                return Ok(None);
            };
            // Claimed again after this claim had ended: the later one decides.
            if stored.state != mail.state || stored.tries != mail.tries {
                return Ok(None);
            }
            settle(tx, &stored, &outcome, now)
        })
        .await;
    match settled {
        Ok(settled) => report(settled.as_slice()),
        // It is claimed still, and tried again when that ends.
        Err(error) => error!(%error, mail = %id, "what came of a mail cannot be stored"),
    }
}

/// Stores a mail after a try.
fn settle(
    tx: &mut dyn Tx,
    mail: &QueuedMail,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Option<QueuedMail>, StoreError> {
    match mail.settle(outcome, now) {
        None => {
            document::delete::<QueuedMail>(tx, &mail.id.0)?;
            tx.append_audit(&event(mail, "mail.sent", now))?;
            Ok(None)
        }
        Some(next) => store_end(tx, next, now).map(Some),
    }
}

/// Stores a mail, with its audit row where it ended.
fn store_end(tx: &mut dyn Tx, mail: QueuedMail, now: Timestamp) -> Result<QueuedMail, StoreError> {
    document::put(tx, &mail)?;
    let kind = match mail.state {
        MailState::Waiting | MailState::Claimed(_) => return Ok(mail),
        MailState::Failed => "mail.failed",
        MailState::Expired => "mail.expired",
    };
    tx.append_audit(&event(&mail, kind, now))?;
    Ok(mail)
}

fn event(mail: &QueuedMail, kind: &str, now: Timestamp) -> Event {
    Event {
        at: now,
        kind: kind.to_owned(),
        reason: mail.matter.as_str().to_owned(),
        reference: mail.reference.clone(),
        user: String::new(),
        resource: String::new(),
        via: "mail".to_owned(),
        source: String::new(),
        detail: if kind == "mail.sent" {
            mail.to.masked()
        } else {
            mail.trouble.clone()
        },
    }
}

/// Says what became of mails, after it was stored.
fn report<'a>(mails: impl IntoIterator<Item = &'a QueuedMail>) {
    for mail in mails {
        let (reference, why) = (&mail.reference, &mail.trouble);
        match mail.state {
            MailState::Waiting | MailState::Claimed(_) => info!(%reference, why, "mail tried again later"),
            MailState::Failed | MailState::Expired => warn!(%reference, why, "mail not sent"),
        }
    }
}

/// How many mails wait, and what the last one that failed said.
pub(crate) fn summary(read: &mut dyn Read) -> Result<(u64, String), StoreError> {
    let mut waiting = 0;
    let mut last: Option<(Timestamp, String)> = None;
    for mail in crate::console::everything::<QueuedMail>(read)? {
        if mail.waits() {
            waiting += 1;
        }
        let newer = last.as_ref().is_none_or(|(at, _)| *at <= mail.created);
        if !mail.trouble.is_empty() && newer {
            last = Some((mail.created, mail.trouble));
        }
    }
    Ok((waiting, last.map_or_else(String::new, |(_, trouble)| trouble)))
}
