//! An administrator at the console.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use otpost_ipc::admin::{AdminOp, AdminReply};

use crate::authenticator;
use crate::http::Http;
use crate::stack::Stack;

/// Password of the owner.
pub const OWNER_PASSWORD: &str = "Hafenkran-und-Moewe-7";

/// The first administrator, signed in.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The browser.
    pub http: Http,
    /// What the app knows.
    pub secret: String,
    /// Recovery codes.
    pub codes: Vec<String>,
    /// Secret of the link that made it.
    pub link: String,
}

impl Owner {
    /// The first one, called `login`.
    ///
    /// # Panics
    /// When the console does not let it happen.
    #[must_use]
    pub fn first(stack: &Stack, http: Http, login: &str) -> Self {
        match stack.admin(AdminOp::SetupLink) {
            AdminReply::AdminLink { link, .. } => Self::by_link(http, link.expose(), Some(login)),
            other => panic!("{other:?}"),
        }
    }

    /// Whoever a link is for; it asks for a `login` only where there is no administrator yet.
    ///
    /// # Panics
    /// When the console does not let it happen.
    #[must_use]
    pub fn by_link(mut http: Http, link: &str, login: Option<&str>) -> Self {
        let (_, path) = link.split_once("/setup").expect("a link");
        let path = format!("/setup{path}");
        let page = http.get(&path).is(200);
        let secret = page.field("totp").expect("a secret");
        let code = authenticator::code(&secret, 0);
        let mut fields = vec![("password", OWNER_PASSWORD), ("totp", &secret), ("code", &code)];
        fields.extend(login.map(|login| ("login", login)));
        let answer = http.post(&path, &fields).is(200);
        let (_, link) = path.rsplit_once(['/', '=']).expect("a secret");
        Self {
            codes: answer.list("codes"),
            link: link.to_owned(),
            http,
            secret,
        }
    }
}
