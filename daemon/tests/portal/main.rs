//! Self-service over portal.sock: a daemon in this process, its real store, texts into a file, mail to a server in this process, and
//! a clock that the tests turn.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test"
)]

mod acts;
mod alias;
mod by_mail;
mod common;
mod foreign;
mod recovery;
mod sessions;
mod sign_in;
mod step_up;
