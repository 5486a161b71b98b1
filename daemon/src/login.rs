//! Logins: loads rows, asks the core, stores its changes and the audit row in one transaction, answers after the commit.

mod first;
pub(crate) mod relay;

use std::net::IpAddr;
use std::sync::Arc;

use otpost_core::audit::Event;
use otpost_core::challenge::{Answered, Challenge, Channel, Origin, State};
use otpost_core::client::Flow;
use otpost_core::ids::{AttemptId, Reference, ResourceId, SessionId, UserId};
use otpost_core::keys::Keyring;
use otpost_core::login::decoy::{self, Decoy, Hidden};
use otpost_core::login::{
    self, About, Answer, Asked, Begin, Change, First, Proof, Reason, Reply, Rules, Step, Typed,
};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::resource::Resource;
use otpost_core::source::{Attribute, Chain, MsChap2Keys};
use otpost_core::stats::{Fact, Outcome};
use otpost_core::user::User;
use otpost_core::{Rng, Timestamp};
use otpost_store::{Read, StoreError, Tx, document};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::outbox::{Job, Outbox, Slot};
use crate::passwords::PasswordError;
use crate::rows::{AnswerRows, BeginKey, BeginRows, Direct, Owner, apply};
use crate::sources::MsChap2Response;
use crate::state::Daemon;
use crate::sys;
use first::{Compared, Given, given};

/// Why a login could not be decided. The caller gets no verdict and asks again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password pool.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// What guards a login.
#[derive(Debug, Clone)]
pub enum Guarded {
    /// The resource of a RADIUS client.
    Resource(ResourceId),
    /// The resource of a PAM service.
    Service,
}

/// A login that starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client or PAM service.
    pub group: String,
    /// User as named by the caller.
    pub user: String,
    /// Password, where there is one to check or compare.
    pub password: Option<Zeroizing<String>>,
    /// What stands in place of a password that can be read: CHAP, MS-CHAPv2.
    pub proof: Option<SharedProof>,
    /// The same for an upstream server, where it is MS-CHAPv2.
    pub ms_chap2: Option<MsChap2Response>,
    /// Who checks it.
    pub first_factor: Chain,
    /// How logins through the same door run.
    pub door: Door,
    /// What guards it.
    pub guarded: Guarded,
    /// Names the request packet.
    pub attempt: AttemptId,
    /// What tells logins apart.
    pub origin: Origin,
    /// Where from.
    pub source: Source,
}

/// A proof of a code that outlives its request.
#[derive(Clone)]
pub struct SharedProof(pub Arc<dyn Proof + Send + Sync>);

impl std::fmt::Debug for SharedProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedProof(..)")
    }
}

/// How logins through a RADIUS client run. The default is that of every other channel.
#[derive(Debug, Clone, Default)]
pub struct Door {
    /// Order of password and code.
    pub flow: Flow,
    /// Character between them, where people want one.
    pub separator: Option<char>,
    /// Whether refusals are told as challenges.
    pub hide: bool,
    /// Whether the resource's rules are asked, and with which address of the person's device.
    pub rules: Option<Option<IpAddr>>,
}

/// A further request.
#[derive(Debug, Clone)]
pub struct Further {
    /// How it came in.
    pub channel: Channel,
    /// RADIUS client; absent where the session alone is known.
    pub group: Option<String>,
    /// User as named by the caller; absent where the channel names none.
    pub user: Option<String>,
    /// What the client protects now; absent where that is not asked.
    pub resource: Option<ResourceId>,
    /// Address of the person's device, where the client is trusted to say it.
    pub trusted: Option<IpAddr>,
    /// Session as the client holds it.
    pub session: Option<SessionId>,
    /// What was typed; absent to ask for the text again.
    pub typed: Option<Zeroizing<String>>,
    /// What stands in place of what was typed: CHAP, MS-CHAPv2.
    pub proof: Option<SharedProof>,
    /// Names the request packet.
    pub attempt: AttemptId,
}

