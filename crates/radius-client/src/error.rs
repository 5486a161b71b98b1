use std::{io::ErrorKind, net::SocketAddr};

use otpost_radius_wire::WireError;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server's name or address cannot be used.
    #[error("{server}: no such RADIUS server; write ADDRESS, ADDRESS:PORT or [IPV6]:PORT")]
    Server {
        /// As given.
        server: String,
    },
    /// The system refused the socket.
    #[error("cannot send to {server}: {kind}")]
    Socket {
        /// Where to.
        server: SocketAddr,
        /// The system's reason.
        kind: ErrorKind,
    },
    /// The host answered that the port is closed.
    #[error(
        "nobody listens at {server}; is otpost-radius running there, and is this the address it listens on?"
    )]
    Closed {
        /// Where to.
        server: SocketAddr,
    },
    /// Silence.
    #[error(
        "no answer from {server} to {tries} packets. RADIUS servers are silent when this machine's address is no known \
         client, when the shared secret is another, or when a firewall drops the packets; the server's log tells which"
    )]
    Silence {
        /// Where to.
        server: SocketAddr,
        /// Packets sent.
        tries: u32,
    },
    /// Answers came, but none could be trusted.
    #[error("{server} answered, but the answer cannot be trusted: {error}")]
    Untrusted {
        /// Who answered.
        server: SocketAddr,
        /// What does not fit.
        error: WireError,
    },
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Wire(#[from] WireError),
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers; this machine cannot be used")]
    Random,
}
