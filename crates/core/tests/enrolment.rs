//! Enrolments: what may begin, and what a code comes to, whatever is typed in whatever order.

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

use common::{Dice, START};
use otpost_core::code;
use otpost_core::gate::Policy;
use otpost_core::ids::{MessageId, PortalSessionId, ResourceId, TokenId, UserId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::name::LoginName;
use otpost_core::net::Source;
use otpost_core::phone::Phone;
use otpost_core::portal::enrolment::{
    Begun, By, Confirm, Confirmed, Enrolment, Field, Held, New, Permit, Refused, Replacing, Stand, View,
    Wanted, begin, change_number, confirm, may_replace, offer, sms_token, totp_token,
};
use otpost_core::portal::flow::{Resend, Typed};
use otpost_core::portal::settings::{Action, FirstEnrolment, Kind, OtpLength};
use otpost_core::portal::verification::Act;
use otpost_core::resource::Resource;
use otpost_core::text::Lang;
use otpost_core::token::Status;
use otpost_core::user::{Profile, User};
use otpost_core::{Timestamp, totp};
use proptest::prelude::*;

const SESSION: PortalSessionId = PortalSessionId([7; 16]);
const ME: By = By::Session {
    id: SESSION,
    invited: false,
};
const INVITED: By = By::Session {
    id: SESSION,
    invited: true,
};
const OLD: TokenId = TokenId([9; 16]);

/// A portal that allows everything, one person on it, and nothing else.
struct World {
    resource: Resource,
    user: User,
    held: Vec<Held>,
    enrolments: Vec<Enrolment>,
    policy: Policy,
    keys: Keyring,
    rng: Dice,
    source: Source,
    now: Timestamp,
}

#[derive(Clone)]
struct Form {
    by: By,
    form: &'static str,
    kind: &'static str,
    name: &'static str,
    phone: Option<&'static str>,
    digits: Option<u8>,
    replaces: Option<Replacing>,
    permitted: bool,
}

fn sms() -> Form {
    Form {
        by: ME,
        form: "",
        kind: "sms",
        name: "My phone",
        phone: Some("0171 2345678"),
        digits: Some(6),
        replaces: None,
        permitted: false,
    }
}

fn app() -> Form {
    Form {
        kind: "totp",
        phone: None,
        digits: None,
        ..sms()
    }
}

fn replacing(number_only: bool) -> Option<Replacing> {
    Some(Replacing {
        token: OLD,
        number_only,
    })
}

impl World {
    fn new() -> Self {
        let mut rng = Dice(1);
        let id = ResourceId([1; 16]);
        let mut resource = Resource::new(id, "Office VPN", START);
        resource.region = Some("DE".parse().unwrap());
        let portal = &mut resource.self_service;
        portal.address = Some("office".parse().unwrap());
        portal.actions = Action::TOKEN.into_iter().chain(Action::USER).collect();
        portal.kinds = Kind::ALL.into_iter().collect();
        Self {
            resource,
            user: User {
                id: UserId([2; 16]),
                login: "alice".to_owned(),
                name: LoginName::parse("alice").unwrap(),
                aliases: Vec::new(),
                email: None,
                password: None,
                locked: None,
                bypass_until: None,
                resources: vec![id],
                profile: Profile::default(),
                created: START,
            },
            held: Vec::new(),
            enrolments: Vec::new(),
            policy: Policy {
                countries: ["DE", "US"].iter().map(|c| c.parse().unwrap()).collect(),
                ..Policy::default()
            },
            keys: Keyring::derive(&MasterKey::random(&mut rng)),
            rng,
            source: Source::new("192.0.2.1", "portal office"),
            now: START,
        }
    }

    fn with_token() -> Self {
        let mut world = Self::new();
        world.held.push(world.token(OLD, "+491701111111"));
        world
    }

    fn token(&self, id: TokenId, phone: &str) -> Held {
        Held {
            id,
            kind: Kind::Sms,
            status: Status::Active,
            resources: vec![self.resource.id, ResourceId([3; 16])],
            name: "Old phone".to_owned(),
            digits: 8.try_into().unwrap(),
            phone: Some(Phone::parse(phone, None).unwrap()),
            created: START,
        }
    }

    fn view(&self) -> View<'_> {
        View {
            resource: &self.resource,
            user: &self.user,
            held: &self.held,
            enrolments: &self.enrolments,
            policy: &self.policy,
        }
    }

    fn begin(&mut self, form: &Form) -> Result<Begun, Refused> {
        let mut rng = self.rng.clone();
        let wanted = Wanted {
            by: form.by,
            form: form.form,
            kind: form.kind,
            name: form.name,
            phone: form.phone,
            digits: form.digits,
            replaces: form.replaces,
            permitted: form.permitted,
            source: &self.source,
            lang: Lang::En,
        };
        let begun = begin(&wanted, &self.view(), self.now, &mut rng);
        self.rng = rng;
        if let Ok(begun) = &begun {
            self.apply(begun);
        }
        begun
    }

    fn change(&mut self, before: &Enrolment, phone: &str, by: By) -> Result<Begun, Refused> {
        let mut rng = self.rng.clone();
        let begun = change_number(before, (phone, by), &self.view(), self.now, &mut rng);
        self.rng = rng;
        if let Ok(begun) = &begun {
            self.apply(begun);
        }
        begun
    }

    fn apply(&mut self, begun: &Begun) {
        if let Begun::New { enrolment, cancelled } = begun {
            for old in cancelled {
                self.put(old);
            }
            // The gate lets each text pass.
            let text = (enrolment.kind() == Kind::Sms).then_some(MessageId([3; 16]));
            self.put(&Enrolment {
                text,
                ..enrolment.as_ref().clone()
            });
        }
    }

    fn put(&mut self, enrolment: &Enrolment) {
        self.enrolments.retain(|e| e.id != enrolment.id);
        self.enrolments.push(enrolment.clone());
    }

    /// A new one, which must be allowed.
    fn open(&mut self, form: &Form) -> Enrolment {
        match self.begin(form).unwrap() {
            Begun::New { enrolment, .. } => self.stored(&enrolment),
            Begun::Again(_) => panic!("a new one was expected"),
        }
    }

    fn right(&self, enrolment: &Enrolment) -> String {
        match &enrolment.new {
            New::Sms(_) => code::derive(&self.keys, &enrolment.code()).expose().to_owned(),
            New::Totp(secret) => {
                let secret = totp::Secret::parse(secret).unwrap();
                totp::code(&secret, &totp::Params::default(), totp::Step::of(self.now)).to_string()
            }
        }
    }

    fn wrong(&self, enrolment: &Enrolment) -> String {
        let right = self.right(enrolment);
        let number: u64 = right.parse().unwrap();
        let other = (number + 1) % 10u64.pow(u32::try_from(right.len()).unwrap());
        format!("{other:0width$}", width = right.len())
    }

    fn confirm(&mut self, enrolment: &Enrolment, typed: &str, taken: bool) -> Result<Confirmed, Refused> {
        let by = enrolment.session.map_or(By::Administrator, |_| ME);
        let asked = Confirm {
            typed,
            by,
            taken,
            keys: &self.keys,
        };
        let confirmed = confirm(enrolment, &asked, &self.view(), self.now);
        match &confirmed {
            Ok(Confirmed::Wrong(after) | Confirmed::Taken(after)) => self.put(after),
            Ok(Confirmed::Done { enrolment, .. }) => self.put(enrolment),
            _ => {}
        }
        confirmed
    }

    fn stored(&self, enrolment: &Enrolment) -> Enrolment {
        self.enrolments
            .iter()
            .find(|e| e.id == enrolment.id)
            .unwrap()
            .clone()
    }

    fn later(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }
}

