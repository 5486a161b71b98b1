//! RADIUS clients, and the connections that they account for.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::admin::AdminOp;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{AfterName, ClientChange, ClientNew, ConnectionQuery, OneNamed, ROWS},
    gate::{Asked, Query},
    shown,
};
use crate::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_clients, add_client))
        .routes(routes!(change_client, remove_client))
        .routes(routes!(list_connections))
}

/// RADIUS clients in order of name
#[utoipa::path(get, path = "/radius-clients", tag = "radius-clients", params(AfterName),
    responses((status = 200, description = "A page of RADIUS clients", body = shown::Clients)))]
async fn list_clients(api: Api, Query(query): Query<AfterName>) -> Answer {
    api.answer(AdminOp::RadiusClientList { after: query.after }).await
}

/// Make a RADIUS client
///
/// Its shared secret is shown once.
#[utoipa::path(post, path = "/radius-clients", tag = "radius-clients", request_body = ClientNew,
    responses((status = 201, description = "The client and its secret", body = shown::ClientSecret)))]
async fn add_client(api: Api, Asked(new): Asked<ClientNew>) -> Answer {
    let op = AdminOp::RadiusClientAdd {
        name: new.name,
        networks: new.networks,
        resource: new.resource,
        secret: new.secret,
        weak_secret: new.weak_secret,
        message_authenticator: new.message_authenticator,
        first_factor: new.first_factor,
        set: new.settings,
    };
    api.made(op, "radius-clients", Named::By("/client/name")).await
}

/// Change a RADIUS client
#[utoipa::path(patch, path = "/radius-clients/{name}", tag = "radius-clients", params(OneNamed),
    request_body = ClientChange,
    responses((status = 200, description = "The client", body = shown::Client)))]
async fn change_client(api: Api, Path(name): Path<String>, Asked(change): Asked<ClientChange>) -> Answer {
    api.answer(AdminOp::RadiusClientSet {
        name,
        networks: change.networks,
        resource: change.resource,
        secret: change.secret,
        weak_secret: change.weak_secret,
        message_authenticator: change.message_authenticator,
        first_factor: change.first_factor,
        set: change.settings,
    })
    .await
}

/// Delete a RADIUS client
#[utoipa::path(delete, path = "/radius-clients/{name}", tag = "radius-clients", params(OneNamed),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_client(api: Api, Path(name): Path<String>) -> Answer {
    api.answer(AdminOp::RadiusClientRemove { name }).await
}

/// Connections that VPNs account for
///
/// Of RADIUS clients with `accounting` alone, newest first.
#[utoipa::path(get, path = "/radius-sessions", tag = "radius-clients", params(ConnectionQuery),
    responses((status = 200, description = "Connections", body = shown::Connections)))]
async fn list_connections(api: Api, Query(query): Query<ConnectionQuery>) -> Answer {
    api.answer(AdminOp::AccountingList {
        user: query.user,
        ended: query.ended.unwrap_or_default(),
        limit: query.limit.unwrap_or(ROWS),
    })
    .await
}
