//! Every route: read from the source, so that one without a row here fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply, Status};
use otpost_tests::http::{Answer, Http, form};
use otpost_tests::owner::Owner;
use otpost_tests::person::{self, Person};

use crate::Scene;

/// Pattern and a path that it takes, where `ENROLMENT`, `TOKEN` and `NOTHING` are ids.
type Row = (&'static str, &'static str);

const COMMON: &[Row] = &[
    ("/assets/{name}", "/assets/otpost.css"),
    ("/brand/{file}", "/brand/2a5597.css"),
    ("/favicon.ico", "/favicon.ico"),
    ("/preferences/language", "/preferences/language"),
    ("/preferences/theme", "/preferences/theme"),
];

const SELF_SERVICE: &[Row] = &[
    ("/s/{address}", "/s/vpn"),
    ("/s/{address}/mail", "/s/vpn/mail"),
    ("/s/{address}/code", "/s/vpn/code"),
    ("/s/{address}/sign-out", "/s/vpn/sign-out"),
    ("/s/{address}/home", "/s/vpn/home"),
    ("/s/{address}/add", "/s/vpn/add"),
    ("/s/{address}/add/sms", "/s/vpn/add/sms"),
    ("/s/{address}/add/totp", "/s/vpn/add/totp"),
    ("/s/{address}/enrol/{id}", "/s/vpn/enrol/ENROLMENT"),
    ("/s/{address}/enrol/{id}/number", "/s/vpn/enrol/ENROLMENT/number"),
    ("/s/{address}/confirm/{id}", "/s/vpn/confirm/NOTHING"),
    ("/s/{address}/do/{act}", "/s/vpn/do/names"),
];

const CONSOLE: &[Row] = &[
    ("/setup", "/setup?link=NOTHING"),
    ("/setup/{link}", "/setup/NOTHING"),
    ("/sign-in", "/sign-in"),
    ("/code", "/code"),
    ("/sign-out", "/sign-out"),
    ("/account", "/account"),
    ("/account/others", "/account/others"),
    ("/account/password", "/account/password"),
    ("/account/recovery", "/account/recovery"),
    ("/", "/"),
    ("/resources", "/resources"),
    ("/add/resource", "/add/resource"),
    ("/resources/{name}", "/resources/VPN"),
    ("/resources/{name}/access", "/resources/VPN/access"),
    ("/resources/{name}/policies", "/resources/VPN/policies"),
    ("/resources/{name}/users", "/resources/VPN/users"),
    ("/resources/{name}/tokens", "/resources/VPN/tokens"),
    ("/resources/{name}/radius", "/resources/VPN/radius"),
    ("/resources/{name}/activity", "/resources/VPN/activity"),
    ("/resources/{name}/invite", "/resources/VPN/invite"),
    ("/resources/{name}/remove", "/resources/VPN/remove"),
    ("/resources/{name}/self-service", "/resources/VPN/self-service"),
    (
        "/resources/{name}/self-service/actions",
        "/resources/VPN/self-service/actions",
    ),
    (
        "/resources/{name}/self-service/enrollment",
        "/resources/VPN/self-service/enrollment",
    ),
    ("/users", "/users"),
    ("/export/users.csv", "/export/users.csv"),
    ("/import", "/import"),
    ("/import/{id}", "/import/NOTHING"),
    ("/add/user", "/add/user"),
    ("/users/{login}", "/users/bruno"),
    ("/users/{login}/do/{act}", "/users/bruno/do/lock"),
    (
        "/users/{login}/enrolments/{id}",
        "/users/bruno/enrolments/NOTHING",
    ),
    ("/connections", "/connections"),
    ("/tokens", "/tokens"),
    ("/users/{login}/tokens/{id}", "/users/bruno/tokens/TOKEN"),
    (
        "/users/{login}/tokens/{id}/remove",
        "/users/bruno/tokens/TOKEN/remove",
    ),
    ("/radius", "/radius"),
    ("/add/radius", "/add/radius"),
    ("/radius/{name}", "/radius/gw"),
    ("/radius/{name}/remove", "/radius/gw/remove"),
    ("/sources", "/sources"),
    ("/add/source", "/add/source"),
    ("/sources/{name}", "/sources/corp"),
    ("/sources/{name}/test", "/sources/corp/test"),
    ("/sources/{name}/remove", "/sources/corp/remove"),
    ("/providers", "/providers"),
    ("/add/provider", "/add/provider"),
    ("/providers/{name}", "/providers/inbox"),
    ("/providers/{name}/test", "/providers/inbox/test"),
    ("/providers/{name}/remove", "/providers/inbox/remove"),
    ("/messages", "/messages"),
    ("/audit", "/audit"),
    ("/audit/verify", "/audit/verify"),
    ("/explain", "/explain?user=bruno&service=vpn"),
    ("/settings", "/settings"),
    ("/settings/sms", "/settings/sms"),
    ("/settings/portal", "/settings/portal"),
    ("/settings/mail", "/settings/mail"),
    ("/settings/mail/test", "/settings/mail/test"),
    ("/settings/administrators", "/settings/administrators"),
    ("/add/administrator", "/add/administrator"),
    (
        "/settings/administrators/{login}",
        "/settings/administrators/mara",
    ),
    (
        "/settings/administrators/{login}/reset",
        "/settings/administrators/mara/reset",
    ),
    (
        "/settings/administrators/{login}/remove",
        "/settings/administrators/mara/remove",
    ),
    ("/settings/keys", "/settings/keys"),
    ("/add/key", "/add/key"),
    ("/settings/keys/{name}/remove", "/settings/keys/sync/remove"),
];

