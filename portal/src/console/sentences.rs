//! The daemon's sentences in the page's language.
//!
//! The daemon explains itself in English, for otpostctl, its log and the REST API. Here each of its sentences has a text that says
//! the same to whoever reads the console, and names a page where the sentence names a command. A test reads the daemon's source and
//! fails for a sentence without one.

mod table;
#[cfg(test)]
mod tests;

use crate::i18n::{Text, Texts};
use table::SENTENCES;

/// Fields that a sentence may name in front of itself, as in `phone: write the number with +`.
const FIELDS: [&str; 15] = [
    "login",
    "email",
    "phone",
    "first-name",
    "last-name",
    "resource",
    "token",
    "name",
    "digits",
    "kind",
    "auth",
    "body",
    "url",
    "headers",
    "secrets",
];

/// What stands in the places of `pattern`, where `said` is such a sentence. A place is `$` and a name.
fn places<'s>(pattern: &'static str, said: &'s str) -> Option<Vec<(&'static str, &'s str)>> {
    let mut parts = pattern.split('$');
    let mut rest = said.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = part.find(|c: char| !c.is_ascii_lowercase());
        let (name, behind) = part.split_at(end.unwrap_or(part.len()));
        let value = if parts.peek().is_none() {
            // The last words are the sentence's last words.
            let value = rest.strip_suffix(behind)?;
            rest = "";
            value
        } else {
            let (value, later) = rest.split_once(behind)?;
            rest = later;
            value
        };
        found.push((name, value));
    }
    rest.is_empty().then_some(found)
}

/// A sentence of the daemon in the language of `texts`; `None` where it is none that is known.
pub(super) fn said(texts: Texts, sentence: &str) -> Option<Text> {
    SENTENCES.iter().find_map(|(pattern, key)| {
        let places = places(pattern, sentence)?;
        let put = |text: Text, (name, value)| match name {
            // A sentence within.
            "why" => text.arg(name, remark(texts, value)),
            _ => text.arg(name, value),
        };
        Some(places.into_iter().fold(texts.get(key), put))
    })
}

/// The same, also behind the name of a field; what is not known is quoted.
pub(super) fn refused(texts: Texts, sentence: &str) -> Text {
    if let Some(text) = said(texts, sentence) {
        return text;
    }
    let named = (sentence.split_once(": ")).filter(|(field, _)| FIELDS.contains(field));
    named
        .and_then(|(_, rest)| said(texts, rest))
        // What helps stands on a line of its own there.
        .unwrap_or_else(|| {
            texts
                .get("c-not-taken")
                .arg("why", sentence.replace("\n  = help: ", "; "))
        })
}

/// Sentences with semicolons between them, each in the language of `texts` where it is known; names of fields stay in front.
pub(super) fn remark(texts: Texts, remark: &str) -> String {
    if let Some(text) = said(texts, remark) {
        return text.to_string();
    }
    let one = |sentence: &str| {
        if let Some(text) = said(texts, sentence) {
            return text.to_string();
        }
        match sentence.split_once(": ") {
            Some((field, rest)) if FIELDS.contains(&field) => {
                let rest = said(texts, rest).map_or_else(|| rest.to_owned(), String::from);
                format!("{field}: {rest}")
            }
            _ => sentence.to_owned(),
        }
    };
    let whole = one(remark);
    if whole != remark {
        return whole;
    }
    let all: Vec<String> = remark.split("; ").map(one).collect();
    all.join("; ")
}
