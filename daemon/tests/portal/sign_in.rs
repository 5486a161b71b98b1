//! Sign-in by password, and the second factor (domain rows P1a to P3b).

use std::collections::BTreeSet;

use otpost_core::challenge::{Channel, Origin};
use otpost_core::ids::AttemptId;
use otpost_core::limits::{NETWORK_FAILURES, NETWORK_FAILURES_KNOWN};
use otpost_core::login::{Reason, Reply};
use otpost_core::net::Source;
use otpost_core::source::Chain;
use otpost_daemon::login::{self, Door, Guarded, Start};
use otpost_ipc::admin::{AdminOp, AdminReply, PortalSet, ResourceSettings, SelfServiceSettings, UserSet};
use otpost_ipc::portal::{Method, Next, PortalOp, PortalReply, UserAct, UserOp};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{
    HERE, PASSWORD, Served, WRONG, add, answer, asked, code_of, done, factor, methods, other, sign_in,
    signed, words, wrong,
};

fn site(address: &str) -> PortalOp {
    PortalOp::Site {
        address: address.to_owned(),
    }
}

/// A refusal as a stranger sees it, without its reference.
fn refusal(reply: PortalReply) -> String {
    match reply {
        PortalReply::Refused {
            retry_after,
            reference,
        } => {
            assert_eq!(reference.len(), 8);
            format!("{retry_after:?}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1a_a_portal_that_is_off_is_not_there() {
    let served = Served::new().await;
    match served.ask(site("office")).await.unwrap() {
        PortalReply::Site(view) => assert_eq!((view.title.as_str(), view.by_mail), ("Office VPN", false)),
        other => panic!("{other:?}"),
    }
    let unknown = served.ask(site("nowhere")).await.unwrap_err();
    served
        .set(ResourceSettings {
            enabled: Some(false),
            ..ResourceSettings::default()
        })
        .await;
    let disabled = served.ask(site("office")).await.unwrap_err();
    let signing = served.ask(sign_in("alice", PASSWORD, HERE)).await;
    served
        .set(ResourceSettings {
            enabled: Some(true),
            ..ResourceSettings::default()
        })
        .await;
    served
        .self_service(SelfServiceSettings {
            address: Some(String::new()),
            ..SelfServiceSettings::default()
        })
        .await;
    let off = served.ask(site("office")).await.unwrap_err();
    let bad = served.ask(site("../office")).await.unwrap_err();
    for fault in [unknown, disabled, off, bad, signing.unwrap_err()] {
        assert_eq!(fault.code, FaultCode::NotFound);
        assert_eq!(fault.message, "there is nothing here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2a_whoever_is_not_let_in_sees_the_same_and_the_log_tells_them_apart() {
    let served = Served::new().await;
    for login in ["wrong", "unbound", "locked", "blocked"] {
        served.person(login).await;
    }
    served.person_with(add("mailer")).await;
    served.change("unbound", |user| user.resources.clear()).await;
    served
        .change("locked", |user| user.locked = Some("away".to_owned()))
        .await;
    let token = served.token("blocked", "+491712345670").await;
    served
        .must(AdminOp::TokenSet {
            token: token.to_string(),
            status: Some("blocked".to_owned()),
            name: None,
        })
        .await;
    let mut seen = BTreeSet::new();
    for (login, password, reason) in [
        ("nobody", PASSWORD, "unknown-user"),
        ("not a name", PASSWORD, "unknown-user"),
        ("wrong", WRONG, "wrong-password"),
        ("unbound", PASSWORD, "not-in-resource"),
        ("locked", PASSWORD, "admin-locked"),
        ("blocked", PASSWORD, "no-usable-factor"),
        ("mailer", PASSWORD, "no-password"),
    ] {
        let before = served.rows("portal.deny", reason).await;
        let reply = served.ask(sign_in(login, password, HERE)).await.unwrap();
        seen.insert(refusal(reply));
        assert_eq!(served.rows("portal.deny", reason).await, before + 1, "{login}");
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(served.texts().is_empty(), "no text before the first factor");
    // And after ten, names of nobody are closed like those of somebody, even for the right password.
    for login in ["nobody", "wrong", "mailer", "locked"] {
        for _ in 0..10 {
            served.ask(sign_in(login, WRONG, "198.51.100.7")).await.unwrap();
        }
        let closed = served
            .ask(sign_in(login, PASSWORD, "198.51.100.7"))
            .await
            .unwrap();
        assert_eq!(refusal(closed), "Some(900)", "{login}");
    }
    // Another network is open still: nobody is locked out by strangers.
    let signed = signed(
        served
            .ask(sign_in("wrong", PASSWORD, "203.0.113.5"))
            .await
            .unwrap(),
    );
    assert_eq!(signed.next, Next::Home);
}

/// One wrong password under each of so many names that nobody has.
async fn spray(served: &Served, names: std::ops::Range<u32>, from: &str) {
    for n in names {
        let reply = served
            .ask(sign_in(&format!("name-{n}"), WRONG, from))
            .await
            .unwrap();
        assert_eq!(refusal(reply), "None");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_tries_many_names_is_closed_and_hears_the_same_as_before() {
    let served = Served::new().await;
    served.person("alice").await;
    spray(&served, 0..NETWORK_FAILURES, HERE).await;
    // Not even the right password opens, and nothing tells that it was not looked at.
    let reply = served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap();
    assert_eq!(refusal(reply), "None");
    let reply = served.ask(sign_in("nobody", WRONG, "192.0.2.77")).await.unwrap();
    assert_eq!(refusal(reply), "None", "the neighbour is of the same network");
    assert_eq!(served.rows("portal.deny", "source-closed").await, 2);
    signed(
        served
            .ask(sign_in("alice", PASSWORD, "203.0.113.5"))
            .await
            .unwrap(),
    );
    // What is not looked at does not count: it opens when the time is over.
    served.pass(900);
    signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_people_sign_in_from_may_be_wrong_more_often() {
    let served = Served::new().await;
    served.person("alice").await;
    served.person("bob").await;
    served.session("alice").await;
    spray(&served, 0..NETWORK_FAILURES, HERE).await;
    // A company behind one address goes on, also those who come for the first time.
    let bob = signed(served.ask(sign_in("bob", PASSWORD, "192.0.2.9")).await.unwrap());
    assert_eq!(bob.next, Next::Home);
    spray(&served, NETWORK_FAILURES..NETWORK_FAILURES_KNOWN, HERE).await;
    let reply = served.ask(sign_in("bob", PASSWORD, HERE)).await.unwrap();
    assert_eq!(refusal(reply), "None");
    // Thirty days after the last of them it is a network like any other.
    served.pass(30 * 24 * 3600);
    spray(&served, 0..NETWORK_FAILURES, HERE).await;
    let reply = served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap();
    assert_eq!(refusal(reply), "None");
    // Without an address there is no network, and one person's mistakes close nobody else's way.
    spray(&served, 0..NETWORK_FAILURES, "").await;
    signed(served.ask(sign_in("alice", PASSWORD, "")).await.unwrap());
}

/// A login at a VPN with a password, to the prompt for a code.
async fn prompted(served: &Served, login: &str, password: &str) -> login::Verdict {
    let mut attempt = [0; 16];
    served.daemon.entropy.fill(&mut attempt);
    let start = Start {
        channel: Channel::Radius,
        group: "gateway".to_owned(),
        user: login.to_owned(),
        password: Some(password.to_owned().into()),
        proof: None,
        ms_chap2: None,
        first_factor: Chain::local(),
        door: Door::default(),
        guarded: Guarded::Resource(*served.stored(login).await.resources.first().unwrap()),
        attempt: AttemptId(attempt),
        origin: Origin::default(),
        source: Source::new("192.0.2.99", "gateway"),
    };
    login::begin(&served.daemon, start).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_ends_the_logins_that_wait_for_a_code() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let by_admin = async |new: &str| {
        served
            .must(AdminOp::UserSet(UserSet {
                user: "alice".to_owned(),
                password: Some(new.into()),
                ..UserSet::default()
            }))
            .await;
    };
    let by_herself = async |new: &str| {
        let session = served.by_text("alice").await;
        let change = UserAct::Password {
            current: Some(PASSWORD.into()),
            new: new.into(),
        };
        let (id, text) = served.step_up(&session, change).await;
        let proof = answer(&id, Method::Sms, &text.code());
        assert_eq!(done(served.user(&session, proof).await.unwrap()), "password");
    };
    for herself in [false, true] {
        let before = served.texts().len();
        let waiting = prompted(&served, "alice", PASSWORD).await;
        let Reply::Prompt { session, .. } = waiting.reply else {
            panic!("{waiting:?}")
        };
        let code = served.until_texts(before + 1).await[before].code();
        let new = "Schwalbenschwanz-42!x";
        if herself {
            by_herself(new).await;
        } else {
            by_admin(new).await;
        }
        let mut attempt = [0; 16];
        served.daemon.entropy.fill(&mut attempt);
        let typed = login::Further {
            channel: Channel::Radius,
            group: Some("gateway".to_owned()),
            user: Some("alice".to_owned()),
            resource: None,
            trusted: None,
            session: Some(session.id),
            typed: Some(code.expose().to_owned().into()),
            proof: None,
            attempt: AttemptId(attempt),
        };
        let late = login::answer(&served.daemon, typed).await.unwrap();
        assert_eq!(
            (late.reply, late.reason),
            (Reply::Deny { exhausted: false }, Reason::ChallengeDead)
        );
        assert_eq!(
            prompted(&served, "alice", PASSWORD).await.reason,
            Reason::WrongPassword
        );
        let before = served.texts().len();
        assert_eq!(prompted(&served, "alice", new).await.reason, Reason::Challenge);
        served.until_texts(before + 1).await;
        by_admin(PASSWORD).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2b_who_has_neither_password_nor_address_cannot_sign_in() {
    let served = Served::new().await;
    let mut nothing = add("nothing");
    nothing.email = None;
    served.person_with(nothing).await;
    let reply = served.ask(sign_in("nothing", PASSWORD, HERE)).await.unwrap();
    assert_eq!(refusal(reply), "None");
    assert_eq!(served.rows("portal.deny", "no-way-in").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_factor_the_password_signs_in_and_home_shows_what_may_be_done() {
    let served = Served::new().await;
    served.person("alice").await;
    let signed = signed(served.ask(sign_in("ALICE", PASSWORD, HERE)).await.unwrap());
    assert_eq!((signed.next, signed.max_age), (Next::Home, 12 * 3600));
    assert_eq!(signed.session.expose().len(), 43, "256 bits");
    let home = served.home(&signed.session).await;
    assert_eq!(home.profile.login, "alice");
    assert!(home.tokens.is_empty());
    assert_eq!(home.actions.kinds, words(&["sms", "totp"]));
    assert_eq!(home.actions.why_not, "");
    assert_eq!(home.recovery_left, None);
    assert_eq!((home.sessions.len(), home.sessions[0].own), (1, true));
    // A fresh resource allows nothing.
    served
        .self_service(SelfServiceSettings {
            actions: Some(Vec::new()),
            ..SelfServiceSettings::default()
        })
        .await;
    let home = served.home(&signed.session).await;
    assert!(home.actions.allowed.is_empty() && home.actions.kinds.is_empty());
    assert_eq!(home.actions.why_not, "off");
    let out = served.user(&signed.session, UserOp::SignOut).await.unwrap();
    assert_eq!(done(out), "signed-out");
    let after = served.user(&signed.session, UserOp::Home).await.unwrap();
    assert_eq!(after, PortalReply::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3a_a_token_here_is_asked_for_and_the_password_alone_reaches_nothing() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let reply = signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap());
    let ask = asked(reply.next);
    assert_eq!(methods(&ask), [Method::Sms]);
    assert!(ask.sent && ask.trouble.is_empty() && ask.resend_in == Some(30));
    assert_eq!((ask.to.as_str(), ask.digits, ask.left), ("70", 6, 5));
    let text = served.until_texts(1).await.remove(0);
    assert_eq!(text.to, "+491712345670");
    assert!(
        text.text.contains("to sign in") && text.text.contains(&ask.label),
        "{}",
        text.text
    );
    // Steps cannot be skipped: everything leads back to the code.
    for op in [
        UserOp::Home,
        UserOp::RecoveryFirst,
        UserOp::Act {
            act: UserAct::EndOtherSessions,
        },
        UserOp::Where,
    ] {
        let reply = served.user(&reply.session, op).await.unwrap();
        assert!(matches!(reply, PortalReply::At(Next::Factor(_))), "{reply:?}");
    }
    // Loading the page again sends nothing.
    served.no_more_texts(1).await;
    let (why, ask) = wrong(
        served
            .user(&reply.session, factor(Method::Sms, &other(&text.code())))
            .await
            .unwrap(),
    );
    assert_eq!((why.as_str(), ask.left), ("wrong", 4));
    for (typed, said) in [
        ("12345", "too-few"),
        ("1234567", "too-many-digits"),
        ("12345x", "not-digits"),
    ] {
        let (why, ask) = wrong(
            served
                .user(&reply.session, factor(Method::Sms, &typed.into()))
                .await
                .unwrap(),
        );
        assert_eq!((why.as_str(), ask.left), (said, 4));
    }
    let whole = signed(
        served
            .user(&reply.session, factor(Method::Sms, &text.code()))
            .await
            .unwrap(),
    );
    assert_eq!(whole.next, Next::Home);
    assert_ne!(whole.session, reply.session);
    let old = served.user(&reply.session, UserOp::Home).await.unwrap();
    assert_eq!(old, PortalReply::SignedOut, "the cookie of before is void");
    assert_eq!(served.home(&whole.session).await.tokens.len(), 1);
    assert!(served.tokens("alice").await[0].verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_sent_again_after_its_wait_with_the_same_digits_and_first_on_wish_for_an_app() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let (half, code) = served.half("alice").await;
    let at = |reply| match reply {
        PortalReply::At(next) => asked(next),
        other => panic!("{other:?}"),
    };
    let ask = at(served.user(&half, UserOp::Resend).await.unwrap());
    assert_eq!(ask.resend_in, Some(30));
    served.no_more_texts(1).await;
    served.pass(31);
    let ask = at(served.user(&half, UserOp::Resend).await.unwrap());
    assert_eq!(ask.resend_in, Some(60));
    assert_eq!(served.until_texts(2).await[1].code(), code);
    // Once the code has little life left, a resend brings another, and the old one opens nothing.
    served.pass(230);
    served.user(&half, UserOp::Resend).await.unwrap();
    let fresh = served.until_texts(3).await[2].code();
    assert_ne!(fresh, code);
    let (why, _) = wrong(served.user(&half, factor(Method::Sms, &code)).await.unwrap());
    assert_eq!(why, "wrong");
    signed(served.user(&half, factor(Method::Sms, &fresh)).await.unwrap());

    served.app("alice").await;
    let app = served.stored("alice").await;
    let (vpn, id) = (app.resources[0], served.app("alice").await);
    served
        .change("alice", |user| user.profile.preferred = vec![(vpn, id)])
        .await;
    let reply = signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap());
    let ask = asked(reply.next);
    assert_eq!(methods(&ask), [Method::Totp, Method::Sms]);
    assert!(!ask.sent && ask.label.is_empty() && ask.resend_in == Some(0));
    served.no_more_texts(3).await;
    let ask = at(served.user(&reply.session, UserOp::Resend).await.unwrap());
    assert!(ask.sent);
    let texts = served.until_texts(4).await;
    signed(
        served
            .user(&reply.session, factor(Method::Sms, &texts[3].code()))
            .await
            .unwrap(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_refuses_is_said_and_costs_nothing() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let pause = |paused| {
        AdminOp::SmsPolicySet(otpost_ipc::admin::SmsPolicySet {
            paused: Some(paused),
            ..otpost_ipc::admin::SmsPolicySet::default()
        })
    };
    served.must(pause(true)).await;
    let reply = signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap());
    let ask = asked(reply.next);
    assert_eq!(
        (ask.sent, ask.trouble.as_str(), ask.resend_in),
        (false, "paused", Some(30))
    );
    served.must(pause(false)).await;
    served.pass(31);
    served.user(&reply.session, UserOp::Resend).await.unwrap();
    let code = served.until_texts(1).await[0].code();
    signed(
        served
            .user(&reply.session, factor(Method::Sms, &code))
            .await
            .unwrap(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p3b_a_lost_phone_needs_a_recovery_code_or_the_helpdesk_and_a_bypass_opens_nothing() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    served
        .must(AdminOp::UserBypass {
            user: "alice".to_owned(),
            seconds: 3600,
        })
        .await;
    let (half, _) = served.half("alice").await;
    assert!(matches!(
        served.user(&half, UserOp::Home).await.unwrap(),
        PortalReply::At(_)
    ));
    // None is offered, so none is taken.
    let (why, _) = wrong(
        served
            .user(&half, factor(Method::Recovery, &"7f-kx3m-pq9t".into()))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong");
    let codes = served.recovery("alice").await;
    let (half, _) = served.half("alice").await;
    let at = served.user(&half, UserOp::Where).await.unwrap();
    let PortalReply::At(next) = at else {
        panic!("{at:?}")
    };
    assert_eq!(methods(&asked(next)), [Method::Sms, Method::Recovery]);
    let session = signed(
        served
            .user(&half, factor(Method::Recovery, &codes[0]))
            .await
            .unwrap(),
    )
    .session;
    assert_eq!(served.home(&session).await.recovery_left, Some(9));
    let (half, _) = served.half("alice").await;
    let (why, _) = wrong(
        served
            .user(&half, factor(Method::Recovery, &codes[0]))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong", "used before");
    let upper = Secret::new(codes[1].expose().to_uppercase().replace('-', " "));
    signed(
        served
            .user(&half, factor(Method::Recovery, &upper))
            .await
            .unwrap(),
    );
    let code = served.one_day("alice").await;
    let (half, _) = served.half("alice").await;
    signed(served.user(&half, factor(Method::Helpdesk, &code)).await.unwrap());
    let (half, _) = served.half("alice").await;
    let (why, ask) = wrong(served.user(&half, factor(Method::Helpdesk, &code)).await.unwrap());
    assert_eq!(why, "wrong");
    assert!(!methods(&ask).contains(&Method::Helpdesk));
    let late = served.one_day("alice").await;
    served.pass(24 * 3600);
    let (half, _) = served.half("alice").await;
    let (why, _) = wrong(served.user(&half, factor(Method::Helpdesk, &late)).await.unwrap());
    assert_eq!(why, "wrong", "the day is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_lock_all_channels_and_a_recovery_code_lifts_the_lock() {
    let served = Served::new().await;
    let user = served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let codes = served.recovery("alice").await;
    let (half, code) = served.half("alice").await;
    let mut last = String::new();
    for _ in 0..5 {
        last = wrong(
            served
                .user(&half, factor(Method::Sms, &other(&code)))
                .await
                .unwrap(),
        )
        .0;
    }
    assert_eq!(last, "locked");
    assert_eq!(served.rows("portal.wrong-code", "otp-locked-now").await, 1);
    let at_vpn = async || {
        let mut attempt = [0; 16];
        served.daemon.entropy.fill(&mut attempt);
        let resource = served.stored("alice").await.resources[0];
        let start = Start {
            channel: Channel::Radius,
            group: "gateway".to_owned(),
            user: "alice".to_owned(),
            password: None,
            first_factor: Chain::stack(),
            proof: None,
            ms_chap2: None,
            door: Door::default(),
            guarded: Guarded::Resource(resource),
            attempt: AttemptId(attempt),
            origin: Origin::default(),
            source: Source::new("192.0.2.99", "gateway"),
        };
        login::begin(&served.daemon, start).await.unwrap().reason
    };
    assert_eq!(at_vpn().await, Reason::OtpLocked);
    // The right password and no text: only what lifts the lock is offered.
    let before = served.texts().len();
    let reply = signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap());
    let ask = asked(reply.next);
    assert_eq!((methods(&ask), ask.sent), (vec![Method::Recovery], false));
    let (why, _) = wrong(
        served
            .user(&reply.session, factor(Method::Sms, &code))
            .await
            .unwrap(),
    );
    assert_eq!(why, "locked");
    signed(
        served
            .user(&reply.session, factor(Method::Recovery, &codes[0]))
            .await
            .unwrap(),
    );
    let guard = served.daemon.read(move |read| read.guard(user)).await.unwrap();
    assert!(guard.lock_at(served.now()).is_none());
    assert_eq!(served.texts().len(), before);
    assert_eq!(at_vpn().await, Reason::Challenge);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_right_code_sent_64_times_at_once_is_exactly_one_session() {
    let served = std::sync::Arc::new(Served::new().await);
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let (half, code) = served.half("alice").await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (served, half, code) = (std::sync::Arc::clone(&served), half.clone(), code.clone());
        calls.spawn(async move { served.user(&half, factor(Method::Sms, &code)).await.unwrap() });
    }
    let replies = calls.join_all().await;
    let whole: Vec<&PortalReply> = replies
        .iter()
        .filter(|reply| matches!(reply, PortalReply::Signed { .. }))
        .collect();
    assert_eq!(whole.len(), 1);
    let others = replies.iter().filter(|reply| **reply == PortalReply::SignedOut);
    assert_eq!(others.count(), 63);
    let session = signed(whole[0].clone()).session;
    assert_eq!(served.home(&session).await.sessions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_an_app_is_good_once() {
    let served = Served::new().await;
    served.person("alice").await;
    served.app("alice").await;
    let half = async || signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap()).session;
    let code = served.shows(0);
    signed(
        served
            .user(&half().await, factor(Method::Totp, &code))
            .await
            .unwrap(),
    );
    let again = half().await;
    let (why, _) = wrong(served.user(&again, factor(Method::Totp, &code)).await.unwrap());
    assert_eq!(why, "wrong");
    served.pass(30);
    signed(
        served
            .user(&again, factor(Method::Totp, &served.shows(0)))
            .await
            .unwrap(),
    );
    assert!(served.texts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_needed_where_the_policy_says_so_and_is_good_once() {
    let served = Served::new().await;
    served.person("alice").await;
    served.person("bob").await;
    served
        .self_service(SelfServiceSettings {
            first_enrolment: Some("invite".to_owned()),
            ..SelfServiceSettings::default()
        })
        .await;
    let why_not = async |session: &Secret| served.home(session).await.actions.why_not;
    assert_eq!(why_not(&served.session("alice").await).await, "invite");
    served
        .must(AdminOp::PortalSet(PortalSet {
            url: Some("https://login.example.com".to_owned()),
            ..PortalSet::default()
        }))
        .await;
    let invited = served.must(AdminOp::UserInvite {
        user: "alice".to_owned(),
        resource: "Office VPN".to_owned(),
    });
    let AdminReply::Invited { link, .. } = invited.await else {
        panic!("no invitation")
    };
    let text = link.expose();
    let secret = text.rsplit(['=', '/']).next().unwrap();
    let come = async |login: &str, secret: &str| {
        let op = PortalOp::SignIn {
            address: "office".to_owned(),
            user: login.to_owned(),
            password: PASSWORD.into(),
            invite: Some(secret.into()),
            browser: crate::common::browser(HERE),
        };
        signed(served.ask(op).await.unwrap()).session
    };
    assert_eq!(
        why_not(&come("bob", secret).await).await,
        "invite",
        "somebody else's"
    );
    assert_eq!(why_not(&come("alice", "wrong").await).await, "invite");
    let (one, two) = (come("alice", secret).await, come("alice", secret).await);
    assert_eq!(why_not(&one).await, "");
    let begun = served.user(&one, begin("form")).await.unwrap();
    let PortalReply::Enrolment(view) = begun else {
        panic!("{begun:?}")
    };
    let code = served.until_texts(1).await[0].code();
    served
        .user(&one, UserOp::EnrolConfirm { id: view.id, code })
        .await
        .unwrap();
    // Used up, also for the sessions that it had opened.
    served
        .must(AdminOp::TokenRemove {
            token: served.tokens("alice").await[0].id.to_string(),
        })
        .await;
    let left = served.user(&two, UserOp::Home).await.unwrap();
    if let PortalReply::Home(home) = left {
        assert_eq!(home.actions.why_not, "invite");
    }
    assert_eq!(why_not(&come("alice", secret).await).await, "invite");
}

fn begin(form: &str) -> UserOp {
    UserOp::EnrolBegin {
        kind: "sms".to_owned(),
        name: String::new(),
        phone: Some("0171 2345678".into()),
        digits: Some(6),
        form: form.to_owned(),
        replaces: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_one_portal_does_not_hold_on_another() {
    let served = Served::new().await;
    served.person("alice").await;
    served.resource("Lab", "lab").await;
    served
        .must(AdminOp::UserBind {
            user: "alice".to_owned(),
            resource: "Lab".to_owned(),
        })
        .await;
    let session = served.session("alice").await;
    let there = served.user_at("lab", &session, UserOp::Home).await.unwrap();
    assert_eq!(there, PortalReply::SignedOut);
    assert_eq!(code_of(served.ask(site("x y")).await), FaultCode::NotFound);
    served.home(&session).await;
}
