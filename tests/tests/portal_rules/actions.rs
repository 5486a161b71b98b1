//! P5, P6 and P10: what the administrator allowed, one token for each resource, and fresh codes.

use otpost_ipc::admin::{AdminOp, AdminReply, SelfServiceSettings, UserAdd};
use otpost_tests::http::Answer;
use otpost_tests::person::{self, Person, wrong};
use otpost_tests::postbox::Postbox;
use otpost_tests::stack::{PASSWORD, number};

use crate::{Scene, words};

/// Forged as a page would send it, without any page: what needs each action.
fn forge(person: &mut Person, action: &str, token: &str) -> Vec<Answer> {
    let mut act = |act: &str, fields: &[(&str, &str)]| {
        let mut all = vec![("token", token)];
        all.extend_from_slice(fields);
        person.post(&format!("/do/{act}"), &all)
    };
    match action {
        "enroll" => vec![
            person.begin("f1", "", &number(1), "6"),
            person.post("/add/totp", &[("form", "f2"), ("name", "")]),
            person.get("/add"),
            person.get("/add/sms"),
            person.get("/add/totp"),
        ],
        "reissue" => {
            let first = act("replace", &[]);
            let fields = [
                ("form", "f3"),
                ("phone", "+491712340001"),
                ("digits", "6"),
                ("replaces", token),
            ];
            vec![
                first,
                person.post("/add/sms", &fields),
                person.post("/add/totp", &[("form", "f4"), ("replaces", token)]),
                person.get(&format!("/add?replaces={token}")),
                person.get(&format!("/do/replace?token={token}")),
            ]
        }
        "assign-existing" => vec![act("assign", &[])],
        "unassign" => vec![
            act("remove", &[]),
            person.get(&format!("/do/remove?token={token}")),
        ],
        "rename" => vec![
            act("rename", &[("name", "Other")]),
            person.get(&format!("/do/rename?token={token}")),
        ],
        "synchronise" => vec![act(
            "sync",
            &[("first-code", "123456"), ("second-code", "234567")],
        )],
        "create-password" => vec![
            act("password", &[("new", "another horse")]),
            person.get("/do/password"),
        ],
        "change-password" => vec![
            act("password", &[("current", PASSWORD), ("new", "another horse")]),
            person.get("/do/password"),
        ],
        "change-email" => vec![
            act("email", &[("email", "new@example.com")]),
            person.get("/do/email"),
        ],
        "change-phone" => vec![
            act("number", &[("phone", "+491712340001")]),
            person.get(&format!("/do/number?token={token}")),
        ],
        "change-login" => vec![act("login", &[("login", "alicia")]), person.get("/do/login")],
        "change-names" => vec![
            act("names", &[("first", "A"), ("last", "B")]),
            person.get("/do/names"),
        ],
        "manage-sessions" => vec![
            act("end-others", &[]),
            act("end-session", &[("session", "00112233445566778899aabbccddeeff")]),
            person.get("/do/end-others"),
        ],
        other => panic!("{other} has no forged request here: add one"),
    }
}

