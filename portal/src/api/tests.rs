//! The document says what is so, and the gate holds requests to it.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path};

use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::Request,
};
use otpost_conf::{PortalConfig, PortalLimits};
use otpost_ipc::{
    Role,
    admin::{
        AccessSet, AdminSet, ClientSet, MailSet, PortalSet, ResourceSettings, SelfServiceSettings,
        SmsPolicySet, UserAdd, UserSet,
    },
};
use serde::Serialize;
use serde_json::{Map, json};
use tower_service::Service;

use super::*;
use crate::{
    Backend, Site, Surface,
    web::{self, Shed},
};

const KEY: &str = "Bearer otpost_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn document() -> Value {
    document::finish(&described().into_openapi())
}

fn site() -> Site {
    let limits = PortalLimits {
        requests_per_second: 1000,
        burst: 1000,
    };
    let address = "127.0.0.1".parse().unwrap();
    Site {
        tls: false,
        ..Site::new(
            &PortalConfig::default(),
            Surface::Console,
            address,
            Arc::new(Shed::new(&limits)),
        )
    }
}

/// An answer of the API with no daemon behind it.
struct Said {
    status: u16,
    head: axum::http::HeaderMap,
    body: Value,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.head.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap()
    }
}

async fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Said {
    let app = Arc::new(App {
        backend: Backend::new(Path::new("/nonexistent/portal.sock"), Role::Portal),
        self_service_url: None,
        console_url: None,
        fingerprint: None,
    });
    let mut router = web::wrap(routes(), app, Arc::new(site()));
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body.into()).unwrap();
    let peer: SocketAddr = "127.0.0.1:4711".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let octets = to_bytes(body, 1 << 20).await.unwrap();
    Said {
        status: parts.status.as_u16(),
        head: parts.headers,
        body: serde_json::from_slice(&octets).unwrap_or_default(),
    }
}

async fn json(method: &str, path: &str, body: &str) -> Said {
    let headers = [("authorization", KEY), ("content-type", "application/json")];
    ask(method, path, &headers, body.to_owned()).await
}

/// What each request of administrators is called, from the enum itself.
fn variants() -> BTreeSet<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/ipc/src/admin.rs");
    let text = fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once("pub enum AdminOp {\n").unwrap();
    let (block, _) = rest.split_once("\n}\n").unwrap();
    let names: BTreeSet<String> = (block.lines())
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect();
    assert!(
        names.len() > 50 && names.contains("Status") && names.contains("AuditVerify"),
        "{names:?}"
    );
    names
}

#[test]
fn every_request_of_administrators_has_a_route() {
    // The first administrator has no key to ask with: the link is printed on the daemon's host.
    let exempt = "SetupLink";
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api");
    let mut handled = BTreeSet::new();
    let mut handlers = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        for part in code.split("AdminOp::").skip(1) {
            handled.insert(
                part.chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect::<String>(),
            );
        }
        handlers += code.matches("#[utoipa::path(").count();
    }
    let mut wanted = variants();
    assert!(wanted.remove(exempt));
    assert_eq!(handled, wanted);
    // A handler without a route would be described nowhere.
    let paths = document();
    let described: usize = paths["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(described, handlers + 1, "one more for the document itself");
}

