//! The REST API for administrators: `/api/v1` on the console's listener.
//!
//! Each handler turns a request into one [`AdminOp`] and sends what the daemon says, as JSON. The daemon checks the key,
//! what it may do, and every rule; [`gate`] only holds requests to the document that describes them (OpenAPI 3.1, at
//! `/api/v1/openapi.json`). Cookies do not count here.
//!
//! Statuses: 400 for what does not fit the document; 422 for what fits it and breaks a rule that it cannot express; 401
//! without a key that holds; 403 for what the key may not do. Failures are problem documents (RFC 9457).
//!
//! Adding an operation: a handler with `#[utoipa::path]` in the file of its subject, its name in that file's `routes`,
//! its body or parameters in [`asked`] and its answer in [`shown`].

mod administrators;
pub mod asked;
mod audit;
mod check;
mod clients;
mod document;
mod enrolments;
mod gate;
mod imports;
mod resources;
pub mod shown;
mod sms;
mod sources;
mod system;
mod tokens;
mod users;
pub mod value;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
};
use otpost_ipc::{
    admin::{AdminOp, AdminReply},
    client::CallError,
    frame::FrameError,
    portal::{PortalOp, PortalReply},
};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

use crate::{App, PageError, backend::BackendError, web::Ctx};

/// Where the API is.
pub const PREFIX: &str = "/api/v1";

/// What a handler gives.
type Answer = Result<Response, PageError>;

/// The routes of the API, behind its gate.
pub fn routes() -> Router<Arc<App>> {
    let (router, described) = described().split_for_parts();
    let document = document::finish(&described);
    let gate = Arc::new(gate::Gate::new(&document));
    let router = router
        .merge(document::routes(&document))
        .route_layer(from_fn_with_state(gate, gate::pass));
    Router::new().nest(PREFIX, router)
}

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(document::head())
        .merge(system::routes())
        .merge(users::routes())
        .merge(tokens::routes())
        .merge(enrolments::routes())
        .merge(imports::routes())
        .merge(resources::routes())
        .merge(clients::routes())
        .merge(sources::routes())
        .merge(sms::routes())
        .merge(audit::routes())
        .merge(administrators::routes())
}

/// Who asks, and whom to ask.
#[derive(Debug)]
struct Api {
    app: Arc<App>,
    ctx: Ctx,
    key: gate::Key,
}

impl FromRequestParts<Arc<App>> for Api {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        Ok(Self {
            ctx: Ctx::from_request_parts(parts, app).await?,
            key: parts.extensions.get().cloned().ok_or(PageError::Internal)?,
            app: Arc::clone(app),
        })
    }
}

impl Api {
    /// The daemon's reply.
    async fn ask(&self, op: AdminOp) -> Result<AdminReply, PageError> {
        let asked = PortalOp::Api {
            key: self.key.0.clone(),
            admin: Box::new(op),
            browser: self.ctx.browser(),
        };
        match self.app.backend.call(asked).await {
            Ok(PortalReply::Admin { reply }) => Ok(*reply),
            Ok(PortalReply::Refused {
                retry_after: Some(retry_after),
                ..
            }) => Err(PageError::TooMany { retry_after }),
            Ok(PortalReply::Refused { .. }) => Err(PageError::Unauthorised { given: true }),
            Ok(_) => Err(PageError::Internal),
            // Escaping made it longer than a message may be.
            Err(BackendError::Away(CallError::Frame {
                error: FrameError::TooLong,
                ..
            })) => Err(PageError::TooLarge),
            Err(error) => Err(error.into()),
        }
    }

    /// The daemon's reply as the answer.
    async fn answer(&self, op: AdminOp) -> Answer {
        Ok(Json(body(&self.ask(op).await?)?).into_response())
    }

    /// The daemon's reply as the answer to something that was made, and where it is now: below `place`, by the reply's
    /// member `name`, or by that name itself.
    async fn made(&self, op: AdminOp, place: &str, name: Named<'_>) -> Answer {
        let body = body(&self.ask(op).await?)?;
        let name = match name {
            Named::By(pointer) => body.pointer(pointer).and_then(Value::as_str).unwrap_or_default(),
            Named::As(name) => name,
        };
        let location = format!("{PREFIX}/{place}/{}", segment(name));
        let mut response = (StatusCode::CREATED, Json(&body)).into_response();
        let location = HeaderValue::from_str(&location).map_err(|_| PageError::Internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}

/// How something that was made is called.
#[derive(Debug, Clone, Copy)]
enum Named<'a> {
    /// By this member of the reply (a JSON pointer).
    By(&'static str),
    /// So.
    As(&'a str),
}

/// A reply as JSON: without its tag, and with names as everywhere here.
fn body(reply: &AdminReply) -> Result<Value, PageError> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(reply) else {
        return Err(PageError::Internal);
    };
    fields.remove("re");
    own_words(&mut fields);
    for name in ["client", "resources", "clients"] {
        let inner = fields.get_mut(name);
        let all: &mut [Value] = match inner {
            Some(Value::Array(all)) => all,
            Some(one) => std::slice::from_mut(one),
            None => &mut [],
        };
        all.iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(own_words);
    }
    Ok(Value::Object(
        fields
            .into_iter()
            .map(|(name, value)| (name.replace('_', "-"), value))
            .collect(),
    ))
}

/// Settings by the API's own words.
fn own_words(thing: &mut Map<String, Value>) {
    if let Some(mut set) = thing.remove("set") {
        if let Some(nas) = set.get_mut("nas").filter(|nas| **nas == "") {
            *nas = Value::from("none");
        }
        thing.insert("settings".to_owned(), set);
    }
    // The name stands outside.
    if let Some(settings) = thing.get_mut("settings").and_then(Value::as_object_mut) {
        settings.remove("name");
    }
}

/// A name as a segment of a path (RFC 3986 section 2.3).
fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
