//! The document that describes the API (OpenAPI 3.1), and what no derive can say: the failures that every operation has.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{PREFIX, shown};
use crate::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "otpost",
        description = "Administration of otpost. Every request carries a key: `Authorization: Bearer otpost_...`. \
                       400: the request does not fit this document. 422: it does, and breaks a rule; `detail` says which.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(shown::Problem))
)]
struct Head;

/// The document before the operations are in it.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The whole document.
pub(super) fn finish(described: &utoipa::openapi::OpenApi) -> Value {
    let Ok(Value::Object(mut document)) = serde_json::to_value(described) else {
        return Value::Null;
    };
    document.insert("servers".to_owned(), json!([{ "url": PREFIX }]));
    document.insert("security".to_owned(), json!([{ "key": [] }]));
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        let links = links(paths);
        for (path, item) in paths.iter_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if let Some(operation) = operation.as_object_mut() {
                    complete(path, method, operation);
                    follow(operation, &links);
                }
            }
        }
        paths.insert("/openapi.json".to_owned(), itself());
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert(
            "securitySchemes".to_owned(),
            json!({ "key": {
                "type": "http", "scheme": "bearer",
                "description": "A key, made in the console or with `otpostctl api-key add`.",
            } }),
        );
        components.insert("responses".to_owned(), failures());
        if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
            complete_schemas(schemas);
        }
    }
    let mut document = Value::Object(document);
    plain_integers(&mut document);
    document
}

/// Takes the formats of integers out: they are for signed ones, and ours have bounds of their own.
fn plain_integers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|format| format.starts_with("int"))
            {
                fields.remove("format");
            }
            fields.values_mut().for_each(plain_integers);
        }
        Value::Array(items) => items.iter_mut().for_each(plain_integers),
        _ => {}
    }
}

/// What is made by an operation, the path of one such thing below, and where its name is.
const MADE: [(&str, &str, &str); 10] = [
    ("add_user", "/users/{login}", "$response.body#/login"),
    ("add_token", "/tokens/{id}", "$response.body#/id"),
    ("start_enrolment", "/enrolments/{id}", "$response.body#/id"),
    ("start_import", "/imports/{id}", "$response.body#/import"),
    ("add_resource", "/resources/{name}", "$response.body#/name"),
    (
        "add_client",
        "/radius-clients/{name}",
        "$response.body#/client/name",
    ),
    ("add_source", "/sources/{name}", "$request.body#/name"),
    ("add_provider", "/sms/providers/{name}", "$request.body#/name"),
    (
        "add_administrator",
        "/administrators/{login}",
        "$request.body#/login",
    ),
    ("add_key", "/api-keys/{name}", "$response.body#/key/name"),
];

