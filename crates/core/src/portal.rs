//! What people do on the portal and administrators on the console: sessions, enrolments, codes asked for on a page, step-up, roles.
//!
//! The portal process renders; everything here is decided by the daemon. A session's cookie is 256 random bits, of which only the
//! SHA-256 is kept. Every code asked for on a page is one [`flow::CodeFlow`], whatever it is for.

pub mod administrator;
pub mod answer;
pub mod enrolment;
pub mod factors;
pub mod flow;
pub mod invite;
pub mod permission;
pub mod reason;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod site;
pub mod verification;
