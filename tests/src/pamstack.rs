//! A private copy of the machine's `/etc`, `/dev/log` and `/run`, in which real programs (pamtester, sshd, su) meet
//! real PAM stacks with the module under test. The host's own files are never touched, whatever happens.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use otpost_ipc::client::Deadline;

/// Longest wait of a test for anything that should take moments.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Enters the sandbox `$1` and runs the rest of the arguments there.
const ENTER: &str = r#"
set -eu
box=$1
shift
mount --bind "$box/etc" /etc
mount -t tmpfs -o mode=755 none /run
mkdir -m 755 /run/sshd
mount -t tmpfs -o mode=755 none "$box/dev"
for node in null zero full random urandom tty; do
    : >"$box/dev/$node"
    mount --bind "/dev/$node" "$box/dev/$node"
done
mkdir "$box/dev/pts"
mount --rbind /dev/pts "$box/dev/pts"
ln -s pts/ptmx "$box/dev/ptmx"
ln -s /proc/self/fd "$box/dev/fd"
ln -s "$box/log.sock" "$box/dev/log"
mount --rbind "$box/dev" /dev
exec "$@"
"#;

/// Waits until `done` gives a value.
///
/// # Panics
/// When [`PATIENCE`] is used up; `what` says what was waited for.
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(PATIENCE);
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(
            deadline.pause(Duration::from_millis(5)),
            "waited too long for {what}"
        );
    }
}

/// How long `what` took.
#[expect(
    clippy::disallowed_methods,
    reason = "the test measures how long a program takes"
)]
pub fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let begun = std::time::Instant::now();
    let result = what();
    (result, begun.elapsed())
}

/// The directory in which cargo puts the programs of this build.
///
/// # Panics
/// When the test does not run from a target directory.
#[must_use]
pub fn target_dir() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let deps = test.parent().expect("a directory");
    if deps.ends_with("deps") {
        deps.parent().expect("a target directory").to_owned()
    } else {
        deps.to_owned()
    }
}

/// The newest `libpam_otpost.so` of this build.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn module_path() -> PathBuf {
    let target = target_dir();
    ["libpam_otpost.so", "deps/libpam_otpost.so"]
        .iter()
        .map(|name| target.join(name))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .unwrap_or_else(|| {
            panic!(
                "no libpam_otpost.so in {}; run cargo build -p otpost-pam",
                target.display()
            )
        })
}

/// A stack line for the module under test: `control` as in pam.conf(5), the daemon's socket, further `arguments`. Inside
/// the sandbox `/run` is empty, so the socket has to be elsewhere, in a directory that not everybody may write to.
#[must_use]
pub fn module_line(socket: &Path, control: &str, arguments: &str) -> String {
    let module = module_path();
    format!(
        "auth {control} {} socket={} {arguments}\n",
        module.display(),
        socket.display()
    )
}

