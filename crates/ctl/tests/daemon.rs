//! Every command against a scripted daemon on a real socket: what is asked, what is shown, and the exit status.

mod common;

use otpost_ipc::{
    Fault, FaultCode, Outcome,
    admin::{AdminOp, AdminReply},
    radius::MessageAuthenticator,
};
use serde_json::{Value, json};

use common::{
    FakeDaemon, Ran, Runner, Scratch,
    lines::table,
    replies::{audit_row, client_view, daemon, fitting, reply, user_view},
};

#[test]
fn each_command_asks_the_right_thing_and_shows_the_answer() {
    for (line, op, word) in table() {
        let daemon = daemon();
        let ran = daemon.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        assert!(ran.out.contains(word) && ran.err.is_empty(), "{line}: {ran:?}");
        let expected: AdminOp = serde_json::from_value(op).unwrap();
        assert_eq!(daemon.asked(), [expected], "{line}");
    }
}

#[test]
fn json_is_the_daemons_answer_on_one_line() {
    for (line, op, _) in table() {
        let op: AdminOp = serde_json::from_value(op).unwrap();
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let ran = daemon().run(&words);
        assert_eq!((ran.code, ran.out.lines().count()), (0, 1), "{line}: {ran:?}");
        let shown: AdminReply = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(shown, reply(fitting(&op)), "{line}");
    }
}

