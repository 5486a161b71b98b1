//! A file as lines of fields.

use csv::{ReaderBuilder, StringRecord};
use otpost_core::import::{Bad, Header, Known, Line, MAX_LINES};

use super::AdminError;

/// A file whose columns are known.
pub(super) struct Sheet<'t> {
    text: &'t str,
    delimiter: u8,
}

/// What became of a line: its number, and whether it is well by itself.
pub(super) type Read = (u64, Result<Line, Bad>);

fn fields(record: &StringRecord) -> impl Iterator<Item = &str> {
    record.iter()
}

fn broken(error: impl std::fmt::Display) -> AdminError {
    AdminError::Invalid(format!("the file is no table: {error}"))
}

impl<'t> Sheet<'t> {
    /// A file; the mark that some programs put in front is skipped.
    pub(super) fn open(text: &'t str) -> Result<Self, AdminError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.trim_start().lines().next().unwrap_or_default();
        if first.is_empty() {
            return Err(AdminError::Invalid(
                "the file is empty; its first line reads: login,email,phone,first-name,last-name,resource,token"
                    .to_owned(),
            ));
        }
        // Spreadsheets of some countries write other marks between columns.
        let delimiter = match (first.contains(','), first.contains(';'), first.contains('\t')) {
            (false, true, _) => b';',
            (false, false, true) => b'\t',
            _ => b',',
        };
        Ok(Self { text, delimiter })
    }

    fn reader(&self) -> csv::Reader<&'t [u8]> {
        ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(self.text.as_bytes())
    }

    fn header(reader: &mut csv::Reader<&'t [u8]>) -> Result<Header, AdminError> {
        let mut record = StringRecord::new();
        reader.read_record(&mut record).map_err(broken)?;
        Header::read(fields(&record)).map_err(AdminError::invalid)
    }

    /// Checks the names of columns.
    pub(super) fn check(&self) -> Result<(), AdminError> {
        Self::header(&mut self.reader()).map(|_| ())
    }

    /// All lines but the header and those without content.
    pub(super) fn lines(&self, known: &Known) -> Result<Vec<Read>, AdminError> {
        let mut reader = self.reader();
        let header = Self::header(&mut reader)?;
        let mut lines = Vec::new();
        let mut record = StringRecord::new();
        let mut place = Place {
            text: self.text.as_bytes(),
            at: 0,
            line: 1,
        };
        while reader.read_record(&mut record).map_err(broken)? {
            let start = record.position().map_or(0, csv::Position::byte);
            if fields(&record).all(|field| field.trim().is_empty()) {
                continue;
            }
            if lines.len() >= MAX_LINES {
                return Err(AdminError::Invalid(format!(
                    "a file has at most {MAX_LINES} lines; split it"
                )));
            }
            let number = place.line_at(start);
            lines.push((number, Line::read(&header, number, fields(&record), known)));
        }
        Ok(lines)
    }
}

/// Counts lines. The reader's own count is of the end of the record before, so empty lines in between would shift it.
struct Place<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Place<'_> {
    /// The number of the line in which the record at or after this octet starts.
    fn line_at(&mut self, start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = self.text.get(start..).unwrap_or_default();
        let blank = rest
            .iter()
            .take_while(|octet| matches!(octet, b'\r' | b'\n'))
            .count();
        let start = start.saturating_add(blank);
        let between = self.text.get(self.at..start).unwrap_or_default();
        let mut before = self.at.checked_sub(1).and_then(|at| self.text.get(at)).copied();
        for octet in between {
            // A line ends with LF, with CR, or with both.
            if *octet == b'\r' || (*octet == b'\n' && before != Some(b'\r')) {
                self.line = self.line.saturating_add(1);
            }
            before = Some(*octet);
        }
        self.at = start;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use otpost_core::import::Problem;

    use super::*;

    fn numbers(text: &str) -> Vec<(u64, String)> {
        let sheet = Sheet::open(text).unwrap();
        let lines = sheet.lines(&Known::default()).unwrap();
        lines
            .into_iter()
            .map(|(number, line)| match line {
                Ok(line) => (number, line.name.to_string()),
                Err(bad) => (number, format!("{:?}", bad.problem)),
            })
            .collect()
    }

    fn at(all: &[(u64, &str)]) -> Vec<(u64, String)> {
        all.iter()
            .map(|(number, name)| (*number, (*name).to_owned()))
            .collect()
    }

    #[test]
    fn lines_have_the_numbers_that_editors_show() {
        let wanted = at(&[(2, "anna"), (5, "bert"), (6, "cleo")]);
        for end in ["\n", "\r\n", "\r"] {
            let text = ["login,email", "anna,", "", ",", "bert,b@example.com", "cleo,"].join(end);
            assert_eq!(numbers(&text), wanted, "{end:?}");
            assert_eq!(numbers(&format!("\u{feff}{text}{end}")), wanted, "{end:?}");
        }
    }

    #[test]
    fn quoted_fields_may_hold_marks_and_line_ends() {
        let text =
            "login,first-name,last-name\nanna,\"A, \"\"the\"\" first\",x\nbert,\"two\nlines\",y\ncleo,,\n";
        let all = numbers(text);
        assert_eq!(all[0], (2, "anna".to_owned()));
        assert_eq!(all[1].0, 3);
        assert!(all[1].1.starts_with("Name"), "{all:?}");
        assert_eq!(all[2], (5, "cleo".to_owned()));
    }

    #[test]
    fn spreadsheets_of_other_countries_are_read() {
        assert_eq!(numbers("login;email\nanna;a@example.com\n"), at(&[(2, "anna")]));
        assert_eq!(numbers("login\temail\nanna\ta@example.com\n"), at(&[(2, "anna")]));
    }

    #[test]
    fn a_line_with_too_many_fields_is_bad() {
        let sheet = Sheet::open("login\nanna,bert\n").unwrap();
        let lines = sheet.lines(&Known::default()).unwrap();
        let bad = lines[0].1.as_ref().unwrap_err();
        assert_eq!(bad.problem, Problem::Fields { has: 2, columns: 1 });
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(Sheet::open("").is_err());
        assert!(Sheet::open("\u{feff}\r\n").is_err());
        let refused = |text| Sheet::open(text).unwrap().check().unwrap_err().to_string();
        assert!(refused("login,shoe-size\n").contains("`shoe-size`"));
        assert!(refused("email,phone\n").contains("login"));
        assert!(refused("login,Login\n").contains("twice"));
    }
}
