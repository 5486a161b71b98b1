//! From a file to a configuration, or to an error that shows the line.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
};

use serde::de::DeserializeOwned;

use crate::{ConfError, Diagnostic, Kind, permissions};

/// No configuration of ours comes near; a mistaken path to a database or a device must not fill the memory.
const LIMIT: u64 = 1024 * 1024;

/// Loads one process' configuration file.
///
/// # Errors
/// When the file is missing, unreadable, writable by everyone, not text, or wrong at some line.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
    permissions::check_metadata(path, &meta, Kind::Config)?;

    let mut bytes = Vec::new();
    (file.take(LIMIT + 1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > LIMIT) {
        return Err(ConfError::TooLarge {
            path: path.to_path_buf(),
            limit: LIMIT,
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let newlines = error
            .as_bytes()
            .iter()
            .take(good)
            .filter(|byte| **byte == b'\n')
            .count();
        ConfError::NotUtf8 {
            path: path.to_path_buf(),
            line: newlines + 1,
        }
    })?;
    parse(path, &text)
}

/// Reads a configuration from text; `path` only names it in errors.
///
/// # Errors
/// When the text is wrong at some line.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfError> {
    toml::from_str(text).map_err(|error| ConfError::Invalid(Box::new(Diagnostic::new(path, text, &error))))
}

fn unreadable(path: &Path, error: &io::Error) -> ConfError {
    let path = path.to_path_buf();
    match error.kind() {
        ErrorKind::NotFound => ConfError::Missing { path },
        kind => ConfError::Unreadable { path, kind },
    }
}

#[cfg(test)]
mod tests;
