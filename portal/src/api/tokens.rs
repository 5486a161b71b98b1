//! Tokens.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::admin::AdminOp;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{OneId, OneUser, ROWS, TokenChange, TokenNew, TokenQuery},
    gate::{Asked, Query},
    shown,
};
use crate::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_tokens_of_user, add_token))
        .routes(routes!(find_tokens))
        .routes(routes!(change_token, remove_token))
}

/// Tokens of a user
#[utoipa::path(get, path = "/users/{login}/tokens", tag = "tokens", params(OneUser),
    responses((status = 200, description = "Tokens", body = shown::Tokens)))]
async fn show_tokens_of_user(api: Api, Path(user): Path<String>) -> Answer {
    api.answer(AdminOp::TokenList { user }).await
}

/// Assign an SMS token
///
/// It is unverified until its first right code. To have the number confirmed first, begin an enrolment instead.
#[utoipa::path(post, path = "/users/{login}/tokens", tag = "tokens", params(OneUser), request_body = TokenNew,
    responses((status = 201, description = "The token", body = shown::Token)))]
async fn add_token(api: Api, Path(user): Path<String>, Asked(new): Asked<TokenNew>) -> Answer {
    let op = AdminOp::TokenAdd {
        user,
        phone: new.phone,
        name: new.name,
        digits: new.digits,
        resources: new.resources,
    };
    api.made(op, "tokens", Named::By("/id")).await
}

/// Look for tokens
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(TokenQuery),
    responses((status = 200, description = "A page of tokens", body = shown::TokenPage)))]
async fn find_tokens(api: Api, Query(query): Query<TokenQuery>) -> Answer {
    api.answer(AdminOp::TokenFind {
        search: query.search.unwrap_or_default(),
        resource: query.resource,
        after: query.after,
        limit: query.limit.unwrap_or(ROWS),
    })
    .await
}

/// Change a token
#[utoipa::path(patch, path = "/tokens/{id}", tag = "tokens", params(OneId), request_body = TokenChange,
    responses((status = 200, description = "The token", body = shown::Token)))]
async fn change_token(api: Api, Path(token): Path<String>, Asked(change): Asked<TokenChange>) -> Answer {
    api.answer(AdminOp::TokenSet {
        token,
        status: change.status,
        name: change.name,
    })
    .await
}

/// Delete a token
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(OneId),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_token(api: Api, Path(token): Path<String>) -> Answer {
    api.answer(AdminOp::TokenRemove { token }).await
}
