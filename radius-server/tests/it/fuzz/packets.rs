//! Requests of every shape, most of them signed with the right secret: that way they reach whatever is behind it.

use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MAX_VALUE, RequestBuilder, SharedSecret, Signing, attribute,
};

use super::dice::Dice;

/// What the server has handed out.
#[derive(Clone)]
pub(super) struct Challenge {
    pub(super) state: Vec<u8>,
    /// Identifier of the EAP packet that came with it.
    pub(super) eap: Option<u8>,
}

/// Attribute types that something looks at, and some that nothing does.
const KINDS: [u8; 34] = [
    1, 2, 3, 4, 5, 6, 8, 18, 24, 25, 26, 27, 30, 31, 32, 33, 40, 41, 42, 44, 46, 49, 52, 60, 61, 66, 70, 76,
    79, 80, 95, 168, 241, 255,
];
const USERS: [&[u8]; 6] = [b"alice", b"alice", b"alice", b"bob", b"", b"al\x00ice\xff"];
const PASSWORDS: [&[u8]; 6] = [b"right", b"right", b"right", b"wrong", b"", b"\xff\xfe\x00\x80"];
const CODES: [&[u8]; 5] = [b"123456", b"123456", b"000000", b"sms", b""];

/// A datagram for a client with this secret.
pub(super) fn datagram(
    dice: &mut Dice,
    secret: &SharedSecret,
    kind: Code,
    sloppy: bool,
    challenges: &[Challenge],
) -> Vec<u8> {
    let unsigned = kind == Code::AccountingRequest || (sloppy && dice.one_in(2)) || dice.one_in(40);
    let signing = if unsigned {
        Signing::None
    } else {
        Signing::MessageAuthenticator
    };
    let mut buffer = [0; MAX_PACKET];
    let authenticator = Authenticator(dice.octets(16).try_into().unwrap());
    let identifier = dice.octet();
    let mut request = RequestBuilder::new(&mut buffer, kind, identifier, authenticator, signing).unwrap();
    extras(dice, &mut request);
    match kind {
        Code::AccountingRequest => account(dice, &mut request),
        Code::StatusServer => {}
        _ => access(dice, &mut request, secret, challenges),
    }
    extras(dice, &mut request);
    let mut octets = request.finish(secret).to_vec();
    if dice.one_in(7) {
        damage(dice, &mut octets);
    }
    octets
}

/// Attributes that belong nowhere.
fn extras(dice: &mut Dice, request: &mut RequestBuilder<'_>) {
    if !dice.one_in(3) {
        return;
    }
    let many = if dice.one_in(20) { 60 } else { 5 };
    for _ in 0..dice.below(many) {
        let kind = if dice.one_in(4) {
            dice.octet()
        } else {
            *dice.pick(&KINDS).unwrap()
        };
        // A second one of these ends nearly every request early; not too often then.
        let ends = [
            attribute::MESSAGE_AUTHENTICATOR,
            attribute::USER_NAME,
            attribute::STATE,
        ];
        if ends.contains(&kind) && !dice.one_in(8) {
            continue;
        }
        let length = match dice.below(6) {
            0 => 0,
            1 => 4,
            2 => 16,
            3 => MAX_VALUE,
            _ => dice.below(MAX_VALUE + 1),
        };
        let value = dice.octets(length);
        let _ = request.attribute(kind, &value);
    }
}

