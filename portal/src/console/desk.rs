//! What every page of the console needs: who is signed in, one way to ask the daemon, one way to answer.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use otpost_ipc::{
    Fault, FaultCode,
    admin::{AdminOp, AdminReply, ResourceView, UserView},
    portal::{ConsoleOp, Next, PortalOp, PortalReply, SessionView},
};

use super::{
    sentences,
    typed::{self, Typed},
    words::{path, said},
};
use crate::{
    App, PageError,
    backend::BackendError,
    i18n::Text,
    ui::{self, ConsoleFrame, Errors, Me},
    web::{Ctx, Posted, without_session},
};

/// Why a handler ends early.
#[derive(Debug)]
pub(super) enum Halt {
    /// There is no page; another one says why.
    Error(PageError),
    /// Something else has to be shown, such as the sign-in.
    Instead(Box<Response>),
}

impl From<PageError> for Halt {
    fn from(error: PageError) -> Self {
        Self::Error(error)
    }
}

impl From<BackendError> for Halt {
    fn from(error: BackendError) -> Self {
        Self::Error(error.into())
    }
}

impl IntoResponse for Halt {
    fn into_response(self) -> Response {
        match self {
            Self::Error(error) => error.into_response(),
            Self::Instead(response) => *response,
        }
    }
}

/// What a handler of the console gives.
pub(super) type Page = Result<Response, Halt>;

/// Roles, the least first. What a page hides by it, the daemon refuses as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Helpdesk,
    Admin,
    Owner,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) shown: String,
    pub(super) rank: Rank,
    pub(super) resources: Vec<String>,
    pub(super) all: bool,
    pub(super) recovery_left: u32,
    pub(super) sessions: Vec<SessionView>,
}

/// A request of an administrator who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) app: Arc<App>,
    pub(super) ctx: Ctx,
    pub(super) account: Account,
    /// What stands in the fields of the form: typed a moment ago, or before the session ended.
    pub(super) typed: Typed,
    query: Vec<(String, String)>,
}

/// A form that an administrator sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) desk: Desk,
    pub(super) form: Posted,
}

/// The sign-in, which leads back to the page that was asked for; what was typed is kept.
fn sign_in_again(ctx: &Ctx, form: Option<&Posted>) -> Halt {
    let back = path("/sign-in", &[("next", ctx.here()), ("again", "1")]);
    let mut response = Redirect::to(&back).into_response();
    if let Some(form) = form {
        typed::keep(ctx, form, &mut response);
    }
    Halt::Instead(Box::new(without_session(ctx, response)))
}

/// The code that a sign-in waits for, which leads to the page that was asked for; the session stays, and what was typed is kept.
fn code_first(ctx: &Ctx, form: Option<&Posted>) -> Halt {
    let mut response = Redirect::to(&path("/code", &[("next", ctx.here())])).into_response();
    if let Some(form) = form {
        typed::keep(ctx, form, &mut response);
    }
    Halt::Instead(Box::new(response))
}

async fn account(app: &App, ctx: &Ctx, form: Option<&Posted>) -> Result<Account, Halt> {
    let Some(session) = ctx.session() else {
        return Err(sign_in_again(ctx, form));
    };
    let op = PortalOp::Console {
        session: session.clone(),
        ask: ConsoleOp::Account,
    };
    match app.backend.call(op).await? {
        PortalReply::Account {
            login,
            shown,
            role,
            resources,
            all,
            recovery_left,
            sessions,
        } => Ok(Account {
            shown: if shown.is_empty() { login.clone() } else { shown },
            login,
            rank: match role.as_str() {
                "owner" => Rank::Owner,
                "admin" => Rank::Admin,
                _ => Rank::Helpdesk,
            },
            resources,
            all,
            recovery_left,
            sessions,
        }),
        PortalReply::At(Next::Factor(_) | Next::Mail(_)) => Err(code_first(ctx, form)),
        PortalReply::SignedOut => Err(sign_in_again(ctx, form)),
        _ => Err(PageError::Internal.into()),
    }
}

