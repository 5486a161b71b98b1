//! Peers that hang, lie, babble, and put words into the server's mouth.

use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use otpost_core::mail::{Security, Settings};
use otpost_daemon::mail::{Class, MailError, Mailer, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::common::{CODE, HASTY, Identity, PASSWORD, send, send_within, settings};

/// A part of a conversation.
#[derive(Debug, Clone)]
enum Act {
    Say(Vec<u8>),
    /// Reads a line.
    Hear,
    /// Reads up to the line of one dot.
    HearMail,
    /// Says nothing until the client goes.
    Hang,
    /// Says this again and again until the client goes.
    Babble(&'static [u8]),
}

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// Plays a script for one connection.
struct Peer {
    port: u16,
    heard: Arc<Mutex<String>>,
    played: JoinHandle<()>,
}

impl Peer {
    async fn new(script: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<String>> = Arc::default();
        let record = Arc::clone(&heard);
        let played = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for act in script {
                if play(&mut stream, &act, &record).await.is_err() {
                    return;
                }
            }
        });
        Self { port, heard, played }
    }

    /// What the client said, when it has gone.
    async fn heard(self) -> String {
        self.played.await.unwrap();
        self.heard.lock().unwrap().clone()
    }
}

async fn play(stream: &mut TcpStream, act: &Act, heard: &Mutex<String>) -> std::io::Result<()> {
    match act {
        Act::Say(text) => stream.write_all(text).await,
        Act::Hear => hear(stream, "\n", heard).await,
        Act::HearMail => hear(stream, "\r\n.\r\n", heard).await,
        Act::Hang => {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.map(|_| ())
        }
        Act::Babble(text) => loop {
            stream.write_all(text).await?;
            tokio::task::yield_now().await;
        },
    }
}

async fn hear(stream: &mut TcpStream, end: &str, heard: &Mutex<String>) -> std::io::Result<()> {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(stream.read_u8().await?);
    }
    heard.lock().unwrap().push_str(&String::from_utf8_lossy(&text));
    Ok(())
}

/// The conversation up to, and without, the answer to `stage`.
fn until(stage: Stage) -> Vec<Act> {
    let mut script = Vec::new();
    for (at, acts) in [
        (
            Stage::Greeting,
            vec![say("220 peer.example ESMTP\r\n"), Act::Hear],
        ),
        (
            Stage::Hello,
            vec![say("250-peer.example\r\n250 AUTH PLAIN LOGIN\r\n"), Act::Hear],
        ),
        (Stage::SignIn, vec![say("235 2.7.0 welcome\r\n"), Act::Hear]),
        (Stage::Sender, vec![say("250 2.1.0 fine\r\n"), Act::Hear]),
        (Stage::Recipient, vec![say("250 2.1.5 fine\r\n"), Act::Hear]),
        (Stage::Data, vec![say("354 go on\r\n"), Act::HearMail]),
    ] {
        if at == stage {
            break;
        }
        script.extend(acts);
    }
    script
}

fn user(port: u16) -> Settings {
    Settings {
        user: Some("otpost".to_owned()),
        ..settings(port, Security::None)
    }
}

const STAGES: [Stage; 7] = [
    Stage::Greeting,
    Stage::Hello,
    Stage::SignIn,
    Stage::Sender,
    Stage::Recipient,
    Stage::Data,
    Stage::Message,
];

