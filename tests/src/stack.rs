//! The real programs, started as systemd would, in a directory and on ports of their own.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otpost_ipc::admin::{AccessSet, AdminOp, AdminReply, ClientSet, ResourceSettings, SmsPolicySet, UserAdd};
use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_ipc::{Fault, Role, Secret};
use serde::Deserialize;

use crate::clock::Clock;
use crate::pamstack::{target_dir, wait_for};

/// Shared secret of the RADIUS client that [`Stack::vpn`] makes.
pub const SECRET: &str = "testing123testing123";
/// Password of the users that [`Stack::user`] makes.
pub const PASSWORD: &str = "correct horse";

/// A directory that goes away with its value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A fresh directory of mode 0700 with a short path, as socket paths are limited.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otpost-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .expect("a scratch directory");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program under test; killed when dropped. Its log goes to a file.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
    /// Where its own log starts: the file is shared by all starts.
    from: usize,
}

impl Program {
    /// Starts `name` of this build with `--config config`.
    ///
    /// # Panics
    /// When the program is missing: build the workspace first.
    #[must_use]
    pub fn start(name: &str, config: &Path, log: &Path) -> Self {
        let mut command = Command::new(target_dir().join(name));
        command.arg("--config").arg(config);
        Self::spawn(&mut command, log)
    }

    /// Starts `command`, which reads nothing and logs to its standard error.
    ///
    /// # Panics
    /// When the program is missing: build the workspace first.
    #[must_use]
    pub fn spawn(command: &mut Command, log: &Path) -> Self {
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let from = fs::read(log).map_or(0, |before| before.len());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}; run cargo build --workspace"));
        Self {
            child,
            log: log.to_owned(),
            from,
        }
    }

    /// Everything it logged since this start.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.get(self.from..).unwrap_or_default().to_owned()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).map_or_else(|_| Pid::this(), Pid::from_raw);
        let _ = kill(pid, signal);
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power cut of the process would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop and waits.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        wait_for("a program to stop", || self.child.try_wait().ok().flatten())
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let mut err = std::io::stderr();
            for line in tail.iter().rev() {
                let _ = writeln!(err, "{}: {line}", self.log.display());
            }
        }
    }
}

/// A text as the development inbox keeps it.
#[derive(Debug, Clone, Deserialize)]
pub struct Texted {
    /// Number.
    pub to: String,
    /// Words.
    pub text: String,
    /// Reference of the login.
    pub reference: String,
}

impl Texted {
    /// The code in it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn code(&self) -> String {
        self.text
            .split(|c: char| !c.is_ascii_digit())
            .find(|part| (6..=8).contains(&part.len()))
            .unwrap_or_else(|| panic!("no code in a text of {} characters", self.text.len()))
            .to_owned()
    }

    /// The label in it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn label(&self) -> String {
        let (_, rest) = self.text.split_once("login code ").expect("a label");
        rest.chars().take(2).collect()
    }
}

/// otpostd and, where asked for, otpost-radius, with a database of their own.
#[derive(Debug)]
pub struct Stack {
    /// The daemon; `None` while it is stopped.
    pub daemon: Option<Program>,
    /// The RADIUS server, where one was started.
    pub radius: Option<Program>,
    /// What the daemon's wall clock shows, where it is not the machine's.
    pub clock: Option<Clock>,
    address: Option<SocketAddr>,
    scratch: Scratch,
}

