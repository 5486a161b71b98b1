//! A daemon that gives canned replies.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use otpost_ipc::{
    Fault, FaultCode, Outcome, Role, Secret,
    admin::{
        AccessSet, AccountingView, AdminOp, AdminReply, AdminView, ApiKeyView, AuditView, ClientSet,
        ClientView, DayCounts, ImportLine, ImportState, MailView, MessageView, OverviewView, PortalView,
        ProviderLatency, ProviderView, RememberedView, ResourceSettings, ResourceView, SelfServiceSettings,
        SmsPolicySet, SourceView, Status, TokenView, UserView,
    },
    aio::Connection,
    portal::{
        CodeAsk, ConsoleOp, EnrolState, EnrolmentView, Method, MethodView, Next, PortalOp, PortalReply,
        SessionView, SetupView,
    },
    radius::MessageAuthenticator,
};
use tokio::{net::UnixListener, task::JoinHandle};

use crate::sys;

/// How it answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Says {
    /// No session holds.
    pub(super) signed_out: bool,
    /// Sessions wait for their second factor.
    pub(super) half: bool,
    pub(super) role: &'static str,
    /// What requests that change something are refused with.
    pub(super) fault: Option<(FaultCode, &'static str)>,
    /// What people wrote is HTML.
    pub(super) hostile: bool,
    /// The overview comes without health.
    pub(super) bare: bool,
    /// There are four pages of users, and twelve resources.
    pub(super) many: bool,
    /// Who is signed in administers one resource, and people and tokens reach further.
    pub(super) beyond: bool,
}

impl Default for Says {
    fn default() -> Self {
        Self {
            signed_out: false,
            half: false,
            role: "owner",
            fault: None,
            hostile: false,
            bare: false,
            many: false,
            beyond: false,
        }
    }
}

/// Runs until dropped.
pub(super) struct Daemon {
    folder: PathBuf,
    socket: PathBuf,
    asked: Arc<Mutex<Vec<AdminOp>>>,
    task: JoinHandle<()>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Daemon {
    pub(super) fn new(says: Says) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("otpost-console-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let record = Arc::clone(&record);
                tasks.spawn(async move {
                    let hello = sys::sleep(Duration::from_secs(5));
                    let connection = Connection::accept(stream, Role::Portal, hello).await.unwrap();
                    let answer = move |op: PortalOp| {
                        let reply = answer(&op, &says, &record);
                        async move { reply }
                    };
                    let _ = connection.serve(8, std::future::pending(), answer).await;
                });
            }
        });
        Self {
            folder,
            socket,
            asked,
            task,
        }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// What administrators asked so far.
    pub(super) fn asked(&self) -> Vec<AdminOp> {
        self.asked.lock().unwrap().clone()
    }
}

fn fault(code: FaultCode, message: &str) -> Fault {
    Fault {
        code,
        message: message.to_owned(),
        retry_after: None,
        reference: "K7QX".to_owned(),
    }
}

fn signed(session: &str, next: Next, codes: &[&str]) -> PortalReply {
    PortalReply::Signed {
        session: session.into(),
        max_age: 3600,
        next,
        lang: String::new(),
        codes: codes.iter().map(|code| Secret::from(*code)).collect(),
    }
}

fn code_ask() -> CodeAsk {
    let way = |method| MethodView {
        method,
        name: String::new(),
    };
    CodeAsk {
        methods: vec![way(Method::Totp), way(Method::Recovery)],
        digits: 6,
        left: 4,
        ..CodeAsk::default()
    }
}

