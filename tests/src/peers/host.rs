//! A host of its own: a network namespace with its own `/run`, for servers that want their usual ports and for tunnels.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::command;

/// Keeps the namespaces until its standard input closes: so they go with the test, however that ends.
const HOLD: &str = "set -eu\nmount -t tmpfs -o mode=755 none /run\nip link set lo up\necho ready\nexec cat";

/// A host; gone with its value, and everything on it is to be ended before.
#[derive(Debug)]
pub struct Host {
    holder: Child,
}

impl Host {
    /// A host, or `None` after [`crate::skip()`] where this machine cannot have one, has no device of the kind `devices`, or
    /// lacks one of `programs`.
    #[must_use]
    pub fn or_skip(programs: &[&str], devices: &[&str]) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            crate::skip("needs root: it makes network namespaces");
            return None;
        }
        for program in programs {
            if !on_path(program) {
                crate::skip(&format!("needs {program}; install it (make setup)"));
                return None;
            }
        }
        for device in devices {
            // The node may be there without a driver.
            if let Err(why) = File::options().read(true).write(true).open(device) {
                crate::skip(&format!("needs {device}: {why}"));
                return None;
            }
        }
        match Self::new() {
            Ok(host) => Some(host),
            Err(why) => {
                crate::skip(&format!("needs a network namespace: {why}"));
                None
            }
        }
    }

    /// A further host.
    ///
    /// # Errors
    /// What the programs that make it say.
    pub fn new() -> Result<Self, String> {
        let mut holder = Command::new("unshare")
            .args([
                "--mount",
                "--net",
                "--propagation",
                "private",
                "/bin/sh",
                "-c",
                HOLD,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut line = String::new();
        let read = holder
            .stdout
            .as_mut()
            .map(|out| BufReader::new(out).read_line(&mut line));
        if line.trim() == "ready" {
            return Ok(Self { holder });
        }
        let ended = holder.wait_with_output().map_err(|error| error.to_string())?;
        let why = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        Err(format!("{why} ({read:?})"))
    }

    /// A command that runs `program` here; its own arguments are to be added. Killing it kills `program`.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(["--mount", "--net", "--"])
            .arg(program);
        command
    }

    /// Runs `ip` here.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, arguments: &str) {
        let ended = command::run(self.command("ip").args(arguments.split(' ')));
        assert!(ended.status.success(), "ip {arguments}: {ended:?}");
    }

    /// A cable between this host, with the address `mine`, and another, with `theirs`; both with their number of bits.
    ///
    /// # Panics
    /// When the kernel has none.
    pub fn cable(&self, other: &Self, mine: &str, theirs: &str) {
        self.ip(&format!(
            "link add net0 type veth peer name net0 netns {}",
            other.holder.id()
        ));
        for (host, address) in [(self, mine), (other, theirs)] {
            host.ip(&format!("address add {address} dev net0"));
            host.ip("link set net0 up");
        }
    }

    /// Does `what` in a thread whose sockets are this host's.
    ///
    /// # Panics
    /// When the namespace cannot be entered.
    pub fn inside<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        let path = format!("/proc/{}/ns/net", self.holder.id());
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let namespace = File::open(path).expect("the namespace");
                setns(namespace, CloneFlags::CLONE_NEWNET).expect("the namespace is entered");
                what()
            });
            thread.join().expect("what runs inside does not panic")
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn on_path(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .any(|dir| std::path::Path::new(dir).join(program).exists())
}
