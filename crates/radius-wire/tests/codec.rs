//! Writing, and reading back with our own parser.

#![expect(clippy::unwrap_used, reason = "test")]

use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, MessageAuthenticator, Packet, ReplyBuilder, RequestBuilder,
    SharedSecret, Signing, WireError, attribute, hide_password, reveal_password, split_text,
};

const AUTHENTICATOR: Authenticator = Authenticator([0x5a; 16]);

fn secret() -> SharedSecret {
    SharedSecret::new(b"a shared secret").unwrap()
}

fn login(buffer: &mut [u8], signing: Signing) -> &[u8] {
    let mut request = RequestBuilder::new(buffer, Code::AccessRequest, 7, AUTHENTICATOR, signing).unwrap();
    request.attribute(attribute::USER_NAME, b"alice").unwrap();
    request.password(b"open sesame", &secret()).unwrap();
    request.attribute(attribute::PROXY_STATE, b"first").unwrap();
    request.attribute(attribute::STATE, &[9; 16]).unwrap();
    request.attribute(attribute::PROXY_STATE, b"").unwrap();
    request.attribute(attribute::PROXY_STATE, b"third").unwrap();
    request.finish(&secret())
}

#[test]
fn s06_an_empty_secret_is_refused() {
    assert_eq!(SharedSecret::new(b"").unwrap_err(), WireError::EmptySecret);
}

#[test]
fn a_secret_does_not_print() {
    let shown = format!("{:?} {:#?}", secret(), secret());
    assert!(!shown.contains("shared secret"), "{shown}");
}

#[test]
fn a_request_reads_back_and_its_message_authenticator_holds() {
    let mut buffer = [0; MAX_PACKET];
    let packet = Packet::parse(login(&mut buffer, Signing::MessageAuthenticator)).unwrap();
    assert_eq!(packet.code(), Code::AccessRequest);
    assert_eq!(
        packet.attributes().next().unwrap().kind,
        attribute::MESSAGE_AUTHENTICATOR
    );
    assert_eq!(packet.first(attribute::USER_NAME), Some(b"alice".as_slice()));
    assert_eq!(
        packet.check_message_authenticator(&secret()),
        Ok(MessageAuthenticator::Valid)
    );
    let hidden = packet.first(attribute::USER_PASSWORD).unwrap();
    assert_eq!(
        **reveal_password(hidden, &secret(), &AUTHENTICATOR).unwrap(),
        *b"open sesame"
    );
}

#[test]
fn s29_any_changed_octet_spoils_the_message_authenticator() {
    let mut buffer = [0; MAX_PACKET];
    let original = login(&mut buffer, Signing::MessageAuthenticator).to_vec();
    for at in 0..original.len() {
        let mut changed = original.clone();
        changed[at] ^= 1;
        let Ok(packet) = Packet::parse(&changed) else {
            continue;
        };
        let result = packet.check_message_authenticator(&secret());
        assert_ne!(result, Ok(MessageAuthenticator::Valid), "octet {at}");
    }
}

#[test]
fn s33_a_reply_starts_with_message_authenticator_and_s11_echoes_every_proxy_state_in_order() {
    let (mut asked, mut answered) = ([0; MAX_PACKET], [0; MAX_PACKET]);
    for signing in [Signing::MessageAuthenticator, Signing::None] {
        let request = Packet::parse(login(&mut asked, signing)).unwrap();
        for code in [Code::AccessAccept, Code::AccessReject, Code::AccessChallenge] {
            let mut reply = ReplyBuilder::new(&mut answered, code, &request).unwrap();
            reply.text(attribute::REPLY_MESSAGE, "hello").unwrap();
            reply.number(attribute::PROMPT, 1).unwrap();
            let reply = Packet::parse(reply.finish(&secret())).unwrap();
            assert_eq!(reply.code(), code);
            assert_eq!(
                reply.attributes().next().unwrap().kind,
                attribute::MESSAGE_AUTHENTICATOR
            );
            let echoed: Vec<&[u8]> = reply.all(attribute::PROXY_STATE).collect();
            assert_eq!(echoed, [b"first".as_slice(), b"", b"third"]);
            assert_eq!(reply.first(attribute::PROMPT), Some([0, 0, 0, 1].as_slice()));
            assert_eq!(
                reply.check_reply(&secret(), 7, &AUTHENTICATOR),
                Ok(MessageAuthenticator::Valid)
            );
        }
    }
}

