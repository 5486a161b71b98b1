//! What a PAM module may ask.

use serde::{Deserialize, Serialize};

use crate::{LoginReply, Secret};

/// Requests of `pam.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum PamOp {
    /// Start a login whose first factor the stack has checked already.
    Begin(PamBegin),
    /// What the user typed at a prompt. A blank line, `r` or `resend` asks for the text again.
    Answer {
        /// From [`LoginReply::Prompt`].
        session: String,
        /// As typed.
        answer: Secret,
    },
    /// Ask for the text again.
    Resend {
        /// From [`LoginReply::Prompt`].
        session: String,
    },
    /// The user went away; the challenge may end.
    Cancel {
        /// From [`LoginReply::Prompt`].
        session: String,
    },
}

/// A login at a PAM service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PamBegin {
    /// PAM_USER as of now.
    pub user: String,
    /// PAM_SERVICE, for example `sshd`.
    pub service: String,
    /// PAM_RHOST; empty when there is none. Only a literal address is ever matched.
    #[serde(default)]
    pub rhost: String,
    /// PAM_TTY; empty when there is none.
    #[serde(default)]
    pub tty: String,
    /// PAM_RUSER; empty when there is none.
    #[serde(default)]
    pub ruser: String,
    /// The first factor failed: ask the same questions, send nothing, let nobody in.
    #[serde(default)]
    pub decoy: bool,
}

/// Answers on `pam.sock`.
pub type PamReply = LoginReply;
