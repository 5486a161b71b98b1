//! Packets of every shape, with valid secrets, against the running program: it does not crash, does not grow, and lets
//! nobody in without a code that was used.
//!
//! In short with every test run. `make prove-radius-fuzz` goes on for half an hour, a part at a time: what was done is kept
//! in target/radius-fuzz, so it can be stopped and started again, and the sum is written to docs/proof/radius-fuzz.md.

mod dice;
mod packets;
mod target;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use otpost_radius_wire::Code;

use dice::Dice;
use target::{Replies, Target};

/// Packets of the short form.
const SHORT: usize = 20_000;
/// Packets of a part of the long form.
const PART: usize = 150_000;
/// Memory may grow by so much, in KiB, after the first third: buffers find their sizes.
const GROWTH: u64 = 4096;

/// What came of a run.
#[derive(Debug, Default, Clone, Copy)]
struct Result {
    packets: u64,
    replies: Replies,
    /// Resident memory after a third, and at the end, in KiB.
    memory: (u64, u64),
}

fn run(seed: u64, packets: usize) -> Result {
    let mut dice = Dice::new(seed);
    let mut target = Target::start();
    let mut lines = target.lines();
    let mut result = Result::default();
    let mut challenges = Vec::new();
    for n in 0..packets {
        let at = dice.below(lines.len());
        let line = &mut lines[at];
        let again = if dice.one_in(25) {
            line.again(&mut dice)
        } else {
            None
        };
        let datagram = again.unwrap_or_else(|| {
            let kind = match dice.below(25) {
                0 => Code::StatusServer,
                1 if line.accounting => Code::AccessRequest,
                1 => Code::AccountingRequest,
                _ if line.accounting => Code::AccountingRequest,
                _ => Code::AccessRequest,
            };
            packets::datagram(&mut dice, &line.secret, kind, line.sloppy, &challenges)
        });
        line.send(&datagram);
        if n % 32 == 31 {
            for line in &mut lines {
                line.read(&target.record, &mut result.replies, &mut challenges);
            }
        }
        if n % 256 == 255 || n + 1 == packets {
            target.wait_for();
            for line in &mut lines {
                line.read(&target.record, &mut result.replies, &mut challenges);
            }
        }
        if n == packets / 3 {
            result.memory.0 = target.memory();
        }
    }
    result.packets = u64::try_from(packets).unwrap();
    result.memory.1 = target.memory();
    target.stop();
    let (before, after) = result.memory;
    assert!(
        after <= before + GROWTH,
        "seed {seed}: {before} KiB have become {after} KiB"
    );
    result
}

#[test]
fn hostile_packets_with_valid_secrets_get_nobody_in_and_break_nothing() {
    let Some(minutes) = std::env::var_os("OTPOST_RADIUS_FUZZ_MINUTES") else {
        let Result { replies, .. } = run(1, SHORT);
        // The fuzz is worth nothing where it does not reach what it is about.
        assert!(replies.accepts > 50 && replies.challenges > 500, "{replies:?}");
        assert!(
            replies.rejects > 500 && replies.accounting > 500 && replies.status > 50,
            "{replies:?}"
        );
        return;
    };
    let minutes: u64 = minutes.to_str().unwrap().parse().expect("a number of minutes");
    let mut sum = Sum::load();
    while sum.seconds < minutes * 60 {
        let start = now();
        let result = run(sum.seed(), PART);
        sum.add(result, now() - start);
        sum.save();
    }
    sum.write_report();
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a part took is what is reported"
)]
fn now() -> Instant {
    Instant::now()
}

