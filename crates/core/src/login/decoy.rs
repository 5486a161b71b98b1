//! Challenges for people who get none: with `hide-first-factor`, a refused first request is answered like one that passed, without a
//! text behind it, so that the answer tells nothing of names and passwords (domain decision 5).
//!
//! A decoy lives as long as a challenge does and counts like one, but no code opens it.

use serde::{Deserialize, Serialize};

use super::answer::{asks_for_text, cool_down};
use super::begin::{Begin, BeginView, token_of};
use super::{Asked, Change, Reason, Reply, Step, Typed};
use crate::challenge::{Answered, Challenge, LOGIN_LIMIT, Label, MAX_ROUNDS, Notice, Session, State};
use crate::code::Purpose;
use crate::gate::Policy;
use crate::ids::{ChallengeId, SessionId, TokenId, UserId};
use crate::keys::Keyring;
use crate::name::LoginName;
use crate::phone::Region;
use crate::resource::Resource;
use crate::{Rng, Timestamp};

/// One prompt of a challenge that is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decoy {
    /// What the client holds.
    pub session: Session,
    /// As a challenge would be.
    pub challenge: Challenge,
    /// The name of the request that began it, as a key.
    pub name: [u8; 32],
    /// A number as it would be shown.
    pub masked: String,
}

/// What a request names, as far as a decoy looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'a> {
    /// The user as it was typed.
    pub name: &'a str,
    /// [`tag`] of the password.
    pub tag: Option<[u8; 32]>,
}

/// Tag of a password of nobody, by which it is known again where the code should stand.
#[must_use]
pub fn tag(keys: &Keyring, password: &str) -> [u8; 32] {
    keys.password_tag(&UserId([0; 16]).0, password)
}

/// A further request.
#[derive(Debug, Clone, Copy)]
pub struct Further<'a> {
    /// RADIUS client.
    pub group: Option<&'a str>,
    /// [`name_key`] of the user it names; `None` where the channel names none.
    pub name: Option<[u8; 32]>,
    /// What was typed.
    pub typed: Option<Typed<'a>>,
    /// Packet and reference.
    pub asked: Asked<'a>,
}

/// The key under which names are compared: `ALICE` and `alice` are one person here too.
#[must_use]
pub fn name_key(keys: &Keyring, name: &str) -> [u8; 32] {
    let name = LoginName::parse(name).map_or_else(|_| name.trim().to_lowercase(), |name| name.to_string());
    keys.index("decoy-name", name.as_bytes())
}

/// Refusals that say the same of everybody tell nothing, and stay.
fn hides(reason: Reason) -> bool {
    !matches!(reason, Reason::NoResource | Reason::ResourceDisabled)
}

/// The prompt that this very packet was answered with before.
pub(super) fn before(hidden: Hidden<'_>, view: &BeginView<'_>) -> Option<Step> {
    let decoy = view.decoy?;
    if decoy.name != name_key(view.sending.keys, hidden.name) {
        return None;
    }
    Some(Step {
        reply: decoy.prompt(),
        reason: Reason::Retransmit,
        changes: Vec::new(),
    })
}

