//! The pages for everybody: `/s/{address}` and what lies below.
//!
//! Each handler asks the daemon one thing and renders what it says; [`visit::Visit`] does what all of them need. Which step is open
//! is the daemon's knowledge: a page that is asked for out of turn leads to the one that is.

mod act;
mod code;
mod enrol;
mod home;
mod kept;
mod once;
mod sign_in;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::App;

/// The routes of self-service, beside those that both sites have.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/s/{address}", get(sign_in::show).post(sign_in::submit))
        .route("/s/{address}/mail", get(sign_in::mail).post(sign_in::ask_mail))
        .route("/s/{address}/code", get(code::show).post(code::submit))
        .route("/s/{address}/sign-out", post(sign_in::sign_out))
        .route("/s/{address}/home", get(home::show))
        .route("/s/{address}/add", get(enrol::choose).post(enrol::chosen))
        .route("/s/{address}/add/sms", get(enrol::sms).post(enrol::begin_sms))
        .route("/s/{address}/add/totp", get(enrol::totp).post(enrol::begin_totp))
        .route("/s/{address}/enrol/{id}", get(enrol::show).post(enrol::submit))
        .route(
            "/s/{address}/enrol/{id}/number",
            get(enrol::number).post(enrol::change_number),
        )
        .route("/s/{address}/confirm/{id}", get(act::confirm).post(act::answer))
        .route("/s/{address}/do/{act}", get(act::form).post(act::submit))
}
