//! One's own account: password, recovery codes, sessions.

use askama::Template;
use otpost_ipc::portal::{ConsoleOp, PortalReply};

use super::{
    ask::{Ask, Once},
    desk::{Account, Desk, Halt, Page, Sent, role_key, show},
    entry::why,
    sentences,
    words::when,
};
use crate::{
    PageError,
    backend::BackendError,
    ui::{ConsoleFrame, Errors},
};

#[derive(Template)]
#[template(path = "console/account.html")]
struct AccountPage {
    f: ConsoleFrame,
    account: Account,
    role: &'static str,
}

impl AccountPage {
    fn when(&self, at: &u64) -> String {
        when(*at)
    }

    fn others(&self) -> bool {
        self.account.sessions.iter().any(|session| !session.own)
    }
}

/// The page.
pub(super) async fn account(desk: Desk) -> Page {
    let page = AccountPage {
        f: desk.frame("/account", desk.t("account")),
        role: role_key(desk.account.rank),
        account: desk.account.clone(),
    };
    show(&page.f, &desk.typed, &page)
}

/// Ends the other sessions.
pub(super) async fn end_others(sent: Sent) -> Page {
    sent.desk.ask(ConsoleOp::EndOtherSessions).await?;
    sent.desk.done("/account", "signed-out")
}

fn password_form(desk: &Desk, errors: Errors) -> Page {
    let f = desk
        .frame("/account", desk.t("c-change-password"))
        .below(desk.t("account"), "/account");
    Ask::new(f, desk.t("c-change-password"), "/account")
        .lead(desk.t("c-own-password-lead"))
        .field(desk.secret("current", &desk.t("c-current-password")))
        .field(
            desk.secret("new", &desk.t("c-new-password"))
                .hint(&desk.t("c-setup-password-hint")),
        )
        .field(code_field(desk))
        .show(desk, errors)
}

fn code_field(desk: &Desk) -> super::ask::Field {
    let mut field = desk
        .line("code", &desk.t("code"), "")
        .hint(&desk.t("code-hint-totp"));
    // A code that was typed is no use a second time.
    field.value.clear();
    field.more("inputmode=numeric maxlength=12")
}

/// Form: a new password.
pub(super) async fn password(desk: Desk) -> Page {
    password_form(&desk, Errors::default())
}

/// What the daemon said to a form of this page: done, or what is wrong.
async fn answered(desk: &Desk, ask: ConsoleOp) -> Result<Result<PortalReply, Errors>, Halt> {
    let mut errors = Errors::default();
    match desk.ask(ask).await {
        Ok(PortalReply::Wrong { ask, why: word }) => {
            let field = if word == "password" { "current" } else { "code" };
            errors.add(field, why(desk.ctx.texts(), &word, &ask));
        }
        Ok(reply) => return Ok(Ok(reply)),
        Err(Halt::Error(PageError::Daemon(BackendError::Refused(fault))))
            if fault.code == otpost_ipc::FaultCode::Invalid =>
        {
            errors.add("new", sentences::refused(desk.ctx.texts(), &fault.message));
        }
        Err(halt) => return Err(halt),
    }
    Ok(Err(errors))
}

/// The new password.
pub(super) async fn set_password(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let mut errors = Errors::default();
    if form.get("current").is_empty() {
        errors.add("current", desk.t("password-missing"));
    }
    if form.get("new").chars().count() < 12 {
        errors.add("new", desk.t("c-password-short"));
    }
    if form.code("code").expose().is_empty() {
        errors.add("code", desk.t("c-code-missing"));
    }
    if !errors.is_empty() {
        return password_form(desk, errors);
    }
    let ask = ConsoleOp::Password {
        current: form.secret("current"),
        new: form.secret("new"),
        code: form.code("code"),
    };
    match answered(desk, ask).await? {
        Ok(_) => desk.done("/account", "password"),
        Err(errors) => password_form(desk, errors),
    }
}

fn recovery_form(desk: &Desk, errors: Errors) -> Page {
    let f = desk
        .frame("/account", desk.t("c-new-codes"))
        .below(desk.t("account"), "/account");
    Ask::new(f, desk.t("c-new-codes"), "/account")
        .warn(desk.t("c-own-codes-lead"))
        .field(code_field(desk))
        .show(desk, errors)
}

/// Form: new recovery codes.
pub(super) async fn recovery(desk: Desk) -> Page {
    recovery_form(&desk, Errors::default())
}

/// The new codes, once.
pub(super) async fn renew_recovery(sent: Sent) -> Page {
    let Sent { desk, form } = &sent;
    let code = form.code("code");
    if code.expose().is_empty() {
        let mut errors = Errors::default();
        errors.add("code", desk.t("c-code-missing"));
        return recovery_form(desk, errors);
    }
    match answered(desk, ConsoleOp::RenewRecovery { code }).await? {
        Ok(PortalReply::Codes { codes }) => {
            let f = desk
                .frame("/account", desk.t("c-recovery-codes"))
                .below(desk.t("account"), "/account");
            Once::codes(f, desk.t("c-setup-codes-lead"), codes, "/account".to_owned()).show()
        }
        Ok(_) => Err(PageError::Internal.into()),
        Err(errors) => recovery_form(desk, errors),
    }
}
