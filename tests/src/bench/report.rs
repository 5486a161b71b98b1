//! docs/benchmarks.md from the figures of the parts, and what they mean.

mod disturbed;
mod portal;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::disturbed::Disturbed;
use super::logins::{Logins, Row, Subject};
use super::memory::Memories;
use super::pam::{self, Pam};
use super::portal::Pages;
use super::uniform::{Kind, Uniform};
use super::{Bench, Outcome, median, root, say};

/// Writes the report and shows it.
pub(super) fn write(bench: &Bench) -> Outcome<()> {
    let mut page = String::from(HEAD);
    machine(&mut page)?;
    if let Some(figures) = bench.load::<Logins>("logins")? {
        logins(&mut page, &figures)?;
    }
    if let Some(figures) = bench.load::<Disturbed>("disturbed")? {
        disturbed::write(&mut page, &figures)?;
    }
    if let Some(figures) = bench.load::<Memories>("memory")? {
        memory(&mut page, &figures)?;
    }
    if let Some(figures) = bench.load::<Pam>("pam")? {
        modules(&mut page, &figures)?;
    }
    if let Some(figures) = bench.load::<Pages>("portal")? {
        portal::write(&mut page, &figures)?;
    }
    if let Some(figures) = bench.load::<Uniform>("uniform")? {
        uniform(&mut page, &figures)?;
    }
    fs::write(&bench.report, &page)?;
    say(&page);
    say(&format!("written to {}", bench.report.display()));
    Ok(())
}

const HEAD: &str = "# Benchmarks

Written by `make bench`; do not edit. What is measured, and how, is in `tests/bench/` and `tests/src/bench/`. Figures of
different machines, or of a machine with other work, cannot be compared; the ratios to the peers can, as all of them ran in
turns on the same processors with the same load generator.

";

/// The first line of what a program says.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn file_field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_default();
    line.split_once([':', '='])
        .map_or("", |(_, value)| value)
        .trim()
        .trim_matches('"')
        .to_owned()
}

fn machine(page: &mut String) -> Outcome<()> {
    let cores = std::thread::available_parallelism()?;
    let memory = file_field("/proc/meminfo", "MemTotal");
    let kib: f64 = memory
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or_default();
    let dirty = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let version = said("dpkg-query", &["-W", "-f", "${Version}", "freeradius"]);
    writeln!(page, "| | |\n|---|---|")?;
    writeln!(
        page,
        "| date | {} |",
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])
    )?;
    let changed = if dirty.is_empty() {
        ""
    } else {
        ", with changes that are not committed"
    };
    writeln!(page, "| commit | {commit}{changed} |")?;
    writeln!(
        page,
        "| machine | {}, {cores} processors, {:.0} GiB |",
        file_field("/proc/cpuinfo", "model name"),
        kib / 1_048_576.0
    )?;
    writeln!(
        page,
        "| system | {}, Linux {} |",
        file_field("/etc/os-release", "PRETTY_NAME"),
        said("uname", &["-r"])
    )?;
    writeln!(page, "| FreeRADIUS | {version} |")?;
    let build = if cfg!(debug_assertions) {
        "debug: these figures say nothing"
    } else {
        "release"
    };
    writeln!(page, "| build | {build} |")?;
    let command = std::env::var("BENCH_COMMAND").unwrap_or_else(|_| "otpost-bench".to_owned());
    let mut settings: Vec<String> = std::env::vars()
        .filter(|(name, _)| name.starts_with("BENCH_") && name != "BENCH_PAMLOOP" && name != "BENCH_COMMAND")
        .map(|(name, value)| format!("{name}={value:?} "))
        .collect();
    settings.sort();
    writeln!(page, "| command | `{}{command}` |\n", settings.concat())?;
    Ok(())
}

const LOGINS: &str = "## Logins over RADIUS

A login is an Access-Request with a password, the Access-Challenge to it, the code, a second Access-Request with the code, and
the Access-Accept; its time is that of all of it. *At once* is how many logins are under way: as one ends, the next begins. The
generator checks Response Authenticator and Message-Authenticator of every reply. Values are medians over the rounds.

- **otpost** stores challenge, session, counters, text and audit rows durably (SQLite, `synchronous=FULL`) before it answers, sends
  the code as a text through its outbox into the development inbox, and lets in after the code's use is durable. The password is not
  hashed (`first_factor = stack`): with argon2id, the hash alone would be measured. The generator reads the codes from the inbox, so
  the way of the text is part of the time.
- **FreeRADIUS, challenge** checks the password in its users file, keeps a random code in memory and tells it in Reply-Message: two
  requests as above, but nothing is stored and no text is sent. It does less; it is what a RADIUS server of this kind can do.
- **FreeRADIUS, password** is one request and one Access-Accept.

