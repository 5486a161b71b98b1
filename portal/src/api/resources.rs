//! Resources.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::admin::{AdminOp, ResourceSettings};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{self, AfterName, OneResource},
    gate::{Asked, Query},
    shown,
};
use crate::{App, PageError};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_resources, add_resource))
        .routes(routes!(show_resource, change_resource, remove_resource))
}

/// Resources in order of name
#[utoipa::path(get, path = "/resources", tag = "resources", params(AfterName),
    responses((status = 200, description = "A page of resources", body = shown::Resources)))]
async fn list_resources(api: Api, Query(query): Query<AfterName>) -> Answer {
    api.answer(AdminOp::ResourceList { after: query.after }).await
}

/// Make a resource
#[utoipa::path(post, path = "/resources", tag = "resources",
    request_body(content = ref("#/components/schemas/ResourceNew"), content_type = "application/json"),
    responses((status = 201, description = "The resource", body = shown::Resource)))]
async fn add_resource(api: Api, Asked(mut set): Asked<ResourceSettings>) -> Answer {
    let name = set.name.take().ok_or(PageError::BadRequest)?;
    api.made(
        AdminOp::ResourceAdd { name, set },
        "resources",
        Named::By("/name"),
    )
    .await
}

/// One resource
#[utoipa::path(get, path = "/resources/{name}", tag = "resources", params(OneResource),
    responses((status = 200, description = "The resource", body = shown::Resource)))]
async fn show_resource(api: Api, Path(name): Path<String>) -> Answer {
    api.answer(AdminOp::ResourceShow { name }).await
}

/// Change a resource
#[utoipa::path(patch, path = "/resources/{name}", tag = "resources", params(OneResource),
    request_body = asked::ResourceSettings,
    responses((status = 200, description = "The resource", body = shown::Resource)))]
async fn change_resource(api: Api, Path(name): Path<String>, Asked(set): Asked<ResourceSettings>) -> Answer {
    api.answer(AdminOp::ResourceSet { name, set }).await
}

/// Delete a resource
#[utoipa::path(delete, path = "/resources/{name}", tag = "resources", params(OneResource),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_resource(api: Api, Path(name): Path<String>) -> Answer {
    api.answer(AdminOp::ResourceRemove { name }).await
}
