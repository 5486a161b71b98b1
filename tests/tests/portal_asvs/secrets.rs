//! What must stay secret is in no log at trace level and in no file of the database: what people type and get at the pages, too.

use std::fs;
use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use otpost_ipc::admin::{AdminOp, AdminReply, UserAdd};
use otpost_tests::authenticator;
use otpost_tests::http::Http;
use otpost_tests::owner::OWNER_PASSWORD;
use otpost_tests::person::{self, wrong};
use otpost_tests::postbox::Postbox;
use otpost_tests::stack::PASSWORD;

use crate::Scene;

const NEW_PASSWORD: &str = "Admiral-Schmetterling_7";
const WRONG_PASSWORD: &str = "Distelfalter+falsch9";
const MAIL_PASSWORD: &str = "kanarienvogel-geheim-4711";

/// Ways in which a secret gets into logs and files.
fn ways(secret: &str) -> Vec<Vec<u8>> {
    let octets = secret.as_bytes();
    let mut ways = vec![
        octets.to_vec(),
        secret.escape_debug().to_string().into_bytes(),
        HEXLOWER.encode(octets).into_bytes(),
    ];
    for skip in 0..3 {
        let whole = &octets[skip..];
        let whole = &whole[..whole.len() / 3 * 3];
        if whole.len() >= 6 {
            ways.push(BASE64.encode(whole).into_bytes());
        }
    }
    // What a cookie or key says in other words.
    if let Ok(raw) = BASE64URL_NOPAD.decode(octets)
        && raw.len() >= 16
    {
        ways.push(HEXLOWER.encode(&raw).into_bytes());
        ways.push(raw);
    }
    ways
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return false };
    let mut rest = text;
    while let Some(at) = rest.iter().position(|c| c == first) {
        if rest[at..].starts_with(part) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// All files below `dir` but those that hold secrets as they must.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() && !["inbox.jsonl", "master.key"].contains(&name.as_str()) {
            found.push((name, fs::read(&path).unwrap()));
        }
    }
    found
}

struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn keep(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 6, "{what}: {secret:?} is found everywhere");
        self.0.push((what.to_owned(), secret.to_owned()));
    }

    fn keep_cookie(&mut self, what: &str, http: &Http) {
        self.keep(what, http.session().unwrap());
    }

    fn nowhere(&self, dir: &Path, when: &str) {
        let files = files(dir);
        for needed in ["daemon.log", "portal.log", "otpost.db"] {
            let (_, text) = files.iter().find(|(name, _)| name == needed).unwrap();
            assert!(needed == "otpost.db" || contains(text, b"TRACE") || contains(text, b"DEBUG"));
        }
        assert!(
            files.iter().any(|(_, text)| contains(text, b"alice")),
            "the search works"
        );
        let mut leaks = Vec::new();
        for (name, text) in &files {
            // The link of the first administrator is for whoever reads the daemon's first lines, and for nobody later.
            let text = without_first_link(text);
            for (what, secret) in &self.0 {
                if ways(secret).iter().any(|way| contains(&text, way)) {
                    leaks.push(format!("{what} in {name}"));
                }
            }
        }
        assert!(leaks.is_empty(), "{when}: {leaks:#?}");
    }
}

fn without_first_link(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&c| c == b'\n');
    let kept = lines.filter(|line| !contains(line, b"/setup"));
    kept.flatten().copied().collect()
}

#[test]
fn what_is_typed_and_shown_on_pages_is_in_no_log_and_no_database() {
    let mut scene = Scene::new();
    let stack = &scene.stack;
    let mut secrets = Secrets(Vec::new());
    let Some(postbox) = Postbox::or_skip(stack) else {
        return;
    };
    stack.admin(AdminOp::MailSet(otpost_ipc::admin::MailSet {
        user: Some("otpost".to_owned()),
        password: Some(MAIL_PASSWORD.into()),
        ..otpost_ipc::admin::MailSet::default()
    }));
    stack.admin(AdminOp::MailSet(otpost_ipc::admin::MailSet {
        user: Some(String::new()),
        ..otpost_ipc::admin::MailSet::default()
    }));
    secrets.keep("the mail server's password", MAIL_PASSWORD);

    // Sign-in, wrong and right; a token; recovery codes.
    let mut alice = scene.somebody();
    let _ = alice.knock("alice", WRONG_PASSWORD).is(422);
    alice.sign_in("alice");
    secrets.keep_cookie("the first cookie", &alice.http);
    secrets.keep("the form's token", &alice.http.csrf.clone());
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
    // Six digits are found in times and sizes by chance: as a word, quoted, or as JSON has it.
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
    let mailed = otpost_tests::pamstack::wait_for("the mail to the new address", || {
        let mut all = postbox.mails().into_iter().skip(mails);
        all.find(|mail| mail.to == ["alice.new@example.com"])
    });
    let _ = person
        .prove(&step, "mail", &mailed.code())
        .leads("/s/vpn/home?done=email");
    digits.push(mailed.code());
    let _ = person.post("/sign-out", &[]).is(303);
    // A form whose session has ended.
    person
        .http
        .cookies
        .insert("sid".to_owned(), secrets.0[2].1.clone());
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
            secrets.keep("an invitation", secret);
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
    let mut owner = scene.owner();
    secrets.keep("a set-up link", &owner.link);
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
        for (before, after) in [
            ("\"", "\""),
            (" ", " "),
            ("=", " "),
            (" ", "\n"),
            (":", ","),
            ("=", "\n"),
            ("\"", "\\"),
        ] {
            secrets.keep("a code", &format!("{before}{digits}{after}"));
        }
    }
    let dir = stack.dir().to_owned();
    secrets.nowhere(&dir, "while it runs");
    assert!(scene.site.program.stop().success());
    assert!(scene.stack.daemon.as_mut().unwrap().stop().success());
    secrets.nowhere(&dir, "after the stop");
}
