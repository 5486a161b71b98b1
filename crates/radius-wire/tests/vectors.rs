//! Runs every vector of `../vectors/*.txt`; their format is in `../vectors/README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test"
)]

use std::{collections::HashMap, fs, path::Path};

use otpost_radius_wire::{
    Accounting, Chap, EapMethod, EapPacket, EapPhase, EapStep, MAX_PACKET, MICROSOFT, MessageAuthenticator,
    MsChap, Packet, SharedSecret, WireError, attribute, join_eap, reveal_password, reveal_salted,
};

#[derive(Default)]
struct Vector {
    name: String,
    secret: String,
    packet: Vec<u8>,
    expectations: Vec<(String, String)>,
}

type Earlier = HashMap<String, Vec<u8>>;

fn read(path: &Path) -> Vec<Vector> {
    let mut vectors: Vec<Vector> = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.starts_with(' ') {
            for token in line.split_whitespace() {
                let (octet, count) = token.split_once('*').unwrap_or((token, "1"));
                let octet = u8::from_str_radix(octet, 16).unwrap();
                let packet = &mut vectors.last_mut().unwrap().packet;
                packet.resize(packet.len() + count.parse::<usize>().unwrap(), octet);
            }
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "vector" => vectors.push(Vector {
                name: rest.to_owned(),
                ..Vector::default()
            }),
            "secret" => vectors.last_mut().unwrap().secret = rest.to_owned(),
            "packet" => {}
            _ => vectors
                .last_mut()
                .unwrap()
                .expectations
                .push((word.to_owned(), rest.to_owned())),
        }
    }
    vectors
}

