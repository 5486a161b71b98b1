//! The gate that every page of the portal must pass: a good page passes, and each fault of a faulty one is named.
#![expect(clippy::unwrap_used, reason = "test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use otpost_tests::browser::{Browser, Outcome};
use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::Scratch;
use serde_json::json;

/// As strict as the portal's, but for the pictures of another host, which only a faulty page asks for.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http://127.0.0.1:*; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// The smallest picture: one transparent pixel.
const PIXEL: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Serves tests/browser/fixtures on loopback, one of its pages as `/`; ends when dropped.
struct Site {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    door: Option<JoinHandle<()>>,
}

impl Site {
    /// Links of the page to `OTHER` lead to `other`.
    fn new(page: &'static str, other: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let door = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                for stream in listener.incoming().flatten() {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    // A thread for each: the browser opens connections that it does not use at once.
                    thread::spawn(move || answer(&stream, page, other));
                }
            }
        });
        Self {
            address,
            over,
            door: Some(door),
        }
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(door) = self.door.take() {
            let _ = door.join();
        }
    }
}

/// Answers one request; nothing to do when the browser hangs up.
fn answer(mut stream: &TcpStream, page: &str, other: Option<SocketAddr>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next()?;
    lines.find(String::is_empty)?;
    let path = request.split([' ', '?']).nth(1)?.trim_start_matches('/');
    let name = if path.is_empty() { page } else { path };
    let kind = match name.rsplit('.').next()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css",
        "js" => "text/javascript",
        _ => "image/gif",
    };
    let (status, body) = match (name, fs::read(fixtures().join(name))) {
        ("pixel.gif", _) => ("200 OK", PIXEL.to_vec()),
        (_, Ok(body)) if kind == "image/gif" => ("200 OK", body),
        (_, Ok(body)) => {
            let other = other.map_or_else(String::new, |other| format!("http://{other}"));
            let text = String::from_utf8(body).ok()?.replace("OTHER", &other);
            ("200 OK", text.into_bytes())
        }
        (_, Err(_)) => ("404 Not Found", b"not here".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncontent-security-policy: {POLICY}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/fixtures")
}

#[test]
fn a_good_page_passes_in_every_scheme_width_and_language_and_without_scripts() {
    let Some(browser) = Browser::or_skip() else { return };
    let site = Site::new("good.html", None);
    let shots = Scratch::new();
    let input = json!({ "base": site.base(), "folder": shots.path() });
    let outcome = browser.scenario("matrix", input).run().passed();
    assert_eq!(outcome.reports, []);
    assert_eq!(outcome.violations().collect::<Vec<_>>(), Vec::<&_>::new());

    let mut seen: Vec<(String, u32, &str, &str)> = (outcome.looks.iter())
        .map(|look| {
            (
                look.locale.clone(),
                look.width,
                look.scheme.as_str(),
                look.page.as_str(),
            )
        })
        .collect();
    seen.sort();
    let mut expected = Vec::new();
    for (locale, page) in [
        ("de", "page"),
        ("en", "page"),
        ("en", "page-no-js"),
        ("qps", "page"),
    ] {
        for width in [390, 1280] {
            for scheme in ["dark", "light"] {
                expected.push((locale.to_owned(), width, scheme, page));
            }
        }
    }
    expected.sort();
    assert_eq!(seen, expected);
    for (locale, width, scheme, page) in expected.iter().filter(|(.., page)| *page == "page") {
        let shot = shots.path().join(format!("{page}-{locale}-{width}-{scheme}.png"));
        let picture = fs::read(&shot).unwrap_or_else(|e| panic!("{}: {e}", shot.display()));
        // The width is the first thing that a PNG says.
        assert_eq!(picture.get(16..20), Some(width.to_be_bytes().as_slice()));
    }
}

/// Every fault of faulty.html: the rule that names it, and a part of where.
const FAULTS: [(&str, &str); 20] = [
    ("axe:document-title", "html"),
    ("axe:html-has-lang", "html"),
    ("axe:color-contrast", ".pale"),
    ("axe:image-alt", "#no-alt"),
    ("axe:label", "#no-label"),
    ("target-size", "button#tiny"),
    ("target-size", "span#escapes"),
    ("overflow", "p#wide"),
    ("focus-invisible", "button#unseen"),
    ("focus-faint", "button#faint"),
    ("focus-hidden", "button#pinhole"),
    ("focus-obscured", "button#under"),
    ("focus-unreachable", "span#escapes"),
    ("csp", "SITE"),
    ("console-error", "SITE"),
    ("page-error", "SITE"),
    ("other-host", "SITE"),
    ("failed-request", "/refused.gif"),
    ("bad-response", "/missing.gif"),
    ("duplicate-id", "#twice"),
];

#[test]
fn each_fault_of_a_faulty_page_is_named_and_no_other() {
    let Some(browser) = Browser::or_skip() else { return };
    let other = Site::new("good.html", None);
    let site = Site::new("faulty.html", Some(other.address));
    let look = json!({ "widths": [390], "schemes": ["light"] });
    let outcome = (browser.scenario("gate", json!({ "base": site.base(), "look": look })))
        .run()
        .passed();
    let found: Vec<_> = outcome.violations().collect();
    let base = format!("{}/", site.base());
    let is = |rule: &str, place: &str, violation: &otpost_tests::browser::Violation| {
        let place = if place == "SITE" { base.as_str() } else { place };
        violation.rule == rule && violation.place.contains(place)
    };
    for (rule, place) in FAULTS {
        assert!(
            found.iter().any(|violation| is(rule, place, violation)),
            "{rule} at {place} was not found: {found:#?}"
        );
    }
    for violation in &found {
        assert!(
            FAULTS.iter().any(|(rule, place)| is(rule, place, violation)),
            "{violation:?} was not planted"
        );
    }
    let other_host = found
        .iter()
        .find(|violation| violation.rule == "other-host")
        .unwrap();
    assert!(
        other_host.problem.contains(&other.address.to_string()),
        "{other_host:?}"
    );
    // The same page in a wide window: what is too wide for a phone has room there.
    let look = json!({ "widths": [1280], "schemes": ["light"] });
    let outcome = (browser.scenario("gate", json!({ "base": site.base(), "look": look })))
        .run()
        .passed();
    assert!(outcome.violations().all(|violation| violation.rule != "overflow"));
    assert!(
        outcome
            .violations()
            .any(|violation| violation.rule == "target-size")
    );
}

fn harness(browser: &Browser, site: &Site, way: &str) -> Outcome {
    let input = json!({ "base": site.base(), "way": way });
    browser.scenario("harness", input).run()
}

#[test]
fn a_failure_tells_its_step_the_address_what_the_page_says_and_shows_a_picture() {
    let Some(browser) = Browser::or_skip() else { return };
    let site = Site::new("good.html", None);
    let outcome = harness(&browser, &site, "fails");
    let failure = "the page does not show A text that nobody wrote";
    assert_eq!(outcome.failure.as_deref(), Some(failure));
    let names: Vec<_> = (outcome.steps.iter())
        .map(|step| (step.name.as_str(), step.ok))
        .collect();
    assert_eq!(names, [("open the page", true), ("see what is not there", false)]);
    let step = outcome.failed_step().unwrap().clone();
    assert_eq!(
        (step.error.as_str(), step.url),
        (failure, format!("{}/", site.base()))
    );
    // Of the main part only.
    assert!(step.text.starts_with("Sign in\n"), "{}", step.text);
    assert!(!step.text.contains("Deutsch"), "{}", step.text);
    let picture = fs::read(&step.screenshot).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));

    let told = thread::spawn(|| outcome.passed()).join().unwrap_err();
    let told = told.downcast::<String>().unwrap();
    for part in [
        failure,
        "  ok   open the page",
        "FAILED see what is not there",
        &site.base(),
        &step.screenshot,
        "to Hafenwerk VPN self-service",
    ] {
        assert!(told.contains(part), "{part:?} is not in: {told}");
    }
}