/// All parts so far.
struct Sum {
    commit: String,
    parts: u64,
    seconds: u64,
    packets: u64,
    replies: Replies,
    growth: u64,
    memory: u64,
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Sum {
    fn path() -> PathBuf {
        // Beside what cargo keeps for integration tests.
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("../radius-fuzz")
    }

    /// What was done for this commit.
    fn load() -> Self {
        let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
        let text = fs::read_to_string(Self::path()).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix('='))
                .unwrap_or_default()
                .to_owned()
        };
        let same = field("commit") == commit;
        let number = |name: &str| if same { field(name).parse().unwrap_or(0) } else { 0 };
        Self {
            parts: number("parts"),
            seconds: number("seconds"),
            packets: number("packets"),
            replies: Replies {
                accepts: number("accepts"),
                rejects: number("rejects"),
                challenges: number("challenges"),
                accounting: number("accounting"),
                status: number("status"),
            },
            growth: number("growth"),
            memory: number("memory"),
            commit,
        }
    }

    fn seed(&self) -> u64 {
        1000 + self.parts
    }

    fn add(&mut self, result: Result, took: Duration) {
        let Result {
            packets,
            replies,
            memory,
        } = result;
        self.parts += 1;
        self.seconds += took.as_secs();
        self.packets += packets;
        self.replies.accepts += replies.accepts;
        self.replies.rejects += replies.rejects;
        self.replies.challenges += replies.challenges;
        self.replies.accounting += replies.accounting;
        self.replies.status += replies.status;
        self.growth = self.growth.max(memory.1.saturating_sub(memory.0));
        self.memory = self.memory.max(memory.1);
    }

    fn save(&self) {
        let Replies {
            accepts,
            rejects,
            challenges,
            accounting,
            status,
        } = self.replies;
        let text = format!(
            "commit={}\nparts={}\nseconds={}\npackets={}\naccepts={accepts}\nrejects={rejects}\n\
             challenges={challenges}\naccounting={accounting}\nstatus={status}\ngrowth={}\nmemory={}\n",
            self.commit, self.parts, self.seconds, self.packets, self.growth, self.memory
        );
        fs::write(Self::path(), text).unwrap();
    }

    fn write_report(&self) {
        let dirty = said("git", &["status", "--porcelain", "--untracked-files=no"]);
        let changed = if dirty.is_empty() {
            ""
        } else {
            ", with changes that are not committed"
        };
        let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = model.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.unwrap_or_default().trim_start_matches([' ', '\t', ':']);
        let cores = std::thread::available_parallelism().unwrap();
        let Replies {
            accepts,
            rejects,
            challenges,
            accounting,
            status,
        } = self.replies;
        let mut page = String::from(
            "# otpost-radius under fuzz\n\n\
             Written by `make prove-radius-fuzz`; do not edit. Packets of every shape are sent to the running program, \
             most of them signed with\nthe client's secret, against a daemon that keeps a record of the codes it took \
             (radius-server/tests/it/fuzz.rs). The run\nfails on a crash, on memory that grows, on a reply that belongs \
             to no request, on a lost Proxy-State, and on an\nAccess-Accept without a code that was used.\n\n| | |\n|---|---|\n",
        );
        for (name, value) in [
            ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
            ("commit", format!("{}{changed}", self.commit)),
            (
                "machine",
                format!("{model}, {cores} processors, Linux {}", said("uname", &["-r"])),
            ),
            (
                "time",
                format!("{} minutes in {} parts", self.seconds / 60, self.parts),
            ),
            ("seeds", format!("1000 to {}", self.seed() - 1)),
            ("packets", self.packets.to_string()),
            (
                "Access-Accept, each with a code that was used",
                accepts.to_string(),
            ),
            ("Access-Challenge", challenges.to_string()),
            ("Access-Reject", rejects.to_string()),
            ("Accounting-Response", accounting.to_string()),
            ("answers to Status-Server", status.to_string()),
            ("crashes, forged replies, Accepts without a code", "0".to_owned()),
            (
                "most growth of resident memory in a part",
                format!("{} KiB", self.growth),
            ),
            ("most resident memory", format!("{} KiB", self.memory)),
        ] {
            writeln!(page, "| {name} | {value} |").unwrap();
        }
        let path = root().join("docs/proof");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("radius-fuzz.md"), page).unwrap();
    }
}
