use std::{io::ErrorKind, path::PathBuf};

use otpost_conf::ConfError;
use otpost_radius_client::ClientError;
use otpost_radius_wire::WireError;

/// Why a login could not be decided, or the helper cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HelperError {
    /// The administrator's fault: called by hand, or by an OpenVPN that is too old.
    #[error(
        "{0} is not in the environment: the helper is for `auth-user-pass-verify ... via-file` of OpenVPN 2.6 or newer, which \
         sets it"
    )]
    NotOpenvpn(&'static str),
    /// The administrator's fault: the password is in the environment, where others can see it.
    #[error(
        "the password came in the environment; write `via-file` instead of `via-env` behind the helper's path"
    )]
    ViaEnv,
    /// The administrator's fault: no file was named.
    #[error(
        "no file with name and password; write `via-file` behind the helper's path in auth-user-pass-verify"
    )]
    NoFile,
    /// The configuration or the shared secret cannot be used.
    #[error(transparent)]
    Config(#[from] ConfError),
    /// A file of OpenVPN's cannot be read or written.
    #[error("{path}: cannot be used: {kind}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        kind: ErrorKind,
    },
    /// OpenVPN's fault: not a name and a password of two lines, or too long.
    #[error("what OpenVPN handed over is not a name and a password on two lines of text")]
    Credentials,
    /// The process that decides the login cannot be started.
    #[error("cannot start a process for the login: {0}; is LimitNPROC= of the unit large enough?")]
    Process(ErrorKind),
    /// The client's fault: an answer to a challenge that nobody made.
    #[error("the answer to the challenge is garbled")]
    Garbled,
    /// The request does not fit RADIUS.
    #[error("the login does not fit a RADIUS packet: {0}")]
    Wire(#[from] WireError),
    /// No server gave an answer.
    #[error("no RADIUS server answered: {}", list(.0))]
    Unanswered(Vec<ClientError>),
    /// The server's fault: a challenge that cannot be answered.
    #[error("the server's Access-Challenge has no State, so it cannot be answered")]
    NoState,
}

impl HelperError {
    /// What the person at the client reads.
    pub(crate) const fn told(&self) -> &'static str {
        match self {
            Self::Unanswered(_) => "The login server does not answer. Try again in a minute.",
            Self::Garbled | Self::Credentials => "The login got mixed up. Start again with your password.",
            Self::Wire(_) => "This name or password is too long.",
            _ => "Logins do not work at the moment. Tell your administrator.",
        }
    }
}

fn list(errors: &[ClientError]) -> String {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    all.join("; ")
}
