//! Processors and processes: where a program may run, how much processor time and memory it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Outcome;

/// Which processors a program gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cpus {
    /// All there are.
    All,
    /// The first: servers.
    Server,
    /// The last: the load generator.
    Load,
}

/// Binds this thread, and what it starts from now on, to processors.
pub(super) fn bind(cpus: Cpus, all: &CpuSet) -> Outcome<()> {
    let have: Vec<usize> = (0..CpuSet::count())
        .filter(|n| all.is_set(*n).unwrap_or(false))
        .collect();
    let mut set = CpuSet::new();
    match cpus {
        Cpus::All => have.iter().try_for_each(|n| set.set(*n))?,
        Cpus::Server => set.set(*have.first().ok_or("no processor")?)?,
        Cpus::Load => set.set(*have.last().ok_or("no processor")?)?,
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// The processors of this machine that we may use.
pub(super) fn processors() -> Outcome<CpuSet> {
    Ok(sched_getaffinity(Pid::from_raw(0))?)
}

/// A program, killed with its value. What it says goes to a file.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command` on `cpus`.
    pub(super) fn start(mut command: Command, log: &Path, cpus: Cpus, all: &CpuSet) -> Outcome<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let out = fs::OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        // A child starts where its parent may run, with all threads it will ever have.
        bind(cpus, all)?;
        let child = command.spawn();
        bind(Cpus::All, all)?;
        Ok(Self {
            child: child.map_err(|error| format!("{name}: {error}"))?,
            name,
            log: log.to_owned(),
        })
    }

    /// Its file name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fails where it has ended.
    pub(super) fn alive(&mut self) -> Outcome<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("{} ended with {status}:\n{}", self.name, self.said()).into()),
        }
    }

    /// The end of what it said.
    pub(super) fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .get(lines.len().saturating_sub(20)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// Asks it to stop and waits.
    pub(super) fn stop(mut self) -> Outcome<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// Nanoseconds of processor time that its threads have used, by thread name.
    pub(super) fn cpu(&self) -> Vec<(String, u64)> {
        let mut times: Vec<(String, u64)> = Vec::new();
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return times;
        };
        for task in tasks.flatten() {
            let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let used = read("schedstat");
            let Some(used) = used.split(' ').next().and_then(|first| first.parse::<u64>().ok()) else {
                continue;
            };
            let name = read("comm").trim().to_owned();
            match times.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += used,
                None => times.push((name, used)),
            }
        }
        times
    }

    /// Resident memory in KiB: all of it, and the part that no file backs.
    pub(super) fn memory(&self) -> Outcome<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        Ok(Memory {
            resident: field("VmRSS:").ok_or("no VmRSS")?,
            anonymous: field("RssAnon:").ok_or("no RssAnon")?,
        })
    }
}

/// KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Memory {
    pub(super) resident: u64,
    pub(super) anonymous: u64,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
