//! What a server by the RFCs must do, as far as packets alone show it. `sNN` is the number of the statement in the
//! list that the tests of the whole program follow.

#![expect(clippy::unwrap_used, reason = "test")]

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MessageAuthenticator, Packet, ReplyBuilder, RequestBuilder,
    SharedSecret, Signing, WireError, attribute, reveal_password,
};

const SECRET: &[u8] = b"a shared secret";
const AUTHENTICATOR: Authenticator = Authenticator([0x5a; 16]);

fn secret() -> SharedSecret {
    SharedSecret::new(SECRET).unwrap()
}

fn packet(length: usize, attributes: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
    let mut packet = vec![1, 9, high, low];
    packet.extend([0x5a; 16]);
    packet.extend(attributes);
    packet
}

fn signed(code: Code) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    let mut request =
        RequestBuilder::new(&mut buffer, code, 9, AUTHENTICATOR, Signing::MessageAuthenticator).unwrap();
    request.attribute(attribute::PROXY_STATE, b"hop").unwrap();
    request.finish(&secret()).to_vec()
}

#[test]
fn s01_lengths_outside_20_to_4096_or_the_datagram_are_refused() {
    for octets in 0..20 {
        let datagram = packet(20, &[])[..octets].to_vec();
        assert_eq!(Packet::parse(&datagram).unwrap_err(), WireError::Datagram(octets));
    }
    for length in (0..20).chain([4097, 65535]) {
        let datagram = packet(length, &[0; 5000]);
        assert_eq!(Packet::parse(&datagram).unwrap_err(), WireError::Length(length));
    }
    for length in [21, 4096] {
        let truncated = WireError::Truncated { length, datagram: 20 };
        assert_eq!(Packet::parse(&packet(length, &[])).unwrap_err(), truncated);
    }
    Packet::parse(&packet(20, &[])).unwrap();
}

#[test]
fn s02_octets_after_length_are_ignored() {
    let datagram = packet(25, &[1, 5, b'b', b'o', b'b', 0xff, 0, 1]);
    let packet = Packet::parse(&datagram).unwrap();
    assert_eq!(packet.octets(), &datagram[..25]);
    assert_eq!(packet.attributes().count(), 1);
    assert_eq!(packet.first(attribute::USER_NAME), Some(b"bob".as_slice()));
}

#[test]
fn s03_attribute_lengths_of_0_and_1_and_over_the_end_are_refused() {
    for (attributes, error) in [
        (&[1, 0][..], WireError::AttributeLength { at: 20 }),
        (&[1, 1], WireError::AttributeLength { at: 20 }),
        (&[1], WireError::AttributeLength { at: 20 }),
        (&[1, 3, 7, 1], WireError::AttributeLength { at: 23 }),
        (&[1, 3], WireError::AttributeOverrun { at: 20 }),
        (&[1, 3, 7, 1, 255, 0], WireError::AttributeOverrun { at: 23 }),
    ] {
        let datagram = packet(20 + attributes.len(), attributes);
        assert_eq!(Packet::parse(&datagram).unwrap_err(), error, "{attributes:?}");
    }
}

#[test]
fn s04_an_unknown_code_is_read_and_told_apart() {
    for number in 0..=u8::MAX {
        let mut datagram = packet(20, &[]);
        datagram[0] = number;
        let known = matches!(number, 1..=5 | 11 | 12);
        let code = Packet::parse(&datagram).unwrap().code();
        assert_eq!(matches!(code, Code::Other(_)), !known, "{code}");
    }
}

#[test]
fn s08_a_user_password_not_of_16_to_128_octets_in_steps_of_16_is_refused() {
    for length in 0..=253 {
        let result = reveal_password(&vec![7; length], &secret(), &AUTHENTICATOR);
        if (16..=128).contains(&length) && length % 16 == 0 {
            assert!(result.unwrap().len() <= length);
        } else {
            assert_eq!(result.unwrap_err(), WireError::PasswordLength(length));
        }
    }
}

