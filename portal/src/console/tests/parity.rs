//! Whatever administrators may ask has a page that asks it.

use std::collections::BTreeSet;

use super::{Console, Says};

const WIRE: &str = include_str!("../../../../crates/ipc/src/admin.rs");

/// Method, address, and the form's fields.
pub(super) type Asking = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// A request for each variant that makes the console ask it. A new variant without a row here fails the test.
pub(super) const REQUESTS: [(&str, Asking); 70] = [
    ("Status", ("GET", "/?hours=720", &[])),
    ("Overview", ("GET", "/", &[])),
    ("UserAdd", ("POST", "/add/user", &[("login", "alice")])),
    ("UserSet", ("POST", "/users/alice/do/profile", &[("email", "")])),
    ("UserShow", ("GET", "/users/alice", &[])),
    ("UserFind", ("GET", "/users?search=al&state=locked", &[])),
    (
        "UserRemove",
        ("POST", "/users/alice/do/delete", &[("login", "alice")]),
    ),
    ("UserLock", ("POST", "/users/alice/do/lock", &[("why", "lost")])),
    ("UserUnlock", ("POST", "/users/alice", &[("act", "unlock")])),
    (
        "UserBypass",
        ("POST", "/users/alice/do/bypass", &[("seconds", "3600")]),
    ),
    (
        "UserBind",
        ("POST", "/resources/Hafenwerk%20VPN/users", &[("login", "bob")]),
    ),
    (
        "UserUnbind",
        ("POST", "/users/alice/do/unbind?resource=Hafenwerk%20VPN", &[]),
    ),
    ("UserSessions", ("GET", "/users/alice?done=saved", &[])),
    ("UserSignOut", ("POST", "/users/alice", &[("act", "sign-out")])),
    ("UserOneDayCode", ("POST", "/users/alice/do/one-day-code", &[])),
    ("UserRecovery", ("POST", "/users/alice/do/recovery", &[])),
    (
        "UserInvite",
        ("POST", "/users/alice/do/invite", &[("resource", "Hafenwerk VPN")]),
    ),
    ("ImportPut", ("POST", "/import", &[])),
    ("ImportPlan", ("GET", "/import/i1?only=bad", &[])),
    ("ImportShow", ("GET", "/import/i1", &[])),
    ("ImportApply", ("POST", "/import/i1", &[("atomic", "on")])),
    (
        "TokenAdd",
        ("POST", "/users/alice/do/token", &[("phone", "+49 171 2345678")]),
    ),
    ("TokenFind", ("GET", "/tokens", &[])),
    (
        "TokenSet",
        (
            "POST",
            "/users/alice/tokens/t1",
            &[("name", "work"), ("status", "disabled")],
        ),
    ),
    ("TokenRemove", ("POST", "/users/alice/tokens/t1/remove", &[])),
    (
        "EnrolStart",
        (
            "POST",
            "/users/alice/do/enrol",
            &[("phone", "+49 171 2345678"), ("resource", "Hafenwerk VPN")],
        ),
    ),
    ("EnrolStatus", ("GET", "/users/alice/enrolments/e1", &[])),
    (
        "EnrolFinish",
        ("POST", "/users/alice/enrolments/e1", &[("code", "123456")]),
    ),
    (
        "EnrolCancel",
        ("POST", "/users/alice/enrolments/e1", &[("cancel", "1")]),
    ),
    ("ResourceAdd", ("POST", "/add/resource", &[("name", "vpn")])),
    (
        "ResourceSet",
        (
            "POST",
            "/resources/Hafenwerk%20VPN/self-service/actions",
            &[("enroll", "on")],
        ),
    ),
    ("ResourceShow", ("GET", "/resources/Hafenwerk%20VPN", &[])),
    ("ResourceList", ("GET", "/resources", &[])),
    (
        "ResourceRemove",
        (
            "POST",
            "/resources/Hafenwerk%20VPN/remove",
            &[("name", "Hafenwerk VPN")],
        ),
    ),
    (
        "RadiusClientAdd",
        ("POST", "/add/radius", &[("name", "gw"), ("networks", "10.0.0.5")]),
    ),
    (
        "RadiusClientSet",
        ("POST", "/radius/gw", &[("networks", "10.0.0.5")]),
    ),
    ("RememberedList", ("GET", "/users/alice?done=forgotten", &[])),
    (
        "RememberedRevoke",
        ("POST", "/users/alice", &[("act", "forget"), ("id", "m1")]),
    ),
    ("AccountingList", ("GET", "/connections?user=alice&ended=on", &[])),
    ("RadiusClientList", ("GET", "/radius", &[])),
    ("RadiusClientRemove", ("POST", "/radius/gw/remove", &[])),
    (
        "SourceAdd",
        (
            "POST",
            "/add/source",
            &[("name", "corp"), ("kind", "ldap"), ("config", "{}")],
        ),
    ),
    ("SourceList", ("GET", "/sources", &[])),
    ("SourceSet", ("POST", "/sources/corp", &[("config", "{}")])),
    ("SourceRemove", ("POST", "/sources/corp/remove", &[])),
    (
        "SourceTest",
        (
            "POST",
            "/sources/corp/test",
            &[("user", "alice"), ("password", "correct horse")],
        ),
    ),
    (
        "SmsProviderAdd",
        (
            "POST",
            "/add/provider",
            &[
                ("name", "gw"),
                ("kind", "http"),
                ("priority", "1"),
                ("config", "{}"),
            ],
        ),
    ),
    ("SmsProviderList", ("GET", "/providers", &[])),
    (
        "SmsProviderSet",
        ("POST", "/providers/seven", &[("priority", "1")]),
    ),
    ("SmsProviderRemove", ("POST", "/providers/seven/remove", &[])),
    (
        "SmsSendTest",
        ("POST", "/providers/seven/test", &[("phone", "+49 171 2345678")]),
    ),
    ("SmsPolicyShow", ("GET", "/settings/sms", &[])),
    (
        "SmsPolicySet",
        (
            "POST",
            "/settings/sms",
            &[
                ("countries", "de at"),
                ("number-hour", "1"),
                ("number-day", "1"),
                ("user-hour", "1"),
                ("user-day", "1"),
                ("user-reserve", "1"),
                ("source-hour", "1"),
                ("source-day", "1"),
                ("all-minute", "1"),
                ("all-day", "1"),
            ],
        ),
    ),
    ("SmsMessages", ("GET", "/messages", &[])),
    ("LoginExplain", ("GET", "/explain?user=alice&service=sshd", &[])),
    ("AuditFind", ("GET", "/audit?user=alice&ref=r-1", &[])),
    ("AuditVerify", ("POST", "/audit/verify", &[])),
    (
        "AdminAdd",
        (
            "POST",
            "/add/administrator",
            &[("login", "tom"), ("role", "helpdesk")],
        ),
    ),
    (
        "AdminSet",
        ("POST", "/settings/administrators/tom", &[("role", "admin")]),
    ),
    ("AdminReset", ("POST", "/settings/administrators/tom/reset", &[])),
    ("AdminList", ("GET", "/settings/administrators", &[])),
    (
        "AdminRemove",
        ("POST", "/settings/administrators/tom/remove", &[]),
    ),
    (
        "ApiKeyAdd",
        (
            "POST",
            "/add/key",
            &[("name", "sync"), ("role", "admin"), ("days", "90")],
        ),
    ),
    ("ApiKeyList", ("GET", "/settings/keys", &[])),
    ("ApiKeyRemove", ("POST", "/settings/keys/sync/remove", &[])),
    ("MailShow", ("GET", "/settings/mail", &[])),
    (
        "MailSet",
        ("POST", "/settings/mail", &[("host", ""), ("port", "0")]),
    ),
    (
        "MailTest",
        ("POST", "/settings/mail/test", &[("to", "mara@example.com")]),
    ),
    ("PortalShow", ("GET", "/settings/portal", &[])),
    (
        "PortalSet",
        (
            "POST",
            "/settings/portal",
            &[("url", "https://login.example.com/")],
        ),
    ),
];

