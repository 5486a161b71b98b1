//! Second factors besides SMS tokens, and what of them all may be used at a sign-in or step-up.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::verification::Owner;
use crate::code::Digits;
use crate::ids::{RecoveryId, ResourceId, TokenId, UserId};
use crate::recovery;
use crate::token::{Status, Token};
use crate::totp;
use crate::{Rng, Timestamp};

/// An authenticator app.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TotpToken {
    /// Stable id.
    pub id: TokenId,
    /// Whose.
    pub owner: Owner,
    /// Name shown to its owner.
    pub name: String,
    /// What app and server share, base 32. Stored sealed.
    pub secret: Zeroizing<String>,
    /// How its codes are made.
    pub params: totp::Params,
    /// Step of the last code that was taken: that code and all before it are good no more.
    pub last_step: Option<totp::Step>,
    /// Steps by which its clock was found to be off when it was last synchronised.
    #[serde(default)]
    pub offset: i64,
    /// Whether it may be used.
    pub status: Status,
    /// Resources it guards; an administrator's guards the console.
    pub resources: Vec<ResourceId>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
}

impl fmt::Debug for TotpToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpToken")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// How far an app's clock may be off for [`TotpToken::synchronised`]: 20 steps are ten minutes.
const SEARCH: i64 = 20;
/// Milliseconds of a step.
const STEP_MILLIS: u64 = totp::STEP_SECONDS * 1000;

impl TotpToken {
    /// Length of its codes.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.params.digits.get()
    }

    /// Now as its clock has it.
    fn clock(&self, now: Timestamp, offset: i64) -> Timestamp {
        let shift = offset.unsigned_abs().saturating_mul(STEP_MILLIS);
        Timestamp(if offset < 0 {
            now.0.saturating_sub(shift)
        } else {
            now.0.saturating_add(shift)
        })
    }

    /// The token after `typed` was taken; `None` where it is not its code, or was used before.
    #[must_use]
    pub fn accept(&self, typed: &str, now: Timestamp) -> Option<Self> {
        let secret = totp::Secret::parse(&self.secret).ok()?;
        let clock = self.clock(now, self.offset);
        let step = totp::verify(&secret, &self.params, typed, clock, self.last_step)?;
        Some(Self {
            last_step: Some(step),
            used: Some(now),
            ..self.clone()
        })
    }

    /// The token with its clock found again from two codes in a row; `None` where they are not.
    #[must_use]
    pub fn synchronised(&self, first: &str, second: &str, now: Timestamp) -> Option<Self> {
        let secret = totp::Secret::parse(&self.secret).ok()?;
        let exact = totp::Params {
            drift: totp::Drift::try_from(0).ok()?,
            ..self.params
        };
        let at = |typed: &str, offset: i64| {
            totp::verify(&secret, &exact, typed, self.clock(now, offset), self.last_step)
        };
        // The nearest first: 0, -1, 1, -2, 2 ...
        let mut offsets = (0..=SEARCH).flat_map(|n| [n.saturating_neg(), n]);
        offsets.find_map(|offset| {
            at(first, offset)?;
            let last = at(second, offset.saturating_add(1))?;
            // The second code is the one that shows now.
            Some(Self {
                last_step: Some(last),
                offset: offset.saturating_add(1),
                used: Some(now),
                ..self.clone()
            })
        })
    }
}

/// Recovery codes of one owner.
///
/// A factor is set up for a resource, so codes that take its place are for a resource too: otherwise whoever may give somebody a
/// token on one portal could make codes there that open all others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecoverySet {
    /// Stable id; the administrator's own, where it is an administrator's.
    pub id: RecoveryId,
    /// Whose.
    pub owner: Owner,
    /// Resources whose portals they open: where they were made, or those of a person that an administrator made them for. A person
    /// has one set for each. None for an administrator's, which open the console.
    pub resources: Vec<ResourceId>,
    /// The codes.
    pub set: recovery::Set,
}

impl RecoverySet {
    /// A fresh set; an administrator's takes the place of the one before.
    #[must_use]
    pub fn new(owner: Owner, resources: Vec<ResourceId>, set: recovery::Set, rng: &mut dyn Rng) -> Self {
        Self {
            id: match owner {
                Owner::Admin(admin) => RecoveryId(admin.0),
                Owner::User(_) => RecoveryId::random(rng),
            },
            owner,
            resources,
            set,
        }
    }

