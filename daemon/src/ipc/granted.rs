//! Reply attributes of an Access-Accept: what administrators wrote and upstream servers sent, as octets.

use data_encoding::HEXLOWER;
use otpost_ipc::radius::HiddenAttribute;
use otpost_ipc::{Attribute, Secret};
use otpost_radius_wire::dictionary::{AttributeId, Dictionary};
use otpost_radius_wire::value::{Encoded, Entry, once, refused};
use tracing::error;

use crate::login::Granted;

/// User-Name (RFC 2865 section 5.1).
const USER_NAME: u8 = 1;
/// Vendor-Specific (RFC 2865 section 5.26).
const VENDOR_SPECIFIC: u8 = 26;

/// Attributes of one reply.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) plain: Vec<Attribute>,
    pub(super) hidden: Vec<HiddenAttribute>,
}

/// What `granted` and the client's own entries come to; `None` where one of them cannot be written any more: an attribute left out may
/// be the one that narrows what somebody may do.
///
/// The resource's come before the client's, those before the upstream server's. What may stand once is taken from the first.
pub(super) fn reply(dictionary: &Dictionary, granted: &Granted, client: &[String]) -> Option<Reply> {
    let mut reply = Reply::default();
    let mut taken: Vec<AttributeId> = Vec::new();
    for level in [granted.written.as_slice(), client] {
        let mut here = Vec::new();
        for text in level {
            let entry = match Entry::parse(dictionary, text) {
                Ok(entry) => entry,
                Err(problem) => {
                    error!(%problem, "a reply attribute cannot be sent, so nobody is let in with it");
                    return None;
                }
            };
            if taken.contains(&entry.id()) {
                continue;
            }
            here.push(entry.id());
            reply.push(entry.encoded());
        }
        taken.extend(here);
    }
    for attribute in &granted.upstream {
        let id = AttributeId::rfc(attribute.kind);
        // The session's name is that of the person who gave the code.
        let ours = refused(id).is_some() || attribute.kind == USER_NAME || (once(id) && taken.contains(&id));
        if !ours || attribute.kind == VENDOR_SPECIFIC {
            reply.plain.push(Attribute {
                code: attribute.kind,
                value: HEXLOWER.encode(&attribute.value),
            });
        }
    }
    Some(reply)
}

impl Reply {
    fn push(&mut self, encoded: &Encoded) {
        match encoded {
            Encoded::Plain { kind, value } => self.plain.push(Attribute {
                code: *kind,
                value: HEXLOWER.encode(value),
            }),
            Encoded::Salted { kind, head, value } => self.hidden.push(HiddenAttribute {
                code: *kind,
                head: HEXLOWER.encode(head),
                value: Secret::new(HEXLOWER.encode(value)),
            }),
        }
    }
}
