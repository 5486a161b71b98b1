//! Blocking client: one connection, one request at a time, one deadline over all of it.
//!
//! It runs inside other programs (sshd, sudo, screen lockers), so it starts no thread, raises no signal, leaves no
//! descriptor to a child and never waits past its [`Deadline`], whatever the peer does: a full backlog, silence,
//! one octet a second. It does not decide whether to try again; [`CallError::nothing_asked`] says whether that is
//! safe.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::frame::{self, FrameError, Inbox, WipedBuf};
use crate::peer::Peer;
use crate::polled::Polled;
use crate::sys::{self, clock, poll_timeout};
use crate::{Fault, Hello, Outcome, PROTO, Request, Response, Role};

/// A point in time that waiting never passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// The point `wait` from now; at most a day away.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        let now = clock();
        Self(
            now.checked_add(wait.min(Duration::from_secs(86_400)))
                .unwrap_or(now),
        )
    }

    /// A given point.
    #[must_use]
    pub const fn at(point: Instant) -> Self {
        Self(point)
    }

    /// What is left, or `None` when the point has passed.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        self.0
            .checked_duration_since(clock())
            .filter(|left| !left.is_zero())
    }

    /// Waits for `pause`, or until the deadline if that is nearer. `false` when the deadline has passed.
    #[must_use]
    pub fn pause(self, pause: Duration) -> bool {
        let Some(left) = self.remaining() else {
            return false;
        };
        sys::pause(pause.min(left));
        self.remaining().is_some()
    }
}

/// First size of the buffers, in octets: more than a login's messages need, and little to wipe.
const BUFFER: usize = 512;

/// How far a connection got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Not connected yet.
    Connect,
    /// The peer has not said Hello: it has read no request.
    Hello,
    /// The peer may have read and carried out the request.
    Request,
}

impl Step {
    const fn text(self) -> &'static str {
        match self {
            Self::Connect => "while connecting",
            Self::Hello => "before its hello",
            Self::Request => "before its answer",
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there, or we may not connect.
    #[error("cannot connect to {}: {}; is otpostd running, and may this user open the socket?", path.display(), errno.desc())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        errno: Errno,
    },
    /// The deadline passed.
    #[error("otpostd did not answer in time ({})", .0.text())]
    TimedOut(Step),
    /// The peer closed the connection; it was stopped, or refused us without a word.
    #[error("otpostd closed the connection ({})", .0.text())]
    Closed(Step),
    /// The connection broke.
    #[error("connection to otpostd broke ({}): {}", step.text(), errno.desc())]
    Broken {
        /// How far it got.
        step: Step,
        /// What the system said.
        errno: Errno,
    },
    /// What came, or was to be sent, is no frame of this protocol.
    #[error("connection to otpostd, {}: {error}", step.text())]
    Frame {
        /// How far it got.
        step: Step,
        /// What is wrong with it.
        error: FrameError,
    },
    /// Client and daemon are of different releases.
    #[error(
        "otpostd {version} speaks protocol {theirs}, this program speaks {PROTO}; install the same release of both and restart them"
    )]
    Protocol {
        /// [`PROTO`] of the daemon.
        theirs: u32,
        /// Version of the daemon.
        version: String,
    },
    /// The socket belongs to another role.
    #[error("this is the daemon's {theirs:?} socket, not its {ours:?} socket; check the socket path")]
    Role {
        /// What was asked for.
        ours: Role,
        /// What it is.
        theirs: Role,
    },
    /// The daemon answered a request that was not made.
    #[error("otpostd answered another request than the one asked")]
    WrongId,
    /// The daemon did not carry out the request and says why.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl CallError {
    /// Whether the daemon certainly has not read the request, so that asking again cannot do it twice.
    #[must_use]
    pub const fn nothing_asked(&self) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::TimedOut(step)
            | Self::Closed(step)
            | Self::Broken { step, .. }
            | Self::Frame { step, .. } => matches!(step, Step::Connect | Step::Hello),
            Self::Protocol { .. } | Self::Role { .. } => true,
            Self::WrongId | Self::Fault(_) => false,
        }
    }
}

/// A connection of one role.
pub struct Client<Op, Reply> {
    fd: OwnedFd,
    inbox: Inbox,
    role: Role,
    deadline: Deadline,
    peer: Peer,
    server: Option<Hello>,
    last_id: u64,
    /// `fn`, because a client owns neither.
    types: PhantomData<fn(Op) -> Reply>,
}

