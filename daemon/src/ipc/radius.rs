//! Requests of `radius.sock`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use otpost_core::challenge::{Channel, Origin};
use otpost_core::client::{RadiusClient, Settings, SourceAttribute};
use otpost_core::net::Source;
use otpost_ipc::radius::{
    ClientTable, Credentials, Nas, RadiusAnswer, RadiusBegin, RadiusOp, RadiusReply, RadiusReport,
    RadiusSigned,
};
use otpost_ipc::{Fault, FaultCode, LoginReply, Outcome};
use otpost_store::StoreError;
use tracing::{Instrument, error, info_span};
use zeroize::Zeroizing;

use super::granted;
use super::map;
use super::proof::{self, Presented};
use crate::admin::page::Page;
use crate::login::{self, Door, Further, Guarded, LoginError, Start, Verdict};
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
        RadiusOp::Signed(signed) => self::signed(&daemon, signed).await,
        RadiusOp::Account(account) => crate::accounting::store(&daemon, account).await,
        RadiusOp::Clients { after, from } => clients(&daemon, after, from).await,
    }
}

async fn begin(daemon: &Arc<Daemon>, begin: RadiusBegin) -> Outcome<RadiusReply> {
    let table = Arc::clone(&daemon.clients.borrow().entries);
    let Some(client) = table.iter().find(|c| c.name == begin.client) else {
        return gone(daemon);
    };
    let presented = Presented::of(&begin.credentials, &begin.user);
    let start = start(daemon, client, begin, presented.as_ref());
    let verdict = login::begin(daemon, start).await;
    outcome(daemon, verdict, &client.settings, presented.as_ref())
}

/// A first request as the logins see it.
fn start(daemon: &Daemon, client: &RadiusClient, begin: RadiusBegin, presented: Option<&Presented>) -> Start {
    Start {
        channel: Channel::Radius,
        group: client.name.clone(),
        user: begin.user,
        password: typed(&begin.credentials),
        proof: presented.map(Presented::shared),
        ms_chap2: proof::upstream(&begin.credentials),
        first_factor: client.first_factor.clone(),
        door: Door {
            flow: client.settings.flow,
            separator: client.settings.separator,
            hide: client.settings.hide_first_factor,
            rules: Some(address(client, &begin.nas)),
        },
        guarded: Guarded::Resource(client.resource),
        attempt: map::attempt(&daemon.keys, "radius", &begin.attempt),
        origin: Origin {
            calling_station: begin.nas.calling_station.clone(),
            nas_port: begin.nas.port.clone(),
            acct_session: begin.nas.acct_session.clone(),
            trusted: address(client, &begin.nas),
            ..Origin::default()
        },
        source: Source::new(&begin.nas.calling_station, &begin.client),
    }
}

async fn answer(daemon: &Arc<Daemon>, answer: RadiusAnswer) -> Outcome<RadiusReply> {
    let table = Arc::clone(&daemon.clients.borrow().entries);
    let Some(client) = table.iter().find(|c| c.name == answer.client) else {
        return gone(daemon);
    };
    let presented = Presented::of(&answer.credentials, &answer.user);
    if client.first_factor.relays()
        && let Some(session) = map::session(&answer.session)
    {
        let start = start(
            daemon,
            client,
            RadiusBegin {
                client: answer.client.clone(),
                user: answer.user.clone(),
                credentials: answer.credentials.clone(),
                attempt: answer.attempt.clone(),
                nas: answer.nas.clone(),
            },
            presented.as_ref(),
        );
        match login::relay::answer(daemon, session, start).await {
            Ok(None) => {}
            Ok(Some(verdict)) => return outcome(daemon, Ok(verdict), &client.settings, presented.as_ref()),
            Err(error) => return undecided(daemon, &error),
        }
    }
    let further = Further {
        channel: Channel::Radius,
        group: Some(answer.client),
        user: Some(answer.user),
        resource: Some(client.resource),
        trusted: address(client, &answer.nas),
        session: map::session(&answer.session),
        typed: typed(&answer.credentials),
        proof: presented.as_ref().map(Presented::shared),
        attempt: map::attempt(&daemon.keys, "radius", &answer.attempt),
    };
    let verdict = login::answer(daemon, further).await;
    outcome(daemon, verdict, &client.settings, presented.as_ref())
}