/// All actions there are, by the daemon's own word.
fn all_actions(scene: &Scene) -> Vec<String> {
    match scene.stack.admin(AdminOp::ResourceShow {
        name: "VPN".to_owned(),
    }) {
        AdminReply::Resource(view) => view.settings.self_service.unwrap().actions.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn p5a_what_is_not_allowed_has_no_button_and_is_refused_when_forged() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let Some(postbox) = Postbox::or_skip(stack) else {
        return;
    };
    let (mut alice, _) = scene.with_token(5678);
    let token = person::shown(stack, "alice").tokens[0].id.clone();
    let actions = all_actions(&scene);
    assert_eq!(actions.len(), 13, "{actions:?}");
    // One who came by mail may create a password, nobody else can be asked.
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: "henry".to_owned(),
        email: Some("henry@example.com".to_owned()),
        resources: vec!["VPN".to_owned()],
        ..UserAdd::default()
    }));
    let mails = postbox.mails().len();
    let mut henry = scene.somebody();
    let _ = henry.post("/mail", &[("user", "henry")]).leads("/s/vpn/code");
    let all = || postbox.mails().into_iter().skip(mails);
    let code = otpost_tests::pamstack::wait_for("henry's mail", || {
        all().find(|mail| mail.to == ["henry@example.com"])
    });
    let _ = henry.code("mail", &code.code()).leads("/s/vpn/home");

    let everywhere = alice.open("/home").is(200).body;
    for needle in [
        "/do/number",
        "/do/replace",
        "/do/rename",
        "/do/remove",
        "/do/password",
        "/do/names",
    ] {
        assert!(everywhere.contains(needle), "{needle}");
    }
    let before = (person::shown(stack, "alice"), person::shown(stack, "henry"));
    let texts = stack.settled();
    scene.allow(&[]);
    let home = alice.open("/home").is(200).body;
    for needle in [
        "/add",
        "/do/number",
        "/do/replace",
        "/do/rename",
        "/do/remove",
        "/do/sync",
        "/do/password",
        "/do/email",
        "/do/login",
        "/do/names",
        "/do/end-",
        "/do/assign",
    ] {
        assert!(!home.contains(&format!("/s/vpn{needle}")), "{needle}");
    }
    for action in &actions {
        let person = if action == "create-password" {
            &mut henry
        } else {
            &mut alice
        };
        for (n, answer) in forge(person, action, &token).into_iter().enumerate() {
            assert_eq!(
                answer.status,
                403,
                "{action} {n}: to {:?} {}",
                answer.to(),
                answer.words()
            );
        }
    }
    assert_eq!(
        (person::shown(stack, "alice"), person::shown(stack, "henry")),
        before
    );
    assert_eq!(stack.settled(), texts, "no text left");
    assert!(scene.times("not-allowed") >= actions.len());

    // Each alone is let through, so that it was the setting that refused it.
    for action in &actions {
        scene.allow(&[action]);
        let person = match action.as_str() {
            "create-password" | "enroll" => &mut henry,
            _ => &mut alice,
        };
        // Some have no right object here: refused, but not as forbidden.
        let answer = forge(person, action, &token).remove(0);
        assert_ne!(answer.status, 403, "{action}: {}", answer.words());
        assert_ne!(answer.status, 500, "{action}: {}", answer.words());
        assert_ne!(answer.to(), "/s/vpn?again=1", "{action}");
    }
}

#[test]
fn p5b_a_second_token_is_refused_and_the_first_one_can_be_replaced() {
    let scene = Scene::new();
    let stack = &scene.stack;
    scene.set(SelfServiceSettings {
        kinds: words(&["sms", "recovery"]),
        ..SelfServiceSettings::default()
    });
    let (mut alice, _) = scene.with_token(5678);
    let texts = stack.settled();
    let home = alice.open("/home").is(200);
    assert!(!home.words().contains("Assign New"), "{}", home.words());
    let _ = home.says("Replace");
    let _ = alice.get("/add").is(403);
    let _ = alice.begin("another", "", &number(1), "6").is(409);
    assert_eq!((scene.tokens("alice"), stack.settled()), (1, texts));

    reissue(&scene, &mut alice, 5678, 6789);
}

/// Replaces the token of `old` by one of `new`.
fn reissue(scene: &Scene, alice: &mut Person, old: u16, new: u16) {
    let stack = &scene.stack;
    let token = person::shown(stack, "alice").tokens[0].id.clone();
    let texts = stack.settled();
    let asked = alice.post("/do/replace", &[("token", &token)]);
    let step = alice.step_up(&asked);
    let text = stack.text_after(texts);
    assert_eq!(text.to, number(old));
    // Not before the code, and not with a wrong one.
    let fields = |form: &'static str| [("form", form), ("phone", "+491712340001"), ("digits", "6")];
    let mut early = fields("early").to_vec();
    early.push(("replaces", token.as_str()));
    let asked = alice.post("/add/sms", &early);
    let second = alice.step_up(&asked);
    // One step-up at a time: the first one's code is worth nothing any more.
    let _ = alice.prove(&step, "sms", &text.code()).is(422);
    let text = stack.text_after(texts + 1);
    let _ = alice
        .prove(&second, "sms", &wrong(&text.code()))
        .is(422)
        .says("You have 4 tries left.");
    // With what was typed it would go on at once.
    alice.http.cookies.remove("kept");
    let next = alice
        .prove(&second, "sms", &text.code())
        .leads(&format!("/s/vpn/add?replaces={token}"));
    let _ = alice.http.get(next.to()).is(200).says("SMS");
    let _ = alice.get(&format!("/add/sms?replaces={token}")).is(200);
    let texts = stack.settled();
    let answer = alice.post(
        "/add/sms",
        &[
            ("form", "reissue"),
            ("phone", &number(new)),
            ("digits", "6"),
            ("replaces", &token),
        ],
    );
    let id = alice.enrolment(&answer);
    let text = stack.text_after(texts);
    assert_eq!(text.to, number(new));
    // The old one stays until the new one is confirmed.
    let mut meanwhile = scene.somebody();
    let before = stack.settled();
    let _ = meanwhile.knock("alice", PASSWORD).leads("/s/vpn/code");
    let sign_in = stack.text_after(before);
    assert_eq!(sign_in.to, number(old));
    assert_eq!(person::shown(stack, "alice").tokens[0].id, token);
    let _ = alice.confirm(&id, &text.code()).leads("/s/vpn/home?done=enroll");
    let tokens = person::shown(stack, "alice").tokens;
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0].id, token);
    // A code that was on its way to the old number opens nothing any more.
    let _ = meanwhile.code("sms", &sign_in.code()).is(422);
    let texts = stack.settled();
    let _ = scene.somebody().knock("alice", PASSWORD).leads("/s/vpn/code");
    assert_eq!(stack.text_after(texts).to, number(new));
}

