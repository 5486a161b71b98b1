//! What the sockets' threads share, and the side that talks to the daemon: who asks next, what came back, and what the
//! daemon is told of requests that it never sees.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use otpost_ipc::{
    FaultCode, LoginReply,
    client::CallError,
    radius::{RadiusOp, RadiusReply, RadiusReport},
};
use tokio::sync::Notify;

use crate::{
    clients::Client,
    latch::{self, Latch, UNSIGNED_PERIOD},
    link::Link,
    question::{Question, Said},
    queue::{Class, Next, Place, Queue},
    rejects::{self, Rejects},
    silence::{Counters, Silence},
    sys,
};

/// The daemon's time for one decision. No VPN waits longer.
const DECISION: Duration = Duration::from_secs(15);

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
    /// More waits than should, so that it is worth looking before work is done for nothing.
    tight: AtomicBool,
    asked: Notify,
    /// The daemon's store could not be used when it was last asked to.
    unwell: AtomicBool,
    rejects: Mutex<Rejects>,
    latch: Arc<Mutex<Latch>>,
    news: Notify,
    /// Held during a round, so that a stop waits for the one under way.
    telling: tokio::sync::Mutex<()>,
    start: Instant,
}

/// A request under way. Its place is given up with it.
struct Slot {
    engine: Arc<Engine>,
    place: Place,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let latch = Arc::new(Mutex::new(Latch::default()));
        Self {
            link: Link::new(Arc::clone(&latch)),
            counters: Arc::default(),
            queue: Mutex::default(),
            tight: AtomicBool::new(false),
            asked: Notify::new(),
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
        !self.tight.load(Ordering::Relaxed) || lock(&self.queue).has_room(now, class, client)
    }

    /// Takes questions for the daemon. Those that find no room are told so at once.
    pub(crate) fn submit(&self, now: Instant, questions: &mut Vec<(Class, Question)>) {
        if questions.is_empty() {
            return;
        }
        let mut refused = Vec::new();
        {
            let mut queue = lock(&self.queue);
            for (class, question) in questions.drain(..) {
                let client = Arc::clone(&question.client);
                if let Err(question) = queue.push(now, class, &client, question) {
                    refused.push(question);
                }
            }
            self.tight.store(queue.waiting() > TIGHT, Ordering::Relaxed);
        }
        self.asked.notify_one();
        for question in refused {
            question.answer(Said::Nothing(Silence::Busy));
        }
    }

    /// Asks the daemon, as fast as it should be asked. Never returns; drop it to stop.
    pub(crate) async fn dispatch(self: Arc<Self>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            {
                let now = sys::now();
                let mut queue = lock(&self.queue);
                batch.extend(std::iter::from_fn(|| queue.next(now)).take(BATCH));
                self.tight.store(queue.waiting() > TIGHT, Ordering::Relaxed);
            }
            if batch.is_empty() {
                self.asked.notified().await;
                continue;
            }
            let whole = batch.len() == BATCH;
            for next in batch.drain(..) {
                match next {
                    Next::Ask(question, place) => {
                        let slot = Slot {
                            engine: Arc::clone(&self),
                            place,
                        };
                        tokio::spawn(slot.ask(question));
                    }
                    Next::Late(question) => question.answer(Said::Nothing(Silence::Busy)),
                }
            }
            if whole {
                // What was asked is written before more is.
                tokio::task::yield_now().await;
            }
        }
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
        let told = sys::limited(DECISION, rejects::tell(&daemon, reports.clone())).await;
        let more = {
            let mut rejects = lock(&self.rejects);
            for report in told.unwrap_or(reports) {
                rejects.add(report);
            }
            !rejects.is_empty()
        };
        let seen = lock(&self.latch).take();
        let told = sys::limited(DECISION, latch::tell(&daemon, seen.clone())).await;
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

    /// What the daemon says to one question.
    async fn decide(&self, op: RadiusOp, log: &Log) -> Said {
        let Some(daemon) = self.link.get() else {
            return Said::Nothing(Silence::DaemonAway);
        };
        match sys::limited(DECISION, daemon.calls.call(op)).await {
            Some(Ok(reply)) => {
                if self.unwell.swap(false, Ordering::Relaxed) {
                    tracing::info!("otpostd can use its store again");
                }
                log.write(&reply);
                return Said::Reply(reply);
            }
            // Each fault has a reference that the daemon's log explains.
            Some(Err(CallError::Fault(fault))) => {
                if fault.code == FaultCode::Unavailable && !self.unwell.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "otpostd cannot use its store just now; Status-Server is answered once it can"
                    );
                }
                tracing::warn!(client = ?log.client, id = %log.id, %fault, "otpostd could not decide");
            }
            Some(Err(error)) => log.give_up(&error),
            None => log.give_up(&"otpostd took too long"),
        }
        Said::Nothing(Silence::Fault)
    }
}

impl Slot {
    async fn ask(self, mut question: Question) {
        let Some(op) = question.op.take() else { return };
        let log = Log::of(&op, &question);
        let said = self.engine.decide(op, &log).await;
        question.answer(said);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let more = lock(&self.engine.queue).finish(sys::now(), &self.place);
        if more {
            self.engine.asked.notify_one();
        }
    }
}

/// Whom the log lines of a request are about.
struct Log {
    client: Arc<str>,
    id: Box<str>,
    user: String,
}

impl Log {
    fn of(op: &RadiusOp, question: &Question) -> Self {
        let user = match op {
            RadiusOp::Begin(begin) => begin.user.clone(),
            RadiusOp::Answer(answer) => answer.user.clone(),
            RadiusOp::Account(account) => account.user.clone(),
            RadiusOp::Report(_) | RadiusOp::Signed(_) | RadiusOp::Clients { .. } => String::new(),
        };
        Self {
            client: Arc::clone(&question.client),
            id: question.id.clone(),
            user,
        }
    }

    fn write(&self, reply: &RadiusReply) {
        let Self { client, id, user } = self;
        match reply {
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
    }

    fn give_up(&self, why: &dyn std::fmt::Display) {
        tracing::debug!(client = ?self.client, id = %self.id, "no answer: {why}");
    }
}

/// Nothing that is behind these locks can panic half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
