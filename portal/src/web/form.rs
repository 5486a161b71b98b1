use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use otpost_ipc::Secret;
use zeroize::Zeroizing;

use super::{Ctx, PageError, csrf};

/// The fields of a form that was sent, as they were typed. Wiped when dropped, because passwords and codes are among
/// them; `Debug` shows the names only.
///
/// Reading it checks the form's token where somebody is signed in, and refuses what is not
/// `application/x-www-form-urlencoded`.
pub struct Posted(Vec<(String, Zeroizing<String>)>);

impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Posted {
    /// A field's text; empty where the field is missing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A field's text without the space around it.
    #[must_use]
    pub fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// A field's text as a secret.
    #[must_use]
    pub fn secret(&self, name: &str) -> Secret {
        Secret::from(self.get(name))
    }

    /// A code: without spaces, hyphens and dashes, which people type as they read them.
    #[must_use]
    pub fn code(&self, name: &str) -> Secret {
        let dense =
            |c: &char| !c.is_whitespace() && !matches!(*c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        let mut code = String::with_capacity(self.get(name).len());
        code.extend(self.get(name).chars().filter(dense));
        Secret::new(code)
    }

    /// Whether a box was ticked, or a button with that name pressed.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// All values of a field that occurs more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        (self.0.iter())
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All fields: name and text, in the form's order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn parse(body: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())))
                .collect(),
        )
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let ctx = request.extensions().get::<Ctx>().cloned();
        let kind = request.headers().get(header::CONTENT_TYPE);
        let is_form = kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
            let bare = kind.split(';').next().unwrap_or_default().trim();
            bare.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        if !is_form {
            return Err(PageError::BadRequest);
        }
        let body =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge,
                    _ => PageError::BadRequest,
                })?;
        let posted = Self::parse(&body);
        let session = ctx.as_ref().and_then(Ctx::session);
        if session.is_some_and(|session| !csrf::token_matches(session, posted.get("csrf"))) {
            return Err(PageError::StaleForm);
        }
        Ok(posted)
    }
}

#[cfg(test)]
mod tests {
    use super::Posted;

    #[test]
    fn fields_are_read_as_typed() {
        let posted = Posted::parse(b"name=+My+phone+&a=1&a=2&code=12%E2%80%9334+5-6&on=");
        assert_eq!(posted.get("name"), " My phone ");
        assert_eq!(posted.trimmed("name"), "My phone");
        assert_eq!(posted.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(posted.code("code").expose(), "123456");
        assert!(posted.has("on") && !posted.has("off"));
        assert_eq!(posted.get("missing"), "");
    }

    #[test]
    fn debug_shows_no_values() {
        let text = format!("{:?}", Posted::parse(b"password=hunter2"));
        assert_eq!(text, "[\"password\"]");
    }
}
