use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::*;
use crate::pam::{PamOp, PamReply};
use crate::{AllowReason, FaultCode, LoginReply};

type Pam = Client<PamOp, PamReply>;

const ALLOW: &str = r#"{"id":1,"ok":{"do":"allow","reason":"code"}}"#;

fn answer() -> PamOp {
    PamOp::Answer {
        session: "0".repeat(32),
        answer: "481516".into(),
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(300))
}

fn later() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn put(stream: &mut UnixStream, json: &str) {
    let length = u32::try_from(json.len()).unwrap();
    stream.write_all(&length.to_be_bytes()).unwrap();
    stream.write_all(json.as_bytes()).unwrap();
}

fn get(stream: &mut UnixStream) -> String {
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let mut json = vec![0; u32::from_be_bytes(header).try_into().unwrap()];
    stream.read_exact(&mut json).unwrap();
    String::from_utf8(json).unwrap()
}

fn hello() -> String {
    serde_json::to_string(&Hello::of(Role::Pam)).unwrap()
}

/// Makes one call against `daemon`, which has the other end of a socket pair.
fn call(deadline: Deadline, daemon: impl FnOnce(UnixStream) + Send) -> Result<PamReply, CallError> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let daemon = scope.spawn(move || daemon(theirs));
        let mut client = Pam::over(ours.into(), Role::Pam, deadline).unwrap();
        let reply = client.call(answer());
        drop(client);
        daemon.join().unwrap();
        reply
    })
}

/// Reads until the client has gone.
fn drain(mut stream: UnixStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn hello_and_request_go_out_and_the_reply_comes_back() {
    let reply = call(later(), |mut daemon| {
        assert_eq!(get(&mut daemon), hello());
        assert_eq!(
            get(&mut daemon),
            format!(
                r#"{{"id":1,"op":{{"op":"answer","session":"{}","answer":"481516"}}}}"#,
                "0".repeat(32)
            )
        );
        put(&mut daemon, &hello());
        put(&mut daemon, ALLOW);
    });
    assert_eq!(
        reply,
        Ok(LoginReply::Allow {
            attributes: vec![],
            reason: AllowReason::Code
        })
    );
}

#[test]
fn a_second_call_sends_no_second_hello() {
    let (ours, mut daemon) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            get(&mut daemon);
            get(&mut daemon);
            put(&mut daemon, &hello());
            put(&mut daemon, ALLOW);
            assert!(get(&mut daemon).starts_with(r#"{"id":2,"#));
            put(&mut daemon, r#"{"id":2,"ok":{"do":"ignore"}}"#);
        });
        let mut client = Pam::over(ours.into(), Role::Pam, later()).unwrap();
        assert_eq!(client.server(), None);
        assert!(client.call(answer()).is_ok());
        assert_eq!(client.server(), Some(&Hello::of(Role::Pam)));
        client.set_deadline(later());
        assert_eq!(client.call(answer()), Ok(LoginReply::Ignore));
    });
}

#[test]
fn hello_and_answer_may_come_in_one_piece_or_octet_by_octet() {
    let mut frames = frame::encode(&Hello::of(Role::Pam)).unwrap().to_vec();
    frames.extend_from_slice(&u32::try_from(ALLOW.len()).unwrap().to_be_bytes());
    frames.extend_from_slice(ALLOW.as_bytes());
    for size in [1, frames.len()] {
        let frames = frames.clone();
        let reply = call(later(), move |mut daemon| {
            for piece in frames.chunks(size) {
                daemon.write_all(piece).unwrap();
            }
            drain(daemon);
        });
        assert!(matches!(reply, Ok(LoginReply::Allow { .. })), "{reply:?}");
    }
}

#[test]
fn eof_is_an_error_at_once_wherever_it_comes() {
    let begun = clock();
    assert_eq!(call(later(), drop), Err(CallError::Closed(Step::Hello)));
    let after_hello = call(later(), |mut daemon| {
        get(&mut daemon);
        get(&mut daemon);
        put(&mut daemon, &hello());
    });
    assert_eq!(after_hello, Err(CallError::Closed(Step::Request)));
    let within_header = call(later(), |mut daemon| {
        get(&mut daemon);
        daemon.write_all(&[0, 0]).unwrap();
    });
    assert_eq!(within_header, Err(CallError::Closed(Step::Hello)));
    let within_frame = call(later(), |mut daemon| {
        get(&mut daemon);
        get(&mut daemon);
        put(&mut daemon, &hello());
        daemon.write_all(&[0, 0, 0, 40, b'{']).unwrap();
    });
    assert_eq!(within_frame, Err(CallError::Closed(Step::Request)));
    assert!(
        clock() - begun < Duration::from_secs(5),
        "waited for the deadline"
    );
}

