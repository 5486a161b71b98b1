//! Every program says what is wrong and what mends it, ends with a failure, and obeys signals.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otpost_ipc::admin::{AdminOp, AdminReply, ResourceSettings};
use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::{FaultCode, Role, Secret};
use otpost_tests::command::{self, Ended, readable, refusal};
use otpost_tests::gateway::provider;
use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::{Program, Scratch, Stack, number};
use serde_json::json;

const PROGRAMS: [&str; 3] = ["otpostd", "otpost-radius", "otpostctl"];
/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// Runs a program to its end.
fn run(program: &str, args: &[&str]) -> Ended {
    command::run(&mut command::program(program, args))
}

/// Files for one otpostd that is not running yet.
struct Files {
    scratch: Scratch,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            scratch: Scratch::new(),
        };
        for (name, mode) in [("data", 0o700), ("run", 0o755)] {
            DirBuilder::new().mode(mode).create(files.path(name)).unwrap();
        }
        files.config("");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes daemon.toml with `further` lines in front and a socket directory of its own.
    fn config(&self, further: &str) {
        self.config_with(further, &self.text("run"));
    }

    fn config_with(&self, further: &str, sockets: &str) {
        let data = self.text("data");
        let config = format!(
            "{further}\n[store]\npath = \"{data}/otpost.db\"\n[keys]\nmaster-key-file = \"{data}/master.key\"\n\
             [sockets]\ndirectory = \"{sockets}\"\n[passwords]\nmemory-kib = 64\npasses = 1\n"
        );
        fs::write(self.path("daemon.toml"), config).unwrap();
    }

    fn daemon(&self) -> Command {
        command::program("otpostd", ["--config", &self.text("daemon.toml")])
    }

    /// Runs otpostd, which must refuse to start.
    fn refused(&self, parts: &[&str]) {
        refusal("otpostd", &command::run(&mut self.daemon()), parts);
    }

    /// Starts and stops otpostd once, so that key and database exist.
    fn made(self) -> Self {
        let mut daemon = self.start();
        assert!(daemon.stop().success(), "{}", daemon.log());
        self
    }

    fn start(&self) -> Program {
        let mut daemon = Program::start("otpostd", &self.path("daemon.toml"), &self.path("daemon.log"));
        wait_for("otpostd to answer", || {
            assert!(daemon.ended().is_none(), "{}", daemon.log());
            admin(&self.path("run/admin.sock"), AdminOp::Status).ok()
        });
        daemon
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }
}

fn admin(socket: &Path, op: AdminOp) -> Result<AdminReply, CallError> {
    let deadline = Deadline::after(Duration::from_secs(30));
    Client::<AdminOp, AdminReply>::connect(socket, Role::Admin, deadline)?.call(op)
}

fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn help_and_version_are_results_and_a_wrong_option_is_not() {
    for program in PROGRAMS {
        let help = run(program, &["--help"]);
        assert!(help.status.success() && help.err.is_empty(), "{help:?}");
        assert!(help.out.contains("Usage: "), "{help:?}");
        let said = if program == "otpostctl" {
            "Exit status:"
        } else {
            "--config"
        };
        assert!(help.out.contains(said), "{help:?}");
        let version = run(program, &["--version"]);
        assert!(version.status.success() && version.err.is_empty(), "{version:?}");
        assert_eq!(version.out, format!("{program} {}\n", env!("CARGO_PKG_VERSION")));
        for args in [&["--frobnicate"][..], &["frobnicate"], &["--config"]] {
            let wrong = run(program, args);
            assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
            assert!(wrong.out.is_empty(), "{wrong:?}");
            assert!(wrong.err.starts_with("error: "), "{wrong:?}");
            assert!(
                wrong.err.contains(args[0]) && wrong.err.contains("--help"),
                "{wrong:?}"
            );
            readable(&wrong.err);
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_named_with_the_fix() {
    let scratch = Scratch::new();
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("latin1.toml"), b"# caf\xe9\n").unwrap();
    fs::write(path("open.toml"), "").unwrap();
    fs::set_permissions(path("open.toml"), Permissions::from_mode(0o666)).unwrap();
    for program in ["otpostd", "otpost-radius"] {
        for (file, parts) in [
            (
                "absent.toml",
                &["no such configuration file", "an empty file is valid"][..],
            ),
            ("latin1.toml", &[":1: not UTF-8", "save the file as UTF-8"]),
            ("open.toml", &["mode 0666 lets others write it", "chmod o-w "]),
            ("", &["is not a regular file"]),
        ] {
            let named = path(file);
            for args in [&["--config", &named][..], &["--config", &named, "--check"]] {
                let ended = run(program, args);
                refusal(program, &ended, &[&named]);
                refusal(program, &ended, parts);
            }
        }
    }
}

#[test]
fn a_mistake_in_the_configuration_is_shown_with_line_caret_and_fix() {
    let scratch = Scratch::new();
    let file = scratch.path().join("some.toml");
    let named = file.to_str().unwrap();
    for (program, text, parts) in [
        (
            "otpostd",
            "[store]\npth = \"/x\"\n",
            ["some.toml:2:1: ", "2 | pth = \"/x\"", "  | ^^^", "= help: "],
        ),
        (
            "otpostd",
            "[log]\n\nlevel = \"loud\"\n",
            [
                "some.toml:3:9: ",
                "3 | level = \"loud\"",
                "^^^^^^",
                "write one of off, error",
            ],
        ),
        (
            "otpostd",
            "environment = \"prod\"\n",
            ["some.toml:1:15: ", "1 | environment", "^^^^^^", "= help: "],
        ),
        (
            "otpostd",
            "[outbox]\nworkers = 0\n",
            ["some.toml:2:11: ", "2 | workers = 0", "^", "= help: "],
        ),
        (
            "otpost-radius",
            "listen = [\"127.0.0.1\"]\n",
            ["some.toml:1:11: ", "1 | listen", "^^^^^^", "= help: "],
        ),
        (
            "otpost-radius",
            "socket = 5\n",
            ["some.toml:1:10: ", "1 | socket = 5", "^", "= help: "],
        ),
        (
            "otpost-radius",
            "a = \n",
            ["some.toml:1:", "1 | a = ", "^", "some.toml"],
        ),
    ] {
        fs::write(&file, text).unwrap();
        refusal(program, &run(program, &["--config", named]), &parts);
        refusal(program, &run(program, &["--check", "--config", named]), &parts);
        let option = if program == "otpostd" {
            "--daemon"
        } else {
            "--radius"
        };
        let checked = run("otpostctl", &["config", "check", option, named]);
        assert_eq!(checked.status.code(), Some(1), "{checked:?}");
        for part in parts {
            let said = format!("{}{}", checked.out, checked.err);
            assert!(said.contains(part), "{part:?}: {said}");
        }
    }
    fs::write(&file, "").unwrap();
    for program in ["otpostd", "otpost-radius"] {
        let good = run(program, &["--check", "--config", named]);
        assert!(good.status.success() && good.out.contains(named), "{good:?}");
    }
    let none = run(
        "otpostctl",
        &["config", "check", "--daemon", "/nonexistent/daemon.toml"],
    );
    assert_eq!(none.status.code(), Some(1), "{none:?}");
    assert!(none.out.contains("no such configuration file"), "{none:?}");
}

#[test]
fn a_master_key_that_others_could_read_is_refused() {
    let files = Files::new().made();
    for mode in [0o640, 0o460, 0o604, 0o660] {
        files.mode("data/master.key", mode);
        let lets = format!("mode {mode:04o} lets others read or write it");
        files.refused(&[&files.text("data/master.key"), &lets, "chmod go= "]);
    }
    files.mode("data/master.key", 0o400);
    let mut daemon = files.start();
    assert!(daemon.stop().success());
    if root() {
        chown(files.path("data/master.key"), Some(NOBODY), None).unwrap();
        files.refused(&["belongs to", "only root", "chown root "]);
    } else {
        otpost_tests::skip("needs root: a key that belongs to somebody else");
    }
}

#[test]
fn a_lost_or_wrong_master_key_is_refused_and_nothing_is_made_anew() {
    let files = Files::new().made();
    let key = files.path("data/master.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o400);
    let kept = fs::read_to_string(&key).unwrap();
    let write = |text: &str| {
        let _ = fs::remove_file(&key);
        fs::write(&key, text).unwrap();
        files.mode("data/master.key", 0o400);
    };
    fs::remove_file(&key).unwrap();
    files.refused(&[
        &files.text("data/master.key"),
        &files.text("data/otpost.db"),
        "the master key is missing",
        "restore the key file from your backup",
    ]);
    assert!(!key.exists());
    let other = "5a".repeat(32);
    write(&other);
    files.refused(&[
        "the master key does not belong to this database",
        "give otpost the right key file",
    ]);
    assert_eq!(fs::read_to_string(&key).unwrap(), other);
    for (text, said) in [
        ("", "the secret is empty"),
        ("\n", "the secret is empty"),
        ("5a5a\n", "is no master key (64 hexadecimal digits)"),
        (&kept.trim()[1..], "is no master key"),
        (
            &kept.replace(['a', 'b', 'c', 'd', 'e', 'f'], "g"),
            "is no master key",
        ),
    ] {
        write(text);
        files.refused(&[&files.text("data/master.key"), said, "= help: "]);
    }
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    files.refused(&["is not a regular file"]);
    fs::remove_dir(&key).unwrap();
    write(&kept);
    let mut daemon = files.start();
    assert!(daemon.stop().success());
}

#[test]
fn a_credential_takes_the_place_of_the_key_file() {
    let files = Files::new();
    fs::write(files.path("daemon.toml"), {
        let all = fs::read_to_string(files.path("daemon.toml")).unwrap();
        let (before, after) = all.split_once("master-key-file = ").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        format!("{before}master-key-credential = \"master-key\"\n{after}")
    })
    .unwrap();
    files.refused(&["credential \"master-key\"", "LoadCredential=master-key:"]);
    let given = files.path("given");
    DirBuilder::new().mode(0o700).create(&given).unwrap();
    let credentials = || {
        let mut daemon = files.daemon();
        daemon.env("CREDENTIALS_DIRECTORY", &given);
        daemon
    };
    let ended = command::run(&mut credentials());
    refusal("otpostd", &ended, &["given/master-key", "= help: "]);
    assert!(!files.path("data/otpost.db").exists());
    fs::write(given.join("master-key"), "5a".repeat(32)).unwrap();
    fs::set_permissions(given.join("master-key"), Permissions::from_mode(0o400)).unwrap();
    let mut notified = Notified::start(credentials(), &files.path("notify"));
    notified.next("READY=1");
    assert!(!files.path("data/master.key").exists());
}

#[test]
fn data_that_is_missing_open_or_damaged_is_refused() {
    let files = Files::new();
    files.mode("data", 0o750);
    files.refused(&[&files.text("data"), "mode 0750 lets others", "chmod go= "]);
    fs::remove_dir_all(files.path("data")).unwrap();
    files.refused(&[&files.text("data"), "does not exist", "create it"]);
    fs::write(files.path("data"), "").unwrap();
    files.refused(&["is not a directory"]);
    fs::remove_file(files.path("data")).unwrap();
    if root() {
        DirBuilder::new().mode(0o700).create(files.path("data")).unwrap();
        chown(files.path("data"), Some(NOBODY), None).unwrap();
        files.refused(&["belongs to", "chown root "]);
        fs::remove_dir(files.path("data")).unwrap();
    }
    DirBuilder::new().mode(0o700).create(files.path("data")).unwrap();
    let files = files.made();
    let database = files.path("data/otpost.db");
    fs::write(
        &database,
        "this is a letter to grandmother, and it is long enough. ".repeat(200),
    )
    .unwrap();
    files.refused(&["otpost.db", "not a database"]);
    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    files.refused(&["otpost.db"]);
}

#[test]
fn a_second_daemon_is_refused_by_database_and_by_socket() {
    let first = Files::new();
    let mut daemon = first.start();
    first.refused(&["another otpostd", "stop it first"]);
    // The same database, sockets elsewhere.
    let elsewhere = Scratch::new();
    first.config_with("", elsewhere.path().to_str().unwrap());
    first.refused(&["otpost.db", "another otpostd", "stop it first"]);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    // Another database, the same sockets.
    let second = Files::new();
    second.config_with("", &first.text("run"));
    second.refused(&[
        &first.text("run/pam.sock"),
        "another otpostd is running here",
        "give this one another `sockets.directory`",
    ]);
    assert!(admin(&first.path("run/admin.sock"), AdminOp::Status).is_ok());
    assert!(daemon.stop().success());
}

#[test]
fn a_socket_directory_that_is_not_safe_or_not_there_is_refused() {
    let files = Files::new();
    for mode in [0o777, 0o775, 0o1777] {
        files.mode("run", mode);
        files.refused(&[
            &files.text("run"),
            "lets others replace files in it",
            "chmod go-w ",
        ]);
    }
    fs::remove_dir(files.path("run")).unwrap();
    // Where only the last part is missing, as after a boot, it is made; more than that is a wrong path.
    files.config_with("", &files.text("run/none"));
    files.refused(&[&files.text("run/none"), "does not exist", "create it"]);
    files.config_with("", &files.text("run"));
    fs::write(files.path("run"), "").unwrap();
    files.refused(&[&files.text("run"), "is not a directory"]);
    fs::remove_file(files.path("run")).unwrap();
    let deep = files.path(&"d".repeat(120));
    DirBuilder::new().mode(0o755).create(&deep).unwrap();
    files.config_with("", deep.to_str().unwrap());
    files.refused(&["cannot make the socket", "= help: "]);
    files.config_with("", &files.text("run"));
    DirBuilder::new().mode(0o755).create(files.path("run")).unwrap();
    if !root() {
        files.mode("run", 0o555);
        files.refused(&["cannot make the socket", "must be able to write in the directory"]);
        files.mode("run", 0o755);
        otpost_tests::skip("needs root: a socket directory that belongs to somebody else");
        return;
    }
    chown(files.path("run"), Some(NOBODY), None).unwrap();
    files.refused(&[&files.text("run"), "belongs to", "only root", "chown root "]);
    // For a daemon without root's rights: its own data, a directory for sockets that is root's.
    chown(files.path("run"), Some(0), None).unwrap();
    fs::remove_dir_all(files.path("data")).unwrap();
    DirBuilder::new().mode(0o700).create(files.path("data")).unwrap();
    chown(files.path("data"), Some(NOBODY), None).unwrap();
    fs::set_permissions(files.scratch.path(), Permissions::from_mode(0o755)).unwrap();
    let mut daemon = files.daemon();
    daemon.uid(NOBODY).gid(NOBODY);
    let ended = command::run(&mut daemon);
    refusal(
        "otpostd",
        &ended,
        &[
            &files.text("run/pam.sock"),
            "cannot make the socket",
            "must be able to write in the directory",
        ],
    );
}

#[test]
fn what_is_in_the_way_of_a_socket_is_left_alone_unless_it_is_a_dead_socket() {
    let files = Files::new();
    for name in ["pam", "radius", "admin"] {
        let path = files.path(&format!("run/{name}.sock"));
        fs::write(&path, "precious").unwrap();
        files.refused(&[
            path.to_str().unwrap(),
            "is in the way and is not a socket",
            "move it away",
        ]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        files.refused(&[path.to_str().unwrap(), "is in the way"]);
        fs::remove_dir(&path).unwrap();
    }
    let pam = files.path("run/pam.sock");
    let _ = fs::remove_file(&pam);
    drop(UnixListener::bind(&pam).unwrap());
    let mut daemon = files.start();
    assert!(daemon.stop().success());
    // Everything that was made is taken away again.
    assert_eq!(fs::read_dir(files.path("run")).unwrap().count(), 0);
}

#[test]
fn names_that_the_system_does_not_know_are_refused() {
    for (line, parts) in [
        (
            "radius-user = \"no-such-user\"",
            ["sockets.radius-user", "no user `no-such-user`", "create it"],
        ),
        (
            "admin-group = \"no-such-group\"",
            ["sockets.admin-group", "no group `no-such-group`", "create it"],
        ),
    ] {
        let files = Files::new();
        let config = fs::read_to_string(files.path("daemon.toml")).unwrap();
        let config = config.replace("[sockets]\n", &format!("[sockets]\n{line}\n"));
        fs::write(files.path("daemon.toml"), config).unwrap();
        files.refused(&parts);
    }
}

#[test]
fn a_radius_port_that_cannot_be_used_is_named_with_the_fix() {
    let scratch = Scratch::new();
    let file = scratch.path().join("radius.toml");
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (address, parts) in [
        (
            address.as_str(),
            ["another RADIUS server listens there", "ss -lunp"],
        ),
        (
            "192.0.2.1:0",
            [
                "no interface of this machine has that address",
                "correct `listen`",
            ],
        ),
    ] {
        let socket = scratch.path().join("radius.sock");
        let text = format!(
            "listen = [\"127.0.0.1:0\", \"{address}\"]\nsocket = \"{}\"\n",
            socket.display()
        );
        fs::write(&file, text).unwrap();
        let ended = run("otpost-radius", &["--config", file.to_str().unwrap()]);
        refusal(
            "otpost-radius",
            &ended,
            &[&format!("cannot listen on {address}/udp")],
        );
        refusal("otpost-radius", &ended, &parts);
    }
}

#[test]
fn texts_are_not_kept_in_a_file_in_production() {
    let files = Files::new();
    files.config("environment = \"development\"");
    let inbox = files.text("inbox.jsonl");
    let socket = files.path("run/admin.sock");
    let add = |name: &str| AdminOp::SmsProviderAdd {
        name: name.to_owned(),
        kind: "file".to_owned(),
        priority: None,
        sender: String::new(),
        config: Secret::new(json!({ "path": inbox }).to_string()),
    };
    let mut daemon = files.start();
    admin(&socket, add("inbox")).unwrap();
    assert!(daemon.stop().success());
    // What was set up for a trial does not go on in production.
    fs::remove_file(&inbox).unwrap();
    files.config("environment = \"production\"");
    let mut daemon = files.start();
    let refused = admin(&socket, add("another"));
    match refused {
        Err(CallError::Fault(fault)) => {
            assert_eq!(fault.code, FaultCode::Invalid);
            for part in ["development only", "configure an http transport"] {
                assert!(fault.message.contains(part), "{}", fault.message);
            }
        }
        other => panic!("{other:?}"),
    }
    let log = daemon.log();
    assert!(
        log.contains("this SMS provider cannot be used") && log.contains("development only"),
        "{log}"
    );
    match admin(&socket, AdminOp::Status).unwrap() {
        AdminReply::Status(status) => {
            assert_eq!(status.environment, "production");
            let warned = |part: &str| status.warnings.iter().any(|w| w.contains(part));
            assert!(warned("an SMS provider cannot be used"), "{:?}", status.warnings);
        }
        other => panic!("{other:?}"),
    }
    assert!(!Path::new(&inbox).exists());
    assert!(daemon.stop().success());
}

#[test]
fn otpostctl_says_why_nobody_answers_and_what_to_do() {
    let scratch = Scratch::new();
    let socket = scratch.path().join("admin.sock");
    let named = socket.to_str().unwrap();
    let status = |program: &mut Command| command::run(program.args(["--socket", named, "status"]));
    let ctl = || command::program("otpostctl", [""; 0]);
    let away = status(&mut ctl());
    assert_eq!(away.status.code(), Some(3), "{away:?}");
    refusal("otpostctl", &away, &[named, "otpostd"]);
    // Nobody answers: a daemon that was killed leaves its socket.
    drop(UnixListener::bind(&socket).unwrap());
    let dead = status(&mut ctl());
    assert_eq!(dead.status.code(), Some(3), "{dead:?}");
    refusal("otpostctl", &dead, &[named, "otpostd"]);
    if root() {
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o700)).unwrap();
        let closed = status(ctl().uid(NOBODY).gid(NOBODY));
        assert_eq!(closed.status.code(), Some(3), "{closed:?}");
        refusal("otpostctl", &closed, &[named]);
    } else {
        otpost_tests::skip("needs root: a socket that this user may not open");
    }
    let secret = scratch.path().join("secret");
    fs::write(&secret, "somebody else reads this\n").unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o644)).unwrap();
    let secret = secret.to_str().unwrap();
    let open = run(
        "otpostctl",
        &["--socket", named, "user", "add", "x", "--password-file", secret],
    );
    assert_eq!(open.status.code(), Some(2), "{open:?}");
    refusal("otpostctl", &open, &[secret, "mode 0644", "chmod go= "]);
}

