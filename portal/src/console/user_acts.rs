//! What can be done to a user, each on a page of its own that says what it means: `/users/{login}/do/{act}`.

use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminReply, UserSet, UserView};

use super::{
    ask::{Ask, Kind, Once},
    desk::{Desk, Page, Sent},
    tables::full_name,
    user::frame,
    users::{self, aliases, profile},
    words::{segment, user_path, when},
};
use crate::{PageError, ui::Errors, web::Posted};

/// Spans of a bypass.
const SPANS: [(&str, &str); 5] = [
    ("900", "c-span-quarter"),
    ("3600", "c-span-hour"),
    ("14400", "c-span-four-hours"),
    ("86400", "c-span-day"),
    ("259200", "c-span-three-days"),
];

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Lock,
    Bypass,
    Profile,
    Password,
    Bind,
    Unbind,
    Token,
    Enrol,
    Invite,
    OneDayCode,
    Recovery,
    Delete,
}

impl Act {
    /// Word in the address, and what the page and its button say.
    const ALL: [(Self, &'static str, &'static str); 12] = [
        (Self::Lock, "lock", "c-lock-user"),
        (Self::Bypass, "bypass", "c-bypass-start"),
        (Self::Profile, "profile", "c-change-profile"),
        (Self::Password, "password", "c-set-password"),
        (Self::Bind, "bind", "c-bind"),
        (Self::Unbind, "unbind", "c-unbind"),
        (Self::Token, "token", "c-assign-token"),
        (Self::Enrol, "enrol", "c-enrol"),
        (Self::Invite, "invite", "c-invite"),
        (Self::OneDayCode, "one-day-code", "c-one-day-code"),
        (Self::Recovery, "recovery", "c-new-codes"),
        (Self::Delete, "delete", "c-delete-user"),
    ];

    fn named(word: &str) -> Result<(Self, &'static str), PageError> {
        (Self::ALL.iter())
            .find(|(_, own, _)| *own == word)
            .map(|(act, _, title)| (*act, *title))
            .ok_or(PageError::NotFound)
    }
}

/// Whether who is signed in may do that to this user. What holds on all resources of the user needs all of them.
pub(super) fn may(desk: &Desk, user: &UserView, word: &str) -> bool {
    let Ok((act, _)) = Act::named(word) else {
        return false;
    };
    match act {
        Act::Lock | Act::Invite | Act::Enrol => true,
        Act::Bypass | Act::OneDayCode => !user.beyond,
        Act::Bind | Act::Unbind | Act::Token => desk.changes(),
        Act::Profile | Act::Password | Act::Recovery | Act::Delete => desk.changes() && !user.beyond,
    }
}

