//! Requests that other sites make a browser send.
//!
//! A request that may change something is served only where the browser says that it comes from our own page
//! (`Sec-Fetch-Site`), or, from a browser too old for that, where `Origin` is our own host. Forms of somebody who is
//! signed in carry a token as well ([`super::Posted`]). The cookie's SameSite is the third layer.

use axum::http::{HeaderMap, Method, header};
use otpost_ipc::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Whether a request with this method and these headers was made by our own page, or changes nothing anyway.
pub(crate) fn own_page(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    match (origin, text(header::HOST)) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// What the forms of a session carry: derived from the cookie's value, so that it changes with it, needs no store and
/// gives nothing away about it.
pub(crate) fn token(session: &Secret) -> String {
    let mut hash = Sha256::new();
    hash.update(b"otpost form token 1\0");
    hash.update(session.expose().as_bytes());
    data_encoding::BASE64URL_NOPAD.encode(&hash.finalize())
}

/// Whether `given` is the token of `session`.
pub(crate) fn token_matches(session: &Secret, given: &str) -> bool {
    token(session).as_bytes().ct_eq(given.as_bytes()).into()
}
