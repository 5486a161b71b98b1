//! People who open the portal's link and set up their phone: over HTTP without thinking time, and in a browser.

use std::path::Path;
use std::sync::Arc;

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, UserAdd};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::first;
use crate::bench::otpost::Otpost;
use crate::bench::texts::Inbox;
use crate::bench::{Outcome, sys, wait_for};
use crate::browser::Browser;
use crate::http::Http;
use crate::person::Person;
use crate::stack::{PASSWORD, number};

/// Requests for pages and forms between the link and the page that shows the token.
pub(in crate::bench) const REQUESTS: usize = 10;

/// Milliseconds that somebody took from the link to the page that shows the token, and those of them until the text came.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::bench) struct Enrolment {
    pub(in crate::bench) all: f64,
    pub(in crate::bench) text: f64,
}

/// The same in a browser: the guide's steps, and with the scenario's detours.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::bench) struct Browsed {
    pub(in crate::bench) steps: u64,
    pub(in crate::bench) with_detours: u64,
}

/// Somebody who has a token now and is signed in.
#[derive(Debug)]
pub(super) struct Enrolled {
    pub(super) cookie: String,
    pub(super) token: String,
    pub(super) took: Enrolment,
}

/// A user of the portal with a password and without a token.
pub(super) fn make(otpost: &Otpost, login: &str) -> Outcome<()> {
    otpost.admin(AdminOp::UserAdd(UserAdd {
        login: login.to_owned(),
        password: Some(Secret::from(PASSWORD)),
        email: Some(format!("{login}@example.com")),
        resources: vec!["vpn".to_owned()],
        ..UserAdd::default()
    }))?;
    Ok(())
}

/// The cookies of a browser, as it sends them.
pub(super) fn cookie(http: &Http) -> String {
    let pairs: Vec<String> = http.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join("; ")
}

/// Signs in somebody without a token: the cookies.
pub(super) fn sign_in(mut http: Http, login: &str) -> String {
    let typed = [("user", login), ("password", PASSWORD)];
    let _ = http.forge("/s/vpn", &typed).leads("/s/vpn/home");
    cookie(&http)
}

/// Goes from the link to the page that shows the token as fast as the answers come. Every request is a connection of its own.
pub(super) fn enrol(
    base: &str,
    trust: &Arc<ClientConfig>,
    (login, n): (&str, u16),
    inbox: &mut Inbox,
) -> Outcome<Enrolled> {
    let mut person = Person::new(base, "vpn");
    person.http = person.http.trusting(Arc::clone(trust));
    let begun = sys::now();
    let link = person.get("").is(200);
    for path in first::needs(&link.body) {
        let _ = person.http.get(&path).is(200);
    }
    let typed = [("user", login), ("password", PASSWORD)];
    let _ = person.http.forge("/s/vpn", &typed).leads("/s/vpn/home");
    let _ = person.get("/home").is(200);
    let _ = person.get("/add").is(200);
    let sms = person.path("/add/sms");
    let _ = person.post("/add", &[("kind", "sms")]).leads(&sms);
    let form = person
        .get("/add/sms")
        .is(200)
        .field("form")
        .ok_or("a form without a name")?;
    let asked = sys::now();
    let answer = person.begin(&form, "My phone", &number(n), "6");
    let enrolment = person.enrolment(&answer);
    let _ = person.get(&format!("/enrol/{enrolment}")).is(200);
    let (mut code, to) = (None, number(n));
    wait_for("the text of an enrolment", || {
        inbox.read(|came| {
            if came.to == to {
                code = Some(came.digits);
            }
        })?;
        Ok(code.is_some().then_some(()))
    })?;
    let text = sys::now() - asked;
    let done = person
        .confirm(&enrolment, &code.unwrap_or_default())
        .is(200)
        .list("codes");
    let home = person.get("/home").is(200).says("My phone").says("Active");
    let all = sys::now() - begun;
    if done.len() != 10 {
        return Err(format!("{} recovery codes instead of 10", done.len()).into());
    }
    let token = home.body.split_once("/do/rename?token=");
    let token = token.and_then(|(_, rest)| rest.split('"').next());
    Ok(Enrolled {
        cookie: cookie(&person.http),
        token: token.ok_or("a home page without its token")?.to_owned(),
        took: Enrolment {
            all: all.as_secs_f64() * 1000.0,
            text: text.as_secs_f64() * 1000.0,
        },
    })
}

/// The browser tests' scenario of the guide, by somebody new to the browser.
pub(super) fn browse(
    browser: &Browser,
    base: &str,
    (login, n): (&str, u16),
    inbox: &Path,
) -> Outcome<Browsed> {
    let input = json!({
        "base": base,
        "inbox": inbox,
        "address": "vpn",
        "user": login,
        "password": PASSWORD,
        "phone": number(n),
    });
    let outcome = browser
        .scenario("selfservice", input)
        .self_signed()
        .within(crate::bench::PATIENCE * 3)
        .run();
    if let Some(failure) = &outcome.failure {
        return Err(format!("the scenario failed: {failure}\n{}", outcome.stderr).into());
    }
    // The guide's steps have a number; those without one are detours, or come after it.
    let guide = |name: &str| name.starts_with(|c: char| c.is_ascii_digit());
    let told = outcome
        .values
        .get("enrolled-ms")
        .and_then(serde_json::Value::as_u64);
    Ok(Browsed {
        steps: (outcome.steps.iter())
            .filter(|step| guide(&step.name))
            .map(|step| step.ms)
            .sum(),
        with_detours: told.ok_or("the scenario does not tell how long it took")?,
    })
}
