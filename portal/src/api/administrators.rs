//! Administrators and keys.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, AdminSet};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{AdministratorChange, AdministratorNew, KeyNew, OneNamed, OneUser},
    gate::Asked,
    shown,
};
use crate::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_administrators, add_administrator))
        .routes(routes!(change_administrator, remove_administrator))
        .routes(routes!(reset_administrator))
        .routes(routes!(list_keys, add_key))
        .routes(routes!(remove_key))
}

/// All administrators
#[utoipa::path(get, path = "/administrators", tag = "administrators",
    responses((status = 200, description = "Administrators", body = shown::Administrators)))]
async fn list_administrators(api: Api) -> Answer {
    api.answer(AdminOp::AdminList).await
}

/// Invite an administrator
///
/// A single-use link to set password and authenticator app, good for 24 hours.
#[utoipa::path(post, path = "/administrators", tag = "administrators", request_body = AdministratorNew,
    responses((status = 201, description = "The link, shown once", body = shown::Link)))]
async fn add_administrator(api: Api, Asked(new): Asked<AdministratorNew>) -> Answer {
    let op = AdminOp::AdminAdd {
        login: new.login.clone(),
        shown: new.shown,
        email: new.email,
        role: new.role,
        resources: new.resources,
    };
    api.made(op, "administrators", Named::As(&new.login)).await
}

/// Change an administrator
#[utoipa::path(patch, path = "/administrators/{login}", tag = "administrators", params(OneUser),
    request_body = AdministratorChange,
    responses((status = 200, description = "The administrator", body = shown::Administrator)))]
async fn change_administrator(api: Api, Path(login): Path<String>, Asked(set): Asked<AdminSet>) -> Answer {
    api.answer(AdminOp::AdminSet(AdminSet { login, ..set })).await
}

/// Delete an administrator
///
/// The last owner stays.
#[utoipa::path(delete, path = "/administrators/{login}", tag = "administrators", params(OneUser),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_administrator(api: Api, Path(login): Path<String>) -> Answer {
    api.answer(AdminOp::AdminRemove { login }).await
}

/// Make a new set-up link for an administrator
///
/// Password, app and recovery codes are set anew, all sessions end.
#[utoipa::path(post, path = "/administrators/{login}/reset", tag = "administrators", params(OneUser),
    responses((status = 200, description = "The link, shown once", body = shown::Link)))]
async fn reset_administrator(api: Api, Path(login): Path<String>) -> Answer {
    api.answer(AdminOp::AdminReset { login }).await
}

/// All keys of the API
#[utoipa::path(get, path = "/api-keys", tag = "api-keys",
    responses((status = 200, description = "Keys, without their secrets", body = shown::Keys)))]
async fn list_keys(api: Api) -> Answer {
    api.answer(AdminOp::ApiKeyList).await
}

/// Make a key of the API
#[utoipa::path(post, path = "/api-keys", tag = "api-keys", request_body = KeyNew,
    responses((status = 201, description = "The key and its secret, shown once", body = shown::KeySecret)))]
async fn add_key(api: Api, Asked(new): Asked<KeyNew>) -> Answer {
    let op = AdminOp::ApiKeyAdd {
        name: new.name,
        role: new.role,
        resources: new.resources,
        days: new.days,
    };
    api.made(op, "api-keys", Named::By("/key/name")).await
}

/// Delete a key of the API
///
/// Requests that carry it are refused from then on.
#[utoipa::path(delete, path = "/api-keys/{name}", tag = "api-keys", params(OneNamed),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_key(api: Api, Path(name): Path<String>) -> Answer {
    api.answer(AdminOp::ApiKeyRemove { name }).await
}
