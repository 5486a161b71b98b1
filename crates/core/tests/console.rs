//! Roles and scopes, addresses of pages, mails that wait, and the life of console sessions.
#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::BTreeSet;
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::ids::{AdminId, MailId, PortalSessionId, Reference, ResourceId, Rng, VerificationId};
use otpost_core::mail::queue::{KEEP, LEASE, MailState, Matter, Outcome, QueuedMail};
use otpost_core::mail::{Address, By, Context, Lang};
use otpost_core::net::Source;
use otpost_core::portal::administrator::{Role, Scope};
use otpost_core::portal::permission::{Denied, Permission, Right, Target, both, may, may_give};
use otpost_core::portal::session::{CONSOLE_IDLE, CONSOLE_LONGEST, IDLE, PortalSession, Stage, Who};
use otpost_core::portal::site::{BadBase, Base, CONSOLE, Site};
use proptest::prelude::*;
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

struct Zeros;

impl Rng for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn resource(n: u8) -> ResourceId {
    ResourceId([n; 16])
}

fn some(ids: &[u8]) -> Scope {
    Scope::Resources(ids.iter().map(|n| resource(*n)).collect())
}

fn rights() -> impl Strategy<Value = Right> {
    prop::sample::select(vec![
        Right::SeeStatus,
        Right::SeeFigures,
        Right::SeeUsers,
        Right::SeeTokens,
        Right::SeeResources,
        Right::SeeTexts,
        Right::SeeAudit,
        Right::Explain,
        Right::LockUsers,
        Right::SignOutUsers,
        Right::BypassUsers,
        Right::OneDayCodes,
        Right::EnrolUsers,
        Right::ManageUsers,
        Right::ImportUsers,
        Right::ManageTokens,
        Right::ManageResources,
        Right::ManageClients,
        Right::ManageSources,
        Right::ManageProviders,
        Right::ManagePolicy,
        Right::VerifyAudit,
        Right::ManageAdministrators,
        Right::ManageKeys,
        Right::ManageSettings,
    ])
}

fn ids() -> impl Strategy<Value = Vec<ResourceId>> {
    prop::collection::vec(0u8..4, 0..4).prop_map(|ids| ids.into_iter().map(resource).collect())
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::InScope),
        Just(Target::System),
        Just(Target::Missing),
        ids().prop_map(Target::Resources),
        (ids(), any::<bool>(), ids()).prop_map(|(bound, all, named)| Target::User { bound, all, named }),
    ]
}

fn roles() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Helpdesk, Role::Admin, Role::Owner])
}

proptest! {
    /// More role or more scope never takes anything away, and nobody gives more than they have.
    #[test]
    fn more_is_never_less(
        role in roles(),
        more in roles(),
        scope in ids(),
        extra in ids(),
        right in rights(),
        target in targets(),
    ) {
        let less = Scope::Resources(scope.iter().copied().collect());
        let wider = Scope::Resources(scope.iter().chain(&extra).copied().collect());
        let permission = Permission { right, target };
        if may(role, &less, &permission).is_ok() {
            prop_assert_eq!(may(role, &wider, &permission), Ok(()));
            prop_assert_eq!(may(role.max(more), &less, &permission), Ok(()));
            prop_assert_eq!(may(role, &Scope::All, &permission), Ok(()));
        }
        prop_assert_eq!(may(Role::Owner, &Scope::All, &permission), Ok(()));
        if may_give((role, &less), (more, &wider)) && may(more, &wider, &permission).is_ok() {
            prop_assert_eq!(may(role, &less, &permission), Ok(()));
        }
    }

    /// What two may both do is no more than either may, and of one with themselves no less.
    #[test]
    fn together_is_never_more(
        roles in (roles(), roles()),
        scopes in (prop::option::of(ids()), prop::option::of(ids())),
        right in rights(),
        target in targets(),
    ) {
        let scope = |ids: Option<Vec<ResourceId>>| match ids {
            Some(ids) => Scope::Resources(ids.into_iter().collect()),
            None => Scope::All,
        };
        let (one, other) = (scope(scopes.0), scope(scopes.1));
        let (role, shared) = both((roles.0, &one), (roles.1, &other));
        let permission = Permission { right, target };
        if may(role, &shared, &permission).is_ok() {
            prop_assert_eq!(may(roles.0, &one, &permission), Ok(()));
            prop_assert_eq!(may(roles.1, &other, &permission), Ok(()));
        }
        prop_assert_eq!(both((roles.0, &one), (roles.0, &one)), (roles.0, one));
        prop_assert_eq!(both((Role::Owner, &Scope::All), (roles.1, &other)), (roles.1, other));
    }

    /// With a limited scope, nothing outside of it is reached.
    #[test]
    fn a_scope_is_not_left(role in roles(), scope in ids(), right in rights(), target in targets()) {
        let set: BTreeSet<ResourceId> = scope.iter().copied().collect();
        let permission = Permission { right, target };
        if may(role, &Scope::Resources(set.clone()), &permission).is_ok() {
            match permission.target {
                Target::InScope => {}
                Target::System | Target::Missing => prop_assert!(false, "reaches everything"),
                Target::Resources(ids) => {
                    prop_assert!(!ids.is_empty() && ids.iter().all(|id| set.contains(id)));
                }
                Target::User { bound, all, named } => {
                    prop_assert!(bound.iter().any(|id| set.contains(id)));
                    prop_assert!(named.iter().all(|id| set.contains(id)));
                    prop_assert!(!all || bound.iter().all(|id| set.contains(id)));
                }
            }
        }
    }
}

