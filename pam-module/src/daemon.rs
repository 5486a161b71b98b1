//! One question to the daemon: connect, make sure who listens, ask, close.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::pam::{PamOp, PamReply};
use otpost_ipc::{FaultCode, Role};

/// Pause before a daemon that is being restarted is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// Why the daemon gave no verdict.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AskError {
    /// It cannot be reached or cannot decide now: the fail mode applies.
    Unavailable(String),
    /// It refuses the question: denied whatever the fail mode is.
    Refused(String),
    /// Somebody else listens on the socket: denied whatever the fail mode is.
    Impostor(String),
}

/// How long to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A daemon that is not there is reported at once.
    None,
    /// A daemon that is not there may be in the middle of a restart: try until the deadline.
    Restart,
}

/// Asks `op` of the daemon at `socket`, on a connection of its own.
pub(crate) fn ask(
    socket: &Path,
    op: &PamOp,
    timeout: Duration,
    patience: Patience,
) -> Result<PamReply, AskError> {
    let deadline = Deadline::after(timeout);
    loop {
        match ask_once(socket, op, deadline) {
            // Only where the daemon has certainly not seen the answer: a code counts once.
            Err(Failure::Call(error))
                if patience == Patience::Restart && worth_another_try(&error) && deadline.pause(RETRY) => {}
            Err(Failure::Call(error)) => return Err(classify(error)),
            Err(Failure::Impostor(why)) => return Err(AskError::Impostor(why)),
            Ok(reply) => return Ok(reply),
        }
    }
}

enum Failure {
    Call(CallError),
    Impostor(String),
}

fn ask_once(socket: &Path, op: &PamOp, deadline: Deadline) -> Result<PamReply, Failure> {
    let mut client =
        Client::<&PamOp, PamReply>::connect(socket, Role::Pam, deadline).map_err(Failure::Call)?;
    check_listener(socket, client.peer_uid()).map_err(Failure::Impostor)?;
    client.call(op).map_err(Failure::Call)
}

fn worth_another_try(error: &CallError) -> bool {
    error.nothing_asked() && !matches!(error, CallError::Protocol { .. } | CallError::Role { .. })
}

fn classify(error: CallError) -> AskError {
    let text = error.to_string();
    match error {
        CallError::Fault(fault) => match fault.code {
            FaultCode::Unavailable | FaultCode::Internal | FaultCode::Busy => AskError::Unavailable(text),
            // A daemon that does not understand us is of another release, as with `Protocol`.
            FaultCode::Malformed | FaultCode::Protocol => AskError::Unavailable(text),
            FaultCode::Forbidden | FaultCode::Invalid | FaultCode::NotFound | FaultCode::Conflict => {
                AskError::Refused(text)
            }
        },
        _ => AskError::Unavailable(text),
    }
}

/// The daemon runs as root or as the owner of the socket's directory; anyone else is an impostor.
fn check_listener(socket: &Path, listener: u32) -> Result<(), String> {
    let directory = socket.parent().unwrap_or(Path::new("/"));
    let found = std::fs::metadata(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    trust(listener, found.uid(), found.mode()).map_err(|why| format!("{}: {why}", directory.display()))
}

/// `directory_mode` as st_mode.
fn trust(listener: u32, directory_owner: u32, directory_mode: u32) -> Result<(), String> {
    if directory_mode & 0o002 != 0 {
        return Err("the socket's directory is writable by everybody; chmod o-w it".to_owned());
    }
    if listener != 0 && listener != directory_owner {
        return Err(format!(
            "user {listener} listens there, expected root or user {directory_owner} who owns the directory"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use otpost_ipc::Fault;

    use super::*;

    #[test]
    fn only_root_or_the_owner_of_the_directory_is_the_daemon() {
        assert_eq!(trust(0, 990, 0o40755), Ok(()));
        assert_eq!(trust(990, 990, 0o40750), Ok(()));
        assert!(
            trust(1000, 990, 0o40755)
                .unwrap_err()
                .contains("user 1000 listens")
        );
        assert!(trust(1000, 0, 0o40755).is_err());
        assert!(trust(0, 0, 0o41777).unwrap_err().contains("o-w"));
    }

    #[test]
    fn a_refusal_is_no_outage() {
        let fault = |code| {
            CallError::Fault(Fault {
                code,
                message: "m".to_owned(),
                retry_after: None,
                reference: "r1".to_owned(),
            })
        };
        for code in [
            FaultCode::Forbidden,
            FaultCode::Invalid,
            FaultCode::NotFound,
            FaultCode::Conflict,
        ] {
            assert_eq!(classify(fault(code)), AskError::Refused("m (ref r1)".to_owned()));
        }
        for code in [
            FaultCode::Unavailable,
            FaultCode::Internal,
            FaultCode::Busy,
            FaultCode::Protocol,
        ] {
            assert_eq!(
                classify(fault(code)),
                AskError::Unavailable("m (ref r1)".to_owned())
            );
        }
        assert!(matches!(classify(CallError::WrongId), AskError::Unavailable(_)));
    }
}
