//! Keys of the REST API, and who did what in the audit log.

use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply, ApiKeyView};
use otpost_ipc::portal::{PortalOp, PortalReply};
use otpost_ipc::{Fault, FaultCode, Secret};

use crate::common::{Served, browser, code_of, refused};

fn key_add(name: &str, role: &str, resources: &[&str], days: Option<u32>) -> AdminOp {
    AdminOp::ApiKeyAdd {
        name: name.to_owned(),
        role: role.to_owned(),
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
        days,
    }
}

fn made(reply: AdminReply) -> (ApiKeyView, Secret) {
    match reply {
        AdminReply::ApiKeySecret { key, secret } => (key, secret),
        other => panic!("{other:?}"),
    }
}

async fn api(served: &Served, key: &Secret, admin: AdminOp) -> Result<PortalReply, Fault> {
    served
        .ask(PortalOp::Api {
            key: key.clone(),
            admin: Box::new(admin),
            browser: browser("198.51.100.9"),
        })
        .await
}

async fn keys(served: &Served) -> Vec<ApiKeyView> {
    match served.ctl(AdminOp::ApiKeyList).await.unwrap() {
        AdminReply::ApiKeys { keys } => keys,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_works_until_it_ends_or_is_deleted() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let session = served.session(&owner).await;
    let (view, key) = made(
        served
            .by_console(&session, key_add("sync", "admin", &[], Some(2)))
            .await
            .unwrap(),
    );
    assert!(key.expose().starts_with("otpost_"));
    assert_eq!(key.expose().len(), "otpost_".len() + 43);
    assert_eq!((view.by.as_str(), view.used), ("console mara", None));
    let (_, forever) = made(
        served
            .ctl(key_add("forever", "helpdesk", &[], None))
            .await
            .unwrap(),
    );

    let lock = AdminOp::UserLock {
        user: "alice".to_owned(),
        why: "left".to_owned(),
    };
    served.resource("vpn").await;
    served.user("alice", &["vpn"]).await;
    assert!(matches!(
        api(&served, &key, lock).await.unwrap(),
        PortalReply::Admin { .. }
    ));
    let rows = served.audit().await;
    let last = rows.last().unwrap();
    assert_eq!(
        (last.kind.as_str(), last.via.as_str(), last.source.as_str()),
        ("admin.user-lock", "admin api sync", "198.51.100.9")
    );

    // The last use is exact to a minute.
    let first = keys(&served)
        .await
        .iter()
        .find(|k| k.name == "sync")
        .unwrap()
        .used
        .unwrap();
    served.pass(Duration::from_secs(59));
    api(&served, &key, AdminOp::Status).await.unwrap();
    assert_eq!(keys(&served).await[1].used, Some(first));
    served.pass(Duration::from_secs(1));
    api(&served, &key, AdminOp::Status).await.unwrap();
    assert_eq!(keys(&served).await[1].used, Some(first + 60_000));

    served.pass(Duration::from_secs(2 * 24 * 3600));
    assert_eq!(refused(api(&served, &key, AdminOp::Status).await.unwrap()), None);
    assert!(api(&served, &forever, AdminOp::Status).await.is_ok());
    let remove = AdminOp::ApiKeyRemove {
        name: "Forever".to_owned(),
    };
    served.ctl(remove.clone()).await.unwrap();
    assert_eq!(
        refused(api(&served, &forever, AdminOp::Status).await.unwrap()),
        None
    );
    assert_eq!(code_of(served.ctl(remove).await), FaultCode::NotFound);
    assert_eq!(served.rows("console.denied", "key").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_what_it_may_and_no_session_is_a_key() {
    let served = Served::new().await;
    let owner = served.owner().await;
    let session = served.session(&owner).await;
    served.resource("vpn").await;
    served.resource("wiki").await;
    served.user("alice", &["vpn"]).await;
    served.user("bob", &["wiki"]).await;
    let (_, key) = made(
        served
            .ctl(key_add("desk", "helpdesk", &["vpn"], None))
            .await
            .unwrap(),
    );
    let show = |user: &str| AdminOp::UserShow {
        user: user.to_owned(),
    };
    assert!(api(&served, &key, show("alice")).await.is_ok());
    for op in [
        show("bob"),
        show("nobody"),
        AdminOp::ApiKeyList,
        AdminOp::MailShow,
        key_add("more", "helpdesk", &["vpn"], None),
    ] {
        assert_eq!(code_of(api(&served, &key, op).await), FaultCode::Forbidden);
    }
    assert_eq!(served.rows("console.denied", "scope").await, 2);
    assert_eq!(served.rows("console.denied", "role").await, 3);
    assert_eq!(
        refused(api(&served, &session, AdminOp::Status).await.unwrap()),
        None
    );
    let reply = served.console(&key, otpost_ipc::portal::ConsoleOp::Account).await;
    assert_eq!(reply, PortalReply::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_checked() {
    let served = Served::new().await;
    served.resource("vpn").await;
    for (op, code) in [
        (key_add("", "admin", &[], None), FaultCode::Invalid),
        (key_add("a b", "admin", &[], None), FaultCode::Invalid),
        (key_add("a", "root", &[], None), FaultCode::Invalid),
        (key_add("a", "admin", &[], Some(0)), FaultCode::Invalid),
        (key_add("a", "admin", &[], Some(3651)), FaultCode::Invalid),
        (key_add("a", "owner", &["vpn"], None), FaultCode::Invalid),
        (key_add("a", "admin", &["nothing"], None), FaultCode::NotFound),
    ] {
        assert_eq!(code_of(served.ctl(op).await), code);
    }
    served.ctl(key_add("a", "admin", &[], None)).await.unwrap();
    assert_eq!(
        code_of(served.ctl(key_add("A", "admin", &[], None)).await),
        FaultCode::Conflict
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_keys_fills_no_log() {
    let served = Served::new().await;
    for n in 0..50 {
        let key = Secret::from(format!("otpost_{n}"));
        refused(api(&served, &key, AdminOp::Status).await.unwrap());
    }
    let rows = served.rows("console.denied", "key").await;
    assert!((1..=10).contains(&rows), "{rows}");
}
