//! One request to the daemon, and what to do when there is no daemon.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
    time::Duration,
};

use nix::{
    errno::Errno,
    unistd::{Gid, Group, User, geteuid},
};
use otpost_ipc::{
    Role,
    admin::{AdminOp, AdminReply},
    client::{CallError, Client, Deadline},
};

use crate::CtlError;

/// Asks the daemon at `socket` and waits for its answer.
///
/// # Errors
/// [`CtlError::Fault`] when it refuses, [`CtlError::Unreachable`] when there is no answer.
pub(crate) fn call(socket: &Path, op: AdminOp) -> Result<AdminReply, CtlError> {
    let deadline = Deadline::after(patience(&op));
    Client::connect(socket, Role::Admin, deadline)
        .and_then(|mut client| client.call(op))
        .map_err(|error| match error {
            CallError::Fault(fault) => CtlError::Fault(fault),
            error => CtlError::Unreachable {
                advice: advice(socket, &error),
                error,
            },
        })
}

/// How long an answer may take. Passwords are hashed, texts and mails are waited for, a long chain is read.
const fn patience(op: &AdminOp) -> Duration {
    match op {
        AdminOp::AuditVerify => Duration::from_secs(600),
        // The whole file is compared with all users after its last part.
        AdminOp::ImportPut { last: true, .. } => Duration::from_secs(300),
        AdminOp::SmsSendTest { .. }
        | AdminOp::MailTest { .. }
        | AdminOp::Overview { .. }
        | AdminOp::AuditFind { .. } => Duration::from_secs(60),
        _ => Duration::from_secs(20),
    }
}

fn advice(socket: &Path, error: &CallError) -> String {
    let CallError::Connect { errno, .. } = error else {
        return format!("{error}; see its log: journalctl -u otpostd");
    };
    let path = socket.display();
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => format!(
            "there is no socket at {path}; is otpostd running? (systemctl status otpostd) \
             If it listens elsewhere, name its admin.sock with --socket PATH"
        ),
        Errno::ECONNREFUSED if is_socket(socket) => {
            format!("nobody listens at {path}: otpostd has ended; start it: systemctl start otpostd")
        }
        Errno::ECONNREFUSED | Errno::ENOTSOCK => {
            format!("{path} is not a socket of otpostd; name its admin.sock with --socket PATH")
        }
        Errno::EACCES | Errno::EPERM => forbidden(socket),
        Errno::ENAMETOOLONG | Errno::EINVAL => {
            format!(
                "{path} is too long or no valid path for a socket; name otpostd's admin.sock with --socket PATH"
            )
        }
        _ => error.to_string(),
    }
}

fn is_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

/// Names the group to join, where it can be seen.
fn forbidden(socket: &Path) -> String {
    let path = socket.display();
    let user = User::from_uid(geteuid())
        .ok()
        .flatten()
        .map_or_else(|| "USER".to_owned(), |user| user.name);
    let group = fs::metadata(socket)
        .ok()
        .filter(|meta| meta.mode() & 0o020 != 0 && meta.gid() != 0)
        .and_then(|meta| Group::from_gid(Gid::from_raw(meta.gid())).ok().flatten());
    match group {
        Some(group) => format!(
            "{user} may not open {path}; its group is {group}: usermod -aG {group} {user}, then log in anew, or run this as root",
            group = group.name
        ),
        None => format!(
            "{user} may not open {path}; run this as root, or join the group that `admin-group` names in \
             /etc/otpost/daemon.toml and log in anew"
        ),
    }
}
