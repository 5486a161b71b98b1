//! otpostd: owns users, tokens and SMS sending. It alone opens the database, holds the keys and talks to SMS providers; PAM modules,
//! otpost-radius, the portal and otpostctl ask it over role sockets.
//!
//! Deliberately absent: any listener that a network reaches, and any rule of a login (those are in `otpost-core`).
//! Entry points: [`run::run`] from `main`, [`serve::serve`] for whoever brings its own clock and rng.
#![forbid(unsafe_code)]

mod accounting;
mod admin;
pub mod console;
pub mod db;
pub mod dictionaries;
pub mod imports;
pub mod ipc;
pub mod keys;
pub mod login;
pub mod mail;
mod outbox;
pub mod passwords;
mod portal;
mod postman;
pub mod providers;
pub mod refused;
mod rows;
pub mod run;
pub mod serve;
pub mod sources;
pub mod state;
pub mod stats;
pub mod sweep;
pub mod sys;
