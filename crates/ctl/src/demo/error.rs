use std::{io::ErrorKind, path::PathBuf, time::Duration};

use nix::errno::Errno;

/// Why the demonstration ended early. What a program wrote last comes with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DemoError {
    /// A program is not where it should be.
    #[error(
        "{path} is not there: the demonstration needs otpostd, otpost-radius and otpost-portal beside otpostctl; \
         build all four: cargo build -p otpost-daemon -p otpost-radius -p otpost-portal -p otpost-ctl",
        path = .path.display()
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The program does not know its own place.
    #[error("cannot find out where this program is: {0}")]
    Lost(ErrorKind),
    /// The temporary directory, or a file in it, cannot be made.
    #[error("{path}: cannot be made: {kind}; set TMPDIR to a directory with room that you may write to", path = .path.display())]
    Directory {
        /// What was to be made.
        path: PathBuf,
        /// The system's reason.
        kind: ErrorKind,
    },
    /// Signals cannot be caught.
    #[error("cannot prepare for signals: {}", .0.desc())]
    Signals(Errno),
    /// A program cannot be started.
    #[error("{path}: cannot be started: {kind}", path = .path.display())]
    Spawn {
        /// The program.
        path: PathBuf,
        /// The system's reason.
        kind: ErrorKind,
    },
    /// The demonstration ended before its program began.
    #[error("the demonstration this program belongs to has ended")]
    Orphan,
    /// A program ended by itself.
    #[error("{program} ended by itself ({status}); its last words:\n{log}")]
    Ended {
        /// Which one.
        program: &'static str,
        /// How.
        status: String,
        /// The tail of its log.
        log: String,
    },
    /// A program runs, but does not serve.
    #[error("{program} was not ready after {}s; its last words:\n{log}", .waited.as_secs())]
    NotReady {
        /// Which one.
        program: &'static str,
        /// How long it had.
        waited: Duration,
        /// The tail of its log.
        log: String,
    },
    /// No port of the loopback interface is free.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(ErrorKind),
    /// The page with the texts cannot be served.
    #[error("the page with the texts cannot be served: {0}")]
    Page(ErrorKind),
    /// The inbox cannot be read.
    #[error("the inbox with the texts cannot be read: {0}")]
    Inbox(ErrorKind),
    /// A text that should come did not.
    #[error("no text arrived within {}s", .0.as_secs())]
    NoText(Duration),
    /// Another number of texts than there should be.
    #[error("{got} texts were sent, there should be {expected}")]
    Texts {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// A text without a code.
    #[error("the text holds no code")]
    NoCode,
    /// A login went another way than it should.
    #[error("the answer should be {expected}, but it is {got}{}", said(.message))]
    Answer {
        /// What should be answered.
        expected: &'static str,
        /// What was answered.
        got: &'static str,
        /// Reply-Message.
        message: String,
    },
    /// Ctrl-C, or the terminal went away, before the end.
    #[error("interrupted; everything was removed")]
    Interrupted,
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}
