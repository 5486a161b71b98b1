//! Every request, for every role and scope, on what lies inside, outside, and on both sides of a limited scope.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use otpost_core::Timestamp;
use otpost_core::challenge::Label;
use otpost_core::client::{self, RadiusClient, Sealed, Settings};
use otpost_core::code::Digits;
use otpost_core::ids::{ClientId, EnrolmentId, ResourceId, TokenId, UserId};
use otpost_core::keys::{Keyring, MasterKey};
use otpost_core::net::Source;
use otpost_core::phone::Phone;
use otpost_core::portal::enrolment::New;
use otpost_core::portal::flow::CodeFlow;
use otpost_core::resource::Resource;
use otpost_core::source::Chain;
use otpost_core::text::Lang;
use otpost_core::token::{Status, Token};
use otpost_core::user::{Profile, User};
use otpost_ipc::Secret;
use otpost_ipc::admin::{
    AdminSet, MailSet, PortalSet, ResourceSettings, SelfServiceSettings, SmsPolicySet, UserAdd, UserSet,
};
use otpost_ipc::radius::MessageAuthenticator;
use otpost_store::Store;
use otpost_store::sqlite::{OpenOptions, SqliteStore};
use zeroize::Zeroizing;

use super::*;
use crate::sys::{Draw, SystemEntropy};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// What a request names, by the side it lies on.
#[derive(Clone, Copy)]
struct Names {
    user: &'static str,
    resource: &'static str,
    token: &'static str,
    client: &'static str,
    service: &'static str,
    enrolment: &'static str,
}

const INSIDE: Names = Names {
    user: "ines",
    resource: "inner",
    token: "01010101010101010101010101010101",
    client: "inner-vpn",
    service: "inner-vpn",
    enrolment: "01010101010101010101010101010101",
};
const OUTSIDE: Names = Names {
    user: "otto",
    resource: "outer",
    token: "02020202020202020202020202020202",
    client: "outer-vpn",
    service: "outer-vpn",
    enrolment: "02020202020202020202020202020202",
};
/// A person bound on both sides; the act is for the resource inside.
const BOTH: Names = Names {
    user: "beate",
    resource: "inner",
    token: "03030303030303030303030303030303",
    client: "inner-vpn",
    service: "inner-ssh",
    enrolment: "03030303030303030303030303030303",
};
const NOWHERE: Names = Names {
    user: "nobody",
    resource: "nothing",
    token: "09090909090909090909090909090909",
    client: "no-vpn",
    service: "no-service",
    enrolment: "09090909090909090909090909090909",
};