#[test]
fn only_failures_before_the_hello_say_that_nothing_was_asked() {
    assert!(CallError::Closed(Step::Hello).nothing_asked());
    assert!(CallError::TimedOut(Step::Connect).nothing_asked());
    assert!(
        CallError::Connect {
            path: PathBuf::new(),
            errno: Errno::ECONNREFUSED
        }
        .nothing_asked()
    );
    assert!(!CallError::Closed(Step::Request).nothing_asked());
    assert!(!CallError::TimedOut(Step::Request).nothing_asked());
    assert!(!CallError::WrongId.nothing_asked());
}

#[test]
fn lengths_of_zero_too_long_and_largest_are_refused_without_reading_on() {
    for (header, error) in [
        ([0, 0, 0, 0], FrameError::Empty),
        ([0, 1, 0, 1], FrameError::TooLong),
        ([255, 255, 255, 255], FrameError::TooLong),
    ] {
        let reply = call(later(), |mut daemon| {
            get(&mut daemon);
            get(&mut daemon);
            put(&mut daemon, &hello());
            daemon.write_all(&header).unwrap();
            drain(daemon);
        });
        assert_eq!(
            reply,
            Err(CallError::Frame {
                step: Step::Request,
                error
            })
        );
    }
}

#[test]
fn garbage_is_no_answer() {
    for json in [
        "[]",
        "{",
        "{\"id\":1}",
        "\0\0\0\0",
        r#"{"id":1,"ok":{"do":"win"}}"#,
        r#"{"id":1,"ok":1}"#,
    ] {
        let reply = call(later(), |mut daemon| {
            get(&mut daemon);
            get(&mut daemon);
            put(&mut daemon, &hello());
            put(&mut daemon, json);
        });
        assert!(
            matches!(
                reply,
                Err(CallError::Frame {
                    step: Step::Request,
                    ..
                })
            ),
            "{json}: {reply:?}"
        );
    }
}

#[test]
fn the_answer_to_another_request_is_refused() {
    let reply = call(later(), |mut daemon| {
        get(&mut daemon);
        get(&mut daemon);
        put(&mut daemon, &hello());
        put(&mut daemon, &ALLOW.replace(":1,", ":7,"));
    });
    assert_eq!(reply, Err(CallError::WrongId));
}

#[test]
fn another_protocol_and_another_role_are_named() {
    let reply = call(later(), |mut daemon| {
        get(&mut daemon);
        put(
            &mut daemon,
            r#"{"proto":7,"role":"pam","version":"9.9\u001b[2J"}"#,
        );
    });
    let error = reply.unwrap_err();
    assert_eq!(
        error,
        CallError::Protocol {
            theirs: 7,
            version: "9.9[2J".to_owned()
        }
    );
    assert!(error.to_string().contains("speaks protocol 7"), "{error}");
    assert!(error.nothing_asked());
    let reply = call(later(), |mut daemon| {
        get(&mut daemon);
        put(&mut daemon, &hello().replace("\"pam\"", "\"admin\""));
    });
    assert_eq!(
        reply,
        Err(CallError::Role {
            ours: Role::Pam,
            theirs: Role::Admin
        })
    );
}

#[test]
fn a_fault_instead_of_the_hello_or_of_an_answer_is_passed_on() {
    let fault = r#"{"id":0,"err":{"code":"forbidden","message":"only root","ref":"k7f2"}}"#;
    // Closed at once and with the request unread: the reason must still arrive.
    let reply = call(later(), |mut daemon| put(&mut daemon, fault));
    let Err(CallError::Fault(told)) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        (told.code, told.reference.as_str()),
        (FaultCode::Forbidden, "k7f2")
    );
    let reply = call(later(), |mut daemon| {
        get(&mut daemon);
        get(&mut daemon);
        put(&mut daemon, &hello());
        put(&mut daemon, &fault.replace("\"id\":0", "\"id\":1"));
    });
    assert!(matches!(reply, Err(CallError::Fault(_))), "{reply:?}");
}

#[test]
fn silence_ends_at_the_deadline() {
    let begun = clock();
    assert_eq!(call(soon(), drain), Err(CallError::TimedOut(Step::Hello)));
    let waited = clock() - begun;
    assert!(
        waited >= Duration::from_millis(300) && waited < Duration::from_secs(3),
        "{waited:?}"
    );
}

