//! The first factor: which part of what was typed is the password, and who checks it.

use std::sync::Arc;

use otpost_core::challenge::Channel;
use otpost_core::client::Flow;
use otpost_core::code::Digits;
use otpost_core::login::{self, First, Typed, split, static_challenge};
use otpost_core::name::LoginName;
use otpost_core::source::{Attribute, Chain, Checked, Link, MsChap2Keys};
use otpost_core::user::User;
use otpost_store::{Read, StoreError};
use zeroize::Zeroizing;

use super::{LoginError, Start, relay};
use crate::sources::{self, MsChap2Response};
use crate::state::Daemon;

/// The first factor, as far as it can be known before the transaction.
pub(super) enum Compared {
    /// The caller's stack has checked it.
    Stack,
    /// There was no password to check.
    Nothing,
    /// A proof of a password that nobody here has in clear.
    Unreadable,
    /// What a source said.
    Source(First),
    /// An upstream server asks for more.
    Challenge(relay::Asked),
    /// A password.
    Password {
        right: bool,
        /// What it was compared with.
        with: Option<Zeroizing<String>>,
    },
}

impl Compared {
    /// Whether it is a wrong password and nothing else.
    fn is_wrong(&self) -> bool {
        matches!(
            self,
            Self::Password { right: false, .. } | Self::Source(First::Failed)
        )
    }

    /// Whether it is right as far as it was looked at.
    fn passed(&self) -> bool {
        matches!(
            self,
            Self::Stack
                | Self::Password { right: true, .. }
                | Self::Source(First::Passed)
                | Self::Challenge(_)
        )
    }

    /// What it says in the transaction, where `user` has the present hash.
    pub(super) fn first(&self, user: Option<&User>) -> First {
        match self {
            Self::Stack => First::Passed,
            Self::Nothing => First::NoPassword,
            Self::Unreadable => First::Unreadable,
            Self::Source(first) => *first,
            // Nobody passes by a question.
            Self::Challenge(_) => First::Failed,
            Self::Password { right, with } => {
                let with = with.as_ref().map(|hash| hash.as_str());
                First::confirmed(*right, with, user.and_then(|u| u.password.as_ref()))
            }
        }
    }
}

/// A request's first factor as it was checked, and the rest of what was typed.
pub(super) struct Given {
    pub(super) compared: Compared,
    /// The password part, for the tag by which logins are joined.
    pub(super) password: Option<Zeroizing<String>>,
    /// The code part.
    pub(super) code: Option<Zeroizing<String>>,
    /// Whether the proof is one of the code.
    pub(super) proof: bool,
    /// Groups of a directory; `None`: they could not be looked up.
    pub(super) groups: Option<Vec<String>>,
    /// Attributes of an upstream server for the VPN.
    pub(super) reply: Vec<Attribute>,
    /// What it said after MS-CHAPv2.
    pub(super) ms_chap2: Option<MsChap2Keys>,
    /// Which source could not be asked, and why; for the audit row.
    pub(super) outage: String,
}

impl Given {
    /// What a source said, with nothing else known.
    pub(super) fn of(first: First) -> Self {
        Self::new(Compared::Source(first))
    }

    pub(super) fn new(compared: Compared) -> Self {
        Self {
            compared,
            password: None,
            code: None,
            proof: false,
            groups: Some(Vec::new()),
            reply: Vec::new(),
            ms_chap2: None,
            outage: String::new(),
        }
    }

    /// What the request holds as a code.
    pub(super) fn typed<'a>(&'a self, start: &'a Start) -> Option<Typed<'a>> {
        match (&self.code, &start.proof) {
            (Some(code), _) => Some(Typed::Text(code.as_str())),
            (None, Some(proof)) if self.proof => Some(Typed::Proof(proof.0.as_ref())),
            (None, _) => None,
        }
    }
}

/// A way to read one field.
struct Reading {
    password: Zeroizing<String>,
    code: Option<Zeroizing<String>>,
}

