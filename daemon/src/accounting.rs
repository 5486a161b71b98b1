//! Stores what RADIUS clients account for. The answer leaves after the commit (RFC 2866 section 2).

use std::sync::Arc;
use std::time::Duration;

use otpost_core::accounting::{Connection, Status, TEXT, Told};
use otpost_ipc::radius::{RadiusAccount, RadiusReply};
use otpost_ipc::{Fault, FaultCode, Outcome};
use otpost_store::{StoreError, Tx, document};
use tracing::error;

use crate::state::Daemon;

/// Connections of a client that a restart of it ends at once; the rest end by their age.
const CUT: u32 = 10_000;

/// Stores one request.
pub(crate) async fn store(daemon: &Arc<Daemon>, account: RadiusAccount) -> Outcome<RadiusReply> {
    let table = Arc::clone(&daemon.clients.borrow().entries);
    let Some(client) = table.iter().find(|c| c.name == account.client) else {
        return fault(
            daemon,
            FaultCode::NotFound,
            "this RADIUS client is not known any more",
        );
    };
    if !client.settings.accounting {
        return fault(
            daemon,
            FaultCode::Forbidden,
            "accounting is off for this RADIUS client",
        );
    }
    let now = daemon.now();
    let at = now.minus(Duration::from_secs(u64::from(account.delay)));
    let written = daemon
        .write(move |tx| match Status::of(account.status) {
            Some(status) => tell(tx, &account, status, at),
            // Accounting-On and -Off: the access server has no connection any more.
            None if matches!(account.status, 7 | 8) => cut(tx, &account, at),
            None => Ok(()),
        })
        .await;
    match written {
        Ok(()) => Outcome::Ok(RadiusReply::Reported),
        Err(failure) => {
            error!(error = %failure, "an accounting request is not stored");
            fault(daemon, FaultCode::Unavailable, "the request could not be stored")
        }
    }
}

fn tell(
    tx: &mut dyn Tx,
    account: &RadiusAccount,
    status: Status,
    at: otpost_core::Timestamp,
) -> Result<(), StoreError> {
    let id = id(account);
    let known: Option<Connection> = document::get(tx, &id)?;
    let connection = known.unwrap_or_else(|| Connection {
        id,
        client: account.client.clone(),
        user: text(&account.user),
        session: text(&account.session),
        station: text(&account.nas.calling_station),
        framed: text(&account.framed),
        started: at,
        seen: at,
        ended: None,
        octets_in: 0,
        octets_out: 0,
        cause: None,
    });
    let told = Told {
        status,
        at,
        seconds: account.seconds,
        octets: account.octets,
        cause: account.cause,
    };
    document::put(tx, &connection.told(&told))
}

fn cut(tx: &mut dyn Tx, account: &RadiusAccount, at: otpost_core::Timestamp) -> Result<(), StoreError> {
    let owner = otpost_store::kinds::client_owner(&account.client);
    let connections: Vec<Connection> = document::of(tx, &owner)?;
    let open = connections.into_iter().filter(|c| c.ended.is_none());
    for connection in open.take(usize::try_from(CUT).unwrap_or(usize::MAX)) {
        document::put(tx, &connection.cut(at))?;
    }
    Ok(())
}

fn id(account: &RadiusAccount) -> [u8; 16] {
    let all = format!("{}\0{}\0{}", account.client, account.user, account.session);
    let print = otpost_core::portal::session::fingerprint(&all);
    print.first_chunk().copied().unwrap_or_default()
}

fn text(raw: &str) -> String {
    let end = (0..=raw.len().min(TEXT))
        .rev()
        .find(|at| raw.is_char_boundary(*at));
    raw.get(..end.unwrap_or_default())
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn fault(daemon: &Daemon, code: FaultCode, message: &str) -> Outcome<RadiusReply> {
    Outcome::Err(Fault {
        code,
        message: message.to_owned(),
        retry_after: Some(1),
        reference: daemon.reference().to_string(),
    })
}
