//! A whole site in one process: otpost-radius on loopback, and in place of otpostd a daemon that follows a
//! script, on a real socket.
use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    time::Duration,
};

use otpost_conf::RadiusConfig;
use otpost_ipc::{
    Attribute, DenyKind, Fault, FaultCode, LoginReply, Outcome, Role, Secret,
    aio::Connection,
    radius::{
        ClientTable, Credentials, MessageAuthenticator, RadiusAccount, RadiusClient, RadiusOp, RadiusReply,
        RadiusReport, RadiusSigned,
    },
};
use otpost_radius::{Counters, Deps, ServeError, Server, Silence};
use otpost_radius_wire::{
    Authenticator, Code, MAX_PACKET, Packet, RequestBuilder, SharedSecret, Signing, attribute,
};
use tokio::{
    net::UnixListener,
    runtime::Runtime,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// Secret of the client `vpn`: 127.0.0.1 and ::1, Message-Authenticator required.
pub(crate) const SECRET: &str = "testing123";
/// Secret of the client `old`: 127.0.0.3, Message-Authenticator optional.
pub(crate) const OLD_SECRET: &str = "from the nineties";
/// A session of the scripted daemon, and the State it becomes.
pub(crate) const SESSION: &str = "00112233445566778899aabbccddeeff";
pub(crate) const STATE: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];

/// Nothing on loopback takes this long unless it is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Looks again and again, until it is so or the deadline has passed.
#[expect(
    clippy::disallowed_methods,
    reason = "a deadline for a condition that is polled"
)]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// What the scripted daemon does with a login request.
pub(crate) enum Act {
    Say(LoginReply),
    Fail,
    /// Answers once the gate opens.
    Hold(watch::Receiver<bool>, LoginReply),
}

/// Clients in a page of the scripted daemon.
const PAGE: usize = 300;

type Script = Arc<dyn Fn(&RadiusOp) -> Act + Send + Sync>;

pub(crate) fn challenge() -> LoginReply {
    LoginReply::Prompt {
        session: SESSION.to_owned(),
        text: "Code sent to +49******678:".to_owned(),
        echo: false,
        expires_in: 300,
    }
}

pub(crate) fn accept() -> LoginReply {
    LoginReply::Allow {
        attributes: vec![
            Attribute {
                code: 25,
                value: "0a0B".to_owned(),
            },
            Attribute {
                code: 11,
                value: "73746166".to_owned(),
            },
        ],
        reason: otpost_ipc::AllowReason::Code,
    }
}

pub(crate) fn deny() -> LoginReply {
    LoginReply::Deny {
        text: "Access denied.".to_owned(),
        kind: DenyKind::Denied,
        reference: "K7QX".to_owned(),
    }
}

/// alice: "right" is challenged, "123456" accepted; all else denied.
pub(crate) fn usual(op: &RadiusOp) -> Act {
    Act::Say(match op {
        RadiusOp::Begin(begin) if begin.user == "alice" && typed(op) == "right" => challenge(),
        RadiusOp::Answer(answer)
            if answer.user == "alice" && answer.session == SESSION && typed(op) == "123456" =>
        {
            accept()
        }
        _ => deny(),
    })
}

/// What was typed, where the packet says it.
pub(crate) fn typed(op: &RadiusOp) -> &str {
    let credentials = match op {
        RadiusOp::Begin(begin) => &begin.credentials,
        RadiusOp::Answer(answer) => &answer.credentials,
        other => panic!("no login: {other:?}"),
    };
    match credentials {
        Credentials::Pap { password } => password.expose(),
        Credentials::Chap { .. } | Credentials::MsChap2 { .. } => "",
    }
}

pub(crate) fn client(
    name: &str,
    networks: &[&str],
    secret: &str,
    policy: MessageAuthenticator,
) -> RadiusClient {
    RadiusClient {
        name: name.to_owned(),
        networks: networks.iter().map(|network| (*network).to_owned()).collect(),
        secret: Secret::from(secret),
        message_authenticator: policy,
        signed: false,
        limit_proxy_state: false,
        eap: false,
        accounting: false,
    }
}