#[test]
fn otpostctl_passes_the_daemons_refusal_on() {
    let stack = Stack::new();
    let socket = stack.socket("admin");
    let named = socket.to_str().unwrap();
    for (args, part) in [
        (&["user", "show", "nobody"][..], "`nobody`"),
        (&["user", "lock", "a\u{7}b"], "otpostctl: "),
        (&["resource", "remove", "none"], "`none`"),
        (
            &["sms", "send-test", "+49 171 2345678"],
            "otpostctl sms countries",
        ),
    ] {
        let ended = command::run(command::program("otpostctl", ["--socket", named]).args(args));
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        refusal("otpostctl", &ended, &[part]);
    }
    // Nor is another socket's refusal a riddle.
    let wrong = stack.socket("pam");
    let ended = run("otpostctl", &["--socket", wrong.to_str().unwrap(), "status"]);
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    refusal("otpostctl", &ended, &["socket"]);
}

/// Waits until `log` holds `part` behind its first `from` octets.
fn logged(program: &Program, from: usize, part: &str) {
    wait_for(&format!("{part:?} in the log"), || {
        program.log().get(from..)?.contains(part).then_some(())
    });
}

#[test]
fn sighup_with_a_mistake_keeps_the_old_configuration_and_a_good_one_takes_effect() {
    let mut stack = Stack::new();
    stack.resource("vpn", ResourceSettings::default());
    stack.start_radius("127.0.0.1:0");
    // Something that each program logs at one of its deeper levels, and how to make it do so.
    let leave = || drop(UnixStream::connect(stack.socket("admin")).unwrap());
    let count = Cell::new(0);
    let change = || {
        let n = count.replace(count.get() + 1);
        stack.client(&format!("gw{n}"), &format!("10.0.{n}.0/24"), "vpn", "local");
    };
    let programs: [(&str, &str, &dyn Fn()); 2] = [
        ("daemon", "a connection did not come about", &leave),
        ("radius", "client table replaced", &change),
    ];
    for (name, noise, act) in programs {
        let file = stack.dir().join(format!("{name}.toml"));
        let program = if name == "daemon" {
            &stack.daemon
        } else {
            &stack.radius
        };
        let program = program.as_ref().unwrap();
        let good = fs::read_to_string(&file).unwrap();
        let line = good.lines().position(|l| l.starts_with("level = ")).unwrap() + 1;
        let level = |level: &str| {
            let text = good.replace("level = \"trace\"", &format!("level = \"{level}\""));
            fs::write(&file, text).unwrap();
        };

        level("loud");
        let from = program.log().len();
        program.signal(Signal::SIGHUP);
        let said = format!("{name}.toml:{line}:9: \"loud\" is not a log level");
        logged(program, from, &said);
        logged(program, from, "stays");
        act();
        logged(program, from, noise);

        level("error");
        program.signal(Signal::SIGHUP);
        // A reload that works says so at level info, which is off now; one that does not is an error.
        wait_for("silence", || {
            let from = program.log().len();
            act();
            level("quiet");
            program.signal(Signal::SIGHUP);
            logged(program, from, "\"quiet\" is not a log level");
            let silent = !program.log()[from..].contains(noise);
            level("error");
            program.signal(Signal::SIGHUP);
            silent.then_some(())
        });

        level("trace");
        let from = program.log().len();
        program.signal(Signal::SIGHUP);
        logged(program, from, "configuration reloaded");
        act();
        logged(program, from, noise);
    }
    for program in [&mut stack.daemon, &mut stack.radius] {
        assert!(program.as_mut().unwrap().stop().success());
    }
}

