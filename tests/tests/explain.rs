//! `login explain` says what the login with the right password then does: the same outcome for the same reason, whatever
//! administrators and earlier logins have left behind.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use otpost_ipc::admin::{AccessSet, AdminOp, AdminReply, ClientSet, ResourceSettings, SmsPolicySet, UserAdd};
use otpost_ipc::client::{CallError, Client, Deadline};
use otpost_ipc::pam::{PamBegin, PamOp, PamReply};
use otpost_ipc::radius::{Credentials, Nas, RadiusAnswer, RadiusBegin, RadiusOp, RadiusReply};
use otpost_ipc::{LoginReply, Role, Secret};
use otpost_tests::dice::Dice;
use otpost_tests::stack::{PASSWORD, Stack, number};

/// Logins that are compared.
const COMPARED: u32 = 150;

/// Every reason that the first request of a login with the right password can have.
const REASONS: [&str; 28] = [
    "admin-locked",
    "bypass",
    "challenge",
    "exempt-group",
    "exempt-network",
    "exempt-user",
    "hour-refused",
    "network-refused",
    "no-password",
    "no-resource",
    "not-in-resource",
    "otp-locked",
    "resource-disabled",
    "sms-country",
    "sms-number-budget",
    "sms-number-class",
    "sms-overall-budget",
    "sms-paused",
    "sms-source-budget",
    "sms-user-budget",
    "source-closed",
    "token-blocked",
    "token-disabled",
    "token-disabled-allowed",
    "too-many-open",
    "unenrolled",
    "unenrolled-allowed",
    "unknown-user",
];

/// The last one has no password.
const USERS: [&str; 5] = ["anna", "bert", "carl", "dora", "emil"];
const NO_PASSWORD: &str = "emil";
const SOURCES: [&str; 5] = [
    "",
    "192.0.2.7",
    "198.51.100.9",
    "2001:db8::5",
    "gateway.example.com",
];
/// A budget that nobody uses up.
const MANY: Option<u32> = Some(1_000_000);

/// A day that neither begins nor ended within a day from now, in whatever zone.
fn another_day() -> String {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let today = Command::new("date").arg("+%u").output().unwrap().stdout;
    let today: usize = String::from_utf8(today).unwrap().trim().parse().unwrap();
    format!("{} 00:00-24:00", DAYS[(today + 2) % 7])
}

fn words(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|&word| word.to_owned()).collect())
}

/// Rules that end a login of `user` from the second of [`SOURCES`] for `reason`.
fn rules(reason: &str, user: &str) -> AccessSet {
    let mut set = AccessSet::default();
    match reason {
        "exempt-user" => set.exempt_users = words(&[user]),
        "exempt-group" => set.exempt_groups = words(&["STAFF"]),
        "exempt-network" => set.exempt_networks = words(&["192.0.2.0/24"]),
        "network-refused" => set.allowed_networks = words(&["198.51.100.0/24"]),
        _ => set.hours = Some(vec![another_day()]),
    }
    set
}

