//! Every further request of a login.

use std::net::IpAddr;
use std::time::Duration;

use subtle::ConstantTimeEq;

use super::begin::text;
use super::single::Typed;
use super::{Asked, Change, Reason, Sending, Step, prompt, session, standing};
use crate::access;
use crate::challenge::{Answered, Challenge, Channel, MAX_ROUNDS, Notice, Session, State};
use crate::code;
use crate::gate;
use crate::ids::{ResourceId, UserId};
use crate::limits::Guard;
use crate::resource::Resource;
use crate::token::{Status, Token};
use crate::user::User;
use crate::{Rng, Timestamp};

/// A resend keeps the digits while at least this much of their life is left.
const KEEP_DIGITS: Duration = Duration::from_secs(120);

/// What the request says.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client or PAM service; `None` where the caller is known by its session alone.
    pub group: Option<&'a str>,
    /// The user it names; `None` where the channel names none.
    pub user: Option<UserId>,
    /// What was typed; `None` asks for the text again.
    pub typed: Option<Typed<'a>>,
    /// What the client or service protects now; `None` where that is not asked.
    pub resource: Option<ResourceId>,
    /// Address of the person's device, where it can be trusted.
    pub trusted: Option<IpAddr>,
    /// Packet and reference.
    pub asked: Asked<'a>,
}

/// What the store says.
#[derive(Debug, Clone, Copy)]
pub struct AnswerView<'a> {
    /// The named session with its challenge.
    pub found: Option<Found<'a>>,
    /// Sending.
    pub sending: Sending<'a>,
}

/// Everything a session leads to.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The session.
    pub session: &'a Session,
    /// Session that followed it, where it was answered with a further prompt.
    pub next: Option<&'a Session>,
    /// Its challenge.
    pub challenge: &'a Challenge,
    /// Its resource.
    pub resource: Option<&'a Resource>,
    /// Its user.
    pub user: Option<&'a User>,
    /// Its token.
    pub token: Option<&'a Token>,
    /// The user's failures.
    pub guard: &'a Guard,
}

/// Decides a further request of a login.
pub fn answer(request: &Answer<'_>, view: &AnswerView<'_>, now: Timestamp, rng: &mut dyn Rng) -> Step {
    let Some(found) = &view.found else {
        return Step::deny(Reason::UnknownSession);
    };
    let challenge = found.challenge;
    let foreign = challenge.channel != request.channel
        || request.group.is_some_and(|group| challenge.group != group)
        || request.user.is_some_and(|user| challenge.user != user)
        // A client that protects something else by now opens that with codes of its own.
        || request.resource.is_some_and(|resource| challenge.resource != resource);
    if foreign {
        return Step::deny(Reason::ForeignSession);
    }
    let (Some(resource), Some(user), Some(token)) = (found.resource, found.user, found.token) else {
        return Step::deny(Reason::ChallengeDead);
    };
    let at = At {
        request,
        found,
        resource,
        token,
    };
    if let Some((by, how)) = found.session.answered {
        // An Accept is repeated for a lost reply, not for whoever kept the request.
        let late = now >= challenge.deadline || standing(resource, user, found.guard, now).is_err();
        // The same name of a packet is not enough: what was right must be right again, and a proof tells its keys anew.
        let right = || {
            let code = code::derive(view.sending.keys, &challenge.code());
            request.typed.is_some_and(|typed| typed.is(&code))
        };
        let same = by == request.asked.attempt && (how != Answered::Allowed || (!late && right()));
        return replay(same, how, found, token);
    }
    match challenge.state {
        State::Open => {}
        State::Consumed { .. } => return Step::deny(Reason::Consumed),
        State::Dead => return Step::deny(Reason::ChallengeDead),
    }
    if !challenge.open_at(now) {
        // For good, also when the clock goes back.
        let mut step = Step::deny(Reason::Expired);
        let dead = Challenge {
            state: State::Dead,
            ..challenge.clone()
        };
        step.changes.push(Change::Challenge(Box::new(dead)));
        return step;
    }
    if let Err(reason) = standing(resource, user, found.guard, now) {
        return Step::deny(reason);
    }
    match token.status {
        Status::Active if token.resources.contains(&resource.id) => {}
        Status::Blocked => return Step::deny(Reason::TokenBlocked),
        _ => return Step::deny(Reason::TokenDisabled),
    }
    if found.session.round >= MAX_ROUNDS {
        return at.ended(Reason::TooManyRounds, Vec::new());
    }
    let Some(typed) = request.typed.filter(|typed| match typed {
        Typed::Text(text) => !asks_for_text(Some(text)),
        Typed::Proof(proof) => !["", "r", "resend", "sms"].iter().any(|word| proof.proves(word)),
    }) else {
        return at.resend(&view.sending, now, rng);
    };
    let text = typed.text().map(str::trim);
    if text.is_some_and(|text| is_password(challenge, text, &view.sending)) {
        return at.further(Further::quiet(Notice::NotPassword, Reason::PasswordAsCode), rng);
    }
    let code = code::derive(view.sending.keys, &challenge.code());
    if typed.is(&code) {
        return at.right(user, now);
    }
    at.wrong(now, rng)
}