fn answer(op: &PortalOp, says: &Says, record: &Mutex<Vec<AdminOp>>) -> Outcome<PortalReply> {
    Outcome::Ok(match op {
        PortalOp::SetupShow { link } if link.expose() == "GONE" => {
            return Outcome::Err(fault(FaultCode::NotFound, "this link does not work any more"));
        }
        PortalOp::SetupShow { .. } => PortalReply::Setup(SetupView {
            login: None,
            totp: "JBSWY3DPEHPK3PXP".into(),
            uri: "otpauth://totp/otpost:a?secret=JBSWY3DPEHPK3PXP".into(),
            expires_in: 100,
        }),
        PortalOp::SetupFinish { code, .. } if code.expose() == "123456" => {
            signed("NEW", Next::Home, &["7f-kx3m-pq9t"])
        }
        PortalOp::ConsoleSignIn { password, .. } if password.expose() == "right" => {
            signed("HALF", Next::Factor(code_ask()), &[])
        }
        PortalOp::ConsoleSignIn { .. } => PortalReply::Refused {
            retry_after: None,
            reference: "K7QX".to_owned(),
        },
        PortalOp::Console { .. } if says.signed_out => PortalReply::SignedOut,
        PortalOp::Console { ask, .. } => match ask {
            ConsoleOp::Factor { code, .. } if code.expose() == "123456" => signed("NEW", Next::Home, &[]),
            ConsoleOp::Factor { .. } | ConsoleOp::Password { .. } => PortalReply::Wrong {
                ask: code_ask(),
                why: "wrong".to_owned(),
            },
            ConsoleOp::Where | ConsoleOp::Account if says.half => PortalReply::At(Next::Factor(code_ask())),
            ConsoleOp::Where => PortalReply::At(Next::Home),
            ConsoleOp::Account => account(says),
            ConsoleOp::RenewRecovery { .. } => PortalReply::Codes { codes: codes() },
            ConsoleOp::EndOtherSessions | ConsoleOp::SignOut => PortalReply::Done { what: String::new() },
            ConsoleOp::Admin { admin } => {
                record.lock().unwrap().push((**admin).clone());
                if let Some((code, message)) = says.fault.filter(|_| !reads(admin)) {
                    return Outcome::Err(fault(code, message));
                }
                PortalReply::Admin {
                    reply: Box::new(admin_reply(admin, says)),
                }
            }
        },
        _ => return Outcome::Err(fault(FaultCode::Invalid, "not asked by the console")),
    })
}

