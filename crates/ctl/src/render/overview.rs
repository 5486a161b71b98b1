//! Figures of the last hours as a small chart of text.

use std::io::{self, Write};

use otpost_ipc::admin::{DayCounts, OverviewView};

use super::{dash, fields, table};
use crate::text::{clean, time};

/// Cells of the longest bar.
const WIDTH: u64 = 40;

pub(super) fn overview(out: &mut dyn Write, view: &OverviewView) -> io::Result<()> {
    chart(out, view)?;
    writeln!(out)?;
    let series = &view.series;
    let sum = |of: fn(&DayCounts) -> u64| series.iter().map(of).fold(0, u64::saturating_add);
    fields(
        out,
        &[
            ("Logins let in", sum(|counts| counts.allowed).to_string()),
            ("Wrong codes", sum(|counts| counts.wrong_code).to_string()),
            ("Denied otherwise", sum(|counts| counts.denied).to_string()),
            ("Why denied", pairs(&view.reasons)),
            ("Texts", pairs(&view.texts)),
            (
                "Locked users",
                match (view.locked_count, view.locked.as_slice()) {
                    (0, _) => "none".to_owned(),
                    (count, []) => count.to_string(),
                    (count, logins) => format!("{count} ({})", some(count, logins)),
                },
            ),
        ],
    )?;
    if !view.providers.is_empty() {
        writeln!(out)?;
        let rows = view.providers.iter().map(|provider| {
            [
                provider.provider.clone(),
                provider.accepted.to_string(),
                provider.failed.to_string(),
                format!("{} ms", provider.p50),
                format!("{} ms", provider.p95),
            ]
        });
        let heads = ["PROVIDER", "TOOK", "DID NOT", "HALF WITHIN", "95 OF 100 WITHIN"];
        table(out, heads, rows, "")?;
    }
    for warning in &view.status.warnings {
        writeln!(out, "\nwarning: {}", clean(warning))?;
    }
    Ok(())
}

/// A line for each hour or day.
fn chart(out: &mut dyn Write, view: &OverviewView) -> io::Result<()> {
    let most = view.series.iter().map(logins).max().unwrap_or(0);
    if most == 0 {
        return writeln!(out, "No logins in this time.");
    }
    writeln!(out, "Logins: # let in, x wrong code, - denied otherwise\n")?;
    let daily = view.step >= 86_400_000;
    let rows = view.series.iter().map(|counts| {
        let start = time(counts.start);
        // A day has a date, an hour a date and a time, both in UTC.
        let (date, rest) = start.split_at_checked(10).unwrap_or((&start, ""));
        let shown = if daily {
            date.to_owned()
        } else {
            let hour = rest.get(1..6).unwrap_or_default();
            format!("{date} {hour}")
        };
        [
            shown,
            counts.allowed.to_string(),
            counts.wrong_code.to_string(),
            counts.denied.to_string(),
            bar(counts, most),
        ]
    });
    let heads = ["FROM (UTC)", "IN", "WRONG", "DENIED", ""];
    table(out, heads, rows, "")
}

fn logins(counts: &DayCounts) -> u64 {
    counts
        .allowed
        .saturating_add(counts.wrong_code)
        .saturating_add(counts.denied)
}

/// Parts in proportion to `most`; what there is at all has a cell.
fn bar(counts: &DayCounts, most: u64) -> String {
    [
        (counts.allowed, "#"),
        (counts.wrong_code, "x"),
        (counts.denied, "-"),
    ]
    .iter()
    .map(|(count, cell)| {
        let cells = u128::from(*count)
            .saturating_mul(WIDTH.into())
            .div_ceil(u128::from(most).max(1));
        cell.repeat(usize::try_from(cells).unwrap_or(0))
    })
    .collect()
}

fn pairs(pairs: &[(String, u64)]) -> String {
    let words: Vec<String> = pairs
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    dash(&words.join(", "))
}

fn some(count: u64, logins: &[String]) -> String {
    let more = if u64::try_from(logins.len()).is_ok_and(|shown| shown < count) {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", logins.join(", "))
}
