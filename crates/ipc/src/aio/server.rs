use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

use nix::errno::Errno;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::frames::{FrameReader, Outgoing, ReadError, write_batches};
use crate::frame::{self, FrameError};
use crate::peer::Peer;
use crate::{Fault, FaultCode, Hello, Outcome, PROTO, Request, Response, Role};

/// How a connection ended, other than by the peer closing it between requests.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No Hello came in the time the caller gave.
    #[error("the peer sent no hello in time")]
    TimedOut,
    /// The peer closed the connection before its Hello.
    #[error("the peer closed the connection before its hello")]
    Closed,
    /// The peer speaks another protocol; it was told so.
    #[error("the peer ({version}) speaks protocol {theirs}, this daemon speaks {PROTO}")]
    Protocol {
        /// Its number.
        theirs: u32,
        /// Its version, without control characters.
        version: String,
    },
    /// The peer took this socket for another role's; it was told so.
    #[error("the peer wanted the {theirs:?} socket")]
    Role {
        /// The role it named.
        theirs: Role,
    },
    /// What came is no frame or no request; the peer was told so.
    #[error("the peer sent garbage: {0}")]
    Frame(#[from] FrameError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The peer's credentials cannot be read.
    #[error("the peer's credentials cannot be read: {0}")]
    Credentials(Errno),
}

/// The server's end of a connection whose peer has said Hello.
pub struct Connection {
    frames: FrameReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    peer: Peer,
    client: Hello,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Exchanges Hellos on an accepted socket, unless `timeout` completes first.
    ///
    /// # Errors
    /// Any [`ServeError`]; the peer has been told the reason where there was one to tell.
    pub async fn accept(
        stream: UnixStream,
        role: Role,
        timeout: impl Future<Output = ()>,
    ) -> Result<Self, ServeError> {
        let peer = Peer::of(&stream).map_err(ServeError::Credentials)?;
        let (reader, mut writer) = stream.into_split();
        let mut frames = FrameReader::new(reader);
        let hello = async {
            let hello = frames.read::<Hello>().await;
            let error = match hello {
                Ok(mut hello) => {
                    hello.version = hello
                        .version
                        .chars()
                        .filter(|c| !c.is_control())
                        .take(40)
                        .collect();
                    let ours = frame::encode(&Hello::of(role))?;
                    if hello.proto != PROTO {
                        // Its own Hello check explains this best.
                        let _ = writer.write_all(&ours).await;
                        ServeError::Protocol {
                            theirs: hello.proto,
                            version: hello.version,
                        }
                    } else if hello.role != role {
                        let _ = writer.write_all(&ours).await;
                        ServeError::Role { theirs: hello.role }
                    } else {
                        // Before any request is read: a client without our Hello knows that nothing was done.
                        writer.write_all(&ours).await?;
                        return Ok(hello);
                    }
                }
                Err(ReadError::Eof) => ServeError::Closed,
                Err(ReadError::Io(error)) => ServeError::Io(error),
                Err(ReadError::Frame(error)) => {
                    let _ = refuse(&mut writer, malformed("the first frame must be a hello")).await;
                    ServeError::Frame(error)
                }
            };
            Err(error)
        };
        let client = tokio::select! {
            biased;
            hello = hello => hello?,
            () = timeout => return Err(ServeError::TimedOut),
        };
        Ok(Self {
            frames,
            writer,
            peer,
            client,
        })
    }

    /// Tells a peer on an accepted socket why it is not served, instead of a Hello, and closes.
    pub async fn refuse(stream: UnixStream, fault: Fault) {
        let (_reader, mut writer) = stream.into_split();
        let _ = refuse(&mut writer, fault).await;
    }

    /// The peer, as the kernel says.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// The peer's Hello; its version holds no control characters.
    #[must_use]
    pub const fn client(&self) -> &Hello {
        &self.client
    }

