//! Every page, with a daemon that gives canned replies and remembers what it was asked.

mod daemon;
mod language;
mod lists;
mod parity;
mod radius;
mod scopes;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request},
};
use otpost_conf::{PortalConfig, PortalLimits};
use otpost_ipc::{FaultCode, Role, admin::AdminOp};
use tower_service::Service;

use crate::{
    App, Backend, Site, Surface,
    web::{self, Shed, tests::token},
};

use daemon::{Daemon, Says};

/// The console before a [`Daemon`].
struct Console {
    router: Router,
    daemon: Daemon,
    cookie: String,
}

struct Said {
    status: u16,
    head: HeaderMap,
    text: String,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.head.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn cookies(&self) -> Vec<&str> {
        let lines = self.head.get_all("set-cookie").iter();
        lines.map(|value| value.to_str().unwrap()).collect()
    }
}

/// Pages beside those that [`parity::REQUESTS`] opens.
const PAGES: [&str; 50] = [
    "/account",
    "/account/password",
    "/account/recovery",
    "/add/resource",
    "/resources/Hafenwerk%20VPN/policies",
    "/resources/Hafenwerk%20VPN/access",
    "/resources/Hafenwerk%20VPN/self-service",
    "/resources/Hafenwerk%20VPN/self-service/actions",
    "/resources/Hafenwerk%20VPN/self-service/enrollment",
    "/resources/Hafenwerk%20VPN/users",
    "/resources/Hafenwerk%20VPN/tokens",
    "/resources/Hafenwerk%20VPN/radius",
    "/resources/Hafenwerk%20VPN/activity",
    "/resources/Hafenwerk%20VPN/invite",
    "/resources/Hafenwerk%20VPN/remove",
    "/add/user",
    "/import",
    "/users/alice/do/lock",
    "/users/alice/do/bypass",
    "/users/alice/do/profile",
    "/users/alice/do/password",
    "/users/alice/do/bind",
    "/users/alice/do/unbind?resource=Hafenwerk%20VPN",
    "/users/alice/do/token",
    "/users/alice/do/enrol",
    "/users/alice/do/invite",
    "/users/alice/do/one-day-code",
    "/users/alice/do/recovery",
    "/users/alice/do/delete",
    "/users/alice/tokens/t1",
    "/users/alice/tokens/t1/remove",
    "/add/radius",
    "/radius/gw",
    "/radius/gw/remove",
    "/add/source",
    "/sources/corp",
    "/sources/corp/test",
    "/sources/corp/remove",
    "/add/provider",
    "/providers/seven",
    "/providers/seven/test",
    "/providers/seven/remove",
    "/explain",
    "/settings/mail/test",
    "/add/administrator",
    "/settings/administrators/tom",
    "/settings/administrators/tom/reset",
    "/settings/administrators/tom/remove",
    "/add/key",
    "/settings/keys/sync/remove",
];

/// A form as browsers send it.
fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

