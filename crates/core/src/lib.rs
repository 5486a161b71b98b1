//! What otpost decides, without doing anything: no IO, no clock, no randomness of its own, no log, no SQL.
//!
//! A shell loads an aggregate, calls a function here with `now` and an [`Rng`], and applies the returned
//! changes in one transaction. Entry points: [`login::begin`], [`login::answer`], [`gate::check`],
//! [`outbox::claim`] and [`outbox::settle`].
//!
//! Deliberately absent: anything asynchronous, any engine type, any text of a protocol.
#![forbid(unsafe_code)]

pub mod access;
pub mod accounting;
pub mod audit;
pub mod challenge;
pub mod client;
pub mod code;
pub mod gate;
pub mod ids;
pub mod import;
pub mod keys;
pub mod limits;
pub mod login;
pub mod mail;
pub mod name;
pub mod net;
pub mod outbox;
pub mod phone;
pub mod portal;
pub mod provider;
pub mod quota;
pub mod recovery;
pub mod resource;
pub mod source;
pub mod stats;
pub mod text;
pub mod time;
pub mod token;
pub mod totp;
pub mod user;

pub use ids::Rng;
pub use time::Timestamp;
