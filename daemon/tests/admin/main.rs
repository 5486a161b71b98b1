//! What administrators ask over admin.sock: a daemon in this process, its real store, and a clock that the tests turn.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "test"
)]

#[allow(dead_code, reason = "shared with the console's tests")]
#[path = "../console/common.rs"]
mod common;
mod find;
mod import;
mod overview;
mod people;
mod self_service;

use otpost_core::Timestamp;
use otpost_core::ids::UserId;
use otpost_core::mail::Notice;
use otpost_core::mail::queue::{Matter, QueuedMail};
use otpost_core::user::User;
use otpost_ipc::admin::{AdminOp, AdminReply, SmsPolicySet, UserView};
use otpost_ipc::{Fault, FaultCode};
use otpost_store::document;

use common::Served;

/// A refusal with what it says.
fn refused<T: std::fmt::Debug>(answer: Result<T, Fault>) -> (FaultCode, String) {
    let fault = answer.unwrap_err();
    (fault.code, fault.message)
}

async fn shown(served: &Served, login: &str) -> UserView {
    let op = AdminOp::UserShow {
        user: login.to_owned(),
    };
    match served.ctl(op).await.unwrap() {
        AdminReply::User(user) => user,
        other => panic!("{other:?}"),
    }
}

/// The user as it is stored.
async fn stored(served: &Served, login: &str) -> User {
    let name = otpost_core::name::LoginName::parse(login).unwrap();
    let user = served.daemon.read(move |read| read.user_by_name(&name)).await;
    user.unwrap().unwrap()
}

/// Notices that wait for a user, with the addresses that they go to.
async fn mails(served: &Served, user: UserId) -> Vec<(String, Notice)> {
    let mails = served
        .daemon
        .read(move |read| document::of::<QueuedMail>(read, &user.0));
    let mails = mails.await.unwrap().into_iter();
    let notices = mails.filter_map(|mail| match mail.matter {
        Matter::Notice(notice) => Some((mail.to.to_string(), notice)),
        _ => None,
    });
    notices.collect()
}

async fn countries(served: &Served) {
    let set = SmsPolicySet {
        countries: Some(vec!["DE".to_owned()]),
        ..SmsPolicySet::default()
    };
    served.ctl(AdminOp::SmsPolicySet(set)).await.unwrap();
}

fn now(served: &Served) -> Timestamp {
    served.now()
}
