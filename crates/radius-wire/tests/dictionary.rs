//! Dictionary files: what is read, what is left out, what is refused, and what is found again.

#![expect(clippy::unwrap_used, reason = "test")]

use otpost_radius_wire::dictionary::{
    AttributeId, DataType, Dictionary, DictionaryError, Encryption, Fault, IncludeError, LookupError, Note,
    Remark, VendorId, no_includes,
};
use proptest::prelude::*;

fn read(text: &str) -> Result<(Dictionary, Vec<Note>), DictionaryError> {
    let mut dictionary = Dictionary::default();
    let notes = dictionary.read("site", text, &mut no_includes)?;
    Ok((dictionary, notes))
}

fn fault(text: &str) -> (usize, Fault) {
    let error = read(text).unwrap_err();
    assert_eq!(error.file, "site");
    (error.line, error.fault)
}

#[test]
fn the_shipped_files_read_without_a_note() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dictionaries");
    let shipped = Dictionary::shipped().unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut alone = Dictionary::default();
        assert_eq!(alone.read(&name, &text, &mut no_includes), Ok(vec![]), "{name}");
        // Every file in the folder is embedded.
        for definition in alone.attributes() {
            let known = shipped.get(&definition.name);
            assert_eq!(known.map(|known| known.id), Some(definition.id), "{name}");
        }
        files += 1;
    }
    assert_eq!(files, 19);
    assert!(shipped.attributes().count() > 400);
}

#[test]
fn no_shipped_number_has_two_names() {
    let shipped = Dictionary::shipped().unwrap();
    for definition in shipped.attributes() {
        let printed = shipped.by_id(definition.id).unwrap();
        assert_eq!(printed.name, definition.name, "{}", definition.id);
    }
}

#[test]
fn attributes_values_and_vendors_are_read() {
    let (dictionary, notes) = read(
        "# a comment\n\
         VENDOR  Example  424242   format=2,1\n\
         BEGIN-VENDOR Example\n\
         ATTRIBUTE\tExample-Group\t0x0102\tstring # behind a line\n\
         ATTRIBUTE Example-Key 2 octets[16] encrypt=2\n\
         attribute Example-Mode 3 Byte array\n\
         VALUE Example-Mode Quiet 0x10\n\
         END-VENDOR Example\n\
         VALUE Later First 1\n\
         ATTRIBUTE Later 200 integer has_tag\n",
    )
    .unwrap();
    assert_eq!(notes, vec![]);
    let group = dictionary.get("example-GROUP").unwrap();
    assert_eq!(group.name, "Example-Group");
    assert_eq!(group.id, AttributeId::vendor(424_242, 0x102));
    assert_eq!(group.data, DataType::String);
    let key = dictionary.get("Example-Key").unwrap();
    assert_eq!(
        (key.data, key.length, key.encryption),
        (DataType::Octets, Some(16), Encryption::TunnelPassword)
    );
    let mode = dictionary.get("Example-Mode").unwrap();
    assert!(mode.array);
    assert_eq!(mode.number_of("quiet"), Some(16));
    assert_eq!(mode.name_of(16), Some("Quiet"));
    let later = dictionary.get("Later").unwrap();
    assert!(later.tagged);
    assert_eq!(later.id, AttributeId::rfc(200));
    assert_eq!(later.name_of(1), Some("First"));
    let vendor = dictionary.vendor(VendorId(424_242)).unwrap();
    assert_eq!((vendor.name.as_str(), vendor.format.number), ("Example", 2));
}

#[test]
fn the_oldest_form_names_the_vendor_behind_the_type() {
    // As Check Point documents it for its Gaia.
    let (dictionary, notes) =
        read("VENDOR CheckPoint 2620\nATTRIBUTE CP-Gaia-User-Role 229 string CheckPoint\n").unwrap();
    assert_eq!(notes, vec![]);
    assert_eq!(
        dictionary.get("CP-Gaia-User-Role").unwrap().id,
        AttributeId::vendor(2620, 229)
    );
}

