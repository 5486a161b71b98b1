use std::{net::SocketAddr, path::PathBuf};

use nix::errno::Errno;
use otpost_conf::{ConfError, PermissionError};
use thiserror::Error;

/// Why otpost-portal does not start, or stops by itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServeError {
    /// The configuration file cannot be used; the text says which line.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// TLS is off on an address that others can reach.
    #[error(
        "will not serve plain HTTP on {address}: passwords and codes would cross the network readable; \
         set `mode` of [tls] to \"self-signed\" or \"files\", listen on 127.0.0.1, or name the proxy in `behind-proxy`"
    )]
    PlainHttp {
        /// The address as configured.
        address: SocketAddr,
    },
    /// An address of `listen` cannot be used.
    #[error("cannot listen on {address}/tcp: {}; {}", errno.desc(), advice(*errno))]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system said.
        errno: Errno,
    },
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A task of the server ended though nobody asked it to.
    #[error("a task of the server failed ({task}); this is a fault of otpost-portal, please report it")]
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

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlsError {
    /// Others can read the key, or it is not there.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// A file cannot be read or written.
    #[error("{}: {}; {advice}", path.display(), errno.desc())]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        errno: Errno,
        /// What mends it.
        advice: &'static str,
    },
    /// A file holds something else.
    #[error("{}: holds no {wanted} in PEM; name the file that begins with `-----BEGIN`", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("{} and its key cannot be used: {reason}; both must come from the same request", certificate.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// What the TLS library said.
        reason: String,
    },
    /// No certificate could be made.
    #[error("cannot make a self-signed certificate: {reason}; use certificate files instead")]
    Make {
        /// What the library said.
        reason: String,
    },
}

fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::EADDRINUSE => {
            "another program listens there (see `ss -ltnp`): stop it, or change `listen` in the configuration"
        }
        Errno::EACCES | Errno::EPERM => {
            "ports below 1024 need CAP_NET_BIND_SERVICE: use 8443, or give the unit that capability"
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
