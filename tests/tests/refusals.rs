//! Refusals that no login's row records are in the audit log all the same, and a flood of them does not fill it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::{env, fs};

use otpost_ipc::admin::ResourceSettings;
use otpost_tests::command::{self, Ended};
use otpost_tests::pamstack::wait_for;
use otpost_tests::radclient;
use otpost_tests::stack::{PASSWORD, SECRET, Stack};
use serde_json::Value;

/// A user who owns nothing.
const NOBODY: u32 = 65_534;
/// Rows of one stranger in a minute.
const ROWS: usize = 5;

/// An audit row as `otpostctl audit tail --json` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    kind: String,
    reason: String,
    reference: String,
    user: String,
    resource: String,
    via: String,
    source: String,
    detail: String,
}

impl Row {
    /// How many refusals it speaks of.
    fn count(&self) -> usize {
        let before = self.detail.strip_suffix(" more before it have no row");
        let number = before.and_then(|text| text.rsplit(' ').next());
        1 + number.map_or(0, |number| number.parse().unwrap())
    }
}

fn ctl(stack: &Stack, args: &[&str]) -> Ended {
    let socket = stack.socket("admin");
    command::run(command::program("otpostctl", ["--socket", socket.to_str().unwrap()]).args(args))
}

/// The rows that `wanted` picks.
fn rows(stack: &Stack, wanted: impl Fn(&Row) -> bool) -> Vec<Row> {
    let ended = ctl(stack, &["audit", "tail", "--json", "--lines", "1000"]);
    assert!(ended.status.success(), "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.out).unwrap();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    (answer["rows"].as_array().unwrap().iter())
        .map(|row| Row {
            kind: text(row, "kind"),
            reason: text(row, "reason"),
            reference: text(row, "ref"),
            user: text(row, "user"),
            resource: text(row, "resource"),
            via: text(row, "via"),
            source: text(row, "source"),
            detail: text(row, "detail"),
        })
        .filter(wanted)
        .collect()
}

fn holds(stack: &Stack) {
    let ended = ctl(stack, &["audit", "verify"]);
    assert!(
        ended.status.success() && ended.out.starts_with("The audit chain holds: "),
        "{ended:?}"
    );
}

/// Asks for logins as a user without rights; gives the references that were told.
fn knock(stack: &Stack, service: &str, user: &str, times: usize) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpost-knock"));
    command
        .arg(stack.socket("pam"))
        .args([service, user, &times.to_string()])
        .uid(NOBODY)
        .gid(NOBODY);
    let ended = command::run(&mut command);
    assert!(ended.status.success(), "{ended:?}");
    let told: Vec<String> = (ended.out.lines())
        .map(|line| {
            line.strip_prefix("Forbidden ")
                .unwrap_or_else(|| panic!("{line}"))
                .to_owned()
        })
        .collect();
    assert_eq!(told.len(), times);
    told
}

/// The stack where another user may reach the sockets; `None` where there can be none.
fn reachable() -> Option<Stack> {
    if !nix::unistd::geteuid().is_root() {
        otpost_tests::skip("needs root: a caller of another user");
        return None;
    }
    let stack = Stack::new();
    fs::set_permissions(stack.dir(), fs::Permissions::from_mode(0o711)).unwrap();
    Some(stack)
}

#[test]
fn a_refused_caller_is_recorded_with_what_was_asked_for() {
    let Some(mut stack) = reachable() else { return };
    let config = stack.dir().join("daemon.toml");
    let text = fs::read_to_string(&config).unwrap();
    let caller = |row: &Row| row.kind == "caller.deny";

    // Without lockers nobody but root is heard at all.
    let told = knock(&stack, "swaylock", "alice", 1);
    let refused = rows(&stack, caller);
    let expected = Row {
        kind: "caller.deny".to_owned(),
        reason: "root-only".to_owned(),
        reference: told[0].clone(),
        user: String::new(),
        resource: String::new(),
        via: "pam.sock".to_owned(),
        source: format!("uid {NOBODY}"),
        detail: String::new(),
    };
    assert_eq!(refused, [expected]);

    // With one, it is known for whom and where.
    stack.daemon.take().unwrap().stop();
    fs::write(
        &config,
        text.replace("[sockets]\n", "[sockets]\nlockers = [\"swaylock\"]\n"),
    )
    .unwrap();
    stack.start_daemon();
    for (service, user, reason) in [
        ("swaylock", "alice", "another-user"),
        ("sshd", "nobody", "not-a-locker"),
        ("ss\u{7}hd", "a\u{1b}[2J", "not-a-locker"),
    ] {
        let told = knock(&stack, service, user, 1);
        let row = rows(&stack, caller).pop().unwrap();
        let shown = |text: &str| text.replace(char::is_control, "?");
        assert_eq!(
            (row.reason.as_str(), &row.reference, row.user, row.via, row.source),
            (
                reason,
                &told[0],
                shown(user),
                format!("pam {}", shown(service)),
                format!("uid {NOBODY}")
            )
        );
    }
    holds(&stack);
}

