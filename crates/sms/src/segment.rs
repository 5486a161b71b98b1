//! How long a text is on the air, and what in it makes it longer than it looks.

use crate::redact::is_format;

/// GSM 03.38 (3GPP TS 23.038 section 6.2.1) basic alphabet without the escape character.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension table: each takes two septets.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How the characters of a text are coded on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 7 bits a character, some take two: 160 in a single message, 153 in each part of a longer one.
    Gsm7,
    /// 16 bits a unit, some characters take two: 70 in a single message, 67 in each part of a longer one.
    Ucs2,
}

/// The size of a text on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// The alphabet it needs; one character outside GSM 03.38 makes the whole text [`Encoding::Ucs2`].
    pub encoding: Encoding,
    /// Septets or 16-bit units.
    pub units: usize,
    /// Messages it is sent and billed as, at least one.
    pub parts: usize,
}

/// Measures `text`.
#[must_use]
pub fn segments(text: &str) -> Segments {
    let septets: Option<Vec<usize>> = text.chars().map(gsm_units).collect();
    match septets {
        Some(widths) => pack(Encoding::Gsm7, &widths, 160, 153),
        None => {
            let widths: Vec<usize> = text.chars().map(char::len_utf16).collect();
            pack(Encoding::Ucs2, &widths, 70, 67)
        }
    }
}

/// A character of two units is not split between two parts, so a part may end one unit short.
fn pack(encoding: Encoding, widths: &[usize], single: usize, each: usize) -> Segments {
    let units = widths.iter().sum();
    if units <= single {
        return Segments {
            encoding,
            units,
            parts: 1,
        };
    }
    let (mut parts, mut filled) = (1, 0);
    for width in widths {
        if filled + width > each {
            parts += 1;
            filled = 0;
        }
        filled += width;
    }
    Segments {
        encoding,
        units,
        parts,
    }
}

fn gsm_units(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// A character that is worth a complaint. Displays as `'’' (U+2019) at character 7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offender {
    /// The character.
    pub character: char,
    /// Where it first stands, counted in characters from 1.
    pub position: usize,
}

impl std::fmt::Display for Offender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = u32::from(self.character);
        if self.character.is_control() || is_format(self.character) {
            write!(f, "U+{code:04X} at character {}", self.position)
        } else {
            write!(
                f,
                "'{}' (U+{code:04X}) at character {}",
                self.character, self.position
            )
        }
    }
}

/// What [`lint`] found, each character once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lint {
    /// Characters that no text may hold: control characters (line feed excepted) and marks that reorder or hide text.
    pub refused: Vec<Offender>,
    /// Characters outside GSM 03.38: allowed, but the text then takes 16 bits a character and fits 70, not 160.
    pub non_gsm: Vec<Offender>,
}

/// Looks for characters in `template` that cannot be sent or that make a text longer than it looks.
///
/// It looks at the template as written: render it with the longest values and ask [`segments`] for its size.
#[must_use]
pub fn lint(template: &str) -> Lint {
    let mut found = Lint::default();
    for (at, character) in template.chars().enumerate() {
        let list = if is_format(character) || (character.is_control() && character != '\n') {
            &mut found.refused
        } else if gsm_units(character).is_none() {
            &mut found.non_gsm
        } else {
            continue;
        };
        if list.iter().all(|known| known.character != character) {
            list.push(Offender {
                character,
                position: at + 1,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(text: &str) -> (Encoding, usize, usize) {
        let s = segments(text);
        (s.encoding, s.units, s.parts)
    }

    #[test]
    fn the_alphabet_has_the_127_characters_of_the_standard_and_10_more() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
        assert!(!EXTENSION.chars().any(|c| BASIC.contains(c)));
    }

    #[test]
    fn limits_are_160_and_153_septets() {
        assert_eq!(size(""), (Encoding::Gsm7, 0, 1));
        assert_eq!(size(&"a".repeat(160)), (Encoding::Gsm7, 160, 1));
        assert_eq!(size(&"a".repeat(161)), (Encoding::Gsm7, 161, 2));
        assert_eq!(size(&"a".repeat(306)), (Encoding::Gsm7, 306, 2));
        assert_eq!(size(&"a".repeat(307)), (Encoding::Gsm7, 307, 3));
        assert_eq!(size(&"€".repeat(80)), (Encoding::Gsm7, 160, 1));
    }

    #[test]
    fn an_escaped_character_is_not_split_between_parts() {
        // 152 + 2 septets do not fit into 153: the euro sign moves to the second part.
        assert_eq!(
            size(&format!("{}€{}", "a".repeat(152), "b".repeat(152))),
            (Encoding::Gsm7, 306, 3)
        );
        assert_eq!(
            size(&format!("{}€{}", "a".repeat(151), "b".repeat(153))),
            (Encoding::Gsm7, 306, 2)
        );
    }

    #[test]
    fn limits_are_70_and_67_units_of_ucs2() {
        assert_eq!(size(&"’".repeat(70)), (Encoding::Ucs2, 70, 1));
        assert_eq!(size(&"’".repeat(71)), (Encoding::Ucs2, 71, 2));
        assert_eq!(size(&"’".repeat(135)), (Encoding::Ucs2, 135, 3));
        assert_eq!(size(&"🔒".repeat(35)), (Encoding::Ucs2, 70, 1));
        // 33 pairs fill 66 of 67 units.
        assert_eq!(size(&"🔒".repeat(67)), (Encoding::Ucs2, 134, 3));
    }

    #[test]
    fn lint_names_the_character_and_its_code_point() {
        let found = lint("It’s {code}, it’s „yours“");
        assert!(found.refused.is_empty());
        let shown: Vec<String> = found.non_gsm.iter().map(Offender::to_string).collect();
        assert_eq!(
            shown,
            [
                "'’' (U+2019) at character 3",
                "'„' (U+201E) at character 19",
                "'“' (U+201C) at character 25"
            ]
        );
    }

    #[test]
    fn lint_refuses_control_and_bidi_marks_but_not_a_line_feed() {
        let found = lint("a\nb\rc\u{202e}d\u{0}e\u{200b}f\u{2066}");
        let shown: Vec<String> = found.refused.iter().map(Offender::to_string).collect();
        assert_eq!(
            shown,
            [
                "U+000D at character 4",
                "U+202E at character 6",
                "U+0000 at character 8",
                "U+200B at character 10",
                "U+2066 at character 12"
            ]
        );
        assert!(found.non_gsm.is_empty());
        assert_eq!(
            lint("{app}: {code} is your login code for {host}."),
            Lint::default()
        );
    }

    proptest! {
        #[test]
        fn parts_hold_the_units_and_waste_at_most_one_each(text in "\\PC{0,400}") {
            let s = segments(&text);
            let each = if s.encoding == Encoding::Gsm7 { 153 } else { 67 };
            if s.parts > 1 {
                prop_assert!(s.units <= s.parts * each);
                prop_assert!(s.units > (s.parts - 1) * (each - 1));
            }
        }
    }
}
