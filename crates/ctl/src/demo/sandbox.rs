//! The temporary directory.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;

use super::DemoError;
use crate::{CtlError, sys};

/// Longest directory that leaves room for a socket's name in the 108 octets of a socket address (unix(7)).
const LONGEST_BASE: usize = 60;

/// A directory of mode 0700 that is removed on drop, with everything in it.
#[derive(Debug)]
pub(super) struct Sandbox {
    path: PathBuf,
}

impl Sandbox {
    pub(super) fn new() -> Result<Self, CtlError> {
        let wanted = std::env::temp_dir();
        let base = if wanted.as_os_str().as_bytes().len() <= LONGEST_BASE && wanted.is_absolute() {
            wanted
        } else {
            PathBuf::from("/tmp")
        };
        let name = HEXLOWER.encode(&sys::random::<8>()?);
        let path = base.join(format!("otpost-demo-{name}"));
        make(&path)?;
        let sandbox = Self { path };
        make(&sandbox.data())?;
        make(&sandbox.sockets())?;
        Ok(sandbox)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Database and master key.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The daemon's sockets.
    pub(super) fn sockets(&self) -> PathBuf {
        self.path.join("run")
    }

    pub(super) fn admin_socket(&self) -> PathBuf {
        self.sockets().join("admin.sock")
    }

    /// The texts.
    pub(super) fn inbox(&self) -> PathBuf {
        self.path.join("inbox.jsonl")
    }

    /// Writes a file that only this user can read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, DemoError> {
        let path = self.path.join(name);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, error.kind()))?;
        Ok(path)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Nobody is left to tell; the directory stands in the first line of the output.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn make(path: &Path) -> Result<(), DemoError> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(|error| failed(path, error.kind()))
}

fn failed(path: &Path, kind: ErrorKind) -> DemoError {
    DemoError::Directory {
        path: path.to_owned(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_directory_is_private_and_goes_away_with_what_is_in_it() {
        let sandbox = Sandbox::new().unwrap();
        let path = sandbox.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        let file = sandbox.write("secret", "x").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
        assert!(sandbox.admin_socket().as_os_str().len() < 108);
        drop(sandbox);
        assert!(!path.exists());
    }
}
