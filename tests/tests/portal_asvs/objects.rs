//! What belongs to somebody else is not there; a fresh code is good once, for what it was asked for.

use otpost_tests::http::Answer;
use otpost_tests::pamstack::wait_for;
use otpost_tests::person::{self, Person};
use otpost_tests::stack::{PASSWORD, number};

use crate::Scene;

const NOTHING: &str = "00112233445566778899aabbccddeeff";

/// The page without what is new in each answer.
fn plain(answer: &Answer, id: &str) -> String {
    let policy = answer.header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    let reference = answer.body.split("Reference <code>").nth(1).unwrap_or_default();
    let reference = reference.split('<').next().unwrap();
    answer
        .body
        .replace(nonce, "NONCE")
        .replace(reference, "REFERENCE")
        .replace(id, "ID")
}

/// Asks for `id` and for one that nobody has: the same answer, that nothing is there.
#[track_caller]
fn not_there(what: &str, id: &str, mut ask: impl FnMut(&str) -> Answer) {
    let (theirs, nobodys) = (ask(id), ask(NOTHING));
    assert_eq!(
        theirs.status,
        404,
        "{what}: to {:?} {}",
        theirs.to(),
        theirs.words()
    );
    assert_eq!(nobodys.status, 404, "{what}: {}", nobodys.words());
    assert_eq!(plain(&theirs, id), plain(&nobodys, NOTHING), "{what}");
    assert_eq!(theirs.headers.len(), nobodys.headers.len(), "{what}");
}

#[test]
fn nothing_of_somebody_else_is_there() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut bruno = scene.signed_in("bruno");
    let _ = bruno.enrol(stack, 2222);
    let token = person::shown(stack, "bruno").tokens[0].id.clone();
    let session = {
        let mut other = scene.somebody();
        other.sign_in_by_text("bruno", stack);
        let home = bruno.open("/home").is(200);
        let id = home.body.split("name=\"session\" value=\"").nth(1).unwrap();
        id.split('"').next().unwrap().to_owned()
    };
    let texts = stack.settled();
    let answer = bruno.post("/do/remove", &[("token", &token)]);
    let step = bruno.step_up(&answer);
    let step_code = stack.text_after(texts).code();
    let mut carol = scene.somebody();
    person::user(stack, "carol", &["VPN"]);
    carol.sign_in("carol");
    let (enrolment, enrol_text) = carol.begun(stack, 3333);

    let mut alice = scene.signed_in("alice");
    let _ = alice.enrol(stack, 1111);
    let before = (person::shown(stack, "bruno"), person::shown(stack, "carol"));
    let texts = stack.settled();
    for act in [
        "rename", "remove", "number", "replace", "sync", "assign", "prefer", "test",
    ] {
        not_there(&format!("do {act}"), &token, |id| {
            let fields = [
                ("token", id),
                ("name", "Mine"),
                ("phone", "+491712340009"),
                ("first-code", "123456"),
                ("second-code", "234567"),
            ];
            alice.post(&format!("/do/{act}"), &fields)
        });
    }
    for act in ["rename", "remove", "number", "replace", "sync"] {
        not_there(&format!("form of {act}"), &token, |id| {
            alice.get(&format!("/do/{act}?token={id}"))
        });
    }
    not_there("replaced by an SMS token", &token, |id| {
        let fields = [
            ("form", "f"),
            ("phone", "+491712340009"),
            ("digits", "6"),
            ("replaces", id),
        ];
        alice.post("/add/sms", &fields)
    });
    not_there("replaced by an app", &token, |id| {
        alice.post("/add/totp", &[("form", "g"), ("name", ""), ("replaces", id)])
    });
    not_there("session", &session, |id| {
        alice.post("/do/end-session", &[("session", id)])
    });
    for (id, code, place) in [
        (&step, &step_code, "confirm"),
        (&enrolment, &enrol_text.code(), "enrol"),
    ] {
        not_there(place, id, |id| alice.get(&format!("/{place}/{id}")));
        for fields in [
            [("method", "sms"), ("code", code.as_str())],
            [("method", "sms"), ("resend", "1")],
            [("method", "recovery"), ("code", "7f-kx3m-pq9t")],
        ] {
            not_there(place, id, |id| alice.post(&format!("/{place}/{id}"), &fields));
        }
    }
    not_there("cancel", &enrolment, |id| {
        alice.post(&format!("/enrol/{id}"), &[("cancel", "1")])
    });
    not_there("number", &enrolment, |id| {
        alice.get(&format!("/enrol/{id}/number"))
    });
    not_there("another number", &enrolment, |id| {
        alice.post(&format!("/enrol/{id}/number"), &[("phone", "+491712340009")])
    });
    assert_eq!(
        (person::shown(stack, "bruno"), person::shown(stack, "carol")),
        before
    );
    assert_eq!(stack.settled(), texts, "no text left");
    // All of it is still good for whom it belongs to.
    let _ = carol.confirm(&enrolment, &enrol_text.code()).is(200);
    let _ = bruno
        .prove(&step, "sms", &step_code)
        .leads("/s/vpn/home?done=unassign");
}