/// The address of the person's device, where the client is trusted to say it (domain decision 9).
fn address(client: &RadiusClient, nas: &Nas) -> Option<IpAddr> {
    let said = match client.settings.source {
        SourceAttribute::None => return None,
        SourceAttribute::CallingStationId => &nas.calling_station,
        SourceAttribute::TunnelClientEndpoint => &nas.tunnel_client,
        SourceAttribute::FramedIpAddress => &nas.framed,
    };
    said.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// What was typed, where the packet says it.
fn typed(credentials: &Credentials) -> Option<Zeroizing<String>> {
    match credentials {
        Credentials::Pap { password } => Some(Zeroizing::new(password.expose().to_owned())),
        Credentials::Chap { .. } | Credentials::MsChap2 { .. } => None,
    }
}

/// Keeps what a client was seen to do. Where that is news for the table, otpost-radius learns of it.
async fn signed(daemon: &Arc<Daemon>, seen: RadiusSigned) -> Outcome<RadiusReply> {
    let now = daemon.now();
    let written = daemon
        .write(move |tx| {
            let Some(mut client) = tx.client(&seen.client)? else {
                return Ok(false);
            };
            let news = seen.signed && client.signed.is_none();
            if news {
                client.signed = Some(now);
            }
            if seen.unsigned {
                client.unsigned = Some(now);
            }
            tx.put_client(&client)?;
            Ok(news)
        })
        .await;
    match written {
        Ok(news) => {
            if news && let Err(failure) = daemon.reload_clients().await {
                error!(error = %failure, "the RADIUS client table is not reloaded");
            }
            Outcome::Ok(RadiusReply::Reported)
        }
        Err(failure) => undecided(daemon, &failure.into()),
    }
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

fn outcome(
    daemon: &Daemon,
    verdict: Result<Verdict, LoginError>,
    settings: &Settings,
    presented: Option<&Presented>,
) -> Outcome<RadiusReply> {
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(error) => return undecided(daemon, &error),
    };
    let mut login = map::radius_reply(&verdict, settings, daemon.now());
    let LoginReply::Allow { attributes, .. } = &mut login else {
        return Outcome::Ok(RadiusReply::Login {
            login,
            ms_chap2: None,
            hidden: Vec::new(),
        });
    };
    let dictionary = daemon.dictionaries.current();
    let Some(reply) = granted::reply(&dictionary, &verdict.granted, &settings.reply) else {
        return Outcome::Err(Fault {
            code: FaultCode::Internal,
            message: "a reply attribute cannot be sent; see otpostd's log".to_owned(),
            retry_after: None,
            reference: verdict.reference.to_string(),
        });
    };
    *attributes = reply.plain;
    let relayed = verdict.granted.ms_chap2.as_ref();
    let ms_chap2 =
        presented.and_then(|presented| presented.success().or_else(|| relayed.map(proof::relayed)));
    Outcome::Ok(RadiusReply::Login {
        login,
        ms_chap2,
        hidden: reply.hidden,
    })
}

fn undecided(daemon: &Daemon, error: &LoginError) -> Outcome<RadiusReply> {
    let reference = daemon.reference();
    if *error == LoginError::Store(StoreError::Closed) {
        return Outcome::Err(Fault {
            code: FaultCode::Unavailable,
            message: "otpostd is stopping".to_owned(),
            retry_after: Some(1),
            reference: reference.to_string(),
        });
    }
    error!(%error, %reference, "a login could not be decided");
    Outcome::Err(map::login_fault(error, reference.as_str()))
}
