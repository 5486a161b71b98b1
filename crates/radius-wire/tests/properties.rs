//! Reading never panics, whatever comes, and what is written reads back.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use std::{fs, path::Path};

use otpost_radius_wire::{
    Accounting, Authenticator, Chap, Code, EapCode, EapMethod, EapPacket, EapPhase, EapStep, MAX_PACKET,
    MICROSOFT, MsChap, Packet, RequestBuilder, Salt, SharedSecret, Signing, StateSealer, attribute,
    hide_salted, join_eap, reveal_salted,
};
use proptest::prelude::*;

fn secret() -> SharedSecret {
    SharedSecret::new(b"secret").unwrap()
}

/// A well-formed packet of attributes this crate looks into, with values that are often nearly right.
fn interesting_packet() -> impl Strategy<Value = Vec<u8>> {
    let octets = |size| prop::collection::vec(any::<u8>(), size);
    let microsoft = (
        prop::sample::select(vec![1_u8, 2, 11, 16, 17, 25, 26]),
        prop::sample::select(vec![0_usize, 8, 16, 24, 34, 49, 50, 51]),
        -1_i16..=1,
    )
        .prop_flat_map(move |(kind, size, off)| {
            octets(size..=size).prop_map(move |value| {
                let length = i16::try_from(value.len()).unwrap() + 2 + off;
                let mut vendor = MICROSOFT.to_be_bytes().to_vec();
                vendor.extend([kind, u8::try_from(length).unwrap()]);
                vendor.extend(value);
                (attribute::VENDOR_SPECIFIC, vendor)
            })
        });
    let eap =
        (0_u8..=6, any::<u8>(), -2_i16..=2, octets(0..=29)).prop_map(|(code, identifier, off, data)| {
            let length = i16::try_from(data.len()).unwrap() + 4 + off;
            let [high, low] = length.to_be_bytes();
            let mut value = vec![code, identifier, high, low];
            value.extend(data);
            (attribute::EAP_MESSAGE, value)
        });
    let chap = (
        prop::sample::select(vec![attribute::CHAP_PASSWORD, attribute::CHAP_CHALLENGE]),
        octets(15..=18),
    );
    let plain = (
        prop::sample::select(vec![1_u8, 8, 24, 40, 42, 44, 46, 49, 52, 79, 80]),
        octets(0..=19),
    );
    let one = prop_oneof![microsoft, eap, chap, plain];
    (any::<u8>(), prop::collection::vec(one, 0..6)).prop_map(|(code, attributes)| {
        let mut packet = vec![code, 1, 0, 0];
        packet.extend([7; 16]);
        for (kind, value) in attributes {
            packet.extend([kind, u8::try_from(value.len() + 2).unwrap()]);
            packet.extend(value);
        }
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        packet[2..4].copy_from_slice(&length);
        packet
    })
}

/// Everything that reads a request.
fn read_all(octets: &[u8]) {
    let Ok(packet) = Packet::parse(octets) else {
        return;
    };
    let secret = secret();
    let _ = packet.check_message_authenticator(&secret);
    let _ = packet.check_accounting_request(&secret);
    let _ = Accounting::read(&packet);
    if let Ok(Some(chap)) = Chap::read(&packet) {
        assert!(!chap.verify(b"123456"));
    }
    match MsChap::read(&packet) {
        Ok(Some(MsChap::V1(chap))) => assert!(!chap.verify("123456")),
        Ok(Some(MsChap::V2(chap))) => assert!(chap.verify(b"alice", "123456").is_none()),
        Ok(None) | Err(_) => {}
    }
    for attribute in packet.vendor(MICROSOFT).flatten() {
        if let Ok(value) = reveal_salted(attribute.value, &secret, &packet.authenticator()) {
            assert!(value.len() < attribute.value.len());
        }
    }
    let sealer = StateSealer::new(&secret, "vpn").unwrap();
    for state in packet.all(attribute::STATE) {
        assert!(sealer.open(state, b"alice", 0).is_err());
    }
    let mut buffer = [0; MAX_PACKET];
    if let Ok(Some(joined)) = join_eap(&packet, &mut buffer) {
        for phase in [EapPhase::Identity, EapPhase::Password, EapPhase::Code] {
            let step = EapStep::after(phase, Some(3), joined);
            let parsed = EapPacket::parse(joined);
            assert_eq!(
                step.is_err(),
                parsed.is_err() && !(joined.is_empty() && phase == EapPhase::Identity)
            );
            let _ = parsed.map(|parsed| parsed.wanted().count());
        }
    }
}

