//! Datagrams in and out of a socket, many in one system call.
//!
//! Both sides keep their buffers and headers. For receiving that works because each datagram of a socket brings an address
//! of the same length and the same control message, or none: the kernel leaves the lengths in the headers as it needs
//! them the next time. Another control message, for example of SO_RXQ_OVFL, would be cut off from then on.

use std::{
    io::{IoSlice, IoSliceMut},
    net::IpAddr,
    ops::Range,
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg},
};
use otpost_radius_wire::MAX_PACKET;

use crate::socket::{Info, Local, Route, Socket, local, peer};

/// Datagrams of a system call at most. More gains little and makes the first one wait.
pub(crate) const BATCH: usize = 32;

/// Datagrams of a system call while little comes.
const FEW: usize = 4;

/// How long a reply may wait for room in the socket's send buffer. The client's retransmission finds it in the cache.
const PATIENCE_MS: u8 = 20;

/// Receives.
pub(crate) struct Inbox {
    buffers: Vec<[u8; MAX_PACKET]>,
    received: Vec<(Option<Route>, usize)>,
    wanted: usize,
    headers: MultiHeaders<SockaddrStorage>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            buffers: vec![[0; MAX_PACKET]; BATCH],
            received: Vec::with_capacity(BATCH),
            wanted: FEW,
            headers: MultiHeaders::preallocate(BATCH, Some(cmsg_space!(libc::in6_pktinfo))),
        }
    }

    /// Takes what has come.
    ///
    /// # Errors
    /// The kernel's. Nothing having come is none.
    pub(crate) fn receive(&mut self, socket: &Socket) -> Result<(), Errno> {
        self.received.clear();
        let wanted = self.wanted;
        let mut buffers = self.buffers.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(buffers.next().map_or(&mut [], |buffer| buffer))]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let slices = slices.iter_mut().take(wanted);
        let messages = match recvmmsg(socket.raw(), &mut self.headers, slices, flags, None) {
            Ok(messages) => messages,
            Err(Errno::EAGAIN | Errno::EINTR) => {
                self.wanted = FEW;
                return Ok(());
            }
            Err(errno) => return Err(errno),
        };
        for message in messages {
            let mut asides = message.cmsgs().into_iter().flatten();
            let local = asides.find_map(|aside| local(&aside));
            let route = message
                .address
                .as_ref()
                .and_then(peer)
                .map(|peer| Route { peer, local });
            self.received.push((route, message.bytes));
        }
        self.wanted = if self.received.len() >= wanted {
            (wanted * 2).min(BATCH)
        } else {
            FEW.max(self.received.len())
        };
        Ok(())
    }

    /// Whether more is likely to wait in the kernel.
    pub(crate) fn is_more_likely(&self) -> bool {
        !self.received.is_empty() && self.wanted > self.received.len()
    }

    /// What [`Self::receive`] took.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = (Route, &[u8])> {
        self.buffers
            .iter()
            .zip(&self.received)
            .filter_map(|(buffer, (route, length))| Some(((*route)?, buffer.get(..*length)?)))
    }
}

/// Replies that wait for the socket.
pub(crate) struct Outbox {
    octets: Vec<u8>,
    replies: Vec<(Route, Range<usize>)>,
    peers: Vec<Option<SockaddrStorage>>,
    plain: MultiHeaders<SockaddrStorage>,
    from_v4: MultiHeaders<SockaddrStorage>,
    from_v6: MultiHeaders<SockaddrStorage>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            octets: Vec::new(),
            replies: Vec::new(),
            peers: Vec::with_capacity(BATCH),
            plain: MultiHeaders::preallocate(BATCH, None),
            from_v4: MultiHeaders::preallocate(BATCH, Some(cmsg_space!(libc::in_pktinfo))),
            from_v6: MultiHeaders::preallocate(BATCH, Some(cmsg_space!(libc::in6_pktinfo))),
        }
    }

    /// Adds a reply.
    pub(crate) fn push(&mut self, route: Route, reply: &[u8]) {
        let start = self.octets.len();
        self.octets.extend_from_slice(reply);
        self.replies.push((route, start..self.octets.len()));
    }

    /// Whether it is time to send.
    pub(crate) fn is_full(&self) -> bool {
        self.replies.len() >= BATCH
    }

    /// Sends everything. What the kernel does not take is lost, as any datagram may be.
    pub(crate) fn flush(&mut self, socket: &Socket) {
        let mut from = 0;
        let mut waited = false;
        while let Some((first, _)) = self.replies.get(from) {
            let first = first.peer;
            match self.send(socket, from) {
                Ok(sent) => from += sent.max(1),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if !waited => {
                    waited = true;
                    let _ = poll(
                        &mut [PollFd::new(std::os::fd::AsFd::as_fd(socket), PollFlags::POLLOUT)],
                        PollTimeout::from(PATIENCE_MS),
                    );
                }
                Err(errno) => {
                    // One address that cannot be reached must not hold up the others.
                    tracing::warn!(peer = %first, error = %errno.desc(), "a reply could not be sent");
                    from += 1;
                }
            }
        }
        self.replies.clear();
        self.octets.clear();
    }

    /// Sends the first replies from `from` on that leave from the same address of ours, in one call.
    fn send(&mut self, socket: &Socket, from: usize) -> Result<usize, Errno> {
        let rest = self.replies.get(from..).unwrap_or_default();
        let local = rest.first().and_then(|(route, _)| route.local);
        let together = rest
            .iter()
            .take_while(|(route, _)| route.local == local)
            .take(BATCH);
        self.peers.clear();
        self.peers.extend(
            together
                .clone()
                .map(|(route, _)| Some(SockaddrStorage::from(route.peer))),
        );
        let mut replies = together.map(|(_, range)| self.octets.get(range.clone()).unwrap_or_default());
        let slices: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSlice::new(replies.next().unwrap_or_default())]);
        let slices = slices.iter().take(self.peers.len());
        let flags = MsgFlags::MSG_DONTWAIT;
        let headers = match local {
            None => &mut self.plain,
            Some(Local {
                address: IpAddr::V4(_),
                ..
            }) => &mut self.from_v4,
            Some(Local {
                address: IpAddr::V6(_),
                ..
            }) => &mut self.from_v6,
        };
        let info = local.map(Info::from);
        let control: [ControlMessage<'_>; 1];
        let control: &[ControlMessage<'_>] = match &info {
            Some(info) => {
                control = [info.message()];
                &control
            }
            None => &[],
        };
        Ok(sendmmsg(socket.raw(), headers, slices, &self.peers, control, flags)?.count())
    }
}