/// A decision with its reference.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What to tell the caller.
    pub reply: Reply,
    /// Why.
    pub reason: Reason,
    /// What comes with being let in.
    pub granted: Granted,
    /// For user and log.
    pub reference: Reference,
}

/// Reply attributes of somebody who is let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// As administrators wrote them.
    pub written: Vec<String>,
    /// As an upstream server sent them.
    pub upstream: Vec<Attribute>,
    /// What it said after MS-CHAPv2.
    pub ms_chap2: Option<MsChap2Keys>,
}

impl Granted {
    fn of(
        step: &Step,
        (resource, user): (Option<&Resource>, Option<&User>),
        (groups, upstream): (&[String], Vec<Attribute>),
    ) -> Self {
        let (Reply::Allow, Some(resource), Some(user)) = (&step.reply, resource, user) else {
            return Self::default();
        };
        let groups: Vec<String> = groups.iter().chain(&user.profile.groups).cloned().collect();
        let written = resource.access.reply_of(&user.name, &groups);
        Self {
            written: written.into_iter().map(str::to_owned).collect(),
            upstream,
            ms_chap2: None,
        }
    }
}

/// Starts a login.
///
/// # Errors
/// [`LoginError`]: nothing was decided and nothing stored.
pub async fn begin(daemon: &Arc<Daemon>, start: Start) -> Result<Verdict, LoginError> {
    let name = LoginName::parse(&start.user).ok();
    if start.first_factor.relays()
        && let Some(verdict) = relay::before(daemon, &start).await?
    {
        return Ok(verdict);
    }
    let given = given(daemon, &start, name.as_ref()).await?;
    if let Compared::Challenge(asked) = given.compared {
        return relay::ask(daemon, &start, asked, 0).await;
    }
    decide(daemon, start, given).await
}

/// Decides a first request whose first factor is known.
async fn decide(daemon: &Arc<Daemon>, start: Start, given: Given) -> Result<Verdict, LoginError> {
    let reference = daemon.reference();
    let name = LoginName::parse(&start.user).ok();
    let keys = daemon.keys.clone();
    let mut rng = daemon.rng();
    let now = daemon.now();
    let known = reference.clone();
    let slot = daemon.outbox.reserve();
    let direct = direct(daemon, slot.is_some());
    let (step, job, said, granted) = daemon
        .write(move |tx| {
            let resource = resource(tx, &start)?;
            let password =
                (start.password.is_some() || start.ms_chap2.is_some()) && !start.first_factor.is_stack();
            let key = BeginKey {
                name: name.as_ref(),
                source: &start.source,
                session: keys.session(start.attempt),
                password,
                hidden: start.door.hide,
                remembered: remembered(&start),
                now,
            };
            let rows = BeginRows::load(tx, resource, &key)?;
            let tag = match (&given.password, &rows.user) {
                (Some(password), Some(user)) => Some(keys.password_tag(&user.id.0, password)),
                _ => None,
            };
            let origin = Origin {
                password_tag: tag,
                groups: given.groups.clone().unwrap_or_default(),
                reply: given.reply.iter().map(|a| (a.kind, a.value.clone())).collect(),
                ..start.origin.clone()
            };
            let request = Begin {
                channel: start.channel,
                group: &start.group,
                password,
                first: given.compared.first(rows.user.as_ref()),
                origin: &origin,
                source: &start.source,
                flow: start.door.flow,
                hidden: start.door.hide.then(|| Hidden {
                    name: &start.user,
                    tag: given
                        .password
                        .as_ref()
                        .map(|password| decoy::tag(&keys, password)),
                }),
                code: given.typed(&start),
                rules: rules(&start, rows.resource.as_ref(), &given.groups, now),
                asked: Asked {
                    attempt: start.attempt,
                    reference: &known,
                },
            };
            let step = login::begin(&request, &rows.view(&keys), now, &mut rng);
            let resource = rows.resource.as_ref().map_or("", |r| &r.name);
            let owner = Owner {
                user: rows.user.as_ref().map(|u| u.id),
                token: rows.token(),
                source: &start.source,
                resource,
                now,
            };
            let job = apply(tx, &step, &owner, direct.as_ref())?;
            let user = rows
                .user
                .as_ref()
                .map_or_else(|| shown(&start.user), |u| u.login.clone());
            let about = About {
                user: &user,
                resource,
                channel: start.channel,
                group: &start.group,
                source: &start.source,
            };
            tx.append_audit(&Event {
                detail: given.outage.clone(),
                ..step.event(&about, &known, now)
            })?;
            let ids = (owner.user, rows.resource.as_ref().map(|r| r.id));
            let groups = given.groups.as_deref().unwrap_or_default();
            let granted = Granted::of(
                &step,
                (rows.resource.as_ref(), rows.user.as_ref()),
                (groups, given.reply.clone()),
            );
            let granted = Granted {
                ms_chap2: given.ms_chap2.clone().filter(|_| step.reply == Reply::Allow),
                ..granted
            };
            Ok((step, job, Said::of(&about, ids), granted))
        })
        .await?;
    report(daemon, &step, &said, &reference);
    send(daemon, &step, job, slot);
    Ok(Verdict {
        reply: step.reply,
        reason: step.reason,
        granted,
        reference,
    })
}

