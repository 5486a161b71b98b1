//! Flows for VPNs that cannot show a challenge, rules, reply attributes and hidden first factors, asked for by FreeRADIUS' radclient.

use otpost_ipc::admin::{AccessSet, AdminOp, AdminReply, ClientSet, UserSet};
use otpost_tests::radclient::{self, Received};
use otpost_tests::stack::{PASSWORD, SECRET, Stack};

fn ask(stack: &Stack, attributes: &str) -> Received {
    radclient::ask(stack.address(), SECRET, attributes, 5)
}

fn first(stack: &Stack, user: &str, field: &str) -> Received {
    ask(stack, &radclient::password(user, field))
}

fn flow(flow: &str) -> Stack {
    let stack = Stack::vpn_with_clock();
    let first_factor = (flow == "code-only").then_some("stack");
    let set = ClientSet {
        flow: Some(flow.to_owned()),
        ..ClientSet::default()
    };
    stack.client_set("gw", first_factor, set);
    stack
}

fn says(reply: &Received) -> &str {
    reply.get("Reply-Message").unwrap_or_default()
}

/// Six digits that are not `code`.
fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}

#[test]
fn two_pass_rejects_with_words_then_takes_password_and_code() {
    let stack = flow("two-pass");
    let reply = first(&stack, "alice", PASSWORD);
    assert!(reply.is("Access-Reject"), "{reply:?}");
    assert!(
        says(&reply).contains("Log in again with your password and the 6 digits right behind it"),
        "{reply:?}"
    );
    assert_eq!(reply.get("State"), None);
    // The VPN's own next try costs no second text.
    assert!(says(&first(&stack, "alice", PASSWORD)).contains("was sent"));
    let code = stack.text_after(0).code();
    assert!(first(&stack, "alice", &format!("not the password{code}")).is("Access-Reject"));
    assert!(first(&stack, "alice", &format!("{PASSWORD}{}", wrong(&code))).is("Access-Reject"));
    let reply = first(&stack, "alice", &format!("{PASSWORD}{code}"));
    assert!(reply.is("Access-Accept"), "{reply:?}");
    assert_eq!(stack.settled(), 1);
    let used = first(&stack, "alice", &format!("{PASSWORD}{code}"));
    assert!(used.is("Access-Reject"), "{used:?}");
    assert!(says(&used).contains("not valid any more"), "{used:?}");
    let reasons = stack.reasons();
    for reason in [
        "challenge",
        "joined",
        "wrong-password",
        "wrong-code",
        "code",
        "none-open",
    ] {
        assert!(reasons.iter().any(|r| r == reason), "{reason}: {reasons:?}");
    }
}

#[test]
fn append_takes_the_code_in_the_field_or_by_challenge() {
    let stack = flow("append");
    let challenge = first(&stack, "alice", PASSWORD);
    assert!(challenge.is("Access-Challenge"), "{challenge:?}");
    let code = stack.text_after(0).code();
    assert!(first(&stack, "alice", &format!("{PASSWORD}{code}")).is("Access-Accept"));
    // The challenge that was shown is over with it.
    let late = ask(&stack, &radclient::code("alice", &challenge.state(), &code));
    assert!(late.is("Access-Reject"), "{late:?}");
    stack.pass(60);
    let challenge = first(&stack, "alice", PASSWORD);
    let code = stack.text_after(1).code();
    let reply = ask(&stack, &radclient::code("alice", &challenge.state(), &code));
    assert!(reply.is("Access-Accept"), "{reply:?}");
    assert_eq!(stack.settled(), 2);
}

