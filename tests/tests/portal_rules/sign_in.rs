//! P1 to P3: whose portal it is, who may come in, and the second factor at the door.

use std::net::TcpListener;

use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings, SelfServiceSettings, UserAdd};
use otpost_tests::http::Answer;
use otpost_tests::pamstack::wait_for;
use otpost_tests::person::Person;
use otpost_tests::person::{self, wrong};
use otpost_tests::postbox::{Postbox, mail_through};
use otpost_tests::stack::{PASSWORD, number};

use crate::{Scene, headers, plain};

#[test]
fn p1a_a_portal_that_is_unknown_off_or_disabled_is_not_there() {
    let scene = Scene::new();
    let (stack, base) = (&scene.stack, &scene.site.base);
    for name in ["off", "dis"] {
        let set = ResourceSettings {
            self_service: Some(SelfServiceSettings {
                address: Some(name.to_owned()),
                ..SelfServiceSettings::default()
            }),
            ..ResourceSettings::default()
        };
        stack.resource(name, set);
        person::user(stack, &format!("{name}-user"), &[name]);
    }
    let mut inside = Person::new(base, "dis");
    inside.sign_in("dis-user");
    stack.admin(AdminOp::ResourceSet {
        name: "off".to_owned(),
        set: ResourceSettings {
            self_service: Some(SelfServiceSettings {
                address: Some(String::new()),
                ..SelfServiceSettings::default()
            }),
            ..ResourceSettings::default()
        },
    });
    stack.admin(AdminOp::ResourceSet {
        name: "dis".to_owned(),
        set: ResourceSettings {
            enabled: Some(false),
            ..ResourceSettings::default()
        },
    });
    let id = "00112233445566778899aabbccddeeff";
    let pages = [
        "",
        "/mail",
        "/code",
        "/home",
        "/add",
        "/add/sms",
        "/add/totp",
        "/do/names",
        "/do/number",
    ];
    let further = [
        format!("/enrol/{id}"),
        format!("/enrol/{id}/number"),
        format!("/confirm/{id}"),
    ];
    let pages = pages.into_iter().chain(further.iter().map(String::as_str));
    let fields = [
        ("user", "alice"),
        ("password", PASSWORD),
        ("code", "123456"),
        ("method", "sms"),
    ];
    for page in pages {
        for post in [false, true] {
            let mut seen = Vec::new();
            for slug in ["xyz", "off", "dis"] {
                let mut visitor = Person::new(base, slug);
                let answer = if post {
                    visitor.post(page, &fields)
                } else {
                    visitor.get(page)
                };
                if post && page == "/home" {
                    let _ = answer.is(405);
                    continue;
                }
                let answer = answer.is(404).says("There is nothing here");
                for resource in ["VPN", "off-user", "dis-user"] {
                    assert!(!answer.words().contains(resource), "{page}: {}", answer.words());
                }
                seen.push((
                    plain(&answer, &[&format!("/s/{slug}")]),
                    headers(&answer),
                    answer.cookies().len(),
                ));
            }
            assert!(
                seen.windows(2).all(|two| two[0] == two[1]),
                "{page} {post}: {seen:#?}"
            );
        }
    }
    // Who was signed in is so no more.
    let _ = inside.open("/home").is(404);
}

/// The answer to a name and password at a fresh browser.
fn refused(scene: &Scene, user: &str, password: &str) -> Answer {
    scene.somebody().knock(user, password)
}

