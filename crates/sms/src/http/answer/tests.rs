use super::*;
use crate::message::Text;

fn judge(toml: &str) -> Judge {
    let head = "url = 'https://gw.example/'\nquery = [{ name = 't', value = '{to}{text}' }]\n";
    Judge::new(&toml::from_str(&format!("{head}{toml}")).unwrap()).unwrap()
}

fn complete(judge: &Judge, status: u16, body: &str) -> Submission {
    with(judge, status, &[], &Content::Complete(body.as_bytes().to_vec()))
}

fn with(judge: &Judge, status: u16, headers: &[(&str, &str)], content: &Content) -> Submission {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    let scrub = Scrubber::default().with_message(&Text::sample());
    let head = Head {
        status: StatusCode::from_u16(status).unwrap(),
        headers: map,
    };
    judge.judge(&head, content, 1, &scrub)
}

fn class(submission: &Submission) -> Class {
    match submission {
        Submission::Rejected { class, .. } => *class,
        other => panic!("{other:?}"),
    }
}

fn is_unknown(submission: &Submission) -> bool {
    matches!(submission, Submission::Unknown { .. })
}

/// Answers 200 for everything and tells in the body.
const VONAGE: &str = r#"
success = { status = [200], json-pointer = "/messages/0/status", equals = 0 }
id = { json-pointer = "/messages/0/message-id" }
error = { json-pointer = "/messages/0/status" }
class-map = { 1 = "throttle", 4 = "auth", 7 = "number", 9 = "balance" }
"#;

