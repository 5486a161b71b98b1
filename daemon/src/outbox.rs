//! The outbox worker: claims due texts in one transaction, hands them to transports, stores the outcomes in another.
//!
//! The claim is committed before a provider is asked, so a crash never sends a text twice through one provider; it leaves an
//! outcome that is not known, which the core's rule then treats.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpost_core::audit::Event;
use otpost_core::challenge::Challenge;
use otpost_core::ids::{MessageId, ResourceId};
use otpost_core::keys::Keyring;
use otpost_core::outbox::{self, Claim, Kind, Message, Rejection, State};
use otpost_core::phone::Phone;
use otpost_core::portal::enrolment::Enrolment;
use otpost_core::portal::verification::Verification;
use otpost_core::stats::{self, Fact};
use otpost_core::{Timestamp, code, text};
use otpost_sms::{Class, MessageRef, Recipient, SecretText, Submission, Text};
use otpost_store::{StoreError, Tx, document};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tracing::{debug, error, info, warn};
use zeroize::Zeroizing;

use crate::portal::texts;
use crate::providers::{Active, Usable};
use crate::state::Daemon;
use crate::sys;

/// Rows claimed or settled in one transaction.
const BATCH: usize = 128;

/// A text to submit.
pub(crate) struct Job {
    id: MessageId,
    epoch: u32,
    provider: Active,
    text: Text,
}

/// What came of it.
struct Outcome {
    id: MessageId,
    epoch: u32,
    provider: String,
    submission: Submission,
    took: Duration,
}

/// The right to hand over one text.
pub(crate) struct Slot {
    report: mpsc::Sender<Outcome>,
    _permit: OwnedSemaphorePermit,
}

/// Where texts leave: as many at once as there are slots.
pub struct Outbox {
    slots: Arc<Semaphore>,
    /// Gone once the daemon stops: no text leaves after that.
    report: Mutex<Option<mpsc::Sender<Outcome>>>,
    reports: Mutex<Option<mpsc::Receiver<Outcome>>>,
    wake: Notify,
}

impl Outbox {
    /// With `workers` slots.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let (report, reports) = mpsc::channel(BATCH);
        Self {
            slots: Arc::new(Semaphore::new(workers)),
            report: Mutex::new(Some(report)),
            reports: Mutex::new(Some(reports)),
            wake: Notify::new(),
        }
    }

    /// Says that a text was queued.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// A slot for a text that a login is about to ask for; `None` where it has to queue: all are taken, or the daemon stops. A stop
    /// waits for those that hold one, so a text that was leased in time still leaves.
    pub(crate) fn reserve(&self) -> Option<Slot> {
        let report = self.report.lock().ok().and_then(|report| report.clone())?;
        let permit = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(Slot {
            report,
            _permit: permit,
        })
    }

    /// Hands a leased text to its provider. Call after the lease is committed.
    pub(crate) fn launch(job: Job, slot: Slot) {
        tokio::spawn(async move {
            let watch = sys::Stopwatch::start();
            let submission = job.provider.transport.submit(&job.text).await;
            let outcome = Outcome {
                id: job.id,
                epoch: job.epoch,
                provider: job.provider.name,
                submission,
                took: watch.elapsed(),
            };
            let _ = slot.report.send(outcome).await;
        });
    }

    fn close(&self) {
        if let Ok(mut report) = self.report.lock() {
            *report = None;
        }
    }
}

/// Runs until `stop` turns true; then lets submissions under way end and stores their outcomes.
pub(crate) async fn run(daemon: Arc<Daemon>, poll: Duration, mut stop: watch::Receiver<bool>) {
    let Some(reports) = daemon
        .outbox
        .reports
        .lock()
        .ok()
        .and_then(|mut reports| reports.take())
    else {
        return;
    };
    let settler = tokio::spawn(settle_all(Arc::clone(&daemon), reports));
    let mut wait = Duration::ZERO;
    while !*stop.borrow() {
        if !wait.is_zero() {
            tokio::select! {
                () = daemon.outbox.wake.notified() => {}
                () = sys::sleep(wait) => {}
                _ = stop.changed() => break,
            }
        }
        let due = match due(&daemon).await {
            Ok(0) => {
                wait = poll;
                continue;
            }
            Ok(due) => due,
            Err(error) => {
                error!(%error, "the outbox cannot be read; texts wait");
                wait = poll;
                continue;
            }
        };
        // No more slots than texts: a login that finds none queues its text, which is one more reason to look here.
        let mut slots = Vec::new();
        while slots.len() < due
            && let Some(slot) = daemon.outbox.reserve()
        {
            slots.push(slot);
        }
        if slots.is_empty() {
            // A slot that becomes free is the next reason to look.
            tokio::select! {
                _ = daemon.outbox.slots.acquire() => {}
                _ = stop.changed() => break,
            }
            wait = Duration::ZERO;
            continue;
        }
        match claim(&daemon, slots.len()).await {
            Ok((jobs, more)) => {
                wait = if more { Duration::ZERO } else { poll };
                for (job, slot) in jobs.into_iter().zip(slots) {
                    Outbox::launch(job, slot);
                }
            }
            Err(error) => {
                error!(%error, "the outbox cannot be read; texts wait");
                wait = poll;
            }
        }
    }
    daemon.outbox.close();
    let _ = settler.await;
}

