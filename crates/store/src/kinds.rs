//! Which types are documents, and how each is found.

use otpost_core::Timestamp;
use otpost_core::access::Remembered;
use otpost_core::accounting::Connection;
use otpost_core::login::decoy::Decoy;
use otpost_core::mail::Settings as MailSettings;
use otpost_core::mail::queue::QueuedMail;
use otpost_core::portal::administrator::{Administrator, ApiKey, SetupLink};
use otpost_core::portal::enrolment::{Enrolment, Permit};
use otpost_core::portal::factors::{HelpdeskCode, RecoverySet, TotpToken};
use otpost_core::portal::invite::Invite;
use otpost_core::portal::session::{IDLE, PortalSession, Who};
use otpost_core::portal::site::Site;
use otpost_core::portal::verification::{Owner, Verification};
use otpost_core::source::Source;
use otpost_core::stats::{HourStats, KEEP};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::document::Document;

/// The id of an owner.
#[must_use]
pub fn owner_id(owner: Owner) -> [u8; 16] {
    match owner {
        Owner::User(id) => id.0,
        Owner::Admin(id) => id.0,
    }
}

impl Document for PortalSession {
    const KIND: &'static str = "portal-session";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        match self.who {
            Who::User(id) => Some(id.0),
            Who::Admin(id) => Some(id.0),
            Who::Nobody => None,
        }
    }
    fn key(&self) -> Option<[u8; 32]> {
        Some(self.token)
    }
    /// When it has surely ended.
    fn due(&self) -> Option<Timestamp> {
        Some(self.ends.min(self.seen.plus(IDLE * 2)))
    }
}

impl Document for Verification {
    const KIND: &'static str = "verification";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        self.owner.map(owner_id)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.flow.deadline)
    }
}

impl Document for Enrolment {
    const KIND: &'static str = "enrolment";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(self.user.0)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.flow.deadline)
    }
}

impl Document for Permit {
    const KIND: &'static str = "enrol-permit";
    /// The session's: one permit each.
    fn id(&self) -> [u8; 16] {
        self.session.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(self.user.0)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Document for Administrator {
    const KIND: &'static str = "administrator";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    /// The name: two administrators cannot share one.
    fn key(&self) -> Option<[u8; 32]> {
        Some(otpost_core::portal::session::fingerprint(self.name.as_str()))
    }
}

impl Document for ApiKey {
    const KIND: &'static str = "api-key";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn key(&self) -> Option<[u8; 32]> {
        Some(self.secret)
    }
    fn due(&self) -> Option<Timestamp> {
        self.ends
    }
}

impl Document for SetupLink {
    const KIND: &'static str = "setup-link";
    /// The administrator's: one link each, and one for the first of all.
    fn id(&self) -> [u8; 16] {
        self.admin.map_or([0; 16], |admin| admin.0)
    }
    fn owner(&self) -> Option<[u8; 16]> {
        self.admin.map(|admin| admin.0)
    }
    fn key(&self) -> Option<[u8; 32]> {
        Some(self.secret)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

/// Id of settings: there is one document of each kind.
pub const ONLY: [u8; 16] = [0; 16];

impl Document for Site {
    const KIND: &'static str = "site";
    fn id(&self) -> [u8; 16] {
        ONLY
    }
}

/// How mail leaves, with the password at the server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MailSetup {
    /// Everything but the password.
    pub settings: MailSettings,
    /// Password at the server; none: mail is handed over without signing in.
    pub password: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for MailSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailSetup")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Document for MailSetup {
    const KIND: &'static str = "mail-setup";
    fn id(&self) -> [u8; 16] {
        ONLY
    }
}

impl Document for QueuedMail {
    const KIND: &'static str = "mail";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(self.owner)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(Self::due(self))
    }
}

impl Document for TotpToken {
    const KIND: &'static str = "totp-token";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(owner_id(self.owner))
    }
}

impl Document for RecoverySet {
    const KIND: &'static str = "recovery";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(owner_id(self.owner))
    }
}

impl Document for HelpdeskCode {
    const KIND: &'static str = "helpdesk";
    /// The user's: one code each.
    fn id(&self) -> [u8; 16] {
        self.user.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(self.user.0)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

impl Document for HourStats {
    const KIND: &'static str = "stats";
    /// The hour, so that documents are in order of time.
    fn id(&self) -> [u8; 16] {
        u128::from(self.hour).to_be_bytes()
    }
    /// When it is forgotten.
    fn due(&self) -> Option<Timestamp> {
        Some(self.start().plus(KEEP))
    }
}

/// The id under which connections of a RADIUS client are found.
#[must_use]
pub fn client_owner(client: &str) -> [u8; 16] {
    let print = otpost_core::portal::session::fingerprint(client);
    print.first_chunk().copied().unwrap_or_default()
}

/// How long an accounted connection is kept after it was last heard of.
pub const CONNECTION_KEPT: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

impl Document for Connection {
    const KIND: &'static str = "connection";
    fn id(&self) -> [u8; 16] {
        self.id
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(client_owner(&self.client))
    }
    /// When it is forgotten.
    fn due(&self) -> Option<Timestamp> {
        Some(self.seen.plus(CONNECTION_KEPT))
    }
}

impl Document for Remembered {
    const KIND: &'static str = "remembered";
    fn id(&self) -> [u8; 16] {
        self.id
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(self.user.0)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Document for Decoy {
    const KIND: &'static str = "decoy";
    /// The session's.
    fn id(&self) -> [u8; 16] {
        self.session.id.0
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.challenge.deadline)
    }
}

impl Document for Invite {
    const KIND: &'static str = "invite";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    fn owner(&self) -> Option<[u8; 16]> {
        Some(self.user.0)
    }
    fn key(&self) -> Option<[u8; 32]> {
        Some(self.secret)
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

impl Document for Source {
    const KIND: &'static str = "source";
    fn id(&self) -> [u8; 16] {
        self.id.0
    }
    /// The name: two sources cannot share one.
    fn key(&self) -> Option<[u8; 32]> {
        Some(source_key(&self.name))
    }
}

/// The key of the source of this name, however it is spelled.
#[must_use]
pub fn source_key(name: &str) -> [u8; 32] {
    otpost_core::portal::session::fingerprint(&name.to_ascii_lowercase())
}
