//! Figures: counted where logins are decided and texts end, in the overview at once, and there after a restart.

use std::time::Duration;

use otpost_core::challenge::{Channel, Origin};
use otpost_core::ids::AttemptId;
use otpost_core::login::Reply;
use otpost_core::net::Source;
use otpost_core::source::Chain;
use otpost_daemon::login::{Door, Further, Guarded, Start, Verdict, answer, begin};
use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply, OverviewView, ResourceSettings, SmsPolicySet};
use zeroize::Zeroizing;

use super::common::{Served, until};
use super::{countries, refused};

async fn overview(served: &Served, hours: u32, resource: Option<&str>) -> OverviewView {
    let op = AdminOp::Overview {
        hours,
        resource: resource.map(str::to_owned),
    };
    match served.ctl(op).await.unwrap() {
        AdminReply::Overview(view) => *view,
        other => panic!("{other:?}"),
    }
}

async fn login(served: &Served, user: &str, n: u8) -> Verdict {
    let start = Start {
        channel: Channel::Pam,
        group: "sshd".to_owned(),
        user: user.to_owned(),
        password: None,
        first_factor: Chain::stack(),
        proof: None,
        ms_chap2: None,
        door: Door::default(),
        guarded: Guarded::Service,
        attempt: AttemptId([n; 16]),
        origin: Origin::default(),
        source: Source::new("192.0.2.9", "sshd"),
    };
    begin(&served.daemon, start).await.unwrap()
}

async fn typed(served: &Served, verdict: Verdict, code: &str, n: u8) -> Verdict {
    let Reply::Prompt { session, .. } = verdict.reply else {
        panic!("{verdict:?}")
    };
    let further = Further {
        channel: Channel::Pam,
        group: None,
        user: None,
        resource: None,
        trusted: None,
        session: Some(session.id),
        typed: Some(Zeroizing::new(code.to_owned())),
        proof: None,
        attempt: AttemptId([n; 16]),
    };
    answer(&served.daemon, further).await.unwrap()
}

async fn ready() -> Served {
    let served = Served::new().await;
    countries(&served).await;
    let policy = SmsPolicySet {
        number_hour: Some(100),
        user_hour: Some(100),
        ..SmsPolicySet::default()
    };
    served.ctl(AdminOp::SmsPolicySet(policy)).await.unwrap();
    let set = ResourceSettings {
        pam_services: Some(vec!["sshd".to_owned()]),
        failed_attempts: Some(3),
        ..ResourceSettings::default()
    };
    served
        .ctl(AdminOp::ResourceAdd {
            name: "hosts".to_owned(),
            set,
        })
        .await
        .unwrap();
    served.resource("other").await;
    served.user("anna", &["hosts"]).await;
    served
        .ctl(AdminOp::TokenAdd {
            user: "anna".to_owned(),
            phone: "+491712345678".into(),
            name: String::new(),
            digits: None,
            resources: Vec::new(),
        })
        .await
        .unwrap();
    let inbox = served.files().join("inbox.jsonl");
    let config = format!("{{\"path\":\"{}\"}}", inbox.display());
    served
        .ctl(AdminOp::SmsProviderAdd {
            name: "inbox".to_owned(),
            kind: "file".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::from(config),
        })
        .await
        .unwrap();
    served
}

/// The code of the last text.
async fn code(served: &Served, count: usize) -> String {
    let inbox = served.files().join("inbox.jsonl");
    let line = until(|| async {
        let all = std::fs::read_to_string(&inbox).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        (lines.len() == count).then(|| lines[count - 1].to_owned())
    })
    .await;
    let digits: Vec<String> = line
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| part.len() == 6)
        .map(str::to_owned)
        .collect();
    digits[0].clone()
}

