//! Mail: settings, the test mail, and the queue against an SMTP server that speaks back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::challenge::Label;
use otpost_core::code::{self, Digits};
use otpost_core::ids::{MailId, PortalSessionId, UserId, VerificationId};
use otpost_core::mail::queue::{MailState, Matter, QueuedMail};
use otpost_core::mail::{Address, By, Context, Lang, Notice};
use otpost_core::net::Source;
use otpost_core::portal::flow::CodeFlow;
use otpost_core::portal::verification::{For, Owner, Verification};
use otpost_ipc::FaultCode;
use otpost_ipc::admin::{AdminOp, AdminReply, MailSet, MailView, PortalSet, PortalView};
use otpost_store::document;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::common::{Served, code_of, until};

/// What the server says instead of taking a recipient, mail by mail; then it takes all.
type Script = Arc<Mutex<VecDeque<&'static str>>>;

/// An SMTP server of RFC 5321, as much of it as a client needs.
struct Smtp {
    port: u16,
    script: Script,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Smtp {
    async fn new() -> Self {
        Self::with(None).await
    }

    /// With TLS from the first octet, where it is asked for.
    async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Script::default();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (lines, mails) = (Arc::clone(&script), Arc::clone(&taken));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (lines, mails) = (Arc::clone(&lines), Arc::clone(&mails));
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => speak(stream, lines, mails).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                speak(stream, lines, mails).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, script, taken }
    }

    fn says(&self, line: &'static str) {
        self.script.lock().unwrap().push_back(line);
    }

    fn mails(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn settings(&self) -> MailSet {
        MailSet {
            host: Some("127.0.0.1".to_owned()),
            port: Some(self.port),
            security: Some("none".to_owned()),
            from: Some("otpost <otpost@example.com>".to_owned()),
            ..MailSet::default()
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite>(stream: S, script: Script, taken: Arc<Mutex<Vec<String>>>) {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    if writer.write_all(b"220 test ESMTP\r\n").await.is_err() {
        return;
    }
    let mut body: Option<String> = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(text) = &mut body {
            if line != "." {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            taken.lock().unwrap().push(body.take().unwrap());
            let _ = writer.write_all(b"250 taken\r\n").await;
            continue;
        }
        let word: String = line.chars().take(4).collect::<String>().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "RCPT" => script.lock().unwrap().pop_front().unwrap_or("250 fine"),
            "DATA" => {
                body = Some(String::new());
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        if writer
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn mail_set(served: &Served, set: MailSet) -> MailView {
    match served.ctl(AdminOp::MailSet(set)).await.unwrap() {
        AdminReply::Mail(view) => view,
        other => panic!("{other:?}"),
    }
}

async fn mail_show(served: &Served) -> MailView {
    match served.ctl(AdminOp::MailShow).await.unwrap() {
        AdminReply::Mail(view) => view,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_and_the_password_is_not_shown() {
    let served = Served::new().await;
    assert_eq!(mail_show(&served).await, MailView::default());
    let set = |host: &str, security: &str, from: &str| {
        AdminOp::MailSet(MailSet {
            host: Some(host.to_owned()),
            security: Some(security.to_owned()),
            from: Some(from.to_owned()),
            ..MailSet::default()
        })
    };
    const FROM: &str = "otpost <otpost@example.com>";
    for op in [
        set("mail.example.com", "none", FROM),
        set("mail.example.com", "ssl", FROM),
        set("mail.example.com:25", "tls", FROM),
        set("mail.example.com", "tls", "nobody"),
        AdminOp::MailSet(MailSet::default()),
        AdminOp::MailSet(MailSet {
            host: Some("mail.example.com".to_owned()),
            ..MailSet::default()
        }),
    ] {
        assert_eq!(code_of(served.ctl(op).await), FaultCode::Invalid);
    }
    let test = AdminOp::MailTest {
        to: "alice@example.com".to_owned(),
    };
    assert_eq!(code_of(served.ctl(test).await), FaultCode::Conflict);

    let view = mail_set(
        &served,
        MailSet {
            host: Some("mail.example.com".to_owned()),
            user: Some("otpost".to_owned()),
            password: Some("kanarienvogel-geheim-4711".into()),
            from: Some(FROM.to_owned()),
            ..MailSet::default()
        },
    )
    .await;
    assert_eq!(
        (view.port, view.security.as_str(), view.password),
        (587, "starttls", true)
    );
    // What does not name another server keeps the password, another server does not get it.
    let view = mail_set(
        &served,
        MailSet {
            port: Some(2525),
            ..MailSet::default()
        },
    )
    .await;
    assert_eq!(
        (view.port, view.password, view.user.as_str()),
        (2525, true, "otpost")
    );
    let view = mail_set(
        &served,
        MailSet {
            host: Some("mail.example.net".to_owned()),
            ..MailSet::default()
        },
    )
    .await;
    assert!(!view.password);
    let off = mail_set(
        &served,
        MailSet {
            host: Some(String::new()),
            ..MailSet::default()
        },
    )
    .await;
    assert_eq!(off, MailView::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_gives_the_servers_answer() {
    let served = Served::new().await;
    let smtp = Smtp::new().await;
    mail_set(&served, smtp.settings()).await;
    let test = AdminOp::MailTest {
        to: "alice@example.com".to_owned(),
    };
    served.ctl(test.clone()).await.unwrap();
    assert_eq!(smtp.mails().len(), 1);
    assert!(
        smtp.mails()[0].contains("To: alice@example.com"),
        "{}",
        smtp.mails()[0]
    );
    smtp.says("550 5.1.1 no such mailbox here");
    let fault = served.ctl(test).await.unwrap_err();
    assert!(
        fault.message.contains("no such mailbox here"),
        "{}",
        fault.message
    );
    let bad = AdminOp::MailTest {
        to: "alice".to_owned(),
    };
    assert_eq!(code_of(served.ctl(bad).await), FaultCode::Invalid);
}

/// A server's certificate of an authority that no system trusts: the acceptor, and the authority as PEM.
fn private_tls() -> (TlsAcceptor, String) {
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_leaves_over_tls_to_a_server_that_proves_itself_and_no_other() {
    let served = Served::new().await;
    let (tls, ca) = private_tls();
    let smtp = Smtp::with(Some(tls)).await;
    let set = |security: &str, ca: &str| MailSet {
        host: Some("localhost".to_owned()),
        security: Some(security.to_owned()),
        ca: Some(ca.to_owned()),
        ..smtp.settings()
    };
    let test = AdminOp::MailTest {
        to: "alice@example.com".to_owned(),
    };
    mail_set(&served, set("tls", "")).await;
    let fault = served.ctl(test.clone()).await.unwrap_err();
    assert!(fault.message.contains("certificate"), "{}", fault.message);
    let other = private_tls().1;
    mail_set(&served, set("tls", &other)).await;
    assert!(served.ctl(test.clone()).await.is_err());
    assert!(smtp.mails().is_empty());
    mail_set(&served, set("tls", &ca)).await;
    served.ctl(test.clone()).await.unwrap();
    assert_eq!(smtp.mails().len(), 1);
    // One that offers no STARTTLS gets nothing in plain text.
    let plain = Smtp::new().await;
    mail_set(
        &served,
        MailSet {
            port: Some(plain.port),
            ..set("starttls", &ca)
        },
    )
    .await;
    assert!(served.ctl(test).await.is_err());
    assert!(plain.mails().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_mailed_and_tried_again() {
    let served = Served::new().await;
    let _owner = served.owner().await;
    let smtp = Smtp::new().await;
    mail_set(&served, smtp.settings()).await;
    served
        .ctl(AdminOp::PortalSet(PortalSet {
            console_url: Some("https://console.example.com/".to_owned()),
            ..PortalSet::default()
        }))
        .await
        .unwrap();
    smtp.says("451 4.7.1 greylisted");
    let link = match served
        .ctl(AdminOp::AdminAdd {
            login: "paul".to_owned(),
            shown: "Paul Weber".to_owned(),
            email: Some("paul@example.com".to_owned()),
            role: "admin".to_owned(),
            resources: Vec::new(),
        })
        .await
        .unwrap()
    {
        AdminReply::AdminLink { link, mailed, .. } => {
            assert!(mailed);
            link
        }
        other => panic!("{other:?}"),
    };
    assert!(link.expose().starts_with("https://console.example.com/setup/"));
    let view = until(async || Some(mail_show(&served).await).filter(|view| !view.trouble.is_empty())).await;
    assert!(view.trouble.contains("greylisted"), "{}", view.trouble);
    assert_eq!((view.waiting, smtp.mails().len()), (1, 0));
    served.pass(Duration::from_secs(5));
    served.daemon.postman.wake();
    let mails = until(async || Some(smtp.mails()).filter(|mails| !mails.is_empty())).await;
    let plain = mails[0].replace("=\n", "").replace("=3D", "=");
    assert!(plain.contains(link.expose()), "{plain}");
    until(async || Some(mail_show(&served).await).filter(|view| view.waiting == 0)).await;
    assert_eq!(served.rows("mail.sent", "invitation").await, 1);
}

fn notice(now: Timestamp, id: u8) -> QueuedMail {
    QueuedMail {
        id: MailId([id; 16]),
        owner: [9; 16],
        to: Address::parse("alice@example.com").unwrap(),
        lang: Lang::De,
        context: Context {
            service: "VPN".to_owned(),
            login: "alice".to_owned(),
            at: now,
            by: By::Unknown,
        },
        matter: Matter::Notice(Notice::PasswordChanged),
        state: MailState::Waiting,
        next: now,
        deadline: now.plus(Duration::from_secs(24 * 3600)),
        tries: 0,
        trouble: String::new(),
        reference: otpost_core::ids::Reference::random(&mut Draw),
        created: now,
    }
}

struct Draw;

impl otpost_core::Rng for Draw {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
}

async fn put(served: &Served, mail: QueuedMail) {
    served
        .daemon
        .write(move |tx| document::put(tx, &mail))
        .await
        .unwrap();
    served.daemon.postman.wake();
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_wait_over_a_restart_and_while_mail_is_off() {
    let served = Served::new().await;
    let smtp = Smtp::new().await;
    let now = served.now();
    put(&served, notice(now, 1)).await;
    let view = until(async || Some(mail_show(&served).await).filter(|view| !view.trouble.is_empty())).await;
    assert_eq!(view.waiting, 1);
    let served = served.restart().await;
    assert_eq!(mail_show(&served).await.waiting, 1);
    mail_set(&served, smtp.settings()).await;
    served.pass(Duration::from_secs(5));
    served.daemon.postman.wake();
    until(async || Some(smtp.mails()).filter(|mails| mails.len() == 1)).await;

    // What is refused for good is not tried again, stays to be seen for a week, and goes.
    smtp.says("550 no such mailbox");
    put(&served, notice(now, 2)).await;
    let view = until(async || Some(mail_show(&served).await).filter(|view| !view.trouble.is_empty())).await;
    assert!(view.trouble.contains("no such mailbox"));
    assert_eq!((view.waiting, served.rows("mail.failed", "notice").await), (0, 1));
    served.pass(Duration::from_secs(8 * 24 * 3600 + 1));
    served.daemon.postman.wake();
    until(async || Some(mail_show(&served).await).filter(|view| view.trouble.is_empty())).await;
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_made_when_its_mail_leaves_and_not_after_its_end() {
    let served = Served::new().await;
    let smtp = Smtp::new().await;
    mail_set(&served, smtp.settings()).await;
    let verification = |now: Timestamp, id: u8| Verification {
        id: VerificationId([id; 16]),
        session: PortalSessionId([id; 16]),
        owner: Some(Owner::User(UserId([9; 16]))),
        resource: None,
        purpose: For::Mail,
        token: None,
        name: "alice".to_owned(),
        email: Some("alice@example.com".to_owned()),
        digits: Digits::SIX,
        label: Label::random(&mut Draw),
        flow: CodeFlow::start(Duration::from_secs(300), 5, now),
        text: None,
        refused: String::new(),
        source: Source::new("", "test"),
    };
    let mailed = |now: Timestamp, id: u8| QueuedMail {
        matter: Matter::Code {
            verification: VerificationId([id; 16]),
            generation: 0,
        },
        deadline: now.plus(Duration::from_secs(300)),
        ..notice(now, id)
    };
    let open = verification(served.now(), 1);
    let asked = open.clone();
    served
        .daemon
        .write(move |tx| document::put(tx, &asked))
        .await
        .unwrap();
    put(&served, mailed(served.now(), 1)).await;
    let mails = until(async || Some(smtp.mails()).filter(|mails| mails.len() == 1)).await;
    let code = code::derive(&served.daemon.keys, &open.code());
    assert!(mails[0].contains(code.expose()), "{}", mails[0]);

    // Another code was asked for since, or the sign-in is over: the mail would carry what is good no more.
    let mut next = verification(served.now(), 2);
    next.flow.generation = 1;
    let done = Verification {
        flow: verification(served.now(), 3).flow.done(),
        ..verification(served.now(), 3)
    };
    for asked in [next, done] {
        served
            .daemon
            .write(move |tx| document::put(tx, &asked))
            .await
            .unwrap();
    }
    for id in [2, 3, 4] {
        put(&served, mailed(served.now(), id)).await;
    }
    until(async || (served.rows("mail.expired", "code").await == 3).then_some(())).await;
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_portal_and_console() {
    let served = Served::new().await;
    let set = |set: PortalSet| served.ctl(AdminOp::PortalSet(set));
    let shown = |reply: AdminReply| match reply {
        AdminReply::Portal(view) => view,
        other => panic!("{other:?}"),
    };
    let first = shown(served.ctl(AdminOp::PortalShow).await.unwrap());
    assert_eq!(
        first,
        PortalView {
            email_codes: true,
            ..PortalView::default()
        }
    );
    for bad in [
        "http://login.example.com",
        "login.example.com",
        "https://login.example.com/s/vpn",
    ] {
        let bad = PortalSet {
            url: Some(bad.to_owned()),
            ..PortalSet::default()
        };
        assert_eq!(code_of(set(bad).await), FaultCode::Invalid);
    }
    let view = shown(
        set(PortalSet {
            url: Some("https://login.example.com/".to_owned()),
            console_url: Some("http://localhost:8444".to_owned()),
            email_codes: Some(false),
        })
        .await
        .unwrap(),
    );
    assert_eq!(
        (view.url.as_str(), view.console_url.as_str(), view.email_codes),
        ("https://login.example.com", "http://localhost:8444", false)
    );
    let view = shown(
        set(PortalSet {
            url: Some(String::new()),
            ..PortalSet::default()
        })
        .await
        .unwrap(),
    );
    assert_eq!(
        (view.url.as_str(), view.console_url.as_str()),
        ("", "http://localhost:8444")
    );
}