/// Continues a login.
///
/// # Errors
/// [`LoginError`]: nothing was decided and nothing stored.
pub async fn answer(daemon: &Arc<Daemon>, further: Further) -> Result<Verdict, LoginError> {
    let reference = daemon.reference();
    let keys = daemon.keys.clone();
    let mut rng = daemon.rng();
    let now = daemon.now();
    let known = reference.clone();
    let name = further.user.as_deref().map(|name| LoginName::parse(name).ok());
    let resends = further.proof.is_none() && login::asks_for_text(further.typed.as_ref().map(|t| t.as_str()));
    let slot = if resends { daemon.outbox.reserve() } else { None };
    let direct = direct(daemon, slot.is_some());
    let (step, job, said, granted) = daemon
        .write(move |tx| {
            let rows = match further.session {
                Some(id) => AnswerRows::load(tx, id, resends, now)?,
                None => None,
            };
            let Some(rows) = rows else {
                let step = match further.session {
                    Some(session) => decoyed(tx, (session, &further), (&keys, &known), now, &mut rng)?,
                    None => None,
                };
                let step = step.unwrap_or_else(unknown_session);
                let source = Source::new("", further.group.as_deref().unwrap_or_default());
                let named = shown(further.user.as_deref().unwrap_or_default());
                let about = About {
                    user: &named,
                    resource: "",
                    channel: further.channel,
                    group: further.group.as_deref().unwrap_or_default(),
                    source: &source,
                };
                tx.append_audit(&step.event(&about, &known, now))?;
                return Ok((step, None, Said::of(&about, (None, None)), Granted::default()));
            };
            let request = Answer {
                channel: further.channel,
                group: further.group.as_deref(),
                user: name.as_ref().map(|name| rows.named(name.as_ref())),
                typed: typed(further.typed.as_ref(), further.proof.as_ref()),
                resource: further.resource,
                trusted: further.trusted,
                asked: Asked {
                    attempt: further.attempt,
                    reference: &known,
                },
            };
            let step = login::answer(&request, &rows.view(&keys), now, &mut rng);
            let (job, said) = conclude(
                tx,
                &rows,
                &step,
                &Concluding {
                    direct: direct.as_ref(),
                    reference: &known,
                    now,
                },
            )?;
            let origin = &rows.challenge.origin;
            let upstream = origin.reply.iter().map(|(kind, value)| Attribute {
                kind: *kind,
                value: value.clone(),
            });
            let granted = Granted::of(
                &step,
                (rows.resource.as_ref(), rows.user.as_ref()),
                (&origin.groups, upstream.collect()),
            );
            Ok((step, job, said, granted))
        })
        .await?;
    report(daemon, &step, &said, &reference);
    send(daemon, &step, job, slot);
    Ok(Verdict {
        reply: step.reply,
        reason: step.reason,
        granted,
        reference,
    })
}

