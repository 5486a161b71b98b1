//! One thread for each socket: receives, lets the desk deal with it, asks the daemon, sends. Nobody else touches what it
//! holds; only questions that another thread may ask, and their outcomes, go over.

use std::{
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use tokio::sync::oneshot;

use crate::{
    asking::{Asking, Outcomes},
    desk::{Desk, Service},
    engine::Engine,
    link::Daemon,
    mailbox::{Mailbox, Order},
    question::{Letter, Question, Said},
    silence::{PERIOD, Silence},
    socket::Socket,
    sys,
    transfer::{Inbox, Outbox},
};

/// Pause after a socket's failure, so that a lasting one does not spin.
const SOCKET_PAUSE: Duration = Duration::from_millis(100);

/// A socket's thread, from outside.
#[derive(Debug)]
pub(crate) struct Port {
    mailbox: Arc<Mailbox<Letter>>,
}

impl Port {
    /// Starts the thread. The receiver says when it has ended: with an error where it has panicked.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn start(
        engine: &Arc<Engine>,
        socket: Socket,
        service: Service,
        cache_entries: usize,
    ) -> Result<(Self, oneshot::Receiver<()>), Errno> {
        let mailbox = Arc::new(Mailbox::new()?);
        let (end, ended) = oneshot::channel();
        let thread = Thread {
            desk: Desk::new(Arc::clone(engine), Arc::clone(&mailbox), service, cache_entries),
            asking: Asking::new(Arc::clone(engine), Arc::clone(&mailbox)),
            engine: Arc::clone(engine),
            mailbox: Arc::clone(&mailbox),
            outcomes: Vec::new(),
            refused: Vec::new(),
            generation: 0,
            daemon: None,
        };
        let name = match service {
            Service::Access => "radius-access",
            Service::Accounting => "radius-account",
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                thread.serve(&socket);
                let _ = end.send(());
            })
            .map_err(|error| crate::error::errno(&error))?;
        engine.link.join(Arc::clone(&mailbox));
        Ok((Self { mailbox }, ended))
    }

    /// Tells the thread what to do from now on.
    pub(crate) fn order(&self, order: Order) {
        self.mailbox.order(order);
    }

    /// Changes how many replies are kept.
    pub(crate) fn set_cache_entries(&self, entries: usize) {
        self.mailbox.post(Letter::CacheEntries(entries));
    }
}

/// The thread from inside.
struct Thread {
    engine: Arc<Engine>,
    mailbox: Arc<Mailbox<Letter>>,
    desk: Desk,
    asking: Asking,
    outcomes: Outcomes,
    refused: Vec<Question>,
    generation: u64,
    daemon: Option<Arc<Daemon>>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, Default)]
struct Ready {
    datagrams: bool,
    answers: bool,
}

impl Thread {
    fn serve(mut self, socket: &Socket) {
        let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
        let mut letters = Vec::new();
        let mut ready = Ready::default();
        let mut look_again = sys::now() + PERIOD;
        loop {
            let order = self.mailbox.collect(&mut letters);
            let now = sys::now();
            self.open(now, &mut letters);
            if ready.answers {
                self.asking.receive(now, &mut self.outcomes);
            }
            self.asking.give_up_overdue(now, &mut self.outcomes);
            let mut failed = false;
            if ready.datagrams && order == Order::Serve {
                failed = !self.receive(now, socket, &mut inbox, &mut outbox);
            }
            self.asking.ask(now, &mut self.outcomes);
            for (job, said) in self.outcomes.drain(..) {
                self.desk.open(now, job, said, &mut outbox);
                if outbox.is_full() {
                    outbox.flush(socket);
                }
            }
            outbox.flush(socket);
            let done = self.desk.is_idle() && self.asking.is_idle();
            if order == Order::Quit || (order == Order::Finish && done) {
                return;
            }
            if now >= look_again {
                self.desk.look_after(now);
                look_again = now + PERIOD;
            }
            let receiving = order == Order::Serve && !failed;
            let more = receiving && ready.datagrams && inbox.is_more_likely();
            let mut until = look_again.min(self.asking.deadline().unwrap_or(look_again));
            if failed {
                until = until.min(now + SOCKET_PAUSE);
            }
            if more || !self.mailbox.may_sleep(order) {
                until = now;
            }
            ready = self.sleep(socket, receiving, until.saturating_duration_since(now));
        }
    }

    /// Waits for letters, answers and, if `receiving`, datagrams.
    fn sleep(&self, socket: &Socket, receiving: bool, pause: Duration) -> Ready {
        let nothing = PollFlags::empty();
        let datagrams = if receiving { PollFlags::POLLIN } else { nothing };
        // Without a connection the bell stands in for it.
        let (wire, answers) = self.asking.events().unwrap_or((self.mailbox.bell(), nothing));
        let mut all = [
            PollFd::new(self.mailbox.bell(), PollFlags::POLLIN),
            PollFd::new(socket.as_fd(), datagrams),
            PollFd::new(wire, answers),
        ];
        // Rounded up: less than a millisecond is no reason to spin.
        let millis = u64::try_from(pause.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        let pause = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
        // A signal is as good as an event: everything is looked at again.
        let _ = poll(&mut all, pause);
        let [bell, datagrams, wire] = &all;
        let set = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        if set(bell) {
            self.mailbox.silence();
        }
        Ready {
            datagrams: receiving && set(datagrams),
            answers: !answers.is_empty() && set(wire),
        }
    }

    fn open(&mut self, now: Instant, letters: &mut Vec<Letter>) {
        for letter in letters.drain(..) {
            match letter {
                Letter::Said { job, said } => self.outcomes.push((job, said)),
                Letter::Wire(wire) => self.asking.rewire(now, wire, &mut self.outcomes),
                Letter::CacheEntries(entries) => self.desk.set_cache_entries(entries),
            }
        }
    }

    /// Takes a batch of datagrams. False after a failure of the socket.
    fn receive(&mut self, now: Instant, socket: &Socket, inbox: &mut Inbox, outbox: &mut Outbox) -> bool {
        self.engine.link.refresh(&mut self.generation, &mut self.daemon);
        if let Err(errno) = inbox.receive(socket) {
            tracing::warn!(address = %socket.address, error = %errno.desc(), "receiving failed");
            return false;
        }
        for datagram in inbox.datagrams() {
            self.desk.take(now, self.daemon.as_deref(), datagram, outbox);
        }
        self.engine.submit(now, self.desk.questions(), &mut self.refused);
        for question in self.refused.drain(..) {
            let said = Said::Nothing(Silence::Busy);
            self.outcomes.extend(question.answer(said, &self.mailbox));
        }
        true
    }
}
