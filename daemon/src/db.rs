//! The store from async code: a job goes to the store's threads, the caller waits without holding a thread.

use std::sync::{Arc, Mutex};

use otpost_store::{Done, Read, Store, StoreError, Tx, WriteJob};
use tokio::sync::oneshot;

/// Runs `job` in a transaction; the future ends after its durable commit.
///
/// # Errors
/// What `job` or the engine returned; nothing was stored then.
pub async fn write<T: Send + 'static>(
    store: &dyn Store,
    job: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    submit(job, |job, done| store.submit_write(job, done)).await
}

/// As [`write`], where nobody waits for it: the job may wait a little for another whose commit it shares.
///
/// # Errors
/// As [`write`].
pub async fn write_late<T: Send + 'static>(
    store: &dyn Store,
    job: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    submit(job, |job, done| store.submit_late(job, done)).await
}

async fn submit<T: Send + 'static>(
    mut job: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    submit: impl FnOnce(WriteJob, Done),
) -> Result<T, StoreError> {
    let slot = Slot::new();
    let filler = slot.clone();
    let (done, outcome) = oneshot::channel();
    submit(
        Box::new(move |tx| {
            let value = job(tx)?;
            filler.put(value);
            Ok(())
        }),
        Box::new(move |result| {
            let _ = done.send(result);
        }),
    );
    outcome.await.map_err(|_| StoreError::Closed)??;
    slot.take()
}

/// Runs `job` on a snapshot.
///
/// # Errors
/// What `job` or the engine returned.
pub async fn read<T: Send + 'static>(
    store: &dyn Store,
    mut job: impl FnMut(&mut dyn Read) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let slot = Slot::new();
    let filler = slot.clone();
    let (done, outcome) = oneshot::channel();
    store.submit_read(
        Box::new(move |tx| {
            let value = job(tx)?;
            filler.put(value);
            Ok(())
        }),
        Box::new(move |result| {
            let _ = done.send(result);
        }),
    );
    outcome.await.map_err(|_| StoreError::Closed)??;
    slot.take()
}

/// Where a job leaves its value; a job that runs again replaces it.
struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    fn put(&self, value: T) {
        if let Ok(mut slot) = self.0.lock() {
            *slot = Some(value);
        }
    }

    fn take(&self) -> Result<T, StoreError> {
        self.0
            .lock()
            .ok()
            .and_then(|mut slot| slot.take())
            .ok_or(StoreError::Closed)
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
