//! Imports through the socket and the real store: ten thousand lines, atomic or not, and again.

use std::time::{Duration, Instant};

use otpost_core::ids::{PortalSessionId, ResourceId, UserId};
use otpost_core::mail::Notice;
use otpost_core::net::Source;
use otpost_core::portal::session::{LONGEST, PortalSession, Stage, Who, fingerprint};
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, ImportLine, ImportState, Status};
use otpost_store::document;

use super::common::{Served, until};
use super::people::mail_set;
use super::{countries, mails, refused, shown, stored};

const HEADER: &str = "login,email,phone,first-name,last-name,resource,token";

async fn state(served: &Served, op: AdminOp) -> ImportState {
    match served.ctl(op).await.unwrap() {
        AdminReply::Import(state) => state,
        other => panic!("{other:?}"),
    }
}

/// Hands a file in and waits for its plan.
async fn plan(served: &Served, text: &str) -> ImportState {
    let octets = text.as_bytes();
    let mut import = None;
    let mut start = 0;
    loop {
        let mut end = (start + 30_000).min(octets.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let op = AdminOp::ImportPut {
            import: import.clone(),
            text: text[start..end].into(),
            last: end == octets.len(),
        };
        let state = state(served, op).await;
        import = Some(state.import.clone());
        start = end;
        if end == octets.len() {
            return ended(served, &state.import, &["reading"]).await;
        }
    }
}

/// Waits until an import is in none of these states any more.
async fn ended(served: &Served, import: &str, not: &[&str]) -> ImportState {
    until(|| async {
        let state = state(
            served,
            AdminOp::ImportShow {
                import: import.to_owned(),
            },
        )
        .await;
        (!not.contains(&state.state.as_str())).then_some(state)
    })
    .await
}

async fn apply(served: &Served, import: &str, atomic: bool) -> ImportState {
    let op = AdminOp::ImportApply {
        import: import.to_owned(),
        atomic,
    };
    state(served, op).await;
    ended(served, import, &["running"]).await
}

async fn lines(served: &Served, import: &str, only: Option<&str>) -> Vec<ImportLine> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let op = AdminOp::ImportPlan {
            import: import.to_owned(),
            after,
            only: only.map(str::to_owned),
        };
        let AdminReply::ImportPlan { lines, more, .. } = served.ctl(op).await.unwrap() else {
            panic!()
        };
        assert!(!lines.is_empty() || !more);
        after = lines.last().map_or(after, |line| line.line);
        all.extend(lines);
        if !more {
            return all;
        }
    }
}

