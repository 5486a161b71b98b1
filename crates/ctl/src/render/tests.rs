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
LOGIN              NAME  ALIASES  E-MAIL  PASSWORD  RESOURCES   STATE
zoë                -     -        -       yes       vpn, hosts  -
a-long-login-name  -     -        -       yes       vpn, hosts  locked: 5 wrong codes
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

#[test]
fn what_is_shown_once_stands_on_a_line_of_its_own_behind_one_line_of_advice() {
    for (answer, expected) in [
        (
            value!({ "re": "one-day-code", "code": "48230571", "until": 0 }),
            "One-day code, shown this once; give it to the user only after you know who asks. Good once, until \
             1970-01-01T00:00:00Z:\n48230571\n",
        ),
        (
            value!({ "re": "recovery-codes", "codes": ["ab", "cd"] }),
            "Recovery codes, shown this once; each is good once, and all older ones have ended:\nab\ncd\n",
        ),
        (
            value!({ "re": "invited", "link": "https://p/s/vpn?i=x\u{1b}", "until": 0, "mailed": false }),
            "Invitation, shown this once; bring it to the user; it was not mailed. Good once, until \
             1970-01-01T00:00:00Z:\nhttps://p/s/vpn?i=x\u{fffd}\n",
        ),
        (
            value!({ "re": "admin-link", "link": "https://c/setup?k=x", "until": 0, "mailed": true }),
            "Set-up link, shown this once; it is mailed to the administrator. Good once, until \
             1970-01-01T00:00:00Z:\nhttps://c/setup?k=x\n",
        ),
    ] {
        assert_eq!(shown(answer), expected);
    }
}

fn resource_with(self_service: &serde_json::Value, portal: &str) -> String {
    shown(
        value!({ "re": "resource", "name": "vpn", "users": 1, "portal": portal,
        "settings": { "self-service": self_service } }),
    )
}

#[test]
fn a_resource_shows_its_portal_in_full() {
    let set = value!({ "address": "vpn", "actions": ["enroll", "rename"], "kinds": ["sms"], "otp-length": "8",
        "two-steps": false, "first-enrolment": "invite", "enrol-days": 0, "title": "Office", "accent": "#00aa55",
        "hint": "" });
    let text = resource_with(&set, "https://login.example.com/s/vpn");
    let own = text.split_once("\n\n").unwrap().1;
    assert_eq!(
        own,
        "\
Self-service            vpn
Portal                  https://login.example.com/s/vpn
Allowed actions         enroll, rename
Can be set up           sms
Length of codes         8 digits
Number and code         on one page
First enrolment         by invitation; make one with: otpostctl user invite
First enrolment within  no end
Title                   Office
Colour                  #00aa55
Hint                    none
"
    );
    assert!(resource_with(&set, "").contains("otpostctl portal set --url"));
    let off = resource_with(&value!({ "address": "", "actions": [], "kinds": [] }), "");
    assert!(
        off.contains(
            "Self-service            off\nPortal                  -\nAllowed actions         none\n"
        ),
        "{off}"
    );
}