fn store() -> (Arc<dyn Store>, ResourceId) {
    let mut rng = Draw(Arc::new(SystemEntropy));
    let keys = Keyring::derive(&MasterKey::random(&mut rng));
    let store: Arc<dyn Store> = Arc::new(
        SqliteStore::open(OpenOptions {
            path: None,
            keys,
            rng: Box::new(rng),
            readers: 1,
            queue: 16,
        })
        .unwrap(),
    );
    let (inner, outer) = (ResourceId([1; 16]), ResourceId([2; 16]));
    otpost_store::write(store.as_ref(), move |tx| {
        for (id, name, service) in [(inner, "inner", "inner-ssh"), (outer, "outer", "outer-ssh")] {
            let mut resource = Resource::new(id, name, NOW);
            resource.pam_services = vec![service.to_owned()];
            tx.put_resource(&resource)?;
        }
        let people = [
            (1, "ines", vec![inner]),
            (2, "otto", vec![outer]),
            (3, "beate", vec![inner, outer]),
        ];
        for (n, login, resources) in people {
            tx.put_user(&User {
                id: UserId([n; 16]),
                login: login.to_owned(),
                name: LoginName::parse(login).unwrap(),
                aliases: Vec::new(),
                email: None,
                password: None,
                locked: None,
                bypass_until: None,
                resources: resources.clone(),
                profile: Profile::default(),
                created: NOW,
            })?;
            tx.put_token(&Token {
                id: TokenId([n; 16]),
                user: UserId([n; 16]),
                name: "SMS".to_owned(),
                phone: Phone::parse(&format!("+4917123456{n:02}"), None).unwrap(),
                digits: Digits::SIX,
                status: Status::Active,
                verified: true,
                resources: resources.clone(),
                created: NOW,
            })?;
            document::put(
                tx,
                &Enrolment {
                    id: EnrolmentId([n; 16]),
                    session: None,
                    form: String::new(),
                    user: UserId([n; 16]),
                    resource: resources[0],
                    new: New::Sms(Zeroizing::new(format!("+4917123457{n:02}"))),
                    token: TokenId([n + 10; 16]),
                    name: String::new(),
                    digits: Digits::SIX,
                    replaces: None,
                    number_only: false,
                    flow: CodeFlow::start(Duration::from_secs(300), 5, NOW),
                    label: Label::random(&mut Draw(Arc::new(SystemEntropy))),
                    lang: Lang::En,
                    text: None,
                    refused: String::new(),
                    confirmed: None,
                    taken: false,
                    offered: 0,
                    source: Source::new("", "test"),
                },
            )?;
        }
        for (n, name, resource) in [(1, "inner-vpn", inner), (2, "outer-vpn", outer)] {
            tx.put_client(&RadiusClient {
                id: ClientId([n; 16]),
                name: name.to_owned(),
                networks: vec![format!("192.0.2.{n}").parse().unwrap()],
                secret: Sealed(Zeroizing::new("0123456789abcdef".to_owned())),
                resource,
                message_authenticator: client::MessageAuthenticator::Require,
                signed: None,
                unsigned: None,
                settings: Settings::default(),
                first_factor: Chain::local(),
                created: NOW,
            })?;
        }
        Ok(())
    })
    .unwrap();
    (store, inner)
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn secret() -> Secret {
    "secret".into()
}

/// Requests on a person, their token or enrolment.
fn on_people(n: Names) -> Vec<AdminOp> {
    let user = || text(n.user);
    let resource = || text(n.resource);
    vec![
        AdminOp::UserSet(UserSet {
            user: user(),
            password: Some(secret()),
            ..UserSet::default()
        }),
        AdminOp::UserShow { user: user() },
        AdminOp::UserSessions { user: user() },
        AdminOp::UserRemove { user: user() },
        AdminOp::UserRecovery { user: user() },
        AdminOp::UserLock {
            user: user(),
            why: text("left"),
        },
        AdminOp::UserUnlock { user: user() },
        AdminOp::UserBypass {
            user: user(),
            seconds: 60,
        },
        AdminOp::UserBind {
            user: user(),
            resource: resource(),
        },
        AdminOp::UserUnbind {
            user: user(),
            resource: resource(),
        },
        AdminOp::UserSignOut { user: user() },
        AdminOp::RememberedList { user: user() },
        AdminOp::RememberedRevoke {
            user: user(),
            id: None,
        },
        AdminOp::UserOneDayCode { user: user() },
        AdminOp::UserInvite {
            user: user(),
            resource: resource(),
        },
        AdminOp::EnrolStart {
            user: user(),
            resource: resource(),
            phone: secret(),
            name: String::new(),
            digits: None,
        },
        AdminOp::EnrolFinish {
            enrolment: text(n.enrolment),
            code: secret(),
        },
        AdminOp::EnrolStatus {
            enrolment: text(n.enrolment),
        },
        AdminOp::EnrolCancel {
            enrolment: text(n.enrolment),
        },
        AdminOp::TokenAdd {
            user: user(),
            phone: secret(),
            name: String::new(),
            digits: None,
            resources: Vec::new(),
        },
        AdminOp::TokenList { user: user() },
        AdminOp::TokenSet {
            token: text(n.token),
            status: None,
            name: None,
        },
        AdminOp::TokenRemove { token: text(n.token) },
        AdminOp::LoginExplain {
            user: user(),
            service: text(n.service),
            channel: None,
            source: String::new(),
        },
    ]
}

/// Requests on resources and what hangs on them.
fn on_resources(n: Names) -> Vec<AdminOp> {
    let resource = || text(n.resource);
    vec![
        AdminOp::UserAdd(UserAdd {
            login: text("new"),
            resources: vec![resource()],
            ..UserAdd::default()
        }),
        AdminOp::ResourceSet {
            name: resource(),
            set: ResourceSettings {
                self_service: Some(SelfServiceSettings::default()),
                ..ResourceSettings::default()
            },
        },
        AdminOp::ResourceShow { name: resource() },
        AdminOp::ResourceRemove { name: resource() },
        AdminOp::RadiusClientAdd {
            name: text("new"),
            networks: Vec::new(),
            resource: resource(),
            secret: None,
            weak_secret: false,
            message_authenticator: MessageAuthenticator::Require,
            first_factor: None,
            set: otpost_ipc::admin::ClientSet::default(),
        },
        AdminOp::RadiusClientSet {
            name: text(n.client),
            networks: None,
            resource: None,
            secret: None,
            weak_secret: false,
            message_authenticator: None,
            first_factor: None,
            set: otpost_ipc::admin::ClientSet::default(),
        },
        AdminOp::RadiusClientRemove { name: text(n.client) },
        AdminOp::Overview {
            hours: 24,
            resource: Some(resource()),
        },
    ]
}

/// Requests that name nobody.
fn on_nobody() -> Vec<AdminOp> {
    let import = || text("00");
    vec![
        AdminOp::Status,
        AdminOp::UserList {
            search: String::new(),
            after: None,
            limit: 10,
        },
        AdminOp::UserFind {
            search: String::new(),
            resource: None,
            state: None,
            after: None,
            limit: 10,
        },
        AdminOp::ImportPut {
            import: None,
            text: secret(),
            last: true,
        },
        AdminOp::ImportPlan {
            import: import(),
            after: 0,
            only: None,
        },
        AdminOp::ImportApply {
            import: import(),
            atomic: true,
        },
        AdminOp::ImportShow { import: import() },
        AdminOp::TokenFind {
            search: String::new(),
            resource: None,
            after: None,
            limit: 10,
        },
        AdminOp::ResourceAdd {
            name: text("new"),
            set: ResourceSettings::default(),
        },
        AdminOp::ResourceList { after: None },
        AdminOp::RadiusClientList { after: None },
        AdminOp::AccountingList {
            user: None,
            ended: false,
            limit: 10,
        },
        AdminOp::SourceAdd {
            name: text("new"),
            kind: text("ldap"),
            config: secret(),
        },
        AdminOp::SourceSet {
            name: text("new"),
            config: secret(),
        },
        AdminOp::SourceList { after: None },
        AdminOp::SourceRemove { name: text("new") },
        AdminOp::SourceTest {
            name: text("new"),
            user: text("alice"),
            password: secret(),
        },
        AdminOp::SmsProviderAdd {
            name: text("new"),
            kind: text("file"),
            priority: None,
            sender: String::new(),
            config: secret(),
        },
        AdminOp::SmsProviderList,
        AdminOp::SmsProviderSet {
            name: text("new"),
            enabled: None,
            priority: None,
        },
        AdminOp::SmsProviderRemove { name: text("new") },
        AdminOp::SmsSendTest {
            phone: secret(),
            provider: None,
        },
        AdminOp::SmsPolicyShow,
        AdminOp::SmsPolicySet(SmsPolicySet::default()),
        AdminOp::SmsMessages {
            limit: 10,
            after: None,
        },
        AdminOp::AuditTail {
            after: None,
            limit: 10,
        },
        AdminOp::AuditFind {
            filter: otpost_ipc::admin::AuditFilter::default(),
            before: None,
            limit: 10,
        },
        AdminOp::AuditVerify,
        AdminOp::AdminAdd {
            login: text("new"),
            shown: String::new(),
            email: None,
            role: text("owner"),
            resources: Vec::new(),
        },
        AdminOp::AdminSet(AdminSet::default()),
        AdminOp::AdminReset { login: text("new") },
        AdminOp::AdminList,
        AdminOp::AdminRemove { login: text("new") },
        AdminOp::SetupLink,
        AdminOp::ApiKeyAdd {
            name: text("new"),
            role: text("helpdesk"),
            resources: Vec::new(),
            days: None,
        },
        AdminOp::ApiKeyList,
        AdminOp::ApiKeyRemove { name: text("new") },
        AdminOp::MailShow,
        AdminOp::MailSet(MailSet::default()),
        AdminOp::MailTest {
            to: text("a@example.com"),
        },
        AdminOp::PortalShow,
        AdminOp::PortalSet(PortalSet::default()),
    ]
}

fn name(op: &AdminOp) -> String {
    let json = serde_json::to_value(op).unwrap();
    json["op"].as_str().unwrap().to_owned()
}

/// How a request on somebody bound on both sides goes, when only one is in the scope.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Reach {
    /// It stays inside.
    Within,
    /// It would hold outside too.
    Further,
}
use Reach::{Further, Within};

