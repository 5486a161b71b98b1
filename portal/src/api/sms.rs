//! Providers, the sending policy, test texts and the list of texts.

use std::sync::Arc;

use axum::extract::Path;
use otpost_ipc::{
    Secret,
    admin::{AdminOp, SmsPolicySet},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Api, Named,
    asked::{MessageQuery, OneNamed, ProviderChange, ProviderNew, ROWS, SmsPolicy, SmsTest},
    gate::{Asked, Query},
    shown,
};
use crate::{App, PageError};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_providers, add_provider))
        .routes(routes!(change_provider, remove_provider))
        .routes(routes!(show_policy, change_policy))
        .routes(routes!(send_test_text))
        .routes(routes!(list_messages))
}

/// All SMS providers
#[utoipa::path(get, path = "/sms/providers", tag = "sms",
    responses((status = 200, description = "Providers, without credentials", body = shown::Providers)))]
async fn list_providers(api: Api) -> Answer {
    api.answer(AdminOp::SmsProviderList).await
}

/// Make an SMS provider
#[utoipa::path(post, path = "/sms/providers", tag = "sms", request_body = ProviderNew,
    responses((status = 201, description = "Done", body = shown::Done)))]
async fn add_provider(api: Api, Asked(new): Asked<ProviderNew>) -> Answer {
    let config = serde_json::to_string(&new.config).map_err(|_| PageError::Internal)?;
    let op = AdminOp::SmsProviderAdd {
        name: new.name.clone(),
        kind: new.kind,
        priority: new.priority,
        sender: new.sender,
        config: Secret::new(config),
    };
    api.made(op, "sms/providers", Named::As(&new.name)).await
}

/// Switch an SMS provider on or off, or change its place
#[utoipa::path(patch, path = "/sms/providers/{name}", tag = "sms", params(OneNamed), request_body = ProviderChange,
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn change_provider(api: Api, Path(name): Path<String>, Asked(change): Asked<ProviderChange>) -> Answer {
    api.answer(AdminOp::SmsProviderSet {
        name,
        enabled: change.enabled,
        priority: change.priority,
    })
    .await
}

/// Delete an SMS provider
#[utoipa::path(delete, path = "/sms/providers/{name}", tag = "sms", params(OneNamed),
    responses((status = 200, description = "Done", body = shown::Done)))]
async fn remove_provider(api: Api, Path(name): Path<String>) -> Answer {
    api.answer(AdminOp::SmsProviderRemove { name }).await
}

/// What may be sent
#[utoipa::path(get, path = "/sms/policy", tag = "sms",
    responses((status = 200, description = "The policy", body = SmsPolicy)))]
async fn show_policy(api: Api) -> Answer {
    api.answer(AdminOp::SmsPolicyShow).await
}

/// Change what may be sent
#[utoipa::path(patch, path = "/sms/policy", tag = "sms", request_body = SmsPolicy,
    responses((status = 200, description = "The policy", body = SmsPolicy)))]
async fn change_policy(api: Api, Asked(set): Asked<SmsPolicySet>) -> Answer {
    api.answer(AdminOp::SmsPolicySet(set)).await
}

/// Send a test text
///
/// Waits for what becomes of it. 429 where the sending policy refuses it.
#[utoipa::path(post, path = "/sms/test", tag = "sms", request_body = SmsTest,
    responses((status = 200, description = "What became of it", body = shown::SmsTested)))]
async fn send_test_text(api: Api, Asked(test): Asked<SmsTest>) -> Answer {
    api.answer(AdminOp::SmsSendTest {
        phone: test.phone,
        provider: test.provider,
    })
    .await
}

/// Newest texts
#[utoipa::path(get, path = "/sms/messages", tag = "sms", params(MessageQuery),
    responses((status = 200, description = "A page of texts", body = shown::Messages)))]
async fn list_messages(api: Api, Query(query): Query<MessageQuery>) -> Answer {
    api.answer(AdminOp::SmsMessages {
        limit: query.limit.unwrap_or(ROWS),
        after: query.after,
    })
    .await
}