impl Console {
    fn new(says: Says) -> Self {
        let daemon = Daemon::new(says);
        let app = Arc::new(App {
            backend: Backend::new(daemon.socket(), Role::Portal),
            self_service_url: Some("https://login.example".to_owned()),
            console_url: None,
            fingerprint: Some("AB:CD".to_owned()),
        });
        let limits = PortalLimits {
            requests_per_second: 10_000,
            burst: 10_000,
        };
        let address = "127.0.0.1".parse().unwrap();
        let site = Site {
            tls: false,
            test_locale: true,
            ..Site::new(
                &PortalConfig::default(),
                Surface::Console,
                address,
                Arc::new(Shed::new(&limits)),
            )
        };
        Self {
            router: web::wrap(super::routes().merge(web::common()), app, Arc::new(site)),
            daemon,
            cookie: "adm=SESSION; lang=en".to_owned(),
        }
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: impl Into<Body>) -> Said {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1")
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", kind)
            .body(body.into())
            .unwrap();
        let peer: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let octets = to_bytes(body, 1 << 22).await.unwrap();
        Said {
            status: parts.status.as_u16(),
            head: parts.headers,
            text: String::from_utf8(octets.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Said {
        self.ask("GET", path, "", "").await
    }

    /// What the forms of this session carry.
    async fn csrf(&self) -> String {
        let page = self.get("/account").await.text;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Said {
        let csrf = self.csrf().await;
        let mut all = fields.to_vec();
        all.push(("csrf", &csrf));
        self.ask("POST", path, "application/x-www-form-urlencoded", form(&all))
            .await
    }

    /// A form with a file.
    async fn upload(&self, path: &str, csrf: &str, file: &[u8], text: &str) -> Said {
        let mut body = Vec::new();
        for (name, value) in [
            ("csrf", csrf.as_bytes()),
            ("text", text.as_bytes()),
            ("file", file),
        ] {
            let more = if name == "file" {
                "; filename=\"users.csv\""
            } else {
                ""
            };
            let head = format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        self.ask("POST", path, "multipart/form-data; boundary=cut", body)
            .await
    }
}

#[tokio::test]
async fn nobody_signed_in_is_led_to_the_sign_in_and_back() {
    let mut console = Console::new(Says::default());
    console.cookie = String::new();
    let said = console.get("/users?state=locked").await;
    assert_eq!(said.status, 303);
    assert_eq!(
        said.header("location"),
        "/sign-in?next=%2Fusers%3Fstate%3Dlocked&again=1"
    );
    assert_eq!(console.daemon.asked(), [], "the daemon is not asked");
    let page = console.get("/sign-in?next=%2Fusers%3Fstate%3Dlocked").await;
    assert!(
        page.text
            .contains("action=\"/sign-in?next=%2Fusers%3Fstate%3Dlocked\"")
    );
    let page = console.get("/sign-in?next=https%3A%2F%2Fevil.example").await;
    assert!(
        page.text.contains("action=\"/sign-in?next=%2F\""),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn what_was_typed_outlives_the_session_but_no_secret_does() {
    let console = Console::new(Says {
        signed_out: true,
        ..Says::default()
    });
    let csrf = token("SESSION");
    let fields = [
        ("login", "alice"),
        ("first-name", "Alice & Co"),
        ("password", "correct horse"),
        ("csrf", csrf.as_str()),
    ];
    let kind = "application/x-www-form-urlencoded";
    let said = console.ask("POST", "/add/user", kind, form(&fields)).await;
    assert_eq!(said.status, 303);
    assert_eq!(said.header("location"), "/sign-in?next=%2Fadd%2Fuser&again=1");
    let kept = said
        .cookies()
        .into_iter()
        .find(|line| line.starts_with("typed="))
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let text = data_encoding::BASE64URL_NOPAD
        .decode(kept.trim_start_matches("typed=").as_bytes())
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("Alice & Co") && !text.contains("correct horse"),
        "{text}"
    );
    let mut console = Console::new(Says::default());
    console.cookie = format!("{}; {kept}", console.cookie);
    let page = console.get("/add/user").await;
    assert!(page.text.contains("value=\"Alice &#38; Co\""), "{}", page.text);
    assert!(
        page.cookies().iter().any(|line| line.starts_with("typed=;")),
        "shown once"
    );
    let other = console.get("/add/resource").await;
    assert!(other.cookies().is_empty(), "it is another page's");
}

#[tokio::test]
async fn a_mistake_is_told_at_its_field_and_nothing_that_was_typed_is_lost() {
    let console = Console::new(Says {
        fault: Some((FaultCode::Invalid, "the e-mail address has no @")),
        ..Says::default()
    });
    let said = console
        .post(
            "/add/user",
            &[("login", "alice"), ("email", "al\"ice"), ("password", "secret1")],
        )
        .await;
    assert_eq!(said.status, 422);
    assert!(said.text.contains("<title>Error: "));
    assert!(
        said.text
            .contains("<a href=\"#email\">Not taken: the e-mail address has no @")
    );
    assert!(said.text.contains("id=\"email-err\""));
    assert!(said.text.contains("value=\"al&#34;ice\""), "{}", said.text);
    assert!(!said.text.contains("secret1"), "a password is never shown again");
}

#[tokio::test]
async fn what_the_role_may_not_do_is_not_offered_and_a_refusal_has_a_page() {
    let console = Console::new(Says {
        role: "helpdesk",
        ..Says::default()
    });
    let page = console.get("/users/alice").await.text;
    for hidden in [
        "/do/delete",
        "/do/password",
        "/do/bind\"",
        "href=\"/settings\"",
        "href=\"/radius\"",
    ] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    for shown in ["/do/lock", "/do/bypass", "/do/invite", "/do/one-day-code"] {
        assert!(page.contains(shown), "{shown}");
    }
    let console = Console::new(Says {
        fault: Some((FaultCode::Forbidden, "this needs the role owner")),
        ..Says::default()
    });
    let said = console.post("/settings/keys/sync/remove", &[]).await;
    assert_eq!(said.status, 403);
    assert!(said.text.contains("You cannot open this"), "{}", said.text);
}

#[tokio::test]
async fn no_form_is_taken_without_its_token() {
    let console = Console::new(Says::default());
    for (method, path, _) in parity::REQUESTS.iter().map(|(_, request)| request) {
        if *method != "POST" || path.starts_with("/import?") {
            continue;
        }
        let kind = "application/x-www-form-urlencoded";
        let said = if *path == "/import" {
            console.upload(path, "forged", b"login\n", "").await
        } else {
            console.ask("POST", path, kind, form(&[("csrf", "forged")])).await
        };
        assert_eq!(said.status, 403, "{path}");
    }
    assert!(
        console.daemon.asked().iter().all(daemon::reads),
        "{:?}",
        console.daemon.asked()
    );
}

#[tokio::test]
async fn no_page_shows_what_somebody_wrote_as_html_nor_an_id_twice() {
    let console = Console::new(Says {
        hostile: true,
        ..Says::default()
    });
    let mut seen = 0;
    let more = PAGES.iter().map(|path| ("GET", *path, [].as_slice()));
    for (method, path, fields) in parity::REQUESTS.iter().map(|(_, request)| *request).chain(more) {
        let said = match method {
            "GET" => console.get(path).await,
            _ if path.starts_with("/import") => continue,
            _ => console.post(path, fields).await,
        };
        if said.status != 200 {
            continue;
        }
        seen += 1;
        let html = &said.text;
        for bad in [
            "<script>alert",
            " style=",
            " onclick=",
            "javascript:",
            "http://evil",
        ] {
            assert!(!html.contains(bad), "{bad} in {path}");
        }
        if !said.header("content-type").starts_with("text/html") {
            continue;
        }
        let ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{path}: {ids:?}");
        let posts = html.matches("method=\"post\"").count();
        assert_eq!(html.matches("name=\"csrf\"").count(), posts, "{path}");
    }
    assert!(seen > 70, "{seen} pages");
}

#[tokio::test]
async fn the_guide_is_on_the_pages_word_for_word() {
    let console = Console::new(Says::default());
    let resources = console.get("/resources").await.text;
    assert!(resources.contains(">Hafenwerk VPN</a>"), "{resources}");
    let general = console.get("/resources/Hafenwerk%20VPN/self-service").await.text;
    for words in [
        ">Self-Service</a>",
        ">General</a>",
        ">Allowed Actions</a>",
        ">Token Enrollment</a>",
        ">Self-Service Address</label>",
        ">Self-Service Page Address</label>",
        "value=\"https://login.example/s/hafenwerk\"",
        "class=\"qr\"",
        ">Save</button>",
    ] {
        assert!(general.contains(words), "{words} in {general}");
    }
    let actions = console
        .get("/resources/Hafenwerk%20VPN/self-service/actions")
        .await
        .text;
    assert!(actions.contains(">Enroll Token</span>") && actions.contains(">All</span>"));
    let enrollment = console
        .get("/resources/Hafenwerk%20VPN/self-service/enrollment")
        .await
        .text;
    assert!(enrollment.contains(">SMS</span>"), "{enrollment}");
}

#[tokio::test]
async fn the_first_administrator_is_set_up_with_codes_shown_once() {
    let mut console = Console::new(Says::default());
    console.cookie = String::new();
    let page = console.get("/setup/LINK").await;
    assert_eq!(page.status, 200);
    for words in ["JBSW Y3DP EHPK 3PXP", "class=\"qr\"", "id=\"login\"", "AB:CD"] {
        assert!(page.text.contains(words), "{words} in {}", page.text);
    }
    let kind = "application/x-www-form-urlencoded";
    let fields = [
        ("login", "mara"),
        ("password", "a long enough password"),
        ("totp", "JBSWY3DPEHPK3PXP"),
        ("code", "123 456"),
    ];
    let done = console.ask("POST", "/setup/LINK", kind, form(&fields)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(done.text.contains("7f-kx3m-pq9t"));
    assert!(
        done.cookies()
            .iter()
            .any(|line| line.starts_with("adm=NEW; Path=/; HttpOnly; SameSite=Strict"))
    );
    let short = console
        .ask(
            "POST",
            "/setup/LINK",
            kind,
            form(&[("login", ""), ("password", "short")]),
        )
        .await;
    assert_eq!(short.status, 422);
    for field in ["#login", "#password", "#code"] {
        assert!(short.text.contains(&format!("<a href=\"{field}\">")), "{field}");
    }
    let gone = console.get("/setup/GONE").await;
    assert_eq!(gone.status, 404);
    assert!(gone.text.contains("This link does not work any more"));
}

#[tokio::test]
async fn a_sign_in_takes_two_steps_and_ends_where_it_was_meant_to() {
    let mut console = Console::new(Says {
        half: true,
        ..Says::default()
    });
    console.cookie = String::new();
    let kind = "application/x-www-form-urlencoded";
    let fields = form(&[("user", "mara"), ("password", "right")]);
    let said = console.ask("POST", "/sign-in?next=%2Fusers", kind, fields).await;
    assert_eq!(
        (said.status, said.header("location")),
        (303, "/code?next=%2Fusers")
    );
    let wrong = form(&[("user", "mara"), ("password", "wrong")]);
    let said = console.ask("POST", "/sign-in", kind, wrong).await;
    assert_eq!(said.status, 422);
    assert!(said.text.contains("The user name or the password is not right"));
    console.cookie = "adm=HALF".to_owned();
    let csrf = token("HALF");
    let wrong = form(&[("code", "000000"), ("csrf", &csrf)]);
    let said = console.ask("POST", "/code?next=%2Fusers", kind, wrong).await;
    assert_eq!(said.status, 422);
    let right = form(&[("code", "123456"), ("csrf", &csrf)]);
    let said = console.ask("POST", "/code?next=%2Fusers", kind, right).await;
    assert_eq!((said.status, said.header("location")), (303, "/users"));
    let page = console.get("/users").await;
    assert_eq!(page.header("location"), "/code?next=%2Fusers", "half signed in");
}

#[tokio::test]
async fn a_file_goes_to_the_daemon_in_parts_and_a_wrong_one_is_told() {
    let console = Console::new(Says::default());
    let csrf = console.csrf().await;
    let file = format!("login\n{}", "alice,,,,,,\n".repeat(6000));
    let said = console.upload("/import", &csrf, file.as_bytes(), "").await;
    assert_eq!((said.status, said.header("location")), (303, "/import/i1"));
    let parts: Vec<(Option<String>, String, bool)> = console
        .daemon
        .asked()
        .into_iter()
        .filter_map(|op| match op {
            AdminOp::ImportPut { import, text, last } => Some((import, text.expose().to_owned(), last)),
            _ => None,
        })
        .collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(
        parts.iter().map(|(_, text, _)| text.as_str()).collect::<String>(),
        file
    );
    assert_eq!(
        parts.iter().map(|(_, _, last)| *last).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert_eq!(parts[0].0, None);
    assert_eq!(parts[1].0.as_deref(), Some("i1"));
    for (file, words) in [
        (b"".as_slice(), "Choose a file, or paste its lines"),
        (b"log\xffin\n".as_slice(), "The file is not UTF-8"),
    ] {
        let said = console.upload("/import", &csrf, file, "").await;
        assert_eq!(said.status, 422);
        assert!(said.text.contains(words), "{}", said.text);
    }
    let large = vec![b'x'; super::import::FILE + 1];
    assert_eq!(console.upload("/import", &csrf, &large, "").await.status, 413);
}

#[tokio::test]
async fn the_list_is_exported_without_numbers_and_formulas() {
    let console = Console::new(Says::default());
    let said = console.get("/export/users.csv").await;
    assert_eq!(said.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        said.text,
        "login,email,phone,first-name,last-name,resource,token\r\n\
         alice,alice@example.com,,\"'=Alice\",Weber,Hafenwerk VPN,\r\n"
    );
}
