//! Protected things and their policies.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::access::{Access, BadAccess};
use crate::code::Digits;
use crate::ids::ResourceId;
use crate::phone::Region;
use crate::portal::settings::{BadSelfService, SelfService};

/// What a login without a usable token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutToken {
    /// Nobody gets in.
    Deny,
    /// The first factor alone suffices.
    Allow,
}

/// A protected thing: a VPN, a group of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resource {
    /// Stable id.
    pub id: ResourceId,
    /// Unique name, shown in texts.
    pub name: String,
    /// Off: every login is denied.
    pub enabled: bool,
    /// Wrong codes until the user is locked, 3..=10.
    pub failed_attempts: u32,
    /// Wrong codes until a challenge ends, 1..=10.
    pub tries: u32,
    /// Length of codes of new tokens.
    pub digits: Digits,
    /// Life of a code in seconds, 60..=600.
    pub validity: u32,
    /// Users without a token here.
    pub unenrolled: WithoutToken,
    /// Users whose token is disabled.
    pub disabled: WithoutToken,
    /// PAM services it guards; `*` is every service no other resource names.
    pub pam_services: Vec<String>,
    /// Whether two tokens may have the same number.
    pub shared_phones: bool,
    /// Country of numbers typed without a country code.
    pub region: Option<Region>,
    /// Self-service.
    #[serde(default)]
    pub self_service: SelfService,
    /// Who gets in without a code, and who not at all.
    #[serde(default)]
    pub access: Access,
    /// When the row was made.
    pub created: Timestamp,
}

/// Why a resource's settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadResource {
    /// Empty, over 64 characters, or with control characters.
    #[error("a resource name has 1 to 64 characters and no control characters")]
    Name,
    /// Outside 3..=10.
    #[error("failed-attempts is 3 to 10, not {0}")]
    FailedAttempts(u32),
    /// Outside 1..=10.
    #[error("tries is 1 to 10, not {0}")]
    Tries(u32),
    /// Outside 60..=600.
    #[error("validity is 60 to 600 seconds, not {0}")]
    Validity(u32),
    /// Not a PAM service name.
    #[error("`{0}` is no PAM service name; write letters, digits, - _ . or *")]
    Service(String),
    /// Self-service.
    #[error(transparent)]
    SelfService(#[from] BadSelfService),
    /// Rules.
    #[error(transparent)]
    Access(#[from] BadAccess),
}

impl Resource {
    /// A resource with the defaults.
    #[must_use]
    pub fn new(id: ResourceId, name: &str, created: Timestamp) -> Self {
        Self {
            id,
            name: name.trim().to_owned(),
            enabled: true,
            failed_attempts: 5,
            tries: 5,
            digits: Digits::SIX,
            validity: 300,
            unenrolled: WithoutToken::Deny,
            disabled: WithoutToken::Deny,
            pam_services: Vec::new(),
            shared_phones: false,
            region: None,
            self_service: SelfService::default(),
            access: Access::default(),
            created,
        }
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// [`BadResource`] names the field and its limits.
    pub fn check(&self) -> Result<(), BadResource> {
        let length = self.name.chars().count();
        if !(1..=64).contains(&length) || self.name.chars().any(char::is_control) {
            return Err(BadResource::Name);
        }
        if !(3..=10).contains(&self.failed_attempts) {
            return Err(BadResource::FailedAttempts(self.failed_attempts));
        }
        if !(1..=10).contains(&self.tries) {
            return Err(BadResource::Tries(self.tries));
        }
        if !(60..=600).contains(&self.validity) {
            return Err(BadResource::Validity(self.validity));
        }
        self.self_service.check()?;
        self.access.check()?;
        let fits = |s: &String| {
            !s.is_empty()
                && s.len() <= 64
                && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match self.pam_services.iter().find(|s| *s != "*" && !fits(s)) {
            Some(service) => Err(BadResource::Service(service.clone())),
            None => Ok(()),
        }
    }

    /// Life of a code.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.validity))
    }

    /// Key under which the name is unique.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.name)
    }
}

/// Key under which a name of a resource, client or provider is unique.
#[must_use]
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
