//! Audit events: one row per decision, hash-chained.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::ids::Reference;

/// One decision or act. Holds no secret, no code and no full number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What, as a stable code: `login.allow`, `login.deny`, `caller.deny`, `sms.accepted`, `admin.user-add`.
    pub kind: String,
    /// Why, as a stable code of [`crate::login::Reason`], of a refusal before any login, or of the act.
    pub reason: String,
    /// Reference shown to the user.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// User concerned, by login name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Resource concerned, by name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Channel and service: `radius office-vpn`, `pam sshd`, `admin`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub via: String,
    /// Where from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Further detail for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Hash of a row: SHA-256 over the hash before it and the row's stored text.
#[must_use]
pub fn link(previous: &[u8; 32], row: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(row.as_bytes());
    hash.finalize().into()
}
