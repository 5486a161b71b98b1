//! Tests of the store through its public face.
#![expect(clippy::unwrap_used, reason = "test")]

mod common;
mod contract;
mod crash;
mod documents;
mod files;