/// How a text of this request may leave right after the commit.
fn direct(daemon: &Daemon, slot: bool) -> Option<Direct> {
    slot.then(|| Direct {
        usable: daemon.providers.usable(),
        keys: daemon.keys.clone(),
    })
}

/// Launches the leased text, or says that one was queued.
fn send(daemon: &Daemon, step: &Step, job: Option<Job>, slot: Option<Slot>) {
    match (job, slot) {
        (Some(job), Some(slot)) => Outbox::launch(job, slot),
        _ if step.changes.iter().any(|c| matches!(c, Change::Queue(_))) => daemon.outbox.wake(),
        _ => {}
    }
}

/// Ends a login whose user went away.
///
/// # Errors
/// [`LoginError`]: nothing was stored.
pub async fn cancel(daemon: &Arc<Daemon>, channel: Channel, session: SessionId) -> Result<(), LoginError> {
    let now = daemon.now();
    let keys = daemon.keys.clone();
    let reference = daemon.reference();
    let attempt = keys.attempt("cancel", &session.0);
    let known = reference.clone();
    let ended = daemon
        .write(move |tx| {
            let Some(rows) = AnswerRows::load(tx, session, false, now)? else {
                return Ok(None);
            };
            let asked = Asked {
                attempt,
                reference: &known,
            };
            let request = Answer {
                channel,
                group: None,
                user: None,
                typed: None,
                resource: None,
                trusted: None,
                asked,
            };
            let found = rows.view(&keys).found;
            let Some(step) = found.and_then(|found| login::cancel(&request, &found, now)) else {
                return Ok(None);
            };
            let how = Concluding {
                direct: None,
                reference: &known,
                now,
            };
            let (_, said) = conclude(tx, &rows, &step, &how)?;
            Ok(Some((step, said)))
        })
        .await?;
    if let Some((step, said)) = ended {
        report(daemon, &step, &said, &reference);
    }
    Ok(())
}

/// Records a login whose first factor failed before us: nothing is looked at and nothing sent.
///
/// # Errors
/// [`LoginError`]: nothing was stored.
pub async fn decoy(daemon: &Arc<Daemon>, start: Start) -> Result<Verdict, LoginError> {
    let reference = daemon.reference();
    let now = daemon.now();
    let known = reference.clone();
    let (step, said) = daemon
        .write(move |tx| {
            let step = Step {
                reply: Reply::Deny { exhausted: false },
                reason: Reason::Decoy,
                changes: Vec::new(),
            };
            let user = shown(&start.user);
            let about = About {
                user: &user,
                resource: "",
                channel: start.channel,
                group: &start.group,
                source: &start.source,
            };
            tx.append_audit(&step.event(&about, &known, now))?;
            Ok((step, Said::of(&about, (None, None))))
        })
        .await?;
    report(daemon, &step, &said, &reference);
    Ok(Verdict {
        reply: step.reply,
        reason: step.reason,
        granted: Granted::default(),
        reference,
    })
}

/// How a step is stored and recorded.
struct Concluding<'a> {
    direct: Option<&'a Direct>,
    reference: &'a Reference,
    now: Timestamp,
}

/// Stores and records a step of a login that was found.
fn conclude(
    tx: &mut dyn Tx,
    rows: &AnswerRows,
    step: &Step,
    how: &Concluding<'_>,
) -> Result<(Option<Job>, Said), StoreError> {
    let challenge = &rows.challenge;
    let resource = rows.resource.as_ref().map_or("", |r| &r.name);
    let owner = Owner {
        user: Some(challenge.user),
        token: rows.token.as_ref(),
        source: &challenge.source,
        resource,
        now: how.now,
    };
    let job = apply(tx, step, &owner, how.direct)?;
    let about = About {
        user: rows.user.as_ref().map_or("", |u| &u.login),
        resource,
        channel: challenge.channel,
        group: &challenge.group,
        source: &challenge.source,
    };
    tx.append_audit(&step.event(&about, how.reference, how.now))?;
    let ids = (owner.user, rows.resource.as_ref().map(|r| r.id));
    Ok((job, Said::of(&about, ids)))
}

