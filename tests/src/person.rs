//! Somebody at the self-service pages.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use otpost_ipc::admin::{AdminOp, AdminReply, UserAdd, UserView};

use crate::http::{Answer, Http};
use crate::stack::{PASSWORD, Stack, Texted, number};

/// A browser on one portal.
#[derive(Debug, Clone)]
pub struct Person {
    /// The browser.
    pub http: Http,
    address: String,
}

impl Person {
    /// Comes to the portal at `address`.
    #[must_use]
    pub fn new(base: &str, address: &str) -> Self {
        Self {
            http: Http::new(base),
            address: address.to_owned(),
        }
    }

    /// A path of the portal.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/s/{}{rest}", self.address)
    }

    /// A page.
    pub fn get(&mut self, rest: &str) -> Answer {
        self.http.get(&self.path(rest))
    }

    /// A page, and what it leads to.
    pub fn open(&mut self, rest: &str) -> Answer {
        self.http.open(&self.path(rest))
    }

    /// A form, as its page sends it.
    pub fn post(&mut self, rest: &str, fields: &[(&str, &str)]) -> Answer {
        self.http.post(&self.path(rest), fields)
    }

    /// User name and password.
    pub fn knock(&mut self, user: &str, password: &str) -> Answer {
        self.post("", &[("user", user), ("password", password)])
    }

    /// Signs in where no second factor is asked for.
    #[track_caller]
    pub fn sign_in(&mut self, user: &str) {
        let home = self.path("/home");
        let _ = self.knock(user, PASSWORD).leads(&home);
    }

    /// Signs in with the code of a text.
    #[track_caller]
    pub fn sign_in_by_text(&mut self, user: &str, stack: &Stack) {
        let texts = stack.settled();
        let _ = self.knock(user, PASSWORD).leads(&self.path("/code"));
        let code = stack.text_after(texts).code();
        let _ = self.code("sms", &code).leads(&self.path("/home"));
    }

    /// A code at sign-in.
    pub fn code(&mut self, method: &str, code: &str) -> Answer {
        self.post("/code", &[("method", method), ("code", code)])
    }

    /// The form of an SMS token, with the name of a form of its own.
    pub fn begin(&mut self, form: &str, name: &str, phone: &str, digits: &str) -> Answer {
        self.post(
            "/add/sms",
            &[
                ("form", form),
                ("name", name),
                ("phone", phone),
                ("digits", digits),
            ],
        )
    }

    /// Begins an enrolment of the number with four digits of `n`: its id and text.
    #[track_caller]
    pub fn begun(&mut self, stack: &Stack, n: u16) -> (String, Texted) {
        let texts = stack.settled();
        let answer = self.begin(&format!("form-{n}"), "Phone", &number(n), "6").is(303);
        (self.enrolment(&answer), stack.text_after(texts))
    }

    /// The id in the address of an enrolment's page.
    ///
    /// # Panics
    /// When the answer leads elsewhere.
    #[must_use]
    #[track_caller]
    pub fn enrolment(&self, answer: &Answer) -> String {
        id_after(answer, &self.path("/enrol/"))
    }

    /// The id in the address of a step-up's page.
    ///
    /// # Panics
    /// When the answer leads elsewhere.
    #[must_use]
    #[track_caller]
    pub fn step_up(&self, answer: &Answer) -> String {
        id_after(answer, &self.path("/confirm/"))
    }

    /// The code of an enrolment.
    pub fn confirm(&mut self, enrolment: &str, code: &str) -> Answer {
        self.post(&format!("/enrol/{enrolment}"), &[("code", code)])
    }

    /// The fresh code of a step-up.
    pub fn prove(&mut self, step_up: &str, method: &str, code: &str) -> Answer {
        self.post(
            &format!("/confirm/{step_up}"),
            &[("method", method), ("code", code)],
        )
    }

    /// An SMS token for the number with four digits of `n`: the recovery codes that come with the first.
    #[track_caller]
    pub fn enrol(&mut self, stack: &Stack, n: u16) -> Vec<String> {
        let (id, text) = self.begun(stack, n);
        let done = self.confirm(&id, &text.code());
        done.list("codes")
    }
}

#[track_caller]
fn id_after(answer: &Answer, path: &str) -> String {
    let id = answer.to().strip_prefix(path);
    let id = id.unwrap_or_default();
    assert!(
        !id.is_empty(),
        "{} to {:?}: {}",
        answer.status,
        answer.to(),
        answer.words()
    );
    id.to_owned()
}

/// A user without a token, with [`PASSWORD`] and an address of their own.
pub fn user(stack: &Stack, login: &str, resources: &[&str]) {
    stack.admin(AdminOp::UserAdd(UserAdd {
        login: login.to_owned(),
        password: Some(PASSWORD.into()),
        email: Some(format!("{login}@example.com")),
        resources: resources.iter().map(|&r| r.to_owned()).collect(),
        ..UserAdd::default()
    }));
}

/// As administrators see them.
///
/// # Panics
/// When the daemon answers something else.
#[must_use]
pub fn shown(stack: &Stack, login: &str) -> UserView {
    match stack.admin(AdminOp::UserShow {
        user: login.to_owned(),
    }) {
        AdminReply::User(user) => Some(user),
        _ => None,
    }
    .expect("a user")
}

/// Digits that are not the code.
#[must_use]
pub fn wrong(code: &str) -> String {
    let flip = |c: char| if c == '0' { '1' } else { '0' };
    code.chars().map(flip).collect()
}
