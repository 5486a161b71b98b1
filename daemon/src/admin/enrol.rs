//! Enrolments that an administrator begins for somebody, who reads the code out.

use std::sync::Arc;

use otpost_core::ids::EnrolmentId;
use otpost_core::net::Source;
use otpost_core::portal::enrolment::{By, Enrolment};
use otpost_core::portal::settings::Kind;
use otpost_core::resource::Resource;
use otpost_core::user::User;
use otpost_ipc::Secret;
use otpost_ipc::admin::AdminReply;
use otpost_ipc::portal::PortalReply;
use otpost_store::{Read, Tx, document};
use zeroize::Zeroizing;

use super::{Act, AdminError, find_resource, find_user, read};
use crate::portal::enrol::{self, Asker, Beginning, Enrolled, Form};
use crate::portal::error::PortalError;
use crate::portal::request::{About, Ctx, run};
use crate::state::Daemon;

/// An enrolment an administrator begins.
pub(super) struct Wanted {
    pub(super) user: String,
    pub(super) resource: String,
    pub(super) phone: Secret,
    pub(super) name: String,
    pub(super) digits: Option<u8>,
}

pub(super) async fn start(daemon: &Arc<Daemon>, act: Act, wanted: Wanted) -> Result<AdminReply, AdminError> {
    let (user, resource) = (wanted.user.clone(), wanted.resource.clone());
    let asked = act.clone();
    let asker = read(daemon, move |read| {
        let user = find_user(read, &user)?;
        let resource = find_resource(read, &resource)?;
        if !user.resources.contains(&resource.id) {
            return Err(AdminError::Invalid(format!(
                "user {} is not bound to {}; bind it first",
                user.login, resource.name
            )));
        }
        if user.locked.is_some() || !resource.enabled {
            return Err(AdminError::Invalid(format!(
                "user {} is locked, or {} is switched off; change that first",
                user.login, resource.name
            )));
        }
        Ok(asker(&asked, user, resource))
    })
    .await?;
    let form = Form {
        kind: Kind::Sms.as_str().to_owned(),
        name: wanted.name,
        phone: Some(Zeroizing::new(wanted.phone.expose().to_owned())),
        digits: wanted.digits,
        form: String::new(),
        replaces: None,
    };
    let begun = run(daemon, &act.reference, move |tx, ctx| {
        // As it is now, not as it was looked up.
        let asker = again(tx, &asker)?;
        match enrol::begin(tx, ctx, &asker, &form)? {
            Beginning::Enrolled(enrolled) => Ok((*enrolled).into()),
            Beginning::StepUp(_) => Err(PortalError::Forbidden),
        }
    })
    .await;
    reply(begun)
}

pub(super) async fn finish(
    daemon: &Arc<Daemon>,
    act: Act,
    id: String,
    code: Secret,
) -> Result<AdminReply, AdminError> {
    with(daemon, act, id, move |tx, ctx, asker, id| {
        enrol::confirm(tx, ctx, asker, (id, code.expose()), None)
    })
    .await
}

pub(super) async fn cancel(daemon: &Arc<Daemon>, act: Act, id: String) -> Result<AdminReply, AdminError> {
    with(daemon, act, id, enrol::cancel).await
}

pub(super) async fn status(daemon: &Arc<Daemon>, act: Act, id: String) -> Result<AdminReply, AdminError> {
    read(daemon, move |read| {
        let asker = of(read, &act, &id).map_err(refused)?;
        let view = enrol::show(read, &asker, &id, act.now).map_err(refused)?;
        Ok(AdminReply::Enrolment(Box::new(view)))
    })
    .await
}

/// Something with an enrolment that an administrator began.
async fn with(
    daemon: &Arc<Daemon>,
    act: Act,
    id: String,
    mut job: impl FnMut(&mut dyn Tx, &mut Ctx, &Asker, &str) -> Result<Enrolled, PortalError> + Send + 'static,
) -> Result<AdminReply, AdminError> {
    let reference = act.reference.clone();
    let done = run(daemon, &reference, move |tx, ctx| {
        let asker = of(tx, &act, &id)?;
        Ok(job(tx, ctx, &asker, &id)?.into())
    })
    .await;
    reply(done)
}

fn asker(act: &Act, user: User, resource: Resource) -> Asker {
    let source = Source::new(&act.source, "admin");
    Asker {
        by: By::Administrator,
        about: About {
            user: user.login.clone(),
            resource: resource.name.clone(),
            via: format!("admin {}", act.actor),
            source: act.source.clone(),
        },
        user,
        resource,
        source,
        pages: String::new(),
    }
}

/// User and resource as they are in this transaction.
fn again(read: &mut dyn Read, asker: &Asker) -> Result<Asker, PortalError> {
    Ok(Asker {
        user: read.user(asker.user.id)?.ok_or(PortalError::NotFound)?,
        resource: read.resource(asker.resource.id)?.ok_or(PortalError::NotFound)?,
        ..asker.clone()
    })
}

/// Whoever asks for an enrolment, where it is in their scope.
fn of(read: &mut dyn Read, act: &Act, id: &str) -> Result<Asker, PortalError> {
    let id: EnrolmentId = id.parse().map_err(|_| PortalError::NotFound)?;
    let enrolment = document::get::<Enrolment>(read, &id.0)?
        .filter(|enrolment| act.scope.covers(enrolment.resource))
        .ok_or(PortalError::NotFound)?;
    let user = read.user(enrolment.user)?.ok_or(PortalError::NotFound)?;
    let resource = read.resource(enrolment.resource)?.ok_or(PortalError::NotFound)?;
    Ok(asker(act, user, resource))
}

fn reply(done: Result<PortalReply, PortalError>) -> Result<AdminReply, AdminError> {
    match done {
        Ok(PortalReply::Enrolment(view)) => Ok(AdminReply::Enrolment(view)),
        Ok(_) => Err(AdminError::Invalid("this gives no enrolment".to_owned())),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: PortalError) -> AdminError {
    match error {
        PortalError::Store(error) => error.into(),
        PortalError::NotFound => AdminError::NotFound(
            "there is no such enrolment of yours; it may have ended: start a new one".to_owned(),
        ),
        PortalError::Conflict {
            word: "has-token", ..
        } => AdminError::Conflict(
            "the user has a token of this kind in the resource already; remove it first".to_owned(),
        ),
        PortalError::Conflict { .. } => AdminError::Conflict(error.to_string()),
        PortalError::Forbidden => AdminError::Invalid(
            "the user is locked or not bound to the resource any more, or the resource is off".to_owned(),
        ),
        PortalError::Busy { .. } | PortalError::Password(_) => AdminError::Refused(error.to_string()),
        PortalError::Invalid { .. } | PortalError::SignedOut | PortalError::Unfinished => {
            AdminError::Invalid(error.to_string())
        }
    }
}
