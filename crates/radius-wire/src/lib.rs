//! RADIUS packets (RFC 2865, 2869, 3579, 5997): reading, writing, authenticators and password hiding.
//!
//! [`Packet::parse`] borrows the datagram and copies nothing. [`ReplyBuilder`] and [`RequestBuilder`] write
//! into the caller's buffer. [`SharedSecret`] holds the keyed MD5 states, so that a secret is hashed once.
//!
//! Deliberately absent: sockets, clocks, a duplicate cache, any decision on who may log in, dictionaries of
//! vendors, accounting, and the random numbers of a request (they are parameters).
#![forbid(unsafe_code)]

pub mod attribute;
mod code;
mod error;
mod packet;
mod password;
mod reply;
mod request;
mod secret;
mod text;
mod writer;

pub use code::Code;
pub use error::WireError;
pub use packet::{Attribute, Attributes, MessageAuthenticator, Packet};
pub use password::{MAX_PASSWORD, hide_password, reveal_password};
pub use reply::ReplyBuilder;
pub use request::{RequestBuilder, Signing};
pub use secret::{Authenticator, SharedSecret};
pub use text::split_text;

/// Octets of a packet's header: Code, Identifier, Length, Authenticator (RFC 2865 section 3).
pub const HEADER: usize = 20;

/// The longest packet (RFC 2865 section 3). A receive buffer of this size loses nothing that counts.
pub const MAX_PACKET: usize = 4096;

/// The longest value of one attribute (RFC 2865 section 5).
pub const MAX_VALUE: usize = 253;