#[test]
fn what_newer_formats_have_is_left_out_with_a_note() {
    let (dictionary, notes) = read(
        "VENDOR Example 424242\n\
         FLAGS internal\n\
         ATTRIBUTE Kept 1 string long-flag\n\
         ATTRIBUTE Nested 241.1 integer\n\
         VALUE Nested One 1\n\
         ATTRIBUTE Extended 241 extended\n\
         ATTRIBUTE Inside 3000 integer\n\
         ATTRIBUTE Virtual 20 string virtual\n\
         BEGIN-VENDOR Example format=Extended-Vendor-Specific-5\n\
         ATTRIBUTE Elsewhere 1 string\n\
         END-VENDOR Example\n\
         BEGIN-VENDOR Example\n\
         ATTRIBUTE Whole 7 tlv\n\
         BEGIN-TLV Whole\n\
         ATTRIBUTE Part 1 string\n\
         VALUE Part No 1\n\
         END-TLV Whole\n\
         ATTRIBUTE Behind 8 string\n\
         END-VENDOR Example\n\
         BEGIN-PROTOCOL DHCPv4\n\
         ATTRIBUTE Subnet 1 ipaddr\n\
         END-PROTOCOL DHCPv4\n\
         BEGIN-PROTOCOL RADIUS\n\
         ATTRIBUTE Ours 2 ipaddr\n\
         END-PROTOCOL RADIUS\n\
         VALUE Kept Text 5\n",
    )
    .unwrap();
    let names: Vec<&str> = dictionary.attributes().map(|known| known.name.as_str()).collect();
    assert_eq!(names, ["Kept", "Whole", "Behind", "Ours"]);
    assert_eq!(
        dictionary.get("Behind").unwrap().id,
        AttributeId::vendor(424_242, 8)
    );
    let remarks: Vec<(usize, Remark)> = notes.into_iter().map(|note| (note.line, note.remark)).collect();
    assert_eq!(
        remarks,
        [
            (2, Remark::Keyword("FLAGS".into())),
            (
                3,
                Remark::Flag {
                    attribute: "Kept".into(),
                    flag: "long-flag".into()
                }
            ),
            (4, Remark::Nested("Nested".into())),
            (
                6,
                Remark::DataType {
                    attribute: "Extended".into(),
                    data: "extended".into()
                }
            ),
            (7, Remark::Internal("Inside".into())),
            (8, Remark::Internal("Virtual".into())),
            (9, Remark::Block("BEGIN-VENDOR Example".into())),
            (14, Remark::Block("BEGIN-TLV Whole".into())),
            (20, Remark::Block("BEGIN-PROTOCOL DHCPv4".into())),
            (26, Remark::Value("Kept".into())),
        ]
    );
}

