//! A VPN as RADIUS sees it: a client that sends the same packet again until an answer comes.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use otpost_ipc::client::Deadline;
use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MessageAuthenticator, Packet, RequestBuilder, SharedSecret, Signing,
    attribute,
};

use crate::dice::Dice;
use crate::pamstack::PATIENCE;

/// How long it waits before it sends again; real ones wait seconds.
const AGAIN: Duration = Duration::from_millis(250);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Accept, Challenge or Reject.
    pub code: Code,
    /// State; empty where there is none.
    pub state: Vec<u8>,
    /// Reply-Message.
    pub message: String,
    /// How often the packet was sent until this came.
    pub sent: u32,
}

/// One VPN server with a port of its own.
#[derive(Debug)]
pub struct Vpn {
    socket: UdpSocket,
    secret: SharedSecret,
    identifier: u8,
    dice: Dice,
    packets: Arc<AtomicU64>,
}

impl Vpn {
    /// A client of `server`; `dice` makes its authenticators.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn new(server: SocketAddr, secret: &str, dice: Dice) -> Self {
        Self::at(Ipv4Addr::LOCALHOST, server, secret, dice)
    }

    /// As [`Self::new`], at the address `own`.
    ///
    /// # Panics
    /// When there is no port.
    #[must_use]
    pub fn at(own: Ipv4Addr, server: SocketAddr, secret: &str, dice: Dice) -> Self {
        let socket = UdpSocket::bind((own, 0)).expect("a port");
        socket.connect(server).expect("a destination");
        socket.set_read_timeout(Some(AGAIN)).expect("a timeout");
        Self {
            socket,
            secret: SharedSecret::new(secret.as_bytes()).expect("a secret"),
            identifier: 0,
            dice,
            packets: Arc::default(),
        }
    }

    /// Counts every packet sent and received, together with all who were given the same counter.
    #[must_use]
    pub fn counted(self, packets: Arc<AtomicU64>) -> Self {
        Self { packets, ..self }
    }

    /// Asks with a fresh Identifier and authenticator, and sends the very same packet again until an answer comes.
    ///
    /// # Panics
    /// When none comes, or one that was not made with the secret.
    pub fn ask(&mut self, user: &str, password: &str, state: Option<&[u8]>) -> Answered {
        self.identifier = self.identifier.wrapping_add(1);
        let authenticator = Authenticator(self.dice.octets());
        let mut buffer = [0; MAX_PACKET];
        let datagram = self
            .request(&mut buffer, authenticator, (user, password, state))
            .to_vec();
        let patience = Deadline::after(PATIENCE);
        let mut sent = 0;
        loop {
            assert!(
                patience.remaining().is_some(),
                "no answer to {user} after {sent} packets"
            );
            // ICMP errors of an earlier packet show here; only an answer counts.
            let _ = self.socket.send(&datagram);
            sent += 1;
            self.packets.fetch_add(1, Ordering::Relaxed);
            if let Some(answered) = self.answer(authenticator, sent) {
                self.packets.fetch_add(1, Ordering::Relaxed);
                return answered;
            }
        }
    }

    fn request<'b>(
        &self,
        buffer: &'b mut [u8; MAX_PACKET],
        authenticator: Authenticator,
        (user, password, state): (&str, &str, Option<&[u8]>),
    ) -> &'b [u8] {
        let signing = Signing::MessageAuthenticator;
        let mut request = RequestBuilder::new(
            buffer,
            Code::AccessRequest,
            self.identifier,
            authenticator,
            signing,
        )
        .expect("room");
        request.text(attribute::USER_NAME, user).expect("room");
        request
            .password(password.as_bytes(), &self.secret)
            .expect("a password that fits");
        if let Some(state) = state {
            request.attribute(attribute::STATE, state).expect("room");
        }
        request.finish(&self.secret)
    }

    /// The answer to the request under way, or `None` when it is time to send again.
    fn answer(&self, authenticator: Authenticator, sent: u32) -> Option<Answered> {
        let mut buffer = [0; MAX_PACKET];
        loop {
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            let packet = Packet::parse(buffer.get(..length).unwrap_or_default()).expect("a RADIUS packet");
            // A second answer to an earlier request that was sent twice.
            if packet.identifier() != self.identifier {
                continue;
            }
            let signed = packet.check_reply(&self.secret, self.identifier, &authenticator);
            assert_eq!(signed, Ok(MessageAuthenticator::Valid));
            let message: Vec<u8> = packet.all(attribute::REPLY_MESSAGE).flatten().copied().collect();
            return Some(Answered {
                code: packet.code(),
                state: packet.first(attribute::STATE).unwrap_or_default().to_vec(),
                message: String::from_utf8_lossy(&message).into_owned(),
                sent,
            });
        }
    }
}
