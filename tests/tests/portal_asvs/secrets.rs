//! What must stay secret is in no log at trace level and in no file of the database: what people type and get at the pages, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use otpost_ipc::admin::{AdminOp, AdminReply, MailSet, ResourceSettings, SelfServiceSettings, UserAdd};
use otpost_tests::authenticator;
use otpost_tests::http::Http;
use otpost_tests::needles::{Needle, found, ways_of};
use otpost_tests::owner::OWNER_PASSWORD;
use otpost_tests::pamstack::wait_for;
use otpost_tests::person::{self, wrong};
use otpost_tests::postbox::Postbox;
use otpost_tests::stack::PASSWORD;

use crate::Scene;

const NEW_PASSWORD: &str = "Admiral-Schmetterling_7";
const WRONG_PASSWORD: &str = "Distelfalter+falsch9";
const MAIL_PASSWORD: &str = "kanarienvogel-geheim-4711";

/// What is looked for at the end.
struct Secrets(Vec<Needle>);

impl Secrets {
    fn keep(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 7, "{what}: {secret:?} is found everywhere");
        self.0.extend(ways_of(what, secret));
    }

    /// A cookie, key or link: its octets as well.
    fn keep_random(&mut self, what: &str, secret: &str) {
        self.keep(what, secret);
        let octets = BASE64URL_NOPAD.decode(secret.as_bytes()).unwrap();
        self.keep(what, &HEXLOWER.encode(&octets));
        if !octets.contains(&b'\n') {
            self.0.push(Needle {
                what: format!("{what} (octets)"),
                octets,
            });
        }
    }

    fn keep_cookie(&mut self, what: &str, http: &Http) {
        self.keep_random(what, http.session().unwrap());
    }

    fn nowhere(&self, dir: &Path, when: &str) {
        // The search itself works.
        let seen = found(dir, &[], &ways_of("user", "alice"));
        for place in ["daemon.log", "data/otpost.db"] {
            assert!(seen.iter().any(|hit| hit.contains(place)), "{when}: {seen:?}");
        }
        let portal = fs::read_to_string(dir.join("portal.log")).unwrap();
        assert!(
            portal.contains("DEBUG") && portal.contains("/s/{address}"),
            "{portal}"
        );
        let leaks = found(dir, &["inbox.jsonl", "master.key"], &self.0);
        assert!(leaks.is_empty(), "{when}: {leaks:#?}");
    }
}

/// What the daemon says once, to whoever started it, before anybody can be an administrator.
const FIRST_LINK: &str = "otpostd: there is no administrator yet. SET-UP LINK, good once and for 24 hours: ";

