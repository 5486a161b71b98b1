//! Why the portal did what it did. Operators see it; users do not.

use super::factors::Method;
use crate::gate::Refusal;

/// Why a request on the portal went as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Signed in: no second factor is set up here yet.
    FirstFactor,
    /// The first factor passed; the second is asked for.
    FactorAsked,
    /// A code was mailed.
    MailAsked,
    /// The mailed code was right.
    MailCode,
    /// A right code or password.
    Code(Method),
    /// A wrong code or password.
    Wrong(Method),
    /// What was typed cannot be a code; costs no try.
    Malformed,
    /// The method was not offered.
    NotOffered,
    /// No such user.
    UnknownUser,
    /// Wrong password.
    WrongPassword,
    /// The user has no password; a code by e-mail may be asked for.
    NoPassword,
    /// The user has neither password nor e-mail address.
    NoWayIn,
    /// The user has a password, so no code is mailed.
    HasPassword,
    /// Too many wrong passwords from this source network.
    SourceClosed,
    /// Too many wrong codes by e-mail from this source network.
    EmailClosed,
    /// Too many mails to this address or from this source network.
    EmailBudget,
    /// Codes by e-mail are switched off, or no mail is set up.
    EmailOff,
    /// The user is not bound to the resource.
    NotInResource,
    /// Locked by an administrator.
    AdminLocked,
    /// Locked after wrong codes, and there is no recovery code.
    OtpLocked,
    /// This wrong code locked the user.
    OtpLockedNow,
    /// A token guards the resource, and none of them can be used.
    NoUsableFactor,
    /// The code's time is over.
    Expired,
    /// The tries are used.
    TriesUsed,
    /// The code was used before.
    Used,
    /// A message was sent again.
    Resent,
    /// A message came too early or over budget.
    ResendRefused,
    /// The sending gate refused.
    Sms(Refusal),
    /// A fresh code is asked for.
    StepUp,
    /// The administrator has not allowed it.
    NotAllowed,
    /// It was allowed and carried out.
    Done,
    /// The id is of somebody else, or of nothing.
    NotTheirs,
    /// The user did it.
    Asked,
}

impl Reason {
    /// Stable code for audit rows and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::FirstFactor => "first-factor",
            Self::FactorAsked => "factor-asked",
            Self::MailAsked => "mail-asked",
            Self::MailCode => "mail-code",
            Self::Code(method) => method.as_str(),
            Self::Wrong(Method::Password) | Self::WrongPassword => "wrong-password",
            Self::Wrong(Method::Mail) => "wrong-mail-code",
            Self::Wrong(Method::Recovery) => "wrong-recovery-code",
            Self::Wrong(Method::Helpdesk) => "wrong-helpdesk-code",
            Self::Wrong(_) => "wrong-code",
            Self::Malformed => "malformed",
            Self::NotOffered => "not-offered",
            Self::UnknownUser => "unknown-user",
            Self::NoPassword => "no-password",
            Self::NoWayIn => "no-way-in",
            Self::HasPassword => "has-password",
            Self::SourceClosed => "source-closed",
            Self::EmailClosed => "email-closed",
            Self::EmailBudget => "email-budget",
            Self::EmailOff => "email-off",
            Self::NotInResource => "not-in-resource",
            Self::AdminLocked => "admin-locked",
            Self::OtpLocked => "otp-locked",
            Self::OtpLockedNow => "otp-locked-now",
            Self::NoUsableFactor => "no-usable-factor",
            Self::Expired => "expired",
            Self::TriesUsed => "tries-used",
            Self::Used => "used",
            Self::Resent => "resent",
            Self::ResendRefused => "resend-refused",
            Self::Sms(refusal) => refusal.code(),
            Self::StepUp => "step-up",
            Self::NotAllowed => "not-allowed",
            Self::Done => "done",
            Self::NotTheirs => "not-theirs",
            Self::Asked => "asked",
        }
    }
}