#[test]
fn p2a_who_may_not_come_in_is_told_the_same_whatever_the_reason() {
    let scene = Scene::new();
    let stack = &scene.stack;
    stack.admin(AdminOp::ResourceSet {
        name: "VPN".to_owned(),
        set: ResourceSettings {
            failed_attempts: Some(3),
            ..ResourceSettings::default()
        },
    });
    person::user(stack, "carol", &[]);
    person::user(stack, "david", &["VPN"]);
    stack.user("erika", 4444, &["VPN"]);
    stack.admin(AdminOp::UserLock {
        user: "david".to_owned(),
        why: "left".to_owned(),
    });
    // Locked by wrong codes, and without a way that would clear it.
    let mut erika = scene.somebody();
    let texts = stack.settled();
    let _ = erika.knock("erika", PASSWORD).leads("/s/vpn/code");
    let code = stack.text_after(texts).code();
    for _ in 0..3 {
        let _ = erika.code("sms", &wrong(&code)).is(422);
    }
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: "frank".to_owned(),
        email: Some("frank@example.com".to_owned()),
        resources: vec!["VPN".to_owned()],
        ..UserAdd::default()
    }));
    let tries = [
        ("nemo1", PASSWORD, "unknown-user"),
        ("alice", "correct house", "wrong-password"),
        ("carol", PASSWORD, "not-in-resource"),
        ("carol", "correct house", "wrong-password"),
        ("david", PASSWORD, "admin-locked"),
        ("erika", PASSWORD, "otp-locked"),
        ("frank", PASSWORD, "no-password"),
    ];
    let mut seen = Vec::new();
    for (user, password, reason) in tries {
        let before = scene.times(reason);
        let answer = refused(&scene, user, password)
            .is(422)
            .says("The user name or the password is not right.");
        assert_eq!(
            scene.times(reason),
            before + 1,
            "{user}: the audit log tells them apart"
        );
        seen.push((
            user,
            answer.body.len(),
            plain(&answer, &[user]),
            headers(&answer),
            answer.cookies().join(" "),
        ));
    }
    for (user, length, body, headers, cookies) in &seen[1..] {
        assert_eq!(*length, seen[0].1, "{user}: the length");
        assert_eq!(*body, seen[0].2, "{user}: the page");
        assert_eq!(*headers, seen[0].3, "{user}: the headers");
        assert_eq!(*cookies, seen[0].4, "{user}: the cookies");
    }
    // Nobody's name closes after as many failures as somebody's, and looks the same then.
    let mut closed = Vec::new();
    for user in ["nemo1", "bruno"] {
        let before = seen.iter().filter(|(name, ..)| *name == user).count();
        for _ in before..10 {
            let _ = refused(&scene, user, "correct house").says("is not right");
        }
        let answer = refused(&scene, user, PASSWORD)
            .is(422)
            .says("There were too many tries.");
        closed.push((plain(&answer, &[user]), headers(&answer)));
    }
    assert_eq!(closed[0], closed[1]);
}

#[test]
fn p2b_who_has_neither_password_nor_address_cannot_sign_in_and_administrators_see_it() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let Some(postbox) = Postbox::or_skip(stack) else {
        return;
    };
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: "gerda".to_owned(),
        resources: vec!["VPN".to_owned()],
        ..UserAdd::default()
    }));
    assert!(!person::shown(stack, "gerda").way_in);
    assert!(person::shown(stack, "alice").way_in);
    let nobody = refused(&scene, "nemo1", PASSWORD).is(422);
    let gerda = refused(&scene, "gerda", PASSWORD).is(422);
    assert_eq!(plain(&gerda, &["gerda"]), plain(&nobody, &["nemo1"]));
    assert_eq!(scene.times("no-way-in"), 1);
    // By mail the pages go on as for everybody; nothing is mailed and no code is right.
    let mut gerda = scene.somebody();
    let _ = gerda.post("/mail", &[("user", "gerda")]).leads("/s/vpn/code");
    let _ = gerda
        .open("/code")
        .is(200)
        .says("If we know an address for you, we sent a code to it.");
    let _ = gerda
        .code("mail", "123456")
        .is(422)
        .says("The code is not right. You have 4 tries left.");
    assert!(postbox.mails().is_empty());
}

/// A user with an address and no password.
fn without_password(scene: &Scene, login: &str) {
    scene.stack.admin(AdminOp::UserAdd(UserAdd {
        login: login.to_owned(),
        email: Some(format!("{login}@example.com")),
        resources: vec!["VPN".to_owned()],
        ..UserAdd::default()
    }));
}

