//! Texts through HTTP gateways, from the login to the provider and back to the administrator.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::time::Duration;

use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, MessageView, ResourceSettings, SmsPolicySet, UserAdd};
use otpost_ipc::{Fault, Secret};
use otpost_radius_wire::Code;
use otpost_tests::dice::Dice;
use otpost_tests::gateway::{Gateway, TOKEN, impatient, provider, text_in};
use otpost_tests::pamstack::{timed, wait_for};
use otpost_tests::stack::{PASSWORD, SECRET, Stack, number};
use otpost_tests::vpn::{Answered, Vpn};

/// An unknown outcome is tried elsewhere after this.
const UNKNOWN_WAIT: Duration = Duration::from_secs(8);

fn stack() -> (Stack, Vpn) {
    stack_with("")
}

/// A VPN with user alice, and no provider yet.
fn stack_with(further: &str) -> (Stack, Vpn) {
    let mut stack = Stack::with(further);
    stack.roomy();
    stack.resource("vpn", ResourceSettings::default());
    stack.client("gw", "127.0.0.1/32", "vpn", "local");
    stack.user("alice", 5678, &["vpn"]);
    stack.start_radius("127.0.0.1:0");
    let vpn = Vpn::new(stack.address(), SECRET, Dice::new(1));
    (stack, vpn)
}

fn challenged(vpn: &mut Vpn, user: &str) -> Answered {
    let challenged = vpn.ask(user, PASSWORD, None);
    assert_eq!(challenged.code, Code::AccessChallenge, "{}", challenged.message);
    challenged
}

fn accepted(vpn: &mut Vpn, user: &str, challenged: &Answered, code: &str) {
    let answered = vpn.ask(user, code, Some(&challenged.state));
    assert_eq!(answered.code, Code::AccessAccept, "{}", answered.message);
}

