use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// All files below `folder` with that ending.
fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Key, and the values that its text has places for.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines() {
        if let Some((name, _)) = line.split_once(" =")
            && line.starts_with(|c: char| c.is_ascii_lowercase())
        {
            key = name.to_owned();
            assert!(
                all.insert(key.clone(), BTreeSet::new()).is_none(),
                "{key} is there twice"
            );
        }
        for place in line.split('$').skip(1) {
            let name: String = place
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                .collect();
            all.get_mut(&key).unwrap().insert(name);
        }
    }
    all
}

fn all_messages(tag: &str) -> BTreeMap<String, BTreeSet<String>> {
    let all: String = files(&folder("locales").join(tag), "ftl")
        .into_iter()
        .map(|(_, text)| text + "\n")
        .collect();
    messages(&all)
}

/// Everything that may name a text: templates and source, without tests and comments.
fn users() -> Vec<(PathBuf, String)> {
    let mut all = files(&folder("templates"), "html");
    for (_, text) in &mut all {
        let mut parts = text.split("{#");
        let first = parts.next().unwrap_or_default().to_owned();
        *text = first
            + &parts
                .filter_map(|part| part.split_once("#}"))
                .map(|(_, rest)| rest)
                .collect::<String>();
    }
    let source = files(&folder("src"), "rs")
        .into_iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"));
    all.extend(source.map(|(path, text)| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        (path, code.map(|line| format!("{line}\n")).collect())
    }));
    all
}

#[test]
fn every_text_exists_in_every_language_with_the_same_values() {
    let english = all_messages("en");
    assert!(!english.is_empty());
    for lang in Lang::OFFERED {
        let own = all_messages(lang.tag());
        let keys = |all: &BTreeMap<String, _>| all.keys().cloned().collect::<BTreeSet<_>>();
        let missing: Vec<_> = keys(&english).difference(&keys(&own)).cloned().collect();
        let surplus: Vec<_> = keys(&own).difference(&keys(&english)).cloned().collect();
        assert_eq!((missing, surplus), (vec![], vec![]), "{}", lang.tag());
        for (key, values) in &english {
            assert_eq!(own.get(key), Some(values), "{key} in {}", lang.tag());
        }
    }
}

#[test]
fn every_file_is_sound_and_in_the_program() {
    for (lang, built_in) in [("en", EN), ("de", DE)] {
        let on_disk = files(&folder("locales").join(lang), "ftl");
        assert_eq!(on_disk.len(), built_in.len(), "name the new file in locale!");
        for (path, text) in on_disk {
            assert!(
                built_in.contains(&text.as_str()),
                "{} is not in the program",
                path.display()
            );
            let broken = FluentResource::try_new(text).err().map(|(_, errors)| errors);
            assert_eq!(broken, None, "{}", path.display());
        }
    }
    let tags: Vec<_> = fs::read_dir(folder("locales")).unwrap().collect();
    assert_eq!(tags.len(), Lang::OFFERED.len());
}

