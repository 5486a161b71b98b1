//! Logins per second: the same generator against ours and FreeRADIUS, in turns, on the same processors.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::sched::CpuSet;
use otpost_radius_wire::SharedSecret;
use serde::{Deserialize, Serialize};

use super::freeradius::FreeRadius;
use super::load::{self, Factor, Figures, Plan};
use super::otpost::Otpost;
use super::process::{Cpus, Program, bind, processors};
use super::texts::Inbox;
use super::{Bench, Outcome, SECRET, Scratch, median, say};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Subject {
    /// Ours: challenge, durable, with a text.
    Otpost,
    /// The same with all processors, the generator's included.
    OtpostAllCpus,
    /// FreeRADIUS: challenge, in memory, without a text.
    FreeRadiusChallenge,
    /// FreeRADIUS: password only.
    FreeRadiusPap,
}

const ALL: [Subject; 4] = [
    Subject::Otpost,
    Subject::FreeRadiusChallenge,
    Subject::FreeRadiusPap,
    Subject::OtpostAllCpus,
];

/// Rounds of a subject at a window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) subject: Subject,
    pub(super) window: usize,
    pub(super) rounds: Vec<Round>,
}

/// A round: what the generator saw, and processor time per login in microseconds, by thread or process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Round {
    pub(super) figures: Figures,
    pub(super) cpu: Vec<(String, f64)>,
}

/// All rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Logins {
    pub(super) date: u64,
    pub(super) tokens: usize,
    pub(super) users: usize,
    pub(super) freeradius_users: usize,
    pub(super) seconds: f64,
    pub(super) processors: usize,
    pub(super) rows: Vec<Row>,
}

impl Row {
    /// Median over the rounds.
    pub(super) fn median(&self, value: impl Fn(&Figures) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| value(&round.figures)))
    }

    /// Median processor time per login of what is called `name`; of everything where that is empty.
    pub(super) fn cpu(&self, name: &str) -> f64 {
        median(self.rounds.iter().map(|round| {
            let own = |(known, _): &&(String, f64)| name.is_empty() || known == name;
            round.cpu.iter().filter(own).map(|(_, time)| time).sum()
        }))
    }
}

struct Place {
    all: CpuSet,
    /// Whether servers and generator have processors of their own.
    apart: bool,
    secret: SharedSecret,
    seconds: f64,
    users: usize,
}

pub(super) fn measure(bench: &Bench) -> Outcome<Logins> {
    let all = processors()?;
    let count = (0..CpuSet::count())
        .filter(|n| all.is_set(*n).unwrap_or(false))
        .count();
    let place = Place {
        all,
        apart: count > 1,
        secret: SharedSecret::new(SECRET.as_bytes())?,
        seconds: bench.seconds,
        users: bench.users,
    };
    let scratch = Scratch::new();
    let mut otpost = Otpost::install(&scratch.path().join("otpost"), &bench.programs, &all)?;
    say(&format!("importing {} users", bench.tokens));
    let took = otpost.import(bench.tokens)?;
    say(&format!("  took {took:.1} s"));
    let mut freeradius = FreeRadius::install(&scratch.path().join("freeradius"), bench.users)?;
    let mut rows: Vec<Row> = Vec::new();
    for &window in &bench.windows {
        for subject in ALL {
            rows.push(Row {
                subject,
                window,
                rounds: Vec::new(),
            });
        }
    }
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    for number in 0..bench.rounds {
        for row in &mut rows {
            let name = format!("{:?}", row.subject);
            if !only.is_empty() && name != only {
                continue;
            }
            // The first round makes up for it: tokens are verified by their first login.
            let usual = Duration::from_secs(if number == 0 { 3 } else { 1 });
            let warm_up = bench.warm_up.unwrap_or(usual);
            let round = round(row, &place, warm_up, (&mut otpost, &mut freeradius))?;
            let figures = &round.figures;
            say(&format!(
                "{name:<20} {:>4} at once: {:>7.0}/s  p50 {:>7.0}  p99 {:>7.0} us  legs {:?}  lost {} forged {} refused {} again {}",
                row.window,
                figures.per_second,
                figures.p50,
                figures.p99,
                figures.legs,
                figures.lost,
                figures.forged,
                figures.refused,
                figures.sent_again
            ));
            if std::env::var_os("BENCH_CPU").is_some() {
                for (name, time) in &round.cpu {
                    say(&format!("    {name:<32} {time:>7.1} us a login"));
                }
            }
            if figures.forged + figures.refused + figures.lost > 0 || figures.logins == 0 {
                say("  this round is not clean; it counts all the same and is named in the report");
            }
            row.rounds.push(round);
        }
    }
    rows.retain(|row| !row.rounds.is_empty());
    otpost.stop()?;
    freeradius.stop()?;
    Ok(Logins {
        date: super::sys::date().as_secs(),
        tokens: bench.tokens,
        users: bench.users,
        freeradius_users: freeradius.users(),
        seconds: bench.seconds,
        processors: count,
        rows,
    })
}

fn round(
    row: &Row,
    place: &Place,
    warm_up: Duration,
    (otpost, freeradius): (&mut Otpost, &mut FreeRadius),
) -> Outcome<Round> {
    let cpus = match row.subject {
        Subject::OtpostAllCpus => Cpus::All,
        _ if place.apart => Cpus::Server,
        _ => Cpus::All,
    };
    let ours = matches!(row.subject, Subject::Otpost | Subject::OtpostAllCpus);
    let mut inbox = None;
    let server: SocketAddr = if ours {
        let address = otpost.start(cpus, &place.all)?;
        inbox = Some(Inbox::open(&otpost.inbox())?);
        address
    } else {
        let ports = freeradius.start(cpus, &place.all)?;
        if row.subject == Subject::FreeRadiusPap {
            ports.pap
        } else {
            ports.challenge
        }
    };
    let factor = match (&mut inbox, row.subject) {
        (Some(inbox), _) => Factor::Text(inbox),
        (None, Subject::FreeRadiusPap) => Factor::None,
        (None, _) => Factor::Message,
    };
    let plan = Plan {
        server,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secret: &place.secret,
        users: place.users,
        window: row.window,
        spin: cpus == Cpus::Server,
        warm_up,
        time: Duration::from_secs_f64(place.seconds),
    };
    let programs: Vec<&Program> = if ours {
        otpost.daemon.iter().chain(&otpost.radius).collect()
    } else {
        freeradius.program.iter().collect()
    };
    bind(
        if cpus == Cpus::Server {
            Cpus::Load
        } else {
            Cpus::All
        },
        &place.all,
    )?;
    let mut marks = Vec::new();
    let figures = load::run(&plan, factor, || {
        marks.push(programs.iter().map(|program| program.cpu()).collect::<Vec<_>>());
    });
    bind(Cpus::All, &place.all)?;
    let figures = figures?;
    let [before, after] = marks.as_slice() else {
        return Err("the measured time has a beginning and an end".into());
    };
    let mut cpu = Vec::new();
    for ((program, before), after) in programs.iter().zip(before).zip(after) {
        for (thread, after) in after {
            let known = before
                .iter()
                .find(|(name, _)| name == thread)
                .map_or(0, |(_, time)| *time);
            let used = Duration::from_nanos(after.saturating_sub(known));
            let logins = f64::from(u32::try_from(figures.logins.max(1))?);
            cpu.push((
                format!("{}: {thread}", program.name()),
                used.as_secs_f64() * 1e6 / logins,
            ));
        }
    }
    Ok(Round { figures, cpu })
}
