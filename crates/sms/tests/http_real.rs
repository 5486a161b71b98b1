//! The HTTP transport against Python's `http.server`, which nobody here wrote, with `urllib` and `json` to decode what
//! it received. `peer.py` makes it behave well and badly.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test"
)]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use otpost_sms::{
    Class, HttpConfig, HttpTransport, MessageRef, Recipient, SecretText, Sender, Submission, Text, Transport,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

const NUMBER: &str = "+491701234567";
const CODE: &str = "493817";
const TOKEN: &str = "tok-3n-secret";
/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server process, ended with the test.
struct Peer {
    child: Child,
    port: u16,
    tls: bool,
    received: Receiver<Value>,
}

impl Peer {
    fn start() -> Self {
        Self::spawn(&[], false)
    }

    fn with_tls(identity: &Identity) -> Self {
        Self::spawn(&[&identity.certificate, &identity.key], true)
    }

    fn spawn(arguments: &[&Path], tls: bool) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer.py");
        let mut child = Command::new("python3")
            .arg("-u")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let (sender, received) = sync_channel(1000);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            port,
            tls,
            received,
        }
    }

    /// The next request the server received.
    fn next(&self) -> Value {
        self.received
            .recv_timeout(PATIENCE)
            .expect("the server received no request")
    }

    /// Whether the server (without TLS) has received nothing more: the next that it reports is a marker sent now.
    fn is_idle(&self) -> bool {
        assert_eq!(
            submit(&transport(&get(self, "/marker")), &text("marker")),
            accepted()
        );
        self.next()["path"] == "/marker"
    }

    fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const MATCHERS: &str = r#"
success = { status = [200], json-pointer = "/status", equals = "0" }
id = { json-pointer = "/id" }
error = { json-pointer = "/status" }
class-map = { 9 = "balance", e400 = "number" }
total-timeout = "25s"
connect-timeout = "20s"
secrets = { token = "tok-3n-secret" }
"#;

fn get(peer: &Peer, path: &str) -> String {
    format!(
        "method = 'GET'\nurl = '{}'\nquery = [{{ name = 'to', value = '{{to}}' }}, {{ name = 'text', value = '{{text}}' }}, {{ name = 'key', value = '{{secret.token}}' }}]\n{MATCHERS}",
        peer.url(path)
    )
}

fn form(peer: &Peer, path: &str) -> String {
    format!(
        "url = '{}'\nbody = {{ kind = 'form', fields = [{{ name = 'To', value = '{{to}}' }}, {{ name = 'Body', value = '{{text}}' }}, {{ name = 'From', value = '{{sender}}' }}] }}\nauth = {{ kind = 'basic', username = 'me', password = '{{secret.token}}' }}\n{MATCHERS}",
        peer.url(path)
    )
}

fn json_post(peer: &Peer, path: &str) -> String {
    format!(
        "url = '{}'\nbody = {{ kind = 'json', template = '{{\"messages\": [{{\"to\": \"{{to-digits}}\", \"text\": \"{{text}}\", \"ref\": \"{{reference}}\", \"ttl\": \"{{ttl-seconds}}\", \"flash\": false}}]}}' }}\nauth = {{ kind = 'bearer', token = '{{secret.token}}' }}\n{MATCHERS}",
        peer.url(path)
    )
}

/// `toml` with short bounds, for a peer that stays silent.
fn impatient(toml: &str) -> String {
    toml.replace("total-timeout = \"25s\"", "total-timeout = \"3s\"")
        .replace("connect-timeout = \"20s\"", "connect-timeout = \"2s\"")
}

fn transport(toml: &str) -> HttpTransport {
    let config: HttpConfig = toml::from_str(toml).unwrap();
    HttpTransport::new(&config).unwrap()
}

fn text(body: &str) -> Text {
    Text {
        reference: MessageRef::new("ref-42").unwrap(),
        to: Recipient::new(NUMBER).unwrap(),
        body: SecretText::from(body),
        sender: Some(Sender::new("Otpost").unwrap()),
        ttl: Duration::from_secs(290),
        want_receipt: false,
    }
}