#[test]
fn p2c_who_has_a_password_gets_no_code_by_mail() {
    let scene = Scene::new();
    let Some(postbox) = Postbox::or_skip(&scene.stack) else {
        return;
    };
    without_password(&scene, "henry");
    let ask = |user: &str| {
        let mut person = scene.somebody();
        let _ = person.get("/mail").is(200);
        let _ = person.post("/mail", &[("user", user)]).leads("/s/vpn/code");
        let page = person.open("/code").is(200);
        (person, page)
    };
    let (mut alice, to_alice) = ask("alice");
    let (mut henry, to_henry) = ask("henry");
    let (_, to_nobody) = ask("nemo1");
    // The label differs with each mail and says nothing.
    let shape = |page: &Answer| {
        let words = page.words();
        let (before, rest) = words.split_once("says: ").unwrap();
        let (_, rest) = rest.split_once(' ').unwrap();
        // Seconds pass between the pages.
        let (rest, last) = rest.split_once("Possible in 0:").unwrap();
        (format!("{before}{rest}{}", &last[2..]), page.body.len())
    };
    assert_eq!(shape(&to_alice), shape(&to_nobody));
    assert_eq!(shape(&to_henry), shape(&to_nobody));
    let mail = postbox.after(0);
    assert_eq!(mail.to, ["henry@example.com"]);
    let _ = alice.code("mail", &mail.code()).is(422);
    let _ = henry.code("mail", &mail.code()).leads("/s/vpn/home");
    // The one for henry was asked for after alice's: hers was never made.
    assert_eq!(postbox.mails().len(), 1);
    assert_eq!(scene.times("has-password"), 1);
}

#[test]
fn p2d_a_code_by_mail_has_tries_an_end_and_limits_of_its_own() {
    let scene = Scene::timed();
    let stack = &scene.stack;
    let Some(postbox) = Postbox::or_skip(stack) else {
        return;
    };
    without_password(&scene, "henry");
    let asked = |mails: usize| {
        let mut henry = scene.somebody();
        let _ = henry.post("/mail", &[("user", "henry")]).leads("/s/vpn/code");
        let code = postbox.after(mails).code();
        (henry, code)
    };
    // Wrong, again too soon, again in time: the same digits.
    let (mut henry, code) = asked(0);
    let _ = henry
        .code("mail", &wrong(&code))
        .is(422)
        .says("You have 4 tries left.");
    let _ = henry.code("mail", "12").is(422).says("The code has 6 digits.");
    let _ = henry
        .post("/code", &[("method", "mail"), ("resend", "1")])
        .is(303);
    stack.pass(31);
    let _ = henry
        .post("/code", &[("method", "mail"), ("resend", "1")])
        .is(303);
    assert_eq!(postbox.after(1).code(), code);
    assert_eq!(scene.times("resend-refused"), 1);
    // Bound to the browser that asked, and good once.
    let (mut other, others) = asked(2);
    if others != code {
        let _ = other.code("mail", &code).is(422);
    }
    let stolen = henry.clone();
    let _ = henry.code("mail", &code).leads("/s/vpn/home");
    let mut again = stolen;
    let _ = again.code("mail", &code).leads("/s/vpn");
    // Its time is over.
    let (mut late, code) = asked(3);
    stack.pass(301);
    let _ = late.code("mail", &code).is(422).says("The code’s time is over.");
    // The tries are used.
    let (mut tired, code) = asked(4);
    for left in [4, 3, 2] {
        let _ = tired
            .code("mail", &wrong(&code))
            .is(422)
            .says(&format!("{left} tries left."));
    }
    let _ = tired.code("mail", &wrong(&code)).is(422).says("one try left");
    let _ = tired
        .code("mail", &wrong(&code))
        .is(422)
        .says("That was the last try.");
    let _ = tired.code("mail", &code).is(422).says("That was the last try.");
    // Five mails an hour; the person is not locked by any of that.
    let mut sixth = scene.somebody();
    let _ = sixth
        .post("/mail", &[("user", "henry")])
        .is(422)
        .says("There were too many tries.");
    let shown = person::shown(stack, "henry");
    assert_eq!((shown.locked, shown.failures), (None, 0));
    assert_eq!(postbox.mails().len(), 5);
}

#[test]
fn p2e_mail_that_does_not_leave_is_told_and_tried_again() {
    let scene = Scene::timed();
    let stack = &scene.stack;
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    mail_through(stack, closed);
    without_password(&scene, "henry");
    let mut henry = scene.somebody();
    let _ = henry.post("/mail", &[("user", "henry")]).leads("/s/vpn/code");
    wait_for("the page to say so", || {
        let page = henry.open("/code").is(200);
        page.words()
            .contains("The message could not be sent.")
            .then_some(())
    });
    match stack.admin(AdminOp::MailShow) {
        AdminReply::Mail(view) => assert!(view.waiting == 1 && !view.trouble.is_empty(), "{view:?}"),
        other => panic!("{other:?}"),
    }
    let Some(postbox) = Postbox::or_skip(stack) else {
        return;
    };
    stack.pass(31);
    let _ = henry
        .post("/code", &[("method", "mail"), ("resend", "1")])
        .is(303);
    let code = postbox.after(0).code();
    let _ = henry.code("mail", &code).leads("/s/vpn/home");
}

