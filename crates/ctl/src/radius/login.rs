//! A login by any method, step by step.

use otpost_radius_client::random;
use otpost_radius_wire::{
    EapCode, EapMethod, EapPacket, MAX_PACKET, MsChapV2Credentials, RequestBuilder, WireError, join_eap,
};
use zeroize::Zeroizing;

use super::{Answer, RadiusError, Reply, Server, short_hex};
use crate::{CtlError, args::Method};

/// EAP's number for GTC, which a Nak wishes for (RFC 3748 section 5.6).
const GTC: u8 = 6;

/// What happens, for whoever looks on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'e> {
    /// A request leaves, with these attributes.
    Request(&'e [String]),
    /// A reply has come.
    Reply(&'e Reply),
}

/// Shown every event as it happens.
pub(crate) type Watch<'w> = &'w mut dyn FnMut(Event<'_>) -> Result<(), CtlError>;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// The user is in.
    In,
    /// The user is out.
    Out,
    /// The server asks for more.
    Asked {
        /// Its words.
        prompt: String,
        /// Whether the answer may be seen while it is typed.
        echo: bool,
    },
}

/// A login under way.
pub(crate) struct Login<'s> {
    server: &'s Server,
    method: Method,
    user: &'s str,
    state: Option<Vec<u8>>,
    /// The identifier of the EAP request that waits for an answer.
    eap: Option<u8>,
    /// What the server said last.
    pub(crate) message: String,
}

impl<'s> Login<'s> {
    /// Nothing is sent yet.
    pub(crate) const fn new(server: &'s Server, method: Method, user: &'s str) -> Self {
        Self {
            server,
            method,
            user,
            state: None,
            eap: None,
            message: String::new(),
        }
    }

    /// Sends what was typed: the password first, then what the server asks for.
    pub(crate) fn step(&mut self, typed: &str, watch: Watch<'_>) -> Result<Next, CtlError> {
        match self.method {
            Method::Pap => {
                let secret = &self.server.way.secret;
                let reply = self.request("User-Password=(hidden)", watch, |request| {
                    request.password(typed.as_bytes(), secret)
                })?;
                Ok(self.next(&reply))
            }
            Method::Chap => {
                let [identifier] = random().map_err(RadiusError::from)?;
                let challenge: [u8; 16] = random().map_err(RadiusError::from)?;
                let reply = self.request("CHAP-Password=(a proof)  CHAP-Challenge", watch, |request| {
                    request.chap(identifier, typed.as_bytes(), Some(&challenge))
                })?;
                Ok(self.next(&reply))
            }
            Method::Mschapv2 => self.ms_chap_v2(typed, watch),
            Method::EapGtc => self.eap_gtc(typed, watch),
        }
    }

    fn ms_chap_v2(&mut self, typed: &str, watch: Watch<'_>) -> Result<Next, CtlError> {
        let [identifier] = random().map_err(RadiusError::from)?;
        let credentials = MsChapV2Credentials {
            identifier,
            user: self.user.as_bytes(),
            password: typed,
            authenticator_challenge: random().map_err(RadiusError::from)?,
            peer_challenge: random().map_err(RadiusError::from)?,
        };
        let reply = self.request(
            "MS-CHAP2-Response=(a proof)  MS-CHAP-Challenge",
            watch,
            |request| request.ms_chap_v2(&credentials),
        )?;
        if reply.answer == Answer::Accept {
            let expected = credentials.expected();
            let proven = reply
                .raw
                .packet()
                .is_ok_and(|packet| expected.is_proven_by(&packet));
            if !proven {
                return Err(RadiusError::Unproven.into());
            }
        }
        Ok(self.next(&reply))
    }

