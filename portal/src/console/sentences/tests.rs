use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::i18n::Lang;

/// Where sentences are written that reach the console: file or folder, and behind what they stand there; empty: anywhere.
const SPOKEN: [(&str, &[&str]); 28] = [
    ("daemon/src/admin.rs", REFUSALS),
    ("daemon/src/admin", REFUSALS),
    ("daemon/src/admin/status.rs", &[".push("]),
    ("daemon/src/admin/explain.rs", &["match reason {"]),
    ("daemon/src/admin/view.rs", &["Some(format!(", "Some(\""]),
    (
        "daemon/src/admin/import/carry.rs",
        &["import.enter(", "=> format!("],
    ),
    ("daemon/src/console/setup.rs", REFUSALS),
    ("daemon/src/passwords.rs", ERRORS),
    ("daemon/src/portal/error.rs", ERRORS),
    (
        "crates/core/src/portal/enrolment/begin.rs",
        &["Refused::field(", "bad("],
    ),
    ("crates/core/src/name.rs", ERRORS),
    ("crates/core/src/phone.rs", ERRORS),
    ("crates/core/src/user.rs", ERRORS),
    ("crates/core/src/client.rs", ERRORS),
    ("crates/core/src/access.rs", ERRORS),
    ("crates/core/src/net.rs", ERRORS),
    ("crates/core/src/token.rs", ERRORS),
    ("crates/core/src/code.rs", ERRORS),
    ("crates/core/src/resource.rs", ERRORS),
    ("crates/core/src/mail", ERRORS),
    ("crates/core/src/import.rs", ERRORS),
    ("crates/core/src/import", ERRORS),
    (
        "crates/core/src/import/decide.rs",
        &["said.push(", "said.insert(0, ", "=> format!("],
    ),
    ("crates/core/src/portal/settings.rs", ERRORS),
    ("crates/core/src/portal/site.rs", ERRORS),
    ("crates/core/src/portal/administrator.rs", ERRORS),
    ("crates/core/src/portal/permission.rs", ERRORS),
    ("crates/store/src/error.rs", ERRORS),
];

const REFUSALS: &[&str] = &[
    "AdminError::Invalid(",
    "AdminError::Conflict(",
    "AdminError::NotFound(",
    "AdminError::Refused(",
];

const ERRORS: &[&str] = &["#[error("];

/// Settings of gateways and of sources: what is not in the table is quoted, as it names keys and values of the file.
const QUOTED: [(&str, &[&str]); 2] = [
    ("crates/sms/src/error.rs", ERRORS),
    ("crates/core/src/source/error.rs", ERRORS),
];

/// Sentences that no page of the console shows: asked by otpostctl or the API alone, or by nobody who uses the pages.
const UNSHOWN: [&str; 35] = [
    // The pages offer what can be chosen.
    "state is locked, bypassed, no-token or no-way-in",
    "channel is pam or radius, not `x`",
    "only is add, change, same or bad",
    "hours is 1 to 720",
    "`after` is no id of a text",
    "first-factor is local or stack, not `x`",
    "x is deny or allow, not `x`",
    "a provider is of kind file or http, not `x`",
    "x is x, not `x`",
    // The pages send what fits.
    "look for at most x characters",
    "`after` is no place in this list; take it from the page before, or leave it out to begin anew",
    "a part of a file has at most 32 KiB",
    "lines are bad",
    "this is no new RADIUS client",
    "this is no change of a RADIUS client",
    "this gives no enrolment",
    "choose text message or authenticator app",
    // Two halves of one sentence, which is in the table.
    "`x` is not known here",
    "x: x; write x, or all",
    // Other pages, with words of their own.
    "this link does not work any more; ask for a new one: otpostctl admin setup-link, or an owner",
    "there is an administrator already; for a new link of one: otpostctl admin reset LOGIN",
    "the session has ended",
    "the sign-in is not finished",
    "there is nothing here",
    "this is not allowed here; ask your administrator",
    // Faults, which have a page of their own.
    "the store cannot be used; see otpostd's log",
    "the store cannot be used: x",
    "the store is stopping",
    "a stored row is damaged: x",
    "the database has schema x, this otpost knows up to x; install the newer otpost again",
    "the master key does not belong to this database (it was made with key x, the key given is x); give otpost the right key \
     file, or restore both from one backup",
    "another otpostd uses x; stop it first",
    "a stored password hash cannot be read",
    "the password costs in the configuration are out of range: x",
    "the password pool has stopped",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut all: Vec<PathBuf> = entries
        .flat_map(|entry| sources(&entry.unwrap().path()))
        .collect();
    all.retain(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs"));
    all
}

/// What stands between the quotes that begin `text`, and the rest.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut words = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((words, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                '\n' => {
                    while letters.clone().next().is_some_and(|(_, c)| c.is_whitespace()) {
                        letters.next();
                    }
                }
                other => words.push(other),
            },
            other => words.push(other),
        }
    }
    None
}

/// The literals from `text` on, up to the end of what it begins in.
fn literals(mut text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0_i32;
    while let Some(letter) = text.chars().next() {
        if letter == '"' {
            let Some((words, rest)) = quoted(text) else { break };
            found.push(words);
            text = rest;
            continue;
        }
        match letter {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => break,
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        text = &text[letter.len_utf8()..];
    }
    found
}

/// A format string as it would be said, with `x` for each value.
fn sample(format: &str) -> String {
    let mut said = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' if letters.peek() == Some(&'{') => said.extend(letters.next()),
            '}' if letters.peek() == Some(&'}') => said.extend(letters.next()),
            '{' => {
                while letters.next().is_some_and(|letter| letter != '}') {}
                said.push('x');
            }
            other => said.push(other),
        }
    }
    said
}

