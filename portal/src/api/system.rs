//! Health, figures, settings of portal and mail, and how a login would go.

use std::sync::Arc;

use otpost_ipc::admin::{AdminOp, MailSet, PortalSet};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api,
    asked::{ExplainQuery, MailChange, MailTest, OverviewQuery, PortalChange},
    gate::{Asked, Query},
    shown,
};
use crate::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_status))
        .routes(routes!(show_overview))
        .routes(routes!(show_portal, change_portal))
        .routes(routes!(show_mail, change_mail))
        .routes(routes!(test_mail))
        .routes(routes!(explain_login))
}

/// Health and totals
#[utoipa::path(get, path = "/status", tag = "system",
    responses((status = 200, description = "Health and totals", body = shown::Status)))]
async fn show_status(api: Api) -> Answer {
    api.answer(AdminOp::Status).await
}

/// Figures of the last hours
#[utoipa::path(get, path = "/overview", tag = "system", params(OverviewQuery),
    responses((status = 200, description = "Figures", body = shown::Overview)))]
async fn show_overview(api: Api, Query(query): Query<OverviewQuery>) -> Answer {
    api.answer(AdminOp::Overview {
        hours: query.hours.unwrap_or(24),
        resource: query.resource,
    })
    .await
}

/// Where portal and console are
#[utoipa::path(get, path = "/portal", tag = "system",
    responses((status = 200, description = "Settings", body = shown::Portal)))]
async fn show_portal(api: Api) -> Answer {
    api.answer(AdminOp::PortalShow).await
}

/// Change where portal and console are
#[utoipa::path(patch, path = "/portal", tag = "system", request_body = PortalChange,
    responses((status = 200, description = "Settings", body = shown::Portal)))]
async fn change_portal(api: Api, Asked(set): Asked<PortalSet>) -> Answer {
    api.answer(AdminOp::PortalSet(set)).await
}

/// How mail leaves
#[utoipa::path(get, path = "/mail", tag = "system",
    responses((status = 200, description = "Settings", body = shown::Mail)))]
async fn show_mail(api: Api) -> Answer {
    api.answer(AdminOp::MailShow).await
}

/// Change how mail leaves
#[utoipa::path(patch, path = "/mail", tag = "system", request_body = MailChange,
    responses((status = 200, description = "Settings", body = shown::Mail)))]
async fn change_mail(api: Api, Asked(set): Asked<MailSet>) -> Answer {
    api.answer(AdminOp::MailSet(set)).await
}

/// Send a test mail
///
/// Waits for the mail server's answer; 429 where it did not take the mail.
#[utoipa::path(post, path = "/mail/test", tag = "system", request_body = MailTest,
    responses((status = 200, description = "The server took it", body = shown::Done)))]
async fn test_mail(api: Api, Asked(test): Asked<MailTest>) -> Answer {
    api.answer(AdminOp::MailTest { to: test.to }).await
}

/// How a login would go now
///
/// Changes nothing and sends nothing.
#[utoipa::path(get, path = "/login/explain", tag = "system", params(ExplainQuery),
    responses((status = 200, description = "The decision and why", body = shown::Explained)))]
async fn explain_login(api: Api, Query(query): Query<ExplainQuery>) -> Answer {
    api.answer(AdminOp::LoginExplain {
        user: query.user,
        service: query.service,
        channel: query.channel,
        source: query.source.unwrap_or_default(),
    })
    .await
}
