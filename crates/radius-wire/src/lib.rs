//! RADIUS packets (RFC 2865, 2866, 2869, 3579, 5997): reading, writing, authenticators, password hiding, and the
//! methods a code can be checked with: CHAP, MS-CHAP (RFC 2433, 2759) with its keys (RFC 2548, 3079), EAP-GTC
//! (RFC 3748).
//!
//! [`Packet::parse`] borrows the datagram and copies nothing. [`ReplyBuilder`] and [`RequestBuilder`] write
//! into the caller's buffer. [`SharedSecret`] holds the keyed MD5 states, so that a secret is hashed once.
//! [`Chap`], [`MsChap`] and [`EapStep`] say what a request asks to be checked; [`Accounting`] what it reports.
//!
//! Deliberately absent: sockets, clocks, a duplicate cache, any decision on who may log in, and random numbers:
//! authenticators, challenges, salts and the time are parameters. MD5, MD4 and DES are what the protocol has;
//! nothing else here rests on them.
#![forbid(unsafe_code)]

mod accounting;
pub mod attribute;
mod chap;
mod code;
pub mod dictionary;
mod digest;
mod eap;
mod eap_server;
mod error;
mod mppe;
mod ms_chap;
mod ms_chap_error;
mod packet;
mod password;
mod reply;
mod request;
mod salt;
mod sealed_state;
mod secret;
mod text;
pub mod value;
mod vendor;
mod writer;

pub use accounting::{Accounting, AcctStatus};
pub use chap::Chap;
pub use code::Code;
pub use eap::{EapCode, EapMethod, EapPacket, join_eap, next_identifier};
pub use eap_server::{EapPhase, EapRefusal, EapStep};
pub use error::WireError;
pub use mppe::{MppeEncryption, MppeKeys};
pub use ms_chap::{MsChap, MsChapV1, MsChapV2, MsChapV2Accepted, MsChapV2Credentials};
pub use ms_chap_error::MsChapError;
pub use packet::{Attribute, Attributes, MessageAuthenticator, Packet};
pub use password::{MAX_PASSWORD, hide_password, reveal_password};
pub use reply::ReplyBuilder;
pub use request::{RequestBuilder, Signing};
pub use salt::{MAX_SALTED, Salt, hide_salted, reveal_salted};
pub use sealed_state::{SEALED_STATE, SealedState, StateSealer};
pub use secret::{Authenticator, SharedSecret};
pub use text::split_text;
pub use vendor::{MAX_VENDOR_VALUE, MICROSOFT, VendorAttributes};

/// Octets of a packet's header: Code, Identifier, Length, Authenticator (RFC 2865 section 3).
pub const HEADER: usize = 20;

/// The longest packet (RFC 2865 section 3). A receive buffer of this size loses nothing that counts.
pub const MAX_PACKET: usize = 4096;

/// The longest value of one attribute (RFC 2865 section 5).
pub const MAX_VALUE: usize = 253;