fn code_text() -> Text {
    text(&format!(
        "Otpost: {CODE} is your login code for vpn. Expires in 5 min."
    ))
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Submits, and checks that nothing secret comes back.
fn submit(transport: &HttpTransport, msg: &Text) -> Submission {
    block_on(checked(transport, msg))
}

async fn checked(transport: &HttpTransport, msg: &Text) -> Submission {
    let submission = transport.submit(msg).await;
    let shown = format!("{submission:?}");
    for secret in [CODE, "1701234567", TOKEN, "login code"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    submission
}

fn accepted() -> Submission {
    Submission::Accepted {
        provider_id: Some("m-77".to_owned()),
        parts: 1,
    }
}

/// Class and detail of a refusal.
fn refused(submission: Submission) -> (Class, String) {
    match submission {
        Submission::Rejected { class, detail, .. } => (class, detail.to_string()),
        other => panic!("{other:?}"),
    }
}

/// Detail of an unknown outcome.
fn unknown(submission: Submission) -> String {
    match submission {
        Submission::Unknown { detail } => detail.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn get_with_everything_in_the_query() {
    let peer = Peer::start();
    let nasty = "50% of a&b=c #1;? +x ä€🔒 \"q\"\r\nline";
    assert_eq!(submit(&transport(&get(&peer, "/send")), &text(nasty)), accepted());
    let seen = peer.next();
    assert_eq!(seen["method"], "GET");
    assert_eq!(seen["path"], "/send");
    assert_eq!(
        seen["query"],
        json!([["to", NUMBER], ["text", nasty], ["key", TOKEN]])
    );
    assert_eq!(seen["headers"].get("content-type"), None);
}

#[test]
fn form_post_with_basic_authentication() {
    let peer = Peer::start();
    let nasty = "a b+c&To=+1900=%41 ä€🔒\r\n";
    assert_eq!(
        submit(&transport(&form(&peer, "/send")), &text(nasty)),
        accepted()
    );
    let seen = peer.next();
    assert_eq!(seen["method"], "POST");
    assert_eq!(
        seen["headers"]["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(seen["headers"]["authorization"], "Basic bWU6dG9rLTNuLXNlY3JldA==");
    assert!(
        seen["headers"]["user-agent"]
            .as_str()
            .unwrap()
            .starts_with("otpost/")
    );
    assert_eq!(
        seen["form"],
        json!([["To", NUMBER], ["Body", nasty], ["From", "Otpost"]])
    );
}

#[test]
fn json_post_with_bearer_token() {
    let peer = Peer::start();
    let nasty = "\"}]},{\"to\":\"1900\" \\ \u{0} \u{2028} ä€🔒";
    assert_eq!(
        submit(&transport(&json_post(&peer, "/send")), &text(nasty)),
        accepted()
    );
    let seen = peer.next();
    assert_eq!(seen["headers"]["content-type"], "application/json");
    assert_eq!(seen["headers"]["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(
        seen["json"],
        json!({"messages": [{"to": "491701234567", "text": nasty, "ref": "ref-42", "ttl": "290", "flash": false}]})
    );
}

#[test]
fn other_decoders_read_what_was_written_for_any_text() {
    let peer = Peer::start();
    let transports =
        [get(&peer, "/q"), form(&peer, "/f"), json_post(&peer, "/j")].map(|toml| transport(&toml));
    let mut runner = TestRunner::deterministic();
    block_on(async {
        for _ in 0..60 {
            // Not empty: urllib's strict parser takes an empty field, but http.server an empty query for none.
            let body = "\\PC{1,40}|[ -~\r\n\t]{1,40}"
                .new_tree(&mut runner)
                .unwrap()
                .current();
            for transport in &transports {
                assert!(matches!(
                    transport.submit(&text(&body)).await,
                    Submission::Accepted { .. }
                ));
            }
            assert_eq!(peer.next()["query"][1][1], json!(body));
            assert_eq!(peer.next()["form"][1][1], json!(body));
            assert_eq!(peer.next()["json"]["messages"][0]["text"], json!(body));
        }
    });
}

#[test]
fn a_header_cannot_be_split_and_nothing_is_sent() {
    let peer = Peer::start();
    let toml = format!(
        "{}headers = [{{ name = 'X-Text', value = '{{text}}' }}]\n",
        get(&peer, "/send")
    );
    let transport = transport(&toml);
    let (class, detail) = refused(submit(&transport, &text("a\r\nX-Admin: 1")));
    assert_eq!(class, Class::Content, "{detail}");
    assert_eq!(submit(&transport, &text("plain")), accepted());
    let seen = peer.next();
    assert_eq!(
        (&seen["headers"]["x-text"], seen["headers"].get("x-admin")),
        (&json!("plain"), None)
    );
}

#[test]
fn a_200_with_an_error_in_the_body_is_a_refusal() {
    let peer = Peer::start();
    match submit(&transport(&get(&peer, "/error-body")), &code_text()) {
        Submission::Rejected {
            class: Class::Balance,
            provider_code,
            retry_after: None,
            detail,
        } => {
            assert_eq!(provider_code.as_deref(), Some("9"));
            assert!(
                detail.as_str().starts_with("HTTP 200: ") && detail.as_str().contains("no money"),
                "{detail}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_200_from_somebody_else_is_unknown() {
    let peer = Peer::start();
    let detail = unknown(submit(&transport(&form(&peer, "/odd-body")), &code_text()));
    assert!(detail.contains("sign in to the network"), "{detail}");
}

#[test]
fn statuses_have_their_class_and_echoes_are_scrubbed() {
    let peer = Peer::start();
    for (path, expected) in [
        ("/400", Class::Number), // by class-map
        ("/401", Class::Auth),
        ("/402", Class::Balance),
        ("/403", Class::Auth),
        ("/404", Class::Content),
        ("/500", Class::Transient),
        ("/503", Class::Transient),
    ] {
        let (class, detail) = refused(submit(&transport(&get(&peer, path)), &code_text()));
        assert_eq!(class, expected, "{path}: {detail}");
        assert!(
            detail.starts_with(&format!("HTTP {}: ", &path[1..])) && detail.contains("refused"),
            "{detail}"
        );
    }
    unknown(submit(&transport(&get(&peer, "/504")), &code_text()));
}

#[test]
fn a_429_says_how_long_to_wait() {
    let peer = Peer::start();
    match submit(&transport(&form(&peer, "/429")), &code_text()) {
        Submission::Rejected {
            class: Class::Throttle,
            retry_after,
            ..
        } => {
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let peer = Peer::start();
    let (class, detail) = refused(submit(&transport(&form(&peer, "/redirect")), &code_text()));
    assert_eq!(class, Class::Transient);
    assert!(detail.contains("redirects are not followed"), "{detail}");
    assert_eq!(peer.next()["path"], "/redirect");
    assert!(peer.is_idle());
}

#[test]
fn a_hanging_server_ends_as_unknown_within_the_time() {
    let peer = Peer::start();
    let transport = transport(&impatient(&form(&peer, "/hang")));
    assert_eq!(
        unknown(submit(&transport, &code_text())),
        "no answer within total-timeout"
    );
    assert_eq!(peer.next()["path"], "/hang");
    assert!(peer.is_idle(), "an unknown outcome must not be repeated");
}

#[test]
fn an_answer_that_stops_is_unknown_unless_its_status_refuses() {
    let peer = Peer::start();
    let detail = unknown(submit(
        &transport(&impatient(&form(&peer, "/hang-in-body"))),
        &code_text(),
    ));
    assert!(detail.contains("did not come within total-timeout"), "{detail}");
    let (class, _) = refused(submit(
        &transport(&impatient(&form(&peer, "/hang-in-refusal"))),
        &code_text(),
    ));
    assert_eq!(class, Class::Auth);
    let detail = unknown(submit(&transport(&form(&peer, "/short")), &code_text()));
    assert!(detail.contains("in the middle of the answer"), "{detail}");
}

#[test]
fn a_connection_lost_after_the_request_is_unknown_and_not_repeated() {
    let peer = Peer::start();
    for path in ["/reset", "/close", "/garbage"] {
        let detail = unknown(submit(&transport(&form(&peer, path)), &code_text()));
        assert!(detail.contains("broke before an answer"), "{path}: {detail}");
        assert_eq!(peer.next()["path"], path);
        assert!(peer.is_idle(), "{path} was repeated");
    }
}

#[test]
fn a_lost_kept_connection_is_unknown_too_and_not_repeated() {
    let peer = Peer::start();
    let config = form(&peer, "/{text}");
    let transport = transport(&config);
    block_on(async {
        assert_eq!(checked(&transport, &text("send")).await, accepted());
        unknown(checked(&transport, &text("reset")).await);
        // The pool has forgotten the dead connection.
        assert_eq!(checked(&transport, &text("send")).await, accepted());
    });
    let paths: Vec<Value> = (0..3).map(|_| peer.next()["path"].clone()).collect();
    assert_eq!(paths, ["/send", "/reset", "/send"]);
    assert!(peer.is_idle());
}

#[test]
fn a_refused_connection_is_transient() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let toml = format!("url = 'http://127.0.0.1:{port}/{{to}}{{text}}'\n{MATCHERS}");
    let (class, detail) = refused(submit(&transport(&toml), &code_text()));
    assert_eq!(class, Class::Transient);
    assert!(
        detail.starts_with("cannot connect: Connection refused"),
        "{detail}"
    );
}

#[test]
fn a_name_that_does_not_resolve_is_transient() {
    let toml = format!("url = 'https://gateway.invalid/{{to}}{{text}}'\n{MATCHERS}");
    let authority = Authority::new();
    let (class, detail) = refused(submit(&transport(&authority.trusted_by(&toml)), &code_text()));
    assert_eq!(class, Class::Transient);
    assert!(detail.starts_with("cannot connect: "), "{detail}");
}

#[test]
fn a_tls_handshake_that_never_comes_is_transient() {
    // Accepts (the kernel does) and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let toml = format!("url = 'https://127.0.0.1:{port}/{{to}}{{text}}'\n{MATCHERS}");
    let authority = Authority::new();
    let (class, detail) = refused(submit(
        &transport(&authority.trusted_by(&impatient(&toml))),
        &code_text(),
    ));
    assert_eq!(
        (class, detail.as_str()),
        (
            Class::Transient,
            "cannot connect: no connection within connect-timeout"
        )
    );
}

#[test]
fn an_oversized_answer_is_not_read() {
    let peer = Peer::start();
    for path in ["/big", "/big-chunked"] {
        let detail = unknown(submit(&transport(&form(&peer, path)), &code_text()));
        assert_eq!(detail, "HTTP 200, the answer is longer than max-response-bytes");
    }
    assert_eq!(
        refused(submit(&transport(&form(&peer, "/big-refusal")), &code_text())).0,
        Class::Content
    );
    // The same answer under a higher limit.
    let roomy = transport(&format!("{}max-response-bytes = 1000000\n", form(&peer, "/big")));
    assert_eq!(submit(&roomy, &code_text()), accepted());
}

#[test]
fn a_chunked_answer_is_read() {
    let peer = Peer::start();
    assert_eq!(
        submit(&transport(&form(&peer, "/chunked")), &code_text()),
        accepted()
    );
}

#[test]
fn a_text_answer_with_the_id_in_a_header() {
    let peer = Peer::start();
    let toml = format!(
        "method = 'PUT'\nurl = '{}'\nbody = {{ kind = 'raw', content-type = 'text/plain; charset=utf-8', escape = 'none', template = '{{text}}' }}\nheaders = [{{ name = 'X-To', value = '{{to}}' }}]\nsuccess = {{ status = [202], regex = '^(0|3): ' }}\nid = {{ header = 'X-Message-Id' }}\n",
        peer.url("/text")
    );
    assert_eq!(
        submit(&transport(&toml), &text("straße")),
        Submission::Accepted {
            provider_id: Some("h-5".to_owned()),
            parts: 1
        }
    );
    let seen = peer.next();
    assert_eq!((&seen["method"], &seen["raw"]), (&json!("PUT"), &json!("straße")));
    assert_eq!(
        (&seen["headers"]["x-to"], &seen["headers"]["content-type"]),
        (&json!(NUMBER), &json!("text/plain; charset=utf-8"))
    );
}

/// Submits twenty texts in turn and says how many connections they took. A connection returns to the pool by a task
/// of its own, so now and then the next text is quicker and opens another; without a pool it would be twenty.
fn connections_of_twenty(peer: &Peer, transport: &HttpTransport) -> usize {
    block_on(async {
        for _ in 0..20 {
            assert_eq!(checked(transport, &code_text()).await, accepted());
        }
    });
    (0..20)
        .map(|_| peer.next()["port"].as_u64().unwrap())
        .collect::<BTreeSet<u64>>()
        .len()
}

#[test]
fn connections_are_kept_between_texts() {
    let peer = Peer::start();
    let count = connections_of_twenty(&peer, &transport(&json_post(&peer, "/send")));
    assert!(count <= 10, "{count} connections");
}

#[test]
fn many_texts_at_once_all_arrive_once() {
    let peer = Peer::start();
    let transport = transport(&json_post(&peer, "/send"));
    block_on(async {
        let mut all = tokio::task::JoinSet::new();
        let transport = Arc::new(transport);
        for n in 0..40 {
            let transport = Arc::clone(&transport);
            all.spawn(async move { transport.submit(&text(&format!("text {n}"))).await });
        }
        while let Some(outcome) = all.join_next().await {
            assert_eq!(outcome.unwrap(), accepted());
        }
    });
    let mut seen: Vec<String> = (0..40)
        .map(|_| {
            peer.next()["json"]["messages"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 40);
}

/// A folder of keys and certificates that goes away with the test.
struct Authority {
    folder: PathBuf,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: PathBuf,
}

/// Certificate and key of a server.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ca-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = folder.join("ca.pem");
        std::fs::write(&certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            folder,
            issuer: rcgen::Issuer::new(params, key),
            certificate,
        }
    }

    fn issue(&self, name: &str) -> Identity {
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let identity = Identity {
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}.key")),
        };
        std::fs::write(
            &identity.certificate,
            params.signed_by(&key, &self.issuer).unwrap().pem(),
        )
        .unwrap();
        std::fs::write(&identity.key, key.serialize_pem()).unwrap();
        identity
    }

    fn trusted_by(&self, toml: &str) -> String {
        format!("{toml}ca-file = '{}'\n", self.certificate.display())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn tls_with_a_private_authority_and_kept_connections() {
    let authority = Authority::new();
    let peer = Peer::with_tls(&authority.issue("localhost"));
    let transport = transport(&authority.trusted_by(&json_post(&peer, "/send")));
    let count = connections_of_twenty(&peer, &transport);
    assert!(count <= 10, "{count} connections");
}

#[test]
fn tls_lost_after_the_request_is_unknown() {
    let authority = Authority::new();
    let peer = Peer::with_tls(&authority.issue("localhost"));
    unknown(submit(
        &transport(&authority.trusted_by(&form(&peer, "/reset"))),
        &code_text(),
    ));
    unknown(submit(
        &transport(&authority.trusted_by(&form(&peer, "/close"))),
        &code_text(),
    ));
}

#[test]
fn another_authority_or_name_is_refused_before_anything_is_sent() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let peer = Peer::with_tls(&theirs.issue("localhost"));
    let (class, detail) = refused(submit(
        &transport(&ours.trusted_by(&form(&peer, "/send"))),
        &code_text(),
    ));
    assert_eq!(class, Class::Transient);
    assert!(detail.contains("UnknownIssuer"), "{detail}");
    assert!(peer.received.try_recv().is_err());

    let peer = Peer::with_tls(&ours.issue("other.example"));
    let (class, detail) = refused(submit(
        &transport(&ours.trusted_by(&form(&peer, "/send"))),
        &code_text(),
    ));
    assert_eq!(class, Class::Transient);
    assert!(detail.contains("not valid for name"), "{detail}");
    assert!(peer.received.try_recv().is_err());
}

#[test]
fn https_to_a_plain_server_is_refused_before_anything_is_sent() {
    let authority = Authority::new();
    let peer = Peer::start();
    let toml = form(&peer, "/send").replace("http://", "https://");
    let (class, detail) = refused(submit(&transport(&authority.trusted_by(&toml)), &code_text()));
    assert_eq!(class, Class::Transient, "{detail}");
    assert!(peer.is_idle());
}

/// Collects log output.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_libraries_below_log_no_secret_at_trace_level() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let authority = Authority::new();
    let peer = Peer::with_tls(&authority.issue("localhost"));
    for path in ["/send", "/400", "/reset"] {
        submit(&transport(&authority.trusted_by(&get(&peer, path))), &code_text());
        submit(
            &transport(&authority.trusted_by(&form(&peer, path))),
            &code_text(),
        );
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("rustls"),
        "nothing was logged, so nothing was tested"
    );
    for secret in [CODE, "1701234567", TOKEN, "dG9rLTNuLXNlY3JldA"] {
        assert!(!log.contains(secret), "{secret} in the log");
    }
}
