//! The real `pam_otpost.so` under real pamtester, against a scripted daemon.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use otpost_ipc::pam::PamOp;
use otpost_ipc::{AllowReason, DenyKind, Fault, FaultCode, LoginReply};
use otpost_tests::pamstack::{Pamtester, Sandbox, wait_for};
use otpost_tests::scripted::{Act, FullBacklog, SESSION, ScriptedDaemon, one_code};

const GRANTED: &str = "pamtester: successfully authenticated";
const DENIED: &str = "Authentication failure";
const UNAVAILABLE: &str = "Authentication service cannot retrieve authentication info";
const TRIES_USED: &str = "Have exhausted maximum number of retries for service";

/// The module behind pam_permit, as behind a right password: an ignored module would let in.
fn behind_permit(sandbox: &Sandbox, arguments: &str) {
    let module = sandbox.module_line("required", arguments);
    sandbox.service(
        "door",
        &format!("auth required pam_permit.so\n{module}account required pam_permit.so\n"),
    );
}

fn door(sandbox: &Sandbox) -> Pamtester<'_> {
    Pamtester::new(sandbox, "door", "alice")
}

fn sandbox() -> Option<Sandbox> {
    Sandbox::or_skip(&["pamtester"])
}

#[test]
fn the_right_code_opens_and_the_log_says_so() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let tested = door(&sandbox).typing("481516\n");
    assert!(tested.success && tested.text.contains(GRANTED), "{tested:?}");
    assert!(
        tested.text.contains("Text K7 sent to +49 *** *** 67. Code: "),
        "{tested:?}"
    );
    let seen = daemon.seen();
    let PamOp::Begin(begin) = &seen[0].0 else {
        panic!("{seen:?}")
    };
    assert_eq!((begin.user.as_str(), begin.service.as_str()), ("alice", "door"));
    assert_eq!((begin.rhost.as_str(), begin.tty.as_str()), ("192.0.2.7", "pts/0"));
    assert_eq!(seen[1].1.uid, 0);
    let line = sandbox.logged("allowed user=alice rhost=192.0.2.7");
    assert!(line.contains("pam_otpost(door:auth)"), "{line}");
}

#[test]
fn setcred_works_where_the_module_stands_alone() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.service("door", &sandbox.module_line("required", ""));
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let operations = ["authenticate", "setcred(PAM_ESTABLISH_CRED)"];
    let tested = door(&sandbox).operations(&operations).typing("481516\n");
    assert!(tested.success, "{tested:?}");
    assert!(
        tested.text.contains("credential info has successfully been set"),
        "{tested:?}"
    );
}

#[test]
fn wrong_codes_and_resends_prompt_again_until_the_tries_are_used() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let tested = door(&sandbox).typing("000000\n\n481516\n");
    assert!(tested.success, "{tested:?}");
    assert_eq!(tested.text.matches("Wrong code.").count(), 2, "{tested:?}");
    let tested = door(&sandbox).typing("1\n2\n3\n4\n5\n481516\n");
    assert!(!tested.success && tested.text.contains(TRIES_USED), "{tested:?}");
    assert!(tested.text.contains("Access denied. (ref k7f2)"), "{tested:?}");
}

#[test]
fn retries_bound_the_prompts_on_our_side_too() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "retries=2");
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 50));
    let tested = door(&sandbox).typing("1\n2\n481516\n");
    assert!(!tested.success && tested.text.contains(TRIES_USED), "{tested:?}");
    // The login stays: the caller's next try, as sudo's, belongs to it.
    assert!(!daemon.asked().iter().any(|op| matches!(op, PamOp::Cancel { .. })));
}

#[test]
fn denials_have_their_pam_codes() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    for (kind, text) in [
        (DenyKind::Denied, DENIED),
        (DenyKind::MaxTries, TRIES_USED),
        (DenyKind::Unavailable, UNAVAILABLE),
    ] {
        let _daemon = ScriptedDaemon::start(&sandbox.socket(), move |_| Act::deny(kind));
        let tested = door(&sandbox).typing("481516\n");
        assert!(
            !tested.success && tested.text.contains(text),
            "{kind:?}: {tested:?}"
        );
    }
}

#[test]
fn eof_at_the_conversation_is_its_error_and_cancels() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "failmode=safe");
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let tested = door(&sandbox).typing("");
    assert!(
        !tested.success && tested.text.contains("Conversation error"),
        "{tested:?}"
    );
    assert_eq!(
        daemon.asked().last(),
        Some(&PamOp::Cancel {
            session: SESSION.to_owned()
        })
    );
}

