//! One login: what is asked of the RADIUS servers, and what their answer means.

use data_encoding::HEXLOWER;
use otpost_conf::OpenvpnConfig;
use otpost_radius_client::{ClientError, Reply, Server, random, resolve};
use otpost_radius_wire::{Code, RequestBuilder, SharedSecret, WireError, attribute};
use zeroize::Zeroizing;

use crate::{
    HelperError,
    challenge::{Typed, dynamic, refusal},
    credentials::Credentials,
};

/// NAS-Port-Type Virtual (RFC 2865 section 5.41).
const VIRTUAL: u32 = 5;

/// What becomes of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is let in.
    In,
    /// It is kept out, with the reason it is told.
    Out(String),
    /// It is to ask its user for more, with the reason that makes it.
    Asked(String),
}

/// A verdict, and who gave it.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) verdict: Verdict,
    pub(crate) reply: Reply,
}

/// The servers of a configuration.
pub(crate) struct Servers<'c> {
    config: &'c OpenvpnConfig,
    secret: SharedSecret,
}

impl<'c> Servers<'c> {
    /// Reads the shared secret.
    pub(crate) fn new(config: &'c OpenvpnConfig) -> Result<Self, HelperError> {
        let secret = SharedSecret::new(&config.secret_file.read()?)?;
        Ok(Self { config, secret })
    }

    /// Whether each server answers to Status-Server (RFC 5997).
    pub(crate) fn status(&self) -> Vec<(&'c str, Result<Reply, ClientError>)> {
        let ask = |name: &'c String| {
            let status = self
                .server(name)
                .and_then(|server| server.ask(Code::StatusServer, |request| self.nas(request)));
            (name.as_str(), status)
        };
        self.config.servers.iter().map(ask).collect()
    }

    /// Asks until a server answers; the one that made a challenge first.
    pub(crate) fn decide(
        &self,
        credentials: &Credentials,
        station: Option<&str>,
    ) -> Result<Decided, HelperError> {
        let (first, state, password) = match Typed::read(&credentials.password)? {
            Typed::Password(password) => (0, None, password),
            Typed::Answer {
                server,
                state,
                answer,
            } => (usize::from(server), Some(state), answer),
        };
        // The same in every packet of this login, so that the next server joins what the first one began.
        let login = HEXLOWER.encode(&random::<8>().map_err(|error| HelperError::Unanswered(vec![error]))?);
        let asked = Asked {
            user: &credentials.user,
            password,
            station,
            state,
            login,
        };
        let all = self.config.servers.iter().enumerate();
        let (mut order, others): (Vec<_>, Vec<_>) = all.partition(|(index, _)| *index == first);
        order.extend(others);
        let mut failures = Vec::new();
        for (index, name) in order {
            let reply = self
                .server(name)
                .and_then(|server| server.ask(Code::AccessRequest, |request| self.write(request, &asked)));
            match reply {
                Ok(reply) => return understood(reply, index, asked.user),
                Err(ClientError::Wire(error)) => return Err(error.into()),
                Err(error) => failures.push(error),
            }
        }
        Err(HelperError::Unanswered(failures))
    }

    fn server(&self, name: &str) -> Result<Server, ClientError> {
        let mut server = Server::new(resolve(name)?, self.secret.clone())?;
        server.timeout = self.config.timeout.get();
        server.tries = self.config.tries;
        Ok(server)
    }

    fn nas(&self, request: &mut RequestBuilder<'_>) -> Result<(), WireError> {
        let name = &self.config.nas_identifier;
        if !name.is_empty() {
            request.attribute(attribute::NAS_IDENTIFIER, name.as_bytes())?;
        }
        Ok(())
    }

    fn write(&self, request: &mut RequestBuilder<'_>, asked: &Asked<'_>) -> Result<(), WireError> {
        request.attribute(attribute::USER_NAME, asked.user.as_bytes())?;
        request.password(asked.password.as_bytes(), &self.secret)?;
        self.nas(request)?;
        request.number(attribute::NAS_PORT_TYPE, VIRTUAL)?;
        request.attribute(attribute::ACCT_SESSION_ID, asked.login.as_bytes())?;
        if let Some(station) = asked.station {
            request.attribute(attribute::CALLING_STATION_ID, station.as_bytes())?;
        }
        if let Some(state) = &asked.state {
            request.attribute(attribute::STATE, state)?;
        }
        Ok(())
    }
}

/// What one Access-Request says.
struct Asked<'a> {
    user: &'a str,
    password: Zeroizing<String>,
    station: Option<&'a str>,
    state: Option<Vec<u8>>,
    login: String,
}

fn understood(reply: Reply, server: usize, user: &str) -> Result<Decided, HelperError> {
    let message = reply.message();
    let verdict = match reply.code {
        Code::AccessAccept => Verdict::In,
        Code::AccessChallenge => {
            let state = reply.state().ok_or(HelperError::NoState)?;
            let server = u8::try_from(server).unwrap_or_default();
            Verdict::Asked(dynamic(server, state, user, reply.echo(), &message))
        }
        _ => Verdict::Out(refusal(&message)),
    };
    Ok(Decided { verdict, reply })
}