/// Ends the login of a prompt that nobody will answer; `None` where there is nothing to end.
#[must_use]
pub fn cancel(request: &Answer<'_>, found: &Found<'_>, now: Timestamp) -> Option<Step> {
    let (Some(resource), Some(token)) = (found.resource, found.token) else {
        return None;
    };
    let own = found.challenge.channel == request.channel;
    if !own || found.session.answered.is_some() || !found.challenge.open_at(now) {
        return None;
    }
    let at = At {
        request,
        found,
        resource,
        token,
    };
    Some(at.ended(Reason::Cancelled, Vec::new()))
}

/// Between texts of one challenge: 30, 60, 120, 240 seconds after so many resends.
pub(super) fn cool_down(resends: u32) -> Duration {
    Duration::from_secs(30u64.checked_shl(resends.min(3)).unwrap_or(240))
}

/// Whether what was typed asks for the text again; nothing typed at all does.
#[must_use]
pub fn asks_for_text(typed: Option<&str>) -> bool {
    typed.map(str::trim).is_none_or(|typed| {
        typed.is_empty()
            || ["r", "resend", "sms"]
                .iter()
                .any(|word| typed.eq_ignore_ascii_case(word))
    })
}

fn is_password(challenge: &Challenge, typed: &str, sending: &Sending<'_>) -> bool {
    challenge.origin.password_tag.is_some_and(|tag| {
        sending
            .keys
            .password_tag(&challenge.user.0, typed)
            .ct_eq(&tag)
            .into()
    })
}

/// A session that was answered before: the same request gets the same answer, any other none.
fn replay(same: bool, how: Answered, found: &Found<'_>, token: &Token) -> Step {
    if !same {
        return Step::deny(Reason::SessionUsed);
    }
    match (how, found.next) {
        (Answered::Allowed, _) => Step::allow(Reason::Retransmit, Vec::new()),
        (Answered::Again(_), Some(next)) => Step {
            reply: prompt(found.challenge, next.clone(), token),
            reason: Reason::Retransmit,
            changes: Vec::new(),
        },
        (Answered::Denied, _) => Step::exhausted(Reason::Retransmit, Vec::new()),
        (Answered::Again(_), None) => Step::deny(Reason::SessionUsed),
    }
}

/// A further prompt.
struct Further {
    notice: Notice,
    reason: Reason,
    tries: u32,
    changes: Vec<Change>,
    /// The challenge as a resend leaves it.
    after: Option<Challenge>,
}

impl Further {
    fn quiet(notice: Notice, reason: Reason) -> Self {
        Self {
            notice,
            reason,
            tries: 0,
            changes: Vec::new(),
            after: None,
        }
    }
}

/// A request with everything it leads to.
#[derive(Clone, Copy)]
struct At<'a> {
    request: &'a Answer<'a>,
    found: &'a Found<'a>,
    resource: &'a Resource,
    token: &'a Token,
}

