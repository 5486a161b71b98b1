//! E-mail: which addresses and settings are taken, and what mails say.

#![expect(clippy::unwrap_used, reason = "test")]

use otpost_core::Timestamp;
use otpost_core::challenge::Label;
use otpost_core::code::{Code, CodeOf, Digits, Purpose, derive};
use otpost_core::ids::{ChallengeId, TokenId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::mail::{
    Address, BadAddress, BadSettings, By, Context, Lang, Letter, Notice, Security, Sender, Settings, render,
};
use proptest::prelude::*;

/// 24 November 2026, 00:47:08 UTC.
const NOW: Timestamp = Timestamp(1_795_481_228_000);

fn code() -> Code {
    derive(
        &Keyring::derive(&MasterKey::new([7; 32])),
        &CodeOf {
            challenge: ChallengeId([1; 16]),
            token: TokenId([2; 16]),
            purpose: Purpose::EmailSignIn,
            generation: 0,
            digits: Digits::SIX,
        },
    )
}

fn label() -> Label {
    serde_json::from_str(r#"["K","7"]"#).unwrap()
}

fn context() -> Context {
    Context {
        service: "Office VPN".to_owned(),
        login: "alice".to_owned(),
        at: NOW,
        by: By::Address("203.0.113.7".to_owned()),
    }
}

fn notices(name: &str) -> Vec<Notice> {
    let name = name.to_owned();
    vec![
        Notice::TokenAdded { name: name.clone() },
        Notice::TokenRemoved { name: name.clone() },
        Notice::NumberChanged { masked: name.clone() },
        Notice::PasswordChanged,
        Notice::EmailChanged { masked: name.clone() },
        Notice::EmailRemoved,
        Notice::LoginChanged { login: name.clone() },
        Notice::RecoveryRenewed,
        Notice::NewDevice { agent: name },
    ]
}

/// Every letter there is.
fn letters<'a>(code: &'a Code, notices: &'a [Notice], reference: &'a str) -> Vec<Letter<'a>> {
    let mut all = vec![
        Letter::SignInCode {
            code,
            label: label(),
            minutes: 5,
        },
        Letter::NewAddressCode {
            code,
            label: label(),
            minutes: 1,
        },
        Letter::ActCode {
            code,
            label: label(),
            minutes: 5,
            act: &otpost_core::portal::verification::Act::RenewRecovery,
        },
        Letter::Invitation {
            link: "https://login.example.com/s/office-vpn?invite=abc",
            until: NOW,
        },
        Letter::Test { reference },
    ];
    all.extend(notices.iter().map(Letter::Notice));
    all
}

#[test]
fn the_sign_in_code_in_english() {
    let code = code();
    let letter = Letter::SignInCode {
        code: &code,
        label: label(),
        minutes: 5,
    };
    let mail = render(&letter, Lang::En, &context());
    assert_eq!(mail.subject, "Sign-in code for Office VPN");
    assert_eq!(
        mail.body.as_str(),
        format!(
            "Your code to sign in to Office VPN as alice:\n\n{}\n\nThis is mail K7; the page shows the same two characters.\n\
             The code is good for 5 minutes.\n\nAsked for on 24 November 2026 at 00:47 UTC from the address 203.0.113.7.\n\n\
             Never share it: nobody from Office VPN will ask for it.\nIf you did not want to sign in, ignore this mail.\n",
            code.expose()
        )
    );
}

#[test]
fn a_notice_in_german() {
    let notice = Notice::NumberChanged {
        masked: "+49 *** *** 67".to_owned(),
    };
    let mail = render(&Letter::Notice(&notice), Lang::De, &context());
    assert_eq!(mail.subject, "Telefonnummer geändert bei Office VPN");
    assert_eq!(
        mail.body.as_str(),
        "Für Ihr Konto alice bei Office VPN wurde die Telefonnummer geändert. Codes gehen jetzt an +49 *** *** 67.\n\n\
         Geschehen am 24.11.2026, 00:47 Uhr UTC von der Adresse 203.0.113.7.\n\n\
         Wenn Sie das waren, brauchen Sie nichts zu tun.\n\
         Wenn nicht, wenden Sie sich bitte sofort an Ihren Administrator.\n"
    );
}

