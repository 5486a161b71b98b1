//! A wall clock that can be put forward under a program that runs: what ends after minutes is tested without waiting.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::command::run;

/// Seconds that a program's wall clock is ahead.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    path: PathBuf,
    file: File,
    ahead: AtomicI64,
}

impl Clock {
    /// A clock that is right, with its files in `dir`.
    ///
    /// # Panics
    /// Without a C compiler.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clock/clock.c");
        let library = dir.join("clock.so");
        let compiled = run(Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(source));
        assert!(compiled.status.success(), "{compiled:?}");
        let path = dir.join("clock");
        fs::write(&path, 0_i64.to_ne_bytes()).expect("a file");
        let file = File::options().write(true).open(&path).expect("the same file");
        Self {
            library,
            path,
            file,
            ahead: AtomicI64::new(0),
        }
    }

    /// Makes `command` go by it.
    pub fn set(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("OTPOST_TEST_CLOCK", &self.path);
    }

    /// Puts it forward.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn pass(&self, seconds: i64) {
        let ahead = self
            .ahead
            .fetch_add(seconds, Ordering::Relaxed)
            .saturating_add(seconds);
        self.file
            .write_all_at(&ahead.to_ne_bytes(), 0)
            .expect("the clock's file");
    }
}
