//! P7 and P8: number, length, name, and the text.

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, ResourceSettings, SelfServiceSettings, SmsPolicySet};
use otpost_tests::pamstack::wait_for;
use otpost_tests::person::{self, wrong};
use otpost_tests::stack::number;
use serde_json::json;

use crate::Scene;

#[test]
fn p7a_numbers_are_taken_as_people_write_them_or_refused_at_their_field() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    for (n, typed) in [
        "+491712345678",
        "0171 2345678",
        " 0171-234-5678 ",
        "(0171) 234 56 78",
        "0171/234.5678",
        "0049 171 2345678",
        "+49 (0)171 2345678",
    ]
    .into_iter()
    .enumerate()
    {
        let texts = stack.settled();
        let answer = alice.begin(&format!("good {n}"), "", typed, "6");
        let id = alice.enrolment(&answer);
        assert_eq!(stack.text_after(texts).to, "+491712345678", "{typed}");
        // In full, so that a mistake is seen; it is nobody else's page.
        let _ = alice
            .get(&format!("/enrol/{id}"))
            .is(200)
            .says("We sent a text to +49 171 2345678");
    }
    let texts = stack.settled();
    for (n, typed) in [
        "",
        "   ",
        "12",
        "hello",
        "+49",
        "+4917123456789012345",
        "٠١٧١٢٣٤٥٦٧٨",
        "０１７１２３４５６７８",
        "+491712345678 ext. 5",
        "+49171+2345678",
        "0171\u{a0}2345678",
        "<b>1</b>",
        // No mobile number, premium, another country, nowhere.
        "+4930123456",
        "+499001234567",
        "0900 1234567",
        "+447700900123",
        "+8821612345678",
        "+99912345678",
        "110",
        "' OR 1=1 --",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = alice.begin(&format!("bad {n}"), "Kept name", typed, "8").is(422);
        let answer = answer.says("Enter ");
        assert!(answer.body.contains("aria-invalid"), "{typed}");
        // Nothing that was typed is lost.
        assert_eq!(answer.field("name").as_deref(), Some("Kept name"), "{typed}");
        assert!(answer.body.contains("value=\"8\" checked"), "{typed}");
    }
    assert_eq!(stack.settled(), texts);
    assert_eq!(scene.tokens("alice"), 0);
    // Without a country of the resource a number needs its own.
    stack.admin(AdminOp::ResourceSet {
        name: "VPN".to_owned(),
        set: ResourceSettings {
            region: Some(String::new()),
            ..ResourceSettings::default()
        },
    });
    let _ = alice.begin("no country", "", "0171 2345678", "6").is(422);
    let _ = alice.begin("a country", "", "0049 171 2345678", "6").is(303);
}

#[test]
fn p7b_a_number_in_use_is_told_only_to_whoever_has_the_phone() {
    let scene = Scene::new();
    let stack = &scene.stack;
    stack.user("clara", 7777, &["VPN"]);
    let mut alice = scene.alice();
    let (id, text) = alice.begun(stack, 7777);
    assert_eq!(text.to, number(7777));
    let page = alice.get(&format!("/enrol/{id}")).is(200);
    let answer = alice
        .confirm(&id, &wrong(&text.code()))
        .is(422)
        .says("You have 4 tries left.");
    for page in [&page, &answer] {
        assert!(!page.words().contains("in use"), "{}", page.words());
    }
    let taken = alice
        .confirm(&id, &text.code())
        .is(200)
        .says("This number is in use already.");
    assert!(!taken.body.contains("clara"), "{}", taken.words());
    assert_eq!(scene.tokens("alice"), 0);
    let _ = alice
        .confirm(&id, &text.code())
        .is(200)
        .says("This number is in use already.");
    stack.admin(AdminOp::ResourceSet {
        name: "VPN".to_owned(),
        set: ResourceSettings {
            shared_phones: Some(true),
            ..ResourceSettings::default()
        },
    });
    let texts = stack.settled();
    let answer = alice.begin("shared", "", &number(7777), "6");
    let id = alice.enrolment(&answer);
    let _ = alice.confirm(&id, &stack.text_after(texts).code()).is(200);
    assert_eq!(scene.tokens("alice"), 1);
}

