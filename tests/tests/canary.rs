//! What must stay secret is in no log at trace level, in no database file and in no output of otpostctl: codes, full
//! phone numbers, passwords, shared secrets, credentials of providers, the master key.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use data_encoding::HEXLOWER;
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings, UserAdd, UserSet};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_radius_wire::Code;
use otpost_tests::command::{self, Ended, Running};
use otpost_tests::dice::Dice;
use otpost_tests::gateway::{Gateway, TOKEN, impatient, provider, text_in};
use otpost_tests::needles::{Needle, found, ways_of};
use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::{Scratch, Stack, Texted};
use otpost_tests::vpn::{Answered, Vpn};

const PASSWORD: &str = "Zitronenfalter-42!x";
const NEW_PASSWORD: &str = "Admiral-Schmetterling_7";
const WRONG_PASSWORD: &str = "Distelfalter+falsch9";
const SECRET: &str = "kanarienvogel-geheim-4711";
const OTHER_SECRET: &str = "stieglitz-geheim-0815-x";
const ALICE: &str = "+491712345678";
const BOB: &str = "+491609876543";
const TESTED: &str = "+491713339996";
/// Appended to the wrong settings of a provider.
const LEAKY: &str = "tok-in-a-file-with-a-mistake";

/// A file for otpostctl, outside of what is searched.
fn private(dir: &Path, name: &str, content: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

struct Scene {
    stack: Stack,
    vpn: Vpn,
    codes: BTreeSet<String>,
    /// What otpostctl printed and complained about.
    said: String,
    /// Files of secrets for otpostctl.
    files: Scratch,
    gateways: Vec<Gateway>,
}

impl Scene {
    fn new() -> Self {
        let mut stack = Stack::new();
        stack.inbox();
        stack.resource(
            "vpn",
            ResourceSettings {
                digits: Some(8),
                ..ResourceSettings::default()
            },
        );
        stack.admin(AdminOp::RadiusClientAdd {
            name: "gw".to_owned(),
            networks: vec!["127.0.0.1/32".to_owned()],
            resource: "vpn".to_owned(),
            secret: Some(SECRET.into()),
            weak_secret: false,
            message_authenticator: MessageAuthenticator::Require,
            first_factor: Some("local".to_owned()),
            set: otpost_ipc::admin::ClientSet::default(),
        });
        for (login, phone) in [("alice", ALICE), ("bob", BOB)] {
            stack.admin(AdminOp::UserAdd(UserAdd {
                login: login.to_owned(),
                password: Some(PASSWORD.into()),
                resources: vec!["vpn".to_owned()],
                ..UserAdd::default()
            }));
            stack.admin(AdminOp::TokenAdd {
                user: login.to_owned(),
                phone: phone.into(),
                name: String::new(),
                digits: None,
                resources: Vec::new(),
            });
        }
        stack.start_radius("127.0.0.1:0");
        let vpn = Vpn::new(stack.address(), SECRET, Dice::new(3));
        Self {
            stack,
            vpn,
            codes: BTreeSet::new(),
            said: String::new(),
            files: Scratch::new(),
            gateways: Vec::new(),
        }
    }

    fn begin(&mut self, user: &str, password: &str) -> Answered {
        let challenged = self.vpn.ask(user, password, None);
        assert_eq!(challenged.code, Code::AccessChallenge, "{}", challenged.message);
        challenged
    }

    fn then(&mut self, user: &str, code: &str, before: &Answered, expected: Code) -> Answered {
        let answered = self.vpn.ask(user, code, Some(&before.state));
        assert_eq!(answered.code, expected, "{}", answered.message);
        answered
    }

    fn remember(&mut self, text: &Texted) -> String {
        let code = text.code();
        assert_eq!(code.len(), 8);
        self.codes.insert(code.clone());
        code
    }

    /// Right, wrong, mistyped and locked logins through the development inbox.
    fn logins(&mut self) {
        let login = self.begin("alice", PASSWORD);
        let code = self.stack.text_after(0);
        let code = self.remember(&code);
        let login = self.then("alice", &wrong(&code), &login, Code::AccessChallenge);
        let login = self.then("alice", PASSWORD, &login, Code::AccessChallenge);
        self.then("alice", &code, &login, Code::AccessAccept);
        self.then("alice", &code, &login, Code::AccessReject);
        assert_eq!(
            self.vpn.ask("alice", WRONG_PASSWORD, None).code,
            Code::AccessReject
        );
        // A password where the name belongs is a name, and names are logged: nobody can tell them apart.
        let mut login = self.begin("bob", PASSWORD);
        let code = self.stack.text_after(1);
        let code = self.remember(&code);
        for _ in 0..4 {
            login = self.then("bob", &wrong(&code), &login, Code::AccessChallenge);
        }
        self.then("bob", &wrong(&code), &login, Code::AccessReject);
        assert_eq!(self.vpn.ask("bob", PASSWORD, None).code, Code::AccessReject);
        self.stack.admin(AdminOp::UserUnlock {
            user: "bob".to_owned(),
        });
    }

    /// A provider that fails with an echo of all it got, one that hangs, one that works.
    fn providers(&mut self) {
        let (denies, silent, good) = (Gateway::start(), Gateway::start(), Gateway::start());
        self.stack.admin(AdminOp::SmsProviderSet {
            name: "inbox".to_owned(),
            enabled: Some(false),
            priority: None,
        });
        provider(&self.stack, "denies", 1, &denies.get("/401"));
        provider(&self.stack, "good", 2, &good.json("/send"));
        let login = self.begin("alice", PASSWORD);
        let text = text_in(&good.received(1)[0]);
        assert_eq!(text.to, ALICE);
        assert_eq!(denies.received(1)[0]["query"][2][1], TOKEN);
        let code = self.remember(&text);
        self.then("alice", &code, &login, Code::AccessAccept);
        provider(&self.stack, "silent", 3, &impatient(silent.form("/hang")));
        for (name, expected) in [("denies", "failed"), ("silent", "unknown"), ("good", "accepted")] {
            match self.stack.admin(AdminOp::SmsSendTest {
                phone: TESTED.into(),
                provider: Some(name.to_owned()),
            }) {
                AdminReply::SendTest { state, .. } => assert_eq!(state, expected),
                other => panic!("{other:?}"),
            }
        }
        let fault = self.stack.refused(AdminOp::SmsProviderAdd {
            name: "bad".to_owned(),
            kind: "http".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::new(format!(
                "{{\"url\": \"https://x.example/\", \"token\": \"{LEAKY}\"}}"
            )),
        });
        self.said.push_str(&fault.message);
        self.gateways.extend([denies, silent, good]);
    }

    fn ctl(&mut self, args: &[&str], input: &str) -> Ended {
        let mut running = self.start_ctl(args);
        if !input.is_empty() {
            running.type_line(input);
        }
        let ended = running.end();
        self.hear(&ended);
        ended
    }

    fn start_ctl(&self, args: &[&str]) -> Running {
        let mut command = command::program("otpostctl", args);
        Running::start(command.env("OTPOST_ADMIN_SOCKET", self.stack.socket("admin")))
    }

    fn hear(&mut self, ended: &Ended) {
        self.said.push_str(&ended.out);
        self.said.push_str(&ended.err);
    }

    /// What an administrator does, with all that is secret in files and on standard input.
    fn administration(&mut self) {
        let (new, wrong_password) = (
            private(self.files.path(), "password", NEW_PASSWORD),
            private(self.files.path(), "wrong", WRONG_PASSWORD),
        );
        let secret = private(self.files.path(), "secret", SECRET);
        let other = private(self.files.path(), "other", OTHER_SECRET);
        self.stack.admin(AdminOp::SmsProviderSet {
            name: "inbox".to_owned(),
            enabled: Some(true),
            priority: Some(0),
        });
        let done = self.ctl(
            &[
                "user",
                "add",
                "carol",
                "--resource",
                "vpn",
                "--password-file",
                &new,
            ],
            "",
        );
        assert!(done.status.success(), "{done:?}");
        // In use already.
        let refused = self.ctl(&["token", "add", "carol", "-"], ALICE);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let done = self.ctl(&["sms", "send-test", "-"], TESTED);
        assert!(done.status.success(), "{done:?}");
        let refused = self.ctl(&["sms", "send-test", "-", "--provider", "denies"], TESTED);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let bad = private(
            self.files.path(),
            "provider.toml",
            &format!("url = 'https://gateway.example/'\nsecrets = {{ token = '{LEAKY}'\n"),
        );
        let refused = self.ctl(
            &[
                "sms", "provider", "add", "bad", "--kind", "http", "--config", &bad,
            ],
            "",
        );
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        // Its result is the secret, to be entered at the VPN; so only its complaints are searched.
        let done = self
            .start_ctl(&[
                "radius",
                "client",
                "add",
                "gw2",
                "--network",
                "192.0.2.1",
                "--resource",
                "vpn",
                "--secret-file",
                &other,
            ])
            .end();
        assert!(done.status.success(), "{done:?}");
        self.said.push_str(&done.err);
        for listed in [
            &["radius", "client", "list"][..],
            &["user", "show", "alice"],
            &["token", "list", "alice"],
            &["sms", "provider", "list"],
            &["sms", "messages"],
            &["audit", "tail", "-n", "200"],
            &["login", "explain", "alice@gw"],
            &["--json", "status"],
            &["--json", "audit", "tail", "-n", "200"],
        ] {
            let done = self.ctl(listed, "");
            assert!(done.status.success(), "{listed:?}: {done:?}");
        }
        self.stack.admin(AdminOp::UserSet(UserSet {
            user: "alice".to_owned(),
            password: Some(NEW_PASSWORD.into()),
            ..UserSet::default()
        }));
        let server = self.stack.address().to_string();
        let test = |password| {
            [
                "radius",
                "test",
                "alice",
                "--server",
                &server,
                "--secret-file",
                &secret,
                "--password-file",
                password,
            ]
            .map(str::to_owned)
        };
        let texts = self.stack.settled();
        let args = test(&new);
        let mut login = self.start_ctl(&args.each_ref().map(String::as_str));
        let code = self.remember(&self.stack.text_after(texts));
        login.type_line(&code);
        let done = login.end();
        assert!(done.status.success(), "{done:?}");
        self.hear(&done);
        let args = test(&wrong_password);
        let refused = self.ctl(&args.each_ref().map(String::as_str), "");
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    }

    fn secrets(&self) -> Vec<Needle> {
        let key = fs::read_to_string(self.stack.dir().join("data/master.key")).unwrap();
        let key = key.trim();
        assert_eq!(key.len(), 64);
        let mut all = vec![
            ("password", PASSWORD),
            ("new password", NEW_PASSWORD),
            ("wrong password", WRONG_PASSWORD),
            ("shared secret", SECRET),
            ("other shared secret", OTHER_SECRET),
            ("token", TOKEN),
            ("token in a mistake", LEAKY),
            ("master key", key),
            ("upper master key", ""),
        ];
        let upper = key.to_ascii_uppercase();
        all.last_mut().unwrap().1 = &upper;
        // Without + and country code: +49171…, 49171… and 0171… all hold that.
        for (what, phone) in [("alice's", ALICE), ("bob's", BOB), ("the tested", TESTED)] {
            all.push((what, &phone["+49".len()..]));
        }
        all.extend(self.codes.iter().map(|code| ("code", code.as_str())));
        let mut needles: Vec<Needle> = all
            .iter()
            .flat_map(|(what, secret)| ways_of(what, secret))
            .collect();
        let raw = HEXLOWER.decode(key.as_bytes()).unwrap();
        if !raw.contains(&b'\n') {
            needles.push(Needle {
                what: "master key (octets)".to_owned(),
                octets: raw,
            });
        }
        for phone in [ALICE, BOB, TESTED] {
            let (prefix, rest) = phone["+49".len()..].split_at(3);
            for between in [" ", "-", "/", ") "] {
                needles.push(Needle {
                    what: format!("grouped {phone}"),
                    octets: format!("{prefix}{between}{rest}").into_bytes(),
                });
            }
        }
        needles
    }
}

fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

/// Texts and the key are where they have to be.
const ALLOWED: [&str; 2] = ["inbox.jsonl", "master.key"];

#[test]
fn secrets_are_in_no_log_no_database_and_no_output() {
    let mut scene = Scene::new();
    scene.logins();
    scene.providers();
    scene.administration();
    let dir = scene.stack.dir().to_owned();
    let secrets = scene.secrets();
    assert!(scene.codes.len() == 4 && secrets.len() > 80);

    // The search itself works, on logs, on the database with its log, and on what may hold secrets.
    let wal = dir.join("data/otpost.db-wal");
    assert!(fs::metadata(&wal).unwrap().len() > 0);
    let user = ways_of("user", "alice");
    let seen = found(&dir, &[], &user);
    for place in ["daemon.log", "radius.log", "data/otpost.db-wal"] {
        assert!(
            seen.contains(&format!("user (as it is) in {place}")),
            "{place}: {seen:?}"
        );
    }
    let allowed = found(&dir, &[], &secrets);
    for place in [
        "code (as it is) in inbox.jsonl",
        "alice's (as it is) in inbox.jsonl",
        "master key (as it is) in data/master.key",
    ] {
        assert!(allowed.contains(place), "{place}: {allowed:?}");
    }
    for (log, deepest) in [("daemon.log", " TRACE "), ("radius.log", " DEBUG ")] {
        assert!(fs::read_to_string(dir.join(log)).unwrap().contains(deepest));
    }

    let leaks = found(&dir, &ALLOWED, &secrets);
    assert!(leaks.is_empty(), "while it runs: {leaks:#?}");
    assert!(scene.stack.radius.as_mut().unwrap().stop().success());
    assert!(scene.stack.daemon.as_mut().unwrap().stop().success());
    let seen = found(&dir, &[], &user);
    assert!(
        seen.contains("user (as it is) in data/otpost.db"),
        "what is in the log of the database comes into it: {seen:?}"
    );
    let leaks = found(&dir, &ALLOWED, &secrets);
    assert!(leaks.is_empty(), "after the stop: {leaks:#?}");

    // A start after kill -9 reads all of it again, and a wrong key complains.
    scene.stack.start_daemon();
    scene.stack.daemon.as_mut().unwrap().kill();
    let key = dir.join("data/master.key");
    let kept = fs::read(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "5a".repeat(32)).unwrap();
    let refused = command::run(&mut command::program(
        "otpostd",
        ["--config", dir.join("daemon.toml").to_str().unwrap()],
    ));
    assert!(!refused.status.success());
    scene.hear(&refused);
    fs::write(&key, kept).unwrap();
    let leaks = found(&dir, &ALLOWED, &secrets);
    assert!(leaks.is_empty(), "after a kill: {leaks:#?}");

    let said = Scratch::new();
    fs::write(said.path().join("output"), &scene.said).unwrap();
    let heard = found(said.path(), &[], &user);
    assert!(heard.contains("user (as it is) in output"), "{heard:?}");
    let leaks = found(said.path(), &[], &secrets);
    assert!(leaks.is_empty(), "{leaks:#?}");
    wait_for("the inbox to be as private as it should be", || {
        let mode = fs::metadata(dir.join("inbox.jsonl"))
            .unwrap()
            .permissions()
            .mode();
        (mode & 0o7777 == 0o600).then_some(())
    });
}
