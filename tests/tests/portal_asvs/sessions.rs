//! Cookies and what they open: rotation, end, kill.

use otpost_ipc::admin::{AdminOp, AdminReply, AdminSet, ResourceSettings, SelfServiceSettings, UserSet};
use otpost_tests::authenticator;
use otpost_tests::http::{Answer, Http};
use otpost_tests::owner::{OWNER_PASSWORD, Owner};
use otpost_tests::person::{self, Person};
use otpost_tests::site::Site;
use otpost_tests::stack::{PASSWORD, Stack};

use crate::routes::guarded_by_tls;
use crate::{Scene, prepare};

/// Name, value and attributes of the only cookie set.
#[track_caller]
fn only_cookie(answer: &Answer) -> (String, String, Vec<String>) {
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let mut parts = cookies[0].split("; ").map(str::to_owned);
    let pair = parts.next().unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    (name.to_owned(), value.to_owned(), parts.collect())
}

/// Checks a session's cookie; gives its value.
#[track_caller]
fn session_cookie(answer: &Answer, name: &str, same_site: &str, secure: bool) -> String {
    let (found, value, attributes) = only_cookie(answer);
    assert_eq!(found, name);
    assert_eq!(value.len(), 43, "256 bits: {}", value.len());
    let mut expected = vec![
        "Path=/".to_owned(),
        "HttpOnly".to_owned(),
        format!("SameSite={same_site}"),
    ];
    if secure {
        expected.push("Secure".to_owned());
    }
    let (age, rest) = attributes.split_last().unwrap();
    assert_eq!(rest, expected);
    let age: u32 = age.strip_prefix("Max-Age=").unwrap().parse().unwrap();
    assert!((300..=43_200).contains(&age), "{age}");
    value
}

#[test]
fn cookies_over_loopback_and_over_tls_are_as_strict_as_they_can_be() {
    let scene = Scene::new();
    let mut alice = scene.somebody();
    let answer = alice.knock("alice", PASSWORD);
    session_cookie(&answer, "sid", "Lax", false);
    let mut owner = scene.owner();
    owner.http.cookies.clear();
    let login = [("user", "mara"), ("password", OWNER_PASSWORD)];
    let answer = owner.http.forge("/sign-in", &login).is(303);
    session_cookie(&answer, "adm", "Strict", false);

    let stack = Stack::new();
    prepare(&stack);
    let (site, trust) = Site::secure(&stack);
    let mut alice = Person::new(&site.base, "vpn");
    alice.http = alice.http.trusting(trust.clone());
    let page = alice.get("").is(200);
    guarded_by_tls(&page, "sign-in");
    assert!(page.cookies().is_empty());
    let answer = alice.knock("alice", PASSWORD).leads("/s/vpn/home");
    guarded_by_tls(&answer, "signed in");
    session_cookie(&answer, "__Host-sid", "Lax", true);
    guarded_by_tls(&alice.get("/home").is(200), "home");
    guarded_by_tls(&alice.http.get("/nothing-here").is(404), "404");
    let answer = alice
        .http
        .post("/preferences/language", &[("lang", "de"), ("back", "/s/vpn")]);
    let (name, _, attributes) = only_cookie(&answer);
    assert_eq!(name, "lang");
    assert_eq!(attributes[..4], ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]);
    // What was typed while the session ended.
    let mut ended = alice.clone();
    stack.admin(AdminOp::UserSignOut {
        user: "alice".to_owned(),
    });
    let answer = ended.post("/add/sms", &[("name", "Mine"), ("phone", "123"), ("digits", "6")]);
    assert_eq!(answer.to(), "/s/vpn?again=1");
    for cookie in answer.cookies() {
        assert!(
            cookie.contains("; HttpOnly") && cookie.contains("; Secure"),
            "{cookie}"
        );
    }
    let owner = Owner::first(&stack, Http::new(&site.console).trusting(trust), "mara");
    let mut http = owner.http;
    assert!(http.cookies.contains_key("__Host-adm"));
    http.cookies.clear();
    let answer = http.forge("/sign-in", &login).is(303);
    session_cookie(&answer, "__Host-adm", "Strict", true);
    guarded_by_tls(&answer, "console");
}

/// Asks for the page after sign-in with this cookie alone.
fn home_with(scene: &Scene, name: &str, value: &str) -> Answer {
    let mut person = scene.somebody();
    person.http.cookies.insert(name.to_owned(), value.to_owned());
    person.get("/home")
}

