//! A RADIUS server that checks passwords: we are its client (RFC 2865).
//!
//! Each request has a socket of its own, so that an answer meets the one request it can answer. Replies whose authenticators are wrong
//! are not looked at: the right one may still come.

use std::net::SocketAddr;
use std::time::Duration;

use otpost_core::source::{Attribute, BadSource, Checked, Endpoint, Link, MsChap2Keys, Upstream};
use otpost_core::{Rng, Timestamp};
use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MICROSOFT, MessageAuthenticator, Packet, RequestBuilder, SharedSecret,
    Signing, WireError, attribute, reveal_salted,
};
use tokio::net::UdpSocket;

use super::order::Order;
use super::{Answered, MsChap2Response};
use crate::sys;

/// MS-CHAP-Error, MS-CHAP-Challenge, MS-CHAP2-Response, MS-CHAP2-Success, MS-MPPE-Send-Key and MS-MPPE-Recv-Key (RFC 2548 section 2).
const MS_CHAP_ERROR: u8 = 2;
const MS_CHAP_CHALLENGE: u8 = 11;
const MS_CHAP2_RESPONSE: u8 = 25;
const MS_CHAP2_SUCCESS: u8 = 26;
const MS_MPPE_SEND_KEY: u8 = 16;
const MS_MPPE_RECV_KEY: u8 = 17;
/// Tunnel-Password (RFC 2868 section 3.5).
const TUNNEL_PASSWORD: u8 = 69;
/// Most attributes of a reply that are passed on.
const ATTRIBUTES: usize = 64;
/// Longest text of a challenge, in characters.
const MESSAGE: usize = 1000;

/// Why a server could not say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Trouble {
    /// The name is not found.
    #[error("the name is not found ({0}); check the server's name, and this machine's DNS")]
    Unresolved(String),
    /// Nothing leaves.
    #[error("no way there ({0}); check the server's address")]
    Unreachable(String),
    /// It is not among the servers any more.
    #[error("the server that asked is no longer set; sign in again")]
    Gone,
    /// Nothing came.
    #[error("no answer; check address, port and firewalls, and that the server knows us as a client")]
    Silence,
    /// Only replies with a wrong authenticator came.
    #[error("answers came, but not with our shared secret; set the same secret on both sides")]
    Forged,
    /// Only replies without Message-Authenticator came.
    #[error(
        "answers came without Message-Authenticator, so they may be forged; have the server send it, or set require-message-authenticator = false"
    )]
    Unsigned,
    /// The request cannot be written.
    #[error("the request does not fit RADIUS: {0}")]
    Request(WireError),
    /// A reply of another kind.
    #[error("the answer is {0}, which answers no Access-Request")]
    Kind(Code),
    /// MS-CHAPv2 was accepted without proof.
    #[error(
        "the server accepts MS-CHAPv2 without MS-CHAP2-Success, so the VPN would refuse it; see the server's settings"
    )]
    NoProof,
    /// The VPN's keys cannot be read.
    #[error("the server's MS-MPPE keys cannot be read; set the same secret on both sides")]
    Keys,
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    /// A password.
    Password(&'a str),
    /// The answer to a challenge.
    Answer {
        typed: &'a str,
        /// The server that knows the State.
        server: &'a str,
        state: &'a [u8],
    },
    /// MS-CHAPv2 as it came.
    MsChap2(&'a MsChap2Response),
}

/// A RADIUS server, or several that know the same.
#[derive(Debug)]
pub(super) struct Proxy {
    link: Link,
    upstream: Upstream,
    secret: SharedSecret,
    order: Order,
}

/// A request as it is sent.
struct Sent<'a> {
    octets: &'a [u8],
    identifier: u8,
    authenticator: Authenticator,
}

impl Proxy {
    /// Makes what `upstream` describes.
    ///
    /// # Errors
    /// [`BadSource`].
    pub(super) fn new(link: Link, upstream: Upstream) -> Result<Self, BadSource> {
        upstream.check()?;
        let secret = SharedSecret::new(upstream.secret.expose().as_bytes()).map_err(|_| BadSource::Secret)?;
        Ok(Self {
            link,
            secret,
            order: Order::new(upstream.servers.len()),
            upstream,
        })
    }

    /// How long all of it may take.
    pub(super) fn whole(&self) -> Duration {
        let servers = u32::try_from(self.upstream.servers.len()).unwrap_or(1);
        // A name server takes its time too.
        (self.upstream.timeout() * self.upstream.tries + Duration::from_secs(1)) * servers
    }

    /// User-Name for somebody of this login.
    pub(super) fn user_name(&self, login: &str) -> String {
        self.upstream.user_name(login)
    }

