//! Every rule, through a real listener.

use std::{net::SocketAddr, path::Path};

use axum::{
    response::Response,
    routing::{get, post},
};
use otpost_conf::{PortalConfig, PortalLimits};
use otpost_ipc::{Role, Secret};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;
use crate::{Backend, Site, Surface, ui};

/// A running site.
struct Served {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer.
struct Answer {
    status: u16,
    head: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn all(&self, name: &str) -> Vec<&str> {
        (self.head.iter())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Served {
    /// Sends one request, its method and path first, then headers, and after an empty line a body.
    async fn ask(&self, request: &str) -> Answer {
        let (first, rest) = request.split_once('\n').unwrap_or((request, ""));
        let (headers, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let mut wire = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.to_lowercase().contains("host:") {
            wire += &format!("Host: {}\r\n", self.address);
        }
        for line in headers.lines().filter(|line| !line.is_empty()) {
            wire += &format!("{line}\r\n");
        }
        if !body.is_empty() || first.starts_with("POST") {
            wire += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream
            .write_all(format!("{wire}\r\n{body}").as_bytes())
            .await
            .unwrap();
        let mut octets = Vec::new();
        stream.read_to_end(&mut octets).await.unwrap();
        answer(&octets)
    }

    /// A form posted by our own page.
    async fn post(&self, path: &str, headers: &str, body: &str) -> Answer {
        let kind = "Content-Type: application/x-www-form-urlencoded\nSec-Fetch-Site: same-origin";
        self.ask(&format!("POST {path}\n{kind}\n{headers}\n\n{body}").replace("\n\n\n", "\n\n"))
            .await
    }
}

fn answer(octets: &[u8]) -> Answer {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(octets[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let head = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        head,
        body: octets[end + 4..].to_vec(),
    }
}

async fn fields(form: Posted) -> String {
    form.get("name").to_owned()
}

async fn body(octets: axum::body::Bytes) -> String {
    octets.len().to_string()
}

async fn session(ctx: Ctx) -> Response {
    with_session(&ctx, &Secret::from("abc-DEF_123"), 3600, "in")
}

async fn gone(ctx: Ctx) -> Response {
    without_session(&ctx, "out")
}

async fn who(ctx: Ctx) -> String {
    let browser = ctx.browser();
    let session = ctx.session().map_or("none", Secret::expose);
    format!("{} {} {} {session}", browser.source, browser.agent, browser.lang)
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn daemon(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
) -> Result<&'static str, PageError> {
    let ask = otpost_ipc::portal::PortalOp::Site {
        address: "vpn".to_owned(),
    };
    app.backend.call(ask).await?;
    Ok("answered")
}

fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(who))
        .route("/form", get(who).post(fields))
        .route("/body", post(body))
        .route("/in", get(session))
        .route("/out", get(gone))
        .route("/panics", get(panics))
        .route("/daemon", get(daemon))
        .route(
            "/typed/{number}",
            get(|_: axum::extract::Path<u8>| async { "a number" }),
        )
        .route("/api/v1/thing", post(fields))
        .route("/api/v1/who", get(who))
        .merge(common())
}

/// Settings of a site under test.
struct Setup {
    surface: Surface,
    tls: bool,
    loopback: bool,
    proxies: &'static [&'static str],
    limits: PortalLimits,
    test_locale: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            surface: Surface::SelfService,
            tls: false,
            loopback: true,
            proxies: &[],
            limits: PortalLimits {
                requests_per_second: 1000,
                burst: 1000,
            },
            test_locale: false,
        }
    }
}

fn site(setup: &Setup) -> Site {
    let config = PortalConfig {
        behind_proxy: setup.proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
        test_locale: setup.test_locale,
        ..PortalConfig::default()
    };
    let shed = Arc::new(Shed::new(&setup.limits));
    let address = "127.0.0.1".parse().unwrap();
    Site {
        tls: setup.tls,
        loopback: setup.loopback,
        ..Site::new(&config, setup.surface, address, shed)
    }
}

async fn serve(setup: Setup) -> Served {
    let app = Arc::new(App {
        backend: Backend::new(Path::new("/nonexistent/portal.sock"), Role::Portal),
        self_service_url: None,
        console_url: None,
        fingerprint: None,
    });
    let router = wrap(routes(), app, Arc::new(site(&setup)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    Served { address, task }
}

async fn plain() -> Served {
    serve(Setup::default()).await
}

#[tokio::test]
async fn every_response_carries_the_security_headers() {
    let site = serve(Setup {
        tls: true,
        ..Setup::default()
    })
    .await;
    for path in [
        "/",
        "/missing",
        "/panics",
        "/daemon",
        "/in",
        asset_path("otpost.css"),
        "/brand/205.css",
    ] {
        let answer = site.ask(&format!("GET {path}")).await;
        let policy = answer.header("content-security-policy");
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        assert_eq!(policy, headers::policy(nonce), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000",
            "{path}"
        );
        assert!(
            answer.header("permissions-policy").contains("camera=()"),
            "{path}"
        );
        assert!(answer.header("x-request-id").starts_with("r-"), "{path}");
        let cached = path.starts_with("/assets/") || path.starts_with("/brand/");
        let expected = if cached {
            "public, max-age=31536000, immutable"
        } else {
            "no-store"
        };
        assert_eq!(answer.all("cache-control"), [expected], "{path}");
    }
}

#[tokio::test]
async fn the_policy_is_the_one_that_was_decided() {
    assert_eq!(
        headers::policy("N"),
        "default-src 'none'; script-src 'nonce-N'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types htmx"
    );
}

#[tokio::test]
async fn a_nonce_is_of_one_response_and_on_its_scripts() {
    let site = plain().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let answer = site.ask("GET /missing").await;
        let policy = answer.header("content-security-policy").to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        let html = answer.text();
        assert_eq!(html.matches("<script ").count(), 3);
        assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), 3, "{html}");
        assert!(seen.insert(nonce.to_owned()));
    }
}

