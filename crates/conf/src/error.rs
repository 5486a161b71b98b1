//! What can go wrong with a configuration file or a secret, in sentences a sysadmin can act on.

use std::{io::ErrorKind, path::PathBuf};

use crate::{Diagnostic, PermissionError};

/// A configuration file or a secret that cannot be used. Its text says where, why and what would mend it, and never
/// shows what a secret holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// The configuration file is not there.
    #[error(
        "{path}: no such configuration file\n  = help: create it (an empty file is valid: every setting has a default) \
         or name another with --config",
        path = .path.display()
    )]
    Missing {
        /// The file asked for.
        path: PathBuf,
    },
    /// The operating system refused to read the file.
    #[error("{path}: cannot be read: {kind}\n  = help: {help}", path = .path.display(), help = read_help(*.kind))]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// The operating system's reason.
        kind: ErrorKind,
    },
    /// The file is larger than anything sensible, and was not read.
    #[error("{path}: larger than {limit} bytes\n  = help: this is probably not the file you meant", path = .path.display())]
    TooLarge {
        /// The file asked for.
        path: PathBuf,
        /// The largest size accepted, in bytes.
        limit: u64,
    },
    /// The file is not text in UTF-8.
    #[error("{path}:{line}: not UTF-8 text\n  = help: save the file as UTF-8", path = .path.display())]
    NotUtf8 {
        /// The file asked for.
        path: PathBuf,
        /// The first line that is not UTF-8, from 1.
        line: usize,
    },
    /// The file was read, and something in it is wrong.
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
    /// The file or a directory around it is open to people it must not be open to.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// A secret file holds nothing.
    #[error("{path}: the secret is empty\n  = help: write the secret into the file, on one line", path = .path.display())]
    EmptySecret {
        /// The secret's file.
        path: PathBuf,
    },
    /// A credential was named, but systemd handed none over.
    #[error(
        "credential {name:?} is configured, but the service manager passed no credentials\n  = help: add \
         `LoadCredential={name}:/path/to/the/secret` to the unit, or use the setting with a file instead"
    )]
    NoCredentials {
        /// The credential's name.
        name: String,
    },
    /// A credential's name that is not a plain file name.
    #[error(
        "{name:?} is not a credential name\n  = help: use letters, digits, `-`, `_` and `.` only, without `/`"
    )]
    CredentialName {
        /// The name as configured.
        name: String,
    },
}

const fn read_help(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "create it, or correct the path",
        ErrorKind::PermissionDenied => {
            "let the service's user read it: check `ls -l` on the file and `namei -l` on its directories"
        }
        ErrorKind::IsADirectory => "name a file, not a directory",
        _ => "check the path and the file system it is on",
    }
}
