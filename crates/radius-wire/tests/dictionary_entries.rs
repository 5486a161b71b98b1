//! Reply attributes: as administrators write them, on the wire, and as people read them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::{collections::BTreeSet, sync::LazyLock};

use otpost_radius_wire::{
    Authenticator, MAX_PACKET, MAX_VALUE, Packet, ReplyBuilder, SharedSecret,
    dictionary::{AttributeId, DataType, Definition, Dictionary, Encryption, no_includes},
    reveal_salted,
    value::{
        BUDGET, Encoded, Entry, EntryError, Problem, Refusal, Salts, TagProblem, check, once, refused, show,
    },
};
use proptest::prelude::*;

const REQUEST: Authenticator = Authenticator([0x5a; 16]);

/// Attributes of every type and layout beside the shipped ones.
const SITE: &str = "\
VENDOR Site 424242
BEGIN-VENDOR Site
ATTRIBUTE Site-Byte 1 byte
ATTRIBUTE Site-Short 2 short
ATTRIBUTE Site-Signed 3 signed
ATTRIBUTE Site-Integer64 4 integer64
ATTRIBUTE Site-Ether 5 ether
ATTRIBUTE Site-Combo 6 combo-ip
ATTRIBUTE Site-Tlv 7 tlv
ATTRIBUTE Site-Filter 8 abinary
ATTRIBUTE Site-Fixed 9 octets[4]
ATTRIBUTE Site-Many 10 ipaddr array
ATTRIBUTE Site-Secret 11 string encrypt=2
ATTRIBUTE Site-Ascend 12 string encrypt=3
ATTRIBUTE Site-User 13 string encrypt=1
ATTRIBUTE Site-Prefix 14 ipv4prefix
ATTRIBUTE Site-Date 15 date
VALUE Site-Byte Low 1
VALUE Site-Byte 7 9
END-VENDOR Site
VENDOR Wide 424243 format=2,2
BEGIN-VENDOR Wide
ATTRIBUTE Wide-Name 258 string
ATTRIBUTE Wide-Secret 259 string encrypt=2
END-VENDOR Wide
VENDOR Bare 424244 format=4,0
BEGIN-VENDOR Bare
ATTRIBUTE Bare-Name 65538 string
END-VENDOR Bare
VENDOR Long 424245 format=1,1,c
BEGIN-VENDOR Long
ATTRIBUTE Long-Name 3 string
END-VENDOR Long
";

fn dictionary() -> &'static Dictionary {
    static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
        let mut dictionary = Dictionary::shipped().unwrap();
        assert_eq!(dictionary.read("site", SITE, &mut no_includes), Ok(vec![]));
        dictionary
    });
    &DICTIONARY
}

fn secret() -> SharedSecret {
    SharedSecret::new(b"a shared secret").unwrap()
}

