//! otpost-radius over real sockets.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test"
)]

mod accounting;
mod common;
mod daemon;
mod duplicates;
mod fuzz;
mod login;
mod overload;
mod peers;
mod program;
mod signing;
mod silence;
mod status;
mod table;