#[test]
fn a_wrong_line_is_named_with_what_mends_it() {
    let number = |text: &str, least, largest| Fault::Number {
        text: text.into(),
        least,
        largest,
    };
    let cases: Vec<(&str, usize, Fault)> = vec![
        (
            "\nATTRIBUTE Name 1",
            2,
            Fault::Words {
                keyword: "ATTRIBUTE",
                form: "ATTRIBUTE Name 1 string",
            },
        ),
        ("ATTRIBUTE Na=me 1 string", 1, Fault::Name("Na=me".into())),
        ("ATTRIBUTE Name one string", 1, number("one", 0, 0xffff_ffff)),
        ("ATTRIBUTE Name +1 string", 1, number("+1", 0, 0xffff_ffff)),
        ("ATTRIBUTE Name 0x string", 1, number("0x", 0, 0xffff_ffff)),
        ("ATTRIBUTE Name 1 strng", 1, Fault::DataType("strng".into())),
        (
            "ATTRIBUTE Name 1 string[3]",
            1,
            Fault::DataType("string[3]".into()),
        ),
        ("ATTRIBUTE Name 1 octets[0]", 1, number("0", 1, 253)),
        (
            "ATTRIBUTE Name 1 ipaddr has_tag",
            1,
            Fault::Flag {
                flag: "has_tag".into(),
                data: "ipaddr",
            },
        ),
        ("VENDOR Example 0", 1, number("0", 1, 0x00ff_ffff)),
        ("VENDOR Example 16777216", 1, number("16777216", 1, 0x00ff_ffff)),
        (
            "VENDOR Example 1 format=3,1",
            1,
            Fault::Format("format=3,1".into()),
        ),
        (
            "VENDOR Example 1 format=1,1,d",
            1,
            Fault::Format("format=1,1,d".into()),
        ),
        (
            "VENDOR Example 1\nVENDOR example 2",
            2,
            Fault::VendorAgain {
                name: "example".into(),
                number: 1,
            },
        ),
        ("BEGIN-VENDOR Example", 1, Fault::Vendor("Example".into())),
        (
            "VENDOR Example 1\nBEGIN-VENDOR Example\nATTRIBUTE Name 256 string",
            3,
            number("256", 0, 0xff),
        ),
        (
            "VENDOR Example 1\nBEGIN-VENDOR Example\n\n",
            2,
            Fault::NotEnded("BEGIN-VENDOR Example".into()),
        ),
        (
            "END-VENDOR Example",
            1,
            Fault::NotBegun {
                keyword: "END-VENDOR".into(),
                name: "Example".into(),
                begin: "BEGIN-VENDOR".into(),
            },
        ),
        (
            "VENDOR Example 1\nBEGIN-VENDOR Example\nEND-VENDOR Other",
            3,
            Fault::Crossed {
                found: "END-VENDOR Other".into(),
                open: "BEGIN-VENDOR Example".into(),
                line: 2,
            },
        ),
        (
            "ATTRIBUTE Name 1 string\nATTRIBUTE name 2 string",
            2,
            Fault::Again {
                name: "name".into(),
                first: "site:1".into(),
            },
        ),
        ("VALUE Name One 1", 1, Fault::Attribute("Name".into())),
        (
            "ATTRIBUTE Name 1 byte\nVALUE Name Much 256",
            2,
            number("256", 0, 0xff),
        ),
        (
            "ATTRIBUTE Name 1 byte\nVALUE Name One x",
            2,
            number("x", 0, u64::MAX),
        ),
        (
            "ATTRIBUTE Name 1 byte\nVALUE Name One 1\nVALUE Name one 2",
            3,
            Fault::ValueAgain {
                attribute: "Name".into(),
                value: "one".into(),
                number: 1,
            },
        ),
        ("$INCLUDE ../other", 1, Fault::Outside("../other".into())),
        ("$INCLUDE /etc/passwd", 1, Fault::Outside("/etc/passwd".into())),
        ("$INCLUDE a/./b", 1, Fault::Outside("a/./b".into())),
        ("$INCLUDE a\\b", 1, Fault::Outside("a\\b".into())),
        (
            "$INCLUDE other",
            1,
            Fault::Include {
                name: "other".into(),
                reason: IncludeError::Missing,
            },
        ),
    ];
    for (text, line, wanted) in cases {
        assert_eq!(fault(text), (line, wanted), "{text}");
        let shown = read(text).unwrap_err().to_string();
        assert!(shown.starts_with(&format!("site:{line}: ")), "{shown}");
        assert!(shown.contains("\n  = help: "), "{shown}");
    }
}

#[test]
fn an_error_leaves_the_dictionary_as_it_was() {
    let mut dictionary = Dictionary::shipped().unwrap();
    let before = dictionary.attributes().count();
    let text = "ATTRIBUTE Class 25 string\nATTRIBUTE New 200 string\nATTRIBUTE Broken";
    dictionary.read("site", text, &mut no_includes).unwrap_err();
    assert_eq!(dictionary.attributes().count(), before);
    assert_eq!(dictionary.get("Class").unwrap().data, DataType::Octets);
}

