//! Ctrl-C and its kin as something to wait for, so that the end is an orderly one.

use std::{cell::Cell, os::fd::AsFd, time::Duration};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};

use super::DemoError;

/// SIGINT, SIGTERM and SIGHUP of this process, blocked from now on and seen here instead.
#[derive(Debug)]
pub(super) struct Signals {
    fd: SignalFd,
    seen: Cell<bool>,
}

impl Signals {
    /// Must come before any thread is started: a thread that does not block them would die of them.
    pub(super) fn catch() -> Result<Self, DemoError> {
        let set: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
            .into_iter()
            .collect();
        set.thread_block().map_err(DemoError::Signals)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let fd = SignalFd::with_flags(&set, flags).map_err(DemoError::Signals)?;
        Ok(Self {
            fd,
            seen: Cell::new(false),
        })
    }

    /// Waits, at most so long, and says whether a signal has come by then.
    pub(super) fn arrived(&self, wait: Duration) -> bool {
        if !self.seen.get() {
            let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(ready) => self.seen.set(ready > 0),
                Err(Errno::EINTR) => {}
                // A wait that cannot wait must not become a busy loop.
                Err(_) => self.seen.set(true),
            }
        }
        self.seen.get()
    }

    /// Waits, and fails when a signal has come.
    pub(super) fn pause(&self, wait: Duration) -> Result<(), DemoError> {
        if self.arrived(wait) {
            Err(DemoError::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// Lets this process get all signals again: what a program started by the demonstration expects.
pub(super) fn release() -> Result<(), DemoError> {
    SigSet::empty().thread_set_mask().map_err(DemoError::Signals)
}
