//! LDAP messages (RFC 4511): those that we send and those that answer them.

use otpost_core::source::filter::Filter;
use zeroize::Zeroizing;

use super::ber::{self, BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTETS, Reader, SEQUENCE, element, number};

/// Asks for a word on the account with the answer to a bind (draft-behera-ldap-password-policy).
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const CONTROLS: u8 = 0xa0;
/// Longest quotation of a server, in characters.
const QUOTE_LIMIT: usize = 200;

/// How far a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// This entry.
    Entry,
    /// It and all below.
    Below,
}

/// A search.
#[derive(Debug, Clone)]
pub(super) struct Query<'a> {
    pub(super) base: &'a str,
    pub(super) depth: Depth,
    pub(super) filter: &'a Filter,
    /// Fill the filter's places.
    pub(super) user: &'a str,
    pub(super) dn: &'a str,
    /// Most entries; the server ends there too.
    pub(super) limit: u32,
    pub(super) seconds: u32,
    pub(super) attributes: &'a [&'a str],
}

/// What an operation came to (LDAPResult, RFC 4511 section 4.1.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    /// What the server said, on one line and not endless.
    pub(super) text: String,
    /// `error` of a password policy.
    pub(super) policy: Option<u32>,
}

/// An entry that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    /// Values that are text.
    pub(super) attributes: Vec<(String, Vec<String>)>,
}

impl Entry {
    /// Values of an attribute, whatever the server makes of its case or puts behind it (`;lang-de`).
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        let same = |found: &str| {
            found
                .split(';')
                .next()
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        let values = self.attributes.iter().filter(|(found, _)| same(found));
        values.flat_map(|(_, values)| values.iter().cloned()).collect()
    }
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Bound(Outcome),
    Found(Entry),
    /// A referral: somebody else may know more. Not followed: passwords go nowhere but where they were told to.
    Elsewhere,
    Searched(Outcome),
    Extended(Outcome),
}

fn envelope(id: u32, operation: &[u8], controls: &[u8]) -> Zeroizing<Vec<u8>> {
    element(SEQUENCE, &[&number(INTEGER, id), operation, controls])
}

/// BindRequest with a password.
pub(super) fn bind(id: u32, dn: &str, password: &str) -> Zeroizing<Vec<u8>> {
    let request = element(
        0x60,
        &[
            &number(INTEGER, 3),
            &element(OCTETS, &[dn.as_bytes()]),
            &element(0x80, &[password.as_bytes()]),
        ],
    );
    let control = element(SEQUENCE, &[&element(OCTETS, &[PASSWORD_POLICY.as_bytes()])]);
    envelope(id, &request, &element(CONTROLS, &[&control]))
}

/// ExtendedRequest for TLS (RFC 4511 section 4.14).
pub(super) fn start_tls(id: u32) -> Zeroizing<Vec<u8>> {
    let request = element(0x77, &[&element(0x80, &[START_TLS.as_bytes()])]);
    envelope(id, &request, &[])
}

/// SearchRequest.
pub(super) fn search(id: u32, query: &Query<'_>) -> Zeroizing<Vec<u8>> {
    let depth = match query.depth {
        Depth::Entry => 0,
        Depth::Below => 2,
    };
    let attributes: Vec<_> = query
        .attributes
        .iter()
        .map(|name| element(OCTETS, &[name.as_bytes()]))
        .collect();
    let attributes: Vec<&[u8]> = attributes.iter().map(|name| name.as_slice()).collect();
    let request = element(
        0x63,
        &[
            &element(OCTETS, &[query.base.as_bytes()]),
            &number(ENUMERATED, depth),
            // Aliases are not followed.
            &number(ENUMERATED, 0),
            &number(INTEGER, query.limit),
            &number(INTEGER, query.seconds),
            &element(BOOLEAN, &[&[0]]),
            &filter(query.filter, query.user, query.dn),
            &element(SEQUENCE, &attributes),
        ],
    );
    envelope(id, &request, &[])
}

