//! HTTP: what happens to every request around its handler.
//!
//! From outside in: [`wrap`] makes the [`Ctx`] and sets the headers; plain HTTP from elsewhere than loopback or a
//! proxy is refused; floods are shed; unsafe methods from other sites are refused; the handler runs under a time limit
//! and may panic; whatever failed without a page of its own gets one. Bodies are limited to [`BODY`] octets.

mod agent;
mod assets;
mod brand;
mod context;
mod cookies;
mod csrf;
mod failure;
mod form;
mod headers;
mod peer;
mod prefs;
mod shed;
mod wrap;

pub use agent::short_agent;
pub use assets::{asset_path, first_page_octets};
pub use brand::Accent;
pub use context::{Ctx, Theme};
pub(crate) use cookies::read as cookie;
pub use cookies::{with_session, without_session};
pub use failure::PageError;
pub use form::Posted;
pub(crate) use prefs::{choose_language, local};
pub(crate) use shed::{Shed, TIDY};
pub use wrap::{BODY, wrap};

use axum::{
    Router,
    routing::{get, post},
};

use std::sync::Arc;

use crate::App;

/// The routes that both sites have: assets, accent colours, language and appearance.
pub fn common() -> Router<Arc<App>> {
    Router::new()
        .route("/assets/{name}", get(assets::serve))
        .route("/brand/{file}", get(brand::serve))
        .route("/favicon.ico", get(assets::favicon))
        .route("/preferences/language", post(prefs::language))
        .route("/preferences/theme", post(prefs::theme))
}

#[cfg(test)]
pub(crate) mod tests;
