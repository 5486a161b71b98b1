//! `[keys]`: where the master key is.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{ConfError, SecretFile};

/// The master key, from which all working keys are derived. It is never in the database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KeysConfig {
    /// A file that only the daemon's user can read; made on the first start.
    pub master_key_file: PathBuf,
    /// The name of a systemd credential to use instead of the file.
    pub master_key_credential: Option<String>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            master_key_file: PathBuf::from("/var/lib/otpost/master.key"),
            master_key_credential: None,
        }
    }
}

impl KeysConfig {
    /// Where to read the master key: the credential if one is named, else the file. `credentials_directory` is the
    /// value of `$CREDENTIALS_DIRECTORY`, if the service manager set it.
    ///
    /// # Errors
    /// When a credential is named and there is no such directory, or its name is not a file name.
    pub fn master_key(&self, credentials_directory: Option<&Path>) -> Result<SecretFile, ConfError> {
        match &self.master_key_credential {
            Some(name) => SecretFile::credential(credentials_directory, name),
            None => Ok(SecretFile::new(&self.master_key_file)),
        }
    }
}
