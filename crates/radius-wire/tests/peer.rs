//! Against the crate `radius`, an implementation by other people.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use otpost_radius_wire::{
    Accounting, AcctStatus, Authenticator, Code, EapPacket, MAX_PACKET, MessageAuthenticator, Packet,
    ReplyBuilder, RequestBuilder, SharedSecret, Signing, attribute, hide_password, join_eap, reveal_password,
};
use proptest::prelude::*;
use radius::core::{
    avp::AVP, code::Code as PeerCode, packet::Packet as Peer, rfc2865, rfc2866, rfc2869, rfc3162, rfc3576,
};

/// Octets that are often nearly a packet: a right header, attributes with mostly right lengths.
fn nearly_a_packet() -> impl Strategy<Value = Vec<u8>> {
    let attribute = (
        any::<u8>(),
        prop::collection::vec(any::<u8>(), 0..40),
        -1_i16..=1_i16,
    );
    let attributes = prop::collection::vec(attribute, 0..12);
    (
        any::<[u8; 2]>(),
        any::<[u8; 16]>(),
        attributes,
        -2_i32..=2_i32,
        0_usize..6,
        any::<bool>(),
    )
        .prop_map(|(head, authenticator, attributes, shift, padding, exact)| {
            let mut packet = vec![head[0], head[1], 0, 0];
            packet.extend(authenticator);
            for (kind, value, off) in attributes {
                let length = i16::try_from(value.len()).unwrap() + 2 + if exact { 0 } else { off };
                packet.extend([kind, u8::try_from(length).unwrap()]);
                packet.extend(value);
            }
            let length = i32::try_from(packet.len()).unwrap() + if exact { 0 } else { shift };
            packet[2..4].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            packet.extend(std::iter::repeat_n(0xee, padding));
            packet
        })
}