fn field(result: &Result<Begun, Refused>) -> Option<Field> {
    match result {
        Err(Refused::Field { field, message }) => {
            assert!(!message.is_empty() && !message.contains("2345678"), "{message}");
            Some(*field)
        }
        _ => None,
    }
}

#[test]
fn what_is_off_is_refused_whatever_the_form_says() {
    type Change = fn(&mut World);
    let cases: [(Change, Form, Refused); 9] = [
        (|w| w.resource.self_service.address = None, sms(), Refused::Off),
        (
            |w| {
                w.resource.self_service.actions.remove(&Action::Enroll);
            },
            sms(),
            Refused::Off,
        ),
        (
            |w| {
                w.resource.self_service.actions.remove(&Action::Reissue);
                w.held.push(w.token(OLD, "+491701111111"));
            },
            Form {
                replaces: replacing(false),
                permitted: true,
                ..sms()
            },
            Refused::Off,
        ),
        (
            |w| {
                w.resource.self_service.actions.remove(&Action::ChangePhone);
                w.held.push(w.token(OLD, "+491701111111"));
            },
            Form {
                replaces: replacing(true),
                permitted: true,
                ..sms()
            },
            Refused::Off,
        ),
        (
            |w| {
                w.resource.self_service.kinds.remove(&Kind::Sms);
            },
            sms(),
            Refused::KindOff,
        ),
        (
            |w| {
                w.resource.self_service.kinds.remove(&Kind::Totp);
            },
            app(),
            Refused::KindOff,
        ),
        (|w| w.resource.enabled = false, sms(), Refused::NotYours),
        (
            |w| w.user.locked = Some("left".to_owned()),
            sms(),
            Refused::NotYours,
        ),
        (|w| w.user.resources.clear(), sms(), Refused::NotYours),
    ];
    for (change, form, refused) in cases {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(world.begin(&form), Err(refused));
    }
}