#[test]
fn what_a_page_complains_about_fails_the_scenario_unless_it_is_expected() {
    let Some(browser) = Browser::or_skip() else { return };
    let site = Site::new("good.html", None);
    let outcome = harness(&browser, &site, "complains");
    assert_eq!(outcome.failure.as_deref(), Some("pages complained: 1"));
    let report = outcome.reports.first().unwrap();
    assert_eq!(
        (report.kind.as_str(), report.text.as_str()),
        ("console-error", "not as it should be")
    );
    let input = json!({ "base": site.base(), "way": "complains", "expected": true });
    let outcome = browser.scenario("harness", input).run().passed();
    let taken = outcome.values.get("taken").unwrap();
    assert_eq!(taken.pointer("/0/text"), Some(&json!("not as it should be")));
}

#[test]
fn a_code_is_read_from_the_inbox_file_when_it_comes() {
    let Some(browser) = Browser::or_skip() else { return };
    let site = Site::new("good.html", None);
    let scratch = Scratch::new();
    let inbox = scratch.path().join("inbox.jsonl");
    let input = json!({ "base": site.base(), "way": "reads", "inbox": inbox });
    let outcome = browser.scenario("harness", input).run().passed();
    assert_eq!(outcome.values.get("code"), Some(&json!("204060")));
    assert_eq!(outcome.values.get("waiting"), Some(&json!(0)));
}

