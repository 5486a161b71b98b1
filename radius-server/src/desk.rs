//! What happens to a datagram: who sent it, whether to trust it, whether it was seen before, what to ask, and the reply.
//! Everything here belongs to one socket's thread.

use std::{net::IpAddr, sync::Arc, time::Instant};

use otpost_ipc::radius::{RadiusOp, RadiusReply, RadiusSigned};
use otpost_radius_wire::{Code, MAX_PACKET, MessageAuthenticator, Packet};
use radius::core::{
    rfc2865::{PROXY_STATE_TYPE, STATE_TYPE},
    rfc2869::EAP_MESSAGE_TYPE,
};

use crate::{
    account,
    cache::{Admission, Cache, Completion, Key},
    clients::{Client, Found},
    eap,
    engine::Engine,
    jobs::{Job, JobId, Jobs},
    link::Daemon,
    mailbox::Mailbox,
    question::{Letter, Question, Said},
    queue::Class,
    reply::{self, Unsayable},
    request::{self, Examined},
    sessions::{Sessions, State},
    silence::{Limiter, Silence},
    socket::Route,
    sys,
    transfer::Outbox,
};

/// Octets of an attempt id that name a request in the log.
const SHORT: usize = 8;

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Access-Request (RFC 2865).
    Access,
    /// Accounting-Request (RFC 2866).
    Accounting,
}

/// The thread's own.
pub(crate) struct Desk {
    engine: Arc<Engine>,
    mailbox: Arc<Mailbox<Letter>>,
    service: Service,
    cache: Cache,
    jobs: Jobs,
    sessions: Sessions,
    limiter: Limiter,
    /// For the daemon, once the batch is looked at.
    questions: Vec<(Class, Question)>,
    /// Where replies are written.
    scratch: Box<[u8; MAX_PACKET]>,
}

/// A request from a known client.
#[derive(Clone, Copy)]
struct Arrived<'a> {
    now: Instant,
    packet: Packet<'a>,
    client: &'a Arc<Client>,
    route: Route,
    source: IpAddr,
}

impl Desk {
    pub(crate) fn new(
        engine: Arc<Engine>,
        mailbox: Arc<Mailbox<Letter>>,
        service: Service,
        cache_entries: usize,
    ) -> Self {
        Self {
            engine,
            mailbox,
            service,
            cache: Cache::new(cache_entries),
            jobs: Jobs::default(),
            sessions: Sessions::default(),
            limiter: Limiter::default(),
            questions: Vec::new(),
            scratch: Box::new([0; MAX_PACKET]),
        }
    }

    /// Changes how many replies are kept.
    pub(crate) fn set_cache_entries(&mut self, entries: usize) {
        self.cache.set_capacity(entries);
    }

    /// Whether nothing is in work.
    pub(crate) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// What is to be asked since this was emptied.
    pub(crate) fn questions(&mut self) -> &mut Vec<(Class, Question)> {
        &mut self.questions
    }

    /// What is done once a minute.
    pub(crate) fn look_after(&mut self, now: Instant) {
        self.cache.expire(now);
        for line in self.limiter.flush(now) {
            line.write();
        }
    }