#[test]
fn fields_are_checked_and_the_message_names_the_field() {
    let bad = |form: Form| field(&World::new().begin(&form));
    for phone in [
        None,
        Some(""),
        Some("  "),
        Some("hello"),
        Some("12"),
        Some("٠١٧١٢٣٤٥٦٧٨"),
        Some("+49 30 901820"),
        Some("+49 900 1234567"),
        Some("+44 7400 123456"),
    ] {
        assert_eq!(bad(Form { phone, ..sms() }), Some(Field::Phone), "{phone:?}");
    }
    for digits in [None, Some(0), Some(5), Some(7), Some(9)] {
        assert_eq!(bad(Form { digits, ..sms() }), Some(Field::Digits), "{digits:?}");
    }
    const LONG: &str = "012345678901234567890123456789012345678901234567890";
    for name in [LONG, "<b>", "a%b", "a?b", "a/b", "a\u{1}b"] {
        assert_eq!(bad(Form { name, ..sms() }), Some(Field::Name), "{name}");
    }
    for kind in ["", "recovery", "push", "SMS"] {
        assert_eq!(bad(Form { kind, ..sms() }), Some(Field::Kind), "{kind}");
    }
}

#[test]
fn numbers_names_and_lengths_are_made_plain() {
    for typed in [
        "0171 2345678",
        "+49 171 234-5678",
        "0049 171 2345678",
        " (0171) 234.5678 ",
    ] {
        let mut world = World::new();
        let enrolment = world.open(&Form {
            phone: Some(typed),
            name: "  Mein Handy ",
            ..sms()
        });
        assert_eq!(
            enrolment.phone().unwrap().unwrap().expose(),
            "+491712345678",
            "{typed}"
        );
        assert_eq!(enrolment.name, "Mein Handy");
    }
    // A length that the administrator fixed is not for the form to say.
    for digits in [None, Some(6), Some(99)] {
        let mut world = World::new();
        world.resource.self_service.otp_length = OtpLength::Fixed(8.try_into().unwrap());
        assert_eq!(world.open(&Form { digits, ..sms() }).digits.get(), 8);
    }
    assert_eq!(World::new().open(&app()).digits.get(), 6);
    // Without a name the token still has one, and the number in it is masked.
    let mut world = World::new();
    let enrolment = world.open(&Form { name: " ", ..sms() });
    let phone = enrolment.phone().unwrap().unwrap();
    let token = sms_token(&enrolment, phone, None, world.now);
    assert_eq!(token.name, "SMS +49 *** *** 78");
    let enrolment = world.open(&Form { name: "", ..app() });
    assert_eq!(
        totp_token(&enrolment, None, None, world.now).unwrap().name,
        "Authenticator app"
    );
}

#[test]
fn the_same_form_is_one_enrolment_and_a_new_one_takes_the_place_of_the_old() {
    let mut world = World::new();
    let form = Form { form: "f1", ..sms() };
    let first = world.open(&form);
    assert_eq!(world.begin(&form), Ok(Begun::Again(Box::new(first.clone()))));
    // In another session it is another form.
    let elsewhere = Form {
        by: By::Session {
            id: PortalSessionId([8; 16]),
            invited: false,
        },
        ..form.clone()
    };
    let second = world.open(&elsewhere);
    assert_ne!(first.id, second.id);
    assert_eq!(world.stored(&first).stand(world.now), Stand::Cancelled);
    assert_eq!(second.stand(world.now), Stand::Open);
    let typed = world.right(&first);
    let first = world.stored(&first);
    assert_eq!(world.confirm(&first, &typed, false), Ok(Confirmed::Closed));
    // Sent once more, the first form finds what became of it.
    assert_eq!(world.begin(&form), Ok(Begun::Again(Box::new(first))));
}

