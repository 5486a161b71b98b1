use http_body_util::BodyExt;
use proptest::prelude::*;

use super::{request::Outgoing, *};
use crate::message::{MessageRef, Recipient, Sender};

const SUCCESS: &str = "success = { status = [200], json-pointer = '/ok', equals = true }\n";

fn config(toml: &str) -> HttpConfig {
    toml::from_str(toml).unwrap()
}

/// A configuration that is right but for what is added or replaced.
fn error(toml: &str) -> ConfigError {
    HttpTransport::new(&config(toml)).unwrap_err()
}

fn msg(body: &str) -> Text {
    Text {
        reference: MessageRef::new("ref-1").unwrap(),
        to: Recipient::new("+491701234567").unwrap(),
        body: body.into(),
        sender: Some(Sender::new("ACME VPN").unwrap()),
        ttl: Duration::from_secs(290),
        want_receipt: false,
    }
}

fn build(toml: &str, msg: &Text) -> Outgoing {
    let transport = HttpTransport::new(&config(&format!("{toml}\n{SUCCESS}"))).unwrap();
    transport.plan.build(msg).unwrap()
}

fn body_of(request: Outgoing) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime
        .block_on(request.into_body().collect())
        .unwrap()
        .to_bytes()
        .to_vec()
}

#[test]
fn url_and_query_are_percent_encoded() {
    let request = build(
        r#"
method = "GET"
url = "http://127.0.0.1:9/send/{secret.account}?x=1"
query = [{ name = "to", value = "{to}" }, { name = "te xt", value = "{text} & {{more}}" }]
secrets = { account = "a/b?c" }
"#,
        &msg("50% of a&b=c #1 ä"),
    );
    assert_eq!(
        request.uri().to_string(),
        "http://127.0.0.1:9/send/a%2Fb%3Fc?x=1&to=%2B491701234567\
         &te%20xt=50%25%20of%20a%26b%3Dc%20%231%20%C3%A4%20%26%20%7Bmore%7D"
    );
    assert_eq!(request.method(), "GET");
    assert_eq!(body_of(request), b"");
}

#[test]
fn a_form_is_form_encoded() {
    let request = build(
        r#"
url = "http://127.0.0.1:9/"
body = { kind = "form", fields = [{ name = "To", value = "{to}" }, { name = "Body", value = "{text}" }, { name = "ttl", value = "{ttl-minutes}" }] }
"#,
        &msg("a b+c&To=+1900\r\n"),
    );
    assert_eq!(
        request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        body_of(request),
        b"To=%2B491701234567&Body=a+b%2Bc%26To%3D%2B1900%0D%0A&ttl=4"
    );
}

#[test]
fn xml_is_escaped_and_its_literals_are_not() {
    let request = build(
        r#"
url = "http://127.0.0.1:9/"
body = { kind = "raw", content-type = "text/xml; charset=utf-8", escape = "xml", template = "<m to='{to-digits}'>{text}</m>" }
"#,
        &msg("</m><m to='1900'>"),
    );
    assert_eq!(request.headers()["content-type"], "text/xml; charset=utf-8");
    assert_eq!(
        body_of(request),
        b"<m to='491701234567'>&lt;/m&gt;&lt;m to=&#39;1900&#39;&gt;</m>"
    );
}

#[test]
fn credentials_become_headers_that_do_not_print() {
    let toml = r#"
url = "http://127.0.0.1:9/"
query = [{ name = "q", value = "{to}{text}" }]
secrets = { token = "t0psecret" }
"#;
    for (auth, header, expected) in [
        (
            "auth = { kind = 'bearer', token = '{secret.token}' }",
            "authorization",
            "Bearer t0psecret",
        ),
        (
            "auth = { kind = 'basic', username = 'me', password = '{secret.token}' }",
            "authorization",
            "Basic bWU6dDBwc2VjcmV0",
        ),
        (
            "auth = { kind = 'header', name = 'X-Api-Key', value = 'K {secret.token}' }",
            "x-api-key",
            "K t0psecret",
        ),
    ] {
        let request = build(&format!("{toml}{auth}"), &msg("x"));
        assert_eq!(request.headers()[header], expected);
        let shown = format!(
            "{:?} {:?}",
            request.headers(),
            config(&format!("{toml}{auth}\n{SUCCESS}"))
        );
        assert!(!shown.contains("t0psecret") && !shown.contains("bWU6"), "{shown}");
    }
}

