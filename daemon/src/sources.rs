//! Sources of the first factor in use: directories and RADIUS servers that check passwords, in the order that a chain gives.
//!
//! Each source has its own places, its own deadline and its own connections, so one that hangs holds up nobody but those who need it.
//! Deliberately absent: what a login makes of the answer, and any counting of wrong passwords.
//! Entry points: [`check`], [`answer`] and [`check_ms_chap2`].

mod ldap;
mod order;
mod upstream;

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::name::LoginName;
use otpost_core::source::{BadSource, Chain, Checked, Kind, Link, Outage, Source, SourceKind};
use otpost_store::{StoreError, document};
use tokio::sync::Semaphore;
use tracing::warn;
use zeroize::Zeroizing;

use crate::state::Daemon;
use crate::sys::{self, Draw};
use ldap::Directory;
use upstream::{Ask, Proxy};

/// Requests that one source works at.
const WORKING: usize = 32;
/// Those and the ones that wait for it; beyond, callers are told at once.
const PLACES: usize = 256;
/// Longest of all waits: no VPN waits longer.
const LONGEST: Duration = Duration::from_secs(20);
/// Most sources.
pub(crate) const MOST: u32 = 64;

/// MS-CHAPv2 as a VPN sent it (RFC 2548 section 2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct MsChap2Response {
    /// MS-CHAP-Challenge.
    pub challenge: [u8; 16],
    /// MS-CHAP2-Response: Ident, Flags, Peer-Challenge, Reserved, Response.
    pub response: [u8; 50],
}

impl fmt::Debug for MsChap2Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MsChap2Response(..)")
    }
}

/// What a source says, and which of its servers said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) checked: Checked,
    pub(crate) server: String,
}

impl Answered {
    fn new(checked: Checked, server: String) -> Self {
        let checked = match checked {
            Checked::Challenge {
                source,
                state,
                message,
                ..
            } => Checked::Challenge {
                source,
                server: server.clone(),
                state,
                message,
            },
            other => other,
        };
        Self { checked, server }
    }

    fn unavailable(link: &Link, why: String, server: String) -> Self {
        Self {
            checked: unavailable(link, why),
            server,
        }
    }
}

fn unavailable(link: &Link, why: impl Into<String>) -> Checked {
    Checked::Unavailable(Outage {
        source: link.to_string(),
        why: why.into(),
    })
}

#[derive(Debug)]
enum Asks {
    Ldap(Box<Directory>),
    Radius(Box<Proxy>),
}

/// A source in use.
#[derive(Debug)]
struct Live {
    source: Source,
    link: Link,
    asks: Asks,
    places: Semaphore,
    working: Semaphore,
}

/// One question.
#[derive(Clone, Copy)]
struct Question<'a> {
    /// As the source is to know the user.
    user: &'a str,
    ask: Ask<'a>,
}

impl Live {
    fn new(source: Source) -> Result<Self, BadSource> {
        source.check()?;
        let link = Link::Source {
            kind: source.kind.kind(),
            name: source.name.clone(),
        };
        let asks = match &source.kind {
            Kind::Ldap(ldap) => Asks::Ldap(Box::new(Directory::new(link.clone(), ldap.clone())?)),
            Kind::Radius(upstream) => Asks::Radius(Box::new(Proxy::new(link.clone(), upstream.clone())?)),
        };
        Ok(Self {
            source,
            link,
            asks,
            places: Semaphore::new(PLACES),
            working: Semaphore::new(WORKING),
        })
    }