fn hex(octets: &[u8]) -> String {
    if octets.is_empty() {
        return "-".to_owned();
    }
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn variant(error: WireError) -> String {
    format!("{error:?}")
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

fn outcome(result: Result<MessageAuthenticator, WireError>) -> String {
    match result {
        Ok(MessageAuthenticator::Absent) => "absent".to_owned(),
        Ok(MessageAuthenticator::Valid) => "valid".to_owned(),
        Err(error) => variant(error),
    }
}

fn right(is: bool) -> String {
    (if is { "right" } else { "wrong" }).to_owned()
}

fn method(method: EapMethod) -> String {
    match method {
        EapMethod::Vendor { vendor, kind } => format!("Vendor{{{vendor},{kind}}}"),
        other => format!("{other:?}"),
    }
}

fn vendor(packet: &Packet<'_>, number: u32, kind: u8) -> Vec<u8> {
    let mut all = packet.vendor(number).map(Result::unwrap);
    all.find(|attribute| attribute.kind == kind)
        .unwrap()
        .value
        .to_vec()
}

/// What the packet really says, in the words of the expectation `word rest`.
fn says(word: &str, rest: &str, packet: &Packet<'_>, vector: &Vector, earlier: &Earlier) -> String {
    let secret = SharedSecret::new(if vector.secret.is_empty() {
        b"none"
    } else {
        vector.secret.as_bytes()
    })
    .unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    let first = words[0];
    match word {
        "ok" => format!("{} {}", u8::from(packet.code()), packet.identifier()),
        "attribute" => format!(
            "{first} {}",
            hex(packet.first(first.parse().unwrap()).expect("attribute"))
        ),
        "vendor" => format!(
            "{first} {} {}",
            words[1],
            hex(&vendor(packet, first.parse().unwrap(), words[1].parse().unwrap()))
        ),
        "password" | "password-error" => {
            let hidden = packet.first(attribute::USER_PASSWORD).unwrap();
            match reveal_password(hidden, &secret, &packet.authenticator()) {
                Ok(password) => String::from_utf8(password.to_vec()).unwrap(),
                Err(error) => variant(error),
            }
        }
        "mac" => outcome(packet.check_message_authenticator(&secret)),
        "accounting" => outcome(packet.check_accounting_request(&secret)),
        "reply-to" | "salted" | "salted-error" => {
            let request = Packet::parse(&earlier[first]).unwrap();
            if word == "reply-to" {
                let result = packet.check_reply(&secret, request.identifier(), &request.authenticator());
                return format!("{first} {}", result.map_or_else(variant, |_| "ok".to_owned()));
            }
            let hidden = vendor(packet, MICROSOFT, words[1].parse().unwrap());
            let value = reveal_salted(&hidden, &secret, &request.authenticator());
            let said = value.map_or_else(variant, |value| hex(&value));
            format!("{first} {} {said}", words[1])
        }
        "chap" => {
            let chap = Chap::read(packet).unwrap().unwrap();
            format!("{first} {}", right(chap.verify(first.as_bytes())))
        }
        "chap-error" => match Chap::read(packet) {
            Ok(found) => found.map_or("none", |_| "found").to_owned(),
            Err(error) => variant(error),
        },
        "ms-chap-error" => match MsChap::read(packet) {
            Ok(found) => found.map_or("none", |_| "found").to_owned(),
            Err(error) => variant(error),
        },
        "ms-chap" => match MsChap::read(packet).unwrap().unwrap() {
            MsChap::V1(chap) => format!("{first} {}", right(chap.verify(first))),
            MsChap::V2(_) => "version 2".to_owned(),
        },
        "ms-chap2" | "mppe" => {
            let Some(MsChap::V2(chap)) = MsChap::read(packet).unwrap() else {
                return "not version 2".to_owned();
            };
            let user = packet.first(attribute::USER_NAME).unwrap();
            match chap.verify(user, first) {
                None => format!("{first} wrong"),
                Some(accepted) if word == "ms-chap2" => format!("{first} {}", hex(accepted.success())),
                Some(accepted) => {
                    let keys = accepted.keys();
                    format!("{first} {} {}", hex(keys.send()), hex(keys.recv()))
                }
            }
        }
        "acct" | "acct-octets" => {
            let record = Accounting::read(packet);
            if word == "acct-octets" {
                return format!(
                    "{} {}",
                    record.input_octets.unwrap(),
                    record.output_octets.unwrap()
                );
            }
            let status = record
                .status
                .map_or("-".to_owned(), |status| format!("{status:?}"));
            format!("{status} {}", str::from_utf8(record.session.unwrap()).unwrap())
        }
        _ => eap(word, &words, packet),
    }
}

fn eap(word: &str, words: &[&str], packet: &Packet<'_>) -> String {
    let mut buffer = [0; MAX_PACKET];
    let octets = match join_eap(packet, &mut buffer) {
        Ok(octets) => octets.expect("an EAP-Message"),
        Err(error) => return variant(error),
    };
    match word {
        "eap-start" if octets.is_empty() => String::new(),
        "eap-start" => hex(octets),
        "eap" => {
            let packet = EapPacket::parse(octets).unwrap();
            let kind = packet.method.map_or("-".to_owned(), method);
            format!(
                "{:?} {} {kind} {}",
                packet.code,
                packet.identifier,
                hex(packet.data)
            )
        }
        "eap-error" => EapPacket::parse(octets).map_or_else(variant, |packet| format!("{packet:?}")),
        "eap-wanted" => {
            let wanted = EapPacket::parse(octets).unwrap().wanted();
            wanted.map(method).collect::<Vec<_>>().join(" ")
        }
        "eap-step" => {
            let phase = match words[0] {
                "identity" => EapPhase::Identity,
                "password" => EapPhase::Password,
                "code" => EapPhase::Code,
                other => panic!("unknown phase {other}"),
            };
            let step = EapStep::after(phase, words[1].parse().ok(), octets);
            let said = step.map_or_else(variant, |step| format!("{step:?}"));
            format!("{} {} {said}", words[0], words[1])
        }
        other => panic!("unknown expectation {other}"),
    }
}

fn check(vector: &Vector, earlier: &Earlier) {
    let name = &vector.name;
    let parsed = Packet::parse(&vector.packet);
    assert!(!vector.expectations.is_empty(), "{name} expects nothing");
    for (word, rest) in &vector.expectations {
        if word == "error" {
            assert_eq!(variant(parsed.expect_err(name)), *rest, "{name}");
            continue;
        }
        let packet = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            says(word, rest, &packet, vector, earlier),
            *rest,
            "{name}: {word}"
        );
    }
}

#[test]
fn every_vector_reads_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let mut earlier = Earlier::new();
        for vector in read(&path) {
            check(&vector, &earlier);
            count += 1;
            earlier.insert(vector.name.clone(), vector.packet);
        }
    }
    assert!(count >= 125, "only {count} vectors found");
}
