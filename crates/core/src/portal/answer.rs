//! What was typed for a verification: right, wrong, or no code at all.
//!
//! A verification belongs to one session, one purpose and, for an act, one new value; its code is derived from its id, so no other
//! verification takes it. Wrong codes count on the verification whatever the method, and those of the second factor on the person's
//! guard as at every login. A bypass is not looked at: it never satisfies the portal.

use std::cmp::Ordering;

use zeroize::Zeroizing;

use super::factors::{Factors, Method, RecoverySet, TotpToken, Way};
use super::flow::Closed;
use super::reason::Reason;
use super::sign_in::SPARE_FAILURES;
use super::verification::{For, Verification};
use crate::Timestamp;
use crate::code;
use crate::ids::{ResourceId, TokenId};
use crate::keys::Keyring;
use crate::limits::{Counter, Guard, HOUR};
use crate::recovery;
use crate::token::Status;

/// What was typed.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// How it was obtained.
    pub method: Method,
    /// As typed.
    pub text: &'a str,
    /// The hash that the shell found it to be of, for methods that are kept as hashes.
    pub proof: Option<&'a Proof>,
}

/// A hash that what was typed belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A recovery code.
    Recovery(recovery::Index, String),
    /// The helpdesk's code.
    Helpdesk(Zeroizing<String>),
    /// The password.
    Password(Zeroizing<String>),
}

/// What the store says.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The verification; the shell has checked that the session is the one that asks.
    pub verification: &'a Verification,
    /// Ways that are open to the person.
    pub ways: &'a [Way],
    /// Their second factors.
    pub factors: &'a Factors,
    /// Their failures.
    pub guard: &'a Guard,
    /// Wrong codes until the user is locked.
    pub failed_attempts: u32,
    /// Resource of the portal.
    pub resource: ResourceId,
    /// Wrong recovery and helpdesk codes of the person.
    pub spare: &'a Counter,
    /// Whether codes from e-mails, or passwords, are closed for this name and network.
    pub closed: bool,
    /// Whether codes from e-mails are wrong whatever they are: the person has used up their tries under other names, which the page
    /// does not tell.
    pub shut: bool,
    /// PHC hash of the present password.
    pub password: Option<&'a str>,
    /// Working keys.
    pub keys: &'a Keyring,
}

/// Why what was typed is not taken, as the page says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is wrong.
    Wrong,
    /// Too few digits, or nothing.
    TooFew,
    /// Too many digits.
    TooMany,
    /// Something else than digits.
    NotDigits,
    /// The code's time is over.
    Expired,
    /// Too many were wrong.
    TriesUsed,
    /// The second factor is locked, or this way is closed for a while.
    Locked,
    /// It was used before.
    Used,
}

impl Why {
    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::TooFew => "too-few",
            Self::TooMany => "too-many-digits",
            Self::NotDigits => "not-digits",
            Self::Expired => "expired",
            Self::TriesUsed => "tries-used",
            Self::Locked => "locked",
            Self::Used => "used",
        }
    }
}

/// One thing to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Replace the verification.
    Verification(Box<Verification>),
    /// Replace the user's guard.
    Guard(Guard),
    /// Replace the app: its step is used.
    Totp(Box<TotpToken>),
    /// Replace the recovery codes: one is used.
    Recovery(Box<RecoverySet>),
    /// Delete the helpdesk's code.
    HelpdeskUsed,
    /// The SMS token gave its first right code.
    TokenVerified(TokenId),
    /// The source succeeded for the user with a second factor.
    SourceKnown,
    /// One more wrong recovery or helpdesk code.
    SpareFailure,
    /// One more wrong code from an e-mail.
    MailFailure,
    /// One more wrong password.
    PasswordFailure,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `None`: right. Otherwise what the page says.
    pub wrong: Option<Why>,
    /// For operators.
    pub reason: Reason,
    /// For the store, in order.
    pub changes: Vec<Change>,
}

impl Step {
    fn refused(why: Why, reason: Reason) -> Self {
        Self {
            wrong: Some(why),
            reason,
            changes: Vec::new(),
        }
    }
}