impl At<'_> {
    /// The session as answered by this request.
    fn answered(&self, how: Answered) -> Change {
        Change::Session(Session {
            answered: Some((self.request.asked.attempt, how)),
            ..self.found.session.clone()
        })
    }

    fn right(&self, user: &User, now: Timestamp) -> Step {
        let consumed = Challenge {
            state: State::Consumed {
                by: self.request.asked.attempt,
            },
            answered: true,
            ..self.found.challenge.clone()
        };
        let mut changes = vec![
            Change::Challenge(Box::new(consumed)),
            self.answered(Answered::Allowed),
            Change::LoginSuccess,
        ];
        changes.extend(self.found.guard.succeeded().map(Change::Guard));
        if !self.token.verified {
            changes.push(Change::TokenVerified);
        }
        // Whoever asked for the text from elsewhere gains nothing by its code.
        let own = self.found.challenge.origin.trusted == self.request.trusted;
        let remembered =
            access::remember(self.found.challenge, self.resource, (user, self.token), now).filter(|_| own);
        changes.extend(remembered.map(|entry| Change::Remember(Box::new(entry))));
        Step::allow(Reason::Code, changes)
    }

    fn wrong(&self, now: Timestamp, rng: &mut dyn Rng) -> Step {
        let guard = self.found.guard.failed(now, self.resource.failed_attempts);
        let locked = guard.lock_at(now).is_some();
        let tries = self.found.challenge.tries.saturating_add(1);
        let left = self.found.challenge.max_tries.saturating_sub(tries);
        let counted = vec![Change::Guard(guard.clone())];
        if locked || left == 0 {
            let reason = if locked {
                Reason::OtpLockedNow
            } else {
                Reason::TriesUsed
            };
            return self.ended(reason, counted);
        }
        let until_lock = self.resource.failed_attempts.saturating_sub(guard.consecutive);
        let notice = Notice::Wrong {
            left: left.min(until_lock),
        };
        let step = Further {
            notice,
            reason: Reason::WrongCode,
            tries,
            changes: counted,
            after: None,
        };
        self.further(step, rng)
    }

    /// The login ends without success.
    fn ended(&self, reason: Reason, mut changes: Vec<Change>) -> Step {
        let dead = Challenge {
            state: State::Dead,
            answered: true,
            tries: match reason {
                Reason::TooManyRounds | Reason::Cancelled => self.found.challenge.tries,
                _ => self.found.challenge.tries.saturating_add(1),
            },
            ..self.found.challenge.clone()
        };
        changes.push(Change::Challenge(Box::new(dead)));
        changes.push(self.answered(Answered::Denied));
        Step::exhausted(reason, changes)
    }

    fn further(&self, step: Further, rng: &mut dyn Rng) -> Step {
        let before = step.after.unwrap_or_else(|| self.found.challenge.clone());
        let challenge = Challenge {
            tries: before.tries.max(step.tries),
            answered: true,
            ..before
        };
        let next = session(
            &challenge,
            self.found.session.round.saturating_add(1),
            step.notice,
            rng,
        );
        let mut changes = step.changes;
        changes.push(Change::Challenge(Box::new(challenge.clone())));
        changes.push(self.answered(Answered::Again(next.id)));
        changes.push(Change::Session(next.clone()));
        Step {
            reply: prompt(&challenge, next, self.token),
            reason: step.reason,
            changes,
        }
    }

    /// Sends the text again: the same digits while they live long enough, otherwise the next generation.
    fn resend(&self, sending: &Sending<'_>, now: Timestamp, rng: &mut dyn Rng) -> Step {
        let challenge = self.found.challenge;
        if now < challenge.next_send {
            let seconds = now.seconds_until(challenge.next_send);
            let step = Further::quiet(Notice::Wait { seconds }, Reason::ResendRefused);
            return self.further(step, rng);
        }
        if gate::check(
            sending.policy,
            &self.token.phone,
            sending.counts,
            sending.known_source,
            now,
        )
        .is_err()
        {
            let step = Further::quiet(Notice::NoMore, Reason::ResendRefused);
            return self.further(step, rng);
        }
        let mut after = challenge.clone();
        let lifetime = self.resource.lifetime();
        if challenge.expires.since(now) < KEEP_DIGITS.min(lifetime / 2) {
            let expires = now.plus(lifetime).min(challenge.deadline);
            if expires.since(now) < KEEP_DIGITS.min(lifetime) {
                let step = Further::quiet(Notice::NoMore, Reason::ResendRefused);
                return self.further(step, rng);
            }
            after.generation = after.generation.saturating_add(1);
            after.expires = expires;
        }
        after.sends = after.sends.saturating_add(1);
        after.next_send = now.plus(cool_down(after.sends.saturating_sub(1)));
        let message = text(&after, self.request.asked.reference.clone(), now, rng);
        let step = Further {
            notice: Notice::SentAgain,
            reason: Reason::Resent,
            tries: 0,
            changes: vec![
                Change::Queue(Box::new(message)),
                Change::Counts(sending.counts.hit(now)),
            ],
            after: Some(after),
        };
        self.further(step, rng)
    }
}
