//! What an administrator or a key may do: a role says what, a scope says to whom.
//!
//! Every request of an administrator needs one [`Permission`]; [`may`] decides on it alone. Who has a limited scope sees the people
//! bound to one of its resources, and may do what reaches no further: an act that lets somebody in, or changes who they are, holds
//! on all resources that person is bound to, so all of them must be in the scope.

use crate::ids::ResourceId;

use super::administrator::{Role, Scope};

/// A kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See how otpost is.
    SeeStatus,
    /// See figures of logins and texts.
    SeeFigures,
    /// See people, with their tokens and sessions.
    SeeUsers,
    /// See tokens.
    SeeTokens,
    /// See resources.
    SeeResources,
    /// See texts, without their words.
    SeeTexts,
    /// See audit rows.
    SeeAudit,
    /// See how a login would go.
    Explain,
    /// Lock people and lift locks.
    LockUsers,
    /// End people's sessions.
    SignOutUsers,
    /// Let people in without second factor for a while.
    BypassUsers,
    /// Give codes for one day.
    OneDayCodes,
    /// Invite people, and enrol them.
    EnrolUsers,
    /// Make, change, bind and delete people, and renew their recovery codes.
    ManageUsers,
    /// Read people from a file.
    ImportUsers,
    /// Assign, change and delete tokens.
    ManageTokens,
    /// Make, change and delete resources.
    ManageResources,
    /// See, make, change and delete RADIUS clients.
    ManageClients,
    /// See, make, change, test and delete sources of passwords.
    ManageSources,
    /// See, make, change and delete SMS providers, and send test texts.
    ManageProviders,
    /// See and change what may be sent.
    ManagePolicy,
    /// Check the audit chain.
    VerifyAudit,
    /// See, invite, change and delete administrators.
    ManageAdministrators,
    /// See, make and delete keys of the REST API.
    ManageKeys,
    /// See and change how mail leaves, and settings of portal and console.
    ManageSettings,
}

impl Right {
    /// The least role that has it; roles above have it too.
    #[must_use]
    pub fn least(self) -> Role {
        match self {
            Self::SeeStatus
            | Self::SeeFigures
            | Self::SeeUsers
            | Self::SeeTokens
            | Self::SeeResources
            | Self::SeeTexts
            | Self::SeeAudit
            | Self::Explain
            | Self::LockUsers
            | Self::SignOutUsers
            | Self::BypassUsers
            | Self::OneDayCodes
            | Self::EnrolUsers => Role::Helpdesk,
            Self::ManageUsers
            | Self::ImportUsers
            | Self::ManageTokens
            | Self::ManageResources
            | Self::ManageClients
            | Self::ManageSources
            | Self::ManageProviders
            | Self::ManagePolicy
            | Self::VerifyAudit => Role::Admin,
            Self::ManageAdministrators | Self::ManageKeys | Self::ManageSettings => Role::Owner,
        }
    }
}

/// Whom an act reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// What lies in the scope: the answer is cut to it.
    InScope,
    /// Everything.
    System,
    /// These resources, and at least one.
    Resources(Vec<ResourceId>),
    /// A person.
    User {
        /// Resources the person is bound to.
        bound: Vec<ResourceId>,
        /// Whether the act holds on all of them.
        all: bool,
        /// Resources that the act names.
        named: Vec<ResourceId>,
    },
    /// Nobody: what is named does not exist. A limited scope learns no more of it than of what lies outside.
    Missing,
}

/// What a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Kind of act.
    pub right: Right,
    /// Whom it reaches.
    pub target: Target,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role does not have the right.
    #[error("this needs the role {}; ask an owner", .0.as_str())]
    Role(Role),
    /// The target is not in the scope, or not there.
    #[error("this is not there, or not among the resources that you administer")]
    Scope,
    /// The person is in the scope, but the act reaches further.
    #[error("this person is bound to resources that you do not administer, and this would hold there too")]
    Further,
    /// The act reaches all of otpost.
    #[error("this concerns all resources, and you administer some; ask an administrator of all")]
    System,
}

impl Denied {
    /// Stable code for the audit log.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::Scope => "scope",
            Self::Further => "scope-further",
            Self::System => "scope-system",
        }
    }
}

/// Whether who has `role` and `scope` may do what needs `permission`.
///
/// # Errors
/// [`Denied`] says what is missing.
pub fn may(role: Role, scope: &Scope, permission: &Permission) -> Result<(), Denied> {
    let least = permission.right.least();
    if role < least {
        return Err(Denied::Role(least));
    }
    if *scope == Scope::All {
        return Ok(());
    }
    match &permission.target {
        Target::InScope => Ok(()),
        Target::System => Err(Denied::System),
        Target::Missing => Err(Denied::Scope),
        Target::Resources(resources) => {
            let within = !resources.is_empty() && resources.iter().all(|id| scope.covers(*id));
            if within { Ok(()) } else { Err(Denied::Scope) }
        }
        Target::User { bound, all, named } => {
            let seen = bound.iter().any(|id| scope.covers(*id));
            if !seen || !named.iter().all(|id| scope.covers(*id)) {
                return Err(Denied::Scope);
            }
            if *all && !bound.iter().all(|id| scope.covers(*id)) {
                return Err(Denied::Further);
            }
            Ok(())
        }
    }
}

/// What two may both do: the lesser role, on what lies in both scopes.
#[must_use]
pub fn both((role, scope): (Role, &Scope), (other_role, other_scope): (Role, &Scope)) -> (Role, Scope) {
    let scope = match (scope, other_scope) {
        (Scope::All, scope) | (scope, Scope::All) => scope.clone(),
        (Scope::Resources(one), Scope::Resources(other)) => Scope::Resources(one & other),
    };
    (role.min(other_role), scope)
}

/// Whether `role` and `scope` may be given by who has `own` ones: nobody gives more than they have.
#[must_use]
pub fn may_give((own_role, own_scope): (Role, &Scope), (role, scope): (Role, &Scope)) -> bool {
    role <= own_role
        && match (own_scope, scope) {
            (Scope::All, _) => true,
            (Scope::Resources(_), Scope::All) => false,
            (Scope::Resources(own), Scope::Resources(given)) => given.is_subset(own),
        }
}
