//! The REST API of the real programs: every operation once, keys and their scope, and schemathesis against the document.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_tests::pamstack::wait_for;
use otpost_tests::site::{Site, everything};
use otpost_tests::stack::{PASSWORD, SECRET, Stack, number};
use otpost_tests::{radclient, skip};
use serde_json::{Value, json};

/// Examples per operation, unless `OTPOST_API_EXAMPLES` says otherwise.
const EXAMPLES: &str = "4";

/// An answer.
#[derive(Debug)]
struct Said {
    status: u16,
    head: BTreeMap<String, String>,
    body: Value,
    text: String,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.head.get(name).map_or("", String::as_str)
    }

    fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("no {pointer} in {}", self.body))
            .to_owned()
    }
}

/// Somebody with a key.
struct Api {
    host: String,
    key: String,
    /// Method and path of what succeeded.
    done: RefCell<Vec<(String, String)>>,
}

impl Api {
    fn new(site: &Site, key: &str) -> Self {
        Self {
            host: site.console.trim_start_matches("http://").to_owned(),
            key: key.to_owned(),
            done: RefCell::default(),
        }
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Said {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let kind = if kind.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {kind}\r\n")
        };
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.host,
            self.key,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut octets = Vec::new();
        stream.read_to_end(&mut octets).unwrap();
        let text = String::from_utf8(octets).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let said = Said {
            status,
            head: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: serde_json::from_str(body).unwrap_or_default(),
            text: body.to_owned(),
        };
        if (200..300).contains(&status) {
            let path = path.split('?').next().unwrap_or_default();
            self.done
                .borrow_mut()
                .push((method.to_lowercase(), path.to_owned()));
        }
        said
    }

    fn get(&self, path: &str) -> Said {
        self.good(200, "GET", path, None)
    }