#[test]
fn each_step_of_a_sign_in_gets_a_new_cookie_and_the_old_one_is_void() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.signed_in("alice");
    let _ = alice.enrol(stack, 5678);
    let mut person = scene.somebody();
    // Planted by somebody else: never taken over.
    let planted = "A".repeat(43);
    person.http.cookies.insert("sid".to_owned(), planted.clone());
    let texts = stack.settled();
    let half = session_cookie(&person.knock("alice", PASSWORD), "sid", "Lax", false);
    assert_ne!(half, planted);
    let _ = home_with(&scene, "sid", &planted).leads("/s/vpn");
    let _ = home_with(&scene, "sid", &half).leads("/s/vpn/code");
    let code = stack.text_after(texts).code();
    let full = session_cookie(&person.code("sms", &code), "sid", "Lax", false);
    assert_ne!(full, half);
    let _ = home_with(&scene, "sid", &half).leads("/s/vpn");
    let _ = home_with(&scene, "sid", &full).is(200);
    // Neither on the console nor under another name.
    let mut http = Http::new(&scene.site.console);
    http.cookies.insert("adm".to_owned(), full.clone());
    assert_eq!(http.get("/users").status, 303);
    let _ = home_with(&scene, "__Host-sid", &full).leads("/s/vpn");
    // Nor on another portal of the same person.
    stack.resource("Office", otpost_tests::site::everything("office"));
    stack.admin(AdminOp::UserBind {
        user: "alice".to_owned(),
        resource: "Office".to_owned(),
    });
    let mut office = Person::new(&scene.site.base, "office");
    office.http.cookies.insert("sid".to_owned(), full.clone());
    let _ = office.get("/home").leads("/s/office");

    // Signed out is signed out, whoever kept the cookie.
    let answer = person.post("/sign-out", &[]).leads("/s/vpn?bye=1");
    assert!(answer.cookies()[0].starts_with("sid=; ") && answer.cookies()[0].ends_with("Max-Age=0"));
    let _ = home_with(&scene, "sid", &full).leads("/s/vpn");

    // The console's.
    let owner = scene.owner();
    let mut http = Http::new(&scene.site.console);
    let login = [("user", "mara"), ("password", OWNER_PASSWORD)];
    let half = session_cookie(&http.post("/sign-in", &login), "adm", "Strict", false);
    let _ = http.clone().get("/users").is(303);
    let code = authenticator::code(&owner.secret, 1);
    let full = session_cookie(&http.post("/code", &[("code", &code)]), "adm", "Strict", false);
    assert_ne!(full, half);
    let with = |value: &str| {
        let mut http = Http::new(&scene.site.console);
        http.cookies.insert("adm".to_owned(), value.to_owned());
        http.get("/users")
    };
    assert!(with(&half).to().starts_with("/sign-in"));
    assert_eq!(with(&full).status, 200);
    // The code that was used opens nothing again.
    let mut again = Http::new(&scene.site.console);
    let _ = again.post("/sign-in", &login).is(303);
    let _ = again.post("/code", &[("code", &code)]).is(422);
    assert!(http.post("/sign-out", &[]).to().starts_with("/sign-in"));
    assert!(with(&full).to().starts_with("/sign-in"));
}

