//! An enrolment that an administrator begins: the user reads the code out.

use axum::extract::Path;
use otpost_ipc::{
    admin::{AdminOp, AdminReply, UserView},
    portal::{EnrolState, EnrolmentView},
};

use super::{
    ask::{Answer, Ask},
    desk::{self, Desk, Halt, Page, Sent},
    entry::why,
    user::frame,
    words::user_path,
};
use crate::{PageError, ui::Errors};

fn page(desk: &Desk, user: &UserView, view: &EnrolmentView, mut errors: Errors) -> Page {
    let base = user_path(&user.login);
    if !view.why.is_empty() && view.state == EnrolState::Open {
        errors.add("code", why(desk.ctx.texts(), &view.why, &view.ask));
    }
    let f = frame(desk, user, desk.t("c-enrol"));
    let ended = match view.state {
        EnrolState::Open => None,
        EnrolState::Done => return desk.done(&base, "enrolled"),
        EnrolState::Cancelled => return desk.done(&base, "cancelled"),
        EnrolState::TriesUsed => Some("c-enrol-tries"),
        EnrolState::Expired => Some("c-enrol-expired"),
        EnrolState::NumberTaken => Some("c-enrol-taken"),
    };
    if let Some(key) = ended {
        let answer = Answer {
            f,
            mark: ("bad", "warning"),
            text: desk.t(key),
            facts: Vec::new(),
            again: Some((format!("{base}/do/enrol"), desk.t("try-again"))),
            back: base,
        };
        return desk::show(&answer.f, &desk.typed, &answer);
    }
    let mut code = desk.line("code", &desk.t("code"), "");
    // A code that was typed is no use a second time.
    code.value.clear();
    let code = code
        .hint(&desk.t("code-hint-digits").arg("digits", view.ask.digits))
        .more("inputmode=numeric autocomplete=off");
    let mut page = Ask::new(f, desk.t("confirm"), base)
        .lead(desk.t("c-enrol-read").arg("phone", view.phone.as_str()))
        .field(code)
        .other("cancel", desk.t("c-enrol-cancel"));
    if !view.ask.trouble.is_empty() {
        page = page.warn(desk.t("trouble-failed"));
    }
    page.show(desk, errors)
}

async fn ask(desk: &Desk, op: AdminOp) -> Result<EnrolmentView, Halt> {
    match desk.admin(op).await? {
        AdminReply::Enrolment(view) => Ok(*view),
        _ => Err(PageError::Internal.into()),
    }
}

/// Where it stands.
pub(super) async fn stands(Path((login, id)): Path<(String, String)>, desk: Desk) -> Page {
    let user = desk.user(&login).await?;
    let view = ask(&desk, AdminOp::EnrolStatus { enrolment: id }).await?;
    page(&desk, &user, &view, Errors::default())
}

/// Its code, or its end.
pub(super) async fn submit(Path((login, id)): Path<(String, String)>, sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let user = desk.user(&login).await?;
    let op = if form.has("cancel") {
        AdminOp::EnrolCancel { enrolment: id }
    } else {
        AdminOp::EnrolFinish {
            enrolment: id,
            code: form.code("code"),
        }
    };
    let view = ask(desk, op).await?;
    page(desk, &user, &view, Errors::default())
}