#[test]
fn p6a_a_kind_that_is_off_is_not_offered_and_refused_when_forged() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let (mut alice, _) = scene.with_token(5678);
    let token = person::shown(stack, "alice").tokens[0].id.clone();
    let mut bruno = scene.somebody();
    bruno.sign_in("bruno");
    let _ = bruno.get("/add").is(200).says("SMS");
    scene.set(SelfServiceSettings {
        kinds: words(&["totp"]),
        ..SelfServiceSettings::default()
    });
    let texts = stack.settled();
    let page = bruno.get("/add").is(200).says("Authenticator app");
    assert!(!page.body.contains("value=\"sms\""), "{}", page.words());
    let _ = bruno.get("/add/sms").is(403);
    let _ = bruno.begin("forged", "", &number(1), "6").is(403);
    // Another number for a token that is there is an enrolment too.
    let _ = alice
        .post("/do/number", &[("token", &token), ("phone", &number(1))])
        .is(403);
    let fields = [
        ("form", "r"),
        ("phone", "+491712340001"),
        ("digits", "6"),
        ("replaces", &token),
    ];
    let _ = alice.post("/add/sms", &fields).is(403);
    assert_eq!(stack.settled(), texts);
    // A kind switched off between the form and the code.
    scene.set(SelfServiceSettings {
        kinds: words(&["sms", "totp"]),
        ..SelfServiceSettings::default()
    });
    let (id, text) = bruno.begun(stack, 2222);
    scene.set(SelfServiceSettings {
        kinds: words(&["totp"]),
        ..SelfServiceSettings::default()
    });
    let _ = bruno.confirm(&id, &text.code()).is(403);
    assert_eq!(scene.tokens("bruno"), 0);
    for kind in ["recovery", "mail", "", "hotp"] {
        let _ = bruno.post("/add", &[("kind", kind)]).is(422);
    }
}

#[test]
fn p10a_removing_or_replacing_a_token_needs_a_code_of_the_old_one() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let (mut alice, _) = scene.with_token(5678);
    let token = person::shown(stack, "alice").tokens[0].id.clone();
    reissue(&scene, &mut alice, 5678, 6789);
    // The old number hears of it.
    otpost_tests::pamstack::wait_for("word to the old number", || {
        let mut texts = stack.texts().into_iter();
        texts
            .find(|text| text.to == number(5678) && text.text.contains("replaced"))
            .map(|_| ())
    });

    let new = person::shown(stack, "alice").tokens[0].id.clone();
    assert_ne!(new, token);
    let texts = stack.settled();
    let asked = alice.post("/do/remove", &[("token", &new)]);
    let step = alice.step_up(&asked);
    let text = stack.text_after(texts);
    let _ = alice
        .open(&format!("/confirm/{step}"))
        .is(200)
        .says("To remove the token, enter a fresh code.");
    let _ = alice.prove(&step, "password", PASSWORD).is(422);
    let _ = alice.prove(&step, "sms", &wrong(&text.code())).is(422);
    assert_eq!(scene.tokens("alice"), 1);
    let _ = alice
        .prove(&step, "sms", &text.code())
        .leads("/s/vpn/home?done=unassign");
    assert_eq!(scene.tokens("alice"), 0);
    // Once: neither this step-up again nor another token by it.
    let again = alice.prove(&step, "sms", &text.code());
    assert_eq!(again.status, 422, "{} {}", again.to(), again.words());
    assert_eq!(scene.tokens("alice"), 0);
}
