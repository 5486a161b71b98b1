//! aiosmtpd: what arrives, and what it refuses.

use otpost_core::mail::{BadSettings, Security, Sender, Settings};
use otpost_daemon::mail::{Class, MailError, Stage};

use crate::common::{CODE, Identity, PASSWORD, Server, send, settings};

fn with_ca(port: u16, security: Security, identity: &Identity) -> Settings {
    Settings {
        ca: Some(identity.ca.clone()),
        ..settings(port, security)
    }
}

fn with_user(settings: Settings) -> Settings {
    Settings {
        user: Some("otpost".to_owned()),
        ..settings
    }
}

/// Code and text of a refusal.
fn answer(error: &MailError) -> (Stage, u16, &str) {
    match error {
        MailError::Answer { stage, code, text } => (*stage, *code, text),
        other => panic!("no answer but {other:?}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = Server::plain(&[]);
    let accepted = send(&settings(server.port, Security::None), None, "alice@example.com")
        .await
        .unwrap();
    assert_eq!(accepted.detail, "250 2.0.0 queued as 4711ABC");
    let mail = server.taken();
    assert_eq!(mail["sender"], "otpost@example.com");
    assert_eq!(mail["to"], serde_json::json!(["alice@example.com"]));
    // The client's address, not its name.
    assert_eq!(mail["hello"], "[127.0.0.1]");
    // Nothing but ASCII and short lines on the wire, whatever is in it.
    assert_eq!(mail["ascii"], true);
    assert!(mail["longest"].as_u64().unwrap() <= 78, "{}", mail["longest"]);
    let headers = &mail["headers"];
    assert_eq!(headers["Subject"], "Anmeldecode für Büro & Köln – VPN");
    assert_eq!(headers["From"], "\"Büro, IT\" <otpost@example.com>");
    assert_eq!(headers["To"], "alice@example.com");
    assert_eq!(headers["Date"], "Tue, 24 Nov 2026 00:47:08 +0000");
    assert_eq!(
        headers["Message-ID"],
        format!("<{}@example.com>", "ab".repeat(16))
    );
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    assert_eq!(headers["Content-Language"], "de");
    assert_eq!(headers["Content-Type"], "text/plain; charset=\"utf-8\"");
    assert_eq!(headers["MIME-Version"], "1.0");
    // Lines of dots too.
    let body = mail["body"].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(
        body,
        format!("Ihr Code für die Anmeldung:\n\n{CODE}\n\n.\n..\nGrüße\n")
    );
}

#[tokio::test]
async fn starttls_with_an_authority_of_ones_own() {
    let identity = Identity::new("localhost");
    let server = Server::start(Some(&identity), &["--tls", "starttls", "--password", PASSWORD]);
    let settings = with_user(with_ca(server.port, Security::StartTls, &identity));
    send(&settings, Some(PASSWORD), "alice@example.com")
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0]["tls"], true);
    assert_eq!(seen[1]["login"], "otpost");
}

#[tokio::test]
async fn tls_from_the_first_octet() {
    let identity = Identity::new("localhost");
    let server = Server::start(Some(&identity), &["--tls", "implicit", "--password", PASSWORD]);
    let settings = with_user(with_ca(server.port, Security::Tls, &identity));
    send(&settings, Some(PASSWORD), "alice@example.com")
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0]["tls"], true);
    assert_eq!(seen[1]["login"], "otpost");
}

