//! Names of RADIUS attributes: the shipped dictionaries and those in the administrator's folder.
//!
//! Replaced as a whole, so that whoever asks sees either the old ones or the new ones. Deliberately absent: the format and
//! what an entry may say (those are in `otpost-radius-wire`).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use otpost_conf::daemon::AttributesConfig;
use otpost_conf::{Kind, PermissionError, check_permissions};
use otpost_radius_wire::dictionary::{Dictionary, DictionaryError, IncludeError, Note};
use tracing::{info, warn};

/// No dictionary comes near; a mistaken link to a device must not fill the memory.
const LARGEST: u64 = 4 * 1024 * 1024;
/// FreeRADIUS has 240.
const MOST_FILES: usize = 1_024;
/// Notes that are logged; somebody may have copied all of FreeRADIUS' files.
const MOST_NOTES: usize = 20;

/// Why the folder cannot be used. Each says what mends it.
#[derive(Debug, thiserror::Error)]
pub enum DictionariesError {
    /// A line of a file.
    #[error(transparent)]
    Line(#[from] DictionaryError),
    /// Who may write.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// The operating system refused.
    #[error("{}: cannot be read: {kind}\n  = help: otpostd's user must be able to read it (`namei -l {}`)", path.display(), path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        kind: ErrorKind,
    },
    /// Not what a dictionary looks like.
    #[error("{}: is larger than {LARGEST} bytes, so it is no dictionary\n  = help: move it out of the folder", .0.display())]
    TooLarge(PathBuf),
    /// Not what a folder of dictionaries looks like.
    #[error("{}: has more than {MOST_FILES} files\n  = help: keep only the dictionaries of the equipment you have", .0.display())]
    TooMany(PathBuf),
}

/// The dictionaries in use.
pub struct Dictionaries {
    current: RwLock<Arc<Dictionary>>,
}

impl Dictionaries {
    /// Reads the shipped ones and the folder.
    ///
    /// # Errors
    /// [`DictionariesError`].
    pub fn start(config: &AttributesConfig) -> Result<Self, DictionariesError> {
        Ok(Self {
            current: RwLock::new(Arc::new(load(&config.dictionaries)?)),
        })
    }

    /// Those in use at the moment.
    #[must_use]
    pub fn current(&self) -> Arc<Dictionary> {
        // Nobody panics while holding the lock; if somebody did, what is behind it would be whole all the same.
        let current = self
            .current
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(&current)
    }

    /// Reads everything anew.
    ///
    /// # Errors
    /// [`DictionariesError`]; those in use stay then.
    pub fn reload(&self, config: &AttributesConfig) -> Result<(), DictionariesError> {
        let new = Arc::new(load(&config.dictionaries)?);
        *self
            .current
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = new;
        Ok(())
    }
}

/// The shipped dictionaries and those of a folder, which need not exist.
///
/// # Errors
/// [`DictionariesError`].
pub fn load(folder: &Path) -> Result<Dictionary, DictionariesError> {
    let mut dictionary = Dictionary::shipped()?;
    let files = match check_permissions(folder, Kind::ConfigDirectory) {
        Ok(()) => files(folder)?,
        Err(PermissionError::Missing { .. }) => return Ok(dictionary),
        Err(error) => return Err(error.into()),
    };
    let mut notes = Vec::new();
    for path in &files {
        let text = read(path)?;
        let mut include = |name: &str| included(Path::new(name));
        notes.extend(dictionary.read(&path.to_string_lossy(), &text, &mut include)?);
    }
    say(folder, files.len(), &notes);
    Ok(dictionary)
}

/// What to read: the file that includes the others, or all of them by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, DictionariesError> {
    let unreadable = |error: std::io::Error| DictionariesError::Unreadable {
        path: folder.to_owned(),
        kind: error.kind(),
    };
    let whole = folder.join("dictionary");
    if fs::metadata(&whole).is_ok_and(|meta| meta.is_file()) {
        return Ok(vec![whole]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().is_some_and(is_left_over) || path.is_dir() {
            continue;
        }
        if files.len() == MOST_FILES {
            return Err(DictionariesError::TooMany(folder.to_owned()));
        }
        files.push(path);
    }
    files.sort();
    Ok(files)
}

/// Hidden files, and what editors and package managers leave behind.
fn is_left_over(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let ends = ["~", ".bak", ".swp", ".orig", ".rpmnew", ".rpmsave"];
    name.starts_with('.') || ends.iter().any(|end| name.ends_with(end)) || name.contains(".dpkg-")
}

/// A file's text. Comments may be in any encoding; names are ASCII.
fn read(path: &Path) -> Result<String, DictionariesError> {
    let unreadable = |error: std::io::Error| DictionariesError::Unreadable {
        path: path.to_owned(),
        kind: error.kind(),
    };
    check_permissions(path, Kind::Config)?;
    let file = File::open(path).map_err(unreadable)?;
    let mut octets = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut octets)
        .map_err(unreadable)?;
    if u64::try_from(octets.len()).is_ok_and(|length| length > LARGEST) {
        return Err(DictionariesError::TooLarge(path.to_owned()));
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn included(path: &Path) -> Result<String, IncludeError> {
    match read(path) {
        Ok(text) => Ok(text),
        Err(DictionariesError::Permissions(PermissionError::Missing { .. })) => Err(IncludeError::Missing),
        Err(error) => Err(IncludeError::Refused(error.to_string())),
    }
}

fn say(folder: &Path, files: usize, notes: &[Note]) {
    for note in notes.iter().take(MOST_NOTES) {
        warn!("{note}");
    }
    let more = notes.len().saturating_sub(MOST_NOTES);
    info!(folder = %folder.display(), files, unsaid_notes = more, "RADIUS dictionaries read");
}

#[cfg(test)]
mod tests;