#[test]
fn a_second_token_needs_a_fresh_code_and_one_of_the_same_kind_never_comes() {
    let mut world = World::with_token();
    assert_eq!(world.begin(&sms()), Err(Refused::HasToken));
    assert_eq!(world.begin(&app()), Err(Refused::StepUp(Act::Enroll)));
    world.open(&Form {
        permitted: true,
        ..app()
    });
    let reissue = Form {
        replaces: replacing(false),
        ..sms()
    };
    assert_eq!(world.begin(&reissue), Err(Refused::StepUp(Act::Reissue(OLD))));
    let change = Form {
        replaces: replacing(true),
        ..sms()
    };
    let Err(Refused::StepUp(Act::ChangePhone(token, number))) = world.begin(&change) else {
        panic!("a new number needs a code for that very number")
    };
    assert_eq!((token, number.as_str()), (OLD, "+491712345678"));
    // A token that cannot be used guards all the same: its password alone adds nothing.
    world.held[0].status = Status::Disabled;
    assert_eq!(world.begin(&app()), Err(Refused::StepUp(Act::Enroll)));
    world.held[0].status = Status::Blocked;
    let permitted = Form {
        permitted: true,
        ..reissue
    };
    assert_eq!(world.begin(&permitted), Err(Refused::Blocked));
    // One elsewhere is neither in the way nor to be replaced from here.
    world.held[0].status = Status::Active;
    world.held[0].resources = vec![ResourceId([3; 16])];
    assert_eq!(world.begin(&permitted), Err(Refused::NoToken));
    world.open(&sms());
}

#[test]
fn a_replaced_token_hands_on_what_it_guards_and_a_new_number_keeps_the_rest() {
    let mut world = World::with_token();
    let old = world.held[0].clone();
    let reissue = world.open(&Form {
        replaces: replacing(false),
        permitted: true,
        ..sms()
    });
    let phone = reissue.phone().unwrap().unwrap();
    let token = sms_token(&reissue, phone, Some(&old), world.now);
    assert_ne!(token.id, OLD);
    assert_eq!(token.resources, old.resources);
    assert!(token.verified && token.name == "My phone" && token.digits.get() == 6);
    let change = world.open(&Form {
        replaces: replacing(true),
        permitted: true,
        name: "ignored",
        digits: None,
        ..sms()
    });
    let phone = change.phone().unwrap().unwrap();
    let token = sms_token(&change, phone.clone(), Some(&old), world.now);
    assert_eq!((token.id, token.phone), (OLD, phone));
    assert_eq!((token.name.as_str(), token.digits.get()), ("Old phone", 8));
    let same = Form {
        replaces: replacing(true),
        permitted: true,
        phone: Some("+49 170 1111111"),
        ..sms()
    };
    assert_eq!(field(&world.begin(&same)), Some(Field::Phone));
}

#[test]
fn a_first_token_may_need_an_invitation_or_come_too_late() {
    let mut world = World::new();
    let invited = Form { by: INVITED, ..sms() };
    world.resource.self_service.first_enrolment = FirstEnrolment::Invite;
    assert_eq!(world.begin(&sms()), Err(Refused::NoInvitation));
    assert_eq!(offer(&world.view(), false, world.now).why_not, "invite");
    world.open(&invited);
    world.resource.self_service.first_enrolment = FirstEnrolment::Password;
    world.resource.self_service.enrol_days = Some(3);
    world.later(3 * 86_400 - 1);
    world.open(&sms());
    world.later(1);
    assert_eq!(world.begin(&sms()), Err(Refused::Deadline));
    assert_eq!(offer(&world.view(), false, world.now).why_not, "deadline");
    // The administrator's invitation is newer than the rule; so is a new binding.
    world.open(&invited);
    world.user.profile.bound = vec![(world.resource.id, world.now)];
    world.open(&sms());
    // Neither is for those who have a token.
    world.held.push(world.token(OLD, "+491701111111"));
    world.user.profile.bound.clear();
    world.open(&Form {
        permitted: true,
        ..app()
    });
}

