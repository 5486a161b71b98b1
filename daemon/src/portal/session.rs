//! Sessions of people: made, found, replaced by one with more rights, ended. What holds is looked up at each request.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use otpost_core::ids::{PortalSessionId, ResourceId, UserId};
use otpost_core::net::Source;
use otpost_core::portal::invite::Invite;
use otpost_core::portal::session::{HALF, LONGEST, PortalSession, Stage, Who, fingerprint};
use otpost_core::portal::sign_in::standing;
use otpost_core::portal::verification::Verification;
use otpost_core::resource::Resource;
use otpost_core::user::User;
use otpost_core::{Rng, Timestamp};
use otpost_ipc::Secret;
use otpost_ipc::portal::Browser;
use otpost_store::{Read, StoreError, Tx, document};
use zeroize::Zeroizing;

use super::error::PortalError;
use super::factors;
use super::request::About;

/// Last use is stored to this.
const SEEN: Duration = Duration::from_secs(60);
/// Most sessions of a person.
const FULL: usize = 64;
/// Most sign-ins of a person from one network that wait for a code.
const WAITING: usize = 16;
/// Sessions that are looked at together.
const PAGE: u32 = 500;
/// Longest description of a browser that is kept.
const AGENT: usize = 80;

/// A session that holds, with the portal it is on.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) session: PortalSession,
    pub(crate) resource: Resource,
    /// Absent for a sign-in under a name of nobody.
    pub(crate) user: Option<User>,
}

/// A person who is signed in, all factors passed.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) session: PortalSession,
    pub(crate) resource: Resource,
    pub(crate) user: User,
}

impl Visitor {
    pub(crate) fn about(&self) -> About {
        let login = self.user.as_ref().map_or("", |u| &u.login);
        About::new(login, &self.resource, &self.session.source)
    }
}

impl Holder {
    pub(crate) fn about(&self) -> About {
        About::new(&self.user.login, &self.resource, &self.session.source)
    }

    /// Language of what is sent to them: the chosen one, else that of the pages they see.
    pub(crate) fn lang(&self) -> &str {
        if self.user.profile.lang.is_empty() {
            &self.session.lang
        } else {
            &self.user.profile.lang
        }
    }
}

/// The session of this cookie on the portal of `address`, where it holds: neither ended nor of a person or portal that may no more.
pub(crate) fn visitor(
    read: &mut dyn Read,
    address: &str,
    cookie: &Secret,
    now: Timestamp,
) -> Result<Visitor, PortalError> {
    let session: PortalSession =
        document::by_key(read, &fingerprint(cookie.expose()))?.ok_or(PortalError::SignedOut)?;
    let resource = match session.resource {
        Some(id) => read.resource(id)?,
        None => None,
    };
    let here = |r: &Resource| {
        let own = r.self_service.address.as_ref();
        r.enabled && own.is_some_and(|own| own.as_str() == address)
    };
    let resource = resource.filter(here).ok_or(PortalError::SignedOut)?;
    if !session.alive(now) {
        return Err(PortalError::SignedOut);
    }
    let user = match session.who {
        Who::User(id) => Some(read.user(id)?.ok_or(PortalError::SignedOut)?),
        Who::Nobody => None,
        Who::Admin(_) => return Err(PortalError::SignedOut),
    };
    if let Some(user) = &user
        && standing(&resource, user).is_err()
    {
        return Err(PortalError::SignedOut);
    }
    Ok(Visitor {
        session,
        resource,
        user,
    })
}

/// As [`visitor`], for a person who is signed in.
pub(crate) fn holder(
    read: &mut dyn Read,
    address: &str,
    cookie: &Secret,
    now: Timestamp,
) -> Result<Holder, PortalError> {
    let Visitor {
        session,
        resource,
        user,
    } = visitor(read, address, cookie, now)?;
    let (Some(user), Stage::Full) = (user, session.stage) else {
        return Err(PortalError::Unfinished);
    };
    // Good for one enrolment, wherever that was done.
    let invited = session.invited && {
        let mut invites = document::of::<Invite>(read, &user.id.0)?.into_iter();
        invites.any(|invite| invite.holds(user.id, resource.id, now))
    };
    Ok(Holder {
        session: PortalSession { invited, ..session },
        resource,
        user,
    })
}

/// Whether the last use of `session` is to be stored anew.
pub(crate) fn stale(session: &PortalSession, now: Timestamp) -> bool {
    now.since(session.seen) >= SEEN
}

/// Stores the last use, where the session is still there.
pub(crate) fn touch(tx: &mut dyn Tx, id: PortalSessionId, now: Timestamp) -> Result<(), StoreError> {
    match document::get::<PortalSession>(tx, &id.0)? {
        Some(session) if stale(&session, now) => document::put(tx, &PortalSession { seen: now, ..session }),
        _ => Ok(()),
    }
}

/// A cookie's value of 256 random bits, and what is kept of it.
pub(crate) fn mint(rng: &mut dyn Rng) -> (Secret, [u8; 32]) {
    let mut octets = Zeroizing::new([0; 32]);
    rng.fill(octets.as_mut_slice());
    let text = BASE64URL_NOPAD.encode(octets.as_slice());
    let kept = fingerprint(&text);
    (Secret::from(text), kept)
}