/// A route as the source has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    path: String,
    get: bool,
    post: bool,
}

/// Where the parenthesis that was opened before `text` is closed.
fn closed(text: &str) -> usize {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        open += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if open == 0 {
            return at;
        }
    }
    panic!("no end: {text}");
}

/// All `.route(...)` of a file; a pattern may be made by a closure such as `let own = |rest: &str| format!("/users/{{login}}{rest}")`.
fn routes(file: &str) -> BTreeMap<String, Route> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portal/src");
    let source = fs::read_to_string(root.join(file)).unwrap();
    let mut found = BTreeMap::new();
    let mut prefixes: BTreeMap<&str, String> = BTreeMap::new();
    for part in source.split("let ").skip(1) {
        // Closures count from where they are made on: those of other functions may have the same name.
        if let Some((name, rest)) = part.split_once(" = |rest: &str| format!(\"") {
            let prefix = rest.split("{rest}").next().unwrap();
            prefixes.insert(name, prefix.replace("{{", "{").replace("}}", "}"));
        }
        collect(part, &prefixes, &mut found);
    }
    collect(source.split("let ").next().unwrap(), &prefixes, &mut found);
    assert_eq!(
        found.len(),
        source.matches(".route(").count(),
        "{file}: {found:#?}"
    );
    found
}

fn collect(part: &str, prefixes: &BTreeMap<&str, String>, found: &mut BTreeMap<String, Route>) {
    for (at, _) in part.match_indices(".route(") {
        let inner = &part[at + ".route(".len()..];
        let inner = inner[..closed(inner)].trim();
        let literal = inner.split('"').nth(1).unwrap();
        let path = match inner.strip_prefix('&') {
            None => literal.to_owned(),
            Some(made) => {
                let name = made.split('(').next().unwrap();
                format!("{}{literal}", prefixes[name])
            }
        };
        let has =
            |method: &str| inner.contains(&format!(" {method}(")) || inner.contains(&format!(".{method}("));
        let route = Route {
            path: path.clone(),
            get: has("get"),
            post: has("post"),
        };
        assert!(route.get || route.post, "{inner}: neither GET nor POST");
        assert!(found.insert(path, route).is_none(), "{inner}: twice");
    }
}

/// The routes of a site with the paths to try.
fn tried(file: &str, rows: &[Row]) -> Vec<(Route, String)> {
    let mut found = routes(file);
    let mut tried = Vec::new();
    for (pattern, path) in rows {
        let route = found.remove(*pattern);
        let route =
            route.unwrap_or_else(|| panic!("{pattern} is no route of {file} any more: remove its row"));
        tried.push((route, (*path).to_owned()));
    }
    assert!(
        found.is_empty(),
        "routes of {file} without a row here: {found:#?}"
    );
    tried
}

/// A site with somebody signed in, and its routes.
struct Surface<'s> {
    http: &'s mut Http,
    routes: Vec<(Route, String)>,
}