#[test]
fn a_refusal_of_any_kind_is_exit_1_with_the_daemons_sentence() {
    for code in [
        FaultCode::Malformed,
        FaultCode::Forbidden,
        FaultCode::Invalid,
        FaultCode::NotFound,
        FaultCode::Conflict,
        FaultCode::Busy,
        FaultCode::Unavailable,
        FaultCode::Internal,
    ] {
        let ran = FakeDaemon::refusing(code, "There is no user \u{1b}[1mbob.").run(&["user", "show", "bob"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert_eq!(
            ran.err,
            "otpostctl: There is no user \u{fffd}[1mbob. (ref k7q2)\n"
        );
    }
    for (line, ..) in table() {
        let daemon = FakeDaemon::refusing(FaultCode::Unavailable, "Not now.");
        let ran = daemon.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 1, "{line}: {ran:?}");
    }
}

#[test]
fn a_refusal_says_when_to_try_again_and_is_json_where_asked_for() {
    let fault = Fault {
        code: FaultCode::Busy,
        message: "Too many requests.".to_owned(),
        retry_after: Some(7),
        reference: "k7".to_owned(),
    };
    let daemon = FakeDaemon::new(move |_| Outcome::Err(fault.clone()));
    assert!(daemon.run(&["status"]).err.contains("try again in 7 s"));
    let ran = daemon.run(&["status", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(
        error,
        json!({ "error": { "code": "busy", "message": "Too many requests.", "retry_after": 7, "ref": "k7" } })
    );
}

#[test]
fn bad_news_is_exit_1_although_it_is_an_answer() {
    let sent = |state: &str| {
        let value =
            json!({ "re": "send-test", "state": state, "provider": "gw", "provider_id": null, "detail": "" });
        FakeDaemon::always(reply(value))
            .run(&["sms", "send-test", "+61491570156"])
            .code
    };
    assert_eq!(sent("accepted"), 0);
    for state in ["failed", "unknown", "expired", "queued"] {
        assert_eq!(sent(state), 1, "{state}");
    }
    let broken = json!({ "re": "audit-verified", "rows": 9, "head": "", "broken_at": 4 });
    assert_eq!(
        FakeDaemon::always(reply(broken)).run(&["audit", "verify"]).code,
        1
    );
}

#[test]
fn an_answer_of_another_kind_is_not_taken_for_a_result() {
    for line in [
        ["user", "list"].as_slice(),
        &["sms", "countries"],
        &["audit", "tail"],
    ] {
        let ran = FakeDaemon::done().run(line);
        assert_eq!(ran.code, 3, "{line:?}: {ran:?}");
        assert!(ran.err.contains("same release"), "{ran:?}");
    }
}

#[test]
fn no_socket_a_dead_socket_and_no_socket_file_are_exit_3_and_name_the_fix() {
    let scratch = Scratch::new();
    let ran = Runner::new(&scratch.path("admin.sock")).run(&["status"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err.contains("is otpostd running?") && ran.err.contains("--socket"),
        "{}",
        ran.err
    );

    let dead = scratch.path("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let ran = Runner::new(&dead).run(&["status"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("systemctl start otpostd"), "{}", ran.err);

    let file = scratch.file("file", "", 0o600);
    let ran = Runner::new(&file).run(&["status", "--json"]);
    assert_eq!(ran.code, 3);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["code"], "unreachable");
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not a socket of otpostd"),
        "{error}"
    );
}

#[test]
fn a_list_is_read_page_by_page() {
    let daemon = FakeDaemon::new(|op| {
        let AdminOp::UserList { after, .. } = op else {
            panic!("{op:?}")
        };
        let (users, more) = match after.as_deref() {
            None => (vec![user_view("a"), user_view("b")], true),
            Some("b") => (vec![user_view("c")], false),
            other => panic!("{other:?}"),
        };
        Outcome::Ok(reply(json!({ "re": "users", "users": users, "more": more })))
    });
    let ran = daemon.run(&["user", "list", "--json"]);
    let AdminReply::Users {
        users, more: false, ..
    } = serde_json::from_str(&ran.out).unwrap()
    else {
        panic!("{ran:?}")
    };
    let logins: Vec<&str> = users.iter().map(|user| user.login.as_str()).collect();
    assert_eq!(logins, ["a", "b", "c"]);
}

#[test]
fn one_client_is_found_in_the_list_whatever_its_case_and_shown_in_full() {
    let daemon = FakeDaemon::new(|op| {
        let AdminOp::RadiusClientList { after } = op else {
            panic!("{op:?}")
        };
        let mut client = client_view();
        client["name"] = json!(if after.is_none() { "aa" } else { "fw" });
        Outcome::Ok(reply(
            json!({ "re": "clients", "clients": [client], "more": after.is_none() }),
        ))
    });
    let ran = daemon.run(&["radius", "client", "show", "FW"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in [
        "Name                    fw",
        "Flow                    append: password and code in one field",
        "Sends it                not on 2026-09-21T14:13:20Z",
        "Reply attributes        Class = staff",
    ] {
        assert!(ran.out.lines().any(|own| own == line), "{line} in {}", ran.out);
    }
    let ran = daemon.run(&["radius", "client", "show", "fw", "--json"]);
    let AdminReply::Client(client) = serde_json::from_str(&ran.out).unwrap() else {
        panic!("{ran:?}")
    };
    assert_eq!(client.name, "fw");
    let ran = daemon.run(&["radius", "client", "show", "zz"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err
            .contains("there is no RADIUS client `zz`; see otpostctl radius client list"),
        "{ran:?}"
    );
}

#[test]
fn many_audit_rows_are_read_from_where_they_begin() {
    let daemon = FakeDaemon::new(|op| {
        let AdminOp::AuditTail { after, limit } = op else {
            panic!("{op:?}")
        };
        let newest = 1000;
        let first = after.map_or(newest + 1 - u64::from(*limit), |after| after + 1);
        let rows: Vec<Value> = (first..=newest).take(*limit as usize).map(audit_row).collect();
        Outcome::Ok(reply(json!({ "re": "audit", "rows": rows })))
    });
    let rows = |lines: &str| {
        let Ran { out, .. } = daemon.run(&["audit", "tail", "-n", lines]);
        let numbers: Vec<u64> = out
            .lines()
            .map(|line| line.split(' ').next().unwrap().parse().unwrap())
            .collect();
        numbers
    };
    assert_eq!(rows("3"), [998, 999, 1000]);
    assert_eq!(rows("450"), (551..=1000).collect::<Vec<_>>());
    assert_eq!(rows("5000"), (1..=1000).collect::<Vec<_>>());
}

#[test]
fn a_new_password_is_asked_for_twice_without_echo() {
    let daemon = daemon();
    let ran = Runner::new(&daemon.socket())
        .types(&["correct horse", "correct horse"])
        .run(&["user", "password", "alice"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.prompts.len(), 2);
    assert!(ran.prompts.iter().all(|(_, echo)| !echo));
    let [AdminOp::UserSet(set)] = daemon.asked_each() else {
        panic!()
    };
    assert_eq!(set.password.unwrap().expose(), "correct horse");

    let ran = Runner::new(&daemon.socket())
        .types(&["correct horse", "correct house"])
        .run(&["user", "password", "alice"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("differ") && !ran.err.contains("horse"),
        "{ran:?}"
    );
    assert_eq!(daemon.asked().len(), 1, "nothing was asked");
}

#[test]
fn a_new_user_gets_a_password_unless_nothing_is_typed() {
    let daemon = daemon();
    let add = ["user", "add", "alice"];
    let ran = Runner::new(&daemon.socket())
        .types(&["correct horse", "correct horse"])
        .run(&add);
    assert_eq!((ran.code, ran.prompts.len()), (0, 2), "{ran:?}");
    let ran = Runner::new(&daemon.socket()).types(&[""]).run(&add);
    assert_eq!((ran.code, ran.prompts.len()), (0, 1), "{ran:?}");
    let [AdminOp::UserAdd(with), AdminOp::UserAdd(without)] = daemon.asked_each() else {
        panic!()
    };
    assert_eq!(with.password.unwrap().expose(), "correct horse");
    assert_eq!(without.password, None);
    let ran = Runner::new(&daemon.socket()).run(&add);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn naming_one_service_or_country_keeps_the_others() {
    let daemon = daemon();
    let last = || serde_json::to_value(daemon.asked().pop().unwrap()).unwrap();
    for (line, services) in [
        (["--pam-service", "su"], json!(["sshd", "su"])),
        (["--pam-service", "sshd"], json!(["sshd"])),
        (["--without-pam-service", "sshd"], json!([])),
    ] {
        let ran = daemon.run(&[["resource", "set", "vpn"].as_slice(), &line].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(last()["set"]["pam-services"], services, "{line:?}");
    }
    for (line, countries) in [
        (["--add", "ch"].as_slice(), json!(["AT", "DE", "CH"])),
        (&["--remove", "AT"], json!(["DE"])),
        (&["--add", "DE,FR", "--remove", "AT,DE"], json!(["DE", "FR"])),
    ] {
        let ran = daemon.run(&[["sms", "countries"].as_slice(), line].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(last()["countries"], countries, "{line:?}");
    }
}

#[test]
fn secrets_come_from_private_files_and_standard_input() {
    let scratch = Scratch::new();
    let daemon = daemon();
    let private = scratch.file("private", "correct horse\nsecond line\n", 0o600);
    let open = scratch.file("open", "correct horse\n", 0o644);
    let run = |input: &str, line: &[&str]| Runner::new(&daemon.socket()).input(input).run(line);

    let ran = run(
        "",
        &[
            "user",
            "add",
            "alice",
            "--password-file",
            private.to_str().unwrap(),
        ],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = run(
        "other horse\r\n",
        &["user", "set", "alice", "--password-file", "-"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = [
        "radius",
        "client",
        "set",
        "fw",
        "--secret-file",
        "-",
        "--weak-secret",
    ];
    assert_eq!(run("shared secret", &line).code, 0);
    let [
        AdminOp::UserAdd(add),
        AdminOp::UserSet(set),
        AdminOp::RadiusClientSet { secret, .. },
    ] = daemon.asked_each()
    else {
        panic!()
    };
    assert_eq!(add.password.unwrap().expose(), "correct horse");
    assert_eq!(set.password.unwrap().expose(), "other horse");
    assert_eq!(secret.unwrap().expose(), "shared secret");

    for (input, file, message) in [
        ("", open.to_str().unwrap(), "chmod go="),
        ("", "/nonexistent", "check the path"),
        ("", "-", "empty"),
        ("\n", "-", "empty"),
    ] {
        let ran = run(input, &["user", "password", "alice", "--password-file", file]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(message), "{ran:?}");
    }
    let ran = run("", &["user", "password", "alice"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--password-file"), "{ran:?}");
    assert_eq!(daemon.asked().len(), 3, "nothing more was asked");
}

#[test]
fn a_phone_number_may_come_from_standard_input() {
    let daemon = daemon();
    let ran = Runner::new(&daemon.socket())
        .input("+61 491 570 156\n")
        .run(&["token", "add", "alice", "-"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let [AdminOp::TokenAdd { phone, .. }] = daemon.asked_each() else {
        panic!()
    };
    assert_eq!(phone.expose(), "+61 491 570 156");
    let ran = Runner::new(&daemon.socket()).run(&["sms", "send-test", "-"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn a_provider_is_described_in_toml_and_sent_as_json() {
    let scratch = Scratch::new();
    let daemon = daemon();
    let file = scratch.file(
        "gw.toml",
        "url = \"https://gw.example/\"\n[secrets]\ntoken = \"t0ken\"\n",
        0o600,
    );
    let ran = daemon.run(&[
        "sms",
        "provider",
        "add",
        "gw",
        "--kind",
        "http",
        "--config",
        file.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = daemon.run(&[
        "sms",
        "provider",
        "add",
        "in",
        "--kind",
        "file",
        "--path",
        "inbox.jsonl",
        "--priority",
        "9",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let [
        AdminOp::SmsProviderAdd {
            kind,
            config,
            priority: None,
            ..
        },
        AdminOp::SmsProviderAdd {
            config: path,
            priority: Some(9),
            ..
        },
    ] = daemon.asked_each()
    else {
        panic!()
    };
    assert_eq!(kind, "http");
    let config: Value = serde_json::from_str(config.expose()).unwrap();
    assert_eq!(
        config,
        json!({ "url": "https://gw.example/", "secrets": { "token": "t0ken" } })
    );
    let path: Value = serde_json::from_str(path.expose()).unwrap();
    assert!(path["path"].as_str().unwrap().starts_with('/'), "{path}");

    let broken = scratch.file("broken.toml", "[secrets]\ntoken = \"t0ken\n", 0o600);
    let ran = daemon.run(&[
        "sms",
        "provider",
        "add",
        "x",
        "--kind",
        "http",
        "--config",
        broken.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("broken.toml:2:") && !ran.err.contains("t0ken"),
        "{ran:?}"
    );
}

#[test]
fn a_given_secret_of_a_new_client_reaches_the_daemon() {
    let daemon = daemon();
    let ran = Runner::new(&daemon.socket())
        .types(&["a shared secret of ours", "a shared secret of ours"])
        .run(&[
            "radius",
            "client",
            "add",
            "fw",
            "--network",
            "192.0.2.1",
            "--resource",
            "vpn",
            "--secret",
        ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let [
        AdminOp::RadiusClientAdd {
            secret,
            message_authenticator: MessageAuthenticator::Require,
            ..
        },
    ] = daemon.asked_each()
    else {
        panic!()
    };
    assert_eq!(secret.unwrap().expose(), "a shared secret of ours");
}

#[test]
fn a_login_without_a_service_is_a_usage_error() {
    let daemon = daemon();
    let ran = daemon.run(&["login", "explain", "alice"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("USER@SERVICE"), "{ran:?}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    let daemon = daemon();
    let mut err = Vec::new();
    let args = [
        "otpostctl",
        "--socket",
        daemon.socket().to_str().unwrap(),
        "user",
        "list",
    ]
    .map(Into::into);
    let code = otpost_ctl::run(
        args,
        &mut otpost_ctl::Io {
            out: &mut Gone,
            err: &mut err,
            input: &mut std::io::empty(),
            terminal: &mut common::Person::default(),
            color: false,
        },
    );
    assert_eq!((code, err.as_slice()), (0, b"".as_slice()));
}

#[test]
fn configuration_files_are_checked_with_a_caret() {
    let scratch = Scratch::new();
    let run = |line: &[&str]| Runner::new(&scratch.path("none")).run(line);
    let good = scratch.file("daemon.toml", "environment = \"development\"\n", 0o644);
    let bad = scratch.file(
        "radius.toml",
        "listen = [\"127.0.0.1:1812\"]\nsokcet = \"x\"\n",
        0o644,
    );
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());

    let ran = run(&["config", "check", "--daemon", good]);
    assert_eq!((ran.code, ran.out), (0, format!("{good}: good\n")));
    let ran = run(&["config", "check", "--daemon", good, "--radius", bad]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.contains("radius.toml:2:1") && ran.out.contains("^^^^^^"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("did you mean `socket`?"), "{}", ran.out);
    let ran = run(&["config", "check", "--radius", bad, "--json"]);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &value["files"][0]["line"]), (1, &json!(2)));
    let ran = run(&["config", "check", "--daemon", "/nonexistent/daemon.toml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("no such configuration file"), "{ran:?}");
}
