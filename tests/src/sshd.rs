//! A real sshd on loopback inside a [`Sandbox`], and a real ssh that logs in there.
//!
//! The daemon behind the PAM module is the caller's: the stack names its socket, and the answers to ssh's prompts
//! come from a closure, which may read them from wherever the daemon sends its texts.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use otpost_ipc::client::Deadline;

use crate::pamstack::{PATIENCE, Sandbox, run, target_dir, timed};

/// What the user does at a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Types this and Return.
    Text(String),
    /// Goes away: the connection breaks while sshd waits.
    Leave,
    /// Ctrl-C: ssh gets SIGINT while sshd waits.
    Interrupt,
}

impl From<&str> for Typed {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// How an ssh login ended.
#[derive(Debug)]
pub struct Session {
    /// Whether the remote command ran and succeeded.
    pub success: bool,
    /// Its output.
    pub stdout: String,
    /// What ssh said.
    pub stderr: String,
    /// The prompts in the order they came, without ssh's `(user@host)` in front.
    pub prompts: Vec<String>,
    /// From start to end.
    pub took: Duration,
}

/// sshd behind a loopback port of its own. Each connection gets a process that ends with it.
pub struct Sshd {
    port: u16,
    dir: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sshd {
    /// Starts it with the PAM stack `auth` for the service `sshd`, and `config` in front of its configuration.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn start(sandbox: &Sandbox, auth: &str, config: &str) -> Self {
        let dir = sandbox.dir().join("sshd");
        fs::create_dir(&dir).expect("a directory for sshd");
        keygen(&dir.join("host"));
        fs::create_dir(dir.join("keys")).expect("a directory for public keys");
        let account = "account required pam_unix.so\nsession required pam_permit.so\n";
        sandbox.service("sshd", &format!("{auth}{account}"));
        let text = format!(
            "{config}\n\
             HostKey {0}/host\n\
             AuthorizedKeysFile {0}/keys/%u\n\
             StrictModes no\n\
             UsePAM yes\n\
             KbdInteractiveAuthentication yes\n\
             PasswordAuthentication no\n\
             PermitRootLogin no\n\
             PrintMotd no\n\
             UseDNS no\n\
             LogLevel VERBOSE\n\
             PidFile none\n",
            dir.display()
        );
        let file = dir.join("config");
        fs::write(&file, text).expect("sshd's configuration");
        run(
            sandbox.command("/usr/sbin/sshd").arg("-t").arg("-f").arg(&file),
            "",
        );

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("the port").port();
        let stop = Arc::new(AtomicBool::new(false));
        // Each command enters the sandbox anew; what it needs of it is a path.
        let mut commands = Vec::new();
        let enter = || {
            let mut command = sandbox.command("/usr/sbin/sshd");
            command.arg("-i").arg("-f").arg(&file);
            command
        };
        commands.resize_with(MOST, enter);
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || accept(&listener, &stop, commands)
        });
        Self {
            port,
            dir,
            stop,
            thread: Some(thread),
        }
    }

    /// The loopback port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Makes a key with which `user` may log in; the path of its private half.
    ///
    /// # Panics
    /// When ssh-keygen fails.
    #[must_use]
    pub fn key_for(&self, user: &str) -> PathBuf {
        let key = self.dir.join(format!("key-{user}"));
        keygen(&key);
        let list = self.dir.join("keys").join(user);
        fs::copy(key.with_extension("pub"), &list).expect("the public key");
        fs::set_permissions(&list, fs::Permissions::from_mode(0o644)).expect("its permissions");
        key
    }

    /// Logs in as `user` with real ssh and runs `id -un`. Each prompt is answered by `typed`.
    ///
    /// # Panics
    /// When ssh does not end in [`PATIENCE`].
    pub fn login(&self, user: &str, key: Option<&Path>, mut typed: impl FnMut(&str) -> Typed) -> Session {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let askpass = self
            .dir
            .join(format!("ask-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let asking = UnixListener::bind(&askpass).expect("a socket for prompts");
        asking
            .set_nonblocking(true)
            .expect("a socket that does not block");
        let mut command = self.ssh(user, key, &askpass);
        let mut prompts = Vec::new();
        let (output, took) = timed(|| {
            let mut ssh = command.spawn().expect("ssh");
            let deadline = Deadline::after(PATIENCE);
            let mut left = false;
            while ssh.try_wait().expect("ssh's state").is_none() {
                match asking.accept() {
                    Ok((helper, _)) if !left => {
                        let (prompt, helper) = read_prompt(helper);
                        let answer = typed(&prompt);
                        prompts.push(prompt);
                        left = matches!(answer, Typed::Leave | Typed::Interrupt);
                        type_in(answer, helper, &mut ssh);
                    }
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
                }
                if !deadline.pause(Duration::from_millis(2)) {
                    let _ = ssh.kill();
                    let output = ssh.wait_with_output().expect("ssh's output");
                    panic_hung(&String::from_utf8_lossy(&output.stderr));
                }
            }
            ssh.wait_with_output().expect("ssh's output")
        });
        let _ = fs::remove_file(&askpass);
        Session {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).trim_end().to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            prompts,
            took,
        }
    }

    fn ssh(&self, user: &str, key: Option<&Path>, askpass: &Path) -> Command {
        let mut command = Command::new("ssh");
        command
            .args([
                "-F",
                "none",
                "-T",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .args([
                "-o",
                "LogLevel=ERROR",
                "-o",
                "NumberOfPasswordPrompts=1",
                "-o",
                "IdentitiesOnly=yes",
            ])
            .args([
                "-o",
                "IdentityAgent=none",
                "-p",
                &self.port.to_string(),
                "-l",
                user,
            ])
            .env("SSH_ASKPASS", target_dir().join("otpost-askpass"))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("OTPOST_ASKPASS", askpass)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match key {
            Some(key) => command.arg("-i").arg(key),
            None => command.args(["-i", "none", "-o", "PubkeyAuthentication=no"]),
        };
        command.args(["127.0.0.1", "id", "-un"]);
        command
    }
}

/// Most connections to one [`Sshd`].
const MOST: usize = 64;

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn panic_hung(stderr: &str) -> ! {
    panic!("ssh did not end: {stderr}")
}

fn keygen(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    run(
        command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path),
        "",
    );
}

fn accept(listener: &TcpListener, stop: &AtomicBool, commands: Vec<Command>) {
    let mut children: Vec<Child> = Vec::new();
    for mut command in commands {
        let Ok((stream, _)) = listener.accept() else { break };
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let output = stream.try_clone().expect("a second handle");
        command
            .stdin(OwnedFd::from(stream))
            .stdout(OwnedFd::from(output))
            .stderr(Stdio::null());
        children.push(command.spawn().expect("sshd"));
        // The command holds the connection open until it is dropped.
        drop(command);
    }
    for mut child in children {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn read_prompt(mut helper: UnixStream) -> (String, UnixStream) {
    helper.set_nonblocking(false).expect("a socket that blocks");
    helper.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut prompt = String::new();
    helper.read_to_string(&mut prompt).expect("ssh's prompt");
    // `(user@127.0.0.1) Password: `
    let prompt = match prompt.split_once(") ") {
        Some((who, rest)) if who.starts_with('(') => rest.to_owned(),
        _ => prompt,
    };
    (prompt, helper)
}

fn type_in(answer: Typed, mut helper: UnixStream, ssh: &mut Child) {
    match answer {
        Typed::Text(text) => helper.write_all(text.as_bytes()).expect("ssh takes the answer"),
        Typed::Leave => ssh.kill().expect("ssh can be killed"),
        Typed::Interrupt => {
            let pid = Pid::from_raw(i32::try_from(ssh.id()).expect("a process id"));
            signal::kill(pid, Signal::SIGINT).expect("ssh can be interrupted");
        }
    }
}
