//! Everything that people do to their tokens, profile and sessions, and the fresh code that it may need.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use otpost_ipc::{
    Secret,
    portal::{CodeAsk, HomeView, Method, PortalReply, TokenCard, UserAct, UserOp},
};
use serde::Deserialize;

use super::{
    code::{By, CodePage, method, ways, why},
    enrol::resume,
    home::line,
    kept::{self, Kept},
    visit::{Asked, Visit, refused_field},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{self, Errors, SelfFrame},
    web::Posted,
};

/// A line of a form.
pub(super) struct Line {
    id: &'static str,
    label: Text,
    hint: String,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "self/form.html")]
struct FormPage {
    f: SelfFrame,
    title: Text,
    lead: Text,
    /// What it is about: a token.
    about: Option<(String, Text)>,
    action: String,
    token: String,
    lines: Vec<Line>,
    button: Text,
    bad: bool,
    back: String,
}

#[derive(Template)]
#[template(path = "self/codes.html")]
struct CodesPage {
    f: SelfFrame,
    codes: Vec<Secret>,
    lead: Option<Text>,
    home: String,
}

/// What an act is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct About {
    token: String,
}

/// Recovery codes, shown once. `lead` says what came before them.
pub(super) fn codes_page(
    visit: &Visit,
    f: SelfFrame,
    codes: Vec<Secret>,
    lead: Option<&'static str>,
) -> Result<Response, PageError> {
    ui::page(&CodesPage {
        lead: lead.map(|key| f.t(key)),
        f,
        codes,
        home: visit.path("/home"),
    })
}

/// Where an answer leads.
pub(super) async fn outcome(visit: &Visit, reply: PortalReply) -> Result<Response, PageError> {
    match reply {
        PortalReply::Done { what } => Ok(visit.to(&match what.strip_prefix("permit-") {
            // One enrolment is permitted now: its kind is asked next.
            Some(permit) => match permit.strip_prefix("reissue ") {
                Some(token) => format!("/add?replaces={token}"),
                None => "/add".to_owned(),
            },
            None => format!("/home?done={what}"),
        })),
        PortalReply::StepUp { id, .. } => Ok(visit.to(&format!("/confirm/{id}"))),
        PortalReply::Enrolment(enrolment) => Ok(visit.to(&format!("/enrol/{}", enrolment.id))),
        PortalReply::Codes { codes } => codes_page(visit, visit.framed().await?, codes, None),
        _ => Err(PageError::Internal),
    }
}

/// The acts that have a form, with the keys of title, lead and button, and whether they take something away.
fn words(act: &str) -> Option<(&'static str, &'static str, &'static str, bool)> {
    Some(match act {
        "rename" => ("rename-title", "rename-lead", "save", false),
        "remove" => ("remove-title", "remove-lead", "remove-button", true),
        "number" => ("number-title", "number-lead", "next", false),
        "replace" => ("replace-title", "replace-lead", "next", false),
        "sync" => ("sync-title", "sync-lead", "save", false),
        "password" => ("password-title", "password-lead", "save", false),
        "email" => ("email-title", "email-lead", "next", false),
        "login" => ("login-title", "login-lead", "save", false),
        "names" => ("names-title", "names-lead", "save", false),
        "recovery" => ("recovery-title", "recovery-lead", "recovery-button", false),
        "end-others" => ("end-others-title", "end-others-lead", "end-others-button", true),
        _ => return None,
    })
}

/// The action that the administrator must have allowed for a form to be shown.
fn needs(act: &str, home: &HomeView) -> &'static str {
    match act {
        "rename" => "rename",
        "remove" => "unassign",
        "number" => "change-phone",
        "replace" => "reissue",
        "sync" => "synchronise",
        "password" if home.profile.password => "change-password",
        "password" => "create-password",
        "email" => "change-email",
        "login" => "change-login",
        "names" => "change-names",
        "end-others" => "manage-sessions",
        _ => "",
    }
}