#[test]
fn a_flood_of_refused_callers_is_counted_and_not_written() {
    let Some(mut stack) = reachable() else { return };
    let caller = |row: &Row| row.kind == "caller.deny";
    let told = knock(&stack, "swaylock", "alice", 200);
    // A minute may have ended under way.
    let refused = rows(&stack, caller);
    assert!((ROWS..=2 * ROWS).contains(&refused.len()), "{refused:?}");
    let references: Vec<&String> = refused.iter().map(|row| &row.reference).collect();
    assert_eq!(references[..ROWS], told.iter().take(ROWS).collect::<Vec<_>>());
    // Nobody else is hushed up.
    stack.resource("vpn", ResourceSettings::default());
    assert_eq!(rows(&stack, |row| row.kind == "admin.resource-add").len(), 1);
    assert!(stack.daemon.take().unwrap().stop().success());
    stack.start_daemon();
    let refused = rows(&stack, caller);
    assert_eq!(refused.iter().map(Row::count).sum::<usize>(), 200, "{refused:?}");
    assert_eq!(&refused.last().unwrap().reference, told.last().unwrap());
    holds(&stack);
}

/// An Access-Request that has no password in it.
const ARAP: &str = "User-Name = \"alice\", ARAP-Password = 0x00000000000000000000000000000000, \
                    Calling-Station-Id = \"198.51.100.9\", Message-Authenticator = 0x00";

#[test]
fn what_the_radius_server_rejects_by_itself_is_recorded() {
    let mut stack = Stack::vpn();
    let address = stack.address();
    let own = |row: &Row| row.detail.starts_with("rejected by otpost-radius");
    let wait_for_rows = |count: usize| {
        wait_for("the rows of the rejects", || {
            let rows = rows(&stack, own);
            (rows.iter().map(Row::count).sum::<usize>() == count).then_some(rows)
        })
    };
    let arap = radclient::ask(address, SECRET, ARAP, 5);
    assert!(arap.is("Access-Reject"), "{arap:?}");
    let rows_so_far = wait_for_rows(1);
    let row = &rows_so_far[0];
    assert_eq!(row.reference.len(), 8, "{row:?}");
    let expected = Row {
        kind: "login.deny".to_owned(),
        reason: "method-unsupported".to_owned(),
        reference: row.reference.clone(),
        user: "alice".to_owned(),
        resource: "vpn".to_owned(),
        via: "radius gw".to_owned(),
        source: "198.51.100.9".to_owned(),
        detail: "rejected by otpost-radius; the packet came from 127.0.0.1".to_owned(),
    };
    assert_eq!(row, &expected);
    let state = radclient::ask(address, SECRET, &radclient::code("bob", "0x0102", "123456"), 5);
    assert!(state.is("Access-Reject"), "{state:?}");
    let row = wait_for_rows(2).pop().unwrap();
    assert_eq!((row.reason.as_str(), row.user.as_str()), ("state-unknown", "bob"));

    // A VPN that is set to ARAP: every login of everybody.
    for _ in 0..30 {
        let arap = radclient::ask(address, SECRET, ARAP, 5);
        assert!(arap.is("Access-Reject"), "{arap:?}");
    }
    // Logins go on meanwhile.
    let login = radclient::ask(address, SECRET, &radclient::password("alice", PASSWORD), 5);
    assert!(login.is("Access-Challenge"), "{login:?}");
    assert!(stack.radius.take().unwrap().stop().success());
    let written = rows(&stack, own).len();
    assert!((2..=2 * ROWS).contains(&written), "{written}");
    assert!(stack.daemon.take().unwrap().stop().success());
    stack.start_daemon();
    let rejects = rows(&stack, own);
    assert_eq!(rejects.iter().map(Row::count).sum::<usize>(), 32, "{rejects:?}");
    assert!(rows(&stack, |row| row.reason == "challenge").len() == 1);
    holds(&stack);
}
