//! P9: the code of an enrolment.

use std::thread;

use otpost_tests::http::Answer;
use otpost_tests::person::{Person, wrong};
use otpost_tests::stack::{PASSWORD, number};

use crate::Scene;

#[test]
fn p9a_a_wrong_code_stays_on_the_page_and_tells_how_many_tries_are_left() {
    let scene = Scene::new();
    let mut alice = scene.alice();
    let (id, text) = alice.begun(&scene.stack, 5678);
    let code = text.code();
    for (typed, said) in [
        ("", "The code has 6 digits."),
        ("123", "The code has 6 digits."),
        ("1234567", "You entered more."),
        ("abcdef", "A code has digits only."),
        (wrong(&code).as_str(), "You have 4 tries left."),
        (wrong(&code).as_str(), "You have 3 tries left."),
    ] {
        let answer = alice.confirm(&id, typed).is(422).says(said);
        // Spaces are for reading.
        let shown = answer.words().replace(['\u{a0}', '\u{202f}', ' '], "");
        assert!(shown.contains(&number(5678)), "{typed}: {shown}");
        let _ = answer.says("Error: Confirm your phone");
    }
    assert_eq!(scene.tokens("alice"), 0);
    // As people type what they read.
    let spaced = format!(" {}-{} ", &code[..3], &code[3..]);
    let _ = alice
        .confirm(&id, &spaced)
        .is(200)
        .says("Save your recovery codes");
    assert_eq!(scene.tokens("alice"), 1);
}

#[test]
fn p9b_after_the_last_try_it_begins_anew() {
    let scene = Scene::new();
    let mut alice = scene.alice();
    let (id, text) = alice.begun(&scene.stack, 5678);
    let code = text.code();
    for _ in 0..4 {
        let _ = alice.confirm(&id, &wrong(&code)).is(422);
    }
    let ended = "There were too many wrong codes. Start again.";
    let _ = alice.confirm(&id, &wrong(&code)).says(ended);
    let _ = alice.confirm(&id, &code).says(ended);
    let _ = alice.get(&format!("/enrol/{id}")).is(200).says(ended);
    let texts = scene.stack.settled();
    let _ = alice.post(&format!("/enrol/{id}"), &[("resend", "1")]).is(303);
    assert_eq!((scene.tokens("alice"), scene.stack.settled()), (0, texts));
    let codes = alice.enrol(&scene.stack, 6789);
    assert_eq!((scene.tokens("alice"), codes.len()), (1, 10));
}

#[test]
fn p9c_after_its_time_it_begins_anew() {
    let scene = Scene::timed();
    let mut alice = scene.alice();
    let (id, text) = alice.begun(&scene.stack, 5678);
    scene.stack.pass(240);
    let _ = alice.confirm(&id, &wrong(&text.code())).is(422);
    scene.stack.pass(61);
    let ended = "The time for this code is over. Start again.";
    let _ = alice.confirm(&id, &text.code()).says(ended);
    let _ = alice.get(&format!("/enrol/{id}")).is(200).says(ended);
    assert_eq!(scene.tokens("alice"), 0);
    let _ = alice.enrol(&scene.stack, 6789);
    assert_eq!(scene.tokens("alice"), 1);
}

#[test]
fn p9d_a_form_sent_twice_a_reload_or_a_step_back_is_one_enrolment() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let (id, text) = alice.begun(stack, 5678);
    let page = format!("/enrol/{id}");
    // Double click, or back and sent again: the form has its name.
    for _ in 0..2 {
        let again = alice.begin("form-5678", "Phone", &number(5678), "6");
        assert_eq!(alice.enrolment(&again), id);
    }
    for _ in 0..3 {
        let _ = alice.get(&page).is(200).says("Confirm your phone");
    }
    assert_eq!(stack.settled(), 1, "one text");
    let first = alice.confirm(&id, &text.code()).is(200);
    assert_eq!(first.list("codes").len(), 10);
    // The code's form sent again, too: still one token.
    let _ = alice.confirm(&id, &text.code());
    let _ = alice.confirm(&id, &wrong(&text.code()));
    let _ = alice.get(&page).leads("/s/vpn/home?done=enroll");
    let _ = alice.post(&page, &[("cancel", "1")]).is(303);
    let _ = alice.post(&page, &[("resend", "1")]).is(303);
    assert_eq!((scene.tokens("alice"), stack.settled()), (1, 1));
}