fn any_method() -> impl Strategy<Value = EapMethod> {
    prop_oneof![
        Just(EapMethod::Identity),
        Just(EapMethod::Notification),
        Just(EapMethod::Nak),
        Just(EapMethod::ExpandedNak),
        Just(EapMethod::Md5Challenge),
        Just(EapMethod::Gtc),
        prop::sample::select(vec![0, 5, 21, 253, 254, 255, 256, u32::MAX]).prop_map(EapMethod::Other),
        (1_u32..1 << 24, any::<u32>()).prop_map(|(vendor, kind)| EapMethod::Vendor { vendor, kind }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics_and_believes_nothing(octets in interesting_packet()) {
        read_all(&octets);
    }

    #[test]
    fn eap_of_any_octets_never_panics(octets in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(packet) = EapPacket::parse(&octets) {
            prop_assert!(packet.data.len() < octets.len());
        }
    }

    #[test]
    fn eap_is_written_and_read_back(
        request in any::<bool>(),
        identifier in any::<u8>(),
        method in any_method(),
        data in prop::collection::vec(any::<u8>(), 0..1200),
    ) {
        let code = if request { EapCode::Request } else { EapCode::Response };
        let packet = EapPacket { code, identifier, method: Some(method), data: &data };
        let mut buffer = [0; MAX_PACKET];
        let authenticator = Authenticator([1; 16]);
        let mut builder =
            RequestBuilder::new(&mut buffer, Code::AccessRequest, 1, authenticator, Signing::None).unwrap();
        builder.eap(&packet).unwrap();
        let octets = builder.finish(&secret()).to_vec();
        let mut joined = [0; MAX_PACKET];
        let joined = join_eap(&Packet::parse(&octets).unwrap(), &mut joined).unwrap().unwrap();
        prop_assert_eq!(EapPacket::parse(joined), Ok(packet));
    }

    #[test]
    fn what_is_hidden_with_a_salt_is_revealed(
        value in prop::collection::vec(any::<u8>(), 0..=239),
        salt in any::<[u8; 2]>(),
        authenticator in any::<[u8; 16]>(),
    ) {
        let authenticator = Authenticator(authenticator);
        let salt = Salt::new(salt);
        let (hidden, length) = hide_salted(&value, salt, &secret(), &authenticator).unwrap();
        prop_assert!(hidden[0] & 0x80 != 0 && length % 16 == 2);
        let revealed = reveal_salted(&hidden[..length], &secret(), &authenticator).unwrap();
        prop_assert_eq!(&**revealed, &*value);
        let (other, _) = hide_salted(&value, salt.other(), &secret(), &authenticator).unwrap();
        prop_assert_ne!(&other[2..18], &hidden[2..18]);
    }
}

#[test]
fn a_value_of_240_octets_is_not_hidden_with_a_salt() {
    let result = hide_salted(&[1; 240], Salt::new([0; 2]), &secret(), &Authenticator([0; 16]));
    assert!(result.is_err());
}

/// The types do not allow anything else, if nobody goes around them.
#[test]
fn s35_octets_made_with_a_secret_are_compared_in_one_place_only_in_constant_time() {
    let mut places = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!text.contains("octets() =="), "{name}");
            if text.contains("ct_eq") || text.contains("subtle") {
                places.push(name);
            }
        }
    }
    assert_eq!(places, ["digest.rs"]);
}
