//! otpost-portal over real sockets: TLS, reload, and the program as a sysadmin meets it.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

mod common;
mod program;
mod tls;
