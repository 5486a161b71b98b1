//! Sources of passwords: directories and RADIUS servers.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::{Secret, admin::AdminOp};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{AfterName, OneNamed, SourceChange, SourceNew, SourceTest},
    gate::{Asked, Query},
    shown,
};
use crate::{App, PageError};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_sources, add_source))
        .routes(routes!(change_source, remove_source))
        .routes(routes!(test_source))
}

fn config(settings: &Map<String, Value>) -> Result<Secret, PageError> {
    let config = serde_json::to_string(settings).map_err(|_| PageError::Internal)?;
    Ok(Secret::new(config))
}

/// Sources of passwords in order of name
#[utoipa::path(get, path = "/sources", tag = "sources", params(AfterName),
    responses((status = 200, description = "A page of sources, without credentials", body = shown::Sources)))]
async fn list_sources(api: Api, Query(query): Query<AfterName>) -> Answer {
    api.answer(AdminOp::SourceList { after: query.after }).await
}

/// Make a source of passwords
#[utoipa::path(post, path = "/sources", tag = "sources", request_body = SourceNew,
    responses((status = 201, description = "Done", body = shown::Done)))]
async fn add_source(api: Api, Asked(new): Asked<SourceNew>) -> Answer {
    let op = AdminOp::SourceAdd {
        name: new.name.clone(),
        kind: new.kind,
        config: config(&new.config)?,
    };
    api.made(op, "sources", Named::As(&new.name)).await
}

/// Replace the settings of a source of passwords
#[utoipa::path(patch, path = "/sources/{name}", tag = "sources", params(OneNamed), request_body = SourceChange,
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn change_source(api: Api, Path(name): Path<String>, Asked(change): Asked<SourceChange>) -> Answer {
    let config = config(&change.config)?;
    api.answer(AdminOp::SourceSet { name, config }).await
}

/// Delete a source of passwords
///
/// 409 while a RADIUS client asks it.
#[utoipa::path(delete, path = "/sources/{name}", tag = "sources", params(OneNamed),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_source(api: Api, Path(name): Path<String>) -> Answer {
    api.answer(AdminOp::SourceRemove { name }).await
}

/// Have a source check a password
///
/// As a login would, but nothing is counted and no text is sent. The try stands in the audit log.
#[utoipa::path(post, path = "/sources/{name}/test", tag = "sources", params(OneNamed), request_body = SourceTest,
    responses((status = 200, description = "What it said", body = shown::SourceTested)))]
async fn test_source(api: Api, Path(name): Path<String>, Asked(test): Asked<SourceTest>) -> Answer {
    api.answer(AdminOp::SourceTest {
        name,
        user: test.user,
        password: test.password,
    })
    .await
}
