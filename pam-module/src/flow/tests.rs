use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use otpost_ipc::client::Deadline;
use otpost_ipc::{AllowReason, Fault, FaultCode, Hello, Outcome, Request, Response, Role, frame};

use super::*;

const SESSION: &str = "00112233445566778899aabbccddeeff";

// ---- a daemon that follows a script

enum Act {
    Reply(LoginReply),
    Fault(FaultCode),
    /// These octets after the hello, then EOF.
    Raw(Vec<u8>),
    /// Nothing but EOF, before the hello.
    Close,
    /// Nothing until the module gives up.
    Silence,
}

/// A scratch directory that goes with the guard.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otpost-pam-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("pam.sock")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Daemon {
    scratch: Scratch,
    asked: Arc<Mutex<Vec<PamOp>>>,
    open: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Daemon {
    /// Answers one connection with each act; more connections get EOF.
    fn start(script: Vec<Act>) -> Self {
        let scratch = Scratch::new();
        let listener = UnixListener::bind(scratch.socket()).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let open = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (asked, open, stop) = (Arc::clone(&asked), Arc::clone(&open), Arc::clone(&stop));
            move || {
                let mut script = script.into_iter();
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    open.fetch_add(1, Ordering::SeqCst);
                    act(stream.unwrap(), script.next().unwrap_or(Act::Close), &asked);
                    open.fetch_sub(1, Ordering::SeqCst);
                }
            }
        });
        Self {
            scratch,
            asked,
            open,
            stop,
            thread: Some(thread),
        }
    }

    fn asked(&self) -> Vec<PamOp> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = UnixStream::connect(self.scratch.socket());
        let _ = self.thread.take().unwrap().join();
    }
}

fn read_frame(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).ok()?;
    let mut json = vec![0; frame::decode_header(header).ok()?];
    stream.read_exact(&mut json).ok()?;
    Some(json)
}

/// Serves one connection until the module closes it.
fn act(mut stream: UnixStream, act: Act, asked: &Mutex<Vec<PamOp>>) {
    if matches!(act, Act::Close) {
        return;
    }
    let Some(hello) = read_frame(&mut stream) else {
        return;
    };
    assert_eq!(frame::decode::<Hello>(&hello), Ok(Hello::of(Role::Pam)));
    let Some(request) = read_frame(&mut stream) else {
        return;
    };
    let request: Request<PamOp> = frame::decode(&request).unwrap();
    let id = request.id;
    asked.lock().unwrap().push(request.op);
    let _ = stream.write_all(&frame::encode(&Hello::of(Role::Pam)).unwrap());
    let outcome = match act {
        Act::Reply(reply) => Outcome::Ok(reply),
        Act::Fault(code) => {
            let message = "as scripted".to_owned();
            Outcome::Err(Fault {
                code,
                message,
                retry_after: None,
                reference: "f1".to_owned(),
            })
        }
        Act::Raw(octets) => {
            let _ = stream.write_all(&octets);
            return;
        }
        Act::Silence => {
            let _ = stream.read_to_end(&mut Vec::new());
            return;
        }
        Act::Close => return,
    };
    let _ = stream.write_all(&frame::encode(&Response { id, outcome }).unwrap());
    let _ = stream.read_to_end(&mut Vec::new());
}

fn prompt(text: &str) -> Act {
    Act::Reply(LoginReply::Prompt {
        session: SESSION.to_owned(),
        text: text.to_owned(),
        echo: false,
        expires_in: 300,
    })
}

fn allow(reason: AllowReason) -> Act {
    Act::Reply(LoginReply::Allow {
        attributes: vec![],
        reason,
    })
}

fn deny(kind: DenyKind) -> Act {
    Act::Reply(LoginReply::Deny {
        text: "Access denied.".to_owned(),
        kind,
        reference: "k7f2".to_owned(),
    })
}

// ---- an application that follows a script

type Typed = Result<Answer, ConversationFailed>;

struct FakeHost {
    user: Result<String, UserError>,
    rhost: String,
    silent: bool,
    answers: Vec<Typed>,
    prompts: Vec<(String, bool)>,
    errors: Vec<String>,
    log: RefCell<Vec<(Level, String)>>,
    delayed: bool,
    /// Must read 0 whenever the user is asked.
    open: Option<Arc<AtomicU32>>,
    on_prompt: Option<Box<dyn FnMut()>>,
}

