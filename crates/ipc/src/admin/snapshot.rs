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
            first_name: text("Alice"),
            last_name: text("Weber"),
            resources: vec![text("vpn")],
            groups: vec![text("staff")],
        }),
        AdminOp::UserSet(UserSet {
            user: user(),
            password: Some("secret".into()),
            email: Some(String::new()),
            aliases: Some(vec![]),
            first_name: Some(text("Alice")),
            last_name: Some(String::new()),
            groups: Some(vec![]),
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

fn client_settings() -> ClientSet {
    ClientSet {
        nas: Some(text("openvpn")),
        flow: Some(text("append")),
        separator: Some(text(",")),
        limit_proxy_state: Some(true),
        hide_first_factor: Some(false),
        echo: Some(true),
        prompt_length: Some(253),
        source: Some(text("calling-station-id")),
        eap: Some(false),
        accounting: Some(true),
        reply: Some(vec![text("Class = staff")]),
    }
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
        self_service: Some(SelfServiceSettings {
            address: Some(text("office-vpn")),
            actions: Some(vec![text("enroll"), text("rename")]),
            kinds: Some(vec![text("sms"), text("totp"), text("recovery")]),
            otp_length: Some(text("choice")),
            two_steps: Some(true),
            first_enrolment: Some(text("password")),
            enrol_days: Some(14),
            title: Some(text("Office VPN")),
            accent: Some(text("#2a5597")),
            hint: Some(text("The one you use for the VPN")),
        }),
        access: Some(AccessSet {
            allowed_networks: Some(vec![text("198.51.100.0/24")]),
            hours: Some(vec![text("mon-fri 07:00-19:00")]),
            time_zone: Some(text("Europe/Berlin")),
            exempt_networks: Some(vec![text("192.0.2.0/24")]),
            exempt_users: Some(vec![text("backup")]),
            exempt_groups: Some(vec![text("staff")]),
            remember_minutes: Some(480),
            reply: Some(vec![text("group staff: Class = staff")]),
        }),
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
            message_authenticator: MessageAuthenticator::Off,
            first_factor: Some(text("local,ldap:corp")),
            set: client_settings(),
        },
        AdminOp::RadiusClientSet {
            name: text("gw"),
            networks: None,
            resource: None,
            secret: None,
            weak_secret: false,
            message_authenticator: Some(MessageAuthenticator::Auto),
            first_factor: None,
            set: ClientSet::default(),
        },
        AdminOp::RadiusClientList {
            after: Some(text("gw")),
        },
        AdminOp::RadiusClientRemove { name: text("gw") },
        AdminOp::SourceAdd {
            name: text("corp"),
            kind: text("ldap"),
            config: "{}".into(),
        },
        AdminOp::SourceSet {
            name: text("corp"),
            config: "{}".into(),
        },
        AdminOp::SourceList {
            after: Some(text("corp")),
        },
        AdminOp::SourceRemove { name: text("corp") },
        AdminOp::SourceTest {
            name: text("corp"),
            user: text("alice"),
            password: "secret".into(),
        },
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

fn portal() -> Vec<AdminOp> {
    let user = || text("alice");
    let id = || text("00112233445566778899aabbccddeeff");
    vec![
        AdminOp::UserFind {
            search: text("al"),
            resource: Some(text("vpn")),
            state: Some(text("locked")),
            after: Some(user()),
            limit: 50,
        },
        AdminOp::UserSessions { user: user() },
        AdminOp::UserSignOut { user: user() },
        AdminOp::RememberedList { user: user() },
        AdminOp::RememberedRevoke {
            user: user(),
            id: Some(id()),
        },
        AdminOp::AccountingList {
            user: Some(user()),
            ended: true,
            limit: 50,
        },
        AdminOp::UserOneDayCode { user: user() },
        AdminOp::UserRecovery { user: user() },
        AdminOp::UserInvite {
            user: user(),
            resource: text("vpn"),
        },
        AdminOp::ImportPut {
            import: Some(id()),
            text: "login\n".into(),
            last: true,
        },
        AdminOp::ImportPlan {
            import: id(),
            after: 1,
            only: Some(text("bad")),
        },
        AdminOp::ImportApply {
            import: id(),
            atomic: true,
        },
        AdminOp::ImportShow { import: id() },
        AdminOp::TokenFind {
            search: text("al"),
            resource: Some(text("vpn")),
            after: Some(user()),
            limit: 50,
        },
        AdminOp::EnrolStart {
            user: user(),
            resource: text("vpn"),
            phone: "+491712345678".into(),
            name: text("work"),
            digits: Some(6),
        },
        AdminOp::EnrolFinish {
            enrolment: id(),
            code: "012345".into(),
        },
        AdminOp::EnrolStatus { enrolment: id() },
        AdminOp::EnrolCancel { enrolment: id() },
    ]
}

fn administration() -> Vec<AdminOp> {
    let mara = || text("mara");
    vec![
        AdminOp::AdminAdd {
            login: mara(),
            shown: text("Mara Lindqvist"),
            email: Some(text("mara@example.com")),
            role: text("helpdesk"),
            resources: vec![text("vpn")],
        },
        AdminOp::AdminSet(AdminSet {
            login: mara(),
            shown: Some(text("Mara")),
            email: Some(String::new()),
            role: Some(text("admin")),
            resources: Some(vec![]),
            locked: Some(true),
        }),
        AdminOp::AdminReset { login: mara() },
        AdminOp::AdminList,
        AdminOp::AdminRemove { login: mara() },
        AdminOp::SetupLink,
        AdminOp::ApiKeyAdd {
            name: text("sync"),
            role: text("admin"),
            resources: vec![text("vpn")],
            days: Some(90),
        },
        AdminOp::ApiKeyList,
        AdminOp::ApiKeyRemove { name: text("sync") },
        AdminOp::MailShow,
        AdminOp::MailSet(MailSet {
            host: Some(text("mail.example.com")),
            port: Some(587),
            security: Some(text("starttls")),
            user: Some(text("otpost")),
            password: Some("secret".into()),
            from: Some(text("otpost <otpost@example.com>")),
            ca: Some(String::new()),
        }),
        AdminOp::MailTest {
            to: text("mara@example.com"),
        },
        AdminOp::PortalShow,
        AdminOp::PortalSet(PortalSet {
            url: Some(text("https://login.example.com")),
            console_url: Some(text("https://console.example.com")),
            email_codes: Some(true),
        }),
        AdminOp::Overview {
            hours: 24,
            resource: Some(text("vpn")),
        },
        AdminOp::AuditFind {
            filter: AuditFilter {
                user: text("alice"),
                kind: text("login."),
                from: 1,
                ..AuditFilter::default()
            },
            before: Some(100),
            limit: 50,
        },
    ]
}

#[test]
fn what_administrators_ask_is_pinned() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin/snapshot.jsonl");
    let ops: Vec<AdminOp> = [users(), things(), portal(), administration()].concat();
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