/// What can be done with each thing that is made.
fn links(paths: &Map<String, Value>) -> Vec<(&'static str, Map<String, Value>)> {
    let all = |base: &'static str, place: &'static str| {
        let (_, parameter) = base.split_once('{').unwrap_or_default();
        let parameter = parameter.trim_end_matches('}');
        let below = paths.iter().filter(move |(path, _)| {
            path.strip_prefix(base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        below
            .flat_map(|(_, item)| item.as_object().into_iter().flatten())
            .filter_map(move |(_, operation)| {
                let id = operation.get("operationId")?.as_str()?;
                let link = json!({ "operationId": id, "parameters": { parameter: place } });
                Some((id.to_owned(), link))
            })
    };
    MADE.iter()
        .map(|(maker, base, place)| (*maker, all(base, place).collect()))
        .collect()
}

/// Serves it.
pub(super) fn routes(document: &Value) -> Router<Arc<App>> {
    let text = Bytes::from(document.to_string());
    let serve = move || async move {
        let kind = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    };
    Router::new().route("/openapi.json", get(serve))
}

/// Its own entry. Everybody may read it.
fn itself() -> Value {
    json!({ "get": {
        "tags": ["system"],
        "summary": "This document",
        "operationId": "show_document",
        "security": [],
        "responses": {
            "200": {
                "description": "OpenAPI 3.1",
                "content": { "application/json": { "schema": { "type": "object" } } },
            },
            "400": { "$ref": "#/components/responses/BadRequest" },
            "429": { "$ref": "#/components/responses/TooMany" },
        },
    } })
}

/// The failures of an operation, and where it puts what it made.
fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let body = operation.get_mut("requestBody").and_then(Value::as_object_mut);
    let has_body = body.is_some();
    if let Some(body) = body {
        body.insert("required".to_owned(), json!(true));
    }
    let named = has_body || operation.contains_key("parameters");
    for parameter in operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(schema) = parameter.get_mut("schema") {
            never_null(schema);
        }
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(created) = responses.get_mut("201").and_then(Value::as_object_mut) {
        let location = json!({ "Location": {
            "description": "Where it is now", "required": true, "schema": { "type": "string" },
        } });
        created.insert("headers".to_owned(), location);
    }
    let mut add = |status: &str, name: &str| {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        responses.insert(status.to_owned(), reference);
    };
    for (status, name) in [
        ("400", "BadRequest"),
        ("401", "Unauthorised"),
        ("403", "Forbidden"),
        ("422", "Refused"),
        ("429", "TooMany"),
        ("503", "Unavailable"),
    ] {
        add(status, name);
    }
    if named || path.contains('{') {
        add("404", "Missing");
    }
    if method != "get" {
        add("409", "Conflict");
    }
    if has_body {
        add("413", "TooLarge");
        add("415", "MediaType");
    }
}

/// What can be done with what the operation makes.
fn follow(operation: &mut Map<String, Value>, links: &[(&str, Map<String, Value>)]) {
    let made = operation
        .get("operationId")
        .and_then(|id| links.iter().find(|(maker, _)| id == maker))
        .cloned();
    let response = operation
        .get_mut("responses")
        .and_then(|responses| responses.get_mut("201"));
    if let (Some((_, links)), Some(Value::Object(response))) = (made, response) {
        response.insert("links".to_owned(), Value::Object(links));
    }
}

/// The failures, all of them problem documents.
fn failures() -> Value {
    let problem = |description: &str, header: Option<(&str, bool, &str)>| {
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        if let (Some((name, required, text)), Some(fields)) = (header, response.as_object_mut()) {
            let header = json!({ "description": text, "required": required, "schema": { "type": "string" } });
            fields.insert(
                "headers".to_owned(),
                Value::Object(Map::from_iter([(name.to_owned(), header)])),
            );
        }
        response
    };
    let wait = Some(("Retry-After", false, "Seconds to wait, where that is known"));
    json!({
        "BadRequest": problem("The request does not fit this document", None),
        "Unauthorised": problem(
            "No key, or one that is unknown or has ended",
            Some(("WWW-Authenticate", true, "How to bring a key (RFC 6750)")),
        ),
        "Forbidden": problem("The key may not do this, or not there", None),
        "Missing": problem("What is named does not exist", None),
        "Conflict": problem("The name is taken, something refers to it, or the step is not open", None),
        "TooLarge": problem("The body is too large", None),
        "MediaType": problem("The body is of another kind than is read here", None),
        "Refused": problem("A rule refuses it; `detail` says which and what mends it", None),
        "TooMany": problem("Too much at once, or the gate for texts or the mail server refuses", wait),
        "Unavailable": problem("The service cannot answer at the moment", wait),
    })
}

fn complete_schemas(schemas: &mut Map<String, Value>) {
    for schema in schemas.values_mut() {
        // What is asked for is closed, and has no null: what shall stay is left out.
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            never_null(schema);
        }
    }
    // A new resource has all that can be changed, and a name.
    if let Some(mut new) = schemas.get("ResourceSettings").cloned() {
        if let Some(fields) = new.as_object_mut() {
            fields.insert("required".to_owned(), json!(["name"]));
            let text = "A new resource; absent fields have the default.";
            fields.insert("description".to_owned(), json!(text));
        }
        schemas.insert("ResourceNew".to_owned(), new);
    }
}

/// Takes null out of a schema and what lies in it: an optional value is there or not.
fn never_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(ways)) = fields.get_mut("oneOf") {
        ways.retain(|way| way.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = ways.as_slice() {
            let only = only.clone();
            fields.remove("oneOf");
            for (name, value) in only {
                // The field's own words stay.
                fields.entry(name).or_insert(value);
            }
        }
    }
    if let Some(items) = fields.get_mut("items") {
        never_null(items);
    }
    for property in fields
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        never_null(property.1);
    }
}
