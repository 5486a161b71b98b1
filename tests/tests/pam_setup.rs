//! `scripts/setup.sh` installs nothing unasked, and keeps servers from starting while packages are installed.
//!
//! It runs in a mount namespace with a /usr/sbin of its own, and with a PATH of our own: package manager, cargo and sudo
//! only write down what they are asked.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use otpost_tests::command::{Ended, run};
use otpost_tests::pamstack::wait_for;
use otpost_tests::stack::Scratch;
use otpost_tests::terminal::{CTRL_C, CTRL_D, Terminal};

/// What the script may run of the system's.
const TOOLS: [&str; 9] = [
    "bash", "sh", "cat", "chmod", "dirname", "env", "mkdir", "rm", "tee",
];

/// Writes down its arguments, what policy-rc.d would have said to a server that wants to start, and how apt-get is told
/// to ask nothing; then does what the test wants.
const APT_GET: &str = r#"
if [ -e /usr/sbin/policy-rc.d ]; then
    policy=0
    /usr/sbin/policy-rc.d ssh start || policy=$?
else
    policy=none
fi
echo "apt-get $* [policy $policy] [${DEBIAN_FRONTEND:-asks}]" >>"$GROUND/log"
if [ -e "$GROUND/hang-at-$1" ]; then
    cat "$GROUND/never"
fi
! [ -e "$GROUND/fail-at-$1" ]
"#;
/// Knows the packages in a list.
const DPKG_QUERY: &str = r#"
for name; do :; done
while read -r known; do
    [ "$known" != "$name" ] || { echo installed; exit; }
done <"$GROUND/installed"
echo "dpkg-query: no packages found matching $name" >&2
exit 1
"#;
const SUDO: &str = r#"
echo "sudo $*" >>"$GROUND/log"
exec "$@"
"#;
const CARGO: &str = r#"
echo "cargo $*" >>"$GROUND/log"
"#;
const ID: &str = r#"
[ "$*" = -u ]
cat "$GROUND/uid"
"#;

/// Mounts `$1` over /usr/sbin and runs the rest.
const ENTER: &str = "set -eu; mount --bind \"$1\" /usr/sbin; shift; exec \"$@\"";

/// What `setup.sh check` asks for, in its order.
fn packages(list: &str) -> Vec<String> {
    let script = fs::read_to_string(script()).unwrap();
    let (_, rest) = script.split_once(&format!("\n{list}=(")).unwrap();
    let (inside, _) = rest.split_once(')').unwrap();
    inside
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace())
        .map(str::to_owned)
        .collect()
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/setup.sh")
}

struct Ground(Scratch);

