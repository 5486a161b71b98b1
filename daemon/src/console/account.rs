//! What administrators do with their own account.

use std::sync::Arc;

use otpost_core::ids::Reference;
use otpost_core::portal::administrator::Scope;
use otpost_core::portal::answer::Why;
use otpost_core::portal::session::{PortalSession, Stage, fingerprint};
use otpost_core::portal::verification::Owner;
use otpost_ipc::Secret;
use otpost_ipc::portal::{CodeAsk, Method, MethodView, PortalReply, SessionView};
use otpost_store::{StoreError, document};
use zeroize::Zeroizing;

use super::factor::{Proof, code_reason, prove, recovery_left, stands};
use super::session::{self, held, holder};
use super::setup::{check_password, recovery_codes};
use crate::admin::AdminError;
use crate::state::Daemon;

/// Who is signed in. A sign-in that waits for its code is told so, and nothing about whose it is.
pub(super) async fn show(daemon: &Arc<Daemon>, cookie: &Secret) -> Result<PortalReply, AdminError> {
    let Some(held) = holder(daemon, cookie).await? else {
        return stands(daemon, cookie).await;
    };
    let now = daemon.now();
    let (admin, own) = (held.admin, held.session.id);
    let account = daemon
        .read(move |read| {
            let resources = match &admin.scope {
                Scope::All => Vec::new(),
                Scope::Resources(ids) => {
                    let mut names = Vec::new();
                    for id in ids {
                        names.extend(read.resource(*id)?.map(|resource| resource.name));
                    }
                    names.sort();
                    names
                }
            };
            let mut sessions: Vec<PortalSession> = document::of(read, &admin.id.0)?;
            sessions.retain(|session| session.stage == Stage::Full && session.alive(now));
            sessions.sort_by_key(|session| (session.id != own, std::cmp::Reverse(session.seen)));
            Ok(PortalReply::Account {
                login: admin.name.to_string(),
                shown: admin.title().to_owned(),
                role: admin.role.as_str().to_owned(),
                resources,
                all: admin.scope == Scope::All,
                recovery_left: recovery_left(read, &admin)?,
                sessions: sessions
                    .iter()
                    .map(|session| view(session, own == session.id))
                    .collect(),
            })
        })
        .await?;
    Ok(account)
}

fn view(session: &PortalSession, own: bool) -> SessionView {
    SessionView {
        id: session.id.to_string(),
        own,
        agent: session.agent.clone(),
        source: session.source.shown(),
        seen: session.seen.0,
        portal: String::new(),
    }
}

/// A change of the own password.
pub(super) struct NewPassword {
    pub(super) current: Secret,
    pub(super) new: Secret,
    pub(super) code: Secret,
}

/// Changes the own password; needs the present one and a code. Other sessions end.
pub(super) async fn password(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    asked: NewPassword,
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    let Some(held) = holder(daemon, cookie).await? else {
        return Ok(PortalReply::SignedOut);
    };
    check_password(&asked.new)?;
    let stored = held.admin.password.clone();
    let current = Zeroizing::new(asked.current.expose().to_owned());
    let right = super::right(daemon, current, stored.clone()).await?;
    let new = super::hashed(daemon, &asked.new).await?;
    let typed = Zeroizing::new(asked.code.expose().to_owned());
    own_act(daemon, cookie, "password", reference, move |tx, held, now| {
        let locked = held.admin.guard.lock_at(now).is_some();
        // A password that was guessed at counts like a code, and the code stays good.
        if locked || !right || held.admin.password != stored {
            if !locked {
                held.admin.guard = held
                    .admin
                    .guard
                    .failed(now, otpost_core::portal::administrator::FAILURES);
                document::put(tx, &held.admin)?;
            }
            let why = if locked { Why::Locked } else { Why::Wrong };
            return Ok(Err((why, "wrong-password")));
        }
        if let Err(why) = prove(tx, &mut held.admin, &Proof::App(&typed), now)? {
            return Ok(Err((why, code_reason(why))));
        }
        held.admin.password = Some(new.clone());
        document::put(tx, &held.admin)?;
        session::end_all(tx, held.admin.id, Some(held.session.id))?;
        Ok(Ok(()))
    })
    .await
    .map(|refused| refused.unwrap_or_else(|| done("password")))
}

