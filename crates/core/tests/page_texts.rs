//! Texts of the portal's pages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Dice, START};
use otpost_core::challenge::Label;
use otpost_core::code::{self, CodeOf, Purpose};
use otpost_core::ids::{ChallengeId, TokenId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::outbox::SecurityEvent;
use otpost_core::portal::verification::Act;
use otpost_core::text::{Lang, PageCode, PageText, notice, page_message};
use zeroize::Zeroizing;

/// The basic GSM 03.38 alphabet as far as these texts may use it: a septet each.
fn gsm(c: char) -> bool {
    c == ' ' || c == '\n' || "ÄÖÜäöüß".contains(c) || (c.is_ascii_graphic() && !"^{}\\[]~|`".contains(c))
}

fn acts() -> Vec<Act> {
    let token = TokenId([1; 16]);
    let secret = Zeroizing::new("+491712345678".to_owned());
    vec![
        Act::Unassign(token),
        Act::Reissue(token),
        Act::ChangePhone(token, secret.clone()),
        Act::AssignExisting(token),
        Act::Enroll,
        Act::Password(secret),
        Act::Email("new@example.com".to_owned()),
        Act::Login("bob".to_owned()),
        Act::RenewRecovery,
    ]
}

fn code(digits: u8) -> code::Code {
    let mut dice = Dice(7);
    let keys = Keyring::derive(&MasterKey::random(&mut dice));
    let of = CodeOf {
        challenge: ChallengeId([1; 16]),
        token: TokenId([2; 16]),
        purpose: Purpose::Enrol,
        generation: 0,
        digits: digits.try_into().unwrap(),
    };
    code::derive(&keys, &of)
}

#[test]
fn every_text_is_one_part_names_its_act_and_binds_its_code_where_that_fits() {
    let label = Label::random(&mut Dice(3));
    let acts = acts();
    let whats = acts
        .iter()
        .map(PageCode::Act)
        .chain([PageCode::Enrol, PageCode::SignIn]);
    let long = format!("https://{}.example.com/", "a".repeat(60));
    let mut seen = std::collections::BTreeSet::new();
    for what in whats {
        for lang in [Lang::En, Lang::De] {
            for name in [
                "VPN",
                "Büro",
                &"W".repeat(64),
                "x\n@evil.example #123456",
                "重\u{202e}€",
            ] {
                for portal in [None, Some("https://portal.example.com"), Some(&*long)] {
                    let code = code(8);
                    let of = PageText {
                        what,
                        resource: name,
                        label,
                        expires: START.plus(Duration::from_secs(600)),
                        lang,
                        portal,
                    };
                    let text = page_message(&of, &code, START);
                    assert!(text.chars().count() <= 160 && text.chars().all(gsm), "{}", &*text);
                    assert!(text.contains(&label.to_string()) && text.contains(code.expose()));
                    assert!(text.contains("10 min") || text.contains("10 Min"), "{}", &*text);
                    let lines: Vec<&str> = text.lines().collect();
                    match portal {
                        None => assert_eq!(lines.len(), 1, "a name cannot add a line"),
                        Some("https://portal.example.com") if name == "VPN" => {
                            let line = format!("@portal.example.com #{}", code.expose());
                            assert_eq!(lines.last(), Some(&line.as_str()));
                        }
                        Some(_) => assert!(lines.len() <= 2),
                    }
                    if name == "VPN" && portal.is_none() {
                        assert!(seen.insert(text.to_string()), "two acts read alike: {}", &*text);
                    }
                    assert!(!text.contains("1712345678") && !text.contains("bob"));
                }
            }
        }
    }
}

#[test]
fn a_code_is_bound_to_https_sites_with_a_name_and_no_port_only() {
    let text = |portal: &str| {
        let of = PageText {
            what: PageCode::SignIn,
            resource: "VPN",
            label: Label::random(&mut Dice(3)),
            expires: START.plus(Duration::from_secs(60)),
            lang: Lang::En,
            portal: Some(portal),
        };
        page_message(&of, &code(6), START)
    };
    for bound in ["https://login.example.com", "https://LOGIN.example.com/x?y"] {
        assert!(text(bound).contains("\n@login.example.com #"), "{bound}");
    }
    for other in [
        "",
        "http://login.example.com",
        "https://login.example.com:8443/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://localhost/",
        "https://user@example.com/",
        "https://a..example.com",
    ] {
        assert!(!text(other).contains('\n'), "{other}");
    }
}

#[test]
fn languages_are_told_from_tags() {
    for (tag, lang) in [
        ("de", Lang::De),
        ("DE-at", Lang::De),
        ("de_CH", Lang::De),
        ("en-GB", Lang::En),
        ("den", Lang::En),
        ("", Lang::En),
    ] {
        assert_eq!(Lang::of(tag), lang, "{tag}");
    }
}

#[test]
fn notices_fit_one_part_and_carry_no_link() {
    for what in SecurityEvent::ALL {
        for lang in [Lang::En, Lang::De] {
            let text = notice(what, &"W".repeat(64), lang);
            assert!(text.chars().count() <= 160 && text.chars().all(gsm), "{text}");
            assert!(!text.to_lowercase().contains("http") && !text.contains(['\n', '@']));
        }
    }
}