/// Leases the text of a login that is being stored, so that it leaves right after the commit. A text that may not leave now
/// is queued as it is.
pub(crate) fn lease_now(
    message: &Message,
    asks: &Asks<'_>,
    usable: &Usable,
    now: Timestamp,
) -> (Message, Option<Job>) {
    let Claim::Submit {
        provider,
        message: leased,
    } = outbox::claim(message, &usable.names, now)
    else {
        return (message.clone(), None);
    };
    let code = code::derive(asks.keys, &asks.challenge.code());
    let words = text::message(asks.challenge, asks.resource, &code, now);
    let to = Zeroizing::new(asks.phone.expose().to_owned());
    match job(&leased, usable.get(&provider), &(to, words), now) {
        Some(job) => (leased, Some(job)),
        None => (message.clone(), None),
    }
}

/// As [`lease_now`], for a text whose number and words are known.
pub(crate) fn lease_words(
    message: &Message,
    words: &Words,
    usable: &Usable,
    now: Timestamp,
) -> (Message, Option<Job>) {
    let Claim::Submit {
        provider,
        message: leased,
    } = outbox::claim(message, &usable.names, now)
    else {
        return (message.clone(), None);
    };
    match job(&leased, usable.get(&provider), words, now) {
        Some(job) => (leased, Some(job)),
        None => (message.clone(), None),
    }
}

/// What the text of a login is made from.
pub(crate) struct Asks<'a> {
    pub(crate) challenge: &'a Challenge,
    pub(crate) resource: &'a str,
    pub(crate) phone: &'a Phone,
    pub(crate) keys: &'a Keyring,
}

fn job(message: &Message, provider: Option<&Active>, (to, words): &Words, now: Timestamp) -> Option<Job> {
    let provider = provider?.clone();
    let text = Text {
        reference: MessageRef::new(message.reference.as_str()).ok()?,
        to: Recipient::new(to.as_str()).ok()?,
        body: SecretText::new(words.as_str()),
        sender: provider.sender.clone(),
        ttl: message.deadline.since(now),
        want_receipt: false,
    };
    Some(Job {
        id: message.id,
        epoch: message.epoch,
        provider,
        text,
    })
}

/// How many rows are due, up to a batch of them.
async fn due(daemon: &Daemon) -> Result<usize, StoreError> {
    let now = daemon.now();
    let limit = u32::try_from(BATCH).unwrap_or(u32::MAX);
    let due = daemon.read(move |read| read.due_messages(now, limit)).await?;
    Ok(due.len())
}

/// Leases due rows and builds their texts. Tells whether there may be more.
async fn claim(daemon: &Arc<Daemon>, limit: usize) -> Result<(Vec<Job>, bool), StoreError> {
    let usable = daemon.providers.usable();
    let now = daemon.now();
    let limit32 = u32::try_from(limit).unwrap_or(u32::MAX);
    let keys = daemon.keys.clone();
    let list = Arc::clone(&usable);
    let (leased, (ended, facts), held, seen) = daemon
        .write(move |tx| {
            let due = tx.due_messages(now, limit32)?;
            let paused = tx.send_policy()?.paused;
            // Rows held back by a pause must not look like a backlog to work off at once.
            let seen = if paused { 0 } else { due.len() };
            let mut leased = Vec::new();
            let mut ended = Vec::new();
            let mut facts = Vec::new();
            let mut held = false;
            for message in due {
                match outbox::claim(&message, &list.names, now) {
                    Claim::Leave => {}
                    Claim::Stop { message } => {
                        facts.extend(store_end(tx, &message, now)?);
                        ended.push(message);
                    }
                    Claim::Submit { .. } if paused => held = true,
                    Claim::Submit { provider, message } => match build(tx, &message, &keys, now)? {
                        Some(words) => {
                            tx.put_message(&message)?;
                            leased.push((message, provider, words));
                        }
                        None => {
                            let over = Message {
                                state: State::Expired,
                                detail: match message.kind {
                                    Kind::Code { .. } => "the login ended first",
                                    _ => "nobody waits for it any more",
                                }
                                .to_owned(),
                                ..message
                            };
                            facts.extend(store_end(tx, &over, now)?);
                            ended.push(over);
                        }
                    },
                }
            }
            Ok((leased, (ended, facts), held, seen))
        })
        .await?;
    if held {
        debug!("sending is paused; texts wait");
    }
    report(&ended);
    count(daemon, facts, now);
    if !ended.is_empty() {
        daemon.text_ended.send_modify(|n| *n = n.wrapping_add(1));
    }
    let jobs = leased
        .into_iter()
        .filter_map(|(message, provider, words)| job(&message, usable.get(&provider), &words, now))
        .collect();
    Ok((jobs, seen >= limit))
}

