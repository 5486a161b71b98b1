//! Who can read and write a file: the checks, and errors that name the command that mends it.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::{Uid, User, geteuid};

/// What a file or directory is used for, which decides who may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A configuration file: everybody may read it, not everybody may write it.
    Config,
    /// A directory of configuration files: as [`Kind::Config`].
    ConfigDirectory,
    /// A file that holds a secret: only its owner, which must be root or the running user, may read or write it.
    Secret,
    /// A systemd credential: as [`Kind::Secret`], but root's group may have read permission too, because the service
    /// manager grants access by an ACL, whose mask shows as the group's bits.
    Credential,
    /// A directory for data or keys: only its owner, which must be root or the running user, may write in it, and
    /// others may not look into it.
    PrivateDirectory,
    /// A directory for sockets: only its owner, which must be root or the running user, may write in it.
    SocketDirectory,
}

impl Kind {
    fn is_directory(self) -> bool {
        matches!(
            self,
            Self::ConfigDirectory | Self::PrivateDirectory | Self::SocketDirectory
        )
    }
}

/// A file or directory whose permissions do not suit its use; the text ends with the command that mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// Nothing is there.
    #[error("{path}: does not exist\n  = help: create it, or correct the path", path = .path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
    },
    /// The operating system refused to look.
    #[error(
        "{path}: cannot be looked at: {kind}\n  = help: check the permissions on the way to it: namei -l {path}",
        path = .path.display()
    )]
    Inaccessible {
        /// What was looked for.
        path: PathBuf,
        /// The operating system's reason.
        kind: ErrorKind,
    },
    /// Neither a regular file nor, where one is wanted, a directory.
    #[error("{path}: is not a {wanted}\n  = help: name a {wanted}", path = .path.display())]
    WrongType {
        /// What was looked at.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
    },
    /// Others than its owner have permissions they must not have.
    #[error(
        "{path}: mode {mode:04o} lets others {act} it\n  = help: chmod {chmod} {path}",
        path = .path.display()
    )]
    TooOpen {
        /// What was looked at.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What others could do.
        act: &'static str,
        /// The argument to chmod that mends it.
        chmod: &'static str,
    },
    /// It belongs to somebody who could change or read it at will.
    #[error(
        "{path}: belongs to {owner}, but only root or {user} may own it\n  = help: chown {user} {path}",
        path = .path.display()
    )]
    Owner {
        /// What was looked at.
        path: PathBuf,
        /// The owner's name, or number.
        owner: String,
        /// The running user's name, or number.
        user: String,
    },
    /// A symbolic link where everybody can make one.
    #[error(
        "{path}: is a symbolic link in a directory that everybody can write in\n  = help: name the real file, or move \
         it to a directory of its own",
        path = .path.display()
    )]
    Symlink {
        /// The link.
        path: PathBuf,
    },
}

/// Checks that only the right people can touch what is at `path`.
///
/// # Errors
/// When it is not there or others can do what they must not; the text names the command that mends it.
pub fn check_permissions(path: &Path, kind: Kind) -> Result<(), PermissionError> {
    let meta = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => PermissionError::Missing {
            path: path.to_path_buf(),
        },
        kind => PermissionError::Inaccessible {
            path: path.to_path_buf(),
            kind,
        },
    })?;
    check_metadata(path, &meta, kind)
}

/// [`check_permissions`] for a file that is open already, so that what was checked is what is read.
pub(crate) fn check_metadata(path: &Path, meta: &Metadata, kind: Kind) -> Result<(), PermissionError> {
    let directory = kind.is_directory();
    if directory != meta.is_dir() || !directory && !meta.is_file() {
        return Err(PermissionError::WrongType {
            path: path.to_path_buf(),
            wanted: if directory { "directory" } else { "regular file" },
        });
    }
    let root_group_may_read = kind == Kind::Credential && meta.uid() == 0 && meta.gid() == 0;
    let (forbidden, act, chmod) = match kind {
        Kind::Config => (0o002, "write", "o-w"),
        Kind::ConfigDirectory => (0o002, "write in", "o-w"),
        Kind::Secret => (0o077, "read or write", "go="),
        Kind::Credential if root_group_may_read => (0o037, "read or write", "o=,g-wx"),
        Kind::Credential => (0o077, "read or write", "go="),
        Kind::PrivateDirectory => (0o077, "look into or write", "go="),
        Kind::SocketDirectory => (0o022, "replace files in", "go-w"),
    };
    // The owner first: chmod alone would not mend a file that belongs to somebody else.
    if !matches!(kind, Kind::Config | Kind::ConfigDirectory) {
        check_owner(path, Uid::from_raw(meta.uid()))?;
    }
    let mode = meta.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(PermissionError::TooOpen {
            path: path.to_path_buf(),
            mode,
            act,
            chmod,
        });
    }
    Ok(())
}

