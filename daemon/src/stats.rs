//! Figures for the overview: counted where decisions are reported and texts end, kept in memory, stored every few seconds.
//!
//! Who counts only puts a fact into a bounded queue and never waits; one task adds up and stores. A crash loses some seconds of figures,
//! never a decision: those are in the audit log.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::{ResourceId, UserId};
use otpost_core::name::LoginName;
use otpost_core::stats::{Cut, Fact, HourStats, hour_of};
use otpost_store::{Read, StoreError, document};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error};

use crate::state::Daemon;
use crate::sys;

/// Facts that may wait; beyond, they are not counted.
const QUEUE: usize = 8192;
/// Facts taken at once.
const BATCH: usize = 256;
/// How often figures are stored.
const EVERY: Duration = Duration::from_secs(10);
/// Longest wait for the store of somebody who looks at figures.
const PATIENCE: Duration = Duration::from_secs(2);
/// Hours that wait for a store which cannot be written.
const HOURS: usize = 48;
/// How old the list of locked users may be; what is known of is added at once.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Users read at once.
const CHUNK: u32 = 1000;

enum Said {
    Fact(Timestamp, Fact),
    Store(oneshot::Sender<()>),
}

/// Where facts are put.
pub struct Stats {
    facts: mpsc::Sender<Said>,
    inbox: Mutex<Option<mpsc::Receiver<Said>>>,
    locked: Locked,
}

impl Default for Stats {
    fn default() -> Self {
        let (facts, inbox) = mpsc::channel(QUEUE);
        Self {
            facts,
            inbox: Mutex::new(Some(inbox)),
            locked: Locked::default(),
        }
    }
}

impl Stats {
    /// Counts a fact of `now`.
    pub fn count(&self, fact: Fact, now: Timestamp) {
        if self.facts.try_send(Said::Fact(now, fact)).is_err() {
            debug!("a figure is lost: too many at once");
        }
    }

    /// Somebody was locked, or may be.
    pub fn note_locked(&self, user: UserId) {
        if let Ok(mut seen) = self.locked.seen.lock() {
            seen.insert(user);
        }
    }

    /// Stores what was counted so far; does not wait long for it.
    pub(crate) async fn store(&self) {
        let (done, stored) = oneshot::channel();
        let all = async {
            if self.facts.send(Said::Store(done)).await.is_ok() {
                let _ = stored.await;
            }
        };
        if sys::timeout(PATIENCE, all).await.is_none() {
            debug!("figures are stored later");
        }
    }
}

/// Adds up and stores until it is dropped; [`Stats::store`] before that loses nothing.
pub(crate) async fn run(daemon: Arc<Daemon>) {
    let inbox = daemon.stats.inbox.lock().ok().and_then(|mut inbox| inbox.take());
    let Some(mut inbox) = inbox else { return };
    let mut hours = BTreeMap::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut tick = pin!(sys::sleep(EVERY));
    loop {
        tokio::select! {
            taken = inbox.recv_many(&mut batch, BATCH) => {
                if taken == 0 {
                    return;
                }
                for said in batch.drain(..) {
                    match said {
                        Said::Fact(at, fact) => {
                            let hour = hours.entry(hour_of(at));
                            hour.or_insert_with(|| HourStats::at(at)).count(&fact);
                        }
                        Said::Store(done) => {
                            flush(&daemon, &mut hours).await;
                            let _ = done.send(());
                        }
                    }
                }
            }
            () = &mut tick => {
                flush(&daemon, &mut hours).await;
                tick.set(sys::sleep(EVERY));
            }
        }
    }
}

/// Adds to what is stored; what cannot be stored waits.
async fn flush(daemon: &Arc<Daemon>, hours: &mut BTreeMap<u64, HourStats>) {
    if hours.is_empty() {
        return;
    }
    let new = Arc::new(std::mem::take(hours));
    let added = Arc::clone(&new);
    let stored = daemon
        .write(move |tx| {
            for hour in added.values() {
                let id = document::Document::id(hour);
                let mut sum = document::get::<HourStats>(tx, &id)?.unwrap_or_else(|| HourStats {
                    hour: hour.hour,
                    ..HourStats::default()
                });
                sum.merge(hour);
                document::put(tx, &sum)?;
            }
            Ok(())
        })
        .await;
    if let Err(failure) = stored {
        error!(error = %failure, "figures cannot be stored; they wait");
        for (hour, stats) in new.iter() {
            hours
                .entry(*hour)
                .or_insert_with(|| HourStats {
                    hour: *hour,
                    ..HourStats::default()
                })
                .merge(stats);
        }
        while hours.len() > HOURS {
            hours.pop_first();
        }
    }
}