fn lines(f: &SelfFrame, act: &str, home: &HomeView, value: impl Fn(&str) -> Option<String>) -> Vec<Line> {
    let line =
        |id: &'static str, label: &str, kind: &'static str, autocomplete: &'static str, now: &str| Line {
            id,
            label: f.t(label),
            hint: String::new(),
            kind,
            autocomplete,
            value: match kind {
                "password" => String::new(),
                _ => value(id).unwrap_or_else(|| now.to_owned()),
            },
        };
    let hinted = |line: Line, hint: &str| Line {
        hint: f.t(hint).to_string(),
        ..line
    };
    match act {
        "rename" => vec![hinted(
            line("name", "token-name", "text", "off", ""),
            "token-name-hint",
        )],
        "number" => vec![hinted(
            line("phone", "phone-number", "tel", "tel", ""),
            "phone-hint",
        )],
        "sync" => vec![
            line("first-code", "sync-first", "text", "off", ""),
            line("second-code", "sync-second", "text", "off", ""),
        ],
        "password" => {
            let mut lines = Vec::new();
            if home.profile.password {
                lines.push(line(
                    "current",
                    "password-current",
                    "password",
                    "current-password",
                    "",
                ));
            }
            lines.push(hinted(
                line("new", "password-new", "password", "new-password", ""),
                "password-hint",
            ));
            lines
        }
        "email" => vec![hinted(
            line("email", "email-new", "email", "email", ""),
            "email-hint",
        )],
        "login" => vec![hinted(
            line("login", "login-new", "text", "username", ""),
            "login-hint",
        )],
        "names" => vec![
            line("first", "first-name", "text", "given-name", &home.profile.first),
            line("last", "last-name", "text", "family-name", &home.profile.last),
        ],
        _ => Vec::new(),
    }
}

fn form_page(
    visit: &Visit,
    act: &str,
    (home, token): (&HomeView, &str),
    value: impl Fn(&str) -> Option<String>,
    errors: Errors,
) -> Result<FormPage, PageError> {
    let (title, lead, button, bad) = match act {
        "password" if !home.profile.password => ("password-create", "password-create-lead", "save", false),
        act => words(act).ok_or(PageError::NotFound)?,
    };
    let f = visit.frame(&home.site).with_errors(errors);
    let found = home.tokens.iter().find(|card| card.id == token);
    let about = found.map(|card: &TokenCard| (card.name.clone(), line(&f, card)));
    let own = |id: &str| match (value(id), id, found) {
        (None, "name", Some(card)) => Some(card.name.clone()),
        (value, ..) => value,
    };
    Ok(FormPage {
        title: f.t(title),
        lead: f.t(lead),
        about,
        action: visit.path(&format!("/do/{act}")),
        token: token.to_owned(),
        lines: lines(&f, act, home, own),
        button: f.t(button),
        bad,
        back: visit.path("/home"),
        f,
    })
}

async fn home(visit: &Visit) -> Result<Result<Box<HomeView>, Response>, PageError> {
    match visit.ask(UserOp::Home, None).await? {
        Asked::Reply(PortalReply::Home(home)) => Ok(Ok(home)),
        Asked::Reply(_) => Err(PageError::Internal),
        Asked::Instead(response) => Ok(Err(response)),
    }
}

/// The form of an act.
pub(super) async fn form(
    visit: Visit,
    Path((_, act)): Path<(String, String)>,
    Query(about): Query<About>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    words(&act).ok_or(PageError::NotFound)?;
    let home = match home(&visit).await? {
        Ok(home) => home,
        Err(response) => return Ok(response),
    };
    let needed = needs(&act, &home);
    if !needed.is_empty() && !home.actions.allowed.iter().any(|allowed| allowed == needed) {
        return Err(PageError::Forbidden);
    }
    let token_acts = ["rename", "remove", "number", "replace", "sync"];
    if token_acts.contains(&act.as_str()) && !home.tokens.iter().any(|card| card.id == about.token) {
        return Err(PageError::NotFound);
    }
    let kept = Kept::of(&visit.ctx, &headers, &visit.address);
    let path = visit.path(&format!("/do/{act}"));
    let value = |name: &str| {
        let kept = kept.as_ref()?;
        kept.field(&path, name).map(ToOwned::to_owned)
    };
    let page = form_page(&visit, &act, (&home, &about.token), value, Errors::default())?;
    let mut response = ui::page(&page)?;
    if kept.is_some() {
        kept::forget(&visit.ctx, &visit.address, &mut response);
    }
    Ok(response)
}