impl<Op, Reply> fmt::Debug for Client<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("fd", &self.fd)
            .field("role", &self.role)
            .field("deadline", &self.deadline)
            .field("peer", &self.peer)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl<Op: Serialize, Reply: DeserializeOwned> Client<Op, Reply> {
    /// Connects to the socket at `path`. The Hello travels with the first [`Self::call`], to save a round trip, so
    /// a wrong role or protocol shows there.
    ///
    /// # Errors
    /// [`CallError::Connect`], or [`CallError::TimedOut`] where the listener's backlog stays full.
    pub fn connect(path: &Path, role: Role, deadline: Deadline) -> Result<Self, CallError> {
        let failed = |errno| CallError::Connect {
            path: path.to_owned(),
            errno,
        };
        let address = UnixAddr::new(path).map_err(failed)?;
        if deadline.remaining().is_none() {
            return Err(CallError::TimedOut(Step::Connect));
        }
        let fd = open(SockFlag::SOCK_NONBLOCK).map_err(failed)?;
        let fd = match connect(fd.as_raw_fd(), &address) {
            Ok(()) => fd,
            // The backlog is full. poll(2) cannot wait for room in it; a blocking connect can.
            Err(Errno::EAGAIN) => Self::connect_later(&address, deadline, failed)?,
            Err(errno) => return Err(failed(errno)),
        };
        Self::over(fd, role, deadline).map_err(|errno| CallError::Broken {
            step: Step::Connect,
            errno,
        })
    }

    fn connect_later(
        address: &UnixAddr,
        deadline: Deadline,
        failed: impl Fn(Errno) -> CallError,
    ) -> Result<OwnedFd, CallError> {
        let fd = open(SockFlag::empty()).map_err(&failed)?;
        loop {
            let left = deadline.remaining().ok_or(CallError::TimedOut(Step::Connect))?;
            // A blocking connect waits for room in the backlog; this option is what bounds that wait (unix(7)).
            // A zero would mean "for ever".
            let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX).max(1000);
            setsockopt(&fd, sockopt::SendTimeout, &TimeVal::microseconds(micros)).map_err(&failed)?;
            match connect(fd.as_raw_fd(), address) {
                Ok(()) => return Ok(fd),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(CallError::TimedOut(Step::Connect)),
                Err(errno) => return Err(failed(errno)),
            }
        }
    }

    /// A client over a connected stream socket.
    ///
    /// # Errors
    /// The system's, if `fd` has no peer.
    pub fn over(fd: OwnedFd, role: Role, deadline: Deadline) -> Result<Self, Errno> {
        let peer = Peer::of(&fd)?;
        Ok(Self {
            fd,
            inbox: Inbox::with_capacity(BUFFER),
            role,
            deadline,
            peer,
            server: None,
            last_id: 0,
            types: PhantomData,
        })
    }

    /// Who listens, as the kernel says: the credentials of the process that called listen(2).
    #[must_use]
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// User id of [`Self::peer`].
    #[must_use]
    pub const fn peer_uid(&self) -> u32 {
        self.peer.uid
    }

    /// The daemon's Hello, known after the first call.
    #[must_use]
    pub const fn server(&self) -> Option<&Hello> {
        self.server.as_ref()
    }

    /// Replaces the deadline for the calls to come.
    pub const fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Sends `op` and waits for its answer.
    ///
    /// # Errors
    /// Any [`CallError`]. The connection is of no use afterwards, unless it was a [`CallError::Fault`].
    pub fn call(&mut self, op: Op) -> Result<Reply, CallError> {
        let request = self.exchange(&op);
        drop(op);
        request
    }

    /// The same connection for a thread that polls. Only after a call that was answered: it has exchanged the Hellos.
    #[must_use]
    pub fn into_polled(self) -> Polled<Op, Reply> {
        Polled::over(self.fd, self.last_id)
    }

    fn exchange(&mut self, op: &Op) -> Result<Reply, CallError> {
        let id = self.last_id.wrapping_add(1);
        self.last_id = id;
        let mut out = WipedBuf::with_capacity(BUFFER);
        let step = if self.server.is_some() {
            Step::Request
        } else {
            Step::Hello
        };
        let unsent = |error| CallError::Frame {
            step: Step::Hello,
            error,
        };
        if self.server.is_none() {
            frame::encode_into(&mut out, &Hello::of(self.role)).map_err(unsent)?;
        }
        frame::encode_into(&mut out, &Request { id, op }).map_err(unsent)?;
        // A daemon that refuses us writes its reason and closes; then sending fails, and the reason is readable.
        let sent = self.send(out.as_slice(), step);
        drop(out);
        if let Err(error @ CallError::TimedOut(_)) = sent {
            return Err(error);
        }
        if self.server.is_none() {
            let role = self.role;
            let hello = self
                .receive(Step::Hello, |json| check_hello(role, json))
                .map_err(|error| sent.clone().err().unwrap_or(error))?;
            self.server = Some(hello.map_err(|why| match why {
                FirstFrame::Call(error) => error,
                FirstFrame::Frame(error) => CallError::Frame {
                    step: Step::Hello,
                    error,
                },
            })?);
        }
        let step = Step::Request;
        let response: Response<Reply> = self
            .receive(step, frame::decode)
            .map_err(|error| sent.err().unwrap_or(error))?
            .map_err(|error| CallError::Frame { step, error })?;
        match response.outcome {
            Outcome::Err(fault) if response.id == id || response.id == 0 => Err(CallError::Fault(fault)),
            Outcome::Ok(reply) if response.id == id => Ok(reply),
            Outcome::Ok(_) | Outcome::Err(_) => Err(CallError::WrongId),
        }
    }

    fn wait(&self, events: PollFlags, step: Step) -> Result<(), CallError> {
        let left = self.deadline.remaining().ok_or(CallError::TimedOut(step))?;
        match poll(&mut [PollFd::new(self.fd.as_fd(), events)], poll_timeout(left)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(CallError::Broken { step, errno }),
        }
    }

    fn send(&self, mut octets: &[u8], step: Step) -> Result<(), CallError> {
        // NOSIGNAL: the host program must not die of SIGPIPE.
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        while !octets.is_empty() {
            match send(self.fd.as_raw_fd(), octets, flags) {
                Ok(sent) => octets = octets.get(sent..).unwrap_or_default(),
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLOUT, step)?,
                Err(Errno::EINTR) => {}
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(CallError::Closed(step)),
                Err(errno) => return Err(CallError::Broken { step, errno }),
            }
        }
        Ok(())
    }

    /// What `decode` makes of the next frame's JSON. One recv(2) takes all that is there: hello and answer often
    /// come together.
    fn receive<T>(&mut self, step: Step, decode: impl Fn(&[u8]) -> T) -> Result<T, CallError> {
        let bad = |error| CallError::Frame { step, error };
        loop {
            // Checked on every turn: a peer that drips octets gains no time.
            if self.deadline.remaining().is_none() {
                return Err(CallError::TimedOut(step));
            }
            if let Some(message) = self.inbox.next(&decode).map_err(bad)? {
                return Ok(message);
            }
            let room = self.inbox.room().map_err(bad)?;
            match recv(self.fd.as_raw_fd(), room, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Err(CallError::Closed(step)),
                Ok(got) => self.inbox.took(got),
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLIN, step)?,
                Err(Errno::EINTR) => {}
                Err(Errno::ECONNRESET) => return Err(CallError::Closed(step)),
                Err(errno) => return Err(CallError::Broken { step, errno }),
            }
        }
    }
}