/// Hours that `cut` covers.
pub(crate) fn hours(read: &mut dyn Read, cut: &Cut) -> Result<Vec<HourStats>, StoreError> {
    let before = HourStats {
        hour: cut.first.saturating_sub(1),
        ..HourStats::default()
    };
    let count = cut.entries.saturating_mul(cut.step).saturating_add(1);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    document::list(read, Some(&document::Document::id(&before)), count)
}

/// Who may be locked: found by looking through all users now and then, and at once where a lock is seen to happen.
#[derive(Default)]
struct Locked {
    seen: Mutex<BTreeSet<UserId>>,
    /// When all users were last looked through.
    looked: tokio::sync::Mutex<Option<Timestamp>>,
}

/// Users that are locked now: at most `limit` of them by login, and how many there are.
pub(crate) async fn locked(
    daemon: &Arc<Daemon>,
    resource: Option<ResourceId>,
    limit: usize,
) -> Result<(Vec<String>, u64), StoreError> {
    let now = daemon.now();
    let last = match daemon.stats.locked.looked.try_lock() {
        Ok(looked) => *looked,
        // Somebody looks just now; the first time there is nothing to show before that.
        Err(_) if known(daemon).is_empty() => *daemon.stats.locked.looked.lock().await,
        Err(_) => Some(now),
    };
    match last {
        None => look(daemon).await?,
        Some(last) if now.since(last) >= LOOK_AGAIN => {
            let daemon = Arc::clone(daemon);
            tokio::spawn(async move {
                if let Err(failure) = look(&daemon).await {
                    error!(error = %failure, "locked users cannot be looked for");
                }
            });
        }
        Some(_) => {}
    }
    let known = known(daemon);
    let (mut logins, gone) = daemon
        .read(move |read| {
            let (mut logins, mut gone) = (Vec::new(), Vec::new());
            for id in &known {
                match read.user(*id)? {
                    Some(user) if user.locked.is_some() || read.guard(*id)?.lock_at(now).is_some() => {
                        if resource.is_none_or(|id| user.resources.contains(&id)) {
                            logins.push(user.login);
                        }
                    }
                    _ => gone.push(*id),
                }
            }
            Ok((logins, gone))
        })
        .await?;
    // Whoever is locked again after this was read is noted again then, or found at the next look.
    if let Ok(mut seen) = daemon.stats.locked.seen.lock() {
        for id in gone {
            seen.remove(&id);
        }
    }
    logins.sort();
    let count = logins.len() as u64;
    logins.truncate(limit);
    Ok((logins, count))
}

fn known(daemon: &Daemon) -> Vec<UserId> {
    let seen = daemon.stats.locked.seen.lock();
    seen.map(|seen| seen.iter().copied().collect())
        .unwrap_or_default()
}

/// Looks through all users.
async fn look(daemon: &Arc<Daemon>) -> Result<(), StoreError> {
    let mut looked = daemon.stats.locked.looked.lock().await;
    let now = daemon.now();
    if looked.is_some_and(|last| now.since(last) < LOOK_AGAIN) {
        return Ok(());
    }
    let mut after: Option<LoginName> = None;
    loop {
        let from = after.clone();
        let (found, last) = daemon
            .read(move |read| {
                let users = read.users(from.as_ref(), "", CHUNK)?;
                let last = users.last().map(|user| user.name.clone());
                let mut found = Vec::new();
                for user in users {
                    if user.locked.is_some() || read.guard(user.id)?.lock_at(now).is_some() {
                        found.push(user.id);
                    }
                }
                Ok((found, last))
            })
            .await?;
        if let Ok(mut seen) = daemon.stats.locked.seen.lock() {
            seen.extend(found);
        }
        match last {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    *looked = Some(now);
    Ok(())
}
