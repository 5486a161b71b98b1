//! Sign-in by a code from an e-mail (domain rows P2c to P2e).

use otpost_ipc::admin::{AdminOp, PortalSet, UserAdd};
use otpost_ipc::portal::{CodeAsk, Method, Next, PortalReply, UserOp};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{
    HERE, PASSWORD, Served, Signed, add, asked, by_mail, code_of, factor, methods, other, sign_in, signed,
    until, wrong,
};

fn mail_code(code: &Secret) -> UserOp {
    UserOp::MailCode { code: code.clone() }
}

fn at(reply: PortalReply) -> CodeAsk {
    match reply {
        PortalReply::At(next) => asked(next),
        other => panic!("{other:?}"),
    }
}

/// What a stranger sees of a begun sign-in: everything but cookie and label.
fn seen(signed: &Signed) -> (u32, CodeAsk) {
    let Next::Mail(ask) = &signed.next else {
        panic!("{signed:?}")
    };
    assert_eq!(ask.label.len(), 2);
    let ask = CodeAsk {
        label: String::new(),
        ..ask.clone()
    };
    (signed.max_age, ask)
}

/// Mail, `mailer` without a password, `both` with one.
async fn served() -> Served {
    let served = Served::new().await;
    served.mail_server().await;
    served.person_with(add("mailer")).await;
    served.person("both").await;
    served
}

