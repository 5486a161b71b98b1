//! What happens between a password's comparison and the transaction that decides.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, ThreadId};

use otpost_conf::DaemonConfig;
use otpost_conf::daemon::Environment;
use otpost_core::gate::Policy;
use otpost_core::ids::TokenId;
use otpost_core::phone::Phone;
use otpost_core::token::{Status, Token};
use otpost_core::user::{PasswordHash, Profile, User};

use super::*;
use crate::serve::{Deps, Ready, prepare};
use crate::sys::{Clock, SystemEntropy};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ALICE: UserId = UserId([1; 16]);
const VPN: ResourceId = ResourceId([2; 16]);

/// Something that happens at the next look at the clock.
type Event = Box<dyn FnOnce() + Send>;

/// A clock that stands still. A login looks at it once, between comparison and transaction, on the test's own thread.
struct Trap {
    thread: ThreadId,
    event: Mutex<Option<Event>>,
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        if thread::current().id() == self.thread {
            let event = self.event.lock().unwrap().take();
            event.into_iter().for_each(|event| event());
        }
        NOW
    }
}

struct Bench {
    dir: PathBuf,
    trap: Arc<Trap>,
    // Holds the sockets.
    ready: Ready,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Bench {
    /// `alice` with the password `old`, a token, and one VPN.
    async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("otpost-login-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        for sub in ["", "run"] {
            let made = std::fs::DirBuilder::new().mode(0o700).create(dir.join(sub));
            made.unwrap();
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
        let trap = Arc::new(Trap {
            thread: thread::current().id(),
            event: Mutex::default(),
        });
        let deps = Deps {
            clock: Arc::clone(&trap) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            credentials: None,
        };
        let ready = prepare(&config, deps).await.unwrap();
        let bench = Self { dir, trap, ready };
        let password = bench.hash("old").await;
        bench
            .daemon()
            .write(move |tx| {
                tx.put_resource(&Resource::new(VPN, "VPN", NOW))?;
                tx.put_user(&User {
                    id: ALICE,
                    login: "alice".to_owned(),
                    name: LoginName::parse("alice").unwrap(),
                    aliases: Vec::new(),
                    email: None,
                    password: Some(password.clone()),
                    locked: None,
                    bypass_until: None,
                    resources: vec![VPN],
                    profile: Profile::default(),
                    created: NOW,
                })?;
                tx.put_token(&Token {
                    id: TokenId([3; 16]),
                    user: ALICE,
                    name: String::new(),
                    phone: Phone::parse("+491712345678", None).unwrap(),
                    digits: otpost_core::code::Digits::SIX,
                    status: Status::Active,
                    verified: true,
                    resources: vec![VPN],
                    created: NOW,
                })?;
                tx.put_send_policy(&Policy {
                    countries: ["DE".parse().unwrap()].into(),
                    ..Policy::default()
                })
            })
            .await
            .unwrap();
        bench
    }

    fn daemon(&self) -> Arc<Daemon> {
        self.ready.daemon()
    }

    async fn hash(&self, password: &str) -> PasswordHash {
        let daemon = self.daemon();
        let typed = Zeroizing::new(password.to_owned());
        PasswordHash(daemon.passwords.hash(typed, daemon.rng()).await.unwrap())
    }

    /// What another transaction does to alice, once the password of the next login was compared.
    fn meanwhile(&self, edit: impl Fn(&mut User) + Send + 'static) {
        let store = Arc::clone(&self.daemon().store);
        let event = move || {
            let done = otpost_store::write(store.as_ref(), move |tx| {
                let mut alice = tx.user(ALICE)?.unwrap();
                edit(&mut alice);
                tx.put_user(&alice)
            });
            done.unwrap();
        };
        *self.trap.event.lock().unwrap() = Some(Box::new(event));
    }

    async fn login(&self, password: &str) -> Reason {
        let mut attempt = [0; 16];
        self.daemon().entropy.fill(&mut attempt);
        let start = Start {
            channel: Channel::Radius,
            group: "gateway".to_owned(),
            user: "alice".to_owned(),
            password: Some(Zeroizing::new(password.to_owned())),
            proof: None,
            ms_chap2: None,
            first_factor: Chain::local(),
            door: Door::default(),
            guarded: Guarded::Resource(VPN),
            attempt: AttemptId(attempt),
            origin: Origin::default(),
            source: Source::new("192.0.2.7", "gateway"),
        };
        begin(&self.daemon(), start).await.unwrap().reason
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_while_it_is_compared_opens_nothing() {
    let bench = Bench::new().await;
    let new = bench.hash("new").await;
    bench.meanwhile(move |alice| alice.password = Some(new.clone()));
    assert_eq!(bench.login("old").await, Reason::WrongPassword);
    let event = bench.trap.event.lock().unwrap().is_some();
    assert!(!event, "it did happen meanwhile");
    assert_eq!(bench.login("new").await, Reason::Challenge);
    bench.meanwhile(|alice| alice.password = None);
    assert_eq!(bench.login("new").await, Reason::NoPassword);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_change_meanwhile_hinders_nobody() {
    let bench = Bench::new().await;
    bench.meanwhile(|alice| alice.email = Some("alice@example.com".to_owned()));
    assert_eq!(bench.login("old").await, Reason::Challenge);
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_wait_end_on_every_channel_and_only_their_users() {
    let bench = Bench::new().await;
    assert_eq!(bench.login("old").await, Reason::Challenge);
    assert_eq!(bench.login("old").await, Reason::Challenge);
    let (ended, waiting) = bench
        .daemon()
        .write(|tx| {
            let others = end_waiting(tx, UserId([9; 16]), NOW)?;
            let waiting = tx.open_challenges(ALICE, NOW)?.len();
            let ended = end_waiting(tx, ALICE, NOW)?;
            Ok(((others, ended), (waiting, tx.open_challenges(ALICE, NOW)?.len())))
        })
        .await
        .unwrap();
    assert_eq!((ended, waiting), ((0, 2), (2, 0)));
}
