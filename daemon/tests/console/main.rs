//! The console and the REST API over portal.sock: a daemon in this process, its real store, and a clock that the tests turn.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test"
)]

mod api;
mod common;
mod first_run;
mod mail;
mod scopes;
mod sessions;
mod sign_in;