    fn eap_gtc(&mut self, typed: &str, watch: Watch<'_>) -> Result<Next, CtlError> {
        let identifier = match self.eap {
            Some(identifier) => identifier,
            None => {
                let mut asked = self.identity(watch)?;
                if let Asked::Other(identifier) = asked {
                    let nak = EapPacket::nak(identifier, &[GTC]);
                    asked = self.eap_step("Nak, wanting GTC", &nak, watch)?.0;
                }
                match asked {
                    Asked::Gtc { identifier, .. } => identifier,
                    Asked::Other(_) => return Err(RadiusError::OtherEap.into()),
                    Asked::Nothing => return Ok(Next::Out),
                }
            }
        };
        let answer = EapPacket::gtc_response(identifier, typed.as_bytes());
        let (asked, reply) = self.eap_step("GTC (hidden)", &answer, watch)?;
        let next = self.next(&reply);
        match (asked, next) {
            (Asked::Gtc { identifier, prompt }, Next::Asked { echo, .. }) => {
                self.eap = Some(identifier);
                Ok(Next::Asked { prompt, echo })
            }
            (_, Next::Asked { .. }) => Err(RadiusError::OtherEap.into()),
            (_, next) => Ok(next),
        }
    }

    fn identity(&mut self, watch: Watch<'_>) -> Result<Asked, CtlError> {
        let user = self.user;
        let identity = EapPacket::identity_response(0, user.as_bytes());
        Ok(self.eap_step("Identity", &identity, watch)?.0)
    }

    fn eap_step(
        &mut self,
        what: &str,
        packet: &EapPacket<'_>,
        watch: Watch<'_>,
    ) -> Result<(Asked, Reply), CtlError> {
        let reply = self.request(&format!("EAP-Message=Response {what}"), watch, |request| {
            request.eap(packet)
        })?;
        let asked = asked(&reply)?;
        Ok((asked, reply))
    }

    /// One request and its reply, both shown.
    fn request(
        &mut self,
        proof: &str,
        watch: Watch<'_>,
        write: impl FnOnce(&mut RequestBuilder<'_>) -> Result<(), WireError>,
    ) -> Result<Reply, CtlError> {
        let mut attributes = vec![format!("User-Name={}", self.user), proof.to_owned()];
        attributes.extend(
            self.state
                .as_deref()
                .map(|state| format!("State={}", short_hex(state))),
        );
        watch(Event::Request(&attributes))?;
        let reply = self.server.ask(self.user, self.state.as_deref(), write)?;
        watch(Event::Reply(&reply))?;
        self.message.clone_from(&reply.message);
        self.state = match &reply.answer {
            Answer::Challenge { state, .. } => Some(state.clone()),
            Answer::Accept | Answer::Reject => None,
        };
        Ok(reply)
    }

    fn next(&self, reply: &Reply) -> Next {
        match &reply.answer {
            Answer::Accept => Next::In,
            Answer::Reject => Next::Out,
            Answer::Challenge { echo, .. } => Next::Asked {
                prompt: reply.message.clone(),
                echo: *echo,
            },
        }
    }
}

/// What a reply asks for in EAP.
enum Asked {
    /// Text.
    Gtc { identifier: u8, prompt: String },
    /// Another method.
    Other(u8),
    /// It was the last packet.
    Nothing,
}

fn asked(reply: &Reply) -> Result<Asked, RadiusError> {
    let packet = reply.raw.packet().map_err(RadiusError::Eap)?;
    let mut buffer = Zeroizing::new([0; MAX_PACKET]);
    let Some(octets) = join_eap(&packet, &mut buffer).map_err(RadiusError::Eap)? else {
        // Without EAP a client of the VPN learns of no end either; a reject is one all the same.
        return match reply.answer {
            Answer::Reject => Ok(Asked::Nothing),
            _ => Err(RadiusError::NoEap),
        };
    };
    let eap = EapPacket::parse(octets).map_err(RadiusError::Eap)?;
    Ok(match (eap.code, eap.method) {
        (EapCode::Request, Some(EapMethod::Gtc)) => Asked::Gtc {
            identifier: eap.identifier,
            prompt: String::from_utf8_lossy(eap.data).into_owned(),
        },
        (EapCode::Request, _) => Asked::Other(eap.identifier),
        _ => Asked::Nothing,
    })
}