#[test]
fn s29_a_message_authenticator_wrong_doubled_or_not_of_16_octets_is_noticed() {
    let right = signed(Code::AccessRequest);
    let check = |octets: &[u8]| {
        Packet::parse(octets)
            .unwrap()
            .check_message_authenticator(&secret())
    };
    assert_eq!(check(&right), Ok(MessageAuthenticator::Valid));
    for bit in 0..128 {
        let mut wrong = right.clone();
        wrong[22 + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(check(&wrong), Err(WireError::MessageAuthenticatorWrong));
    }
    let own = right[20..38].to_vec();
    let mut doubled = right;
    doubled.extend(own);
    doubled[3] += 18;
    assert_eq!(check(&doubled), Err(WireError::MessageAuthenticatorDoubled));
    for length in (0..=253).filter(|length| *length != 16) {
        let mut attributes = vec![80, u8::try_from(length + 2).unwrap()];
        attributes.extend(vec![0; length]);
        let datagram = packet(20 + attributes.len(), &attributes);
        assert_eq!(
            check(&datagram),
            Err(WireError::MessageAuthenticatorLength(length))
        );
    }
}

#[test]
fn s33_every_reply_kind_has_message_authenticator_first_and_accounting_when_asked_with_one() {
    let access = signed(Code::AccessRequest);
    let accounting = signed(Code::AccountingRequest);
    let status = signed(Code::StatusServer);
    for (request, code) in [
        (&access, Code::AccessAccept),
        (&access, Code::AccessReject),
        (&access, Code::AccessChallenge),
        (&status, Code::AccessAccept),
        (&status, Code::AccountingResponse),
        (&accounting, Code::AccountingResponse),
    ] {
        let request = Packet::parse(request).unwrap();
        let mut buffer = [0; MAX_PACKET];
        let reply = ReplyBuilder::new(&mut buffer, code, &request).unwrap();
        let reply = Packet::parse(reply.finish(&secret())).unwrap();
        let kinds: Vec<u8> = reply.attributes().map(|attribute| attribute.kind).collect();
        assert_eq!(kinds, [attribute::MESSAGE_AUTHENTICATOR, attribute::PROXY_STATE]);
        let checked = reply.check_reply(&secret(), 9, &request.authenticator());
        assert_eq!(checked, Ok(MessageAuthenticator::Valid));
    }
}

#[test]
fn s34_the_requests_authenticator_is_in_both_computations_and_the_response_authenticator_is_last() {
    let request = signed(Code::AccessRequest);
    let mut buffer = [0; MAX_PACKET];
    let request = Packet::parse(&request).unwrap();
    let mut reply = ReplyBuilder::new(&mut buffer, Code::AccessChallenge, &request).unwrap();
    reply.text(attribute::REPLY_MESSAGE, "Code?").unwrap();
    let reply = reply.finish(&secret()).to_vec();

    let mut signed = reply.clone();
    signed[4..20].copy_from_slice(&AUTHENTICATOR.0);
    let response = Md5::new().chain_update(&signed).chain_update(SECRET).finalize();
    assert_eq!(reply[4..20], *response);
    signed[22..38].fill(0);
    let mac = Hmac::<Md5>::new_from_slice(SECRET)
        .unwrap()
        .chain_update(&signed)
        .finalize()
        .into_bytes();
    assert_eq!(reply[22..38], *mac);
}

#[test]
fn s48_an_accounting_request_is_believed_only_with_its_authenticator() {
    let right = signed(Code::AccountingRequest);
    let check = |octets: &[u8]| Packet::parse(octets).unwrap().check_accounting_request(&secret());
    assert_eq!(check(&right), Ok(MessageAuthenticator::Valid));
    for at in (0..right.len()).filter(|at| ![2, 3, 21, 39].contains(at)) {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        assert_eq!(
            check(&wrong),
            Err(WireError::RequestAuthenticatorWrong),
            "octet {at}"
        );
    }
    let access = signed(Code::AccessRequest);
    assert_eq!(check(&access), Err(WireError::RequestAuthenticatorWrong));
}