impl Ground {
    /// Root's machine with gcc and libc6-dev installed, and no policy-rc.d; `None` where there can be none.
    fn or_skip() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            otpost_tests::skip("needs root: it mounts over /usr/sbin in a namespace of its own");
            return None;
        }
        let ground = Self(Scratch::new());
        for directory in ["bin", "sbin"] {
            fs::create_dir(ground.path(directory)).unwrap();
        }
        for tool in TOOLS {
            let found = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(tool));
            let found = found.iter().find(|path| path.exists());
            symlink(
                found.unwrap_or_else(|| panic!("no {tool}")),
                ground.path("bin").join(tool),
            )
            .unwrap();
        }
        for (name, body) in [
            ("apt-get", APT_GET),
            ("dpkg-query", DPKG_QUERY),
            ("sudo", SUDO),
            ("cargo", CARGO),
            ("cargo-nextest", CARGO),
            ("cargo-deny", CARGO),
            ("id", ID),
        ] {
            ground.program(name, body);
        }
        ground.write("log", "");
        ground.write("uid", "0\n");
        ground.write("installed", "gcc\nlibc6-dev\n");
        let entered = ground.enter(&["/bin/true"]).output().unwrap();
        if !entered.status.success() {
            let why = String::from_utf8_lossy(&entered.stderr).trim().to_owned();
            otpost_tests::skip(&format!("needs a mount namespace: {why}"));
            return None;
        }
        Some(ground)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{body}")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn without(&self, program: &str) {
        fs::remove_file(self.path("bin").join(program)).unwrap();
    }

    /// policy-rc.d as the script sees it.
    fn policy(&self) -> PathBuf {
        self.path("sbin/policy-rc.d")
    }

    fn enter(&self, inside: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private"])
            .args(["/bin/sh", "-c", ENTER, "sh"])
            .arg(self.path("sbin"))
            .args(inside)
            .stdin(Stdio::null());
        command
    }

    /// The script's command line.
    fn line(&self, what: &str, ci: bool) -> Vec<String> {
        let ci = if ci { "CI=true" } else { "CI=" };
        // unshare itself, and mount, are the system's.
        vec![
            "/usr/bin/env".to_owned(),
            "-i".to_owned(),
            format!("PATH={}", self.path("bin").display()),
            format!("GROUND={}", self.0.path().display()),
            ci.to_owned(),
            script().to_str().unwrap().to_owned(),
            what.to_owned(),
        ]
    }

    fn setup(&self, what: &str, ci: bool) -> Command {
        let line = self.line(what, ci);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        self.enter(&line)
    }

    /// The script at a terminal, where it has asked.
    fn asked(&self) -> Terminal {
        let mut terminal = Terminal::with(
            self.enter(&["/usr/bin/script"]),
            &self.line("check", false).join(" "),
        );
        let before = terminal.shows("Their servers will not be started. [y/N] ");
        // Whoever is asked knows for what.
        let missing = format!("setup: these packages are missing: {}", missing().join(" "));
        assert!(before.contains(&missing), "{before}");
        assert_eq!(self.log(), Vec::<String>::new(), "before the answer");
        assert!(!self.policy().exists());
        terminal
    }

    /// Runs the script; gives how it ended, and what was asked of the programs.
    fn run(&self, what: &str, ci: bool) -> (Ended, Vec<String>) {
        let ended = run(&mut self.setup(what, ci));
        (ended, self.log())
    }

    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.lines().map(str::to_owned).collect()
    }
}

fn update(policy: &str) -> String {
    format!("apt-get update -q [policy {policy}] [asks]")
}

fn install(policy: &str, packages: &[String]) -> String {
    format!(
        "apt-get install -q -y --no-install-recommends {} [policy {policy}] [noninteractive]",
        packages.join(" ")
    )
}

/// What `check` asks for on a machine that has the compiler.
fn missing() -> Vec<String> {
    let all = packages("CHECK");
    assert!(all.len() > 15, "{all:?}");
    assert!(all.iter().any(|name| name == "freeradius"), "{all:?}");
    let missing: Vec<String> = (all.iter())
        .filter(|name| !["gcc", "libc6-dev"].contains(&name.as_str()))
        .cloned()
        .collect();
    assert_eq!(missing.len() + 2, all.len());
    missing
}

#[test]
fn without_ci_and_terminal_nothing_is_installed() {
    let Some(ground) = Ground::or_skip() else { return };
    let (ended, log) = ground.run("check", false);
    let line = format!("apt-get install --no-install-recommends {}", missing().join(" "));
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(
        ended.err,
        format!(
            "setup: packages are missing, and there is no terminal to ask at. As root, run: {line} (or set CI=true)\n"
        )
    );
    assert_eq!((ended.out.as_str(), log), ("", Vec::new()));
    assert!(!ground.policy().exists());
}

#[test]
fn a_yes_at_the_terminal_installs_what_was_named() {
    let Some(ground) = Ground::or_skip() else { return };
    for yes in ["y\n", "Y\n", "yes\n", " y \n"] {
        ground.write("log", "");
        let mut terminal = ground.asked();
        terminal.types(yes);
        let (success, shown) = terminal.end();
        assert!(success, "{yes:?}: {shown}");
        let fetched = "cargo fetch --locked --quiet".to_owned();
        let asked = [update("101"), install("101", &missing()), fetched];
        assert_eq!(ground.log(), asked, "{yes:?}: {shown}");
        assert!(!ground.policy().exists(), "{yes:?}");
    }
}

