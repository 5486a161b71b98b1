//! The second factor of an administrator: app or recovery code, each good once. A right one makes a new session; the one that waited
//! ends in the same transaction.

use std::sync::Arc;

use otpost_core::Timestamp;
use otpost_core::ids::Reference;
use otpost_core::portal::administrator::{Administrator, FAILURES};
use otpost_core::portal::answer::Why;
use otpost_core::portal::factors::{RecoverySet, TotpToken};
use otpost_core::portal::flow::Closed;
use otpost_core::portal::session::{Stage, fingerprint};
use otpost_core::portal::verification::Verification;
use otpost_core::recovery;
use otpost_core::totp;
use otpost_ipc::Secret;
use otpost_ipc::portal::{CodeAsk, Method, MethodView, Next, PortalReply};
use otpost_store::{Read, StoreError, Tx, document};
use tracing::warn;
use zeroize::Zeroizing;

use super::session::{Held, held};
use super::setup::{max_age, taken};
use super::{Said, session, sign_in};
use crate::admin::AdminError;
use crate::state::Daemon;

/// What a page asks of the administrator.
pub(super) fn ask(
    read: &mut dyn Read,
    admin: &Administrator,
    verification: &Verification,
    now: Timestamp,
) -> Result<CodeAsk, StoreError> {
    let method = |method| MethodView {
        method,
        name: String::new(),
    };
    let mut methods = vec![method(Method::Totp)];
    if recovery_left(read, admin)? > 0 {
        methods.push(method(Method::Recovery));
    }
    Ok(CodeAsk {
        methods,
        digits: totp::Digits::default().get(),
        expires_in: now.seconds_until(verification.flow.expires),
        left: verification.flow.left(),
        ..CodeAsk::default()
    })
}

/// Recovery codes that are left.
pub(super) fn recovery_left(read: &mut dyn Read, admin: &Administrator) -> Result<u32, StoreError> {
    let set = document::get::<RecoverySet>(read, &admin.id.0)?;
    Ok(set.map_or(0, |set| u32::try_from(set.set.left()).unwrap_or(u32::MAX)))
}

/// Where a sign-in stands.
pub(super) async fn stands(daemon: &Arc<Daemon>, cookie: &Secret) -> Result<PortalReply, AdminError> {
    let key = fingerprint(cookie.expose());
    let now = daemon.now();
    let next = daemon
        .read(move |read| {
            if held(read, &key, Stage::Full, now)?.is_some() {
                return Ok(Some(Next::Home));
            }
            let Some((held, verification)) = waiting(read, &key, now)? else {
                return Ok(None);
            };
            Ok(Some(Next::Factor(ask(read, &held.admin, &verification, now)?)))
        })
        .await?;
    Ok(next.map_or(PortalReply::SignedOut, PortalReply::At))
}

