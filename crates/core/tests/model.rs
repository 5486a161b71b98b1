//! Logins of several people, honest and not, over all channels, in any order: what may never happen, does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{Door, Knock, Shell, Typed, process, secs, texts};
use otpost_core::Timestamp;
use otpost_core::challenge::{Channel, MAX_OPEN, Origin, State};
use otpost_core::code;
use otpost_core::ids::{AttemptId, ChallengeId, SessionId, TokenId, UserId};
use otpost_core::limits::{LOCK, LOGIN_FAILURES, LOGIN_WINDOW};
use otpost_core::login::{Change, First, Reason, Reply, Step};
use otpost_core::net::Source;
use otpost_core::outbox::Kind;
use otpost_core::text::refusal;
use proptest::prelude::*;
use proptest::sample::Index;

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const TRIES: u32 = 4;
const LIMIT: u32 = 5;
const LIFE: u64 = 300;
const WHOLE: u64 = 600;

/// What is typed at a prompt.
#[derive(Debug, Clone)]
enum Text {
    Right,
    Wrong,
    /// The present code of another challenge.
    CodeOf(Index),
    /// The code of the first text, which a resend may have made void.
    First,
    Password,
    Resend,
}

#[derive(Debug, Clone)]
enum Act {
    Knock {
        user: usize,
        spelling: usize,
        door: usize,
        /// Two people know each password; only one has the phone.
        person: usize,
        first: First,
    },
    /// A packet of before once more.
    KnockAgain(Index),
    Type {
        session: Index,
        text: Text,
        /// Sent under another name.
        other_user: Option<usize>,
        /// Sent through another client or service.
        other_door: Option<usize>,
    },
    TypeAgain(Index),
    /// Types into the newest session, which makes long conversations likely.
    TypeNewest(Text),
    Wait(u64),
    Lock(usize),
    Unlock(usize),
    Resource(bool),
    Pause(bool),
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => Just(Text::Right),
        6 => Just(Text::Wrong),
        2 => any::<Index>().prop_map(Text::CodeOf),
        1 => Just(Text::First),
        1 => Just(Text::Password),
        3 => Just(Text::Resend),
    ]
}

fn act() -> BoxedStrategy<Act> {
    let first = prop_oneof![8 => Just(First::Passed), 2 => Just(First::Failed), 1 => Just(First::NoPassword)];
    let rarely = |n: usize| prop_oneof![6 => Just(None), 1 => (0..n).prop_map(Some)];
    prop_oneof![
        10 => (0..USERS.len(), 0usize..4, 0usize..4, 0usize..2, first)
            .prop_map(|(user, spelling, door, person, first)| Act::Knock { user, spelling, door, person, first }),
        3 => any::<Index>().prop_map(Act::KnockAgain),
        12 => (any::<Index>(), text(), rarely(USERS.len()), rarely(4))
            .prop_map(|(session, text, other_user, other_door)| Act::Type { session, text, other_user, other_door }),
        3 => any::<Index>().prop_map(Act::TypeAgain),
        10 => text().prop_map(Act::TypeNewest),
        8 => prop_oneof![Just(0u64), Just(1_000), Just(19_999), Just(20_000), Just(30_000), Just(60_000), Just(180_000),
            Just(299_999), Just(900_000), 0u64..400_000].prop_map(Act::Wait),
        1 => (0..USERS.len()).prop_map(Act::Lock),
        1 => (0..USERS.len()).prop_map(Act::Unlock),
        1 => prop_oneof![1 => Just(false), 3 => Just(true)].prop_map(Act::Resource),
        1 => prop_oneof![1 => Just(true), 3 => Just(false)].prop_map(Act::Pause),
    ]
    .boxed()
}

/// Who began a challenge, noted by the model and not read from the core.
#[derive(Debug, Clone)]
struct Began {
    user: usize,
    door: Door,
    person: usize,
    at: Timestamp,
    /// When each generation's digits end.
    ends: Timestamp,
    digits: Vec<String>,
    texts: usize,
    resends: usize,
    wrong: u32,
    opened: bool,
    dead: bool,
}

#[derive(Debug, Default)]
struct Seen {
    challenges: BTreeMap<ChallengeId, Began>,
    /// Every State given out, its challenge, and who holds it.
    sessions: Vec<(SessionId, ChallengeId, usize)>,
    /// What each answer packet got.
    allowed: BTreeSet<AttemptId>,
    failures: [u32; 3],
    locked_until: [Option<Timestamp>; 3],
    admin: [bool; 3],
    refusals: BTreeSet<usize>,
}

