//! What happens to a datagram: who sent it, whether to trust it, whether it was seen before, what to ask.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use otpost_ipc::{
    LoginReply,
    client::CallError,
    radius::{MessageAuthenticator as Policy, RadiusOp, RadiusReply, RadiusReport},
};
use otpost_radius_wire::{Code, MAX_PACKET, MessageAuthenticator, Packet};
use radius::core::rfc2869::EAP_MESSAGE_TYPE;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use crate::{
    cache::{Admission, Cache, Completion, Key, Ticket},
    clients::{Client, Found},
    link::{Daemon, Link},
    rejects::{self, Rejects},
    reply::{self, Unsayable},
    request,
    silence::{Counters, Limiter, Silence},
    socket::{Batch, Route, Socket},
    sys,
};

/// Requests in work at once. More means that the daemon does not keep up, and a queue only makes late answers.
pub(crate) const IN_WORK: usize = 4096;

/// The daemon's time for one decision. No VPN waits longer.
const DECISION: Duration = Duration::from_secs(15);

/// Pause after a socket's failure, so that a lasting one does not spin.
const SOCKET_PAUSE: Duration = Duration::from_millis(100);

/// Pause between two rounds of telling the daemon what was rejected here.
const REJECTS_PAUSE: Duration = Duration::from_secs(1);

/// Octets of an attempt id that name a request in the log.
const SHORT: usize = 8;

/// Everything the tasks share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) link: Link,
    pub(crate) counters: Arc<Counters>,
    cache: Mutex<Cache>,
    limiter: Mutex<Limiter>,
    rejects: Mutex<Rejects>,
    rejected: Notify,
    /// Held during a round, so that a stop waits for the one under way.
    telling: tokio::sync::Mutex<()>,
    in_work: Arc<Semaphore>,
}

/// A request that was let in, and what is needed to answer it.
struct Admitted<'a> {
    packet: Packet<'a>,
    client: &'a Arc<Client>,
    daemon: &'a Arc<Daemon>,
    socket: &'a Arc<Socket>,
    route: Route,
    source: IpAddr,
}

/// A request in work. Dropped without an answer, for whatever reason, it leaves the cache, so that the client's
/// retransmission is handled anew.
struct Job {
    engine: Arc<Engine>,
    socket: Arc<Socket>,
    route: Route,
    client: Arc<Client>,
    daemon: Arc<Daemon>,
    /// The request's octets: Identifier, authenticator and Proxy-State go into the reply.
    request: Box<[u8]>,
    ticket: Option<Ticket>,
    _slot: OwnedSemaphorePermit,
}

impl Engine {
    pub(crate) fn new(cache_entries: usize) -> Self {
        Self {
            link: Link::default(),
            counters: Arc::default(),
            cache: Mutex::new(Cache::new(cache_entries)),
            limiter: Mutex::default(),
            rejects: Mutex::default(),
            rejected: Notify::new(),
            telling: tokio::sync::Mutex::default(),
            in_work: Arc::new(Semaphore::new(IN_WORK)),
        }
    }

    pub(crate) fn set_cache_entries(&self, entries: usize) {
        self.cache().set_capacity(entries);
    }

