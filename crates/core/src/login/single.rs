//! Logins whose code comes in the very request that holds the password, or alone, without State: the flows for VPNs that cannot show
//! a challenge. The code then belongs to whichever open challenge of the user it is the code of.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::begin::{Begin, BeginView};
use super::{Change, Reason, Step, prompt};
use crate::access;
use crate::challenge::{Answered, Challenge, Notice, Session, State};
use crate::client::Flow;
use crate::code;
use crate::resource::Resource;
use crate::token::Token;
use crate::user::User;
use crate::{Rng, Timestamp};

/// What was typed as the code.
#[derive(Clone, Copy)]
pub enum Typed<'a> {
    /// The code itself, or a word.
    Text(&'a str),
    /// A proof that can be compared with a code that is known: CHAP, MS-CHAPv2.
    Proof(&'a dyn Proof),
}

/// Something that only whoever knows the code can have made.
pub trait Proof {
    /// Whether it was made with `code`.
    fn proves(&self, code: &str) -> bool;
}

impl<'a> Typed<'a> {
    /// The characters, where there are any.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Proof(_) => None,
        }
    }

    pub(super) fn is(self, code: &code::Code) -> bool {
        match self {
            Self::Text(text) => code.matches(text),
            Self::Proof(proof) => proof.proves(code.expose()),
        }
    }
}

impl std::fmt::Debug for Typed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed(..)")
    }
}

/// Where a password ends and a code begins in one field.
///
/// From the right: `digits` ASCII digits, and before them the separator where one stands there. The password part is never
/// empty.
#[must_use]
pub fn split(field: &str, digits: u8, separator: Option<char>) -> Option<(&str, &str)> {
    let at = field.len().checked_sub(usize::from(digits))?;
    let (password, code) = field.split_at_checked(at)?;
    if code.is_empty() || !code.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let password = separator
        .and_then(|separator| password.strip_suffix(separator))
        .unwrap_or(password);
    (!password.is_empty()).then_some((password, code))
}

/// Password and code of a field that OpenVPN's static challenge has filled: `SCRV1:`, then both in Base64 with a colon between.
#[must_use]
pub fn static_challenge(field: &str) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (password, code) = field.strip_prefix("SCRV1:")?.split_once(':')?;
    let decode = |part: &str| {
        let octets = Zeroizing::new(BASE64.decode(part.as_bytes()).ok()?);
        Some(Zeroizing::new(str::from_utf8(&octets).ok()?.to_owned()))
    };
    Some((decode(password)?, decode(code)?))
}

/// Whether `challenge` may be answered without State through the door that `request` comes by.
fn same_door(challenge: &Challenge, request: &Begin<'_>, resource: &Resource, token: &Token) -> bool {
    challenge.channel == request.channel
        && challenge.group == request.group
        && challenge.resource == resource.id
        && challenge.token == token.id
}

/// Decides a first request that holds a code. The first factor has passed.
pub(super) fn with_code(
    request: &Begin<'_>,
    view: &BeginView<'_>,
    (resource, user, token): (&Resource, &User, &Token),
    typed: Typed<'_>,
    now: Timestamp,
) -> Step {
    if let Some(step) = answered_before(request, view, (resource, token, typed), now) {
        return step;
    }
    let open: Vec<&Challenge> = view
        .open
        .iter()
        .filter(|c| c.open_at(now) && same_door(c, request, resource, token))
        .collect();
    let Some(newest) = open.last() else {
        // Nothing to compare with, so nothing was guessed and nothing is counted.
        return Step::deny(Reason::NoneOpen);
    };
    let right = open
        .iter()
        .find(|c| typed.is(&code::derive(view.sending.keys, &c.code())));
    let session = |challenge: &Challenge, how: Answered| {
        Change::Session(Session {
            id: view.sending.keys.session(request.asked.attempt),
            challenge: challenge.id,
            round: 0,
            answered: Some((request.asked.attempt, how)),
            notice: Notice::Sent,
        })
    };
    if let Some(challenge) = right {
        let consumed = Challenge {
            state: State::Consumed {
                by: request.asked.attempt,
            },
            answered: true,
            ..(*challenge).clone()
        };
        let mut changes = vec![
            Change::Challenge(Box::new(consumed)),
            session(challenge, Answered::Allowed),
            Change::LoginSuccess,
        ];
        changes.extend(view.guard.succeeded().map(Change::Guard));
        // Whoever asked for the text from elsewhere gains nothing by its code.
        let own = challenge.origin.trusted == request.origin.trusted;
        let remembered = access::remember(challenge, resource, (user, token), now).filter(|_| own);
        changes.extend(remembered.map(|entry| Change::Remember(Box::new(entry))));
        if !token.verified {
            changes.push(Change::TokenVerified);
        }
        return Step::allow(Reason::Code, changes);
    }
    // One packet is one failure of the user; but it was a guess at each of the codes.
    let guard = view.guard.failed(now, resource.failed_attempts);
    let locked = guard.lock_at(now).is_some();
    let mut alive = false;
    let mut changes = vec![Change::Guard(guard)];
    for challenge in &open {
        let tries = challenge.tries.saturating_add(1);
        let over = locked || tries >= challenge.max_tries;
        alive |= !over;
        changes.push(Change::Challenge(Box::new(Challenge {
            tries,
            answered: true,
            state: if over { State::Dead } else { State::Open },
            ..(*challenge).clone()
        })));
    }
    changes.push(session(newest, Answered::Denied));
    let reason = match (locked, alive) {
        (true, _) => Reason::OtpLockedNow,
        (false, true) => Reason::WrongCode,
        (false, false) => Reason::TriesUsed,
    };
    Step {
        reply: super::Reply::Deny {
            exhausted: locked || !alive,
        },
        reason,
        changes,
    }
}