#[test]
fn success_needs_status_and_body() {
    let judge = judge(VONAGE);
    let body = r#"{"messages":[{"status":"0","message-id":"0A-1"}]}"#;
    assert_eq!(
        complete(&judge, 200, body),
        Submission::Accepted {
            provider_id: Some("0A-1".to_owned()),
            parts: 1
        }
    );
    // The same words under another status are no success.
    assert_eq!(class(&complete(&judge, 500, body)), Class::Transient);
    // Nor does the number differ from its text.
    assert_eq!(
        complete(&judge, 200, r#"{"messages":[{"status":0}]}"#),
        Submission::Accepted {
            provider_id: None,
            parts: 1
        }
    );
}

#[test]
fn an_error_inside_a_200_is_rejected_by_its_code() {
    let judge = judge(VONAGE);
    for (code, expected) in [
        ("1", Class::Throttle),
        ("4", Class::Auth),
        ("7", Class::Number),
        ("9", Class::Balance),
    ] {
        let answer = complete(&judge, 200, &format!(r#"{{"messages":[{{"status":"{code}"}}]}}"#));
        assert_eq!(class(&answer), expected, "{code}");
        assert!(matches!(answer, Submission::Rejected { provider_code: Some(c), .. } if c == code));
    }
    assert_eq!(
        class(&complete(&judge, 200, r#"{"messages":[{"status":"99"}]}"#)),
        Class::Transient
    );
}

#[test]
fn a_200_that_says_neither_yes_nor_no_is_unknown() {
    let judge = judge(VONAGE);
    for body in [
        "",
        "<html>portal</html>",
        "{}",
        r#"{"messages":[]}"#,
        r#"{"messages":[{"status":null}]}"#,
        "{\"mess",
    ] {
        assert!(is_unknown(&complete(&judge, 200, body)), "{body}");
    }
    assert!(is_unknown(&with(&judge, 200, &[], &Content::TooLong)));
    assert!(is_unknown(&with(&judge, 200, &[], &Content::Broken("cut"))));
    // Taken perhaps: 202 is not listed.
    assert!(is_unknown(&complete(&judge, 202, r#"{"id":1}"#)));
}

#[test]
fn a_refusing_status_needs_no_body() {
    let judge = judge(VONAGE);
    for (status, expected) in [
        (400, Class::Content),
        (401, Class::Auth),
        (402, Class::Balance),
        (403, Class::Auth),
        (404, Class::Content),
        (408, Class::Transient),
        (429, Class::Throttle),
        (500, Class::Transient),
        (502, Class::Transient),
        (503, Class::Transient),
    ] {
        for content in [
            Content::Complete(vec![]),
            Content::TooLong,
            Content::Broken("cut"),
        ] {
            assert_eq!(class(&with(&judge, status, &[], &content)), expected, "{status}");
        }
    }
    assert!(
        is_unknown(&complete(&judge, 504, "")),
        "a proxy's time-out is as unknown as our own"
    );
}

#[test]
fn the_code_goes_before_the_status() {
    let judge = judge(VONAGE);
    assert_eq!(
        class(&complete(&judge, 400, r#"{"messages":[{"status":"7"}]}"#)),
        Class::Number
    );
    assert_eq!(
        class(&complete(&judge, 504, r#"{"messages":[{"status":"7"}]}"#)),
        Class::Number
    );
}

#[test]
fn retry_after_is_read_in_seconds_and_capped() {
    let judge = judge(VONAGE);
    for (value, expected) in [
        ("7", Some(Duration::from_secs(7))),
        ("999999", Some(Duration::from_secs(3600))),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
    ] {
        match with(&judge, 429, &[("retry-after", value)], &Content::Complete(vec![])) {
            Submission::Rejected { retry_after, .. } => assert_eq!(retry_after, expected, "{value}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_redirect_is_a_refusal_that_names_only_the_host() {
    let judge = judge(VONAGE);
    match with(
        &judge,
        302,
        &[("location", "https://new.example/x?text=sample&k=abc")],
        &Content::Complete(vec![]),
    ) {
        Submission::Rejected {
            class: Class::Transient,
            detail,
            ..
        } => assert_eq!(
            detail.as_str(),
            "HTTP 302, redirects are not followed; set url to the final address: https://new.example"
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_answers_are_matched_by_regular_expression() {
    let judge = judge(
        r#"
success = { status = [200, 202], regex = '^(0|3): ' }
id = { regex = 'id=(\S+)' }
error = { regex = '^(\d+): ' }
class-map = { 13 = "number" }
default-class = "content"
"#,
    );
    assert_eq!(
        complete(&judge, 202, "0: Accepted for delivery id=77"),
        Submission::Accepted {
            provider_id: Some("77".to_owned()),
            parts: 1
        }
    );
    assert_eq!(
        class(&complete(&judge, 200, "13: no such subscriber")),
        Class::Number
    );
    assert_eq!(class(&complete(&judge, 200, "14: odd")), Class::Content);
    assert_eq!(
        class(&complete(&judge, 200, "Authorization failed")),
        Class::Content
    );
    assert!(is_unknown(&complete(&judge, 200, "")));
}

#[test]
fn presence_and_header_matchers() {
    let judge = judge(
        "success = { status = [201], json-pointer = '/sid', exists = true }\nid = { header = 'X-Message-Id' }\n",
    );
    let body = Content::Complete(br#"{"sid":"SM1"}"#.to_vec());
    assert_eq!(
        with(&judge, 201, &[("x-message-id", "h-1")], &body),
        Submission::Accepted {
            provider_id: Some("h-1".to_owned()),
            parts: 1
        }
    );
    for no in [
        r#"{"sid":null}"#,
        r#"{"sid":""}"#,
        r#"{"sid":false}"#,
        r#"{"code":7}"#,
    ] {
        assert_eq!(class(&complete(&judge, 201, no)), Class::Transient, "{no}");
    }
}

#[test]
fn both_matchers_must_agree() {
    let judge = judge("success = { status = [200], json-pointer = '/ok', equals = true, regex = 'queued' }");
    assert!(matches!(
        complete(&judge, 200, r#"{"ok":true,"s":"queued"}"#),
        Submission::Accepted { .. }
    ));
    assert_eq!(
        class(&complete(&judge, 200, r#"{"ok":true,"s":"held"}"#)),
        Class::Transient
    );
}

#[test]
fn an_id_or_code_that_holds_the_number_is_not_kept() {
    let judge = judge(VONAGE);
    let number = Text::sample().to.expose_digits().to_owned();
    let body = format!(r#"{{"messages":[{{"status":"0","message-id":"{number}"}}]}}"#);
    assert_eq!(
        complete(&judge, 200, &body),
        Submission::Accepted {
            provider_id: None,
            parts: 1
        }
    );
    let shown = format!(
        "{:?}",
        complete(&judge, 200, &body.replace("\"0\"", &format!("\"{number}\"")))
    );
    assert!(
        shown.contains("Rejected") && !shown.contains("5550006"),
        "{shown}"
    );
}
