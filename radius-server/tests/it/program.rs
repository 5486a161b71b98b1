//! The program as a sysadmin meets it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use otpost_radius_wire::Code;

use crate::common::{DEADLINE, Daemon, Folder, Vpn, until, usual};

const PROGRAM: &str = env!("CARGO_BIN_EXE_otpost-radius");

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Ended {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env_remove("NOTIFY_SOCKET")
        .output()
        .unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn config(folder: &Folder, text: &str) -> PathBuf {
    let path = folder.0.join("radius.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

fn plain(folder: &Folder, listen: &str) -> PathBuf {
    let socket = folder.0.join("s");
    config(folder, &format!("listen = [\"{listen}\"]\nsocket = {socket:?}\n"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A running otpost-radius and what it writes.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(config: &Path, notify: Option<&Path>) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(["--config", text(config)])
            .stderr(Stdio::piped())
            .env_remove("NOTIFY_SOCKET");
        if let Some(notify) = notify {
            command.env("NOTIFY_SOCKET", notify);
        }
        let mut child = command.spawn().unwrap();
        let (sender, lines) = sync_channel(1024);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .all(|line| sender.send(line).is_ok())
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next log line with this text.
    fn line(&mut self, part: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(DEADLINE)
                .unwrap_or_else(|_| panic!("no line with {part:?} in {:#?}", self.seen));
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    fn address(&mut self) -> SocketAddr {
        let line = self.line("listening");
        line.split("address=").nth(1).unwrap().trim().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        let mut status = None;
        until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_and_version_are_told() {
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(
        help.out.contains("--config") && help.out.contains("--check"),
        "{}",
        help.out
    );
    let version = run(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(
        version.out.trim(),
        format!("otpost-radius {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn an_unknown_option_is_wrong_usage() {
    let ended = run(&["--nonsense"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("--nonsense"), "{}", ended.err);
}

#[test]
fn a_sound_configuration_passes_the_check_and_nothing_is_started() {
    let folder = Folder::new();
    let ended = run(&["--check", "--config", text(&plain(&folder, "127.0.0.1:0"))]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.ends_with("OK\n"), "{}", ended.out);
}

#[test]
fn a_bad_configuration_is_shown_with_line_caret_and_remedy() {
    let folder = Folder::new();
    for bad in [
        "socket = \"/s\"\nlisten = [\"nowhere\"]\n",
        "socket = \"/s\"\nlisen = []\n",
        "socket = \"/s\"\nlisten = []\n",
    ] {
        let path = config(&folder, bad);
        for arguments in [
            &["--check", "--config", text(&path)][..],
            &["--config", text(&path)],
        ] {
            let ended = run(arguments);
            assert_eq!(ended.code, Some(1), "{}", ended.err);
            assert!(ended.err.contains("radius.toml:2"), "{}", ended.err);
            assert!(ended.err.contains('^'), "{}", ended.err);
        }
    }
}

#[test]
fn a_missing_or_unreadable_configuration_is_explained() {
    let missing = run(&["--config", "/nonexistent/radius.toml"]);
    assert_eq!(missing.code, Some(1));
    assert!(
        missing.err.contains("/nonexistent/radius.toml") && missing.err.contains("help"),
        "{}",
        missing.err
    );
    let folder = Folder::new();
    let directory = run(&["--config", text(&folder.0)]);
    assert_eq!(directory.code, Some(1));
    assert!(directory.err.contains("help"), "{}", directory.err);
    let open = plain(&folder, "127.0.0.1:0");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
    let writable = run(&["--check", "--config", text(&open)]);
    assert_eq!(writable.code, Some(1));
    assert!(writable.err.contains("chmod"), "{}", writable.err);
}

#[test]
fn a_configuration_without_permission_to_read_is_explained() {
    let folder = Folder::new();
    let path = plain(&folder, "127.0.0.1:0");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything, unless it gives that up.
    let mut command = if nix::unistd::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-dac_override,-dac_read_search", PROGRAM]);
        command
    } else {
        Command::new(PROGRAM)
    };
    let output = command.args(["--config", text(&path)]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("permission denied") && err.contains("help"), "{err}");
}

#[test]
fn a_port_in_use_is_explained() {
    let folder = Folder::new();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&["--config", text(&plain(&folder, &address))]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(&address) && ended.err.contains("ss -lunp"),
        "{}",
        ended.err
    );
}

#[test]
fn an_address_of_another_machine_is_explained() {
    let folder = Folder::new();
    let ended = run(&["--config", text(&plain(&folder, "192.0.2.1:0"))]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains("no interface") && ended.err.contains("listen"),
        "{}",
        ended.err
    );
}

#[test]
fn a_missing_daemon_is_logged_and_waited_for_and_a_stop_is_clean() {
    let folder = Folder::new();
    let path = plain(&folder, "127.0.0.1:0");
    let mut program = Running::start(&path, None);
    let address = program.address();
    let line = program.line("trying again");
    assert!(
        line.contains(text(&folder.0.join("s"))) && line.contains("otpostd"),
        "{line}"
    );
    let daemon = Daemon::start(folder.0.join("s"), usual);
    let line = program.line("connected to otpostd");
    assert!(line.contains("clients=2"), "{line}");
    let vpn = Vpn::new(address, "127.0.0.1");
    assert_eq!(
        vpn.exchange(&vpn.begin("alice", "right")).code,
        Code::AccessChallenge
    );
    assert_eq!(
        vpn.exchange(&vpn.begin("alice", "wrong")).code,
        Code::AccessReject
    );
    let line = program.line("rejected");
    assert!(
        line.contains("client=\"vpn\"") && line.contains("alice") && line.contains("K7QX"),
        "{line}"
    );
    program.signal(Signal::SIGTERM);
    assert_eq!(program.code(), Some(0));
    assert_eq!(daemon.asked(), 2);
}

#[test]
fn passwords_codes_and_secrets_are_in_no_log_at_any_level() {
    let folder = Folder::new();
    let socket = folder.0.join("s");
    let path = config(
        &folder,
        &format!("listen = [\"127.0.0.1:0\"]\nsocket = {socket:?}\n[log]\nlevel = \"trace\"\n"),
    );
    let _daemon = Daemon::start(socket, usual);
    let mut program = Running::start(&path, None);
    let address = program.address();
    program.line("connected to otpostd");
    let vpn = Vpn::new(address, "127.0.0.1");
    let state = vpn.exchange(&vpn.begin("alice", "right")).state();
    vpn.exchange(&vpn.answer("alice", "123456", &state));
    vpn.exchange(&vpn.begin("eve\u{1b}[31m", "hunter2hunter2"));
    let stranger = Vpn::new(address, "127.0.0.2");
    stranger
        .socket
        .send(&stranger.begin("alice", "hunter2hunter2"))
        .unwrap();
    program.line("not a known RADIUS client");
    program.signal(Signal::SIGTERM);
    program.line("stopped");
    let log = program.seen.join("\n");
    for secret in [
        "123456",
        "hunter2",
        "testing123",
        "from the nineties",
        crate::common::SESSION,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    assert!(log.contains("accepted") && log.contains("challenged"), "{log}");
    assert!(
        !log.contains('\u{1b}'),
        "a name's control characters reached the log"
    );
}

#[test]
fn a_reload_takes_over_the_log_level_or_keeps_the_old_configuration() {
    let folder = Folder::new();
    let path = plain(&folder, "127.0.0.1:0");
    let mut program = Running::start(&path, None);
    let address = program.address();
    fs::write(&path, "listen = [\"127.0.0.1:0\"]\nlisen = 1\n").unwrap();
    program.signal(Signal::SIGHUP);
    let line = program.line("radius.toml:2");
    assert!(line.contains("ERROR"), "{line}");
    program.line("the configuration in force stays");
    let socket = folder.0.join("s");
    fs::write(
        &path,
        format!("listen = [\"127.0.0.1:1\"]\nsocket = {socket:?}\n[log]\nlevel = \"debug\"\n"),
    )
    .unwrap();
    program.signal(Signal::SIGHUP);
    program.line("restart otpost-radius to listen there");
    program.line("configuration reloaded");
    let _daemon = Daemon::start(socket, usual);
    program.line("connected to otpostd");
    let vpn = Vpn::new(address, "127.0.0.1");
    vpn.exchange(&vpn.begin("alice", "right"));
    program.line("challenged");
    program.signal(Signal::SIGINT);
    assert_eq!(program.code(), Some(0));
}

#[test]
fn the_service_manager_is_told_of_start_and_stop() {
    let folder = Folder::new();
    let notify = folder.0.join("n");
    let manager = std::os::unix::net::UnixDatagram::bind(&notify).unwrap();
    manager.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut program = Running::start(&plain(&folder, "127.0.0.1:0"), Some(&notify));
    let heard = || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(heard(), "READY=1");
    program.signal(Signal::SIGTERM);
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(program.code(), Some(0));
    let mut rest = String::new();
    assert!(
        program
            .child
            .stdout
            .take()
            .is_none_or(|mut out| out.read_to_string(&mut rest).is_ok())
    );
    assert_eq!(rest, "");
}
