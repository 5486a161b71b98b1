//! People, and what of them changes at a login.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::ids::{ResourceId, UserId};
use crate::name::LoginName;

/// A password hash in PHC form. Does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub Zeroizing<String>);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A person, as administrators edit them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Stable id.
    pub id: UserId,
    /// Login as it was entered.
    pub login: String,
    /// Login as it is compared.
    pub name: LoginName,
    /// Further names of the same person.
    #[serde(default)]
    pub aliases: Vec<LoginName>,
    /// Registered e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Password, where otpost checks it itself.
    #[serde(default)]
    pub password: Option<PasswordHash>,
    /// Locked by an administrator, with the reason they gave.
    #[serde(default)]
    pub locked: Option<String>,
    /// Timed bypass of the second factor.
    #[serde(default)]
    pub bypass_until: Option<Timestamp>,
    /// Resources the user is bound to.
    #[serde(default)]
    pub resources: Vec<ResourceId>,
    /// When the row was made.
    pub created: Timestamp,
}

impl User {
    /// Whether a bypass holds at `now`.
    #[must_use]
    pub fn bypassed(&self, now: Timestamp) -> bool {
        self.bypass_until.is_some_and(|until| now < until)
    }
}
