//! Logins through a RADIUS client whose passwords a source checks.

use nix::sys::signal::Signal;
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, ResourceSettings, UserAdd};
use otpost_radius_wire::Code;
use otpost_tests::dice::Dice;
use otpost_tests::stack::{PASSWORD, SECRET, Stack};
use otpost_tests::vpn::Vpn;
use serde_json::json;

use crate::add;
use crate::slapd::Slapd;

/// A daemon, a RADIUS server, and a client that asks otpost first and the directory then: bob has his password here, alice there.
fn site(slapd: &Slapd) -> Stack {
    let mut stack = Stack::new();
    stack.inbox();
    stack.resource("vpn", ResourceSettings::default());
    let mut config = slapd.config();
    config["timeout-ms"] = json!(800);
    add(&stack, "corp", "ldap", &config);
    stack.client("gw", "127.0.0.1/32", "vpn", "local,ldap:corp");
    stack.user("bob", 1001, &["vpn"]);
    for (n, login) in [(1002, "alice"), (1003, "erna"), (1004, "carol")] {
        stack.admin(AdminOp::UserAdd(UserAdd {
            login: login.to_owned(),
            resources: vec!["vpn".to_owned()],
            ..UserAdd::default()
        }));
        stack.token(login, n);
    }
    stack.start_radius("127.0.0.1:0");
    stack
}

#[test]
fn the_first_who_knows_the_user_decides() {
    let slapd = Slapd::start();
    let stack = site(&slapd);
    let mut vpn = Vpn::new(stack.address(), SECRET, Dice::cast("sources"));
    let before = stack.texts().len();
    let asked = vpn.ask("alice", "alice's password", None);
    assert_eq!(asked.code, Code::AccessChallenge, "{asked:?}");
    let code = stack.text_after(before).code();
    let let_in = vpn.ask("alice", &code, Some(&asked.state));
    assert_eq!(let_in.code, Code::AccessAccept, "{let_in:?}");
    // Bob has a password here, so the directory's is not his.
    assert_eq!(vpn.ask("bob", "bob's password", None).code, Code::AccessReject);
    assert_eq!(vpn.ask("bob", PASSWORD, None).code, Code::AccessChallenge);
    for (user, password) in [
        ("alice", "wrong"),
        ("alice", ""),
        ("carol", "alice's password"),
        ("erna", "erna's password"),
    ] {
        assert_eq!(vpn.ask(user, password, None).code, Code::AccessReject, "{user}");
    }
    let used = stack.refused(AdminOp::SourceRemove {
        name: "corp".to_owned(),
    });
    assert_eq!(used.code, FaultCode::Conflict, "{}", used.message);
    assert!(used.message.contains("RADIUS client gw"), "{}", used.message);
}

#[test]
fn a_directory_that_is_down_denies_with_a_reason_of_its_own_and_locks_nobody() {
    let slapd = Slapd::start();
    let stack = site(&slapd);
    let mut vpn = Vpn::new(stack.address(), SECRET, Dice::cast("sources"));
    slapd.program.signal(Signal::SIGSTOP);
    for _ in 0..8 {
        assert_eq!(
            vpn.ask("alice", "alice's password", None).code,
            Code::AccessReject
        );
    }
    // Those whose passwords are here do not notice.
    let asked = vpn.ask("bob", PASSWORD, None);
    assert_eq!(asked.code, Code::AccessChallenge, "{asked:?}");
    let reasons = stack.reasons();
    let down = reasons
        .iter()
        .filter(|reason| *reason == "source-unavailable")
        .count();
    assert_eq!(down, 8, "{reasons:?}");
    slapd.program.signal(Signal::SIGCONT);
    let asked = vpn.ask("alice", "alice's password", None);
    assert_eq!(
        asked.code,
        Code::AccessChallenge,
        "{asked:?}: {:?}",
        stack.reasons()
    );
}
