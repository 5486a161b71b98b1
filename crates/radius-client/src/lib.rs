//! Asks a RADIUS server from a program that may wait for it: `otpostctl radius test`, the demonstration, and the helper of
//! OpenVPN servers.
//!
//! [`Server::ask`] sends one request, again and again with the same octets, until a reply that can be trusted: its Identifier,
//! its Response Authenticator and, unless [`Server::signing`] says otherwise, a valid Message-Authenticator. A reply that cannot
//! be trusted does not end the wait for the real one.
//!
//! Does not: fail over between servers, answer challenges, decide anything, or log. The daemon's upstream servers have a client of
//! their own, which does not block.
#![forbid(unsafe_code)]

mod error;
mod reply;
mod resolve;
mod server;
mod sys;

pub use error::ClientError;
pub use reply::Reply;
pub use resolve::{PORT, resolve};
pub use server::Server;
pub use sys::random;
