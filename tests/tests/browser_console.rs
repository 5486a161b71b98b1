//! The administrator's steps of the guide in a real browser, and every page of the console. `OTPOST_SCREENS=1` leaves pictures in
//! docs/screens.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::path::Path;
use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_tests::browser::{Browser, Outcome};
use otpost_tests::site::Site;
use otpost_tests::stack::{PASSWORD, Stack, number};
use serde_json::{Value, json};

fn run(browser: &Browser, further: &Value) -> Outcome {
    let stack = Stack::new();
    stack.inbox();
    let site = Site::start(&stack);
    let AdminReply::AdminLink { link, .. } = stack.admin(AdminOp::SetupLink) else {
        panic!("no link");
    };
    let mut input = json!({
        "base": site.console,
        "portal": site.base,
        "link": link.expose(),
        "inbox": stack.dir().join("inbox.jsonl"),
        "password": PASSWORD,
        "phone": number(5678),
    });
    input
        .as_object_mut()
        .unwrap()
        .extend(further.as_object().unwrap().clone());
    if std::env::var("OTPOST_SCREENS").is_ok_and(|wish| wish == "1") {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        input["shots"] = json!(root.join("docs/screens"));
    }
    browser
        .scenario("console", input)
        .within(Duration::from_secs(480))
        .run()
        .passed()
}

#[test]
fn an_administrator_does_the_guide_and_every_page_passes_the_gate() {
    let Some(browser) = Browser::or_skip() else { return };
    let outcome = run(&browser, &json!({ "gate": true }));
    assert!(outcome.looks.len() > 100, "{} looks", outcome.looks.len());
}

#[test]
fn the_console_works_without_scripts_on_a_narrow_phone() {
    let Some(browser) = Browser::or_skip() else { return };
    run(&browser, &json!({ "js": false, "width": 320 }));
}

#[test]
fn every_page_passes_the_gate_in_every_language() {
    let Some(browser) = Browser::or_skip() else { return };
    let outcome = run(&browser, &json!({ "languages": true }));
    assert!(outcome.looks.len() > 200, "{} looks", outcome.looks.len());
}