/// Finds the password in what was typed, and has it checked. The work is the same for users that do not exist.
pub(super) async fn given(
    daemon: &Arc<Daemon>,
    start: &Start,
    name: Option<&LoginName>,
) -> Result<Given, LoginError> {
    if start.door.flow == Flow::CodeOnly {
        return Ok(code_only(start));
    }
    let Some(password) = &start.password else {
        if let (Some(response), Some(name)) = (&start.ms_chap2, name)
            && let Some(given) = passed_on(daemon, start, name, response).await?
        {
            return Ok(given);
        }
        let compared = match (&start.proof, start.first_factor.is_stack()) {
            (Some(_), false) => Compared::Unreadable,
            (_, true) => Compared::Stack,
            (None, false) => Compared::Nothing,
        };
        return Ok(Given::new(compared));
    };
    if start.door.flow == Flow::Challenge {
        return check(daemon, start, name, password).await;
    }
    let mut last = None;
    for reading in readings(daemon, start, name, password).await? {
        let given = check(daemon, start, name, &reading.password).await?;
        if given.compared.passed() {
            return Ok(Given {
                code: reading.code,
                ..given
            });
        }
        // Only a wrong password may be another reading's right one.
        if !given.compared.is_wrong() {
            return Ok(given);
        }
        // One request is one failure, however it was read.
        last = Some(given);
    }
    last.ok_or_else(|| {
        LoginError::Store(StoreError::Damaged(
            "a field cannot be read in any way".to_owned(),
        ))
    })
}

/// The field holds the code and nothing else.
fn code_only(start: &Start) -> Given {
    let typed = start.password.as_ref().map(|typed| typed.as_str());
    let code = typed.filter(|typed| !login::asks_for_text(Some(typed)));
    Given {
        code: code.map(|code| Zeroizing::new(code.to_owned())),
        proof: start.proof.is_some(),
        ..Given::new(Compared::Stack)
    }
}

/// In which ways `field` can be read, the likely one first. While a text waits for its code, that is password and code; otherwise the
/// password alone. A stale code behind the password is told apart from a wrong password, so that nobody is closed out by it.
async fn readings(
    daemon: &Arc<Daemon>,
    start: &Start,
    name: Option<&LoginName>,
    field: &Zeroizing<String>,
) -> Result<Vec<Reading>, LoginError> {
    if let Some((password, code)) = static_challenge(field) {
        let code = (!login::asks_for_text(Some(&code))).then_some(code);
        return Ok(vec![Reading { password, code }]);
    }
    let lengths = match name.cloned() {
        Some(name) => {
            let (group, session) = (start.group.clone(), daemon.keys.session(start.attempt));
            let now = daemon.now();
            daemon
                .read(move |read| lengths(read, &name, &group, session, now))
                .await?
        }
        None => Lengths::default(),
    };
    let part = |digits: u8| {
        let (password, code) = split(field, digits, start.door.separator)?;
        Some(Reading {
            password: Zeroizing::new(password.to_owned()),
            code: Some(Zeroizing::new(code.to_owned())),
        })
    };
    let mut readings: Vec<Reading> = lengths.waiting.into_iter().filter_map(part).collect();
    readings.push(Reading {
        password: field.clone(),
        code: None,
    });
    if readings.len() == 1 {
        // For nobody as for somebody: the work must not tell them apart.
        readings.extend(part(lengths.token.unwrap_or(Digits::SIX.get())));
    }
    if start.first_factor != Chain::local() {
        // A directory counts every wrong password; it gets one.
        readings.truncate(1);
    }
    Ok(readings)
}

/// Lengths that a user's codes can have.
#[derive(Debug, Default)]
struct Lengths {
    /// Of codes that are waited for at this client, or that this very request held.
    waiting: Vec<u8>,
    /// Of the user's first token.
    token: Option<u8>,
}

fn lengths(
    read: &mut dyn Read,
    name: &LoginName,
    group: &str,
    session: otpost_core::ids::SessionId,
    now: otpost_core::Timestamp,
) -> Result<Lengths, StoreError> {
    let Some(user) = read.user_by_name(name)? else {
        return Ok(Lengths::default());
    };
    let mut waiting: Vec<u8> = read
        .open_challenges(user.id, now)?
        .iter()
        .filter(|c| c.channel == Channel::Radius && c.group == group && c.open_at(now))
        .map(|c| c.digits.get())
        .collect();
    if let Some(session) = read.session(session)?
        && session.answered.is_some()
        && let Some(challenge) = read.challenge(session.challenge)?
    {
        waiting.push(challenge.digits.get());
    }
    waiting.sort_unstable();
    waiting.dedup();
    Ok(Lengths {
        waiting,
        token: read.tokens_of(user.id)?.first().map(|t| t.digits.get()),
    })
}

