//! What a limited scope sees: lists, rows and names are cut to it.

use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings, SmsPolicySet};
use otpost_ipc::radius::MessageAuthenticator;

use crate::common::{Served, code_of};

fn client(name: &str, network: &str, resource: &str) -> AdminOp {
    AdminOp::RadiusClientAdd {
        name: name.to_owned(),
        networks: vec![network.to_owned()],
        resource: resource.to_owned(),
        secret: None,
        weak_secret: false,
        message_authenticator: MessageAuthenticator::Require,
        first_factor: None,
        set: otpost_ipc::admin::ClientSet::default(),
    }
}

/// Two resources, a person on each side, one on both and one on neither.
async fn scene() -> Served {
    let served = Served::new().await;
    served.resource("inner").await;
    served.resource("outer").await;
    served
        .ctl(AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(vec!["DE".to_owned()]),
            ..SmsPolicySet::default()
        }))
        .await
        .unwrap();
    for n in 0..30 {
        served.user(&format!("a{n:02}"), &["outer"]).await;
    }
    served.user("both", &["inner", "outer"]).await;
    served.user("in", &["inner"]).await;
    served.user("none", &[]).await;
    served.user("out", &["outer"]).await;
    for (user, phone, resources) in [
        ("both", "+491712345671", vec!["inner"]),
        ("both", "+491712345672", vec!["outer"]),
    ] {
        served
            .ctl(AdminOp::TokenAdd {
                user: user.to_owned(),
                phone: phone.into(),
                name: String::new(),
                digits: None,
                resources: resources.into_iter().map(str::to_owned).collect(),
            })
            .await
            .unwrap();
    }
    served
        .ctl(client("inner-vpn", "192.0.2.0/28", "inner"))
        .await
        .unwrap();
    served
        .ctl(client("outer-vpn", "198.51.100.0/24", "outer"))
        .await
        .unwrap();
    let _ = served.owner().await;
    served
}

fn logins(reply: AdminReply) -> (Vec<String>, bool) {
    match reply {
        AdminReply::Users { users, more, .. } => (users.into_iter().map(|user| user.login).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_cut() {
    let served = scene().await;
    let hans = served.administrator("hans", "admin", &["inner"]).await;
    let session = served.session(&hans).await;
    let ask = async |op| served.by_console(&session, op).await.unwrap();
    let list = |after: Option<&str>, limit| AdminOp::UserList {
        search: String::new(),
        after: after.map(str::to_owned),
        limit,
    };
    // A page is full although most of the users before it are not seen.
    assert_eq!(
        logins(ask(list(None, 10)).await),
        (vec!["both".to_owned(), "in".to_owned()], false)
    );
    assert_eq!(logins(ask(list(None, 1)).await), (vec!["both".to_owned()], true));
    assert_eq!(
        logins(ask(list(Some("both"), 1)).await),
        (vec!["in".to_owned()], false)
    );

    match ask(AdminOp::UserShow {
        user: "both".to_owned(),
    })
    .await
    {
        AdminReply::User(user) => {
            assert_eq!(user.resources, ["inner"]);
            assert_eq!(user.tokens.len(), 1);
            assert_eq!(user.tokens[0].resources, ["inner"]);
        }
        other => panic!("{other:?}"),
    }
    match ask(AdminOp::TokenList {
        user: "both".to_owned(),
    })
    .await
    {
        AdminReply::Tokens { tokens } => assert_eq!(tokens.len(), 1),
        other => panic!("{other:?}"),
    }
    match ask(AdminOp::ResourceList { after: None }).await {
        AdminReply::Resources { resources, .. } => {
            let names: Vec<_> = resources.iter().map(|r| r.name.as_str()).collect();
            assert_eq!(names, ["inner"]);
        }
        other => panic!("{other:?}"),
    }
    match ask(AdminOp::RadiusClientList { after: None }).await {
        AdminReply::Clients { clients, .. } => {
            let names: Vec<_> = clients.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names, ["inner-vpn"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_cut() {
    let served = scene().await;
    let hans = served.administrator("hans", "helpdesk", &["inner"]).await;
    let session = served.session(&hans).await;
    for user in ["in", "out", "none"] {
        let user = user.to_owned();
        served.ctl(AdminOp::UserUnlock { user }).await.unwrap();
    }
    let tail = |after, limit| AdminOp::AuditTail { after, limit };
    let rows = async |op| match served.by_console(&session, op).await.unwrap() {
        AdminReply::Audit { rows } => rows,
        other => panic!("{other:?}"),
    };
    let seen = rows(tail(None, 200)).await;
    assert!(!seen.is_empty());
    for row in &seen {
        assert_ne!(row.resource, "outer", "{row:?}");
        assert!(["", "in", "both"].contains(&row.user.as_str()), "{row:?}");
        assert!(row.resource == "inner" || !row.user.is_empty(), "{row:?}");
    }
    assert!(
        seen.iter()
            .any(|row| row.kind == "admin.user-unlock" && row.user == "in")
    );
    // Newest first where there is no start, and on from a position.
    let newest = rows(tail(None, 2)).await;
    assert_eq!(newest[..], seen[seen.len() - 2..]);
    let from = rows(tail(Some(seen[0].seq), 2)).await;
    assert_eq!(from[..], seen[1..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_reach_no_further() {
    let served = scene().await;
    let hans = served.administrator("hans", "admin", &["inner"]).await;
    let session = served.session(&hans).await;
    let ask = async |op| served.by_console(&session, op).await;
    let user = |user: &str| user.to_owned();
    assert!(
        ask(AdminOp::UserLock {
            user: user("both"),
            why: String::new()
        })
        .await
        .is_ok()
    );
    for op in [
        AdminOp::UserRemove { user: user("both") },
        AdminOp::UserBypass {
            user: user("both"),
            seconds: 60,
        },
        AdminOp::UserUnbind {
            user: user("both"),
            resource: "outer".to_owned(),
        },
        AdminOp::UserLock {
            user: user("out"),
            why: String::new(),
        },
        AdminOp::UserLock {
            user: user("none"),
            why: String::new(),
        },
        AdminOp::SmsProviderList,
        AdminOp::AuditVerify,
        // An address out of somebody else's network.
        client("thief", "198.51.100.7/32", "inner"),
        client("thief", "198.51.0.0/16", "inner"),
    ] {
        assert_eq!(code_of(ask(op).await), FaultCode::Forbidden);
    }
    assert!(ask(client("second", "192.0.2.16/28", "inner")).await.is_ok());
    let rename = AdminOp::ResourceSet {
        name: "inner".to_owned(),
        set: ResourceSettings {
            name: Some("Inner VPN".to_owned()),
            ..ResourceSettings::default()
        },
    };
    assert!(ask(rename).await.is_ok());
    // The scope is of the resource, not of its name.
    assert!(
        ask(AdminOp::ResourceShow {
            name: "Inner VPN".to_owned()
        })
        .await
        .is_ok()
    );
    let rows = served.audit().await;
    let denied: Vec<_> = rows.iter().filter(|row| row.kind == "console.denied").collect();
    // The networks are refused by the act itself.
    assert_eq!(denied.len(), 7);
    assert!(
        denied
            .iter()
            .all(|row| row.via == "console hans" && !row.detail.is_empty())
    );
}