/// Number and words of a text.
pub(crate) type Words = (Zeroizing<String>, Zeroizing<String>);

/// Number and words of a text; `None` where what it is for is over.
pub(crate) fn build(
    tx: &mut dyn Tx,
    message: &Message,
    keys: &Keyring,
    now: Timestamp,
) -> Result<Option<Words>, StoreError> {
    let number = |phone: &Phone| Zeroizing::new(phone.expose().to_owned());
    match &message.kind {
        Kind::Test => Ok(tx.test_number(message.id)?.map(|phone| {
            (
                number(&phone),
                Zeroizing::new(text::test_message(message.reference.as_str())),
            )
        })),
        Kind::Code {
            challenge,
            generation,
            token,
        } => {
            let Some(challenge) = tx.challenge(*challenge)? else {
                return Ok(None);
            };
            let Some(token) = tx.token(*token)? else {
                return Ok(None);
            };
            if !challenge.open_at(now) || challenge.generation != *generation {
                return Ok(None);
            }
            let resource = tx
                .resource(challenge.resource)?
                .map_or_else(String::new, |r| r.name);
            let code = code::derive(keys, &challenge.code());
            Ok(Some((
                number(&token.phone),
                text::message(&challenge, &resource, &code, now),
            )))
        }
        Kind::Enrol { .. } | Kind::Portal { .. } | Kind::Notice { .. } => {
            texts::words(tx, message, keys, now)
        }
    }
}

/// Stores outcomes as they come, many in one transaction.
async fn settle_all(daemon: Arc<Daemon>, mut reports: mpsc::Receiver<Outcome>) {
    let mut batch = Vec::with_capacity(BATCH);
    while reports.recv_many(&mut batch, BATCH).await > 0 {
        let outcomes = Arc::new(std::mem::take(&mut batch));
        // An outcome that is not stored becomes "unknown" when its lease ends: nothing is lost, only later.
        if let Err(error) = settle(&daemon, outcomes).await {
            error!(%error, "outcomes of texts cannot be stored");
        }
    }
}

async fn settle(daemon: &Arc<Daemon>, outcomes: Arc<Vec<Outcome>>) -> Result<(), StoreError> {
    let now = daemon.now();
    let usable = daemon.providers.usable();
    // A text that was accepted needs nothing more: its row may go with the next login's commit. Others are tried again soon.
    let over = |outcome: &Outcome| matches!(outcome.submission, Submission::Accepted { .. });
    let late = outcomes.iter().all(over);
    let store = move |tx: &mut dyn Tx| {
        let mut settled = Vec::new();
        let mut facts = Vec::new();
        for outcome in outcomes.iter() {
            let Some(message) = tx.message(outcome.id)? else {
                continue;
            };
            if message.epoch != outcome.epoch || !matches!(message.state, State::Leased { .. }) {
                continue;
            }
            let (result, detail) = translate(&outcome.submission);
            let mut next = outbox::settle(&message, &result, &usable.names, now);
            next.detail = detail;
            facts.push(Fact::Answer {
                provider: outcome.provider.clone(),
                accepted: over(outcome),
                took: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            });
            facts.extend(store_end(tx, &next, now)?);
            settled.push(next);
        }
        Ok((settled, facts))
    };
    let (settled, facts) = if late {
        daemon.write_late(store).await?
    } else {
        daemon.write(store).await?
    };
    report(&settled);
    count(daemon, facts, now);
    daemon.text_ended.send_modify(|n| *n = n.wrapping_add(1));
    if settled.iter().any(|message| !message.state.ended()) {
        daemon.outbox.wake();
    }
    Ok(())
}

