use otpost_radius_wire::{Code, MAX_PACKET, RequestBuilder, Signing};

use super::*;

const AUTHENTICATOR: Authenticator = Authenticator([4; 16]);

fn client() -> Client {
    Client::sample("vpn", "secret")
}

/// A request with this password and these attributes, examined.
fn examined(password: Option<&[u8]>, attributes: &[(u8, &[u8])]) -> Result<RadiusOp, Refusal> {
    let mut buffer = [0; MAX_PACKET];
    let signing = Signing::MessageAuthenticator;
    let mut request =
        RequestBuilder::new(&mut buffer, Code::AccessRequest, 5, AUTHENTICATOR, signing).unwrap();
    if let Some(password) = password {
        request.password(password, &client().secret).unwrap();
    }
    for (kind, value) in attributes {
        request.attribute(*kind, value).unwrap();
    }
    let packet = Packet::parse(request.finish(&client().secret)).unwrap();
    match examine(
        &packet,
        &client(),
        IpAddr::from([192, 0, 2, 1]),
        ("attempt".to_owned(), 0),
    )? {
        Examined::Daemon(op) => Ok(op),
        Examined::Eap(_) => panic!("nothing here is EAP of a client that may"),
    }
}

const ALICE: (u8, &[u8]) = (USER_NAME_TYPE, b"alice");

#[test]
fn without_state_a_login_begins_with_all_that_the_vpn_says() {
    let op = examined(
        Some("pässword".as_bytes()),
        &[
            ALICE,
            (NAS_IP_ADDRESS_TYPE, &[10, 0, 0, 1]),
            (NAS_PORT_TYPE, &[0, 0, 1, 0]),
            (NAS_IDENTIFIER_TYPE, b"gate\nway"),
            (CALLING_STATION_ID_TYPE, b"203.0.113.9"),
            (ACCT_SESSION_ID_TYPE, b"\xff7"),
            (241, b"unknown"),
        ],
    );
    let expected = RadiusBegin {
        client: "vpn".to_owned(),
        user: "alice".to_owned(),
        credentials: Credentials::Pap {
            password: Secret::from("pässword"),
        },
        attempt: "attempt".to_owned(),
        nas: Nas {
            source: "192.0.2.1".to_owned(),
            ip: "10.0.0.1".to_owned(),
            identifier: "gate\u{fffd}way".to_owned(),
            port: "256".to_owned(),
            calling_station: "203.0.113.9".to_owned(),
            acct_session: "\u{fffd}7".to_owned(),
            ..Nas::default()
        },
    };
    assert_eq!(op, Ok(RadiusOp::Begin(expected)));
}

#[test]
fn nas_ipv6_address_counts_where_there_is_no_ipv4_one() {
    let address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let Ok(RadiusOp::Begin(begin)) = examined(Some(b"p"), &[ALICE, (NAS_IPV6_ADDRESS_TYPE, &address)]) else {
        panic!("no begin");
    };
    assert_eq!(begin.nas.ip, "2001:db8::1");
}

#[test]
fn with_state_the_password_is_an_answer() {
    let state = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff";
    let expected = RadiusAnswer {
        client: "vpn".to_owned(),
        user: "alice".to_owned(),
        session: "000102030405060708090a0b0c0d0eff".to_owned(),
        credentials: Credentials::Pap {
            password: Secret::from("012345"),
        },
        attempt: "attempt".to_owned(),
        nas: Nas {
            source: "192.0.2.1".to_owned(),
            ..Nas::default()
        },
    };
    let op = examined(Some(b"012345"), &[ALICE, (STATE_TYPE, &state)]);
    assert_eq!(op, Ok(RadiusOp::Answer(expected)));
}

#[test]
fn an_empty_answer_is_an_answer() {
    let Ok(RadiusOp::Answer(answer)) = examined(Some(b""), &[ALICE, (STATE_TYPE, &[1; 16])]) else {
        panic!("no answer");
    };
    assert_eq!(
        answer.credentials,
        Credentials::Pap {
            password: Secret::from("")
        }
    );
}

#[test]
fn a_state_of_another_length_or_two_are_refused() {
    for state in [&[][..], &[1], &[1; 15], &[1; 17], &[1; 32]] {
        assert_eq!(
            examined(Some(b"p"), &[ALICE, (STATE_TYPE, state)]),
            Err(Refusal::State),
            "{state:?}"
        );
    }
    let two = [ALICE, (STATE_TYPE, [1; 16].as_slice()), (STATE_TYPE, &[1; 16])];
    assert_eq!(examined(Some(b"p"), &two), Err(Refusal::State));
}

#[test]
fn a_request_without_credentials_is_refused() {
    assert_eq!(examined(None, &[ALICE]), Err(Refusal::NoCredentials));
    assert_eq!(
        examined(None, &[ALICE, (STATE_TYPE, &[1; 16])]),
        Err(Refusal::NoCredentials)
    );
}