/// How many living processes have this TMPDIR.
fn processes(scratch: &Path) -> usize {
    let mark = format!("TMPDIR={}", scratch.display()).into_bytes();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("environ")).ok())
        .filter(|environment| {
            environment
                .split(|octet| *octet == 0)
                .any(|variable| variable == mark)
        })
        .count()
}

#[test]
fn neither_a_scenario_that_hangs_nor_one_that_is_dropped_leaves_a_browser_behind() {
    let Some(browser) = Browser::or_skip() else { return };
    let site = Site::new("good.html", None);
    let scenario = || browser.scenario("harness", json!({ "base": site.base(), "way": "hangs" }));

    let running = scenario().start();
    let scratch = running.scratch().to_owned();
    wait_for("the browser", || (processes(&scratch) > 3).then_some(()));
    drop(running);
    wait_for("all processes to end", || {
        (processes(&scratch) == 0).then_some(())
    });
    assert!(!scratch.exists());

    let running = scenario().within(Duration::from_secs(3)).start();
    let scratch = running.scratch().to_owned();
    let outcome = running.end();
    assert_eq!(outcome.failure.as_deref(), Some("it took longer than 3s"));
    wait_for("all processes to end", || {
        (processes(&scratch) == 0).then_some(())
    });
    assert!(!scratch.exists());
}

#[test]
fn a_name_is_found_where_the_input_says_and_no_other_name_is() {
    let Some(browser) = Browser::or_skip() else { return };
    let site = Site::new("good.html", None);
    let base = format!("http://portal.example:{}", site.address.port());
    let look = json!({ "widths": [1280], "schemes": ["dark"] });
    let input = json!({ "base": base, "resolve": { "portal.example": "127.0.0.1" }, "look": look });
    let outcome = browser.scenario("gate", input).run().passed();
    assert_eq!(outcome.violations().collect::<Vec<_>>(), Vec::<&_>::new());
    let outcome = browser.scenario("gate", json!({ "base": base })).run();
    let failure = outcome.failure.unwrap();
    assert!(failure.contains("ERR_NAME_NOT_RESOLVED"), "{failure}");
}

#[test]
fn a_scenario_that_is_not_there_is_named() {
    let Some(browser) = Browser::or_skip() else { return };
    for (name, part) in [("nowhere", "nowhere.mjs"), ("../run", "usage: run.mjs SCENARIO")] {
        let failure = browser.scenario(name, json!({})).run().failure.unwrap();
        assert!(failure.contains(part), "{failure}");
    }
}