/// Makes new recovery codes; the old ones end.
pub(super) async fn renew_recovery(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    code: Secret,
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    let Some(held) = holder(daemon, cookie).await? else {
        return Ok(PortalReply::SignedOut);
    };
    let owner = Owner::Admin(held.admin.id);
    let (codes, set) = recovery_codes(daemon, owner, daemon.now()).await?;
    let typed = Zeroizing::new(code.expose().to_owned());
    own_act(daemon, cookie, "recovery", reference, move |tx, held, now| {
        if let Err(why) = prove(tx, &mut held.admin, &Proof::App(&typed), now)? {
            return Ok(Err((why, code_reason(why))));
        }
        document::put(tx, &set)?;
        Ok(Ok(()))
    })
    .await
    .map(|refused| refused.unwrap_or(PortalReply::Codes { codes }))
}

/// Ends the other sessions.
pub(super) async fn end_others(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    own_act(daemon, cookie, "end-sessions", reference, |tx, held, _| {
        session::end_all(tx, held.admin.id, Some(held.session.id))?;
        Ok(Ok(()))
    })
    .await
    .map(|refused| refused.unwrap_or_else(|| done("end-sessions")))
}

/// Ends this session. One that does not hold is no error: its owner wanted it gone.
pub(super) async fn sign_out(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    reference: &Reference,
) -> Result<PortalReply, AdminError> {
    let key = fingerprint(cookie.expose());
    let now = daemon.now();
    let known = reference.clone();
    daemon
        .write(move |tx| {
            for stage in [Stage::Full, Stage::Factor] {
                if let Some(held) = held(tx, &key, stage, now)? {
                    session::end(tx, &held.session)?;
                    session::record(tx, &held, ("sign-out", "asked"), (&known, now))?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(done("sign-out"))
}

fn done(what: &str) -> PortalReply {
    PortalReply::Done {
        what: what.to_owned(),
    }
}

/// Why an act is refused: for the page, and for the audit log.
type Refusal = (Why, &'static str);

/// Runs and records an act of the session's holder. `None`: carried out; otherwise the answer.
async fn own_act(
    daemon: &Arc<Daemon>,
    cookie: &Secret,
    kind: &'static str,
    reference: &Reference,
    mut act: impl FnMut(
        &mut dyn otpost_store::Tx,
        &mut session::Held,
        otpost_core::Timestamp,
    ) -> Result<Result<(), Refusal>, StoreError>
    + Send
    + 'static,
) -> Result<Option<PortalReply>, AdminError> {
    let key = fingerprint(cookie.expose());
    let now = daemon.now();
    let known = reference.clone();
    let refused = daemon
        .write(move |tx| {
            let Some(mut held) = held(tx, &key, Stage::Full, now)? else {
                return Ok(Some(PortalReply::SignedOut));
            };
            match act(tx, &mut held, now)? {
                Ok(()) => {
                    session::record(tx, &held, (kind, "asked"), (&known, now))?;
                    Ok(None)
                }
                Err((why, reason)) => {
                    session::record(tx, &held, ("denied", reason), (&known, now))?;
                    Ok(Some(PortalReply::Wrong {
                        ask: code_of_app(),
                        why: if reason == "wrong-password" && why == Why::Wrong {
                            "password".to_owned()
                        } else {
                            why.as_str().to_owned()
                        },
                    }))
                }
            }
        })
        .await?;
    Ok(refused)
}

fn code_of_app() -> CodeAsk {
    CodeAsk {
        methods: vec![MethodView {
            method: Method::Totp,
            name: String::new(),
        }],
        digits: otpost_core::totp::Digits::default().get(),
        ..CodeAsk::default()
    }
}