impl Stack {
    /// otpostd alone, logging at trace level, development environment, cheap passwords.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn new() -> Self {
        Self::with("")
    }

    /// As [`Self::new`], with further lines of configuration.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn with(further: &str) -> Self {
        Self::build(further, false)
    }

    /// As [`Self::new`], with a wall clock that [`Clock::pass`] puts forward.
    ///
    /// # Panics
    /// When it does not come up, or without a C compiler.
    #[must_use]
    pub fn with_clock() -> Self {
        Self::build("", true)
    }

    fn build(further: &str, clock: bool) -> Self {
        let scratch = Scratch::new();
        let dir = scratch.path();
        let config = format!(
            "environment = \"development\"\n\
             [store]\npath = \"{dir}/data/otpost.db\"\n\
             [keys]\nmaster-key-file = \"{dir}/data/master.key\"\n\
             [sockets]\ndirectory = \"{dir}/run\"\n\
             [log]\nlevel = \"trace\"\n\
             [passwords]\nmemory-kib = 64\npasses = 1\n{further}",
            dir = dir.display()
        );
        for (name, mode) in [("data", 0o700), ("run", 0o755)] {
            DirBuilder::new()
                .mode(mode)
                .create(dir.join(name))
                .expect("a directory");
        }
        fs::write(dir.join("daemon.toml"), config).expect("a configuration file");
        let mut stack = Self {
            daemon: None,
            radius: None,
            clock: clock.then(|| Clock::new(scratch.path())),
            address: None,
            scratch,
        };
        stack.start_daemon();
        stack
    }

    /// Starts the daemon (again).
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_daemon(&mut self) {
        let dir = self.dir().to_owned();
        let mut command = Command::new(target_dir().join("otpostd"));
        command.arg("--config").arg(dir.join("daemon.toml"));
        if let Some(clock) = &self.clock {
            clock.set(&mut command);
        }
        let mut program = Program::spawn(&mut command, &dir.join("daemon.log"));
        wait_for("otpostd to answer", || {
            if let Some(status) = program.ended() {
                panic!("otpostd ended with {status}: {}", program.log());
            }
            self.try_admin(AdminOp::Status).ok()
        });
        self.daemon = Some(program);
    }

    /// Starts otpost-radius on a loopback port of its own.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_radius(&mut self, listen: &str) {
        let dir = self.dir().to_owned();
        let config = format!(
            "listen = [\"{listen}\"]\nsocket = \"{}/run/radius.sock\"\n[log]\nlevel = \"trace\"\n",
            dir.display()
        );
        let file = dir.join("radius.toml");
        fs::write(&file, config).expect("a configuration file");
        let mut program = Program::start("otpost-radius", &file, &dir.join("radius.log"));
        let address = wait_for("otpost-radius to listen and to have its clients", || {
            if let Some(status) = program.ended() {
                panic!("otpost-radius ended with {status}: {}", program.log());
            }
            let log = program.log();
            log.contains("connected to otpostd")
                .then(|| listening(&log))
                .flatten()
        });
        self.address = Some(address);
        self.radius = Some(program);
    }

    /// Where otpost-radius listens.
    ///
    /// # Panics
    /// When it was not started.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address.expect("otpost-radius was started")
    }

    /// Everything is below this directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// A role socket.
    #[must_use]
    pub fn socket(&self, role: &str) -> PathBuf {
        self.dir().join("run").join(format!("{role}.sock"))
    }

    /// Asks the daemon as an administrator would.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub fn try_admin(&self, op: AdminOp) -> Result<AdminReply, CallError> {
        let deadline = Deadline::after(Duration::from_secs(30));
        Client::<AdminOp, AdminReply>::connect(&self.socket("admin"), Role::Admin, deadline)?.call(op)
    }

    /// Asks the daemon; it must agree.
    ///
    /// # Panics
    /// When it does not.
    pub fn admin(&self, op: AdminOp) -> AdminReply {
        let shown = format!("{op:?}");
        self.try_admin(op).unwrap_or_else(|e| panic!("{shown}: {e}"))
    }

    /// Asks the daemon; it must refuse.
    ///
    /// # Panics
    /// When it does not.
    pub fn refused(&self, op: AdminOp) -> Fault {
        let shown = format!("{op:?}");
        match self.try_admin(op) {
            Err(CallError::Fault(fault)) => fault,
            other => panic!("{shown}: {other:?}"),
        }
    }

    /// Time passes for the daemon.
    ///
    /// # Panics
    /// When it has the machine's clock.
    pub fn pass(&self, seconds: i64) {
        self.clock.as_ref().expect("a clock of its own").pass(seconds);
    }

    /// Texts to Germany through the development inbox, with room for as many as a test needs.
    pub fn inbox(&self) {
        let path = self.dir().join("inbox.jsonl");
        self.admin(AdminOp::SmsProviderAdd {
            name: "inbox".to_owned(),
            kind: "file".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::new(serde_json::json!({ "path": path }).to_string()),
        });
        self.roomy();
    }

    /// Budgets that no test reaches.
    pub fn roomy(&self) {
        let many = Some(1_000_000);
        self.admin(AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(vec!["DE".to_owned()]),
            number_hour: many,
            number_day: many,
            user_hour: many,
            user_day: many,
            source_hour: many,
            source_day: many,
            all_minute: many,
            all_day: many,
            ..SmsPolicySet::default()
        }));
    }

    /// A resource.
    pub fn resource(&self, name: &str, set: ResourceSettings) {
        self.admin(AdminOp::ResourceAdd {
            name: name.to_owned(),
            set,
        });
    }

    /// A user with [`PASSWORD`] and an SMS token to `+49171234` and four digits of `n`.
    pub fn user(&self, login: &str, n: u16, resources: &[&str]) -> String {
        self.admin(AdminOp::UserAdd(UserAdd {
            login: login.to_owned(),
            password: Some(PASSWORD.into()),
            resources: resources.iter().map(|&r| r.to_owned()).collect(),
            ..UserAdd::default()
        }));
        self.token(login, n)
    }

    /// An SMS token for a user in all resources; gives its id.
    ///
    /// # Panics
    /// When the daemon answers something else.
    pub fn token(&self, login: &str, n: u16) -> String {
        match self.admin(AdminOp::TokenAdd {
            user: login.to_owned(),
            phone: Secret::new(number(n)),
            name: String::new(),
            digits: None,
            resources: Vec::new(),
        }) {
            AdminReply::Token(token) => token.id,
            other => panic!("{other:?}"),
        }
    }

    /// A RADIUS client for loopback with [`SECRET`].
    pub fn client(&self, name: &str, network: &str, resource: &str, first_factor: &str) {
        self.admin(AdminOp::RadiusClientAdd {
            name: name.to_owned(),
            networks: vec![network.to_owned()],
            resource: resource.to_owned(),
            secret: Some(SECRET.into()),
            weak_secret: false,
            message_authenticator: MessageAuthenticator::Require,
            first_factor: Some(first_factor.to_owned()),
            set: ClientSet::default(),
        });
    }

    /// Changes how logins through a client run.
    pub fn client_set(&self, name: &str, first_factor: Option<&str>, set: ClientSet) {
        self.admin(AdminOp::RadiusClientSet {
            name: name.to_owned(),
            networks: None,
            resource: None,
            secret: None,
            weak_secret: false,
            message_authenticator: None,
            first_factor: first_factor.map(str::to_owned),
            set,
        });
    }

    /// Changes the rules of a resource.
    pub fn access(&self, resource: &str, access: AccessSet) {
        self.admin(AdminOp::ResourceSet {
            name: resource.to_owned(),
            set: ResourceSettings {
                access: Some(access),
                ..ResourceSettings::default()
            },
        });
    }

    /// Daemon, RADIUS server, resource `vpn`, client `gw` (127.0.0.1), user alice with password and phone, inbox.
    #[must_use]
    pub fn vpn() -> Self {
        Self::new().into_vpn()
    }

    /// As [`Self::vpn`], with a clock that [`Self::pass`] moves.
    #[must_use]
    pub fn vpn_with_clock() -> Self {
        Self::with_clock().into_vpn()
    }

    fn into_vpn(self) -> Self {
        let mut stack = self;
        stack.inbox();
        stack.resource("vpn", ResourceSettings::default());
        stack.client("gw", "127.0.0.1/32", "vpn", "local");
        stack.user("alice", 5678, &["vpn"]);
        stack.start_radius("127.0.0.1:0");
        stack
    }

    /// All texts so far.
    #[must_use]
    pub fn texts(&self) -> Vec<Texted> {
        let Ok(file) = File::open(self.dir().join("inbox.jsonl")) else {
            return Vec::new();
        };
        // A line without its end is still being written.
        BufReader::new(file)
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect()
    }

    /// The text after the first `before`; waits for it.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn text_after(&self, before: usize) -> Texted {
        wait_for("a text", || self.texts().into_iter().nth(before))
    }

    /// Waits until no text is on its way, and gives their number.
    ///
    /// # Panics
    /// When the outbox does not empty.
    #[must_use]
    pub fn settled(&self) -> usize {
        wait_for("the outbox to empty", || match self.try_admin(AdminOp::Status) {
            Ok(AdminReply::Status(status)) if status.waiting_texts == 0 => Some(()),
            _ => None,
        });
        self.texts().len()
    }

    /// Reason codes of all audit rows, in order.
    ///
    /// # Panics
    /// When the daemon answers something else.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut after = 0;
        loop {
            match self.admin(AdminOp::AuditTail {
                after: Some(after),
                limit: 200,
            }) {
                AdminReply::Audit { rows } if rows.is_empty() => return reasons,
                AdminReply::Audit { rows } => {
                    after = rows.last().map_or(after, |r| r.seq);
                    reasons.extend(rows.into_iter().map(|r| r.reason));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

/// A mobile number of a range that libphonenumber knows.
#[must_use]
pub fn number(n: u16) -> String {
    format!("+49171234{n:04}")
}

pub(crate) fn listening(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("listening"))?;
    let (_, address) = line.rsplit_once("address=")?;
    address.trim().parse().ok()
}
