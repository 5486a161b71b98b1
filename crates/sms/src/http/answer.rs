//! From an HTTP answer to a [`Submission`].
//!
//! | answer | outcome |
//! |---|---|
//! | status of success, body matches | accepted |
//! | status 2xx, error code found | rejected: class-map, else default-class |
//! | status of success, body complete and says something else | rejected: default-class |
//! | status 2xx, body empty, cut off, too long or of another form | unknown: the text may have been taken |
//! | 3xx | rejected as transient; never followed, or the text would go to another host |
//! | 4xx, 5xx | rejected: class-map, else by status; the body need not be complete |
//! | 504 without a mapped code | unknown: a proxy waited in vain, as we do when an answer stays away |

use std::time::Duration;

use hyper::{
    HeaderMap, StatusCode,
    header::{HeaderName, LOCATION, RETRY_AFTER},
};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::config::{ErrorConfig, HttpConfig, IdConfig, SuccessConfig};
use crate::{
    error::ConfigError,
    redact::{Detail, Scrubber},
    transport::{Class, Submission},
};

/// Longest wait a provider can ask for.
const RETRY_AFTER_MAX: u64 = 3600;

/// The answer without its body.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// The body as far as it came.
pub(super) enum Content {
    /// All of it.
    Complete(Vec<u8>),
    /// Longer than the limit. Nothing of it is used: a secret may be cut in two at its end.
    TooLong,
    /// The connection broke or the time was over.
    Broken(&'static str),
}

/// Knows how this provider says yes and no.
pub(super) struct Judge {
    statuses: Vec<StatusCode>,
    pointer: Option<(String, Accept)>,
    regex: Option<Regex>,
    id: Option<Source>,
    error: Option<Source>,
    classes: std::collections::BTreeMap<String, Class>,
    default_class: Class,
}

enum Accept {
    Values(Vec<String>),
    Anything,
}

enum Source {
    Pointer(String),
    Regex(Regex),
    Header(HeaderName),
}

/// What the success matchers make of a complete body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    /// It does not have the form in which the provider says yes or no.
    Silent,
}

