//! UDP sockets: how they are bound, and which way a datagram came. Knows nothing of RADIUS.

use std::{
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use nix::{
    errno::Errno,
    libc,
    sys::socket::{
        AddressFamily, ControlMessage, ControlMessageOwned, SockFlag, SockType, SockaddrStorage, bind,
        getsockname, getsockopt, setsockopt, socket, sockopt,
    },
};

use crate::error::ServeError;

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

/// A bound socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    /// Where the kernel really put it.
    pub(crate) address: SocketAddr,
    /// Its number in /proc/net/udp.
    pub(crate) inode: u64,
    /// What the kernel gave of the receive buffer that was asked for, in octets.
    pub(crate) receive_buffer: usize,
}

impl Socket {
    /// Binds a socket. `all` are the addresses of the same kind, `receive_buffer` octets for what the kernel keeps while
    /// we are busy.
    pub(crate) fn bind(
        address: SocketAddr,
        all: &[SocketAddr],
        receive_buffer: usize,
    ) -> Result<Self, ServeError> {
        let failed = |errno| ServeError::Listen { address, errno };
        let fd = open(address, all, receive_buffer).map_err(failed)?;
        let bound = getsockname::<SockaddrStorage>(fd.as_raw_fd()).map_err(failed)?;
        let bound = peer(&bound).ok_or_else(|| failed(Errno::EAFNOSUPPORT))?;
        // The kernel says twice of what it takes: half is for its own accounts.
        let receive_buffer = getsockopt(&fd, sockopt::RcvBuf).map_or(0, |octets| octets / 2);
        let inode = nix::sys::stat::fstat(&fd).map_err(failed)?.st_ino;
        Ok(Self {
            fd,
            address: bound,
            inode,
            receive_buffer,
        })
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn open(address: SocketAddr, all: &[SocketAddr], receive_buffer: usize) -> Result<OwnedFd, Errno> {
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
    // Less is no reason not to start. Beyond the system's limit goes only who has CAP_NET_ADMIN.
    if setsockopt(&fd, sockopt::RcvBufForce, &receive_buffer).is_err() {
        let _ = setsockopt(&fd, sockopt::RcvBuf, &receive_buffer);
    }
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(fd)
}

/// An address as the kernel gives it.
pub(crate) fn peer(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address
        .as_sockaddr_in()
        .map(|address| SocketAddr::V4(SocketAddrV4::from(*address)));
    v4.or_else(|| {
        address
            .as_sockaddr_in6()
            .map(|address| SocketAddr::V6(SocketAddrV6::from(*address)))
    })
}

/// The address of ours that a datagram was sent to.
pub(crate) fn local(message: &ControlMessageOwned) -> Option<Local> {
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
pub(crate) enum Info {
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
    pub(crate) fn message(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}
