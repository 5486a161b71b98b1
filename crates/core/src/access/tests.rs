use super::*;

fn hours(text: &str) -> Hours {
    text.parse().unwrap()
}

fn at(weekday: u8, hour: u16, minute: u16) -> Local {
    Local {
        weekday,
        minute: hour * 60 + minute,
    }
}

fn name(text: &str) -> LoginName {
    LoginName::parse(text).unwrap()
}

fn asking(name: &LoginName) -> Asking<'_> {
    Asking {
        name,
        groups: Some(&[]),
        address: Some("192.0.2.7".parse().unwrap()),
        local: Some(at(0, 12, 0)),
        remembered: None,
        now: Timestamp(10_000_000),
    }
}

#[test]
fn hours_read_as_they_are_written() {
    for text in [
        "mon,tue,wed,thu,fri 07:00-19:00",
        "sat,sun 10:00-16:00",
        "daily 22:00-06:00",
        "daily 00:00-24:00",
    ] {
        assert_eq!(hours(text).to_string(), text);
    }
    assert_eq!(
        hours("MON-fri 07:00-19:00"),
        hours("mon,tue,wed,thu,fri 07:00-19:00")
    );
    assert_eq!(hours("fri-mon 07:00-19:00"), hours("fri,sat,sun,mon 07:00-19:00"));
    for text in [
        "",
        "mon",
        "mon 7-9",
        "mon 07:00-07:00",
        "mon 24:00-06:00",
        "mon 07:60-08:00",
        "moon 07:00-08:00",
        "mon 07:00-25:00",
        "mon +7:00-08:00",
    ] {
        assert!(text.parse::<Hours>().is_err(), "{text}");
    }
}

#[test]
fn hours_over_midnight_belong_to_the_day_they_begin_on() {
    let night = hours("fri 22:00-06:00");
    assert!(night.contain(at(4, 23, 0)));
    assert!(night.contain(at(5, 5, 59)));
    assert!(!night.contain(at(5, 6, 0)));
    assert!(!night.contain(at(4, 5, 0)));
    assert!(!night.contain(at(5, 23, 0)));
    let day = hours("mon 07:00-19:00");
    assert!(day.contain(at(0, 7, 0)));
    assert!(!day.contain(at(0, 19, 0)));
}

#[test]
fn nothing_set_asks_for_a_code() {
    let alice = name("alice");
    assert_eq!(Access::default().rule(&asking(&alice)), Ruling::Code);
    let unknown = Asking {
        groups: None,
        address: None,
        local: None,
        ..asking(&alice)
    };
    assert_eq!(Access::default().rule(&unknown), Ruling::Code);
}

#[test]
fn a_refusal_beats_every_exemption() {
    let alice = name("alice");
    let access = Access {
        allowed_networks: vec!["198.51.100.0/24".parse().unwrap()],
        exempt_users: vec![alice.clone()],
        ..Access::default()
    };
    assert_eq!(access.rule(&asking(&alice)), Ruling::NetworkRefused);
    let access = Access {
        hours: vec![hours("tue 07:00-19:00")],
        exempt_networks: vec!["192.0.2.0/24".parse().unwrap()],
        ..Access::default()
    };
    assert_eq!(access.rule(&asking(&alice)), Ruling::HourRefused);
}

#[test]
fn an_empty_source_never_matches() {
    let alice = name("alice");
    let nowhere = Asking {
        address: None,
        ..asking(&alice)
    };
    let exempt = Access {
        exempt_networks: vec!["192.0.2.0/24".parse().unwrap()],
        ..Access::default()
    };
    assert_eq!(exempt.rule(&asking(&alice)), Ruling::ExemptNetwork);
    assert_eq!(exempt.rule(&nowhere), Ruling::Code);
    let allowed = Access {
        allowed_networks: vec!["192.0.2.0/24".parse().unwrap()],
        ..Access::default()
    };
    assert_eq!(allowed.rule(&asking(&alice)), Ruling::Code);
    assert_eq!(allowed.rule(&nowhere), Ruling::NetworkRefused);
}