impl FakeHost {
    fn new(answers: Vec<Typed>) -> Self {
        Self {
            user: Ok("alice".to_owned()),
            rhost: "192.0.2.7".to_owned(),
            silent: false,
            answers,
            prompts: vec![],
            errors: vec![],
            log: RefCell::default(),
            delayed: false,
            open: None,
            on_prompt: None,
        }
    }

    fn typing(answers: &[&str]) -> Self {
        Self::new(answers.iter().map(|&a| Ok(Some(a.into()))).collect())
    }

    fn named(user: &str) -> Self {
        Self {
            user: Ok(user.to_owned()),
            ..Self::typing(&["481516"])
        }
    }

    fn levels(&self) -> Vec<Level> {
        self.log.borrow().iter().map(|(level, _)| *level).collect()
    }

    fn logged(&self) -> String {
        self.log
            .borrow()
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }
}

impl Host for FakeHost {
    fn user(&mut self) -> Result<String, UserError> {
        self.user.clone()
    }

    fn item(&self, item: Item) -> String {
        match item {
            Item::Service => "sshd".to_owned(),
            Item::Tty => "ssh".to_owned(),
            Item::Rhost => self.rhost.clone(),
            Item::Ruser => String::new(),
        }
    }

    fn silent(&self) -> bool {
        self.silent
    }

    fn prompt(&mut self, text: &str, echo: bool) -> Typed {
        if let Some(open) = &self.open {
            let deadline = Deadline::after(Duration::from_secs(10));
            while open.load(Ordering::SeqCst) > 0 {
                assert!(
                    deadline.pause(Duration::from_millis(1)),
                    "a connection stays open during the prompt"
                );
            }
        }
        if let Some(on_prompt) = &mut self.on_prompt {
            on_prompt();
        }
        self.prompts.push((text.to_owned(), echo));
        if self.answers.is_empty() {
            Err(ConversationFailed)
        } else {
            self.answers.remove(0)
        }
    }

    fn error(&mut self, text: &str) {
        self.errors.push(text.to_owned());
    }

    fn log(&self, level: Level, line: &str) {
        assert!(!line.contains(char::is_control) && line.len() < 2000, "{line:?}");
        self.log.borrow_mut().push((level, line.to_owned()));
    }

    fn delay_failure(&mut self) {
        self.delayed = true;
    }
}

fn login(socket: &Path, host: &mut FakeHost, more: &[&str]) -> Verdict {
    let socket = format!("socket={}", socket.display());
    let arguments = [&["timeout=20", &socket], more].concat();
    // A later `timeout=` of the test takes the place of the default.
    let own = more.iter().any(|argument| argument.starts_with("timeout="));
    authenticate(
        host,
        arguments
            .iter()
            .skip(usize::from(own))
            .map(|argument| argument.as_bytes()),
    )
}

fn run(script: Vec<Act>, host: &mut FakeHost, more: &[&str]) -> (Verdict, Vec<PamOp>) {
    let daemon = Daemon::start(script);
    host.open = Some(Arc::clone(&daemon.open));
    let verdict = login(&daemon.scratch.socket(), host, more);
    let asked = daemon.asked();
    (verdict, asked)
}

fn answered(text: &str) -> PamOp {
    PamOp::Answer {
        session: SESSION.to_owned(),
        answer: text.into(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test measures how long the module takes"
)]
fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let begun = std::time::Instant::now();
    let result = what();
    (result, begun.elapsed())
}

// ---- verdicts

#[test]
fn the_right_code_lets_in() {
    let mut host = FakeHost::typing(&["481516"]);
    let (verdict, asked) = run(
        vec![prompt("Text K7: "), allow(AllowReason::Code)],
        &mut host,
        &[],
    );
    assert_eq!(verdict, Verdict::Success);
    let begin = PamBegin {
        user: "alice".to_owned(),
        service: "sshd".to_owned(),
        rhost: "192.0.2.7".to_owned(),
        tty: "ssh".to_owned(),
        ruser: String::new(),
        decoy: false,
    };
    assert_eq!(asked, [PamOp::Begin(begin), answered("481516")]);
    assert_eq!(host.prompts, [("Text K7: ".to_owned(), false)]);
    assert_eq!(host.levels(), [Level::Info]);
    assert!(host.errors.is_empty() && !host.delayed);
}