#[test]
fn sighup_names_what_needs_a_restart() {
    let stack = Stack::new();
    let daemon = stack.daemon.as_ref().unwrap();
    let file = stack.dir().join("daemon.toml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replace("otpost.db", "other.db")).unwrap();
    daemon.signal(Signal::SIGHUP);
    logged(daemon, 0, "needs_restart=\"store\"");
    assert!(!stack.dir().join("data/other.db").exists());
    assert!(stack.try_admin(AdminOp::Status).is_ok());
}

#[test]
fn sigterm_finishes_the_request_and_the_text_in_flight() {
    let mut stack = Stack::new();
    stack.roomy();
    // A gateway that answers only when it is told to.
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = gateway.local_addr().unwrap().port();
    let (begun, seen) = sync_channel::<()>(1);
    let (allow, allowed) = sync_channel::<()>(1);
    let gateway = std::thread::spawn(move || {
        let (stream, _) = gateway.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        for line in reader.by_ref().lines().map_while(Result::ok) {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        begun.send(()).unwrap();
        allowed.recv().unwrap();
        let answer =
            "HTTP/1.1 200 OK\r\nContent-Length: 21\r\nConnection: close\r\n\r\n{\"ok\":1,\"id\":\"m-42\"}\n";
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    });
    let settings = json!({
        "url": format!("http://127.0.0.1:{port}/"),
        "body": { "kind": "form", "fields": [
            { "name": "to", "value": "{to}" }, { "name": "text", "value": "{text}" },
        ] },
        "success": { "status": [200], "json-pointer": "/ok", "equals": 1 },
        "id": { "json-pointer": "/id" },
    });
    provider(&stack, "slow", 1, &settings);
    let socket = stack.socket("admin");
    let test = std::thread::spawn(move || {
        let phone = Secret::new(number(5678));
        admin(
            &socket,
            AdminOp::SmsSendTest {
                phone,
                provider: None,
            },
        )
    });
    seen.recv().unwrap();
    let mut daemon = stack.daemon.take().unwrap();
    daemon.signal(Signal::SIGTERM);
    wait_for("the sockets to close", || {
        stack.try_admin(AdminOp::Status).is_err().then_some(())
    });
    assert!(daemon.ended().is_none(), "it waits for what is in flight");
    allow.send(()).unwrap();
    match test.join().unwrap() {
        Ok(AdminReply::SendTest {
            state, provider_id, ..
        }) => {
            assert_eq!(
                (state.as_str(), provider_id.as_deref()),
                ("accepted", Some("m-42"))
            );
        }
        other => panic!("{other:?}"),
    }
    let status = wait_for("otpostd to end", || daemon.ended());
    assert_eq!(
        (status.code(), status.signal()),
        (Some(0), None),
        "{}",
        daemon.log()
    );
    gateway.join().unwrap();
    // What came of the text is stored.
    stack.start_daemon();
    match stack.admin(AdminOp::SmsMessages {
        limit: 10,
        after: None,
    }) {
        AdminReply::Messages { messages, .. } => {
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].state, "accepted");
        }
        other => panic!("{other:?}"),
    }
}

