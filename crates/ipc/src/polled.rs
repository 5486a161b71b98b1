//! A connection for a thread that polls descriptors of its own: many requests under way, answered in any order, and no
//! call ever waits. A blocking [`Client`](crate::client::Client) makes it, after the Hellos.
//!
//! Requests are gathered until [`Polled::flush`], so that what is asked together leaves in one write. No time limit runs
//! here, and nothing is tried again: both are the caller's.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{CallError, Step};
use crate::frame::{self, FrameError, Inbox, WipedBuf};
use crate::{Fault, Outcome, Request, Response};

/// Size of the buffers: many answers come with one read.
const BUFFER: usize = 32 * 1024;

/// One connection.
pub struct Polled<Op, Reply> {
    fd: OwnedFd,
    inbox: Inbox,
    out: WipedBuf,
    /// Octets of `out` that have left.
    sent: usize,
    last_id: u64,
    types: PhantomData<fn(Op) -> Reply>,
}

impl<Op, Reply> fmt::Debug for Polled<Op, Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled")
            .field("fd", &self.fd)
            .finish_non_exhaustive()
    }
}

impl<Op, Reply> AsFd for Polled<Op, Reply> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<Op: Serialize, Reply: DeserializeOwned> Polled<Op, Reply> {
    /// Over a socket on which the Hellos were exchanged and no request is under way.
    pub(crate) fn over(fd: OwnedFd, last_id: u64) -> Self {
        Self {
            fd,
            inbox: Inbox::with_capacity(BUFFER),
            out: WipedBuf::with_capacity(BUFFER),
            sent: 0,
            last_id,
            types: PhantomData,
        }
    }

    /// Adds a request to what leaves with the next [`Self::flush`]. The id names its answer; ids grow by one.
    ///
    /// # Errors
    /// The request cannot be written as a frame; the connection is as before.
    pub fn submit(&mut self, op: &Op) -> Result<u64, FrameError> {
        let id = self.last_id.wrapping_add(1);
        frame::encode_into(&mut self.out, &Request { id, op })?;
        self.last_id = id;
        Ok(id)
    }

    /// Writes what the socket takes now.
    ///
    /// # Errors
    /// [`CallError::Closed`] or [`CallError::Broken`]: no answer comes any more.
    pub fn flush(&mut self) -> Result<(), CallError> {
        let step = Step::Request;
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        while let Some(rest @ [_, ..]) = self.out.as_slice().get(self.sent..) {
            match send(self.fd.as_raw_fd(), rest, flags) {
                Ok(sent) => self.sent = self.sent.saturating_add(sent),
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(CallError::Closed(step)),
                Err(errno) => return Err(CallError::Broken { step, errno }),
            }
        }
        self.out.truncate(0);
        self.sent = 0;
        Ok(())
    }

    /// Whether [`Self::flush`] has something to write, once the socket is writable.
    #[must_use]
    pub fn is_waiting_to_write(&self) -> bool {
        !self.out.as_slice().is_empty()
    }

    /// Hands over the answers that are here, and reads once. The socket may hold more afterwards.
    ///
    /// # Errors
    /// The connection ended or makes no sense: no answer comes any more. Those handed over before count.
    pub fn receive(&mut self, mut each: impl FnMut(u64, Result<Reply, Fault>)) -> Result<(), CallError> {
        let step = Step::Request;
        let bad = |error| CallError::Frame { step, error };
        let room = self.inbox.room().map_err(bad)?;
        match recv(self.fd.as_raw_fd(), room, MsgFlags::MSG_DONTWAIT) {
            Ok(0) | Err(Errno::ECONNRESET) => return Err(CallError::Closed(step)),
            Ok(got) => self.inbox.took(got),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
            Err(errno) => return Err(CallError::Broken { step, errno }),
        }
        while let Some(message) = self.inbox.next(frame::decode::<Response<Reply>>).map_err(bad)? {
            let Response { id, outcome } = message.map_err(bad)?;
            match outcome {
                Outcome::Ok(reply) => each(id, Ok(reply)),
                // It is about the connection, which the daemon closes.
                Outcome::Err(fault) if id == 0 => return Err(CallError::Fault(fault)),
                Outcome::Err(fault) => each(id, Err(fault)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