    /// Sends JSON, where there is some, and expects `status`.
    #[track_caller]
    fn good(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Said {
        let said = match body {
            Some(body) => self.send(method, path, "application/json", &body.to_string()),
            None => self.send(method, path, "", ""),
        };
        assert_eq!(said.status, status, "{method} {path}: {}", said.text);
        said
    }
}

fn key(stack: &Stack, name: &str, role: &str, resources: &[&str]) -> String {
    let made = stack.admin(AdminOp::ApiKeyAdd {
        name: name.to_owned(),
        role: role.to_owned(),
        resources: resources.iter().map(|&name| name.to_owned()).collect(),
        days: Some(1),
    });
    match made {
        AdminReply::ApiKeySecret { secret, .. } => secret.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn stack() -> Stack {
    let stack = Stack::new();
    stack.inbox();
    stack.resource("Office VPN", everything("office"));
    stack.resource("lab", everything("lab"));
    stack.user("alice", 1111, &["Office VPN"]);
    stack.user("bob", 2222, &["lab"]);
    // What a client protects cannot be deleted.
    stack.client("keeper", "198.51.100.7", "Office VPN", "local");
    stack
}

/// Whether `path` is one of `template`.
fn is_of(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path
            .iter()
            .zip(&template)
            .all(|(own, wanted)| wanted.starts_with('{') || own == wanted)
}

/// What is described and was not done.
fn left(document: &Value, done: &[(String, String)]) -> BTreeSet<String> {
    let mut left = BTreeSet::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if !done.iter().any(|(own, path)| {
                // A name of the collection's own, such as /audit/tail, is no {name}.
                own == method && is_of(path, template)
            }) {
                left.insert(format!("{method} {template}"));
            }
        }
    }
    left
}

fn people(api: &Api, stack: &Stack) {
    let made = api.good(
        201,
        "POST",
        "/users",
        Some(json!({
            "login": "Carol", "aliases": ["cc"], "password": "correct horse", "email": "carol@example.com",
            "first-name": "Carol", "last-name": "Weiß", "resources": ["office vpn"],
        })),
    );
    assert_eq!(made.header("location"), "/api/v1/users/carol");
    assert_eq!(api.get("/users/cc").text("/first-name"), "Carol");
    assert_eq!(api.get("/users/CORP%5Ccarol").text("/login"), "carol");
    let changed = api.good(
        200,
        "PATCH",
        "/users/carol",
        Some(json!({ "last-name": "Meier", "email": "" })),
    );
    assert_eq!(
        (changed.text("/last-name"), &changed.body["email"]),
        ("Meier".to_owned(), &Value::Null)
    );
    assert_eq!(
        api.get("/users?search=meier&limit=1").text("/users/0/login"),
        "carol"
    );
    assert_eq!(
        api.get("/users?in=login&search=car").text("/users/0/login"),
        "carol"
    );
    assert_eq!(
        api.get("/users?resource=lab").body["users"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    api.good(200, "PUT", "/users/carol/resources/lab", None);
    assert_eq!(
        api.get("/users/carol").body["resources"],
        json!(["Office VPN", "lab"])
    );
    api.good(200, "DELETE", "/users/carol/resources/lab", None);
    api.good(
        200,
        "POST",
        "/users/carol/lock",
        Some(json!({ "why": "phone lost" })),
    );
    assert_eq!(
        api.get("/users?state=locked").text("/users/0/locked"),
        "by an administrator: phone lost"
    );
    api.good(200, "POST", "/users/carol/unlock", None);
    api.good(200, "POST", "/users/carol/bypass", Some(json!({ "seconds": 60 })));
    assert!(api.get("/users/carol").body["bypass-until"].is_u64());
    api.good(200, "POST", "/users/carol/bypass", Some(json!({ "seconds": 0 })));
    assert_eq!(api.get("/users/carol/sessions").body, json!({ "sessions": [] }));
    api.good(200, "POST", "/users/carol/sign-out", None);
    assert!(
        !api.good(200, "POST", "/users/carol/one-day-code", None)
            .text("/code")
            .is_empty()
    );
    let codes = api.good(200, "POST", "/users/carol/recovery-codes", None);
    assert_eq!(codes.body["codes"].as_array().unwrap().len(), 10);
    let invited = api.good(
        200,
        "POST",
        "/users/carol/invite",
        Some(json!({ "resource": "Office VPN" })),
    );
    assert!(invited.text("/link").contains("/s/office?invite="));

    let begun = api.good(
        201,
        "POST",
        "/enrolments",
        Some(json!({
            "user": "carol", "resource": "Office VPN", "phone": number(3333), "name": "Carol's phone",
        })),
    );
    let place = begun
        .header("location")
        .strip_prefix("/api/v1")
        .unwrap()
        .to_owned();
    assert_eq!(api.get(&place).text("/state"), "open");
    let code = wait_for("the code", || {
        stack
            .texts()
            .into_iter()
            .find(|text| text.to == number(3333))
            .map(|text| text.code())
    });
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let tried = api.good(
        200,
        "POST",
        &format!("{place}/confirm"),
        Some(json!({ "code": wrong })),
    );
    assert_eq!(
        (tried.text("/state"), tried.text("/why")),
        ("open".to_owned(), "wrong".to_owned())
    );
    let done = api.good(
        200,
        "POST",
        &format!("{place}/confirm"),
        Some(json!({ "code": code })),
    );
    assert_eq!(done.text("/state"), "done");
    let token = api.get("/users/carol/tokens").text("/tokens/0/id");
    assert_eq!(done.text("/token/id"), token);
    let renamed = api.good(
        200,
        "PATCH",
        &format!("/tokens/{token}"),
        Some(json!({ "status": "disabled", "name": "Old" })),
    );
    assert_eq!(
        (renamed.text("/name"), renamed.text("/status")),
        ("Old".to_owned(), "disabled".to_owned())
    );
    assert_eq!(api.get("/tokens?search=carol").text("/tokens/0/id"), token);
    api.good(200, "DELETE", &format!("/tokens/{token}"), None);
    let made = api.good(
        201,
        "POST",
        "/users/carol/tokens",
        Some(json!({ "phone": number(4444), "digits": 8 })),
    );
    assert_eq!(
        (made.body["digits"].as_u64(), made.text("/phone").contains("4444")),
        (Some(8), false)
    );
    api.good(
        409,
        "POST",
        "/enrolments",
        Some(json!({
            "user": "carol", "resource": "Office VPN", "phone": number(3333),
        })),
    );
}

fn file(api: &Api) {
    let lines: String = (0..2000)
        .map(|n| format!("user-{n},\"User, {n}\",Office VPN\n"))
        .collect();
    let csv = format!("login,first-name,resource\n{lines}alice,Alice,nowhere\n");
    assert!(csv.len() > 64 * 1024, "several parts");
    let put = api.send("POST", "/imports", "text/csv; charset=utf-8", &csv);
    assert_eq!(put.status, 201, "{}", put.text);
    let place = put.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let planned = wait_for("the plan", || {
        Some(api.get(&place)).filter(|said| said.body["state"] == "planned")
    });
    assert_eq!(
        (planned.body["add"].as_u64(), planned.body["bad"].as_u64()),
        (Some(2000), Some(1))
    );
    let bad = api.get(&format!("{place}/plan?only=bad"));
    assert_eq!(bad.body["lines"][0]["line"], 2002);
    api.good(
        202,
        "POST",
        &format!("{place}/apply"),
        Some(json!({ "atomic": false })),
    );
    wait_for("the import", || {
        Some(api.get(&place)).filter(|said| said.body["state"] == "done")
    });
    assert_eq!(api.get("/users/user-1999").text("/first-name"), "User, 1999");
}

fn things(api: &Api) {
    let made = api.good(
        201,
        "POST",
        "/resources",
        Some(json!({
            "name": "Düne / 2", "digits": 8, "self-service": { "address": "duene", "actions": ["all"] },
        })),
    );
    assert_eq!(made.header("location"), "/api/v1/resources/D%C3%BCne%20%2F%202");
    let place = "/resources/d%C3%BCne%20%2F%202";
    assert_eq!(api.get(place).body["settings"]["digits"], 8);
    let changed = api.good(
        200,
        "PATCH",
        place,
        Some(json!({ "name": "dune", "region": "AT", "tries": 3.0 })),
    );
    assert_eq!(
        (changed.text("/name"), changed.body["settings"]["tries"].as_u64()),
        ("dune".to_owned(), Some(3))
    );
    assert_eq!(
        api.get("/resources?after=e").body["resources"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let client = api.good(
        201,
        "POST",
        "/radius-clients",
        Some(json!({
            "name": "gw-1", "networks": ["192.0.2.1", "2001:db8::/64"], "resource": "dune",
        })),
    );
    assert!(client.text("/secret").len() >= 16);
    let listed = api.get("/radius-clients");
    assert_eq!(listed.text("/clients/1/name"), "gw-1");
    assert!(!listed.text.contains(&client.text("/secret")), "shown once");
    let changed = api.good(
        200,
        "PATCH",
        "/radius-clients/gw-1",
        Some(json!({
            "networks": ["192.0.2.0/24"], "message-authenticator": "off",
            "settings": { "nas": "openvpn", "separator": ",", "reply": ["Class = staff"] },
        })),
    );
    assert_eq!(
        (
            changed.text("/networks/0"),
            changed.text("/message-authenticator")
        ),
        ("192.0.2.0/24".to_owned(), "off".to_owned())
    );
    let settings = &changed.body["settings"];
    assert_eq!(
        (&settings["flow"], &settings["separator"], &settings["reply"]),
        (&json!("append"), &json!(","), &json!(["Class = staff"])),
        "the product's habits, and what stands beside them"
    );
    let why = api.good(
        422,
        "PATCH",
        "/radius-clients/gw-1",
        Some(json!({ "settings": { "reply": ["No-Such-Attribute = 1"] } })),
    );
    assert!(why.text("/detail").contains("No-Such-Attribute"));
    let why = api.good(
        422,
        "POST",
        "/radius-clients",
        Some(json!({
            "name": "gw-2", "networks": ["198.51.100.1"], "resource": "dune", "secret": "short",
        })),
    );
    assert!(why.text("/detail").contains("at least 16"));
    api.good(409, "DELETE", "/resources/dune", None);
    api.good(200, "DELETE", "/radius-clients/gw-1", None);
    api.good(200, "DELETE", "/resources/dune", None);
    api.good(404, "GET", "/resources/dune", None);
}

fn texts(api: &Api, stack: &Stack) {
    let path = stack.dir().join("second.jsonl");
    let made = api.good(
        201,
        "POST",
        "/sms/providers",
        Some(json!({
            "name": "second", "kind": "file", "priority": 1, "config": { "path": path },
        })),
    );
    assert_eq!(made.header("location"), "/api/v1/sms/providers/second");
    assert_eq!(api.get("/sms/providers").text("/providers/0/name"), "second");
    api.good(
        200,
        "PATCH",
        "/sms/providers/second",
        Some(json!({ "priority": 2, "enabled": true })),
    );
    let sent = api.good(
        200,
        "POST",
        "/sms/test",
        Some(json!({ "phone": number(9999), "provider": "second" })),
    );
    assert_eq!(
        (sent.text("/state"), sent.text("/provider")),
        ("accepted".to_owned(), "second".to_owned())
    );
    assert!(fs::read_to_string(&path).unwrap().contains(&number(9999)));
    assert_eq!(api.get("/sms/messages?limit=1").text("/messages/0/kind"), "test");
    api.good(200, "DELETE", "/sms/providers/second", None);
    let policy = api.good(
        200,
        "PATCH",
        "/sms/policy",
        Some(json!({ "countries": ["DE", "AT"] })),
    );
    assert_eq!(policy.body["countries"], json!(["AT", "DE"]));
    assert_eq!(api.get("/sms/policy").body, policy.body);
}

fn sources(api: &Api) {
    let config = json!({ "urls": ["ldap://127.0.0.1:1"], "bind": { "dn": "uid={user},dc=example,dc=com" } });
    let made = api.good(
        201,
        "POST",
        "/sources",
        Some(json!({ "name": "corp", "kind": "ldap", "config": config })),
    );
    assert_eq!(made.header("location"), "/api/v1/sources/corp");
    api.good(200, "PATCH", "/sources/corp", Some(json!({ "config": config })));
    assert_eq!(
        api.get("/sources").text("/sources/0/servers/0"),
        "ldap://127.0.0.1:1"
    );
    // Nobody listens there.
    let tested = api.good(
        200,
        "POST",
        "/sources/corp/test",
        Some(json!({ "user": "alice", "password": "correct horse" })),
    );
    assert_eq!(tested.text("/outcome"), "unavailable");
    api.good(200, "DELETE", "/sources/corp", None);
}

/// A code that alice gave at a VPN holds there, until it is taken back.
fn remembered(api: &Api, stack: &Stack) {
    let rules = json!({ "remember-minutes": 60, "reply": ["group staff: Class = staff"] });
    let changed = api.good(
        200,
        "PATCH",
        "/resources/Office%20VPN",
        Some(json!({ "access": rules })),
    );
    assert_eq!(changed.body["settings"]["access"]["remember-minutes"], 60);
    let changed = api.good(200, "PATCH", "/users/alice", Some(json!({ "groups": ["staff"] })));
    assert_eq!(changed.body["groups"], json!(["staff"]));
    api.good(
        200,
        "PATCH",
        "/radius-clients/door",
        Some(json!({ "settings": { "source": "calling-station-id", "accounting": true } })),
    );
    let from = format!(
        "{}, Calling-Station-Id = 192.0.2.7",
        radclient::password("alice", PASSWORD)
    );
    let ask = |attributes: &str| radclient::ask(stack.address(), SECRET, attributes, 5);
    for round in 0..2 {
        let challenge = ask(&from);
        assert!(challenge.is("Access-Challenge"), "{challenge:?}");
        let code = stack.text_after(stack.settled() - 1).code();
        let accepted = ask(&format!(
            "{}, Calling-Station-Id = 192.0.2.7",
            radclient::code("alice", &challenge.state(), &code)
        ));
        assert!(accepted.is("Access-Accept"), "{accepted:?}");
        assert_eq!(accepted.get("Class"), Some("0x7374616666"));
        assert!(ask(&from).is("Access-Accept"), "no second code");
        let listed = api.get("/users/alice/remembered");
        assert_eq!(
            (
                listed.text("/entries/0/source"),
                listed.text("/entries/0/service")
            ),
            ("192.0.2.7".to_owned(), "door".to_owned())
        );
        let since = listed.body["entries"][0]["since"].as_u64().unwrap();
        assert!(since > 1_600_000_000_000, "milliseconds: {since}");
        let place = match round {
            0 => format!("/users/alice/remembered/{}", listed.text("/entries/0/id")),
            _ => "/users/alice/remembered".to_owned(),
        };
        api.good(200, "DELETE", &place, None);
        assert_eq!(api.get("/users/alice/remembered").body, json!({ "entries": [] }));
    }
    api.good(
        404,
        "DELETE",
        "/users/alice/remembered/00112233445566778899aabbccddeeff",
        None,
    );
    let signed = api.get("/radius-clients").body["clients"][0]["signed"].clone();
    assert!(
        signed.as_u64().is_some_and(|at| at > 1_600_000_000_000),
        "{signed}"
    );
    let sessions = api.get("/radius-sessions?ended=true&user=alice");
    assert_eq!(sessions.body, json!({ "sessions": [] }));
}

fn administration(api: &Api) {
    let invited = api.good(
        201,
        "POST",
        "/administrators",
        Some(json!({ "login": "mara", "role": "owner" })),
    );
    assert!(invited.text("/link").contains("/setup/"));
    api.good(
        201,
        "POST",
        "/administrators",
        Some(json!({ "login": "noor", "role": "admin", "resources": ["lab"] })),
    );
    assert_eq!(api.get("/administrators").text("/admins/1/login"), "noor");
    let changed = api.good(
        200,
        "PATCH",
        "/administrators/noor",
        Some(json!({ "shown": "Noor", "role": "helpdesk" })),
    );
    assert_eq!(
        (changed.text("/shown"), changed.text("/role")),
        ("Noor".to_owned(), "helpdesk".to_owned())
    );
    api.good(200, "POST", "/administrators/noor/reset", None);
    api.good(200, "DELETE", "/administrators/noor", None);
    let made = api.good(
        201,
        "POST",
        "/api-keys",
        Some(json!({ "name": "sync", "role": "admin", "days": 30 })),
    );
    let secret = made.text("/secret");
    assert!(secret.starts_with("otpost_"));
    let listed = api.get("/api-keys");
    assert!(!listed.text.contains(&secret), "shown once");
    let names: Vec<&str> = listed.body["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|key| key["name"].as_str())
        .collect();
    assert_eq!(names, ["owner", "sync"]);
    api.good(200, "DELETE", "/api-keys/sync", None);
    let mail =
        json!({ "host": "127.0.0.1", "port": 1, "security": "none", "from": "otpost <otpost@example.com>" });
    assert_eq!(api.good(200, "PATCH", "/mail", Some(mail)).body["port"], 1);
    assert_eq!(api.get("/mail").text("/host"), "127.0.0.1");
    // Nobody listens there.
    api.good(
        429,
        "POST",
        "/mail/test",
        Some(json!({ "to": "mara@example.com" })),
    );
    let portal = api.good(200, "PATCH", "/portal", Some(json!({ "email-codes": false })));
    assert_eq!(api.get("/portal").body, portal.body);
}

#[test]
fn every_operation_does_what_the_document_says() {
    let mut stack = stack();
    stack.client("door", "127.0.0.1/32", "Office VPN", "local");
    stack.start_radius("127.0.0.1:0");
    let site = Site::start(&stack);
    let secret = key(&stack, "owner", "owner", &[]);
    let api = Api::new(&site, &secret);
    let document = api.get("/openapi.json").body;
    assert_eq!(document["openapi"], "3.1.0");
    people(&api, &stack);
    api.good(
        201,
        "POST",
        "/users",
        Some(json!({ "login": "dora", "resources": ["lab"] })),
    );
    let begun = api.good(
        201,
        "POST",
        "/enrolments",
        Some(json!({
            "user": "dora", "resource": "lab", "phone": number(6666),
        })),
    );
    let taken_back = api.good(200, "DELETE", &format!("/enrolments/{}", begun.text("/id")), None);
    assert_eq!(taken_back.text("/state"), "cancelled");
    api.good(200, "DELETE", "/users/dora", None);
    file(&api);
    things(&api);
    texts(&api, &stack);
    sources(&api);
    remembered(&api, &stack);
    administration(&api);
    assert_eq!(api.get("/status").text("/environment"), "development");
    assert_eq!(
        api.get("/overview?hours=2").body["series"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let explained = api.get("/login/explain?user=alice&service=sshd");
    assert_eq!(explained.text("/outcome"), "deny");
    let found = api.get("/audit?kind=admin.user-lock");
    assert_eq!(
        (found.text("/rows/0/user"), found.text("/rows/0/via")),
        ("carol".to_owned(), "admin api owner".to_owned())
    );
    assert_eq!(
        api.get("/audit/tail?limit=2").body["rows"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(api.get("/audit/verify").body["broken-at"], Value::Null);

    // The mail server is the one thing that is not there.
    let left = left(&document, &api.done.borrow());
    assert_eq!(left, BTreeSet::from(["post /mail/test".to_owned()]));
    for log in ["daemon.log", "portal.log"] {
        let log = fs::read_to_string(stack.dir().join(log)).unwrap();
        assert!(!log.contains(&secret), "a key is in a log");
        assert!(!log.contains("9999"), "a number is in a log");
    }
}

#[test]
fn a_key_reaches_as_far_as_its_role_and_scope() {
    let stack = stack();
    let site = Site::start(&stack);
    let desk = Api::new(&site, &key(&stack, "desk", "helpdesk", &["lab"]));
    let seen = desk.get("/users");
    assert_eq!(seen.body["users"].as_array().unwrap().len(), 1);
    assert_eq!(seen.text("/users/0/login"), "bob");
    desk.good(
        200,
        "POST",
        "/users/bob/lock",
        Some(json!({ "why": "asked for it" })),
    );
    desk.good(200, "POST", "/users/bob/unlock", None);
    for (method, path, body) in [
        ("GET", "/users/alice", None),
        ("GET", "/users?resource=Office%20VPN", None),
        ("GET", "/resources/Office%20VPN", None),
        ("POST", "/users/alice/lock", Some(json!({ "why": "" }))),
        ("POST", "/users/nobody/lock", Some(json!({ "why": "" }))),
        (
            "POST",
            "/users",
            Some(json!({ "login": "eve", "resources": ["lab"] })),
        ),
        ("DELETE", "/users/bob", None),
        ("GET", "/api-keys", None),
        (
            "POST",
            "/api-keys",
            Some(json!({ "name": "more", "role": "owner" })),
        ),
        ("GET", "/sms/policy", None),
        ("GET", "/audit/verify", None),
        ("PATCH", "/portal", Some(json!({}))),
    ] {
        let said = desk.good(403, method, path, body);
        assert_eq!(
            said.header("content-type"),
            "application/problem+json",
            "{method} {path}"
        );
        assert!(!said.text("/detail").is_empty() && !said.text("/ref").is_empty());
    }
    assert!(!matches!(
        stack.try_admin(AdminOp::UserShow {
            user: "eve".to_owned()
        }),
        Ok(AdminReply::User(_))
    ));

    stack.admin(AdminOp::ApiKeyRemove {
        name: "desk".to_owned(),
    });
    let gone = desk.good(401, "GET", "/users", None);
    assert_eq!(
        gone.header("www-authenticate"),
        "Bearer realm=\"otpost\", error=\"invalid_token\""
    );
    assert!(
        stack.reasons().contains(&"key".to_owned()),
        "a key that does not hold is recorded"
    );
    let guess = Api::new(&site, &format!("otpost_{}", "A".repeat(43)));
    guess.good(401, "GET", "/status", None);
    let wrong = guess.good(405, "PUT", "/users", None);
    assert!(wrong.header("allow").contains("POST"));

    // Not on the other site, and not without the daemon.
    let outside = Api {
        host: site.base.trim_start_matches("http://").to_owned(),
        ..Api::new(&site, "otpost_a")
    };
    outside.good(404, "GET", "/openapi.json", None);
    let mut stack = stack;
    stack.daemon = None;
    let away = guess.good(503, "GET", "/status", None);
    assert_eq!(away.header("retry-after"), "5");
}

/// schemathesis, where it is installed.
fn schemathesis() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/schemathesis");
    if own.is_file() {
        return Some(own);
    }
    skip("schemathesis is not installed: scripts/setup.sh check");
    None
}

/// Tries the API with what the document allows and with what it does not; gives which operations succeeded.
fn prove(stack: &Stack, site: &Site, which: &[&str]) -> Vec<(String, String)> {
    let Some(program) = schemathesis() else {
        return Vec::new();
    };
    let secret = key(stack, "prove", "owner", &[]);
    let dir = stack.dir();
    // 422 is for rules that a schema cannot express, 429 for full budgets; no failure of the server is a good answer. A 404
    // to what was just made may be for something else that the request names: every_operation sees to that.
    let config = dir.join("schemathesis.toml");
    fs::write(
        &config,
        "[checks.positive_data_acceptance]\nexpected-statuses = [\"2xx\", \"401\", \"403\", \"404\", \"409\", \"422\", \"429\"]\n\
         [checks.negative_data_rejection]\nexpected-statuses = [\"400\", \"401\", \"404\", \"405\", \"409\", \"413\", \"415\", \"422\", \"429\"]\n",
    )
    .unwrap();
    let events = dir.join("events.ndjson");
    let examples = std::env::var("OTPOST_API_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let out = Command::new(program)
        .current_dir(dir)
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{}/api/v1/openapi.json", site.console)])
        .args(["-H", &format!("Authorization: Bearer {secret}")])
        .args([
            "--checks",
            "all",
            "--exclude-checks",
            "ensure_resource_availability",
            "--generation-deterministic",
            "--seed",
            "20260729",
            "--no-color",
        ])
        .args(["--max-examples", &examples, "--request-timeout", "20"])
        .args(["--report", "ndjson", "--report-ndjson-path"])
        .arg(&events)
        .args(which)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&out.stderr)
    );
    // The key was not lost on the way, so it was not all 401.
    Api::new(site, &secret).get("/status");
    stack.admin(AdminOp::ApiKeyRemove {
        name: "prove".to_owned(),
    });
    let mut good = Vec::new();
    for line in fs::read_to_string(&events).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let recorder = &event["ScenarioFinished"]["recorder"];
        for (id, exchange) in recorder["interactions"].as_object().into_iter().flatten() {
            let case = &recorder["cases"][id]["value"];
            let status = exchange["response"]["status_code"].as_u64().unwrap_or_default();
            assert!(status < 500, "{case}: {exchange}");
            if (200..300).contains(&status) {
                let text = |name: &str| case[name].as_str().unwrap_or_default().to_lowercase();
                good.push((
                    text("method"),
                    case["path"].as_str().unwrap_or_default().to_owned(),
                ));
            }
        }
    }
    good
}

#[test]
fn schemathesis_finds_nothing() {
    if schemathesis().is_none() {
        return;
    }
    let stack = stack();
    let site = Site::start(&stack);
    // A key that deletes itself would end the run, and mail would go to servers that were made up: those two come last.
    let apart = [
        "--exclude-operation-id",
        "remove_key",
        "--exclude-operation-id",
        "change_mail",
    ];
    let good = prove(&stack, &site, &apart);
    let document = Api::new(&site, "").get("/openapi.json").body;
    let left = left(&document, &good);
    assert!(left.len() <= 20, "too little succeeded: {left:?}");
}

#[test]
fn schemathesis_finds_nothing_in_what_could_end_its_run() {
    if schemathesis().is_none() {
        return;
    }
    let stack = stack();
    let site = Site::start(&stack);
    let only = [
        "--include-operation-id",
        "remove_key",
        "--include-operation-id",
        "change_mail",
        "--phases",
        "examples,coverage,fuzzing",
    ];
    let good = prove(&stack, &site, &only);
    assert!(good.contains(&("patch".to_owned(), "/mail".to_owned())));
}
