//! The number over more than one page: what was typed before a fresh code, and number and code on one page.

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, SelfServiceSettings};
use otpost_tests::person::{self, Person, wrong};
use otpost_tests::site::everything;
use otpost_tests::stack::{Stack, Texted, number};

use crate::Scene;

/// Alice's phone, which guards another resource than the one whose portal she uses.
const OLD: u16 = 1111;

fn elsewhere(scene: &Scene) {
    let stack = &scene.stack;
    stack.resource("Office", everything("office"));
    for op in [
        AdminOp::UserBind {
            user: "alice".to_owned(),
            resource: "Office".to_owned(),
        },
        AdminOp::TokenAdd {
            user: "alice".to_owned(),
            phone: Secret::new(number(OLD)),
            name: "Office phone".to_owned(),
            digits: None,
            resources: vec!["Office".to_owned()],
        },
    ] {
        stack.admin(op);
    }
}

/// Sends the form of a new number; gives the step-up that is asked for first, and its text.
#[track_caller]
fn asked(person: &mut Person, stack: &Stack, n: u16) -> (String, Texted) {
    let texts = stack.settled();
    let answer = person
        .begin(&format!("form-{n}"), "Work phone", &number(n), "8")
        .is(303);
    let step_up = person.step_up(&answer);
    let text = stack.text_after(texts);
    assert_eq!(text.to, number(OLD), "the fresh code goes to the phone there is");
    (step_up, text)
}

#[test]
fn what_was_typed_before_a_fresh_code_is_not_typed_again() {
    let scene = Scene::new();
    let stack = &scene.stack;
    elsewhere(&scene);
    let mut alice = scene.alice();
    let (step_up, text) = asked(&mut alice, stack, 2222);
    let _ = alice.prove(&step_up, "sms", &wrong(&text.code())).is(422);
    let texts = stack.settled();
    let answer = alice.prove(&step_up, "sms", &text.code());
    let id = alice.enrolment(&answer);
    let text = stack.text_after(texts);
    assert_eq!(text.to, number(2222));
    assert_eq!(text.code().len(), 8, "the length that was chosen");
    assert!(!alice.http.cookies.contains_key("kept"), "it was used");
    let _ = alice.get(&format!("/enrol/{id}")).is(200).says("+49 171 2342222");
    let _ = alice.confirm(&id, &text.code());
    let tokens = person::shown(stack, "alice").tokens;
    let names: Vec<&str> = tokens.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names, ["Office phone", "Work phone"]);
    assert_eq!(stack.settled(), texts + 1, "one text for the new number");
}

#[test]
fn the_same_for_an_app() {
    let scene = Scene::new();
    let stack = &scene.stack;
    elsewhere(&scene);
    let mut alice = scene.alice();
    let texts = stack.settled();
    let answer = alice.post("/add/totp", &[("form", "app"), ("name", "Work app")]);
    let step_up = alice.step_up(&answer);
    let answer = alice.prove(&step_up, "sms", &stack.text_after(texts).code());
    let id = alice.enrolment(&answer);
    let _ = alice
        .get(&format!("/enrol/{id}"))
        .is(200)
        .says("Scan this picture with the app.");
}

#[test]
fn nobody_else_puts_a_number_into_what_was_kept() {
    let scene = Scene::new();
    let stack = &scene.stack;
    elsewhere(&scene);
    let mut alice = scene.alice();
    let (step_up, text) = asked(&mut alice, stack, 2222);
    let own = alice.http.cookies["kept"].clone();
    // Planted: another session's, one for another code, and one that was changed.
    let mut other = scene.alice();
    let _ = asked(&mut other, stack, 6666);
    let foreign = other.http.cookies["kept"].clone();
    let (body, seal) = own.split_once('.').unwrap();
    let (other_body, _) = foreign.split_once('.').unwrap();
    for planted in [
        foreign.clone(),
        format!("{other_body}.{seal}"),
        body.to_owned(),
        format!("{body}."),
        String::new(),
    ] {
        let mut alice = alice.clone();
        alice.http.cookies.insert("kept".to_owned(), planted.clone());
        let page = alice.get("/add/sms").is(200);
        assert_eq!(page.field("phone").as_deref(), Some(""), "{planted}");
    }
    alice.http.cookies.insert("kept".to_owned(), foreign);
    let texts = stack.settled();
    let _ = alice.prove(&step_up, "sms", &text.code()).leads("/s/vpn/add");
    assert_eq!(stack.settled(), texts, "nothing was sent");
    // What waits for one code is not used for another.
    let mut alice = scene.alice();
    let _ = asked(&mut alice, stack, 3333);
    let kept = alice.http.cookies["kept"].clone();
    let (step_up, text) = asked(&mut alice, stack, 4444);
    alice.http.cookies.insert("kept".to_owned(), kept);
    let texts = stack.settled();
    let _ = alice.prove(&step_up, "sms", &text.code()).leads("/s/vpn/add");
    assert_eq!(stack.settled(), texts);
}

