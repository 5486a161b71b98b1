//! The documentation: every command line in it is one, and every preset has its page.
#![expect(clippy::unwrap_used, reason = "test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{CommandFactory, Parser};
use otpost_ctl::args::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// README.md and everything in Markdown below docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut open = vec![root().join("docs")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The words of a line as a shell would have them, up to a comment or another command.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut inside) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, inside) = (Some(c), true),
            (None, ' ') => {
                if inside || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (None, '#' | '|' | '&' | ';' | '>') if word.is_empty() && !inside => break,
            (None, c) => word.push(c),
        }
    }
    assert_eq!(quote, None, "an open quote: {line}");
    if inside || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Command lines that stand on a line of their own, and for pages of VPNs those within a sentence as well.
fn commands(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut found: Vec<String> = text
        .lines()
        .map(str::trim)
        .map(|line| line.strip_prefix("sudo ").unwrap_or(line))
        .filter(|line| line.starts_with("otpostctl "))
        .map(str::to_owned)
        .collect();
    if path.parent().is_some_and(|parent| parent.ends_with("docs/vpn")) {
        let spans = text.split('`').skip(1).step_by(2);
        found.extend(
            spans
                .filter(|span| span.starts_with("otpostctl "))
                .map(str::to_owned),
        );
    }
    found
}

#[test]
fn every_command_line_in_the_documentation_is_one() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        for command in commands(&page) {
            count += 1;
            if let Err(error) = Cli::try_parse_from(words(&command)) {
                wrong.push(format!("{}: {command}: {error}", page.display()));
            }
        }
    }
    assert!(count > 50, "only {count} command lines were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_preset_has_a_page_that_says_what_to_set_and_what_cannot_work() {
    let mut command = Cli::command();
    command.build();
    let add = ["radius", "client", "add"]
        .iter()
        .fold(&command, |command, name| {
            command.find_subcommand(name).expect("a verb")
        });
    let nas = add
        .get_arguments()
        .find(|argument| argument.get_id() == "nas")
        .expect("--nas");
    let presets: BTreeSet<String> = nas
        .get_possible_values()
        .iter()
        .map(|value| value.get_name().to_owned())
        .filter(|name| name != "none")
        .collect();
    assert_eq!(presets.len(), 9, "{presets:?}");
    let directory = root().join("docs/vpn");
    let overview = fs::read_to_string(directory.join("README.md")).unwrap();
    for preset in &presets {
        assert!(
            overview.contains(&format!("({preset}.md) | `{preset}` |")),
            "docs/vpn/README.md: {preset}"
        );
        let page = directory.join(format!("{preset}.md"));
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        for part in [
            "# otpost\n",
            "# Timers\n",
            "# What people see\n",
            "# What cannot work\n",
            &format!("--resource vpn --nas {preset}"),
        ] {
            assert!(text.contains(part), "{}: {part:?}", page.display());
        }
        let tried = text.contains("**Untested") || text.contains("not proven here") || text.contains("roven");
        assert!(tried, "{}: whether it was tried", page.display());
    }
    for entry in fs::read_dir(&directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.trim_end_matches(".md");
        assert!(
            stem == "README" || presets.contains(stem),
            "docs/vpn/{name} is the page of no preset"
        );
    }
}