    /// Completes when nothing is in work any more.
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(IN_WORK).unwrap_or(u32::MAX);
        let _ = self.in_work.acquire_many(all).await;
    }

    /// Receives on one socket. Never returns; drop it to stop.
    pub(crate) async fn receive(self: Arc<Self>, socket: Arc<Socket>) {
        let mut batch = Batch::new();
        loop {
            if let Err(error) = socket.receive(&mut batch).await {
                tracing::warn!(address = %socket.address, %error, "receiving failed");
                sys::sleep(SOCKET_PAUSE).await;
                continue;
            }
            let now = sys::now();
            let daemon = self.link.get();
            for (route, datagram) in batch.datagrams() {
                // `::ffff:a.b.c.d` is what a socket for both families makes of IPv4.
                let source = route.peer.ip().to_canonical();
                let result = match &daemon {
                    Some(daemon) => self.handle(now, daemon, &socket, (route, datagram)),
                    None => Err(Silence::DaemonAway),
                };
                if let Err(why) = result {
                    self.keep_silent(now, source, why);
                }
            }
            if batch.is_full() {
                // A flood must not starve the logins that are in work.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Writes the log lines of sources that were quietened. Never returns; drop it to stop.
    pub(crate) async fn report_silence(&self) {
        loop {
            sys::sleep(crate::silence::PERIOD).await;
            self.flush_silence(sys::now());
        }
    }

    /// Tells the daemon what was rejected here. Never returns; drop it to stop.
    pub(crate) async fn report_rejects(&self) {
        loop {
            self.rejected.notified().await;
            self.tell_rejects().await;
            sys::sleep(REJECTS_PAUSE).await;
        }
    }

    /// One round. What the daemon did not hear waits for the next.
    pub(crate) async fn tell_rejects(&self) {
        let _round = self.telling.lock().await;
        let Some(daemon) = self.link.get() else {
            // It waits for the daemon.
            self.rejected.notify_one();
            return;
        };
        let reports = self.rejects().take();
        let told = sys::limited(DECISION, rejects::tell(&daemon, reports.clone())).await;
        let mut rejects = self.rejects();
        for report in told.unwrap_or(reports) {
            rejects.add(report);
        }
        if !rejects.is_empty() {
            self.rejected.notify_one();
        }
    }

    fn reject(&self, report: RadiusReport) {
        self.rejects().add(report);
        self.rejected.notify_one();
    }

    fn rejects(&self) -> MutexGuard<'_, Rejects> {
        // As with the cache.
        self.rejects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush_silence(&self, now: Instant) {
        let lines = self
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush(now);
        for line in lines {
            line.write();
        }
    }

    fn keep_silent(&self, now: Instant, source: IpAddr, why: Silence) {
        self.counters.count_silent(why);
        // A VPN that retransmits does nothing wrong, and `link` says when the daemon is away.
        if matches!(
            why,
            Silence::Duplicate | Silence::Superseded | Silence::DaemonAway | Silence::Fault
        ) {
            return;
        }
        let line = self
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(now, source, why);
        if let Some(line) = line {
            line.write();
        }
    }

    fn handle(
        self: &Arc<Self>,
        now: Instant,
        daemon: &Arc<Daemon>,
        socket: &Arc<Socket>,
        (route, datagram): (Route, &[u8]),
    ) -> Result<(), Silence> {
        let source = route.peer.ip().to_canonical();
        let client = match daemon.table.find(source) {
            Found::Client(client) => client,
            Found::Unusable => return Err(Silence::UnusableClient),
            Found::Unknown => return Err(Silence::UnknownClient),
        };
        let packet = Packet::parse(datagram).map_err(|_| Silence::Malformed)?;
        let code = packet.code();
        if !matches!(code, Code::AccessRequest | Code::StatusServer) {
            return Err(Silence::Code);
        }
        // Before the cache, so that nobody without the secret can look into it or fill it.
        match packet.check_message_authenticator(&client.secret) {
            Ok(MessageAuthenticator::Valid) => {}
            Ok(MessageAuthenticator::Absent) => {
                let needed = client.message_authenticator == Policy::Require
                    || code == Code::StatusServer
                    || packet.has(EAP_MESSAGE_TYPE);
                if needed {
                    return Err(Silence::MessageAuthenticatorMissing);
                }
            }
            Err(_) => return Err(Silence::MessageAuthenticatorWrong),
        }
        let admitted = Admitted {
            packet,
            client,
            daemon,
            socket,
            route,
            source,
        };
        if code == Code::StatusServer {
            let mut buffer = [0; MAX_PACKET];
            let reply = reply::alive(&mut buffer, &packet, &client.secret).map_err(|_| Silence::Fault)?;
            self.counters.count_reply();
            socket.queue(route, reply.into());
            return Ok(());
        }
        let key = Key {
            source: route.peer,
            socket: socket.number,
            local: route.local.map(|local| local.address),
            identifier: packet.identifier(),
        };
        let admission = self.cache().admit(now, key, packet.authenticator());
        match admission {
            Admission::New(ticket) => self.begin(&admitted, ticket),
            Admission::Working => Err(Silence::Duplicate),
            Admission::Done(octets) => {
                self.counters.count_resent();
                socket.queue(route, octets);
                Ok(())
            }
        }
    }

    /// Works on a request that was not seen before.
    fn begin(self: &Arc<Self>, admitted: &Admitted<'_>, ticket: Ticket) -> Result<(), Silence> {
        let Admitted {
            packet,
            client,
            daemon,
            socket,
            route,
            source,
        } = *admitted;
        let Ok(slot) = Arc::clone(&self.in_work).try_acquire_owned() else {
            self.cache().forget(ticket);
            return Err(Silence::Busy);
        };
        let job = Job {
            engine: Arc::clone(self),
            socket: Arc::clone(socket),
            route,
            client: Arc::clone(client),
            daemon: Arc::clone(daemon),
            request: packet.octets().into(),
            ticket: Some(ticket),
            _slot: slot,
        };
        let attempt = request::attempt_id(route.peer, packet.identifier(), &packet.authenticator());
        let id = attempt.get(..SHORT).unwrap_or_default();
        let span = tracing::info_span!("request", client = ?client.name, id);
        match request::examine(&packet, client, source, attempt) {
            Ok(op) => {
                tokio::spawn(job.ask(op).instrument(span));
            }
            Err(refusal) => {
                let _entered = span.enter();
                let user = request::shown_user(&packet);
                tracing::warn!(user = ?user, %source, "rejected: {}", refusal.cause());
                let report = request::report(&packet, client, source, refusal);
                job.answer(|buffer, packet, secret| reply::reject(buffer, packet, secret, refusal.text()));
                // The VPN has its answer: whether and when the daemon records it delays nobody.
                self.reject(report);
            }
        }
        Ok(())
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Nothing in the cache can panic half-way through a change.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    async fn ask(self, op: RadiusOp) {
        let user = match &op {
            RadiusOp::Begin(begin) => begin.user.clone(),
            RadiusOp::Answer(answer) => answer.user.clone(),
            RadiusOp::Report(_) | RadiusOp::Clients { .. } => String::new(),
        };
        let login = match sys::limited(DECISION, self.daemon.calls.call(op)).await {
            Some(Ok(RadiusReply::Login { login })) => login,
            Some(Ok(RadiusReply::Clients(_) | RadiusReply::Reported)) => {
                return self.give_up(&"otpostd answered with something that was not asked for");
            }
            // Each fault has a reference that the daemon's log explains.
            Some(Err(CallError::Fault(fault))) => {
                tracing::warn!(%fault, "otpostd could not decide");
                return self.give_up(&fault);
            }
            Some(Err(error)) => return self.give_up(&error),
            None => return self.give_up(&"otpostd took too long"),
        };
        match &login {
            LoginReply::Prompt { .. } => tracing::debug!(?user, "challenged"),
            LoginReply::Allow { reason, .. } => tracing::info!(?user, ?reason, "accepted"),
            LoginReply::Deny { kind, reference, .. } => tracing::info!(?user, ?kind, %reference, "rejected"),
            LoginReply::Ignore => {}
        }
        self.answer(|buffer, packet, secret| reply::login(buffer, packet, secret, &login));
    }

    /// Writes the reply, enters it into the cache and sends it.
    fn answer<F>(mut self, write: F)
    where
        F: for<'b> FnOnce(
            &'b mut [u8; MAX_PACKET],
            &Packet<'_>,
            &otpost_radius_wire::SharedSecret,
        ) -> Result<&'b [u8], Unsayable>,
    {
        let mut buffer = [0; MAX_PACKET];
        let packet = match Packet::parse(&self.request) {
            Ok(packet) => packet,
            Err(error) => return self.give_up(&error),
        };
        let octets: Arc<[u8]> = match write(&mut buffer, &packet, &self.client.secret) {
            Ok(octets) => octets.into(),
            Err(error) => {
                tracing::error!(%error, "otpostd's decision cannot be sent");
                return self.give_up(&error);
            }
        };
        let Some(ticket) = self.ticket.take() else { return };
        match self.engine.cache().complete(ticket, Arc::clone(&octets)) {
            Completion::Current => {
                self.engine.counters.count_reply();
                self.socket.queue(self.route, octets);
            }
            Completion::Superseded => self.engine.counters.count_silent(Silence::Superseded),
        }
    }

    /// No decision, so no answer: the client retransmits or asks another server. A Reject would be a lie.
    fn give_up(&self, why: &dyn std::fmt::Display) {
        tracing::debug!("no answer: {why}");
        self.engine.counters.count_silent(Silence::Fault);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.engine.cache().forget(ticket);
        }
    }
}
