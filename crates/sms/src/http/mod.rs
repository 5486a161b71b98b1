//! Any provider with an HTTP interface, described by data.

mod answer;
mod config;
pub(crate) mod escape;
mod net;
mod parts;
mod request;
mod template;

use std::{error::Error as StdError, fmt, sync::OnceLock, time::Duration};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::client::legacy::connect::capture_connection;

pub use config::{
    AuthConfig, BodyConfig, ErrorConfig, HttpConfig, IdConfig, MethodConfig, NamedValue, RawEscape, Scalar,
    SuccessConfig,
};
pub use template::{PLACEHOLDERS, TemplateText};

use crate::{
    error::ConfigError,
    message::Text,
    redact::{Detail, Scrubber},
    segment::segments,
    sys,
    transport::{Class, Submission, SubmitFuture, Transport},
};
use answer::{Content, Head, Judge};
use net::HttpClient;
use request::{Plan, Unbuildable};

/// Submits texts to one provider over HTTP/1.1.
///
/// What an outcome means on the wire:
/// - a name that does not resolve, a refused connection, a failed TLS set-up, or none within `connect-timeout`:
///   [`Class::Transient`], for nothing was written;
/// - a connection that breaks after the request went out, or no complete answer within `total-timeout`:
///   [`Submission::Unknown`], unless the status alone already is a refusal;
/// - an answer: by status and body, as [`HttpConfig`] says; a table stands in `answer.rs`.
///
/// Redirects are not followed, no proxy is taken from the environment, answers are not read past
/// `max-response-bytes`. Connections are kept for 20 s.
pub struct HttpTransport {
    plan: Plan,
    judge: Judge,
    client: HttpClient,
    scrub: Scrubber,
    total_timeout: Duration,
    max_response_bytes: usize,
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// Checks all of `config`, reads the certificate authorities and builds a connection pool; connects to nobody.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong; it names the key and the fix.
    pub fn new(config: &HttpConfig) -> Result<Self, ConfigError> {
        let mut scrub = Scrubber::default();
        for (name, value) in &config.secrets {
            check_secret(name, value.expose())?;
            scrub.hide(value.expose());
        }
        let limits = [
            ("connect-timeout", config.connect_timeout, Duration::from_secs(60)),
            ("total-timeout", config.total_timeout, Duration::from_secs(120)),
        ];
        for (key, value, max) in limits {
            if value.is_zero() || value > max {
                return Err(ConfigError::BadLimit {
                    key,
                    reason: "must be more than nothing and at most 60s to connect, 120s in total",
                });
            }
        }
        if config.connect_timeout >= config.total_timeout {
            return Err(ConfigError::BadLimit {
                key: "total-timeout",
                reason: "must be longer than connect-timeout",
            });
        }
        if !(256..=1024 * 1024).contains(&config.max_response_bytes) {
            return Err(ConfigError::BadLimit {
                key: "max-response-bytes",
                reason: "must be 256 to 1048576",
            });
        }
        let plan = Plan::new(config, &mut scrub)?;
        plan.build(&Text::sample())
            .map_err(|Unbuildable(reason)| ConfigError::BadRequest(reason))?;
        let judge = Judge::new(config)?;
        let client = net::client(config, plan.https)?;
        Ok(Self {
            plan,
            judge,
            client,
            scrub,
            total_timeout: config.total_timeout,
            max_response_bytes: config.max_response_bytes,
        })
    }

    /// Whether a template uses `{sender}`, so that every text needs one.
    #[must_use]
    pub fn needs_sender(&self) -> bool {
        self.plan.needs_sender()
    }

    async fn exchange(&self, msg: &Text) -> Submission {
        let mut request = match self.plan.build(msg) {
            Ok(request) => request,
            Err(Unbuildable(reason)) => return Submission::rejected(Class::Content, Detail::own(reason)),
        };
        let scrub = self.scrub.with_message(msg);
        let parts = u8::try_from(segments(msg.body.expose()).parts).unwrap_or(u8::MAX);
        // Holds a connection from the moment the request is handed to it: before, nothing can have been written.
        let connection = capture_connection(&mut request);
        let head: OnceLock<Head> = OnceLock::new();

        let work = async {
            let response = self.client.request(request).await?;
            let (response_head, body) = response.into_parts();
            let _ = head.set(Head {
                status: response_head.status,
                headers: response_head.headers,
            });
            Ok::<Content, hyper_util::client::legacy::Error>(self.read(body).await)
        };
        let outcome = sys::within(self.total_timeout, work).await;
        match (outcome, head.get()) {
            (Some(Ok(content)), Some(head)) => self.judge.judge(head, &content, parts, &scrub),
            (None, Some(head)) => {
                let content = Content::Broken("the rest of the answer did not come within total-timeout");
                self.judge.judge(head, &content, parts, &scrub)
            }
            (Some(Err(error)), _) => failed(&error, &scrub),
            (_, None) if connection.connection_metadata().is_none() => Submission::rejected(
                Class::Transient,
                Detail::own("no connection within total-timeout"),
            ),
            (_, None) => Submission::Unknown {
                detail: Detail::own("no answer within total-timeout"),
            },
        }
    }

    async fn read(&self, body: hyper::body::Incoming) -> Content {
        match Limited::new(body, self.max_response_bytes).collect().await {
            Ok(whole) => Content::Complete(whole.to_bytes().to_vec()),
            Err(error) if error.is::<LengthLimitError>() => Content::TooLong,
            Err(_) => Content::Broken("the connection broke in the middle of the answer"),
        }
    }
}

impl Transport for HttpTransport {
    fn submit<'a>(&'a self, msg: &'a Text) -> SubmitFuture<'a> {
        Box::pin(self.exchange(msg))
    }
}

/// No answer at all. hyper tells whether the request was begun: a connect error and a cancelled dispatch come before.
fn failed(error: &hyper_util::client::legacy::Error, scrub: &Scrubber) -> Submission {
    let mut root: &(dyn StdError + 'static) = error;
    let mut unsent = error.is_connect();
    while let Some(source) = root.source() {
        unsent |= source
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled);
        root = source;
    }
    let cause = root.to_string();
    if unsent {
        Submission::rejected(Class::Transient, scrub.detail("cannot connect", &cause))
    } else {
        Submission::Unknown {
            detail: scrub.detail("the connection broke before an answer came", &cause),
        }
    }
}

fn check_secret(name: &str, value: &str) -> Result<(), ConfigError> {
    let bad = |reason| ConfigError::BadSecret {
        name: name.to_owned(),
        reason,
    };
    let fits = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fits {
        return Err(bad("a name has letters, digits, - and _ only"));
    }
    if value.is_empty() {
        return Err(bad("is empty; give it a value or remove it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
