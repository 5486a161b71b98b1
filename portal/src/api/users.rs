//! Users.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, UserAdd, UserSet};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{
        Bypass, Invite, Lock, OneRemembered, OneUser, ROWS, UserChange, UserInResource, UserNew, UserQuery,
    },
    gate::{Asked, Query},
    shown,
};
use crate::{App, PageError};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(find_users, add_user))
        .routes(routes!(show_user, change_user, remove_user))
        .routes(routes!(lock_user))
        .routes(routes!(unlock_user))
        .routes(routes!(bypass_user))
        .routes(routes!(show_sessions))
        .routes(routes!(sign_user_out))
        .routes(routes!(show_remembered, revoke_all_remembered))
        .routes(routes!(revoke_remembered))
        .routes(routes!(make_one_day_code))
        .routes(routes!(make_recovery_codes))
        .routes(routes!(invite_user))
        .routes(routes!(bind_user, unbind_user))
}

/// Look for users
#[utoipa::path(get, path = "/users", tag = "users", params(UserQuery),
    responses((status = 200, description = "A page of users", body = shown::Users)))]
async fn find_users(api: Api, Query(query): Query<UserQuery>) -> Answer {
    let (search, limit) = (query.search.unwrap_or_default(), query.limit.unwrap_or(ROWS));
    let op = if query.place.as_deref() == Some("login") {
        if query.resource.is_some() || query.state.is_some() {
            return Err(PageError::Rule("in=login cannot go with resource or state"));
        }
        AdminOp::UserList {
            search,
            after: query.after,
            limit,
        }
    } else {
        AdminOp::UserFind {
            search,
            resource: query.resource,
            state: query.state,
            after: query.after,
            limit,
        }
    };
    api.answer(op).await
}

/// Make a user
#[utoipa::path(post, path = "/users", tag = "users", request_body = UserNew,
    responses((status = 201, description = "The user", body = shown::User)))]
async fn add_user(api: Api, Asked(add): Asked<UserAdd>) -> Answer {
    api.made(AdminOp::UserAdd(add), "users", Named::By("/login"))
        .await
}

/// One user with tokens
#[utoipa::path(get, path = "/users/{login}", tag = "users", params(OneUser),
    responses((status = 200, description = "The user", body = shown::User)))]
async fn show_user(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserShow { user }).await
}

/// Change a user
#[utoipa::path(patch, path = "/users/{login}", tag = "users", params(OneUser), request_body = UserChange,
    responses((status = 200, description = "The user", body = shown::User)))]
async fn change_user(api: Api, Path(user): Path<String>, Asked(set): Asked<UserSet>) -> Answer {
    api.answer(AdminOp::UserSet(UserSet { user, ..set })).await
}

/// Delete a user with tokens
#[utoipa::path(delete, path = "/users/{login}", tag = "users", params(OneUser),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_user(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserRemove { user }).await
}

/// Lock a user
#[utoipa::path(post, path = "/users/{login}/lock", tag = "users", params(OneUser), request_body = Lock,
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn lock_user(api: Api, Path(user): Path<String>, Asked(lock): Asked<Lock>) -> Answer {
    api.answer(AdminOp::UserLock { user, why: lock.why }).await
}

/// Lift every lock of a user
///
/// Unlocking twice is no error.
#[utoipa::path(post, path = "/users/{login}/unlock", tag = "users", params(OneUser),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn unlock_user(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserUnlock { user }).await
}

/// Let a user in without a code for a while
#[utoipa::path(post, path = "/users/{login}/bypass", tag = "users", params(OneUser), request_body = Bypass,
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn bypass_user(api: Api, Path(user): Path<String>, Asked(bypass): Asked<Bypass>) -> Answer {
    let seconds = bypass.seconds;
    api.answer(AdminOp::UserBypass { user, seconds }).await
}

/// Portal sessions of a user
#[utoipa::path(get, path = "/users/{login}/sessions", tag = "users", params(OneUser),
    responses((status = 200, description = "Sessions", body = shown::Sessions)))]
async fn show_sessions(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserSessions { user }).await
}

/// End all portal sessions of a user
#[utoipa::path(post, path = "/users/{login}/sign-out", tag = "users", params(OneUser),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn sign_user_out(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserSignOut { user }).await
}

/// Sources from which a user's code holds for a while
#[utoipa::path(get, path = "/users/{login}/remembered", tag = "users", params(OneUser),
    responses((status = 200, description = "Sources", body = shown::Remembered)))]
async fn show_remembered(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::RememberedList { user }).await
}

/// Ask a user for a code again everywhere
#[utoipa::path(delete, path = "/users/{login}/remembered", tag = "users", params(OneUser),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn revoke_all_remembered(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::RememberedRevoke { user, id: None }).await
}

/// Ask a user for a code again from one source
#[utoipa::path(delete, path = "/users/{login}/remembered/{id}", tag = "users", params(OneRemembered),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn revoke_remembered(api: Api, Path((user, id)): Path<(String, String)>) -> Answer {
    let id = Some(id);
    api.answer(AdminOp::RememberedRevoke { user, id }).await
}

/// A code for one portal sign-in within a day
///
/// For somebody without their phone.
#[utoipa::path(post, path = "/users/{login}/one-day-code", tag = "users", params(OneUser),
    responses((status = 200, description = "The code, shown once", body = shown::OneDayCode)))]
async fn make_one_day_code(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserOneDayCode { user }).await
}

/// New recovery codes for a user
///
/// The old ones end.
#[utoipa::path(post, path = "/users/{login}/recovery-codes", tag = "users", params(OneUser),
    responses((status = 200, description = "The codes, shown once", body = shown::RecoveryCodes)))]
async fn make_recovery_codes(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::UserRecovery { user }).await
}

/// Invite a user to enrol
///
/// A single-use link, good for 72 hours, mailed where there is an address.
#[utoipa::path(post, path = "/users/{login}/invite", tag = "users", params(OneUser), request_body = Invite,
    responses((status = 200, description = "The link, shown once", body = shown::Link)))]
async fn invite_user(api: Api, Path(user): Path<String>, Asked(invite): Asked<Invite>) -> Answer {
    let resource = invite.resource;
    api.answer(AdminOp::UserInvite { user, resource }).await
}

/// Bind a user to a resource
#[utoipa::path(put, path = "/users/{login}/resources/{name}", tag = "users", params(UserInResource),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn bind_user(api: Api, Path((user, resource)): Path<(String, String)>) -> Answer {
    api.answer(AdminOp::UserBind { user, resource }).await
}

/// Take a user out of a resource
#[utoipa::path(delete, path = "/users/{login}/resources/{name}", tag = "users", params(UserInResource),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn unbind_user(api: Api, Path((user, resource)): Path<(String, String)>) -> Answer {
    api.answer(AdminOp::UserUnbind { user, resource }).await
}