#[test]
fn anything_else_at_the_terminal_installs_nothing_and_says_what_to_run() {
    let Some(ground) = Ground::or_skip() else { return };
    let line = format!("apt-get install --no-install-recommends {}", missing().join(" "));
    let said = format!("setup: nothing was installed. As root, run: {line}");
    // Behind a `y` without Return, the first Ctrl-D sends the letter and the second ends the input.
    let half = format!("y{CTRL_D}{CTRL_D}");
    for answer in ["n\n", "N\n", "no\n", "\n", "yep\n", "y n\n", CTRL_D, &half] {
        let mut terminal = ground.asked();
        terminal.types(answer);
        let (success, shown) = terminal.end();
        assert!(!success, "{answer:?}: {shown}");
        let last = shown.trim_end().lines().last().unwrap_or_default();
        assert_eq!(last, said, "{answer:?}: {shown}");
        assert_eq!(ground.log(), Vec::<String>::new(), "{answer:?}");
        assert!(!ground.policy().exists(), "{answer:?}");
    }
    let mut terminal = ground.asked();
    terminal.types(CTRL_C);
    let (success, shown) = terminal.end();
    assert!(!success, "{shown}");
    assert_eq!(ground.log(), Vec::<String>::new());
    assert!(!ground.policy().exists());
}

#[test]
fn in_ci_servers_do_not_start_while_packages_are_installed() {
    let Some(ground) = Ground::or_skip() else { return };
    let (ended, log) = ground.run("check", true);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let fetched = "cargo fetch --locked --quiet".to_owned();
    assert_eq!(log, [update("101"), install("101", &missing()), fetched]);
    assert!(!ground.policy().exists());
}

#[test]
fn what_is_there_already_is_not_installed_again() {
    let Some(ground) = Ground::or_skip() else { return };
    ground.write("installed", &(packages("CHECK").join("\n") + "\n"));
    for ci in [true, false] {
        ground.write("log", "");
        let (ended, log) = ground.run("check", ci);
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert_eq!(log, ["cargo fetch --locked --quiet"]);
        assert!(!ground.policy().exists());
    }
}

#[test]
fn servers_may_start_again_after_a_failure() {
    let Some(ground) = Ground::or_skip() else { return };
    for step in ["update", "install"] {
        ground.write("log", "");
        ground.write(&format!("fail-at-{step}"), "");
        let (ended, log) = ground.run("check", true);
        assert!(!ended.status.success(), "{step}: {ended:?}");
        let asked = [update("101"), install("101", &missing())];
        let expected = if step == "update" { &asked[..1] } else { &asked[..] };
        assert_eq!(log, expected);
        assert!(!ground.policy().exists(), "after {step}");
        fs::remove_file(ground.path(&format!("fail-at-{step}"))).unwrap();
    }
}

/// The script with a process group of its own, which ends with the value.
struct Foreground(Child);

