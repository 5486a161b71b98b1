use serde_json::json as value;

use super::*;

fn shown(answer: serde_json::Value) -> String {
    let answer: AdminReply = serde_json::from_value(answer).unwrap();
    let mut out = Vec::new();
    reply(&mut out, &answer).unwrap();
    String::from_utf8(out).unwrap()
}

fn user_of(login: &str, locked: Option<&str>) -> serde_json::Value {
    value!({
        "login": login, "aliases": [], "email": null, "password": true, "resources": ["vpn", "hosts"],
        "locked": locked, "bypass-until": null, "failures": 0, "tokens": []
    })
}

#[test]
fn columns_align_and_lines_have_no_blank_ends() {
    let text = shown(value!({ "re": "users", "more": false, "users": [
        user_of("zoë", None), user_of("a-long-login-name", Some("5 wrong codes"))
    ] }));
    let expected = "\
LOGIN              ALIASES  E-MAIL  PASSWORD  RESOURCES   STATE
zoë                -        -       yes       vpn, hosts  -
a-long-login-name  -        -       yes       vpn, hosts  locked: 5 wrong codes
";
    assert_eq!(text, expected);
}

#[test]
fn an_empty_list_says_so() {
    assert_eq!(
        shown(value!({ "re": "users", "more": false, "users": [] })),
        "No users.\n"
    );
    assert!(shown(value!({ "re": "providers", "providers": [] })).contains("otpostctl sms provider add"));
}

#[test]
fn what_people_chose_cannot_drive_the_terminal() {
    let text =
        shown(value!({ "re": "users", "more": false, "users": [user_of("a\u{1b}[2J\nb\u{202e}", None)] }));
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn json_is_one_line_that_reads_back_and_has_no_controls() {
    let answer = AdminReply::Done {
        message: "a\u{1b}\u{9b}\u{7f}\u{202e}\n🔒".to_owned(),
    };
    let mut out = Vec::new();
    json(&mut out, &answer).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches(char::is_control).collect::<Vec<_>>(), ["\n"]);
    assert!(text.ends_with('\n') && !text.contains('\u{202e}'));
    assert_eq!(serde_json::from_str::<AdminReply>(&text).unwrap(), answer);
}

#[test]
fn audit_rows_name_what_they_have_and_quote_what_would_be_ambiguous() {
    let text = shown(value!({ "re": "audit", "rows": [{
        "seq": 7, "at": 1_790_000_000_250_u64, "kind": "login", "reason": "wrong-code", "ref": "k7", "user": "alice x",
        "resource": "vpn", "via": "radius/fw \"1\"", "source": "", "detail": "a=b"
    }] }));
    assert_eq!(
        text,
        "7 2026-09-21T14:13:20Z login wrong-code user=\"alice x\" resource=vpn via=\"radius/fw \\\"1\\\"\" ref=k7 detail=\"a=b\"\n"
    );
}

#[test]
fn a_broken_chain_is_loud() {
    let text = shown(value!({ "re": "audit-verified", "rows": 9, "head": "ab", "broken_at": 4 }));
    assert!(text.contains("BROKEN at row 4 of 9"), "{text}");
    let text = shown(value!({ "re": "audit-verified", "rows": 9, "head": "ab", "broken_at": null }));
    assert_eq!(text, "The audit chain holds: 9 rows, last hash ab\n");
}

#[test]
fn a_secret_is_shown_only_where_the_answer_is_for_it() {
    let text = shown(
        value!({ "re": "client-secret", "secret": "s3cret-made-once", "client": {
        "name": "fw", "networks": ["192.0.2.0/24"], "resource": "vpn", "message-authenticator": "require",
        "first-factor": "local"
    } }),
    );
    assert!(
        text.contains("s3cret-made-once") && text.contains("192.0.2.0/24"),
        "{text}"
    );
}
