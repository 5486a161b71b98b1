//! A daemon that answers every request in a fitting way.
#![expect(clippy::indexing_slicing, reason = "test")]

use otpost_ipc::{
    Outcome,
    admin::{AdminOp, AdminReply},
};
use serde_json::{Value, json};

use super::FakeDaemon;

pub fn reply(value: Value) -> AdminReply {
    serde_json::from_value(value).unwrap()
}

pub fn user_view(login: &str) -> Value {
    json!({
        "login": login, "aliases": ["al"], "groups": ["staff"], "email": "a@example.org", "password": true, "resources": ["vpn"],
        "locked": null, "bypass-until": 1_790_000_000_000_u64, "failures": 2, "tokens": [token_view()]
    })
}

pub fn token_view() -> Value {
    json!({
        "id": "0123456789abcdef", "user": "alice", "name": "work", "phone": "+61 *** *** 56", "digits": 6,
        "kind": "sms", "status": "active", "verified": false, "resources": ["vpn"]
    })
}

pub fn client_view() -> Value {
    json!({
        "name": "fw", "networks": ["192.0.2.0/24"], "resource": "vpn", "message-authenticator": "auto",
        "first-factor": "local,ldap:corp", "signed": null, "unsigned": 1_790_000_000_000_u64, "set": {
        "nas": "openvpn", "flow": "append", "separator": ",", "limit-proxy-state": true, "hide-first-factor": false,
        "echo": true, "prompt-length": 253, "source": "calling-station-id", "eap": false, "accounting": true,
        "reply": ["Class = staff"] }
    })
}

/// Rules of a resource.
pub fn access() -> Value {
    json!({
        "allowed-networks": [], "hours": ["mon-fri 07:00-19:00"], "time-zone": "Europe/Berlin",
        "exempt-networks": ["198.51.100.0/24"], "exempt-users": ["backup"], "exempt-groups": ["staff"],
        "remember-minutes": 480, "reply": ["group staff: Class = staff"]
    })
}

pub fn policy() -> Value {
    json!({
        "re": "sms-policy", "countries": ["AT", "DE"], "voip": false, "paused": false, "number-hour": 5,
        "number-day": 10, "user-hour": 5, "user-day": 15, "user-reserve": 2, "source-hour": 120, "source-day": 600,
        "all-minute": 120, "all-day": 10000
    })
}

