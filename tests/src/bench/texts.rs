//! The codes of texts, read from the development inbox as lines are appended to it.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Deserialize;

use super::Outcome;

/// A text's number and code, and the label that tells texts to one number apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) to: String,
    pub(super) digits: String,
    pub(super) label: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    to: &'a str,
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
}

/// The end of the file, as it grows.
#[derive(Debug)]
pub(super) struct Inbox {
    file: File,
    /// A line whose end is still being written.
    rest: Vec<u8>,
    buffer: Vec<u8>,
}

impl Inbox {
    /// Opens `path`, which is made if it is missing; what is in it already is not shown.
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))?;
        Ok(Self {
            file,
            rest: Vec::new(),
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Hands over the codes of the lines that were added.
    pub(super) fn read(&mut self, mut code: impl FnMut(Code)) -> Outcome<usize> {
        let got = self.file.read(&mut self.buffer)?;
        self.rest
            .extend_from_slice(self.buffer.get(..got).unwrap_or_default());
        let mut read = 0;
        while let Some(end) = self
            .rest
            .get(read..)
            .and_then(|new| new.iter().position(|c| *c == b'\n'))
        {
            let line = self.rest.get(read..read + end).unwrap_or_default();
            code(parse(line)?);
            read += end + 1;
        }
        self.rest.drain(..read);
        Ok(got)
    }
}

fn parse(line: &[u8]) -> Outcome<Code> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let words = || line.text.split(|c: char| !c.is_ascii_alphanumeric());
    let digits = words().find(|word| word.len() == 6 && word.bytes().all(|c| c.is_ascii_digit()));
    // "... login code K7 for ..."
    let label = words().skip_while(|word| *word != "code").nth(1);
    Ok(Code {
        to: line.to.to_owned(),
        digits: digits.ok_or("a text without a code")?.to_owned(),
        label: label.ok_or("a text without a label")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn code_and_label_are_found_in_a_line_of_the_inbox() {
        let line = br#"{"at":"2026-01-01T00:00:00Z","to":"+491711000001","text":"vpn: 012345 is your login code K7 for gw. Valid 5 min. Never share it.","reference":"r"}"#;
        let code = parse(line).unwrap();
        assert_eq!((code.digits.as_str(), code.label.as_str()), ("012345", "K7"));
        assert_eq!(code.to, "+491711000001");
    }
}
