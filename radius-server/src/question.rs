//! A request on its way to the daemon and back. However it ends, the thread that holds the request is told once.

use std::sync::Arc;

use otpost_ipc::radius::{RadiusOp, RadiusReply};

use crate::{jobs::JobId, link::Wire, mailbox::Mailbox, silence::Silence};

/// What a thread is told by others.
#[derive(Debug)]
pub(crate) enum Letter {
    /// The outcome of a request.
    Said {
        /// Which.
        job: JobId,
        /// What came of it.
        said: Said,
    },
    /// Its connection to the daemon, or that there is none.
    Wire(Option<Wire>),
    /// Another bound for the reply cache.
    CacheEntries(usize),
}

/// The outcome.
#[derive(Debug)]
pub(crate) enum Said {
    /// The daemon's answer.
    Reply(RadiusReply),
    /// No decision, so no answer: the client retransmits or asks another server. A Reject would be a lie.
    Nothing(Silence),
}

/// Something to ask the daemon. Any thread may do that.
#[derive(Debug)]
pub(crate) struct Question {
    /// Gone once it is asked.
    pub(crate) op: Option<RadiusOp>,
    /// Client of the table.
    pub(crate) client: Arc<str>,
    /// Names the request in the log.
    pub(crate) id: Box<str>,
    job: JobId,
    asker: Option<Arc<Mailbox<Letter>>>,
}

impl Question {
    /// For one job of the thread with this mailbox.
    pub(crate) fn new(
        op: RadiusOp,
        (client, id): (Arc<str>, Box<str>),
        job: JobId,
        asker: Arc<Mailbox<Letter>>,
    ) -> Self {
        Self {
            op: Some(op),
            client,
            id,
            job,
            asker: Some(asker),
        }
    }

    /// Tells the outcome to the thread that asked, or gives it back where that is the one with this mailbox.
    pub(crate) fn answer(mut self, said: Said, own: &Arc<Mailbox<Letter>>) -> Option<(JobId, Said)> {
        let asker = self.asker.take()?;
        if Arc::ptr_eq(&asker, own) {
            return Some((self.job, said));
        }
        asker.post(Letter::Said { job: self.job, said });
        None
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(asker) = self.asker.take() {
            let said = Said::Nothing(Silence::Fault);
            asker.post(Letter::Said { job: self.job, said });
        }
    }
}
