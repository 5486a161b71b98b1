//! Codes asked for on a page besides enrolment: second factor at sign-in, step-up of one act, codes by e-mail.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::flow::CodeFlow;
use crate::challenge::Label;
use crate::code::{CodeOf, Digits, Purpose};
use crate::ids::{
    AdminId, ChallengeId, MessageId, PortalSessionId, ResourceId, TokenId, UserId, VerificationId,
};
use crate::net::Source;

/// Who owns a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// A person.
    User(UserId),
    /// An administrator.
    Admin(AdminId),
}

/// What a right code permits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum For {
    /// Reading the mail: first factor of a person without a password.
    Mail,
    /// Signing in.
    SignIn,
    /// One act with its new value.
    Act(Act),
    /// The new e-mail address is the person's: it takes the place of the old one.
    NewEmail(String),
}

/// An act that needs a fresh code (domain decision 10), with its new value. Stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Take the token away.
    Unassign(TokenId),
    /// Begin an enrolment that replaces the token.
    Reissue(TokenId),
    /// Begin an enrolment that gives the SMS token this number (E.164).
    ChangePhone(TokenId, Zeroizing<String>),
    /// Let a token of theirs guard this resource too.
    AssignExisting(TokenId),
    /// Set up a further token beside one that exists.
    Enroll,
    /// Set the password to the one with this PHC hash.
    Password(Zeroizing<String>),
    /// Send a code to the new address, which takes the old one's place when confirmed.
    Email(String),
    /// Take this user name.
    Login(String),
    /// Make new recovery codes; the old ones end.
    RenewRecovery,
}

impl Act {
    /// Its word, for texts, pages and the audit log.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unassign(_) => "unassign",
            Self::Reissue(_) => "reissue",
            Self::ChangePhone(..) => "change-phone",
            Self::AssignExisting(_) => "assign-existing",
            Self::Enroll => "enroll",
            Self::Password(_) => "password",
            Self::Email(_) => "email",
            Self::Login(_) => "login",
            Self::RenewRecovery => "renew-recovery",
        }
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code that is asked for on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verification {
    /// Stable id.
    pub id: VerificationId,
    /// The session that asks; no other can answer.
    pub session: PortalSessionId,
    /// Whose factor; absent where nobody can sign in under the typed name.
    pub owner: Option<Owner>,
    /// On which portal.
    pub resource: Option<ResourceId>,
    /// What a right code permits.
    pub purpose: For,
    /// SMS token the code was sent to, where one was.
    pub token: Option<TokenId>,
    /// E-mail address the code was sent to, where one was.
    pub email: Option<String>,
    /// Length of a code that was sent.
    pub digits: Digits,
    /// Shown on the page and in the text.
    pub label: Label,
    /// Tries and times; they count for every method.
    pub flow: CodeFlow,
    /// The last text, where one was asked for and the sending gate let it pass.
    #[serde(default)]
    pub text: Option<MessageId>,
    /// Why the sending gate refused the last text: `budget`, `country`, `paused`; empty: it did not.
    #[serde(default)]
    pub refused: String,
    /// Where from.
    pub source: Source,
    /// Name that was typed, for sign-ins by e-mail: wrong codes count under it, also where it is of nobody.
    #[serde(default)]
    pub name: String,
}

impl Verification {
    /// What a code that was sent is derived from.
    #[must_use]
    pub fn code(&self) -> CodeOf {
        CodeOf {
            challenge: ChallengeId(self.id.0),
            token: self.token.unwrap_or(TokenId([0; 16])),
            purpose: match self.purpose {
                For::Mail => Purpose::EmailSignIn,
                For::SignIn => Purpose::PortalSignIn,
                For::Act(_) => Purpose::StepUp,
                For::NewEmail(_) => Purpose::NewEmail,
            },
            generation: self.flow.generation,
            digits: self.digits,
        }
    }
}
