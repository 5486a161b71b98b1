//! The outbox worker: claims due texts in one transaction, hands them to transports, stores the outcomes in another.
//!
//! The claim is committed before a provider is asked, so a crash never sends a text twice through one provider; it leaves an
//! outcome that is not known, which the core's rule then treats.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::audit::Event;
use otpost_core::ids::MessageId;
use otpost_core::outbox::{self, Claim, Kind, Message, Rejection, State};
use otpost_core::{Timestamp, code, text};
use otpost_sms::{Class, MessageRef, Recipient, SecretText, Submission, Text};
use otpost_store::{StoreError, Tx};
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{debug, error, info, warn};
use zeroize::Zeroizing;

use crate::providers::Active;
use crate::state::Daemon;
use crate::sys;

/// Rows claimed or settled in one transaction.
const BATCH: usize = 128;

/// A text to submit.
struct Job {
    id: MessageId,
    epoch: u32,
    provider: Active,
    text: Text,
}

/// What came of it.
struct Outcome {
    id: MessageId,
    epoch: u32,
    submission: Submission,
}

/// Runs until `stop` turns true; then lets submissions under way end and stores their outcomes.
pub(crate) async fn run(
    daemon: Arc<Daemon>,
    workers: usize,
    poll: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(workers));
    let (report, reports) = mpsc::channel(BATCH);
    let settler = tokio::spawn(settle_all(Arc::clone(&daemon), reports));
    let mut wait = Duration::ZERO;
    while !*stop.borrow() {
        if !wait.is_zero() {
            tokio::select! {
                () = daemon.outbox_wake.notified() => {}
                () = sys::sleep(wait) => {}
                _ = stop.changed() => break,
            }
        }
        let free = slots.available_permits();
        if free == 0 {
            // A slot that becomes free is the next reason to look.
            let _ = slots.acquire().await;
            wait = Duration::ZERO;
            continue;
        }
        match claim(&daemon, free.min(BATCH)).await {
            Ok((jobs, more)) => {
                wait = if more { Duration::ZERO } else { poll };
                for job in jobs {
                    let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                        break;
                    };
                    let report = report.clone();
                    tokio::spawn(async move {
                        let submission = job.provider.transport.submit(&job.text).await;
                        let outcome = Outcome {
                            id: job.id,
                            epoch: job.epoch,
                            submission,
                        };
                        let _ = report.send(outcome).await;
                        drop(slot);
                    });
                }
            }
            Err(error) => {
                error!(%error, "the outbox cannot be read; texts wait");
                wait = poll;
            }
        }
    }
    drop(report);
    let _ = settler.await;
}

/// Leases due rows and builds their texts. Tells whether there may be more.
async fn claim(daemon: &Arc<Daemon>, limit: usize) -> Result<(Vec<Job>, bool), StoreError> {
    let providers = daemon.providers.active();
    let now = daemon.now();
    let limit32 = u32::try_from(limit).unwrap_or(u32::MAX);
    if daemon
        .read(move |read| read.due_messages(now, 1))
        .await?
        .is_empty()
    {
        return Ok((Vec::new(), false));
    }
    let names: Vec<String> = providers.iter().map(|p| p.name.clone()).collect();
    let keys = daemon.keys.clone();
    let (leased, ended, seen) = daemon
        .write(move |tx| {
            let due = tx.due_messages(now, limit32)?;
            let paused = tx.send_policy()?.paused;
            // Rows held back by a pause must not look like a backlog to work off at once.
            let seen = if paused { 0 } else { due.len() };
            let mut leased = Vec::new();
            let mut ended = false;
            let mut held = false;
            for message in due {
                match outbox::claim(&message, &names, now) {
                    Claim::Leave => {}
                    Claim::Stop { message } => {
                        store_end(tx, &message, now)?;
                        ended |= message.state.ended();
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
                                detail: "the login ended first".to_owned(),
                                ..message
                            };
                            store_end(tx, &over, now)?;
                            ended = true;
                        }
                    },
                }
            }
            if held {
                debug!("sending is paused; texts wait");
            }
            Ok((leased, ended, seen))
        })
        .await?;
    if ended {
        daemon.text_ended.send_modify(|n| *n = n.wrapping_add(1));
    }
    let jobs = leased
        .into_iter()
        .filter_map(|(message, provider, (to, words))| {
            let provider = providers.iter().find(|p| p.name == provider)?.clone();
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
        })
        .collect();
    Ok((jobs, seen >= limit))
}

/// Number and words of a text.
type Words = (Zeroizing<String>, Zeroizing<String>);

/// Number and words of a text; `None` where its login is over.
fn build(
    tx: &mut dyn Tx,
    message: &Message,
    keys: &otpost_core::keys::Keyring,
    now: Timestamp,
) -> Result<Option<Words>, StoreError> {
    let number = |phone: &otpost_core::phone::Phone| Zeroizing::new(phone.expose().to_owned());
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
    let names: Vec<String> = daemon.providers.active().iter().map(|p| p.name.clone()).collect();
    let again = daemon
        .write(move |tx| {
            let mut again = false;
            for outcome in outcomes.iter() {
                let Some(message) = tx.message(outcome.id)? else {
                    continue;
                };
                if message.epoch != outcome.epoch || !matches!(message.state, State::Leased { .. }) {
                    continue;
                }
                let (result, detail) = translate(&outcome.submission);
                let mut next = outbox::settle(&message, &result, &names, now);
                next.detail = detail;
                again |= !next.state.ended();
                store_end(tx, &next, now)?;
            }
            Ok(again)
        })
        .await?;
    daemon.text_ended.send_modify(|n| *n = n.wrapping_add(1));
    if again {
        daemon.outbox_wake.notify_one();
    }
    Ok(())
}

/// Stores a row after a claim or an outcome, with its audit row where it ended.
fn store_end(tx: &mut dyn Tx, message: &Message, now: Timestamp) -> Result<(), StoreError> {
    tx.put_message(message)?;
    let provider = message.tried.last().cloned().unwrap_or_default();
    let state = message.state.as_str();
    match &message.state {
        State::Accepted { .. } => {
            info!(reference = %message.reference, provider, "text accepted");
        }
        State::Queued | State::Leased { .. } => {
            debug!(reference = %message.reference, provider, detail = message.detail, "text tried again later");
            return Ok(());
        }
        _ => warn!(reference = %message.reference, provider, state, detail = message.detail, "text not sent"),
    }
    tx.append_audit(&Event {
        at: now,
        kind: format!("sms.{state}"),
        reason: match message.kind {
            Kind::Code { .. } => "code".to_owned(),
            Kind::Test => "test".to_owned(),
        },
        reference: message.reference.clone(),
        user: String::new(),
        resource: String::new(),
        via: message.tried.join(" "),
        source: String::new(),
        detail: message.detail.clone(),
    })
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