struct World {
    scene: Scene,
    alice: Person,
    owner: Owner,
    enrolment: String,
    token: String,
}

impl World {
    fn new() -> Self {
        let scene = Scene::new();
        let token = scene.stack.token("bruno", 1);
        scene.stack.client("gw", "127.0.0.1/32", "VPN", "local");
        let config = r#"{"urls": ["ldaps://127.0.0.1:9"], "bind": {"dn": "uid={user},dc=corp"}}"#;
        scene.stack.admin(AdminOp::SourceAdd {
            name: "corp".to_owned(),
            kind: "ldap".to_owned(),
            config: Secret::from(config),
        });
        let owner = scene.owner();
        scene.stack.admin(AdminOp::ApiKeyAdd {
            name: "sync".to_owned(),
            role: "admin".to_owned(),
            resources: Vec::new(),
            days: None,
        });
        let mut alice = scene.signed_in("alice");
        let (enrolment, _) = alice.begun(&scene.stack, 2);
        Self {
            scene,
            alice,
            owner,
            enrolment,
            token,
        }
    }

    fn surfaces(&mut self) -> [Surface<'_>; 2] {
        let (enrolment, token) = (self.enrolment.clone(), self.token.clone());
        let with = |file: &str, rows: &[Row]| {
            let all = tried(file, rows).into_iter().chain(tried("web.rs", COMMON));
            all.map(|(route, path)| {
                let path = path.replace("ENROLMENT", &enrolment).replace("TOKEN", &token);
                (route, path.replace("NOTHING", "00112233445566778899aabbccddeeff"))
            })
            .collect()
        };
        [
            Surface {
                http: &mut self.alice.http,
                routes: with("selfservice.rs", SELF_SERVICE),
            },
            Surface {
                http: &mut self.owner.http,
                routes: with("console.rs", CONSOLE),
            },
        ]
    }

    /// Everything that a request might have changed.
    fn state(&self) -> String {
        let stack = &self.scene.stack;
        let texts = stack.settled();
        let ask = |op| stack.admin(op);
        let status = match ask(AdminOp::Status) {
            AdminReply::Status(status) => Status {
                uptime: 0,
                audit_rows: 0,
                warnings: Vec::new(),
                ..status
            },
            other => panic!("{other:?}"),
        };
        let name = || "VPN".to_owned();
        let rest = [
            ask(AdminOp::ResourceShow { name: name() }),
            ask(AdminOp::AdminList),
            ask(AdminOp::SmsPolicyShow),
            ask(AdminOp::PortalShow),
            ask(AdminOp::MailShow),
            ask(AdminOp::SmsProviderList),
            ask(AdminOp::ApiKeyList),
            ask(AdminOp::RadiusClientList { after: None }),
            ask(AdminOp::SourceList { after: None }),
        ];
        let users = [person::shown(stack, "alice"), person::shown(stack, "bruno")];
        // When somebody was last seen is no change.
        let rest = serde_json::to_string(&rest).unwrap();
        let seen = |text: &str| {
            let mut parts = text.split("\"seen\":");
            let first = parts.next().unwrap().to_owned();
            parts.fold(first, |all, part| {
                all + part.trim_start_matches(|c: char| c.is_ascii_digit())
            })
        };
        // That something was refused is recorded.
        let rows = match ask(AdminOp::AuditTail {
            after: Some(0),
            limit: 200,
        }) {
            AdminReply::Audit { rows } => rows.iter().filter(|row| !row.kind.ends_with(".deny")).count(),
            other => panic!("{other:?}"),
        };
        format!("{status:?} {} {users:?} {texts} {rows}", seen(&rest))
    }
}

/// Fields that would do something on any page.
const FIELDS: &[(&str, &str)] = &[
    ("user", "bruno"),
    ("password", "correct horse"),
    ("phone", "+491712340009"),
    ("name", "New"),
    ("digits", "6"),
    ("form", "forged"),
    ("first", "First"),
    ("last", "Last"),
    ("code", "123456"),
    ("method", "sms"),
    ("kind", "sms"),
    ("lang", "de"),
    ("theme", "dark"),
    ("back", "/"),
    ("why", "forged"),
    ("login", "forged"),
    ("act", "lock"),
    ("confirm", "VPN"),
    ("text", "login\nforged\n"),
    ("to", "forged@example.com"),
];

