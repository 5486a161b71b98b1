//! Why an administrator's request was not carried out.

use otpost_ipc::FaultCode;
use otpost_store::StoreError;

/// A refusal, as a sentence that names the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AdminError {
    /// A value breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The named thing does not exist.
    #[error("{0}")]
    NotFound(String),
    /// A unique value is taken, or something still refers to the row.
    #[error("{0}")]
    Conflict(String),
    /// Who asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// The sending gate, or too much at once.
    #[error("{0}")]
    Refused(String),
    /// The store itself.
    #[error("{0}")]
    Store(StoreError),
}

impl AdminError {
    pub(crate) fn code(&self) -> FaultCode {
        match self {
            Self::Invalid(_) => FaultCode::Invalid,
            Self::NotFound(_) => FaultCode::NotFound,
            Self::Conflict(_) => FaultCode::Conflict,
            Self::Forbidden(_) => FaultCode::Forbidden,
            Self::Refused(_) => FaultCode::Busy,
            Self::Store(StoreError::Damaged(_)) => FaultCode::Internal,
            Self::Store(_) => FaultCode::Unavailable,
        }
    }

    /// A rule of the core that is broken.
    pub(crate) fn invalid(error: impl std::fmt::Display) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { .. } | StoreError::InUse { .. } => Self::Conflict(error.to_string()),
            other => Self::Store(other),
        }
    }
}