/// Decides about what was typed.
#[must_use]
pub fn answer(typed: &Typed<'_>, view: &View<'_>, now: Timestamp) -> Step {
    let flow = &view.verification.flow;
    let sent = matches!(typed.method, Method::Sms | Method::Mail);
    match flow.closed(now) {
        Some(Closed::Done) => return Step::refused(Why::Used, Reason::Used),
        Some(Closed::TriesUsed) => return Step::refused(Why::TriesUsed, Reason::TriesUsed),
        Some(Closed::Cancelled | Closed::Over) => return Step::refused(Why::Expired, Reason::Expired),
        // Only a code that was sent ends before the verification does.
        Some(Closed::Expired) if sent => return Step::refused(Why::Expired, Reason::Expired),
        Some(Closed::Expired) | None => {}
    }
    let factor = matches!(typed.method, Method::Sms | Method::Totp);
    let spare = matches!(typed.method, Method::Recovery | Method::Helpdesk);
    if factor && view.guard.lock_at(now).is_some() {
        return Step::refused(Why::Locked, Reason::OtpLocked);
    }
    if spare && view.spare.short.count_at(now, HOUR) >= SPARE_FAILURES {
        return Step::refused(Why::Locked, Reason::OtpLocked);
    }
    if view.closed && matches!(typed.method, Method::Mail | Method::Password) {
        let reason = match typed.method {
            Method::Mail => Reason::EmailClosed,
            _ => Reason::SourceClosed,
        };
        return Step::refused(Why::Locked, reason);
    }
    let Some(way) = view.ways.iter().find(|way| way.method == typed.method) else {
        return Step::refused(Why::Wrong, Reason::NotOffered);
    };
    if let Some(why) = malformed(typed, way, view) {
        return Step::refused(why, Reason::Malformed);
    }
    match check(typed, view, now) {
        Some(changes) => right(typed.method, view, changes),
        None => wrong(typed.method, view, now),
    }
}

/// What cannot be a code costs no try.
fn malformed(typed: &Typed<'_>, way: &Way, view: &View<'_>) -> Option<Why> {
    let expected = match typed.method {
        Method::Sms | Method::Mail => view.verification.digits.get(),
        Method::Totp => {
            let app = view.factors.totp.iter().find(|t| Some(t.id) == way.token);
            app.map_or(6, TotpToken::digits)
        }
        Method::Recovery | Method::Helpdesk | Method::Password => {
            return typed.text.trim().is_empty().then_some(Why::TooFew);
        }
    };
    let why = misshapen(typed.text, expected)?;
    // A code of another app of theirs may be as long as it is.
    let mut apps = view.factors.totp.iter();
    let other = typed.method == Method::Totp && apps.any(|app| misshapen(typed.text, app.digits()).is_none());
    (!other).then_some(why)
}

/// Why what was typed cannot be a code of so many digits; blanks and hyphens do not count.
#[must_use]
pub fn misshapen(typed: &str, digits: u8) -> Option<Why> {
    let mut found: usize = 0;
    for c in typed.trim().chars().filter(|c| !matches!(c, ' ' | '-')) {
        if !c.is_ascii_digit() {
            return Some(Why::NotDigits);
        }
        found = found.saturating_add(1);
    }
    match found.cmp(&usize::from(digits)) {
        Ordering::Less => Some(Why::TooFew),
        Ordering::Equal => None,
        Ordering::Greater => Some(Why::TooMany),
    }
}

/// The changes of a right one; `None` for a wrong one.
fn check(typed: &Typed<'_>, view: &View<'_>, now: Timestamp) -> Option<Vec<Change>> {
    match typed.method {
        Method::Sms => sms(typed.text, view),
        Method::Totp => {
            let apps = view.factors.totp.iter().filter(|t| {
                let offered = view.ways.iter().any(|way| way.token == Some(t.id));
                t.status == Status::Active && (offered || t.resources.contains(&view.resource))
            });
            let app = apps.into_iter().find_map(|t| t.accept(typed.text, now))?;
            Some(vec![Change::Totp(Box::new(app)), Change::SourceKnown])
        }
        Method::Recovery => recovery(typed, view, now),
        Method::Helpdesk => {
            let kept = view.factors.helpdesk.as_ref().filter(|h| now < h.ends)?;
            match typed.proof {
                Some(Proof::Helpdesk(hash)) if *hash == kept.hash => {
                    let mut changes = vec![Change::HelpdeskUsed];
                    changes.extend(view.guard.recovered().map(Change::Guard));
                    Some(changes)
                }
                _ => None,
            }
        }
        Method::Mail => {
            let verification = view.verification;
            let right = code::derive(view.keys, &verification.code()).matches(typed.text);
            let mailed = verification.email.is_some() && verification.owner.is_some();
            (right && mailed && !view.shut).then(Vec::new)
        }
        Method::Password => match (typed.proof, view.password) {
            (Some(Proof::Password(hash)), Some(kept)) if hash.as_str() == kept => Some(Vec::new()),
            _ => None,
        },
    }
}

