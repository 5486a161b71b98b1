//! Every screen of self-service, in every state, both themes, two widths and three languages: nothing for axe or the policy to
//! complain about, everything reached by keyboard and seen there, no target too small, nothing too wide.
//!
//! `OTPOST_SCREENS=full` looks at all languages in all four ways (`make prove-screens`), `OTPOST_SCREENS=1` leaves pictures in
//! docs/screens (`make screens`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use otpost_ipc::admin::AdminOp;
use otpost_tests::browser::{Browser, Running};
use otpost_tests::gateway::{Gateway, provider};
use otpost_tests::pamstack::target_dir;
use otpost_tests::site::Site;
use otpost_tests::stack::Stack;
use serde_json::json;

/// Programs of their own for each part: what one does to texts and time is not felt by the other.
struct Part {
    running: Running,
    _stack: Stack,
    _site: Site,
    _gateway: Gateway,
}

fn start(browser: &Browser, part: &str) -> Part {
    let stack = Stack::with_clock();
    stack.inbox();
    let gateway = Gateway::start();
    provider(&stack, "refusing", 200, &gateway.json("/400"));
    stack.admin(AdminOp::SmsProviderSet {
        name: "refusing".to_owned(),
        enabled: Some(false),
        priority: None,
    });
    let site = Site::start(&stack);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let wish = std::env::var("OTPOST_SCREENS").unwrap_or_default();
    let mut input = json!({
        "base": site.base,
        "part": part,
        "socket": stack.socket("admin"),
        "inbox": stack.dir().join("inbox.jsonl"),
        "clock": stack.dir().join("clock"),
        "daemon": stack.daemon.as_ref().unwrap().pid(),
        "mailServer": root.join("daemon/tests/mail/peer.py"),
        "folder": target_dir().join("browser/screens").join(part),
        "full": wish == "full",
    });
    if wish == "1" {
        input["shots"] = json!(root.join("docs/screens"));
    }
    if let Ok(only) = std::env::var("OTPOST_SCREENS_ONLY") {
        input["only"] = json!(only);
    }
    let running = browser
        .scenario("screens", input)
        .within(Duration::from_secs(900))
        .start();
    Part {
        running,
        _stack: stack,
        _site: site,
        _gateway: gateway,
    }
}

#[test]
fn every_screen_passes_the_gate_in_every_state() {
    let Some(browser) = Browser::or_skip() else { return };
    let mailer = Command::new("/usr/bin/python3")
        .args(["-c", "import aiosmtpd"])
        .output();
    if !mailer.is_ok_and(|output| output.status.success()) {
        otpost_tests::skip("python3-aiosmtpd is not installed");
        return;
    }
    // Side by side: either alone would leave half of a small machine idle.
    let parts = ["entry", "account"].map(|part| (part, start(&browser, part)));
    for (part, started) in parts {
        let outcome = started.running.end().passed();
        let screens = outcome
            .values
            .get("screens")
            .and_then(serde_json::Value::as_u64)
            .unwrap();
        let looks = u64::try_from(outcome.looks.len()).unwrap();
        assert!(looks >= 6 * screens, "{part}: {looks} looks at {screens} screens");
    }
}
