//! What a program may not open, it names together with what mends it, and ends with a failure: run as a user who owns nothing,
//! against files of root's.
#![expect(clippy::unwrap_used, reason = "test")]

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use otpost_tests::command::{self, Ended, readable, refusal};
use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::{Program, Scratch, Stack};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// A directory that anybody may enter; `closed` in it is for root alone.
struct Ground(Scratch);

impl Ground {
    /// `None` where nothing can belong to somebody else.
    fn or_skip() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            otpost_tests::skip("needs root: files that a user may not open");
            return None;
        }
        let ground = Self(Scratch::new());
        open(ground.0.path(), 0o755);
        ground.directory("closed", 0o700, 0);
        Some(ground)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn directory(&self, name: &str, mode: u32, owner: u32) {
        let path = self.path(name);
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        open(&path, mode);
        chown(&path, Some(owner), Some(owner)).unwrap();
    }

    fn file(&self, name: &str, text: &str, mode: u32, owner: u32) {
        let path = self.path(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        open(&path, mode);
        chown(&path, Some(owner), Some(owner)).unwrap();
    }

    /// A daemon of nobody's: `data` and `run` are its own, anew.
    fn daemon(&self, data: &str, key: &str, sockets: &str, further: &str) -> Command {
        let (data, key, sockets) = (self.text(data), self.text(key), self.text(sockets));
        let config = format!(
            "[store]\npath = \"{data}/otpost.db\"\n[keys]\nmaster-key-{key}\n\
             [sockets]\ndirectory = \"{sockets}\"\n{further}\n[passwords]\nmemory-kib = 64\npasses = 1\n",
            key = if key.ends_with("credential") {
                "credential = \"key\"".to_owned()
            } else {
                format!("file = \"{key}\"")
            },
        );
        self.file("daemon.toml", &config, 0o644, 0);
        let file = self.text("daemon.toml");
        as_nobody("otpostd", &["--config", &file])
    }

    /// What a daemon of nobody's has for itself.
    fn own(&self) {
        self.directory("data", 0o700, NOBODY);
        self.directory("run", 0o755, NOBODY);
    }

    fn refused(&self, daemon: (&str, &str, &str, &str), parts: &[&str]) {
        let (data, key, sockets, further) = daemon;
        let ended = command::run(&mut self.daemon(data, key, sockets, further));
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        refusal("otpostd", &ended, parts);
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A program with the rights of nobody, and of no group.
fn as_nobody(program: &str, args: &[&str]) -> Command {
    let mut command = command::program(program, args);
    command.uid(NOBODY).gid(NOBODY).current_dir("/");
    command
}

fn run(program: &str, args: &[&str]) -> Ended {
    command::run(&mut as_nobody(program, args))
}

#[test]
fn a_configuration_that_only_root_may_read_is_named() {
    let Some(ground) = Ground::or_skip() else { return };
    ground.file("closed/some.toml", "", 0o644, 0);
    ground.file("some.toml", "", 0o600, 0);
    for file in ["closed/some.toml", "some.toml"] {
        let named = ground.text(file);
        let parts = [
            named.as_str(),
            "cannot be read: permission denied",
            "let the service's user read it",
            "namei -l",
        ];
        for (program, option) in [("otpostd", "--daemon"), ("otpost-radius", "--radius")] {
            for args in [&["--config", &named][..], &["--config", &named, "--check"]] {
                let ended = run(program, args);
                assert_eq!(ended.status.code(), Some(1), "{ended:?}");
                refusal(program, &ended, &parts);
            }
            // A report on files: it goes to standard output.
            let checked = run("otpostctl", &["config", "check", option, &named]);
            assert_eq!(checked.status.code(), Some(1), "{checked:?}");
            readable(&checked.out);
            for part in parts {
                assert!(checked.out.contains(part), "{part:?}: {checked:?}");
            }
        }
    }
}

#[test]
fn key_and_database_that_belong_to_root_are_named() {
    let Some(ground) = Ground::or_skip() else { return };
    let key = "5a".repeat(32);
    // The directory, and the way to it.
    ground.own();
    ground.directory("closed/data", 0o700, NOBODY);
    ground.refused(
        ("closed/data", "data/key", "run", ""),
        &[&ground.text("closed/data"), "permission denied", "namei -l "],
    );
    ground.refused(
        ("closed", "data/key", "run", ""),
        &[&ground.text("closed/otpost.db"), "must own the database's files"],
    );
    // The master key: not to be made, not to be read, not even to be looked for.
    ground.refused(
        ("data", "closed/key", "run", ""),
        &[&ground.text("closed/key"), "Permission denied", "mode 0700"],
    );
    ground.file("closed/key", &key, 0o400, NOBODY);
    ground.refused(
        ("data", "closed/key", "run", ""),
        &[&ground.text("closed/key"), "ermission denied"],
    );
    ground.file("data/key", &key, 0o400, 0);
    ground.refused(
        ("data", "data/key", "run", ""),
        &[
            &ground.text("data/key"),
            "cannot be read: permission denied",
            "let the service's user read it",
        ],
    );
    // A credential of another unit.
    ground.file("closed/key", &key, 0o400, 0);
    let mut daemon = ground.daemon("data", "credential", "run", "");
    let ended = command::run(daemon.env("CREDENTIALS_DIRECTORY", ground.path("closed")));
    refusal(
        "otpostd",
        &ended,
        &[&ground.text("closed/key"), "cannot be read: permission denied"],
    );
    // The database and the files beside it, and a directory without the right to make one.
    for name in ["otpost.db", "otpost.db-wal", "otpost.db.lock"] {
        ground.own();
        ground.file("data/key", &key, 0o400, NOBODY);
        ground.file(&format!("data/{name}"), "", 0o600, 0);
        ground.refused(
            ("data", "data/key", "run", ""),
            &[
                &ground.text(&format!("data/{name}")),
                "must own the database's files",
                "ls -l ",
            ],
        );
    }
    ground.own();
    ground.file("data/key", &key, 0o400, NOBODY);
    open(&ground.path("data"), 0o500);
    ground.refused(
        ("data", "data/key", "run", ""),
        &[
            &ground.text("data/otpost.db"),
            "Permission denied",
            "must own the database's files",
        ],
    );
    // Nothing of this was made in spite of it.
    assert_eq!(fs::read_dir(ground.path("data")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(ground.path("run")).unwrap().count(), 0);
}

#[test]
fn a_place_for_sockets_that_is_root_s_is_named() {
    let Some(ground) = Ground::or_skip() else { return };
    ground.own();
    ground.directory("open", 0o755, 0);
    for (sockets, socket, said) in [
        ("closed", "closed/pam.sock", "cannot make the socket"),
        ("open", "open/pam.sock", "cannot make the socket"),
        ("closed/deeper", "closed/deeper", "namei -l "),
        ("open/deeper", "open/deeper", "create it"),
    ] {
        ground.refused(("data", "data/key", sockets, ""), &[&ground.text(socket), said]);
    }
    for (further, socket, owner) in [
        ("radius-user = \"root\"", "run/radius.sock", "root"),
        ("admin-group = \"root\"", "run/admin.sock", "root"),
    ] {
        ground.own();
        ground.refused(
            ("data", "data/key", "run", further),
            &[
                &ground.text(socket),
                &format!("cannot give the socket to {owner}"),
                "start otpostd as root or as a member of that group",
            ],
        );
    }
}

#[test]
fn a_port_that_only_root_may_have_is_named() {
    let Some(ground) = Ground::or_skip() else { return };
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let first: u16 = first.trim().parse().unwrap();
    let Some(port) = first.checked_sub(1).filter(|port| *port > 0) else {
        otpost_tests::skip("needs ports that only root may have (net.ipv4.ip_unprivileged_port_start)");
        return;
    };
    let config = format!(
        "listen = [\"127.0.0.1:{port}\"]\nsocket = \"{}\"\n",
        ground.text("radius.sock")
    );
    ground.file("radius.toml", &config, 0o644, 0);
    let ended = run("otpost-radius", &["--config", &ground.text("radius.toml")]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let listen = format!("cannot listen on 127.0.0.1:{port}/udp: Permission denied");
    refusal(
        "otpost-radius",
        &ended,
        &[&listen, "CAP_NET_BIND_SERVICE", "use 1812"],
    );
}

/// otpost-radius as nobody, until its log says why nothing is answered and it was `refused` often enough; then it stops when
/// it is told to.
fn radius_says(ground: &Ground, socket: &Path, refused: impl Fn() -> bool, parts: &[&str]) {
    let config = format!(
        "listen = [\"127.0.0.1:0\"]\nsocket = \"{}\"\n[log]\nlevel = \"info\"\n",
        socket.display()
    );
    ground.file("radius.toml", &config, 0o644, 0);
    let mut command = as_nobody("otpost-radius", &["--config", &ground.text("radius.toml")]);
    let mut radius = Program::spawn(&mut command, &ground.path("radius.log"));
    let line = wait_for("the reason in the log", || {
        assert!(radius.ended().is_none(), "{}", radius.log());
        let log = radius.log();
        log.lines().find(|line| line.contains("WARN")).map(str::to_owned)
    });
    for part in parts {
        assert!(line.contains(part), "{part:?}: {line}");
    }
    readable(&line);
    wait_for("further tries", || refused().then_some(()));
    assert!(radius.stop().success(), "{}", radius.log());
    // However often it tries, it says so once.
    assert_eq!(radius.log().matches("WARN").count(), 1, "{}", radius.log());
}

#[test]
fn sockets_that_a_user_may_not_open_are_named() {
    let Some(ground) = Ground::or_skip() else { return };
    let stack = Stack::new();
    let admin = stack.socket("admin");
    let named = admin.to_str().unwrap();
    let status = |socket: &str| run("otpostctl", &["--socket", socket, "status"]);
    let help = [named, "nobody may not open", "run this as root", "`admin-group`"];
    // First the directory is closed, then the socket.
    for mode in [0o700, 0o711] {
        open(stack.dir(), mode);
        let ended = status(named);
        assert_eq!(ended.status.code(), Some(3), "{ended:?}");
        refusal("otpostctl", &ended, &help);
        radius_says(
            &ground,
            &stack.socket("radius"),
            || true,
            &[
                "no request is answered",
                "radius.sock",
                "Permission denied",
                "may this user open the socket?",
            ],
        );
    }
    // Whoever opens the files to everybody has not let everybody in.
    for role in ["admin", "radius"] {
        open(&stack.socket(role), 0o666);
    }
    let ended = status(named);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    refusal(
        "otpostctl",
        &ended,
        &["this user may not use this socket", "`admin-group`", "ref "],
    );
    radius_says(
        &ground,
        &stack.socket("radius"),
        || {
            let log = stack.daemon.as_ref().unwrap().log();
            log.matches("via=\"radius.sock\"").count() >= 3
        },
        &[
            "no request is answered",
            "this user may not use this socket",
            "`radius-user`",
        ],
    );
    let ended = status(stack.socket("pam").to_str().unwrap());
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    refusal(
        "otpostctl",
        &ended,
        &["only root may ask for logins", "`lockers`"],
    );
}

#[test]
fn otpostctl_names_a_file_that_it_may_not_read_or_make() {
    let Some(ground) = Ground::or_skip() else { return };
    ground.file("secret", "correct horse\n", 0o600, 0);
    ground.file("closed/secret", "correct horse\n", 0o644, 0);
    let socket = ground.text("admin.sock");
    for file in ["secret", "closed/secret"] {
        let named = ground.text(file);
        let ended = run(
            "otpostctl",
            &["--socket", &socket, "user", "add", "x", "--password-file", &named],
        );
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        refusal(
            "otpostctl",
            &ended,
            &[&named, "cannot be read: permission denied", "ls -l"],
        );
    }
    let closed = ground.text("closed");
    let ended = command::run(as_nobody("otpostctl", &["demo"]).env("TMPDIR", &closed));
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    refusal(
        "otpostctl",
        &ended,
        &[
            &closed,
            "cannot be made: permission denied",
            "set TMPDIR to a directory with room that you may write to",
        ],
    );
}
