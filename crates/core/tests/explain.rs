//! A decision depends on what is looked at, and on nothing else: that is what makes `login explain` possible.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Dice, Door, Shell, secs, session};
use otpost_core::Timestamp;
use otpost_core::challenge::Notice;
use otpost_core::code;
use otpost_core::limits::Guard;
use otpost_core::login::{First, Reason, Reply};
use otpost_core::net::Source;
use otpost_core::resource::WithoutToken;
use otpost_core::text::{message, prompt, refusal, test_message};
use otpost_core::token::Status;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Case {
    known: bool,
    resource: bool,
    enabled: bool,
    bound: bool,
    admin: bool,
    otp: bool,
    month: bool,
    bypass: bool,
    token: Option<Status>,
    unenrolled: bool,
    disabled: bool,
    paused: bool,
    foreign: bool,
    open: usize,
    first: First,
}

fn case() -> impl Strategy<Value = Case> {
    let rarely = || prop::bool::weighted(0.12);
    let token = prop_oneof![
        6 => Just(Some(Status::Active)),
        1 => Just(Some(Status::Disabled)),
        1 => Just(Some(Status::Blocked)),
        1 => Just(None)
    ];
    let first = prop_oneof![8 => Just(First::Passed), 1 => Just(First::Failed), 1 => Just(First::NoPassword)];
    (
        (
            rarely(),
            rarely(),
            rarely(),
            rarely(),
            rarely(),
            rarely(),
            rarely(),
            rarely(),
        ),
        (
            token,
            any::<bool>(),
            any::<bool>(),
            rarely(),
            rarely(),
            0usize..5,
            first,
        ),
    )
        .prop_map(
            |((a, b, c, d, e, f, g, h), (token, unenrolled, disabled, paused, foreign, open, first))| Case {
                known: !a,
                resource: !b,
                enabled: !c,
                bound: !d,
                admin: e,
                otp: f,
                month: g,
                bypass: h,
                token,
                unenrolled,
                disabled,
                paused,
                foreign,
                open,
                first,
            },
        )
}

fn shell(case: &Case) -> Shell {
    let mut shell = Shell::new(&["alice"]);
    shell.policy.user_hour = 100;
    shell.policy.number_hour = 100;
    for n in 0..case.open {
        let knock = shell.vpn("alice", &format!("o{n}"), "");
        shell.begin(&knock);
    }
    let now = shell.now;
    let user = shell.find("alice").unwrap();
    for resource in shell.resources.values_mut() {
        resource.enabled = case.enabled;
        if case.unenrolled {
            resource.unenrolled = WithoutToken::Allow;
        }
        if case.disabled {
            resource.disabled = WithoutToken::Allow;
        }
    }
    if !case.resource {
        shell.doors.clear();
    }
    let row = shell.users.get_mut(&user).unwrap();
    if !case.bound {
        row.resources.clear();
    }
    if case.admin {
        row.locked = Some("asked for".to_owned());
    }
    if case.bypass {
        row.bypass_until = Some(now.plus(secs(60)));
    }
    match case.token {
        Some(status) => shell.tokens[0].status = status,
        None => shell.tokens.clear(),
    }
    let mut guard = Guard::default();
    for _ in 0..if case.month { 50 } else { 0 } {
        guard = guard.failed(now, 5);
        guard = guard.succeeded().unwrap_or(guard);
    }
    if case.otp {
        guard.locked_until = Some(now.plus(secs(60)));
    }
    shell.guards.insert(user, guard);
    shell.policy.paused = case.paused;
    if case.foreign {
        shell.policy.countries.clear();
    }
    shell
}

