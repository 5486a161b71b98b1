//! What was typed into a form, kept in the browser until it is used or the same page is shown again: where the session had ended, and
//! where a fresh code is asked for first. Never a password or a code.
//!
//! What waits for a fresh code is sealed for its session and for that code's page alone: nobody else can put a number there.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use otpost_ipc::Secret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::web::{Ctx, Posted, cookie};

/// Fields that may be kept.
const FIELDS: [&str; 9] = [
    "name", "phone", "digits", "email", "first", "last", "login", "form", "replaces",
];
/// A quarter of an hour.
const AGE: u32 = 900;
/// Longest value that is kept.
const LONGEST: usize = 200;

/// What was typed, and where.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Path of the page.
    pub(super) path: String,
    /// The step-up that it waits for; empty where it waits for none.
    #[serde(default)]
    step_up: String,
    fields: Vec<(String, String)>,
}

impl Kept {
    /// What the request carries, where it belongs to the portal of `address`; what waits for a fresh code only in its own session.
    pub(super) fn of(ctx: &Ctx, headers: &HeaderMap, address: &str) -> Option<Self> {
        let text = cookie(headers, "kept")?;
        let (body, seal) = text.split_once('.').unwrap_or((text, ""));
        let octets = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
        let kept: Self = serde_json::from_slice(&octets).ok()?;
        if !kept.step_up.is_empty() {
            let seal = BASE64URL_NOPAD.decode(seal.as_bytes()).ok()?;
            mac(ctx.session()?, &octets)?.verify_slice(&seal).ok()?;
        }
        let below = format!("/s/{address}/");
        (kept.path.starts_with(&below) && !kept.path.contains("..") && ctx.here().starts_with("/s/"))
            .then_some(kept)
    }

    /// The same, where it waited for this step-up.
    pub(super) fn waiting(ctx: &Ctx, headers: &HeaderMap, address: &str, step_up: &str) -> Option<Self> {
        Self::of(ctx, headers, address).filter(|kept| !step_up.is_empty() && kept.step_up == step_up)
    }

    /// What was typed into a field of the page at `path`.
    pub(super) fn field(&self, path: &str, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found
            .filter(|_| self.path == path)
            .map(|(_, value)| value.as_str())
    }

    /// The fields of a form that was sent to `path`.
    pub(super) fn typed(path: &str, typed: &Posted) -> Self {
        Self::with(path, FIELDS.map(|name| (name, typed.get(name))))
    }

    /// These fields of the page at `path`.
    pub(super) fn with<'f>(path: &str, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let short = fields
            .into_iter()
            .filter(|(_, value)| (1..=LONGEST).contains(&value.len()));
        Self {
            path: path.to_owned(),
            step_up: String::new(),
            fields: short
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// Keeps it until the page is shown again.
    pub(super) fn keep(&self, ctx: &Ctx, address: &str, response: &mut Response) {
        if let Ok(json) = serde_json::to_vec(self) {
            set(ctx, address, &BASE64URL_NOPAD.encode(&json), AGE, response);
        }
    }

    /// Keeps it until the fresh code of this step-up was taken.
    pub(super) fn keep_for(mut self, step_up: &str, ctx: &Ctx, address: &str, response: &mut Response) {
        step_up.clone_into(&mut self.step_up);
        let sealed = serde_json::to_vec(&self).ok().and_then(|json| {
            let seal = mac(ctx.session()?, &json)?.finalize().into_bytes();
            Some(format!(
                "{}.{}",
                BASE64URL_NOPAD.encode(&json),
                BASE64URL_NOPAD.encode(&seal)
            ))
        });
        if let Some(sealed) = sealed {
            set(ctx, address, &sealed, AGE, response);
        }
    }
}

fn mac(session: &Secret, octets: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(session.expose().as_bytes()).ok()?;
    mac.update(b"otpost kept 1\0");
    mac.update(octets);
    Some(mac)
}

/// Forgets what was kept.
pub(super) fn forget(ctx: &Ctx, address: &str, response: &mut Response) {
    set(ctx, address, "", 0, response);
}

fn set(ctx: &Ctx, address: &str, value: &str, age: u32, response: &mut Response) {
    let secure = if ctx.https() { "; Secure" } else { "" };
    let cookie = format!("kept={value}; Path=/s/{address}; HttpOnly; SameSite=Strict{secure}; Max-Age={age}");
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
