//! wrk, which tests/bench/portal.lua makes ask at a steady rate.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::bench::{Outcome, root};

/// A request.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    pub(super) path: String,
    pub(super) cookie: String,
    /// A form that is sent; empty: a page that is asked for.
    pub(super) form: String,
    /// What the page should show, if that is known.
    pub(super) shows: String,
}

impl Ask {
    pub(super) fn page(path: impl Into<String>, cookie: &str) -> Self {
        Self {
            path: path.into(),
            cookie: cookie.to_owned(),
            ..Self::default()
        }
    }

    /// The same, of a page that should have `text` in it.
    pub(super) fn showing(mut self, text: impl Into<String>) -> Self {
        self.shows = text.into();
        self
    }

    pub(super) fn method(&self) -> &'static str {
        if self.form.is_empty() { "GET" } else { "POST" }
    }
}

/// What is asked for, and how.
#[derive(Debug)]
pub(super) struct Load<'a> {
    pub(super) base: &'a str,
    /// Requests a second.
    pub(super) rate: u32,
    pub(super) seconds: u64,
    /// Status that every answer should have.
    pub(super) status: u16,
    /// Asked for by turns.
    pub(super) asks: &'a [Ask],
    /// Where the requests are written to.
    pub(super) dir: &'a Path,
}

/// What wrk saw. Times are in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::bench) struct Served {
    /// Answers with the right status.
    pub(in crate::bench) right: u64,
    /// Others, and the status of the last of them.
    pub(in crate::bench) other: u64,
    pub(in crate::bench) status: u16,
    /// Requests that left after their time, as no connection was free.
    pub(in crate::bench) late: u64,
    /// Connections that could not be made, or broke.
    pub(in crate::bench) broken: u64,
    /// Answers that took too long.
    pub(in crate::bench) timeouts: u64,
    /// From the first request's time to the last answer.
    pub(in crate::bench) seconds: f64,
    pub(in crate::bench) p50: f64,
    pub(in crate::bench) p99: f64,
    pub(in crate::bench) longest: f64,
    /// wrk's own processor time.
    pub(in crate::bench) generator_seconds: f64,
}

impl Served {
    /// Answers a second.
    pub(in crate::bench) fn rate(&self) -> f64 {
        let all = f64::from(u32::try_from(self.right.saturating_add(self.other)).unwrap_or(u32::MAX));
        if self.seconds > 0.0 {
            all / self.seconds
        } else {
            0.0
        }
    }

    /// Whether every answer came and was the right one.
    pub(in crate::bench) const fn clean(&self) -> bool {
        self.right > 0 && self.other == 0 && self.broken == 0 && self.timeouts == 0
    }
}

/// Connections that are kept open: half a second's requests, so that an answer may take that long before it holds up another request.
pub(super) fn connections(rate: u32) -> u32 {
    (rate / 2).clamp(8, 200)
}

/// Runs wrk to its end.
pub(super) fn run(load: &Load<'_>) -> Outcome<Served> {
    let file = load.dir.join("requests");
    let lines: Vec<String> = (load.asks.iter())
        .map(|ask| format!("{}\t{}\t{}\t{}\n", ask.method(), ask.path, ask.cookie, ask.form))
        .collect();
    fs::write(&file, lines.concat())?;
    let output = Command::new("wrk")
        .args(["--threads", "1", "--timeout", "10s", "--connections"])
        .arg(connections(load.rate).to_string())
        .arg("--duration")
        .arg(format!("{}s", load.seconds))
        .arg("--script")
        .arg(root().join("tests/bench/portal.lua"))
        .args([load.base, "--", &load.rate.to_string(), &load.status.to_string()])
        .arg(&file)
        .output()
        .map_err(|error| format!("wrk: {error}; scripts/setup.sh check installs it"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("wrk gave no figures: {error}\n{said}{complaint}").into()
    })
}