#[test]
fn what_is_offered_is_what_can_be_begun() {
    let all: Vec<Kind> = vec![Kind::Sms, Kind::Totp];
    for bits in 0..64_u32 {
        let has = |n: u32| bits & (1 << n) != 0;
        let mut world = World::new();
        let portal = &mut world.resource.self_service;
        portal.kinds = all
            .iter()
            .copied()
            .filter(|k| has(if *k == Kind::Sms { 0 } else { 1 }))
            .collect();
        if has(2) {
            portal.actions = BTreeSet::new();
        }
        if has(3) {
            portal.first_enrolment = FirstEnrolment::Invite;
        }
        if has(4) {
            portal.enrol_days = Some(1);
            world.later(100_000);
        }
        if has(5) {
            world.held.push(world.token(OLD, "+491701111111"));
        }
        let offered = offer(&world.view(), false, world.now);
        assert_eq!(offered.kinds.is_empty(), !offered.why_not.is_empty());
        for kind in &all {
            let form = if *kind == Kind::Sms { sms() } else { app() };
            let begun = world.begin(&Form {
                permitted: true,
                ..form
            });
            assert_eq!(
                begun.is_ok(),
                offered.kinds.contains(kind),
                "{bits:06b} {kind:?} {begun:?}"
            );
        }
    }
}

#[test]
fn replacing_is_permitted_for_one_token_session_and_time() {
    let mut world = World::with_token();
    assert_eq!(may_replace(&world.view(), OLD), Ok(Act::Reissue(OLD)));
    assert_eq!(
        may_replace(&world.view(), TokenId([4; 16])),
        Err(Refused::NoToken)
    );
    world.resource.self_service.actions.remove(&Action::Reissue);
    assert_eq!(may_replace(&world.view(), OLD), Err(Refused::Off));
    let permit = Permit {
        session: SESSION,
        user: world.user.id,
        resource: world.resource.id,
        replaces: Some(OLD),
        until: world.now.plus(Duration::from_secs(1)),
    };
    let (user, resource) = (world.user.id, world.resource.id);
    assert!(permit.allows(user, resource, Some(OLD), world.now));
    assert!(!permit.allows(user, resource, None, world.now));
    assert!(!permit.allows(UserId([4; 16]), resource, Some(OLD), world.now));
    assert!(!permit.allows(user, ResourceId([4; 16]), Some(OLD), world.now));
    assert!(!permit.allows(user, resource, Some(OLD), permit.until));
}

#[test]
fn another_number_is_another_code_once_for_two_clicks() {
    let mut world = World::new();
    let first = world.open(&sms());
    let Begun::New {
        enrolment: second, ..
    } = world.change(&first, "0171 7654321", ME).unwrap()
    else {
        panic!()
    };
    let second = Box::new(world.stored(&second));
    assert_ne!(world.right(&first), world.right(&second));
    assert_eq!((second.name.as_str(), second.digits), ("My phone", first.digits));
    let before = world.stored(&first);
    assert_eq!(before.stand(world.now), Stand::Cancelled);
    assert_eq!(
        world.change(&before, "+49 171 7654321", ME),
        Ok(Begun::Again(second.clone()))
    );
    assert_eq!(field(&world.change(&second, "17", ME)), Some(Field::Phone));
    // The code for one number never permits another where a token exists.
    let mut world = World::with_token();
    let change = world.open(&Form {
        replaces: replacing(true),
        permitted: true,
        ..sms()
    });
    assert!(matches!(
        world.change(&change, "0171 7654321", ME),
        Err(Refused::StepUp(Act::ChangePhone(..)))
    ));
    // What was permitted without a number goes on, as long as it lasts.
    let reissue = world.open(&Form {
        replaces: replacing(false),
        permitted: true,
        ..sms()
    });
    assert!(world.change(&reissue, "0171 7654321", ME).is_ok());
    let cancelled = world.stored(&reissue);
    assert!(matches!(
        world.change(&cancelled, "0171 1112223", ME),
        Err(Refused::StepUp(_))
    ));
}

#[test]
fn a_number_on_another_token_shows_only_after_the_right_code() {
    let mut world = World::new();
    let enrolment = world.open(&sms());
    let wrong = world.wrong(&enrolment);
    let (free, taken) = (
        world.confirm(&enrolment, &wrong, false).unwrap(),
        world.confirm(&enrolment, &wrong, true).unwrap(),
    );
    assert_eq!(free, taken);
    let right = world.right(&enrolment);
    assert!(matches!(
        world.confirm(&enrolment, &right, true),
        Ok(Confirmed::Taken(_))
    ));
    let after = world.stored(&enrolment);
    assert_eq!(after.stand(world.now), Stand::NumberTaken);
    assert_eq!(
        world.confirm(&after, &right, false),
        Ok(Confirmed::Closed),
        "one code, one use"
    );
}

