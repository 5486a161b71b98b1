//! What servers may say, and what a server that is none may try: here, because no real one does.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::ber::{Reader, element, number};
use super::*;

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn outcome(code: u32, text: &str, policy: Option<u32>) -> Outcome {
    Outcome {
        code,
        text: text.to_owned(),
        policy,
    }
}

fn word(outcome: &Outcome) -> String {
    match judged(outcome) {
        Ok(Judged::Passed) => "passed".to_owned(),
        Ok(Judged::No(checked)) => checked.as_str().to_owned(),
        Err(trouble) => trouble.to_string(),
    }
}

#[test]
fn active_directory_says_more_than_no() {
    for (data, wanted) in [
        ("525", "unknown-user"),
        ("52e", "failed"),
        ("530", "locked"),
        ("531", "locked"),
        ("532", "expired"),
        ("533", "locked"),
        ("568", "failed"),
        ("701", "locked"),
        ("773", "expired"),
        ("775", "locked"),
    ] {
        let text = format!(
            "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {data}, v3839"
        );
        assert_eq!(word(&outcome(49, &text, None)), wanted, "{data}");
    }
    // The words count only where the sign-in was refused, and only as they are.
    assert_eq!(word(&outcome(49, "error, data 532", None)), "expired");
    assert_eq!(word(&outcome(49, "data 532", None)), "failed");
    assert_eq!(word(&outcome(49, "error, data 5321, v1", None)), "failed");
    assert_eq!(word(&outcome(0, "error, data 52e, v1", None)), "passed");
}

#[test]
fn only_success_passes() {
    for code in 0..256 {
        let passed = word(&outcome(code, "", None)) == "passed";
        assert_eq!(passed, code == 0, "{code}");
    }
    for (policy, wanted) in [(0, "expired"), (1, "locked"), (2, "expired"), (3, "passed")] {
        assert_eq!(word(&outcome(0, "", Some(policy))), wanted);
    }
    for (policy, wanted) in [(0, "expired"), (1, "locked"), (3, "failed")] {
        assert_eq!(word(&outcome(49, "", Some(policy))), wanted);
    }
    for (code, wanted) in [
        (19, "locked"),
        (53, "locked"),
        (32, "unknown-user"),
        (48, "failed"),
    ] {
        assert_eq!(word(&outcome(code, "", None)), wanted);
    }
}

/// The attribute and the value of an equality filter, as they are on the wire.
fn on_the_wire(user: &str) -> (Vec<u8>, Vec<u8>) {
    let filter = Filter::parse("(uid={user})").unwrap();
    let query = Query {
        base: "dc=a",
        depth: Depth::Below,
        filter: &filter,
        user,
        dn: "",
        limit: 2,
        seconds: 5,
        attributes: &["1.1"],
    };
    let octets = message::search(7, &query);
    let mut message = Reader::new(Reader::new(&octets).expect(0x30).unwrap());
    message.expect(2).unwrap();
    let mut request = Reader::new(message.expect(0x63).unwrap());
    for tag in [4, 10, 10, 2, 2, 1] {
        request.expect(tag).unwrap();
    }
    let mut equal = Reader::new(request.expect(0xa3).unwrap());
    let attribute = equal.expect(4).unwrap().to_vec();
    let value = equal.expect(4).unwrap().to_vec();
    assert!(equal.is_empty());
    (attribute, value)
}

#[test]
fn a_name_goes_as_a_value_whatever_it_holds() {
    for name in [
        "alice", "*)(uid=*", "*", "(&)", "\\2a", "a\0b", "é", "{user}", "{dn}",
    ] {
        assert_eq!(
            on_the_wire(name),
            (b"uid".to_vec(), name.as_bytes().to_vec()),
            "{name}"
        );
    }
}

fn result(tag: u8, code: u8, text: &[u8]) -> Vec<u8> {
    element(
        tag,
        &[&element(10, &[&[code]]), &element(4, &[]), &element(4, &[text])],
    )
    .to_vec()
}

fn reply(id: u32, operation: &[u8]) -> Vec<u8> {
    element(0x30, &[&number(2, id), operation]).to_vec()
}

/// Reads one whole message.
async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    loop {
        if let Ok((0x30, content)) = Reader::new(&octets).next() {
            return Some(content.to_vec());
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => octets.extend_from_slice(&more[..length]),
        }
    }
}