/// The same as a form with files.
fn multipart(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body + "--edge--\r\n"
}

fn post(http: &mut Http, path: &str, fields: &[(&str, &str)]) -> Answer {
    if path != "/import" {
        return http.forge(path, fields);
    }
    let mut own = http.clone();
    own.further
        .push(("Content-Type", "multipart/form-data; boundary=edge".to_owned()));
    own.send("POST", path, Some(&multipart(fields)))
}

#[test]
fn every_unsafe_route_refuses_other_sites_and_forms_without_the_sessions_token() {
    let mut world = World::new();
    let before = world.state();
    let mut count = 0;
    for Surface { http, routes } in world.surfaces() {
        let token = {
            let _ = http.get("/nothing-here").is(404);
            http.csrf.clone()
        };
        assert!(token.len() > 20);
        let with_token: Vec<(&str, &str)> =
            [("csrf", token.as_str())].iter().chain(FIELDS).copied().collect();
        let evil = "https://evil.example";
        let foreign: [&[(&'static str, &str)]; 6] = [
            &[("Sec-Fetch-Site", "cross-site"), ("Origin", evil)],
            &[("Sec-Fetch-Site", "same-site"), ("Origin", evil)],
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", ""), ("Origin", evil)],
            &[("Sec-Fetch-Site", ""), ("Origin", "null")],
            &[("Sec-Fetch-Site", ""), ("Origin", "")],
        ];
        for (route, path) in routes.iter().filter(|(route, _)| route.post) {
            count += 1;
            for headers in foreign {
                let mut other = http.clone();
                other.further = headers
                    .iter()
                    .map(|(name, value)| (*name, (*value).to_owned()))
                    .collect();
                let answer = post(&mut other, path, &with_token);
                assert_eq!(
                    answer.status,
                    403,
                    "{} {headers:?}: {}",
                    route.path,
                    answer.words()
                );
                assert!(answer.words().contains("another web site"), "{}", answer.words());
                assert!(answer.cookies().is_empty());
            }
            for forged in [None, Some(""), Some("AAAA"), Some(&token[1..])] {
                let csrf = forged.map(|token| ("csrf", token));
                let fields: Vec<(&str, &str)> = csrf.into_iter().chain(FIELDS.iter().copied()).collect();
                let answer = post(&mut http.clone(), path, &fields);
                assert_eq!(
                    answer.status,
                    403,
                    "{} {forged:?}: {}",
                    route.path,
                    answer.words()
                );
                assert!(answer.words().contains("out of date"), "{}", answer.words());
            }
        }
    }
    assert!(count > 50, "{count} routes");
    assert_eq!(world.state(), before);
}

#[test]
fn a_get_changes_nothing_and_other_methods_are_refused() {
    let mut world = World::new();
    let before = world.state();
    for Surface { http, routes } in world.surfaces() {
        let session = http.session().unwrap().to_owned();
        for (route, path) in &routes {
            if route.get {
                let query = form(FIELDS);
                let sign = if path.contains('?') { '&' } else { '?' };
                let answer = http.get(&format!("{path}{sign}{query}"));
                assert!(answer.status < 500, "{}: {}", route.path, answer.words());
                let answer = http.send("HEAD", path, None);
                assert!(answer.status < 500 && answer.body.is_empty(), "{}", route.path);
            } else {
                assert_eq!(http.get(path).status, 405, "{}", route.path);
            }
            assert_eq!(http.session(), Some(session.as_str()), "{}", route.path);
            for method in ["PUT", "DELETE", "PATCH"] {
                let answer = http.send(method, path, Some(""));
                assert_eq!(answer.status, 405, "{method} {}", route.path);
            }
            if !route.post {
                let answer = http.post(path, FIELDS);
                assert_eq!(answer.status, 405, "POST {}", route.path);
            }
        }
    }
    assert_eq!(world.state(), before);
}

const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), \
                           publickey-credentials-create=(self), publickey-credentials-get=(self)";

/// Checks all security headers of an answer; gives its nonce.
#[track_caller]
fn guarded(answer: &Answer, what: &str, https: bool) -> String {
    let policy = answer.header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .and_then(|rest| rest.split('\'').next());
    let nonce = nonce.unwrap_or_else(|| panic!("{what}: {policy}")).to_owned();
    assert!(nonce.len() >= 22, "{what}: 128 bits: {nonce}");
    let expected = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types htmx"
    );
    let hsts = if https { "max-age=31536000" } else { "" };
    for (name, value) in [
        ("content-security-policy", expected.as_str()),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("permissions-policy", PERMISSIONS),
        ("strict-transport-security", hsts),
        // Nobody needs to know what runs here.
        ("server", ""),
        ("x-powered-by", ""),
        ("via", ""),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {name}");
        let times = answer.headers.iter().filter(|(other, _)| other == name).count();
        assert_eq!(times, usize::from(!value.is_empty()), "{what}: {name}");
    }
    for part in answer.body.split("<script").skip(1) {
        let tag = part.split('>').next().unwrap();
        assert!(
            tag.contains(&format!("nonce=\"{nonce}\"")),
            "{what}: <script{tag}>"
        );
    }
    let page = answer.header("content-type").starts_with("text/html");
    for inline in [" style=\"", " onclick=", " onload=", "javascript:", "<style"] {
        assert!(!page || !answer.body.contains(inline), "{what}: {inline}");
    }
    nonce
}