/// The client of the other crate says hello before it is handed out; both are the beginning to us.
fn seen_as(stage: Stage) -> Stage {
    if stage == Stage::Hello {
        Stage::Greeting
    } else {
        stage
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_at_every_stage() {
    for stage in STAGES {
        let mut script = until(stage);
        script.push(Act::Hang);
        let peer = Peer::new(script).await;
        let error = send_within(HASTY, &user(peer.port), Some(PASSWORD), "alice@example.com").await;
        assert_eq!(error, Err(MailError::Deadline(seen_as(stage))));
        assert_eq!(error.unwrap_err().class(), Class::Temporary);
        peer.heard().await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_before_tls_is_given_up() {
    let offer = "250-peer.example\r\n250 STARTTLS\r\n";
    for (stage, script) in [
        (Stage::Greeting, vec![Act::Hang]),
        (Stage::Greeting, vec![say("220 peer\r\n"), Act::Hear, Act::Hang]),
        (
            Stage::Greeting,
            vec![say("220 peer\r\n"), Act::Hear, say(offer), Act::Hear, Act::Hang],
        ),
        (
            Stage::Tls,
            vec![
                say("220 peer\r\n"),
                Act::Hear,
                say(offer),
                Act::Hear,
                say("220 go\r\n"),
                Act::Hang,
            ],
        ),
    ] {
        let peer = Peer::new(script).await;
        let settings = settings(peer.port, Security::StartTls);
        let error = send_within(HASTY, &settings, None, "alice@example.com").await;
        assert_eq!(error, Err(MailError::Deadline(stage)));
        peer.heard().await;
    }
    let peer = Peer::new(vec![Act::Hang]).await;
    let settings = settings(peer.port, Security::Tls);
    let error = send_within(HASTY, &settings, None, "alice@example.com").await;
    assert_eq!(error, Err(MailError::Deadline(Stage::Tls)));
}

#[tokio::test]
async fn a_server_that_is_slow_at_every_step_is_given_up() {
    // Each answer would be in time; the whole is not.
    let peer = Peer::new(vec![Act::Hang]).await;
    let slow = Mailer {
        answer: std::time::Duration::from_secs(60),
        whole: std::time::Duration::from_millis(300),
    };
    let error = send_within(slow, &user(peer.port), Some(PASSWORD), "alice@example.com").await;
    assert_eq!(error, Err(MailError::TooSlow));
    assert_eq!(error.unwrap_err().class(), Class::Temporary);
}

#[tokio::test]
async fn a_server_that_hangs_up_is_told_from_one_that_babbles() {
    for stage in STAGES {
        let peer = Peer::new(until(stage)).await;
        let error = send(&user(peer.port), Some(PASSWORD), "alice@example.com").await;
        assert_eq!(error, Err(MailError::HungUp(seen_as(stage))));
        assert_eq!(error.unwrap_err().class(), Class::Temporary);

        for garbage in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\u{0}\u{1}\u{2}\r\n",
            "\r\n",
            "250\u{fc}\r\n",
        ] {
            let mut script = until(stage);
            script.extend([say(garbage), Act::Hang]);
            let peer = Peer::new(script).await;
            let error = send(&user(peer.port), Some(PASSWORD), "alice@example.com").await;
            assert_eq!(error, Err(MailError::Garbage(seen_as(stage))), "{garbage:?}");
            assert_eq!(error.unwrap_err().class(), Class::Misconfigured);
        }
    }
}

#[tokio::test]
async fn what_is_no_text_is_garbage() {
    let peer = Peer::new(vec![Act::Say(b"220 \xff\xfe\r\n".to_vec()), Act::Hang]).await;
    let error = send(&settings(peer.port, Security::None), None, "alice@example.com").await;
    assert_eq!(error, Err(MailError::Garbage(Stage::Greeting)));
    let peer = Peer::new(vec![Act::Say(b"220 \xff\xfe\r\n".to_vec()), Act::Hang]).await;
    let error = send(
        &settings(peer.port, Security::StartTls),
        None,
        "alice@example.com",
    )
    .await;
    assert_eq!(error, Err(MailError::Garbage(Stage::Greeting)));
}

#[tokio::test]
async fn a_server_that_never_stops_talking_is_cut_off() {
    for security in [Security::None, Security::StartTls] {
        for text in [
            &b"220-"[..],
            b"220-more\r\n",
            b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            let peer = Peer::new(vec![Act::Babble(text)]).await;
            let error = send(&settings(peer.port, security), None, "alice@example.com").await;
            assert_eq!(error, Err(MailError::Garbage(Stage::Greeting)), "{security:?}");
            peer.heard().await;
        }
    }
}

#[tokio::test]
async fn a_port_without_tls_is_named_as_such() {
    let peer = Peer::new(vec![say("220 peer.example ESMTP\r\n"), Act::Hang]).await;
    let error = send(&settings(peer.port, Security::Tls), None, "alice@example.com")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    assert_eq!(error.class(), Class::Misconfigured);
}

#[tokio::test]
async fn refusals_before_the_mail_are_for_now_or_need_mending() {
    for (script, stage, class) in [
        (
            vec![say("554 5.7.1 not you\r\n")],
            Stage::Greeting,
            Class::Misconfigured,
        ),
        (vec![say("421 4.3.2 busy\r\n")], Stage::Greeting, Class::Temporary),
        (
            vec![say("220 peer\r\n"), Act::Hear, say("502 5.5.1 no\r\n")],
            Stage::Hello,
            Class::Misconfigured,
        ),
        (
            vec![
                say("220 peer\r\n"),
                Act::Hear,
                say("250-peer\r\n250-size 1000\r\n250 starttls\r\n"),
                Act::Hear,
                say("454 4.7.0 not now\r\n"),
            ],
            Stage::StartTls,
            Class::Temporary,
        ),
    ] {
        let peer = Peer::new(script).await;
        let error = send(
            &settings(peer.port, Security::StartTls),
            None,
            "alice@example.com",
        )
        .await
        .unwrap_err();
        let MailError::Answer { stage: at, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((*at, error.class()), (stage, class));
    }
}

#[tokio::test]
async fn a_server_without_auth_gets_no_password() {
    let script = vec![
        say("220 peer\r\n"),
        Act::Hear,
        say("250 peer\r\n"),
        Act::Hear,
        say("221 bye\r\n"),
    ];
    let peer = Peer::new(script).await;
    let error = send(&user(peer.port), Some(PASSWORD), "alice@example.com").await;
    assert_eq!(error, Err(MailError::NoSignIn));
    assert_eq!(peer.heard().await, "EHLO [127.0.0.1]\r\nQUIT\r\n");
}

#[tokio::test]
async fn a_server_that_quotes_secrets_is_not_quoted() {
    let plain = BASE64.encode(format!("\0otpost\0{PASSWORD}").as_bytes());
    let mut script = until(Stage::SignIn);
    script.push(say(&format!(
        "501-5.5.2 cannot read {plain}\r\n501 5.5.2 nor {PASSWORD}\r\n"
    )));
    let peer = Peer::new(script).await;
    // `send` looks for the secrets in what comes back.
    let error = send(&user(peer.port), Some(PASSWORD), "alice@example.com")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the mail server refused when signing in: 501 5.5.2; check user and password of the mail settings"
    );
    assert!(peer.heard().await.contains(&plain), "the password was sent");

    let mut script = until(Stage::Message);
    script.push(say(&format!("550 {CODE} is spam\r\n")));
    let peer = Peer::new(script).await;
    let error = send(&user(peer.port), Some(PASSWORD), "alice@example.com")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the mail server refused after the mail: 550");
    assert!(peer.heard().await.contains(CODE), "the mail was sent");
}

#[tokio::test]
async fn long_and_odd_answers_are_quoted_short_and_on_one_line() {
    let mut script = until(Stage::Recipient);
    script.push(say(&format!("550-\u{1b}[31mred\r\n550 {}\r\n", "x".repeat(400))));
    let peer = Peer::new(script).await;
    let error = send(&user(peer.port), Some(PASSWORD), "alice@example.com")
        .await
        .unwrap_err()
        .to_string();
    assert!(!error.chars().any(char::is_control), "{error:?}");
    assert!(error.contains("[31mred xxx") && error.len() < 300, "{error}");
}

/// Somebody on the way answers STARTTLS for the server and adds an answer to the next command, which a client would take for one
/// that came over TLS.
#[tokio::test]
async fn words_put_behind_the_answer_to_starttls_are_not_taken_for_the_servers() {
    let identity = Identity::new("localhost");
    let server =
        crate::common::Server::start(Some(&identity), &["--tls", "starttls", "--password", PASSWORD]);
    let port = server.port;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let between = listener.local_addr().unwrap().port();
    let man = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut buffer = [0; 16 * 1024];
        let mut answered = false;
        loop {
            let mut up = [0; 16 * 1024];
            tokio::select! {
                read = server.read(&mut buffer) => {
                    let Ok(read @ 1..) = read else { return };
                    if client.write_all(&buffer[..read]).await.is_err() { return }
                }
                read = client.read(&mut up) => {
                    let Ok(read @ 1..) = read else { return };
                    if server.write_all(&up[..read]).await.is_err() { return }
                    if !answered && up[..read].starts_with(b"STARTTLS") {
                        answered = true;
                        let read = server.read(&mut buffer).await.unwrap();
                        let mut both = buffer[..read].to_vec();
                        both.extend_from_slice(b"250-evil\r\n250 AUTH LOGIN\r\n");
                        client.write_all(&both).await.unwrap();
                    }
                }
            }
        }
    });
    let settings = Settings {
        ca: Some(identity.ca.clone()),
        security: Security::StartTls,
        ..user(between)
    };
    let error = send(&settings, Some(PASSWORD), "alice@example.com")
        .await
        .unwrap_err();
    assert!(matches!(error, MailError::Tls(_)), "{error:?}");
    man.await.unwrap();
    assert!(server.seen().is_empty());
}
