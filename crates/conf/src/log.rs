//! `[log]`: how much the process says.

use serde::{Deserialize, Deserializer, de};

use crate::diagnostic::HELP;

/// What a process writes to its log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LogConfig {
    /// A level, or a filter of `target=level` parts with commas between them, as `tracing_subscriber::EnvFilter`
    /// reads it. Codes, full numbers, passwords and keys appear at no level.
    #[serde(deserialize_with = "filter")]
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
        }
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A filter that is nearly right makes a log that is silently empty, so each part must end in a known level. That
/// is stricter than the filter's own parser, which takes any bare word for a target.
fn filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    for part in text.split(',') {
        let level = part
            .rsplit_once('=')
            .map_or(part, |(_, level)| level)
            .trim()
            .to_lowercase();
        if !LEVELS.contains(&level.as_str()) {
            return Err(de::Error::custom(format_args!(
                "{level:?} is not a log level{HELP}write one of {}, or parts such as \"info,otpost_sms=debug\"",
                LEVELS.join(", ")
            )));
        }
    }
    Ok(text)
}