impl Judge {
    pub(super) fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let success = &config.success;
        let statuses = success
            .status
            .iter()
            .map(|code| match code {
                200..=299 => {
                    StatusCode::from_u16(*code).map_err(|_| bad("success.status", "is no HTTP status"))
                }
                _ => Err(bad(
                    "success.status",
                    "has a status outside 200 to 299, which never means success",
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if statuses.is_empty() {
            return Err(bad(
                "success.status",
                "is empty; list the statuses of success, such as [200]",
            ));
        }
        let pointer = success_pointer(success)?;
        let regex = success
            .regex
            .as_deref()
            .map(|source| compile("success.regex", source))
            .transpose()?;
        if pointer.is_none() && regex.is_none() {
            return Err(ConfigError::NoBodyMatcher);
        }
        let error = config.error.as_ref().map(error_source).transpose()?;
        if error.is_none() && !config.class_map.is_empty() {
            return Err(bad(
                "class-map",
                "is never used without `error`, which says where the code stands; add it",
            ));
        }
        Ok(Self {
            statuses,
            pointer,
            regex,
            id: config.id.as_ref().map(id_source).transpose()?,
            error,
            classes: config.class_map.clone(),
            default_class: config.default_class,
        })
    }

    /// What the answer means. `parts` goes into an acceptance, `scrub` over everything the provider wrote.
    pub(super) fn judge(&self, head: &Head, content: &Content, parts: u8, scrub: &Scrubber) -> Submission {
        let Head { status, headers } = head;
        let status = *status;
        let says = format!("HTTP {}", status.as_u16());
        let text = match content {
            Content::Complete(bytes) => String::from_utf8_lossy(bytes),
            Content::TooLong | Content::Broken(_) => std::borrow::Cow::Borrowed(""),
        };
        let json: Option<Value> = serde_json::from_str(&text).ok();
        let answer = Answer {
            headers,
            text: &text,
            json: json.as_ref(),
        };

        if status.is_redirection() {
            return Submission::rejected(Class::Transient, redirect(&says, headers, scrub));
        }
        let expected = self.statuses.contains(&status);
        let verdict = if expected {
            self.verdict(&answer, content)
        } else {
            Verdict::Silent
        };
        if verdict == Verdict::Yes {
            let id = self.id.as_ref().and_then(|source| answer.get(source));
            return Submission::Accepted {
                provider_id: id.and_then(|id| scrub.token(&id)),
                parts,
            };
        }

        let code = self.error.as_ref().and_then(|source| answer.get(source));
        let mapped = code
            .as_ref()
            .and_then(|code| self.classes.get(code.trim()))
            .copied();
        let rejected = |class| Submission::Rejected {
            class,
            provider_code: code.as_deref().and_then(|code| scrub.token(code)),
            retry_after: retry_after(headers),
            detail: scrub.detail(&says, &text),
        };
        if let Some(class) = mapped {
            return rejected(class);
        }
        if let Some(class) = class_of_status(status) {
            return rejected(class);
        }
        if status.is_success() && (code.is_some() || verdict == Verdict::No) {
            return rejected(self.default_class);
        }
        let why = match content {
            Content::TooLong => "the answer is longer than max-response-bytes",
            Content::Broken(why) => why,
            Content::Complete(_) if status == StatusCode::GATEWAY_TIMEOUT => {
                "a proxy got no answer from the gateway"
            }
            Content::Complete(_) if status.is_success() && !expected => {
                "a status that success.status does not list"
            }
            Content::Complete(bytes) if bytes.is_empty() => "an empty answer",
            Content::Complete(_) => "an answer in a form that neither success nor error describe",
        };
        Submission::Unknown {
            detail: scrub.detail(&format!("{says}, {why}"), &text),
        }
    }

    fn verdict(&self, answer: &Answer<'_>, content: &Content) -> Verdict {
        if !matches!(content, Content::Complete(bytes) if !bytes.is_empty()) {
            return Verdict::Silent;
        }
        if let Some((pointer, accept)) = &self.pointer {
            let Some(json) = answer.json else {
                return Verdict::Silent;
            };
            match (json.pointer(pointer).and_then(scalar), accept) {
                // A missing member is how a provider says no where its presence says yes, and silence elsewhere.
                (None, Accept::Values(_)) => return Verdict::Silent,
                (None, Accept::Anything) => return Verdict::No,
                (Some(value), Accept::Values(values)) if !values.contains(&value) => return Verdict::No,
                (Some(value), Accept::Anything) if value == "false" || value.is_empty() => {
                    return Verdict::No;
                }
                _ => {}
            }
        }
        match &self.regex {
            Some(regex) if !regex.is_match(answer.text) => Verdict::No,
            _ => Verdict::Yes,
        }
    }
}

struct Answer<'a> {
    headers: &'a HeaderMap,
    text: &'a str,
    json: Option<&'a Value>,
}

impl Answer<'_> {
    fn get(&self, source: &Source) -> Option<String> {
        let found = match source {
            Source::Pointer(pointer) => scalar(self.json?.pointer(pointer)?)?,
            Source::Regex(regex) => regex.captures(self.text)?.get(1)?.as_str().to_owned(),
            Source::Header(name) => self.headers.get(name)?.to_str().ok()?.to_owned(),
        };
        (!found.trim().is_empty()).then_some(found)
    }
}

/// The text of a single value; null, lists and objects have none.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `None` for statuses that are no refusal.
fn class_of_status(status: StatusCode) -> Option<Class> {
    match status.as_u16() {
        401 | 403 => Some(Class::Auth),
        402 => Some(Class::Balance),
        // The server gave up before it had the request, or asks to wait.
        408 | 425 => Some(Class::Transient),
        429 => Some(Class::Throttle),
        504 => None,
        500..=599 => Some(Class::Transient),
        400..=499 => Some(Class::Content),
        _ => None,
    }
}

/// Seconds only. The date form would need a clock, and providers of texts send seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_MAX)))
}