fn fields(schema: &Value) -> BTreeSet<&str> {
    schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn bodies_that_are_read_as_the_daemon_s_types_have_all_their_fields_and_no_others() {
    fn same<T: Serialize + Default>(document: &Value, name: &str, but: &[&str]) {
        let Value::Object(own) = serde_json::to_value(T::default()).unwrap() else {
            panic!()
        };
        let own: BTreeSet<&str> = own
            .keys()
            .map(String::as_str)
            .filter(|key| !but.contains(key))
            .collect();
        assert_eq!(fields(&document["components"]["schemas"][name]), own, "{name}");
    }
    let document = document();
    same::<UserAdd>(&document, "UserNew", &[]);
    same::<UserSet>(&document, "UserChange", &["user"]);
    same::<ResourceSettings>(&document, "ResourceSettings", &[]);
    same::<ResourceSettings>(&document, "ResourceNew", &[]);
    same::<SelfServiceSettings>(&document, "SelfService", &[]);
    same::<AccessSet>(&document, "Access", &[]);
    same::<ClientSet>(&document, "ClientSettings", &[]);
    same::<SmsPolicySet>(&document, "SmsPolicy", &[]);
    same::<AdminSet>(&document, "AdministratorChange", &["login"]);
    same::<MailSet>(&document, "MailChange", &[]);
    same::<PortalSet>(&document, "PortalChange", &[]);
}

/// Holds `value` against `schema` both ways: nothing is there that is not described.
fn described_in_full(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(place) => document.pointer(&place[1..]).unwrap(),
        None => schema,
    };
    if let Some(ways) = schema["oneOf"].as_array() {
        if !value.is_null() {
            let way = ways.iter().find(|way| way["type"] != "null").unwrap();
            described_in_full(document, way, value, at);
        }
        return;
    }
    match value {
        Value::Object(own) => {
            let keys: BTreeSet<&str> = own.keys().map(String::as_str).collect();
            let mut known = fields(schema);
            if !keys.contains("after") {
                known.remove("after");
            }
            // Answers leave the name of settings out: it stands beside them.
            if at.ends_with("settings") {
                known.remove("name");
            }
            assert_eq!(keys, known, "{at}");
            for (key, inner) in own {
                described_in_full(
                    document,
                    &schema["properties"][key],
                    inner,
                    &format!("{at}.{key}"),
                );
            }
        }
        Value::Array(items) => {
            assert_eq!(schema["type"], "array", "{at}");
            if schema.get("prefixItems").is_none() {
                items
                    .iter()
                    .for_each(|item| described_in_full(document, &schema["items"], item, at));
            }
        }
        _ => {}
    }
}

