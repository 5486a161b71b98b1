//! The console of administrators and the keys of the REST API: set-up links, sign-in, sessions, and what each may do.
//!
//! A session or key is looked up, [`authorise`]d and handed to the same code that serves otpostctl. The portal process only renders.

mod account;
mod api;
pub(crate) mod authorise;
mod factor;
mod session;
pub mod setup;
mod sign_in;

use std::sync::Arc;

use otpost_core::audit::Event;
use otpost_core::ids::{AdminId, Reference};
use otpost_core::net::Source;
use otpost_core::portal::administrator::Administrator;
use otpost_core::{Rng, Timestamp};
use otpost_ipc::portal::{ConsoleOp, PortalOp, PortalReply};
use otpost_ipc::{Fault, FaultCode, Outcome, Secret};
use otpost_store::{Read, StoreError, Tx, document};
use tracing::error;
use zeroize::Zeroizing;

use crate::admin::AdminError;
use crate::passwords::PasswordError;
use crate::portal::proof;
use crate::state::Daemon;

/// Octets of a secret that browsers and programs carry.
const SECRET_LEN: usize = 32;

/// Answers the requests that are about administrators and keys.
pub(crate) async fn handle(daemon: &Arc<Daemon>, op: PortalOp) -> Outcome<PortalReply> {
    let reference = daemon.reference();
    let answer = match op {
        PortalOp::SetupShow { link } => setup::show(daemon, &link).await,
        PortalOp::SetupFinish {
            link,
            login,
            password,
            totp,
            code,
            browser,
        } => {
            let asked = setup::Asked {
                link,
                login,
                password,
                totp,
                code,
                browser,
            };
            setup::finish(daemon, asked, &reference).await
        }
        PortalOp::ConsoleSignIn {
            user,
            password,
            browser,
        } => sign_in::sign_in(daemon, &user, &password, browser, &reference).await,
        PortalOp::Console { session, ask } => return console(daemon, &session, ask, reference).await,
        PortalOp::Api { key, admin, browser } => {
            return api::api(daemon, &key, *admin, &browser, reference).await;
        }
        PortalOp::Site { .. }
        | PortalOp::SignIn { .. }
        | PortalOp::SignInByMail { .. }
        | PortalOp::User { .. } => Err(AdminError::Invalid(
            "this is no request of the console".to_owned(),
        )),
    };
    outcome(answer, &reference)
}

async fn console(
    daemon: &Arc<Daemon>,
    session: &Secret,
    ask: ConsoleOp,
    reference: Reference,
) -> Outcome<PortalReply> {
    let answer = match ask {
        ConsoleOp::Where => factor::stands(daemon, session).await,
        ConsoleOp::Factor { method, code } => {
            factor::answer(daemon, session, (method, &code), &reference).await
        }
        ConsoleOp::Account => account::show(daemon, session).await,
        ConsoleOp::Password { current, new, code } => {
            account::password(
                daemon,
                session,
                account::NewPassword { current, new, code },
                &reference,
            )
            .await
        }
        ConsoleOp::RenewRecovery { code } => account::renew_recovery(daemon, session, code, &reference).await,
        ConsoleOp::EndOtherSessions => account::end_others(daemon, session, &reference).await,
        ConsoleOp::SignOut => account::sign_out(daemon, session, &reference).await,
        ConsoleOp::Admin { admin } => return api::console(daemon, session, *admin, reference).await,
    };
    outcome(answer, &reference)
}

fn outcome(answer: Result<PortalReply, AdminError>, reference: &Reference) -> Outcome<PortalReply> {
    match answer {
        Ok(reply) => Outcome::Ok(reply),
        Err(failure) => Outcome::Err(fault(&failure, reference)),
    }
}

fn fault(failure: &AdminError, reference: &Reference) -> Fault {
    if let AdminError::Store(error) = failure {
        error!(%error, %reference, "a request of the console could not be decided");
    }
    let code = failure.code();
    Fault {
        code,
        message: failure.to_string(),
        retry_after: matches!(code, FaultCode::Busy | FaultCode::Unavailable).then_some(1),
        reference: reference.to_string(),
    }
}

/// Whether `typed` is what `stored` was made from; the same work where there is nothing to compare with. Taken in turn with what
/// the portals have compared.
async fn right(
    daemon: &Daemon,
    typed: Zeroizing<String>,
    stored: Option<Zeroizing<String>>,
) -> Result<bool, AdminError> {
    let _turn = proof::turn().map_err(|e| hashing(&e))?;
    daemon
        .passwords
        .verify(typed, stored)
        .await
        .map_err(|e| hashing(&e))
}

/// The hash of a new password, in turn as well.
async fn hashed(daemon: &Daemon, password: &Secret) -> Result<Zeroizing<String>, AdminError> {
    let password = Zeroizing::new(password.expose().to_owned());
    let _turn = proof::turn().map_err(|e| hashing(&e))?;
    daemon
        .passwords
        .hash(password, daemon.rng())
        .await
        .map_err(|e| hashing(&e))
}

fn hashing(error: &PasswordError) -> AdminError {
    AdminError::Refused(error.to_string())
}

/// 256 random bits as browsers and programs carry them.
fn secret(rng: &mut dyn Rng) -> Zeroizing<String> {
    let mut octets = Zeroizing::new([0; SECRET_LEN]);
    rng.fill(octets.as_mut_slice());
    Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(octets.as_slice()))
}

/// The administrator of this login.
pub(crate) fn by_login(read: &mut dyn Read, login: &str) -> Result<Option<Administrator>, StoreError> {
    let Ok(name) = otpost_core::name::LoginName::parse(login) else {
        return Ok(None);
    };
    let key = otpost_core::portal::session::fingerprint(name.as_str());
    document::by_key(read, &key)
}

/// Ends all sessions of an administrator, and sign-ins that are not finished.
pub(crate) fn end_sessions(tx: &mut dyn Tx, admin: AdminId) -> Result<(), StoreError> {
    session::end_all(tx, admin, None).map(|_| ())
}

/// All administrators, in order of login.
pub(crate) fn administrators(read: &mut dyn Read) -> Result<Vec<Administrator>, StoreError> {
    let mut all: Vec<Administrator> = everything(read)?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// All documents of a kind of which there are few.
pub(crate) fn everything<T: document::Document>(read: &mut dyn Read) -> Result<Vec<T>, StoreError> {
    const PAGE: u32 = 200;
    let mut all: Vec<T> = Vec::new();
    loop {
        let after = all.last().map(document::Document::id);
        let page: Vec<T> = document::list(read, after.as_ref(), PAGE)?;
        let last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

/// What happened on the console, for the audit chain.
struct Said<'a> {
    /// Behind `console.`.
    kind: &'a str,
    reason: &'a str,
    /// Login of the administrator, as far as it is known.
    login: &'a str,
    source: &'a Source,
    detail: String,
}

impl Said<'_> {
    fn event(self, reference: &Reference, now: Timestamp) -> Event {
        Event {
            at: now,
            kind: format!("console.{}", self.kind),
            reason: self.reason.to_owned(),
            reference: reference.clone(),
            // Administrators are no users, and may share their names.
            user: String::new(),
            resource: String::new(),
            via: format!("console {}", self.login).trim_end().to_owned(),
            source: self.source.shown(),
            detail: self.detail,
        }
    }

    fn record(self, tx: &mut dyn Tx, reference: &Reference, now: Timestamp) -> Result<(), StoreError> {
        tx.append_audit(&self.event(reference, now))
    }
}