fn query(parts: &Parts) -> Vec<(String, String)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

impl FromRequestParts<Arc<App>> for Desk {
    type Rejection = Halt;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Halt> {
        let ctx = Ctx::from_request_parts(parts, app).await?;
        let account = account(app, &ctx, None).await?;
        let headers: &HeaderMap = &parts.headers;
        Ok(Self {
            app: Arc::clone(app),
            typed: Typed::kept(&ctx, headers),
            account,
            query: query(parts),
            ctx,
        })
    }
}

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Halt;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Halt> {
        let (mut parts, body) = request.into_parts();
        let ctx = Ctx::from_request_parts(&mut parts, app).await?;
        let State(app) = State::<Arc<App>>::from_request_parts(&mut parts, app)
            .await
            .map_err(|_| PageError::Internal)?;
        let query = query(&parts);
        let form = Posted::from_request(Request::from_parts(parts, body), &app).await?;
        let account = account(&app, &ctx, Some(&form)).await?;
        Ok(Self {
            desk: Desk {
                typed: Typed::of(&form),
                app,
                ctx,
                account,
                query,
            },
            form,
        })
    }
}

impl Desk {
    /// The text called `key`.
    pub(super) fn t(&self, key: &str) -> Text {
        self.ctx.texts().get(key)
    }