    async fn ask(&self, question: Question<'_>, now: Timestamp, mut rng: Draw) -> Answered {
        let none = |why: &str| Answered::unavailable(&self.link, why.to_owned(), String::new());
        let Ok(_place) = self.places.try_acquire() else {
            return none("too many wait for it; it is slow or down");
        };
        let whole = match &self.asks {
            Asks::Ldap(directory) => directory.whole(),
            Asks::Radius(proxy) => proxy.whole(),
        };
        let asked = async {
            let _working = self.working.acquire().await;
            match (&self.asks, question.ask) {
                (Asks::Ldap(directory), Ask::Password(password)) => {
                    directory.check(question.user, password, now).await
                }
                (Asks::Ldap(_), _) => none("a directory checks passwords only"),
                (Asks::Radius(proxy), Ask::MsChap2(_)) => {
                    // The name is part of what is proven, so it goes on as it came.
                    proxy.check(question.user, question.ask, now, &mut rng).await
                }
                (Asks::Radius(proxy), _) => {
                    let user = proxy.user_name(question.user);
                    proxy.check(&user, question.ask, now, &mut rng).await
                }
            }
        };
        match sys::timeout(whole.min(LONGEST), asked).await {
            Some(answered) => answered,
            None => none("no answer in time"),
        }
    }
}

/// The sources in use, replaced as a whole.
#[derive(Debug, Default)]
pub struct Sources {
    live: RwLock<Arc<Vec<Arc<Live>>>>,
}

impl Sources {
    fn all(&self) -> Arc<Vec<Arc<Live>>> {
        self.live.read().map(|live| Arc::clone(&live)).unwrap_or_default()
    }

    fn get(&self, kind: SourceKind, name: &str) -> Option<Arc<Live>> {
        let all = self.all();
        let same = |live: &&Arc<Live>| {
            live.source.kind.kind() == kind && live.source.name.eq_ignore_ascii_case(name)
        };
        all.iter().find(same).cloned()
    }

    /// Replaces the list. What did not change keeps its connections; a source that cannot be made is left out and logged.
    fn load(&self, sources: Vec<Source>) {
        let before = self.all();
        let live = sources.into_iter().filter_map(|source| {
            if let Some(same) = before.iter().find(|live| live.source == source) {
                return Some(Arc::clone(same));
            }
            let shown = source.shown();
            match Live::new(source) {
                Ok(live) => Some(Arc::new(live)),
                Err(error) => {
                    warn!(source = shown, %error, "this source of passwords cannot be used");
                    None
                }
            }
        });
        let live = Arc::new(live.collect());
        if let Ok(mut slot) = self.live.write() {
            *slot = live;
        }
    }
}

/// Whether `source` can be used.
///
/// # Errors
/// [`BadSource`] names the setting and the fix.
pub(crate) fn usable(source: &Source) -> Result<(), BadSource> {
    Live::new(source.clone()).map(|_| ())
}

/// Takes the sources of the store into use.
///
/// # Errors
/// The store's; the old ones stay in use then.
pub async fn load(daemon: &Daemon) -> Result<(), StoreError> {
    let sources = daemon
        .read(|read| document::list::<Source>(read, None, MOST))
        .await?;
    daemon.sources.load(sources);
    Ok(())
}

/// Checks a password along `chain`: the first link that knows the user decides, and one that cannot be asked denies.
///
/// `name` is the login that counters and locks hang on; sources are asked under it, with what their settings add. An empty password, or
/// one with a NUL in it, is nobody's: directories take the former for an anonymous sign-in (RFC 4513 section 5.1.2), and some programs
/// take the latter for the former.
pub async fn check(
    daemon: &Arc<Daemon>,
    chain: &Chain,
    name: &LoginName,
    password: &Zeroizing<String>,
) -> Checked {
    if chain.is_stack() {
        return Checked::passed(Link::Stack);
    }
    if password.is_empty() || password.contains('\0') {
        return Checked::Failed;
    }
    let last = chain.links().len() - 1;
    for (at, link) in chain.links().iter().enumerate() {
        let checked = match link {
            // It never stands beside others.
            Link::Stack => Checked::Failed,
            Link::Local => local(daemon, name, password, at == last).await,
            Link::Source { kind, name: source } => {
                let question = Question {
                    user: name.as_str(),
                    ask: Ask::Password(password),
                };
                asked(daemon, (*kind, source), question).await.checked
            }
        };
        if checked != Checked::UnknownUser {
            return checked;
        }
    }
    Checked::UnknownUser
}

