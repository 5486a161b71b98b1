//! Times in a sentence: in UTC for everybody, and as the browser's clock has it where scripts run.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;

use crate::i18n::Texts;

/// Where in a sentence the time stands. Nobody types it.
const PLACE: &str = "\u{1}";

/// A sentence with a time in it, as HTML: `Last used <time datetime="...">24 November 2026, 08:41 UTC</time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    before: String,
    after: String,
    exact: String,
    shown: String,
    /// `time` or `day`: what app.js shows of it.
    precision: &'static str,
}

impl Moment {
    /// The text called `key`, whose `{ $when }` is `milliseconds` since 1970; with `key` empty the time alone. `day`: without the
    /// hour.
    #[must_use]
    pub fn new(texts: Texts, key: &str, milliseconds: u64, day: bool) -> Self {
        let sentence = match key {
            "" => PLACE.to_owned(),
            key => texts.get(key).arg("when", PLACE).to_string(),
        };
        let (before, after) = sentence.split_once(PLACE).unwrap_or((&sentence, ""));
        let at = i64::try_from(milliseconds).ok();
        let at = at
            .and_then(|at| Timestamp::from_millisecond(at).ok())
            .unwrap_or(Timestamp::MAX);
        let utc = |format| at.strftime(format).to_string();
        let shown = texts
            .get(if day { "moment-day" } else { "moment-time" })
            .arg("day", utc("%-d"))
            .arg("month", utc("%m").parse::<i32>().unwrap_or_default())
            .arg("year", utc("%Y"))
            .arg("time", utc("%H:%M"));
        Self {
            before: before.to_owned(),
            after: after.to_owned(),
            exact: utc("%Y-%m-%dT%H:%M:%SZ"),
            shown: shown.to_string(),
            precision: if day { "day" } else { "time" },
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"{}<time datetime="{}" data-when="{}">{}</time>{}"#,
            escaped(&self.before),
            self.exact,
            self.precision,
            escaped(&self.shown),
            escaped(&self.after)
        )
    }
}

impl HtmlSafe for Moment {}