struct World {
    shell: Shell,
    seen: Seen,
    knocks: Vec<(Knock, usize, usize)>,
    typed: Vec<(Typed, usize)>,
    strict: bool,
}

fn spell(user: usize, spelling: usize) -> String {
    let name = USERS[user];
    match spelling {
        0 => name.to_owned(),
        1 => format!("CORP\\{name}"),
        2 => format!("{}@corp.example", name.to_uppercase()),
        _ => format!("{}{}", name[..1].to_uppercase(), &name[1..]),
    }
}

impl World {
    fn new(strict: bool) -> Self {
        let mut shell = Shell::new(&USERS);
        shell.policy.user_hour = 60;
        shell.policy.user_day = 1000;
        shell.policy.number_hour = 60;
        shell.policy.number_day = 1000;
        for resource in shell.resources.values_mut() {
            resource.tries = TRIES;
            resource.failed_attempts = LIMIT;
        }
        Self {
            shell,
            seen: Seen::default(),
            knocks: Vec::new(),
            typed: Vec::new(),
            strict,
        }
    }

    fn id(&self, user: usize) -> UserId {
        self.shell.find(USERS[user]).unwrap()
    }

    fn token(&self, user: usize) -> TokenId {
        self.shell.token_of(self.id(user)).id
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Knock {
                user,
                spelling,
                door,
                person,
                first,
            } => {
                let knock = self.knock((*user, *person), *spelling, Door::ALL[*door], *first);
                self.knocks.push((knock.clone(), *user, *person));
                self.begin(&knock, *user, *person);
            }
            Act::KnockAgain(index) if !self.knocks.is_empty() => {
                let (knock, user, person) = index.get(&self.knocks).clone();
                self.begin(&knock, user, person);
            }
            Act::Type {
                session,
                text,
                other_user,
                other_door,
            } if !self.seen.sessions.is_empty() => {
                let at = session.index(self.seen.sessions.len());
                self.type_into(at, text, *other_user, *other_door);
            }
            Act::TypeNewest(text) if !self.seen.sessions.is_empty() => {
                self.type_into(self.seen.sessions.len() - 1, text, None, None);
            }
            Act::TypeAgain(index) if !self.typed.is_empty() => {
                let (typed, person) = index.get(&self.typed).clone();
                self.answer(&typed, person);
            }
            Act::Wait(ms) => self.shell.advance(Duration::from_millis(*ms)),
            Act::Lock(user) => {
                let id = self.id(*user);
                self.shell.users.get_mut(&id).unwrap().locked = Some("asked for".to_owned());
                self.seen.admin[*user] = true;
            }
            Act::Unlock(user) => {
                let id = self.id(*user);
                self.shell.users.get_mut(&id).unwrap().locked = None;
                self.seen.admin[*user] = false;
            }
            Act::Resource(enabled) => {
                let id = self.shell.doors[&Door::VpnA];
                self.shell.resources.get_mut(&id).unwrap().enabled = *enabled;
            }
            Act::Pause(paused) => self.shell.policy.paused = *paused,
            _ => {}
        }
        self.always();
    }

    /// Attacker and victim share password, address and second; NAS-Port and process are their own.
    fn knock(&mut self, (user, person): (usize, usize), spelling: usize, door: Door, first: First) -> Knock {
        let own = i32::try_from(1000 + user * 10 + person).unwrap();
        let origin = match door.channel() {
            Channel::Radius => Origin {
                calling_station: "203.0.113.9".to_owned(),
                nas_port: own.to_string(),
                ..Origin::default()
            },
            Channel::Pam => Origin {
                process: Some(process(own)),
                parent: Some(process(if door == Door::Sshd { 1 } else { own + 500 })),
                tty: if door == Door::Sshd {
                    "ssh".to_owned()
                } else {
                    format!("pts/{own}")
                },
                remote: door == Door::Sshd,
                ..Origin::default()
            },
        };
        Knock {
            door,
            name: spell(user, spelling),
            first,
            password: (door.channel() == Channel::Radius).then(|| format!("password of {user}")),
            origin,
            source: Source::new("203.0.113.9", door.group()),
            attempt: self.shell.attempt(),
        }
    }

    fn begin(&mut self, knock: &Knock, user: usize, person: usize) {
        let source_failures = self
            .shell
            .source_failures
            .get(&(self.id(user), knock.source.key()))
            .copied()
            .unwrap_or_default();
        let step = self.shell.begin(knock);
        if knock.first != First::Passed {
            assert!(
                matches!(step.reply, Reply::Deny { .. }),
                "let on without the first factor"
            );
        }
        assert_eq!(
            texts(&step),
            usize::from(step.reason == Reason::Challenge),
            "only a new challenge sends a text"
        );
        assert_ne!(step.reply, Reply::Allow, "a first request is never enough here");
        match &step.reply {
            Reply::Prompt {
                session,
                challenge,
                masked,
            } => {
                assert!(!self.locked(user), "a locked user was asked for a code");
                let closed = source_failures.short.count_at(self.shell.now, LOGIN_WINDOW) >= LOGIN_FAILURES;
                assert!(
                    !closed || knock.password.is_none(),
                    "a closed source was asked for a code"
                );
                assert!(masked.contains("***"));
                if step.reason == Reason::Challenge {
                    self.began(challenge.id, user, knock.door, person);
                }
                let began = &self.seen.challenges[&challenge.id];
                assert_eq!(
                    (began.user, began.door),
                    (user, knock.door),
                    "joined another user or door"
                );
                assert_eq!(began.person, person, "attacker and victim in one challenge");
                self.give(session.id, challenge.id, person);
            }
            Reply::Ask { .. } => panic!("nobody upstream is asked here"),
            Reply::Deny { exhausted } => {
                assert!(!exhausted);
                if !matches!(step.reason, Reason::Sms(_) | Reason::TooManyOpen) {
                    self.seen.refusals.insert(refusal(step.reason, "ABCDEFGH").len());
                }
                let counted = step.changes == [Change::LoginFailure];
                assert_eq!(counted, step.reason == Reason::WrongPassword);
                assert!(counted || step.changes.is_empty(), "a refusal changes nothing");
            }
            Reply::Allow => {}
        }
    }

    fn began(&mut self, id: ChallengeId, user: usize, door: Door, person: usize) {
        let digits = code::derive(&self.shell.keys, &self.shell.challenges[&id].code());
        let message = self.shell.outbox.last().unwrap();
        assert!(message.deadline < self.shell.now.plus(secs(LIFE)));
        let Kind::Code { challenge, token, .. } = message.kind else {
            panic!("no code")
        };
        assert_eq!((challenge, token), (id, self.token(user)));
        assert_eq!(self.shell.read(message), digits.expose());
        let earlier = self.seen.challenges.insert(
            id,
            Began {
                user,
                door,
                person,
                at: self.shell.now,
                ends: self.shell.now.plus(secs(LIFE)),
                digits: vec![digits.expose().to_owned()],
                texts: 1,
                resends: 0,
                wrong: 0,
                opened: false,
                dead: false,
            },
        );
        assert!(earlier.is_none());
    }

    fn give(&mut self, session: SessionId, challenge: ChallengeId, person: usize) {
        match self.seen.sessions.iter().find(|(id, ..)| *id == session) {
            Some((_, of, holder)) => {
                assert_eq!((*of, *holder), (challenge, person), "a State given to another");
            }
            None => self.seen.sessions.push((session, challenge, person)),
        }
        assert_eq!(self.shell.sessions[&session].challenge, challenge);
    }

    fn locked(&self, user: usize) -> bool {
        self.seen.admin[user] || self.seen.locked_until[user].is_some_and(|until| self.shell.now < until)
    }

    fn type_into(&mut self, at: usize, text: &Text, other_user: Option<usize>, other_door: Option<usize>) {
        let (session, challenge, person) = self.seen.sessions[at];
        let began = self.seen.challenges[&challenge].clone();
        let words = match text {
            Text::Right => began.digits.last().unwrap().clone(),
            Text::Wrong => self.shell.wrong(session),
            Text::CodeOf(index) => {
                let ids: Vec<&ChallengeId> = self.seen.challenges.keys().collect();
                self.seen.challenges[*index.get(&ids)]
                    .digits
                    .last()
                    .unwrap()
                    .clone()
            }
            Text::First => began.digits[0].clone(),
            Text::Password => format!("password of {}", began.user),
            Text::Resend => String::new(),
        };
        let mut typed = self.shell.typed(began.door, session, &words);
        typed.user = Some(self.id(other_user.unwrap_or(began.user)));
        typed.door = other_door.map_or(began.door, |door| Door::ALL[door]);
        self.typed.push((typed.clone(), person));
        self.answer(&typed, person);
    }

    fn answer(&mut self, typed: &Typed, person: usize) {
        let now = self.shell.now;
        let challenge = self.shell.sessions[&typed.session].challenge;
        let before = self.shell.challenges[&challenge].clone();
        let user = self.seen.challenges[&challenge].user;
        let locked = self.locked(user);
        let step = self.shell.answer(typed);
        let id = self.id(user);
        let began = self.seen.challenges.get_mut(&challenge).unwrap();
        let honest = typed.user == Some(id) && typed.door == began.door;
        let words = typed.typed.as_deref().unwrap_or_default();
        if !honest {
            assert_eq!(step.reason, Reason::ForeignSession);
            assert!(matches!(step.reply, Reply::Deny { .. }));
            assert_eq!(step.changes, []);
            return;
        }
        if step.reason == Reason::Retransmit {
            assert_eq!(step.changes, [], "a retransmit changed something");
            if step.reply == Reply::Allow {
                assert!(
                    self.seen.allowed.contains(&typed.attempt),
                    "a replay of what was never allowed"
                );
                if self.strict {
                    assert!(!locked, "a locked user was let in by a replay");
                    assert!(
                        now < began.at.plus(secs(WHOLE)),
                        "let in by a replay after the login's end"
                    );
                }
            }
        }
        match step.reason {
            Reason::Code => {
                assert_eq!(step.reply, Reply::Allow);
                assert_eq!(
                    began.digits.last().map(String::as_str),
                    Some(words.trim()),
                    "let in without the code"
                );
                assert!(!began.opened, "a code worked twice");
                assert!(!began.dead, "the code of an ended challenge worked");
                assert!(now < began.ends, "after expiry");
                assert!(now < began.at.plus(secs(WHOLE)), "after the deadline");
                assert!(began.wrong < TRIES, "after the tries were used");
                assert!(!locked, "a locked user was let in");
                assert_eq!(before.state, State::Open);
                began.opened = true;
                self.seen.allowed.insert(typed.attempt);
                self.seen.failures[user] = 0;
            }
            Reason::WrongCode | Reason::TriesUsed | Reason::OtpLockedNow => {
                assert!(!locked && !began.opened && !began.dead);
                assert_ne!(
                    began.digits.last().map(String::as_str),
                    Some(words),
                    "the right code was called wrong"
                );
                began.wrong += 1;
                self.seen.failures[user] += 1;
                let lock = self.seen.failures[user] >= LIMIT;
                assert_eq!(step.reason == Reason::OtpLockedNow, lock, "the lock of the user");
                if lock {
                    self.seen.failures[user] = 0;
                    self.seen.locked_until[user] = Some(now.plus(LOCK));
                } else {
                    assert_eq!(
                        step.reason == Reason::TriesUsed,
                        began.wrong == TRIES,
                        "the tries of the challenge"
                    );
                }
                began.dead = step.reason != Reason::WrongCode;
                assert_eq!(step.reply == Reply::Deny { exhausted: true }, began.dead);
            }
            Reason::Resent => {
                assert!(!locked && !began.opened && !began.dead);
                began.resends += 1;
                let after = &self.shell.challenges[&challenge];
                let digits = code::derive(&self.shell.keys, &after.code()).expose().to_owned();
                let old = began.digits.last().unwrap();
                if began.ends.since(now) >= secs(120) {
                    assert_eq!(&digits, old, "a resend changed the digits");
                    assert_eq!(after.expires, began.ends);
                } else {
                    assert_eq!(after.generation, before.generation + 1);
                    began.ends = now.plus(secs(LIFE)).min(began.at.plus(secs(WHOLE)));
                    began.digits.push(digits);
                }
                assert_eq!(after.tries, before.tries, "a resend gave tries back");
                assert_eq!(
                    self.shell.read(self.shell.outbox.last().unwrap()),
                    *began.digits.last().unwrap()
                );
            }
            Reason::TooManyRounds => began.dead = true,
            Reason::Expired => {
                // For good: that is the one thing stored.
                let dead = |c: &Change| matches!(c, Change::Challenge(c) if c.state == State::Dead);
                assert!(step.changes.len() == 1 && step.changes.iter().all(dead));
                assert!(matches!(step.reply, Reply::Deny { .. }));
                began.dead = true;
            }
            Reason::ResendRefused | Reason::PasswordAsCode => {
                assert!(!locked && !began.opened && !began.dead);
            }
            _ => {
                assert_eq!(step.changes, [], "{:?} changed something", step.reason);
                assert!(
                    !matches!(step.reply, Reply::Prompt { .. }) || step.reason == Reason::Retransmit,
                    "{:?} prompts",
                    step.reason
                );
            }
        }
        assert_eq!(texts(&step), usize::from(step.reason == Reason::Resent));
        began.texts += texts(&step);
        assert_eq!(began.texts, began.resends + 1, "texts of a challenge");
        assert_eq!(
            self.shell.challenges[&challenge].tries, began.wrong,
            "tries counted"
        );
        if let Step {
            reply: Reply::Prompt {
                session, challenge, ..
            },
            ..
        } = &step
        {
            self.give(session.id, challenge.id, person);
        }
        if step.reply == Reply::Allow {
            assert!(
                matches!(step.reason, Reason::Code | Reason::Retransmit),
                "{:?}",
                step.reason
            );
        }
    }

    /// What holds after every step.
    fn always(&self) {
        let now = self.shell.now;
        for (index, name) in USERS.iter().enumerate() {
            let id = self.id(index);
            let open = self
                .shell
                .challenges
                .values()
                .filter(|c| c.user == id && c.open_at(now))
                .count();
            assert!(open <= MAX_OPEN, "{open} logins of {name} wait");
            assert_eq!(
                self.shell.guard(id).consecutive,
                self.seen.failures[index],
                "wrong codes of {name}"
            );
        }
        for (id, challenge) in &self.shell.challenges {
            let began = &self.seen.challenges[id];
            assert!(challenge.tries <= TRIES);
            assert!(
                challenge.expires <= began.at.plus(secs(WHOLE)),
                "a login longer than ten minutes"
            );
            assert_eq!(matches!(challenge.state, State::Consumed { .. }), began.opened);
            let queued = self
                .shell
                .outbox
                .iter()
                .filter(|m| matches!(m.kind, Kind::Code { challenge, .. } if challenge == *id))
                .count();
            assert_eq!(queued, began.texts);
        }
        assert!(
            self.seen.refusals.len() <= 1,
            "refusals differ in length: {:?}",
            self.seen.refusals
        );
        assert!(self.shell.guards.len() <= USERS.len(), "a guard per spelling");
    }
}

