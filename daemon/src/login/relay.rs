//! Challenges of upstream servers, passed through: their prompt, under a session of ours, until the first factor is decided.

use std::sync::Arc;
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::{AttemptId, SessionId};
use otpost_core::login::{First, Reason, Reply};
use otpost_core::name::LoginName;
use otpost_core::source::{Attribute, Checked};
use otpost_store::document::Document;
use otpost_store::{StoreError, document};
use serde::{Deserialize, Serialize};
use tracing::info;
use zeroize::Zeroizing;

use super::first::{Compared, Given};
use super::{LoginError, Start, Verdict, decide};
use crate::sources;
use crate::state::Daemon;

/// How long an upstream server's challenge may be answered.
const LIFE: Duration = Duration::from_secs(120);
/// Challenges of an upstream server in one login.
const ROUNDS: u32 = 8;

/// One challenge of an upstream server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Relay {
    /// What the client holds.
    session: SessionId,
    group: String,
    /// The user as the first request named it.
    user: String,
    source: String,
    server: String,
    state: Vec<u8>,
    message: String,
    round: u32,
    until: Timestamp,
    answered: Option<(AttemptId, Outcome)>,
}

/// What became of it; a retransmit gets the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// The first factor passed.
    Passed {
        groups: Vec<String>,
        reply: Vec<(u8, Vec<u8>)>,
    },
    Failed,
    Expired,
    Locked,
    Unavailable,
    /// Another challenge followed.
    Further(SessionId),
}

