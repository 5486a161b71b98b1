//! Looking for users, tokens and audit rows.

use std::time::Duration;

use otpost_core::ids::UserId;
use otpost_core::name::LoginName;
use otpost_core::user::{Profile, User};
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, AuditFilter, AuditView, UserAdd};

use super::common::Served;
use super::{countries, now, refused};

fn find(search: &str, resource: Option<&str>, state: Option<&str>) -> AdminOp {
    AdminOp::UserFind {
        search: search.to_owned(),
        resource: resource.map(str::to_owned),
        state: state.map(str::to_owned),
        after: None,
        limit: 200,
    }
}

/// All pages, with how many there were.
async fn all(served: &Served, op: AdminOp) -> (Vec<String>, usize) {
    let AdminOp::UserFind {
        search,
        resource,
        state,
        limit,
        ..
    } = op
    else {
        panic!()
    };
    let (mut logins, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let op = AdminOp::UserFind {
            search: search.clone(),
            resource: resource.clone(),
            state: state.clone(),
            after,
            limit,
        };
        let AdminReply::Users {
            users,
            more,
            after: next,
        } = served.ctl(op).await.unwrap()
        else {
            panic!()
        };
        pages += 1;
        logins.extend(users.into_iter().map(|user| user.login));
        if !more {
            return (logins, pages);
        }
        assert!(next.is_some(), "a page with more says where to go on");
        after = next;
    }
}

async fn logins(served: &Served, op: AdminOp) -> Vec<String> {
    all(served, op).await.0
}

