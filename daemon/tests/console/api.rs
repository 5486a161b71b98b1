//! Keys of the REST API, and who did what in the audit log.

use std::time::Duration;

use otpost_ipc::admin::{AdminOp, AdminReply, AdminSet, ApiKeyView};
use otpost_ipc::portal::{PortalOp, PortalReply};
use otpost_ipc::{Fault, FaultCode, Secret};

use crate::common::{Account, Served, browser, code_of, refused};

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

/// Two owners, of whom `lena` makes keys, and what was asked of a key.
struct Makers {
    served: Served,
    lena: Account,
}

impl Makers {
    async fn new() -> Self {
        let served = Served::new().await;
        served.owner().await;
        let lena = served.administrator("lena", "owner", &[]).await;
        served.resource("vpn").await;
        served.resource("wiki").await;
        served.user("alice", &["vpn"]).await;
        served.user("bob", &["wiki"]).await;
        Self { served, lena }
    }

    /// A key of lena's.
    async fn key(&self, name: &str, role: &str) -> Secret {
        let session = self.served.session(&self.lena).await;
        made(
            self.served
                .by_console(&session, key_add(name, role, &[], None))
                .await
                .unwrap(),
        )
        .1
    }

    async fn set(&self, set: AdminSet) {
        let login = self.lena.login.clone();
        self.served
            .ctl(AdminOp::AdminSet(AdminSet { login, ..set }))
            .await
            .unwrap();
    }

    async fn works(&self, key: &Secret) -> bool {
        let reply = api(&self.served, key, AdminOp::Status).await.unwrap();
        matches!(reply, PortalReply::Admin { .. })
    }

    /// Refused as a key that nobody knows, and why the audit log says so.
    async fn why_not(&self, key: &Secret) -> (String, String, String) {
        let before = self.served.audit().await.len();
        let reply = api(&self.served, key, AdminOp::Status).await.unwrap();
        assert_eq!(refused(reply), None);
        let rows = self.served.audit().await;
        assert_eq!(rows.len(), before + 1);
        let row = rows.last().unwrap();
        assert_eq!(row.kind, "console.denied");
        (row.reason.clone(), row.via.clone(), row.detail.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_with_the_one_who_made_it() {
    let makers = Makers::new().await;
    let key = makers.key("sync", "admin").await;
    assert!(makers.works(&key).await);
    let locked = |locked| AdminSet {
        locked: Some(locked),
        ..AdminSet::default()
    };
    makers.set(locked(true)).await;
    assert_eq!(
        makers.why_not(&key).await,
        (
            "key-maker-locked".to_owned(),
            "console api sync".to_owned(),
            "the API key sync was made by console lena, who is locked".to_owned()
        )
    );
    makers.set(locked(false)).await;
    assert!(makers.works(&key).await);
    // Whoever has to set everything up anew may do nothing meanwhile.
    let login = makers.lena.login.clone();
    makers
        .served
        .ctl(AdminOp::AdminReset { login: login.clone() })
        .await
        .unwrap();
    assert_eq!(makers.why_not(&key).await.0, "key-maker-not-set-up");
    makers
        .served
        .ctl(AdminOp::AdminRemove { login: login.clone() })
        .await
        .unwrap();
    assert_eq!(makers.why_not(&key).await.0, "key-maker-removed");
    // Somebody else of the name is somebody else.
    makers.served.administrator(&login, "owner", &[]).await;
    assert_eq!(makers.why_not(&key).await.0, "key-maker-removed");
    // What was made on the host itself hangs on no administrator.
    let (_, local) = made(
        makers
            .served
            .ctl(key_add("local", "admin", &[], None))
            .await
            .unwrap(),
    );
    assert!(makers.works(&local).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_no_more_than_the_one_who_made_it() {
    let makers = Makers::new().await;
    let key = makers.key("sync", "owner").await;
    let ask = async |op| api(&makers.served, &key, op).await;
    let show = |user: &str| AdminOp::UserShow {
        user: user.to_owned(),
    };
    let unlock = |user: &str| AdminOp::UserUnlock {
        user: user.to_owned(),
    };
    let remove = |user: &str| AdminOp::UserRemove {
        user: user.to_owned(),
    };
    for op in [AdminOp::ApiKeyList, show("bob")] {
        assert!(ask(op).await.is_ok());
    }
    makers
        .set(AdminSet {
            role: Some("helpdesk".to_owned()),
            resources: Some(vec!["vpn".to_owned()]),
            ..AdminSet::default()
        })
        .await;
    for op in [show("alice"), unlock("alice")] {
        assert!(ask(op).await.is_ok());
    }
    for op in [AdminOp::ApiKeyList, remove("alice"), show("bob"), unlock("bob")] {
        assert_eq!(code_of(ask(op).await), FaultCode::Forbidden);
    }
    makers
        .set(AdminSet {
            role: Some("owner".to_owned()),
            ..AdminSet::default()
        })
        .await;
    for op in [AdminOp::ApiKeyList, show("bob"), remove("alice")] {
        assert!(ask(op).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_with_a_key_hangs_on_both() {
    let makers = Makers::new().await;
    let first = makers.key("first", "owner").await;
    let more = async |key: &Secret, name: &str| {
        let reply = api(&makers.served, key, key_add(name, "admin", &[], None)).await;
        match reply.unwrap() {
            PortalReply::Admin { reply } => made(*reply).1,
            other => panic!("{other:?}"),
        }
    };
    let second = more(&first, "second").await;
    assert!(makers.works(&second).await);
    makers
        .set(AdminSet {
            locked: Some(true),
            ..AdminSet::default()
        })
        .await;
    assert_eq!(makers.why_not(&second).await.0, "key-maker-locked");
    makers
        .set(AdminSet {
            locked: Some(false),
            ..AdminSet::default()
        })
        .await;
    assert!(makers.works(&second).await);
    let name = "first".to_owned();
    makers.served.ctl(AdminOp::ApiKeyRemove { name }).await.unwrap();
    let (reason, _, detail) = makers.why_not(&second).await;
    assert_eq!(reason, "key-maker-removed");
    assert!(
        detail.starts_with("the API key second was made by api first, "),
        "{detail}"
    );
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
