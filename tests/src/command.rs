//! Programs that are expected to end by themselves.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use crate::pamstack::{target_dir, wait_for};

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

/// `name` of this build, with nothing of our own environment that could change what it does.
#[must_use]
pub fn program<I: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(target_dir().join(name));
    command
        .args(args)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env_remove("OTPOST_ADMIN_SOCKET");
    command
}

/// A program that runs, with its streams.
#[derive(Debug)]
pub struct Running {
    child: Child,
    out: Option<JoinHandle<String>>,
    err: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts `command`.
    ///
    /// # Panics
    /// When the program is missing: build the workspace first.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}; run cargo build --workspace"));
        let out = child.stdout.take().map(collect);
        let err = child.stderr.take().map(collect);
        Self { child, out, err }
    }

    /// Writes `line` to its standard input, which stays open.
    ///
    /// # Panics
    /// When it does not listen any more.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| stdin.flush())
            .expect("the program reads");
    }

    /// Closes its standard input and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        let status = wait_for("a program to end", || self.child.try_wait().ok().flatten());
        let take = |stream: Option<JoinHandle<String>>| {
            stream.and_then(|stream| stream.join().ok()).unwrap_or_default()
        };
        Ended {
            status,
            out: take(self.out.take()),
            err: take(self.err.take()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut octets = Vec::new();
        let _ = stream.read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    })
}

/// Runs `command` to its end, with nothing to read.
///
/// # Panics
/// When it does not end.
#[must_use]
pub fn run(command: &mut Command) -> Ended {
    Running::start(command).end()
}

/// Checks that `ended` is a refusal in one readable message that holds all of `parts`.
///
/// # Panics
/// When it is not.
pub fn refusal(program: &str, ended: &Ended, parts: &[&str]) {
    let Ended { status, out, err } = ended;
    let shown = format!("{program} {status}\n{out}\n{err}");
    assert!(matches!(status.code(), Some(1..=3)), "{shown}");
    assert!(out.is_empty(), "{shown}");
    // What was done before may be in the log above it.
    let start = err
        .find(&format!("{program}: "))
        .unwrap_or_else(|| panic!("{shown}"));
    let (log, message) = err.split_at(start);
    assert!(log.lines().all(|line| line.contains(" INFO ")), "{shown}");
    assert_eq!(message.matches(&format!("{program}: ")).count(), 1, "{shown}");
    readable(message);
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing: {shown}");
    }
}

/// Checks that nothing in `text` was written for the programmer.
///
/// # Panics
/// When something was.
pub fn readable(text: &str) {
    for noise in [
        "panicked",
        "RUST_BACKTRACE",
        "Os {",
        "Error {",
        "Err(",
        "Some(",
        "unwrap",
        "src/",
        ".rs:",
    ] {
        assert!(!text.contains(noise), "{noise:?} in {text}");
    }
    assert!((1..12).contains(&text.lines().count()), "{text}");
}