#[test]
fn an_answer_of_64_kib_is_handled() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "retries=1");
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 1));
    let tested = door(&sandbox).typing(&format!("{}\n", "7".repeat(64 * 1024)));
    assert!(!tested.success, "{tested:?}");
    let asked = daemon.asked();
    let Some(PamOp::Answer { answer, .. }) = asked.get(1) else {
        panic!("{asked:?}")
    };
    assert!(answer.expose().len() <= 512);
}

#[test]
fn a_decoy_prompts_alike_and_opens_for_nobody() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "decoy");
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 2));
    let tested = door(&sandbox).typing("481516\n481516\n");
    assert!(!tested.success, "{tested:?}");
    assert!(
        tested.text.contains("Text K7 sent to +49 *** *** 67. Code: "),
        "{tested:?}"
    );
}

/// Replies that are none, with their cause in the log.
fn garbage() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![0, 0],
        vec![0; 4],
        vec![255; 4],
        vec![0, 1, 0, 1, b'{'],
        [&[0, 0, 0, 40][..], br#"{"id":1,"ok":{"do":"allow","#].concat(),
        [&[0, 0, 0, 26][..], br#"{"id":1,"ok":{"do":"win"}}"#].concat(),
        [
            &[0, 0, 0, 45][..],
            br#"{"id":9,"ok":{"do":"allow","reason":"bypass"}}"#,
        ]
        .concat(),
        b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
    ]
}

#[test]
fn garbage_never_opens_and_safe_leaves_it_to_the_stack() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    for octets in garbage() {
        let reply = octets.clone();
        let _daemon = ScriptedDaemon::start(&sandbox.socket(), move |_| Act::Raw(reply.clone()));
        let tested = door(&sandbox).typing("481516\n");
        assert!(
            !tested.success && tested.text.contains(UNAVAILABLE),
            "{octets:?}: {tested:?}"
        );
        assert!(tested.took < Duration::from_secs(5), "{tested:?}");
    }
    behind_permit(&sandbox, "failmode=safe");
    {
        let _daemon = ScriptedDaemon::start(&sandbox.socket(), |_| Act::Raw(vec![255; 4]));
        let tested = door(&sandbox).typing("481516\n");
        assert!(tested.success, "{tested:?}");
        assert!(sandbox.logged("SKIPPED").contains("failmode=safe"));
    }
    // With nobody else in the stack to say yes, even that is a denial.
    sandbox.service("door", &sandbox.module_line("required", "failmode=safe"));
    let tested = door(&sandbox).typing("481516\n");
    assert!(
        !tested.success && tested.text.contains("Permission denied"),
        "{tested:?}"
    );
}

#[test]
fn a_refused_request_is_a_denial_even_with_safe() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "failmode=safe");
    let fault = Fault {
        code: FaultCode::Forbidden,
        message: "only\u{1b}[31m root".to_owned(),
        retry_after: None,
        reference: "f1".to_owned(),
    };
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), move |_| Act::Fault(fault.clone()));
    let tested = door(&sandbox).typing("481516\n");
    assert!(!tested.success && tested.text.contains(DENIED), "{tested:?}");
    assert!(
        sandbox
            .logged("refuses the request")
            .ends_with("only[31m root (ref f1)")
    );
}

#[test]
fn a_missing_daemon_is_reported_at_once() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    let tested = door(&sandbox).typing("481516\n");
    assert!(!tested.success && tested.text.contains(UNAVAILABLE), "{tested:?}");
    assert!(tested.took < Duration::from_secs(5), "{tested:?}");
    let line = sandbox.logged("cannot connect to");
    assert!(
        line.contains("pam.sock") && line.contains("is otpostd running"),
        "{line}"
    );
}

#[test]
fn a_silent_daemon_holds_nobody_past_the_timeout() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "timeout=1");
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), |_| Act::Silence);
    let tested = door(&sandbox).typing("481516\n");
    assert!(!tested.success && tested.text.contains(UNAVAILABLE), "{tested:?}");
    assert!(
        tested.took >= Duration::from_secs(1) && tested.took < Duration::from_secs(5),
        "{tested:?}"
    );
}

