//! Setting up SMS in one step: name, number and code share a page. The code is asked for on it, and confirms the number all the same.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use otpost_ipc::{
    Secret,
    portal::{EnrolmentView, HomeView, PortalReply, UserOp},
};

use super::{
    code::{lost, trouble, why},
    enrol::{begun, form_name, query},
    visit::{Asked, Visit, refused_field},
};
use crate::{
    PageError,
    i18n::Text,
    ui::{self, Errors, SelfFrame},
    web::Posted,
};

/// The text that was asked for.
struct Sent {
    /// The number it goes to.
    to: String,
    arrives: bool,
    label: String,
    trouble: Option<Text>,
    digits: u8,
    minutes: u32,
    /// Seconds until another can be asked for; `None`: there is no other.
    wait: Option<u32>,
}

#[derive(Template)]
#[template(path = "self/once.html")]
pub(super) struct OncePage {
    f: SelfFrame,
    steps: Vec<Text>,
    action: String,
    back: String,
    form: String,
    replaces: String,
    name: String,
    phone: String,
    digits: String,
    choose: bool,
    /// Absent before the code is asked for.
    sent: Option<Sent>,
}

impl OncePage {
    fn wait(&self) -> u32 {
        let wait = self.sent.as_ref().and_then(|sent| sent.wait);
        wait.unwrap_or_default()
    }
}

fn steps(f: &SelfFrame) -> Vec<Text> {
    ["step-type", "step-number-code"]
        .iter()
        .map(|key| f.t(key))
        .collect()
}

/// The page before a code is asked for, with what was typed.
pub(super) fn empty(
    visit: &Visit,
    home: &HomeView,
    typed: impl Fn(&str) -> String,
    errors: Errors,
) -> Result<OncePage, PageError> {
    let f = visit.frame(&home.site).with_errors(errors);
    let replaces = typed("replaces");
    let old = home.tokens.iter().find(|token| token.id == replaces);
    let (form, name) = (typed("form"), typed("name"));
    Ok(OncePage {
        steps: steps(&f),
        f,
        action: visit.path("/add/sms"),
        back: visit.path(&format!("/add{}", query(&replaces))),
        form: if form.is_empty() { form_name()? } else { form },
        name: match old {
            Some(old) if name.is_empty() => old.name.clone(),
            _ => name,
        },
        phone: typed("phone"),
        digits: typed("digits"),
        choose: home.actions.choose_digits,
        replaces,
        sent: None,
    })
}

/// The page with a code on its way. `typed` is another number, and what is wrong with it.
pub(super) fn sent(
    visit: &Visit,
    home: &HomeView,
    enrolment: EnrolmentView,
    typed: Option<(&str, Text)>,
) -> Result<Response, PageError> {
    let f = visit.frame(&home.site);
    let ask = &enrolment.ask;
    let mut errors = Errors::default();
    if let Some((_, wrong)) = &typed {
        errors.add("phone", wrong.clone());
    } else if !enrolment.why.is_empty() {
        errors.add("code", why(&f, &enrolment.why, ask));
    }
    let failed = !errors.is_empty();
    let page = OncePage {
        steps: steps(&f),
        action: visit.path(&format!("/enrol/{}", enrolment.id)),
        back: String::new(),
        form: String::new(),
        replaces: String::new(),
        phone: typed.map_or_else(|| enrolment.phone.clone(), |(phone, _)| phone.to_owned()),
        digits: String::new(),
        choose: false,
        sent: Some(Sent {
            arrives: ask.sent && !lost(ask),
            label: ask.label.clone(),
            trouble: trouble(&f, ask),
            digits: ask.digits,
            minutes: ask.expires_in.div_ceil(60).max(1),
            wait: ask.resend_in,
            to: enrolment.phone,
        }),
        name: enrolment.name,
        f: f.with_errors(errors),
    };
    match failed {
        true => ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page),
        false => ui::page(&page),
    }
}

/// Digits and a leading plus: how a number is compared with one that was typed.
fn bare(phone: &str) -> String {
    phone
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect()
}

/// Where the number on the page is not the one that the code went to: a code goes to that one. `None`: it is the same.
pub(super) async fn other_number(
    visit: &Visit,
    id: &str,
    posted: &Posted,
) -> Result<Option<Response>, PageError> {
    if !posted.has("phone") {
        return Ok(None);
    }
    let reply = match visit.ask(UserOp::Enrolment { id: id.to_owned() }, None).await? {
        Asked::Reply(reply) => reply,
        Asked::Instead(response) => return Ok(Some(response)),
    };
    let PortalReply::Enrolment(enrolment) = reply else {
        return Err(PageError::Internal);
    };
    let phone = posted.trimmed("phone");
    if enrolment.kind != "sms" || bare(phone) == bare(&enrolment.phone) {
        return Ok(None);
    }
    let texts = visit.ctx.texts();
    let wrong = if phone.is_empty() {
        "phone-missing"
    } else {
        let ask = UserOp::EnrolNumber {
            id: id.to_owned(),
            phone: Secret::from(phone),
        };
        match visit.ask(ask, None).await {
            Ok(asked) => return begun(visit, asked, None).await.map(Some),
            Err(PageError::Daemon(error)) if refused_field(&error, &["phone"]).is_some() => "phone-wrong",
            Err(error) => return Err(error),
        }
    };
    match super::enrol::home(visit).await? {
        Ok(home) => sent(visit, &home, *enrolment, Some((phone, texts.get(wrong)))).map(Some),
        Err(response) => Ok(Some(response)),
    }
}