/// The page of an act.
async fn ask(desk: &Desk, user: &UserView, (act, title): (Act, &'static str), errors: Errors) -> Page {
    let base = user_path(&user.login);
    let name = full_name(user);
    let page = Ask::new(frame(desk, user, desk.t(title)), desk.t(title), base);
    let named = |key: &str| desk.t(key).arg("name", name.as_str());
    let page = match act {
        Act::Lock => page.danger(named("c-lock-text")).field(
            desk.line("why", &desk.t("c-why"), "")
                .hint(&desk.t("c-why-hint"))
                .more("maxlength=200"),
        ),
        Act::Bypass => {
            let spans = SPANS
                .iter()
                .map(|(value, key)| ((*value).to_owned(), desk.t(key).to_string()))
                .collect();
            page.danger(named("c-bypass-text")).field(desk.select(
                "seconds",
                &desk.t("c-bypass-for"),
                spans,
                "3600",
            ))
        }
        Act::Profile => {
            let email = user.email.as_deref().unwrap_or_default();
            page.fields(profile(desk, (&user.first_name, &user.last_name, email)))
                .field(aliases(desk, &user.aliases.join(", ")))
                .field(users::groups(desk, &user.groups.join(", ")))
        }
        Act::Password => page
            .warn(named(if user.password {
                "c-password-text"
            } else {
                "c-password-first-text"
            }))
            .field(
                desk.secret("password", &desk.t("c-new-password"))
                    .hint(&desk.t("c-user-password-rule")),
            ),
        Act::Bind => {
            let mut all = desk.resource_names().await?;
            all.retain(|one| !user.resources.contains(one));
            page.lead(named("c-bind-text")).field(desk.select(
                "resource",
                &desk.t("c-resource"),
                Desk::choices(&all),
                "",
            ))
        }
        Act::Unbind => {
            let resource = desk.query("resource");
            if !user.resources.iter().any(|own| own == resource) {
                return Err(PageError::NotFound.into());
            }
            page.danger(named("c-unbind-text").arg("resource", resource))
        }
        Act::Token => page
            .warn(desk.t("c-assign-token-text"))
            .field(phone(desk))
            .field(token_name(desk))
            .field(digits(desk, &["", "6", "7", "8"]))
            .field(
                desk.checks("resources", &desk.t("c-guards"), &user.resources, &user.resources)
                    .hint(&desk.t(if user.beyond {
                        "c-guards-some"
                    } else {
                        "c-guards-hint"
                    })),
            ),
        Act::Enrol => page
            .lead(desk.t("c-enrol-text"))
            .field(desk.select(
                "resource",
                &desk.t("c-resource"),
                Desk::choices(&user.resources),
                "",
            ))
            .field(phone(desk))
            .field(token_name(desk))
            .field(digits(desk, &["", "6", "8"])),
        Act::Invite => page
            .lead(named(if user.email.is_some() {
                "c-invite-text-mail"
            } else {
                "c-invite-text"
            }))
            .field(desk.select(
                "resource",
                &desk.t("c-resource"),
                Desk::choices(&user.resources),
                "",
            )),
        Act::OneDayCode => page.warn(named("c-one-day-text")),
        Act::Recovery => page.warn(named("c-recovery-renew-text")),
        Act::Delete => {
            let text = named("c-delete-user-text").arg("tokens", user.tokens.len());
            page.danger(text).field(
                desk.line(
                    "login",
                    &desk.t("c-type-login").arg("login", user.login.as_str()),
                    "",
                )
                .more("autocapitalize=none spellcheck=false"),
            )
        }
    };
    page.show(desk, errors)
}

fn phone(desk: &Desk) -> super::ask::Field {
    desk.line("phone", &desk.t("phone-number"), "")
        .kind(Kind::Phone)
        .hint(&desk.t("phone-hint"))
}

fn token_name(desk: &Desk) -> super::ask::Field {
    desk.line("name", &desk.t("c-token-name"), "")
        .hint(&desk.t("c-token-name-hint"))
        .more("maxlength=50")
}

fn digits(desk: &Desk, offered: &[&str]) -> super::ask::Field {
    let words = |digits: &&str| match digits.parse::<u8>() {
        Ok(number) => (
            (*digits).to_owned(),
            desk.t("c-digits").arg("digits", number).to_string(),
        ),
        Err(_) => (String::new(), desk.t("c-digits-default").to_string()),
    };
    desk.select(
        "digits",
        &desk.t("c-otp-length"),
        offered.iter().map(words).collect(),
        "",
    )
}

/// Form of an act.
pub(super) async fn form(Path((login, act)): Path<(String, String)>, desk: Desk) -> Page {
    let named = Act::named(&act)?;
    let user = desk.user(&login).await?;
    desk.only(may(&desk, &user, &act))?;
    ask(&desk, &user, named, Errors::default()).await
}

/// What a form asks of the daemon, or what is missing in it.
fn op(desk: &Desk, user: &UserView, act: Act, form: &Posted) -> Result<AdminOp, Errors> {
    let login = user.login.clone();
    let text = |name: &str| form.trimmed(name).to_owned();
    let need = |field: &str, key: &str| {
        let mut errors = Errors::default();
        if form.trimmed(field).is_empty() {
            errors.add(field, desk.t(key));
            return Err(errors);
        }
        Ok(text(field))
    };
    Ok(match act {
        Act::Lock => AdminOp::UserLock {
            user: login,
            why: need("why", "c-why-missing")?,
        },
        Act::Bypass => AdminOp::UserBypass {
            user: login,
            // 0 would end one.
            seconds: form
                .get("seconds")
                .parse()
                .ok()
                .filter(|s| *s > 0)
                .unwrap_or(3600),
        },
        Act::Profile => AdminOp::UserSet(UserSet {
            user: login,
            email: Some(text("email")),
            aliases: Some(users::names(form.get("aliases"))),
            groups: Some(users::listed(form.get("groups"))),
            first_name: Some(text("first-name")),
            last_name: Some(text("last-name")),
            ..UserSet::default()
        }),
        Act::Password => {
            need("password", "password-missing")?;
            AdminOp::UserSet(UserSet {
                user: login,
                password: Some(form.secret("password")),
                ..UserSet::default()
            })
        }
        Act::Bind => AdminOp::UserBind {
            user: login,
            resource: need("resource", "c-resource-missing")?,
        },
        Act::Unbind => AdminOp::UserUnbind {
            user: login,
            resource: desk.query("resource").to_owned(),
        },
        Act::Token => {
            need("phone", "phone-missing")?;
            if user.beyond && form.all("resources").next().is_none() {
                let mut errors = Errors::default();
                errors.add("resources", desk.t("c-resource-missing"));
                return Err(errors);
            }
            AdminOp::TokenAdd {
                user: login,
                phone: form.secret("phone"),
                name: text("name"),
                digits: form.get("digits").parse().ok(),
                resources: form.all("resources").map(str::to_owned).collect(),
            }
        }
        Act::Enrol => {
            need("phone", "phone-missing")?;
            AdminOp::EnrolStart {
                user: login,
                resource: need("resource", "c-resource-missing")?,
                phone: form.secret("phone"),
                name: text("name"),
                digits: form.get("digits").parse().ok(),
            }
        }
        Act::Invite => AdminOp::UserInvite {
            user: login,
            resource: need("resource", "c-resource-missing")?,
        },
        Act::OneDayCode => AdminOp::UserOneDayCode { user: login },
        Act::Recovery => AdminOp::UserRecovery { user: login },
        Act::Delete => {
            if form.trimmed("login") != user.login {
                let mut errors = Errors::default();
                errors.add("login", desk.t("c-type-login-wrong"));
                return Err(errors);
            }
            AdminOp::UserRemove { user: login }
        }
    })
}

/// What was done.
const fn said(act: Act) -> &'static str {
    match act {
        Act::Lock => "locked",
        Act::Bypass => "bypass",
        Act::Profile => "saved",
        Act::Password => "password",
        Act::Bind => "bound",
        Act::Unbind => "unbound",
        Act::Token => "added",
        Act::Enrol | Act::OneDayCode | Act::Recovery | Act::Invite => "saved",
        Act::Delete => "removed",
    }
}