#[test]
fn settings_and_tokens_are_looked_at_again_with_the_code() {
    type Change = fn(&mut World);
    let cases: [(Change, Refused); 4] = [
        (
            |w| {
                w.resource.self_service.kinds.remove(&Kind::Sms);
            },
            Refused::KindOff,
        ),
        (|w| w.resource.enabled = false, Refused::NotYours),
        (|w| w.user.locked = Some("left".to_owned()), Refused::NotYours),
        (|w| w.held.push(w.token(OLD, "+491701111111")), Refused::HasToken),
    ];
    for (change, refused) in cases {
        let mut world = World::new();
        let enrolment = world.open(&sms());
        change(&mut world);
        let right = world.right(&enrolment);
        assert_eq!(world.confirm(&enrolment, &right, false), Err(refused));
        assert_eq!(world.stored(&enrolment).stand(world.now), Stand::Open);
    }
    let mut world = World::with_token();
    let enrolment = world.open(&Form {
        replaces: replacing(false),
        permitted: true,
        ..sms()
    });
    world.held.clear();
    let right = world.right(&enrolment);
    assert_eq!(world.confirm(&enrolment, &right, false), Err(Refused::NoToken));
}

#[test]
fn the_step_of_an_apps_first_code_is_kept() {
    let mut world = World::new();
    let enrolment = world.open(&app());
    let right = world.right(&enrolment);
    let Ok(Confirmed::Done { enrolment, step }) = world.confirm(&enrolment, &right, false) else {
        panic!()
    };
    assert_eq!(step, Some(totp::Step::of(world.now)));
    let token = totp_token(&enrolment, step, None, world.now).unwrap();
    assert_eq!(
        token.accept(&right, world.now),
        None,
        "the code that enrolled it opens nothing more"
    );
    assert_eq!(enrolment.resend(world.now), Resend::Over);
}

#[test]
fn a_right_code_sent_twice_says_so_for_a_minute() {
    let mut world = World::new();
    let enrolment = world.open(&sms());
    let right = world.right(&enrolment);
    world.confirm(&enrolment, &right, false).unwrap();
    let mut done = world.stored(&enrolment);
    assert_eq!(
        world.confirm(&done, &right, false),
        Ok(Confirmed::Repeated { codes: false })
    );
    done.offered = 1;
    assert_eq!(
        world.confirm(&done, &right, false),
        Ok(Confirmed::Repeated { codes: true })
    );
    let wrong = world.wrong(&done);
    assert_eq!(world.confirm(&done, &wrong, false), Ok(Confirmed::Closed));
    done.offered = 3;
    assert_eq!(
        world.confirm(&done, &right, false),
        Ok(Confirmed::Repeated { codes: false })
    );
    world.later(60);
    assert_eq!(world.confirm(&done, &right, false), Ok(Confirmed::Closed));
}

#[test]
fn what_cannot_be_a_code_costs_no_try() {
    for (typed, why) in [
        ("", "too-few"),
        ("12345", "too-few"),
        ("1234567", "too-many-digits"),
        ("12345a", "not-digits"),
        ("１２３４５６", "not-digits"),
    ] {
        assert_eq!(Typed::of(typed, 6).why(), Some(why), "{typed}");
        let mut world = World::new();
        let enrolment = world.open(&sms());
        assert_eq!(
            world.confirm(&enrolment, typed, false),
            Ok(Confirmed::Malformed(why))
        );
        assert_eq!(world.stored(&enrolment).flow.tries, 0);
    }
    // As people read it out, and as phones paste it.
    let mut world = World::new();
    let enrolment = world.open(&sms());
    let right = world.right(&enrolment);
    let typed = format!(" {}–{}\u{a0}", &right[..3], &right[3..]);
    assert!(matches!(
        world.confirm(&enrolment, &typed, false),
        Ok(Confirmed::Done { .. })
    ));
}

