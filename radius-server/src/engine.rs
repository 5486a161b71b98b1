//! What the sockets' threads share: who asks the daemon next, how the daemon is, and what it is told of requests that it
//! never sees.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use otpost_ipc::{
    Fault, FaultCode, LoginReply,
    radius::{RadiusReply, RadiusReport},
};
use tokio::sync::Notify;

use crate::{
    clients::Client,
    latch::{self, Latch, UNSIGNED_PERIOD},
    link::Link,
    pending::Asked,
    question::{Question, Said},
    queue::{Class, Next, Place, Queue},
    rejects::{self, Rejects},
    silence::{Counters, Silence},
    sys,
};

/// The daemon's time for a round of news.
const ROUND: Duration = Duration::from_secs(15);

/// Pause between two rounds of telling the daemon what it did not see.
const NEWS_PAUSE: Duration = Duration::from_secs(1);

/// Requests that wait for the daemon before new ones are looked at for whether there is room at all.
const TIGHT: usize = 64;

/// Questions taken off the queue at once.
const BATCH: usize = 64;

/// Everything the threads and tasks share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) link: Link,
    pub(crate) counters: Arc<Counters>,
    queue: Mutex<Queue<Question>>,
    /// How many of them wait.
    waiting: AtomicUsize,
    /// The daemon's store could not be used when it was last asked to.
    unwell: AtomicBool,
    rejects: Mutex<Rejects>,
    latch: Arc<Mutex<Latch>>,
    news: Notify,
    /// Held during a round, so that a stop waits for the one under way.
    telling: tokio::sync::Mutex<()>,
    start: Instant,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let latch = Arc::new(Mutex::new(Latch::default()));
        Self {
            link: Link::new(Arc::clone(&latch)),
            counters: Arc::default(),
            queue: Mutex::default(),
            waiting: AtomicUsize::new(0),
            unwell: AtomicBool::new(false),
            rejects: Mutex::default(),
            latch,
            news: Notify::new(),
            telling: tokio::sync::Mutex::default(),
            start: sys::now(),
        }
    }

    /// Whether [`Self::submit`] is likely to take a request.
    pub(crate) fn has_room(&self, now: Instant, class: Class, client: &str) -> bool {
        self.waiting.load(Ordering::Relaxed) <= TIGHT || lock(&self.queue).has_room(now, class, client)
    }

    /// Takes questions for the daemon; those that find no room become `refused`.
    pub(crate) fn submit(
        &self,
        now: Instant,
        questions: &mut Vec<(Class, Question)>,
        refused: &mut Vec<Question>,
    ) {
        if questions.is_empty() {
            return;
        }
        let mut queue = lock(&self.queue);
        for (class, question) in questions.drain(..) {
            let client = Arc::clone(&question.client);
            refused.extend(queue.push(now, class, &client, question).err());
        }
        self.waiting.store(queue.waiting(), Ordering::Relaxed);
    }

    /// Takes what may be asked now off the queue.
    pub(crate) fn next(&self, now: Instant, batch: &mut Vec<Next<Question>>) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            let mut queue = lock(&self.queue);
            batch.extend(std::iter::from_fn(|| queue.next(now)).take(BATCH));
            self.waiting.store(queue.waiting(), Ordering::Relaxed);
        }
    }

    /// Gives up the place of a question that is answered.
    pub(crate) fn finish(&self, now: Instant, place: &Place) {
        lock(&self.queue).finish(now, place);
    }

    /// Whether the daemon could use its store when it was last asked to.
    pub(crate) fn is_well(&self) -> bool {
        !self.unwell.load(Ordering::Relaxed)
    }

    /// Remembers a request that was rejected without the daemon.
    pub(crate) fn reject(&self, report: RadiusReport) {
        lock(&self.rejects).add(report);
        self.news.notify_one();
    }

    /// A valid Message-Authenticator came from this client.
    pub(crate) fn note_signed(&self, client: &Client) {
        if client.latch() {
            lock(&self.latch).signed(&client.name);
            self.news.notify_one();
        }
    }

    /// An Access-Request without one came.
    pub(crate) fn note_unsigned(&self, now: Instant, client: &Client) {
        let second = now.saturating_duration_since(self.start).as_secs();
        if client.is_news(second, UNSIGNED_PERIOD.as_secs()) {
            lock(&self.latch).unsigned(now, &client.name);
            self.news.notify_one();
        }
    }

    /// Tells the daemon what it did not see. Never returns; drop it to stop.
    pub(crate) async fn report(&self) {
        loop {
            self.news.notified().await;
            self.tell().await;
            sys::sleep(NEWS_PAUSE).await;
        }
    }

    /// One round. What the daemon did not hear waits for the next.
    pub(crate) async fn tell(&self) {
        let _round = self.telling.lock().await;
        let Some(daemon) = self.link.get() else {
            // It waits for the daemon.
            self.news.notify_one();
            return;
        };
        let reports = lock(&self.rejects).take();
        let told = sys::limited(ROUND, rejects::tell(&daemon, reports.clone())).await;
        let more = {
            let mut rejects = lock(&self.rejects);
            for report in told.unwrap_or(reports) {
                rejects.add(report);
            }
            !rejects.is_empty()
        };
        let seen = lock(&self.latch).take();
        let told = sys::limited(ROUND, latch::tell(&daemon, seen.clone())).await;
        let more = {
            let mut latch = lock(&self.latch);
            for seen in told.unwrap_or(seen) {
                latch.put_back(&seen);
            }
            more || !latch.is_empty()
        };
        if more {
            self.news.notify_one();
        }
    }

    /// Takes note of what the daemon said to a question.
    pub(crate) fn judge(&self, asked: &Asked, answer: Result<RadiusReply, Fault>) -> Said {
        let (client, id, user) = (&asked.question.client, &asked.question.id, &asked.user);
        let reply = match answer {
            Ok(reply) => reply,
            // Each fault has a reference that the daemon's log explains.
            Err(fault) => {
                if fault.code == FaultCode::Unavailable && !self.unwell.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "otpostd cannot use its store just now; Status-Server is answered once it can"
                    );
                }
                tracing::warn!(?client, %id, %fault, "otpostd could not decide");
                return Said::Nothing(Silence::Fault);
            }
        };
        if !self.is_well() {
            self.unwell.store(false, Ordering::Relaxed);
            tracing::info!("otpostd can use its store again");
        }
        match &reply {
            RadiusReply::Login { login, .. } => match login {
                LoginReply::Prompt { .. } => tracing::debug!(?client, %id, ?user, "challenged"),
                LoginReply::Allow { reason, .. } => {
                    tracing::info!(?client, %id, ?user, ?reason, "accepted");
                }
                LoginReply::Deny { kind, reference, .. } => {
                    tracing::info!(?client, %id, ?user, ?kind, %reference, "rejected");
                }
                LoginReply::Ignore => {}
            },
            RadiusReply::Reported => tracing::debug!(?client, %id, ?user, "stored"),
            RadiusReply::Clients(_) => {}
        }
        Said::Reply(reply)
    }
}

/// Nothing that is behind these locks can panic half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