/// The answer that this very packet got before, where it held a code.
fn answered_before(
    request: &Begin<'_>,
    view: &BeginView<'_>,
    (resource, token, typed): (&Resource, &Token, Typed<'_>),
    now: Timestamp,
) -> Option<Step> {
    let (challenge, session) = view.same_attempt?;
    let (by, how) = session.answered?;
    // A packet's name may come back with other contents: it is the same request only where its code is the one that was right.
    let same = by == request.asked.attempt && same_door(challenge, request, resource, token);
    if !same {
        return Some(Step::deny(Reason::SessionUsed));
    }
    let right = || typed.is(&code::derive(view.sending.keys, &challenge.code()));
    Some(match how {
        Answered::Allowed if now < challenge.deadline && right() => {
            Step::allow(Reason::Retransmit, Vec::new())
        }
        Answered::Denied => Step::deny(Reason::Retransmit),
        _ => Step::deny(Reason::SessionUsed),
    })
}

/// A request without code where the code of an earlier one is still on its way: no second text. VPNs without challenges send new
/// packets for the same login, and people press the button again.
pub(super) fn waits(
    request: &Begin<'_>,
    view: &BeginView<'_>,
    (resource, token): (&Resource, &Token),
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Option<Step> {
    if request.flow == Flow::Challenge {
        return None;
    }
    let same = |c: &&Challenge| {
        c.open_at(now)
            && now < c.next_send
            && same_door(c, request, resource, token)
            && c.origin.password_tag == request.origin.password_tag
            && c.origin.trusted == request.origin.trusted
            && c.source == *request.source
    };
    let challenge = view.open.iter().rev().find(same)?;
    let session = Session {
        id: view.sending.keys.session(request.asked.attempt),
        ..super::session(challenge, 0, Notice::Sent, rng)
    };
    Some(Step {
        reply: prompt(challenge, session.clone(), token),
        reason: Reason::Joined,
        changes: vec![Change::Session(session)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_splits_from_the_right() {
        assert_eq!(split("hunter2123456", 6, None), Some(("hunter2", "123456")));
        assert_eq!(split("hunter2,123456", 6, Some(',')), Some(("hunter2", "123456")));
        assert_eq!(split("hunter2123456", 6, Some(',')), Some(("hunter2", "123456")));
        assert_eq!(split("a;b;123456", 6, None), Some(("a;b;", "123456")));
        assert_eq!(split("passwört12345678", 8, None), Some(("passwört", "12345678")));
    }

    #[test]
    fn a_static_challenge_is_taken_apart() {
        let parts = |field| {
            let (password, code) = static_challenge(field)?;
            Some((password.to_string(), code.to_string()))
        };
        let both = Some(("passwört".to_owned(), "493817".to_owned()));
        assert_eq!(parts("SCRV1:cGFzc3fDtnJ0:NDkzODE3"), both);
        assert_eq!(
            parts("SCRV1:aHVudGVyMg==:"),
            Some(("hunter2".to_owned(), String::new()))
        );
        for field in [
            "hunter2",
            "SCRV1:",
            "SCRV1:x:y",
            "SCRV1:/w==:NDkzODE3",
            "scrv1:YQ==:YQ==",
        ] {
            assert_eq!(parts(field), None, "{field}");
        }
    }

    #[test]
    fn what_holds_no_code_does_not_split() {
        for field in [
            "",
            "123456",
            "hunter",
            "hunter12345x",
            "hunter２３４５６７",
            ",123456",
        ] {
            assert_eq!(split(field, 6, Some(',')), None, "{field}");
        }
    }
}