    /// Asks the servers in turn, until one answers. `user` is User-Name.
    pub(super) async fn check(
        &self,
        user: &str,
        ask: Ask<'_>,
        now: Timestamp,
        rng: &mut (dyn Rng + Send),
    ) -> Answered {
        let asked = match ask {
            Ask::Answer { server, .. } => server.to_owned(),
            Ask::Password(_) | Ask::MsChap2(_) => String::new(),
        };
        let mut last = (asked, Trouble::Gone);
        for at in self.order.of(now) {
            let Some(server) = self.upstream.servers.get(at) else {
                continue;
            };
            let shown = server.to_string();
            if matches!(ask, Ask::Answer { server: knows, .. } if knows != shown) {
                continue;
            }
            let mut buffer = [0; MAX_PACKET];
            let sent = match self.request(&mut buffer, user, ask, rng) {
                Ok(sent) => sent,
                // Longer than RADIUS carries: nobody has such a password or name.
                Err(WireError::PasswordTooLong(_)) => return Answered::new(Checked::Failed, shown),
                Err(error) => {
                    return Answered::unavailable(&self.link, Trouble::Request(error).to_string(), shown);
                }
            };
            match self.exchange(server, &sent, ask).await {
                Ok(checked) => {
                    self.order.lives(at);
                    return Answered::new(checked, shown);
                }
                Err(trouble) => {
                    self.order.fails(at, now.plus(self.upstream.dead()));
                    last = (shown, trouble);
                }
            }
        }
        let (server, trouble) = last;
        Answered::unavailable(&self.link, format!("{server}: {trouble}"), server)
    }

    fn request<'b>(
        &self,
        buffer: &'b mut [u8],
        user: &str,
        ask: Ask<'_>,
        rng: &mut (dyn Rng + Send),
    ) -> Result<Sent<'b>, WireError> {
        let mut random = [0; 17];
        rng.fill(&mut random);
        let [identifier, authenticator @ ..] = random;
        let authenticator = Authenticator(authenticator);
        let mut request = RequestBuilder::new(
            buffer,
            Code::AccessRequest,
            identifier,
            authenticator,
            Signing::MessageAuthenticator,
        )?;
        request.attribute(attribute::USER_NAME, user.as_bytes())?;
        match ask {
            Ask::Password(password) => request.password(password.as_bytes(), &self.secret)?,
            Ask::Answer { typed, state, .. } => {
                request.password(typed.as_bytes(), &self.secret)?;
                if !state.is_empty() {
                    request.attribute(attribute::STATE, state)?;
                }
            }
            Ask::MsChap2(response) => {
                request.vendor(MICROSOFT, MS_CHAP_CHALLENGE, &response.challenge)?;
                request.vendor(MICROSOFT, MS_CHAP2_RESPONSE, &response.response)?;
            }
        }
        let own = self.upstream.nas_identifier.as_bytes();
        request.attribute(attribute::NAS_IDENTIFIER, own)?;
        Ok(Sent {
            octets: request.finish(&self.secret),
            identifier,
            authenticator,
        })
    }

    /// Sends the request until an answer comes: the same octets each time, so that it is one request.
    async fn exchange(&self, server: &Endpoint, sent: &Sent<'_>, ask: Ask<'_>) -> Result<Checked, Trouble> {
        let wait = self.upstream.timeout();
        let socket = match sys::timeout(wait, reach(server)).await {
            Some(socket) => socket?,
            None => return Err(Trouble::Unresolved("no answer in time".to_owned())),
        };
        let mut worst = Trouble::Silence;
        for _ in 0..self.upstream.tries {
            let sending = socket.send(sent.octets).await;
            sending.map_err(|error| Trouble::Unreachable(error.to_string()))?;
            let mut seen = None;
            let waited = sys::timeout(wait, self.reply(&socket, sent, ask, &mut seen)).await;
            match waited {
                Some(checked) => return checked,
                None => worst = seen.unwrap_or(worst),
            }
        }
        Err(worst)
    }

    /// Waits for the reply; `seen` is why others were no reply.
    async fn reply(
        &self,
        socket: &UdpSocket,
        sent: &Sent<'_>,
        ask: Ask<'_>,
        seen: &mut Option<Trouble>,
    ) -> Result<Checked, Trouble> {
        let mut buffer = [0; MAX_PACKET];
        loop {
            let length = socket
                .recv(&mut buffer)
                .await
                .map_err(|error| Trouble::Unreachable(error.to_string()))?;
            let Ok(packet) = Packet::parse(buffer.get(..length).unwrap_or_default()) else {
                continue;
            };
            match packet.check_reply(&self.secret, sent.identifier, &sent.authenticator) {
                Ok(MessageAuthenticator::Absent) if self.upstream.require_message_authenticator => {
                    *seen = Some(Trouble::Unsigned);
                }
                Ok(_) => return self.read(&packet, sent, ask),
                Err(_) => *seen = Some(Trouble::Forged),
            }
        }
    }

    /// What a reply that is the server's own means.
    fn read(&self, packet: &Packet<'_>, sent: &Sent<'_>, ask: Ask<'_>) -> Result<Checked, Trouble> {
        match packet.code() {
            Code::AccessAccept => {
                let ms_chap2 = match ask {
                    Ask::MsChap2(_) => Some(self.keys(packet, sent)?),
                    Ask::Password(_) | Ask::Answer { .. } => None,
                };
                Ok(Checked::Passed {
                    by: self.link.clone(),
                    groups: Vec::new(),
                    attributes: Vec::new(),
                    reply: for_the_vpn(packet),
                    ms_chap2,
                })
            }
            Code::AccessReject => Ok(refusal(packet)),
            Code::AccessChallenge => Ok(Checked::Challenge {
                source: self.link.to_string(),
                server: String::new(),
                state: packet.first(attribute::STATE).unwrap_or_default().to_vec(),
                message: message(packet),
            }),
            other => Err(Trouble::Kind(other)),
        }
    }

    fn keys(&self, packet: &Packet<'_>, sent: &Sent<'_>) -> Result<MsChap2Keys, Trouble> {
        let proof = vendor(packet, MS_CHAP2_SUCCESS).and_then(|value| {
            // Ident, then `S=` and 40 hex digits (RFC 2548 section 2.3.3); what follows is a message.
            let text = str::from_utf8(value.get(1..43)?).ok()?;
            let digits = text.strip_prefix("S=")?;
            (digits.bytes().all(|o| o.is_ascii_hexdigit())).then(|| text.to_owned())
        });
        let key = |kind| match vendor(packet, kind) {
            None => Ok(zeroize::Zeroizing::default()),
            Some(hidden) => {
                reveal_salted(hidden, &self.secret, &sent.authenticator).map_err(|_| Trouble::Keys)
            }
        };
        Ok(MsChap2Keys {
            success: proof.ok_or(Trouble::NoProof)?,
            send: key(MS_MPPE_SEND_KEY)?,
            receive: key(MS_MPPE_RECV_KEY)?,
        })
    }
}

