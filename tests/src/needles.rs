//! The search for what must not be found.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

use crate::stack::Scratch;

/// Something that must not be found, in one way of writing it.
#[derive(Debug, Clone)]
pub struct Needle {
    /// What it is, for the report.
    pub what: String,
    /// What is looked for; no line break in it.
    pub octets: Vec<u8>,
}

/// The ways in which octets get into logs and files.
#[must_use]
pub fn ways_of(what: &str, secret: &str) -> Vec<Needle> {
    let octets = secret.as_bytes();
    let decimal: Vec<String> = octets.iter().map(u8::to_string).collect();
    let escaped = secret.escape_debug().to_string();
    let mut ways = vec![
        ("as it is", secret.to_owned()),
        ("escaped", escaped),
        ("hex", HEXLOWER.encode(octets)),
        ("upper hex", HEXUPPER.encode(octets)),
        ("list", decimal.join(", ")),
        ("dense list", decimal.join(",")),
    ];
    for skip in 0..3 {
        // Base64 of something longer: only whole groups of this secret are the same whatever stands around it.
        let inner = octets.get(skip..).unwrap_or_default();
        let whole = inner.len() / 3 * 3;
        if whole >= 6 {
            ways.push(("base64", BASE64.encode(&inner[..whole])));
        }
    }
    ways.into_iter()
        .map(|(way, text)| Needle {
            what: format!("{what} ({way})"),
            octets: text.into_bytes(),
        })
        .collect()
}

/// What of `needles` is in files below `dir`, besides those with names in `except`. grep looks, not we.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn found(dir: &Path, except: &[&str], needles: &[Needle]) -> BTreeSet<String> {
    let patterns = Scratch::new();
    let file = patterns.path().join("patterns");
    let lines: Vec<&[u8]> = needles.iter().map(|n| n.octets.as_slice()).collect();
    fs::write(&file, lines.join(&b'\n')).unwrap();
    let output = Command::new("grep")
        .env("LC_ALL", "C")
        .args(["-r", "-a", "-o", "-F", "-D", "skip", "-Z", "-f"])
        .arg(&file)
        .args(except.iter().map(|name| format!("--exclude={name}")))
        .arg(dir)
        .output()
        .unwrap();
    // 1: nothing found; 2: a file that cannot be read.
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut seen = BTreeSet::new();
    for line in output.stdout.split(|&c| c == b'\n').filter(|l| !l.is_empty()) {
        let (path, hit) = line.split_at(line.iter().position(|&c| c == 0).unwrap());
        let path = Path::new(std::str::from_utf8(path).unwrap());
        let name = path.strip_prefix(dir).unwrap().display();
        for needle in needles.iter().filter(|n| hit[1..].starts_with(&n.octets)) {
            seen.insert(format!("{} in {name}", needle.what));
        }
    }
    seen
}