    /// Deals with one datagram.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        daemon: Option<&Daemon>,
        (route, datagram): (Route, &[u8]),
        outbox: &mut Outbox,
    ) {
        // `::ffff:a.b.c.d` is what a socket for both families makes of IPv4.
        let source = route.peer.ip().to_canonical();
        let handled = match daemon {
            None => Err(Silence::DaemonAway),
            Some(daemon) => match daemon.table.find(source) {
                Found::Unknown => Err(Silence::UnknownClient),
                Found::Unusable => Err(Silence::UnusableClient),
                Found::Client(client) => match Packet::parse(datagram) {
                    Err(_) => Err(Silence::Malformed),
                    Ok(packet) => {
                        let arrived = Arrived {
                            now,
                            packet,
                            client,
                            route,
                            source,
                        };
                        self.handle(&arrived, outbox)
                    }
                },
            },
        };
        if let Err(why) = handled {
            self.keep_silent(now, source, why);
        }
    }

    fn keep_silent(&mut self, now: Instant, source: IpAddr, why: Silence) {
        self.engine.counters.count_silent(why);
        if why.is_worth_a_line()
            && let Some(line) = self.limiter.note(now, source, why)
        {
            line.write();
        }
    }

    fn handle(&mut self, arrived: &Arrived<'_>, outbox: &mut Outbox) -> Result<(), Silence> {
        let Arrived {
            now,
            packet,
            client,
            route,
            ..
        } = *arrived;
        let code = packet.code();
        let class = match (self.service, code) {
            (_, Code::StatusServer) => {
                trust(&self.engine, arrived)?;
                return self.tell_status(arrived, outbox);
            }
            (Service::Access, Code::AccessRequest) => match self.known_state(&packet) {
                Some(_) => Class::Known,
                None => Class::First,
            },
            (Service::Accounting, Code::AccountingRequest) => Class::Account,
            _ => return Err(Silence::Code),
        };
        let key = Key {
            source: route.peer,
            local: route.local.map(|local| local.address),
            identifier: packet.identifier(),
        };
        let authenticator = packet.authenticator();
        // In a flood, nothing is computed for what cannot be asked anyway.
        if !self.engine.has_room(now, class, &client.name) && !self.cache.knows(&key, &authenticator) {
            return Err(Silence::Busy);
        }
        // Before the cache, so that nobody without the secret can fill it or get anything out of it.
        trust(&self.engine, arrived)?;
        match self.cache.admit(now, key, authenticator) {
            Admission::Working => Err(Silence::Duplicate),
            Admission::Done(octets) => {
                self.engine.counters.count_resent();
                outbox.push(route, octets);
                Ok(())
            }
            Admission::New(ticket) => {
                let state = self.known_state(&packet);
                if let Some(state) = &state {
                    self.sessions.take(now, state);
                }
                let job = Job {
                    route,
                    client: Arc::clone(client),
                    request: self.jobs.copy(packet.octets()),
                    ticket: Some(ticket),
                    state,
                };
                self.begin(arrived, job, class, outbox);
                Ok(())
            }
        }
    }

    /// The request's State, where it is one of ours that was not seen since.
    fn known_state(&self, packet: &Packet<'_>) -> Option<State> {
        let state = packet.first(STATE_TYPE)?.as_array().copied()?;
        self.sessions.has(&state).then_some(state)
    }

    /// Works on a request that was not seen before.
    fn begin(&mut self, arrived: &Arrived<'_>, job: Job, class: Class, outbox: &mut Outbox) {
        let Arrived {
            now,
            packet,
            client,
            route,
            source,
        } = *arrived;
        let attempt = request::attempt_id(route.peer, packet.identifier(), &packet.authenticator());
        let id = attempt.get(..SHORT).unwrap_or_default().into();
        if self.service == Service::Accounting {
            return match account::examine(&packet, client, source, attempt) {
                Some(account) => self.ask(RadiusOp::Account(account), job, id, class),
                None => self.give_up(now, job, Silence::AccountingUnusable),
            };
        }
        let unix = sys::unix();
        match request::examine(&packet, client, source, (attempt, unix)) {
            Ok(Examined::Daemon(op)) => self.ask(op, job, id, class),
            Ok(Examined::Eap(ask)) => self.finish(now, job, outbox, |buffer, packet, client| {
                eap::ask(buffer, packet, client, (ask, unix))
            }),
            Err(refusal) => {
                let user = request::shown_user(&packet);
                tracing::warn!(client = ?client.name, %id, ?user, %source, "rejected: {}", refusal.cause());
                let report = request::report(&packet, client, source, refusal);
                self.finish(now, job, outbox, |buffer, packet, client| {
                    reply::reject(buffer, packet, &client.secret, refusal.text())
                });
                // The VPN has its answer: whether and when the daemon records it delays nobody.
                self.engine.reject(report);
            }
        }
    }

    fn ask(&mut self, op: RadiusOp, job: Job, id: Box<str>, class: Class) {
        let client = Arc::clone(&job.client.name);
        let job = self.jobs.add(job);
        let question = Question::new(op, (client, id), job, Arc::clone(&self.mailbox));
        self.questions.push((class, question));
    }

    /// Status-Server (RFC 5997): answered at once while the daemon is well, and otherwise once it has used its store.
    fn tell_status(&mut self, arrived: &Arrived<'_>, outbox: &mut Outbox) -> Result<(), Silence> {
        let Arrived {
            packet,
            client,
            route,
            ..
        } = *arrived;
        if self.engine.is_well() {
            let octets = write_status(&mut self.scratch, &packet, client, self.service)?;
            self.engine.counters.count_reply();
            outbox.push(route, octets);
            return Ok(());
        }
        // Says nothing new, but is written.
        let probe = RadiusOp::Signed(RadiusSigned {
            client: client.name.to_string(),
            signed: false,
            unsigned: false,
        });
        let job = Job {
            route,
            client: Arc::clone(client),
            request: self.jobs.copy(packet.octets()),
            ticket: None,
            state: None,
        };
        self.ask(probe, job, "status".into(), Class::Known);
        Ok(())
    }

    /// Deals with what the daemon said.
    pub(crate) fn open(&mut self, now: Instant, id: JobId, said: Said, outbox: &mut Outbox) {
        let Some(job) = self.jobs.take(id) else {
            return;
        };
        let reply = match said {
            Said::Reply(reply) => reply,
            Said::Nothing(why) => return self.give_up(now, job, why),
        };
        let service = self.service;
        self.finish(now, job, outbox, |buffer, packet, client| {
            match (packet.code(), &reply) {
                (
                    Code::AccessRequest,
                    RadiusReply::Login {
                        login,
                        ms_chap2,
                        hidden,
                    },
                ) => {
                    let further = reply::Further {
                        ms_chap2: ms_chap2.as_ref(),
                        hidden,
                    };
                    reply::login(buffer, packet, &client.secret, (login, further))
                }
                (Code::AccountingRequest, RadiusReply::Reported) => {
                    account::stored(buffer, packet, &client.secret)
                }
                (Code::StatusServer, RadiusReply::Reported) => match service {
                    Service::Access => reply::alive(buffer, packet, &client.secret),
                    Service::Accounting => account::stored(buffer, packet, &client.secret),
                },
                _ => Err(Unsayable::Answer),
            }
        });
    }

    /// Writes the reply, enters it into the cache and puts it into the outbox.
    fn finish<F>(&mut self, now: Instant, mut job: Job, outbox: &mut Outbox, write: F)
    where
        F: for<'b> FnOnce(&'b mut [u8; MAX_PACKET], &Packet<'_>, &Client) -> Result<&'b [u8], Unsayable>,
    {
        let written = match Packet::parse(&job.request) {
            Ok(packet) => write(&mut self.scratch, &packet, &job.client),
            Err(error) => Err(error.into()),
        };
        let octets = match written {
            Ok(octets) => octets,
            Err(error) => {
                tracing::error!(client = ?job.client.name, %error, "otpostd's decision cannot be sent");
                return self.give_up(now, job, Silence::Fault);
            }
        };
        let completion = match job.ticket.take() {
            Some(ticket) => self.cache.complete(ticket, octets),
            None => Completion::Current,
        };
        match completion {
            Completion::Current => {
                self.engine.counters.count_reply();
                outbox.push(job.route, octets);
                if let Some(state) = handed_out(octets) {
                    self.sessions.add(now, state);
                }
            }
            Completion::Superseded => self.engine.counters.count_silent(Silence::Superseded),
        }
        self.jobs.recycle(job.request);
    }

    /// No reply. The request leaves the cache, so that its retransmission is handled anew.
    fn give_up(&mut self, now: Instant, mut job: Job, why: Silence) {
        if let Some(ticket) = job.ticket.take() {
            self.cache.forget(ticket);
        }
        if let Some(state) = job.state {
            self.sessions.add(now, state);
        }
        self.jobs.recycle(job.request);
        self.keep_silent(now, job.route.peer.ip().to_canonical(), why);
    }
}

