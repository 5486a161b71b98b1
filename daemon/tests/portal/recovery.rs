//! Recovery codes are for the portal where they were made.

use otpost_ipc::admin::{AdminOp, AdminReply};
use otpost_ipc::portal::{EnrolState, Method, Next, PortalOp, PortalReply, UserAct, UserOp};
use otpost_ipc::{FaultCode, Secret};

use crate::common::{
    HERE, PASSWORD, Served, Signed, answer, asked, browser, code_of, factor, methods, signed, wrong,
};

const OWN: &str = "+491712345670";
const STRANGE: &str = "+491712345679";

fn text(text: &str) -> String {
    text.to_owned()
}

/// Signs in to a portal with the password.
async fn knock(served: &Served, address: &str) -> Signed {
    let op = PortalOp::SignIn {
        address: text(address),
        user: text("alice"),
        password: PASSWORD.into(),
        invite: None,
        browser: browser(HERE),
    };
    signed(served.ask(op).await.unwrap())
}

async fn ask(served: &Served, address: &str, cookie: &Secret, op: UserOp) -> PortalReply {
    served.user_at(address, cookie, op).await.unwrap()
}

/// Signs in to a portal with the code of a text, which goes to `to`.
async fn by_text(served: &Served, address: &str, to: &str) -> Secret {
    let before = served.texts().len();
    let half = knock(served, address).await.session;
    let texts = served.until_texts(before + 1).await;
    let sent = texts.get(before).unwrap();
    assert_eq!(sent.to, to);
    let reply = ask(served, address, &half, factor(Method::Sms, &sent.code())).await;
    signed(reply).session
}

/// New codes, made on a portal with a fresh code by text.
async fn renew(served: &Served, address: &str, cookie: &Secret) -> Vec<Secret> {
    let before = served.texts().len();
    let act = UserAct::RenewRecovery;
    let PortalReply::StepUp { id, .. } = ask(served, address, cookie, UserOp::Act { act }).await else {
        panic!("a step-up")
    };
    let texts = served.until_texts(before + 1).await;
    let code = texts.get(before).unwrap().code();
    match ask(served, address, cookie, answer(&id, Method::Sms, &code)).await {
        PortalReply::Codes { codes } => codes,
        other => panic!("{other:?}"),
    }
}

/// Alice, with her own phone on `office`, and bound to `lab`.
async fn scene() -> Served {
    let served = Served::new().await;
    served.person("alice").await;
    served.resource("Lab", "lab").await;
    let user = text("alice");
    let resource = text("Lab");
    served.must(AdminOp::UserBind { user, resource }).await;
    served.token("alice", OWN).await;
    served
}

