//! Cookies. The session's holds the opaque text that the daemon minted, and nothing else is known here.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use otpost_ipc::Secret;

use super::Ctx;
use crate::Surface;

/// Longest session text that is passed on.
const LONGEST: usize = 256;
/// A year, for language and appearance.
const YEAR: u32 = 31_536_000;

/// The session cookie's name. `__Host-` makes browsers insist on Secure, Path=/ and no Domain, so that no other host
/// can plant one. Over plain HTTP, which is for loopback only, they would refuse such a cookie and Secure altogether:
/// there the name is bare.
const fn session_name(surface: Surface, https: bool) -> &'static str {
    match (surface, https) {
        (Surface::SelfService, true) => "__Host-sid",
        (Surface::SelfService, false) => "sid",
        (Surface::Console, true) => "__Host-adm",
        (Surface::Console, false) => "adm",
    }
}

/// The value of the first cookie called `name`.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    (headers.get_all(header::COOKIE).iter())
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The session text of a request, if it could be one.
pub(crate) fn session(headers: &HeaderMap, surface: Surface, https: bool) -> Option<Secret> {
    read(headers, session_name(surface, https))
        .filter(|value| plausible(value))
        .map(Secret::from)
}

fn plausible(value: &str) -> bool {
    (1..=LONGEST).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'))
}

/// Hands the browser the session that the daemon minted. It ends with the browser, or after `max_age` seconds.
#[must_use]
pub fn with_session(ctx: &Ctx, session: &Secret, max_age: u32, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    let value = session.expose();
    if plausible(value) {
        let age = format!("; Max-Age={max_age}");
        append(&mut response, &session_cookie(ctx, value, &age), true);
    } else {
        tracing::error!("the daemon minted a session that is no cookie value");
    }
    response
}

/// Takes the session away from the browser; the daemon has to end it as well.
#[must_use]
pub fn without_session(ctx: &Ctx, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    append(&mut response, &session_cookie(ctx, "", "; Max-Age=0"), false);
    response
}

fn session_cookie(ctx: &Ctx, value: &str, age: &str) -> String {
    let name = session_name(ctx.surface(), ctx.https());
    // Links in texts and mails lead to the self-service pages, and shall find people signed in there.
    let same_site = match ctx.surface() {
        Surface::SelfService => "Lax",
        Surface::Console => "Strict",
    };
    let secure = if ctx.https() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{age}")
}

/// Keeps a preference for a year; an empty value forgets it.
pub(crate) fn preference(ctx: &Ctx, name: &str, value: &str, response: &mut Response) {
    let age = if value.is_empty() { 0 } else { YEAR };
    let secure = if ctx.https() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={age}");
    append(response, &cookie, false);
}

fn append(response: &mut Response, cookie: &str, secret: bool) {
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(secret);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
