//! What people do to their tokens and profile.

use otpost_core::name::LoginName;
use otpost_core::portal::factors::TotpToken;
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, UserAdd};
use otpost_ipc::portal::{EnrolState, Method, PortalReply, UserAct, UserOp};
use otpost_store::document;

use crate::common::{HERE, PASSWORD, Served, WRONG, add, answer, code_of, done, sign_in, signed, wrong};

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_languages_and_preferences_are_changed_at_once() {
    let served = Served::new().await;
    served.person("alice").await;
    let token = served.token("alice", "+491712345670").await.to_string();
    let app = served.app("alice").await.to_string();
    let session = served.by_text("alice").await;
    for (act, what) in [
        (
            UserAct::Rename {
                token: token.clone(),
                name: text("  Work phone "),
            },
            "rename",
        ),
        (
            UserAct::Rename {
                token: app.clone(),
                name: text("Tablet"),
            },
            "rename",
        ),
        (UserAct::Prefer { token: app.clone() }, "prefer"),
        (UserAct::Language { lang: text("de") }, "language"),
        (
            UserAct::Names {
                first: text("Alice"),
                last: text(" Müller "),
            },
            "names",
        ),
    ] {
        assert_eq!(done(served.act(&session, act).await.unwrap()), what);
    }
    let home = served.home(&session).await;
    assert_eq!(
        (home.profile.first.as_str(), home.profile.last.as_str()),
        ("Alice", "Müller")
    );
    assert_eq!(home.lang, "de");
    let names: Vec<_> = home
        .tokens
        .iter()
        .map(|t| (t.name.as_str(), t.preferred))
        .collect();
    assert_eq!(names, [("Work phone", false), ("Tablet", true)]);
    assert_eq!(home.tokens[0].phone, "+49 *** *** 70", "masked");
    for bad in ["<b>", "a/b", "50%", &"x".repeat(51)] {
        let act = UserAct::Rename {
            token: token.clone(),
            name: text(bad),
        };
        let fault = served.act(&session, act).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::Invalid);
        assert!(fault.message.starts_with("name: "), "{}", fault.message);
    }
    for act in [
        UserAct::Language { lang: text("tlh") },
        UserAct::Names {
            first: "x".repeat(101),
            last: String::new(),
        },
    ] {
        assert_eq!(code_of(served.act(&session, act).await), FaultCode::Invalid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_text_goes_through_the_gate() {
    let served = Served::new().await;
    served.person("alice").await;
    let token = served.token("alice", "+491712345670").await.to_string();
    let session = served.by_text("alice").await;
    let act = UserAct::TestText { token };
    assert_eq!(
        done(served.act(&session, act.clone()).await.unwrap()),
        "test-text"
    );
    let texts = served.until_texts(2).await;
    assert!(texts[1].text.contains("test message"), "{}", texts[1].text);
    served
        .must(AdminOp::SmsPolicySet(otpost_ipc::admin::SmsPolicySet {
            number_hour: Some(2),
            ..otpost_ipc::admin::SmsPolicySet::default()
        }))
        .await;
    let fault = served.act(&session, act).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::Busy);
    assert!(fault.retry_after.unwrap() > 0);
    served.no_more_texts(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_with_the_old_one_and_a_fresh_code_and_ends_other_sessions() {
    let served = Served::new().await;
    served.mail_server().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let other = served.by_text("alice").await;
    let session = served.by_text("alice").await;
    let change = |current: Option<&str>, new: &str| UserAct::Password {
        current: current.map(Into::into),
        new: new.into(),
    };
    for current in [None, Some(WRONG)] {
        let fault = served
            .act(&session, change(current, "Admiralfalter-7"))
            .await
            .unwrap_err();
        assert_eq!(fault.code, FaultCode::Invalid);
        assert!(fault.message.starts_with("current: "), "{}", fault.message);
    }
    for new in ["short", &"x".repeat(129)] {
        let fault = served
            .act(&session, change(Some(PASSWORD), new))
            .await
            .unwrap_err();
        assert!(fault.message.starts_with("new: "), "{}", fault.message);
    }
    served.no_more_texts(2).await;
    let (id, text) = served
        .step_up(&session, change(Some(PASSWORD), "Admiralfalter-7"))
        .await;
    assert!(text.text.contains("to set a new password"));
    signed(served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap());
    let reply = served
        .user(&session, answer(&id, Method::Sms, &text.code()))
        .await
        .unwrap();
    assert_eq!(done(reply), "password");
    assert_eq!(
        served.user(&other, UserOp::Home).await.unwrap(),
        PortalReply::SignedOut
    );
    assert!(served.home(&session).await.profile.password_set.is_some());
    assert!(matches!(
        served.ask(sign_in("alice", PASSWORD, HERE)).await.unwrap(),
        PortalReply::Refused { .. }
    ));
    signed(
        served
            .ask(sign_in("alice", "Admiralfalter-7", HERE))
            .await
            .unwrap(),
    );
    assert!(served.until_mails(1).await[0].contains("Subject: Password changed at Office VPN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_changes_after_a_fresh_code_and_one_from_the_new_address_and_the_old_one_hears() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let session = served.by_text("alice").await;
    let email = |new: &str| UserAct::Email { new: text(new) };
    // Without a mail server a new address could not be confirmed.
    let fault = served.act(&session, email("new@example.com")).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::Conflict);
    served.mail_server().await;
    for bad in ["", "new", "a@b@c", "x\n@example.com"] {
        let fault = served.act(&session, email(bad)).await.unwrap_err();
        assert_eq!((fault.code, &fault.message[..7]), (FaultCode::Invalid, "email: "));
    }
    let (id, by_text) = served.step_up(&session, email("new@example.com")).await;
    let reply = served
        .user(&session, answer(&id, Method::Sms, &by_text.code()))
        .await
        .unwrap();
    let PortalReply::StepUp { id, act, value, ask } = reply else {
        panic!("{reply:?}")
    };
    assert_eq!((act.as_str(), value.as_str()), ("new-email", "new@example.com"));
    assert_eq!(ask.to, "n***@example.com");
    assert_eq!(served.stored("alice").await.email.unwrap(), "alice@example.com");
    // The text's code does not prove the mailbox.
    let (why, _) = wrong(
        served
            .user(&session, answer(&id, Method::Mail, &by_text.code()))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong");
    let code = served.mailed(1, "new@example.com").await;
    let reply = served
        .user(&session, answer(&id, Method::Mail, &code))
        .await
        .unwrap();
    assert_eq!(done(reply), "email");
    assert_eq!(served.stored("alice").await.email.unwrap(), "new@example.com");
    let mails = served.until_mails(2).await;
    assert!(mails[1].contains("To: alice@example.com") && mails[1].contains("n***@example.com"));
    // That an address is taken is told to whoever reads its mail only.
    served.person("bob").await;
    let (id, by_text) = served.step_up(&session, email("bob@example.com")).await;
    let reply = served
        .user(&session, answer(&id, Method::Sms, &by_text.code()))
        .await
        .unwrap();
    let PortalReply::StepUp { id, .. } = reply else {
        panic!("{reply:?}")
    };
    let code = served.mailed(3, "bob@example.com").await;
    let fault = served
        .user(&session, answer(&id, Method::Mail, &code))
        .await
        .unwrap_err();
    assert_eq!(
        (fault.code, &fault.message[..7]),
        (FaultCode::Conflict, "email: ")
    );
    assert_eq!(served.stored("alice").await.email.unwrap(), "new@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signed_in_cannot_have_the_world_mailed() {
    let served = Served::new().await;
    served.mail_server().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let session = served.by_text("alice").await;
    let mut sent = 0;
    for n in 0..12 {
        let new = format!("victim{n}@example.com");
        let (id, by_text) = served.step_up(&session, UserAct::Email { new }).await;
        let reply = served
            .user(&session, answer(&id, Method::Sms, &by_text.code()))
            .await
            .unwrap();
        let PortalReply::StepUp { ask, .. } = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(ask.sent, ask.trouble.is_empty());
        if ask.sent {
            sent += 1;
        } else {
            assert_eq!(ask.trouble, "budget");
        }
    }
    assert_eq!(sent, 10, "ten an hour from a network");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_changes_to_a_free_name_only() {
    let served = Served::new().await;
    served.person("alice").await;
    served.person("bob").await;
    let session = served.session("alice").await;
    let login = |new: &str| UserAct::Login { new: text(new) };
    for (new, code) in [
        ("bob", FaultCode::Conflict),
        // Accounts of this system: whoever had such a name would get the codes of their logins.
        ("root", FaultCode::Conflict),
        ("CORP\\Root", FaultCode::Conflict),
        ("daemon@corp", FaultCode::Conflict),
        ("", FaultCode::Invalid),
        ("a b", FaultCode::Invalid),
        (&"x".repeat(65), FaultCode::Invalid),
    ] {
        let fault = served.act(&session, login(new)).await.unwrap_err();
        assert_eq!((fault.code, &fault.message[..7]), (code, "login: "));
    }
    let reply = served.act(&session, login("Alicia")).await.unwrap();
    let PortalReply::StepUp { id, .. } = reply else {
        panic!("{reply:?}")
    };
    // Somebody takes it first.
    served
        .person_with(UserAdd {
            email: None,
            ..add("alicia")
        })
        .await;
    let reply = served
        .user(&session, answer(&id, Method::Password, &PASSWORD.into()))
        .await;
    assert_eq!(code_of(reply), FaultCode::Conflict);
    assert_eq!(served.stored("alice").await.login, "alice");
    let taken = async |new: &str| served.act(&session, login(new)).await.unwrap_err().message;
    assert_eq!(
        taken("root").await,
        taken("bob").await,
        "nothing is told of the system"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_user_name_changes_hears_of_it_and_keeps_what_an_administrator_gave() {
    let served = Served::new().await;
    served.person("alice").await;
    served
        .change("alice", |user| {
            user.aliases = vec![LoginName::parse("daemon").unwrap()];
        })
        .await;
    served.mail_server().await;
    let session = served.session("alice").await;
    for (n, new) in ["alicia", "daemon"].into_iter().enumerate() {
        let before = served.stored(if n == 0 { "alice" } else { "alicia" }).await.login;
        let reply = served.act(&session, UserAct::Login { new: text(new) });
        let PortalReply::StepUp { id, .. } = reply.await.unwrap() else {
            panic!("a step-up")
        };
        let reply = served.user(&session, answer(&id, Method::Password, &PASSWORD.into()));
        assert_eq!(done(reply.await.unwrap()), "login");
        assert_eq!(served.stored(new).await.login, new);
        let mails = served.until_mails(n + 1).await;
        // Long lines are broken up (RFC 2045 section 6.7).
        let mail = mails[n].replace("=\n", "");
        assert!(mail.contains("To: alice@example.com"), "{mail}");
        assert!(
            mail.contains("Subject: User name changed at Office VPN"),
            "{mail}"
        );
        assert!(
            mail.contains(&format!("account {before} at")) && mail.contains(&format!("It is now {new}.")),
            "{mail}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_resource_guards_this_one_too_after_its_own_code_and_goes_again() {
    let served = Served::new().await;
    served.person("alice").await;
    served.resource("Lab", "lab").await;
    served
        .must(AdminOp::UserBind {
            user: text("alice"),
            resource: text("Lab"),
        })
        .await;
    served
        .must(AdminOp::TokenAdd {
            user: text("alice"),
            phone: "+491712345679".into(),
            name: text("Lab phone"),
            digits: None,
            resources: vec![text("Lab")],
        })
        .await;
    let session = served.session("alice").await;
    let home = served.home(&session).await;
    assert!(home.tokens.is_empty());
    assert_eq!(home.elsewhere.len(), 1);
    let token = home.elsewhere[0].id.clone();
    // What is elsewhere is not managed here.
    for act in [
        UserAct::Unassign { token: token.clone() },
        UserAct::Prefer { token: token.clone() },
        UserAct::TestText { token: token.clone() },
    ] {
        assert_eq!(code_of(served.act(&session, act).await), FaultCode::NotFound);
    }
    let act = UserAct::AssignExisting { token: token.clone() };
    let (id, by_text) = served.step_up(&session, act.clone()).await;
    assert_eq!(by_text.to, "+491712345679", "the token proves itself");
    let (why, _) = wrong(
        served
            .user(&session, answer(&id, Method::Password, &PASSWORD.into()))
            .await
            .unwrap(),
    );
    assert_eq!(why, "wrong");
    let reply = served
        .user(&session, answer(&id, Method::Sms, &by_text.code()))
        .await
        .unwrap();
    assert_eq!(done(reply), "assign-existing");
    assert_eq!(served.home(&session).await.tokens.len(), 1);
    assert_eq!(
        code_of(served.act(&session, act).await),
        FaultCode::NotFound,
        "it is here"
    );
    let (id, by_text) = served.step_up(&session, UserAct::Unassign { token }).await;
    served
        .user(&session, answer(&id, Method::Sms, &by_text.code()))
        .await
        .unwrap();
    let tokens = served.tokens("alice").await;
    assert_eq!(
        (tokens.len(), tokens[0].resources.len()),
        (1, 1),
        "it guards the other one still"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_clock_is_found_again() {
    let served = Served::new().await;
    let user = served.person("alice").await;
    let app = served.app("alice").await.to_string();
    served.token("alice", "+491712345670").await;
    let session = served.by_text("alice").await;
    let synchronise = |first, second| UserAct::Synchronise {
        token: app.clone(),
        first,
        second,
    };
    let (why, _) = wrong(
        served
            .act(&session, synchronise("123".into(), served.shows(0)))
            .await
            .unwrap(),
    );
    assert_eq!(why, "too-few");
    let guard = async || {
        served
            .daemon
            .read(move |read| read.guard(user))
            .await
            .unwrap()
            .consecutive
    };
    assert_eq!(guard().await, 0);
    let (why, _) = wrong(
        served
            .act(&session, synchronise(served.shows(5), served.shows(9)))
            .await
            .unwrap(),
    );
    assert_eq!((why.as_str(), guard().await), ("wrong", 1));
    let found = served
        .act(&session, synchronise(served.shows(11), served.shows(12)))
        .await
        .unwrap();
    assert_eq!(done(found), "synchronise");
    let apps: Vec<TotpToken> = served
        .daemon
        .read(move |read| document::of(read, &user.0))
        .await
        .unwrap();
    assert_eq!(apps[0].offset, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_come_after_a_token_once_and_are_renewed_by_a_fresh_code() {
    let served = Served::new().await;
    served.person("alice").await;
    let session = served.session("alice").await;
    assert_eq!(
        code_of(served.user(&session, UserOp::RecoveryFirst).await),
        FaultCode::Conflict
    );
    served.token("alice", "+491712345670").await;
    served.pass(1);
    let session = served.by_text("alice").await;
    let first = match served.user(&session, UserOp::RecoveryFirst).await.unwrap() {
        PortalReply::Codes { codes } => codes,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (first.len(), served.home(&session).await.recovery_left),
        (10, Some(10))
    );
    assert_eq!(
        code_of(served.user(&session, UserOp::RecoveryFirst).await),
        FaultCode::Conflict
    );
    let (id, by_text) = served.step_up(&session, UserAct::RenewRecovery).await;
    let fresh = match served
        .user(&session, answer(&id, Method::Sms, &by_text.code()))
        .await
        .unwrap()
    {
        PortalReply::Codes { codes } => codes,
        other => panic!("{other:?}"),
    };
    let (half, _) = served.half("alice").await;
    let old = crate::common::factor(Method::Recovery, &first[0]);
    assert_eq!(wrong(served.user(&half, old).await.unwrap()).0, "wrong");
    let new = crate::common::factor(Method::Recovery, &fresh[0]);
    signed(served.user(&half, new).await.unwrap());
    // They are kept as password hashes.
    let sets = served
        .daemon
        .read(|read| read.documents("recovery", None, 10))
        .await
        .unwrap();
    let body = String::from_utf8_lossy(&sets[0].body).into_owned();
    assert_eq!(body.matches("$argon2id$").count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_changes_after_a_code_of_the_old_one_and_one_of_the_new() {
    let served = Served::new().await;
    served.person("alice").await;
    let token = served.token("alice", "+491712345670").await.to_string();
    let session = served.by_text("alice").await;
    let act = UserAct::ChangePhone {
        token: token.clone(),
        phone: "0171 2345699".into(),
    };
    let (id, old) = served.step_up(&session, act).await;
    assert_eq!(old.to, "+491712345670");
    assert!(old.text.contains("to change your phone number"), "{}", old.text);
    let reply = served
        .user(&session, answer(&id, Method::Sms, &old.code()))
        .await
        .unwrap();
    let PortalReply::Enrolment(view) = reply else {
        panic!("{reply:?}")
    };
    assert!(view.replaces && view.state == EnrolState::Open);
    let texts = served.until_texts(3).await;
    assert_eq!(texts[2].to, "+491712345699");
    assert_eq!(
        served.tokens("alice").await[0].phone.masked(),
        "+49 *** *** 70",
        "the old one until then"
    );
    let code = texts[2].code();
    let reply = served
        .user(&session, UserOp::EnrolConfirm { id: view.id, code })
        .await
        .unwrap();
    let PortalReply::Enrolment(view) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(view.state, EnrolState::Done);
    let after = served.tokens("alice").await;
    assert_eq!((after.len(), after[0].id.to_string()), (1, token));
    assert_eq!(after[0].phone.masked(), "+49 *** *** 99");
    let texts = served.until_texts(4).await;
    assert_eq!(texts[3].to, "+491712345670", "the old number hears of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_recorded_without_a_code_a_number_or_a_password() {
    let served = Served::new().await;
    served.person("alice").await;
    served.token("alice", "+491712345670").await;
    let (half, code) = served.half("alice").await;
    served.ask(sign_in("alice", WRONG, HERE)).await.unwrap();
    wrong(
        served
            .user(
                &half,
                crate::common::factor(Method::Sms, &crate::common::other(&code)),
            )
            .await
            .unwrap(),
    );
    let session = signed(
        served
            .user(&half, crate::common::factor(Method::Sms, &code))
            .await
            .unwrap(),
    )
    .session;
    let (id, by_text) = served
        .step_up(&session, UserAct::Login { new: text("alicia") })
        .await;
    served
        .user(&session, answer(&id, Method::Sms, &by_text.code()))
        .await
        .unwrap();
    served.user(&session, UserOp::SignOut).await.unwrap();
    let rows = served.audit().await;
    let mut kinds: Vec<(&str, &str)> = rows
        .iter()
        .filter(|row| row.kind.starts_with("portal."))
        .map(|row| (row.kind.as_str(), row.reason.as_str()))
        .collect();
    if kinds.first() != Some(&("portal.challenge", "factor-asked")) {
        kinds.reverse();
    }
    assert_eq!(
        kinds,
        [
            ("portal.challenge", "factor-asked"),
            ("portal.deny", "wrong-password"),
            ("portal.wrong-code", "wrong-code"),
            ("portal.sign-in", "sms"),
            ("portal.challenge", "step-up"),
            ("portal.step-up", "sms"),
            ("portal.act", "done"),
            ("portal.sign-out", "asked"),
        ]
    );
    for row in rows.iter().filter(|row| row.kind.starts_with("portal.")) {
        assert_eq!(
            (row.reference.len(), row.resource.as_str(), row.via.as_str()),
            (8, "Office VPN", "portal office")
        );
        assert_eq!(row.source, HERE);
    }
    let all = served
        .daemon
        .read(|read| read.audit(0, 10_000))
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.text)
        .collect::<String>();
    for secret in [
        code.expose(),
        by_text.code().expose(),
        "1712345670",
        PASSWORD,
        WRONG,
        session.expose(),
        half.expose(),
    ] {
        assert!(!all.contains(secret));
    }
}
