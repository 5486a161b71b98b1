//! How an enrolment begins.

use zeroize::Zeroizing;

use super::{Enrolment, Field, Held, New, Refused, Stand};
use crate::challenge::{LOGIN_LIMIT, Label};
use crate::code::Digits;
use crate::gate::{self, Policy};
use crate::ids::{EnrolmentId, PortalSessionId, TokenId};
use crate::limits::DAY;
use crate::net::Source;
use crate::phone::Phone;
use crate::portal::flow::{CodeFlow, FlowState};
use crate::portal::settings::{Action, FirstEnrolment, Kind, OtpLength};
use crate::portal::verification::Act;
use crate::resource::Resource;
use crate::text::Lang;
use crate::token::{self, Status};
use crate::user::User;
use crate::{Rng, Timestamp, totp};

/// Who begins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The person, in this session.
    Session {
        /// Its id.
        id: PortalSessionId,
        /// Whether it came with a valid invitation.
        invited: bool,
    },
    /// An administrator, who is bound by none of the portal's settings.
    Administrator,
}

/// What is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacing {
    /// The old token.
    pub token: TokenId,
    /// Whether only its number changes.
    pub number_only: bool,
}

/// What is asked for. Holds a number, so it does not print.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// By whom.
    pub by: By,
    /// Name of the form; empty: each is an enrolment of its own.
    pub form: &'a str,
    /// `sms` or `totp`.
    pub kind: &'a str,
    /// Token name as typed.
    pub name: &'a str,
    /// Phone number as typed.
    pub phone: Option<&'a str>,
    /// Length of codes.
    pub digits: Option<u8>,
    /// What is replaced.
    pub replaces: Option<Replacing>,
    /// Whether a fresh code of the old factor allowed it.
    pub permitted: bool,
    /// Where from.
    pub source: &'a Source,
    /// Language of its texts.
    pub lang: Lang,
}

/// What the store says.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// For what.
    pub resource: &'a Resource,
    /// For whom.
    pub user: &'a User,
    /// The user's tokens.
    pub held: &'a [Held],
    /// The user's enrolments, ended ones too.
    pub enrolments: &'a [Enrolment],
    /// What may be sent.
    pub policy: &'a Policy,
}

/// An enrolment that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// This form began it before: nothing is stored and nothing sent.
    Again(Box<Enrolment>),
    /// A new one.
    New {
        /// To be stored; its text is to be sent.
        enrolment: Box<Enrolment>,
        /// Open ones whose place it takes, as cancelled.
        cancelled: Vec<Enrolment>,
    },
}

/// What a person may set up now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Kinds.
    pub kinds: Vec<Kind>,
    /// Why there are none: empty, `off`, `deadline`, `invite`, `has-token`.
    pub why_not: &'static str,
}

/// The kinds that can be set up; recovery codes come with them.
const KINDS: [Kind; 2] = [Kind::Sms, Kind::Totp];

impl View<'_> {
    fn here(&self) -> impl Iterator<Item = &Held> {
        self.held
            .iter()
            .filter(|held| held.resources.contains(&self.resource.id))
    }
}

/// What the page offers: what [`begin`] would not refuse.
#[must_use]
pub fn offer(view: &View<'_>, invited: bool, now: Timestamp) -> Offer {
    let settings = &view.resource.self_service;
    let none = |why_not| Offer {
        kinds: Vec::new(),
        why_not,
    };
    if !settings.allows(Action::Enroll) || !KINDS.iter().any(|kind| settings.offers(*kind)) {
        return none("off");
    }
    match first(view, invited, now) {
        Err(Refused::Deadline) => return none("deadline"),
        Err(_) => return none("invite"),
        Ok(()) => {}
    }
    let free = |kind: &Kind| settings.offers(*kind) && !view.here().any(|held| held.kind == *kind);
    let kinds: Vec<Kind> = KINDS.into_iter().filter(free).collect();
    let why_not = if kinds.is_empty() { "has-token" } else { "" };
    Offer { kinds, why_not }
}

/// The rules of a first token in a resource (domain decision 10). A valid invitation is the administrator's word, also after the
/// deadline.
fn first(view: &View<'_>, invited: bool, now: Timestamp) -> Result<(), Refused> {
    if invited || view.here().next().is_some() {
        return Ok(());
    }
    let settings = &view.resource.self_service;
    if settings.first_enrolment == FirstEnrolment::Invite {
        return Err(Refused::NoInvitation);
    }
    let bound = view.user.profile.bound.iter();
    let since = bound
        .filter(|(resource, _)| *resource == view.resource.id)
        .map(|(_, at)| *at)
        .max()
        .unwrap_or(view.user.created);
    match settings.enrol_days {
        Some(days) if now >= since.plus(DAY.saturating_mul(days)) => Err(Refused::Deadline),
        _ => Ok(()),
    }
}

