//! Runs every vector of `vectors/*.txt`.
//!
//! A vector is a block of lines: `vector NAME`, `secret TEXT`, `packet` followed by indented hex (`00*15` is an
//! octet repeated), then expectations: `ok CODE ID` or `error VARIANT`; `attribute TYPE HEX` (`-` is empty);
//! `password TEXT`, `password-error VARIANT`; `mac valid|absent|VARIANT`; `reply-to NAME ok|VARIANT`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test")]

use std::{collections::HashMap, fs, path::Path};

use otpost_radius_wire::{MessageAuthenticator, Packet, SharedSecret, WireError, attribute, reveal_password};

#[derive(Default)]
struct Vector {
    name: String,
    secret: String,
    packet: Vec<u8>,
    expectations: Vec<(String, String)>,
}

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

fn hex(text: &str) -> Vec<u8> {
    if text == "-" {
        return Vec::new();
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
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

fn check(vector: &Vector, earlier: &HashMap<String, Vec<u8>>) {
    let name = &vector.name;
    let secret = || SharedSecret::new(vector.secret.as_bytes()).unwrap();
    let parsed = Packet::parse(&vector.packet);
    assert!(!vector.expectations.is_empty(), "{name} expects nothing");
    for (word, rest) in &vector.expectations {
        if word == "error" {
            assert_eq!(variant(parsed.expect_err(name)), *rest, "{name}");
            continue;
        }
        let packet = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        match word.as_str() {
            "ok" => {
                let got = format!("{} {}", u8::from(packet.code()), packet.identifier());
                assert_eq!(got, *rest, "{name}");
            }
            "attribute" => {
                let (kind, value) = rest.split_once(' ').unwrap();
                assert_eq!(
                    packet.first(kind.parse().unwrap()),
                    Some(&*hex(value)),
                    "{name}: {kind}"
                );
            }
            "password" | "password-error" => {
                let hidden = packet.first(attribute::USER_PASSWORD).expect(name);
                match reveal_password(hidden, &secret(), &packet.authenticator()) {
                    Ok(password) => assert_eq!(*password, rest.as_bytes(), "{name}"),
                    Err(error) => {
                        assert_eq!((word.as_str(), variant(error)), ("password-error", rest.clone()));
                    }
                }
            }
            "mac" => assert_eq!(
                outcome(packet.check_message_authenticator(&secret())),
                *rest,
                "{name}"
            ),
            "reply-to" => {
                let (request, expected) = rest.split_once(' ').unwrap();
                let request = Packet::parse(&earlier[request]).unwrap();
                let result = packet.check_reply(&secret(), request.identifier(), &request.authenticator());
                let got = result.map_or_else(variant, |_| "ok".to_owned());
                assert_eq!(got, expected, "{name}");
            }
            other => panic!("{name}: unknown expectation {other}"),
        }
    }
}

#[test]
fn every_vector_reads_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let mut earlier = HashMap::new();
        for vector in read(&entry.unwrap().path()) {
            check(&vector, &earlier);
            count += 1;
            earlier.insert(vector.name.clone(), vector.packet);
        }
    }
    assert!(count >= 35, "only {count} vectors found");
}