/// Stores a row after a claim or an outcome, with its audit row where it ended. Gives what is to be counted after the commit.
fn store_end(tx: &mut dyn Tx, message: &Message, now: Timestamp) -> Result<Option<Fact>, StoreError> {
    tx.put_message(message)?;
    let Some(state) = stats::ended(&message.state) else {
        return Ok(None);
    };
    tx.append_audit(&Event {
        at: now,
        kind: format!("sms.{}", message.state.as_str()),
        reason: message.kind.as_str().to_owned(),
        reference: message.reference.clone(),
        user: String::new(),
        resource: String::new(),
        via: message.tried.join(" "),
        source: String::new(),
        detail: message.detail.clone(),
    })?;
    Ok(Some(Fact::Text {
        resource: resource_of(tx, message)?,
        state,
        took: u64::try_from(now.since(message.created).as_millis()).unwrap_or(u64::MAX),
    }))
}

/// The resource that a text was for.
fn resource_of(tx: &mut dyn Tx, message: &Message) -> Result<Option<ResourceId>, StoreError> {
    Ok(match &message.kind {
        Kind::Code { challenge, .. } => tx.challenge(*challenge)?.map(|c| c.resource),
        Kind::Enrol { enrolment, .. } => {
            document::get::<Enrolment>(tx, &enrolment.0)?.map(|enrolment| enrolment.resource)
        }
        Kind::Portal { verification, .. } => {
            document::get::<Verification>(tx, &verification.0)?.and_then(|asked| asked.resource)
        }
        Kind::Notice { resource, .. } => Some(*resource),
        Kind::Test => None,
    })
}

/// Counts what was stored.
fn count(daemon: &Daemon, facts: Vec<Fact>, now: Timestamp) {
    for fact in facts {
        daemon.stats.count(fact, now);
    }
}

/// Says what became of texts, after it was stored.
fn report(messages: &[Message]) {
    for message in messages {
        let provider = message.tried.last().map_or("", String::as_str);
        let state = message.state.as_str();
        let detail = &message.detail;
        let reference = &message.reference;
        match &message.state {
            State::Accepted { .. } => info!(%reference, provider, "text accepted"),
            State::Queued | State::Leased { .. } => {
                debug!(%reference, provider, detail, "text tried again later");
            }
            _ => warn!(%reference, provider, state, detail, "text not sent"),
        }
    }
}

/// A transport's words as the core's.
fn translate(submission: &Submission) -> (outbox::Submission, String) {
    match submission {
        Submission::Accepted { provider_id, .. } => (
            outbox::Submission::Accepted {
                provider_id: provider_id.clone(),
            },
            String::new(),
        ),
        Submission::Unknown { detail } => (outbox::Submission::Unknown, detail.as_str().to_owned()),
        Submission::Rejected {
            class,
            provider_code,
            retry_after,
            detail,
        } => {
            let class = match class {
                Class::Number => Rejection::Number,
                Class::Policy => Rejection::Policy,
                Class::Throttle => Rejection::Throttle,
                Class::Auth => Rejection::Auth,
                Class::Balance => Rejection::Balance,
                Class::Transient => Rejection::Transient,
                Class::Content => Rejection::Content,
            };
            let detail = match provider_code {
                Some(code) => format!("{code}: {}", detail.as_str()),
                None => detail.as_str().to_owned(),
            };
            (
                outbox::Submission::Rejected {
                    class,
                    retry_after: *retry_after,
                },
                detail,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use otpost_sms::{SubmitFuture, Transport};

    use super::*;

    struct Taken;

    impl Transport for Taken {
        fn submit<'a>(&'a self, _: &'a Text) -> SubmitFuture<'a> {
            Box::pin(std::future::ready(Submission::Accepted {
                provider_id: None,
                parts: 1,
            }))
        }
    }

    #[tokio::test]
    async fn a_text_leased_before_a_stop_leaves_and_its_outcome_is_awaited() {
        let outbox = Outbox::new(2);
        let mut reports = outbox.reports.lock().unwrap().take().unwrap();
        let slot = outbox.reserve().unwrap();
        outbox.close();
        assert!(outbox.reserve().is_none(), "nothing new is leased during a stop");
        let job = Job {
            id: MessageId([7; 16]),
            epoch: 1,
            provider: Active {
                name: "one".to_owned(),
                sender: None,
                transport: Arc::new(Taken),
            },
            text: Text {
                reference: MessageRef::new("A").unwrap(),
                to: Recipient::new("+491712345678").unwrap(),
                body: SecretText::new("text"),
                sender: None,
                ttl: Duration::from_secs(60),
                want_receipt: false,
            },
        };
        Outbox::launch(job, slot);
        assert_eq!(reports.recv().await.unwrap().id, MessageId([7; 16]));
        assert!(reports.recv().await.is_none(), "and then the stop may go on");
    }
}