#[test]
fn files_include_others_beside_them_and_never_above() {
    let mut asked = Vec::new();
    let mut include = |name: &str| {
        asked.push(name.to_owned());
        match name {
            "vendors/example" => Ok("VENDOR Example 424242\n$INCLUDE more/example".to_owned()),
            "vendors/more/example" => Ok("BEGIN-VENDOR Example\nATTRIBUTE Example-Group 1 string\n\
                                          END-VENDOR Example"
                .to_owned()),
            _ => Err(IncludeError::Missing),
        }
    };
    let mut dictionary = Dictionary::default();
    let text = "$INCLUDE vendors/example\n$INCLUDE- perhaps\n";
    assert_eq!(dictionary.read("dictionary", text, &mut include), Ok(vec![]));
    assert_eq!(asked, ["vendors/example", "vendors/more/example", "perhaps"]);
    assert_eq!(
        dictionary.get("Example-Group").unwrap().id,
        AttributeId::vendor(424_242, 1)
    );
}

#[test]
fn a_fault_in_an_included_file_names_that_file() {
    let mut include = |_: &str| Ok("\nATTRIBUTE".to_owned());
    let error = Dictionary::default()
        .read("dictionary", "$INCLUDE inner", &mut include)
        .unwrap_err();
    assert_eq!((error.file.as_str(), error.line), ("inner", 2));
}

#[test]
fn a_file_that_includes_itself_comes_to_an_end() {
    let mut once = |_: &str| Ok("$INCLUDE again".to_owned());
    let error = Dictionary::default()
        .read("again", "$INCLUDE again", &mut once)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Deep(8));

    let mut asked = 0;
    let mut twice = |_: &str| {
        asked += 1;
        Ok("$INCLUDE- again\n".repeat(40))
    };
    let error = Dictionary::default()
        .read("again", "$INCLUDE again", &mut twice)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Deep(8));
    assert!(asked <= 1_024);
}

#[test]
fn a_later_file_overrides_and_says_so() {
    let mut dictionary = Dictionary::shipped().unwrap();
    let text = "ATTRIBUTE Class 25 string\nATTRIBUTE My-Class 25 string\nATTRIBUTE User-Name 1 string\n\
                VALUE Service-Type Login-User 9\nVALUE Service-Type Ours 99\n";
    let notes = dictionary.read("site", text, &mut no_includes).unwrap();
    let notes: Vec<String> = notes.iter().map(Note::to_string).collect();
    assert_eq!(notes, ["site:1: Class: this definition replaces the earlier one"]);
    assert_eq!(dictionary.get("Class").unwrap().data, DataType::String);
    assert_eq!(dictionary.by_id(AttributeId::rfc(25)).unwrap().name, "My-Class");
    let service = dictionary.get("Service-Type").unwrap();
    assert_eq!(service.number_of("Login-User"), Some(9));
    assert_eq!(service.number_of("Ours"), Some(99));
    assert_eq!(service.number_of("Framed-User"), Some(2));

    // Moved to another number: the old one goes back to its other name, or to nobody.
    let text = "ATTRIBUTE My-Class 201 string\nATTRIBUTE User-Name 202 string";
    dictionary.read("site", text, &mut no_includes).unwrap();
    assert_eq!(dictionary.by_id(AttributeId::rfc(25)).unwrap().name, "Class");
    assert_eq!(dictionary.by_id(AttributeId::rfc(1)), None);
    assert_eq!(dictionary.get("User-Name").unwrap().id, AttributeId::rfc(202));
}