fn asked_act(act: &str, posted: &Posted) -> Option<UserAct> {
    let token = posted.get("token").to_owned();
    let text = |name: &str| posted.trimmed(name).to_owned();
    Some(match act {
        "rename" => UserAct::Rename {
            token,
            name: text("name"),
        },
        "remove" => UserAct::Unassign { token },
        "number" => UserAct::ChangePhone {
            token,
            phone: Secret::from(posted.trimmed("phone")),
        },
        "replace" => UserAct::Reissue { token },
        "assign" => UserAct::AssignExisting { token },
        "prefer" => UserAct::Prefer { token },
        "test" => UserAct::TestText { token },
        "sync" => UserAct::Synchronise {
            token,
            first: posted.code("first-code"),
            second: posted.code("second-code"),
        },
        "password" => UserAct::Password {
            current: Some(posted.get("current"))
                .filter(|current| !current.is_empty())
                .map(Secret::from),
            new: posted.secret("new"),
        },
        "email" => UserAct::Email { new: text("email") },
        "login" => UserAct::Login { new: text("login") },
        "names" => UserAct::Names {
            first: text("first"),
            last: text("last"),
        },
        "language" => UserAct::Language { lang: text("lang") },
        "recovery" => UserAct::RenewRecovery,
        "end-session" => UserAct::EndSession {
            id: posted.get("session").to_owned(),
        },
        "end-others" => UserAct::EndOtherSessions,
        _ => return None,
    })
}

/// Fields whose mistakes the daemon names.
const FIELDS: [&str; 8] = [
    "name", "phone", "current", "new", "email", "login", "first", "last",
];

/// The sentence for a field in the page's language.
fn field_text(visit: &Visit, field: &str, said: &str) -> Text {
    let key = match (field, said) {
        ("phone", _) => "phone-wrong",
        ("name", _) => "name-wrong",
        ("current", _) => "password-current-wrong",
        ("new", _) => "password-wrong",
        ("email", said) if said.contains("taken") => "email-taken",
        ("email", said) if said.contains("no mail") => "email-away",
        ("email", _) => "email-wrong",
        ("login", said) if said.contains("taken") => "login-taken",
        ("login", _) => "login-wrong",
        _ => "names-wrong",
    };
    visit.ctx.texts().get(key)
}