/// A program with a service manager's socket.
struct Notified {
    child: Child,
    socket: UnixDatagram,
    said: VecDeque<String>,
}

impl Notified {
    fn start(mut command: Command, path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let child = command
            .env("NOTIFY_SOCKET", path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            socket,
            said: VecDeque::new(),
        }
    }

    /// The next thing it tells the service manager must be this.
    fn next(&mut self, expected: &str) {
        while self.said.is_empty() {
            let mut buffer = [0; 1024];
            let length = self.socket.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            self.said.extend(text.lines().map(str::to_owned));
        }
        assert_eq!(self.said.pop_front().unwrap(), expected);
    }
}

impl Drop for Notified {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_service_manager_hears_ready_when_it_serves_and_stopping_when_it_stops() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let files = Files::new();
        let radius = files.path("radius.toml");
        let socket = files.text("run/radius.sock");
        fs::write(
            &radius,
            format!("listen = [\"127.0.0.1:0\"]\nsocket = \"{socket}\"\n"),
        )
        .unwrap();
        let radius = command::program("otpost-radius", ["--config", radius.to_str().unwrap()]);
        for command in [files.daemon(), radius] {
            let daemon = command.get_program() == files.daemon().get_program();
            let mut running = Notified::start(command, &files.path("notify"));
            running.next("READY=1");
            if daemon {
                assert!(admin(&files.path("run/admin.sock"), AdminOp::Status).is_ok());
            }
            kill(Pid::from_raw(running.child.id().try_into().unwrap()), signal).unwrap();
            running.next("STOPPING=1");
            let status = wait_for("the program to end", || running.child.try_wait().unwrap());
            assert_eq!(status.code(), Some(0));
            fs::remove_file(files.path("notify")).unwrap();
        }
    }
}
