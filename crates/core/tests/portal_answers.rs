//! Codes asked for on portal pages: random sequences of requests against a model, and the rules of the first factor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Dice, START, secs};
use otpost_core::challenge::Label;
use otpost_core::code::{self, CodeOf, Digits};
use otpost_core::ids::{PortalSessionId, ResourceId, TokenId, UserId, VerificationId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::limits::{Counter, Guard, HOUR, LOGIN_FAILURES, LOGIN_WINDOW};
use otpost_core::login::First;
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::phone::Phone;
use otpost_core::portal::answer::{self, Change, Proof, Step, Typed, View, Why, misshapen};
use otpost_core::portal::factors::{Factors, HelpdeskCode, Method, RecoverySet, TotpToken, Way};
use otpost_core::portal::flow::{CodeFlow, FlowState, Resend};
use otpost_core::portal::reason::Reason;
use otpost_core::portal::sign_in::{self, Entry, Failures, Knocking, MailCounters, SPARE_FAILURES};
use otpost_core::portal::verification::{Act, For, Owner, Verification};
use otpost_core::recovery::{self, Stored};
use otpost_core::resource::Resource;
use otpost_core::token::{Status, Token};
use otpost_core::user::{PasswordHash, Profile, User};
use otpost_core::{Timestamp, totp};
use proptest::prelude::*;
use zeroize::Zeroizing;

const USER: UserId = UserId([1; 16]);
const VPN: ResourceId = ResourceId([2; 16]);
const PHONE: TokenId = TokenId([3; 16]);
const APP: TokenId = TokenId([4; 16]);
const SESSION: PortalSessionId = PortalSessionId([5; 16]);
const RECOVERY: usize = 3;

fn source() -> Source {
    Source::new("192.0.2.7", "portal office")
}

fn resource() -> Resource {
    let mut resource = Resource::new(VPN, "Office VPN", START);
    resource.self_service.address = Some("office".parse().unwrap());
    resource
}

fn user() -> User {
    User {
        id: USER,
        login: "alice".to_owned(),
        name: LoginName::parse("alice").unwrap(),
        aliases: Vec::new(),
        email: Some("alice@example.com".to_owned()),
        password: Some(PasswordHash(Zeroizing::new("$phc".to_owned()))),
        locked: None,
        bypass_until: None,
        resources: vec![VPN],
        profile: Profile::default(),
        created: START,
    }
}

fn phone() -> Token {
    Token {
        id: PHONE,
        user: USER,
        name: "phone".to_owned(),
        phone: Phone::parse("+491712345678", None).unwrap(),
        digits: Digits::SIX,
        status: Status::Active,
        verified: true,
        resources: vec![VPN],
        created: START,
    }
}

fn app() -> TotpToken {
    TotpToken {
        id: APP,
        owner: Owner::User(USER),
        name: "app".to_owned(),
        secret: Zeroizing::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned()),
        params: totp::Params::default(),
        last_step: None,
        offset: 0,
        status: Status::Active,
        resources: vec![VPN],
        created: START,
        used: None,
    }
}

/// Plain codes; the hash of one is its letters, which is enough for a decision that never hashes.
fn spare() -> (RecoverySet, Vec<(recovery::Index, String)>) {
    let codes = recovery::generate(&mut Dice(9));
    let plain: Vec<_> = codes
        .iter()
        .take(RECOVERY)
        .map(|code| (code.index(), code.secret().to_owned()))
        .collect();
    let stored = plain.iter().map(|(index, secret)| Stored {
        index: *index,
        hash: secret.clone(),
        used: None,
    });
    let set = recovery::Set {
        codes: stored.collect(),
        created: START,
    };
    let owner = Owner::User(USER);
    (RecoverySet::new(owner, vec![VPN], set, &mut Dice(10)), plain)
}

fn verification(number: u8, purpose: For) -> Verification {
    Verification {
        id: VerificationId([number; 16]),
        session: SESSION,
        owner: Some(Owner::User(USER)),
        resource: Some(VPN),
        purpose,
        token: Some(PHONE),
        email: None,
        digits: Digits::SIX,
        label: Label::random(&mut Dice(1)),
        flow: CodeFlow::start(secs(300), 5, START),
        text: None,
        refused: String::new(),
        source: source(),
        name: String::new(),
    }
}

