//! `[radius]`: what the daemon itself has to know of RADIUS.

use std::path::PathBuf;

use serde::Deserialize;

/// Names of reply attributes. otpost-radius has a configuration of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AttributesConfig {
    /// A folder with dictionaries in FreeRADIUS' format, beside those that come with otpost. There need not be one.
    pub dictionaries: PathBuf,
}

impl Default for AttributesConfig {
    fn default() -> Self {
        Self {
            dictionaries: PathBuf::from("/etc/otpost/dictionaries"),
        }
    }
}
