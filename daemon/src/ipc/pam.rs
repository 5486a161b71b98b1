//! Requests of `pam.sock`.

use std::sync::Arc;

use otpost_core::challenge::{Channel, Origin};
use otpost_core::ids::AttemptId;
use otpost_core::net::Source;
use otpost_core::source::Chain;
use otpost_ipc::pam::{PamBegin, PamOp, PamReply};
use otpost_ipc::peer::{self, Access, Account, Peer, Refusal, Standing};
use otpost_ipc::{DenyKind, Fault, FaultCode, LoginReply, Outcome};
use tracing::{Instrument, error, info_span};
use zeroize::Zeroizing;

use super::{map, process};
use crate::login::{self, Door, Further, Guarded, LoginError, Start, Verdict};
use crate::refused::{self, Wanted};
use crate::state::Daemon;

/// Answers one request.
pub(super) async fn handle(
    daemon: Arc<Daemon>,
    peer: Peer,
    account: Option<Arc<Account>>,
    op: PamOp,
) -> Outcome<PamReply> {
    let span = info_span!("pam", uid = peer.uid, pid = peer.pid);
    async move {
        match op {
            PamOp::Begin(begin) => self::begin(&daemon, peer, account.as_deref(), begin).await,
            PamOp::Answer { session, answer } => {
                let typed = Zeroizing::new(answer.expose().to_owned());
                further(&daemon, peer, &session, Some(typed)).await
            }
            PamOp::Resend { session } => further(&daemon, peer, &session, None).await,
            PamOp::Cancel { session } => cancel(&daemon, &session).await,
        }
    }
    .instrument(span)
    .await
}

async fn begin(
    daemon: &Arc<Daemon>,
    peer: Peer,
    account: Option<&Account>,
    begin: PamBegin,
) -> Outcome<PamReply> {
    let lockers = daemon.lockers.read().map(|l| l.clone()).unwrap_or_default();
    let access = Access {
        lockers,
        ..Access::default()
    };
    let asked = peer::Asked {
        service: &begin.service,
        user: &begin.user,
    };
    let standing = match peer::may_begin(peer, account.map(|a| a.login.as_str()), &access, asked) {
        Ok(standing) => standing,
        Err(refusal) => {
            let reference = daemon.reference();
            let wanted = Wanted::Login {
                service: &begin.service,
                user: &begin.user,
            };
            refused::caller(daemon, peer, refusal, wanted, &reference).await;
            return Outcome::Err(Fault {
                code: FaultCode::Forbidden,
                message: refusal.to_string(),
                retry_after: None,
                reference: reference.to_string(),
            });
        }
    };
    let root = standing == Standing::Root;
    let (process, parent) = process::of(peer.pid);
    // Names this request: nobody retransmits on a socket, so each is its own.
    let mut attempt = AttemptId([0; 16]);
    otpost_core::Rng::fill(&mut daemon.rng(), &mut attempt.0);
    let via = if root {
        begin.service.clone()
    } else {
        format!("{} as {}", begin.service, peer.uid)
    };
    let start = Start {
        channel: Channel::Pam,
        group: begin.service,
        user: begin.user,
        password: None,
        first_factor: Chain::stack(),
        proof: None,
        ms_chap2: None,
        door: Door::default(),
        guarded: Guarded::Service,
        attempt,
        origin: Origin {
            // A user's own process never joins a login that root began, nor the other way about.
            process: process.filter(|_| root),
            parent: parent.filter(|_| root),
            tty: begin.tty,
            remote: !begin.rhost.is_empty(),
            ..Origin::default()
        },
        source: Source::new(if root { &begin.rhost } else { "" }, &via),
    };
    if begin.decoy {
        return answer(daemon, login::decoy(daemon, start).await);
    }
    answer(daemon, login::begin(daemon, start).await)
}

async fn further(
    daemon: &Arc<Daemon>,
    peer: Peer,
    session: &str,
    typed: Option<Zeroizing<String>>,
) -> Outcome<PamReply> {
    if peer.uid != 0 && daemon.lockers.read().map_or(true, |l| l.is_empty()) {
        let reference = daemon.reference();
        refused::caller(daemon, peer, Refusal::RootOnly, Wanted::Further, &reference).await;
        return Outcome::Ok(LoginReply::Deny {
            text: "Login refused.".to_owned(),
            kind: DenyKind::Denied,
            reference: reference.to_string(),
        });
    }
    // The same answer to the same session is the same request: a module that lost the reply may ask again.
    let attempt = daemon.keys.attempt(
        "pam",
        format!("{session} {}", typed.as_ref().map_or("", |t| t.as_str())).as_bytes(),
    );
    let further = Further {
        channel: Channel::Pam,
        group: None,
        user: None,
        resource: None,
        trusted: None,
        session: map::session(session),
        typed,
        proof: None,
        attempt,
    };
    answer(daemon, login::answer(daemon, further).await)
}

async fn cancel(daemon: &Arc<Daemon>, session: &str) -> Outcome<PamReply> {
    if let Some(session) = map::session(session)
        && let Err(error) = login::cancel(daemon, Channel::Pam, session).await
    {
        return answer(daemon, Err(error));
    }
    Outcome::Ok(LoginReply::Deny {
        text: "Login cancelled.".to_owned(),
        kind: DenyKind::Denied,
        reference: daemon.reference().to_string(),
    })
}

fn answer(daemon: &Daemon, outcome: Result<Verdict, LoginError>) -> Outcome<PamReply> {
    match outcome {
        Ok(verdict) => Outcome::Ok(map::reply(&verdict, daemon.now())),
        Err(error) => {
            let reference = daemon.reference();
            error!(%error, %reference, "a login could not be decided");
            Outcome::Err(map::login_fault(&error, reference.as_str()))
        }
    }
}
