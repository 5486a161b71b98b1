//! CHAP, MS-CHAP, MPPE, EAP and sealed States, written by our own client and read back. `sNN` as in `statements.rs`.

#![expect(clippy::unwrap_used, reason = "test")]

use otpost_radius_wire::{
    Authenticator, Chap, Code, EapCode, EapMethod, EapPacket, EapPhase, EapRefusal, EapStep, MAX_PACKET,
    MICROSOFT, MppeEncryption, MsChap, MsChapError, MsChapV2Credentials, Packet, ReplyBuilder,
    RequestBuilder, SEALED_STATE, Salt, SealedState, SharedSecret, Signing, StateSealer, WireError,
    attribute, join_eap, next_identifier, reveal_salted,
};

const AUTHENTICATOR: Authenticator = Authenticator([0x5a; 16]);

fn secret() -> SharedSecret {
    SharedSecret::new(b"a shared secret").unwrap()
}

/// An Access-Request of alice's with what `add` adds.
fn request(add: impl FnOnce(&mut RequestBuilder<'_>)) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    let signing = Signing::MessageAuthenticator;
    let mut request =
        RequestBuilder::new(&mut buffer, Code::AccessRequest, 7, AUTHENTICATOR, signing).unwrap();
    request.attribute(attribute::USER_NAME, b"alice").unwrap();
    add(&mut request);
    request.finish(&secret()).to_vec()
}

/// The reply to it with what `add` adds.
fn reply(request: &[u8], code: Code, add: impl FnOnce(&mut ReplyBuilder<'_>)) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    let request = Packet::parse(request).unwrap();
    let mut reply = ReplyBuilder::new(&mut buffer, code, &request).unwrap();
    add(&mut reply);
    reply.finish(&secret()).to_vec()
}

fn vendor<'a>(packet: &Packet<'a>, kind: u8) -> &'a [u8] {
    packet
        .vendor(MICROSOFT)
        .map(Result::unwrap)
        .find(|attribute| attribute.kind == kind)
        .unwrap()
        .value
}

fn credentials(password: &str) -> MsChapV2Credentials<'_> {
    MsChapV2Credentials {
        identifier: 3,
        user: b"alice",
        password,
        authenticator_challenge: [0x11; 16],
        peer_challenge: [0x22; 16],
    }
}

#[test]
fn s44_a_code_is_checked_by_chap_with_either_challenge() {
    for challenge in [None, Some([9_u8; 16].as_slice())] {
        let octets = request(|request| request.chap(1, b"123456", challenge).unwrap());
        let packet = Packet::parse(&octets).unwrap();
        let chap = Chap::read(&packet).unwrap().unwrap();
        assert!(chap.verify(b"123456"));
        for wrong in ["123457", "", "12345", "1234567"] {
            assert!(!chap.verify(wrong.as_bytes()), "{wrong}");
        }
    }
}

#[test]
fn s44_a_chap_challenge_too_short_is_not_sent() {
    request(|request| {
        let result = request.chap(1, b"123456", Some(&[1; 4]));
        assert_eq!(result, Err(WireError::ChapChallengeLength(4)));
    });
}

#[test]
fn s44_a_code_is_checked_by_ms_chap_v2_and_both_sides_prove_themselves() {
    let mine = credentials("123456");
    let octets = request(|request| request.ms_chap_v2(&mine).unwrap());
    let packet = Packet::parse(&octets).unwrap();
    let Some(MsChap::V2(chap)) = MsChap::read(&packet).unwrap() else {
        panic!("not MS-CHAPv2");
    };
    assert!(chap.verify(b"alice", "123457").is_none());
    assert!(chap.verify(b"bob", "123456").is_none());
    let accepted = chap.verify(b"alice", "123456").unwrap();

    let answer = reply(&octets, Code::AccessAccept, |reply| {
        reply.ms_chap2_success(&accepted).unwrap();
        let salt = Salt::new([0, 0]);
        reply
            .mppe(accepted.keys(), MppeEncryption::Required, salt, &secret())
            .unwrap();
    });
    let answer = Packet::parse(&answer).unwrap();
    assert!(mine.expected().is_proven_by(&answer));
    assert!(!credentials("123457").expected().is_proven_by(&answer));
    assert_eq!(vendor(&answer, 7), [0, 0, 0, 2]);
    assert_eq!(vendor(&answer, 8), [0, 0, 0, 4]);
    let (send, recv) = (vendor(&answer, 16), vendor(&answer, 17));
    assert_eq!(
        (send.first_chunk(), recv.first_chunk()),
        (Some(&[0x80, 0]), Some(&[0x80, 1]))
    );
    let reveal = |hidden| reveal_salted(hidden, &secret(), &AUTHENTICATOR).unwrap();
    assert_eq!(**reveal(send), *mine.expected().keys().send());
    assert_eq!(**reveal(recv), *mine.expected().keys().recv());
}

