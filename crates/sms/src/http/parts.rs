//! The parts of a request as the configuration has them, checked one by one.

use std::net::IpAddr;

use data_encoding::BASE64;
use hyper::{
    Uri,
    header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT},
};
use zeroize::Zeroizing;

use super::{
    config::{AuthConfig, BodyConfig, HttpConfig, MethodConfig, NamedValue, RawEscape},
    escape,
    request::{Body, Node, as_is},
    template::{Secrets, Template},
};
use crate::{error::ConfigError, message::Text};

/// Printable ASCII and inner spaces; everything else could split a header or is read differently by each server.
pub(super) fn header_value(text: &str) -> Option<HeaderValue> {
    if text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        HeaderValue::from_str(text).ok()
    } else {
        None
    }
}

/// A URL, checked: `scheme://authority`, and path and query with their placeholders.
pub(super) struct SplitUrl<'a> {
    pub(super) origin: &'a str,
    pub(super) rest: &'a str,
    pub(super) https: bool,
}

pub(super) fn split_url(url: &str, plain_http: bool) -> Result<SplitUrl<'_>, ConfigError> {
    let bad = |reason: &str| ConfigError::BadUrl(reason.to_owned());
    let (https, after_scheme) = if let Some(after) = url.strip_prefix("https://") {
        (true, after)
    } else if let Some(after) = url.strip_prefix("http://") {
        (false, after)
    } else {
        return Err(bad("does not start with https:// (or http://)"));
    };
    let end = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
    let (authority, rest) = after_scheme
        .split_at_checked(end)
        .ok_or_else(|| bad("has no host"))?;
    if authority.contains(['{', '}']) {
        return Err(bad(
            "placeholders may stand in path and query only, never in host or port",
        ));
    }
    if authority.contains('@') {
        return Err(bad(
            "credentials do not belong here; use auth = { kind = \"basic\", ... }",
        ));
    }
    if rest.contains('#') {
        return Err(bad(
            "has a fragment (#...), which is never sent; remove it or write %23",
        ));
    }
    if !rest.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad("has a space or a character outside ASCII; percent-encode it"));
    }
    let (origin, _) = url
        .split_at_checked(url.len() - rest.len())
        .ok_or_else(|| bad("has no host"))?;
    let parsed: Uri = origin.parse().map_err(|_| bad("host or port is not valid"))?;
    let host = parsed
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| bad("has no host"))?;
    if !https && !plain_http && !is_loopback(host) {
        return Err(ConfigError::PlainHttp {
            host: host.to_owned(),
        });
    }
    Ok(SplitUrl { origin, rest, https })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn named(
    key: &str,
    list: &[NamedValue],
    secrets: &Secrets,
) -> Result<Vec<(String, Template)>, ConfigError> {
    list.iter()
        .map(|NamedValue { name, value }| {
            let bad = |reason| ConfigError::BadName {
                key: format!("{key}.{name}"),
                reason,
            };
            if name.is_empty() {
                return Err(bad("the name is empty; give it one or remove the entry"));
            }
            if name.contains(['{', '}']) {
                return Err(bad("placeholders stand in the value, not in the name"));
            }
            Ok((
                name.clone(),
                Template::parse(&format!("{key}.{name}"), value.expose(), secrets)?,
            ))
        })
        .collect()
}

fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    let bad = |reason| ConfigError::BadHeader {
        name: name.to_owned(),
        reason,
    };
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("is no header name"))?;
    match parsed.as_str() {
        "host"
        | "content-length"
        | "transfer-encoding"
        | "connection"
        | "te"
        | "trailer"
        | "upgrade"
        | "expect"
        | "proxy-authorization" => Err(bad("is set by the transport; remove it")),
        "content-type" => Err(bad(
            "follows from the kind of the body; remove it, or use a raw body",
        )),
        // The answer would be compressed, and no matcher could read it.
        "accept-encoding" => Err(bad("answers are read uncompressed; remove it")),
        _ => Ok(parsed),
    }
}