#[test]
fn a_full_backlog_holds_nobody_past_the_timeout() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "timeout=1");
    let _backlog = FullBacklog::at(&sandbox.socket());
    let tested = door(&sandbox).typing("481516\n");
    assert!(!tested.success && tested.text.contains(UNAVAILABLE), "{tested:?}");
    assert!(
        tested.took >= Duration::from_secs(1) && tested.took < Duration::from_secs(5),
        "{tested:?}"
    );
}

#[test]
fn a_daemon_restarted_during_the_prompt_still_gets_the_answer() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    let daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let waiting = door(&sandbox).start();
    wait_for("the prompt", || (!daemon.asked().is_empty()).then_some(()));
    drop(daemon);
    // The answer is typed while nobody listens.
    let socket = sandbox.socket();
    let restarted = std::thread::spawn(move || {
        let _ = otpost_ipc::client::Deadline::after(Duration::from_secs(9)).pause(Duration::from_millis(500));
        ScriptedDaemon::start(&socket, one_code("481516", 5))
    });
    let tested = waiting.typing("481516\n");
    assert!(tested.success, "{tested:?}");
    let asked = restarted.join().unwrap().asked();
    assert!(matches!(asked[..], [PamOp::Answer { .. }]), "{asked:?}");
}

#[test]
fn wrong_arguments_are_a_service_error_and_named_in_the_log() {
    let Some(sandbox) = sandbox() else { return };
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), |_| Act::allow(AllowReason::Bypass));
    for (arguments, logged) in [
        ("failmod=safe", "unknown option \"failmod\""),
        ("failmode=open", "option failmode takes secure or safe"),
        ("failmode=safe timeout=0", "option timeout takes whole seconds"),
    ] {
        behind_permit(&sandbox, arguments);
        let tested = door(&sandbox).typing("481516\n");
        assert!(
            !tested.success && tested.text.contains("Error in service module"),
            "{tested:?}"
        );
        let _ = sandbox.logged(logged);
    }
}

#[test]
fn names_and_texts_are_cleaned_before_they_are_shown() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    let daemon = ScriptedDaemon::start(&sandbox.socket(), |op| match op {
        PamOp::Begin(_) => Act::prompt("\u{1b}[2JCode\r\nfor \u{9b}31m you: "),
        _ => Act::deny(DenyKind::Denied),
    });
    let tested = door(&sandbox).typing("1\n");
    assert!(tested.text.contains("[2JCode for 31m you: "), "{tested:?}");
    assert!(!tested.text.contains(['\u{1b}', '\u{9b}', '\r']), "{tested:?}");
    for name in ["../../x", "a/b", "-rf", "%s%n"] {
        let tested = Pamtester::new(&sandbox, "door", name).typing("1\n");
        assert!(!tested.success, "{tested:?}");
    }
    let before = daemon.asked().len();
    for name in ["a\nb", "\u{1b}]0;x\u{7}", &"x".repeat(10_000)] {
        let tested = Pamtester::new(&sandbox, "door", name).typing("1\n");
        assert!(!tested.success, "{tested:?}");
    }
    assert_eq!(daemon.asked().len(), before, "the daemon is not even asked");
    assert!(
        sandbox.log().iter().all(|line| !line.contains(char::is_control)),
        "{:#?}",
        sandbox.log()
    );
}

#[test]
fn a_listener_that_is_not_the_daemon_is_told_nothing() {
    let Some(sandbox) = Sandbox::or_skip(&["pamtester", "perl"]) else {
        return;
    };
    behind_permit(&sandbox, "failmode=safe");
    // Bound by root, listened to by nobody: the kernel reports who listens.
    let listener: OwnedFd = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .unwrap();
    bind(
        std::os::fd::AsRawFd::as_raw_fd(&listener),
        &UnixAddr::new(&sandbox.socket()).unwrap(),
    )
    .unwrap();
    let heard = sandbox.dir().join("heard");
    let script = "listen(STDIN, 5) or die; syswrite(STDOUT, '.'); \
                  while (accept(C, STDIN)) { sysread(C, $b, 65536); syswrite(STDOUT, $b); close(C) }";
    let mut impostor = Command::new("perl")
        .args(["-e", script])
        .uid(65_534)
        .gid(65_534)
        .stdin(listener)
        .stdout(fs::File::create(&heard).unwrap())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    wait_for("the impostor", || {
        (fs::read(&heard).unwrap() == b".").then_some(())
    });
    let tested = door(&sandbox).typing("481516\n");
    impostor.kill().unwrap();
    impostor.wait().unwrap();
    assert!(!tested.success && tested.text.contains(UNAVAILABLE), "{tested:?}");
    assert_eq!(fs::read_to_string(&heard).unwrap(), ".");
    assert!(
        sandbox
            .logged("not otpostd's")
            .contains("user 65534 listens there")
    );
}