/// One answer of each kind, with something in every list.
fn answers() -> Vec<(&'static str, &'static str, Value)> {
    let token = json!({ "id": "00", "user": "alice", "name": "SMS", "kind": "sms", "phone": "+49", "digits": 6,
        "status": "active", "verified": true, "resources": ["vpn"] });
    let user = json!({ "login": "alice", "aliases": ["al"], "groups": ["staff"], "email": null, "password": true, "resources": ["vpn"],
        "locked": null, "bypass-until": null, "failures": 0, "tokens": [token] });
    let settings = json!({ "self-service": { "actions": ["enroll"], "kinds": ["sms"] },
        "access": { "hours": ["daily 08:00-18:00"], "reply": ["Class = a"] } });
    let resource = json!({ "name": "vpn", "settings": settings, "users": 1 });
    let client = json!({ "name": "gw", "networks": ["192.0.2.1/32"], "resource": "vpn",
        "message-authenticator": "require", "first-factor": "local", "signed": 1, "unsigned": 2,
        "set": { "nas": "", "flow": "append", "reply": ["Class = a"] } });
    let row = json!({ "seq": 1, "at": 2, "kind": "k", "reason": "r", "ref": "x", "user": "u", "resource": "v",
        "via": "w", "source": "s", "detail": "d" });
    let enrolment = json!({ "id": "00", "kind": "sms", "name": "", "phone": "+49", "totp": null, "uri": null,
        "state": "done", "ask": { "methods": [{ "method": "sms", "name": "" }] }, "why": "", "replaces": false,
        "token": {}, "codes": ["a"] });
    let message = json!({ "id": "00", "kind": "test", "phone": "", "state": "queued", "tried": ["a"], "detail": "",
        "created": 1, "ref": "x" });
    let provider = json!({ "name": "a", "kind": "http", "priority": 1, "enabled": true, "sender": "" });
    let overview = json!({ "series": [{}], "reasons": [["wrong", 1]], "texts": [["failed", 1]], "providers": [{}],
        "locked": ["a"], "status": {} });
    let link = json!({ "link": "l", "until": 1, "mailed": true });
    let tagged = |tag: &str, mut value: Value| {
        value["re"] = json!(tag);
        value
    };
    vec![
        ("get", "/status", tagged("status", json!({}))),
        ("get", "/overview", tagged("overview", overview)),
        ("get", "/portal", tagged("portal", json!({}))),
        ("get", "/mail", tagged("mail", json!({}))),
        ("post", "/mail/test", json!({ "re": "done", "message": "m" })),
        (
            "get",
            "/login/explain",
            json!({ "re": "explained", "outcome": "ask", "reason": "r", "text": "t" }),
        ),
        (
            "get",
            "/users",
            json!({ "re": "users", "users": [user], "more": false, "after": "alice" }),
        ),
        ("get", "/users/{login}", tagged("user", user)),
        (
            "get",
            "/users/{login}/sessions",
            json!({ "re": "sessions", "sessions": [{}] }),
        ),
        (
            "post",
            "/users/{login}/one-day-code",
            json!({ "re": "one-day-code", "code": "c", "until": 1 }),
        ),
        (
            "post",
            "/users/{login}/recovery-codes",
            json!({ "re": "recovery-codes", "codes": ["c"] }),
        ),
        ("post", "/users/{login}/invite", tagged("invited", link.clone())),
        (
            "get",
            "/users/{login}/tokens",
            json!({ "re": "tokens", "tokens": [token] }),
        ),
        ("post", "/users/{login}/tokens", tagged("token", token.clone())),
        (
            "get",
            "/tokens",
            json!({ "re": "tokens-found", "tokens": [token], "after": "alice" }),
        ),
        ("post", "/enrolments", tagged("enrolment", enrolment)),
        ("get", "/imports/{id}", tagged("import", json!({}))),
        (
            "get",
            "/imports/{id}/plan",
            json!({ "re": "import-plan", "lines": [{}], "more": false, "import": {} }),
        ),
        ("get", "/resources/{name}", tagged("resource", resource.clone())),
        (
            "get",
            "/resources",
            json!({ "re": "resources", "resources": [resource], "more": false }),
        ),
        (
            "get",
            "/radius-clients",
            json!({ "re": "clients", "clients": [client], "more": false }),
        ),
        (
            "patch",
            "/radius-clients/{name}",
            tagged("client", client.clone()),
        ),
        (
            "post",
            "/radius-clients",
            json!({ "re": "client-secret", "client": client, "secret": "s" }),
        ),
        (
            "get",
            "/radius-sessions",
            json!({ "re": "accounting", "sessions": [{ "client": "gw", "user": "alice", "session": "42",
                "station": "s", "framed": "f", "started": 1, "seen": 2, "ended": null, "octets-in": 3,
                "octets-out": 4 }] }),
        ),
        (
            "get",
            "/users/{login}/remembered",
            json!({ "re": "remembered", "entries": [{ "id": "0a", "user": "alice", "resource": "vpn",
                "service": "gw", "source": "192.0.2.9", "since": 1, "until": 2 }] }),
        ),
        (
            "get",
            "/sources",
            json!({ "re": "sources", "sources": [{ "name": "corp", "kind": "ldap", "servers": ["a"], "settings": "{}",
                "used-by": ["gw"] }], "more": false }),
        ),
        (
            "post",
            "/sources/{name}/test",
            json!({ "re": "source-tested", "outcome": "passed", "groups": ["a"], "server": "s", "milliseconds": 1,
                "detail": "" }),
        ),
        (
            "get",
            "/sms/providers",
            json!({ "re": "providers", "providers": [provider] }),
        ),
        (
            "get",
            "/sms/policy",
            tagged("sms-policy", json!({ "countries": ["DE"] })),
        ),
        (
            "post",
            "/sms/test",
            json!({ "re": "send-test", "state": "s", "provider": "p", "provider_id": null, "detail": "" }),
        ),
        (
            "get",
            "/sms/messages",
            json!({ "re": "messages", "messages": [message], "more": false }),
        ),
        (
            "get",
            "/audit",
            json!({ "re": "audit-found", "rows": [row], "before": 1 }),
        ),
        ("get", "/audit/tail", json!({ "re": "audit", "rows": [row] })),
        (
            "get",
            "/audit/verify",
            json!({ "re": "audit-verified", "rows": 1, "head": "00", "broken_at": null }),
        ),
        (
            "get",
            "/administrators",
            json!({ "re": "admins", "admins": [{}] }),
        ),
        ("patch", "/administrators/{login}", tagged("admin", json!({}))),
        ("post", "/administrators", tagged("admin-link", link)),
        ("get", "/api-keys", json!({ "re": "api-keys", "keys": [{}] })),
        (
            "post",
            "/api-keys",
            json!({ "re": "api-key-secret", "key": {}, "secret": "s" }),
        ),
    ]
}

