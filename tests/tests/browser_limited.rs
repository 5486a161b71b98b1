//! Administrators of one resource among several, in a real browser: they see what is theirs, what is not is not there, and no link or
//! button leads to a refusal.
#![expect(clippy::panic, reason = "test")]

use std::time::Duration;

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_tests::browser::Browser;
use otpost_tests::person;
use otpost_tests::site::{Site, everything};
use otpost_tests::stack::{Stack, number};
use serde_json::json;

const VPN: &str = "Hafenwerk VPN";

fn token(stack: &Stack, user: &str, n: u16, resources: &[&str]) -> String {
    match stack.admin(AdminOp::TokenAdd {
        user: user.to_owned(),
        phone: Secret::new(number(n)),
        name: format!("Phone {n}"),
        digits: None,
        resources: resources.iter().map(|&name| name.to_owned()).collect(),
    }) {
        AdminReply::Token(token) => token.id,
        other => panic!("{other:?}"),
    }
}

fn limited(role: &str) {
    let Some(browser) = Browser::or_skip() else { return };
    let stack = Stack::new();
    stack.inbox();
    stack.resource(VPN, everything("hafenwerk"));
    stack.resource("Werft", everything("werft"));
    stack.client("vpn-gw", "10.0.0.0/28", VPN, "local");
    stack.client("werft-gw", "10.1.0.0/28", "Werft", "local");
    person::user(&stack, "alice", &[VPN]);
    person::user(&stack, "bruno", &["Werft"]);
    person::user(&stack, "carla", &[VPN, "Werft"]);
    let _ = token(&stack, "alice", 1111, &[VPN]);
    let foreign = token(&stack, "bruno", 2222, &["Werft"]);
    let _ = token(&stack, "carla", 3333, &[VPN, "Werft"]);
    let site = Site::start(&stack);
    // The first administrator is an owner.
    let owner = AdminOp::AdminAdd {
        login: "mara".to_owned(),
        shown: String::new(),
        email: None,
        role: "owner".to_owned(),
        resources: Vec::new(),
    };
    stack.admin(owner);
    let AdminReply::AdminLink { link, .. } = stack.admin(AdminOp::AdminAdd {
        login: "tom".to_owned(),
        shown: "Tom".to_owned(),
        email: None,
        role: role.to_owned(),
        resources: vec![VPN.to_owned()],
    }) else {
        panic!("no link");
    };
    let input = json!({
        "base": site.console,
        "portal": site.base,
        "link": link.expose(),
        "role": role,
        "token": foreign,
    });
    let outcome = browser
        .scenario("limited", input)
        .within(Duration::from_secs(240))
        .run()
        .passed();
    let pages = outcome.values.get("pages").and_then(serde_json::Value::as_u64);
    assert!(pages.is_some_and(|pages| pages > 30), "{pages:?} pages");
}

#[test]
fn the_helpdesk_of_one_resource_sees_and_does_what_is_its_own() {
    limited("helpdesk");
}

#[test]
fn an_administrator_of_one_resource_sees_and_does_what_is_their_own() {
    limited("admin");
}
