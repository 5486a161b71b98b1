//! What otpostctl may ask.

use serde::{Deserialize, Serialize};

/// Requests of `admin.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum AdminOp {
    /// How the daemon is.
    Status,
}

/// Answers on `admin.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "kebab-case")]
pub enum AdminReply {
    /// To [`AdminOp::Status`].
    Status {
        /// Package version of the daemon.
        version: String,
    },
}