/// `step` as it is told where the first factor is hidden.
pub(super) fn instead(
    step: Step,
    (request, hidden): (&Begin<'_>, Hidden<'_>),
    view: &BeginView<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Step {
    let Some(resource) = view.resource.filter(|_| hides(step.reason)) else {
        return step;
    };
    if !matches!(step.reply, Reply::Deny { .. }) {
        return step;
    }
    let keys = view.sending.keys;
    let name = name_key(keys, hidden.name);
    let token = token_of(resource, view.tokens);
    let mut challenge = fake(request, resource, token.map(|t| t.digits), now, rng);
    challenge.origin.password_tag = hidden.tag;
    let session = Session {
        id: keys.session(request.asked.attempt),
        challenge: challenge.id,
        round: 0,
        answered: None,
        notice: Notice::Sent,
    };
    let decoy = Decoy {
        masked: token.map_or_else(
            || number(resource, view.sending.policy, &name),
            |t| t.phone.masked(),
        ),
        session,
        challenge,
        name,
    };
    Step {
        reply: decoy.prompt(),
        reason: step.reason,
        changes: step
            .changes
            .into_iter()
            // The prompt's session is the decoy's, whatever was decided.
            .filter(|change| !matches!(change, Change::Session(_)))
            .chain([Change::Decoy(Box::new(decoy))])
            .collect(),
    }
}

fn fake(
    request: &Begin<'_>,
    resource: &Resource,
    digits: Option<crate::code::Digits>,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Challenge {
    Challenge {
        id: ChallengeId::ordered(now, rng),
        user: UserId([0; 16]),
        token: TokenId([0; 16]),
        resource: resource.id,
        channel: request.channel,
        group: request.group.to_owned(),
        attempt: request.asked.attempt,
        first_session: SessionId([0; 16]),
        purpose: Purpose::Login,
        generation: 0,
        digits: digits.unwrap_or(resource.digits),
        label: Label::random(rng),
        created: now,
        expires: now.plus(resource.lifetime()),
        deadline: now.plus(LOGIN_LIMIT),
        tries: 0,
        // The lock of a user who never failed comes after so many.
        max_tries: resource.tries.min(resource.failed_attempts),
        sends: 1,
        next_send: now.plus(cool_down(0)),
        answered: false,
        state: State::Open,
        origin: request.origin.clone(),
        source: request.source.clone(),
    }
}

/// A number that stays the same for a name, as [`crate::phone::Phone::masked`] shows one.
fn number(resource: &Resource, policy: &Policy, name: &[u8; 32]) -> String {
    let region = resource
        .region
        .or_else(|| policy.countries.iter().next().copied());
    let country = region.and_then(Region::calling_code).unwrap_or(1);
    let last = name
        .iter()
        .fold(0u32, |sum, octet| (sum * 31 + u32::from(*octet)) % 100);
    format!("+{country} *** *** {last:02}")
}

impl Decoy {
    fn prompt(&self) -> Reply {
        Reply::Prompt {
            session: self.session.clone(),
            challenge: Box::new(self.challenge.clone()),
            masked: self.masked.clone(),
        }
    }

    /// This prompt as it is kept after `how` was answered.
    fn answered(&self, asked: Asked<'_>, how: Answered) -> Change {
        Change::Decoy(Box::new(Self {
            session: Session {
                answered: Some((asked.attempt, how)),
                ..self.session.clone()
            },
            ..self.clone()
        }))
    }

    /// A further prompt.
    fn again(&self, asked: Asked<'_>, challenge: Challenge, notice: Notice, rng: &mut dyn Rng) -> Step {
        let session = super::session(&challenge, self.session.round.saturating_add(1), notice, rng);
        let next = Self {
            session,
            challenge: Challenge {
                answered: true,
                ..challenge
            },
            ..self.clone()
        };
        Step {
            reply: next.prompt(),
            reason: Reason::Decoy,
            changes: vec![
                self.answered(asked, Answered::Again(next.session.id)),
                Change::Decoy(Box::new(next)),
            ],
        }
    }
}

/// Decides a further request of a decoy. `next` is the prompt that followed it, where it was answered before.
pub fn answer(
    (decoy, next): (&Decoy, Option<&Decoy>),
    request: &Further<'_>,
    keys: &Keyring,
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Step {
    let foreign = request.group.is_some_and(|group| group != decoy.challenge.group)
        || request.name.is_some_and(|name| name != decoy.name);
    if foreign {
        return Step::deny(Reason::ForeignSession);
    }
    if let Some((by, how)) = decoy.session.answered {
        return match (by == request.asked.attempt, how, next) {
            (true, Answered::Again(_), Some(next)) => Step {
                reply: next.prompt(),
                reason: Reason::Retransmit,
                changes: Vec::new(),
            },
            (true, Answered::Denied, _) => Step::exhausted(Reason::Retransmit, Vec::new()),
            _ => Step::deny(Reason::SessionUsed),
        };
    }
    if !decoy.challenge.open_at(now) {
        return Step::deny(Reason::Expired);
    }
    if decoy.session.round >= MAX_ROUNDS {
        return Step::exhausted(
            Reason::TooManyRounds,
            vec![decoy.answered(request.asked, Answered::Denied)],
        );
    }
    let challenge = decoy.challenge.clone();
    let typed = request.typed.and_then(Typed::text);
    if request.typed.is_none() || typed.is_some_and(|typed| asks_for_text(Some(typed))) {
        if now < challenge.next_send {
            let seconds = now.seconds_until(challenge.next_send);
            return decoy.again(request.asked, challenge, Notice::Wait { seconds }, rng);
        }
        let sends = challenge.sends.saturating_add(1);
        let sent = Challenge {
            next_send: now.plus(cool_down(sends.saturating_sub(1))),
            sends,
            ..challenge
        };
        return decoy.again(request.asked, sent, Notice::SentAgain, rng);
    }
    let tag = typed.map(|typed| tag(keys, typed.trim()));
    if tag.is_some() && tag == challenge.origin.password_tag {
        return decoy.again(request.asked, challenge, Notice::NotPassword, rng);
    }
    let tries = challenge.tries.saturating_add(1);
    let left = challenge.max_tries.saturating_sub(tries);
    if left == 0 {
        return Step::exhausted(
            Reason::Decoy,
            vec![decoy.answered(request.asked, Answered::Denied)],
        );
    }
    let wrong = Challenge { tries, ..challenge };
    decoy.again(request.asked, wrong, Notice::Wrong { left }, rng)
}
