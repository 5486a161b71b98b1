//! The daemon, as handlers see it: one message, one answer, or an error that has a page.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use otpost_ipc::{
    Fault, Role,
    aio::AsyncClient,
    client::CallError,
    portal::{PortalOp, PortalReply},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::sys;

/// Connections to the daemon. Each carries many calls at once; more than one, so that a large answer does not hold up
/// the small ones behind it.
const CONNECTIONS: usize = 4;
/// Longest wait for a connection and its Hello. Short: somebody is looking at a page that does not come.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest wait for an answer: a test text waits up to 20 s for its provider. Everything else takes a fraction of it.
const ANSWER: Duration = Duration::from_secs(25);

/// The daemon's portal.sock.
pub type Backend = Pool<PortalOp, PortalReply>;

/// Why the daemon gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The daemon refused, and says why.
    #[error(transparent)]
    Refused(Fault),
    /// The daemon cannot be reached, or the connection broke. [`CallError::nothing_asked`] says whether the request
    /// may have been carried out.
    #[error(transparent)]
    Away(CallError),
    /// The daemon did not answer in time; whether the request was carried out is not known.
    #[error("otpostd did not answer within {} s", ANSWER.as_secs())]
    Late,
}

/// Connections to a daemon's socket, made when they are needed and made again when they broke.
pub struct Pool<Op, Reply> {
    socket: PathBuf,
    role: Role,
    slots: [Mutex<Option<AsyncClient<Op, Reply>>>; CONNECTIONS],
    next: AtomicUsize,
}

impl<Op, Reply> std::fmt::Debug for Pool<Op, Reply> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("socket", &self.socket)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl<Op, Reply> Pool<Op, Reply>
where
    Op: Serialize + Clone,
    Reply: DeserializeOwned + Send + 'static,
{
    /// Nothing is connected before the first call.
    #[must_use]
    pub fn new(socket: &Path, role: Role) -> Self {
        Self {
            socket: socket.to_path_buf(),
            role,
            slots: std::array::from_fn(|_| Mutex::new(None)),
            next: AtomicUsize::new(0),
        }
    }

    /// Asks the daemon. A request that never left is sent again over a new connection, once: the daemon may have been
    /// restarted since the last one. A request that left is never repeated.
    ///
    /// # Errors
    /// Any [`BackendError`].
    pub async fn call(&self, op: Op) -> Result<Reply, BackendError> {
        let again = op.clone();
        match self.attempt(op).await {
            Err(BackendError::Away(error)) if never_left(&error) => self.attempt(again).await,
            answer => answer,
        }
    }

    async fn attempt(&self, op: Op) -> Result<Reply, BackendError> {
        let client = self.client().await?;
        match sys::limited(ANSWER, client.call(op)).await {
            None => Err(BackendError::Late),
            Some(Ok(reply)) => Ok(reply),
            Some(Err(CallError::Fault(fault))) => Err(BackendError::Refused(fault)),
            Some(Err(error)) => Err(BackendError::Away(error)),
        }
    }

    async fn client(&self) -> Result<AsyncClient<Op, Reply>, BackendError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let [first, ..] = &self.slots;
        let slot = self.slots.get(turn).unwrap_or(first);
        let held = slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(client) = held.filter(|client| !client.is_closed()) {
            return Ok(client);
        }
        // Two callers may connect at the same time: one connection too many closes when its caller is done.
        let client = AsyncClient::connect(&self.socket, self.role, sys::sleep(CONNECT))
            .await
            .map_err(|error| match error {
                CallError::Fault(fault) => BackendError::Refused(fault),
                error => BackendError::Away(error),
            })?;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

/// Whether a new connection may help. Not where there is no daemon at all: the second try would only double the wait.
const fn never_left(error: &CallError) -> bool {
    matches!(error, CallError::Closed(_) | CallError::Broken { .. }) && error.nothing_asked()
}

#[cfg(test)]
mod tests;