#[test]
fn what_cannot_be_checked_is_refused_with_a_text_that_names_pap() {
    let others: [(u8, &[u8], Refusal); 5] = [
        (CHAP_PASSWORD_TYPE, &[0; 16], Refusal::Malformed),
        (EAP_MESSAGE_TYPE, &[2, 0, 0, 5, 1], Refusal::Method),
        (ARAP_PASSWORD_TYPE, &[0; 16], Refusal::Method),
        (VENDOR_SPECIFIC_TYPE, &[0, 0, 1, 55, 1, 52, 0], Refusal::Malformed),
        (
            VENDOR_SPECIFIC_TYPE,
            &[0, 0, 1, 55, 25, 52, 0],
            Refusal::Malformed,
        ),
    ];
    for (kind, value, refusal) in others {
        let other = (kind, value);
        assert_eq!(examined(None, &[ALICE, other]), Err(refusal), "{other:?}");
        assert_eq!(
            examined(Some(b"p"), &[ALICE, other]),
            Err(Refusal::Ambiguous),
            "{other:?}"
        );
    }
    let chap = examined(None, &[ALICE, (CHAP_PASSWORD_TYPE, &[7; 17])]);
    assert!(
        matches!(
            &chap,
            Ok(RadiusOp::Begin(RadiusBegin {
                credentials: Credentials::Chap { id: 7, .. },
                ..
            }))
        ),
        "{chap:?}"
    );
    assert!(Refusal::Method.text().contains("PAP"));
    let harmless = (VENDOR_SPECIFIC_TYPE, [0, 0, 1, 55, 28, 6, 1, 2, 3, 4].as_slice());
    assert!(examined(Some(b"p"), &[ALICE, harmless]).is_ok());
}

#[test]
fn two_passwords_are_refused() {
    assert_eq!(
        examined(Some(b"p"), &[ALICE, (USER_PASSWORD_TYPE, &[0; 16])]),
        Err(Refusal::Ambiguous)
    );
}

#[test]
fn a_password_of_a_wrong_length_is_refused() {
    for length in [0, 1, 15, 17, 144] {
        let hidden = vec![0; length];
        let refusal = examined(None, &[ALICE, (USER_PASSWORD_TYPE, &hidden)]);
        assert_eq!(refusal, Err(Refusal::PasswordLength), "{length}");
    }
}

#[test]
fn a_password_that_is_no_text_is_refused() {
    assert_eq!(examined(Some(b"\xff\xfe"), &[ALICE]), Err(Refusal::PasswordText));
}

#[test]
fn a_user_name_must_be_one_clean_text() {
    for name in [
        &b""[..],
        b"a\nb",
        b"a\0",
        b"\x1b[31m",
        b"\xff",
        "a\u{85}".as_bytes(),
    ] {
        assert_eq!(
            examined(Some(b"p"), &[(USER_NAME_TYPE, name)]),
            Err(Refusal::UserName),
            "{name:?}"
        );
    }
    assert_eq!(examined(Some(b"p"), &[]), Err(Refusal::UserName));
    assert_eq!(examined(Some(b"p"), &[ALICE, ALICE]), Err(Refusal::UserName));
    for name in ["CORP\\alice", "alice@corp.example", "Ålice Ω", "svc-x$"] {
        assert!(
            examined(Some(b"p"), &[(USER_NAME_TYPE, name.as_bytes())]).is_ok(),
            "{name}"
        );
    }
    assert!(examined(Some(b"p"), &[(USER_NAME_TYPE, &[b'x'; 253])]).is_ok());
}

#[test]
fn an_attempt_is_named_by_address_port_identifier_and_authenticator() {
    let source: SocketAddr = "192.0.2.1:1024".parse().unwrap();
    let name = attempt_id(source, 5, &AUTHENTICATOR);
    assert_eq!(name.len(), 64);
    assert!(
        name.bytes()
            .all(|octet| octet.is_ascii_hexdigit() && !octet.is_ascii_uppercase())
    );
    assert_eq!(
        attempt_id("[::ffff:192.0.2.1]:1024".parse().unwrap(), 5, &AUTHENTICATOR),
        name
    );
    for (other, identifier, authenticator) in [
        ("192.0.2.2:1024", 5, AUTHENTICATOR),
        ("192.0.2.1:1025", 5, AUTHENTICATOR),
        ("192.0.2.1:1024", 6, AUTHENTICATOR),
        ("192.0.2.1:1024", 5, Authenticator([5; 16])),
    ] {
        assert_ne!(
            attempt_id(other.parse().unwrap(), identifier, &authenticator),
            name
        );
    }
}
