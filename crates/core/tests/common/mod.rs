//! An in-memory shell: loads what a decision looks at, and applies what it changes, as a store does.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use otpost_core::access::{Local, Remembered, remembered_id};
use otpost_core::challenge::{Answered, Challenge, Channel, Origin, Process, Session, State};
use otpost_core::client::Flow;
use otpost_core::code::{self, CodeOf};
use otpost_core::gate::{Counts, Policy};
use otpost_core::ids::{AttemptId, ChallengeId, Reference, ResourceId, SessionId, TokenId, UserId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::limits::Guard;
use otpost_core::limits::{Counter, HOUR, LOGIN_WINDOW, MONTH};
use otpost_core::login::decoy::{self, Decoy, Hidden};
use otpost_core::login::{
    Answer, AnswerView, Asked, Begin, BeginView, Change, First, Found, Reply, Rules, Sending, Step, answer,
    begin,
};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::outbox::{Kind, Message};
use otpost_core::phone::{Phone, Region};
use otpost_core::resource::Resource;
use otpost_core::token::{Status, Token};
use otpost_core::user::User;
use otpost_core::{Rng, Timestamp};

/// SplitMix64: the same octets in every run.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Rng for Dice {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            let octets = z.to_be_bytes();
            for (to, from) in chunk.iter_mut().zip(octets) {
                *to = from;
            }
        }
    }
}

/// Any time that is not the epoch.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A way in: channel and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Door {
    VpnA,
    VpnB,
    Sshd,
    Sudo,
}

impl Door {
    pub(crate) const ALL: [Self; 4] = [Self::VpnA, Self::VpnB, Self::Sshd, Self::Sudo];

    pub(crate) fn channel(self) -> Channel {
        match self {
            Self::VpnA | Self::VpnB => Channel::Radius,
            Self::Sshd | Self::Sudo => Channel::Pam,
        }
    }

    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::VpnA => "vpn-a",
            Self::VpnB => "vpn-b",
            Self::Sshd => "sshd",
            Self::Sudo => "sudo",
        }
    }
}

/// The first request of a login, as a channel reads it off the wire.
#[derive(Debug, Clone)]
pub(crate) struct Knock {
    pub(crate) door: Door,
    /// The name as it was typed.
    pub(crate) name: String,
    pub(crate) first: First,
    pub(crate) password: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    pub(crate) attempt: AttemptId,
}

/// A further request.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) door: Door,
    pub(crate) session: SessionId,
    pub(crate) user: Option<UserId>,
    pub(crate) typed: Option<String>,
    pub(crate) attempt: AttemptId,
    pub(crate) source: Source,
}

#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) now: Timestamp,
    pub(crate) rng: Dice,
    pub(crate) keys: Keyring,
    pub(crate) policy: Policy,
    pub(crate) doors: BTreeMap<Door, ResourceId>,
    pub(crate) resources: BTreeMap<ResourceId, Resource>,
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) guards: BTreeMap<UserId, Guard>,
    pub(crate) challenges: BTreeMap<ChallengeId, Challenge>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) outbox: Vec<Message>,
    pub(crate) counters: BTreeMap<String, Counter>,
    pub(crate) source_failures: BTreeMap<(UserId, String), Counter>,
    pub(crate) user_failures: BTreeMap<UserId, Counter>,
    pub(crate) successes: BTreeMap<(UserId, String), Timestamp>,
    pub(crate) decoys: BTreeMap<SessionId, Decoy>,
    pub(crate) remembered: BTreeMap<[u8; 16], Remembered>,
    /// How first requests are read from now on.
    pub(crate) how: How,
}

/// What a RADIUS client's settings make of a first request.
#[derive(Debug, Clone, Default)]
pub(crate) struct How {
    pub(crate) flow: Flow,
    pub(crate) hide: bool,
    /// What the request holds as a code.
    pub(crate) code: Option<String>,
    /// Whether rules are asked.
    pub(crate) rules: bool,
    /// The address that may be trusted.
    pub(crate) address: Option<IpAddr>,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) local: Option<Local>,
}