#[tokio::test]
async fn without_tls_there_is_no_promise_of_tls() {
    let answer = plain().await.ask("GET /").await;
    assert_eq!(answer.header("strict-transport-security"), "");
}

#[tokio::test]
async fn only_our_own_page_may_post() {
    let site = plain().await;
    let own = site.address.to_string();
    for (headers, status) in [
        ("Sec-Fetch-Site: same-origin".to_owned(), 200),
        ("Sec-Fetch-Site: none".to_owned(), 200),
        ("Sec-Fetch-Site: cross-site".to_owned(), 403),
        ("Sec-Fetch-Site: same-site".to_owned(), 403),
        (format!("Sec-Fetch-Site: cross-site\nOrigin: http://{own}"), 403),
        (format!("Origin: http://{own}"), 200),
        (
            "Origin: https://login.example\nHost: login.example".to_owned(),
            200,
        ),
        ("Origin: https://evil.example".to_owned(), 403),
        (format!("Origin: http://{own}.evil.example"), 403),
        ("Origin: null".to_owned(), 403),
        ("X-Nothing: 1".to_owned(), 403),
    ] {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let answer = site
            .ask(&format!("POST /form\n{form}\n{headers}\n\nname=alice"))
            .await;
        assert_eq!(answer.status, status, "{headers}");
        let carried_out = answer.text() == "alice";
        assert_eq!(carried_out, status == 200, "{headers}");
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let answer = site
            .ask(&format!("{method} /form\nSec-Fetch-Site: cross-site"))
            .await;
        assert_eq!(answer.status, 403, "{method}");
    }
    let answer = site.ask("GET /form\nSec-Fetch-Site: cross-site").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_form_of_a_session_needs_that_session_s_token() {
    let site = plain().await;
    let token = csrf::token(&Secret::from("abc"));
    assert_ne!(token, csrf::token(&Secret::from("abd")));
    let form = format!("name=alice&csrf={token}");
    assert_eq!(site.post("/form", "Cookie: sid=abc", &form).await.text(), "alice");
    for (cookie, form) in [
        ("sid=abd", form.as_str()),
        ("sid=abc", "name=alice"),
        ("sid=abc", "name=alice&csrf="),
        ("sid=abc", "name=alice&csrf=abc"),
    ] {
        let answer = site.post("/form", &format!("Cookie: {cookie}"), form).await;
        assert_eq!(answer.status, 403, "{cookie} {form}");
        assert!(answer.text().contains("This form is out of date"));
    }
    let nobody = site.post("/form", "X-Nothing: 1", "name=alice").await;
    assert_eq!(nobody.text(), "alice");
}

#[tokio::test]
async fn the_api_takes_keys_and_never_cookies() {
    let site = plain().await;
    let who = site.ask("GET /api/v1/who\nCookie: sid=abc").await;
    assert!(who.text().ends_with(" none"), "{}", who.text());
    let form = "Content-Type: application/x-www-form-urlencoded";
    let answer = site.ask(&format!("POST /api/v1/thing\n{form}\n\nname=a")).await;
    assert_eq!(answer.status, 200);
    let missing = site.ask("GET /api/v1/nothing").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.header("content-type"), "application/problem+json");
    let problem: serde_json::Value = serde_json::from_slice(&missing.body).unwrap();
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["ref"], missing.header("x-request-id"));
}

