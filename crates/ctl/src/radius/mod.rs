//! A RADIUS client for logins by hand: PAP with Message-Authenticator, challenges, retransmits.

mod transcript;

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use otpost_ipc::client::Deadline;
use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MessageAuthenticator, Packet, RequestBuilder, SharedSecret, Signing,
    WireError, attribute,
};

use crate::{CtlError, Exit, sys};

pub(crate) use transcript::{Direction, Transcript, millis, short_hex};

/// Why a login over RADIUS has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RadiusError {
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
    /// The challenge has no State, so it cannot be answered.
    #[error("the server's Access-Challenge has no State, so it cannot be answered")]
    NoState,
    /// More challenges than any login has.
    #[error("the server asks for ever; stopped after {0} challenges")]
    Endless(u32),
}

impl RadiusError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Server { .. } => Exit::Usage,
            Self::Socket { .. } | Self::Closed { .. } | Self::Silence { .. } => Exit::Unreachable,
            Self::Untrusted { .. } | Self::Wire(_) | Self::NoState | Self::Endless(_) => Exit::Refused,
        }
    }
}

/// What the server decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Access-Accept.
    Accept,
    /// Access-Reject.
    Reject,
    /// Access-Challenge.
    Challenge {
        /// State, to be sent back.
        state: Vec<u8>,
        /// Whether Prompt lets the answer be seen; absent means it is a code, and may.
        echo: bool,
    },
}

/// A reply that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// What was decided.
    pub(crate) answer: Answer,
    /// All Reply-Message attributes, joined.
    pub(crate) message: String,
    /// How many times the request was sent.
    pub(crate) sent: u32,
    /// From the first sending to the reply.
    pub(crate) took: Duration,
}

/// One way to a RADIUS server.
pub(crate) struct Server {
    socket: UdpSocket,
    address: SocketAddr,
    /// The secret shared with it.
    pub(crate) secret: SharedSecret,
    /// Whether Message-Authenticator is sent and demanded.
    pub(crate) signing: Signing,
    /// Until the next sending.
    pub(crate) timeout: Duration,
    /// Sendings of one request.
    pub(crate) tries: u32,
    /// NAS-Identifier.
    pub(crate) nas_identifier: String,
    /// Calling-Station-Id.
    pub(crate) calling_station_id: Option<String>,
}

