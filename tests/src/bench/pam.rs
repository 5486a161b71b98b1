//! The PAM module next to its peers: the loop over libpam is C (tests/bench/pamloop.c), as a program has to call libpam.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::sched::CpuSet;
use otpost_ipc::frame::{self, HEADER};
use otpost_ipc::pam::PamReply;
use otpost_ipc::{AllowReason, Hello, LoginReply, Outcome as Answer, Response, Role};
use serde::{Deserialize, Serialize};

use super::freeradius::FreeRadius;
use super::otpost::Otpost;
use super::process::{Cpus, bind, processors};
use super::{Bench, Outcome, SECRET, Scratch, names, say, sys};
use crate::pamstack::Sandbox;
use crate::scripted::SESSION;

/// The key of a TOTP token; the code is computed by Python's standard library.
const TOTP_KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const TOTP: &str = "import base64,hmac,struct,sys,time\n\
    h=hmac.new(base64.b32decode(sys.argv[1]),struct.pack('>Q',int(time.time())//30),'sha1').digest()\n\
    o=h[19]&15\n\
    print('%06d'%((struct.unpack('>I',h[o:o+4])[0]&0x7fffffff)%1000000))";
/// A one-time code counts for half a minute to either side: this many logins take less.
const TOTP_LOGINS: usize = 2_000;

/// Median and 99th percentile in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// What pamloop prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) auth: Times,
    pub(super) own: Times,
    pub(super) cycle: Times,
    pub(super) rounds: i64,
    pub(super) descriptors: i64,
    pub(super) threads: i64,
    pub(super) heap: i64,
    pub(super) resident: i64,
}

/// A subject's parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) service: String,
    pub(super) what: String,
    pub(super) parts: Vec<Part>,
}

/// All rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pam {
    pub(super) date: u64,
    pub(super) rows: Vec<Row>,
    /// One run of our module without a pause, for leaks.
    pub(super) long: Part,
}

struct Subject {
    service: &'static str,
    what: &'static str,
    user: String,
    answers: Vec<String>,
}

pub(super) fn measure(bench: &Bench) -> Outcome<Pam> {
    let all = processors()?;
    let sandbox =
        Sandbox::or_skip(&["freeradius"]).ok_or("this part needs root and FreeRADIUS (make setup)")?;
    let loop_program =
        PathBuf::from(std::env::var("BENCH_PAMLOOP").map_err(|_| "BENCH_PAMLOOP: start tests/bench/run.sh")?);
    let scratch = Scratch::new();
    let mut otpost = Otpost::install(&scratch.path().join("otpost"), &bench.programs, &all)?;
    otpost.import(100)?;
    let mut freeradius = FreeRadius::install(&scratch.path().join("freeradius"), 100)?;
    let ports = freeradius.start(Cpus::All, &all)?;
    otpost.start(Cpus::All, &all)?;
    let stub = Stub::start(&sandbox.socket(), &all)?;
    let user = names::user(0);
    services(
        &sandbox,
        &otpost,
        &bench.module,
        [ports.pap.port(), ports.challenge.port()],
    )?;
    let password = names::password(0);
    let subject = |service, what, user: &str, answers: &[&str]| Subject {
        service,
        what,
        user: user.to_owned(),
        answers: answers.iter().map(|&answer| answer.to_owned()).collect(),
    };
    let inbox = format!("@{}", otpost.inbox().display());
    let mut subjects = [
        subject("bench-permit", "pam_permit: libpam alone", "root", &["-"]),
        subject(
            "bench-stub",
            "pam_otpost, the daemon a stub in memory",
            "root",
            &["123456"],
        ),
        subject(
            "bench-google",
            "google-authenticator (TOTP, nothing stored)",
            "root",
            &["-"],
        ),
        subject(
            "bench-otpost",
            "pam_otpost + otpostd: durable, with a text",
            &user,
            &[&inbox],
        ),
        subject(
            "bench-radius",
            "pam_radius_auth + FreeRADIUS: password only",
            &user,
            &[&password],
        ),
        subject(
            "bench-radius2",
            "pam_radius_auth + FreeRADIUS: challenge",
            &user,
            &[&password, "#"],
        ),
    ];
    let mut rows: Vec<Row> = subjects
        .iter()
        .map(|subject| Row {
            service: subject.service.to_owned(),
            what: subject.what.to_owned(),
            parts: Vec::new(),
        })
        .collect();
    // In parts, the subjects in turns, so that a busy moment of the machine hits all of them.
    let parts = bench.parts.max(1);
    let each = bench.logins.div_ceil(parts).min(TOTP_LOGINS);
    for _ in 0..parts {
        for (subject, row) in subjects.iter_mut().zip(&mut rows) {
            if subject.service == "bench-google" {
                subject.answers = vec![totp()?];
            }
            let part = log_in(&sandbox, &loop_program, subject, each, &all)?;
            say(&format!(
                "{:<48} auth p50 {:>7.0} p99 {:>7.0}, without the answer p50 {:>7.0}, cycle p50 {:>7.0} us",
                row.what, part.auth.p50, part.auth.p99, part.own.p50, part.cycle.p50
            ));
            row.parts.push(part);
        }
    }
    let long = subjects
        .iter()
        .find(|subject| subject.service == "bench-stub")
        .ok_or("the stub's row")?;
    let long = log_in(&sandbox, &loop_program, long, bench.logins, &all)?;
    for row in &rows {
        let heap: i64 = row.parts.iter().map(|part| part.heap).sum();
        say(&format!(
            "{:<48} heap {heap:+} in {} logins",
            row.what,
            each * parts
        ));
    }
    say(&format!("left after {} logins: {long:?}", long.rounds));
    stub.stop()?;
    otpost.stop()?;
    freeradius.stop()?;
    Ok(Pam {
        date: sys::date().as_secs(),
        rows,
        long,
    })
}

