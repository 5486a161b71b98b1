//! The messages between otpost's processes, their framing, and clients for them.
//!
//! One request enum per role ([`pam::PamOp`], [`radius::RadiusOp`], [`portal::PortalOp`], [`admin::AdminOp`]): a role cannot even
//! encode another role's request. Wire types are not domain types; the daemon translates in one file.
//!
//! A connection starts with one [`Hello`] frame each way; then requests carry an id, may be pipelined and are
//! answered in any order. EOF at any point is an error at once.
//!
//! Deliberately absent: any decision, the store, and an async runtime unless the feature `tokio` asks for it.
#![forbid(unsafe_code)]

pub mod admin;
pub mod client;
pub mod frame;
pub mod pam;
pub mod peer;
pub mod polled;
pub mod portal;
pub mod radius;
mod secret;
#[cfg(test)]
mod snapshot;
mod sys;

#[cfg(feature = "tokio")]
pub mod aio;

use serde::{Deserialize, Serialize};

pub use secret::Secret;

/// Number of the protocol. It grows with any change of a message; the snapshot test pins both.
pub const PROTO: u32 = 1;

/// Which socket, and so which request enum, a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// `pam.sock`: PAM modules, root or the user's own process.
    Pam,
    /// `radius.sock`: otpost-radius.
    Radius,
    /// `portal.sock`: otpost-portal.
    Portal,
    /// `admin.sock`: otpostctl.
    Admin,
}

/// First frame of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTO`] of the sender.
    pub proto: u32,
    /// The socket's role as the sender understands it.
    pub role: Role,
    /// Package version of the sender, for logs.
    pub version: String,
}

impl Hello {
    /// The hello of this build for `role`.
    #[must_use]
    pub fn of(role: Role) -> Self {
        Self {
            proto: PROTO,
            role,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A request of a role, with the id its answer will carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<Op> {
    /// Chosen by the client, unique among its unanswered requests.
    pub id: u64,
    /// What is asked.
    pub op: Op,
}

/// The answer to the request of the same id. Exactly one of `ok` and `err` is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response<Reply> {
    /// The request's id; 0 in an error that ends the connection before a request was read.
    pub id: u64,
    /// The answer, or why there is none.
    #[serde(flatten)]
    pub outcome: Outcome<Reply>,
}

/// `ok` or `err` of a [`Response`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome<Reply> {
    /// The request was carried out; for a login this includes "deny".
    Ok(Reply),
    /// The request was not carried out.
    Err(Fault),
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (ref {reference})")]
pub struct Fault {
    /// What kind of failure, for programs.
    pub code: FaultCode,
    /// What happened and what mends it, for people. Never holds a secret.
    pub message: String,
    /// Seconds after which the same request may pass, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Short reference that the daemon's log carries too.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// Kinds of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// The frame or its JSON cannot be read; the client is to blame.
    Malformed,
    /// Another [`PROTO`], or another role's socket.
    Protocol,
    /// The peer's credentials do not allow the request.
    Forbidden,
    /// A field's value is refused; the message names it and the rule.
    Invalid,
    /// The named thing does not exist.
    NotFound,
    /// The name, phone or address is taken already.
    Conflict,
    /// Too many requests or connections of this peer.
    Busy,
    /// The store cannot be read or written just now; nothing was changed.
    Unavailable,
    /// A fault of the daemon's own.
    Internal,
}

/// What the daemon wants a terminal (PAM conversation, VPN dialogue) to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum LoginReply {
    /// Show `text`, read an answer, send it with `session`.
    Prompt {
        /// 128-bit session, 32 hex digits; RADIUS State carries it.
        session: String,
        /// Complete prompt: masked number, label, what went wrong before.
        text: String,
        /// Whether the answer may be shown while typed.
        echo: bool,
        /// Seconds until the session ends.
        expires_in: u32,
    },
    /// Let the user in.
    Allow {
        /// Reply attributes of the resource, in order (RADIUS only).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attributes: Vec<Attribute>,
        /// Why, for the caller's log.
        reason: AllowReason,
    },
    /// This module has no say for this login: PAM_IGNORE. Never sent over RADIUS.
    Ignore,
    /// Keep the user out.
    Deny {
        /// What the user may be told; says nothing an attacker can use.
        text: String,
        /// What kind of denial.
        kind: DenyKind,
        /// Short reference shown to the user and found in the audit log.
        #[serde(rename = "ref")]
        reference: String,
    },
}

/// Why a login was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowReason {
    /// The right code.
    Code,
    /// A timed bypass set by an administrator.
    Bypass,
    /// The resource lets users without a token in.
    Unenrolled,
    /// The resource lets users with a disabled token in.
    TokenDisabled,
    /// A rule exempts the user, group or network.
    Exempt,
    /// A code was given from there within the remembered window.
    Remembered,
    /// A one-time password of an authenticator app.
    Totp,
    /// A recovery code.
    Recovery,
}

/// Kinds of denial, as coarse as a client needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DenyKind {
    /// Wrong, unknown, not entitled: PAM_AUTH_ERR, Access-Reject.
    Denied,
    /// The last try was used: PAM_MAXTRIES, Access-Reject.
    MaxTries,
    /// Nothing wrong with the user; the service cannot decide now: PAM_AUTHINFO_UNAVAIL.
    Unavailable,
}

/// A RADIUS reply attribute as type and value octets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Attribute type (RFC 2865 section 5).
    pub code: u8,
    /// Value, hex, 0..=253 octets.
    pub value: String,
}