#[test]
fn s44_a_refusal_by_ms_chap_says_why_and_is_cut_between_characters() {
    let mine = credentials("123456");
    let octets = request(|request| request.ms_chap_v2(&mine).unwrap());
    let mut error = MsChapError {
        code: MsChapError::AUTHENTICATION_FAILURE,
        retry: false,
        challenge: [0xab; 16],
        message: "Ask for a new code.",
    };
    let answer = reply(&octets, Code::AccessReject, |reply| {
        reply.ms_chap_error(3, &error).unwrap();
    });
    let text = "\x03E=691 R=0 C=ABABABABABABABABABABABABABABABAB V=3 M=Ask for a new code.";
    assert_eq!(vendor(&Packet::parse(&answer).unwrap(), 2), text.as_bytes());

    let long = "ü".repeat(200);
    error.message = &long;
    let answer = reply(&octets, Code::AccessReject, |reply| {
        reply.ms_chap_error(3, &error).unwrap();
    });
    let packet = Packet::parse(&answer).unwrap();
    let value = vendor(&packet, 2);
    assert!((246..=247).contains(&value.len()));
    assert!(str::from_utf8(value).unwrap().ends_with('ü'));
}

#[test]
fn nothing_that_is_guarded_prints() {
    let mine = credentials("123456");
    let octets = request(|request| {
        request.chap(1, b"123456", None).unwrap();
        request.ms_chap_v2(&mine).unwrap();
    });
    let packet = Packet::parse(&octets).unwrap();
    let sealer = StateSealer::new(&secret(), "vpn").unwrap();
    let gtc = EapPacket::gtc_response(1, b"123456");
    let step = EapStep::Answer {
        identifier: 1,
        text: "123456",
    };
    let shown = format!(
        "{:?} {:?} {mine:?} {:?} {sealer:?} {gtc:?} {step:?}",
        Chap::read(&packet),
        MsChap::read(&packet),
        mine.expected()
    );
    assert_eq!(
        shown,
        "Ok(Some(Chap(..))) Ok(Some(V2(MsChapV2(..)))) MsChapV2Credentials(..) MsChapV2Accepted(..) StateSealer(..) \
         EapPacket { code: Response, identifier: 1, method: Some(Gtc), octets: 6 } Answer(1, ..)"
    );
}

#[test]
fn s45_a_login_by_eap_gtc_asks_for_password_then_code() {
    let sealer = StateSealer::new(&secret(), "vpn").unwrap();
    let user = b"alice".as_slice();
    let mut buffer = [0; MAX_PACKET];

    let octets = request(|request| request.eap(&EapPacket::identity_response(0, user)).unwrap());
    let packet = Packet::parse(&octets).unwrap();
    let joined = join_eap(&packet, &mut buffer).unwrap().unwrap();
    let step = EapStep::after(EapPhase::Identity, None, joined).unwrap();
    let EapStep::Identity { identifier, name } = step else {
        panic!("{step:?}");
    };
    assert_eq!((identifier, name), (0, "alice"));

    let asked = next_identifier(identifier);
    let state = SealedState {
        expires: 1_000,
        eap_identifier: asked,
    };
    let challenge = reply(&octets, Code::AccessChallenge, |reply| {
        reply.eap(&EapPacket::gtc_request(asked, "Password:")).unwrap();
        reply
            .attribute(attribute::STATE, &sealer.seal(state, user))
            .unwrap();
    });
    let challenge = Packet::parse(&challenge).unwrap();
    let mut shown = [0; MAX_PACKET];
    let shown = join_eap(&challenge, &mut shown).unwrap().unwrap();
    assert_eq!(
        EapPacket::parse(shown),
        Ok(EapPacket::gtc_request(asked, "Password:"))
    );

    let octets = request(|request| {
        let answer = EapPacket::gtc_response(asked, b"open sesame");
        request.eap(&answer).unwrap();
        request
            .attribute(attribute::STATE, challenge.first(attribute::STATE).unwrap())
            .unwrap();
    });
    let packet = Packet::parse(&octets).unwrap();
    let back = packet.only(attribute::STATE).unwrap().unwrap();
    let opened = sealer.open(back, user, 999).unwrap();
    assert_eq!(opened, state);
    let joined = join_eap(&packet, &mut buffer).unwrap().unwrap();
    let asked = Some(opened.eap_identifier);
    let step = EapStep::after(EapPhase::Password, asked, joined).unwrap();
    let answer = EapStep::Answer {
        identifier: 1,
        text: "open sesame",
    };
    assert_eq!(step, answer);

    let code = EapPacket::gtc_response(2, b"123456");
    let octets = request(|request| request.eap(&code).unwrap());
    let packet = Packet::parse(&octets).unwrap();
    let joined = join_eap(&packet, &mut buffer).unwrap().unwrap();
    let step = EapStep::after(EapPhase::Code, None, joined).unwrap();
    let answer = EapStep::Answer {
        identifier: 2,
        text: "123456",
    };
    assert_eq!(step, answer);
    let end = reply(&octets, Code::AccessAccept, |reply| {
        reply.eap(&EapPacket::success(2)).unwrap();
    });
    let end = Packet::parse(&end).unwrap();
    assert_eq!(end.first(attribute::EAP_MESSAGE), Some([3, 2, 0, 4].as_slice()));
}