#[test]
fn a_wrong_code_asks_again_with_the_daemons_words() {
    let mut host = FakeHost::typing(&["1", "", "481516"]);
    let script = vec![
        prompt("Code: "),
        prompt("Wrong. Code: "),
        prompt("Sent again: "),
        allow(AllowReason::Code),
    ];
    let (verdict, asked) = run(script, &mut host, &[]);
    assert_eq!(verdict, Verdict::Success);
    assert_eq!(asked[1..], [answered("1"), answered(""), answered("481516")]);
    assert_eq!(host.prompts.len(), 3);
    assert_eq!(host.prompts[1].0, "Wrong. Code: ");
}

#[test]
fn denials_have_their_codes_and_one_line_each() {
    for (kind, verdict, level) in [
        (DenyKind::Denied, Verdict::AuthErr, Level::Notice),
        (DenyKind::MaxTries, Verdict::MaxTries, Level::Notice),
        (DenyKind::Unavailable, Verdict::AuthInfoUnavailable, Level::Error),
    ] {
        for first in [true, false] {
            let mut host = FakeHost::typing(&["1"]);
            let script = if first {
                vec![deny(kind)]
            } else {
                vec![prompt("Code: "), deny(kind)]
            };
            assert_eq!(run(script, &mut host, &[]).0, verdict);
            assert_eq!(host.levels(), [level]);
            assert!(
                host.logged().contains("user=alice rhost=192.0.2.7"),
                "{}",
                host.logged()
            );
            assert!(host.logged().contains("k7f2"), "{}", host.logged());
            assert_eq!(host.errors, ["Access denied. (ref k7f2)"]);
        }
    }
}

#[test]
fn ignore_is_ignore_and_never_success() {
    let mut host = FakeHost::typing(&[]);
    assert_eq!(
        run(vec![Act::Reply(LoginReply::Ignore)], &mut host, &[]).0,
        Verdict::Ignore
    );
    assert!(host.log.borrow().is_empty());
}

#[test]
fn reasons_other_than_a_code_need_no_prompt() {
    for reason in [
        AllowReason::Bypass,
        AllowReason::Unenrolled,
        AllowReason::TokenDisabled,
    ] {
        let mut host = FakeHost::typing(&[]);
        assert_eq!(run(vec![allow(reason)], &mut host, &[]).0, Verdict::Success);
        assert_eq!(host.levels(), [Level::Info]);
    }
}

// CVE-2021-31924: a step was skipped.
#[test]
fn a_right_code_that_nobody_typed_is_refused() {
    let mut host = FakeHost::typing(&[]);
    assert_eq!(
        run(vec![allow(AllowReason::Code)], &mut host, &[]).0,
        Verdict::AuthErr
    );
    assert_eq!(host.levels(), [Level::Alert]);
}

#[test]
fn a_decoy_asks_and_lets_nobody_in() {
    let mut host = FakeHost::typing(&["481516"]);
    let (verdict, asked) = run(
        vec![prompt("Code: "), deny(DenyKind::Denied)],
        &mut host,
        &["decoy"],
    );
    assert_eq!(verdict, Verdict::AuthErr);
    assert!(matches!(&asked[0], PamOp::Begin(begin) if begin.decoy));
    for reason in [AllowReason::Code, AllowReason::Bypass, AllowReason::Unenrolled] {
        let mut host = FakeHost::typing(&["481516"]);
        let script = vec![prompt("Code: "), allow(reason)];
        assert_eq!(
            run(script, &mut host, &["decoy", "failmode=safe"]).0,
            Verdict::AuthErr
        );
    }
}

#[test]
fn prompts_are_bounded() {
    let mut host = FakeHost::typing(&["1"; 20]);
    let script = (0..20).map(|_| prompt("Code: ")).collect();
    let (verdict, asked) = run(script, &mut host, &["retries=3"]);
    assert_eq!((verdict, host.prompts.len()), (Verdict::MaxTries, 3));
    // The login stays: the caller's next try, as sudo's, belongs to it.
    assert!(!asked.iter().any(|op| matches!(op, PamOp::Cancel { .. })));
    let mut host = FakeHost::typing(&["1"; 20]);
    let script = (0..20).map(|_| prompt("Code: ")).collect();
    run(script, &mut host, &[]);
    assert_eq!(host.prompts.len(), 8);
}