pub(crate) fn clients() -> Vec<RadiusClient> {
    vec![
        client(
            "vpn",
            &["127.0.0.1/32", "::1/128"],
            SECRET,
            MessageAuthenticator::Require,
        ),
        client("old", &["127.0.0.3"], OLD_SECRET, MessageAuthenticator::Off),
    ]
}

/// A folder of its own, gone with the value.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "r{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// In place of otpostd, with a runtime of its own, so that it can die like a process.
pub(crate) struct Daemon {
    /// Everything it was asked but for client tables and reports.
    pub(crate) asked: Arc<Mutex<Vec<RadiusOp>>>,
    table: watch::Sender<ClientTable>,
    /// What happens to those who turn a page.
    pub(crate) turned: Arc<Turned>,
    /// What it was told.
    pub(crate) told: Arc<Told>,
    runtime: Runtime,
    path: PathBuf,
}

/// What was rejected without the daemon.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) reports: Mutex<Vec<RadiusReport>>,
    pub(crate) signed: Mutex<Vec<RadiusSigned>>,
    pub(crate) accounts: Mutex<Vec<RadiusAccount>>,
    /// Reports are heard and not answered.
    pub(crate) mute: AtomicBool,
    /// Nothing can be stored: what would have to be gets a fault.
    pub(crate) broken: AtomicBool,
    /// What is told of Message-Authenticator becomes part of the client table.
    pub(crate) persist: AtomicBool,
}

impl Told {
    /// How many requests the reports speak of.
    pub(crate) fn count(&self) -> u64 {
        (self.reports.lock().unwrap().iter())
            .map(|report| 1 + report.more)
            .sum()
    }
}

/// What happens to those who ask for a page of the client table that is not the first.
#[derive(Default)]
pub(crate) struct Turned {
    /// They get a fault.
    pub(crate) fail: AtomicBool,
    /// The table becomes this before they are answered.
    pub(crate) change: Mutex<Option<Vec<RadiusClient>>>,
    /// How often.
    pub(crate) times: AtomicU32,
}

fn replace(table: &watch::Sender<ClientTable>, clients: Vec<RadiusClient>) {
    table.send_modify(|table| {
        table.version += 1;
        table.clients = clients;
    });
}

impl Daemon {
    pub(crate) fn start(path: PathBuf, script: impl Fn(&RadiusOp) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(path, clients(), script)
    }

    pub(crate) fn start_with(
        path: PathBuf,
        clients: Vec<RadiusClient>,
        script: impl Fn(&RadiusOp) -> Act + Send + Sync + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = {
            let _guard = runtime.enter();
            UnixListener::bind(&path).unwrap()
        };
        let script: Script = Arc::new(script);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let table = watch::Sender::new(ClientTable {
            version: 1,
            clients,
            more: false,
        });
        let turned = Arc::new(Turned::default());
        let told = Arc::new(Told::default());
        let memory = Arc::clone(&asked);
        let served = (table.clone(), Arc::clone(&turned));
        let listening = Arc::clone(&told);
        runtime.spawn(async move {
            loop {
                let stream = listener.accept().await.unwrap().0;
                let (memory, served, script) = (Arc::clone(&memory), served.clone(), Arc::clone(&script));
                let told = Arc::clone(&listening);
                tokio::spawn(async move {
                    let connection = Connection::accept(stream, Role::Radius, std::future::pending())
                        .await
                        .unwrap();
                    let handle = |op| {
                        let (memory, served, script) =
                            (Arc::clone(&memory), served.clone(), Arc::clone(&script));
                        let told = Arc::clone(&told);
                        async move {
                            match op {
                                RadiusOp::Clients { .. } => answer(op, memory, served, script).await,
                                _ if told.broken.load(Ordering::Relaxed) => unavailable(),
                                RadiusOp::Begin(_) | RadiusOp::Answer(_) => {
                                    answer(op, memory, served, script).await
                                }
                                op => hear(op, &told, &served.0).await,
                            }
                        }
                    };
                    let _ = connection.serve(8192, std::future::pending(), handle).await;
                });
            }
        });
        Self {
            asked,
            table,
            turned,
            told,
            runtime,
            path,
        }
    }

