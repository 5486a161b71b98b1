//! Real sshd and real ssh on loopback with the real `pam_otpost.so`, against a scripted daemon.

use std::time::Duration;

use otpost_ipc::pam::PamOp;
use otpost_tests::pamstack::{Sandbox, wait_for};
use otpost_tests::scripted::{Act, FullBacklog, ScriptedDaemon, one_code};
use otpost_tests::sshd::{Session, Sshd, Typed};

const PASSWORD: &str = "correct horse 7";
const CODE: &str = "481516";
const USER: &str = "otpalice";

fn sandbox() -> Option<Sandbox> {
    let sandbox = Sandbox::or_skip(&["sshd", "ssh", "ssh-keygen", "useradd", "chpasswd"])?;
    sandbox.add_user(USER, PASSWORD);
    Some(sandbox)
}

/// Password, then code; a wrong password gets the same questions and no entry.
fn password_and_code(sandbox: &Sandbox, arguments: &str) -> String {
    let decoy = sandbox.module_line("[default=die]", &format!("decoy {arguments}"));
    let module = sandbox.module_line("required", arguments);
    format!(
        "auth [success=1 default=ignore] pam_unix.so nodelay\n{decoy}{module}auth required pam_permit.so\n"
    )
}

/// Answers the password prompt with `password`, and each further prompt with the next of `codes`.
fn typing(password: &str, codes: &[&str]) -> impl FnMut(&str) -> Typed {
    let mut codes = codes
        .iter()
        .map(|&code| code.to_owned())
        .collect::<Vec<_>>()
        .into_iter();
    let password = password.to_owned();
    move |prompt| {
        if prompt.starts_with("Password:") {
            Typed::Text(password.clone())
        } else {
            codes.next().map_or(Typed::Leave, Typed::Text)
        }
    }
}

fn in_as(session: &Session) -> Option<&str> {
    session.success.then_some(session.stdout.as_str())
}