/// The newest text as an administrator sees it, once nothing is on its way.
fn newest(stack: &Stack) -> MessageView {
    let _ = stack.settled();
    match stack.admin(AdminOp::SmsMessages {
        limit: 1,
        after: None,
    }) {
        AdminReply::Messages { mut messages, .. } => messages.pop().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// State, provider's id, and what the provider said.
type Sent = (String, Option<String>, String);

fn test_op(phone: &str, provider: Option<&str>) -> AdminOp {
    AdminOp::SmsSendTest {
        phone: Secret::new(phone.to_owned()),
        provider: provider.map(str::to_owned),
    }
}

fn send_test(stack: &Stack, provider: Option<&str>) -> Sent {
    match stack.admin(test_op(&number(5678), provider)) {
        AdminReply::SendTest {
            state,
            provider_id,
            detail,
            ..
        } => (state, provider_id, detail),
        other => panic!("{other:?}"),
    }
}

fn refused_test(stack: &Stack, phone: &str) -> Fault {
    let fault = stack.refused(test_op(phone, None));
    assert_eq!(fault.code, FaultCode::Busy, "{fault:?}");
    fault
}

fn policy(stack: &Stack, set: SmsPolicySet) {
    stack.admin(AdminOp::SmsPolicySet(set));
}

fn countries(stack: &Stack, list: &[&str]) {
    policy(
        stack,
        SmsPolicySet {
            countries: Some(list.iter().map(|&c| c.to_owned()).collect()),
            ..SmsPolicySet::default()
        },
    );
}

#[test]
fn get_form_and_json_carry_a_login() {
    let (stack, mut vpn) = stack();
    for (n, kind) in ["get", "form", "json"].into_iter().enumerate() {
        let gateway = Gateway::start();
        let settings = match kind {
            "get" => gateway.get("/send"),
            "form" => gateway.form("/send"),
            _ => gateway.json("/send"),
        };
        provider(&stack, kind, 1, &settings);
        let login = challenged(&mut vpn, "alice");
        let request = gateway.received(1).remove(0);
        let text = text_in(&request);
        assert_eq!(text.to, number(5678));
        assert!(login.message.contains(&text.label()), "{}", login.message);
        let header = |name: &str| request["headers"][name].as_str().unwrap_or_default().to_owned();
        match kind {
            "get" => {
                assert_eq!(request["method"], "GET");
                assert_eq!(request["query"][2], serde_json::json!(["key", TOKEN]));
            }
            "form" => {
                assert_eq!(request["method"], "POST");
                assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
                assert!(header("authorization").starts_with("Basic "));
            }
            _ => {
                assert_eq!(request["method"], "POST");
                assert_eq!(header("content-type"), "application/json");
                assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
                let ttl: u32 = request["json"]["ttl"].as_str().unwrap().parse().unwrap();
                assert!((200..=300).contains(&ttl), "{ttl}");
            }
        }
        accepted(&mut vpn, "alice", &login, &text.code());
        let message = newest(&stack);
        assert_eq!(
            (message.state.as_str(), message.tried),
            ("accepted", vec![kind.to_owned()])
        );
        assert_eq!(gateway.requests().len(), 1, "login {n}");
        stack.admin(AdminOp::SmsProviderRemove {
            name: kind.to_owned(),
        });
    }
}

#[test]
fn a_200_with_an_error_in_its_body_goes_to_the_next_provider_with_the_same_digits() {
    let (stack, mut vpn) = stack();
    let (broke, good) = (Gateway::start(), Gateway::start());
    provider(&stack, "broke", 1, &broke.form("/error-body"));
    provider(&stack, "good", 2, &good.json("/send"));
    let login = challenged(&mut vpn, "alice");
    let delivered = text_in(&good.received(1)[0]);
    let offered = text_in(&broke.received(1)[0]);
    assert_eq!((&offered.to, offered.code()), (&delivered.to, delivered.code()));
    accepted(&mut vpn, "alice", &login, &delivered.code());
    let message = newest(&stack);
    assert_eq!(message.state, "accepted");
    assert_eq!(message.tried, ["broke", "good"]);
    assert_eq!((broke.requests().len(), good.requests().len()), (1, 1));
    // Alone it is a failure, and the provider's words say why.
    let (state, id, detail) = send_test(&stack, Some("broke"));
    assert_eq!((state.as_str(), id), ("failed", None));
    assert!(
        detail.starts_with("9: HTTP 200: ") && detail.contains("no money"),
        "{detail}"
    );
}

#[test]
fn a_500_goes_to_the_next_provider_or_is_tried_three_times() {
    let (stack, mut vpn) = stack();
    let (down, good) = (Gateway::start(), Gateway::start());
    provider(&stack, "down", 1, &down.get("/500"));
    provider(&stack, "good", 2, &good.get("/send"));
    let login = challenged(&mut vpn, "alice");
    let code = text_in(&good.received(1)[0]).code();
    assert_eq!(text_in(&down.received(1)[0]).code(), code);
    accepted(&mut vpn, "alice", &login, &code);
    assert_eq!(newest(&stack).tried, ["down", "good"]);

    let (state, _, detail) = send_test(&stack, Some("down"));
    assert_eq!(state, "failed");
    assert!(detail.contains("HTTP 500"), "{detail}");
    assert_eq!(newest(&stack).tried, ["down", "down", "down"]);
    assert_eq!(down.received(4).len(), 4);
    assert_eq!(good.requests().len(), 1);
}

#[test]
fn a_hang_is_answered_at_once_and_tried_elsewhere_after_eight_seconds() {
    let (stack, mut vpn) = stack();
    let (silent, good) = (Gateway::start(), Gateway::start());
    provider(&stack, "silent", 1, &impatient(silent.json("/hang")));
    provider(&stack, "good", 2, &good.json("/send"));
    let login = challenged(&mut vpn, "alice");
    assert_eq!(login.sent, 1, "the VPN does not wait for the provider");
    let offered = text_in(&silent.received(1)[0]);
    let (delivered, waited) = timed(|| text_in(&good.received(1)[0]));
    assert!(waited >= UNKNOWN_WAIT, "{waited:?}");
    assert_eq!((&offered.to, offered.code()), (&delivered.to, delivered.code()));
    accepted(&mut vpn, "alice", &login, &delivered.code());
    let message = newest(&stack);
    assert_eq!(message.state, "accepted");
    assert_eq!(message.tried, ["silent", "good"]);
    assert_eq!((silent.requests().len(), good.requests().len()), (1, 1));
}

#[test]
fn with_nobody_else_to_ask_a_hang_or_a_reset_is_unknown_and_never_repeated() {
    let (stack, _) = stack();
    for path in ["/hang", "/reset"] {
        let gateway = Gateway::start();
        provider(&stack, "only", 1, &impatient(gateway.form(path)));
        let (state, id, detail) = send_test(&stack, None);
        assert_eq!((state.as_str(), id), ("unknown", None), "{path}: {detail}");
        let said = if path == "/hang" {
            "no answer within total-timeout"
        } else {
            "the connection broke before an answer came"
        };
        assert!(detail.starts_with(said), "{path}: {detail}");
        // It has ended: a provider that comes later gets its own texts only.
        let later = Gateway::start();
        provider(&stack, "later", 2, &later.form("/send"));
        let (state, id, _) = send_test(&stack, Some("later"));
        assert_eq!((state.as_str(), id.as_deref()), ("accepted", Some("m-77")));
        let _ = stack.settled();
        assert_eq!((gateway.requests().len(), later.requests().len()), (1, 1));
        for name in ["only", "later"] {
            stack.admin(AdminOp::SmsProviderRemove {
                name: name.to_owned(),
            });
        }
    }
}

#[test]
fn a_closed_port_goes_to_the_next_provider_at_once() {
    let (stack, mut vpn) = stack();
    let gone = Gateway::start();
    let settings = gone.get("/send");
    drop(gone);
    let good = Gateway::start();
    provider(&stack, "gone", 1, &settings);
    provider(&stack, "good", 2, &good.get("/send"));
    let login = challenged(&mut vpn, "alice");
    let code = text_in(&good.received(1)[0]).code();
    accepted(&mut vpn, "alice", &login, &code);
    assert_eq!(newest(&stack).tried, ["gone", "good"]);
}

#[test]
fn send_test_says_what_came_of_it_and_repeats_no_secret() {
    let (stack, _) = stack();
    let gateway = Gateway::start();
    provider(&stack, "good", 1, &gateway.get("/send"));
    // It answers with the whole URL, number and key in it.
    provider(&stack, "denies", 2, &gateway.get("/401"));
    let sent = send_test(&stack, None);
    assert_eq!(
        sent,
        ("accepted".to_owned(), Some("m-77".to_owned()), String::new())
    );
    let (state, id, detail) = send_test(&stack, Some("denies"));
    assert_eq!((state.as_str(), id), ("failed", None));
    assert!(
        detail.contains("HTTP 401") && detail.contains("refused"),
        "{detail}"
    );
    for secret in [TOKEN, "1712345678", "test message"] {
        assert!(!detail.contains(secret), "{detail}");
    }
    let fault = stack.refused(test_op(&number(5678), Some("nobody")));
    assert_eq!(fault.code, FaultCode::NotFound);
    assert!(fault.message.contains("`nobody`"), "{}", fault.message);
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_key_and_the_fix() {
    let (stack, _) = stack();
    let gateway = Gateway::start();
    let add = |settings: &serde_json::Value| {
        let fault = stack.refused(AdminOp::SmsProviderAdd {
            name: "bad".to_owned(),
            kind: "http".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::new(settings.to_string()),
        });
        assert_eq!(fault.code, FaultCode::Invalid);
        assert!(!fault.message.contains(TOKEN), "{}", fault.message);
        fault.message
    };
    let with = |key: &str, value: serde_json::Value| {
        let mut settings = gateway.get("/send");
        settings.as_object_mut().unwrap().insert(key.to_owned(), value);
        settings
    };
    for (settings, said) in [
        (with("total-timeout", "60s".into()), "total-timeout: at most 15 s"),
        (with("totl-timeout", "5s".into()), "totl-timeout"),
        (with("url", "http://192.0.2.1/".into()), "plain-http"),
        (
            with("success", serde_json::json!({ "status": [200] })),
            "success: ",
        ),
        (with("secrets", serde_json::json!({})), "no secret `token`"),
        // Values may be credentials that stand at the wrong place.
        (serde_json::json!(TOKEN), "expected is struct HttpConfig"),
        (with("auth", TOKEN.into()), "expected is "),
        (
            with("class-map", serde_json::json!({ "9": TOKEN })),
            "expected is one of `number`",
        ),
        (with("method", TOKEN.into()), "expected is one of `GET`"),
        (with("connect-timeout", TOKEN.into()), "write it like"),
    ] {
        let message = add(&settings);
        assert!(message.contains(said), "{said}: {message}");
    }
    match stack.admin(AdminOp::SmsProviderList) {
        AdminReply::Providers { providers } => assert!(providers.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_gate_refuses_never_reaches_a_provider() {
    let (stack, mut vpn) = stack();
    let gateway = Gateway::start();
    provider(&stack, "good", 1, &gateway.get("/send"));
    countries(&stack, &["DE", "FR"]);
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: "fritz".to_owned(),
        password: Some(PASSWORD.into()),
        resources: vec!["vpn".to_owned()],
        ..UserAdd::default()
    }));
    let token = |phone: &str| AdminOp::TokenAdd {
        user: "fritz".to_owned(),
        phone: phone.into(),
        name: String::new(),
        digits: None,
        resources: Vec::new(),
    };
    // Fixed line, premium, toll-free.
    for phone in ["+49 30 901820", "+49 900 1234567", "+49 800 3301000"] {
        let fault = stack.refused(token(phone));
        assert_eq!(fault.code, FaultCode::Invalid);
        assert!(
            fault.message.contains("no mobile number"),
            "{phone}: {}",
            fault.message
        );
        let fault = refused_test(&stack, phone);
        assert!(
            fault.message.contains("no mobile number"),
            "{phone}: {}",
            fault.message
        );
    }
    let fault = refused_test(&stack, "+44 7400 123456");
    assert!(
        fault.message.contains("texts to GB are not allowed"),
        "{}",
        fault.message
    );
    stack.admin(token("+33 6 12 34 56 78"));
    countries(&stack, &["DE"]);
    let rejected = vpn.ask("fritz", PASSWORD, None);
    assert_eq!(rejected.code, Code::AccessReject);
    assert!(
        rejected.message.starts_with("No text can be sent to your phone"),
        "{}",
        rejected.message
    );
    countries(&stack, &[]);
    assert_eq!(vpn.ask("alice", PASSWORD, None).code, Code::AccessReject);
    let _ = refused_test(&stack, &number(5678));
    assert!(stack.reasons().contains(&"sms-country".to_owned()));

    countries(&stack, &["DE"]);
    assert_eq!(send_test(&stack, None).0, "accepted");
    let only = text_in(&gateway.received(1)[0]);
    assert!(only.text.contains("test message"), "{}", only.text);
}

#[test]
fn while_sending_is_paused_nothing_leaves_not_even_what_was_queued_before() {
    let (stack, mut vpn) = stack_with("[outbox]\npoll = \"100ms\"\n");
    let gateway = Gateway::start();
    provider(&stack, "down", 1, &gateway.get("/500"));
    let paused = |paused| {
        policy(
            &stack,
            SmsPolicySet {
                paused: Some(paused),
                ..SmsPolicySet::default()
            },
        );
    };
    std::thread::scope(|scope| {
        let test = scope.spawn(|| send_test(&stack, None));
        let _ = gateway.received(1);
        paused(true);
        let rejected = vpn.ask("alice", PASSWORD, None);
        assert_eq!(rejected.code, Code::AccessReject);
        assert!(
            rejected.message.starts_with("No text can be sent"),
            "{}",
            rejected.message
        );
        let fault = refused_test(&stack, &number(5678));
        assert!(
            fault.message.contains("otpostctl sms resume"),
            "{}",
            fault.message
        );
        // The second try is due after a second, and is held back each time the worker looks.
        wait_for("the worker to hold the text back", || {
            let log = stack.daemon.as_ref().unwrap().log();
            (log.matches("sending is paused; texts wait").count() >= 3).then_some(())
        });
        assert_eq!(gateway.requests().len(), 1);
        paused(false);
        let (state, _, detail) = test.join().unwrap();
        assert_eq!(state, "failed", "{detail}");
    });
    assert_eq!(gateway.received(3).len(), 3);
}

#[test]
fn a_used_budget_refuses_with_the_time_to_wait() {
    let (stack, mut vpn) = stack();
    let gateway = Gateway::start();
    provider(&stack, "good", 1, &gateway.get("/send"));
    policy(
        &stack,
        SmsPolicySet {
            user_hour: Some(2),
            user_reserve: Some(0),
            ..SmsPolicySet::default()
        },
    );
    for n in 1..=2 {
        let login = challenged(&mut vpn, "alice");
        let code = text_in(&gateway.received(n)[n - 1]).code();
        accepted(&mut vpn, "alice", &login, &code);
    }
    let rejected = vpn.ask("alice", PASSWORD, None);
    assert_eq!(rejected.code, Code::AccessReject);
    let minutes: u32 = rejected
        .message
        .strip_prefix("No text can be sent for the next ")
        .and_then(|rest| rest.split_once(" min (ref "))
        .unwrap_or_else(|| panic!("{}", rejected.message))
        .0
        .parse()
        .unwrap();
    assert!((55..=60).contains(&minutes), "{minutes}");
    assert!(stack.reasons().contains(&"sms-user-budget".to_owned()));
    // Somebody else's budget is not touched.
    stack.user("bob", 2222, &["vpn"]);
    let login = challenged(&mut vpn, "bob");
    let code = text_in(&gateway.received(3)[2]).code();
    accepted(&mut vpn, "bob", &login, &code);

    policy(
        &stack,
        SmsPolicySet {
            number_hour: Some(3),
            ..SmsPolicySet::default()
        },
    );
    assert_eq!(send_test(&stack, None).0, "accepted");
    let fault = refused_test(&stack, &number(5678));
    assert!(
        fault
            .message
            .starts_with("the budget is used (sms-number-budget); try again in 3"),
        "{}",
        fault.message
    );
    assert_eq!(gateway.received(4).len(), 4);
}