#[test]
fn every_answer_carries_the_headers_that_keep_browsers_strict() {
    let mut world = World::new();
    let mut nonces = Vec::new();
    for Surface { http, routes } in world.surfaces() {
        for (route, path) in &routes {
            for method in ["GET", "POST", "PUT"] {
                // A sign-out or a link would end what the others are looked at with.
                let answer = match method {
                    "POST" => http.clone().forge(path, FIELDS),
                    method => http.clone().send(method, path, None),
                };
                let what = format!("{method} {}", route.path);
                nonces.push(guarded(&answer, &what, false));
                let asset = answer.header("cache-control").contains("immutable");
                if asset {
                    assert!(answer.status == 200 && path.starts_with("/brand/"), "{what}");
                } else if !path.starts_with("/assets/") && path != "/favicon.ico" || answer.status != 200 {
                    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
                }
            }
        }
        for (method, path) in [
            ("GET", "/nothing-here"),
            ("GET", "/s/../../etc/passwd"),
            ("GET", "/%00"),
            ("POST", "/nothing-here"),
            ("OPTIONS", "/"),
        ] {
            let answer = http.clone().send(method, path, Some(""));
            nonces.push(guarded(&answer, path, false));
            assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        // What pages need is kept for long: its name changes with its content.
        let page = http.get("/nothing-here");
        let mut assets = 0;
        for quoted in page.body.split('"').filter(|text| text.starts_with("/assets/")) {
            assets += 1;
            let answer = http.get(quoted).is(200);
            guarded(&answer, quoted, false);
            assert_eq!(
                answer.header("cache-control"),
                "public, max-age=31536000, immutable",
                "{quoted}"
            );
        }
        assert!(assets > 3);
    }
    let all = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), all, "a nonce was used twice");
}

#[test]
fn too_much_of_anything_is_refused_with_a_page() {
    let mut world = World::new();
    for Surface { http, .. } in world.surfaces() {
        let path = if http.session().is_some() {
            "/preferences/theme"
        } else {
            "/"
        };
        let large = "x".repeat(70_000);
        let answer = http.clone().post(path, &[("theme", &large)]);
        assert_eq!(answer.status, 413, "{}", answer.words());
        guarded(&answer, "too large", false);
        let mut other = http.clone();
        other
            .further
            .push(("Content-Type", "application/json".to_owned()));
        let answer = other.send("POST", path, Some("{}"));
        assert_eq!(answer.status, 400, "{}", answer.words());
        guarded(&answer, "no form", false);
    }
    // Nowhere but here.
    for target in [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let answer = world
            .alice
            .http
            .post("/preferences/theme", &[("theme", "dark"), ("back", target)]);
        assert_eq!(answer.to(), "/", "{target}");
    }
}

/// `guarded`, for the tests of TLS.
#[track_caller]
pub(crate) fn guarded_by_tls(answer: &Answer, what: &str) {
    guarded(answer, what, true);
}