#[test]
fn password_and_code_let_in() {
    let Some(sandbox) = sandbox() else { return };
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code(CODE, 5));
    let sshd = Sshd::start(&sandbox, &password_and_code(&sandbox, ""), "");
    let session = sshd.login(USER, None, typing(PASSWORD, &[CODE]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    assert_eq!(session.prompts.len(), 2, "{session:?}");
    assert!(
        session.prompts[1].starts_with("Text K7 sent to +49 *** *** 67. Code:"),
        "{session:?}"
    );
    let seen = daemon.seen();
    let PamOp::Begin(begin) = &seen[0].0 else {
        panic!("{seen:?}")
    };
    assert_eq!((begin.user.as_str(), begin.service.as_str()), (USER, "sshd"));
    assert_eq!((begin.rhost.as_str(), begin.decoy), ("127.0.0.1", false));
    assert!(seen.iter().all(|(_, peer)| peer.uid == 0), "{seen:?}");
    let _ = sandbox.logged(&format!("allowed user={USER} rhost=127.0.0.1"));
}

#[test]
fn wrong_codes_prompt_again_and_the_last_try_denies() {
    let Some(sandbox) = sandbox() else { return };
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code(CODE, 3));
    let sshd = Sshd::start(&sandbox, &password_and_code(&sandbox, ""), "MaxAuthTries 1");
    let session = sshd.login(USER, None, typing(PASSWORD, &["1", "2", CODE]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    assert!(session.prompts[2].starts_with("Wrong code."), "{session:?}");
    let session = sshd.login(USER, None, typing(PASSWORD, &["1", "2", "3", CODE]));
    assert_eq!(in_as(&session), None, "{session:?}");
    assert_eq!(session.prompts.len(), 4, "{session:?}");
}

#[test]
fn wrong_passwords_and_unknown_users_look_like_wrong_codes() {
    let Some(sandbox) = sandbox() else { return };
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code(CODE, 1));
    let sshd = Sshd::start(&sandbox, &password_and_code(&sandbox, ""), "MaxAuthTries 1");
    let wrong_code = sshd.login(USER, None, typing(PASSWORD, &["000000"]));
    let wrong_password = sshd.login(USER, None, typing("wrong", &[CODE]));
    let both_wrong = sshd.login(USER, None, typing("wrong", &["000000"]));
    let ghost = sshd.login("otpghost", None, typing(PASSWORD, &[CODE]));
    for session in [&wrong_code, &wrong_password, &both_wrong, &ghost] {
        assert_eq!(in_as(session), None, "{session:?}");
        assert_eq!(session.prompts, wrong_code.prompts);
        assert_eq!(session.stderr.replace("otpghost", USER), wrong_code.stderr);
    }
    let decoys: Vec<_> = daemon
        .asked()
        .iter()
        .filter_map(|op| {
            if let PamOp::Begin(begin) = op {
                Some(begin.decoy)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(decoys, [false, true, true, true]);
}

#[test]
fn a_public_key_and_a_code_let_in_and_neither_does_alone() {
    let Some(sandbox) = sandbox() else { return };
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code(CODE, 2));
    let stack = format!(
        "{}auth required pam_permit.so\n",
        sandbox.module_line("required", "")
    );
    let sshd = Sshd::start(
        &sandbox,
        &stack,
        "AuthenticationMethods publickey,keyboard-interactive",
    );
    let key = sshd.key_for(USER);
    let session = sshd.login(USER, Some(&key), typing(PASSWORD, &[CODE]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    assert_eq!(session.prompts.len(), 1, "no password is asked: {session:?}");
    let session = sshd.login(USER, Some(&key), typing(PASSWORD, &["1", "2"]));
    assert_eq!(in_as(&session), None, "{session:?}");
    let session = sshd.login(USER, None, typing(PASSWORD, &[CODE]));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 0), "{session:?}");
}

#[test]
fn a_user_who_goes_away_at_the_prompt_leaves_nothing_behind() {
    let Some(sandbox) = sandbox() else { return };
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code(CODE, 5));
    let sshd = Sshd::start(&sandbox, &password_and_code(&sandbox, ""), "");
    let session = sshd.login(USER, None, typing(PASSWORD, &[]));
    assert_eq!(in_as(&session), None, "{session:?}");
    assert_eq!(session.prompts.len(), 2, "{session:?}");
    let _ = sandbox.logged("Connection closed by authenticating user");
    let pid = daemon.seen()[0].1.pid;
    wait_for("the process of the login to end", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
    assert!(
        !daemon.asked().iter().any(|op| matches!(op, PamOp::Answer { .. })),
        "{:?}",
        daemon.asked()
    );
    let session = sshd.login(USER, None, typing(PASSWORD, &[CODE]));
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
}

#[test]
fn without_a_daemon_nobody_gets_in_and_nothing_hangs() {
    let Some(sandbox) = sandbox() else { return };
    let sshd = Sshd::start(
        &sandbox,
        &password_and_code(&sandbox, "timeout=1"),
        "MaxAuthTries 1",
    );
    let session = sshd.login(USER, None, typing(PASSWORD, &[CODE]));
    assert_eq!((in_as(&session), session.prompts.len()), (None, 1), "{session:?}");
    assert!(session.took < Duration::from_secs(15), "{session:?}");
    let _ = sandbox.logged("cannot connect to");
    {
        let _backlog = FullBacklog::at(&sandbox.socket());
        let session = sshd.login(USER, None, typing(PASSWORD, &[CODE]));
        assert_eq!(in_as(&session), None, "{session:?}");
        assert!(session.took < Duration::from_secs(15), "{session:?}");
    }
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), |_| Act::Silence);
    let session = sshd.login(USER, None, typing(PASSWORD, &[CODE]));
    assert_eq!(in_as(&session), None, "{session:?}");
    assert!(session.took < Duration::from_secs(15), "{session:?}");
}

#[test]
fn a_daemon_restarted_during_the_prompt_still_lets_in() {
    let Some(sandbox) = sandbox() else { return };
    let mut daemon = Some(ScriptedDaemon::start(&sandbox.socket(), one_code(CODE, 5)));
    let sshd = Sshd::start(&sandbox, &password_and_code(&sandbox, ""), "");
    let mut restarting = None;
    let mut typed = typing(PASSWORD, &[CODE]);
    let session = sshd.login(USER, None, |prompt| {
        if !prompt.starts_with("Password:") {
            drop(daemon.take());
            let socket = sandbox.socket();
            restarting = Some(std::thread::spawn(move || {
                // How long nobody listens.
                let deadline = otpost_ipc::client::Deadline::after(Duration::from_secs(9));
                let _ = deadline.pause(Duration::from_millis(500));
                ScriptedDaemon::start(&socket, one_code(CODE, 5))
            }));
        }
        typed(prompt)
    });
    let daemon = restarting.unwrap().join().unwrap();
    assert_eq!(in_as(&session), Some(USER), "{session:?}");
    assert!(
        matches!(daemon.asked()[..], [PamOp::Answer { .. }]),
        "{:?}",
        daemon.asked()
    );
}