#[test]
fn a_resource_shows_its_rules_in_words() {
    let rules = |access: serde_json::Value| {
        let text = shown(
            value!({ "re": "resource", "name": "vpn", "users": 1, "portal": "",
            "settings": { "access": access } }),
        );
        text.split_once("\n\n").unwrap().1.to_owned()
    };
    assert_eq!(
        rules(
            value!({ "allowed-networks": ["192.0.2.0/24"], "hours": ["mon-fri 07:00-19:00", "sat 10:00-16:00"],
            "time-zone": "", "exempt-networks": ["198.51.100.0/24"], "exempt-users": ["a", "b"],
            "exempt-groups": ["staff"], "remember-minutes": 90, "reply": ["Class = a, b", "user a: Class = c"] })
        ),
        "\
Logins from         192.0.2.0/24
Logins at           mon-fri 07:00-19:00; sat 10:00-16:00 (time of otpostd's host)
No code from        198.51.100.0/24
No code for users   a, b
No code for groups  staff
A code holds        1h 30m from the same device
Reply attributes    Class = a, b; user a: Class = c
"
    );
    assert_eq!(
        rules(
            value!({ "allowed-networks": [], "hours": [], "time-zone": "Europe/Berlin", "exempt-networks": [],
            "exempt-users": [], "exempt-groups": [], "remember-minutes": 0, "reply": [] })
        ),
        "\
Logins from         everywhere
Logins at           always
No code from        nowhere
No code for users   none
No code for groups  none
A code holds        for one login
Reply attributes    none
"
    );
}

fn client_with(
    mode: &str,
    signed: Option<u64>,
    unsigned: Option<u64>,
    set: &serde_json::Value,
) -> serde_json::Value {
    value!({ "name": "fw", "networks": ["192.0.2.0/24"], "resource": "vpn", "message-authenticator": mode,
        "first-factor": "local", "signed": signed, "unsigned": unsigned, "set": set })
}

#[test]
fn a_client_shows_all_its_settings_in_words() {
    let set = value!({ "nas": "openvpn", "flow": "append", "separator": ",", "limit-proxy-state": true,
        "hide-first-factor": true, "echo": false, "prompt-length": 128, "source": "calling-station-id", "eap": false,
        "accounting": true, "reply": ["Class = staff"] });
    let mut view = client_with("auto", Some(0), Some(1_790_000_000_000), &set);
    view["re"] = value!("client");
    assert_eq!(
        shown(view),
        "\
Name                    fw
Networks                192.0.2.0/24
Resource                vpn
Product                 openvpn
Flow                    append: password and code in one field
Separator               `,`
First factor            local: otpost checks the password
Wrong password          hidden: a code is asked for all the same
Message-Authenticator   auto: it was sent once, so a request without gets no answer
Sends it                not on 2026-09-21T14:13:20Z
First sent              1970-01-01T00:00:00Z
Last left out           2026-09-21T14:13:20Z
Proxied without it      no answer
Code shown while typed  no
Longest prompt          128 octets
Device's address in     calling-station-id
EAP-GTC                 no
Accounting              yes
Reply attributes        Class = staff
"
    );
}

#[test]
fn the_list_of_clients_tells_who_sends_no_message_authenticator() {
    let set = value!({ "flow": "challenge" });
    let all = [
        client_with("require", Some(0), None, &set),
        client_with("off", None, Some(0), &set),
        client_with("auto", None, None, &set),
    ];
    let text = shown(value!({ "re": "clients", "clients": all }));
    let ends: Vec<&str> = text
        .lines()
        .map(|line| line.split_once("FIRST FACTOR  ").map_or(line, |(_, end)| end))
        .collect();
    assert_eq!(
        ends,
        [
            "MESSAGE-AUTHENTICATOR  SENDS IT",
            "fw      192.0.2.0/24  vpn       challenge  local         require                yes",
            "fw      192.0.2.0/24  vpn       challenge  local         off                    not on 1970-01-01T00:00:00Z",
            "fw      192.0.2.0/24  vpn       challenge  local         auto                   -",
        ]
    );
}

#[test]
fn the_overview_is_a_chart_in_proportion_where_nothing_is_lost() {
    let hour = |n: u64, allowed: u64, wrong: u64, denied: u64| {
        value!({ "start": 1_790_000_000_000 - 800_000 + n * 3_600_000, "allowed": allowed, "wrong-code": wrong,
            "denied": denied })
    };
    let view = value!({ "re": "overview", "step": 3_600_000, "series": [hour(0, 0, 0, 0), hour(1, 1, 0, 0),
        hour(2, 300, 60, 40)], "reasons": [["wrong-code", 60], ["locked", 40]], "texts": [["accepted", 400]],
        "providers": [{ "provider": "gw", "accepted": 400, "failed": 2, "p50": 90, "p95": 700 }],
        "locked": ["bob"], "locked-count": 12, "status": { "warnings": ["no mail server"] } });
    assert_eq!(
        shown(view),
        "\
Logins: # let in, x wrong code, - denied otherwise

FROM (UTC)        IN   WRONG  DENIED
2026-09-21 14:00  0    0      0
2026-09-21 15:00  1    0      0       #
2026-09-21 16:00  300  60     40      ##############################xxxxxx----

Logins let in     301
Wrong codes       60
Denied otherwise  40
Why denied        wrong-code 60, locked 40
Texts             accepted 400
Locked users      12 (bob, …)

PROVIDER  TOOK  DID NOT  HALF WITHIN  95 OF 100 WITHIN
gw        400   2        90 ms        700 ms

warning: no mail server
"
    );
    let quiet = shown(value!({ "re": "overview", "step": 86_400_000, "series": [hour(0, 0, 0, 0)] }));
    assert!(
        quiet.starts_with("No logins in this time.\n") && quiet.contains("Locked users      none"),
        "{quiet}"
    );
    let most = u64::MAX;
    let huge = shown(value!({ "re": "overview", "step": 86_400_000, "series": [
        { "start": 0, "allowed": most, "wrong-code": most, "denied": most }] }));
    assert!(huge.contains("\n1970-01-01  "), "{huge}");
}

#[test]
fn an_import_that_failed_or_was_refused_says_why() {
    let import = |state: &str, why: &str| {
        shown(value!({ "re": "import", "import": "1a", "state": state, "lines": 9, "done": 4, "why": why }))
    };
    assert_eq!(
        import("failed", "the disk is full"),
        "Failed after 4 of 9 lines: the disk is full\n"
    );
    assert_eq!(
        import("refused", "1 line is bad"),
        "Refused, and nothing was written: 1 line is bad\n"
    );
    assert_eq!(import("running", ""), "Running: 4 of 9 lines\n");
}

#[test]
fn mail_and_portal_say_what_is_missing() {
    let off = shown(value!({ "re": "mail", "host": "", "waiting": 2 }));
    assert!(
        off.contains("otpostctl mail set --host") && off.contains("Waiting mails  2"),
        "{off}"
    );
    let portal =
        shown(value!({ "re": "portal", "url": "", "console-url": "https://c", "email-codes": false }));
    assert!(
        portal.contains("otpostctl portal set --url") && portal.contains("https://c"),
        "{portal}"
    );
    assert!(shown(value!({ "re": "admins", "admins": [] })).contains("otpostctl setup-link"));
}

#[test]
fn trouble_with_the_text_of_an_enrolment_names_what_mends_it() {
    for (word, mends) in [
        ("failed", "sms messages"),
        ("unknown", "sms messages"),
        ("budget", "sms limits"),
        ("country", "sms countries"),
        ("paused", "sms resume"),
    ] {
        let text = shown(
            value!({ "re": "enrolment", "id": "e1", "kind": "sms", "name": "", "phone": "+1",
            "totp": null, "uri": null, "state": "open", "ask": { "trouble": word }, "why": "", "replaces": false,
            "token": null }),
        );
        assert!(text.contains(&format!("see otpostctl {mends}")), "{text}");
    }
}