#[test]
fn options_change_what_is_shown() {
    let mut host = FakeHost::typing(&["1"]);
    let script = vec![prompt("Text K7 to +49: "), deny(DenyKind::Denied)];
    run(script, &mut host, &["prompt=Code please: ", "quiet"]);
    assert_eq!(host.prompts[0].0, "Code please: ");
    assert!(host.errors.is_empty());
    let mut host = FakeHost {
        silent: true,
        ..FakeHost::typing(&["1"])
    };
    run(vec![prompt("Code: "), deny(DenyKind::Denied)], &mut host, &[]);
    assert!(host.errors.is_empty(), "PAM_SILENT");
    assert_eq!(host.prompts.len(), 1);
}

#[test]
fn bad_arguments_are_a_service_error_whatever_the_fail_mode() {
    for arguments in [
        &["failmod=safe"][..],
        &["failmode=safe", "nullok"],
        &["timeout=0"],
        &["\u{7f}"],
    ] {
        let mut host = FakeHost::typing(&["481516"]);
        let (verdict, asked) = run(vec![allow(AllowReason::Bypass)], &mut host, arguments);
        assert_eq!(verdict, Verdict::ServiceErr);
        assert!(asked.is_empty() && host.prompts.is_empty());
        assert_eq!(host.levels(), [Level::Error]);
    }
}

// ---- the daemon is away, or is none: CVE-2025-23013, duo_unix #377 and #393

fn after_hello(header: [u8; 4], body: &[u8]) -> Act {
    Act::Raw([&header[..], body].concat())
}

fn broken() -> Vec<Act> {
    vec![
        Act::Close,
        Act::Raw(vec![]),
        Act::Raw(vec![0, 0]),
        after_hello([0; 4], b""),
        after_hello([255; 4], b"{}"),
        after_hello([0, 1, 0, 1], b"{}"),
        after_hello([0, 0, 0, 9], b"{}"),
        after_hello([0, 0, 0, 2], b"{}"),
        after_hello([0, 0, 0, 2], b"\xff\xff"),
        after_hello([0, 0, 0, 4], b"null"),
        Act::Fault(FaultCode::Unavailable),
        Act::Fault(FaultCode::Internal),
        Act::Fault(FaultCode::Busy),
        Act::Fault(FaultCode::Malformed),
    ]
}

#[test]
fn a_verdict_is_no_matter_of_the_fail_mode() {
    for (kind, verdict) in [
        (DenyKind::Denied, Verdict::AuthErr),
        (DenyKind::MaxTries, Verdict::MaxTries),
        (DenyKind::Unavailable, Verdict::AuthInfoUnavailable),
    ] {
        let mut host = FakeHost::typing(&[]);
        assert_eq!(run(vec![deny(kind)], &mut host, &["failmode=safe"]).0, verdict);
        assert!(!host.logged().contains("SKIPPED"));
    }
}

#[test]
fn without_a_verdict_secure_denies() {
    for failure in broken() {
        let mut host = FakeHost::typing(&["481516"]);
        assert_eq!(run(vec![failure], &mut host, &[]).0, Verdict::AuthInfoUnavailable);
        assert_eq!(host.levels(), [Level::Error]);
    }
    for failure in broken().into_iter().skip(1) {
        let mut host = FakeHost::typing(&["481516"]);
        let verdict = run(vec![prompt("Code: "), failure], &mut host, &["failmode=secure"]).0;
        assert_eq!(verdict, Verdict::AuthInfoUnavailable);
    }
}

#[test]
fn without_a_verdict_safe_ignores_and_says_so_loudly() {
    for failure in broken() {
        let mut host = FakeHost::typing(&["481516"]);
        assert_eq!(
            run(vec![failure], &mut host, &["failmode=safe"]).0,
            Verdict::Ignore
        );
        assert_eq!(host.levels(), [Level::Alert]);
        assert!(host.logged().contains("SKIPPED"));
    }
}