#[test]
fn first_factors_are_written_as_the_daemon_reads_them() {
    let document = document();
    let schema = &document["components"]["schemas"]["FirstFactor"];
    let pattern = regex::Regex::new(schema["pattern"].as_str().unwrap()).unwrap();
    for good in [
        "local",
        "stack",
        "ldap:corp",
        "local,ldap:corp,radius:nps-1",
        "radius:a.b_c,local",
    ] {
        assert!(pattern.is_match(good), "{good}");
    }
    for bad in [
        "",
        "none",
        "stack,local",
        "local,stack",
        "ldap:",
        "ldap:a b",
        "local,",
        ",local",
        "http:x",
    ] {
        assert!(!pattern.is_match(bad), "{bad}");
    }
}

#[test]
fn answers_hold_what_is_described_and_nothing_else() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (method, path, reply) in answers() {
        seen.insert(reply["re"].as_str().unwrap().to_owned());
        let reply: AdminReply = serde_json::from_value(reply).unwrap();
        let responses = &document["paths"][path][method]["responses"];
        let good = ["200", "201"]
            .iter()
            .find_map(|status| responses.get(status))
            .unwrap();
        let schema = &good["content"]["application/json"]["schema"];
        let body = body(&reply).unwrap();
        described_in_full(&document, schema, &body, path);
        // Words that stand for nothing are of the document too.
        if let Some(nas) = body.pointer("/clients/0/settings/nas") {
            assert_eq!(nas, "none");
        }
    }
    // As many as the daemon has.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/ipc/src/admin.rs");
    let text = fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once("pub enum AdminReply {\n").unwrap();
    let (block, _) = rest.split_once("\n}\n").unwrap();
    let kinds = (block.lines())
        .filter(|line| {
            line.strip_prefix("    ")
                .is_some_and(|line| line.starts_with(char::is_uppercase))
        })
        .count();
    assert_eq!(seen.len(), kinds);
}

/// Calls `look` with every object of `value`.
fn walk(value: &Value, look: &mut dyn FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(own) => {
            look(own);
            own.values().for_each(|inner| walk(inner, look));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, look)),
        _ => {}
    }
}

#[test]
fn the_document_holds_together() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    walk(&document, &mut |object| {
        if let Some(place) = object.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(&place[1..]).is_some(), "{place}");
        }
        if let Some(pattern) = object.get("pattern").and_then(Value::as_str) {
            assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
            assert!(pattern.starts_with('^') && pattern.ends_with('$'), "{pattern}");
        }
    });
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|text| !text.ends_with('.')),
                "{at}"
            );
            assert!(
                names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{at}"
            );
            let given = operation["parameters"].as_array().into_iter().flatten();
            let inside: BTreeSet<&str> = given
                .clone()
                .filter(|p| p["in"] == "path")
                .map(|p| p["name"].as_str().unwrap())
                .collect();
            let named: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(inside, named, "{at}");
            for parameter in given {
                assert!(
                    ["path", "query"].contains(&parameter["in"].as_str().unwrap()),
                    "{at}"
                );
                assert_ne!(parameter["description"], Value::Null, "{at}");
            }
            let made = &operation["responses"]["201"];
            assert!(
                made.is_null() || made["links"].as_object().is_some_and(|links| !links.is_empty()),
                "{at}"
            );
        }
    }
}

