//! The console over HTTP, with the real programs: the way in from any page, and the ways through long lists.
#![expect(clippy::unwrap_used, reason = "test")]

use otpost_tests::authenticator;
use otpost_tests::http::{Answer, Http};
use otpost_tests::owner::{OWNER_PASSWORD, Owner};
use otpost_tests::person;
use otpost_tests::site::{Site, everything};
use otpost_tests::stack::Stack;

fn scene() -> (Stack, Site, Owner) {
    let stack = Stack::new();
    stack.inbox();
    stack.resource("VPN", everything("vpn"));
    let site = Site::start(&stack);
    let owner = Owner::first(&stack, Http::new(&site.console), "mara");
    (stack, site, owner)
}

#[test]
fn whoever_has_not_typed_the_code_yet_is_led_to_it_from_every_page_and_on_from_there() {
    let (stack, _site, owner) = scene();
    person::user(&stack, "alice", &["VPN"]);
    let Owner { mut http, secret, .. } = owner;
    http.cookies.clear();
    let login = [("user", "mara"), ("password", OWNER_PASSWORD)];
    let _ = http.forge("/sign-in", &login).leads("/code?next=%2F");
    let half = http.session().unwrap().to_owned();
    for (page, code) in [
        ("/", "/code?next=%2F"),
        (
            "/users?search=al&size=5",
            "/code?next=%2Fusers%3Fsearch%3Dal%26size%3D5",
        ),
        (
            "/resources/VPN/self-service",
            "/code?next=%2Fresources%2FVPN%2Fself-service",
        ),
        ("/account", "/code?next=%2Faccount"),
        (
            "/settings/administrators",
            "/code?next=%2Fsettings%2Fadministrators",
        ),
        ("/sign-in?next=%2Ftokens", "/code?next=%2Ftokens"),
    ] {
        let answer = http.get(page).leads(code);
        assert_eq!(
            http.session(),
            Some(half.as_str()),
            "{page} takes the session away"
        );
        assert!(!answer.words().contains("alice"));
        let _ = http.get(answer.to()).is(200).says("Enter the code from your app");
    }
    // A form that was sent too early is kept, but for its secrets.
    let user = [
        ("login", "bob"),
        ("first-name", "Bob"),
        ("password", "correct horse"),
    ];
    let answer = http.post("/add/user", &user).leads("/code?next=%2Fadd%2Fuser");
    let kept = http.cookies.get("typed").unwrap();
    assert!(!kept.is_empty());
    let code = authenticator::code(&secret, 1);
    let _ = http.post(answer.to(), &[("code", &code)]).leads("/add/user");
    assert_ne!(http.session(), Some(half.as_str()), "a session of its own");
    let page = http.get("/add/user").is(200);
    assert_eq!(page.field("login").as_deref(), Some("bob"));
    assert_eq!(page.field("first-name").as_deref(), Some("Bob"));
    assert!(!page.body.contains("correct horse"));
    // The half one is over.
    http.cookies.insert("adm".to_owned(), half);
    let _ = http.get("/users").leads("/sign-in?next=%2Fusers&again=1");
}

/// The address of a step through a list; empty where it is not possible.
fn step(page: &Answer, rel: &str) -> String {
    let Some((before, _)) = page.body.split_once(&format!("\" rel=\"{rel}\"")) else {
        return String::new();
    };
    before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&")
}

/// Logins on a page of users.
fn logins(page: &Answer) -> Vec<String> {
    let rows = page.body.split("<span class=\"soft tiny mono\">").skip(1);
    rows.map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect()
}

#[test]
fn long_lists_are_walked_forth_and_back() {
    let (stack, _site, owner) = scene();
    let mut http = owner.http;
    let all: Vec<String> = (1..=23).map(|n| format!("user{n:02}")).collect();
    for login in &all {
        person::user(&stack, login, &["VPN"]);
    }
    for list in ["/users?size=5&search=user", "/resources/VPN/users?size=5"] {
        let mut pages: Vec<Answer> = vec![http.get(list).is(200)];
        loop {
            let next = step(pages.last().unwrap(), "next");
            if next.is_empty() {
                break;
            }
            pages.push(http.get(&next).is(200));
        }
        let seen: Vec<Vec<String>> = pages.iter().map(logins).collect();
        assert_eq!(seen.concat(), all, "{list}");
        assert_eq!(seen.len(), 5);
        let mut here = pages.pop().unwrap();
        while let Some(before) = pages.pop() {
            here = http.get(&step(&here, "prev")).is(200);
            assert_eq!(logins(&here), logins(&before), "{list}");
        }
        assert_eq!(step(&here, "prev"), "");
        assert_eq!(step(&here, "first"), "");
    }
    // The audit log, newest first, and texts and resources as well.
    let first = http.get("/audit?size=10&kind=admin.").is(200);
    let second = http.get(&step(&first, "next")).is(200);
    assert_ne!(first.words(), second.words());
    let back = http.get(&step(&second, "prev")).is(200);
    let rows = |page: &Answer| page.body.matches("<tr role=\"row\"><td").count();
    assert_eq!((rows(&first), rows(&second)), (10, 10));
    let references = |page: &Answer| -> Vec<String> {
        let cells = page.body.split("/audit?ref=").skip(1);
        cells
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    };
    assert!(!references(&first).is_empty());
    assert_eq!(references(&back), references(&first));
    for n in 0..7 {
        stack.resource(&format!("Resource {n}"), everything(&format!("r{n}")));
    }
    let page = http.get("/resources?size=5").is(200).says("Page 1 of 2");
    let last = http.get(&step(&page, "last")).is(200).says("Page 2 of 2");
    assert_eq!(step(&last, "next"), "");
    let _ = http.get(&step(&last, "first")).is(200).says("Page 1 of 2");
}