/// Only scheme and host of the target are told: the rest may repeat the request.
fn redirect(says: &str, headers: &HeaderMap, scrub: &Scrubber) -> Detail {
    let target = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<hyper::Uri>().ok())
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.host()?)));
    let ours = format!("{says}, redirects are not followed; set url to the final address");
    scrub.detail(&ours, &target.unwrap_or_default())
}

fn bad(key: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::BadMatcher {
        key,
        reason: reason.into(),
    }
}

fn compile(key: &'static str, source: &str) -> Result<Regex, ConfigError> {
    RegexBuilder::new(source)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| bad(key, format!("not a regular expression: {error}")))
}

fn compile_group(key: &'static str, source: &str) -> Result<Source, ConfigError> {
    let regex = compile(key, source)?;
    if regex.captures_len() < 2 {
        return Err(bad(key, "has no group; put parentheses around the part to take"));
    }
    Ok(Source::Regex(regex))
}

fn pointer(key: &'static str, source: &str) -> Result<String, ConfigError> {
    if source.starts_with('/') {
        Ok(source.to_owned())
    } else {
        Err(bad(
            key,
            "not a JSON Pointer; it starts with a slash, as in \"/messages/0/status\"",
        ))
    }
}

fn success_pointer(success: &SuccessConfig) -> Result<Option<(String, Accept)>, ConfigError> {
    const KEY: &str = "success.json-pointer";
    let conditions = [
        success.equals.is_some(),
        success.any_of.is_some(),
        success.exists.is_some(),
    ];
    let count = conditions.into_iter().filter(|set| *set).count();
    let Some(source) = &success.json_pointer else {
        if count > 0 {
            return Err(bad(
                "success",
                "equals, any-of and exists need json-pointer, which says where to look",
            ));
        }
        return Ok(None);
    };
    let source = pointer(KEY, source)?;
    if count != 1 {
        return Err(bad(KEY, "needs exactly one of equals, any-of and exists = true"));
    }
    let accept = match (&success.equals, &success.any_of) {
        (Some(value), _) => Accept::Values(vec![value.0.clone()]),
        (None, Some(values)) if values.is_empty() => {
            return Err(bad("success.any-of", "is empty; list the values"));
        }
        (None, Some(values)) => Accept::Values(values.iter().map(|value| value.0.clone()).collect()),
        (None, None) if success.exists == Some(true) => Accept::Anything,
        (None, None) => {
            return Err(bad(
                "success.exists",
                "can only be true; name the value of success with equals",
            ));
        }
    };
    Ok(Some((source, accept)))
}

fn id_source(config: &IdConfig) -> Result<Source, ConfigError> {
    match (&config.json_pointer, &config.regex, &config.header) {
        (Some(source), None, None) => Ok(Source::Pointer(pointer("id.json-pointer", source)?)),
        (None, Some(source), None) => compile_group("id.regex", source),
        (None, None, Some(name)) => HeaderName::from_bytes(name.as_bytes())
            .map(Source::Header)
            .map_err(|_| bad("id.header", "is no header name")),
        _ => Err(bad("id", "needs exactly one of json-pointer, regex and header")),
    }
}

fn error_source(config: &ErrorConfig) -> Result<Source, ConfigError> {
    match (&config.json_pointer, &config.regex) {
        (Some(source), None) => Ok(Source::Pointer(pointer("error.json-pointer", source)?)),
        (None, Some(source)) => compile_group("error.regex", source),
        _ => Err(bad("error", "needs exactly one of json-pointer and regex")),
    }
}

#[cfg(test)]
mod tests;
