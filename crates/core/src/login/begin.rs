//! The first request of a login.

use std::net::IpAddr;

use super::decoy::{self, Decoy, Hidden};
use super::single::{Typed, waits, with_code};
use super::{Asked, Change, Reason, Reply, Sending, Step, prompt, session, standing};
use crate::access::{self, Asking, Local, Remembered, Ruling};
use crate::challenge::{
    Challenge, Channel, Joining, LOGIN_LIMIT, Label, MAX_OPEN, Notice, Origin, Session, State,
};
use crate::client::Flow;
use crate::code::Purpose;
use crate::gate;
use crate::ids::{ChallengeId, MessageId};
use crate::limits::Guard;
use crate::limits::{Counter, HOUR, LOGIN_FAILURES, LOGIN_STORM, LOGIN_WINDOW};
use crate::net::Source;
use crate::outbox::{DEADLINE_MARGIN, Kind, Message};
use crate::resource::{Resource, WithoutToken};
use crate::token::{Status, Token};
use crate::user::{PasswordHash, User};
use crate::{Rng, Timestamp};

/// What the request says.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client or PAM service.
    pub group: &'a str,
    /// Whether a password was given to check.
    pub password: bool,
    /// Result of the first factor.
    pub first: First,
    /// What tells whether it belongs to a login that waits already.
    pub origin: &'a Origin,
    /// Where from.
    pub source: &'a Source,
    /// How logins of this client run.
    pub flow: Flow,
    /// Where a refusal is to be told as a challenge.
    pub hidden: Option<Hidden<'a>>,
    /// What the same request holds as a code.
    pub code: Option<Typed<'a>>,
    /// What the rules look at; `None`: the resource's rules do not concern this channel.
    pub rules: Option<Rules<'a>>,
    /// Packet and reference.
    pub asked: Asked<'a>,
}

/// What rules look at besides the user (domain decision 9).
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Groups of a directory, beside the user's own; `None`: they could not be looked up.
    pub groups: Option<&'a [String]>,
    /// Address of the person's device that may be trusted.
    pub address: Option<IpAddr>,
    /// The wall's clock in the resource's time zone; `None`: the zone is not known.
    pub local: Option<Local>,
}

/// Result of the first factor, checked before the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The password is right, or the caller's stack has checked it.
    Passed,
    /// The password is wrong.
    Failed,
    /// The user has no password here.
    NoPassword,
    /// A source could not be asked.
    Unavailable,
    /// The password has to be changed first.
    Expired,
    /// A source says that the account may not be used.
    Locked,
    /// CHAP or MS-CHAPv2, which nobody here can compare with a hash.
    Unreadable,
}

impl First {
    /// What a comparison with `compared`, made before the transaction, says in it. `kept` is the user's present hash: where that is
    /// another one, the password was changed meanwhile, and what was looked at opens nothing.
    #[must_use]
    pub fn confirmed(right: bool, compared: Option<&str>, kept: Option<&PasswordHash>) -> Self {
        match kept {
            None => Self::NoPassword,
            Some(kept) if right && compared == Some(kept.0.as_str()) => Self::Passed,
            Some(_) => Self::Failed,
        }
    }
}

/// What the store says.
#[derive(Debug, Clone, Copy)]
pub struct BeginView<'a> {
    /// Resource of the client or service.
    pub resource: Option<&'a Resource>,
    /// The named user.
    pub user: Option<&'a User>,
    /// The user's failures.
    pub guard: &'a Guard,
    /// The user's tokens.
    pub tokens: &'a [Token],
    /// Challenges of the user that are not ended.
    pub open: &'a [Challenge],
    /// The challenge that this very packet began, and its first session.
    pub same_attempt: Option<(&'a Challenge, &'a Session)>,
    /// Wrong passwords of the user from this source network (short window: [`LOGIN_WINDOW`]).
    pub source_failures: &'a Counter,
    /// Wrong passwords of the user from everywhere (short window: an hour).
    pub user_failures: &'a Counter,
    /// The prompt without a code that this very packet was answered with.
    pub decoy: Option<&'a Decoy>,
    /// The remembered source that this login comes from.
    pub remembered: Option<&'a Remembered>,
    /// Sending.
    pub sending: Sending<'a>,
}

