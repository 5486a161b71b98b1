//! From no administrator to one.

use std::fs::DirBuilder;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use otpost_daemon::console::setup::first_run;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_ipc::portal::{ConsoleOp, PortalOp, PortalReply};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{PASSWORD, Scratch, Served, browser, code_of, in_link, sign_in, signed, wrong};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn a_link_makes_the_first_administrator_and_no_second() {
    let served = Served::new().await;
    let printed = first_run(&served.daemon).await.unwrap().unwrap();
    assert!(printed.address.starts_with("https://127.0.0.1:8444/setup/"));
    let link = in_link(&Secret::from(printed.address.as_str()));
    // 256 bits in base 64.
    assert_eq!(link.expose().len(), 43);
    let view = served.setup(&link).await.unwrap();
    assert_eq!(view.login, None);
    assert_eq!(view.expires_in, 24 * 3600);
    let again = served.setup(&link).await.unwrap();
    assert_eq!(
        again.totp.expose(),
        view.totp.expose(),
        "a page that is loaded again shows the same"
    );
    assert!(view.uri.expose().contains(view.totp.expose()));

    let signed = signed(served.answer(served.finish(&link, &view, Some("Mara"))).await);
    assert_eq!(signed.codes.len(), 10);
    assert_eq!(signed.max_age, 8 * 3600);
    match served.console(&signed.session, ConsoleOp::Account).await {
        PortalReply::Account {
            login,
            role,
            all,
            recovery_left,
            ..
        } => {
            assert_eq!(
                (login.as_str(), role.as_str(), all, recovery_left),
                ("mara", "owner", true, 10)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(code_of(served.setup(&link).await), FaultCode::NotFound);
    assert_eq!(code_of(served.ctl(AdminOp::SetupLink).await), FaultCode::Conflict);
    assert!(first_run(&served.daemon).await.unwrap().is_none());
    assert_eq!(served.rows("console.set-up", "link").await, 1);
    // No word of the link in any file: only its hash is kept, and the database's pages hold no plain text of it.
    for entry in std::fs::read_dir(served.files()).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            let octets = std::fs::read(entry.path()).unwrap();
            let secret = link.expose().as_bytes();
            assert!(
                !octets.windows(secret.len()).any(|w| w == secret),
                "{:?}",
                entry.path()
            );
        }
    }
}

/// Starts the program and gives what it said until it was ready.
fn start(dir: &Path) -> String {
    let config = dir.join("daemon.toml");
    let text = format!(
        "environment = \"development\"\n[store]\npath = \"{0}/otpost.db\"\n[keys]\nmaster-key-file = \"{0}/master.key\"\n\
         [sockets]\ndirectory = \"{0}/run\"\n[log]\nlevel = \"trace\"\n",
        dir.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_otpostd"))
        .arg("--config")
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let ready = line.contains("ready");
        said.push_str(&line);
        said.push('\n');
        if ready {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    said
}

#[test]
fn the_program_says_a_new_link_at_each_start_once_and_not_in_its_log() {
    let dir = Scratch::new();
    DirBuilder::new()
        .mode(0o755)
        .create(dir.path().join("run"))
        .unwrap();
    let mut links = Vec::new();
    for _ in 0..2 {
        let said = start(dir.path());
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("/setup/")).collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(
            lines[0].starts_with("otpostd: ") && lines[0].contains("SET-UP LINK"),
            "{said}"
        );
        links.push(lines[0].rsplit("/setup/").next().unwrap().to_owned());
    }
    assert_ne!(links[0], links[1]);
    assert!(links.iter().all(|link| link.len() == 43));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_make_one_administrator() {
    let served = Served::new().await;
    let link = served.first_link().await;
    let view = served.setup(&link).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..64 {
        let portal = served.portal.clone();
        let op = served.finish(&link, &view, Some(&format!("admin{n}")));
        tries.spawn(async move { portal.call(op).await.is_ok() });
    }
    let made = tries.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
    match served.ctl(AdminOp::AdminList).await.unwrap() {
        AdminReply::Admins { admins } => assert_eq!(admins.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_by_time_and_by_the_next_one() {
    let served = Served::new().await;
    let first = served.first_link().await;
    let second = served.first_link().await;
    assert_eq!(code_of(served.setup(&first).await), FaultCode::NotFound);
    assert!(served.setup(&second).await.is_ok());
    let served = served.restart().await;
    assert!(
        served.setup(&second).await.is_ok(),
        "a restart of the library alone ends no link"
    );
    served.pass(DAY);
    assert_eq!(code_of(served.setup(&second).await), FaultCode::NotFound);
    let nonsense = Secret::from("nonsense");
    assert_eq!(code_of(served.setup(&nonsense).await), FaultCode::NotFound);
}

/// What is typed on the page of a link.
struct Form {
    login: Option<String>,
    password: Secret,
    totp: Secret,
    code: Secret,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_checked_before_anything_is_made() {
    let served = Served::new().await;
    let link = served.first_link().await;
    let view = served.setup(&link).await.unwrap();
    let with = |change: &dyn Fn(&mut Form)| {
        let mut form = Form {
            login: Some("mara".to_owned()),
            password: PASSWORD.into(),
            totp: view.totp.clone(),
            code: served.shows(view.totp.expose()),
        };
        change(&mut form);
        PortalOp::SetupFinish {
            link: link.clone(),
            login: form.login,
            password: form.password,
            totp: form.totp,
            code: form.code,
            browser: browser("192.0.2.1"),
        }
    };
    for bad in ["", "eleven-char", &"x".repeat(129)] {
        let op = with(&|form| form.password = bad.into());
        assert_eq!(code_of(served.ask(op).await), FaultCode::Invalid);
    }
    for bad in [None, Some(String::new()), Some("a b".to_owned())] {
        let op = with(&|form| form.login.clone_from(&bad));
        assert_eq!(code_of(served.ask(op).await), FaultCode::Invalid);
    }
    // An app of somebody else's choice.
    let own = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let op = with(&|form| {
        form.totp = own.into();
        form.code = served.shows(own);
    });
    assert_eq!(code_of(served.ask(op).await), FaultCode::Invalid);
    for (typed, why) in [
        (served.wrong_code(view.totp.expose()), "wrong"),
        ("12345".into(), "too-few"),
        ("1234567".into(), "too-many-digits"),
        ("abcdef".into(), "not-digits"),
    ] {
        let op = with(&|form| form.code = typed.clone());
        assert_eq!(wrong(served.answer(op).await).0, why);
    }
    match served.ctl(AdminOp::AdminList).await.unwrap() {
        AdminReply::Admins { admins } => assert!(admins.is_empty()),
        other => panic!("{other:?}"),
    }
    // The link is still good, and there is no other way in: no default password.
    let refused = served.answer(sign_in("admin", PASSWORD, "192.0.2.1")).await;
    assert!(matches!(refused, PortalReply::Refused { .. }));
    let account = served.use_link(&link, Some("mara")).await;
    served.session(&account).await;
}
