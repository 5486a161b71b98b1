//! A conversation between VPN and server as lines that people can follow.

use std::{
    io::{self, Write},
    time::Duration,
};

use data_encoding::HEXLOWER;

use crate::text::clean;

/// Who speaks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// VPN to server.
    Request,
    /// Server to VPN.
    Reply,
    /// Server to phone.
    Text,
}

impl Direction {
    const fn arrow(self) -> &'static str {
        match self {
            Self::Request => "  VPN -->        ",
            Self::Reply => "  VPN <--        ",
            Self::Text => "      --> phone  ",
        }
    }

    /// SGR parameters.
    const fn color(self) -> &'static str {
        match self {
            Self::Request => "36",
            Self::Reply => "32",
            Self::Text => "33",
        }
    }
}

/// Writes the lines.
pub(crate) struct Transcript<'a> {
    /// Where to.
    pub(crate) out: &'a mut dyn Write,
    /// Whether colours are welcome.
    pub(crate) color: bool,
}

impl Transcript<'_> {
    /// What was said, how long after it was asked for, and what belongs to it on lines of its own.
    pub(crate) fn line(
        &mut self,
        direction: Direction,
        what: &str,
        took: Option<Duration>,
        details: &[String],
    ) -> io::Result<()> {
        let took = took.map_or_else(String::new, |took| format!("  ({})", millis(took)));
        let arrow = self.paint(direction.color(), direction.arrow());
        writeln!(self.out, "{arrow}{}{took}", self.paint("1", &clean(what)))?;
        for detail in details.iter().map(|detail| detail.trim_end()) {
            if !detail.is_empty() {
                writeln!(self.out, "                   {}", clean(detail))?;
            }
        }
        self.out.flush()
    }

    /// A heading.
    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.paint("1", text))
    }

    fn paint(&self, sgr: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{sgr}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Milliseconds with a digit behind the point while they are few.
pub(crate) fn millis(took: Duration) -> String {
    let tenths = took.as_micros() / 100;
    if tenths < 1000 {
        format!("{}.{} ms", tenths / 10, tenths % 10)
    } else {
        format!("{} ms", tenths / 10)
    }
}

/// Octets as hex, cut after eight.
pub(crate) fn short_hex(octets: &[u8]) -> String {
    match octets.get(..8) {
        Some(head) if octets.len() > 8 => format!("0x{}...", HEXLOWER.encode(head)),
        _ => format!("0x{}", HEXLOWER.encode(octets)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_direction_timing_and_details() {
        let mut out = Vec::new();
        let mut transcript = Transcript {
            out: &mut out,
            color: false,
        };
        let took = Some(Duration::from_micros(12_345));
        transcript
            .line(
                Direction::Reply,
                "Access-Challenge",
                took,
                &["\u{1b}Code? ".to_owned(), String::new()],
            )
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "  VPN <--        Access-Challenge  (12.3 ms)\n                   \u{fffd}Code?\n"
        );
    }

    #[test]
    fn hex_is_cut() {
        assert_eq!(short_hex(&[1, 2, 255]), "0x0102ff");
        assert_eq!(short_hex(&[0; 8]), "0x0000000000000000");
        assert_eq!(short_hex(&[0; 9]), "0x0000000000000000...");
    }

    #[test]
    fn few_milliseconds_have_a_digit_more() {
        assert_eq!(millis(Duration::from_micros(99_950)), "99.9 ms");
        assert_eq!(millis(Duration::from_millis(100)), "100 ms");
        assert_eq!(millis(Duration::from_micros(40)), "0.0 ms");
    }
}
