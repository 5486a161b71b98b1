//! Resident memory with many tokens: fresh, after logins, after one password, after a rest.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use otpost_radius_wire::SharedSecret;
use serde::{Deserialize, Serialize};

use super::load::{self, Factor, Plan};
use super::otpost::Otpost;
use super::process::{Cpus, Memory, processors};
use super::texts::Inbox;
use super::{Bench, Outcome, SECRET, Scratch, say, sys};

/// Memory of one process at one time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) process: String,
    pub(super) when: String,
    pub(super) memory: Memory,
}

/// All looks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Memories {
    pub(super) date: u64,
    pub(super) tokens: usize,
    pub(super) database: u64,
    pub(super) rest: u64,
    pub(super) looks: Vec<Look>,
}

pub(super) fn measure(bench: &Bench) -> Outcome<Memories> {
    let all = processors()?;
    let scratch = Scratch::new();
    let dir = scratch.path().join("otpost");
    let mut otpost = Otpost::install(&dir, &bench.programs, &all)?;
    say(&format!("importing {} users", bench.tokens));
    otpost.import(bench.tokens)?;
    let address = otpost.start(Cpus::All, &all)?;
    let mut looks = Vec::new();
    look(&otpost, "just started", &mut looks)?;
    let mut plan = Plan {
        server: address,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secret: &SharedSecret::new(SECRET.as_bytes())?,
        users: bench.tokens,
        window: 64.min(bench.tokens),
        spin: false,
        warm_up: Duration::ZERO,
        time: bench.work,
    };
    let mut inbox = Inbox::open(&otpost.inbox())?;
    let figures = load::run(&plan, Factor::Text(&mut inbox), || ())?;
    look(&otpost, &format!("after {} logins", figures.logins), &mut looks)?;
    // A second client has its passwords checked by otpostd: a fresh start, so that nothing else counts.
    plan.server = otpost.start(Cpus::All, &all)?;
    otpost.give_password()?;
    look(&otpost, "started anew, one password hashed", &mut looks)?;
    plan.from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    (plan.users, plan.window, plan.time) = (1, 1, Duration::from_millis(500));
    load::run(&plan, Factor::Text(&mut inbox), || ())?;
    look(&otpost, "after passwords were checked", &mut looks)?;
    say(&format!("resting for {} s", bench.rest.as_secs()));
    sys::rest(bench.rest);
    look(
        &otpost,
        &format!("after {} s of rest", bench.rest.as_secs()),
        &mut looks,
    )?;
    otpost.stop()?;
    Ok(Memories {
        date: sys::date().as_secs(),
        tokens: bench.tokens,
        database: std::fs::metadata(dir.join("data/otpost.db"))?.len(),
        rest: bench.rest.as_secs(),
        looks,
    })
}

fn look(otpost: &Otpost, when: &str, looks: &mut Vec<Look>) -> Outcome<()> {
    for program in otpost.daemon.iter().chain(&otpost.radius) {
        let memory = program.memory()?;
        say(&format!(
            "{:<14} {when:<36} {:>7} KiB resident, {:>7} of its own",
            program.name(),
            memory.resident,
            memory.anonymous
        ));
        looks.push(Look {
            process: program.name().to_owned(),
            when: when.to_owned(),
            memory,
        });
    }
    Ok(())
}