/// A person with a phone, an app and recovery codes, and what waits for a code: a sign-in, and three acts, two of them alike but for
/// the new value.
struct World {
    now: Timestamp,
    keys: Keyring,
    factors: Factors,
    plain: Vec<(recovery::Index, String)>,
    guard: Guard,
    spare: Counter,
    open: Vec<Verification>,
}

impl World {
    fn new() -> Self {
        let (recovery, plain) = spare();
        Self {
            now: START,
            keys: Keyring::derive(&MasterKey::new([42; 32])),
            factors: Factors {
                sms: vec![phone()],
                totp: vec![app()],
                recovery: Some(recovery),
                helpdesk: None,
            },
            plain,
            guard: Guard::default(),
            spare: Counter::default(),
            open: vec![
                verification(1, For::SignIn),
                verification(2, For::Act(Act::Unassign(PHONE))),
                verification(3, For::Act(Act::Email("a@example.com".to_owned()))),
                verification(4, For::Act(Act::Email("b@example.com".to_owned()))),
            ],
        }
    }

    fn ways(&self) -> Vec<Way> {
        let locked = self.guard.lock_at(self.now).is_some();
        let wanted = sign_in::wanted(&resource(), &user(), locked);
        self.factors.ways(wanted, self.now)
    }

    fn locked(&self) -> bool {
        self.guard.lock_at(self.now).is_some()
    }

    fn code(&self, at: usize) -> String {
        code::derive(&self.keys, &self.open[at].code())
            .expose()
            .to_owned()
    }

    /// Digits that are no code of anything here.
    fn wrong(&self) -> String {
        let shown: Vec<String> = (0..self.open.len()).map(|at| self.code(at)).collect();
        let totp::Step(here) = totp::Step::of(self.now);
        let apps: Vec<String> = (here.saturating_sub(2)..=here + 2)
            .map(|step| self.shows(totp::Step(step)))
            .collect();
        let mut all = (0..1_000_000).map(|n| format!("{n:06}"));
        all.find(|code| !shown.contains(code) && !apps.contains(code))
            .unwrap()
    }

    fn shows(&self, step: totp::Step) -> String {
        let secret = totp::Secret::parse(&app().secret).unwrap();
        totp::code(&secret, &totp::Params::default(), step).to_string()
    }

    fn answer(&mut self, at: usize, method: Method, text: &str, proof: Option<&Proof>) -> Step {
        let ways = self.ways();
        let view = View {
            verification: &self.open[at],
            ways: &ways,
            factors: &self.factors,
            guard: &self.guard,
            failed_attempts: 5,
            resource: VPN,
            spare: &self.spare,
            closed: false,
            shut: false,
            password: Some("$phc"),
            keys: &self.keys,
        };
        let typed = Typed { method, text, proof };
        let step = answer::answer(&typed, &view, self.now);
        self.apply(at, &step);
        step
    }

    fn apply(&mut self, at: usize, step: &Step) {
        for change in &step.changes {
            match change {
                Change::Verification(next) => {
                    assert_eq!(next.id, self.open[at].id, "another code is touched");
                    self.open[at] = next.as_ref().clone();
                }
                Change::Guard(guard) => self.guard = guard.clone(),
                Change::Totp(app) => self.factors.totp = vec![app.as_ref().clone()],
                Change::Recovery(set) => self.factors.recovery = Some(set.as_ref().clone()),
                Change::HelpdeskUsed => self.factors.helpdesk = None,
                Change::SpareFailure => self.spare = self.spare.hit(self.now, HOUR),
                Change::TokenVerified(_)
                | Change::SourceKnown
                | Change::MailFailure
                | Change::PasswordFailure => {}
            }
        }
    }

    fn proof(&self, code: usize) -> Proof {
        let (index, secret) = &self.plain[code];
        Proof::Recovery(*index, secret.clone())
    }
}

#[derive(Debug, Clone)]
enum Try {
    /// The code of verification `of`, typed for `at`.
    Code {
        at: usize,
        of: usize,
    },
    Wrong {
        at: usize,
    },
    Malformed {
        at: usize,
        text: &'static str,
    },
    App {
        at: usize,
        back: u64,
    },
    WrongApp {
        at: usize,
    },
    Recovery {
        at: usize,
        code: usize,
    },
    WrongRecovery {
        at: usize,
    },
    Resend {
        at: usize,
    },
    Pass {
        seconds: u64,
    },
}