/// Whether a request changes nothing.
pub(super) fn reads(op: &AdminOp) -> bool {
    let name: String = format!("{op:?}")
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    [
        "Show", "Find", "List", "Sessions", "Messages", "Plan", "Status", "Overview", "Explain",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

fn codes() -> Vec<Secret> {
    (0..10).map(|n| Secret::new(format!("7f-kx3m-pq{n}t"))).collect()
}

fn account(says: &Says) -> PortalReply {
    PortalReply::Account {
        login: "mara".to_owned(),
        shown: text("Mara", says),
        role: says.role.to_owned(),
        resources: says
            .beyond
            .then(|| "Hafenwerk VPN".to_owned())
            .into_iter()
            .collect(),
        all: !says.beyond,
        recovery_left: 9,
        sessions: vec![session(says)],
    }
}

fn session(says: &Says) -> SessionView {
    SessionView {
        id: "s1".to_owned(),
        own: false,
        agent: text("Firefox", says),
        source: "192.0.2.7".to_owned(),
        seen: 1_764_578_400_000,
        portal: text("VPN", says),
    }
}

/// Words that somebody wrote.
fn text(words: &str, says: &Says) -> String {
    if says.hostile {
        format!("{words}\"><script>alert(1)</script>")
    } else {
        words.to_owned()
    }
}

fn token(says: &Says) -> TokenView {
    TokenView {
        id: "t1".to_owned(),
        user: "alice".to_owned(),
        name: text("phone", says),
        kind: "sms".to_owned(),
        phone: "+49 ••• 78".to_owned(),
        digits: 6,
        status: "active".to_owned(),
        verified: true,
        resources: vec!["Hafenwerk VPN".to_owned()],
        beyond: says.beyond,
    }
}

fn user(says: &Says) -> UserView {
    UserView {
        login: "alice".to_owned(),
        aliases: vec![text("CORP\\alice", says)],
        email: Some("alice@example.com".to_owned()),
        first_name: text("=Alice", says),
        last_name: "Weber".to_owned(),
        password: true,
        way_in: true,
        recovery_left: Some(3),
        last_login: Some(1_764_578_400_000),
        resources: vec!["Hafenwerk VPN".to_owned()],
        beyond: says.beyond,
        locked: says.hostile.then(|| text("by an administrator", says)),
        bypass_until: None,
        failures: 1,
        groups: vec![text("staff", says)],
        tokens: vec![token(says)],
    }
}

fn resource(says: &Says) -> ResourceView {
    ResourceView {
        name: "Hafenwerk VPN".to_owned(),
        settings: ResourceSettings {
            enabled: Some(true),
            pam_services: Some(vec![text("sshd", says)]),
            region: Some("DE".to_owned()),
            self_service: Some(SelfServiceSettings {
                address: Some("hafenwerk".to_owned()),
                title: Some(text("VPN", says)),
                ..SelfServiceSettings::default()
            }),
            access: Some(AccessSet {
                allowed_networks: Some(vec!["192.0.2.0/24".to_owned()]),
                hours: Some(vec![text("", says)]),
                time_zone: Some(String::new()),
                exempt_networks: Some(Vec::new()),
                exempt_users: Some(vec![text("bob", says)]),
                exempt_groups: Some(vec![text("staff", says)]),
                remember_minutes: Some(480),
                reply: Some(vec![text("staff", says)]),
            }),
            ..ResourceSettings::default()
        },
        portal: String::new(),
        users: 1,
    }
}

fn audit(says: &Says) -> AuditView {
    AuditView {
        seq: 1,
        at: 1_764_578_400_000,
        kind: text("login.deny", says),
        reason: "wrong-code".to_owned(),
        reference: "r-1".to_owned(),
        user: text("alice", says),
        resource: text("Hafenwerk VPN", says),
        via: text("pam sshd", says),
        source: "192.0.2.7".to_owned(),
        detail: text("detail", says),
    }
}

fn overview(says: &Says) -> OverviewView {
    let hour = |at: u64| DayCounts {
        start: 1_764_578_400_000 + at * 3_600_000,
        allowed: 4,
        wrong_code: 1,
        denied: 1,
        accepted: 5,
        failed: 1,
        p50: 1900,
        p95: 4800,
    };
    OverviewView {
        series: (0..24).map(hour).collect(),
        step: 3_600_000,
        reasons: vec![("wrong-code".to_owned(), 24), (text("odd", says), 1)],
        texts: vec![("accepted".to_owned(), 120), ("waiting".to_owned(), 1)],
        providers: vec![ProviderLatency {
            provider: text("seven", says),
            accepted: 120,
            failed: 1,
            p50: 1900,
            p95: 4800,
        }],
        locked: vec![text("tobi", says)],
        locked_count: 1,
        status: if says.bare {
            Status::default()
        } else {
            status(says)
        },
    }
}

fn status(says: &Says) -> Status {
    Status {
        version: "0.1.0".to_owned(),
        warnings: vec![text("an SMS provider cannot be used; see otpostd's log", says)],
        ..Status::default()
    }
}

fn import(says: &Says) -> ImportState {
    ImportState {
        import: "i1".to_owned(),
        state: "planned".to_owned(),
        lines: 2,
        add: 1,
        bad: 1,
        why: text("", says),
        ..ImportState::default()
    }
}

fn admin_view(says: &Says) -> AdminView {
    AdminView {
        login: "tom".to_owned(),
        shown: text("Tom", says),
        role: "helpdesk".to_owned(),
        ..AdminView::default()
    }
}

fn key(says: &Says) -> ApiKeyView {
    ApiKeyView {
        name: text("sync", says),
        role: "admin".to_owned(),
        by: text("mara", says),
        ..ApiKeyView::default()
    }
}

fn client(says: &Says) -> ClientView {
    ClientView {
        name: "gw".to_owned(),
        networks: vec![text("10.0.0.5", says)],
        resource: "Hafenwerk VPN".to_owned(),
        message_authenticator: MessageAuthenticator::Require,
        first_factor: "local".to_owned(),
        signed: Some(1_764_578_400_000),
        unsigned: Some(1_764_664_800_000),
        set: ClientSet {
            nas: Some(String::new()),
            flow: Some("challenge".to_owned()),
            separator: Some(String::new()),
            limit_proxy_state: Some(true),
            hide_first_factor: Some(false),
            echo: Some(true),
            prompt_length: Some(253),
            source: Some("none".to_owned()),
            eap: Some(false),
            accounting: Some(false),
            reply: Some(vec![text("staff", says)]),
        },
    }
}

fn enrolment(state: EnrolState) -> AdminReply {
    AdminReply::Enrolment(Box::new(EnrolmentView {
        id: "e1".to_owned(),
        kind: "sms".to_owned(),
        name: String::new(),
        phone: "+49 171 2345678".to_owned(),
        totp: None,
        uri: None,
        state,
        ask: CodeAsk {
            digits: 6,
            ..CodeAsk::default()
        },
        why: String::new(),
        replaces: false,
        token: None,
        codes: Vec::new(),
    }))
}

fn admin_reply(op: &AdminOp, says: &Says) -> AdminReply {
    use AdminOp as Op;
    match op {
        Op::Status => AdminReply::Status(status(says)),
        Op::Overview { .. } => AdminReply::Overview(Box::new(overview(says))),
        Op::UserAdd(_) | Op::UserSet(_) | Op::UserShow { .. } => AdminReply::User(user(says)),
        Op::UserFind { after, .. } if says.many => {
            let page: u32 = after.as_deref().map_or(1, |after| after.parse().unwrap());
            AdminReply::Users {
                users: vec![user(says)],
                more: page < 4,
                after: (page < 4).then(|| (page + 1).to_string()),
            }
        }
        Op::ResourceList { .. } if says.many => AdminReply::Resources {
            resources: (1..=12)
                .map(|n| ResourceView {
                    name: format!("Resource {n}"),
                    ..resource(says)
                })
                .collect(),
            more: false,
        },
        Op::UserFind { .. } | Op::UserList { .. } => AdminReply::Users {
            users: vec![user(says)],
            more: false,
            after: None,
        },
        Op::UserSessions { .. } => AdminReply::Sessions {
            sessions: vec![session(says)],
        },
        Op::UserOneDayCode { .. } => AdminReply::OneDayCode {
            code: "12345678".into(),
            until: 1_764_578_400_000,
        },
        Op::UserRecovery { .. } => AdminReply::RecoveryCodes { codes: codes() },
        Op::UserInvite { .. } => AdminReply::Invited {
            link: "https://login.example/s/hafenwerk?invite=x".into(),
            until: 1_764_578_400_000,
            mailed: false,
        },
        Op::ImportPut { .. } | Op::ImportApply { .. } | Op::ImportShow { .. } => {
            AdminReply::Import(import(says))
        }
        Op::ImportPlan { .. } => AdminReply::ImportPlan {
            lines: vec![ImportLine {
                line: 2,
                login: text("bob", says),
                kind: "bad".to_owned(),
                text: text("resource: there is no resource `VPN`; make it first", says),
            }],
            more: false,
            import: import(says),
        },
        Op::TokenAdd { .. } | Op::TokenSet { .. } => AdminReply::Token(token(says)),
        Op::TokenList { .. } => AdminReply::Tokens {
            tokens: vec![token(says)],
        },
        Op::TokenFind { .. } => AdminReply::TokensFound {
            tokens: vec![token(says)],
            after: None,
        },
        Op::EnrolStart { .. } | Op::EnrolStatus { .. } => enrolment(EnrolState::Open),
        Op::EnrolFinish { .. } => enrolment(EnrolState::Done),
        Op::EnrolCancel { .. } => enrolment(EnrolState::Cancelled),
        Op::ResourceAdd { .. } | Op::ResourceSet { .. } | Op::ResourceShow { .. } => {
            AdminReply::Resource(resource(says))
        }
        Op::ResourceList { .. } => AdminReply::Resources {
            resources: vec![resource(says)],
            more: false,
        },
        Op::RadiusClientAdd { .. } => AdminReply::ClientSecret {
            client: client(says),
            secret: "a secret of the test".into(),
        },
        Op::RadiusClientSet { .. } => AdminReply::Client(client(says)),
        Op::RadiusClientList { .. } => AdminReply::Clients {
            clients: vec![client(says)],
            more: false,
        },
        Op::RememberedList { .. } => AdminReply::Remembered {
            entries: vec![RememberedView {
                id: "m1".to_owned(),
                user: "alice".to_owned(),
                resource: "Hafenwerk VPN".to_owned(),
                service: text("gw", says),
                source: "192.0.2.7".to_owned(),
                since: 1_764_578_400_000,
                until: 1_764_582_000_000,
            }],
        },
        Op::AccountingList { .. } => AdminReply::Accounting {
            sessions: vec![AccountingView {
                client: "gw".to_owned(),
                user: text("alice", says),
                session: text("s1", says),
                station: text("192.0.2.7", says),
                framed: "10.8.0.2".to_owned(),
                started: 1_764_578_400_000,
                seen: 1_764_582_000_000,
                ended: None,
                octets_in: 1024,
                octets_out: 2048,
            }],
        },
        Op::SourceList { .. } => AdminReply::Sources {
            sources: vec![SourceView {
                name: "corp".to_owned(),
                kind: "ldap".to_owned(),
                servers: vec![text("ldaps://dc1.corp.example", says)],
                settings: "{}".to_owned(),
                used_by: vec![text("gw", says)],
            }],
            more: false,
        },
        Op::SourceTest { .. } => AdminReply::SourceTested {
            outcome: "passed".to_owned(),
            groups: vec![text("vpn", says)],
            server: text("ldaps://dc1.corp.example", says),
            milliseconds: 12,
            detail: text("no answer", says),
        },
        Op::SmsProviderList => AdminReply::Providers {
            providers: vec![ProviderView {
                name: "seven".to_owned(),
                kind: "http".to_owned(),
                priority: 1,
                enabled: true,
                sender: text("otpost", says),
            }],
        },
        Op::SmsSendTest { .. } => AdminReply::SendTest {
            state: "accepted".to_owned(),
            provider: "seven".to_owned(),
            provider_id: Some("m1".to_owned()),
            detail: text("queued", says),
        },
        Op::SmsPolicyShow | Op::SmsPolicySet(_) => AdminReply::SmsPolicy(SmsPolicySet {
            countries: Some(vec!["DE".to_owned()]),
            ..SmsPolicySet::default()
        }),
        Op::SmsMessages { .. } => AdminReply::Messages {
            messages: vec![MessageView {
                id: "m1".to_owned(),
                kind: "code".to_owned(),
                phone: "+49 ••• 78".to_owned(),
                state: "failed".to_owned(),
                tried: vec![text("seven", says)],
                detail: text("no route", says),
                created: 1_764_578_400_000,
                reference: "r-1".to_owned(),
            }],
            more: false,
        },
        Op::LoginExplain { .. } => AdminReply::Explained {
            outcome: "ask".to_owned(),
            reason: "challenge".to_owned(),
            text: text(
                "With the right password alice is asked for a code sent by text.",
                says,
            ),
        },
        Op::AuditTail { .. } => AdminReply::Audit {
            rows: vec![audit(says)],
        },
        Op::AuditFind { .. } => AdminReply::AuditFound {
            rows: vec![audit(says)],
            before: Some(1),
        },
        Op::AuditVerify => AdminReply::AuditVerified {
            rows: 1,
            head: "00".to_owned(),
            broken_at: None,
        },
        Op::AdminAdd { .. } | Op::AdminReset { .. } | Op::SetupLink => AdminReply::AdminLink {
            link: "https://console.example/setup/x".into(),
            until: 1_764_578_400_000,
            mailed: false,
        },
        Op::AdminSet(_) => AdminReply::Admin(admin_view(says)),
        Op::AdminList => AdminReply::Admins {
            admins: vec![admin_view(says)],
        },
        Op::ApiKeyAdd { .. } => AdminReply::ApiKeySecret {
            key: key(says),
            secret: "otpost_x".into(),
        },
        Op::ApiKeyList => AdminReply::ApiKeys {
            keys: vec![key(says)],
        },
        Op::MailShow | Op::MailSet(_) => AdminReply::Mail(MailView {
            host: text("mail.example.com", says),
            trouble: text("refused", says),
            ..MailView::default()
        }),
        Op::PortalShow | Op::PortalSet(_) => AdminReply::Portal(PortalView::default()),
        Op::UserRemove { .. }
        | Op::UserLock { .. }
        | Op::UserUnlock { .. }
        | Op::UserBypass { .. }
        | Op::UserBind { .. }
        | Op::UserUnbind { .. }
        | Op::UserSignOut { .. }
        | Op::TokenRemove { .. }
        | Op::ResourceRemove { .. }
        | Op::RadiusClientRemove { .. }
        | Op::RememberedRevoke { .. }
        | Op::SourceAdd { .. }
        | Op::SourceSet { .. }
        | Op::SourceRemove { .. }
        | Op::SmsProviderAdd { .. }
        | Op::SmsProviderSet { .. }
        | Op::SmsProviderRemove { .. }
        | Op::AdminRemove { .. }
        | Op::ApiKeyRemove { .. }
        | Op::MailTest { .. } => AdminReply::Done {
            message: "done".to_owned(),
        },
    }
}
