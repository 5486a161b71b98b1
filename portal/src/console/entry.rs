//! The way in: sign-in, second factor, sign-out.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use otpost_ipc::portal::{CodeAsk, ConsoleOp, Method, Next, PortalOp, PortalReply};

use super::words::path;
use crate::{
    App, PageError,
    i18n::{Text, Texts},
    ui::{self, Brand, Errors, SelfFrame},
    web::{Ctx, Posted, local, with_session, without_session},
};

/// A parameter of the address.
pub(super) fn query(uri: &Uri, name: &str) -> String {
    let found =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(key, _)| key == name);
    found.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Where to go after the sign-in: a page of the console, or its first.
fn onward(uri: &Uri) -> String {
    let next = query(uri, "next");
    local(&next).to_owned()
}

pub(super) fn frame(ctx: &Ctx, errors: Errors) -> SelfFrame {
    SelfFrame::new(ctx.clone(), Brand::default()).with_errors(errors)
}

/// Why a code was not taken, in words.
pub(super) fn why(texts: Texts, why: &str, ask: &CodeAsk) -> Text {
    match why {
        "too-few" => texts.get("why-too-few").arg("digits", ask.digits),
        "too-many-digits" => texts.get("why-too-many").arg("digits", ask.digits),
        "not-digits" => texts.get("why-not-digits"),
        "expired" => texts.get("c-why-expired"),
        "tries-used" => texts.get("why-tries-used"),
        "locked" => texts.get("c-why-locked"),
        "used" => texts.get("why-used"),
        "password" => texts.get("c-why-password"),
        _ => texts.get("why-wrong").arg("left", ask.left),
    }
}

pub(super) fn page(failed: bool, template: &impl Template) -> Result<Response, PageError> {
    if failed {
        return ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, template);
    }
    ui::page(template)
}

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage {
    f: SelfFrame,
    action: String,
    user: String,
    again: bool,
    bye: bool,
    reference: String,
}

/// Where a sign-in stands; `None`: nowhere.
async fn stands(app: &App, ctx: &Ctx) -> Result<Option<Next>, PageError> {
    let Some(session) = ctx.session() else {
        return Ok(None);
    };
    let op = PortalOp::Console {
        session: session.clone(),
        ask: ConsoleOp::Where,
    };
    match app.backend.call(op).await? {
        PortalReply::At(next) => Ok(Some(next)),
        PortalReply::SignedOut => Ok(None),
        _ => Err(PageError::Internal),
    }
}

/// The sign-in, or where a sign-in stands already.
pub(super) async fn sign_in(State(app): State<Arc<App>>, uri: Uri, ctx: Ctx) -> Result<Response, PageError> {
    let next = onward(&uri);
    match stands(&app, &ctx).await? {
        Some(Next::Home) => return Ok(Redirect::to(&next).into_response()),
        Some(_) => return Ok(Redirect::to(&path("/code", &[("next", &next)])).into_response()),
        None => {}
    }
    ui::page(&SignInPage {
        f: frame(&ctx, Errors::default()),
        action: path("/sign-in", &[("next", &next)]),
        user: String::new(),
        again: !query(&uri, "again").is_empty() && next != "/",
        bye: !query(&uri, "bye").is_empty(),
        reference: String::new(),
    })
}