#[tokio::test]
async fn whatever_fails_has_a_page_in_the_reader_s_language() {
    let site = plain().await;
    let big = format!(
        "POST /body\nSec-Fetch-Site: same-origin\n\n{}",
        "a".repeat(BODY + 1)
    );
    let json = "POST /form\nSec-Fetch-Site: same-origin\nContent-Type: application/json\n\n{}";
    for (request, status, words, german) in [
        ("GET /missing", 404, "There is nothing here", "Hier ist nichts"),
        (
            "GET /typed/alice",
            400,
            "We could not read that",
            "Das konnten wir nicht lesen",
        ),
        (json, 400, "We could not read that", "Das konnten wir nicht lesen"),
        ("GET /body", 405, "cannot be used that way", "nicht benutzen"),
        (&big, 413, "too much at once", "zu viel auf einmal"),
        (
            "GET /panics",
            500,
            "Something went wrong here",
            "etwas schiefgegangen",
        ),
        (
            "GET /daemon",
            503,
            "We cannot answer at the moment",
            "Wir können gerade nicht",
        ),
    ] {
        let answer = site.ask(request).await;
        let shown = request.get(..20).unwrap_or(request);
        assert_eq!(answer.status, status, "{shown}");
        assert_eq!(
            answer.header("content-type"),
            "text/html; charset=utf-8",
            "{shown}"
        );
        assert_eq!(answer.header("content-language"), "en");
        let html = answer.text();
        assert!(html.contains(words), "{shown}: {html}");
        assert!(
            html.contains(answer.header("x-request-id")),
            "{shown}: no reference"
        );
        assert!(html.contains("<html lang=\"en\""));
        let in_german = match request.split_once('\n') {
            Some((first, rest)) => format!("{first}\nAccept-Language: fr;q=0.9, de-AT;q=0.8\n{rest}"),
            None => format!("{request}\nAccept-Language: fr;q=0.9, de-AT;q=0.8"),
        };
        let html = site.ask(&in_german).await.text();
        assert!(
            html.contains(german) && html.contains("<html lang=\"de\""),
            "{shown}: {html}"
        );
    }
    assert_eq!(site.ask("GET /body").await.header("allow"), "POST");
    let away = site.ask("GET /daemon").await;
    assert_eq!(away.header("retry-after"), "5");
    assert!(away.text().contains("Try again in 5 seconds."));
}