fn agrees(datagram: &[u8]) {
    let ours = Packet::parse(datagram);
    let theirs = Peer::decode(datagram, b"secret");
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{ours:?} {theirs:?}");
    let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
        return;
    };
    assert_eq!(ours.identifier(), theirs.get_identifier());
    assert_eq!(&ours.authenticator().0, theirs.get_authenticator().as_slice());
    for kind in 0..=u8::MAX {
        let theirs: Vec<Vec<u8>> = theirs
            .lookup_all(kind)
            .iter()
            .map(|avp| avp.encode_bytes())
            .collect();
        let ours: Vec<&[u8]> = ours.all(kind).collect();
        assert_eq!(ours, theirs, "attribute {kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_any_octets_neither_panics_nor_disagrees_with_the_peer(
        datagram in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        agrees(&datagram);
    }

    #[test]
    fn parsing_near_packets_agrees_with_the_peer(datagram in nearly_a_packet()) {
        agrees(&datagram);
    }

    #[test]
    fn checking_near_packets_never_panics(datagram in nearly_a_packet(), secret in "[a-z]{1,80}") {
        let secret = SharedSecret::new(secret.as_bytes()).unwrap();
        if let Ok(packet) = Packet::parse(&datagram) {
            let walked: usize = packet.attributes().map(|attribute| attribute.value.len() + 2).sum();
            prop_assert_eq!(walked + 20, packet.octets().len());
            let _ = packet.check_message_authenticator(&secret);
            let _ = packet.check_reply(&secret, packet.identifier(), &Authenticator([0; 16]));
            let mut buffer = [0; MAX_PACKET];
            let _ = ReplyBuilder::new(&mut buffer, Code::AccessReject, &packet);
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        identifier in any::<u8>(),
        authenticator in any::<[u8; 16]>(),
        attributes in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..=253)), 0..12),
        signed in any::<bool>(),
    ) {
        let secret = SharedSecret::new(b"secret").unwrap();
        let authenticator = Authenticator(authenticator);
        let signing = if signed { Signing::MessageAuthenticator } else { Signing::None };
        let mut buffer = [0; MAX_PACKET];
        let mut request =
            RequestBuilder::new(&mut buffer, Code::AccessRequest, identifier, authenticator, signing).unwrap();
        for (kind, value) in &attributes {
            request.attribute(*kind, value).unwrap();
        }
        let octets = request.finish(&secret);
        agrees(octets);
        let packet = Packet::parse(octets).unwrap();
        let read: Vec<(u8, Vec<u8>)> = packet
            .attributes()
            .skip(usize::from(signed))
            .map(|attribute| (attribute.kind, attribute.value.to_vec()))
            .collect();
        prop_assert_eq!(read, attributes);
        prop_assert_eq!(packet.authenticator(), authenticator);
    }

    #[test]
    fn s45_eap_is_cut_and_joined_like_the_peers(answer in prop::collection::vec(any::<u8>(), 0..1500)) {
        let secret = SharedSecret::new(b"secret").unwrap();
        let packet = EapPacket::gtc_response(9, &answer);
        let mut buffer = [0; MAX_PACKET];
        let authenticator = Authenticator([1; 16]);
        let signing = Signing::MessageAuthenticator;
        let mut request =
            RequestBuilder::new(&mut buffer, Code::AccessRequest, 1, authenticator, signing).unwrap();
        request.eap(&packet).unwrap();
        let octets = request.finish(&secret).to_vec();
        let ours = Packet::parse(&octets).unwrap();
        let mut joined = [0; MAX_PACKET];
        let joined = join_eap(&ours, &mut joined).unwrap().unwrap();
        prop_assert_eq!(EapPacket::parse(joined), Ok(packet));

        let theirs = Peer::decode(&octets, b"secret").unwrap();
        prop_assert_eq!(rfc2869::lookup_eap_message(&theirs).unwrap(), joined);
        let mut theirs = Peer::new_with_identifier(PeerCode::AccessRequest, b"secret", 1);
        rfc2869::add_eap_message(&mut theirs, joined);
        let theirs = theirs.encode().unwrap();
        let theirs = Packet::parse(&theirs).unwrap();
        let ours: Vec<&[u8]> = ours.all(attribute::EAP_MESSAGE).collect();
        prop_assert_eq!(theirs.all(attribute::EAP_MESSAGE).collect::<Vec<_>>(), ours);
    }

    #[test]
    fn passwords_hide_and_reveal_like_the_peers(
        password in prop::collection::vec(1_u8.., 0..=128),
        secret in prop::collection::vec(any::<u8>(), 1..80),
        authenticator in any::<[u8; 16]>(),
    ) {
        let shared = SharedSecret::new(&secret).unwrap();
        let (hidden, length) = hide_password(&password, &shared, &Authenticator(authenticator)).unwrap();
        let revealed = reveal_password(&hidden[..length], &shared, &Authenticator(authenticator)).unwrap();
        prop_assert_eq!(&**revealed, &*password);
        // NOTE: for an empty password the peer hides nothing at all, so it is left out of the comparison.
        if !password.is_empty() {
            let theirs = AVP::from_user_password(2, &password, &secret, &authenticator).unwrap();
            prop_assert_eq!(&hidden[..length], theirs.encode_bytes());
        }
    }
}

