use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::frames::{FrameReader, Outgoing, ReadError, write_batches};
use crate::client::{CallError, FirstFrame, Step, check_hello};
use crate::frame;
use crate::peer::Peer;
use crate::{Hello, Outcome, Request, Response, Role};

/// Requests that wait for the socket; one more waits in [`AsyncClient::call`].
const QUEUE: usize = 1024;

type Answer<Reply> = Result<Reply, CallError>;

/// Unanswered calls, or why there can be none any more.
struct Pending<Reply> {
    calls: BTreeMap<u64, oneshot::Sender<Answer<Reply>>>,
    ended: Option<CallError>,
}

type Shared<Reply> = Arc<Mutex<Pending<Reply>>>;

fn lock<Reply>(pending: &Shared<Reply>) -> MutexGuard<'_, Pending<Reply>> {
    // A map of senders is sound at every point of a panic.
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end<Reply>(pending: &Shared<Reply>, error: &CallError) {
    let calls = {
        let mut pending = lock(pending);
        pending.ended.get_or_insert_with(|| error.clone());
        std::mem::take(&mut pending.calls)
    };
    for call in calls.into_values() {
        let _ = call.send(Err(error.clone()));
    }
}

struct Inner<Reply> {
    pending: Shared<Reply>,
    queue: mpsc::Sender<Outgoing<()>>,
    next_id: AtomicU64,
    server: Hello,
    peer: Peer,
    reader: AbortHandle,
}

impl<Reply> Drop for Inner<Reply> {
    fn drop(&mut self) {
        // The writer ends by itself when the queue's last sender is gone.
        self.reader.abort();
    }
}

/// A connection of one role for many concurrent calls. Clones share it; it closes with the last one.
pub struct AsyncClient<Op, Reply> {
    inner: Arc<Inner<Reply>>,
    op: PhantomData<fn(Op)>,
}

impl<Op, Reply> Clone for AsyncClient<Op, Reply> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            op: PhantomData,
        }
    }
}

impl<Op, Reply> fmt::Debug for AsyncClient<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncClient")
            .field("server", &self.inner.server)
            .finish_non_exhaustive()
    }
}

