//! Whole flows over a real store, the outbox worker and a provider that writes files.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use otpost_conf::DaemonConfig;
use otpost_core::challenge::{Channel, Origin};
use otpost_core::ids::{AttemptId, EnrolmentId, MessageId, PortalSessionId, ResourceId, TokenId, UserId};
use otpost_core::limits::LOGIN_FAILURES;
use otpost_core::login::{Reason, Reply};
use otpost_core::mail::queue::{Matter, QueuedMail};
use otpost_core::mail::{Notice, Security, Sender, Settings};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::outbox::{Kind as TextKind, Message, SecurityEvent, State};
use otpost_core::phone::Phone;
use otpost_core::portal::enrolment::{Enrolment, Permit};
use otpost_core::portal::factors::TotpToken;
use otpost_core::portal::session::{Stage, Who};
use otpost_core::portal::settings::{Action, FirstEnrolment, Kind, OtpLength};
use otpost_core::portal::site::{Base, Site};
use otpost_core::portal::verification::{Act, Verification};
use otpost_core::resource::Resource;
use otpost_core::source::Chain;
use otpost_core::token::{Status, Token};
use otpost_core::user::{PasswordHash, Profile, User};
use otpost_core::{Timestamp, code, totp};
use otpost_ipc::admin::{AdminOp, AdminReply, SmsPolicySet};
use otpost_ipc::portal::{Browser, EnrolState, EnrolmentView, Method, PortalReply, UserAct, UserOp};
use otpost_ipc::{FaultCode, Outcome, Secret};
use otpost_store::kinds::MailSetup;
use otpost_store::{StoreError, document};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Asker, permitted};
use crate::admin::{self, Caller};
use crate::login::{self, Door, Guarded, Start};
use crate::portal::error::PortalError;
use crate::portal::request::{Out, run};
use crate::portal::session::{Opening, holder, open};
use crate::portal::{self, factors, texts};
use crate::serve::{self, Deps};
use crate::state::Daemon;
use crate::sys::{self, Clock, SystemEntropy};

/// A clock that a test sets.
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Line {
    to: String,
    text: String,
}

impl Line {
    fn code(&self) -> String {
        let mut parts = self.text.split(|c: char| !c.is_ascii_digit());
        parts
            .find(|part| (6..=8).contains(&part.len()))
            .unwrap()
            .to_owned()
    }
}

/// All that was logged in this process.
fn log() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        struct Into;
        impl std::io::Write for Into {
            fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
                log().lock().unwrap().extend_from_slice(octets);
                Ok(octets.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(|| Into)
            .try_init();
        Mutex::default()
    })
}

/// A daemon with one resource, two people, and texts that go to a file.
struct Bench {
    dir: PathBuf,
    hand: Arc<Hand>,
    daemon: Option<Arc<Daemon>>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

/// A session: the portal's address and the cookie.
type Cookie = Secret;

const PHONE: &str = "0171 2345678";
const E164: &str = "+491712345678";

impl Bench {
    async fn new() -> Self {
        let _ = log();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("otpost-enrol-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        for sub in ["", "data", "run"] {
            std::fs::DirBuilder::new()
                .mode(0o700)
                .create(dir.join(sub))
                .unwrap();
        }
        let config = format!(
            "environment = \"development\"\n[store]\npath = \"{d}/data/otpost.db\"\n\
             [keys]\nmaster-key-file = \"{d}/data/master.key\"\n[sockets]\ndirectory = \"{d}/run\"\n\
             [passwords]\nmemory-kib = 64\npasses = 1\n",
            d = dir.display()
        );
        std::fs::write(dir.join("daemon.toml"), config).unwrap();
        let hand = Arc::new(Hand(AtomicU64::new(1_800_000_000_000)));
        let (daemon, serving) = up(&dir, &hand).await;
        let bench = Self {
            dir,
            hand,
            daemon: Some(daemon),
            serving: Some(serving),
        };
        let now = bench.daemon().now();
        let mut vpn = Resource::new(resource_id(), "Office VPN", now);
        vpn.region = Some("DE".parse().unwrap());
        vpn.pam_services = vec!["sshd".to_owned()];
        vpn.self_service.address = Some("office".parse().unwrap());
        vpn.self_service.actions = Action::TOKEN.into_iter().chain(Action::USER).collect();
        vpn.self_service.kinds = Kind::ALL.into_iter().collect();
        bench.put_resource(vpn).await;
        for (login, id) in [("alice", ALICE), ("bob", BOB)] {
            let user = User {
                id,
                login: login.to_owned(),
                name: LoginName::parse(login).unwrap(),
                aliases: Vec::new(),
                email: Some(format!("{login}@example.com")),
                password: None,
                locked: None,
                bypass_until: None,
                resources: vec![resource_id()],
                profile: Profile::default(),
                created: now,
            };
            bench.daemon().write(move |tx| tx.put_user(&user)).await.unwrap();
        }
        bench.provider().await;
        bench
    }