#[test]
fn a_separator_is_understood_and_not_needed() {
    let stack = flow("append");
    let set = ClientSet {
        separator: Some(",".to_owned()),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    for separator in [",", ""] {
        let before = stack.settled();
        assert!(first(&stack, "alice", PASSWORD).is("Access-Challenge"));
        let code = stack.text_after(before).code();
        let reply = first(&stack, "alice", &format!("{PASSWORD}{separator}{code}"));
        assert!(reply.is("Access-Accept"), "{separator:?}: {reply:?}");
        stack.pass(60);
    }
}

#[test]
fn code_only_sends_the_text_on_a_word_and_takes_nothing_but_the_code() {
    let stack = flow("code-only");
    let reply = first(&stack, "alice", "sms");
    assert!(reply.is("Access-Challenge"), "{reply:?}");
    let code = stack.text_after(0).code();
    assert!(first(&stack, "alice", &wrong(&code)).is("Access-Reject"));
    assert!(first(&stack, "alice", &format!("{PASSWORD}{code}")).is("Access-Reject"));
    assert!(first(&stack, "alice", &code).is("Access-Accept"));
    assert_eq!(stack.settled(), 1);
}

#[test]
fn chap_proves_a_code_and_never_a_password() {
    let stack = flow("code-only");
    let chap = |user: &str, secret: &str| {
        format!("User-Name = \"{user}\", CHAP-Password = \"{secret}\", Message-Authenticator = 0x00")
    };
    assert!(first(&stack, "alice", "sms").is("Access-Challenge"));
    let code = stack.text_after(0).code();
    assert!(ask(&stack, &chap("alice", &wrong(&code))).is("Access-Reject"));
    let reply = ask(&stack, &chap("alice", &code));
    assert!(reply.is("Access-Accept"), "{reply:?}");

    let stack = Stack::vpn_with_clock();
    let refused = ask(&stack, &chap("alice", PASSWORD));
    assert!(refused.is("Access-Reject"), "{refused:?}");
    assert!(stack.reasons().contains(&"needs-pap".to_owned()));
    // The second step of a challenge may come by CHAP: the code is known here.
    let challenge = first(&stack, "alice", PASSWORD);
    let code = stack.text_after(0).code();
    let answer = format!("{}, State = {}", chap("alice", &code), challenge.state());
    assert!(ask(&stack, &answer).is("Access-Accept"));
}

#[test]
fn a_hidden_first_factor_challenges_everybody_and_texts_one() {
    let stack = Stack::vpn_with_clock();
    let set = ClientSet {
        hide_first_factor: Some(true),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    let right = first(&stack, "alice", PASSWORD);
    let others = [
        first(&stack, "alice", "not the password"),
        first(&stack, "nobody", PASSWORD),
    ];
    assert!(right.is("Access-Challenge"), "{right:?}");
    for other in &others {
        assert!(other.is("Access-Challenge"), "{other:?}");
        assert_eq!(other.length, right.length, "{other:?}");
        let names = |reply: &Received| -> Vec<String> {
            reply.attributes.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(other), names(&right));
    }
    assert_eq!(stack.settled(), 1);
    let code = stack.texts()[0].code();
    for (user, decoy) in [("alice", &others[0]), ("nobody", &others[1])] {
        let reply = ask(&stack, &radclient::code(user, &decoy.state(), &code));
        assert!(says(&reply).starts_with("Wrong code, 4 tries left"), "{reply:?}");
    }
    let reply = ask(&stack, &radclient::code("alice", &right.state(), &code));
    assert!(reply.is("Access-Accept"), "{reply:?}");
    let reasons = stack.reasons();
    for reason in ["wrong-password", "unknown-user", "decoy"] {
        assert!(reasons.iter().any(|r| r == reason), "{reason}: {reasons:?}");
    }
}

fn from(station: &str) -> String {
    format!(
        "{}, Calling-Station-Id = \"{station}\"",
        radclient::password("alice", PASSWORD)
    )
}

fn words(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn source_rules_hold_for_the_trusted_attribute_alone() {
    let stack = Stack::vpn_with_clock();
    stack.access(
        "vpn",
        AccessSet {
            exempt_networks: words(&["192.0.2.0/24"]),
            ..AccessSet::default()
        },
    );
    // Nobody said that this client's Calling-Station-Id can be trusted.
    assert!(ask(&stack, &from("192.0.2.7")).is("Access-Challenge"));
    let set = ClientSet {
        source: Some("calling-station-id".to_owned()),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    assert!(ask(&stack, &from("192.0.2.7")).is("Access-Accept"));
    assert!(ask(&stack, &from("198.51.100.7")).is("Access-Challenge"));
    assert!(
        first(&stack, "alice", PASSWORD).is("Access-Challenge"),
        "empty matches nothing"
    );
    stack.access(
        "vpn",
        AccessSet {
            allowed_networks: words(&["192.0.2.7"]),
            exempt_networks: words(&[]),
            ..AccessSet::default()
        },
    );
    assert!(ask(&stack, &from("192.0.2.8")).is("Access-Reject"));
    assert!(first(&stack, "alice", PASSWORD).is("Access-Reject"));
    let reasons = stack.reasons();
    for reason in ["exempt-network", "network-refused"] {
        assert!(reasons.iter().any(|r| r == reason), "{reason}: {reasons:?}");
    }
}

#[test]
fn a_code_holds_at_its_source_until_it_is_revoked() {
    let stack = Stack::vpn_with_clock();
    let set = ClientSet {
        source: Some("calling-station-id".to_owned()),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    stack.access(
        "vpn",
        AccessSet {
            remember_minutes: Some(60),
            ..AccessSet::default()
        },
    );
    let login = |texts: usize| {
        let challenge = ask(&stack, &from("192.0.2.7"));
        assert!(challenge.is("Access-Challenge"), "{challenge:?}");
        let code = stack.text_after(texts).code();
        let answer = radclient::code("alice", &challenge.state(), &code);
        let answer = format!("{answer}, Calling-Station-Id = \"192.0.2.7\"");
        assert!(ask(&stack, &answer).is("Access-Accept"));
    };
    login(0);
    assert!(ask(&stack, &from("192.0.2.7")).is("Access-Accept"));
    assert!(ask(&stack, &from("192.0.2.8")).is("Access-Challenge"));
    let listed = match stack.admin(AdminOp::RememberedList {
        user: "alice".to_owned(),
    }) {
        AdminReply::Remembered { entries } => entries,
        other => panic!("{other:?}"),
    };
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            listed[0].source.as_str(),
            listed[0].service.as_str(),
            listed[0].resource.as_str()
        ),
        ("192.0.2.7", "gw", "vpn")
    );
    stack.admin(AdminOp::RememberedRevoke {
        user: "alice".to_owned(),
        id: Some(listed[0].id.clone()),
    });
    stack.pass(120);
    login(2);
    stack.admin(AdminOp::UserLock {
        user: "alice".to_owned(),
        why: "lost phone".to_owned(),
    });
    stack.admin(AdminOp::UserUnlock {
        user: "alice".to_owned(),
    });
    assert!(
        ask(&stack, &from("192.0.2.7")).is("Access-Challenge"),
        "a lock ends it"
    );
}

#[test]
fn reply_attributes_come_by_person_group_resource_and_client() {
    let stack = Stack::vpn_with_clock();
    stack.admin(AdminOp::UserSet(UserSet {
        user: "alice".to_owned(),
        groups: words(&["staff"]),
        ..UserSet::default()
    }));
    stack.access(
        "vpn",
        AccessSet {
            exempt_users: words(&["alice"]),
            reply: words(&[
                "Filter-Id = everybody",
                "group Staff: Filter-Id = staff",
                "user alice: Framed-IP-Address = 192.0.2.44",
                "Session-Timeout = 3600",
            ]),
            ..AccessSet::default()
        },
    );
    let set = ClientSet {
        reply: words(&[
            "Cisco-AVPair = \"shell:priv-lvl=15\"",
            "Session-Timeout = 60",
            "Class = gateway",
        ]),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    let reply = first(&stack, "alice", PASSWORD);
    assert!(reply.is("Access-Accept"), "{reply:?}");
    assert_eq!(reply.get("Filter-Id"), Some("staff"));
    assert_eq!(reply.get("Framed-IP-Address"), Some("192.0.2.44"));
    assert_eq!(reply.get("Session-Timeout"), Some("3600"));
    assert_eq!(reply.get("Cisco-AVPair"), Some("shell:priv-lvl=15"));
    assert!(reply.get("Class").is_some(), "{reply:?}");
}

#[test]
fn a_reply_attribute_that_cannot_be_sent_is_refused_when_it_is_entered() {
    let stack = Stack::vpn_with_clock();
    for (attribute, word) in [
        ("Filter-Idd = x", "Filter-Id"),
        ("Framed-IP-Address = nowhere", "address"),
        ("State = 0x00", "State"),
        ("Session-Timeout = soon", "Session-Timeout"),
    ] {
        let fault = stack.refused(AdminOp::RadiusClientSet {
            name: "gw".to_owned(),
            networks: None,
            resource: None,
            secret: None,
            weak_secret: false,
            message_authenticator: None,
            first_factor: None,
            set: ClientSet {
                reply: words(&[attribute]),
                ..ClientSet::default()
            },
        });
        assert!(fault.message.contains(word), "{attribute}: {}", fault.message);
    }
}

#[test]
fn short_prompts_fit_what_the_client_shows() {
    let stack = Stack::vpn_with_clock();
    let set = ClientSet {
        prompt_length: Some(20),
        echo: Some(false),
        ..ClientSet::default()
    };
    stack.client_set("gw", None, set);
    let reply = first(&stack, "alice", PASSWORD);
    assert!(says(&reply).len() <= 20, "{reply:?}");
    assert!(says(&reply).contains(&stack.text_after(0).label()), "{reply:?}");
    assert_eq!(reply.get("Prompt"), Some("No-Echo"));
}