/// What no page asks, because another request says the same and more, or nobody who is signed in can ask it.
const INSTEAD: [(&str, &str); 4] = [
    ("UserList", "UserFind finds them by more than their login"),
    ("TokenList", "UserShow shows a user's tokens"),
    ("AuditTail", "AuditFind shows the newest rows too"),
    (
        "SetupLink",
        "there is an administrator already; AdminReset makes a new link",
    ),
];

fn variants() -> BTreeSet<&'static str> {
    let (_, block) = WIRE.split_once("pub enum AdminOp {\n").unwrap();
    let (block, _) = block.split_once("\n}\n").unwrap();
    let names = block.lines().filter_map(|line| line.strip_prefix("    "));
    names
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap())
        .collect()
}

#[test]
fn every_request_has_a_row() {
    let rows = REQUESTS.iter().map(|(name, _)| *name);
    let known: BTreeSet<&str> = rows.chain(INSTEAD.iter().map(|(name, _)| *name)).collect();
    assert_eq!(known, variants());
    assert_eq!(
        known.len(),
        REQUESTS.len() + INSTEAD.len(),
        "a row is there twice"
    );
    for (_, why) in INSTEAD {
        let other = why.split(' ').find(|word| variants().contains(word));
        assert!(other.is_some(), "{why}");
    }
}

#[tokio::test]
async fn every_request_has_a_page_that_asks_it() {
    for (variant, (method, path, fields)) in REQUESTS {
        let console = Console::new(Says {
            // Figures of a daemon that leaves the health out, as a limited scope gets them.
            bare: variant == "Status",
            ..Says::default()
        });
        let said = match method {
            "GET" => console.get(path).await,
            _ if variant == "ImportPut" => {
                let csrf = console.csrf().await;
                console.upload(path, &csrf, b"login\nalice\n", "").await
            }
            _ => console.post(path, fields).await,
        };
        assert!(
            matches!(said.status, 200 | 303),
            "{variant}: {} {}",
            said.status,
            said.text
        );
        let asked: Vec<String> = console
            .daemon
            .asked()
            .iter()
            .map(|op| {
                format!("{op:?}")
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect()
            })
            .collect();
        assert!(
            asked.iter().any(|name| name == variant),
            "{variant} by {path}: {asked:?}"
        );
    }
}