/// Least role of each request on people, and how far it reaches.
const PEOPLE: [(&str, Role, Reach); 24] = [
    ("user-set", Role::Admin, Further),
    ("user-show", Role::Helpdesk, Within),
    ("user-sessions", Role::Helpdesk, Within),
    ("user-remove", Role::Admin, Further),
    ("user-recovery", Role::Admin, Further),
    ("user-lock", Role::Helpdesk, Within),
    ("user-unlock", Role::Helpdesk, Further),
    ("user-bypass", Role::Helpdesk, Further),
    ("user-bind", Role::Admin, Within),
    ("user-unbind", Role::Admin, Within),
    ("user-sign-out", Role::Helpdesk, Within),
    ("remembered-list", Role::Helpdesk, Within),
    ("remembered-revoke", Role::Helpdesk, Within),
    ("user-one-day-code", Role::Helpdesk, Further),
    ("user-invite", Role::Helpdesk, Within),
    ("enrol-start", Role::Helpdesk, Within),
    ("enrol-finish", Role::Helpdesk, Within),
    ("enrol-status", Role::Helpdesk, Within),
    ("enrol-cancel", Role::Helpdesk, Within),
    ("token-add", Role::Admin, Further),
    ("token-list", Role::Helpdesk, Within),
    ("token-set", Role::Admin, Further),
    ("token-remove", Role::Admin, Further),
    ("login-explain", Role::Helpdesk, Within),
];