/// Begins an enrolment.
///
/// # Errors
/// [`Refused`]: nothing begins.
pub fn begin(
    wanted: &Wanted<'_>,
    view: &View<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Result<Begun, Refused> {
    if let Some(before) = same_form(wanted, view) {
        return Ok(Begun::Again(Box::new(before.clone())));
    }
    let kind = wanted
        .kind
        .parse::<Kind>()
        .ok()
        .filter(|kind| KINDS.contains(kind))
        .ok_or_else(|| Refused::field(Field::Kind, "choose text message or authenticator app"))?;
    let number_only = wanted.replaces.is_some_and(|r| r.number_only);
    allowed(wanted.by, view, kind, wanted.replaces)?;
    let old = match wanted.replaces {
        None => None,
        Some(replacing) => Some(replaced(view, kind, replacing)?),
    };
    let other = |held: &&Held| held.kind == kind && old.is_none_or(|old| old.id != held.id);
    if view.here().any(|held| other(&held)) {
        return Err(Refused::HasToken);
    }
    if let (By::Session { invited, .. }, None) = (wanted.by, old) {
        first(view, invited, now)?;
    }
    let name = match old.filter(|_| number_only) {
        Some(old) => old.name.clone(),
        None => token::tidy(wanted.name).map_err(|e| Refused::field(Field::Name, e))?,
    };
    let digits = match old.filter(|_| number_only) {
        Some(old) => old.digits,
        None => digits(wanted, view, kind)?,
    };
    let new = match kind {
        Kind::Sms => New::Sms(Zeroizing::new(
            number(wanted, view, old.filter(|_| number_only))?
                .expose()
                .to_owned(),
        )),
        _ => New::Totp(totp::Secret::random(rng).base32()),
    };
    if let By::Session { .. } = wanted.by
        && !wanted.permitted
        && view.here().next().is_some()
    {
        return Err(Refused::StepUp(act(&new, wanted.replaces)));
    }
    let lifetime = match kind {
        Kind::Sms => view.resource.lifetime(),
        // An app's code has no life of its own here.
        _ => LOGIN_LIMIT,
    };
    let session = match wanted.by {
        By::Session { id, .. } => Some(id),
        By::Administrator => None,
    };
    let enrolment = Enrolment {
        id: EnrolmentId::random(rng),
        session,
        form: wanted.form.to_owned(),
        user: view.user.id,
        resource: view.resource.id,
        new,
        token: old
            .filter(|_| number_only)
            .map_or_else(|| TokenId::random(rng), |old| old.id),
        name,
        digits,
        replaces: old.map(|old| old.id),
        number_only,
        flow: CodeFlow::start(lifetime, view.resource.tries, now),
        label: Label::random(rng),
        lang: wanted.lang,
        text: None,
        refused: String::new(),
        confirmed: None,
        taken: false,
        offered: 0,
        source: wanted.source.clone(),
    };
    let cancelled = view
        .enrolments
        .iter()
        .filter(|e| e.resource == view.resource.id)
        .filter_map(Enrolment::cancel)
        .collect();
    Ok(Begun::New {
        enrolment: Box::new(enrolment),
        cancelled,
    })
}

/// The same enrolment with another number.
///
/// # Errors
/// [`Refused`]: the old one stays.
pub fn change_number(
    before: &Enrolment,
    (phone, by): (&str, By),
    view: &View<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Result<Begun, Refused> {
    if before.stand(now) == Stand::Done || before.kind() != Kind::Sms {
        return Ok(Begun::Again(Box::new(before.clone())));
    }
    let parsed = Phone::parse(phone, view.resource.region).map_err(|e| Refused::field(Field::Phone, e))?;
    // The same number twice is one change: a double click sends one text.
    let form = format!("number after {}", before.id);
    let same = |e: &&Enrolment| {
        e.form == form
            && e.session == before.session
            && matches!(&e.new, New::Sms(number) if number.as_str() == parsed.expose())
    };
    if let Some(changed) = view.enrolments.iter().find(same) {
        return Ok(Begun::Again(Box::new(changed.clone())));
    }
    let wanted = Wanted {
        by,
        form: "",
        kind: Kind::Sms.as_str(),
        name: &before.name,
        phone: Some(phone),
        digits: Some(before.digits.get()),
        replaces: before.replaces.map(|token| Replacing {
            token,
            number_only: before.number_only,
        }),
        // What allowed it goes on, but for an act that was bound to the old number.
        permitted: !before.number_only
            && before.flow.state != FlowState::Cancelled
            && now < before.flow.deadline,
        source: &before.source,
        lang: before.lang,
    };
    let begun = begin(&wanted, view, now, rng)?;
    Ok(match begun {
        Begun::New {
            mut enrolment,
            cancelled,
        } => {
            // Chosen before, perhaps under other settings.
            enrolment.digits = before.digits;
            enrolment.form = form;
            Begun::New { enrolment, cancelled }
        }
        again @ Begun::Again(_) => again,
    })
}

/// Whether the user may begin to replace a token; what that needs a fresh code for.
///
/// # Errors
/// [`Refused`].
pub fn may_replace(view: &View<'_>, token: TokenId) -> Result<Act, Refused> {
    if !view.resource.self_service.allows(Action::Reissue) {
        return Err(Refused::Off);
    }
    let replacing = Replacing {
        token,
        number_only: false,
    };
    // Of whatever kind: the new one's is chosen later.
    let old = replaced(view, Kind::Sms, replacing)?;
    Ok(Act::Reissue(old.id))
}

fn same_form<'v>(wanted: &Wanted<'_>, view: &View<'v>) -> Option<&'v Enrolment> {
    let By::Session { id, .. } = wanted.by else {
        return None;
    };
    view.enrolments.iter().find(|e| {
        !wanted.form.is_empty()
            && e.form == wanted.form
            && e.session == Some(id)
            && e.resource == view.resource.id
    })
}

/// Whether the portal lets people do this. Asked at the begin and again at the end.
pub(super) fn allowed(
    by: By,
    view: &View<'_>,
    kind: Kind,
    replaces: Option<Replacing>,
) -> Result<(), Refused> {
    let (resource, user) = (view.resource, view.user);
    if !resource.enabled || user.locked.is_some() || !user.resources.contains(&resource.id) {
        return Err(Refused::NotYours);
    }
    if by == By::Administrator {
        return Ok(());
    }
    let action = match replaces {
        None => Action::Enroll,
        Some(Replacing {
            number_only: true, ..
        }) => Action::ChangePhone,
        Some(_) => Action::Reissue,
    };
    if !resource.self_service.allows(action) {
        return Err(Refused::Off);
    }
    if !resource.self_service.offers(kind) {
        return Err(Refused::KindOff);
    }
    Ok(())
}

/// The token that is replaced: the user's, guarding this resource, not blocked.
pub(super) fn replaced<'v>(view: &View<'v>, kind: Kind, replacing: Replacing) -> Result<&'v Held, Refused> {
    let old = view
        .held
        .iter()
        .find(|held| held.id == replacing.token && held.resources.contains(&view.resource.id))
        .ok_or(Refused::NoToken)?;
    if old.status == Status::Blocked {
        return Err(Refused::Blocked);
    }
    if replacing.number_only && (old.kind != Kind::Sms || kind != Kind::Sms) {
        return Err(Refused::NoToken);
    }
    Ok(old)
}

