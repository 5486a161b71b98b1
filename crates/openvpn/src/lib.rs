//! otpost-openvpn: an `auth-user-pass-verify` helper for OpenVPN servers from 2.6 on. It asks a RADIUS server whether a login
//! is right, and lets stock clients be asked for the code.
//!
//! OpenVPN starts it for each login with name and password in a file (`via-file`) and waits for its end, with the traffic of
//! everybody else; so it hands the login to a process of its own and ends at once with "deferred". That process asks, and writes
//! the verdict into the files that OpenVPN named in the environment. An Access-Challenge becomes a failure whose reason is
//! `CRV1:...` (OpenVPN's dynamic challenge): the client asks its user and connects again with State and answer in the password
//! field. `SCRV1:...`, the static challenge, is understood too.
//!
//! Fails closed: it never ends with "accepted", and a login whose process dies is never let in. It keeps nothing between logins,
//! opens no port, and no name of a file, argument or line of its log holds a password, a code, a State or the shared secret.
//!
//! Does not: change what a connection may do (no reply attribute reaches OpenVPN this way), ask again on renegotiation (OpenVPN's
//! `auth-gen-token` is for that), or speak to otpostd.
#![forbid(unsafe_code)]

mod call;
mod challenge;
mod cli;
mod credentials;
mod error;
mod login;

pub use cli::run;
pub use error::HelperError;
