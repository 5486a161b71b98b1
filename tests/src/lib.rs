//! What the end-to-end tests share. The tests themselves are in tests/: they drive the real programs from outside,
//! with real peers. Nothing of the product imports this crate.
#![forbid(unsafe_code)]

pub mod authenticator;
pub mod bench;
pub mod browser;
pub mod clock;
pub mod command;
pub mod dice;
pub mod gateway;
pub mod http;
pub mod needles;
pub mod owner;
pub mod pamstack;
pub mod peers;
pub mod person;
pub mod postbox;
pub mod radclient;
pub mod scripted;
pub mod site;
pub mod skip;
pub mod sshd;
pub mod stack;
pub mod terminal;
pub mod vpn;

pub use skip::skip;
