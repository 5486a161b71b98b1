//! Codes that a page asks for: at sign-in, and before an act (step-up).

use askama::Template;
use axum::{
    extract::Query,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use otpost_ipc::portal::{CodeAsk, Method, Next, PortalOp, PortalReply, UserOp};
use serde::Deserialize;

use super::{kept::Kept, visit::Visit};
use crate::{
    PageError,
    i18n::Text,
    ui::{self, Errors, SelfFrame},
    web::{Posted, without_session},
};

/// Another way than the one that is shown first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct By {
    by: Option<String>,
}

impl By {
    /// The word of the way that is wanted.
    pub(super) fn wanted(&self) -> Option<&str> {
        self.by.as_deref()
    }
}

/// A method by its word.
pub(super) fn method(word: &str) -> Option<Method> {
    Some(match word {
        "sms" => Method::Sms,
        "totp" => Method::Totp,
        "recovery" => Method::Recovery,
        "helpdesk" => Method::Helpdesk,
        "mail" => Method::Mail,
        "password" => Method::Password,
        _ => return None,
    })
}

/// The word of a method.
pub(super) const fn word(method: Method) -> &'static str {
    match method {
        Method::Sms => "sms",
        Method::Totp => "totp",
        Method::Recovery => "recovery",
        Method::Helpdesk => "helpdesk",
        Method::Mail => "mail",
        Method::Password => "password",
    }
}

/// A way that is offered beside the one that is shown.
pub(super) struct Other {
    pub(super) href: String,
    pub(super) icon: &'static str,
    pub(super) label: Text,
}

/// The page of a code.
#[derive(Template)]
#[template(path = "self/code.html")]
pub(super) struct CodePage {
    pub(super) f: SelfFrame,
    pub(super) title: Text,
    /// What the code is for, where it is an act.
    pub(super) lead: Option<Text>,
    pub(super) action: String,
    pub(super) by: Method,
    pub(super) ask: CodeAsk,
    pub(super) others: Vec<Other>,
    /// Where "cancel" leads: a form that is posted at sign-in, a link before an act.
    pub(super) sign_out: Option<String>,
    pub(super) back: Option<String>,
}

impl CodePage {
    fn word(&self) -> &'static str {
        word(self.by)
    }

    fn is(&self, word: &str) -> bool {
        self::word(self.by) == word
    }

    /// Whether a message is sent for this way.
    fn by_message(&self) -> bool {
        matches!(self.by, Method::Sms | Method::Mail)
    }

    fn wait(&self) -> u32 {
        self.ask.resend_in.unwrap_or_default()
    }

    fn minutes(&self) -> u32 {
        self.ask.expires_in.div_ceil(60).max(1)
    }

    fn trouble(&self) -> Option<Text> {
        trouble(&self.f, &self.ask)
    }

    /// Whether a message is on its way, or there.
    fn arrives(&self) -> bool {
        self.by_message() && self.ask.sent && !lost(&self.ask) && !self.expired()
    }

    /// Whether the code that was sent is over, and another can be asked for.
    fn expired(&self) -> bool {
        self.over() && self.ask.resend_in.is_some()
    }

    fn over(&self) -> bool {
        self.by_message() && self.ask.sent && self.ask.expires_in == 0
    }

    /// Why no code is taken here any more.
    fn end(&self) -> Option<Text> {
        let key = if self.ask.left == 0 {
            "why-tries-used"
        } else if self.ask.methods.is_empty() {
            "why-locked-only"
        } else if self.over() && !self.expired() {
            "enrol-expired"
        } else {
            return None;
        };
        Some(self.f.t(key))
    }

    fn hint(&self) -> Text {
        match self.by {
            Method::Recovery => self.f.t("code-hint-recovery"),
            Method::Helpdesk => self.f.t("code-hint-helpdesk"),
            Method::Totp => self.f.t("code-hint-totp"),
            Method::Password => self.f.t("code-hint-password"),
            Method::Sms | Method::Mail => self.f.t("code-hint-digits").arg("digits", self.ask.digits),
        }
    }
}

/// Whether a message that was asked for certainly does not come.
pub(super) fn lost(ask: &CodeAsk) -> bool {
    !matches!(ask.trouble.as_str(), "" | "unknown")
}

/// What became of a message that did not leave.
pub(super) fn trouble(f: &SelfFrame, ask: &CodeAsk) -> Option<Text> {
    let key = match ask.trouble.as_str() {
        "" => return None,
        "budget" => "trouble-budget",
        "country" => "trouble-country",
        "paused" => "trouble-paused",
        "unknown" => "trouble-unknown",
        _ => "trouble-failed",
    };
    Some(f.t(key))
}

/// Why a code was not taken, in words.
pub(super) fn why(f: &SelfFrame, why: &str, ask: &CodeAsk) -> Text {
    match why {
        "too-few" => f.t("why-too-few").arg("digits", ask.digits),
        "too-many-digits" => f.t("why-too-many").arg("digits", ask.digits),
        "not-digits" => f.t("why-not-digits"),
        "expired" => f.t("why-expired"),
        "tries-used" => f.t("why-tries-used"),
        "locked" => f.t("why-locked"),
        "used" => f.t("why-used"),
        "too-soon" => f.t("why-too-soon"),
        _ => f.t("why-wrong").arg("left", ask.left),
    }
}

