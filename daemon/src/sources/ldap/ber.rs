//! The part of the Basic Encoding Rules that LDAP uses (RFC 4511 section 5.1): definite lengths, tags of one octet. Nothing here
//! recurses, allocates by what a peer says, or fails by panicking.

use zeroize::Zeroizing;

/// BOOLEAN
pub(super) const BOOLEAN: u8 = 0x01;
/// INTEGER
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING
pub(super) const OCTETS: u8 = 0x04;
/// ENUMERATED
pub(super) const ENUMERATED: u8 = 0x0a;
/// SEQUENCE
pub(super) const SEQUENCE: u8 = 0x30;

/// What is no BER, or not what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// One element: tag, length, and `parts` one after the other. Wiped when dropped, because it may hold a password; it is made in one
/// piece, because growing would leave copies behind.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(length + 6));
    out.push(tag);
    // Lengths are those of our own messages, far below 4 GiB.
    let octets = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    match (u8::try_from(length), octets) {
        (Ok(short @ 0..=0x7f), _) => out.push(short),
        (_, [0, 0, 0, one]) => out.extend([0x81, one]),
        (_, [0, 0, two @ ..]) => {
            out.push(0x82);
            out.extend(two);
        }
        (_, four) => {
            out.push(0x84);
            out.extend(four);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A number that is not negative, with this tag.
pub(super) fn number(tag: u8, value: u32) -> Zeroizing<Vec<u8>> {
    // With a leading zero, so that no number looks negative; shorter where that is not needed.
    let [a, b, c, d] = value.to_be_bytes();
    let octets = [0, a, b, c, d];
    let mut rest: &[u8] = &octets;
    while let [0, next, ..] = rest
        && *next < 0x80
    {
        rest = rest.get(1..).unwrap_or_default();
    }
    element(tag, &[rest])
}

/// How an element goes on behind its tag: the length, and how many octets said so. `None` while octets are missing.
pub(super) fn length(octets: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some((&first, rest)) = octets.split_first() else {
        return Ok(None);
    };
    if first < 0x80 {
        return Ok(Some((usize::from(first), 1)));
    }
    let count = usize::from(first & 0x7f);
    // 0 would be the indefinite form, which LDAP does not have.
    if !(1..=4).contains(&count) {
        return Err(Malformed);
    }
    let Some(octets) = rest.get(..count) else {
        return Ok(None);
    };
    let length = octets
        .iter()
        .fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
    Ok(Some((usize::try_from(length).map_err(|_| Malformed)?, count + 1)))
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element's tag and content.
    pub(super) fn next(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (&tag, behind) = self.0.split_first().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, header) = length(behind)?.ok_or(Malformed)?;
        let (content, rest) = behind
            .get(header..)
            .and_then(|behind| behind.split_at_checked(length))
            .ok_or(Malformed)?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// The content of the next element, which has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }
}

/// The number in `octets`, which is not negative.
pub(super) fn unsigned(octets: &[u8]) -> Result<u32, Malformed> {
    match octets {
        [] => Err(Malformed),
        [first, ..] if *first >= 0x80 => Err(Malformed),
        octets if octets.len() > 5 => Err(Malformed),
        octets => {
            let sum = octets
                .iter()
                .fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
            u32::try_from(sum).map_err(|_| Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_are_as_x690_has_them() {
        for (value, octets) in [
            (0_u32, &[2_u8, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (256, &[2, 2, 1, 0]),
            (u32::MAX, &[2, 5, 0, 255, 255, 255, 255]),
        ] {
            let written = number(INTEGER, value);
            assert_eq!(written.as_slice(), octets, "{value}");
            assert_eq!(
                unsigned(Reader::new(&written).expect(INTEGER).unwrap()),
                Ok(value)
            );
        }
        for (size, header) in [
            (0_usize, &[4_u8, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x84, 0, 1, 0, 0]),
        ] {
            let content = vec![7; size];
            let written = element(OCTETS, &[&content]);
            assert!(written.starts_with(header), "{size}");
            assert_eq!(written.len(), header.len() + size);
            let mut reader = Reader::new(&written);
            assert_eq!(reader.expect(OCTETS).unwrap(), content);
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn whatever_is_cut_or_too_long_is_malformed() {
        for octets in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81],
            &[0x30, 0x85, 0, 0, 0, 0, 1, 7],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x1f, 0x20, 0],
        ] {
            assert_eq!(Reader::new(octets).next(), Err(Malformed), "{octets:?}");
        }
        assert_eq!(unsigned(&[]), Err(Malformed));
        assert_eq!(unsigned(&[0x80]), Err(Malformed));
        assert_eq!(unsigned(&[1, 0, 0, 0, 0]), Err(Malformed));
        assert_eq!(unsigned(&[0, 0, 0, 0, 0, 1]), Err(Malformed));
        // Active Directory writes lengths in four octets whatever they are.
        assert_eq!(Reader::new(&[4, 0x84, 0, 0, 0, 1, 9]).next(), Ok((4, &[9][..])));
    }
}
