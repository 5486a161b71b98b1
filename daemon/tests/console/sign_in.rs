//! Passwords, codes and recovery codes of administrators.

use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminSet};
use otpost_ipc::client::CallError;
use otpost_ipc::portal::{ConsoleOp, Method, Next, PortalOp, PortalReply};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{PASSWORD, Served, WRONG, recovery_code, refused, sign_in, signed, totp_code, wrong};

const HERE: &str = "192.0.2.1";

#[tokio::test(flavor = "multi_thread")]
async fn password_then_code() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let half = signed(served.answer(sign_in("MARA", PASSWORD, HERE)).await);
    assert_eq!(half.max_age, 300);
    let Next::Factor(ask) = &half.next else {
        panic!("{:?}", half.next)
    };
    let ways: Vec<Method> = ask.methods.iter().map(|m| m.method).collect();
    assert_eq!(ways, [Method::Totp, Method::Recovery]);
    assert_eq!((ask.sent, ask.left, ask.digits), (false, 5, 6));

    // Half a session is none.
    let status = ConsoleOp::Admin {
        admin: Box::new(AdminOp::Status),
    };
    let reply = served.console(&half.session, status.clone()).await;
    assert_eq!(reply, PortalReply::SignedOut);
    // Whoever asks for a page is led to the code that is missing.
    for ask in [ConsoleOp::Account, ConsoleOp::Where] {
        let reply = served.console(&half.session, ask).await;
        assert!(matches!(reply, PortalReply::At(Next::Factor(_))), "{reply:?}");
    }

    let code = served.shows(&owner.app);
    let full = signed(served.console(&half.session, totp_code(&code)).await);
    assert_eq!(full.next, Next::Home);
    assert_ne!(
        full.session.expose(),
        half.session.expose(),
        "a session is made anew"
    );
    assert_eq!(
        served.console(&half.session, ConsoleOp::Where).await,
        PortalReply::SignedOut
    );
    assert!(matches!(
        served.console(&full.session, status).await,
        PortalReply::Admin { .. }
    ));
    assert_eq!(served.rows("console.sign-in", "totp").await, 1);

    // The same code again, at another sign-in within its time.
    let half = served.password(&owner, HERE).await;
    let (why, ask) = wrong(served.console(&half, totp_code(&code)).await);
    assert_eq!((why.as_str(), ask.left), ("used", 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_sign_in_looks_like_whom_there_is_not() {
    let served = Served::new().await;
    let _owner = served.owner().await;
    let locked = served.administrator("lena", "admin", &[]).await;
    served
        .ctl(AdminOp::AdminSet(AdminSet {
            login: locked.login.clone(),
            locked: Some(true),
            ..AdminSet::default()
        }))
        .await
        .unwrap();
    served
        .ctl(AdminOp::AdminAdd {
            login: "paul".to_owned(),
            shown: String::new(),
            email: None,
            role: "admin".to_owned(),
            resources: Vec::new(),
        })
        .await
        .unwrap();
    for (user, password, reason) in [
        ("nobody", PASSWORD, "unknown"),
        ("mara", WRONG, "password"),
        ("lena", PASSWORD, "locked"),
        ("paul", PASSWORD, "not-set-up"),
        ("a b", PASSWORD, "unknown"),
    ] {
        assert_eq!(refused(served.answer(sign_in(user, password, HERE)).await), None);
        let rows = served.audit().await;
        let last = rows.last().unwrap();
        assert_eq!(
            (last.kind.as_str(), last.reason.as_str()),
            ("console.denied", reason)
        );
        assert_eq!(last.source, HERE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_close_the_way_from_their_network_alone() {
    let served = Served::new().await;
    let owner = served.owner().await;
    for name in ["mara", "nobody"] {
        for _ in 0..10 {
            assert_eq!(refused(served.answer(sign_in(name, WRONG, HERE)).await), None);
        }
        let wait = refused(served.answer(sign_in(name, PASSWORD, HERE)).await);
        assert_eq!(wait, Some(900), "closed alike for a name of nobody");
    }
    // Others, and the rest of the network under other names, are not concerned.
    served.password(&owner, "198.51.100.7").await;
    assert_eq!(refused(served.answer(sign_in("else", WRONG, HERE)).await), None);
    // The neighbour is.
    assert!(refused(served.answer(sign_in("mara", PASSWORD, "192.0.2.77")).await).is_some());
    served.pass(Duration::from_secs(900));
    served.password(&owner, HERE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_tries_many_names_is_closed() {
    let served = Served::new().await;
    let owner = served.owner().await;
    for n in 0..30 {
        let name = format!("name{n}");
        assert_eq!(refused(served.answer(sign_in(&name, WRONG, HERE)).await), None);
    }
    assert!(refused(served.answer(sign_in("mara", PASSWORD, HERE)).await).is_some());
    served.password(&owner, "198.51.100.7").await;
}

/// Asks 200 times at once; gives how many were told to come back because too much is hashed.
async fn at_once(served: &Served, op: impl Fn(usize) -> PortalOp) -> usize {
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..200 {
        let (portal, op) = (served.portal.clone(), op(n));
        calls.spawn(async move { portal.call(op).await });
    }
    let mut busy = 0;
    for answer in calls.join_all().await {
        match answer {
            Ok(PortalReply::Refused { .. } | PortalReply::Wrong { .. }) => {}
            Err(CallError::Fault(fault)) => {
                assert_eq!((fault.code, fault.retry_after), (FaultCode::Busy, Some(1)));
                busy += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    busy
}

/// Logins of VPNs and hosts wait for the same threads: strangers at the console's pages keep them no longer than those of portals.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_so_many_hashes_are_made_at_once() {
    let served = Served::with_hashes_of(32 * 1024).await;
    let owner = served.owner().await;
    let half = served.password(&owner, "198.51.100.7").await;
    let from = |n: usize| format!("10.0.{n}.1");
    let passwords = at_once(&served, |n| sign_in(&format!("name{n}"), WRONG, &from(n))).await;
    assert!((1..=136).contains(&passwords), "{passwords}");
    let typed = owner.codes[0].expose();
    let wrong = Secret::new(format!("{}zzzz", &typed[..typed.len() - 4]));
    let codes = at_once(&served, |_| PortalOp::Console {
        session: half.clone(),
        ask: recovery_code(&wrong),
    })
    .await;
    assert!((1..=136).contains(&codes), "{codes}");
    // Afterwards it goes on.
    served.password(&owner, "198.51.100.7").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_end_the_sign_in_and_lock() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let half = served.password(&owner, HERE).await;
    for typed in ["12345", "1234567", "abcdef", ""] {
        let (why, ask) = wrong(served.console(&half, totp_code(&typed.into())).await);
        assert_ne!(why, "wrong");
        assert_eq!(ask.left, 5, "what cannot be a code is no try");
    }
    for left in [4, 3, 2, 1, 0] {
        let code = served.wrong_code(&owner.app);
        let (why, ask) = wrong(served.console(&half, totp_code(&code)).await);
        assert_eq!((why.as_str(), ask.left), ("wrong", left));
    }
    let code = served.shows(&owner.app);
    let (why, _) = wrong(served.console(&half, totp_code(&code)).await);
    assert_eq!(why, "tries-used");
    // Five in a row lock every sign-in.
    let half = served.password(&owner, HERE).await;
    let (why, ask) = wrong(served.console(&half, totp_code(&code)).await);
    assert_eq!((why.as_str(), ask.left), ("locked", 5));
    assert_eq!(served.rows("console.denied", "otp-locked").await, 1);
    served.pass(Duration::from_secs(15 * 60));
    served.session(&owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_is_good_once_and_lifts_the_lock() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let half = served.password(&owner, HERE).await;
    for _ in 0..5 {
        let code = served.wrong_code(&owner.app);
        wrong(served.console(&half, totp_code(&code)).await);
    }
    let half = served.password(&owner, HERE).await;
    let full = signed(served.console(&half, recovery_code(&owner.codes[0])).await);
    match served.console(&full.session, ConsoleOp::Account).await {
        PortalReply::Account { recovery_left, .. } => assert_eq!(recovery_left, 9),
        other => panic!("{other:?}"),
    }
    let half = served.password(&owner, HERE).await;
    let (why, ask) = wrong(served.console(&half, recovery_code(&owner.codes[0])).await);
    assert_eq!((why.as_str(), ask.left), ("wrong", 4));
    let nonsense = "nonsense".into();
    let (_, ask) = wrong(served.console(&half, recovery_code(&nonsense)).await);
    assert_eq!(ask.left, 3);
    let code = served.shows(&owner.app);
    signed(served.console(&half, totp_code(&code)).await);
    // It survives a restart that it was used.
    let served = served.restart().await;
    let half = served.password(&owner, HERE).await;
    wrong(served.console(&half, recovery_code(&owner.codes[0])).await);
    signed(served.console(&half, recovery_code(&owner.codes[1])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_come_in_once() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let code = served.shows(&owner.app);
    for ask in [totp_code(&code), recovery_code(&owner.codes[0])] {
        let mut halves = Vec::new();
        for _ in 0..8 {
            halves.push(served.password(&owner, HERE).await);
        }
        let mut tries = tokio::task::JoinSet::new();
        for n in 0..64 {
            let portal = served.portal.clone();
            let op = PortalOp::Console {
                session: halves[n % halves.len()].clone(),
                ask: ask.clone(),
            };
            tries.spawn(async move { portal.call(op).await.unwrap() });
        }
        let replies = tries.join_all().await;
        let came_in = replies
            .iter()
            .filter(|reply| matches!(reply, PortalReply::Signed { .. }))
            .count();
        assert_eq!(came_in, 1);
        // The others were failures, and locked.
        served.pass(Duration::from_secs(3600 * 24));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_not_finished_ends() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let half = served.password(&owner, HERE).await;
    served.pass(Duration::from_secs(301));
    let code = served.shows(&owner.app);
    assert_eq!(
        served.console(&half, totp_code(&code)).await,
        PortalReply::SignedOut
    );
    // Nor does a session take a method that the console does not have.
    let half = served.password(&owner, HERE).await;
    let ask = ConsoleOp::Factor {
        method: Method::Helpdesk,
        code,
    };
    let session = half.clone();
    let refused = served.ask(PortalOp::Console { session, ask }).await;
    assert_eq!(crate::common::code_of(refused), FaultCode::Invalid);
}
