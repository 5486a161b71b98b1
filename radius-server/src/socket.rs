//! UDP sockets, datagrams in batches. Knows nothing of RADIUS.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    sys::socket::{
        AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockFlag, SockType,
        SockaddrStorage, bind, recvmmsg, sendmmsg, setsockopt, socket, sockopt,
    },
};
use otpost_radius_wire::MAX_PACKET;
use tokio::{io::Interest, net::UdpSocket, sync::Notify};

use crate::error::{ServeError, errno};

/// Datagrams per system call. More gains little and makes the first one wait.
const BATCH: usize = 32;

/// Replies that may wait for the socket. Beyond, the client's retransmission finds them in the reply cache.
const OUTBOX: usize = 8192;

/// Asked of the kernel, which may give less: requests of a whole site's morning arrive at once.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// A datagram's way: where it came from and which address of ours it was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// The peer.
    pub(crate) peer: SocketAddr,
    /// Our address, on a socket that listens on all of them. A reply from another one is no reply to the peer.
    pub(crate) local: Option<Local>,
}

/// One of our addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) address: IpAddr,
    /// Interface, for IPv6 addresses that mean nothing without it.
    interface: u32,
}

/// A bound socket and the replies that wait for it.
#[derive(Debug)]
pub(crate) struct Socket {
    io: UdpSocket,
    /// Tells this process' sockets apart.
    pub(crate) number: usize,
    /// Where the kernel really put it.
    pub(crate) address: SocketAddr,
    outbox: Mutex<Vec<(Route, Arc<[u8]>)>>,
    filled: Notify,
    closed: AtomicBool,
}

/// Buffers of one receiving loop.
pub(crate) struct Batch {
    buffers: Vec<[u8; MAX_PACKET]>,
    received: Vec<(Option<Route>, usize)>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            buffers: vec![[0; MAX_PACKET]; BATCH],
            received: Vec::with_capacity(BATCH),
        }
    }

    /// Whether more is likely to wait in the kernel.
    pub(crate) fn is_full(&self) -> bool {
        self.received.len() >= BATCH
    }

    /// What [`Socket::receive`] put here.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = (Route, &[u8])> {
        self.buffers
            .iter()
            .zip(&self.received)
            .filter_map(|(buffer, (route, length))| Some(((*route)?, buffer.get(..*length)?)))
    }
}

