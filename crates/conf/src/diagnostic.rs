//! A mistake in a file, shown as compilers show it: place, line, caret and what would mend it.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

/// Where a configuration file is wrong, why, and what would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line itself, without its end.
    pub source: String,
    /// How many characters of it are wrong; at least 1.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: Option<String>,
}

/// Separates what is wrong from what would mend it, in errors made by this crate's own `Deserialize` code.
pub(crate) const HELP: &str = "\nhelp: ";

impl Diagnostic {
    /// Builds one from what the TOML reader says of `text`.
    pub(crate) fn new(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let (line, column, source) = locate(text, span.start);
        let width = width(text, &span, source, column);
        let (message, help) = explain(error.message());
        Self {
            path: path.to_path_buf(),
            line,
            column,
            source: source.to_owned(),
            width,
            message,
            help,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = " ".repeat(self.line.to_string().len());
        // Tabs are kept before the caret, so that it stands under the right character in any terminal.
        let pad: String = (self.source.chars().take(self.column - 1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let shown: String = (self.source.chars())
            .map(|c| {
                if c.is_control() && c != '\t' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        writeln!(
            f,
            "{}:{}:{}: {}",
            self.path.display(),
            self.line,
            self.column,
            self.message
        )?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{} | {shown}", self.line)?;
        write!(f, "{gutter} | {pad}{}", "^".repeat(self.width))?;
        if let Some(help) = &self.help {
            write!(f, "\n{gutter} = help: {help}")?;
        }
        Ok(())
    }
}

/// Line and column (from 1) of a byte, and the line's text.
fn locate(text: &str, byte: usize) -> (usize, usize, &str) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).map_or(0, |part| part.chars().count()) + 1;
    let source = text
        .get(start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or("");
    (line, column, source)
}

/// Characters of the span, cut at the end of its line.
fn width(text: &str, span: &Range<usize>, source: &str, column: usize) -> usize {
    let marked = text.get(span.clone()).map_or(0, |part| part.chars().count());
    let left = source.chars().count().saturating_sub(column - 1);
    marked.min(left).max(1)
}

/// Splits a reader's message into what is wrong and what would mend it.
fn explain(message: &str) -> (String, Option<String>) {
    if let Some((what, help)) = message.split_once(HELP) {
        return (what.to_owned(), Some(help.to_owned()));
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown("key", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return unknown("value", rest);
    }
    if let Some((found, expected)) =
        (message.strip_prefix("invalid type: ")).and_then(|m| m.split_once(", expected "))
    {
        return (
            format!("wrong type: {found}, expected {expected}"),
            type_help(expected),
        );
    }
    if let Some((found, expected)) =
        (message.strip_prefix("invalid value: ")).and_then(|m| m.split_once(", expected "))
    {
        return (
            format!("value out of range: {found}, expected {expected}"),
            type_help(expected),
        );
    }
    if message.contains("socket address") {
        let help = "write address and port as numbers: \"192.0.2.1:1812\" or \"[2001:db8::1]:1812\"";
        return (message.to_owned(), Some(help.to_owned()));
    }
    if message.contains("duplicate key") {
        return (message.to_owned(), Some("keep one of the two".to_owned()));
    }
    (message.to_owned(), None)
}

fn unknown(what: &str, rest: &str) -> (String, Option<String>) {
    let mut names = rest.split('`').skip(1).step_by(2);
    let given = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    let list = known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let help = match nearest(given, &known) {
        _ if known.is_empty() => format!("no {what} is known here: remove it"),
        Some(name) if known.len() > 1 => format!("did you mean `{name}`? known here: {list}"),
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known here: {list}"),
    };
    (format!("unknown {what} `{given}`"), Some(help))
}

fn type_help(expected: &str) -> Option<String> {
    let help =
        if expected.contains("string") || expected.contains("path") || expected.contains("socket address") {
            "write a text in quotes: \"...\""
        } else if expected.contains("sequence") {
            "write a list of texts in quotes: [\"...\", \"...\"]"
        } else if expected.contains("bool") {
            "write true or false, without quotes"
        } else if expected.starts_with("struct ") || expected.contains("map") {
            "this is a section: write it as [name] on a line of its own, with its keys below"
        } else if ["u8", "u16", "u32", "u64", "usize", "nonzero", "integer"]
            .iter()
            .any(|t| expected.contains(t))
        {
            "write a whole number that is not negative, without quotes"
        } else {
            return None;
        };
    Some(help.to_owned())
}

/// The known name that `given` is most likely a slip of, if one is near enough.
pub(crate) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_lowercase().replace('_', "-");
    let limit = (given.chars().count() / 3).max(1);
    (known.iter())
        .map(|name| (distance(&given, name), *name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (to, pair) in b.iter().zip(row.windows(2)) {
            let (Some(&[diagonal, above]), Some(&left)) = (pair.first_chunk(), next.last()) else {
                break;
            };
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("level", "levle"), 2);
        assert_eq!(distance("mastr", "master"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn nearest_forgives_a_slip_and_an_underscore_but_not_another_word() {
        assert_eq!(
            nearest("master_key_file", &["master-key-file", "master-key-credential"]),
            Some("master-key-file")
        );
        assert_eq!(nearest("pol", &["workers", "poll"]), Some("poll"));
        assert_eq!(nearest("colour", &["workers", "poll"]), None);
    }

    #[test]
    fn a_byte_is_located_by_line_and_character() {
        let text = "a = 1\nä = 2\n";
        assert_eq!(locate(text, 0), (1, 1, "a = 1"));
        assert_eq!(locate(text, 9), (2, 3, "ä = 2"));
        assert_eq!(locate(text, text.len()), (3, 1, ""));
    }
}
