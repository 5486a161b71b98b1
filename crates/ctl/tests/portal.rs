//! Commands of portal and console that read something, take pages, or end in bad news.

mod common;

use otpost_ipc::{Outcome, admin::AdminOp};
use serde_json::{Value, json};

use common::{
    FakeDaemon, Runner, Scratch,
    replies::{audit_row, daemon, enrolment, reply},
};

#[test]
fn the_code_of_an_enrolment_is_typed_or_read_and_only_the_right_one_is_good_news() {
    for (state, why, code) in [
        ("done", "", 0),
        ("open", "wrong", 1),
        ("tries-used", "tries-used", 1),
        ("expired", "expired", 1),
        ("number-taken", "", 1),
    ] {
        let daemon = FakeDaemon::always(reply(enrolment(state, why)));
        let ran = Runner::new(&daemon.socket())
            .types(&["012345"])
            .run(&["enrol", "finish", "e1"]);
        assert_eq!(ran.code, code, "{state}: {ran:?}");
        assert_eq!(ran.out.contains("otpostctl enrol finish e1"), state == "open");
        let [AdminOp::EnrolFinish { enrolment, code }] = daemon.asked_each() else {
            panic!()
        };
        assert_eq!((enrolment.as_str(), code.expose()), ("e1", "012345"));
    }
    let daemon = daemon();
    let ran = Runner::new(&daemon.socket())
        .input("012345\n")
        .run(&["enrol", "finish", "e1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = Runner::new(&daemon.socket()).run(&["enrol", "finish", "e1"]);
    assert_eq!((ran.code, daemon.asked().len()), (2, 1), "{ran:?}");
}

#[test]
fn an_enrolment_may_bring_recovery_codes_which_are_shown() {
    let mut answer = enrolment("done", "");
    answer["codes"] = json!(["abcd-efgh", "ijkl-mnop"]);
    let ran = Runner::new(&FakeDaemon::always(reply(answer)).socket())
        .input("012345\n")
        .run(&["enrol", "finish", "e1"]);
    assert!(ran.out.contains("\nabcd-efgh\nijkl-mnop\n"), "{ran:?}");
}

#[test]
fn the_password_of_the_mail_server_is_typed_or_read_from_a_private_file() {
    let scratch = Scratch::new();
    let private = scratch.file("private", "hunter22\n", 0o600);
    let ca = scratch.file("ca.pem", "-----BEGIN CERTIFICATE-----\n", 0o644);
    let open = scratch.file("open", "hunter22\n", 0o644);
    let (private, ca, open) = (
        private.to_str().unwrap(),
        ca.to_str().unwrap(),
        open.to_str().unwrap(),
    );
    let daemon = daemon();
    let run = |input: &str, typed: &[&str], line: &[&str]| {
        Runner::new(&daemon.socket())
            .input(input)
            .types(typed)
            .run(&[["mail", "set"].as_slice(), line].concat())
    };
    for (input, typed, line) in [
        ("", [].as_slice(), ["--password-file", private].as_slice()),
        ("hunter22\n", &[], &["--password-file", "-"]),
        ("", &["hunter22", "hunter22"], &["--password"]),
    ] {
        let ran = run(input, typed, line);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.out.contains("hunter22"));
        let Some(AdminOp::MailSet(set)) = daemon.asked().pop() else {
            panic!()
        };
        assert_eq!(set.password.unwrap().expose(), "hunter22");
        assert_eq!(set.host, None);
    }
    assert_eq!(run("", &[], &["--ca-file", ca]).code, 0);
    let Some(AdminOp::MailSet(set)) = daemon.asked().pop() else {
        panic!()
    };
    assert_eq!(set.ca.as_deref(), Some("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(set.password, None);
    let asked = daemon.asked().len();
    for line in [
        ["--password-file", open].as_slice(),
        &["--password", "hunter22"],
        &["--password=hunter22"],
        &["--password", "--no-password"],
        &["--security", "ssl"],
        &[],
    ] {
        assert_eq!(run("", &[], line).code, 2, "{line:?}");
    }
    assert_eq!(daemon.asked().len(), asked, "nothing more was asked");
}

#[test]
fn a_search_of_the_audit_log_goes_on_until_there_is_enough_or_no_more() {
    let daemon = FakeDaemon::new(|op| {
        let AdminOp::AuditFind { before, limit, .. } = op else {
            panic!("{op:?}")
        };
        // Ten rows looked at a time, of which the even ones match; the pages are as short as that.
        let before = before.unwrap_or(101);
        let first = before.saturating_sub(10).max(1);
        let rows: Vec<Value> = (first..before)
            .rev()
            .filter(|seq| seq % 2 == 0)
            .take(*limit as usize)
            .map(audit_row)
            .collect();
        let before = (first > 1).then_some(first);
        Outcome::Ok(reply(
            json!({ "re": "audit-found", "rows": rows, "before": before }),
        ))
    });
    let rows = |lines: &str| {
        let ran = daemon.run(&["audit", "find", "-n", lines]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let numbers: Vec<u64> = ran
            .out
            .lines()
            .map_while(|line| line.split(' ').next()?.parse().ok())
            .collect();
        (numbers, ran.out.contains("older ones"))
    };
    assert_eq!(rows("3"), (vec![100, 98, 96], true));
    assert_eq!(rows("7"), (vec![100, 98, 96, 94, 92, 90, 88], true));
    assert_eq!(rows("1000"), ((1..=50).rev().map(|n| n * 2).collect(), false));
}

#[test]
fn so_long_ago_is_counted_from_now() {
    let daemon = daemon();
    for line in [
        ["audit", "find", "--from", "1h"],
        ["audit", "find", "--until", "1h"],
    ] {
        assert_eq!(daemon.run(&line).code, 0);
    }
    let [
        AdminOp::AuditFind { filter: from, .. },
        AdminOp::AuditFind { filter: until, .. },
    ] = daemon.asked_each()
    else {
        panic!()
    };
    // 2026-01-01: no test runs before it was written.
    assert!(from.from > 1_767_225_600_000 && from.until == 0, "{from:?}");
    assert!(until.until >= from.from && until.from == 0, "{until:?}");
}

#[test]
fn tokens_are_read_page_by_page_though_a_page_may_be_empty() {
    let daemon = FakeDaemon::new(|op| {
        let AdminOp::TokenFind { after, .. } = op else {
            panic!("{op:?}")
        };
        let token = |id: &str| {
            json!({ "id": id, "user": "u", "name": "n", "kind": "totp", "phone": "", "digits": 6,
                "status": "active", "verified": true, "resources": [] })
        };
        let (tokens, after) = match after.as_deref() {
            None => (vec![token("t1")], Some("b")),
            Some("b") => (vec![], Some("c")),
            Some("c") => (vec![token("t2")], None),
            other => panic!("{other:?}"),
        };
        Outcome::Ok(reply(
            json!({ "re": "tokens-found", "tokens": tokens, "after": after }),
        ))
    });
    let ran = daemon.run(&["token", "find"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ids: Vec<&str> = ran.out.lines().skip(1).map(|line| &line[..2]).collect();
    assert_eq!(ids, ["t1", "t2"]);
}