fn sms(typed: &str, view: &View<'_>) -> Option<Vec<Change>> {
    let verification = view.verification;
    let right = code::derive(view.keys, &verification.code()).matches(typed);
    // The token may have been taken away or blocked since.
    let token = verification.token?;
    let token = view.factors.sms.iter().find(|t| t.id == token)?;
    let offered = view.ways.iter().any(|way| way.token == Some(token.id));
    let sent = verification.flow.sends > 0;
    if !(right && sent && offered && token.status == Status::Active) {
        return None;
    }
    let mut changes = vec![Change::SourceKnown];
    changes.extend(view.guard.succeeded().map(Change::Guard));
    if !token.verified {
        changes.push(Change::TokenVerified(token.id));
    }
    Some(changes)
}

fn recovery(typed: &Typed<'_>, view: &View<'_>, now: Timestamp) -> Option<Vec<Change>> {
    let Some(Proof::Recovery(index, hash)) = typed.proof else {
        return None;
    };
    let mut kept = view.factors.recovery.clone()?;
    // Codes of another portal open nothing here.
    if !kept.opens(view.resource) {
        return None;
    }
    // Renewed or used since the hash was looked at: no.
    kept.set.find(*index).filter(|code| code.hash == *hash)?;
    if !kept.set.use_up(*index, now) {
        return None;
    }
    // The lock is the person's, on all resources: codes for one of them do not lift it where a token guards others alone, or who can
    // make such codes could guess that token's for ever.
    let lifts = view.factors.within(&kept.resources);
    let mut changes = vec![Change::Recovery(Box::new(kept))];
    changes.extend(view.guard.recovered().filter(|_| lifts).map(Change::Guard));
    Some(changes)
}

fn right(method: Method, view: &View<'_>, mut changes: Vec<Change>) -> Step {
    if method == Method::Totp {
        changes.extend(view.guard.succeeded().map(Change::Guard));
    }
    let done = Verification {
        flow: view.verification.flow.done(),
        ..view.verification.clone()
    };
    changes.push(Change::Verification(Box::new(done)));
    let reason = match view.verification.purpose {
        For::Mail => Reason::MailCode,
        _ => Reason::Code(method),
    };
    Step {
        wrong: None,
        reason,
        changes,
    }
}

fn wrong(method: Method, view: &View<'_>, now: Timestamp) -> Step {
    let after = Verification {
        flow: view.verification.flow.wrong(),
        ..view.verification.clone()
    };
    let ended = after.flow.left() == 0;
    let mut changes = vec![Change::Verification(Box::new(after))];
    let mut locked = false;
    match method {
        Method::Sms | Method::Totp => {
            let guard = view.guard.failed(now, view.failed_attempts);
            locked = guard.lock_at(now).is_some();
            changes.push(Change::Guard(guard));
        }
        Method::Recovery | Method::Helpdesk => {
            changes.push(Change::SpareFailure);
            // Who is locked already is not locked again: the codes that clear the lock have a limit of their own.
            if view.guard.lock_at(now).is_none() {
                let guard = view.guard.failed(now, view.failed_attempts);
                locked = guard.lock_at(now).is_some();
                changes.push(Change::Guard(guard));
            }
        }
        Method::Mail => changes.push(Change::MailFailure),
        Method::Password => changes.push(Change::PasswordFailure),
    }
    let (why, reason) = match (locked, ended) {
        (true, _) => (Why::Locked, Reason::OtpLockedNow),
        (false, true) => (Why::TriesUsed, Reason::TriesUsed),
        (false, false) => (Why::Wrong, Reason::Wrong(method)),
    };
    Step {
        wrong: Some(why),
        reason,
        changes,
    }
}
