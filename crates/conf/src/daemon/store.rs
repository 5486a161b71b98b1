//! `[store]`: where the data is.

use std::path::PathBuf;

use serde::Deserialize;

/// The embedded database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The SQLite file; made on the first start. Its directory must be the daemon's own, on a local disk.
    pub path: PathBuf,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("/var/lib/otpost/otpost.db"),
        }
    }
}