async fn people(served: &Served) {
    served.resource("vpn").await;
    served.resource("mail").await;
    for (login, first, last, email, password, resources) in [
        (
            "anna",
            "Anna",
            "Berg",
            Some("anna@example.com"),
            None,
            &["vpn"][..],
        ),
        (
            "bert",
            "Bert",
            "Ångström",
            None,
            Some("geheim-42"),
            &["vpn", "mail"],
        ),
        ("cleo", "", "", None, None, &["mail"]),
    ] {
        served
            .ctl(AdminOp::UserAdd(UserAdd {
                login: login.to_owned(),
                first_name: first.to_owned(),
                last_name: last.to_owned(),
                email: email.map(str::to_owned),
                password: password.map(Into::into),
                resources: resources.iter().map(|name| (*name).to_owned()).collect(),
                ..UserAdd::default()
            }))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn users_are_found_by_login_names_and_address() {
    let served = Served::new().await;
    people(&served).await;
    for (search, wanted) in [
        ("", &["anna", "bert", "cleo"][..]),
        ("NN", &["anna"]),
        ("berg", &["anna"]),
        ("anna berg", &["anna"]),
        ("ångs", &["bert"]),
        ("@EXAMPLE", &["anna"]),
        ("nobody", &[]),
    ] {
        assert_eq!(
            logins(&served, find(search, None, None)).await,
            wanted,
            "{search}"
        );
    }
    assert_eq!(
        logins(&served, find("", Some("mail"), None)).await,
        ["bert", "cleo"]
    );
    assert_eq!(
        refused(served.ctl(find("", Some("nowhere"), None)).await).0,
        FaultCode::NotFound
    );
    assert_eq!(
        refused(served.ctl(find("", None, Some("tall"))).await).0,
        FaultCode::Invalid
    );
}

#[tokio::test]
async fn users_are_found_by_state() {
    let served = Served::new().await;
    people(&served).await;
    countries(&served).await;
    let user = |user: &str| user.to_owned();
    served
        .ctl(AdminOp::UserLock {
            user: user("anna"),
            why: "left".to_owned(),
        })
        .await
        .unwrap();
    served
        .ctl(AdminOp::UserBypass {
            user: user("bert"),
            seconds: 60,
        })
        .await
        .unwrap();
    served
        .ctl(AdminOp::TokenAdd {
            user: user("bert"),
            phone: "+491712345678".into(),
            name: String::new(),
            digits: None,
            resources: vec!["vpn".to_owned()],
        })
        .await
        .unwrap();
    let state = |state| find("", None, Some(state));
    assert_eq!(logins(&served, state("locked")).await, ["anna"]);
    assert_eq!(logins(&served, state("bypassed")).await, ["bert"]);
    assert_eq!(logins(&served, state("no-token")).await, ["anna", "cleo"]);
    assert_eq!(
        logins(&served, find("", Some("mail"), Some("no-token"))).await,
        ["bert", "cleo"]
    );
    assert_eq!(
        logins(&served, state("no-way-in")).await,
        ["anna", "cleo"],
        "no mail leaves yet"
    );
    served.pass(Duration::from_secs(61));
    assert!(logins(&served, state("bypassed")).await.is_empty());
}

/// Users that a test needs many of.
async fn many(served: &Served, count: u32) {
    let made = now(served);
    for first in (0..count).step_by(5000) {
        served
            .daemon
            .write(move |tx| {
                for n in first..count.min(first + 5000) {
                    let mut id = [0; 16];
                    id[..4].copy_from_slice(&n.to_be_bytes());
                    let name = LoginName::parse(&format!("user-{n:06}")).unwrap();
                    tx.put_user(&User {
                        id: UserId(id),
                        login: name.to_string(),
                        name,
                        aliases: Vec::new(),
                        email: None,
                        password: None,
                        locked: None,
                        bypass_until: None,
                        resources: Vec::new(),
                        profile: Profile {
                            last_name: if n == count - 1 { "Rarely" } else { "Often" }.to_owned(),
                            ..Profile::default()
                        },
                        created: made,
                    })?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_request_looks_at_so_many_users_and_says_where_to_go_on() {
    let served = Served::new().await;
    many(&served, 25_000).await;
    // Names are found among any number at once; a state has to be looked at person by person.
    let (found, pages) = all(&served, find("rarely", None, None)).await;
    assert_eq!((found, pages), (vec!["user-024999".to_owned()], 1));
    served
        .daemon
        .write(|tx| {
            let name = LoginName::parse("user-024998").unwrap();
            let user = tx.user_by_name(&name)?.unwrap();
            tx.put_user(&User {
                locked: Some("left".to_owned()),
                ..user
            })
        })
        .await
        .unwrap();
    let (found, pages) = all(&served, find("", None, Some("locked"))).await;
    assert_eq!((found, pages), (vec!["user-024998".to_owned()], 3));
    // Full pages neither lose nor repeat anybody.
    let few = AdminOp::UserFind {
        search: "user-0001".to_owned(),
        resource: None,
        state: None,
        after: None,
        limit: 7,
    };
    let (found, _) = all(&served, few).await;
    let wanted: Vec<String> = (100..200).map(|n| format!("user-{n:06}")).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn tokens_are_found_by_owner() {
    let served = Served::new().await;
    people(&served).await;
    countries(&served).await;
    for (user, phone, resource) in [
        ("anna", "+491712345678", "vpn"),
        ("bert", "+491712345679", "vpn"),
        ("bert", "+491712345680", "mail"),
        ("cleo", "+491712345681", "mail"),
    ] {
        served
            .ctl(AdminOp::TokenAdd {
                user: user.to_owned(),
                phone: phone.into(),
                name: String::new(),
                digits: None,
                resources: vec![resource.to_owned()],
            })
            .await
            .unwrap();
    }
    let ask = |search: &str, resource: Option<&str>, after: Option<String>, limit| AdminOp::TokenFind {
        search: search.to_owned(),
        resource: resource.map(str::to_owned),
        after,
        limit,
    };
    let found = async |op| match served.ctl(op).await.unwrap() {
        AdminReply::TokensFound { tokens, after } => {
            (tokens.into_iter().map(|t| t.user).collect::<Vec<_>>(), after)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        found(ask("", None, None, 200)).await.0,
        ["anna", "bert", "bert", "cleo"]
    );
    assert_eq!(found(ask("ER", None, None, 200)).await.0, ["bert", "bert"]);
    assert_eq!(
        found(ask("", Some("mail"), None, 200)).await,
        (vec!["bert".to_owned(), "cleo".to_owned()], None)
    );
    let (first, after) = found(ask("", None, None, 2)).await;
    assert_eq!(first.len(), 3, "all of an owner, or none");
    assert_eq!(
        found(ask("", None, after, 2)).await,
        (vec!["cleo".to_owned()], None)
    );
}

/// What a place in a list would tell whoever can read it.
fn readable(place: &str) -> String {
    let octets = data_encoding::BASE64URL_NOPAD.decode(place.as_bytes());
    let octets = octets.unwrap_or_default();
    format!("{place} {}", String::from_utf8_lossy(&octets))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_list_goes_on_names_nobody_outside_of_the_scope() {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.resource("mail").await;
    countries(&served).await;
    served.owner().await;
    // The last page ends among more users than one request looks at.
    many(&served, 12_000).await;
    let people = [
        ("anna", "vpn"),
        ("hidden", "mail"),
        ("ines", "vpn"),
        ("secret-with-a-long-name", "mail"),
        ("zoe", "vpn"),
    ];
    for (n, (login, resource)) in people.into_iter().enumerate() {
        served.user(login, &[resource]).await;
        served
            .ctl(AdminOp::TokenAdd {
                user: login.to_owned(),
                phone: format!("+4917123456{n:02}").into(),
                name: String::new(),
                digits: None,
                resources: vec![resource.to_owned()],
            })
            .await
            .unwrap();
    }
    let hans = served.administrator("hans", "admin", &["vpn"]).await;
    let session = served.session(&hans).await;
    let (mut places, mut users, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let op = AdminOp::UserFind {
            search: String::new(),
            resource: None,
            state: None,
            after,
            limit: 1,
        };
        let AdminReply::Users {
            users: page,
            more,
            after: next,
        } = served.by_console(&session, op).await.unwrap()
        else {
            panic!()
        };
        users.extend(page.into_iter().map(|user| user.login));
        assert_eq!(more, next.is_some());
        places.extend(next.clone());
        after = next;
        if !more {
            break;
        }
    }
    let mut after = None;
    loop {
        let op = AdminOp::TokenFind {
            search: String::new(),
            resource: None,
            after,
            limit: 1,
        };
        let AdminReply::TokensFound { tokens, after: next } = served.by_console(&session, op).await.unwrap()
        else {
            panic!()
        };
        owners.extend(tokens.into_iter().map(|token| token.user));
        places.extend(next.clone());
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        (&users, &owners),
        (
            &vec!["anna".to_owned(), "ines".to_owned(), "zoe".to_owned()],
            &users
        )
    );
    // Behind `hidden`, and behind the last of those that were looked at: of users, and of tokens.
    assert_eq!(places.len(), 4, "{places:?}");
    let length = places[0].len();
    for place in &places {
        let said = readable(place);
        assert!(
            !["hidden", "secret", "user-"]
                .iter()
                .any(|name| said.contains(name)),
            "{said}"
        );
        assert_eq!(place.len(), length, "nor how long a name is");
    }
    // Nobody makes a place up.
    for made_up in ["user-000100", "", "AAAA"] {
        let op = AdminOp::TokenFind {
            search: String::new(),
            resource: None,
            after: Some(made_up.to_owned()),
            limit: 1,
        };
        assert_eq!(
            refused(served.by_console(&session, op).await).0,
            FaultCode::Invalid
        );
    }
}

async fn audit(served: &Served, filter: AuditFilter, limit: u32) -> Vec<AuditView> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let op = AdminOp::AuditFind {
            filter: filter.clone(),
            before,
            limit,
        };
        let AdminReply::AuditFound { rows, before: next } = served.ctl(op).await.unwrap() else {
            panic!()
        };
        all.extend(rows);
        if next.is_none() {
            return all;
        }
        assert!(next < before || before.is_none(), "each page goes back");
        before = next;
    }
}

#[tokio::test]
async fn audit_rows_are_found_newest_first() {
    let served = Served::new().await;
    people(&served).await;
    let early = now(&served).0;
    for day in 0..5 {
        served.pass(Duration::from_secs(24 * 3600));
        for user in ["anna", "bert"] {
            let why = format!("day {day}");
            served
                .ctl(AdminOp::UserLock {
                    user: user.to_owned(),
                    why,
                })
                .await
                .unwrap();
        }
    }
    let any = AuditFilter::default;
    let every = audit(&served, any(), 3).await;
    let seqs: Vec<u64> = every.iter().map(|row| row.seq).collect();
    let last = seqs[0];
    assert_eq!(
        seqs,
        (1..=last).rev().collect::<Vec<_>>(),
        "none left out, none twice"
    );
    let locks = audit(
        &served,
        AuditFilter {
            kind: "admin.user-lock".to_owned(),
            ..any()
        },
        2,
    )
    .await;
    assert_eq!(locks.len(), 10);
    let own = AuditFilter {
        user: "CORP\\Anna".to_owned(),
        kind: "admin.user-l".to_owned(),
        ..any()
    };
    let own = audit(&served, own, 200).await;
    assert_eq!(own.len(), 5);
    assert_eq!(own[0].detail, "day 4");
    let one = AuditFilter {
        reference: own[2].reference.to_lowercase(),
        ..any()
    };
    assert_eq!(audit(&served, one, 200).await, [own[2].clone()]);
    let day = 24 * 3600 * 1000;
    let middle = AuditFilter {
        kind: "admin.user-lock".to_owned(),
        from: early + 2 * day,
        until: early + 4 * day,
        ..any()
    };
    let days: Vec<String> = audit(&served, middle, 200)
        .await
        .into_iter()
        .map(|row| row.detail)
        .collect();
    assert_eq!(days, ["day 2", "day 2", "day 1", "day 1"]);
    let none = AuditFilter {
        reason: "code".to_owned(),
        ..any()
    };
    assert!(audit(&served, none, 200).await.is_empty());
    let resource = AuditFilter {
        resource: "VPN".to_owned(),
        ..any()
    };
    assert_eq!(audit(&served, resource, 200).await.len(), 1);
}
