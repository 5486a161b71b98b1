//! The guide from its first step to its end: the administrator and the user by clicks in a real browser, on one resource; then the VPN
//! asks for a code that is sent to the phone just enrolled, and lets nobody in without it.
#![expect(clippy::panic, reason = "test")]

use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_radius_wire::Code;
use otpost_tests::browser::Browser;
use otpost_tests::dice::Dice;
use otpost_tests::person::wrong;
use otpost_tests::site::Site;
use otpost_tests::stack::{PASSWORD, Stack, number};
use otpost_tests::vpn::Vpn;
use serde_json::json;

/// As it is typed into the console and into the VPN.
const SHARED: &str = "Hafenkran-Moewe-Tau-4711";

fn guide(one_step: bool, scripts: bool) {
    let Some(browser) = Browser::or_skip() else { return };
    let mut stack = Stack::new();
    stack.inbox();
    stack.start_radius("127.0.0.1:0");
    let site = Site::start(&stack);
    let AdminReply::AdminLink { link, .. } = stack.admin(AdminOp::SetupLink) else {
        panic!("no link");
    };
    let input = json!({
        "base": site.console,
        "portal": site.base,
        "link": link.expose(),
        "inbox": stack.dir().join("inbox.jsonl"),
        "user": "alice",
        "password": PASSWORD,
        "phone": number(5678),
        "secret": SHARED,
        "oneStep": one_step,
        "js": scripts,
    });
    let _ = browser
        .scenario("guide", input)
        .within(Duration::from_secs(240))
        .run()
        .passed();
    vpn_login(&stack);
}

/// A login at the VPN with the phone that was enrolled; its code has the length that was chosen.
fn vpn_login(stack: &Stack) {
    let mut vpn = Vpn::new(stack.address(), SHARED, Dice::new(11));
    let texts = stack.settled();
    let refused = vpn.ask("alice", "not it", None);
    assert_eq!(refused.code, Code::AccessReject);
    let stranger = vpn.ask("mallory", PASSWORD, None);
    assert_eq!(stranger.code, Code::AccessReject);
    assert_eq!(stack.settled(), texts, "no text before the right password");
    let asked = vpn.ask("alice", PASSWORD, None);
    assert_eq!(asked.code, Code::AccessChallenge, "{}", asked.message);
    let text = stack.text_after(texts);
    assert_eq!(text.to, number(5678));
    let code = text.code();
    assert_eq!(code.len(), 8);
    let again = vpn.ask("alice", &wrong(&code), Some(&asked.state));
    assert_eq!(
        again.code,
        Code::AccessChallenge,
        "one more try: {}",
        again.message
    );
    let accepted = vpn.ask("alice", &code, Some(&again.state));
    assert_eq!(accepted.code, Code::AccessAccept, "{}", accepted.message);
    assert_eq!(stack.settled(), texts + 1, "one text for the login");
    let replayed = vpn.ask("alice", &code, Some(&again.state));
    assert_eq!(replayed.code, Code::AccessReject, "a code works once");
}

#[test]
fn the_guide_comes_true_by_clicks_and_the_vpn_asks_for_the_code() {
    guide(false, true);
}

#[test]
fn the_guide_comes_true_where_the_portal_saves_in_one_step() {
    guide(true, true);
}

#[test]
fn the_guide_comes_true_without_scripts() {
    guide(true, false);
}