/// What a new session is about.
pub(crate) struct Opening<'a> {
    pub(crate) who: Who,
    pub(crate) resource: &'a Resource,
    pub(crate) stage: Stage,
    pub(crate) by_mail: bool,
    pub(crate) invited: bool,
    pub(crate) browser: &'a Browser,
}

/// A fresh session; not stored yet.
pub(crate) fn open(opening: &Opening<'_>, rng: &mut dyn Rng, now: Timestamp) -> (PortalSession, Secret) {
    let (cookie, token) = mint(rng);
    let browser = opening.browser;
    let agent: String = browser
        .agent
        .chars()
        .filter(|c| !c.is_control())
        .take(AGENT)
        .collect();
    let session = PortalSession {
        id: PortalSessionId::random(rng),
        token,
        who: opening.who,
        resource: Some(opening.resource.id),
        stage: opening.stage,
        verification: None,
        by_mail: opening.by_mail,
        invited: opening.invited,
        created: now,
        seen: now,
        ends: ends(opening.stage, now),
        agent,
        source: source(&browser.source, opening.resource),
        lang: browser
            .lang
            .chars()
            .filter(|c| !c.is_control())
            .take(35)
            .collect(),
    };
    (session, cookie)
}

/// The session with more rights and another cookie; the old cookie's value is void once it is stored.
pub(crate) fn rotate(
    session: &PortalSession,
    stage: Stage,
    rng: &mut dyn Rng,
    now: Timestamp,
) -> (PortalSession, Secret) {
    let (cookie, token) = mint(rng);
    let next = PortalSession {
        token,
        stage,
        verification: None,
        seen: now,
        ends: ends(stage, now),
        ..session.clone()
    };
    (next, cookie)
}

fn ends(stage: Stage, now: Timestamp) -> Timestamp {
    now.plus(match stage {
        Stage::Full => LONGEST,
        Stage::Mail | Stage::Factor => HALF,
    })
}

/// Where a browser is.
pub(crate) fn source(address: &str, resource: &Resource) -> Source {
    let portal = resource.self_service.address.as_ref();
    let via = portal.map_or_else(|| "portal".to_owned(), |a| format!("portal {a}"));
    Source::new(address, &via)
}

/// Ends a session, with the code that it waits for.
pub(crate) fn end(tx: &mut dyn Tx, session: &PortalSession) -> Result<(), StoreError> {
    if let Some(waiting) = session.verification {
        document::delete::<Verification>(tx, &waiting.0)?;
    }
    document::delete::<PortalSession>(tx, &session.id.0)
}

/// Ends the oldest sessions of a user where there are many, before one more is made. Sign-ins that are not finished make room for
/// those from their own network only: who knows a password alone ends nobody else's.
pub(crate) fn make_room(
    tx: &mut dyn Tx,
    user: UserId,
    source: &Source,
    now: Timestamp,
) -> Result<(), StoreError> {
    let network = source.key();
    let (mut full, mut half) = (Vec::new(), Vec::new());
    for session in document::of::<PortalSession>(tx, &user.0)? {
        if !session.alive(now) {
            end(tx, &session)?;
        } else if session.stage == Stage::Full {
            full.push(session);
        } else if session.source.key() == network {
            half.push(session);
        }
    }
    for (mut sessions, most) in [(full, FULL), (half, WAITING)] {
        sessions.sort_by_key(|session| session.seen);
        let many = sessions.len().saturating_add(1).saturating_sub(most);
        for session in sessions.iter().take(many) {
            end(tx, session)?;
        }
    }
    Ok(())
}

/// Ends sessions of a user: all, or those on one portal; but for `spare`. Gives how many.
pub(crate) fn end_of(
    tx: &mut dyn Tx,
    user: UserId,
    on: Option<ResourceId>,
    spare: Option<PortalSessionId>,
) -> Result<u32, StoreError> {
    let mut ended: u32 = 0;
    for session in document::of::<PortalSession>(tx, &user.0)? {
        let there = on.is_none() || session.resource == on;
        if there && Some(session.id) != spare {
            document::delete::<PortalSession>(tx, &session.id.0)?;
            ended = ended.saturating_add(1);
        }
    }
    Ok(ended)
}

/// Ends sessions of a user on portals of `resources` that no token of theirs guards yet: whoever came in by the first factor alone
/// does not stay beside the first token. Called before that is stored.
pub(crate) fn end_unguarded(
    tx: &mut dyn Tx,
    user: UserId,
    resources: &[ResourceId],
) -> Result<(), StoreError> {
    let before = factors::load(tx, user)?;
    for resource in resources.iter().filter(|id| !before.guard(**id)) {
        end_of(tx, user, Some(*resource), None)?;
    }
    Ok(())
}

/// Ends every session on the portal of a resource, whoever's: they do not come back with the portal. Gives how many.
pub(crate) fn end_on(tx: &mut dyn Tx, resource: ResourceId) -> Result<u32, StoreError> {
    let mut ended: u32 = 0;
    let mut after = None;
    loop {
        let page: Vec<PortalSession> = document::list(tx, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else {
            return Ok(ended);
        };
        after = Some(last.id.0);
        for session in page.iter().filter(|s| s.resource == Some(resource)) {
            end(tx, session)?;
            ended = ended.saturating_add(1);
        }
    }
}
