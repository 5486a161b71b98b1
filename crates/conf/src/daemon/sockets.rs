//! `[sockets]`: who may connect.

use std::path::PathBuf;

use serde::Deserialize;

/// The daemon's sockets, one per role. A role whose user or group is not named here is served to root and to the
/// daemon's own user only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SocketsConfig {
    /// Where pam.sock, radius.sock, portal.sock and admin.sock are made.
    pub directory: PathBuf,
    /// The user that otpost-radius runs as.
    pub radius_user: Option<String>,
    /// The user that otpost-portal runs as.
    pub portal_user: Option<String>,
    /// The group whose members may administer.
    pub admin_group: Option<String>,
    /// PAM services in which a program without root's rights may ask for its own user: screen lockers.
    pub lockers: Vec<String>,
}

impl Default for SocketsConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/run/otpost"),
            radius_user: None,
            portal_user: None,
            admin_group: None,
            lockers: Vec::new(),
        }
    }
}