#[test]
fn each_denial_says_what_is_missing() {
    let ask = |right, target| Permission { right, target };
    let user = |bound: &[u8], all| Target::User {
        bound: bound.iter().map(|n| resource(*n)).collect(),
        all,
        named: Vec::new(),
    };
    let scope = some(&[1]);
    for (permission, expected) in [
        (
            ask(Right::ManageKeys, Target::System),
            Err(Denied::Role(Role::Owner)),
        ),
        (ask(Right::ManagePolicy, Target::System), Err(Denied::System)),
        (ask(Right::SeeUsers, Target::Missing), Err(Denied::Scope)),
        (ask(Right::SeeUsers, user(&[2], false)), Err(Denied::Scope)),
        (ask(Right::SeeUsers, user(&[], false)), Err(Denied::Scope)),
        (ask(Right::ManageUsers, user(&[1, 2], true)), Err(Denied::Further)),
        (ask(Right::ManageUsers, user(&[1, 2], false)), Ok(())),
        (ask(Right::ManageUsers, user(&[1], true)), Ok(())),
        (
            ask(Right::ManageResources, Target::Resources(vec![])),
            Err(Denied::Scope),
        ),
    ] {
        assert_eq!(may(Role::Admin, &scope, &permission), expected, "{permission:?}");
    }
    assert!(!may_give((Role::Admin, &Scope::All), (Role::Owner, &Scope::All)));
    assert!(!may_give((Role::Owner, &some(&[1])), (Role::Admin, &Scope::All)));
    assert!(!may_give(
        (Role::Owner, &some(&[1])),
        (Role::Admin, &some(&[1, 2]))
    ));
    assert!(may_give((Role::Owner, &Scope::All), (Role::Owner, &some(&[1]))));
}