#[test]
fn every_text_that_a_page_names_exists_and_every_text_is_named() {
    let known = all_messages("en");
    let mut named = BTreeSet::new();
    let mut missing = Vec::new();
    for (path, text) in users() {
        // Keys are often chosen in code, so any quoted word that is a key counts as its use.
        named.extend(
            text.split('"')
                .filter(|word| known.contains_key(*word))
                .map(str::to_owned),
        );
        // `format!("said-{word}")` uses a whole family.
        for family in text.split("format!(\"").skip(1) {
            let prefix = family.split(['{', '"']).next().unwrap_or_default();
            if prefix.ends_with('-') {
                named.extend(known.keys().filter(|key| key.starts_with(prefix)).cloned());
            }
        }
        for rest in text.split(".t(\"").skip(1) {
            let key = rest.split('"').next().unwrap_or_default();
            if !known.contains_key(key) {
                missing.push(format!("{key} in {}", path.display()));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
    let unused: Vec<_> = known.keys().filter(|key| !named.contains(*key)).collect();
    assert_eq!(unused, Vec::<&String>::new());
}

#[test]
fn the_language_that_a_browser_likes_best_is_chosen() {
    for (header, lang) in [
        ("", Lang::En),
        ("de", Lang::De),
        ("de-AT,de;q=0.9,en;q=0.8", Lang::De),
        ("en;q=0.8, de;q=0.9", Lang::De),
        ("en-GB, de;q=0.9", Lang::En),
        ("fr-FR, fr;q=0.9", Lang::En),
        ("fr, de;q=0.1", Lang::De),
        ("de;q=0", Lang::En),
        ("de;q=nonsense", Lang::En),
        ("*", Lang::En),
        ("DE", Lang::De),
        ("deu", Lang::En),
        ("qps", Lang::En),
    ] {
        assert_eq!(Lang::accepted(header, false), lang, "{header}");
    }
    assert_eq!(Lang::accepted("qps", true), Lang::Pseudo);
}

#[test]
fn values_and_plurals_are_put_in() {
    let wait = |lang, seconds: u32| {
        Texts::new(lang)
            .get("busy-text")
            .arg("seconds", seconds)
            .to_string()
    };
    assert_eq!(wait(Lang::En, 1), "Wait one second, then try again.");
    assert_eq!(wait(Lang::En, 7), "Wait 7 seconds, then try again.");
    assert_eq!(
        wait(Lang::De, 7),
        "Warten Sie 7 Sekunden und versuchen Sie es dann noch einmal."
    );
}

#[test]
fn an_unknown_text_shows_its_key_and_debug_shows_no_value() {
    let text = Texts::new(Lang::De).get("no-such-text").arg("name", "Alice");
    assert_eq!(text.to_string(), "no-such-text");
    assert_eq!(format!("{text:?}"), "Text(\"no-such-text\")");
}

#[test]
fn the_pseudo_language_marks_and_lengthens_every_text() {
    for key in all_messages("en").keys() {
        let plain = Texts::new(Lang::En).get(key).to_string();
        let pseudo = Texts::new(Lang::Pseudo).get(key).to_string();
        assert_ne!(plain, pseudo, "{key}");
        assert!(pseudo.chars().count() >= plain.chars().count(), "{key}");
    }
    let value = Texts::new(Lang::Pseudo)
        .get("busy-text")
        .arg("seconds", 7_u32)
        .to_string();
    assert!(value.contains('7'), "{value}");
}

/// `text` without what stands between each `open` and the next `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut parts = text.split(open);
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push(' ');
        rest.push_str(part.split_once(close).map_or("", |(_, behind)| behind));
    }
    rest
}

/// Names and units, which are the same in every language.
const NAMES: [&str; 4] = ["otpost", "RADIUS", "SMS", "UTC"];

#[test]
fn templates_have_no_words_of_their_own() {
    let mut found = Vec::new();
    for (path, text) in files(&folder("templates"), "html") {
        // What is put into a tag is no text.
        let lines = text.lines().filter(|line| !line.contains("macro described("));
        let mut text = lines.collect::<Vec<&str>>().join("\n");
        for (open, close) in [
            ("{% block col %}", "{% endblock %}"),
            ("{% block class %}", "{% endblock %}"),
            ("<pre>", "</pre>"),
            ("{#", "#}"),
            ("{%", "%}"),
            ("{{", "}}"),
        ] {
            text = without(&text, open, close);
        }
        // What is read out or shown in a field, and what stands between the tags.
        let mut shown = without(&text, "<", ">");
        for attribute in [
            "aria-label",
            "placeholder",
            "title",
            "alt",
            "data-done",
            "data-hide",
        ] {
            for value in text.split(&format!(" {attribute}=\"")).skip(1) {
                shown.push(' ');
                shown.push_str(value.split('"').next().unwrap_or_default());
            }
        }
        let words = shown.split(|c: char| !c.is_alphabetic());
        let own = words.filter(|word| word.chars().count() > 1 && !NAMES.contains(word));
        found.extend(own.map(|word| format!("{word} in {}", path.display())));
    }
    assert_eq!(found, [""; 0], "words belong to locales/");
}

/// What handlers compare with the daemon's words, and what no page shows.
const INNER: [&str; 15] = [
    "no mail",
    "provider name",
    "source name",
    "of kind",
    "cannot be set here",
    "begins with neither",
    "names no hours",
    "exempt network",
    "login name",
    "a group has",
    "first factor",
    "in the chain",
    "stands alone",
    "no source",
    "otpost kept 1\\0",
];

#[test]
fn handlers_have_no_words_of_their_own() {
    let mut found = Vec::new();
    for place in ["src/selfservice", "src/console", "src/ui"] {
        for (path, text) in files(&folder(place), "rs") {
            let shown = path.display().to_string();
            if shown.contains("/tests") || shown.contains("sentences") {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in lines.filter(|line| !line.contains(".more(") && !line.contains("error(\"")) {
                for literal in line.split('"').skip(1).step_by(2) {
                    let word = |word: &str| word.len() > 1 && word.chars().all(char::is_alphabetic);
                    let sentence = literal.split(' ').filter(|part| word(part)).count() > 1;
                    if sentence && !INNER.contains(&literal) {
                        found.push(format!("{literal} in {shown}"));
                    }
                }
            }
        }
    }
    assert_eq!(found, [""; 0], "words belong to locales/");
}