#[test]
fn every_mail_names_service_time_and_source_and_no_subject_has_a_code() {
    let code = code();
    let notices = notices("My phone");
    for lang in [Lang::En, Lang::De] {
        let mut subjects = std::collections::BTreeSet::new();
        for letter in letters(&code, &notices, "7KQ2MX4A") {
            let mail = render(&letter, lang, &context());
            assert!(mail.subject.contains("Office VPN"), "{letter:?}");
            assert!(mail.body.contains("Office VPN"), "{letter:?}");
            assert!(
                mail.body.contains("00:47") && mail.body.contains("UTC"),
                "{letter:?}"
            );
            assert!(mail.body.contains("203.0.113.7"), "{letter:?}");
            assert!(!mail.subject.contains(code.expose()), "{letter:?}");
            assert_eq!(mail.lang, lang);
            assert!(
                subjects.insert(mail.subject),
                "two mails with one subject: {letter:?}"
            );
        }
        assert_eq!(subjects.len(), 14);
    }
}

#[test]
fn codes_labels_names_links_and_references_are_in_the_body() {
    let code = code();
    let notices = notices("My phone");
    for lang in [Lang::En, Lang::De] {
        for letter in letters(&code, &notices, "7KQ2MX4A") {
            let mail = render(&letter, lang, &context());
            let holds = |text: &str| assert!(mail.body.contains(text), "{text} in {letter:?}");
            match letter {
                Letter::SignInCode { .. } | Letter::NewAddressCode { .. } | Letter::ActCode { .. } => {
                    // Alone on its line, to be selected by a double click.
                    holds(&format!("\n{}\n", code.expose()));
                    holds("K7");
                    holds("alice");
                }
                Letter::Invitation { link, .. } => {
                    holds(&format!("\n{link}\n"));
                    holds("alice");
                }
                Letter::Test { reference } => holds(reference),
                Letter::Notice(Notice::PasswordChanged | Notice::EmailRemoved | Notice::RecoveryRenewed) => {
                    holds("alice");
                }
                Letter::Notice(_) => holds("My phone"),
            }
        }
    }
}

#[test]
fn who_did_it_is_said_where_it_is_known() {
    let notice = Notice::PasswordChanged;
    let body = |by: By, lang| {
        render(&Letter::Notice(&notice), lang, &Context { by, ..context() })
            .body
            .to_string()
    };
    assert!(
        body(By::Administrator, Lang::En)
            .contains("Done on 24 November 2026 at 00:47 UTC by an administrator.")
    );
    assert!(body(By::Administrator, Lang::De).contains("00:47 Uhr UTC durch einen Administrator."));
    assert!(body(By::Unknown, Lang::En).contains("Done on 24 November 2026 at 00:47 UTC.\n"));
}

#[test]
fn one_minute_is_singular() {
    let code = code();
    let letter = Letter::SignInCode {
        code: &code,
        label: label(),
        minutes: 1,
    };
    assert!(
        render(&letter, Lang::En, &context())
            .body
            .contains("good for 1 minute.")
    );
    assert!(
        render(&letter, Lang::De, &context())
            .body
            .contains("gilt 1 Minute.")
    );
}

#[test]
fn the_language_follows_the_tag() {
    for tag in ["de", "DE", "de-AT", "de_CH"] {
        assert_eq!(Lang::of(tag), Lang::De);
    }
    for tag in ["", "en", "en-GB", "fr", "den"] {
        assert_eq!(Lang::of(tag), Lang::En);
    }
}

#[test]
fn a_name_adds_no_line_and_turns_no_text_around() {
    let notice = Notice::TokenAdded {
        name: "phone\r\n\r\nOpen http\u{202e}evil\u{2028}now".to_owned(),
    };
    let context = Context {
        service: "VPN\r\nBcc: eve@example.com".to_owned(),
        login: "a".repeat(500),
        ..context()
    };
    let mail = render(&Letter::Notice(&notice), Lang::En, &context);
    assert_eq!(mail.subject, "Second factor added at VPN Bcc: eve@example.com");
    assert!(mail.body.starts_with(&format!(
        "A second factor was added to your account {}… at VPN Bcc: eve@example.com: phone Open httpevil now.\n\nDone",
        "a".repeat(64)
    )));
}

#[test]
fn a_link_that_is_not_whole_is_left_out() {
    let long = format!("https://login.example.com/{}", "a".repeat(2000));
    for link in [
        "https://login.example.com/\n\nhello",
        "https://login.example.com/ü",
        &long,
    ] {
        let mail = render(&Letter::Invitation { link, until: NOW }, Lang::En, &context());
        assert!(!mail.body.contains("https:"), "{link:?}");
    }
}