";

fn name(subject: Subject) -> &'static str {
    match subject {
        Subject::Otpost => "otpost",
        Subject::OtpostAllCpus => "otpost, all processors shared with the generator",
        Subject::FreeRadiusChallenge => "FreeRADIUS, challenge",
        Subject::FreeRadiusPap => "FreeRADIUS, password",
    }
}

fn ms(micros: f64) -> String {
    if micros < 10_000.0 {
        format!("{:.2}", micros / 1000.0)
    } else {
        format!("{:.0}", micros / 1000.0)
    }
}

fn logins(page: &mut String, all: &Logins) -> Outcome<()> {
    page.push_str(LOGINS);
    let place = if all.processors > 1 {
        "servers on the first processor, the generator on the last"
    } else {
        "one processor for all"
    };
    let rounds = all
        .rows
        .iter()
        .map(|row| row.rounds.len())
        .max()
        .unwrap_or_default();
    writeln!(
        page,
        "{} tokens in otpost, {} users log in by turns ({} in the users file); {rounds} rounds of {} s in turns; {place}.\n",
        all.tokens, all.users, all.freeradius_users, all.seconds
    )?;
    writeln!(
        page,
        "| at once | server | logins/s | of FreeRADIUS' challenge rate | p50 ms | p99 ms | server's processor time per login |"
    )?;
    writeln!(page, "|---:|---|---:|---:|---:|---:|---:|")?;
    for row in &all.rows {
        let rate = row.median(|f| f.per_second);
        let peer = find(all, Subject::FreeRadiusChallenge, row.window)
            .map_or(0.0, |peer| peer.median(|f| f.per_second));
        writeln!(
            page,
            "| {} | {} | {rate:.0} | {:.2} | {} | {} | {:.0} us |",
            row.window,
            name(row.subject),
            if peer > 0.0 { rate / peer } else { 0.0 },
            ms(row.median(|f| f.p50)),
            ms(row.median(|f| f.p99)),
            row.cpu("")
        )?;
    }
    let [lost, again, forged, refused] = [
        sum(all, |f| f.lost),
        sum(all, |f| f.sent_again),
        sum(all, |f| f.forged),
        sum(all, |f| f.refused),
    ];
    writeln!(
        page,
        "\nIn all rounds together: {lost} logins without an end, {again} requests sent again, {forged} replies with a wrong \
         authenticator, {refused} refusals.\n"
    )?;
    writeln!(
        page,
        "Where the time of an otpost login goes (medians), and the processor time of its threads:\n"
    )?;
    writeln!(
        page,
        "| at once | request to challenge ms | challenge to text ms | code to accept ms | writer thread | readers | otpostd's other threads | otpost-radius |"
    )?;
    writeln!(page, "|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for row in all.rows.iter().filter(|row| row.subject == Subject::Otpost) {
        let leg = |n: usize| ms(row.median(|f| f.legs.get(n).copied().unwrap_or_default()));
        let known = [
            "otpostd: store-write",
            "otpostd: store-read",
            "otpost-radius: otpost-radius",
        ]
        .map(|name| row.cpu(name));
        let [write, read, radius] = known;
        writeln!(
            page,
            "| {} | {} | {} | {} | {write:.0} us | {read:.0} us | {:.0} us | {radius:.0} us |",
            row.window,
            leg(0),
            leg(1),
            leg(2),
            row.cpu("") - write - read - radius
        )?;
    }
    page.push('\n');
    if let (Some(ours), Some(theirs)) = (
        find(all, Subject::Otpost, 64),
        find(all, Subject::FreeRadiusChallenge, 64),
    ) {
        let (rate, peer) = (ours.median(|f| f.per_second), theirs.median(|f| f.per_second));
        let verdict = if rate >= peer { "at least" } else { "less than" };
        writeln!(
            page,
            "In words: with 64 logins at once this machine completes {rate:.0} durable logins a second on one processor, {verdict} \
             FreeRADIUS' {peer:.0} without storing anything. A company of 10,000 people who all log in within the same five minutes of a \
             morning makes 33 a second.\n"
        )?;
    }
    Ok(())
}

fn find(all: &Logins, subject: Subject, window: usize) -> Option<&Row> {
    all.rows
        .iter()
        .find(|row| row.subject == subject && row.window == window)
}

fn sum(all: &Logins, value: impl Fn(&super::load::Figures) -> u64) -> u64 {
    all.rows
        .iter()
        .flat_map(|row| &row.rounds)
        .map(|round| value(&round.figures))
        .sum()
}