#[test]
fn p9d_of_two_tabs_the_later_one_counts() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let (first, text) = alice.begun(stack, 5678);
    let mut other_tab = alice.clone();
    let (second, newer) = other_tab.begun(stack, 6789);
    assert_ne!(first, second);
    let _ = alice
        .confirm(&first, &text.code())
        .says("You cancelled this, or started again elsewhere.");
    assert_eq!(scene.tokens("alice"), 0);
    // A code of one enrolment is none of another.
    if text.code() != newer.code() {
        let _ = other_tab.confirm(&second, &text.code()).is(422);
    }
    let _ = other_tab.confirm(&second, &newer.code()).is(200);
    assert_eq!(scene.tokens("alice"), 1);
    let _ = alice
        .confirm(&first, &text.code())
        .says("You cancelled this, or started again elsewhere.");
    assert_eq!(scene.tokens("alice"), 1);
}

#[test]
fn p9d_what_is_taken_back_is_over() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let (id, text) = alice.begun(stack, 5678);
    let page = format!("/enrol/{id}");
    for _ in 0..2 {
        let _ = alice
            .post(&page, &[("cancel", "1")])
            .leads("/s/vpn/home?done=cancelled");
    }
    let _ = alice.confirm(&id, &text.code()).says("You cancelled this");
    let _ = alice.open("/home").is(200).says("No second factor yet");
    assert_eq!(scene.tokens("alice"), 0);
}

/// 64 browsers with the same cookie send the same at once.
fn at_once(person: &Person, send: impl Fn(&mut Person) -> Answer + Sync) -> Vec<Answer> {
    thread::scope(|scope| {
        let all: Vec<_> = (0..64)
            .map(|_| {
                let mut own = person.clone();
                let send = &send;
                scope.spawn(move || send(&mut own))
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn p9d_64_confirmations_at_once_make_one_token() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let _ = alice.get("/add/sms").is(200);
    let begun = at_once(&alice, |own| own.begin("the form", "", &number(5678), "6"));
    let ids: std::collections::BTreeSet<String> =
        begun.iter().map(|answer| alice.enrolment(answer)).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let id = ids.into_iter().next().unwrap();
    assert_eq!(stack.settled(), 1, "one text");
    let code = stack.text_after(0).code();
    let answers = at_once(&alice, |own| own.confirm(&id, &code));
    assert!(answers.iter().all(|answer| [200, 303].contains(&answer.status)));
    assert_eq!(scene.tokens("alice"), 1);
    assert_eq!(scene.times("enrolled"), 1);
    // However often codes were shown, those shown last are the ones that count: one set is kept.
    let shown = person_recovery(&scene);
    assert_eq!(shown, Some(10));

    // Right codes at once at sign-in: one comes in.
    let mut sign_in = scene.somebody();
    let texts = stack.settled();
    let _ = sign_in.knock("alice", PASSWORD).leads("/s/vpn/code");
    let code = stack.text_after(texts).code();
    let _ = sign_in.get("/code").is(200);
    let answers = at_once(&sign_in, |own| own.code("sms", &code));
    let into = answers
        .iter()
        .filter(|answer| answer.to() == "/s/vpn/home")
        .count();
    assert_eq!(
        into,
        1,
        "{:?}",
        answers.iter().map(|a| (a.status, a.to())).collect::<Vec<_>>()
    );
}

fn person_recovery(scene: &Scene) -> Option<u32> {
    otpost_tests::person::shown(&scene.stack, "alice").recovery_left
}

#[test]
fn p9e_somebody_elses_enrolment_is_not_there() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.alice();
    let (id, text) = alice.begun(stack, 5678);
    let mut bruno = scene.somebody();
    bruno.sign_in("bruno");
    let mut elsewhere = scene.alice();
    let page = format!("/enrol/{id}");
    let number_page = format!("{page}/number");
    let texts = stack.settled();
    for other in [&mut bruno, &mut elsewhere] {
        let _ = other.get(&page).is(404);
        let _ = other.get(&number_page).is(404);
        let _ = other.confirm(&id, &text.code()).is(404);
        let _ = other.post(&page, &[("resend", "1")]).is(404);
        let _ = other.post(&page, &[("cancel", "1")]).is(404);
        let _ = other.post(&number_page, &[("phone", &number(1))]).is(404);
    }
    // Nor to anybody without a session.
    let mut nobody = scene.somebody();
    let answer = nobody.confirm(&id, &text.code()).leads("/s/vpn");
    assert!(answer.cookies().is_empty());
    assert_eq!(
        (stack.settled(), scene.tokens("alice"), scene.tokens("bruno")),
        (texts, 0, 0)
    );
    assert!(scene.times("not-theirs") >= 12);
    let _ = alice.confirm(&id, &text.code()).is(200);
    assert_eq!(scene.tokens("alice"), 1);
}