#[test]
fn addresses_of_pages() {
    for (raw, read) in [
        ("https://login.example.com", "https://login.example.com"),
        (" HTTPS://Login.Example.com/ ", "https://login.example.com"),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("https://192.0.2.1:8443/", "https://192.0.2.1:8443"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8443", "http://localhost:8443"),
        ("http://127.0.0.1:8443", "http://127.0.0.1:8443"),
        ("http://[::1]", "http://[::1]"),
    ] {
        assert_eq!(Base::parse(raw).unwrap().as_str(), read);
    }
    for (raw, why) in [
        ("", BadBase::Scheme),
        ("login.example.com", BadBase::Scheme),
        ("ftp://login.example.com", BadBase::Scheme),
        ("javascript://login.example.com", BadBase::Scheme),
        ("http://login.example.com", BadBase::Scheme),
        ("http://localhost.example.com", BadBase::Scheme),
        ("http://192.0.2.1", BadBase::Scheme),
        ("https://", BadBase::Host),
        ("https://-a.example", BadBase::Host),
        ("https://a..example", BadBase::Host),
        ("https://a b.example", BadBase::Host),
        ("https://2130706433", BadBase::Host),
        ("https://2001:db8::1", BadBase::Port),
        ("https://[192.0.2.1]", BadBase::Host),
        ("https://a.example:0", BadBase::Port),
        ("https://a.example:65536", BadBase::Port),
        ("https://a.example:", BadBase::Port),
        ("https://a.example:8443/path", BadBase::Rest),
        ("https://a.example?x", BadBase::Rest),
        ("https://a.example#x", BadBase::Rest),
        ("https://user@a.example", BadBase::Rest),
        ("https://a.example\\@b.example", BadBase::Rest),
        ("https://[::1]x", BadBase::Rest),
    ] {
        assert_eq!(Base::parse(raw), Err(why), "{raw}");
    }
    let site = Site::default();
    assert_eq!(site.console_page("/setup/x"), format!("{CONSOLE}/setup/x"));
    assert_eq!(site.portal_page("/s/vpn"), None);
    let site = Site {
        portal: Some(Base::parse("https://login.example.com/").unwrap()),
        ..site
    };
    assert_eq!(
        site.portal_page("/s/vpn").unwrap(),
        "https://login.example.com/s/vpn"
    );
}

fn mail(deadline: Duration) -> QueuedMail {
    QueuedMail {
        id: MailId([1; 16]),
        owner: [2; 16],
        to: Address::parse("alice@example.com").unwrap(),
        lang: Lang::En,
        context: Context {
            service: "VPN".to_owned(),
            login: "alice".to_owned(),
            at: NOW,
            by: By::Unknown,
        },
        matter: Matter::Invitation {
            link: Zeroizing::new("https://login.example.com/x".to_owned()),
            until: NOW.plus(deadline),
        },
        state: MailState::Waiting,
        next: NOW,
        deadline: NOW.plus(deadline),
        tries: 0,
        trouble: String::new(),
        reference: Reference::random(&mut Zeros),
        created: NOW,
    }
}

#[test]
fn a_mail_is_tried_until_its_deadline_and_then_forgets_its_link() {
    let mut mail = mail(Duration::from_secs(3600));
    let mut now = NOW;
    let mut waits = Vec::new();
    loop {
        let claimed = mail.claim(now).unwrap();
        assert_eq!(claimed.state, MailState::Claimed(now.plus(LEASE)));
        assert_eq!(claimed.claim(now), None, "nobody else takes it meanwhile");
        mail = claimed
            .settle(&Outcome::Later("451 later\r\nplease".to_owned()), now)
            .unwrap();
        assert_eq!(mail.trouble, "451 later  please");
        if !mail.waits() {
            break;
        }
        assert_eq!(mail.claim(now), None);
        waits.push(mail.next.since(now).as_secs());
        now = mail.next;
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
    assert_eq!(mail.state, MailState::Failed);
    assert_eq!(
        mail.matter,
        Matter::Invitation {
            link: Zeroizing::default(),
            until: NOW.plus(Duration::from_secs(3600))
        }
    );
    assert_eq!(mail.due(), mail.deadline.plus(KEEP));
    assert_eq!(mail.claim(mail.due()), None, "what is due then is its deletion");
}

#[test]
fn a_claim_that_ends_is_made_again_and_a_deadline_is_kept() {
    let mail = mail(Duration::from_secs(600));
    let claimed = mail.claim(NOW).unwrap();
    let again = claimed.claim(NOW.plus(LEASE)).unwrap();
    assert_eq!(again.tries, 2);
    let late = claimed.claim(NOW.plus(Duration::from_secs(600))).unwrap();
    assert_eq!(late.state, MailState::Expired);
    assert_eq!(late.trouble, "there was no time to send it");
    assert_eq!(claimed.settle(&Outcome::Sent, NOW), None);
    let refused = claimed
        .settle(&Outcome::Refused("550 no such user".to_owned()), NOW)
        .unwrap();
    assert_eq!(
        (refused.state, refused.trouble.as_str()),
        (MailState::Failed, "550 no such user")
    );
    let code = Matter::Code {
        verification: VerificationId([3; 16]),
        generation: 0,
    };
    assert_eq!(format!("{code:?} {:?}", mail.matter), "code invitation");
}

#[test]
fn console_sessions_are_shorter() {
    let session = |who| PortalSession {
        id: PortalSessionId([1; 16]),
        token: [0; 32],
        who,
        resource: None,
        stage: Stage::Full,
        verification: None,
        by_mail: false,
        invited: false,
        created: NOW,
        seen: NOW,
        ends: NOW.plus(CONSOLE_LONGEST),
        agent: String::new(),
        source: Source::new("", "console"),
        lang: String::new(),
    };
    let admin = session(Who::Admin(AdminId([1; 16])));
    let last = Timestamp(NOW.plus(CONSOLE_IDLE).0 - 1);
    assert!(admin.alive(last) && !admin.alive(NOW.plus(CONSOLE_IDLE)));
    assert!(CONSOLE_IDLE < IDLE);
    let used = PortalSession {
        seen: NOW.plus(CONSOLE_LONGEST),
        ..admin
    };
    assert!(!used.alive(NOW.plus(CONSOLE_LONGEST)));
}
