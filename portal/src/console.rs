//! The pages for administrators.
//!
//! Each handler asks the daemon and renders what it says; [`desk::Desk`] does what all of them need. What a role may not do is not
//! shown, but it is the daemon that refuses it.

mod account;
mod ask;
mod desk;
mod entry;
mod overview;
mod typed;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::App;

/// The routes of the console, beside those that both sites have.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/setup", get(entry::setup_by_query).post(entry::set_up_by_query))
        .route("/setup/{link}", get(entry::setup).post(entry::set_up))
        .route("/sign-in", get(entry::sign_in).post(entry::signed_in))
        .route("/code", get(entry::code).post(entry::coded))
        .route("/sign-out", post(entry::sign_out))
        .route("/account", get(account::account))
        .route("/account/others", post(account::end_others))
        .route("/account/password", get(account::password).post(account::set_password))
        .route("/account/recovery", get(account::recovery).post(account::renew_recovery))
        .route("/", get(overview::overview))
}