    async fn provider(&self) {
        let path = self.dir.join("inbox.jsonl");
        self.admin(AdminOp::SmsProviderAdd {
            name: "inbox".to_owned(),
            kind: "file".to_owned(),
            priority: None,
            sender: String::new(),
            config: Secret::new(serde_json::json!({ "path": path }).to_string()),
        })
        .await;
        let many = Some(1_000_000);
        self.admin(AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(vec!["DE".to_owned()]),
            number_hour: many,
            number_day: many,
            user_hour: many,
            user_day: many,
            ..SmsPolicySet::default()
        }))
        .await;
    }

    async fn admin(&self, op: AdminOp) -> AdminReply {
        match self.try_admin(op).await {
            Outcome::Ok(reply) => reply,
            Outcome::Err(fault) => panic!("{fault}"),
        }
    }

    async fn try_admin(&self, op: AdminOp) -> Outcome<AdminReply> {
        admin::handle(Arc::clone(self.daemon()), Caller::local("root".to_owned()), op).await
    }

    async fn put_resource(&self, resource: Resource) {
        self.daemon()
            .write(move |tx| tx.put_resource(&resource))
            .await
            .unwrap();
    }

    async fn resource(&self) -> Resource {
        let found = self.daemon().read(|read| read.resource(resource_id())).await;
        found.unwrap().unwrap()
    }

    /// A signed-in browser.
    async fn browser(&self, user: UserId) -> Cookie {
        self.browser_of(user, false).await
    }

    async fn browser_of(&self, user: UserId, invited: bool) -> Cookie {
        let resource = self.resource().await;
        let browser = Browser {
            source: "192.0.2.7".to_owned(),
            agent: "Firefox on Linux".to_owned(),
            lang: "en".to_owned(),
        };
        let opening = Opening {
            who: Who::User(user),
            resource: &resource,
            stage: Stage::Full,
            by_mail: false,
            invited,
            browser: &browser,
        };
        let (session, cookie) = open(&opening, &mut self.daemon().rng(), self.daemon().now());
        self.put(session).await;
        cookie
    }

    async fn put<T: document::Document + Clone + Send + 'static>(&self, value: T) {
        self.daemon()
            .write(move |tx| document::put(tx, &value))
            .await
            .unwrap();
    }

    async fn ask(&self, cookie: &Cookie, op: UserOp) -> Outcome<PortalReply> {
        portal::user(self.daemon(), "office".to_owned(), cookie.clone(), op).await
    }

    /// An answer that must be an enrolment.
    async fn enrolment(&self, cookie: &Cookie, op: UserOp) -> EnrolmentView {
        match self.ask(cookie, op).await {
            Outcome::Ok(PortalReply::Enrolment(view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    async fn refused(&self, cookie: &Cookie, op: UserOp) -> (FaultCode, String) {
        match self.ask(cookie, op).await {
            Outcome::Err(fault) => (fault.code, fault.message),
            other => panic!("{other:?}"),
        }
    }

    async fn confirm(&self, cookie: &Cookie, id: &str, code: &str) -> EnrolmentView {
        self.enrolment(cookie, confirm(id, code)).await
    }

    fn lines(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(self.dir.join("inbox.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until `n` texts are in the inbox and no further one is on its way.
    async fn texts(&self, n: usize) -> Vec<Line> {
        let mut ended = self.daemon().text_ended.subscribe();
        let arrived = async {
            loop {
                let waiting = self.messages().await;
                let waiting = waiting.iter().any(|m| !m.state.ended());
                let lines = self.lines();
                if lines.len() >= n && !waiting {
                    return lines;
                }
                ended.changed().await.unwrap();
            }
        };
        let lines = sys::timeout(Duration::from_secs(20), arrived).await;
        let lines = lines.unwrap_or_else(|| panic!("{} texts of {n} came", self.lines().len()));
        assert_eq!(lines.len(), n, "{lines:?}");
        lines
    }

    /// The present digits of an enrolment, whether they have left or not.
    async fn digits(&self, id: &str) -> String {
        let id: EnrolmentId = id.parse().unwrap();
        let found = self
            .daemon()
            .read(move |read| document::get::<Enrolment>(read, &id.0));
        let enrolment = found.await.unwrap().unwrap();
        code::derive(&self.daemon().keys, &enrolment.code())
            .expose()
            .to_owned()
    }

    async fn messages(&self) -> Vec<Message> {
        self.daemon().read(|read| read.messages(200)).await.unwrap()
    }

    async fn tokens(&self, user: UserId) -> Vec<Token> {
        self.daemon()
            .read(move |read| read.tokens_of(user))
            .await
            .unwrap()
    }

    async fn audit(&self, kind: &str) -> usize {
        let rows = self.daemon().read(|read| read.audit(0, 10_000)).await.unwrap();
        let needle = format!("\"kind\":\"{kind}\"");
        rows.iter().filter(|row| row.text.contains(&needle)).count()
    }

    /// Stops the daemon and starts another on its files.
    async fn restart(&mut self) {
        self.stop().await;
        let (daemon, serving) = up(&self.dir, &self.hand).await;
        self.daemon = Some(daemon);
        self.serving = Some(serving);
    }

    /// Ends when nothing holds the database any more.
    async fn stop(&mut self) {
        let daemon = self.daemon.take().unwrap();
        daemon.stopping.send_replace(true);
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
        let left = Arc::downgrade(&daemon);
        drop(daemon);
        let gone = async {
            while left.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        sys::timeout(Duration::from_secs(20), gone).await.unwrap();
    }

    fn daemon(&self) -> &Arc<Daemon> {
        self.daemon.as_ref().unwrap()
    }

    fn later(&self, seconds: u64) {
        self.hand.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// An SMS token as if it had been enrolled long ago.
    async fn give_token(&self, user: UserId, phone: &str) -> TokenId {
        let token = Token {
            id: TokenId::random(&mut self.daemon().rng()),
            user,
            name: "Old phone".to_owned(),
            phone: Phone::parse(phone, None).unwrap(),
            digits: 6.try_into().unwrap(),
            status: Status::Active,
            verified: true,
            resources: vec![resource_id()],
            created: self.daemon().now(),
        };
        let id = token.id;
        self.daemon().write(move |tx| tx.put_token(&token)).await.unwrap();
        id
    }

    /// What a login gets.
    async fn login(&self, channel: Channel) -> (Reply, Reason) {
        let guarded = match channel {
            Channel::Pam => Guarded::Service,
            Channel::Radius => Guarded::Resource(resource_id()),
        };
        let start = Start {
            channel,
            group: "sshd".to_owned(),
            user: "alice".to_owned(),
            password: None,
            first_factor: Chain::stack(),
            proof: None,
            ms_chap2: None,
            door: Door::default(),
            guarded,
            attempt: AttemptId::from_slice(&self.daemon().rng_octets()).unwrap(),
            origin: Origin::default(),
            source: Source::new("192.0.2.9", "sshd"),
        };
        let verdict = login::begin(self.daemon(), start).await.unwrap();
        (verdict.reply, verdict.reason)
    }

    /// As a step-up does once its code was right.
    async fn fresh_code(&self, cookie: &Cookie, act: Act) -> Result<Option<EnrolmentView>, PortalError> {
        let cookie = cookie.clone();
        let view = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&view);
        run(self.daemon(), &self.daemon().reference(), move |tx, ctx| {
            let holder = holder(tx, "office", &cookie, ctx.now)?;
            let enrolled = permitted(tx, ctx, &Asker::of(&holder), &act)?;
            Ok(match enrolled {
                Some(enrolled) => {
                    *keep.lock().unwrap() = Some(enrolled.view.clone());
                    enrolled.into()
                }
                None => Out::from(PortalReply::Done {
                    what: "permitted".to_owned(),
                }),
            })
        })
        .await?;
        let view = view.lock().unwrap().take();
        Ok(view)
    }
}

impl Daemon {
    fn rng_octets(&self) -> [u8; 16] {
        let mut octets = [0; 16];
        self.entropy.fill(&mut octets);
        octets
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

async fn up(dir: &Path, hand: &Arc<Hand>) -> (Arc<Daemon>, tokio::task::JoinHandle<()>) {
    let config: DaemonConfig = otpost_conf::load(&dir.join("daemon.toml")).unwrap();
    // Whoever held the database last may be closing it still.
    let prepared = async {
        loop {
            let deps = Deps {
                clock: Arc::clone(hand) as Arc<dyn Clock>,
                entropy: Arc::new(SystemEntropy),
                credentials: None,
            };
            match serve::prepare(&config, deps).await {
                Err(error) if format!("{error:?}").contains("Busy") => tokio::task::yield_now().await,
                other => return other.unwrap(),
            }
        }
    };
    let ready = sys::timeout(Duration::from_secs(20), prepared).await.unwrap();
    let daemon = ready.daemon();
    (daemon, tokio::spawn(serve::serve(ready)))
}

const ALICE: UserId = UserId([1; 16]);
const BOB: UserId = UserId([2; 16]);

fn resource_id() -> ResourceId {
    ResourceId([3; 16])
}

fn begin(form: &str) -> UserOp {
    begin_with("sms", Some(PHONE), form, None)
}

fn begin_with(kind: &str, phone: Option<&str>, form: &str, replaces: Option<TokenId>) -> UserOp {
    UserOp::EnrolBegin {
        kind: kind.to_owned(),
        name: "My phone".to_owned(),
        phone: phone.map(Secret::from),
        digits: Some(6),
        form: form.to_owned(),
        replaces: replaces.map(|id| id.to_string()),
    }
}

fn confirm(id: &str, code: &str) -> UserOp {
    UserOp::EnrolConfirm {
        id: id.to_owned(),
        code: Secret::from(code),
    }
}

fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_flow_ends_with_a_token_that_guards_vpn_and_host() {
    let bench = Bench::new().await;
    bench
        .put(Site {
            portal: Some(Base::parse("https://login.example.com").unwrap()),
            ..Site::default()
        })
        .await;
    let cookie = bench.browser(ALICE).await;
    assert_eq!(bench.login(Channel::Radius).await.1, Reason::Unenrolled);
    let view = bench.enrolment(&cookie, begin("f1")).await;
    assert_eq!(
        (view.state, view.phone.as_str()),
        (EnrolState::Open, "+49 171 2345678")
    );
    assert!(view.ask.sent && view.ask.trouble.is_empty());
    assert_eq!(
        (view.ask.to.as_str(), view.ask.digits, view.ask.left),
        ("78", 6, 5)
    );
    assert_eq!((view.ask.expires_in, view.ask.resend_in), (300, Some(30)));
    let texts = bench.texts(1).await;
    assert_eq!(texts[0].to, E164);
    let code = texts[0].code();
    assert!(texts[0].text.contains(&view.ask.label) && texts[0].text.contains("Office VPN"));
    assert!(texts[0].text.ends_with(&format!("\n@login.example.com #{code}")));
    assert!(bench.tokens(ALICE).await.is_empty(), "no token before the code");
    let view = bench.confirm(&cookie, &view.id, &wrong(&code)).await;
    assert_eq!(
        (view.why.as_str(), view.ask.left, view.state),
        ("wrong", 4, EnrolState::Open)
    );
    let view = bench.confirm(&cookie, &view.id, &format!(" {} ", code)).await;
    assert_eq!(view.state, EnrolState::Done);
    let card = view.token.unwrap();
    assert_eq!(
        (card.phone.as_str(), card.name.as_str()),
        ("+49 *** *** 78", "My phone")
    );
    assert_eq!(view.codes.len(), 10);
    let tokens = bench.tokens(ALICE).await;
    assert_eq!(tokens.len(), 1);
    assert!(tokens[0].verified && tokens[0].phone.expose() == E164);
    for channel in [Channel::Radius, Channel::Pam] {
        assert_eq!(bench.login(channel).await.1, Reason::Challenge);
    }
    assert_eq!(bench.texts(3).await[2].to, E164);
    let set = bench
        .daemon()
        .read(|read| factors::codes(read, ALICE, resource_id()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(set.set.left(), 10);
    // Wrong codes of an enrolment lock nobody out.
    let guard = bench.daemon().read(|read| read.guard(ALICE)).await.unwrap();
    assert_eq!(guard.consecutive, 0);
    assert_eq!(
        (bench.audit("enrol.begin").await, bench.audit("enrol.done").await),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_twice_a_reload_and_a_resend_too_early_send_one_text() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let both = tokio::join!(
        bench.enrolment(&cookie, begin("f1")),
        bench.enrolment(&cookie, begin("f1"))
    );
    assert_eq!(both.0.id, both.1.id);
    let id = both.0.id;
    let show = UserOp::Enrolment { id: id.clone() };
    let resend = UserOp::EnrolResend { id: id.clone() };
    assert_eq!(bench.enrolment(&cookie, show.clone()).await.id, id);
    let early = bench.enrolment(&cookie, resend.clone()).await;
    assert_eq!(early.ask.resend_in, Some(30));
    let first = bench.texts(1).await[0].code();
    bench.later(30);
    let again = bench.enrolment(&cookie, resend.clone()).await;
    assert_eq!(again.ask.resend_in, Some(60));
    assert_eq!(
        bench.texts(2).await[1].code(),
        first,
        "the digits stay while they live"
    );
    bench.later(200);
    bench.enrolment(&cookie, resend).await;
    let other = bench.texts(3).await[2].code();
    assert_ne!(other, first);
    let view = bench.confirm(&cookie, &id, &first).await;
    assert_eq!((view.why.as_str(), view.ask.left), ("wrong", 4));
    assert_eq!(bench.confirm(&cookie, &id, &other).await.state, EnrolState::Done);
    // The browser goes back and sends the form once more: it finds what became of it.
    assert_eq!(
        bench.enrolment(&cookie, begin("f1")).await.state,
        EnrolState::Done
    );
    bench.texts(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_right_codes_at_once_make_one_token() {
    let bench = Arc::new(Bench::new().await);
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    let all: Vec<_> = (0..64)
        .map(|_| {
            let (bench, cookie) = (Arc::clone(&bench), cookie.clone());
            let (id, code) = (id.clone(), code.clone());
            tokio::spawn(async move { bench.confirm(&cookie, &id, &code).await })
        })
        .collect();
    let mut gave = 0;
    for one in all {
        let view = one.await.unwrap();
        assert_eq!(view.state, EnrolState::Done);
        gave += usize::from(!view.codes.is_empty());
    }
    assert_eq!(bench.tokens(ALICE).await.len(), 1);
    assert_eq!(bench.audit("enrol.done").await, 1);
    // A page that was sent twice shows its second answer: that has codes too, but there is an end to it.
    assert!((1..=3).contains(&gave), "{gave}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_given_again_with_codes_that_work() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    let first = bench.confirm(&cookie, &id, &code).await.codes;
    let second = bench.confirm(&cookie, &id, &code).await.codes;
    assert_eq!((first.len(), second.len()), (10, 10));
    assert_ne!(first[0].expose(), second[0].expose());
    let set = bench
        .daemon()
        .read(|read| factors::codes(read, ALICE, resource_id()))
        .await
        .unwrap()
        .unwrap();
    let kept: BTreeSet<String> = set.set.codes.iter().map(|c| c.index.to_string()).collect();
    let shown: BTreeSet<String> = second.iter().map(|c| c.expose()[..2].to_owned()).collect();
    assert_eq!(kept, shown);
    bench.later(60);
    assert!(bench.confirm(&cookie, &id, &code).await.codes.is_empty());
    // Shown once: looking at it later shows none.
    let show = UserOp::Enrolment { id };
    assert!(bench.enrolment(&cookie, show).await.codes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_is_refused_and_sends_nothing() {
    type Change = fn(&mut Resource);
    let cases: [(Change, UserOp); 4] = [
        (
            |r| {
                r.self_service.actions.remove(&Action::Enroll);
            },
            begin("f"),
        ),
        (
            |r| {
                r.self_service.kinds.remove(&Kind::Sms);
            },
            begin("f"),
        ),
        (
            |r| {
                r.self_service.kinds.remove(&Kind::Totp);
            },
            begin_with("totp", None, "f", None),
        ),
        (
            |r| r.self_service.first_enrolment = FirstEnrolment::Invite,
            begin("f"),
        ),
    ];
    for (change, op) in cases {
        let bench = Bench::new().await;
        let cookie = bench.browser(ALICE).await;
        let mut resource = bench.resource().await;
        change(&mut resource);
        bench.put_resource(resource).await;
        assert_eq!(bench.refused(&cookie, op).await.0, FaultCode::Forbidden);
        assert!(bench.messages().await.is_empty() && bench.audit("enrol.begin").await == 0);
    }
    // Switched off while the code was on its way.
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f")).await.id;
    let code = bench.texts(1).await[0].code();
    let mut resource = bench.resource().await;
    resource.self_service.kinds.remove(&Kind::Sms);
    bench.put_resource(resource).await;
    assert_eq!(
        bench.refused(&cookie, confirm(&id, &code)).await.0,
        FaultCode::Forbidden
    );
    assert!(bench.tokens(ALICE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_fields_are_named_and_nothing_is_stored() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let op = |phone: &str, name: &str, digits: Option<u8>| UserOp::EnrolBegin {
        kind: "sms".to_owned(),
        name: name.to_owned(),
        phone: Some(Secret::from(phone)),
        digits,
        form: "f".to_owned(),
        replaces: None,
    };
    for (bad, field) in [
        (op("abc", "", Some(6)), "phone: "),
        (op("", "", Some(6)), "phone: "),
        (op("+49 30 901820", "", Some(6)), "phone: "),
        (op("+44 7400 123456", "", Some(6)), "phone: "),
        (op(PHONE, "<b>", Some(6)), "name: "),
        (op(PHONE, &"x".repeat(51), Some(6)), "name: "),
        (op(PHONE, "", Some(7)), "digits: "),
        (op(PHONE, "", None), "digits: "),
    ] {
        let (code, message) = bench.refused(&cookie, bad).await;
        assert_eq!(code, FaultCode::Invalid);
        assert!(message.starts_with(field), "{message}");
    }
    assert!(bench.messages().await.is_empty());
    let mut resource = bench.resource().await;
    resource.self_service.otp_length = OtpLength::Fixed(8.try_into().unwrap());
    bench.put_resource(resource).await;
    let view = bench.enrolment(&cookie, op(PHONE, "", Some(3))).await;
    assert_eq!(view.ask.digits, 8);
    assert_eq!(bench.texts(1).await[0].code().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_somebody_else_shows_after_the_right_code_only() {
    let bench = Bench::new().await;
    bench.give_token(BOB, E164).await;
    let cookie = bench.browser(ALICE).await;
    let view = bench.enrolment(&cookie, begin("f1")).await;
    assert_eq!(view.state, EnrolState::Open);
    let code = bench.texts(1).await[0].code();
    let view = bench.confirm(&cookie, &view.id, &wrong(&code)).await;
    assert_eq!((view.state, view.why.as_str()), (EnrolState::Open, "wrong"));
    let view = bench.confirm(&cookie, &view.id, &code).await;
    assert_eq!(
        (view.state, view.token, view.codes.len()),
        (EnrolState::NumberTaken, None, 0)
    );
    assert!(bench.tokens(ALICE).await.is_empty());
    // Where numbers may be shared it is nobody's business.
    let mut resource = bench.resource().await;
    resource.shared_phones = true;
    bench.put_resource(resource).await;
    let view = bench.enrolment(&cookie, begin("f2")).await;
    let code = bench.texts(2).await[1].code();
    assert_eq!(
        bench.confirm(&cookie, &view.id, &code).await.state,
        EnrolState::Done
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_time_and_cancelling_end_it() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    for (typed, why) in [
        ("12", "too-few"),
        ("123456789", "too-many-digits"),
        ("12345x", "not-digits"),
    ] {
        let view = bench.confirm(&cookie, &id, typed).await;
        assert_eq!((view.why.as_str(), view.ask.left), (why, 5));
    }
    for left in (0..5).rev() {
        let view = bench.confirm(&cookie, &id, &wrong(&code)).await;
        assert_eq!(view.ask.left, left);
    }
    let view = bench.confirm(&cookie, &id, &code).await;
    assert_eq!(
        (view.state, view.why.as_str()),
        (EnrolState::TriesUsed, "tries-used")
    );
    // Anew, and too late.
    let id = bench.enrolment(&cookie, begin("f2")).await.id;
    let code = bench.texts(2).await[1].code();
    bench.later(300);
    let view = bench.confirm(&cookie, &id, &code).await;
    assert_eq!((view.state, view.why.as_str()), (EnrolState::Expired, "expired"));
    // Anew, and taken back.
    let id = bench.enrolment(&cookie, begin("f3")).await.id;
    let code = bench.texts(3).await[2].code();
    for _ in 0..2 {
        let cancel = UserOp::EnrolCancel { id: id.clone() };
        assert!(matches!(
            bench.ask(&cookie, cancel).await,
            Outcome::Ok(PortalReply::Done { .. })
        ));
    }
    assert_eq!(
        bench.confirm(&cookie, &id, &code).await.state,
        EnrolState::Cancelled
    );
    assert!(bench.tokens(ALICE).await.is_empty());
    // Two tabs: the newer one holds.
    let one = bench.enrolment(&cookie, begin("f4")).await.id;
    let two = bench.enrolment(&cookie, begin("f5")).await.id;
    let texts = bench.texts(5).await;
    assert_eq!(
        bench.confirm(&cookie, &one, &texts[3].code()).await.state,
        EnrolState::Cancelled
    );
    assert_eq!(
        bench.confirm(&cookie, &two, &texts[4].code()).await.state,
        EnrolState::Done
    );
    assert_eq!(bench.tokens(ALICE).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_is_there_for_its_own_session_only() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    for user in [ALICE, BOB] {
        let other = bench.browser(user).await;
        for op in [
            UserOp::Enrolment { id: id.clone() },
            UserOp::EnrolResend { id: id.clone() },
            UserOp::EnrolNumber {
                id: id.clone(),
                phone: Secret::from(PHONE),
            },
            confirm(&id, &code),
            UserOp::EnrolCancel { id: id.clone() },
        ] {
            assert_eq!(bench.refused(&other, op).await.0, FaultCode::NotFound);
        }
    }
    for id in ["", "x", &"0".repeat(32)] {
        assert_eq!(
            bench.refused(&cookie, confirm(id, &code)).await.0,
            FaultCode::NotFound
        );
    }
    assert_eq!(bench.confirm(&cookie, &id, &code).await.state, EnrolState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_password_alone_ends_with_the_first_token() {
    let bench = Bench::new().await;
    let (cookie, thief) = (bench.browser(ALICE).await, bench.browser(ALICE).await);
    let other = bench.browser(BOB).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    assert!(matches!(
        bench.ask(&thief, UserOp::Home).await,
        Outcome::Ok(PortalReply::Home(_))
    ));
    bench.confirm(&cookie, &id, &code).await;
    assert_eq!(
        bench.ask(&thief, UserOp::Home).await,
        Outcome::Ok(PortalReply::SignedOut)
    );
    for stays in [&cookie, &other] {
        assert!(matches!(
            bench.ask(stays, UserOp::Home).await,
            Outcome::Ok(PortalReply::Home(_))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_gets_another_text_once() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let change = UserOp::EnrolNumber {
        id: id.clone(),
        phone: Secret::from("0171 7654321"),
    };
    let view = bench.enrolment(&cookie, change.clone()).await;
    assert_ne!(view.id, id);
    assert_eq!(view.phone, "+49 171 7654321");
    assert_eq!(bench.enrolment(&cookie, change).await.id, view.id);
    let texts = bench.texts(2).await;
    assert_eq!(texts[1].to, "+491717654321");
    assert_eq!(
        bench.confirm(&cookie, &view.id, &texts[1].code()).await.state,
        EnrolState::Done
    );
    let old = bench.enrolment(&cookie, UserOp::Enrolment { id }).await;
    assert_eq!(old.state, EnrolState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_leave_is_said_and_costs_no_try() {
    // No provider at all.
    let bench = Bench::new().await;
    bench
        .admin(AdminOp::SmsProviderSet {
            name: "inbox".to_owned(),
            enabled: Some(false),
            priority: None,
        })
        .await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    bench.texts(0).await;
    let show = UserOp::Enrolment { id };
    let view = bench.enrolment(&cookie, show).await;
    assert_eq!((view.ask.trouble.as_str(), view.ask.left), ("failed", 5));
    assert_eq!(view.state, EnrolState::Open);
    // Paused by an administrator, and over budget.
    for (set, trouble) in [
        (
            SmsPolicySet {
                paused: Some(true),
                ..SmsPolicySet::default()
            },
            "paused",
        ),
        (
            SmsPolicySet {
                number_hour: Some(0),
                ..SmsPolicySet::default()
            },
            "budget",
        ),
    ] {
        let bench = Bench::new().await;
        bench.admin(AdminOp::SmsPolicySet(set)).await;
        let cookie = bench.browser(ALICE).await;
        let view = bench.enrolment(&cookie, begin("f1")).await;
        assert_eq!((view.ask.trouble.as_str(), view.ask.sent), (trouble, false));
        assert!(bench.messages().await.is_empty());
        // The digits are there, but whoever guesses them has no number: none is right, and none costs a try.
        let digits = bench.digits(&view.id).await;
        for typed in [digits.as_str(), &wrong(&digits)] {
            let view = bench.confirm(&cookie, &view.id, typed).await;
            assert_eq!((view.state, view.ask.left), (EnrolState::Open, 5));
            assert_eq!((view.why.as_str(), view.ask.trouble.as_str()), ("", trouble));
        }
        assert!(bench.tokens(ALICE).await.is_empty());
        // Once it may, it goes.
        bench
            .admin(AdminOp::SmsPolicySet(SmsPolicySet {
                paused: Some(false),
                number_hour: Some(9),
                ..SmsPolicySet::default()
            }))
            .await;
        bench.later(30);
        let id = view.id.clone();
        let view = bench.enrolment(&cookie, UserOp::EnrolResend { id }).await;
        assert_eq!((view.ask.trouble.as_str(), view.ask.sent), ("", true));
        let code = bench.texts(1).await[0].code();
        assert_eq!(
            bench.confirm(&cookie, &view.id, &code).await.state,
            EnrolState::Done
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_that_the_gate_refuses_leaves_the_first_code_good() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    bench
        .admin(AdminOp::SmsPolicySet(SmsPolicySet {
            paused: Some(true),
            ..SmsPolicySet::default()
        }))
        .await;
    // So late that another text would have had other digits.
    bench.later(250);
    let resend = UserOp::EnrolResend { id: id.clone() };
    let view = bench.enrolment(&cookie, resend).await;
    assert_eq!((view.ask.trouble.as_str(), view.ask.expires_in), ("paused", 50));
    assert_eq!(bench.confirm(&cookie, &id, &code).await.state, EnrolState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_text_and_code_changes_nothing() {
    let mut bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    let code = bench.texts(1).await[0].code();
    bench.restart().await;
    assert_eq!(bench.enrolment(&cookie, begin("f1")).await.id, id);
    assert_eq!(bench.confirm(&cookie, &id, &code).await.state, EnrolState::Done);
    bench.restart().await;
    assert_eq!(bench.tokens(ALICE).await.len(), 1);
    assert_eq!(bench.confirm(&cookie, &id, &code).await.state, EnrolState::Done);
    bench.texts(1).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_token_of_a_kind_is_a_conflict_and_another_kind_needs_a_fresh_code() {
    let bench = Bench::new().await;
    bench.give_token(ALICE, "+491701111111").await;
    let cookie = bench.browser(ALICE).await;
    let (code, message) = bench.refused(&cookie, begin("f1")).await;
    assert_eq!(code, FaultCode::Conflict);
    assert!(message.starts_with("has-token: "), "{message}");
    let app = begin_with("totp", None, "f2", None);
    let Outcome::Ok(PortalReply::StepUp { act, .. }) = bench.ask(&cookie, app.clone()).await else {
        panic!("a step-up")
    };
    assert_eq!(act, "enroll");
    bench.fresh_code(&cookie, Act::Enroll).await.unwrap();
    // In this session, and once.
    let other = bench.browser(ALICE).await;
    assert!(matches!(
        bench.ask(&other, app.clone()).await,
        Outcome::Ok(PortalReply::StepUp { .. })
    ));
    let view = bench.enrolment(&cookie, app).await;
    assert_eq!(view.state, EnrolState::Open);
    let again = begin_with("totp", None, "f3", None);
    assert!(matches!(
        bench.ask(&cookie, again).await,
        Outcome::Ok(PortalReply::StepUp { .. })
    ));
    // Its code is made by the app alone; its secret shows until then only.
    let secret = totp::Secret::parse(view.totp.unwrap().expose()).unwrap();
    assert!(
        view.uri
            .unwrap()
            .expose()
            .starts_with("otpauth://totp/Office%20VPN:alice?secret=")
    );
    let typed = totp::code(
        &secret,
        &totp::Params::default(),
        totp::Step::of(bench.daemon().now()),
    );
    let view = bench.confirm(&cookie, &view.id, &typed).await;
    assert_eq!((view.state, view.totp), (EnrolState::Done, None));
    assert_eq!(view.token.unwrap().kind, "totp");
    let apps = bench
        .daemon()
        .read(|read| document::of::<TotpToken>(read, &ALICE.0))
        .await
        .unwrap();
    assert_eq!(apps.len(), 1);
    assert_eq!(
        apps[0].accept(&typed, bench.daemon().now()),
        None,
        "its first code is used"
    );
}

/// What was mailed, by its notice.
async fn mailed(bench: &Bench) -> Vec<Notice> {
    let mails: Vec<QueuedMail> = bench
        .daemon()
        .read(|read| document::list(read, None, 100))
        .await
        .unwrap();
    mails
        .into_iter()
        .filter_map(|mail| match mail.matter {
            Matter::Notice(notice) => Some(notice),
            _ => None,
        })
        .collect()
}

/// A mail server that nobody answers at: mails wait.
fn mail_server() -> MailSetup {
    MailSetup {
        settings: Settings {
            host: "127.0.0.1".to_owned(),
            port: 1,
            security: Security::None,
            user: None,
            from: Sender::parse("otpost@example.com").unwrap(),
            ca: None,
        },
        password: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_token_works_until_the_new_one_is_confirmed_and_its_number_is_told() {
    let bench = Bench::new().await;
    bench.put(mail_server()).await;
    let old = bench.give_token(ALICE, "+491701111111").await;
    let cookie = bench.browser(ALICE).await;
    let op = begin_with("sms", Some(PHONE), "f1", Some(old));
    let Outcome::Ok(PortalReply::StepUp { act, .. }) = bench.ask(&cookie, op.clone()).await else {
        panic!("a step-up")
    };
    assert_eq!(act, "reissue");
    let before = bench.lines().len();
    bench.fresh_code(&cookie, Act::Reissue(old)).await.unwrap();
    let view = bench.enrolment(&cookie, op).await;
    assert!(view.replaces);
    assert_eq!(bench.login(Channel::Radius).await.1, Reason::Challenge);
    assert_eq!(bench.tokens(ALICE).await[0].id, old);
    let sent = bench.messages().await.len();
    let texts = bench.texts(sent).await;
    assert!(texts.len() >= before + 2);
    let code = texts.iter().find(|t| t.to == E164).unwrap().code();
    let view = bench.confirm(&cookie, &view.id, &code).await;
    assert_eq!(view.state, EnrolState::Done);
    let tokens = bench.tokens(ALICE).await;
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0].id, old);
    let open = bench.daemon().now();
    let open = bench
        .daemon()
        .read(move |read| read.open_challenges(ALICE, open))
        .await
        .unwrap();
    assert!(open.is_empty(), "codes that went to the old number open nothing");
    let texts = bench.texts(sent + 1).await;
    let told = texts.last().unwrap();
    assert_eq!(told.to, "+491701111111");
    assert!(told.text.contains("your token was replaced"), "{}", told.text);
    let mails = mailed(&bench).await;
    assert!(mails.contains(&Notice::TokenAdded {
        name: "My phone".to_owned()
    }));
    assert!(mails.contains(&Notice::TokenRemoved {
        name: "Old phone".to_owned()
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_number_is_bound_to_its_fresh_code_and_keeps_the_token() {
    let bench = Bench::new().await;
    bench.put(mail_server()).await;
    let old = bench.give_token(ALICE, "+491701111111").await;
    let cookie = bench.browser(ALICE).await;
    let act = Act::ChangePhone(old, E164.to_owned().into());
    let view = bench.fresh_code(&cookie, act).await.unwrap().unwrap();
    let code = bench.texts(1).await[0].code();
    // Another number needs another fresh code.
    let other = UserOp::EnrolNumber {
        id: view.id.clone(),
        phone: Secret::from("0171 7654321"),
    };
    assert!(matches!(
        bench.ask(&cookie, other).await,
        Outcome::Ok(PortalReply::StepUp { .. })
    ));
    let sent = bench.messages().await.len();
    bench.texts(sent).await;
    let view = bench.confirm(&cookie, &view.id, &code).await;
    assert_eq!(view.state, EnrolState::Done);
    let tokens = bench.tokens(ALICE).await;
    assert_eq!(
        (tokens.len(), tokens[0].id, tokens[0].phone.expose()),
        (1, old, E164)
    );
    assert_eq!(tokens[0].name, "Old phone");
    let texts = bench.texts(sent + 1).await;
    assert_eq!(texts.last().unwrap().to, "+491701111111");
    assert!(texts.last().unwrap().text.contains("another number"));
    let changed = Notice::NumberChanged {
        masked: "+49 *** *** 78".to_owned(),
    };
    assert_eq!(mailed(&bench).await, [changed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_nobody_waits_for_does_not_leave() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let id = bench.enrolment(&cookie, begin("f1")).await.id;
    bench.texts(1).await;
    let enrolment: EnrolmentId = id.parse().unwrap();
    let queue = |generation: u32| {
        let kind = TextKind::Enrol {
            enrolment,
            generation,
        };
        let now = bench.daemon().now();
        Message::queued(
            MessageId::random(&mut bench.daemon().rng()),
            kind,
            bench.daemon().reference(),
            (now, now.plus(Duration::from_secs(300))),
        )
    };
    // Of a generation that is no more; and, once it was taken back, of the last one too.
    for (generation, cancel) in [(1, false), (0, true)] {
        if cancel {
            bench.ask(&cookie, UserOp::EnrolCancel { id: id.clone() }).await;
        }
        let message = queue(generation);
        let id = message.id;
        bench
            .daemon()
            .write(move |tx| tx.put_message(&message))
            .await
            .unwrap();
        bench.daemon().outbox.wake();
        bench.texts(1).await;
        let ended = bench
            .daemon()
            .read(move |read| read.message(id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.state, State::Expired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_goes_through_the_gate() {
    let bench = Bench::new().await;
    let phone = Phone::parse(E164, None).unwrap();
    let told = async |paused: bool| {
        let (phone, reference, now) = (phone.clone(), bench.daemon().reference(), bench.daemon().now());
        let mut rng = bench.daemon().rng();
        let policy = SmsPolicySet {
            paused: Some(paused),
            ..SmsPolicySet::default()
        };
        bench.admin(AdminOp::SmsPolicySet(policy)).await;
        let queued = bench.daemon().write(move |tx| {
            let source = Source::new("", "portal");
            let to = (&phone, ALICE, &source, &reference);
            let what = (SecurityEvent::TokenRemoved, resource_id());
            texts::queue_notice(tx, what, to, &mut rng, now)
        });
        queued.await.unwrap()
    };
    assert!(!told(true).await);
    assert!(told(false).await);
    bench.daemon().outbox.wake();
    assert!(bench.texts(1).await[0].text.contains("your token was removed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_number_nor_code_is_in_log_database_or_audit() {
    let mut bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    let view = bench.enrolment(&cookie, begin("f1")).await;
    let code = bench.texts(1).await[0].code();
    bench.confirm(&cookie, &view.id, &wrong(&code)).await;
    let view = bench.confirm(&cookie, &view.id, &code).await;
    let recovery = view.codes[0].expose()[3..].to_owned();
    bench.stop().await;
    let mut places: Vec<(String, Vec<u8>)> = std::fs::read_dir(bench.dir.join("data"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    assert!(places.len() >= 2 && places.iter().any(|(_, octets)| find(octets, b"alice")));
    let logged = log().lock().unwrap().clone();
    assert!(find(&logged, b"text accepted"), "the log is looked at");
    places.push(("log".to_owned(), logged));
    for (place, octets) in &places {
        for secret in [E164, "1712345678", "2345678", PHONE, recovery.as_str()] {
            assert!(!find(octets, secret.as_bytes()), "{secret} in {place}");
        }
        // Six digits may stand anywhere by chance, but not with the words around them.
        for words in [
            format!(" {code} "),
            format!("\"{code}\""),
            format!("#{code}"),
            format!("={code}"),
        ] {
            assert!(!find(octets, words.as_bytes()), "the code in {place}");
        }
    }
}

fn find(octets: &[u8], what: &[u8]) -> bool {
    octets.windows(what.len()).any(|window| window == what)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_enrols_somebody_who_reads_the_code_out() {
    let bench = Bench::new().await;
    let mut resource = bench.resource().await;
    // The portal's settings bind people, not administrators.
    resource.self_service.actions.clear();
    resource.self_service.kinds.clear();
    bench.put_resource(resource).await;
    let start = |user: &str, phone: &str, digits| AdminOp::EnrolStart {
        user: user.to_owned(),
        resource: "Office VPN".to_owned(),
        phone: Secret::from(phone),
        name: String::new(),
        digits,
    };
    let of = |reply| match reply {
        AdminReply::Enrolment(view) => *view,
        other => panic!("{other:?}"),
    };
    let view = of(bench.admin(start("alice", PHONE, None)).await);
    let code = bench.texts(1).await[0].code();
    let id = view.id;
    let cookie = bench.browser(ALICE).await;
    let stolen = bench.refused(&cookie, confirm(&id, &code)).await;
    assert_eq!(stolen.0, FaultCode::NotFound, "not for the person's own session");
    let finish = |code: &str| AdminOp::EnrolFinish {
        enrolment: id.clone(),
        code: Secret::from(code),
    };
    assert_eq!(of(bench.admin(finish(&wrong(&code))).await).ask.left, 4);
    let status = AdminOp::EnrolStatus {
        enrolment: id.clone(),
    };
    assert_eq!(of(bench.admin(status).await).state, EnrolState::Open);
    let view = of(bench.admin(finish(&code)).await);
    assert_eq!((view.state, view.codes.len()), (EnrolState::Done, 0));
    assert_eq!(view.token.unwrap().name, "SMS +49 *** *** 78");
    assert_eq!(bench.tokens(ALICE).await.len(), 1);
    let code_of = |outcome: Outcome<AdminReply>| match outcome {
        Outcome::Err(fault) => fault.code,
        Outcome::Ok(reply) => panic!("{reply:?}"),
    };
    let again = bench.try_admin(start("alice", PHONE, None)).await;
    assert_eq!(code_of(again), FaultCode::Conflict);
    for bad in [start("bob", "12", None), start("bob", PHONE, Some(7))] {
        assert_eq!(code_of(bench.try_admin(bad).await), FaultCode::Invalid);
    }
    let nobody = bench.try_admin(start("nobody", PHONE, None)).await;
    assert_eq!(code_of(nobody), FaultCode::NotFound);
    let view = of(bench.admin(start("bob", "0171 7654321", Some(8))).await);
    let cancel = AdminOp::EnrolCancel {
        enrolment: view.id.clone(),
    };
    assert_eq!(of(bench.admin(cancel).await).state, EnrolState::Cancelled);
    assert_eq!(bench.texts(2).await[1].code().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_swept() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    bench.enrolment(&cookie, begin("f1")).await;
    let session = PortalSessionId([5; 16]);
    bench
        .put(Permit {
            session,
            user: ALICE,
            resource: resource_id(),
            replaces: None,
            until: bench.daemon().now().plus(Duration::from_secs(600)),
        })
        .await;
    let left = |now: Timestamp| {
        bench.daemon().write(move |tx| {
            super::sweep(tx, now, 10)?;
            let enrolments: Vec<Enrolment> = document::list(tx, None, 10)?;
            let permits: Vec<Permit> = document::list(tx, None, 10)?;
            Ok::<_, StoreError>(enrolments.len() + permits.len())
        })
    };
    let now = bench.daemon().now();
    for (seconds, kept) in [(599, 2), (601, 1), (600 + 3599, 1), (600 + 3601, 0)] {
        let then = now.plus(Duration::from_secs(seconds));
        assert_eq!(left(then).await.unwrap(), kept, "{seconds}");
    }
}

/// Alice has a token, and is bound to its resource, that is none of the portal's.
async fn token_elsewhere(bench: &Bench) -> TokenId {
    let id = bench.give_token(ALICE, "+491701111111").await;
    bench
        .daemon()
        .write(move |tx| {
            let lab = Resource::new(ResourceId([4; 16]), "Lab", Timestamp(0));
            tx.put_resource(&lab)?;
            let mut user = tx.user(ALICE)?.unwrap();
            user.resources.push(lab.id);
            user.password = Some(PasswordHash(Zeroizing::new("a hash".to_owned())));
            tx.put_user(&user)?;
            let token = tx.token(id)?.unwrap();
            tx.put_token(&Token {
                resources: vec![lab.id],
                ..token
            })
        })
        .await
        .unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_alone_gets_nothing_that_opens_another_resource() {
    let bench = Bench::new().await;
    token_elsewhere(&bench).await;
    // No token guards this portal: the password was enough to be here.
    let cookie = bench.browser(ALICE).await;
    // Recovery codes would open the portal that the token guards.
    let renew = UserOp::Act {
        act: UserAct::RenewRecovery,
    };
    assert_eq!(bench.refused(&cookie, renew).await.0, FaultCode::Conflict);
    let email = UserAct::Email {
        new: "thief@example.com".to_owned(),
    };
    bench.put(mail_server()).await;
    for op in [
        UserOp::Act { act: email },
        begin("f1"),
        begin_with("totp", None, "f2", None),
    ] {
        let Outcome::Ok(PortalReply::StepUp { ask, .. }) = bench.ask(&cookie, op).await else {
            panic!("a step-up")
        };
        let methods: Vec<_> = ask.methods.iter().map(|view| view.method).collect();
        assert_eq!(methods, [Method::Sms], "a code of the token, and no password");
    }
    assert!(bench.texts(3).await.iter().all(|text| text.to == "+491701111111"));
    // With the code it goes on.
    bench.fresh_code(&cookie, Act::Enroll).await.unwrap();
    let view = bench.enrolment(&cookie, begin("f1")).await;
    assert_eq!(view.state, EnrolState::Open);
    // And no further than that, once it was taken back.
    let cancel = UserOp::EnrolCancel { id: view.id.clone() };
    assert!(matches!(
        bench.ask(&cookie, cancel).await,
        Outcome::Ok(PortalReply::Done { .. })
    ));
    let number = UserOp::EnrolNumber {
        id: view.id,
        phone: Secret::from("0171 7654321"),
    };
    assert!(matches!(
        bench.ask(&cookie, number).await,
        Outcome::Ok(PortalReply::StepUp { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn first_recovery_codes_need_a_session_that_passed_a_second_factor() {
    let bench = Bench::new().await;
    // Of the password alone, before an administrator assigned a token.
    let thief = bench.browser(ALICE).await;
    bench.later(1);
    bench.give_token(ALICE, "+491701111111").await;
    let Outcome::Ok(PortalReply::StepUp { act, .. }) = bench.ask(&thief, UserOp::RecoveryFirst).await else {
        panic!("a step-up")
    };
    assert_eq!(act, "renew-recovery");
    bench.later(1);
    let cookie = bench.browser(ALICE).await;
    assert!(matches!(
        bench.ask(&cookie, UserOp::RecoveryFirst).await,
        Outcome::Ok(PortalReply::Codes { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_again_and_again_does_not_grow() {
    let bench = Bench::new().await;
    let cookie = bench.browser(ALICE).await;
    for n in 0..40 {
        bench
            .enrolment(&cookie, begin_with("totp", None, &format!("f{n}"), None))
            .await;
    }
    let token = bench.give_token(ALICE, "+491701111111").await;
    for _ in 0..40 {
        let act = UserAct::Unassign {
            token: token.to_string(),
        };
        assert!(matches!(
            bench.ask(&cookie, UserOp::Act { act }).await,
            Outcome::Ok(PortalReply::StepUp { .. })
        ));
    }
    let (enrolments, asked) = bench
        .daemon()
        .read(|read| {
            let enrolments = document::of::<Enrolment>(read, &ALICE.0)?.len();
            Ok((enrolments, document::of::<Verification>(read, &ALICE.0)?.len()))
        })
        .await
        .unwrap();
    assert!(enrolments <= 18 && asked <= 9, "{enrolments} {asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_present_password_is_not_guessed_within_a_session() {
    let bench = Bench::new().await;
    token_elsewhere(&bench).await;
    let hash = bench
        .daemon()
        .passwords
        .hash(Zeroizing::new("correct horse".to_owned()), bench.daemon().rng())
        .await
        .unwrap();
    bench
        .daemon()
        .write(move |tx| {
            let user = tx.user(ALICE)?.unwrap();
            tx.put_user(&User {
                password: Some(PasswordHash(hash.clone())),
                ..user
            })
        })
        .await
        .unwrap();
    let cookie = bench.browser(ALICE).await;
    let guess = |text: &str| UserOp::Act {
        act: UserAct::Password {
            current: Some(Secret::from(text)),
            new: Secret::from("another horse"),
        },
    };
    for n in 0..LOGIN_FAILURES {
        let (code, _) = bench.refused(&cookie, guess(&format!("guess {n}"))).await;
        assert_eq!(code, FaultCode::Invalid);
    }
    let (code, _) = bench.refused(&cookie, guess("correct horse")).await;
    assert_eq!(code, FaultCode::Busy);
}