/// A socket that sends to the server and hears nobody else.
async fn reach(server: &Endpoint) -> Result<UdpSocket, Trouble> {
    let addresses = tokio::net::lookup_host((server.host.as_str(), server.port))
        .await
        .map_err(|error| Trouble::Unresolved(error.to_string()))?;
    let mut why = "no address".to_owned();
    for address in addresses {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let socket = async {
            let socket = UdpSocket::bind(any).await?;
            socket.connect(address).await?;
            Ok::<_, std::io::Error>(socket)
        };
        match socket.await {
            Ok(socket) => return Ok(socket),
            Err(error) => why = error.to_string(),
        }
    }
    Err(Trouble::Unreachable(why))
}

/// The first value of a Microsoft attribute.
fn vendor<'a>(packet: &Packet<'a>, kind: u8) -> Option<&'a [u8]> {
    let mut found = packet.vendor(MICROSOFT).flatten();
    found
        .find(|attribute| attribute.kind == kind)
        .map(|attribute| attribute.value)
}

/// What of an Access-Accept is for the VPN: not what holds between the server and us, nor what is hidden with our secret.
fn for_the_vpn(packet: &Packet<'_>) -> Vec<Attribute> {
    let ours = |kind: u8, value: &[u8]| match kind {
        attribute::STATE
        | attribute::PROXY_STATE
        | attribute::EAP_MESSAGE
        | attribute::MESSAGE_AUTHENTICATOR
        | attribute::REPLY_MESSAGE
        | TUNNEL_PASSWORD => true,
        attribute::VENDOR_SPECIFIC => {
            let microsoft = value.starts_with(&MICROSOFT.to_be_bytes());
            let hidden = matches!(
                value.get(4),
                Some(&(MS_CHAP2_SUCCESS | MS_MPPE_SEND_KEY | MS_MPPE_RECV_KEY))
            );
            microsoft && hidden
        }
        _ => value.is_empty(),
    };
    packet
        .attributes()
        .filter(|attribute| !ours(attribute.kind, attribute.value))
        .map(|attribute| Attribute {
            kind: attribute.kind,
            value: attribute.value.to_vec(),
        })
        .take(ATTRIBUTES)
        .collect()
}

/// What an Access-Reject means: MS-CHAP-Error tells more than no (RFC 2759 section 6).
fn refusal(packet: &Packet<'_>) -> Checked {
    let error = vendor(packet, MS_CHAP_ERROR).map(|value| String::from_utf8_lossy(value).into_owned());
    let code = error.as_deref().and_then(|error| {
        let (_, rest) = error.split_once("E=")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()
    });
    match code {
        // ERROR_PASSWD_EXPIRED
        Some("648") => Checked::Expired,
        // ERROR_RESTRICTED_LOGON_HOURS, ERROR_ACCT_DISABLED, ERROR_NO_DIALIN_PERMISSION
        Some("646" | "647" | "649") => Checked::Locked,
        _ => Checked::Failed,
    }
}

/// What a challenge says: its Reply-Messages as one text.
fn message(packet: &Packet<'_>) -> String {
    let pieces: Vec<&[u8]> = packet.all(attribute::REPLY_MESSAGE).collect();
    String::from_utf8_lossy(&pieces.concat())
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .take(MESSAGE)
        .collect()
}

#[cfg(test)]
mod tests;
