//! The page after sign-in: tokens, profile, sessions.

use askama::Template;
use axum::{extract::Query, response::Response};
use otpost_ipc::portal::{HomeView, PortalReply, TokenCard, UserOp};
use serde::Deserialize;

use super::visit::{Asked, Visit};
use crate::{
    PageError,
    i18n::Text,
    ui::{self, SelfFrame},
};

/// What was just done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "self/home.html")]
struct HomePage {
    f: SelfFrame,
    base: String,
    home: HomeView,
    done: Option<Text>,
}

/// What is said once after an act.
const SAID: [&str; 18] = [
    "rename",
    "unassign",
    "change-phone",
    "reissue",
    "assign-existing",
    "prefer",
    "test-text",
    "synchronise",
    "password",
    "email",
    "email-asked",
    "login",
    "names",
    "language",
    "end-session",
    "end-other-sessions",
    "enroll",
    "cancelled",
];

impl HomePage {
    fn may(&self, action: &str) -> bool {
        self.home.actions.allowed.iter().any(|allowed| allowed == action)
    }

    /// The name to greet with.
    fn greeted(&self) -> &str {
        let profile = &self.home.profile;
        if profile.first.is_empty() {
            &profile.login
        } else {
            &profile.first
        }
    }

    fn full_name(&self) -> String {
        let profile = &self.home.profile;
        format!("{} {}", profile.first, profile.last).trim().to_owned()
    }

    fn line(&self, token: &TokenCard) -> Text {
        line(&self.f, token)
    }

    /// Country code and last digits of an SMS token's number.
    fn number<'t>(&self, token: &'t TokenCard) -> Option<(&'t str, &'t str)> {
        token.phone.split_once(HIDDEN)
    }

    fn why_not(&self) -> Text {
        self.f.t(match self.home.actions.why_not.as_str() {
            "deadline" => "empty-deadline",
            "invite" => "empty-invite",
            _ => "empty-off",
        })
    }
}

/// What the daemon puts for the digits that nobody needs to see.
const HIDDEN: &str = " *** *** ";

/// `SMS to +44 ••• ••• 82`.
pub(super) fn line(f: &SelfFrame, token: &TokenCard) -> Text {
    if token.kind == "totp" {
        return f.t("token-line-totp");
    }
    f.t("token-line-sms").arg("phone", token.phone.replace('*', "•"))
}

/// The page after sign-in.
pub(super) async fn show(visit: Visit, Query(done): Query<Done>) -> Result<Response, PageError> {
    let mut home = match visit.ask(UserOp::Home, None).await? {
        Asked::Reply(PortalReply::Home(home)) => *home,
        Asked::Reply(_) => return Err(PageError::Internal),
        Asked::Instead(response) => return Ok(response),
    };
    // Oldest first, the preferred one on top.
    home.tokens.sort_by_key(|token| !token.preferred);
    let lang = home.lang.clone();
    let visit = Visit {
        ctx: visit.ctx.clone().in_language(&lang),
        ..visit
    };
    let f = visit.frame(&home.site);
    let done = done
        .done
        .filter(|word| SAID.contains(&word.as_str()))
        .map(|word| f.t(&format!("said-{word}")));
    let shown = format!("{} {}", home.profile.first, home.profile.last);
    let shown = match shown.trim() {
        "" => home.profile.login.clone(),
        name => name.to_owned(),
    };
    let f = f.signed_in(&shown, visit.path("/sign-out"));
    ui::page(&HomePage {
        f,
        base: visit.path(""),
        home,
        done,
    })
}