/// What a change hangs on.
struct Context {
    user: Option<UserId>,
    token: Option<TokenId>,
    source: String,
}

impl Shell {
    /// Two resources (VPN for the RADIUS doors, hosts for the PAM doors) and `users` users with one token each.
    pub(crate) fn new(users: &[&str]) -> Self {
        let mut rng = Dice(7);
        let vpn = Resource::new(ResourceId::random(&mut rng), "Office VPN", START);
        let hosts = Resource::new(ResourceId::random(&mut rng), "Hosts", START);
        let mut shell = Self {
            now: START,
            keys: Keyring::derive(&MasterKey::new([42; 32])),
            policy: Policy {
                countries: BTreeSet::from([region("DE")]),
                ..Policy::default()
            },
            doors: BTreeMap::from([
                (Door::VpnA, vpn.id),
                (Door::VpnB, vpn.id),
                (Door::Sshd, hosts.id),
                (Door::Sudo, hosts.id),
            ]),
            resources: BTreeMap::from([(vpn.id, vpn), (hosts.id, hosts)]),
            users: BTreeMap::new(),
            tokens: Vec::new(),
            guards: BTreeMap::new(),
            challenges: BTreeMap::new(),
            sessions: BTreeMap::new(),
            outbox: Vec::new(),
            counters: BTreeMap::new(),
            source_failures: BTreeMap::new(),
            user_failures: BTreeMap::new(),
            successes: BTreeMap::new(),
            decoys: BTreeMap::new(),
            remembered: BTreeMap::new(),
            how: How::default(),
            rng,
        };
        for (index, login) in users.iter().enumerate() {
            shell.enrol(login, &format!("+4917123456{:02}", 70 + index));
        }
        shell
    }

    fn enrol(&mut self, login: &str, number: &str) {
        let user = User {
            id: UserId::random(&mut self.rng),
            login: login.to_owned(),
            name: LoginName::parse(login).expect("login"),
            aliases: Vec::new(),
            email: None,
            password: None,
            locked: None,
            bypass_until: None,
            profile: otpost_core::user::Profile::default(),
            resources: self.resources.keys().copied().collect(),
            created: START,
        };
        self.tokens.push(Token {
            id: TokenId::random(&mut self.rng),
            user: user.id,
            name: "phone".to_owned(),
            phone: Phone::parse(number, None).expect("number"),
            digits: code::Digits::SIX,
            status: Status::Active,
            verified: true,
            resources: user.resources.clone(),
            created: START,
        });
        self.users.insert(user.id, user);
    }

    pub(crate) fn attempt(&mut self) -> AttemptId {
        AttemptId::random(&mut self.rng)
    }

    /// The user that a typed name leads to.
    pub(crate) fn find(&self, name: &str) -> Option<UserId> {
        let name = LoginName::parse(name).ok()?;
        self.users
            .values()
            .find(|u| u.name == name || u.aliases.contains(&name))
            .map(|u| u.id)
    }

    pub(crate) fn token_of(&self, user: UserId) -> &Token {
        self.tokens.iter().find(|t| t.user == user).expect("token")
    }

    pub(crate) fn guard(&self, user: UserId) -> Guard {
        self.guards.get(&user).cloned().unwrap_or_default()
    }

    fn counter(&self, key: &str) -> Counter {
        self.counters.get(key).copied().unwrap_or_default()
    }

    fn counts(&self, user: Option<UserId>, token: Option<TokenId>, source: &str) -> Counts {
        Counts {
            number: token.map_or_else(Counter::default, |t| self.counter(&format!("number {t}"))),
            user: user.map_or_else(Counter::default, |u| self.counter(&format!("user {u}"))),
            source: self.counter(&format!("source {source}")),
            all: self.counter("all"),
        }
    }

    fn known(&self, user: Option<UserId>, source: &str) -> bool {
        user.and_then(|u| self.successes.get(&(u, source.to_owned())))
            .is_some_and(|at| self.now < at.plus(MONTH))
    }

