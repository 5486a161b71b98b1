//! slapd: right, wrong, expired, groups, certificates, and what becomes of logins when it dies or hangs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use nix::sys::signal::Signal;
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_tests::pamstack::{timed, wait_for};
use otpost_tests::stack::Stack;
use serde_json::{Value, json};

use crate::slapd::{Identity, SERVICE, Slapd, search};
use crate::{add, free_tcp, outcome, test};

#[test]
fn a_directory_knows_right_wrong_unknown_expired_and_locked() {
    let stack = Stack::new();
    let slapd = Slapd::start();
    add(&stack, "starttls", "ldap", &slapd.config());
    let mut config = slapd.config();
    config["urls"] = json!([slapd.tls_url()]);
    add(&stack, "ldaps", "ldap", &config);
    for source in ["starttls", "ldaps"] {
        let said = test(&stack, source, "alice", "alice's password");
        assert_eq!(said.outcome, "passed", "{said:?}");
        assert_eq!(said.groups, ["vpn", "Büro, Nord"]);
        assert!(said.server.contains("localhost"), "{said:?}");
        for (user, password, wanted) in [
            ("ALICE", "alice's password", "passed"),
            ("CORP\\alice", "alice's password", "passed"),
            ("alice", "alice's passwore", "failed"),
            ("alice", "bob's password", "failed"),
            ("alice", "", "failed"),
            ("carol", "alice's password", "unknown-user"),
            ("carol", "", "failed"),
            ("nobody", "x", "failed"),
            ("nobody", "", "failed"),
            ("erna", "erna's password", "expired"),
            ("erna", "wrong", "failed"),
            ("lothar", "lothar's password", "locked"),
            ("bob", "bob's password", "passed"),
        ] {
            assert_eq!(
                outcome(&stack, source, user, password),
                wanted,
                "{source}: {user}"
            );
        }
    }
    // Nothing that was tried stands in the log, nor what is set.
    let log = fs::read_to_string(stack.dir().join("daemon.log")).unwrap();
    for secret in [SERVICE, "alice's password", "alice's passwore", "erna's password"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn a_name_is_nothing_but_a_name() {
    let stack = Stack::new();
    let slapd = Slapd::start();
    add(&stack, "search", "ldap", &slapd.config());
    let mut config = slapd.config();
    config["bind"] = json!({ "dn": "uid={user},ou=people,dc=corp,dc=example" });
    add(&stack, "direct", "ldap", &config);
    for name in [
        "alice)(uid=bob",
        "alice)(!(uid=bob)",
        "alice)",
        "(alice",
        "alice\\2a",
        "alice,ou=people",
        "alice+uid=bob",
        "al%2Aice",
        "{dn}",
        "{user}",
    ] {
        assert_eq!(
            outcome(&stack, "search", name, "alice's password"),
            "unknown-user",
            "{name}"
        );
        let direct = outcome(&stack, "direct", name, "alice's password");
        assert_eq!(direct, "failed", "{name}");
    }
    // A wildcard is refused before anybody is asked.
    let refused = stack.refused(AdminOp::SourceTest {
        name: "search".to_owned(),
        user: "*)(uid=*".to_owned(),
        password: "alice's password".into(),
    });
    assert_eq!(refused.code, FaultCode::Invalid);
}

#[test]
fn users_sign_in_under_their_names_directly() {
    let stack = Stack::new();
    let slapd = Slapd::start();
    let mut config = slapd.config();
    config["bind"] = json!({ "dn": "uid={user},ou=people,dc=corp,dc=example" });
    add(&stack, "attribute", "ldap", &config);
    config["groups"] =
        json!({ "search": { "base": "ou=groups,dc=corp,dc=example", "filter": "(member={dn})" } });
    add(&stack, "search", "ldap", &config);
    config["bind"] = json!({ "search": search() });
    add(&stack, "both", "ldap", &config);
    for source in ["attribute", "search", "both"] {
        let said = test(&stack, source, "alice", "alice's password");
        assert_eq!(said.outcome, "passed", "{source}: {said:?}");
        let mut groups = said.groups;
        groups.sort();
        assert_eq!(groups, ["Büro, Nord", "vpn"], "{source}");
        assert_eq!(test(&stack, source, "bob", "bob's password").groups, [""; 0]);
        assert_eq!(outcome(&stack, source, "alice", "wrong"), "failed");
        assert_eq!(outcome(&stack, source, "alice", ""), "failed");
        assert_eq!(outcome(&stack, source, "erna", "erna's password"), "expired");
    }
}

#[test]
fn a_directory_without_the_right_certificate_gets_no_password() {
    let stack = Stack::new();
    let other = Identity::new("localhost");
    let slapd = Slapd::start();
    let elsewhere = Slapd::with(Some(&Identity::new("ldap.example.net")));
    let bare = Slapd::with(None);
    let with = |url: String, ca: Option<&String>| {
        let mut config = slapd.config();
        config["urls"] = json!([url]);
        config["ca"] = json!(ca);
        config
    };
    for (name, config, words) in [
        (
            "wrong-ca",
            with(slapd.url(), Some(&other.ca)),
            "no authority that is trusted",
        ),
        (
            "wrong-ca-tls",
            with(slapd.tls_url(), Some(&other.ca)),
            "no authority that is trusted",
        ),
        (
            "system-ca",
            with(slapd.url(), None),
            "no authority that is trusted",
        ),
        (
            "wrong-name",
            with(elsewhere.url(), Some(&elsewhere.ca)),
            "for another name",
        ),
        ("no-tls", with(bare.url(), Some(&other.ca)), "refuses StartTLS"),
        (
            "tls-at-plain",
            with(format!("ldaps://localhost:{}", slapd.ldap), Some(&slapd.ca)),
            "",
        ),
    ] {
        add(&stack, name, "ldap", &config);
        let said = test(&stack, name, "alice", "alice's password");
        assert_eq!(said.outcome, "unavailable", "{name}: {said:?}");
        assert!(said.detail.contains(words), "{name}: {said:?}");
    }
    // Only where it is said in so many words.
    let mut config = with(bare.url(), None);
    config["start-tls"] = json!(false);
    let refused = stack.refused(AdminOp::SourceAdd {
        name: "plain".to_owned(),
        kind: "ldap".to_owned(),
        config: config.to_string().into(),
    });
    assert!(refused.message.contains("insecure = true"), "{}", refused.message);
    config["insecure"] = json!(true);
    add(&stack, "plain", "ldap", &config);
    assert_eq!(outcome(&stack, "plain", "alice", "alice's password"), "passed");
}

#[test]
fn what_is_wrong_with_the_settings_is_said_and_denies() {
    let stack = Stack::new();
    let slapd = Slapd::start();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut config = slapd.config();
        change(&mut config);
        config
    };
    for (name, config, words) in [
        (
            "account",
            with(&|c| c["bind"]["search"]["password"] = json!("not the password")),
            "bind-dn is not let in (result 49)",
        ),
        (
            "base",
            with(&|c| c["bind"]["search"]["base"] = json!("ou=nowhere,dc=corp,dc=example")),
            "the search failed (result 32",
        ),
        (
            "ambiguous",
            with(&|c| c["bind"]["search"]["filter"] = json!("(|(uid={user})(objectClass=inetOrgPerson))")),
            "more than one entry",
        ),
        (
            "groups",
            with(&|c| {
                c["groups"] = json!({ "search": { "base": "ou=nowhere,dc=corp,dc=example", "filter": "(member={dn})" } });
            }),
            "the search failed (result 32",
        ),
        (
            "nobody-there",
            with(&|c| c["urls"] = json!([format!("ldap://localhost:{}", free_tcp())])),
            "no connection",
        ),
        (
            "no-name",
            with(&|c| c["urls"] = json!(["ldap://no-such-host.invalid"])),
            "the name is not found",
        ),
    ] {
        add(&stack, name, "ldap", &config);
        let said = test(&stack, name, "alice", "alice's password");
        assert_eq!(said.outcome, "unavailable", "{name}: {said:?}");
        assert!(said.detail.contains(words), "{name}: {said:?}");
    }
}

/// Answers nothing: takes connections, reads one message of each and hangs up in the middle of it.
fn hangs_up() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut octets = [0; 512];
            let _ = stream.read(&mut octets);
            // The beginning of an answer.
            let _ = stream.write_all(&[0x30, 0x0c, 0x02]);
        }
    });
    port
}