/// A reply of the kind that the daemon gives to `op`.
pub fn fitting(op: &AdminOp) -> Value {
    match op {
        AdminOp::Status => json!({ "re": "status", "version": "0.1.0", "uptime": 3661, "users": 7,
            "warnings": ["no SMS provider"] }),
        AdminOp::UserAdd(_) | AdminOp::UserSet(_) | AdminOp::UserShow { .. } => {
            with_re("user", user_view("alice"))
        }
        AdminOp::UserList { .. } => json!({ "re": "users", "users": [user_view("alice")], "more": false }),
        AdminOp::TokenAdd { .. } | AdminOp::TokenSet { .. } => with_re("token", token_view()),
        AdminOp::TokenList { .. } => json!({ "re": "tokens", "tokens": [token_view()] }),
        AdminOp::ResourceAdd { .. } | AdminOp::ResourceSet { .. } | AdminOp::ResourceShow { .. } => json!({
            "re": "resource", "name": "vpn", "users": 1, "settings": { "enabled": true, "digits": 6, "validity": 300,
            "pam-services": ["sshd"], "unenrolled": "deny", "disabled": "deny", "region": "DE", "self-service": {
            "address": "vpn", "actions": ["enroll"], "kinds": ["sms", "totp"], "otp-length": "choice",
            "two-steps": true, "first-enrolment": "password", "enrol-days": 14, "title": "", "accent": "#0a5",
            "hint": "" }, "access": access() }, "portal": "https://login.example.com/s/vpn" }),
        AdminOp::ResourceList { .. } => json!({ "re": "resources", "resources": [
            { "name": "vpn", "users": 1, "settings": { "enabled": true } }] }),
        AdminOp::RadiusClientAdd { .. } => {
            json!({ "re": "client-secret", "client": client_view(), "secret": "made-by-the-daemon" })
        }
        AdminOp::RadiusClientSet { .. } => with_re("client", client_view()),
        AdminOp::RadiusClientList { .. } => json!({ "re": "clients", "clients": [client_view()] }),
        AdminOp::SourceList { .. } => json!({ "re": "sources", "sources": [{ "name": "corp", "kind": "ldap",
            "servers": ["ldaps://dc1.corp.example"], "settings": "{}", "used-by": ["fw"] }] }),
        AdminOp::SourceTest { .. } => json!({ "re": "source-tested", "outcome": "passed", "groups": ["vpn"],
            "server": "ldaps://dc1.corp.example", "milliseconds": 12, "detail": "" }),
        AdminOp::SmsProviderList => json!({ "re": "providers", "providers": [
            { "name": "gw", "kind": "http", "priority": 10, "enabled": true, "sender": "ACME" }] }),
        AdminOp::SmsSendTest { .. } => json!({ "re": "send-test", "state": "accepted", "provider": "gw",
            "provider_id": "m-1", "detail": "queued" }),
        AdminOp::SmsPolicyShow | AdminOp::SmsPolicySet(_) => policy(),
        AdminOp::SmsMessages { .. } => json!({ "re": "messages", "messages": [{ "id": "m", "kind": "code",
            "phone": "+61 *** *** 56", "state": "accepted", "tried": ["gw"], "detail": "200", "created": 0,
            "ref": "k7" }] }),
        AdminOp::LoginExplain { .. } => {
            json!({ "re": "explained", "outcome": "ask", "reason": "token", "text": "A code would be sent." })
        }
        AdminOp::AuditTail { .. } => json!({ "re": "audit", "rows": [audit_row(1)] }),
        AdminOp::AuditVerify => {
            json!({ "re": "audit-verified", "rows": 3, "head": "ab12", "broken_at": null })
        }
        _ => fitting_portal(op),
    }
}