#[test]
fn who_may_no_more_is_out_at_once() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let user = || "alice".to_owned();
    let enabled = |enabled| AdminOp::ResourceSet {
        name: "VPN".to_owned(),
        set: ResourceSettings {
            enabled: Some(enabled),
            ..ResourceSettings::default()
        },
    };
    let address = |address: &str| AdminOp::ResourceSet {
        name: "VPN".to_owned(),
        set: ResourceSettings {
            self_service: Some(SelfServiceSettings {
                address: Some(address.to_owned()),
                ..SelfServiceSettings::default()
            }),
            ..ResourceSettings::default()
        },
    };
    let kills: Vec<(AdminOp, Option<AdminOp>)> = vec![
        (
            AdminOp::UserLock {
                user: user(),
                why: "left".to_owned(),
            },
            Some(AdminOp::UserUnlock { user: user() }),
        ),
        (
            AdminOp::UserUnbind {
                user: user(),
                resource: "VPN".to_owned(),
            },
            Some(AdminOp::UserBind {
                user: user(),
                resource: "VPN".to_owned(),
            }),
        ),
        (enabled(false), Some(enabled(true))),
        (address(""), Some(address("vpn"))),
        (AdminOp::UserSignOut { user: user() }, None),
        (
            AdminOp::UserSet(UserSet {
                user: user(),
                password: Some(PASSWORD.into()),
                ..UserSet::default()
            }),
            None,
        ),
        (AdminOp::UserRemove { user: user() }, None),
    ];
    for (kill, mend) in kills {
        let shown = format!("{kill:?}");
        let mut alice = scene.signed_in("alice");
        let _ = alice.get("/home").is(200);
        let (enrolment, text) = alice.begun(stack, 5678);
        stack.admin(kill);
        for answer in [
            alice.clone().get("/home"),
            alice.clone().post("/do/names", &[("first", "A"), ("last", "B")]),
            alice.clone().confirm(&enrolment, &text.code()),
        ] {
            let out = answer.status == 404 || answer.to() == "/s/vpn" || answer.to() == "/s/vpn?again=1";
            assert!(out, "{shown}: {} {}", answer.status, answer.to());
        }
        if let Some(mend) = mend {
            stack.admin(mend);
            assert!(person::shown(stack, "alice").tokens.is_empty(), "{shown}");
        }
    }

    let owner = scene.owner();
    let link = match stack.admin(AdminOp::AdminAdd {
        login: "paul".to_owned(),
        shown: String::new(),
        email: None,
        role: "admin".to_owned(),
        resources: Vec::new(),
    }) {
        AdminReply::AdminLink { link, .. } => link,
        other => panic!("{other:?}"),
    };
    let mut second = Owner::by_link(Http::new(&scene.site.console), link.expose(), None);
    // The link was for one time.
    let (_, path) = link.expose().split_once("/setup").unwrap();
    let _ = Http::new(&scene.site.console)
        .get(&format!("/setup{path}"))
        .is(404);

    let _ = second.http.get("/users").is(200);
    let locked = |locked| {
        stack.admin(AdminOp::AdminSet(AdminSet {
            login: "paul".to_owned(),
            locked: Some(locked),
            ..AdminSet::default()
        }));
    };
    locked(true);
    assert!(second.http.clone().get("/users").to().starts_with("/sign-in"));
    locked(false);
    let mut http = Http::new(&scene.site.console);
    let _ = http
        .post("/sign-in", &[("user", "paul"), ("password", OWNER_PASSWORD)])
        .is(303);
    let _ = http
        .post("/code?by=recovery", &[("code", &second.codes[0])])
        .is(303);
    let _ = http.get("/users").is(200);
    stack.admin(AdminOp::AdminRemove {
        login: "paul".to_owned(),
    });
    assert!(http.get("/users").to().starts_with("/sign-in"));
    assert_eq!(owner.codes.len(), 10);
}

#[test]
fn a_session_ends_when_it_is_not_used_and_after_its_longest_time() {
    let scene = Scene::on(Stack::with_clock());
    let stack = &scene.stack;
    let mut alice = scene.signed_in("alice");
    stack.pass(29 * 60);
    let _ = alice.get("/home").is(200);
    stack.pass(29 * 60);
    let _ = alice.get("/home").is(200);
    stack.pass(31 * 60);
    let _ = alice.get("/home").leads("/s/vpn");
    let mut alice = scene.signed_in("alice");
    for _ in 0..24 {
        stack.pass(29 * 60);
        let _ = alice.get("/home").is(200);
    }
    stack.pass(25 * 60);
    let _ = alice.get("/home").leads("/s/vpn");
}

#[test]
fn others_are_signed_out_after_a_change_of_password_and_on_wish() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.signed_in("alice");
    let _ = alice.enrol(stack, 5678);
    let mut other = scene.somebody();
    other.sign_in_by_text("alice", stack);
    let texts = stack.settled();
    let fields = [("current", PASSWORD), ("new", "another horse")];
    let answer = alice.post("/do/password", &fields);
    let step = alice.step_up(&answer);
    let _ = other.get("/home").is(200);
    let code = stack.text_after(texts).code();
    let _ = alice
        .prove(&step, "sms", &code)
        .leads("/s/vpn/home?done=password");
    let _ = other.get("/home").leads("/s/vpn");
    let _ = alice.get("/home").is(200);
    // Listed and ended by hand.
    let mut third = scene.somebody();
    let texts = stack.settled();
    let _ = third.knock("alice", "another horse").leads("/s/vpn/code");
    let _ = third
        .code("sms", &stack.text_after(texts).code())
        .leads("/s/vpn/home");
    let home = alice.get("/home").is(200);
    let id = home.body.split("name=\"session\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    let _ = alice
        .post("/do/end-session", &[("session", &id)])
        .leads("/s/vpn/home?done=end-session");
    let _ = third.get("/home").leads("/s/vpn");
    let _ = alice.get("/home").is(200);
}