/// A server that says yes to every message until it has said so `yes` times, then `last`, and then nothing more, with the connection
/// open. Gives its URL.
async fn server(yes: usize, last: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut said = 0;
            while let Some(asked) = request(&mut stream).await {
                if said == yes {
                    let _ = stream.write_all(&last).await;
                    break;
                }
                said += 1;
                let id = u32::try_from(said).unwrap();
                let tag = if asked.get(3) == Some(&0x63) { 0x65 } else { 0x61 };
                stream.write_all(&reply(id, &result(tag, 0, b""))).await.unwrap();
            }
            open.push(stream);
        }
    });
    url
}

fn directory(urls: &[String], bind: &str, more: &str) -> Directory {
    let json = format!(
        r#"{{"urls": {}, "start-tls": false, "insecure": true, "timeout-ms": 400, "bind": {bind} {more}}}"#,
        serde_json::to_string(urls).unwrap()
    );
    let link = "ldap:test".parse().unwrap();
    Directory::new(link, serde_json::from_str(&json).unwrap()).unwrap()
}

const DIRECT: &str = r#"{"dn": "uid={user},dc=a"}"#;

fn why(answered: &Answered) -> &str {
    match &answered.checked {
        Checked::Unavailable(outage) => &outage.why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_is_none_denies_and_ends_nothing_else() {
    let huge = [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1, 1];
    let bound = |text: &[u8]| reply(1, &result(0x61, 0, text));
    let mut cut = bound(b"");
    cut[1] -= 1;
    cut.pop();
    for (said, words) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "is not LDAP"),
        (huge.to_vec(), "too large"),
        (vec![0x30, 0x80, 0, 0], "is not LDAP"),
        (vec![0x30, 0x85, 1, 1, 1, 1, 1], "is not LDAP"),
        (vec![0x30, 0], "is not LDAP"),
        (cut, "is not LDAP"),
        // Another request's answer, an answer of another kind, and one without result code.
        (reply(2, &result(0x61, 0, b"")), "is not LDAP"),
        (reply(1, &result(0x65, 0, b"")), "is not LDAP"),
        (reply(1, &element(0x61, &[])), "is not LDAP"),
        (
            reply(1, &element(0x61, &[&element(10, &[&[0x80]])])),
            "is not LDAP",
        ),
        // Notice of Disconnection, with success in it.
        (reply(0, &result(0x78, 0, b"")), "hung up"),
        (reply(0, &result(0x61, 0, b"")), "hung up"),
        // Half an answer, and then nothing.
        (bound(b"").into_iter().take(5).collect(), "no answer in time"),
        (Vec::new(), "no answer in time"),
    ] {
        let url = server(0, said.clone()).await;
        let directory = directory(&[url], DIRECT, "");
        let answered = directory.check("alice", "geheim 4711", NOW).await;
        assert!(why(&answered).contains(words), "{said:02x?}: {answered:?}");
        assert!(!why(&answered).contains("geheim"), "{answered:?}");
    }
    // What is no text is no reason to end: this was, for the library that was considered.
    let url = server(0, bound(&[0xff, 0xfe, 0x00])).await;
    let answered = directory(&[url], DIRECT, "").check("alice", "x", NOW).await;
    assert_eq!(answered.checked.as_str(), "passed");
}

#[tokio::test]
async fn empty_passwords_and_names_are_sent_to_nobody() {
    let url = server(9, Vec::new()).await;
    let directory = directory(&[url], DIRECT, "");
    assert_eq!(
        directory.check("alice", "x", NOW).await.checked.as_str(),
        "passed"
    );
    assert_eq!(directory.check("alice", "", NOW).await.checked, Checked::Failed);
    assert_eq!(directory.check("", "x", NOW).await.checked, Checked::UnknownUser);
    assert_eq!(
        directory.check("a\0", "x", NOW).await.checked,
        Checked::UnknownUser
    );
}