#[tokio::test]
async fn a_body_of_the_limit_is_read() {
    let site = plain().await;
    let request = format!("POST /body\nSec-Fetch-Site: same-origin\n\n{}", "a".repeat(BODY));
    assert_eq!(site.ask(&request).await.text(), BODY.to_string());
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait_and_nobody_else() {
    let site = serve(Setup {
        proxies: &["127.0.0.1"],
        limits: PortalLimits {
            requests_per_second: 1,
            burst: 3,
        },
        ..Setup::default()
    })
    .await;
    let from =
        |path: &str, client: &str| format!("GET {path}\nX-Forwarded-Proto: https\nX-Forwarded-For: {client}");
    for _ in 0..3 {
        assert_eq!(site.ask(&from("/", "192.0.2.7")).await.status, 200);
    }
    let refused = site.ask(&from("/", "192.0.2.7")).await;
    assert_eq!(refused.status, 429);
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert!(refused.text().contains("Too many requests"));
    assert_eq!(site.ask(&from("/", "192.0.2.8")).await.status, 200);
    let css = asset_path("otpost.css");
    assert_eq!(site.ask(&from(css, "192.0.2.7")).await.status, 200);
}

#[test]
fn a_network_has_a_share_of_its_own_and_is_forgotten_when_it_is_whole() {
    let shed = Shed::new(&PortalLimits {
        requests_per_second: 1,
        burst: 2,
    });
    let ask = |text: &str| shed.admit(text.parse().unwrap()).is_ok();
    let admitted = (1..=20)
        .filter(|host| ask(&format!("2001:db8:0:{host}::1")))
        .count();
    assert_eq!(admitted, 8, "four addresses' share for a /48");
    assert!(!ask("2001:db8:0:ffff::1"));
    assert!(ask("2001:db8:1::1"), "another network");
    assert!(
        ask("2001:db8:2:1::1") && ask("2001:db8:2:1::2") && !ask("2001:db8:2:1::3"),
        "a /64 is one address"
    );
    assert!(
        ask("::ffff:192.0.2.1") && ask("192.0.2.1") && !ask("192.0.2.1"),
        "one address, two spellings"
    );
    assert!(shed.len() > 1);
    let quick = Shed::new(&PortalLimits {
        requests_per_second: 100_000,
        burst: 1,
    });
    assert!(quick.admit("192.0.2.1".parse().unwrap()).is_ok());
    let start = crate::sys::now();
    while quick.len() > 0 {
        quick.tidy();
        assert!(crate::sys::now().duration_since(start).unwrap().as_secs() < 20);
    }
}

#[test]
fn a_client_s_address_is_the_connection_s_or_a_trusted_proxy_s_word() {
    let setup = |proxies, tls, loopback| {
        site(&Setup {
            proxies,
            tls,
            loopback,
            ..Setup::default()
        })
    };
    let seen = |site: &Site, peer: &str, headers: &[(&'static str, &str)]| {
        let headers = (headers.iter())
            .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let arrival = peer::arrival(site, peer.parse().unwrap(), &headers);
        (arrival.client.to_string(), arrival.https, arrival.acceptable)
    };
    let is = |client: &str, https, acceptable| (client.to_owned(), https, acceptable);
    let for_ = |value| ("x-forwarded-for", value);
    let https = ("x-forwarded-proto", "https");
    let http = ("x-forwarded-proto", "http");

    let tls = setup(&[], true, false);
    assert_eq!(seen(&tls, "192.0.2.1", &[]), is("192.0.2.1", true, true));
    assert_eq!(
        seen(&tls, "192.0.2.1", &[for_("10.9.9.9"), http]),
        is("192.0.2.1", true, true)
    );
    assert_eq!(seen(&tls, "::ffff:192.0.2.1", &[]), is("192.0.2.1", true, true));

    let local = setup(&[], false, true);
    assert_eq!(seen(&local, "127.0.0.1", &[]), is("127.0.0.1", false, true));
    assert_eq!(seen(&local, "::1", &[]), is("::1", false, true));
    assert_eq!(
        seen(&local, "127.0.0.1", &[for_("192.0.2.1"), https]),
        is("127.0.0.1", false, false)
    );

    let proxied = setup(&["127.0.0.1", "10.0.0.1"], false, true);
    assert_eq!(
        seen(&proxied, "127.0.0.1", &[for_("192.0.2.1"), https]),
        is("192.0.2.1", true, true)
    );
    assert_eq!(
        seen(&proxied, "127.0.0.1", &[for_("192.0.2.1"), http]),
        is("192.0.2.1", false, false)
    );
    assert_eq!(
        seen(&proxied, "127.0.0.1", &[for_("192.0.2.1")]),
        is("192.0.2.1", false, false)
    );
    assert_eq!(seen(&proxied, "127.0.0.1", &[]), is("127.0.0.1", false, true));
    // What the client itself wrote stands before what our proxies wrote.
    assert_eq!(
        seen(
            &proxied,
            "10.0.0.1",
            &[for_("1.1.1.1, 192.0.2.1, 127.0.0.1"), https]
        ),
        is("192.0.2.1", true, true)
    );
    assert_eq!(
        seen(
            &proxied,
            "10.0.0.1",
            &[for_("1.1.1.1"), for_("[2001:db8::1]:4711"), https]
        ),
        is("2001:db8::1", true, true)
    );
    assert_eq!(
        seen(
            &proxied,
            "10.0.0.1",
            &[for_("192.0.2.1, nonsense, 127.0.0.1"), https]
        ),
        is("127.0.0.1", true, true)
    );

    let open = setup(&["10.0.0.1"], false, false);
    assert_eq!(
        seen(&open, "192.0.2.1", &[for_("192.0.2.9"), https]),
        is("192.0.2.1", false, false)
    );
    assert_eq!(
        seen(&open, "10.0.0.1", &[for_("192.0.2.9"), https]),
        is("192.0.2.9", true, true)
    );
    assert_eq!(seen(&open, "10.0.0.1", &[]), is("10.0.0.1", false, false));
}

#[tokio::test]
async fn plain_http_over_a_network_is_refused_before_anything_happens() {
    let site = serve(Setup {
        loopback: false,
        proxies: &["192.0.2.1"],
        ..Setup::default()
    })
    .await;
    let answer = site.ask("GET /in\nX-Forwarded-Proto: https").await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("needs a secure connection"));
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn session_cookies_are_as_strict_as_the_connection_allows() {
    for (surface, tls, cookie) in [
        (
            Surface::SelfService,
            true,
            "__Host-sid=abc-DEF_123; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600",
        ),
        (
            Surface::SelfService,
            false,
            "sid=abc-DEF_123; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600",
        ),
        (
            Surface::Console,
            true,
            "__Host-adm=abc-DEF_123; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=3600",
        ),
        (
            Surface::Console,
            false,
            "adm=abc-DEF_123; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600",
        ),
    ] {
        let site = serve(Setup {
            surface,
            tls,
            ..Setup::default()
        })
        .await;
        assert_eq!(site.ask("GET /in").await.all("set-cookie"), [cookie]);
        let name = cookie.split('=').next().unwrap();
        let gone = site.ask("GET /out").await;
        assert!(gone.header("set-cookie").starts_with(&format!("{name}=; Path=/")));
        assert!(gone.header("set-cookie").ends_with("Max-Age=0"));
        let signed = site.ask(&format!("GET /\nCookie: a=b; {name}=xyz")).await;
        assert!(signed.text().ends_with(" xyz"), "{}", signed.text());
        let bare = name.trim_start_matches("__Host-");
        if tls {
            let planted = site.ask(&format!("GET /\nCookie: {bare}=xyz")).await;
            assert!(planted.text().ends_with(" none"), "{}", planted.text());
        }
        let odd = site.ask(&format!("GET /\nCookie: {name}=<x>")).await;
        assert!(odd.text().ends_with(" none"), "{}", odd.text());
    }
}

#[tokio::test]
async fn the_daemon_is_told_who_asks() {
    let site = serve(Setup {
        proxies: &["127.0.0.1"],
        ..Setup::default()
    })
    .await;
    let agent = "User-Agent: Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";
    let proxy = "X-Forwarded-For: 2001:db8::7\nX-Forwarded-Proto: https";
    let answer = site
        .ask(&format!("GET /\n{agent}\n{proxy}\nAccept-Language: de"))
        .await;
    assert_eq!(answer.text(), "2001:db8::7 Firefox on Android de none");
}

#[tokio::test]
async fn language_and_appearance_are_kept_by_a_plain_form() {
    let site = plain().await;
    let german = site
        .post("/preferences/language", "X-Nothing: 1", "lang=de&back=/s/vpn")
        .await;
    assert_eq!((german.status, german.header("location")), (303, "/s/vpn"));
    assert_eq!(
        german.header("set-cookie"),
        "lang=de; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
    );
    let page = site
        .ask("GET /missing\nCookie: lang=de; theme=dark\nAccept-Language: en")
        .await;
    let html = page.text();
    assert!(html.contains("<html lang=\"de\" data-theme=\"dark\">"), "{html}");
    assert!(html.contains("Darstellung: dunkel"), "{html}");
    let dark = site
        .post(
            "/preferences/theme",
            "X-Nothing: 1",
            "theme=dark&back=//evil.example",
        )
        .await;
    assert_eq!((dark.status, dark.header("location")), (303, "/"));
    assert!(dark.header("set-cookie").starts_with("theme=dark; "));
    let auto = site
        .post("/preferences/theme", "X-Nothing: 1", "theme=&back=/")
        .await;
    assert!(auto.header("set-cookie").ends_with("Max-Age=0"));
    let unknown = site
        .post("/preferences/language", "X-Nothing: 1", "lang=qps&back=/")
        .await;
    assert_eq!(unknown.header("set-cookie"), "");
}

#[tokio::test]
async fn the_pseudo_language_is_for_tests_only() {
    let on = serve(Setup {
        test_locale: true,
        ..Setup::default()
    })
    .await;
    let html = on.ask("GET /missing\nCookie: lang=qps").await.text();
    assert!(html.contains("<html lang=\"en-x-qps\""), "{html}");
    assert!(!html.contains("There is nothing here"), "{html}");
    let off = plain().await.ask("GET /missing\nCookie: lang=qps").await.text();
    assert!(off.contains("There is nothing here"), "{off}");
}

#[tokio::test]
async fn assets_are_compressed_named_by_content_and_kept() {
    let site = plain().await;
    for name in ["otpost.css", "app.js", "htmx.js", "hx-csp.js", "icon.svg"] {
        let path = asset_path(name);
        assert!(path.starts_with("/assets/"), "{path}");
        let plain = site.ask(&format!("GET {path}")).await;
        let packed = site
            .ask(&format!("GET {path}\nAccept-Encoding: br, gzip;q=0.8"))
            .await;
        assert_eq!((plain.status, packed.status), (200, 200), "{path}");
        assert_eq!(plain.header("content-encoding"), "");
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_eq!(packed.header("vary"), "accept-encoding");
        let mut unpacked = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(packed.body.as_slice());
        std::io::Read::read_to_end(&mut decoder, &mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body, "{path}");
        let refused = site.ask(&format!("GET {path}\nAccept-Encoding: gzip;q=0")).await;
        assert_eq!(refused.header("content-encoding"), "");
    }
    assert_eq!(site.ask("GET /assets/otpost.css").await.status, 404);
    assert_eq!(
        site.ask("GET /assets/otpost.0000000000000000.css").await.status,
        404
    );
    assert_eq!(
        site.ask("GET /favicon.ico").await.header("content-type"),
        "image/svg+xml"
    );
}

#[tokio::test]
async fn a_first_page_costs_less_than_60_kb_and_asks_no_other_host() {
    let html = plain().await.ask("GET /missing").await.text();
    assert!(
        html.len() + first_page_octets() < 60_000,
        "{}",
        html.len() + first_page_octets()
    );
    assert!(
        !html.contains("http://") && !html.contains("https://") && !html.contains("\"//"),
        "{html}"
    );
    for inline in [" style=", "<style", " onclick=", "javascript:"] {
        assert!(!html.contains(inline), "{inline} in {html}");
    }
}

#[tokio::test]
async fn an_accent_colour_is_a_stylesheet() {
    let site = plain().await;
    let answer = site.ask("GET /brand/205.css").await;
    assert_eq!(answer.text(), ":root{--hue:205}\n");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    for path in ["/brand/360.css", "/brand/-1.css", "/brand/205", "/brand/a.css"] {
        assert_eq!(site.ask(&format!("GET {path}")).await.status, 404, "{path}");
    }
    let accent = Accent::from_hex("#006a80").unwrap();
    assert_eq!(site.ask(&format!("GET {}", accent.path())).await.status, 200);
}

/// A context, for tests of templates.
pub(crate) fn context(cookies: &str) -> Ctx {
    let setup = Setup {
        tls: true,
        test_locale: true,
        ..Setup::default()
    };
    let request = axum::http::Request::get("/page?a=1")
        .header("cookie", cookies)
        .body(())
        .unwrap();
    let site = Arc::new(site(&setup));
    let (parts, ()) = request.into_parts();
    let arrival = peer::arrival(&site, "127.0.0.1".parse().unwrap(), &parts.headers);
    Ctx::new(&site, arrival, &parts).unwrap()
}

#[test]
fn a_user_s_own_language_comes_first() {
    let ctx = context("lang=en").in_language("de");
    assert_eq!(ctx.browser().lang, "de");
    assert_eq!(ctx.in_language("xx").browser().lang, "de");
    assert_eq!(ui::Brand::default().title, "otpost");
}

/// What the forms of a session carry.
pub(crate) fn token(session: &str) -> String {
    csrf::token(&Secret::from(session))
}
