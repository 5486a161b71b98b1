//! People, and what of them changes at a login.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Timestamp;
use crate::ids::{ResourceId, TokenId, UserId};
use crate::mail::Address;
use crate::name::LoginName;

/// Longest first or last name, in characters.
pub const NAME_LIMIT: usize = 100;
/// Longest e-mail address of a person, in octets.
pub const EMAIL_LIMIT: usize = 100;

/// A password hash in PHC form. Does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub Zeroizing<String>);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What the portal shows and lets people change of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Profile {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Language tag of pages and mails, such as `de`; empty: not chosen.
    pub lang: String,
    /// When the password was set.
    pub password_set: Option<Timestamp>,
    /// When the user was bound to each resource, for enrolment deadlines.
    pub bound: Vec<(ResourceId, Timestamp)>,
    /// Token preferred in a resource, where there are several kinds.
    pub preferred: Vec<(ResourceId, TokenId)>,
    /// Groups, for exemptions and reply attributes.
    pub groups: Vec<String>,
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
    /// What the portal shows and lets people change of themselves.
    #[serde(default)]
    pub profile: Profile,
    /// When the row was made.
    pub created: Timestamp,
}

impl User {
    /// What administrators look for: logins, names, address, in lower case, a line each.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.name.as_str().to_owned();
        for alias in &self.aliases {
            words.push('\n');
            words.push_str(alias.as_str());
        }
        let own = &self.profile;
        let email = self.email.as_deref().unwrap_or_default();
        words.push_str(&format!("\n{} {}\n{email}", own.first_name, own.last_name).to_lowercase());
        words
    }

    /// Whether a bypass holds at `now`.
    #[must_use]
    pub fn bypassed(&self, now: Timestamp) -> bool {
        self.bypass_until.is_some_and(|until| now < until)
    }

    /// Binds the user to a resource; false where that was so.
    pub fn bind(&mut self, resource: ResourceId, now: Timestamp) -> bool {
        if self.resources.contains(&resource) {
            return false;
        }
        self.resources.push(resource);
        self.profile.bound.retain(|(id, _)| *id != resource);
        self.profile.bound.push((resource, now));
        true
    }

    /// Takes the user out of a resource; false where it was not bound.
    pub fn unbind(&mut self, resource: ResourceId) -> bool {
        let before = self.resources.len();
        self.resources.retain(|id| *id != resource);
        self.profile.bound.retain(|(id, _)| *id != resource);
        self.profile.preferred.retain(|(id, _)| *id != resource);
        self.resources.len() != before
    }
}

/// Why a name or address of a person is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDetail {
    /// Over 100 characters, or with control characters.
    #[error("a first or last name has at most 100 characters and no control characters")]
    Name,
    /// No mailbox with a domain, or over 100 octets.
    #[error("this is no e-mail address; write name@example.com")]
    Email,
}

/// Checks a first or last name; outer blanks go.
///
/// # Errors
/// [`BadDetail::Name`].
pub fn person_name(raw: &str) -> Result<String, BadDetail> {
    let name = raw.trim();
    if name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(BadDetail::Name);
    }
    Ok(name.to_owned())
}

/// Checks an e-mail address; outer blanks go, and an empty one is none.
///
/// # Errors
/// [`BadDetail::Email`].
pub fn email(raw: &str) -> Result<Option<String>, BadDetail> {
    let text = raw.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match Address::parse(text) {
        Ok(address) if text.len() <= EMAIL_LIMIT && address.domain().contains('.') => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(BadDetail::Email),
    }
}
