//! Users from and to CSV, against a scripted daemon.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};

use otpost_ipc::{
    Outcome,
    admin::{AdminOp, AdminReply},
};
use serde_json::{Value, json};

use common::{
    FakeDaemon, Runner, Scratch,
    replies::{reply, user_view},
};

fn state(state: &str, bad: u64, done: u64) -> Value {
    json!({ "re": "import", "import": "1a", "state": state, "lines": 4, "add": 2, "change": 1, "same": 1 - bad.min(1),
        "bad": bad, "done": done, "why": "" })
}

fn line(number: u64, kind: &str) -> Value {
    json!({ "line": number, "login": format!("user{number}"), "kind": kind, "text": format!("detail {number}") })
}

/// Plans a file with `bad` bad lines, one line of the plan to a page, and carries it out in three looks.
fn importer(bad: u64) -> FakeDaemon {
    let looks = AtomicU64::new(0);
    FakeDaemon::new(move |op| {
        let answer = match op {
            AdminOp::ImportPut { last: false, .. } => state("reading", 0, 0),
            AdminOp::ImportPut { .. } => state("planned", bad, 0),
            AdminOp::ImportPlan { after, only, .. } => {
                let mut lines = vec![line(2, "add"), line(3, "change"), line(4, "add")];
                lines.push(line(5, if bad == 0 { "same" } else { "bad" }));
                lines.retain(|line| {
                    line["line"].as_u64().unwrap() > *after
                        && only.as_ref().is_none_or(|only| line["kind"] == only.as_str())
                });
                let more = lines.len() > 1;
                lines.truncate(1);
                json!({ "re": "import-plan", "lines": lines, "more": more, "import": state("planned", bad, 0) })
            }
            AdminOp::ImportApply { .. } => state("running", bad, 0),
            AdminOp::ImportShow { .. } => match looks.fetch_add(1, Ordering::Relaxed) {
                0 => state("running", bad, 1),
                1 => state("running", bad, 3),
                _ => state("done", bad, 4),
            },
            other => panic!("{other:?}"),
        };
        Outcome::Ok(reply(answer))
    })
}

