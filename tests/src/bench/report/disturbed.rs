//! The section about logins beside others that hang.

use std::fmt::Write as _;

use super::ms;
use crate::bench::Outcome;
use crate::bench::disturbed::{Beside, Disturbed, Row};

const HEAD: &str = "## Logins beside others that hang

Logins as above, but their texts leave through a gateway over HTTP, and servers, generator and gateway share all processors. Beside them,
others log in again and again: people whose texts take the same gateway ten seconds, or people at another VPN whose passwords are
for a directory that takes connections and never answers. Rounds without and with them take turns; *from to* is the smallest and
the largest p99 of a round. A p99 is unchanged within noise where its median is not above the largest p99 of a round without
disturbance.

";

/// Writes the section.
pub(super) fn write(page: &mut String, all: &Disturbed) -> Outcome<()> {
    page.push_str(HEAD);
    let rounds = all
        .rows
        .iter()
        .map(|row| row.rounds.len())
        .max()
        .unwrap_or_default();
    writeln!(
        page,
        "{} users log in by turns, {} at once; {rounds} rounds of {} s of each row in turns; {} people disturb.\n",
        all.users, all.window, all.seconds, all.people
    )?;
    writeln!(
        page,
        "| beside | hung at least | logins/s | p50 ms | p99 ms | p99 from to ms | longest ms | p99 unchanged within noise |"
    )?;
    writeln!(page, "|---|---:|---:|---:|---:|---|---:|---|")?;
    let calm = all.rows.iter().find(|row| row.beside == Beside::Nothing);
    let noise = calm.map_or(0.0, |row| range(row)[1]);
    for row in &all.rows {
        let p99 = row.median(|f| f.p99);
        let [from, to] = range(row);
        let hung = row
            .rounds
            .iter()
            .flat_map(|round| round.hung)
            .min()
            .unwrap_or_default();
        let (beside, verdict) = match (row.beside, p99 <= noise) {
            (Beside::Nothing, _) => ("nothing", "-"),
            (Beside::SlowTexts, true) => ("texts that take 10 s", "yes"),
            (Beside::SlowTexts, false) => ("texts that take 10 s", "**no**"),
            (Beside::HungDirectory, true) => ("a directory that hangs", "yes"),
            (Beside::HungDirectory, false) => ("a directory that hangs", "**no**"),
        };
        writeln!(
            page,
            "| {beside} | {hung} | {:.0} | {} | {} | {} {} | {} | {verdict} |",
            row.median(|f| f.per_second),
            ms(row.median(|f| f.p50)),
            ms(p99),
            ms(from),
            ms(to),
            ms(row.median(|f| f.max)),
        )?;
    }
    let sum = |value: &dyn Fn(&crate::bench::load::Figures) -> u64| -> u64 {
        let rounds = all.rows.iter().flat_map(|row| &row.rounds);
        rounds.map(|round| value(&round.figures)).sum()
    };
    writeln!(
        page,
        "\nIn all rounds together: {} logins without an end, {} requests sent again, {} replies with a wrong authenticator, {} \
         refusals.\n",
        sum(&|f| f.lost),
        sum(&|f| f.sent_again),
        sum(&|f| f.forged),
        sum(&|f| f.refused)
    )?;
    Ok(())
}

/// Smallest and largest p99 of the rounds.
fn range(row: &Row) -> [f64; 2] {
    let all = || row.rounds.iter().map(|round| round.figures.p99);
    [all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max)]
}
