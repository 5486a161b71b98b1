//! The document is the gate: what it does not describe does not reach a handler. A request without a key, with an unknown
//! parameter, a value out of bounds or a body of another kind is refused here, with the place and the rule.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use otpost_ipc::Secret;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{PREFIX, check::Schemas};
use crate::PageError;

/// Octets of a JSON body. Half of what fits a message to the daemon: escaping may make it longer there.
const JSON: usize = 32 * 1024;
/// The kinds of body that are read.
pub(super) const KINDS: [&str; 2] = ["application/json", "text/csv"];
/// Integers below this are exact as JSON's numbers (RFC 8259 section 6): 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// How a key begins, and its longest form.
const KEY: (&str, usize) = ("otpost_", 128);

/// What the document says of one operation.
#[derive(Debug)]
struct Operation {
    open: bool,
    /// Name, schema, whether it is required.
    path: Vec<(String, Value)>,
    query: Vec<(String, Value, bool)>,
    /// Kind and schema.
    body: Option<(&'static str, Value)>,
}

/// All operations of the document.
#[derive(Debug)]
pub(super) struct Gate {
    operations: HashMap<(String, String), Operation>,
    schemas: Schemas,
}

/// The key of a request.
#[derive(Debug, Clone)]
pub(super) struct Key(pub(super) Secret);

/// The query's values, checked.
#[derive(Debug, Clone)]
struct Sought(Value);

/// The body, checked.
#[derive(Debug, Clone)]
struct Given(Value);

impl Gate {
    pub(super) fn new(document: &Value) -> Self {
        let mut operations = HashMap::new();
        let paths = document.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                operations.insert((path.clone(), method.to_uppercase()), described(operation));
            }
        }
        Self {
            operations,
            schemas: Schemas::new(document),
        }
    }

    fn operation(&self, parts: &Parts) -> Option<&Operation> {
        let path = parts
            .extensions
            .get::<MatchedPath>()?
            .as_str()
            .strip_prefix(PREFIX)?;
        let method = match parts.method {
            Method::HEAD => "GET",
            ref other => other.as_str(),
        };
        self.operations.get(&(path.to_owned(), method.to_owned()))
    }

    async fn admit(&self, request: &mut Request) -> Result<(), PageError> {
        let (mut parts, body) = std::mem::take(request).into_parts();
        // Another method: the router answers.
        let Some(operation) = self.operation(&parts) else {
            *request = Request::from_parts(parts, body);
            return Ok(());
        };
        if !operation.open {
            parts.extensions.insert(key(&parts.headers)?);
        }
        self.check_path(operation, &mut parts).await?;
        let sought = self.query(operation, parts.uri.query().unwrap_or_default())?;
        parts.extensions.insert(Sought(sought));
        let mut rest = Some(body);
        if let Some((kind, schema)) = &operation.body {
            if !is_kind(&parts.headers, kind) {
                return Err(PageError::MediaType(kind));
            }
            // A file is read in parts by its handler.
            if *kind == "application/json" {
                let given = self.json(schema, rest.take().unwrap_or_default()).await?;
                parts.extensions.insert(Given(given));
            }
        }
        *request = Request::from_parts(parts, rest.unwrap_or_default());
        Ok(())
    }

    async fn check_path(&self, operation: &Operation, parts: &mut Parts) -> Result<(), PageError> {
        let given = RawPathParams::from_request_parts(parts, &())
            .await
            .map_err(|_| PageError::Misfit("the path is no UTF-8 text".to_owned()))?;
        for (name, schema) in &operation.path {
            let value = given
                .iter()
                .find(|(key, _)| key == name)
                .map_or("", |(_, value)| value);
            (self.schemas)
                .check(schema, &Value::String(value.to_owned()), name)
                .map_err(PageError::Misfit)?;
        }
        Ok(())
    }

    fn query(&self, operation: &Operation, raw: &str) -> Result<Value, PageError> {
        let misfit = |text: String| PageError::Misfit(text);
        let mut values = Map::new();
        for (name, text) in form_urlencoded::parse(raw.as_bytes()) {
            let Some((_, schema, _)) = operation.query.iter().find(|(known, ..)| *known == name) else {
                let known: Vec<&str> = operation.query.iter().map(|(name, ..)| name.as_str()).collect();
                return Err(misfit(format!(
                    "a parameter is not known; known are: {}",
                    known.join(", ")
                )));
            };
            let value = self.read(schema, &text);
            self.schemas.check(schema, &value, &name).map_err(misfit)?;
            if values.insert(name.clone().into_owned(), value).is_some() {
                return Err(misfit(format!("{name} is there twice")));
            }
        }
        match operation
            .query
            .iter()
            .find(|(name, _, required)| *required && !values.contains_key(name))
        {
            Some((name, ..)) => Err(misfit(format!("{name} is missing"))),
            None => Ok(Value::Object(values)),
        }
    }

    /// The text of a parameter as the type that its schema names; left as text where it is none, which then does not fit.
    fn read(&self, schema: &Value, text: &str) -> Value {
        let plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'-');
        let read = match self.schemas.resolved(schema).get("type").and_then(Value::as_str) {
            Some("integer") if plain(text) => text.parse::<i64>().ok().map(Value::from),
            Some("boolean") => text.parse::<bool>().ok().map(Value::from),
            _ => None,
        };
        read.unwrap_or_else(|| Value::String(text.to_owned()))
    }

    async fn json(&self, schema: &Value, body: Body) -> Result<Value, PageError> {
        let octets = to_bytes(body, JSON).await.map_err(|_| PageError::TooLarge)?;
        // Its own message may quote the value.
        let mut value: Value = serde_json::from_slice(&octets).map_err(|error| {
            PageError::Misfit(format!(
                "the body is no JSON (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        whole(&mut value);
        self.schemas
            .check(schema, &value, "body")
            .map_err(PageError::Misfit)?;
        Ok(value)
    }
}

/// Makes 60.0 the integer that it is (JSON Schema 2020-12 validation, section 6.1.1).
fn whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < EXACT);
            if let Some(integer) = exact.and_then(|n| format!("{n:.0}").parse::<i64>().ok()) {
                *number = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Object(fields) => fields.values_mut().for_each(whole),
        _ => {}
    }
}

fn described(operation: &Value) -> Operation {
    let (mut path, mut query) = (Vec::new(), Vec::new());
    for parameter in operation
        .get("parameters")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |word| parameter.get(word).and_then(Value::as_str).unwrap_or_default();
        let schema = parameter.get("schema").cloned().unwrap_or_default();
        let required = parameter.get("required") == Some(&Value::Bool(true));
        if text("in") == "path" {
            path.push((text("name").to_owned(), schema));
        } else {
            query.push((text("name").to_owned(), schema, required));
        }
    }
    let content = operation.pointer("/requestBody/content");
    let body = KINDS.iter().find_map(|kind| {
        let schema = content?.get(kind)?.get("schema").cloned().unwrap_or_default();
        Some((*kind, schema))
    });
    Operation {
        open: operation.get("security") == Some(&Value::Array(Vec::new())),
        path,
        query,
        body,
    }
}

