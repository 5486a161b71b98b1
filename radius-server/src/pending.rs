//! Questions that the daemon has not answered yet, by the id of their frames.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{question::Question, queue::Place};

/// The daemon's time for one decision. No VPN waits longer.
const DECISION: Duration = Duration::from_secs(15);

/// Room that is not worth giving back.
const SMALL: usize = 256;

/// One of them.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) place: Place,
    /// User-Name, for the log.
    pub(crate) user: String,
    pub(crate) since: Instant,
}

/// All of one connection. Bounded by what may be under way.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// In the order of their ids, which have no gap; `None` where the answer has come.
    asked: VecDeque<Option<Asked>>,
    /// Id of the first.
    first: u64,
}

impl Pending {
    /// Adds one. Ids grow by one with each on the same connection.
    pub(crate) fn add(&mut self, id: u64, asked: Asked) {
        if self.asked.is_empty() {
            self.first = id;
        }
        self.asked.push_back(Some(asked));
    }

    /// Takes the one that was answered. `None` for one that was given up.
    pub(crate) fn take(&mut self, id: u64) -> Option<Asked> {
        let at = usize::try_from(id.checked_sub(self.first)?).ok()?;
        let asked = self.asked.get_mut(at)?.take();
        self.trim();
        asked
    }

    /// Takes one that has waited too long for its answer.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<Asked> {
        let since = self.asked.front()?.as_ref()?.since;
        if now.saturating_duration_since(since) < DECISION {
            return None;
        }
        self.take(self.first)
    }

    /// When [`Self::overdue`] has something next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        Some(self.asked.front()?.as_ref()?.since + DECISION)
    }

    /// Takes any one.
    pub(crate) fn pop(&mut self) -> Option<Asked> {
        self.take(self.first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    fn trim(&mut self) {
        while let Some(None) = self.asked.front() {
            self.asked.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        if self.asked.is_empty() && self.asked.capacity() > SMALL {
            self.asked = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use otpost_ipc::radius::RadiusOp;

    use super::*;
    use crate::{
        clients::Client,
        jobs::{Job, JobId, Jobs},
        mailbox::Mailbox,
        queue::{Class, Next, Queue},
        socket::Route,
    };

    fn job() -> JobId {
        let mut jobs = Jobs::default();
        let request = jobs.copy(&[0; 20]);
        jobs.add(Job {
            route: Route {
                peer: ([192, 0, 2, 1], 1).into(),
                local: None,
            },
            client: Arc::new(Client::sample("vpn", "s")),
            request,
            ticket: None,
            state: None,
        })
    }

    fn asked(since: Instant, user: u64) -> Asked {
        let op = RadiusOp::Clients { after: None, from: 0 };
        let asker = Arc::new(Mailbox::new().unwrap());
        let question = Question::new(op, ("vpn".into(), "id".into()), job(), asker);
        let mut queue = Queue::default();
        queue.push(since, Class::Known, &"vpn".into(), ()).unwrap();
        let Some(Next::Ask((), place)) = queue.next(since) else {
            panic!("nothing to ask")
        };
        Asked {
            question,
            place,
            user: user.to_string(),
            since,
        }
    }

    #[test]
    fn answers_in_any_order_find_their_questions_once() {
        let (mut pending, now) = (Pending::default(), crate::sys::now());
        for id in 7..12 {
            pending.add(id, asked(now, id));
        }
        for id in [9, 7, 11, 8, 10] {
            assert_eq!(pending.take(id).unwrap().user, id.to_string());
            assert!(pending.take(id).is_none());
        }
        assert!(pending.is_empty() && pending.take(12).is_none() && pending.take(0).is_none());
        // Another connection begins with any id.
        pending.add(2, asked(now, 2));
        assert_eq!(pending.take(2).unwrap().user, "2");
    }

    #[test]
    fn what_is_overdue_is_given_up_and_its_answer_means_nothing_then() {
        let (mut pending, now) = (Pending::default(), crate::sys::now());
        pending.add(1, asked(now, 1));
        pending.add(2, asked(now + DECISION, 2));
        assert!(
            pending
                .overdue(now + DECISION - Duration::from_millis(1))
                .is_none()
        );
        assert_eq!(pending.deadline(), Some(now + DECISION));
        assert_eq!(pending.overdue(now + DECISION).unwrap().user, "1");
        assert!(pending.overdue(now + DECISION).is_none() && pending.take(1).is_none());
        assert_eq!(pending.deadline(), Some(now + DECISION + DECISION));
        assert_eq!(pending.pop().unwrap().user, "2");
        assert!(pending.pop().is_none() && pending.deadline().is_none());
    }
}
