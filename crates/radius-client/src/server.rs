use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MessageAuthenticator, Packet, RequestBuilder, SharedSecret, Signing,
    WireError,
};
use zeroize::Zeroizing;

use crate::{ClientError, Reply, sys};

/// A socket's shortest wait: zero would mean for ever.
const SHORTEST: Duration = Duration::from_millis(1);

/// One way to a RADIUS server.
#[derive(Debug)]
pub struct Server {
    socket: UdpSocket,
    address: SocketAddr,
    /// The secret shared with it.
    pub secret: SharedSecret,
    /// Whether Message-Authenticator is sent and demanded.
    pub signing: Signing,
    /// Until the next sending.
    pub timeout: Duration,
    /// Sendings of one request.
    pub tries: u32,
}

impl Server {
    /// A way to `address` with the usual behaviour of a VPN: three packets, three seconds apart, signed.
    ///
    /// # Errors
    /// [`ClientError::Socket`].
    pub fn new(address: SocketAddr, secret: SharedSecret) -> Result<Self, ClientError> {
        let local = if address.is_ipv4() {
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
        } else {
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
        };
        let socket = UdpSocket::bind(local)
            .and_then(|socket| socket.connect(address).map(|()| socket))
            .map_err(|error| ClientError::Socket {
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
        })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends one request, with what `write` adds to it, until a reply that can be trusted.
    ///
    /// # Errors
    /// Any [`ClientError`] but [`ClientError::Server`].
    pub fn ask(
        &self,
        code: Code,
        write: impl FnOnce(&mut RequestBuilder<'_>) -> Result<(), WireError>,
    ) -> Result<Reply, ClientError> {
        let [identifier] = sys::random()?;
        let authenticator = Authenticator(sys::random()?);
        // An EAP answer stands in it in clear.
        let mut buffer = Zeroizing::new([0; MAX_PACKET]);
        let mut request = RequestBuilder::new(&mut *buffer, code, identifier, authenticator, self.signing)?;
        write(&mut request)?;
        let packet = request.finish(&self.secret);

        let started = sys::Moment::now();
        let mut untrusted = None;
        for sent in 1..=self.tries {
            let begun = sys::Moment::now();
            self.send(packet)?;
            let mut datagram = [0; MAX_PACKET];
            while let Some(length) = self.receive(&mut datagram, begun)? {
                let datagram = datagram.get(..length).unwrap_or_default();
                match self.check(datagram, identifier, &authenticator) {
                    Ok(reply) if answers(reply.code(), code) => {
                        return Ok(Reply::new(&reply, sent, started.elapsed()));
                    }
                    Ok(_) => {}
                    // A forged reply must not end the wait for the real one.
                    Err(error) => untrusted = Some(error),
                }
            }
        }
        let server = self.address;
        Err(match untrusted {
            Some(error) => ClientError::Untrusted { server, error },
            None => ClientError::Silence {
                server,
                tries: self.tries,
            },
        })
    }

    fn send(&self, packet: &[u8]) -> Result<(), ClientError> {
        match self.socket.send(packet) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(error.kind())),
        }
    }

    /// The length of the next datagram, or `None` once [`Self::timeout`] has passed since `begun`.
    fn receive(&self, buffer: &mut [u8], begun: sys::Moment) -> Result<Option<usize>, ClientError> {
        loop {
            let Some(left) = self.timeout.checked_sub(begun.elapsed()) else {
                return Ok(None);
            };
            let received = self
                .socket
                .set_read_timeout(Some(left.max(SHORTEST)))
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

    fn failed(&self, kind: ErrorKind) -> ClientError {
        let server = self.address;
        match kind {
            ErrorKind::ConnectionRefused => ClientError::Closed { server },
            kind => ClientError::Socket { server, kind },
        }
    }

    fn check<'d>(
        &self,
        datagram: &'d [u8],
        identifier: u8,
        authenticator: &Authenticator,
    ) -> Result<Packet<'d>, WireError> {
        let packet = Packet::parse(datagram)?;
        let signed = packet.check_reply(&self.secret, identifier, authenticator)?;
        if signed == MessageAuthenticator::Absent && self.signing == Signing::MessageAuthenticator {
            return Err(WireError::MessageAuthenticatorMissing);
        }
        Ok(packet)
    }
}

/// Whether a packet of kind `reply` answers one of kind `request`.
fn answers(reply: Code, request: Code) -> bool {
    match request {
        Code::AccessRequest => {
            matches!(
                reply,
                Code::AccessAccept | Code::AccessReject | Code::AccessChallenge
            )
        }
        // RFC 5997 section 2.2: which, depends on the port.
        Code::StatusServer => matches!(reply, Code::AccessAccept | Code::AccountingResponse),
        Code::AccountingRequest => reply == Code::AccountingResponse,
        _ => false,
    }
}