#[test]
fn a_refusal_is_a_denial_even_with_safe() {
    for code in [
        FaultCode::Forbidden,
        FaultCode::Invalid,
        FaultCode::NotFound,
        FaultCode::Conflict,
    ] {
        let mut host = FakeHost::typing(&["481516"]);
        assert_eq!(
            run(vec![Act::Fault(code)], &mut host, &["failmode=safe"]).0,
            Verdict::AuthErr
        );
    }
}

#[test]
fn an_absent_daemon_is_reported_at_once() {
    let scratch = Scratch::new();
    let mut host = FakeHost::typing(&["481516"]);
    let (verdict, took) = timed(|| login(&scratch.socket(), &mut host, &[]));
    assert_eq!(verdict, Verdict::AuthInfoUnavailable);
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(UnixListener::bind(scratch.socket()).unwrap());
    let (verdict, took) = timed(|| login(&scratch.socket(), &mut host, &["failmode=safe"]));
    assert_eq!(verdict, Verdict::Ignore);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(host.logged().contains("pam.sock"), "{}", host.logged());
}

// kanidm's client spun on EOF until its time-out.
#[test]
fn a_daemon_that_closes_ends_the_login_at_once() {
    let mut host = FakeHost::typing(&["481516"]);
    let (result, took) = timed(|| run(vec![Act::Raw(vec![])], &mut host, &[]));
    assert_eq!(result.0, Verdict::AuthInfoUnavailable);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_silent_daemon_costs_no_more_than_the_timeout() {
    let mut host = FakeHost::typing(&["481516"]);
    let (result, took) = timed(|| run(vec![Act::Silence], &mut host, &["timeout=1"]));
    assert_eq!(result.0, Verdict::AuthInfoUnavailable);
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(4),
        "{took:?}"
    );
    // At the answer too, and there is no second try once the daemon may have read the code.
    let mut host = FakeHost::typing(&["481516"]);
    let script = vec![prompt("Code: "), Act::Silence, allow(AllowReason::Code)];
    let (result, took) = timed(|| run(script, &mut host, &["timeout=1"]));
    assert_eq!((result.0, result.1.len()), (Verdict::AuthInfoUnavailable, 2));
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_daemon_restarted_during_the_prompt_still_gets_the_answer() {
    // Its listener is there, but the old process closes what waits in the backlog.
    let mut host = FakeHost::typing(&["481516"]);
    let script = vec![prompt("Code: "), Act::Close, Act::Close, allow(AllowReason::Code)];
    let (verdict, asked) = run(script, &mut host, &[]);
    assert_eq!((verdict, asked.len()), (Verdict::Success, 2));

    // It is gone, and comes back a little later.
    let scratch = Arc::new(Scratch::new());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let listener = UnixListener::bind(scratch.socket()).unwrap();
    let first = thread::spawn({
        let asked = Arc::clone(&asked);
        move || act(listener.accept().unwrap().0, prompt("Code: "), &asked)
    });
    let second = Arc::new(Mutex::new(None));
    let mut host = FakeHost::typing(&["481516"]);
    let mut first = Some(first);
    host.on_prompt = Some(Box::new({
        let (scratch, asked, second) = (Arc::clone(&scratch), Arc::clone(&asked), Arc::clone(&second));
        move || {
            first.take().unwrap().join().unwrap();
            std::fs::remove_file(scratch.socket()).unwrap();
            let (scratch, asked) = (Arc::clone(&scratch), Arc::clone(&asked));
            *second.lock().unwrap() = Some(thread::spawn(move || {
                // How long the daemon is away.
                let _ = Deadline::after(Duration::from_secs(5)).pause(Duration::from_millis(300));
                let listener = UnixListener::bind(scratch.socket()).unwrap();
                act(listener.accept().unwrap().0, allow(AllowReason::Code), &asked);
            }));
        }
    }));
    assert_eq!(login(&scratch.socket(), &mut host, &[]), Verdict::Success);
    second.lock().unwrap().take().unwrap().join().unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn a_daemon_that_does_not_come_back_costs_no_more_than_the_timeout() {
    let mut host = FakeHost::typing(&["481516"]);
    let (result, took) = timed(|| run(vec![prompt("Code: ")], &mut host, &["timeout=1"]));
    assert_eq!(result.0, Verdict::AuthInfoUnavailable);
    assert!(
        took >= Duration::from_millis(900) && took < Duration::from_secs(4),
        "{took:?}"
    );
}

#[test]
fn a_socket_in_a_directory_open_to_all_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;
    let daemon = Daemon::start(vec![allow(AllowReason::Bypass)]);
    std::fs::set_permissions(&daemon.scratch.0, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut host = FakeHost::typing(&[]);
    let verdict = login(&daemon.scratch.socket(), &mut host, &["failmode=safe"]);
    assert_eq!(
        (verdict, host.levels()),
        (Verdict::AuthInfoUnavailable, vec![Level::Alert])
    );
    assert!(
        daemon.asked().is_empty(),
        "an impostor must not even learn the user's name"
    );
}

// ---- the conversation: CVE-2025-24531, CVE-2015-9542

#[test]
fn no_answer_is_a_conversation_error_and_cancels() {
    for typed in [Err(ConversationFailed), Ok(None)] {
        let mut host = FakeHost::new(vec![typed]);
        let script = vec![prompt("Code: "), Act::Reply(LoginReply::Ignore)];
        let (verdict, asked) = run(script, &mut host, &["failmode=safe"]);
        assert_eq!(verdict, Verdict::ConvErr);
        assert_eq!(
            asked[1],
            PamOp::Cancel {
                session: SESSION.to_owned()
            }
        );
    }
    // The verdict does not depend on the daemon hearing of it.
    let mut host = FakeHost::new(vec![Ok(None)]);
    assert_eq!(run(vec![prompt("Code: ")], &mut host, &[]).0, Verdict::ConvErr);
}

#[test]
fn long_answers_are_cut_and_still_go_out() {
    for length in [0, 1, 512, 513, 64 * 1024, 1 << 20] {
        let typed = "7".repeat(length);
        let mut host = FakeHost::typing(&[&typed]);
        let script = vec![prompt("Code: "), deny(DenyKind::Denied)];
        let (verdict, asked) = run(script, &mut host, &[]);
        assert_eq!(verdict, Verdict::AuthErr);
        assert_eq!(asked[1], answered(&typed[..length.min(512)]));
    }
}

// duo_unix sanitizes what a server sends to a terminal.
#[test]
fn control_characters_reach_neither_terminal_nor_log() {
    let nasty = "\u{1b}]0;x\u{7}\u{1b}[2J\r\nJan 1 sshd: Accepted\u{202e}\u{9b}31m";
    let mut host = FakeHost {
        rhost: nasty.to_owned(),
        ..FakeHost::typing(&["1"])
    };
    let text = format!("Code{nasty}: ");
    let denial = LoginReply::Deny {
        text: nasty.to_owned(),
        kind: DenyKind::Denied,
        reference: nasty.to_owned(),
    };
    let (verdict, asked) = run(vec![prompt(&text), Act::Reply(denial)], &mut host, &["debug"]);
    assert_eq!(verdict, Verdict::AuthErr);
    let shown = format!("{}{}", host.prompts[0].0, host.errors.concat());
    assert!(
        !shown.contains(char::is_control) && !shown.contains('\u{202e}'),
        "{shown:?}"
    );
    assert!(
        shown.starts_with("Code]0;x[2J Jan 1 sshd: Accepted31m: "),
        "{shown:?}"
    );
    let PamOp::Begin(begin) = &asked[0] else {
        panic!("{asked:?}")
    };
    assert!(!begin.rhost.contains(char::is_control));
}

#[test]
fn fault_texts_are_cleaned_and_cut_too() {
    let fault = Fault {
        code: FaultCode::Forbidden,
        message: "\u{1b}[31m\n".repeat(5000),
        retry_after: None,
        reference: "r\nr".to_owned(),
    };
    let response = Response {
        id: 1,
        outcome: Outcome::<LoginReply>::Err(fault),
    };
    let octets = frame::encode(&response).unwrap().to_vec();
    let mut host = FakeHost::typing(&["1"]);
    // FakeHost::log refuses control characters and long lines.
    assert_eq!(run(vec![Act::Raw(octets)], &mut host, &[]).0, Verdict::AuthErr);
    assert_eq!(host.log.borrow().len(), 1);
}

// CVE-2023-42456 of sudo-rs: a user name used as a path. CVE-2020-27780: unknown user, empty code.
#[test]
fn odd_user_names_are_denied_or_passed_on_as_they_are() {
    let long = "x".repeat(10_000);
    for name in ["", "a\nb", "a\0b", "\u{1b}[2J", "\u{202e}ecila", &long] {
        let mut host = FakeHost::named(name);
        let (verdict, asked) = run(vec![allow(AllowReason::Bypass)], &mut host, &["failmode=safe"]);
        assert_eq!((verdict, asked.len()), (Verdict::AuthErr, 0), "{name:?}");
        assert_eq!(host.levels(), [Level::Notice]);
        assert!(host.delayed);
    }
    for name in ["../../x", "a/b", "-rf", "%s%n", "DOMAIN\\user", "алиса"] {
        let mut host = FakeHost::named(name);
        let (verdict, asked) = run(vec![deny(DenyKind::Denied)], &mut host, &[]);
        assert_eq!(verdict, Verdict::AuthErr);
        assert!(
            matches!(&asked[0], PamOp::Begin(begin) if begin.user == name),
            "{asked:?}"
        );
    }
    for (error, verdict) in [
        (UserError::NotText, Verdict::AuthErr),
        (UserError::Conversation, Verdict::ConvErr),
    ] {
        let mut host = FakeHost {
            user: Err(error),
            ..FakeHost::typing(&[])
        };
        assert_eq!(run(vec![allow(AllowReason::Bypass)], &mut host, &[]).0, verdict);
    }
    let mut host = FakeHost {
        user: Ok("ghost".to_owned()),
        ..FakeHost::typing(&[""])
    };
    let script = vec![prompt("Code: "), deny(DenyKind::Denied)];
    assert_eq!(run(script, &mut host, &[]).0, Verdict::AuthErr);
}

// kanidm's debug option logged the environment.
#[test]
fn no_answer_is_ever_logged() {
    let mut host = FakeHost::typing(&["271828", "314159"]);
    let script = vec![prompt("Code: "), prompt("Wrong: "), deny(DenyKind::Denied)];
    run(script, &mut host, &["debug"]);
    let logged = host.logged();
    assert!(logged.contains("prompts, time 2"), "{logged}");
    for secret in ["271828", "314159", SESSION, "PATH="] {
        assert!(!logged.contains(secret), "{logged}");
    }
}

// pam_radius closed a file twice when used by two handles.
#[test]
fn many_logins_may_run_in_one_process() {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut host = FakeHost::typing(&["1", "481516"]);
                let script = vec![prompt("Code: "), prompt("Wrong: "), allow(AllowReason::Code)];
                assert_eq!(run(script, &mut host, &[]).0, Verdict::Success);
            });
        }
    });
}

