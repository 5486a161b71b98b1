//! Login names: which spellings are one, and which are refused.

use otpost_core::name::{BadName, LoginName};
use otpost_core::resource::{BadResource, Resource};
use otpost_core::{Timestamp, ids::ResourceId};
use proptest::prelude::*;

fn parse(raw: &str) -> Result<String, BadName> {
    LoginName::parse(raw).map(|name| name.to_string())
}

#[test]
fn one_user_in_many_spellings() {
    for raw in [
        "alice",
        "Alice",
        "ALICE",
        "CORP\\alice",
        "corp\\Alice",
        "alice@corp",
        "ALICE@CORP.EXAMPLE",
        "CORP\\alice@corp.example",
        "alice@corp@elsewhere",
        "FOREST\\CORP\\alice",
    ] {
        assert_eq!(parse(raw).as_deref(), Ok("alice"), "{raw}");
    }
    assert_eq!(parse("JOSÉ").as_deref(), Ok("josé"));
    assert_eq!(parse("ИВАН@corp").as_deref(), Ok("иван"));
}

#[test]
fn linux_and_windows_names() {
    for raw in [
        "a",
        "svc-x$",
        "_apt",
        "user.name",
        "user_name-1",
        "o'brien",
        "x+y",
        "a#b",
        "100%",
        "müller",
        "abcdefghijklmnopqrstuvwxyz012345",
    ] {
        assert_eq!(parse(raw).as_deref(), Ok(raw), "{raw}");
    }
}

#[test]
fn lengths() {
    assert_eq!(parse(&"a".repeat(64)), Ok("a".repeat(64)));
    assert_eq!(parse(&"a".repeat(65)), Err(BadName::TooLong));
    assert_eq!(parse(&"ж".repeat(64)), Ok("ж".repeat(64)));
    assert_eq!(parse(&"ж".repeat(65)), Err(BadName::TooLong));
    // 255 octets are looked at, 256 are not.
    let realm = format!("alice@{}", "r".repeat(249));
    assert_eq!((realm.len(), parse(&realm).as_deref()), (255, Ok("alice")));
    assert_eq!(parse(&format!("{realm}r")), Err(BadName::TooLong));
    assert_eq!(parse(&"a".repeat(255)), Err(BadName::TooLong));
    assert_eq!(parse(&"a".repeat(1 << 20)), Err(BadName::TooLong));
    // Folding may lengthen a name.
    assert_eq!(parse(&"İ".repeat(40)), Err(BadName::TooLong));
}

#[test]
fn nothing_left() {
    for raw in ["", "@corp", "CORP\\", "CORP\\@corp", "\\", "@", "alice\\"] {
        assert_eq!(parse(raw), Err(BadName::Empty), "{raw:?}");
    }
}

#[test]
fn refused_characters() {
    for raw in [
        "al ice",
        " alice",
        "alice ",
        "al\tice",
        "alice\n",
        "\nalice",
        "al\0ice",
        "alice\0",
        "alice\u{7f}",
        "al\u{85}ice",
        "al\u{a0}ice",
        "al\u{3000}ice",
        "al\u{2028}ice",
        "al/ice",
        "../alice",
        "a:b",
        "a*b",
        "a?b",
        "a\"b",
        "a<b",
        "a>b",
        "a|b",
        "a&b",
        "a^b",
        "a`b",
    ] {
        assert_eq!(parse(raw), Err(BadName::Character), "{raw:?}");
    }
    // Control characters are refused in what is thrown away as well: the whole string reaches logs.
    for raw in [
        "CO\nRP\\alice",
        "alice@co\nrp",
        "alice@corp\0",
        "\u{1b}[2J\\alice",
    ] {
        assert_eq!(parse(raw), Err(BadName::Character), "{raw:?}");
    }
}

/// Every character with the Unicode property Bidi_Control, and the common invisible ones.
#[test]
fn marks_that_nobody_sees_are_refused() {
    let bidi =
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    let invisible = "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}\u{180e}\u{3164}\u{fe0f}\u{e0041}";
    let passed: Vec<String> = bidi
        .chars()
        .chain(invisible.chars())
        .filter(|mark| parse(&format!("ali{mark}ce")) != Err(BadName::Character))
        .map(|mark| format!("{mark:?}"))
        .collect();
    assert!(passed.is_empty(), "accepted: {passed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any string is a name or an error; a name is its own spelling.
    #[test]
    fn a_name_is_its_own_spelling(raw in "\\PC{0,80}|[a-zA-Z0-9@\\\\.ıİſKßς$-]{0,80}") {
        if let Ok(name) = LoginName::parse(&raw) {
            prop_assert!(!name.as_str().is_empty());
            prop_assert!(name.as_str().chars().count() <= 64);
            prop_assert!(!name.as_str().contains(['@', '\\', ' ', '\0', '\n']));
            prop_assert_eq!(LoginName::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn case_domain_and_realm_do_not_count(name in "[a-z][a-z0-9._$-]{0,31}", domain in "[A-Z]{1,15}", realm in "[a-z.]{1,30}") {
        let plain = LoginName::parse(&name);
        prop_assert!(plain.is_ok());
        for spelling in [
            name.to_uppercase(),
            format!("{domain}\\{name}"),
            format!("{name}@{realm}"),
            format!("{domain}\\{}@{realm}", name.to_uppercase()),
        ] {
            prop_assert_eq!(&LoginName::parse(&spelling), &plain);
        }
    }
}

#[test]
fn resources_are_checked() {
    let id = ResourceId([0; 16]);
    let fresh = || Resource::new(id, " Office VPN ", Timestamp(0));
    assert_eq!(fresh().name, "Office VPN");
    assert_eq!(fresh().check(), Ok(()));
    assert_eq!(fresh().key(), "office vpn");
    let with = |change: fn(&mut Resource)| {
        let mut resource = fresh();
        change(&mut resource);
        resource.check()
    };
    assert_eq!(with(|r| r.name.clear()), Err(BadResource::Name));
    assert_eq!(with(|r| r.name = "a".repeat(65)), Err(BadResource::Name));
    assert_eq!(with(|r| r.name = "a\nb".to_owned()), Err(BadResource::Name));
    assert_eq!(
        with(|r| r.failed_attempts = 2),
        Err(BadResource::FailedAttempts(2))
    );
    assert_eq!(
        with(|r| r.failed_attempts = 11),
        Err(BadResource::FailedAttempts(11))
    );
    assert_eq!(with(|r| r.tries = 0), Err(BadResource::Tries(0)));
    assert_eq!(with(|r| r.tries = 11), Err(BadResource::Tries(11)));
    assert_eq!(with(|r| r.validity = 59), Err(BadResource::Validity(59)));
    assert_eq!(with(|r| r.validity = 601), Err(BadResource::Validity(601)));
    assert_eq!(
        with(|r| r.pam_services = vec!["*".to_owned(), "sshd".to_owned()]),
        Ok(())
    );
    for service in ["", "../sshd", "s shd", "sshd\n"] {
        let mut resource = fresh();
        resource.pam_services = vec![service.to_owned()];
        assert_eq!(resource.check(), Err(BadResource::Service(service.to_owned())));
    }
}
