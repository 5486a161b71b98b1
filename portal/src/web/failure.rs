use askama::Template;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use otpost_ipc::FaultCode;
use serde_json::json;

use super::Ctx;
use crate::{
    backend::BackendError,
    ui::{Brand, SelfFrame},
};

/// Seconds after which a request that found no daemon may be tried again.
const SOON: u32 = 5;

/// Why there is no page. Becomes one with a title, a sentence on what to do, and a reference; or, under `/api/`, a
/// problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The request cannot be read.
    #[error("the request cannot be read")]
    BadRequest,
    /// The request does not fit the description of the API: what and why, without the value.
    #[error("{0}")]
    Misfit(String),
    /// The request fits the description and breaks a rule that the description cannot express.
    #[error("{0}")]
    Rule(&'static str),
    /// The API was asked without a key, or with one that is unknown or has ended.
    #[error("a valid key is needed, as in: Authorization: Bearer otpost_...")]
    Unauthorised {
        /// Whether a key was there, and does not hold.
        given: bool,
    },
    /// The body is of a kind that is not read.
    #[error("the body must be {0}; say so in Content-Type")]
    MediaType(&'static str),
    /// A form without the token of the session that is signed in: it was left open over a sign-in, or forged.
    #[error("the form's token is not this session's")]
    StaleForm,
    /// Another site made the browser send it.
    #[error("another site made the browser send this request")]
    OtherSite,
    /// Plain HTTP over a network.
    #[error("plain HTTP is refused; a proxy has to be named in `behind-proxy` and send X-Forwarded-Proto")]
    PlainHttp,
    /// The person may not do that.
    #[error("not permitted")]
    Forbidden,
    /// Nothing is there, or nothing that this person may know of.
    #[error("nothing is there")]
    NotFound,
    /// The page cannot be used that way.
    #[error("the page does not take this method")]
    MethodNotAllowed,
    /// The step is not open: done already, or never begun.
    #[error("the step is not open")]
    Conflict,
    /// More was sent than is read.
    #[error("the body is too large")]
    TooLarge,
    /// Too many requests.
    #[error("too many requests")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// A fault of this program.
    #[error("a fault of otpost-portal")]
    Internal,
    /// It took too long.
    #[error("the request took too long")]
    TimedOut,
    /// The daemon refused or gave no answer.
    #[error(transparent)]
    Daemon(#[from] BackendError),
}

impl From<askama::Error> for PageError {
    fn from(_: askama::Error) -> Self {
        Self::Internal
    }
}

impl PageError {
    /// The status of its page.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest | Self::Misfit(_) => StatusCode::BAD_REQUEST,
            Self::Rule(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthorised { .. } => StatusCode::UNAUTHORIZED,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::StaleForm | Self::OtherSite | Self::PlainHttp | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::Daemon(BackendError::Refused(fault)) => match fault.code {
                FaultCode::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                FaultCode::Malformed => StatusCode::BAD_REQUEST,
                FaultCode::Forbidden => StatusCode::FORBIDDEN,
                FaultCode::NotFound => StatusCode::NOT_FOUND,
                FaultCode::Conflict => StatusCode::CONFLICT,
                FaultCode::Busy => StatusCode::TOO_MANY_REQUESTS,
                FaultCode::Unavailable | FaultCode::Protocol => StatusCode::SERVICE_UNAVAILABLE,
                FaultCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Daemon(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// For a response that failed without saying more than its status.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _ if status.is_server_error() => Self::Internal,
            _ => Self::BadRequest,
        }
    }

    /// Keys of its title and of what to do.
    const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::StaleForm => ("stale-title", "stale-text"),
            Self::OtherSite => ("forbidden-title", "other-site-text"),
            Self::PlainHttp => ("plain-title", "plain-text"),
            _ => match self.status() {
                StatusCode::FORBIDDEN => ("forbidden-title", "forbidden-text"),
                StatusCode::NOT_FOUND => ("missing-title", "missing-text"),
                StatusCode::METHOD_NOT_ALLOWED => ("method-title", "method-text"),
                StatusCode::CONFLICT => ("conflict-title", "conflict-text"),
                StatusCode::PAYLOAD_TOO_LARGE => ("large-title", "large-text"),
                StatusCode::TOO_MANY_REQUESTS => ("busy-title", "busy-text"),
                StatusCode::SERVICE_UNAVAILABLE => ("away-title", "away-text"),
                StatusCode::INTERNAL_SERVER_ERROR => ("fault-title", "fault-text"),
                _ => ("bad-title", "bad-text"),
            },
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::Daemon(BackendError::Refused(fault)) if fault.retry_after.is_some() => fault.retry_after,
            Self::Daemon(_) | Self::TimedOut if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                Some(SOON)
            }
            _ => None,
        }
    }
}