/// Length of the new token's codes: the administrator's where it is fixed, whatever was sent; else 6 or 8. Apps show six digits,
/// which all of them can.
fn digits(wanted: &Wanted<'_>, view: &View<'_>, kind: Kind) -> Result<Digits, Refused> {
    let wrong = || Refused::field(Field::Digits, "a code has 6 or 8 digits");
    let chosen = |digits: u8| match digits {
        6 | 8 => Digits::try_from(digits).map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    match (kind, wanted.by, view.resource.self_service.otp_length) {
        (Kind::Sms, By::Session { .. }, OtpLength::Fixed(digits)) => Ok(digits),
        (Kind::Sms, By::Session { .. }, OtpLength::Choice) => {
            wanted.digits.map_or_else(|| Err(wrong()), chosen)
        }
        (Kind::Sms, By::Administrator, _) => wanted.digits.map_or(Ok(view.resource.digits), chosen),
        _ => Ok(Digits::SIX),
    }
}

/// The number, with the resource's country where it has none, and whether texts may go there at all.
fn number(wanted: &Wanted<'_>, view: &View<'_>, old: Option<&Held>) -> Result<Phone, Refused> {
    let bad = |why: &dyn std::fmt::Display| Refused::field(Field::Phone, why);
    let typed = wanted.phone.map(str::trim).unwrap_or_default();
    if typed.is_empty() {
        return Err(bad(&"enter the phone number that gets the codes"));
    }
    let phone = Phone::parse(typed, view.resource.region).map_err(|e| bad(&e))?;
    gate::reachable(view.policy, &phone).map_err(|refusal| match refusal {
        gate::Refusal::Country(region) => bad(&format!(
            "no texts are sent to numbers of {region}; use another number or ask your administrator"
        )),
        _ => bad(&"this is no mobile number; enter one that takes text messages"),
    })?;
    if old.and_then(|old| old.phone.as_ref()) == Some(&phone) {
        return Err(bad(&"your codes go to this number already"));
    }
    Ok(phone)
}

/// The act that a fresh code must be for.
fn act(new: &New, replaces: Option<Replacing>) -> Act {
    match (replaces, new) {
        (None, _) => Act::Enroll,
        (Some(old), New::Sms(number)) if old.number_only => Act::ChangePhone(old.token, number.clone()),
        (Some(old), _) => Act::Reissue(old.token),
    }
}
