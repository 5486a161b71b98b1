//! Scenarios in a real browser: tests/browser/run.mjs runs one, and here is what came of it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, fs};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otpost_ipc::client::Deadline;
use serde::Deserialize;
use serde_json::Value;

use crate::pamstack::{PATIENCE, target_dir};
use crate::stack::Scratch;

/// Debian's browser.
const CHROMIUM: &str = "/usr/bin/chromium";
/// How long the browser may take to close after it was asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// A step of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// What it does.
    pub name: String,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Why it failed.
    #[serde(default)]
    pub error: String,
    /// The page's address when it failed.
    #[serde(default)]
    pub url: String,
    /// The text of the page's main part when it failed.
    #[serde(default)]
    pub text: String,
    /// Where the picture of the page is.
    #[serde(default)]
    pub screenshot: String,
}

/// Something that a page does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Violation {
    /// Short name of the rule: `axe:` and axe's name for it, `target-size`, `overflow`, `focus-invisible`, `csp`...
    pub rule: String,
    /// What is wrong, in words.
    #[serde(rename = "what")]
    pub problem: String,
    /// Selector or description of the element, or an address.
    #[serde(rename = "where")]
    pub place: String,
}

/// A page in one colour scheme, width and language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Look {
    /// The scenario's name for the page.
    pub page: String,
    /// Its address.
    pub url: String,
    /// `light` or `dark`.
    pub scheme: String,
    /// Width of the window in CSS pixels.
    pub width: u32,
    /// The language that was asked for.
    pub locale: String,
    /// How long the checks took, in milliseconds.
    pub ms: u64,
    /// What does not hold.
    pub violations: Vec<Violation>,
}

/// What a page complained about that the scenario did not expect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// `csp`, `console-error`, `page-error`, `failed-request`, `bad-response` or `other-host`.
    pub kind: String,
    /// Which page, or which request.
    pub url: String,
    /// In the browser's words.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Step(Step),
    Look(Look),
    Value {
        name: String,
        value: Value,
    },
    Report(Report),
    End {
        ok: bool,
        #[serde(default)]
        error: String,
    },
}

/// What a scenario printed.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Why it failed; nothing when all went well.
    pub failure: Option<String>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// The pages that were looked at.
    pub looks: Vec<Look>,
    /// What it handed over, by name.
    pub values: BTreeMap<String, Value>,
    /// What nobody expected.
    pub reports: Vec<Report>,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    fn parse(out: &str, stderr: String) -> Self {
        let mut outcome = Self {
            failure: Some("it ended without saying how".to_owned()),
            stderr,
            ..Self::default()
        };
        for line in out.lines() {
            match serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in a scenario's line: {line}")) {
                Line::Step(step) => outcome.steps.push(step),
                Line::Look(look) => outcome.looks.push(look),
                Line::Value { name, value } => drop(outcome.values.insert(name, value)),
                Line::Report(report) => outcome.reports.push(report),
                Line::End { ok, error } => outcome.failure = (!ok).then_some(error),
            }
        }
        outcome
    }

    /// The step that failed.
    #[must_use]
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.ok)
    }

    /// Everything that pages did not hold.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.looks.iter().flat_map(|look| &look.violations)
    }

    /// Gives the outcome back when all went well.
    ///
    /// # Panics
    /// When something did not: with the step, the page's address and text, and where its picture is.
    #[must_use]
    pub fn passed(self) -> Self {
        let Some(failure) = &self.failure else {
            return self;
        };
        let mut told = format!("the scenario failed: {failure}\n");
        for step in &self.steps {
            let _ = writeln!(
                told,
                "{} {}",
                if step.ok { "  ok  " } else { "FAILED" },
                step.name
            );
        }
        if let Some(step) = self.failed_step() {
            let _ = write!(
                told,
                "at {}\npicture: {}\nthe page says:\n{}\n",
                step.url, step.screenshot, step.text
            );
        }
        for Report { kind, url, text } in &self.reports {
            let _ = writeln!(told, "{kind} at {url}: {text}");
        }
        let _ = write!(told, "{}", self.stderr);
        panic!("{told}");
    }
}

/// A machine that can run scenarios.
#[derive(Debug)]
pub struct Browser {
    scripts: PathBuf,
}

