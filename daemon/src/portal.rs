//! What people do on the portal: sign-in, second factor, enrolment, profile, sessions. The portal process shows; all of it is decided
//! here, in one transaction a request, and nothing is kept between requests.

mod acts;
pub(crate) mod asks;
mod by_mail;
pub(crate) mod enrol;
pub(crate) mod error;
pub(crate) mod factors;
mod home;
pub(crate) mod mails;
pub(crate) mod proof;
pub(crate) mod recovery;
pub(crate) mod request;
mod second;
pub(crate) mod session;
mod sign_in;
pub(crate) mod site;
mod step_up;
pub(crate) mod texts;
mod user;

use std::sync::Arc;

use otpost_core::ids::Reference;
use otpost_ipc::portal::{Browser, PortalReply, UserOp};
use otpost_ipc::{Outcome, Secret};
use tracing::{Instrument, error, info_span};

use error::PortalError;
use request::read;
pub(crate) use sign_in::Knock;

use crate::state::Daemon;

/// What a portal shows before anybody signs in.
pub(crate) async fn site(daemon: &Arc<Daemon>, address: String) -> Outcome<PortalReply> {
    let shown = read(daemon, move |read| {
        let resource = site::find(read, &address)?;
        Ok(PortalReply::Site(site::view(read, &resource)?))
    });
    answer(daemon, "site", |_| shown).await
}

/// Signs in by password.
pub(crate) async fn sign_in(daemon: &Arc<Daemon>, knock: Knock, password: Secret) -> Outcome<PortalReply> {
    answer(daemon, "sign-in", |reference| async move {
        sign_in::by_password(daemon, &reference, knock, password).await
    })
    .await
}

/// Begins a sign-in by e-mail.
pub(crate) async fn sign_in_by_mail(daemon: &Arc<Daemon>, knock: Knock) -> Outcome<PortalReply> {
    answer(daemon, "sign-in-by-mail", |reference| async move {
        by_mail::begin(daemon, &reference, knock).await
    })
    .await
}

/// Does what the holder of a session asks.
pub(crate) async fn user(
    daemon: &Arc<Daemon>,
    address: String,
    cookie: Secret,
    op: UserOp,
) -> Outcome<PortalReply> {
    let name = user::name(&op);
    answer(daemon, name, |reference| async move {
        user::handle(daemon, &reference, (address, cookie), op).await
    })
    .await
}

/// One request with its reference and span.
async fn answer<F>(
    daemon: &Arc<Daemon>,
    op: &'static str,
    work: impl FnOnce(Reference) -> F,
) -> Outcome<PortalReply>
where
    F: Future<Output = Result<PortalReply, PortalError>>,
{
    let reference = daemon.reference();
    let span = info_span!("portal", op, %reference);
    let work = work(reference.clone());
    async move {
        match work.await {
            Ok(reply) => Outcome::Ok(reply),
            Err(PortalError::SignedOut) => Outcome::Ok(PortalReply::SignedOut),
            Err(failure) => {
                if let PortalError::Store(error) = &failure {
                    error!(%error, "the store cannot be used");
                }
                Outcome::Err(failure.fault(reference.as_str()))
            }
        }
    }
    .instrument(span)
    .await
}

/// Where somebody asks from, without what makes logs and rows endless.
pub(crate) fn knock(address: String, user: String, invite: Option<Secret>, browser: Browser) -> Knock {
    Knock {
        address,
        user,
        invite,
        browser,
    }
}