impl Server {
    /// A way to `address` with the usual behaviour of a VPN.
    pub(crate) fn new(address: SocketAddr, secret: SharedSecret) -> Result<Self, RadiusError> {
        let local = if address.is_ipv4() {
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
        } else {
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
        };
        let socket = UdpSocket::bind(local)
            .and_then(|socket| socket.connect(address).map(|()| socket))
            .map_err(|error| RadiusError::Socket {
                server: address,
                kind: error.kind(),
            })?;
        Ok(Self {
            socket,
            address,
            secret,
            signing: Signing::MessageAuthenticator,
            timeout: Duration::from_secs(3),
            tries: 3,
            nas_identifier: "otpostctl".to_owned(),
            calling_station_id: None,
        })
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends one Access-Request, again and again with the same octets, until a reply that can be trusted.
    pub(crate) fn login(&self, user: &str, password: &str, state: Option<&[u8]>) -> Result<Reply, CtlError> {
        let identifier = sys::random::<1>()?[0];
        let authenticator = Authenticator(sys::random()?);
        let mut buffer = [0; MAX_PACKET];
        let packet = self
            .request(&mut buffer, (identifier, authenticator), (user, password), state)
            .map_err(RadiusError::Wire)?;
        let started = sys::Stopwatch::start();
        let mut untrusted = None;
        for sent in 1..=self.tries {
            self.send(packet)?;
            let deadline = Deadline::after(self.timeout);
            let mut reply = [0; MAX_PACKET];
            while let Some(length) = self.receive(&mut reply, deadline)? {
                let datagram = reply.get(..length).unwrap_or_default();
                match self.check(datagram, identifier, &authenticator) {
                    Ok(Checked::Answer(answer, message)) => {
                        return Ok(Reply {
                            answer,
                            message,
                            sent,
                            took: started.elapsed(),
                        });
                    }
                    Ok(Checked::NoState) => return Err(RadiusError::NoState.into()),
                    Ok(Checked::Other) => {}
                    // A forged reply must not end the wait for the real one.
                    Err(error) => untrusted = Some(error),
                }
            }
        }
        Err(match untrusted {
            Some(error) => RadiusError::Untrusted {
                server: self.address,
                error,
            },
            None => RadiusError::Silence {
                server: self.address,
                tries: self.tries,
            },
        }
        .into())
    }

    fn request<'b>(
        &self,
        buffer: &'b mut [u8],
        (identifier, authenticator): (u8, Authenticator),
        (user, password): (&str, &str),
        state: Option<&[u8]>,
    ) -> Result<&'b [u8], WireError> {
        let mut request = RequestBuilder::new(
            buffer,
            Code::AccessRequest,
            identifier,
            authenticator,
            self.signing,
        )?;
        request.attribute(attribute::USER_NAME, user.as_bytes())?;
        request.password(password.as_bytes(), &self.secret)?;
        if !self.nas_identifier.is_empty() {
            request.attribute(attribute::NAS_IDENTIFIER, self.nas_identifier.as_bytes())?;
        }
        if let Some(station) = &self.calling_station_id {
            request.attribute(attribute::CALLING_STATION_ID, station.as_bytes())?;
        }
        if let Some(state) = state {
            request.attribute(attribute::STATE, state)?;
        }
        Ok(request.finish(&self.secret))
    }

    fn send(&self, packet: &[u8]) -> Result<(), RadiusError> {
        match self.socket.send(packet) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(error.kind())),
        }
    }

    /// The length of the next datagram, or `None` at the deadline.
    fn receive(&self, buffer: &mut [u8], deadline: Deadline) -> Result<Option<usize>, RadiusError> {
        loop {
            let Some(left) = deadline.remaining() else {
                return Ok(None);
            };
            let wait = left.max(Duration::from_millis(1));
            let received = self
                .socket
                .set_read_timeout(Some(wait))
                .and_then(|()| self.socket.recv(buffer));
            match received {
                Ok(length) => return Ok(Some(length)),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    kind => return Err(self.failed(kind)),
                },
            }
        }
    }

    fn failed(&self, kind: ErrorKind) -> RadiusError {
        let server = self.address;
        match kind {
            ErrorKind::ConnectionRefused => RadiusError::Closed { server },
            kind => RadiusError::Socket { server, kind },
        }
    }

    fn check(
        &self,
        datagram: &[u8],
        identifier: u8,
        authenticator: &Authenticator,
    ) -> Result<Checked, WireError> {
        let packet = Packet::parse(datagram)?;
        let signed = packet.check_reply(&self.secret, identifier, authenticator)?;
        if signed == MessageAuthenticator::Absent && self.signing == Signing::MessageAuthenticator {
            return Err(WireError::MessageAuthenticatorMissing);
        }
        let answer = match packet.code() {
            Code::AccessAccept => Answer::Accept,
            Code::AccessReject => Answer::Reject,
            Code::AccessChallenge => match packet.first(attribute::STATE) {
                Some(state) => Answer::Challenge {
                    state: state.to_vec(),
                    echo: packet.first(attribute::PROMPT) != Some(&[0, 0, 0, 0]),
                },
                None => return Ok(Checked::NoState),
            },
            _ => return Ok(Checked::Other),
        };
        let message: Vec<u8> = packet.all(attribute::REPLY_MESSAGE).flatten().copied().collect();
        let message = String::from_utf8_lossy(&message).into_owned();
        Ok(Checked::Answer(answer, message))
    }
}

/// What a packet of the server is.
enum Checked {
    /// An answer and its Reply-Message.
    Answer(Answer, String),
    /// A challenge that cannot be answered.
    NoState,
    /// No answer to an Access-Request.
    Other,
}

/// Finds the server; the port is 1812 (RFC 2865 section 3) unless given.
pub(crate) fn resolve(server: &str) -> Result<SocketAddr, RadiusError> {
    const PORT: u16 = 1812;
    let unknown = || RadiusError::Server {
        server: server.to_owned(),
    };
    if let Ok(address) = server.parse::<std::net::IpAddr>() {
        return Ok(SocketAddr::from((address, PORT)));
    }
    let bare = server.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(Ok(address)) = bare.map(str::parse::<Ipv6Addr>) {
        return Ok(SocketAddr::from((address, PORT)));
    }
    let found = if server.contains(':') {
        server.to_socket_addrs()
    } else {
        (server, PORT).to_socket_addrs()
    };
    found.ok().and_then(|mut all| all.next()).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_found_with_and_without_port() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:1812"),
            ("192.0.2.1:1645", "192.0.2.1:1645"),
            ("2001:db8::1", "[2001:db8::1]:1812"),
            ("[2001:db8::1]", "[2001:db8::1]:1812"),
            ("[2001:db8::1]:1", "[2001:db8::1]:1"),
        ] {
            assert_eq!(resolve(text).unwrap().to_string(), address);
        }
        for text in ["", "192.0.2.1:", "192.0.2.1:99999", "no such host"] {
            assert!(matches!(resolve(text), Err(RadiusError::Server { .. })), "{text}");
        }
    }
}
