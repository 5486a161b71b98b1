//! Enrolments: a phone is confirmed by the code that its owner reads out.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::admin::AdminOp;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{Confirm, EnrolmentNew, OneId},
    gate::Asked,
    shown,
};
use crate::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(start_enrolment))
        .routes(routes!(show_enrolment, cancel_enrolment))
        .routes(routes!(confirm_enrolment))
}

/// Begin an enrolment for a user
///
/// Sends a code to the number.
#[utoipa::path(post, path = "/enrolments", tag = "enrolments", request_body = EnrolmentNew,
    responses((status = 201, description = "The enrolment", body = shown::Enrolment)))]
async fn start_enrolment(api: Api, Asked(new): Asked<EnrolmentNew>) -> Answer {
    let op = AdminOp::EnrolStart {
        user: new.user,
        resource: new.resource,
        phone: new.phone,
        name: new.name,
        digits: new.digits,
    };
    api.made(op, "enrolments", Named::By("/id")).await
}

/// Where an enrolment stands
#[utoipa::path(get, path = "/enrolments/{id}", tag = "enrolments", params(OneId),
    responses((status = 200, description = "The enrolment", body = shown::Enrolment)))]
async fn show_enrolment(api: Api, Path(enrolment): Path<String>) -> Answer {
    api.answer(AdminOp::EnrolStatus { enrolment }).await
}

/// Take an enrolment back
#[utoipa::path(delete, path = "/enrolments/{id}", tag = "enrolments", params(OneId),
    responses((status = 200, description = "The enrolment", body = shown::Enrolment)))]
async fn cancel_enrolment(api: Api, Path(enrolment): Path<String>) -> Answer {
    api.answer(AdminOp::EnrolCancel { enrolment }).await
}

/// Confirm an enrolment with the code
///
/// A wrong code is no error: `state` stays `open` and `why` tells.
#[utoipa::path(post, path = "/enrolments/{id}/confirm", tag = "enrolments", params(OneId), request_body = Confirm,
    responses((status = 200, description = "The enrolment", body = shown::Enrolment)))]
async fn confirm_enrolment(api: Api, Path(enrolment): Path<String>, Asked(given): Asked<Confirm>) -> Answer {
    let code = given.code;
    api.answer(AdminOp::EnrolFinish { enrolment, code }).await
}