async fn totals(served: &Served) -> Status {
    match served.ctl(AdminOp::Status).await.unwrap() {
        AdminReply::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

fn counts(state: &ImportState) -> (u64, u64, u64, u64, u64) {
    (state.lines, state.add, state.change, state.same, state.bad)
}

async fn ready() -> Served {
    let served = Served::new().await;
    served.resource("vpn").await;
    served.resource("mail").await;
    countries(&served).await;
    served
}

/// 10,000 lines: 9,990 users of whom ten have a second line less six, and six bad lines.
fn large() -> (String, Vec<(u64, &'static str)>) {
    let mut text = format!("\u{feff}{HEADER}\r\n");
    for n in 0..9_990 {
        let phone = if n % 10 == 0 {
            format!("+49171{:07}", 2_000_000 + n)
        } else {
            String::new()
        };
        let line = format!("user-{n:05},user-{n}@example.com,{phone},\"First, {n}\",Last {n},vpn,\r\n");
        text.push_str(&line);
    }
    text.push_str("user-00000,,,,,mail,\r\n");
    text.push_str("user-00001,,,,,mail,\r\n");
    text.push_str("user-00002,,,,,mail,\r\n");
    text.push_str("user-00003,,,,,mail,\r\n");
    let first = 1 + 9_990 + 4 + 1;
    text.push_str("bad one,,,,,,\r\n");
    text.push_str("bad-mail,nothing,,,,,\r\n");
    text.push_str("bad-phone,,12,,,vpn,\r\n");
    text.push_str("bad-resource,,,,,nowhere,\r\n");
    text.push_str("bad-dup-1,same@example.com,,,,,\r\n");
    text.push_str("bad-dup-2,same@example.com,,,,,\r\n");
    let bad = [
        "login: ",
        "email: ",
        "phone: ",
        "resource: ",
        "email: ",
        "email: ",
    ];
    (text, (first..).zip(bad).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lines_bad_ones_named_atomic_writes_none_and_again_changes_nothing() {
    let served = ready().await;
    let (text, bad) = large();
    let begun = Instant::now();
    let planned = plan(&served, &text).await;
    assert_eq!(planned.state, "planned");
    assert_eq!(counts(&planned), (10_000, 9_990, 4, 0, 6));
    let named = lines(&served, &planned.import, Some("bad")).await;
    let numbers: Vec<u64> = named.iter().map(|line| line.line).collect();
    assert_eq!(numbers, bad.iter().map(|(number, _)| *number).collect::<Vec<_>>());
    for (line, (_, column)) in named.iter().zip(&bad) {
        assert!(line.text.starts_with(column), "{line:?}");
    }
    assert!(
        named[4].text.contains(&format!("line {}", bad[5].0)),
        "{:?}",
        named[4]
    );

    let refused = apply(&served, &planned.import, true).await;
    assert_eq!(refused.state, "refused");
    assert!(refused.why.contains("6 lines"), "{}", refused.why);
    let status = totals(&served).await;
    assert_eq!((status.users, status.tokens), (0, 0), "nothing was written");

    let done = apply(&served, &planned.import, false).await;
    assert_eq!((done.state.as_str(), done.done), ("done", 9_994), "{}", done.why);
    let status = totals(&served).await;
    assert_eq!((status.users, status.tokens), (9_990, 999));
    let user = shown(&served, "user-00000").await;
    assert_eq!(user.resources, ["mail", "vpn"]);
    assert_eq!(
        (user.first_name.as_str(), user.last_name.as_str()),
        ("First, 0", "Last 0")
    );
    assert_eq!((user.tokens.len(), user.tokens[0].verified), (1, false));
    assert_eq!(user.tokens[0].resources, ["vpn"]);

    let again = plan(&served, &text).await;
    assert_eq!(counts(&again), (10_000, 0, 0, 9_994, 6));
    let rows = totals(&served).await.audit_rows;
    let done = apply(&served, &again.import, false).await;
    assert_eq!((done.state.as_str(), done.done), ("done", 9_994));
    let status = totals(&served).await;
    assert_eq!((status.users, status.tokens), (9_990, 999));
    assert_eq!(status.audit_rows, rows + 1, "only that there was an import");
    assert!(
        begun.elapsed() < Duration::from_secs(120),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_import_of_good_lines_is_one_transaction() {
    let served = ready().await;
    let text =
        format!("{HEADER}\nanna,a@example.com,+491712345678,Anna,,vpn,Work\nanna,,,,,mail,\nbert,,,,,,\n");
    let planned = plan(&served, &text).await;
    assert_eq!(counts(&planned), (3, 2, 1, 0, 0));
    let all = lines(&served, &planned.import, None).await;
    assert_eq!(all[0].line, 2);
    assert!(
        all[0].text.contains("SMS token +49 *** *** 78 for vpn"),
        "{}",
        all[0].text
    );
    assert!(
        all.iter().all(|line| !line.text.contains("1712345678")),
        "numbers are masked"
    );
    let done = apply(&served, &planned.import, true).await;
    assert_eq!((done.state.as_str(), done.done), ("done", 3), "{}", done.why);
    let user = stored(&served, "anna").await;
    assert_eq!((user.resources.len(), user.profile.bound.len()), (2, 2));
    assert_eq!(served.rows("admin.import", "admin").await, 1);
    let again = AdminOp::ImportApply {
        import: planned.import,
        atomic: true,
    };
    assert_eq!(refused(served.ctl(again).await).0, FaultCode::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_token_ends_sessions_of_the_password_alone_and_an_old_address_hears_of_the_new_one() {
    let served = ready().await;
    served.ctl(mail_set()).await.unwrap();
    served.user("anna", &["vpn", "mail"]).await;
    let user = stored(&served, "anna").await;
    let text = format!("{HEADER}\nanna,old@example.com,+491712345678,,,vpn,\n");
    let sessions = async || {
        let of = user.id;
        let all = served
            .daemon
            .read(move |read| document::of::<PortalSession>(read, &of.0));
        all.await.unwrap().len()
    };
    sign_in(&served, user.id, &user.resources).await;
    assert_eq!(sessions().await, 2);
    let planned = plan(&served, &text).await;
    let done = apply(&served, &planned.import, true).await;
    assert_eq!((done.state.as_str(), done.change), ("done", 1), "{}", done.why);
    assert_eq!(sessions().await, 1, "the one on the portal without a token stays");
    assert!(mails(&served, user.id).await.is_empty(), "there was no address");
    // The same token guards the other one from now on.
    let text = format!("{HEADER}\nanna,new@example.com,+491712345678,,,mail,\n");
    let planned = plan(&served, &text).await;
    apply(&served, &planned.import, false).await;
    assert_eq!(sessions().await, 0);
    let masked = "n***@example.com".to_owned();
    assert_eq!(
        mails(&served, user.id).await,
        [("old@example.com".to_owned(), Notice::EmailChanged { masked })]
    );
    // One that came in beside the token stays.
    sign_in(&served, user.id, &user.resources).await;
    let text = format!("{HEADER}\nanna,,+491712345678,,,mail,Work\n");
    let planned = plan(&served, &text).await;
    apply(&served, &planned.import, false).await;
    assert_eq!(sessions().await, 2);
}

/// Sessions of a user on these portals.
async fn sign_in(served: &Served, user: UserId, resources: &[ResourceId]) {
    for resource in resources {
        let now = served.now();
        let session = PortalSession {
            id: PortalSessionId(resource.0),
            token: fingerprint(&resource.to_string()),
            who: Who::User(user),
            resource: Some(*resource),
            stage: Stage::Full,
            verification: None,
            by_mail: false,
            invited: false,
            created: now,
            seen: now,
            ends: now.plus(LONGEST),
            agent: String::new(),
            source: Source::new("", "portal"),
            lang: String::new(),
        };
        served
            .daemon
            .write(move |tx| document::put(tx, &session))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_taken_since_the_plan_is_found_when_it_is_carried_out() {
    let served = ready().await;
    let text = format!("{HEADER}\nanna,x@example.com,,,,,\nbert,,+491712345678,,,vpn,\ncleo,,,,,vpn,\n");
    let atomic = plan(&served, &text).await;
    let loose = plan(&served, &text).await;
    assert_eq!(atomic.bad, 0);
    served.user("dora", &["vpn"]).await;
    let set = otpost_ipc::admin::UserSet {
        user: "dora".to_owned(),
        email: Some("X@example.com".to_owned()),
        ..Default::default()
    };
    served.ctl(AdminOp::UserSet(set)).await.unwrap();
    served
        .ctl(AdminOp::TokenAdd {
            user: "dora".to_owned(),
            phone: "+491712345678".into(),
            name: String::new(),
            digits: None,
            resources: Vec::new(),
        })
        .await
        .unwrap();
    let state = apply(&served, &atomic.import, true).await;
    assert_eq!((state.state.as_str(), state.bad, state.done), ("refused", 2, 0));
    assert_eq!(totals(&served).await.users, 1);
    let state = apply(&served, &loose.import, false).await;
    assert_eq!((state.state.as_str(), state.bad, state.done), ("done", 2, 1));
    let bad = lines(&served, &loose.import, Some("bad")).await;
    assert!(
        bad[0].text.starts_with("email: ") && bad[1].text.starts_with("phone: "),
        "{bad:?}"
    );
    assert_eq!(totals(&served).await.users, 2, "the good line was taken");
}

#[tokio::test]
async fn files_that_are_no_table_are_refused_at_once() {
    let served = ready().await;
    for (text, says) in [
        ("", "empty"),
        ("login,colour\nanna,red\n", "`colour`"),
        ("email,phone\n", "login"),
    ] {
        let op = AdminOp::ImportPut {
            import: None,
            text: text.into(),
            last: true,
        };
        let (code, message) = refused(served.ctl(op).await);
        assert_eq!(code, FaultCode::Invalid);
        assert!(message.contains(says), "{message}");
    }
    let long = AdminOp::ImportPut {
        import: None,
        text: "x".repeat(32 * 1024 + 1).into(),
        last: false,
    };
    assert_eq!(refused(served.ctl(long).await).0, FaultCode::Invalid);
}

#[tokio::test]
async fn imports_are_few_short_lived_and_their_owners() {
    let served = ready().await;
    let begin = || AdminOp::ImportPut {
        import: None,
        text: HEADER.into(),
        last: false,
    };
    let first = state(&served, begin()).await;
    for _ in 0..3 {
        state(&served, begin()).await;
    }
    assert_eq!(refused(served.ctl(begin()).await).0, FaultCode::Busy);
    let show = || AdminOp::ImportShow {
        import: first.import.clone(),
    };
    assert_eq!(state(&served, show()).await.state, "reading");
    let early = AdminOp::ImportApply {
        import: first.import.clone(),
        atomic: false,
    };
    assert_eq!(refused(served.ctl(early).await).0, FaultCode::Conflict);
    // Somebody else does not see it.
    let mara = served.owner().await;
    let session = served.session(&mara).await;
    assert_eq!(
        served.by_console(&session, show()).await.unwrap_err().code,
        FaultCode::NotFound
    );
    served.pass(Duration::from_secs(15 * 60));
    assert_eq!(refused(served.ctl(show()).await).0, FaultCode::NotFound);
    state(&served, begin()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_at_most_so_many_lines() {
    let served = ready().await;
    let text = format!("login\n{}", "a\n".repeat(100_001));
    let state = plan(&served, &text).await;
    assert_eq!(state.state, "failed");
    assert!(state.why.contains("100000"), "{}", state.why);
}
