//! From a configuration and a text to an HTTP request.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Uri,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    config::{HttpConfig, MethodConfig},
    escape,
    parts::{auth, body, header_value, headers, named, split_url},
    template::{NoSender, Secrets, Template},
};
use crate::{error::ConfigError, message::Text, redact::Scrubber};

/// A request of this transport.
pub(super) type Outgoing = Request<Full<Bytes>>;

/// Everything of a request that can be decided before there is a text.
pub(super) struct Plan {
    method: Method,
    /// `scheme://authority`, literal.
    origin: String,
    path_and_query: Template,
    has_query: bool,
    query: Vec<(String, Template)>,
    headers: Vec<(HeaderName, Template)>,
    auth: Option<(HeaderName, HeaderValue)>,
    body: Body,
    /// Whether TLS is used.
    pub(super) https: bool,
}

pub(super) enum Body {
    Empty,
    Form(Vec<(String, Template)>),
    Json(Node),
    Raw {
        content_type: HeaderValue,
        escape: fn(&str) -> String,
        template: Template,
    },
}

/// A JSON document with templates for strings.
pub(super) enum Node {
    Leaf(Value),
    Text(Template),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Why this text cannot be put into this request. Said in our own words, so it holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unbuildable(pub(super) &'static str);

impl From<NoSender> for Unbuildable {
    fn from(NoSender: NoSender) -> Self {
        Self("the template uses {sender}, but the text has none; configure a sender")
    }
}

/// No escaping: for a value that is escaped as a whole afterwards, or must not be.
pub(super) fn as_is(text: &str) -> String {
    text.to_owned()
}

impl Plan {
    pub(super) fn new(config: &HttpConfig, scrub: &mut Scrubber) -> Result<Self, ConfigError> {
        let secrets = &config.secrets;
        let url = split_url(config.url.expose(), config.plain_http)?;
        let path_and_query = Template::parse("url", url.rest, secrets)?;
        let plan = Self {
            method: match config.method {
                MethodConfig::Get => Method::GET,
                MethodConfig::Post => Method::POST,
                MethodConfig::Put => Method::PUT,
            },
            origin: url.origin.to_owned(),
            path_and_query,
            has_query: url.rest.contains('?'),
            query: named("query", &config.query, secrets)?,
            headers: headers(config)?,
            auth: auth(&config.auth, secrets)?,
            body: body(config)?,
            https: url.https,
        };
        if let Some((_, value)) = &plan.auth {
            scrub.hide(value.to_str().unwrap_or_default());
            if let Some(credentials) = value.to_str().ok().and_then(|v| v.strip_prefix("Basic ")) {
                scrub.hide(credentials);
            }
        }
        plan.check_use()?;
        Ok(plan)
    }

    fn check_use(&self) -> Result<(), ConfigError> {
        if !self.any(&Template::has_recipient) {
            return Err(ConfigError::NotUsed {
                placeholder: "{to} or {to-digits}",
            });
        }
        if !self.any(&Template::has_body) {
            return Err(ConfigError::NotUsed {
                placeholder: "{text}",
            });
        }
        Ok(())
    }

    /// Whether a text without a sender cannot be sent.
    pub(super) fn needs_sender(&self) -> bool {
        self.any(&Template::needs_sender)
    }

    fn any(&self, holds: &dyn Fn(&Template) -> bool) -> bool {
        holds(&self.path_and_query)
            || self.query.iter().any(|(_, t)| holds(t))
            || self.headers.iter().any(|(_, t)| holds(t))
            || match &self.body {
                Body::Empty => false,
                Body::Form(fields) => fields.iter().any(|(_, t)| holds(t)),
                Body::Json(node) => node.any(holds),
                Body::Raw { template, .. } => holds(template),
            }
    }

    /// The request for `msg`.
    pub(super) fn build(&self, msg: &Text) -> Result<Outgoing, Unbuildable> {
        let mut request = Request::builder().method(self.method.clone()).uri(self.uri(msg)?);
        for (name, template) in &self.headers {
            let value = template.render(msg, as_is)?;
            let value = header_value(&value).ok_or(Unbuildable(
                "a header would hold a line break or a character that is not printable ASCII; send this value in the body",
            ))?;
            request = request.header(name, value);
        }
        if let Some((name, value)) = &self.auth {
            request = request.header(name, value);
        }
        let (content_type, content) = match &self.body {
            Body::Empty => (None, Zeroizing::new(String::new())),
            Body::Form(fields) => (
                Some(HeaderValue::from_static("application/x-www-form-urlencoded")),
                pairs(fields, msg, escape::form)?,
            ),
            Body::Json(node) => (
                Some(HeaderValue::from_static("application/json")),
                Zeroizing::new(node.render(msg)?.to_string()),
            ),
            Body::Raw {
                content_type,
                escape,
                template,
            } => (Some(content_type.clone()), template.render(msg, *escape)?),
        };
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request
            .body(Full::new(Bytes::copy_from_slice(content.as_bytes())))
            .map_err(|_| Unbuildable("the request is not valid HTTP"))
    }

    fn uri(&self, msg: &Text) -> Result<Uri, Unbuildable> {
        let mut url = Zeroizing::new(self.origin.clone());
        url.push_str(&self.path_and_query.render(msg, escape::percent)?);
        if !self.query.is_empty() {
            url.push(if self.has_query { '&' } else { '?' });
            url.push_str(&pairs(&self.query, msg, escape::percent)?);
        }
        url.parse().map_err(|_| Unbuildable("the URL is not valid"))
    }
}

impl Node {
    pub(super) fn parse(value: Value, secrets: &Secrets) -> Result<Self, ConfigError> {
        const KEY: &str = "body.template";
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(KEY, &text, secrets)?),
            Value::Array(items) => Self::Array(
                items
                    .into_iter()
                    .map(|item| Self::parse(item, secrets))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => {
                let mut nodes = Vec::with_capacity(members.len());
                for (name, value) in members {
                    if name.contains(['{', '}']) {
                        return Err(ConfigError::BadBody(
                            "template: a member name has a brace; placeholders stand in values only"
                                .to_owned(),
                        ));
                    }
                    nodes.push((name, Self::parse(value, secrets)?));
                }
                Self::Object(nodes)
            }
            leaf => Self::Leaf(leaf),
        })
    }

    fn any(&self, holds: &dyn Fn(&Template) -> bool) -> bool {
        match self {
            Self::Leaf(_) => false,
            Self::Text(template) => holds(template),
            Self::Array(items) => items.iter().any(|item| item.any(holds)),
            Self::Object(members) => members.iter().any(|(_, node)| node.any(holds)),
        }
    }

    fn render(&self, msg: &Text) -> Result<Value, NoSender> {
        Ok(match self {
            Self::Leaf(value) => value.clone(),
            // The JSON writer escapes the whole string afterwards, so nothing is escaped here.
            Self::Text(template) => Value::from(template.render(msg, as_is)?.as_str()),
            Self::Array(items) => items
                .iter()
                .map(|item| item.render(msg))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Object(members) => {
                let mut map = Map::new();
                for (name, node) in members {
                    map.insert(name.clone(), node.render(msg)?);
                }
                map.into()
            }
        })
    }
}

/// `name=value&...`, names and values escaped as a whole.
fn pairs(
    fields: &[(String, Template)],
    msg: &Text,
    escape: fn(&str) -> String,
) -> Result<Zeroizing<String>, NoSender> {
    let mut out = Zeroizing::new(String::new());
    for (name, template) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&escape(name));
        out.push('=');
        out.push_str(&Zeroizing::new(escape(&template.render(msg, as_is)?)));
    }
    Ok(out)
}