fn fitting_portal(op: &AdminOp) -> Value {
    match op {
        AdminOp::UserFind { .. } => json!({ "re": "users", "users": [user_view("alice")], "more": false }),
        AdminOp::UserSessions { .. } => json!({ "re": "sessions", "sessions": [{ "id": "5e", "own": false,
            "agent": "Firefox on Linux", "source": "192.0.2.9", "seen": 0, "portal": "vpn" }] }),
        AdminOp::RememberedList { .. } => {
            json!({ "re": "remembered", "entries": [{ "id": "0a", "user": "alice",
            "resource": "vpn", "service": "fw", "source": "192.0.2.9", "since": 1_790_000_000_000_u64,
            "until": 1_790_028_800_000_u64 }] })
        }
        AdminOp::AccountingList { .. } => {
            json!({ "re": "accounting", "sessions": [{ "client": "fw", "user": "alice",
            "session": "42", "station": "192.0.2.9", "framed": "10.8.0.2", "started": 1_790_000_000_000_u64,
            "seen": 1_790_000_060_000_u64, "ended": null, "octets-in": 1024, "octets-out": 2048 }] })
        }
        AdminOp::UserOneDayCode { .. } => json!({ "re": "one-day-code", "code": "48230571", "until": 0 }),
        AdminOp::UserRecovery { .. } => {
            json!({ "re": "recovery-codes", "codes": ["abcd-efgh", "ijkl-mnop"] })
        }
        AdminOp::UserInvite { .. } => {
            json!({ "re": "invited", "link": "https://login.example.com/s/vpn?i=x1",
            "until": 0, "mailed": true })
        }
        AdminOp::ImportPut { last: false, .. } => import("reading", 0),
        AdminOp::ImportPut { .. } => import("planned", 0),
        AdminOp::ImportPlan { .. } => json!({ "re": "import-plan", "lines": [], "more": false,
            "import": import("planned", 0) }),
        AdminOp::ImportApply { .. } => import("running", 0),
        AdminOp::ImportShow { .. } => import("done", 2),
        AdminOp::TokenFind { .. } => json!({ "re": "tokens-found", "tokens": [token_view()], "after": null }),
        AdminOp::EnrolStart { .. } | AdminOp::EnrolStatus { .. } => enrolment("open", ""),
        AdminOp::EnrolFinish { .. } => enrolment("done", ""),
        AdminOp::EnrolCancel { .. } => enrolment("cancelled", ""),
        AdminOp::AdminAdd { .. } | AdminOp::AdminReset { .. } | AdminOp::SetupLink => json!({
            "re": "admin-link", "link": "https://console.example.com/setup?k=x2", "until": 0, "mailed": false }),
        AdminOp::AdminSet(_) => with_re("admin", admin_view()),
        AdminOp::AdminList => json!({ "re": "admins", "admins": [admin_view()] }),
        AdminOp::ApiKeyAdd { .. } => json!({ "re": "api-key-secret", "key": key_view(), "secret": "otp_x3" }),
        AdminOp::ApiKeyList => json!({ "re": "api-keys", "keys": [key_view()] }),
        AdminOp::MailShow | AdminOp::MailSet(_) => {
            json!({ "re": "mail", "host": "mail.example.com", "port": 587,
            "security": "starttls", "user": "otpost", "password": true, "from": "otpost@example.com", "ca": false,
            "waiting": 3, "trouble": "450 later" })
        }
        AdminOp::PortalShow | AdminOp::PortalSet(_) => {
            json!({ "re": "portal", "url": "https://login.example.com",
            "console-url": "", "email-codes": true })
        }
        AdminOp::Overview { .. } => json!({ "re": "overview", "step": 3_600_000, "series": [
            { "start": 1_790_000_000_000_u64, "allowed": 8, "wrong-code": 2 }], "reasons": [["wrong-code", 2]],
            "texts": [["accepted", 9]], "providers": [{ "provider": "gw", "accepted": 9, "p50": 120, "p95": 800 }],
            "locked": ["bob"], "locked-count": 1, "status": { "warnings": ["no mail server"] } }),
        AdminOp::AuditFind { .. } => json!({ "re": "audit-found", "rows": [audit_row(1)], "before": null }),
        _ => json!({ "re": "done", "message": "Carried out." }),
    }
}

pub fn audit_row(seq: u64) -> Value {
    json!({ "seq": seq, "at": 1_790_000_000_000_u64, "kind": "login", "reason": "right-code", "ref": "k7",
        "user": "alice", "resource": "vpn", "via": "radius/fw", "source": "192.0.2.1", "detail": "" })
}

pub fn with_re(re: &str, mut view: Value) -> Value {
    view["re"] = json!(re);
    view
}

/// An import of two lines.
pub fn import(state: &str, done: u64) -> Value {
    json!({ "re": "import", "import": "1a", "state": state, "lines": 2, "add": 1, "change": 1, "same": 0, "bad": 0,
        "done": done, "why": "" })
}

pub fn enrolment(state: &str, why: &str) -> Value {
    json!({ "re": "enrolment", "id": "e1", "kind": "sms", "name": "", "phone": "+61491570156", "totp": null,
        "uri": null, "state": state, "ask": { "sent": true, "label": "K7", "digits": 6, "to": "56",
        "expires-in": 300, "left": 5 }, "why": why, "replaces": false, "token": null, "codes": [] })
}

fn admin_view() -> Value {
    json!({ "login": "mara", "shown": "Mara Lindqvist", "email": null, "role": "helpdesk", "resources": ["vpn"],
        "locked": false, "pending": true, "seen": null })
}

fn key_view() -> Value {
    json!({ "name": "sync", "role": "admin", "resources": [], "by": "mara", "created": 0, "ends": null,
        "used": null })
}

pub fn daemon() -> FakeDaemon {
    FakeDaemon::new(|op| Outcome::Ok(reply(fitting(op))))
}