pub(super) fn headers(config: &HttpConfig) -> Result<Vec<(HeaderName, Template)>, ConfigError> {
    let by_auth = match &config.auth {
        AuthConfig::None => None,
        AuthConfig::Basic { .. } | AuthConfig::Bearer { .. } => Some(AUTHORIZATION),
        AuthConfig::Header { name, .. } => Some(header_name(name)?),
    };
    let mut list = Vec::new();
    for NamedValue { name, value } in &config.headers {
        let parsed = header_name(name)?;
        if by_auth.as_ref() == Some(&parsed) {
            return Err(ConfigError::BadHeader {
                name: name.clone(),
                reason: "is set by auth too; remove one of them",
            });
        }
        list.push((
            parsed,
            Template::parse(&format!("headers.{name}"), value.expose(), &config.secrets)?,
        ));
    }
    if !list.iter().any(|(name, _)| name == USER_AGENT) {
        list.push((
            USER_AGENT,
            Template::parse(
                "headers",
                concat!("otpost/", env!("CARGO_PKG_VERSION")),
                &config.secrets,
            )?,
        ));
    }
    Ok(list)
}

/// The whole header is known now: nothing of a text may be in a credential.
pub(super) fn auth(
    config: &AuthConfig,
    secrets: &Secrets,
) -> Result<Option<(HeaderName, HeaderValue)>, ConfigError> {
    let nobody = Text::sample();
    let credential = |key: &str, source: &str, hide: bool| -> Result<Zeroizing<String>, ConfigError> {
        let template = Template::credential(key, source, secrets, hide)?;
        template
            .render(&nobody, as_is)
            .map_err(|_| ConfigError::BadAuth("a credential cannot hold {sender}"))
    };
    let (name, value) = match config {
        AuthConfig::None => return Ok(None),
        AuthConfig::Basic { username, password } => {
            let username = credential("auth.username", username.expose(), false)?;
            let password = credential("auth.password", password.expose(), true)?;
            if username.contains(':') {
                return Err(ConfigError::BadAuth(
                    "username: has a colon, which RFC 7617 does not allow",
                ));
            }
            if username.chars().chain(password.chars()).any(char::is_control) {
                return Err(ConfigError::BadAuth(
                    "username or password has a control character; remove it",
                ));
            }
            let both = Zeroizing::new(format!("{}:{}", *username, *password));
            (
                AUTHORIZATION,
                Zeroizing::new(format!("Basic {}", BASE64.encode(both.as_bytes()))),
            )
        }
        AuthConfig::Bearer { token } => {
            let token = credential("auth.token", token.expose(), true)?;
            (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", *token)))
        }
        AuthConfig::Header { name, value } => (
            header_name(name)?,
            credential("auth.value", value.expose(), true)?,
        ),
    };
    let mut value = header_value(&value).ok_or(ConfigError::BadAuth(
        "the credential has a line break or a character that is not printable ASCII; does the secret end in a newline?",
    ))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

pub(super) fn body(config: &HttpConfig) -> Result<Body, ConfigError> {
    let bad = |reason: &str| ConfigError::BadBody(reason.to_owned());
    let secrets = &config.secrets;
    let Some(body) = &config.body else {
        return Ok(Body::Empty);
    };
    if config.method == MethodConfig::Get {
        return Err(bad("a GET request has none; remove it, or use method = \"POST\""));
    }
    Ok(match body {
        BodyConfig::Form { fields } => {
            if fields.is_empty() {
                return Err(bad("fields: is empty; add fields or remove the body"));
            }
            Body::Form(named("body.fields", fields, secrets)?)
        }
        BodyConfig::Json { template } => {
            let value = serde_json::from_str(template.expose()).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                ConfigError::BadBody(format!(
                    "template: not JSON at line {line} column {column}; placeholders stand inside strings, as in {{\"to\": \"{{to}}\"}}"
                ))
            })?;
            Body::Json(Node::parse(value, secrets)?)
        }
        BodyConfig::Raw {
            content_type,
            escape,
            template,
        } => {
            let lower = content_type.to_ascii_lowercase();
            if lower.contains("json") {
                return Err(bad("content-type: JSON needs kind = \"json\", which escapes it"));
            }
            if lower.contains("form-urlencoded") {
                return Err(bad(
                    "content-type: a form needs kind = \"form\", which escapes it",
                ));
            }
            if lower.contains("xml") && *escape != RawEscape::Xml {
                return Err(bad("escape: XML needs escape = \"xml\""));
            }
            let value = header_value(content_type)
                .filter(|_| content_type.contains('/'))
                .ok_or_else(|| bad("content-type: not a media type such as text/plain; charset=utf-8"))?;
            Body::Raw {
                content_type: value,
                escape: match escape {
                    RawEscape::Xml => escape::xml,
                    RawEscape::Percent => escape::percent,
                    RawEscape::None => as_is,
                },
                template: Template::parse("body.template", template.expose(), secrets)?,
            }
        }
    })
}
