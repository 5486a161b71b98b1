//! Deleting what can matter no more, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use crate::login::relay::Relay;
use otpost_core::Timestamp;
use otpost_core::access::Remembered;
use otpost_core::accounting::Connection;
use otpost_core::login::decoy::Decoy;
use otpost_core::portal::administrator::SetupLink;
use otpost_core::portal::factors::HelpdeskCode;
use otpost_core::portal::invite::Invite;
use otpost_core::portal::session::PortalSession;
use otpost_core::portal::verification::Verification;
use otpost_core::stats::HourStats;
use otpost_store::document::Document;
use otpost_store::{StoreError, Tx};
use tokio::sync::watch;
use tracing::error;

use crate::portal::enrol;
use crate::state::Daemon;
use crate::{refused, sys};

/// How often rows that can matter no more are looked for, and refusals that were only counted.
const EVERY: Duration = Duration::from_secs(60);
/// Rows of each table, and documents of each kind, that one sweep deletes.
const ROWS: u32 = 2000;
/// How long what was asked for on a page stays after its end: its page may be loaded again.
const PAGE: Duration = Duration::from_secs(3600);
/// How long a link stays after its end.
const LINK: Duration = Duration::from_secs(24 * 3600);

/// Runs until `stop` turns true.
pub(crate) async fn run(daemon: Arc<Daemon>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = sys::sleep(EVERY) => {}
            () = sys::stopped(&mut stop) => return,
        }
        once(&daemon).await;
    }
}

/// Deletes what is too old now.
pub async fn once(daemon: &Daemon) {
    let now = daemon.now();
    if let Err(failure) = daemon.write(move |tx| tx.sweep(now, ROWS)).await {
        error!(error = %failure, "old rows cannot be deleted");
    }
    // Apart: a document that cannot be read must not keep the rows.
    if let Err(failure) = daemon.write(move |tx| documents(tx, now)).await {
        error!(error = %failure, "old sessions and links cannot be deleted");
    }
    daemon.imports.sweep(now);
    refused::quiet(daemon).await;
}

fn documents(tx: &mut dyn Tx, now: Timestamp) -> Result<(), StoreError> {
    ended::<PortalSession>(tx, now)?;
    ended::<SetupLink>(tx, now)?;
    ended::<HelpdeskCode>(tx, now)?;
    ended::<Verification>(tx, now.minus(PAGE))?;
    ended::<Invite>(tx, now.minus(LINK))?;
    ended::<HourStats>(tx, now)?;
    ended::<Connection>(tx, now)?;
    most::<Decoy>(tx, now, ROWS * 10)?;
    ended::<Relay>(tx, now)?;
    ended::<Remembered>(tx, now)?;
    enrol::sweep(tx, now, ROWS)
}

/// Deletes documents whose time was over at `at`.
fn ended<T: Document>(tx: &mut dyn Tx, at: Timestamp) -> Result<(), StoreError> {
    most::<T>(tx, at, ROWS)
}

/// The same for what strangers can make: sweeps must be faster than they are.
fn most<T: Document>(tx: &mut dyn Tx, at: Timestamp, rows: u32) -> Result<(), StoreError> {
    for row in tx.documents_due(T::KIND, at, rows)? {
        tx.delete_document(T::KIND, &row.id)?;
    }
    Ok(())
}
