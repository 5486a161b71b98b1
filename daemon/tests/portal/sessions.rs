//! Sessions: how they end, and whom they are shown to.

use otpost_core::portal::session::PortalSession;
use otpost_ipc::admin::{AdminOp, ResourceSettings, SelfServiceSettings};
use otpost_ipc::portal::{Method, PortalOp, PortalReply, UserAct, UserOp};
use otpost_ipc::{FaultCode, Secret};
use otpost_store::document;

use crate::common::{HERE, PASSWORD, Served, browser, by_mail, code_of, done, factor, sign_in, signed};

async fn holds(served: &Served, session: &Secret) -> bool {
    match served.user(session, UserOp::Home).await.unwrap() {
        PortalReply::Home(_) => true,
        PortalReply::SignedOut => false,
        other => panic!("{other:?}"),
    }
}

fn user(login: &str) -> String {
    login.to_owned()
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_once_with_what_it_rests_on_and_does_not_come_back() {
    let served = Served::new().await;
    for login in ["lock", "unbind", "gone", "signed-out", "reset"] {
        served.person(login).await;
    }
    let mut sessions = Vec::new();
    for login in ["lock", "unbind", "gone", "signed-out", "reset"] {
        sessions.push(served.session(login).await);
    }
    for session in &sessions {
        assert!(holds(&served, session).await);
    }
    let [lock, unbind, gone, out, reset] = sessions.as_slice() else {
        panic!("five")
    };
    served
        .must(AdminOp::UserLock {
            user: user("lock"),
            why: "away".to_owned(),
        })
        .await;
    assert!(!holds(&served, lock).await);
    served.must(AdminOp::UserUnlock { user: user("lock") }).await;
    assert!(!holds(&served, lock).await, "not after the lock either");
    let resource = "Office VPN".to_owned();
    served
        .must(AdminOp::UserUnbind {
            user: user("unbind"),
            resource: resource.clone(),
        })
        .await;
    assert!(!holds(&served, unbind).await);
    served
        .must(AdminOp::UserBind {
            user: user("unbind"),
            resource,
        })
        .await;
    assert!(!holds(&served, unbind).await);
    served.must(AdminOp::UserRemove { user: user("gone") }).await;
    assert!(!holds(&served, gone).await);
    served
        .must(AdminOp::UserSignOut {
            user: user("signed-out"),
        })
        .await;
    assert!(!holds(&served, out).await);
    served
        .must(AdminOp::UserSet(otpost_ipc::admin::UserSet {
            user: user("reset"),
            password: Some("Admiralfalter-42!x".into()),
            ..otpost_ipc::admin::UserSet::default()
        }))
        .await;
    assert!(!holds(&served, reset).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_holds_on_a_portal_that_is_off() {
    let served = Served::new().await;
    served.person("alice").await;
    let session = served.session("alice").await;
    served
        .set(ResourceSettings {
            enabled: Some(false),
            ..ResourceSettings::default()
        })
        .await;
    assert!(!holds(&served, &session).await);
    served
        .set(ResourceSettings {
            enabled: Some(true),
            ..ResourceSettings::default()
        })
        .await;
    served
        .self_service(SelfServiceSettings {
            address: Some("elsewhere".to_owned()),
            ..SelfServiceSettings::default()
        })
        .await;
    assert!(!holds(&served, &session).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_is_switched_on_again_knows_no_old_session() {
    let served = Served::new().await;
    served.person("alice").await;
    served.resource("Lab", "lab").await;
    let resource = text("Lab");
    let bind = AdminOp::UserBind {
        user: user("alice"),
        resource,
    };
    served.must(bind).await;
    let at_lab = PortalOp::SignIn {
        address: text("lab"),
        user: user("alice"),
        password: PASSWORD.into(),
        invite: None,
        browser: browser(HERE),
    };
    let lab = signed(served.ask(at_lab).await.unwrap()).session;
    served.mail_server().await;
    let enabled = |enabled| ResourceSettings {
        enabled: Some(enabled),
        ..ResourceSettings::default()
    };
    let at = |address: &str| ResourceSettings {
        self_service: Some(SelfServiceSettings {
            address: Some(address.to_owned()),
            ..SelfServiceSettings::default()
        }),
        ..ResourceSettings::default()
    };
    for (off, on) in [
        (enabled(false), enabled(true)),
        (at(""), at("office")),
        (at("elsewhere"), at("office")),
    ] {
        let full = served.session("alice").await;
        signed(served.ask(by_mail("nobody", HERE)).await.unwrap());
        served.set(off.clone()).await;
        served.set(on).await;
        assert!(!holds(&served, &full).await, "{off:?}");
    }
    let ours = signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap()).session;
    // Other settings end nothing, and other portals are not concerned.
    served
        .self_service(SelfServiceSettings {
            title: Some("Our VPN".to_owned()),
            ..SelfServiceSettings::default()
        })
        .await;
    assert!(holds(&served, &ours).await);
    let home = served.user_at("lab", &lab, UserOp::Home).await.unwrap();
    assert!(matches!(home, PortalReply::Home(_)), "{home:?}");
    let left: Vec<PortalSession> = served
        .daemon
        .read(|read| document::list(read, None, 100))
        .await
        .unwrap();
    assert_eq!(left.len(), 2, "those that ended are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_password_alone_ends_with_a_first_token_that_an_administrator_assigns() {
    let served = Served::new().await;
    for login in ["alice", "bob"] {
        served.person(login).await;
    }
    served.resource("Lab", "lab").await;
    let thief = served.session("alice").await;
    let bob = served.session("bob").await;
    let assign = |user: &str, phone: &str, resource: &str| AdminOp::TokenAdd {
        user: user.to_owned(),
        phone: phone.into(),
        name: String::new(),
        digits: None,
        resources: vec![text(resource)],
    };
    served
        .must(AdminOp::UserBind {
            user: user("bob"),
            resource: text("Lab"),
        })
        .await;
    served.must(assign("alice", "+491712345670", "Office VPN")).await;
    assert!(!holds(&served, &thief).await);
    served.must(assign("bob", "+491712345671", "Lab")).await;
    assert!(holds(&served, &bob).await, "it guards another portal");
    // Beside an app that asked for a code already, a phone changes nothing.
    let (app, half) = (
        served.app("bob").await,
        served.ask(sign_in("bob", PASSWORD, HERE)),
    );
    let half = signed(half.await.unwrap()).session;
    let full = served.user(&half, factor(Method::Totp, &served.shows(0))).await;
    let full = signed(full.unwrap()).session;
    served.must(assign("bob", "+491712345672", "Office VPN")).await;
    assert!(holds(&served, &full).await, "{app}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_signed_in_session_ends_with_its_user_too() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let (half, code) = served.half("alice").await;
    served
        .must(AdminOp::UserLock {
            user: user("alice"),
            why: String::new(),
        })
        .await;
    let reply = served.user(&half, factor(Method::Sms, &code)).await.unwrap();
    assert_eq!(reply, PortalReply::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_idle_and_after_half_a_day_whatever_is_done() {
    let served = Served::new().await;
    served.person("alice").await;
    let session = served.session("alice").await;
    // Used every 20 minutes it lives on, but not beyond twelve hours.
    for _ in 0..35 {
        served.pass(20 * 60);
        assert!(holds(&served, &session).await);
    }
    served.pass(20 * 60);
    assert!(!holds(&served, &session).await);
    let session = served.session("alice").await;
    served.pass(30 * 60 - 1);
    assert!(holds(&served, &session).await);
    served.pass(30 * 60);
    assert!(!holds(&served, &session).await);
    // A sign-in that is not finished ends after a quarter of an hour.
    served.token("alice", "+491712345670").await;
    let (half, _) = served.half("alice").await;
    served.pass(15 * 60);
    let reply = served.user(&half, UserOp::Where).await.unwrap();
    assert_eq!(reply, PortalReply::SignedOut);
    // And nothing of all that stays.
    served.pass(24 * 3600);
    otpost_daemon::sweep::once(&served.daemon).await;
    for kind in ["portal-session", "verification"] {
        let left = served
            .daemon
            .read(move |read| read.documents(kind, None, 10))
            .await;
        assert_eq!(left.unwrap().len(), 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_sessions_are_listed_and_ended_one_by_one_or_all_but_this() {
    let served = Served::new().await;
    served.person("alice").await;
    let mut sessions = Vec::new();
    for from in [HERE, "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
        sessions.push(signed(served.ask(sign_in("alice", PASSWORD, from)).await.unwrap()).session);
        served.pass(1);
    }
    let list = served.home(&sessions[0]).await.sessions;
    assert_eq!(list.len(), 4);
    assert!(list[0].own && list[0].source == HERE && list[0].agent == "Firefox on Linux");
    assert!(list.iter().skip(1).all(|s| !s.own && s.portal == "Office VPN"));
    let second = list.iter().find(|s| s.source == "192.0.2.2").unwrap();
    let end = UserAct::EndSession {
        id: second.id.clone(),
    };
    assert_eq!(
        done(served.act(&sessions[0], end.clone()).await.unwrap()),
        "end-session"
    );
    assert!(!holds(&served, &sessions[1]).await);
    assert_eq!(code_of(served.act(&sessions[0], end).await), FaultCode::NotFound);
    let others = served.act(&sessions[0], UserAct::EndOtherSessions).await.unwrap();
    assert_eq!(done(others), "end-other-sessions");
    for (n, session) in sessions.iter().enumerate() {
        assert_eq!(holds(&served, session).await, n == 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_made_up_is_nobodys() {
    let served = Served::new().await;
    served.person("alice").await;
    let real = served.session("alice").await;
    let mut near = real.expose().to_owned();
    near.pop();
    for cookie in [near.as_str(), "", "x", &"A".repeat(43)] {
        for op in [UserOp::Home, UserOp::Where] {
            let reply = served.user(&cookie.into(), op).await.unwrap();
            assert_eq!(reply, PortalReply::SignedOut);
        }
        let out = served.user(&cookie.into(), UserOp::SignOut).await.unwrap();
        assert_eq!(done(out), "signed-out");
    }
    // The store keeps no cookie, sealed or not.
    let rows = served
        .daemon
        .read(|read| read.documents("portal-session", None, 10))
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let body = String::from_utf8_lossy(&rows[0].body).into_owned();
    assert!(!body.contains(real.expose()));
}
