//! Asks `pam.sock` for logins, as a PAM module of whatever user runs it would:
//! `otpost-knock SOCKET SERVICE USER TIMES` prints the answer to each, a line each.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use otpost_ipc::Role;
use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::pam::{PamBegin, PamOp, PamReply};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [socket, service, user, times] = args.as_slice() else {
        return Err("usage: otpost-knock SOCKET SERVICE USER TIMES".into());
    };
    for _ in 0..times.parse::<u32>()? {
        let deadline = Deadline::after(Duration::from_secs(30));
        let begin = PamOp::Begin(PamBegin {
            user: user.clone(),
            service: service.clone(),
            rhost: String::new(),
            tty: String::new(),
            ruser: String::new(),
            decoy: false,
        });
        let line =
            match Client::<PamOp, PamReply>::connect(Path::new(socket), Role::Pam, deadline)?.call(begin) {
                Ok(reply) => format!("{reply:?}"),
                Err(CallError::Fault(fault)) => format!("{:?} {}", fault.code, fault.reference),
                Err(error) => return Err(error.into()),
            };
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}