#[test]
fn a_mail_does_not_print_its_body() {
    let code = code();
    let letter = Letter::SignInCode {
        code: &code,
        label: label(),
        minutes: 5,
    };
    let mail = render(&letter, Lang::En, &context());
    for shown in [format!("{mail:?}"), format!("{letter:?}")] {
        assert!(!shown.contains(code.expose()), "{shown}");
    }
    let kept = serde_json::to_string(&mail).unwrap();
    assert_eq!(
        serde_json::from_str::<otpost_core::mail::Rendered>(&kept).unwrap(),
        mail
    );
}

#[test]
fn notices_are_kept_and_read_back() {
    for notice in notices("My phone") {
        let text = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice, "{text}");
    }
}

#[test]
fn addresses_that_mail_can_go_to() {
    for (text, local, domain) in [
        ("alice@example.com", "alice", "example.com"),
        (" alice@example.com ", "alice", "example.com"),
        ("a.b+c=d@sub.example.co.uk", "a.b+c=d", "sub.example.co.uk"),
        ("root@localhost", "root", "localhost"),
        ("jörg@müller.example", "jörg", "müller.example"),
        ("x@1.example", "x", "1.example"),
    ] {
        let address = Address::parse(text).unwrap();
        assert_eq!((address.local(), address.domain()), (local, domain));
        assert_eq!(address.as_str(), text.trim());
    }
}

#[test]
fn addresses_that_are_none() {
    use BadAddress::{At, Domain, Empty, Local, TooLong};
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long_label = format!("a@{}.com", "b".repeat(64));
    let long = format!("a@{}com", "bcd.".repeat(80));
    for (text, why) in [
        ("", Empty),
        ("   ", Empty),
        ("alice", At),
        ("alice@@example.com", At),
        ("alice@example.com, bob@example.com", At),
        ("alice@x@example.com", At),
        ("@example.com", Local),
        (".alice@example.com", Local),
        ("alice.@example.com", Local),
        ("al..ice@example.com", Local),
        ("al ice@example.com", Local),
        ("\"al ice\"@example.com", Local),
        ("Alice <alice@example.com", Local),
        ("alice;bob@example.com", Local),
        ("alice\r\nRCPT TO:<eve@example.com", Local),
        ("\nalice@example.com", Local),
        ("alice@", Domain),
        ("alice@example", Domain),
        ("alice@.example.com", Domain),
        ("alice@example..com", Domain),
        ("alice@example.com.", Domain),
        ("alice@-example.com", Domain),
        ("alice@example-.com", Domain),
        ("alice@exa_mple.com", Domain),
        ("alice@example.com>", Domain),
        ("alice@example.com\r\nDATA", Domain),
        ("alice@example.com\n", Domain),
        ("alice@[192.0.2.1]", Domain),
        ("alice@192.0.2.1", Domain),
        (&long_local, TooLong),
        (&long_label, TooLong),
        (&long, TooLong),
    ] {
        if text == "alice@example" {
            // A name without a dot may be a host of one's own network.
            assert!(Address::parse(text).is_ok());
        } else {
            assert_eq!(Address::parse(text), Err(why), "{text:?}");
        }
    }
}

#[test]
fn an_address_is_masked_for_others() {
    assert_eq!(
        Address::parse("alice@example.com").unwrap().masked(),
        "a***@example.com"
    );
    assert_eq!(
        Address::parse("ö@example.com").unwrap().masked(),
        "ö***@example.com"
    );
}

#[test]
fn a_sender_is_an_address_with_or_without_a_name() {
    for (text, name, shown) in [
        ("otpost@example.com", "", "otpost@example.com"),
        ("<otpost@example.com>", "", "otpost@example.com"),
        (
            "otpost <otpost@example.com>",
            "otpost",
            "otpost <otpost@example.com>",
        ),
        (
            "\"Büro, IT\" <otpost@example.com>",
            "Büro, IT",
            "Büro, IT <otpost@example.com>",
        ),
    ] {
        let sender = Sender::parse(text).unwrap();
        assert_eq!(sender.name, name);
        assert_eq!(sender.to_string(), shown);
        assert_eq!(Sender::parse(shown).unwrap(), sender);
    }
    for text in [
        "",
        "otpost",
        "a\nb <otpost@example.com>",
        "a <b> <otpost@example.com>",
        "otpost@example.com>",
    ] {
        assert!(Sender::parse(text).is_err(), "{text:?}");
    }
}