#[test]
fn s45_a_peer_without_gtc_is_failed() {
    let octets = request(|request| request.eap(&EapPacket::nak(5, &[26, 21])).unwrap());
    let packet = Packet::parse(&octets).unwrap();
    let mut buffer = [0; MAX_PACKET];
    let joined = join_eap(&packet, &mut buffer).unwrap().unwrap();
    for phase in [EapPhase::Password, EapPhase::Code] {
        let step = EapStep::after(phase, Some(5), joined).unwrap();
        let fail = EapStep::Fail {
            identifier: 5,
            why: EapRefusal::Nak,
        };
        assert_eq!(step, fail);
    }
    let wanted: Vec<EapMethod> = EapPacket::parse(joined).unwrap().wanted().collect();
    assert_eq!(wanted, [EapMethod::Other(26), EapMethod::Other(21)]);
}

#[test]
fn s45_an_eap_packet_that_does_not_fit_leaves_the_reply_as_it_was() {
    let octets = request(|_| ());
    let text = "p".repeat(4000);
    let end = reply(&octets, Code::AccessChallenge, |reply| {
        let full = WireError::Full {
            kind: attribute::EAP_MESSAGE,
        };
        let too_long = "p".repeat(4040);
        assert_eq!(reply.eap(&EapPacket::gtc_request(1, &too_long)), Err(full));
        let huge = "p".repeat(70_000);
        let result = reply.eap(&EapPacket::gtc_request(1, &huge));
        assert_eq!(result, Err(WireError::EapTooLong(70_005)));
        reply.eap(&EapPacket::gtc_request(1, &text)).unwrap();
    });
    let packet = Packet::parse(&end).unwrap();
    let mut buffer = [0; MAX_PACKET];
    let joined = join_eap(&packet, &mut buffer).unwrap().unwrap();
    let parsed = EapPacket::parse(joined).unwrap();
    assert_eq!((parsed.code, parsed.data), (EapCode::Request, text.as_bytes()));
}

#[test]
fn a_sealed_state_holds_only_for_its_user_client_secret_and_time() {
    let sealer = StateSealer::new(&secret(), "vpn").unwrap();
    let state = SealedState {
        expires: 1_000,
        eap_identifier: 9,
    };
    let value = sealer.seal(state, b"alice");
    assert!((33..=64).contains(&value.len()));
    // Another process with the same configuration.
    let again = StateSealer::new(&secret(), "vpn").unwrap();
    assert_eq!(again.open(&value, b"alice", 999), Ok(state));
    assert_eq!(again.open(&value, b"alice", 0), Ok(state));
    for now in [1_000, 1_001, u64::MAX] {
        assert_eq!(again.open(&value, b"alice", now), Err(WireError::StateExpired));
    }
    for user in [b"alic".as_slice(), b"alicea", b"", b"bob"] {
        assert_eq!(again.open(&value, user, 0), Err(WireError::StateForged));
    }
    let another = SharedSecret::new(b"another secret").unwrap();
    for other in [
        StateSealer::new(&secret(), "vpn2").unwrap(),
        StateSealer::new(&another, "vpn").unwrap(),
    ] {
        assert_eq!(other.open(&value, b"alice", 0), Err(WireError::StateForged));
    }
    for at in 0..SEALED_STATE {
        let mut forged = value;
        forged[at] ^= 1;
        let expected = if at == 0 {
            WireError::StateUnknown
        } else {
            WireError::StateForged
        };
        assert_eq!(again.open(&forged, b"alice", 0), Err(expected), "octet {at}");
    }
    for other in [&[][..], &[1; 16], &value[..41], &[1; 64]] {
        assert_eq!(again.open(other, b"alice", 0), Err(WireError::StateUnknown));
    }
}