async fn begin(served: &Served, login: &str) -> Signed {
    signed(served.ask(by_mail(login, HERE)).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn p2c_a_code_is_mailed_only_where_there_is_no_password_and_the_page_does_not_tell() {
    let served = served().await;
    let mut nowhere = add("nowhere");
    nowhere.email = None;
    served.person_with(nowhere).await;
    served.person_with(add("unbound")).await;
    served.change("unbound", |user| user.resources.clear()).await;
    let real = begin(&served, "mailer").await;
    let expected = seen(&real);
    let code = served.mailed(1, "mailer@example.com").await;
    for login in ["both", "nobody", "nowhere", "unbound", "not a name"] {
        let decoy = begin(&served, login).await;
        assert_eq!(seen(&decoy), expected, "{login}");
        // Not even the code of somebody else's mail opens it.
        let (why, ask) = wrong(served.user(&decoy.session, mail_code(&code)).await.unwrap());
        assert_eq!((why.as_str(), ask.left), ("wrong", 4), "{login}");
        for op in [UserOp::Home, UserOp::Where] {
            let reply = served.user(&decoy.session, op).await.unwrap();
            assert!(matches!(reply, PortalReply::At(Next::Mail(_))), "{reply:?}");
        }
    }
    let whole = signed(served.user(&real.session, mail_code(&code)).await.unwrap());
    assert_eq!(whole.next, Next::Home);
    served.home(&whole.session).await;
    let void = served.user(&real.session, UserOp::Home).await.unwrap();
    assert_eq!(void, PortalReply::SignedOut);
    assert_eq!(served.mails().len(), 1);
    for reason in ["has-password", "unknown-user", "no-way-in", "not-in-resource"] {
        assert!(served.rows("portal.challenge", reason).await > 0, "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2d_a_mailed_code_is_bound_to_its_browser_and_ends() {
    let served = served().await;
    let one = begin(&served, "mailer").await;
    let first = served.mailed(1, "mailer@example.com").await;
    let two = begin(&served, "mailer").await;
    let second = served.mailed(2, "mailer@example.com").await;
    assert_ne!(first, second);
    let (why, _) = wrong(served.user(&two.session, mail_code(&first)).await.unwrap());
    assert_eq!(why, "wrong", "another browser's");
    for typed in ["", "12345", "abcdef"] {
        let (_, ask) = wrong(served.user(&two.session, mail_code(&typed.into())).await.unwrap());
        assert_eq!(ask.left, 4, "costs no try");
    }
    // Too soon.
    let ask = at(served.user(&one.session, UserOp::Resend).await.unwrap());
    assert!(ask.resend_in.unwrap() > 0);
    served.pass(31);
    at(served.user(&one.session, UserOp::Resend).await.unwrap());
    assert_eq!(
        served.mailed(3, "mailer@example.com").await,
        first,
        "the same digits"
    );
    let mut last = String::new();
    for _ in 0..4 {
        last = wrong(
            served
                .user(&two.session, mail_code(&other(&second)))
                .await
                .unwrap(),
        )
        .0;
    }
    assert_eq!(last, "tries-used");
    let (why, _) = wrong(served.user(&two.session, mail_code(&second)).await.unwrap());
    assert_eq!(why, "tries-used", "not even the right one");
    served.pass(300);
    let (why, _) = wrong(served.user(&one.session, mail_code(&first)).await.unwrap());
    assert_eq!(why, "expired");
    // Wrong codes from mails lock nobody's second factor.
    let id = served.stored("mailer").await.id;
    let guard = served.daemon.read(move |read| read.guard(id)).await.unwrap();
    assert_eq!(guard.consecutive, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p2d_ten_wrong_mail_codes_close_that_way_for_the_network_under_any_name() {
    let served = served().await;
    for login in ["mailer", "nobody"] {
        for _ in 0..2 {
            let half = begin(&served, login).await;
            for _ in 0..5 {
                wrong(
                    served
                        .user(&half.session, mail_code(&"000000".into()))
                        .await
                        .unwrap(),
                );
            }
        }
        match served.ask(by_mail(login, HERE)).await.unwrap() {
            PortalReply::Refused { retry_after, .. } => assert_eq!(retry_after, Some(900), "{login}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(served.rows("portal.deny", "email-closed").await, 2);
    // Another network is open.
    signed(served.ask(by_mail("mailer", "203.0.113.9")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_mails_an_hour_to_an_address_and_ten_from_a_network() {
    let served = served().await;
    for login in ["mailer", "nobody"] {
        for _ in 0..5 {
            begin(&served, login).await;
        }
        // Ten came from this network by now, for the second name.
        match served.ask(by_mail(login, HERE)).await.unwrap() {
            PortalReply::Refused { retry_after, .. } => assert_eq!(retry_after, Some(3600), "{login}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        served.ask(by_mail("fresh", HERE)).await.unwrap(),
        PortalReply::Refused { .. }
    ));
    assert_eq!(served.rows("portal.deny", "email-budget").await, 3);
    served.until_mails(5).await;
    // An alias shares the address's budget, without a word of it on the page.
    served
        .change("mailer", |user| user.aliases = vec!["post".parse_name()])
        .await;
    let alias = signed(served.ask(by_mail("post", "203.0.113.9")).await.unwrap());
    seen(&alias);
    assert_eq!(served.rows("portal.challenge", "email-budget").await, 1);
    served.pass(3600);
    begin(&served, "mailer").await;
    served.until_mails(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_use_up_no_codes_of_a_network_that_the_person_came_in_from() {
    const HOME: &str = "198.51.100.7";
    let served = served().await;
    let half = signed(served.ask(by_mail("mailer", HOME)).await.unwrap());
    let code = served.mailed(1, "mailer@example.com").await;
    signed(served.user(&half.session, mail_code(&code)).await.unwrap());
    served.pass(29 * 24 * 3600);
    // Ten strangers in ten networks, each as often as it may.
    for network in 0..10 {
        let from = format!("10.0.{network}.1");
        for _ in 0..5 {
            signed(served.ask(by_mail("mailer", &from)).await.unwrap());
        }
        let more = served.ask(by_mail("mailer", &from)).await.unwrap();
        assert!(
            matches!(
                more,
                PortalReply::Refused {
                    retry_after: Some(3600),
                    ..
                }
            ),
            "{more:?}"
        );
    }
    served.until_mails(6).await;
    // The page of a stranger says what it says of names of nobody, and no more is mailed there.
    let decoy = signed(served.ask(by_mail("nobody", "10.0.77.1")).await.unwrap());
    let late = signed(served.ask(by_mail("mailer", "10.0.78.1")).await.unwrap());
    assert_eq!(seen(&late), seen(&decoy));
    // At home there are two codes left, one of them sent again.
    let half = signed(served.ask(by_mail("mailer", "198.51.100.200")).await.unwrap());
    let code = served.mailed(7, "mailer@example.com").await;
    served.pass(31);
    at(served.user(&half.session, UserOp::Resend).await.unwrap());
    assert_eq!(served.mailed(8, "mailer@example.com").await, code);
    let whole = signed(served.user(&half.session, mail_code(&code)).await.unwrap());
    assert_eq!(whole.next, Next::Home);
    let refused = async || served.rows("portal.challenge", "email-budget").await;
    let before = refused().await;
    signed(served.ask(by_mail("mailer", HOME)).await.unwrap());
    assert_eq!(refused().await, before + 1, "two are all");
    // It is known for 30 days, and like any other network then.
    served.pass(31 * 24 * 3600);
    for _ in 0..5 {
        signed(served.ask(by_mail("mailer", "10.0.1.1")).await.unwrap());
    }
    served.until_mails(13).await;
    signed(served.ask(by_mail("mailer", HOME)).await.unwrap());
    assert_eq!(refused().await, before + 2);
}

trait ParseName {
    fn parse_name(&self) -> otpost_core::name::LoginName;
}

impl ParseName for str {
    fn parse_name(&self) -> otpost_core::name::LoginName {
        otpost_core::name::LoginName::parse(self).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2e_a_mail_server_that_is_down_is_said_of_all_names_alike() {
    let served = served().await;
    served.mail_is_down(true);
    let real = begin(&served, "mailer").await;
    until(async || {
        let ask = at(served.user(&real.session, UserOp::Where).await.unwrap());
        (ask.trouble == "failed").then_some(())
    })
    .await;
    let decoy = begin(&served, "nobody").await;
    assert_eq!(seen(&decoy).1.trouble, "failed");
    served.mail_is_down(false);
    served.pass(31);
    at(served.user(&real.session, UserOp::Resend).await.unwrap());
    let code = served.mailed(1, "mailer@example.com").await;
    signed(served.user(&real.session, mail_code(&code)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_after_the_mailed_code_too() {
    let served = served().await;
    served.token("mailer", "+491712345670").await;
    let half = begin(&served, "mailer").await;
    let code = served.mailed(1, "mailer@example.com").await;
    let next = signed(served.user(&half.session, mail_code(&code)).await.unwrap());
    let Next::Factor(ask) = &next.next else {
        panic!("{next:?}")
    };
    assert_eq!(methods(ask), [Method::Sms]);
    let text = served.until_texts(1).await.remove(0);
    // The mailed code is of no use any more, at either step.
    let again = served.user(&next.session, mail_code(&code)).await.unwrap();
    assert!(matches!(again, PortalReply::At(Next::Factor(_))), "{again:?}");
    let (why, _) = wrong(
        served
            .user(&next.session, factor(Method::Mail, &code))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong");
    signed(
        served
            .user(&next.session, factor(Method::Sms, &text.code()))
            .await
            .unwrap(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_by_mail_can_be_switched_off() {
    let served = served().await;
    served
        .must(AdminOp::PortalSet(PortalSet {
            email_codes: Some(false),
            ..PortalSet::default()
        }))
        .await;
    for login in ["mailer", "nobody"] {
        assert!(matches!(
            served.ask(by_mail(login, HERE)).await.unwrap(),
            PortalReply::Refused {
                retry_after: None,
                ..
            }
        ));
    }
    assert!(served.mails().is_empty());
    let unknown = otpost_ipc::portal::PortalOp::SignInByMail {
        address: "nowhere".to_owned(),
        user: "mailer".to_owned(),
        invite: None,
        browser: crate::common::browser(HERE),
    };
    assert_eq!(code_of(served.ask(unknown).await), FaultCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_password_is_set_after_a_fresh_mail_and_changes_the_way_in() {
    let served = Served::new().await;
    served.mail_server().await;
    served.person_with(UserAdd { ..add("mailer") }).await;
    let half = begin(&served, "mailer").await;
    let code = served.mailed(1, "mailer@example.com").await;
    let session = signed(served.user(&half.session, mail_code(&code)).await.unwrap()).session;
    let act = otpost_ipc::portal::UserAct::Password {
        current: None,
        new: PASSWORD.into(),
    };
    let (id, ask) = match served.act(&session, act).await.unwrap() {
        PortalReply::StepUp { id, ask, .. } => (id, ask),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (methods(&ask), ask.to.as_str()),
        (vec![Method::Mail], "m***@example.com")
    );
    let code = served.mailed(2, "mailer@example.com").await;
    assert!(
        served.mails()[1].contains("set a new password"),
        "the mail names the act"
    );
    let done = served
        .user(&session, crate::common::answer(&id, Method::Mail, &code))
        .await
        .unwrap();
    assert_eq!(crate::common::done(done), "password");
    signed(served.ask(sign_in("mailer", PASSWORD, HERE)).await.unwrap());
    begin(&served, "mailer").await;
    assert_eq!(served.rows("portal.challenge", "has-password").await, 1);
}