#[test]
fn a_server_that_dies_is_followed_by_the_next() {
    let stack = Stack::new();
    let mut first = Slapd::start();
    let second = Slapd::start();
    let authorities = format!("{}{}", first.ca, second.ca);
    let mut config = first.config();
    config["ca"] = json!(authorities);
    config["urls"] = json!([format!("ldap://localhost:{}", hangs_up()), second.url()]);
    add(&stack, "half", "ldap", &config);
    let said = test(&stack, "half", "alice", "alice's password");
    assert_eq!(
        (said.outcome.as_str(), said.server.as_str()),
        ("passed", second.url().as_str())
    );

    config["urls"] = json!([first.url(), second.url()]);
    add(&stack, "two", "ldap", &config);
    let said = test(&stack, "two", "alice", "alice's password");
    assert_eq!(
        (said.outcome.as_str(), said.server.as_str()),
        ("passed", first.url().as_str())
    );
    // A sign-in is on its way when the first dies: it has connections, and does not answer any more.
    first.program.signal(Signal::SIGSTOP);
    let said = thread::scope(|scope| {
        let asking = scope.spawn(|| test(&stack, "two", "alice", "alice's password"));
        wait_for("a request to wait in the socket of slapd", || {
            waiting(first.ldap).then_some(())
        });
        first.program.kill();
        asking.join().unwrap()
    });
    assert_eq!(
        (said.outcome.as_str(), said.server.as_str()),
        ("passed", second.url().as_str())
    );
    // From now on the second is asked first, so a dead one costs no time.
    let said = test(&stack, "two", "alice", "wrong");
    assert_eq!(
        (said.outcome.as_str(), said.server.as_str()),
        ("failed", second.url().as_str())
    );
    drop(second);
    let said = test(&stack, "two", "alice", "alice's password");
    assert_eq!(said.outcome, "unavailable", "{said:?}");
}