    /// Whether they are good on the portal of `resource`.
    #[must_use]
    pub fn opens(&self, resource: ResourceId) -> bool {
        self.resources.contains(&resource)
    }

    /// The set once others are good on `resources`; `None` where it opens nothing any more.
    #[must_use]
    pub fn without(&self, resources: &[ResourceId]) -> Option<Self> {
        let mut left = self.clone();
        left.resources.retain(|own| !resources.contains(own));
        (!left.resources.is_empty()).then_some(left)
    }
}

/// The one-day code that the helpdesk reads out: for one sign-in or one step-up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HelpdeskCode {
    /// For whom. There is one of each user; a new one takes the place of the old.
    pub user: UserId,
    /// PHC hash of the code as [`helpdesk_code`] reads it.
    pub hash: Zeroizing<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
}

impl fmt::Debug for HelpdeskCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelpdeskCode")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A helpdesk code as it is hashed: case, blanks and hyphens do not count. `None` for what cannot be one.
#[must_use]
pub fn helpdesk_code(typed: &str) -> Option<Zeroizing<String>> {
    let mut clean = Zeroizing::new(String::with_capacity(32));
    for letter in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        if !letter.is_ascii_alphanumeric() || clean.len() >= 32 {
            return None;
        }
        clean.push(letter.to_ascii_lowercase());
    }
    (clean.len() >= 8).then_some(clean)
}

/// Letters of a fresh helpdesk code: 32 that are not mistaken for each other.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A fresh helpdesk code as people read it out, such as `7KQX-M3PT`: 40 random bits, so that it is kept as a password hash.
#[must_use]
pub fn fresh_helpdesk_code(rng: &mut dyn Rng) -> Zeroizing<String> {
    let mut octets = Zeroizing::new([0; 8]);
    rng.fill(octets.as_mut_slice());
    let mut code = Zeroizing::new(String::with_capacity(9));
    for (at, octet) in octets.iter().enumerate() {
        if at == 4 {
            code.push('-');
        }
        // 32 divides 256: each letter is as likely as the others.
        let letter = LETTERS.get(usize::from(octet % 32)).copied().unwrap_or(b'2');
        code.push(char::from(letter));
    }
    code
}

/// How long a helpdesk code works.
pub const HELPDESK_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How a person proves to be the one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A code by text message.
    Sms,
    /// A code of an authenticator app.
    Totp,
    /// A recovery code.
    Recovery,
    /// The helpdesk's one-day code.
    Helpdesk,
    /// A code by e-mail.
    Mail,
    /// The password.
    Password,
}

impl Method {
    /// Its word, for pages and the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Totp => "totp",
            Self::Recovery => "recovery",
            Self::Helpdesk => "helpdesk",
            Self::Mail => "mail",
            Self::Password => "password",
        }
    }
}

/// A way that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// How.
    pub method: Method,
    /// With what, where it is a token.
    pub token: Option<TokenId>,
    /// Name of the token, where it has one.
    pub name: String,
}

impl Way {
    /// A way without a token.
    #[must_use]
    pub fn plain(method: Method) -> Self {
        Self {
            method,
            token: None,
            name: String::new(),
        }
    }
}

/// The second factors of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Factors {
    /// SMS tokens, oldest first.
    pub sms: Vec<Token>,
    /// Authenticator apps.
    pub totp: Vec<TotpToken>,
    /// Recovery codes, of all of theirs those for the portal that they are on.
    pub recovery: Option<RecoverySet>,
    /// The helpdesk's code.
    pub helpdesk: Option<HelpdeskCode>,
}

/// What [`Factors::ways`] goes by.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The portal's resource.
    pub resource: ResourceId,
    /// Token that is asked first.
    pub preferred: Option<TokenId>,
    /// Whether wrong codes have locked the second factor.
    pub locked: bool,
}

impl Factors {
    /// Whether a token guards `resource`, usable or not: its password alone opens no portal then.
    #[must_use]
    pub fn guard(&self, resource: ResourceId) -> bool {
        self.sms.iter().any(|t| t.resources.contains(&resource))
            || self.totp.iter().any(|t| t.resources.contains(&resource))
    }

