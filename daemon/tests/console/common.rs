//! A daemon in this process, and what speaks to it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use otpost_conf::DaemonConfig;
use otpost_conf::daemon::Environment;
use otpost_core::Timestamp;
use otpost_core::totp;
use otpost_daemon::serve::{Deps, prepare, serve};
use otpost_daemon::state::Daemon;
use otpost_daemon::sys::{Clock, SystemEntropy};
use otpost_ipc::admin::{AdminOp, AdminReply, AuditView, ResourceSettings, UserAdd};
use otpost_ipc::aio::AsyncClient;
use otpost_ipc::client::CallError;
use otpost_ipc::portal::{Browser, CodeAsk, ConsoleOp, Method, Next, PortalOp, PortalReply, SetupView};
use otpost_ipc::{Fault, FaultCode, Role, Secret};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// When the tests begin: 2027, in the middle of a step of an app.
const START: u64 = 1_800_000_015_000;
/// Longest wait for something that happens by itself.
const LONG: Duration = Duration::from_secs(20);

pub(crate) const PASSWORD: &str = "Zitronenfalter-42!x";
pub(crate) const WRONG: &str = "Distelfalter-42!x";

/// A directory that goes away with its value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otpostd-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A clock that tests turn.
pub(crate) struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A daemon that serves.
pub(crate) struct Served {
    pub(crate) daemon: Arc<Daemon>,
    clock: Arc<Hand>,
    serving: JoinHandle<()>,
    pub(crate) portal: AsyncClient<PortalOp, PortalReply>,
    pub(crate) admin: AsyncClient<AdminOp, AdminReply>,
    dir: Scratch,
}

async fn connect<Op, Reply>(dir: &Path, name: &str, role: Role) -> AsyncClient<Op, Reply>
where
    Op: serde::Serialize,
    Reply: serde::de::DeserializeOwned + Send + 'static,
{
    let path = dir.join("run").join(name);
    AsyncClient::connect(&path, role, tokio::time::sleep(LONG))
        .await
        .unwrap()
}

impl Served {
    /// On an empty store.
    pub(crate) async fn new() -> Self {
        Self::on(Scratch::new(), START, 64).await
    }

    /// Where a password hash takes so much memory, and so long.
    pub(crate) async fn with_hashes_of(kib: u32) -> Self {
        Self::on(Scratch::new(), START, kib).await
    }

    async fn on(dir: Scratch, now: u64, kib: u32) -> Self {
        let run = dir.0.join("run");
        if !run.exists() {
            DirBuilder::new().mode(0o755).create(&run).unwrap();
        }
        let mut config = DaemonConfig {
            environment: Environment::Development,
            ..DaemonConfig::default()
        };
        config.store.path = dir.0.join("otpost.db");
        config.keys.master_key_file = dir.0.join("master.key");
        config.sockets.directory = run;
        config.passwords.memory_kib = kib;
        config.passwords.passes = 1;
        let clock = Arc::new(Hand(AtomicU64::new(now)));
        let deps = Deps {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            credentials: None,
        };
        let ready = prepare(&config, deps).await.unwrap();
        let daemon = ready.daemon();
        let serving = tokio::spawn(serve(ready));
        Self {
            portal: connect(&dir.0, "portal.sock", Role::Portal).await,
            admin: connect(&dir.0, "admin.sock", Role::Admin).await,
            daemon,
            clock,
            serving,
            dir,
        }
    }

