//! Mail against real servers: aiosmtpd with and without TLS, and peers that hang, lie and babble.
#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "test")]

mod common;
mod hostile;
mod server;
