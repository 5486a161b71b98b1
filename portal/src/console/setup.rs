//! What a set-up link leads to: a password, an authenticator app, and recovery codes.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::Response,
};
use otpost_ipc::{
    FaultCode, Secret,
    portal::{PortalOp, PortalReply, SetupView},
};

use super::{
    entry::{frame, page, query, why},
    sentences,
};
use crate::{
    App, PageError,
    backend::BackendError,
    ui::{self, Errors, Qr, SelfFrame},
    web::{Ctx, Posted, with_session},
};

#[derive(Template)]
#[template(path = "console/setup.html")]
struct SetupPage {
    f: SelfFrame,
    /// Absent: the link does not work.
    view: Option<SetupView>,
    qr: Option<Qr>,
    chosen: String,
    fingerprint: Option<String>,
}

impl SetupPage {
    /// The secret in groups of four, as people type it.
    fn groups(&self) -> String {
        let secret = self.view.as_ref().map_or("", |view| view.totp.expose());
        let letters: Vec<char> = secret.chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
        groups.join(" ")
    }
}

#[derive(Template)]
#[template(path = "console/codes.html")]
struct CodesPage {
    f: SelfFrame,
    codes: Vec<Secret>,
}

async fn setup_page(
    app: &App,
    ctx: &Ctx,
    link: Secret,
    (chosen, errors): (String, Errors),
) -> Result<Response, PageError> {
    let view = match app.backend.call(PortalOp::SetupShow { link }).await {
        Ok(PortalReply::Setup(view)) => Some(view),
        Ok(_) => return Err(PageError::Internal),
        Err(BackendError::Refused(fault)) if fault.code == FaultCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let failed = !errors.is_empty();
    let label = ctx.texts().get("c-setup-qr").to_string();
    let qr = view.as_ref().and_then(|view| ui::qr(view.uri.expose(), &label));
    let template = SetupPage {
        f: frame(ctx, errors),
        qr,
        chosen,
        fingerprint: app.fingerprint.clone(),
        view,
    };
    if template.view.is_none() {
        return ui::page_with(StatusCode::NOT_FOUND, &template);
    }
    page(failed, &template)
}

async fn finish(app: &App, ctx: &Ctx, link: Secret, form: &Posted) -> Result<Response, PageError> {
    let texts = ctx.texts();
    let mut errors = Errors::default();
    let login = form.has("login").then(|| form.trimmed("login").to_owned());
    if login.as_deref() == Some("") {
        errors.add("login", texts.get("c-setup-login-missing"));
    }
    if form.get("password").chars().count() < 12 {
        errors.add("password", texts.get("c-password-short"));
    }
    if form.code("code").expose().is_empty() {
        errors.add("code", texts.get("c-code-missing"));
    }
    if errors.is_empty() {
        let op = PortalOp::SetupFinish {
            link: link.clone(),
            login: login.clone(),
            password: form.secret("password"),
            totp: form.secret("totp"),
            code: form.code("code"),
            browser: ctx.browser(),
        };
        match app.backend.call(op).await {
            Ok(PortalReply::Signed {
                session,
                max_age,
                codes,
                ..
            }) => {
                let template = CodesPage {
                    f: frame(ctx, Errors::default()),
                    codes,
                };
                return Ok(with_session(ctx, &session, max_age, ui::page(&template)?));
            }
            Ok(PortalReply::Wrong { ask, why: word }) => errors.add("code", why(texts, &word, &ask)),
            Ok(_) => return Err(PageError::Internal),
            Err(BackendError::Refused(fault))
                if matches!(fault.code, FaultCode::Invalid | FaultCode::Conflict) =>
            {
                let field = if fault.message.contains("password") || login.is_none() {
                    "password"
                } else {
                    "login"
                };
                errors.add(field, sentences::refused(texts, &fault.message));
            }
            // Used meanwhile: the page says that it does not work any more.
            Err(BackendError::Refused(fault)) if fault.code == FaultCode::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    setup_page(app, ctx, link, (login.unwrap_or_default(), errors)).await
}

/// What a set-up link leads to.
pub(super) async fn setup(
    State(app): State<Arc<App>>,
    Path(link): Path<String>,
    ctx: Ctx,
) -> Result<Response, PageError> {
    setup_page(&app, &ctx, link.into(), (String::new(), Errors::default())).await
}

/// The same with the link's secret behind `?link=`.
pub(super) async fn setup_by_query(
    State(app): State<Arc<App>>,
    uri: Uri,
    ctx: Ctx,
) -> Result<Response, PageError> {
    let link = query(&uri, "link").into();
    setup_page(&app, &ctx, link, (String::new(), Errors::default())).await
}

/// Password, app and its code.
pub(super) async fn set_up(
    State(app): State<Arc<App>>,
    Path(link): Path<String>,
    ctx: Ctx,
    form: Posted,
) -> Result<Response, PageError> {
    finish(&app, &ctx, link.into(), &form).await
}

/// The same with the link's secret behind `?link=`.
pub(super) async fn set_up_by_query(
    State(app): State<Arc<App>>,
    uri: Uri,
    ctx: Ctx,
    form: Posted,
) -> Result<Response, PageError> {
    finish(&app, &ctx, query(&uri, "link").into(), &form).await
}