fn kinds(daemon: &FakeDaemon) -> Vec<String> {
    let mut kinds: Vec<String> = daemon
        .asked()
        .iter()
        .map(|op| {
            serde_json::to_value(op).unwrap()["op"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    kinds.dedup();
    kinds
}

#[test]
fn an_import_is_planned_agreed_to_and_carried_out_with_progress() {
    let daemon = importer(0);
    let ran = Runner::new(&daemon.socket())
        .input("login\nalice\n")
        .types(&["y"])
        .run(&["user", "import", "-"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "4 lines: 2 to add, 1 to change, 1 as they are, 0 bad\n1 of 4 lines\n3 of 4 lines\n4 of 4 lines\n\
         Done: 2 added, 1 changed, 1 as they were; bad lines, left out: 0\n"
    );
    let [(prompt, echo)] = ran.prompts.as_slice() else {
        panic!("{ran:?}")
    };
    assert!(*echo && prompt.starts_with("To add: 2, to change: 1;") && prompt.contains("[y/N]"));
    assert_eq!(
        kinds(&daemon),
        ["import-put", "import-plan", "import-apply", "import-show"]
    );
}

#[test]
fn bad_lines_come_first_and_the_others_where_asked_for() {
    let daemon = importer(1);
    let ran = daemon.run(&["user", "import", "/dev/null", "--dry-run"]);
    assert_eq!(ran.code, 1, "a bad line is bad news: {ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], "LINE  WHAT  LOGIN  DETAIL");
    assert_eq!(lines[1], "5     bad   user5  detail 5");
    assert_eq!(
        lines[2..4],
        ["", "4 lines: 2 to add, 1 to change, 0 as they are, 1 bad"]
    );
    assert!(lines[4].contains("dry run") && lines.len() == 5, "{ran:?}");

    let ran = importer(1).run(&["user", "import", "/dev/null", "--dry-run", "--verbose"]);
    let numbers: Vec<&str> = ran.out.lines().skip(1).take(4).map(|line| &line[..1]).collect();
    assert_eq!(numbers, ["5", "2", "3", "4"]);
    assert!(ran.prompts.is_empty());
    assert_eq!(kinds(&daemon), ["import-put", "import-plan"]);
}

#[test]
fn atomic_with_a_bad_line_writes_nothing_and_without_leaves_it_out() {
    let daemon = importer(1);
    let ran = daemon.run(&["user", "import", "/dev/null", "--atomic", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("Nothing was written"), "{ran:?}");
    assert_eq!(kinds(&daemon), ["import-put", "import-plan"]);

    let daemon = importer(1);
    let ran = daemon.run(&["user", "import", "/dev/null", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("bad lines, left out: 1"), "{ran:?}");
    let atomic = |daemon: &FakeDaemon| {
        daemon.asked().iter().find_map(|op| match op {
            AdminOp::ImportApply { atomic, import } => Some((*atomic, import.clone())),
            _ => None,
        })
    };
    assert_eq!(atomic(&daemon), Some((false, "1a".to_owned())));
    let daemon = importer(0);
    assert_eq!(
        daemon
            .run(&["user", "import", "/dev/null", "--yes", "--atomic"])
            .code,
        0
    );
    assert_eq!(atomic(&daemon), Some((true, "1a".to_owned())));
}

#[test]
fn no_answer_or_another_than_yes_changes_nothing() {
    for (typed, code, word) in [
        (["n"].as_slice(), 1, "cancelled"),
        (&[""], 1, "cancelled"),
        (&[], 2, "--yes"),
    ] {
        let daemon = importer(0);
        let ran = Runner::new(&daemon.socket())
            .types(typed)
            .run(&["user", "import", "/dev/null"]);
        assert_eq!(ran.code, code, "{typed:?}: {ran:?}");
        assert!(ran.err.contains(word), "{ran:?}");
        assert_eq!(kinds(&daemon), ["import-put", "import-plan"]);
    }
}

#[test]
fn a_long_file_is_handed_in_in_parts_that_make_it_whole_again() {
    let scratch = Scratch::new();
    let text = format!("login\n{}", "zoë,\"a \"\"b\"\"\"\n".repeat(10_000));
    let file = scratch.file("users.csv", &text, 0o644);
    let daemon = importer(0);
    let ran = daemon.run(&["user", "import", file.to_str().unwrap(), "--dry-run"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut whole = String::new();
    let mut ends = Vec::new();
    for op in daemon.asked() {
        if let AdminOp::ImportPut { import, text, last } = op {
            assert_eq!(import.is_none(), whole.is_empty());
            assert!(text.expose().len() <= 32 * 1024);
            whole.push_str(text.expose());
            ends.push(last);
        }
    }
    assert_eq!(whole, text);
    assert!(ends.len() >= 5 && ends.pop() == Some(true) && !ends.contains(&true));
}

#[test]
fn json_is_the_plan_with_the_state_at_the_end() {
    let ran = importer(1).run(&["user", "import", "/dev/null", "--yes", "--json"]);
    assert_eq!((ran.code, ran.out.lines().count()), (1, 1), "{ran:?}");
    let AdminReply::ImportPlan { lines, more, import } = serde_json::from_str(&ran.out).unwrap() else {
        panic!("{ran:?}")
    };
    assert_eq!(
        (lines.len(), more, import.state.as_str(), import.done),
        (1, false, "done", 4)
    );
}

#[test]
fn a_file_that_cannot_be_taken_says_why() {
    let why = json!({ "re": "import", "import": "1a", "state": "failed", "why": "there is no column login" });
    let ran = FakeDaemon::always(reply(why)).run(&["user", "import", "/dev/null", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("there is no column login"), "{ran:?}");
    let scratch = Scratch::new();
    let latin = scratch.path("latin.csv");
    std::fs::write(&latin, b"login\nzo\xeb\n").unwrap();
    let daemon = importer(0);
    let ran = daemon.run(&["user", "import", latin.to_str().unwrap(), "--yes"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("UTF-8") && daemon.asked().is_empty(), "{ran:?}");
}

/// Two pages of users, the second after a login that was looked at but not found.
fn exporter() -> FakeDaemon {
    FakeDaemon::new(|op| {
        let AdminOp::UserList { after, search, .. } = op else {
            panic!("{op:?}")
        };
        assert_eq!(search, "a");
        let with = |login: &str, first: &str, last: &str, resources: Value| {
            let mut view = user_view(login);
            view["first-name"] = json!(first);
            view["last-name"] = json!(last);
            view["resources"] = resources;
            view
        };
        let page = match after.as_deref() {
            None => json!({ "re": "users", "more": true, "after": "an", "users": [
                with("alice", "=cmd()", "O\"Neil, jr", json!(["vpn", "hosts"]))] }),
            Some("an") => {
                json!({ "re": "users", "more": false, "users": [with("ann", "", "@x", json!([]))] })
            }
            other => panic!("{other:?}"),
        };
        Outcome::Ok(reply(page))
    })
}

#[test]
fn an_export_is_csv_without_formulas() {
    let ran = exporter().run(&["user", "export", "a"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert_eq!(
        ran.out,
        "login,email,first-name,last-name,resource\n\
         alice,a@example.org,'=cmd(),\"O\"\"Neil, jr\",vpn\n\
         alice,a@example.org,'=cmd(),\"O\"\"Neil, jr\",hosts\n\
         ann,a@example.org,,'@x,\n"
    );
    let ran = exporter().run(&["user", "export", "a", "--json"]);
    let AdminReply::Users { users, .. } = serde_json::from_str(&ran.out).unwrap() else {
        panic!("{ran:?}")
    };
    assert_eq!((users.len(), users[0].first_name.as_str()), (2, "=cmd()"));
}