#[test]
fn headers_refuse_what_could_split_them() {
    let toml = r#"
url = "http://127.0.0.1:9/"
headers = [{ name = "X-Text", value = "{text}" }, { name = "X-To", value = "{to}" }]
"#;
    assert_eq!(build(toml, &msg("plain text")).headers()["x-text"], "plain text");
    let transport = HttpTransport::new(&config(&format!("{toml}{SUCCESS}"))).unwrap();
    for bad in ["a\r\nX-Admin: 1", "a\nb", "a\u{0}b", "a\tb", "ä"] {
        assert!(transport.plan.build(&msg(bad)).is_err(), "{bad:?}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match runtime.block_on(transport.submit(&msg("a\r\nX-Admin: 1"))) {
        Submission::Rejected {
            class: Class::Content,
            detail,
            ..
        } => {
            assert!(
                detail.as_str().contains("send this value in the body"),
                "{detail}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_without_a_sender_is_refused_where_one_is_needed() {
    let toml = format!(
        "url = 'http://127.0.0.1:9/'\nquery = [{{ name = 'q', value = '{{to}}{{text}}{{sender}}' }}]\n{SUCCESS}"
    );
    let transport = HttpTransport::new(&config(&toml)).unwrap();
    assert!(transport.needs_sender());
    let nobody = Text {
        sender: None,
        ..msg("x")
    };
    assert!(
        transport
            .plan
            .build(&nobody)
            .unwrap_err()
            .0
            .contains("configure a sender")
    );
}

#[test]
fn every_mistake_is_found_at_load_and_says_what_to_do() {
    let base = "url = 'http://127.0.0.1:9/send?to={to}&text={text}'\n";
    let ok = format!("{base}{SUCCESS}");
    let tls = ok.replace("http://127.0.0.1:9", "https://gw.example");
    assert!(HttpTransport::new(&config(&ok)).is_ok());
    let cases = [
        (
            format!("{base}success = {{ status = [200] }}"),
            "success: a status alone does not tell",
        ),
        (
            format!("{base}success = {{ status = [], regex = 'x' }}"),
            "success.status: is empty",
        ),
        (
            format!("{base}success = {{ status = [302], regex = 'x' }}"),
            "success.status: has a status outside",
        ),
        (
            format!("{base}success = {{ status = [200], regex = '(' }}"),
            "success.regex: not a regular expression",
        ),
        (
            format!("{base}success = {{ status = [200], json-pointer = 'ok', equals = 1 }}"),
            "starts with a slash",
        ),
        (
            format!("{base}success = {{ status = [200], json-pointer = '/ok' }}"),
            "exactly one of equals, any-of and exists",
        ),
        (
            format!("{base}success = {{ status = [200], equals = 1 }}"),
            "need json-pointer",
        ),
        (
            format!("{base}success = {{ status = [200], json-pointer = '/a', exists = false }}"),
            "can only be true",
        ),
        (
            format!("{base}success = {{ status = [200], json-pointer = '/a', any-of = [] }}"),
            "any-of: is empty",
        ),
        (format!("{ok}id = {{ }}"), "id: needs exactly one of"),
        (
            format!("{ok}id = {{ regex = 'id=.*' }}"),
            "id.regex: has no group",
        ),
        (
            format!("{ok}error = {{ json-pointer = '/a', regex = '(b)' }}"),
            "error: needs exactly one of",
        ),
        (
            format!("{ok}class-map = {{ 1 = 'auth' }}"),
            "class-map: is never used without `error`",
        ),
        (
            format!("{ok}total-timeout = '3s'"),
            "total-timeout: must be longer than connect-timeout",
        ),
        (
            format!("{ok}connect-timeout = '0s'"),
            "connect-timeout: must be more than nothing",
        ),
        (
            format!("{ok}max-response-bytes = 1"),
            "max-response-bytes: must be 256",
        ),
        (
            format!("{ok}secrets = {{ 'a b' = 'x' }}"),
            "secrets.a b: a name has letters",
        ),
        (format!("{ok}secrets = {{ a = '' }}"), "secrets.a: is empty"),
        (
            format!("{ok}headers = [{{ name = 'X-A', value = '{{phone}}' }}]"),
            "headers.X-A: unknown placeholder {phone}; known are {to}",
        ),
        (
            format!("{ok}headers = [{{ name = 'X-A', value = '{{secret.k}}' }}]"),
            "there is no secret `k`",
        ),
        (
            format!("{ok}headers = [{{ name = 'X A', value = 'x' }}]"),
            "is no header name",
        ),
        (
            format!("{ok}headers = [{{ name = 'Host', value = 'x' }}]"),
            "`Host`: is set by the transport",
        ),
        (
            format!("{ok}headers = [{{ name = 'Content-Type', value = 'x' }}]"),
            "follows from the kind of the body",
        ),
        (
            format!("{ok}headers = [{{ name = 'X-A', value = \"a\\nb\" }}]"),
            "the request cannot be built: a header",
        ),
        (
            format!(
                "{ok}headers = [{{ name = 'authorization', value = 'x' }}]\nauth = {{ kind = 'bearer', token = '{{secret.k}}' }}\nsecrets = {{ k = 'x' }}"
            ),
            "is set by auth too",
        ),
        (
            format!("{ok}auth = {{ kind = 'bearer', token = 'hunter2' }}"),
            "auth.token: put the value under `secrets`",
        ),
        (
            format!("{ok}auth = {{ kind = 'bearer', token = '{{secret.k}}' }}\nsecrets = {{ k = \"x\\n\" }}"),
            "does the secret end in a newline?",
        ),
        (
            format!(
                "{ok}auth = {{ kind = 'basic', username = 'a:b', password = '{{secret.k}}' }}\nsecrets = {{ k = 'x' }}"
            ),
            "has a colon",
        ),
        (
            format!("{ok}query = [{{ name = '{{to}}', value = 'x' }}]"),
            "placeholders stand in the value",
        ),
        (
            format!("{ok}query = [{{ name = '', value = 'x' }}]"),
            "the name is empty",
        ),
        (
            format!("{ok}body = {{ kind = 'form', fields = [] }}"),
            "body: fields: is empty",
        ),
        (
            format!("{ok}method = 'GET'\nbody = {{ kind = 'json', template = '{{}}' }}"),
            "body: a GET request has none",
        ),
        (
            format!("{ok}body = {{ kind = 'json', template = '{{\"to\": {{to}}}}' }}"),
            "not JSON at line 1 column 9",
        ),
        (
            format!("{ok}body = {{ kind = 'json', template = '{{\"{{to}}\": 1}}' }}"),
            "a member name has a brace",
        ),
        (
            format!(
                "{ok}body = {{ kind = 'raw', content-type = 'application/json', escape = 'none', template = '' }}"
            ),
            "JSON needs kind",
        ),
        (
            format!(
                "{ok}body = {{ kind = 'raw', content-type = 'application/x-www-form-urlencoded', escape = 'none', template = '' }}"
            ),
            "a form needs kind",
        ),
        (
            format!(
                "{ok}body = {{ kind = 'raw', content-type = 'text/xml', escape = 'none', template = '' }}"
            ),
            "XML needs escape",
        ),
        (
            format!("{ok}body = {{ kind = 'raw', content-type = 'plain', escape = 'none', template = '' }}"),
            "not a media type",
        ),
        (
            format!("{tls}ca-file = '/nonexistent/ca.pem'"),
            "ca-file: /nonexistent/ca.pem: cannot be read",
        ),
        (
            format!("{tls}ca-file = '/dev/null'"),
            "ca-file: /dev/null: has no certificate",
        ),
        (
            format!("url = 'https://gw.example/'\n{SUCCESS}"),
            "no template has {to} or {to-digits}",
        ),
        (
            format!("url = 'https://gw.example/{{to}}'\n{SUCCESS}"),
            "no template has {text}",
        ),
        (
            format!("url = 'ftp://gw.example/{{to}}'\n{SUCCESS}"),
            "url: does not start with https://",
        ),
        (
            format!("url = 'https://{{to}}.example/'\n{SUCCESS}"),
            "never in host or port",
        ),
        (
            format!("url = 'https://me:pw@gw.example/'\n{SUCCESS}"),
            "credentials do not belong here",
        ),
        (
            format!("url = 'https://gw.example/#x'\n{SUCCESS}"),
            "has a fragment",
        ),
        (format!("url = 'https:///x'\n{SUCCESS}"), "url: "),
        (
            format!("url = 'https://gw.example/a b'\n{SUCCESS}"),
            "has a space",
        ),
        (
            format!("url = 'http://gw.example/{{to}}{{text}}'\n{SUCCESS}"),
            "use https://, or set plain-http = true",
        ),
        (
            format!("url = 'http://127.0.0.1.example/{{to}}{{text}}'\n{SUCCESS}"),
            "use https://, or set plain-http = true",
        ),
        (
            format!("url = 'http://127.0.0.1/{{to}}{{text}}'\nca-file = '/dev/null'\n{SUCCESS}"),
            "has no effect on a http:// url",
        ),
    ];
    for (toml, expected) in cases {
        let shown = error(&toml).to_string();
        assert!(
            shown.contains(expected),
            "{shown}\n  expected: {expected}\n{toml}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    for fine in ["http://127.0.0.1:8080", "http://[::1]", "http://localhost"] {
        assert!(
            HttpTransport::new(&config(&format!("url = '{fine}/{{to}}{{text}}'\n{SUCCESS}"))).is_ok(),
            "{fine}"
        );
    }
    let plain = format!("url = 'http://10.0.0.1/{{to}}{{text}}'\nplain-http = true\n{SUCCESS}");
    assert!(HttpTransport::new(&config(&plain)).is_ok());
}

#[test]
fn unknown_keys_and_odd_times_are_refused_by_the_parser() {
    let base = format!("url = 'http://127.0.0.1:9/{{to}}{{text}}'\n{SUCCESS}");
    for (line, expected) in [
        ("timeout = '3s'", "unknown field `timeout`"),
        ("auth = { kind = 'basic', user = 'x' }", "unknown field `user`"),
        ("body = { kind = 'xml' }", "unknown variant `xml`"),
        (
            "body = { kind = 'raw', content-type = 'text/plain', template = 'x' }",
            "missing field `escape`",
        ),
        (
            "body = { kind = 'json', template = '{}', escape = 'none' }",
            "unknown field `escape`",
        ),
        ("total-timeout = 8", "expected a string"),
        ("total-timeout = '8m'", "write it like \"3s\" or \"500ms\""),
        ("method = 'DELETE'", "unknown variant `DELETE`"),
        ("default-class = 'fatal'", "unknown variant `fatal`"),
    ] {
        let error = toml::from_str::<HttpConfig>(&format!("{base}{line}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
}

proptest! {
    #[test]
    fn whatever_the_text_it_stays_inside_its_json_string(text in any::<String>()) {
        let template = r#"{"to": "{to}", "parts": [{"text": "<{text}>", "n": 1.50}, null, true], "ref": "{reference}"}"#;
        let toml = format!("url = 'http://127.0.0.1:9/'\nbody = {{ kind = 'json', template = '{template}' }}\n{SUCCESS}");
        let transport = HttpTransport::new(&config(&toml)).unwrap();
        let request = transport.plan.build(&msg(&text)).unwrap();
        prop_assert_eq!(&request.headers()["content-type"], "application/json");
        let parsed: serde_json::Value = serde_json::from_slice(&body_of(request)).unwrap();
        prop_assert_eq!(parsed, serde_json::json!({
            "to": "+491701234567", "parts": [{"text": format!("<{text}>"), "n": 1.5}, null, true], "ref": "ref-1"
        }));
    }

    #[test]
    fn whatever_the_text_the_url_has_the_same_structure(text in any::<String>()) {
        let toml = format!("url = 'http://127.0.0.1:9/p/{{text}}/q'\nquery = [{{ name = 't', value = '{{text}}' }}, {{ name = 'to', value = '{{to}}' }}]\n{SUCCESS}");
        let transport = HttpTransport::new(&config(&toml)).unwrap();
        let request = transport.plan.build(&msg(&text)).unwrap();
        let uri = request.uri();
        prop_assert_eq!(uri.host(), Some("127.0.0.1"));
        prop_assert_eq!(uri.path().matches('/').count(), 3);
        prop_assert_eq!(uri.query().unwrap().matches('&').count(), 1);
        prop_assert_eq!(uri.query().unwrap().matches('=').count(), 2);
        prop_assert!(uri.query().unwrap().ends_with("&to=%2B491701234567"));
    }
}
