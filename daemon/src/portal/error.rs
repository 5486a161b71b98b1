//! Why a request on the portal was not carried out.

use otpost_ipc::{Fault, FaultCode};
use otpost_store::StoreError;

use crate::passwords::PasswordError;

/// A refusal. The message of [`PortalError::Invalid`] and [`PortalError::Conflict`] begins with a stable word, by which pages choose
/// their own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortalError {
    /// The session does not hold.
    #[error("the session has ended")]
    SignedOut,
    /// The sign-in is not finished.
    #[error("the sign-in is not finished")]
    Unfinished,
    /// The portal, token, session, enrolment or step-up does not exist, or is somebody else's.
    #[error("there is nothing here")]
    NotFound,
    /// The administrator has not allowed it.
    #[error("this is not allowed here; ask your administrator")]
    Forbidden,
    /// A value breaks a rule.
    #[error("{word}: {rule}")]
    Invalid {
        /// Stable.
        word: &'static str,
        /// The rule, as a sentence.
        rule: String,
    },
    /// A unique value is taken, or the state forbids it.
    #[error("{word}: {rule}")]
    Conflict {
        /// Stable.
        word: &'static str,
        /// Why, as a sentence.
        rule: String,
    },
    /// Too much at once.
    #[error("{word}: try again later")]
    Busy {
        /// Stable.
        word: &'static str,
        /// Seconds, where they are known.
        retry_after: Option<u32>,
    },
    /// The store itself.
    #[error("the store cannot be used; see otpostd's log")]
    Store(StoreError),
    /// The password pool.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl PortalError {
    /// A broken rule.
    pub(crate) fn invalid(word: &'static str, rule: impl std::fmt::Display) -> Self {
        Self::Invalid {
            word,
            rule: rule.to_string(),
        }
    }

    /// A state that forbids it.
    pub(crate) fn conflict(word: &'static str, rule: impl std::fmt::Display) -> Self {
        Self::Conflict {
            word,
            rule: rule.to_string(),
        }
    }

    /// As the portal process reads it.
    pub(crate) fn fault(&self, reference: &str) -> Fault {
        let (code, retry_after) = match self {
            Self::NotFound => (FaultCode::NotFound, None),
            Self::Forbidden => (FaultCode::Forbidden, None),
            Self::Invalid { .. } => (FaultCode::Invalid, None),
            // The portal process asks nothing of half or ended sessions but by mistake or replay.
            Self::SignedOut | Self::Unfinished | Self::Conflict { .. } => (FaultCode::Conflict, None),
            Self::Busy { retry_after, .. } => (FaultCode::Busy, *retry_after),
            Self::Password(PasswordError::Busy) => (FaultCode::Busy, Some(1)),
            Self::Store(StoreError::Damaged(_)) | Self::Password(_) => (FaultCode::Internal, None),
            Self::Store(_) => (FaultCode::Unavailable, Some(1)),
        };
        Fault {
            code,
            message: self.to_string(),
            retry_after,
            reference: reference.to_owned(),
        }
    }
}

impl From<StoreError> for PortalError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Taken { .. } => Self::conflict("taken", &error),
            _ => Self::Store(error),
        }
    }
}
