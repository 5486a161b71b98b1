//! Add Token: the kind, the number, the code.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use otpost_ipc::{
    Secret,
    portal::{EnrolState, EnrolmentView, HomeView, PortalReply, UserOp},
};
use serde::Deserialize;

use super::{
    act::{codes_page, outcome},
    code::{lost, trouble, why},
    kept::{self, Kept},
    visit::{Asked, Visit, refused_field},
};
use crate::{
    PageError,
    i18n::Text,
    sys,
    ui::{self, Errors, Qr, SelfFrame},
    web::Posted,
};

#[derive(Template)]
#[template(path = "self/choose.html")]
struct ChoosePage {
    f: SelfFrame,
    action: String,
    back: String,
    totp: bool,
    sms: bool,
    replaces: String,
    steps: Vec<Text>,
}

#[derive(Template)]
#[template(path = "self/sms.html")]
struct SmsPage {
    f: SelfFrame,
    action: String,
    back: String,
    form: String,
    name: String,
    phone: String,
    digits: String,
    choose: bool,
    two_steps: bool,
    replaces: String,
    steps: Vec<Text>,
}

#[derive(Template)]
#[template(path = "self/totp.html")]
struct TotpPage {
    f: SelfFrame,
    action: String,
    back: String,
    form: String,
    name: String,
    replaces: String,
    steps: Vec<Text>,
}

#[derive(Template)]
#[template(path = "self/enrol.html")]
struct EnrolPage {
    f: SelfFrame,
    action: String,
    number: String,
    home: String,
    add: String,
    enrolment: EnrolmentView,
    qr: Option<Qr>,
    secret: String,
    steps: Vec<Text>,
    trouble: Option<Text>,
}

#[derive(Template)]
#[template(path = "self/number.html")]
struct NumberPage {
    f: SelfFrame,
    action: String,
    back: String,
    phone: String,
    steps: Vec<Text>,
}

/// A token that is to be replaced.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Replaces {
    replaces: String,
}

impl EnrolPage {
    fn open(&self) -> bool {
        self.enrolment.state == EnrolState::Open
    }

    fn sms(&self) -> bool {
        self.enrolment.kind == "sms"
    }

    /// Whether the text is on its way, or there.
    fn arrives(&self) -> bool {
        self.enrolment.ask.sent && !lost(&self.enrolment.ask)
    }

    fn wait(&self) -> u32 {
        self.enrolment.ask.resend_in.unwrap_or_default()
    }

    fn minutes(&self) -> u32 {
        self.enrolment.ask.expires_in.div_ceil(60).max(1)
    }

    fn ended(&self) -> Text {
        self.f.t(match self.enrolment.state {
            EnrolState::TriesUsed => "enrol-tries-used",
            EnrolState::Cancelled => "enrol-cancelled",
            EnrolState::NumberTaken => "enrol-number-taken",
            _ => "enrol-expired",
        })
    }
}

/// 1 Type, 2 Your number, 3 Confirm.
fn steps(f: &SelfFrame) -> Vec<Text> {
    ["step-type", "step-number", "step-confirm"]
        .iter()
        .map(|key| f.t(key))
        .collect()
}

/// The home page's facts, or what to show instead.
async fn home(visit: &Visit) -> Result<Result<Box<HomeView>, Response>, PageError> {
    match visit.ask(UserOp::Home, None).await? {
        Asked::Reply(PortalReply::Home(home)) => Ok(Ok(home)),
        Asked::Reply(_) => Err(PageError::Internal),
        Asked::Instead(response) => Ok(Err(response)),
    }
}