/// Least role of each request on resources.
const RESOURCES: [(&str, Role); 8] = [
    ("user-add", Role::Admin),
    ("resource-set", Role::Admin),
    ("resource-show", Role::Helpdesk),
    ("resource-remove", Role::Admin),
    ("radius-client-add", Role::Admin),
    ("radius-client-set", Role::Admin),
    ("radius-client-remove", Role::Admin),
    ("overview", Role::Helpdesk),
];

/// Least role of each request that names nobody, and whether a limited scope may ask it of its own.
const NOBODY: [(&str, Role, bool); 42] = [
    ("status", Role::Helpdesk, true),
    ("user-list", Role::Helpdesk, true),
    ("user-find", Role::Helpdesk, true),
    ("import-put", Role::Admin, false),
    ("import-plan", Role::Admin, false),
    ("import-apply", Role::Admin, false),
    ("import-show", Role::Admin, false),
    ("token-find", Role::Helpdesk, true),
    ("resource-add", Role::Admin, false),
    ("resource-list", Role::Helpdesk, true),
    ("radius-client-list", Role::Admin, true),
    ("accounting-list", Role::Helpdesk, true),
    ("source-add", Role::Admin, false),
    ("source-set", Role::Admin, false),
    ("source-list", Role::Admin, false),
    ("source-remove", Role::Admin, false),
    ("source-test", Role::Admin, false),
    ("sms-provider-add", Role::Admin, false),
    ("sms-provider-list", Role::Admin, false),
    ("sms-provider-set", Role::Admin, false),
    ("sms-provider-remove", Role::Admin, false),
    ("sms-send-test", Role::Admin, false),
    ("sms-policy-show", Role::Admin, false),
    ("sms-policy-set", Role::Admin, false),
    ("sms-messages", Role::Helpdesk, true),
    ("audit-tail", Role::Helpdesk, true),
    ("audit-find", Role::Helpdesk, true),
    ("audit-verify", Role::Admin, false),
    ("admin-add", Role::Owner, false),
    ("admin-set", Role::Owner, false),
    ("admin-reset", Role::Owner, false),
    ("admin-list", Role::Owner, false),
    ("admin-remove", Role::Owner, false),
    ("setup-link", Role::Owner, false),
    ("api-key-add", Role::Owner, false),
    ("api-key-list", Role::Owner, false),
    ("api-key-remove", Role::Owner, false),
    ("mail-show", Role::Owner, false),
    ("mail-set", Role::Owner, false),
    ("mail-test", Role::Owner, false),
    ("portal-show", Role::Owner, false),
    ("portal-set", Role::Owner, false),
];

