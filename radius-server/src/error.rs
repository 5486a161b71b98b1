use std::net::SocketAddr;

use nix::errno::Errno;
use otpost_conf::ConfError;
use thiserror::Error;

/// Why otpost-radius does not start, or stops by itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServeError {
    /// The configuration file cannot be used; the text says which line.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// An address of `listen` cannot be used.
    #[error("cannot listen on {address}/udp: {}; {}", errno.desc(), advice(*errno))]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system said.
        errno: Errno,
    },
    /// A task of the server ended though nobody asked it to.
    #[error("a task of the server failed ({task}); this is a fault of otpost-radius, please report it")]
    Task {
        /// Which one.
        task: &'static str,
    },
    /// The runtime or the signal handlers cannot be set up.
    #[error("cannot start: {}; the system is short of descriptors or memory, or forbids them", errno.desc())]
    Runtime {
        /// What the system said.
        errno: Errno,
    },
}

fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::EADDRINUSE => {
            "another RADIUS server listens there (see `ss -lunp`): stop it, or change `listen` in the configuration"
        }
        Errno::EACCES | Errno::EPERM => {
            "ports below 1024 need CAP_NET_BIND_SERVICE: use 1812, or give the unit that capability"
        }
        Errno::EADDRNOTAVAIL => "no interface of this machine has that address: correct `listen`",
        Errno::EAFNOSUPPORT => "this machine has that protocol family switched off: correct `listen`",
        _ => "correct `listen` in the configuration",
    }
}

/// The system's number in an I/O error.
pub(crate) fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}