/// Begins an act that needs a fresh code: its step-up and the text.
#[track_caller]
fn asked(scene: &Scene, alice: &mut Person, act: &str, fields: &[(&str, &str)]) -> (String, String) {
    let texts = scene.stack.settled();
    let answer = alice.post(&format!("/do/{act}"), fields);
    let step = alice.step_up(&answer);
    (step, scene.stack.text_after(texts).text)
}

fn code_in(text: &str) -> String {
    let mut words = text.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 6).unwrap().to_owned()
}

#[test]
fn a_fresh_code_is_good_once_and_only_for_its_act_and_value() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let mut alice = scene.signed_in("alice");
    let _ = alice.enrol(stack, 5678);
    let token = person::shown(stack, "alice").tokens[0].id.clone();

    // The text names the act; what is typed later changes neither act nor value.
    let (step, text) = asked(&scene, &mut alice, "login", &[("login", "alicia")]);
    assert!(
        text.contains("alicia") || text.to_lowercase().contains("user name"),
        "{text}"
    );
    let page = alice.get(&format!("/confirm/{step}")).is(200);
    let _ = page.says("To change the user name to alicia, enter a fresh code.");
    let fields = [
        ("method", "sms"),
        ("code", &*code_in(&text)),
        ("login", "mallory"),
        ("value", "mallory"),
        ("act", "unassign"),
        ("token", &token),
    ];
    let _ = alice
        .post(&format!("/confirm/{step}"), &fields)
        .leads("/s/vpn/home?done=login");
    assert_eq!(person::shown(stack, "alicia").tokens.len(), 1);
    let again = alice.prove(&step, "sms", &code_in(&text));
    assert_eq!(again.status, 422, "{}", again.words());

    // The code of one act does not open another: the second one voids the first.
    let (first, text) = asked(
        &scene,
        &mut alice,
        "number",
        &[("token", &token), ("phone", &number(9))],
    );
    let old = code_in(&text);
    let (second, text) = asked(
        &scene,
        &mut alice,
        "number",
        &[("token", &token), ("phone", &number(8))],
    );
    let _ = alice.prove(&first, "sms", &old).is(422);
    let _ = alice.prove(&first, "sms", &code_in(&text)).is(422);
    if old != code_in(&text) {
        let _ = alice.prove(&second, "sms", &old).is(422);
    }
    let texts = stack.settled();
    let answer = alice.prove(&second, "sms", &code_in(&text));
    let enrolment = alice.enrolment(&answer);
    let new = stack.text_after(texts);
    assert_eq!(new.to, number(8));
    // Not yet: first the new phone shows that it is there.
    assert!(person::shown(stack, "alicia").tokens[0].phone.ends_with("78"));
    let _ = alice.confirm(&enrolment, &new.code()).is(303);
    assert!(person::shown(stack, "alicia").tokens[0].phone.ends_with("08"));
    wait_for("word to the old number", || {
        stack
            .texts()
            .iter()
            .find(|text| text.to == number(5678) && text.text.contains("number"))
            .map(|_| ())
    });

    // One right code sent 64 times at once does its act once.
    let (step, text) = asked(&scene, &mut alice, "recovery", &[]);
    let code = code_in(&text);
    let _ = alice.get("/home").is(200);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..64)
            .map(|_| {
                let mut own = alice.clone();
                let (step, code) = (&step, &code);
                scope.spawn(move || own.prove(step, "sms", code))
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let shown: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].list("codes").len(), 10);

    // A recovery code is good for one act, a bypass for none.
    let codes = shown[0].list("codes");
    let (step, _) = asked(&scene, &mut alice, "remove", &[("token", &token)]);
    let _ = alice.prove(&step, "password", PASSWORD).is(422);
    let _ = alice
        .prove(&step, "recovery", &codes[0])
        .leads("/s/vpn/home?done=unassign");
    let _ = alice.enrol(stack, 7777);
    let token = person::shown(stack, "alicia").tokens[0].id.clone();
    let (step, _) = asked(&scene, &mut alice, "remove", &[("token", &token)]);
    let _ = alice.prove(&step, "recovery", &codes[0]).is(422);
    assert_eq!(person::shown(stack, "alicia").tokens.len(), 1);
}

#[test]
fn steps_cannot_be_skipped() {
    let scene = Scene::new();
    let mut alice = scene.signed_in("alice");
    let _ = alice.confirm(NOTHING, "123456").is(404);
    let _ = alice.prove(NOTHING, "sms", "123456").is(404);
    let _ = alice.get("/code").leads("/s/vpn/home");
    let _ = alice.code("sms", "123456").leads("/s/vpn/code?by=sms");
    let mut nobody = scene.somebody();
    for page in ["/home", "/add", "/add/sms", "/add/totp", "/do/names", "/code"] {
        let _ = nobody.get(page).leads("/s/vpn");
    }
    let _ = nobody.code("sms", "123456").leads("/s/vpn");
}