const ROLES: [Role; 3] = [Role::Helpdesk, Role::Admin, Role::Owner];

/// Asks, and compares: who lacks the role hears of it first, who has everything is never refused.
fn check(store: &dyn Store, inner: ResourceId, op: &AdminOp, least: Role, limited: Result<(), Denied>) {
    for role in ROLES {
        for scope in [Scope::All, Scope::Resources(BTreeSet::from([inner]))] {
            let expected = match (role < least, &scope) {
                (true, _) => Err(Denied::Role(least)),
                (false, Scope::All) => Ok(()),
                (false, Scope::Resources(_)) => limited,
            };
            let (asked, op) = (scope.clone(), op.clone());
            let shown = format!("{} as {} on {scope:?}", name(&op), role.as_str());
            let answer = otpost_store::read(store, move |read| authorise(read, (role, &asked), &op)).unwrap();
            assert_eq!(answer, expected, "{shown}");
        }
    }
}

#[test]
fn the_tables_hold_every_request() {
    let asked: BTreeSet<String> = [on_people(INSIDE), on_resources(INSIDE), on_nobody()]
        .concat()
        .iter()
        .map(name)
        .collect();
    let listed: BTreeSet<String> = PEOPLE
        .iter()
        .map(|row| row.0)
        .chain(RESOURCES.iter().map(|row| row.0))
        .chain(NOBODY.iter().map(|row| row.0))
        .map(text)
        .collect();
    assert_eq!(asked, listed);
    let mut known = BTreeSet::new();
    for line in include_str!("../../../../crates/ipc/src/admin/snapshot.jsonl").lines() {
        let op: AdminOp = serde_json::from_str(line).unwrap();
        known.insert(name(&op));
    }
    assert_eq!(asked, known);
}

#[test]
fn people() {
    let (store, inner) = store();
    let rows: BTreeMap<&str, (Role, Reach)> = PEOPLE.iter().map(|(n, r, b)| (*n, (*r, *b))).collect();
    for (names, inside) in [(INSIDE, true), (OUTSIDE, false), (NOWHERE, false)] {
        for op in on_people(names) {
            let (least, _) = rows[name(&op).as_str()];
            let limited = if inside { Ok(()) } else { Err(Denied::Scope) };
            check(store.as_ref(), inner, &op, least, limited);
        }
    }
    for op in on_people(BOTH) {
        let (least, reach) = rows[name(&op).as_str()];
        let limited = match reach {
            Within => Ok(()),
            Further => Err(Denied::Further),
        };
        check(store.as_ref(), inner, &op, least, limited);
    }
}

