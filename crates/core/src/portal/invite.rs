//! Invitations to enrol: a single-use link beside the password (domain decision 10).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{InviteId, ResourceId, UserId};

/// How long a link works where nobody says otherwise.
pub const LIFE: Duration = Duration::from_secs(72 * 3600);

/// An invitation. The link's secret is not in it: only its SHA-256, which is the document's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Invite {
    /// Stable id.
    pub id: InviteId,
    /// SHA-256 of the secret in the link.
    pub secret: [u8; 32],
    /// Who may enrol.
    pub user: UserId,
    /// On which portal.
    pub resource: ResourceId,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// When an enrolment used it up.
    pub used: Option<Timestamp>,
}

impl Invite {
    /// Whether it lets `user` enrol on the portal of `resource` at `now`.
    #[must_use]
    pub fn holds(&self, user: UserId, resource: ResourceId, now: Timestamp) -> bool {
        self.user == user && self.resource == resource && self.used.is_none() && now < self.ends
    }
}
