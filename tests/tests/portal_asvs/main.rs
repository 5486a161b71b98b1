//! What OWASP ASVS 5 asks of the portal, over HTTP, with the real programs: routes, headers, cookies, sessions, objects, secrets.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

mod objects;
mod routes;
mod secrets;
mod sessions;

use otpost_tests::http::Http;
use otpost_tests::owner::Owner;
use otpost_tests::person::{self, Person};
use otpost_tests::site::{Site, everything};
use otpost_tests::stack::Stack;

/// Daemon and site, a resource whose portal offers everything, users alice and bruno without a token.
struct Scene {
    stack: Stack,
    site: Site,
}

impl Scene {
    fn new() -> Self {
        Self::on(Stack::new())
    }

    fn on(stack: Stack) -> Self {
        prepare(&stack);
        let site = Site::start(&stack);
        Self { stack, site }
    }

    fn somebody(&self) -> Person {
        Person::new(&self.site.base, "vpn")
    }

    fn signed_in(&self, login: &str) -> Person {
        let mut person = self.somebody();
        person.sign_in(login);
        person
    }

    fn owner(&self) -> Owner {
        Owner::first(&self.stack, Http::new(&self.site.console), "mara")
    }
}

fn prepare(stack: &Stack) {
    stack.inbox();
    stack.resource("VPN", everything("vpn"));
    for login in ["alice", "bruno"] {
        person::user(stack, login, &["VPN"]);
    }
}
