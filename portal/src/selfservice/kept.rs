//! What was typed into a form whose session had ended: kept in the browser until the same page is shown again. Never a password or a
//! code.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::web::{Ctx, Posted, cookie};

/// Fields that may be kept.
const FIELDS: [&str; 7] = ["name", "phone", "digits", "email", "first", "last", "login"];
/// A quarter of an hour.
const AGE: u32 = 900;
/// Longest value that is kept.
const LONGEST: usize = 200;

/// What was typed, and where.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Path of the page.
    pub(super) path: String,
    fields: Vec<(String, String)>,
}

impl Kept {
    /// What the request carries, where it belongs to the portal of `address`.
    pub(super) fn of(ctx: &Ctx, headers: &HeaderMap, address: &str) -> Option<Self> {
        let text = cookie(headers, "kept")?;
        let octets = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let kept: Self = serde_json::from_slice(&octets).ok()?;
        let below = format!("/s/{address}/");
        (kept.path.starts_with(&below) && !kept.path.contains("..") && ctx.here().starts_with("/s/"))
            .then_some(kept)
    }

    /// What was typed into a field of the page at `path`.
    pub(super) fn field(&self, path: &str, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found
            .filter(|_| self.path == path)
            .map(|(_, value)| value.as_str())
    }
}

/// Keeps what was typed.
pub(super) fn keep(ctx: &Ctx, address: &str, typed: &Posted, response: &mut Response) {
    let path = ctx.here().split('?').next().unwrap_or_default();
    let short = |name: &&&str| (1..=LONGEST).contains(&typed.get(name).len());
    let kept = Kept {
        path: path.to_owned(),
        fields: FIELDS
            .iter()
            .filter(short)
            .map(|name| ((*name).to_owned(), typed.get(name).to_owned()))
            .collect(),
    };
    if let Ok(json) = serde_json::to_vec(&kept) {
        set(ctx, address, &BASE64URL_NOPAD.encode(&json), AGE, response);
    }
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
