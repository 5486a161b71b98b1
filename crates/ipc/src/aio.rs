//! The same protocol for async programs: a client that pipelines, and the server's side of a connection.
//!
//! Many calls share one connection and are answered in any order; frames that are ready together leave in one
//! write. No timer runs here: where a wait must be bounded, the caller passes the future that bounds it.
//! Reconnecting is the caller's business.

mod client;
mod frames;
mod server;

pub use client::AsyncClient;
pub use server::{Connection, ServeError};

#[cfg(test)]
mod tests;