    /// As `kill -9` would: nothing in flight is finished, every connection closes.
    pub(crate) fn kill(self) {
        self.runtime.shutdown_timeout(DEADLINE);
        fs::remove_file(&self.path).unwrap();
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> RadiusOp {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn set_clients(&self, clients: Vec<RadiusClient>) {
        replace(&self.table, clients);
    }
}

async fn hear(op: RadiusOp, told: &Told, table: &watch::Sender<ClientTable>) -> Outcome<RadiusReply> {
    match op {
        RadiusOp::Report(report) => told.reports.lock().unwrap().push(report),
        RadiusOp::Signed(seen) => {
            if told.persist.load(Ordering::Relaxed) && seen.signed {
                table.send_modify(|table| {
                    table.version += 1;
                    let mut clients = table.clients.iter_mut();
                    clients.find(|client| client.name == seen.client).unwrap().signed = true;
                });
            }
            told.signed.lock().unwrap().push(seen);
        }
        RadiusOp::Account(account) => told.accounts.lock().unwrap().push(account),
        other => panic!("not to be heard: {other:?}"),
    }
    if told.mute.load(Ordering::Relaxed) {
        return std::future::pending().await;
    }
    Outcome::Ok(RadiusReply::Reported)
}

async fn answer(
    op: RadiusOp,
    memory: Arc<Mutex<Vec<RadiusOp>>>,
    (table, turned): (watch::Sender<ClientTable>, Arc<Turned>),
    script: Script,
) -> Outcome<RadiusReply> {
    if let RadiusOp::Clients { after, from } = op {
        if from > 0 {
            turned.times.fetch_add(1, Ordering::Relaxed);
            if turned.fail.load(Ordering::Relaxed) {
                return unavailable();
            }
            if let Some(clients) = turned.change.lock().unwrap().take() {
                replace(&table, clients);
            }
        }
        let mut tables = table.subscribe();
        let Ok(mut page) = tables
            .wait_for(|table| Some(table.version) != after)
            .await
            .map(|table| table.clone())
        else {
            // The test is over.
            return std::future::pending().await;
        };
        page.clients.drain(..page.clients.len().min(from as usize));
        page.more = page.clients.len() > PAGE;
        page.clients.truncate(PAGE);
        return Outcome::Ok(RadiusReply::Clients(page));
    }
    let act = script(&op);
    memory.lock().unwrap().push(op);
    let login = match act {
        Act::Say(login) => login,
        Act::Hold(mut gate, login) => {
            let _ = gate.wait_for(|open| *open).await;
            login
        }
        Act::Fail => {
            return unavailable();
        }
    };
    Outcome::Ok(login_reply(login))
}

/// A decision as the daemon sends it.
pub(crate) fn login_reply(login: LoginReply) -> RadiusReply {
    RadiusReply::Login {
        login,
        ms_chap2: None,
        hidden: Vec::new(),
    }
}

fn unavailable() -> Outcome<RadiusReply> {
    Outcome::Err(Fault {
        code: FaultCode::Unavailable,
        message: "the store is full".to_owned(),
        retry_after: None,
        reference: "ref".to_owned(),
    })
}

/// otpost-radius, running in this process.
pub(crate) struct Site {
    pub(crate) runtime: Runtime,
    pub(crate) folder: Folder,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) counters: Arc<Counters>,
    /// Bound once a client's accounting is on.
    pub(crate) accounting: watch::Receiver<Vec<SocketAddr>>,
    pub(crate) reload: mpsc::Sender<RadiusConfig>,
    pub(crate) config: RadiusConfig,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Site {
    /// Without a daemon.
    pub(crate) fn alone(listen: &[&str]) -> Self {
        Self::alone_with(listen, |_| {})
    }

    /// Without a daemon, with something set.
    pub(crate) fn alone_with(listen: &[&str], set: impl FnOnce(&mut RadiusConfig)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let folder = Folder::new();
        let mut config = RadiusConfig {
            listen: listen.iter().map(|address| address.parse().unwrap()).collect(),
            accounting: vec!["127.0.0.1:0".parse().unwrap()],
            socket: folder.0.join("s"),
            ..RadiusConfig::default()
        };
        set(&mut config);
        let (reload, reloads) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let guard = runtime.enter();
        let server = Server::bind(config.clone()).unwrap();
        let (addresses, counters, accounting) = (server.addresses(), server.counters(), server.accounting());
        let stopped: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            let _ = stopped.await;
        });
        let server = tokio::spawn(server.run(Deps {
            stop: stopped,
            reload: reloads,
        }));
        drop(guard);
        let (stop, server) = (Some(stop), Some(server));
        Self {
            runtime,
            folder,
            addresses,
            counters,
            accounting,
            reload,
            config,
            stop,
            server,
        }
    }