fn run(acts: &[Act], strict: bool) -> World {
    let mut world = World::new(strict);
    for act in acts {
        world.act(act);
    }
    world
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 5_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(1200))]

    #[test]
    fn no_sequence_breaks_a_promise(acts in prop::collection::vec(act(), 1..80)) {
        run(&acts, false);
    }
}

proptest! {
    #![proptest_config(config(400))]

    /// The same with replays of accepted answers held to the same rules: not for a locked user, not after the login's end.
    #[test]
    fn no_replay_lets_a_locked_or_late_user_in(acts in prop::collection::vec(act(), 1..80)) {
        run(&acts, true);
    }
}

/// The model must see what it talks about: over many sequences every outcome occurs.
#[test]
fn the_model_reaches_every_outcome() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let sequences = prop::collection::vec(act(), 80);
    let (mut opened, mut dead, mut resent, mut renewed, mut locked, mut allowed) = (0, 0, 0, 0, 0, 0);
    for _ in 0..300 {
        let acts = sequences.new_tree(&mut runner).unwrap().current();
        let world = run(&acts, false);
        opened += world.seen.challenges.values().filter(|c| c.opened).count();
        dead += world.seen.challenges.values().filter(|c| c.dead).count();
        resent += world.seen.challenges.values().map(|c| c.resends).sum::<usize>();
        renewed += world
            .seen
            .challenges
            .values()
            .filter(|c| c.digits.len() > 1)
            .count();
        locked += world.seen.locked_until.iter().flatten().count();
        allowed += world
            .typed
            .iter()
            .filter(|(t, _)| world.seen.allowed.contains(&t.attempt))
            .count();
    }
    for (what, count) in [
        ("opened", opened),
        ("dead", dead),
        ("resent", resent),
        ("renewed", renewed),
        ("locked", locked),
        ("allowed", allowed),
    ] {
        assert!(count >= 20, "{what}: {count}");
    }
}
