use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{Method, header, request::Parts},
};
use otpost_ipc::{Secret, portal::Browser};

use super::{PageError, cookies, csrf, peer::Arrival, short_agent};
use crate::{
    Site, Surface,
    i18n::{Lang, Texts},
    sys,
};

/// Light, dark, or as the system has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// As it stands in the cookie and in `data-theme`; empty for automatic.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From a name; whatever is unknown is automatic.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// What the button in the footer changes to.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Auto,
        }
    }
}

/// A request, as handlers and pages need it: who asks, in which language, with which session. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ctx {
    inner: Arc<Inner>,
    texts: Texts,
}

#[derive(Debug)]
struct Inner {
    site: Arc<Site>,
    arrival: Arrival,
    reference: String,
    nonce: String,
    agent: String,
    theme: Theme,
    session: Option<Secret>,
    here: String,
    method: Method,
    api: bool,
}

impl Ctx {
    /// `None` where the operating system has no randomness: then no page can be served safely.
    pub(crate) fn new(site: &Arc<Site>, arrival: Arrival, parts: &Parts) -> Option<Self> {
        let headers = &parts.headers;
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let reference = data_encoding::HEXLOWER.encode(&sys::random::<4>()?);
        let nonce = data_encoding::BASE64URL_NOPAD.encode(&sys::random::<16>()?);
        let path = parts.uri.path();
        // Keys, not cookies, open the API: so no other site can use somebody's session there.
        let api = path.starts_with("/api/");
        let session = if api {
            None
        } else {
            cookies::session(headers, site.surface, arrival.https)
        };
        let wanted = cookies::read(headers, "lang").and_then(|tag| Lang::tagged(tag, site.test_locale));
        let lang = wanted.unwrap_or_else(|| {
            Lang::accepted(
                text(header::ACCEPT_LANGUAGE).unwrap_or_default(),
                site.test_locale,
            )
        });
        let here = parts.uri.path_and_query().map_or(path, |whole| whole.as_str());
        Some(Self {
            inner: Arc::new(Inner {
                site: Arc::clone(site),
                arrival,
                reference: format!("r-{reference}"),
                nonce,
                agent: short_agent(text(header::USER_AGENT).unwrap_or_default()),
                theme: Theme::named(cookies::read(headers, "theme").unwrap_or_default()),
                session,
                here: here.to_owned(),
                method: parts.method.clone(),
                api,
            }),
            texts: Texts::new(lang),
        })
    }

    /// Which of the two sites.
    #[must_use]
    pub fn surface(&self) -> Surface {
        self.inner.site.surface
    }

    /// Short name of the request, shown to people and written to the log.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.inner.reference
    }

    /// What scripts and htmx elements of this response must carry.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.inner.nonce
    }

    /// The client's address: the connection's, or what a trusted proxy says.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        self.inner.arrival.client
    }

    /// Whether the client speaks HTTPS.
    #[must_use]
    pub fn https(&self) -> bool {
        self.inner.arrival.https
    }

    /// The session cookie's value.
    #[must_use]
    pub fn session(&self) -> Option<&Secret> {
        self.inner.session.as_ref()
    }

    /// What the forms of this session carry as `csrf`; empty without a session.
    #[must_use]
    pub fn csrf(&self) -> String {
        self.session().map_or_else(String::new, csrf::token)
    }

    /// Whether `given` is what the forms of this session carry.
    #[must_use]
    pub fn csrf_matches(&self, given: &str) -> bool {
        self.session()
            .is_none_or(|session| csrf::token_matches(session, given))
    }

    /// Whether this is a form that was sent, a POST.
    #[must_use]
    pub fn is_post(&self) -> bool {
        self.inner.method == Method::POST
    }

    /// Whether the answer is read by a program (`/api/`).
    #[must_use]
    pub fn is_api(&self) -> bool {
        self.inner.api
    }

    /// Path and query of the request.
    #[must_use]
    pub fn here(&self) -> &str {
        &self.inner.here
    }

    /// Appearance.
    #[must_use]
    pub fn theme(&self) -> Theme {
        self.inner.theme
    }

    /// Whether the pseudo-language is offered.
    #[must_use]
    pub fn test_locale(&self) -> bool {
        self.inner.site.test_locale
    }

    /// The words of the request's language.
    #[must_use]
    pub const fn texts(&self) -> Texts {
        self.texts
    }

    /// The same request in the language that a user has chosen; an unknown tag or none changes nothing.
    #[must_use]
    pub fn in_language(mut self, tag: &str) -> Self {
        if let Some(lang) = Lang::tagged(tag, self.test_locale()) {
            self.texts = Texts::new(lang);
        }
        self
    }

    /// Who asks, for the daemon.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser {
            source: self.client().to_string(),
            agent: self.inner.agent.clone(),
            lang: self.texts.lang().tag().to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Ctx {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, PageError> {
        // `wrap` is around every router; without it there is no safe page.
        parts.extensions.get::<Self>().cloned().ok_or(PageError::Internal)
    }
}