#[test]
fn s05_the_peer_accepts_our_replies() {
    let secret = SharedSecret::new(b"secret").unwrap();
    let mut asked = Peer::new_with_identifier(PeerCode::AccessRequest, b"secret", 9);
    rfc2865::add_user_name(&mut asked, "alice");
    rfc2865::add_user_password(&mut asked, b"a password of more than 16 octets").unwrap();
    rfc2865::add_proxy_state(&mut asked, b"one");
    rfc2865::add_proxy_state(&mut asked, b"two");
    let asked = asked.encode().unwrap();
    let request = Packet::parse(&asked).unwrap();
    let hidden = request.first(attribute::USER_PASSWORD).unwrap();
    let password = reveal_password(hidden, &secret, &request.authenticator()).unwrap();
    assert_eq!(**password, *b"a password of more than 16 octets");

    let mut buffer = [0; MAX_PACKET];
    let mut reply = ReplyBuilder::new(&mut buffer, Code::AccessChallenge, &request).unwrap();
    reply.text(attribute::REPLY_MESSAGE, "Code?").unwrap();
    reply.attribute(attribute::STATE, &[3; 16]).unwrap();
    reply.number(attribute::SESSION_TIMEOUT, 300).unwrap();
    let reply = reply.finish(&secret);
    assert!(Peer::is_authentic_response(reply, &asked, b"secret"));
    let reply = Peer::decode(reply, b"secret").unwrap();
    assert_eq!(reply.get_code(), PeerCode::AccessChallenge);
    assert_eq!(reply.get_identifier(), 9);
    assert_eq!(rfc2865::lookup_reply_message(&reply).unwrap().unwrap(), "Code?");
    assert_eq!(rfc2865::lookup_state(&reply).unwrap(), [3; 16]);
    assert_eq!(rfc2865::lookup_session_timeout(&reply).unwrap().unwrap(), 300);
    assert_eq!(rfc2865::lookup_all_proxy_state(&reply), [b"one", b"two"]);
}

#[test]
fn s48_accounting_is_understood_both_ways() {
    let secret = SharedSecret::new(b"secret").unwrap();
    let mut asked = Peer::new_with_identifier(PeerCode::AccountingRequest, b"secret", 3);
    rfc2866::add_acct_status_type(&mut asked, rfc2866::ACCT_STATUS_TYPE_STOP);
    rfc2866::add_acct_session_id(&mut asked, "0a1b");
    rfc2866::add_acct_session_time(&mut asked, 3600);
    rfc2865::add_proxy_state(&mut asked, b"one");
    let asked = asked.encode().unwrap();
    let request = Packet::parse(&asked).unwrap();
    let checked = request.check_accounting_request(&secret);
    assert_eq!(checked, Ok(MessageAuthenticator::Absent));
    let record = Accounting::read(&request);
    assert_eq!(record.status, Some(AcctStatus::Stop));
    assert_eq!(
        (record.session, record.seconds),
        (Some(b"0a1b".as_slice()), Some(3600))
    );

    let mut buffer = [0; MAX_PACKET];
    let reply = ReplyBuilder::new(&mut buffer, Code::AccountingResponse, &request).unwrap();
    let reply = reply.finish(&secret);
    assert!(Peer::is_authentic_response(reply, &asked, b"secret"));
    let reply = Peer::decode(reply, b"secret").unwrap();
    assert_eq!(rfc2865::lookup_all_proxy_state(&reply), [b"one"]);
    assert!(rfc2869::lookup_message_authenticator(&reply).is_none());

    let mut buffer = [0; MAX_PACKET];
    let ignored = Authenticator([7; 16]);
    let mut ours = RequestBuilder::new(
        &mut buffer,
        Code::AccountingRequest,
        4,
        ignored,
        Signing::MessageAuthenticator,
    )
    .unwrap();
    ours.number(attribute::ACCT_STATUS_TYPE, AcctStatus::Start.into())
        .unwrap();
    let ours = ours.finish(&secret);
    assert!(Peer::is_authentic_request(ours, b"secret"));
    let checked = Packet::parse(ours).unwrap().check_accounting_request(&secret);
    assert_eq!(checked, Ok(MessageAuthenticator::Valid));
}