/// The key that a request carries.
fn key(headers: &HeaderMap) -> Result<Key, PageError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Err(PageError::Unauthorised { given: false });
    };
    let bad = PageError::Unauthorised { given: true };
    if all.next().is_some() {
        return Err(bad);
    }
    let (scheme, key) = (value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| bad.clone())?;
    let key = key.trim_matches(' ');
    let (prefix, longest) = KEY;
    let text = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    // What cannot be a key of ours is not worth a question to the daemon.
    if scheme.eq_ignore_ascii_case("bearer")
        && key.starts_with(prefix)
        && key.len() <= longest
        && key.bytes().all(text)
    {
        Ok(Key(Secret::from(key)))
    } else {
        Err(bad)
    }
}

/// Whether the body is said to be of this kind, and UTF-8.
fn is_kind(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let mut parts = said.unwrap_or_default().split(';').map(str::trim);
    let same = parts.next().is_some_and(|bare| bare.eq_ignore_ascii_case(kind));
    same && parts.all(|part| match part.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("us-ascii")
        }
        _ => true,
    })
}

/// Around every route of the API.
pub(super) async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    match gate.admit(&mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// The body of a request, as the gate let it through.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, PageError> {
        let Given(value) = parts.extensions.remove().ok_or(PageError::Internal)?;
        read(value).map(Self)
    }
}

/// The query of a request, as the gate let it through.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, PageError> {
        let Sought(value) = parts.extensions.remove().ok_or(PageError::Internal)?;
        read(value).map(Self)
    }
}

/// What fits the document fits the type; the error is there for what a test overlooked.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, PageError> {
    T::deserialize(value).map_err(|_| PageError::Misfit("a value is not of the type described".to_owned()))
}