#[test]
fn p7c_a_code_has_six_or_eight_digits_and_what_the_administrator_fixed_counts() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let texts = stack.settled();
    for digits in ["", "0", "1", "5", "7", "9", "10", "6.0", "six", "-6", "262", "٦"] {
        let _ = alice
            .begin("lengths", "", &number(1), digits)
            .is(422)
            .says("Choose 6 or 8 digits.");
    }
    let missing = [("form", "lengths"), ("phone", "+491712340001")];
    let _ = alice
        .post("/add/sms", &missing)
        .is(422)
        .says("Choose 6 or 8 digits.");
    assert_eq!(stack.settled(), texts);
    for (digits, length) in [("8", 8), ("6", 6)] {
        let texts = stack.settled();
        let _ = alice
            .begin(&format!("of {digits}"), "", &number(1), digits)
            .is(303);
        assert_eq!(stack.text_after(texts).code().len(), length);
    }
    scene.set(SelfServiceSettings {
        otp_length: Some("8".to_owned()),
        ..SelfServiceSettings::default()
    });
    let page = alice.get("/add/sms").is(200);
    assert!(!page.words().contains("OTP Length"), "{}", page.words());
    for digits in ["6", "7", ""] {
        let texts = stack.settled();
        let _ = alice
            .begin(&format!("fixed {digits}"), "", &number(1), digits)
            .is(303);
        assert_eq!(
            stack.text_after(texts).code().len(),
            8,
            "{digits:?} counts for nothing"
        );
    }
}

#[test]
fn p7d_names_are_tidied_made_or_refused_and_never_are_markup() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let texts = stack.settled();
    let long = "x".repeat(51);
    for bad in [
        long.as_str(),
        "<script>alert(1)</script>",
        "a?b",
        "a/b",
        "50%",
        "a>b",
        "line\nbreak",
        "nul\0l",
    ] {
        let answer = alice
            .begin("names", bad, &number(1), "6")
            .is(422)
            .says("A name has at most 50 characters");
        assert!(!answer.body.contains("<script>alert"), "{bad:?}");
        assert_eq!(answer.field("phone").as_deref(), Some(number(1).as_str()));
    }
    assert_eq!(stack.settled(), texts);
    let full = "ü".repeat(50);
    let texts = stack.settled();
    let answer = alice.begin("good", &format!("  {full}  "), &number(1), "6");
    let id = alice.enrolment(&answer);
    let _ = alice.confirm(&id, &stack.text_after(texts).code()).is(200);
    assert_eq!(person::shown(stack, "alice").tokens[0].name, full);
    // None: one is made, and it is not the number.
    let mut bruno = scene.somebody();
    bruno.sign_in("bruno");
    let texts = stack.settled();
    let answer = bruno.begin("none", "  ", &number(2), "6");
    let id = bruno.enrolment(&answer);
    let _ = bruno.confirm(&id, &stack.text_after(texts).code()).is(200);
    let made = person::shown(stack, "bruno").tokens[0].name.clone();
    assert!(!made.is_empty() && !made.contains("34000"), "{made}");
    let home = bruno.open("/home").is(200);
    assert!(home.words().contains(&made));
    // What may be in a name is text on the page.
    let token = person::shown(stack, "bruno").tokens[0].id.clone();
    let _ = bruno
        .post("/do/rename", &[("token", &token), ("name", "Tom & \"Jerry's\"")])
        .is(303);
    let home = bruno.open("/home").is(200);
    assert!(!home.body.contains("& \"Jerry"), "escaped");
    assert!(home.words().contains("Tom & \"Jerry's\""), "{}", home.words());
}

