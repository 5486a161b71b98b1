//! The fresh code that an act needs (domain decision 10, row P10a).

use std::sync::Arc;

use otpost_ipc::admin::AdminOp;
use otpost_ipc::portal::{Method, PortalReply, UserAct, UserOp};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{PASSWORD, Served, WRONG, answer, code_of, done, methods, other, sign_in, signed, wrong};

/// `alice` with a phone, signed in; the text of the sign-in is the first.
async fn alice(served: &Served) -> Secret {
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    served.by_text("alice").await
}

fn login(new: &str) -> UserAct {
    UserAct::Login { new: new.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn p10a_a_token_goes_after_a_fresh_code_of_it_and_its_owner_hears_of_it() {
    let served = Served::new().await;
    served.mail_server().await;
    let session = alice(&served).await;
    let token = served.tokens("alice").await[0].id.to_string();
    let (id, text) = served.step_up(&session, UserAct::Unassign { token }).await;
    assert!(text.text.contains("to remove a token"), "{}", text.text);
    assert_eq!(served.tokens("alice").await.len(), 1, "nothing happened yet");
    let (why, ask) = wrong(
        served
            .user(&session, answer(&id, Method::Sms, &other(&text.code())))
            .await
            .unwrap(),
    );
    assert_eq!((why.as_str(), ask.left), ("wrong", 4));
    let right = answer(&id, Method::Sms, &text.code());
    assert_eq!(
        done(served.user(&session, right.clone()).await.unwrap()),
        "unassign"
    );
    assert!(served.tokens("alice").await.is_empty());
    let texts = served.until_texts(3).await;
    assert!(
        texts[2].text.contains("your token was removed"),
        "{}",
        texts[2].text
    );
    assert_eq!(texts[2].to, "+491712345670");
    let mails = served.until_mails(1).await;
    assert!(mails[0].contains("To: alice@example.com") && mails[0].contains("My phone"));
    // Good once.
    let (why, _) = wrong(served.user(&session, right).await.unwrap());
    assert_eq!(why, "used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_for_its_act_with_its_value_in_its_session_alone() {
    let served = Served::new().await;
    let session = alice(&served).await;
    let second = served.by_text("alice").await;
    let (first, for_one) = served.step_up(&session, login("alice1")).await;
    // Another value of the same act is another act; asking for it ends the first.
    let (id, for_two) = served.step_up(&session, login("alice2")).await;
    let stale = answer(&first, Method::Sms, &for_one.code());
    let (why, _) = wrong(served.user(&session, stale).await.unwrap());
    assert_eq!(why, "expired");
    let (why, _) = wrong(
        served
            .user(&session, answer(&id, Method::Sms, &for_one.code()))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong", "the code of another value");
    // Another session of the same person has no such step-up.
    for op in [
        answer(&id, Method::Sms, &for_two.code()),
        UserOp::StepUp { id: id.clone() },
        UserOp::StepUpResend { id: id.clone() },
    ] {
        assert_eq!(code_of(served.user(&second, op).await), FaultCode::NotFound);
    }
    // Its code is none for a sign-in.
    let (half, _) = served.half("alice").await;
    let (why, _) = wrong(
        served
            .user(&half, crate::common::factor(Method::Sms, &for_two.code()))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong");
    match served
        .user(&session, UserOp::StepUp { id: id.clone() })
        .await
        .unwrap()
    {
        PortalReply::StepUp { act, value, ask, .. } => {
            assert_eq!((act.as_str(), value.as_str(), ask.left), ("login", "alice2", 4));
        }
        other => panic!("{other:?}"),
    }
    let reply = served
        .user(&session, answer(&id, Method::Sms, &for_two.code()))
        .await
        .unwrap();
    assert_eq!(done(reply), "login");
    assert_eq!(served.home(&session).await.profile.login, "alice2");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fresh_code_sent_64_times_at_once_does_its_act_once() {
    let served = Arc::new(Served::new().await);
    let session = alice(&served).await;
    served.recovery("alice").await;
    let (id, text) = served.step_up(&session, UserAct::RenewRecovery).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (served, session) = (Arc::clone(&served), session.clone());
        let op = answer(&id, Method::Sms, &text.code());
        calls.spawn(async move { served.user(&session, op).await });
    }
    let mut codes = Vec::new();
    for reply in calls.join_all().await {
        match reply {
            Ok(PortalReply::Codes { codes: fresh }) => codes.push(fresh),
            Ok(PortalReply::Wrong { why, .. }) => assert_eq!(why, "used"),
            // Sets are made one at a time, and hashes are bounded.
            Err(fault) => assert_eq!(fault.code, FaultCode::Busy),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(codes.len(), 1);
    assert_eq!(codes[0].len(), 10);
    // They are the ones that are kept.
    let (half, _) = served.half("alice").await;
    let reply = served
        .user(&half, crate::common::factor(Method::Recovery, &codes[0][9]))
        .await;
    signed(reply.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fresh_codes_lock_the_second_factor_like_those_of_a_login() {
    let served = Served::new().await;
    let session = alice(&served).await;
    let codes = served.recovery("alice").await;
    let (id, text) = served.step_up(&session, login("alice1")).await;
    let mut last = String::new();
    for _ in 0..5 {
        last = wrong(
            served
                .user(&session, answer(&id, Method::Sms, &other(&text.code())))
                .await
                .unwrap(),
        )
        .0;
    }
    assert_eq!(last, "locked");
    let (why, _) = wrong(
        served
            .user(&session, answer(&id, Method::Sms, &text.code()))
            .await
            .unwrap(),
    );
    assert_eq!(why, "tries-used");
    // The session stays; another step-up offers what lifts the lock.
    let (id, ask) = match served.act(&session, login("alice1")).await.unwrap() {
        PortalReply::StepUp { id, ask, .. } => (id, ask),
        other => panic!("{other:?}"),
    };
    assert_eq!((methods(&ask), ask.sent), (vec![Method::Recovery], false));
    let reply = served
        .user(&session, answer(&id, Method::Recovery, &codes[0]))
        .await
        .unwrap();
    assert_eq!(done(reply), "login");
    served.by_text("alice1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_second_factor_the_password_is_asked_for_and_with_one_it_does_not_do() {
    let served = Served::new().await;
    served.person("bob").await;
    let session = served.session("bob").await;
    let (id, ask) = match served.act(&session, login("bob1")).await.unwrap() {
        PortalReply::StepUp { id, ask, .. } => (id, ask),
        other => panic!("{other:?}"),
    };
    assert_eq!(methods(&ask), [Method::Password]);
    let (why, ask) = wrong(
        served
            .user(&session, answer(&id, Method::Password, &WRONG.into()))
            .await
            .unwrap(),
    );
    assert_eq!((why.as_str(), ask.left), ("wrong", 4));
    let user = served.stored("bob").await.id;
    let guard = served.daemon.read(move |read| read.guard(user)).await.unwrap();
    assert_eq!(guard.consecutive, 0, "a password is no second factor");
    let reply = served
        .user(&session, answer(&id, Method::Password, &PASSWORD.into()))
        .await
        .unwrap();
    assert_eq!(done(reply), "login");
    let alice = alice(&served).await;
    let (id, _) = served.step_up(&alice, login("alice1")).await;
    let (why, ask) = wrong(
        served
            .user(&alice, answer(&id, Method::Password, &PASSWORD.into()))
            .await
            .unwrap(),
    );
    assert_eq!((why.as_str(), ask.left), ("wrong", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helpdesk_code_serves_one_step_up_and_a_bypass_none() {
    let served = Served::new().await;
    let session = alice(&served).await;
    served
        .must(AdminOp::UserBypass {
            user: "alice".to_owned(),
            seconds: 3600,
        })
        .await;
    let code = served.one_day("alice").await;
    let (id, _) = served.step_up(&session, login("alice1")).await;
    let reply = served
        .user(&session, answer(&id, Method::Helpdesk, &code))
        .await
        .unwrap();
    assert_eq!(done(reply), "login");
    let (id, _) = served.step_up(&session, login("alice2")).await;
    let (why, _) = wrong(
        served
            .user(&session, answer(&id, Method::Helpdesk, &code))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_switched_off_after_the_question_is_not_carried_out() {
    let served = Served::new().await;
    let session = alice(&served).await;
    let (id, text) = served.step_up(&session, login("alice1")).await;
    served
        .self_service(otpost_ipc::admin::SelfServiceSettings {
            actions: Some(crate::common::words(&["enroll"])),
            ..otpost_ipc::admin::SelfServiceSettings::default()
        })
        .await;
    let reply = served
        .user(&session, answer(&id, Method::Sms, &text.code()))
        .await;
    assert_eq!(code_of(reply), FaultCode::Forbidden);
    assert_eq!(served.stored("alice").await.login, "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_up_that_nobody_answers_is_sent_again_and_ends() {
    let served = Served::new().await;
    let session = alice(&served).await;
    let (id, text) = served.step_up(&session, login("alice1")).await;
    served
        .user(&session, UserOp::StepUpResend { id: id.clone() })
        .await
        .unwrap();
    served.no_more_texts(2).await;
    served.pass(31);
    served
        .user(&session, UserOp::StepUpResend { id: id.clone() })
        .await
        .unwrap();
    assert_eq!(served.until_texts(3).await[2].code(), text.code());
    served.pass(600);
    let (why, ask) = wrong(
        served
            .user(&session, answer(&id, Method::Sms, &text.code()))
            .await
            .unwrap(),
    );
    assert_eq!((why.as_str(), ask.resend_in), ("expired", None));
    signed(served.ask(sign_in("alice", PASSWORD, "192.0.2.9")).await.unwrap());
}