/// A filter's depth is bounded where it is read.
fn filter(what: &Filter, user: &str, dn: &str) -> Zeroizing<Vec<u8>> {
    let list = |tag, parts: &[Filter]| {
        let parts: Vec<_> = parts.iter().map(|part| filter(part, user, dn)).collect();
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_slice()).collect();
        element(tag, &parts)
    };
    let pair = |tag, attribute: &str, value: &[u8]| {
        element(
            tag,
            &[
                &element(OCTETS, &[attribute.as_bytes()]),
                &element(OCTETS, &[value]),
            ],
        )
    };
    match what {
        Filter::And(parts) => list(0xa0, parts),
        Filter::Or(parts) => list(0xa1, parts),
        Filter::Not(part) => element(0xa2, &[&filter(part, user, dn)]),
        Filter::Equal(attribute, value) => pair(0xa3, attribute, &value.fill(user, dn)),
        Filter::Greater(attribute, value) => pair(0xa5, attribute, &value.fill(user, dn)),
        Filter::Less(attribute, value) => pair(0xa6, attribute, &value.fill(user, dn)),
        Filter::Approx(attribute, value) => pair(0xa8, attribute, &value.fill(user, dn)),
        Filter::Present(attribute) => element(0x87, &[attribute.as_bytes()]),
        Filter::Substring {
            attribute,
            initial,
            any,
            last,
        } => {
            let mut pieces = Vec::new();
            if !initial.is_empty() {
                pieces.push(element(0x80, &[initial]));
            }
            pieces.extend(any.iter().map(|part| element(0x81, &[part])));
            if !last.is_empty() {
                pieces.push(element(0x82, &[last]));
            }
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_slice()).collect();
            element(
                0xa4,
                &[
                    &element(OCTETS, &[attribute.as_bytes()]),
                    &element(SEQUENCE, &pieces),
                ],
            )
        }
        Filter::Extensible {
            attribute,
            dn: parts,
            rule,
            value,
        } => {
            let mut pieces = Vec::new();
            if !rule.is_empty() {
                pieces.push(element(0x81, &[rule.as_bytes()]));
            }
            if !attribute.is_empty() {
                pieces.push(element(0x82, &[attribute.as_bytes()]));
            }
            pieces.push(element(0x83, &[&value.fill(user, dn)]));
            if *parts {
                pieces.push(element(0x84, &[&[0xff]]));
            }
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_slice()).collect();
            element(0xa9, &pieces)
        }
    }
}

/// Reads the content of an LDAPMessage: its id and what it answers. `None` for what nobody asked for (RFC 4511 section 4.13).
pub(super) fn read(content: &[u8]) -> Result<(u32, Option<Answer>), Malformed> {
    let mut message = Reader::new(content);
    let id = ber::unsigned(message.expect(INTEGER)?)?;
    let (tag, body) = message.next()?;
    let controls = if message.is_empty() {
        &[]
    } else {
        message.expect(CONTROLS)?
    };
    let answer = match tag {
        0x61 => Some(Answer::Bound(outcome(body, controls)?)),
        0x64 => Some(Answer::Found(entry(body)?)),
        0x65 => Some(Answer::Searched(outcome(body, controls)?)),
        0x73 => Some(Answer::Elsewhere),
        0x78 => Some(Answer::Extended(outcome(body, controls)?)),
        _ => None,
    };
    Ok((id, answer))
}

fn outcome(body: &[u8], controls: &[u8]) -> Result<Outcome, Malformed> {
    let mut body = Reader::new(body);
    let code = ber::unsigned(body.expect(ENUMERATED)?)?;
    body.expect(OCTETS)?;
    let text = quoted(&String::from_utf8_lossy(body.expect(OCTETS)?));
    let mut policy = None;
    let mut controls = Reader::new(controls);
    while !controls.is_empty() {
        let mut control = Reader::new(controls.expect(SEQUENCE)?);
        if control.expect(OCTETS)? != PASSWORD_POLICY.as_bytes() {
            continue;
        }
        while !control.is_empty() {
            if let (OCTETS, value) = control.next()? {
                policy = policy_error(value)?;
            }
        }
    }
    Ok(Outcome { code, text, policy })
}

/// `error` of PasswordPolicyResponseValue.
fn policy_error(value: &[u8]) -> Result<Option<u32>, Malformed> {
    let mut value = Reader::new(Reader::new(value).expect(SEQUENCE)?);
    while !value.is_empty() {
        if let (0x81, error) = value.next()? {
            return ber::unsigned(error).map(Some);
        }
    }
    Ok(None)
}

fn entry(body: &[u8]) -> Result<Entry, Malformed> {
    let mut body = Reader::new(body);
    let dn = String::from_utf8(body.expect(OCTETS)?.to_vec()).map_err(|_| Malformed)?;
    let mut attributes = Vec::new();
    let mut list = Reader::new(body.expect(SEQUENCE)?);
    while !list.is_empty() {
        let mut attribute = Reader::new(list.expect(SEQUENCE)?);
        let name = String::from_utf8(attribute.expect(OCTETS)?.to_vec()).map_err(|_| Malformed)?;
        // SET OF
        let mut set = Reader::new(attribute.expect(0x31)?);
        let mut values = Vec::new();
        while !set.is_empty() {
            // What is no text (a photograph, a SID) is of no use here.
            if let Ok(text) = String::from_utf8(set.expect(OCTETS)?.to_vec()) {
                values.push(text);
            }
        }
        attributes.push((name, values));
    }
    Ok(Entry { dn, attributes })
}

/// What a server said, on one line and not endless.
pub(super) fn quoted(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTE_LIMIT)
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}