/// Texts go to a port of this machine where nobody listens.
fn nobody_listens(scene: &Scene) {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    scene.stack.admin(AdminOp::SmsProviderSet {
        name: "inbox".to_owned(),
        enabled: Some(false),
        priority: None,
    });
    let settings = json!({
        "url": format!("http://{closed}/send"),
        "method": "POST",
        "success": { "status": [200], "regex": "^ok" },
        "body": { "kind": "form", "fields": [
            { "name": "to", "value": "{to}" },
            { "name": "text", "value": "{text}" },
        ] },
    });
    let config: Secret = settings.to_string().into();
    scene.stack.admin(AdminOp::SmsProviderAdd {
        name: "away".to_owned(),
        kind: "http".to_owned(),
        priority: Some(1),
        sender: String::new(),
        config,
    });
}

#[test]
fn p8a_a_text_that_does_not_leave_is_told_and_costs_neither_a_try_nor_the_enrolment() {
    let scene = Scene::timed();
    let stack = &scene.stack;
    nobody_listens(&scene);
    let mut alice = scene.alice();
    let answer = alice.begin("form", "Phone", &number(5678), "6").is(303);
    let id = alice.enrolment(&answer);
    // It is tried again while the code lives; then it is given up.
    let page = format!("/enrol/{id}");
    wait_for("the provider's failure", || {
        match stack.admin(AdminOp::SmsMessages {
            limit: 10,
            after: None,
        }) {
            otpost_ipc::admin::AdminReply::Messages { messages, .. } => messages
                .first()
                .filter(|message| !message.tried.is_empty())
                .map(|_| ()),
            other => panic!("{other:?}"),
        }
    });
    wait_for("the page to say so", || {
        let answer = alice.get(&page).is(200);
        let told = answer.words().contains("The message could not be sent.");
        if !told {
            stack.pass(1);
        }
        told.then_some(())
    });
    assert_eq!(scene.tokens("alice"), 0);
    // Mended: the same enrolment goes on, all tries are there.
    stack.admin(AdminOp::SmsProviderSet {
        name: "inbox".to_owned(),
        enabled: Some(true),
        priority: Some(0),
    });
    stack.pass(31);
    let _ = alice
        .post(&page, &[("resend", "1")])
        .leads(&format!("/s/vpn{page}"));
    let text = stack.text_after(0);
    let _ = alice
        .confirm(&id, &wrong(&text.code()))
        .is(422)
        .says("You have 4 tries left.");
    let _ = alice.confirm(&id, &text.code()).is(200);
    assert_eq!(scene.tokens("alice"), 1);
}

#[test]
fn p8b_a_text_may_be_asked_for_again_after_a_while_and_not_too_often() {
    let scene = Scene::timed();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let (id, first) = alice.begun(stack, 5678);
    let page = format!("/enrol/{id}");
    let again = |alice: &mut person::Person| {
        let _ = alice
            .post(&page, &[("resend", "1")])
            .leads(&format!("/s/vpn{page}"));
        stack.settled()
    };
    assert_eq!(again(&mut alice), 1, "not at once");
    stack.pass(15);
    assert_eq!(again(&mut alice), 1, "not after 15 s");
    stack.pass(16);
    assert_eq!(again(&mut alice), 2);
    let second = stack.text_after(1);
    assert_eq!(
        second.code(),
        first.code(),
        "the first text is as good as the second"
    );
    stack.pass(31);
    assert_eq!(again(&mut alice), 2, "the wait grows");
    stack.pass(30);
    assert_eq!(again(&mut alice), 3);
    // Reloading asks for nothing.
    for _ in 0..3 {
        let _ = alice.get(&page).is(200);
    }
    assert_eq!(stack.settled(), 3);
    // The hour's share is used up.
    stack.admin(AdminOp::SmsPolicySet(SmsPolicySet {
        number_hour: Some(3),
        ..SmsPolicySet::default()
    }));
    stack.pass(125);
    assert_eq!(again(&mut alice), 3);
    let _ = alice
        .get(&page)
        .is(200)
        .says("We sent too many texts in a short time.");
    let _ = alice.confirm(&id, &second.code()).is(200);
    assert_eq!(scene.tokens("alice"), 1);
}