impl<Op, Reply> AsyncClient<Op, Reply>
where
    Op: Serialize,
    Reply: DeserializeOwned + Send + 'static,
{
    /// Connects to the socket at `path` and exchanges Hellos, unless `timeout` completes first.
    ///
    /// # Errors
    /// Any [`CallError`] but [`CallError::WrongId`].
    pub async fn connect(
        path: &Path,
        role: Role,
        timeout: impl Future<Output = ()>,
    ) -> Result<Self, CallError> {
        let connect = async {
            UnixStream::connect(path)
                .await
                .map_err(|error| CallError::Connect {
                    path: path.to_owned(),
                    errno: errno(&error),
                })
        };
        tokio::pin!(timeout);
        let stream = tokio::select! {
            biased;
            stream = connect => stream?,
            () = &mut timeout => return Err(CallError::TimedOut(Step::Connect)),
        };
        Self::over(stream, role, timeout).await
    }

    /// Exchanges Hellos over a connected socket, unless `timeout` completes first.
    ///
    /// # Errors
    /// Any [`CallError`] but [`CallError::Connect`] and [`CallError::WrongId`].
    pub async fn over(
        stream: UnixStream,
        role: Role,
        timeout: impl Future<Output = ()>,
    ) -> Result<Self, CallError> {
        let step = Step::Hello;
        let peer = Peer::of(&stream).map_err(|errno| CallError::Broken { step, errno })?;
        let (reader, mut writer) = stream.into_split();
        let mut frames = FrameReader::new(reader);
        let exchange = async {
            let hello = frame::encode(&Hello::of(role)).map_err(|error| CallError::Frame { step, error })?;
            // A daemon that refuses us may have closed already; its reason is still readable.
            let sent = writer.write_all(&hello).await;
            match frames.next(|json| check_hello(role, json)).await {
                Ok(Ok(hello)) => Ok(hello),
                Ok(Err(FirstFrame::Call(error))) => Err(error),
                Ok(Err(FirstFrame::Frame(error))) => Err(CallError::Frame { step, error }),
                Err(error) => Err(match sent {
                    Err(sent) => CallError::Broken {
                        step,
                        errno: errno(&sent),
                    },
                    Ok(()) => read_error(&error, step),
                }),
            }
        };
        let server = tokio::select! {
            biased;
            server = exchange => server?,
            () = timeout => return Err(CallError::TimedOut(step)),
        };
        let pending: Shared<Reply> = Arc::new(Mutex::new(Pending {
            calls: BTreeMap::new(),
            ended: None,
        }));
        let (queue, outgoing) = mpsc::channel(QUEUE);
        let reader = tokio::spawn(read_answers(frames, Arc::clone(&pending))).abort_handle();
        let ended = Arc::clone(&pending);
        tokio::spawn(async move {
            if let Err(error) = write_batches(writer, outgoing).await {
                end(
                    &ended,
                    &CallError::Broken {
                        step: Step::Request,
                        errno: errno(&error),
                    },
                );
            }
        });
        let inner = Inner {
            pending,
            queue,
            next_id: AtomicU64::new(1),
            server,
            peer,
            reader,
        };
        Ok(Self {
            inner: Arc::new(inner),
            op: PhantomData,
        })
    }

    /// Sends `op` and waits for its answer, which has no time limit of its own: drop the future to give up.
    ///
    /// # Errors
    /// [`CallError::Fault`] where the daemon gives one; the connection stays usable. Anything else ends it and
    /// fails every call in flight, now and later.
    pub async fn call(&self, op: Op) -> Result<Reply, CallError> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = frame::encode(&Request { id, op: &op }).map_err(|error| CallError::Frame {
            step: Step::Hello,
            error,
        })?;
        drop(op);
        let (answer, answered) = oneshot::channel();
        {
            let mut pending = lock(&self.inner.pending);
            if let Some(error) = &pending.ended {
                return Err(unsent(error));
            }
            pending.calls.insert(id, answer);
        }
        let _forget = Forget {
            pending: &self.inner.pending,
            id,
        };
        // A full queue waits here; a closed one has failed this call already, through `end`.
        let _ = self.inner.queue.send(Outgoing { frame, _held: () }).await;
        answered.await.unwrap_or(Err(CallError::Closed(Step::Request)))
    }

    /// Whether the connection has ended and every further call will fail.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.inner.pending).ended.is_some()
    }

    /// The daemon's Hello.
    #[must_use]
    pub fn server(&self) -> &Hello {
        &self.inner.server
    }

    /// Who listens, as the kernel says.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.inner.peer
    }
}

/// The same failure for a call that was never written.
fn unsent(error: &CallError) -> CallError {
    match error {
        CallError::Broken { errno, .. } => CallError::Broken {
            step: Step::Hello,
            errno: *errno,
        },
        CallError::Frame { error, .. } => CallError::Frame {
            step: Step::Hello,
            error: *error,
        },
        CallError::Fault(fault) => CallError::Fault(fault.clone()),
        _ => CallError::Closed(Step::Hello),
    }
}

/// Removes a call whose future is dropped before its answer; the answer is then thrown away.
struct Forget<'a, Reply> {
    pending: &'a Shared<Reply>,
    id: u64,
}

impl<Reply> Drop for Forget<'_, Reply> {
    fn drop(&mut self) {
        lock(self.pending).calls.remove(&self.id);
    }
}

async fn read_answers<Reply: DeserializeOwned>(
    mut frames: FrameReader<OwnedReadHalf>,
    pending: Shared<Reply>,
) {
    let error = loop {
        match frames.read::<Response<Reply>>().await {
            Ok(Response {
                id: 0,
                outcome: Outcome::Err(fault),
            }) => break CallError::Fault(fault),
            Ok(Response { id, outcome }) => {
                // Absent where its call was given up.
                if let Some(call) = lock(&pending).calls.remove(&id) {
                    let _ = call.send(match outcome {
                        Outcome::Ok(reply) => Ok(reply),
                        Outcome::Err(fault) => Err(CallError::Fault(fault)),
                    });
                }
            }
            Err(error) => break read_error(&error, Step::Request),
        }
    };
    end(&pending, &error);
}

fn read_error(error: &ReadError, step: Step) -> CallError {
    match error {
        ReadError::Eof => CallError::Closed(step),
        ReadError::Io(error) => CallError::Broken {
            step,
            errno: errno(error),
        },
        ReadError::Frame(error) => CallError::Frame { step, error: *error },
    }
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}
