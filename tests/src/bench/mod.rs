//! `make bench`: logins per second next to FreeRADIUS, memory, the PAM module next to its peers, and the portal's pages.
//!
//! Each part runs for itself and leaves its figures in a file, so that one can be measured again without the others; the
//! report is written from those files. tests/bench/run.sh is the way in.

mod disturbed;
mod freeradius;
mod load;
mod logins;
mod memory;
mod names;
mod otpost;
mod pam;
mod portal;
mod process;
mod report;
mod sys;
mod texts;
mod uniform;

use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pamstack::target_dir;

/// What most functions here give. Whoever runs the benchmark reads the error.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Longest wait for a program to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The secret that RADIUS client and server share.
const SECRET: &str = "benchmark-benchmark";

const USAGE: &str = "usage: otpost-bench PART...

  logins   logins per second and their times, next to FreeRADIUS
  disturbed  times of logins beside others whose text or password check hangs
  memory   resident memory with many tokens
  pam      the PAM module next to its peers (as root)
  portal   pages of portal and console with many tokens: their times, what a first visit loads, and how long it takes to get a token
  uniform  times of refused sign-ins at the portal, names that exist and names of nobody
  report   docs/benchmarks.md from the figures of the parts

Settings, from the environment:
  BENCH_TOKENS    users with a token each (100000)
  BENCH_USERS     of these, so many log in (2000)
  BENCH_ROUNDS    rounds of each row (5)
  BENCH_SECONDS   measured seconds of a round (4)
  BENCH_WARM_UP   seconds before the measured ones (3 in the first round, then 1)
  BENCH_WORK      seconds of logins before memory is looked at (5)
  BENCH_LOGINS    logins through PAM of each row (10000)
  BENCH_TRIES     refused sign-ins of each kind (450)
  BENCH_PARTS     parts that they are measured in, in turns (5)
  BENCH_REST      seconds of rest before memory is looked at again (65)
  BENCH_WINDOWS   logins under way at once (1 64 128)
  BENCH_ONLY      only this row of the logins (Otpost, OtpostAllCpus, FreeRadiusChallenge, FreeRadiusPap), or only pages whose name
                  has this in it, for profiling
  BENCH_RATE      requests a second for a page (200)
  BENCH_SIGN_INS  the same for sign-ins with a password (10)
  BENCH_PAGE_SECONDS  seconds of each page (10)
  BENCH_PEOPLE    people who set up a phone over HTTP (20)
  BENCH_BROWSERS  people who do so in Chromium (3)
  BENCH_CPU       set: show processor time by thread
  BENCH_CONFIG    further lines of otpostd's configuration
  BENCH_MODULE    the PAM module (pam/libpam_otpost.so beside the programs' directory)
  BENCH_PAMLOOP   the compiled tests/bench/pamloop.c
  BENCH_RESULTS   directory of the figures (bench/ in the programs' directory)
  BENCH_REPORT    the report (docs/benchmarks.md)
";

/// Settings and places.
#[derive(Debug)]
struct Bench {
    tokens: usize,
    users: usize,
    rounds: usize,
    seconds: f64,
    warm_up: Option<Duration>,
    work: Duration,
    logins: usize,
    parts: usize,
    tries: usize,
    rest: Duration,
    rate: u32,
    sign_ins: u32,
    page_seconds: u64,
    people: usize,
    browsers: usize,
    windows: Vec<usize>,
    /// The programs under test.
    programs: PathBuf,
    /// The PAM module under test.
    module: PathBuf,
    /// The figures.
    results: PathBuf,
    /// The report.
    report: PathBuf,
}

/// A directory with everything that a part makes; gone with its value.
type Scratch = crate::stack::Scratch;

/// Runs the parts that the command line names.
#[must_use]
pub fn main() -> ExitCode {
    let parts: Vec<String> = std::env::args().skip(1).collect();
    match Bench::from_environment().and_then(|bench| bench.run(&parts)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("otpost-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

impl Bench {
    fn from_environment() -> Outcome<Self> {
        let programs = target_dir();
        let windows = std::env::var("BENCH_WINDOWS").unwrap_or_else(|_| "1 64 128".to_owned());
        Ok(Self {
            tokens: setting("BENCH_TOKENS", 100_000)?,
            users: setting("BENCH_USERS", 2_000)?,
            rounds: setting("BENCH_ROUNDS", 5)?,
            seconds: setting("BENCH_SECONDS", 4.0)?,
            warm_up: match std::env::var_os("BENCH_WARM_UP") {
                Some(_) => Some(seconds("BENCH_WARM_UP", 0.0)?),
                None => None,
            },
            work: seconds("BENCH_WORK", 5.0)?,
            logins: setting("BENCH_LOGINS", 10_000)?,
            parts: setting("BENCH_PARTS", 5)?,
            tries: setting("BENCH_TRIES", 450)?,
            rest: Duration::from_secs(setting("BENCH_REST", 65)?),
            rate: positive("BENCH_RATE", 200)?,
            sign_ins: positive("BENCH_SIGN_INS", 10)?,
            page_seconds: positive("BENCH_PAGE_SECONDS", 10)?,
            people: positive("BENCH_PEOPLE", 20)?,
            browsers: setting("BENCH_BROWSERS", 3)?,
            windows: windows
                .split_whitespace()
                .map(|word| {
                    word.parse()
                        .map_err(|_| format!("BENCH_WINDOWS: {word} is no number"))
                })
                .collect::<Result<_, _>>()?,
            module: place("BENCH_MODULE", || {
                programs.with_file_name("pam").join("libpam_otpost.so")
            }),
            results: place("BENCH_RESULTS", || programs.join("bench")),
            report: place("BENCH_REPORT", || root().join("docs/benchmarks.md")),
            programs,
        })
    }

    fn run(&self, parts: &[String]) -> Outcome<()> {
        if parts.is_empty() {
            return Err(USAGE.into());
        }
        fs::create_dir_all(&self.results)?;
        for part in parts {
            match part.as_str() {
                "disturbed" => self.store("disturbed", &disturbed::measure(self)?)?,
                "logins" => self.store("logins", &logins::measure(self)?)?,
                "memory" => self.store("memory", &memory::measure(self)?)?,
                "pam" => self.store("pam", &pam::measure(self)?)?,
                "portal" => self.store("portal", &portal::measure(self)?)?,
                "uniform" => self.store("uniform", &uniform::measure(self)?)?,
                "report" => report::write(self)?,
                _ => return Err(USAGE.into()),
            }
        }
        Ok(())
    }

    fn store<T: Serialize>(&self, part: &str, figures: &T) -> Outcome<()> {
        let json = serde_json::to_vec_pretty(figures)?;
        Ok(fs::write(self.results.join(format!("{part}.json")), json)?)
    }

    /// Figures of a part that ran.
    fn load<T: DeserializeOwned>(&self, part: &str) -> Outcome<Option<T>> {
        match fs::read(self.results.join(format!("{part}.json"))) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> Outcome<T> {
    match std::env::var(name) {
        Err(_) => Ok(default),
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{name}: {text} is not understood").into()),
    }
}

/// As [`setting`], for what must not be nothing.
fn positive<T: std::str::FromStr + Default + PartialEq>(name: &str, default: T) -> Outcome<T> {
    let value = setting(name, default)?;
    if value == T::default() {
        return Err(format!("{name}: 0 is too few").into());
    }
    Ok(value)
}

fn seconds(name: &str, default: f64) -> Outcome<Duration> {
    let seconds = setting(name, default)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{name}: {seconds} are no seconds").into())
}

fn place(name: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    std::env::var_os(name).map_or_else(default, PathBuf::from)
}

/// A line for whoever watches.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A port that was free a moment ago; the server is about to take it.
fn free_port() -> Outcome<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Asks `done` until it has a value.
fn wait_for<T>(what: &str, mut done: impl FnMut() -> Outcome<Option<T>>) -> Outcome<T> {
    let deadline = otpost_ipc::client::Deadline::after(PATIENCE);
    loop {
        if let Some(value) = done()? {
            return Ok(value);
        }
        if !deadline.pause(Duration::from_millis(10)) {
            return Err(format!("waited too long for {what}").into());
        }
    }
}

/// The value in the middle.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_by(f64::total_cmp);
    let (low, high) = (all.len().saturating_sub(1) / 2, all.len() / 2);
    let at = |n: usize| all.get(n).copied().unwrap_or_default();
    f64::midpoint(at(low), at(high))
}

/// The workspace.
fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}