/// An act.
pub(super) async fn submit(Path((login, act)): Path<(String, String)>, sent: Sent) -> Page {
    const FIELDS: [(&str, &str); 9] = [
        ("password", "password"),
        ("phone", "phone"),
        ("number", "phone"),
        ("e-mail", "email"),
        ("alias", "aliases"),
        ("group", "groups"),
        ("digits", "digits"),
        ("name", "name"),
        ("reason", "why"),
    ];
    let Sent { desk, form } = &sent;
    let (act, title) = Act::named(&act)?;
    let user = desk.user(&login).await?;
    let first = match act {
        Act::Profile => "first-name",
        Act::Password => "password",
        Act::Token | Act::Enrol => "phone",
        Act::Delete => "login",
        Act::Lock => "why",
        Act::Bypass => "seconds",
        _ => "resource",
    };
    let op = match op(desk, &user, act, form) {
        Ok(op) => op,
        Err(errors) => return ask(desk, &user, (act, title), errors).await,
    };
    let reply = match desk.attempt(op).await? {
        Ok(reply) => reply,
        Err(fault) => {
            let errors = desk.refusal(&fault, &FIELDS, first);
            return ask(desk, &user, (act, title), errors).await;
        }
    };
    answered(desk, &user, act, reply)
}

/// Where an act leads.
fn answered(desk: &Desk, user: &UserView, act: Act, reply: AdminReply) -> Page {
    let base = user_path(&user.login);
    let once = |key: &str| frame(desk, user, desk.t(key));
    let until = |until| desk.t("c-good-until").arg("when", when(until));
    let page = match reply {
        AdminReply::OneDayCode { code, until: end } => {
            let words = (desk.t("c-one-day-give"), desk.t("code"));
            Once::secret(once("c-one-day-code"), words, code, base).until(until(end))
        }
        AdminReply::RecoveryCodes { codes } => {
            Once::codes(once("c-recovery-codes"), desk.t("c-recovery-give"), codes, base)
        }
        AdminReply::Invited {
            link,
            until: end,
            mailed,
        } => {
            let key = if mailed {
                "c-invited-mailed"
            } else {
                "c-invited-give"
            };
            let words = (desk.t(key), desk.t("c-link"));
            Once::secret(once("c-invite"), words, link, base).until(until(end))
        }
        AdminReply::Enrolment(view) => {
            let to = format!("{base}/enrolments/{}", segment(&view.id));
            return Ok(axum::response::IntoResponse::into_response(
                axum::response::Redirect::to(&to),
            ));
        }
        _ if act == Act::Delete => return desk.done("/users", said(act)),
        _ => return desk.done(&base, said(act)),
    };
    page.show()
}
