//! One user: what there is, and what can be done at once.

use askama::Template;
use axum::extract::Path;
use otpost_ipc::{
    admin::{AdminOp, AdminReply, AuditFilter, AuditView, RememberedView, TokenView, UserView},
    portal::SessionView,
};

use super::{
    desk::{Desk, Page, Sent, show},
    sentences,
    tables::{full_name, mark},
    user_acts::may,
    words::{exactly, path, reason, resource_path, segment, user_path, when},
};
use crate::{PageError, i18n::Text, ui::ConsoleFrame};

/// Acts that the page offers.
const ACTS: [&str; 11] = [
    "bypass",
    "profile",
    "password",
    "bind",
    "unbind",
    "token",
    "enrol",
    "invite",
    "one-day-code",
    "recovery",
    "delete",
];

/// Audit rows on the page.
const ACTIVITY: u32 = 8;

#[derive(Template)]
#[template(path = "console/user.html")]
struct UserPage {
    f: ConsoleFrame,
    base: String,
    may: bool,
    /// Words of the acts that would not be refused.
    acts: Vec<&'static str>,
    user: UserView,
    sessions: Vec<SessionView>,
    /// Sources from which a code holds for a while.
    remembered: Vec<RememberedView>,
    rows: Vec<AuditView>,
}

impl UserPage {
    fn to(&self, act: &str) -> String {
        format!("{}/do/{act}", self.base)
    }

    /// Whether an act would not be refused.
    fn can(&self, act: &str) -> bool {
        self.acts.contains(&act)
    }

    /// Whether a token can be changed by who is signed in.
    fn changes(&self, token: &TokenView) -> bool {
        self.may && !token.beyond
    }

    fn token(&self, token: &TokenView) -> String {
        format!("{}/tokens/{}", self.base, segment(&token.id))
    }

    fn resource(&self, name: &str) -> String {
        resource_path(name)
    }

    fn unbind(&self, name: &str) -> String {
        path(&self.to("unbind"), &[("resource", name)])
    }

    fn connections(&self) -> String {
        path("/connections", &[("user", &self.user.login)])
    }

    fn explain(&self) -> String {
        path("/explain", &[("user", &self.user.login)])
    }

    fn audit(&self) -> String {
        path("/audit", &[("user", &self.user.login)])
    }

    fn by_reference(&self, reference: &str) -> String {
        path("/audit", &[("ref", reference)])
    }

    fn when(&self, at: &u64) -> String {
        when(*at)
    }

    fn exactly(&self, at: &u64) -> String {
        exactly(*at)
    }

    fn mark(&self, row: &AuditView) -> (&'static str, &'static str) {
        mark(&row.kind)
    }

    fn what(&self, row: &AuditView) -> String {
        let parts = [
            Some(&row.reason)
                .filter(|code| *code != "admin")
                .map_or_else(String::new, |code| reason(&self.f, code)),
            row.resource.clone(),
            row.via.clone(),
            row.source.clone(),
            row.detail.clone(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    }

    fn way_in(&self) -> Text {
        self.f.t(if self.user.password {
            "c-way-password"
        } else if self.user.email.is_some() {
            "c-way-mail"
        } else {
            "c-no-way-in-text"
        })
    }
}

/// The frame of a page below a user.
pub(super) fn frame(desk: &Desk, user: &UserView, title: Text) -> ConsoleFrame {
    desk.frame("/users", title)
        .below(desk.t("nav-users"), "/users")
        .below(full_name(user), &user_path(&user.login))
}

/// The page of a user.
pub(super) async fn user(Path(login): Path<String>, desk: Desk) -> Page {
    let mut user = desk.user(&login).await?;
    user.locked = (user.locked).map(|why| sentences::remark(desk.ctx.texts(), &why));
    let login = user.login.clone();
    let AdminReply::Sessions { sessions } = desk.admin(AdminOp::UserSessions { user: login.clone() }).await?
    else {
        return Err(PageError::Internal.into());
    };
    let op = AdminOp::RememberedList { user: login.clone() };
    let AdminReply::Remembered { entries: remembered } = desk.admin(op).await? else {
        return Err(PageError::Internal.into());
    };
    let filter = AuditFilter {
        user: login.clone(),
        ..AuditFilter::default()
    };
    let op = AdminOp::AuditFind {
        filter,
        before: None,
        limit: ACTIVITY,
    };
    let AdminReply::AuditFound { rows, .. } = desk.admin(op).await? else {
        return Err(PageError::Internal.into());
    };
    let page = UserPage {
        f: desk
            .frame("/users", full_name(&user))
            .below(desk.t("nav-users"), "/users"),
        base: user_path(&login),
        may: desk.changes(),
        acts: ACTS.into_iter().filter(|act| may(&desk, &user, act)).collect(),
        user,
        sessions,
        remembered,
        rows,
    };
    show(&page.f, &desk.typed, &page)
}

/// What needs no more than a button: `act` says which.
pub(super) async fn act(Path(login): Path<String>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let user = login.clone();
    let (op, word) = match form.get("act") {
        "unlock" => (AdminOp::UserUnlock { user }, "unlocked"),
        "sign-out" => (AdminOp::UserSignOut { user }, "signed-out"),
        "forget" => {
            let id = Some(form.get("id").to_owned()).filter(|id| !id.is_empty());
            (AdminOp::RememberedRevoke { user, id }, "forgotten")
        }
        "bypass-off" => (AdminOp::UserBypass { user, seconds: 0 }, "bypass-ended"),
        _ => return Err(PageError::BadRequest.into()),
    };
    desk.admin(op).await?;
    desk.done(&user_path(&login), word)
}
