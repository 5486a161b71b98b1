//! A program at a pseudo-terminal, in a [`Sandbox`] or elsewhere, typed at and read from as a person would.
//!
//! The terminal is that of script(1).
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::pamstack::{Sandbox, wait_for};

/// What a Ctrl-C key sends.
pub const CTRL_C: &str = "\u{3}";
/// What a Ctrl-D key sends: at the start of a line, the end of all input.
pub const CTRL_D: &str = "\u{4}";

/// A running program with its terminal; killed with it.
pub struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    shown: Arc<Mutex<String>>,
    screen: Option<JoinHandle<()>>,
    /// What has been waited for already ends here.
    seen: usize,
}

impl Terminal {
    /// Runs a line of the shell inside, with the root user's rights.
    ///
    /// # Panics
    /// When script(1) is missing.
    #[must_use]
    pub fn start(sandbox: &Sandbox, line: &str) -> Self {
        Self::with(sandbox.command("script"), line)
    }

    /// Runs a line of the shell where `script` runs, which is script(1) with nothing said to it yet.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn with(mut script: Command, line: &str) -> Self {
        script
            .args(["--quiet", "--return", "--flush", "--command", line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = script.spawn().expect("script from bsdutils");
        let keyboard = child.stdin.take().expect("a pipe");
        let mut output = child.stdout.take().expect("a pipe");
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = thread::spawn({
            let shown = Arc::clone(&shown);
            move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = output.read(&mut buffer) {
                    let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                    shown
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push_str(&text);
                }
            }
        });
        Self {
            child,
            keyboard,
            shown,
            screen: Some(screen),
            seen: 0,
        }
    }

    /// Everything that is on the screen.
    #[must_use]
    pub fn shown(&self) -> String {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the screen shows `part` behind what was waited for before; gives what came from there to the end
    /// of `part`.
    ///
    /// # Panics
    /// When it does not come.
    pub fn shows(&mut self, part: &str) -> String {
        let from = self.seen;
        let what = format!("{part:?} on the screen");
        let text = wait_for(&what, || {
            let shown = self.shown();
            let rest = shown.get(from..).unwrap_or_default();
            let end = rest.find(part)? + part.len();
            rest.get(..end).map(str::to_owned)
        });
        self.seen += text.len();
        text
    }

    /// Presses keys; Return is `\n`.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn types(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .and_then(|()| self.keyboard.flush())
            .expect("a terminal that reads");
    }

    /// Waits for the end; whether the line succeeded, and everything that was shown.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn end(mut self) -> (bool, String) {
        let status = wait_for("the program at the terminal to end", || {
            self.child.try_wait().ok().flatten()
        });
        if let Some(screen) = self.screen.take() {
            let _ = screen.join();
        }
        (status.success(), self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "on the screen: {:?}", self.shown());
        }
    }
}