#[test]
fn p3a_a_token_is_asked_for_before_anything_else() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let (mut alice, _) = scene.with_token(5678);
    let token = person::shown(stack, "alice").tokens[0].id.clone();
    let before = person::shown(stack, "alice");
    let _ = alice.post("/sign-out", &[]).leads("/s/vpn?bye=1");

    let mut thief = scene.somebody();
    let texts = stack.settled();
    let _ = thief.knock("alice", PASSWORD).leads("/s/vpn/code");
    let text = stack.text_after(texts);
    assert_eq!(text.to, number(5678));
    for page in [
        "/home",
        "/add",
        "/add/sms",
        "/add/totp",
        "/do/names",
        "/do/remove?token=x",
    ] {
        let _ = thief.get(page).leads("/s/vpn/code");
    }
    let act = |thief: &mut Person, act: &str, fields: &[(&str, &str)]| {
        let mut all = vec![("token", token.as_str())];
        all.extend_from_slice(fields);
        let _ = thief.post(&format!("/do/{act}"), &all).leads("/s/vpn/code");
    };
    act(&mut thief, "number", &[("phone", "+491712340001")]);
    act(&mut thief, "remove", &[]);
    act(&mut thief, "replace", &[]);
    act(&mut thief, "rename", &[("name", "Mine")]);
    act(
        &mut thief,
        "password",
        &[("current", PASSWORD), ("new", "another horse")],
    );
    act(&mut thief, "email", &[("email", "thief@example.com")]);
    act(&mut thief, "names", &[("first", "T"), ("last", "Hief")]);
    act(&mut thief, "recovery", &[("first", "1")]);
    act(&mut thief, "recovery", &[]);
    let _ = thief.begin("form", "Mine", &number(1), "6").leads("/s/vpn/code");
    assert_eq!(stack.settled(), texts + 1, "no further text");
    assert_eq!(person::shown(stack, "alice"), before);
    let _ = thief
        .code("sms", &wrong(&text.code()))
        .is(422)
        .says("You have 4 tries left.");
    let _ = thief.code("sms", &text.code()).leads("/s/vpn/home");
    let _ = thief.open("/home").is(200).says("Active");
}

#[test]
fn p3b_a_lost_phone_needs_a_recovery_or_a_helpdesk_code_and_a_bypass_opens_nothing() {
    let scene = Scene::new();
    let stack = &scene.stack;
    let (_, codes) = scene.with_token(5678);
    assert_eq!(codes.len(), 10);
    let knock = || {
        let mut person = scene.somebody();
        let _ = person.knock("alice", PASSWORD).leads("/s/vpn/code");
        person
    };
    let mut person = knock();
    let _ = person
        .get("/code?by=recovery")
        .is(200)
        .says("Enter a recovery code");
    let _ = person.code("recovery", &codes[0]).leads("/s/vpn/home");
    let mut person = knock();
    let _ = person.code("recovery", &codes[0]).is(422);
    let _ = person
        .code("recovery", &codes[1].to_uppercase())
        .leads("/s/vpn/home");

    // No way around it.
    stack.admin(AdminOp::UserBypass {
        user: "alice".to_owned(),
        seconds: 3600,
    });
    let mut person = knock();
    for method in ["password", "mail", "skip", ""] {
        let answer = person.code(method, PASSWORD);
        assert!(
            answer.status != 303 || answer.to().starts_with("/s/vpn/code"),
            "{method}: {}",
            answer.to()
        );
        let _ = person.get("/home").leads("/s/vpn/code");
    }
    let code = match stack.admin(AdminOp::UserOneDayCode {
        user: "alice".to_owned(),
    }) {
        AdminReply::OneDayCode { code, .. } => code,
        other => panic!("{other:?}"),
    };
    let _ = person
        .get("/code?by=helpdesk")
        .is(200)
        .says("Enter the helpdesk’s code");
    let _ = person.code("helpdesk", code.expose()).leads("/s/vpn/home");
    let mut person = knock();
    let _ = person.code("helpdesk", code.expose()).is(422);
    let _ = person.get("/home").leads("/s/vpn/code");
}