/// Somebody who administers `lab` alone enrols a phone of their own there.
async fn strange_token(served: &Served) {
    let before = served.texts().len();
    let start = AdminOp::EnrolStart {
        user: text("alice"),
        resource: text("Lab"),
        phone: STRANGE.into(),
        name: String::new(),
        digits: None,
    };
    let AdminReply::Enrolment(view) = served.must(start).await else {
        panic!("an enrolment")
    };
    let code = served.until_texts(before + 1).await.get(before).unwrap().code();
    let finish = AdminOp::EnrolFinish {
        enrolment: view.id,
        code,
    };
    let AdminReply::Enrolment(view) = served.must(finish).await else {
        panic!("an enrolment")
    };
    assert_eq!(view.state, EnrolState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_made_with_a_token_of_one_portal_open_no_other() {
    let served = scene().await;
    let office = by_text(&served, "office", OWN).await;
    let own = renew(&served, "office", &office).await;
    strange_token(&served).await;
    let lab = by_text(&served, "lab", STRANGE).await;
    // Neither seen nor touched from there.
    let home = async |address: &str, cookie: &Secret| match ask(&served, address, cookie, UserOp::Home).await
    {
        PortalReply::Home(home) => home.recovery_left,
        other => panic!("{other:?}"),
    };
    assert_eq!(home("lab", &lab).await, None);
    let strange = renew(&served, "lab", &lab).await;
    assert_eq!(home("lab", &lab).await, Some(10));
    assert_eq!(home("office", &office).await, Some(10));
    let half = knock(&served, "office").await.session;
    let taken = async |cookie: &Secret, address: &str, code: &Secret| match ask(
        &served,
        address,
        cookie,
        factor(Method::Recovery, code),
    )
    .await
    {
        PortalReply::Signed { next, .. } => next == Next::Home,
        PortalReply::Wrong { .. } => false,
        other => panic!("{other:?}"),
    };
    assert!(!taken(&half, "office", &strange[0]).await);
    assert!(taken(&half, "office", &own[0]).await);
    let half = knock(&served, "lab").await.session;
    assert!(!taken(&half, "lab", &own[1]).await);
    assert!(taken(&half, "lab", &strange[0]).await);
    assert_eq!(home("office", &office).await, Some(9));
    assert_eq!(home("lab", &lab).await, Some(9));
    // New ones take the place of those of their own portal alone.
    renew(&served, "lab", &lab).await;
    assert_eq!(home("office", &office).await, Some(9));
    assert_eq!(home("lab", &lab).await, Some(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_one_portal_are_not_offered_on_another_and_do_not_lift_its_lock() {
    let served = scene().await;
    strange_token(&served).await;
    let lab = by_text(&served, "lab", STRANGE).await;
    let strange = renew(&served, "lab", &lab).await;
    let waiting = knock(&served, "office").await;
    assert_eq!(methods(&asked(waiting.next)), [Method::Sms]);
    for _ in 0..5 {
        let guess = factor(Method::Sms, &"000000".into());
        wrong(ask(&served, "office", &waiting.session, guess).await);
    }
    let alice = served.stored("alice").await.id;
    let locked = async || {
        let guard = served.daemon.read(move |read| read.guard(alice)).await.unwrap();
        guard.lock_at(served.now()).is_some()
    };
    assert!(locked().await);
    // The lock holds on all portals, and what opens one of them does not give new tries at the tokens of the others.
    let half = knock(&served, "lab").await;
    assert_eq!(methods(&asked(half.next)), [Method::Recovery]);
    let reply = ask(
        &served,
        "lab",
        &half.session,
        factor(Method::Recovery, &strange[0]),
    );
    signed(reply.await);
    assert!(locked().await);
    // An administrator's codes are for all portals that the person is bound to.
    let codes = served.recovery("alice").await;
    let half = knock(&served, "lab").await;
    let reply = ask(&served, "lab", &half.session, factor(Method::Recovery, &codes[0]));
    signed(reply.await);
    assert!(!locked().await);
    let half = knock(&served, "office").await.session;
    let used = ask(&served, "office", &half, factor(Method::Recovery, &codes[0]));
    assert_eq!(wrong(used.await).0, "wrong", "each is good once, wherever");
    let reply = ask(&served, "office", &half, factor(Method::Recovery, &codes[1]));
    signed(reply.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_codes_are_made_on_each_portal() {
    let served = scene().await;
    let office = by_text(&served, "office", OWN).await;
    served.pass(1);
    let first = async |address: &str, cookie: &Secret| {
        served
            .user_at(address, cookie, UserOp::RecoveryFirst)
            .await
            .map(|reply| matches!(reply, PortalReply::Codes { .. }))
    };
    served.pass(1);
    let again = by_text(&served, "office", OWN).await;
    assert_eq!(first("office", &again).await, Ok(true));
    assert_eq!(code_of(first("office", &office).await), FaultCode::Conflict);
    strange_token(&served).await;
    served.pass(1);
    let lab = by_text(&served, "lab", STRANGE).await;
    assert_eq!(
        first("lab", &lab).await,
        Ok(true),
        "those of the office are others"
    );
}