fn memory(page: &mut String, all: &Memories) -> Outcome<()> {
    writeln!(page, "## Memory\n")?;
    writeln!(
        page,
        "Resident memory with {} tokens (a database of {} MiB). *Own* is what no file backs: the rest is program text and mapped \
         files, which the system may drop. A password check takes an argon2id arena of 19 MiB a thread, kept for a quiet minute.\n",
        all.tokens,
        all.database / 1_048_576
    )?;
    writeln!(
        page,
        "| process | when | resident MiB | own MiB |\n|---|---|---:|---:|"
    )?;
    for look in &all.looks {
        let mib = |kib: u64| f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0;
        writeln!(
            page,
            "| {} | {} | {:.1} | {:.1} |",
            look.process,
            look.when,
            mib(look.memory.resident),
            mib(look.memory.anonymous)
        )?;
    }
    page.push('\n');
    Ok(())
}

const PAM: &str = "## Logins through PAM

One process that loads libpam and logs in again and again, as a busy sshd would. *auth* is `pam_authenticate`; *own* the same without
the time in the conversation, where the code is waited for (a person takes seconds); *cycle* is `pam_start` to `pam_end`, loading
the module included. Syslog goes to a socket that is read. Medians over the parts, in microseconds.

";

fn modules(page: &mut String, all: &Pam) -> Outcome<()> {
    page.push_str(PAM);
    writeln!(
        page,
        "| module | auth p50 | auth p99 | own p50 | own p99 | cycle p50 | cycle p99 |"
    )?;
    writeln!(page, "|---|---:|---:|---:|---:|---:|---:|")?;
    let middle = |row: &pam::Row, value: &dyn Fn(&pam::Part) -> f64| median(row.parts.iter().map(value));
    for row in &all.rows {
        writeln!(
            page,
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
            row.what,
            middle(row, &|part| part.auth.p50),
            middle(row, &|part| part.auth.p99),
            middle(row, &|part| part.own.p50),
            middle(row, &|part| part.own.p99),
            middle(row, &|part| part.cycle.p50),
            middle(row, &|part| part.cycle.p99)
        )?;
    }
    let own = |service: &str| {
        let row = all.rows.iter().find(|row| row.service == service);
        row.map_or(0.0, |row| middle(row, &|part| part.own.p50))
    };
    let (stub, google) = (own("bench-stub"), own("bench-google"));
    let (durable, radius) = (own("bench-otpost"), own("bench-radius2"));
    writeln!(
        page,
        "\nAgainst a daemon that keeps nothing our module takes {:.1} times what google-authenticator takes: two connections instead \
         of a file and a hash. A durable login takes {:.1} times pam_radius_auth's challenge login, for which nothing is stored.\n",
        ratio(stub, google),
        ratio(durable, radius)
    )?;
    writeln!(
        page,
        "After {} logins in one process our module left {} descriptors, {} threads, {} octets of heap and {} KiB of resident memory \
         more than before.\n",
        all.long.rounds, all.long.descriptors, all.long.threads, all.long.heap, all.long.resident
    )?;
    Ok(())
}

const UNIFORM: &str = "## Refused sign-ins

A sign-in at the portal is refused with the same page, whatever the reason; its time should not tell the reasons apart either. Each
kind is asked for by turns, on a connection of its own, with the default password hash (argon2id). The difference is that of the means
to a name of nobody, with its 95 % interval; *t* is Welch's, of which the literature on timing takes 4.5 as a sign. The same kind
measured twice shows what noise alone does.

";

/// A difference that is seen.
const SEEN: f64 = 4.5;

fn uniform(page: &mut String, all: &Uniform) -> Outcome<()> {
    page.push_str(UNIFORM);
    writeln!(
        page,
        "| refused because | tries | p50 ms | mean ms | deviation ms | difference ms | t |"
    )?;
    writeln!(page, "|---|---:|---:|---:|---:|---:|---:|")?;
    for row in &all.rows {
        write!(
            page,
            "| {} | {} | {:.2} | {:.2} | {:.2} |",
            row.kind.shown(),
            row.tries,
            row.median,
            row.mean,
            row.deviation
        )?;
        if row.kind == Kind::Unknown {
            writeln!(page, " | |")?;
        } else {
            writeln!(page, " {:+.3} ± {:.3} | {:.2} |", row.more, row.give, row.t)?;
        }
    }
    let seen: Vec<&str> = (all.rows.iter())
        .filter(|row| row.t.abs() >= SEEN)
        .map(|row| row.kind.shown())
        .collect();
    if seen.is_empty() {
        writeln!(page, "\nNo kind can be told from a name of nobody.\n")?;
    } else {
        writeln!(
            page,
            "\nCan be told from a name of nobody: {}.\n",
            seen.join(", ")
        )?;
    }
    Ok(())
}

fn ratio(ours: f64, theirs: f64) -> f64 {
    if theirs > 0.0 { ours / theirs } else { 0.0 }
}