fn access(
    dice: &mut Dice,
    request: &mut RequestBuilder<'_>,
    secret: &SharedSecret,
    challenges: &[Challenge],
) {
    if !dice.one_in(30) {
        let user = dice.pick(&USERS).unwrap();
        let _ = request.attribute(attribute::USER_NAME, user);
    }
    let challenge = if dice.one_in(2) {
        dice.pick(challenges).cloned()
    } else {
        None
    };
    if let Some(challenge) = &challenge {
        let mut state = challenge.state.clone();
        if dice.one_in(10)
            && let Some(octet) = state.first_mut()
        {
            *octet ^= 1 << dice.below(8);
        }
        let _ = request.attribute(attribute::STATE, &state);
    } else if dice.one_in(20) {
        let length = dice.below(50);
        let state = dice.octets(length);
        let _ = request.attribute(attribute::STATE, &state);
    }
    let eap = challenge.as_ref().and_then(|challenge| challenge.eap);
    let secrets: &[&[u8]] = match (&challenge, eap) {
        (None, _) => &PASSWORDS,
        // By EAP the password comes with a State too.
        (Some(_), Some(_)) if dice.one_in(2) => &PASSWORDS,
        _ => &CODES,
    };
    let typed = *dice.pick(secrets).unwrap();
    match dice.below(12) {
        0 => {
            let _ = request.chap(dice.octet(), typed, None);
        }
        1 => {
            let kind = *dice.pick(&[1, 11, 25, 26]).unwrap();
            let length = *dice.pick(&[0, 16, 50, 49, 51]).unwrap();
            let _ = request.vendor(311, kind, &dice.octets(length));
            let _ = request.vendor(311, 11, &dice.octets(16));
        }
        2..5 => say_eap(dice, request, eap, typed),
        5 => {}
        _ => {
            let _ = request.password(typed, secret);
            if dice.one_in(20) {
                let _ = request.password(typed, secret);
            }
        }
    }
}

/// An EAP packet: the next one in turn, or any.
fn say_eap(dice: &mut Dice, request: &mut RequestBuilder<'_>, asked: Option<u8>, typed: &[u8]) {
    let identifier = asked.unwrap_or_else(|| dice.octet());
    let mut packet = match asked {
        _ if dice.one_in(20) => Vec::new(),
        Some(_) if !dice.one_in(5) => [&[2, identifier, 0, 0, 6][..], typed].concat(),
        _ if !dice.one_in(3) => [&[2, identifier, 0, 0, 1][..], b"alice"].concat(),
        _ => {
            let length = dice.below(300);
            let mut octets = vec![dice.octet() % 6, identifier, 0, 0];
            octets.extend(dice.octets(length));
            octets
        }
    };
    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
    if packet.len() >= 4 && !dice.one_in(12) {
        packet[2..4].copy_from_slice(&length);
    }
    if packet.is_empty() {
        let _ = request.attribute(attribute::EAP_MESSAGE, &[]);
    }
    let size = if dice.one_in(4) {
        dice.below(MAX_VALUE) + 1
    } else {
        MAX_VALUE
    };
    for piece in packet.chunks(size) {
        let _ = request.attribute(attribute::EAP_MESSAGE, piece);
    }
}

fn account(dice: &mut Dice, request: &mut RequestBuilder<'_>) {
    if !dice.one_in(20) {
        let status = *dice.pick(&[1, 2, 3, 7, 8, 9, u32::MAX]).unwrap();
        let _ = request.number(attribute::ACCT_STATUS_TYPE, status);
    }
    let _ = request.attribute(attribute::USER_NAME, dice.pick(&USERS).unwrap());
    for kind in [attribute::ACCT_SESSION_ID, 8, 41, 42, 43, 46, 49, 52, 53] {
        if dice.one_in(2) {
            let length = if dice.one_in(5) {
                dice.below(MAX_VALUE + 1)
            } else {
                4
            };
            let value = dice.octets(length);
            let _ = request.attribute(kind, &value);
        }
    }
}

/// What no honest sender does.
fn damage(dice: &mut Dice, octets: &mut Vec<u8>) {
    let at = dice.below(octets.len());
    match dice.below(8) {
        0 => octets[at] ^= 1 << dice.below(8),
        1 => octets.truncate(at),
        2 => {
            let more = dice.below(200);
            octets.extend(dice.octets(more));
        }
        3 => octets[3] = dice.octet(),
        4 => octets[2] = dice.octet(),
        5 => octets[0] = dice.octet(),
        6 => {
            // The length of some attribute.
            let mut at = 20;
            for _ in 0..dice.below(6) {
                let length = octets.get(at + 1).copied().unwrap_or(2).max(2);
                if at + usize::from(length) + 1 < octets.len() {
                    at += usize::from(length);
                }
            }
            if let Some(length) = octets.get_mut(at + 1) {
                *length = dice.octet();
            }
        }
        _ => {
            let length = dice.below(5000);
            *octets = dice.octets(length);
        }
    }
}