#[test]
fn what_is_asked_has_limits_that_the_gate_knows() {
    const KNOWN: [&str; 21] = [
        "$ref",
        "type",
        "enum",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "required",
        "additionalProperties",
        "oneOf",
        "format",
        "description",
        "example",
        "default",
        "title",
        "propertyNames",
    ];
    fn look(schema: &Value, at: &str) {
        let own = schema.as_object().unwrap();
        for key in own.keys() {
            assert!(KNOWN.contains(&key.as_str()), "{at}: {key} is not enforced");
        }
        assert!(schema["type"] != json!(["string", "null"]), "{at}");
        match schema["type"].as_str() {
            Some("integer") => assert!(own.contains_key("minimum") && own.contains_key("maximum"), "{at}"),
            Some("string") => assert!(own.contains_key("maxLength") || own.contains_key("enum"), "{at}"),
            _ => {}
        }
        for (name, inner) in own
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            look(inner, &format!("{at}.{name}"));
        }
        if let Some(items) = own.get("items") {
            look(items, at);
        }
    }
    let document = document();
    let mut bodies = 0;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if schema["additionalProperties"] == json!(false) || schema["type"] == "string" {
            look(schema, name);
            bodies += 1;
        }
    }
    assert!(bodies > 30);
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                look(&parameter["schema"], path);
            }
            if let Some(body) = operation["requestBody"]["content"]["application/json"].as_object() {
                let place = body["schema"]["$ref"].as_str().unwrap();
                let schema = document.pointer(&place[1..]).unwrap();
                assert_eq!(schema["additionalProperties"], false, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn the_document_is_for_everybody_and_nothing_else_is() {
    let open = ask("GET", "/api/v1/openapi.json", &[], "").await;
    assert_eq!(
        (open.status, open.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(open.body, document());
    for (path, item) in document()["paths"].as_object().unwrap() {
        if path == "/openapi.json" {
            continue;
        }
        let path = format!("{PREFIX}{}", path.replace(['{', '}'], ""));
        for method in item.as_object().unwrap().keys() {
            let said = ask(&method.to_uppercase(), &path, &[], "").await;
            assert_eq!(said.status, 401, "{method} {path}");
            assert_eq!(said.header("www-authenticate"), "Bearer realm=\"otpost\"");
            assert_eq!(said.header("content-type"), "application/problem+json");
        }
    }
}

#[tokio::test]
async fn a_key_comes_in_one_header_and_looks_like_one() {
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer abc",
        "Basic otpost_abc",
        "otpost_abc",
        "Bearer otpost_a b",
    ] {
        let said = ask("GET", "/api/v1/status", &[("authorization", value)], "").await;
        assert_eq!(said.status, 401, "{value}");
        assert!(said.header("www-authenticate").contains("invalid_token"));
    }
    let twice = [("authorization", KEY), ("authorization", KEY)];
    assert_eq!(ask("GET", "/api/v1/status", &twice, "").await.status, 401);
    let cookie = [("cookie", "__Host-admin=abc; admin=abc")];
    assert_eq!(ask("GET", "/api/v1/status", &cookie, "").await.status, 401);
    // A good one goes to the daemon, which is not there.
    let said = ask("GET", "/api/v1/status", &[("authorization", KEY)], "").await;
    assert_eq!((said.status, said.header("retry-after")), (503, "5"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_place_and_rule() {
    let why = r#"{"why":"#;
    for (method, path, body, status, detail) in [
        (
            "POST",
            "/users/alice/lock",
            "{",
            400,
            "the body is no JSON (line 1, column 1)",
        ),
        ("POST", "/users/alice/lock", "{}", 400, "body.why is missing"),
        (
            "POST",
            "/users/alice/lock",
            r#"{"why":"a","whom":"b"}"#,
            400,
            "body has a field that is not known; known are: why",
        ),
        (
            "POST",
            "/users/alice/lock",
            &format!("{why}\"{}\"}}", "a".repeat(201)),
            400,
            "body.why has at most 200 characters",
        ),
        (
            "POST",
            "/users/alice/lock",
            &format!("{why}\"{}\"}}", "a".repeat(40_000)),
            413,
            "the body is too large",
        ),
        (
            "POST",
            "/users/a%2Fb/lock",
            "{}",
            400,
            r#"login is not of the form ^[^\x00-\x20\x7f-\xa0/:*?"<>|&^`]+$"#,
        ),
        ("POST", "/users/%FF/lock", "{}", 400, "the path is no UTF-8 text"),
        (
            "POST",
            "/users/alice/bypass",
            r#"{"seconds":259201}"#,
            400,
            "body.seconds is at most 259200",
        ),
        (
            "POST",
            "/users/alice/bypass",
            r#"{"seconds":1.5}"#,
            400,
            "body.seconds is of type integer",
        ),
        (
            "POST",
            "/users/alice/bypass",
            r#"{"seconds":1e30}"#,
            400,
            "body.seconds is of type integer",
        ),
        (
            "POST",
            "/users/alice/bypass",
            r#"{"seconds":259201.0}"#,
            400,
            "body.seconds is at most 259200",
        ),
        (
            "POST",
            "/users/alice/bypass",
            r#"{"seconds":-1}"#,
            400,
            "body.seconds is at least 0",
        ),
        (
            "PATCH",
            "/users/alice",
            r#"{"password":"short"}"#,
            400,
            "body.password has at least 6 characters",
        ),
        (
            "PATCH",
            "/users/alice",
            r#"{"email":null}"#,
            400,
            "body.email is of type string",
        ),
        ("PATCH", "/tokens/1", "{}", 400, "id has at least 32 characters"),
        ("GET", "/users?limit=201", "", 400, "limit is at most 200"),
        ("GET", "/users?limit=+1", "", 400, "limit is of type integer"),
        ("GET", "/users?limit=1&limit=2", "", 400, "limit is there twice"),
        (
            "GET",
            "/users?state=lost",
            "",
            400,
            "state is one of: locked, bypassed, no-token, no-way-in",
        ),
        (
            "GET",
            "/users?in=login&state=locked",
            "",
            422,
            "in=login cannot go with resource or state",
        ),
        ("GET", "/login/explain?user=alice", "", 400, "service is missing"),
        (
            "GET",
            "/radius-sessions?ended=yes",
            "",
            400,
            "ended is of type boolean",
        ),
        (
            "PATCH",
            "/radius-clients/gw",
            r#"{"settings":{"flow":"ask"}}"#,
            400,
            "body.settings.flow is one of: challenge, append, two-pass, code-only",
        ),
        (
            "PATCH",
            "/radius-clients/gw",
            r#"{"first-factor":"stack,local"}"#,
            400,
            "body.first-factor is not of the form that is described",
        ),
        (
            "PATCH",
            "/radius-clients/gw",
            r#"{"set":{}}"#,
            400,
            "body has a field that is not known; known are: first-factor, message-authenticator, networks, resource, \
             secret, settings, weak-secret",
        ),
        (
            "PATCH",
            "/resources/vpn",
            r#"{"access":{"remember-minutes":1441}}"#,
            400,
            "body.access.remember-minutes is at most 1440",
        ),
        (
            "PATCH",
            "/users/alice",
            r#"{"groups":["a,b"]}"#,
            400,
            r"body.groups[0] is not of the form ^[^\x00-\x1f\x7f-\x9f,]+$",
        ),
        (
            "GET",
            "/status?x=1",
            "",
            400,
            "a parameter is not known; known are: ",
        ),
    ] {
        let said = json(method, &format!("{PREFIX}{path}"), body).await;
        assert_eq!((said.status, said.detail()), (status, detail), "{method} {path}");
        assert_eq!(said.body["type"], "about:blank");
        assert_eq!(said.body["status"], status);
        assert_eq!(said.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn kinds_of_body_and_methods_are_checked() {
    let body = r#"{"why":"a"}"#;
    for (kind, status) in [
        ("", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=latin1", 415),
        ("application/json; charset=UTF-8", 503),
        ("Application/JSON", 503),
    ] {
        let headers = [("authorization", KEY), ("content-type", kind)];
        let said = ask("POST", "/api/v1/users/alice/lock", &headers, body).await;
        assert_eq!(said.status, status, "{kind}");
    }
    let said = json("POST", "/api/v1/imports", "{}").await;
    assert_eq!(
        (said.status, said.detail()),
        (415, "the body must be text/csv; say so in Content-Type")
    );
    let said = json("PUT", "/api/v1/users/alice", "{}").await;
    assert_eq!(said.status, 405);
    let allowed: BTreeSet<&str> = said.header("allow").split(',').map(str::trim).collect();
    assert_eq!(allowed, BTreeSet::from(["DELETE", "GET", "HEAD", "PATCH"]));
    let said = json("GET", "/api/v1/nothing", "").await;
    assert_eq!(
        (said.status, said.header("content-type")),
        (404, "application/problem+json")
    );
}

#[test]
fn names_stand_in_paths_as_they_must() {
    assert_eq!(segment("Office VPN/2?"), "Office%20VPN%2F2%3F");
    assert_eq!(segment("müller-1_2.3~"), "m%C3%BCller-1_2.3~");
}
