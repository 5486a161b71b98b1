//! A program that asks at its standard output or error, and waits for a line.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::pamstack::wait_for;

/// The program; killed when dropped.
#[derive(Debug)]
pub struct Talk {
    child: Child,
    log: PathBuf,
    /// What was heard already.
    heard: usize,
}

impl Talk {
    /// Starts `command`; what it says goes to `log`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).expect("a log file");
        let child = command
            .stdin(Stdio::piped())
            .stdout(out.try_clone().expect("the same file"))
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            child,
            log: log.to_owned(),
            heard: 0,
        }
    }

    /// Everything it said.
    #[must_use]
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until it says `part`, after what was heard before; gives what came until then.
    ///
    /// # Panics
    /// When it never does.
    pub fn hear(&mut self, part: &str) -> String {
        let from = self.heard;
        self.hear_one(&[part]);
        let said = self.said();
        said.get(from..self.heard).unwrap_or_default().to_owned()
    }

    /// Waits until it says one of `parts`, after what was heard before; gives which: the one that comes first.
    ///
    /// # Panics
    /// When it says none of them.
    pub fn hear_one(&mut self, parts: &[&str]) -> usize {
        let (which, end) = wait_for(&format!("one of {parts:?}"), || {
            let ended = self.child.try_wait().ok().flatten();
            let said = self.said();
            let new = said.get(self.heard..).unwrap_or_default();
            let found = (parts.iter().enumerate())
                .filter_map(|(n, part)| Some((new.find(part)?, n, part.len())))
                .min();
            assert!(
                found.is_some() || ended.is_none(),
                "{parts:?} never came, {ended:?}: {said}"
            );
            found.map(|(at, which, length)| (which, self.heard + at + length))
        });
        self.heard = end;
        which
    }

    /// Types a line.
    ///
    /// # Panics
    /// When it does not listen any more.
    pub fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| stdin.flush())
            .unwrap_or_else(|error| panic!("{error}: {}", self.said()));
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Closes its standard input and waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end(&mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        wait_for("a program to end", || self.child.try_wait().ok().flatten())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = self.said();
            let tail: Vec<&str> = said.lines().rev().take(40).collect();
            let mut err = std::io::stderr();
            for line in tail.iter().rev() {
                let _ = writeln!(err, "{}: {line}", self.log.display());
            }
        }
    }
}
