//! Durations as people write them: `"90s"`, `"5m"`, `"1h"`, `"2d"`.

use std::{fmt, str::FromStr, time};

use serde::{Deserialize, Deserializer, de};

use crate::diagnostic::HELP;

/// A span of time from a configuration file: a whole number and one unit (`ms`, `s`, `m`, `h`, `d`), as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(time::Duration);

/// The text is not a duration; says why and how one is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad duration {0:?}{HELP}{advice}", advice = advice(.0))]
pub struct BadDuration(String);

/// Unit, and its length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
/// Ten years: beyond it a typing mistake is likelier than a wish, and sums of deadlines cannot overflow.
const MAX_MILLIS: u64 = 3_650 * 86_400_000;

impl Duration {
    /// A duration of whole seconds, for defaults.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    /// The duration as the standard library has it.
    #[must_use]
    pub const fn get(self) -> time::Duration {
        self.0
    }

    /// Whether no time passes at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, BadDuration> {
        let bad = || BadDuration(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, unit) = text.split_at_checked(digits).ok_or_else(bad)?;
        let number: u64 = number.parse().map_err(|_| bad())?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        let total = number.checked_mul(*millis).filter(|total| *total <= MAX_MILLIS);
        Ok(Self(time::Duration::from_millis(total.ok_or_else(bad)?)))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let (name, length) = (UNITS.iter().rev())
            .find(|(_, length)| millis.is_multiple_of(u128::from(*length)) && millis != 0)
            .unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", millis / u128::from(*length))
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"5m\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Duration, E> {
        Err(E::custom(format_args!(
            "a duration needs a unit{HELP}write it as text, for seconds: \"{number}s\""
        )))
    }
}

fn advice(text: &str) -> String {
    let number: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    let rest = text
        .trim()
        .get(number.len()..)
        .unwrap_or("")
        .trim()
        .to_lowercase();
    let unit = match rest.as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "ms" | "millis" | "milliseconds" => "ms",
        _ => "",
    };
    let suggestion = format!("{number}{unit}");
    if !unit.is_empty() && suggestion.parse::<Duration>().is_ok() {
        return format!("write \"{suggestion}\"");
    }
    "a whole number and one unit out of ms, s, m, h, d, at most ten years: \"90s\", \"5m\", \"1h\", \"2d\""
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("1h", 3_600),
            ("2d", 172_800),
            ("0s", 0),
            ("1000ms", 1),
        ] {
            assert_eq!(
                text.parse::<Duration>(),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "5",
            "m",
            "-5m",
            "5 m",
            "5M",
            "1.5h",
            "1h30m",
            "5mm",
            "٥m",
            "99999999999999999999s",
            "4000d",
        ] {
            assert_eq!(
                text.parse::<Duration>(),
                Err(BadDuration(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn display_reads_back() {
        for text in ["90s", "5m", "1h", "2d", "0s", "250ms"] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.to_string(), text);
        }
    }

    #[test]
    fn advice_guesses_what_was_meant() {
        assert_eq!(advice("5 minutes"), "write \"5m\"");
        assert_eq!(advice("10 sec"), "write \"10s\"");
        assert!(advice("soon").starts_with("a whole number and one unit"));
    }
}
