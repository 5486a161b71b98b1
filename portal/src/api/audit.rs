//! The audit log.

use std::sync::Arc;

use otpost_ipc::admin::{AdminOp, AuditFilter};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api,
    asked::{AuditQuery, ROWS, TailQuery},
    gate::Query,
    shown,
};
use crate::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(find_audit_rows))
        .routes(routes!(follow_audit_rows))
        .routes(routes!(verify_audit_rows))
}

/// Audit rows that match, newest first
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "Rows", body = shown::AuditFound)))]
async fn find_audit_rows(api: Api, Query(query): Query<AuditQuery>) -> Answer {
    api.answer(AdminOp::AuditFind {
        filter: AuditFilter {
            user: query.user.unwrap_or_default(),
            resource: query.resource.unwrap_or_default(),
            kind: query.kind.unwrap_or_default(),
            reason: query.reason.unwrap_or_default(),
            reference: query.reference.unwrap_or_default(),
            source: query.source.unwrap_or_default(),
            from: query.from.unwrap_or_default(),
            until: query.until.unwrap_or_default(),
        },
        before: query.before,
        limit: query.limit.unwrap_or(ROWS),
    })
    .await
}

/// Audit rows in order, for whoever follows them
#[utoipa::path(get, path = "/audit/tail", tag = "audit", params(TailQuery),
    responses((status = 200, description = "Rows", body = shown::AuditRows)))]
async fn follow_audit_rows(api: Api, Query(query): Query<TailQuery>) -> Answer {
    api.answer(AdminOp::AuditTail {
        after: query.after,
        limit: query.limit.unwrap_or(ROWS),
    })
    .await
}

/// Check the audit chain from the first row
#[utoipa::path(get, path = "/audit/verify", tag = "audit",
    responses((status = 200, description = "Whether it holds", body = shown::AuditVerified)))]
async fn verify_audit_rows(api: Api) -> Answer {
    api.answer(AdminOp::AuditVerify).await
}
