//! `[passwords]`: what checking a password costs.

use serde::Deserialize;

use crate::bounds;

/// Argon2id (RFC 9106) for new password hashes. Hashes made with other values stay valid and are renewed at the next
/// right password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PasswordsConfig {
    /// Memory for one password, in KiB.
    #[serde(deserialize_with = "bounds::within::<_, _, 64, 4_194_304>")]
    pub memory_kib: u32,
    /// Passes over that memory.
    #[serde(deserialize_with = "bounds::within::<_, _, 1, 1_000>")]
    pub passes: u32,
    /// How many passwords are checked at the same time; as many as there are cores if not set.
    #[serde(deserialize_with = "bounds::maybe_within::<_, _, 1, 1_024>")]
    pub threads: Option<usize>,
}

impl Default for PasswordsConfig {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            threads: None,
        }
    }
}