/// A daemon that costs next to nothing, so that its row shows the module: google-authenticator asks nobody either. It takes
/// one connection after the other, speaks as otpostd does, its Hello first, and answers every login and every code with
/// octets made before. It runs on the processor of the login loop: a wake-up across processors takes several times what is
/// measured here and would show the scheduler.
struct Stub {
    socket: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Stub {
    fn start(socket: &Path, all: &CpuSet) -> Outcome<Self> {
        let hello = frame::encode(&Hello::of(Role::Pam))?;
        let prompt = reply(LoginReply::Prompt {
            session: SESSION.to_owned(),
            text: "Text K7 sent to +49 *** *** 67. Code: ".to_owned(),
            echo: false,
            expires_in: 300,
        })?;
        let allow = reply(LoginReply::Allow {
            attributes: Vec::new(),
            reason: AllowReason::Code,
        })?;
        let listener = UnixListener::bind(socket)?;
        let stop = Arc::new(AtomicBool::new(false));
        bind(Cpus::Load, all)?;
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut octets = [0; 4096];
                loop {
                    let (mut stream, _) = listener.accept()?;
                    if stop.load(Ordering::SeqCst) {
                        return Ok(());
                    }
                    let request = request(&mut stream, &mut octets)?;
                    let answer = if holds(request, br#""op":"answer""#) {
                        &allow
                    } else {
                        &prompt
                    };
                    stream.write_all(&hello)?;
                    stream.write_all(answer)?;
                }
            }
        });
        bind(Cpus::All, all)?;
        Ok(Self {
            socket: socket.to_owned(),
            stop,
            thread,
        })
    }

    /// Fails where it has failed.
    fn stop(self) -> Outcome<()> {
        self.stop.store(true, Ordering::SeqCst);
        let woken = UnixStream::connect(&self.socket);
        let ended = self.thread.join().map_err(|_| "the stub panicked")?;
        Ok(ended.and(woken.map(drop))?)
    }
}

/// The frame of an answer to a connection's only request.
fn reply(reply: PamReply) -> Outcome<Vec<u8>> {
    let outcome = Answer::Ok(reply);
    Ok(frame::encode(&Response { id: 1, outcome })?.to_vec())
}

/// Reads the module's Hello and request, which come together.
fn request<'a>(stream: &mut UnixStream, octets: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut have = 0;
    loop {
        let room = octets.get_mut(have..).unwrap_or_default();
        match stream.read(room)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            got => have += got,
        }
        let two = length(octets, have, 0)?
            .map(|first| length(octets, have, first))
            .transpose()?
            .flatten();
        if let Some(two) = two {
            return Ok(octets.get(..two).unwrap_or_default());
        }
    }
}

/// Where the frame that begins at `start` ends, if all of it is among the first `have` octets.
fn length(octets: &[u8], have: usize, start: usize) -> io::Result<Option<usize>> {
    let Some(header) = octets.get(start..have).and_then(<[u8]>::first_chunk::<HEADER>) else {
        return Ok(None);
    };
    let end = start + HEADER + frame::decode_header(*header).map_err(io::Error::other)?;
    Ok((end <= have).then_some(end))
}

fn holds(octets: &[u8], what: &[u8]) -> bool {
    octets.windows(what.len()).any(|window| window == what)
}

/// The PAM services of all subjects, in the sandbox's own /etc.
fn services(sandbox: &Sandbox, otpost: &Otpost, module: &Path, ports: [u16; 2]) -> Outcome<()> {
    if !module.exists() {
        return Err(format!("{} is missing: start tests/bench/run.sh", module.display()).into());
    }
    let secret = sandbox.dir().join("google");
    fs::write(&secret, format!("{TOTP_KEY}\n\" TOTP_AUTH\n"))?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o400))?;
    for (port, service) in ports.into_iter().zip(["bench-radius", "bench-radius2"]) {
        let conf = sandbox.dir().join(format!("{service}.conf"));
        fs::write(&conf, format!("127.0.0.1:{port} {SECRET} 3\n"))?;
        fs::set_permissions(&conf, fs::Permissions::from_mode(0o600))?;
        let stack = format!("auth required pam_radius_auth.so conf={}\n", conf.display());
        sandbox.service(service, &stack);
    }
    let ours = |socket: PathBuf| format!("auth required {} socket={}\n", module.display(), socket.display());
    // pam_start reads this one too, whatever the service.
    sandbox.service("other", "auth required pam_deny.so\n");
    sandbox.service("bench-permit", "auth required pam_permit.so\n");
    sandbox.service("bench-stub", &ours(sandbox.socket()));
    sandbox.service("bench-otpost", &ours(otpost.pam_socket()));
    sandbox.service(
        "bench-google",
        &format!(
            "auth required pam_google_authenticator.so secret={} user=root\n",
            secret.display()
        ),
    );
    Ok(())
}

fn totp() -> Outcome<String> {
    let output = Command::new("python3").args(["-c", TOTP, TOTP_KEY]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn log_in(
    sandbox: &Sandbox,
    program: &Path,
    subject: &Subject,
    rounds: usize,
    all: &CpuSet,
) -> Outcome<Part> {
    let mut command = sandbox.command(program);
    command
        .args([subject.service, &subject.user, &rounds.to_string()])
        .args(&subject.answers);
    // On one processor, whatever the module: see `Stub`.
    bind(Cpus::Load, all)?;
    let output = command.output();
    bind(Cpus::All, all)?;
    let output = output?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let log = sandbox.log();
        let log = log
            .get(log.len().saturating_sub(5)..)
            .unwrap_or_default()
            .join("\n");
        return Err(format!("{}: {said}{log}", subject.service).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
