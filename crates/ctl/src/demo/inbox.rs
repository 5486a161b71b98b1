//! The development inbox: JSON lines that the daemon's `file` transport appends.

use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;

use super::DemoError;

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Text {
    /// When, RFC 3339 in UTC.
    pub(super) at: String,
    /// The number.
    pub(super) to: String,
    /// The words.
    pub(super) text: String,
}

impl Text {
    /// Where the code stands in the words: the first 6 to 8 digits in a row.
    pub(super) fn code(&self) -> Option<std::ops::Range<usize>> {
        let octets = self.text.as_bytes();
        let mut start = 0;
        for end in 0..=octets.len() {
            if octets.get(end).is_some_and(u8::is_ascii_digit) {
                continue;
            }
            if (6..=8).contains(&(end - start)) {
                return Some(start..end);
            }
            start = end + 1;
        }
        None
    }
}

/// All texts so far, shared with the page; oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts(Arc<Mutex<Vec<Text>>>);

impl Texts {
    pub(super) fn add(&self, texts: &[Text]) {
        self.lock().extend_from_slice(texts);
    }

    pub(super) fn all(&self) -> Vec<Text> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Text>> {
        // Nothing is left half done in a list of texts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Most octets read at once.
const CHUNK: u64 = 1024 * 1024;

/// Reads the file from where it stopped.
#[derive(Debug)]
pub(super) struct Inbox {
    path: PathBuf,
    texts: Texts,
    offset: u64,
}

impl Inbox {
    pub(super) const fn new(path: PathBuf, texts: Texts) -> Self {
        Self {
            path,
            texts,
            offset: 0,
        }
    }

    /// How many texts came so far.
    pub(super) fn count(&self) -> usize {
        self.texts.all().len()
    }

    /// What is new. A line that is not complete yet is left for the next time.
    pub(super) fn read(&mut self) -> Result<Vec<Text>, DemoError> {
        let mut octets = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.offset))?;
            file.take(CHUNK).read_to_end(&mut octets)
        });
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(DemoError::Inbox(error.kind())),
        }
        let complete = octets
            .iter()
            .rposition(|octet| *octet == b'\n')
            .map_or(0, |last| last + 1);
        self.offset += u64::try_from(complete).unwrap_or_default();
        let new: Vec<Text> = octets
            .get(..complete)
            .unwrap_or_default()
            .split(|octet| *octet == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        self.texts.add(&new);
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::demo::Sandbox;

    fn text(words: &str) -> Text {
        Text {
            at: "2026-09-21T14:13:20Z".to_owned(),
            to: "+61491570156".to_owned(),
            text: words.to_owned(),
        }
    }

    #[test]
    fn the_code_is_found_among_other_digits() {
        for (words, code) in [
            (
                "Demo VPN: 012345 is your login code K7 from 192.0.2.1",
                Some("012345"),
            ),
            ("ends with 12345678", Some("12345678")),
            ("123456789 is too long, 12345 too short", None),
            ("ß 1234567!", Some("1234567")),
            ("", None),
        ] {
            assert_eq!(text(words).code().map(|range| &words[range]), code, "{words}");
        }
    }

    #[test]
    fn texts_are_read_once_and_only_when_complete() {
        let sandbox = Sandbox::new().unwrap();
        let texts = Texts::default();
        let mut inbox = Inbox::new(sandbox.inbox(), texts.clone());
        assert_eq!(inbox.read(), Ok(Vec::new()));
        let line = r#"{"at":"2026-09-21T14:13:20Z","to":"+61491570156","text":"one","reference":"r"}"#;
        let mut file = File::create(sandbox.inbox()).unwrap();
        file.write_all(format!("{line}\n{}", &line[..20]).as_bytes())
            .unwrap();
        assert_eq!(inbox.read(), Ok(vec![text("one")]));
        assert_eq!(inbox.read(), Ok(Vec::new()));
        file.write_all(format!("{}\n", &line[20..]).as_bytes()).unwrap();
        assert_eq!(inbox.read(), Ok(vec![text("one")]));
        assert_eq!(texts.all().len(), 2);
    }
}