/// Numbers for the fuzz below: the same in each run.
fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn octets(state: &mut u64, most: u64) -> Vec<u8> {
    let length = xorshift(state) % (most + 1);
    (0..length).map(|_| xorshift(state).to_le_bytes()[0]).collect()
}

#[test]
fn random_replies_and_arguments_never_let_in_and_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let good = frame::encode(&Response {
        id: 1,
        outcome: Outcome::Ok(LoginReply::Allow {
            attributes: vec![],
            reason: AllowReason::Bypass,
        }),
    })
    .unwrap();
    for _ in 0..200 {
        let mut reply = good.to_vec();
        // One octet of the answer changed to one that cannot stand there, or noise.
        if xorshift(&mut state) & 1 == 0 {
            let at = usize::try_from(xorshift(&mut state)).unwrap() % reply.len();
            reply[at] = 0xfe;
        } else {
            reply = octets(&mut state, 2000);
        }
        let mut host = FakeHost::typing(&["1"]);
        let verdict = run(vec![Act::Raw(reply)], &mut host, &[]).0;
        assert!(
            matches!(verdict, Verdict::AuthInfoUnavailable | Verdict::AuthErr),
            "{verdict:?}"
        );
    }
    for _ in 0..5000 {
        let arguments = [octets(&mut state, 30), octets(&mut state, 30)];
        let mut host = FakeHost::typing(&[]);
        let verdict = authenticate(&mut host, arguments.iter().map(Vec::as_slice));
        assert_eq!(verdict, Verdict::ServiceErr);
    }
}