fn sentences((place, openers): (&str, &[&str])) -> Vec<String> {
    let mut all = Vec::new();
    for path in sources(&root().join(place)) {
        let source = fs::read_to_string(&path).unwrap();
        let code = source
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for opener in openers {
            for (at, _) in code.match_indices(opener) {
                // An opener may end with the quotes themselves.
                let from = at + opener.trim_end_matches('"').len();
                all.extend(literals(&code[from..]).iter().map(|literal| sample(literal)));
            }
        }
    }
    // Keys and words are no sentences, nor is what is made of values alone.
    all.retain(|said| said.contains(' ') && said.split(' ').any(|word| word.len() > 2 && word != "x:"));
    all
}

fn known(said: &str) -> bool {
    let texts = Texts::new(Lang::De);
    let rest = said.split_once(": ").map_or("", |(_, rest)| rest);
    super::said(texts, said).is_some() || rest == "x" || super::said(texts, rest).is_some()
}

#[test]
fn every_sentence_that_the_console_shows_has_a_text() {
    let said: BTreeSet<String> = SPOKEN.into_iter().flat_map(sentences).collect();
    assert!(said.len() > 130, "{} sentences", said.len());
    let missing: Vec<&String> = said
        .iter()
        .filter(|said| !known(said) && !UNSHOWN.contains(&said.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "add these to src/console/sentences/table.rs, with a text in each language: {missing:#?}"
    );
}

#[test]
fn every_row_of_the_table_is_said_by_somebody() {
    let said: Vec<String> = SPOKEN.into_iter().chain(QUOTED).flat_map(sentences).collect();
    let rest = |said: &str| said.split_once(": ").map(|(_, rest)| rest.to_owned());
    let all: BTreeSet<String> = said
        .iter()
        .cloned()
        .chain(said.iter().filter_map(|said| rest(said)))
        .collect();
    let silent: Vec<&str> = SENTENCES
        .iter()
        .map(|(pattern, _)| *pattern)
        .filter(|pattern| !all.iter().any(|said| places(pattern, said).is_some()))
        // One of several that a sentence with a place stands for.
        .filter(|pattern| !all.iter().any(|said| stands_for(said, &example(pattern))))
        // Made of two halves.
        .filter(|pattern| !pattern.starts_with("$field: `$word`"))
        .collect();
    assert_eq!(silent, [""; 0], "nobody says that any more");
}

/// Whether `said`, with `x` for its values, could be `example`.
fn stands_for(said: &str, example: &str) -> bool {
    let mut rest = example;
    let mut parts = said.split('x').peekable();
    // Letters of words are no places.
    if said.split(|c: char| !c.is_alphanumeric()).all(|word| word != "x") {
        return said == example;
    }
    let Some(first) = parts.next() else { return false };
    let Some(behind) = rest.strip_prefix(first) else {
        return false;
    };
    rest = behind;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.is_empty()
}

/// A sentence with numbers in its places.
fn example(pattern: &str) -> String {
    let mut parts = pattern.split('$');
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        said.push('7');
        said.push_str(part.trim_start_matches(|c: char| c.is_ascii_lowercase()));
    }
    said
}

#[test]
fn each_is_said_in_the_language_of_the_page_and_nothing_is_left_out() {
    for (pattern, key) in SENTENCES {
        let sentence = example(pattern);
        let german = refused(Texts::new(Lang::De), &sentence).to_string();
        let english = refused(Texts::new(Lang::En), &sentence).to_string();
        assert_ne!(german, english, "{key}");
        for text in [&german, &english] {
            assert!(
                !text.contains('$') && !text.contains('{') && !text.contains(*key),
                "{key}: {text}"
            );
            assert!(!text.contains("otpostctl"), "{key} names a command: {text}");
        }
        let pseudo = refused(Texts::new(Lang::Pseudo), &sentence).to_string();
        let plain =
            |word: &&str| word.len() > 2 && word.is_ascii() && word.contains(['a', 'e', 'i', 'o', 'u']);
        let foreign: Vec<&str> = pseudo.split(|c: char| !c.is_alphabetic()).filter(plain).collect();
        assert_eq!(foreign, [""; 0], "{key}: {pseudo}");
    }
}

#[test]
fn values_stand_where_they_belong() {
    let texts = Texts::new(Lang::De);
    for (sentence, text) in [
        (
            "there is no user `al ice`",
            "Es gibt keinen Benutzer al ice. Prüfen Sie die Schreibweise.",
        ),
        (
            "user alice is not bound to Hafenwerk VPN; bind it first",
            "alice gehört nicht zu Hafenwerk VPN. Fügen Sie den Benutzer zuerst hinzu.",
        ),
        (
            "phone: texts to FR are not allowed; allow the country first: otpostctl sms countries --add FR",
            "SMS nach FR sind nicht erlaubt. Ein Administrator erlaubt das Land in den SMS-Einstellungen.",
        ),
        (
            "the e-mail address has no @",
            "Nicht übernommen. Der Dienst sagt auf Englisch: „the e-mail address has no @“",
        ),
    ] {
        assert_eq!(refused(texts, sentence).to_string(), text);
    }
    for (said, text) in [
        ("new user; bound to VPN", "neuer Benutzer; gehört zu VPN"),
        (
            "email: another user has it already; it must be unique",
            "email: Ein anderer Benutzer hat es schon.",
        ),
        (
            "by an administrator: lost; found",
            "von einem Administrator: lost; found",
        ),
        (
            "nothing was written: there is no user `bob`",
            "Nichts wurde geschrieben: Es gibt keinen Benutzer bob. Prüfen Sie die Schreibweise.",
        ),
        ("something else; new user", "something else; neuer Benutzer"),
    ] {
        assert_eq!(remark(texts, said), text);
    }
}