impl Document for Relay {
    const KIND: &'static str = "relay";
    fn id(&self) -> [u8; 16] {
        self.session.0
    }
    fn due(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// A challenge as the chain gave it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) source: String,
    pub(super) server: String,
    pub(super) state: Vec<u8>,
    pub(super) message: String,
}

/// Passes `asked` on as the answer to `start`.
pub(super) async fn ask(
    daemon: &Arc<Daemon>,
    start: &Start,
    asked: Asked,
    round: u32,
) -> Result<Verdict, LoginError> {
    let reference = daemon.reference();
    let relay = Relay {
        session: daemon.keys.session(start.attempt),
        group: start.group.clone(),
        user: start.user.clone(),
        source: asked.source,
        server: asked.server,
        state: asked.state,
        message: asked.message,
        round,
        until: daemon.now().plus(LIFE),
        answered: None,
    };
    let kept = relay.clone();
    daemon
        .write(move |tx| {
            // A second copy of the packet must not open again what was answered.
            if document::get::<Relay>(tx, &kept.session.0)?.is_none() {
                document::put(tx, &kept)?;
            }
            Ok(())
        })
        .await?;
    info!(outcome = "ask", reason = Reason::Relayed.code(), via = relay.group, %reference);
    Ok(Verdict {
        reply: relay.prompt(),
        reason: Reason::Relayed,
        granted: super::Granted::default(),
        reference,
    })
}

/// The answer that this very request got before, where that was an upstream server's challenge.
pub(super) async fn before(daemon: &Arc<Daemon>, start: &Start) -> Result<Option<Verdict>, LoginError> {
    let session = daemon.keys.session(start.attempt);
    let relay: Option<Relay> = daemon.read(move |read| document::get(read, &session.0)).await?;
    let relay = relay.filter(|relay| relay.group == start.group && relay.user == start.user);
    Ok(relay.map(|relay| Verdict {
        reply: relay.prompt(),
        reason: Reason::Retransmit,
        granted: super::Granted::default(),
        reference: daemon.reference(),
    }))
}

impl Relay {
    fn prompt(&self) -> Reply {
        Reply::Ask {
            session: self.session,
            text: self.message.clone(),
            until: self.until,
        }
    }
}

/// Continues a login whose session is an upstream server's challenge; `None` where it is not. `start` is the request as a first one.
///
/// # Errors
/// [`LoginError`]: nothing was decided and nothing stored.
pub(crate) async fn answer(
    daemon: &Arc<Daemon>,
    session: SessionId,
    start: Start,
) -> Result<Option<Verdict>, LoginError> {
    let relay: Option<Relay> = daemon.read(move |read| document::get(read, &session.0)).await?;
    let Some(relay) = relay else { return Ok(None) };
    let name = LoginName::parse(&start.user).ok();
    let same = relay.group == start.group && name.is_some() && name == LoginName::parse(&relay.user).ok();
    if !same || daemon.now() >= relay.until {
        // Nothing was guessed, so nothing is counted.
        return decide(daemon, start, Given::of(First::NoPassword))
            .await
            .map(Some);
    }
    if let Some((by, outcome)) = &relay.answered {
        if *by != start.attempt {
            return decide(daemon, start, Given::of(First::NoPassword))
                .await
                .map(Some);
        }
        if let Outcome::Further(next) = outcome {
            let id = next.0;
            let next: Option<Relay> = daemon.read(move |read| document::get(read, &id)).await?;
            return Ok(next.map(|next| Verdict {
                reply: next.prompt(),
                reason: Reason::Retransmit,
                granted: super::Granted::default(),
                reference: daemon.reference(),
            }));
        }
        return decide(daemon, start, given(outcome)).await.map(Some);
    }
    let (Some(name), Some(typed)) = (name, start.password.clone()) else {
        return decide(daemon, start, Given::of(First::Unreadable))
            .await
            .map(Some);
    };
    // Sources are asked under the login, never an alias.
    let login = {
        let name = name.clone();
        daemon.read(move |read| read.user_by_name(&name)).await?
    };
    let login = login.map_or(name, |user| user.name);
    let checked = asked(daemon, &relay, &login, &typed).await;
    let further = match &checked {
        Checked::Challenge { .. } if relay.round >= ROUNDS => None,
        Checked::Challenge {
            source,
            server,
            state,
            message,
        } => Some(Asked {
            source: source.clone(),
            server: server.clone(),
            state: state.clone(),
            message: message.clone(),
        }),
        _ => None,
    };
    let outcome = match (&checked, &further) {
        (_, Some(_)) => Outcome::Further(daemon.keys.session(start.attempt)),
        (Checked::Passed { groups, reply, .. }, _) => Outcome::Passed {
            groups: groups.clone(),
            reply: reply.iter().map(|a| (a.kind, a.value.clone())).collect(),
        },
        (Checked::Expired, _) => Outcome::Expired,
        (Checked::Locked, _) => Outcome::Locked,
        (Checked::Unavailable(_), _) => Outcome::Unavailable,
        _ => Outcome::Failed,
    };
    let answered = Relay {
        answered: Some((start.attempt, outcome.clone())),
        ..relay.clone()
    };
    let outcome = match claim(daemon, answered).await? {
        None => outcome,
        // Two copies of one answer: the first one's outcome holds.
        Some((by, kept)) if by == start.attempt => kept,
        Some(_) => {
            return decide(daemon, start, Given::of(First::NoPassword))
                .await
                .map(Some);
        }
    };
    match further {
        Some(further) => ask(daemon, &start, further, relay.round + 1).await.map(Some),
        None => decide(daemon, start, given(&outcome)).await.map(Some),
    }
}

async fn asked(daemon: &Arc<Daemon>, relay: &Relay, name: &LoginName, typed: &Zeroizing<String>) -> Checked {
    let challenge = (
        relay.source.as_str(),
        relay.server.as_str(),
        relay.state.as_slice(),
    );
    sources::answer(daemon, challenge, name, typed).await
}

/// Keeps how it was answered, unless it was meanwhile: then that is what is given.
async fn claim(daemon: &Arc<Daemon>, answered: Relay) -> Result<Option<(AttemptId, Outcome)>, StoreError> {
    daemon
        .write(move |tx| {
            let kept: Option<Relay> = document::get(tx, &answered.session.0)?;
            let before = kept.and_then(|kept| kept.answered);
            if before.is_none() {
                document::put(tx, &answered)?;
            }
            Ok(before)
        })
        .await
}

fn given(outcome: &Outcome) -> Given {
    match outcome {
        Outcome::Passed { groups, reply } => Given {
            groups: Some(groups.clone()),
            reply: reply
                .iter()
                .map(|(kind, value)| Attribute {
                    kind: *kind,
                    value: value.clone(),
                })
                .collect(),
            ..Given::new(Compared::Source(First::Passed))
        },
        Outcome::Expired => Given::of(First::Expired),
        Outcome::Locked => Given::of(First::Locked),
        Outcome::Unavailable => Given::of(First::Unavailable),
        Outcome::Failed | Outcome::Further(_) => Given::of(First::Failed),
    }
}