#[test]
fn attribute_types_and_codes_are_the_peers() {
    let pairs = [
        (attribute::USER_NAME, rfc2865::USER_NAME_TYPE),
        (attribute::USER_PASSWORD, rfc2865::USER_PASSWORD_TYPE),
        (attribute::CHAP_PASSWORD, rfc2865::CHAP_PASSWORD_TYPE),
        (attribute::NAS_IP_ADDRESS, rfc2865::NAS_IP_ADDRESS_TYPE),
        (attribute::NAS_PORT, rfc2865::NAS_PORT_TYPE),
        (attribute::SERVICE_TYPE, rfc2865::SERVICE_TYPE_TYPE),
        (attribute::FRAMED_IP_ADDRESS, rfc2865::FRAMED_IP_ADDRESS_TYPE),
        (attribute::CLASS, rfc2865::CLASS_TYPE),
        (attribute::CALLED_STATION_ID, rfc2865::CALLED_STATION_ID_TYPE),
        (attribute::CHAP_CHALLENGE, rfc2865::CHAP_CHALLENGE_TYPE),
        (attribute::NAS_PORT_TYPE, rfc2865::NAS_PORT_TYPE_TYPE),
        (attribute::ACCT_STATUS_TYPE, rfc2866::ACCT_STATUS_TYPE_TYPE),
        (attribute::ACCT_DELAY_TIME, rfc2866::ACCT_DELAY_TIME_TYPE),
        (attribute::ACCT_INPUT_OCTETS, rfc2866::ACCT_INPUT_OCTETS_TYPE),
        (attribute::ACCT_OUTPUT_OCTETS, rfc2866::ACCT_OUTPUT_OCTETS_TYPE),
        (attribute::ACCT_SESSION_TIME, rfc2866::ACCT_SESSION_TIME_TYPE),
        (
            attribute::ACCT_TERMINATE_CAUSE,
            rfc2866::ACCT_TERMINATE_CAUSE_TYPE,
        ),
        (
            attribute::ACCT_INPUT_GIGAWORDS,
            rfc2869::ACCT_INPUT_GIGAWORDS_TYPE,
        ),
        (
            attribute::ACCT_OUTPUT_GIGAWORDS,
            rfc2869::ACCT_OUTPUT_GIGAWORDS_TYPE,
        ),
        (attribute::NAS_PORT_ID, rfc2869::NAS_PORT_ID_TYPE),
        (attribute::ERROR_CAUSE, rfc3576::ERROR_CAUSE_TYPE),
        (attribute::REPLY_MESSAGE, rfc2865::REPLY_MESSAGE_TYPE),
        (attribute::STATE, rfc2865::STATE_TYPE),
        (attribute::VENDOR_SPECIFIC, rfc2865::VENDOR_SPECIFIC_TYPE),
        (attribute::SESSION_TIMEOUT, rfc2865::SESSION_TIMEOUT_TYPE),
        (attribute::CALLING_STATION_ID, rfc2865::CALLING_STATION_ID_TYPE),
        (attribute::NAS_IDENTIFIER, rfc2865::NAS_IDENTIFIER_TYPE),
        (attribute::PROXY_STATE, rfc2865::PROXY_STATE_TYPE),
        (attribute::ACCT_SESSION_ID, rfc2866::ACCT_SESSION_ID_TYPE),
        (attribute::PROMPT, rfc2869::PROMPT_TYPE),
        (attribute::EAP_MESSAGE, rfc2869::EAP_MESSAGE_TYPE),
        (
            attribute::MESSAGE_AUTHENTICATOR,
            rfc2869::MESSAGE_AUTHENTICATOR_TYPE,
        ),
        (attribute::NAS_IPV6_ADDRESS, rfc3162::NAS_IPV6_ADDRESS_TYPE),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(ours, theirs);
    }
    for number in 0..=u8::MAX {
        assert_eq!(u8::from(Code::from(number)), number);
    }
    for (ours, theirs) in [
        (Code::AccessRequest, PeerCode::AccessRequest),
        (Code::AccessAccept, PeerCode::AccessAccept),
        (Code::AccessReject, PeerCode::AccessReject),
        (Code::AccountingRequest, PeerCode::AccountingRequest),
        (Code::AccountingResponse, PeerCode::AccountingResponse),
        (Code::AccessChallenge, PeerCode::AccessChallenge),
        (Code::StatusServer, PeerCode::StatusServer),
    ] {
        assert_eq!(
            (u8::from(ours), ours.to_string().as_str()),
            (theirs as u8, theirs.string())
        );
    }
}
