//! What stands in the fields of a form: typed a moment ago where the form came back with mistakes, or kept in the browser over a
//! sign-in where the session had ended. Never a secret, a code, a number or a file.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::web::{Ctx, Posted, cookie};

/// Fields that are never kept.
const NEVER: [&str; 10] = [
    "csrf", "password", "current", "new", "code", "secret", "config", "text", "phone", "ca",
];
/// A quarter of an hour.
const AGE: u32 = 900;
/// Octets that are kept at most: a cookie holds 4096.
const LONGEST: usize = 2400;
/// Name of the cookie.
const COOKIE: &str = "typed";

/// Values of fields, where a form was sent before.
#[derive(Clone, Default)]
pub(super) struct Typed {
    fields: Option<Vec<(String, Zeroizing<String>)>>,
    kept: bool,
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Typed")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    path: String,
    fields: Vec<(String, String)>,
}

fn bare(ctx: &Ctx) -> &str {
    ctx.here().split('?').next().unwrap_or_default()
}

impl Typed {
    /// What was just sent.
    pub(super) fn of(form: &Posted) -> Self {
        let fields = form
            .fields()
            .map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned())))
            .collect();
        Self {
            fields: Some(fields),
            kept: false,
        }
    }

    /// What was kept for this page.
    pub(super) fn kept(ctx: &Ctx, headers: &HeaderMap) -> Self {
        let kept = cookie(headers, COOKIE)
            .filter(|_| !ctx.is_post())
            .and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok())
            .and_then(|octets| serde_json::from_slice::<Kept>(&octets).ok())
            .filter(|kept| kept.path == bare(ctx));
        match kept {
            None => Self::default(),
            Some(kept) => Self {
                fields: Some(
                    kept.fields
                        .into_iter()
                        .map(|(name, value)| (name, Zeroizing::new(value)))
                        .collect(),
                ),
                kept: true,
            },
        }
    }

    /// What stands in a line of text: what was typed, else `otherwise`.
    pub(super) fn or(&self, name: &str, otherwise: &str) -> String {
        let found = self.fields.as_ref().and_then(|fields| {
            let found = fields.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.to_string())
        });
        found.unwrap_or_else(|| otherwise.to_owned())
    }

    /// All values of a field; `None` where no form was sent.
    pub(super) fn all(&self, name: &str) -> Option<Vec<String>> {
        let fields = self.fields.as_ref()?;
        let values = fields.iter().filter(|(key, _)| key == name);
        Some(values.map(|(_, value)| value.to_string()).collect())
    }

    /// Whether a box is ticked.
    pub(super) fn on(&self, name: &str, otherwise: bool) -> bool {
        match &self.fields {
            Some(fields) => fields.iter().any(|(key, _)| key == name),
            None => otherwise,
        }
    }

    /// Takes what was kept away from the browser, where this page has shown it.
    pub(super) fn shown(&self, https: bool, response: &mut Response) {
        if self.kept {
            set(https, "", 0, response);
        }
    }
}

/// Keeps what was typed until its page is shown again.
pub(super) fn keep(ctx: &Ctx, form: &Posted, response: &mut Response) {
    let mut room = LONGEST;
    let mut fields = Vec::new();
    for (name, value) in form.fields() {
        let size = name.len() + value.len() + 6;
        if !NEVER.contains(&name) && size <= room {
            room -= size;
            fields.push((name.to_owned(), value.to_owned()));
        }
    }
    let path = bare(ctx).to_owned();
    if let Ok(json) = serde_json::to_vec(&Kept { path, fields }) {
        set(ctx.https(), &BASE64URL_NOPAD.encode(&json), AGE, response);
    }
}

fn set(https: bool, value: &str, age: u32, response: &mut Response) {
    let secure = if https { "; Secure" } else { "" };
    let line = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age={age}");
    if let Ok(mut value) = HeaderValue::from_str(&line) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
