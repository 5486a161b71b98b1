//! Text for people: cleaned, dated, measured.

use jiff::Timestamp;

/// `text` without characters that a terminal obeys: controls, and those that turn the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c })
        .collect()
}

/// [`clean`], line by line.
pub(crate) fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

const fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Milliseconds since 1970 as ISO 8601 in UTC, to the second.
pub(crate) fn time(millis: u64) -> String {
    i64::try_from(millis)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .map_or_else(
            || format!("{millis} ms"),
            |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        )
}

/// Seconds as the two largest units: `2d 3h`, `5m`, `0s`.
pub(crate) fn span(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let text = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect::<Vec<_>>()
        .join(" ");
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_replaced() {
        assert_eq!(
            clean("al\u{1b}[31mice\n\u{7f}\u{9b}x"),
            "al\u{fffd}[31mice\u{fffd}\u{fffd}\u{fffd}x"
        );
        assert_eq!(clean("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean("Zoë 🔒 中"), "Zoë 🔒 中");
        assert_eq!(clean_lines("a\n\tb"), "a\n\u{fffd}b");
    }

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(time(1_790_000_000_250), "2026-09-21T14:13:20Z");
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(u64::MAX), format!("{} ms", u64::MAX));
    }

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (300, "5m"),
            (3661, "1h 1m"),
            (86_400, "1d"),
            (90_061, "1d 1h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