#[test]
fn what_is_typed_and_shown_on_pages_is_in_no_log_and_no_database() {
    let mut scene = Scene::new();
    let stack = &scene.stack;
    let mut secrets = Secrets(Vec::new());
    // Eight digits are not found by chance.
    stack.admin(AdminOp::ResourceSet {
        name: "VPN".to_owned(),
        set: ResourceSettings {
            self_service: Some(SelfServiceSettings {
                otp_length: Some("8".to_owned()),
                ..SelfServiceSettings::default()
            }),
            ..ResourceSettings::default()
        },
    });
    let Some(postbox) = Postbox::or_skip(stack) else {
        return;
    };
    stack.admin(AdminOp::MailSet(MailSet {
        user: Some("otpost".to_owned()),
        password: Some(MAIL_PASSWORD.into()),
        ..MailSet::default()
    }));
    stack.admin(AdminOp::MailSet(MailSet {
        user: Some(String::new()),
        ..MailSet::default()
    }));
    secrets.keep("the mail server's password", MAIL_PASSWORD);

    // Sign-in, wrong and right; a token; recovery codes.
    let mut alice = scene.somebody();
    let _ = alice.knock("alice", WRONG_PASSWORD).is(422);
    alice.sign_in("alice");
    secrets.keep_cookie("the first cookie", &alice.http);
    let old = alice.http.session().unwrap().to_owned();
    let _ = alice.get("/home").is(200);
    secrets.keep_random("the form's token", &alice.http.csrf.clone());
    let (id, text) = alice.begun(stack, 5678);
    let code = text.code();
    let _ = alice.confirm(&id, &wrong(&code)).is(422);
    let done = alice.confirm(&id, &code).is(200);
    let codes = done.list("codes");
    for code in &codes {
        secrets.keep("a recovery code", code);
        secrets.keep("a recovery code without hyphens", &code.replace('-', ""));
    }
    for (what, secret) in [
        ("a password", PASSWORD),
        ("a wrong password", WRONG_PASSWORD),
        ("a new password", NEW_PASSWORD),
    ] {
        secrets.keep(what, secret);
    }
    secrets.keep("the number", "1712345678");
    let mut digits = vec![code];

    // Second sign-in: half cookie, full cookie, an app, a new password, a new address.
    let mut person = scene.somebody();
    let texts = stack.settled();
    let _ = person.knock("alice", PASSWORD).is(303);
    secrets.keep_cookie("a half cookie", &person.http);
    let code = stack.text_after(texts).code();
    let _ = person.code("sms", &wrong(&code)).is(422);
    let _ = person.code("sms", &code).is(303);
    digits.push(code);
    secrets.keep_cookie("a full cookie", &person.http);
    let texts = stack.settled();
    let answer = person.post("/do/password", &[("current", PASSWORD), ("new", NEW_PASSWORD)]);
    let step = person.step_up(&answer);
    let code = stack.text_after(texts).code();
    let _ = person
        .prove(&step, "sms", &code)
        .leads("/s/vpn/home?done=password");
    digits.push(code);
    let answer = person.post(
        "/do/password",
        &[("current", WRONG_PASSWORD), ("new", WRONG_PASSWORD)],
    );
    let _ = answer.is(422);
    let mails = postbox.mails().len();
    let texts = stack.settled();
    let answer = person.post("/do/email", &[("email", "alice.new@example.com")]);
    let step = person.step_up(&answer);
    let code = stack.text_after(texts).code();
    let answer = person.prove(&step, "sms", &code);
    digits.push(code);
    let step = person.step_up(&answer);
    let mailed = wait_for("the mail to the new address", || {
        let mut all = postbox.mails().into_iter().skip(mails);
        all.find(|mail| mail.to == ["alice.new@example.com"])
    });
    let _ = person
        .prove(&step, "mail", &mailed.code())
        .leads("/s/vpn/home?done=email");
    let _ = person.post("/sign-out", &[]).is(303);
    // A form whose session has ended.
    person.http.cookies.insert("sid".to_owned(), old);
    let _ = person.post(
        "/do/password",
        &[("current", NEW_PASSWORD), ("new", WRONG_PASSWORD)],
    );

    // An app: its secret and codes.
    let mut bruno = scene.signed_in("bruno");
    let answer = bruno.post("/add/totp", &[("form", "app"), ("name", "")]);
    let id = bruno.enrolment(&answer);
    let page = bruno.get(&format!("/enrol/{id}")).is(200);
    let secret = page
        .body
        .split("id=\"secret\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let secret = secret.replace(' ', "");
    let _ = bruno.confirm(&id, &authenticator::code(&secret, 0)).is(200);
    secrets.keep("an app's secret", &secret);
    let token = person::shown(stack, "bruno").tokens[0].id.clone();
    let typed = [
        ("token", token.as_str()),
        ("first-code", "135790"),
        ("second-code", "246801"),
    ];
    let _ = bruno
        .post("/do/sync", &typed)
        .is(422)
        .says("These are not two codes in a row of this app.");

    // Links, one-day codes, keys, administrators.
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: "carol".to_owned(),
        password: Some(PASSWORD.into()),
        resources: vec!["VPN".to_owned()],
        ..UserAdd::default()
    }));
    match stack.admin(AdminOp::UserInvite {
        user: "carol".to_owned(),
        resource: "VPN".to_owned(),
    }) {
        AdminReply::Invited { link, .. } => {
            let (_, secret) = link.expose().split_once("invite=").unwrap();
            secrets.keep_random("an invitation", secret);
            let mut carol = scene.somebody();
            let _ = carol.get(&format!("?invite={secret}")).is(200);
            let fields = [("user", "carol"), ("password", PASSWORD), ("invite", secret)];
            let _ = carol.post("", &fields).leads("/s/vpn/home");
        }
        other => panic!("{other:?}"),
    }
    match stack.admin(AdminOp::UserOneDayCode {
        user: "alice".to_owned(),
    }) {
        AdminReply::OneDayCode { code, .. } => {
            secrets.keep("a one-day code", code.expose());
            let mut alice = scene.somebody();
            let _ = alice.knock("alice", NEW_PASSWORD).is(303);
            let _ = alice.code("helpdesk", code.expose()).leads("/s/vpn/home");
        }
        other => panic!("{other:?}"),
    }
    let log = stack.daemon.as_ref().unwrap().log();
    let (_, first) = log.split_once(FIRST_LINK).unwrap();
    let first = first.lines().next().unwrap().rsplit_once(['/', '=']).unwrap().1;
    let places = ["as it is", "escaped"].map(|way| format!("the first link ({way}) in daemon.log"));
    let seen = found(stack.dir(), &[], &ways_of("the first link", first));
    assert_eq!(seen, BTreeSet::from(places));
    assert_eq!(log.matches(first).count(), 1);
    let _ = Http::new(&scene.site.console)
        .get(&format!("/setup/{first}"))
        .is(200);
    let _ = Http::new(&scene.site.console)
        .get(&format!("/setup?link={first}"))
        .is(200);
    let mut owner = scene.owner();
    secrets.keep_random("a set-up link", &owner.link);
    secrets.keep("an administrator's secret", &owner.secret);
    secrets.keep("an administrator's password", OWNER_PASSWORD);
    secrets.keep("an administrator's recovery code", &owner.codes[0]);
    secrets.keep_cookie("an administrator's cookie", &owner.http);
    let _ = owner.http.get("/users").is(200);
    // Used again, and mistyped.
    let _ = Http::new(&scene.site.console)
        .get(&format!("/setup/{}", owner.link))
        .is(404);
    match stack.admin(AdminOp::ApiKeyAdd {
        name: "sync".to_owned(),
        role: "admin".to_owned(),
        resources: Vec::new(),
        days: None,
    }) {
        AdminReply::ApiKeySecret { secret, .. } => {
            secrets.keep("an API key", secret.expose());
            let mut http = Http::new(&scene.site.console);
            for (key, status) in [
                (secret.expose().to_owned(), 200),
                (format!("{}x", secret.expose()), 401),
            ] {
                http.further = vec![("Authorization", format!("Bearer {key}"))];
                assert_eq!(http.get("/api/v1/status").status, status);
            }
        }
        other => panic!("{other:?}"),
    }
    let _ = stack.settled();
    for digits in &digits {
        secrets.keep("a code", digits);
    }
    // Six digits alone are found in times and sizes by chance.
    for before in [" ", "\"", "=", ":", "("] {
        secrets.keep("a mailed code", &format!("{before}{}", mailed.code()));
    }
    let dir = stack.dir().to_owned();
    secrets.nowhere(&dir, "while it runs");
    assert!(scene.site.program.stop().success());
    assert!(scene.stack.daemon.as_mut().unwrap().stop().success());
    secrets.nowhere(&dir, "after the stop");
}
