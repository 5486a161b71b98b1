//! From no administrator to one.

use std::time::Duration;

use otpost_daemon::console::setup::first_run;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_ipc::portal::{ConsoleOp, PortalOp, PortalReply};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{PASSWORD, Served, code_of, in_link, sign_in, signed, wrong};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn a_link_makes_the_first_administrator_and_no_second() {
    let served = Served::new().await;
    let printed = first_run(&served.daemon).await.unwrap().unwrap();
    assert!(printed.address.starts_with("https://127.0.0.1:8444/setup/"));
    let link = in_link(&Secret::from(printed.address.as_str()));
    // 256 bits in base 64.
    assert_eq!(link.expose().len(), 43);
    let view = served.setup(&link).await.unwrap();
    assert_eq!(view.login, None);
    assert_eq!(view.expires_in, 24 * 3600);
    let again = served.setup(&link).await.unwrap();
    assert_eq!(
        again.totp.expose(),
        view.totp.expose(),
        "a page that is loaded again shows the same"
    );
    assert!(view.uri.expose().contains(view.totp.expose()));

    let signed = signed(served.answer(served.finish(&link, &view, Some("Mara"))).await);
    assert_eq!(signed.codes.len(), 10);
    assert_eq!(signed.max_age, 8 * 3600);
    match served.console(&signed.session, ConsoleOp::Account).await {
        PortalReply::Account {
            login,
            role,
            all,
            recovery_left,
            ..
        } => {
            assert_eq!(
                (login.as_str(), role.as_str(), all, recovery_left),
                ("mara", "owner", true, 10)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(code_of(served.setup(&link).await), FaultCode::NotFound);
    assert_eq!(code_of(served.ctl(AdminOp::SetupLink).await), FaultCode::Conflict);
    assert!(first_run(&served.daemon).await.unwrap().is_none());
    assert_eq!(served.rows("console.set-up", "link").await, 1);
    // No word of the link in any file: only its hash is kept, and the database's pages hold no plain text of it.
    for entry in std::fs::read_dir(served.files()).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            let octets = std::fs::read(entry.path()).unwrap();
            let secret = link.expose().as_bytes();
            assert!(
                !octets.windows(secret.len()).any(|w| w == secret),
                "{:?}",
                entry.path()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_make_one_administrator() {
    let served = Served::new().await;
    let link = served.first_link().await;
    let view = served.setup(&link).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..64 {
        let portal = served.portal.clone();
        let op = served.finish(&link, &view, Some(&format!("admin{n}")));
        tries.spawn(async move { portal.call(op).await.is_ok() });
    }
    let made = tries.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
    match served.ctl(AdminOp::AdminList).await.unwrap() {
        AdminReply::Admins { admins } => assert_eq!(admins.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_by_time_and_by_the_next_one() {
    let served = Served::new().await;
    let first = served.first_link().await;
    let second = served.first_link().await;
    assert_eq!(code_of(served.setup(&first).await), FaultCode::NotFound);
    assert!(served.setup(&second).await.is_ok());
    let served = served.restart().await;
    assert!(
        served.setup(&second).await.is_ok(),
        "a restart of the library alone ends no link"
    );
    served.pass(DAY);
    assert_eq!(code_of(served.setup(&second).await), FaultCode::NotFound);
    let nonsense = Secret::from("nonsense");
    assert_eq!(code_of(served.setup(&nonsense).await), FaultCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_checked_before_anything_is_made() {
    let served = Served::new().await;
    let link = served.first_link().await;
    let view = served.setup(&link).await.unwrap();
    let with = |change: &dyn Fn(&mut Secret, &mut Secret, &mut Option<String>, &mut Secret)| {
        let mut op = served.finish(&link, &view, Some("mara"));
        if let PortalOp::SetupFinish {
            login,
            password,
            totp,
            code,
            ..
        } = &mut op
        {
            change(password, totp, login, code);
        }
        op
    };
    for bad in ["", "eleven-char", &"x".repeat(129)] {
        let op = with(&|password, _, _, _| *password = bad.into());
        assert_eq!(code_of(served.ask(op).await), FaultCode::Invalid);
    }
    for bad in [None, Some(String::new()), Some("a b".to_owned())] {
        let op = with(&|_, _, login, _| login.clone_from(&bad));
        assert_eq!(code_of(served.ask(op).await), FaultCode::Invalid);
    }
    // An app of somebody else's choice.
    let own = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let op = with(&|_, totp, _, code| {
        *totp = own.into();
        *code = served.shows(own);
    });
    assert_eq!(code_of(served.ask(op).await), FaultCode::Invalid);
    for (typed, why) in [
        (served.wrong_code(view.totp.expose()), "wrong"),
        ("12345".into(), "too-few"),
        ("1234567".into(), "too-many-digits"),
        ("abcdef".into(), "not-digits"),
    ] {
        let op = with(&|_, _, _, code| *code = typed.clone());
        assert_eq!(wrong(served.answer(op).await).0, why);
    }
    match served.ctl(AdminOp::AdminList).await.unwrap() {
        AdminReply::Admins { admins } => assert!(admins.is_empty()),
        other => panic!("{other:?}"),
    }
    // The link is still good, and there is no other way in: no default password.
    let refused = served.answer(sign_in("admin", PASSWORD, "192.0.2.1")).await;
    assert!(matches!(refused, PortalReply::Refused { .. }));
    let account = served.use_link(&link, Some("mara")).await;
    served.session(&account).await;
}