    /// With a daemon that follows the script, connected.
    pub(crate) fn with(script: impl Fn(&RadiusOp) -> Act + Send + Sync + 'static) -> (Self, Daemon) {
        let site = Self::alone(&["127.0.0.1:0", "[::1]:0"]);
        let daemon = site.daemon(script);
        site.wait_until_up();
        (site, daemon)
    }

    pub(crate) fn usual() -> (Self, Daemon) {
        Self::with(usual)
    }

    pub(crate) fn daemon(&self, script: impl Fn(&RadiusOp) -> Act + Send + Sync + 'static) -> Daemon {
        Daemon::start(self.config.socket.clone(), script)
    }

    /// Until Status-Server is answered.
    pub(crate) fn wait_until_up(&self) {
        self.wait_until_up_at(self.v4());
    }

    /// The same at one of many addresses.
    pub(crate) fn wait_until_up_at(&self, address: SocketAddr) {
        let vpn = Vpn::new(address, "127.0.0.1");
        until("the server answers", || vpn.answers_status());
    }

    /// Where accounting listens, once it does.
    #[expect(clippy::disallowed_methods, reason = "a test that waits gives up in time")]
    pub(crate) fn accounting_address(&mut self) -> SocketAddr {
        let bound = self.accounting.wait_for(|bound| !bound.is_empty());
        let bound = async {
            tokio::time::timeout(DEADLINE, bound)
                .await
                .expect("accounting is bound")
        };
        self.runtime.block_on(bound).unwrap()[0]
    }

    pub(crate) fn v4(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(crate) fn vpn(&self) -> Vpn {
        Vpn::new(self.v4(), "127.0.0.1")
    }

    /// Sends and makes sure that the only effect is this counter.
    pub(crate) fn assert_silent(&self, vpn: &Vpn, packet: &[u8], why: Silence) {
        let before = self.counters.silent(why);
        vpn.socket.send(packet).unwrap();
        until("the silence is counted", || self.counters.silent(why) > before);
        assert_eq!(self.counters.silent(why), before + 1);
        vpn.assert_nothing_came();
    }

    /// The same where others cause it too.
    pub(crate) fn assert_silent_at_least(&self, vpn: &Vpn, packet: &[u8], why: Silence) {
        let before = self.counters.silent(why);
        vpn.socket.send(packet).unwrap();
        until("the silence is counted", || self.counters.silent(why) > before);
        vpn.assert_nothing_came();
    }

    /// Asks the server to stop.
    pub(crate) fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Asks the server to stop and waits for it.
    pub(crate) fn stop(&mut self) -> Result<(), ServeError> {
        self.begin_stop();
        self.runtime.block_on(self.server.take().unwrap()).unwrap()
    }
}

/// A VPN: one UDP socket, one shared secret.
pub(crate) struct Vpn {
    pub(crate) socket: UdpSocket,
    pub(crate) secret: SharedSecret,
    identifier: AtomicU8,
}

/// A reply whose authenticators hold.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) code: Code,
    pub(crate) octets: Vec<u8>,
}

impl Reply {
    pub(crate) fn packet(&self) -> Packet<'_> {
        Packet::parse(&self.octets).unwrap()
    }

    pub(crate) fn kinds(&self) -> Vec<u8> {
        self.packet()
            .attributes()
            .map(|attribute| attribute.kind)
            .collect()
    }

    pub(crate) fn text(&self) -> String {
        let text: Vec<u8> = self
            .packet()
            .all(attribute::REPLY_MESSAGE)
            .flatten()
            .copied()
            .collect();
        String::from_utf8(text).unwrap()
    }

    pub(crate) fn state(&self) -> Vec<u8> {
        self.packet().first(attribute::STATE).unwrap().to_vec()
    }
}

