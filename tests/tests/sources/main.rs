//! Passwords checked by programs that nobody here wrote: slapd (OpenLDAP) and FreeRADIUS, as Debian has them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod freeradius;
mod ldap;
mod login;
mod slapd;
mod upstream;

use std::net::{TcpListener, UdpSocket};

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_tests::stack::Stack;
use serde_json::Value;

/// What a source said of a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tested {
    pub(crate) outcome: String,
    pub(crate) groups: Vec<String>,
    pub(crate) server: String,
    pub(crate) milliseconds: u64,
    pub(crate) detail: String,
}

pub(crate) fn add(stack: &Stack, name: &str, kind: &str, config: &Value) {
    stack.admin(AdminOp::SourceAdd {
        name: name.to_owned(),
        kind: kind.to_owned(),
        config: Secret::new(config.to_string()),
    });
}

pub(crate) fn test(stack: &Stack, name: &str, user: &str, password: &str) -> Tested {
    let op = AdminOp::SourceTest {
        name: name.to_owned(),
        user: user.to_owned(),
        password: password.into(),
    };
    match stack.admin(op) {
        AdminReply::SourceTested {
            outcome,
            groups,
            server,
            milliseconds,
            detail,
        } => {
            assert!(!detail.contains(password) || password.is_empty(), "{detail}");
            Tested {
                outcome,
                groups,
                server,
                milliseconds,
                detail,
            }
        }
        other => panic!("{other:?}"),
    }
}

/// The outcome alone.
pub(crate) fn outcome(stack: &Stack, name: &str, user: &str, password: &str) -> String {
    test(stack, name, user, password).outcome
}

/// A TCP port that nobody listens on just now.
pub(crate) fn free_tcp() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A UDP port that nobody listens on just now.
pub(crate) fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