#[test]
fn resources_and_what_hangs_on_them() {
    let (store, inner) = store();
    let rows: BTreeMap<&str, Role> = RESOURCES.into_iter().collect();
    for (names, inside) in [(INSIDE, true), (OUTSIDE, false), (NOWHERE, false)] {
        for op in on_resources(names) {
            let limited = if inside { Ok(()) } else { Err(Denied::Scope) };
            check(store.as_ref(), inner, &op, rows[name(&op).as_str()], limited);
        }
    }
}

#[test]
fn what_names_nobody() {
    let (store, inner) = store();
    for (op, (expected, least, own)) in on_nobody().into_iter().zip(NOBODY) {
        assert_eq!(name(&op), expected);
        let limited = if own { Ok(()) } else { Err(Denied::System) };
        check(store.as_ref(), inner, &op, least, limited);
    }
}

#[test]
fn names_beside_the_first_one_count_too() {
    let (store, inner) = store();
    let check = |op, least, limited| check(store.as_ref(), inner, &op, least, limited);
    let outer = || text("outer");
    // To a resource outside, a person inside cannot be bound, invited or enrolled.
    check(
        AdminOp::UserBind {
            user: text("ines"),
            resource: outer(),
        },
        Role::Admin,
        Err(Denied::Scope),
    );
    check(
        AdminOp::UserInvite {
            user: text("ines"),
            resource: outer(),
        },
        Role::Helpdesk,
        Err(Denied::Scope),
    );
    // Somebody from outside cannot be taken in.
    check(
        AdminOp::UserBind {
            user: text("otto"),
            resource: text("inner"),
        },
        Role::Admin,
        Err(Denied::Scope),
    );
    // A new user must be bound, and inside.
    for resources in [vec![], vec![text("inner"), outer()]] {
        let add = UserAdd {
            login: text("new"),
            resources,
            ..UserAdd::default()
        };
        check(AdminOp::UserAdd(add), Role::Admin, Err(Denied::Scope));
    }
    // A token for the resource inside alone may be given to somebody who is bound outside too.
    for (resources, limited) in [
        (vec![text("inner")], Ok(())),
        (vec![text("inner"), outer()], Err(Denied::Scope)),
    ] {
        let add = AdminOp::TokenAdd {
            user: text("beate"),
            phone: secret(),
            name: String::new(),
            digits: None,
            resources,
        };
        check(add, Role::Admin, limited);
    }
    // To end a bypass lets nobody in.
    let end = AdminOp::UserBypass {
        user: text("beate"),
        seconds: 0,
    };
    check(end, Role::Helpdesk, Ok(()));
    // A client cannot be moved to a resource outside.
    let moved = AdminOp::RadiusClientSet {
        name: text("inner-vpn"),
        networks: None,
        resource: Some(outer()),
        secret: None,
        weak_secret: false,
        message_authenticator: None,
        first_factor: None,
        set: otpost_ipc::admin::ClientSet::default(),
    };
    check(moved, Role::Admin, Err(Denied::Scope));
    // PAM services are of the whole host.
    let services = AdminOp::ResourceSet {
        name: text("inner"),
        set: ResourceSettings {
            pam_services: Some(vec![text("sshd")]),
            ..ResourceSettings::default()
        },
    };
    check(services, Role::Admin, Err(Denied::System));
    check(
        AdminOp::Overview {
            hours: 24,
            resource: None,
        },
        Role::Helpdesk,
        Err(Denied::System),
    );
    for (resource, limited) in [("inner", Ok(())), ("outer", Err(Denied::Scope))] {
        let find = AdminOp::UserFind {
            search: String::new(),
            resource: Some(text(resource)),
            state: None,
            after: None,
            limit: 10,
        };
        check(find, Role::Helpdesk, limited);
        let find = AdminOp::TokenFind {
            search: String::new(),
            resource: Some(text(resource)),
            after: None,
            limit: 10,
        };
        check(find, Role::Helpdesk, limited);
    }
}
