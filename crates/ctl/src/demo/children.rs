//! The sibling programs as processes that never outlive the demonstration.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{self, Command, ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    unistd::{Pid, getppid},
};
use otpost_ipc::client::Deadline;

use super::{DemoError, Sandbox, signals};
use crate::args::DemoChild;

/// How long a program has to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// Where the programs are.
#[derive(Debug)]
pub(super) struct Programs {
    own: PathBuf,
    daemon: PathBuf,
    radius: PathBuf,
    portal: PathBuf,
}

impl Programs {
    /// Looks beside this program, as a build and a package put them.
    pub(super) fn find() -> Result<Self, DemoError> {
        let own = std::env::current_exe().map_err(|error| DemoError::Lost(error.kind()))?;
        let beside = |name: &str| {
            let path = own.with_file_name(name);
            if path.is_file() {
                Ok(path)
            } else {
                Err(DemoError::Missing { path })
            }
        };
        Ok(Self {
            daemon: beside("otpostd")?,
            radius: beside("otpost-radius")?,
            portal: beside("otpost-portal")?,
            own,
        })
    }

    pub(super) fn daemon(&self, config: &Path, sandbox: &Sandbox) -> Result<Child, DemoError> {
        self.start("otpostd", &self.daemon, config, sandbox)
    }

    pub(super) fn radius(&self, config: &Path, sandbox: &Sandbox) -> Result<Child, DemoError> {
        self.start("otpost-radius", &self.radius, config, sandbox)
    }

    pub(super) fn portal(&self, config: &Path, sandbox: &Sandbox) -> Result<Child, DemoError> {
        self.start("otpost-portal", &self.portal, config, sandbox)
    }

    fn start(
        &self,
        name: &'static str,
        program: &Path,
        config: &Path,
        sandbox: &Sandbox,
    ) -> Result<Child, DemoError> {
        let log = sandbox.write(&format!("{name}.log"), "")?;
        let spawn = |kind: ErrorKind| DemoError::Spawn {
            path: program.to_owned(),
            kind,
        };
        let sink = File::options()
            .append(true)
            .open(&log)
            .and_then(|file| Ok((file.try_clone()?, file)))
            .map_err(|error| spawn(error.kind()))?;
        let process = Command::new(&self.own)
            .arg("demo-child")
            .arg(process::id().to_string())
            .arg(program)
            .arg("--config")
            .arg(config)
            .current_dir(sandbox.path())
            // The service manager of the demonstration, if it has one, is not theirs.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(Stdio::null())
            .stdout(sink.0)
            .stderr(sink.1)
            // A Ctrl-C reaches the demonstration only, which then stops them in order.
            .process_group(0)
            .spawn()
            .map_err(|error| spawn(error.kind()))?;
        Ok(Child {
            name,
            process,
            log,
            ended: None,
        })
    }
}

/// How to call this program again: relative to the working directory where that is shorter.
pub(super) fn own_name() -> PathBuf {
    let Ok(own) = std::env::current_exe() else {
        return PathBuf::from("otpostctl");
    };
    std::env::current_dir()
        .ok()
        .and_then(|here| own.strip_prefix(here).map(Path::to_owned).ok())
        .unwrap_or(own)
}

/// Runs in the new process: ties its life to the demonstration's, then becomes the program. Returns only on failure.
pub(super) fn become_program(child: &DemoChild) -> DemoError {
    let prepared = prctl::set_pdeathsig(Signal::SIGTERM)
        .map_err(DemoError::Signals)
        .and_then(|()| {
            // The demonstration may have ended before the line above.
            if getppid() == Pid::from_raw(child.parent) {
                signals::release()
            } else {
                Err(DemoError::Orphan)
            }
        });
    if let Err(error) = prepared {
        return error;
    }
    let error = Command::new(&child.program).args(&child.args).exec();
    DemoError::Spawn {
        path: child.program.clone(),
        kind: error.kind(),
    }
}

/// A running program. It is stopped on drop.
#[derive(Debug)]
pub(super) struct Child {
    name: &'static str,
    process: process::Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Fails when the program has ended.
    pub(super) fn check(&mut self) -> Result<(), DemoError> {
        match self.status() {
            None => Ok(()),
            Some(status) => Err(DemoError::Ended {
                program: self.name,
                status: match (status.code(), status.signal()) {
                    (Some(code), _) => format!("exit status {code}"),
                    (None, Some(signal)) => format!("signal {signal}"),
                    (None, None) => status.to_string(),
                },
                log: self.tail(),
            }),
        }
    }

    /// The error for a program that does not serve in time.
    pub(super) fn not_ready(&self, waited: Duration) -> DemoError {
        DemoError::NotReady {
            program: self.name,
            waited,
            log: self.tail(),
        }
    }

    /// All that the program wrote.
    pub(super) fn log(&self) -> String {
        fs::read(&self.log)
            .map(|octets| String::from_utf8_lossy(&octets).into_owned())
            .unwrap_or_default()
    }

    fn tail(&self) -> String {
        const LINES: usize = 20;
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
        if tail.is_empty() {
            "  (it wrote nothing)".to_owned()
        } else {
            tail.iter()
                .map(|line| format!("  {line}"))
                .collect::<Vec<_>>()
                .join("\n")
        }
    }

    fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            // An error means that there is no such process any more.
            self.ended = self
                .process
                .try_wait()
                .unwrap_or_else(|_| Some(ExitStatus::from_raw(0)));
        }
        self.ended
    }

    fn stop(&mut self) {
        if self.status().is_some() {
            return;
        }
        // Not reaped yet, so the number cannot be another process'.
        if let Ok(pid) = i32::try_from(self.process.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let deadline = Deadline::after(GRACE);
        while self.status().is_none() {
            if !deadline.pause(Duration::from_millis(10)) {
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
    }
}