    /// One decision about a first request, stored.
    pub(crate) fn begin(&mut self, knock: &Knock) -> Step {
        let user = self.find(&knock.name);
        let mut origin = knock.origin.clone();
        origin.trusted = self.how.address;
        origin.password_tag = match (&knock.password, user) {
            (Some(password), Some(user)) => Some(self.keys.password_tag(&user.0, password)),
            (Some(password), None) => Some(self.keys.password_tag(&[0; 16], password)),
            (None, _) => None,
        };
        let tokens: Vec<Token> = self
            .tokens
            .iter()
            .filter(|t| Some(t.user) == user)
            .cloned()
            .collect();
        let source = knock.source.key();
        let open: Vec<Challenge> = self
            .challenges
            .values()
            .filter(|c| Some(c.user) == user && c.state == State::Open)
            .cloned()
            .collect();
        let same = self
            .sessions
            .get(&self.keys.session(knock.attempt))
            .map(|s| (self.challenges[&s.challenge].clone(), s.clone()));
        let guard = user.map_or_else(Guard::default, |u| self.guard(u));
        let counts = self.counts(user, tokens.first().map(|t| t.id), &source);
        let reference = Reference::random(&mut self.rng);
        let resource = self.doors.get(&knock.door).and_then(|r| self.resources.get(r));
        let how = self.how.clone();
        let decoy = self.decoys.get(&self.keys.session(knock.attempt)).cloned();
        let remembered = match (user, resource, how.address) {
            (Some(user), Some(resource), Some(address)) => {
                let id = remembered_id(user, resource.id, knock.door.group(), address);
                self.remembered.get(&id).cloned()
            }
            _ => None,
        };
        let view = BeginView {
            remembered: remembered.as_ref(),
            decoy: decoy.as_ref(),
            resource,
            user: user.and_then(|u| self.users.get(&u)),
            guard: &guard,
            tokens: &tokens,
            open: &open,
            same_attempt: same.as_ref().map(|(c, s)| (c, s)),
            source_failures: &user
                .and_then(|u| self.source_failures.get(&(u, source.clone())).copied())
                .unwrap_or_default(),
            user_failures: &user
                .and_then(|u| self.user_failures.get(&u).copied())
                .unwrap_or_default(),
            sending: Sending {
                policy: &self.policy,
                counts: &counts,
                known_source: self.known(user, &source),
                keys: &self.keys,
            },
        };
        let request = Begin {
            flow: how.flow,
            code: how.code.as_deref().map(otpost_core::login::Typed::Text),
            hidden: how.hide.then(|| Hidden {
                name: &knock.name,
                tag: knock.password.as_deref().map(|p| decoy::tag(&self.keys, p)),
            }),
            rules: how.rules.then_some(Rules {
                groups: how.groups.as_deref(),
                address: how.address,
                local: how.local,
            }),
            channel: knock.door.channel(),
            group: knock.door.group(),
            password: knock.password.is_some(),
            first: knock.first,
            origin: &origin,
            source: &knock.source,
            asked: Asked {
                attempt: knock.attempt,
                reference: &reference,
            },
        };
        let step = begin(&request, &view, self.now, &mut self.rng);
        let context = Context {
            user,
            token: tokens.first().map(|t| t.id),
            source,
        };
        self.apply(&step, &context);
        step
    }

    /// One decision about a further request, stored.
    pub(crate) fn answer(&mut self, typed: &Typed) -> Step {
        let session = self.sessions.get(&typed.session).cloned();
        let challenge = session
            .as_ref()
            .and_then(|s| self.challenges.get(&s.challenge))
            .cloned();
        let next = session.as_ref().and_then(|s| match s.answered {
            Some((_, Answered::Again(next))) => self.sessions.get(&next).cloned(),
            _ => None,
        });
        let user = challenge.as_ref().map(|c| c.user);
        let token = challenge.as_ref().map(|c| c.token);
        let guard = user.map_or_else(Guard::default, |u| self.guard(u));
        let source = challenge
            .as_ref()
            .map_or_else(|| typed.source.key(), |c| c.source.key());
        let counts = self.counts(user, token, &source);
        let reference = Reference::random(&mut self.rng);
        let found = match (&session, &challenge) {
            (Some(session), Some(challenge)) => Some(Found {
                session,
                next: next.as_ref(),
                challenge,
                resource: self.resources.get(&challenge.resource),
                user: self.users.get(&challenge.user),
                token: self.tokens.iter().find(|t| t.id == challenge.token),
                guard: &guard,
            }),
            _ => None,
        };
        let view = AnswerView {
            found,
            sending: Sending {
                policy: &self.policy,
                counts: &counts,
                known_source: self.known(user, &source),
                keys: &self.keys,
            },
        };
        let request = Answer {
            channel: typed.door.channel(),
            group: Some(typed.door.group()),
            user: typed.user,
            typed: typed.typed.as_deref().map(otpost_core::login::Typed::Text),
            resource: None,
            trusted: self.how.address,
            asked: Asked {
                attempt: typed.attempt,
                reference: &reference,
            },
        };
        let step = answer(&request, &view, self.now, &mut self.rng);
        self.apply(&step, &Context { user, token, source });
        step
    }

