//! Pins the JSON of the messages that installed clients of an older release still send: change one, raise
//! [`PROTO`](crate::PROTO), and change the text here.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pam::{PamBegin, PamOp};
use crate::radius::{
    ClientTable, Credentials, HiddenAttribute, MessageAuthenticator, MsChap2Success, Nas, RadiusAccount,
    RadiusAnswer, RadiusBegin, RadiusClient, RadiusOp, RadiusRefusal, RadiusReply, RadiusReport,
    RadiusSigned,
};
use crate::{
    AllowReason, Attribute, DenyKind, Fault, FaultCode, Hello, LoginReply, Outcome, PROTO, Request, Response,
    Role,
};

#[track_caller]
fn pin<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(message: &T, json: &str) {
    assert_eq!(serde_json::to_string(message).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), message);
}

const SESSION: &str = "00112233445566778899aabbccddeeff";

#[test]
fn the_protocol_is_number_1() {
    assert_eq!(PROTO, 1);
}

#[test]
fn hellos() {
    for (role, name) in [
        (Role::Pam, "pam"),
        (Role::Radius, "radius"),
        (Role::Portal, "portal"),
        (Role::Admin, "admin"),
    ] {
        let hello = Hello {
            proto: 1,
            role,
            version: "0.1.0".to_owned(),
        };
        pin(
            &hello,
            &format!(r#"{{"proto":1,"role":"{name}","version":"0.1.0"}}"#),
        );
    }
}

#[test]
fn envelopes() {
    let cancel = PamOp::Cancel {
        session: SESSION.to_owned(),
    };
    pin(
        &Request { id: 7, op: cancel },
        r#"{"id":7,"op":{"op":"cancel","session":"00112233445566778899aabbccddeeff"}}"#,
    );
    pin(
        &Response {
            id: 7,
            outcome: Outcome::Ok(LoginReply::Ignore),
        },
        r#"{"id":7,"ok":{"do":"ignore"}}"#,
    );
    let mut fault = Fault {
        code: FaultCode::Busy,
        message: "too many".to_owned(),
        retry_after: Some(3),
        reference: "k7f2".to_owned(),
    };
    pin(
        &Response {
            id: 7,
            outcome: Outcome::<LoginReply>::Err(fault.clone()),
        },
        r#"{"id":7,"err":{"code":"busy","message":"too many","retry_after":3,"ref":"k7f2"}}"#,
    );
    fault.retry_after = None;
    pin(&fault, r#"{"code":"busy","message":"too many","ref":"k7f2"}"#);
}

#[test]
fn fault_codes() {
    for (code, name) in [
        (FaultCode::Malformed, "malformed"),
        (FaultCode::Protocol, "protocol"),
        (FaultCode::Forbidden, "forbidden"),
        (FaultCode::Invalid, "invalid"),
        (FaultCode::NotFound, "not-found"),
        (FaultCode::Conflict, "conflict"),
        (FaultCode::Busy, "busy"),
        (FaultCode::Unavailable, "unavailable"),
        (FaultCode::Internal, "internal"),
    ] {
        pin(&code, &format!("\"{name}\""));
    }
}

#[test]
fn login_replies() {
    pin(
        &LoginReply::Prompt {
            session: SESSION.to_owned(),
            text: "Text K7 to +49 *** *** 67: ".to_owned(),
            echo: false,
            expires_in: 300,
        },
        r#"{"do":"prompt","session":"00112233445566778899aabbccddeeff","text":"Text K7 to +49 *** *** 67: ","echo":false,"expires_in":300}"#,
    );
    for (reason, name) in [
        (AllowReason::Code, "code"),
        (AllowReason::Bypass, "bypass"),
        (AllowReason::Unenrolled, "unenrolled"),
        (AllowReason::TokenDisabled, "token-disabled"),
    ] {
        pin(
            &LoginReply::Allow {
                attributes: vec![],
                reason,
            },
            &format!(r#"{{"do":"allow","reason":"{name}"}}"#),
        );
    }
    pin(
        &LoginReply::Allow {
            attributes: vec![Attribute {
                code: 25,
                value: "6f7073".to_owned(),
            }],
            reason: AllowReason::Code,
        },
        r#"{"do":"allow","attributes":[{"code":25,"value":"6f7073"}],"reason":"code"}"#,
    );
    for (kind, name) in [
        (DenyKind::Denied, "denied"),
        (DenyKind::MaxTries, "max-tries"),
        (DenyKind::Unavailable, "unavailable"),
    ] {
        pin(
            &LoginReply::Deny {
                text: "Access denied.".to_owned(),
                kind,
                reference: "k7f2".to_owned(),
            },
            &format!(r#"{{"do":"deny","text":"Access denied.","kind":"{name}","ref":"k7f2"}}"#),
        );
    }
}

#[test]
fn pam_requests() {
    pin(
        &PamOp::Begin(PamBegin {
            user: "alice".to_owned(),
            service: "sshd".to_owned(),
            rhost: "192.0.2.7".to_owned(),
            tty: "ssh".to_owned(),
            ruser: String::new(),
            decoy: true,
        }),
        r#"{"op":"begin","user":"alice","service":"sshd","rhost":"192.0.2.7","tty":"ssh","ruser":"","decoy":true}"#,
    );
    let short = r#"{"op":"begin","user":"alice","service":"sshd"}"#;
    let PamOp::Begin(begin) = serde_json::from_str(short).unwrap() else {
        panic!("no begin")
    };
    assert_eq!((begin.rhost.as_str(), begin.decoy), ("", false));
    let session = SESSION.to_owned();
    pin(
        &PamOp::Answer {
            session: session.clone(),
            answer: "481516".into(),
        },
        r#"{"op":"answer","session":"00112233445566778899aabbccddeeff","answer":"481516"}"#,
    );
    pin(
        &PamOp::Resend {
            session: session.clone(),
        },
        r#"{"op":"resend","session":"00112233445566778899aabbccddeeff"}"#,
    );
    pin(
        &PamOp::Cancel { session },
        r#"{"op":"cancel","session":"00112233445566778899aabbccddeeff"}"#,
    );
}

#[test]
fn radius_requests() {
    let nas = Nas {
        source: "192.0.2.1".to_owned(),
        ip: "192.0.2.2".to_owned(),
        identifier: "vpn1".to_owned(),
        port: "3".to_owned(),
        calling_station: "198.51.100.9".to_owned(),
        acct_session: "42".to_owned(),
        tunnel_client: "198.51.100.9".to_owned(),
        framed: "10.8.0.2".to_owned(),
        service: "Framed-User".to_owned(),
    };
    pin(
        &RadiusOp::Begin(RadiusBegin {
            client: "vpn".to_owned(),
            user: "alice".to_owned(),
            credentials: Credentials::Pap {
                password: "pw".into(),
            },
            attempt: "ab".to_owned(),
            nas,
        }),
        concat!(
            r#"{"op":"begin","client":"vpn","user":"alice","credentials":{"method":"pap","password":"pw"},"attempt":"ab","#,
            r#""nas":{"source":"192.0.2.1","ip":"192.0.2.2","identifier":"vpn1","port":"3","calling_station":"198.51.100.9","acct_session":"42","tunnel_client":"198.51.100.9","framed":"10.8.0.2","service":"Framed-User"}}"#
        ),
    );
    let short = concat!(
        r#"{"op":"begin","client":"vpn","user":"alice","credentials":{"method":"pap","password":"pw"},"#,
        r#""attempt":"ab"}"#
    );
    let RadiusOp::Begin(begin) = serde_json::from_str(short).unwrap() else {
        panic!("no begin")
    };
    assert_eq!(begin.nas, Nas::default());
    pin(
        &RadiusOp::Answer(RadiusAnswer {
            client: "vpn".to_owned(),
            user: "alice".to_owned(),
            session: SESSION.to_owned(),
            credentials: Credentials::Chap {
                id: 7,
                challenge: "c0".into(),
                response: "c1".into(),
            },
            attempt: "ab".to_owned(),
            nas: Nas::default(),
        }),
        concat!(
            r#"{"op":"answer","client":"vpn","user":"alice","session":"00112233445566778899aabbccddeeff","#,
            r#""credentials":{"method":"chap","id":7,"challenge":"c0","response":"c1"},"attempt":"ab","#,
            r#""nas":{"source":"","ip":"","identifier":"","port":"","calling_station":"","acct_session":"","tunnel_client":"","framed":"","service":""}}"#
        ),
    );
    pin(
        &Credentials::MsChap2 {
            id: 7,
            challenge: "c0".into(),
            peer_challenge: "c1".into(),
            response: "c2".into(),
            whole: "c3".into(),
        },
        r#"{"method":"ms-chap2","id":7,"challenge":"c0","peer_challenge":"c1","response":"c2","whole":"c3"}"#,
    );
    pin(
        &RadiusOp::Signed(RadiusSigned {
            client: "vpn".to_owned(),
            signed: true,
            unsigned: false,
        }),
        r#"{"op":"signed","client":"vpn","signed":true,"unsigned":false}"#,
    );
    pin(
        &RadiusOp::Account(RadiusAccount {
            client: "vpn".to_owned(),
            user: "alice".to_owned(),
            status: 2,
            session: "42".to_owned(),
            framed: "10.8.0.2".to_owned(),
            seconds: Some(60),
            octets: Some((1, 2)),
            cause: Some(1),
            delay: 3,
            attempt: "ab".to_owned(),
            nas: Nas::default(),
        }),
        concat!(
            r#"{"op":"account","client":"vpn","user":"alice","status":2,"session":"42","framed":"10.8.0.2","#,
            r#""seconds":60,"octets":[1,2],"cause":1,"delay":3,"attempt":"ab","#,
            r#""nas":{"source":"","ip":"","identifier":"","port":"","calling_station":"","acct_session":"","tunnel_client":"","framed":"","service":""}}"#
        ),
    );
    pin(
        &RadiusOp::Clients {
            after: Some(3),
            from: 0,
        },
        r#"{"op":"clients","after":3,"from":0}"#,
    );
    pin(
        &RadiusOp::Clients {
            after: None,
            from: 250,
        },
        r#"{"op":"clients","after":null,"from":250}"#,
    );
    let first = RadiusOp::Clients { after: None, from: 0 };
    assert_eq!(
        serde_json::from_str::<RadiusOp>(r#"{"op":"clients"}"#).unwrap(),
        first
    );
}

#[test]
fn radius_reports() {
    for (reason, name) in [
        (RadiusRefusal::NoCredentials, "no-credentials"),
        (RadiusRefusal::MethodUnsupported, "method-unsupported"),
        (RadiusRefusal::CredentialsMalformed, "credentials-malformed"),
        (RadiusRefusal::EapRefused, "eap-refused"),
        (RadiusRefusal::CredentialsAmbiguous, "credentials-ambiguous"),
        (RadiusRefusal::PasswordLength, "password-length"),
        (RadiusRefusal::PasswordNotText, "password-not-text"),
        (RadiusRefusal::UserNameUnusable, "user-name-unusable"),
        (RadiusRefusal::StateUnknown, "state-unknown"),
    ] {
        // The word on the wire is the code of the audit row.
        assert_eq!(reason.code(), name);
        pin(&reason, &format!("\"{name}\""));
    }
    pin(
        &RadiusOp::Report(RadiusReport {
            client: "vpn".to_owned(),
            user: "alice".to_owned(),
            reason: RadiusRefusal::MethodUnsupported,
            more: 2,
            nas: Nas {
                source: "192.0.2.1".to_owned(),
                ..Nas::default()
            },
        }),
        r#"{"op":"report","client":"vpn","user":"alice","reason":"method-unsupported","more":2,"nas":{"source":"192.0.2.1","ip":"","identifier":"","port":"","calling_station":"","acct_session":"","tunnel_client":"","framed":"","service":""}}"#,
    );
    pin(&RadiusReply::Reported, r#"{"re":"reported"}"#);
    pin(&MessageAuthenticator::Auto, r#""auto""#);
}

#[test]
fn radius_replies() {
    pin(
        &RadiusReply::Login {
            login: LoginReply::Allow {
                attributes: vec![],
                reason: AllowReason::Code,
            },
            ms_chap2: None,
            hidden: vec![],
        },
        r#"{"re":"login","login":{"do":"allow","reason":"code"}}"#,
    );
    pin(
        &RadiusReply::Login {
            login: LoginReply::Allow {
                attributes: vec![],
                reason: AllowReason::Code,
            },
            ms_chap2: Some(MsChap2Success {
                success: "S=00".to_owned(),
                send_key: "aa".into(),
                receive_key: "bb".into(),
            }),
            hidden: vec![HiddenAttribute {
                code: 26,
                head: "0000013710".to_owned(),
                value: "cc".into(),
            }],
        },
        concat!(
            r#"{"re":"login","login":{"do":"allow","reason":"code"},"#,
            r#""ms_chap2":{"success":"S=00","send_key":"aa","receive_key":"bb"},"#,
            r#""hidden":[{"code":26,"head":"0000013710","value":"cc"}]}"#
        ),
    );
    let client = |message_authenticator| RadiusClient {
        name: "vpn".to_owned(),
        networks: vec!["192.0.2.0/24".to_owned(), "2001:db8::/64".to_owned()],
        secret: "s3".into(),
        message_authenticator,
        signed: true,
        limit_proxy_state: true,
        eap: false,
        accounting: true,
    };
    let clients = vec![
        client(MessageAuthenticator::Require),
        client(MessageAuthenticator::Off),
    ];
    pin(
        &RadiusReply::Clients(ClientTable {
            version: 4,
            clients,
            more: true,
        }),
        concat!(
            r#"{"re":"clients","version":4,"clients":["#,
            r#"{"name":"vpn","networks":["192.0.2.0/24","2001:db8::/64"],"secret":"s3","message_authenticator":"require","#,
            r#""signed":true,"limit_proxy_state":true,"eap":false,"accounting":true},"#,
            r#"{"name":"vpn","networks":["192.0.2.0/24","2001:db8::/64"],"secret":"s3","message_authenticator":"off","#,
            r#""signed":true,"limit_proxy_state":true,"eap":false,"accounting":true}],"more":true}"#
        ),
    );
}

#[test]
fn a_newer_peer_may_add_fields() {
    let json = r#"{"id":7,"ok":{"do":"ignore","new":1},"more":[]}"#;
    let response: Response<LoginReply> = serde_json::from_str(json).unwrap();
    assert_eq!(response.outcome, Outcome::Ok(LoginReply::Ignore));
}

#[test]
fn nothing_secret_prints() {
    let op = Request {
        id: 1,
        op: PamOp::Answer {
            session: SESSION.to_owned(),
            answer: "481516".into(),
        },
    };
    assert!(!format!("{op:?}").contains("481516"));
}