/// A stream socket that no child inherits.
fn open(flags: SockFlag) -> Result<OwnedFd, Errno> {
    socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC | flags,
        None,
    )
}

/// What a first frame is, if no acceptable Hello.
pub(crate) enum FirstFrame {
    /// A refusal, or a Hello that does not fit.
    Call(CallError),
    /// Neither.
    Frame(FrameError),
}

/// Checks the daemon's first frame: its Hello, or a [`Fault`] instead of one.
pub(crate) fn check_hello(ours: Role, json: &[u8]) -> Result<Hello, FirstFrame> {
    match frame::decode::<Hello>(json) {
        Ok(hello) if hello.proto != PROTO => {
            let version = hello
                .version
                .chars()
                .filter(|c| !c.is_control())
                .take(40)
                .collect();
            Err(FirstFrame::Call(CallError::Protocol {
                theirs: hello.proto,
                version,
            }))
        }
        Ok(hello) if hello.role != ours => Err(FirstFrame::Call(CallError::Role {
            ours,
            theirs: hello.role,
        })),
        Ok(hello) => Ok(hello),
        Err(error) => match frame::decode::<Response<IgnoredAny>>(json) {
            Ok(Response {
                outcome: Outcome::Err(fault),
                ..
            }) => Err(FirstFrame::Call(CallError::Fault(fault))),
            _ => Err(FirstFrame::Frame(error)),
        },
    }
}

#[cfg(test)]
mod tests;
