//! Bound sockets.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
        sockopt,
    },
};

use crate::error::{ServeError, errno};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Binds `address`, one of `all`. Gives the address really bound too: port 0 has become a port.
pub(crate) fn open(address: SocketAddr, all: &[SocketAddr]) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |errno| ServeError::Listen { address, errno };
    let listener = TcpListener::from(bound(address, all).map_err(failed)?);
    let local = listener.local_addr().map_err(|error| failed(errno(&error)))?;
    Ok((listener, local))
}

fn bound(address: SocketAddr, all: &[SocketAddr]) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(family, SockType::Stream, flags, None)?;
    // Connections of a process that just ended must not keep its successor from starting.
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        // `[::]` alone takes IPv4 as well; beside `0.0.0.0` with the same port it must not.
        let port = address.port();
        let beside = port != 0 && all.iter().any(|other| other.is_ipv4() && other.port() == port);
        setsockopt(&fd, sockopt::Ipv6V6Only, &beside)?;
    }
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&fd, Backlog::new(BACKLOG)?)?;
    Ok(fd)
}
