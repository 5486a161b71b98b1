//! Requests of `radius.sock`.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::challenge::{Channel, Origin};
use otpost_core::net::Source;
use otpost_ipc::radius::{ClientTable, RadiusAnswer, RadiusBegin, RadiusOp, RadiusReply, RadiusReport};
use otpost_ipc::{Fault, FaultCode, Outcome, Secret};
use otpost_store::StoreError;
use tracing::{Instrument, error, info_span};
use zeroize::Zeroizing;

use super::map;
use crate::admin::page::Page;
use crate::login::{self, Further, Guarded, LoginError, Start, Verdict};
use crate::refused;
use crate::state::Daemon;
use crate::sys;

/// How long a question for the client table waits for a change.
const WATCH: Duration = Duration::from_secs(30);

/// Answers one request.
pub(super) async fn handle(daemon: Arc<Daemon>, op: RadiusOp) -> Outcome<RadiusReply> {
    match op {
        RadiusOp::Begin(begin) => {
            let span = info_span!("radius", client = ?begin.client);
            self::begin(&daemon, begin).instrument(span).await
        }
        RadiusOp::Answer(answer) => {
            let span = info_span!("radius", client = ?answer.client);
            self::answer(&daemon, answer).instrument(span).await
        }
        RadiusOp::Report(report) => self::report(&daemon, report).await,
        RadiusOp::Clients { after, from } => clients(&daemon, after, from).await,
    }
}

async fn begin(daemon: &Arc<Daemon>, begin: RadiusBegin) -> Outcome<RadiusReply> {
    let table = Arc::clone(&daemon.clients.borrow().entries);
    let Some(client) = table.iter().find(|c| c.name == begin.client) else {
        return gone(daemon);
    };
    let text = |secret: &Secret| Zeroizing::new(secret.expose().to_owned());
    let start = Start {
        channel: Channel::Radius,
        group: client.name.clone(),
        user: begin.user,
        password: begin.password.as_ref().map(text),
        first_factor: client.first_factor,
        guarded: Guarded::Resource(client.resource),
        attempt: map::attempt(&daemon.keys, "radius", &begin.attempt),
        origin: Origin {
            calling_station: begin.nas.calling_station.clone(),
            nas_port: begin.nas.port,
            acct_session: begin.nas.acct_session,
            ..Origin::default()
        },
        source: Source::new(&begin.nas.calling_station, &begin.client),
    };
    let verdict = login::begin(daemon, start).await;
    outcome(daemon, verdict)
}

async fn answer(daemon: &Arc<Daemon>, answer: RadiusAnswer) -> Outcome<RadiusReply> {
    let table = Arc::clone(&daemon.clients.borrow().entries);
    if !table.iter().any(|c| c.name == answer.client) {
        return gone(daemon);
    }
    let further = Further {
        channel: Channel::Radius,
        group: Some(answer.client),
        user: Some(answer.user),
        session: map::session(&answer.session),
        typed: Some(Zeroizing::new(answer.answer.expose().to_owned())),
        attempt: map::attempt(&daemon.keys, "radius", &answer.attempt),
    };
    let verdict = login::answer(daemon, further).await;
    outcome(daemon, verdict)
}

async fn report(daemon: &Daemon, report: RadiusReport) -> Outcome<RadiusReply> {
    let table = Arc::clone(&daemon.clients.borrow().entries);
    let Some(client) = table.iter().find(|c| c.name == report.client) else {
        return gone(daemon);
    };
    refused::radius(daemon, report, client.resource).await;
    Outcome::Ok(RadiusReply::Reported)
}

async fn clients(daemon: &Arc<Daemon>, after: Option<u64>, from: u32) -> Outcome<RadiusReply> {
    let mut table = daemon.clients.subscribe();
    if let Some(known) = after {
        let mut stop = daemon.stopping.subscribe();
        tokio::select! {
            _ = sys::timeout(WATCH, table.wait_for(|t| t.version != known)) => {}
            // Otherwise a stop would wait for this answer, and the server would not see that we go.
            () = sys::stopped(&mut stop) => {}
        }
    }
    let table = table.borrow_and_update().clone();
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let (clients, more) = Page::of(table.entries.iter().skip(from).map(map::radius_client));
    Outcome::Ok(RadiusReply::Clients(ClientTable {
        version: table.version,
        clients,
        more,
    }))
}

/// The table that the server holds is older than ours; it will learn of it, and the VPN asks again.
fn gone(daemon: &Daemon) -> Outcome<RadiusReply> {
    Outcome::Err(Fault {
        code: FaultCode::NotFound,
        message: "this RADIUS client is not known any more".to_owned(),
        retry_after: Some(1),
        reference: daemon.reference().to_string(),
    })
}

fn outcome(daemon: &Daemon, verdict: Result<Verdict, LoginError>) -> Outcome<RadiusReply> {
    match verdict {
        Ok(verdict) => Outcome::Ok(RadiusReply::Login {
            login: map::reply(&verdict, daemon.now()),
        }),
        Err(LoginError::Store(StoreError::Closed)) => Outcome::Err(Fault {
            code: FaultCode::Unavailable,
            message: "otpostd is stopping".to_owned(),
            retry_after: Some(1),
            reference: daemon.reference().to_string(),
        }),
        Err(error) => {
            let reference = daemon.reference();
            error!(%error, %reference, "a login could not be decided");
            Outcome::Err(map::login_fault(&error, reference.as_str()))
        }
    }
}
