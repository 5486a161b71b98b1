use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::template::TemplateText;
use crate::{redact::SecretText, transport::Class};

/// How one provider is spoken to. Everything is data; [`super::HttpTransport::new`] checks it.
///
/// Templates hold the placeholders of [`super::PLACEHOLDERS`]; literal braces are doubled. What a placeholder brings
/// in is escaped for the place it stands in, so no text, sender or key can become syntax.
///
/// ```toml
/// method = "POST"
/// url = "https://gateway.example/v1/{secret.account}/messages"
/// auth = { kind = "bearer", token = "{secret.token}" }
/// body = { kind = "json", template = '{"to": "{to}", "text": "{text}", "validity": "{ttl-seconds}"}' }
/// success = { status = [200, 201], json-pointer = "/status", any-of = ["queued", "sent"] }
/// id = { json-pointer = "/id" }
/// error = { json-pointer = "/code" }
/// class-map = { 21211 = "number", 21408 = "policy" }
/// secrets = { account = "...", token = "..." }
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpConfig {
    /// The request method; POST unless given.
    #[serde(default)]
    pub method: MethodConfig,
    /// `https://host[:port]/path[?query]`; placeholders in path and query only. `http://` needs a loopback host or
    /// `plain-http`.
    pub url: TemplateText,
    /// Parameters added to the query of `url`, percent-encoded.
    #[serde(default)]
    pub query: Vec<NamedValue>,
    /// Header fields besides those the transport sets (`Host`, `Content-Type`, `Content-Length`, `Authorization` when
    /// `auth` is basic or bearer).
    #[serde(default)]
    pub headers: Vec<NamedValue>,
    /// The request body; none unless given.
    #[serde(default)]
    pub body: Option<BodyConfig>,
    /// How the account is proven; nothing unless given.
    #[serde(default)]
    pub auth: AuthConfig,
    /// When the text was taken: the status AND the body must say so.
    pub success: SuccessConfig,
    /// Where an accepting answer names the message.
    #[serde(default)]
    pub id: Option<IdConfig>,
    /// Where a refusing answer holds the provider's error code.
    #[serde(default)]
    pub error: Option<ErrorConfig>,
    /// What the provider's error codes mean. It goes before the status.
    #[serde(default)]
    pub class_map: BTreeMap<String, Class>,
    /// What a refusal inside an answer of status 2xx means when its code is not in `class-map`; `transient` unless
    /// given.
    #[serde(default = "default_class")]
    pub default_class: Class,
    /// Bound on name resolution, TCP and TLS set-up together; `"3s"` unless given.
    #[serde(default = "default_connect_timeout", deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// Bound on one submission as a whole; `"8s"` unless given. Longer than `connect-timeout`.
    #[serde(default = "default_total_timeout", deserialize_with = "duration")]
    pub total_timeout: Duration,
    /// Longest answer that is read, in octets; 65536 unless given.
    #[serde(default = "default_max_response_bytes")]
    pub max_response_bytes: usize,
    /// PEM file with the only certificate authorities trusted for this provider; the system's unless given.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Allows `http://` to a host that is not this machine.
    #[serde(default)]
    pub plain_http: bool,
    /// Values for `{secret.NAME}`. They never print.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretText>,
}

/// The request method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MethodConfig {
    /// Everything in URL and headers; no body.
    Get,
    /// The usual one.
    #[default]
    Post,
    /// For the few that ask for it.
    Put,
}

/// A name and what it is set to.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NamedValue {
    /// The name, without placeholders.
    pub name: String,
    /// The template of the value.
    pub value: TemplateText,
}

/// The request body.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum BodyConfig {
    /// `application/x-www-form-urlencoded`.
    Form {
        /// The fields in order.
        fields: Vec<NamedValue>,
    },
    /// `application/json`.
    Json {
        /// A JSON document. It is parsed first; placeholders stand inside its string values.
        template: TemplateText,
    },
    /// Anything else.
    Raw {
        /// The `Content-Type`.
        content_type: String,
        /// How placeholders are escaped: there is no default, because a wrong one lets a text become syntax.
        escape: RawEscape,
        /// The body.
        template: TemplateText,
    },
}

/// Escaping of placeholders in a raw body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawEscape {
    /// Character data and attribute values of XML.
    Xml,
    /// Percent-encoding.
    Percent,
    /// As it is: only for a body that is nothing but the text.
    None,
}

/// How the account is proven. Each value must come from `secrets`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum AuthConfig {
    /// Not at all, or by `query`, `headers` or `body`.
    #[default]
    None,
    /// `Authorization: Basic` (RFC 7617), UTF-8.
    Basic {
        /// May be written out; holds no colon.
        username: TemplateText,
        /// From `secrets`.
        password: TemplateText,
    },
    /// `Authorization: Bearer` (RFC 6750).
    Bearer {
        /// From `secrets`.
        token: TemplateText,
    },
    /// A header field of the provider's own, such as `X-Api-Key`, or `Authorization` with a scheme of its own.
    Header {
        /// The field name.
        name: String,
        /// From `secrets`.
        value: TemplateText,
    },
}

/// When the text was taken. Needs `json-pointer` with one of `equals`, `any-of`, `exists`, or `regex`, or both.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SuccessConfig {
    /// Statuses of success, each 200 to 299.
    pub status: Vec<u16>,
    /// JSON Pointer (RFC 6901) to the value that tells.
    #[serde(default)]
    pub json_pointer: Option<String>,
    /// The value it must have.
    #[serde(default)]
    pub equals: Option<Scalar>,
    /// The values it may have.
    #[serde(default)]
    pub any_of: Option<Vec<Scalar>>,
    /// `true`: any string, number or true will do.
    #[serde(default)]
    pub exists: Option<bool>,
    /// Regular expression that must match somewhere in the body.
    #[serde(default)]
    pub regex: Option<String>,
}

/// A string, number or truth value; compared by its text, so `equals = 0` matches `"0"` and `0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number or true/false")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar(v.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Where the provider's name of the message stands: exactly one of the three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IdConfig {
    /// JSON Pointer to it.
    #[serde(default)]
    pub json_pointer: Option<String>,
    /// Regular expression over the body; its first group is the name.
    #[serde(default)]
    pub regex: Option<String>,
    /// Response header field that holds it.
    #[serde(default)]
    pub header: Option<String>,
}

/// Where the provider's error code stands: exactly one of the two.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ErrorConfig {
    /// JSON Pointer to it.
    #[serde(default)]
    pub json_pointer: Option<String>,
    /// Regular expression over the body; its first group is the code.
    #[serde(default)]
    pub regex: Option<String>,
}

fn default_class() -> Class {
    Class::Transient
}

fn default_connect_timeout() -> Duration {
    Duration::from_secs(3)
}

fn default_total_timeout() -> Duration {
    Duration::from_secs(8)
}

fn default_max_response_bytes() -> usize {
    64 * 1024
}

/// `"3s"` or `"500ms"`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = match text.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => text
            .strip_suffix('s')
            .and_then(|number| number.parse().ok())
            .map(Duration::from_secs),
    };
    parsed.ok_or_else(|| de::Error::custom("not a time; write it like \"3s\" or \"500ms\""))
}
