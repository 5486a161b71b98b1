//! Sessions of browsers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::ids::{AdminId, PortalSessionId, ResourceId, UserId, VerificationId};
use crate::net::Source;

/// A session that nobody used for this long ends.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// No session lives longer.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// A console session that nobody used for this long ends.
pub const CONSOLE_IDLE: Duration = Duration::from_secs(15 * 60);
/// No console session lives longer.
pub const CONSOLE_LONGEST: Duration = Duration::from_secs(8 * 3600);
/// A sign-in that is not finished by then ends.
pub const HALF: Duration = Duration::from_secs(15 * 60);

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// A person, on the portal of a resource.
    User(UserId),
    /// An administrator, on the console.
    Admin(AdminId),
    /// Nobody: the name that was typed cannot sign in, and the pages do not say so.
    Nobody,
}

/// How far a sign-in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Waits for the code that was sent by e-mail.
    Mail,
    /// Waits for the second factor.
    Factor,
    /// Signed in.
    Full,
}

/// A browser's session. The cookie's value is not in it: only its SHA-256, which is the document's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PortalSession {
    /// Stable id, for the list of sessions.
    pub id: PortalSessionId,
    /// SHA-256 of the cookie's value.
    pub token: [u8; 32],
    /// Whose.
    pub who: Who,
    /// The portal it is on; absent on the console.
    pub resource: Option<ResourceId>,
    /// How far the sign-in has come.
    pub stage: Stage,
    /// The code that the stage waits for.
    pub verification: Option<VerificationId>,
    /// Signed in by a code from an e-mail instead of a password.
    pub by_mail: bool,
    /// Came with a valid invitation.
    pub invited: bool,
    /// Start.
    pub created: Timestamp,
    /// Last use, exact to a minute.
    pub seen: Timestamp,
    /// End, whatever is done.
    pub ends: Timestamp,
    /// Browser and system in words, such as `Firefox on Android`.
    pub agent: String,
    /// Where from.
    pub source: Source,
    /// Language tag of its pages.
    pub lang: String,
}

impl PortalSession {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        let idle = match self.stage {
            Stage::Full if matches!(self.who, Who::Admin(_)) => CONSOLE_IDLE,
            Stage::Full => IDLE,
            Stage::Mail | Stage::Factor => HALF,
        };
        now < self.ends && now < self.seen.plus(idle)
    }
}

/// SHA-256 of a secret of 128 bits or more (cookie, API key, link), as it is kept.
#[must_use]
pub fn fingerprint(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
