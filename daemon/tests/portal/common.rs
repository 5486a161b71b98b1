//! A daemon in this process, and what speaks to it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpost_conf::DaemonConfig;
use otpost_conf::daemon::Environment;
use otpost_core::ids::{TokenId, UserId};
use otpost_core::name::LoginName;
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::verification::Owner;
use otpost_core::token::{Status, Token};
use otpost_core::user::User;
use otpost_core::{Timestamp, totp};
use otpost_daemon::serve::{Deps, prepare, serve};
use otpost_daemon::state::Daemon;
use otpost_daemon::sys::{Clock, SystemEntropy};
use otpost_ipc::admin::{
    AdminOp, AdminReply, AuditView, MailSet, ResourceSettings, SelfServiceSettings, SmsPolicySet, UserAdd,
};
use otpost_ipc::aio::AsyncClient;
use otpost_ipc::client::CallError;
use otpost_ipc::portal::{Browser, CodeAsk, HomeView, Method, Next, PortalOp, PortalReply, UserAct, UserOp};
use otpost_ipc::{Fault, FaultCode, Role, Secret};
use otpost_store::document;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// When the tests begin: 2027, in the middle of a step of an app.
const START: u64 = 1_800_000_015_000;
/// Longest wait for something that happens by itself.
const LONG: Duration = Duration::from_secs(20);

