//! The pages for administrators.
//!
//! Each handler asks the daemon and renders what it says; [`desk::Desk`] does what all of them need. What a role may not do is not
//! shown, but it is the daemon that refuses it.

mod access;
mod account;
mod actions;
mod administrators;
mod ask;
mod client_form;
mod connections;
mod desk;
mod enrolment;
mod entry;
mod import;
mod overview;
mod paging;
mod providers;
mod radius;
mod records;
mod resource_lists;
mod resources;
mod self_service;
mod sentences;
mod settings;
mod setup;
mod sources;
mod tables;
mod tokens;
mod typed;
mod user;
mod user_acts;
mod users;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::Redirect,
    routing::{get, post},
};

use crate::App;

/// The routes of the console, beside those that both sites have.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/setup", get(setup::setup_by_query).post(setup::set_up_by_query))
        .route("/setup/{link}", get(setup::setup).post(setup::set_up))
        .route("/sign-in", get(entry::sign_in).post(entry::signed_in))
        .route("/code", get(entry::code).post(entry::coded))
        .route("/sign-out", post(entry::sign_out))
        .route("/account", get(account::account))
        .route("/account/others", post(account::end_others))
        .route(
            "/account/password",
            get(account::password).post(account::set_password),
        )
        .route(
            "/account/recovery",
            get(account::recovery).post(account::renew_recovery),
        )
        .route("/", get(overview::overview))
        .merge(resource_routes())
        .merge(user_routes())
        .merge(system_routes())
        .merge(settings_routes())
}

fn resource_routes() -> Router<Arc<App>> {
    let own = |rest: &str| format!("/resources/{{name}}{rest}");
    Router::new()
        .route("/resources", get(resources::list))
        .route("/add/resource", get(resources::new).post(resources::add))
        .route(&own(""), get(resources::general).post(resources::set_general))
        .route(
            &own("/policies"),
            get(resources::policies).post(resources::set_policies),
        )
        .route(
            &own("/users"),
            get(resource_lists::users).post(resource_lists::bind),
        )
        .route(&own("/tokens"), get(resource_lists::tokens))
        .route(&own("/radius"), get(resource_lists::clients))
        .route(&own("/access"), get(access::access).post(access::set_access))
        .route(&own("/activity"), get(resource_lists::activity))
        .route(
            &own("/invite"),
            get(resource_lists::invite).post(resource_lists::send_invitations),
        )
        .route(&own("/remove"), get(resources::removal).post(resources::remove))
        .route(
            &own("/self-service"),
            get(self_service::general).post(self_service::set_general),
        )
        .route(
            &own("/self-service/actions"),
            get(actions::actions).post(actions::set_actions),
        )
        .route(
            &own("/self-service/enrollment"),
            get(self_service::enrollment).post(self_service::set_enrollment),
        )
}

fn user_routes() -> Router<Arc<App>> {
    let own = |rest: &str| format!("/users/{{login}}{rest}");
    Router::new()
        .route("/users", get(users::list))
        .route("/export/users.csv", get(users::export))
        .route(
            "/import",
            get(import::new)
                .post(import::add)
                .layer(DefaultBodyLimit::max(import::FILE)),
        )
        .route("/import/{id}", get(import::import).post(import::apply))
        .route("/add/user", get(users::new).post(users::add))
        .route(&own(""), get(user::user).post(user::act))
        .route(&own("/do/{act}"), get(user_acts::form).post(user_acts::submit))
        .route(
            &own("/enrolments/{id}"),
            get(enrolment::stands).post(enrolment::submit),
        )
        .route("/connections", get(connections::list))
        .route("/tokens", get(tokens::list))
        .route(&own("/tokens/{id}"), get(tokens::token).post(tokens::set))
        .route(
            &own("/tokens/{id}/remove"),
            get(tokens::removal).post(tokens::remove),
        )
}

fn system_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/radius", get(radius::list))
        .route("/add/radius", get(radius::new).post(radius::add))
        .route("/radius/{name}", get(radius::client).post(radius::set))
        .route("/radius/{name}/remove", get(radius::removal).post(radius::remove))
        .route("/sources", get(sources::list))
        .route("/add/source", get(sources::new).post(sources::add))
        .route("/sources/{name}", get(sources::source).post(sources::set))
        .route("/sources/{name}/test", get(sources::test).post(sources::tried))
        .route(
            "/sources/{name}/remove",
            get(sources::removal).post(sources::remove),
        )
        .route("/providers", get(providers::list))
        .route("/add/provider", get(providers::new).post(providers::add))
        .route("/providers/{name}", get(providers::provider).post(providers::set))
        .route(
            "/providers/{name}/test",
            get(providers::test).post(providers::send_test),
        )
        .route(
            "/providers/{name}/remove",
            get(providers::removal).post(providers::remove),
        )
        .route("/messages", get(records::messages))
        .route("/audit", get(records::audit))
        .route("/audit/verify", get(records::unverified).post(records::verify))
        .route("/explain", get(records::explain))
}

fn settings_routes() -> Router<Arc<App>> {
    use administrators::keys;

    let one = |rest: &str| format!("/settings/administrators/{{login}}{rest}");
    Router::new()
        .route("/settings", get(|| async { Redirect::to("/settings/sms") }))
        .route("/settings/sms", get(settings::sms).post(settings::set_sms))
        .route(
            "/settings/portal",
            get(settings::portal).post(settings::set_portal),
        )
        .route("/settings/mail", get(settings::mail).post(settings::set_mail))
        .route(
            "/settings/mail/test",
            get(settings::mail_test).post(settings::send_mail_test),
        )
        .route("/settings/administrators", get(administrators::list))
        .route(
            "/add/administrator",
            get(administrators::new).post(administrators::add),
        )
        .route(
            &one(""),
            get(administrators::administrator).post(administrators::set),
        )
        .route(
            &one("/reset"),
            get(administrators::resetting).post(administrators::reset),
        )
        .route(
            &one("/remove"),
            get(administrators::removal).post(administrators::remove),
        )
        .route("/settings/keys", get(keys::list))
        .route("/add/key", get(keys::new).post(keys::add))
        .route(
            "/settings/keys/{name}/remove",
            get(keys::removal).post(keys::remove),
        )
}

#[cfg(test)]
mod tests;