    /// Stops the daemon gracefully and starts another on the same store.
    pub(crate) async fn restart(self) -> Self {
        let now = self.now().0;
        let Self {
            daemon,
            serving,
            portal,
            admin,
            dir,
            ..
        } = self;
        daemon.stopping.send_replace(true);
        drop((portal, admin));
        serving.await.unwrap();
        // The store is open while anything holds the daemon.
        let left = Arc::downgrade(&daemon);
        drop(daemon);
        until(async || (left.strong_count() == 0).then_some(())).await;
        Self::on(dir, now, 64).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// To the next code of an app.
    pub(crate) fn next_code(&self) {
        self.pass(Duration::from_secs(totp::STEP_SECONDS));
    }

    /// What the app shows now.
    pub(crate) fn shows(&self, app: &str) -> Secret {
        let secret = totp::Secret::parse(app).unwrap();
        let step = totp::Step::of(self.now());
        Secret::from(totp::code(&secret, &totp::Params::default(), step).as_str())
    }

    /// A code that the app does not show.
    pub(crate) fn wrong_code(&self, app: &str) -> Secret {
        let secret = totp::Secret::parse(app).unwrap();
        let totp::Step(here) = totp::Step::of(self.now());
        let shown: Vec<String> = (here - 2..=here + 2)
            .map(|step| totp::code(&secret, &totp::Params::default(), totp::Step(step)).to_string())
            .collect();
        let mut tried = (0..).map(|n: u32| format!("{n:06}"));
        Secret::from(tried.find(|code| !shown.contains(code)).unwrap())
    }

    pub(crate) async fn ask(&self, op: PortalOp) -> Result<PortalReply, Fault> {
        refusal(timeout(LONG, self.portal.call(op)).await.unwrap())
    }

    /// What must be answered.
    pub(crate) async fn answer(&self, op: PortalOp) -> PortalReply {
        self.ask(op).await.unwrap()
    }

    pub(crate) async fn console(&self, session: &Secret, ask: ConsoleOp) -> PortalReply {
        let session = session.clone();
        self.answer(PortalOp::Console { session, ask }).await
    }

    /// An administrator's request over the console.
    pub(crate) async fn by_console(&self, session: &Secret, op: AdminOp) -> Result<AdminReply, Fault> {
        let op = PortalOp::Console {
            session: session.clone(),
            ask: ConsoleOp::Admin { admin: Box::new(op) },
        };
        match self.ask(op).await? {
            PortalReply::Admin { reply } => Ok(*reply),
            other => panic!("{other:?}"),
        }
    }

    /// A request of otpostctl.
    pub(crate) async fn ctl(&self, op: AdminOp) -> Result<AdminReply, Fault> {
        refusal(timeout(LONG, self.admin.call(op)).await.unwrap())
    }

    pub(crate) async fn audit(&self) -> Vec<AuditView> {
        match self
            .ctl(AdminOp::AuditTail {
                after: None,
                limit: 200,
            })
            .await
        {
            Ok(AdminReply::Audit { rows }) => rows,
            other => panic!("{other:?}"),
        }
    }

    /// How many rows there are of a kind with a reason.
    pub(crate) async fn rows(&self, kind: &str, reason: &str) -> usize {
        let rows = self.audit().await;
        rows.iter()
            .filter(|row| row.kind == kind && row.reason == reason)
            .count()
    }

    pub(crate) async fn resource(&self, name: &str) {
        self.ctl(AdminOp::ResourceAdd {
            name: name.to_owned(),
            set: ResourceSettings::default(),
        })
        .await
        .unwrap();
    }

    pub(crate) async fn user(&self, login: &str, resources: &[&str]) {
        self.ctl(AdminOp::UserAdd(UserAdd {
            login: login.to_owned(),
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
            ..UserAdd::default()
        }))
        .await
        .unwrap();
    }

    /// The secret in a new link of the first run.
    pub(crate) async fn first_link(&self) -> Secret {
        match self.ctl(AdminOp::SetupLink).await.unwrap() {
            AdminReply::AdminLink { link, .. } => in_link(&link),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn setup(&self, link: &Secret) -> Result<SetupView, Fault> {
        let link = link.clone();
        match self.ask(PortalOp::SetupShow { link }).await? {
            PortalReply::Setup(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn finish(&self, link: &Secret, view: &SetupView, login: Option<&str>) -> PortalOp {
        PortalOp::SetupFinish {
            link: link.clone(),
            login: login.map(str::to_owned),
            password: PASSWORD.into(),
            totp: view.totp.clone(),
            code: self.shows(view.totp.expose()),
            browser: browser("192.0.2.1"),
        }
    }

    /// Uses a link and signs out again.
    pub(crate) async fn use_link(&self, link: &Secret, login: Option<&str>) -> Account {
        let view = self.setup(link).await.unwrap();
        let signed = signed(self.answer(self.finish(link, &view, login)).await);
        assert_eq!(signed.next, Next::Home);
        assert_eq!(signed.codes.len(), 10);
        let login = login.map_or_else(|| view.login.clone().unwrap(), str::to_owned);
        let account = Account {
            login,
            app: view.totp.expose().to_owned(),
            codes: signed.codes,
        };
        self.console(&signed.session, ConsoleOp::SignOut).await;
        self.next_code();
        account
    }

    /// The first administrator.
    pub(crate) async fn owner(&self) -> Account {
        let link = self.first_link().await;
        self.use_link(&link, Some("mara")).await
    }

    /// A further one.
    pub(crate) async fn administrator(&self, login: &str, role: &str, resources: &[&str]) -> Account {
        let added = self.ctl(AdminOp::AdminAdd {
            login: login.to_owned(),
            shown: String::new(),
            email: None,
            role: role.to_owned(),
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
        });
        match added.await.unwrap() {
            AdminReply::AdminLink { link, .. } => self.use_link(&in_link(&link), None).await,
            other => panic!("{other:?}"),
        }
    }

    /// The session that waits for the second factor.
    pub(crate) async fn password(&self, account: &Account, from: &str) -> Secret {
        let reply = self.answer(sign_in(&account.login, PASSWORD, from)).await;
        let signed = signed(reply);
        assert!(matches!(signed.next, Next::Factor(_)), "{:?}", signed.next);
        signed.session
    }

    /// A signed-in session.
    pub(crate) async fn session(&self, account: &Account) -> Secret {
        let half = self.password(account, "192.0.2.1").await;
        let code = self.shows(&account.app);
        let signed = signed(self.console(&half, totp_code(&code)).await);
        assert_eq!(signed.next, Next::Home);
        self.next_code();
        signed.session
    }

    pub(crate) fn files(&self) -> &Path {
        &self.dir.0
    }
}

fn refusal<T>(answer: Result<T, CallError>) -> Result<T, Fault> {
    match answer {
        Ok(reply) => Ok(reply),
        Err(CallError::Fault(fault)) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

/// Somebody who can sign in.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) login: String,
    pub(crate) app: String,
    pub(crate) codes: Vec<Secret>,
}

pub(crate) fn browser(source: &str) -> Browser {
    Browser {
        source: source.to_owned(),
        agent: "Firefox on Linux".to_owned(),
        lang: "en".to_owned(),
    }
}

pub(crate) fn sign_in(user: &str, password: &str, from: &str) -> PortalOp {
    PortalOp::ConsoleSignIn {
        user: user.to_owned(),
        password: password.into(),
        browser: browser(from),
    }
}

pub(crate) fn totp_code(code: &Secret) -> ConsoleOp {
    ConsoleOp::Factor {
        method: Method::Totp,
        code: code.clone(),
    }
}

pub(crate) fn recovery_code(code: &Secret) -> ConsoleOp {
    ConsoleOp::Factor {
        method: Method::Recovery,
        code: code.clone(),
    }
}

/// What a link has behind its last slash.
pub(crate) fn in_link(link: &Secret) -> Secret {
    Secret::from(link.expose().rsplit('/').next().unwrap())
}

pub(crate) struct Signed {
    pub(crate) session: Secret,
    pub(crate) max_age: u32,
    pub(crate) next: Next,
    pub(crate) codes: Vec<Secret>,
}

pub(crate) fn signed(reply: PortalReply) -> Signed {
    match reply {
        PortalReply::Signed {
            session,
            max_age,
            next,
            codes,
            ..
        } => Signed {
            session,
            max_age,
            next,
            codes,
        },
        other => panic!("{other:?}"),
    }
}

pub(crate) fn wrong(reply: PortalReply) -> (String, CodeAsk) {
    match reply {
        PortalReply::Wrong { ask, why } => (why, ask),
        other => panic!("{other:?}"),
    }
}

/// Refused, and for how long it is said.
pub(crate) fn refused(reply: PortalReply) -> Option<u32> {
    match reply {
        PortalReply::Refused { retry_after, .. } => retry_after,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn code_of<T: std::fmt::Debug>(answer: Result<T, Fault>) -> FaultCode {
    answer.unwrap_err().code
}

/// Waits until `look` gives something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let end = tokio::time::Instant::now() + LONG;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(tokio::time::Instant::now() < end, "waited too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
