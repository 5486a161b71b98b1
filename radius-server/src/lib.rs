//! otpost-radius: answers VPNs over RADIUS (RFC 2865), asks otpostd for every decision.
//!
//! It verifies who sent a packet (client table from the daemon, Message-Authenticator), answers retransmissions
//! from its reply cache (RFC 5080 section 2.2.2), reveals the password, asks, and writes the reply. While the
//! daemon is away it answers nothing: silence makes a VPN try again, a Reject would not.
//!
//! Deliberately absent: a store, keys of its own, any decision on a login, RadSec, accounting, EAP.
//!
//! Entry points: [`run`] is the program; [`serve`] the server alone; [`Server`] where its addresses and
//! counters are wanted.
#![forbid(unsafe_code)]

mod account;
mod asking;
mod cache;
mod cli;
mod clients;
mod desk;
mod drops;
mod eap;
mod engine;
mod error;
mod jobs;
mod latch;
mod link;
mod mailbox;
mod pending;
mod port;
mod question;
mod queue;
mod rejects;
mod reply;
mod request;
mod server;
mod sessions;
mod silence;
mod socket;
mod sys;
mod transfer;

pub use cli::run;
pub use error::ServeError;
pub use server::{Deps, Server, serve};
pub use silence::{Counters, Silence};