/// The resource that guards `start`.
fn resource(read: &mut dyn Read, start: &Start) -> Result<Option<Resource>, StoreError> {
    match &start.guarded {
        Guarded::Resource(id) => read.resource(*id),
        Guarded::Service => read.resource_of_service(&start.group),
    }
}

/// Ends the logins of a user that wait for a code, on every channel. Whoever changes a password calls it in the same transaction:
/// a login that began with the old one goes no further. Gives how many.
///
/// # Errors
/// The store's.
pub(crate) fn end_waiting(tx: &mut dyn Tx, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
    let waiting = tx.open_challenges(user, now)?;
    for challenge in &waiting {
        tx.put_challenge(&Challenge {
            state: State::Dead,
            ..challenge.clone()
        })?;
    }
    Ok(waiting.len())
}

/// Whether a first request is refused whatever its password, as far as a snapshot tells.
async fn barred(daemon: &Arc<Daemon>, start: &Start, name: Option<&LoginName>) -> Result<bool, LoginError> {
    let (shared, start, name) = (Arc::clone(daemon), start.clone(), name.cloned());
    let reason = daemon
        .read(move |read| {
            let now = shared.now();
            let resource = resource(read, &start)?;
            let key = BeginKey {
                name: name.as_ref(),
                source: &start.source,
                session: shared.keys.session(start.attempt),
                password: true,
                hidden: false,
                remembered: None,
                now,
            };
            let rows = BeginRows::load(read, resource, &key)?;
            let reference = shared.reference();
            let request = Begin {
                channel: start.channel,
                group: &start.group,
                password: true,
                first: First::Passed,
                origin: &start.origin,
                source: &start.source,
                flow: start.door.flow,
                hidden: None,
                code: None,
                rules: None,
                asked: Asked {
                    attempt: start.attempt,
                    reference: &reference,
                },
            };
            let step = login::begin(&request, &rows.view(&shared.keys), now, &mut shared.rng());
            Ok(step.reason)
        })
        .await?;
    Ok(matches!(
        reason,
        Reason::NoResource
            | Reason::ResourceDisabled
            | Reason::UnknownUser
            | Reason::SourceClosed
            | Reason::NotInResource
            | Reason::AdminLocked
            | Reason::OtpLocked
    ))
}

/// Client and trusted address under which a code may be remembered.
fn remembered(start: &Start) -> Option<(&str, IpAddr)> {
    let address = start.door.rules.flatten()?;
    Some((&start.group, address))
}

/// What the rules of the resource look at, where they are asked.
fn rules<'a>(
    start: &Start,
    resource: Option<&Resource>,
    groups: &'a Option<Vec<String>>,
    now: Timestamp,
) -> Option<Rules<'a>> {
    let address = start.door.rules?;
    let access = &resource?.access;
    let local = if access.hours.is_empty() {
        None
    } else {
        sys::local(&access.time_zone, now)
    };
    Some(Rules {
        groups: groups.as_deref(),
        address,
        local,
    })
}

/// What a further request holds as the code.
fn typed<'a>(typed: Option<&'a Zeroizing<String>>, proof: Option<&'a SharedProof>) -> Option<Typed<'a>> {
    match (proof, typed) {
        (Some(proof), _) => Some(Typed::Proof(proof.0.as_ref())),
        (None, Some(typed)) => Some(Typed::Text(typed.as_str())),
        (None, None) => None,
    }
}

