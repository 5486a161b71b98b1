//! What is off is refused, and what is somebody else's is not there.

use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, SelfServiceSettings};
use otpost_ipc::portal::{Method, PortalReply, UserAct, UserOp};

use crate::common::{HERE, Served, answer, code_of, sign_in, signed, words};

/// Each act on a token or session, by id.
fn by_id(token: &str, session: &str) -> Vec<(&'static str, UserAct)> {
    let token = || token.to_owned();
    vec![
        (
            "rename",
            UserAct::Rename {
                token: token(),
                name: "Mine".to_owned(),
            },
        ),
        ("unassign", UserAct::Unassign { token: token() }),
        (
            "change-phone",
            UserAct::ChangePhone {
                token: token(),
                phone: "0171 2345698".into(),
            },
        ),
        ("reissue", UserAct::Reissue { token: token() }),
        ("assign-existing", UserAct::AssignExisting { token: token() }),
        (
            "synchronise",
            UserAct::Synchronise {
                token: token(),
                first: "123456".into(),
                second: "123457".into(),
            },
        ),
        (
            "manage-sessions",
            UserAct::EndSession {
                id: session.to_owned(),
            },
        ),
        ("", UserAct::Prefer { token: token() }),
        ("", UserAct::TestText { token: token() }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_other_people_are_not_there() {
    let served = Served::new().await;
    served.person("alice").await;
    served.person("mallory").await;
    let phone = served.token("alice", "+491712345670").await.to_string();
    let app = served.app("alice").await.to_string();
    served.token("mallory", "+491712345671").await;
    let alice = served.by_text("alice").await;
    let mallory = served.by_text("mallory").await;
    let session = served.home(&alice).await.sessions[0].id.clone();
    let (step_up, text) = served
        .step_up(&alice, UserAct::Unassign { token: phone.clone() })
        .await;
    let sent = served.texts().len();
    for token in [&phone, &app] {
        for (action, act) in by_id(token, &session) {
            let reply = served.act(&mallory, act).await;
            assert_eq!(code_of(reply), FaultCode::NotFound, "{action} of {token}");
        }
    }
    for op in [
        answer(&step_up, Method::Sms, &text.code()),
        UserOp::StepUp { id: step_up.clone() },
        UserOp::StepUpResend { id: step_up.clone() },
    ] {
        assert_eq!(code_of(served.user(&mallory, op).await), FaultCode::NotFound);
    }
    // An enrolment of somebody else's.
    served.person("bob").await;
    let bob = served.session("bob").await;
    let begun = served
        .user(
            &bob,
            UserOp::EnrolBegin {
                kind: "sms".to_owned(),
                name: String::new(),
                phone: Some("0171 2345672".into()),
                digits: Some(6),
                form: "one".to_owned(),
                replaces: None,
            },
        )
        .await
        .unwrap();
    let PortalReply::Enrolment(view) = begun else {
        panic!("{begun:?}")
    };
    let texts = served.until_texts(sent + 1).await;
    let id = || view.id.clone();
    for op in [
        UserOp::Enrolment { id: id() },
        UserOp::EnrolResend { id: id() },
        UserOp::EnrolNumber {
            id: id(),
            phone: "0171 2345673".into(),
        },
        UserOp::EnrolConfirm {
            id: id(),
            code: texts[sent].code(),
        },
        UserOp::EnrolCancel { id: id() },
    ] {
        assert_eq!(code_of(served.user(&mallory, op).await), FaultCode::NotFound);
    }
    // Nor is what does not exist, nor what is no id.
    for token in ["00000000000000000000000000000000", "x", ""] {
        for (action, act) in by_id(token, token) {
            assert_eq!(
                code_of(served.act(&mallory, act).await),
                FaultCode::NotFound,
                "{action} of `{token}`"
            );
        }
    }
    served.no_more_texts(sent + 1).await;
    assert_eq!(
        served.home(&alice).await.tokens.len(),
        2,
        "nothing happened to them"
    );
    assert!(served.rows("portal.deny", "not-theirs").await > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_that_is_off_is_refused_whatever_the_page_showed() {
    let served = Served::new().await;
    served.person("alice").await;
    served.person_with(crate::common::add("mailer")).await;
    let token = served.token("alice", "+491712345670").await.to_string();
    served.app("alice").await;
    let session = served.by_text("alice").await;
    let own = served.home(&session).await.sessions[0].id.clone();
    let mut acts = by_id(&token, &own);
    acts.retain(|(action, _)| !action.is_empty());
    acts.extend([
        (
            "change-password",
            UserAct::Password {
                current: Some(crate::common::PASSWORD.into()),
                new: "Admiralfalter-7".into(),
            },
        ),
        (
            "change-email",
            UserAct::Email {
                new: "new@example.com".to_owned(),
            },
        ),
        (
            "change-login",
            UserAct::Login {
                new: "alicia".to_owned(),
            },
        ),
        (
            "change-names",
            UserAct::Names {
                first: "A".to_owned(),
                last: "B".to_owned(),
            },
        ),
        ("manage-sessions", UserAct::EndOtherSessions),
    ]);
    let all = [
        "enroll",
        "reissue",
        "assign-existing",
        "unassign",
        "rename",
        "synchronise",
        "create-password",
        "change-password",
        "change-email",
        "change-phone",
        "change-login",
        "change-names",
        "manage-sessions",
    ];
    let before = served.texts().len();
    for (action, act) in acts {
        // All but this one are on.
        let others: Vec<&str> = all.iter().copied().filter(|other| *other != action).collect();
        served
            .self_service(SelfServiceSettings {
                actions: Some(words(&others)),
                ..SelfServiceSettings::default()
            })
            .await;
        let reply = served.act(&session, act).await;
        assert_eq!(code_of(reply), FaultCode::Forbidden, "{action}");
    }
    // Kinds that are off.
    served
        .self_service(SelfServiceSettings {
            actions: Some(words(&["all"])),
            kinds: Some(words(&["totp"])),
            ..SelfServiceSettings::default()
        })
        .await;
    assert_eq!(
        code_of(served.act(&session, UserAct::RenewRecovery).await),
        FaultCode::Forbidden
    );
    assert_eq!(
        code_of(served.user(&session, UserOp::RecoveryFirst).await),
        FaultCode::Forbidden
    );
    let begin = UserOp::EnrolBegin {
        kind: "sms".to_owned(),
        name: String::new(),
        phone: Some("0171 2345672".into()),
        digits: Some(6),
        form: "one".to_owned(),
        replaces: None,
    };
    assert_eq!(code_of(served.user(&session, begin).await), FaultCode::Forbidden);
    served.no_more_texts(before).await;
    assert!(served.rows("portal.deny", "not-allowed").await >= 14);
    // And with the action off the home page shows no other sessions.
    served
        .self_service(SelfServiceSettings {
            actions: Some(Vec::new()),
            ..SelfServiceSettings::default()
        })
        .await;
    signed(
        served
            .ask(sign_in("alice", crate::common::PASSWORD, HERE))
            .await
            .unwrap(),
    );
    assert_eq!(served.home(&session).await.sessions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_assigned_must_be_of_a_kind_that_may_be_set_up_here() {
    let served = Served::new().await;
    served.person("alice").await;
    served.resource("Lab", "lab").await;
    served
        .must(AdminOp::UserBind {
            user: "alice".to_owned(),
            resource: "Lab".to_owned(),
        })
        .await;
    served
        .must(AdminOp::TokenAdd {
            user: "alice".to_owned(),
            phone: "+491712345679".into(),
            name: String::new(),
            digits: None,
            resources: vec!["Lab".to_owned()],
        })
        .await;
    served
        .self_service(SelfServiceSettings {
            kinds: Some(words(&["totp"])),
            ..SelfServiceSettings::default()
        })
        .await;
    let session = served.session("alice").await;
    let token = served.tokens("alice").await[0].id.to_string();
    let reply = served.act(&session, UserAct::AssignExisting { token }).await;
    assert_eq!(code_of(reply), FaultCode::Forbidden);
}