fn entry(text: &str) -> Entry {
    Entry::parse(dictionary(), text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> EntryError {
    match Entry::parse(dictionary(), text) {
        Err(error) => error,
        Ok(entry) => panic!("{text} became {}", entry.text()),
    }
}

fn plain(text: &str) -> (u8, Vec<u8>) {
    match entry(text).encoded() {
        Encoded::Plain { kind, value } => (*kind, value.clone()),
        Encoded::Salted { .. } => panic!("{text} is salted"),
    }
}

fn problem(text: &str) -> Problem {
    match refusal(text) {
        EntryError::Value { problem, .. } => problem,
        other => panic!("{text}: {other}"),
    }
}

fn lines(kind: u8, octets: &[u8]) -> Vec<String> {
    show(dictionary(), kind, octets)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// What is sent for one entry, as text.
fn there_and_back(text: &str) -> Vec<String> {
    let (kind, value) = plain(text);
    lines(kind, &value)
}

/// The octets of a vendor's attribute in the usual layout.
fn vendor(number: u32, kind: u8, value: &[u8]) -> Vec<u8> {
    let mut octets = number.to_be_bytes().to_vec();
    octets.push(kind);
    octets.push(u8::try_from(value.len() + 2).unwrap());
    octets.extend_from_slice(value);
    octets
}

#[test]
fn every_type_has_the_octets_of_its_rfc() {
    let cases: &[(&str, u8, &[u8])] = &[
        ("Filter-Id = staff", 11, b"staff"),
        ("Filter-Id=\"staff\"", 11, b"staff"),
        ("filter-id = 'a \\'b\\' \\\\'", 11, b"a 'b' \\"),
        (
            "Filter-Id = \"\\\"\\\\\\n\\r\\t\\x00\\101\"",
            11,
            b"\"\\\n\r\t\x00A",
        ),
        (
            "Filter-Id = in the middle = and \"quotes\"",
            11,
            b"in the middle = and \"quotes\"",
        ),
        ("Filter-Id = \"0x41\"", 11, b"0x41"),
        ("Filter-Id = 0x4142", 11, b"AB"),
        ("Class = OU=VPN;", 25, b"OU=VPN;"),
        ("Class = 0x00ff", 25, &[0, 0xff]),
        ("Framed-IP-Address = 192.0.2.7", 8, &[192, 0, 2, 7]),
        ("Framed-IP-Address = \"192.0.2.7\"", 8, &[192, 0, 2, 7]),
        ("Framed-IP-Address = 0xc0000207", 8, &[192, 0, 2, 7]),
        ("Session-Timeout = 3600", 27, &[0, 0, 0x0e, 0x10]),
        ("Session-Timeout = 0x0e10", 27, &[0, 0, 0x0e, 0x10]),
        ("Service-Type = Administrative-User", 6, &[0, 0, 0, 6]),
        ("Service-Type = administrative-user", 6, &[0, 0, 0, 6]),
        ("Service-Type = 4294967295", 6, &[0xff, 0xff, 0xff, 0xff]),
        ("Framed-Interface-Id = 0:0:0:1", 96, &[0, 0, 0, 0, 0, 0, 0, 1]),
        (
            "Framed-IPv6-Address = 2001:db8::1",
            168,
            &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
        // The length counts bits.
        (
            "Delegated-IPv6-Prefix = 2001:db8:0:8000::/49",
            123,
            &[0, 49, 0x20, 1, 0x0d, 0xb8, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "Framed-IPv6-Prefix = ::/0",
            97,
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("Attr-200 = 0x0102", 200, &[1, 2]),
        ("Attr-25 = \"known by its number\"", 25, b"known by its number"),
    ];
    for (text, kind, value) in cases {
        assert_eq!(plain(text), (*kind, value.to_vec()), "{text}");
    }
    let site: &[(&str, u8, &[u8])] = &[
        ("Site-Byte = 255", 1, &[255]),
        ("Site-Byte = Low", 1, &[1]),
        ("Site-Byte = 7", 1, &[7]),
        ("Site-Short = 258", 2, &[1, 2]),
        ("Site-Signed = -2", 3, &[0xff, 0xff, 0xff, 0xfe]),
        ("Site-Integer64 = 18446744073709551615", 4, &[0xff; 8]),
        ("Site-Ether = 02:00:5e:10:00:01", 5, &[2, 0, 0x5e, 0x10, 0, 1]),
        ("Site-Ether = 02-00-5E-10-00-01", 5, &[2, 0, 0x5e, 0x10, 0, 1]),
        ("Site-Combo = 192.0.2.1", 6, &[192, 0, 2, 1]),
        (
            "Site-Combo = ::1",
            6,
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
        ("Site-Tlv = 0x0103ff", 7, &[1, 3, 0xff]),
        ("Site-Filter = 0x0102", 8, &[1, 2]),
        ("Site-Fixed = 0x01020304", 9, &[1, 2, 3, 4]),
        ("Site-Prefix = 192.0.2.128/25", 14, &[0, 25, 192, 0, 2, 128]),
        ("Site-Prefix = 192.0.2.1", 14, &[0, 32, 192, 0, 2, 1]),
        ("Site-Date = 1970-01-02T00:00:01Z", 15, &[0, 1, 0x51, 0x81]),
        ("Site-Date = 2106-02-07T06:28:15Z", 15, &[0xff; 4]),
        (
            "Site-Date = 2000-02-29T12:30:00Z",
            15,
            &951_827_400_u32.to_be_bytes(),
        ),
    ];
    for (text, kind, value) in site {
        assert_eq!(plain(text), (26, vendor(424_242, *kind, value)), "{text}");
    }
}

#[test]
fn vendors_attributes_are_framed_one_by_one_in_their_own_layout() {
    let avpair = b"shell:priv-lvl=15";
    assert_eq!(
        plain("Cisco-AVPair = shell:priv-lvl=15"),
        (26, vendor(9, 1, avpair))
    );
    assert_eq!(plain("Attr-26.9.1 = 0x41").1, [0, 0, 0, 9, 1, 3, b'A']);
    assert_eq!(plain("Attr-26.77.5 = 0x41").1, [0, 0, 0, 77, 5, 3, b'A']);
    let number = 424_243_u32.to_be_bytes();
    assert_eq!(plain("Wide-Name = ab").1[..4], number);
    assert_eq!(plain("Wide-Name = ab").1[4..], [1, 2, 0, 6, b'a', b'b']);
    assert_eq!(plain("Bare-Name = ab").1[4..], [0, 1, 0, 2, b'a', b'b']);
    assert_eq!(plain("Long-Name = ab").1[4..], [3, 5, 0, b'a', b'b']);
    for text in ["Wide-Name = \"ab\"", "Bare-Name = \"ab\"", "Long-Name = \"ab\""] {
        assert_eq!(there_and_back(text), [text]);
    }
}

#[test]
fn tags_stand_where_rfc_2868_has_them() {
    assert_eq!(plain("Tunnel-Type:1 = VLAN"), (64, vec![1, 0, 0, 13]));
    assert_eq!(plain("Tunnel-Type = VLAN"), (64, vec![0, 0, 0, 13]));
    assert_eq!(plain("Tunnel-Type:0 = VLAN"), (64, vec![0, 0, 0, 13]));
    assert_eq!(
        plain("Tunnel-Private-Group-Id:31 = \"12\""),
        (81, vec![31, b'1', b'2'])
    );
    assert_eq!(plain("Tunnel-Private-Group-Id = \"12\""), (81, vec![b'1', b'2']));
    // What would be taken for a tag gets one that means none.
    assert_eq!(plain("Tunnel-Private-Group-Id = 0x0541"), (81, vec![0, 5, b'A']));
    assert_eq!(lines(81, &[0, 5, b'A']), ["Tunnel-Private-Group-Id = \"\\x05A\""]);
    assert_eq!(lines(64, &[1, 0, 0, 13]), ["Tunnel-Type:1 = VLAN"]);
    assert_eq!(entry("tunnel-type : 1=13").text(), "Tunnel-Type:1 = VLAN");

    let tag = |text: &str| match refusal(text) {
        EntryError::Tag { problem, example, .. } => (problem, example),
        other => panic!("{text}: {other}"),
    };
    assert_eq!(tag("Class:1 = x").0, TagProblem::None);
    assert_eq!(
        tag("Tunnel-Type:32 = VLAN"),
        (TagProblem::Range, "Tunnel-Type:1 = PPTP".to_owned())
    );
    assert_eq!(tag("Tunnel-Type:x = VLAN").0, TagProblem::Range);
    assert_eq!(tag("Tunnel-Type: = VLAN").0, TagProblem::Range);
    assert_eq!(
        problem("Tunnel-Preference:1 = 16777216"),
        Problem::Range {
            least: 0,
            largest: 0x00ff_ffff
        }
    );
}

#[test]
fn a_tunnel_password_is_hidden_as_another_implementation_does_it() {
    // Made with Python's hashlib from RFC 2868 section 3.5.
    let hidden = "810256a83378627416420a40e465cc2d97b07561bbe5cbfd582e7d9ff3f6b0e65122a98d175576b3683715be2ffcf1683ffb";
    let mut salts = Salts::new([0x01, 0x02]);
    let entry = entry("Tunnel-Password:3 = \"tunnel password of 33 octets here\"");
    assert!(entry.is_secret());
    assert_eq!(entry.encoded().kind(), 69);
    let octets = entry.encoded().octets(&secret(), &REQUEST, salts.draw()).unwrap();
    let text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(text, format!("03{hidden}"));
    assert_eq!(entry.encoded().size(), 2 + octets.len());
    let again = entry.encoded().octets(&secret(), &REQUEST, salts.draw()).unwrap();
    assert_ne!(octets, again);
}

#[test]
fn sixteen_octets_of_password_take_two_blocks_because_of_their_length() {
    let entry = entry("Tunnel-Password = 0123456789abcdef");
    let mut salts = Salts::new([0, 0]);
    let octets = entry.encoded().octets(&secret(), &REQUEST, salts.draw()).unwrap();
    assert_eq!(octets.len(), 35);
    assert_eq!(octets[0], 0, "the tag is always there");
    assert!(octets[1] >= 0x80, "the highest bit of a salt is set");
    let clear = reveal_salted(&octets[1..], &secret(), &REQUEST).unwrap();
    assert_eq!(**clear, *b"0123456789abcdef");
}

#[test]
fn a_vendor_s_secret_has_its_header_in_the_clear() {
    for (text, header) in [
        ("Site-Secret = \"sesame\"", vec![0, 6, 0x79, 0x32, 11, 20]),
        ("Wide-Secret = \"sesame\"", vec![0, 6, 0x79, 0x33, 1, 3, 0, 22]),
    ] {
        let entry = entry(text);
        let mut salts = Salts::new([9, 9]);
        let octets = entry.encoded().octets(&secret(), &REQUEST, salts.draw()).unwrap();
        let (head, hidden) = octets.split_at(header.len());
        assert_eq!(head, header, "{text}");
        assert_eq!(**reveal_salted(hidden, &secret(), &REQUEST).unwrap(), *b"sesame");
        assert_eq!(entry.encoded().kind(), 26);
        let name = text.split(' ').next().unwrap();
        assert_eq!(lines(26, &octets), [format!("{name} = (hidden)")]);
    }
}

#[test]
fn salts_of_a_packet_do_not_repeat() {
    let mut salts = Salts::new([0xff, 0xfe]);
    let drawn: BTreeSet<String> = (0..0x8000).map(|_| format!("{:?}", salts.draw())).collect();
    assert_eq!(drawn.len(), 0x8000);
}

#[test]
fn a_password_is_nowhere_to_be_seen() {
    let entry = entry("Tunnel-Password = \"open sesame\"");
    let shown = format!("{entry:?} {:?} {}", entry.encoded(), entry.shown());
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(!shown.contains("111, 112"), "{shown}");
    assert_eq!(entry.shown(), "Tunnel-Password = (hidden)");
    assert_eq!(entry.text(), "Tunnel-Password = \"open sesame\"");
    for text in [
        "Tunnel-Password = \"open sesame",
        "Tunnel-Password:99 = \"open sesame\"",
        "Tunnel-Password = \"open sesame\\q\"",
        "Tunnel-Passwort = \"open sesame\"",
        "User-Password = \"open sesame\"",
        "open sesame",
    ] {
        let error = refusal(text);
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_value_is_said_with_its_type_and_an_example() {
    let cases: &[(&str, Problem)] = &[
        ("Filter-Id =", Problem::Empty),
        ("Filter-Id = \"\"", Problem::Empty),
        ("Filter-Id = 0x", Problem::Empty),
        ("Filter-Id = \"open", Problem::Quotes),
        ("Filter-Id = \"open\" door", Problem::Quotes),
        ("Filter-Id = \"\\q\"", Problem::Escape),
        ("Filter-Id = \"\\x4\"", Problem::Escape),
        ("Filter-Id = \"\\400\"", Problem::Escape),
        ("Filter-Id = \"\\ü\"", Problem::Escape),
        ("Filter-Id = \"a\nb\"", Problem::Control),
        ("Filter-Id = 0x123", Problem::Hex),
        ("Filter-Id = 0xöö", Problem::Hex),
        ("Site-Tlv = text", Problem::OctetsOnly),
        ("Site-Filter = \"ip in drop\"", Problem::OctetsOnly),
        ("Service-Type = Nobody", Problem::Name),
        ("Session-Timeout = soon", Problem::Number),
        (
            "Session-Timeout = -1",
            Problem::Range {
                least: 0,
                largest: 0xffff_ffff,
            },
        ),
        (
            "Session-Timeout = 99999999999999999999999",
            Problem::Range {
                least: 0,
                largest: 0xffff_ffff,
            },
        ),
        (
            "Site-Byte = 256",
            Problem::Range {
                least: 0,
                largest: 255,
            },
        ),
        (
            "Site-Signed = 2147483648",
            Problem::Range {
                least: -2_147_483_648,
                largest: 2_147_483_647,
            },
        ),
        ("Site-Signed = +1", Problem::Number),
        ("Framed-IP-Address = vpn.example.com", Problem::Address),
        ("Framed-IP-Address = 192.0.2.256", Problem::Address),
        ("Framed-IP-Address = 2001:db8::1", Problem::Address),
        ("Framed-IP-Address = 0xc0000", Problem::Hex),
        ("Framed-IP-Address = 0xc000", Problem::Octets { got: 2, want: 4 }),
        ("Site-Combo = 0xc000", Problem::Octets { got: 2, want: 4 }),
        ("Site-Fixed = abc", Problem::Octets { got: 3, want: 4 }),
        ("Site-Prefix = 192.0.2.1/24", Problem::HostBits),
        ("Site-Prefix = 192.0.2.0/33", Problem::Network),
        ("Site-Prefix = 192.0.2.0/", Problem::Network),
        ("Site-Prefix = 192.0.2.0/+8", Problem::Network),
        ("Delegated-IPv6-Prefix = 2001:db8::1/56", Problem::HostBits),
        ("Delegated-IPv6-Prefix = 2001:db8::/129", Problem::Network),
        ("Framed-Interface-Id = 0:0:1", Problem::Interface),
        ("Framed-Interface-Id = 0:0:0:00001", Problem::Interface),
        ("Site-Ether = 02:00:5e:10:00", Problem::Ether),
        ("Site-Ether = 2:0:5e:10:0:1", Problem::Ether),
        ("Site-Date = 2001-02-29T00:00:00Z", Problem::Date),
        ("Site-Date = 2106-02-07T06:28:16Z", Problem::Date),
        ("Site-Date = 1969-12-31T23:59:59Z", Problem::Date),
        ("Site-Date = 2030-01-01", Problem::Date),
        ("Site-Date = 2030-13-01T00:00:00Z", Problem::Date),
        ("Attr-26.77.256 = 0x00", Problem::Kind(255)),
    ];
    for (text, wanted) in cases {
        assert_eq!(problem(text), *wanted, "{text}");
    }
    assert_eq!(
        refusal("Framed-IP-Address = vpn.example.com").to_string(),
        "Framed-IP-Address, of type ipaddr: not an address of this kind; host names are not looked up\n  = help: write \
         it like this: Framed-IP-Address = 192.0.2.1"
    );
}

#[test]
fn every_example_is_right() {
    let dictionary = dictionary();
    let mut seen = 0;
    for definition in dictionary.attributes() {
        // An open quote is wrong for every type.
        let error = match Entry::parse(dictionary, &format!("{} = \"", definition.name)) {
            Err(EntryError::Value { example, .. }) => example,
            Err(EntryError::Refused { .. }) => continue,
            other => panic!("{}: {other:?}", definition.name),
        };
        let example = error.split(", or ").next().unwrap();
        let entry = Entry::parse(dictionary, example).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(entry.name(), definition.name);
        seen += 1;
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn an_entry_needs_a_name_and_one_equals_sign() {
    for text in [
        "",
        "   ",
        "Class",
        "= x",
        "Class x = y",
        "\"Class\" = y",
        "Cl\u{7}ass = y",
    ] {
        assert_eq!(refusal(text), EntryError::Form, "{text:?}");
    }
    for text in [
        "Class := x",
        "Class += x",
        "Class == x",
        "Class -= x",
        "Class != x",
        "Class >= 1",
        "Class =~ x",
        "Class =* x",
    ] {
        assert_eq!(refusal(text), EntryError::Operator, "{text:?}");
    }
    assert_eq!(
        refusal(&format!("Class = {}", "x".repeat(5_000))),
        EntryError::Long(2_048)
    );
    assert!(matches!(refusal("Attr-256 = 0x00"), EntryError::Name(_)));
    assert!(matches!(refusal("Attr-27.9.1 = 0x00"), EntryError::Name(_)));
}

#[test]
fn a_value_that_does_not_fit_is_told_what_does() {
    let long = |name: &str, octets: usize| format!("{name} = {}", "x".repeat(octets));
    for (name, most) in [
        ("Filter-Id", 253),
        ("Cisco-AVPair", 247),
        ("Tunnel-Private-Group-Id", 253),
        ("Tunnel-Private-Group-Id:1", 252),
        ("Tunnel-Password", 239),
        ("Site-Secret", 239),
        ("Wide-Name", 245),
        ("Wide-Secret", 239),
        ("Bare-Name", 245),
        ("Long-Name", 246),
    ] {
        let fits = entry(&long(name, most));
        let mut salts = Salts::new([1, 1]);
        let octets = fits.encoded().octets(&secret(), &REQUEST, salts.draw()).unwrap();
        assert!(octets.len() <= MAX_VALUE, "{name}");
        assert_eq!(
            problem(&long(name, most + 1)),
            Problem::Long { got: most + 1, most },
            "{name}"
        );
    }
}

#[test]
fn what_the_server_owns_or_a_reply_does_not_carry_is_refused_under_every_name() {
    let reason = |text: &str| match refusal(text) {
        EntryError::Refused { refusal, .. } => refusal,
        other => panic!("{text}: {other}"),
    };
    let cases = [
        ("State = 0x00", Refusal::State),
        ("Proxy-State = 0x00", Refusal::ProxyState),
        ("Message-Authenticator = 0x00", Refusal::Signature),
        ("EAP-Message = 0x00", Refusal::Eap),
        ("User-Password = x", Refusal::Password),
        ("CHAP-Password = 0x00", Refusal::Method),
        ("CHAP-Challenge = 0x00", Refusal::Method),
        ("MS-CHAP2-Success = 0x00", Refusal::Method),
        ("MS-CHAP-Error = x", Refusal::Method),
        ("MS-CHAP-MPPE-Keys = 0x00", Refusal::Key),
        ("MS-MPPE-Send-Key = 0x00", Refusal::Key),
        ("Microsoft.MS-MPPE-Recv-Key = 0x00", Refusal::Key),
        ("Prompt = Echo", Refusal::Prompt),
        ("NAS-IP-Address = 192.0.2.1", Refusal::Request),
        ("Calling-Station-Id = x", Refusal::Request),
        ("Acct-Session-Id = x", Refusal::Accounting),
        ("Event-Timestamp = 1", Refusal::Accounting),
        ("Error-Cause = 401", Refusal::Reject),
        ("Attr-24 = 0x00", Refusal::State),
        ("Attr-26 = 0x00", Refusal::Vendor),
        ("Attr-26.311.17 = 0x00", Refusal::Key),
        ("Attr-241 = 0x0100", Refusal::Extended),
        ("Site-Ascend = x", Refusal::Encryption),
        ("Site-User = x", Refusal::Encryption),
    ];
    for (text, refusal) in cases {
        assert_eq!(reason(text), refusal, "{text}");
    }
    let mut renamed = dictionary().clone();
    let text = "ATTRIBUTE My-State 24 string\nATTRIBUTE Group 79 string";
    renamed.read("site", text, &mut no_includes).unwrap();
    for text in ["My-State = x", "Group = x"] {
        let error = Entry::parse(&renamed, text).unwrap_err();
        assert!(matches!(error, EntryError::Refused { .. }), "{error}");
    }
    for text in [
        "Reply-Message = Welcome",
        "MS-MPPE-Encryption-Policy = Encryption-Required",
        "User-Name = alice",
    ] {
        assert_eq!(refused(entry(text).id()), None, "{text}");
    }
}

#[test]
fn a_reply_s_entries_are_checked_together() {
    let entries = |texts: &[&str]| texts.iter().map(|text| entry(text)).collect::<Vec<_>>();
    let fine = entries(&[
        "Class = a",
        "Class = b",
        "Cisco-AVPair = \"a=1\"",
        "Cisco-AVPair = \"b=2\"",
        "Session-Timeout = 60",
        "Tunnel-Password = x",
    ]);
    assert_eq!(check(&fine), Ok(3 + 3 + 11 + 11 + 6 + 21));
    let twice = entries(&["Session-Timeout = 60", "Class = a", "Attr-27 = 61"]);
    assert_eq!(check(&twice), Err(EntryError::Twice("Session-Timeout".into())));
    assert!(once(AttributeId::rfc(8)) && !once(AttributeId::rfc(25)) && !once(AttributeId::vendor(9, 8)));

    let text = format!("Class = {}", "x".repeat(248));
    let full = vec![entry(&text); 12];
    assert_eq!(check(&full), Ok(BUDGET));
    let more = vec![entry(&text); 13];
    assert_eq!(
        check(&more),
        Err(EntryError::Full {
            octets: BUDGET + 250,
            budget: BUDGET
        })
    );
}

#[test]
fn a_reply_with_a_full_budget_fits_with_what_the_server_adds() {
    let text = format!("Class = {}", "x".repeat(248));
    let entries = vec![entry(&text); 12];
    let mut buffer = [0; MAX_PACKET];
    let mut request = [0; MAX_PACKET];
    let mut builder = otpost_radius_wire::RequestBuilder::new(
        &mut request,
        otpost_radius_wire::Code::AccessRequest,
        7,
        REQUEST,
        otpost_radius_wire::Signing::MessageAuthenticator,
    )
    .unwrap();
    builder.attribute(33, &[7; 253]).unwrap();
    let request = Packet::parse(builder.finish(&secret())).unwrap();
    let mut reply = ReplyBuilder::new(&mut buffer, otpost_radius_wire::Code::AccessAccept, &request).unwrap();
    let mut salts = Salts::new([3, 3]);
    for entry in &entries {
        let octets = entry.encoded().octets(&secret(), &REQUEST, salts.draw()).unwrap();
        reply.attribute(entry.encoded().kind(), &octets).unwrap();
    }
    let packet = Packet::parse(reply.finish(&secret())).unwrap();
    assert_eq!(packet.all(25).count(), 12);
}

#[test]
fn attributes_are_shown_by_name_with_what_they_mean() {
    let cases: &[(u8, Vec<u8>, &[&str])] = &[
        (6, vec![0, 0, 0, 6], &["Service-Type = Administrative-User"]),
        (27, vec![0, 0, 0x0e, 0x10], &["Session-Timeout = 3600"]),
        (8, vec![192, 0, 2, 1], &["Framed-IP-Address = 192.0.2.1"]),
        (25, b"OU=VPN".to_vec(), &["Class = \"OU=VPN\""]),
        (25, vec![0, 1, 0xff], &["Class = 0x0001ff"]),
        (
            18,
            b"bell \x07\x1b[2J \xff \"q\"".to_vec(),
            &["Reply-Message = \"bell \\x07\\x1b[2J \\xff \\\"q\\\"\""],
        ),
        (
            18,
            "ü \u{202e}x".as_bytes().to_vec(),
            &["Reply-Message = \"ü \\xe2\\x80\\xaex\""],
        ),
        (
            97,
            vec![0, 32, 0x20, 1, 0x0d, 0xb8],
            &["Framed-IPv6-Prefix = 2001:db8::/32"],
        ),
        (55, vec![0, 0, 0, 0], &["Event-Timestamp = 1970-01-01T00:00:00Z"]),
        (2, vec![1; 16], &["User-Password = (hidden)"]),
        (69, vec![1; 19], &["Tunnel-Password:1 = (hidden)"]),
        (26, vendor(311, 16, &[1; 34]), &["MS-MPPE-Send-Key = (hidden)"]),
        // Nobody knows these.
        (250, vec![1, 2], &["Attr-250 = 0x0102"]),
        (26, vendor(77, 7, &[1, 2]), &["Attr-26.77.7 = 0x0102"]),
        (26, vendor(311, 99, &[1, 2]), &["Attr-26.311.99 = 0x0102"]),
        // Malformed for their type.
        (8, vec![1, 2, 3], &["Attr-8 = 0x010203"]),
        (97, vec![0, 129, 0, 0], &["Attr-97 = 0x00810000"]),
        (97, vec![0, 64, 0, 0], &["Attr-97 = 0x00400000"]),
        // Lengths that do not fit.
        (26, vec![0, 0, 0, 9, 1, 9, 65], &["Attr-26 = 0x00000009010941"]),
        (26, vec![0, 0, 0, 9, 1, 1, 65], &["Attr-26 = 0x00000009010141"]),
        (26, vec![0, 0, 0, 9], &["Attr-26 = 0x00000009"]),
        (26, vec![1, 0, 0, 9, 1, 3, 65], &["Attr-26 = 0x01000009010341"]),
        // Several in one, from others.
        (
            26,
            vec![0, 0, 0, 9, 1, 3, 65, 1, 3, 66],
            &["Cisco-AVPair = \"A\"", "Cisco-AVPair = \"B\""],
        ),
        (
            26,
            vendor(424_242, 10, &[192, 0, 2, 1, 192, 0, 2, 2]),
            &["Site-Many = 192.0.2.1", "Site-Many = 192.0.2.2"],
        ),
        (26, vendor(424_242, 1, &[9]), &["Site-Byte = 9"]),
    ];
    for (kind, octets, wanted) in cases {
        assert_eq!(lines(*kind, octets), *wanted);
    }
    // A piece of a value that goes on is not taken for a whole one.
    assert_eq!(
        lines(26, &[0, 6, 0x79, 0x35, 3, 4, 0x80, b'a']),
        ["Attr-26.424245.3 = 0x61"]
    );
}

/// Octets of a value for a definition.
fn octets_for(definition: &Definition) -> BoxedStrategy<Vec<u8>> {
    let fixed = |length: usize| prop::collection::vec(any::<u8>(), length..=length).boxed();
    let prefix = |octets: usize, bits: u8| {
        (prop::collection::vec(any::<u8>(), octets..=octets), 0..=bits)
            .prop_map(move |(mut address, prefix)| {
                for (index, octet) in address.iter_mut().enumerate() {
                    let keep = usize::from(prefix).saturating_sub(index * 8).min(8);
                    let keep = u32::try_from(keep).unwrap();
                    *octet &= !(0xff_u8.checked_shr(keep).unwrap_or(0));
                }
                [vec![0, prefix], address].concat()
            })
            .boxed()
    };
    match definition.data {
        DataType::String | DataType::Tlv | DataType::Abinary => {
            prop::collection::vec(any::<u8>(), 1..200).boxed()
        }
        DataType::Octets => match definition.length {
            Some(length) => fixed(usize::from(length)),
            None => prop::collection::vec(any::<u8>(), 1..200).boxed(),
        },
        DataType::Byte => fixed(1),
        DataType::Short => fixed(2),
        DataType::Integer if definition.tagged => fixed(3).prop_map(|rest| [vec![0], rest].concat()).boxed(),
        DataType::Integer | DataType::Signed | DataType::Date | DataType::IpAddr => fixed(4),
        DataType::ComboIp => prop_oneof![fixed(4), fixed(16)].boxed(),
        DataType::Ether => fixed(6),
        DataType::Integer64 | DataType::IfId => fixed(8),
        DataType::Ipv6Addr => fixed(16),
        DataType::Ipv4Prefix => prefix(4, 32),
        DataType::Ipv6Prefix => prefix(16, 128),
    }
}

/// An attribute that may be entered, with octets of its type.
fn any_value() -> impl Strategy<Value = (Definition, Vec<u8>)> {
    let definitions: Vec<Definition> = (dictionary().attributes())
        .filter(|definition| refused(definition.id).is_none() && definition.encryption == Encryption::None)
        .cloned()
        .collect();
    prop::sample::select(definitions)
        .prop_flat_map(|definition| (Just(definition.clone()), octets_for(&definition)))
}

proptest! {
    #[test]
    fn what_is_written_comes_back_as_the_same_octets_and_the_same_text(
        (definition, value) in any_value(),
        tag in prop::option::of(1_u8..=31),
    ) {
        let dictionary = dictionary();
        // Octets as octets, by the attribute's number: the way every value can be entered.
        let hex: String = value.iter().map(|octet| format!("{octet:02x}")).collect();
        let numbers = definition.data.largest().is_some() || matches!(definition.data, DataType::Signed);
        let written = match definition.data {
            DataType::Signed => i32::from_be_bytes(value.clone().try_into().unwrap()).to_string(),
            _ => format!("0x{hex}"),
        };
        let tag = tag.filter(|_| definition.tagged);
        let tag_text = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let entry = Entry::parse(dictionary, &format!("{}{tag_text} = {written}", definition.name)).unwrap();
        prop_assert_eq!(entry.tag(), tag);

        // Its text is the same entry.
        let again = Entry::parse(dictionary, entry.text()).unwrap();
        prop_assert_eq!(&again, &entry);
        prop_assert_eq!(again.text(), entry.text());
        prop_assert!(!entry.text().chars().any(char::is_control));

        // What is sent is shown as that text.
        let Encoded::Plain { kind, value: sent } = entry.encoded() else {
            panic!("nothing encrypted is in this test");
        };
        prop_assert!(sent.ends_with(&value[usize::from(definition.tagged && numbers)..]));
        let shown: Vec<String> = show(dictionary, *kind, sent).iter().map(ToString::to_string).collect();
        prop_assert_eq!(shown, vec![entry.text().to_owned()]);
    }

    #[test]
    fn secrets_come_out_as_they_went_in(password in prop::collection::vec(any::<u8>(), 1..=239), salt in any::<[u8; 2]>()) {
        let hex: String = password.iter().map(|octet| format!("{octet:02x}")).collect();
        let entry = entry(&format!("Tunnel-Password = 0x{hex}"));
        let octets = entry.encoded().octets(&secret(), &REQUEST, Salts::new(salt).draw()).unwrap();
        prop_assert_eq!(octets.len() + 2, entry.encoded().size());
        let clear = reveal_salted(&octets[1..], &secret(), &REQUEST).unwrap();
        prop_assert_eq!(&**clear, &password);
    }

    #[test]
    fn whatever_arrives_can_be_shown(kind in any::<u8>(), octets in prop::collection::vec(any::<u8>(), 0..=253)) {
        for line in show(dictionary(), kind, &octets) {
            prop_assert!(!line.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn whatever_a_vendor_packs_can_be_shown(
        vendor in prop::sample::select(vec![9_u32, 311, 424_242, 424_243, 424_244, 424_245, 77]),
        octets in prop::collection::vec(0_u8..12, 0..40),
    ) {
        let whole = [vendor.to_be_bytes().to_vec(), octets].concat();
        for line in show(dictionary(), 26, &whole) {
            prop_assert!(line.name.starts_with("Attr-26") || dictionary().get(&line.name).is_some());
        }
    }

    #[test]
    fn whatever_is_entered_is_an_entry_or_an_error_with_help(text in "[A-Za-z0-9=:\"'\\\\ .-]{0,60}") {
        if let Err(error) = Entry::parse(dictionary(), &text) {
            let refused = matches!(error, EntryError::Refused { .. });
            prop_assert!(refused || error.to_string().contains("\n  = help: "), "{}", error);
        }
    }
}