fn tries() -> impl Strategy<Value = Try> {
    let at = 0..4usize;
    prop_oneof![
        4 => (at.clone(), 0..4usize).prop_map(|(at, of)| Try::Code { at, of }),
        4 => at.clone().prop_map(|at| Try::Wrong { at }),
        2 => (at.clone(), prop::sample::select(vec!["", "12345", "1234567", "12a456", "١٢٣٤٥٦"]))
            .prop_map(|(at, text)| Try::Malformed { at, text }),
        2 => (at.clone(), 0..4u64).prop_map(|(at, back)| Try::App { at, back }),
        2 => at.clone().prop_map(|at| Try::WrongApp { at }),
        1 => (at.clone(), 0..RECOVERY).prop_map(|(at, code)| Try::Recovery { at, code }),
        2 => at.clone().prop_map(|at| Try::WrongRecovery { at }),
        1 => at.prop_map(|at| Try::Resend { at }),
        2 => prop::sample::select(vec![1, 20, 31, 200, 400, 1000]).prop_map(|seconds| Try::Pass { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is typed in whatever order: a code is good once, for its own verification alone, while that lives and the person is
    /// not locked; tries never exceed the limit; what cannot be a code costs nothing; a recovery code is good once and lifts a lock.
    #[test]
    fn codes_are_good_once_for_what_they_were_asked_for(steps in prop::collection::vec(tries(), 1..60)) {
        let mut world = World::new();
        let mut done = BTreeSet::new();
        let mut steps_used = BTreeSet::new();
        let mut spent = BTreeSet::new();
        for step in steps {
            let (locked, guard) = (world.locked(), world.guard.clone());
            match step {
                Try::Pass { seconds } => world.now = world.now.plus(secs(seconds)),
                Try::Resend { at } => {
                    if let Resend::Send(flow) = world.open[at].flow.resend(world.now) {
                        world.open[at].flow = flow;
                    }
                }
                Try::Code { at, of } => {
                    let before = world.open[at].clone();
                    let code = world.code(of);
                    let got = world.answer(at, Method::Sms, &code, None);
                    let own = at == of || world.code(at) == code;
                    let open = before.flow.closed(world.now).is_none();
                    prop_assert_eq!(got.wrong.is_none(), own && open && !locked, "{:?}", got);
                    if got.wrong.is_none() {
                        prop_assert!(done.insert(at), "taken twice");
                        prop_assert_eq!(world.open[at].flow.state, FlowState::Done);
                    }
                }
                Try::Wrong { at } | Try::WrongApp { at } => {
                    let method = match step { Try::Wrong { .. } => Method::Sms, _ => Method::Totp };
                    let before = world.open[at].flow.clone();
                    let typed = world.wrong();
                    let got = world.answer(at, method, &typed, None);
                    prop_assert!(got.wrong.is_some());
                    let counted = world.open[at].flow.tries - before.tries;
                    prop_assert_eq!(u32::from(world.guard != guard), counted, "a try counts on the person too");
                    if locked {
                        prop_assert_eq!(counted, 0);
                    }
                }
                Try::Malformed { at, text } => {
                    let before = world.open[at].flow.clone();
                    let got = world.answer(at, Method::Sms, text, None);
                    prop_assert!(got.wrong.is_some());
                    prop_assert_eq!(&world.open[at].flow, &before);
                    prop_assert_eq!(&world.guard, &guard);
                }
                Try::App { at, back } => {
                    let step = totp::Step(totp::Step::of(world.now).0 - back);
                    let typed = world.shows(step);
                    let dead = matches!(world.open[at].flow.state, FlowState::Done | FlowState::TriesUsed)
                        || world.now >= world.open[at].flow.deadline;
                    let got = world.answer(at, Method::Totp, &typed, None);
                    if got.wrong.is_none() {
                        prop_assert!(!locked && !dead);
                        prop_assert!(done.insert(at), "taken twice");
                        let used = world.factors.totp[0].last_step.unwrap();
                        prop_assert!(steps_used.iter().all(|other| *other < used), "a step is good once");
                        steps_used.insert(used);
                    }
                }
                Try::Recovery { at, code } => {
                    let proof = world.proof(code);
                    let dead = matches!(world.open[at].flow.state, FlowState::Done | FlowState::TriesUsed)
                        || world.now >= world.open[at].flow.deadline;
                    let shut = world.spare.short.count_at(world.now, HOUR) >= SPARE_FAILURES;
                    let got = world.answer(at, Method::Recovery, "a code", Some(&proof));
                    let good = !dead && !shut && !spent.contains(&code);
                    prop_assert_eq!(got.wrong.is_none(), good, "{:?}", got);
                    if good {
                        spent.insert(code);
                        done.insert(at);
                        prop_assert!(!world.locked(), "the lock is lifted");
                    }
                }
                Try::WrongRecovery { at } => {
                    let got = world.answer(at, Method::Recovery, "another code", None);
                    prop_assert!(got.wrong.is_some());
                }
            }
            for verification in &world.open {
                prop_assert!(verification.flow.tries <= verification.flow.max_tries);
                prop_assert!(verification.flow.tries < verification.flow.max_tries
                    || verification.flow.state == FlowState::TriesUsed);
            }
            prop_assert!(world.guard.consecutive < 5, "five in a row lock");
        }
    }
}

#[test]
fn a_code_of_another_purpose_value_or_session_is_another_code() {
    let keys = Keyring::derive(&MasterKey::new([42; 32]));
    let purposes = [
        For::Mail,
        For::SignIn,
        For::Act(Act::RenewRecovery),
        For::NewEmail("a@example.com".to_owned()),
    ];
    let codes: BTreeSet<String> = purposes
        .into_iter()
        .map(|purpose| {
            // Even under the same id, which never happens.
            let of: CodeOf = verification(1, purpose).code();
            code::derive(&keys, &of).expose().to_owned()
        })
        .collect();
    assert_eq!(codes.len(), 4);
}

#[test]
fn what_was_typed_is_told_apart_without_costing_a_try() {
    for (typed, why) in [
        ("", Some(Why::TooFew)),
        ("  ", Some(Why::TooFew)),
        ("12345", Some(Why::TooFew)),
        ("1234567", Some(Why::TooMany)),
        ("12345a", Some(Why::NotDigits)),
        ("١٢٣٤٥٦", Some(Why::NotDigits)),
        ("123 456", None),
        ("123-456", None),
        (" 123456 ", None),
    ] {
        assert_eq!(misshapen(typed, 6), why, "{typed:?}");
    }
    let mut world = World::new();
    world.now = START.plus(secs(301));
    let code = world.code(0);
    assert_eq!(
        world.answer(0, Method::Sms, &code, None).wrong,
        Some(Why::Expired)
    );
    // An app's code does not end with the text's.
    let shown = world.shows(totp::Step::of(world.now));
    assert_eq!(world.answer(0, Method::Totp, &shown, None).wrong, None);
    assert_eq!(world.answer(0, Method::Totp, &shown, None).wrong, Some(Why::Used));
    // Not at another verification either.
    assert_eq!(
        world.answer(1, Method::Totp, &shown, None).wrong,
        Some(Why::Wrong)
    );
}

#[test]
fn recovery_codes_of_another_portal_are_neither_offered_nor_taken() {
    let mut world = World::new();
    let mail = ResourceId([9; 16]);
    for (resources, good) in [(vec![mail], false), (vec![mail, VPN], true)] {
        world.factors.recovery.as_mut().unwrap().resources = resources;
        let offered = world.ways().iter().any(|way| way.method == Method::Recovery);
        assert_eq!(offered, good);
        let proof = world.proof(0);
        assert_eq!(answered(&mut world, &proof), good);
    }
    // Not even where the page offered them.
    let mut world = World::new();
    world.factors.recovery.as_mut().unwrap().resources = vec![mail];
    let view = View {
        ways: &[Way::plain(Method::Recovery)],
        verification: &world.open[0],
        factors: &world.factors,
        guard: &world.guard,
        failed_attempts: 5,
        resource: VPN,
        spare: &world.spare,
        closed: false,
        shut: false,
        password: None,
        keys: &world.keys,
    };
    let typed = Typed {
        method: Method::Recovery,
        text: "7f-kx3m-pq9t",
        proof: Some(&world.proof(0)),
    };
    assert_eq!(answer::answer(&typed, &view, world.now).wrong, Some(Why::Wrong));
}

/// Whether a recovery code is taken at the sign-in.
fn answered(world: &mut World, proof: &Proof) -> bool {
    world
        .answer(0, Method::Recovery, "7f-kx3m-pq9t", Some(proof))
        .wrong
        .is_none()
}

#[test]
fn the_lock_of_a_person_is_not_lifted_by_codes_of_one_portal_while_a_token_guards_others_alone() {
    let mail = ResourceId([9; 16]);
    for (guarded, lifts) in [(vec![mail], false), (vec![mail, VPN], true)] {
        let mut world = World::new();
        world.factors.totp[0].resources = guarded;
        world.guard.locked_until = Some(START.plus(secs(900)));
        let proof = world.proof(0);
        assert!(answered(&mut world, &proof), "it opens its own portal");
        assert_eq!(world.locked(), !lifts);
    }
}

#[test]
fn five_wrong_codes_lock_and_a_recovery_code_lifts_the_lock_once() {
    let mut world = World::new();
    for at in [0, 0, 1, 1] {
        let wrong = world.wrong();
        let step = world.answer(at, Method::Sms, &wrong, None);
        assert_eq!(step.wrong, Some(Why::Wrong));
    }
    let wrong = world.wrong();
    let step = world.answer(2, Method::Totp, &wrong, None);
    assert_eq!(
        (step.wrong, step.reason),
        (Some(Why::Locked), Reason::OtpLockedNow)
    );
    let right = world.code(3);
    assert_eq!(
        world.answer(3, Method::Sms, &right, None).wrong,
        Some(Why::Locked)
    );
    let methods: Vec<Method> = world.ways().iter().map(|way| way.method).collect();
    assert_eq!(methods, [Method::Recovery]);
    let proof = world.proof(0);
    assert_eq!(
        world.answer(3, Method::Recovery, "code", Some(&proof)).wrong,
        None
    );
    assert!(!world.locked());
    assert_eq!(world.guard.locks, 1, "the back-off stays");
    assert_eq!(
        world.answer(2, Method::Recovery, "code", Some(&proof)).wrong,
        Some(Why::Wrong)
    );
    let right = world.code(2);
    assert_eq!(world.answer(2, Method::Sms, &right, None).wrong, None);
}

#[test]
fn a_helpdesk_code_is_good_once_and_not_after_its_day() {
    let hash = Zeroizing::new("$hash".to_owned());
    let code = HelpdeskCode {
        user: USER,
        hash: hash.clone(),
        created: START,
        ends: START.plus(secs(24 * 3600)),
    };
    let mut world = World::new();
    world.factors.helpdesk = Some(code.clone());
    let proof = Proof::Helpdesk(hash);
    assert_eq!(
        world.answer(0, Method::Helpdesk, "code", Some(&proof)).wrong,
        None
    );
    assert!(world.factors.helpdesk.is_none());
    assert!(
        world
            .answer(1, Method::Helpdesk, "code", Some(&proof))
            .wrong
            .is_some()
    );
    world.factors.helpdesk = Some(HelpdeskCode {
        ends: world.now,
        ..code
    });
    assert!(
        world
            .answer(1, Method::Helpdesk, "code", Some(&proof))
            .wrong
            .is_some()
    );
}

#[test]
fn codes_that_lift_locks_cannot_be_guessed_for_ever() {
    let mut world = World::new();
    let mut looked_at = 0;
    for round in 0..30_u8 {
        world.open[0] = verification(100 + round, For::SignIn);
        let step = world.answer(0, Method::Recovery, "guess", None);
        looked_at += u32::from(step.changes.contains(&Change::SpareFailure));
    }
    assert_eq!(looked_at, SPARE_FAILURES);
    let proof = world.proof(0);
    let step = world.answer(0, Method::Recovery, "code", Some(&proof));
    assert_eq!(step.wrong, Some(Why::Locked), "not even the right one");
}

#[test]
fn a_wrong_mail_code_or_password_locks_nobody() {
    let mut world = World::new();
    let ways = [Way::plain(Method::Mail), Way::plain(Method::Password)];
    let mailed = Verification {
        token: None,
        email: Some("alice@example.com".to_owned()),
        ..verification(7, For::Act(Act::Enroll))
    };
    let wrong = world.wrong();
    for (method, change) in [
        (Method::Mail, Change::MailFailure),
        (Method::Password, Change::PasswordFailure),
    ] {
        let view = View {
            verification: &mailed,
            ways: &ways,
            factors: &world.factors,
            guard: &world.guard,
            failed_attempts: 5,
            resource: VPN,
            spare: &world.spare,
            closed: false,
            shut: false,
            password: Some("$phc"),
            keys: &world.keys,
        };
        let typed = Typed {
            method,
            text: &wrong,
            proof: None,
        };
        let step = answer::answer(&typed, &view, world.now);
        assert!(step.changes.contains(&change));
        assert!(!step.changes.iter().any(|c| matches!(c, Change::Guard(_))));
        let shut = View { closed: true, ..view };
        let step = answer::answer(&typed, &shut, world.now);
        assert_eq!(step.wrong, Some(Why::Locked));
    }
    // Nobody has the name: its code, were it known, is none.
    let nobody = Verification {
        owner: None,
        email: None,
        ..verification(8, For::Mail)
    };
    world.open[0] = nobody;
    let right = world.code(0);
    let view = View {
        verification: &world.open[0],
        ways: &ways,
        factors: &Factors::default(),
        guard: &world.guard,
        failed_attempts: 5,
        resource: VPN,
        spare: &world.spare,
        closed: false,
        shut: false,
        password: None,
        keys: &world.keys,
    };
    let typed = Typed {
        method: Method::Mail,
        text: &right,
        proof: None,
    };
    assert_eq!(answer::answer(&typed, &view, world.now).wrong, Some(Why::Wrong));
}

/// What a sign-in by password comes to.
fn knock(edit: impl Fn(&mut Resource, &mut User, &mut Factors, &mut Guard), first: First) -> (Entry, Reason) {
    let (mut resource, mut user, mut factors, mut guard) =
        (resource(), user(), Factors::default(), Guard::default());
    edit(&mut resource, &mut user, &mut factors, &mut guard);
    let source = source();
    let knocking = Knocking {
        resource: &resource,
        user: Some(&user),
        guard: &guard,
        factors: &factors,
        source: &source,
        typed: &Failures::default(),
        own: &Failures::default(),
        known_source: false,
    };
    sign_in::by_password(&knocking, first, START)
}

#[test]
fn refusals_look_alike_and_are_told_apart_for_operators() {
    let refused = Entry::Refused {
        retry_after: None,
        counts: true,
    };
    let lock = |guard: &mut Guard| guard.locked_until = Some(START.plus(secs(60)));
    let cases: Vec<((Entry, Reason), Reason)> = vec![
        (knock(|_, _, _, _| {}, First::Failed), Reason::WrongPassword),
        (knock(|_, _, _, _| {}, First::NoPassword), Reason::NoPassword),
        (
            knock(|_, user, _, _| user.email = None, First::NoPassword),
            Reason::NoWayIn,
        ),
        (
            knock(|_, user, _, _| user.resources.clear(), First::Passed),
            Reason::NotInResource,
        ),
        (
            knock(
                |_, user, _, _| user.locked = Some("away".to_owned()),
                First::Passed,
            ),
            Reason::AdminLocked,
        ),
        (
            knock(|_, _, _, guard| lock(guard), First::Passed),
            Reason::OtpLocked,
        ),
        (
            knock(
                |_, _, factors, guard| {
                    factors.sms = vec![phone()];
                    lock(guard);
                },
                First::Passed,
            ),
            Reason::OtpLocked,
        ),
        (
            knock(
                |_, _, factors, _| {
                    factors.sms = vec![Token {
                        status: Status::Disabled,
                        ..phone()
                    }];
                },
                First::Passed,
            ),
            Reason::NoUsableFactor,
        ),
        (
            knock(
                |_, _, factors, _| {
                    factors.sms = vec![phone()];
                    factors.recovery = Some(spare().0);
                    factors.totp = vec![TotpToken {
                        status: Status::Blocked,
                        ..app()
                    }];
                },
                First::Passed,
            ),
            Reason::NoUsableFactor,
        ),
    ];
    for ((entry, reason), expected) in cases {
        assert_eq!((entry, reason), (refused.clone(), expected));
    }
}

#[test]
fn a_bypass_opens_no_portal_and_a_token_elsewhere_asks_for_none_here() {
    let asked = |entry: Entry| match entry {
        Entry::Factor(ways) => ways.into_iter().map(|way| way.method).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let bypassed = |_: &mut Resource, user: &mut User, factors: &mut Factors, _: &mut Guard| {
        user.bypass_until = Some(START.plus(secs(3600)));
        factors.sms = vec![phone()];
    };
    assert_eq!(asked(knock(bypassed, First::Passed).0), [Method::Sms]);
    // The preferred one first, the spare ones last.
    let both = |_: &mut Resource, user: &mut User, factors: &mut Factors, _: &mut Guard| {
        user.profile.preferred = vec![(VPN, APP)];
        factors.sms = vec![phone()];
        factors.totp = vec![app()];
        factors.recovery = Some(spare().0);
    };
    let ways = asked(knock(both, First::Passed).0);
    assert_eq!(ways, [Method::Totp, Method::Sms, Method::Recovery]);
    // Locked: only what lifts the lock.
    let locked = |r: &mut Resource, u: &mut User, f: &mut Factors, guard: &mut Guard| {
        both(r, u, f, guard);
        guard.locked_until = Some(START.plus(secs(60)));
    };
    assert_eq!(asked(knock(locked, First::Passed).0), [Method::Recovery]);
    let elsewhere = |_: &mut Resource, _: &mut User, factors: &mut Factors, _: &mut Guard| {
        factors.sms = vec![Token {
            resources: vec![ResourceId([9; 16])],
            ..phone()
        }];
    };
    assert_eq!(
        knock(elsewhere, First::Passed),
        (Entry::Full, Reason::FirstFactor)
    );
}

#[test]
fn a_network_with_ten_wrong_passwords_is_closed_whether_the_name_is_somebodys_or_not() {
    let (resource, user, factors, guard, source) =
        (resource(), user(), Factors::default(), Guard::default(), source());
    let mut failures = Failures::default();
    for n in 0..LOGIN_FAILURES {
        let at = START.plus(secs(u64::from(n)));
        failures.source = failures.source.failed_password(at);
    }
    let at = START.plus(secs(u64::from(LOGIN_FAILURES)));
    for named in [Some(&user), None] {
        let knocking = Knocking {
            resource: &resource,
            user: named,
            guard: &guard,
            factors: &factors,
            source: &source,
            typed: &failures,
            own: &Failures::default(),
            known_source: false,
        };
        let (entry, reason) = sign_in::by_password(&knocking, First::Passed, at);
        assert_eq!(reason, Reason::SourceClosed);
        let wait = match entry {
            Entry::Refused {
                retry_after: Some(wait),
                counts: false,
            } => wait,
            other => panic!("{other:?}"),
        };
        let later = at.plus(Duration::from_secs(u64::from(wait)));
        assert!(sign_in::closed(&knocking, later).is_none());
    }
    // By another name of the same person: not told, and not let in either.
    let knocking = Knocking {
        resource: &resource,
        user: Some(&user),
        guard: &guard,
        factors: &factors,
        source: &source,
        typed: &Failures::default(),
        own: &failures,
        known_source: false,
    };
    assert!(sign_in::closed(&knocking, at).is_none());
    let wrong = Entry::Refused {
        retry_after: None,
        counts: true,
    };
    for first in [First::Passed, First::Failed] {
        let (entry, reason) = sign_in::by_password(&knocking, first, at);
        assert_eq!((entry, reason), (wrong.clone(), Reason::SourceClosed));
    }
    let later = at.plus(LOGIN_WINDOW);
    let (entry, _) = sign_in::by_password(&knocking, First::Passed, later);
    assert_eq!(entry, Entry::Full);
}

#[test]
fn a_mailed_code_is_wrong_while_the_person_has_used_up_their_tries_under_another_name() {
    let mut world = World::new();
    world.open[0] = Verification {
        purpose: For::Mail,
        token: None,
        email: Some("alice@example.com".to_owned()),
        ..world.open[0].clone()
    };
    let right = world.code(0);
    let outcome = |shut| {
        let view = View {
            verification: &world.open[0],
            ways: &[Way::plain(Method::Mail)],
            factors: &world.factors,
            guard: &world.guard,
            failed_attempts: 5,
            resource: VPN,
            spare: &world.spare,
            closed: false,
            shut,
            password: None,
            keys: &world.keys,
        };
        let typed = Typed {
            method: Method::Mail,
            text: &right,
            proof: None,
        };
        answer::answer(&typed, &view, world.now).wrong
    };
    assert_eq!((outcome(true), outcome(false)), (Some(Why::Wrong), None));
}

#[test]
fn codes_by_mail_have_their_own_limits() {
    let source = source();
    let mut counters = MailCounters::default();
    for _ in 0..5 {
        assert_eq!(sign_in::may_mail(&counters, &source, START), Ok(()));
        counters.name = counters.name.hit(START, HOUR);
        counters.network = counters.network.hit(START, HOUR);
    }
    let name = sign_in::may_mail(&counters, &source, START);
    assert_eq!(name, Err((3600, Reason::EmailBudget)));
    counters.name = Counter::default();
    for _ in 0..5 {
        assert_eq!(sign_in::may_mail(&counters, &source, START), Ok(()));
        counters.network = counters.network.hit(START, HOUR);
    }
    assert!(sign_in::may_mail(&counters, &source, START).is_err());
    assert_eq!(sign_in::may_mail(&counters, &source, START.plus(HOUR)), Ok(()));
    counters = MailCounters::default();
    for _ in 0..LOGIN_FAILURES {
        counters.failures = counters.failures.failed_password(START);
    }
    let closed = sign_in::may_mail(&counters, &source, START);
    assert!(matches!(closed, Err((_, Reason::EmailClosed))));
    // With a password, or without an address, or not bound, nothing is mailed.
    let (resource, with) = (resource(), user());
    let none = Counter::default();
    let why = |user: Option<&User>| sign_in::by_mail(&resource, user, (&none, false), START).err();
    assert_eq!(why(Some(&with)), Some(Reason::HasPassword));
    assert_eq!(why(None), Some(Reason::UnknownUser));
    let without = User {
        password: None,
        ..user()
    };
    assert_eq!(why(Some(&without)), None);
    let unbound = User {
        resources: Vec::new(),
        ..without.clone()
    };
    assert_eq!(why(Some(&unbound)), Some(Reason::NotInResource));
    let nowhere = User {
        email: None,
        ..without
    };
    assert_eq!(why(Some(&nowhere)), Some(Reason::NoWayIn));
}

#[test]
fn what_strangers_have_mailed_leaves_two_codes_an_hour_to_networks_that_are_known() {
    let mut address = Counter::default();
    let mut mailed = (0, 0);
    for hour in 0..24 {
        let at = START.plus(secs(hour * 3600));
        // Strangers first, as many as they can.
        while sign_in::mail_room(&address, false, at) {
            address = address.hit(at, HOUR);
            mailed.0 += 1;
        }
        let known = (0..2).filter(|_| {
            let may = sign_in::mail_room(&address, true, at);
            if may {
                address = address.hit(at, HOUR);
            }
            may
        });
        mailed.1 += known.count();
    }
    assert_eq!(address.day.count, 42, "the day's limit holds for all together");
    assert!(
        mailed.1 >= 12,
        "{mailed:?}: two for five of the strangers', all day"
    );
    assert!(mailed.0 <= 30, "{mailed:?}");
}

#[test]
fn a_clock_is_found_again_from_two_codes_in_a_row() {
    let at = START.plus(secs(30_000));
    let secret = totp::Secret::parse(&app().secret).unwrap();
    let shown = |offset: i64| {
        let totp::Step(here) = totp::Step::of(at);
        let step = totp::Step(here.checked_add_signed(offset).unwrap());
        totp::code(&secret, &totp::Params::default(), step).to_string()
    };
    for off in [-15, -2, 0, 3, 15] {
        let (first, second) = (shown(off - 1), shown(off));
        let found = app().synchronised(&first, &second, at).unwrap();
        assert_eq!(found.offset, off);
        assert!(found.accept(&second, at).is_none(), "the second is used");
        assert!(found.accept(&shown(off + 1), at).is_some());
    }
    assert!(
        app().synchronised(&shown(0), &shown(2), at).is_none(),
        "not in a row"
    );
    assert!(
        app().synchronised(&shown(1), &shown(0), at).is_none(),
        "the wrong way about"
    );
    assert!(
        app().synchronised(&shown(60), &shown(61), at).is_none(),
        "too far away"
    );
}
