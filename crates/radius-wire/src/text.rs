use crate::MAX_VALUE;

/// Cuts text into values of at most 253 octets, never inside a character (RFC 2865 section 5: text is UTF-8).
/// Empty text gives nothing.
pub fn split_text(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_VALUE));
        rest = after;
        Some(piece)
    })
}
