//! A scripted daemon on a real socket, a scripted person at the terminal, and runs of the command line.
#![expect(clippy::unwrap_used, reason = "test")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod lines;
pub mod replies;

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs,
    io::{Read, Write},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use otpost_ctl::{AskError, Io, Terminal};
use otpost_ipc::{
    Fault, FaultCode, Hello, Outcome, Request, Response, Role, Secret,
    admin::{AdminOp, AdminReply},
    frame,
};

/// A private directory that goes away with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "otpostctl-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file with these permission bits.
    pub fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Answers each request from a script and keeps what was asked.
pub struct FakeDaemon {
    scratch: Scratch,
    asked: Arc<Mutex<Vec<AdminOp>>>,
}

impl FakeDaemon {
    pub fn new(answer: impl Fn(&AdminOp) -> Outcome<AdminReply> + Send + 'static) -> Self {
        let scratch = Scratch::new();
        let listener = UnixListener::bind(scratch.path("admin.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        // The thread ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A client that leaves ends its connection, not the daemon.
                while let Some(request) = next_request(&mut stream) {
                    let outcome = answer(&request.op);
                    log.lock().unwrap().push(request.op);
                    let response = Response {
                        id: request.id,
                        outcome,
                    };
                    stream.write_all(&frame::encode(&response).unwrap()).unwrap();
                }
            }
        });
        Self { scratch, asked }
    }

    /// Answers everything with `Done`.
    pub fn done() -> Self {
        Self::new(|_| {
            Outcome::Ok(AdminReply::Done {
                message: "Done.".to_owned(),
            })
        })
    }

    /// Answers everything with the same reply.
    pub fn always(reply: AdminReply) -> Self {
        Self::new(move |_| Outcome::Ok(reply.clone()))
    }

    /// Refuses everything.
    pub fn refusing(code: FaultCode, message: &str) -> Self {
        let fault = Fault {
            code,
            message: message.to_owned(),
            retry_after: None,
            reference: "k7q2".to_owned(),
        };
        Self::new(move |_| Outcome::Err(fault.clone()))
    }

    pub fn socket(&self) -> PathBuf {
        self.scratch.path("admin.sock")
    }

    pub fn asked(&self) -> Vec<AdminOp> {
        self.asked.lock().unwrap().clone()
    }

    /// All requests, of which there must be `N`.
    pub fn asked_each<const N: usize>(&self) -> [AdminOp; N] {
        self.asked().try_into().unwrap()
    }

    pub fn run(&self, line: &[&str]) -> Ran {
        Runner::new(&self.socket()).run(line)
    }
}

/// Reads the Hello where one comes, then a request.
fn next_request(stream: &mut std::os::unix::net::UnixStream) -> Option<Request<AdminOp>> {
    let first = next_frame(stream)?;
    if frame::decode::<Hello>(&first).is_err() {
        return Some(frame::decode(&first).unwrap());
    }
    stream
        .write_all(&frame::encode(&Hello::of(Role::Admin)).unwrap())
        .unwrap();
    Some(frame::decode(&next_frame(stream)?).unwrap())
}

fn next_frame(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut header = [0; frame::HEADER];
    stream.read_exact(&mut header).ok()?;
    let mut json = vec![0; frame::decode_header(header).unwrap()];
    stream.read_exact(&mut json).unwrap();
    Some(json)
}

/// Types prepared lines; without any, there is no terminal.
#[derive(Default)]
pub struct Person {
    lines: VecDeque<String>,
    pub prompts: Vec<(String, bool)>,
}

impl Terminal for Person {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Secret, AskError> {
        self.prompts.push((prompt.to_owned(), echo));
        self.lines.pop_front().map(Secret::new).ok_or(AskError::Absent)
    }
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: u8,
    pub out: String,
    pub err: String,
    pub prompts: Vec<(String, bool)>,
}

/// A run to be.
pub struct Runner {
    socket: PathBuf,
    input: String,
    person: Person,
}

impl Runner {
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
            input: String::new(),
            person: Person::default(),
        }
    }

    pub fn input(mut self, text: &str) -> Self {
        self.input = text.to_owned();
        self
    }

    pub fn types(mut self, lines: &[&str]) -> Self {
        self.person.lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self
    }

    pub fn run(mut self, line: &[&str]) -> Ran {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let socket = self.socket.into_os_string();
        let args = ["otpostctl", "--socket"]
            .into_iter()
            .map(OsString::from)
            .chain([socket])
            .chain(line.iter().map(OsString::from));
        let code = otpost_ctl::run(
            args,
            &mut Io {
                out: &mut out,
                err: &mut err,
                input: &mut self.input.as_bytes(),
                terminal: &mut self.person,
                color: false,
            },
        );
        Ran {
            code,
            out: String::from_utf8(out).unwrap(),
            err: String::from_utf8(err).unwrap(),
            prompts: self.person.prompts,
        }
    }
}