/// The way to show, and the others with their links.
pub(super) fn ways(f: &SelfFrame, ask: &CodeAsk, wanted: Option<&str>, path: &str) -> (Method, Vec<Other>) {
    let offered = |m: &Method| ask.methods.iter().any(|view| view.method == *m);
    let first = ask.methods.first().map_or(Method::Sms, |view| view.method);
    let by = wanted.and_then(method).filter(offered).unwrap_or(first);
    let others = ask
        .methods
        .iter()
        .filter(|view| view.method != by)
        .map(|view| {
            let (icon, key) = match view.method {
                Method::Sms => ("text", "use-sms"),
                Method::Totp => ("app", "use-totp"),
                Method::Recovery => ("key", "use-recovery"),
                Method::Helpdesk => ("users", "use-helpdesk"),
                Method::Mail => ("mail", "use-mail"),
                Method::Password => ("lock", "use-password"),
            };
            Other {
                href: format!("{path}?by={}", word(view.method)),
                icon,
                label: f.t(key),
            }
        })
        .collect();
    (by, others)
}

async fn stands(visit: &Visit) -> Result<PortalReply, PageError> {
    let Some(session) = visit.ctx.session() else {
        // An address that is off is not there, signed in or not.
        visit.site().await?;
        return Ok(PortalReply::SignedOut);
    };
    let op = PortalOp::User {
        address: visit.address.clone(),
        session: session.clone(),
        ask: UserOp::Where,
    };
    Ok(visit.app.backend.call(op).await?)
}

async fn page(
    visit: &Visit,
    next: Next,
    by: Option<&str>,
    wrong: Option<&str>,
) -> Result<Response, PageError> {
    let (ask, mailed) = match next {
        Next::Mail(ask) => (ask, true),
        Next::Factor(ask) => (ask, false),
        Next::Home => return Ok(visit.to("/home")),
    };
    let f = visit.framed().await?;
    let path = visit.path("/code");
    let (by, others) = ways(&f, &ask, by, &path);
    let mut errors = Errors::default();
    if let Some(wrong) = wrong {
        errors.add("code", why(&f, wrong, &ask));
    }
    let failed = !errors.is_empty();
    let title = f.t(match by {
        Method::Mail => "code-title-mail",
        Method::Totp => "code-title-totp",
        Method::Recovery => "code-title-recovery",
        Method::Helpdesk => "code-title-helpdesk",
        Method::Password => "code-title-password",
        Method::Sms => "code-title-sms",
    });
    let template = CodePage {
        f: f.with_errors(errors),
        title,
        lead: None,
        action: path,
        by,
        ask,
        others: if mailed { Vec::new() } else { others },
        sign_out: Some(visit.path("/sign-out")),
        back: None,
    };
    if failed {
        return ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &template);
    }
    ui::page(&template)
}

/// The code that the sign-in waits for.
pub(super) async fn show(visit: Visit, Query(by): Query<By>) -> Result<Response, PageError> {
    match stands(&visit).await? {
        PortalReply::At(next) => page(&visit, next, by.by.as_deref(), None).await,
        PortalReply::SignedOut => Ok(without_session(&visit.ctx, visit.to(""))),
        _ => Err(PageError::Internal),
    }
}

/// The code, or the wish for another message.
pub(super) async fn submit(
    visit: Visit,
    Query(by): Query<By>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, PageError> {
    let by = Some(posted.get("method"))
        .filter(|m| !m.is_empty())
        .or(by.by.as_deref());
    let mailed = by == Some("mail");
    let ask = if posted.has("resend") {
        UserOp::Resend
    } else if mailed {
        UserOp::MailCode {
            code: posted.code("code"),
        }
    } else {
        let method = by.and_then(method).ok_or(PageError::BadRequest)?;
        UserOp::Factor {
            method,
            code: match method {
                Method::Password => posted.secret("code"),
                _ => posted.code("code"),
            },
        }
    };
    let Some(session) = visit.ctx.session() else {
        visit.site().await?;
        return Ok(visit.to(""));
    };
    let op = PortalOp::User {
        address: visit.address.clone(),
        session: session.clone(),
        ask,
    };
    match visit.app.backend.call(op).await? {
        PortalReply::Signed {
            session,
            max_age,
            next,
            ..
        } => {
            let kept = Kept::of(&visit.ctx, &headers, &visit.address).map(|kept| kept.path);
            let after = kept
                .as_deref()
                .and_then(|path| path.strip_prefix(&visit.path("")))
                .unwrap_or("/home")
                .to_owned();
            Ok(visit.enter(&session, max_age, &next, &after))
        }
        PortalReply::Wrong { ask, why } => {
            let next = if mailed {
                Next::Mail(ask)
            } else {
                Next::Factor(ask)
            };
            page(&visit, next, by, Some(&why)).await
        }
        PortalReply::At(_) => {
            Ok(visit.to(&by.map_or_else(|| "/code".to_owned(), |by| format!("/code?by={by}"))))
        }
        // The code was sent twice and the first one has the new session: its cookie stays.
        PortalReply::SignedOut => Ok(visit.to("")),
        _ => Err(PageError::Internal),
    }
}