#[test]
fn nothing_is_logged_that_the_user_typed() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "debug");
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let tested = door(&sandbox).typing("271828\n481516\n");
    assert!(tested.success, "{tested:?}");
    let _ = sandbox.logged("allowed");
    let log = sandbox.log().join("\n");
    assert!(log.contains("prompts, time 2"), "{log}");
    for secret in ["271828", "481516", SESSION, "PATH"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// System calls of a login from the moment the module is loaded, one a line.
fn traced(sandbox: &Sandbox, typed: &str) -> Option<Vec<String>> {
    let trace = sandbox.dir().join("trace");
    let mut command = sandbox.command("strace");
    command.args([
        "-f",
        "-e",
        "trace=%file,%process,%network,read,close,dup,dup2,dup3,fcntl",
        "-o",
    ]);
    command.arg(&trace).arg("pamtester");
    door(sandbox).arguments(&mut command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("PTRACE") || stderr.contains("ptrace") {
        otpost_tests::skip(&format!("needs ptrace: {stderr}"));
        return None;
    }
    assert!(output.status.success(), "{stderr}");
    let calls = fs::read_to_string(&trace).unwrap();
    Some(
        calls
            .lines()
            .skip_while(|call| !call.contains("libpam_otpost.so"))
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn the_module_writes_nothing_starts_nothing_and_keeps_nothing_open() {
    let Some(sandbox) = Sandbox::or_skip(&["pamtester", "strace"]) else {
        return;
    };
    behind_permit(&sandbox, "debug");
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), one_code("481516", 5));
    let Some(calls) = traced(&sandbox, "000000\n481516\n") else {
        return;
    };
    assert!(calls.len() > 10, "{calls:#?}");
    let socket = sandbox.socket().display().to_string();
    let mut open: Option<String> = None;
    let (mut connections, mut prompts, mut last_socket) = (0, 0, String::new());
    for call in &calls {
        let call = call
            .split_once(' ')
            .map_or(call.as_str(), |(_, call)| call.trim_start());
        for writing in [
            "O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "mkdir", "unlink", "rename", "chmod", "chown",
        ] {
            assert!(!call.contains(writing), "{call}");
        }
        for starting in ["clone", "fork", "vfork", "execve"] {
            assert!(!call.starts_with(starting), "{call}");
        }
        if call.starts_with("socket(AF_UNIX") {
            assert!(call.contains("SOCK_CLOEXEC"), "{call}");
            last_socket = call.rsplit(' ').next().unwrap().to_owned();
        } else if call.starts_with("connect(") && call.contains(&socket) {
            assert_eq!(open, None, "{call}");
            open = Some(last_socket.clone());
            connections += 1;
        } else if call.starts_with("close(")
            && open
                .as_ref()
                .is_some_and(|fd| call.starts_with(&format!("close({fd})")))
        {
            open = None;
        } else if call.starts_with("read(0,") {
            assert_eq!(open, None, "open while the user types: {calls:#?}");
            prompts += 1;
        }
    }
    assert_eq!((open, connections), (None, 3), "{calls:#?}");
    assert!(prompts >= 2, "{calls:#?}");
}

#[test]
fn a_code_nobody_typed_is_refused() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    let reply = LoginReply::Allow {
        attributes: vec![],
        reason: AllowReason::Code,
    };
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), move |_| Act::Reply(reply.clone()));
    let tested = door(&sandbox).typing("");
    assert!(!tested.success && tested.text.contains(DENIED), "{tested:?}");
}

#[test]
fn an_exempt_user_passes_and_ignore_alone_opens_nothing() {
    let Some(sandbox) = sandbox() else { return };
    behind_permit(&sandbox, "");
    {
        let _daemon = ScriptedDaemon::start(&sandbox.socket(), |_| Act::Reply(LoginReply::Ignore));
        assert!(door(&sandbox).typing("").success);
        sandbox.service("door", &sandbox.module_line("required", ""));
        assert!(!door(&sandbox).typing("").success);
    }
    behind_permit(&sandbox, "");
    let _daemon = ScriptedDaemon::start(&sandbox.socket(), |_| Act::allow(AllowReason::Bypass));
    assert!(door(&sandbox).typing("").success);
}
