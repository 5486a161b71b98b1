//! Pins the JSON of what administrators ask: change one, raise [`PROTO`](crate::PROTO), and bless the file beside this one by
//! running the test with `OTPOST_BLESS=1`.

use super::*;

fn text(s: &str) -> String {
    s.to_owned()
}

fn users() -> Vec<AdminOp> {
    let user = || text("alice");
    vec![
        AdminOp::Status,
        AdminOp::UserAdd(UserAdd {
            login: user(),
            aliases: vec![text("al")],
            password: Some("secret".into()),
            email: Some(text("alice@example.com")),
            resources: vec![text("vpn")],
        }),
        AdminOp::UserSet(UserSet {
            user: user(),
            password: Some("secret".into()),
            email: Some(String::new()),
            aliases: Some(vec![]),
        }),
        AdminOp::UserShow { user: user() },
        AdminOp::UserList {
            search: text("a"),
            after: Some(user()),
            limit: 50,
        },
        AdminOp::UserRemove { user: user() },
        AdminOp::UserLock {
            user: user(),
            why: text("left"),
        },
        AdminOp::UserUnlock { user: user() },
        AdminOp::UserBypass {
            user: user(),
            seconds: 3600,
        },
        AdminOp::UserBind {
            user: user(),
            resource: text("vpn"),
        },
        AdminOp::UserUnbind {
            user: user(),
            resource: text("vpn"),
        },
        AdminOp::TokenAdd {
            user: user(),
            phone: "+491712345678".into(),
            name: text("work"),
            digits: Some(8),
            resources: vec![text("vpn")],
        },
        AdminOp::TokenList { user: user() },
        AdminOp::TokenSet {
            token: text("00"),
            status: Some(text("disabled")),
            name: None,
        },
        AdminOp::TokenRemove { token: text("00") },
    ]
}

fn things() -> Vec<AdminOp> {
    let name = || text("vpn");
    let set = ResourceSettings {
        name: Some(text("vpn2")),
        enabled: Some(true),
        failed_attempts: Some(5),
        tries: Some(5),
        digits: Some(6),
        validity: Some(300),
        unenrolled: Some(text("deny")),
        disabled: Some(text("deny")),
        pam_services: Some(vec![text("sshd")]),
        shared_phones: Some(false),
        region: Some(text("DE")),
    };
    vec![
        AdminOp::ResourceAdd {
            name: name(),
            set: set.clone(),
        },
        AdminOp::ResourceSet { name: name(), set },
        AdminOp::ResourceShow { name: name() },
        AdminOp::ResourceList {
            after: Some(text("vpn")),
        },
        AdminOp::ResourceRemove { name: name() },
        AdminOp::RadiusClientAdd {
            name: text("gw"),
            networks: vec![text("192.0.2.1/32")],
            resource: name(),
            secret: Some("shared".into()),
            weak_secret: true,
            message_authenticator: MessageAuthenticator::Optional,
            first_factor: Some(text("local")),
        },
        AdminOp::RadiusClientSet {
            name: text("gw"),
            networks: None,
            resource: None,
            secret: None,
            weak_secret: false,
            message_authenticator: Some(MessageAuthenticator::Require),
            first_factor: None,
        },
        AdminOp::RadiusClientList {
            after: Some(text("gw")),
        },
        AdminOp::RadiusClientRemove { name: text("gw") },
        AdminOp::SmsProviderAdd {
            name: text("main"),
            kind: text("http"),
            priority: Some(10),
            sender: text("otpost"),
            config: "{}".into(),
        },
        AdminOp::SmsProviderList,
        AdminOp::SmsProviderSet {
            name: text("main"),
            enabled: Some(false),
            priority: None,
        },
        AdminOp::SmsProviderRemove { name: text("main") },
        AdminOp::SmsSendTest {
            phone: "+491712345678".into(),
            provider: Some(text("main")),
        },
        AdminOp::SmsPolicyShow,
        AdminOp::SmsPolicySet(SmsPolicySet {
            countries: Some(vec![text("DE")]),
            paused: Some(false),
            user_hour: Some(5),
            ..SmsPolicySet::default()
        }),
        AdminOp::SmsMessages {
            limit: 20,
            after: Some(text("00112233445566778899aabbccddeeff")),
        },
        AdminOp::LoginExplain {
            user: text("alice"),
            service: text("sshd"),
            channel: Some(text("pam")),
            source: text("192.0.2.9"),
        },
        AdminOp::AuditTail {
            after: Some(7),
            limit: 20,
        },
        AdminOp::AuditVerify,
    ]
}

#[test]
fn what_administrators_ask_is_pinned() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin/snapshot.jsonl");
    let ops: Vec<AdminOp> = users().into_iter().chain(things()).collect();
    let lines: Vec<String> = ops.iter().map(|op| serde_json::to_string(op).unwrap()).collect();
    if std::env::var_os("OTPOST_BLESS").is_some() {
        std::fs::write(file, lines.join("\n") + "\n").unwrap();
    }
    let pinned = std::fs::read_to_string(file).unwrap();
    assert_eq!(lines, pinned.lines().collect::<Vec<_>>());
    for (op, line) in ops.iter().zip(pinned.lines()) {
        assert_eq!(&serde_json::from_str::<AdminOp>(line).unwrap(), op);
    }
}
