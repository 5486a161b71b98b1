//! Two names of one person: they count together, and no answer tells that they are one.

use otpost_core::name::LoginName;
use otpost_ipc::portal::{Next, PortalReply, UserOp};

use crate::common::{HERE, PASSWORD, Served, WRONG, add, by_mail, sign_in, signed, wrong};

const ELSEWHERE: &str = "203.0.113.5";

fn alias(name: &str) -> LoginName {
    LoginName::parse(name).unwrap()
}

/// Signs in with a password; what the page says where that fails.
async fn knock(served: &Served, login: &str, password: &str) -> Result<Next, Option<u32>> {
    match served.ask(sign_in(login, password, HERE)).await.unwrap() {
        PortalReply::Refused { retry_after, .. } => Err(retry_after),
        reply => Ok(signed(reply).next),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_count_together_and_each_name_looks_like_one_of_nobody() {
    let served = Served::new().await;
    served.person("alice").await;
    served
        .change("alice", |user| user.aliases = vec![alias("ali")])
        .await;
    for _ in 0..10 {
        assert_eq!(knock(&served, "alice", WRONG).await, Err(None));
    }
    assert_eq!(knock(&served, "alice", PASSWORD).await, Err(Some(900)));
    // Ten more tries as for any name, and none of them is looked at.
    for name in ["ali", "nobody"] {
        for n in 0..10 {
            let password = if n == 0 { PASSWORD } else { WRONG };
            assert_eq!(knock(&served, name, password).await, Err(None), "{name} {n}");
        }
        assert_eq!(knock(&served, name, PASSWORD).await, Err(Some(900)), "{name}");
    }
    assert_eq!(served.rows("portal.deny", "wrong-password").await, 10);
    // Another network is open, for both names.
    for name in ["alice", "ali"] {
        let reply = served.ask(sign_in(name, PASSWORD, ELSEWHERE)).await.unwrap();
        assert_eq!(signed(reply).next, Next::Home);
    }
    served.pass(900);
    assert_eq!(knock(&served, "ali", PASSWORD).await, Ok(Next::Home));
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_at_two_names_are_tries_at_one_person_and_the_right_password_forgets_those_of_the_page() {
    let served = Served::new().await;
    served.person("alice").await;
    served
        .change("alice", |user| user.aliases = vec![alias("ali")])
        .await;
    for name in ["alice", "ali"] {
        for _ in 0..5 {
            assert_eq!(knock(&served, name, WRONG).await, Err(None));
        }
    }
    assert_eq!(knock(&served, "alice", PASSWORD).await, Err(None), "ten in all");
    served.pass(900);
    for _ in 0..3 {
        for _ in 0..9 {
            assert_eq!(knock(&served, "alice", WRONG).await, Err(None));
        }
        assert_eq!(knock(&served, "alice", PASSWORD).await, Ok(Next::Home));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_from_mails_count_together_too() {
    let served = Served::new().await;
    served.mail_server().await;
    served.person_with(add("mailer")).await;
    served
        .change("mailer", |user| user.aliases = vec![alias("post")])
        .await;
    let begin = async |name: &str| served.ask(by_mail(name, HERE)).await.unwrap();
    let guess = async |name: &str| {
        let half = signed(begin(name).await).session;
        for _ in 0..5 {
            let code = "000000".into();
            wrong(served.user(&half, UserOp::MailCode { code }).await.unwrap());
        }
    };
    guess("mailer").await;
    guess("post").await;
    // Each name may go on, as one of nobody may; no code is mailed, so none is right.
    for name in ["mailer", "post"] {
        signed(begin(name).await);
    }
    assert_eq!(served.rows("portal.challenge", "email-closed").await, 2);
    assert_eq!(served.until_mails(2).await.len(), 2);
    guess("mailer").await;
    match begin("mailer").await {
        PortalReply::Refused { retry_after, .. } => assert_eq!(retry_after, Some(900)),
        other => panic!("{other:?}"),
    }
    signed(begin("post").await);
    served.pass(3600);
    let half = signed(begin("post").await).session;
    let code = served.mailed(3, "mailer@example.com").await;
    let reply = served.user(&half, UserOp::MailCode { code }).await.unwrap();
    assert_eq!(signed(reply).next, Next::Home);
}
