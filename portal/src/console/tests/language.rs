//! Every word that a page shows is in its language: in the pseudo-language each text has marks, so that a word without any is nobody's
//! text.

use std::collections::BTreeSet;

use otpost_ipc::FaultCode;

use super::{Console, PAGES, Said, Says, parity};

/// What is no text: what the daemon's data hold, names of products and protocols, addresses, and words of machines.
const DATA: &[&str] = &[
    // Names.
    "otpost",
    "mara",
    "Mara",
    "alice",
    "Alice",
    "weber",
    "Weber",
    "tobi",
    "tom",
    "Tom",
    "bob",
    "corp",
    "Hafenwerk",
    "hafenwerk",
    "seven",
    "sync",
    "phone",
    "Firefox",
    "English",
    "Deutsch",
    "Pseudo",
    "example",
    "com",
    "https",
    "login",
    "localhost",
    "mail",
    "staff",
    "vpn",
    "otpauth",
    "ldaps",
    "ldap",
    // Words of the log and of files.
    "login.deny",
    "deny",
    "pam",
    "sshd",
    "detail",
    "email",
    "first",
    "last",
    "name",
    "resource",
    "token",
    "wrong",
    "code",
    "queued",
    "route",
    "challenge",
    "odd",
    "refused",
    "resource",
    "answer",
    // The sample of a gateway's settings, and of a source's.
    "method",
    "url",
    "gateway",
    "messages",
    "auth",
    "kind",
    "bearer",
    "secret",
    "body",
    "json",
    "template",
    "success",
    "status",
    "pointer",
    "any",
    "sent",
    "secrets",
    "message",
    "RADIUS",
    "Authenticator",
];

/// The words that people see or hear: between tags, and in attributes that are read out.
fn words(html: &str) -> Vec<String> {
    let mut seen = String::new();
    let mut rest = html;
    while let Some((text, tail)) = rest.split_once('<') {
        seen.push_str(text);
        seen.push(' ');
        let Some((tag, tail)) = tail.split_once('>') else {
            break;
        };
        for attribute in [
            "aria-label",
            "placeholder",
            "title",
            "alt",
            "data-done",
            "data-hide",
        ] {
            if let Some((_, value)) = tag.split_once(&format!(" {attribute}=\"")) {
                seen.push_str(value.split('"').next().unwrap());
                seen.push(' ');
            }
        }
        rest = tail;
        // What is written there is not read, or not ours.
        for silent in ["code", "pre", "textarea", "script", "option value=\"Europe"] {
            if tag.starts_with(silent) {
                let end = format!("</{}>", silent.split(' ').next().unwrap());
                rest = rest.split_once(&end).map_or("", |(_, tail)| tail);
            }
        }
    }
    seen.split(|c: char| !c.is_alphanumeric())
        .map(str::to_owned)
        .collect()
}

/// Words that no text of the pseudo-language could have.
fn foreign(said: &Said) -> BTreeSet<String> {
    let plain = |word: &String| {
        word.len() > 2
            && word.bytes().all(|b| b.is_ascii_alphabetic())
            && word.contains(['a', 'e', 'i', 'o', 'u'])
            && !DATA.contains(&word.as_str())
    };
    words(&said.text).into_iter().filter(plain).collect()
}

fn pseudo(says: Says) -> Console {
    let mut console = Console::new(says);
    console.cookie = "adm=SESSION; lang=qps".to_owned();
    console
}

#[test]
fn words_are_found_where_people_meet_them() {
    let said = Said {
        status: 200,
        head: axum::http::HeaderMap::new(),
        text: "<p class=\"grow\">Ñöthîñg</p><input placeholder=\"Plain hint\" aria-label=\"Çödé\"><code>machine</code>x<b>Save</b>"
            .to_owned(),
    };
    let found: Vec<String> = foreign(&said).into_iter().collect();
    assert_eq!(found, ["Plain", "Save", "hint"]);
}

#[tokio::test]
async fn every_page_speaks_the_language_that_was_chosen() {
    let mut all = BTreeSet::new();
    for role in ["owner", "admin", "helpdesk"] {
        let console = pseudo(Says {
            role,
            ..Says::default()
        });
        let pages = PAGES.iter().map(|path| ("GET", *path, [].as_slice()));
        for (method, path, fields) in parity::REQUESTS.iter().map(|(_, request)| *request).chain(pages) {
            let said = match method {
                "GET" => console.get(path).await,
                _ if path == "/import" => continue,
                _ => console.post(path, fields).await,
            };
            if said.header("content-type").starts_with("text/html") {
                all.extend(
                    foreign(&said)
                        .into_iter()
                        .map(|word| format!("{word} at {method} {path}")),
                );
            }
        }
    }
    assert_eq!(all, BTreeSet::new());
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_in_the_language_that_was_chosen() {
    let mut all = BTreeSet::new();
    let mut mistakes = 0;
    let sentence = "the network 10.0.0.0/8 belongs to the client gw already";
    for fault in [
        None,
        Some((FaultCode::Invalid, "a password has 6 to 128 characters, not 3")),
        Some((FaultCode::Conflict, sentence)),
        Some((FaultCode::NotFound, "there is no user `alice`")),
        Some((
            FaultCode::Busy,
            "sending is paused; resume it: otpostctl sms resume",
        )),
    ] {
        let console = pseudo(Says {
            fault,
            ..Says::default()
        });
        let forms = parity::REQUESTS.iter().map(|(_, request)| *request);
        let forms = forms.filter(|(method, path, _)| *method == "POST" && *path != "/import");
        for (_, path, fields) in forms {
            // As it should be, so that the daemon refuses it, and with nothing filled in.
            for fields in [fields, &[]] {
                let said = console.post(path, fields).await;
                mistakes += usize::from(said.status == 422);
                if said.header("content-type").starts_with("text/html") {
                    all.extend(foreign(&said).into_iter().map(|word| format!("{word} at {path}")));
                }
            }
        }
        let csrf = console.csrf().await;
        for (file, text) in [(b"".as_slice(), ""), (b"log\xffin", ""), (b"", "login\nalice\n")] {
            let said = console.upload("/import", &csrf, file, text).await;
            mistakes += usize::from(said.status == 422);
            all.extend(
                foreign(&said)
                    .into_iter()
                    .map(|word| format!("{word} at /import")),
            );
        }
    }
    assert_eq!(all, BTreeSet::new());
    assert!(mistakes > 150, "{mistakes} forms with mistakes");
}

#[tokio::test]
async fn a_form_with_mistakes_is_german_in_german() {
    let mut console = Console::new(Says {
        fault: Some((FaultCode::Conflict, "email is taken already")),
        ..Says::default()
    });
    console.cookie = "adm=SESSION; lang=de".to_owned();
    let said = console
        .post("/add/user", &[("login", "alice"), ("email", "al@example.com")])
        .await;
    assert_eq!(said.status, 422);
    assert!(
        said.text
            .contains("<a href=\"#email\">Ein anderer Benutzer hat diese E-Mail-Adresse schon.</a>"),
        "{}",
        said.text
    );
}
