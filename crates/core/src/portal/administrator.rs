//! Administrators, their roles, and keys of the REST API.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::ids::{AdminId, ApiKeyId, ResourceId};
use crate::limits::Guard;
use crate::name::LoginName;

/// How long a set-up link works.
pub const SETUP_LINK: Duration = Duration::from_secs(24 * 3600);
/// Wrong codes in a row that lock an administrator's second factor.
pub const FAILURES: u32 = 5;
/// Wrong codes that end one sign-in.
pub const TRIES: u32 = 5;
/// How long a sign-in waits for its second factor.
pub const SIGN_IN: Duration = Duration::from_secs(5 * 60);
/// Characters of an administrator's password.
pub const PASSWORD: RangeInclusive<usize> = 12..=128;

/// What an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees users, unlocks, bypasses, gives one-day codes.
    Helpdesk,
    /// Everything but administrators, keys, mail and other settings of the whole.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Helpdesk => "helpdesk",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// A word that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is owner, admin or helpdesk")]
pub struct BadRole;

impl FromStr for Role {
    type Err = BadRole;

    fn from_str(word: &str) -> Result<Self, BadRole> {
        [Self::Helpdesk, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or(BadRole)
    }
}

/// On what an administrator may act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everything.
    All,
    /// These resources and the people bound to them, only.
    Resources(BTreeSet<ResourceId>),
}

impl Scope {
    /// Whether `resource` is within.
    #[must_use]
    pub fn covers(&self, resource: ResourceId) -> bool {
        match self {
            Self::All => true,
            Self::Resources(resources) => resources.contains(&resource),
        }
    }
}

/// An administrator. Not a user: the console and the protected logins share no password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Administrator {
    /// Stable id.
    pub id: AdminId,
    /// Login as it is compared.
    pub name: LoginName,
    /// Name in words; empty: the login.
    pub shown: String,
    /// E-mail address for notices.
    pub email: Option<String>,
    /// PHC hash; absent until the set-up link was used.
    pub password: Option<Zeroizing<String>>,
    /// What they may do.
    pub role: Role,
    /// On what.
    pub scope: Scope,
    /// Locked by another administrator.
    pub locked: bool,
    /// Wrong codes.
    pub guard: Guard,
    /// Last use of a session, exact to a minute.
    #[serde(default)]
    pub seen: Option<Timestamp>,
    /// When the row was made.
    pub created: Timestamp,
}

impl Administrator {
    /// Whether a session or sign-in of theirs may go on: set up, and not locked by another administrator.
    #[must_use]
    pub fn active(&self) -> bool {
        self.password.is_some() && !self.locked
    }

    /// Whether they keep the installation from being without an owner.
    #[must_use]
    pub fn rules(&self) -> bool {
        self.role == Role::Owner && self.active()
    }

    /// Name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.shown.is_empty() {
            self.name.as_str()
        } else {
            &self.shown
        }
    }
}

/// A link with which an administrator sets password and app. One for each; a new one ends the one before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SetupLink {
    /// Whose; absent for the first administrator, who chooses a login.
    pub admin: Option<AdminId>,
    /// SHA-256 of the secret in the link.
    pub secret: [u8; 32],
    /// Secret of the app that the link's page shows (base32): loading the page again shows the same.
    pub totp: Zeroizing<String>,
    /// End.
    pub ends: Timestamp,
}

impl std::fmt::Debug for SetupLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetupLink")
            .field("admin", &self.admin)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// Who made a key of the REST API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Maker {
    /// Not known: such a key opens nothing.
    #[default]
    Unknown,
    /// Somebody on this host, whom nothing but their account limits.
    Local,
    /// An administrator.
    Administrator(AdminId),
    /// Another key.
    Key(ApiKeyId),
}

/// A key of the REST API. Shown once; its SHA-256 is the document's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApiKey {
    /// Stable id.
    pub id: ApiKeyId,
    /// SHA-256 of the key.
    pub secret: [u8; 32],
    /// Name given to it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// On what.
    pub scope: Scope,
    /// Who made it, in words.
    pub by: String,
    /// Who made it: the key does no more than its maker may at the time.
    #[serde(default)]
    pub maker: Maker,
    /// When.
    pub created: Timestamp,
    /// End, where it has one.
    pub ends: Option<Timestamp>,
    /// Last use, exact to a minute.
    pub used: Option<Timestamp>,
}