fn check_owner(path: &Path, owner: Uid) -> Result<(), PermissionError> {
    let user = geteuid();
    if owner.is_root() || owner == user {
        return Ok(());
    }
    Err(PermissionError::Owner {
        path: path.to_path_buf(),
        owner: name(owner),
        user: name(user),
    })
}

fn name(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => uid.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::secret::tests::Scratch;

    fn check(mode: u32, kind: Kind) -> Result<(), PermissionError> {
        let scratch = Scratch::new();
        let directory = kind.is_directory();
        let path = scratch.path("thing");
        if directory {
            fs::create_dir(&path).unwrap();
        } else {
            fs::write(&path, "x").unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        check_permissions(&path, kind)
    }

    #[test]
    fn each_kind_forbids_what_its_use_forbids() {
        for (kind, good, bad) in [
            (Kind::Config, vec![0o644, 0o664, 0o600], vec![0o646, 0o666]),
            (
                Kind::ConfigDirectory,
                vec![0o755, 0o775, 0o700],
                vec![0o757, 0o1777],
            ),
            (
                Kind::Secret,
                vec![0o600, 0o400],
                vec![0o640, 0o604, 0o620, 0o602, 0o444],
            ),
            (Kind::Credential, vec![0o400, 0o600], vec![0o444, 0o460, 0o604]),
            (Kind::PrivateDirectory, vec![0o700], vec![0o755, 0o750, 0o711]),
            (
                Kind::SocketDirectory,
                vec![0o755, 0o700, 0o711],
                vec![0o775, 0o757, 0o1777],
            ),
        ] {
            for mode in good {
                assert_eq!(check(mode, kind), Ok(()), "{kind:?} {mode:o}");
            }
            for mode in bad {
                let error = check(mode, kind).unwrap_err();
                assert!(
                    matches!(error, PermissionError::TooOpen { .. }),
                    "{kind:?} {mode:o}: {error}"
                );
            }
        }
    }

    #[test]
    fn the_error_is_the_command_to_type() {
        let text = check(0o644, Kind::Secret).unwrap_err().to_string();
        assert!(text.contains("mode 0644 lets others read or write it"), "{text}");
        assert!(text.contains("chmod go= /"), "{text}");
    }

    #[test]
    fn another_owner_is_refused_by_name_and_with_chown() {
        let scratch = Scratch::new();
        let path = scratch.path("thing");
        let stranger = Uid::from_raw(geteuid().as_raw().wrapping_add(54_321));
        let error = check_owner(&path, stranger).unwrap_err();
        assert_eq!(
            error,
            PermissionError::Owner {
                path: path.clone(),
                owner: stranger.to_string(),
                user: name(geteuid()),
            }
        );
        assert!(
            error
                .to_string()
                .contains(&format!("chown {} {}", name(geteuid()), path.display()))
        );
        assert_eq!(check_owner(&path, Uid::from_raw(0)), Ok(()));
    }

    #[test]
    fn wrong_type_and_absence_are_told_apart() {
        let scratch = Scratch::new();
        let path = scratch.path("thing");
        assert_eq!(
            check_permissions(&path, Kind::Secret),
            Err(PermissionError::Missing { path: path.clone() })
        );
        fs::create_dir(&path).unwrap();
        assert!(matches!(
            check_permissions(&path, Kind::Config),
            Err(PermissionError::WrongType {
                wanted: "regular file",
                ..
            })
        ));
    }
}