/// What the resource's rules decide without a code; `None`: a code is needed.
fn ruled(
    request: &Begin<'_>,
    view: &BeginView<'_>,
    resource: &Resource,
    user: &User,
    now: Timestamp,
) -> Option<Step> {
    let rules = request.rules?;
    let groups: Option<Vec<String>> = rules
        .groups
        .map(|groups| groups.iter().chain(&user.profile.groups).cloned().collect());
    let asking = Asking {
        name: &user.name,
        groups: groups.as_deref(),
        address: rules.address,
        local: rules.local,
        remembered: view
            .remembered
            .filter(|r| r.user == user.id && r.resource == resource.id && r.group == request.group)
            .filter(|r| {
                token_of(resource, view.tokens).is_some_and(|token| r.mark == access::mark(user, token))
            }),
        now,
    };
    match resource.access.rule(&asking) {
        Ruling::Code => None,
        Ruling::ExemptNetwork => Some(Step::allow(Reason::ExemptNetwork, Vec::new())),
        Ruling::ExemptUser => Some(Step::allow(Reason::ExemptUser, Vec::new())),
        Ruling::ExemptGroup => Some(Step::allow(Reason::ExemptGroup, Vec::new())),
        Ruling::Remembered => Some(Step::allow(Reason::Remembered, Vec::new())),
        Ruling::NetworkRefused => Some(Step::deny(Reason::NetworkRefused)),
        Ruling::HourRefused => Some(Step::deny(Reason::HourRefused)),
        Ruling::Doubt => Some(Step::deny(Reason::RuleInDoubt)),
    }
}

/// Whether the way in by password is closed for this user and source network (domain decision 4). Where the caller names no
/// address, one person's mistakes would close everybody's way: there only the storm counts.
fn closed(request: &Begin<'_>, view: &BeginView<'_>, now: Timestamp) -> bool {
    let source = request.source.address.is_some()
        && view.source_failures.short.count_at(now, LOGIN_WINDOW) >= LOGIN_FAILURES;
    let storm = view.user_failures.short.count_at(now, HOUR) >= LOGIN_STORM;
    request.password && (source || (storm && !view.sending.known_source))
}

/// Decides the first request of a login.
pub fn begin(request: &Begin<'_>, view: &BeginView<'_>, now: Timestamp, rng: &mut dyn Rng) -> Step {
    if let Some(step) = request.hidden.and_then(|hidden| decoy::before(hidden, view)) {
        return step;
    }
    let step = decide(request, view, now, rng);
    match request.hidden {
        Some(hidden) => decoy::instead(step, (request, hidden), view, now, rng),
        None => step,
    }
}

fn decide(request: &Begin<'_>, view: &BeginView<'_>, now: Timestamp, rng: &mut dyn Rng) -> Step {
    let Some(resource) = view.resource else {
        return Step::deny(Reason::NoResource);
    };
    let Some(user) = view.user else {
        return Step::deny(if resource.enabled {
            Reason::UnknownUser
        } else {
            Reason::ResourceDisabled
        });
    };
    if !resource.enabled {
        return Step::deny(Reason::ResourceDisabled);
    }
    if closed(request, view, now) {
        return Step::deny(Reason::SourceClosed);
    }
    match request.first {
        First::Passed => {}
        First::Failed => {
            let mut step = Step::deny(Reason::WrongPassword);
            step.changes.push(Change::LoginFailure);
            return step;
        }
        First::NoPassword => return Step::deny(Reason::NoPassword),
        First::Unavailable => return Step::deny(Reason::SourceUnavailable),
        First::Expired => return Step::deny(Reason::PasswordExpired),
        First::Locked => return Step::deny(Reason::AccountLocked),
        First::Unreadable => return Step::deny(Reason::NeedsPap),
    }
    if let Err(reason) = standing(resource, user, view.guard, now) {
        return Step::deny(reason);
    }
    // A blocked token denies, whatever else there is.
    let blocked = |t: &Token| t.resources.contains(&resource.id) && t.status == Status::Blocked;
    if view.tokens.iter().any(blocked) {
        return Step::deny(Reason::TokenBlocked);
    }
    // A bypass replaces the code, not the rules that close the door.
    let ruling = ruled(request, view, resource, user, now);
    if let Some(step) = ruling.filter(|step| !user.bypassed(now) || matches!(step.reply, Reply::Deny { .. }))
    {
        return step;
    }
    if user.bypassed(now) {
        return Step::allow(Reason::Bypass, Vec::new());
    }
    let token = match usable(resource, user, view.tokens) {
        Ok(token) => token,
        Err(reason @ (Reason::UnenrolledAllowed | Reason::DisabledAllowed)) => {
            return Step::allow(reason, Vec::new());
        }
        Err(reason) => return Step::deny(reason),
    };
    if let Some(typed) = request.code {
        return with_code(request, view, (resource, user, token), typed, now);
    }
    if let Some(step) = again(request, view, (resource, token), now, rng) {
        return step;
    }
    if let Some(step) = waits(request, view, (resource, token), now, rng) {
        return step;
    }
    if view.open.iter().filter(|c| c.open_at(now)).count() >= MAX_OPEN {
        return Step::deny(Reason::TooManyOpen);
    }
    let sending = &view.sending;
    if let Err(refusal) = gate::check(
        sending.policy,
        &token.phone,
        sending.counts,
        sending.known_source,
        now,
    ) {
        return Step::deny(Reason::Sms(refusal));
    }
    issue(request, view, (resource, token), now, rng)
}

