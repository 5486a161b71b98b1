//! What every page of self-service needs: whose portal it is, the session, and one way to ask the daemon.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
    response::{IntoResponse, Redirect, Response},
};
use otpost_ipc::{
    FaultCode, Secret,
    portal::{Next, PortalOp, PortalReply, SiteView, UserOp},
};

use super::kept::Kept;
use crate::{
    App, PageError,
    backend::BackendError,
    ui::{Brand, SelfFrame},
    web::{Accent, Ctx, Posted, with_session, without_session},
};

/// A request to a page below `/s/{address}`.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) app: Arc<App>,
    pub(super) ctx: Ctx,
    pub(super) address: String,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        let ctx = Ctx::from_request_parts(parts, app).await?;
        let Path(parameters) = Path::<Vec<(String, String)>>::from_request_parts(parts, app)
            .await
            .map_err(|_| PageError::NotFound)?;
        let address = parameters.into_iter().find(|(name, _)| name == "address");
        let (_, address) = address.ok_or(PageError::NotFound)?;
        let State(app) = State::<Arc<App>>::from_request_parts(parts, app)
            .await
            .map_err(|_| PageError::Internal)?;
        Ok(Self { app, ctx, address })
    }
}

/// What became of a question.
pub(super) enum Asked {
    /// The daemon's answer.
    Reply(PortalReply),
    /// Something else has to be shown: the sign-in, or the step of it that is open.
    Instead(Response),
}

impl Visit {
    /// A path of this portal: `path("")` is the sign-in, `path("/home")` the home page.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/s/{}{rest}", self.address)
    }

    pub(super) fn to(&self, rest: &str) -> Response {
        Redirect::to(&self.path(rest)).into_response()
    }

    /// What the portal shows before anybody signs in; a page that is not there for one that is off.
    pub(super) async fn site(&self) -> Result<SiteView, PageError> {
        let op = PortalOp::Site {
            address: self.address.clone(),
        };
        match self.app.backend.call(op).await? {
            PortalReply::Site(site) => Ok(site),
            _ => Err(PageError::Internal),
        }
    }

    /// The frame of a page of `site`.
    pub(super) fn frame(&self, site: &SiteView) -> SelfFrame {
        let brand = Brand {
            title: site.title.clone(),
            home: self.path("/home"),
            accent: Accent::from_hex(&site.accent),
        };
        SelfFrame::new(self.ctx.clone(), brand)
    }

    /// The frame of a page that shows no site yet.
    pub(super) async fn framed(&self) -> Result<SelfFrame, PageError> {
        Ok(self.frame(&self.site().await?))
    }

    /// Asks the daemon as the holder of the session. Nobody signed in, or a sign-in that is not finished, leads there; a form that
    /// was sent keeps what was typed (`typed`), without secrets, until its page is shown again.
    pub(super) async fn ask(&self, ask: UserOp, typed: Option<&Posted>) -> Result<Asked, PageError> {
        let Some(session) = self.ctx.session() else {
            // An address that is off is not there, signed in or not.
            self.site().await?;
            return Ok(Asked::Instead(self.sign_in_again(typed)));
        };
        let op = PortalOp::User {
            address: self.address.clone(),
            session: session.clone(),
            ask,
        };
        match self.app.backend.call(op).await? {
            PortalReply::SignedOut => Ok(Asked::Instead(without_session(
                &self.ctx,
                self.sign_in_again(typed),
            ))),
            PortalReply::At(Next::Mail(_) | Next::Factor(_)) => Ok(Asked::Instead(self.to("/code"))),
            reply => Ok(Asked::Reply(reply)),
        }
    }

    fn sign_in_again(&self, typed: Option<&Posted>) -> Response {
        let mut response = match typed {
            Some(_) => self.to("?again=1"),
            None => self.to(""),
        };
        if let Some(typed) = typed {
            let path = self.ctx.here().split('?').next().unwrap_or_default();
            Kept::typed(path, typed).keep(&self.ctx, &self.address, &mut response);
        }
        response
    }

    /// Where a session that was made or got more rights goes on.
    pub(super) fn enter(&self, session: &Secret, max_age: u32, next: &Next, after: &str) -> Response {
        let target = match next {
            Next::Mail(_) | Next::Factor(_) => "/code",
            Next::Home => after,
        };
        with_session(&self.ctx, session, max_age, self.to(target))
    }
}

/// The daemon's refusal of one of the form's `fields`: the field and the sentence. `None` for every other failure.
pub(super) fn refused_field<'e>(error: &'e BackendError, fields: &[&str]) -> Option<(&'e str, &'e str)> {
    let BackendError::Refused(fault) = error else {
        return None;
    };
    let named = matches!(fault.code, FaultCode::Invalid | FaultCode::Conflict);
    let (field, text) = fault.message.split_once(": ").filter(|_| named)?;
    fields.contains(&field).then_some((field, text))
}