impl Socket {
    /// Binds a socket. Needs a runtime.
    pub(crate) fn bind(number: usize, address: SocketAddr, all: &[SocketAddr]) -> Result<Self, ServeError> {
        let failed = |errno| ServeError::Listen { address, errno };
        let fd = open(address, all).map_err(failed)?;
        let io = UdpSocket::from_std(fd.into()).map_err(|error| failed(errno(&error)))?;
        let bound = io.local_addr().map_err(|error| failed(errno(&error)))?;
        Ok(Self {
            io,
            number,
            address: bound,
            outbox: Mutex::default(),
            filled: Notify::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Waits for datagrams and takes a batch of them.
    pub(crate) async fn receive(&self, batch: &mut Batch) -> io::Result<()> {
        self.io
            .async_io(Interest::READABLE, || {
                self.try_receive(batch).map_err(io::Error::from)
            })
            .await
    }

    fn try_receive(&self, batch: &mut Batch) -> Result<(), Errno> {
        batch.received.clear();
        let mut slices: Vec<[IoSliceMut<'_>; 1]> = batch
            .buffers
            .iter_mut()
            .map(|buffer| [IoSliceMut::new(buffer)])
            .collect();
        // Made anew each time: it holds raw pointers, which must not live across an await.
        let mut headers: MultiHeaders<SockaddrStorage> =
            MultiHeaders::preallocate(BATCH, Some(cmsg_space!(libc::in6_pktinfo)));
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages = recvmmsg(self.io.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None)?;
        for message in messages {
            let local = message
                .cmsgs()
                .ok()
                .and_then(|mut messages| messages.find_map(|message| local(&message)));
            let route = message
                .address
                .as_ref()
                .and_then(peer)
                .map(|peer| Route { peer, local });
            batch.received.push((route, message.bytes));
        }
        Ok(())
    }

    /// Puts a reply into the outbox.
    pub(crate) fn queue(&self, route: Route, octets: Arc<[u8]>) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        if outbox.len() < OUTBOX {
            outbox.push((route, octets));
            drop(outbox);
            self.filled.notify_one();
        }
    }

    /// Sends what is in the outbox, whenever something is, until [`Self::close`].
    pub(crate) async fn send_until_closed(&self) {
        while !self.closed.load(Ordering::Acquire) {
            self.filled.notified().await;
            self.flush().await;
        }
        self.flush().await;
    }

    /// Ends [`Self::send_until_closed`] once the outbox is empty.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.filled.notify_one();
    }

    async fn flush(&self) {
        loop {
            let replies = std::mem::take(&mut *self.outbox.lock().unwrap_or_else(PoisonError::into_inner));
            if replies.is_empty() {
                return;
            }
            let mut rest = replies.as_slice();
            while let Some((first, _)) = rest.first() {
                let sent = self
                    .io
                    .async_io(Interest::WRITABLE, || {
                        self.try_send(rest).map_err(io::Error::from)
                    })
                    .await;
                let done = sent.unwrap_or_else(|error| {
                    // One address that cannot be reached must not hold up the others.
                    tracing::warn!(peer = %first.peer, %error, "a reply could not be sent");
                    1
                });
                rest = rest.get(done.max(1)..).unwrap_or_default();
            }
        }
    }

    /// Sends the first replies that leave from the same address of ours, in one call.
    fn try_send(&self, replies: &[(Route, Arc<[u8]>)]) -> Result<usize, Errno> {
        let local = replies.first().and_then(|(route, _)| route.local);
        let together = || {
            replies
                .iter()
                .take_while(|(route, _)| route.local == local)
                .take(BATCH)
        };
        let slices: Vec<[IoSlice<'_>; 1]> = together().map(|(_, octets)| [IoSlice::new(octets)]).collect();
        let peers: Vec<Option<SockaddrStorage>> = together()
            .map(|(route, _)| Some(SockaddrStorage::from(route.peer)))
            .collect();
        let info = local.map(Info::from);
        let control: Vec<ControlMessage<'_>> = info.iter().map(Info::message).collect();
        let space = local.map(|local| match local.address {
            IpAddr::V4(_) => cmsg_space!(libc::in_pktinfo),
            IpAddr::V6(_) => cmsg_space!(libc::in6_pktinfo),
        });
        let mut headers: MultiHeaders<SockaddrStorage> = MultiHeaders::preallocate(slices.len(), space);
        let flags = MsgFlags::MSG_DONTWAIT;
        let sent = sendmmsg(
            self.io.as_raw_fd(),
            &mut headers,
            &slices,
            &peers,
            &control,
            flags,
        )?;
        Ok(sent.count())
    }
}

fn open(address: SocketAddr, all: &[SocketAddr]) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(family, SockType::Datagram, flags, None)?;
    if address.is_ipv6() {
        // `[::]` alone takes IPv4 as well; beside `0.0.0.0` with the same port it must not.
        let port = address.port();
        let beside = port != 0 && all.iter().any(|other| other.is_ipv4() && other.port() == port);
        setsockopt(&fd, sockopt::Ipv6V6Only, &beside)?;
    }
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => setsockopt(&fd, sockopt::Ipv4PacketInfo, &true)?,
            SocketAddr::V6(_) => setsockopt(&fd, sockopt::Ipv6RecvPacketInfo, &true)?,
        }
    }
    // Less is no reason not to start.
    let _ = setsockopt(&fd, sockopt::RcvBuf, &RECEIVE_BUFFER);
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(fd)
}

fn peer(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address
        .as_sockaddr_in()
        .map(|address| SocketAddr::V4(SocketAddrV4::from(*address)));
    v4.or_else(|| {
        address
            .as_sockaddr_in6()
            .map(|address| SocketAddr::V6(SocketAddrV6::from(*address)))
    })
}

fn local(message: &ControlMessageOwned) -> Option<Local> {
    match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            // The address in the header may be a broadcast; this one is ours.
            let octets = info.ipi_spec_dst.s_addr.to_ne_bytes();
            Some(Local {
                address: IpAddr::from(octets),
                interface: 0,
            })
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            let address = std::net::Ipv6Addr::from(info.ipi6_addr.s6_addr);
            // Any other address may be answered through whichever interface the routes say.
            let interface = if address.is_unicast_link_local() {
                info.ipi6_ifindex
            } else {
                0
            };
            Some(Local {
                address: address.into(),
                interface,
            })
        }
        _ => None,
    }
}

/// A source address as the kernel wants it.
enum Info {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl From<Local> for Info {
    fn from(local: Local) -> Self {
        match local.address {
            IpAddr::V4(address) => Self::V4(libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from_ne_bytes(address.octets()),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            }),
            IpAddr::V6(address) => Self::V6(libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: address.octets(),
                },
                ipi6_ifindex: local.interface,
            }),
        }
    }
}

impl Info {
    fn message(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}