    /// Whether a blocked token guards `resource`: it denies, whatever else there is.
    #[must_use]
    pub fn blocked(&self, resource: ResourceId) -> bool {
        let mut all = self
            .sms
            .iter()
            .map(|t| (&t.resources, t.status))
            .chain(self.totp.iter().map(|t| (&t.resources, t.status)));
        all.any(|(resources, status)| resources.contains(&resource) && status == Status::Blocked)
    }

    /// The ways that are open in a resource, preferred first. Locked: only those that clear the lock.
    #[must_use]
    pub fn ways(&self, wanted: Wanted, now: Timestamp) -> Vec<Way> {
        if self.blocked(wanted.resource) {
            return Vec::new();
        }
        let mut ways = Vec::new();
        if !wanted.locked {
            let open = |resources: &[ResourceId], status| {
                resources.contains(&wanted.resource) && status == Status::Active
            };
            let sms = self.sms.iter().filter(|t| open(&t.resources, t.status));
            ways.extend(sms.map(|t| token_way(Method::Sms, t.id, &t.name)));
            let apps = self.totp.iter().filter(|t| open(&t.resources, t.status));
            ways.extend(apps.map(|t| token_way(Method::Totp, t.id, &t.name)));
            ways.sort_by_key(|way| (way.token != wanted.preferred, way.method));
            // One way of each kind: the preferred one, else the oldest.
            let mut seen = Vec::new();
            ways.retain(|way| {
                let first = !seen.contains(&way.method);
                seen.push(way.method);
                first
            });
        }
        ways.extend(self.spare_ways(wanted.resource, now));
        ways
    }

    /// Recovery codes for this resource and the helpdesk's, where there are any.
    #[must_use]
    pub fn spare_ways(&self, resource: ResourceId, now: Timestamp) -> Vec<Way> {
        let codes = self.recovery.as_ref().filter(|codes| codes.opens(resource));
        let recovery = codes.is_some_and(|codes| codes.set.left() > 0);
        let helpdesk = self.helpdesk.as_ref().is_some_and(|h| now < h.ends);
        let mut ways = Vec::new();
        if recovery {
            ways.push(Way::plain(Method::Recovery));
        }
        if helpdesk {
            ways.push(Way::plain(Method::Helpdesk));
        }
        ways
    }

    /// The way of one token, wherever it is bound; `None` where it is not theirs or not active.
    #[must_use]
    pub fn way_of(&self, token: TokenId) -> Option<Way> {
        let active = |status| status == Status::Active;
        let sms = self.sms.iter().find(|t| t.id == token && active(t.status));
        let app = self.totp.iter().find(|t| t.id == token && active(t.status));
        sms.map(|t| token_way(Method::Sms, t.id, &t.name))
            .or_else(|| app.map(|t| token_way(Method::Totp, t.id, &t.name)))
    }

    /// Whether each token of theirs guards one of `resources`, usable or not.
    #[must_use]
    pub fn within(&self, resources: &[ResourceId]) -> bool {
        let own = self.sms.iter().map(|t| &t.resources);
        let mut all = own.chain(self.totp.iter().map(|t| &t.resources));
        all.all(|guarded| guarded.iter().any(|id| resources.contains(id)))
    }

    /// Whether they have a token anywhere, usable or not.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.sms.is_empty() || !self.totp.is_empty()
    }

    /// The oldest active token of each kind, wherever it is bound.
    #[must_use]
    pub fn ways_elsewhere(&self) -> Vec<Way> {
        let sms = self.sms.iter().find(|t| t.status == Status::Active);
        let app = self.totp.iter().find(|t| t.status == Status::Active);
        let sms = sms.map(|t| token_way(Method::Sms, t.id, &t.name));
        sms.into_iter()
            .chain(app.map(|t| token_way(Method::Totp, t.id, &t.name)))
            .collect()
    }

    /// Length of the codes of an SMS token of theirs.
    #[must_use]
    pub fn digits_of(&self, token: TokenId) -> Option<Digits> {
        self.sms.iter().find(|t| t.id == token).map(|t| t.digits)
    }
}

fn token_way(method: Method, id: TokenId, name: &str) -> Way {
    Way {
        method,
        token: Some(id),
        name: name.to_owned(),
    }
}
