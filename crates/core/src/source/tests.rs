use super::filter::{BadFilter, Filter, Value};
use super::*;

fn ldap(json: &str) -> Result<(), BadSource> {
    serde_json::from_str::<Ldap>(json).unwrap().check()
}

fn radius(json: &str) -> Result<(), BadSource> {
    serde_json::from_str::<Upstream>(json).unwrap().check()
}

const SEARCH: &str = r#""bind": {"search": {"base": "dc=corp,dc=example", "filter": "(uid={user})"}}"#;

#[test]
fn a_chain_is_read_and_written_alike() {
    for text in [
        "local",
        "stack",
        "local,ldap:corp,radius:nps",
        "ldap:corp.1,local",
    ] {
        assert_eq!(text.parse::<Chain>().unwrap().to_string(), text);
    }
    assert_eq!(
        " local , ldap:a ".parse::<Chain>().unwrap().to_string(),
        "local,ldap:a"
    );
    assert_eq!(Chain::default(), "local".parse().unwrap());
    let chain: Chain = "local,ldap:Corp".parse().unwrap();
    assert!(chain.asks("corp") && !chain.asks("local"));
    assert_eq!(serde_json::to_string(&chain).unwrap(), "\"local,ldap:Corp\"");
    assert_eq!(
        serde_json::from_str::<Chain>("\"local,ldap:Corp\"").unwrap(),
        chain
    );
}

#[test]
fn a_chain_that_makes_no_sense_is_refused() {
    for (text, error) in [
        ("", BadSource::ChainLength),
        ("local,stack", BadSource::StackAlone),
        ("stack,stack", BadSource::StackAlone),
        ("ldap:a,ldap:A", BadSource::Twice("ldap:A".to_owned())),
        ("local,local", BadSource::Twice("local".to_owned())),
        ("ldap", BadSource::Link("ldap".to_owned())),
        ("ldap:", BadSource::Link("ldap:".to_owned())),
        ("ldap:a b", BadSource::Link("ldap:a b".to_owned())),
        ("imap:a", BadSource::Link("imap:a".to_owned())),
        ("local,", BadSource::Link(String::new())),
    ] {
        assert_eq!(text.parse::<Chain>(), Err(error), "{text}");
    }
    let nine: Vec<String> = (0..9).map(|n| format!("ldap:{n}")).collect();
    assert_eq!(nine.join(",").parse::<Chain>(), Err(BadSource::ChainLength));
}

#[test]
fn urls_are_read_as_directories_write_them() {
    for (text, host, port, shown) in [
        (
            "ldaps://dc1.corp.example",
            "dc1.corp.example",
            636,
            "ldaps://dc1.corp.example",
        ),
        (
            "ldap://127.0.0.1:3890/",
            "127.0.0.1",
            3890,
            "ldap://127.0.0.1:3890",
        ),
        ("ldap://[::1]", "::1", 389, "ldap://[::1]"),
        ("ldaps://[::1]:6360", "::1", 6360, "ldaps://[::1]:6360"),
    ] {
        let server: Server = text.parse().unwrap();
        assert_eq!((server.host.as_str(), server.port), (host, port), "{text}");
        assert_eq!(server.to_string(), shown);
    }
    for text in [
        "corp.example",
        "http://corp.example",
        "ldap://",
        "ldap://a:0",
        "ldap://a:70000",
        "ldap://a:+1",
        "ldap://a b",
        "ldap://a/dc=corp",
        "ldap://[::1",
        "ldap://[a]",
        "ldap://u@a",
        "ldapi://%2fvar",
        "ldap://::1",
    ] {
        assert_eq!(text.parse::<Server>(), Err(BadSource::Urls), "{text}");
    }
}