    /// A parameter of the address; empty where it is missing.
    pub(super) fn query(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The same, `None` where it is empty.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.query(name))
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// All values of a parameter that occurs more than once.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let found = self.query.iter().filter(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).collect()
    }

    /// Whether the role may change things (`admin` and above).
    pub(super) fn changes(&self) -> bool {
        self.account.rank >= Rank::Admin
    }

    /// Whether the role may change what concerns all resources.
    pub(super) fn changes_all(&self) -> bool {
        self.changes() && self.account.all
    }

    /// Whether the role is that of an owner.
    pub(super) fn owns(&self) -> bool {
        self.account.rank == Rank::Owner && self.account.all
    }

    /// A form that the daemon would refuse anyway is not shown.
    pub(super) fn only(&self, may: bool) -> Result<(), Halt> {
        if may {
            Ok(())
        } else {
            Err(PageError::Forbidden.into())
        }
    }

    /// Asks as the holder of the session.
    pub(super) async fn ask(&self, ask: ConsoleOp) -> Result<PortalReply, Halt> {
        let session = self.ctx.session().cloned().unwrap_or_default();
        match self.app.backend.call(PortalOp::Console { session, ask }).await? {
            PortalReply::SignedOut => Err(sign_in_again(&self.ctx, None)),
            reply => Ok(reply),
        }
    }

    /// Asks what otpostctl asks; a refusal has a page of its own.
    pub(super) async fn admin(&self, op: AdminOp) -> Result<AdminReply, Halt> {
        let admin = Box::new(op);
        match self.ask(ConsoleOp::Admin { admin }).await? {
            PortalReply::Admin { reply } => Ok(*reply),
            _ => Err(PageError::Internal.into()),
        }
    }

    /// The same for a form: what its fields can mend comes back.
    pub(super) async fn attempt(&self, op: AdminOp) -> Result<Result<AdminReply, Fault>, Halt> {
        match self.admin(op).await {
            Ok(reply) => Ok(Ok(reply)),
            Err(Halt::Error(PageError::Daemon(BackendError::Refused(fault)))) if mendable(fault.code) => {
                Ok(Err(fault))
            }
            Err(halt) => Err(halt),
        }
    }

    /// The same where somebody names what may not be among what they administer: that comes back too.
    pub(super) async fn attempt_named(&self, op: AdminOp) -> Result<Result<AdminReply, Fault>, Halt> {
        match self.attempt(op).await {
            Err(Halt::Error(PageError::Daemon(BackendError::Refused(fault))))
                if fault.code == FaultCode::Forbidden && !self.account.all =>
            {
                Ok(Err(fault))
            }
            other => other,
        }
    }

    /// The frame of a page; `section` is the path of its entry in the side bar.
    pub(super) fn frame(&self, section: &'static str, title: impl Into<String>) -> ConsoleFrame {
        let me = Me {
            name: self.account.shown.clone(),
            role: self.t(role_key(self.account.rank)).to_string(),
        };
        let mut f = ConsoleFrame::new(self.ctx.clone(), me, section, title);
        if !self.changes() {
            f.hidden.push("/radius");
        }
        if !self.changes_all() {
            f.hidden.extend(["/providers", "/settings"]);
        }
        f.toast = said(self.query("done")).map(|key| self.t(key));
        f
    }

    /// Leads on after an act; `word` says what was done.
    pub(super) fn done(&self, to: &str, word: &str) -> Page {
        let sign = if to.contains('?') { '&' } else { '?' };
        Ok(Redirect::to(&format!("{to}{sign}done={word}")).into_response())
    }

    /// What is wrong with a form, by the daemon's word: at the first field of `fields` whose needle the sentence holds, else at
    /// `first`.
    pub(super) fn refusal(&self, fault: &Fault, fields: &[(&str, &str)], first: &str) -> Errors {
        let mut errors = Errors::default();
        let sentence = fault.message.to_lowercase();
        let field = fields.iter().find(|(needle, _)| sentence.contains(needle));
        let text = sentences::refused(self.ctx.texts(), &fault.message);
        errors.add(field.map_or(first, |(_, field)| field), text);
        errors
    }

    /// One user with tokens.
    pub(super) async fn user(&self, login: &str) -> Result<UserView, Halt> {
        let user = login.to_owned();
        match self.admin(AdminOp::UserShow { user }).await? {
            AdminReply::User(user) => Ok(user),
            _ => Err(PageError::Internal.into()),
        }
    }

    /// One resource.
    pub(super) async fn resource(&self, name: &str) -> Result<ResourceView, Halt> {
        let name = name.to_owned();
        match self.admin(AdminOp::ResourceShow { name }).await? {
            AdminReply::Resource(resource) => Ok(resource),
            _ => Err(PageError::Internal.into()),
        }
    }

    /// All resources in scope.
    pub(super) async fn resources(&self) -> Result<Vec<ResourceView>, Halt> {
        let mut all: Vec<ResourceView> = Vec::new();
        loop {
            let after = all.last().map(|resource| resource.name.clone());
            match self.admin(AdminOp::ResourceList { after }).await? {
                AdminReply::Resources { resources, more } => {
                    let last = !more || resources.is_empty();
                    all.extend(resources);
                    if last {
                        return Ok(all);
                    }
                }
                _ => return Err(PageError::Internal.into()),
            }
        }
    }

    /// Their names, for a list to choose from.
    pub(super) async fn resource_names(&self) -> Result<Vec<String>, Halt> {
        let all = self.resources().await?;
        Ok(all.into_iter().map(|resource| resource.name).collect())
    }
}

const fn mendable(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::Invalid | FaultCode::Conflict | FaultCode::NotFound | FaultCode::Busy
    )
}

/// The word of a role.
pub(super) const fn role_key(rank: Rank) -> &'static str {
    match rank {
        Rank::Owner => "c-role-owner",
        Rank::Admin => "c-role-admin",
        Rank::Helpdesk => "c-role-helpdesk",
    }
}

/// The page: with status 422 where its form has mistakes. What was kept for it is shown now, and forgotten.
pub(super) fn show(f: &ConsoleFrame, typed: &Typed, page: &impl Template) -> Page {
    let mut response = if f.failed() {
        ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, page)?
    } else {
        ui::page(page)?
    };
    typed.shown(f.https(), &mut response);
    Ok(response)
}