/// Where a login happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// A RADIUS client whose passwords are checked here.
    Local(&'static str),
    /// A RADIUS client whose passwords are checked elsewhere.
    Stack(&'static str),
    /// A PAM service.
    Pam(&'static str),
}

/// The PAM service `gw` has the name of a RADIUS client; no resource names `cron`.
const DOORS: [Door; 6] = [
    Door::Local("gw"),
    Door::Local("gw"),
    Door::Stack("nps"),
    Door::Pam("sshd"),
    Door::Pam("gw"),
    Door::Pam("cron"),
];

/// A login as its caller names it.
#[derive(Debug, Clone)]
struct Login {
    user: String,
    door: Door,
    source: &'static str,
}

impl Login {
    fn at(door: Door, user: &str, source: &'static str) -> Self {
        Self {
            user: user.to_owned(),
            door,
            source,
        }
    }
}

/// What becomes of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Left,
    RightCode,
    WrongCodes,
    Cancelled,
}

struct World {
    stack: Stack,
    dice: Dice,
    radius: Client<RadiusOp, RadiusReply>,
    pam: Client<PamOp, PamReply>,
    numbers: u16,
    packets: u64,
    /// Audit rows up to here are known.
    seen: u64,
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

impl World {
    fn new() -> Self {
        let stack = Stack::new();
        stack.inbox();
        stack.resource("vpn", ResourceSettings::default());
        stack.resource("hosts", ResourceSettings::default());
        stack.client("gw", "127.0.0.1/32", "vpn", "local");
        stack.client("nps", "127.0.0.2/32", "vpn", "stack");
        for client in ["gw", "nps"] {
            let set = ClientSet {
                source: Some("calling-station-id".to_owned()),
                ..ClientSet::default()
            };
            stack.client_set(client, None, set);
        }
        let mut world = Self {
            radius: Client::connect(&stack.socket("radius"), Role::Radius, soon()).unwrap(),
            pam: Client::connect(&stack.socket("pam"), Role::Pam, soon()).unwrap(),
            stack,
            dice: Dice::cast("explain"),
            numbers: 0,
            packets: 0,
            seen: 0,
        };
        world.calm();
        for user in USERS {
            world.renew(user);
        }
        world
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let end = u64::try_from(of.len()).unwrap();
        of[usize::try_from(self.dice.below(end)).unwrap()]
    }

    fn number(&mut self) -> String {
        self.numbers += 1;
        number(self.numbers)
    }

    /// Tries a change, which the state may forbid.
    fn attempt(&self, op: AdminOp) {
        match self.stack.try_admin(op) {
            Ok(_) | Err(CallError::Fault(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// No budget used up, nothing paused or switched off, the doors as they should be.
    fn calm(&self) {
        self.policy(SmsPolicySet {
            countries: Some(vec!["DE".to_owned(), "GB".to_owned()]),
            voip: Some(false),
            paused: Some(false),
            number_hour: MANY,
            number_day: MANY,
            user_hour: MANY,
            user_day: MANY,
            user_reserve: Some(0),
            source_hour: MANY,
            source_day: MANY,
            all_minute: MANY,
            all_day: MANY,
        });
        for name in ["vpn", "hosts"] {
            self.set(
                name,
                ResourceSettings {
                    enabled: Some(true),
                    unenrolled: Some("deny".to_owned()),
                    disabled: Some("deny".to_owned()),
                    ..ResourceSettings::default()
                },
            );
        }
        self.services(&["sshd", "gw"]);
        let none = || words(&[]);
        self.stack.access(
            "vpn",
            AccessSet {
                allowed_networks: none(),
                hours: none(),
                exempt_networks: none(),
                exempt_users: none(),
                exempt_groups: none(),
                ..AccessSet::default()
            },
        );
    }

    fn policy(&self, set: SmsPolicySet) {
        self.stack.admin(AdminOp::SmsPolicySet(set));
    }

    fn set(&self, resource: &str, set: ResourceSettings) {
        self.stack.admin(AdminOp::ResourceSet {
            name: resource.to_owned(),
            set,
        });
    }

    fn services(&self, services: &[&str]) {
        self.set(
            "hosts",
            ResourceSettings {
                pam_services: Some(services.iter().map(|&s| s.to_owned()).collect()),
                ..ResourceSettings::default()
            },
        );
    }

    /// The user anew: unlocked, with a phone that never got a text, bound to everything.
    fn renew(&mut self, user: &str) {
        self.attempt(AdminOp::UserRemove {
            user: user.to_owned(),
        });
        self.stack.admin(AdminOp::UserAdd(UserAdd {
            login: user.to_owned(),
            password: (user != NO_PASSWORD).then(|| PASSWORD.into()),
            resources: vec!["vpn".to_owned(), "hosts".to_owned()],
            groups: vec!["staff".to_owned()],
            ..UserAdd::default()
        }));
        let phone = self.number();
        self.attempt(token_add(user, phone, &[]));
    }

    fn token_status(&self, user: &str, status: &str) {
        for token in self.tokens(user) {
            self.stack.admin(AdminOp::TokenSet {
                token,
                status: Some(status.to_owned()),
                name: None,
            });
        }
    }

    fn remove_tokens(&self, user: &str) {
        for token in self.tokens(user) {
            self.stack.admin(AdminOp::TokenRemove { token });
        }
    }

    fn tokens(&self, user: &str) -> Vec<String> {
        match self.stack.admin(AdminOp::TokenList {
            user: user.to_owned(),
        }) {
            AdminReply::Tokens { tokens } => tokens.into_iter().map(|token| token.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn explain(&mut self, login: &Login) -> (String, String) {
        let (service, channel, alone) = match login.door {
            Door::Local(name) | Door::Stack(name) => (name, "radius", true),
            // Without the channel, the RADIUS client of that name is meant.
            Door::Pam(name) => (name, "pam", name != "gw"),
        };
        let channel = (!alone || self.dice.below(2) == 0).then(|| channel.to_owned());
        match self.stack.admin(AdminOp::LoginExplain {
            user: login.user.clone(),
            service: service.to_owned(),
            channel,
            source: login.source.to_owned(),
        }) {
            AdminReply::Explained {
                outcome,
                reason,
                text,
            } => {
                assert!(!text.is_empty() && !text.contains(PASSWORD), "{text}");
                (outcome, reason)
            }
            other => panic!("{other:?}"),
        }
    }

    fn begin(&mut self, login: &Login, password: Option<&str>) -> LoginReply {
        match login.door {
            Door::Local(name) | Door::Stack(name) => self.radius(|attempt| {
                RadiusOp::Begin(RadiusBegin {
                    client: name.to_owned(),
                    user: login.user.clone(),
                    credentials: Credentials::Pap {
                        password: Secret::from(password.unwrap_or_default()),
                    },
                    attempt,
                    nas: Nas {
                        calling_station: login.source.to_owned(),
                        ..Nas::default()
                    },
                })
            }),
            Door::Pam(name) => self.pam(PamOp::Begin(PamBegin {
                user: login.user.clone(),
                service: name.to_owned(),
                rhost: login.source.to_owned(),
                tty: "ssh".to_owned(),
                ruser: String::new(),
                decoy: false,
            })),
        }
    }

    fn radius(&mut self, op: impl FnOnce(String) -> RadiusOp) -> LoginReply {
        self.packets += 1;
        self.radius.set_deadline(soon());
        match self.radius.call(op(format!("{:064x}", self.packets))) {
            Ok(RadiusReply::Login { login, .. }) => login,
            other => panic!("{other:?}"),
        }
    }

    fn pam(&mut self, op: PamOp) -> LoginReply {
        self.pam.set_deadline(soon());
        self.pam.call(op).unwrap()
    }

    fn answer(&mut self, login: &Login, session: &str, typed: &str) -> LoginReply {
        let (session, answer) = (session.to_owned(), Secret::from(typed));
        match login.door {
            Door::Local(name) | Door::Stack(name) => self.radius(|attempt| {
                RadiusOp::Answer(RadiusAnswer {
                    client: name.to_owned(),
                    user: login.user.clone(),
                    session,
                    credentials: Credentials::Pap { password: answer },
                    attempt,
                    nas: Nas::default(),
                })
            }),
            Door::Pam(_) => self.pam(PamOp::Answer { session, answer }),
        }
    }

    /// Reasons of the logins since the last call; what administrators did since then is counted.
    fn recorded(&mut self) -> (Vec<String>, usize) {
        let (mut logins, mut acts) = (Vec::new(), 0);
        loop {
            let op = AdminOp::AuditTail {
                after: Some(self.seen),
                limit: 200,
            };
            let AdminReply::Audit { rows } = self.stack.admin(op) else {
                panic!("no audit rows")
            };
            if rows.is_empty() {
                return (logins, acts);
            }
            for row in rows {
                self.seen = row.seq;
                acts += usize::from(row.kind.starts_with("admin."));
                if row.kind.starts_with("login.") {
                    logins.push(row.reason);
                }
            }
        }
    }

    /// Explains a login, performs it, and gives the reason of both.
    fn compare(&mut self, login: &Login) -> String {
        let then = self.pick(&[Then::Left, Then::RightCode, Then::WrongCodes, Then::Cancelled]);
        let before = if then == Then::RightCode {
            self.stack.settled()
        } else {
            0
        };
        self.recorded();
        let explained = self.explain(login);
        assert_eq!(self.explain(login), explained, "{login:?}: asked twice");
        let none = (Vec::new(), 0);
        assert_eq!(self.recorded(), none, "{login:?}: an explanation left a trace");
        // Where another system has checked the password, it may be there or not.
        let sent = !matches!(login.door, Door::Stack(_)) || self.dice.below(2) == 0;
        let reply = self.begin(login, sent.then_some(PASSWORD));
        let outcome = match &reply {
            LoginReply::Prompt { .. } => "ask",
            LoginReply::Allow { .. } => "allow",
            LoginReply::Deny { .. } => "deny",
            LoginReply::Ignore => "ignore",
        };
        let (reasons, _) = self.recorded();
        let [reason] = reasons.as_slice() else {
            panic!("{login:?}: {reasons:?}")
        };
        assert_eq!(explained, (outcome.to_owned(), reason.clone()), "{login:?}");
        if let LoginReply::Prompt { session, .. } = reply {
            match then {
                Then::Left => {}
                Then::RightCode => {
                    let code = self.stack.text_after(before).code();
                    let reply = self.answer(login, &session, &code);
                    assert!(matches!(reply, LoginReply::Allow { .. }), "{login:?}: {reply:?}");
                }
                Then::WrongCodes => self.wrong_codes(login, session),
                // A VPN has no word for it.
                Then::Cancelled => {
                    if let Door::Pam(_) = login.door {
                        self.pam(PamOp::Cancel { session });
                    }
                }
            }
        }
        reason.clone()
    }

    /// Types wrong codes until the user is locked.
    fn wrong_codes(&mut self, login: &Login, mut session: String) {
        for _ in 0..5 {
            // Codes of this test have six digits.
            match self.answer(login, &session, "00000000") {
                LoginReply::Prompt { session: next, .. } => session = next,
                LoginReply::Deny { .. } => return,
                other => panic!("{other:?}"),
            }
        }
        panic!("{login:?}: five wrong codes, and it asks again");
    }

    fn wrong_passwords(&mut self, login: &Login, times: u64) {
        for _ in 0..times {
            let reply = self.begin(login, Some("wrong horse"));
            assert!(matches!(reply, LoginReply::Deny { .. }), "{login:?}: {reply:?}");
        }
    }

    fn any_login(&mut self) -> Login {
        let user = self.pick(&[USERS[0], USERS[1], USERS[2], USERS[3], USERS[4], "nobody"]);
        let upper = user.to_uppercase();
        let spelling = self.dice.below(6);
        let user = match spelling {
            0 => upper,
            1 => format!("CORP\\{user}"),
            2 => format!("{user}@corp.example"),
            _ => user.to_owned(),
        };
        Login {
            user,
            door: self.pick(&DOORS),
            source: self.pick(&SOURCES),
        }
    }

    /// Something happens.
    fn change(&mut self) {
        let name = self.pick(&USERS);
        let user = name.to_owned();
        let resource = self.pick(&["vpn", "hosts"]);
        match self.dice.below(22) {
            20 => {
                let lists = [&[][..], &["192.0.2.0/24"], &["2001:db8::/32", "198.51.100.9"]];
                let set = AccessSet {
                    allowed_networks: words(self.pick(&lists)),
                    exempt_networks: words(self.pick(&lists)),
                    ..AccessSet::default()
                };
                self.stack.access("vpn", set);
            }
            21 => {
                let set = AccessSet {
                    exempt_users: words(self.pick(&[&[][..], &["anna"], &["bert", "carl"]])),
                    hours: Some(match self.dice.below(3) {
                        0 => Vec::new(),
                        1 => vec!["daily 00:00-24:00".to_owned()],
                        _ => vec![another_day()],
                    }),
                    ..AccessSet::default()
                };
                self.stack.access("vpn", set);
            }
            0 => self.attempt(AdminOp::UserBind {
                user,
                resource: resource.to_owned(),
            }),
            1 => self.attempt(AdminOp::UserUnbind {
                user,
                resource: resource.to_owned(),
            }),
            2 => self.attempt(AdminOp::UserLock {
                user,
                why: "left".to_owned(),
            }),
            3 => self.attempt(AdminOp::UserUnlock { user }),
            4 => {
                let seconds = self.pick(&[0, 3600]);
                self.attempt(AdminOp::UserBypass { user, seconds });
            }
            5 | 6 => {
                let status = self.pick(&["active", "disabled", "blocked"]);
                self.token_status(name, status);
            }
            7 => self.remove_tokens(name),
            8 => {
                let phone = self.number();
                let resources = self.pick(&[&["vpn"][..], &["hosts"], &[]]);
                self.attempt(token_add(name, phone, resources));
            }
            9 => {
                let enabled = Some(self.dice.below(2) == 0);
                self.set(
                    resource,
                    ResourceSettings {
                        enabled,
                        ..ResourceSettings::default()
                    },
                );
            }
            10 | 11 => {
                let (unenrolled, disabled) = (self.pick(&["deny", "allow"]), self.pick(&["deny", "allow"]));
                let set = ResourceSettings {
                    unenrolled: Some(unenrolled.to_owned()),
                    disabled: Some(disabled.to_owned()),
                    ..ResourceSettings::default()
                };
                self.set(resource, set);
            }
            12 => {
                let services = self.pick(&[&["sshd"][..], &["sshd", "gw"], &["*"], &["gw", "*"]]);
                self.services(services);
            }
            13 => {
                let countries = self.pick(&[&[][..], &["FR"], &["DE", "FR"]]);
                let set = SmsPolicySet {
                    countries: Some(countries.iter().map(|&c| c.to_owned()).collect()),
                    paused: Some(self.dice.below(4) == 0),
                    ..SmsPolicySet::default()
                };
                self.policy(set);
            }
            14 => {
                let few = [Some(0), Some(1), Some(3), MANY];
                let set = SmsPolicySet {
                    number_hour: self.pick(&few),
                    user_day: self.pick(&few),
                    user_hour: self.pick(&few),
                    user_reserve: self.pick(&[Some(0), Some(2)]),
                    source_day: self.pick(&few),
                    ..SmsPolicySet::default()
                };
                self.policy(set);
            }
            15 | 16 => {
                let source = self.pick(&SOURCES);
                let times = self.pick(&[1, 5, 9, 10]);
                self.wrong_passwords(&Login::at(Door::Local("gw"), name, source), times);
            }
            17 => self.calm(),
            _ => self.renew(name),
        }
    }

    /// Brings about that a login ends for `reason`, and gives that login.
    fn aim(&mut self, reason: &str) -> Login {
        self.calm();
        let name = self.pick(&USERS[..4]);
        self.renew(name);
        let user = name.to_owned();
        let source = self.pick(&SOURCES);
        let (door, resource) = self.pick(&[
            (Door::Local("gw"), "vpn"),
            (Door::Stack("nps"), "vpn"),
            (Door::Pam("sshd"), "hosts"),
            (Door::Pam("gw"), "hosts"),
        ]);
        let login = Login::at(door, name, source);
        let countries = |of: &[&str]| Some(of.iter().map(|&c| c.to_owned()).collect());
        let plain = SmsPolicySet::default;
        match reason {
            "challenge" => {}
            "admin-locked" => self.attempt(AdminOp::UserLock {
                user,
                why: String::new(),
            }),
            "bypass" => self.attempt(AdminOp::UserBypass { user, seconds: 3600 }),
            "exempt-user" | "exempt-group" | "exempt-network" | "network-refused" | "hour-refused" => {
                self.stack.access("vpn", rules(reason, name));
                return Login::at(Door::Local("gw"), name, SOURCES[1]);
            }
            "no-password" => {
                self.renew(NO_PASSWORD);
                return Login::at(Door::Local("gw"), NO_PASSWORD, source);
            }
            "no-resource" => return Login::at(Door::Pam("cron"), name, source),
            "not-in-resource" => self.attempt(AdminOp::UserUnbind {
                user,
                resource: resource.to_owned(),
            }),
            "otp-locked" => {
                let LoginReply::Prompt { session, .. } = self.begin(&login, Some(PASSWORD)) else {
                    panic!("{login:?}: no prompt")
                };
                self.wrong_codes(&login, session);
            }
            "resource-disabled" => self.set(
                resource,
                ResourceSettings {
                    enabled: Some(false),
                    ..ResourceSettings::default()
                },
            ),
            "sms-country" => self.policy(SmsPolicySet {
                countries: countries(&[]),
                ..plain()
            }),
            "sms-paused" => self.policy(SmsPolicySet {
                paused: Some(true),
                ..plain()
            }),
            "sms-number-class" => {
                let voip = |on| SmsPolicySet {
                    voip: Some(on),
                    ..plain()
                };
                self.remove_tokens(name);
                self.policy(voip(true));
                self.numbers += 1;
                let phone = format!("+44561234{:04}", self.numbers);
                self.stack.admin(token_add(name, phone, &[]));
                self.policy(voip(false));
            }
            "sms-number-budget" => self.used(
                &login,
                SmsPolicySet {
                    number_hour: Some(1),
                    ..plain()
                },
            ),
            "sms-user-budget" => self.used(
                &login,
                SmsPolicySet {
                    user_hour: Some(3),
                    user_reserve: Some(2),
                    ..plain()
                },
            ),
            "sms-source-budget" => {
                let login = Login::at(door, name, "203.0.113.4");
                self.used(
                    &login,
                    SmsPolicySet {
                        source_day: Some(1),
                        ..plain()
                    },
                );
                return login;
            }
            "sms-overall-budget" => self.used(
                &login,
                SmsPolicySet {
                    all_day: Some(1),
                    ..plain()
                },
            ),
            "source-closed" => {
                let login = Login::at(Door::Local("gw"), name, self.pick(&["192.0.2.7", "2001:db8::5"]));
                if self.dice.below(2) == 0 {
                    self.wrong_passwords(&login, 10);
                } else {
                    // From everywhere: the storm closes every network that is not known.
                    let elsewhere = Login::at(Door::Local("gw"), name, "");
                    self.wrong_passwords(&elsewhere, 100);
                }
                return login;
            }
            "token-blocked" => self.token_status(name, "blocked"),
            "token-disabled" => self.token_status(name, "disabled"),
            "token-disabled-allowed" => {
                self.token_status(name, "disabled");
                self.set(
                    resource,
                    ResourceSettings {
                        disabled: Some("allow".to_owned()),
                        ..ResourceSettings::default()
                    },
                );
            }
            "too-many-open" => {
                for _ in 0..3 {
                    self.begin(&login, Some(PASSWORD));
                }
            }
            "unenrolled" => self.remove_tokens(name),
            "unenrolled-allowed" => {
                self.remove_tokens(name);
                self.set(
                    resource,
                    ResourceSettings {
                        unenrolled: Some("allow".to_owned()),
                        ..ResourceSettings::default()
                    },
                );
            }
            "unknown-user" => return Login::at(door, "nobody", source),
            other => panic!("nothing leads to {other}"),
        }
        login
    }

    /// Sets a budget of one text, and lets `login` use it up.
    fn used(&mut self, login: &Login, budget: SmsPolicySet) {
        // The overall budget counts all texts so far.
        self.begin(login, Some(PASSWORD));
        self.policy(budget);
    }
}

fn token_add(user: &str, phone: String, resources: &[&str]) -> AdminOp {
    AdminOp::TokenAdd {
        user: user.to_owned(),
        phone: Secret::new(phone),
        name: String::new(),
        digits: None,
        resources: resources.iter().map(|&r| r.to_owned()).collect(),
    }
}

#[test]
fn explain_equals_the_login() {
    if !nix::unistd::geteuid().is_root() {
        return otpost_tests::skip("needs root: nobody else may ask at pam.sock for others");
    }
    let mut world = World::new();
    let all: BTreeSet<String> = REASONS.iter().map(|&reason| reason.to_owned()).collect();
    let mut reached = BTreeSet::new();
    for round in 0..COMPARED {
        let missing: Vec<&str> = all.difference(&reached).map(String::as_str).collect();
        let reason = if round % 3 == 2 && !missing.is_empty() {
            let aimed = world.pick(&missing);
            let login = world.aim(aimed);
            let reason = world.compare(&login);
            assert_eq!(reason, aimed, "{login:?}");
            reason
        } else {
            for _ in 0..world.dice.below(4) {
                world.change();
            }
            let login = world.any_login();
            world.compare(&login)
        };
        reached.insert(reason);
    }
    assert_eq!(reached, all);
}
