use std::{future::Future, pin::Pin, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{message::Text, redact::Detail};

/// What [`Transport::submit`] returns: a boxed future that borrows the transport and the text.
pub type SubmitFuture<'a> = Pin<Box<dyn Future<Output = Submission> + Send + 'a>>;

/// Something that takes a text for delivery.
///
/// One call is one submission: an implementation never repeats a text on its own, not even after a lost connection.
/// (A request that was never put on the wire, because a kept connection had been closed meanwhile, is not a
/// submission; it goes out on a fresh connection.) Dropping the future abandons the submission, whose outcome then
/// is unknown to the caller.
pub trait Transport: Send + Sync {
    /// Submits `msg` once and says what came of it.
    fn submit<'a>(&'a self, msg: &'a Text) -> SubmitFuture<'a>;
}

/// What came of one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// The provider took the text and says so. That is not delivery.
    Accepted {
        /// The provider's name for the message, to match a later delivery receipt. `None` when the provider gives
        /// none, or when what it gave holds the number or a code and so must not be kept.
        provider_id: Option<String>,
        /// How many message parts the text takes on the air (and is billed as), by our own count.
        parts: u8,
    },
    /// The text was certainly not taken: the provider refused it, or the request was never written.
    Rejected {
        /// What the refusal means, and so what the caller does next.
        class: Class,
        /// The provider's own error code, if it gave one.
        provider_code: Option<String>,
        /// How long the provider asks to be left alone (at most one hour).
        retry_after: Option<Duration>,
        /// Cause for the operator's log.
        detail: Detail,
    },
    /// Nobody can tell whether the text was taken: the request was written, and no answer that means anything came
    /// back. It counts as a submission. Repeating it may produce a second, identical text.
    Unknown {
        /// Cause for the operator's log.
        detail: Detail,
    },
}

impl Submission {
    /// A refusal without a code or a waiting time.
    pub(crate) fn rejected(class: Class, detail: Detail) -> Self {
        Self::Rejected {
            class,
            provider_code: None,
            retry_after: None,
            detail,
        }
    }
}

/// What a refusal means. Each class says what the caller is to do; the transport only names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The number cannot receive texts: wrong, a landline, opted out. Do not repeat and do not fail over, the next
    /// provider meets the same number; tell the user to use another factor.
    Number,
    /// The provider's rules forbid this text (country not enabled, spam or fraud filter). Never repeat it there; fail
    /// over once, because the rule is this provider's.
    Policy,
    /// Too many texts for this account or sender. Leave this provider alone for `retry_after`, let the text spill to
    /// the next provider. The provider is healthy: its circuit breaker stays closed.
    Throttle,
    /// The credentials were refused. Open the breaker at once, alert the administrator, fail over.
    Auth,
    /// The account has no money left. As [`Class::Auth`].
    Balance,
    /// A fault that may pass: connection refused, name not resolved, server error. Repeat or fail over; it counts
    /// towards the breaker.
    Transient,
    /// This provider does not take the request as it was built (sender, template, parameter), or it could not be
    /// built. Repeating it there is useless; fail over and alert the administrator. The breaker stays closed.
    Content,
}