fn query(replaces: &str) -> String {
    if replaces.is_empty() {
        return String::new();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("replaces", replaces)
        .finish();
    format!("?{query}")
}

/// Whether a token may be set up, or the one that is named replaced.
fn may(home: &HomeView, kind: &str, replaces: &str) -> bool {
    let replaced = home.tokens.iter().find(|token| token.id == replaces);
    match replaced {
        Some(_) => home.actions.allowed.iter().any(|action| action == "reissue"),
        None => replaces.is_empty() && home.actions.kinds.iter().any(|offered| offered == kind),
    }
}

/// Add Token: which kind.
pub(super) async fn choose(visit: Visit, Query(replaces): Query<Replaces>) -> Result<Response, PageError> {
    let home = match home(&visit).await? {
        Ok(home) => home,
        Err(response) => return Ok(response),
    };
    let (sms, totp) = (
        may(&home, "sms", &replaces.replaces),
        may(&home, "totp", &replaces.replaces),
    );
    if !sms && !totp {
        return Err(PageError::Forbidden);
    }
    let f = visit.frame(&home.site);
    let steps = steps(&f);
    ui::page(&ChoosePage {
        f,
        action: visit.path("/add"),
        back: visit.path("/home"),
        totp,
        sms,
        replaces: replaces.replaces,
        steps,
    })
}

/// The kind was chosen.
pub(super) async fn chosen(visit: Visit, posted: Posted) -> Result<Response, PageError> {
    let query = query(posted.get("replaces"));
    match posted.get("kind") {
        "sms" => Ok(visit.to(&format!("/add/sms{query}"))),
        "totp" => Ok(visit.to(&format!("/add/totp{query}"))),
        _ => {
            let home = match home(&visit).await? {
                Ok(home) => home,
                Err(response) => return Ok(response),
            };
            let mut errors = Errors::default();
            errors.add("kind", visit.ctx.texts().get("kind-missing"));
            let f = visit.frame(&home.site).with_errors(errors);
            let steps = steps(&f);
            let replaces = posted.get("replaces");
            let page = ChoosePage {
                f,
                action: visit.path("/add"),
                back: visit.path("/home"),
                totp: may(&home, "totp", replaces),
                sms: may(&home, "sms", replaces),
                replaces: replaces.to_owned(),
                steps,
            };
            ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// A name for a form, so that the same one sent twice is one enrolment.
fn form_name() -> Result<String, PageError> {
    let octets = sys::random::<16>().ok_or(PageError::Internal)?;
    Ok(data_encoding::HEXLOWER.encode(&octets))
}

fn sms_page(
    visit: &Visit,
    home: &HomeView,
    typed: impl Fn(&str) -> String,
    errors: Errors,
) -> Result<SmsPage, PageError> {
    let f = visit.frame(&home.site).with_errors(errors);
    let replaces = typed("replaces");
    let old = home.tokens.iter().find(|token| token.id == replaces);
    let form = typed("form");
    let name = typed("name");
    Ok(SmsPage {
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
        digits: match typed("digits") {
            digits if digits.is_empty() => "6".to_owned(),
            digits => digits,
        },
        choose: home.actions.choose_digits,
        two_steps: home.actions.two_steps,
        replaces,
    })
}

/// Name, number and length.
pub(super) async fn sms(
    visit: Visit,
    Query(replaces): Query<Replaces>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let home = match home(&visit).await? {
        Ok(home) => home,
        Err(response) => return Ok(response),
    };
    if !may(&home, "sms", &replaces.replaces) {
        return Err(PageError::Forbidden);
    }
    let kept = Kept::of(&visit.ctx, &headers, &visit.address);
    let path = visit.path("/add/sms");
    let typed = |name: &str| match name {
        "replaces" => replaces.replaces.clone(),
        name => (kept.as_ref())
            .and_then(|kept| kept.field(&path, name))
            .unwrap_or_default()
            .to_owned(),
    };
    let mut response = ui::page(&sms_page(&visit, &home, typed, Errors::default())?)?;
    if kept.is_some() {
        kept::forget(&visit.ctx, &visit.address, &mut response);
    }
    Ok(response)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The sentence for a field in the page's language.
fn field_text(visit: &Visit, field: &str) -> Text {
    visit.ctx.texts().get(match field {
        "phone" => "phone-wrong",
        "name" => "name-wrong",
        "digits" => "digits-wrong",
        _ => "kind-missing",
    })
}

/// Begins an SMS enrolment: the text leaves.
pub(super) async fn begin_sms(visit: Visit, posted: Posted) -> Result<Response, PageError> {
    let mut errors = Errors::default();
    if posted.trimmed("phone").is_empty() {
        errors.add("phone", visit.ctx.texts().get("phone-missing"));
    } else {
        let begin = UserOp::EnrolBegin {
            kind: "sms".to_owned(),
            name: posted.get("name").to_owned(),
            phone: Some(Secret::from(posted.trimmed("phone"))),
            digits: match posted.get("digits") {
                "" => None,
                // What is no number is refused as a wrong one.
                digits => Some(digits.parse().unwrap_or(0)),
            },
            form: posted.get("form").to_owned(),
            replaces: some(posted.get("replaces")),
        };
        match visit.ask(begin, Some(&posted)).await {
            Ok(asked) => return begun(&visit, asked).await,
            Err(PageError::Daemon(error)) => {
                match refused_field(&error, &["kind", "name", "phone", "digits"]) {
                    Some((field, _)) => errors.add(field, field_text(&visit, field)),
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    let home = match home(&visit).await? {
        Ok(home) => home,
        Err(response) => return Ok(response),
    };
    let page = sms_page(&visit, &home, |name| posted.get(name).to_owned(), errors)?;
    ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn begun(visit: &Visit, asked: Asked) -> Result<Response, PageError> {
    match asked {
        Asked::Reply(PortalReply::Enrolment(enrolment)) => Ok(visit.to(&format!("/enrol/{}", enrolment.id))),
        Asked::Reply(reply) => outcome(visit, reply).await,
        Asked::Instead(response) => Ok(response),
    }
}

/// A name for the app.
pub(super) async fn totp(visit: Visit, Query(replaces): Query<Replaces>) -> Result<Response, PageError> {
    let home = match home(&visit).await? {
        Ok(home) => home,
        Err(response) => return Ok(response),
    };
    if !may(&home, "totp", &replaces.replaces) {
        return Err(PageError::Forbidden);
    }
    totp_page(&visit, &home, ("", "", &replaces.replaces), Errors::default()).and_then(|page| ui::page(&page))
}

fn totp_page(
    visit: &Visit,
    home: &HomeView,
    (form, name, replaces): (&str, &str, &str),
    errors: Errors,
) -> Result<TotpPage, PageError> {
    let f = visit.frame(&home.site).with_errors(errors);
    Ok(TotpPage {
        steps: ["step-type", "step-name", "step-confirm"]
            .iter()
            .map(|key| f.t(key))
            .collect(),
        f,
        action: visit.path("/add/totp"),
        back: visit.path(&format!("/add{}", query(replaces))),
        form: match form {
            "" => form_name()?,
            form => form.to_owned(),
        },
        name: name.to_owned(),
        replaces: replaces.to_owned(),
    })
}

/// Begins the enrolment of an app: its secret is shown next.
pub(super) async fn begin_totp(visit: Visit, posted: Posted) -> Result<Response, PageError> {
    let begin = UserOp::EnrolBegin {
        kind: "totp".to_owned(),
        name: posted.get("name").to_owned(),
        phone: None,
        digits: None,
        form: posted.get("form").to_owned(),
        replaces: some(posted.get("replaces")),
    };
    match visit.ask(begin, Some(&posted)).await {
        Ok(asked) => begun(&visit, asked).await,
        Err(PageError::Daemon(error)) if refused_field(&error, &["name"]).is_some() => {
            let home = match home(&visit).await? {
                Ok(home) => home,
                Err(response) => return Ok(response),
            };
            let mut errors = Errors::default();
            errors.add("name", visit.ctx.texts().get("name-wrong"));
            let typed = (posted.get("form"), posted.get("name"), posted.get("replaces"));
            let page = totp_page(&visit, &home, typed, errors)?;
            ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error),
    }
}

fn enrol_page(visit: &Visit, f: SelfFrame, enrolment: EnrolmentView) -> EnrolPage {
    let mut errors = Errors::default();
    if enrolment.state == EnrolState::Open && !enrolment.why.is_empty() {
        errors.add("code", why(&f, &enrolment.why, &enrolment.ask));
    }
    let f = f.with_errors(errors);
    let label = f.t("qr-label").to_string();
    let base = format!("/enrol/{}", enrolment.id);
    let middle = if enrolment.kind == "totp" {
        "step-name"
    } else {
        "step-number"
    };
    EnrolPage {
        steps: ["step-type", middle, "step-confirm"]
            .iter()
            .map(|key| f.t(key))
            .collect(),
        trouble: trouble(&f, &enrolment.ask),
        action: visit.path(&base),
        number: visit.path(&format!("{base}/number")),
        home: visit.path("/home"),
        add: visit.path("/add"),
        qr: (enrolment.uri.as_ref()).and_then(|uri| ui::qr(uri.expose(), &label)),
        secret: enrolment
            .totp
            .as_ref()
            .map(|secret| grouped(secret.expose()))
            .unwrap_or_default(),
        enrolment,
        f,
    }
}

/// In groups of four, as people read.
fn grouped(secret: &str) -> String {
    let mut out = String::with_capacity(secret.len() * 2);
    for (index, letter) in secret.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push(' ');
        }
        out.push(letter);
    }
    out
}

async fn shown(visit: &Visit, enrolment: EnrolmentView) -> Result<Response, PageError> {
    let f = visit.framed().await?;
    match enrolment.state {
        EnrolState::Done if enrolment.codes.is_empty() => Ok(visit.to("/home?done=enroll")),
        EnrolState::Done => codes_page(visit, f, enrolment.codes, Some("recovery-after-first")),
        EnrolState::Open => {
            let failed = !enrolment.why.is_empty();
            let page = enrol_page(visit, f, enrolment);
            if failed {
                ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
            } else {
                ui::page(&page)
            }
        }
        _ => ui::page(&enrol_page(visit, f, enrolment)),
    }
}

async fn answered(visit: &Visit, asked: Asked) -> Result<Response, PageError> {
    match asked {
        Asked::Reply(PortalReply::Enrolment(enrolment)) => shown(visit, *enrolment).await,
        Asked::Reply(PortalReply::Done { .. }) => Ok(visit.to("/home?done=cancelled")),
        Asked::Reply(reply) => outcome(visit, reply).await,
        Asked::Instead(response) => Ok(response),
    }
}

/// The code of an enrolment.
pub(super) async fn show(visit: Visit, Path((_, id)): Path<(String, String)>) -> Result<Response, PageError> {
    let asked = visit.ask(UserOp::Enrolment { id }, None).await?;
    answered(&visit, asked).await
}

/// The code was typed, the text is wanted again, or it is taken back.
pub(super) async fn submit(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    if posted.has("resend") {
        visit.ask(UserOp::EnrolResend { id: id.clone() }, None).await?;
        // So that a reload of the page asks for no further text.
        return Ok(Redirect::to(&visit.path(&format!("/enrol/{id}"))).into_response());
    }
    let ask = if posted.has("cancel") {
        UserOp::EnrolCancel { id }
    } else {
        UserOp::EnrolConfirm {
            id,
            code: posted.code("code"),
        }
    };
    let asked = visit.ask(ask, None).await?;
    answered(&visit, asked).await
}

/// Another number.
pub(super) async fn number(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    match visit.ask(UserOp::Enrolment { id: id.clone() }, None).await? {
        Asked::Reply(PortalReply::Enrolment(enrolment)) if enrolment.kind == "sms" => {
            let f = visit.framed().await?;
            ui::page(&number_page(&visit, f, &id, &enrolment.phone))
        }
        Asked::Reply(_) => Err(PageError::NotFound),
        Asked::Instead(response) => Ok(response),
    }
}

fn number_page(visit: &Visit, f: SelfFrame, id: &str, phone: &str) -> NumberPage {
    NumberPage {
        steps: steps(&f),
        f,
        action: visit.path(&format!("/enrol/{id}/number")),
        back: visit.path(&format!("/enrol/{id}")),
        phone: phone.to_owned(),
    }
}

/// Another number was typed.
pub(super) async fn change_number(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    let mut errors = Errors::default();
    if posted.trimmed("phone").is_empty() {
        errors.add("phone", visit.ctx.texts().get("phone-missing"));
    } else {
        let ask = UserOp::EnrolNumber {
            id: id.clone(),
            phone: Secret::from(posted.trimmed("phone")),
        };
        match visit.ask(ask, None).await {
            Ok(asked) => return begun(&visit, asked).await,
            Err(PageError::Daemon(error)) if refused_field(&error, &["phone"]).is_some() => {
                errors.add("phone", visit.ctx.texts().get("phone-wrong"));
            }
            Err(error) => return Err(error),
        }
    }
    let f = visit.framed().await?.with_errors(errors);
    let page = number_page(&visit, f, &id, posted.trimmed("phone"));
    ui::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
