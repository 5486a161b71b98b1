//! A stand-in for otpostd on a PAM socket that says what a test tells it to, right or wrong.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::frame;
use otpost_ipc::pam::{PamOp, PamReply};
use otpost_ipc::peer::Peer;
use otpost_ipc::{AllowReason, DenyKind, Fault, Hello, LoginReply, Outcome, Request, Response, Role};

/// The session of every prompt.
pub const SESSION: &str = "00112233445566778899aabbccddeeff";

/// What the daemon does about one connection.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers.
    Reply(LoginReply),
    /// Answers with a fault.
    Fault(Fault),
    /// Sends these octets after its hello, then closes.
    Raw(Vec<u8>),
    /// Says nothing more until the module gives up.
    Silence,
}

impl Act {
    /// Asks the user with `text`.
    #[must_use]
    pub fn prompt(text: &str) -> Self {
        let session = SESSION.to_owned();
        Self::Reply(LoginReply::Prompt {
            session,
            text: text.to_owned(),
            echo: false,
            expires_in: 300,
        })
    }

    /// Lets the user in.
    #[must_use]
    pub const fn allow(reason: AllowReason) -> Self {
        Self::Reply(LoginReply::Allow {
            attributes: Vec::new(),
            reason,
        })
    }

    /// Keeps the user out.
    #[must_use]
    pub fn deny(kind: DenyKind) -> Self {
        Self::Reply(LoginReply::Deny {
            text: "Access denied.".to_owned(),
            kind,
            reference: "k7f2".to_owned(),
        })
    }
}

/// A handler that prompts, lets `code` in (unless the login is a decoy) and denies after `tries` wrong ones.
pub fn one_code(code: &str, tries: u32) -> impl FnMut(&PamOp) -> Act + Send + 'static {
    let code = code.to_owned();
    let (mut decoy, mut left) = (false, tries);
    move |op| match op {
        PamOp::Begin(begin) => {
            (decoy, left) = (begin.decoy, tries);
            Act::prompt("Text K7 sent to +49 *** *** 67. Code: ")
        }
        PamOp::Answer { answer, .. } if answer.expose() == code && !decoy => Act::allow(AllowReason::Code),
        PamOp::Answer { .. } => {
            left = left.saturating_sub(1);
            if left == 0 {
                Act::deny(DenyKind::MaxTries)
            } else {
                Act::prompt("Wrong code. Text K7, code: ")
            }
        }
        PamOp::Resend { .. } => Act::prompt("Sent again. Text K7, code: "),
        PamOp::Cancel { .. } => Act::deny(DenyKind::Denied),
    }
}

/// Listens until it is dropped, one connection after the other.
pub struct ScriptedDaemon {
    path: PathBuf,
    seen: Arc<Mutex<Vec<(PamOp, Peer)>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedDaemon {
    /// Listens at `path`, mode 0666, and answers each request with what `handle` says.
    ///
    /// # Panics
    /// When it cannot listen there.
    pub fn start(path: &Path, mut handle: impl FnMut(&PamOp) -> Act + Send + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("the socket's permissions");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            move || {
                while let Ok((stream, _)) = listener.accept() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    // A module that goes away in the middle is what some tests are about.
                    let _ = serve(stream, &seen, &mut handle);
                }
            }
        });
        Self {
            path: path.to_owned(),
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// The requests so far, with the processes that sent them.
    #[must_use]
    pub fn seen(&self) -> Vec<(PamOp, Peer)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<PamOp> {
        self.seen().into_iter().map(|(op, _)| op).collect()
    }
}

impl Drop for ScriptedDaemon {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let woken = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(stream: &mut UnixStream) -> std::io::Result<T> {
    let mut header = [0; frame::HEADER];
    stream.read_exact(&mut header)?;
    let length = frame::decode_header(header).map_err(std::io::Error::other)?;
    let mut json = vec![0; length];
    stream.read_exact(&mut json)?;
    frame::decode(&json).map_err(std::io::Error::other)
}

fn write<T: serde::Serialize>(stream: &mut UnixStream, message: &T) -> std::io::Result<()> {
    stream.write_all(&frame::encode(message).map_err(std::io::Error::other)?)
}

fn serve(
    mut stream: UnixStream,
    seen: &Mutex<Vec<(PamOp, Peer)>>,
    handle: &mut impl FnMut(&PamOp) -> Act,
) -> std::io::Result<()> {
    let peer = Peer::of(&stream)?;
    let _: Hello = read(&mut stream)?;
    let Request { id, op } = read::<Request<PamOp>>(&mut stream)?;
    let act = handle(&op);
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((op, peer));
    // Hello first: after it the module must not ask again.
    write(&mut stream, &Hello::of(Role::Pam))?;
    match act {
        Act::Reply(reply) => write(
            &mut stream,
            &Response {
                id,
                outcome: Outcome::Ok(reply),
            },
        ),
        Act::Fault(fault) => write(
            &mut stream,
            &Response {
                id,
                outcome: Outcome::<()>::Err(fault),
            },
        ),
        Act::Raw(octets) => stream.write_all(&octets),
        Act::Silence => stream.read_to_end(&mut Vec::new()).map(|_| ()),
    }
}

/// A socket whose listener accepts nothing and whose backlog is full.
pub struct FullBacklog {
    path: PathBuf,
    _listener: OwnedFd,
    _waiting: Vec<Client<PamOp, PamReply>>,
}

impl FullBacklog {
    /// Fills the backlog of a socket at `path`.
    ///
    /// # Panics
    /// When it does not fill.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let listener = socket(
            AddressFamily::Unix,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .expect("a socket");
        bind(listener.as_raw_fd(), &UnixAddr::new(path).expect("a path")).expect("a name for it");
        listen(&listener, Backlog::new(0).expect("a backlog")).expect("a listener");
        let mut waiting = Vec::new();
        loop {
            match Client::connect(path, Role::Pam, Deadline::after(Duration::from_millis(200))) {
                Ok(client) => waiting.push(client),
                Err(error) => {
                    assert!(matches!(error, CallError::TimedOut(_)), "{error}");
                    break;
                }
            }
            assert!(waiting.len() < 16, "the backlog never filled");
        }
        Self {
            path: path.to_owned(),
            _listener: listener,
            _waiting: waiting,
        }
    }
}

impl Drop for FullBacklog {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