    /// One decision about a further request of a decoy, stored.
    pub(crate) fn answer_decoy(
        &mut self,
        session: SessionId,
        name: &str,
        typed: Option<&str>,
        attempt: AttemptId,
    ) -> Step {
        let decoy = self.decoys[&session].clone();
        let next = match decoy.session.answered {
            Some((_, Answered::Again(next))) => self.decoys.get(&next).cloned(),
            _ => None,
        };
        let reference = Reference::random(&mut self.rng);
        let request = decoy::Further {
            group: Some(&decoy.challenge.group),
            name: Some(decoy::name_key(&self.keys, name)),
            typed: typed.map(otpost_core::login::Typed::Text),
            asked: Asked {
                attempt,
                reference: &reference,
            },
        };
        let step = decoy::answer(
            (&decoy, next.as_ref()),
            &request,
            &self.keys,
            self.now,
            &mut self.rng,
        );
        let context = Context {
            user: None,
            token: None,
            source: String::new(),
        };
        self.apply(&step, &context);
        step
    }

    /// The one place that stores.
    fn apply(&mut self, step: &Step, context: &Context) {
        for change in &step.changes {
            match change {
                Change::Challenge(challenge) => {
                    let others = self
                        .challenges
                        .values()
                        .any(|c| c.attempt == challenge.attempt && c.id != challenge.id);
                    assert!(!others, "the attempt of a challenge is unique");
                    self.challenges.insert(challenge.id, (**challenge).clone());
                }
                Change::Session(session) => {
                    self.sessions.insert(session.id, session.clone());
                }
                Change::Guard(guard) => {
                    self.guards.insert(context.user.expect("user"), guard.clone());
                }
                Change::Queue(message) => {
                    assert!(self.outbox.iter().all(|m| m.id != message.id));
                    self.outbox.push((**message).clone());
                }
                Change::Counts(counts) => {
                    let user = context.user.expect("user");
                    let token = context.token.expect("token");
                    self.counters.insert(format!("number {token}"), counts.number);
                    self.counters.insert(format!("user {user}"), counts.user);
                    self.counters
                        .insert(format!("source {}", context.source), counts.source);
                    self.counters.insert("all".to_owned(), counts.all);
                }
                Change::LoginFailure => {
                    let user = context.user.expect("user");
                    let now = self.now;
                    let source = self
                        .source_failures
                        .entry((user, context.source.clone()))
                        .or_default();
                    *source = source.hit(now, LOGIN_WINDOW);
                    let all = self.user_failures.entry(user).or_default();
                    *all = all.hit(now, HOUR);
                }
                Change::LoginSuccess => {
                    let user = context.user.expect("user");
                    self.successes.insert((user, context.source.clone()), self.now);
                }
                Change::Remember(entry) => {
                    self.remembered.insert(entry.id, (**entry).clone());
                }
                Change::Decoy(decoy) => {
                    self.decoys.insert(decoy.session.id, (**decoy).clone());
                }
                Change::TokenVerified => {
                    let id = context.token.expect("token");
                    for token in self.tokens.iter_mut().filter(|t| t.id == id) {
                        token.verified = true;
                    }
                }
            }
        }
    }