impl IntoResponse for PageError {
    /// A status only: [`super::wrap`] knows the request, and makes the page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    f: SelfFrame,
    title: &'static str,
    text: &'static str,
    wait: u32,
    reference: String,
    retry: bool,
    /// First page of the portal that was asked; empty elsewhere, and where there is none.
    home: String,
}

/// The page of a failed request, and the line in the log.
pub(crate) fn page(ctx: &Ctx, error: &PageError) -> Response {
    let status = error.status();
    let reference = match error {
        PageError::Daemon(BackendError::Refused(fault)) => fault.reference.clone(),
        _ => ctx.reference().to_owned(),
    };
    let client = ctx.client();
    if status.is_server_error() {
        tracing::warn!(reference, %client, status = status.as_u16(), "{error}");
    } else {
        tracing::debug!(reference, %client, status = status.as_u16(), "{error}");
    }
    let mut response = if ctx.is_api() {
        problem(error, &reference)
    } else {
        html(ctx, error, reference)
    };
    *response.status_mut() = status;
    if let PageError::Unauthorised { given } = error {
        let challenge = if *given {
            "Bearer realm=\"otpost\", error=\"invalid_token\""
        } else {
            "Bearer realm=\"otpost\""
        };
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(seconds) = error.retry_after() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn html(ctx: &Ctx, error: &PageError, reference: String) -> Response {
    let (title, text) = error.words();
    let status = error.status();
    let text = match (status, error.retry_after()) {
        (StatusCode::TOO_MANY_REQUESTS, Some(120..)) => "busy-long",
        _ => text,
    };
    let page = ErrorPage {
        f: SelfFrame::new(ctx.clone(), Brand::default()),
        title,
        text,
        wait: error.retry_after().unwrap_or_default(),
        reference,
        retry: !ctx.is_post() && error.retry_after().is_some(),
        home: match status {
            StatusCode::NOT_FOUND => String::new(),
            _ => portal(ctx.here()).unwrap_or_default(),
        },
    };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => status_only(error.status()),
    }
}

/// `/s/{address}` of a path below it.
fn portal(path: &str) -> Option<String> {
    let address = path.strip_prefix("/s/")?.split(['/', '?']).next()?;
    (!address.is_empty()).then(|| format!("/s/{address}"))
}

fn problem(error: &PageError, reference: &str) -> Response {
    let status = error.status();
    let detail = match error {
        PageError::Daemon(BackendError::Refused(fault)) => fault.message.clone(),
        PageError::Daemon(_) => {
            "the service cannot answer at the moment; try again in a few seconds".to_owned()
        }
        other => other.to_string(),
    };
    let mut response = Json(json!({
        "type": "about:blank",
        // As RFC 9457 section 4.2.1 has it for this type.
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "ref": reference,
    }))
    .into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

/// Without any page: where even that failed.
pub(crate) fn status_only(status: StatusCode) -> Response {
    let words = status.canonical_reason().unwrap_or("Error");
    (status, words).into_response()
}
