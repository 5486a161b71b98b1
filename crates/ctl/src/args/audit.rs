use clap::{Args, Subcommand};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Show the newest rows.
    Tail {
        /// Show this many rows.
        #[arg(short = 'n', long, value_name = "ROWS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        lines: u32,
        /// Keep showing new rows until interrupted.
        #[arg(short, long)]
        follow: bool,
    },
    /// Show the rows that match, newest first; rows must match every filter.
    Find(Box<AuditQuery>),
    /// Check the hash chain from the first row; a break is exit status 1.
    Verify,
}

/// Which rows, and how many.
#[derive(Debug, Args)]
pub struct AuditQuery {
    /// Show at most this many rows.
    #[arg(short = 'n', long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: u32,
    /// Only rows of this user.
    #[arg(long, value_name = "LOGIN", default_value = "", hide_default_value = true)]
    pub user: String,
    /// Only rows of this resource.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub resource: String,
    /// Only rows whose kind begins so, such as `login.` or `login.deny`.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub kind: String,
    /// Only rows with this reason.
    #[arg(long, value_name = "WORD", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// Only rows with this reference, as people read it from a message.
    #[arg(
        long = "ref",
        id = "ref",
        value_name = "REF",
        default_value = "",
        hide_default_value = true
    )]
    pub reference: String,
    /// Only rows from this source.
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    pub source: String,
    /// Only rows since this time: `2026-09-21`, `2026-09-21T14:00:00Z` (UTC), or `24h` for that long ago.
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub from: Option<When>,
    /// Only rows before this time, written alike.
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub until: Option<When>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Milliseconds since 1970.
    At(u64),
    /// Milliseconds before now.
    Ago(u64),
}

fn when(text: &str) -> Result<When, String> {
    if let Ok(span) = text.parse::<otpost_conf::Duration>() {
        return u64::try_from(span.get().as_millis())
            .map(When::Ago)
            .map_err(|error| error.to_string());
    }
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let date: Date = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
    });
    at.and_then(|at| u64::try_from(at.as_millisecond()).ok())
        .map(When::At)
        .ok_or_else(|| {
            "write 2026-09-21, 2026-09-21T14:00:00Z, or how long ago, such as 90m or 7d".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_moment_or_a_while_ago() {
        assert_eq!(when("2026-09-21"), Ok(When::At(1_789_948_800_000)));
        assert_eq!(when("2026-09-21T14:13:20Z"), Ok(When::At(1_790_000_000_000)));
        assert_eq!(when("2026-09-21T16:13:20+02:00"), Ok(When::At(1_790_000_000_000)));
        assert_eq!(when("24h"), Ok(When::Ago(86_400_000)));
        for wrong in ["", "yesterday", "2026-13-01", "24", "1960-01-01"] {
            assert!(when(wrong).unwrap_err().contains("7d"), "{wrong}");
        }
    }
}