pub(crate) const PASSWORD: &str = "Zitronenfalter-42!x";
pub(crate) const WRONG: &str = "Distelfalter-42!x";
pub(crate) const HERE: &str = "192.0.2.1";
const APP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A text as the file provider writes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Texted {
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Texted {
    pub(crate) fn code(&self) -> Secret {
        code_in(&self.text)
    }
}

fn code_in(text: &str) -> Secret {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Secret::from(parts.find(|part| (6..=8).contains(&part.len())).unwrap())
}

/// A daemon that serves the portal `office` of the resource `Office VPN`.
pub(crate) struct Served {
    pub(crate) daemon: Arc<Daemon>,
    clock: Arc<Hand>,
    portal: AsyncClient<PortalOp, PortalReply>,
    admin: AsyncClient<AdminOp, AdminReply>,
    dir: PathBuf,
    mails: Arc<Mutex<Vec<String>>>,
    refuses: Arc<Mutex<bool>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.daemon.stopping.send_replace(true);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

async fn connect<Op, Reply>(dir: &Path, name: &str, role: Role) -> AsyncClient<Op, Reply>
where
    Op: serde::Serialize,
    Reply: serde::de::DeserializeOwned + Send + 'static,
{
    AsyncClient::connect(&dir.join("run").join(name), role, tokio::time::sleep(LONG))
        .await
        .unwrap()
}

impl Served {
    /// With a provider and one resource that allows everything; nobody is there yet.
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("otpost-portal-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        for sub in ["", "run"] {
            DirBuilder::new().mode(0o700).create(dir.join(sub)).unwrap();
        }
        let mut config = DaemonConfig {
            environment: Environment::Development,
            ..DaemonConfig::default()
        };
        config.store.path = dir.join("otpost.db");
        config.keys.master_key_file = dir.join("master.key");
        config.sockets.directory = dir.join("run");
        config.passwords.memory_kib = 64;
        config.passwords.passes = 1;
        let clock = Arc::new(Hand(AtomicU64::new(START)));
        let deps = Deps {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            credentials: None,
        };
        let ready = prepare(&config, deps).await.unwrap();
        let daemon = ready.daemon();
        tokio::spawn(serve(ready));
        let served = Self {
            portal: connect(&dir, "portal.sock", Role::Portal).await,
            admin: connect(&dir, "admin.sock", Role::Admin).await,
            daemon,
            clock,
            dir,
            mails: Arc::default(),
            refuses: Arc::default(),
        };
        let inbox = served.dir.join("inbox.jsonl");
        served
            .must(AdminOp::SmsProviderAdd {
                name: "inbox".to_owned(),
                kind: "file".to_owned(),
                priority: None,
                sender: String::new(),
                config: Secret::new(serde_json::json!({ "path": inbox }).to_string()),
            })
            .await;
        let many = Some(1_000_000);
        served
            .must(AdminOp::SmsPolicySet(SmsPolicySet {
                countries: Some(vec!["DE".to_owned()]),
                number_hour: many,
                number_day: many,
                user_hour: many,
                user_day: many,
                source_hour: many,
                source_day: many,
                ..SmsPolicySet::default()
            }))
            .await;
        served.resource("Office VPN", "office").await;
        served
    }

    pub(crate) async fn resource(&self, name: &str, address: &str) {
        self.must(AdminOp::ResourceAdd {
            name: name.to_owned(),
            set: ResourceSettings {
                region: Some("DE".to_owned()),
                self_service: Some(SelfServiceSettings {
                    address: Some(address.to_owned()),
                    actions: Some(vec!["all".to_owned()]),
                    kinds: Some(words(&["sms", "totp", "recovery"])),
                    ..SelfServiceSettings::default()
                }),
                ..ResourceSettings::default()
            },
        })
        .await;
    }

    pub(crate) async fn set(&self, set: ResourceSettings) {
        let name = "Office VPN".to_owned();
        self.must(AdminOp::ResourceSet { name, set }).await;
    }

    pub(crate) async fn self_service(&self, set: SelfServiceSettings) {
        self.set(ResourceSettings {
            self_service: Some(set),
            ..ResourceSettings::default()
        })
        .await;
    }

    /// A mail server in this process.
    pub(crate) async fn mail_server(&self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mails, refuses) = (Arc::clone(&self.mails), Arc::clone(&self.refuses));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mails, refuses) = (Arc::clone(&mails), Arc::clone(&refuses));
                tokio::spawn(async move { speak(stream, &mails, &refuses).await });
            }
        });
        self.must(AdminOp::MailSet(MailSet {
            host: Some("127.0.0.1".to_owned()),
            port: Some(port),
            security: Some("none".to_owned()),
            from: Some("otpost <otpost@example.com>".to_owned()),
            ..MailSet::default()
        }))
        .await;
    }

    /// Whether the mail server is down for now.
    pub(crate) fn mail_is_down(&self, down: bool) {
        *self.refuses.lock().unwrap() = down;
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until there are so many mails; gives them.
    pub(crate) async fn until_mails(&self, n: usize) -> Vec<String> {
        until(async || Some(self.mails()).filter(|mails| mails.len() >= n)).await
    }

    /// The code in the last of so many mails to this address.
    pub(crate) async fn mailed(&self, n: usize, to: &str) -> Secret {
        let mails = self.until_mails(n).await;
        let mail = mails.last().unwrap();
        assert!(mail.contains(&format!("To: {to}")), "{mail}");
        let mut lines = mail.lines().map(str::trim);
        let code = lines.find(|line| line.len() == 6 && line.bytes().all(|o| o.is_ascii_digit()));
        Secret::from(code.unwrap())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) async fn ctl(&self, op: AdminOp) -> Result<AdminReply, Fault> {
        refusal(timeout(LONG, self.admin.call(op)).await.unwrap())
    }

    pub(crate) async fn must(&self, op: AdminOp) -> AdminReply {
        self.ctl(op).await.unwrap()
    }

    pub(crate) async fn ask(&self, op: PortalOp) -> Result<PortalReply, Fault> {
        refusal(timeout(LONG, self.portal.call(op)).await.unwrap())
    }

    /// A request of whoever holds this cookie.
    pub(crate) async fn user(&self, cookie: &Secret, ask: UserOp) -> Result<PortalReply, Fault> {
        self.user_at("office", cookie, ask).await
    }

    pub(crate) async fn user_at(
        &self,
        address: &str,
        cookie: &Secret,
        ask: UserOp,
    ) -> Result<PortalReply, Fault> {
        self.ask(PortalOp::User {
            address: address.to_owned(),
            session: cookie.clone(),
            ask,
        })
        .await
    }

    pub(crate) async fn act(&self, cookie: &Secret, act: UserAct) -> Result<PortalReply, Fault> {
        self.user(cookie, UserOp::Act { act }).await
    }

    pub(crate) async fn home(&self, cookie: &Secret) -> HomeView {
        match self.user(cookie, UserOp::Home).await.unwrap() {
            PortalReply::Home(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// Signs in without a second factor.
    pub(crate) async fn session(&self, login: &str) -> Secret {
        let signed = signed(self.ask(sign_in(login, PASSWORD, HERE)).await.unwrap());
        assert_eq!(signed.next, Next::Home);
        signed.session
    }

    /// The session that waits for a text, and its code.
    pub(crate) async fn half(&self, login: &str) -> (Secret, Secret) {
        let before = self.texts().len();
        let signed = signed(self.ask(sign_in(login, PASSWORD, HERE)).await.unwrap());
        assert!(matches!(signed.next, Next::Factor(_)), "{:?}", signed.next);
        let texts = self.until_texts(before + 1).await;
        (signed.session, texts.get(before).unwrap().code())
    }

    /// Signs in with the code of a text.
    pub(crate) async fn by_text(&self, login: &str) -> Secret {
        let (half, code) = self.half(login).await;
        let signed = signed(self.user(&half, factor(Method::Sms, &code)).await.unwrap());
        assert_eq!(signed.next, Next::Home);
        signed.session
    }

    /// The step-up that an act asks for, and the code that was texted for it.
    pub(crate) async fn step_up(&self, cookie: &Secret, act: UserAct) -> (String, Texted) {
        let before = self.texts().len();
        let id = match self.act(cookie, act).await.unwrap() {
            PortalReply::StepUp { id, .. } => id,
            other => panic!("{other:?}"),
        };
        let texts = self.until_texts(before + 1).await;
        (id, texts.get(before).unwrap().clone())
    }

    pub(crate) fn texts(&self) -> Vec<Texted> {
        let text = std::fs::read_to_string(self.dir.join("inbox.jsonl")).unwrap_or_default();
        let whole = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        whole.collect()
    }

    pub(crate) async fn until_texts(&self, n: usize) -> Vec<Texted> {
        until(async || Some(self.texts()).filter(|texts| texts.len() >= n)).await
    }

    /// Nothing more is on its way, and so many texts came in all.
    pub(crate) async fn no_more_texts(&self, n: usize) {
        until(async || {
            let messages = self.daemon.read(|read| read.messages(200)).await.unwrap();
            messages.iter().all(|m| m.state.ended()).then_some(())
        })
        .await;
        assert_eq!(self.texts().len(), n);
    }

    /// A person of `Office VPN` with the password and an address.
    pub(crate) async fn person(&self, login: &str) -> UserId {
        self.person_with(UserAdd {
            password: Some(PASSWORD.into()),
            ..add(login)
        })
        .await
    }

    pub(crate) async fn person_with(&self, add: UserAdd) -> UserId {
        let login = add.login.clone();
        self.must(AdminOp::UserAdd(add)).await;
        self.stored(&login).await.id
    }

    pub(crate) async fn stored(&self, login: &str) -> User {
        let name = LoginName::parse(login).unwrap();
        let found = self.daemon.read(move |read| read.user_by_name(&name)).await;
        found.unwrap().unwrap()
    }

    pub(crate) async fn change(&self, login: &str, edit: impl Fn(&mut User)) {
        let mut user = self.stored(login).await;
        edit(&mut user);
        self.daemon.write(move |tx| tx.put_user(&user)).await.unwrap();
    }

    /// An SMS token as if it had been enrolled.
    pub(crate) async fn token(&self, login: &str, phone: &str) -> TokenId {
        self.must(AdminOp::TokenAdd {
            user: login.to_owned(),
            phone: phone.into(),
            name: "My phone".to_owned(),
            digits: None,
            resources: vec!["Office VPN".to_owned()],
        })
        .await;
        let tokens = self.tokens(login).await;
        tokens.last().unwrap().id
    }

    pub(crate) async fn tokens(&self, login: &str) -> Vec<Token> {
        let id = self.stored(login).await.id;
        self.daemon.read(move |read| read.tokens_of(id)).await.unwrap()
    }

    /// An app as if it had been enrolled.
    pub(crate) async fn app(&self, login: &str) -> TokenId {
        let user = self.stored(login).await;
        let id = TokenId::random(&mut self.daemon.rng());
        let app = TotpToken {
            id,
            owner: Owner::User(user.id),
            name: "My app".to_owned(),
            secret: APP.to_owned().into(),
            params: totp::Params::default(),
            last_step: None,
            offset: 0,
            status: Status::Active,
            resources: user.resources.clone(),
            created: self.now(),
            used: None,
        };
        self.daemon
            .write(move |tx| document::put(tx, &app))
            .await
            .unwrap();
        id
    }

    /// What the app shows, so many steps from now.
    pub(crate) fn shows(&self, offset: i64) -> Secret {
        let secret = totp::Secret::parse(APP).unwrap();
        let totp::Step(here) = totp::Step::of(self.now());
        let step = totp::Step(here.checked_add_signed(offset).unwrap());
        Secret::from(totp::code(&secret, &totp::Params::default(), step).as_str())
    }

    /// Fresh recovery codes of somebody.
    pub(crate) async fn recovery(&self, login: &str) -> Vec<Secret> {
        let user = login.to_owned();
        match self.must(AdminOp::UserRecovery { user }).await {
            AdminReply::RecoveryCodes { codes } => codes,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn one_day(&self, login: &str) -> Secret {
        let user = login.to_owned();
        match self.must(AdminOp::UserOneDayCode { user }).await {
            AdminReply::OneDayCode { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn audit(&self) -> Vec<AuditView> {
        let op = AdminOp::AuditTail {
            after: None,
            limit: 200,
        };
        match self.must(op).await {
            AdminReply::Audit { rows } => rows,
            other => panic!("{other:?}"),
        }
    }

    /// How many rows there are of a kind with a reason.
    pub(crate) async fn rows(&self, kind: &str, reason: &str) -> usize {
        let rows = self.audit().await;
        let same = |row: &&AuditView| row.kind == kind && row.reason == reason;
        rows.iter().filter(same).count()
    }
}

/// As much of RFC 5321 as a client needs.
async fn speak(stream: TcpStream, mails: &Mutex<Vec<String>>, refuses: &Mutex<bool>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let down = *refuses.lock().unwrap();
    let hello: &[u8] = if down {
        b"421 down for now\r\n"
    } else {
        b"220 test ESMTP\r\n"
    };
    if writer.write_all(hello).await.is_err() || down {
        return;
    }
    let mut body: Option<String> = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(text) = &mut body {
            if line != "." {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            mails.lock().unwrap().push(body.take().unwrap());
        }
        let word: String = line.chars().take(4).collect::<String>().to_ascii_uppercase();
        let answer: &[u8] = match word.as_str() {
            "EHLO" => b"250-test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "DATA" => {
                body = Some(String::new());
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        if writer.write_all(answer).await.is_err() {
            return;
        }
    }
}

fn refusal<T>(answer: Result<T, CallError>) -> Result<T, Fault> {
    match answer {
        Ok(reply) => Ok(reply),
        Err(CallError::Fault(fault)) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

pub(crate) fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn add(login: &str) -> UserAdd {
    UserAdd {
        login: login.to_owned(),
        email: Some(format!("{login}@example.com")),
        resources: words(&["Office VPN"]),
        ..UserAdd::default()
    }
}

pub(crate) fn browser(source: &str) -> Browser {
    Browser {
        source: source.to_owned(),
        agent: "Firefox on Linux".to_owned(),
        lang: "en".to_owned(),
    }
}

pub(crate) fn sign_in(user: &str, password: &str, from: &str) -> PortalOp {
    PortalOp::SignIn {
        address: "office".to_owned(),
        user: user.to_owned(),
        password: password.into(),
        invite: None,
        browser: browser(from),
    }
}

pub(crate) fn by_mail(user: &str, from: &str) -> PortalOp {
    PortalOp::SignInByMail {
        address: "office".to_owned(),
        user: user.to_owned(),
        invite: None,
        browser: browser(from),
    }
}

pub(crate) fn factor(method: Method, code: &Secret) -> UserOp {
    UserOp::Factor {
        method,
        code: code.clone(),
    }
}

pub(crate) fn answer(id: &str, method: Method, code: &Secret) -> UserOp {
    UserOp::StepUpAnswer {
        id: id.to_owned(),
        method,
        code: code.clone(),
    }
}

/// Another code of the same length.
pub(crate) fn other(code: &Secret) -> Secret {
    let number: u64 = code.expose().parse().unwrap();
    let width = code.expose().len();
    Secret::new(format!("{:0width$}", (number + 1) % 1_000_000))
}

#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) session: Secret,
    pub(crate) max_age: u32,
    pub(crate) next: Next,
}

pub(crate) fn signed(reply: PortalReply) -> Signed {
    match reply {
        PortalReply::Signed {
            session,
            max_age,
            next,
            ..
        } => Signed {
            session,
            max_age,
            next,
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

pub(crate) fn done(reply: PortalReply) -> String {
    match reply {
        PortalReply::Done { what } => what,
        other => panic!("{other:?}"),
    }
}

/// What a page waits for.
pub(crate) fn asked(next: Next) -> CodeAsk {
    match next {
        Next::Mail(ask) | Next::Factor(ask) => ask,
        Next::Home => panic!("signed in"),
    }
}

pub(crate) fn methods(ask: &CodeAsk) -> Vec<Method> {
    ask.methods.iter().map(|way| way.method).collect()
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
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