/// Collects what programs in the sandbox send to syslog.
struct Syslog {
    lines: Arc<Mutex<Vec<String>>>,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

/// Ends the collector; no program sends an empty line.
const END: &[u8] = b"";

impl Syslog {
    fn open(path: PathBuf) -> Self {
        let socket = UnixDatagram::bind(&path).expect("a log socket");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("permissions of the log socket");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let thread = thread::spawn({
            let lines = Arc::clone(&lines);
            move || {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(length) = socket.recv(&mut buffer) {
                    if length == END.len() {
                        break;
                    }
                    let line = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            }
        });
        Self {
            lines,
            path,
            thread: Some(thread),
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        let sent = UnixDatagram::unbound().and_then(|socket| socket.send_to(END, &self.path));
        if let (Ok(_), Some(thread)) = (sent, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// A directory with the sandbox's files, removed with the value. Daemons under test may listen in it.
pub struct Sandbox {
    dir: PathBuf,
    syslog: Syslog,
}

impl Sandbox {
    /// A sandbox, or `None` after [`crate::skip()`] where this machine cannot run one or lacks one of `programs`.
    ///
    /// # Panics
    /// When files cannot be copied.
    #[must_use]
    pub fn or_skip(programs: &[&str]) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            crate::skip("needs root: it mounts over /etc in a namespace of its own");
            return None;
        }
        for program in programs {
            if which(program).is_none() {
                crate::skip(&format!("needs {program}; install it (make setup)"));
                return None;
            }
        }
        let sandbox = Self::new();
        let entered = sandbox.command("true").output().expect("unshare from util-linux");
        if !entered.status.success() {
            let why = String::from_utf8_lossy(&entered.stderr).trim().to_owned();
            crate::skip(&format!("needs a mount namespace: {why}"));
            return None;
        }
        Some(sandbox)
    }

    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("otpost-box-{}-{number}", std::process::id()));
        fs::create_dir(&dir).expect("a scratch directory");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("its permissions");
        fs::create_dir(dir.join("dev")).expect("a mount point");
        let syslog = Syslog::open(dir.join("log.sock"));
        let sandbox = Self { dir, syslog };
        let copied = Command::new("cp")
            .args(["-a", "/etc"])
            .arg(&sandbox.dir)
            .status()
            .expect("cp");
        assert!(copied.success(), "cannot copy /etc");
        sandbox
    }

    /// The sandbox's directory; 0755, owned by root, the same path inside and outside.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a daemon for this sandbox may listen.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.join("pam.sock")
    }