impl Vpn {
    pub(crate) fn new(server: SocketAddr, source: &str) -> Self {
        let secret = if source == "127.0.0.3" { OLD_SECRET } else { SECRET };
        let socket = UdpSocket::bind((source, 0)).unwrap();
        socket.connect(server).unwrap();
        let secret = SharedSecret::new(secret.as_bytes()).unwrap();
        Self {
            socket,
            secret,
            identifier: AtomicU8::new(1),
        }
    }

    /// A new request: Identifier and authenticator were not used before.
    pub(crate) fn build(
        &self,
        code: Code,
        signing: Signing,
        fill: impl FnOnce(&mut RequestBuilder<'_>),
    ) -> Vec<u8> {
        static SERIAL: AtomicU32 = AtomicU32::new(1);
        let mut authenticator = [0x77; 16];
        authenticator[..4].copy_from_slice(&SERIAL.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let identifier = self.identifier.fetch_add(1, Ordering::Relaxed);
        let mut buffer = [0; MAX_PACKET];
        let mut request = RequestBuilder::new(
            &mut buffer,
            code,
            identifier,
            Authenticator(authenticator),
            signing,
        )
        .unwrap();
        fill(&mut request);
        request.finish(&self.secret).to_vec()
    }

    pub(crate) fn access(&self, fill: impl FnOnce(&mut RequestBuilder<'_>)) -> Vec<u8> {
        self.build(Code::AccessRequest, Signing::MessageAuthenticator, fill)
    }

    pub(crate) fn begin(&self, user: &str, password: &str) -> Vec<u8> {
        self.access(|request| self.pap(request, user, password))
    }

    pub(crate) fn answer(&self, user: &str, code: &str, state: &[u8]) -> Vec<u8> {
        self.access(|request| {
            self.pap(request, user, code);
            request.attribute(attribute::STATE, state).unwrap();
        })
    }

    pub(crate) fn pap(&self, request: &mut RequestBuilder<'_>, user: &str, password: &str) {
        request.attribute(attribute::USER_NAME, user.as_bytes()).unwrap();
        request.password(password.as_bytes(), &self.secret).unwrap();
    }

    pub(crate) fn status(&self) -> Vec<u8> {
        self.build(Code::StatusServer, Signing::MessageAuthenticator, |_| {})
    }

    pub(crate) fn account(&self, signing: Signing, fill: impl FnOnce(&mut RequestBuilder<'_>)) -> Vec<u8> {
        self.build(Code::AccountingRequest, signing, fill)
    }

    /// Whether Status-Server is answered soon.
    pub(crate) fn answers_status(&self) -> bool {
        self.socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        self.socket.send(&self.status()).unwrap();
        self.socket.recv(&mut [0; MAX_PACKET]).is_ok()
    }

    pub(crate) fn exchange(&self, request: &[u8]) -> Reply {
        self.socket.send(request).unwrap();
        self.receive(request)
    }

    /// The next datagram, which must be the genuine reply to `request`.
    pub(crate) fn receive(&self, request: &[u8]) -> Reply {
        self.socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut buffer = [0; MAX_PACKET];
        let length = self.socket.recv(&mut buffer).expect("a reply");
        let reply = Packet::parse(&buffer[..length]).unwrap();
        let asked = Packet::parse(request).unwrap();
        let checked = reply.check_reply(&self.secret, asked.identifier(), &asked.authenticator());
        assert_eq!(checked, Ok(otpost_radius_wire::MessageAuthenticator::Valid));
        let first = reply.attributes().next().unwrap();
        assert_eq!(
            first.kind,
            attribute::MESSAGE_AUTHENTICATOR,
            "the first attribute"
        );
        Reply {
            code: reply.code(),
            octets: reply.octets().to_vec(),
        }
    }

    /// What the server has sent lies in the socket already: loopback delivers at once.
    pub(crate) fn assert_nothing_came(&self) {
        self.socket.set_nonblocking(true).unwrap();
        let came = self.socket.recv(&mut [0; MAX_PACKET]);
        self.socket.set_nonblocking(false).unwrap();
        let error = came.expect_err("something came where there should be silence");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}