/// Login and password.
pub(super) async fn signed_in(
    State(app): State<Arc<App>>,
    uri: Uri,
    ctx: Ctx,
    form: Posted,
) -> Result<Response, PageError> {
    let texts = ctx.texts();
    let next = onward(&uri);
    let user = form.trimmed("user").to_owned();
    let mut errors = Errors::default();
    if user.is_empty() {
        errors.add("user", texts.get("user-missing"));
    }
    if form.get("password").is_empty() {
        errors.add("password", texts.get("password-missing"));
    }
    let mut reference = String::new();
    if errors.is_empty() {
        let op = PortalOp::ConsoleSignIn {
            user: user.clone(),
            password: form.secret("password"),
            browser: ctx.browser(),
        };
        match app.backend.call(op).await? {
            PortalReply::Signed {
                session,
                max_age,
                next: step,
                ..
            } => {
                let target = match step {
                    Next::Home => next,
                    Next::Factor(_) | Next::Mail(_) => path("/code", &[("next", &next)]),
                };
                return Ok(with_session(&ctx, &session, max_age, Redirect::to(&target)));
            }
            PortalReply::Refused {
                retry_after,
                reference: named,
            } => {
                reference = named;
                let text = match retry_after {
                    Some(seconds) => texts
                        .get("sign-in-closed")
                        .arg("minutes", seconds.div_ceil(60).max(1)),
                    None => texts.get("sign-in-refused"),
                };
                errors.add("user", text);
            }
            _ => return Err(PageError::Internal),
        }
    }
    ui::page_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &SignInPage {
            f: frame(&ctx, errors),
            action: path("/sign-in", &[("next", &next)]),
            user,
            again: false,
            bye: false,
            reference,
        },
    )
}

#[derive(Template)]
#[template(path = "console/code.html")]
struct CodePage {
    f: SelfFrame,
    action: String,
    recovery: bool,
    other: Option<String>,
}

fn code_page(
    ctx: &Ctx,
    ask: &CodeAsk,
    (next, recovery): (&str, bool),
    wrong: Option<&str>,
) -> Result<Response, PageError> {
    let mut errors = Errors::default();
    if let Some(wrong) = wrong {
        errors.add("code", why(ctx.texts(), wrong, ask));
    }
    let failed = !errors.is_empty();
    let to = |by: &str| path("/code", &[("next", next), ("by", by)]);
    let offered = ask.methods.iter().any(|view| view.method == Method::Recovery);
    let template = CodePage {
        f: frame(ctx, errors),
        action: to(if recovery { "recovery" } else { "" }),
        recovery,
        other: (recovery || offered).then(|| to(if recovery { "" } else { "recovery" })),
    };
    page(failed, &template)
}

fn to_sign_in(ctx: &Ctx, next: &str) -> Response {
    without_session(ctx, Redirect::to(&path("/sign-in", &[("next", next)])))
}

/// The second factor.
pub(super) async fn code(State(app): State<Arc<App>>, uri: Uri, ctx: Ctx) -> Result<Response, PageError> {
    let next = onward(&uri);
    match stands(&app, &ctx).await? {
        Some(Next::Factor(ask) | Next::Mail(ask)) => {
            code_page(&ctx, &ask, (&next, query(&uri, "by") == "recovery"), None)
        }
        Some(Next::Home) => Ok(Redirect::to(&next).into_response()),
        None => Ok(to_sign_in(&ctx, &next)),
    }
}

/// Its code.
pub(super) async fn coded(
    State(app): State<Arc<App>>,
    uri: Uri,
    ctx: Ctx,
    form: Posted,
) -> Result<Response, PageError> {
    let next = onward(&uri);
    let recovery = query(&uri, "by") == "recovery";
    let Some(session) = ctx.session() else {
        return Ok(to_sign_in(&ctx, &next));
    };
    let op = PortalOp::Console {
        session: session.clone(),
        ask: ConsoleOp::Factor {
            method: if recovery { Method::Recovery } else { Method::Totp },
            code: form.code("code"),
        },
    };
    match app.backend.call(op).await? {
        PortalReply::Signed { session, max_age, .. } => {
            Ok(with_session(&ctx, &session, max_age, Redirect::to(&next)))
        }
        PortalReply::Wrong { ask, why } => code_page(&ctx, &ask, (&next, recovery), Some(&why)),
        PortalReply::At(Next::Home) => Ok(Redirect::to(&next).into_response()),
        PortalReply::SignedOut => Ok(to_sign_in(&ctx, &next)),
        _ => Err(PageError::Internal),
    }
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    ctx: Ctx,
    _: Posted,
) -> Result<Response, PageError> {
    if let Some(session) = ctx.session() {
        let op = PortalOp::Console {
            session: session.clone(),
            ask: ConsoleOp::SignOut,
        };
        app.backend.call(op).await?;
    }
    Ok(without_session(&ctx, Redirect::to("/sign-in?bye=1")))
}