#[test]
fn no_code_is_right_before_a_text_has_left() {
    let mut world = World::new();
    let unsent = Enrolment {
        text: None,
        refused: "budget".to_owned(),
        ..world.open(&sms())
    };
    world.put(&unsent);
    for typed in [world.right(&unsent), world.wrong(&unsent), "12".to_owned()] {
        assert_eq!(
            world.confirm(&unsent, &typed, false),
            Ok(Confirmed::NotSent),
            "{typed}"
        );
        assert_eq!(world.stored(&unsent), unsent, "it costs no try");
    }
    // Once one has left, the code is good.
    let sent = Enrolment {
        text: Some(MessageId([4; 16])),
        refused: String::new(),
        ..unsent
    };
    let right = world.right(&sent);
    assert!(matches!(
        world.confirm(&sent, &right, false),
        Ok(Confirmed::Done { .. })
    ));
    // An app needs no text.
    let mut world = World::new();
    let app = world.open(&app());
    let right = world.right(&app);
    assert!(matches!(
        world.confirm(&app, &right, false),
        Ok(Confirmed::Done { .. })
    ));
}

/// What happens next to an enrolment.
#[derive(Debug, Clone)]
enum Deed {
    Right,
    Wrong,
    OfAnother,
    Rubbish,
    Resend,
    Cancel,
    Wait(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Right),
        3 => Just(Deed::Wrong),
        2 => Just(Deed::OfAnother),
        1 => Just(Deed::Rubbish),
        2 => Just(Deed::Resend),
        1 => Just(Deed::Cancel),
        4 => (0_u64..400).prop_map(Deed::Wait),
    ]
}

proptest! {
    /// Whatever is done: a code works once, for its own enrolment, in its time and within its tries; resends keep the digits while
    /// they live; the end comes after ten minutes at the latest.
    #[test]
    fn a_code_works_once_in_time_for_its_own(deeds in prop::collection::vec(deed(), 1..40), tries in 1_u32..6) {
        let mut world = World::new();
        world.resource.tries = tries;
        let other = world.open(&Form { by: By::Administrator, ..sms() });
        let enrolment = world.open(&sms());
        let born = world.now;
        let (mut done, mut wrongs, mut ended) = (0, 0, false);
        for deed in deeds {
            let now = world.stored(&enrolment);
            let alive = now.flow.closed(world.now).is_none();
            let before = world.right(&now);
            match deed {
                Deed::Right => {
                    let result = world.confirm(&now, &before, false).unwrap();
                    prop_assert_eq!(matches!(result, Confirmed::Done { .. }), alive);
                    if alive {
                        done += 1;
                        ended = true;
                    }
                }
                Deed::Wrong | Deed::OfAnother => {
                    let typed = match deed {
                        Deed::OfAnother => world.right(&other),
                        _ => world.wrong(&now),
                    };
                    prop_assume!(typed != before);
                    let result = world.confirm(&now, &typed, false).unwrap();
                    let passed = matches!(result, Confirmed::Done { .. });
                    prop_assert!(!passed);
                    if alive {
                        wrongs += 1;
                        ended |= wrongs >= tries;
                    }
                }
                Deed::Rubbish => {
                    let result = world.confirm(&now, "12ab", false).unwrap();
                    prop_assert!(matches!(result, Confirmed::Malformed(_) | Confirmed::Closed));
                    prop_assert_eq!(world.stored(&enrolment).flow.tries, now.flow.tries);
                }
                Deed::Resend => {
                    if let Resend::Send(flow) = now.resend(world.now) {
                        prop_assert!(!ended && world.now < now.flow.deadline && world.now >= now.flow.next_send);
                        prop_assert_eq!(flow.tries, now.flow.tries);
                        let after = Enrolment { flow, ..now.clone() };
                        let kept = now.flow.expires.since(world.now) >= Duration::from_secs(120);
                        prop_assert_eq!(world.right(&after) == before, kept);
                        prop_assert!(after.flow.expires > world.now);
                        world.put(&after);
                    }
                }
                Deed::Cancel => {
                    if let Some(cancelled) = now.cancel() {
                        world.put(&cancelled);
                        ended = true;
                    }
                }
                Deed::Wait(seconds) => world.later(seconds),
            }
            let after = world.stored(&enrolment);
            prop_assert!(done <= 1 && wrongs <= tries);
            prop_assert!(after.flow.deadline <= born.plus(Duration::from_secs(600)));
            if ended || world.now.since(born) >= Duration::from_secs(600) {
                prop_assert_ne!(after.stand(world.now), Stand::Open);
            }
        }
    }
}