fn settings() -> Settings {
    Settings {
        host: "mail.example.com".to_owned(),
        port: 0,
        security: Security::StartTls,
        user: None,
        from: Sender::parse("otpost <otpost@example.com>").unwrap(),
        ca: None,
    }
}

#[test]
fn settings_are_checked() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        settings.check()
    };
    assert_eq!(with(|_| ()), Ok(()));
    for host in [
        "",
        "mail.example.com:25",
        "mail example",
        "-a.example",
        "a..b",
        "mail.example.com\n",
        "http://mail",
    ] {
        let mut settings = settings();
        settings.host = host.to_owned();
        assert_eq!(settings.check(), Err(BadSettings::Host), "{host:?}");
    }
    for host in ["192.0.2.1", "2001:db8::1", "mail", "MAIL.example.com"] {
        let mut settings = settings();
        settings.host = host.to_owned();
        assert_eq!(settings.check(), Ok(()), "{host:?}");
    }
    assert_eq!(with(|s| s.security = Security::None), Err(BadSettings::Plain));
    for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1"] {
        let mut settings = settings();
        settings.security = Security::None;
        settings.host = host.to_owned();
        assert_eq!(settings.check(), Ok(()), "{host:?}");
    }
    assert_eq!(with(|s| s.user = Some(String::new())), Err(BadSettings::User));
    assert_eq!(with(|s| s.user = Some("a\0b".to_owned())), Err(BadSettings::User));
    assert_eq!(with(|s| s.user = Some("otpost".to_owned())), Ok(()));
    assert_eq!(
        with(|s| s.ca = Some("no certificate".to_owned())),
        Err(BadSettings::Ca)
    );
}

#[test]
fn the_usual_port_goes_with_the_security() {
    for (word, port) in [("starttls", 587), ("tls", 465), ("none", 25)] {
        let security: Security = word.parse().unwrap();
        assert_eq!(security.as_str(), word);
        assert_eq!(
            Settings {
                security,
                ..settings()
            }
            .port(),
            port
        );
        assert_eq!(serde_json::to_string(&security).unwrap(), format!("\"{word}\""));
    }
    assert_eq!(
        Settings {
            port: 2525,
            ..settings()
        }
        .port(),
        2525
    );
    assert!("ssl".parse::<Security>().is_err());
}

#[test]
fn settings_are_kept_and_read_back() {
    let text = serde_json::to_string(&settings()).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings());
    let least = r#"{"host":"localhost","from":"otpost@example.com"}"#;
    assert_eq!(
        serde_json::from_str::<Settings>(least).unwrap().security,
        Security::StartTls
    );
    assert!(serde_json::from_str::<Settings>(r#"{"host":"localhost","from":"nobody"}"#).is_err());
}

proptest! {
    #[test]
    fn an_address_is_safe_in_a_command_and_a_header(text in any::<String>()) {
        if let Ok(address) = Address::parse(&text) {
            prop_assert_eq!(address.as_str().matches('@').count(), 1);
            prop_assert!(!address.as_str().chars().any(|c| c.is_control() || c.is_whitespace() || "<>\",;:()[]\\".contains(c)));
        }
    }

    #[test]
    fn times_are_those_of_a_calendar(seconds in 0..253_402_300_000u64) {
        let context = Context { at: Timestamp(seconds * 1000), ..context() };
        let notice = Notice::PasswordChanged;
        let at = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap();
        for (lang, format) in [(Lang::En, "%-d %B %Y at %H:%M UTC"), (Lang::De, "%-d.%-m.%Y, %H:%M Uhr UTC")] {
            // jiff pads years to four digits, as all years here have them.
            let expected = at.strftime(format).to_string();
            let body = render(&Letter::Notice(&notice), lang, &context).body;
            prop_assert!(body.contains(&expected), "{} in {}", expected, &*body);
        }
    }

    #[test]
    fn no_name_adds_a_line(service in any::<String>(), login in any::<String>(), name in any::<String>(), from in any::<String>()) {
        let code = code();
        let tame = notices("x");
        let wild = notices(&name);
        let context = Context { service, login, by: By::Address(from), ..context() };
        for lang in [Lang::En, Lang::De] {
            for (plain, odd) in letters(&code, &tame, "x").iter().zip(letters(&code, &wild, &name)) {
                let expected = render(plain, lang, &self::context());
                let mail = render(&odd, lang, &context);
                prop_assert_eq!(mail.body.lines().count(), expected.body.lines().count());
                prop_assert!(!mail.subject.chars().any(char::is_control));
                prop_assert!(!mail.body.chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}