/// What somebody answered to the challenge of an upstream server: [`Checked::Challenge`]'s own fields, and what was typed.
pub async fn answer(
    daemon: &Arc<Daemon>,
    (source, server, state): (&str, &str, &[u8]),
    name: &LoginName,
    typed: &Zeroizing<String>,
) -> Checked {
    let Ok(Link::Source {
        kind: kind @ SourceKind::Radius,
        name: source,
    }) = source.parse()
    else {
        return Checked::Failed;
    };
    if typed.contains('\0') {
        return Checked::Failed;
    }
    let question = Question {
        user: name.as_str(),
        ask: Ask::Answer { typed, server, state },
    };
    asked(daemon, (kind, &source), question).await.checked
}

/// Passes MS-CHAPv2 to the upstream server of `chain`, with User-Name as it came, for it is part of what is proven. `None` where nobody in
/// the chain can check it for this user: neither a stored hash nor a directory's can.
pub async fn check_ms_chap2(
    daemon: &Arc<Daemon>,
    chain: &Chain,
    (name, user_name): (&LoginName, &str),
    response: &MsChap2Response,
) -> Option<Checked> {
    for link in chain.links() {
        match link {
            Link::Local => match stored(daemon, name).await {
                Ok(None) => {}
                // Whoever has a password here has it checked here, and nowhere else.
                Ok(Some(_)) => return None,
                Err(error) => return Some(unavailable(link, error.to_string())),
            },
            Link::Source {
                kind: SourceKind::Radius,
                name,
            } => {
                let question = Question {
                    user: user_name,
                    ask: Ask::MsChap2(response),
                };
                return Some(asked(daemon, (SourceKind::Radius, name), question).await.checked);
            }
            // A directory might know the user, and comes first.
            Link::Source { .. } | Link::Stack => return None,
        }
    }
    None
}

/// Asks one source for a test.
pub(crate) async fn test(
    daemon: &Arc<Daemon>,
    (kind, source): (SourceKind, &str),
    name: &LoginName,
    password: &str,
) -> Answered {
    if password.is_empty() || password.contains('\0') {
        return Answered::new(Checked::Failed, String::new());
    }
    let question = Question {
        user: name.as_str(),
        ask: Ask::Password(password),
    };
    asked(daemon, (kind, source), question).await
}

async fn asked(daemon: &Arc<Daemon>, (kind, name): (SourceKind, &str), question: Question<'_>) -> Answered {
    let now = daemon.now();
    let answered = match daemon.sources.get(kind, name) {
        Some(live) => live.ask(question, now, daemon.rng()).await,
        None => {
            let name = name.to_owned();
            let link = Link::Source { kind, name };
            Answered::unavailable(&link, "there is no such source".to_owned(), String::new())
        }
    };
    if let Checked::Unavailable(outage) = &answered.checked
        && daemon.refusal_lines.allow(now)
    {
        warn!(
            source = outage.source,
            why = outage.why,
            "a source of passwords cannot say"
        );
    }
    answered
}

/// The hash of the user's password, where there are both.
async fn stored(daemon: &Daemon, name: &LoginName) -> Result<Option<Zeroizing<String>>, StoreError> {
    let name = name.clone();
    let user = daemon.read(move |read| read.user_by_name(&name)).await?;
    Ok(user.and_then(|user| user.password).map(|hash| hash.0))
}

/// otpost itself. A user without a password here is unknown: another may have it. Whoever is asked last takes as long either way.
async fn local(daemon: &Daemon, name: &LoginName, password: &Zeroizing<String>, last: bool) -> Checked {
    let stored = match stored(daemon, name).await {
        Ok(stored) => stored,
        Err(error) => return unavailable(&Link::Local, error.to_string()),
    };
    let known = stored.is_some();
    if !known && !last {
        return Checked::UnknownUser;
    }
    match daemon.passwords.verify(password.clone(), stored).await {
        Ok(true) => Checked::passed(Link::Local),
        Ok(false) if known => Checked::Failed,
        Ok(false) => Checked::UnknownUser,
        Err(error) => unavailable(&Link::Local, error.to_string()),
    }
}