#[tokio::test]
async fn decisions_and_texts_are_counted_where_they_happen() {
    let served = ready().await;
    let asked = login(&served, "anna", 1).await;
    let right = code(&served, 1).await;
    assert_eq!(typed(&served, asked, &right, 2).await.reply, Reply::Allow);
    login(&served, "nobody", 3).await;
    // Three wrong codes in a row lock.
    let asked = login(&served, "anna", 4).await;
    let right = code(&served, 2).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    let mut verdict = asked;
    for n in 5..8 {
        verdict = typed(&served, verdict, wrong, n).await;
    }
    assert!(matches!(verdict.reply, Reply::Deny { .. }));

    let view = until(|| async {
        let view = overview(&served, 24, None).await;
        (view.texts[0].1 == 2).then_some(view)
    })
    .await;
    assert_eq!((view.series.len(), view.step), (24, 3_600_000));
    let last = view.series.last().unwrap();
    assert_eq!((last.allowed, last.wrong_code, last.denied), (1, 1, 1));
    assert_eq!((last.accepted, last.failed), (2, 0));
    assert!(
        view.series[..23]
            .iter()
            .all(|hour| hour.allowed + hour.denied + hour.accepted == 0)
    );
    let reasons: Vec<&str> = view.reasons.iter().map(|(reason, _)| reason.as_str()).collect();
    assert_eq!(reasons, ["otp-locked-now", "unknown-user"]);
    assert_eq!(view.providers.len(), 1);
    assert_eq!(
        (view.providers[0].provider.as_str(), view.providers[0].accepted),
        ("inbox", 2)
    );
    assert_eq!((view.locked, view.locked_count), (vec!["anna".to_owned()], 1));
    assert_eq!(view.status.users, 1);
    assert_eq!(view.texts.last().unwrap(), &("waiting".to_owned(), 0));

    let hosts = overview(&served, 24, Some("hosts")).await;
    let last = hosts.series.last().unwrap();
    assert_eq!(
        (last.allowed, last.wrong_code, last.denied, last.accepted),
        (1, 1, 1, 2)
    );
    assert_eq!(hosts.locked_count, 1);
    let other = overview(&served, 24, Some("other")).await;
    assert!(
        other
            .series
            .iter()
            .all(|hour| hour.allowed + hour.wrong_code + hour.accepted == 0)
    );
    assert_eq!(other.locked_count, 0);
    refused(
        served
            .ctl(AdminOp::Overview {
                hours: 0,
                resource: None,
            })
            .await,
    );
    refused(
        served
            .ctl(AdminOp::Overview {
                hours: 721,
                resource: None,
            })
            .await,
    );
}

#[tokio::test]
async fn figures_are_kept_over_a_restart_and_forgotten_after_a_month() {
    let served = ready().await;
    login(&served, "nobody", 1).await;
    let served = served.restart().await;
    assert_eq!(overview(&served, 24, None).await.series[23].denied, 1);
    served.pass(Duration::from_secs(2 * 24 * 3600));
    login(&served, "nobody", 2).await;
    assert_eq!(overview(&served, 24, None).await.series[23].denied, 1);
    let month = overview(&served, 720, None).await;
    assert_eq!((month.series.len(), month.step), (30, 24 * 3_600_000));
    assert_eq!((month.series[27].denied, month.series[29].denied), (1, 1));
    let kept = async || {
        let all = served
            .daemon
            .read(|read| read.documents("stats", None, 1000))
            .await;
        all.unwrap().len()
    };
    assert_eq!(kept().await, 2);
    served.pass(Duration::from_secs(30 * 24 * 3600));
    otpost_daemon::sweep::once(&served.daemon).await;
    assert_eq!(kept().await, 1);
}

#[tokio::test]
async fn locked_users_are_those_of_now() {
    let served = ready().await;
    let lock = |user: &str| AdminOp::UserLock {
        user: user.to_owned(),
        why: "left".to_owned(),
    };
    let unlock = |user: &str| AdminOp::UserUnlock {
        user: user.to_owned(),
    };
    assert_eq!(overview(&served, 24, None).await.locked_count, 0);
    for n in 0..12 {
        let login = format!("user-{n:02}");
        served.user(&login, &["hosts"]).await;
        served.ctl(lock(&login)).await.unwrap();
    }
    let view = overview(&served, 24, None).await;
    assert_eq!((view.locked.len(), view.locked_count), (10, 12));
    assert_eq!(view.locked[0], "user-00");
    served.ctl(unlock("user-00")).await.unwrap();
    let view = overview(&served, 24, None).await;
    assert_eq!((view.locked[0].as_str(), view.locked_count), ("user-01", 11));
    // Those of the time before are found too.
    let served = served.restart().await;
    assert_eq!(overview(&served, 24, None).await.locked_count, 11);
}
