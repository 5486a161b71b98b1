//! Sign-in by password, or by a code from an e-mail; sign-out.

use askama::Template;
use axum::{
    extract::Query,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use otpost_ipc::{
    Secret,
    portal::{PortalOp, PortalReply, UserOp},
};
use serde::Deserialize;

use super::{
    kept::Kept,
    visit::{Asked, Visit},
};
use crate::{
    PageError,
    ui::{self, Errors, SelfFrame},
    web::{Posted, without_session},
};

/// What the address of the sign-in may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Arrived {
    /// Secret of an invitation.
    invite: Option<String>,
    /// A session ended while a form was filled in.
    again: Option<String>,
    /// Signed out a moment ago.
    bye: Option<String>,
}

#[derive(Template)]
#[template(path = "self/sign_in.html")]
struct SignInPage {
    f: SelfFrame,
    action: String,
    mail: Option<String>,
    hint: String,
    user: String,
    invite: String,
    again: bool,
    bye: bool,
    reference: String,
}

#[derive(Template)]
#[template(path = "self/mail.html")]
struct MailPage {
    f: SelfFrame,
    action: String,
    back: String,
    user: String,
    invite: String,
}

/// The sign-in, or where a sign-in stands already.
pub(super) async fn show(visit: Visit, Query(arrived): Query<Arrived>) -> Result<Response, PageError> {
    let site = visit.site().await?;
    if visit.ctx.session().is_some() && arrived.invite.is_none() {
        let op = PortalOp::User {
            address: visit.address.clone(),
            session: visit.ctx.session().cloned().unwrap_or_default(),
            ask: UserOp::Where,
        };
        match visit.app.backend.call(op).await? {
            PortalReply::At(otpost_ipc::portal::Next::Home) => return Ok(visit.to("/home")),
            PortalReply::At(_) => return Ok(visit.to("/code")),
            _ => {}
        }
    }
    let by_mail = site.by_mail;
    ui::page(&SignInPage {
        f: visit.frame(&site),
        action: visit.path(""),
        mail: by_mail.then(|| mail_path(&visit, arrived.invite.as_deref())),
        hint: site.hint,
        user: String::new(),
        invite: arrived.invite.unwrap_or_default(),
        again: arrived.again.is_some(),
        bye: arrived.bye.is_some(),
        reference: String::new(),
    })
}

fn mail_path(visit: &Visit, invite: Option<&str>) -> String {
    match invite {
        Some(invite) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("invite", invite)
                .finish();
            visit.path(&format!("/mail?{query}"))
        }
        None => visit.path("/mail"),
    }
}

fn invite(posted: &Posted) -> Option<Secret> {
    (!posted.trimmed("invite").is_empty()).then(|| posted.secret("invite"))
}

/// User and password.
pub(super) async fn submit(visit: Visit, headers: HeaderMap, posted: Posted) -> Result<Response, PageError> {
    let site = visit.site().await?;
    let texts = visit.ctx.texts();
    let mut errors = Errors::default();
    if posted.trimmed("user").is_empty() {
        errors.add("user", texts.get("user-missing"));
    }
    if posted.get("password").is_empty() {
        errors.add("password", texts.get("password-missing"));
    }
    let mut reference = String::new();
    if errors.is_empty() {
        let op = PortalOp::SignIn {
            address: visit.address.clone(),
            user: posted.trimmed("user").to_owned(),
            password: posted.secret("password"),
            invite: invite(&posted),
            browser: visit.ctx.browser(),
        };
        match visit.app.backend.call(op).await? {
            PortalReply::Signed {
                session,
                max_age,
                next,
                ..
            } => {
                let kept = Kept::of(&visit.ctx, &headers, &visit.address);
                let after = kept.map_or_else(|| "/home".to_owned(), |kept| rest(&visit, &kept.path));
                return Ok(visit.enter(&session, max_age, &next, &after));
            }
            PortalReply::Refused {
                retry_after,
                reference: named,
            } => {
                reference = named;
                errors.add(
                    "user",
                    match retry_after {
                        Some(seconds) => texts
                            .get("sign-in-closed")
                            .arg("minutes", seconds.div_ceil(60).max(1)),
                        None => texts.get("sign-in-refused"),
                    },
                );
            }
            _ => return Err(PageError::Internal),
        }
    }
    let by_mail = site.by_mail;
    ui::page_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &SignInPage {
            f: visit.frame(&site).with_errors(errors),
            action: visit.path(""),
            mail: by_mail
                .then(|| mail_path(&visit, Some(posted.trimmed("invite")).filter(|i| !i.is_empty()))),
            hint: site.hint,
            user: posted.trimmed("user").to_owned(),
            invite: posted.trimmed("invite").to_owned(),
            again: false,
            bye: false,
            reference,
        },
    )
}

/// The part of `path` below this portal.
fn rest(visit: &Visit, path: &str) -> String {
    path.strip_prefix(&visit.path("")).unwrap_or("/home").to_owned()
}

/// The page that asks for a code by e-mail.
pub(super) async fn mail(visit: Visit, Query(arrived): Query<Arrived>) -> Result<Response, PageError> {
    let site = visit.site().await?;
    if !site.by_mail {
        return Err(PageError::NotFound);
    }
    ui::page(&MailPage {
        f: visit.frame(&site),
        action: visit.path("/mail"),
        back: visit.path(""),
        user: String::new(),
        invite: arrived.invite.unwrap_or_default(),
    })
}

/// User, for a code by e-mail.
pub(super) async fn ask_mail(visit: Visit, posted: Posted) -> Result<Response, PageError> {
    let site = visit.site().await?;
    let texts = visit.ctx.texts();
    let mut errors = Errors::default();
    if posted.trimmed("user").is_empty() {
        errors.add("user", texts.get("user-missing"));
    } else {
        let op = PortalOp::SignInByMail {
            address: visit.address.clone(),
            user: posted.trimmed("user").to_owned(),
            invite: invite(&posted),
            browser: visit.ctx.browser(),
        };
        match visit.app.backend.call(op).await? {
            PortalReply::Signed {
                session,
                max_age,
                next,
                ..
            } => return Ok(visit.enter(&session, max_age, &next, "/home")),
            PortalReply::Refused { retry_after, .. } => errors.add(
                "user",
                texts
                    .get("sign-in-closed")
                    .arg("minutes", retry_after.unwrap_or_default().div_ceil(60).max(1)),
            ),
            _ => return Err(PageError::Internal),
        }
    }
    ui::page_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &MailPage {
            f: visit.frame(&site).with_errors(errors),
            action: visit.path("/mail"),
            back: visit.path(""),
            user: posted.trimmed("user").to_owned(),
            invite: posted.trimmed("invite").to_owned(),
        },
    )
}

/// Ends the session.
pub(super) async fn sign_out(visit: Visit, _: Posted) -> Result<Response, PageError> {
    if let Asked::Instead(response) = visit.ask(UserOp::SignOut, None).await? {
        return Ok(without_session(&visit.ctx, response));
    }
    Ok(without_session(&visit.ctx, visit.to("?bye=1")))
}