    /// What the phone reads: the digits of a text, if it were built now.
    pub(crate) fn read(&self, message: &Message) -> String {
        let Kind::Code {
            challenge,
            generation,
            ..
        } = &message.kind
        else {
            panic!("a login sends codes only");
        };
        let of = CodeOf {
            generation: *generation,
            ..self.challenges[challenge].code()
        };
        code::derive(&self.keys, &of).expose().to_owned()
    }

    /// Digits that the challenge of `session` accepts now.
    pub(crate) fn right(&self, session: SessionId) -> String {
        let challenge = &self.challenges[&self.sessions[&session].challenge];
        code::derive(&self.keys, &challenge.code()).expose().to_owned()
    }

    /// Digits of the right length that are not `right`.
    pub(crate) fn wrong(&self, session: SessionId) -> String {
        let right = self.right(session);
        let number: u64 = right.parse().expect("digits");
        let other = (number + 1) % 10u64.pow(u32::try_from(right.len()).expect("short"));
        format!("{other:0width$}", width = right.len())
    }

    pub(crate) fn advance(&mut self, span: Duration) {
        self.now = self.now.plus(span);
    }

    /// A VPN login with the right password; `port` tells two logins apart.
    pub(crate) fn vpn(&mut self, name: &str, port: &str, acct: &str) -> Knock {
        Knock {
            door: Door::VpnA,
            name: name.to_owned(),
            first: First::Passed,
            password: Some("hunter2".to_owned()),
            origin: Origin {
                calling_station: "203.0.113.9".to_owned(),
                nas_port: port.to_owned(),
                acct_session: acct.to_owned(),
                ..Origin::default()
            },
            source: Source::new("203.0.113.9", "vpn-a"),
            attempt: self.attempt(),
        }
    }

    /// A local sudo by process `pid` of the shell `parent` on `tty`.
    pub(crate) fn sudo(&mut self, name: &str, pid: i32, parent: i32, tty: &str) -> Knock {
        Knock {
            door: Door::Sudo,
            name: name.to_owned(),
            first: First::Passed,
            password: None,
            origin: Origin {
                process: Some(process(pid)),
                parent: Some(process(parent)),
                tty: tty.to_owned(),
                ..Origin::default()
            },
            source: Source::new("", "sudo"),
            attempt: self.attempt(),
        }
    }

    /// An answer to `session` through `door` by its own user.
    pub(crate) fn typed(&mut self, door: Door, session: SessionId, typed: &str) -> Typed {
        let user = self
            .sessions
            .get(&session)
            .and_then(|s| self.challenges.get(&s.challenge))
            .map(|c| c.user);
        Typed {
            door,
            session,
            user,
            typed: Some(typed.to_owned()),
            attempt: self.attempt(),
            source: Source::new("203.0.113.9", door.group()),
        }
    }

    /// Answers at the VPN's door.
    pub(crate) fn say(&mut self, session: SessionId, typed: &str) -> Step {
        let typed = self.typed(Door::VpnA, session, typed);
        self.answer(&typed)
    }
}

pub(crate) fn process(pid: i32) -> Process {
    Process {
        pid,
        start: u64::from(pid.unsigned_abs()) * 100,
    }
}

pub(crate) fn region(text: &str) -> Region {
    text.parse().expect("region")
}

/// The session a prompt hands out.
pub(crate) fn session(step: &Step) -> SessionId {
    match &step.reply {
        Reply::Prompt { session, .. } => session.id,
        other => panic!("no prompt but {other:?} because of {:?}", step.reason),
    }
}

/// The challenge a prompt is about.
pub(crate) fn challenge(step: &Step) -> ChallengeId {
    match &step.reply {
        Reply::Prompt { challenge, .. } => challenge.id,
        other => panic!("no prompt but {other:?} because of {:?}", step.reason),
    }
}

pub(crate) fn denied(step: &Step) -> bool {
    matches!(step.reply, Reply::Deny { .. })
}

/// How many texts a step asks for.
pub(crate) fn texts(step: &Step) -> usize {
    step.changes
        .iter()
        .filter(|c| matches!(c, Change::Queue(_)))
        .count()
}