/// Does something, or asks for a fresh code first.
pub(super) async fn submit(
    visit: Visit,
    Path((_, act)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    let wanted = asked_act(&act, &posted).ok_or(PageError::NotFound)?;
    let ask = if act == "recovery" && posted.has("first") {
        UserOp::RecoveryFirst
    } else {
        UserOp::Act { act: wanted }
    };
    match visit.ask(ask, Some(&posted)).await {
        Ok(Asked::Reply(PortalReply::Done { what })) if act == "language" => {
            // The cookie follows the choice, for the pages before sign-in.
            let mut response = visit.to(&format!("/home?done={what}"));
            crate::web::choose_language(&visit.ctx, posted.trimmed("lang"), &mut response);
            Ok(response)
        }
        Ok(Asked::Reply(PortalReply::Wrong { why, .. })) if act == "sync" => {
            let key = match why.as_str() {
                "locked" => "why-locked",
                _ => "sync-wrong",
            };
            form_again(&visit, &act, &posted, ("first-code", visit.ctx.texts().get(key))).await
        }
        Ok(Asked::Reply(reply)) => outcome(&visit, reply).await,
        Ok(Asked::Instead(response)) => Ok(response),
        Err(PageError::Daemon(error)) => match refused_field(&error, &FIELDS) {
            Some((field, said)) => {
                form_again(&visit, &act, &posted, (field, field_text(&visit, field, said))).await
            }
            None => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}

/// The form with what was typed, and what is wrong with one of its fields.
async fn form_again(
    visit: &Visit,
    act: &str,
    posted: &Posted,
    (field, said): (&str, Text),
) -> Result<Response, PageError> {
    let home = match home(visit).await? {
        Ok(home) => home,
        Err(response) => return Ok(response),
    };
    let mut errors = Errors::default();
    errors.add(field, said);
    let typed = |name: &str| Some(posted.get(name).to_owned());
    let page = form_page(visit, act, (&home, posted.get("token")), typed, errors)?;
    ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

struct Confirming {
    id: String,
    act: String,
    value: String,
    ask: CodeAsk,
}

async fn confirm_page(
    visit: &Visit,
    confirming: Confirming,
    by: Option<&str>,
    wrong: Option<&str>,
) -> Result<Response, PageError> {
    let Confirming { id, act, value, ask } = confirming;
    let f = visit.framed().await?;
    let path = visit.path(&format!("/confirm/{id}"));
    let (by, others) = ways(&f, &ask, by, &path);
    let mut errors = Errors::default();
    if let Some(wrong) = wrong {
        errors.add("code", why(&f, wrong, &ask));
    }
    let key = match act.as_str() {
        "unassign" => "confirm-unassign",
        "reissue" => "confirm-reissue",
        "change-phone" => "confirm-change-phone",
        "assign-existing" => "confirm-assign-existing",
        "enroll" => "confirm-enroll",
        "password" => "confirm-password",
        "email" => "confirm-email",
        "new-email" => "confirm-new-email",
        "login" => "confirm-login",
        _ => "confirm-renew-recovery",
    };
    let (title, way) = match by {
        Method::Password => ("code-title-password", "confirm-way-password"),
        Method::Recovery => ("code-title-recovery", "confirm-way-recovery"),
        Method::Helpdesk => ("code-title-helpdesk", "confirm-way-helpdesk"),
        Method::Sms | Method::Totp | Method::Mail => ("confirm-title", "confirm-way"),
    };
    let page = CodePage {
        title: f.t(title),
        lead: Some(f.t(key).arg("value", &value).arg("way", f.t(way))),
        f: f.with_errors(errors),
        action: path,
        by,
        ask,
        others,
        sign_out: None,
        back: Some(visit.path("/home")),
    };
    match wrong {
        Some(_) => ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page),
        None => ui::page(&page),
    }
}

/// The fresh code that an act needs.
pub(super) async fn confirm(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(by): Query<By>,
) -> Result<Response, PageError> {
    match visit.ask(UserOp::StepUp { id }, None).await? {
        Asked::Reply(PortalReply::StepUp { id, act, value, ask }) => {
            let confirming = Confirming { id, act, value, ask };
            confirm_page(&visit, confirming, by.wanted(), None).await
        }
        Asked::Reply(_) => Err(PageError::Internal),
        Asked::Instead(response) => Ok(response),
    }
}

/// The fresh code was typed, or another text is wanted.
pub(super) async fn answer(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(by): Query<By>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, PageError> {
    let word = Some(posted.get("method"))
        .filter(|m| !m.is_empty())
        .or(by.wanted())
        .unwrap_or_default()
        .to_owned();
    if posted.has("resend") {
        return match visit.ask(UserOp::StepUpResend { id: id.clone() }, None).await? {
            Asked::Reply(_) => Ok(visit.to(&format!("/confirm/{id}?by={word}"))),
            Asked::Instead(response) => Ok(response),
        };
    }
    let method = method(&word).ok_or(PageError::BadRequest)?;
    let ask = UserOp::StepUpAnswer {
        id: id.clone(),
        method,
        code: match method {
            Method::Password => posted.secret("code"),
            _ => posted.code("code"),
        },
    };
    match visit.ask(ask, None).await? {
        Asked::Reply(PortalReply::Wrong { why, .. }) => match visit.ask(UserOp::StepUp { id }, None).await? {
            Asked::Reply(PortalReply::StepUp { id, act, value, ask }) => {
                let confirming = Confirming { id, act, value, ask };
                confirm_page(&visit, confirming, Some(&word), Some(&why)).await
            }
            Asked::Reply(_) => Err(PageError::Internal),
            Asked::Instead(response) => Ok(response),
        },
        Asked::Reply(PortalReply::Done { what }) if what.starts_with("permit-") => {
            // What was typed before the code was asked for is not typed again.
            if let Some(kept) = Kept::waiting(&visit.ctx, &headers, &visit.address, &id)
                && let Some(response) = resume(&visit, &kept).await?
            {
                return Ok(response);
            }
            outcome(&visit, PortalReply::Done { what }).await
        }
        Asked::Reply(reply) => outcome(&visit, reply).await,
        Asked::Instead(response) => Ok(response),
    }
}