/// The rule of decisions 3 and 4 written a second time, as a table read from above.
fn expected(case: &Case) -> Reason {
    use otpost_core::gate::Refusal;
    let table = [
        (!case.resource, Reason::NoResource),
        (!case.enabled, Reason::ResourceDisabled),
        (!case.known, Reason::UnknownUser),
        (case.first == First::Failed, Reason::WrongPassword),
        (case.first == First::NoPassword, Reason::NoPassword),
        (!case.bound, Reason::NotInResource),
        (case.admin, Reason::AdminLocked),
        (case.otp || case.month, Reason::OtpLocked),
        (case.token == Some(Status::Blocked), Reason::TokenBlocked),
        (case.bypass, Reason::Bypass),
        (case.token.is_none() && case.unenrolled, Reason::UnenrolledAllowed),
        (case.token.is_none(), Reason::Unenrolled),
        (
            case.token == Some(Status::Disabled) && case.disabled,
            Reason::DisabledAllowed,
        ),
        (case.token == Some(Status::Disabled), Reason::TokenDisabled),
        (case.open >= 3, Reason::TooManyOpen),
        (case.paused, Reason::Sms(Refusal::Paused)),
        (case.foreign, Reason::Sms(Refusal::Country("DE".parse().unwrap()))),
    ];
    table
        .into_iter()
        .find(|(holds, _)| *holds)
        .map_or(Reason::Challenge, |(_, reason)| reason)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_looks_at_one_state_give_one_reason(case in case(), seed in any::<u64>()) {
        let mut one = shell(&case);
        let name = if case.known { "alice" } else { "mallory" };
        let mut knock = one.vpn(name, "7", "");
        knock.first = case.first;
        let mut two = one.clone();
        two.rng = Dice(seed);
        let (first, second) = (one.begin(&knock), two.begin(&knock));
        prop_assert_eq!(first.reason, second.reason);
        prop_assert_eq!(first.changes.len(), second.changes.len());
        prop_assert_eq!(std::mem::discriminant(&first.reply), std::mem::discriminant(&second.reply));
        prop_assert_eq!(first.reason, expected(&case));
        let let_in = matches!(first.reason, Reason::Bypass | Reason::UnenrolledAllowed | Reason::DisabledAllowed);
        prop_assert_eq!(first.reply == Reply::Allow, let_in);
        if !matches!(first.reason, Reason::Sms(_) | Reason::TooManyOpen) && !let_in && first.reason != Reason::Challenge {
            prop_assert_eq!(refusal(first.reason, "ABCDEFGH"), refusal(Reason::WrongPassword, "ABCDEFGH"));
        }
    }
}

/// Every text fits one part of 160 septets, whatever resource, client and source are called.
#[test]
fn texts_fit_one_part() {
    let mut shell = Shell::new(&["alice"]);
    let knock = shell.vpn("alice", "7", "");
    let step = shell.begin(&knock);
    let mut challenge = shell.challenges[&common::challenge(&step)].clone();
    challenge.group = "g".repeat(64);
    challenge.digits = 8.try_into().unwrap();
    challenge.expires = shell.now.plus(secs(600));
    let code = code::derive(&shell.keys, &challenge.code());
    let names = [
        "VPN",
        &"W".repeat(64),
        "Büro\u{202e}\n[]{}~|^\\`€ 重要",
        "%s{code}$code\r\nSTOP",
    ];
    let longest = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff";
    for name in names {
        for address in ["", "192.0.2.1", longest] {
            challenge.source = Source::new(address, "vpn-a");
            let text = message(&challenge, name, &code, shell.now);
            assert!(text.len() <= 160, "{}: {}", text.len(), &*text);
            assert!(
                text.chars()
                    .all(|c| c == ' ' || (c.is_ascii_graphic() && !"^{}\\[]~|`".contains(c))),
                "{}",
                &*text
            );
            assert!(text.contains(code.expose()) && text.contains(&challenge.label.to_string()));
            assert!(text.contains(address));
            assert!(!text.to_lowercase().contains("http"));
        }
    }
    let short = message(&challenge, "VPN", &code, Timestamp(u64::MAX));
    assert!(short.contains("Valid 1 min"), "{}", &*short);
    assert!(test_message("ABCDEFGH").len() <= 160);
}

#[test]
fn prompts_are_one_line_with_the_masked_number_and_the_label() {
    let mut shell = Shell::new(&["alice"]);
    let knock = shell.vpn("alice", "7", "");
    let step = shell.begin(&knock);
    let Reply::Prompt {
        challenge, masked, ..
    } = &step.reply
    else {
        panic!("{step:?}")
    };
    for notice in [
        Notice::Sent,
        Notice::SentAgain,
        Notice::Wrong { left: 1 },
        Notice::Wrong { left: 4 },
        Notice::Wait { seconds: 30 },
        Notice::NoMore,
        Notice::NotPassword,
    ] {
        let line = prompt(challenge, masked, notice);
        assert!(
            line.contains(&challenge.label.to_string()) && line.contains(masked.as_str()),
            "{line}"
        );
        assert!(
            !line.contains(['\n', '\r']) && line.is_ascii() && line.len() <= 253,
            "{line}"
        );
        assert!(!line.contains("1234567"), "{line}");
    }
    // Nothing secret in what may reach a log.
    let code = shell.right(session(&step));
    let debug = format!("{step:?}");
    assert!(!debug.contains(&code) && !debug.contains("171234567") && !debug.contains("hunter2"));
}

#[test]
fn doors_lead_to_their_resources() {
    let mut shell = Shell::new(&["alice"]);
    let vpn = shell.vpn("alice", "7", "");
    let step = shell.begin(&vpn);
    let one = shell.challenges[&common::challenge(&step)].resource;
    let sudo = shell.sudo("alice", 10, 9, "pts/1");
    let step = shell.begin(&sudo);
    let two = shell.challenges[&common::challenge(&step)].resource;
    assert_ne!(one, two);
    assert_eq!(one, shell.doors[&Door::VpnA]);
}