    /// A command that runs `program` inside; its own arguments are to be added. Killing it kills `program`.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "/bin/sh",
            "-c",
            ENTER,
            "sh",
        ]);
        command.arg(&self.dir).arg(program).stdin(Stdio::null());
        command
    }

    /// Writes the PAM service `name`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn service(&self, name: &str, stack: &str) {
        fs::write(self.dir.join("etc/pam.d").join(name), stack).expect("a service file");
    }

    /// [`module_line`] for a daemon that listens at [`Self::socket`].
    #[must_use]
    pub fn module_line(&self, control: &str, arguments: &str) -> String {
        module_line(&self.socket(), control, arguments)
    }

    /// Adds a login that exists only inside.
    ///
    /// # Panics
    /// When useradd or chpasswd fail.
    pub fn add_user(&self, name: &str, password: &str) {
        let home = self.dir.join("home");
        fs::create_dir_all(&home).expect("a home directory");
        let mut useradd = self.command("useradd");
        useradd
            .args(["--no-create-home", "--shell", "/bin/sh", "--home-dir"])
            .arg(&home)
            .arg(name);
        run(&mut useradd, "");
        run(&mut self.command("chpasswd"), &format!("{name}:{password}\n"));
    }

    /// The processes that are inside at present, sshd's unprivileged ones included.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let Some(name) = self.dir.file_name().and_then(OsStr::to_str) else {
            return Vec::new();
        };
        let all: Vec<(u32, PathBuf)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, namespace(pid)?)))
            .collect();
        // A process in a chroot sees fewer mounts, but shares the namespace of one that sees all.
        let ours: HashSet<&PathBuf> = all
            .iter()
            .filter(|(pid, _)| {
                let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
                mounts.contains(&format!("/{name}/etc "))
            })
            .map(|(_, namespace)| namespace)
            .collect();
        all.iter()
            .filter(|(_, namespace)| ours.contains(namespace))
            .map(|(pid, _)| *pid)
            .collect()
    }

    /// Waits until all of `processes` have ended.
    pub fn ended(processes: &[u32]) {
        wait_for(&format!("the processes {processes:?} to end"), || {
            processes
                .iter()
                .all(|pid| namespace(*pid).is_none())
                .then_some(())
        });
    }

    /// What has been logged so far, each line as `TAG: text` without priority and date.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        let lines = self.syslog.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| after_date(line).to_owned()).collect()
    }

    /// Waits for a log line that holds `part`, and returns it.
    #[must_use]
    pub fn logged(&self, part: &str) -> String {
        wait_for(&format!("the log line {part:?} in {:#?}", self.log()), || {
            self.log().into_iter().find(|line| line.contains(part))
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The mount namespace of a process; `None` when it has ended, waited for or not.
fn namespace(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/mnt")).ok()
}

/// Connections to the Unix socket `path` that its daemon holds, those not yet accepted included.
///
/// # Panics
/// When the kernel does not list them.
#[must_use]
pub fn connections(path: &Path) -> usize {
    let listed = fs::read_to_string("/proc/net/unix").expect("the kernel's list of sockets");
    let path = path.display().to_string();
    listed
        .lines()
        .filter(|line| line.ends_with(&path))
        // One that listens has the flag __SO_ACCEPTCON.
        .filter(|line| line.split_whitespace().nth(3) != Some("00010000"))
        .count()
}

/// The part of a syslog datagram behind `<PRI>Mmm dd hh:mm:ss `.
fn after_date(line: &str) -> &str {
    let line = line.split_once('>').map_or(line, |(_, rest)| rest);
    line.get(16..).unwrap_or(line).trim_end()
}

fn which(program: &str) -> Option<PathBuf> {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(program))
        .find(|path| path.exists())
}

/// Runs `command` to its end with `input`.
///
/// # Panics
/// When it fails.
pub fn run(command: &mut Command, input: &str) -> Output {
    let output = finish(start(command), input);
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Starts `command` with all three streams piped.
fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Gives `input` and then EOF, and waits for the end.
fn finish(mut child: Child, input: &str) -> Output {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading is no error of ours.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().expect("the program's output")
}

/// How a pamtester run ended.
#[derive(Debug)]
pub struct Tested {
    /// Whether every operation succeeded.
    pub success: bool,
    /// Prompts, messages and PAM's error text.
    pub text: String,
    /// From start to end, with the sandbox's mounts.
    pub took: Duration,
}

/// pamtester for one service and user.
pub struct Pamtester<'a> {
    sandbox: &'a Sandbox,
    service: &'a str,
    user: &'a str,
    operations: &'a [&'a str],
    uid: u32,
}

impl<'a> Pamtester<'a> {
    /// Will run `authenticate` for `user` at `service`.
    #[must_use]
    pub const fn new(sandbox: &'a Sandbox, service: &'a str, user: &'a str) -> Self {
        Self {
            sandbox,
            service,
            user,
            operations: &["authenticate"],
            uid: 0,
        }
    }

    /// Will run these operations instead.
    #[must_use]
    pub const fn operations(mut self, operations: &'a [&'a str]) -> Self {
        self.operations = operations;
        self
    }

    /// Will run as this user instead of root.
    #[must_use]
    pub const fn as_uid(mut self, uid: u32) -> Self {
        self.uid = uid;
        self
    }

    /// Runs with `typed` at the keyboard, then EOF.
    #[must_use]
    pub fn typing(&self, typed: &str) -> Tested {
        let (output, took) = timed(|| finish(start(&mut self.command()), typed));
        Tested {
            success: output.status.success(),
            text: text(&output),
            took,
        }
    }

    /// Starts it with nothing typed yet.
    #[must_use]
    pub fn start(&self) -> Running {
        Running(start(&mut self.command()))
    }

    /// The command line, inside the sandbox.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = if self.uid == 0 {
            self.sandbox.command("pamtester")
        } else {
            let uid = self.uid.to_string();
            let mut command = self.sandbox.command("setpriv");
            command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "pamtester"]);
            command
        };
        self.arguments(&mut command);
        command
    }

    /// Adds pamtester's arguments to `command`.
    pub fn arguments(&self, command: &mut Command) {
        command.args([
            "-I",
            "rhost=192.0.2.7",
            "-I",
            "tty=pts/0",
            self.service,
            self.user,
        ]);
        command.args(self.operations);
    }
}

/// A pamtester that waits at a prompt.
pub struct Running(Child);

impl Running {
    /// Types `typed`, then EOF, and waits for the end.
    #[must_use]
    pub fn typing(self, typed: &str) -> Tested {
        let (output, took) = timed(|| finish(self.0, typed));
        Tested {
            success: output.status.success(),
            text: text(&output),
            took,
        }
    }

    /// The process, which is pamtester itself.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

fn text(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    format!("{}{error}", String::from_utf8_lossy(&output.stdout))
}
