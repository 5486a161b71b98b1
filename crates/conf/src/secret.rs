//! Secrets from files.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::libc;
use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

use crate::{ConfError, Kind, PermissionError, permissions};

/// No secret of ours comes near.
const LIMIT: u64 = 64 * 1024;

/// A file that holds one secret. It is read only if nobody but root and the running user can read or change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
    kind: Kind,
}

impl SecretFile {
    /// A secret in a file of its own.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Secret,
        }
    }

    /// A secret handed over by systemd (`LoadCredential=`); `directory` is the value of `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// When there is no such directory, or `name` is not a plain file name.
    pub fn credential(directory: Option<&Path>, name: &str) -> Result<Self, ConfError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
            return Err(ConfError::CredentialName {
                name: name.to_owned(),
            });
        }
        let directory = directory.ok_or_else(|| ConfError::NoCredentials {
            name: name.to_owned(),
        })?;
        Ok(Self {
            path: directory.join(name),
            kind: Kind::Credential,
        })
    }

    /// Where the secret is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a secret that people type or paste: one trailing newline (LF or CR LF) is not part of it.
    ///
    /// # Errors
    /// When the file is missing, open to others, empty or too large.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, ConfError> {
        let mut bytes = self.read_binary()?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        if bytes.is_empty() {
            return Err(ConfError::EmptySecret {
                path: self.path.clone(),
            });
        }
        Ok(bytes)
    }

    /// Reads a secret made by a program, every byte of it: a key of random bytes may well end in a newline.
    ///
    /// # Errors
    /// When the file is missing, open to others, empty or too large.
    pub fn read_binary(&self) -> Result<Zeroizing<Vec<u8>>, ConfError> {
        let fail = |error: &io::Error| unreadable(&self.path, error);
        let link = fs::symlink_metadata(&self.path).map_err(|error| fail(&error))?;
        if link.is_symlink() {
            self.check_link()?;
        }
        let real = fs::canonicalize(&self.path).map_err(|error| fail(&error))?;
        // The resolved path has no links left: a link put there since is refused by O_NOFOLLOW, and O_NONBLOCK
        // keeps a pipe from holding up the start. The open file is what is checked, not its name.
        let file = (OpenOptions::new().read(true))
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(real)
            .map_err(|error| fail(&error))?;
        let meta = file.metadata().map_err(|error| fail(&error))?;
        permissions::check_metadata(&self.path, &meta, self.kind)?;
        if meta.len() > LIMIT {
            return Err(self.too_large());
        }

        // Room for everything at once: growing would leave copies behind that are not wiped. A file that grows
        // while it is read is refused when the room is used up.
        let room = usize::try_from(meta.len()).unwrap_or_default() + 1;
        let mut bytes = Zeroizing::new(vec![0; room]);
        let mut filled = 0;
        let mut file = file;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fail(&error)),
            }
        }
        if filled == room {
            return Err(self.too_large());
        }
        bytes.truncate(filled);
        if bytes.is_empty() {
            return Err(ConfError::EmptySecret {
                path: self.path.clone(),
            });
        }
        Ok(bytes)
    }

    /// Reads a secret that must be text; trims as [`Self::read`] does.
    ///
    /// # Errors
    /// As [`Self::read`], and when it is not UTF-8.
    pub fn read_text(&self) -> Result<Zeroizing<String>, ConfError> {
        let mut bytes = self.read()?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(ConfError::NotUtf8 {
                    path: self.path.clone(),
                    line: 1,
                })
            }
        }
    }

    /// A link is followed only where not everybody could have made it.
    fn check_link(&self) -> Result<(), ConfError> {
        let parent = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let meta = fs::metadata(parent).map_err(|error| unreadable(parent, &error))?;
        if meta.mode() & 0o002 != 0 {
            return Err(PermissionError::Symlink {
                path: self.path.clone(),
            }
            .into());
        }
        Ok(())
    }

    fn too_large(&self) -> ConfError {
        ConfError::TooLarge {
            path: self.path.clone(),
            limit: LIMIT,
        }
    }
}

impl<'de> Deserialize<'de> for SecretFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PathBuf::deserialize(deserializer).map(Self::new)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> ConfError {
    ConfError::Unreadable {
        path: path.to_path_buf(),
        kind: error.kind(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