/// Whether the request comes from who it says, as far as its client must prove it.
fn trust(engine: &Engine, arrived: &Arrived<'_>) -> Result<(), Silence> {
    let Arrived {
        now, packet, client, ..
    } = *arrived;
    let code = packet.code();
    if code == Code::AccountingRequest {
        if !client.accounting {
            return Err(Silence::AccountingOff);
        }
        return match packet.check_accounting_request(&client.secret) {
            Ok(_) => Ok(()),
            Err(_) => Err(Silence::AccountingWrong),
        };
    }
    let sent = packet
        .check_message_authenticator(&client.secret)
        .map_err(|_| Silence::MessageAuthenticatorWrong)?;
    let eap = packet.has(EAP_MESSAGE_TYPE);
    match (code, sent) {
        // With EAP and Status-Server it is there in any case, which says nothing of other requests.
        (Code::AccessRequest, MessageAuthenticator::Valid) if !eap => engine.note_signed(client),
        (_, MessageAuthenticator::Valid) => {}
        (Code::AccessRequest, MessageAuthenticator::Absent) => {
            engine.note_unsigned(now, client);
            if client.must_sign() || eap {
                return Err(Silence::MessageAuthenticatorMissing);
            }
            if client.limit_proxy_state && packet.has(PROXY_STATE_TYPE) {
                return Err(Silence::ProxyStateUnsigned);
            }
        }
        (_, MessageAuthenticator::Absent) => return Err(Silence::MessageAuthenticatorMissing),
    }
    Ok(())
}

fn write_status<'b>(
    buffer: &'b mut [u8; MAX_PACKET],
    packet: &Packet<'_>,
    client: &Client,
    service: Service,
) -> Result<&'b [u8], Silence> {
    match service {
        Service::Access => reply::alive(buffer, packet, &client.secret),
        Service::Accounting => account::stored(buffer, packet, &client.secret),
    }
    .map_err(|_| Silence::Fault)
}

/// The State in an Access-Challenge.
fn handed_out(reply: &[u8]) -> Option<State> {
    let packet = Packet::parse(reply).ok()?;
    if packet.code() != Code::AccessChallenge {
        return None;
    }
    packet.first(STATE_TYPE)?.as_array().copied()
}
