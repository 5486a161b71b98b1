//! One test for each row of the portal's table of cases: P1a to P10a, over HTTP, with the real programs.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

mod actions;
mod confirm;
mod enrol;
mod sign_in;
mod steps;

use otpost_ipc::admin::{AdminOp, ResourceSettings, SelfServiceSettings};
use otpost_tests::http::Answer;
use otpost_tests::person::{self, Person};
use otpost_tests::site::{Site, everything};
use otpost_tests::stack::Stack;

/// Address of the portal in these tests.
const VPN: &str = "vpn";

/// Daemon and site, a resource whose portal offers everything, users alice and bruno without a token.
struct Scene {
    stack: Stack,
    site: Site,
}

impl Scene {
    fn new() -> Self {
        Self::on(Stack::new())
    }

    /// With a wall clock of its own.
    fn timed() -> Self {
        Self::on(Stack::with_clock())
    }

    fn on(stack: Stack) -> Self {
        stack.inbox();
        stack.resource("VPN", everything(VPN));
        for login in ["alice", "bruno"] {
            person::user(&stack, login, &["VPN"]);
        }
        let site = Site::start(&stack);
        Self { stack, site }
    }

    fn somebody(&self) -> Person {
        Person::new(&self.site.base, VPN)
    }

    /// Alice, by her password alone.
    fn alice(&self) -> Person {
        let mut alice = self.somebody();
        alice.sign_in("alice");
        alice
    }

    /// Alice with a token for the number of `n`, in the session that enrolled it; and her recovery codes.
    fn with_token(&self, n: u16) -> (Person, Vec<String>) {
        let mut alice = self.alice();
        let codes = alice.enrol(&self.stack, n);
        (alice, codes)
    }

    fn set(&self, set: SelfServiceSettings) {
        self.stack.admin(AdminOp::ResourceSet {
            name: "VPN".to_owned(),
            set: ResourceSettings {
                self_service: Some(set),
                ..ResourceSettings::default()
            },
        });
    }

    /// Only these actions.
    fn allow(&self, actions: &[&str]) {
        self.set(SelfServiceSettings {
            actions: Some(actions.iter().map(|&a| a.to_owned()).collect()),
            ..SelfServiceSettings::default()
        });
    }

    fn tokens(&self, login: &str) -> usize {
        person::shown(&self.stack, login).tokens.len()
    }

    /// How often a reason stands in the audit log.
    fn times(&self, reason: &str) -> usize {
        self.stack.reasons().iter().filter(|r| *r == reason).count()
    }
}

/// The page without what is new in each answer: reference and nonce.
fn plain(answer: &Answer, names: &[&str]) -> String {
    let mut body = answer.body.clone();
    let policy = answer.header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    body = body.replace(nonce, "NONCE");
    if let Some((_, rest)) = body.clone().split_once("Reference <code>") {
        let reference = rest.split('<').next().unwrap();
        assert!([8, 10].contains(&reference.len()), "{reference}");
        body = body.replace(reference, "REFERENCE");
    }
    for name in names {
        body = body.replace(name, "NAME");
    }
    body
}

/// Headers without what is new in each answer.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let mut all = answer.headers.clone();
    for (name, value) in &mut all {
        if ["date", "x-request-id", "content-security-policy"].contains(&name.as_str()) {
            value.clear();
        }
    }
    all
}

fn words(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|&word| word.to_owned()).collect())
}