/// The session that waits for a second factor, and its verification.
fn waiting(
    read: &mut dyn Read,
    cookie: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(Held, Verification)>, StoreError> {
    let Some(held) = held(read, cookie, Stage::Factor, now)? else {
        return Ok(None);
    };
    let Some(id) = held.session.verification else {
        return Ok(None);
    };
    let verification = document::get::<Verification>(read, &id.0)?;
    Ok(verification
        .filter(|verification| verification.session == held.session.id)
        .map(|verification| (held, verification)))
}

/// A code whose hash was looked at outside of the transaction.
#[derive(Clone)]
pub(super) struct Recovered {
    index: recovery::Index,
    hash: String,
}

/// Compares a typed recovery code with the administrator's; the same work is done where there is none to compare with.
pub(super) async fn recovered(
    daemon: &Daemon,
    set: Option<RecoverySet>,
    typed: &str,
) -> Result<Option<Recovered>, AdminError> {
    let Some((index, secret)) = recovery::parse(typed) else {
        return Ok(None);
    };
    let stored = set.and_then(|set| set.set.find(index).map(|code| code.hash.clone()));
    let right = super::right(daemon, secret, stored.clone().map(Zeroizing::new)).await?;
    Ok(stored.filter(|_| right).map(|hash| Recovered { index, hash }))
}

/// What a code does to the administrator's rows. Whatever it is, what is used is used and what is wrong is counted.
pub(super) enum Proof<'a> {
    /// A code of the app, as typed.
    App(&'a str),
    /// A recovery code that was compared.
    Recovery(Option<&'a Recovered>),
}

/// Takes a code of the administrator; stores what is used or counted.
///
/// # Errors
/// The outer one is the store's; the inner one says why the code is not taken.
pub(super) fn prove(
    tx: &mut dyn Tx,
    admin: &mut Administrator,
    proof: &Proof<'_>,
    now: Timestamp,
) -> Result<Result<(), Why>, StoreError> {
    let verdict = match proof {
        // A lock is lifted by a recovery code alone.
        Proof::App(_) if admin.guard.lock_at(now).is_some() => return Ok(Err(Why::Locked)),
        Proof::App(typed) => app_code(tx, admin, typed, now)?,
        Proof::Recovery(found) => use_up(tx, admin, *found, now)?,
    };
    match verdict {
        Ok(()) => {
            let cleared = match proof {
                Proof::App(_) => admin.guard.succeeded(),
                Proof::Recovery(_) => admin.guard.recovered(),
            };
            if let Some(guard) = cleared {
                admin.guard = guard;
                document::put(tx, admin)?;
            }
        }
        Err(Why::Wrong | Why::Used) => {
            admin.guard = admin.guard.failed(now, FAILURES);
            document::put(tx, admin)?;
        }
        // What cannot be a code is no guess.
        Err(_) => {}
    }
    Ok(verdict)
}

fn app_code(
    tx: &mut dyn Tx,
    admin: &Administrator,
    typed: &str,
    now: Timestamp,
) -> Result<Result<(), Why>, StoreError> {
    let mut verdict = Err(Why::Wrong);
    for app in document::of::<TotpToken>(tx, &admin.id.0)? {
        match taken(&app, typed, now) {
            Ok(used) => {
                document::put(tx, &used)?;
                return Ok(Ok(()));
            }
            Err(why) => verdict = Err(why),
        }
    }
    Ok(verdict)
}

fn use_up(
    tx: &mut dyn Tx,
    admin: &Administrator,
    found: Option<&Recovered>,
    now: Timestamp,
) -> Result<Result<(), Why>, StoreError> {
    let Some(found) = found else {
        return Ok(Err(Why::Wrong));
    };
    let Some(mut codes) = document::get::<RecoverySet>(tx, &admin.id.0)? else {
        return Ok(Err(Why::Wrong));
    };
    // A set made anew since, or a code used since, has another hash or none.
    let same = codes
        .set
        .find(found.index)
        .is_some_and(|code| code.hash == found.hash);
    if !same || !codes.set.use_up(found.index, now) {
        return Ok(Err(Why::Used));
    }
    document::put(tx, &codes)?;
    Ok(Ok(()))
}

/// What came of an answer.
enum Came {
    /// In: the new cookie and the language.
    In(Zeroizing<String>, String),
    /// Not taken; what is asked for still.
    Not(CodeAsk, Why),
    /// The session does not hold.
    Out,
}

/// Decides the second factor of a sign-in.
pub(super) async fn answer(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    (method, code): (Method, &Secret),
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    let key = fingerprint(cookie.expose());
    let now = daemon.now();
    let found = match method {
        Method::Totp => None,
        Method::Recovery => {
            let set = daemon
                .read(move |read| match waiting(read, &key, now)? {
                    Some((held, verification)) if verification.flow.closed(now).is_none() => {
                        document::get::<RecoverySet>(read, &held.admin.id.0)
                    }
                    _ => Ok(None),
                })
                .await?;
            recovered(daemon, set, code.expose()).await?
        }
        Method::Sms | Method::Helpdesk | Method::Mail | Method::Password => {
            return Err(AdminError::Invalid(
                "the console takes a code of the app or a recovery code".to_owned(),
            ));
        }
    };
    let typed = Zeroizing::new(code.expose().to_owned());
    let mut rng = daemon.rng();
    let known = reference.clone();
    let came = daemon
        .write(move |tx| {
            let Some((mut held, mut verification)) = waiting(tx, &key, now)? else {
                return Ok(Came::Out);
            };
            let closed = match verification.flow.closed(now) {
                None => None,
                Some(Closed::TriesUsed) => Some(Why::TriesUsed),
                Some(_) => Some(Why::Expired),
            };
            let proof = match method {
                Method::Recovery => Proof::Recovery(found.as_ref()),
                _ => Proof::App(&typed),
            };
            let verdict = match closed {
                Some(why) => Err(why),
                None => prove(tx, &mut held.admin, &proof, now)?,
            };
            let Err(why) = verdict else {
                return come_in(tx, held, &mut rng, (method, &known, now));
            };
            if matches!(why, Why::Wrong | Why::Used) {
                verification.flow = verification.flow.wrong();
                document::put(tx, &verification)?;
            }
            session::record(tx, &held, ("denied", code_reason(why)), (&known, now))?;
            let ask = ask(tx, &held.admin, &verification, now)?;
            Ok(Came::Not(ask, why))
        })
        .await?;
    Ok(match came {
        Came::In(value, lang) => PortalReply::Signed {
            session: Secret::from(value.as_str()),
            max_age: max_age(),
            next: Next::Home,
            lang,
            codes: Vec::new(),
        },
        Came::Not(ask, why) => {
            warn!(%reference, why = why.as_str(), "a second factor at the console was not taken");
            PortalReply::Wrong {
                ask,
                why: why.as_str().to_owned(),
            }
        }
        Came::Out => PortalReply::SignedOut,
    })
}

/// The audit log's word for a code that is not taken.
pub(super) fn code_reason(why: Why) -> &'static str {
    match why {
        Why::Wrong => "wrong-code",
        Why::TooFew | Why::TooMany | Why::NotDigits => "no-code",
        Why::Expired => "expired",
        Why::TriesUsed => "tries-used",
        Why::Locked => "otp-locked",
        Why::Used => "used",
    }
}

fn come_in(
    tx: &mut dyn Tx,
    held: Held,
    rng: &mut crate::sys::Draw,
    (method, reference, now): (Method, &Reference, Timestamp),
) -> Result<Came, StoreError> {
    session::end(tx, &held.session)?;
    let admin = Administrator {
        seen: Some(now),
        ..held.admin
    };
    document::put(tx, &admin)?;
    let source = held.session.source;
    let start = session::Start {
        admin: admin.id,
        source: &source,
        agent: &held.session.agent,
        lang: &held.session.lang,
    };
    let value = session::full(tx, rng, &start, now)?;
    tx.put_source_success(sign_in::source_owner(&admin), &source.key(), now)?;
    let said = Said {
        kind: "sign-in",
        reason: if method == Method::Recovery {
            "recovery"
        } else {
            "totp"
        },
        login: admin.name.as_str(),
        source: &source,
        detail: String::new(),
    };
    said.record(tx, reference, now)?;
    Ok(Came::In(value, held.session.lang))
}
