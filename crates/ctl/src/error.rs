//! What can go wrong, as sentences that name the fix, and exit statuses.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

use otpost_conf::ConfError;
use otpost_ipc::{Fault, client::CallError};
use serde_json::json;

use crate::{demo::DemoError, radius::RadiusError, terminal::AskError};

/// Exit statuses of otpostctl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Carried out.
    Done,
    /// Refused, or the answer is a bad one: a failed check, a denied login, a text not accepted.
    Refused,
    /// The command line, or a file it names, is wrong.
    Usage,
    /// otpostd or the RADIUS server cannot be reached.
    Unreachable,
}

impl Exit {
    /// The number for the shell.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
        }
    }

    /// Short name in JSON.
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CtlError {
    /// The daemon said no; the message is its own.
    #[error("{0}{wait}", wait = .0.retry_after.map_or_else(String::new, |wait| format!("; try again in {wait} s")))]
    Fault(Fault),
    /// There is no usable connection to the daemon.
    #[error("{advice}")]
    Unreachable {
        /// What the connection said.
        error: CallError,
        /// What happened and what mends it.
        advice: String,
    },
    /// The daemon answered something else than was asked.
    #[error(
        "otpostd gave an answer that does not belong to this command; install the same release of otpostd and otpostctl, and restart otpostd"
    )]
    Unexpected,
    /// A secret was to be asked for, but nobody can be asked.
    #[error(
        "there is no terminal to ask for the {what}; give it by file: {option} FILE, or {option} - for standard input"
    )]
    NoTerminal {
        /// Which secret.
        what: &'static str,
        /// The option that takes a file.
        option: &'static str,
    },
    /// A code was to be asked for, but nobody can be asked and standard input has ended.
    #[error("there is no terminal to ask for the code; write it to standard input")]
    NoCode,
    /// A person was to agree, but nobody can be asked.
    #[error("there is no terminal to ask whether to go on; add --yes to do it, or --dry-run to only look")]
    NoConsent,
    /// The person ended the question.
    #[error("cancelled; nothing was changed")]
    Cancelled,
    /// The two spellings of a new secret differ.
    #[error("the two entries of the {what} differ; nothing was changed")]
    Mismatch {
        /// Which secret.
        what: &'static str,
    },
    /// A secret or number that is not there.
    #[error("the {what} is empty: {from}; nothing was changed")]
    Empty {
        /// Which secret or number.
        what: &'static str,
        /// Where it was looked for.
        from: String,
    },
    /// A file or standard input cannot be read.
    #[error("{path}: cannot be read: {kind}; check the path and `ls -l` on it", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        kind: ErrorKind,
    },
    /// A file or line that is longer than anything sensible.
    #[error("{path}: is too long for this use; at most {limit} octets are read", path = .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Octets allowed.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("{path}: is not UTF-8 text; save it as UTF-8", path = .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Others can read the secret.
    #[error("{path}: others can read this secret (mode {mode:04o}); close it: chmod go= {path}", path = .path.display())]
    OpenSecret {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A provider's description is no TOML. The line itself stays unsaid: a credential may stand there.
    #[error("{path}:{line}:{column}: {message}", path = .path.display())]
    ProviderFile {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A configuration file that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfError),
    /// `config check` without anything to check.
    #[error("there is no configuration file in /etc/otpost; name one with --daemon FILE or --radius FILE")]
    NothingToCheck,
    /// A RADIUS client that is not in the list.
    #[error("there is no RADIUS client `{0}`; see otpostctl radius client list")]
    NoClient(String),
    /// `login explain` without a service.
    #[error("which login? write USER@SERVICE, for example alice@sshd, or USER SERVICE")]
    NoService,
    /// `--json` where there is none.
    #[error("the demonstration is for people and has no JSON; leave --json out")]
    NoJson,
    /// A login over RADIUS that went wrong.
    #[error(transparent)]
    Radius(#[from] RadiusError),
    /// The demonstration went wrong.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers; this machine cannot be used")]
    Random,
    /// The result cannot be written.
    #[error("the result cannot be written: {0}; is the disk full?")]
    Output(ErrorKind),
}

impl CtlError {
    /// The exit status that goes with it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Fault(_)
            | Self::Cancelled
            | Self::Config(_)
            | Self::NoClient(_)
            | Self::Random
            | Self::Output(_) => Exit::Refused,
            Self::Unreachable { .. } | Self::Unexpected => Exit::Unreachable,
            Self::NoTerminal { .. }
            | Self::NoCode
            | Self::NoConsent
            | Self::Mismatch { .. }
            | Self::Empty { .. }
            | Self::Unreadable { .. }
            | Self::TooLong { .. }
            | Self::NotText { .. }
            | Self::OpenSecret { .. }
            | Self::ProviderFile { .. }
            | Self::NothingToCheck
            | Self::NoService
            | Self::NoJson => Exit::Usage,
            Self::Radius(error) => error.exit(),
            Self::Demo(_) => Exit::Refused,
        }
    }

    /// `{"error": …}` with the daemon's own fields where the daemon refused.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        match self {
            Self::Fault(fault) => json!({ "error": fault }),
            other => json!({ "error": { "code": other.exit().name(), "message": other.to_string() } }),
        }
    }
}

impl From<io::Error> for CtlError {
    fn from(error: io::Error) -> Self {
        Self::Output(error.kind())
    }
}

impl From<AskError> for CtlError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Absent => Self::NoCode,
            AskError::Cancelled => Self::Cancelled,
        }
    }
}