#[test]
fn a_dripping_peer_gains_no_time() {
    let begun = clock();
    let (stop, stopped) = sync_channel::<()>(1);
    let reply = call(soon(), move |mut daemon| {
        let _stop = stop;
        get(&mut daemon);
        get(&mut daemon);
        put(&mut daemon, &hello());
        daemon.write_all(&40_000_u32.to_be_bytes()).unwrap();
        // One octet each 20 ms, until the client gives up.
        while daemon.write_all(b" ").is_ok() {
            if stopped.recv_timeout(Duration::from_millis(20)).is_ok() {
                break;
            }
        }
    });
    assert_eq!(reply, Err(CallError::TimedOut(Step::Request)));
    let waited = clock() - begun;
    assert!(waited < Duration::from_secs(3), "{waited:?}");
}

#[test]
fn a_peer_that_reads_nothing_cannot_hold_a_long_request() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let long = PamOp::Answer {
        session: "s".to_owned(),
        answer: "x".repeat(60_000).as_str().into(),
    };
    setsockopt(&ours, sockopt::SndBuf, &4096).unwrap();
    let mut client = Pam::over(ours.into(), Role::Pam, soon()).unwrap();
    assert_eq!(client.call(long), Err(CallError::TimedOut(Step::Hello)));
    drop(theirs);
}

#[test]
fn a_request_too_long_for_a_frame_is_not_sent() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let long = PamOp::Answer {
        session: "s".to_owned(),
        answer: "x".repeat(70_000).as_str().into(),
    };
    let mut client = Pam::over(ours.into(), Role::Pam, soon()).unwrap();
    let error = client.call(long).unwrap_err();
    assert_eq!(
        error,
        CallError::Frame {
            step: Step::Hello,
            error: FrameError::TooLong
        }
    );
    drop(client);
    let mut got = Vec::new();
    (&theirs).read_to_end(&mut got).unwrap();
    assert!(got.is_empty());
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A path nobody else uses, removed with the guard.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("otpost-ipc-{}-{number}.sock", std::process::id())))
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_full_backlog_is_bounded_by_the_deadline() {
    let path = SocketPath::new();
    let listener = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .unwrap();
    nix::sys::socket::bind(listener.as_raw_fd(), &UnixAddr::new(&path.0).unwrap()).unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let mut waiting = Vec::new();
    let error = loop {
        let begun = clock();
        match Pam::connect(&path.0, Role::Pam, soon()) {
            Ok(client) => waiting.push(client),
            Err(error) => break (error, clock() - begun),
        }
        assert!(waiting.len() < 16, "the backlog never filled");
    };
    assert_eq!(error.0, CallError::TimedOut(Step::Connect));
    assert!(
        error.1 >= Duration::from_millis(250) && error.1 < Duration::from_secs(3),
        "{:?}",
        error.1
    );
}

#[test]
fn nobody_there_is_said_at_once_with_the_path() {
    let path = SocketPath::new();
    let error = Pam::connect(&path.0, Role::Pam, later()).unwrap_err();
    assert_eq!(
        error,
        CallError::Connect {
            path: path.0.clone(),
            errno: Errno::ENOENT
        }
    );
    drop(UnixListener::bind(&path.0).unwrap());
    let error = Pam::connect(&path.0, Role::Pam, later()).unwrap_err();
    assert_eq!(
        error,
        CallError::Connect {
            path: path.0.clone(),
            errno: Errno::ECONNREFUSED
        }
    );
    assert!(error.to_string().contains("otpost-ipc-"), "{error}");
    let long = PathBuf::from("/").join("x".repeat(200));
    assert!(matches!(
        Pam::connect(&long, Role::Pam, later()),
        Err(CallError::Connect { .. })
    ));
}

#[test]
fn the_listener_is_known_and_the_descriptor_closes_on_exec() {
    let path = SocketPath::new();
    let _listener = UnixListener::bind(&path.0).unwrap();
    let client = Pam::connect(&path.0, Role::Pam, later()).unwrap();
    assert_eq!(client.peer_uid(), nix::unistd::geteuid().as_raw());
    let flags = nix::fcntl::fcntl(&client.fd, nix::fcntl::FcntlArg::F_GETFD).unwrap();
    assert_eq!(
        flags & nix::fcntl::FdFlag::FD_CLOEXEC.bits(),
        nix::fcntl::FdFlag::FD_CLOEXEC.bits()
    );
}

#[test]
fn a_deadline_that_has_passed_lets_nothing_through() {
    let past = Deadline::after(Duration::ZERO);
    assert_eq!(past.remaining(), None);
    assert!(!past.pause(Duration::from_secs(60)));
    let path = SocketPath::new();
    let _listener = UnixListener::bind(&path.0).unwrap();
    let error = Pam::connect(&path.0, Role::Pam, past).unwrap_err();
    assert_eq!(error, CallError::TimedOut(Step::Connect));
    assert!(later().pause(Duration::from_millis(1)));
}
