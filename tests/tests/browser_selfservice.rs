//! The user's steps of the guide in a real browser, then a VPN login with the phone that was enrolled.
#![expect(clippy::unwrap_used, reason = "test")]

use std::time::Duration;

use otpost_ipc::admin::{AdminOp, UserAdd};
use otpost_tests::browser::{Browser, Outcome};
use otpost_tests::site::{Site, everything};
use otpost_tests::stack::{PASSWORD, Stack, number};
use serde_json::{Value, json};

fn stack() -> Stack {
    let stack = Stack::new();
    stack.inbox();
    stack.resource("Hafenwerk VPN", everything("hafenwerk"));
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: "alice".to_owned(),
        password: Some(PASSWORD.into()),
        email: Some("alice@hafenwerk.example".to_owned()),
        resources: vec!["Hafenwerk VPN".to_owned()],
        ..UserAdd::default()
    }));
    stack
}

fn run(browser: &Browser, stack: &Stack, site: &Site, further: &Value) -> Outcome {
    let mut input = json!({
        "base": site.base,
        "inbox": stack.dir().join("inbox.jsonl"),
        "address": "hafenwerk",
        "user": "alice",
        "password": PASSWORD,
        "phone": number(5678),
    });
    input
        .as_object_mut()
        .unwrap()
        .extend(further.as_object().unwrap().clone());
    browser
        .scenario("selfservice", input)
        .within(Duration::from_secs(240))
        .run()
        .passed()
}

#[test]
fn a_person_enrols_a_phone_and_every_page_passes_the_gate() {
    let Some(browser) = Browser::or_skip() else { return };
    let stack = stack();
    let site = Site::start(&stack);
    let outcome = run(&browser, &stack, &site, &json!({ "gate": true }));
    assert!(outcome.looks.len() > 30, "{} looks", outcome.looks.len());
}

#[test]
fn the_same_steps_work_without_scripts_on_a_narrow_phone() {
    let Some(browser) = Browser::or_skip() else { return };
    let stack = stack();
    let site = Site::start(&stack);
    run(&browser, &stack, &site, &json!({ "js": false, "width": 320 }));
}

#[test]
fn the_same_steps_work_in_german() {
    let Some(browser) = Browser::or_skip() else { return };
    let stack = stack();
    let site = Site::start(&stack);
    run(&browser, &stack, &site, &json!({ "locale": "de", "gate": true }));
}