#[test]
fn doubt_denies() {
    let alice = name("alice");
    let access = Access {
        exempt_groups: vec!["Staff".to_owned()],
        ..Access::default()
    };
    let unknown = Asking {
        groups: None,
        ..asking(&alice)
    };
    assert_eq!(access.rule(&unknown), Ruling::Doubt);
    let staff = ["staff".to_owned()];
    let member = Asking {
        groups: Some(&staff),
        ..asking(&alice)
    };
    assert_eq!(access.rule(&member), Ruling::ExemptGroup);
    let access = Access {
        hours: vec![hours("daily 00:00-24:00")],
        ..Access::default()
    };
    let timeless = Asking {
        local: None,
        ..asking(&alice)
    };
    assert_eq!(access.rule(&timeless), Ruling::Doubt);
}

#[test]
fn a_code_holds_at_its_source_for_its_time() {
    let alice = name("alice");
    let minute = std::time::Duration::from_secs(60);
    let since = Timestamp(10_000_000).minus(minute * 30);
    let entry = Remembered {
        id: [0; 16],
        user: UserId([1; 16]),
        resource: ResourceId([2; 16]),
        group: "vpn".to_owned(),
        address: "192.0.2.7".parse().unwrap(),
        mark: [0; 32],
        since,
        until: since.plus(minute * 60),
    };
    let with = |minutes: u32| Access {
        remember_minutes: minutes,
        ..Access::default()
    };
    let here = Asking {
        remembered: Some(&entry),
        ..asking(&alice)
    };
    assert_eq!(with(60).rule(&here), Ruling::Remembered);
    assert_eq!(with(0).rule(&here), Ruling::Code, "switched off");
    assert_eq!(with(20).rule(&here), Ruling::Code, "made shorter");
    assert_eq!(
        with(600).rule(&Asking {
            now: entry.until,
            ..here
        }),
        Ruling::Code
    );
    let elsewhere = Asking {
        address: Some("192.0.2.8".parse().unwrap()),
        ..here
    };
    assert_eq!(with(60).rule(&elsewhere), Ruling::Code);
    assert_eq!(
        with(60).rule(&Asking {
            address: None,
            ..here
        }),
        Ruling::Code
    );
}

#[test]
fn the_particular_attribute_wins() {
    let rule = |subject, attribute: &str| ReplyRule {
        subject,
        attribute: attribute.to_owned(),
    };
    let access = Access {
        reply: vec![
            rule(Subject::All, "Class = all"),
            rule(Subject::All, "Session-Timeout = 3600"),
            rule(Subject::Group("Admins".to_owned()), "class = admins"),
            rule(Subject::Group("Admins".to_owned()), "Class = second"),
            rule(Subject::User(name("alice")), "Session-Timeout = 60"),
        ],
        ..Access::default()
    };
    let admins = ["admins".to_owned()];
    assert_eq!(
        access.reply_of(&name("alice"), &admins),
        ["Session-Timeout = 60", "class = admins", "Class = second"]
    );
    assert_eq!(
        access.reply_of(&name("bob"), &[]),
        ["Class = all", "Session-Timeout = 3600"]
    );
}

#[test]
fn limits_are_kept() {
    let bad = Access {
        remember_minutes: 1441,
        ..Access::default()
    };
    assert_eq!(bad.check(), Err(BadAccess::Remember(1441)));
    let everybody = Access {
        exempt_networks: vec!["0.0.0.0/0".parse().unwrap()],
        ..Access::default()
    };
    assert!(matches!(everybody.check(), Err(BadAccess::Everybody(_))));
    let group = Access {
        exempt_groups: vec![String::new()],
        ..Access::default()
    };
    assert_eq!(group.check(), Err(BadAccess::Group));
}