#[tokio::test]
async fn a_server_that_finds_no_entry_for_who_signed_in_denies() {
    let url = server(9, Vec::new()).await;
    let directory = directory(&[url], DIRECT, r#", "groups": {"attribute": "memberOf"}"#);
    let answered = directory.check("alice", "x", NOW).await;
    assert!(why(&answered).contains("groups are not known"), "{answered:?}");
}

#[tokio::test]
async fn more_entries_than_asked_for_are_too_many() {
    let entry = |n: u32| {
        let dn = format!("uid={n},dc=a");
        reply(
            1,
            &element(0x64, &[&element(4, &[dn.as_bytes()]), &element(0x30, &[])]),
        )
    };
    let many: Vec<u8> = (0..50_000).flat_map(entry).collect();
    let url = server(0, many).await;
    let search = r#"{"search": {"base": "dc=a", "filter": "(uid={user})"}}"#;
    let answered = directory(&[url], search, "").check("alice", "x", NOW).await;
    assert!(why(&answered).contains("too large"), "{answered:?}");
}

#[tokio::test]
async fn a_server_that_hangs_is_left_for_the_next_and_asked_last_for_a_while() {
    let hung = server(0, Vec::new()).await;
    let well = server(9, Vec::new()).await;
    let directory = directory(&[hung.clone(), well.clone()], DIRECT, "");
    let clock = sys::Stopwatch::start();
    let answered = directory.check("alice", "x", NOW).await;
    assert_eq!(
        (answered.checked.as_str(), answered.server.as_str()),
        ("passed", well.as_str())
    );
    assert!(clock.elapsed() >= Duration::from_millis(400));
    let clock = sys::Stopwatch::start();
    let answered = directory.check("alice", "x", NOW).await;
    assert_eq!(answered.server, well);
    assert!(clock.elapsed() < Duration::from_millis(300));
    assert_eq!(directory.order.of(NOW), [1, 0]);
    assert_eq!(directory.order.of(NOW.plus(DEAD)), [0, 1]);
}

/// Answers StartTLS and puts more behind it, for a client that reads too far.
#[tokio::test]
async fn what_stands_behind_the_answer_to_starttls_is_not_ldap() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut said = request(&mut stream).await.unwrap();
        let mut answer = reply(1, &result(0x78, 0, b""));
        answer.extend(reply(2, &result(0x61, 0, b"")));
        stream.write_all(&answer).await.unwrap();
        let mut rest = vec![0; 65_536];
        let length = stream.read(&mut rest).await.unwrap_or_default();
        said.extend_from_slice(&rest[..length]);
        said
    });
    let pem = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let json = serde_json::json!({ "urls": [url], "ca": pem.cert.pem(), "timeout-ms": 1000, "bind": { "dn": "uid={user},dc=a" } });
    let link = "ldap:test".parse().unwrap();
    let directory = Directory::new(link, serde_json::from_value(json).unwrap()).unwrap();
    let answered = directory.check("alice", "geheim 4711", NOW).await;
    assert!(why(&answered).contains("TLS failed"), "{answered:?}");
    let seen = seen.await.unwrap();
    let held = |needle: &[u8]| seen.windows(needle.len()).any(|part| part == needle);
    assert!(!held(b"geheim 4711") && !held(b"uid=alice"));
}

#[tokio::test]
async fn no_octets_make_it_panic() {
    let mut seed = 4711_u64;
    let mut dice = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(seed >> 56).unwrap()
    };
    let whole = reply(1, &result(0x61, 49, b"80090308: error, data 52e, v1"));
    for round in 0..20_000 {
        let mut octets = whole.clone();
        for _ in 0..=round % 4 {
            let at = usize::from(dice()) % octets.len();
            octets[at] = dice();
        }
        octets.truncate(octets.len() - usize::from(dice()) % 8);
        if let Ok((0x30, content)) = Reader::new(&octets).next() {
            let _ = message::read(content);
        }
        let _ = message::read(&octets);
    }
}

#[tokio::test]
async fn a_place_is_given_back_by_whoever_went_away() {
    let hung = server(0, Vec::new()).await;
    let directory = Arc::new(directory(&[hung], DIRECT, ""));
    for _ in 0..3 {
        let asking = directory.check("alice", "x", NOW);
        // The caller has no time left.
        assert!(sys::timeout(Duration::from_millis(20), asking).await.is_none());
    }
    assert!(
        directory.signing.take(0, NOW).is_none(),
        "a half-read connection is never kept"
    );
}
