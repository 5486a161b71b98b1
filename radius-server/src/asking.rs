//! A thread's connection to the daemon: sends what the queue lets go, matches the answers, gives up in time.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Instant,
};

use nix::poll::PollFlags;
use otpost_ipc::{client::CallError, radius::RadiusOp};

use crate::{
    engine::Engine,
    jobs::JobId,
    link::Wire,
    mailbox::Mailbox,
    pending::{Asked, Pending},
    question::{Letter, Question, Said},
    queue::{Next, Place},
    silence::Silence,
};

/// Outcomes of the thread's own requests.
pub(crate) type Outcomes = Vec<(JobId, Said)>;

/// The connection and what is under way on it.
pub(crate) struct Asking {
    engine: Arc<Engine>,
    own: Arc<Mailbox<Letter>>,
    wire: Option<Wire>,
    /// Its first connection is being made: what is to be asked waits for it.
    is_new: bool,
    pending: Pending,
    batch: Vec<Next<Question>>,
}

impl Asking {
    pub(crate) fn new(engine: Arc<Engine>, own: Arc<Mailbox<Letter>>) -> Self {
        Self {
            engine,
            own,
            wire: None,
            is_new: true,
            pending: Pending::default(),
            batch: Vec::new(),
        }
    }

    /// Takes another connection, or none. What was under way on the old one has no answer.
    pub(crate) fn rewire(&mut self, now: Instant, wire: Option<Wire>, outcomes: &mut Outcomes) {
        self.wire = wire;
        self.is_new = false;
        while let Some(asked) = self.pending.pop() {
            self.give_up(now, asked, &"the connection to otpostd ended", outcomes);
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// When [`Self::give_up_overdue`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.pending.deadline()
    }

    /// The connection, and what to wait for on it.
    pub(crate) fn events(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let wire = self.wire.as_ref()?;
        let mut events = PollFlags::POLLIN;
        if wire.calls.is_waiting_to_write() {
            events |= PollFlags::POLLOUT;
        }
        Some((wire.calls.as_fd(), events))
    }

    /// Reads answers.
    pub(crate) fn receive(&mut self, now: Instant, outcomes: &mut Outcomes) {
        let Some(wire) = &mut self.wire else { return };
        let (engine, own, pending) = (&self.engine, &self.own, &mut self.pending);
        let read = wire.calls.receive(|id, answer| {
            // Absent where it was given up.
            if let Some(asked) = pending.take(id) {
                let said = engine.judge(&asked, answer);
                engine.finish(now, &asked.place);
                outcomes.extend(asked.question.answer(said, own));
            }
        });
        if let Err(error) = read {
            self.lose(now, &error, outcomes);
        }
    }

    /// Gives up what the daemon has not answered in time.
    pub(crate) fn give_up_overdue(&mut self, now: Instant, outcomes: &mut Outcomes) {
        while let Some(asked) = self.pending.overdue(now) {
            self.give_up(now, asked, &"otpostd took too long", outcomes);
        }
    }

    /// Asks what may be asked now, of whichever thread, and writes it.
    pub(crate) fn ask(&mut self, now: Instant, outcomes: &mut Outcomes) {
        if self.is_new {
            return;
        }
        loop {
            let mut batch = std::mem::take(&mut self.batch);
            self.engine.next(now, &mut batch);
            let done = batch.is_empty();
            for next in batch.drain(..) {
                match next {
                    Next::Ask(question, place) => self.put(now, question, place, outcomes),
                    Next::Late(question) => {
                        outcomes.extend(question.answer(Said::Nothing(Silence::Busy), &self.own));
                    }
                }
            }
            self.batch = batch;
            if done {
                break;
            }
        }
        if let Some(wire) = &mut self.wire
            && let Err(error) = wire.calls.flush()
        {
            self.lose(now, &error, outcomes);
        }
    }

    fn put(&mut self, now: Instant, mut question: Question, place: Place, outcomes: &mut Outcomes) {
        let why = match (&mut self.wire, question.op.take()) {
            (Some(wire), Some(op)) => match wire.calls.submit(&op) {
                Ok(id) => {
                    let user = user(op);
                    let asked = Asked {
                        question,
                        place,
                        user,
                        since: now,
                    };
                    return self.pending.add(id, asked);
                }
                Err(error) => {
                    tracing::warn!(client = ?question.client, %error, "a request cannot be put to otpostd");
                    Silence::Fault
                }
            },
            _ => Silence::DaemonAway,
        };
        self.engine.finish(now, &place);
        outcomes.extend(question.answer(Said::Nothing(why), &self.own));
    }

    fn give_up(&self, now: Instant, asked: Asked, why: &dyn std::fmt::Display, outcomes: &mut Outcomes) {
        let Asked { question, place, .. } = asked;
        tracing::debug!(client = ?question.client, id = %question.id, "no answer: {why}");
        self.engine.finish(now, &place);
        outcomes.extend(question.answer(Said::Nothing(Silence::Fault), &self.own));
    }

    /// The connection is of no use any more: all are made anew.
    fn lose(&mut self, now: Instant, error: &CallError, outcomes: &mut Outcomes) {
        if let Some(wire) = &self.wire {
            tracing::debug!(%error, "a connection to otpostd ended");
            self.engine.link.broke(wire.epoch);
        }
        self.rewire(now, None, outcomes);
    }
}

/// User-Name of a request, for the log.
fn user(op: RadiusOp) -> String {
    match op {
        RadiusOp::Begin(begin) => begin.user,
        RadiusOp::Answer(answer) => answer.user,
        RadiusOp::Account(account) => account.user,
        RadiusOp::Report(_) | RadiusOp::Signed(_) | RadiusOp::Clients { .. } => String::new(),
    }
}