#[test]
fn s05_a_forged_reply_is_noticed() {
    let (mut asked, mut answered) = ([0; MAX_PACKET], [0; MAX_PACKET]);
    let request = Packet::parse(login(&mut asked, Signing::MessageAuthenticator)).unwrap();
    let reply = ReplyBuilder::new(&mut answered, Code::AccessReject, &request).unwrap();
    let mut forged = reply.finish(&secret()).to_vec();
    forged[0] = 2;
    let reply = Packet::parse(&forged).unwrap();
    let result = reply.check_reply(&secret(), 7, &AUTHENTICATOR);
    assert_eq!(result, Err(WireError::ResponseAuthenticatorWrong));
    let other = Authenticator([1; 16]);
    assert_eq!(
        reply.check_reply(&secret(), 7, &other),
        Err(WireError::ResponseAuthenticatorWrong)
    );
    let identifier = reply.check_reply(&secret(), 8, &AUTHENTICATOR);
    assert_eq!(
        identifier,
        Err(WireError::IdentifierMismatch { got: 7, expected: 8 })
    );
}

#[test]
fn s09_only_trailing_nuls_of_a_password_are_padding() {
    for password in [
        b"abc\0def".as_slice(),
        b"",
        b"0123456789abcdef",
        b"\0leading",
        &[7; 128],
    ] {
        let (hidden, length) = hide_password(password, &secret(), &AUTHENTICATOR).unwrap();
        assert_eq!(length % 16, 0);
        assert!((16..=128).contains(&length));
        assert_eq!(
            **reveal_password(&hidden[..length], &secret(), &AUTHENTICATOR).unwrap(),
            *password
        );
    }
    let (hidden, length) = hide_password(b"abc\0\0", &secret(), &AUTHENTICATOR).unwrap();
    assert_eq!(
        **reveal_password(&hidden[..length], &secret(), &AUTHENTICATOR).unwrap(),
        *b"abc"
    );
}

#[test]
fn a_password_of_129_octets_cannot_be_hidden() {
    let result = hide_password(&[1; 129], &secret(), &AUTHENTICATOR);
    assert_eq!(result.unwrap_err(), WireError::PasswordTooLong(129));
}

#[test]
fn a_full_packet_refuses_more_and_stays_at_4096() {
    let mut buffer = [0; 8192];
    let mut request =
        RequestBuilder::new(&mut buffer, Code::AccessRequest, 0, AUTHENTICATOR, Signing::None).unwrap();
    for _ in 0..15 {
        request.attribute(attribute::VENDOR_SPECIFIC, &[1; 253]).unwrap();
    }
    request.attribute(attribute::VENDOR_SPECIFIC, &[1; 249]).unwrap();
    let full = WireError::Full {
        kind: attribute::USER_NAME,
    };
    assert_eq!(request.attribute(attribute::USER_NAME, b""), Err(full));
    let packet = request.finish(&secret());
    assert_eq!(packet.len(), MAX_PACKET);
    assert_eq!(Packet::parse(packet).unwrap().attributes().count(), 16);
}

#[test]
fn a_value_of_254_octets_is_refused() {
    let mut buffer = [0; MAX_PACKET];
    let mut request =
        RequestBuilder::new(&mut buffer, Code::AccessRequest, 0, AUTHENTICATOR, Signing::None).unwrap();
    let too_long = WireError::ValueTooLong { kind: 1, length: 254 };
    assert_eq!(request.attribute(1, &[0; 254]), Err(too_long));
}

#[test]
fn a_buffer_without_room_is_refused() {
    let mut buffer = [0; 19];
    let result = RequestBuilder::new(&mut buffer, Code::AccessRequest, 0, AUTHENTICATOR, Signing::None);
    assert_eq!(result.unwrap_err(), WireError::Buffer(19));
    let mut buffer = [0; 37];
    let signing = Signing::MessageAuthenticator;
    let result = RequestBuilder::new(&mut buffer, Code::AccessRequest, 0, AUTHENTICATOR, signing);
    assert_eq!(
        result.unwrap_err(),
        WireError::Full {
            kind: attribute::MESSAGE_AUTHENTICATOR
        }
    );
}

#[test]
fn s13_long_text_is_split_between_characters() {
    assert_eq!(split_text("").count(), 0);
    assert_eq!(split_text("short").collect::<Vec<_>>(), ["short"]);
    let text = format!("{}{}", "a".repeat(252), "äöü€😀".repeat(60));
    let pieces: Vec<&str> = split_text(&text).collect();
    assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= 253));
    assert_eq!(pieces.first().unwrap().len(), 252);
    assert_eq!(pieces.concat(), text);
}