/// Whether octets that nobody has read wait at a connection to `port`.
fn waiting(port: u16) -> bool {
    let own = format!("0100007F:{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().skip(1).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[1] == own && words[3] == "01" && !words[4].ends_with(":00000000")
    })
}

#[test]
fn a_directory_that_hangs_holds_up_nobody_else() {
    let stack = Stack::new();
    let hung = Slapd::start();
    let well = Slapd::start();
    let mut config = hung.config();
    config["timeout-ms"] = json!(1500);
    add(&stack, "hung", "ldap", &config);
    add(&stack, "well", "ldap", &well.config());
    assert_eq!(outcome(&stack, "hung", "alice", "alice's password"), "passed");
    hung.program.signal(Signal::SIGSTOP);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| test(&stack, "hung", "alice", "alice's password")))
            .collect();
        wait_for("a request to wait in the socket of slapd", || {
            waiting(hung.ldap).then_some(())
        });
        for _ in 0..20 {
            let (said, took) = timed(|| test(&stack, "well", "alice", "alice's password"));
            assert_eq!(said.outcome, "passed");
            assert!(took.as_millis() < 1000, "{took:?}");
        }
        assert!(asking.iter().any(|asking| !asking.is_finished()));
        for asking in asking {
            let said = asking.join().unwrap();
            assert_eq!(said.outcome, "unavailable", "{said:?}");
            assert!(said.detail.contains("no answer in time"), "{said:?}");
            assert!((1400..4000).contains(&said.milliseconds), "{said:?}");
        }
    });
    hung.program.signal(Signal::SIGCONT);
    assert_eq!(outcome(&stack, "hung", "alice", "alice's password"), "passed");
}

#[test]
fn connections_that_ended_are_made_anew() {
    let stack = Stack::new();
    let mut slapd = Slapd::start();
    add(&stack, "corp", "ldap", &slapd.config());
    for _ in 0..3 {
        assert_eq!(outcome(&stack, "corp", "alice", "alice's password"), "passed");
        assert_eq!(outcome(&stack, "corp", "alice", "wrong"), "failed");
    }
    let identity_of_the_next = slapd.ca.clone();
    slapd.program.kill();
    assert_eq!(
        outcome(&stack, "corp", "alice", "alice's password"),
        "unavailable"
    );
    let next = Slapd::start();
    let mut config = next.config();
    config["ca"] = json!(format!("{identity_of_the_next}{}", next.ca));
    stack.admin(AdminOp::SourceSet {
        name: "corp".to_owned(),
        config: config.to_string().into(),
    });
    assert_eq!(outcome(&stack, "corp", "alice", "alice's password"), "passed");
}

#[test]
fn what_is_set_is_sealed_listed_without_secrets_and_survives_a_restart() {
    let mut stack = Stack::new();
    let slapd = Slapd::start();
    add(&stack, "Corp", "ldap", &slapd.config());
    let again = stack.refused(AdminOp::SourceAdd {
        name: "corp".to_owned(),
        kind: "ldap".to_owned(),
        config: slapd.config().to_string().into(),
    });
    assert_eq!(again.code, FaultCode::Conflict, "{}", again.message);
    let mut program = stack.daemon.take().unwrap();
    program.stop();
    stack.start_daemon();
    assert_eq!(outcome(&stack, "corp", "alice", "alice's password"), "passed");
    match stack.admin(AdminOp::SourceList { after: None }) {
        AdminReply::Sources { sources, more } => {
            assert!(!more);
            assert_eq!(sources[0].name, "Corp");
            assert_eq!(sources[0].servers, [slapd.url()]);
            assert!(sources[0].settings.contains("cn=otpost,dc=corp,dc=example"));
            assert!(!sources[0].settings.contains(SERVICE), "{}", sources[0].settings);
        }
        other => panic!("{other:?}"),
    }
    for entry in fs::read_dir(stack.dir().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let octets = fs::read(&path).unwrap();
        for needle in [SERVICE, "uid={user}"] {
            let found = octets.windows(needle.len()).any(|part| part == needle.as_bytes());
            assert!(!found, "{needle} in {}", path.display());
        }
    }
    stack.admin(AdminOp::SourceRemove {
        name: "corp".to_owned(),
    });
    let gone = stack.refused(AdminOp::SourceTest {
        name: "corp".to_owned(),
        user: "alice".to_owned(),
        password: "x".into(),
    });
    assert_eq!(gone.code, FaultCode::NotFound);
}
