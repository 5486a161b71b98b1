//! Escaping by the place a value goes to. Nothing is ever pasted in unescaped.

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn encode(text: &str, space_as_plus: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b'~' if !space_as_plus => out.push('~'),
            b'*' if space_as_plus => out.push('*'),
            b' ' if space_as_plus => out.push('+'),
            _ => {
                out.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    out.push(HEX.get(usize::from(nibble)).map_or('0', |hex| char::from(*hex)));
                }
            }
        }
    }
    out
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986 section 2.3), over UTF-8. Safe in a path
/// segment and in a query.
pub(crate) fn percent(text: &str) -> String {
    encode(text, false)
}

/// `application/x-www-form-urlencoded` (WHATWG URL section 5.2), over UTF-8.
pub(crate) fn form(text: &str) -> String {
    encode(text, true)
}

/// XML character data and attribute values.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no way to write the other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_pass() {
        assert_eq!(
            percent("aZ09-._~ /?&=#%+ä€"),
            "aZ09-._~%20%2F%3F%26%3D%23%25%2B%C3%A4%E2%82%AC"
        );
        assert_eq!(form("a b~*+&=\r\n"), "a+b%7E*%2B%26%3D%0D%0A");
        assert_eq!(
            xml("<a b=\"c\">&'\u{1}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\u{FFFD}"
        );
    }
}