impl Browser {
    /// `None`, and the running test is skipped, where the browser or what drives it is missing.
    #[must_use]
    pub fn or_skip() -> Option<Self> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        match missing(&scripts) {
            None => Some(Self { scripts }),
            Some(part) => {
                crate::skip(&format!("needs {part}; scripts/setup.sh check installs it"));
                None
            }
        }
    }

    /// The scenario of file `scenarios/NAME.mjs`.
    #[must_use]
    pub fn scenario(&self, name: &str, input: Value) -> Scenario<'_> {
        Scenario {
            browser: self,
            name: name.to_owned(),
            input,
            self_signed: false,
            patience: PATIENCE,
        }
    }
}

/// What of the browser path is not there.
fn missing(scripts: &Path) -> Option<&'static str> {
    let path = env::var_os("PATH").unwrap_or_default();
    let node = env::split_paths(&path).any(|folder| folder.join("node").exists());
    if !Path::new(CHROMIUM).exists() {
        Some(CHROMIUM)
    } else if !node {
        Some("node in the PATH")
    } else if !scripts.join("node_modules/playwright-core").exists() {
        Some("playwright-core in tests/browser/node_modules")
    } else {
        None
    }
}

/// A scenario that can be run.
#[derive(Debug)]
pub struct Scenario<'b> {
    browser: &'b Browser,
    name: String,
    input: Value,
    self_signed: bool,
    patience: Duration,
}

impl Scenario<'_> {
    /// Accepts certificates that nobody vouches for.
    #[must_use]
    pub fn self_signed(self) -> Self {
        Self {
            self_signed: true,
            ..self
        }
    }

    /// How long all of it may take; a minute unless this is said.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Starts it.
    ///
    /// # Panics
    /// When node cannot be started, or the input is not an object.
    #[must_use]
    pub fn start(mut self) -> Running {
        let test = thread::current().name().unwrap_or("test").replace("::", "-");
        let folder = target_dir().join("browser").join(format!("{test}-{}", self.name));
        let _ = fs::remove_dir_all(&folder);
        let input = self.input.as_object_mut().expect("an object");
        input
            .entry("folder")
            .or_insert_with(|| folder.to_string_lossy().into());
        // The browser's profile goes there, also when it is killed.
        let scratch = Scratch::new();
        let mut command = Command::new("node");
        command
            .arg(self.browser.scripts.join("run.mjs"))
            .arg(&self.name)
            .args(self.self_signed.then_some("--self-signed"))
            .env("TMPDIR", scratch.path())
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("node");
        let out = child.stdout.take().map(collect);
        let err = child.stderr.take().map(collect);
        // When it ended already, its standard error tells why.
        let _ = child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(self.input.to_string().as_bytes()));
        Running {
            child,
            out,
            err,
            patience: self.patience,
            scratch,
        }
    }

    /// Runs it to its end, or until its time is up.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.start().end()
    }
}

/// A scenario that runs; stopped when dropped, with its browser.
#[derive(Debug)]
pub struct Running {
    child: Child,
    out: Option<JoinHandle<String>>,
    err: Option<JoinHandle<String>>,
    patience: Duration,
    scratch: Scratch,
}

impl Running {
    /// Where the browser has its profile, and every process of it TMPDIR.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Waits for its end, and stops it when its time is up.
    #[must_use]
    pub fn end(mut self) -> Outcome {
        let ended = self.ends_within(self.patience);
        if !ended {
            self.stop();
        }
        let take = |stream: Option<JoinHandle<String>>| {
            stream.and_then(|stream| stream.join().ok()).unwrap_or_default()
        };
        let mut outcome = Outcome::parse(&take(self.out.take()), take(self.err.take()));
        if !ended {
            outcome.failure = Some(format!("it took longer than {:?}", self.patience));
        }
        outcome
    }

    fn ends_within(&mut self, patience: Duration) -> bool {
        let deadline = Deadline::after(patience);
        loop {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            if !deadline.pause(Duration::from_millis(5)) {
                return false;
            }
        }
    }

    /// Asks Playwright to close the browser. One that does not is killed, and the browser ends as its pipe closes.
    fn stop(&mut self) {
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            if !self.ends_within(FAREWELL) {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut octets = Vec::new();
        let _ = stream.read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    })
}