/// What a prompt without a code behind it answers; `None` where the session is none of those.
fn decoyed(
    tx: &mut dyn Tx,
    (session, further): (SessionId, &Further),
    (keys, reference): (&Keyring, &Reference),
    now: Timestamp,
    rng: &mut dyn Rng,
) -> Result<Option<Step>, StoreError> {
    let Some(decoy) = document::get::<Decoy>(tx, &session.0)? else {
        return Ok(None);
    };
    let next = match decoy.session.answered {
        Some((_, Answered::Again(next))) => document::get::<Decoy>(tx, &next.0)?,
        _ => None,
    };
    let request = decoy::Further {
        group: further.group.as_deref(),
        name: further.user.as_deref().map(|name| decoy::name_key(keys, name)),
        typed: typed(further.typed.as_ref(), further.proof.as_ref()),
        asked: Asked {
            attempt: further.attempt,
            reference,
        },
    };
    let step = decoy::answer((&decoy, next.as_ref()), &request, keys, now, rng);
    for change in &step.changes {
        if let Change::Decoy(decoy) = change {
            document::put(tx, decoy.as_ref())?;
        }
    }
    Ok(Some(step))
}

fn unknown_session() -> Step {
    Step {
        reply: Reply::Deny { exhausted: false },
        reason: Reason::UnknownSession,
        changes: Vec::new(),
    }
}

/// A name as it may stand in logs and audit rows: no control characters, not endless.
pub(crate) fn shown(raw: &str) -> String {
    raw.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .take(64)
        .collect()
}

/// What a log line names; taken along out of the transaction, because nothing is said before its commit.
struct Said {
    user: String,
    resource: String,
    via: String,
    source: String,
    /// User and resource, for the figures.
    ids: (Option<UserId>, Option<ResourceId>),
}

impl Said {
    fn of(about: &About<'_>, ids: (Option<UserId>, Option<ResourceId>)) -> Self {
        Self {
            ids,
            user: about.user.to_owned(),
            resource: about.resource.to_owned(),
            via: about.group.to_owned(),
            source: about.source.shown(),
        }
    }
}

/// Says and counts what was decided, after it was stored.
fn report(daemon: &Daemon, step: &Step, said: &Said, reference: &Reference) {
    let Said {
        user,
        resource,
        via,
        source,
        ids,
    } = said;
    if let Some(outcome) = Outcome::of(step) {
        let resource = ids.1;
        daemon
            .stats
            .count(Fact::Login { resource, outcome }, daemon.now());
    }
    if step.reason == Reason::OtpLockedNow
        && let Some(user) = ids.0
    {
        daemon.stats.note_locked(user);
    }
    let reason = step.reason.code();
    match step.reply {
        Reply::Deny { .. } => warn!(outcome = "deny", reason, user, resource, via, source, %reference),
        Reply::Allow => info!(outcome = "allow", reason, user, resource, via, source, %reference),
        Reply::Prompt { .. } | Reply::Ask { .. } => {
            info!(outcome = "ask", reason, user, resource, via, source, %reference);
        }
    }
}

/// Decides how a login would go, on a snapshot and without any change: the very function the login runs.
///
/// # Errors
/// The store's.
pub fn explain(read: &mut dyn Read, start: &Start, daemon: &Daemon) -> Result<(Reason, Reply), StoreError> {
    let now = daemon.now();
    let name = LoginName::parse(&start.user).ok();
    let resource = resource(read, start)?;
    let key = BeginKey {
        name: name.as_ref(),
        source: &start.source,
        session: daemon.keys.session(start.attempt),
        // At a client whose passwords are checked here somebody types one.
        password: !start.first_factor.is_stack(),
        hidden: false,
        remembered: remembered(start),
        now,
    };
    let rows = BeginRows::load(read, resource, &key)?;
    let reference = daemon.reference();
    let groups = Some(Vec::new());
    let request = Begin {
        channel: start.channel,
        group: &start.group,
        password: key.password,
        first: if start.first_factor == Chain::local()
            && rows.user.as_ref().is_none_or(|u| u.password.is_none())
        {
            First::NoPassword
        } else {
            First::Passed
        },
        origin: &start.origin,
        source: &start.source,
        flow: start.door.flow,
        hidden: None,
        code: None,
        rules: rules(start, rows.resource.as_ref(), &groups, now),
        asked: Asked {
            attempt: start.attempt,
            reference: &reference,
        },
    };
    let step = login::begin(&request, &rows.view(&daemon.keys), now, &mut daemon.rng());
    Ok((step.reason, step.reply))
}

#[cfg(test)]
mod tests;
