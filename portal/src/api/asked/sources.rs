//! Of sources of passwords.

use otpost_ipc::Secret;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::value::{Login, Name, SourceKind};

/// A new source of passwords.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceNew {
    /// Unique name.
    #[schema(value_type = Name)]
    pub name: String,
    /// What it is.
    #[schema(value_type = SourceKind)]
    pub kind: String,
    /// Settings of its kind, as in the documentation; may hold credentials, which are never shown again.
    #[schema(value_type = Object, additional_properties = true)]
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// New settings of a source of passwords.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceChange {
    /// All of them, credentials too.
    #[schema(value_type = Object, additional_properties = true)]
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// A password that a source is to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceTest {
    /// Login as somebody would type it.
    #[schema(value_type = Login)]
    pub user: String,
    /// The password.
    #[schema(value_type = String, max_length = 512, format = Password)]
    pub password: Secret,
}