#[test]
fn passwords_travel_readably_only_where_that_is_said() {
    let with = |rest: &str| ldap(&format!("{{{SEARCH}, {rest}}}"));
    assert_eq!(with(r#""urls": ["ldap://a"]"#), Ok(()));
    assert_eq!(with(r#""urls": ["ldaps://a"]"#), Ok(()));
    assert_eq!(
        with(r#""urls": ["ldap://a"], "start-tls": false"#),
        Err(BadSource::Plain)
    );
    assert_eq!(
        with(r#""urls": ["ldaps://b", "ldap://a"], "start-tls": false"#),
        Err(BadSource::Plain)
    );
    assert_eq!(
        with(r#""urls": ["ldap://a"], "start-tls": false, "insecure": true"#),
        Ok(())
    );
    assert_eq!(
        with(r#""urls": ["ldap://a"], "insecure": true"#),
        Err(BadSource::Insecure)
    );
    assert_eq!(
        with(r#""urls": ["ldaps://a"], "insecure": true"#),
        Err(BadSource::Insecure)
    );
}

#[test]
fn a_directory_is_checked() {
    let with = |rest: &str| ldap(&format!(r#"{{"urls": ["ldaps://a"], {rest}}}"#));
    for (rest, error) in [
        (r#""bind": {"dn": "uid={user},dc=a"}"#, None),
        (r#""bind": {"dn": "uid=user,dc=a"}"#, Some(BadSource::BindDn)),
        (r#""bind": {"dn": "{user}"}"#, Some(BadSource::BindDn)),
        (r#""bind": {"dn": "{user}=a,dc=b"}"#, Some(BadSource::BindDn)),
        (
            r#""bind": {"dn": "uid={user},cn={user}"}"#,
            Some(BadSource::BindDn),
        ),
        (r#""bind": {"upn": {"name": "{user}@corp.example"}}"#, None),
        (r#""bind": {"upn": {"name": "CORP\\{user}"}}"#, None),
        (r#""bind": {"upn": {"name": "{user}"}}"#, Some(BadSource::Upn)),
        (r#""bind": {"upn": {"name": "a{user}@b"}}"#, Some(BadSource::Upn)),
        (
            r#""bind": {"upn": {"name": "{user}@b"}}, "groups": {"attribute": "memberOf"}"#,
            Some(BadSource::UpnBase),
        ),
        (
            r#""bind": {"upn": {"name": "{user}@b", "base": "dc=b"}}, "groups": {"attribute": "memberOf"}"#,
            None,
        ),
        (
            r#""bind": {"search": {"base": "dc=a", "filter": "(uid={user})", "bind-dn": "cn=a"}}"#,
            Some(BadSource::Account),
        ),
        (
            r#""bind": {"search": {"base": "dc=a", "filter": "(uid={user})", "bind-dn": "cn=a", "password": ""}}"#,
            Some(BadSource::Account),
        ),
        (
            r#""bind": {"search": {"base": "dc=a", "filter": "(uid={user})", "bind-dn": "cn=a", "password": "x"}}"#,
            None,
        ),
        (
            r#""bind": {"search": {"base": "a", "filter": "(uid={user})"}}"#,
            Some(BadSource::Base),
        ),
        (
            r#""bind": {"search": {"base": "", "filter": "(uid={user})"}}"#,
            Some(BadSource::Base),
        ),
        (
            r#""bind": {"search": {"base": "dc=a", "filter": "(uid=alice)"}}"#,
            Some(BadSource::Filter("bind", BadFilter::NoUser)),
        ),
        (
            r#""bind": {"search": {"base": "dc=a", "filter": "(member={dn})"}}"#,
            Some(BadSource::Filter("bind", BadFilter::Dn)),
        ),
        (
            r#""bind": {"dn": "uid={user},dc=a"}, "groups": {"search": {"base": "dc=a", "filter": "(member={dn})"}}"#,
            None,
        ),
        (
            r#""bind": {"dn": "uid={user},dc=a"}, "groups": {"attribute": "member of"}"#,
            Some(BadSource::Attribute("member of".to_owned())),
        ),
        (
            r#""bind": {"dn": "uid={user},dc=a"}, "attributes": ["mail", ""]"#,
            Some(BadSource::Attribute(String::new())),
        ),
        (
            r#""bind": {"dn": "uid={user},dc=a"}, "ca": "none""#,
            Some(BadSource::Ca),
        ),
        (
            r#""bind": {"dn": "uid={user},dc=a"}, "timeout-ms": 99"#,
            Some(BadSource::Timeout),
        ),
    ] {
        assert_eq!(with(rest).err(), error, "{rest}");
    }
    assert!(serde_json::from_str::<Ldap>(r#"{"urls": [], "bind": {"dn": "x"}, "verify": false}"#).is_err());
}

#[test]
fn an_upstream_server_is_checked() {
    let with = |rest: &str| {
        radius(&format!(
            r#"{{"servers": ["192.0.2.1"], "secret": "0123456789abcdef"{rest}}}"#
        ))
    };
    assert_eq!(with(""), Ok(()));
    for (rest, error) in [
        (r#", "tries": 0"#, BadSource::Tries),
        (r#", "timeout-ms": 10001"#, BadSource::Timeout),
        (r#", "dead-seconds": 0"#, BadSource::Dead),
        (r#", "nas-identifier": """#, BadSource::NasIdentifier),
        (r#", "user-name": "alice""#, BadSource::UserName),
    ] {
        assert_eq!(with(rest), Err(error), "{rest}");
    }
    assert_eq!(
        radius(r#"{"servers": ["a"], "secret": "short"}"#),
        Err(BadSource::Secret)
    );
    assert_eq!(
        radius(r#"{"servers": [], "secret": "0123456789abcdef"}"#),
        Err(BadSource::Servers)
    );
    let upstream: Upstream = serde_json::from_str(
        r#"{"servers": ["192.0.2.1", "[::1]:1645", "nps.example:1645"], "secret": "0123456789abcdef", "user-name": "CORP\\{user}"}"#,
    )
    .unwrap();
    let shown: Vec<String> = upstream.servers.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["192.0.2.1:1812", "[::1]:1645", "nps.example:1645"]);
    assert!(upstream.require_message_authenticator);
    assert_eq!(upstream.user_name("alice"), "CORP\\alice");
}

#[test]
fn what_is_stored_comes_back_and_does_not_print_its_secrets() {
    let source = Source {
        id: SourceId([7; 16]),
        name: "corp".to_owned(),
        kind: Kind::Ldap(
            serde_json::from_str(
                r#"{"urls": ["ldaps://a"], "bind": {"search": {"bind-dn": "cn=s,dc=a", "password": "hunter2",
                    "base": "dc=a", "filter": "(uid={user})"}}, "groups": {"attribute": "memberOf"}, "attributes": ["mail"]}"#,
            )
            .unwrap(),
        ),
        created: Timestamp(1),
    };
    assert_eq!(source.check(), Ok(()));
    assert_eq!(source.shown(), "ldap:corp");
    let stored = serde_json::to_string(&source).unwrap();
    assert!(stored.contains("hunter2"));
    assert_eq!(serde_json::from_str::<Source>(&stored).unwrap(), source);
    assert!(!format!("{source:?}").contains("hunter2"));
    for name in ["", "a b", "ä", "a:b", "a,b"] {
        let other = Source {
            name: name.to_owned(),
            ..source.clone()
        };
        assert_eq!(other.check(), Err(BadSource::Name), "{name}");
    }
}

#[test]
fn filters_are_taken_apart() {
    let user = || Filter::parse("uid={user}").unwrap();
    assert_eq!(Filter::parse("(uid={user})").unwrap(), user());
    assert_eq!(
        Filter::parse("(&(objectClass=person)(|(uid={user})(!(cn=a*b*c)))(mail=*))").unwrap(),
        Filter::And(vec![
            Filter::Equal("objectClass".to_owned(), Value::literal("person")),
            Filter::Or(vec![
                user(),
                Filter::Not(Box::new(Filter::Substring {
                    attribute: "cn".to_owned(),
                    initial: b"a".to_vec(),
                    any: vec![b"b".to_vec()],
                    last: b"c".to_vec(),
                }))
            ]),
            Filter::Present("mail".to_owned()),
        ])
    );
    assert_eq!(
        Filter::parse("(member:1.2.840.113556.1.4.1941:={dn})").unwrap(),
        Filter::Extensible {
            attribute: "member".to_owned(),
            dn: false,
            rule: "1.2.840.113556.1.4.1941".to_owned(),
            value: match Filter::parse("a={dn}").unwrap() {
                Filter::Equal(_, value) => value,
                other => panic!("{other:?}"),
            },
        }
    );
    assert_eq!(
        Filter::parse(r"(cn=\2a\28)").unwrap(),
        Filter::Equal("cn".to_owned(), Value::literal("*("))
    );
    for text in [
        "",
        "(",
        ")",
        "()",
        "(&)",
        "(uid)",
        "(=x)",
        "(uid=a))",
        "(uid=a)(uid=b)",
        "((uid=a))",
        "(!uid=a)",
        "(u id=a)",
        "(uid=a(b)",
        "(:=x)",
        "(uid>=a*)",
        "(cn=**)",
    ] {
        assert!(
            matches!(Filter::parse(text), Err(BadFilter::Syntax(_))),
            "{text}: {:?}",
            Filter::parse(text)
        );
    }
    assert_eq!(Filter::parse(r"(cn=\2)"), Err(BadFilter::Escape(4)));
    assert_eq!(Filter::parse(r"(cn=\zz)"), Err(BadFilter::Escape(4)));
    assert_eq!(Filter::parse("(uid={user}*)"), Err(BadFilter::Wildcard));
    let deep = format!("{}uid=a{}", "(!".repeat(40) + "(", ")".repeat(41));
    assert_eq!(Filter::parse(&deep), Err(BadFilter::TooLarge));
    assert_eq!(
        Filter::parse("(!(uid={user}))").unwrap().needs(false),
        Err(BadFilter::NoUser)
    );
}

#[test]
fn a_name_never_becomes_a_part_of_a_filter() {
    let Filter::Equal(attribute, value) = Filter::parse("(uid=x{user})").unwrap() else {
        panic!("another filter");
    };
    assert_eq!(attribute, "uid");
    for name in ["*)(uid=*", "*", ")(", "\\2a", "{dn}", "a\0b", "é"] {
        assert_eq!(value.fill(name, "dn"), format!("x{name}").into_bytes());
    }
}

#[test]
fn a_name_never_becomes_a_part_of_a_distinguished_name() {
    let template = "uid={user},ou=people";
    assert_eq!(fill_dn(template, "alice").unwrap(), "uid=alice,ou=people");
    assert_eq!(
        fill_dn(template, "a,ou=admins").unwrap(),
        "uid=a\\2Cou\\3Dadmins,ou=people"
    );
    assert_eq!(
        fill_dn(template, " é+").unwrap(),
        "uid=\\20\\C3\\A9\\2B,ou=people"
    );
    assert_eq!(fill_dn(template, ""), None);
    assert_eq!(fill_dn(template, "a\0"), None);
    assert_eq!(fill_upn("{user}@corp", "alice").unwrap(), "alice@corp");
    for name in ["a@b", "CN=a,DC=b", "CORP\\a", "", "a\n"] {
        assert_eq!(fill_upn("{user}@corp", name), None, "{name}");
    }
}

#[test]
fn groups_are_called_by_their_common_names() {
    for (dn, name) in [
        ("CN=VPN Users,OU=Groups,DC=corp", Some("VPN Users")),
        ("cn=a\\, b,dc=x", Some("a, b")),
        ("cn=\\C3\\A9,dc=x", Some("é")),
        ("cn=\\2C,dc=x", Some(",")),
        ("ou=staff", Some("staff")),
        ("cn=,dc=x", None),
        ("nonsense", None),
        ("cn=\\ff,dc=x", None),
        ("cn=a\\0ab,dc=x", None),
    ] {
        assert_eq!(common_name(dn).as_deref(), name, "{dn}");
    }
}

/// A file of docs/examples, with the lines switched on that begin with one of `on`, and those off that begin with one of `off`.
fn example(name: &str, on: &[&str], off: &[&str]) -> String {
    let path = format!("{}/../../docs/examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let begins = |line: &str, with: &[&str]| with.iter().any(|with| line.starts_with(with));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !begins(line, off));
    let lines = lines.map(|line| match line.strip_prefix('#') {
        Some(rest) if begins(rest, on) => rest,
        _ => line,
    });
    lines.fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn the_examples_are_valid_and_show_every_setting() {
    let check = |text: &str| {
        let ldap: Ldap = toml::from_str(text).unwrap();
        assert_eq!(ldap.check(), Ok(()), "{text}");
        ldap
    };
    let plain = check(&example("source-ldap.toml", &[], &[]));
    let set = ["start-tls", "insecure", "timeout-ms", "attributes"];
    let all = check(&example("source-ldap.toml", &set, &[]));
    assert_eq!(
        (all.start_tls, all.insecure, all.timeout_ms),
        (plain.start_tls, plain.insecure, plain.timeout_ms)
    );
    let search = ["[bind.search]", "bind-dn", "password", "base", "filter"];
    let upn = check(&example(
        "source-ldap.toml",
        &["[bind.upn]", "name", "base"],
        &search,
    ));
    assert!(matches!(upn.bind, Bind::Upn(_)));
    let direct = check(&example("source-ldap.toml", &["[bind]", "dn"], &search));
    assert!(matches!(direct.bind, Bind::Dn(_)));
    let groups = check(&example("source-ldap.toml", &["groups"], &["groups"]));
    assert!(matches!(groups.groups, Some(Groups::Search(_))));

    let text = example("source-radius.toml", &[], &[]);
    let upstream: Upstream = toml::from_str(&text).unwrap();
    assert_eq!(upstream.check(), Ok(()));
    // What may be left out is shown as it is then.
    let least = r#"{"servers": ["192.0.2.10", "nps2.corp.example:1812"], "secret": "change me, change me"}"#;
    assert_eq!(upstream, serde_json::from_str(least).unwrap());
    for (text, shown) in [
        (serde_json::to_value(&upstream).unwrap(), text),
        (
            serde_json::to_value(&all).unwrap(),
            example("source-ldap.toml", &["ca"], &[]),
        ),
    ] {
        for key in text.as_object().unwrap().keys() {
            let there = [
                format!("\n{key} = "),
                format!("\n#{key} = "),
                format!("\n{key}-file = "),
                format!("\n[{key}."),
            ];
            assert!(there.iter().any(|key| shown.contains(key)), "{key} is not shown");
        }
    }
}
