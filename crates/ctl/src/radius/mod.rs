//! Logins over RADIUS, as a VPN would do them, for people to look at.

mod login;
mod transcript;

use std::{net::SocketAddr, time::Duration};

use otpost_radius_client::{self as client, ClientError};
use otpost_radius_wire::{Code, RequestBuilder, SharedSecret, WireError, attribute};

use crate::{CtlError, Exit};

pub(crate) use login::{Event, Login, Next};
pub(crate) use transcript::{Direction, Transcript, millis, short_hex};

/// Why a login over RADIUS has no answer, or none that is good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RadiusError {
    /// There is no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The challenge has no State, so it cannot be answered.
    #[error("the server's Access-Challenge has no State, so it cannot be answered")]
    NoState,
    /// More challenges than any login has.
    #[error("the server asks for ever; stopped after {0} challenges")]
    Endless(u32),
    /// The server's fault: its EAP packet breaks a rule.
    #[error("the server's EAP packet cannot be used: {0}")]
    Eap(WireError),
    /// No EAP in the answer.
    #[error(
        "the server's answer has no EAP in it; if it is otpost's, let this client use it: otpostctl radius client set NAME \
         --eap yes"
    )]
    NoEap,
    /// Another EAP method, even after this side said what it takes.
    #[error("the server insists on another EAP method than GTC")]
    OtherEap,
    /// The server let the user in without proving that it knows what was typed (RFC 2759 section 5).
    #[error(
        "the server accepted, but its MS-CHAP2-Success is missing or wrong: a VPN's client would hang up, and so it should"
    )]
    Unproven,
}

impl RadiusError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Client(ClientError::Server { .. }) => Exit::Usage,
            Self::Client(
                ClientError::Socket { .. } | ClientError::Closed { .. } | ClientError::Silence { .. },
            ) => Exit::Unreachable,
            _ => Exit::Refused,
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
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// What was decided.
    pub(crate) answer: Answer,
    /// All Reply-Message attributes, joined.
    pub(crate) message: String,
    /// From the first sending to the reply.
    pub(crate) took: Duration,
    /// The reply itself.
    pub(crate) raw: client::Reply,
}

/// A RADIUS server, and the VPN that this program plays.
pub(crate) struct Server {
    /// How requests get there.
    pub(crate) way: client::Server,
    /// NAS-Identifier.
    pub(crate) nas_identifier: String,
    /// Calling-Station-Id.
    pub(crate) calling_station_id: Option<String>,
}

impl Server {
    /// A way to `address` with the usual behaviour of a VPN.
    pub(crate) fn new(address: SocketAddr, secret: SharedSecret) -> Result<Self, RadiusError> {
        Ok(Self {
            way: client::Server::new(address, secret)?,
            nas_identifier: "otpostctl".to_owned(),
            calling_station_id: None,
        })
    }

    /// Sends one Access-Request with User-Password.
    pub(crate) fn login(&self, user: &str, password: &str, state: Option<&[u8]>) -> Result<Reply, CtlError> {
        let secret = &self.way.secret;
        Ok(self.ask(user, state, |request| {
            request.password(password.as_bytes(), secret)
        })?)
    }

    /// Sends one Access-Request that `proof` proves.
    pub(crate) fn ask(
        &self,
        user: &str,
        state: Option<&[u8]>,
        proof: impl FnOnce(&mut RequestBuilder<'_>) -> Result<(), WireError>,
    ) -> Result<Reply, RadiusError> {
        let raw = self.way.ask(Code::AccessRequest, |request| {
            request.attribute(attribute::USER_NAME, user.as_bytes())?;
            proof(request)?;
            self.describe(request)?;
            if let Some(state) = state {
                request.attribute(attribute::STATE, state)?;
            }
            Ok(())
        })?;
        let answer = match raw.code {
            Code::AccessAccept => Answer::Accept,
            Code::AccessChallenge => Answer::Challenge {
                state: raw.state().ok_or(RadiusError::NoState)?.to_vec(),
                echo: raw.echo(),
            },
            _ => Answer::Reject,
        };
        Ok(Reply {
            answer,
            message: raw.message(),
            took: raw.took,
            raw,
        })
    }

    /// Asks whether the server is there (RFC 5997).
    pub(crate) fn status(&self) -> Result<client::Reply, RadiusError> {
        Ok(self
            .way
            .ask(Code::StatusServer, |request| self.describe(request))?)
    }

    /// Who asks, and for whom.
    fn describe(&self, request: &mut RequestBuilder<'_>) -> Result<(), WireError> {
        if !self.nas_identifier.is_empty() {
            request.attribute(attribute::NAS_IDENTIFIER, self.nas_identifier.as_bytes())?;
        }
        if let Some(station) = &self.calling_station_id {
            request.attribute(attribute::CALLING_STATION_ID, station.as_bytes())?;
        }
        Ok(())
    }
}