#[tokio::test]
async fn a_certificate_for_an_address_fits_that_address() {
    let identity = Identity::new("127.0.0.1");
    let server = Server::start(Some(&identity), &["--tls", "implicit"]);
    let settings = Settings {
        host: "127.0.0.1".to_owned(),
        ..with_ca(server.port, Security::Tls, &identity)
    };
    send(&settings, None, "alice@example.com").await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_with_a_wrong_certificate_gets_nothing() {
    let good = Identity::new("localhost");
    let other_name = Identity::new("mail.example.net");
    let expired = Identity::valid("localhost", (2020, 2021));
    let early = Identity::valid("localhost", (2080, 2090));
    let authority = Identity::of_authority("localhost");
    for (identity, ca, words) in [
        (&good, None, "no authority that is trusted"),
        (&good, Some(&other_name.ca), "no authority that is trusted"),
        (&other_name, Some(&other_name.ca), "for another name"),
        (&expired, Some(&expired.ca), "has expired"),
        (&early, Some(&early.ca), "not valid yet"),
        (&authority, Some(&authority.ca), "that of an authority"),
    ] {
        for (security, mode) in [(Security::StartTls, "starttls"), (Security::Tls, "implicit")] {
            let server = Server::start(Some(identity), &["--tls", mode, "--password", PASSWORD]);
            let settings = with_user(Settings {
                ca: ca.cloned(),
                ..settings(server.port, security)
            });
            let error = send(&settings, Some(PASSWORD), "alice@example.com")
                .await
                .unwrap_err();
            assert!(matches!(error, MailError::Tls(_)), "{error:?}");
            assert_eq!(error.class(), Class::Misconfigured);
            assert!(error.to_string().contains(words), "{error}");
            assert!(server.seen().is_empty(), "{words}");
        }
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_sent() {
    let server = Server::plain(&["--password", PASSWORD]);
    let settings = with_user(settings(server.port, Security::StartTls));
    let error = send(&settings, Some(PASSWORD), "alice@example.com")
        .await
        .unwrap_err();
    assert_eq!(error, MailError::NoStartTls);
    assert_eq!(error.class(), Class::Misconfigured);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn signing_in_with_the_wrong_password() {
    let server = Server::plain(&["--password", "another"]);
    let settings = with_user(settings(server.port, Security::None));
    let error = send(&settings, Some(PASSWORD), "alice@example.com")
        .await
        .unwrap_err();
    assert_eq!(answer(&error), (Stage::SignIn, 535, " 5.7.8"));
    assert_eq!(error.class(), Class::Misconfigured);
    assert!(error.to_string().contains("check user and password"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn signing_in_by_login_where_there_is_no_plain() {
    let server = Server::plain(&["--password", PASSWORD, "--without", "PLAIN"]);
    let settings = with_user(settings(server.port, Security::None));
    send(&settings, Some(PASSWORD), "alice@example.com")
        .await
        .unwrap();
    assert_eq!(server.taken()["login"], "otpost");
}

#[tokio::test]
async fn a_server_that_takes_no_sign_in() {
    let server = Server::plain(&[]);
    let settings = with_user(settings(server.port, Security::None));
    let error = send(&settings, Some(PASSWORD), "alice@example.com").await;
    // aiosmtpd offers AUTH without anybody who could sign in, other servers offer none: see the other peers.
    let error = error.unwrap_err();
    assert_eq!(error.class(), Class::Misconfigured, "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_wants_a_sign_in_says_so() {
    let server = Server::plain(&["--password", PASSWORD]);
    let error = send(&settings(server.port, Security::None), None, "alice@example.com")
        .await
        .unwrap_err();
    assert_eq!(answer(&error).1, 530);
    assert_eq!(error.class(), Class::Misconfigured);
    assert!(error.to_string().contains("set a user and a password"), "{error}");
}

#[tokio::test]
async fn refusals_are_for_now_or_for_good() {
    let server = Server::plain(&[]);
    let settings = settings(server.port, Security::None);
    for (to, stage, code, text, class) in [
        (
            "grey@example.com",
            Stage::Recipient,
            451,
            " 4.7.1 come again in a while",
            Class::Temporary,
        ),
        (
            "busy@example.com",
            Stage::Recipient,
            421,
            " 4.3.2 shutting down",
            Class::Temporary,
        ),
        (
            "unknown@example.com",
            Stage::Recipient,
            550,
            " 5.1.1 no such mailbox",
            Class::Permanent,
        ),
        (
            "full@example.com",
            Stage::Message,
            452,
            " 4.2.2",
            Class::Temporary,
        ),
        // That one quotes the mail; its words are not passed on.
        (
            "spam@example.com",
            Stage::Message,
            554,
            " 5.7.1",
            Class::Permanent,
        ),
    ] {
        let error = send(&settings, None, to).await.unwrap_err();
        assert_eq!(answer(&error), (stage, code, text));
        assert_eq!(error.class(), class, "{to}");
        assert!(error.to_string().contains(&code.to_string()), "{error}");
    }
    let refused = Settings {
        from: Sender::parse("refused@example.com").unwrap(),
        ..settings.clone()
    };
    let error = send(&refused, None, "alice@example.com").await.unwrap_err();
    assert_eq!(answer(&error), (Stage::Sender, 550, " 5.7.1 no mail from there"));
    assert_eq!(error.class(), Class::Misconfigured);
    // The server is none the worse.
    send(&settings, None, "alice@example.com").await.unwrap();
    assert_eq!(server.taken()["sender"], "otpost@example.com");
}

#[tokio::test]
async fn letters_outside_ascii_in_addresses() {
    let server = Server::plain(&["--utf8"]);
    send(&settings(server.port, Security::None), None, "jörg@example.com")
        .await
        .unwrap();
    let mail = server.taken();
    assert_eq!(mail["to"], serde_json::json!(["jörg@example.com"]));
    assert_eq!(mail["options"], serde_json::json!(["SMTPUTF8", "BODY=8BITMIME"]));

    let server = Server::plain(&[]);
    let settings = settings(server.port, Security::None);
    let error = send(&settings, None, "jörg@example.com").await.unwrap_err();
    assert_eq!((error.class(), error), (Class::Permanent, MailError::NoUtf8));
    // A domain has another spelling, which every server knows.
    send(&settings, None, "joerg@Müller.example").await.unwrap();
    assert_eq!(
        server.taken()["to"],
        serde_json::json!(["joerg@xn--mller-kva.example"])
    );
}

#[tokio::test]
async fn settings_that_cannot_work_reach_no_server() {
    let server = Server::plain(&["--password", PASSWORD]);
    let base = settings(server.port, Security::None);
    let other_machine = Settings {
        host: "192.0.2.1".to_owned(),
        ..base.clone()
    };
    assert_eq!(
        send(&other_machine, None, "alice@example.com").await,
        Err(MailError::Settings(BadSettings::Plain))
    );
    for password in [None, Some(""), Some("a\0b")] {
        let error = send(&with_user(base.clone()), password, "alice@example.com").await;
        assert_eq!(error, Err(MailError::NoPassword));
    }
    for ca in [
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let ca = Settings {
            ca: Some(ca.to_owned()),
            security: Security::Tls,
            ..base.clone()
        };
        assert_eq!(send(&ca, None, "alice@example.com").await, Err(MailError::Ca));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn nobody_there() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = send(&settings(port, Security::None), None, "alice@example.com")
        .await
        .unwrap_err();
    assert!(matches!(error, MailError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Temporary);
    assert!(
        error.to_string().contains(&format!("localhost port {port}")),
        "{error}"
    );

    let lost = Settings {
        host: "mail.otpost.invalid".to_owned(),
        ..settings(25, Security::StartTls)
    };
    let error = send(&lost, None, "alice@example.com").await.unwrap_err();
    assert!(matches!(error, MailError::Unresolved { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Temporary);
}