fn in_one_step(scene: &Scene) {
    scene.set(SelfServiceSettings {
        two_steps: Some(false),
        ..SelfServiceSettings::default()
    });
}

#[test]
fn number_and_code_share_a_page_where_the_portal_has_one_step() {
    let scene = Scene::new();
    let stack = &scene.stack;
    in_one_step(&scene);
    let mut alice = scene.alice();
    let page = alice
        .get("/add/sms")
        .is(200)
        .says("Text me the code")
        .says("Save");
    for field in ["name", "phone", "code"] {
        assert!(page.body.contains(&format!("name=\"{field}\"")), "{field}");
    }
    assert!(!page.words().contains("Next"), "{}", page.words());
    let missing = alice.begin("one", "My phone", "12", "8").is(422);
    assert_eq!(missing.field("phone").as_deref(), Some("12"));
    assert!(missing.body.contains("name=\"code\""), "the same page");
    let texts = stack.settled();
    let answer = alice.begin("one", "My phone", &number(2222), "8");
    let id = alice.enrolment(&answer);
    let enrolment = format!("/enrol/{id}");
    let page = alice
        .get(&enrolment)
        .is(200)
        .says("We sent a text to")
        .says("Save");
    assert_eq!(page.field("phone").as_deref(), Some("+49 171 2342222"));
    assert!(page.body.contains("name=\"code\""), "{}", page.words());
    let text = stack.text_after(texts);
    assert_eq!((text.to.as_str(), text.code().len()), (number(2222).as_str(), 8));
    // Sent as the page sends it: the number again, with the code.
    let save = |person: &mut Person, phone: &str, code: &str| {
        person.post(&enrolment, &[("phone", phone), ("code", code)])
    };
    let _ = save(&mut alice, "+49 171 2342222", "")
        .is(422)
        .says("The code has 8 digits.");
    let page = save(&mut alice, "+49 171 2342222", &wrong(&text.code())).is(422);
    assert_eq!(page.field("phone").as_deref(), Some("+49 171 2342222"));
    let page = save(&mut alice, "12", &text.code())
        .is(422)
        .says("Enter a phone number");
    assert_eq!(page.field("phone").as_deref(), Some("12"), "as typed");
    let _ = save(&mut alice, "", &text.code())
        .is(422)
        .says("Enter your phone number.");
    assert_eq!(stack.settled(), texts + 1, "no further text so far");
    assert_eq!(scene.tokens("alice"), 0);
    // Another number on the same page: its own code, and the old one is void.
    let answer = save(&mut alice, &number(3333), &text.code());
    let next = alice.enrolment(&answer);
    assert_ne!(next, id);
    let second = stack.text_after(texts + 1);
    assert_eq!(second.to, number(3333));
    let _ = alice
        .get(&enrolment)
        .is(200)
        .says("You cancelled this, or started again");
    let done = alice.post(
        &format!("/enrol/{next}"),
        &[("phone", "+49 171-234 33 33"), ("code", &second.code())],
    );
    assert_eq!(done.is(200).list("codes").len(), 10);
    let tokens = person::shown(stack, "alice").tokens;
    assert_eq!(tokens.len(), 1);
    assert_eq!((tokens[0].name.as_str(), tokens[0].digits), ("My phone", 8));
}

#[test]
fn a_fresh_code_leads_back_to_the_one_page() {
    let scene = Scene::new();
    let stack = &scene.stack;
    elsewhere(&scene);
    in_one_step(&scene);
    let mut alice = scene.alice();
    let (step_up, text) = asked(&mut alice, stack, 2222);
    let answer = alice.prove(&step_up, "sms", &text.code());
    let id = alice.enrolment(&answer);
    let page = alice.get(&format!("/enrol/{id}")).is(200);
    assert_eq!(page.field("phone").as_deref(), Some("+49 171 2342222"));
}