impl Foreground {
    fn signal(&self, signal: Signal) {
        let _ = killpg(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal);
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        // Not waited for yet, so the number is still the group's.
        if let Ok(None) = self.0.try_wait() {
            self.signal(Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

#[test]
fn servers_may_start_again_after_an_interrupt() {
    let Some(ground) = Ground::or_skip() else { return };
    nix::unistd::mkfifo(&ground.path("never"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    ground.write("hang-at-install", "");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        ground.write("log", "");
        let mut script = ground.setup("check", true);
        // As a terminal does it: everything in the foreground gets the signal.
        let script = script
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut script = Foreground(script.spawn().unwrap());
        wait_for("apt-get to hang", || (ground.log().len() == 2).then_some(()));
        assert!(ground.policy().exists());
        script.signal(signal);
        let status = wait_for("the script to end", || script.0.try_wait().unwrap());
        assert!(!status.success(), "{signal}: {status}");
        assert!(!ground.policy().exists(), "after {signal}");
    }
}

#[test]
fn a_policy_that_is_there_already_stays_as_it_is() {
    let Some(ground) = Ground::or_skip() else { return };
    let policy = ground.policy();
    fs::write(&policy, "#!/bin/sh\nexit 104\n").unwrap();
    fs::set_permissions(&policy, Permissions::from_mode(0o750)).unwrap();
    let state = || {
        let meta = fs::metadata(&policy).unwrap();
        let file = (meta.ino(), meta.mode(), meta.mtime(), meta.mtime_nsec());
        (fs::read_to_string(&policy).unwrap(), file)
    };
    let before = state();
    for (fails, status) in [(false, 0), (true, 1)] {
        ground.write("log", "");
        if fails {
            ground.write("fail-at-install", "");
        }
        let (ended, log) = ground.run("check", true);
        assert_eq!(ended.status.code(), Some(status), "{ended:?}");
        let asked = [update("104"), install("104", &missing())];
        assert_eq!(log.get(..2), Some(&asked[..]));
        assert_eq!(state(), before);
    }
}

#[test]
fn without_root_it_takes_sudo_or_says_what_to_run() {
    let Some(ground) = Ground::or_skip() else { return };
    ground.write("uid", "1000\n");
    ground.write("installed", "");
    let demo = packages("DEMO");
    let line = format!("apt-get install --no-install-recommends {}", demo.join(" "));
    // There is no cc in our PATH.
    let (ended, log) = ground.run("demo", true);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let (asked, by_sudo): (Vec<_>, Vec<_>) = log.into_iter().partition(|line| line.starts_with("apt-get "));
    assert_eq!(asked, [update("101"), install("101", &demo)]);
    assert_eq!(
        by_sudo,
        [
            "sudo tee /usr/sbin/policy-rc.d",
            "sudo chmod 0755 /usr/sbin/policy-rc.d",
            "sudo apt-get update -q",
            &format!(
                "sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {}",
                demo.join(" ")
            ),
            "sudo rm -f /usr/sbin/policy-rc.d",
        ]
    );
    assert!(!ground.policy().exists());

    ground.write("log", "");
    ground.without("sudo");
    for ci in [true, false] {
        let (ended, log) = ground.run("demo", ci);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert_eq!(
            ended.err,
            format!(
                "setup: packages are missing, and this is neither root nor is there sudo. As root, run: {line}\n"
            )
        );
        assert_eq!(log, Vec::<String>::new());
    }
}

#[test]
fn a_compiler_of_any_kind_is_enough_for_the_demonstration() {
    let Some(ground) = Ground::or_skip() else { return };
    ground.write("installed", "");
    ground.program("cc", "");
    let (ended, log) = ground.run("demo", false);
    assert_eq!((ended.status.code(), ended.err.as_str()), (Some(0), ""));
    assert_eq!(log, Vec::<String>::new());
}

#[test]
fn in_ci_everything_must_be_possible() {
    let Some(ground) = Ground::or_skip() else { return };
    let packages = packages("CHECK");
    ground.write("installed", &(packages.join("\n") + "\n"));
    ground.write("uid", "1000\n");
    for (ci, code, part) in [(true, 1, "CI must run as root"), (false, 0, "not root: ")] {
        let (ended, _) = ground.run("check", ci);
        assert_eq!(ended.status.code(), Some(code), "{ended:?}");
        assert!(ended.err.contains(part), "{ended:?}");
    }
    ground.write("uid", "0\n");
    ground.without("dpkg-query");
    for (ci, code, part) in [
        (true, 1, "CI needs Debian 12".to_owned()),
        (
            false,
            0,
            format!("must be installed by hand:\n    {}\n", packages.join(" ")),
        ),
    ] {
        let (ended, log) = ground.run("check", ci);
        assert_eq!(ended.status.code(), Some(code), "{ended:?}");
        assert!(ended.err.contains(&part), "{ended:?}");
        assert!(log.iter().all(|line| line.starts_with("cargo ")), "{log:?}");
    }
}