#[test]
fn names_are_found_in_every_spelling() {
    let dictionary = Dictionary::shipped().unwrap();
    let avpair = AttributeId::vendor(9, 1);
    for name in [
        "Cisco-AVPair",
        "cisco-avpair",
        "Cisco.AVPair",
        "CISCO.cisco-avpair",
        "Attr-26.9.1",
        "attr-26.9.1",
    ] {
        assert_eq!(dictionary.find(name).map(|known| known.id), Ok(avpair), "{name}");
    }
    assert_eq!(
        dictionary.get("ASA.Group-Policy").unwrap().id,
        AttributeId::vendor(3076, 25)
    );
    assert_eq!(
        dictionary.get("Microsoft.MS-MPPE-Send-Key").unwrap().id,
        AttributeId::vendor(311, 16)
    );
    assert_eq!(dictionary.get("Attr-25").unwrap().name, "Class");
    assert_eq!(dictionary.vendor_named("fortinet"), Some(VendorId(12_356)));
}

#[test]
fn an_unknown_name_gets_suggestions() {
    let dictionary = Dictionary::shipped().unwrap();
    let like = |name: &str| match dictionary.find(name) {
        Err(LookupError::Unknown { like, .. }) => like,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(like("Filter-ID2")[0], "Filter-Id");
    assert_eq!(like("AVPair")[0], "Cisco-AVPair");
    assert_eq!(like("Seession-Timeout")[0], "Session-Timeout");
    assert_eq!(like("Nonsense-Of-Nobody"), Vec::<String>::new());
    assert_eq!(like(&"x".repeat(100_000)), Vec::<String>::new());
    let shown = dictionary.find("Filter-Di").unwrap_err().to_string();
    assert!(shown.contains("did you mean"), "{shown}");
}

#[test]
fn names_of_several_vendors_are_told_apart() {
    let text = "VENDOR One 424201\nVENDOR Two 424202\n\
                BEGIN-VENDOR One\nATTRIBUTE Group 1 string\nATTRIBUTE Class 2 string\nEND-VENDOR One\n\
                BEGIN-VENDOR Two\nATTRIBUTE Group 7 byte\nVALUE Group Staff 3\nEND-VENDOR Two\n";
    let mut dictionary = Dictionary::shipped().unwrap();
    assert_eq!(dictionary.read("site", text, &mut no_includes), Ok(vec![]));
    assert_eq!(
        dictionary.find("Group"),
        Err(LookupError::Ambiguous {
            name: "Group".into(),
            candidates: vec!["One.Group".into(), "Two.Group".into()],
        })
    );
    assert_eq!(
        dictionary.get("One.Group").unwrap().id,
        AttributeId::vendor(424_201, 1)
    );
    let two = dictionary.get("Two-Group").unwrap();
    assert_eq!(two.id, AttributeId::vendor(424_202, 7));
    assert_eq!(two.number_of("staff"), Some(3));
    // The RFCs' own name goes first.
    assert_eq!(dictionary.get("Class").unwrap().id, AttributeId::rfc(25));

    let error = dictionary
        .read("site", "VALUE Group Other 4", &mut no_includes)
        .unwrap_err();
    assert_eq!(error.fault, Fault::Ambiguous("Group".into()));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_with_an_error(text in "(?s).{0,400}") {
        let _ = read(&text);
    }

    #[test]
    fn no_line_of_known_words_makes_the_reader_fail_otherwise(
        lines in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![
            "ATTRIBUTE", "VALUE", "VENDOR", "BEGIN-VENDOR", "END-VENDOR", "BEGIN-TLV", "END-TLV", "BEGIN-PROTOCOL",
            "END-PROTOCOL", "$INCLUDE", "X", "Y", "1", "0x7f", "300", "1.2", "string", "integer", "octets[3]", "tlv",
            "has_tag", "encrypt=2", "format=1,1", "RADIUS",
        ]), 0..6), 0..12),
    ) {
        let text = lines.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("\n");
        if let Ok((dictionary, _)) = read(&text) {
            for definition in dictionary.attributes() {
                prop_assert!(dictionary.by_id(definition.id).is_some());
                prop_assert!(dictionary.find(&definition.id.to_string()).is_ok());
            }
        }
    }
}
