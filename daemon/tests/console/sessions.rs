//! Sessions end, by time and by what is done to their administrator; what administrators do with their own account.

use std::time::Duration;

use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, AdminSet};
use otpost_ipc::portal::{ConsoleOp, PortalOp, PortalReply};

use crate::common::{
    PASSWORD, Served, WRONG, code_of, in_link, recovery_code, refused, sign_in, signed, totp_code, wrong,
};

const HERE: &str = "192.0.2.1";

async fn holds(served: &Served, session: &otpost_ipc::Secret) -> bool {
    matches!(
        served.console(session, ConsoleOp::Account).await,
        PortalReply::Account { .. }
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_longest_life() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let session = served.session(&owner).await;
    served.pass(Duration::from_secs(14 * 60));
    assert!(holds(&served, &session).await);
    served.pass(Duration::from_secs(14 * 60));
    assert!(holds(&served, &session).await, "use makes it last");
    served.pass(Duration::from_secs(16 * 60));
    assert!(!holds(&served, &session).await);

    let session = served.session(&owner).await;
    for _ in 0..47 {
        served.pass(Duration::from_secs(10 * 60));
        assert!(holds(&served, &session).await);
    }
    served.pass(Duration::from_secs(10 * 60));
    assert!(!holds(&served, &session).await, "eight hours are all");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_this_one_and_the_others_when_asked() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let (a, b, c) = (
        served.session(&owner).await,
        served.session(&owner).await,
        served.session(&owner).await,
    );
    match served.console(&a, ConsoleOp::Account).await {
        PortalReply::Account { sessions, .. } => {
            assert_eq!(sessions.len(), 3);
            assert!(sessions[0].own && !sessions[1].own);
            assert_eq!(
                (sessions[0].agent.as_str(), sessions[0].source.as_str()),
                ("Firefox on Linux", HERE)
            );
        }
        other => panic!("{other:?}"),
    }
    served.console(&a, ConsoleOp::SignOut).await;
    assert!(!holds(&served, &a).await);
    assert!(holds(&served, &b).await && holds(&served, &c).await);
    served.console(&b, ConsoleOp::EndOtherSessions).await;
    assert!(holds(&served, &b).await && !holds(&served, &c).await);
    // Nothing to sign out of is no error.
    assert!(matches!(
        served.console(&"no session".into(), ConsoleOp::SignOut).await,
        PortalReply::Done { .. }
    ));
    assert_eq!(
        served
            .console(&"no session".into(), ConsoleOp::EndOtherSessions)
            .await,
        PortalReply::SignedOut
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_locked_reset_or_removed_has_no_session() {
    let served = Served::new().await;
    let _owner = served.owner().await;
    for (n, what) in ["lock", "reset", "remove"].into_iter().enumerate() {
        let account = served.administrator(&format!("lena{n}"), "admin", &[]).await;
        let login = account.login.clone();
        let full = served.session(&account).await;
        let half = served.password(&account, HERE).await;
        assert!(holds(&served, &full).await);
        let op = match what {
            "lock" => AdminOp::AdminSet(AdminSet {
                login,
                locked: Some(true),
                ..AdminSet::default()
            }),
            "reset" => AdminOp::AdminReset { login },
            _ => AdminOp::AdminRemove { login },
        };
        let reply = served.ctl(op).await.unwrap();
        assert!(!holds(&served, &full).await, "{what}");
        let code = served.shows(&account.app);
        assert_eq!(
            served.console(&half, totp_code(&code)).await,
            PortalReply::SignedOut,
            "{what}"
        );
        assert_eq!(
            refused(served.answer(sign_in(&account.login, PASSWORD, HERE)).await),
            None
        );
        if let AdminReply::AdminLink { link, .. } = reply {
            // App and recovery codes of before are gone with the password.
            let renewed = served.use_link(&in_link(&link), None).await;
            assert_ne!(renewed.app, account.app);
            let half = served.password(&renewed, HERE).await;
            wrong(served.console(&half, recovery_code(&account.codes[0])).await);
            served.session(&renewed).await;
        }
        if what == "lock" {
            served
                .ctl(AdminOp::AdminSet(AdminSet {
                    login: account.login.clone(),
                    locked: Some(false),
                    ..AdminSet::default()
                }))
                .await
                .unwrap();
            served.session(&account).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_with_the_old_one_and_a_code() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let (own, other) = (served.session(&owner).await, served.session(&owner).await);
    let ask = |current: &str, new: &str, code: otpost_ipc::Secret| ConsoleOp::Password {
        current: current.into(),
        new: new.into(),
        code,
    };
    const NEW: &str = "Admiral-Schmetterling_7";
    let code = served.shows(&owner.app);
    let (why, _) = wrong(served.console(&own, ask(WRONG, NEW, code.clone())).await);
    assert_eq!(why, "password");
    let bad = served.wrong_code(&owner.app);
    let (why, _) = wrong(served.console(&own, ask(PASSWORD, NEW, bad)).await);
    assert_eq!(why, "wrong");
    let short = PortalOp::Console {
        session: own.clone(),
        ask: ask(PASSWORD, "eleven-char", code.clone()),
    };
    assert_eq!(code_of(served.ask(short).await), FaultCode::Invalid);
    assert!(holds(&served, &other).await);
    let done = served.console(&own, ask(PASSWORD, NEW, code)).await;
    assert!(matches!(done, PortalReply::Done { .. }));
    assert!(holds(&served, &own).await && !holds(&served, &other).await);
    assert_eq!(
        refused(served.answer(sign_in("mara", PASSWORD, HERE)).await),
        None
    );
    signed(served.answer(sign_in("mara", NEW, HERE)).await);
    assert_eq!(served.rows("console.password", "asked").await, 1);
    assert_eq!(served.rows("console.denied", "wrong-password").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_from_a_session_locks() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let own = served.session(&owner).await;
    for _ in 0..5 {
        let code = served.wrong_code(&owner.app);
        wrong(served.console(&own, ConsoleOp::RenewRecovery { code }).await);
    }
    let code = served.shows(&owner.app);
    let (why, _) = wrong(served.console(&own, ConsoleOp::RenewRecovery { code }).await);
    assert_eq!(why, "locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_recovery_codes_end_the_old_ones() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let own = served.session(&owner).await;
    let code = served.shows(&owner.app);
    let codes = match served.console(&own, ConsoleOp::RenewRecovery { code }).await {
        PortalReply::Codes { codes } => codes,
        other => panic!("{other:?}"),
    };
    assert_eq!(codes.len(), 10);
    let half = served.password(&owner, HERE).await;
    wrong(served.console(&half, recovery_code(&owner.codes[3])).await);
    signed(served.console(&half, recovery_code(&codes[3])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_is_swept() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let _full = served.session(&owner).await;
    let _half = served.password(&owner, HERE).await;
    let kinds = async || {
        let count = |read: &mut dyn otpost_store::Read| {
            let mut left = [0; 3];
            for (n, kind) in ["portal-session", "verification", "setup-link"]
                .into_iter()
                .enumerate()
            {
                left[n] = read.documents(kind, None, 100)?.len();
            }
            Ok(left)
        };
        served.daemon.read(count).await.unwrap()
    };
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
    otpost_daemon::sweep::once(&served.daemon).await;
    assert_eq!(kinds().await, [2, 1, 1]);
    served.pass(Duration::from_secs(24 * 3600));
    otpost_daemon::sweep::once(&served.daemon).await;
    assert_eq!(kinds().await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let session = served.session(&owner).await;
    let set = |change: &dyn Fn(&mut AdminSet)| {
        let mut set = AdminSet {
            login: "mara".to_owned(),
            ..AdminSet::default()
        };
        change(&mut set);
        AdminOp::AdminSet(set)
    };
    let demote = set(&|set| set.role = Some("admin".to_owned()));
    let lock = set(&|set| set.locked = Some(true));
    let remove = AdminOp::AdminRemove {
        login: "mara".to_owned(),
    };
    // One who never finished the set-up, or is locked, cannot take over.
    served
        .ctl(AdminOp::AdminAdd {
            login: "paul".to_owned(),
            shown: String::new(),
            email: None,
            role: "owner".to_owned(),
            resources: Vec::new(),
        })
        .await
        .unwrap();
    for op in [&demote, &lock, &remove] {
        assert_eq!(
            code_of(served.by_console(&session, op.clone()).await),
            FaultCode::Conflict
        );
        assert_eq!(code_of(served.ctl(op.clone()).await), FaultCode::Conflict);
    }
    let other = served.administrator("olga", "owner", &[]).await;
    served.ctl(demote).await.unwrap();
    // What they may do changes at once.
    assert_eq!(
        code_of(served.by_console(&session, AdminOp::AdminList).await),
        FaultCode::Forbidden
    );
    served.ctl(remove).await.unwrap();
    assert!(!holds(&served, &session).await);
    let remove = AdminOp::AdminRemove { login: other.login };
    assert_eq!(code_of(served.ctl(remove).await), FaultCode::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_are_checked() {
    let served = Served::new().await;
    let add = |login: &str, role: &str, resources: &[&str]| AdminOp::AdminAdd {
        login: login.to_owned(),
        shown: String::new(),
        email: None,
        role: role.to_owned(),
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
    };
    assert_eq!(
        code_of(served.ctl(add("hans", "helpdesk", &[])).await),
        FaultCode::Conflict
    );
    let _owner = served.owner().await;
    assert_eq!(
        code_of(served.ctl(add("Mara", "admin", &[])).await),
        FaultCode::Conflict
    );
    assert_eq!(
        code_of(served.ctl(add("hans", "chief", &[])).await),
        FaultCode::Invalid
    );
    assert_eq!(
        code_of(served.ctl(add("", "admin", &[])).await),
        FaultCode::Invalid
    );
    assert_eq!(
        code_of(served.ctl(add("hans", "admin", &["nothing"])).await),
        FaultCode::NotFound
    );
    served.resource("vpn").await;
    assert_eq!(
        code_of(served.ctl(add("hans", "owner", &["vpn"])).await),
        FaultCode::Invalid
    );
    let _ = served.administrator("hans", "helpdesk", &["vpn"]).await;
    match served.ctl(AdminOp::AdminList).await.unwrap() {
        AdminReply::Admins { admins } => {
            let rows: Vec<_> = admins
                .iter()
                .map(|a| (a.login.as_str(), a.role.as_str(), a.resources.clone(), a.pending))
                .collect();
            assert_eq!(
                rows,
                [
                    ("hans", "helpdesk", vec!["vpn".to_owned()], false),
                    ("mara", "owner", vec![], false)
                ]
            );
            assert!(admins[0].seen.is_some());
        }
        other => panic!("{other:?}"),
    }
    let nobody = AdminOp::AdminReset {
        login: "nobody".to_owned(),
    };
    assert_eq!(code_of(served.ctl(nobody).await), FaultCode::NotFound);
}