    /// Reads requests until the peer closes or `stop` completes, with at most `in_flight` of them unanswered;
    /// then waits for those, writes their answers and closes. Each runs `handle` in a task of its own. A handler
    /// that panics answers [`FaultCode::Internal`]; one whose peer has gone runs to its end all the same.
    ///
    /// # Errors
    /// [`ServeError::Frame`] and [`ServeError::Io`].
    pub async fn serve<Op, Reply, H, F>(
        self,
        in_flight: usize,
        stop: impl Future<Output = ()>,
        handle: H,
    ) -> Result<(), ServeError>
    where
        Op: DeserializeOwned + Send + 'static,
        Reply: Serialize + Send + 'static,
        H: Fn(Op) -> F,
        F: Future<Output = Outcome<Reply>> + Send + 'static,
    {
        let Self {
            mut frames, writer, ..
        } = self;
        let in_flight = in_flight.clamp(1, 65_536);
        let slots = Arc::new(Semaphore::new(in_flight));
        // Each frame in the queue holds a slot, so the queue never blocks.
        let (queue, outgoing) = mpsc::channel(in_flight.saturating_add(1));
        let writer = tokio::spawn(write_batches(writer, outgoing));
        tokio::pin!(stop);
        let ended = loop {
            let read = async {
                let slot = Arc::clone(&slots).acquire_owned().await;
                (slot, frames.next(read_request::<Op>).await)
            };
            let (slot, request) = tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                read = read => read,
            };
            let Ok(slot) = slot else { break Ok(()) };
            match request {
                Ok(Ok(Request { id, op })) => {
                    let responder = Responder {
                        id,
                        slot: Some(slot),
                        queue: queue.clone(),
                    };
                    let answer = handle(op);
                    tokio::spawn(async move { responder.send(answer.await) });
                }
                Ok(Err((0, error))) => {
                    Responder {
                        id: 0,
                        slot: Some(slot),
                        queue: queue.clone(),
                    }
                    .send(Outcome::<()>::Err(malformed("the frame is no request")));
                    break Err(ServeError::Frame(error));
                }
                // An operation of another release: the frame is sound, so the connection is too.
                Ok(Err((id, _))) => {
                    Responder {
                        id,
                        slot: Some(slot),
                        queue: queue.clone(),
                    }
                    .send(Outcome::<()>::Err(malformed("this socket knows no such request")));
                }
                Err(ReadError::Eof) => break Ok(()),
                Err(ReadError::Io(error)) => break Err(ServeError::Io(error)),
                Err(ReadError::Frame(error)) => {
                    Responder {
                        id: 0,
                        slot: Some(slot),
                        queue: queue.clone(),
                    }
                    .send(Outcome::<()>::Err(malformed("the frame cannot be read")));
                    break Err(ServeError::Frame(error));
                }
            }
        };
        drop(queue);
        // The queue closes when the last responder is gone, so this waits for all handlers.
        let _ = writer.await;
        ended
    }
}

fn read_request<Op: DeserializeOwned>(json: &[u8]) -> Result<Request<Op>, (u64, FrameError)> {
    frame::decode(json).map_err(|error| {
        let id = frame::decode::<Request<IgnoredAny>>(json).map_or(0, |request| request.id);
        (id, error)
    })
}

fn malformed(message: &str) -> Fault {
    Fault {
        code: FaultCode::Malformed,
        message: format!("{message}; install the same release of otpostd and its clients"),
        retry_after: None,
        reference: "-".to_owned(),
    }
}

async fn refuse(writer: &mut OwnedWriteHalf, fault: Fault) -> Result<(), ServeError> {
    let frame = frame::encode(&Response {
        id: 0,
        outcome: Outcome::<()>::Err(fault),
    })?;
    Ok(writer.write_all(&frame).await?)
}

/// Owes one answer; dropped without one (the handler panicked), it answers so.
struct Responder {
    id: u64,
    slot: Option<OwnedSemaphorePermit>,
    queue: mpsc::Sender<Outgoing<OwnedSemaphorePermit>>,
}

impl Responder {
    fn send<Reply: Serialize>(mut self, outcome: Outcome<Reply>) {
        self.answer(outcome);
    }

    fn answer<Reply: Serialize>(&mut self, outcome: Outcome<Reply>) {
        let Some(slot) = self.slot.take() else { return };
        let id = self.id;
        let frame = frame::encode(&Response { id, outcome }).or_else(|_| {
            frame::encode(&Response {
                id,
                outcome: internal("the answer does not fit a frame"),
            })
        });
        if let Ok(frame) = frame {
            // Full it cannot be; closed it is when the peer has gone.
            let _ = self.queue.try_send(Outgoing { frame, _held: slot });
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.answer(internal("the request failed inside otpostd; see its log"));
    }
}

fn internal(message: &str) -> Outcome<()> {
    Outcome::Err(Fault {
        code: FaultCode::Internal,
        message: message.to_owned(),
        retry_after: None,
        reference: "-".to_owned(),
    })
}
