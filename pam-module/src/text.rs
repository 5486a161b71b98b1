//! Texts from outside, made safe for a terminal and a log line.

/// Longest message for a conversation, in octets; Linux-PAM applications may cut at 512 (PAM_MAX_MSG_SIZE).
const MESSAGE: usize = 480;

/// Whether `c` could move the cursor, forge a line or turn the reading direction.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `text` without control and invisible formatting characters; line ends and tabs become blanks.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !is_unsafe(*c))
        .collect()
}

/// The longest start of `text` of at most `octets` octets.
pub(crate) fn clip(text: &str, octets: usize) -> &str {
    text.get(..text.floor_char_boundary(octets)).unwrap_or_default()
}

/// A text for the conversation.
pub(crate) fn message(text: &str) -> String {
    let mut text = clean(clip(text, 16 * MESSAGE));
    text.truncate(text.floor_char_boundary(MESSAGE));
    text
}

/// A text for the log or the daemon: cleaned, at most `octets` long.
pub(crate) fn name(text: &str, octets: usize) -> String {
    clean(clip(text, octets))
}

/// Whether [`clean`] would change `text`.
pub(crate) fn is_clean(text: &str) -> bool {
    !text.chars().any(is_unsafe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_line_forgery_are_taken_out() {
        assert_eq!(clean("a\u{1b}[2Jb\u{7}\u{7f}\u{9b}c\0\u{8}"), "a[2Jbc");
        assert_eq!(clean("one\ntwo\tthree\r\n"), "one two three ");
        assert_eq!(clean("\u{202e}edoc\u{2066}\u{200b}\u{feff}"), "edoc");
        assert_eq!(clean("Код для алисы: ✓ é"), "Код для алисы: ✓ é");
        assert!(is_clean("алиса@example.net") && !is_clean("a\nb") && !is_clean("\u{202e}"));
    }

    #[test]
    fn lengths_are_cut_at_characters() {
        assert_eq!(clip("aé", 2), "a");
        assert_eq!(clip("aé", 3), "aé");
        assert_eq!(message(&"é".repeat(1 << 16)).len(), 480);
        assert_eq!(name("abc\ndef", 5), "abc d");
        assert_eq!(clip("", 5), "");
    }
}
