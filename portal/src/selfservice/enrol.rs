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
    once,
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
pub(super) async fn home(visit: &Visit) -> Result<Result<Box<HomeView>, Response>, PageError> {
    match visit.ask(UserOp::Home, None).await? {
        Asked::Reply(PortalReply::Home(home)) => Ok(Ok(home)),
        Asked::Reply(_) => Err(PageError::Internal),
        Asked::Instead(response) => Ok(Err(response)),
    }
}

/// The query of a page about a token that is to be replaced.
pub(super) fn query(replaces: &str) -> String {
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
pub(super) fn form_name() -> Result<String, PageError> {
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
    let mut response = sms_form(&visit, &home, typed, Errors::default())?;
    if kept.is_some() {
        kept::forget(&visit.ctx, &visit.address, &mut response);
    }
    Ok(response)
}

/// The form of an SMS token, in as many steps as the portal has.
fn sms_form(
    visit: &Visit,
    home: &HomeView,
    typed: impl Fn(&str) -> String,
    errors: Errors,
) -> Result<Response, PageError> {
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    if home.actions.two_steps {
        ui::page_with(status, &sms_page(visit, home, typed, errors)?)
    } else {
        ui::page_with(status, &once::empty(visit, home, typed, errors)?)
    }
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
        let begin = beginning("sms", |name| posted.get(name));
        match visit.ask(begin, Some(&posted)).await {
            Ok(asked) => {
                let typed = Kept::typed(&visit.path("/add/sms"), &posted);
                return begun(&visit, asked, Some(typed)).await;
            }
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
    sms_form(&visit, &home, |name| posted.get(name).to_owned(), errors)
}

/// The enrolment that a form of `kind` begins.
fn beginning<'f>(kind: &str, field: impl Fn(&str) -> &'f str) -> UserOp {
    let sms = kind == "sms";
    UserOp::EnrolBegin {
        kind: kind.to_owned(),
        name: field("name").to_owned(),
        phone: sms.then(|| Secret::from(field("phone").trim())),
        digits: match field("digits") {
            digits if !sms || digits.is_empty() => None,
            // What is no number is refused as a wrong one.
            digits => Some(digits.parse().unwrap_or(0)),
        },
        form: field("form").to_owned(),
        replaces: some(field("replaces")),
    }
}

/// Where an enrolment that was asked for goes on. Where a fresh code is needed first, what was `typed` is kept until it was taken.
pub(super) async fn begun(visit: &Visit, asked: Asked, typed: Option<Kept>) -> Result<Response, PageError> {
    match asked {
        Asked::Reply(PortalReply::Enrolment(enrolment)) => Ok(visit.to(&format!("/enrol/{}", enrolment.id))),
        Asked::Reply(PortalReply::StepUp { id, .. }) => {
            let mut response = visit.to(&format!("/confirm/{id}"));
            if let Some(typed) = typed {
                typed.keep_for(&id, &visit.ctx, &visit.address, &mut response);
            }
            Ok(response)
        }
        Asked::Reply(reply) => outcome(visit, reply).await,
        Asked::Instead(response) => Ok(response),
    }
}

/// Goes on with what was typed before a fresh code was asked for: the text to the new number leaves. `None` where what was typed is
/// of no use any more; then it is asked again.
pub(super) async fn resume(visit: &Visit, kept: &Kept) -> Result<Option<Response>, PageError> {
    let Some(kind) = ["sms", "totp"]
        .into_iter()
        .find(|kind| kept.path == visit.path(&format!("/add/{kind}")))
    else {
        return Ok(None);
    };
    let begin = beginning(kind, |name| kept.field(&kept.path, name).unwrap_or_default());
    let asked = match visit.ask(begin, None).await {
        Ok(asked) => asked,
        Err(PageError::Daemon(error))
            if refused_field(&error, &["kind", "name", "phone", "digits"]).is_some() =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut response = begun(visit, asked, None).await?;
    kept::forget(&visit.ctx, &visit.address, &mut response);
    Ok(Some(response))
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
    let begin = beginning("totp", |name| posted.get(name));
    match visit.ask(begin, Some(&posted)).await {
        Ok(asked) => {
            let typed = Kept::typed(&visit.path("/add/totp"), &posted);
            begun(&visit, asked, Some(typed)).await
        }
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
    if enrolment.state == EnrolState::Open && enrolment.kind == "sms" {
        match home(visit).await? {
            Ok(home) if !home.actions.two_steps => return once::sent(visit, &home, enrolment, None),
            Ok(_) => {}
            Err(response) => return Ok(response),
        }
    }
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
    } else if let Some(response) = once::other_number(&visit, &id, &posted).await? {
        return Ok(response);
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

/// What becomes of another number. Where a fresh code is needed first, the name stays too.
async fn numbered(visit: &Visit, id: &str, asked: Asked, posted: &Posted) -> Result<Response, PageError> {
    let mut typed = None;
    if matches!(asked, Asked::Reply(PortalReply::StepUp { .. }))
        && let Asked::Reply(PortalReply::Enrolment(old)) =
            visit.ask(UserOp::Enrolment { id: id.to_owned() }, None).await?
    {
        let (form, digits) = (form_name()?, old.ask.digits.to_string());
        let fields = [
            ("form", form.as_str()),
            ("name", old.name.as_str()),
            ("phone", posted.trimmed("phone")),
            ("digits", &digits),
        ];
        typed = Some(Kept::with(&visit.path("/add/sms"), fields));
    }
    begun(visit, asked, typed).await
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
            Ok(asked) => return numbered(&visit, &id, asked, &posted).await,
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