/// The token that a text of a login to `resource` would go to: the first active one, else the first.
#[must_use]
pub fn token_of<'t>(resource: &Resource, tokens: &'t [Token]) -> Option<&'t Token> {
    let mut bound = tokens.iter().filter(|t| t.resources.contains(&resource.id));
    let first = bound.clone().next();
    bound.find(|t| t.status == Status::Active).or(first)
}

/// The token that guards `resource` for `user`, or what its absence means.
fn usable<'t>(resource: &Resource, user: &User, tokens: &'t [Token]) -> Result<&'t Token, Reason> {
    let Some(token) = token_of(resource, tokens).filter(|t| t.user == user.id) else {
        return Err(match resource.unenrolled {
            WithoutToken::Deny => Reason::Unenrolled,
            WithoutToken::Allow => Reason::UnenrolledAllowed,
        });
    };
    match (token.status, resource.disabled) {
        (Status::Active, _) => Ok(token),
        (Status::Disabled, WithoutToken::Allow) => Err(Reason::DisabledAllowed),
        (Status::Disabled, WithoutToken::Deny) => Err(Reason::TokenDisabled),
        (Status::Blocked, _) => Err(Reason::TokenBlocked),
    }
}

/// A retransmit, or a second request of a login that waits already: no text.
fn again(
    request: &Begin<'_>,
    view: &BeginView<'_>,
    (resource, token): (&Resource, &Token),
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Option<Step> {
    if let Some((challenge, first)) = view.same_attempt {
        let same = challenge.open_at(now)
            && challenge.token == token.id
            && challenge.resource == resource.id
            && challenge.group == request.group;
        return Some(if same {
            Step {
                reply: prompt(challenge, first.clone(), token),
                reason: Reason::Retransmit,
                changes: Vec::new(),
            }
        } else {
            Step::deny(Reason::Expired)
        });
    }
    let joining = Joining {
        channel: request.channel,
        group: request.group,
        resource: resource.id,
        origin: request.origin,
        source: request.source,
    };
    let joined = view
        .open
        .iter()
        .find(|c| c.token == token.id && c.joins(&joining, now))?;
    let session = Session {
        id: view.sending.keys.session(request.asked.attempt),
        ..session(joined, 0, Notice::Sent, rng)
    };
    Some(Step {
        reply: prompt(joined, session.clone(), token),
        reason: Reason::Joined,
        changes: vec![Change::Session(session)],
    })
}

/// A new challenge with its own code, its text and its counters.
fn issue(
    request: &Begin<'_>,
    view: &BeginView<'_>,
    (resource, token): (&Resource, &Token),
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Step {
    let sending = &view.sending;
    let challenge = Challenge {
        id: ChallengeId::ordered(now, rng),
        user: token.user,
        token: token.id,
        resource: resource.id,
        channel: request.channel,
        group: request.group.to_owned(),
        attempt: request.asked.attempt,
        first_session: sending.keys.session(request.asked.attempt),
        purpose: Purpose::Login,
        generation: 0,
        digits: token.digits,
        label: label(view.open, rng),
        created: now,
        expires: now.plus(resource.lifetime()),
        deadline: now.plus(LOGIN_LIMIT),
        tries: 0,
        max_tries: resource.tries,
        sends: 1,
        next_send: now.plus(std::time::Duration::from_secs(30)),
        answered: false,
        state: State::Open,
        origin: request.origin.clone(),
        source: request.source.clone(),
    };
    let session = Session {
        id: challenge.first_session,
        ..session(&challenge, 0, Notice::Sent, rng)
    };
    let text = text(&challenge, request.asked.reference.clone(), now, rng);
    Step {
        reply: prompt(&challenge, session.clone(), token),
        reason: Reason::Challenge,
        changes: vec![
            Change::Challenge(Box::new(challenge)),
            Change::Session(session),
            Change::Queue(Box::new(text)),
            Change::Counts(sending.counts.hit(now)),
        ],
    }
}

/// A label that no other login of the user shows.
fn label(open: &[Challenge], rng: &mut dyn Rng) -> Label {
    let mut label = Label::random(rng);
    for _ in 0..16 {
        if !open.iter().any(|c| c.label == label) {
            break;
        }
        label = Label::random(rng);
    }
    label
}

/// The outbox row of a challenge's present code.
pub(super) fn text(
    challenge: &Challenge,
    reference: crate::ids::Reference,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Message {
    Message {
        id: MessageId::ordered(now, rng),
        kind: Kind::Code {
            challenge: challenge.id,
            generation: challenge.generation,
            token: challenge.token,
        },
        state: crate::outbox::State::Queued,
        due: now,
        deadline: challenge.expires.minus(DEADLINE_MARGIN),
        submissions: 0,
        tried: Vec::new(),
        barred: Vec::new(),
        uncertain: false,
        epoch: 0,
        reference,
        only: None,
        detail: String::new(),
        created: now,
    }
}