/// Has an upstream server check MS-CHAPv2, where the chain has one that may.
async fn passed_on(
    daemon: &Arc<Daemon>,
    start: &Start,
    name: &LoginName,
    response: &MsChap2Response,
) -> Result<Option<Given>, LoginError> {
    if !start.first_factor.relays() {
        return Ok(None);
    }
    let asked = name.clone();
    let user = daemon.read(move |read| read.user_by_name(&asked)).await?;
    let login = user.map_or_else(|| name.clone(), |user| user.name);
    // The name is part of what is proven, so it goes on as it came: another spelling may be another's account there.
    if start.user.trim().to_lowercase() != login.as_str() {
        return Ok(Some(Given::of(First::Unreadable)));
    }
    let who = (&login, start.user.as_str());
    let Some(checked) = sources::check_ms_chap2(daemon, &start.first_factor, who, response).await else {
        return Ok(None);
    };
    Ok(Some(match checked {
        Checked::Passed {
            groups,
            reply,
            ms_chap2,
            ..
        } => Given {
            groups: Some(groups),
            reply,
            ms_chap2,
            ..Given::of(First::Passed)
        },
        Checked::Failed | Checked::UnknownUser => Given::of(First::Failed),
        Checked::Expired => Given::of(First::Expired),
        Checked::Locked => Given::of(First::Locked),
        Checked::Unavailable(outage) => Given {
            outage: outage.to_string(),
            ..Given::of(First::Unavailable)
        },
        // It cannot be passed on: its answer is no password.
        Checked::Challenge { source, .. } => Given {
            outage: format!("{source}: it asks back within MS-CHAPv2"),
            ..Given::of(First::Unavailable)
        },
    }))
}

/// Checks one password. The work is the same for users that do not exist.
async fn check(
    daemon: &Arc<Daemon>,
    start: &Start,
    name: Option<&LoginName>,
    password: &Zeroizing<String>,
) -> Result<Given, LoginError> {
    let given = |compared| Given {
        password: Some(password.clone()),
        ..Given::new(compared)
    };
    let chain = &start.first_factor;
    if chain.is_stack() {
        return Ok(given(Compared::Stack));
    }
    if *chain != Chain::local() && super::barred(daemon, start, name).await? {
        // No source hears of who is refused anyway: it would count, and perhaps send a text of its own.
        let _ = daemon.passwords.verify(password.clone(), None).await?;
        return Ok(given(Compared::Source(First::Failed)));
    }
    let user = match name.cloned() {
        Some(name) => daemon.read(move |read| read.user_by_name(&name)).await?,
        None => None,
    };
    let login = user.as_ref().map(|user| user.name.clone());
    let with = user.and_then(|u| u.password).map(|hash| hash.0);
    // Sources are asked under the login, never an alias: one person has one account there.
    let Some(login) = login.filter(|_| *chain != Chain::local()) else {
        let right = daemon.passwords.verify(password.clone(), with.clone()).await?;
        return Ok(given(Compared::Password { right, with }));
    };
    let first = match sources::check(daemon, chain, &login, password).await {
        Checked::Passed { by: Link::Local, .. } => {
            return Ok(given(Compared::Password { right: true, with }));
        }
        Checked::Passed { groups, reply, .. } => {
            return Ok(Given {
                groups: Some(groups),
                reply,
                ..given(Compared::Source(First::Passed))
            });
        }
        Checked::Failed | Checked::UnknownUser => First::Failed,
        Checked::Expired => First::Expired,
        Checked::Locked => First::Locked,
        Checked::Unavailable(outage) => {
            return Ok(Given {
                outage: outage.to_string(),
                ..given(Compared::Source(First::Unavailable))
            });
        }
        Checked::Challenge {
            source,
            server,
            state,
            message,
        } => {
            return Ok(given(Compared::Challenge(relay::Asked {
                source,
                server,
                state,
                message,
            })));
        }
    };
    Ok(given(Compared::Source(first)))
}
