//! How an enrolment ends.

use super::begin::{allowed, replaced};
use super::{APP_NAME, By, Enrolment, Held, New, REPEAT, REPEATS, Refused, Replacing, View};
use crate::ids::ResourceId;
use crate::keys::Keyring;
use crate::phone::Phone;
use crate::portal::factors::TotpToken;
use crate::portal::flow::Typed;
use crate::portal::verification::Owner;
use crate::token::{Status, Token};
use crate::{Timestamp, token, totp};

/// A code that was typed. Does not print.
#[derive(Clone, Copy)]
pub struct Confirm<'a> {
    /// As typed.
    pub typed: &'a str,
    /// By whom.
    pub by: By,
    /// Whether another token has the number and the resource does not let numbers be shared.
    pub taken: bool,
    /// Working keys.
    pub keys: &'a Keyring,
}

/// What a code came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// It takes no code any more; [`Enrolment::stand`] says why. Nothing is stored.
    Closed,
    /// The right code once more, shortly after the first time: nothing happens again.
    Repeated {
        /// Whether recovery codes that the first answer carried may have been lost with it.
        codes: bool,
    },
    /// No text has left, so there is no code yet: nothing is compared, and it costs no try. [`Enrolment::refused`] says why.
    NotSent,
    /// It cannot be a code, and costs no try.
    Malformed(&'static str),
    /// Wrong: the enrolment to store.
    Wrong(Box<Enrolment>),
    /// Right, but another token has the number: the enrolment to store.
    Taken(Box<Enrolment>),
    /// Right: the enrolment to store, and the token to make.
    Done {
        /// The enrolment.
        enrolment: Box<Enrolment>,
        /// Step of an app's code, to be stored as used.
        step: Option<totp::Step>,
    },
}

/// Whether it may still end well: what [`super::begin`] asked is asked again, because settings and tokens may have changed since.
///
/// # Errors
/// [`Refused`].
pub fn standing(enrolment: &Enrolment, by: By, view: &View<'_>) -> Result<(), Refused> {
    let kind = enrolment.kind();
    let replacing = enrolment.replaces.map(|token| Replacing {
        token,
        number_only: enrolment.number_only,
    });
    allowed(by, view, kind, replacing)?;
    if let Some(replacing) = replacing {
        replaced(view, kind, replacing)?;
    }
    let another = view.held.iter().any(|held| {
        held.kind == kind && held.resources.contains(&view.resource.id) && Some(held.id) != enrolment.replaces
    });
    if another {
        return Err(Refused::HasToken);
    }
    Ok(())
}

/// Decides about a code.
///
/// # Errors
/// [`Refused`]: it cannot end well any more; nothing is stored.
pub fn confirm(
    enrolment: &Enrolment,
    confirm: &Confirm<'_>,
    view: &View<'_>,
    now: Timestamp,
) -> Result<Confirmed, Refused> {
    let typed = Typed::digits(confirm.typed);
    if let Some(at) = enrolment.confirmed {
        let repeated = !enrolment.taken
            && now.since(at) < REPEAT
            && enrolment.right(&typed, confirm.keys, now).is_some();
        return Ok(if repeated {
            Confirmed::Repeated {
                codes: (1..REPEATS).contains(&enrolment.offered),
            }
        } else {
            Confirmed::Closed
        });
    }
    if enrolment.flow.closed(now).is_some() {
        return Ok(Confirmed::Closed);
    }
    standing(enrolment, confirm.by, view)?;
    // The digits exist before they leave: whoever guesses them has no number, and an unsent text draws on no budget.
    if matches!(enrolment.new, New::Sms(_)) && enrolment.text.is_none() {
        return Ok(Confirmed::NotSent);
    }
    if let Some(why) = Typed::of(confirm.typed, enrolment.digits.get()).why() {
        return Ok(Confirmed::Malformed(why));
    }
    let Some(step) = enrolment.right(&typed, confirm.keys, now) else {
        return Ok(Confirmed::Wrong(Box::new(Enrolment {
            flow: enrolment.flow.wrong(),
            ..enrolment.clone()
        })));
    };
    let enrolment = Box::new(Enrolment {
        flow: enrolment.flow.done(),
        confirmed: Some(now),
        taken: confirm.taken,
        ..enrolment.clone()
    });
    Ok(if confirm.taken {
        Confirmed::Taken(enrolment)
    } else {
        Confirmed::Done { enrolment, step }
    })
}

/// The SMS token of a confirmed enrolment. `old` is the one it replaces: the new one guards what that guarded.
#[must_use]
pub fn sms_token(enrolment: &Enrolment, phone: Phone, old: Option<&Held>, now: Timestamp) -> Token {
    // The name obeyed the rules at the begin.
    let named = token::name(&enrolment.name, &phone).unwrap_or_else(|_| phone.masked());
    let kept = old.filter(|_| enrolment.number_only);
    // An automatic name shows the number's end.
    let was_automatic = |old: &Held| old.phone.as_ref().is_some_and(|p| old.name == automatic(p));
    Token {
        id: enrolment.token,
        user: enrolment.user,
        name: if kept.is_some_and(was_automatic) {
            automatic(&phone)
        } else {
            named
        },
        phone,
        digits: enrolment.digits,
        status: kept.map_or(Status::Active, |old| old.status),
        verified: true,
        resources: guarded(enrolment, old),
        created: kept.map_or(now, |old| old.created),
    }
}

/// The app of a confirmed enrolment, `step` being that of its first code; `None` where the enrolment is of another kind.
#[must_use]
pub fn totp_token(
    enrolment: &Enrolment,
    step: Option<totp::Step>,
    old: Option<&Held>,
    now: Timestamp,
) -> Option<TotpToken> {
    let New::Totp(secret) = &enrolment.new else {
        return None;
    };
    let name = if enrolment.name.is_empty() {
        APP_NAME
    } else {
        &enrolment.name
    };
    Some(TotpToken {
        id: enrolment.token,
        owner: Owner::User(enrolment.user),
        name: name.to_owned(),
        secret: secret.clone(),
        params: totp::Params::default(),
        last_step: step,
        offset: 0,
        status: Status::Active,
        resources: guarded(enrolment, old),
        created: now,
        used: None,
    })
}

fn guarded(enrolment: &Enrolment, old: Option<&Held>) -> Vec<ResourceId> {
    let mut resources = old.map_or_else(Vec::new, |old| old.resources.clone());
    if !resources.contains(&enrolment.resource) {
        resources.push(enrolment.resource);
    }
    resources
}

fn automatic(phone: &Phone) -> String {
    token::name("", phone).unwrap_or_default()
}
