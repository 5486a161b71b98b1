//! Pins the JSON of what the portal asks: change one, raise [`PROTO`](crate::PROTO), and bless the file beside this one by running
//! the test with `OTPOST_BLESS=1`.

use super::*;

fn text(s: &str) -> String {
    s.to_owned()
}

fn id() -> String {
    text("00112233445566778899aabbccddeeff")
}

fn browser() -> Browser {
    Browser {
        source: text("192.0.2.9"),
        agent: text("Firefox on Android"),
        lang: text("de"),
    }
}

fn user(ask: UserOp) -> PortalOp {
    PortalOp::User {
        address: text("office-vpn"),
        session: "cookie".into(),
        ask,
    }
}

fn console(ask: ConsoleOp) -> PortalOp {
    PortalOp::Console {
        session: "cookie".into(),
        ask,
    }
}

fn before() -> Vec<PortalOp> {
    vec![
        PortalOp::Site {
            address: text("office-vpn"),
        },
        PortalOp::SignIn {
            address: text("office-vpn"),
            user: text("alice"),
            password: "secret".into(),
            invite: Some("link".into()),
            browser: browser(),
        },
        PortalOp::SignInByMail {
            address: text("office-vpn"),
            user: text("alice"),
            invite: None,
            browser: browser(),
        },
        PortalOp::SetupShow { link: "link".into() },
        PortalOp::SetupFinish {
            link: "link".into(),
            login: Some(text("mara")),
            password: "secret".into(),
            totp: "JBSWY3DPEHPK3PXP".into(),
            code: "012345".into(),
            browser: browser(),
        },
        PortalOp::ConsoleSignIn {
            user: text("mara"),
            password: "secret".into(),
            browser: browser(),
        },
        PortalOp::Api {
            key: "key".into(),
            admin: Box::new(AdminOp::Status),
            browser: browser(),
        },
    ]
}

fn asks() -> Vec<PortalOp> {
    [
        UserOp::Where,
        UserOp::MailCode {
            code: "012345".into(),
        },
        UserOp::Factor {
            method: Method::Sms,
            code: "012345".into(),
        },
        UserOp::Resend,
        UserOp::Home,
        UserOp::EnrolBegin {
            kind: text("sms"),
            name: text("work"),
            phone: Some("+491712345678".into()),
            digits: Some(8),
            form: text("f1"),
            replaces: Some(id()),
        },
        UserOp::Enrolment { id: id() },
        UserOp::EnrolResend { id: id() },
        UserOp::EnrolNumber {
            id: id(),
            phone: "+491712345678".into(),
        },
        UserOp::EnrolConfirm {
            id: id(),
            code: "012345".into(),
        },
        UserOp::EnrolCancel { id: id() },
        UserOp::StepUp { id: id() },
        UserOp::StepUpResend { id: id() },
        UserOp::StepUpAnswer {
            id: id(),
            method: Method::Recovery,
            code: "7f-kx3m-pq9t".into(),
        },
        UserOp::RecoveryFirst,
        UserOp::SignOut,
    ]
    .map(user)
    .to_vec()
}

fn acts() -> Vec<PortalOp> {
    let token = id;
    [
        UserAct::Rename {
            token: token(),
            name: text("home"),
        },
        UserAct::Unassign { token: token() },
        UserAct::ChangePhone {
            token: token(),
            phone: "+491712345678".into(),
        },
        UserAct::Reissue { token: token() },
        UserAct::AssignExisting { token: token() },
        UserAct::Prefer { token: token() },
        UserAct::TestText { token: token() },
        UserAct::Synchronise {
            token: token(),
            first: "012345".into(),
            second: "678901".into(),
        },
        UserAct::Password {
            current: Some("old".into()),
            new: "new".into(),
        },
        UserAct::Email {
            new: text("alice@example.com"),
        },
        UserAct::Login { new: text("alice2") },
        UserAct::Names {
            first: text("Alice"),
            last: text("Weber"),
        },
        UserAct::Language { lang: text("de") },
        UserAct::RenewRecovery,
        UserAct::EndSession { id: id() },
        UserAct::EndOtherSessions,
    ]
    .map(|act| user(UserOp::Act { act }))
    .to_vec()
}

fn consoles() -> Vec<PortalOp> {
    [
        ConsoleOp::Where,
        ConsoleOp::Factor {
            method: Method::Totp,
            code: "012345".into(),
        },
        ConsoleOp::Account,
        ConsoleOp::Password {
            current: "old".into(),
            new: "new".into(),
            code: "012345".into(),
        },
        ConsoleOp::RenewRecovery {
            code: "012345".into(),
        },
        ConsoleOp::EndOtherSessions,
        ConsoleOp::SignOut,
        ConsoleOp::Admin {
            admin: Box::new(AdminOp::Status),
        },
    ]
    .map(console)
    .to_vec()
}

#[test]
fn what_the_portal_asks_is_pinned() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/portal/snapshot.jsonl");
    let ops: Vec<PortalOp> = [before(), asks(), acts(), consoles()].concat();
    let lines: Vec<String> = ops.iter().map(|op| serde_json::to_string(op).unwrap()).collect();
    if std::env::var_os("OTPOST_BLESS").is_some() {
        std::fs::write(file, lines.join("\n") + "\n").unwrap();
    }
    let pinned = std::fs::read_to_string(file).unwrap();
    assert_eq!(lines, pinned.lines().collect::<Vec<_>>());
    for (op, line) in ops.iter().zip(pinned.lines()) {
        assert_eq!(&serde_json::from_str::<PortalOp>(line).unwrap(), op);
    }
}

#[test]
fn an_administrators_answer_comes_back_within_the_portals() {
    let reply = PortalReply::Admin {
        reply: Box::new(AdminReply::Done {
            message: text("user alice is locked"),
        }),
    };
    let line = serde_json::to_string(&reply).unwrap();
    assert_eq!(
        line,
        r#"{"re":"admin","reply":{"re":"done","message":"user alice is locked"}}"#
    );
    assert_eq!(serde_json::from_str::<PortalReply>(&line).unwrap(), reply);
}
